/* SPF: the stack of records and what comes of it. See spf.h. */
#include "msgauth/spf_internal.h"

#include <idn2.h>

/* Octets of a reason: it goes into a header field and a reply. */
#define WHY_SHOWN 400
/* Of a term, in a sentence; and of a name that is shown. */
#define TERM_SHOWN 200

static const char *const result_names[SPF_RESULTS] = {
	[SPF_NONE] = "none",
	[SPF_NEUTRAL] = "neutral",
	[SPF_PASS] = "pass",
	[SPF_FAIL] = "fail",
	[SPF_SOFTFAIL] = "softfail",
	[SPF_TEMPERROR] = "temperror",
	[SPF_PERMERROR] = "permerror",
};

const char *
spf_result_name(enum spf_result result)
{
	return result_names[result];
}

struct spf_frame *
spf_top(struct spf *s)
{
	return &s->stack[s->depth - 1];
}

/* --- the identity (sections 2.3, 2.4, 4.3) -------------------------------- */

/* RFC 8616 section 4: U-labels are looked up as A-labels. */
static int
to_ascii(struct slice text, struct buf *out)
{
	char *in, *ascii = NULL;
	int r;

	if (slice_is_ascii(text)) {
		buf_add_slice(out, text);
		return 0;
	}
	if (text.n > LIMIT_DOMAIN || memchr(text.p, 0, text.n) != NULL)
		return -1;
	in = slice_dup(text);
	r = idn2_to_ascii_8z(in, &ascii,
	    IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	mem_free(in);
	if (r != IDN2_OK)
		return -1;
	buf_adds(out, ascii);
	idn2_free(ascii);
	return 0;
}

static bool
is_host_name(struct slice name)
{
	bool number = true;

	if (!spf_name_valid(name))
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!ascii_is_alnum(c) && c != '-' && c != '_' && c != '.')
			return false;
		/* 192.0.2.1 is no name: does the last label have letters? */
		number = c == '.' || (number && ascii_is_digit(c));
	}
	return !number;
}

int
spf_domain(struct slice text, struct buf *out)
{
	size_t start = out->n;

	if (text.n > 0 && text.p[text.n - 1] == '.')
		text.n--;
	if (to_ascii(text, out) == -1 || !buf_ok(out) ||
	    !is_host_name(slice_from(buf_slice(out), start)))
		return -1;
	for (size_t i = start; i < out->n; i++)
		out->p[i] = ascii_lower(out->p[i]);
	return 0;
}

static void
set_sender(struct spf *s, const struct spf_check *c)
{
	bool null = s->identity == SPF_HELO || c->sender.n == 0;
	ssize_t at = null ? -1 : slice_rfind(c->sender, '@');
	struct slice whole = null ? c->helo : c->sender;
	struct buf domain = BUF_INIT(LIMIT_DOMAIN);

	/* Section 4.3: without a local part it is postmaster. */
	s->macros.local = at > 0 ? slice_head(c->sender, (size_t)at) :
	    S("postmaster");
	if (spf_domain(at >= 0 ? slice_from(whole, (size_t)at + 1) : whole,
	    &domain) == 0)
		s->domain = arena_slice(&s->arena, buf_slice(&domain));
	buf_release(&domain);
	s->macros.origin = s->domain;
	s->macros.sender = slice_str(arena_printf(&s->arena, "%.*s@%.*s",
	    SLICE_ARG(s->macros.local), SLICE_ARG(s->domain)));
}

static void
set_helo(struct spf *s, struct slice helo)
{
	struct buf name = BUF_INIT(LIMIT_DOMAIN);

	if (!slice_is_ascii(helo) && spf_domain(helo, &name) == 0)
		helo = arena_slice(&s->arena, buf_slice(&name));
	s->macros.helo = helo.n > 0 ? helo : S("unknown");
	buf_release(&name);
}

static struct slice
ip_form(struct spf *s, void (*form)(const struct spf_ip *, struct buf *))
{
	struct buf b = BUF_INIT(128);
	struct slice text;

	form(&s->ip, &b);
	text = arena_slice(&s->arena, buf_slice(&b));
	buf_release(&b);
	return text;
}

