#include "setup/commands.h"

#include <sys/mman.h>

#include "conf/conf_accounts.h"
#include "conf/conf_load.h"
#include "conf/conf_quotas.h"
#include "conf/conf_scram.h"
#include "conf/conf_virtual.h"
#include "core/file.h"
#include "setup/account.h"
#include "setup/owner.h"
#include "setup/table.h"
#include "setup/usage.h"

int
account_check(const struct setup *s, const char *arg)
{
	if (*arg == '\0') {
		say_usage(s, 1);
		say_abort(s, "No account specified");
		return -1;
	}
	if (strchr(arg, '@') == NULL) {
		say_usage(s, 1);
		say_abort(s, "'%s' should include the domain "
		    "(eg: user@example.com)", arg);
		return -1;
	}
	return 0;
}

static bool
is_address(struct slice name)
{
	return conf_is_mailbox(name) && slice_find(name, '|') < 0 &&
	    name.p[0] != '#';
}

static const struct account_kind mailboxes = {
	.file = CONF_ACCOUNTS_FILE,
	.check = account_check,
	.is_name = is_address,
	.wrong = "cannot be the address of a mailbox",
	.scram_prefix = "",
};

int
cmd_email_add(struct setup *s, int argc, char **argv)
{
	return account_put(s, argc, argv, &mailboxes, false);
}

int
cmd_email_update(struct setup *s, int argc, char **argv)
{
	return account_put(s, argc, argv, &mailboxes, true);
}

enum data { DATA_ASK, DATA_DELETE, DATA_KEEP };

/* "MAIL/domain/local" of an address, and with domain_only "MAIL/domain". */
static void
data_path(const struct setup *s, struct slice address, bool domain_only,
    struct buf *out)
{
	ssize_t at = slice_rfind(address, '@');
	struct slice local = slice_head(address, (size_t)at);
	struct slice domain = slice_from(address, (size_t)at + 1);

	buf_addf(out, "%s/%.*s", s->conf.mail_dir, SLICE_ARG(domain));
	if (!domain_only)
		buf_addf(out, "/%.*s", SLICE_ARG(local));
	for (size_t i = strlen(s->conf.mail_dir); i < out->n; i++)
		out->p[i] = ascii_lower(out->p[i]);
}

static int
drop_aliases(const struct setup *s, struct slice address)
{
	struct table t;
	int r = table_open(s, &t, CONF_VIRTUAL_FILE, true);

	if (r == 0 && alias_remove(&t, NULL, address))
		r = table_save(s, &t, 0644);
	table_close(&t);
	return r;
}

static int
drop_data(const struct setup *s, struct slice address, const char *path)
{
	struct buf domain = BUF_INIT(8192);
	int status = 0;

	if (file_remove_tree(path) == -1)
		status = say_abort(s, "%s: %s", path, strerror(errno));
	data_path(s, address, true, &domain);
	/* Only when it is empty; otherwise others live there. */
	rmdir(buf_str(&domain));
	buf_release(&domain);
	return status;
}

static int
delete_account(const struct setup *s, struct slice address, enum data data)
{
	struct buf path = BUF_INIT(8192);
	struct table accounts;
	struct slice line;
	int status = 1;
	bool exists = table_open(s, &accounts, CONF_ACCOUNTS_FILE, false) ==
	    0 && conf_is_mailbox(address) &&
	    table_find(&accounts, address, "|", &line);

	table_close(&accounts);
	if (!exists)
		return say_abort(s, "'%.*s' does not exist",
		    SLICE_ARG(address));
	data_path(s, address, false, &path);
	if (data == DATA_DELETE && !file_exists(buf_str(&path))) {
		say_abort(s, "Mailbox data directory '%s' does not exist",
		    buf_str(&path));
		goto out;
	}
	if (data == DATA_DELETE)
		say(s, LOG_INFO, "Deleting mailbox data: '%s'", buf_str(&path));
	else
		say(s, LOG_INFO, data == DATA_KEEP ?
		    "Mailbox data explicitly kept (using -n)." :
		    "The mailbox data will not be deleted.");
	/* The account first: then nothing new arrives in the folder. */
	if (drop_aliases(s, address) == -1 ||
	    account_drop_line(s, CONF_QUOTAS_FILE, address, ":") == -1 ||
	    account_drop_line(s, CONF_ACCOUNTS_FILE, address, "|") == -1 ||
	    account_drop_line(s, CONF_SCRAM_FILE, address, "|") == -1)
		goto out;
	status = data == DATA_DELETE ?
	    drop_data(s, address, buf_str(&path)) : 0;
	if (status == 0)
		say(s, LOG_INFO, "'%.*s' and associated data (aliases, quotas) "
		    "deleted", SLICE_ARG(address));
out:
	buf_release(&path);
	return status;
}

static bool
has_accounts(const struct setup *s)
{
	struct table t;
	bool r = table_open(s, &t, CONF_ACCOUNTS_FILE, false) == 0 &&
	    t.text.n > 0;

	table_close(&t);
	return r;
}

static int
take_options(const struct setup *s, int *argc, char ***argv, enum data *data)
{
	for (; *argc > 0 && (*argv)[0][0] == '-'; (*argc)--, (*argv)++) {
		const char *o = (*argv)[0] + 1;

		if (*o == '\0' || strspn(o, "yYnN") != strlen(o)) {
			say_usage(s, 1);
			say_abort(s, "The option '?' is unknown");
			return -1;
		}
		*data = ascii_lower(o[strlen(o) - 1]) == 'y' ? DATA_DELETE :
		    DATA_KEEP;
	}
	return 0;
}

