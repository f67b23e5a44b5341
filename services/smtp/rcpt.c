/* RCPT (RFC 5321 4.1.1.3): who takes the mail, and may this client send it. */
#include "services/smtp/command.h"

#include "mail/addr.h"
#include "services/smtp/reply.h"
#include "services/smtp/spf.h"

#define LOOKUP_MS 30000

/* What auth says about the address. -1 if it is no proper answer. */
static int
read_answer(struct transaction *t, struct slice payload, struct recipient *r)
{
	struct wire_in in = wire_in(arena_slice(&t->arena, payload));
	enum wire_rcpt_result result;
	struct wire_queue_target *targets;
	uint32_t count;

	result = wire_get_enum(&in, WIRE_RCPT_RESULTS);
	count = wire_get_u32(&in);
	if (in.failed || count > WIRE_QUEUE_TARGETS)
		return -1;
	targets = arena_array(&t->arena, count, sizeof(*targets));
	for (uint32_t i = 0; i < count; i++) {
		targets[i].local = wire_get_enum(&in, WIRE_TARGET_KINDS) ==
		    WIRE_TARGET_LOCAL;
		targets[i].address = wire_get_slice(&in, LIMIT_ADDRESS);
	}
	t->target_bytes += payload.n;
	if (wire_end(&in) == -1 || ((result == WIRE_RCPT_OK ||
	    result == WIRE_RCPT_FULL) && count == 0))
		return -1;
	r->result = result;
	r->rcpt.count = count;
	r->rcpt.targets = targets;
	return 0;
}

static void
add_recipient(struct session *s, struct recipient *r)
{
	struct transaction *t = &s->t;

	if (r->rcpt.count == 0) {
		r->rcpt.count = 1;
		r->rcpt.targets = arena_alloc(&t->arena,
		    sizeof(*r->rcpt.targets));
		r->rcpt.targets[0].address = r->rcpt.address;
	}
	*t->last = r;
	t->last = &r->next;
	t->count++;
	s->rcpts++;
	session_enter(s, SMTP_RCPT);
	reply(s, "250 2.1.5 Ok");
	/* The name is worth a moment; DATA does not wait for it. */
	if (rdns_is_settled(&s->rdns))
		transaction_open(s);
}

/* Law 5 is here: an address that is not ours is taken only from a login or a
 * trusted network. The order of the rest is dms-compat 6.2. */
static void
judge(struct session *s, struct recipient *r)
{
	struct slice to = r->rcpt.address;
	bool known_client = s->user != NULL || s->trusted;

	if (r->result == WIRE_RCPT_NOT_OURS && !known_client) {
		reply_reject(s, "RCPT", to,
		    "554 5.7.1 <%.*s>: Relay access denied", SLICE_ARG(to));
	} else if (s->t.spf_refusal.n > 0) {
		reply_reject(s, "RCPT", to,
		    "550 5.7.23 <%.*s>: Recipient address rejected: %.*s",
		    SLICE_ARG(to), SLICE_ARG(s->t.spf_refusal));
	} else if (s->helo_kind == HELO_INVALID && !known_client) {
		reply_reject(s, "RCPT", to,
		    "501 5.5.2 <%s>: Helo command rejected: Invalid name",
		    s->helo);
	} else if (r->result == WIRE_RCPT_UNKNOWN) {
		reply_reject(s, "RCPT", to,
		    "550 5.1.1 <%.*s>: Recipient address rejected: User "
		    "unknown in virtual mailbox table", SLICE_ARG(to));
	} else if (r->result == WIRE_RCPT_LOOP) {
		reply_reject(s, "RCPT", to,
		    "550 5.4.6 <%.*s>: Recipient address rejected: alias loop",
		    SLICE_ARG(to));
	} else if (r->result == WIRE_RCPT_LATER) {
		reply_reject(s, "RCPT", to,
		    "451 4.3.0 <%.*s>: Temporary lookup failure",
		    SLICE_ARG(to));
	} else if (r->result == WIRE_RCPT_FULL && !known_client) {
		reply_reject(s, "RCPT", to,
		    "552 5.2.2 <%.*s>: Recipient address rejected: Mailbox is "
		    "full", SLICE_ARG(to));
	} else {
		add_recipient(s, r);
	}
}

static void
on_spf(struct session *s)
{
	struct recipient *r = s->t.asked;

	s->t.asked = NULL;
	judge(s, r);
}

static void
on_answer(void *arg, struct chan_frame *f)
{
	struct session *s = arg;
	struct recipient *r = s->t.asked;

	if (f == NULL || f->type != WIRE_AUTH_RCPT_REPLY ||
	    read_answer(&s->t, f->payload, r) == -1)
		r->result = WIRE_RCPT_LATER;
	session_go_on(s);
	/* No DNS is asked for whoever tries to relay. */
	if (r->result != WIRE_RCPT_NOT_OURS && spf_is_open(s))
		spf_ask(s, on_spf);
	else
		on_spf(s);
}

static void
ask(struct session *s)
{
	struct server *v = s->server;
	struct buf *b = server_frame(v);

	wire_put_slice(b, s->t.asked->rcpt.address);
	session_wait(s, v->lookup, peer_request(v->lookup, WIRE_AUTH_RCPT,
	    buf_slice(b), -1, LOOKUP_MS, on_answer, s));
}

static struct recipient *
keep(struct session *s, const struct addr *a, const struct params *p)
{
	struct arena *arena = &s->t.arena;
	struct recipient *r = arena_alloc(arena, sizeof(*r));
	struct buf path = BUF_INIT(LIMIT_ADDRESS + 8);

	addr_format(&path, a);
	/* RFC 5321 4.5.1: <postmaster> is ours wherever it is said. */
	if (a->domain.n == 0)
		buf_addf(&path, "@%s", s->server->conf->hostname);
	r->rcpt.address = arena_slice(arena, buf_slice(&path));
	buf_release(&path);
	r->rcpt.orcpt = arena_slice(arena, p->orcpt);
	r->rcpt.notify = p->notify;
	return r;
}

/* RFC 5321 4.5.3.1.10: the client sends to those that fitted and tries the rest
 * again, so going over the limit is no error, unless it never ends. */
static void
refuse_more(struct session *s)
{
	reply_reject(s, "RCPT", S(""), "452 4.5.3 Error: too many recipients");
	if (s->overshoot++ >= LIMIT_SMTP_RECIPIENTS)
		s->errors++;
}

void
smtp_cmd_rcpt(struct session *s, struct slice args)
{
	const char *why = "";
	struct params p;
	struct addr a;

	if (!command_keyword(&args, S("TO:"))) {
		reply(s, "501 5.5.4 Syntax: RCPT TO:<address>");
		return;
	}
	if (addr_parse_path(&args, ADDR_UTF8 | ADDR_POSTMASTER, &a, &why) ==
	    -1) {
		reply_reject(s, "RCPT", S(""),
		    "501 5.1.3 Bad recipient address syntax: %s", why);
		return;
	}
	if (params_parse(&p, PARAMS_RCPT, args, &why) == -1) {
		reply_reject(s, "RCPT", S(""), "%s", why);
		return;
	}
	/* RFC 6531 3.5 */
	if (a.utf8 && !s->t.params.smtputf8) {
		reply_reject(s, "RCPT", S(""),
		    "553 5.6.7 Recipient address needs SMTPUTF8");
		return;
	}
	if (s->t.count >= s->server->conf->recipients_max ||
	    s->t.target_bytes >= LIMIT_SMTP_TARGET_BYTES) {
		refuse_more(s);
		return;
	}
	s->t.asked = keep(s, &a, &p);
	ask(s);
}
