/*
 * rspamd's dkim_signing.conf: the part of UCL that such files are written in
 * (objects, arrays, strings, comments), and of its settings those that say
 * which key signs.
 */
#include "conf/conf_dkim.h"

#include "conf/conf.h"
#include "core/limits.h"

#define WORD_MAX 512
#define DEPTH_MAX 16
/* Paths of the config folder in docker-mailserver's container. */
#define DMS_PREFIX "/tmp/docker-mailserver/"

enum context { TOP, DOMAINS, DOMAIN, SELECTOR, OTHER };

/* WORD, or the character itself; "," is ";" and ":" is "=". */
enum { END = 0, WORD = 'w', WRONG = '!' };

struct parse {
	struct conf_dkim *d;
	const char *config_dir;
	struct conf_problems *problems;
	struct slice rest;
	unsigned line;
	unsigned opened;   /* line of the "{" taken last */
	int token;
	struct slice word; /* of WORD */
	const char *wrong; /* the first mistake; reading stops there */
	bool off;          /* nothing is to be signed */
};

/* What the innermost domain or selector block says. */
struct entry {
	struct slice domain, selector, path;
	unsigned line;
};

static void
skip_blanks(struct parse *p)
{
	while (p->rest.n > 0) {
		char c = p->rest.p[0];
		bool block = slice_starts(p->rest, S("/*"));

		if (c != ' ' && c != '\t' && c != '\r' && c != '\n' &&
		    c != '#' && !block)
			return;
		while (c == '#' && p->rest.n > 0 && p->rest.p[0] != '\n')
			p->rest = slice_from(p->rest, 1);
		while (block && p->rest.n > 0 &&
		    !slice_starts(p->rest, S("*/"))) {
			p->line += p->rest.p[0] == '\n';
			p->rest = slice_from(p->rest, 1);
		}
		if (block) {
			p->rest = slice_from(p->rest, p->rest.n < 2 ? 0 : 2);
		} else if (p->rest.n > 0) {
			p->line += p->rest.p[0] == '\n';
			p->rest = slice_from(p->rest, 1);
		}
	}
}

static void
take_string(struct parse *p, char quote)
{
	size_t n = 1;

	while (n < p->rest.n && p->rest.p[n] != quote && p->rest.p[n] != '\n')
		n += p->rest.p[n] == '\\' ? 2 : 1;
	if (n >= p->rest.n || p->rest.p[n] != quote) {
		p->wrong = "a string does not end";
		return;
	}
	p->token = WORD;
	p->word = slice_head(slice_from(p->rest, 1), n - 1);
	p->rest = slice_from(p->rest, n + 1);
}

static void
take_word(struct parse *p)
{
	size_t n = 0;

	while (n < p->rest.n && p->rest.p[n] != '\0' &&
	    strchr(" \t\r\n{}[]=;,:\"'", p->rest.p[n]) == NULL)
		n++;
	if (n == 0) {
		p->wrong = "unexpected character";
		return;
	}
	p->token = WORD;
	p->word = slice_head(p->rest, n);
	p->rest = slice_from(p->rest, n);
}

static void
next(struct parse *p)
{
	char c;

	p->token = WRONG;
	if (p->wrong != NULL)
		return;
	skip_blanks(p);
	p->token = END;
	if (p->rest.n == 0)
		return;
	p->token = WRONG;
	c = p->rest.p[0];
	if (c == '"' || c == '\'') {
		take_string(p, c);
	} else if (c != '\0' && strchr("{}[]=;,:", c) != NULL) {
		p->token = c == ',' ? ';' : c == ':' ? '=' : c;
		p->rest = slice_from(p->rest, 1);
	} else {
		take_word(p);
	}
	if (p->token == WORD && p->word.n > WORD_MAX) {
		p->wrong = "a word is too long";
		p->token = WRONG;
	}
}

/* A warning: rspamd takes more than this, and the server is to start. */
static void
report(struct parse *p, unsigned line, const char *what)
{
	struct buf path = BUF_INIT(8192);

	buf_addf(&path, "%s/" CONF_DKIM_RSPAMD, p->config_dir);
	conf_problem_at(p->problems, LOG_WARN, buf_str(&path), line, 0, "%s",
	    what);
	buf_release(&path);
}

static bool
is_known(const struct conf_dkim *d, struct slice name)
{
	for (size_t i = 0; i < d->key_count; i++)
		if (slice_eq(d->keys[i].name, name))
			return true;
	return false;
}

