#include "check.h"

#include "core/base64.h"
#include "sasl/saslprep.h"
#include "sasl/scram.h"
#include "sasl/scram_key.h"

/* --- RFC 4013 ------------------------------------------------------------- */

TEST(saslprep_maps_normalizes_and_refuses)
{
	static const struct {
		const char *in, *out; /* NULL: refused */
	} cases[] = {
		/* RFC 4013 section 3 */
		{ "I\xc2\xadX", "IX" },
		{ "user", "user" },
		{ "USER", "USER" },
		{ "\xc2\xaa", "a" },
		{ "\xe2\x85\xa8", "IX" },
		{ "\x07", NULL },
		{ "\xd8\xa7\x31", NULL },
		/* 2.1: other blanks become a blank; 2.3: what is prohibited */
		{ "a\xc2\xa0" "b", "a b" },
		{ "p\xc3\xa9", "p\xc3\xa9" },
		{ "pe\xcc\x81", "p\xc3\xa9" },
		{ "\x7f", NULL },
		{ "\xee\x80\x80", NULL },
		{ "\xef\xbf\xbd", NULL },
		{ "\xff", NULL },
		{ "\xc8\xa1", NULL }, /* not assigned in Unicode 3.2 */
		{ "", "" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct buf b = BUF_INIT(100);
		int r = saslprep(slice_str(cases[i].in), &b);

		CHECK((r == 0) == (cases[i].out != NULL), "%zu", i);
		if (cases[i].out != NULL)
			CHECK_SLICE(buf_slice(&b), cases[i].out);
		else
			CHECK(b.n == 0, "%zu", i);
		buf_release(&b);
	}
}

/* --- verifiers ------------------------------------------------------------ */

TEST(verifiers_are_read_and_written)
{
	static const char *const bad[] = { "", "4096", "0,c2FsdA==,x,y",
		"4096,,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=",
		"x,c2FsdA==,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,"
		"D+CSWLOshSulAsxiupA+qs2/fTE=",
		"4096,c2FsdA==,6dlGYMOdZcOPutkcNY8U2g7vK9Y=",
		"4096,c2FsdA==,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,c2hvcnQ=",
		"4096,c2FsdA==,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,"
		"D+CSWLOshSulAsxiupA+qs2/fTE=,more",
		"2000001,c2FsdA==,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,"
		"D+CSWLOshSulAsxiupA+qs2/fTE=" };
	static const char good[] = "4096,QSXCR+Q6sek8bf92,"
	    "6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=";
	struct buf b = BUF_INIT(200);
	struct scram_verifier v;
	const char *why;

	for (size_t i = 0; i < LEN(bad); i++)
		CHECK(scram_verifier_parse(&v, SCRAM_SHA1, slice_str(bad[i]),
		    &why) == -1, "%s", bad[i]);
	CHECK(scram_verifier_parse(&v, SCRAM_SHA256, slice_str(good), &why) == -1);
	CHECK(scram_verifier_parse(&v, SCRAM_SHA1, slice_str(good), &why) == 0);
	scram_verifier_format(&v, SCRAM_SHA1, &b);
	CHECK_SLICE(buf_slice(&b), good);
	buf_clear(&b);
	/* The same from its password: RFC 5802 section 5's user. */
	memset(v.stored, 0, sizeof(v.stored));
	memset(v.server, 0, sizeof(v.server));
	scram_derive(&v, SCRAM_SHA1, S("pencil"));
	scram_verifier_format(&v, SCRAM_SHA1, &b);
	CHECK_SLICE(buf_slice(&b), good);
	buf_release(&b);
}

TEST(new_verifiers_differ_and_prepare_the_password)
{
	struct scram_verifier a, b, c;

	scram_derive_new(&a, SCRAM_SHA256, S("\xe2\x85\xa8"));
	scram_derive_new(&b, SCRAM_SHA256, S("\xe2\x85\xa8"));
	CHECK(memcmp(a.salt, b.salt, SCRAM_SALT) != 0);
	CHECK(memcmp(a.stored, b.stored, SCRAM_KEY_MAX) != 0);
	c = a;
	scram_derive(&c, SCRAM_SHA256, S("IX"));
	CHECK(memcmp(a.stored, c.stored, SCRAM_KEY_MAX) == 0);
	/* A password that has no prepared form counts as it is. */
	scram_derive(&c, SCRAM_SHA256, S("\xff"));
	scram_derive(&a, SCRAM_SHA256, S("\xc2\xad"));
	CHECK(memcmp(a.stored, c.stored, SCRAM_KEY_MAX) != 0);
}

/* --- exchanges ------------------------------------------------------------ */

static const struct scram_binding bindings[] = {
	{ "tls-exporter", { "exported", 8 } },
	{ "tls-server-end-point", { "end", 3 } },
	{ "tls-unique", { NULL, 0 } },
};
static const struct scram_channel no_channel = { false, NULL, 0 };
static const struct scram_channel tls_channel = { true, bindings,
	LEN(bindings) };

struct example {
	enum scram_hash hash;
	const char *salt, *nonce;
	const char *first, *challenge, *final, *verdict;
};

static const struct example examples[] = {
	/* RFC 5802 section 5 */
	{ SCRAM_SHA1, "QSXCR+Q6sek8bf92", "3rfcNHYJY1ZVvWVs7j",
	    "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
	    "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
	    "s=QSXCR+Q6sek8bf92,i=4096",
	    "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
	    "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
	    "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=" },
	/* RFC 7677 section 3 */
	{ SCRAM_SHA256, "W22ZaJ0SNY7soEsUEjb6gQ==", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
	    "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
	    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	    "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
	    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	    "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" },
};

static struct scram_verifier
verifier_of(const struct example *e)
{
	struct scram_verifier v = { .rounds = 4096 };
	struct buf salt = BUF_INIT(LIMIT_SCRAM_SALT);

	CHECK(base64_decode(&salt, slice_str(e->salt)) == 0);
	v.salt_n = salt.n;
	memcpy(v.salt, salt.p, salt.n);
	scram_derive(&v, e->hash, S("pencil"));
	buf_release(&salt);
	return v;
}

TEST(the_examples_of_the_rfcs)
{
	for (size_t i = 0; i < LEN(examples); i++) {
		const struct example *e = &examples[i];
		struct scram_verifier v = verifier_of(e);
		struct buf out = BUF_INIT(LIMIT_SASL_MESSAGE);
		const char *why;
		struct scram s;

		scram_init(&s, e->hash);
		CHECK(scram_first(&s, false, &no_channel, slice_str(e->first),
		    &why) == 0);
		CHECK_SLICE(buf_slice(&s.user), "user");
		scram_challenge(&s, &v, slice_str(e->nonce), &out);
		CHECK_SLICE(buf_slice(&out), e->challenge);
		buf_clear(&out);
		CHECK(scram_final(&s, slice_str(e->final), &out, &why) == 0,
		    "%s", why);
		CHECK_SLICE(buf_slice(&out), e->verdict);
		scram_release(&s);
		buf_release(&out);
	}
}

/* The final message of the RFC 5802 example, changed. */
TEST(wrong_final_messages_are_refused)
{
	static const struct {
		const char *final, *why;
	} cases[] = {
		{ "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
		  "p=w0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "wrong password" },
		{ "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
		  "p=AAAA", "wrong password" },
		{ "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
		  "p=???", "wrong password" },
		{ "c=biws,r=fyko+d2lbbFgONRv9qkxdawL,"
		  "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "wrong SCRAM nonce" },
		{ "c=eSws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
		  "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		  "channel binding differs" },
		{ "c=*,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
		  "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		  "channel binding differs" },
		{ "m=x,c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
		  "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "unknown SCRAM extension" },
		{ "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
		  "malformed SCRAM message" },
		{ "", "malformed SCRAM message" },
		{ ",", "malformed SCRAM message" },
		{ "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		  "malformed SCRAM message" },
	};
	struct scram_verifier v = verifier_of(&examples[0]);

	for (size_t i = 0; i < LEN(cases); i++) {
		struct buf out = BUF_INIT(LIMIT_SASL_MESSAGE);
		const char *why = "";
		struct scram s;

		scram_init(&s, SCRAM_SHA1);
		CHECK(scram_first(&s, false, &no_channel,
		    slice_str(examples[0].first), &why) == 0);
		scram_challenge(&s, &v, slice_str(examples[0].nonce), &out);
		buf_clear(&out);
		CHECK(scram_final(&s, slice_str(cases[i].final), &out, &why) ==
		    -1, "%zu", i);
		CHECK(strcmp(why, cases[i].why) == 0, "%zu: %s", i, why);
		CHECK(out.n == 0);
		scram_release(&s);
		buf_release(&out);
	}
}

TEST(first_messages)
{
	static const struct {
		const char *message;
		bool plus, tls;
		const char *user, *authzid; /* NULL: refused */
	} cases[] = {
		{ "n,,n=user,r=abc", false, false, "user", "" },
		{ "n,,n=user,r=abc", false, true, "user", "" },
		{ "y,,n=user,r=abc", false, false, "user", "" },
		{ "n,a=other,n=user,r=abc", false, false, "user", "other" },
		{ "n,,n=a=2Cb=3Dc,r=abc", false, false, "a,b=c", "" },
		{ "n,,n=I\xc2\xadX,r=abc", false, false, "IX", "" },
		{ "n,,n=user,r=abc,x=more", false, false, "user", "" },
		{ "p=tls-exporter,,n=user,r=abc", true, true, "user", "" },
		{ "p=tls-server-end-point,,n=user,r=a", true, true, "user",
		    "" },
		/* the flag and the mechanism disagree, or a downgrade */
		{ "p=tls-exporter,,n=user,r=abc", false, true, NULL, NULL },
		{ "n,,n=user,r=abc", true, true, NULL, NULL },
		{ "y,,n=user,r=abc", false, true, NULL, NULL },
		{ "y,,n=user,r=abc", true, true, NULL, NULL },
		{ "p=tls-unique,,n=user,r=abc", true, true, NULL, NULL },
		{ "p=tls-exporter,,n=user,r=abc", true, false, NULL, NULL },
		{ "p=,,n=user,r=abc", true, true, NULL, NULL },
		{ "p=a b,,n=user,r=abc", true, true, NULL, NULL },
		/* malformed */
		{ "", false, false, NULL, NULL },
		{ "n", false, false, NULL, NULL },
		{ "n,", false, false, NULL, NULL },
		{ "n,,", false, false, NULL, NULL },
		{ "x,,n=user,r=abc", false, false, NULL, NULL },
		{ "n,a=,n=user,r=abc", false, false, NULL, NULL },
		{ "n,b=x,n=user,r=abc", false, false, NULL, NULL },
		{ "n,,n=,r=abc", false, false, NULL, NULL },
		{ "n,,n=user", false, false, NULL, NULL },
		{ "n,,n=user,r=", false, false, NULL, NULL },
		{ "n,,n=user,r=a b", false, false, NULL, NULL },
		{ "n,,r=abc,n=user", false, false, NULL, NULL },
		{ "n,,m=x,n=user,r=abc", false, false, NULL, NULL },
		{ "n,,n=us=er,r=abc", false, false, NULL, NULL },
		{ "n,,n=us=2cer,r=abc", false, false, NULL, NULL },
		{ "n,,n=user,r=abc,xy", false, false, NULL, NULL },
		{ "n,,n=\xff,r=abc", false, false, NULL, NULL },
		{ "n,,n=\x07,r=abc", false, false, NULL, NULL },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		const char *why = NULL;
		struct scram s;
		int r;

		scram_init(&s, SCRAM_SHA256);
		r = scram_first(&s, cases[i].plus,
		    cases[i].tls ? &tls_channel : &no_channel,
		    slice_str(cases[i].message), &why);
		CHECK((r == 0) == (cases[i].user != NULL), "%s: %s",
		    cases[i].message, why);
		CHECK(r == 0 || why != NULL);
		if (r == 0) {
			CHECK_SLICE(buf_slice(&s.user), cases[i].user);
			CHECK_SLICE(buf_slice(&s.authzid), cases[i].authzid);
		}
		scram_release(&s);
	}
}

TEST(messages_have_a_greatest_length)
{
	struct buf b = BUF_INIT(2 * LIMIT_SASL_MESSAGE);
	struct scram s;
	const char *why;

	buf_adds(&b, "n,,n=user,r=");
	while (b.n < LIMIT_SASL_MESSAGE)
		buf_addc(&b, 'x');
	scram_init(&s, SCRAM_SHA1);
	CHECK(scram_first(&s, false, &no_channel, buf_slice(&b), &why) == 0);
	scram_release(&s);
	buf_addc(&b, 'x');
	scram_init(&s, SCRAM_SHA1);
	CHECK(scram_first(&s, false, &no_channel, buf_slice(&b), &why) == -1);
	CHECK(s.user.n == 0);
	scram_release(&s);
	buf_release(&b);
}

/* "c=" has the header and the data of the channel (RFC 5802 section 5.1); the
 * proof comes from the test's own arithmetic with the client's key. */
TEST(a_bound_exchange)
{
	static const char first[] = "p=tls-exporter,,n=user,r=abc";
	struct scram_verifier v = { .rounds = 4096, .salt_n = 4,
		.salt = { 's', 'a', 'l', 't' } };

	scram_derive(&v, SCRAM_SHA256, S("pencil"));
	for (int good = 0; good < 2; good++) {
		struct buf out = BUF_INIT(LIMIT_SASL_MESSAGE);
		struct buf final = BUF_INIT(LIMIT_SASL_MESSAGE);
		const char *why = "";
		struct scram s;

		scram_init(&s, SCRAM_SHA256);
		CHECK(scram_first(&s, true, &tls_channel, slice_str(first), &why) == 0);
		scram_challenge(&s, &v, S("def"), &out);
		CHECK_SLICE(buf_slice(&out), "r=abcdef,s=c2FsdA==,i=4096");
		buf_adds(&final, "c=");
		base64_encode(&final, good ? S("p=tls-exporter,,exported") :
		    S("p=tls-exporter,,imported"));
		buf_adds(&final, ",r=abcdef,p=AAAA");
		buf_clear(&out);
		CHECK(scram_final(&s, buf_slice(&final), &out, &why) == -1);
		/* Past the binding, the proof is what is wrong. */
		CHECK(strcmp(why, good ? "wrong password" :
		    "channel binding differs") == 0, "%s", why);
		scram_release(&s);
		buf_release(&out);
		buf_release(&final);
	}
}

TESTS(T(saslprep_maps_normalizes_and_refuses),
    T(verifiers_are_read_and_written),
    T(new_verifiers_differ_and_prepare_the_password),
    T(the_examples_of_the_rfcs), T(wrong_final_messages_are_refused),
    T(first_messages), T(messages_have_a_greatest_length),
    T(a_bound_exchange))
