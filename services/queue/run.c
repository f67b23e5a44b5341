/* Messages in the spool, from the first try to the removal. See run.h. */
#include "services/queue/run.h"

#include "core/file.h"
#include "core/log.h"
#include "core/now.h"
#include "core/rand.h"
#include "services/queue/bounce.h"
#include "services/queue/schedule.h"
#include "wire/deliver.h"

/* What is due within this time is tried together. */
#define SLACK_MS 1000
/* A process of ours comes back within seconds; the next hop need not. */
#define PEER_RETRY_MS 5000
/* When a report could not be stored. */
#define REPORT_RETRY_MS 60000

/* ---- the clock ------------------------------------------------------------ */

static void
run_set_timer(struct run *run)
{
	struct due *first = due_first(&run->due);
	uint64_t now = loop_now(run->queue->loop);

	if (first == NULL)
		loop_timer_stop(run->timer);
	else
		loop_timer_start(run->timer, first->at > now ?
		    first->at - now : 0, 0);
}

static void
message_sleep(struct message *m, uint64_t until)
{
	struct run *run = m->queue->run;

	due_set(&run->due, &m->due, until);
	if (due_first(&run->due) == &m->due)
		run_set_timer(run);
}

static void
message_try_one(struct message *m, uint32_t index, uint64_t now,
    struct buf *name)
{
	struct run *run = m->queue->run;
	struct recipient *r = &m->env.rcpt[index];
	struct dest *d;

	if (r->state != RECIPIENT_WAITING || r->busy ||
	    r->next_try > now + SLACK_MS)
		return;
	if (r->kind == RECIPIENT_UNRESOLVED) {
		job_resolve(run, m, index);
		return;
	}
	d = dest_of(run, m, r, name);
	if (!dest_is_resting(d, now)) {
		job_add(run, d, m, index);
		return;
	}
	r->next_try = d->rest_until + rand_below(1000);
	if (r->reply == NULL)
		recipient_reply(r, S("4.4.1"), slice_str(d->why), S(""));
}

/* Makes jobs of all recipients that are due. */
static void
message_try(struct message *m)
{
	struct run *run = m->queue->run;
	uint64_t now = loop_now(run->queue->loop);
	struct buf name = BUF_INIT(LIMIT_SMTP_COMMAND);

	for (uint32_t i = 0; i < m->env.n; i++)
		message_try_one(m, i, now, &name);
	/* Open jobs are found through their recipients' destinations. */
	for (uint32_t i = 0; i < m->env.n && m->jobs > 0; i++) {
		struct dest *d;

		if (!m->env.rcpt[i].busy ||
		    m->env.rcpt[i].kind == RECIPIENT_UNRESOLVED)
			continue;
		d = dest_of(run, m, &m->env.rcpt[i], &name);
		if (d->building != NULL && d->building->message == m) {
			struct job *job = d->building;

			d->building = NULL;
			dest_enqueue(run, d, job);
		}
	}
	buf_release(&name);
	message_settle(m);
}

static void
run_tick(void *arg)
{
	struct run *run = arg;
	uint64_t now = loop_now(run->queue->loop);
	struct due *first;

	if (service_is_stopping(run->queue->service))
		return;
	while ((first = due_first(&run->due)) != NULL && first->at <= now) {
		struct message *m = CONTAINER_OF(first, struct message, due);

		due_clear(&run->due, first);
		if (!m->env.hold && !m->deleted)
			message_try(m);
	}
	dests_pump(run);
	run_set_timer(run);
}

/* ---- the file ------------------------------------------------------------- */

int
message_open(struct message *m, struct buf *record, struct wire_edit *edit)
{
	int fd = spool_message_open(&m->queue->spool, m->name);
	char *to = buf_reserve(record, m->edit_size);

	if (fd != -1 && to != NULL && file_pread_all(fd, to, m->edit_size,
	    (off_t)m->env.size) == 0) {
		buf_commit(record, m->edit_size);
		if (envelope_read_edit(edit, buf_slice(record)) == 0)
			return fd;
		errno = EBADMSG;
	}
	log_error("spool", "id=%s file=%s open=\"%s\"", m->env.id, m->name,
	    strerror(errno));
	if (fd == -1 && errno == ENOENT)
		m->deleted = true; /* there is nothing left to send */
	if (fd != -1)
		close(fd);
	return -1;
}

static void
message_append(struct message *m, struct slice records)
{
	/* The state is in memory too: what is lost by this is that a restart
	 * repeats a try. */
	if (spool_message_append(&m->queue->spool, m->name, records) == -1)
		log_error("spool", "id=%s append=\"%s\"", m->env.id,
		    strerror(errno));
}

