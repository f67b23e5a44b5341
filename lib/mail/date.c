/* Dates: RFC 5322 3.3 and 4.3, RFC 3501 section 9. See date.h. */
#include "mail/date.h"

#include "mail/lex.h"

static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
static const char days[7][4] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue",
	"Wed" }; /* 1970-01-01 was a Thursday */

/* RFC 5322 4.3; military letters and unknown names count as -0000. */
static const struct {
	char name[5];
	short minutes;
} zones[] = {
	{ "EST", -300 }, { "EDT", -240 }, { "CST", -360 }, { "CDT", -300 },
	{ "MST", -420 }, { "MDT", -360 }, { "PST", -480 }, { "PDT", -420 },
	{ "CET", 60 }, { "MET", 60 }, { "CEST", 120 }, { "MEST", 120 },
	{ "BST", 60 }, { "JST", 540 },
};

/* Days since the epoch of a date of the Gregorian calendar, year >= 1. */
static int64_t
day_number(int64_t year, int month, int day)
{
	static const short before[12] = { 0, 31, 59, 90, 120, 151, 181, 212,
		243, 273, 304, 334 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	int64_t y = year - 1;

	return y * 365 + y / 4 - y / 100 + y / 400 - 719162 + before[month] +
	    (leap && month > 1) + day - 1;
}

static int
month_days(int64_t year, int month)
{
	return (int)(day_number(month == 11 ? year + 1 : year,
	    (month + 1) % 12, 1) - day_number(year, month, 1));
}

static int
month_find(struct slice name)
{
	if (name.n < 3)
		return -1;
	for (int i = 0; i < 12; i++)
		if (slice_ieq(slice_head(name, 3), slice_str(months[i])))
			return i;
	return -1;
}

struct fields {
	int64_t year;
	int month; /* 0 to 11 */
	int day;
	int hour;
	int minute;
	int second;
	int zone;
};

static int
fields_epoch(const struct fields *f, int64_t *epoch)
{
	if (f->year < 1 || f->year > 9999 || f->month < 0 || f->day < 1 ||
	    f->day > month_days(f->year, f->month) || f->hour > 23 ||
	    f->minute > 59 || f->second > 60)
		return -1;
	*epoch = day_number(f->year, f->month, f->day) * 86400 +
	    f->hour * 3600 + f->minute * 60 + f->second - f->zone * 60;
	return 0;
}

/* Digits up to most; how many there were, 0 for none or too many. */
static size_t
take_digits(struct slice *s, size_t most, int *out)
{
	size_t n = 0;

	*out = 0;
	while (n < s->n && n <= most && ascii_is_digit(s->p[n])) {
		*out = *out * 10 + (s->p[n] - '0');
		n++;
	}
	if (n > most)
		return 0;
	*s = slice_from(*s, n);
	return n;
}

static struct slice
take_letters(struct slice *s)
{
	struct slice word;
	size_t n = 0;

	while (n < s->n && ascii_is_alpha(s->p[n]))
		n++;
	word = slice_head(*s, n);
	*s = slice_from(*s, n);
	return word;
}

static bool
take_one(struct slice *s, char c)
{
	if (s->n == 0 || s->p[0] != c)
		return false;
	*s = slice_from(*s, 1);
	return true;
}

/* Sign and four digits. */
static int
take_offset(struct slice *s, int *zone)
{
	bool minus = s->n > 0 && s->p[0] == '-';
	int v;

	*s = slice_from(*s, 1);
	if (take_digits(s, 4, &v) != 4 || v % 100 > 59)
		return -1;
	*zone = v / 100 * 60 + v % 100;
	if (minus)
		*zone = -*zone;
	return 0;
}

static int
take_zone(struct slice *s)
{
	struct slice name;
	int zone = 0;

	lex_skip_cfws(s);
	if (s->n > 0 && (s->p[0] == '+' || s->p[0] == '-'))
		return take_offset(s, &zone) == 0 ? zone : 0;
	name = take_letters(s);
	for (size_t i = 0; i < LEN(zones); i++)
		if (slice_ieq(name, slice_str(zones[i].name)))
			return zones[i].minutes;
	return 0;
}

/* hour ":" minute [":" second], blanks and comments between (4.3). */
static int
take_time(struct slice *s, struct fields *f)
{
	lex_skip_cfws(s);
	if (take_digits(s, 2, &f->hour) == 0)
		return -1;
	lex_skip_cfws(s);
	if (!take_one(s, ':') && !take_one(s, '.'))
		return -1;
	lex_skip_cfws(s);
	if (take_digits(s, 2, &f->minute) == 0)
		return -1;
	lex_skip_cfws(s);
	if (take_one(s, ':') || take_one(s, '.')) {
		lex_skip_cfws(s);
		if (take_digits(s, 2, &f->second) == 0)
			return -1;
	}
	return 0;
}

/* RFC 5322 4.3: 00-49 are 20xx, 50-99 and three digits are 1900 and on. */
static int
take_year(struct slice *s, int64_t *year)
{
	int v;
	size_t n;

	lex_skip_cfws(s);
	n = take_digits(s, 4, &v);
	if (n < 2)
		return -1;
	*year = v;
	if (n == 2)
		*year += v < 50 ? 2000 : 1900;
	else if (n == 3)
		*year += 1900;
	return 0;
}

/* "Tue Jul  1 10:52:37 2003", as ctime and old mailers write it. */
static int
parse_ctime(struct slice s, struct fields *f)
{
	lex_skip_cfws(&s);
	if (take_digits(&s, 2, &f->day) == 0 || take_time(&s, f) == -1)
		return -1;
	lex_skip_cfws(&s);
	if (s.n > 0 && !ascii_is_digit(s.p[0]))
		f->zone = take_zone(&s);
	return take_year(&s, &f->year);
}

int
date_parse(struct slice text, struct date *out)
{
	struct fields f = { .month = -1 };
	struct slice s = text;

	lex_skip_cfws(&s);
	if (s.n > 0 && ascii_is_alpha(s.p[0])) {
		take_letters(&s);
		lex_skip_cfws(&s);
		take_one(&s, ',');
		lex_skip_cfws(&s);
	}
	if (s.n > 0 && ascii_is_alpha(s.p[0])) {
		f.month = month_find(take_letters(&s));
		if (f.month < 0 || parse_ctime(s, &f) == -1)
			return -1;
	} else {
		if (take_digits(&s, 2, &f.day) == 0)
			return -1;
		lex_skip_cfws(&s);
		take_one(&s, '-');
		lex_skip_cfws(&s);
		f.month = month_find(take_letters(&s));
		lex_skip_cfws(&s);
		take_one(&s, '-');
		if (take_year(&s, &f.year) == -1 || take_time(&s, &f) == -1)
			return -1;
		f.zone = take_zone(&s);
	}
	out->zone = f.zone;
	return fields_epoch(&f, &out->epoch);
}

int
date_local_zone(int64_t epoch)
{
	time_t t = (time_t)epoch;
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL)
		return 0;
	return (int)(tm.tm_gmtoff / 60);
}

