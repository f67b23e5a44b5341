#include "services/resolver/resolver.h"

#include "core/list.h"
#include "core/log.h"
#include "core/map.h"
#include "dns/answer.h"
#include "dns/question.h"
#include "dns/upstream.h"
#include "services/resolver/ladder.h"
#include "services/resolver/refusal.h"

#define CLASS_IN 1
#define TELL_EVERY 60000

/* One question under way. */
struct query {
	struct list link; /* resolver.queries, oldest first */
	struct resolver *r;
	struct question q;
	const struct chan *by; /* who asked first; NULL: has left */
	struct list waiters;
	uint64_t since;
	uint64_t deadline;
	int async_id;
	bool asked; /* async_id holds */
};

/* One answer owed. */
struct waiter {
	struct list link;
	struct chan *c;
	uint32_t id;
};

struct resolver {
	struct loop *l;
	struct ladder *ladder;
	struct ub_ctx *ctx; /* NULL until the ladder found one */
	struct loop_poll *poll;
	struct loop_timer *timer;
	struct refusal *refusal; /* NULL: no servers were named */
	struct loop_timer *suspicion;
	bool suspicious;         /* that timer runs */
	bool refused;            /* nobody was there when we looked last */
	struct map by_key;
	struct list queries;
	size_t waiters;
	uint64_t asked;
	uint64_t timeouts;
	uint64_t refusals; /* questions beyond the caps */
	uint64_t told;     /* loop_now when that was logged last, or 0 */
};

/* The record types that our processes need. */
static bool
type_known(uint32_t type)
{
	static const uint32_t known[] = { DNS_A, DNS_CNAME, DNS_PTR, DNS_MX,
		DNS_TXT, DNS_AAAA, DNS_TLSA };

	for (size_t i = 0; i < LEN(known); i++)
		if (known[i] == type)
			return true;
	return false;
}

static void
send_answer(struct chan *c, uint32_t id, const struct wire_dns_answer *a)
{
	struct buf b = WIRE_BUF;

	wire_dns_answer_put(&b, a);
	if (buf_ok(&b))
		chan_send(c, WIRE_DNS_ANSWER, id, buf_slice(&b), -1);
	buf_release(&b);
}

static void
send_status(struct chan *c, uint32_t id, enum wire_dns_status status)
{
	struct wire_dns_answer a = { .status = status };

	send_answer(c, id, &a);
}

/* Answers everyone who waits for query and frees it. */
static void
query_finish(struct query *query, const struct wire_dns_answer *a)
{
	struct resolver *r = query->r;
	char key[QUESTION_NAME + 5];
	struct waiter *w;

	map_remove(&r->by_key, question_key(&query->q, key));
	list_remove(&query->link);
	LIST_EACH(w, &query->waiters, struct waiter, link) {
		list_remove(&w->link);
		r->waiters--;
		send_answer(w->c, w->id, a);
		mem_free(w);
	}
	mem_free(query);
}

/* libunbound's callback, from ub_process on our loop. */
static void
on_result(void *arg, int err, struct ub_result *result)
{
	struct query *query = arg;
	struct wire_dns_answer a;

	answer_take(&a, err, result);
	if (a.status == WIRE_DNS_BOGUS) {
		struct log_line l;

		log_begin(&l, LOG_WARN, "dns-bogus");
		log_str(&l, "name", query->q.name);
		log_num(&l, "type", query->q.type);
		log_str(&l, "reason", result->why_bogus);
		log_end(&l);
	}
	if (a.status == WIRE_DNS_SERVFAIL)
		ladder_doubt(query->r->ladder);
	query_finish(query, &a);
	ub_resolve_free(result);
}

static void
on_readable(void *arg, int events UNUSED)
{
	struct resolver *r = arg;
	int err = ub_process(r->ctx);

	if (err != 0)
		panic("libunbound: %s", ub_strerror(err));
}

static void
query_fail(struct query *query)
{
	static const struct wire_dns_answer none = {
		.status = WIRE_DNS_SERVFAIL };

	if (query->asked)
		ub_cancel(query->r->ctx, query->async_id);
	query_finish(query, &none);
}

