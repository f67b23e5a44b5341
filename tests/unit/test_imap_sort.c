// part: services/imap
/* SORT and THREAD (RFC 5256, 5957) without a mailbox. */
#include "check.h"
#include "core/now.h"
#include "services/imap/sort.h"
#include "services/imap/thread.h"

static struct arena arena;

static bool
never(void *arg UNUSED)
{
	return false;
}

static bool
always(void *arg)
{
	++*(unsigned *)arg;
	return true;
}

/* ---- SORT ----------------------------------------------------------------- */

static const char *const headers[] = {
	"Subject: b\nFrom: Zoe <alice@x>\nTo: b@x\n"
	    "Date: 1 Jul 2003 12:00:00 +0200\n",
	"Subject: Re: A\nFrom: bob@x\nTo: =?utf-8?q?=C3=A4nne?= <z@x>\n"
	    "Date: 1 Jul 2003 09:00:00 +0000\n",
	"Subject: [list] a\nFrom: \"=?utf-8?q?=C3=84?=\" <Carl@x>\nCc: q@x\n"
	    "Date: nonsense\n",
	"From: friends: x@y, z@y;\nTo: a@x (c)\n",
};

/* In the arena, which a test has for itself. */
static struct slice
order_of(struct slice header)
{
	struct buf form = BUF_INIT(ORDER_MAX);
	struct slice out;

	order_make(&form, header);
	CHECK(buf_ok(&form));
	out = arena_slice(&arena, buf_slice(&form));
	buf_release(&form);
	return out;
}

static struct store_message
message_of(size_t i)
{
	return (struct store_message){ .uid = (uint32_t)i + 1,
		.order = order_of(slice_str(headers[i])),
		.internaldate = 1057053600 - (int64_t)i, /* 10:00 UTC */
		.vsize = i % 2 };
}

TEST(criteria_decide_in_their_order)
{
	static const struct {
		const char *criteria;
		uint32_t want[LEN(headers)];
	} cases[] = {
		{ "(ARRIVAL)", { 4, 3, 2, 1 } },
		{ "(REVERSE ARRIVAL)", { 1, 2, 3, 4 } },
		/* equal ones keep their order, also in reverse */
		{ "(SIZE)", { 1, 3, 2, 4 } },
		{ "(REVERSE SIZE)", { 2, 4, 1, 3 } },
		{ "(SUBJECT)", { 4, 2, 3, 1 } },
		{ "(subject reverse arrival)", { 4, 2, 3, 1 } },
		{ "(SUBJECT ARRIVAL)", { 4, 3, 2, 1 } },
		/* 3 and 4 have no valid date: their INTERNALDATE */
		{ "(DATE)", { 2, 4, 3, 1 } },
		{ "(FROM)", { 1, 2, 3, 4 } },
		{ "(DISPLAYFROM)", { 3, 2, 4, 1 } },
		{ "(TO)", { 3, 4, 1, 2 } },
		{ "(DISPLAYTO)", { 3, 2, 1, 4 } },
		{ "(CC)", { 1, 2, 4, 3 } },
		{ "(SIZE REVERSE SIZE ARRIVAL)", { 3, 1, 4, 2 } },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct parser p =
		    parser_of(slice_str(cases[i].criteria), &arena);
		struct sort_program prog;
		struct sort_list list;

		CHECK(sort_parse(&p, &prog) == 0, "%s", cases[i].criteria);
		sort_list_init(&list, &prog);
		for (size_t k = 0; k < LEN(headers); k++) {
			const struct store_message msg = message_of(k);

			CHECK(sort_add(&list, &msg, 100) == 0);
		}
		CHECK(sort_run(&list, never, NULL));
		for (size_t k = 0; k < LEN(headers); k++)
			CHECK(list.uids[list.order[k]] == cases[i].want[k],
			    "%s: %zu is %u", cases[i].criteria, k,
			    list.uids[list.order[k]]);
		sort_list_release(&list);
	}
}

