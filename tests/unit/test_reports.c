// part: services/reports
/* DMARC reports of others: archives, XML, the database, what is shown. */
#include "check.h"

#include <unistd.h>

#include <zlib.h>

#include "core/base64.h"
#include "core/limits.h"
#include "services/reports/intake.h"
#include "services/reports/unpack.h"

#define HEAD "<?xml version=\"1.0\"?>\n<feedback><report_metadata>"          \
	"<org_name>Receiver &amp; Co</org_name><email>r@receiver.test</email>" \
	"<report_id>77</report_id><date_range><begin>1700000000</begin>"       \
	"<end>1700086399</end></date_range></report_metadata>"                 \
	"<policy_published><domain>example.test</domain><p>reject</p>"         \
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
	static const char *const bad[] = { "", "x", "<html></html>",
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

/* An archive of one file, its sizes told behind it only. */
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
	put32(out, 0); /* checksum */
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
	b = base_open(path, &why);
	CHECK(b != NULL, "%s", why);
	CHECK(shows(b, "", 0, false, "No reports"));
	CHECK(shows(b, "", 0, true, "[]"));
	make_mail(&mail, deflate_all(S(REPORT), 15 + 16, &packed),
	    "application/gzip");
	CHECK(take(b, buf_slice(&mail)) == 2);
	/* The same again is the same report. */
	CHECK(take(b, buf_slice(&mail)) == 2);
	CHECK(shows(b, "", 0, false, "example.test: 15 messages in 1 reports"));
	CHECK(shows(b, "example.test", 0, false, "12 of them could be told"));
	CHECK(shows(b, "", 0, false, "good (mail)"));
	CHECK(shows(b, "", 0, false, "allowed, but for evil.test"));
	CHECK(shows(b, "", 0, true, "\"source_ip\":\"203.0.113.9\""));
	CHECK(shows(b, "other.test", 0, false, "No reports"));
	CHECK(shows(b, "", 1700086399, false, "No reports"));
	/* Half a report is none. */
	buf_clear(&mail);
	make_mail(&mail, S(HEAD OURS), "text/xml");
	CHECK(take(b, buf_slice(&mail)) == -1);
	CHECK(shows(b, "", 0, false, "15 messages in 1 reports"));
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

TEST(a_damaged_database_is_begun_anew)
{
	char path[] = "/tmp/reportsXXXXXX", aside[64];
	const char *why = "";
	struct base *b;
	int fd = mkstemp(path);

	assert_int_equal(write(fd, "not a database, not at all", 26), 26);
	close(fd);
	b = base_open(path, &why);
	CHECK(b != NULL, "%s", why);
	CHECK(shows(b, "", 0, false, "No reports"));
	base_close(b);
	snprintf(aside, sizeof(aside), "%s.damaged", path);
	CHECK(access(aside, F_OK) == 0);
	unlink(aside);
	unlink(path);
}

TESTS(T(a_report_is_read), T(namespaces_and_strangers_are_passed_over),
    T(what_is_no_report_is_refused), T(rows_and_values_are_bounded),
    T(archives_are_unpacked), T(a_bomb_is_cut_off),
    T(reports_are_kept_and_shown), T(a_damaged_database_is_begun_anew))