/* All wait equally long, so the oldest is due first. */
static void
arm(struct resolver *r)
{
	struct query *first = LIST_FIRST(&r->queries, struct query, link);
	uint64_t now = loop_now(r->l);

	if (first != NULL)
		loop_timer_start(r->timer, first->deadline > now ?
		    first->deadline - now : 0, 0);
}

static void
on_timer(void *arg)
{
	struct resolver *r = arg;
	struct query *query;
	bool doubt = false;

	while ((query = LIST_FIRST(&r->queries, struct query, link)) != NULL &&
	    query->deadline <= loop_now(r->l)) {
		struct log_line l;

		log_begin(&l, LOG_INFO, "dns-timeout");
		log_str(&l, "name", query->q.name);
		log_num(&l, "type", query->q.type);
		log_end(&l);
		r->timeouts++;
		query_fail(query);
		doubt = true;
	}
	if (doubt)
		ladder_doubt(r->ladder);
	arm(r);
}

static void
suspect(struct resolver *r)
{
	if (r->refusal == NULL || r->suspicious ||
	    list_is_empty(&r->queries))
		return;
	r->suspicious = true;
	loop_timer_start(r->suspicion, REFUSAL_PATIENCE, 0);
}

/* Does a question wait because nobody is there to answer it? */
static void
on_suspicion(void *arg)
{
	struct resolver *r = arg;
	struct query *first = LIST_FIRST(&r->queries, struct query, link);
	uint64_t now = loop_now(r->l);
	struct query *query;

	r->suspicious = false;
	if (first != NULL && now - first->since >= REFUSAL_PATIENCE)
		r->refused = refusal_look(r->refusal);
	if (first != NULL && r->refused) {
		log_warn("dns-refused", "questions=%zu", r->by_key.count);
		LIST_EACH(query, &r->queries, struct query, link)
			query_fail(query);
	}
	suspect(r);
}

static void
query_wait(struct query *query, struct chan *c, uint32_t id)
{
	struct waiter *w = mem_zero(sizeof(*w));

	w->c = c;
	w->id = id;
	list_push(&query->waiters, &w->link);
	query->r->waiters++;
}

static int
query_ask(struct query *query)
{
	int err = ub_resolve_async(query->r->ctx, query->q.name,
	    (int)query->q.type, CLASS_IN, query, on_result, &query->async_id);

	query->asked = err == 0;
	if (err != 0)
		log_error("dns", "reason=\"%s\"", ub_strerror(err));
	return err == 0 ? 0 : -1;
}

/* Has c as many questions under way as it may? What it asks comes from
 * strangers, who can name a thousand dead domains; nobody else is to wait for
 * those. */
static bool
share_is_used(const struct resolver *r, const struct chan *c)
{
	const struct query *query;
	size_t n = 0;

	LIST_EACH(query, &r->queries, struct query, link)
		n += query->by == c;
	return n >= LIMIT_DNS_SHARE;
}

/* One line a minute says that it happens. */
static void
refuse(struct resolver *r)
{
	r->refusals++;
	if (r->told != 0 && loop_now(r->l) < r->told + TELL_EVERY)
		return;
	r->told = loop_now(r->l);
	log_warn("dns-busy", "questions=%zu effect=\"more are put off: name "
	    "servers do not answer\"", r->by_key.count);
}

/* NULL if it cannot be asked now. */
static struct query *
query_new(struct resolver *r, const struct question *q, struct slice key,
    const struct chan *c)
{
	struct query *query;

	if (r->by_key.count >= LIMIT_DNS_QUESTIONS || share_is_used(r, c)) {
		refuse(r);
		return NULL;
	}
	/* No patience with servers that are known to be away. */
	if (r->refused && (r->refused = refusal_look(r->refusal)))
		return NULL;
	query = mem_zero(sizeof(*query));
	query->r = r;
	query->q = *q;
	query->by = c;
	query->since = loop_now(r->l);
	query->deadline = query->since + LIMIT_DNS_TIMEOUT;
	list_init(&query->waiters);
	if (r->ctx != NULL && query_ask(query) != 0) {
		mem_free(query);
		return NULL;
	}
	list_push(&r->queries, &query->link);
	map_put(&r->by_key, key, query);
	arm(r);
	suspect(r);
	return query;
}

