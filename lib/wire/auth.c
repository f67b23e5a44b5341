#include "wire/auth.h"

void
wire_auth_reply_put(struct buf *b, const struct wire_auth_reply *r)
{
	wire_put_u8(b, (uint8_t)r->result);
	wire_put_slice(b, r->user);
	wire_put_slice(b, r->master);
	wire_put_slice(b, r->ticket);
	wire_put_slice(b, r->message);
}

int
wire_auth_reply_get(struct slice payload, struct wire_auth_reply *r)
{
	struct wire_in in = wire_in(payload);

	r->result = wire_get_enum(&in, WIRE_VERIFY_RESULTS);
	r->user = wire_get_slice(&in, LIMIT_ADDRESS);
	r->master = wire_get_slice(&in, LIMIT_ADDRESS);
	r->ticket = wire_get_slice(&in, WIRE_TICKET);
	r->message = wire_get_slice(&in, 2 * LIMIT_SASL_MESSAGE);
	return wire_end(&in);
}

void
wire_auth_sasl_put(struct buf *b, const struct wire_auth_sasl *s)
{
	wire_put_u8(b, (uint8_t)s->service);
	wire_put_slice(b, s->client_ip);
	wire_put_slice(b, s->mechanism);
	wire_put_slice(b, s->message);
	wire_put_bool(b, s->plus_offered);
	wire_put_slice(b, s->tls_exporter);
	wire_put_slice(b, s->tls_unique);
	wire_put_slice(b, s->tls_end_point);
}

int
wire_auth_sasl_get(struct slice payload, struct wire_auth_sasl *s)
{
	struct wire_in in = wire_in(payload);

	s->service = wire_get_enum(&in, WIRE_SERVICES);
	s->client_ip = wire_get_slice(&in, 64);
	s->mechanism = wire_get_slice(&in, 32);
	s->message = wire_get_slice(&in, LIMIT_SASL_MESSAGE);
	s->plus_offered = wire_get_bool(&in);
	s->tls_exporter = wire_get_slice(&in, WIRE_BINDING);
	s->tls_unique = wire_get_slice(&in, WIRE_BINDING);
	s->tls_end_point = wire_get_slice(&in, WIRE_BINDING);
	return wire_end(&in);
}

void
wire_auth_external_put(struct buf *b, const struct wire_auth_external *e)
{
	wire_put_u8(b, (uint8_t)e->service);
	wire_put_slice(b, e->client_ip);
	wire_put_slice(b, e->authzid);
	wire_put_slice(b, e->certificates);
}

int
wire_auth_external_get(struct slice payload, struct wire_auth_external *e)
{
	struct wire_in in = wire_in(payload);

	e->service = wire_get_enum(&in, WIRE_SERVICES);
	e->client_ip = wire_get_slice(&in, 64);
	e->authzid = wire_get_slice(&in, LIMIT_SASL_MESSAGE);
	e->certificates = wire_get_slice(&in, LIMIT_TLS_CERTIFICATES);
	return wire_end(&in);
}
