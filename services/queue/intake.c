#include "services/queue/intake.h"

#include <sys/stat.h>

#include <fcntl.h>

#include "core/log.h"
#include "core/now.h"

/* Left free on the disk for the mailboxes and for what is accepted already. */
#define SPACE_RESERVE (64ull << 20)
#define SPACE_CHECK_MS 1000

void
intake_start(struct queue *q)
{
	struct intake *in = mem_zero(sizeof(*in));

	in->queue = q;
	list_init(&in->clients);
	list_init(&in->txns);
	buf_init(&in->header, LIMIT_HEADER_BYTES);
	q->intake = in;
}

static struct client *
client_of(struct queue *q, struct chan *c)
{
	struct client *cl;

	LIST_EACH (cl, &q->intake->clients, struct client, link)
		if (cl->chan == c)
			return cl;
	cl = mem_zero(sizeof(*cl));
	cl->chan = c;
	idmap_init(&cl->txns);
	list_push(&q->intake->clients, &cl->link);
	return cl;
}

void
txn_free(struct txn *t)
{
	struct queue *q = t->queue;

	if (t->client != NULL)
		idmap_remove(&t->client->txns, t->id);
	list_remove(&t->link);
	q->intake->count--;
	if (t->fd != -1)
		spool_body_drop(&q->spool, t->fd, t->env.id);
	if (t->edit != NULL)
		edit_release(t->edit);
	mem_free(t->edit);
	buf_release(&t->records);
	envelope_release(&t->env);
	arena_release(&t->arena);
	mem_free(t);
	queue_maybe_exit(q);
}

static int
spare_take(struct client *cl)
{
	return cl->spares > 0 ? cl->spare[--cl->spares] : -1;
}

void
txn_spare_body(struct txn *t)
{
	struct client *cl = t->client;

	if (cl == NULL || t->unfinished || cl->spares == INTAKE_SPARES ||
	    (t->env.flags & ENVELOPE_SUBMISSION) ||
	    t->env.size > INTAKE_SPARE_SIZE ||
	    spool_body_clean(&t->queue->spool, t->fd) == -1)
		return;
	cl->spare[cl->spares++] = t->fd;
	t->fd = -1;
}

static void
send_result(struct chan *c, uint32_t id, unsigned code, const char *enhanced,
    struct slice text)
{
	struct buf b = WIRE_BUF;

	wire_put_u32(&b, code);
	wire_put_str(&b, enhanced);
	wire_put_slice(&b, text);
	/* A failed send closes the channel; the client then hears 451. */
	(void)chan_send(c, WIRE_QUEUE_RESULT, id, buf_slice(&b), -1);
	buf_release(&b);
}

void
txn_result(struct txn *t, unsigned code, const char *enhanced,
    struct slice text)
{
	struct log_line l;

	if (code >= 400) {
		log_begin(&l, LOG_WARN, "reject");
		log_str(&l, "id", t->env.id);
		log_slice(&l, "from", t->env.sender);
		log_num(&l, "code", code);
		log_str(&l, "dsn", enhanced);
		log_slice(&l, "reply", text);
		log_end(&l);
	}
	if (t->client != NULL)
		send_result(t->client->chan, t->id, code, enhanced, text);
	txn_free(t);
}

/* ---- OPEN ----------------------------------------------------------------- */

static bool
space_is_short(struct queue *q, uint64_t size)
{
	struct intake *in = q->intake;
	uint64_t now = loop_now(q->loop);

	if (in->space_checked == 0 || now - in->space_checked >= SPACE_CHECK_MS) {
		in->space_checked = now;
		if (!spool_space(&q->spool, &in->space))
			in->space = UINT64_MAX;
	}
	return in->space < SPACE_RESERVE ||
	    (in->space - SPACE_RESERVE) / 2 < size;
}

static struct txn *
txn_new(struct queue *q, struct client *cl, uint32_t id,
    const struct wire_queue_open *o)
{
	struct txn *t = mem_zero(sizeof(*t));
	struct envelope *e = &t->env;

	t->queue = q;
	t->client = cl;
	t->id = id;
	t->fd = -1;
	buf_init(&t->records, ENVELOPE_MAX);
	list_push(&q->intake->txns, &t->link);
	q->intake->count++;
	idmap_put(&cl->txns, id, t);
	msgid_queue_id(e->id);
	e->created = now_wall();
	e->flags = (o->submission ? ENVELOPE_SUBMISSION : 0u) |
	    (o->body_8bit ? ENVELOPE_8BIT : 0u) |
	    (o->smtputf8 ? ENVELOPE_UTF8 : 0u);
	e->sender = arena_slice(&t->arena, o->sender);
	e->envid = arena_slice(&t->arena, o->envid);
	e->ret = arena_slice(&t->arena, o->ret);
	e->user = arena_slice(&t->arena, o->user);
	e->client = arena_slice(&t->arena, o->client_ip);
	t->helo = arena_slice(&t->arena, o->helo);
	t->rdns = arena_slice(&t->arena, o->client_rdns);
	t->esmtp = o->esmtp;
	t->tls = o->tls.n > 0;
	return t;
}

/*
 * Mail of our users is signed in our name. The public SMTP server may say that
 * something is such only if there are networks that need no login.
 */
static bool
may_submit(struct queue *q, struct chan *c)
{
	return strcmp(service_caller(c), "smtp-mx") != 0 ||
	    q->conf->trusted_networks[0] != '\0';
}