TEST(malformed_criteria_are_refused)
{
	static const char *const bad[] = { "", "()", "DATE", "(DATE", "(X)",
		"(REVERSE)", "(REVERSE REVERSE DATE)", "(DATE  SIZE)",
		"( DATE)", "(REVERSEDATE)" };

	for (size_t i = 0; i < LEN(bad); i++) {
		struct parser p = parser_of(slice_str(bad[i]), &arena);
		struct sort_program prog;

		CHECK(sort_parse(&p, &prog) == -1 && p.why != NULL, "%s",
		    bad[i]);
	}
}

/* Many in a scrambled order, in as many steps as there can be. */
TEST(sorting_goes_on_where_it_stopped)
{
	struct parser p = parser_of(S("(ARRIVAL)"), &arena);
	const uint32_t n = 50000;
	struct sort_program prog;
	struct sort_list list;
	unsigned stops = 0;

	CHECK(sort_parse(&p, &prog) == 0);
	sort_list_init(&list, &prog);
	for (uint32_t i = 0; i < n; i++) {
		const struct store_message msg = { .uid = i + 1,
			.internaldate = (int64_t)(i * 7919 % n) };

		CHECK(sort_add(&list, &msg, 100) == 0);
	}
	while (!sort_run(&list, always, &stops))
		;
	CHECK(stops > 10, "%u", stops);
	for (uint32_t i = 0; i < n; i++)
		CHECK(list.order[i] * (uint64_t)7919 % n == i, "%u", i);
	sort_list_release(&list);
}

TEST(strings_are_compared_as_far_as_the_limit)
{
	struct parser p = parser_of(S("(SUBJECT)"), &arena);
	struct buf texts[3];
	struct sort_program prog;
	struct sort_list list;

	CHECK(sort_parse(&p, &prog) == 0);
	sort_list_init(&list, &prog);
	for (uint32_t i = 0; i < 3; i++) {
		buf_init(&texts[i], 10000);
		buf_adds(&texts[i], "Subject: ");
		for (size_t k = 0; k < 5000; k++)
			buf_addc(&texts[i], k == (i == 2 ? 400 : 4000) ?
			    (char)('a' + (2 - i)) : 'x');
	}
	for (uint32_t i = 0; i < 3; i++) {
		const struct store_message msg = { .uid = i + 1,
			.order = order_of(buf_slice(&texts[i])) };

		CHECK(sort_add(&list, &msg, 100) == 0);
	}
	CHECK(sort_run(&list, never, NULL));
	CHECK(list.uids[list.order[0]] == 3 && list.uids[list.order[1]] == 1);
	CHECK(list.texts.n < 3 * (LIMIT_IMAP_SORT_KEY + 4));
	sort_list_release(&list);
	for (size_t i = 0; i < 3; i++)
		buf_release(&texts[i]);
}

/* ---- THREAD --------------------------------------------------------------- */

static uint32_t
itself(void *arg UNUSED, uint32_t uid)
{
	return uid;
}

static void
check_thread(const char *algorithm, const char *const *mail, size_t n,
    const char *want)
{
	struct parser p = parser_of(slice_str(algorithm), &arena);
	struct buf out = BUF_INIT(1 << 20);
	enum thread_algorithm a;
	struct thread t;

	CHECK(thread_parse(&p, &a) == 0, "%s", algorithm);
	thread_init(&t, a);
	for (uint32_t i = 0; i < n; i++) {
		const struct store_message msg = { .uid = i + 1,
			.internaldate = 1000000000 + i,
			.order = order_of(slice_str(mail[i])) };

		thread_add(&t, &msg);
	}
	while (!thread_make(&t))
		;
	thread_write(&t, itself, NULL, &out);
	CHECK_SLICE(buf_slice(&out), want);
	thread_release(&t);
	buf_release(&out);
}

#define ID(id) "Message-ID: <" id "@x>\n"
#define REFS(ids) "References: " ids "\n"
#define SUBJECT(s) "Subject: " s "\n"

