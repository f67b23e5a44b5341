#include "services/imap/search.h"

#include "core/base64.h"
#include "mail/charset.h"
#include "mail/date.h"
#include "mail/fold.h"

enum argument {
	ARG_NONE,
	ARG_TEXT,
	ARG_HEADER, /* field name and text */
	ARG_KEYWORD,
	ARG_DATE,
	ARG_NUMBER,
	ARG_INTERVAL, /* nz-number */
	ARG_UID,
	ARG_UID_AFTER, /* these two: nz-number */
	ARG_UID_BEFORE,
	ARG_MODSEQ,
	ARG_OBJECTID,
	ARG_NOT,
	ARG_OR,
	ARG_FUZZY,
};

struct word {
	const char *name;
	enum search_op op;
	enum argument argument;
	unsigned flag;
	const char *field;
	bool negate;
};

static const struct word words[] = {
	{ "ALL", SEARCH_ALL, ARG_NONE, 0, NULL, false },
	{ "ANSWERED", SEARCH_FLAG, ARG_NONE, STORE_ANSWERED, NULL, false },
	{ "BCC", SEARCH_HEADER, ARG_TEXT, 0, "Bcc", false },
	{ "BEFORE", SEARCH_BEFORE, ARG_DATE, 0, NULL, false },
	{ "BODY", SEARCH_BODY, ARG_TEXT, 0, NULL, false },
	{ "CC", SEARCH_HEADER, ARG_TEXT, 0, "Cc", false },
	{ "DELETED", SEARCH_FLAG, ARG_NONE, STORE_DELETED, NULL, false },
	{ "DRAFT", SEARCH_FLAG, ARG_NONE, STORE_DRAFT, NULL, false },
	{ "EMAILID", SEARCH_EMAILID, ARG_OBJECTID, 'M', NULL, false },
	{ "FLAGGED", SEARCH_FLAG, ARG_NONE, STORE_FLAGGED, NULL, false },
	{ "FROM", SEARCH_HEADER, ARG_TEXT, 0, "From", false },
	{ "FUZZY", SEARCH_AND, ARG_FUZZY, 0, NULL, false },
	{ "HEADER", SEARCH_HEADER, ARG_HEADER, 0, NULL, false },
	{ "KEYWORD", SEARCH_KEYWORD, ARG_KEYWORD, 0, NULL, false },
	{ "LARGER", SEARCH_LARGER, ARG_NUMBER, 0, NULL, false },
	{ "MODSEQ", SEARCH_MODSEQ, ARG_MODSEQ, 0, NULL, false },
	{ "NOT", SEARCH_NOT, ARG_NOT, 0, NULL, false },
	{ "OLD", SEARCH_RECENT, ARG_NONE, 0, NULL, true },
	{ "OLDER", SEARCH_OLDER, ARG_INTERVAL, 0, NULL, false },
	{ "ON", SEARCH_ON, ARG_DATE, 0, NULL, false },
	{ "OR", SEARCH_OR, ARG_OR, 0, NULL, false },
	{ "RECENT", SEARCH_RECENT, ARG_NONE, 0, NULL, false },
	{ "SAVEDATESUPPORTED", SEARCH_ALL, ARG_NONE, 0, NULL, false },
	{ "SAVEDBEFORE", SEARCH_SAVEDBEFORE, ARG_DATE, 0, NULL, false },
	{ "SAVEDON", SEARCH_SAVEDON, ARG_DATE, 0, NULL, false },
	{ "SAVEDSINCE", SEARCH_SAVEDSINCE, ARG_DATE, 0, NULL, false },
	{ "SEEN", SEARCH_FLAG, ARG_NONE, STORE_SEEN, NULL, false },
	{ "SENTBEFORE", SEARCH_SENTBEFORE, ARG_DATE, 0, NULL, false },
	{ "SENTON", SEARCH_SENTON, ARG_DATE, 0, NULL, false },
	{ "SENTSINCE", SEARCH_SENTSINCE, ARG_DATE, 0, NULL, false },
	{ "SINCE", SEARCH_SINCE, ARG_DATE, 0, NULL, false },
	{ "SMALLER", SEARCH_SMALLER, ARG_NUMBER, 0, NULL, false },
	{ "SUBJECT", SEARCH_HEADER, ARG_TEXT, 0, "Subject", false },
	{ "TEXT", SEARCH_TEXT, ARG_TEXT, 0, NULL, false },
	{ "THREADID", SEARCH_THREADID, ARG_OBJECTID, 'T', NULL, false },
	{ "TO", SEARCH_HEADER, ARG_TEXT, 0, "To", false },
	{ "UID", SEARCH_SET, ARG_UID, 0, NULL, false },
	{ "UIDAFTER", SEARCH_SET, ARG_UID_AFTER, 0, NULL, false },
	{ "UIDBEFORE", SEARCH_SET, ARG_UID_BEFORE, 0, NULL, false },
	{ "UNANSWERED", SEARCH_FLAG, ARG_NONE, STORE_ANSWERED, NULL, true },
	{ "UNDELETED", SEARCH_FLAG, ARG_NONE, STORE_DELETED, NULL, true },
	{ "UNDRAFT", SEARCH_FLAG, ARG_NONE, STORE_DRAFT, NULL, true },
	{ "UNFLAGGED", SEARCH_FLAG, ARG_NONE, STORE_FLAGGED, NULL, true },
	{ "UNKEYWORD", SEARCH_KEYWORD, ARG_KEYWORD, 0, NULL, true },
	{ "UNSEEN", SEARCH_FLAG, ARG_NONE, STORE_SEEN, NULL, true },
	{ "YOUNGER", SEARCH_YOUNGER, ARG_INTERVAL, 0, NULL, false },
};