int
intake_open(struct service *s, struct chan *c, struct chan_frame *f)
{
	struct queue *q = service_data(s);
	struct client *cl = client_of(q, c);
	struct wire_queue_open o;
	struct buf b = WIRE_BUF;
	struct txn *t;
	int fd;

	if (wire_queue_open_get(f->payload, &o) == -1 ||
	    idmap_get(&cl->txns, f->id) != NULL ||
	    (o.submission && !may_submit(q, c)))
		return -1;
	if (service_is_stopping(s) ||
	    q->intake->count >= LIMIT_QUEUE_TRANSACTIONS) {
		send_result(c, f->id, 451, "4.3.2", S("Try again later"));
		return 0;
	}
	if (space_is_short(q, o.size)) {
		log_warn("reject", "reason=\"spool is short of space\"");
		send_result(c, f->id, 452, "4.3.1",
		    S("Insufficient system storage"));
		return 0;
	}
	t = txn_new(q, cl, f->id, &o);
	t->fd = spare_take(cl);
	if (t->fd == -1)
		t->fd = spool_body_new(&q->spool, t->env.id);
	fd = t->fd != -1 ? spool_body_again(&q->spool, t->fd, t->env.id,
	    O_WRONLY) : -1;
	if (fd == -1) {
		log_error("spool", "id=%s create=\"%s\"", t->env.id,
		    strerror(errno));
		if (errno == ENOSPC || errno == EDQUOT)
			txn_result(t, 452, "4.3.1",
			    S("Insufficient system storage"));
		else
			txn_result(t, 451, "4.3.0", S("Queue file write error"));
		return 0;
	}
	wire_put_str(&b, t->env.id);
	(void)chan_send(c, WIRE_QUEUE_OPENED, f->id, buf_slice(&b), fd);
	buf_release(&b);
	return 0;
}

/* ---- RCPT, COMMIT, ABORT -------------------------------------------------- */

/* A frame for a transaction that is over (or past COMMIT) is no fault of the
 * sender's: our refusal may have crossed it. */
static struct txn *
txn_of(struct service *s, struct chan *c, uint32_t id)
{
	struct txn *t = idmap_get(&client_of(service_data(s), c)->txns, id);

	return t != NULL && !t->committed ? t : NULL;
}

int
intake_rcpt(struct service *s, struct chan *c, struct chan_frame *f)
{
	struct queue *q = service_data(s);
	struct txn *t = txn_of(s, c, f->id);
	struct slice address, orcpt;
	struct wire_queue_rcpt r;

	if (wire_queue_rcpt_get(f->payload, &r, q->intake->targets) == -1)
		return -1;
	if (t == NULL || t->too_many)
		return 0;
	if (t->env.n == 0 ||
	    !slice_eq(t->env.rcpt[t->env.n - 1].orig, r.address))
		t->commands++;
	address = arena_slice(&t->arena, r.address);
	orcpt = arena_slice(&t->arena, r.orcpt);
	for (uint32_t i = 0; i < r.count; i++) {
		const struct wire_queue_target *target = &r.targets[i];
		struct slice to = slice_eq(target->address, address) ? address :
		    arena_slice(&t->arena, target->address);

		if (envelope_add(&t->env, target->local ? RECIPIENT_LOCAL :
		    RECIPIENT_REMOTE, to, address, orcpt, r.notify) == NULL) {
			t->too_many = true;
			break;
		}
	}
	return 0;
}

int
intake_commit(struct service *s, struct chan *c, struct chan_frame *f)
{
	struct txn *t = txn_of(s, c, f->id);
	struct wire_in in = wire_in(f->payload);
	uint64_t size = wire_get_u64(&in);
	struct stat st = { 0 };

	if (wire_end(&in) == -1)
		return -1;
	if (t == NULL)
		return 0;
	t->committed = true;
	t->env.size = size;
	/* See spool_body_clean. */
	if (size == 0 && ftruncate(t->fd, 0) == -1)
		log_error("spool", "id=%s truncate=\"%s\"", t->env.id,
		    strerror(errno));
	if (fstat(t->fd, &st) == -1 || (uint64_t)st.st_size != size) {
		log_error("spool", "id=%s size=%llu announced=%llu", t->env.id,
		    (unsigned long long)st.st_size, (unsigned long long)size);
		txn_result(t, 451, "4.3.0", S("Queue file write error"));
	} else if (t->env.n == 0 || t->too_many) {
		txn_result(t, 452, "4.5.3", S("Too many recipients"));
	} else {
		txn_accept(t);
	}
	return 0;
}

int
intake_abort(struct service *s, struct chan *c, struct chan_frame *f)
{
	struct txn *t = txn_of(s, c, f->id);

	if (f->payload.n > 0)
		return -1;
	if (t != NULL)
		txn_free(t);
	return 0;
}

void
intake_forget_channel(struct queue *q, struct chan *c)
{
	struct client *cl;

	LIST_EACH (cl, &q->intake->clients, struct client, link) {
		struct txn *t;

		if (cl->chan != c)
			continue;
		LIST_EACH (t, &q->intake->txns, struct txn, link) {
			if (t->client != cl)
				continue;
			t->client = NULL;
			/* What has a request under way ends with it. */
			if (!t->committed)
				txn_free(t);
		}
		for (int fd; (fd = spare_take(cl)) != -1;)
			close(fd);
		list_remove(&cl->link);
		idmap_release(&cl->txns);
		mem_free(cl);
	}
}
