// part: services/deliver
#include "check.h"

#include "core/file.h"
#include "services/deliver/place.h"
#include "wire/deliver.h"

TEST(place_headers_cannot_be_broken_by_an_address)
{
	struct buf b = BUF_INIT(1000);
	struct slice rest, line;
	unsigned lines = 0;

	place_headers(&b, S("a@b\r\nX: y"), S("u@c.test\r\nBcc: z"));
	rest = buf_slice(&b);
	while (slice_line(&rest, &line))
		lines++;
	CHECK(lines == 2, "%s", buf_str(&b));
	buf_clear(&b);
	place_headers(&b, S(""), S("u@c.test"));
	CHECK_SLICE(buf_slice(&b),
	    "Return-Path: <>\r\nDelivered-To: <u@c.test>\r\n");
	buf_release(&b);
}

TEST(place_tells_temporary_from_permanent_as_the_store_does)
{
	for (enum store_err e = STORE_NO_SPACE; e < STORE_ERRORS; e++) {
		const struct place_verdict *v = place_verdict(e);

		CHECK(v->outcome == WIRE_LATER && v->enhanced[0] == '4', "%s",
		    store_err_text(e));
	}
	CHECK(place_verdict(STORE_OK)->outcome == WIRE_DONE);
	CHECK(place_verdict(STORE_QUOTA)->outcome == WIRE_NEVER);
	CHECK_SLICE(slice_str(place_verdict(STORE_QUOTA)->enhanced), "5.2.2");
	CHECK_SLICE(slice_str(place_verdict(STORE_QUOTA)->text),
	    "Quota exceeded (mailbox for user is full)");
	CHECK_SLICE(slice_str(place_verdict(STORE_NO_SPACE)->enhanced), "4.3.1");
}

TEST(place_delivers_once_with_the_edit_applied)
{
	char root[] = "/tmp/pillarbox-place-XXXXXX";
	const struct store_cut cut = { 6, 6 };
	struct slice text = S("A: 1\r\nB: 2\r\nC: 3\r\n\r\nbody\r\n");
	FILE *body = tmpfile();
	struct store_config conf = { .hostname = "mail.test" };
	struct store_user *user;
	struct store_status status;

	CHECK(body != NULL && mkdtemp(root) != NULL);
	CHECK(file_write_all(fileno(body), text.p, text.n) == 0);
	conf.mailroot = root;
	struct store *store = store_open_root(&conf, NULL);
	struct place p = {
		.store = store, .user = S("u@c.test"),
		.recipient = S("alias@c.test"), .queue_id = S("ABCDEFGHIJ"),
		.sender = S("a@b.test"), .prefix = S("X: first\r\n"),
		.fd = fileno(body), .size = text.n, .cuts = &cut, .n_cuts = 1,
	};

	place_message(&p);
	CHECK(p.err == STORE_OK && !p.repeated);
	place_message(&p);
	CHECK(p.err == STORE_OK && p.repeated);
	CHECK(store_user_open(store, S("u@c.test"), &user) == STORE_OK);
	CHECK(store_status(user, S("INBOX"), &status) == STORE_OK);
	CHECK(status.messages == 1, "%u", status.messages);
	CHECK(status.size == strlen("Return-Path: <a@b.test>\r\n"
	    "Delivered-To: <alias@c.test>\r\nX: first\r\n"
	    "A: 1\r\nC: 3\r\n\r\nbody\r\n"), "%llu",
	    (unsigned long long)status.size);
	store_user_close(user);
	store_close_root(store);
	fclose(body);
	CHECK(file_remove_tree(root) == 0);
}

TESTS(T(place_headers_cannot_be_broken_by_an_address),
    T(place_tells_temporary_from_permanent_as_the_store_does),
    T(place_delivers_once_with_the_edit_applied))