struct reading {
	struct parser *p;
	struct search_program *prog;
	struct slice charset;
	size_t keys;
	unsigned depth;
	unsigned fuzzy; /* how many FUZZY we are in */
};

static int read_key(struct reading *r, struct search_key **out);

static struct search_key *
key_new(struct reading *r, enum search_op op)
{
	struct search_key *k = arena_alloc(r->p->arena, sizeof(*k));

	k->op = op;
	r->keys++;
	return k;
}

static int
read_text(struct reading *r, struct search_key *k)
{
	struct buf utf8 = BUF_INIT(LIMIT_IMAP_COMMAND * 4);
	struct buf folded = BUF_INIT(LIMIT_IMAP_COMMAND * 4);
	struct slice raw;

	if (parse_sp(r->p) == -1 || parse_astring(r->p, &raw) == -1)
		return -1;
	/* Without CHARSET it is US-ASCII; clients send UTF-8 all the same. */
	(void)charset_to_utf8(&utf8,
	    r->charset.n > 0 ? r->charset : S("UTF-8"), raw);
	text_fold_blanks(&folded, buf_slice(&utf8));
	k->text = arena_slice(r->p->arena, buf_slice(&folded));
	buf_clear(&folded);
	text_fold_lines(&folded, buf_slice(&utf8));
	k->exact = arena_slice(r->p->arena, buf_slice(&folded));
	if (r->fuzzy > 0) {
		k->fuzzy = arena_alloc(r->p->arena, sizeof(*k->fuzzy));
		fuzzy_make(r->p->arena, k->text, k->fuzzy);
	}
	buf_release(&utf8);
	buf_release(&folded);
	return 0;
}

static int
read_header(struct reading *r, struct search_key *k)
{
	struct slice name;

	if (parse_sp(r->p) == -1 || parse_astring(r->p, &name) == -1)
		return -1;
	k->name = name;
	return read_text(r, k);
}

static int
read_date(struct reading *r, struct search_key *k)
{
	struct slice text;

	if (parse_sp(r->p) == -1 || parse_astring(r->p, &text) == -1)
		return -1;
	if (date_parse_imap_day(text, &k->day) == -1)
		return parse_fail(r->p, "Invalid date");
	return 0;
}

static int
read_number(struct reading *r, struct search_key *k, bool zero)
{
	uint32_t n;

	if (parse_sp(r->p) == -1 || parse_number(r->p, &n) == -1)
		return -1;
	if (n == 0 && !zero)
		return parse_fail(r->p, "Zero is not allowed here");
	k->number = n;
	return 0;
}

static void
add_set(struct reading *r, struct search_key *k)
{
	struct search_program *prog = r->prog;

	if ((prog->n_sets & (prog->n_sets - 1)) == 0) {
		struct search_key **v = arena_array(r->p->arena,
		    prog->n_sets == 0 ? 1 : prog->n_sets * 2, sizeof(struct search_key *));

		if (prog->n_sets > 0)
			memcpy(v, prog->sets, prog->n_sets * sizeof(struct search_key *));
		prog->sets = v;
	}
	prog->sets[prog->n_sets++] = k;
}

static int
read_set(struct reading *r, struct search_key *k, bool uid)
{
	k->op = SEARCH_SET;
	k->uid = uid;
	if (parse_sequence(r->p, &k->set) == -1)
		return -1;
	add_set(r, k);
	return 0;
}

