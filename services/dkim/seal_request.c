/*
 * One WIRE_DKIM_SEAL request: hash on a thread, choose a key by the address the
 * message came to, have keys sign the message and then the seal, answer with
 * the ARC set. One key seals (RFC 8617 4.2.1); RSA if there is one, as others
 * hardly know anything else.
 */
#include "core/now.h"
#include "msgauth/dkim_sign.h"
#include "services/dkim/choose.h"
#include "wire/dkim.h"

#define KEYS_TIMEOUT_MS 20000
#define FIELD_MAX 16384
#define SET_MAX 49152

struct seal_request {
	struct list link;
	struct dkim *dkim;
	struct chan *chan; /* NULL when its caller is gone */
	uint32_t id;
	struct slice address;
	struct slice results;
	struct dkim_sign sign;
	struct arc_seal seal;
	struct chosen_key keys[LIMIT_DKIM_KEYS];
	size_t n;
	size_t at;          /* of n keys with each algorithm */
	bool sealing;       /* the message signature is made */
	struct buf message; /* that field */
	struct buf field;   /* the one being made */
};

static void
request_free(struct seal_request *r)
{
	buf_release(&r->message);
	buf_release(&r->field);
	arc_seal_release(&r->seal);
	dkim_sign_release(&r->sign);
	list_remove(&r->link);
	r->dkim->requests--;
	mem_free(r);
}

/* sealed: all three fields are there. */
static void
finish(struct seal_request *r, bool sealed)
{
	struct buf set = BUF_INIT(SET_MAX);
	struct buf b = WIRE_BUF;

	if (sealed) {
		buf_add_slice(&set, buf_slice(&r->field));
		buf_add_slice(&set, buf_slice(&r->message));
		buf_add_slice(&set, buf_slice(&r->seal.results));
		r->dkim->signatures++;
	}
	if (r->chan != NULL) {
		wire_put_slice(&b, buf_ok(&set) ? buf_slice(&set) : S(""));
		chan_send(r->chan, WIRE_DKIM_SIGNED, r->id, buf_slice(&b), -1);
	}
	buf_release(&b);
	buf_release(&set);
	request_free(r);
}

static void
give_up(struct seal_request *r, const char *why)
{
	struct log_line l;

	log_begin(&l, LOG_ERROR, "arc-seal-failed");
	log_slice(&l, "to", r->address);
	log_str(&l, "reason", why);
	log_end(&l);
	finish(r, false);
}

static const struct chosen_key *
key_of(const struct seal_request *r)
{
	return &r->keys[r->at % r->n];
}

static enum wire_keys_alg
alg_of(const struct seal_request *r)
{
	return r->at < r->n ? WIRE_KEYS_RSA_SHA256 : WIRE_KEYS_ED25519_SHA256;
}

static void ask_key(struct seal_request *r);

static void
on_signature(void *arg, struct chan_frame *reply)
{
	struct seal_request *r = arg;
	struct wire_in in;
	struct slice signature;
	bool ok;

	if (reply == NULL) {
		give_up(r, "keys does not answer");
		return;
	}
	in = wire_in(reply->payload);
	ok = wire_get_bool(&in);
	signature = wire_get_slice(&in, LIMIT_FRAME);
	if (reply->type != WIRE_KEYS_SIGNATURE || wire_end(&in) == -1) {
		give_up(r, "malformed answer of keys");
		return;
	}
	if (!ok && (r->sealing || ++r->at == 2 * r->n)) {
		give_up(r, "no usable private key");
		return;
	}
	if (ok) {
		dkim_sign_end(&r->field, signature);
		if (!buf_ok(&r->field)) {
			give_up(r, "field too long");
			return;
		}
		if (r->sealing) {
			finish(r, true);
			return;
		}
		buf_add_slice(&r->message, buf_slice(&r->field));
		r->sealing = true;
	}
	ask_key(r);
}

static void
ask_key(struct seal_request *r)
{
	const struct chosen_key *k = key_of(r);
	unsigned char digest[WIRE_KEYS_DIGEST];
	struct buf b = WIRE_BUF;
	int done;

	buf_clear(&r->field);
	done = r->sealing ? arc_seal_begin(&r->seal, buf_slice(&r->message),
	    k->domain, k->selector, alg_of(r), now_wall(), &r->field, digest) :
	    dkim_sign_begin(&r->sign, k->domain, k->selector, alg_of(r),
	    now_wall(), &r->field, digest);
	if (done == -1) {
		give_up(r, "field too long");
		return;
	}
	wire_put_slice(&b, k->name);
	wire_put_u8(&b, (uint8_t)alg_of(r));
	wire_put_slice(&b, slice_of(digest, sizeof(digest)));
	peer_request(r->dkim->keys, WIRE_KEYS_SIGN, buf_slice(&b), -1,
	    KEYS_TIMEOUT_MS, on_signature, r);
	buf_release(&b);
}

static void
read_work(void *arg)
{
	struct seal_request *r = arg;

	dkim_sign_read(&r->sign);
}

static void
read_done(void *arg)
{
	struct seal_request *r = arg;

	if (r->sign.error != 0)
		give_up(r, strerror(r->sign.error));
	else if (r->sign.from.n == 0 || r->seal.instance == 0)
		finish(r, false);
	else if (arc_seal_results(&r->seal, r->results) == -1)
		give_up(r, "field too long");
	else
		ask_key(r);
}

static const enum arc_result chains[WIRE_DKIM_CHAINS] = {
	[WIRE_DKIM_CHAIN_NONE] = ARC_NONE,
	[WIRE_DKIM_CHAIN_PASS] = ARC_PASS,
	[WIRE_DKIM_CHAIN_FAIL] = ARC_FAIL,
};

int
seal_request(struct dkim *d, struct chan *c, struct chan_frame *f)
{
	struct wire_in in = wire_in(f->payload);
	struct seal_request *r = mem_zero(sizeof(*r));
	struct arena *arena = &r->sign.arena;
	uint8_t chain;

	d->requests++;
	r->dkim = d;
	r->chan = c;
	r->id = f->id;
	list_init(&r->link);
	list_push(&d->sealing, &r->link);
	buf_init(&r->message, FIELD_MAX);
	buf_init(&r->field, FIELD_MAX);
	arc_seal_init(&r->seal);
	dkim_sign_init(&r->sign);
	r->sign.seal = &r->seal;
	r->sign.size = wire_get_u64(&in);
	wire_edit_get(&in, &r->sign.edit);
	/* All are views into the frame. */
	r->sign.edit.prefix = arena_slice(arena, r->sign.edit.prefix);
	r->address = arena_slice(arena, wire_get_slice(&in, LIMIT_ADDRESS));
	r->results = arena_slice(arena, wire_get_slice(&in, WIRE_PREFIX));
	chain = wire_get_u8(&in);
	if (wire_end(&in) == -1 || f->fd == -1 ||
	    r->sign.size > INT64_MAX || chain >= WIRE_DKIM_CHAINS) {
		request_free(r);
		return -1;
	}
	r->seal.chain = chains[chain];
	r->sign.fd = f->fd;
	f->fd = -1;
	r->n = choose_keys(d, r->address, arena, r->keys);
	if (r->n == 0)
		finish(r, false);
	else
		loop_work(d->loop, read_work, read_done, r);
	return 0;
}

void
seal_forget(struct dkim *d, struct chan *c)
{
	struct seal_request *r;

	LIST_EACH(r, &d->sealing, struct seal_request, link)
		if (r->chan == c)
			r->chan = NULL;
}
