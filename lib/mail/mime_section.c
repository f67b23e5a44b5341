/* IMAP section specifications: RFC 3501 6.4.5. See mime.h. */
#include "mail/mime.h"

#include "core/num.h"

static const struct {
	const char *name;
	enum mime_what what;
} texts[] = {
	{ "HEADER", MIME_HEADER },
	{ "HEADER.FIELDS", MIME_FIELDS },
	{ "HEADER.FIELDS.NOT", MIME_FIELDS_NOT },
	{ "TEXT", MIME_TEXT },
	{ "MIME", MIME_MIME },
};

/*
 * Takes the next number of a path. 1 if there was one, 0 if there is none, -1
 * if malformed. What is left begins behind the dot.
 */
static int
take_number(struct slice *spec, uint32_t *out)
{
	uint64_t v;

	if (spec->n == 0 || !ascii_is_digit(spec->p[0]))
		return 0;
	if (spec->p[0] == '0' || num_take(spec, UINT32_MAX, &v) == -1)
		return -1;
	*out = (uint32_t)v;
	if (spec->n == 0)
		return 1;
	if (spec->p[0] != '.' || spec->n == 1)
		return -1;
	*spec = slice_from(*spec, 1);
	return 1;
}

/* The text behind the numbers. MIME needs a number before it. */
static int
parse_what(struct slice rest, bool numbered, enum mime_what *what)
{
	*what = MIME_ALL;
	if (rest.n == 0)
		return 0;
	for (size_t i = 0; i < LEN(texts); i++)
		if (slice_ieq(rest, slice_str(texts[i].name))) {
			*what = texts[i].what;
			return *what == MIME_MIME && !numbered ? -1 : 0;
		}
	return -1;
}

bool
mime_spec_valid(struct slice spec, enum mime_what *what)
{
	bool numbered = false;
	uint32_t n;
	int r;

	while ((r = take_number(&spec, &n)) == 1)
		numbered = true;
	return r == 0 && parse_what(spec, numbered, what) == 0;
}

/*
 * The nth part of a message (the root or one inside message/rfc822): of a
 * message that is no multipart, part 1 is its body.
 */
static const struct mime_part *
message_part(const struct mime_part *message, uint32_t n)
{
	const struct mime_part *child = message->child;

	if (message->kind != MIME_MULTIPART)
		return n == 1 ? message : NULL;
	while (child != NULL && --n > 0)
		child = child->next;
	return child;
}

static const struct mime_part *
sub_part(const struct mime_part *part, uint32_t n)
{
	if (part->kind == MIME_MESSAGE)
		return message_part(part->child, n);
	return part->kind == MIME_MULTIPART ? message_part(part, n) : NULL;
}

static void
set_range(struct mime_section *out, size_t start, size_t end, uint64_t size)
{
	out->start = start;
	out->end = end;
	out->size = size;
}

/* Fills in the range of a text specifier within the part. */
static int
resolve(struct mime_section *out, const struct mime_part *part, bool numbered)
{
	const struct mime_part *message = part;

	out->part = part;
	if (out->what == MIME_MIME) {
		set_range(out, part->start, part->body, part->header_size);
		return 0;
	}
	if (out->what == MIME_ALL) {
		if (numbered)
			set_range(out, part->body, part->end, part->body_size);
		else
			set_range(out, part->start, part->end,
			    part->header_size + part->body_size);
		return 0;
	}
	/* HEADER and TEXT behind a number are those of an embedded message. */
	if (numbered) {
		if (part->kind != MIME_MESSAGE)
			return 1;
		message = part->child;
	}
	out->part = message;
	if (out->what == MIME_TEXT)
		set_range(out, message->body, message->end,
		    message->body_size);
	else
		set_range(out, message->start, message->body,
		    message->header_size);
	return 0;
}

int
mime_find(const struct mime_tree *tree, struct slice spec,
    struct mime_section *out, const char **why)
{
	const struct mime_part *part = tree->root;
	bool numbered = false;
	uint32_t n;

	*out = (struct mime_section){ 0 };
	if (!mime_spec_valid(spec, &out->what))
		return fail(why, "bad section");
	while (part != NULL && take_number(&spec, &n) == 1) {
		part = numbered ? sub_part(part, n) : message_part(part, n);
		numbered = true;
		if (spec.n == 0)
			break;
	}
	return part != NULL ? resolve(out, part, numbered) : 1;
}
