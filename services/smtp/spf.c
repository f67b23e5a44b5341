/* SPF at RCPT. See spf.h. */
#include "services/smtp/spf.h"

#include "wire/dkim.h"

/* dkim gives up after 20 seconds. */
#define TIMEOUT_MS 22000

bool
spf_is_open(const struct session *s)
{
	return s->server->spf != NULL && !s->t.spf_asked && s->user == NULL &&
	    s->stranger;
}

static void
on_verdict(void *arg, struct chan_frame *f)
{
	struct session *s = arg;
	struct transaction *t = &s->t;

	if (f != NULL && f->type == WIRE_SPF_VERDICT) {
		struct wire_in in = wire_in(f->payload);
		struct slice text = wire_get_slice(&in, LIMIT_SMTP_REPLY);

		if (wire_end(&in) == 0)
			t->spf_refusal = arena_slice(&t->arena, text);
	}
	session_go_on(s);
	t->spf_then(s);
}

void
spf_ask(struct session *s, void (*then)(struct session *))
{
	struct server *v = s->server;
	struct buf *b = server_frame(v);

	s->t.spf_asked = true;
	s->t.spf_then = then;
	wire_put_str(b, s->ip);
	wire_put_str(b, s->helo != NULL ? s->helo : "");
	wire_put_slice(b, s->t.sender);
	session_wait(s, v->spf, peer_request(v->spf, WIRE_SPF_CHECK,
	    buf_slice(b), -1, TIMEOUT_MS, on_verdict, s));
}
