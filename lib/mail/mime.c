/*
 * The tree of a message's parts: RFC 2045 and 2046. See mime.h.
 *
 * The parser goes through the message once, from boundary line to boundary
 * line. A line is compared with the boundaries of all open multiparts, so that
 * an outer one ends the inner ones whose own end is missing.
 */
#include "mail/mime.h"

#include "core/limits.h"
#include "mail/charset.h"
#include "mail/mime_field.h"

#define PIECE 16384 /* what mime_text decodes at a time */

/* Line ends counted up to an offset. Offsets are asked for in order. */
struct count {
	size_t at;
	uint64_t lines;
	uint64_t bare; /* lines whose LF has no CR */
};

struct parser {
	struct arena *arena;
	struct mime_tree *tree;
	struct slice msg;
	size_t at;
	struct count count;
	/* Boundaries of the open multiparts, outermost first. */
	struct slice boundaries[LIMIT_MIME_DEPTH];
	size_t open;
	/* The boundary line that stopped the last scan. */
	size_t hit;        /* index into boundaries, or NO_HIT at the end */
	size_t hit_start;  /* offset of the line */
	bool hit_closes;   /* it ends in "--" */
};

#define NO_HIT SIZE_MAX

static struct count
count_to(struct parser *p, size_t offset)
{
	struct count *c = &p->count;

	while (c->at < offset) {
		const char *from = p->msg.p + c->at;
		const char *lf = memchr(from, '\n', offset - c->at);

		if (lf == NULL) {
			c->at = offset;
			break;
		}
		c->lines++;
		c->bare += lf == p->msg.p || lf[-1] != '\r';
		c->at = (size_t)(lf - p->msg.p) + 1;
	}
	return *c;
}

/* CRLF octets between two counted offsets. */
static uint64_t
octets(const struct count *from, const struct count *to)
{
	return to->at - from->at + (to->bare - from->bare);
}

static size_t
line_end(struct slice msg, size_t at)
{
	const char *lf = memchr(msg.p + at, '\n', msg.n - at);

	return lf != NULL ? (size_t)(lf - msg.p) + 1 : msg.n;
}

/* True if the line at "at" is a boundary of an open multipart. */
static bool
is_boundary(struct parser *p, size_t at)
{
	struct mime_boundary found = { 0 };
	struct slice line;

	if (p->open == 0 || p->msg.n - at < 3 || p->msg.p[at] != '-' ||
	    p->msg.p[at + 1] != '-')
		return false;
	/* A line longer than any boundary line is none: look no further. */
	line = slice_head(slice_from(p->msg, at), LIMIT_MIME_BOUNDARY * 2);
	line = slice_head(line, line_end(line, 0));
	for (size_t i = p->open; i > 0; i--)
		mime_boundary_try(&found, line, p->boundaries[i - 1], i);
	if (found.which == 0)
		return false;
	p->hit = found.which - 1;
	p->hit_closes = found.closes;
	p->hit_start = at;
	p->at = line_end(p->msg, at);
	return true;
}

/* From the line at p->at to behind the next boundary line, or the end. */
static void
scan(struct parser *p)
{
	while (p->open > 0 && p->at < p->msg.n) {
		if (is_boundary(p, p->at))
			return;
		p->at = line_end(p->msg, p->at);
	}
	p->at = p->msg.n;
	p->hit = NO_HIT;
	p->hit_start = p->msg.n;
	p->hit_closes = false;
}

/* The line end before a boundary line belongs to the boundary (5.1.1). */
static size_t
end_before_hit(const struct parser *p)
{
	size_t end = p->hit_start;

	if (p->hit == NO_HIT)
		return end;
	if (end > 0 && p->msg.p[end - 1] == '\n')
		end--;
	if (end > 0 && p->msg.p[end - 1] == '\r')
		end--;
	return end;
}

/*
 * Finds where the body begins. True if a boundary (or the end) came before any
 * empty line, so that there is no body.
 */
static bool
scan_header(struct parser *p, struct mime_part *part)
{
	struct slice msg = p->msg;

	while (p->at < msg.n) {
		size_t at = p->at;

		if (is_boundary(p, at)) {
			part->body = end_before_hit(p);
			if (part->body < part->start)
				part->body = part->start;
			return true;
		}
		p->at = line_end(msg, at);
		if (msg.p[at] == '\n' ||
		    (msg.p[at] == '\r' && p->at == at + 2)) {
			part->body = p->at;
			return false;
		}
	}
	part->body = msg.n;
	scan(p);
	return true;
}

static bool
type_is(const struct mime_part *part, const char *type, const char *subtype)
{
	return slice_ieq(part->type, slice_str(type)) && (subtype == NULL ||
	    slice_ieq(part->subtype, slice_str(subtype)));
}

static void
retype(struct mime_part *part, struct slice type, struct slice subtype)
{
	part->type = type;
	part->subtype = subtype;
	part->params = (struct mime_params){ 0 };
}

/*
 * Decides what the part is. A multipart without boundary is shown as text; one
 * beyond the caps as a file, because IMAP's grammar has no childless ones.
 */
