#include "setup/commands.h"

#include <time.h>

#include "core/file.h"
#include "core/now.h"
#include "core/num.h"
#include "setup/dkim_files.h"
#include "setup/dkim_record.h"
#include "setup/dkim_retire.h"
#include "setup/domains.h"
#include "setup/explain.h"
#include "setup/lookup.h"
#include "setup/zone.h"

#define DAY 86400
#define POLL_MS 5000        /* at first */
#define POLL_SLOW_MS 30000  /* after the first minutes */
#define POLL_FAST_FOR 120000
#define TELL_EVERY_MS 60000 /* that nothing has changed */
#define OUTPUT_MAX 65536

struct rotate {
	const char *selector, *type, *bits, *server, *timeout;
	bool no_wait;
	struct slice domain;
	bool ed25519;
	uint32_t size, minutes;
	struct buf made; /* the selector of the new key */
};

/* The keys of the domain that sign now say which type it is by default. */
static bool
signs_ed25519_only(const struct dkim_tables *t, struct slice domain)
{
	bool found = false;

	for (size_t i = 0; i < t->dkim.key_count; i++) {
		const struct conf_dkim_key *k = &t->dkim.keys[i];

		if (!slice_ieq(k->domain, domain) ||
		    conf_dkim_rule_of(&t->dkim, k) == NULL)
			continue;
		if (dkim_retire_type(k->path) != KEY_ED25519)
			return false;
		found = true;
	}
	return found;
}

static const struct conf_dkim_key *
find_waiting(const struct dkim_tables *t, struct slice domain)
{
	int64_t until;

	for (size_t i = 0; i < t->dkim.key_count; i++)
		if (slice_ieq(t->dkim.keys[i].domain, domain) &&
		    conf_dkim_note(buf_slice(&t->keys.text),
		    t->dkim.keys[i].name, &until) == CONF_DKIM_WAITS)
			return &t->dkim.keys[i];
	return NULL;
}

static bool
is_taken(const struct setup *s, const struct dkim_tables *t,
    struct slice domain, struct slice selector)
{
	struct buf path = BUF_INIT(8192);
	bool taken;

	dkim_files_private(s, domain, selector, &path);
	taken = dkim_tables_find(t, domain, selector) != NULL ||
	    file_exists(buf_str(&path));
	buf_release(&path);
	return taken;
}

/* "r20261128", then "r20261128b" and so on. */
static int
choose_selector(const struct setup *s, const struct dkim_tables *t,
    struct rotate *o)
{
	int64_t now = now_wall();
	char day[16];
	struct tm tm;

	gmtime_r(&(time_t){ now }, &tm);
	strftime(day, sizeof(day), "%Y%m%d", &tm);
	for (char c = 'a'; c <= 'z'; c++) {
		buf_clear(&o->made);
		if (o->selector != NULL)
			buf_adds(&o->made, o->selector);
		else
			buf_addf(&o->made, "%c%s%.*s", o->ed25519 ? 'e' : 'r',
			    day, c > 'a' ? 1 : 0, &c);
		if (!is_taken(s, t, o->domain, buf_slice(&o->made)))
			return 0;
		if (o->selector != NULL)
			break;
	}
	return say_abort(s, "There is a key '%s' of '%.*s' already; choose "
	    "another --selector", buf_str(&o->made), SLICE_ARG(o->domain));
}

static int
make(const struct setup *s, struct dkim_tables *t, struct rotate *o)
{
	struct buf name = BUF_INIT(1024);
	int status;

	if (o->type == NULL && o->bits == NULL)
		o->ed25519 = signs_ed25519_only(t, o->domain);
	status = choose_selector(s, t, o);
	if (status == 0)
		status = dkim_files_make(s, o->domain, buf_slice(&o->made),
		    o->ed25519, o->size);
	if (status == 0) {
		buf_addf(&name, "%s._domainkey.%.*s", buf_str(&o->made),
		    SLICE_ARG(o->domain));
		dkim_tables_add(t, o->domain, buf_slice(&o->made));
		conf_dkim_note_set(&t->keys.text, buf_slice(&name),
		    CONF_DKIM_WAITS, 0);
		status = dkim_tables_save(s, t, false);
	}
	buf_release(&name);
	return status;
}

/* A run before this one made a key: is it the one that is asked for? */
static int
go_on(const struct setup *s, const struct conf_dkim_key *key, struct rotate *o)
{
	bool ed25519 = dkim_retire_type(key->path) == KEY_ED25519;

	if ((o->selector != NULL &&
	    !slice_ieq(key->selector, slice_str(o->selector))) ||
	    (o->type != NULL && o->ed25519 != ed25519))
		return say_abort(s, "The key '%.*s' of '%.*s' waits for its "
		    "record already; leave --selector and --type away to go "
		    "on, or remove it with 'setup dkim remove'",
		    SLICE_ARG(key->selector), SLICE_ARG(key->domain));
	buf_add_slice(&o->made, key->selector);
	return 0;
}

