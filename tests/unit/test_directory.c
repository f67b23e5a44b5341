// part: services/auth
#include "services/auth/directory.h"

#include "check.h"

static const char accounts[] =
    "alice@one.test|{PLAIN}x\n"
    "Bob@one.test|{PLAIN}x\n"
    "carol@two.test|{PLAIN}x|nologin\n"
    "dave+list@two.test|{PLAIN}x\n"
    "host@mail.one.test|{PLAIN}x\n"
    "j\xc3\xbcrgen@one.test|{PLAIN}x\n";

static const char aliases[] =
    "info@one.test alice@one.test\n"
    "TEAM@one.test alice@one.test, bob@one.test,Ext@Far.test info@one.test\n"
    "alice+spam@one.test bob@one.test\n"
    "far@one.test Some.One@far.test\n"
    "far2@one.test someone+own@far.test\n"
    "bob@one.test bob@one.test, carol@two.test\n"
    "typo@one.test alice@one.test nobody@one.test\n"
    "lost@one.test nobody@one.test\n"
    "loop1@one.test loop2@one.test\n"
    "loop2@one.test loop1@one.test\n"
    "half@one.test half2@one.test alice@one.test\n"
    "half2@one.test half@one.test\n"
    "self@one.test self@one.test\n"
    "bare bob@one.test\n"
    "tobare@one.test bare\n"
    "tohost@one.test host\n"
    "@two.test alice@one.test\n"
    "@three.test carol@two.test\n"
    "boss@three.test postmaster@one.test\n"
    "@four.test @one.test\n"
    "only@five.test gone@six.test\n"
    "bad@one.test a..b@x.test\n"
    "abuse@two.test carol@two.test\n";

static void
load(struct directory *d)
{
	struct buf why = BUF_INIT(1000);
	struct slice text = slice_str(accounts);

	log_set_level(LOG_ERROR);
	directory_init(d);
	directory_configure(d, "mail.one.test", "alice@one.test", "+");
	CHECK(directory_set_accounts(d, &text, &why) == 0, "%s", buf_str(&why));
	text = slice_str(aliases);
	CHECK(directory_set_aliases(d, &text, &why) == 0, "%s", buf_str(&why));
}

/* "ok L alice@one.test R x@far.test", or the name of another result. */
static void
resolve(const struct directory *d, const char *address, struct buf *out)
{
	static const char *const names[WIRE_RCPT_RESULTS] = {
		"ok", "unknown", "not-ours", "loop", "later",
	};
	struct directory_targets t;

	buf_adds(out, names[directory_resolve(d, slice_str(address), &t)]);
	if (out->n == 2)
		for (size_t i = 0; i < t.n; i++) {
			buf_adds(out, t.list[i].kind == WIRE_TARGET_LOCAL ?
			    " L " : " R ");
			buf_add_slice(out, t.list[i].address);
		}
	directory_targets_release(&t);
}

