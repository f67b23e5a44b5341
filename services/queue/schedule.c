#include "services/queue/schedule.h"

#define DAY_MS (24u * 3600 * 1000)

bool
schedule_is_expired(const struct schedule *s, const struct envelope *e,
    const struct recipient *r)
{
	return r->state == RECIPIENT_WAITING && r->attempts > 0 && !e->hold &&
	    s->wall - e->created >= s->lifetime;
}

bool
schedule_is_late(const struct schedule *s, const struct envelope *e,
    const struct recipient *r)
{
	return r->state == RECIPIENT_WAITING && r->attempts > 0 &&
	    s->wall - e->created >= SCHEDULE_DELAY_S &&
	    envelope_owes_delay(e, r);
}

bool
schedule_owes(const struct schedule *s, const struct envelope *e)
{
	for (uint32_t i = 0; i < e->n; i++)
		if (e->rcpt[i].owed || schedule_is_late(s, e, &e->rcpt[i]))
			return true;
	return false;
}

/* The earlier of next and the moment that is that many seconds away. */
static uint64_t
sooner(const struct schedule *s, uint64_t next, int64_t seconds)
{
	uint64_t at = s->ms + (uint64_t)seconds * 1000;

	return seconds > 0 && at < next ? at : next;
}

uint64_t
schedule_next(const struct schedule *s, const struct envelope *e)
{
	int64_t age = s->wall - e->created;
	bool tried = false, late = false;
	uint64_t next = 0;

	for (uint32_t i = 0; i < e->n; i++) {
		const struct recipient *r = &e->rcpt[i];

		if (r->state != RECIPIENT_WAITING)
			continue;
		if (next == 0 || r->next_try < next)
			next = r->next_try > 0 ? r->next_try : 1;
		tried |= r->attempts > 0;
		late |= envelope_owes_delay(e, r);
	}
	if (next == 0)
		return 0;
	if (tried)
		next = sooner(s, next, s->lifetime - age);
	if (late)
		next = sooner(s, next, SCHEDULE_DELAY_S - age);
	return next < s->ms + DAY_MS ? next : s->ms + DAY_MS;
}