void
message_note(struct message *m, uint32_t index)
{
	struct buf b = BUF_INIT(4 * LIMIT_FRAME);

	envelope_write_state(&b, &m->env, index);
	message_append(m, buf_slice(&b));
	buf_release(&b);
}

struct removal {
	struct queue *queue;
	char name[SPOOL_NAME];
	char id[QUEUE_ID_LEN + 1];
	int err;
};

static void
removal_work(void *arg)
{
	struct removal *r = arg;

	if (spool_message_remove(&r->queue->spool, r->name) == -1 &&
	    errno != ENOENT)
		r->err = errno;
}

static void
removal_done(void *arg)
{
	struct removal *r = arg;

	if (r->err != 0)
		log_error("spool", "id=%s remove=\"%s\"", r->id,
		    strerror(r->err));
	mem_free(r);
}

static void
message_free(struct message *m)
{
	struct run *run = m->queue->run;

	due_clear(&run->due, &m->due);
	map_remove(&run->messages, slice_str(m->env.id));
	envelope_release(&m->env);
	mem_free(m);
}

static void
message_remove(struct message *m)
{
	struct queue *q = m->queue;
	struct removal *r = mem_zero(sizeof(*r));

	r->queue = q;
	memcpy(r->name, m->name, sizeof(r->name));
	memcpy(r->id, m->env.id, sizeof(r->id));
	log_info("removed", "id=%s", m->env.id);
	loop_work(q->loop, removal_work, removal_done, r);
	message_free(m);
}

/* ---- results -------------------------------------------------------------- */

/* Deliver and relay have a line for each answer; this is what follows. */
static void
log_result(const struct message *m, const struct recipient *r,
    const struct outcome *o)
{
	bool later = o->outcome == WIRE_LATER;
	struct log_line l;

	if (o->outcome == WIRE_DONE)
		return;
	log_begin(&l, LOG_WARN, later ? "defer" : "fail");
	log_str(&l, "id", m->env.id);
	log_slice(&l, "to", r->address);
	log_num(&l, "delay", now_wall() - m->env.created);
	if (later)
		log_num(&l, "next_s",
		    (int64_t)((r->next_try - loop_now(m->queue->loop)) / 1000));
	log_slice(&l, "dsn", o->enhanced);
	log_slice(&l, "reply", o->text);
	log_end(&l);
}

void
message_result(struct message *m, uint32_t index, const struct outcome *o)
{
	struct recipient *r = &m->env.rcpt[index];
	bool changed = recipient_reply_differs(r, o->enhanced, o->text);

	r->busy = false;
	if (r->attempts < UINT16_MAX)
		r->attempts++;
	recipient_reply(r, o->enhanced, o->text, o->host);
	switch (o->outcome) {
	case WIRE_DONE:
		r->state = RECIPIENT_DONE;
		r->relayed_dsn = o->dsn;
		r->owed = envelope_owes_success(&m->env, r, o->dsn);
		break;
	case WIRE_NEVER:
		r->state = RECIPIENT_FAILED;
		r->owed = envelope_owes_failure(&m->env, r);
		break;
	default:
		r->next_try = loop_now(m->queue->loop) + retry_delay(o->wait,
		    r->attempts, rand_below(1u << 20));
	}
	log_result(m, r, o);
	if (r->state == RECIPIENT_WAITING && !changed)
		return;
	/* The only recipient, finished: the file goes, no need to write. */
	if (m->env.n > 1 || r->state == RECIPIENT_WAITING || r->owed)
		message_note(m, index);
}

static struct schedule
schedule_now(struct queue *q)
{
	return (struct schedule){
		.ms = loop_now(q->loop),
		.wall = now_wall(),
		.lifetime = (int64_t)q->conf->queue_lifetime,
	};
}

/* What has been tried for too long is given up. */
static void
message_expire(struct message *m, const struct schedule *now)
{
	for (uint32_t i = 0; i < m->env.n; i++) {
		struct recipient *r = &m->env.rcpt[i];
		struct log_line l;

		if (!schedule_is_expired(now, &m->env, r))
			continue;
		r->state = RECIPIENT_FAILED;
		r->owed = envelope_owes_failure(&m->env, r);
		log_begin(&l, LOG_WARN, "expired");
		log_str(&l, "id", m->env.id);
		log_slice(&l, "to", r->address);
		log_end(&l);
		message_note(m, i);
	}
}

static void
message_reported(struct message *m, bool ok)
{
	m->settling = false;
	if (ok)
		message_settle(m);
	else
		message_sleep(m, loop_now(m->queue->loop) + REPORT_RETRY_MS);
}

