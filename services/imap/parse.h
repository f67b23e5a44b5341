/*
 * The strict reader of IMAP commands (RFC 3501 section 9): tags, atoms,
 * strings, lists, flags, sequence sets. It works over one slice that holds
 * the whole command, literals included ("A1 X {3}\r\nabc (...)"), which the
 * input side collected within its caps. Every command's arguments are read
 * with these functions; nothing here knows about sessions.
 *
 * Functions return 0, or -1 with p->why set to a constant for the BAD reply.
 * Results point into the command or into the arena.
 */
#ifndef IMAP_PARSE_H
#define IMAP_PARSE_H

#include "core/arena.h"
#include "core/limits.h"
#include "core/slice.h"

struct parser {
	struct slice in;
	size_t at;
	struct arena *arena;
	const char *why;
	bool utf8; /* mailbox names are UTF-8 (RFC 9051 5.1) */
	bool uidonly; /* no sequence numbers (RFC 9586) */
	/* The last mailbox name as it came, if it is kept otherwise. */
	struct slice spelled;
};

static inline struct parser
parser_of(struct slice in, struct arena *arena)
{
	return (struct parser){ .in = in, .arena = arena };
}

static inline int
parse_fail(struct parser *p, const char *why)
{
	if (p->why == NULL)
		p->why = why;
	return -1;
}

/* A sequence number where the client said UIDONLY (RFC 9586 section 3). */
static inline int
parse_uid_required(struct parser *p)
{
	return parse_fail(p, "[UIDREQUIRED] Only UIDs are used here");
}

/* The next byte, or -1 at the end. */
static inline int
parse_peek(const struct parser *p)
{
	return p->at < p->in.n ? (unsigned char)p->in.p[p->at] : -1;
}

/* Takes c if it is next. */
bool parse_try(struct parser *p, char c);
/* Takes word (ASCII case ignored) if it is next and ends there. */
bool parse_word(struct parser *p, struct slice word);
int parse_char(struct parser *p, char c);
static inline int
parse_sp(struct parser *p)
{
	return parse_char(p, ' ');
}
int parse_end(struct parser *p);

/* True for ATOM-CHAR and ASTRING-CHAR. */
bool imap_is_atom_char(char c);
bool imap_is_astring_char(char c);
/* tag = 1*<any ASTRING-CHAR except "+">, and short enough to echo. */
bool imap_tag_is_valid(struct slice tag);
int parse_tag(struct parser *p, struct slice *out);

int parse_atom(struct parser *p, struct slice *out);
/* Quoted or literal; no NUL. */
int parse_string(struct parser *p, struct slice *out);
/* The same, or a literal8 ("~{3}"): any bytes (RFC 3516 4.4, RFC 5464). */
int parse_binary(struct parser *p, struct slice *out);
int parse_astring(struct parser *p, struct slice *out);
/* NIL gives a slice with p NULL. */
int parse_nstring(struct parser *p, struct slice *out);
/* Ends with "]" or a space as well: items of FETCH, keys of SEARCH. */
int parse_keyword(struct parser *p, struct slice *out);
int parse_number(struct parser *p, uint32_t *out);
int parse_nz_number(struct parser *p, uint32_t *out);
/* mod-sequence-value, at most 63 bits (RFC 7162 section 7). */
int parse_modseq(struct parser *p, uint64_t *out);

/*
 * A mailbox name: an astring, "INBOX" in any case made "INBOX". With p->utf8 it
 * is made Net-Unicode and encoded. Whether the name may exist is the store's to
 * say. A command uses name_parse (name.h).
 */
int parse_mailbox(struct parser *p, struct slice *out);
/* Modified UTF-7 of well-formed UTF-8. */
struct slice parse_encode(struct parser *p, struct slice utf8);
/*
 * list-mailbox: may hold "%" and "*". With p->utf8 it stays UTF-8: a wildcard
 * beside a character could not be told from its encoding.
 */
int parse_list_mailbox(struct parser *p, struct slice *out);
/* The reference of LIST, like its pattern. */
int parse_reference(struct parser *p, struct slice *out);

/* System flags as STORE_* bits, and keywords. */
struct flag_list {
	unsigned flags;
	struct slice *keywords;
	size_t n;
};

/* "(\Seen $x)", or without parentheses (STORE) if bare is true. */
int parse_flags(struct parser *p, bool bare, struct flag_list *out);

/*
 * A sequence-set as it was written: ranges in any order, 0 stands for "*".
 * saved is RFC 5182's "$".
 */
struct seq_range {
	uint32_t first;
	uint32_t last;
};

struct seq_set {
	struct seq_range *r;
	size_t n;
	bool saved;
};

int parse_sequence(struct parser *p, struct seq_set *out);

/*
 * True if the line (without its line end) ends in a literal's header, "{12}",
 * "{12+}" (RFC 7888). *size is capped at UINT32_MAX.
 */
bool parse_literal_header(struct slice line, uint64_t *size, bool *sync);

#endif
