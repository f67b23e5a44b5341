/* SORT and UID SORT (RFC 5256, RFC 5957). */
#include "services/imap/search_run.h"
#include "services/imap/session.h"
#include "services/imap/sort.h"

struct sort_cmd {
	struct command *c;
	struct search_program prog;
	struct sort_program criteria;
	struct search_run run;
	struct sort_list list;
	bool searched;
	bool too_large;
	uint64_t highest; /* MODSEQ of what was found */
};

static void
sort_cmd_release(void *state)
{
	struct sort_cmd *st = state;

	search_run_release(&st->run);
	search_release(&st->prog);
	sort_list_release(&st->list);
}

static int
add_found(void *ctx, const struct store_message *msg)
{
	struct sort_cmd *st = ctx;

	if (msg->modseq > st->highest)
		st->highest = msg->modseq;
	st->too_large = sort_add(&st->list, msg) == -1;
	return st->too_large;
}

static bool
should_yield(void *arg)
{
	return command_should_yield(arg);
}

static void
answer_sort(const struct sort_cmd *st)
{
	const struct view *v = st->c->session->view;
	struct buf *out = &st->c->out;

	buf_adds(out, "* SORT");
	for (size_t i = 0; i < st->list.n; i++) {
		uint32_t uid = st->list.uids[st->list.order[i]];

		buf_addc(out, ' ');
		buf_addu(out, st->c->uid ? uid : view_seq(v, uid));
	}
	/* RFC 7162 3.1.9 */
	if (st->prog.modseq && st->list.n > 0)
		buf_addf(out, " (MODSEQ %llu)",
		    (unsigned long long)st->highest);
	buf_adds(out, "\r\n");
}

static enum step
sort_step(struct command *c)
{
	struct sort_cmd *st = c->state;
	enum store_err err = STORE_OK;

	if (!st->searched &&
	    search_run_step(&st->run, &err) == STEP_MORE)
		return STEP_MORE;
	st->searched = true;
	if (err == STORE_OK && st->too_large)
		err = STORE_LIMIT;
	if (err == STORE_OK) {
		if (!sort_run(&st->list, should_yield, c))
			return STEP_MORE;
		answer_sort(st);
	}
	/* RFC 5256: no EXPUNGE, but with UID. */
	command_refresh(c, c->uid, false);
	if (err == STORE_OK)
		command_completed(c);
	else
		command_failed(c, err);
	return STEP_DONE;
}

enum verdict
cmd_sort(struct command *c)
{
	struct sort_cmd *st = COMMAND_STATE(c, struct sort_cmd);

	st->c = c;
	sort_list_init(&st->list, &st->criteria);
	c->release = sort_cmd_release;
	if (parse_sp(&c->p) == -1 ||
	    sort_parse(&c->p, &st->criteria) == -1 || parse_sp(&c->p) == -1)
		return CMD_BAD;
	if (search_parse_criteria(&c->p, &st->prog) == -1)
		return search_refused(c, &st->prog);
	st->run = (struct search_run){ .c = c, .prog = &st->prog,
		.view = c->session->view, .fields = st->criteria.fields,
		.found = add_found, .ctx = st };
	search_run_begin(&st->run);
	c->step = sort_step;
	return CMD_WORK;
}
