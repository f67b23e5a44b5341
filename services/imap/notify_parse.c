/* The arguments of NOTIFY (RFC 5465 section 8). */
#include "services/imap/box.h"
#include "services/imap/fetch_plan.h"
#include "services/imap/notify.h"

static const struct {
	const char *name;
	unsigned event;
} events[] = {
	{ "MessageNew", NOTIFY_NEW },
	{ "MessageExpunge", NOTIFY_EXPUNGE },
	{ "FlagChange", NOTIFY_FLAGS },
	{ "MailboxName", NOTIFY_NAME },
	{ "SubscriptionChange", NOTIFY_SUBSCRIPTION },
	{ "MailboxMetadataChange", NOTIFY_METADATA },
	{ "ServerMetadataChange", NOTIFY_SERVER },
};

static const struct {
	const char *name;
	enum notify_filter filter;
	bool names;
} filters[] = {
	{ "selected", NOTIFY_SELECTED, false },
	{ "selected-delayed", NOTIFY_DELAYED, false },
	/* Any may get mail, by Sieve: 6.3 says what then. */
	{ "inboxes", NOTIFY_PERSONAL, false },
	{ "personal", NOTIFY_PERSONAL, false },
	{ "subscribed", NOTIFY_SUBSCRIBED, false },
	{ "subtree", NOTIFY_SUBTREE, true },
	{ "mailboxes", NOTIFY_MAILBOXES, true },
};

static bool
is_selected(const struct notify_group *g)
{
	return g->filter == NOTIFY_SELECTED || g->filter == NOTIFY_DELAYED;
}

/* ---- fetch attributes ----------------------------------------------------- */

static int
skip_string(struct parser *p)
{
	struct slice ignored;

	return parse_string(p, &ignored);
}

/* From "(" to behind its ")"; strings may hold parentheses. */
static int
skip_list(struct parser *p)
{
	unsigned depth = 0;

	do {
		int c = parse_peek(p);

		if (c == -1)
			return parse_fail(p, "Expected )");
		if (c == '"' || c == '{') {
			if (skip_string(p) == -1)
				return -1;
			continue;
		}
		depth += c == '(';
		depth -= c == ')';
		p->at++;
	} while (depth > 0);
	return 0;
}

/* Kept as text: it is run as a FETCH for each new message. */
int
notify_parse_atts(struct parser *p, struct slice *out)
{
	size_t from = p->at;
	struct fetch_plan plan;
	struct parser sub;

	if (parse_peek(p) != '(')
		return parse_fail(p, "Expected (");
	if (skip_list(p) == -1)
		return -1;
	*out = slice_of(p->in.p + from, p->at - from);
	sub = parser_of(*out, p->arena);
	if (fetch_plan_parse(&sub, true, &plan) == -1)
		return parse_fail(p, sub.why);
	return 0;
}

/* ---- groups --------------------------------------------------------------- */

static int
parse_event(struct parser *p, struct notify_request *r,
    struct notify_group *g)
{
	struct slice name;
	size_t i = 0;

	if (parse_atom(p, &name) == -1)
		return -1;
	while (i < LEN(events) && !slice_ieq(name, slice_str(events[i].name)))
		i++;
	if (i == LEN(events)) {
		r->bad_event = true;
		return 0;
	}
	g->events |= events[i].event;
	if (events[i].event != NOTIFY_NEW || p->at + 1 >= p->in.n ||
	    parse_peek(p) != ' ' || p->in.p[p->at + 1] != '(')
		return 0;
	p->at++;
	if (!is_selected(g))
		return parse_fail(p, "Only SELECTED has fetch attributes");
	return notify_parse_atts(p, &r->atts);
}

/* Some examples of the RFC have no parentheses around the events. */
static int
parse_events(struct parser *p, struct notify_request *r,
    struct notify_group *g)
{
	bool list = parse_try(p, '(');

	if (!list && parse_word(p, S("NONE")))
		return 0;
	do {
		if (parse_event(p, r, g) == -1)
			return -1;
	} while (parse_try(p, ' '));
	return list ? parse_char(p, ')') : 0;
}

static int
parse_names(struct parser *p, struct notify_request *r,
    struct notify_group *g)
{
	bool many;
	size_t most = 1;