static const struct {
	const char *address, *want;
} cases[] = {
	{ "alice@one.test", "ok L alice@one.test" },
	{ "ALICE@One.TEST", "ok L alice@one.test" },
	{ "\"alice\"@one.test", "ok L alice@one.test" },
	{ "alice+x@one.test", "ok L alice@one.test" },
	{ "alice+@one.test", "ok L alice@one.test" },
	{ "alice+spam@one.test", "ok L bob@one.test L carol@two.test" },
	{ "nobody@one.test", "unknown" },
	{ "nobody+x@one.test", "unknown" },
	{ "alice@far.test", "not-ours" },
	{ "alice%far.test@one.test", "unknown" },
	{ "alice%one.test@far.test", "not-ours" },
	{ "info@one.test", "ok L alice@one.test" },
	{ "info+x@one.test", "ok L alice@one.test" },
	{ "team@one.test", "ok L alice@one.test L bob@one.test "
	    "L carol@two.test R Ext@Far.test" },
	{ "team+d@one.test", "ok L alice@one.test L bob@one.test "
	    "L carol@two.test R Ext+d@Far.test" },
	{ "far@one.test", "ok R Some.One@far.test" },
	{ "far+De@one.test", "ok R Some.One+De@far.test" },
	{ "far2+de@one.test", "ok R someone+own@far.test" },
	{ "bob@one.test", "ok L bob@one.test L carol@two.test" },
	{ "typo@one.test", "ok L alice@one.test" },
	{ "lost@one.test", "unknown" },
	{ "bad@one.test", "unknown" },
	{ "loop1@one.test", "loop" },
	{ "half@one.test", "ok L alice@one.test" },
	{ "self@one.test", "unknown" },
	{ "bare@mail.one.test", "ok L bob@one.test L carol@two.test" },
	{ "bare+x@mail.one.test", "ok L bob@one.test L carol@two.test" },
	{ "bare@one.test", "unknown" },
	{ "tobare@one.test", "ok L bob@one.test L carol@two.test" },
	{ "tohost@one.test", "ok L host@mail.one.test" },
	{ "carol@two.test", "ok L carol@two.test" },
	{ "anything@two.test", "ok L alice@one.test" },
	{ "dave+list@two.test", "ok L dave+list@two.test" },
	{ "dave@two.test", "ok L alice@one.test" },
	{ "x@three.test", "ok L carol@two.test" },
	{ "x+y@three.test", "ok L carol@two.test" },
	{ "boss@three.test", "ok L alice@one.test" },
	{ "bob@four.test", "ok L bob@one.test L carol@two.test" },
	{ "alice+q@four.test", "ok L alice@one.test" },
	{ "nobody@four.test", "unknown" },
	{ "only@five.test", "ok R gone@six.test" },
	{ "gone@six.test", "not-ours" },
	{ "postmaster", "ok L alice@one.test" },
	{ "PostMaster@one.test", "ok L alice@one.test" },
	{ "postmaster@mail.one.test", "ok L alice@one.test" },
	{ "postmaster+x@five.test", "ok L alice@one.test" },
	{ "postmaster@two.test", "ok L alice@one.test" },
	{ "postmaster@[192.0.2.1]", "ok L alice@one.test" },
	{ "postmaster@far.test", "not-ours" },
	{ "alice@[192.0.2.1]", "not-ours" },
	{ "abuse@one.test", "ok L alice@one.test" },
	{ "abuse@two.test", "ok L carol@two.test" },
	{ "root@mail.one.test", "ok L alice@one.test" },
	{ "root@one.test", "unknown" },
	{ "j\xc3\xbcrgen@one.test", "ok L j\xc3\xbcrgen@one.test" },
	{ "J\xc3\xbcRGEN@one.test", "ok L j\xc3\xbcrgen@one.test" },
	{ "J\xc3\x9cRGEN@one.test", "unknown" },
	{ "", "unknown" }, { "@", "unknown" }, { "@one.test", "unknown" },
	{ "a b@one.test", "unknown" }, { "alice", "unknown" },
};

TEST(addresses_resolve_to_mailboxes)
{
	struct directory d;

	load(&d);
	for (size_t i = 0; i < LEN(cases); i++) {
		struct buf got = BUF_INIT(10000);

		resolve(&d, cases[i].address, &got);
		CHECK(strcmp(buf_str(&got), cases[i].want) == 0,
		    "%s: got %s, want %s", cases[i].address, buf_str(&got),
		    cases[i].want);
		buf_release(&got);
	}
	directory_release(&d);
}

TEST(delimiter_is_a_setting)
{
	struct directory d;
	struct buf got = BUF_INIT(1000);

	load(&d);
	directory_configure(&d, "mail.one.test", "alice@one.test", "~");
	resolve(&d, "alice+x@one.test", &got);
	CHECK_SLICE(buf_slice(&got), "unknown");
	buf_clear(&got);
	resolve(&d, "alice~x@one.test", &got);
	CHECK_SLICE(buf_slice(&got), "ok L alice@one.test");
	buf_clear(&got);
	directory_configure(&d, "mail.one.test", "alice@one.test", "");
	resolve(&d, "alice~x@one.test", &got);
	CHECK_SLICE(buf_slice(&got), "unknown");
	buf_release(&got);
	directory_release(&d);
}

TEST(postmaster_reaches_somebody_even_if_defined_nowhere)
{
	struct directory d;
	struct buf got = BUF_INIT(1000);

	load(&d);
	directory_configure(&d, "mail.one.test", "postmaster@one.test", "+");
	resolve(&d, "postmaster", &got);
	CHECK_SLICE(buf_slice(&got), "ok L alice@one.test");
	buf_clear(&got);
	resolve(&d, "abuse@five.test", &got);
	CHECK_SLICE(buf_slice(&got), "ok L alice@one.test");
	buf_clear(&got);
	directory_configure(&d, "mail.one.test", "chief@far.test", "+");
	resolve(&d, "postmaster", &got);
	CHECK_SLICE(buf_slice(&got), "ok R chief@far.test");
	buf_release(&got);
	directory_release(&d);
}

