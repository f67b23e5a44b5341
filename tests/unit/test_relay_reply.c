// part: services/relay
#include "services/relay/ehlo.h"
#include "services/relay/reply.h"
#include "services/relay/verdict.h"

#include "check.h"

/* Feeds text whole, then byte by byte; both must agree. */
static enum reply_state
feed(struct reply *r, const char *text, size_t *used)
{
	struct slice in = slice_str(text), left;
	enum reply_state whole, state = REPLY_MORE;
	struct reply slow;
	size_t n = 0;

	*used = reply_feed(r, in, &whole);
	reply_init(&slow);
	for (size_t i = 1; i <= in.n && state == REPLY_MORE; i++) {
		left = slice_from(slice_head(in, i), n);
		n += reply_feed(&slow, left, &state);
	}
	CHECK(state == whole, "\"%s\": %d %d", text, state, whole);
	if (state == REPLY_DONE) {
		CHECK(n == *used, "%zu %zu", n, *used);
		CHECK(slow.code == r->code);
		CHECK(slice_eq(buf_slice(&slow.text), buf_slice(&r->text)));
	}
	reply_release(&slow);
	return whole;
}

TEST(reply_is_read_to_its_last_line)
{
	static const struct {
		const char *in;
		enum reply_state state;
		unsigned code;
		const char *text;
		size_t left;
	} rows[] = {
		{ "250 ok\r\n", REPLY_DONE, 250, "ok\n", 0 },
		{ "250\r\n", REPLY_DONE, 250, "\n", 0 },
		{ "250 \r\n", REPLY_DONE, 250, "\n", 0 },
		{ "250-a\r\n250-b\r\n250 c\r\n", REPLY_DONE, 250, "a\nb\nc\n", 0 },
		{ "250 a\n", REPLY_DONE, 250, "a\n", 0 },
		{ "250 a\r\n354 b\r\n", REPLY_DONE, 250, "a\n", 7 },
		{ "250-a\r\n450 b\r\n", REPLY_DONE, 450, "a\nb\n", 0 },
		{ "250-a\r\n", REPLY_MORE, 0, "", 0 },
		{ "25", REPLY_MORE, 0, "", 0 },
		{ "250a\r\n", REPLY_BAD, 0, "", 0 },
		{ "25 a\r\n", REPLY_BAD, 0, "", 0 },
		{ "\r\n", REPLY_BAD, 0, "", 0 },
		{ "199 a\r\n", REPLY_BAD, 0, "", 0 },
		{ "600 a\r\n", REPLY_BAD, 0, "", 0 },
		{ "HTTP/1.1 400 Bad Request\r\n", REPLY_BAD, 0, "", 0 },
	};

	for (size_t i = 0; i < LEN(rows); i++) {
		struct reply r;
		size_t used;

		reply_init(&r);
		CHECK(feed(&r, rows[i].in, &used) == rows[i].state, "%s",
		    rows[i].in);
		if (rows[i].state == REPLY_DONE) {
			CHECK(r.code == rows[i].code, "%s", rows[i].in);
			CHECK_SLICE(buf_slice(&r.text), rows[i].text);
			CHECK(strlen(rows[i].in) - used == rows[i].left);
		}
		reply_release(&r);
	}
}

TEST(reply_has_a_limit_in_lines_and_in_length)
{
	struct buf b = BUF_INIT(100000);
	enum reply_state got;
	struct reply r;

	for (int i = 0; i < 1000; i++)
		buf_adds(&b, "250-x\r\n");
	reply_init(&r);
	reply_feed(&r, buf_slice(&b), &got);
	CHECK(got == REPLY_BAD);
	reply_release(&r);

	buf_clear(&b);
	for (int i = 0; i <= LIMIT_SMTP_REPLY; i++)
		buf_addc(&b, '2');
	reply_init(&r);
	CHECK(reply_feed(&r, buf_slice(&b), &got) == 0);
	CHECK(got == REPLY_BAD);
	reply_release(&r);
	buf_release(&b);
}

TEST(reply_begins_anew_after_each)
{
	enum reply_state got;
	struct reply r;

	reply_init(&r);
	reply_feed(&r, S("250 one\r\n"), &got);
	reply_feed(&r, S("550 two\r\n"), &got);
	CHECK(got == REPLY_DONE && r.code == 550);
	CHECK_SLICE(buf_slice(&r.text), "two\n");
	reply_release(&r);
}

