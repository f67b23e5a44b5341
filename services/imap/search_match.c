/* Asks a search program about one message; see search.h. */
#include "services/imap/search.h"

#include "mail/date.h"
#include "mail/fold.h"
#include "mail/header.h"

#define DAY 86400
#define BODY_LESS 10 /* a body says less of what a message is about */

static enum search_answer ask(const struct search_key *k,
    struct search_subject *s);

static enum search_answer
answer(bool yes)
{
	return yes ? SEARCH_YES : SEARCH_NO;
}

/* ---- keys ----------------------------------------------------------------- */

static enum search_answer
ask_all(const struct search_key *k UNUSED, struct search_subject *s UNUSED)
{
	return SEARCH_YES;
}

static enum search_answer
ask_and(const struct search_key *k, struct search_subject *s)
{
	enum search_answer all = SEARCH_YES;

	for (const struct search_key *c = k->child; c != NULL; c = c->next) {
		enum search_answer one = ask(c, s);

		if (one == SEARCH_NO)
			return SEARCH_NO;
		if (one == SEARCH_OPEN_IT)
			all = SEARCH_OPEN_IT;
	}
	return all;
}

static enum search_answer
ask_or(const struct search_key *k, struct search_subject *s)
{
	enum search_answer any = SEARCH_NO;

	for (const struct search_key *c = k->child; c != NULL; c = c->next) {
		enum search_answer one = ask(c, s);

		if (one == SEARCH_YES)
			return SEARCH_YES;
		if (one == SEARCH_OPEN_IT)
			any = SEARCH_OPEN_IT;
	}
	return any;
}

static enum search_answer
ask_not(const struct search_key *k, struct search_subject *s)
{
	unsigned scores = s->scores, n_scores = s->n_scores;
	enum search_answer a = ask(k->child, s);

	/* What must not be found says nothing of how well it matches. */
	s->scores = scores;
	s->n_scores = n_scores;
	return a == SEARCH_OPEN_IT ? a : answer(a == SEARCH_NO);
}

static enum search_answer
ask_objectid(const struct search_key *k, struct search_subject *s)
{
	struct slice id = k->op == SEARCH_EMAILID ? s->msg->emailid :
	    s->msg->threadid;

	return answer(id.n > 0 && slice_eq(id, k->name));
}

static enum search_answer
ask_flag(const struct search_key *k, struct search_subject *s)
{
	return answer((s->msg->flags & k->flag) != 0);
}

static enum search_answer
ask_recent(const struct search_key *k UNUSED, struct search_subject *s)
{
	return answer(s->recent);
}

static enum search_answer
ask_keyword(const struct search_key *k, struct search_subject *s)
{
	for (size_t i = 0; i < s->msg->n_keywords; i++)
		if (slice_ieq(k->name, slice_str(s->msg->keywords[i])))
			return SEARCH_YES;
	return SEARCH_NO;
}

static enum search_answer
ask_size(const struct search_key *k, struct search_subject *s)
{
	return answer(k->op == SEARCH_LARGER ? s->msg->vsize > k->number
					     : s->msg->vsize < k->number);
}

/* RFC 5032: by INTERNALDATE, in seconds. */
static enum search_answer
ask_age(const struct search_key *k, struct search_subject *s)
{
	int64_t limit = s->now - (int64_t)k->number;

	return answer(k->op == SEARCH_OLDER ? s->msg->internaldate <= limit
					    : s->msg->internaldate >= limit);
}

static enum search_answer
ask_modseq(const struct search_key *k, struct search_subject *s)
{
	return answer(s->msg->modseq >= k->number);
}

static enum search_answer
ask_set(const struct search_key *k, struct search_subject *s)
{
	return answer(store_set_has(&k->resolved, s->msg->uid));
}

static enum search_answer
compare_day(int64_t day, int64_t want, enum search_op before,
    enum search_op on, enum search_op op)
{
	if (op == before)
		return answer(day < want);
	return answer(op == on ? day == want : day >= want);
}

/* Time and zone are disregarded (6.4.4): our day, as INTERNALDATE shows it. */
static int64_t
local_day(int64_t epoch)
{
	int64_t local = epoch + (int64_t)date_local_zone(epoch) * 60;

	return local / DAY - (local % DAY < 0);
}

static enum search_answer
ask_date(const struct search_key *k, struct search_subject *s)
{
	return compare_day(local_day(s->msg->internaldate), k->day,
	    SEARCH_BEFORE, SEARCH_ON, k->op);
}

static enum search_answer
ask_saved(const struct search_key *k, struct search_subject *s)
{
	return compare_day(local_day(s->msg->savedate), k->day,
	    SEARCH_SAVEDBEFORE, SEARCH_SAVEDON, k->op);
}

/* ---- header fields -------------------------------------------------------- */

/*
 * Where the fields of that name are to be read: the file if it is open, else
 * what the index kept of it.
 */
static bool
fields_of(const struct search_subject *s, struct slice name, struct slice *out)
{
	if (s->opened) {
		*out = s->text;
		return true;
	}
	*out = s->msg->headers;
	return s->msg->headers_complete && store_header_is_cached(name);
}

/* True if the search index knows that the text is not there. */
static bool
is_ruled_out(const struct search_key *k, const struct search_subject *s)
{
	return store_set_has(&k->ruled_out, s->msg->uid);
}

