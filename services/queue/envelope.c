#include "services/queue/envelope.h"

#include "core/num.h"
#include "wire/wire.h"

#define RECORD_MAGIC 0x50625131u /* "PbQ1" */

enum record_type {
	RECORD_EDIT = 1,
	RECORD_ENVELOPE,
	RECORD_STATE,
	RECORD_EXPAND,
	RECORD_HOLD,
};

void
envelope_init(struct envelope *e)
{
	*e = (struct envelope){ 0 };
}

void
envelope_release(struct envelope *e)
{
	for (uint32_t i = 0; i < e->n; i++) {
		mem_free(e->rcpt[i].reply);
		mem_free(e->rcpt[i].own);
	}
	mem_free(e->rcpt);
	mem_free(e->blob);
	envelope_init(e);
}

struct recipient *
envelope_add(struct envelope *e, enum recipient_kind kind,
    struct slice address, struct slice orig, struct slice orcpt, uint8_t notify)
{
	struct recipient *r;

	if (e->n >= ENVELOPE_RECIPIENTS)
		return NULL;
	if (e->n == e->cap) {
		e->cap = e->cap == 0 ? 1 : e->cap * 2;
		e->rcpt = mem_grow(e->rcpt, e->cap, sizeof(*e->rcpt));
	}
	r = &e->rcpt[e->n++];
	*r = (struct recipient){
		.kind = kind, .notify = notify,
		.address = address, .orig = orig, .orcpt = orcpt,
	};
	return r;
}

static struct slice
reply_put(char **at, struct slice s)
{
	char *to = *at;

	if (s.n > 0)
		memcpy(to, s.p, s.n);
	*at += s.n;
	return slice_of(to, s.n);
}

void
recipient_reply(struct recipient *r, struct slice enhanced, struct slice text,
    struct slice host)
{
	struct reply *p = mem_alloc(sizeof(*p) + enhanced.n + text.n + host.n);
	char *at = p->bytes;

	p->enhanced = reply_put(&at, enhanced);
	p->text = reply_put(&at, text);
	p->host = reply_put(&at, host);
	mem_free(r->reply);
	r->reply = p;
}

bool
recipient_reply_differs(const struct recipient *r, struct slice enhanced,
    struct slice text)
{
	return r->reply == NULL || !slice_eq(r->reply->enhanced, enhanced) ||
	    !slice_eq(r->reply->text, text);
}

bool
envelope_owes_failure(const struct envelope *e, const struct recipient *r)
{
	/* A report of ours that fails is told to the postmaster, once. */
	if (e->sender.n == 0)
		return (e->flags & ENVELOPE_BOUNCE) &&
		    !(e->flags & ENVELOPE_DOUBLE);
	return r->notify == 0 || (r->notify & WIRE_NOTIFY_FAILURE);
}

bool
envelope_owes_success(const struct envelope *e, const struct recipient *r,
    bool next_hop_reports)
{
	return e->sender.n > 0 && (r->notify & WIRE_NOTIFY_SUCCESS) &&
	    !next_hop_reports;
}

bool
envelope_owes_delay(const struct envelope *e, const struct recipient *r)
{
	return e->sender.n > 0 && (r->notify & WIRE_NOTIFY_DELAY) && !r->warned;
}

/* ---- records -------------------------------------------------------------- */

/* FNV-1a: finds torn and stale bytes; it is no defence against forgery. */
static uint32_t
record_sum(uint32_t sum, const void *p, size_t n)
{
	const unsigned char *at = p;

	for (size_t i = 0; i < n; i++)
		sum = (sum ^ at[i]) * 16777619u;
	return sum;
}

static void
record_write(struct buf *out, enum record_type type, const struct buf *payload)
{
	unsigned char head[ENVELOPE_RECORD_HEAD];

	if (!buf_ok(payload)) {
		out->failed = true;
		return;
	}
	num_be32_put(head, RECORD_MAGIC);
	num_be32_put(head + 4, type);
	num_be32_put(head + 8, (uint32_t)payload->n);
	num_be32_put(head + 12, record_sum(record_sum(2166136261u, head + 4, 8),
	    buf_str(payload), payload->n));
	buf_add(out, head, sizeof(head));
	buf_add_slice(out, buf_slice(payload));
}

