/* SPF for one message. See spf_work.h. */
#include "services/dkim/spf_work.h"

/* RFC 7208 section 4.6.4: at least 20 seconds. The queue waits for 25. */
#define DEADLINE_MS 20000

static void go_on(struct spf_part *p);

static void
on_answer(void *arg, struct chan_frame *reply)
{
	struct spf_part *p = arg;
	struct wire_dns_answer a;

	if (reply == NULL || reply->type != WIRE_DNS_ANSWER ||
	    wire_dns_answer_get(reply->payload, &a) == -1)
		spf_answer(&p->spf, NULL);
	else
		spf_answer(&p->spf, &a);
	go_on(p);
}

static void
ask(struct spf_part *p, const struct dns_question *q, uint64_t ms)
{
	struct buf b = WIRE_BUF;

	wire_put_slice(&b, q->name);
	wire_put_u32(&b, q->type);
	peer_request(p->work->dkim->resolver, WIRE_DNS_ASK, buf_slice(&b), -1,
	    ms, on_answer, p);
	buf_release(&b);
}

static void
part_done(struct spf_work *w)
{
	if (--w->waiting == 0)
		w->cb(w->arg);
}

static void
go_on(struct spf_part *p)
{
	struct spf_work *w = p->work;
	uint64_t now = loop_now(w->dkim->loop);
	struct dns_question q;

	if (now >= w->until)
		spf_give_up(&p->spf);
	if (spf_step(&p->spf, &q) == MSGAUTH_ASK)
		ask(p, &q, w->until - now);
	else
		part_done(w);
}

/* dms-compat 6.9: what comes from this machine is not judged. */
static bool
is_loopback(const struct spf_ip *ip)
{
	static const unsigned char v6[16] = { [15] = 1 };

	return ip->v6 ? memcmp(ip->bytes, v6, sizeof(v6)) == 0 :
	    ip->bytes[0] == 127;
}

static void
add_part(struct spf_work *w, enum spf_identity identity)
{
	struct spf_part *p = &w->parts[w->n++];

	p->work = w;
	spf_init(&p->spf, &w->check, identity);
}

bool
spf_work_start(struct spf_work *w, struct dkim *d, struct slice client,
    const struct spf_check *check, void (*cb)(void *arg), void *arg)
{
	w->dkim = d;
	w->check = *check;
	w->until = loop_now(d->loop) + DEADLINE_MS;
	w->n = 0;
	if (spf_ip_parse(&w->check.ip, client) == -1 ||
	    is_loopback(&w->check.ip))
		return false;
	/* Section 2.4: the null path stands for postmaster at the HELO name,
	 * which is what the HELO check asks about anyway. */
	if (check->sender.n > 0)
		add_part(w, SPF_MAILFROM);
	add_part(w, SPF_HELO);
	w->cb = cb;
	w->arg = arg;
	/* One more, so that nothing calls back from in here. */
	w->waiting = w->n + 1;
	for (size_t i = 0; i < w->n; i++)
		go_on(&w->parts[i]);
	return --w->waiting > 0;
}

void
spf_work_release(struct spf_work *w)
{
	for (size_t i = 0; i < w->n; i++)
		spf_release(&w->parts[i].spf);
	w->n = 0;
}

const struct spf *
spf_work_refuses(const struct spf_work *w)
{
	for (size_t i = 0; i < w->n && w->dkim->spf_policy; i++)
		if (w->parts[i].spf.result == SPF_FAIL)
			return &w->parts[i].spf;
	return NULL;
}

size_t
spf_work_results(const struct spf_work *w,
    struct authres_result out[SPF_RESULTS_MAX])
{
	for (size_t i = 0; i < w->n; i++)
		spf_authres(&w->parts[i].spf, &w->check, &out[i]);
	return w->n;
}

/* What is worth telling: the fail that refuses, else what is known about the
 * sender, else about HELO. */
static const struct spf *
main_result(const struct spf_work *w)
{
	const struct spf *refuses = spf_work_refuses(w);

	if (refuses != NULL)
		return refuses;
	for (size_t i = 0; i < w->n; i++)
		if (w->parts[i].spf.result != SPF_NONE)
			return &w->parts[i].spf;
	return &w->parts[0].spf;
}

void
spf_work_received(const struct spf_work *w, struct buf *out)
{
	if (w->n > 0 && w->dkim->spf_policy)
		spf_received(main_result(w), &w->check, out);
}

void
spf_work_log(const struct spf_work *w)
{
	const struct spf *s;
	struct log_line l;

	if (w->n == 0)
		return;
	s = main_result(w);
	log_begin(&l, LOG_INFO, "spf");
	log_str(&l, "result", spf_result_name(s->result));
	log_str(&l, "action", spf_work_refuses(w) != NULL ? "refuse" :
	    "accept");
	log_str(&l, "identity", spf_identity_name(s));
	log_slice(&l, "client", s->macros.readable);
	log_slice(&l, "helo", w->check.helo);
	log_slice(&l, "from", w->check.sender);
	log_slice(&l, "reason", s->why);
	log_end(&l);
}
