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

void
sign_message(struct queue *q, int fd, const char *id, uint64_t size,
    const struct edit *edit, void (*cb)(void *arg, struct slice fields),
    void *arg)
{
	struct buf b = WIRE_BUF;
	struct wire_edit view;
	struct signing *s;
	int again;

	if (!q->conf->enable_opendkim) {
		cb(arg, S(""));
		return;
	}
	again = spool_body_again(&q->spool, fd, id, O_RDONLY);
	if (again == -1) {
		log_warn("unsigned", "id=%s reason=\"%s\"", id, strerror(errno));
		cb(arg, S(""));
		return;
	}
	s = mem_zero(sizeof(*s));
	snprintf(s->id, sizeof(s->id), "%s", id);
	s->cb = cb;
	s->arg = arg;
	edit_view(edit, &view);
	wire_put_u64(&b, size);
	wire_edit_put(&b, &view);
	peer_request(q->dkim, WIRE_DKIM_SIGN, buf_slice(&b), again,
	    SIGN_TIMEOUT_MS, on_signed, s);
	buf_release(&b);
}