void
spf_init(struct spf *s, const struct spf_check *check,
    enum spf_identity identity)
{
	*s = (struct spf){
		.identity = identity,
		.ip = check->ip,
		.tell = check->tell,
		.domain = S(""), .why = S(""), .rule = S(""),
		.rule_domain = S(""), .inner = S(""), .inner_domain = S(""),
		.explanation = S(""), .explained_by = S(""),
	};
	buf_init(&s->name, 2 * LIMIT_FRAME);
	set_helo(s, check->helo);
	set_sender(s, check);
	s->macros.domain = s->domain;
	s->macros.ip = ip_form(s, spf_ip_dotted);
	s->macros.readable = ip_form(s, spf_ip_text);
	s->macros.family = s->ip.v6 ? S("ip6") : S("in-addr");
	s->macros.receiver = check->receiver.n > 0 ? check->receiver :
	    S("unknown");
	s->macros.name = S("unknown");
	s->macros.now = check->now;
	s->depth = 1;
	s->stack[0] = (struct spf_frame){ .domain = s->domain };
	if (s->domain.n == 0)
		spf_end(s, SPF_NONE, "there is no domain name to check");
}

void
spf_release(struct spf *s)
{
	buf_release(&s->name);
	mem_free(s->lookups);
	arena_release(&s->arena);
}

/* --- results -------------------------------------------------------------- */

/* What a record says is shown, but not as it is. */
static struct slice
shown(struct spf *s, struct slice text)
{
	char *p;

	text = slice_head(text, TERM_SHOWN);
	p = arena_dup(&s->arena, text);
	for (size_t i = 0; i < text.n; i++)
		if (p[i] < ' ' || p[i] > '~')
			p[i] = '?';
	return slice_of(p, text.n);
}

static void
set_why(struct spf *s, const char *fmt, va_list ap)
{
	struct buf b = BUF_INIT(4096);

	buf_vaddf(&b, fmt, ap);
	s->why = arena_slice(&s->arena, slice_head(buf_slice(&b), WHY_SHOWN));
	buf_release(&b);
}

/* Who decided: a term of the top record, or the term that led to it. */
static void
set_rule(struct spf *s)
{
	const struct spf_frame *f = spf_top(s);

	s->rule = shown(s, f->fetched ? f->term.text : f->from);
	s->rule_domain = f->fetched ? f->domain : f->from_domain;
}

void
spf_end(struct spf *s, enum spf_result result, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_why(s, fmt, ap);
	va_end(ap);
	set_rule(s);
	s->inner = s->inner_domain = S("");
	s->result = result;
	s->done = true;
}

static enum spf_result
result_of(const struct spf_term *t)
{
	switch (t->qualifier) {
	case '-': return SPF_FAIL;
	case '~': return SPF_SOFTFAIL;
	case '?': return SPF_NEUTRAL;
	default: return SPF_PASS;
	}
}

static void PRINTF_LIKE(2, 3)
say_why(struct spf *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_why(s, fmt, ap);
	va_end(ap);
}

/* The result of the outermost record. */
static void
conclude(struct spf *s, enum spf_result result)
{
	static const char *const says[SPF_RESULTS] = {
		[SPF_NEUTRAL] = "does not say whether %s may send for it",
		[SPF_PASS] = "allows %s to send for it",
		[SPF_FAIL] = "forbids %s to send for it",
		[SPF_SOFTFAIL] = "says that %s should not send for it",
	};
	struct spf_frame *f = spf_top(s);
	char verdict[128];

	s->result = result;
	set_rule(s);
	if (f->term.kind != SPF_INCLUDE)
		s->inner = s->inner_domain = S("");
	snprintf(verdict, sizeof(verdict), says[result], s->macros.readable.p);
	if (s->rule.n == 0)
		say_why(s, "%.*s %s: nothing in its record matches",
		    SLICE_ARG(s->domain), verdict);
	else if (slice_eq(s->rule_domain, s->domain))
		say_why(s, "%.*s %s: \"%.*s\"", SLICE_ARG(s->domain), verdict,
		    SLICE_ARG(s->rule));
	else
		say_why(s, "%.*s %s: \"%.*s\" of %.*s", SLICE_ARG(s->domain),
		    verdict, SLICE_ARG(s->rule), SLICE_ARG(s->rule_domain));
	f->open = false;
	/* Section 6.2: of a match only, and never of an included record. */
	if (result == SPF_FAIL && f->record.exp.n > 0)
		s->phase = SPF_NAMES_EXP;
	else
		s->done = true;
}

