#include "check.h"

#include "core/buf.h"
#include "mail/header.h"

TEST(fields_come_with_offsets_and_folding)
{
	struct slice msg = S("From: a\r\nSubject : one\r\n two\nbroken line\r\n"
	    "X-Empty:\r\n\r\nBody: no\r\n");
	struct header_iter it = header_begin(msg);
	struct header_field f;
	struct buf b = BUF_INIT(100);

	CHECK(header_next(&it, &f));
	CHECK_SLICE(f.name, "From");
	CHECK_SLICE(f.value, " a");
	CHECK(f.start == 0 && f.end == 9);
	CHECK(header_next(&it, &f));
	CHECK_SLICE(f.name, "Subject");
	CHECK_SLICE(f.value, " one\r\n two");
	header_unfold(&b, f.value);
	CHECK_SLICE(buf_slice(&b), "one two");
	CHECK(header_next(&it, &f));
	CHECK(f.name.n == 0);
	CHECK_SLICE(f.value, "broken line");
	CHECK(header_next(&it, &f));
	CHECK_SLICE(f.name, "X-Empty");
	CHECK(f.value.n == 0);
	CHECK(!header_next(&it, &f));
	CHECK_SLICE(slice_from(msg, header_size(msg)), "Body: no\r\n");
	buf_release(&b);
}

TEST(nth_field_is_found_by_name_in_any_case)
{
	struct slice msg = S("To: a\nTO: b\nto: c\n\nto: d\n"), value;
	struct header_field f;

	CHECK(header_find(msg, S("tO"), &value));
	CHECK_SLICE(value, "a");
	CHECK(header_find_nth(msg, S("to"), 2, &f));
	CHECK_SLICE(f.value, " c");
	CHECK(!header_find_nth(msg, S("to"), 3, &f));
	CHECK(!header_find(msg, S("t"), &value));
}

TEST(header_without_body_and_body_without_header)
{
	struct header_field f;
	struct header_iter it;

	CHECK(header_size(S("")) == 0);
	CHECK(header_size(S("A: b")) == 4);
	CHECK(header_size(S("\r\nx")) == 2);
	CHECK(header_size(S("\nx")) == 1);
	it = header_begin(S("\nA: b\n"));
	CHECK(!header_next(&it, &f));
	it = header_begin(S("A: b"));
	CHECK(header_next(&it, &f));
	CHECK_SLICE(f.value, " b");
}

TEST(selection_keeps_folding_and_gives_crlf)
{
	struct slice msg = S("A: 1\n 2\nB: 3\nA: 4\n\nx"), name = S("a");
	struct buf b = BUF_INIT(100);

	header_select(&b, msg, &name, 1, false);
	CHECK_SLICE(buf_slice(&b), "A: 1\r\n 2\r\nA: 4\r\n\r\n");
	buf_clear(&b);
	header_select(&b, msg, &name, 1, true);
	CHECK_SLICE(buf_slice(&b), "B: 3\r\n\r\n");
	buf_clear(&b);
	header_select(&b, S("From x\nA: 1\nno field\n\n"), &name, 1, true);
	CHECK_SLICE(buf_slice(&b), "From x\r\nno field\r\n\r\n");
	/* RFC 9051 6.4.5: where there is no empty line, none is added. */
	buf_clear(&b);
	header_select(&b, S("A: 1\nB: 2"), &name, 1, false);
	CHECK_SLICE(buf_slice(&b), "A: 1\r\n");
	buf_release(&b);
}

TEST(written_value_cannot_start_a_new_field)
{
	struct buf b = BUF_INIT(10000);
	struct header_iter it;
	struct header_field f;
	struct slice line, rest;
	char word[3000];

	header_write(&b, "X", S("a\r\nBcc: b\x01"));
	CHECK_SLICE(buf_slice(&b), "X: a  Bcc: b \r\n");
	buf_clear(&b);
	memset(word, 'w', sizeof(word));
	header_write(&b, "X", slice_of(word, sizeof(word)));
	rest = buf_slice(&b);
	while (slice_line(&rest, &line))
		CHECK(line.n < 998, "%zu", line.n);
	it = header_begin(buf_slice(&b));
	CHECK(header_next(&it, &f) && !header_next(&it, &f));
	buf_release(&b);
}

TEST(huge_line_is_looked_at_up_to_the_cap)
{
	size_t n = 1 << 20;
	char *p = mem_alloc(n);
	struct header_iter it;
	struct header_field f;
	struct slice value;

	memset(p, 'x', n);
	memcpy(p, "Subject: ", 9);
	CHECK(header_find(slice_of(p, n), S("Subject"), &value));
	CHECK(header_size(slice_of(p, n)) == n);
	memset(p, '\n', n);
	CHECK(header_size(slice_of(p, n)) == 1);
	for (size_t i = 0; i + 3 < n; i += 3)
		memcpy(p + i, "a:\n", 3);
	it = header_begin(slice_of(p, n));
	for (n = 0; header_next(&it, &f);)
		n++;
	CHECK(n == 2000, "%zu", n);
	mem_free(p);
}

TESTS(T(fields_come_with_offsets_and_folding),
    T(nth_field_is_found_by_name_in_any_case),
    T(header_without_body_and_body_without_header),
    T(selection_keeps_folding_and_gives_crlf),
    T(written_value_cannot_start_a_new_field),
    T(huge_line_is_looked_at_up_to_the_cap))
