#include "check.h"

#include "conf/conf_scram.h"
#include "sasl/mechanism.h"

#define SHA1                                                                   \
	"{SCRAM-SHA-1}4096,QSXCR+Q6sek8bf92,"                                  \
	"6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE="
#define SHA256                                                                 \
	"{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,"                        \
	"WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,"                        \
	"wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
#define SECRET "secret|AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"

TEST(verifiers_count_for_their_hash_only)
{
	struct conf_scram s;
	struct scram_verifier v;

	conf_scram_init(&s);
	conf_scram_parse(&s, "f", S("# made\n" SECRET
	    "U@x.test|{PLAIN}a|" SHA1 "|" SHA256 "\n"), NULL);
	CHECK(s.has_secret && s.secret[31] == 31);
	CHECK(conf_scram_find(&s, S("u@X.test"), S("{PLAIN}a"), SCRAM_SHA1,
	    &v) == 0 && v.rounds == 4096 && v.salt_n == 12);
	CHECK(conf_scram_find(&s, S("u@x.test"), S("{PLAIN}a"), SCRAM_SHA256,
	    &v) == 0 && v.salt_n == 16);
	CHECK(conf_scram_find(&s, S("u@x.test"), S("{PLAIN}b"), SCRAM_SHA1,
	    &v) == -1);
	CHECK(conf_scram_find(&s, S("w@x.test"), S("{PLAIN}a"), SCRAM_SHA1,
	    &v) == -1);
	/* A hash that is a verifier is one, for its mechanism. */
	CHECK(conf_scram_find(&s, S("w@x.test"), S(SHA1), SCRAM_SHA1, &v) == 0);
	CHECK(conf_scram_find(&s, S("w@x.test"), S(SHA1), SCRAM_SHA256,
	    &v) == -1);
	conf_scram_release(&s);
}

TEST(bad_lines_are_warnings)
{
	static const char *const bad[] = { "x", "u@x.test|", "u@x.test|h|",
		"u@x.test|h|" SHA256 "|" SHA1, "u@x.test|h|" SHA1,
		"u@x.test|h|" SHA1 "|" SHA256 "|more", "secret|AAAA",
		"|h|" SHA1 "|" SHA256, "secret|?" };

	for (size_t i = 0; i < LEN(bad); i++) {
		struct conf_problems p;
		struct conf_scram s;

		conf_problems_init(&p);
		conf_scram_init(&s);
		conf_scram_parse(&s, "f", slice_str(bad[i]), &p);
		CHECK(p.warnings == 1 && p.errors == 0, "%s", bad[i]);
		CHECK(s.by_name.count == 0 && !s.has_secret, "%s", bad[i]);
		conf_scram_release(&s);
		conf_problems_release(&p);
	}
}

TEST(a_mechanism_is_covered_when_every_account_has_it)
{
	static const struct {
		const char *accounts, *masters;
		bool sha1, sha256;
	} cases[] = {
		{ "", "", false, false },
		{ "u@x.test|h\n", "", true, true },
		{ "u@x.test|h2\n", "", false, false },
		{ "u@x.test|h\nv@x.test|" SHA256 "\n", "", false, true },
		{ "u@x.test|h\nv@x.test|h\n", "", false, false },
		{ "u@x.test|h\nv@x.test|h|nologin\n", "", true, true },
		{ "u@x.test|h\nv@x.test|h|nologin=n\n", "", false, false },
		{ "v@x.test|h|nologin\n", "", false, false },
		{ "u@x.test|h\n", "adm|h\n", true, true },
		{ "u@x.test|h\n", "adm|h2\n", false, false },
		{ "u@x.test|h\n", "other|h\n", false, false },
		{ "", "adm|h\n", false, false },
	};
	struct conf_scram s;

	conf_scram_init(&s);
	conf_scram_parse(&s, "f", S("u@x.test|h|" SHA1 "|" SHA256 "\n"
	    "*adm|h|" SHA1 "|" SHA256 "\n"), NULL);
	for (size_t i = 0; i < LEN(cases); i++) {
		struct conf_accounts a, m;

		conf_accounts_init(&a);
		conf_accounts_init(&m);
		CHECK(conf_masters_parse(&m, "f", slice_str(cases[i].masters),
		    NULL) == 0);
		CHECK(conf_accounts_parse(&a, "f",
		    slice_str(cases[i].accounts), NULL) == 0);
		CHECK(conf_scram_covers(&s, &a, &m, SCRAM_SHA1) ==
		    cases[i].sha1, "%zu", i);
		CHECK(conf_scram_covers(&s, &a, &m, SCRAM_SHA256) ==
		    cases[i].sha256, "%zu", i);
		conf_accounts_release(&a);
		conf_accounts_release(&m);
	}
	conf_scram_release(&s);
}

