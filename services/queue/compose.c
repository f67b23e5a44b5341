#include "services/queue/compose.h"

#include "core/file.h"
#include "mail/authres.h"
#include "mail/date.h"
#include "mail/header.h"
#include "mail/msgid.h"
#include "mail/trace.h"

#define HEADER_FIRST 16384 /* most headers are shorter */

void
edit_init(struct edit *e)
{
	buf_init(&e->text, WIRE_PREFIX);
	e->count = 0;
	e->failed = false;
}

void
edit_release(struct edit *e)
{
	buf_release(&e->text);
}

void
edit_cut(struct edit *e, uint64_t start, uint64_t end)
{
	uint32_t at = e->count, last;

	if (start >= end)
		return;
	/* First range that ends at start or later, from the back: ranges come
	 * mostly in order. */
	while (at > 0 && e->cuts[at - 1].end >= start)
		at--;
	for (last = at; last < e->count && e->cuts[last].start <= end; last++) {
		if (e->cuts[last].start < start)
			start = e->cuts[last].start;
		if (e->cuts[last].end > end)
			end = e->cuts[last].end;
	}
	if (last == at && e->count == WIRE_CUTS) {
		e->failed = true;
		return;
	}
	memmove(&e->cuts[at + 1], &e->cuts[last],
	    (e->count - last) * sizeof(e->cuts[0]));
	e->count = e->count - (last - at) + 1;
	e->cuts[at] = (struct wire_cut){ start, end };
}

void
edit_prepend(struct edit *e, struct slice text)
{
	struct buf b = BUF_INIT(WIRE_PREFIX);

	buf_add_slice(&b, text);
	buf_add_slice(&b, buf_slice(&e->text));
	buf_release(&e->text);
	e->text = b;
}

void
edit_view(const struct edit *e, struct wire_edit *out)
{
	out->prefix = buf_slice(&e->text);
	out->count = e->count;
	memcpy(out->cuts, e->cuts, e->count * sizeof(e->cuts[0]));
}

/* ---- which fields go ------------------------------------------------------ */

enum { ALWAYS = 1, PREFIX = 2, SUBMISSION = 4 };

/* dms-compat 6.7; Return-Path is the final delivery's (RFC 5321 4.4), Bcc must
 * not be seen by others (RFC 5322 3.6.3). */
static const struct {
	struct slice name;
	unsigned flags;
} unwanted[] = {
	{ { "Return-Path", 11 }, ALWAYS },
	{ { "Content-Length", 14 }, ALWAYS },
	{ { "Bcc", 3 }, SUBMISSION },
	{ { "Resent-Bcc", 10 }, SUBMISSION },
	{ { "X-Originating-IP", 16 }, SUBMISSION },
	{ { "X-Mailer", 8 }, SUBMISSION },
	{ { "User-Agent", 10 }, SUBMISSION | PREFIX },
	{ { "X-Enigmail", 10 }, SUBMISSION | PREFIX },
	{ { "X-MS-Reactions", 14 }, SUBMISSION },
};

static bool
is_unwanted(const struct header_field *f, bool submission)
{
	for (size_t i = 0; i < LEN(unwanted); i++) {
		unsigned flags = unwanted[i].flags;

		if (!(flags & ALWAYS) && !submission)
			continue;
		if (flags & PREFIX ? slice_istarts(f->name, unwanted[i].name) :
		    header_is(f, unwanted[i].name))
			return true;
	}
	return false;
}

/* A hop that would tell where our user sits. */
static bool
is_private_hop(struct slice value)
{
	ssize_t from = slice_ifind(value, S("from"));

	return slice_ifind(value, S("with ESMTPSA")) != -1 || (from != -1 &&
	    slice_ifind(slice_from(value, (size_t)from), S("127.0.0.1")) != -1);
}

/* What the walk over the header found out. */
struct found {
	unsigned hops;
	bool date;
	bool message_id;
	bool message_id_spelled; /* exactly "Message-Id", see dms-compat 6.7 */
	bool mime_version;       /* taken out, to be put in in its usual form */
};

static void
compose_submitted(struct edit *e, struct found *found,
    const struct header_field *f)
{
	if (header_is(f, S("Date")))
		found->date = true;
	else if (header_is(f, S("Received")) && is_private_hop(f->value))
		edit_cut(e, f->start, f->end);
	else if (header_is(f, S("MIME-Version")) &&
	    !slice_eq(f->name, S("MIME-Version")) &&
	    slice_starts(slice_trim(f->value), S("1.0"))) {
		found->mime_version = true;
		edit_cut(e, f->start, f->end);
	}
}

static void
compose_walk(struct edit *e, struct compose *c, struct found *found,
    struct slice header)
{
	struct header_iter it = header_begin(header);
	struct header_field f;

