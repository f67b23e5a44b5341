/* SPF: evaluating one term (RFC 7208 section 5). See spf_internal.h. */
#include "msgauth/spf_internal.h"

/* --- addresses ------------------------------------------------------------ */

static uint32_t
address_type(const struct spf *s)
{
	return s->ip.v6 ? DNS_AAAA : DNS_A;
}

/* Section 5: the client's family chooses the record type and the prefix. */
static bool
has_address(const struct spf *s, const struct wire_dns_answer *a,
    unsigned bits)
{
	for (uint32_t i = 0; i < a->count; i++)
		if (spf_ip_in(&s->ip, a->rdata[i], bits))
			return true;
	return false;
}

static bool
term_has_address(struct spf *s, const struct wire_dns_answer *a)
{
	const struct spf_term *t = &spf_top(s)->term;

	return has_address(s, a, s->ip.v6 ? t->bits6 : t->bits4);
}

/* Domain names compare without case. */
static bool
is_within(struct slice name, struct slice domain)
{
	return slice_ieq(name, domain) || (name.n > domain.n &&
	    name.p[name.n - domain.n - 1] == '.' && slice_iends(name, domain));
}

/* The resolver passes on only so many: what is not among them may be among
 * the others, so it is no "no". */
static bool
is_whole(struct spf *s, const struct wire_dns_answer *a)
{
	if (a->count < LIMIT_DNS_ANSWERS)
		return true;
	spf_end(s, SPF_PERMERROR, "%.*s has too many addresses",
	    SLICE_ARG(buf_slice(&s->name)));
	return false;
}

/* --- the limits of section 4.6.4 ------------------------------------------ */

/* One more term that asks; false if that is too many. */
static bool
count_term(struct spf *s)
{
	if (++s->terms <= LIMIT_SPF_TERMS)
		return true;
	spf_end(s, SPF_PERMERROR, "the records need more than %d DNS lookups",
	    LIMIT_SPF_TERMS);
	return false;
}

/* A term counts once, however many of its questions had no answer. True if it
 * is still within the limit. */
static bool
count_void(struct spf *s)
{
	struct spf_frame *f = spf_top(s);

	if (f->empty)
		return true;
	f->empty = true;
	if (++s->voids <= LIMIT_SPF_VOID)
		return true;
	spf_end(s, SPF_PERMERROR,
	    "more than %d terms ask for names that the DNS does not have",
	    LIMIT_SPF_VOID);
	return false;
}

/* Section 5: no answer ends the whole evaluation. */
static bool
is_usable(struct spf *s, const struct wire_dns_answer *a)
{
	if (!spf_answered(a)) {
		spf_end(s, SPF_TEMPERROR, "the DNS gives no answer for %.*s",
		    SLICE_ARG(buf_slice(&s->name)));
		return false;
	}
	return a->count > 0 || count_void(s);
}

/* --- names with several addresses ----------------------------------------- */

static void
add_host(struct spf *s, const struct buf *name, size_t max)
{
	if (buf_ok(name) && name->n > 0 && s->host_count < max)
		s->hosts[s->host_count++] = arena_slice(&s->arena,
		    buf_slice(name));
}

static void
next_mx_host(struct spf *s)
{
	if (s->host_at == s->host_count)
		spf_no_match(s);
	else
		spf_ask_name(s, SPF_ASK_MX_ADDRESS, s->hosts[s->host_at],
		    address_type(s));
}

static void
answer_mx(struct spf *s, const struct wire_dns_answer *a)
{
	if (!is_usable(s, a))
		return;
	/* The set is the publisher's, so too many is an error, whichever the
	 * DNS gives first (section 4.6.4). */
	if (a->count > LIMIT_SPF_MX) {
		spf_end(s, SPF_PERMERROR, "%.*s has more than %d MX records",
		    SLICE_ARG(buf_slice(&s->name)), LIMIT_SPF_MX);
		return;
	}
	s->host_count = s->host_at = 0;
	for (uint32_t i = 0; i < a->count; i++) {
		struct buf host = BUF_INIT(LIMIT_DOMAIN);
		uint16_t preference;

		if (wire_dns_mx(a->rdata[i], &preference, &host) == 0)
			add_host(s, &host, LIMIT_SPF_MX);
		buf_release(&host);
	}
	next_mx_host(s);
}

static void
answer_mx_address(struct spf *s, const struct wire_dns_answer *a)
{
	if (!is_usable(s, a))
		return;
	if (term_has_address(s, a)) {
		spf_match(s);
	} else if (is_whole(s, a)) {
		s->host_at++;
		next_mx_host(s);
	}
}

/* --- the client's own names (section 5.5) --------------------------------- */

static void
next_client_name(struct spf *s)
{
	if (s->host_at == s->host_count)
		s->validation = true; /* the term or explanation runs again */
	else
		spf_ask_name(s, SPF_ASK_PTR_ADDRESS, s->hosts[s->host_at],
		    address_type(s));
}

static void
answer_ptr(struct spf *s, const struct wire_dns_answer *a)
{
	/* A DNS error is no error of the record: there are just no names. */
	s->nameless = spf_answered(a) && a->count == 0;
	s->host_count = s->host_at = 0;
	/* The set is the client's: the first ten count, the rest does not. */
	for (uint32_t i = 0; i < a->count; i++) {
		struct buf host = BUF_INIT(LIMIT_DOMAIN);

		if (wire_dns_name(a->rdata[i], &host) == 0)
			add_host(s, &host, LIMIT_SPF_PTR);
		buf_release(&host);
	}
	next_client_name(s);
}

