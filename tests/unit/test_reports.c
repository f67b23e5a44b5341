// part: services/reports
/* DMARC reports: archives, XML, the databases, what is shown, what is told to
 * others. */
#include "check.h"

#include <unistd.h>

#include <zlib.h>

#include "core/base64.h"
#include "core/limits.h"
#include "services/reports/consent.h"
#include "services/reports/intake.h"
#include "services/reports/letter.h"
#include "services/reports/notes.h"
#include "services/reports/unpack.h"

#define HEAD "<?xml version=\"1.0\"?>\n<feedback><report_metadata>"          \
	"<org_name>Receiver &amp; Co</org_name><email>r@receiver.test</email>" \
	"<report_id>77</report_id><date_range><begin>1700000000</begin>"       \
	"<end>1700086399</end></date_range></report_metadata>"                 \
	"<policy_published><domain> Example.test. </domain><p>reject</p>"         \
	"</policy_published>"
#define RECORD(ip, count, dkim, spf, auth)                                     \
	"<record><row><source_ip>" ip "</source_ip><count>" count "</count>"   \
	"<policy_evaluated><disposition>none</disposition><dkim>" dkim         \
	"</dkim><spf>" spf "</spf></policy_evaluated></row><identifiers>"      \
	"<header_from>example.test</header_from></identifiers>"                \
	"<auth_results>" auth "</auth_results></record>"
#define OURS RECORD("192.0.2.1", "12", "pass", "pass",                         \
	"<dkim><domain>other.test</domain><result>fail</result></dkim>"        \
	"<dkim><domain>example.test</domain><selector>mail</selector>"         \
	"<result>pass</result></dkim><spf><domain>example.test</domain>"       \
	"<result>pass</result></spf>")
#define THEIRS RECORD("203.0.113.9", "3", "fail", "fail",                      \
	"<spf><domain>evil.test</domain><result>pass</result></spf>")
#define REPORT HEAD OURS THEIRS "</feedback>"

static struct feedback_row rows[4];
static size_t n_rows;
static struct feedback_head head;

static int
collect(void *arg UNUSED, const struct feedback_head *h,
    const struct feedback_row *row)
{
	head = *h;
	if (n_rows < LEN(rows))
		rows[n_rows] = *row;
	n_rows++;
	return 0;
}

/* NULL, or why it was refused. */
static const char *
read_xml(struct slice xml)
{
	struct feedback *f = feedback_new(collect, NULL);
	const char *why = NULL;

	n_rows = 0;
	if (feedback_feed(f, xml) == -1 || feedback_end(f) == -1)
		why = feedback_why(f);
	feedback_free(f);
	return why;
}

TEST(a_report_is_read)
{
	CHECK(read_xml(S(REPORT)) == NULL);
	CHECK(n_rows == 2, "%zu", n_rows);
	CHECK(strcmp(head.org.s, "Receiver & Co") == 0, "%s", head.org.s);
	CHECK(head.begin == 1700000000 && head.end == 1700086399);
	CHECK(strcmp(head.domain.s, "example.test") == 0);
	CHECK(strcmp(head.policy.s, "reject") == 0);
	CHECK(strcmp(rows[0].source.s, "192.0.2.1") == 0);
	CHECK(rows[0].count == 12 && rows[0].dkim && rows[0].spf);
	/* The signature that passed, not the one that came first. */
	CHECK(strcmp(rows[0].dkim_domain.s, "example.test") == 0);
	CHECK(strcmp(rows[0].dkim_selector.s, "mail") == 0);
	/* Nothing of the row before. */
	CHECK(!rows[1].dkim && rows[1].dkim_domain.s[0] == '\0');
	CHECK(strcmp(rows[1].spf_domain.s, "evil.test") == 0);
}

TEST(namespaces_and_strangers_are_passed_over)
{
	CHECK(read_xml(S("<d:feedback xmlns:d=\"u\"><version>1.0</version>"
	    "<d:record><x><row><source_ip>bad</source_ip></row></x>"
	    "<row><source_ip> 192.0.2.7\n</source_ip></row></d:record>"
	    "</d:feedback>")) == NULL);
	CHECK(n_rows == 1 && strcmp(rows[0].source.s, "192.0.2.7") == 0, "%s",
	    rows[0].source.s);
}

