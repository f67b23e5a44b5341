#include "check.h"

#include "mail/authres.h"
#include "mail/msgid.h"
#include "mail/trace.h"

TEST(received_has_the_three_lines)
{
	struct trace_received r = { .helo = S("client.test"),
		.rdns = S("host.test"), .ip = S("192.0.2.1"),
		.by = S("mail.test"), .id = S("0ABC123XYZ"),
		.rcpt = S("a@b.test"), .extended = true, .tls = true,
		.date = 1057049557, .zone = 120 };
	struct buf b = BUF_INIT(2000);

	trace_received(&b, &r);
	CHECK_SLICE(buf_slice(&b),
	    "Received: from client.test (host.test [192.0.2.1])\r\n"
	    "\tby mail.test (Pillarbox) with ESMTPS id 0ABC123XYZ\r\n"
	    "\tfor <a@b.test>; Tue, 1 Jul 2003 10:52:37 +0200\r\n");
	buf_clear(&b);
	r.rdns.n = r.rcpt.n = 0;
	r.ip = S("2001:db8::1");
	r.login = S("user@b.test");
	r.auth = true;
	trace_received(&b, &r);
	CHECK_SLICE(buf_slice(&b),
	    "Received: from client.test (unknown [IPv6:2001:db8::1])\r\n"
	    "\t(Authenticated sender: user@b.test)\r\n"
	    "\tby mail.test (Pillarbox) with ESMTPSA id 0ABC123XYZ;\r\n"
	    "\tTue, 1 Jul 2003 10:52:37 +0200\r\n");
	buf_clear(&b);
	r.hide_client = true;
	trace_received(&b, &r);
	CHECK_SLICE(buf_slice(&b),
	    "Received: by mail.test (Pillarbox) with ESMTPSA id 0ABC123XYZ;"
	    "\r\n\tTue, 1 Jul 2003 10:52:37 +0200\r\n");
	buf_release(&b);
}

TEST(hostile_values_cannot_change_the_structure)
{
	struct trace_received r = { .helo = S("x) by y\r\nBcc: z(\\\""),
		.rdns = S("a\nb"), .ip = S("192.0.2.1"), .by = S("mail.test"),
		.rcpt = S("a>\r\nX: y"), .zone = 0 };
	struct buf b = BUF_INIT(2000);

	trace_received(&b, &r);
	CHECK_SLICE(buf_slice(&b),
	    "Received: from x??by?y??Bcc:?z??? (a?b [192.0.2.1])\r\n"
	    "\tby mail.test (Pillarbox) with SMTP\r\n"
	    "\tfor <a???X: y>; Thu, 1 Jan 1970 00:00:00 +0000\r\n");
	buf_clear(&b);
	trace_return_path(&b, S("a@b>\n"));
	trace_return_path(&b, S(""));
	trace_return_path(&b, S("\"a\\\">b\"@c.test"));
	CHECK_SLICE(buf_slice(&b),
	    "Return-Path: <a@b?" "?>\r\nReturn-Path: <>\r\n"
	    "Return-Path: <\"a\\\">b\"@c.test>\r\n");
	CHECK_SLICE(slice_str(trace_protocol(true, true, true, true)),
	    "UTF8SMTPSA");
	CHECK_SLICE(slice_str(trace_protocol(true, false, true, false)),
	    "ESMTPA");
	buf_release(&b);
}

TEST(queue_ids_grow)
{
	char last[QUEUE_ID_LEN + 1] = "", id[QUEUE_ID_LEN + 1];
	struct buf b = BUF_INIT(200);

	for (int i = 0; i < 10000; i++) {
		msgid_queue_id(id);
		CHECK(msgid_queue_id_valid(slice_str(id)), "%s", id);
		CHECK(strcmp(last, id) < 0, "%s %s", last, id);
		memcpy(last, id, sizeof(last));
	}
	CHECK(!msgid_queue_id_valid(S("../../etc/")));
	CHECK(!msgid_queue_id_valid(S("ABC")));
	msgid_make(&b, slice_str(id), S("mail.test"));
	CHECK(b.p[0] == '<' && b.p[15] == '.');
	CHECK_SLICE(slice_from(slice_from(buf_slice(&b), 16), 10),
	    "@mail.test>");
	buf_release(&b);
}

TEST(authentication_results_are_written_safely)
{
	static const struct authres_result results[] = {
		{ .method = "spf", .result = "pass",
			.properties = { { "smtp", "mailfrom", S("b.test") } } },
		{ .method = "dkim", .result = "fail", .comment = S("a)\r\nb"),
			.reason = S("bad \"sig\""),
			.properties = { { "header", "d", S("x y") },
				{ "header", "s", S("") } } },
	};
	struct buf b = BUF_INIT(2000);

	authres_write(&b, S("mail.test"), results, LEN(results));
	CHECK_SLICE(buf_slice(&b), "Authentication-Results: mail.test;\r\n"
	    "\tspf=pass smtp.mailfrom=b.test;\r\n"
	    "\tdkim=fail (a\\)  b) reason=\"bad \\\"sig\\\"\""
	    " header.d=\"x y\"\r\n");
	buf_clear(&b);
	authres_write(&b, S("mail.test"), NULL, 0);
	CHECK_SLICE(buf_slice(&b),
	    "Authentication-Results: mail.test; none\r\n");
	buf_release(&b);
}

TEST(our_authserv_id_is_recognised)
{
	static const struct {
		const char *value;
		bool ours;
	} cases[] = {
		{ " mail.test; spf=pass", true }, { "MAIL.Test;none", true },
		{ " (c (n) \\)) mail.test (x) 1; none", true },
		{ "\r\n\tmail.test\r\n\t; none", true },
		{ "\"mail.test\"; none", true }, { "\"ma\\il.test\" 1;", true },
		{ "mail.test.; none", true }, { "mail.test", true },
		{ "mail.test(c);", true },
		{ "mail.test.evil; none", false }, { "xmail.test", false },
		{ "", false }, { "(mail.test)", false }, { "\"mail", false },
		{ "\"mail.testx\";", false }, { "other.test; mail.test", false },
	};

	for (size_t i = 0; i < LEN(cases); i++)
		CHECK(authres_is_ours(slice_str(cases[i].value),
		    S("mail.test")) == cases[i].ours, "%s", cases[i].value);
}

TESTS(T(received_has_the_three_lines),
    T(hostile_values_cannot_change_the_structure), T(queue_ids_grow),
    T(authentication_results_are_written_safely),
    T(our_authserv_id_is_recognised))
