/*
 * The header section of a message (or of a MIME part), given as a slice with
 * CRLF or LF line ends or a mixture (RFC 5322 2.2). A line that is no field
 * comes out as a field with an empty name, so that a caller who copies the
 * header copies all of it. At most LIMIT_HEADER_BYTES and LIMIT_HEADER_FIELDS
 * are looked at.
 */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include "core/buf.h"

struct header_field {
	struct slice name;  /* as written, without blanks before the colon */
	struct slice value; /* behind the colon, folding kept, without the last
			     * line end */
	size_t start;       /* offset of the name's first byte */
	size_t end;         /* offset behind the field's last line end */
};

struct header_iter {
	struct slice msg;
	size_t at;
	size_t fields;
};

/*
 *	struct header_iter it = header_begin(msg);
 *	while (header_next(&it, &field))
 */
struct header_iter header_begin(struct slice msg);
bool header_next(struct header_iter *it, struct header_field *field);

/* True if the field has that name, ASCII case ignored. */
bool header_is(const struct header_field *field, struct slice name);

/*
 * The nth (0 is the first) field of that name. header_find gives the first
 * one's value, trimmed and still folded.
 */
bool header_find_nth(struct slice msg, struct slice name, size_t nth,
    struct header_field *field);
bool header_find(struct slice msg, struct slice name, struct slice *value);

/*
 * Offset of the body: behind the empty line, or the length when there is
 * none. Not subject to the caps.
 */
size_t header_size(struct slice msg);

/* Appends the value without its line ends and surrounding blanks. */
void header_unfold(struct buf *out, struct slice value);

/*
 * Appends the fields named (or, with except, all others) as they are, with
 * CRLF line ends: IMAP's HEADER.FIELDS and HEADER.FIELDS.NOT (RFC 3501 6.4.5).
 * The empty line that ends the header is appended too, if there is one.
 */
void header_select(struct buf *out, struct slice msg,
    const struct slice *names, size_t n, bool except);

/*
 * Appends "Name: text\r\n", folded at blanks to lines of 78 where it can be;
 * control bytes in text become blanks, so a value can never start a new field.
 */
void header_write(struct buf *out, const char *name, struct slice text);

#endif