static void
check_put(const char *before, const char *name, const char *line,
    const char *after)
{
	struct buf text = BUF_INIT(10000);

	buf_adds(&text, before);
	conf_scram_put(&text, slice_str(name), slice_str(line));
	CHECK_SLICE(buf_slice(&text), after);
	buf_release(&text);
}

TEST(lines_are_put_in_their_place)
{
	struct buf text = BUF_INIT(10000);
	struct conf_scram s;

	check_put(SECRET "a|1\nb|2\nc|3", "b", "b|9", SECRET "a|1\nb|9\nc|3\n");
	check_put(SECRET "a|1\n", "b", "b|9", SECRET "a|1\nb|9\n");
	check_put(SECRET "a|1\nb|2\n", "a", "", SECRET "b|2\n");
	check_put(SECRET "ab|1\n", "a", "a|2", SECRET "ab|1\na|2\n");
	check_put(SECRET "B|1\nb|2\n", "b", "b|3", SECRET "b|3\n");
	/* A new file gets a secret of its own. */
	conf_scram_put(&text, S("a"), S("a|1"));
	conf_scram_init(&s);
	conf_scram_parse(&s, "f", slice_from(buf_slice(&text), 4), NULL);
	CHECK(s.has_secret && slice_starts(buf_slice(&text), S("a|1\n")));
	conf_scram_release(&s);
	buf_release(&text);
}

TEST(what_is_written_is_read)
{
	struct buf line = BUF_INIT(1000);
	struct conf_scram s;
	struct scram_verifier v[SCRAM_HASHES];

	conf_scram_init(&s);
	CHECK(conf_scram_find(&s, S("-"), S(SHA1), SCRAM_SHA1, &v[0]) == 0);
	CHECK(conf_scram_find(&s, S("-"), S(SHA256), SCRAM_SHA256, &v[1]) == 0);
	conf_scram_format(S("u@x.test"), S("h"), v, &line);
	CHECK_SLICE(buf_slice(&line), "u@x.test|h|" SHA1 "|" SHA256);
	conf_scram_release(&s);
	buf_release(&line);
}

static void
check_offer(const char *text, bool plus, const char *want)
{
	struct slice given = slice_str(text);
	struct mechanism_offer o = { .plus = plus };
	struct buf list = BUF_INIT(1000);

	mechanism_offer_read(&o, &given);
	mechanism_list(&o, " ", &list);
	CHECK_SLICE(buf_slice(&list), want);
	buf_release(&list);
}

TEST(mechanisms_are_offered_as_the_supervisor_says)
{
	check_offer("", true, " PLAIN LOGIN");
	check_offer("SCRAM-SHA-256\n", false, " PLAIN LOGIN SCRAM-SHA-256");
	check_offer("SCRAM-SHA-256\nSCRAM-SHA-1\nX\n", false,
	    " PLAIN LOGIN SCRAM-SHA-1 SCRAM-SHA-256");
	check_offer("SCRAM-SHA-256\n", true,
	    " PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS");
	CHECK(mechanism_find(S("scram-sha-1-plus"))->plus);
	CHECK(mechanism_offers_plus(&(struct mechanism_offer){
	    .scram = { true, false }, .plus = true },
	    mechanism_find(S("SCRAM-SHA-1"))));
	CHECK(!mechanism_offers_plus(&(struct mechanism_offer){
	    .scram = { true, false }, .plus = true },
	    mechanism_find(S("SCRAM-SHA-256"))));
	CHECK(mechanism_find(S("CRAM-MD5")) == NULL);
	CHECK(mechanism_find(S("")) == NULL);
}

TESTS(T(verifiers_count_for_their_hash_only), T(bad_lines_are_warnings),
    T(a_mechanism_is_covered_when_every_account_has_it),
    T(lines_are_put_in_their_place), T(what_is_written_is_read),
    T(mechanisms_are_offered_as_the_supervisor_says))
