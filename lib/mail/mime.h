/*
 * The structure of a message (RFC 2045, 2046), read once in linear time, and
 * what IMAP says about it (RFC 3501 7.4.2, 6.4.5). The message is one slice (a
 * mapped file) with LF or CRLF line ends; parts hold offsets into it, sizes
 * are counted as if every line end were CRLF. Never fails: past the caps
 * (LIMIT_MIME_DEPTH, LIMIT_MIME_PARTS) a part is taken as a leaf.
 */
#ifndef MAIL_MIME_H
#define MAIL_MIME_H

#include "core/arena.h"
#include "core/buf.h"
#include "mail/encode.h"
#include "mail/word.h"

enum mime_kind {
	MIME_LEAF,
	MIME_MULTIPART, /* children are the parts, at least one */
	MIME_MESSAGE,   /* message/rfc822 or /global: one child, the message */
};

struct mime_params {
	struct word_param *v;
	size_t n;
};

/*
 * A missing field is a slice with p NULL (IMAP's NIL). type and subtype are
 * never missing: the default is text/plain (message/rfc822 in a digest).
 */
struct mime_part {
	struct mime_part *parent;
	struct mime_part *child; /* first */
	struct mime_part *next;
	enum mime_kind kind;
	struct slice type;
	struct slice subtype;
	struct mime_params params;
	struct slice id;
	struct slice description;
	struct slice encoding;
	struct slice disposition;
	struct mime_params disposition_params;
	struct slice *language;
	size_t languages;
	struct slice location;
	struct slice md5;
	/* Offsets: header [start, body), body [body, end). */
	size_t start;
	size_t body;
	size_t end;
	/* In CRLF octets; line ends in the body. */
	uint64_t header_size;
	uint64_t body_size;
	uint64_t body_lines;
};

struct mime_tree {
	struct slice msg;
	struct mime_part *root;
	size_t parts;
	bool truncated; /* some cap was met */
};

/* Slices in the tree point into msg or the arena. */
void mime_parse(struct arena *a, struct slice msg, struct mime_tree *out);

/* Appends IMAP's body text, "(...)"; extended for BODYSTRUCTURE. */
void mime_bodystructure(struct buf *out, const struct mime_tree *tree,
    bool extended);

/*
 * Appends IMAP's envelope text, "(...)", of the header at the start of msg.
 * Never contains a NUL; values with 8-bit or line end bytes are literals.
 */
void mime_envelope(struct buf *out, struct slice msg);

enum mime_what {
	MIME_ALL,        /* "" or "1": the message, or a part's body */
	MIME_HEADER,     /* "HEADER", "1.HEADER" */
	MIME_FIELDS,     /* "HEADER.FIELDS": range of the whole header */
	MIME_FIELDS_NOT, /* "HEADER.FIELDS.NOT": likewise */
	MIME_TEXT,
	MIME_MIME,
};

struct mime_section {
	const struct mime_part *part; /* whose bytes they are */
	enum mime_what what;
	size_t start;  /* range in the message; start == end is an empty one */
	size_t end;
	uint64_t size; /* in CRLF octets */
};

/*
 * Resolves a section-spec (RFC 3501 6.4.5), the text between "[" and "]"
 * without the list of field names: "", "1.2", "HEADER", "1.2.TEXT",
 * "3.HEADER.FIELDS". -1 if it is malformed (*why set); 1 if there is no such
 * part; else 0.
 */
int mime_find(const struct mime_tree *tree, struct slice spec,
    struct mime_section *out, const char **why) MUST_CHECK;

/* True if spec is well-formed, whatever the message. */
bool mime_spec_valid(struct slice spec, enum mime_what *what);

/* The next part of a walk through all of them in order; NULL at the end. */
const struct mime_part *mime_next(const struct mime_part *part);

/*
 * Appends a leaf's body as UTF-8: transfer encoding and charset decoded. Stops
 * at out's maximum (out is then failed but holds what fitted).
 */
void mime_text(struct buf *out, const struct mime_tree *tree,
    const struct mime_part *part);

/* Appends an IMAP string: NIL, quoted or literal, whichever fits (9). */
void mime_imap_string(struct buf *out, struct slice s);

#endif
