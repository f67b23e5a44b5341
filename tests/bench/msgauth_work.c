// part: services/keys
/*
 * What DKIM costs without sockets and DNS, for tests/bench/msgauth.py.
 *
 *	msgauth_work make FOLDER COUNT SIZE SIGNATURES KEY...
 *	msgauth_work verify FOLDER ROUNDS
 *	msgauth_work sign FOLDER ROUNDS KEY
 *	msgauth_work raw SIGNATURES KEY
 *
 * make writes COUNT messages of SIZE bytes, signed by the first SIGNATURES of
 * the PEM files, and their records into FOLDER/records. verify judges and sign
 * signs all of them, raw signs only a digest. They print how many it were and
 * the seconds of CPU they took.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <openssl/pem.h>
#include <stdio.h>

#include "tests/bench/cpu.h"

#include "core/base64.h"
#include "core/file.h"
#include "core/log.h"
#include "core/num.h"
#include "msgauth/dkim_sign.h"
#include "msgauth/dkim_verify.h"
#include "services/keys/ring.h"

#define KEYS 8
#define DOMAIN "sender.test"

static struct {
	char selector[16];
	enum wire_keys_alg alg;
	struct buf record;
} keys[KEYS];
static size_t key_count;
static struct ring ring;

static void
add_key(const char *path)
{
	FILE *f = fopen(path, "r");
	EVP_PKEY *pkey = f != NULL ? PEM_read_PrivateKey(f, NULL, NULL, NULL) :
	    NULL;
	struct buf pem = BUF_INIT(65536);
	unsigned char raw[32], *der = raw;
	const char *why = "no key";
	size_t n = sizeof(raw);

	if (pkey == NULL || file_read(path, &pem) == -1)
		fatal(1, "%s: cannot be read", path);
	snprintf(keys[key_count].selector, sizeof(keys[0].selector), "s%zu",
	    key_count);
	if (ring_put(&ring, slice_str(keys[key_count].selector),
	    buf_slice(&pem), &why) == -1)
		fatal(1, "%s: %s", path, why);
	if (EVP_PKEY_is_a(pkey, "ED25519")) {
		keys[key_count].alg = WIRE_KEYS_ED25519_SHA256;
		EVP_PKEY_get_raw_public_key(pkey, raw, &n);
	} else {
		keys[key_count].alg = WIRE_KEYS_RSA_SHA256;
		der = NULL;
		n = (size_t)i2d_PUBKEY(pkey, &der);
	}
	buf_init(&keys[key_count].record, 4096);
	buf_addf(&keys[key_count].record, "v=DKIM1; k=%s; p=",
	    keys[key_count].alg == WIRE_KEYS_RSA_SHA256 ? "rsa" : "ed25519");
	base64_encode(&keys[key_count].record, slice_of((char *)der, n));
	if (der != raw)
		OPENSSL_free(der);
	EVP_PKEY_free(pkey);
	buf_release(&pem);
	fclose(f);
	key_count++;
}

/* --- messages --------------------------------------------------------------- */

static void
write_text(struct buf *out, size_t size, unsigned long n)
{
	buf_addf(out,
	    "From: Sender <sender@" DOMAIN ">\r\nTo: <user@example.org>\r\n"
	    "Subject: Message %lu of the bench\r\n"
	    "Date: Mon, 01 Jan 2024 12:00:00 +0000\r\n"
	    "Message-ID: <%lu@" DOMAIN ">\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n\r\n", n, n);
	/* Words of some letters, lines of about 70: as text is. */
	for (size_t i = 0; out->n < size; i++)
		buf_addc(out, i % 72 == 70 ? '\r' : i % 72 == 71 ? '\n' :
		    (i * 7 + i / 72) % 6 == 5 ? ' ' :
		    (char)('a' + (i * 7 + n) % 26));
	buf_adds(out, "\r\n");
}

static void
sign_with(struct dkim_sign *s, size_t key, struct buf *field)
{
	unsigned char digest[WIRE_KEYS_DIGEST];
	struct buf signature = BUF_INIT(4096);
	const char *why;

	if (dkim_sign_begin(s, S(DOMAIN), slice_str(keys[key].selector),
	    keys[key].alg, 1704110400, field, digest) == -1 ||
	    ring_sign(&ring, slice_str(keys[key].selector), keys[key].alg,
	    slice_of((char *)digest, sizeof(digest)), &signature, &why) == -1)
		fatal(1, "cannot sign");
	dkim_sign_end(field, buf_slice(&signature));
	buf_release(&signature);
}

