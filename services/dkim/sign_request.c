/*
 * One WIRE_DKIM_SIGN request: hash on a thread, choose keys by the From
 * address, have keys sign for each, answer with the finished fields.
 */
#include "services/dkim/dkim.h"

#include "core/now.h"
#include "msgauth/dkim_sign.h"
#include "services/dkim/choose.h"
#include "wire/dkim.h"

#define KEYS_TIMEOUT_MS 20000
#define FIELD_MAX 16384

struct sign_request {
	struct list link;
	struct dkim *dkim;
	struct chan *chan; /* NULL when its caller is gone */
	uint32_t id;
	struct dkim_sign sign;
	size_t waiting;
	struct buf fields; /* finished ones, in the order of the keys */
	struct sign_key {
		struct sign_request *request;
		struct chosen_key key;
		enum wire_keys_alg alg;
		bool second_try;
		struct buf field;
		bool done;
	} list[LIMIT_DKIM_KEYS];
	size_t n;
};

static void
request_free(struct sign_request *r)
{
	for (size_t i = 0; i < r->n; i++)
		buf_release(&r->list[i].field);
	buf_release(&r->fields);
	dkim_sign_release(&r->sign);
	list_remove(&r->link);
	r->dkim->requests--;
	mem_free(r);
}

static void
finish(struct sign_request *r)
{
	struct buf b = WIRE_BUF;

	for (size_t i = 0; i < r->n; i++)
		if (r->list[i].done)
			buf_add_slice(&r->fields, buf_slice(&r->list[i].field));
	if (r->chan != NULL) {
		wire_put_slice(&b, buf_slice(&r->fields));
		chan_send(r->chan, WIRE_DKIM_SIGNED, r->id, buf_slice(&b), -1);
	}
	buf_release(&b);
	request_free(r);
}

static void
log_failure(const struct sign_key *k, const char *why)
{
	struct log_line l;

	log_begin(&l, LOG_ERROR, "dkim-sign-failed");
	log_slice(&l, "d", k->key.domain);
	log_slice(&l, "s", k->key.selector);
	log_str(&l, "reason", why);
	log_end(&l);
}

static void ask_key(struct sign_key *k);

static void
key_done(struct sign_key *k, const char *why)
{
	struct sign_request *r = k->request;

	if (why != NULL) {
		log_failure(k, why);
	} else {
		k->done = true;
		r->dkim->signatures++;
	}
	if (--r->waiting == 0)
		finish(r);
}

static void
on_signature(void *arg, struct chan_frame *reply)
{
	struct sign_key *k = arg;
	struct wire_in in;
	struct slice signature;
	bool ok;

	if (reply == NULL) {
		key_done(k, "keys does not answer");
		return;
	}
	in = wire_in(reply->payload);
	ok = wire_get_bool(&in);
	signature = wire_get_slice(&in, LIMIT_FRAME);
	if (reply->type != WIRE_KEYS_SIGNATURE || wire_end(&in) == -1) {
		key_done(k, "malformed answer of keys");
	} else if (ok) {
		dkim_sign_end(&k->field, signature);
		map_put(&k->request->dkim->algs, k->key.name,
		    (void *)(uintptr_t)(k->alg + 1));
		key_done(k, buf_ok(&k->field) ? NULL : "field too long");
	} else if (!k->second_try) {
		/* KeyTable does not say what kind of key it is. */
		k->second_try = true;
		k->alg = k->alg == WIRE_KEYS_RSA_SHA256 ?
		    WIRE_KEYS_ED25519_SHA256 : WIRE_KEYS_RSA_SHA256;
		ask_key(k);
	} else {
		key_done(k, "no usable private key");
	}
}

static void
ask_key(struct sign_key *k)
{
	struct sign_request *r = k->request;
	unsigned char digest[WIRE_KEYS_DIGEST];
	struct buf b = WIRE_BUF;

	buf_clear(&k->field);
	if (dkim_sign_begin(&r->sign, k->key.domain, k->key.selector, k->alg,
	    now_wall(), &k->field, digest) == -1) {
		key_done(k, "field too long");
		return;
	}
	wire_put_slice(&b, k->key.name);
	wire_put_u8(&b, (uint8_t)k->alg);
	wire_put_slice(&b, slice_of(digest, sizeof(digest)));
	peer_request(r->dkim->keys, WIRE_KEYS_SIGN, buf_slice(&b), -1,
	    KEYS_TIMEOUT_MS, on_signature, k);
	buf_release(&b);
}

static void
add_keys(struct sign_request *r)
{
	struct chosen_key list[LIMIT_DKIM_KEYS];
	struct dkim *d = r->dkim;

	r->n = choose_keys(d, r->sign.from, &r->sign.arena, list);
	for (size_t i = 0; i < r->n; i++) {
		struct sign_key *k = &r->list[i];
		uintptr_t known = (uintptr_t)map_get(&d->algs, list[i].name);

		k->request = r;
		k->key = list[i];
		buf_init(&k->field, FIELD_MAX);
		k->alg = known != 0 ? (enum wire_keys_alg)(known - 1) :
		    WIRE_KEYS_RSA_SHA256;
	}
}

static void
read_work(void *arg)
{
	struct sign_request *r = arg;

	dkim_sign_read(&r->sign);
}

static void
read_done(void *arg)
{
	struct sign_request *r = arg;

	if (r->sign.error != 0)
		log_error("dkim-sign-failed", "error=\"%s\"",
		    strerror(r->sign.error));
	else if (r->sign.from.n > 0)
		add_keys(r);
	r->waiting = r->n + 1;
	for (size_t i = 0; i < r->n; i++)
		ask_key(&r->list[i]);
	if (--r->waiting == 0)
		finish(r);
}

int
sign_request(struct dkim *d, struct chan *c, struct chan_frame *f)
{
	struct wire_in in = wire_in(f->payload);
	struct sign_request *r = mem_zero(sizeof(*r));

	d->requests++;
	r->dkim = d;
	r->chan = c;
	r->id = f->id;
	list_init(&r->link);
	list_push(&d->signing, &r->link);
	buf_init(&r->fields, LIMIT_DKIM_KEYS * FIELD_MAX);
	dkim_sign_init(&r->sign);
	r->sign.size = wire_get_u64(&in);
	wire_edit_get(&in, &r->sign.edit);
	if (wire_end(&in) == -1 || f->fd == -1 || r->sign.size > INT64_MAX) {
		request_free(r);
		return -1;
	}
	/* The prefix is a view into the frame. */
	r->sign.edit.prefix = arena_slice(&r->sign.arena,
	    r->sign.edit.prefix);
	r->sign.fd = f->fd;
	f->fd = -1;
	if (!d->enabled || d->tables.rule_count == 0)
		finish(r);
	else
		loop_work(d->loop, read_work, read_done, r);
	return 0;
}

void
sign_forget(struct dkim *d, struct chan *c)
{
	struct sign_request *r;

	LIST_EACH(r, &d->signing, struct sign_request, link)
		if (r->chan == c)
			r->chan = NULL;
}