	while (header_next(&it, &f)) {
		if (is_unwanted(&f, c->submission)) {
			edit_cut(e, f.start, f.end);
			continue;
		}
		if (header_is(&f, S("Received")))
			found->hops++;
		if (header_is(&f, S("Message-ID")) && !found->message_id) {
			found->message_id = true;
			found->message_id_spelled = slice_eq(f.name,
			    S("Message-Id"));
			c->message_id = slice_trim(f.value);
		}
		if (c->submission)
			compose_submitted(e, found, &f);
		/* Nobody but us speaks in our name (RFC 8601 section 5). */
		else if (header_is(&f, S("Authentication-Results")) &&
		    authres_is_ours(f.value, c->host))
			edit_cut(e, f.start, f.end);
	}
}

/* RFC 6409 8: a submitted message gets what is missing. */
static void
compose_complete(struct edit *e, struct compose *c, const struct found *found)
{
	size_t id_start = 0, id_end = 0;

	if (!found->date) {
		buf_adds(&e->text, "Date: ");
		date_format(&e->text, c->date, c->zone);
		buf_adds(&e->text, "\r\n");
	}
	if (!found->message_id) {
		buf_adds(&e->text, "Message-ID: ");
		id_start = e->text.n;
		msgid_make(&e->text, c->id, c->host);
		id_end = e->text.n;
		buf_adds(&e->text, "\r\n");
	}
	if (found->message_id_spelled)
		buf_adds(&e->text, "X-MS-Reactions: disallow\r\n");
	if (found->mime_version)
		buf_adds(&e->text, "MIME-Version: 1.0\r\n");
	if (!found->message_id && buf_ok(&e->text))
		c->message_id = slice_of(e->text.p + id_start, id_end - id_start);
}

enum compose_result
compose_edit(struct edit *e, struct compose *c, struct slice header)
{
	const struct trace_received received = {
		.helo = c->helo,
		.rdns = c->client_rdns,
		.ip = c->client_ip,
		.by = c->host,
		.id = c->id,
		.rcpt = c->rcpt,
		.extended = c->esmtp,
		.tls = c->tls,
		.auth = c->submission,
		.utf8 = c->utf8,
		.hide_client = c->submission,
		.date = c->date,
		.zone = c->zone,
	};
	struct found found = { 0 };

	c->message_id = S("");
	compose_walk(e, c, &found, header);
	if (found.hops > LIMIT_RECEIVED_HOPS)
		return COMPOSE_HOPS;
	trace_received(&e->text, &received);
	if (c->submission)
		compose_complete(e, c, &found);
	return e->failed || !buf_ok(&e->text) ? COMPOSE_TOO_MANY : COMPOSE_OK;
}

/* ---- the message as it leaves --------------------------------------------- */

/* Appends bytes from..to of the file. */
static int
copy_range(struct buf *out, int fd, uint64_t from, uint64_t to)
{
	while (from < to) {
		size_t n = to - from < 65536 ? (size_t)(to - from) : 65536;
		char *at = buf_reserve(out, n);

		if (at == NULL) {
			errno = EFBIG;
			return -1;
		}
		if (file_pread_all(fd, at, n, (off_t)from) == -1)
			return -1;
		buf_commit(out, n);
		from += n;
	}
	return 0;
}

int
compose_read_header(struct buf *out, int fd, uint64_t size)
{
	uint64_t want = size < HEADER_FIRST ? size : HEADER_FIRST;

	if (copy_range(out, fd, 0, want) == -1)
		return -1;
	if (want == size || header_size(buf_slice(out)) < out->n)
		return 0;
	if (size > LIMIT_HEADER_BYTES)
		size = LIMIT_HEADER_BYTES;
	return size > want ? copy_range(out, fd, want, size) : 0;
}

int
compose_apply(struct buf *out, int fd, uint64_t size, const struct wire_edit *e,
    bool header_only)
{
	uint64_t at = 0;

	if (header_only) {
		struct buf header = BUF_INIT(LIMIT_HEADER_BYTES);
		int r = compose_read_header(&header, fd, size);

		size = header_size(buf_slice(&header));
		buf_release(&header);
		if (r == -1)
			return -1;
	}
	buf_add_slice(out, e->prefix);
	for (uint32_t i = 0; i < e->count && e->cuts[i].start < size; i++) {
		if (copy_range(out, fd, at, e->cuts[i].start) == -1)
			return -1;
		at = e->cuts[i].end;
	}
	if (at < size && copy_range(out, fd, at, size) == -1)
		return -1;
	if (!buf_ok(out)) {
		errno = EFBIG;
		return -1;
	}
	return 0;
}
