#include "services/resolver/ladder.h"

#include "core/log.h"
#include "dns/answer.h"
#include "dns/upstream.h"

#define CLASS_IN 1
#define NONE RUNGS_MAX

/* The question whether one rung holds. */
struct trial {
	struct ub_ctx *ctx; /* NULL: there is none */
	struct loop_poll *poll;
	size_t rung;
	size_t end;   /* the first rung that is not tried */
	unsigned asked;
	bool done;
	bool again;   /* there was no answer, which one more may bring */
	bool holds;
};

struct ladder {
	struct loop *l;
	struct rungs rungs;
	struct buf anchors;
	struct trial trial;
	struct loop_timer *timeout; /* of the trial */
	struct loop_timer *retry;
	uint64_t pause;   /* before the next try of a better rung */
	uint64_t climbed; /* loop_now at the last try */
	size_t current; /* NONE before the first decision */
	bool proven;    /* current was seen to hold */
	void (*fn)(void *arg, struct ub_ctx *ctx);
	void *arg;
};

static void try_next(struct ladder *d);

static void
trial_end(struct ladder *d)
{
	loop_poll_free(d->trial.poll);
	loop_timer_stop(d->timeout);
	if (d->trial.ctx != NULL)
		upstream_free(d->trial.ctx);
	d->trial.poll = NULL;
	d->trial.ctx = NULL;
}

static const char *
reason(const struct ladder *d)
{
	const struct rung *best = &d->rungs.list[0];
	const struct rung *r = &d->rungs.list[d->current];

	if (!d->proven && r->validate == best->validate)
		return "nobody who could be asked answers yet";
	if (r->system == best->system)
		return "they give no answers with DNSSEC";
	if (r->validate == best->validate)
		return "only the servers of /etc/resolv.conf answer from here";
	return "only the servers of /etc/resolv.conf answer from here, and "
	    "without DNSSEC";
}

/* The one line that says whom we ask. */
static void
log_choice(const struct ladder *d)
{
	const struct rung *r = &d->rungs.list[d->current];
	bool best = d->current == 0 && d->proven;
	struct log_line l;

	log_begin(&l, best ? LOG_INFO : LOG_WARN, "dns-upstream");
	log_str(&l, "ask", r->dns);
	log_str(&l, "dnssec", r->validate ? "yes" : "no");
	if (!best)
		log_str(&l, "reason", reason(d));
	log_end(&l);
}

/* While it is not the best that is in use. */
static void
retry_later(struct ladder *d)
{
	if (d->current == 0 && d->proven) {
		d->pause = LADDER_RETRY;
		return;
	}
	loop_timer_start(d->retry, d->pause, 0);
	d->pause = d->pause > LADDER_RETRY_MAX / 2 ? LADDER_RETRY_MAX :
	    d->pause * 2;
}

static void
use(struct ladder *d, size_t rung, bool proven, struct ub_ctx *ctx)
{
	d->current = rung;
	d->proven = proven;
	d->pause = LADDER_RETRY;
	log_choice(d);
	d->fn(d->arg, ctx);
	retry_later(d);
}

static void
held(struct ladder *d)
{
	struct ub_ctx *ctx = d->trial.ctx;
	size_t rung = d->trial.rung;

	/* A new context has forgotten what it thinks of dead servers. */
	d->trial.ctx = NULL;
	trial_end(d);
	if (rung == d->current && d->proven) {
		upstream_free(ctx);
		retry_later(d);
	} else {
		use(d, rung, true, ctx);
	}
}

/* No rung that was tried holds. */
static void
none_held(struct ladder *d)
{
	const char *why = NULL;
	const struct rung *r = &d->rungs.list[d->rungs.fallback];
	struct ub_ctx *ctx;

	if (d->current != NONE) {
		retry_later(d);
		return;
	}
	ctx = upstream_new(r->dns, r->validate, buf_slice(&d->anchors), &why);
	if (ctx == NULL)
		panic("dns: %s", why);
	use(d, d->rungs.fallback, d->rungs.n == 1, ctx);
}

static void
trial_over(struct ladder *d)
{
	if (d->trial.holds) {
		held(d);
		return;
	}
	trial_end(d);
	d->trial.rung++;
	try_next(d);
}

static void
on_timeout(void *arg)
{
	struct ladder *d = arg;

	d->trial.holds = false;
	trial_over(d);
}

/* libunbound's callback; what follows must wait until it has returned. */
static void
on_result(void *arg, int err, struct ub_result *result)
{
	struct ladder *d = arg;
	struct wire_dns_answer a;

	answer_take(&a, err, result);
	d->trial.holds = rung_holds(&d->rungs.list[d->trial.rung], &a);
	d->trial.again = a.status == WIRE_DNS_SERVFAIL &&
	    d->trial.asked < RUNGS_PROBE_ASKS;
	d->trial.done = true;
	ub_resolve_free(result);
}

