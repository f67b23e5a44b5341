/*
 * ESEARCH (MULTISEARCH, RFC 7377): a search in several mailboxes, one after
 * the other. One that is not selected gets a view for the time of the search.
 */
#include "services/imap/box.h"
#include "services/imap/context.h"
#include "services/imap/mailbox_filter.h"
#include "services/imap/output.h"
#include "services/imap/search_run.h"
#include "services/imap/session.h"

struct esearch {
	struct command *c;
	struct mailbox_filter *sources;
	struct search_return ret;
	struct search_program prog;
	struct slice program; /* its text */
	struct store_list list;
	bool listed;
	size_t at;         /* in list */
	bool selected_done;
	/* The mailbox at hand; view is NULL between two. */
	struct view *view;
	struct slice name;
	struct search_run run;
	struct search_result result;
};

static void
mailbox_end(struct esearch *st)
{
	search_run_release(&st->run);
	search_result_release(&st->result);
	if (st->view != st->c->session->view)
		view_free(st->view);
	st->view = NULL;
}

static void
esearch_release(void *state)
{
	struct esearch *st = state;

	if (st->view != NULL)
		mailbox_end(st);
	search_release(&st->prog);
	store_list_release(&st->list);
}

static int
add_found(void *ctx, const struct store_message *msg)
{
	struct esearch *st = ctx;

	search_result_add(&st->result, msg->uid, msg->modseq, st->run.score);
	return 0;
}

static void
mailbox_begin(struct esearch *st, struct view *v, struct slice name)
{
	st->view = v;
	st->name = name;
	search_result_init(&st->result, st->prog.modseq,
	    (st->ret.options & SEARCH_RELEVANCY) != 0);
	search_resolve(&st->prog, v);
	st->run = (struct search_run){ .c = st->c, .prog = &st->prog,
		.view = v, .found = add_found, .ctx = st };
	search_run_begin(&st->run);
}

/* ---- which mailboxes ------------------------------------------------------ */

/* NULL if it is gone, or the user may not read it (RFC 7377 section 2.2). */
static struct view *
open_listed(struct esearch *st, struct slice name)
{
	const struct session *s = st->c->session;
	struct buf ignored = BUF_INIT(LIMIT_IMAP_LINE);
	struct view *v = NULL;
	struct box box;

	if (box_find(st->c, name, ACL_READ, &box) != STORE_OK ||
	    view_open(&box, true, s->rev2, s->uidonly, &v, &ignored) !=
	    STORE_OK)
		v = NULL;
	buf_release(&ignored);
	return v;
}

/* Begins with the next mailbox; false when all were searched. */
static bool
next_mailbox(struct esearch *st)
{
	struct session *s = st->c->session;
	struct slice selected = box_selected_name(st->c);

	if (!st->selected_done && box_selected_has(s, ACL_READ) &&
	    mailbox_filters_name(st->sources, FILTER_SELECTED)) {
		st->selected_done = true;
		mailbox_begin(st, s->view, selected);
		return true;
	}
	while (st->at < st->list.n) {
		const struct store_list_entry *e = &st->list.entries[st->at++];
		struct view *v = s->view;
		bool here = v != NULL && slice_eq(slice_str(e->name), selected);

		/* A special mailbox that is not on disk yet has no mail. */
		if (!mailbox_filters_have(st->sources, e) ||
		    (e->attributes & STORE_VIRTUAL) != 0 ||
		    (here && st->selected_done))
			continue;
		if (!here)
			v = open_listed(st, slice_str(e->name));
		if (v == NULL)
			continue;
		st->selected_done = st->selected_done || here;
		mailbox_begin(st, v, slice_str(e->name));
		return true;
	}
	return false;
}

/* ---- the answer ----------------------------------------------------------- */

static uint32_t
uid_itself(void *arg UNUSED, uint32_t uid)
{
	return uid;
}

static void
mailbox_answer(struct esearch *st)
{
	struct command *c = st->c;
	struct search_correlator who = { .tag = c->tag, .uid = true,
		.mailbox = st->name, .uidvalidity = st->view->uidvalidity,
		.utf8 = c->session->utf8 };
	bool here = st->view == c->session->view;

	/* RFC 7377 2.1: nothing is said of a mailbox where nothing is. */
	if (st->result.n > 0 && search_return_tells(&st->ret)) {
		search_tell_begin(&who, &c->out);
		search_result_write(&st->result, &st->ret, uid_itself, NULL,
		    &c->out);
		buf_adds(&c->out, "\r\n");
	}
	if (here && (st->ret.options & SEARCH_UPDATE) != 0)
		context_start(c, &who, st->program, st->ret.atts,
		    &st->result, NULL);
	if (here && (st->ret.options & SEARCH_SAVE) != 0)
		search_result_save(&st->result, &st->ret,
		    &c->session->view->saved);
}

