/* One try: a request to deliver, relay or auth. See run.h. */
#include "services/queue/run.h"

#include "core/log.h"
#include "services/queue/frame.h"
#include "wire/auth.h"
#include "wire/deliver.h"
#include "wire/relay.h"

/*
 * Longer than a whole dialogue with a slow host may take (RFC 5321 4.5.3.2
 * allows ten minutes for the end of data alone): giving up early would send
 * the message twice.
 */
#define RELAY_TIMEOUT_MS (60u * 60 * 1000)
#define DELIVER_TIMEOUT_MS (10u * 60 * 1000)
#define AUTH_TIMEOUT_MS 30000

/* Room in a frame that is not the edit's or the recipients'. */
#define FRAME_REST 8192

static size_t
recipient_bytes(const struct recipient *r)
{
	return r->address.n + r->orig.n + r->orcpt.n + 16;
}

static void
job_free(struct job *job)
{
	list_remove(&job->link);
	job->message->jobs--;
	mem_free(job->index);
	mem_free(job);
}

static struct job *
job_new(struct message *m)
{
	struct job *job = mem_zero(sizeof(*job));

	list_init(&job->link);
	job->message = m;
	m->jobs++;
	return job;
}

static void
job_put(struct job *job, uint32_t index)
{
	struct recipient *r = &job->message->env.rcpt[index];

	if (job->n == job->cap) {
		job->cap = job->cap == 0 ? 1 : job->cap * 2;
		job->index = mem_grow(job->index, job->cap, sizeof(*job->index));
	}
	job->index[job->n++] = index;
	job->bytes += recipient_bytes(r);
	job->left = job->n;
	r->busy = true;
}

void
job_add(struct run *run, struct dest *d, struct message *m, uint32_t index)
{
	const struct recipient *r = &m->env.rcpt[index];
	struct job *job = d->building;

	if (job != NULL && (job->n >= WIRE_RELAY_RECIPIENTS || job->bytes +
	    recipient_bytes(r) + m->edit_size + FRAME_REST > LIMIT_FRAME))
		job = NULL;
	if (job == NULL) {
		if (d->building != NULL)
			dest_enqueue(run, d, d->building);
		job = job_new(m);
		job->dest = d;
		d->building = job;
	}
	job_put(job, index);
}

void
job_cancel(struct job *job, uint64_t next_try, struct slice why)
{
	struct message *m = job->message;

	for (uint32_t i = 0; i < job->n; i++) {
		struct recipient *r = &m->env.rcpt[job->index[i]];

		r->busy = false;
		r->next_try = next_try;
		if (r->reply == NULL && why.n > 0)
			recipient_reply(r, S("4.4.1"), why, S(""));
	}
	job_free(job);
	message_settle(m);
}

/* All of the job that is unanswered is tried later. */
static void
job_later(struct job *job, struct slice enhanced, struct slice text,
    const struct retry_rule *wait)
{
	const struct outcome o = {
		.outcome = WIRE_LATER, .enhanced = enhanced, .text = text,
		.wait = wait,
	};

	for (uint32_t i = 0; i < job->n; i++)
		if (job->message->env.rcpt[job->index[i]].busy)
			message_result(job->message, job->index[i], &o);
}

static void
job_end(struct job *job)
{
	struct message *m = job->message;
	struct run *run = m->queue->run;
	struct dest *d = job->dest;
	bool reached = job->reached;

	run->running--;
	job_free(job);
	message_settle(m);
	dest_ended(run, d, reached);
	queue_maybe_exit(run->queue);
}

/* Takes one result; false if it makes no sense. */
static bool
job_result(struct job *job, const struct frame_result *r)
{
	const struct outcome o = {
		.outcome = r->outcome, .enhanced = r->enhanced,
		.text = r->text, .host = r->host, .dsn = r->dsn,
		.wait = &job->message->queue->run->rule,
	};

	if (r->index >= job->n ||
	    !job->message->env.rcpt[job->index[r->index]].busy)
		return false;
	job->left--;
	if (r->host.n > 0)
		job->reached = true;
	message_result(job->message, job->index[r->index], &o);
	return true;
}

static bool
job_gone(struct job *job, const char *text)
{
	struct run *run = job->message->queue->run;

	log_warn("try-broken", "id=%s reason=\"%s\"", job->message->env.id,
	    text);
	job_later(job, S("4.3.0"), slice_str(text), &run->peer_rule);
	job_end(job);
	return false;
}

static bool
on_deliver(void *arg, struct chan_frame *f)
{
	struct job *job = arg;
	struct frame_result r;

	if (f == NULL)
		return job_gone(job, "Local delivery is not available");
	if (f->type != WIRE_DELIVER_RESULT ||
	    frame_deliver_result(f->payload, &r) == -1 || !job_result(job, &r))
		return job_gone(job, "Local delivery gave no answer");
	if (job->left > 0)
		return true;
	job_end(job);
	return false;
}

