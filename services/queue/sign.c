#include "services/queue/sign.h"

#include <fcntl.h>

#include "core/log.h"
#include "wire/dkim.h"

#define SIGN_TIMEOUT_MS 20000

struct signing {
	char id[QUEUE_ID_LEN + 1];
	void (*cb)(void *arg, struct slice fields);
	void *arg;
};

static void
on_signed(void *arg, struct chan_frame *f)
{
	struct signing *s = arg;
	struct slice fields = S("");

	if (f != NULL && f->type == WIRE_DKIM_SIGNED) {
		struct wire_in in = wire_in(f->payload);

		fields = wire_get_slice(&in, LIMIT_FRAME);
		if (wire_end(&in) == -1)
			fields = S("");
	} else {
		log_warn("unsigned", "id=%s reason=\"signer gave no answer\"",
		    s->id);
	}
	s->cb(s->arg, fields);
	mem_free(s);
}

/* Sends what b has and a descriptor of the message; takes over b. */
static void
request(struct queue *q, uint16_t type, struct buf *b, int fd, const char *id,
    void (*cb)(void *arg, struct slice fields), void *arg)
{
	int again = spool_body_again(&q->spool, fd, id, O_RDONLY);
	struct signing *s;

	if (again == -1) {
		log_warn("unsigned", "id=%s reason=\"%s\"", id, strerror(errno));
		buf_release(b);
		cb(arg, S(""));
		return;
	}
	s = mem_zero(sizeof(*s));
	snprintf(s->id, sizeof(s->id), "%s", id);
	s->cb = cb;
	s->arg = arg;
	peer_request(q->dkim, type, buf_slice(b), again, SIGN_TIMEOUT_MS,
	    on_signed, s);
	buf_release(b);
}

void
sign_message(struct queue *q, int fd, const char *id, uint64_t size,
    const struct edit *edit, void (*cb)(void *arg, struct slice fields),
    void *arg)
{
	struct buf b = WIRE_BUF;
	struct wire_edit view;

	if (!q->conf->enable_opendkim) {
		cb(arg, S(""));
		return;
	}
	edit_view(edit, &view);
	wire_put_u64(&b, size);
	wire_edit_put(&b, &view);
	request(q, WIRE_DKIM_SIGN, &b, fd, id, cb, arg);
}

void
sign_seal(struct queue *q, int fd, const char *id, uint64_t size,
    const struct edit *edit, struct slice address, struct slice results,
    uint8_t chain, void (*cb)(void *arg, struct slice fields), void *arg)
{
	struct buf b = WIRE_BUF;
	struct wire_edit view;

	edit_view(edit, &view);
	wire_put_u64(&b, size);
	wire_edit_put(&b, &view);
	wire_put_slice(&b, address);
	wire_put_slice(&b, results);
	wire_put_u8(&b, chain);
	request(q, WIRE_DKIM_SEAL, &b, fd, id, cb, arg);
}
