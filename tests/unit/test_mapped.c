/* Files in memory that change while they are read. */
#include "core/mapped.h"

#include "check.h"

static int
make_file(size_t n)
{
	char name[] = "/tmp/pillarbox-mapped-XXXXXX";
	int fd = mkstemp(name);
	char page[4096];

	assert_int_not_equal(fd, -1);
	unlink(name);
	memset(page, 'x', sizeof(page));
	for (; n > 0; n -= sizeof(page))
		assert_int_equal(write(fd, page, sizeof(page)), sizeof(page));
	return fd;
}

TEST(whole_file_reads_as_it_is)
{
	int fd = make_file(8192);
	struct mapped m;

	assert_int_equal(mapped_open(&m, fd, 8192), 0);
	close(fd);
	assert_int_equal(m.text.n, 8192);
	assert_int_equal(m.text.p[8191], 'x');
	assert_true(mapped_close(&m));
	assert_true(mapped_close(&m));
}

TEST(small_file_that_lost_its_end_is_filled_with_zeros)
{
	int fd = make_file(4096);
	struct mapped m;

	assert_int_equal(mapped_open(&m, fd, 8192), 0);
	close(fd);
	assert_int_equal(m.text.n, 8192);
	assert_int_equal(m.text.p[4095], 'x');
	assert_int_equal(m.text.p[4096], '\0');
	assert_false(mapped_close(&m));
	assert_true(mapped_close(&m));
	errno = 0;
	assert_int_equal(mapped_open(&m, -1, 1), -1);
	assert_int_equal(errno, EBADF);
}

TEST(empty_file_is_an_empty_slice)
{
	struct mapped m;

	assert_int_equal(mapped_open(&m, -1, 0), 0);
	assert_int_equal(m.text.n, 0);
	assert_true(mapped_close(&m));
}

TEST(what_is_gone_reads_as_zeros)
{
	int fd = make_file(64 * 4096), whole = make_file(4096);
	struct mapped m, other;
	size_t zeros = 0;

	assert_int_equal(mapped_open(&other, whole, 4096), 0);
	assert_int_equal(mapped_open(&m, fd, 64 * 4096), 0);
	assert_int_equal(ftruncate(fd, 4096), 0);
	for (size_t i = 0; i < m.text.n; i++)
		zeros += m.text.p[i] == '\0';
	assert_int_equal(zeros, 63 * 4096);
	assert_false(mapped_close(&m));
	assert_int_equal(mapped_open(&m, fd, 4096), 0);
	assert_true(mapped_close(&m));
	assert_true(mapped_close(&other));
	close(fd);
	close(whole);
}

/* The first is the one with the signal: cmocka has its own handler in each
 * test, and ours comes with the first file. */
TESTS(T(what_is_gone_reads_as_zeros), T(whole_file_reads_as_it_is),
    T(small_file_that_lost_its_end_is_filled_with_zeros),
    T(empty_file_is_an_empty_slice))
