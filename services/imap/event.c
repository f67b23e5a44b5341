#include "services/imap/event.h"

#include "services/imap/metadata.h"
#include "services/imap/session.h"

void
event_add(struct command *c, struct event e)
{
	struct event **end = &c->events;
	struct event *copy = arena_alloc(&c->arena, sizeof(*copy));

	while (*end != NULL)
		end = &(*end)->next;
	*copy = e;
	*end = copy;
}

static void
hear(struct session *s, const struct event *e)
{
	if (e->kind == EVENT_METADATA && s->metadata) {
		metadata_put_changed(&s->news, e->name, s->utf8, e->entries,
		    e->n);
		session_tell_news(s);
	}
}

void
event_publish(struct command *c)
{
	struct session *s;

	for (const struct event *e = c->events; e != NULL; e = e->next)
		LIST_EACH(s, &c->session->user->sessions, struct session,
		    user_link)
			if (s != c->session)
				hear(s, e);
	c->events = NULL;
}
