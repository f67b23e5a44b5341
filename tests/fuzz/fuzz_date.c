/* Dates: what parses, formats, and parses back to the same time. */
#include "mail/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice in = slice_of(p, n);
	struct buf b = BUF_INIT(256);
	struct date d, again;
	int64_t day;

	if (date_parse(in, &d) == 0 && d.epoch > -62000000000 &&
	    d.epoch < 253000000000 && abs(d.zone) < 24 * 60) {
		date_format(&b, d.epoch, d.zone);
		assert(date_parse(buf_slice(&b), &again) == 0);
		assert(again.epoch == d.epoch && again.zone == d.zone);
	}
	buf_clear(&b);
	if (date_parse_imap(in, &d) == 0 && d.epoch > -62000000000 &&
	    d.epoch < 253000000000 && abs(d.zone) < 24 * 60) {
		date_format_imap(&b, d.epoch, d.zone);
		assert(date_parse_imap(buf_slice(&b), &again) == 0);
		assert(again.epoch == d.epoch && again.zone == d.zone);
	}
	if (date_parse_imap_day(in, &day) == 0)
		date_format(&b, day * 86400, 0);
	buf_release(&b);
	return 0;
}
