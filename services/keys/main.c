/*
 * keys: holds the DKIM private keys and signs digests with them. No network,
 * no files, one peer, one request.
 */
#include <sys/prctl.h>

#include <openssl/crypto.h>

#include "service/service.h"
#include "services/keys/ring.h"

/* libcrypto's locked heap: some thousand RSA keys; pages not used cost
 * nothing. */
#define SECURE_HEAP (8u << 20)
#define SECURE_MIN 32
/* A set of keys has no end mark, but it arrives at once. */
#define SWEEP_MS 3000

#define KEY_PREFIX "key/"

/* Files come before start, so the objects cannot wait for it. */
static struct ring ring;
static bool is_set_up;
static struct loop_timer *sweep_timer;
static uint64_t signatures;

/* Before the first key is read: no core dump, no swapping of secrets. Where
 * memory may not be locked the heap still keeps them apart and wipes them. */
static void
set_up(void)
{
	if (is_set_up)
		return;
	prctl(PR_SET_DUMPABLE, 0);
	if (CRYPTO_secure_malloc_init(SECURE_HEAP, SECURE_MIN) != 1)
		log_debug("secure-heap", "locked=no");
	ring_init(&ring);
	is_set_up = true;
}

static void
sweep(void *arg UNUSED)
{
	ring_sweep(&ring);
	log_info("keys", "count=%zu", ring.by_name.count);
}

static int
on_file(struct service *s UNUSED, const char *name,
    const struct slice *content, const char **why)
{
	struct slice key = slice_str(name);

	set_up();
	if (!slice_starts(key, S(KEY_PREFIX)))
		return fail(why, "not a file of keys");
	key = slice_from(key, sizeof(KEY_PREFIX) - 1);
	if (key.n == 0) {
		ring_begin(&ring);
		if (sweep_timer != NULL)
			loop_timer_start(sweep_timer, SWEEP_MS, 0);
		return 0;
	}
	if (content == NULL) {
		ring_remove(&ring, key);
		return 0;
	}
	return ring_put(&ring, key, *content, why);
}

static int
start(struct service *s, const char **why UNUSED)
{
	set_up();
	sweep_timer = loop_timer_new(service_loop(s), sweep, NULL);
	sweep(NULL);
	return 0;
}

static int
on_sign(struct service *s UNUSED, struct chan *c, struct chan_frame *f)
{
	struct wire_in in = wire_in(f->payload);
	struct slice name = wire_get_slice(&in, LIMIT_SMTP_COMMAND);
	enum wire_keys_alg alg = wire_get_enum(&in, WIRE_KEYS_ALGS);
	struct slice digest = wire_get_slice(&in, WIRE_KEYS_DIGEST);
	struct buf signature = BUF_INIT(LIMIT_FRAME);
	struct buf b = WIRE_BUF;
	const char *why;
	struct log_line l;
	bool ok;

	if (wire_end(&in) == -1 || digest.n != WIRE_KEYS_DIGEST)
		return -1;
	ok = ring_sign(&ring, name, alg, digest, &signature, &why) == 0;
	if (ok) {
		signatures++;
	} else {
		/* The caller may be finding out what kind of key it is. */
		log_begin(&l, LOG_DEBUG, "not-signed");
		log_slice(&l, "key", name);
		log_str(&l, "reason", why);
		log_end(&l);
	}
	wire_put_bool(&b, ok);
	wire_put_slice(&b, buf_slice(&signature));
	chan_send(c, WIRE_KEYS_SIGNATURE, f->id, buf_slice(&b), -1);
	buf_release(&b);
	buf_release(&signature);
	return 0;
}

static void
status(struct service *s UNUSED, struct buf *out)
{
	buf_addf(out, " keys=%zu signatures=%llu", ring.by_name.count,
	    (unsigned long long)signatures);
}

static const struct service_handler handlers[] = {
	{ "", WIRE_KEYS_SIGN, on_sign },
	{ NULL, 0, NULL },
};

static const struct service_ops ops = {
	.name = "keys",
	.handlers = handlers,
	.on_file = on_file,
	.start = start,
	.status = status,
};

int
main(int argc, char **argv)
{
	return service_main(argc, argv, &ops);
}
