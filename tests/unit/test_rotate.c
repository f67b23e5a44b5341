// part: supervisor
#include "check.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <limits.h>

#include "core/file.h"
#include "supervisor/rotate.h"

static long
period(enum conf_interval interval, int year, int month, int day)
{
	struct tm tm = { .tm_year = year - 1900, .tm_mon = month - 1,
		.tm_mday = day, .tm_hour = 23 };

	return rotate_period(interval, &tm);
}

TEST(a_period_is_a_day_a_week_from_monday_or_a_month)
{
	CHECK(period(CONF_INTERVAL_DAILY, 2026, 2, 28) + 1 ==
	    period(CONF_INTERVAL_DAILY, 2026, 3, 1));
	/* 2026-03-01 is a Sunday. */
	CHECK(period(CONF_INTERVAL_WEEKLY, 2026, 2, 23) ==
	    period(CONF_INTERVAL_WEEKLY, 2026, 3, 1));
	CHECK(period(CONF_INTERVAL_WEEKLY, 2026, 3, 1) + 1 ==
	    period(CONF_INTERVAL_WEEKLY, 2026, 3, 2));
	CHECK(period(CONF_INTERVAL_WEEKLY, 2026, 12, 31) ==
	    period(CONF_INTERVAL_WEEKLY, 2027, 1, 1));
	CHECK(period(CONF_INTERVAL_MONTHLY, 2026, 3, 1) ==
	    period(CONF_INTERVAL_MONTHLY, 2026, 3, 31));
	CHECK(period(CONF_INTERVAL_MONTHLY, 2026, 12, 31) + 1 ==
	    period(CONF_INTERVAL_MONTHLY, 2027, 1, 1));
}

TEST(a_log_belongs_to_the_date_of_its_first_line)
{
	static const struct {
		const char *text;
		int year, month, day; /* 0: that of its last change */
	} t[] = {
		{ "2026-01-31T12:00:00.123456+00:00 mail smtp-mx[12]: x\n",
		  2026, 1, 31 },
		{ "1999-12-01T", 1999, 12, 1 },
		{ "2026-13-31T12:00:00 mail\n", 0, 0, 0 },
		{ "2026-01-31 12:00:00 mail\n", 0, 0, 0 },
		{ "2026-01-", 0, 0, 0 },
		{ "Jan 31 12:00:00 mail postfix\n", 0, 0, 0 },
		{ "99999-01-31T", 0, 0, 0 },
	};
	struct timespec times[2] = { { .tv_sec = 86400 * 1000L },
		{ .tv_sec = 86400 * 1000L } };
	time_t now = time(NULL);
	struct tm tm, changed;
	char path[] = "/tmp/test_rotate_XXXXXX";
	int fd = mkstemp(path);

	CHECK(fd != -1);
	localtime_r(&now, &tm);
	CHECK(rotate_period_of(fd, CONF_INTERVAL_DAILY) ==
	    rotate_period(CONF_INTERVAL_DAILY, &tm));
	localtime_r(&times[1].tv_sec, &changed);
	for (size_t i = 0; i < LEN(t); i++) {
		long want = t[i].year != 0 ? period(CONF_INTERVAL_DAILY,
		    t[i].year, t[i].month, t[i].day) :
		    rotate_period(CONF_INTERVAL_DAILY, &changed);

		CHECK(ftruncate(fd, 0) == 0 && pwrite(fd, t[i].text,
		    strlen(t[i].text), 0) == (ssize_t)strlen(t[i].text));
		CHECK(futimens(fd, times) == 0);
		CHECK(rotate_period_of(fd, CONF_INTERVAL_DAILY) == want, "%s",
		    t[i].text);
	}
	close(fd);
	unlink(path);
}

static void
put(const char *dir, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	CHECK(file_replace(path, slice_str(name), 0600) == 0);
}

/* The name that a file had when it was made; "" if it is not there. */
static const char *
was(const char *dir, const char *name)
{
	static char text[100];
	struct buf b = BUF_INIT(sizeof(text) - 1);
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (file_read(path, &b) == -1)
		buf_clear(&b);
	snprintf(text, sizeof(text), "%s", buf_str(&b));
	buf_release(&b);
	return text;
}

TEST(files_move_up_and_the_oldest_go)
{
	static const char *const names[] = { "log", "log.1", "log.2", "log.3",
		"log.2.gz", "log.3.gz", "log.4.gz", "log.9", "log.x" };
	char dir[] = "/tmp/test_rotate_XXXXXX", path[100];

	CHECK(mkdtemp(dir) != NULL);
	for (size_t i = 0; i < LEN(names); i++)
		put(dir, names[i]);
	snprintf(path, sizeof(path), "%s/log", dir);
	CHECK(rotate_files(path, 3) == 0);
	CHECK(strcmp(was(dir, "log"), "") == 0);
	CHECK(strcmp(was(dir, "log.1"), "log") == 0);
	CHECK(strcmp(was(dir, "log.2"), "log.1") == 0);
	CHECK(strcmp(was(dir, "log.3"), "log.2") == 0);
	CHECK(strcmp(was(dir, "log.4"), "") == 0);
	CHECK(strcmp(was(dir, "log.3.gz"), "log.2.gz") == 0);
	CHECK(strcmp(was(dir, "log.4.gz"), "") == 0);
	CHECK(strcmp(was(dir, "log.9"), "log.9") == 0);
	CHECK(strcmp(was(dir, "log.x"), "log.x") == 0);
	CHECK(rotate_files(path, 3) == -1 && errno == ENOENT);
	put(dir, "log");
	CHECK(rotate_files(path, 0) == 0);
	CHECK(strcmp(was(dir, "log"), "") == 0);
	CHECK(strcmp(was(dir, "log.1"), "") == 0);
	CHECK(strcmp(was(dir, "log.3"), "") == 0);
	CHECK(file_remove_tree(dir) == 0);
}

TESTS(T(a_period_is_a_day_a_week_from_monday_or_a_month),
    T(a_log_belongs_to_the_date_of_its_first_line),
    T(files_move_up_and_the_oldest_go))