int
cmd_email_del(struct setup *s, int argc, char **argv)
{
	struct buf answer = BUF_INIT(100);
	enum data data = DATA_ASK;

	if (take_options(s, &argc, &argv, &data) == -1)
		return 1;
	if (!has_accounts(s))
		return 0;
	if (argc < 1)
		return say_usage(s, 1);
	if (data == DATA_ASK && ask("Do you want to delete the mailbox data as "
	    "well (removing all mails)? [y/N] ", false, &answer) == 0 &&
	    slice_ieq(slice_trim(buf_slice(&answer)), S("y")))
		data = DATA_DELETE;
	buf_release(&answer);
	for (int i = 0; i < argc; i++)
		if (delete_account(s, slice_str(argv[i]), data) != 0)
			return 1;
	return 0;
}

/* "    [ aliases -> a@x, b@y ]", if there are any. */
static void
list_aliases(const struct table *virtual, struct slice address)
{
	struct slice rest = buf_slice(&virtual->text), line, key;
	bool any = false;

	while (table_next(&rest, &line)) {
		if (!alias_next(&line, &key) || !alias_has(line, address))
			continue;
		printf("%s%.*s", any ? ", " : "\n    [ aliases -> ",
		    SLICE_ARG(key));
		any = true;
	}
	if (any)
		fputs(" ]", stdout);
}

/* What each account holds, filled in by the child. */
struct usages {
	const struct conf_accounts *accounts;
	uint64_t *bytes; /* shared with the child */
};

static int
read_usages(struct owner *o, void *ctx)
{
	struct usages *u = ctx;

	for (size_t i = 0; i < u->accounts->n; i++) {
		struct buf path = BUF_INIT(8192);
		struct store_usage held;

		owner_path(o, u->accounts->list[i].address, &path);
		/* Without an index, the names of the files tell. */
		u->bytes[i] = store_usage_at(buf_str(&path), &held) ==
		    STORE_OK ? held.bytes : usage_of(buf_str(&path));
		buf_release(&path);
	}
	return 0;
}

static bool
has_quotas(const struct setup *s)
{
	return s->conf.enable_quotas && !s->conf.smtp_only;
}

/* Whole KiB, as quotas are counted. */
static uint64_t
round_up(uint64_t bytes)
{
	return (bytes + 1023) / 1024 * 1024;
}

static void
list_account(const struct setup *s, const struct conf_account *a,
    const struct conf_quotas *quotas, uint64_t bytes,
    const struct table *virtual)
{
	struct conf_quota q = conf_quota_of(&s->conf, quotas, a->address,
	    a->extra);
	struct buf used = BUF_INIT(64), limit = BUF_INIT(64);
	uint64_t percent = 0;

	usage_format(round_up(bytes), &used);
	if (q.bytes == 0) {
		buf_addc(&limit, '~');
	} else {
		usage_format(round_up(q.bytes), &limit);
		percent = round_up(bytes) / 1024 * 100 /
		    (round_up(q.bytes) / 1024);
	}
	printf("* %.*s", SLICE_ARG(a->address));
	if (has_quotas(s))
		printf(" ( %s / %s ) [%llu%%]", buf_str(&used),
		    buf_str(&limit), (unsigned long long)percent);
	list_aliases(virtual, a->address);
	fputs("\n\n", stdout);
	buf_release(&used);
	buf_release(&limit);
}

static int
list_accounts(const struct setup *s, const struct conf_accounts *accounts,
    const struct table *virtual)
{
	size_t size = (accounts->n + 1) * sizeof(uint64_t);
	struct usages u = { accounts, mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0) };
	struct conf_quotas quotas;
	struct table t;

	if (u.bytes == MAP_FAILED)
		return say_abort(s, "%s", strerror(errno));
	if (has_quotas(s) && file_exists(s->conf.mail_dir))
		(void)owner_run(s, NULL, false, read_usages, &u);
	conf_quotas_init(&quotas);
	if (table_open(s, &t, CONF_QUOTAS_FILE, false) == 0)
		conf_quotas_parse(&quotas, buf_str(&t.path),
		    buf_slice(&t.text), NULL);
	table_close(&t);
	for (size_t i = 0; i < accounts->n; i++)
		list_account(s, &accounts->list[i], &quotas, u.bytes[i],
		    virtual);
	conf_quotas_release(&quotas);
	munmap(u.bytes, size);
	return 0;
}

int
cmd_email_list(struct setup *s, int argc UNUSED, char **argv UNUSED)
{
	struct conf_problems problems;
	struct conf_accounts accounts;
	struct table t, virtual;
	int status = 1, ok;

	conf_problems_init(&problems);
	conf_accounts_init(&accounts);
	ok = table_open(s, &virtual, CONF_VIRTUAL_FILE, false);
	if (table_open_filled(s, &t, CONF_ACCOUNTS_FILE) == 0 && ok == 0) {
		conf_accounts_parse(&accounts, buf_str(&t.path),
		    buf_slice(&t.text), &problems);
		for (size_t i = 0; i < problems.n; i++)
			say(s, LOG_WARN, "%s", problems.list[i].text);
		status = list_accounts(s, &accounts, &virtual);
	}
	table_close(&virtual);
	table_close(&t);
	conf_accounts_release(&accounts);
	conf_problems_release(&problems);
	return status;
}
