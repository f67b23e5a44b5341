/* Address lists: RFC 5322 3.4 and 4.4. See address_list.h. */
#include "mail/address_list.h"

#include "core/limits.h"
#include "mail/lex.h"

/* Bytes go through here exactly once, so the whole is linear. */
struct parser {
	struct arena *arena;
	struct address_list *list;
	size_t room;
	struct slice in;
	struct buf phrase;  /* words with single spaces between */
	struct buf local;   /* the same words with none */
	struct buf comment; /* the last comment seen */
	/* Where in phrase and local the last words begin that dots join. */
	size_t last_phrase;
	size_t last_local;
	bool some;          /* a word was seen, be it "" */
};

static char
peek(const struct parser *p)
{
	return p->in.p[0];
}

static void
skip(struct parser *p)
{
	p->in = slice_from(p->in, 1);
}

/* A comment's text without the outer parentheses; it may nest (3.2.2). */
static void
take_comment(struct parser *p)
{
	size_t depth = 0;

	buf_clear(&p->comment);
	while (p->in.n > 0) {
		char c = peek(p);

		skip(p);
		if (c == '\\' && p->in.n > 0) {
			c = peek(p);
			skip(p);
		} else if (c == '(' && depth++ == 0) {
			continue;
		} else if (c == ')' && --depth == 0) {
			return;
		}
		if (c != '\r' && c != '\n')
			buf_addc(&p->comment, c);
	}
}

/* True if a byte is left that is neither blank nor comment. */
static bool
skip_cfws(struct parser *p)
{
	while (p->in.n > 0) {
		if (peek(p) == '(')
			take_comment(p);
		else if (lex_is_white(peek(p)))
			skip(p);
		else
			return true;
	}
	return false;
}

static void
add_byte(struct parser *p, char c)
{
	buf_addc(&p->phrase, c);
	buf_addc(&p->local, c);
}

/* quoted-string (3.2.4) without quotes, escapes and folding. */
static void
take_quoted(struct parser *p)
{
	skip(p);
	while (p->in.n > 0) {
		char c = peek(p);

		skip(p);
		if (c == '"')
			return;
		if (c == '\\' && p->in.n > 0) {
			c = peek(p);
			skip(p);
		}
		if (c != '\r' && c != '\n')
			add_byte(p, c);
	}
}

/*
 * Words and dots up to a byte that has another meaning, which is left. False
 * at the end of the input.
 */
static bool
take_words(struct parser *p)
{
	buf_clear(&p->phrase);
	buf_clear(&p->local);
	p->some = false;
	p->last_phrase = p->last_local = 0;
	while (skip_cfws(p)) {
		char c = peek(p);

		if (c == '.') {
			add_byte(p, c);
			skip(p);
			continue;
		}
		if (c == '\\' || c == ')' || c == ']') {
			skip(p);
			continue;
		}
		if (c != '"' && lex_is_special(c))
			return true;
		if (p->some && p->phrase.n > 0)
			buf_addc(&p->phrase, ' ');
		/* A name in a comment stands behind the address. */
		if (!p->some)
			buf_clear(&p->comment);
		p->some = true;
		if (p->local.n > 0 && p->local.p[p->local.n - 1] != '.') {
			p->last_phrase = p->phrase.n;
			p->last_local = p->local.n;
		}
		if (c == '"') {
			take_quoted(p);
			continue;
		}
		while (p->in.n > 0 && !lex_is_special(peek(p)) &&
		    !lex_is_white(peek(p))) {
			add_byte(p, peek(p));
			skip(p);
		}
	}
	return false;
}

/* Behind "@": atoms with dots, or a literal; blanks and comments go (4.4). */
static struct slice
take_domain(struct parser *p)
{
	bool atom = false;

	buf_clear(&p->local);
	while (skip_cfws(p)) {
		char c = peek(p);

		if (c == '[' && p->local.n == 0) {
			while (p->in.n > 0 && c != ']') {
				c = peek(p);
				if (!lex_is_white(c))
					buf_addc(&p->local, c);
				skip(p);
			}
			break;
		}
		if (c == '.') {
			buf_addc(&p->local, c);
			skip(p);
			atom = false;
			continue;
		}
		if (lex_is_special(c) || atom)
			break;
		atom = true;
		while (p->in.n > 0 && !lex_is_special(peek(p)) &&
		    !lex_is_white(peek(p))) {
			buf_addc(&p->local, peek(p));
			skip(p);
		}
	}
	return arena_slice(p->arena, buf_slice(&p->local));
}

/* obs-route (4.4): "@a,@b:"; what comes behind it is left. */
static struct slice
take_route(struct parser *p)
{
	struct buf route = BUF_INIT(LIMIT_HEADER_BYTES);
	struct slice kept = { 0 };

	while (skip_cfws(p) && (peek(p) == '@' || peek(p) == ',')) {
		char c = peek(p);

		skip(p);
		if (route.n > 0 && c == '@')
			buf_addc(&route, ',');
		if (c != '@')
			continue;
		buf_addc(&route, '@');
		buf_add_slice(&route, take_domain(p));
	}
	if (p->in.n > 0 && peek(p) == ':') {
		skip(p);
		kept = arena_slice(p->arena, buf_slice(&route));
	}
	buf_release(&route);
	return kept;
}

static void
push(struct parser *p, const struct address *a)
{
	if (p->list->n < p->room)
		p->list->v[p->list->n++] = *a;
}