static void
answer_ptr_address(struct spf *s, const struct wire_dns_answer *a)
{
	if (has_address(s, a, s->ip.v6 ? 128 : 32))
		s->validated[s->validated_count++] = s->hosts[s->host_at];
	s->host_at++;
	next_client_name(s);
}

static void
ask_client_names(struct spf *s)
{
	buf_clear(&s->name);
	spf_ip_reverse(&s->ip, &s->name);
	spf_ask(s, SPF_ASK_PTR, DNS_PTR);
}

/* Section 7.3, "p": the domain itself, else a name below it, else any. */
static struct slice
client_name(const struct spf *s)
{
	struct slice domain = s->macros.domain;

	for (size_t i = 0; i < s->validated_count; i++)
		if (slice_ieq(s->validated[i], domain))
			return s->validated[i];
	for (size_t i = 0; i < s->validated_count; i++)
		if (is_within(s->validated[i], domain))
			return s->validated[i];
	return s->validated_count > 0 ? s->validated[0] : S("unknown");
}

bool
spf_name_ready(struct spf *s, struct slice text)
{
	if (!spf_macro_uses(text, 'p'))
		return true;
	if (s->validation) {
		s->macros.name = client_name(s);
		return true;
	}
	ask_client_names(s);
	return false;
}

/* --- mechanisms ----------------------------------------------------------- */

static void
decide(struct spf *s, bool matches)
{
	if (matches)
		spf_match(s);
	else
		spf_no_match(s);
}

static void
run_ptr(struct spf *s, struct slice target)
{
	bool within = false;

	if (!s->validation) {
		ask_client_names(s);
		return;
	}
	for (size_t i = 0; i < s->validated_count; i++)
		within |= is_within(s->validated[i], target);
	decide(s, within);
}

static void
run_network(struct spf *s, const struct spf_term *t)
{
	bool v6 = t->kind == SPF_IP6;

	decide(s, v6 == s->ip.v6 && spf_ip_in(&s->ip,
	    slice_of(t->network, v6 ? 16 : 4), v6 ? t->bits6 : t->bits4));
}

/* The name in s->name. */
static void
run_target(struct spf *s, enum spf_kind kind)
{
	switch (kind) {
	case SPF_A:
		spf_ask(s, SPF_ASK_ADDRESS, address_type(s));
		break;
	case SPF_MX:
		spf_ask(s, SPF_ASK_MX, DNS_MX);
		break;
	case SPF_EXISTS: /* section 5.7: A, whatever the client's family */
		spf_ask(s, SPF_ASK_EXISTS, DNS_A);
		break;
	case SPF_PTR:
		run_ptr(s, arena_slice(&s->arena, buf_slice(&s->name)));
		break;
	default:
		spf_enter(s, buf_slice(&s->name));
		break;
	}
}

/* A name that the DNS cannot be asked for (section 4.8): nothing is there; and
 * without a record there is nothing to include (5.2) or to go on with (6.1). */
static void
no_target(struct spf *s, const char *why)
{
	const struct spf_term *t = &spf_top(s)->term;

	if (t->kind == SPF_INCLUDE || t->kind == SPF_REDIRECT)
		spf_end(s, SPF_PERMERROR, "its domain %s", why);
	else
		spf_no_match(s);
}

static bool
wants_names(const struct spf_term *t)
{
	return t->kind == SPF_PTR || spf_macro_uses(t->spec, 'p');
}

void
spf_term_run(struct spf *s)
{
	struct spf_frame *f = spf_top(s);
	const struct spf_term *t = &f->term;
	bool first = !f->counted;
	const char *why;

	if (t->kind == SPF_ALL) {
		spf_match(s);
		return;
	}
	if (t->kind == SPF_IP4 || t->kind == SPF_IP6) {
		run_network(s, t);
		return;
	}
	f->counted = true;
	if (first && !count_term(s))
		return;
	/* Whether the names are asked for now or were before. */
	if (s->nameless && wants_names(t) && !count_void(s))
		return;
	/* Section 4.6.4: the PTR lookup of "p" is one more. */
	if (first && !s->validation && spf_macro_uses(t->spec, 'p') &&
	    !count_term(s))
		return;
	s->macros.domain = f->domain;
	if (!spf_name_ready(s, t->spec))
		return;
	buf_clear(&s->name);
	if (t->spec.n == 0)
		buf_add_slice(&s->name, f->domain);
	else if (spf_macro_name(t->spec, &s->macros, &s->name, &why) == -1) {
		no_target(s, why);
		return;
	}
	run_target(s, t->kind);
}

void
spf_term_answer(struct spf *s, enum spf_ask ask,
    const struct wire_dns_answer *a)
{
	switch (ask) {
	case SPF_ASK_ADDRESS:
		if (!is_usable(s, a))
			break;
		if (term_has_address(s, a))
			spf_match(s);
		else if (is_whole(s, a))
			spf_no_match(s);
		break;
	case SPF_ASK_EXISTS:
		if (is_usable(s, a))
			decide(s, a->count > 0);
		break;
	case SPF_ASK_MX:
		answer_mx(s, a);
		break;
	case SPF_ASK_MX_ADDRESS:
		answer_mx_address(s, a);
		break;
	case SPF_ASK_PTR:
		answer_ptr(s, a);
		break;
	case SPF_ASK_PTR_ADDRESS:
		answer_ptr_address(s, a);
		break;
	default:
		panic("spf: an answer without a question");
	}
}