TEST(what_is_no_report_is_refused)
{
	static const char *const bad[] = { "", "x", "<html></html>", "<html/>",
		"<feedback><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a/>"
		"</a></a></a></a></a></a></a></a></a></a></a></a></a></a></a>"
		"</feedback>",
		"<feedback>", "<feedback><record></feedback>",
		"<!DOCTYPE x [<!ENTITY a \"aaaa\">]><feedback>&a;</feedback>",
		"<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><feedback/>",
		"<feedback>&unknown;</feedback>",
		"<feedback><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>"
		"</a></a></a></a></a></a></a></a></a></a></a></a></a></a></a>"
		"</a></feedback>" };

	for (size_t i = 0; i < LEN(bad); i++)
		CHECK(read_xml(slice_str(bad[i])) != NULL, "%s", bad[i]);
}

TEST(numbers_are_bounded)
{
	CHECK(read_xml(S("<feedback><report_metadata><date_range><begin>"
	    "1700000000123</begin><end>1700086399.5</end></date_range>"
	    "</report_metadata><record><row><count>9223372036854775807</count>"
	    "</row></record></feedback>")) == NULL);
	CHECK(head.begin == 1700000000 && head.end == 1700086399);
	CHECK(rows[0].count == 0);
	CHECK(read_xml(S("<feedback><report_metadata><date_range><begin>"
	    "9223372036854775807</begin><end>2026-11-28</end></date_range>"
	    "</report_metadata><record><row><count>-1</count></row></record>"
	    "</feedback>")) == NULL);
	CHECK(head.begin == 0 && head.end == 0 && rows[0].count == 0);
}

/* expat keeps a tag until it ends and reads it again with each piece. */
TEST(tokens_are_bounded)
{
	static const char *const begins[] = { "<feedback><", "<feedback a='",
		"<feedback><!--", "<feedback><?" };
	struct buf b = BUF_INIT(64u << 20);

	for (size_t i = 0; i < LEN(begins); i++) {
		const char *why;

		buf_clear(&b);
		buf_adds(&b, begins[i]);
		memset(buf_reserve(&b, 40u << 20), 'x', 40u << 20);
		buf_commit(&b, 40u << 20);
		why = read_xml(buf_slice(&b));
		CHECK(why != NULL && strcmp(why, "a tag or comment is too "
		    "long") == 0, "%s: %s", begins[i], why);
	}
	/* A text is none. */
	buf_clear(&b);
	buf_adds(&b, "<feedback>");
	memset(buf_reserve(&b, 40u << 20), 'x', 40u << 20);
	buf_commit(&b, 40u << 20);
	buf_adds(&b, "</feedback>");
	CHECK(read_xml(buf_slice(&b)) == NULL);
	buf_release(&b);
}

TEST(texts_are_fit_to_be_shown)
{
	struct buf b = BUF_INIT(4096);

	CHECK(read_xml(S("<feedback><record><row><source_ip>a&#x9b;31m&#7f;"
	    "</source_ip></row></record></feedback>")) != NULL);
	CHECK(read_xml(S("<feedback><record><row><source_ip>a&#x9b;31m&#xfc;"
	    "</source_ip></row></record></feedback>")) == NULL);
	CHECK(strcmp(rows[0].source.s, "a31m\xc3\xbc") == 0, "%s",
	    rows[0].source.s);
	/* Cut in the middle of a character. */
	buf_adds(&b, "<feedback><record><row><source_ip>x");
	for (int i = 0; i < 200; i++)
		buf_adds(&b, "\xc3\xbc");
	buf_adds(&b, "</source_ip></row></record></feedback>");
	CHECK(read_xml(buf_slice(&b)) == NULL);
	CHECK(slice_is_utf8(slice_str(rows[0].source.s)) &&
	    strlen(rows[0].source.s) == FEEDBACK_TEXT - 1);
	buf_release(&b);
}

