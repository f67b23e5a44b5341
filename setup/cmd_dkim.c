/*
 * setup config dkim: keys in the layout of OpenDKIM (dms-compat 3.8, 4.9).
 */
#include "setup/commands.h"

#include "conf/conf_dkim.h"
#include "conf/conf_load.h"
#include "core/file.h"
#include "setup/dkim_files.h"
#include "setup/dkim_options.h"
#include "setup/dkim_tables.h"
#include "setup/domains.h"

/* Opens a table and says so when it is new. */
static int
open_table(const struct setup *s, struct table *t, const char *file)
{
	if (table_open(s, t, file, true) == -1)
		return -1;
	if (!t->exists)
		say(s, LOG_DEBUG, "Creating OpenDKIM config '%s'",
		    buf_str(&t->path));
	return 0;
}

static int
save_table(const struct setup *s, struct table *t)
{
	if (table_save(s, t, 0644) == -1)
		return 1;
	dkim_files_give_away(s, CONF_DKIM_DIR, buf_str(&t->path));
	return 0;
}

static int
make_trusted(const struct setup *s)
{
	struct table t;
	int status = 1;

	if (open_table(s, &t, CONF_DKIM_TRUSTED_HOSTS) == 0) {
		status = 0;
		if (t.text.n == 0) {
			say(s, LOG_DEBUG, "Adding default trust to OpenDKIM "
			    "TrustedHosts config");
			table_append(&t, S("127.0.0.1"));
			table_append(&t, S("localhost"));
			status = save_table(s, &t);
		}
	}
	table_close(&t);
	return status;
}

/* The pair of files of a domain, unless the private key is there. */
static int
make_key(const struct setup *s, const struct dkim_options *o,
    struct slice domain)
{
	struct buf path = BUF_INIT(8192);
	int status = 0;

	dkim_files_private(s, domain, slice_str(o->selector), &path);
	if (!file_exists(buf_str(&path))) {
		say(s, LOG_INFO, "Creating DKIM private key '%s'",
		    buf_str(&path));
		status = dkim_files_make(s, domain, slice_str(o->selector),
		    o->ed25519, o->bits);
	}
	buf_release(&path);
	return status;
}

static bool
has_line(const struct table *t, struct slice wanted)
{
	struct slice rest = buf_slice(&t->text), line;

	while (table_next(&rest, &line))
		if (slice_eq(line, wanted))
			return true;
	return false;
}

static void
add_once(struct table *t, const struct buf *line)
{
	if (!has_line(t, buf_slice(line)))
		table_append(t, buf_slice(line));
}

/* Both tables are written after all keys are there. */
static int
make_tables(const struct setup *s, const struct dkim_options *o,
    const struct domains *d)
{
	struct table keys, rules;
	struct buf line = BUF_INIT(2048);
	int ok = open_table(s, &keys, CONF_DKIM_KEY_TABLE), status = 1;
	bool imported;

	/* Locked already by the first one. */
	if (table_open(s, &rules, CONF_DKIM_SIGNING_TABLE, false) == -1 ||
	    ok == -1)
		goto out;
	if (!rules.exists)
		say(s, LOG_DEBUG, "Creating OpenDKIM config '%s'",
		    buf_str(&rules.path));
	imported = dkim_tables_import(s, &keys, &rules);
	for (size_t i = 0; i < d->n; i++) {
		struct slice name = d->list[i];

		buf_clear(&line);
		buf_addf(&line, "%s._domainkey.%.*s %.*s:%s:" CONF_DKIM_PREFIX
		    "keys/%.*s/%s.private", o->selector, SLICE_ARG(name),
		    SLICE_ARG(name), o->selector, SLICE_ARG(name),
		    o->selector);
		add_once(&keys, &line);
		buf_clear(&line);
		buf_addf(&line, "*@%.*s %s._domainkey.%.*s", SLICE_ARG(name),
		    o->selector, SLICE_ARG(name));
		add_once(&rules, &line);
	}
	/* As dkim_tables_save has it. */
	if (save_table(s, imported ? &rules : &keys) == 0 &&
	    save_table(s, imported ? &keys : &rules) == 0)
		status = 0;
	if (status == 0 && imported)
		dkim_tables_tell_import();
out:
	table_close(&keys);
	table_close(&rules);
	buf_release(&line);
	return status;
}

static int
run(const struct setup *s, const struct dkim_options *o)
{
	struct buf dir = BUF_INIT(8192);
	struct domains d;
	int status = 1;

	if ((o->domains != NULL ? domains_parse(s, &d, o->domains) :
	    domains_load(s, &d)) == -1)
		goto out;
	if (d.n == 0) {
		say(s, LOG_WARN, "No entries found, no keys to make");
		status = 0;
		goto out;
	}
	conf_config_path(&s->conf, CONF_DKIM_DIR, &dir);
	if (!file_exists(buf_str(&dir)) &&
	    file_make_dirs(buf_str(&dir), 0755) == -1) {
		say_abort(s, "%s: %s", buf_str(&dir), strerror(errno));
		goto out;
	}
	status = make_trusted(s);
	for (size_t i = 0; status == 0 && i < d.n; i++)
		status = make_key(s, o, d.list[i]);
	if (status == 0)
		status = make_tables(s, o, &d);
out:
	domains_release(&d);
	buf_release(&dir);
	return status;
}

int
cmd_config_dkim(struct setup *s, int argc, char **argv)
{
	struct dkim_options o = { .bits = 2048, .selector = "mail" };
	const char *rspamd = getenv("ENABLE_RSPAMD");
	int status;

	if (dkim_tables_are_rspamd(s))
		return cmd_rspamd_dkim(s, argc, argv);
	status = dkim_options_take(s, argc, argv, false, &o);
	if (status != DKIM_OPTIONS_GOOD)
		return status;
	if (!s->conf.dkim_rspamd && rspamd != NULL && strcmp(rspamd, "1") == 0)
		say(s, LOG_WARN, "Conflicting DKIM support, both Rspamd and "
		    "OpenDKIM enabled - OpenDKIM will manage DKIM keys");
	return run(s, &o);
}
