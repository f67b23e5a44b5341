#include "setup/account.h"

#include <crypt.h>

#include "conf/conf_accounts.h"
#include "conf/conf_virtual.h"
#include "core/rand.h"
#include "setup/scram.h"
#include "setup/table.h"

/*
 * The name of an account in lower case, or -1 after the messages of dms-compat
 * 4.2.
 */
static int
take_name(const struct setup *s, const struct account_kind *kind,
    const char *arg, struct buf *name)
{
	bool upper = false;

	if (kind->check(s, arg) == -1)
		return -1;
	for (const char *p = arg; *p != '\0'; p++) {
		upper |= ascii_lower(*p) != *p;
		buf_addc(name, ascii_lower(*p));
	}
	if (!buf_ok(name) || !kind->is_name(buf_slice(name)) ||
	    !slice_is_utf8(buf_slice(name))) {
		say_abort(s, "'%s' %s", arg, kind->wrong);
		return -1;
	}
	if (upper)
		say(s, LOG_WARN, "Mail account '%s' has uppercase letters and "
		    "will be normalized to '%s'", arg, buf_str(name));
	return 0;
}

/* Appends "NAME|{SHA512-CRYPT}$6$salt$hash". */
static int
add_line(struct slice name, const char *password, struct buf *line)
{
	struct crypt_data *data = mem_zero(sizeof(*data));
	struct buf setting = BUF_INIT(64);
	const char *hash;
	int r = -1;

	buf_adds(&setting, "$6$");
	rand_text(&setting, 16);
	buf_addc(&setting, '$');
	/* Unlike crypt_r it answers NULL when it fails. */
	hash = crypt_rn(password, buf_str(&setting), data, sizeof(*data));
	if (hash != NULL) {
		buf_add_slice(line, name);
		buf_addf(line, "|{SHA512-CRYPT}%s", hash);
		r = 0;
	}
	mem_wipe(data, sizeof(*data));
	mem_free(data);
	buf_release(&setting);
	return r;
}

/* The checks of dms-compat 4.2 step 3; -1 after the message. */
static int
check_table(const struct setup *s, const struct table *accounts,
    struct slice name, bool update)
{
	struct slice line;
	bool exists = table_find(accounts, name, "|", &line);

	if (update && !exists)
		say_abort(s, "'%.*s' does not exist", SLICE_ARG(name));
	else if (!update && exists)
		say_abort(s, "'%.*s' already exists", SLICE_ARG(name));
	else if (!update && table_has(s, CONF_VIRTUAL_FILE, name, " \t"))
		say_abort(s, "'%.*s' is already defined as an alias",
		    SLICE_ARG(name));
	else
		return 0;
	return -1;
}

/*
 * Writes the lines; checks again, for the question was asked without lock. The
 * verifier comes first: without its account it does nothing, while an account
 * without verifier would for a moment keep SCRAM from being offered.
 */
static int
write_account(const struct setup *s, const struct account_kind *kind,
    struct slice name, struct slice line, struct slice scram, bool update)
{
	struct table accounts;
	struct slice old;
	int status = 1;

	if (table_open(s, &accounts, kind->file, true) == 0 &&
	    check_table(s, &accounts, name, update) == 0 &&
	    scram_write(s, scram) == 0) {
		if (update && table_find(&accounts, name, "|", &old))
			table_replace(&accounts, old, line);
		else
			table_append(&accounts, line);
		status = table_save(s, &accounts, 0600) == 0 ? 0 : 1;
	}
	table_close(&accounts);
	return status;
}

int
account_put(const struct setup *s, int argc, char **argv,
    const struct account_kind *kind, bool update)
{
	struct buf name = BUF_INIT(LIMIT_ADDRESS);
	struct buf password = BUF_INIT(LIMIT_PASSWORD);
	struct buf line = BUF_INIT(1024), scram = BUF_INIT(2048);
	struct table accounts;
	int status = 1, ok;

	if (argc < 1)
		return say_usage(s, 1);
	if (take_name(s, kind, argv[0], &name) == -1)
		goto out;
	ok = table_open(s, &accounts, kind->file, false);
	if (ok == 0)
		ok = check_table(s, &accounts, buf_slice(&name), update);
	table_close(&accounts);
	if (ok == -1 ||
	    ask_password(s, argc > 1 ? argv[1] : NULL, &password) == -1)
		goto out;
	if (!buf_ok(&password) || add_line(buf_slice(&name),
	    buf_str(&password), &line) == -1) {
		say_abort(s, "Password is too long");
		goto out;
	}
	scram_line(s, kind->scram_prefix, buf_slice(&line),
	    buf_slice(&password), &scram);
	status = write_account(s, kind, buf_slice(&name), buf_slice(&line),
	    buf_slice(&scram), update);
out:
	buf_release(&name);
	buf_wipe(&password);
	buf_wipe(&line);
	buf_wipe(&scram);
	return status;
}

int
account_drop_line(const struct setup *s, const char *file, struct slice name,
    const char *delimiters)
{
	struct table t;
	struct slice line;
	int r = table_open(s, &t, file, true);

	if (r == 0 && table_find(&t, name, delimiters, &line)) {
		table_replace(&t, line, S(""));
		r = table_save(s, &t, 0600);
	}
	table_close(&t);
	return r;
}