/* The top record is decided; if it was included, so may others be (5.2). */
static void
leave(struct spf *s, enum spf_result result)
{
	while (s->depth > 1) {
		s->depth--;
		if (result != SPF_PASS) {
			spf_no_match(s);
			return;
		}
		result = result_of(&spf_top(s)->term);
	}
	conclude(s, result);
}

void
spf_match(struct spf *s)
{
	const struct spf_frame *f = spf_top(s);

	s->inner = shown(s, f->term.text);
	s->inner_domain = f->domain;
	leave(s, result_of(&f->term));
}

void
spf_no_match(struct spf *s)
{
	spf_top(s)->open = false;
}

/* --- records -------------------------------------------------------------- */

void
spf_enter(struct spf *s, struct slice domain)
{
	const struct spf_frame *f = spf_top(s);
	struct spf_frame next = {
		.domain = arena_slice(&s->arena, domain),
		.from = f->term.text,
		.from_domain = f->domain,
	};

	if (f->term.kind == SPF_INCLUDE && s->depth == LEN(s->stack)) {
		spf_end(s, SPF_PERMERROR, "too many includes in one another");
		return;
	}
	if (f->term.kind == SPF_INCLUDE)
		s->depth++;
	*spf_top(s) = next;
}

static void
no_record(struct spf *s, const struct wire_dns_answer *a)
{
	const struct spf_frame *f = spf_top(s);

	/* Sections 5.2 and 6.1: who points to nothing made a mistake. */
	spf_end(s, f->from.n > 0 ? SPF_PERMERROR : SPF_NONE,
	    a->status == WIRE_DNS_NXDOMAIN ? "%.*s does not exist" :
	    "%.*s has no SPF record", SLICE_ARG(f->domain));
}

/* Section 4.6: the whole record is checked before any of it counts. */
static void
take_record(struct spf *s, struct slice text)
{
	struct spf_frame *f = spf_top(s);
	struct slice bad = S("");
	const char *why;

	s->text += text.n;
	if (text.n > LIMIT_SPF_RECORD || s->text > LIMIT_SPF_TEXT) {
		spf_end(s, SPF_PERMERROR, "the SPF record of %.*s is too long",
		    SLICE_ARG(f->domain));
		return;
	}
	text = arena_slice(&s->arena, text);
	f->fetched = true;
	if (spf_record_parse(&f->record, text, &bad, &why) == -1) {
		f->term = (struct spf_term){ .text = bad };
		spf_end(s, SPF_PERMERROR,
		    "the SPF record of %.*s has an error: %s",
		    SLICE_ARG(f->domain), why);
	}
}

/* Section 4.5. */
static void
answer_record(struct spf *s, const struct wire_dns_answer *a)
{
	const struct spf_frame *f = spf_top(s);
	struct buf record = BUF_INIT(LIMIT_FRAME);
	unsigned n = 0;

	if (!spf_answered(a)) {
		spf_end(s, SPF_TEMPERROR,
		    "the DNS gives no answer for the SPF record of %.*s",
		    SLICE_ARG(f->domain));
		return;
	}
	for (uint32_t i = 0; i < a->count; i++) {
		struct buf text = BUF_INIT(LIMIT_FRAME);

		if (wire_dns_txt(a->rdata[i], &text) == 0 &&
		    spf_record_is(buf_slice(&text)) && n++ == 0)
			buf_add_slice(&record, buf_slice(&text));
		buf_release(&text);
	}
	if (n == 0)
		no_record(s, a);
	else if (n > 1)
		spf_end(s, SPF_PERMERROR, "%.*s has %u SPF records",
		    SLICE_ARG(f->domain), n);
	else
		take_record(s, buf_slice(&record));
	buf_release(&record);
}

/* The next mechanism, then redirect, then nothing (sections 4.6.2, 4.7). */
static void
begin_term(struct spf *s)
{
	struct spf_frame *f = spf_top(s);
	struct slice redirect = f->record.redirect;

	f->counted = f->empty = false;
	f->open = true;
	if (spf_record_next(&f->record, &f->term))
		return;
	if (redirect.n > 0 && spf_term_parse(&f->term, redirect, NULL) == 0)
		return;
	f->term = (struct spf_term){ .text = S("") };
	leave(s, SPF_NEUTRAL);
}

