#include "services/deliver/request.h"

#include <sys/stat.h>

#include "core/log.h"
#include "core/now.h"
#include "mail/msgid.h"
#include "services/deliver/place.h"
#include "wire/deliver.h"

struct target {
	struct request *request;
	uint32_t index;
	bool asked_again;    /* whether its quota has become larger */
	struct place place;
};

struct request {
	struct deliver *deliver;
	struct list link;
	struct chan *chan;   /* NULL once queue is gone */
	uint32_t id;
	char *frame;         /* copy of the payload; all slices point into it */
	int fd;
	uint64_t size;
	struct slice queue_id;
	struct slice sender;
	struct slice prefix;
	struct store_cut *cuts;
	uint32_t n_cuts;
	struct target *targets;
	uint32_t left;       /* recipients without an answer */
};

static void
request_free(struct request *r)
{
	struct deliver *d = r->deliver;

	list_remove(&r->link);
	if (r->fd != -1)
		close(r->fd);
	mem_free(r->targets);
	mem_free(r->cuts);
	mem_free(r->frame);
	mem_free(r);
	if (service_is_stopping(d->service) && list_is_empty(&d->requests))
		service_exit(d->service);
}

/* A queue id is the time of arrival: microseconds in base 36 (mail/msgid.h). */
static int64_t
arrival_us(struct slice id)
{
	uint64_t us = 0;

	for (size_t i = 0; i < id.n; i++)
		us = us * 36 + (uint64_t)(ascii_is_digit(id.p[i]) ?
		    id.p[i] - '0' : id.p[i] - 'A' + 10);
	return (int64_t)us;
}

static void
log_delivery(const struct target *t, const struct place_verdict *v)
{
	static const char *const status[WIRE_OUTCOMES] = {
		[WIRE_DONE] = "sent", [WIRE_LATER] = "deferred",
		[WIRE_NEVER] = "refused",
	};
	int64_t delay = now_wall_us() - arrival_us(t->place.queue_id);
	struct log_line l;
	char text[32];

	snprintf(text, sizeof(text), "%.3f", delay > 0 ? (double)delay / 1e6 : 0);
	log_begin(&l, v->outcome == WIRE_DONE ? LOG_INFO : LOG_WARN, "deliver");
	log_slice(&l, "id", t->place.queue_id);
	log_slice(&l, "to", t->place.user);
	if (!slice_eq(t->place.recipient, t->place.user))
		log_slice(&l, "orig_to", t->place.recipient);
	log_str(&l, "delay", text);
	log_str(&l, "dsn", v->enhanced);
	log_str(&l, "status", status[v->outcome]);
	if (t->place.repeated)
		log_str(&l, "repeated", "yes");
	if (v->outcome != WIRE_DONE)
		log_str(&l, "reason", v->text);
	log_end(&l);
}

static void
target_answer(struct target *t, const struct place_verdict *v)
{
	struct request *r = t->request;
	struct deliver *d = r->deliver;
	struct buf b = WIRE_BUF;

	log_delivery(t, v);
	d->delivered += v->outcome == WIRE_DONE;
	d->deferred += v->outcome == WIRE_LATER;
	d->refused += v->outcome == WIRE_NEVER;
	if (r->chan != NULL) {
		wire_put_u32(&b, t->index);
		wire_put_u8(&b, (uint8_t)v->outcome);
		wire_put_str(&b, v->enhanced);
		wire_put_str(&b, v->text);
		if (chan_send(r->chan, WIRE_DELIVER_RESULT, r->id, buf_slice(&b),
		    -1) == -1)
			r->chan = NULL;
		buf_release(&b);
	}
	if (--r->left == 0)
		request_free(r);
}

static void
target_work(void *arg)
{
	struct target *t = arg;

	place_message(&t->place);
}

static void target_user(void *arg, enum users_answer answer,
    const struct store_quota *quota);

static void
target_done(void *arg)
{
	struct target *t = arg;
	struct deliver *d = t->request->deliver;

	d->pending--;
	if (t->place.counted)
		users_report(&d->users, t->place.user, &t->place.held);
	/* A refusal is for good: not by a limit that was remembered. */
	if (t->place.err == STORE_QUOTA && !t->asked_again) {
		t->asked_again = true;
		users_forget(&d->users, t->place.user);
		users_ask(&d->users, t->place.user, target_user, t);
		return;
	}
	target_answer(t, place_verdict(t->place.err));
}

