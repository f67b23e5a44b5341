/*
 * A look at the user's mailboxes: names that came and went are told as LIST
 * (RFC 5465 5.4, 5.5), messages and flags as STATUS (5.1 to 5.3). What is told
 * is the difference to what was told before, however much happened in between,
 * so a client that does not read costs nothing more.
 */
#include "core/map.h"
#include "services/imap/box.h"
#include "services/imap/list.h"
#include "services/imap/name.h"
#include "services/imap/notify_state.h"
#include "services/imap/output.h"

void
notify_box_free(struct notify_box *b)
{
	mem_free(b->name);
	mem_free(b);
}

void
notify_changes_free(struct notify_change *c)
{
	while (c != NULL) {
		struct notify_change *next = c->next;

		mem_free(c->name);
		mem_free(c->from);
		mem_free(c);
		c = next;
	}
}

/* ---- names ---------------------------------------------------------------- */

static struct slice
parent_of(struct slice name)
{
	ssize_t dot = slice_rfind(name, box_separator(name));

	return dot > 0 ? slice_head(name, (size_t)dot) : S("");
}

/* Done by this client: it is not told (section 5). */
static bool
is_own(const struct notify_scan *k, struct slice name)
{
	for (const struct notify_change *c = k->changes; c != NULL;
	     c = c->next) {
		struct slice to = slice_str(c->name);

		if (c->own && (slice_eq(name, to) ||
		    slice_eq(name, parent_of(to)) || (c->from != NULL &&
		    slice_eq(name, parent_of(slice_str(c->from))))))
			return true;
	}
	return false;
}

static void
put_list(struct notify_scan *k, const struct store_list_entry *e,
    const char *from)
{
	struct list_form form = { .nonexistent = true, .subscribed = true,
		.utf8 = k->c->session->utf8 };
	struct buf *out = &k->c->out;

	list_put(out, e, &form);
	if (from != NULL) {
		buf_adds(out, " (\"OLDNAME\" (");
		name_put(out, slice_str(from), form.utf8);
		buf_adds(out, "))");
	}
	buf_adds(out, "\r\n");
}

static const struct store_list_entry *
find_entry(const struct store_list *list, struct slice name)
{
	for (size_t i = 0; i < list->n; i++)
		if (slice_eq(slice_str(list->entries[i].name), name))
			return &list->entries[i];
	return NULL;
}

/* The old names as they are called now; children come along untold. */
static void
take_rename(struct notify_scan *k, const struct notify_change *c,
    const struct store_list *list)
{
	struct slice from = slice_str(c->from);
	const struct store_list_entry *e =
	    find_entry(list, slice_str(c->name));
	bool told = false;

	for (size_t i = 0; i < k->n->n; i++) {
		struct notify_box *b = k->n->boxes[i];
		struct slice rest = slice_from(slice_str(b->name), from.n);
		struct buf name = BUF_INIT(LIMIT_MAILBOX_NAME * 2);

		if (!slice_starts(slice_str(b->name), from) ||
		    (rest.n > 0 && rest.p[0] != '.'))
			continue;
		if (rest.n == 0 && e != NULL && !c->own && ((b->events |
		    notify_events(k->n->groups, k->n->n_groups,
		    slice_str(c->name), (e->attributes & STORE_SUBSCRIBED) != 0))
		    & NOTIFY_NAME) != 0)
			told = true;
		buf_adds(&name, c->name);
		buf_add_slice(&name, rest);
		mem_free(b->name);
		b->name = buf_take(&name);
		b->moved = true;
	}
	if (told)
		put_list(k, e, c->from);
}

/* Names that are told once, although two reasons may call for it. */
struct affected {
	struct notify_scan *k;
	const struct store_list *list;
	struct map told;
};

static void
affect(struct affected *a, struct slice name)
{
	const struct store_list_entry *e = find_entry(a->list, name);
	struct store_list_entry gone = { .attributes = STORE_NOSELECT };

	if (name.n == 0 || is_own(a->k, name) ||
	    map_put(&a->told, name, a) != NULL)
		return;
	if (e == NULL) {
		gone.name = arena_dup(&a->k->c->arena, name);
		e = &gone;
	}
	put_list(a->k, e, NULL);
}

#define SHOWN (STORE_NOSELECT | STORE_HASCHILDREN)

/*
 * What became of one name: was or is may be missing. A mailbox that came or
 * went affects its parent (5.4).
 */
static void
compare(struct affected *a, const struct notify_box *was,
    const struct notify_box *is)
{
	const struct notify_box *b = is != NULL ? is : was;
	unsigned before = was != NULL ? was->attributes : STORE_NOSELECT;
	unsigned after = is != NULL ? is->attributes : STORE_NOSELECT;
	unsigned events = b->events | (was != NULL ? was->events : 0);
	struct slice name = slice_str(b->name);

	if ((events & NOTIFY_NAME) != 0 && ((before ^ after) & SHOWN) != 0)
		affect(a, name);
	if ((events & NOTIFY_NAME) != 0 &&
	    ((before ^ after) & STORE_NOSELECT) != 0)
		affect(a, parent_of(name));
	if ((events & NOTIFY_SUBSCRIPTION) != 0 &&
	    ((before ^ after) & STORE_SUBSCRIBED) != 0)
		affect(a, name);
}

