#include "setup/dkim_record.h"

#include "core/base64.h"
#include "msgauth/pubkey.h"
#include "msgauth/tags.h"

/* The bytes of p= of a record; false if it has none. */
static bool
key_bytes(struct slice text, struct buf *out)
{
	struct slice p;
	struct tags t;

	if (tags_parse(&t, text, NULL) == -1)
		return false;
	p = tags_value(&t, "p");
	return p.n > 0 && base64_decode_folded(out, p) == 0 && buf_ok(out);
}

bool
dkim_record_same(struct slice a, struct slice b)
{
	struct buf ka = BUF_INIT(8192), kb = BUF_INIT(8192);
	bool same = key_bytes(a, &ka) && key_bytes(b, &kb) &&
	    slice_eq(buf_slice(&ka), buf_slice(&kb));

	buf_release(&ka);
	buf_release(&kb);
	return same;
}

enum wire_keys_alg
dkim_record_alg(struct slice text)
{
	struct tags t;

	return tags_parse(&t, text, NULL) == 0 && slice_ieq(tags_value(&t,
	    "k"), S("ed25519")) ? WIRE_KEYS_ED25519_SHA256 :
	    WIRE_KEYS_RSA_SHA256;
}

bool
dkim_record_revoked(struct slice text)
{
	struct tags t;

	return tags_parse(&t, text, NULL) == 0 && tags_find(&t, "p") != NULL &&
	    tags_value(&t, "p").n == 0;
}

static bool
text_is_good(struct slice text, struct slice ours, const char **why)
{
	struct pubkey key;
	bool testing;

	if (dkim_record_revoked(text))
		return fail(why, "the key is revoked there (p= is empty)") == 0;
	if (pubkey_parse(&key, text, dkim_record_alg(ours), why) == -1)
		return false;
	testing = key.testing;
	pubkey_release(&key);
	if (!dkim_record_same(text, ours))
		return fail(why, "it holds another key") == 0;
	/* RFC 6376 3.6.1: as if there were no signature. */
	if (testing)
		return fail(why, "the testing flag (t=y) is on") == 0;
	return true;
}

bool
dkim_record_published(const struct wire_dns_answer *a, struct slice ours,
    const char **why)
{
	struct buf text = BUF_INIT(LIMIT_FRAME);
	bool good = false;

	if (a->status == WIRE_DNS_SERVFAIL)
		*why = "the DNS does not answer";
	else if (a->status == WIRE_DNS_BOGUS)
		*why = "the answer is forged, says DNSSEC";
	else if (a->count == 0)
		*why = "it is not there yet";
	else if (a->count > 1) /* RFC 6376 3.6.2.2 */
		*why = "there are several records of that name";
	else if (wire_dns_txt(a->rdata[0], &text) == -1)
		*why = "the record is malformed";
	else
		good = text_is_good(buf_slice(&text), ours, why);
	buf_release(&text);
	return good;
}
