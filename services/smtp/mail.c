/* MAIL (RFC 5321 4.1.1.2). */
#include "services/smtp/command.h"

#include "mail/addr.h"
#include "services/smtp/reply.h"
#include "wire/auth.h"

#define LOOKUP_MS 30000

static void
accept_sender(struct session *s)
{
	s->mails++;
	session_enter(s, SMTP_MAIL);
	reply(s, "250 2.1.0 Ok");
}

static void
on_owner(void *arg, struct chan_frame *f)
{
	struct session *s = arg;
	bool known = false, allowed = false;

	if (f != NULL && f->type == WIRE_AUTH_SENDER_REPLY) {
		struct wire_in in = wire_in(f->payload);

		allowed = wire_get_bool(&in);
		known = wire_end(&in) == 0;
	}
	session_go_on(s);
	if (!known) {
		reply_reject(s, "MAIL", S(""),
		    "451 4.3.0 <%.*s>: Temporary lookup failure",
		    SLICE_ARG(s->t.sender));
		transaction_end(s);
	} else if (!allowed) {
		reply_reject(s, "MAIL", S(""),
		    "553 5.7.1 <%.*s>: Sender address rejected: not owned by "
		    "user %s", SLICE_ARG(s->t.sender), s->user);
		transaction_end(s);
	} else {
		accept_sender(s);
	}
}

/* SPOOF_PROTECTION, dms-compat 6.6. */
static void
ask_owner(struct session *s)
{
	struct server *v = s->server;
	struct buf *b = server_frame(v);

	wire_put_str(b, s->user);
	wire_put_slice(b, s->t.sender);
	session_wait(s, v->lookup, peer_request(v->lookup, WIRE_AUTH_SENDER,
	    buf_slice(b), -1, LOOKUP_MS, on_owner, s));
}

/* Copies what outlives the command line. */
static void
keep(struct transaction *t, const struct addr *sender, const struct params *p)
{
	struct buf path = BUF_INIT(LIMIT_ADDRESS + 8);

	addr_format(&path, sender);
	t->sender = arena_slice(&t->arena, buf_slice(&path));
	buf_release(&path);
	t->params = *p;
	t->params.envid = arena_slice(&t->arena, p->envid);
}

void
smtp_cmd_mail(struct session *s, struct slice args)
{
	uint64_t limit = s->server->conf->message_size_limit;
	const char *why = "";
	struct params p;
	struct addr a;

	if (!command_keyword(&args, S("FROM:"))) {
		reply(s, "501 5.5.4 Syntax: MAIL FROM:<address>");
		return;
	}
	if (addr_parse_path(&args, ADDR_UTF8 | ADDR_NULL, &a, &why) == -1) {
		reply_reject(s, "MAIL", S(""),
		    "501 5.1.7 Bad sender address syntax: %s", why);
		return;
	}
	if (params_parse(&p, PARAMS_MAIL, args, &why) == -1) {
		reply_reject(s, "MAIL", S(""), "%s", why);
		return;
	}
	/* RFC 6531 3.5 */
	if (a.utf8 && !p.smtputf8) {
		reply_reject(s, "MAIL", S(""),
		    "553 5.6.7 Sender address needs SMTPUTF8");
		return;
	}
	/* RFC 1870 6.1 */
	if (limit != 0 && p.size > limit) {
		reply_reject(s, "MAIL", S(""),
		    "552 5.3.4 Message size exceeds fixed limit");
		return;
	}
	keep(&s->t, &a, &p);
	if (s->server->conf->spoof_protection && s->user != NULL &&
	    s->t.sender.n > 0)
		ask_owner(s);
	else
		accept_sender(s);
}
