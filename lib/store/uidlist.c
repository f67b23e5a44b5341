/* Reading dovecot-uidlist, versions 3 and 1 (dms-compat 5.4). */
#include "store/folder.h"

#include <limits.h>

#include "core/file.h"
#include "core/log.h"
#include "core/num.h"
#include "store/index.h"

/* A record takes some 60 bytes: room for four million messages. */
#define UIDLIST_MAX ((size_t)256 << 20)
/* No honest server came so far; believing it would leave no UID to give. */
#define UID_BELIEVED (UINT32_MAX - (1u << 20))

int
uidlist_load(const char *dir, struct buf *text)
{
	char path[PATH_MAX];
	bool odd;

	buf_init(text, UIDLIST_MAX);
	snprintf(path, sizeof(path), "%s/dovecot-uidlist", dir);
	if (maildir_read(path, text) == 0)
		return 1;
	if (errno == ENOENT)
		return 0;
	odd = errno == EINVAL || errno == ELOOP;
	store_errno("read", path);
	buf_clear(text);
	/* What is no file will not become one; anything else may be mended. */
	return odd ? 0 : -1;
}

/* "3 V<uidvalidity> N<next> G<guid>" or "1 <uidvalidity> <next>". */
bool
uidlist_header(struct slice *text, struct folder *f)
{
	struct slice line, word;

	*f = (struct folder){ .reserved = 1 };
	if (!slice_line(text, &line) || !slice_word(&line, &word))
		return false;
	if (slice_eq(word, S("1")))
		return slice_word(&line, &word) &&
		    num_u32(word, &f->uidvalidity) == 0 &&
		    f->uidvalidity != 0 && slice_word(&line, &word) &&
		    num_u32(word, &f->reserved) == 0 && f->reserved != 0 &&
		    f->reserved <= UID_BELIEVED;
	if (!slice_eq(word, S("3")))
		return false;
	while (slice_word(&line, &word)) {
		struct slice value = slice_from(word, 1);

		if (word.p[0] == 'V' && num_u32(value, &f->uidvalidity) == -1)
			return false;
		/* Only a floor: the records tell as well. */
		if (word.p[0] == 'N' && (num_u32(value, &f->reserved) == -1 ||
		    f->reserved == 0 || f->reserved > UID_BELIEVED))
			f->reserved = 1;
		if (word.p[0] == 'G' && value.n == 32)
			memcpy(f->guid, value.p, 32);
	}
	return f->uidvalidity != 0;
}

/* In version 1 "<uid> <file name>". */
static bool
record_parse(struct slice line, struct uidlist_record *r)
{
	struct slice number, letters;
	size_t at = 0;

	if (!slice_split(&line, ' ', &number) ||
	    num_u32(number, &r->uid) == -1 || r->uid == 0 ||
	    r->uid > UID_BELIEVED)
		return false;
	r->fields = slice_of("", 0);
	/* The name starts behind the first field that starts with ":". */
	while (at < line.n && (line.p[at] != ':' ||
	    (at > 0 && line.p[at - 1] != ' ')))
		at++;
	if (at < line.n) {
		r->fields = slice_trim(slice_head(line, at));
		line = slice_from(line, at + 1);
	}
	maildir_split(line, &r->base, &letters);
	return r->base.n > 0;
}

bool
uidlist_next(struct slice *text, struct uidlist_record *r, unsigned *damaged)
{
	struct slice line;

	while (slice_line(text, &line)) {
		if (record_parse(line, r))
			return true;
		if (damaged != NULL)
			(*damaged)++;
	}
	return false;
}

static void
log_damaged(const char *dir, unsigned lines)
{
	struct log_line line;

	log_begin(&line, LOG_WARN, "uidlist-damaged");
	log_str(&line, "folder", dir);
	if (lines > 0)
		log_num(&line, "lines", lines);
	else
		log_str(&line, "why", "no usable first line");
	log_end(&line);
}

int
takeover_read(const char *dir, struct folder *out)
{
	struct uidlist_record record;
	struct slice rest;
	struct buf text;
	unsigned damaged = 0;
	int r = uidlist_load(dir, &text);

	rest = buf_slice(&text);
	*out = (struct folder){ .reserved = 1 };
	if (r == 1 && !uidlist_header(&rest, out)) {
		log_damaged(dir, 0);
		*out = (struct folder){ .reserved = 1 };
		r = 0;
	}
	/* The header's next UID may be stale. */
	while (r == 1 && uidlist_next(&rest, &record, &damaged))
		if (record.uid >= out->reserved)
			out->reserved = record.uid + 1;
	if (damaged > 0)
		log_damaged(dir, damaged);
	buf_release(&text);
	return r;
}

void
takeover_apply(const char *dir, struct maildir_listing *l)
{
	struct uidlist_record record;
	struct maildir_file *f;
	struct folder header;
	struct slice rest;
	struct buf text;
	int r = uidlist_load(dir, &text);

	rest = buf_slice(&text);
	if (r == 1 && uidlist_header(&rest, &header))
		while (uidlist_next(&rest, &record, NULL)) {
			f = maildir_find(l, record.base);
			/* The first record of a file counts. */
			if (f == NULL || f->listed)
				continue;
			f->uid = record.uid;
			f->listed = true;
		}
	buf_release(&text);
}