	if (parse_sp(p) == -1)
		return -1;
	many = parse_try(p, '(');
	for (size_t i = p->at; many && i < p->in.n && p->in.p[i] != ')'; i++)
		most += p->in.p[i] == ' ';
	if (most > LIMIT_NOTIFY_NAMES)
		most = LIMIT_NOTIFY_NAMES;
	g->names = arena_array(p->arena, most, sizeof(*g->names));
	do {
		struct slice name;

		if (parse_mailbox(p, &name) == -1)
			return -1;
		if (g->n < most)
			g->names[g->n++] = name;
		else
			r->too_much = true;
	} while (many && parse_try(p, ' '));
	r->n_names += g->n;
	r->too_much = r->too_much || r->n_names > LIMIT_NOTIFY_NAMES;
	return many ? parse_char(p, ')') : 0;
}

/* The rules of sections 5 and 6.1. */
static int
check_group(struct parser *p, const struct notify_request *r,
    const struct notify_group *g)
{
	unsigned both = g->events & (NOTIFY_NEW | NOTIFY_EXPUNGE);

	if (both == NOTIFY_NEW || both == NOTIFY_EXPUNGE)
		return parse_fail(p,
		    "MessageNew and MessageExpunge go together");
	if ((g->events & NOTIFY_FLAGS) != 0 && both == 0)
		return parse_fail(p,
		    "FlagChange needs MessageNew and MessageExpunge");
	if (!is_selected(g))
		return 0;
	if ((g->events & ~(unsigned)NOTIFY_MESSAGES) != 0)
		return parse_fail(p, "Not an event of the selected mailbox");
	for (size_t i = 0; i < r->n; i++)
		if (is_selected(&r->groups[i]))
			return parse_fail(p, "SELECTED is there twice");
	return 0;
}

static int
parse_group(struct parser *p, struct notify_request *r)
{
	struct notify_group g = { .filter = NOTIFY_FILTERS };
	struct slice name;
	size_t i = 0;

	if (parse_char(p, '(') == -1 || parse_atom(p, &name) == -1)
		return -1;
	while (i < LEN(filters) &&
	       !slice_ieq(name, slice_str(filters[i].name)))
		i++;
	if (i == LEN(filters))
		return parse_fail(p, "Unknown mailbox specifier");
	g.filter = filters[i].filter;
	if (filters[i].names && parse_names(p, r, &g) == -1)
		return -1;
	if (parse_sp(p) == -1 || parse_events(p, r, &g) == -1 ||
	    parse_char(p, ')') == -1)
		return -1;
	if (!r->bad_event && check_group(p, r, &g) == -1)
		return -1;
	if (r->n == LIMIT_NOTIFY_GROUPS)
		r->too_much = true;
	else
		r->groups[r->n++] = g;
	return 0;
}

int
notify_parse(struct parser *p, struct notify_request *out)
{
	*out = (struct notify_request){ 0 };
	if (parse_sp(p) == -1)
		return -1;
	if (parse_word(p, S("NONE")))
		return parse_end(p);
	if (!parse_word(p, S("SET")))
		return parse_fail(p, "Expected SET or NONE");
	out->set = true;
	if (parse_sp(p) == -1)
		return -1;
	if (parse_word(p, S("STATUS"))) {
		out->status = true;
		if (parse_sp(p) == -1)
			return -1;
	}
	out->groups = arena_array(p->arena, LIMIT_NOTIFY_GROUPS,
	    sizeof(*out->groups));
	do {
		if (parse_group(p, out) == -1)
			return -1;
	} while (parse_try(p, ' '));
	return parse_end(p);
}

/* ---- which events a mailbox is in for ------------------------------------- */

static bool
covers(const struct notify_group *g, struct slice name, bool subscribed)
{
	if (g->filter == NOTIFY_PERSONAL)
		return box_separator(name) == '.';
	if (g->filter == NOTIFY_SUBSCRIBED)
		return subscribed;
	for (size_t i = 0; i < g->n; i++) {
		if (slice_eq(name, g->names[i]))
			return true;
		if (g->filter == NOTIFY_SUBTREE &&
		    slice_starts(name, g->names[i]) &&
		    name.p[g->names[i].n] == box_separator(name))
			return true;
	}
	return false;
}

unsigned
notify_events(const struct notify_group *groups, size_t n, struct slice name,
    bool subscribed)
{
	unsigned all = 0;

	for (size_t i = 0; i < n; i++)
		if (!is_selected(&groups[i]) &&
		    covers(&groups[i], name, subscribed))
			all |= groups[i].events;
	return all;
}
