#include "wire/queue.h"

void
wire_queue_open_put(struct buf *b, const struct wire_queue_open *o)
{
	wire_put_bool(b, o->submission);
	wire_put_slice(b, o->user);
	wire_put_slice(b, o->client_ip);
	wire_put_slice(b, o->client_rdns);
	wire_put_slice(b, o->helo);
	wire_put_bool(b, o->esmtp);
	wire_put_slice(b, o->tls);
	wire_put_slice(b, o->sender);
	wire_put_u64(b, o->size);
	wire_put_bool(b, o->body_8bit);
	wire_put_bool(b, o->smtputf8);
	wire_put_slice(b, o->ret);
	wire_put_slice(b, o->envid);
}

int
wire_queue_open_get(struct slice payload, struct wire_queue_open *o)
{
	struct wire_in in = wire_in(payload);

	o->submission = wire_get_bool(&in);
	o->user = wire_get_slice(&in, LIMIT_ADDRESS);
	o->client_ip = wire_get_slice(&in, 64);
	o->client_rdns = wire_get_slice(&in, LIMIT_DOMAIN);
	o->helo = wire_get_slice(&in, LIMIT_SMTP_COMMAND);
	o->esmtp = wire_get_bool(&in);
	o->tls = wire_get_slice(&in, 256);
	o->sender = wire_get_slice(&in, LIMIT_ADDRESS);
	o->size = wire_get_u64(&in);
	o->body_8bit = wire_get_bool(&in);
	o->smtputf8 = wire_get_bool(&in);
	o->ret = wire_get_slice(&in, 4);
	o->envid = wire_get_slice(&in, LIMIT_SMTP_COMMAND);
	return wire_end(&in);
}

void
wire_queue_rcpt_put(struct buf *b, const struct wire_queue_rcpt *r)
{
	wire_put_slice(b, r->address);
	wire_put_slice(b, r->orcpt);
	wire_put_u8(b, r->notify);
	wire_put_u32(b, r->count);
	for (uint32_t i = 0; i < r->count; i++) {
		wire_put_bool(b, r->targets[i].local);
		wire_put_slice(b, r->targets[i].address);
	}
}

int
wire_queue_rcpt_get(struct slice payload, struct wire_queue_rcpt *r,
    struct wire_queue_target targets[WIRE_QUEUE_TARGETS])
{
	struct wire_in in = wire_in(payload);

	r->address = wire_get_slice(&in, LIMIT_ADDRESS);
	r->orcpt = wire_get_slice(&in, LIMIT_SMTP_COMMAND);
	r->notify = (uint8_t)wire_get_enum(&in, 16);
	r->count = wire_get_u32(&in);
	r->targets = targets;
	if (r->count == 0 || r->count > WIRE_QUEUE_TARGETS)
		return -1;
	for (uint32_t i = 0; i < r->count; i++) {
		targets[i].local = wire_get_bool(&in);
		targets[i].address = wire_get_slice(&in, LIMIT_ADDRESS);
	}
	return wire_end(&in);
}
