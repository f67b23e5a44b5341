#include "services/imap/other.h"

#include "services/imap/limits.h"
#include "services/imap/session.h"

struct other *
other_find(const struct session *s, struct slice address)
{
	struct other *o;

	LIST_EACH(o, &s->others, struct other, link)
		if (slice_eq(slice_str(store_user_address(o->store)), address))
			return o;
	return NULL;
}

struct other *
other_get(struct session *s, struct slice address)
{
	struct other *o = other_find(s, address);
	struct store_user *u;

	if (o != NULL)
		return o;
	if (store_user_open(s->worker->store, address, &u) != STORE_OK)
		return NULL;
	o = mem_zero(sizeof(*o));
	o->session = s;
	o->store = u;
	o->exists = true;
	list_push(&s->others, &o->link);
	s->n_others++;
	return o;
}

static void
other_free(struct other *o)
{
	list_remove(&o->link);
	o->session->n_others--;
	store_user_close(o->store);
	mem_free(o);
}

void
other_free_all(struct session *s)
{
	struct other *o;

	while ((o = LIST_FIRST(&s->others, struct other, link)) != NULL)
		other_free(o);
}

/* ---- their limits --------------------------------------------------------- */

/* A user whose mailbox the command names. */
struct other_named {
	struct other_named *next;
	struct slice address;
};

void
other_note(struct command *c, struct slice address)
{
	struct other_named *w = arena_alloc(&c->arena, sizeof(*w));

	w->address = address;
	w->next = c->owners;
	c->owners = w;
}

static void
on_asked(void *arg, struct chan_frame *reply)
{
	struct other *o = arg;
	struct session *s = o->session;

	o->asked = 0;
	if (limits_read(reply, &o->quota, &o->exists))
		o->known = true;
	if (--s->cmd->asking == 0)
		session_go_on(s);
}

static bool
is_needed(const struct session *s, const struct other *o)
{
	return s->view != NULL &&
	    store_mailbox_user(s->view->mailbox) == o->store;
}

bool
other_ready(struct command *c)
{
	struct session *s = c->session;
	uint64_t now = loop_now(s->worker->loop);
	struct other *o;

	if (c->owners_asked)
		return c->asking == 0;
	c->owners_asked = true;
	if (s->n_others > LIMIT_IMAP_OTHERS)
		LIST_EACH(o, &s->others, struct other, link)
			if (!is_needed(s, o))
				other_free(o);
	for (const struct other_named *w = c->owners; w != NULL; w = w->next) {
		o = other_get(s, w->address);
		if (o == NULL || o->asked != 0 || (o->known &&
		    now - o->asked_at < LIMITS_FRESH_MS))
			continue;
		o->asked_at = now;
		c->asking++;
		o->asked = limits_ask_address(s->worker,
		    store_user_address(o->store), on_asked, o);
	}
	return c->asking == 0;
}

void
other_begin(struct session *s)
{
	struct other *o;

	LIST_EACH(o, &s->others, struct other, link)
		store_user_set_quota(o->store, &o->quota);
}

void
other_end(struct session *s)
{
	struct store_usage held;
	struct other *o;

	LIST_EACH(o, &s->others, struct other, link)
		if (store_user_usage(o->store, &held))
			limits_report(s->worker, store_user_address(o->store),
			    &held);
}