/* The first record of *in; false if it is not whole. */
static bool
record_read(struct slice *in, unsigned *type, struct slice *payload)
{
	const unsigned char *head = (const unsigned char *)in->p;
	uint32_t n;

	if (in->n < ENVELOPE_RECORD_HEAD || num_be32(head) != RECORD_MAGIC)
		return false;
	n = num_be32(head + 8);
	if (n > in->n - ENVELOPE_RECORD_HEAD)
		return false;
	*payload = slice_of(in->p + ENVELOPE_RECORD_HEAD, n);
	if (num_be32(head + 12) != record_sum(record_sum(2166136261u, head + 4,
	    8), payload->p, n))
		return false;
	*type = num_be32(head + 4);
	*in = slice_from(*in, ENVELOPE_RECORD_HEAD + n);
	return true;
}

static void
put_outcome(struct buf *b, const struct recipient *r)
{
	wire_put_u8(b, (uint8_t)r->state);
	wire_put_bool(b, r->owed);
	wire_put_bool(b, r->warned);
	wire_put_bool(b, r->relayed_dsn);
	wire_put_slice(b, r->reply != NULL ? r->reply->enhanced : S(""));
	wire_put_slice(b, r->reply != NULL ? r->reply->text : S(""));
	wire_put_slice(b, r->reply != NULL ? r->reply->host : S(""));
}

static void
get_outcome(struct wire_in *in, struct recipient *r)
{
	struct slice enhanced, text, host;

	r->state = wire_get_enum(in, RECIPIENT_STATES);
	r->owed = wire_get_bool(in);
	r->warned = wire_get_bool(in);
	r->relayed_dsn = wire_get_bool(in);
	enhanced = wire_get_slice(in, 32);
	text = wire_get_slice(in, LIMIT_FRAME);
	host = wire_get_slice(in, LIMIT_FRAME);
	if (!in->failed && (enhanced.n > 0 || text.n > 0))
		recipient_reply(r, enhanced, text, host);
}

void
envelope_write(struct buf *out, const struct envelope *e,
    const struct wire_edit *edit)
{
	struct buf b = BUF_INIT(ENVELOPE_MAX);

	wire_edit_put(&b, edit);
	record_write(out, RECORD_EDIT, &b);
	buf_clear(&b);
	wire_put_u32(&b, e->flags);
	wire_put_u64(&b, (uint64_t)e->created);
	wire_put_slice(&b, e->sender);
	wire_put_slice(&b, e->envid);
	wire_put_slice(&b, e->ret);
	wire_put_slice(&b, e->user);
	wire_put_slice(&b, e->client);
	wire_put_bool(&b, e->hold);
	wire_put_u32(&b, e->n);
	for (uint32_t i = 0; i < e->n; i++) {
		const struct recipient *r = &e->rcpt[i];

		wire_put_u8(&b, (uint8_t)r->kind);
		wire_put_u8(&b, r->notify);
		wire_put_slice(&b, r->address);
		wire_put_slice(&b, r->orig);
		wire_put_slice(&b, r->orcpt);
		put_outcome(&b, r);
	}
	record_write(out, RECORD_ENVELOPE, &b);
	buf_release(&b);
}

void
envelope_write_state(struct buf *out, const struct envelope *e, uint32_t index)
{
	struct buf b = BUF_INIT(3 * LIMIT_FRAME);

	wire_put_u32(&b, index);
	put_outcome(&b, &e->rcpt[index]);
	record_write(out, RECORD_STATE, &b);
	buf_release(&b);
}

void
envelope_write_hold(struct buf *out, bool hold)
{
	struct buf b = BUF_INIT(1);

	wire_put_bool(&b, hold);
	record_write(out, RECORD_HOLD, &b);
	buf_release(&b);
}

void
envelope_write_expand(struct buf *out, uint32_t index,
    const struct wire_queue_target *targets, uint32_t n)
{
	struct buf b = BUF_INIT(ENVELOPE_MAX);

	wire_put_u32(&b, index);
	wire_put_u32(&b, n);
	for (uint32_t i = 0; i < n; i++) {
		wire_put_bool(&b, targets[i].local);
		wire_put_slice(&b, targets[i].address);
	}
	record_write(out, RECORD_EXPAND, &b);
	buf_release(&b);
}

int
envelope_expand(struct envelope *e, uint32_t index,
    const struct wire_queue_target *targets, uint32_t n)
{
	if (n > ENVELOPE_RECIPIENTS - e->n)
		return -1;
	for (uint32_t i = 0; i < n; i++) {
		struct recipient from = e->rcpt[index];
		char *own = slice_dup(targets[i].address);
		struct recipient *r = envelope_add(e, targets[i].local ?
		    RECIPIENT_LOCAL : RECIPIENT_REMOTE, slice_str(own),
		    from.orig, from.orcpt, from.notify);

		r->own = own;
	}
	e->rcpt[index].state = RECIPIENT_DONE;
	return 0;
}