TEST(rows_and_values_are_bounded)
{
	struct buf b = BUF_INIT(64u << 20);

	buf_adds(&b, "<feedback><record><row><source_ip>");
	for (int i = 0; i < 100000; i++)
		buf_addc(&b, 'x');
	buf_adds(&b, "</source_ip></row></record></feedback>");
	CHECK(read_xml(buf_slice(&b)) == NULL);
	CHECK(strlen(rows[0].source.s) == FEEDBACK_TEXT);
	buf_clear(&b);
	buf_adds(&b, "<feedback>");
	for (int i = 0; i <= LIMIT_REPORT_ROWS; i++)
		buf_adds(&b, "<record/>");
	CHECK(strcmp(read_xml(buf_slice(&b)), "too many rows") == 0);
	buf_release(&b);
}

/* ---- archives ------------------------------------------------------------- */

static int
append(void *arg, struct slice piece)
{
	buf_add_slice(arg, piece);
	return 0;
}

static struct slice
deflate_all(struct slice text, int window, struct buf *out)
{
	z_stream z = { .next_in = (unsigned char *)(uintptr_t)text.p,
		.avail_in = (unsigned)text.n };

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, window, 9,
	    Z_DEFAULT_STRATEGY), Z_OK);
	z.avail_out = (unsigned)deflateBound(&z, text.n);
	z.next_out = (unsigned char *)buf_reserve(out, z.avail_out);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	buf_commit(out, z.total_out);
	deflateEnd(&z);
	return buf_slice(out);
}

static void
put16(struct buf *b, unsigned v)
{
	buf_addc(b, (char)(v & 0xff));
	buf_addc(b, (char)(v >> 8));
}

static void
put32(struct buf *b, uint32_t v)
{
	put16(b, v & 0xffff);
	put16(b, v >> 16);
}

/* An archive of one file, the report, its sizes told behind it only. */
static void
make_zip(struct buf *out, struct slice packed, unsigned method)
{
	size_t directory;

	buf_adds(out, "PK\3\4");
	for (int i = 0; i < 11; i++)
		put16(out, i == 1 ? 8 : i == 2 ? method : 0);
	put16(out, 5); /* length of the name */
	put16(out, 0);
	buf_adds(out, "a.xml");
	buf_add_slice(out, packed);
	directory = out->n;
	buf_adds(out, "PK\1\2");
	put16(out, 20);
	put16(out, 20);
	put16(out, 8);
	put16(out, method);
	put32(out, 0);
	put32(out, (uint32_t)crc32(0, (const unsigned char *)REPORT,
	    sizeof(REPORT) - 1));
	put32(out, (uint32_t)packed.n);
	put32(out, 0);
	put16(out, 5);
	for (int i = 0; i < 6; i++)
		put16(out, 0);
	put32(out, 0); /* where the file is */
	buf_adds(out, "a.xml");
	buf_adds(out, "PK\5\6");
	put32(out, 0);
	put16(out, 1);
	put16(out, 1);
	put32(out, 51);
	put32(out, (uint32_t)directory);
	put16(out, 0);
}

static const char *
unpacked(struct slice packed, struct buf *out)
{
	const char *why = "";

	buf_clear(out);
	return unpack(packed, append, out, &why) == 0 ? NULL : why;
}

TEST(archives_are_unpacked)
{
	struct buf packed = BUF_INIT(1 << 20), zip = BUF_INIT(1 << 20);
	struct buf out = BUF_INIT(1 << 20);

	CHECK(unpacked(S(REPORT), &out) == NULL);
	CHECK(slice_eq(buf_slice(&out), S(REPORT)));
	deflate_all(S(REPORT), 15 + 16, &packed);
	CHECK(unpacked(buf_slice(&packed), &out) == NULL);
	CHECK(slice_eq(buf_slice(&out), S(REPORT)));
	/* Cut off, and damaged. */
	CHECK(unpacked(slice_head(buf_slice(&packed), packed.n / 2), &out) !=
	    NULL);
	buf_clear(&packed);
	deflate_all(S(REPORT), -15, &packed);
	make_zip(&zip, buf_slice(&packed), 8);
	CHECK(unpacked(buf_slice(&zip), &out) == NULL);
	CHECK(slice_eq(buf_slice(&out), S(REPORT)));
	for (size_t n = 0; n < zip.n; n++)
		CHECK(unpacked(slice_head(buf_slice(&zip), n), &out) != NULL,
		    "%zu", n);
	zip.p[zip.n - 22 - 51 + 16] ^= 1; /* the checksum */
	CHECK(unpacked(buf_slice(&zip), &out) != NULL);
	buf_clear(&zip);
	make_zip(&zip, S(REPORT), 0);
	CHECK(unpacked(buf_slice(&zip), &out) == NULL);
	CHECK(slice_eq(buf_slice(&out), S(REPORT)));
	buf_clear(&zip);
	make_zip(&zip, S(REPORT), 12);
	CHECK(unpacked(buf_slice(&zip), &out) != NULL);
	CHECK(unpacked(S("MZ\x90"), &out) != NULL);
	buf_release(&packed);
	buf_release(&zip);
	buf_release(&out);
}

