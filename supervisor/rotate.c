#include "supervisor/rotate.h"

#include <sys/stat.h>

#include <limits.h>

#include "core/num.h"

#define DAY 86400
#define THURSDAY 3 /* day 0 of the epoch, counted from Monday */

long
rotate_period(enum conf_interval interval, const struct tm *local)
{
	struct tm day = { .tm_year = local->tm_year, .tm_mon = local->tm_mon,
		.tm_mday = local->tm_mday };
	long number = (long)(timegm(&day) / DAY);

	switch (interval) {
	case CONF_INTERVAL_DAILY:
		return number;
	case CONF_INTERVAL_WEEKLY:
		return (number + THURSDAY) / 7;
	case CONF_INTERVAL_MONTHLY:
		break;
	}
	return local->tm_year * 12L + local->tm_mon;
}

/* "2026-01-31T": the lines of ours, and docker-mailserver's. */
static int
parse_date(struct slice line, struct tm *out)
{
	static const char separators[] = { '-', '-', 'T' };
	uint64_t n[3];

	for (size_t i = 0; i < LEN(n); i++) {
		if (num_take(&line, 9999, &n[i]) == -1 || line.n == 0 ||
		    line.p[0] != separators[i])
			return -1;
		line = slice_from(line, 1);
	}
	if (n[0] < 1970 || n[1] < 1 || n[1] > 12 || n[2] < 1 || n[2] > 31)
		return -1;
	*out = (struct tm){ .tm_year = (int)n[0] - 1900,
		.tm_mon = (int)n[1] - 1, .tm_mday = (int)n[2] };
	return 0;
}

long
rotate_period_of(int fd, enum conf_interval interval)
{
	time_t when = time(NULL);
	char text[16];
	ssize_t n = pread(fd, text, sizeof(text), 0);
	struct stat st;
	struct tm tm;

	if (n > 0 && parse_date(slice_of(text, (size_t)n), &tm) == 0)
		return rotate_period(interval, &tm);
	if (n > 0 && fstat(fd, &st) == 0)
		when = st.st_mtime;
	localtime_r(&when, &tm);
	return rotate_period(interval, &tm);
}

static void
name_of(char name[PATH_MAX], const char *path, unsigned number,
    const char *suffix)
{
	snprintf(name, PATH_MAX, "%s.%u%s", path, number, suffix);
}

static void
shift(const char *path, unsigned keep, const char *suffix)
{
	char from[PATH_MAX], to[PATH_MAX];

	/* More than one when fewer are to be kept than before; a gap ends what
	 * is taken for ours. */
	for (unsigned i = keep > 0 ? keep : 1;; i++) {
		name_of(from, path, i, suffix);
		if (unlink(from) == -1)
			break;
	}
	for (unsigned i = keep; i > 1; i--) {
		name_of(from, path, i - 1, suffix);
		name_of(to, path, i, suffix);
		(void)rename(from, to);
	}
}

int
rotate_files(const char *path, unsigned keep)
{
	char first[PATH_MAX];

	if (access(path, F_OK) == -1)
		return -1;
	shift(path, keep, "");
	shift(path, keep, ".gz");
	if (keep == 0)
		return unlink(path);
	name_of(first, path, 1, "");
	return rename(path, first);
}