static struct notify_box *
new_box(const struct notify_scan *k, const struct store_list_entry *e)
{
	struct notify_box *b = mem_zero(sizeof(*b));

	b->hint.session = k->c->session;
	b->name = mem_str(e->name);
	b->attributes = e->attributes;
	b->events = notify_events(k->n->groups, k->n->n_groups,
	    slice_str(e->name), (e->attributes & STORE_SUBSCRIBED) != 0);
	return b;
}

/* The new names beside the old ones, which are not changed. */
static void
merge(struct notify_scan *k, const struct store_list *list)
{
	struct affected a = { .k = k, .list = list };
	struct map old;

	map_init(&a.told);
	map_init(&old);
	for (size_t i = 0; i < k->n->n; i++)
		map_put(&old, slice_str(k->n->boxes[i]->name), k->n->boxes[i]);
	k->boxes = mem_array(list->n + 1, sizeof(*k->boxes));
	for (size_t i = 0; i < list->n; i++) {
		const struct store_list_entry *e = &list->entries[i];
		struct notify_box *was = map_remove(&old, slice_str(e->name));
		struct notify_box *is = new_box(k, e);

		if (k->tell)
			compare(&a, was, is);
		if (was != NULL) {
			was->joined = was->joined ||
			    ((was->events & NOTIFY_MESSAGES) == 0 &&
			    (is->events & NOTIFY_MESSAGES) != 0);
			was->events = is->events;
			was->attributes = is->attributes;
			notify_box_free(is);
			is = was;
		}
		k->boxes[k->n_boxes++] = is;
	}
	for (size_t i = 0; i < k->n->n && k->tell; i++)
		if (map_get(&old, slice_str(k->n->boxes[i]->name)) != NULL)
			compare(&a, k->n->boxes[i], NULL);
	map_release(&old, NULL);
	map_release(&a.told, NULL);
}

static enum store_err
scan_names(struct notify_scan *k)
{
	struct store_user *u = k->c->session->store;
	int64_t stamp = store_names_stamp(u);
	struct store_list list;
	enum store_err err;

	k->listed = true;
	/* Nothing says whether what others share has changed. */
	if (!k->n->abroad && stamp != 0 && stamp == k->n->stamp && k->changes == NULL &&
	    k->n->boxes != NULL)
		return STORE_OK;
	err = store_list(u, &list);
	if (err == STORE_OK && k->n->abroad)
		err = box_list(k->c, &list);
	if (err != STORE_OK) {
		store_list_release(&list);
		return err;
	}
	k->n->stamp = stamp;
	if (list.n > LIMIT_NOTIFY_MAILBOXES) {
		k->overflow = true;
	} else {
		for (const struct notify_change *c = k->changes; c != NULL;
		     c = c->next)
			if (c->from != NULL)
				take_rename(k, c, &list);
		merge(k, &list);
	}
	store_list_release(&list);
	return STORE_OK;
}

/* ---- messages ------------------------------------------------------------- */

enum { MESSAGES = 1, UIDNEXT = 2, UIDVALIDITY = 4, UNSEEN = 8, MODSEQ = 16 };

static void
put_status(struct notify_scan *k, const struct notify_box *b,
    const struct store_status *st, unsigned items)
{
	struct buf *out = &k->c->out;
	size_t from;

	buf_adds(out, "* STATUS ");
	name_put(out, slice_str(b->name), k->c->session->utf8);
	buf_adds(out, " (");
	from = out->n;
	if ((items & MESSAGES) != 0)
		buf_addf(out, "MESSAGES %u ", st->messages);
	if ((items & UIDNEXT) != 0)
		buf_addf(out, "UIDNEXT %u ", st->uidnext);
	if ((items & UIDVALIDITY) != 0)
		buf_addf(out, "UIDVALIDITY %u ", st->uidvalidity);
	if ((items & UNSEEN) != 0)
		buf_addf(out, "UNSEEN %u ", st->unseen);
	if ((items & MODSEQ) != 0)
		buf_addf(out, "HIGHESTMODSEQ %llu ",
		    (unsigned long long)st->highestmodseq);
	if (out->n > from)
		buf_truncate(out, out->n - 1);
	buf_adds(out, ")\r\n");
}

