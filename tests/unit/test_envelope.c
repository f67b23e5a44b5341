// part: services/queue
#include "check.h"

#include "core/rand.h"
#include "services/queue/envelope.h"

static const struct wire_edit edit = {
	.prefix = { "Received: x\r\n", 13 },
	.count = 2,
	.cuts = { { 3, 9 }, { 20, 31 } },
};

static void
sample(struct envelope *e)
{
	struct recipient *r;

	envelope_init(e);
	e->flags = ENVELOPE_SUBMISSION | ENVELOPE_8BIT;
	e->created = 1700000000;
	e->sender = S("s@a.test");
	e->envid = S("QQ314159");
	e->ret = S("HDRS");
	e->user = S("s@a.test");
	e->client = S("192.0.2.1");
	envelope_add(e, RECIPIENT_LOCAL, S("u@a.test"), S("alias@a.test"),
	    S("rfc822;alias@a.test"), WIRE_NOTIFY_SUCCESS);
	envelope_add(e, RECIPIENT_REMOTE, S("r@b.test"), S("r@b.test"), S(""),
	    0);
	r = envelope_add(e, RECIPIENT_REMOTE, S("f@c.test"), S("f@c.test"),
	    S(""), 0);
	r->state = RECIPIENT_FAILED;
	r->owed = true;
	recipient_reply(r, S("5.1.1"), S("550 no"), S("mx.c.test"));
}

static void
write_sample(struct buf *b)
{
	struct envelope e;

	sample(&e);
	envelope_write(b, &e, &edit);
	envelope_release(&e);
}

TEST(envelope_comes_back_as_it_was)
{
	struct buf b = BUF_INIT(ENVELOPE_MAX);
	struct wire_edit again;
	struct envelope e;
	uint32_t edit_size;

	write_sample(&b);
	envelope_init(&e);
	CHECK(envelope_read(&e, buf_slice(&b), &edit_size, NULL) ==
	    (ssize_t)b.n);
	CHECK(e.flags == (ENVELOPE_SUBMISSION | ENVELOPE_8BIT));
	CHECK(e.created == 1700000000 && e.n == 3);
	CHECK_SLICE(e.sender, "s@a.test");
	CHECK_SLICE(e.envid, "QQ314159");
	CHECK_SLICE(e.rcpt[0].orig, "alias@a.test");
	CHECK_SLICE(e.rcpt[0].orcpt, "rfc822;alias@a.test");
	CHECK(e.rcpt[0].notify == WIRE_NOTIFY_SUCCESS);
	CHECK(e.rcpt[1].kind == RECIPIENT_REMOTE && e.rcpt[1].reply == NULL);
	CHECK(e.rcpt[2].state == RECIPIENT_FAILED && e.rcpt[2].owed);
	CHECK_SLICE(e.rcpt[2].reply->host, "mx.c.test");
	CHECK(envelope_read_edit(&again, slice_head(buf_slice(&b), edit_size)) ==
	    0);
	CHECK_SLICE(again.prefix, "Received: x\r\n");
	CHECK(again.count == 2 && again.cuts[1].end == 31);
	envelope_release(&e);
	buf_release(&b);
}

TEST(envelope_journal_says_what_became_of_each)
{
	const struct wire_queue_target to[] = {
		{ true, S("x@a.test") }, { false, S("y@d.test") },
	};
	struct buf b = BUF_INIT(ENVELOPE_MAX);
	struct envelope e;
	uint32_t edit_size;

	sample(&e);
	envelope_write(&b, &e, &edit);
	e.rcpt[0].state = RECIPIENT_DONE;
	recipient_reply(&e.rcpt[0], S("2.0.0"), S("Saved"), S(""));
	envelope_write_state(&b, &e, 0);
	envelope_write_expand(&b, 1, to, LEN(to));
	envelope_write_hold(&b, true);
	envelope_release(&e);

	envelope_init(&e);
	CHECK(envelope_read(&e, buf_slice(&b), &edit_size, NULL) ==
	    (ssize_t)b.n);
	CHECK(e.hold && e.n == 5);
	CHECK(e.rcpt[0].state == RECIPIENT_DONE);
	CHECK(e.rcpt[1].state == RECIPIENT_DONE);
	CHECK(e.rcpt[3].kind == RECIPIENT_LOCAL);
	CHECK_SLICE(e.rcpt[4].address, "y@d.test");
	CHECK_SLICE(e.rcpt[4].orig, "r@b.test");
	envelope_release(&e);
	buf_release(&b);
}

