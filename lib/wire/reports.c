#include "wire/reports.h"

static void
put(struct buf *b, struct slice text)
{
	wire_put_slice(b, slice_head(text, WIRE_REPORTS_TEXT));
}

static struct slice
get(struct wire_in *in)
{
	return wire_get_slice(in, WIRE_REPORTS_TEXT);
}

void
wire_reports_note_put(struct buf *b, const struct wire_reports_note *n)
{
	put(b, n->domain);
	wire_put_slice(b, slice_head(n->record, WIRE_REPORTS_RECORD));
	put(b, n->source);
	put(b, n->author);
	put(b, n->envelope);
	put(b, n->disposition);
	wire_put_bool(b, n->dkim);
	wire_put_bool(b, n->spf);
	put(b, n->reason);
	put(b, n->comment);
	put(b, n->spf_domain);
	put(b, n->spf_scope);
	put(b, n->spf_result);
	wire_put_u32(b, n->n);
	for (uint32_t i = 0; i < n->n; i++) {
		put(b, n->signatures[i].domain);
		put(b, n->signatures[i].selector);
		put(b, n->signatures[i].result);
	}
}

static void
get_what(struct wire_in *in, struct wire_reports_note *n)
{
	n->source = get(in);
	n->author = get(in);
	n->envelope = get(in);
	n->disposition = get(in);
	n->dkim = wire_get_bool(in);
	n->spf = wire_get_bool(in);
	n->reason = get(in);
	n->comment = get(in);
	n->spf_domain = get(in);
	n->spf_scope = get(in);
	n->spf_result = get(in);
	n->n = wire_get_u32(in);
	if (n->n > WIRE_REPORTS_SIGNATURES)
		in->failed = true;
	for (uint32_t i = 0; i < n->n && !in->failed; i++) {
		n->signatures[i].domain = get(in);
		n->signatures[i].selector = get(in);
		n->signatures[i].result = get(in);
	}
}

int
wire_reports_note_get(struct slice payload, struct wire_reports_note *n,
    struct slice *what)
{
	struct wire_in in = wire_in(payload);

	*n = (struct wire_reports_note){ 0 };
	n->domain = get(&in);
	n->record = wire_get_slice(&in, WIRE_REPORTS_RECORD);
	if (what != NULL)
		*what = in.rest;
	get_what(&in, n);
	return wire_end(&in);
}

int
wire_reports_what_get(struct slice what, struct wire_reports_note *n)
{
	struct wire_in in = wire_in(what);

	*n = (struct wire_reports_note){ 0 };
	get_what(&in, n);
	return wire_end(&in);
}
