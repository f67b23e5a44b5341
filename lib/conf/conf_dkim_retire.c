#include "conf/conf_dkim_retire.h"

#include <time.h>

#include "conf/conf_dkim_notes.h"
#include "conf/conf_load.h"
#include "core/file.h"
#include "core/limits.h"
#include "core/now.h"

struct tables {
	const struct conf *c;
	struct buf keys, rules; /* the texts */
	struct conf_dkim dkim;
};

bool
conf_dkim_path_is_shared(const struct conf_dkim *d,
    const struct conf_dkim_key *key)
{
	for (size_t i = 0; i < d->key_count; i++)
		if (&d->keys[i] != key &&
		    strcmp(d->keys[i].path, key->path) == 0)
			return true;
	return false;
}

/* One file of the pair; one that is not there is as good as away. */
static int
put_away(const char *path, const char *suffix, bool purge, struct buf *failed)
{
	struct buf to = BUF_INIT(8192);
	int r;

	buf_addf(&to, "%s%s", path, suffix);
	r = purge ? unlink(path) : rename(path, buf_str(&to));
	if (r == -1 && errno == ENOENT)
		r = 0;
	if (r == -1)
		buf_adds(failed, path);
	buf_release(&to);
	return r;
}

int
conf_dkim_put_away(const char *path, bool purge, struct buf *kept,
    struct buf *failed)
{
	struct slice base = slice_str(path);
	struct buf record = BUF_INIT(8192);
	int64_t now = now_wall();
	char suffix[64];
	struct tm tm;
	int r;

	gmtime_r(&(time_t){ now }, &tm);
	strftime(suffix, sizeof(suffix), ".removed-%Y%m%dT%H%M%SZ", &tm);
	if (!purge && kept != NULL && file_exists(path))
		buf_addf(kept, "%s%s", path, suffix);
	r = put_away(path, suffix, purge, failed);
	if (r == 0 && slice_iends(base, S(".private"))) {
		base.n -= sizeof(".private") - 1;
		buf_addf(&record, "%.*s.txt", SLICE_ARG(base));
		r = put_away(buf_str(&record), suffix, purge, failed);
	}
	buf_release(&record);
	return r;
}

static int
read_table(const struct conf *c, const char *file, struct buf *text)
{
	struct buf path = BUF_INIT(8192);
	int r;

	buf_init(text, LIMIT_CONFIG_FILE);
	conf_config_path(c, file, &path);
	r = file_read(buf_str(&path), text);
	buf_release(&path);
	return r;
}

static int
write_table(const struct conf *c, const char *file, const struct buf *text,
    struct buf *failed)
{
	struct buf path = BUF_INIT(8192);
	int r;

	conf_config_path(c, file, &path);
	r = file_replace(buf_str(&path), buf_slice(text), 0644);
	if (r == -1)
		buf_adds(failed, buf_str(&path));
	buf_release(&path);
	return r;
}

static void
parse(struct tables *t)
{
	struct conf_dkim_files files = {
		.key_table = buf_slice(&t->keys),
		.signing_table = buf_slice(&t->rules),
		.has_key_table = true,
		.rspamd_first = t->c->dkim_rspamd,
	};

	conf_dkim_release(&t->dkim);
	conf_dkim_init(&t->dkim);
	conf_dkim_parse(&t->dkim, t->c->config_dir, &files, NULL);
}

/* Without a KeyTable, or one that cannot be read, nothing is due. */
static void
open_tables(struct tables *t, const struct conf *c)
{
	*t = (struct tables){ .c = c };
	if (read_table(c, CONF_DKIM_KEY_TABLE, &t->keys) == -1)
		buf_clear(&t->keys);
	/* Which keys sign, nobody can say then. */
	if (read_table(c, CONF_DKIM_SIGNING_TABLE, &t->rules) == -1 &&
	    errno != ENOENT)
		buf_clear(&t->keys);
	parse(t);
}

static void
close_tables(struct tables *t)
{
	conf_dkim_release(&t->dkim);
	buf_release(&t->keys);
	buf_release(&t->rules);
}

/* The first key that is due, or NULL. */
static const struct conf_dkim_key *
find_due(const struct tables *t, int64_t now)
{
	int64_t until;

	for (size_t i = 0; i < t->dkim.key_count; i++) {
		const struct conf_dkim_key *k = &t->dkim.keys[i];

		if (conf_dkim_note(buf_slice(&t->keys), k->name, &until) ==
		    CONF_DKIM_RETIRED && until <= now &&
		    conf_dkim_rule_of(&t->dkim, k) == NULL)
			return k;
	}
	return NULL;
}

bool
conf_dkim_due(const struct conf *c, int64_t now)
{
	struct tables t;
	bool due;

	open_tables(&t, c);
	due = find_due(&t, now) != NULL;
	close_tables(&t);
	return due;
}

int
conf_dkim_retire(const struct conf *c, int64_t now,
    void (*fn)(void *arg, const struct conf_dkim_key *key), void *arg,
    struct buf *failed)
{
	const struct conf_dkim_key *key;
	struct tables t;
	int r = 0;

	open_tables(&t, c);
	while (r == 0 && (key = find_due(&t, now)) != NULL) {
		conf_dkim_drop(&t.keys, &t.rules, key->name);
		/* No line of SigningTable names it. KeyTable is first: one that
		 * names a file which is not there keeps the server from
		 * starting. */
		r = write_table(c, CONF_DKIM_KEY_TABLE, &t.keys, failed);
		if (r == 0 && !conf_dkim_path_is_shared(&t.dkim, key))
			r = conf_dkim_put_away(key->path, false, NULL, failed);
		if (r == 0)
			fn(arg, key);
		parse(&t);
	}
	close_tables(&t);
	return r;
}