/* True if needle is in the folded text; by less the score is lower. */
static bool
has_text(const struct search_key *k, struct search_subject *s,
    struct slice needle, struct slice folded, unsigned less)
{
	unsigned score;

	if (k->fuzzy == NULL)
		return text_contains(folded, needle);
	score = fuzzy_score(k->fuzzy, folded);
	if (score == 0)
		return false;
	s->scores += score > less ? score - less : 1;
	s->n_scores++;
	return true;
}

static enum search_answer
ask_header(const struct search_key *k, struct search_subject *s)
{
	struct header_iter it;
	struct header_field field;
	struct slice fields;

	if (is_ruled_out(k, s))
		return SEARCH_NO;
	if (!fields_of(s, k->name, &fields))
		return SEARCH_OPEN_IT;
	it = header_begin(fields);
	while (header_next(&it, &field)) {
		struct buf folded = BUF_INIT(LIMIT_HEADER_BYTES * 4);
		bool found;

		if (!header_is(&field, k->name))
			continue;
		/* The empty text asks if there is such a field (6.4.4). */
		if (k->text.n == 0)
			return SEARCH_YES;
		texts_value(&folded, field.value);
		found = has_text(k, s, k->text, buf_slice(&folded), 0);
		buf_release(&folded);
		if (found)
			return SEARCH_YES;
	}
	return SEARCH_NO;
}

static enum search_answer
ask_sent(const struct search_key *k, struct search_subject *s)
{
	struct slice fields, value;
	struct date date;

	if (!fields_of(s, S("Date"), &fields))
		return SEARCH_OPEN_IT;
	if (!header_find(fields, S("Date"), &value) ||
	    date_parse(value, &date) == -1)
		return SEARCH_NO;
	return compare_day(date_day(&date), k->day, SEARCH_SENTBEFORE,
	    SEARCH_SENTON, k->op);
}

/* ---- texts ---------------------------------------------------------------- */

/* Has the texts that are wanted; BODY alone spares the header. */
static void
need_texts(struct search_subject *s, unsigned want)
{
	unsigned missing = want & ~s->folded;

	if (s->folded == 0)
		texts_init(&s->texts, LIMIT_IMAP_SEARCH_TEXT);
	s->folded |= want;
	if (missing != 0)
		texts_make(&s->texts, s->text, missing, NULL, NULL);
}

static enum search_answer
ask_text(const struct search_key *k, struct search_subject *s)
{
	if (is_ruled_out(k, s))
		return SEARCH_NO;
	if (!s->opened)
		return SEARCH_OPEN_IT;
	need_texts(s, k->op == SEARCH_TEXT ? TEXTS_ALL : TEXTS_BODY);
	if (k->op == SEARCH_TEXT &&
	    has_text(k, s, k->text, buf_slice(&s->texts.header), 0))
		return SEARCH_YES;
	return answer(has_text(k, s, k->exact, buf_slice(&s->texts.plain),
	    BODY_LESS) || has_text(k, s, k->text, buf_slice(&s->texts.html),
	    BODY_LESS));
}

static enum search_answer (*const ops[SEARCH_OPS])(const struct search_key *,
    struct search_subject *) = {
	[SEARCH_ALL] = ask_all,
	[SEARCH_AND] = ask_and,
	[SEARCH_OR] = ask_or,
	[SEARCH_NOT] = ask_not,
	[SEARCH_FLAG] = ask_flag,
	[SEARCH_RECENT] = ask_recent,
	[SEARCH_KEYWORD] = ask_keyword,
	[SEARCH_HEADER] = ask_header,
	[SEARCH_BODY] = ask_text,
	[SEARCH_TEXT] = ask_text,
	[SEARCH_BEFORE] = ask_date,
	[SEARCH_ON] = ask_date,
	[SEARCH_SINCE] = ask_date,
	[SEARCH_SAVEDBEFORE] = ask_saved,
	[SEARCH_SAVEDON] = ask_saved,
	[SEARCH_SAVEDSINCE] = ask_saved,
	[SEARCH_SENTBEFORE] = ask_sent,
	[SEARCH_SENTON] = ask_sent,
	[SEARCH_SENTSINCE] = ask_sent,
	[SEARCH_LARGER] = ask_size,
	[SEARCH_SMALLER] = ask_size,
	[SEARCH_OLDER] = ask_age,
	[SEARCH_YOUNGER] = ask_age,
	[SEARCH_MODSEQ] = ask_modseq,
	[SEARCH_EMAILID] = ask_objectid,
	[SEARCH_THREADID] = ask_objectid,
	[SEARCH_SET] = ask_set,
};

static enum search_answer
ask(const struct search_key *k, struct search_subject *s)
{
	return ops[k->op](k, s);
}

enum search_answer
search_ask(const struct search_program *prog, struct search_subject *subject)
{
	subject->scores = subject->n_scores = 0;
	return ask(prog->root, subject);
}

unsigned
search_score(const struct search_subject *s)
{
	return s->n_scores > 0 ? s->scores / s->n_scores : 100;
}

void
search_subject_release(struct search_subject *s)
{
	if (s->folded == 0)
		return;
	texts_release(&s->texts);
	s->folded = 0;
}
