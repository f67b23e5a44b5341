/*
 * SEARCH and UID SEARCH (RFC 3501 6.4.4, ESEARCH of RFC 4731, SEARCHRES of RFC
 * 5182).
 */
#include "services/imap/output.h"
#include "services/imap/search_run.h"
#include "services/imap/session.h"

struct search_cmd {
	struct command *c;
	struct search_program prog;
	struct search_run run;
	struct store_set found; /* UIDs */
	/* MODSEQs for the answer (RFC 4731 3.2). */
	uint64_t first_modseq;
	uint64_t last_modseq;
	uint64_t highest;
};

static void
search_cmd_release(void *state)
{
	struct search_cmd *st = state;

	search_run_release(&st->run);
	search_release(&st->prog);
	store_set_release(&st->found);
}

static int
add_found(void *ctx, const struct store_message *msg)
{
	struct search_cmd *st = ctx;

	if (st->found.n == 0)
		st->first_modseq = msg->modseq;
	st->last_modseq = msg->modseq;
	if (msg->modseq > st->highest)
		st->highest = msg->modseq;
	store_set_add(&st->found, msg->uid, msg->uid);
	return 0;
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
search_end(struct search_cmd *st, enum store_err err)
{
	struct command *c = st->c;
	struct store_set numbers = STORE_SET_INIT;

	if (err == STORE_OK) {
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
	if (err == STORE_OK)
		command_completed(c);
	else
		command_failed(c, err);
	return STEP_DONE;
}

static enum step
search_step(struct command *c)
{
	struct search_cmd *st = c->state;
	enum store_err err;

	if (search_run_step(&st->run, &err) == STEP_MORE)
		return STEP_MORE;
	return search_end(st, err);
}

enum verdict
cmd_search(struct command *c)
{
	struct search_cmd *st = COMMAND_STATE(c, struct search_cmd);

	st->c = c;
	c->release = search_cmd_release;
	if (parse_sp(&c->p) == -1)
		return CMD_BAD;
	if (search_parse(&c->p, &st->prog) == -1)
		return search_refused(c, &st->prog);
	st->run = (struct search_run){ .c = c, .prog = &st->prog,
		.view = c->session->view, .found = add_found, .ctx = st };
	search_run_begin(&st->run);
	c->step = search_step;
	return CMD_WORK;
}