TEST(references_make_trees)
{
	static const struct {
		const char *mail[6];
		const char *want;
	} cases[] = {
		{ { NULL }, "" },
		{ { ID("a") }, "(1)" },
		{ { ID("a"), ID("b") REFS("<a@x>") }, "(1 2)" },
		/* the reply is first in the mailbox */
		{ { ID("b") REFS("<a@x>"), ID("a") }, "(2 1)" },
		{ { ID("a"), ID("b") REFS("<a@x>"), ID("c") REFS("<a@x>") },
		    "(1 (2)(3))" },
		{ { ID("a"), ID("b") REFS("<a@x>"),
		    ID("c") REFS("<a@x> <b@x>"), ID("d") REFS("<a@x>") },
		    "(1 (2 3)(4))" },
		/* a dummy with two children stays, with one it goes */
		{ { REFS("<q@x>"), REFS("<q@x>") }, "((1)(2))" },
		{ { REFS("<q@x>") }, "(1)" },
		{ { REFS("<p@x> <q@x>"), REFS("<p@x>") }, "((1)(2))" },
		{ { ID("a"), REFS("<a@x> <gone@x>") }, "(1 2)" },
		/* In-Reply-To counts if References has nothing */
		{ { ID("a"), "In-Reply-To: <a@x> <b@x>\nReferences: none\n" },
		    "(1 2)" },
		{ { ID("a"), ID("b"), "In-Reply-To: <a@x>\n" REFS("<b@x>") },
		    "(1)(2 3)" },
		/* spellings of one id */
		{ { "Message-ID: <\"a\"@x>\n", REFS("< a @x>") }, "(1 2)" },
		/* an id that two have belongs to the first */
		{ { ID("a"), ID("a"), REFS("<a@x>") }, "(1 3)(2)" },
		/* loops */
		{ { ID("a") REFS("<a@x>") }, "(1)" },
		{ { ID("a") REFS("<b@x>"), ID("b") REFS("<a@x>") }, "(2 1)" },
		{ { ID("a"), REFS("<a@x> <a@x>") }, "(1 2)" },
		/* a message without references breaks what others said */
		{ { ID("c") REFS("<a@x> <b@x>"), ID("b"), ID("a") },
		    "(2 1)(3)" },
		/* its own last reference is right, not what others said */
		{ { ID("c") REFS("<a@x> <b@x>"), ID("b") REFS("<d@x>"),
		    ID("a"), ID("d") }, "(3)(4 2 1)" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		size_t n = 0;

		while (n < LEN(cases[i].mail) && cases[i].mail[n] != NULL)
			n++;
		check_thread("REFERENCES", cases[i].mail, n, cases[i].want);
	}
}

TEST(references_join_equal_subjects)
{
	static const struct {
		const char *mail[5];
		const char *want;
	} cases[] = {
		{ { SUBJECT("a"), SUBJECT("Re: a") }, "(1 2)" },
		{ { SUBJECT("Re: a"), SUBJECT("a") }, "(2 1)" },
		{ { SUBJECT("a"), SUBJECT("A") }, "((1)(2))" },
		{ { SUBJECT("a"), SUBJECT("a"), SUBJECT("a") },
		    "((1)(2)(3))" },
		{ { SUBJECT("a"), SUBJECT("re: a"), SUBJECT("[x] a") },
		    "((1 2)(3))" },
		{ { SUBJECT(""), "", SUBJECT("Re:") }, "(1)(2)(3)" },
		/* two dummies become one, a message joins it */
		{ { REFS("<p@x>") SUBJECT("a"), REFS("<p@x>") SUBJECT("a"),
		    REFS("<q@x>") SUBJECT("a"), REFS("<q@x>") SUBJECT("a"),
		    SUBJECT("a") }, "((1)(2)(3)(4)(5))" },
		/* a subject further down does not count */
		{ { ID("a") SUBJECT("x"), REFS("<a@x>") SUBJECT("b"),
		    SUBJECT("b") }, "(1 2)(3)" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		size_t n = 0;

		while (n < LEN(cases[i].mail) && cases[i].mail[n] != NULL)
			n++;
		check_thread("REFERENCES", cases[i].mail, n, cases[i].want);
	}
}

TEST(threads_are_in_the_order_of_their_dates)
{
	static const char *const mail[] = {
		ID("a") SUBJECT("a") "Date: 3 Jul 2003 00:00 +0000\n",
		ID("b") SUBJECT("b") "Date: 2 Jul 2003 00:00 +0000\n",
		REFS("<b@x>") SUBJECT("c") "Date: 9 Jul 2003 00:00 +0000\n",
		REFS("<b@x>") SUBJECT("a") "Date: 8 Jul 2003 00:00 +0000\n",
		REFS("<a@x>") SUBJECT("a") "Date: 1 Jul 2003 00:00 +0000\n",
	};

	check_thread("references", mail, LEN(mail), "(2 (4)(3))(1 5)");
	/* the newest INTERNALDATE is that of 5 */
	check_thread("REFS", mail, LEN(mail), "(2 (4)(3))(1 5)");
	check_thread("REFS", mail, LEN(mail) - 1, "(1)(2 (4)(3))");
	check_thread("ORDEREDSUBJECT", mail, LEN(mail), "(5 (1)(4))(2)(3)");
	check_thread("orderedsubject", mail, LEN(mail) - 1, "(2)(1 4)(3)");
}

TEST(unknown_algorithms_are_refused)
{
	static const char *const bad[] = { "", "REF", "REFERENCE", "(REFS)" };

	for (size_t i = 0; i < LEN(bad); i++) {
		struct parser p = parser_of(slice_str(bad[i]), &arena);
		enum thread_algorithm a;

		CHECK(thread_parse(&p, &a) == -1 && p.why != NULL, "%s",
		    bad[i]);
	}
}

/* Shapes that are slow where work or depth is not bounded. */
TEST(hostile_threads_cost_bounded_time)
{
	enum { LINE, COMB, REFERENCES, SHAPES };
	const uint32_t n = 40000;

	for (int shape = 0; shape < SHAPES; shape++) {
		struct buf out = BUF_INIT(1 << 22), text = BUF_INIT(1 << 16);
		struct buf form = BUF_INIT(ORDER_MAX);
		struct thread t;

		thread_init(&t, THREAD_REFERENCES);
		for (uint32_t i = 0; i < n; i++) {
			struct store_message msg = { .uid = i + 1 };

			buf_clear(&text);
			buf_addf(&text, ID("%u"), i);
			buf_adds(&text, "References:");
			for (uint32_t k = 0; k < 300 && shape == REFERENCES &&
			    i < 2000; k++)
				buf_addf(&text, " <%u.%u@x>", i, k);
			if (shape == COMB && i % 2 == 1)
				/* deep, and with a child already */
				buf_addf(&text, " <%u@x>\nX: ", n - 1);
			buf_addf(&text, " <%u@x> <%u@x>\n", i + 1,
			    shape == COMB ? i / 2 : i - 1);
			buf_clear(&form);
			order_make(&form, buf_slice(&text));
			msg.order = buf_slice(&form);
			thread_add(&t, &msg);
		}
		CHECK(t.n < n * (LIMIT_IMAP_THREAD_IDS + 1), "%zu", t.n);
		while (!thread_make(&t))
			;
		thread_write(&t, itself, NULL, &out);
		CHECK(buf_ok(&out) && out.n > n, "%d", shape);
		thread_release(&t);
		buf_release(&out);
		buf_release(&text);
		buf_release(&form);
	}
}

TEST(a_damaged_order_is_refused)
{
	struct slice form = order_of(S("From: a <b@x>\nSubject: Re: c\n"
	    "References: <1@x> <2@x>\nMessage-ID: <3@x>\n"));
	struct order order;

	CHECK(order_read(&order, form) == 0);
	CHECK(order.reply && !order.dated && order.n_references == 2);
	CHECK_SLICE(order.texts[ORDER_DISPLAYFROM], "A");
	CHECK_SLICE(order.texts[ORDER_SUBJECT], "C");
	for (size_t n = 0; n < form.n; n++)
		CHECK(order_read(&order, slice_head(form, n)) == -1, "%zu", n);
}

TESTS(T(criteria_decide_in_their_order), T(malformed_criteria_are_refused),
    T(sorting_goes_on_where_it_stopped),
    T(strings_are_compared_as_far_as_the_limit), T(references_make_trees),
    T(references_join_equal_subjects),
    T(threads_are_in_the_order_of_their_dates),
    T(unknown_algorithms_are_refused), T(a_damaged_order_is_refused),
    T(hostile_threads_cost_bounded_time))
