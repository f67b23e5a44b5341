#include "check.h"

#include "core/arena.h"
#include "core/base64.h"
#include "core/buf.h"
#include "core/file.h"
#include "core/map.h"
#include "core/num.h"
#include "core/rand.h"

TEST(buf_refuses_more_than_its_maximum_and_stays_failed)
{
	struct buf b = BUF_INIT(5);

	buf_adds(&b, "hello");
	CHECK(buf_ok(&b));
	buf_addc(&b, '!');
	CHECK(!buf_ok(&b));
	buf_truncate(&b, 0);
	buf_addc(&b, 'x');
	CHECK(b.n == 0, "n=%zu", b.n);
	buf_clear(&b);
	buf_addf(&b, "%d", 12345);
	CHECK_SLICE(buf_slice(&b), "12345");
	buf_release(&b);
}

TEST(num_takes_the_whole_slice_or_nothing)
{
	static const char *const bad[] = { "", "-1", "+1", " 1", "1 ", "1a",
		"18446744073709551616", "99999999999999999999999" };
	uint64_t v;

	for (size_t i = 0; i < LEN(bad); i++)
		CHECK(num_u64(slice_str(bad[i]), UINT64_MAX, &v) == -1, "%s",
		    bad[i]);
	CHECK(num_u64(S("18446744073709551615"), UINT64_MAX, &v) == 0 &&
	    v == UINT64_MAX);
	CHECK(num_u64(S("11"), 10, &v) == -1);
}

TEST(base64_round_trips_every_length)
{
	char raw[64];

	rand_bytes(raw, sizeof(raw));
	for (size_t n = 0; n <= sizeof(raw); n++) {
		struct buf e = BUF_INIT(200), d = BUF_INIT(200);

		base64_encode(&e, slice_of(raw, n));
		CHECK(base64_decode(&d, buf_slice(&e)) == 0);
		CHECK(slice_eq(buf_slice(&d), slice_of(raw, n)));
		buf_release(&e);
		buf_release(&d);
	}
}

TEST(base64_refuses_malformed_input)
{
	static const char *const bad[] = { "A", "AA=", "AAAA=", "A===", "=AAA",
		"AA==AA==", "AA A", "AA*A" };

	for (size_t i = 0; i < LEN(bad); i++) {
		struct buf d = BUF_INIT(200);

		CHECK(base64_decode(&d, slice_str(bad[i])) == -1, "%s", bad[i]);
		buf_release(&d);
	}
}

TEST(utf8_refuses_overlong_and_surrogates)
{
	CHECK(slice_is_utf8(S("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x93\xae")));
	CHECK(!slice_is_utf8(S("\xc0\xaf")));
	CHECK(!slice_is_utf8(S("\xe0\x80\xaf")));
	CHECK(!slice_is_utf8(S("\xed\xa0\x80")));
	CHECK(!slice_is_utf8(S("\xf4\x90\x80\x80")));
	CHECK(!slice_is_utf8(S("\xe2\x82")));
}

TEST(map_finds_what_was_put_and_forgets_what_was_removed)
{
	static int values[1000];
	struct map m;
	struct idmap ids;
	char key[16];

	map_init(&m);
	idmap_init(&ids);
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		CHECK(map_put(&m, slice_str(key), &values[i]) == NULL);
		idmap_put(&ids, (uint64_t)i * 7, &values[i]);
	}
	for (int i = 0; i < 1000; i += 2) {
		snprintf(key, sizeof(key), "k%d", i);
		CHECK(map_remove(&m, slice_str(key)) == &values[i]);
		CHECK(idmap_remove(&ids, (uint64_t)i * 7) == &values[i]);
	}
	for (int i = 0; i < 1000; i++) {
		void *want = i % 2 ? &values[i] : NULL;

		snprintf(key, sizeof(key), "k%d", i);
		CHECK(map_get(&m, slice_str(key)) == want, "%d", i);
		CHECK(idmap_get(&ids, (uint64_t)i * 7) == want, "%d", i);
	}
	map_release(&m, NULL);
	idmap_release(&ids);
}

TEST(slice_split_visits_every_item)
{
	struct slice rest = S("a,,b"), item;
	const char *const want[] = { "a", "", "b" };
	size_t i = 0;

	while (slice_split(&rest, ',', &item)) {
		CHECK(i < LEN(want));
		CHECK_SLICE(item, want[i]);
		i++;
	}
	CHECK(i == LEN(want));
}

TEST(file_replace_keeps_mode_and_content)
{
	char dir[] = "/tmp/pbtest.XXXXXX", path[64];
	struct buf b = BUF_INIT(100);

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/f", dir);
	assert_int_equal(file_replace(path, S("one"), 0600), 0);
	assert_int_equal(file_replace(path, S("two"), 0644), 0);
	assert_int_equal(file_read(path, &b), 0);
	CHECK_SLICE(buf_slice(&b), "two");
	buf_release(&b);
	assert_int_equal(file_remove_tree(dir), 0);
	CHECK(!file_exists(dir));
}

TESTS(T(buf_refuses_more_than_its_maximum_and_stays_failed),
    T(num_takes_the_whole_slice_or_nothing), T(base64_round_trips_every_length),
    T(base64_refuses_malformed_input), T(utf8_refuses_overlong_and_surrogates),
    T(map_finds_what_was_put_and_forgets_what_was_removed),
    T(slice_split_visits_every_item), T(file_replace_keeps_mode_and_content))
