#include "services/imap/metadata.h"

#include "services/imap/output.h"

/* ---- names ---------------------------------------------------------------- */

static int
check_entry(struct parser *p, struct slice name)
{
	struct slice rest = name, level;
	size_t levels = 0;
	bool vendor = false;

	if (name.n > LIMIT_METADATA_NAME)
		return parse_fail(p, "Entry name too long");
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] < ' ' || name.p[i] > '~' || name.p[i] == '*' ||
		    name.p[i] == '%')
			return parse_fail(p, "Bad character in an entry name");
	if (name.n == 0 || name.p[0] != '/' || name.p[name.n - 1] == '/')
		return parse_fail(p, "Invalid entry name");
	rest = slice_from(rest, 1);
	for (; slice_split(&rest, '/', &level); levels++) {
		if (level.n == 0)
			return parse_fail(p, "Invalid entry name");
		if (levels == 0 && !slice_eq(level, S("private")) &&
		    !slice_eq(level, S("shared")))
			return parse_fail(p,
			    "Entry names begin with /private or /shared");
		vendor = vendor || (levels == 1 &&
		    slice_eq(level, S("vendor")));
	}
	/* "/shared/vendor/<token>/<name>" */
	if (levels < (vendor ? 4 : 2))
		return parse_fail(p, "Entry name too short");
	return 0;
}

int
metadata_parse_entry(struct parser *p, struct slice *out)
{
	char *lower;

	if (parse_astring(p, out) == -1)
		return -1;
	lower = arena_dup(p->arena, *out);
	for (size_t i = 0; i < out->n; i++)
		lower[i] = ascii_lower(lower[i]);
	*out = slice_of(lower, out->n);
	return check_entry(p, *out);
}

int
metadata_parse_entries(struct parser *p, struct entry_list *out)
{
	bool many = parse_try(p, '(');

	*out = (struct entry_list){ 0 };
	out->names = arena_array(p->arena, LIMIT_METADATA_ENTRIES,
	    sizeof(*out->names));
	do {
		if (out->n == LIMIT_METADATA_ENTRIES)
			return parse_fail(p, "Too many entries");
		if (metadata_parse_entry(p, &out->names[out->n++]) == -1)
			return -1;
	} while (many && parse_try(p, ' '));
	return many ? parse_char(p, ')') : 0;
}

bool
metadata_is_below(struct slice name, struct slice base, unsigned depth)
{
	struct slice rest = slice_from(name, base.n);

	if (!slice_starts(name, base))
		return false;
	if (rest.n == 0)
		return true;
	if (depth == 0 || rest.p[0] != '/')
		return false;
	return depth == METADATA_DEPTH_ALL ||
	    slice_find(slice_from(rest, 1), '/') == -1;
}

/* ---- options ------------------------------------------------------------ */

static int
parse_depth(struct parser *p, unsigned *out)
{
	if (parse_word(p, S("0")))
		*out = 0;
	else if (parse_word(p, S("1")))
		*out = 1;
	else if (parse_word(p, S("infinity")))
		*out = METADATA_DEPTH_ALL;
	else
		return parse_fail(p, "DEPTH is 0, 1 or infinity");
	return 0;
}

/* Behind "(". */
static int
parse_options(struct parser *p, struct metadata_question *q)
{
	do {
		if (parse_word(p, S("MAXSIZE"))) {
			if (parse_sp(p) == -1 ||
			    parse_number(p, &q->max) == -1)
				return -1;
		} else if (parse_word(p, S("DEPTH"))) {
			if (parse_sp(p) == -1 ||
			    parse_depth(p, &q->depth) == -1)
				return -1;
		} else {
			return parse_fail(p, "Unknown GETMETADATA option");
		}
	} while (parse_try(p, ' '));
	if (parse_char(p, ')') == -1)
		return -1;
	return parse_sp(p);
}

/* Options are words, entries begin with a slash (in quotes or not). */
static bool
options_follow(const struct parser *p)
{
	return parse_peek(p) == '(' && p->at + 1 < p->in.n &&
	    ascii_is_alpha(p->in.p[p->at + 1]);
}

int
metadata_parse_options(struct parser *p, struct metadata_question *q)
{
	if (!options_follow(p))
		return 0;
	parse_try(p, '(');
	return parse_options(p, q);
}

/* ---- values --------------------------------------------------------------- */

int
metadata_parse_value(struct parser *p, struct store_entry *out)
{
	if (parse_word(p, S("NIL"))) {
		out->nil = true;
		return 0;
	}
	return parse_binary(p, &out->value);
}

void
metadata_put_value(struct buf *out, const struct store_entry *e)
{
	bool quoted = e->value.n <= 1000, nul = false;

	for (size_t i = 0; i < e->value.n; i++) {
		unsigned char c = (unsigned char)e->value.p[i];

		nul = nul || c == '\0';
		quoted = quoted && c >= ' ' && c < 0x7f;
	}
	if (e->nil) {
		buf_adds(out, "NIL");
	} else if (quoted) {
		out_quoted(out, e->value);
	} else {
		buf_addf(out, "%s{%zu}\r\n", nul ? "~" : "", e->value.n);
		buf_add_slice(out, e->value);
	}
}
