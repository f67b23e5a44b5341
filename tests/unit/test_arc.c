#include "msgauth/arc.h"

#include "check.h"

#include "mail/authres_read.h"
#include "msgauth/arc_seal.h"

/* Fields of set i; 43 characters of base64 are a SHA-256. */
#define AAR(i, results)                                                        \
	"ARC-Authentication-Results: i=" i "; x.test; " results "\r\n"
#define AMS(i, more)                                                           \
	"ARC-Message-Signature: i=" i "; a=rsa-sha256; d=s" i ".test; s=s;\r\n" \
	" h=from; bh=jkYhN5eG70Kk/sFVzVJcKR3X2zwf3jR4Ui9PYcA/0b0=; b=AAAA" more "\r\n"
#define SEAL(i, cv)                                                            \
	"ARC-Seal: i=" i "; a=rsa-sha256; cv=" cv "; d=s" i ".test; s=s; "     \
	"b=AAAA\r\n"
#define SET(i, cv) SEAL(i, cv) AMS(i, "") AAR(i, "none")
#define FROM "From: a@a.test\r\n\r\n"

struct chain {
	struct arena arena;
	struct fields f;
	struct arc arc;
};

static void
collect(struct chain *c, const char *header)
{
	*c = (struct chain){ 0 };
	fields_init(&c->f, slice_str(header));
	arc_collect(&c->arc, &c->arena, &c->f, 1700000000, NULL);
}

static void
release(struct chain *c)
{
	arc_release(&c->arc);
	fields_release(&c->f);
	arena_release(&c->arena);
}

/* RFC 8617 5.2, steps 1 to 3 and the fields' own rules. */
TEST(chains_that_are_broken_are_found_without_the_dns)
{
	static const struct {
		const char *header, *why;
		unsigned at;
	} cases[] = {
		{ FROM, NULL, 0 },
		{ "ARC-Authentication-Results:\r\n" FROM,
		    "a field has no instance of 1 to 50", 0 },
		{ "ARC-Seal:\r\n" FROM, "a field has no instance of 1 to 50",
		    0 },
		{ "ARC-Seal: i=1;; cv=none\r\n" FROM, "a tag without a value",
		    0 },
		{ SET("0", "none") FROM, "a field has no instance of 1 to 50",
		    0 },
		{ SET("51", "pass") FROM, "a field has no instance of 1 to 50",
		    0 },
		{ SET("-1", "pass") FROM, "a field has no instance of 1 to 50",
		    0 },
		{ SET("1", "none") SEAL("1", "none") FROM,
		    "a field is there twice", 1 },
		{ SET("1", "none") AAR("1", "none") FROM,
		    "a field is there twice", 1 },
		{ SEAL("1", "none") AMS("1", "") FROM,
		    "a set is not complete", 1 },
		{ SEAL("1", "none") AAR("1", "none") FROM,
		    "a set is not complete", 1 },
		{ AMS("1", "") AAR("1", "none") FROM, "a set is not complete",
		    1 },
		{ SET("2", "pass") FROM, "a set is not complete", 1 },
		{ SET("1", "pass") FROM, "cv= is not what it must be", 1 },
		{ SET("2", "none") SET("1", "none") FROM,
		    "cv= is not what it must be", 2 },
		{ SET("1", "maybe") FROM, "cv= is not what it must be", 1 },
		{ SET("2", "fail") SET("1", "none") FROM,
		    "a sealer found the chain broken", 2 },
		{ SET("2", "pass") SET("1", "fail") FROM,
		    "a sealer found the chain broken", 1 },
		{ "ARC-Seal: i=1; a=rsa-sha256; cv=none; d=x.test; s=s; b=AAAA;"
		    " h=from\r\n" FROM, "a seal has no h= tag", 1 },
		{ "ARC-Seal: i=1; a=rsa-sha1; cv=none; d=x.test; s=s; b=AAAA\r\n"
		    FROM, "rsa-sha1 is not accepted", 1 },
		{ "ARC-Seal: i=1; a=rsa-sha256; d=x.test; s=s; b=AAAA\r\n" FROM,
		    "a required tag is missing", 1 },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct dns_question q;
		struct chain c;

		collect(&c, cases[i].header);
		CHECK(arc_message(&c.arc, 1) == NULL, "%s", cases[i].header);
		CHECK(arc_step(&c.arc, &q) == MSGAUTH_DONE, "%s",
		    cases[i].header);
		CHECK(c.arc.result == (cases[i].why == NULL ? ARC_NONE :
		    ARC_FAIL), "%s", cases[i].header);
		CHECK(cases[i].why == NULL || (strcmp(c.arc.why,
		    cases[i].why) == 0 && c.arc.at == cases[i].at),
		    "%s: %s, %u", cases[i].header, c.arc.why, c.arc.at);
		release(&c);
	}
}