/* --- the explanation (section 6.2) ---------------------------------------- */

static void
ask_explanation(struct spf *s)
{
	struct spf_frame *f = spf_top(s);
	struct spf_term t;

	s->macros.domain = f->domain;
	if (spf_term_parse(&t, f->record.exp, NULL) == 0 &&
	    !spf_name_ready(s, t.spec))
		return;
	buf_clear(&s->name);
	if (spf_macro_name(t.spec, &s->macros, &s->name, NULL) == -1)
		s->done = true;
	else
		spf_ask(s, SPF_ASK_EXP, DNS_TXT);
}

/* Anything odd about it, and the domain is taken to have none. */
static void
answer_explanation(struct spf *s, const struct wire_dns_answer *a)
{
	struct buf text = BUF_INIT(LIMIT_FRAME);

	if (a->status == WIRE_DNS_OK && a->count == 1 &&
	    wire_dns_txt(a->rdata[0], &text) == 0 &&
	    spf_macro_check(buf_slice(&text), true, true, NULL) == 0) {
		s->exp = arena_slice(&s->arena, buf_slice(&text));
		s->phase = SPF_EXPANDS_EXP;
	} else {
		s->done = true;
	}
	buf_release(&text);
}

/* A reply is ASCII, and a line of it has an end. */
static void
expand_explanation(struct spf *s)
{
	struct buf out = BUF_INIT(LIMIT_SPF_EXPLANATION);

	if (!spf_name_ready(s, s->exp))
		return;
	spf_macro_expand(s->exp, &s->macros, &out);
	if (buf_ok(&out) && out.n > 0) {
		for (size_t i = 0; i < out.n; i++)
			if (out.p[i] < ' ' || out.p[i] > '~')
				out.p[i] = '?';
		s->explanation = arena_slice(&s->arena, buf_slice(&out));
		s->explained_by = spf_top(s)->domain;
	}
	s->done = true;
	buf_release(&out);
}

/* --- the machine ---------------------------------------------------------- */

void
spf_ask(struct spf *s, enum spf_ask ask, uint32_t type)
{
	s->ask = ask;
	s->type = type;
}

void
spf_ask_name(struct spf *s, enum spf_ask ask, struct slice name,
    uint32_t type)
{
	buf_clear(&s->name);
	buf_add_slice(&s->name, name);
	spf_ask(s, ask, type);
}

static void
advance(struct spf *s)
{
	struct spf_frame *f = spf_top(s);

	if (s->phase == SPF_NAMES_EXP)
		ask_explanation(s);
	else if (s->phase == SPF_EXPANDS_EXP)
		expand_explanation(s);
	else if (!f->fetched)
		spf_ask_name(s, SPF_ASK_RECORD, f->domain, DNS_TXT);
	else if (f->open)
		spf_term_run(s);
	else
		begin_term(s);
}

enum msgauth_step
spf_step(struct spf *s, struct dns_question *q)
{
	while (!s->done && s->ask == SPF_ASK_NOTHING)
		advance(s);
	if (s->done)
		return MSGAUTH_DONE;
	q->name = buf_slice(&s->name);
	q->type = s->type;
	return MSGAUTH_ASK;
}

void
spf_answer(struct spf *s, const struct wire_dns_answer *a)
{
	static const struct wire_dns_answer silence = {
		.status = WIRE_DNS_SERVFAIL,
	};
	enum spf_ask ask = s->ask;

	if (s->done || ask == SPF_ASK_NOTHING)
		return;
	if (a == NULL)
		a = &silence;
	if (s->tell)
		spf_tell(s, a);
	s->asked++;
	s->ask = SPF_ASK_NOTHING;
	if (ask == SPF_ASK_RECORD)
		answer_record(s, a);
	else if (ask == SPF_ASK_EXP)
		answer_explanation(s, a);
	else
		spf_term_answer(s, ask, a);
}

void
spf_give_up(struct spf *s)
{
	if (s->done)
		return;
	/* Only the explanation is missing. */
	if (s->phase != SPF_EVALUATES)
		s->done = true;
	else
		spf_end(s, SPF_TEMPERROR, "the DNS takes too long");
}
