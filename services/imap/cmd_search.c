/*
 * SEARCH and UID SEARCH (RFC 3501 6.4.4, ESEARCH of RFC 4731, SEARCHRES of RFC
 * 5182, CONTEXT=SEARCH of RFC 5267, PARTIAL of RFC 9394).
 */
#include "services/imap/context.h"
#include "services/imap/search_run.h"
#include "services/imap/session.h"

struct search_cmd {
	struct command *c;
	struct search_return ret;
	struct search_program prog;
	struct slice program; /* its text */
	struct search_run run;
	struct search_result result;
};

static void
search_cmd_release(void *state)
{
	struct search_cmd *st = state;

	search_run_release(&st->run);
	search_release(&st->prog);
	search_result_release(&st->result);
}

static int
add_found(void *ctx, const struct store_message *msg)
{
	struct search_cmd *st = ctx;

	search_result_add(&st->result, msg->uid, msg->modseq, st->run.score);
	return 0;
}

static void
search_answer(struct search_cmd *st)
{
	struct command *c = st->c;
	struct view *v = c->session->view;
	struct search_correlator who = { .tag = c->tag, .uid = c->uid };

	search_tell(c, &st->result, &st->ret, st->prog.modseq);
	if ((st->ret.options & SEARCH_UPDATE) != 0)
		context_start(c, &who, st->program, st->ret.atts,
		    &st->result, NULL);
	if ((st->ret.options & SEARCH_SAVE) != 0)
		search_result_save(&st->result, &st->ret, &v->saved);
}

static enum step
search_step(struct command *c)
{
	struct search_cmd *st = c->state;
	enum store_err err;

	if (search_run_step(&st->run, &err) == STEP_MORE)
		return STEP_MORE;
	if (err == STORE_OK)
		search_answer(st);
	else if ((st->ret.options & SEARCH_SAVE) != 0)
		store_set_clear(&c->session->view->saved);
	command_refresh(c, c->uid, false);
	if (err == STORE_OK)
		command_completed(c);
	else
		command_failed(c, err);
	return STEP_DONE;
}

enum verdict
cmd_search(struct command *c)
{
	struct search_cmd *st = COMMAND_STATE(c, struct search_cmd);
	const struct view *v = c->session->view;

	st->c = c;
	c->release = search_cmd_release;
	if (parse_sp(&c->p) == -1 ||
	    search_return_parse(&c->p, &st->ret) == -1)
		return CMD_BAD;
	st->program = slice_from(c->p.in, c->p.at);
	/* RFC 6855 section 3 */
	if (c->session->utf8_accept && parse_word(&c->p, S("CHARSET"))) {
		parse_fail(&c->p, "CHARSET after ENABLE UTF8=ACCEPT");
		return CMD_BAD;
	}
	if (search_parse(&c->p, &st->prog) == -1)
		return search_refused(c, &st->ret, &st->prog);
	if (search_check(c, &st->ret, &st->prog) == -1)
		return CMD_BAD;
	/* RFC 9051 6.4.4: never the old SEARCH response. */
	if (c->session->rev2 && st->ret.options == 0)
		st->ret.options = SEARCH_RETURN | SEARCH_RETURN_ALL;
	search_result_init(&st->result, st->prog.modseq,
	    (st->ret.options & SEARCH_RELEVANCY) != 0);
	st->run = (struct search_run){ .c = c, .prog = &st->prog, .view = v,
		.found = add_found, .ctx = st };
	search_resolve(&st->prog, v);
	search_run_begin(&st->run);
	search_run_cut(&st->run);
	c->step = search_step;
	return CMD_WORK;
}
