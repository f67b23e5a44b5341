#include "setup/dkim_retire.h"

#include "conf/conf_dkim_retire.h"
#include "conf/conf_load.h"
#include "core/now.h"
#include "setup/dkim_key.h"

/* Longest list of keys that one domain retires at once. */
#define OLD_MAX 64

enum key_type
dkim_retire_type(const char *path)
{
	EVP_PKEY *key = dkim_key_load(path);
	enum key_type type = KEY_UNUSABLE;

	if (key != NULL)
		type = EVP_PKEY_get_id(key) == EVP_PKEY_ED25519 ? KEY_ED25519 :
		    EVP_PKEY_get_id(key) == EVP_PKEY_RSA ? KEY_RSA :
		    KEY_UNUSABLE;
	EVP_PKEY_free(key);
	return type;
}

static bool
is_one_of(const struct slice *list, size_t n, struct slice name)
{
	for (size_t i = 0; i < n; i++)
		if (slice_eq(list[i], name))
			return true;
	return false;
}

static size_t
old_names(const struct dkim_tables *t, const struct conf_dkim_key *key,
    struct slice old[OLD_MAX])
{
	enum key_type type = dkim_retire_type(key->path), other;
	size_t n = 0;

	for (size_t i = 0; i < t->dkim.key_count && n < OLD_MAX; i++) {
		const struct conf_dkim_key *k = &t->dkim.keys[i];

		if (k == key || !slice_ieq(k->domain, key->domain) ||
		    conf_dkim_rule_of(&t->dkim, k) == NULL)
			continue;
		other = dkim_retire_type(k->path);
		if (other == type || other == KEY_UNUSABLE)
			old[n++] = k->name;
	}
	return n;
}

static bool
has_rule(struct slice text, struct slice pattern, struct slice name)
{
	struct slice line, word;

	while (slice_line(&text, &line))
		if (slice_word(&line, &word) && slice_ieq(word, pattern) &&
		    slice_word(&line, &word) && slice_eq(word, name))
			return true;
	return false;
}

/* Puts name in the place of the old ones; a line that is there already is not
 * made twice. */
static void
replace_names(struct table *rules, const struct slice *old, size_t n,
    struct slice name)
{
	struct buf text = BUF_INIT(LIMIT_CONFIG_FILE);
	struct slice rest = buf_slice(&rules->text), line, pattern, word;

	while (rest.n > 0) {
		const char *start = rest.p;

		slice_line(&rest, &line);
		if (!slice_word(&line, &pattern) || pattern.p[0] == '#' ||
		    !slice_word(&line, &word) || !is_one_of(old, n, word)) {
			buf_add(&text, start, (size_t)(rest.p - start));
		} else if (!has_rule(buf_slice(&text), pattern, name)) {
			buf_add(&text, start, (size_t)(word.p - start));
			buf_add_slice(&text, name);
			buf_add(&text, word.p + word.n,
			    (size_t)(rest.p - word.p) - word.n);
		}
	}
	buf_release(&rules->text);
	rules->text = text;
}

static void
add_rule(struct table *rules, struct slice pattern, struct slice name)
{
	struct buf line = BUF_INIT(4096);

	buf_addf(&line, "%.*s %.*s", SLICE_ARG(pattern), SLICE_ARG(name));
	if (!has_rule(buf_slice(&rules->text), pattern, name))
		table_append(rules, buf_slice(&line));
	buf_release(&line);
}

/* Where the other keys of the domain sign, or for all of it. */
static void
add_rules(struct dkim_tables *t, const struct conf_dkim_key *key)
{
	struct buf pattern = BUF_INIT(1024);
	bool any = false;

	for (size_t i = 0; i < t->dkim.rule_count; i++) {
		const struct conf_dkim_rule *r = &t->dkim.rules[i];

		if (!slice_ieq(r->key->domain, key->domain))
			continue;
		add_rule(&t->rules, r->pattern, key->name);
		any = true;
	}
	buf_addf(&pattern, "*@%.*s", SLICE_ARG(key->domain));
	if (!any)
		add_rule(&t->rules, buf_slice(&pattern), key->name);
	buf_release(&pattern);
}

size_t
dkim_retire_switch(const struct setup *s, struct dkim_tables *t,
    const struct conf_dkim_key *key, int64_t until)
{
	struct slice old[OLD_MAX];
	size_t n = old_names(t, key, old);

	if (n > 0)
		replace_names(&t->rules, old, n, key->name);
	else
		add_rules(t, key);
	for (size_t i = 0; i < n; i++)
		conf_dkim_note_set(&t->keys.text, old[i], CONF_DKIM_RETIRED,
		    until);
	dkim_tables_read(s, t);
	return n;
}

static void
tell(void *arg UNUSED, const struct conf_dkim_key *key)
{
	fprintf(stderr, "The time of the key '%.*s' of '%.*s' is over: its "
	    "record %.*s._domainkey.%.*s\ncan be taken out of the DNS.\n",
	    SLICE_ARG(key->selector), SLICE_ARG(key->domain),
	    SLICE_ARG(key->selector), SLICE_ARG(key->domain));
}

int
dkim_retire_due(const struct setup *s)
{
	struct buf failed = BUF_INIT(8192);
	int64_t now = now_wall();
	int lock, status = 0;

	/* The lock, and the right to write, only if something is due. */
	if (!conf_dkim_due(&s->conf, now))
		return 0;
	lock = conf_lock(&s->conf, true);
	if (lock == -1)
		status = say_abort(s, "%s: %s", s->conf.config_dir,
		    strerror(errno));
	else if (conf_dkim_retire(&s->conf, now, tell, NULL, &failed) == -1)
		status = say_abort(s, "%s: %s", buf_str(&failed),
		    strerror(errno));
	if (lock != -1)
		close(lock);
	buf_release(&failed);
	return status;
}