TEST(envelope_drops_a_torn_journal_record_and_nothing_else)
{
	struct buf b = BUF_INIT(ENVELOPE_MAX);
	struct envelope e;
	uint32_t edit_size;
	size_t whole;

	sample(&e);
	envelope_write(&b, &e, &edit);
	whole = b.n;
	e.rcpt[1].state = RECIPIENT_DONE;
	envelope_write_state(&b, &e, 1);
	envelope_release(&e);
	for (size_t n = whole; n < b.n; n++) {
		envelope_init(&e);
		CHECK(envelope_read(&e, slice_head(buf_slice(&b), n), &edit_size,
		    NULL) == (ssize_t)whole, "n=%zu", n);
		CHECK(e.rcpt[1].state == RECIPIENT_WAITING);
		envelope_release(&e);
	}
	buf_release(&b);
}

TEST(envelope_that_is_not_whole_is_refused)
{
	struct buf b = BUF_INIT(ENVELOPE_MAX);
	struct envelope e;
	uint32_t edit_size;
	const char *why;

	write_sample(&b);
	for (size_t n = 0; n < b.n; n++) {
		envelope_init(&e);
		CHECK(envelope_read(&e, slice_head(buf_slice(&b), n), &edit_size,
		    &why) == -1, "n=%zu", n);
		envelope_release(&e);
	}
	buf_release(&b);
}

TEST(envelope_survives_flipped_bytes)
{
	struct buf b = BUF_INIT(ENVELOPE_MAX);
	struct envelope e;
	uint32_t edit_size;

	write_sample(&b);
	for (size_t i = 0; i < b.n; i++) {
		b.p[i] ^= (char)(1 + rand_below(255));
		envelope_init(&e);
		(void)!envelope_read(&e, buf_slice(&b), &edit_size, NULL);
		envelope_release(&e);
	}
	buf_release(&b);
}

TEST(envelope_tells_the_sender_what_he_asked_for)
{
	static const struct {
		struct slice sender;
		uint8_t notify;
		unsigned flags;
		bool failure, success, delay;
	} cases[] = {
		{ { "a@b", 3 }, 0, 0, true, false, false },
		{ { "a@b", 3 }, WIRE_NOTIFY_NEVER, 0, false, false, false },
		{ { "a@b", 3 }, WIRE_NOTIFY_SUCCESS, 0, false, true, false },
		{ { "a@b", 3 }, WIRE_NOTIFY_FAILURE | WIRE_NOTIFY_DELAY, 0, true,
		    false, true },
		{ { "", 0 }, 0, 0, false, false, false },
		{ { "", 0 }, WIRE_NOTIFY_SUCCESS | WIRE_NOTIFY_DELAY, 0, false,
		    false, false },
		{ { "", 0 }, 0, ENVELOPE_BOUNCE, true, false, false },
		{ { "", 0 }, 0, ENVELOPE_BOUNCE | ENVELOPE_DOUBLE, false, false,
		    false },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct envelope e = { .sender = cases[i].sender,
			.flags = cases[i].flags };
		struct recipient r = { .notify = cases[i].notify };

		CHECK(envelope_owes_failure(&e, &r) == cases[i].failure, "%zu",
		    i);
		CHECK(envelope_owes_success(&e, &r, false) == cases[i].success,
		    "%zu", i);
		CHECK(!envelope_owes_success(&e, &r, true));
		CHECK(envelope_owes_delay(&e, &r) == cases[i].delay, "%zu", i);
	}
}

TEST(envelope_has_a_cap_on_recipients)
{
	struct envelope e;

	envelope_init(&e);
	for (uint32_t i = 0; i < ENVELOPE_RECIPIENTS; i++)
		CHECK(envelope_add(&e, RECIPIENT_LOCAL, S("a@b"), S("a@b"),
		    S(""), 0) != NULL);
	CHECK(envelope_add(&e, RECIPIENT_LOCAL, S("a@b"), S("a@b"), S(""), 0) ==
	    NULL);
	envelope_release(&e);
}

TESTS(T(envelope_comes_back_as_it_was),
    T(envelope_journal_says_what_became_of_each),
    T(envelope_drops_a_torn_journal_record_and_nothing_else),
    T(envelope_that_is_not_whole_is_refused),
    T(envelope_survives_flipped_bytes),
    T(envelope_tells_the_sender_what_he_asked_for),
    T(envelope_has_a_cap_on_recipients))
