#include "services/queue/frame.h"

#include "wire/auth.h"
#include "wire/relay.h"

#define MAX_RECIPIENTS 100
_Static_assert(MAX_RECIPIENTS <= WIRE_DELIVER_RECIPIENTS &&
    MAX_RECIPIENTS <= WIRE_RELAY_RECIPIENTS, "recipients of a request");

static void
put_deliver_recipient(struct buf *b, const struct recipient *r)
{
	wire_put_slice(b, r->address);
	wire_put_slice(b, r->orig);
}

static void
put_relay_recipient(struct buf *b, const struct recipient *r)
{
	wire_put_slice(b, r->address);
	wire_put_slice(b, r->orcpt);
	wire_put_u8(b, r->notify);
}

/* The count comes before the recipients, so they are written aside first. */
static uint32_t
put_recipients(struct buf *b, const struct envelope *e, const uint32_t *index,
    uint32_t n, void (*put)(struct buf *, const struct recipient *))
{
	size_t room = b->max - b->n - sizeof(uint32_t);
	struct buf list = BUF_INIT(room);
	uint32_t done = 0;

	while (done < n && done < MAX_RECIPIENTS) {
		size_t before = list.n;

		put(&list, &e->rcpt[index[done]]);
		if (!buf_ok(&list)) {
			list.failed = false;
			buf_truncate(&list, before);
			break;
		}
		done++;
	}
	assert(done > 0);
	wire_put_u32(b, done);
	buf_add_slice(b, buf_slice(&list));
	buf_release(&list);
	return done;
}

uint32_t
frame_deliver(struct buf *b, const struct envelope *e,
    const struct wire_edit *edit, const uint32_t *index, uint32_t n)
{
	wire_put_str(b, e->id);
	wire_put_slice(b, e->sender);
	wire_edit_put(b, edit);
	wire_put_u64(b, e->size);
	wire_put_bool(b, e->flags & ENVELOPE_JUNK);
	return put_recipients(b, e, index, n, put_deliver_recipient);
}

/*
 * The relay's passwords stay with the relay: it knows which next hop they
 * belong to, and the queue never sees them.
 */
uint32_t
frame_relay(struct buf *b, const struct envelope *e,
    const struct wire_edit *edit, struct slice next_hop, const uint32_t *index,
    uint32_t n)
{
	wire_put_str(b, e->id);
	wire_put_slice(b, e->sender);
	wire_edit_put(b, edit);
	wire_put_u64(b, e->size);
	wire_put_bool(b, e->flags & ENVELOPE_8BIT);
	wire_put_bool(b, e->flags & ENVELOPE_UTF8);
	wire_put_slice(b, e->ret);
	wire_put_slice(b, e->envid);
	wire_put_slice(b, next_hop);
	wire_put_str(b, "");
	wire_put_str(b, "");
	return put_recipients(b, e, index, n, put_relay_recipient);
}

static void
get_result(struct wire_in *in, struct frame_result *r)
{
	*r = (struct frame_result){ 0 };
	r->index = wire_get_u32(in);
	r->outcome = wire_get_enum(in, WIRE_OUTCOMES);
	r->enhanced = wire_get_slice(in, 32);
	r->text = wire_get_slice(in, LIMIT_SMTP_REPLY);
}

int
frame_deliver_result(struct slice payload, struct frame_result *r)
{
	struct wire_in in = wire_in(payload);

	get_result(&in, r);
	return wire_end(&in);
}

int
frame_relay_result(struct slice payload, struct frame_result *r)
{
	struct wire_in in = wire_in(payload);

	get_result(&in, r);
	r->host = wire_get_slice(&in, LIMIT_SMTP_REPLY);
	r->dsn = wire_get_bool(&in);
	return wire_end(&in);
}

int
frame_rcpt_reply(struct slice payload, unsigned *result,
    struct wire_queue_target *targets, uint32_t *n)
{
	struct wire_in in = wire_in(payload);

	*result = wire_get_enum(&in, WIRE_RCPT_RESULTS);
	*n = wire_get_u32(&in);
	if (*n > WIRE_QUEUE_TARGETS)
		return -1;
	for (uint32_t i = 0; i < *n; i++) {
		targets[i].local = wire_get_enum(&in, WIRE_TARGET_KINDS) ==
		    WIRE_TARGET_LOCAL;
		targets[i].address = wire_get_slice(&in, LIMIT_ADDRESS);
	}
	if (wire_end(&in) == -1 || (*result == WIRE_RCPT_OK && *n == 0))
		return -1;
	return 0;
}