static enum step
esearch_end(struct esearch *st, enum store_err err)
{
	struct command *c = st->c;

	if (err != STORE_OK && (st->ret.options & SEARCH_SAVE) != 0)
		store_set_clear(&c->session->view->saved);
	/* What is updated is the selected mailbox (RFC 7377 2.2). */
	if ((st->ret.options & SEARCH_UPDATE) != 0 && !st->selected_done)
		context_refused(c, c->tag, "The selected mailbox is not searched");
	command_refresh(c, true, false);
	if (err == STORE_OK)
		command_completed(c);
	else
		command_failed(c, err);
	return STEP_DONE;
}

static enum step
esearch_step(struct command *c)
{
	struct esearch *st = c->state;
	enum store_err err = STORE_OK;

	if (!st->listed)
		err = store_list(c->session->store, &st->list);
	if (!st->listed && err == STORE_OK && mailbox_filters_others(
	    st->sources))
		err = box_list(c, &st->list);
	st->listed = true;
	while (err == STORE_OK && (st->view != NULL || next_mailbox(st))) {
		if (search_run_step(&st->run, &err) == STEP_MORE)
			return STEP_MORE;
		/* One that was deleted meanwhile is as good as not named. */
		if (err == STORE_NO_MAILBOX && st->view != c->session->view)
			err = STORE_OK;
		else if (err == STORE_OK)
			mailbox_answer(st);
		mailbox_end(st);
		if (err == STORE_OK && command_should_yield(c))
			return STEP_MORE;
	}
	return esearch_end(st, err);
}

/* ---- the start ------------------------------------------------------------ */

/* "IN (sources [(options)]) ", or what is meant without it. */
static int
read_sources(struct esearch *st, struct parser *p)
{
	if (!parse_word(p, S("IN"))) {
		st->sources = arena_alloc(p->arena, sizeof(*st->sources));
		st->sources->kind = FILTER_SELECTED;
		return 0;
	}
	if (parse_sp(p) == -1 || parse_char(p, '(') == -1 ||
	    mailbox_filters_parse(p, &st->sources) == -1)
		return -1;
	/* No scope-option is defined (section 4). */
	if (parse_try(p, ' '))
		return parse_fail(p, "Unknown scope option");
	return parse_char(p, ')') == -1 ? -1 : parse_sp(p);
}

/* What RETURN asks for must fit the sources (section 2.2). */
static int
check_options(struct esearch *st)
{
	struct command *c = st->c;
	const struct session *s = c->session;
	unsigned options = st->ret.options;

	if (s->view == NULL &&
	    (mailbox_filters_name(st->sources, FILTER_SELECTED) ||
	    (options & SEARCH_UPDATE) != 0))
		return parse_fail(&c->p, "No mailbox selected");
	if ((options & SEARCH_SAVE) != 0 &&
	    (st->sources->kind != FILTER_SELECTED || st->sources->next != NULL))
		return parse_fail(&c->p, "SAVE is for the selected mailbox");
	return search_check(c, &st->ret, &st->prog);
}

enum verdict
cmd_esearch(struct command *c)
{
	struct esearch *st = COMMAND_STATE(c, struct esearch);

	st->c = c;
	c->release = esearch_release;
	if (parse_sp(&c->p) == -1 || read_sources(st, &c->p) == -1 ||
	    search_return_parse(&c->p, &st->ret) == -1)
		return CMD_BAD;
	st->program = slice_from(c->p.in, c->p.at);
	if (search_parse(&c->p, &st->prog) == -1)
		return search_refused(c, NULL, &st->prog);
	if (check_options(st) == -1)
		return CMD_BAD;
	/* Without RETURN it is ALL (section 2.1). */
	if (st->ret.options == 0)
		st->ret.options = SEARCH_RETURN | SEARCH_RETURN_ALL;
	c->step = esearch_step;
	return CMD_WORK;
}
