/* Signatures being verified. See verified.h. */
#include "msgauth/verified.h"

#include <idn2.h>
#include <openssl/evp.h>

#include "mail/addr.h"
#include "msgauth/pubkey.h"

/* Relaxing and CRLF make a header hardly longer. */
#define CANON_MAX (2 * LIMIT_HEADER_BYTES)
/* Clocks that are wrong by a time zone are common. */
#define FUTURE_SECONDS 86400

static const char *const result_names[DKIM_RESULTS] = {
	[DKIM_NEEDS_KEY] = "temperror",
	[DKIM_PASS] = "pass",
	[DKIM_FAIL] = "fail",
	[DKIM_PERMERROR] = "permerror",
	[DKIM_TEMPERROR] = "temperror",
};

const char *
dkim_result_name(enum dkim_result r)
{
	return result_names[r];
}

void
dkim_verified_decide(struct dkim_verified *s, enum dkim_result result,
    const char *why)
{
	s->result = result;
	s->why = why;
}

/* RFC 6376 3.5: x= and t= */
void
dkim_verified_check_time(struct dkim_verified *s, int64_t now)
{
	if (s->sig.expires != 0 && (int64_t)s->sig.expires < now)
		dkim_verified_decide(s, DKIM_FAIL, "signature expired");
	else if ((int64_t)s->sig.signed_at > now + FUTURE_SECONDS)
		dkim_verified_decide(s, DKIM_FAIL,
		    "signature is from the future");
}

void
dkim_verified_hash_header(struct dkim_verified *s, const struct fields *f)
{
	struct buf text = BUF_INIT(CANON_MAX);

	fields_select(f, s->sig.h, s->sig.relaxed_header, &text);
	signature_canon(&s->sig, &text);
	if (!buf_ok(&text) || EVP_Digest(text.p, text.n, s->digest, NULL,
	    EVP_sha256(), NULL) != 1)
		dkim_verified_decide(s, DKIM_PERMERROR,
		    "the header is too long");
	buf_release(&text);
}

void
dkim_verified_compare_body(struct dkim_verified *s,
    const struct body_digest *d)
{
	if (d->has_length && d->length > d->seen)
		dkim_verified_decide(s, DKIM_PERMERROR,
		    "l= is longer than the body");
	else if (memcmp(d->digest, s->sig.body_hash.p, sizeof(d->digest)) != 0)
		dkim_verified_decide(s, DKIM_FAIL,
		    "body hash did not verify");
}

/* --- keys ----------------------------------------------------------------- */

int
msgauth_ascii_name(struct slice name, struct buf *out)
{
	size_t start = out->n;
	char *text, *ascii = NULL;
	int r;

	if (slice_is_ascii(name)) {
		for (size_t i = 0; i < name.n; i++)
			buf_addc(out, ascii_lower(name.p[i]));
		return buf_ok(out) ? 0 : -1;
	}
	text = slice_dup(name);
	r = idn2_to_ascii_8z(text, &ascii, IDN2_NONTRANSITIONAL);
	mem_free(text);
	if (r != IDN2_OK)
		return -1;
	buf_truncate(out, start);
	buf_adds(out, ascii);
	/* An ideographic space is mapped to a blank. */
	r = addr_domain_valid(slice_str(ascii), 0) && buf_ok(out) ? 0 : -1;
	idn2_free(ascii);
	return r;
}

int
dkim_verify_key_name(const struct dkim_verified *s, struct buf *name)
{
	struct buf text = BUF_INIT(1024);
	int r = -1;

	buf_add_slice(&text, s->sig.s);
	buf_adds(&text, "._domainkey.");
	buf_add_slice(&text, s->sig.d);
	if (buf_ok(&text))
		r = msgauth_ascii_name(buf_slice(&text), name);
	buf_release(&text);
	return r;
}

bool
dkim_verify_use_key(struct dkim_verified *s, struct slice txt)
{
	struct slice domain = addr_domain_of(s->sig.i);
	struct pubkey key;
	const char *why;

	if (pubkey_parse(&key, txt, s->sig.alg, &why) == -1) {
		dkim_verified_decide(s, DKIM_PERMERROR, why);
		return false;
	}
	if (key.exact_domain && domain.n > 0 && !slice_ieq(domain, s->sig.d))
		dkim_verified_decide(s, DKIM_PERMERROR,
		    "i= is below d=, the key forbids it");
	else if (pubkey_verify(&key, s->sig.alg,
	    slice_of(s->digest, sizeof(s->digest)), s->sig.bytes))
		dkim_verified_decide(s, DKIM_PASS, NULL);
	else
		dkim_verified_decide(s, DKIM_FAIL, key.testing ?
		    "signature did not verify; the domain is testing" :
		    "signature did not verify");
	pubkey_release(&key);
	return s->result == DKIM_PASS;
}

void
dkim_verify_no_key(struct dkim_verified *s, bool temporary, const char *why)
{
	dkim_verified_decide(s, temporary ? DKIM_TEMPERROR : DKIM_PERMERROR,
	    why);
}

/* RFC 6376 3.6.2.2: of several records each may be tried. What a key says
 * counts more than that another record is none. */
static void
use_records(struct dkim_verified *s, const struct wire_dns_answer *a)
{
	const char *failed = NULL;
	bool used = false;

	for (uint32_t i = 0; i < a->count && !used; i++) {
		struct buf text = BUF_INIT(LIMIT_FRAME);

		if (wire_dns_txt(a->rdata[i], &text) == 0)
			used = dkim_verify_use_key(s, buf_slice(&text));
		if (s->result == DKIM_FAIL)
			failed = s->why;
		buf_release(&text);
	}
	if (!used && failed != NULL)
		dkim_verified_decide(s, DKIM_FAIL, failed);
	if (s->result == DKIM_NEEDS_KEY)
		dkim_verify_no_key(s, false, "no key");
}

void
dkim_verify_answer(struct dkim_verified *s, const struct wire_dns_answer *a)
{
	if (a == NULL)
		dkim_verify_no_key(s, true, "DNS does not answer");
	else if (a->status == WIRE_DNS_SERVFAIL ||
	    a->status == WIRE_DNS_BOGUS)
		dkim_verify_no_key(s, true, "key unavailable");
	else if (a->status != WIRE_DNS_OK)
		dkim_verify_no_key(s, false, "no key");
	else
		use_records(s, a);
}
