#include "services/imap/mailbox_filter.h"

#include "services/imap/box.h"

static int
add_name(struct parser *p, struct mailbox_filter *f)
{
	struct slice name;

	if (f->n == LIMIT_IMAP_PATTERNS)
		return parse_fail(p, "Too many mailboxes");
	if (parse_mailbox(p, &name) == -1)
		return -1;
	/* Room is doubled at each power of two. */
	if ((f->n & (f->n - 1)) == 0) {
		struct slice *more = arena_array(p->arena,
		    f->n == 0 ? 1 : f->n * 2, sizeof(*more));

		for (size_t i = 0; i < f->n; i++)
			more[i] = f->names[i];
		f->names = more;
	}
	f->names[f->n++] = name;
	return 0;
}

/* one-or-more-mailbox (RFC 5465 section 8) */
static int
read_names(struct parser *p, struct mailbox_filter *f)
{
	if (parse_sp(p) == -1)
		return -1;
	if (!parse_try(p, '('))
		return add_name(p, f);
	do {
		if (add_name(p, f) == -1)
			return -1;
	} while (parse_try(p, ' '));
	return parse_char(p, ')');
}

int
mailbox_filter_parse(struct parser *p, struct mailbox_filter *out)
{
	static const struct {
		const char *name;
		enum mailbox_filter_kind kind;
	} kinds[] = {
		{ "SELECTED", FILTER_SELECTED },
		{ "INBOXES", FILTER_INBOXES },
		{ "PERSONAL", FILTER_PERSONAL },
		{ "SUBSCRIBED", FILTER_SUBSCRIBED },
		{ "SUBTREE", FILTER_SUBTREE },
		{ "SUBTREE-ONE", FILTER_SUBTREE_ONE },
		{ "MAILBOXES", FILTER_MAILBOXES },
	};
	size_t i = 0;

	*out = (struct mailbox_filter){ 0 };
	while (i < LEN(kinds) && !parse_word(p, slice_str(kinds[i].name)))
		i++;
	if (i == LEN(kinds))
		return parse_fail(p, "Unknown mailbox specifier");
	out->kind = kinds[i].kind;
	return out->kind < FILTER_SUBTREE ? 0 : read_names(p, out);
}

int
mailbox_filters_parse(struct parser *p, struct mailbox_filter **out)
{
	struct mailbox_filter **tail = out;
	size_t n = 0;

	*out = NULL;
	do {
		if (n++ == LIMIT_IMAP_PATTERNS)
			return parse_fail(p, "Too many mailboxes");
		*tail = arena_alloc(p->arena, sizeof(**tail));
		if (mailbox_filter_parse(p, *tail) == -1)
			return -1;
		tail = &(*tail)->next;
		/* What follows may be a list of options. */
	} while (parse_peek(p) == ' ' && p->at + 1 < p->in.n &&
	    p->in.p[p->at + 1] != '(' && parse_try(p, ' '));
	return 0;
}

/* True if name is root or below it, at any level or the first. */
static bool
is_below(struct slice name, struct slice root, bool one)
{
	struct slice rest = slice_from(name, root.n);
	char separator = box_separator(name);

	if (!slice_starts(name, root))
		return false;
	if (rest.n == 0)
		return true;
	return rest.p[0] == separator &&
	    (!one || slice_rfind(rest, separator) == 0);
}

static bool
filter_has(const struct mailbox_filter *f, const struct store_list_entry *e)
{
	struct slice name = slice_str(e->name);

	switch (f->kind) {
	case FILTER_SELECTED:
		return false;
	case FILTER_INBOXES:
		return slice_eq(name, S("INBOX"));
	case FILTER_PERSONAL:
		return (e->attributes & BOX_OTHER) == 0;
	case FILTER_SUBSCRIBED:
		return (e->attributes & STORE_SUBSCRIBED) != 0;
	default:
		break;
	}
	for (size_t i = 0; i < f->n; i++)
		if (f->kind == FILTER_MAILBOXES ?
		    slice_eq(name, f->names[i]) :
		    is_below(name, f->names[i], f->kind == FILTER_SUBTREE_ONE))
			return true;
	return false;
}

bool
mailbox_filters_have(const struct mailbox_filter *list,
    const struct store_list_entry *entry)
{
	if ((entry->attributes & STORE_NOSELECT) != 0)
		return false;
	for (; list != NULL; list = list->next)
		if (filter_has(list, entry))
			return true;
	return false;
}

bool
mailbox_filters_others(const struct mailbox_filter *list)
{
	for (; list != NULL; list = list->next) {
		if (list->kind == FILTER_SUBSCRIBED)
			return true;
		for (size_t i = 0; i < list->n; i++)
			if (box_reaches_others(list->names[i]))
				return true;
	}
	return false;
}

bool
mailbox_filters_name(const struct mailbox_filter *list,
    enum mailbox_filter_kind kind)
{
	for (; list != NULL; list = list->next)
		if (list->kind == kind)
			return true;
	return false;
}
