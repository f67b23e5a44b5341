/* setup quota: dovecot-quotas.cf, as docker-mailserver's commands edit it. */
#include "setup/commands.h"

#include "conf/conf_accounts.h"
#include "conf/conf_quotas.h"
#include "setup/table.h"

/* The checks of dms-compat 4.7; -1 after the messages. */
static int
check(const struct setup *s, int argc, char **argv)
{
	if (argc < 1) {
		say_usage(s, 1);
		return -1;
	}
	if (account_check(s, argv[0]) == -1)
		return -1;
	if (!table_has(s, CONF_ACCOUNTS_FILE, slice_str(argv[0]), "|")) {
		say_abort(s, "'%s' does not exist", argv[0]);
		return -1;
	}
	return 0;
}

/* The line "ADDRESS:SIZE", or none if size is empty. */
static int
put(const struct setup *s, struct slice address, struct slice size)
{
	struct buf line = BUF_INIT(1024);
	struct table t;
	struct slice old;
	int status = 1;

	if (size.n > 0)
		buf_addf(&line, "%.*s:%.*s", SLICE_ARG(address),
		    SLICE_ARG(size));
	if (table_open(s, &t, CONF_QUOTAS_FILE, true) == 0) {
		bool found = table_find(&t, address, ":", &old);

		if (found)
			table_replace(&t, old, buf_slice(&line));
		else if (line.n > 0)
			table_append(&t, buf_slice(&line));
		status = !found && line.n == 0 ? 0 :
		    table_save(s, &t, 0644) == 0 ? 0 : 1;
	}
	table_close(&t);
	buf_release(&line);
	return status;
}

int
cmd_quota_set(struct setup *s, int argc, char **argv)
{
	struct buf size = BUF_INIT(64);
	int status = 1;
	uint64_t bytes;

	if (check(s, argc, argv) == -1)
		return 1;
	if (argc > 1)
		buf_adds(&size, argv[1]);
	else if (ask("Enter quota (e.g. 10M): ", false, &size) == -1)
		buf_clear(&size);
	if (size.n == 0) {
		say_abort(s, "Quota must not be empty "
		    "(use 0 for unlimited quota)");
	} else if (!buf_ok(&size) ||
	    conf_quota_size(buf_slice(&size), &bytes) == -1) {
		say_usage(s, 1);
		say_abort(s, "Invalid quota format. e.g. 302M (B (byte), "
		    "k (kibibyte), M (mebibyte), G (gibibyte) or "
		    "T (tebibyte))");
	} else {
		status = put(s, slice_str(argv[0]), buf_slice(&size));
	}
	buf_release(&size);
	return status;
}

int
cmd_quota_del(struct setup *s, int argc, char **argv)
{
	if (check(s, argc, argv) == -1)
		return 1;
	return put(s, slice_str(argv[0]), S(""));
}
