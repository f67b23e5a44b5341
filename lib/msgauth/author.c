/* Who wrote it. See author.h. */
#include "msgauth/author.h"

#include "core/limits.h"
#include "mail/addr.h"
#include "mail/lex.h"
#include "msgauth/verified.h"

struct parser {
	struct author *author;
	struct arena *arena;
	struct slice in;
	bool angle;   /* between "<" and ">" */
	bool local;   /* a word that may be a local part */
	bool address; /* the mailbox at hand has its domain */
	bool some;    /* there is a mailbox at hand */
	struct buf bare; /* domain of an address that stands before a "<" */
};

static int
refuse(struct parser *p, const char *why)
{
	if (p->author->why == NULL)
		p->author->why = why;
	return -1;
}

/* A comment (RFC 5322 3.2.2); it may nest. p->in starts with it. */
static int
skip_comment(struct parser *p)
{
	size_t depth = 0;

	for (size_t i = 0; i < p->in.n; i++) {
		char c = p->in.p[i];

		if (c == '\\')
			i++;
		else if (c == '(')
			depth++;
		else if (c == ')' && --depth == 0) {
			p->in = slice_from(p->in, i + 1);
			return 0;
		}
	}
	return refuse(p, "From has a comment without its end");
}

/* A quoted string (RFC 5322 3.2.4). */
static int
skip_quoted(struct parser *p)
{
	for (size_t i = 1; i < p->in.n; i++) {
		if (p->in.p[i] == '\\') {
			i++;
		} else if (p->in.p[i] == '"') {
			p->in = slice_from(p->in, i + 1);
			p->local = p->some = true;
			return 0;
		}
	}
	return refuse(p, "From has a quoted string without its end");
}

static int
skip_cfws(struct parser *p)
{
	while (p->in.n > 0) {
		if (p->in.p[0] == '(') {
			if (skip_comment(p) == -1)
				return -1;
		} else if (lex_is_white(p->in.p[0])) {
			p->in = slice_from(p->in, 1);
		} else {
			break;
		}
	}
	return 0;
}

static int
set_domain(struct parser *p, struct slice name)
{
	struct author *a = p->author;
	struct buf ascii = BUF_INIT(LIMIT_DOMAIN + 1);
	int r = 0;

	if (!addr_domain_valid(name, ADDR_UTF8) ||
	    msgauth_ascii_name(name, &ascii) == -1)
		r = refuse(p, "From has an address without a valid domain");
	else if (a->domain.n == 0)
		a->domain = arena_slice(p->arena, buf_slice(&ascii));
	else if (!slice_eq(a->domain, buf_slice(&ascii)))
		r = refuse(p, "From has addresses of several domains");
	buf_release(&ascii);
	return r;
}

/* The address outside of "<" and ">" counts when it is known that it is one. */
static int
end_bare(struct parser *p)
{
	int r = p->bare.n > 0 ? set_domain(p, buf_slice(&p->bare)) : 0;

	buf_clear(&p->bare);
	return r;
}

static int
take_bare(struct parser *p, struct slice name)
{
	int r = end_bare(p);

	buf_add_slice(&p->bare, name);
	return name.n > 0 ? r :
	    refuse(p, "From has an address without a valid domain");
}

/* What follows "@": atoms and dots, blanks and comments between (4.4). */
static int
take_domain(struct parser *p)
{
	struct buf name = BUF_INIT(LIMIT_DOMAIN + 1);
	bool atom = false;
	int r;

	p->in = slice_from(p->in, 1);
	if (!p->local || p->address)
		return refuse(p, "From has a malformed address");
	while ((r = skip_cfws(p)) == 0 && p->in.n > 0) {
		char c = p->in.p[0];

		if (c == '.') {
			buf_addc(&name, c);
			p->in = slice_from(p->in, 1);
			atom = false;
			continue;
		}
		if (lex_is_special(c) || atom)
			break;
		for (atom = true; p->in.n > 0 && !lex_is_special(p->in.p[0]) &&
		    !lex_is_white(p->in.p[0]); p->in = slice_from(p->in, 1))
			buf_addc(&name, p->in.p[0]);
	}
	/* "a@b.": the dot at the end changes nothing. */
	if (name.n > 1 && name.p[name.n - 1] == '.')
		buf_truncate(&name, name.n - 1);
	if (r == 0 && !buf_ok(&name))
		r = refuse(p, "From has an address without a valid domain");
	else if (r == 0 && p->angle)
		r = set_domain(p, buf_slice(&name));
	else if (r == 0)
		r = take_bare(p, buf_slice(&name));
	p->local = false;
	p->address = true;
	buf_release(&name);
	return r;
}