static void
add(struct parse *p, const struct entry *e)
{
	struct slice selector = e->selector, path = e->path;
	struct conf_dkim_key key = { .line = e->line };

	if (path.n == 0 && selector.n == 0)
		return;
	if (selector.n == 0)
		selector = S("dkim"); /* rspamd's default */
	if (!conf_is_host(e->domain) || !conf_is_host(selector)) {
		report(p, e->line, "the domain or the selector is no name");
		return;
	}
	if (path.n == 0 || path.p[0] != '/') {
		report(p, e->line, "path is not one that starts with /");
		return;
	}
	if (p->d->key_count >= CONF_DKIM_RSPAMD_KEYS) {
		report(p, e->line, "too many keys");
		return;
	}
	key.domain = arena_slice(&p->d->arena, e->domain);
	key.selector = arena_slice(&p->d->arena, selector);
	key.name = slice_str(arena_printf(&p->d->arena, "%.*s._domainkey.%.*s",
	    SLICE_ARG(selector), SLICE_ARG(e->domain)));
	if (slice_starts(path, S(DMS_PREFIX))) {
		path = slice_from(path, sizeof(DMS_PREFIX) - 1);
		key.path = arena_printf(&p->d->arena, "%s/%.*s",
		    p->config_dir, SLICE_ARG(path));
	} else {
		key.path = arena_dup(&p->d->arena, path);
	}
	if (!is_known(p->d, key.name))
		conf_dkim_add_key(p->d, &key);
}

/* The value of a switch; what is none of these leaves it as it was. */
static bool
is_false(struct slice v)
{
	return slice_ieq(v, S("false")) || slice_ieq(v, S("no")) ||
	    slice_ieq(v, S("off")) || slice_eq(v, S("0"));
}

static void
take_setting(struct parse *p, enum context context, struct slice key,
    struct slice value, struct entry *e)
{
	bool off = is_false(value);

	if (context == TOP && (slice_ieq(key, S("enabled")) ||
	    slice_ieq(key, S("sign_authenticated"))))
		p->off |= off;
	else if (context == TOP && slice_ieq(key, S("use_esld")))
		p->d->exact = off;
	else if (context >= DOMAIN && slice_ieq(key, S("path")))
		e->path = value;
	else if (context >= DOMAIN && slice_ieq(key, S("selector")))
		e->selector = value;
}

static enum context
inner(enum context context, struct slice key)
{
	if (context == TOP && slice_ieq(key, S("domain")))
		return DOMAINS;
	if (context == DOMAINS)
		return DOMAIN;
	if (context == DOMAIN && slice_ieq(key, S("selectors")))
		return SELECTOR;
	return OTHER;
}

static void object(struct parse *p, enum context context, struct slice domain,
    unsigned depth, int end);

/* "{ ... }", or a list of such; the token is its first. */
static void
block(struct parse *p, enum context context, struct slice domain,
    unsigned depth)
{
	if (depth == DEPTH_MAX) {
		p->wrong = "too deep";
		p->token = WRONG;
	} else if (p->token == '{') {
		p->opened = p->line;
		next(p);
		object(p, context, domain, depth + 1, '}');
	} else {
		next(p);
		while (p->token != ']' && p->token != END &&
		    p->token != WRONG) {
			if (p->token == '{' || p->token == '[')
				block(p, context, domain, depth + 1);
			else if (p->token == WORD || p->token == ';')
				next(p);
			else
				p->wrong = "expected an element or ]";
			if (p->wrong != NULL)
				p->token = WRONG;
		}
		if (p->token == END)
			p->wrong = "a [ is not closed";
		next(p);
	}
}

/* "key = value", "key value", "key { }", "key name { }"; the token is behind
 * the key. */
static void
member(struct parse *p, enum context context, struct slice key,
    struct entry *e, unsigned depth)
{
	enum context to = inner(context, key);
	struct slice value;

	if (p->token == '=')
		next(p);
	if (p->token == WORD) {
		value = p->word;
		next(p);
		if (p->token != '{') {
			take_setting(p, context, key, value, e);
			return;
		}
		to = inner(to, value);
		key = value;
	}
	if (p->token == '{' || p->token == '[')
		block(p, to, to == DOMAIN ? key : e->domain, depth);
	else
		p->wrong = "expected a value";
}

/* Up to end; the token is the first of its members, then what follows it. */
static void
object(struct parse *p, enum context context, struct slice domain,
    unsigned depth, int end)
{
	struct entry e = { .domain = domain, .line = p->opened };

	while (p->token != end && p->wrong == NULL) {
		struct slice key = p->word;

		if (p->token == ';') {
			next(p);
			continue;
		}
		if (p->token != WORD) {
			p->wrong = p->token == END ? "a { is not closed" :
			    "expected a name";
			break;
		}
		next(p);
		member(p, context, key, &e, depth);
	}
	if (p->wrong != NULL)
		return;
	if (context == DOMAIN || context == SELECTOR)
		add(p, &e);
	next(p);
}

void
conf_dkim_parse_rspamd(struct conf_dkim *d, const char *config_dir,
    struct slice text, struct conf_problems *problems)
{
	struct parse p = { .d = d, .config_dir = config_dir, .rest = text,
		.problems = problems, .line = 1 };

	d->rspamd = true;
	next(&p);
	object(&p, TOP, S(""), 0, END);
	if (p.wrong != NULL)
		report(&p, p.line, p.wrong);
	for (size_t i = 0; i < d->key_count && !p.off; i++) {
		struct conf_dkim_rule rule = { .line = d->keys[i].line,
			.key = &d->keys[i] };

		rule.pattern = slice_str(arena_printf(&d->arena, "*@%.*s",
		    SLICE_ARG(d->keys[i].domain)));
		conf_dkim_add_rule(d, &rule);
	}
}
