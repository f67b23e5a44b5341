// part: services/queue
#include "check.h"

#include <sys/mman.h>

#include "core/file.h"
#include "services/queue/compose.h"

/* The message as it leaves. */
static char *
compose(struct slice text, bool submission, enum compose_result want)
{
	struct compose c = {
		.submission = submission,
		.client_ip = S("192.0.2.7"),
		.client_rdns = S("client.test"),
		.helo = S("laptop"),
		.esmtp = true,
		.tls = true,
		.rcpt = S("r@b.test"),
		.host = S("mail.a.test"),
		.id = S("0ABCDEFGHI"),
		.date = 1700000000,
	};
	int fd = memfd_create("message", MFD_CLOEXEC);
	struct buf out = BUF_INIT(1 << 20);
	struct wire_edit view;
	struct edit e;

	CHECK(fd != -1 && file_write_all(fd, text.p, text.n) == 0);
	edit_init(&e);
	CHECK(compose_edit(&e, &c, text) == want);
	edit_view(&e, &view);
	CHECK(compose_apply(&out, fd, text.n, &view, false) == 0);
	edit_release(&e);
	close(fd);
	return buf_take(&out);
}

static bool
has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

TEST(compose_hides_where_a_submission_came_from)
{
	char *m = compose(S("Received: from laptop (x [10.0.0.9]) by a with "
	    "ESMTPSA id 1;\r\n\tdate\r\n"
	    "Received: from y by z with ESMTP; date\r\n"
	    "Bcc: secret@b.test,\r\n other@b.test\r\n"
	    "X-Mailer: M\r\nuser-agent: U\r\nUser-Agent-Extra: V\r\n"
	    "X-Originating-IP: 10.0.0.9\r\nX-Enigmail-Version: 1\r\n"
	    "Mime-Version: 1.0\r\nSubject: hi\r\n\r\nBcc: body stays\r\n"),
	    true, COMPOSE_OK);

	CHECK(!has(m, "10.0.0.9") && !has(m, "secret") && !has(m, "other@"));
	CHECK(!has(m, "X-Mailer") && !has(m, "ser-") && !has(m, "Enigmail"));
	CHECK(!has(m, "192.0.2.7") && !has(m, "laptop"));
	CHECK(has(m, "from y by z"));
	CHECK(has(m, "\r\nMIME-Version: 1.0\r\n") && !has(m, "Mime-"));
	CHECK(has(m, "\r\nSubject: hi\r\n\r\nBcc: body stays\r\n"));
	CHECK(strncmp(m, "Received: by mail.a.test", 24) == 0, "%s", m);
	mem_free(m);
}

TEST(compose_adds_what_a_submission_lacks)
{
	char *m = compose(S("Subject: hi\r\n\r\nx\r\n"), true, COMPOSE_OK);

	CHECK(has(m, "\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\n"), "%s", m);
	CHECK(has(m, ".0ABCDEFGHI@mail.a.test>\r\n"));
	mem_free(m);
	m = compose(S("Date: d\r\nMessage-Id: <m@x>\r\n\r\nx\r\n"), true,
	    COMPOSE_OK);
	CHECK(!has(m, "Date: Tue") && !has(m, "0ABCDEFGHI@"));
	CHECK(has(m, "\r\nX-MS-Reactions: disallow\r\n"));
	mem_free(m);
}

TEST(compose_leaves_inbound_mail_alone_but_for_what_is_ours)
{
	char *m = compose(S("Return-Path: <forged@x>\r\nX-Mailer: M\r\n"
	    "Authentication-Results: mail.a.test; dkim=pass\r\n"
	    "Authentication-Results: other.test; dkim=pass\r\n"
	    "Received: from a by b with ESMTPSA; d\r\n\r\nbody\r\n"), false,
	    COMPOSE_OK);

	CHECK(!has(m, "forged@x") && !has(m, "mail.a.test; dkim"));
	CHECK(has(m, "X-Mailer: M") && has(m, "other.test; dkim"));
	CHECK(has(m, "from a by b with ESMTPSA"));
	CHECK(has(m, "Received: from laptop (client.test [192.0.2.7])"), "%s",
	    m);
	CHECK(has(m, "for <r@b.test>"));
	CHECK(!has(m, "Date:") && !has(m, "Message-ID:"));
	mem_free(m);
}

TEST(compose_stops_mail_that_goes_in_circles)
{
	struct buf b = BUF_INIT(1 << 20);

	for (int i = 0; i <= LIMIT_RECEIVED_HOPS; i++)
		buf_adds(&b, "Received: by x; d\r\n");
	buf_adds(&b, "\r\n");
	mem_free(compose(buf_slice(&b), false, COMPOSE_HOPS));
	buf_release(&b);
}

TEST(compose_refuses_more_holes_than_an_edit_holds)
{
	struct buf b = BUF_INIT(1 << 20);

	for (int i = 0; i <= WIRE_CUTS; i++)
		buf_adds(&b, "Bcc: a@b\r\nX: y\r\n");
	buf_adds(&b, "\r\n");
	mem_free(compose(buf_slice(&b), true, COMPOSE_TOO_MANY));
	buf_release(&b);
}

TEST(edit_joins_ranges_in_any_order)
{
	static const struct wire_cut in[] = {
		{ 50, 60 }, { 10, 20 }, { 60, 70 }, { 30, 40 }, { 15, 30 },
		{ 5, 5 }, { 100, 110 }, { 0, 2 },
	};
	static const struct wire_cut want[] = {
		{ 0, 2 }, { 10, 40 }, { 50, 70 }, { 100, 110 },
	};
	struct edit e;

	edit_init(&e);
	for (size_t i = 0; i < LEN(in); i++)
		edit_cut(&e, in[i].start, in[i].end);
	CHECK(e.count == LEN(want), "%u", e.count);
	for (size_t i = 0; i < LEN(want); i++)
		CHECK(e.cuts[i].start == want[i].start &&
		    e.cuts[i].end == want[i].end, "%zu", i);
	edit_prepend(&e, S("B: 2\r\n"));
	edit_prepend(&e, S("A: 1\r\n"));
	CHECK_SLICE(buf_slice(&e.text), "A: 1\r\nB: 2\r\n");
	edit_release(&e);
}

TEST(compose_gives_the_header_alone_when_asked)
{
	static const struct wire_edit edit = {
		.prefix = { "P: 1\r\n", 6 }, .count = 1, .cuts = { { 0, 6 } },
	};
	struct slice text = S("A: 1\r\nB: 2\r\n\r\nbody\r\n");
	int fd = memfd_create("message", MFD_CLOEXEC);
	struct buf out = BUF_INIT(1000);

	CHECK(file_write_all(fd, text.p, text.n) == 0);
	CHECK(compose_apply(&out, fd, text.n, &edit, true) == 0);
	CHECK_SLICE(buf_slice(&out), "P: 1\r\nB: 2\r\n\r\n");
	buf_release(&out);
	close(fd);
}

TESTS(T(compose_hides_where_a_submission_came_from),
    T(compose_adds_what_a_submission_lacks),
    T(compose_leaves_inbound_mail_alone_but_for_what_is_ours),
    T(compose_stops_mail_that_goes_in_circles),
    T(compose_refuses_more_holes_than_an_edit_holds),
    T(edit_joins_ranges_in_any_order),
    T(compose_gives_the_header_alone_when_asked))
