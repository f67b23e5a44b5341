/*
 * SORT and UID SORT (RFC 5256, RFC 5957, ESORT and CONTEXT=SORT of RFC 5267).
 */
#include "services/imap/context.h"
#include "services/imap/kept.h"
#include "services/imap/search_run.h"
#include "services/imap/session.h"
#include "services/imap/sort.h"

struct sort_cmd {
	struct command *c;
	struct search_return ret;
	struct slice program; /* the text of criteria and search keys */
	struct sort_program criteria;
	struct search_program prog;
	struct search_run run;
	struct search_result found; /* in mailbox order, then sorted */
	struct sort_list list; /* unless kept */
	struct kept *kept;     /* its keys are the list; or NULL */
	struct search_run read; /* the keys that are missing */
	struct store_set missing;
	bool searched;
	bool too_large;
};

static void
sort_cmd_release(void *state)
{
	struct sort_cmd *st = state;

	search_run_release(&st->run);
	search_run_release(&st->read);
	store_set_release(&st->missing);
	search_release(&st->prog);
	search_result_release(&st->found);
	sort_list_release(&st->list);
}

static int
add_found(void *ctx, const struct store_message *msg)
{
	struct sort_cmd *st = ctx;

	search_result_add(&st->found, msg->uid, msg->modseq, st->run.score);
	if (st->kept != NULL)
		return 0;
	st->too_large = sort_add(&st->list, msg, st->run.score) == -1;
	return st->too_large;
}

static int
add_key(void *ctx, const struct store_message *msg)
{
	struct sort_cmd *st = ctx;

	st->too_large = sort_add(&st->kept->keys, msg, 0) == -1;
	return st->too_large;
}

/* What of the found messages must be read. */
static void
read_begin(struct sort_cmd *st)
{
	kept_missing(st->kept, &st->criteria, &st->found, &st->missing);
	st->read = (struct search_run){ .c = st->c, .prog = &search_all,
		.view = st->c->session->view, .only = &st->missing,
		.order = st->criteria.header, .facts = true,
		.found = add_key, .ctx = st };
	search_run_begin(&st->read);
}

static bool
should_yield(void *arg)
{
	return command_should_yield(arg);
}

static void
sort_answer(struct sort_cmd *st)
{
	struct command *c = st->c;
	struct search_correlator who = { .tag = c->tag, .uid = c->uid };

	if (st->kept != NULL)
		kept_order(st->kept, &st->found);
	else
		search_result_order(&st->found, st->list.order, st->found.n);
	search_tell(c, &st->found, &st->ret, st->prog.modseq);
	if ((st->ret.options & SEARCH_UPDATE) != 0)
		context_start(c, &who, st->program, st->ret.atts, &st->found,
		    &st->list);
	if ((st->ret.options & SEARCH_SAVE) != 0)
		search_result_save(&st->found, &st->ret,
		    &c->session->view->saved);
}

static enum step
sort_step(struct command *c)
{
	struct sort_cmd *st = c->state;
	enum store_err err = STORE_OK;

	if (!st->searched &&
	    search_run_step(&st->run, &err) == STEP_MORE)
		return STEP_MORE;
	if (!st->searched && st->kept != NULL && err == STORE_OK)
		read_begin(st);
	st->searched = true;
	if (st->kept != NULL && err == STORE_OK &&
	    search_run_step(&st->read, &err) == STEP_MORE)
		return STEP_MORE;
	if (err == STORE_OK && st->too_large)
		err = STORE_LIMIT;
	if (err == STORE_OK && !sort_run(st->kept != NULL ? &st->kept->keys :
	    &st->list, should_yield, c))
		return STEP_MORE;
	if (err == STORE_OK)
		sort_answer(st);
	else if ((st->ret.options & SEARCH_SAVE) != 0)
		store_set_clear(&c->session->view->saved);
	/* Keys that were not all read are of no use. */
	if (err != STORE_OK && st->kept != NULL)
		kept_forget(c->session);
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
	const struct view *v = c->session->view;

	st->c = c;
	sort_list_init(&st->list, &st->criteria);
	c->release = sort_cmd_release;
	if (parse_sp(&c->p) == -1 ||
	    search_return_parse(&c->p, &st->ret) == -1)
		return CMD_BAD;
	st->program = slice_from(c->p.in, c->p.at);
	if (sort_parse(&c->p, &st->criteria) == -1 || parse_sp(&c->p) == -1)
		return CMD_BAD;
	if (search_parse_criteria(&c->p, &st->prog) == -1)
		return search_refused(c, &st->ret, &st->prog);
	if (search_check(c, &st->ret, &st->prog) == -1)
		return CMD_BAD;
	if (st->criteria.relevancy && !st->prog.fuzzy) {
		parse_fail(&c->p, "RELEVANCY without FUZZY");
		return CMD_BAD;
	}
	search_result_init(&st->found, st->prog.modseq,
	    (st->ret.options & SEARCH_RELEVANCY) != 0);
	/* A live result has its own keys, and RELEVANCY is none to keep. */
	if ((st->ret.options & SEARCH_UPDATE) == 0 && !st->criteria.relevancy)
		st->kept = kept_of(c->session);
	st->run = (struct search_run){ .c = c, .prog = &st->prog, .view = v,
		.order = st->kept == NULL && st->criteria.header,
		.facts = st->kept == NULL,
		.found = add_found, .ctx = st };
	search_resolve(&st->prog, v);
	search_run_begin(&st->run);
	if (command_exceeds(c, search_run_count(&st->run)))
		return CMD_DONE;
	c->step = sort_step;
	c->after = kept_after;
	return CMD_WORK;
}
