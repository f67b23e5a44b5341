#include "services/queue/notice.h"

#include "core/file.h"
#include "core/log.h"
#include "core/now.h"
#include "services/queue/run.h"
#include "services/queue/sign.h"

int
notice_init(struct notice *n, struct queue *q, unsigned flags)
{
	*n = (struct notice){ .queue = q, .fd = -1 };
	q->reports++;
	envelope_init(&n->env);
	edit_init(&n->edit);
	buf_init(&n->records, ENVELOPE_MAX);
	msgid_queue_id(n->env.id);
	n->env.flags = flags;
	n->env.created = now_wall();
	n->fd = spool_body_new(&q->spool, n->env.id);
	return n->fd != -1 ? 0 : -1;
}

void
notice_release(struct notice *n)
{
	if (n->fd != -1)
		spool_body_drop(&n->queue->spool, n->fd, n->env.id);
	n->fd = -1;
	envelope_release(&n->env);
	edit_release(&n->edit);
	buf_release(&n->records);
	n->queue->reports--;
}

int
notice_to(struct notice *n, struct slice address)
{
	return envelope_add(&n->env, RECIPIENT_UNRESOLVED, address, address,
	    S(""), 0) != NULL ? 0 : -1;
}

int
notice_write(struct notice *n, struct slice text)
{
	if (file_write_all(n->fd, text.p, text.n) == -1)
		return -1;
	n->env.size += text.n;
	return 0;
}

/* ---- keeping -------------------------------------------------------------- */

static void
keep_work(void *arg)
{
	struct notice *n = arg;

	if (spool_keep(&n->queue->spool, n->fd, n->env.id, n->env.size,
	    buf_slice(&n->records)) == -1)
		n->err = errno;
}

static void
keep_done(void *arg)
{
	struct notice *n = arg;

	if (n->err != 0)
		log_error("spool", "id=%s keep=\"%s\"", n->env.id,
		    strerror(n->err));
	else
		run_take(n->queue, n->env.id, n->env.size,
		    buf_slice(&n->records));
	n->done(n, n->err == 0);
}

static void
on_signed(void *arg, struct slice fields)
{
	struct notice *n = arg;
	struct wire_edit view;

	edit_prepend(&n->edit, fields);
	edit_view(&n->edit, &view);
	envelope_write(&n->records, &n->env, &view);
	loop_work(n->queue->loop, keep_work, keep_done, n);
}

void
notice_send(struct notice *n, void (*done)(struct notice *n, bool ok))
{
	n->done = done;
	sign_message(n->queue, n->fd, n->env.id, n->env.size, &n->edit,
	    on_signed, n);
}