/* Step 4: only the newest message signature counts. */
TEST(newest_message_signature_must_be_good)
{
	static const struct {
		const char *header, *why;
	} cases[] = {
		{ SET("2", "pass") SEAL("1", "none") AAR("1", "none")
		    "ARC-Message-Signature: i=1; a=x\r\n" FROM, NULL },
		{ SEAL("1", "none") AAR("1", "none")
		    "ARC-Message-Signature: i=1; a=x\r\n" FROM,
		    "a required tag is missing" },
		{ SEAL("1", "none") AAR("1", "none") AMS("1", "; x=1600000000")
		    FROM, "signature expired" },
		{ SEAL("1", "none") AAR("1", "none") AMS("1", "; v=1") FROM,
		    NULL },
		{ SEAL("1", "none") AAR("1", "none")
		    "ARC-Message-Signature: i=1; a=rsa-sha256; d=x.test; s=s; "
		    "h=from:arc-seal; bh=AAAA; b=AAAA\r\n" FROM,
		    "an ARC-Seal is signed" },
		/* What sealers must not do, but what harms nobody. */
		{ SEAL("1", "none") AAR("1", "none")
		    "ARC-Message-Signature: i=1; a=rsa-sha256; d=x.test; s=s; "
		    "h=from:ARC-Authentication-Results:arc-message-signature; "
		    "bh=jkYhN5eG70Kk/sFVzVJcKR3X2zwf3jR4Ui9PYcA/0b0=; b=AAAA\r\n"
		    FROM, NULL },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct dns_question q;
		struct chain c;
		enum msgauth_step step;

		collect(&c, cases[i].header);
		CHECK(arc_message(&c.arc, c.arc.n) != NULL, "%s",
		    cases[i].header);
		step = arc_step(&c.arc, &q);
		CHECK(step == (cases[i].why == NULL ? MSGAUTH_ASK :
		    MSGAUTH_DONE), "%s: %s", cases[i].header, c.arc.why);
		CHECK(cases[i].why == NULL || strcmp(c.arc.why, cases[i].why)
		    == 0, "%s: %s", cases[i].header, c.arc.why);
		release(&c);
	}
}

/* 5.2.1: also what the DNS does not answer now. */
TEST(all_failures_are_permanent)
{
	struct dns_question q;
	struct chain c;

	collect(&c, SET("1", "none") FROM);
	CHECK(arc_step(&c.arc, &q) == MSGAUTH_ASK, " ");
	CHECK_SLICE(q.name, "s._domainkey.s1.test");
	arc_answer(&c.arc, NULL);
	CHECK(arc_step(&c.arc, &q) == MSGAUTH_DONE, " ");
	CHECK(c.arc.result == ARC_FAIL && c.arc.at == 1, " ");
	release(&c);
}

/* 5.2, step 5: the keys of older message signatures are asked for last. */
TEST(oldest_pass_ends_at_the_first_that_fails)
{
	static const struct {
		enum dkim_result older[2]; /* sets 1 and 2 */
		unsigned oldest, asked;
	} cases[] = {
		{ { DKIM_PASS, DKIM_PASS }, 0, 0 },
		{ { DKIM_FAIL, DKIM_PASS }, 2, 0 },
		{ { DKIM_PASS, DKIM_FAIL }, 3, 0 },
		{ { DKIM_PASS, DKIM_NEEDS_KEY }, 3, 1 },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct dns_question q;
		struct chain c;
		unsigned asked = 0;

		collect(&c, SET("3", "pass") SET("2", "pass") SET("1", "none")
		    FROM);
		for (size_t k = 0; k < 3; k++) {
			c.arc.sets[k].seal.result = DKIM_PASS;
			c.arc.sets[k].message.result = k == 2 ? DKIM_PASS :
			    cases[i].older[k];
		}
		while (arc_step(&c.arc, &q) == MSGAUTH_ASK) {
			CHECK_SLICE(q.name, "s._domainkey.s2.test");
			arc_answer(&c.arc, NULL);
			asked++;
		}
		CHECK(c.arc.result == ARC_PASS && asked == cases[i].asked &&
		    c.arc.oldest_pass == cases[i].oldest, "case %zu: %u", i,
		    c.arc.oldest_pass);
		release(&c);
	}
}

TEST(results_have_their_instance_in_front)
{
	static const struct {
		const char *value, *payload;
		unsigned instance;
	} cases[] = {
		{ " i=1; x.test; none", " x.test; none", 1 },
		{ "(a) i (b;\\)) = (i=9;)\r\n 12 ; x", " x", 12 },
		{ " i=1 x.test; none", NULL, 0 },
		{ " x.test; i=1; none", NULL, 0 },
		{ " i=51; x", " x", 0 },
		{ " i=(1); x", " x", 0 },
		{ " (i=1; x", NULL, 0 },
		{ "", NULL, 0 },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct slice value = slice_str(cases[i].value), n, payload;

		CHECK(arc_field_instance(ARC_AAR, value) == cases[i].instance,
		    "%s", cases[i].value);
		if (authres_read_instance(value, &n, &payload) == -1)
			CHECK(cases[i].payload == NULL, "%s", cases[i].value);
		else
			CHECK_SLICE(payload, cases[i].payload);
	}
}

