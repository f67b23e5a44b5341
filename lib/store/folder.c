/* The durable text files of a folder. */
#include "store/folder.h"

#include <limits.h>

#include "core/base64.h"
#include "core/file.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/now.h"
#include "core/num.h"
#include "core/rand.h"
#include "store/index.h"

static void
path_in(char *out, size_t size, const char *dir, const char *file)
{
	snprintf(out, size, "%s/%s", dir, file);
}

static void
log_damaged(const char *path)
{
	struct log_line line;

	log_begin(&line, LOG_WARN, "folder-file-damaged");
	log_str(&line, "path", path);
	log_end(&line);
}

/* ---- pillarbox-folder ---------------------------------------------------- */

static bool
folder_parse(struct slice text, struct folder *f)
{
	struct slice line, key;

	*f = (struct folder){ 0 };
	if (!slice_line(&text, &line) || !slice_eq(line, S("pillarbox 1")))
		return false;
	while (slice_line(&text, &line)) {
		if (!slice_split(&line, ' ', &key))
			continue;
		if (slice_eq(key, S("uidvalidity"))) {
			if (num_u32(line, &f->uidvalidity) == -1)
				return false;
		} else if (slice_eq(key, S("reserved"))) {
			if (num_u32(line, &f->reserved) == -1)
				return false;
		} else if (slice_eq(key, S("guid")) && line.n == 32) {
			memcpy(f->guid, line.p, 32);
		} else if (slice_eq(key, S("special")) &&
		    line.n < sizeof(f->special)) {
			memcpy(f->special, line.p, line.n);
		} else if (slice_eq(key, S("takeover"))) {
			f->takeover = slice_eq(line, S("pending"));
		}
	}
	return f->uidvalidity != 0 && f->reserved != 0 && f->guid[0] != '\0';
}

int
folder_read(const char *dir, struct folder *out)
{
	struct buf text = BUF_INIT(4096);
	char path[PATH_MAX];
	int r;

	path_in(path, sizeof(path), dir, "pillarbox-folder");
	r = maildir_read(path, &text);
	if (r == -1) {
		bool odd = errno == EINVAL || errno == ELOOP;

		r = odd || errno == ENOENT ? 0 : -1;
		if (odd)
			log_damaged(path);
	} else if (folder_parse(buf_slice(&text), out)) {
		r = 1;
	} else {
		log_damaged(path);
		r = 0;
	}
	buf_release(&text);
	return r;
}

enum store_err
folder_write(const char *dir, const struct folder *f)
{
	struct buf text = BUF_INIT(4096);
	enum store_err err = STORE_OK;
	char path[PATH_MAX];

	path_in(path, sizeof(path), dir, "pillarbox-folder");
	buf_addf(&text, "pillarbox 1\nuidvalidity %u\nreserved %u\nguid %s\n",
	    f->uidvalidity, f->reserved, f->guid);
	if (f->special[0] != '\0')
		buf_addf(&text, "special %s\n", f->special);
	if (f->takeover)
		buf_adds(&text, "takeover pending\n");
	if (file_replace(path, buf_slice(&text), 0600) == -1)
		err = store_errno("write", path);
	buf_release(&text);
	return err;
}

void
folder_new_guid(char guid[33])
{
	unsigned char raw[16];
	struct buf hex = BUF_INIT(32);

	rand_bytes(raw, sizeof(raw));
	hex_encode(&hex, slice_of(raw, sizeof(raw)));
	snprintf(guid, 33, "%s", buf_str(&hex));
	buf_release(&hex);
}

/* ---- dovecot-uidvalidity ------------------------------------------------- */

static uint32_t
hex_number(struct slice text)
{
	uint32_t v = 0;

	text = slice_trim(text);
	if (text.n != 8)
		return 0;
	for (size_t i = 0; i < text.n; i++) {
		int digit = ascii_hex(text.p[i]);

		if (digit < 0)
			return 0;
		v = v << 4 | (uint32_t)digit;
	}
	return v;
}

enum store_err
folder_new_uidvalidity(const char *root, uint32_t floor, uint32_t *out)
{
	struct buf text = BUF_INIT(64);
	enum store_err err = STORE_OK;
	char path[PATH_MAX];
	uint32_t last = 0, now = (uint32_t)now_wall();

	path_in(path, sizeof(path), root, "dovecot-uidvalidity");
	if (maildir_read(path, &text) == 0)
		last = hex_number(buf_slice(&text));
	if (last < floor)
		last = floor;
	/* At the end of the numbers there is none above. */
	*out = now > last || last == UINT32_MAX ? now : last + 1;
	buf_clear(&text);
	buf_addf(&text, "%08x", *out);
	if (file_replace(path, buf_slice(&text), 0600) == -1)
		err = store_errno("write", path);
	buf_release(&text);
	return err;
}

/* ---- keywords ------------------------------------------------------------ */

void
keywords_release(struct keywords *k)
{
	for (size_t i = 0; i < k->n; i++)
		mem_free(k->names[i]);
	mem_free(k->names);
	*k = (struct keywords){ 0 };
}

void
keywords_set(struct keywords *k, size_t n, struct slice name)
{
	if (n >= LIMIT_KEYWORDS)
		return;
	if (n >= k->n) {
		k->names = mem_grow(k->names, n + 1, sizeof(*k->names));
		for (size_t i = k->n; i <= n; i++)
			k->names[i] = NULL;
		k->n = n + 1;
	}
	if (k->names[n] == NULL)
		k->names[n] = slice_dup(name);
}

int
keywords_find(const struct keywords *k, struct slice name)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->names[i] != NULL &&
		    slice_ieq(slice_str(k->names[i]), name))
			return (int)i;
	return -1;
}

void
keywords_parse(struct keywords *k, struct slice text, unsigned *beyond)
{
	struct slice line, number;
	uint64_t n;

	*beyond = 0;
	while (slice_line(&text, &line)) {
		if (!slice_split(&line, ' ', &number))
			continue;
		line = slice_trim(line);
		if (num_u64(number, UINT32_MAX, &n) == -1 || line.n == 0 ||
		    line.n > LIMIT_KEYWORD || keywords_find(k, line) >= 0)
			continue;
		if (n < MAILDIR_LETTERS)
			keywords_set(k, (size_t)n, line);
		else
			(*beyond)++;
	}
}

int
keywords_read(struct keywords *k, const char *dir)
{
	struct buf text = BUF_INIT(1 << 20);
	char path[PATH_MAX];
	unsigned beyond;
	int r = 0;

	path_in(path, sizeof(path), dir, "dovecot-keywords");
	if (maildir_read(path, &text) == -1) {
		/* What is no file will not become one. */
		r = errno == ENOENT || errno == EINVAL || errno == ELOOP ?
		    0 : -1;
		if (errno != ENOENT)
			store_errno("read", path);
		buf_clear(&text);
	}
	keywords_parse(k, buf_slice(&text), &beyond);
	buf_release(&text);
	return r;
}

enum store_err
keywords_write(const struct keywords *k, const char *dir)
{
	struct buf text = BUF_INIT(1 << 20);
	enum store_err err = STORE_OK;
	char path[PATH_MAX];

	path_in(path, sizeof(path), dir, "dovecot-keywords");
	for (size_t i = 0; i < k->n && i < MAILDIR_LETTERS; i++)
		if (k->names[i] != NULL)
			buf_addf(&text, "%zu %s\n", i, k->names[i]);
	if (file_replace(path, buf_slice(&text), 0600) == -1)
		err = store_errno("write", path);
	buf_release(&text);
	return err;
}
