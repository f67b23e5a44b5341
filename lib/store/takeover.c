/* Reading dovecot-uidlist, versions 3 and 1 (dms-compat 5.4). */
#include "store/folder.h"

#include <limits.h>

#include "core/file.h"
#include "core/num.h"
#include "store/index.h"

/* A record takes some 60 bytes: room for four million messages. */
#define UIDLIST_MAX ((size_t)256 << 20)

static int
uidlist_load(const char *dir, struct buf *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/dovecot-uidlist", dir);
	if (file_read(path, text) == 0)
		return 1;
	if (errno == ENOENT)
		return 0;
	store_errno("read", path);
	return -1;
}

/* "3 V<uidvalidity> N<next> G<guid>" or "1 <uidvalidity> <next>". */
static bool
header_parse(struct slice line, struct folder *f)
{
	struct slice word;

	if (!slice_word(&line, &word))
		return false;
	if (slice_eq(word, S("1")))
		return slice_word(&line, &word) &&
		    num_u32(word, &f->uidvalidity) == 0 &&
		    slice_word(&line, &word) &&
		    num_u32(word, &f->reserved) == 0;
	if (!slice_eq(word, S("3")))
		return false;
	while (slice_word(&line, &word)) {
		struct slice value = slice_from(word, 1);

		if (word.p[0] == 'V' && num_u32(value, &f->uidvalidity) == -1)
			return false;
		if (word.p[0] == 'N' && num_u32(value, &f->reserved) == -1)
			return false;
		if (word.p[0] == 'G' && value.n == 32)
			memcpy(f->guid, value.p, 32);
	}
	return f->uidvalidity != 0;
}

/* "<uid> [<letter><value> ]... :<base>", in version 1 "<uid> <file name>". */
static bool
record_parse(struct slice line, uint32_t *uid, struct slice *base)
{
	struct slice number, letters;
	ssize_t colon;

	if (!slice_split(&line, ' ', &number) ||
	    num_u32(number, uid) == -1 || *uid == 0 || *uid == UINT32_MAX)
		return false;
	colon = slice_find(line, ':');
	if (colon == 0 || (colon > 0 && line.p[colon - 1] == ' '))
		line = slice_from(line, (size_t)colon + 1);
	maildir_split(line, base, &letters);
	return base->n > 0;
}

int
takeover_read(const char *dir, struct folder *out)
{
	struct buf text = BUF_INIT(UIDLIST_MAX);
	struct slice rest, line, base;
	uint32_t uid;
	int r = uidlist_load(dir, &text);

	*out = (struct folder){ .reserved = 1 };
	if (r == 1) {
		rest = buf_slice(&text);
		if (!slice_line(&rest, &line) || !header_parse(line, out))
			r = 0;
		/* The header's next UID may be stale. */
		while (r == 1 && slice_line(&rest, &line))
			if (record_parse(line, &uid, &base) &&
			    uid >= out->reserved)
				out->reserved = uid + 1;
	}
	buf_release(&text);
	return r;
}

void
takeover_apply(const char *dir, struct maildir_listing *l)
{
	struct buf text = BUF_INIT(UIDLIST_MAX);
	struct slice rest, line, base;
	struct maildir_file *f;
	uint32_t uid;

	if (uidlist_load(dir, &text) == 1) {
		rest = buf_slice(&text);
		slice_line(&rest, &line);
		while (slice_line(&rest, &line)) {
			if (!record_parse(line, &uid, &base))
				continue;
			f = maildir_find(l, base);
			/* The first record of a file counts. */
			if (f != NULL && f->uid == 0)
				f->uid = uid;
		}
	}
	buf_release(&text);
}