static int
trial_ask(struct ladder *d)
{
	d->trial.done = d->trial.again = d->trial.holds = false;
	d->trial.asked++;
	return ub_resolve_async(d->trial.ctx, RUNGS_PROBE_NAME,
	    RUNGS_PROBE_TYPE, CLASS_IN, d, on_result, NULL);
}

static void
on_readable(void *arg, int events UNUSED)
{
	struct ladder *d = arg;

	if (ub_process(d->trial.ctx) != 0)
		d->trial.done = true;
	if (d->trial.done && (!d->trial.again || trial_ask(d) != 0))
		trial_over(d);
}

static int
trial_begin(struct ladder *d)
{
	const struct rung *r = &d->rungs.list[d->trial.rung];
	const char *why = NULL;

	d->trial.asked = 0;
	d->trial.ctx = upstream_new(r->dns, r->validate,
	    buf_slice(&d->anchors), &why);
	if (d->trial.ctx == NULL || trial_ask(d) != 0) {
		log_error("dns", "reason=\"%s\"", why != NULL ? why :
		    "libunbound refuses a question");
		trial_end(d);
		return -1;
	}
	d->trial.poll = loop_poll_new(d->l, ub_fd(d->trial.ctx), on_readable,
	    d);
	loop_poll_set(d->trial.poll, LOOP_READ);
	loop_timer_start(d->timeout, RUNGS_PROBE_TIMEOUT, 0);
	return 0;
}

static void
try_next(struct ladder *d)
{
	while (d->trial.rung < d->trial.end) {
		if (trial_begin(d) == 0)
			return;
		d->trial.rung++;
	}
	none_held(d);
}

/*
 * How many rungs to try, from the best. What is used if none holds is not
 * tried where it is the last: a server that was named may know nothing but
 * what it is asked for.
 */
static size_t
rungs_to_try(const struct ladder *d, bool doubt)
{
	const struct rungs *r = &d->rungs;
	size_t all = r->fallback > 0 ? r->fallback : r->n;

	if (d->current == NONE || !d->proven)
		return all;
	if (!doubt)
		return d->current;
	if (!r->list[d->current].validate)
		return all;
	/* Who can spoil answers must not get us to do without DNSSEC, once it
	 * was there. */
	for (size_t i = 0; i < all; i++)
		if (!r->list[i].validate)
			return i;
	return all;
}

static void
climb(struct ladder *d, bool doubt)
{
	if (d->trial.ctx != NULL)
		return;
	loop_timer_stop(d->retry);
	d->climbed = loop_now(d->l);
	d->trial.rung = 0;
	d->trial.end = rungs_to_try(d, doubt);
	try_next(d);
}

static void
on_retry(void *arg)
{
	struct ladder *d = arg;

	climb(d, false);
}

void
ladder_doubt(struct ladder *d)
{
	/* Nor is it of use where nothing but the rung in use may be tried. */
	if (d->current == NONE || rungs_to_try(d, true) < 2 ||
	    loop_now(d->l) < d->climbed + LADDER_RETRY)
		return;
	climb(d, true);
}

struct ladder *
ladder_new(struct loop *l, struct rungs *rungs, struct buf *anchors,
    void (*fn)(void *arg, struct ub_ctx *ctx), void *arg)
{
	struct ladder *d = mem_zero(sizeof(*d));

	d->l = l;
	d->rungs = *rungs;
	*rungs = (struct rungs){ 0 };
	d->anchors = *anchors;
	buf_init(anchors, d->anchors.max);
	d->timeout = loop_timer_new(l, on_timeout, d);
	d->retry = loop_timer_new(l, on_retry, d);
	d->pause = LADDER_RETRY;
	d->current = NONE;
	d->fn = fn;
	d->arg = arg;
	if (d->rungs.n > 1)
		climb(d, false);
	else
		none_held(d);
	return d;
}

void
ladder_free(struct ladder *d)
{
	if (d == NULL)
		return;
	trial_end(d);
	loop_timer_free(d->timeout);
	loop_timer_free(d->retry);
	rungs_release(&d->rungs);
	buf_release(&d->anchors);
	mem_free(d);
}

void
ladder_status(const struct ladder *d, struct buf *out)
{
	const struct rung *r;

	if (d->current == NONE) {
		buf_adds(out, " upstream=none dnssec=no");
		return;
	}
	r = &d->rungs.list[d->current];
	buf_addf(out, " upstream=%s dnssec=%s", r->dns,
	    r->validate ? "yes" : "no");
}
