#include "services/queue/bounce.h"

#include "core/arena.h"
#include "core/log.h"
#include "core/now.h"
#include "mail/date.h"
#include "mail/dsn.h"
#include "mail/msgid.h"
#include "services/queue/notice.h"

/* RET=FULL is honoured up to this size; above it the header goes back. */
#define FULL_MAX (1u << 20)
#define REPORT_MAX (FULL_MAX + (8u << 20))

struct bounce {
	struct message *message; /* stays: it is settling */
	void (*done)(struct message *m, bool ok);
	uint32_t *index;         /* recipients it tells of */
	uint32_t n;
	char *address;           /* whom it goes to */
	struct notice notice;
};

/* ---- the text ------------------------------------------------------------- */

/* "rfc822;a@b" of an ORCPT parameter, its xtext decoded (RFC 3461 4.2). */
static struct slice
original_recipient(struct arena *a, struct slice orcpt)
{
	struct buf b = BUF_INIT(LIMIT_SMTP_COMMAND);
	ssize_t semi = slice_find(orcpt, ';');
	struct slice out = S("");

	if (semi == -1)
		return out;
	buf_add_slice(&b, slice_head(orcpt, (size_t)semi + 1));
	if (dsn_xtext_decode(&b, slice_from(orcpt, (size_t)semi + 1)) == 0)
		out = arena_slice(a, buf_slice(&b));
	buf_release(&b);
	return out;
}

/* "mx.example.com [192.0.2.1]:25" to the name. */
static struct slice
host_name(struct slice host)
{
	struct slice word = S("");

	return slice_word(&host, &word) ? word : S("");
}

static void
describe(const struct bounce *b, struct arena *a, const struct recipient *r,
    struct dsn_recipient *out)
{
	const struct message *m = b->message;
	bool done = r->state == RECIPIENT_DONE;

	*out = (struct dsn_recipient){
		.final = r->address,
		.original = original_recipient(a, r->orcpt),
		.action = r->state == RECIPIENT_FAILED ? DSN_FAILED :
		    r->state == RECIPIENT_WAITING ? DSN_DELAYED :
		    r->kind == RECIPIENT_LOCAL ? DSN_DELIVERED : DSN_RELAYED,
		.status = done ? S("2.0.0") : S("5.0.0"),
		.last_attempt = now_wall(),
	};
	if (r->state == RECIPIENT_WAITING) {
		out->status = S("4.0.0");
		out->retry_until = m->env.created +
		    (int64_t)m->queue->conf->queue_lifetime;
	}
	if (r->reply == NULL)
		return;
	if (r->reply->enhanced.n > 0)
		out->status = r->reply->enhanced;
	/* A temporary reply became final because time ran out (RFC 3463:
	 * X.4.7, delivery time expired). */
	if (r->state == RECIPIENT_FAILED && slice_starts(out->status, S("4")))
		out->status = S("5.4.7");
	out->diagnostic = r->reply->text;
	out->remote_mta = host_name(r->reply->host);
}

/* Reads what of the original goes back. -1: logged. */
static int
read_original(struct message *m, bool *full, struct buf *out)
{
	struct buf record = BUF_INIT(LIMIT_FRAME);
	struct wire_edit edit;
	int fd = message_open(m, &record, &edit);
	int r;

	*full = slice_ieq(m->env.ret, S("FULL")) && m->env.size <= FULL_MAX;
	if (fd == -1) {
		buf_release(&record);
		return -1;
	}
	r = compose_apply(out, fd, m->env.size, &edit, !*full);
	if (r == -1)
		log_error("spool", "id=%s read=\"%s\"", m->env.id,
		    strerror(errno));
	close(fd);
	buf_release(&record);
	return r;
}

