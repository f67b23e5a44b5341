/*
 * The texts kept in the index so that message lists need no file: ENVELOPE,
 * BODY, BODYSTRUCTURE, the header fields that clients ask for, and EMAILID and
 * THREADID.
 */
#include "store/mailbox.h"

#include "mail/header.h"
#include "mail/mime.h"

/* Longer texts are made from the file each time. */
#define CACHED_MAX 65536
#define HEADERS_MAX 16384

static const struct slice cached_names[] = {
	{ "Bcc", 3 }, { "Cc", 2 }, { "Content-Type", 12 }, { "Date", 4 },
	{ "Disposition-Notification-To", 27 }, { "From", 4 },
	{ "Importance", 10 }, { "In-Reply-To", 11 }, { "List-Id", 7 },
	{ "List-Post", 9 }, { "List-Unsubscribe", 16 }, { "Message-ID", 10 },
	{ "Newsgroups", 10 }, { "Priority", 8 }, { "References", 10 },
	{ "Reply-To", 8 }, { "Sender", 6 }, { "Subject", 7 }, { "To", 2 },
	{ "X-Mailer", 8 }, { "X-Priority", 10 }, { "X-Spam-Flag", 11 },
};

bool
store_header_is_cached(struct slice name)
{
	for (size_t i = 0; i < LEN(cached_names); i++)
		if (slice_ieq(cached_names[i], name))
			return true;
	return false;
}

void
cached_init(struct cached *c)
{
	buf_init(&c->envelope, CACHED_MAX);
	buf_init(&c->body, CACHED_MAX);
	buf_init(&c->bodystructure, CACHED_MAX);
	buf_init(&c->headers, HEADERS_MAX);
	c->headers_complete = false;
}

void
cached_release(struct cached *c)
{
	buf_release(&c->envelope);
	buf_release(&c->body);
	buf_release(&c->bodystructure);
	buf_release(&c->headers);
}

void
cached_make(struct cached *c, struct slice text)
{
	struct buf *all[] = { &c->envelope, &c->body, &c->bodystructure,
		&c->headers };
	struct arena arena = ARENA_INIT;
	struct mime_tree tree;

	mime_envelope(&c->envelope, text);
	mime_parse(&arena, text, &tree);
	mime_bodystructure(&c->body, &tree, false);
	mime_bodystructure(&c->bodystructure, &tree, true);
	arena_release(&arena);
	objectid_make(text, c->emailid, c->threadid);
	header_select(&c->headers, text, cached_names, LEN(cached_names),
	    false);
	/* Without the empty line, so that a caller can go on appending. A
	 * header that has none is left to who reads the message. */
	c->headers_complete = buf_ok(&c->headers) &&
	    (slice_eq(buf_slice(&c->headers), S("\r\n")) ||
	    slice_ends(buf_slice(&c->headers), S("\r\n\r\n")));
	if (c->headers_complete)
		buf_truncate(&c->headers, c->headers.n - 2);
	else
		buf_clear(&c->headers);
	for (size_t i = 0; i < LEN(all); i++)
		if (!buf_ok(all[i]))
			buf_clear(all[i]);
}

enum store_err
cached_save(struct index *ix, int64_t key, const struct cached *c)
{
	return index_exec(ix, SQL_CACHE_ADD, "ibbbbbb", key,
	    buf_slice(&c->envelope), buf_slice(&c->body),
	    buf_slice(&c->bodystructure), c->headers_complete ?
	    slice_of(buf_str(&c->headers), c->headers.n) : slice_of(NULL, 0),
	    slice_of((const char *)c->emailid, sizeof(c->emailid)),
	    slice_of((const char *)c->threadid, sizeof(c->threadid)));
}