static int
begin(const struct setup *s, struct rotate *o)
{
	const struct conf_dkim_key *key;
	struct dkim_tables t;
	int status = 1;

	if (dkim_tables_open(s, &t, true) == 0) {
		key = find_waiting(&t, o->domain);
		status = key != NULL ? go_on(s, key, o) : make(s, &t, o);
	}
	dkim_tables_close(&t);
	return status;
}

/* One look with a resolver of its own, that has nothing in its cache. */
static bool
is_published(const struct setup *s, const struct rotate *o,
    const struct record *record, const char **why)
{
	struct lookup *l = lookup_new(&s->conf, o->server, why);
	bool good = l != NULL && dkim_record_published(lookup_name(l,
	    record->name, DNS_TXT), record->value, why);

	lookup_free(l);
	return good;
}

static void
nap(uint64_t ms)
{
	nanosleep(&(struct timespec){ .tv_sec = (time_t)(ms / 1000),
		.tv_nsec = (long)(ms % 1000) * 1000000 }, NULL);
}

/* True when it is there; false when the time is over, with *why. */
static bool
wait_for(const struct setup *s, const struct rotate *o,
    const struct record *record, const char **why)
{
	uint64_t start = now_mono_ms(), told = 0, passed;
	const char *before = NULL;

	while (!is_published(s, o, record, why)) {
		passed = now_mono_ms() - start;
		if (o->no_wait || passed >= (uint64_t)o->minutes * 60000)
			return false;
		if (before == NULL || strcmp(before, *why) != 0 ||
		    passed - told >= TELL_EVERY_MS) {
			printf("Waiting for %.*s (%llu min): %s\n",
			    SLICE_ARG(record->name),
			    (unsigned long long)(passed / 60000), *why);
			fflush(stdout);
			told = passed;
		}
		before = *why;
		nap(passed < POLL_FAST_FOR ? POLL_MS : POLL_SLOW_MS);
	}
	return true;
}

/* A line further up may have other keys sign for the domain. */
static void
warn_if_shadowed(const struct setup *s, const struct dkim_tables *t,
    const struct conf_dkim_key *key)
{
	struct buf address = BUF_INIT(LIMIT_ADDRESS + 1);
	const struct conf_dkim_rule *first;
	bool signs = false;

	buf_addf(&address, "postmaster@%.*s", SLICE_ARG(key->domain));
	first = conf_dkim_match(&t->dkim, buf_slice(&address));
	for (size_t i = 0; first != NULL && i < t->dkim.rule_count; i++)
		if (t->dkim.rules[i].key == key && slice_ieq(
		    t->dkim.rules[i].pattern, first->pattern))
			signs = true;
	if (!signs && first != NULL)
		say(s, LOG_WARN, "Line %u of SigningTable has another key sign "
		    "for %s", first->line, buf_str(&address));
	buf_release(&address);
}

/* The note goes last: who is interrupted goes on with the same key. */
static int
take_into_use(const struct setup *s, struct dkim_tables *t,
    const struct conf_dkim_key *key, int64_t until, size_t *retired)
{
	struct buf name = BUF_INIT(1024);
	int status;

	buf_add_slice(&name, key->name);
	*retired = dkim_retire_switch(s, t, key, until);
	status = dkim_tables_save(s, t, false);
	if (status == 0) {
		conf_dkim_note_set(&t->keys.text, buf_slice(&name),
		    CONF_DKIM_NONE, 0);
		status = dkim_tables_save(s, t, false);
	}
	buf_release(&name);
	return status;
}

/* Whose records are to stay. */
static void
tell_retired(const struct dkim_tables *t, struct slice domain, int64_t until)
{
	int64_t when;
	char day[16];
	struct tm tm;

	gmtime_r(&(time_t){ until }, &tm);
	strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	for (size_t i = 0; i < t->dkim.key_count; i++) {
		const struct conf_dkim_key *k = &t->dkim.keys[i];

		if (slice_ieq(k->domain, domain) &&
		    conf_dkim_note(buf_slice(&t->keys.text), k->name,
		    &when) == CONF_DKIM_RETIRED && when == until)
			printf("Leave the record of the key before, "
			    "%.*s._domainkey.%.*s,\npublished until %s: mail "
			    "that is on its way is checked with it.\n",
			    SLICE_ARG(k->selector), SLICE_ARG(k->domain), day);
	}
}

static int
end(const struct setup *s, const struct rotate *o)
{
	int64_t until = now_wall() + DKIM_RETIRED_DAYS * DAY;
	const struct conf_dkim_key *key;
	struct dkim_tables t;
	int64_t none;
	size_t n = 0;
	int status = 1;

	if (dkim_tables_open(s, &t, true) == -1)
		goto out;
	key = dkim_tables_find(&t, o->domain, buf_slice(&o->made));
	if (key == NULL) {
		say_abort(s, "The key '%s' is not there any more: somebody "
		    "removed it", buf_str(&o->made));
		goto out;
	}
	if (conf_dkim_note(buf_slice(&t.keys.text), key->name, &none) ==
	    CONF_DKIM_WAITS) {
		if (take_into_use(s, &t, key, until, &n) != 0)
			goto out;
	} else if (conf_dkim_rule_of(&t.dkim, key) == NULL) {
		say_abort(s, "The key '%s' does not wait any more: somebody "
		    "has replaced it already", buf_str(&o->made));
		goto out;
	}
	status = 0;
	printf("The record is published. The mail of %.*s is signed with "
	    "'%s' now.\n", SLICE_ARG(o->domain), buf_str(&o->made));
	if (n > 0)
		tell_retired(&t, o->domain, until);
	key = dkim_tables_find(&t, o->domain, buf_slice(&o->made));
	if (key != NULL)
		warn_if_shadowed(s, &t, key);
out:
	dkim_tables_close(&t);
	return status;
}