/* The UIDs above a number, or below it (RFC 9738). */
static int
read_uid_bound(struct reading *r, struct search_key *k, bool after)
{
	uint32_t uid;

	if (parse_sp(r->p) == -1 || parse_nz_number(r->p, &uid) == -1)
		return -1;
	k->uid = true;
	k->set.r = arena_alloc(r->p->arena, sizeof(*k->set.r));
	k->set.n = uid == (after ? UINT32_MAX : 1) ? 0 : 1;
	k->set.r[0] = after ? (struct seq_range){ uid + 1, UINT32_MAX } :
	    (struct seq_range){ 1, uid - 1 };
	add_set(r, k);
	return 0;
}

/* [entry-name SP entry-type-req SP] value (RFC 7162 3.1.5) */
static int
read_modseq(struct reading *r, struct search_key *k)
{
	struct slice ignored;

	if (parse_sp(r->p) == -1)
		return -1;
	if (parse_peek(r->p) == '"' &&
	    (parse_string(r->p, &ignored) == -1 || parse_sp(r->p) == -1 ||
	     parse_atom(r->p, &ignored) == -1 || parse_sp(r->p) == -1))
		return -1;
	r->prog->modseq = true;
	return parse_modseq(r->p, &k->number);
}

/*
 * objectid (RFC 8474 section 7), case-sensitive. One that is not of ours is
 * nobody's: no octets.
 */
static int
read_objectid(struct reading *r, struct search_key *k)
{
	struct buf octets = BUF_INIT(STORE_OBJECTID);
	struct slice id;

	if (parse_sp(r->p) == -1 || parse_atom(r->p, &id) == -1)
		return -1;
	for (size_t i = 0; i < id.n; i++)
		if (!ascii_is_alnum(id.p[i]) && id.p[i] != '_' &&
		    id.p[i] != '-')
			return parse_fail(r->p, "Invalid objectid");
	r->prog->objectids = true;
	k->name = S("");
	if (id.n != 1 + 2 * STORE_OBJECTID || id.p[0] != (char)k->flag)
		return 0;
	for (size_t i = 1; i < id.n; i++)
		if (id.p[i] >= 'A' && id.p[i] <= 'F')
			return 0;
	if (hex_decode(&octets, slice_from(id, 1)) == 0)
		k->name = arena_slice(r->p->arena, buf_slice(&octets));
	buf_release(&octets);
	return 0;
}

/* The key behind FUZZY; in it, texts are looked for fuzzily. */
static int
read_fuzzy(struct reading *r, struct search_key *k)
{
	int rc;

	if (parse_sp(r->p) == -1)
		return -1;
	r->prog->fuzzy = true;
	r->fuzzy++;
	rc = read_key(r, &k->child);
	r->fuzzy--;
	return rc;
}

static int
read_argument(struct reading *r, const struct word *w, struct search_key *k)
{
	struct search_key *second;

	switch (w->argument) {
	case ARG_NONE:
		return 0;
	case ARG_TEXT:
		return read_text(r, k);
	case ARG_HEADER:
		return read_header(r, k);
	case ARG_KEYWORD:
		if (parse_sp(r->p) == -1)
			return -1;
		return parse_atom(r->p, &k->name);
	case ARG_DATE:
		return read_date(r, k);
	case ARG_NUMBER:
		return read_number(r, k, true);
	case ARG_INTERVAL:
		return read_number(r, k, false);
	case ARG_UID:
		if (parse_sp(r->p) == -1)
			return -1;
		return read_set(r, k, true);
	case ARG_UID_AFTER:
	case ARG_UID_BEFORE:
		return read_uid_bound(r, k, w->argument == ARG_UID_AFTER);
	case ARG_MODSEQ:
		return read_modseq(r, k);
	case ARG_OBJECTID:
		return read_objectid(r, k);
	case ARG_NOT:
		if (parse_sp(r->p) == -1)
			return -1;
		return read_key(r, &k->child);
	case ARG_OR:
		if (parse_sp(r->p) == -1 || read_key(r, &k->child) == -1 ||
		    parse_sp(r->p) == -1 || read_key(r, &second) == -1)
			return -1;
		k->child->next = second;
		return 0;
	case ARG_FUZZY:
		return read_fuzzy(r, k);
	}
	return -1;
}

