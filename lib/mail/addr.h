/*
 * Addresses of the envelope and of configuration files: RFC 5321 4.1.2 (Path,
 * Mailbox), RFC 6531 3.3 for the UTF-8 forms. Used by every service that sees
 * a reverse-path or forward-path. Nothing here allocates; an address points
 * into what was parsed. Control bytes and unquoted blanks never pass.
 */
#ifndef MAIL_ADDR_H
#define MAIL_ADDR_H

#include "core/buf.h"

/*
 * local is as written, with its quotes if quoted. domain is as written, with
 * its brackets if literal. Both are empty for the null path "<>"; domain alone
 * is empty for "<postmaster>".
 */
struct addr {
	struct slice local;
	struct slice domain;
	bool quoted;  /* local is a Quoted-string */
	bool literal; /* domain is an address-literal */
	bool utf8;    /* some byte is above 0x7f: needs SMTPUTF8 */
};

/* What a parser may accept beyond local@domain. */
enum addr_flag {
	ADDR_UTF8 = 1,       /* UTF-8 in local part and domain (RFC 6531 3.3) */
	ADDR_NULL = 2,       /* "<>" (RFC 5321 4.5.5) */
	ADDR_POSTMASTER = 4, /* "<postmaster>" without domain (4.5.1) */
};

/*
 * Takes the path at the start of *in ("<a@b>", "<@x,@y:a@b>", "<>"). On
 * success *in is what follows the ">": empty or beginning with a space (the
 * parameters). A source route is checked and dropped (RFC 5321 appendix C).
 * Local part at most 64 octets, domain at most 255, else -1 with *why.
 */
int addr_parse_path(struct slice *in, unsigned flags, struct addr *out,
    const char **why) MUST_CHECK;

/* The whole slice is a Mailbox, local@domain, without angle brackets. */
int addr_parse(struct slice in, unsigned flags, struct addr *out,
    const char **why) MUST_CHECK;

static inline bool
addr_is_null(const struct addr *a)
{
	return a->local.n == 0 && a->domain.n == 0;
}

/* True for a Domain of RFC 5321 4.1.2 (no literal): labels, lengths. */
bool addr_domain_valid(struct slice domain, unsigned flags);

/*
 * Appends local@domain in its canonical form: quotes only where a Dot-string
 * would not do. Nothing for the null path, local alone without a domain.
 */
void addr_format(struct buf *out, const struct addr *a);
/* The same in angle brackets: "<a@b>", "<>". */
void addr_format_path(struct buf *out, const struct addr *a);

/*
 * The key for looking an address up: like addr_format with domain and local
 * part in lower case (ASCII letters).
 */
void addr_normalize(struct buf *out, const struct addr *a);

/*
 * Splits "user+detail" at the first delimiter that has something before it.
 * Without one (or with delimiter 0) *base is all, *detail is empty and the
 * result is false. local has no quotes.
 */
bool addr_detail(struct slice local, char delimiter, struct slice *base,
    struct slice *detail);

/* Same address, domain and local part compared without ASCII case. */
bool addr_ieq(const struct addr *a, const struct addr *b);

/* The domain of "local@domain" text (behind its last @), or empty. */
struct slice addr_domain_of(struct slice text);

#endif
