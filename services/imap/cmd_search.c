/*
 * SEARCH and UID SEARCH (RFC 3501 6.4.4, ESEARCH of RFC 4731, SEARCHRES of RFC
 * 5182). Walks the index; a message whose text is needed stops the walk, is
 * opened and asked again, and the walk goes on behind it.
 */
#include "core/log.h"
#include "core/now.h"
#include "services/imap/output.h"
#include "services/imap/search.h"
#include "services/imap/session.h"

#define ROUND 1000
#define WALK_RANGES 1000 /* above, a set costs more than it saves */
#define CHECK_EACH 64    /* messages between looks at the clock */

struct search_cmd {
	struct command *c;
	struct search_program prog;
	const struct store_set *candidates; /* of the walk; NULL: all */
	struct store_set found;  /* UIDs */
	uint32_t next;
	size_t asked;
	int64_t now;
	/* MODSEQs for the answer (RFC 4731 3.2). */
	uint64_t first_modseq;
	uint64_t last_modseq;
	uint64_t highest;
	/* The message that must be opened. */
	bool open_it;
	struct arena arena;
	struct store_message msg;
	enum store_err err;
};

static void
search_cmd_release(void *state)
{
	struct search_cmd *st = state;

	search_release(&st->prog);
	store_set_release(&st->found);
	arena_release(&st->arena);
}

static void
add_found(struct search_cmd *st, const struct store_message *msg)
{
	if (st->found.n == 0)
		st->first_modseq = msg->modseq;
	st->last_modseq = msg->modseq;
	if (msg->modseq > st->highest)
		st->highest = msg->modseq;
	store_set_add(&st->found, msg->uid, msg->uid);
}

static struct search_subject
subject_of(const struct search_cmd *st, const struct store_message *msg)
{
	return (struct search_subject){
		.msg = msg,
		.now = st->now,
		.recent = store_set_has(&st->c->session->view->recent,
		    msg->uid),
	};
}

/* Keeps what search_ask needs of a message beyond the walk. */
static void
keep(struct search_cmd *st, const struct store_message *msg)
{
	const char **keywords;

	arena_clear(&st->arena);
	st->msg = *msg;
	keywords = arena_array(&st->arena, msg->n_keywords + 1,
	    sizeof(*keywords));
	for (size_t i = 0; i < msg->n_keywords; i++)
		keywords[i] = arena_dup(&st->arena,
		    slice_str(msg->keywords[i]));
	st->msg.keywords = keywords;
	st->open_it = true;
}

static int
on_message(void *ctx, const struct store_message *msg)
{
	struct search_cmd *st = ctx;
	struct search_subject subject = subject_of(st, msg);

	if (view_seq(st->c->session->view, msg->uid) == 0)
		return 0;
	switch (search_ask(&st->prog, &subject)) {
	case SEARCH_YES:
		add_found(st, msg);
		break;
	case SEARCH_OPEN_IT:
		keep(st, msg);
		return 1;
	case SEARCH_NO:
		break;
	}
	return ++st->asked % CHECK_EACH == 0 && command_should_yield(st->c);
}

static void
ask_opened(struct search_cmd *st)
{
	struct session *s = st->c->session;
	struct search_subject subject = subject_of(st, &st->msg);
	struct store_body body;
	enum store_err err =
	    store_body_open(s->view->mailbox, st->msg.uid, &body);

	st->open_it = false;
	if (err != STORE_OK) {
		log_warn("imap-search", "session=%s uid=%u: %s", s->id,
		    st->msg.uid, store_err_text(err));
		/* What is gone matches nothing. */
		if (err != STORE_NO_MESSAGE)
			st->err = err;
		return;
	}
	subject.opened = true;
	subject.text = body.text;
	if (search_ask(&st->prog, &subject) == SEARCH_YES)
		add_found(st, &st->msg);
	search_subject_release(&subject);
	store_body_close(&body);
}

/* ---- the answer ----------------------------------------------------------- */

/* UIDs as the numbers that the command speaks of. */
static void
to_numbers(const struct search_cmd *st, struct store_set *out)
{
	const struct view *v = st->c->session->view;

	for (size_t i = 0; i < st->found.n; i++) {
		size_t k = view_lower(v, st->found.r[i].first);

		for (; k < v->n && v->uids[k] <= st->found.r[i].last; k++) {
			uint32_t n = st->c->uid ? v->uids[k] : (uint32_t)k + 1;

			store_set_add(out, n, n);
		}
	}
}

static void
answer_search(struct search_cmd *st, const struct store_set *numbers)
{
	struct buf *out = &st->c->out;

	buf_adds(out, "* SEARCH");
	for (size_t i = 0; i < numbers->n; i++)
		for (uint64_t n = numbers->r[i].first;
		     n <= numbers->r[i].last; n++) {
			buf_addc(out, ' ');
			buf_addu(out, n);
		}
	/* RFC 7162 3.1.5 */
	if (st->prog.modseq && numbers->n > 0)
		buf_addf(out, " (MODSEQ %llu)",
		    (unsigned long long)st->highest);
	buf_adds(out, "\r\n");
}

/* Only MIN and MAX asked for: the MODSEQ is of those (RFC 4731 3.2). */
static uint64_t
answer_modseq(const struct search_cmd *st)
{
	unsigned options = st->prog.options;

	if ((options & (SEARCH_COUNT | SEARCH_RETURN_ALL)) != 0)
		return st->highest;
	if ((options & SEARCH_MIN) == 0)
		return st->last_modseq;
	if ((options & SEARCH_MAX) == 0 ||
	    st->first_modseq > st->last_modseq)
		return st->first_modseq;
	return st->last_modseq;
}