TEST(trust_ends_at_the_first_sealer_without_it)
{
	static const struct {
		const char *results[2]; /* of sets 1 and 2 */
		const char *trusted;
		unsigned want;
	} cases[] = {
		{ { "dmarc=pass header.from=a.test", "dmarc=fail "
		    "header.from=a.test" }, "s2.test,s1.test", 1 },
		{ { "dmarc=pass header.from=a.test", "dmarc=fail "
		    "header.from=a.test" }, "s2.test", 0 },
		{ { "dmarc=pass header.from=a.test", "dmarc=fail "
		    "header.from=a.test" }, "s1.test", 0 },
		{ { "none", "dmarc=pass header.from=A.test" }, "test", 2 },
		{ { "none", "dmarc=pass header.from=b.a.test" }, "test", 0 },
		{ { "none", "dkim=pass header.d=b.a.test" }, "test", 2 },
		{ { "none", "dkim=pass header.i=@a.test" }, "test", 2 },
		{ { "none", "spf=pass smtp.mailfrom=x@bounces.a.test" },
		    "test", 2 },
		{ { "none", "spf=fail smtp.mailfrom=x@a.test" }, "test", 0 },
		{ { "none", "dkim=fail (dkim=pass header.d=a.test)" }, "test",
		    0 },
		{ { "none", "dkim=fail reason=\"; dkim=pass header.d=a.test\"" },
		    "test", 0 },
		{ { "none", "dmarc=pass header.from=a.test" }, "", 0 },
		{ { "none", "dmarc=pass header.from=a.test" }, "2.test", 0 },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct buf header = BUF_INIT(4096);
		struct slice rest = slice_str(cases[i].trusted), trusted[2];
		struct chain c;
		size_t n = 0;
		unsigned got;

		while (slice_split(&rest, ',', &trusted[n]))
			n++;
		buf_addf(&header, SEAL("2", "pass") AMS("2", "") AAR("2", "%s")
		    SEAL("1", "none") AMS("1", "") AAR("1", "%s") FROM,
		    cases[i].results[1], cases[i].results[0]);
		collect(&c, buf_str(&header));
		CHECK(arc_vouches(&c.arc, S("a.test"), trusted, n) == 0,
		    "not judged yet");
		c.arc.judged = true;
		c.arc.result = ARC_PASS;
		got = arc_vouches(&c.arc, S("a.test"), trusted, n);
		CHECK(got == cases[i].want, "%s by %s: %u",
		    cases[i].results[1], cases[i].trusted, got);
		release(&c);
		buf_release(&header);
	}
}

/* RFC 8617 5.1 */
TEST(seals_follow_what_is_there)
{
	static const struct {
		const char *header;
		enum arc_result chain;
		unsigned instance;
	} cases[] = {
		{ FROM, ARC_NONE, 1 },
		{ FROM, ARC_PASS, 0 },
		{ SET("1", "none") FROM, ARC_PASS, 2 },
		{ SET("1", "none") FROM, ARC_NONE, 0 },
		{ SET("1", "none") FROM, ARC_FAIL, 2 },
		{ SET("2", "pass") FROM, ARC_FAIL, 3 },
		{ SET("2", "pass") FROM, ARC_PASS, 0 },
		{ SET("2", "fail") SET("1", "none") FROM, ARC_FAIL, 0 },
		{ SET("2", "pass") SET("1", "fail") FROM, ARC_FAIL, 3 },
		{ SET("50", "pass") FROM, ARC_FAIL, 0 },
		{ "ARC-Authentication-Results:\r\n" FROM, ARC_FAIL, 1 },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct arc_seal s;
		struct fields f;

		fields_init(&f, slice_str(cases[i].header));
		arc_seal_init(&s);
		arc_seal_prepare(&s, &f, cases[i].chain);
		CHECK(s.instance == cases[i].instance, "%s: %u",
		    cases[i].header, s.instance);
		/* 5.1.2: after a failure a seal covers its own set only. */
		CHECK((s.below.n > 0) == (s.instance > 1 &&
		    cases[i].chain == ARC_PASS), "%s", cases[i].header);
		arc_seal_release(&s);
		fields_release(&f);
	}
}

TESTS(
	T(chains_that_are_broken_are_found_without_the_dns),
	T(newest_message_signature_must_be_good),
	T(all_failures_are_permanent),
	T(oldest_pass_ends_at_the_first_that_fails),
	T(results_have_their_instance_in_front),
	T(trust_ends_at_the_first_sealer_without_it),
	T(seals_follow_what_is_there)
)
