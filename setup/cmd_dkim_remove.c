#include "setup/commands.h"

#include "conf/conf_dkim_retire.h"
#include "setup/dkim_retire.h"
#include "setup/explain.h"

struct options {
	bool purge, force;
	const char *words[2]; /* domain, selector */
};

/* Does mail of the domain stay signed without this key? */
static bool
others_sign(const struct dkim_tables *t, const struct conf_dkim_key *key)
{
	for (size_t i = 0; i < t->dkim.rule_count; i++)
		if (t->dkim.rules[i].key != key &&
		    slice_ieq(t->dkim.rules[i].key->domain, key->domain))
			return true;
	return false;
}

static int
remove_key(const struct setup *s, struct dkim_tables *t,
    const struct conf_dkim_key *key, bool purge)
{
	bool signed_with = conf_dkim_rule_of(&t->dkim, key) != NULL;
	struct buf kept = BUF_INIT(8192), failed = BUF_INIT(8192);
	int status;

	conf_dkim_drop(&t->keys.text, &t->rules.text, key->name);
	status = dkim_tables_save(s, t, true);
	if (status == 0 && !conf_dkim_path_is_shared(&t->dkim, key) &&
	    conf_dkim_put_away(key->path, purge, &kept, &failed) == -1)
		status = say_abort(s, "%s: %s", buf_str(&failed),
		    strerror(errno));
	if (status == 0) {
		printf("Nothing is signed with the key '%.*s' of '%.*s' any "
		    "more.\n", SLICE_ARG(key->selector),
		    SLICE_ARG(key->domain));
		if (kept.n > 0)
			printf("It is kept as %s\n", buf_str(&kept));
		printf("Its record %.*s._domainkey.%.*s can be taken out of "
		    "the DNS%s.\n", SLICE_ARG(key->selector),
		    SLICE_ARG(key->domain), signed_with ?
		    " in 7 days, when mail on its way has arrived" : "");
	}
	buf_release(&kept);
	buf_release(&failed);
	return status;
}

static int
run(const struct setup *s, const struct options *o)
{
	const struct conf_dkim_key *key;
	struct dkim_tables t;
	int status = 1;

	if (dkim_retire_due(s) != 0)
		return 1;
	if (dkim_tables_open(s, &t, true) == -1)
		goto out;
	key = dkim_tables_find(&t, slice_str(o->words[0]),
	    slice_str(o->words[1]));
	if (key == NULL)
		say_abort(s, "There is no DKIM key '%s' of '%s'", o->words[1],
		    o->words[0]);
	else if (!o->force && conf_dkim_rule_of(&t.dkim, key) != NULL &&
	    !others_sign(&t, key))
		say_abort(s, "It is the last key that signs for '%s'; "
		    "'setup dkim rotate' replaces it, --force removes it",
		    o->words[0]);
	else
		status = remove_key(s, &t, key, o->purge);
out:
	dkim_tables_close(&t);
	return status;
}

int
cmd_dkim_remove(struct setup *s, int argc, char **argv)
{
	struct options o = { 0 };
	const struct explain_option options[] = {
		{ "purge", NULL, &o.purge }, { "force", NULL, &o.force },
	};
	int n = explain_options(s, argc, argv, options, LEN(options), o.words,
	    2);

	if (n == -1)
		return EXPLAIN_MISUSE;
	if (n != 2)
		return explain_misuse(s, "which domain and selector?");
	return run(s, &o);
}
