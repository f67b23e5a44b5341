#include "services/imap/fetch_plan.h"

#include "services/imap/output.h"

static const struct {
	const char *name;
	unsigned items;
} plain_items[] = {
	{ "UID", FETCH_UID },
	{ "FLAGS", FETCH_FLAGS },
	{ "INTERNALDATE", FETCH_INTERNALDATE },
	{ "SAVEDATE", FETCH_SAVEDATE }, /* RFC 8514 */
	{ "RFC822.SIZE", FETCH_SIZE },
	{ "ENVELOPE", FETCH_ENVELOPE },
	{ "BODYSTRUCTURE", FETCH_BODYSTRUCTURE },
	{ "MODSEQ", FETCH_MODSEQ },
	{ "EMAILID", FETCH_EMAILID }, /* RFC 8474 5.3 */
	{ "THREADID", FETCH_THREADID },
	{ "BODY", FETCH_BODY },
};

#define MACRO_FAST (FETCH_FLAGS | FETCH_INTERNALDATE | FETCH_SIZE)

static const struct {
	const char *name;
	unsigned items;
} macros[] = {
	{ "FAST", MACRO_FAST },
	{ "ALL", MACRO_FAST | FETCH_ENVELOPE },
	{ "FULL", MACRO_FAST | FETCH_ENVELOPE | FETCH_BODY },
};

/* The forms of RFC 822 days are sections under another label. */
static const struct {
	const char *name;
	const char *spec;
	enum mime_what what;
	bool peek;
} old_items[] = {
	{ "RFC822", "", MIME_ALL, false },
	{ "RFC822.HEADER", "HEADER", MIME_HEADER, true },
	{ "RFC822.TEXT", "TEXT", MIME_TEXT, false },
};

static struct fetch_section *
section_add(struct parser *p, struct fetch_plan *plan)
{
	if (plan->n == LIMIT_IMAP_SECTIONS) {
		parse_fail(p, "Too many sections");
		return NULL;
	}
	/* Grown by doubling within the arena. */
	if ((plan->n & (plan->n - 1)) == 0) {
		struct fetch_section *v = arena_array(p->arena,
		    plan->n == 0 ? 1 : plan->n * 2, sizeof(*v));

		if (plan->n > 0)
			memcpy(v, plan->sections, plan->n * sizeof(*v));
		plan->sections = v;
	}
	return &plan->sections[plan->n++];
}

/* "(" header-fld-name *(SP header-fld-name) ")" */
static int
parse_names(struct parser *p, struct fetch_section *sec)
{
	struct slice *names =
	    arena_array(p->arena, LIMIT_IMAP_FIELDS, sizeof(*names));

	if (parse_sp(p) == -1 || parse_char(p, '(') == -1)
		return -1;
	do {
		if (sec->n_names == LIMIT_IMAP_FIELDS)
			return parse_fail(p, "Too many field names");
		if (parse_astring(p, &names[sec->n_names++]) == -1)
			return -1;
	} while (parse_try(p, ' '));
	sec->names = names;
	return parse_char(p, ')');
}

static int
parse_spec(struct parser *p, struct fetch_section *sec)
{
	size_t from = p->at;
	char *upper;

	while (p->at < p->in.n &&
	       (ascii_is_alnum(p->in.p[p->at]) || p->in.p[p->at] == '.'))
		p->at++;
	upper = arena_dup(p->arena, slice_of(p->in.p + from, p->at - from));
	for (char *c = upper; *c != '\0'; c++)
		*c = ascii_upper(*c);
	sec->spec = slice_of(upper, p->at - from);
	if (!mime_spec_valid(sec->spec, &sec->what))
		return parse_fail(p, "Invalid section");
	if (sec->what == MIME_FIELDS || sec->what == MIME_FIELDS_NOT)
		return parse_names(p, sec);
	return 0;
}

static bool
names_are_cached(const struct fetch_section *sec)
{
	if (!slice_eq(sec->spec, S("HEADER.FIELDS")))
		return false;
	for (size_t i = 0; i < sec->n_names; i++)
		if (!store_header_is_cached(sec->names[i]))
			return false;
	return true;
}

static void
make_label(struct parser *p, struct fetch_section *sec)
{
	static const char *const names[FORMS] = { [FORM_BODY] = "BODY[",
		[FORM_BINARY] = "BINARY[", [FORM_SIZE] = "BINARY.SIZE[" };
	struct buf b = BUF_INIT(LIMIT_IMAP_COMMAND);

	buf_adds(&b, names[sec->form]);
	buf_add_slice(&b, sec->spec);
	for (size_t i = 0; i < sec->n_names; i++) {
		buf_adds(&b, i == 0 ? " (" : " ");
		out_astring(&b, sec->names[i]);
	}
	buf_adds(&b, sec->n_names > 0 ? ")]" : "]");
	if (sec->partial)
		buf_addf(&b, "<%u>", sec->offset);
	sec->label = arena_slice(p->arena, buf_slice(&b));
	buf_release(&b);
}

/* "<" number "." nz-number ">" */
static int
parse_partial(struct parser *p, struct fetch_section *sec)
{
	if (!parse_try(p, '<'))
		return 0;
	sec->partial = true;
	if (parse_number(p, &sec->offset) == -1 || parse_char(p, '.') == -1 ||
	    parse_nz_number(p, &sec->length) == -1)
		return -1;
	return parse_char(p, '>');
}

