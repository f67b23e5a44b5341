#include "check.h"

#include "mail/dsn.h"
#include "mail/header.h"
#include "mail/mime.h"

static const char original[] = "From: a@b.test\nSubject: hi\n\nbody text\n";

static struct dsn
sample(const struct dsn_recipient *r, size_t n)
{
	return (struct dsn){ .host = S("mail.test"), .sender = S("a@b.test"),
		.envid = S("env\r\nX: 1"), .queue_id = S("0ABC123XYZ"),
		.message_id = S("<id@mail.test>"), .date = 1057049557,
		.arrival = 1057049000, .recipients = r, .n = n,
		.original = slice_str(original) };
}

static struct slice
section(const struct mime_tree *tree, const char *spec)
{
	struct mime_section s;

	assert_int_equal(mime_find(tree, slice_str(spec), &s, NULL), 0);
	return slice_of(tree->msg.p + s.start, s.end - s.start);
}

TEST(bounce_is_a_multipart_report)
{
	struct dsn_recipient r[] = {
		{ .final = S("x@y.test"), .original = S("rfc822;X@y.test"),
			.action = DSN_FAILED, .status = S("5.1.1"),
			.remote_mta = S("mx.y.test"),
			.diagnostic = S("550 5.1.1 no such\r\nuser"),
			.last_attempt = 1057049500 },
		{ .final = S("z@y.test"), .action = DSN_DELAYED,
			.status = S("4.0.0"), .retry_until = 1057050000 },
	};
	struct dsn d = sample(r, LEN(r));
	struct buf b = BUF_INIT(100000);
	struct arena arena = ARENA_INIT;
	struct mime_tree tree;
	struct slice v;

	CHECK(dsn_build(&b, &d) == 0);
	CHECK(header_find(buf_slice(&b), S("Subject"), &v));
	CHECK_SLICE(v, "Undelivered Mail Returned to Sender");
	CHECK(header_find(buf_slice(&b), S("From"), &v));
	CHECK_SLICE(v, "MAILER-DAEMON@mail.test (Mail Delivery System)");
	CHECK(header_find(buf_slice(&b), S("Auto-Submitted"), &v));
	CHECK_SLICE(v, "auto-replied");
	CHECK(header_find(buf_slice(&b), S("To"), &v));
	CHECK_SLICE(v, "a@b.test");
	mime_parse(&arena, buf_slice(&b), &tree);
	CHECK_SLICE(tree.root->subtype, "report");
	CHECK_SLICE(section(&tree, "2"),
	    "Reporting-MTA: dns; mail.test\r\n"
	    "Original-Envelope-Id: env  X: 1\r\n"
	    "X-Pillarbox-Queue-ID: 0ABC123XYZ\r\n"
	    "Arrival-Date: Tue, 1 Jul 2003 08:43:20 +0000\r\n"
	    "\r\n"
	    "Original-Recipient: rfc822; X@y.test\r\n"
	    "Final-Recipient: rfc822; x@y.test\r\n"
	    "Action: failed\r\n"
	    "Status: 5.1.1\r\n"
	    "Remote-MTA: dns; mx.y.test\r\n"
	    "Diagnostic-Code: smtp; 550 5.1.1 no such  user\r\n"
	    "Last-Attempt-Date: Tue, 1 Jul 2003 08:51:40 +0000\r\n"
	    "\r\n"
	    "Final-Recipient: rfc822; z@y.test\r\n"
	    "Action: delayed\r\n"
	    "Status: 4.0.0\r\n"
	    "Will-Retry-Until: Tue, 1 Jul 2003 09:00:00 +0000\r\n");
	CHECK_SLICE(section(&tree, "3"),
	    "From: a@b.test\r\nSubject: hi\r\n\r\n");
	CHECK_SLICE(tree.root->child->next->next->subtype, "rfc822-headers");
	for (size_t i = 0; i < b.n; i++)
		CHECK(b.p[i] != '\n' || b.p[i - 1] == '\r');
	buf_release(&b);
	arena_release(&arena);
}

TEST(full_utf8_success_report)
{
	struct dsn_recipient r = { .final = S("gr\xc3\xbc@y.test"),
		.action = DSN_DELIVERED, .status = S("2.0.0") };
	struct dsn d = sample(&r, 1);
	struct buf b = BUF_INIT(100000), small = BUF_INIT(100);
	struct arena arena = ARENA_INIT;
	struct mime_tree tree;
	struct slice v;

	d.full = true;
	CHECK(dsn_build(&b, &d) == 0);
	CHECK(header_find(buf_slice(&b), S("Subject"), &v));
	CHECK_SLICE(v, "Successful Mail Delivery Report");
	mime_parse(&arena, buf_slice(&b), &tree);
	CHECK(slice_ifind(section(&tree, "2"),
	    S("Final-Recipient: utf-8; gr\xc3\xbc@y.test\r\n")) > 0);
	CHECK_SLICE(tree.root->child->next->subtype, "global-delivery-status");
	CHECK_SLICE(section(&tree, "3.TEXT"), "body text\r\n");
	CHECK_SLICE(section(&tree, "3.MIME"), "Content-Description: Message"
	    "\r\nContent-Type: message/global\r\n\r\n");
	CHECK(dsn_build(&small, &d) == -1);
	buf_release(&b);
	buf_release(&small);
	arena_release(&arena);
}

TEST(xtext_goes_both_ways)
{
	static const char *const bad[] = { "a b", "a=b", "a+", "a+4", "a+zz",
		"a\x7f" };
	struct buf b = BUF_INIT(100), c = BUF_INIT(100);

	dsn_xtext_encode(&b, S("a+b=c d\xc3"));
	CHECK_SLICE(buf_slice(&b), "a+2Bb+3Dc+20d+C3");
	CHECK(dsn_xtext_decode(&c, buf_slice(&b)) == 0);
	CHECK_SLICE(buf_slice(&c), "a+b=c d\xc3");
	for (size_t i = 0; i < LEN(bad); i++)
		CHECK(dsn_xtext_decode(&c, slice_str(bad[i])) == -1, "%s",
		    bad[i]);
	buf_release(&b);
	buf_release(&c);
}

TESTS(T(bounce_is_a_multipart_report), T(full_utf8_success_report),
    T(xtext_goes_both_ways))