static void
target_user(void *arg, enum users_answer answer,
    const struct store_quota *quota)
{
	static const struct place_verdict unknown = {
		WIRE_NEVER, "5.1.1", "User doesn't exist",
	};
	static const struct place_verdict later = {
		WIRE_LATER, "4.3.0", "User lookup is not available",
	};
	struct target *t = arg;
	struct deliver *d = t->request->deliver;

	if (answer == USERS_EXISTS && t->asked_again &&
	    quota->bytes == t->place.quota.bytes &&
	    quota->messages == t->place.quota.messages) {
		target_answer(t, place_verdict(STORE_QUOTA));
		return;
	}
	if (answer == USERS_EXISTS) {
		t->place.quota = *quota;
		d->pending++;
		loop_work(d->loop, target_work, target_done, t);
		return;
	}
	target_answer(t, answer == USERS_UNKNOWN ? &unknown : &later);
}

static int
cuts_take(struct request *r, const struct wire_edit *e)
{
	uint64_t at = 0;

	r->cuts = mem_array(e->count + 1u, sizeof(*r->cuts));
	r->n_cuts = e->count;
	for (uint32_t i = 0; i < e->count; i++) {
		const struct wire_cut *c = &e->cuts[i];

		if (c->start < at || c->end < c->start || c->end > r->size)
			return -1;
		r->cuts[i].offset = (off_t)c->start;
		r->cuts[i].length = c->end - c->start;
		at = c->end;
	}
	return 0;
}

/* The descriptor must be the message it claims to be: a file, long enough. */
static bool
body_is_sane(const struct request *r)
{
	struct stat st;

	return r->fd != -1 && fstat(r->fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    r->size <= INT64_MAX && (uint64_t)st.st_size >= r->size;
}

static int
request_parse(struct request *r, struct slice payload)
{
	struct wire_in in = wire_in(payload);
	struct wire_edit edit;
	uint32_t count;
	bool junk;

	r->queue_id = wire_get_slice(&in, QUEUE_ID_LEN);
	r->sender = wire_get_slice(&in, LIMIT_ADDRESS);
	wire_edit_get(&in, &edit);
	r->size = wire_get_u64(&in);
	junk = wire_get_bool(&in);
	count = wire_get_u32(&in);
	if (in.failed || !msgid_queue_id_valid(r->queue_id) || count == 0 ||
	    count > WIRE_DELIVER_RECIPIENTS || !body_is_sane(r))
		return -1;
	r->prefix = edit.prefix;
	if (cuts_take(r, &edit) == -1)
		return -1;
	r->targets = mem_array(count, sizeof(*r->targets));
	r->left = count;
	for (uint32_t i = 0; i < count; i++) {
		struct target *t = &r->targets[i];

		t->request = r;
		t->index = i;
		t->place = (struct place){
			.store = r->deliver->store,
			.junk = junk && r->deliver->junk_folder,
			.seen = junk && r->deliver->junk_seen,
			.user = wire_get_slice(&in, LIMIT_ADDRESS),
			.recipient = wire_get_slice(&in, LIMIT_ADDRESS),
			.queue_id = r->queue_id,
			.sender = r->sender,
			.prefix = r->prefix,
			.fd = r->fd,
			.size = r->size,
			.cuts = r->cuts,
			.n_cuts = r->n_cuts,
		};
	}
	return wire_end(&in);
}

int
request_new(struct service *s, struct chan *c, struct chan_frame *f)
{
	struct deliver *d = service_data(s);
	struct request *r = mem_zero(sizeof(*r));
	uint32_t count;

	r->deliver = d;
	list_init(&r->link);
	r->chan = c;
	r->id = f->id;
	r->fd = f->fd;
	f->fd = -1;
	r->frame = mem_dup(f->payload.p, f->payload.n);
	if (request_parse(r, slice_of(r->frame, f->payload.n)) == -1) {
		request_free(r);
		return -1;
	}
	list_push(&d->requests, &r->link);
	/* The last answer frees r, perhaps inside this loop's last round. */
	count = r->left;
	for (uint32_t i = 0; i < count; i++)
		users_ask(&d->users, r->targets[i].place.user, target_user,
		    &r->targets[i]);
	return 0;
}

void
request_forget_channel(struct deliver *d, struct chan *c)
{
	struct request *r;

	LIST_EACH (r, &d->requests, struct request, link)
		if (r->chan == c)
			r->chan = NULL;
}