static int
count_only(void *arg, struct slice piece)
{
	*(size_t *)arg += piece.n;
	return 0;
}

TEST(a_bomb_is_cut_off)
{
	struct buf zeros = BUF_INIT(80u << 20), packed = BUF_INIT(100u << 20);
	const char *why = "";
	size_t n = 0;

	memset(buf_reserve(&zeros, 80u << 20), ' ', 80u << 20);
	buf_commit(&zeros, 80u << 20);
	deflate_all(buf_slice(&zeros), 15 + 16, &packed);
	CHECK(packed.n < 200000);
	CHECK(unpack(buf_slice(&packed), count_only, &n, &why) == -1);
	CHECK(strcmp(why, "too large when unpacked") == 0, "%s", why);
	CHECK(n <= LIMIT_REPORT_UNPACKED);
	buf_release(&zeros);
	buf_release(&packed);
}

/* ---- mails and the database ----------------------------------------------- */

static void
make_mail(struct buf *out, struct slice attachment, const char *type)
{
	buf_addf(out, "Subject: Report domain: example.test\r\n"
	    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b"
	    "\r\n\r\n--b\r\n\r\nHello\r\n--b\r\nContent-Type: %s\r\n"
	    "Content-Transfer-Encoding: base64\r\n\r\n", type);
	base64_encode(out, attachment);
	buf_adds(out, "\r\n--b--\r\n");
}

#define KEPT 1000
#define FLOOD 100

static int
into_base(void *arg, const struct feedback_head *h,
    const struct feedback_row *row)
{
	return base_row(arg, h, row);
}

static int
take(struct base *b, struct slice mail)
{
	const struct base_arrival a = { .received = 1700090000,
		.verified = true };
	struct feedback_text domain;
	const char *why = "";
	bool good;

	assert_int_equal(base_begin(b, &a), 0);
	good = intake_read(mail, into_base, b, &domain, &why) == 0;
	return base_end(b, good);
}

static bool
shows(struct base *b, const char *domain, int64_t since, bool json,
    const char *text)
{
	struct base_query q = { domain[0] != '\0' ? slice_str(domain) :
	    slice_of(NULL, 0), since, json };
	struct buf out = BUF_INIT(1 << 20);
	bool found;

	assert_int_equal(base_show(b, &q, &out), 0);
	found = slice_ifind(buf_slice(&out), slice_str(text)) != -1;
	if (!found)
		print_error("%s\n", buf_str(&out));
	buf_release(&out);
	return found;
}