static void
answer_esearch(struct search_cmd *st, const struct store_set *numbers)
{
	struct buf *out = &st->c->out;
	unsigned options = st->prog.options;

	if ((options & ~(SEARCH_RETURN | SEARCH_SAVE)) == 0)
		return; /* RETURN (SAVE) alone says nothing (RFC 5182 2.2) */
	buf_adds(out, "* ESEARCH (TAG ");
	out_quoted(out, st->c->tag);
	buf_adds(out, st->c->uid ? ") UID" : ")");
	if (numbers->n > 0 && (options & SEARCH_MIN) != 0)
		buf_addf(out, " MIN %u", numbers->r[0].first);
	if (numbers->n > 0 && (options & SEARCH_MAX) != 0)
		buf_addf(out, " MAX %u", numbers->r[numbers->n - 1].last);
	if (numbers->n > 0 && (options & SEARCH_RETURN_ALL) != 0) {
		buf_adds(out, " ALL ");
		store_set_format(numbers, out);
	}
	if ((options & SEARCH_COUNT) != 0)
		buf_addf(out, " COUNT %llu",
		    (unsigned long long)store_set_count(numbers));
	if (st->prog.modseq && numbers->n > 0)
		buf_addf(out, " MODSEQ %llu",
		    (unsigned long long)answer_modseq(st));
	buf_adds(out, "\r\n");
}

/* RFC 5182 2.4: MIN and MAX alone save only those. */
static void
save_result(struct search_cmd *st)
{
	struct view *v = st->c->session->view;
	unsigned options = st->prog.options;
	bool all = (options & (SEARCH_MIN | SEARCH_MAX)) == 0 ||
	    (options & (SEARCH_COUNT | SEARCH_RETURN_ALL)) != 0;
	size_t last = st->found.n - 1;

	store_set_clear(&v->saved);
	for (size_t i = 0; i < st->found.n && all; i++)
		store_set_add(&v->saved, st->found.r[i].first,
		    st->found.r[i].last);
	if (all || st->found.n == 0)
		return;
	if ((options & SEARCH_MIN) != 0)
		store_set_add(&v->saved, st->found.r[0].first,
		    st->found.r[0].first);
	if ((options & SEARCH_MAX) != 0)
		store_set_add(&v->saved, st->found.r[last].last,
		    st->found.r[last].last);
}

static enum step
search_end(struct search_cmd *st)
{
	struct command *c = st->c;
	struct store_set numbers = STORE_SET_INIT;

	if (st->err == STORE_OK) {
		to_numbers(st, &numbers);
		if (st->prog.options != 0)
			answer_esearch(st, &numbers);
		else
			answer_search(st, &numbers);
		store_set_release(&numbers);
		if ((st->prog.options & SEARCH_SAVE) != 0)
			save_result(st);
	} else if ((st->prog.options & SEARCH_SAVE) != 0) {
		store_set_clear(&c->session->view->saved);
	}
	command_refresh(c, c->uid, false);
	if (st->err == STORE_OK)
		command_completed(c);
	else
		command_failed(c, st->err);
	return STEP_DONE;
}

static enum step
search_step(struct command *c)
{
	struct search_cmd *st = c->state;
	struct store_walk walk = {
		.set = st->candidates,
		.want = st->prog.headers ? STORE_WANT_HEADERS : 0,
		.limit = ROUND,
	};
	bool empty = walk.set != NULL && walk.set->n == 0;

	while (!empty && st->next != 0 && st->err == STORE_OK) {
		walk.from = st->next;
		st->err = store_walk(c->session->view->mailbox, &walk,
		    on_message, st, &st->next);
		if (st->err == STORE_OK && st->open_it)
			ask_opened(st);
		if (st->next != 0 && command_should_yield(c))
			return STEP_MORE;
	}
	return search_end(st);
}

/* ---- the start ------------------------------------------------------------ */

/* Sets of the program in UIDs; one that all must be in bounds the walk. */
static void
resolve_sets(struct search_cmd *st)
{
	struct search_program *prog = &st->prog;
	const struct view *v = st->c->session->view;

	for (size_t i = 0; i < prog->n_sets; i++) {
		struct search_key *k = prog->sets[i];

		view_resolve_lenient(v, &k->set, k->uid, &k->resolved);
	}
	for (const struct search_key *k = prog->root->child; k != NULL;
	     k = k->next)
		if (k->op == SEARCH_SET && k->resolved.n <= WALK_RANGES)
			st->candidates = &k->resolved;
}

enum verdict
cmd_search(struct command *c)
{
	struct search_cmd *st = COMMAND_STATE(c, struct search_cmd);

	st->c = c;
	st->next = 1;
	st->now = now_wall();
	c->release = search_cmd_release;
	if (parse_sp(&c->p) == -1)
		return CMD_BAD;
	if (search_parse(&c->p, &st->prog) == -1) {
		if (!st->prog.bad_charset)
			return CMD_BAD;
		command_no(c, "[BADCHARSET (US-ASCII UTF-8)] "
		    "Unknown charset.");
		return CMD_DONE;
	}
	/* RFC 9051 6.4.4: never the old SEARCH response. */
	if (c->session->rev2 && st->prog.options == 0)
		st->prog.options = SEARCH_RETURN | SEARCH_RETURN_ALL;
	if (st->prog.modseq)
		command_enable_condstore(c);
	resolve_sets(st);
	c->step = search_step;
	return CMD_WORK;
}