TEST(expansion_is_bounded)
{
	struct directory d;
	struct buf text = BUF_INIT(16 << 20), got = BUF_INIT(1 << 20);
	struct buf why = BUF_INIT(1000);
	struct slice s;

	load(&d);
	/* A chain of 30, a fan of 900 * 900, and 900 in one. */
	for (int i = 0; i < 30; i++)
		buf_addf(&text, "c%d@one.test c%d@one.test\n", i, i + 1);
	buf_adds(&text, "c30@one.test alice@one.test\n");
	for (int k = 0; k < 900; k++) {
		buf_addf(&text, "f%d@one.test", k);
		for (int i = 0; i < 900; i++)
			buf_addf(&text, " x%d.%d@far.test", k, i);
		buf_adds(&text, "\n");
	}
	buf_adds(&text, "fan@one.test");
	for (int k = 0; k < 900; k++)
		buf_addf(&text, " f%d@one.test", k);
	buf_adds(&text, "\n");
	s = buf_slice(&text);
	CHECK(directory_set_aliases(&d, &s, &why) == 0, "%s", buf_str(&why));
	resolve(&d, "c0@one.test", &got);
	CHECK_SLICE(buf_slice(&got), "loop");
	buf_clear(&got);
	resolve(&d, "c20@one.test", &got);
	CHECK_SLICE(buf_slice(&got), "ok L alice@one.test");
	buf_clear(&got);
	resolve(&d, "fan@one.test", &got);
	CHECK_SLICE(buf_slice(&got), "loop");
	buf_clear(&got);
	resolve(&d, "f5@one.test", &got);
	CHECK(slice_starts(buf_slice(&got), S("ok R x5.0@far.test")), " ");
	buf_release(&got);
	buf_release(&text);
	buf_release(&why);
	directory_release(&d);
}

static void
ignore_line(const char *line UNUSED, size_t n UNUSED)
{
}

TEST(bad_file_is_refused_as_a_whole)
{
	struct directory d;
	struct buf why = BUF_INIT(1000), got = BUF_INIT(1000);
	struct slice text = S("new@one.test|{PLAIN}x\nbroken\n");

	load(&d);
	log_set_sink(ignore_line);
	CHECK(directory_set_accounts(&d, &text, &why) == -1, " ");
	log_set_sink(NULL);
	CHECK(slice_starts(buf_slice(&why), S("postfix-accounts.cf:2: ")),
	    "%s", buf_str(&why));
	CHECK(directory_account(&d, S("new@one.test")) == NULL, " ");
	CHECK(directory_account(&d, S("ALICE@one.test")) != NULL, " ");
	CHECK(directory_set_accounts(&d, NULL, &why) == 0, " ");
	CHECK(directory_account(&d, S("alice@one.test")) == NULL, " ");
	resolve(&d, "alice@one.test", &got);
	CHECK_SLICE(buf_slice(&got), "unknown");
	buf_release(&why);
	buf_release(&got);
	directory_release(&d);
}

TEST(hosted_domains_follow_from_accounts_aliases_and_host)
{
	static const char *const yes[] = {
		"one.test", "ONE.test", "two.test", "three.test", "four.test",
		"five.test", "mail.one.test",
	};
	static const char *const no[] = {
		"six.test", "far.test", "", "test", "one.test.", "x.one.test",
		"[192.0.2.1]",
	};
	struct directory d;

	load(&d);
	for (size_t i = 0; i < LEN(yes); i++)
		CHECK(directory_hosts(&d, slice_str(yes[i])), "%s", yes[i]);
	for (size_t i = 0; i < LEN(no); i++)
		CHECK(!directory_hosts(&d, slice_str(no[i])), "%s", no[i]);
	directory_release(&d);
}

TEST(senders_are_owned)
{
	static const struct {
		const char *user, *address;
		bool owns;
	} owners[] = {
		{ "alice@one.test", "", true },
		{ "alice@one.test", "Alice@ONE.test", true },
		{ "alice@one.test", "alice+x@one.test", false },
		{ "alice@one.test", "bob@one.test", false },
		{ "alice@one.test", "info@one.test", true },
		{ "alice@one.test", "team@one.test", true },
		{ "bob@one.test", "info@one.test", false },
		{ "carol@two.test", "bob@one.test", true },
		{ "alice@one.test", "whatever@two.test", true },
		{ "alice@one.test", "carol@two.test", false },
		{ "carol@two.test", "x@three.test", true },
		{ "carol@two.test", "boss@three.test", false },
		{ "bob@one.test", "bare@mail.one.test", true },
		{ "bob@one.test", "bob@four.test", true },
		{ "bob@one.test", "alice@four.test", false },
		{ "alice@one.test", "x@far.test", false },
		{ "alice@one.test", "postmaster@one.test", true },
		{ "alice@one.test", "not an address", false },
	};
	struct directory d;

	load(&d);
	for (size_t i = 0; i < LEN(owners); i++)
		CHECK(directory_owns(&d, slice_str(owners[i].user),
		    slice_str(owners[i].address)) == owners[i].owns, "%s %s",
		    owners[i].user, owners[i].address);
	directory_release(&d);
}

TESTS(
	T(addresses_resolve_to_mailboxes),
	T(delimiter_is_a_setting),
	T(postmaster_reaches_somebody_even_if_defined_nowhere),
	T(expansion_is_bounded),
	T(bad_file_is_refused_as_a_whole),
	T(hosted_domains_follow_from_accounts_aliases_and_host),
	T(senders_are_owned)
)
