#include "services/queue/admin.h"

#include "core/log.h"
#include "core/now.h"
#include "services/queue/compose.h"
#include "services/queue/intake.h"
#include "services/queue/run.h"

/* Lines of a list go out in frames of about this size. */
#define TEXT_FRAME 32768
/* A longer list would not fit the channel (LIMIT_CHAN_QUEUE). */
#define LIST_MAX 10000

/* One request being answered. */
struct admin {
	struct queue *queue;
	struct chan *chan;
	uint32_t id;
	struct buf text;
	uint8_t status;
	bool gone; /* the channel closed under us */
};

static void
admin_flush(struct admin *a)
{
	size_t at = 0;

	while (at < a->text.n && !a->gone) {
		struct slice piece = slice_head(slice_from(buf_slice(&a->text),
		    at), TEXT_FRAME);

		a->gone = chan_send(a->chan, WIRE_ADMIN_TEXT, a->id, piece,
		    -1) == -1;
		at += piece.n;
	}
	buf_clear(&a->text);
}

/* Appends text from outside: what could move a terminal's cursor becomes '?'. */
static void
put_clean(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		buf_addc(out, c < 0x20 || c == 0x7f ? '?' : (char)c);
	}
}

static void
put_padded(struct buf *out, struct slice s, size_t width)
{
	put_clean(out, s);
	for (size_t n = s.n; n < width; n++)
		buf_addc(out, ' ');
}

static void
put_time(struct buf *out, int64_t when)
{
	time_t t = (time_t)when;
	struct tm tm;
	char text[40];

	if (localtime_r(&t, &tm) != NULL &&
	    strftime(text, sizeof(text), "%a %b %e %H:%M:%S", &tm) > 0)
		buf_adds(out, text);
}

static struct message *
admin_message(struct admin *a, struct slice id)
{
	struct message *m = run_find(a->queue, id);

	if (m != NULL && !m->deleted)
		return m;
	buf_adds(&a->text, "queue id '");
	put_clean(&a->text, slice_head(id, 64));
	buf_adds(&a->text, "' not found\n");
	a->status = 1;
	return NULL;
}

/* ---- list ----------------------------------------------------------------- */

static int
message_order(const void *a, const void *b)
{
	const struct message *const *x = a, *const *y = b;

	return strcmp((*x)->env.id, (*y)->env.id);
}

/* All messages, oldest first (ids are times). The caller frees the array. */
static struct message **
all_messages(struct queue *q, size_t *n)
{
	struct message **v = mem_array(q->run->messages.count + 1, sizeof(*v));
	struct map_iter it = { 0 };
	struct slice key;
	void *value;

	*n = 0;
	while (map_next(&q->run->messages, &it, &key, &value)) {
		struct message *m = value;

		if (!m->deleted)
			v[(*n)++] = m;
	}
	if (*n > 0)
		qsort(v, *n, sizeof(*v), message_order);
	return v;
}

/* The line is postqueue's, which scripts know: "*" active, "!" on hold. */
static void
list_message(struct buf *out, const struct message *m)
{
	char mark = m->jobs > 0 || m->settling ? '*' : m->env.hold ? '!' : ' ';

	buf_addf(out, "%s%c %8llu ", m->env.id, mark,
	    (unsigned long long)m->env.size);
	put_time(out, m->env.created);
	buf_adds(out, "  ");
	put_clean(out, m->env.sender.n > 0 ? m->env.sender : S("MAILER-DAEMON"));
	buf_addc(out, '\n');
	for (uint32_t i = 0; i < m->env.n; i++) {
		const struct recipient *r = &m->env.rcpt[i];

		if (r->state == RECIPIENT_DONE ||
		    (r->state == RECIPIENT_FAILED && !r->owed))
			continue;
		if (r->reply != NULL) {
			buf_addc(out, '(');
			if (r->reply->host.n > 0) {
				buf_adds(out, "host ");
				put_clean(out, r->reply->host);
				buf_adds(out, " said: ");
			}
			put_clean(out, r->reply->enhanced);
			buf_addc(out, ' ');
			put_clean(out, r->reply->text);
			buf_adds(out, ")\n");
		}
		put_padded(out, S(""), 41);
		put_clean(out, r->address);
		buf_addc(out, '\n');
	}
	buf_addc(out, '\n');
}

static void
admin_list(struct admin *a, struct slice id UNUSED)
{
	struct message **v;
	uint64_t bytes = 0;
	size_t n;

	v = all_messages(a->queue, &n);
	if (n == 0)
		buf_adds(&a->text, "Mail queue is empty\n");
	else
		buf_adds(&a->text, "-Queue ID-  --Size-- ----Arrival Time---- "
		    "-Sender/Recipient-------\n");
	for (size_t i = 0; i < n; i++) {
		bytes += v[i]->env.size;
		if (i >= LIST_MAX || a->gone)
			continue;
		list_message(&a->text, v[i]);
		if (a->text.n >= TEXT_FRAME)
			admin_flush(a);
	}
	if (n > LIST_MAX)
		buf_addf(&a->text, "(%zu more)\n\n", n - LIST_MAX);
	if (n > 0)
		buf_addf(&a->text, "-- %llu Kbytes in %zu Request%s.\n",
		    (unsigned long long)((bytes + 1023) / 1024), n,
		    n == 1 ? "" : "s");
	mem_free(v);
}

/* ---- show ----------------------------------------------------------------- */

