/*
 * setup: the one command line tool of Pillarbox. This file holds the table of
 * commands and finds the one that is meant; each cmd_*.c holds one group.
 */
#include "setup/commands.h"

#include "conf/conf_load.h"
#include "setup/help.h"

extern char **environ;

struct command {
	const char *group;
	const char *verb; /* NULL: the group is the command */
	const char *tool; /* docker-mailserver's program of the same job */
	int (*run)(struct setup *s, int argc, char **argv);
	const char *usage;
};

static const struct command commands[] = {
	{ "email", "add", "addmailuser", cmd_email_add, HELP_EMAIL_ADD },
	{ "email", "update", "updatemailuser", cmd_email_update,
	    HELP_EMAIL_UPDATE },
	{ "email", "del", "delmailuser", cmd_email_del, HELP_EMAIL_DEL },
	{ "email", "list", "listmailuser", cmd_email_list, HELP_EMAIL_LIST },
	{ "alias", "add", "addalias", cmd_alias_add, HELP_ALIAS_ADD },
	{ "alias", "del", "delalias", cmd_alias_del, HELP_ALIAS_DEL },
	{ "alias", "list", "listalias", cmd_alias_list, HELP_ALIAS_LIST },
	{ "quota", "set", "setquota", cmd_quota_set, HELP_QUOTA_SET },
	{ "quota", "del", "delquota", cmd_quota_del, HELP_QUOTA_DEL },
	{ "dovecot-master", "add", "adddovecotmasteruser", cmd_master_add,
	    HELP_MASTER_ADD },
	{ "dovecot-master", "update", "updatedovecotmasteruser",
	    cmd_master_update, HELP_MASTER_UPDATE },
	{ "dovecot-master", "del", "deldovecotmasteruser", cmd_master_del,
	    HELP_MASTER_DEL },
	{ "dovecot-master", "list", "listdovecotmasteruser", cmd_master_list,
	    HELP_MASTER_LIST },
	{ "mailbox", "list", "setup", cmd_mailbox_list, HELP_MAILBOX_LIST },
	{ "mailbox", "status", "setup", cmd_mailbox_status,
	    HELP_MAILBOX_STATUS },
	{ "mailbox", "create", "setup", cmd_mailbox_create,
	    HELP_MAILBOX_CREATE },
	{ "mailbox", "rename", "setup", cmd_mailbox_rename,
	    HELP_MAILBOX_RENAME },
	{ "mailbox", "delete", "setup", cmd_mailbox_delete,
	    HELP_MAILBOX_DELETE },
	{ "mailbox", "rebuild", "setup", cmd_mailbox_rebuild,
	    HELP_MAILBOX_REBUILD },
	{ "mailbox", "acl", "setup", cmd_mailbox_acl, HELP_MAILBOX_ACL },
	{ "mailbox", "export", "setup", cmd_mailbox_export,
	    HELP_MAILBOX_EXPORT },
	{ "mailbox", "import", "setup", cmd_mailbox_import,
	    HELP_MAILBOX_IMPORT },
	{ "config", "dkim", "open-dkim", cmd_config_dkim, HELP_CONFIG_DKIM },
	/* By that name only; config dkim calls it where rspamd's keys are. */
	{ "config", "dkim", "rspamd-dkim", cmd_rspamd_dkim, HELP_RSPAMD_DKIM },
	{ "config", "show", "setup", cmd_config_show, HELP_CONFIG_SHOW },
	{ "config", "check", "setup", cmd_config_check, HELP_CONFIG_CHECK },
	{ "config", "docs", "setup", cmd_config_docs, HELP_CONFIG_DOCS },
	{ "dns", "check", "setup", cmd_dns_check, HELP_DNS_CHECK },
	{ "dns", NULL, "setup", cmd_dns, HELP_DNS },
	{ "explain", "dkim", "setup", cmd_explain_dkim, HELP_EXPLAIN_DKIM },
	{ "explain", "dmarc", "setup", cmd_explain_dmarc,
	    HELP_EXPLAIN_DMARC },
	{ "explain", "arc", "setup", cmd_explain_arc, HELP_EXPLAIN_ARC },
	{ "dkim", "list", "setup", cmd_dkim_list, HELP_DKIM_LIST },
	{ "dkim", "show", "setup", cmd_dkim_show, HELP_DKIM_SHOW },
	{ "dkim", "rotate", "setup", cmd_dkim_rotate, HELP_DKIM_ROTATE },
	{ "dkim", "remove", "setup", cmd_dkim_remove, HELP_DKIM_REMOVE },
	{ "dkim", "sign", "setup", cmd_dkim_sign, HELP_DKIM_SIGN },
	{ "arc", "seal", "setup", cmd_arc_seal, HELP_ARC_SEAL },
	{ "explain", "spf", "setup", cmd_explain_spf, HELP_EXPLAIN_SPF },
	{ "tls", "selfsign", "setup", cmd_tls_selfsign, HELP_TLS },
	{ "tls", "check", "setup", cmd_tls_check, HELP_TLS },
	{ "migrate", "check", "setup", cmd_migrate_check, HELP_MIGRATE },
	{ "migrate", "back", "setup", cmd_migrate_back, HELP_MIGRATE },
	{ "status", NULL, "setup", cmd_status, HELP_STATUS },
	{ "dmarc", "report", "setup", cmd_dmarc_report, HELP_DMARC },
	{ "dmarc", "send", "setup", cmd_dmarc_send, HELP_DMARC },
	{ "queue", "list", "setup", cmd_queue, HELP_QUEUE },
	{ "queue", "show", "setup", cmd_queue, HELP_QUEUE },
	{ "queue", "flush", "setup", cmd_queue, HELP_QUEUE },
	{ "queue", "hold", "setup", cmd_queue, HELP_QUEUE },
	{ "queue", "release", "setup", cmd_queue, HELP_QUEUE },
	{ "queue", "delete", "setup", cmd_queue, HELP_QUEUE },
};

