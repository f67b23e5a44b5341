#include "services/relay/verdict.h"

static const enum wire_outcome outcome_of_class[] = {
	['2'] = WIRE_DONE,
	['4'] = WIRE_LATER,
	['5'] = WIRE_NEVER,
};

void
verdict_set(struct verdict *v, const char *enhanced, const char *fmt, ...)
{
	va_list ap;

	assert(enhanced[0] == '2' || enhanced[0] == '4' || enhanced[0] == '5');
	v->outcome = outcome_of_class[(unsigned char)enhanced[0]];
	snprintf(v->enhanced, sizeof(v->enhanced), "%s", enhanced);
	va_start(ap, fmt);
	vsnprintf(v->text, sizeof(v->text), fmt, ap);
	va_end(ap);
}

void
verdict_from_reply(struct verdict *v, const struct reply *r)
{
	reply_line(r, v->text, sizeof(v->text));
	reply_enhanced(r, v->enhanced);
	if (r->code / 100 == 2) {
		v->outcome = WIRE_DONE;
	} else if (r->code / 100 == 5) {
		v->outcome = WIRE_NEVER;
	} else {
		v->outcome = WIRE_LATER;
		if (v->enhanced[0] != '4')
			snprintf(v->enhanced, sizeof(v->enhanced), "4.5.0");
	}
}

void
verdict_from_rcpt(struct verdict *v, const struct reply *r)
{
	char enhanced[REPLY_ENHANCED];

	verdict_from_reply(v, r);
	reply_enhanced(r, enhanced);
	/*
	 * 552 was once the code for too many recipients; a full mailbox says
	 * 5.2.2 and a size limit 5.3.4 in so many words.
	 */
	if (r->code == 552 && !slice_istarts(buf_slice(&r->text), S("5.2.")) &&
	    !slice_istarts(buf_slice(&r->text), S("5.3."))) {
		v->outcome = WIRE_LATER;
		snprintf(v->enhanced, sizeof(v->enhanced), "4.5.3");
	} else if (r->code == 452 && strcmp(enhanced, "4.3.1") == 0 &&
	    !slice_istarts(buf_slice(&r->text), S("4.3.1"))) {
		snprintf(v->enhanced, sizeof(v->enhanced), "4.5.3");
	}
}

void
verdict_soften(struct verdict *v)
{
	if (v->outcome != WIRE_NEVER)
		return;
	v->outcome = WIRE_LATER;
	v->enhanced[0] = '4';
}

const char *
verdict_status(const struct verdict *v)
{
	static const char *const status[WIRE_OUTCOMES] = {
		[WIRE_DONE] = "sent",
		[WIRE_LATER] = "deferred",
		[WIRE_NEVER] = "bounced",
	};

	return status[v->outcome];
}