TEST(reports_are_kept_and_shown)
{
	char path[] = "/tmp/reportsXXXXXX";
	struct buf packed = BUF_INIT(1 << 20), mail = BUF_INIT(1 << 20);
	const char *why = "";
	struct base *b;
	int fd = mkstemp(path);

	close(fd);
	b = base_open(path, KEPT, &why);
	CHECK(b != NULL, "%s", why);
	CHECK(shows(b, "", 0, false, "No reports"));
	CHECK(shows(b, "", 0, true, "[]"));
	make_mail(&mail, deflate_all(S(REPORT), 15 + 16, &packed),
	    "application/gzip");
	CHECK(take(b, buf_slice(&mail)) == 2);
	/* The same again is the same report. */
	CHECK(take(b, buf_slice(&mail)) == 2);
	CHECK(shows(b, "", 0, false, "example.test: 15 messages in 1 report"));
	CHECK(shows(b, "example.test", 0, false, "12 of them could be told"));
	CHECK(shows(b, "", 0, false, "good (key mail)"));
	CHECK(shows(b, "", 0, false, "allowed, but for evil.test"));
	CHECK(shows(b, "", 0, true, "\"source_ip\":\"203.0.113.9\""));
	CHECK(shows(b, "other.test", 0, false, "No reports"));
	CHECK(shows(b, "EXAMPLE.test", 1700089999, false, "15 messages"));
	CHECK(shows(b, "", 1700090000, false, "No reports"));
	/* Half a report is none. */
	buf_clear(&mail);
	make_mail(&mail, S(HEAD OURS), "text/xml");
	CHECK(take(b, buf_slice(&mail)) == -1);
	CHECK(shows(b, "", 0, false, "15 messages in 1 report"));
	buf_clear(&mail);
	make_mail(&mail, S("hello"), "text/plain");
	CHECK(take(b, buf_slice(&mail)) == -1);
	base_prune(b, 1700090000 + 401 * 86400);
	CHECK(shows(b, "", 0, false, "No reports"));
	base_close(b);
	buf_release(&packed);
	buf_release(&mail);
	unlink(path);
}

/* A report of FLOOD rows. */
static void
flood(struct base *b, const char *name, int64_t received, bool verified)
{
	const struct base_arrival a = { received, verified };
	struct feedback_row row = { .count = 1 };
	struct feedback_head h = { .begin = 1 };

	snprintf(h.id.s, sizeof(h.id.s), "%s", name);
	snprintf(h.domain.s, sizeof(h.domain.s), "%s.test", name);
	assert_int_equal(base_begin(b, &a), 0);
	for (int i = 0; i < FLOOD; i++)
		assert_int_equal(base_row(b, &h, &row), 0);
	assert_int_equal(base_end(b, true), FLOOD);
}

/* Strangers cannot fill the disk, and what they could have written goes before
 * what is known. */
TEST(the_database_is_bounded)
{
	char path[] = "/tmp/reportsXXXXXX", name[24];
	const char *why = "";
	struct base *b;
	int fd = mkstemp(path);

	close(fd);
	b = base_open(path, KEPT, &why);
	CHECK(b != NULL, "%s", why);
	flood(b, "good", 1700000000, true);
	for (int i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "flood%d", i);
		flood(b, name, 1700000001 + i, false);
	}
	CHECK(shows(b, "good.test", 0, false, "100 messages"));
	CHECK(shows(b, "flood11.test", 0, false, "100 messages"));
	CHECK(shows(b, "flood0.test", 0, false, "No reports"));
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "new%d", i);
		flood(b, name, 1700001000 + i, true);
	}
	CHECK(shows(b, "flood11.test", 0, false, "No reports"));
	CHECK(shows(b, "good.test", 0, false, "No reports"));
	CHECK(shows(b, "new9.test", 0, false, "100 messages"));
	base_close(b);
	unlink(path);
}

TEST(a_damaged_database_is_begun_anew)
{
	char path[] = "/tmp/reportsXXXXXX", aside[64];
	const char *why = "";
	struct base *b;
	int fd = mkstemp(path);

	assert_int_equal(write(fd, "not a database, not at all", 26), 26);
	close(fd);
	b = base_open(path, KEPT, &why);
	CHECK(b != NULL, "%s", why);
	CHECK(shows(b, "", 0, false, "No reports"));
	base_close(b);
	snprintf(aside, sizeof(aside), "%s.damaged", path);
	CHECK(access(aside, F_OK) == 0);
	unlink(aside);
	unlink(path);
}

/* ---- reports to others ---------------------------------------------------- */

#define MIDNIGHT 1700006400
#define ASKS "v=DMARC1; p=reject; aspf=s; rua=mailto:d@own.test"

