/* Logins by SASL messages. See exchange.h. */
#include "services/auth/exchange.h"

#include "core/num.h"
#include "core/rand.h"
#include "sasl/mechanism.h"
#include "sasl/scram.h"
#include "sasl/scram_key.h"
#include "services/auth/identity.h"

#define SILENCE_MS 60000 /* between two messages of a client */
#define STAND_INS 16     /* accounts looked at for one */

struct exchange {
	struct scram scram;
	bool proved; /* server-final is out; the client's empty answer is due */
};

void
exchange_free(struct exchange *x)
{
	if (x == NULL)
		return;
	scram_release(&x->scram);
	mem_free(x);
}

/* Out of the exchange: what follows is an answer or a delay. */
static void
leave(struct attempt *t)
{
	exchange_free(t->exchange);
	t->exchange = NULL;
	t->auth->exchanges--;
	loop_timer_free(t->timer);
	t->timer = NULL;
}

static void
on_silence(void *arg)
{
	struct attempt *t = arg;

	leave(t);
	attempt_later(t);
}

static void
send_challenge(struct attempt *t, const struct buf *message)
{
	attempt_reply(t, &(struct wire_auth_reply){
	    .result = WIRE_VERIFY_CHALLENGE, .message = buf_slice(message) });
	loop_timer_start(t->timer, SILENCE_MS, 0);
}

static void
refuse(struct attempt *t, const char *why)
{
	leave(t);
	attempt_deny(t, why);
}

/* --- whose verifier ------------------------------------------------------- */

/* Bytes that only the name and our secret decide, the same at all times. */
static void
name_bytes(const struct auth *a, struct slice name, const char *use,
    unsigned char out[SCRAM_KEY_MAX])
{
	struct buf text = BUF_INIT(LIMIT_SASL_MESSAGE);

	buf_adds(&text, use);
	buf_add_slice(&text, name);
	scram_hmac(SCRAM_SHA256, slice_of(a->scram.has_secret ?
	    a->scram.secret : a->scram_secret, CONF_SCRAM_SECRET),
	    buf_slice(&text), out);
	buf_release(&text);
}

/*
 * A verifier for a name that has none: nobody can tell its salt from a real
 * one, and it is the same whenever it is asked for (RFC 5802 section 9 leaves
 * that to us). Its size and rounds are those of some account's verifier.
 */
static void
stand_in(const struct auth *a, struct slice name, enum scram_hash hash,
    struct scram_verifier *out)
{
	const struct conf_accounts *all = &a->directory.accounts;
	unsigned char pick[SCRAM_KEY_MAX], salt[SCRAM_KEY_MAX];
	struct scram_verifier v = { .rounds = SCRAM_ROUNDS,
		.salt_n = SCRAM_SALT };

	name_bytes(a, name, "pick", pick);
	name_bytes(a, name, hash == SCRAM_SHA1 ? "salt1" : "salt256", salt);
	for (size_t i = 0; i < STAND_INS && i < all->n; i++) {
		const struct conf_account *c =
		    &all->list[(num_be32(pick) + i) % all->n];

		if (conf_scram_find(&a->scram, c->address, c->hash, hash,
		    out) == 0) {
			v.rounds = out->rounds;
			v.salt_n = out->salt_n < sizeof(salt) ? out->salt_n :
			    sizeof(salt);
			break;
		}
	}
	memcpy(v.salt, salt, v.salt_n);
	rand_bytes(v.stored, sizeof(v.stored));
	rand_bytes(v.server, sizeof(v.server));
	*out = v;
}

/* Sets t->denied when nothing the client proves can let it in. */
static void
find_verifier(struct attempt *t, struct scram_verifier *out)
{
	struct auth *a = t->auth;
	const struct scram *s = &t->exchange->scram;
	const struct conf_account *owner = identity_owner(t);

	if (owner != NULL && conf_scram_find(&a->scram, t->owner_name,
	    owner->hash, s->hash, out) == 0)
		return;
	if (t->denied == NULL)
		t->denied = "no SCRAM verifier";
	stand_in(a, t->owner_name, s->hash, out);
}

/* --- messages ------------------------------------------------------------- */

