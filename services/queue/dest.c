/* Destinations: how many jobs at once, which rest. See run.h. */
#include "services/queue/run.h"

#include "core/log.h"
#include "core/rand.h"
#include "mail/addr.h"

/* Requests to deliver at once, beside those of the direct deliveries. */
#define LOCAL_CONCURRENCY 8

void
dests_init(struct dests *d)
{
	*d = (struct dests){ .sweep_at = 64 };
	map_init(&d->by_name);
	list_init(&d->ready[false]);
	list_init(&d->ready[true]);
}

static void
dest_free(struct dest *d)
{
	list_remove(&d->ready);
	mem_free(d->why);
	mem_free(d);
}

bool
dest_is_resting(const struct dest *d, uint64_t now)
{
	return d->rest_until > now;
}

/* Forgets destinations without work; amortised over their creation. */
static void
dests_sweep(struct run *run)
{
	struct dests *all = &run->dests;
	uint64_t now = loop_now(run->queue->loop);
	struct map_iter it = { 0 };
	struct slice key;
	void *value;

	if (all->by_name.count < all->sweep_at)
		return;
	while (map_next(&all->by_name, &it, &key, &value)) {
		struct dest *d = value;

		if (d->active == 0 && d->building == NULL &&
		    list_is_empty(&d->waiting) && !dest_is_resting(d, now)) {
			map_remove(&all->by_name, key);
			dest_free(d);
		}
	}
	all->sweep_at = all->by_name.count * 2 > 64 ?
	    all->by_name.count * 2 : 64;
}

static struct dest *
dest_get(struct run *run, struct slice name, bool local)
{
	struct dest *d = map_get(&run->dests.by_name, name);

	if (d != NULL)
		return d;
	dests_sweep(run);
	d = mem_zero(sizeof(*d) + name.n + 1);
	memcpy(d->name, name.p, name.n);
	d->local = local;
	list_init(&d->ready);
	list_init(&d->waiting);
	map_put(&run->dests.by_name, name, d);
	return d;
}

/*
 * dms-compat 6.11: RELAY_HOST for what our domains send, then
 * DEFAULT_RELAY_HOST, then the recipient's domain.
 */
struct dest *
dest_of(struct run *run, const struct message *m, const struct recipient *r,
    struct buf *name)
{
	const struct conf *conf = run->queue->conf;
	struct slice domain = addr_domain_of(r->address);

	buf_clear(name);
	if (r->kind == RECIPIENT_LOCAL)
		return dest_get(run, S(" local"), true);
	if (conf->relay_host[0] != '\0' && (m->env.flags & ENVELOPE_OURS))
		buf_addf(name, "[%s]:%llu", conf->relay_host,
		    (unsigned long long)conf->relay_host_port);
	else if (conf->default_relay_host[0] != '\0')
		buf_adds(name, conf->default_relay_host);
	else
		for (size_t i = 0; i < domain.n; i++)
			buf_addc(name, ascii_lower(domain.p[i]));
	return dest_get(run, buf_slice(name), false);
}

static bool
dest_may_start(const struct run *run, const struct dest *d)
{
	uint64_t most = d->local ? LOCAL_CONCURRENCY :
	    run->queue->conf->relay_concurrency;

	return d->active < most && !list_is_empty(&d->waiting);
}

static void
dest_make_ready(struct run *run, struct dest *d)
{
	list_remove(&d->ready);
	if (dest_may_start(run, d))
		list_push(&run->dests.ready[d->local], &d->ready);
}

void
dest_enqueue(struct run *run, struct dest *d, struct job *job)
{
	list_push(&d->waiting, &job->link);
	dest_make_ready(run, d);
}

void
dest_rest(struct run *run, struct dest *d, struct slice why)
{
	uint64_t now = loop_now(run->queue->loop), wait;
	struct log_line l;

	/* What fails beside the first is the same failure. */
	if (!dest_is_resting(d, now)) {
		wait = retry_delay(&run->rule, ++d->failures,
		    rand_below(1u << 20));
		d->rest_until = now + wait;
		mem_free(d->why);
		d->why = slice_dup(why);
		log_begin(&l, LOG_WARN, "rest");
		log_str(&l, "nexthop", d->name);
		log_num(&l, "seconds", (int64_t)(wait / 1000));
		log_slice(&l, "reason", why);
		log_end(&l);
	}
	list_remove(&d->ready);
	while (!list_is_empty(&d->waiting))
		job_cancel(LIST_FIRST(&d->waiting, struct job, link),
		    d->rest_until + rand_below(1000), why);
}

void
dest_ended(struct run *run, struct dest *d, bool reached)
{
	if (!d->local)
		run->dests.active--;
	d->active--;
	if (reached)
		d->failures = 0;
	dest_make_ready(run, d);
	dests_pump(run);
}

/* A job that ends as it starts comes back here; the loop goes on with it. */
void
dests_pump(struct run *run)
{
	if (run->dests.pumping || service_is_stopping(run->queue->service))
		return;
	run->dests.pumping = true;
	for (int local = 0; local < 2; local++) {
		struct list *ready = &run->dests.ready[local];

		while (!list_is_empty(ready)) {
			struct dest *d = LIST_FIRST(ready, struct dest, ready);
			struct job *job;

			if (!local && run->dests.active >=
			    run->queue->conf->relay_connections)
				break;
			job = LIST_FIRST(&d->waiting, struct job, link);
			list_remove(&job->link);
			if (job->message->deleted || job->message->env.hold) {
				job_cancel(job, 0, S(""));
				dest_make_ready(run, d);
				continue;
			}
			d->active++;
			if (!local)
				run->dests.active++;
			dest_make_ready(run, d);
			job_start(run, job);
		}
	}
	run->dests.pumping = false;
}

void
dests_wake(struct run *run)
{
	struct map_iter it = { 0 };
	struct slice key;
	void *value;

	while (map_next(&run->dests.by_name, &it, &key, &value)) {
		struct dest *d = value;

		d->rest_until = 0;
		d->failures = 0;
	}
}