TEST(verdict_follows_code_and_text)
{
	static const struct {
		const char *in;
		enum wire_outcome outcome;
		const char *enhanced, *text;
	} rows[] = {
		{ "250 2.1.5 ok", WIRE_DONE, "2.1.5", "250 2.1.5 ok" },
		{ "250 ok", WIRE_DONE, "2.0.0", "250 ok" },
		{ "450 4.2.0 greylisted", WIRE_LATER, "4.2.0",
		    "450 4.2.0 greylisted" },
		{ "451 x", WIRE_LATER, "4.3.0", "451 x" },
		{ "421 bye", WIRE_LATER, "4.3.2", "421 bye" },
		{ "550 5.1.1 no", WIRE_NEVER, "5.1.1", "550 5.1.1 no" },
		{ "550 5.7.26 dmarc", WIRE_NEVER, "5.7.26", "550 5.7.26 dmarc" },
		{ "550 no", WIRE_NEVER, "5.0.0", "550 no" },
		{ "550 4.2.2 class differs", WIRE_NEVER, "5.0.0",
		    "550 4.2.2 class differs" },
		{ "550 5.1.1234 x", WIRE_NEVER, "5.0.0", "550 5.1.1234 x" },
		{ "550 5.1", WIRE_NEVER, "5.0.0", "550 5.1" },
		{ "556 x", WIRE_NEVER, "5.1.10", "556 x" },
		{ "354 x", WIRE_LATER, "4.5.0", "354 x" },
		{ "550 a\x01\x1b[2J\xff", WIRE_NEVER, "5.0.0", "550 a??[2J?" },
		{ "550 \xc3\xa4 \t b", WIRE_NEVER, "5.0.0", "550 \xc3\xa4   b" },
	};

	for (size_t i = 0; i < LEN(rows); i++) {
		struct buf line = BUF_INIT(1000);
		enum reply_state got;
		struct verdict v;
		struct reply r;

		buf_addf(&line, "%s\r\n", rows[i].in);
		reply_init(&r);
		reply_feed(&r, buf_slice(&line), &got);
		CHECK(got == REPLY_DONE, "%s", rows[i].in);
		verdict_from_reply(&v, &r);
		CHECK(v.outcome == rows[i].outcome, "%s", rows[i].in);
		CHECK(strcmp(v.enhanced, rows[i].enhanced) == 0, "%s: %s",
		    rows[i].in, v.enhanced);
		CHECK(strcmp(v.text, rows[i].text) == 0, "got %s", v.text);
		reply_release(&r);
		buf_release(&line);
	}
}

TEST(verdict_of_too_many_recipients_is_temporary)
{
	static const struct {
		const char *in;
		enum wire_outcome outcome;
		const char *enhanced;
	} rows[] = {
		{ "452 too many recipients\r\n", WIRE_LATER, "4.5.3" },
		{ "452 4.3.1 disk full\r\n", WIRE_LATER, "4.3.1" },
		{ "552 too many recipients\r\n", WIRE_LATER, "4.5.3" },
		{ "552 5.5.3 too many\r\n", WIRE_LATER, "4.5.3" },
		{ "552 5.2.2 mailbox full\r\n", WIRE_NEVER, "5.2.2" },
		{ "550 5.1.1 no\r\n", WIRE_NEVER, "5.1.1" },
	};

	for (size_t i = 0; i < LEN(rows); i++) {
		enum reply_state got;
		struct verdict v;
		struct reply r;

		reply_init(&r);
		reply_feed(&r, slice_str(rows[i].in), &got);
		verdict_from_rcpt(&v, &r);
		CHECK(v.outcome == rows[i].outcome, "%s", rows[i].in);
		CHECK(strcmp(v.enhanced, rows[i].enhanced) == 0, "%s: %s",
		    rows[i].in, v.enhanced);
		reply_release(&r);
	}
}

TEST(reply_line_is_cut_between_characters)
{
	enum reply_state got;
	struct reply r;
	char out[10];

	reply_init(&r);
	reply_feed(&r, S("550 \xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\r\n"), &got);
	reply_line(&r, out, sizeof(out));
	CHECK(strcmp(out, "550 \xc3\xa4\xc3\xa4") == 0, "%s", out);
	reply_release(&r);
}

TEST(ehlo_knows_what_is_offered)
{
	struct ehlo e;

	ehlo_parse(&e, S("mx.test PIPELINING\nSIZE 1000\n8bitmime\nSTARTTLS\n"
	    "AUTH LOGIN CRAM-MD5\nAUTH=PLAIN\nX-UNKNOWN\n\n"));
	CHECK(!e.pipelining && e.size && e.size_max == 1000 && e.mime8);
	CHECK(e.starttls && e.auth_login && e.auth_plain && !e.dsn && !e.utf8);
	ehlo_parse(&e, S("mx.test\nPIPELINING\nSIZE\nDSN\nSMTPUTF8\nAUTH\n"));
	CHECK(e.pipelining && e.size && e.size_max == 0 && e.dsn && e.utf8);
	CHECK(!e.auth_login && !e.auth_plain && !e.starttls);
	ehlo_parse(&e, S("mx.test\nSIZE 99999999999999999999999\n"));
	CHECK(e.size && e.size_max == 0);
}

TESTS(T(reply_is_read_to_its_last_line),
    T(reply_has_a_limit_in_lines_and_in_length),
    T(reply_begins_anew_after_each), T(verdict_follows_code_and_text),
    T(verdict_of_too_many_recipients_is_temporary),
    T(reply_line_is_cut_between_characters), T(ehlo_knows_what_is_offered))