int
resolver_ask(struct resolver *r, struct chan *c, uint32_t id,
    struct slice payload)
{
	struct wire_in in = wire_in(payload);
	struct slice name = wire_get_slice(&in, LIMIT_FRAME);
	uint32_t type = wire_get_u32(&in);
	char key_bytes[QUESTION_NAME + 5];
	struct wire_dns_answer a;
	struct query *query;
	struct question q;
	struct slice key;

	if (wire_end(&in) != 0 || !type_known(type))
		return -1;
	r->asked++;
	if (question_set(&q, name, type, NULL) != 0) {
		send_status(c, id, WIRE_DNS_NXDOMAIN);
		return 0;
	}
	if (question_local(&q, &a)) {
		send_answer(c, id, &a);
		return 0;
	}
	key = question_key(&q, key_bytes);
	query = map_get(&r->by_key, key);
	if (r->waiters >= LIMIT_DNS_WAITERS)
		query = NULL;
	else if (query == NULL)
		query = query_new(r, &q, key, c);
	if (query != NULL)
		query_wait(query, c, id);
	else
		send_status(c, id, WIRE_DNS_SERVFAIL);
	return 0;
}

void
resolver_forget(struct resolver *r, const struct chan *c)
{
	struct query *query;
	struct waiter *w;

	LIST_EACH(query, &r->queries, struct query, link) {
		if (query->by == c)
			query->by = NULL;
		LIST_EACH(w, &query->waiters, struct waiter, link) {
			if (w->c != c)
				continue;
			list_remove(&w->link);
			r->waiters--;
			mem_free(w);
		}
	}
}

void
resolver_status(const struct resolver *r, struct buf *out)
{
	buf_addf(out, " asked=%llu pending=%zu timeouts=%llu refusals=%llu",
	    (unsigned long long)r->asked, r->by_key.count,
	    (unsigned long long)r->timeouts,
	    (unsigned long long)r->refusals);
	ladder_status(r->ladder, out);
}

/* From the ladder: what is under way is asked again, there. */
static void
on_upstream(void *arg, struct ub_ctx *ctx)
{
	static const struct wire_dns_answer none = {
		.status = WIRE_DNS_SERVFAIL };
	struct resolver *r = arg;
	struct query *query;

	loop_poll_free(r->poll);
	if (r->ctx != NULL)
		upstream_free(r->ctx);
	r->ctx = ctx;
	r->poll = loop_poll_new(r->l, ub_fd(ctx), on_readable, r);
	loop_poll_set(r->poll, LOOP_READ);
	LIST_EACH(query, &r->queries, struct query, link)
		if (query_ask(query) != 0)
			query_finish(query, &none);
}

struct resolver *
resolver_new(struct loop *l, struct rungs *rungs, struct buf *anchors)
{
	struct resolver *r = mem_zero(sizeof(*r));

	r->l = l;
	map_init(&r->by_key);
	list_init(&r->queries);
	r->timer = loop_timer_new(l, on_timer, r);
	r->suspicion = loop_timer_new(l, on_suspicion, r);
	if (rungs->n == 1)
		r->refusal = refusal_new(rungs->list[0].dns);
	r->ladder = ladder_new(l, rungs, anchors, on_upstream, r);
	return r;
}

void
resolver_free(struct resolver *r)
{
	struct query *query;

	if (r == NULL)
		return;
	ladder_free(r->ladder);
	loop_poll_free(r->poll);
	loop_timer_free(r->timer);
	loop_timer_free(r->suspicion);
	refusal_free(r->refusal);
	if (r->ctx != NULL)
		upstream_free(r->ctx);
	LIST_EACH(query, &r->queries, struct query, link) {
		struct waiter *w;

		LIST_EACH(w, &query->waiters, struct waiter, link)
			mem_free(w);
		mem_free(query);
	}
	map_release(&r->by_key, NULL);
	mem_free(r);
}
