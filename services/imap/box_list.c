/* What others share, in lists of mailboxes. */
#include "mail/mutf7.h"
#include "services/imap/box.h"
#include "services/imap/session.h"

struct box_lister {
	struct command *c;
	struct store_list *list;
	struct map names;     /* of the entries that were added */
	struct arena *arena;  /* of the list */
	size_t cap;
	struct slice prefix;
	struct store_user *user;
};

static struct store_list_entry *
add(struct box_lister *l, struct slice name, unsigned attributes)
{
	struct store_list *list = l->list;
	size_t at = (size_t)(uintptr_t)map_get(&l->names, name);
	struct store_list_entry *e;

	if (at > 0) {
		e = &list->entries[at - 1];
		if ((attributes & STORE_NOSELECT) == 0)
			e->attributes &= ~(unsigned)STORE_NOSELECT;
		e->attributes |= attributes & ~(unsigned)STORE_NOSELECT;
		return e;
	}
	if (list->n == l->cap) {
		struct store_list_entry *more;

		l->cap = l->cap * 2 + 16;
		more = arena_array(l->arena, l->cap, sizeof(*more));
		if (list->n > 0)
			memcpy(more, list->entries, list->n * sizeof(*more));
		list->entries = more;
	}
	e = &list->entries[list->n++];
	*e = (struct store_list_entry){ .name = arena_dup(l->arena, name),
		.attributes = attributes | BOX_OTHER };
	map_put(&l->names, name, (void *)(uintptr_t)list->n);
	return e;
}

/* The name, and those above it where nothing is. */
static void
add_with_parents(struct box_lister *l, struct slice name, unsigned attributes)
{
	ssize_t slash;

	add(l, name, attributes);
	while ((slash = slice_rfind(name, '/')) > 0) {
		name = slice_head(name, (size_t)slash);
		add(l, name, STORE_NOSELECT | STORE_HASCHILDREN);
	}
}

static void
on_mailbox(void *ctx, struct slice name, unsigned rights UNUSED)
{
	struct box_lister *l = ctx;

	add_with_parents(l, box_name(&l->c->arena, l->prefix, name), 0);
}

static void
list_user(struct box_lister *l, struct slice address, struct slice prefix)
{
	struct session *s = l->c->session;
	const struct other *o = other_find(s, address);
	struct store_user *u;

	if ((o != NULL && !o->exists) ||
	    slice_eq(address, slice_str(s->user->address)) ||
	    store_user_open(s->worker->store, address, &u) != STORE_OK)
		return;
	l->prefix = prefix;
	(void)store_acl_each(u, slice_str(s->user->address), ACL_LOOKUP,
	    on_mailbox, l);
	store_user_close(u);
}

static void
on_owner(void *ctx, struct slice owner)
{
	struct box_lister *l = ctx;
	struct buf prefix = BUF_INIT(LIMIT_MAILBOX_NAME);

	/* They have a namespace of their own. */
	if (slice_eq(owner, slice_str(l->c->session->worker->conf.shared)))
		return;
	buf_adds(&prefix, BOX_OTHERS);
	if (mutf7_encode(&prefix, owner) == 0 && buf_ok(&prefix)) {
		buf_addc(&prefix, '/');
		list_user(l, owner, buf_slice(&prefix));
	}
	buf_release(&prefix);
}

static void
on_subscribed(void *ctx, struct slice name)
{
	struct box_lister *l = ctx;
	struct box_parts p;

	if (box_take_apart(l->c->session, &l->c->arena, name, &p) != 1)
		return;
	add(l, name, map_get(&l->names, name) != NULL ? STORE_SUBSCRIBED :
	    STORE_SUBSCRIBED | STORE_NOSELECT);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct store_list_entry *)a)->name,
	    ((const struct store_list_entry *)b)->name);
}

enum store_err
box_list(struct command *c, struct store_list *list)
{
	size_t own = list->n;
	struct session *s = c->session;
	struct slice shared = slice_str(s->worker->conf.shared);
	struct box_lister l = { .c = c, .list = list, .arena = list->memory,
		.cap = list->n };
	enum store_err err;

	map_init(&l.names);
	for (size_t i = 0; i < list->n; i++)
		map_put(&l.names, slice_str(list->entries[i].name),
		    (void *)(uintptr_t)(i + 1));
	err = store_shares_with(s->worker->store, slice_str(s->user->address),
	    on_owner, &l);
	if (shared.n > 0)
		list_user(&l, shared, S(BOX_SHARED));
	if (err == STORE_OK)
		err = store_subscribed_others(s->store, on_subscribed, &l);
	map_release(&l.names, NULL);
	if (list->n > own)
		qsort(list->entries + own, list->n - own,
		    sizeof(*list->entries), by_name);
	return err;
}
