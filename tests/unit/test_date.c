#include "check.h"

#include "mail/date.h"

TEST(message_dates_parse)
{
	static const struct {
		const char *in;
		int64_t epoch;
		int zone;
	} cases[] = {
		{ "Tue, 1 Jul 2003 10:52:37 +0200", 1057049557, 120 },
		{ "1 Jul 2003 10:52 +0200", 1057049520, 120 },
		{ "Fri, 21 Nov 1997 09:55:06 -0600", 880127706, -360 },
		/* RFC 5322 A.5 and A.6.2 */
		{ "Thu,\r\n      13\r\n        Feb\r\n          1969\r\n"
			"      23:32\r\n               -0330 (Newfoundland Time)",
			-27723480, -210 },
		{ "21 Nov 97 09:55:06 GMT", 880106106, 0 },
		{ "Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", 880127706,
			-360 },
		{ "Tue, 1 Jul 2003 10:52:37 EDT", 1057071157, -240 },
		{ "Tue, 1 Jul 2003 10:52:37 Z", 1057056757, 0 },
		{ "Tue, 1 Jul 2003 10:52:37 UT", 1057056757, 0 },
		{ "Tue, 1 Jul 2003 10:52:37", 1057056757, 0 },
		{ "Tue, 1 Jul 103 10:52:37 -0000", 1057056757, 0 },
		{ "Tue 1 July 03 10:52:37 +0000", 1057056757, 0 },
		{ "1-Jul-2003 10:52:37 +0000", 1057056757, 0 },
		{ "Tue Jul  1 10:52:37 2003", 1057056757, 0 },
		{ "Tue Jul  1 10:52:37 EDT 2003", 1057071157, -240 },
		{ "31 Dec 2016 23:59:60 +0000", 1483228800, 0 },
		{ "29 Feb 2000 00:00:00 +0000", 951782400, 0 },
		{ "1 Jan 1970 00:00:00 +0000", 0, 0 },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct date d = { 0 };

		CHECK(date_parse(slice_str(cases[i].in), &d) == 0, "%s",
		    cases[i].in);
		CHECK(d.epoch == cases[i].epoch && d.zone == cases[i].zone,
		    "%s: %lld %d", cases[i].in, (long long)d.epoch, d.zone);
	}
}

TEST(what_is_no_date_is_refused)
{
	static const char *const bad[] = { "", "Tue", "Tue, ", "1 Jul",
		"1 Jul 2003", "32 Jul 2003 10:00:00", "29 Feb 2001 10:00:00",
		"1 Xyz 2003 10:00:00", "1 Jul 2003 24:00:00",
		"1 Jul 2003 10:60:00", "1 Jul 20033 10:00:00", "0 Jul 2003 1:1",
		"111 Jul 2003 10:00", "(((((", "1 Jul 2003 10", "1 Jul 3 10:00" };
	struct date d;

	for (size_t i = 0; i < LEN(bad); i++)
		CHECK(date_parse(slice_str(bad[i]), &d) == -1, "%s", bad[i]);
}

TEST(imap_dates_go_both_ways)
{
	static const char *const good[] = { "17-Jul-1996 02:44:25 -0700",
		" 1-Feb-1994 00:00:00 +0000", "31-Dec-9998 23:59:59 +1400",
		"29-Feb-2024 12:00:00 +0530" };
	static const char *const bad[] = { "", "1-Feb-1994 00:00:00 +0000",
		"17-Jul-96 02:44:25 -0700", "17-Jul-1996 2:44:25 -0700",
		"17-Jul-1996 02:44:25", "17-Jul-1996 02:44:25 0700",
		"17-Jul-1996 02:44:25 -0700 ", "17-July-1996 02:44:25 -0700",
		"31-Feb-1996 02:44:25 -0700", "17 Jul 1996 02:44:25 -0700",
		"17-Jul-1996 02:44:25 -0760" };
	struct date d;
	int64_t day;

	for (size_t i = 0; i < LEN(good); i++) {
		struct buf b = BUF_INIT(64);

		CHECK(date_parse_imap(slice_str(good[i]), &d) == 0, "%s",
		    good[i]);
		date_format_imap(&b, d.epoch, d.zone);
		CHECK_SLICE(buf_slice(&b), good[i]);
		buf_release(&b);
	}
	for (size_t i = 0; i < LEN(bad); i++)
		CHECK(date_parse_imap(slice_str(bad[i]), &d) == -1, "%s",
		    bad[i]);
	CHECK(date_parse_imap_day(S("1-Feb-1994"), &day) == 0 && day == 8797);
	CHECK(date_parse_imap_day(S("\"01-feb-1994\""), &day) == 0 &&
	    day == 8797);
	CHECK(date_parse_imap_day(S("31-Dec-1969"), &day) == 0 && day == -1);
	CHECK(date_parse_imap_day(S("1-Feb-94"), &day) == -1);
	CHECK(date_parse_imap_day(S("1-Feb-1994 "), &day) == -1);
	CHECK(date_parse_imap_day(S("\""), &day) == -1);
}

TEST(dates_format_in_any_zone)
{
	struct buf b = BUF_INIT(200);
	struct date d = { .epoch = 1057049557, .zone = 120 };

	date_format(&b, 1057049557, 120);
	CHECK_SLICE(buf_slice(&b), "Tue, 1 Jul 2003 10:52:37 +0200");
	buf_clear(&b);
	date_format(&b, -27723480, -210);
	CHECK_SLICE(buf_slice(&b), "Thu, 13 Feb 1969 23:32:00 -0330");
	buf_clear(&b);
	date_format(&b, INT64_MAX, 0);
	CHECK_SLICE(buf_slice(&b), "Thu, 1 Jan 1970 00:00:00 +0000");
	/* The day where it was written, not in UTC. */
	CHECK(date_day(&d) == 12234);
	d = (struct date){ .epoch = -1, .zone = 0 };
	CHECK(date_day(&d) == -1);
	setenv("TZ", "XXX-05:30", 1);
	tzset();
	buf_clear(&b);
	date_format(&b, 0, DATE_LOCAL);
	CHECK_SLICE(buf_slice(&b), "Thu, 1 Jan 1970 05:30:00 +0530");
	CHECK(date_local_zone(0) == 330);
	buf_release(&b);
}

TESTS(T(message_dates_parse), T(what_is_no_date_is_refused),
    T(imap_dates_go_both_ways), T(dates_format_in_any_zone))
