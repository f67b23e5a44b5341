#include "services/imap/event.h"

#include "services/imap/notify.h"
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

void
event_publish(struct command *c)
{
	struct session *s;

	for (const struct event *e = c->events; e != NULL; e = e->next)
		LIST_EACH(s, &c->session->user->sessions, struct session,
		    user_link)
			notify_hear(s, e, s == c->session);
	c->events = NULL;
}