/* To behind the next ","; a ";" is left for the caller. */
static void
skip_rest(struct parser *p)
{
	while (skip_cfws(p) && peek(p) != ';') {
		char c = peek(p);

		if (c == '"') {
			take_quoted(p);
			continue;
		}
		skip(p);
		if (c == ',')
			return;
	}
}

/* A local part is words that dots join (4.4); no others belong to it. */
static struct slice
last_words(struct parser *p)
{
	return arena_slice(p->arena, slice_from(buf_slice(&p->local),
	    p->last_local));
}

/* "<" [route] local "@" domain ">"; the phrase before it is the name. */
static void
take_angle(struct parser *p)
{
	struct address a = { .kind = ADDRESS_MAILBOX, .host = S("") };

	if (p->phrase.n > 0)
		a.name = arena_slice(p->arena, buf_slice(&p->phrase));
	skip(p);
	if (skip_cfws(p) && peek(p) == '@')
		a.route = take_route(p);
	take_words(p);
	a.mailbox = last_words(p);
	if (p->in.n > 0 && peek(p) == '@') {
		skip(p);
		a.host = take_domain(p);
	}
	while (skip_cfws(p) && peek(p) != '>' && peek(p) != ',')
		skip(p);
	skip_rest(p);
	push(p, &a);
}

/* A bare address, with or without its domain. */
static void
take_bare(struct parser *p)
{
	struct address a = { .kind = ADDRESS_MAILBOX, .host = S("") };
	struct slice comment;

	a.mailbox = last_words(p);
	if (p->in.n > 0 && peek(p) == '@') {
		/* "John Doe jdoe@x.test", whose brackets are missing. */
		if (p->last_phrase > 0)
			a.name = arena_slice(p->arena, slice_trim(slice_head(
			    buf_slice(&p->phrase), p->last_phrase)));
		skip(p);
		a.host = take_domain(p);
	} else if (p->phrase.n > p->local.n) {
		/* "Undisclosed recipients" and the like. */
		a.name = arena_slice(p->arena, buf_slice(&p->phrase));
		a.mailbox = S("");
	}
	skip_rest(p);
	/* The old way to give a name: "jdoe@x.test (John Doe)". */
	comment = slice_trim(buf_slice(&p->comment));
	if (comment.n > 0 && a.name.n == 0)
		a.name = arena_slice(p->arena, comment);
	push(p, &a);
}

static void
start_group(struct parser *p)
{
	struct address a = { .kind = ADDRESS_GROUP_START };

	a.mailbox = arena_slice(p->arena, buf_slice(&p->phrase));
	skip(p);
	push(p, &a);
}

/* More entries than the input can have, so the array need not grow. */
static size_t
most_entries(struct slice value)
{
	size_t n = 3;

	for (size_t i = 0; i < value.n; i++)
		n += value.p[i] == ',' || value.p[i] == ';' ? 1 :
		    value.p[i] == ':' ? 2 : 0;
	return n < LIMIT_HEADER_ADDRESSES ? n : LIMIT_HEADER_ADDRESSES;
}

void
address_list_parse(struct arena *a, struct slice value,
    struct address_list *out)
{
	static const struct address group_end = { .kind = ADDRESS_GROUP_END };
	struct parser p = { .arena = a, .list = out, .in = value,
		.phrase = BUF_INIT(value.n * 2 + 1),
		.local = BUF_INIT(value.n + 1),
		.comment = BUF_INIT(value.n + 1) };
	bool group = false, more = true;

	*out = (struct address_list){ 0 };
	p.room = most_entries(value);
	out->v = arena_array(a, p.room, sizeof(*out->v));
	/* One entry is kept for the end of an open group. */
	while (more && out->n + 1 < p.room) {
		char c;

		buf_clear(&p.comment);
		more = take_words(&p);
		c = more ? peek(&p) : ',';
		if (c == '<') {
			take_angle(&p);
		} else if (c == ':' && !group && p.some) {
			start_group(&p);
			group = true;
		} else if (c == '@' || p.local.n > 0) {
			take_bare(&p);
		} else if (c != ';' && more) {
			skip(&p);
		}
		if (p.in.n > 0 && peek(&p) == ';') {
			skip(&p);
			if (group)
				push(&p, &group_end);
			group = false;
		}
	}
	if (group)
		push(&p, &group_end);
	buf_release(&p.phrase);
	buf_release(&p.local);
	buf_release(&p.comment);
}

void
address_format(struct buf *out, const struct address *addr)
{
	static const char extra[] = "!#$%&'*+-/=?^_`{|}~.";
	struct slice s = addr->mailbox;
	bool plain = s.n > 0 && s.p[0] != '.' && s.p[s.n - 1] != '.';

	for (size_t i = 0; i < s.n && plain; i++)
		plain = ascii_is_alnum(s.p[i]) ||
		    (unsigned char)s.p[i] >= 0x80 ||
		    (s.p[i] != 0 && strchr(extra, s.p[i]) != NULL);
	if (!plain)
		buf_addc(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (!plain && (s.p[i] == '"' || s.p[i] == '\\'))
			buf_addc(out, '\\');
		buf_addc(out, s.p[i]);
	}
	if (!plain)
		buf_addc(out, '"');
	if (addr->host.n > 0) {
		buf_addc(out, '@');
		buf_add_slice(out, addr->host);
	}
}