/* A slip in the name would wait for its record for ever. */
static void
warn_if_foreign(const struct setup *s, struct slice domain)
{
	bool ours = false;
	struct domains d;

	if (domains_load(s, &d) == 0) {
		for (size_t i = 0; i < d.n; i++)
			ours |= slice_ieq(d.list[i], domain) ||
			    domains_is_below(d.list[i], domain);
		if (!ours)
			say(s, LOG_WARN, "No account or alias is in '%.*s': is "
			    "the name right?", SLICE_ARG(domain));
	}
	domains_release(&d);
}

static int
run(const struct setup *s, struct rotate *o)
{
	struct buf out = BUF_INIT(OUTPUT_MAX);
	const char *why = NULL;
	struct records r;
	int status;

	warn_if_foreign(s, o->domain);
	status = begin(s, o);
	if (status != 0)
		goto none;
	status = 1;
	if (records_load_keys(s, &r) == -1)
		goto out;
	records_of_keys(&r, o->domain, buf_str(&o->made));
	if (r.n == 0 || r.list[0].value.n == 0) {
		say_abort(s, "The key '%s' cannot be read", buf_str(&o->made));
		goto out;
	}
	zone_format(&r, &out);
	printf("Publish this record ('setup dkim show --panel %.*s %s' shows "
	    "it for web pages):\n\n%s\n", SLICE_ARG(o->domain),
	    buf_str(&o->made), buf_str(&out));
	fflush(stdout);
	if (wait_for(s, o, &r.list[0], &why)) {
		status = end(s, o);
	} else {
		status = o->no_wait ? 0 : 1;
		printf("Not published: %s. Run 'setup dkim rotate %.*s' again "
		    "when it is;\nuntil then nothing changes.\n", why,
		    SLICE_ARG(o->domain));
	}
out:
	records_release(&r);
none:
	buf_release(&out);
	return status;
}

/* 0, or the exit status after saying what is wrong. */
static int
check_options(const struct setup *s, struct rotate *o)
{
	const char *why = NULL;
	struct lookup *l;

	if (o->type != NULL && strcmp(o->type, "rsa") != 0 &&
	    strcmp(o->type, "ed25519") != 0)
		return explain_misuse(s, "--type is rsa or ed25519");
	o->ed25519 = o->type != NULL && strcmp(o->type, "ed25519") == 0;
	if (o->bits != NULL && (o->ed25519 || num_u32(slice_str(o->bits),
	    &o->size) == -1 || o->size < 1024 || o->size > 4096))
		return explain_misuse(s, "--bits is for RSA, 1024 to 4096");
	if (o->selector != NULL && (strlen(o->selector) > 63 ||
	    !conf_is_host(slice_str(o->selector))))
		return explain_misuse(s, "'%s' cannot be a selector",
		    o->selector);
	if (o->timeout != NULL && num_u32(slice_str(o->timeout),
	    &o->minutes) == -1)
		return explain_misuse(s, "--timeout is a number of minutes");
	l = lookup_new(&s->conf, o->server, &why);
	if (l == NULL)
		return say_abort(s, "%s: %s", o->server != NULL ? o->server :
		    "DNS_SERVERS", why);
	lookup_free(l);
	return 0;
}

int
cmd_dkim_rotate(struct setup *s, int argc, char **argv)
{
	struct rotate o = { .size = 2048, .minutes = 60,
		.made = BUF_INIT(1024) };
	const struct explain_option options[] = {
		{ "selector", &o.selector, NULL }, { "type", &o.type, NULL },
		{ "bits", &o.bits, NULL }, { "dns", &o.server, NULL },
		{ "timeout", &o.timeout, NULL },
		{ "no-wait", NULL, &o.no_wait },
	};
	const char *word = NULL;
	struct domains d;
	int n = explain_options(s, argc, argv, options, LEN(options), &word, 1);
	int status;

	if (n == -1)
		return EXPLAIN_MISUSE;
	if (n == 0)
		return explain_misuse(s, "which domain?");
	status = check_options(s, &o);
	if (status != 0)
		return status;
	status = 1;
	if (domains_parse(s, &d, word) == 0) {
		o.domain = d.n == 1 ? d.list[0] : S("");
		status = d.n != 1 ? explain_misuse(s, "one domain at a time") :
		    dkim_retire_due(s) != 0 ? 1 : run(s, &o);
	}
	domains_release(&d);
	buf_release(&o.made);
	return status;
}