static int
read_word(struct reading *r, struct search_key **out)
{
	struct search_key *k;
	const struct word *w = NULL;
	struct slice name;

	if (parse_keyword(r->p, &name) == -1)
		return -1;
	/* NEW is RECENT UNSEEN (6.4.4). */
	if (slice_ieq(name, S("NEW"))) {
		k = *out = key_new(r, SEARCH_AND);
		k->child = key_new(r, SEARCH_RECENT);
		k->child->next = key_new(r, SEARCH_NOT);
		k->child->next->child = key_new(r, SEARCH_FLAG);
		k->child->next->child->flag = STORE_SEEN;
		return 0;
	}
	for (size_t i = 0; i < LEN(words) && w == NULL; i++)
		if (slice_ieq(name, slice_str(words[i].name)))
			w = &words[i];
	if (w == NULL)
		return parse_fail(r->p, "Unknown search key");
	k = *out = key_new(r, w->op);
	k->flag = w->flag;
	k->name = slice_str(w->field);
	if (read_argument(r, w, k) == -1)
		return -1;
	if (k->text.n > 0 && k->fuzzy == NULL &&
	    r->prog->n_texts < SEARCH_TEXTS) {
		r->prog->texts[r->prog->n_texts++] = k;
		k->text_number = (unsigned)r->prog->n_texts;
	}
	if (w->negate) {
		*out = key_new(r, SEARCH_NOT);
		(*out)->child = k;
	}
	if ((k->op == SEARCH_HEADER && store_header_is_cached(k->name)) ||
	    (k->op >= SEARCH_SENTBEFORE && k->op <= SEARCH_SENTSINCE))
		r->prog->headers = true;
	if (k->op >= SEARCH_BEFORE && k->op < SEARCH_SET)
		r->prog->facts = true;
	return 0;
}

/* search-key *(SP search-key) into an AND. */
static int
read_list(struct reading *r, struct search_key *and)
{
	struct search_key **tail = &and->child;

	do {
		if (read_key(r, tail) == -1)
			return -1;
		tail = &(*tail)->next;
	} while (parse_try(r->p, ' '));
	return 0;
}

static int
read_key_inner(struct reading *r, struct search_key **out)
{
	int c = parse_peek(r->p);

	if (c == '(') {
		parse_try(r->p, '(');
		*out = key_new(r, SEARCH_AND);
		if (read_list(r, *out) == -1)
			return -1;
		return parse_char(r->p, ')');
	}
	if (c == '*' || c == '$' || (c >= '0' && c <= '9')) {
		if (r->p->uidonly && c != '$')
			return parse_uid_required(r->p);
		*out = key_new(r, SEARCH_SET);
		return read_set(r, *out, false);
	}
	return read_word(r, out);
}

static int
read_key(struct reading *r, struct search_key **out)
{
	int rc;

	if (r->depth == LIMIT_IMAP_NESTING)
		return parse_fail(r->p, "Search keys nested too deep");
	if (r->keys >= LIMIT_IMAP_SEARCH_KEYS)
		return parse_fail(r->p, "Too many search keys");
	r->depth++;
	rc = read_key_inner(r, out);
	r->depth--;
	return rc;
}

/* charset SP */
static int
read_charset(struct reading *r)
{
	if (parse_astring(r->p, &r->charset) == -1 || parse_sp(r->p) == -1)
		return -1;
	if (charset_known(r->charset))
		return 0;
	r->prog->bad_charset = true;
	return parse_fail(r->p, "Unknown charset");
}

/* The keys, to the end. */
static int
read_program(struct reading *r)
{
	r->prog->root = key_new(r, SEARCH_AND);
	if (read_list(r, r->prog->root) == -1)
		return -1;
	return parse_end(r->p);
}

const struct search_program search_all = {
	.root = &(struct search_key){ .op = SEARCH_ALL },
};

int
search_parse(struct parser *p, struct search_program *out)
{
	struct reading r = { .p = p, .prog = out };

	*out = (struct search_program){ 0 };
	if (parse_word(p, S("CHARSET")) &&
	    (parse_sp(p) == -1 || read_charset(&r) == -1))
		return -1;
	return read_program(&r);
}

int
search_parse_criteria(struct parser *p, struct search_program *out)
{
	struct reading r = { .p = p, .prog = out };

	*out = (struct search_program){ 0 };
	return read_charset(&r) == -1 ? -1 : read_program(&r);
}

void
search_release(struct search_program *prog)
{
	for (size_t i = 0; i < prog->n_sets; i++)
		store_set_release(&prog->sets[i]->resolved);
	for (size_t i = 0; i < prog->n_texts; i++)
		store_set_release(&prog->texts[i]->ruled_out);
}