static bool
on_relay_end(struct job *job, struct slice payload)
{
	struct run *run = job->message->queue->run;
	struct wire_in in = wire_in(payload);
	bool unreachable = wire_get_bool(&in);
	struct reply *last = job->message->env.rcpt[job->index[0]].reply;

	if (wire_end(&in) == -1 || job->left > 0)
		return job_gone(job, "Relaying gave no answer");
	if (unreachable) {
		char *why = slice_dup(last != NULL ? last->text :
		    S("Next hop cannot be reached"));

		dest_rest(run, job->dest, slice_str(why));
		mem_free(why);
	}
	job->reached = !unreachable;
	job_end(job);
	return false;
}

static bool
on_relay(void *arg, struct chan_frame *f)
{
	struct job *job = arg;
	struct frame_result r;

	if (f == NULL)
		return job_gone(job, "Relaying is not available");
	if (f->type == WIRE_RELAY_END)
		return on_relay_end(job, f->payload);
	if (f->type != WIRE_RELAY_RESULT ||
	    frame_relay_result(f->payload, &r) == -1 || !job_result(job, &r))
		return job_gone(job, "Relaying gave no answer");
	return true;
}

void
job_start(struct run *run, struct job *job)
{
	struct message *m = job->message;
	struct queue *q = run->queue;
	struct buf record = BUF_INIT(LIMIT_FRAME), b = WIRE_BUF;
	struct wire_edit edit;
	uint32_t sent;
	int fd = message_open(m, &record, &edit);

	run->running++;
	if (fd == -1) {
		job_later(job, S("4.3.0"), S("Spool file cannot be read"),
		    &run->rule);
		buf_release(&record);
		job_end(job);
		return;
	}
	if (job->dest->local)
		sent = frame_deliver(&b, &m->env, &edit, job->index, job->n);
	else
		sent = frame_relay(&b, &m->env, &edit,
		    slice_str(job->dest->name), job->index, job->n);
	/* job_add left room for all of them. */
	assert(sent == job->n && buf_ok(&b));
	if (job->dest->local)
		job->request = peer_stream(q->deliver, WIRE_DELIVER,
		    buf_slice(&b), fd, DELIVER_TIMEOUT_MS, on_deliver, job);
	else
		job->request = peer_stream(q->relay, WIRE_RELAY, buf_slice(&b),
		    fd, RELAY_TIMEOUT_MS, on_relay, job);
	buf_release(&b);
	buf_release(&record);
}

/* ---- who is it? ----------------------------------------------------------- */

static void
resolved_ok(struct message *m, uint32_t index,
    const struct wire_queue_target *targets, uint32_t n)
{
	struct buf b = BUF_INIT(ENVELOPE_MAX);

	m->env.rcpt[index].busy = false;
	if (envelope_expand(&m->env, index, targets, n) == -1) {
		const struct outcome o = { .outcome = WIRE_NEVER,
			.enhanced = S("5.4.6"), .text = S("Too many targets") };

		message_result(m, index, &o);
		return;
	}
	envelope_write_expand(&b, index, targets, n);
	if (spool_message_append(&m->queue->spool, m->name, buf_slice(&b)) == -1)
		log_error("spool", "id=%s append=\"%s\"", m->env.id,
		    strerror(errno));
	buf_release(&b);
}

static void
on_resolved(void *arg, struct chan_frame *f)
{
	struct job *job = arg;
	struct message *m = job->message;
	struct run *run = m->queue->run;
	struct wire_queue_target *targets = mem_array(WIRE_QUEUE_TARGETS,
	    sizeof(*targets));
	uint32_t index = job->index[0], n;
	unsigned result = WIRE_RCPT_LATER;
	struct outcome o = { .outcome = WIRE_NEVER, .wait = &run->rule };

	if (f == NULL || f->type != WIRE_AUTH_RCPT_REPLY ||
	    frame_rcpt_reply(f->payload, &result, targets, &n) == -1)
		result = WIRE_RCPT_LATER;
	/* Anybody's address is fine for a report, except the postmaster's: he
	 * is ours or nobody. */
	if (result == WIRE_RCPT_NOT_OURS && !(m->env.flags & ENVELOPE_DOUBLE)) {
		targets[0] = (struct wire_queue_target){
			.address = m->env.rcpt[index].address,
		};
		n = 1;
		result = WIRE_RCPT_OK;
	}
	if (result == WIRE_RCPT_OK) {
		resolved_ok(m, index, targets, n);
	} else {
		o.outcome = result == WIRE_RCPT_LATER ? WIRE_LATER : WIRE_NEVER;
		o.enhanced = result == WIRE_RCPT_LATER ? S("4.3.0") : S("5.1.1");
		o.text = result == WIRE_RCPT_LATER ?
		    S("Address lookup is not available") :
		    S("Nobody to report to");
		message_result(m, index, &o);
	}
	mem_free(targets);
	run->running--;
	job_free(job);
	message_settle(m);
	queue_maybe_exit(run->queue);
}

void
job_resolve(struct run *run, struct message *m, uint32_t index)
{
	struct job *job = job_new(m);
	struct buf b = WIRE_BUF;

	run->running++;
	job_put(job, index);
	wire_put_slice(&b, m->env.rcpt[index].address);
	job->request = peer_request(run->queue->auth, WIRE_AUTH_RCPT,
	    buf_slice(&b), -1, AUTH_TIMEOUT_MS, on_resolved, job);
	buf_release(&b);
}