/* What the events of b call for (5.1 to 5.3). */
static unsigned
changed_items(const struct notify_scan *k, const struct notify_box *b,
    const struct store_status *st)
{
	bool condstore = k->c->session->condstore;
	bool flags = (b->events & NOTIFY_FLAGS) != 0;
	unsigned items = 0;

	if ((b->events & NOTIFY_NEW) != 0 && (st->messages != b->messages ||
	    st->uidnext != b->uidnext))
		items |= MESSAGES | UIDNEXT;
	if (st->uidvalidity != b->uidvalidity &&
	    (b->uidvalidity != 0 || st->messages > 0))
		items |= MESSAGES | UIDNEXT | UIDVALIDITY;
	if (flags && st->unseen != b->unseen)
		items |= UNSEEN | UIDVALIDITY;
	if (flags && condstore && st->highestmodseq != b->modseq)
		items |= UIDVALIDITY;
	return items != 0 && condstore ? items | MODSEQ : items;
}

/* NOTIFY SET STATUS (3.1). */
static unsigned
first_items(const struct notify_box *b)
{
	return MESSAGES | UIDNEXT | UIDVALIDITY |
	    ((b->events & NOTIFY_FLAGS) != 0 ? UNSEEN | MODSEQ : 0);
}

static bool
is_selected(const struct session *s, const struct notify_box *b)
{
	return box_is_selected(s, slice_str(b->name));
}

/*
 * RFC 5465 section 3.1 and 5.9: that a mailbox may not be read, or may be
 * again, is told once.
 */
static bool
find_readable(struct notify_scan *k, struct notify_box *b, struct box *out)
{
	enum store_err err = box_find(k->c, slice_str(b->name), ACL_READ, out);
	struct store_list_entry e = { .name = b->name,
		.attributes = b->attributes };
	bool blind = err == STORE_NO_RIGHT;

	if (blind != b->blind && (blind || err == STORE_OK)) {
		b->blind = blind;
		if (blind)
			e.attributes |= BOX_NO_ACCESS;
		put_list(k, &e, NULL);
	}
	return err == STORE_OK;
}

static void
look_at(struct notify_scan *k, struct notify_box *b)
{
	struct store_status st;
	struct box box;
	unsigned items;

	b->look = false;
	if (!find_readable(k, b, &box) ||
	    /* One that goes meanwhile is told by its name. */
	    store_status(box.user, box.name, &st) != STORE_OK)
		return;
	if (b->uidvalidity == 0)
		b->uidnext = 1; /* of a new one, where nothing is news */
	if (b->joined)
		items = 0;
	else if (k->tell)
		items = changed_items(k, b, &st);
	else
		items = k->status && !is_selected(k->c->session, b) ?
		    first_items(b) : 0;
	if (items != 0)
		put_status(k, b, &st, items);
	b->joined = false;
	b->messages = st.messages;
	b->uidnext = st.uidnext;
	b->uidvalidity = st.uidvalidity;
	b->unseen = st.unseen;
	b->modseq = st.highestmodseq;
}

static void
on_modseq(void *ctx, struct slice name, uint64_t modseq)
{
	const struct map *by_name = ctx;
	struct notify_box *b = map_get(by_name, name);

	if (b != NULL && b->modseq != modseq)
		b->look = true;
}

/* Which have changed, in one question to the index. */
static enum store_err
ask_modseqs(struct notify_scan *k, struct notify_box **boxes, size_t n)
{
	struct map by_name;
	enum store_err err;

	k->asked = true;
	map_init(&by_name);
	for (size_t i = 0; i < n; i++)
		map_put(&by_name, slice_str(boxes[i]->name), boxes[i]);
	err = store_modseqs(k->c->session->store, on_modseq, &by_name);
	map_release(&by_name, NULL);
	return err;
}

static bool
is_due(const struct notify_scan *k, const struct notify_box *b)
{
	bool first = b->uidvalidity == 0;

	if ((b->events & NOTIFY_MESSAGES) == 0 ||
	    (b->attributes & STORE_NOSELECT) != 0)
		return false;
	/* Its own look tells more; and what was told here stays. */
	if (is_selected(k->c->session, b))
		return first && !k->tell;
	if (k->status)
		return true;
	/* Asking would make it. */
	if ((b->attributes & STORE_VIRTUAL) != 0)
		return false;
	return b->look || first || b->joined || b->blind;
}

enum step
notify_scan_step(struct notify_scan *k, enum store_err *err)
{
	struct notify_box **boxes;
	size_t n;

	*err = k->listed ? STORE_OK : scan_names(k);
	if (*err != STORE_OK || k->overflow)
		return STEP_DONE;
	boxes = k->boxes != NULL ? k->boxes : k->n->boxes;
	n = k->boxes != NULL ? k->n_boxes : k->n->n;
	if ((k->n->others & NOTIFY_MESSAGES) == 0)
		return STEP_DONE;
	if (!k->asked)
		*err = ask_modseqs(k, boxes, n);
	while (*err == STORE_OK && k->at < n) {
		struct notify_box *b = boxes[k->at++];

		if (is_due(k, b))
			look_at(k, b);
		if (command_should_yield(k->c) && k->at < n)
			return STEP_MORE;
	}
	return STEP_DONE;
}