/* The end of one mailbox, or of all of them. */
static int
end_mailbox(struct parser *p, bool last)
{
	if (p->angle)
		return refuse(p, "From has a \"<\" without its \">\"");
	if (end_bare(p) == -1)
		return -1;
	/* "Doe, Jane <jane@x>": a name that should have been quoted. */
	if (p->some && !p->address && !last) {
		p->local = false;
		return 0;
	}
	if (p->some && !p->address)
		return refuse(p, "From has an address without a domain");
	p->local = p->address = p->some = false;
	return 0;
}

static int
take_special(struct parser *p, char c)
{
	p->in = slice_from(p->in, 1);
	switch (c) {
	case '<':
		if (p->angle)
			break;
		/* "a@x.test <b@y.test>": the name is an address too, see
		 * author.h; "Pub @ Home <b@y.test>" is only a name. */
		if (slice_find(buf_slice(&p->bare), '.') == -1)
			buf_clear(&p->bare);
		if (end_bare(p) == -1)
			return -1;
		p->angle = p->some = true;
		p->address = p->local = false;
		return 0;
	case '>':
		if (!p->angle || !p->address)
			break;
		p->angle = false;
		return 0;
	case ',':
		return end_mailbox(p, false);
	case '[':
	case ']':
		/* Display names of trackers are not always quoted. */
		if (p->angle)
			break;
		/* fallthrough */
	case '.':
		p->local = p->some = true;
		return 0;
	case ':':
		return refuse(p, p->angle ? "From has a source route" :
		    "From has a group instead of an author");
	case ';':
		return refuse(p, "From has a group instead of an author");
	default:
		break;
	}
	return refuse(p, "From has a malformed address");
}

/*
 * The length of an encoded word (RFC 2047 section 2), or 0. In a name it may
 * hold an "@", which is against section 5 and not rare, but nothing by which
 * somebody could read the field in another way.
 */
static size_t
encoded_word(struct slice in)
{
	size_t marks = 0;

	if (!slice_starts(in, S("=?")))
		return 0;
	for (size_t i = 2; i < in.n; i++) {
		char c = in.p[i];

		if (lex_is_white(c) || (unsigned char)c < ' ' || c == 0x7f ||
		    (lex_is_special(c) && c != '@' && c != '.'))
			return 0;
		if (c == '?' && ++marks == 3)
			return i + 1 < in.n && in.p[i + 1] == '=' ? i + 2 : 0;
	}
	return 0;
}

static int
take_atom(struct parser *p)
{
	p->in = slice_from(p->in, p->angle ? 0 : encoded_word(p->in));
	while (p->in.n > 0 && !lex_is_special(p->in.p[0]) &&
	    !lex_is_white(p->in.p[0])) {
		if ((unsigned char)p->in.p[0] < ' ' || p->in.p[0] == 0x7f)
			return refuse(p, "From has a control character");
		p->in = slice_from(p->in, 1);
	}
	/* A second address without a comma shows up at its "@". */
	if (p->address && p->angle)
		return refuse(p, "From has a malformed address");
	if (!p->angle && p->address)
		p->address = false;
	p->local = p->some = true;
	return 0;
}

void
author_parse(struct author *a, struct slice value, struct arena *arena)
{
	struct parser p = { .author = a, .arena = arena, .in = value,
		.bare = BUF_INIT(LIMIT_DOMAIN + 1) };
	int r;

	*a = (struct author){ 0 };
	while ((r = skip_cfws(&p)) == 0 && p.in.n > 0 && r == 0) {
		char c = p.in.p[0];

		if (c == '@')
			r = take_domain(&p);
		else if (c == '"')
			r = skip_quoted(&p);
		else if (lex_is_special(c))
			r = take_special(&p, c);
		else
			r = take_atom(&p);
		if (r == -1)
			break;
	}
	if (r == 0 && end_mailbox(&p, true) == 0 && a->domain.n == 0)
		refuse(&p, "From has no address");
	buf_release(&p.bare);
}

void
author_find(struct author *a, const struct fields *f,
    const char *unreadable, struct arena *arena)
{
	size_t count = 0;

	*a = (struct author){ 0 };
	for (size_t i = 0; i < f->n; i++)
		if (header_is(&f->list[i], S("From")) && count++ == 0)
			author_parse(a, f->list[i].value, arena);
	if (unreadable != NULL)
		a->why = unreadable;
	else if (count == 0)
		a->why = "there is no From field";
	else if (count > 1)
		a->why = "there are several From fields";
}
