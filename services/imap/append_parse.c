#include "services/imap/append_parse.h"

#include "mail/date.h"

int
append_parse_start(struct parser *p, struct append_start *out)
{
	struct slice name;

	*out = (struct append_start){ 0 };
	if (parse_tag(p, &out->tag) == -1 || parse_sp(p) == -1 ||
	    parse_atom(p, &name) == -1)
		return -1;
	if (slice_ieq(name, S("APPEND")))
		return parse_sp(p);
	out->uid = slice_ieq(name, S("UID"));
	if (out->uid && (parse_sp(p) == -1 || parse_atom(p, &name) == -1))
		return -1;
	if (!slice_ieq(name, S("REPLACE")) || parse_sp(p) == -1)
		return parse_fail(p, "Unknown command");
	out->replace = true;
	if (!parse_try(p, '*') && parse_nz_number(p, &out->number) == -1)
		return -1;
	return parse_sp(p);
}

/* Where the header of the literal begins that ends text. */
static size_t
header_at(struct slice text)
{
	ssize_t at = slice_rfind(text, '{');

	return at == -1 ? text.n : (size_t)at;
}

bool
append_literal_is_text(struct slice text, bool begun)
{
	struct slice before = slice_head(text, header_at(text));
	struct parser p = parser_of(text, NULL);
	struct append_start start;

	if (slice_iends(before, S(" URL ")) || slice_iends(before, S("(URL ")))
		return true;
	return !begun && append_parse_start(&p, &start) == 0 &&
	    p.at == before.n;
}

static struct append_op *
op_add(struct parser *p, struct append_parse *st, enum append_op_kind kind)
{
	if (st->parts == LIMIT_IMAP_CATENATE) {
		parse_fail(p, "Too many parts");
		return NULL;
	}
	if (kind == APPEND_URL || kind == APPEND_LITERAL)
		st->parts++;
	/* Grown by doubling within the arena. */
	if ((st->n & (st->n - 1)) == 0) {
		struct append_op *v = arena_array(p->arena,
		    st->n == 0 ? 1 : st->n * 2, sizeof(*v));

		if (st->n > 0)
			memcpy(v, st->ops, st->n * sizeof(*v));
		st->ops = v;
	}
	st->ops[st->n] = (struct append_op){ .kind = kind };
	return &st->ops[st->n++];
}

/* "[SP flag-list] [SP date-time] SP" */
static int
parse_meta(struct parser *p, struct store_append_meta *meta)
{
	struct flag_list flags = { 0 };
	struct slice text;
	struct date date;

	if (parse_sp(p) == -1)
		return -1;
	if (parse_peek(p) == '(' &&
	    (parse_flags(p, false, &flags) == -1 || parse_sp(p) == -1))
		return -1;
	if (parse_peek(p) == '"') {
		if (parse_string(p, &text) == -1 || parse_sp(p) == -1)
			return -1;
		if (date_parse_imap(text, &date) == -1)
			return parse_fail(p, "Invalid date-time");
		meta->internaldate = date.epoch;
	}
	meta->flags = flags.flags;
	meta->keywords = flags.keywords;
	meta->n_keywords = flags.n;
	return 0;
}

/* The header of the message literal, which ends the piece. */
static int
parse_header(struct parser *p, struct append_parse *st, bool literal)
{
	struct slice rest = slice_from(p->in, p->at);

	if (!literal || parse_peek(p) != '{' || header_at(p->in) != p->at)
		return parse_fail(p, "Expected a message literal");
	p->at += rest.n;
	return op_add(p, st, APPEND_LITERAL) != NULL ? 0 : -1;
}

/* utf8-literal (RFC 6855 section 4), "UTF8 " taken: "(~{12}" */
static int
parse_utf8(struct parser *p, struct append_parse *st, bool literal)
{
	if (!p->utf8)
		return parse_fail(p, "UTF8 without ENABLE UTF8=ACCEPT");
	st->closes = true;
	if (parse_sp(p) == -1 || parse_char(p, '(') == -1 ||
	    parse_char(p, '~') == -1)
		return -1;
	return parse_header(p, st, literal);
}

static int
parse_message(struct parser *p, struct append_parse *st, bool literal)
{
	struct append_op *op = op_add(p, st, APPEND_BEGIN);

	if (op == NULL || parse_meta(p, &op->meta) == -1)
		return -1;
	if (st->messages++ > 0 && st->single)
		return parse_fail(p, "Only one message can replace another");
	if (parse_word(p, S("CATENATE"))) {
		st->where = APPEND_CATENATE;
		st->first = true;
		return parse_sp(p) == -1 ? -1 : parse_char(p, '(');
	}
	st->where = APPEND_PLAIN;
	if (parse_word(p, S("UTF8"))) {
		op->binary = true;
		return parse_utf8(p, st, literal);
	}
	op->binary = parse_try(p, '~');
	return parse_header(p, st, literal);
}

/* cat-part (RFC 4469 section 5) */
static int
parse_part(struct parser *p, struct append_parse *st, bool literal)
{
	struct append_op *op;
	struct slice url;

	if (!st->first && parse_sp(p) == -1)
		return -1;
	st->first = false;
	if (parse_word(p, S("TEXT")))
		return parse_sp(p) == -1 ? -1 : parse_header(p, st, literal);
	if (parse_word(p, S("UTF8")))
		return parse_utf8(p, st, literal);
	if (!parse_word(p, S("URL")) || parse_sp(p) == -1 ||
	    parse_astring(p, &url) == -1)
		return parse_fail(p, "Expected TEXT or URL");
	op = op_add(p, st, APPEND_URL);
	if (op != NULL)
		op->url = url;
	return op != NULL ? 0 : -1;
}

static int
end_message(struct parser *p, struct append_parse *st)
{
	st->where = APPEND_BETWEEN;
	return op_add(p, st, APPEND_END) != NULL ? 0 : -1;
}

int
append_parse_piece(struct parser *p, struct append_parse *st, bool literal)
{
	int r = 0;

	st->ops = NULL;
	st->n = 0;
	if (st->closes && parse_char(p, ')') == -1)
		return -1;
	st->closes = false;
	if (st->where == APPEND_PLAIN)
		r = end_message(p, st);
	while (r == 0) {
		if (st->n > 0 && st->ops[st->n - 1].kind == APPEND_LITERAL)
			return 0;
		if (st->where == APPEND_CATENATE && !st->first &&
		    parse_try(p, ')'))
			r = end_message(p, st);
		else if (st->where == APPEND_CATENATE)
			r = parse_part(p, st, literal);
		else if (p->at == p->in.n && st->messages > 0 && !literal)
			return 0;
		else
			r = parse_message(p, st, literal);
	}
	return -1;
}
