// part: setup
#include "check.h"

#include "core/file.h"
#include "setup/docs.h"
#include "setup/usage.h"

static void
compare(const char *path, void (*make)(struct buf *))
{
	struct buf want = BUF_INIT(1 << 20), got = BUF_INIT(1 << 20);

	make(&want);
	CHECK(file_read(path, &got) == 0, "%s", path);
	CHECK(slice_eq(buf_slice(&want), buf_slice(&got)),
	    "%s: make it again with 'setup config docs'", path);
	buf_release(&want);
	buf_release(&got);
}

TEST(pages_equal_the_table_of_settings)
{
	compare("docs/settings.md", docs_settings);
	compare("mailserver.env", docs_env);
}

TEST(usage_is_written_like_numfmt)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} t[] = {
		{ 0, "0" }, { 999, "999" }, { 1023, "1023" }, { 1024, "1.0K" },
		{ 1025, "1.1K" }, { 1536, "1.5K" }, { 10188, "10K" },
		{ 10240, "10K" }, { 10241, "11K" }, { 4 << 20, "4.0M" },
		{ 50 << 20, "50M" }, { 1023 * 1024, "1023K" },
		{ 1023 * 1024 + 1, "1.0M" }, { 1181116006, "1.1G" },
		{ UINT64_MAX, "1.0E" },
	};

	for (size_t i = 0; i < LEN(t); i++) {
		struct buf b = BUF_INIT(30);

		usage_format(t[i].bytes, &b);
		CHECK_SLICE(buf_slice(&b), t[i].text);
		buf_release(&b);
	}
}

TESTS(T(pages_equal_the_table_of_settings), T(usage_is_written_like_numfmt))