static void
classify(struct parser *p, struct mime_part *part, size_t depth, bool digest)
{
	bool room = depth + 1 < LIMIT_MIME_DEPTH &&
	    p->tree->parts < LIMIT_MIME_PARTS;
	struct slice boundary;

	if (part->type.p == NULL)
		retype(part, digest ? S("message") : S("text"),
		    digest ? S("rfc822") : S("plain"));
	if (type_is(part, "multipart", NULL)) {
		boundary = slice_trim(mime_param_raw(&part->params,
		    S("boundary")));
		if (boundary.n == 0 || boundary.n > LIMIT_MIME_BOUNDARY) {
			retype(part, S("text"), S("plain"));
			return;
		}
		part->kind = MIME_MULTIPART;
		if (room)
			p->boundaries[p->open] = boundary;
	} else if (type_is(part, "message", "rfc822")) {
		part->kind = MIME_MESSAGE;
		/* Clients compare it with what RFC 3501's grammar spells. */
		part->type = S("message");
		part->subtype = S("rfc822");
	} else if (type_is(part, "message", "global")) {
		part->kind = MIME_MESSAGE;
	}
	if (part->kind != MIME_LEAF && !room) {
		part->kind = MIME_LEAF;
		retype(part, S("application"), S("octet-stream"));
		p->tree->truncated = true;
	}
}

static struct mime_part *parse_part(struct parser *p, struct mime_part *parent,
    size_t depth, bool digest);

/* A multipart always has a part: an empty one if need be. */
static struct mime_part *
empty_part(struct parser *p, struct mime_part *parent)
{
	struct mime_part *part = arena_alloc(p->arena, sizeof(*part));

	p->tree->parts++;
	part->parent = parent;
	retype(part, S("text"), S("plain"));
	part->start = part->body = part->end = parent->body;
	return part;
}

static void
parse_multipart(struct parser *p, struct mime_part *part, size_t depth)
{
	struct mime_part **tail = &part->child;
	size_t mine = p->open++;
	bool digest = type_is(part, "multipart", "digest");

	scan(p); /* the preamble */
	while (p->hit == mine && !p->hit_closes) {
		if (p->tree->parts >= LIMIT_MIME_PARTS) {
			p->tree->truncated = true;
			scan(p);
			continue;
		}
		*tail = parse_part(p, part, depth + 1, digest);
		tail = &(*tail)->next;
	}
	p->open = mine;
	if (p->hit == mine)
		scan(p); /* the epilogue */
	if (part->child == NULL)
		part->child = empty_part(p, part);
}

/* The end of the last descendant, which clamps the part's own. */
static size_t
last_end(const struct mime_part *part)
{
	const struct mime_part *child = part->child;

	if (child == NULL)
		return part->body;
	while (child->next != NULL)
		child = child->next;
	return child->end;
}

static struct mime_part *
parse_part(struct parser *p, struct mime_part *parent, size_t depth,
    bool digest)
{
	struct mime_part *part = arena_alloc(p->arena, sizeof(*part));
	struct count start, body, end;
	bool bodyless;

	p->tree->parts++;
	part->parent = parent;
	part->start = p->at;
	start = count_to(p, part->start);
	bodyless = scan_header(p, part);
	mime_fields_parse(p->arena, slice_of(p->msg.p + part->start,
	    part->body - part->start), part);
	classify(p, part, depth, digest);
	/* RFC 2046 5.1.1: an empty line before a boundary belongs to it. */
	if (!bodyless && part->kind != MIME_MULTIPART && p->at < p->msg.n &&
	    is_boundary(p, p->at)) {
		part->body = end_before_hit(p);
		bodyless = true;
	}
	body = count_to(p, part->body);
	if (bodyless) {
		if (part->kind != MIME_LEAF)
			part->child = empty_part(p, part);
	} else if (part->kind == MIME_MULTIPART) {
		parse_multipart(p, part, depth);
	} else if (part->kind == MIME_MESSAGE) {
		part->child = parse_part(p, part, depth + 1, false);
	} else {
		scan(p);
	}
	part->end = end_before_hit(p);
	if (part->end < last_end(part))
		part->end = last_end(part);
	end = count_to(p, part->end);
	part->header_size = octets(&start, &body);
	part->body_size = octets(&body, &end);
	part->body_lines = end.lines - body.lines;
	return part;
}

void
mime_parse(struct arena *a, struct slice msg, struct mime_tree *out)
{
	struct parser p = { .arena = a, .tree = out, .msg = msg };

	if (msg.p == NULL)
		p.msg = S("");
	*out = (struct mime_tree){ .msg = p.msg };
	out->root = parse_part(&p, NULL, 0, false);
}

const struct mime_part *
mime_next(const struct mime_part *part)
{
	if (part->child != NULL)
		return part->child;
	while (part != NULL && part->next == NULL)
		part = part->parent;
	return part != NULL ? part->next : NULL;
}

void
mime_text(struct buf *out, const struct mime_tree *tree,
    const struct mime_part *part)
{
	struct slice body = slice_of(tree->msg.p + part->body,
	    part->end - part->body);
	struct slice name = mime_param_raw(&part->params, S("charset"));
	struct buf raw = BUF_INIT(2 * PIECE);
	struct charset *charset;
	struct decoder d;

	/* Bytes above ASCII without a charset: the unknown charset's guess. */
	charset = charset_open(name.n > 0 ? name : S("unknown-8bit"));
	decoder_init(&d, encoding_parse(part->encoding));
	while (body.n > 0 && buf_ok(out)) {
		buf_clear(&raw);
		decoder_feed(&d, slice_head(body, PIECE), &raw);
		charset_feed(charset, buf_slice(&raw), out);
		body = slice_from(body, PIECE);
	}
	buf_clear(&raw);
	decoder_end(&d, &raw);
	charset_feed(charset, buf_slice(&raw), out);
	charset_end(charset, out);
	charset_close(charset);
	buf_release(&raw);
}