static int
run(const struct command *c, int argc, char **argv)
{
	struct setup s = { .tool = c->tool, .usage = c->usage,
		.group = c->group, .verb = c->verb };
	int status;

	if (argc > 0 && strcmp(argv[0], "help") == 0)
		return say_usage(&s, 0);
	conf_problems_init(&s.problems);
	/* A mistake in a setting must not keep anybody from adding an account;
	 * "config check" is where it is shown. */
	if (conf_load(&s.conf, environ, &s.problems) == -1)
		say(&s, LOG_DEBUG, "the configuration has errors, see "
		    "'setup config check'");
	if (*s.conf.timezone != '\0')
		setenv("TZ", s.conf.timezone, 1);
	else
		unsetenv("TZ"); /* empty would be UTC, not /etc/localtime */
	tzset();
	status = c->run(&s, argc, argv);
	conf_release(&s.conf);
	conf_problems_release(&s.problems);
	return fflush(stdout) == 0 ? status : 1;
}

static int
invalid(int argc, char **argv)
{
	fputs("The command '", stderr);
	for (int i = 0; i < argc; i++)
		fprintf(stderr, "%s%s", i > 0 ? " " : "", argv[i]);
	fputs("' is invalid.\nUse `setup help` to get an overview of all "
	    "commands.\n", stderr);
	return 2;
}

/* Called by one of docker-mailserver's names, through a link. */
static const struct command *
by_tool(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;

	for (size_t i = 0; i < LEN(commands); i++)
		if (strcmp(name, "setup") != 0 &&
		    strcmp(commands[i].tool, name) == 0)
			return &commands[i];
	return NULL;
}

int
main(int argc, char **argv)
{
	const struct command *c = argc > 0 ? by_tool(argv[0]) : NULL;

	log_init("setup", LOG_WARN);
	if (c != NULL)
		return run(c, argc - 1, argv + 1);
	if (argc < 2 || strcmp(argv[1], "help") == 0 ||
	    strcmp(argv[1], "--help") == 0) {
		fputs(HELP_SETUP, stdout);
		return fflush(stdout) == 0 ? 0 : 1;
	}
	for (size_t i = 0; i < LEN(commands); i++) {
		c = &commands[i];
		if (strcmp(argv[1], c->group) != 0)
			continue;
		if (c->verb == NULL)
			return run(c, argc - 2, argv + 2);
		if (argc > 2 && strcmp(argv[2], c->verb) == 0)
			return run(c, argc - 3, argv + 3);
	}
	return invalid(argc - 1, argv + 1);
}