void
message_settle(struct message *m)
{
	struct schedule now = schedule_now(m->queue);
	uint64_t next;
	bool owes;

	if (m->jobs > 0 || m->settling)
		return;
	if (m->deleted) {
		message_remove(m);
		return;
	}
	message_expire(m, &now);
	owes = schedule_owes(&now, &m->env);
	if (!m->env.hold && owes) {
		m->settling = true;
		bounce_send(m, &now, message_reported);
		return;
	}
	next = schedule_next(&now, &m->env);
	if (next == 0 && !owes)
		message_remove(m);
	else if (m->env.hold)
		due_clear(&m->queue->run->due, &m->due);
	else
		message_sleep(m, next);
}

/* ---- coming in ------------------------------------------------------------ */

struct message *
message_new(struct queue *q, const char *id, uint64_t size, struct slice tail,
    uint64_t first, size_t *used, const char **why)
{
	struct message *m = mem_zero(sizeof(*m));
	ssize_t n;

	m->queue = q;
	n = envelope_read(&m->env, tail, &m->edit_size, why);
	if (n == -1) {
		envelope_release(&m->env);
		mem_free(m);
		return NULL;
	}
	*used = (size_t)n;
	snprintf(m->env.id, sizeof(m->env.id), "%s", id);
	m->env.size = size;
	spool_name(m->name, id, size);
	for (uint32_t i = 0; i < m->env.n; i++)
		m->env.rcpt[i].next_try = first;
	return m;
}

void
message_enter(struct message *m)
{
	if (map_get(&m->queue->run->messages, slice_str(m->env.id)) != NULL)
		panic("message %s is in the queue twice", m->env.id);
	map_put(&m->queue->run->messages, slice_str(m->env.id), m);
	if (m->env.hold)
		return;
	message_settle(m);
}

void
run_take(struct queue *q, const char *id, uint64_t size, struct slice records)
{
	const char *why;
	size_t used;
	struct message *m = message_new(q, id, size, records,
	    loop_now(q->loop), &used, &why);

	/* What deliver put off a moment ago is not asked for again at once. */
	for (uint32_t i = 0; m != NULL && i < m->env.n; i++)
		if (m->env.rcpt[i].reply != NULL)
			m->env.rcpt[i].next_try += retry_delay(
			    &q->run->peer_rule, 1, rand_below(1u << 20));
	if (m == NULL)
		panic("records of %s cannot be read back: %s", id, why);
	message_enter(m);
}

/* ---- the start ------------------------------------------------------------ */

int
run_start(struct queue *q, const char **why)
{
	struct run *run = mem_zero(sizeof(*run));

	run->queue = q;
	q->run = run;
	map_init(&run->messages);
	dests_init(&run->dests);
	run->timer = loop_timer_new(q->loop, run_tick, run);
	run->rule = (struct retry_rule){ q->conf->queue_retry_min * 1000,
		q->conf->queue_retry_max * 1000 };
	run->peer_rule = (struct retry_rule){ PEER_RETRY_MS, run->rule.max_ms };
	return load_start(q, why);
}

/* ---- what people ask for -------------------------------------------------- */

struct message *
run_find(struct queue *q, struct slice id)
{
	return map_get(&q->run->messages, id);
}

void
run_count(struct queue *q, struct run_counts *out)
{
	struct map_iter it = { 0 };
	struct slice key;
	void *value;

	*out = (struct run_counts){ 0 };
	while (map_next(&q->run->messages, &it, &key, &value)) {
		const struct message *m = value;

		if (m->jobs > 0 || m->settling)
			out->active++;
		else if (m->env.hold)
			out->hold++;
		else
			out->deferred++;
		if (out->oldest == 0 || m->env.created < out->oldest)
			out->oldest = m->env.created;
	}
}

/* Everybody is due; resting destinations are given another chance. */
static void
message_hurry(struct message *m)
{
	for (uint32_t i = 0; i < m->env.n; i++)
		m->env.rcpt[i].next_try = 1;
	dests_wake(m->queue->run);
}

void
message_flush(struct message *m)
{
	if (m->env.hold)
		return;
	message_hurry(m);
	if (m->jobs == 0 && !m->settling)
		message_sleep(m, loop_now(m->queue->loop));
}

int
message_hold(struct message *m, bool hold)
{
	struct buf b = BUF_INIT(64);
	int r;

	envelope_write_hold(&b, hold);
	r = spool_message_append(&m->queue->spool, m->name, buf_slice(&b));
	buf_release(&b);
	if (r == -1)
		return -1;
	m->env.hold = hold;
	if (!hold)
		message_hurry(m);
	message_settle(m);
	return 0;
}

void
message_delete(struct message *m)
{
	m->deleted = true;
	message_settle(m);
}
