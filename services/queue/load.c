/*
 * The start: every message in the spool is read back, on a thread and piece by
 * piece, while new ones are accepted already. The names are listed before the
 * first of those can come.
 */
#include "services/queue/run.h"

#include "core/file.h"
#include "core/log.h"
#include "core/rand.h"

struct found {
	struct list link;
	char name[SPOOL_NAME];
};

/* A piece of the spool, read on a thread. */
#define LOAD_BATCH 64
struct load {
	struct queue *queue;
	size_t n;
	struct {
		char name[SPOOL_NAME];
		struct buf tail;
		int err;
	} file[LOAD_BATCH];
};

static void load_more(struct queue *q);

static void
load_one(struct queue *q, const char *name, struct buf *tail, int *err)
{
	char id[QUEUE_ID_LEN + 1];
	uint64_t size;
	int fd = spool_message_open(&q->spool, name);

	if (fd == -1 || !spool_name_parse(name, id, &size) ||
	    lseek(fd, (off_t)size, SEEK_SET) == -1 ||
	    file_read_fd(fd, tail) == -1)
		*err = errno;
	if (fd != -1)
		close(fd);
}

static void
load_work(void *arg)
{
	struct load *load = arg;

	for (size_t i = 0; i < load->n; i++)
		load_one(load->queue, load->file[i].name, &load->file[i].tail,
		    &load->file[i].err);
}

static void
load_take(struct queue *q, const char *name, struct buf *tail, int err)
{
	const char *why = "file cannot be read";
	char id[QUEUE_ID_LEN + 1];
	struct message *m = NULL;
	uint64_t size, now = loop_now(q->loop);
	size_t used = 0;

	if (err == ENOENT || !spool_name_parse(name, id, &size))
		return;
	if (err == 0)
		m = message_new(q, id, size, buf_slice(tail), now, &used, &why);
	if (m == NULL) {
		/* A name is given to durable content only, so this is damage,
		 * not a crash. Kept for a human to look at. */
		log_error("spool", "id=%s file=%s reason=\"%s\" error=\"%s\" kept=bad.%s",
		    id, name, why, err != 0 ? strerror(err) : "", name);
		if (err == 0 && spool_message_quarantine(&q->spool, name) == -1)
			log_error("spool", "file=%s rename=\"%s\"", name,
			    strerror(errno));
		return;
	}
	if (used < tail->n && spool_message_truncate(&q->spool, name,
	    size + used) == -1)
		log_error("spool", "file=%s truncate=\"%s\"", name,
		    strerror(errno));
	/* What was tried before waits a little, so that a restart does not
	 * send everything at once. */
	for (uint32_t i = 0; i < m->env.n; i++)
		if (m->env.rcpt[i].reply != NULL)
			m->env.rcpt[i].next_try = now +
			    rand_below(q->run->rule.min_ms + 1);
	log_info("resumed", "id=%s", id);
	message_enter(m);
}

static void
load_done(void *arg)
{
	struct load *load = arg;
	struct queue *q = load->queue;

	for (size_t i = 0; i < load->n; i++) {
		load_take(q, load->file[i].name, &load->file[i].tail,
		    load->file[i].err);
		buf_release(&load->file[i].tail);
	}
	mem_free(load);
	load_more(q);
}

static void
load_more(struct queue *q)
{
	struct load *load;

	if (list_is_empty(&q->run->loading))
		return;
	load = mem_zero(sizeof(*load));
	load->queue = q;
	while (load->n < LOAD_BATCH && !list_is_empty(&q->run->loading)) {
		struct found *f = LIST_FIRST(&q->run->loading, struct found, link);

		memcpy(load->file[load->n].name, f->name, SPOOL_NAME);
		buf_init(&load->file[load->n].tail, ENVELOPE_MAX);
		load->n++;
		list_remove(&f->link);
		mem_free(f);
	}
	loop_work(q->loop, load_work, load_done, load);
}

static void
load_found(void *arg, const char *name)
{
	struct queue *q = arg;
	struct found *f = mem_zero(sizeof(*f));

	snprintf(f->name, sizeof(f->name), "%s", name);
	list_push(&q->run->loading, &f->link);
}

int
load_start(struct queue *q, const char **why)
{
	list_init(&q->run->loading);
	if (spool_list(&q->spool, load_found, q) == -1)
		return fail(why, "the spool folder cannot be read");
	load_more(q);
	return 0;
}