/* Behind the "[" of one of these. */
static const struct section_item {
	const char *name;
	enum fetch_form form;
	bool peek;
} section_items[] = {
	{ "BODY", FORM_BODY, false },
	{ "BODY.PEEK", FORM_BODY, true },
	{ "BINARY", FORM_BINARY, false },
	{ "BINARY.PEEK", FORM_BINARY, true },
	{ "BINARY.SIZE", FORM_SIZE, true },
};

static int
parse_section(struct parser *p, const struct section_item *item,
    struct fetch_plan *plan)
{
	struct fetch_section *sec = section_add(p, plan);

	if (sec == NULL || parse_spec(p, sec) == -1)
		return -1;
	sec->form = item->form;
	/* RFC 3516 section 7: section-binary has numbers only. */
	if (sec->form != FORM_BODY && sec->what != MIME_ALL)
		return parse_fail(p, "Invalid section");
	if (!parse_try(p, ']'))
		return parse_fail(p, "Expected ]");
	if (sec->form != FORM_SIZE && parse_partial(p, sec) == -1)
		return -1;
	plan->partial = plan->partial || sec->partial;
	sec->cached = names_are_cached(sec);
	plan->opens = plan->opens || !sec->cached;
	plan->sets_seen = plan->sets_seen || !item->peek;
	make_label(p, sec);
	return 0;
}

static int
parse_old(struct parser *p, struct slice name, struct fetch_plan *plan)
{
	struct fetch_section *sec;

	for (size_t i = 0; i < LEN(old_items); i++) {
		if (!slice_ieq(name, slice_str(old_items[i].name)))
			continue;
		sec = section_add(p, plan);
		if (sec == NULL)
			return -1;
		sec->label = slice_str(old_items[i].name);
		sec->spec = slice_str(old_items[i].spec);
		sec->what = old_items[i].what;
		plan->opens = true;
		plan->sets_seen = plan->sets_seen || !old_items[i].peek;
		return 0;
	}
	return parse_fail(p, "Unknown item");
}

/* [SP "(" "LAZY" ")"] (RFC 8970 section 6); other lists are the command's. */
static int
parse_preview(struct parser *p, struct fetch_plan *plan)
{
	struct fetch_section *sec = section_add(p, plan);

	if (sec == NULL)
		return -1;
	sec->form = FORM_PREVIEW;
	sec->label = S("PREVIEW");
	plan->opens = true;
	if (!slice_istarts(slice_from(p->in, p->at), S(" (LAZY")))
		return 0;
	p->at += S(" (").n;
	do {
		if (!parse_word(p, S("LAZY")))
			return parse_fail(p, "Unknown PREVIEW modifier");
	} while (parse_try(p, ' '));
	plan->lazy = true;
	return parse_char(p, ')');
}

static int
parse_item(struct parser *p, struct fetch_plan *plan)
{
	struct slice name;

	if (parse_keyword(p, &name) == -1)
		return -1;
	if (slice_ieq(name, S("PREVIEW")))
		return parse_preview(p, plan);
	for (size_t i = 0; i < LEN(section_items); i++)
		if (slice_ieq(name, slice_str(section_items[i].name)) &&
		    parse_try(p, '['))
			return parse_section(p, &section_items[i], plan);
	for (size_t i = 0; i < LEN(plain_items); i++)
		if (slice_ieq(name, slice_str(plain_items[i].name))) {
			plan->items |= plain_items[i].items;
			return 0;
		}
	return parse_old(p, name, plan);
}

static int
parse_items(struct parser *p, struct fetch_plan *plan)
{
	if (!parse_try(p, '(')) {
		for (size_t i = 0; i < LEN(macros); i++)
			if (parse_word(p, slice_str(macros[i].name))) {
				plan->items |= macros[i].items;
				return 0;
			}
		return parse_item(p, plan);
	}
	do {
		if (parse_item(p, plan) == -1)
			return -1;
	} while (parse_try(p, ' '));
	return parse_char(p, ')');
}

/* fetch-modifier (RFC 4466 2.4): CHANGEDSINCE and VANISHED (RFC 7162), PARTIAL
 * (RFC 9394). */
static int
parse_modifiers(struct parser *p, bool uid, struct fetch_plan *plan)
{
	bool since = false;

	if (parse_char(p, '(') == -1)
		return -1;
	do {
		if (parse_word(p, S("CHANGEDSINCE"))) {
			if (parse_sp(p) == -1 ||
			    parse_modseq(p, &plan->changed_since) == -1)
				return -1;
			since = true;
			plan->items |= FETCH_MODSEQ;
		} else if (uid && parse_word(p, S("VANISHED"))) {
			plan->vanished = true;
		} else if (!plan->ranged && parse_word(p, S("PARTIAL"))) {
			if (parse_sp(p) == -1 ||
			    search_range_parse(p, &plan->range) == -1)
				return -1;
			plan->ranged = true;
		} else {
			return parse_fail(p, "Unknown FETCH modifier");
		}
	} while (parse_try(p, ' '));
	if (plan->vanished && !since)
		return parse_fail(p, "VANISHED without CHANGEDSINCE");
	return parse_char(p, ')');
}

int
fetch_plan_parse(struct parser *p, bool uid, struct fetch_plan *out)
{
	*out = (struct fetch_plan){ 0 };
	if (parse_items(p, out) == -1)
		return -1;
	if (parse_try(p, ' ') && parse_modifiers(p, uid, out) == -1)
		return -1;
	/* RFC 3501 6.4.8: a UID FETCH always answers with the UID; with UIDONLY
	 * the response begins with it. */
	if (uid && !p->uidonly)
		out->items |= FETCH_UID;
	return parse_end(p);
}