static void
show_envelope(struct buf *out, const struct message *m)
{
	static const char *const state[RECIPIENT_STATES] = {
		[RECIPIENT_WAITING] = "waiting", [RECIPIENT_DONE] = "done",
		[RECIPIENT_FAILED] = "failed",
	};

	buf_addf(out, "id: %s\nsize: %llu\narrived: ", m->env.id,
	    (unsigned long long)m->env.size);
	put_time(out, m->env.created);
	buf_adds(out, "\nsender: <");
	put_clean(out, m->env.sender);
	buf_adds(out, ">\n");
	if (m->env.user.n > 0) {
		buf_adds(out, "user: ");
		put_clean(out, m->env.user);
		buf_addc(out, '\n');
	}
	if (m->env.client.n > 0) {
		buf_adds(out, "client: ");
		put_clean(out, m->env.client);
		buf_addc(out, '\n');
	}
	buf_addf(out, "hold: %s\n", m->env.hold ? "yes" : "no");
	for (uint32_t i = 0; i < m->env.n; i++) {
		const struct recipient *r = &m->env.rcpt[i];

		buf_adds(out, "recipient: <");
		put_clean(out, r->address);
		buf_addf(out, "> %s", r->busy ? "active" : state[r->state]);
		if (r->reply != NULL) {
			buf_adds(out, " (");
			put_clean(out, r->reply->enhanced);
			buf_addc(out, ' ');
			put_clean(out, r->reply->text);
			buf_addc(out, ')');
		}
		buf_addc(out, '\n');
	}
	buf_addc(out, '\n');
}

static void
admin_show(struct admin *a, struct slice id)
{
	struct message *m = admin_message(a, id);
	struct buf record = BUF_INIT(LIMIT_FRAME);
	struct buf header = BUF_INIT(WIRE_PREFIX + LIMIT_HEADER_BYTES);
	struct wire_edit edit;
	int fd;

	if (m == NULL)
		return;
	show_envelope(&a->text, m);
	fd = message_open(m, &record, &edit);
	if (fd == -1 || compose_apply(&header, fd, m->env.size, &edit, true) ==
	    -1) {
		buf_addf(&a->text, "cannot read the message: %s\n",
		    strerror(errno));
		a->status = 1;
	}
	for (size_t i = 0; i < header.n; i++)
		if (header.p[i] == '\n' || header.p[i] == '\t')
			buf_addc(&a->text, header.p[i]);
		else if (header.p[i] != '\r')
			put_clean(&a->text, slice_of(header.p + i, 1));
	if (fd != -1)
		close(fd);
	buf_release(&header);
	buf_release(&record);
}

/* ---- changes -------------------------------------------------------------- */

static void
admin_flush_queue(struct admin *a, struct slice id)
{
	struct message *m, **v;
	size_t n;

	if (id.n > 0) {
		m = admin_message(a, id);
		if (m != NULL)
			message_flush(m);
		return;
	}
	v = all_messages(a->queue, &n);
	for (size_t i = 0; i < n; i++)
		message_flush(v[i]);
	mem_free(v);
}

static void
set_hold(struct admin *a, struct slice id, bool hold)
{
	struct message *m = admin_message(a, id);

	if (m == NULL)
		return;
	if (message_hold(m, hold) == -1) {
		buf_addf(&a->text, "cannot write to the spool: %s\n",
		    strerror(errno));
		a->status = 1;
		return;
	}
	log_info(hold ? "hold" : "release", "id=%.*s", SLICE_ARG(id));
}

static void
admin_hold(struct admin *a, struct slice id)
{
	set_hold(a, id, true);
}

static void
admin_release(struct admin *a, struct slice id)
{
	set_hold(a, id, false);
}

static void
admin_delete(struct admin *a, struct slice id)
{
	struct message *m = admin_message(a, id);

	if (m == NULL)
		return;
	log_info("delete", "id=%s", m->env.id);
	message_delete(m);
}

static const struct {
	const char *verb;
	unsigned min; /* words behind the verb */
	unsigned max;
	void (*fn)(struct admin *a, struct slice id);
} verbs[] = {
	{ "list", 0, 0, admin_list },
	{ "show", 1, 1, admin_show },
	{ "flush", 0, 1, admin_flush_queue },
	{ "hold", 1, 1, admin_hold },
	{ "release", 1, 1, admin_release },
	{ "delete", 1, 1, admin_delete },
};

static void
admin_run(struct admin *a, struct slice words)
{
	struct slice verb = S(""), id = S(""), word;
	unsigned n = 0;

	slice_split(&words, '\0', &verb);
	while (slice_split(&words, '\0', &word)) {
		id = word;
		n++;
	}
	for (size_t i = 0; i < LEN(verbs); i++) {
		if (!slice_eq(verb, slice_str(verbs[i].verb)))
			continue;
		if (n < verbs[i].min || n > verbs[i].max)
			break;
		verbs[i].fn(a, id);
		return;
	}
	buf_adds(&a->text, "usage: list | show ID | flush [ID] | hold ID | "
	    "release ID | delete ID\n");
	a->status = 1;
}

int
admin_request(struct service *s, struct chan *c, struct chan_frame *f)
{
	struct admin a = { .queue = service_data(s), .chan = c, .id = f->id };

	buf_init(&a.text, 4u << 20);
	admin_run(&a, f->payload);
	admin_flush(&a);
	if (!a.gone)
		(void)chan_send(c, WIRE_ADMIN_END, f->id,
		    slice_of(&a.status, 1), -1);
	buf_release(&a.text);
	return 0;
}

void
admin_status(struct service *s, struct buf *out)
{
	struct queue *q = service_data(s);
	struct run_counts n;

	run_count(q, &n);
	buf_addf(out, " accepted=%llu incoming=%zu active=%zu deferred=%zu"
	    " hold=%zu oldest=%lld", (unsigned long long)q->intake->accepted,
	    q->intake->count, n.active, n.deferred, n.hold,
	    n.oldest != 0 ? (long long)(now_wall() - n.oldest) : 0ll);
}