static void
add_note(struct buf *batch, const char *domain, const char *source, bool good)
{
	struct wire_reports_note n = {
		.domain = slice_str(domain),
		.record = S(ASKS),
		.source = slice_str(source),
		.author = slice_str(domain),
		.envelope = S("<b&c>\x01\xff.test"),
		.disposition = good ? S("none") : S("reject"),
		.dkim = good,
		.reason = good ? S("") : S("local_policy"),
		.spf_domain = S("bounces.test"),
		.spf_scope = S("mfrom"),
		.spf_result = S("softfail"),
		.n = 2,
		.signatures = {
			{ S("other.test"), S("s1"), S("fail") },
			{ S("own.test"), S("s2"), good ? S("pass") :
			    S("permerror") },
		},
	};
	struct buf b = WIRE_BUF;

	wire_reports_note_put(&b, &n);
	CHECK(notes_is_good(buf_slice(&b)));
	wire_put_slice(batch, buf_slice(&b));
	buf_release(&b);
}

static int
add_row(void *arg, uint64_t count, const struct wire_reports_note *row)
{
	letter_xml_row(arg, count, row);
	return 0;
}

static struct notes *
notes_new(char *path)
{
	const char *why = "";
	struct notes *n;

	close(mkstemp(path));
	n = notes_open(path, &why);
	CHECK(n != NULL, "%s", why);
	return n;
}

/* What our own reader finds in the mail that is sent. */
static void
read_back(struct notes *n, const struct notes_report *r)
{
	struct slice to = S("d@own.test");
	struct letter l = {
		.host = S("mx.example.test"), .from = S("pm@example.test"),
		.domain = slice_str(r->domain), .record = slice_str(r->record),
		.id = slice_str(r->name), .begin = r->begin, .end = r->end,
		.date = r->end + 60, .to = &to, .n = 1,
	};
	struct buf xml = BUF_INIT(16 << 20), packed = BUF_INIT(16 << 20);
	struct buf mail = BUF_INIT(1 << 20);
	struct feedback_text domain;
	const char *why = "";

	letter_xml_begin(&xml, &l);
	assert_int_equal(notes_rows(n, r->number, add_row, &xml), 0);
	letter_xml_end(&xml);
	assert_int_equal(letter_pack(&packed, buf_slice(&xml)), 0);
	assert_int_equal(letter_build(&mail, &l, buf_slice(&packed)), 0);
	n_rows = 0;
	CHECK(intake_read(buf_slice(&mail), collect, NULL, &domain, &why) == 0,
	    "%s", why);
	assert_string_equal(domain.s, "own.test");
	buf_release(&xml);
	buf_release(&packed);
	buf_release(&mail);
}

