#include "setup/dkim_tables.h"

#include "conf/conf_load.h"
#include "core/file.h"
#include "setup/dkim_files.h"

static void
parse(const struct setup *s, const struct table *keys,
    const struct table *rules, struct conf_dkim *d)
{
	struct conf_dkim_files files = { .key_table = buf_slice(&keys->text),
		.signing_table = buf_slice(&rules->text),
		.has_key_table = keys->exists,
		.rspamd_first = s->conf.dkim_rspamd };
	struct table rspamd;

	/* What cannot be read is as good as not there, as for the server. */
	if (table_open(s, &rspamd, CONF_DKIM_RSPAMD, false) == 0)
		files.rspamd = buf_slice(&rspamd.text);
	conf_dkim_parse(d, s->conf.config_dir, &files, NULL);
	table_close(&rspamd);
}

int
dkim_tables_load(const struct setup *s, struct conf_dkim *d)
{
	struct table keys, rules;
	int r = table_open(s, &keys, CONF_DKIM_KEY_TABLE, false);

	if (table_open(s, &rules, CONF_DKIM_SIGNING_TABLE, false) == -1)
		r = -1;
	if (r == 0)
		parse(s, &keys, &rules, d);
	table_close(&keys);
	table_close(&rules);
	return r;
}

bool
dkim_tables_are_rspamd(const struct setup *s)
{
	struct conf_dkim_files files = { .rspamd_first = s->conf.dkim_rspamd };
	struct table keys;
	bool r;

	if (!s->conf.dkim_rspamd)
		return false;
	r = table_open(s, &keys, CONF_DKIM_KEY_TABLE, false) == 0;
	files.key_table = buf_slice(&keys.text);
	r = r && conf_dkim_is_rspamd(&files);
	table_close(&keys);
	return r;
}

/* What did not count before must not begin to. */
static void
comment_out(struct table *t)
{
	struct buf text = BUF_INIT(LIMIT_CONFIG_FILE);
	struct slice rest = buf_slice(&t->text), line;

	while (slice_line(&rest, &line))
		buf_addf(&text, "%s%.*s\n", line.n == 0 || line.p[0] == '#' ?
		    "" : "#", SLICE_ARG(line));
	buf_release(&t->text);
	t->text = text;
}

bool
dkim_tables_import(const struct setup *s, struct table *keys,
    struct table *rules)
{
	struct buf line = BUF_INIT(4096);
	struct conf_dkim d;
	bool any;

	conf_dkim_init(&d);
	parse(s, keys, rules, &d);
	if (d.rspamd) {
		comment_out(keys);
		comment_out(rules);
		table_append(keys, S(CONF_DKIM_TAKEN_OVER));
	}
	for (size_t i = 0; d.rspamd && i < d.key_count; i++) {
		const struct conf_dkim_key *k = &d.keys[i];

		buf_clear(&line);
		buf_addf(&line, "%.*s %.*s:%.*s:%s", SLICE_ARG(k->name),
		    SLICE_ARG(k->domain), SLICE_ARG(k->selector), k->path);
		table_append(keys, buf_slice(&line));
	}
	for (size_t i = 0; d.rspamd && i < d.rule_count; i++) {
		buf_clear(&line);
		buf_addf(&line, "%.*s %.*s", SLICE_ARG(d.rules[i].pattern),
		    SLICE_ARG(d.rules[i].key->name));
		table_append(rules, buf_slice(&line));
	}
	any = d.rspamd;
	conf_dkim_release(&d);
	buf_release(&line);
	return any;
}

void
dkim_tables_tell_import(void)
{
	fputs("The keys of " CONF_DKIM_RSPAMD " stand in " CONF_DKIM_KEY_TABLE
	    "\nnow, which counts from here on.\n", stderr);
}

void
dkim_tables_read(const struct setup *s, struct dkim_tables *t)
{
	conf_dkim_release(&t->dkim);
	conf_dkim_init(&t->dkim);
	parse(s, &t->keys, &t->rules, &t->dkim);
}

int
dkim_tables_open(const struct setup *s, struct dkim_tables *t, bool write)
{
	int r = table_open(s, &t->keys, CONF_DKIM_KEY_TABLE, write);

	/* Locked already by the first one. */
	if (table_open(s, &t->rules, CONF_DKIM_SIGNING_TABLE, false) == -1)
		r = -1;
	conf_dkim_init(&t->dkim);
	t->imported = false;
	if (r == 0 && write) {
		t->imported = dkim_tables_import(s, &t->keys, &t->rules);
		t->keys.exists = true;
	}
	if (r == 0)
		dkim_tables_read(s, t);
	return r;
}

void
dkim_tables_close(struct dkim_tables *t)
{
	conf_dkim_release(&t->dkim);
	table_close(&t->rules);
	table_close(&t->keys);
}

static int
save(const struct setup *s, struct table *t)
{
	if (table_save(s, t, 0644) == -1)
		return 1;
	dkim_files_give_away(s, CONF_DKIM_DIR, buf_str(&t->path));
	return 0;
}

int
dkim_tables_save(const struct setup *s, struct dkim_tables *t,
    bool rules_first)
{
	struct buf dir = BUF_INIT(8192);
	int status = 0;

	conf_config_path(&s->conf, CONF_DKIM_DIR, &dir);
	if (file_make_dirs(buf_str(&dir), 0755) == -1)
		status = say_abort(s, "%s: %s", buf_str(&dir),
		    strerror(errno));
	buf_release(&dir);
	/* Until KeyTable is there, rspamd's file counts, and SigningTable does
	 * not: the mail is signed all the time. */
	rules_first |= t->imported;
	if (status == 0)
		status = save(s, rules_first ? &t->rules : &t->keys);
	if (status == 0)
		status = save(s, rules_first ? &t->keys : &t->rules);
	if (status == 0 && t->imported)
		dkim_tables_tell_import();
	t->imported &= status != 0;
	return status;
}

const struct conf_dkim_key *
dkim_tables_find(const struct dkim_tables *t, struct slice domain,
    struct slice selector)
{
	for (size_t i = 0; i < t->dkim.key_count; i++)
		if (slice_ieq(t->dkim.keys[i].domain, domain) &&
		    slice_ieq(t->dkim.keys[i].selector, selector))
			return &t->dkim.keys[i];
	return NULL;
}

void
dkim_tables_add(struct dkim_tables *t, struct slice domain,
    struct slice selector)
{
	struct buf line = BUF_INIT(4096);

	buf_addf(&line, "%.*s._domainkey.%.*s %.*s:%.*s:" CONF_DKIM_PREFIX
	    "keys/%.*s/%.*s.private", SLICE_ARG(selector), SLICE_ARG(domain),
	    SLICE_ARG(domain), SLICE_ARG(selector), SLICE_ARG(domain),
	    SLICE_ARG(selector));
	table_append(&t->keys, buf_slice(&line));
	buf_release(&line);
}