static int
build(struct bounce *b, struct buf *out)
{
	struct message *m = b->message;
	struct queue *q = m->queue;
	struct arena arena = ARENA_INIT;
	struct buf original = BUF_INIT(FULL_MAX + WIRE_PREFIX +
	    LIMIT_HEADER_BYTES);
	struct buf msgid = BUF_INIT(1024), envid = BUF_INIT(LIMIT_SMTP_COMMAND);
	struct dsn_recipient *list = arena_array(&arena, b->n, sizeof(*list));
	struct dsn d = {
		.host = q->host,
		.sender = slice_str(b->address),
		.queue_id = slice_str(m->env.id),
		.date = now_wall(),
		.zone = DATE_LOCAL,
		.arrival = m->env.created,
		.recipients = list,
		.n = b->n,
	};
	int r;

	for (uint32_t i = 0; i < b->n; i++)
		describe(b, &arena, &m->env.rcpt[b->index[i]], &list[i]);
	msgid_make(&msgid, slice_str(b->notice.env.id), q->host);
	d.message_id = buf_slice(&msgid);
	if (dsn_xtext_decode(&envid, m->env.envid) == 0)
		d.envid = buf_slice(&envid);
	/* A report without the original is better than none. */
	if (read_original(m, &d.full, &original) == -1) {
		buf_clear(&original);
		d.full = false;
	}
	d.original = buf_slice(&original);
	r = dsn_build(out, &d);
	buf_release(&original);
	buf_release(&msgid);
	buf_release(&envid);
	arena_release(&arena);
	return r;
}

/* ---- into the spool ------------------------------------------------------- */

static void
bounce_free(struct bounce *b)
{
	notice_release(&b->notice);
	mem_free(b->address);
	mem_free(b->index);
	mem_free(b);
}

static void
bounce_end(struct bounce *b, bool ok)
{
	struct message *m = b->message;
	struct queue *q = m->queue;
	void (*done)(struct message *, bool) = b->done;

	for (uint32_t i = 0; ok && i < b->n; i++) {
		struct recipient *r = &m->env.rcpt[b->index[i]];

		if (r->owed)
			r->owed = false;
		else
			r->warned = true;
		/* Written for the case that the message stays. */
		if (m->env.n > 1 || r->state == RECIPIENT_WAITING)
			message_note(m, b->index[i]);
	}
	bounce_free(b);
	done(m, ok);
	queue_maybe_exit(q);
}

static void
bounce_kept(struct notice *n, bool ok)
{
	struct bounce *b = CONTAINER_OF(n, struct bounce, notice);
	struct log_line l;

	if (ok) {
		log_begin(&l, LOG_INFO, "report");
		log_str(&l, "id", b->message->env.id);
		log_str(&l, "report", n->env.id);
		log_str(&l, "to", b->address);
		log_end(&l);
	}
	bounce_end(b, ok);
}

/* Whom to tell: the sender, or the postmaster about a report that failed. */
static char *
addressee(const struct message *m, unsigned *flags)
{
	const struct conf *conf = m->queue->conf;
	struct buf b = BUF_INIT(LIMIT_ADDRESS);

	*flags = ENVELOPE_BOUNCE;
	if (m->env.sender.n > 0)
		return slice_dup(m->env.sender);
	*flags |= ENVELOPE_DOUBLE;
	if (conf->postmaster_address[0] != '\0')
		buf_adds(&b, conf->postmaster_address);
	else
		buf_addf(&b, "postmaster@%s", conf->domainname);
	return buf_take(&b);
}

static void
collect(struct bounce *b, const struct schedule *now)
{
	const struct envelope *e = &b->message->env;

	b->index = mem_array(e->n, sizeof(*b->index));
	for (uint32_t i = 0; i < e->n; i++)
		if (e->rcpt[i].owed || schedule_is_late(now, e, &e->rcpt[i]))
			b->index[b->n++] = i;
}

void
bounce_send(struct message *m, const struct schedule *now,
    void (*done)(struct message *m, bool ok))
{
	struct queue *q = m->queue;
	struct bounce *b = mem_zero(sizeof(*b));
	struct buf text = BUF_INIT(REPORT_MAX);
	unsigned flags;

	b->message = m;
	b->done = done;
	b->address = addressee(m, &flags);
	collect(b, now);
	if (notice_init(&b->notice, q, flags) == -1 ||
	    notice_to(&b->notice, slice_str(b->address)) == -1 ||
	    build(b, &text) == -1 ||
	    notice_write(&b->notice, buf_slice(&text)) == -1) {
		log_error("spool", "id=%s report=%s write=\"%s\"", m->env.id,
		    b->notice.env.id, strerror(errno));
		buf_release(&text);
		bounce_end(b, false);
		return;
	}
	buf_release(&text);
	notice_send(&b->notice, bounce_kept);
}
