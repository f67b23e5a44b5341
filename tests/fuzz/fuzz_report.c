/* DMARC reports of strangers: the mail, the archive in it, the XML in that. */
// part: services/reports
#include "core/slice.h"
#include "services/reports/intake.h"
#include "services/reports/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
on_row(void *arg UNUSED, const struct feedback_head *head UNUSED,
    const struct feedback_row *row)
{
	assert(strlen(row->source.s) <= FEEDBACK_TEXT);
	return 0;
}

static int
on_piece(void *arg, struct slice piece)
{
	return feedback_feed(arg, piece);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of((const char *)data, size);
	struct feedback *f = feedback_new(on_row, NULL);
	struct feedback_text domain;
	const char *why = NULL;

	if (intake_read(in, on_row, NULL, &domain, &why) == 0)
		assert(strlen(domain.s) <= FEEDBACK_TEXT);
	if (unpack(in, on_piece, f, &why) == -1)
		assert(why != NULL || feedback_why(f) != NULL);
	feedback_free(f);
	return 0;
}