/* The fields of a time in a zone; years outside 1 to 9999 become the epoch. */
static struct tm
broken_down(int64_t epoch, int *zone)
{
	struct tm tm = { 0 };
	time_t t;

	if (epoch < -62135510400 || epoch > 253402214400)
		epoch = 0;
	if (*zone == DATE_LOCAL)
		*zone = date_local_zone(epoch);
	if (*zone <= -24 * 60 || *zone >= 24 * 60)
		*zone = 0;
	t = (time_t)(epoch + *zone * 60);
	gmtime_r(&t, &tm);
	return tm;
}

void
date_format(struct buf *out, int64_t epoch, int zone)
{
	struct tm tm = broken_down(epoch, &zone);
	int minutes = abs(zone);

	buf_addf(out, "%s, %d %s %04d %02d:%02d:%02d %c%02d%02d",
	    days[(tm.tm_wday + 3) % 7], tm.tm_mday, months[tm.tm_mon],
	    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    zone < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

void
date_format_imap(struct buf *out, int64_t epoch, int zone)
{
	struct tm tm = broken_down(epoch, &zone);
	int minutes = abs(zone);

	buf_addf(out, "%2d-%s-%04d %02d:%02d:%02d %c%02d%02d", tm.tm_mday,
	    months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
	    tm.tm_sec, zone < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

/* "-" month "-" year, after the day. */
static int
take_imap_month(struct slice *s, struct fields *f)
{
	struct slice name;
	int year;

	if (!take_one(s, '-'))
		return -1;
	name = take_letters(s);
	f->month = name.n == 3 ? month_find(name) : -1;
	if (f->month < 0 || !take_one(s, '-') ||
	    take_digits(s, 4, &year) != 4)
		return -1;
	f->year = year;
	return 0;
}

int
date_parse_imap(struct slice text, struct date *out)
{
	struct fields f = { 0 };
	struct slice s = text;
	size_t want = 2;

	/* date-day-fixed: " 1" or "17" */
	if (take_one(&s, ' '))
		want = 1;
	if (take_digits(&s, 2, &f.day) != want ||
	    take_imap_month(&s, &f) == -1 || !take_one(&s, ' ') ||
	    take_digits(&s, 2, &f.hour) != 2 || !take_one(&s, ':') ||
	    take_digits(&s, 2, &f.minute) != 2 || !take_one(&s, ':') ||
	    take_digits(&s, 2, &f.second) != 2 || !take_one(&s, ' ') ||
	    s.n == 0 || (s.p[0] != '+' && s.p[0] != '-') ||
	    take_offset(&s, &f.zone) == -1 || s.n > 0)
		return -1;
	out->zone = f.zone;
	return fields_epoch(&f, &out->epoch);
}

int
date_parse_imap_day(struct slice text, int64_t *day)
{
	struct fields f = { 0 };
	struct slice s = text;
	int64_t epoch;

	if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
		s = slice_of(s.p + 1, s.n - 2);
	if (take_digits(&s, 2, &f.day) == 0 || take_imap_month(&s, &f) == -1 ||
	    s.n > 0 || fields_epoch(&f, &epoch) == -1)
		return -1;
	*day = epoch / 86400 - (epoch % 86400 < 0);
	return 0;
}

int64_t
date_day(const struct date *d)
{
	int64_t local = d->epoch + d->zone * 60;

	return local / 86400 - (local % 86400 < 0);
}