static void
take_first(struct attempt *t, bool plus, const struct wire_auth_sasl *sasl)
{
	struct scram *s = &t->exchange->scram;
	const struct scram_binding bindings[] = {
		{ "tls-exporter", sasl->tls_exporter },
		{ "tls-unique", sasl->tls_unique },
		{ "tls-server-end-point", sasl->tls_end_point },
	};
	struct scram_channel channel = { sasl->plus_offered, bindings,
		LEN(bindings) };
	struct buf out = BUF_INIT(2 * LIMIT_SASL_MESSAGE);
	struct buf nonce = BUF_INIT(SCRAM_NONCE);
	struct scram_verifier v;
	const char *why;
	int r = scram_first(s, plus, &channel, sasl->message, &why);

	identity_take(t, buf_slice(&s->authzid), buf_slice(&s->user));
	if (r == -1) {
		refuse(t, why);
		return;
	}
	find_verifier(t, &v);
	rand_text(&nonce, SCRAM_NONCE);
	scram_challenge(s, &v, buf_slice(&nonce), &out);
	send_challenge(t, &out);
	mem_wipe(&v, sizeof(v));
	buf_release(&nonce);
	buf_release(&out);
}

static void
take_final(struct attempt *t, struct slice message)
{
	struct exchange *x = t->exchange;
	struct buf out = BUF_INIT(2 * LIMIT_SASL_MESSAGE);
	const char *why;

	if (scram_final(&x->scram, message, &out, &why) == -1) {
		refuse(t, t->denied != NULL ? t->denied : why);
	} else if (t->denied != NULL) {
		leave(t);
		attempt_deny_proved(t);
	} else {
		x->proved = true;
		send_challenge(t, &out);
	}
	buf_release(&out);
}

/* IMAP and SMTP have no place for data in their OK, so the server's proof went
 * out as a challenge, and an empty message answers it (RFC 4422 section 4). */
static void
take_empty(struct attempt *t, struct slice message)
{
	const struct conf_account *account =
	    directory_account(&t->auth->directory, t->user);

	if (message.n > 0) {
		refuse(t, "malformed SCRAM message");
	} else if (account == NULL) {
		refuse(t, "unknown user");
	} else {
		leave(t);
		attempt_accept(t);
	}
}

/* --- frames --------------------------------------------------------------- */

static struct attempt *
find(struct auth *a, const struct chan *c, uint32_t id)
{
	struct attempt *t;

	LIST_EACH(t, &a->attempts, struct attempt, link)
		if (t->exchange != NULL && t->chan == c && t->id == id)
			return t;
	return NULL;
}

int
exchange_start(struct auth *a, struct chan *c, struct chan_frame *f)
{
	struct wire_auth_sasl s;
	const struct mechanism *m;
	struct attempt *t;

	if (wire_auth_sasl_get(f->payload, &s) == -1)
		return -1;
	m = mechanism_find(s.mechanism);
	if (m == NULL || m->kind != MECHANISM_SCRAM)
		return -1;
	t = attempt_new(a, c, f->id, s.service, s.client_ip);
	if (a->exchanges >= LIMIT_AUTH_EXCHANGES) {
		log_warn("login-overload", "exchanges=%zu", a->exchanges);
		attempt_later(t);
		return 0;
	}
	if (a->conf->scram == CONF_SCRAM_NEVER) {
		attempt_deny(t, "SCRAM is switched off");
		return 0;
	}
	a->exchanges++;
	t->exchange = mem_zero(sizeof(*t->exchange));
	t->timer = loop_timer_new(a->loop, on_silence, t);
	scram_init(&t->exchange->scram, m->hash);
	take_first(t, m->plus, &s);
	return 0;
}

int
exchange_more(struct auth *a, struct chan *c, struct chan_frame *f)
{
	struct wire_in in = wire_in(f->payload);
	struct slice message = wire_get_slice(&in, LIMIT_SASL_MESSAGE);
	struct attempt *t = find(a, c, f->id);

	if (wire_end(&in) == -1)
		return -1;
	/* It may have ended a moment ago. */
	if (t == NULL)
		return 0;
	if (t->exchange->proved)
		take_empty(t, message);
	else
		take_final(t, message);
	return 0;
}

int
exchange_abort(struct auth *a, struct chan *c, struct chan_frame *f)
{
	struct attempt *t = find(a, c, f->id);

	if (f->payload.n > 0)
		return -1;
	if (t != NULL) {
		leave(t);
		attempt_free(t);
	}
	return 0;
}
