/* The frame that dkim sends to reports about a message (wire/reports.h): what
 * is taken is written the same again, and whatever strangers had in it, the
 * report that is made of it is one that can be read. */
// part: services/reports
#include "services/reports/feedback.h"
#include "services/reports/letter.h"
#include "services/reports/notes.h"
#include "wire/reports.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int
on_row(void *arg, const struct feedback_head *head UNUSED,
    const struct feedback_row *row)
{
	*(uint64_t *)arg += row->count;
	return 0;
}

static void
write_again(const struct wire_reports_note *note, struct slice payload)
{
	struct buf b = WIRE_BUF;

	wire_reports_note_put(&b, note);
	assert(slice_eq(buf_slice(&b), payload));
	buf_release(&b);
}

static void
make_report(const struct wire_reports_note *note)
{
	struct letter l = { .host = S("mail.example.test"),
		.from = S("postmaster@example.test"), .domain = note->domain,
		.record = note->record, .id = S("1"), .end = 86400 };
	struct buf xml = BUF_INIT(1 << 20);
	uint64_t messages = 0;
	struct feedback *f = feedback_new(on_row, &messages);

	letter_xml_begin(&xml, &l);
	letter_xml_row(&xml, 3, note);
	letter_xml_end(&xml);
	assert(buf_ok(&xml));
	assert(feedback_feed(f, buf_slice(&xml)) == 0);
	assert(feedback_end(f) == 0 && messages == 3);
	feedback_free(f);
	buf_release(&xml);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice payload = slice_of(p, n), what;
	struct wire_reports_note note, kept;

	if (n > LIMIT_FRAME || wire_reports_note_get(payload, &note, &what) ==
	    -1)
		return 0;
	write_again(&note, payload);
	assert(wire_reports_what_get(what, &kept) == 0);
	assert(slice_eq(kept.source, note.source) && kept.n == note.n);
	if (notes_is_good(payload))
		make_report(&note);
	return 0;
}
