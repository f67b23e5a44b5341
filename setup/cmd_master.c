/* Masters: dms-compat 4.8. */
#include "setup/commands.h"

#include "conf/conf_accounts.h"
#include "conf/conf_scram.h"
#include "setup/account.h"
#include "setup/table.h"

static int
check(const struct setup *s, const char *arg)
{
	if (*arg != '\0')
		return 0;
	say_usage(s, 1);
	say_abort(s, "No account specified");
	return -1;
}

static const struct account_kind masters = {
	.file = CONF_MASTERS_FILE,
	.check = check,
	.is_name = conf_is_master,
	.wrong = "cannot be the name of a master",
	.scram_prefix = "*", /* as conf_scram_master */
};

int
cmd_master_add(struct setup *s, int argc, char **argv)
{
	return account_put(s, argc, argv, &masters, false);
}

int
cmd_master_update(struct setup *s, int argc, char **argv)
{
	return account_put(s, argc, argv, &masters, true);
}

/* A name that is not there is no error. */
int
cmd_master_del(struct setup *s, int argc, char **argv)
{
	int status = 0;

	if (argc < 1)
		return say_usage(s, 1);
	for (int i = 0; i < argc && status == 0; i++) {
		struct slice name = slice_str(argv[i]);
		struct buf verifier = BUF_INIT(LIMIT_ADDRESS);

		conf_scram_master(name, &verifier);
		if (check(s, argv[i]) == -1 || account_drop_line(s,
		    CONF_MASTERS_FILE, name, "|") == -1 ||
		    account_drop_line(s, CONF_SCRAM_FILE, buf_slice(&verifier),
		    "|") == -1)
			status = 1;
		buf_release(&verifier);
	}
	return status;
}

int
cmd_master_list(struct setup *s, int argc UNUSED, char **argv UNUSED)
{
	struct table t;
	struct slice rest, line, name;
	int status = 1;

	if (table_open_filled(s, &t, CONF_MASTERS_FILE) == 0) {
		rest = buf_slice(&t.text);
		while (table_next(&rest, &line)) {
			slice_split(&line, '|', &name);
			printf("* %.*s\n\n", SLICE_ARG(slice_trim(name)));
		}
		status = 0;
	}
	table_close(&t);
	return status;
}