TEST(what_is_noted_is_read_back)
{
	char path[] = "/tmp/notesXXXXXX";
	struct notes *n = notes_new(path);
	struct buf batch = BUF_INIT(1 << 20);
	struct notes_report r, other;
	const char *why = "";

	add_note(&batch, "own.test", "192.0.2.1", true);
	add_note(&batch, "own.test", "192.0.2.1", true);
	add_note(&batch, "own.test", "2001:db8::1", false);
	add_note(&batch, "other.test", "192.0.2.1", true);
	assert_int_equal(notes_take(n, buf_slice(&batch), MIDNIGHT + 5), 0);
	buf_clear(&batch);
	/* The process starts again, the day goes on. */
	notes_close(n);
	n = notes_open(path, &why);
	CHECK(n != NULL, "%s", why);
	add_note(&batch, "own.test", "192.0.2.1", true);
	assert_int_equal(notes_take(n, buf_slice(&batch), MIDNIGHT + 86399), 0);
	/* The next day's are apart. */
	assert_int_equal(notes_take(n, buf_slice(&batch), MIDNIGHT + 86400), 0);
	assert_int_equal(notes_next(n, MIDNIGHT + 86399, &r), 0);
	assert_int_equal(notes_next(n, MIDNIGHT + 86400 + 3600, &r), 1);
	if (strcmp(r.domain, "own.test") != 0) {
		assert_string_equal(r.domain, "other.test");
		assert_int_equal(notes_drop(n, r.number), 0);
		assert_int_equal(notes_next(n, MIDNIGHT + 90000, &r), 1);
	}
	assert_int_equal(r.begin, MIDNIGHT);
	assert_int_equal(r.end, MIDNIGHT + 86400);
	read_back(n, &r);
	assert_string_equal(head.org.s, "mx.example.test");
	assert_string_equal(head.email.s, "pm@example.test");
	assert_string_equal(head.id.s, r.name);
	assert_string_equal(head.policy.s, "reject");
	assert_int_equal(head.begin, MIDNIGHT);
	assert_int_equal(head.end, MIDNIGHT + 86399);
	assert_int_equal(n_rows, 2);
	assert_int_equal(rows[0].count, 3);
	assert_string_equal(rows[0].source.s, "192.0.2.1");
	assert_string_equal(rows[0].disposition.s, "none");
	CHECK(rows[0].dkim && !rows[0].spf);
	assert_string_equal(rows[0].from.s, "own.test");
	assert_string_equal(rows[0].envelope.s, "<b&c>??.test");
	assert_string_equal(rows[0].dkim_domain.s, "own.test");
	assert_string_equal(rows[0].dkim_selector.s, "s2");
	assert_string_equal(rows[0].dkim_result.s, "pass");
	assert_string_equal(rows[0].spf_domain.s, "bounces.test");
	assert_string_equal(rows[0].spf_result.s, "softfail");
	assert_int_equal(rows[1].count, 1);
	assert_string_equal(rows[1].source.s, "2001:db8::1");
	assert_string_equal(rows[1].disposition.s, "reject");
	assert_string_equal(rows[1].reason.s, "local_policy");
	/* Put off, then sent; the other one is still there. */
	assert_int_equal(notes_later(n, r.number, MIDNIGHT + 95000), 0);
	while (notes_next(n, MIDNIGHT + 94999, &other) == 1)
		assert_int_equal(notes_drop(n, other.number), 0);
	assert_int_equal(notes_next(n, MIDNIGHT + 95000, &other), 1);
	assert_int_equal(other.number, r.number);
	assert_string_equal(other.name, r.name);
	assert_int_equal(notes_drop(n, r.number), 0);
	/* Of the day that goes on, on demand. */
	assert_int_equal(notes_end_now(n, MIDNIGHT + 100000), 1);
	assert_int_equal(notes_next(n, MIDNIGHT + 100000, &r), 1);
	assert_int_equal(r.begin, MIDNIGHT + 86400);
	assert_int_equal(r.end, MIDNIGHT + 100000);
	assert_int_equal(notes_take(n, buf_slice(&batch), MIDNIGHT + 100001),
	    0);
	assert_int_equal(notes_drop(n, r.number), 0);
	assert_int_equal(notes_next(n, MIDNIGHT + 200000, &r), 1);
	assert_int_equal(r.begin, MIDNIGHT + 100000);
	/* What is too old goes unsent. */
	notes_prune(n, r.end + (LIMIT_NOTES_DAYS + 1) * 86400);
	assert_int_equal(notes_next(n, INT64_MAX, &r), 0);
	notes_close(n);
	buf_release(&batch);
	unlink(path);
}

TEST(notes_are_bounded)
{
	char path[] = "/tmp/notesXXXXXX", source[32];
	struct notes *n = notes_new(path);
	struct buf batch = BUF_INIT(16 << 20);
	struct notes_report r;

	for (unsigned i = 0; i < LIMIT_NOTES_ROWS + 7; i++) {
		snprintf(source, sizeof(source), "10.0.%u.%u", i / 256,
		    i % 256);
		add_note(&batch, "own.test", source, true);
	}
	assert_int_equal(notes_take(n, buf_slice(&batch), MIDNIGHT), 7);
	/* Those that are there are counted all the same. */
	buf_clear(&batch);
	add_note(&batch, "own.test", "10.0.0.1", true);
	assert_int_equal(notes_take(n, buf_slice(&batch), MIDNIGHT), 0);
	assert_int_equal(notes_next(n, MIDNIGHT + 100000, &r), 1);
	read_back(n, &r);
	assert_int_equal(n_rows, LIMIT_NOTES_ROWS);
	assert_int_equal(rows[0].count, 2);
	assert_string_equal(rows[0].source.s, "10.0.0.1");
	notes_close(n);
	buf_release(&batch);
	unlink(path);
}

