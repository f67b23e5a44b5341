#include "setup/signer.h"

#include "mail/addr.h"
#include "msgauth/privkey.h"
#include "msgauth/tag_writer.h"
#include "setup/dkim_tables.h"
#include "setup/message.h"

#define SIGNATURE_MAX 2048

/* Of the keys that sign beside the first, what the server seals with: RSA if
 * there is one, as others hardly know anything else for ARC. */
static const struct conf_dkim_key *
sealing_key(const struct conf_dkim *d, const struct conf_dkim_rule *first)
{
	const struct conf_dkim_rule *end = d->rules + d->rule_count;

	for (const struct conf_dkim_rule *r = first; r < end; r++) {
		EVP_PKEY *pkey;
		bool rsa;

		if (!slice_ieq(r->pattern, first->pattern))
			continue;
		pkey = dkim_key_load(r->key->path);
		rsa = pkey != NULL && EVP_PKEY_is_a(pkey, "RSA");
		EVP_PKEY_free(pkey);
		if (rsa)
			return r->key;
	}
	return first->key;
}

/* What the tables say for the author. -1 if they say nothing. */
static int
from_tables(const struct setup *s, struct signer *g, char **path)
{
	const struct conf_dkim_rule *rule = NULL;
	struct conf_dkim d;

	conf_dkim_init(&d);
	if (dkim_tables_load(s, &d) == 0)
		rule = conf_dkim_match(&d, g->sign.from);
	if (rule != NULL) {
		const struct conf_dkim_key *key = g->sign.seal != NULL ?
		    sealing_key(&d, rule) : rule->key;
		size_t at;

		*path = mem_str(key->path);
		buf_add_slice(&g->names, slice_eq(key->domain, S("%")) ?
		    addr_domain_of(g->sign.from) : key->domain);
		buf_addc(&g->names, '\0');
		at = g->names.n;
		buf_add_slice(&g->names, key->selector);
		if (g->domain == NULL)
			g->domain = buf_str(&g->names);
		if (g->selector == NULL)
			g->selector = buf_str(&g->names) + at;
	}
	conf_dkim_release(&d);
	return rule != NULL ? 0 : -1;
}

static int
set_canon(const struct setup *s, struct signer *g)
{
	static const struct {
		const char *name;
		bool header, body; /* simple */
	} names[] = {
		{ "relaxed/relaxed", false, false },
		{ "relaxed/simple", false, true },
		{ "relaxed", false, true },
		{ "simple/relaxed", true, false },
		{ "simple/simple", true, true },
		{ "simple", true, true },
	};

	for (size_t i = 0; g->canon != NULL && i < LEN(names); i++)
		if (slice_ieq(slice_str(g->canon), slice_str(names[i].name))) {
			g->sign.simple_header = names[i].header;
			g->sign.simple_body = names[i].body;
			return 0;
		}
	return g->canon == NULL ? 0 : explain_misuse(s,
	    "'%s' is no canonicalization such as relaxed/simple", g->canon);
}

/* The algorithm is the key's; --algo may only say the same. */
static int
set_algorithm(const struct setup *s, struct signer *g)
{
	const char *why = "", *name;

	if (privkey_algorithm(g->pkey, &g->alg, &why) == -1)
		return say_abort(s, "The key cannot be used: %s", why);
	name = tag_writer_algorithm(g->alg);
	if (g->algo == NULL || slice_ieq(slice_str(g->algo), slice_str(name)))
		return 0;
	return explain_misuse(s, "--algo %s: the key is for %s", g->algo,
	    name);
}

static int
load_key(const struct setup *s, struct signer *g)
{
	char *path = NULL;
	int r = 0;

	if (g->key != NULL)
		path = mem_str(g->key);
	else if (from_tables(s, g, &path) == -1)
		return say_abort(s, "There is no DKIM key for %.*s; use --key",
		    SLICE_ARG(g->sign.from));
	if (g->domain == NULL) {
		/* With a key and no domain: the author's. */
		buf_add_slice(&g->names, addr_domain_of(g->sign.from));
		g->domain = buf_str(&g->names);
	}
	if (g->selector == NULL) {
		r = explain_misuse(s, "--selector is missing");
	} else if (!addr_domain_valid(slice_str(g->domain), ADDR_UTF8) ||
	    !addr_domain_valid(slice_str(g->selector), ADDR_UTF8)) {
		r = explain_misuse(s, "--domain or --selector is no name");
	} else {
		g->pkey = dkim_key_load(path);
		r = g->pkey != NULL ? set_algorithm(s, g) :
		    say_abort(s, "%s holds no private key", path);
	}
	mem_free(path);
	return r;
}

int
signer_open(const struct setup *s, struct signer *g)
{
	struct arc_seal *seal = g->sign.seal;
	int r;

	buf_init(&g->names, 1024);
	dkim_sign_init(&g->sign);
	g->sign.seal = seal;
	r = set_canon(s, g);
	if (r != 0)
		return r;
	g->sign.fd = message_open(g->file, &g->sign.size);
	if (g->sign.fd == -1)
		return EXPLAIN_MISUSE;
	dkim_sign_read(&g->sign);
	if (g->sign.error != 0)
		return say_abort(s, "%s: %s", g->file,
		    strerror(g->sign.error));
	if (g->sign.h.n == 0)
		return say_abort(s, "%s has no From field", g->file);
	if (g->sign.from.n == 0 && (g->key == NULL || g->domain == NULL))
		return say_abort(s, "%s has no author in its From field; "
		    "use --key and --domain", g->file);
	return load_key(s, g);
}

void
signer_release(struct signer *g)
{
	EVP_PKEY_free(g->pkey);
	dkim_sign_release(&g->sign);
	buf_release(&g->names);
}

int
signer_end(const struct signer *g,
    const unsigned char digest[WIRE_KEYS_DIGEST], struct buf *field)
{
	struct buf signature = BUF_INIT(SIGNATURE_MAX);
	int r = privkey_sign(g->pkey, g->alg, slice_of(digest,
	    WIRE_KEYS_DIGEST), &signature);

	if (r == 0)
		dkim_sign_end(field, buf_slice(&signature));
	buf_release(&signature);
	return r == 0 && buf_ok(field) ? 0 : -1;
}
