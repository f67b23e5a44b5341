/*
 * The arguments of APPEND and REPLACE (RFC 3501, RFC 4466), which come in
 * pieces: each ends in the header of a literal that is message text, or is the
 * last one. A piece is turned into operations; where the next one goes on is
 * kept in the struct.
 */
#ifndef IMAP_APPEND_PARSE_H
#define IMAP_APPEND_PARSE_H

#include "services/imap/parse.h"
#include "store/store.h"

enum append_op_kind {
	APPEND_BEGIN,   /* of a message with meta */
	APPEND_URL,     /* adds what url names (RFC 4469) */
	APPEND_LITERAL, /* adds what comes now; the last one of a piece */
	APPEND_END,     /* of the message */
};

struct append_op {
	enum append_op_kind kind;
	struct store_append_meta meta;
	bool binary; /* the message is a literal8 (RFC 3516) */
	struct slice url;
};

enum append_where {
	APPEND_BETWEEN,  /* messages */
	APPEND_PLAIN,    /* behind the literal that is a message */
	APPEND_CATENATE, /* in the list of parts */
};

struct append_parse {
	enum append_where where;
	bool single;     /* one message only (RFC 8508 4.7) */
	bool first;      /* no part of the list is read yet */
	bool closes;     /* ")" follows the literal (RFC 6855 section 4) */
	size_t messages;
	size_t parts;
	struct append_op *ops;
	size_t n;
};

/* Cuts "tag APPEND " or "tag [UID] REPLACE number " off. */
struct append_start {
	struct slice tag;
	bool replace;
	bool uid;
	uint32_t number; /* of REPLACE; 0 is "*" */
};

int append_parse_start(struct parser *p, struct append_start *out);

/*
 * True if the literal whose header ends text is an argument (a mailbox name or
 * a URL), so that the piece goes on behind it. begun: the start of the command
 * was in an earlier piece.
 */
bool append_literal_is_text(struct slice text, bool begun);

/*
 * Reads what is left in p into ops (of the arena of p). literal: it ends in a
 * literal's header.
 */
int append_parse_piece(struct parser *p, struct append_parse *st,
    bool literal);

#endif