TEST(malformed_notes_are_refused)
{
	static const char *const domains[] = { "", "a..test", "a b.test",
		"x\r\nBcc: y@z.test", "a!b.test" };
	struct wire_reports_note n = { .record = S(ASKS) };
	struct buf b = WIRE_BUF;

	for (size_t i = 0; i < LEN(domains); i++) {
		buf_clear(&b);
		n.domain = slice_str(domains[i]);
		wire_reports_note_put(&b, &n);
		CHECK(!notes_is_good(buf_slice(&b)), "%s", domains[i]);
	}
	buf_clear(&b);
	n.domain = S("own.test");
	wire_reports_note_put(&b, &n);
	CHECK(notes_is_good(buf_slice(&b)));
	CHECK(!notes_is_good(slice_head(buf_slice(&b), b.n - 1)));
	buf_addc(&b, 0);
	CHECK(!notes_is_good(buf_slice(&b)));
	buf_release(&b);
}

/* A DNS answer with one TXT record, or none. */
static void
answer(struct consent *c, const char *txt)
{
	struct wire_dns_answer a = { .status = WIRE_DNS_NXDOMAIN };
	struct buf b = BUF_INIT(256);

	if (txt != NULL) {
		buf_addc(&b, (char)strlen(txt));
		buf_adds(&b, txt);
		a.status = WIRE_DNS_OK;
		a.count = 1;
		a.rdata[0] = buf_slice(&b);
	}
	consent_answer(c, &a);
	buf_release(&b);
}

TEST(foreign_recipients_are_asked)
{
	static const struct {
		const char *txt;
		bool good;
		const char *address;
	} cases[] = {
		{ NULL, false, "a@far.test" },
		{ "v=spf1 -all", false, "a@far.test" },
		{ "p=none; v=DMARC1", false, "a@far.test" },
		{ "v=DMARC1", true, "a@far.test" },
		{ "v=DMARC1; rua=mailto:b@far.test!5k", true, "b@far.test" },
		{ "v=DMARC1; rua=mailto:b@FAR.test", true, "b@FAR.test" },
		{ "v=DMARC1; rua=mailto:b@victim.test", false, NULL },
	};
	struct slice record = S("v=DMARC1; p=none; rua=mailto:a@far.test,"
	    "mailto:x@sub.own.test!1k, mailto:A@far.test,http://far.test/,"
	    "mailto:y@[192.0.2.1]");
	struct dns_question q;
	struct consent c;

	for (size_t i = 0; i < LEN(cases); i++) {
		consent_init(&c, S("mail.own.test"), record);
		assert_int_equal(consent_step(&c, &q), MSGAUTH_ASK);
		CHECK(slice_eq(q.name,
		    S("mail.own.test._report._dmarc.far.test")));
		answer(&c, cases[i].txt);
		assert_int_equal(consent_step(&c, &q), MSGAUTH_DONE);
		CHECK(c.list[0].good == cases[i].good, "%zu", i);
		CHECK(cases[i].address == NULL || slice_eq(c.list[0].address,
		    slice_str(cases[i].address)), "%zu", i);
		assert_int_equal(c.list[0].most, i == 4 ? 5120 : 0);
		/* The same organization needs no consent; an address literal
		 * has no domain that could give it. */
		CHECK(c.n == 3 && c.list[1].good && !c.list[2].good);
		assert_int_equal(c.list[1].most, 1024);
		CHECK(!c.unknown);
		consent_release(&c);
	}
	consent_init(&c, S("own.test"), record);
	assert_int_equal(consent_step(&c, &q), MSGAUTH_ASK);
	consent_answer(&c, NULL);
	assert_int_equal(consent_step(&c, &q), MSGAUTH_DONE);
	CHECK(c.unknown && !c.list[0].good && c.list[1].good);
	consent_release(&c);
}

TESTS(T(a_report_is_read), T(namespaces_and_strangers_are_passed_over),
    T(what_is_no_report_is_refused), T(numbers_are_bounded),
    T(tokens_are_bounded), T(texts_are_fit_to_be_shown),
    T(rows_and_values_are_bounded),
    T(archives_are_unpacked), T(a_bomb_is_cut_off),
    T(reports_are_kept_and_shown), T(the_database_is_bounded),
    T(a_damaged_database_is_begun_anew),
    T(what_is_noted_is_read_back), T(notes_are_bounded),
    T(malformed_notes_are_refused), T(foreign_recipients_are_asked))