static void
make(const char *folder, unsigned long count, size_t size, size_t signatures)
{
	struct buf records = BUF_INIT(65536);
	char path[512];

	for (size_t i = 0; i < signatures; i++)
		buf_addf(&records, "%s._domainkey." DOMAIN " %s\n",
		    keys[i].selector, buf_str(&keys[i].record));
	snprintf(path, sizeof(path), "%s/records", folder);
	if (file_replace(path, buf_slice(&records), 0644) == -1)
		fatal(1, "cannot write %s", path);
	for (unsigned long n = 0; n < count; n++) {
		struct buf text = BUF_INIT(size + 4096), all;
		struct dkim_sign s;

		write_text(&text, size, n);
		dkim_sign_init(&s);
		s.fd = memfd_create("message", 0);
		s.size = text.n;
		if (s.fd == -1 || file_write_all(s.fd, text.p, text.n) == -1)
			fatal(1, "no memory file");
		dkim_sign_read(&s);
		buf_init(&all, text.n + 65536);
		for (size_t i = 0; i < signatures; i++)
			sign_with(&s, i, &all);
		buf_add_slice(&all, buf_slice(&text));
		snprintf(path, sizeof(path), "%s/%lu", folder, n);
		if (file_replace(path, buf_slice(&all), 0644) == -1)
			fatal(1, "cannot write %s", path);
		dkim_sign_release(&s);
		buf_release(&all);
		buf_release(&text);
	}
}

static int
open_message(const char *folder, unsigned long n, uint64_t *size)
{
	char path[512];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/%lu", folder, n);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd != -1 && fstat(fd, &st) == 0)
		*size = (uint64_t)st.st_size;
	return fd;
}

/* --- the work --------------------------------------------------------------- */

static struct slice
record_of(struct slice records, struct slice name)
{
	for (struct slice line; slice_split(&records, '\n', &line);)
		if (slice_starts(line, name) && line.n > name.n &&
		    line.p[name.n] == ' ')
			return slice_from(line, name.n + 1);
	return S("");
}

static unsigned long
verify(const char *folder, struct slice records)
{
	struct dkim_verify v;
	unsigned long n;

	for (n = 0;; n++) {
		dkim_verify_init(&v);
		v.fd = open_message(folder, n, &v.size);
		if (v.fd == -1)
			return n;
		v.authserv_id = S("mx.test");
		v.now = 1704110400;
		dkim_verify_read(&v);
		for (size_t i = 0; i < v.n; i++) {
			struct buf name = BUF_INIT(512);

			if (v.list[i].result != DKIM_NEEDS_KEY ||
			    dkim_verify_key_name(&v.list[i], &name) == -1 ||
			    !dkim_verify_use_key(&v.list[i], record_of(records,
			    buf_slice(&name))))
				fatal(1, "%lu: %s", n, v.list[i].why);
			buf_release(&name);
		}
		dkim_verify_release(&v);
	}
}

static unsigned long
sign(const char *folder)
{
	struct buf field = BUF_INIT(65536);
	struct dkim_sign s;
	unsigned long n;

	for (n = 0;; n++) {
		dkim_sign_init(&s);
		s.fd = open_message(folder, n, &s.size);
		if (s.fd == -1)
			break;
		dkim_sign_read(&s);
		buf_clear(&field);
		sign_with(&s, 0, &field);
		dkim_sign_release(&s);
	}
	buf_release(&field);
	return n;
}

static unsigned long
raw(unsigned long count)
{
	unsigned char digest[WIRE_KEYS_DIGEST] = { 1 };
	struct buf signature = BUF_INIT(4096);
	const char *why;

	for (unsigned long i = 0; i < count; i++) {
		buf_clear(&signature);
		if (ring_sign(&ring, slice_str(keys[0].selector), keys[0].alg,
		    slice_of((char *)digest, sizeof(digest)), &signature,
		    &why) == -1)
			fatal(1, "cannot sign");
	}
	buf_release(&signature);
	return count;
}

int
main(int argc, char **argv)
{
	struct buf records = BUF_INIT(65536);
	const char *what = argc > 2 ? argv[1] : "";
	unsigned long number = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
	unsigned long done = 0;
	char path[512];
	double began;

	ring_init(&ring);
	if (strcmp(what, "make") == 0 && argc > 6) {
		for (int i = 6; i < argc && key_count < KEYS; i++)
			add_key(argv[i]);
		make(argv[2], number, strtoul(argv[4], NULL, 10),
		    strtoul(argv[5], NULL, 10));
		return 0;
	}
	if (argc > 3 && strcmp(what, "verify") != 0)
		add_key(argv[argc - 1]);
	snprintf(path, sizeof(path), "%s/records", argc > 2 ? argv[2] : "");
	if (strcmp(what, "verify") == 0 && file_read(path, &records) == -1)
		fatal(1, "cannot read %s", path);
	began = cpu_seconds();
	if (strcmp(what, "raw") == 0)
		done = raw(strtoul(argv[2], NULL, 10));
	for (unsigned long i = 0; i < number && *what != 'r'; i++)
		done += strcmp(what, "verify") == 0 ?
		    verify(argv[2], buf_slice(&records)) : sign(argv[2]);
	printf("%lu %.6f\n", done, cpu_seconds() - began);
	buf_release(&records);
	ring_release(&ring);
	return done > 0 ? 0 : 2;
}