static int
envelope_take(struct envelope *e, struct slice payload)
{
	struct wire_in in;
	uint32_t n;

	e->blob = mem_dup(payload.p, payload.n);
	in = wire_in(slice_of(e->blob, payload.n));
	e->flags = wire_get_u32(&in) & (ENVELOPE_FLAGS - 1);
	e->created = (int64_t)(wire_get_u64(&in) & INT64_MAX);
	e->sender = wire_get_slice(&in, LIMIT_ADDRESS);
	e->envid = wire_get_slice(&in, LIMIT_SMTP_COMMAND);
	e->ret = wire_get_slice(&in, 16);
	e->user = wire_get_slice(&in, LIMIT_ADDRESS);
	e->client = wire_get_slice(&in, LIMIT_SMTP_COMMAND);
	e->hold = wire_get_bool(&in);
	n = wire_get_u32(&in);
	for (uint32_t i = 0; i < n && !in.failed; i++) {
		enum recipient_kind kind = wire_get_enum(&in, RECIPIENT_KINDS);
		uint8_t notify = wire_get_u8(&in);
		struct slice address = wire_get_slice(&in, LIMIT_ADDRESS);
		struct slice orig = wire_get_slice(&in, LIMIT_ADDRESS);
		struct slice orcpt = wire_get_slice(&in, LIMIT_SMTP_COMMAND);
		struct recipient *r = envelope_add(e, kind, address, orig, orcpt,
		    notify);

		if (r == NULL)
			return -1;
		get_outcome(&in, r);
	}
	return e->n > 0 ? wire_end(&in) : -1;
}

static int
state_take(struct envelope *e, struct slice payload)
{
	struct wire_in in = wire_in(payload);
	uint32_t index = wire_get_u32(&in);

	if (in.failed || index >= e->n)
		return -1;
	get_outcome(&in, &e->rcpt[index]);
	return wire_end(&in);
}

static int
expand_take(struct envelope *e, struct slice payload)
{
	struct wire_in in = wire_in(payload);
	uint32_t index = wire_get_u32(&in);
	uint32_t n = wire_get_u32(&in);
	struct wire_queue_target *targets;
	int r;

	if (in.failed || index >= e->n || n > ENVELOPE_RECIPIENTS)
		return -1;
	targets = mem_array(n + 1u, sizeof(*targets));
	for (uint32_t i = 0; i < n; i++) {
		targets[i].local = wire_get_bool(&in);
		targets[i].address = wire_get_slice(&in, LIMIT_ADDRESS);
	}
	r = wire_end(&in);
	if (r == 0)
		r = envelope_expand(e, index, targets, n);
	mem_free(targets);
	return r;
}

static int
hold_take(struct envelope *e, struct slice payload)
{
	struct wire_in in = wire_in(payload);

	e->hold = wire_get_bool(&in);
	return wire_end(&in);
}

ssize_t
envelope_read(struct envelope *e, struct slice tail, uint32_t *edit_size,
    const char **why)
{
	static int (*const take[])(struct envelope *, struct slice) = {
		[RECORD_STATE] = state_take,
		[RECORD_EXPAND] = expand_take,
		[RECORD_HOLD] = hold_take,
	};
	struct slice rest = tail, payload;
	unsigned type;

	if (!record_read(&rest, &type, &payload) || type != RECORD_EDIT)
		return fail(why, "no edit record");
	*edit_size = ENVELOPE_RECORD_HEAD + (uint32_t)payload.n;
	if (!record_read(&rest, &type, &payload) || type != RECORD_ENVELOPE)
		return fail(why, "no envelope record");
	if (envelope_take(e, payload) == -1)
		return fail(why, "malformed envelope record");
	while (record_read(&rest, &type, &payload)) {
		if (type >= LEN(take) || take[type] == NULL ||
		    take[type](e, payload) == -1)
			return fail(why, "malformed journal record");
	}
	return (ssize_t)(tail.n - rest.n);
}

int
envelope_read_edit(struct wire_edit *edit, struct slice record)
{
	struct slice payload;
	struct wire_in in;
	unsigned type;

	if (!record_read(&record, &type, &payload) || type != RECORD_EDIT)
		return -1;
	in = wire_in(payload);
	wire_edit_get(&in, edit);
	return wire_end(&in);
}
