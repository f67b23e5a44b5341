/* STORE and UID STORE (RFC 3501 6.4.6, RFC 7162 3.1.3). */
#include "services/imap/box.h"
#include "services/imap/output.h"
#include "services/imap/session.h"

struct store_cmd {
	struct command *c;
	struct store_set set;
	struct store_set refused;
	struct store_change change;
	struct flag_list flags;
	bool silent;
	bool allowed; /* the rights were looked at */
	bool changed; /* the store did its part */
	uint64_t modseq;
	uint32_t next;
};

static void
store_release(void *state)
{
	struct store_cmd *st = state;

	store_set_release(&st->set);
	store_set_release(&st->refused);
}

static int
on_changed(void *ctx, const struct store_message *msg)
{
	struct store_cmd *st = ctx;
	struct command *c = st->c;
	const struct session *s = c->session;
	uint32_t seq = view_seq(s->view, msg->uid);
	bool modseq = s->condstore;

	if (seq == 0 || (st->silent && msg->modseq != st->modseq) ||
	    store_set_has(&st->refused, msg->uid))
		return 0;
	/* RFC 3501 6.4.8, RFC 7162 3.2.4 */
	out_fetch(&c->out, s->uidonly, seq, msg->uid, c->uid || s->qresync);
	if (!st->silent) {
		buf_adds(&c->out, "FLAGS ");
		out_flags(&c->out, msg->flags, msg->keywords, msg->n_keywords,
		    store_set_has(&s->view->recent, msg->uid));
	}
	if (modseq)
		buf_addf(&c->out, "%sMODSEQ (%llu)", st->silent ? "" : " ",
		    (unsigned long long)msg->modseq);
	buf_adds(&c->out, ")\r\n");
	return command_should_yield(c);
}

/* Tells the new flags; STEP_MORE when there are more to tell. */
static enum step
tell_changed(struct store_cmd *st, enum store_err *err)
{
	struct command *c = st->c;
	struct store_walk walk = {
		.set = &st->set,
		/* Only what this command changed is told silently. */
		.since = st->silent ? st->modseq - 1 : 0,
		.limit = 1000,
	};

	/* .SILENT still tells MODSEQ where it is wanted (RFC 7162 3.1.3). */
	if (st->silent && !c->session->condstore)
		return STEP_DONE;
	while (st->next != 0) {
		walk.from = st->next;
		*err = store_walk(c->session->view->mailbox, &walk, on_changed,
		    st, &st->next);
		if (*err != STORE_OK)
			return STEP_DONE;
		if (command_should_yield(c) && st->next != 0)
			return STEP_MORE;
	}
	return STEP_DONE;
}

/*
 * True if what has this change's MODSEQ need not be told again. When it is
 * told here, always; a silent change only if the client knew everything before
 * it and nobody came in between: else what others did to the same messages
 * would never be told.
 */
static bool
is_known(const struct store_cmd *st, uint64_t before)
{
	if (st->modseq <= before)
		return false; /* nothing changed */
	return !st->silent ||
	    (st->c->session->view->modseq == before &&
	     st->modseq == before + 1);
}

static enum store_err
change(struct store_cmd *st)
{
	struct view *v = st->c->session->view;
	uint64_t before;
	enum store_err err;

	if (st->silent)
		command_refresh(st->c, false, false);
	err = store_mailbox_modseq(v->mailbox, &before);
	if (err != STORE_OK)
		return err;
	err = store_change_flags(v->mailbox, &st->set, &st->change,
	    &st->refused, &st->modseq);
	if (err != STORE_OK)
		return err;
	st->changed = true;
	st->c->touched = st->modseq > before;
	if (is_known(st, before))
		command_own(st->c, st->modseq, &st->set);
	if ((st->change.flags & STORE_DELETED) != 0 &&
	    st->change.how != STORE_REMOVE)
		st->c->session->deleted += view_count(v, &st->set);
	/* The client must know a keyword before it sees it (7.2.6). */
	return view_tell_keywords(v, &st->c->out, false);
}

/* "[MODIFIED 7,9]" in the numbers the command used (RFC 7162 3.1.3). */
static void
tell_refused(struct store_cmd *st)
{
	struct command *c = st->c;
	const struct view *v = c->session->view;
	struct store_set numbers = STORE_SET_INIT;

	for (size_t i = 0; i < st->refused.n && !c->uid; i++) {
		size_t from = view_lower(v, st->refused.r[i].first);

		for (size_t k = from; k < v->n &&
		    v->uids[k] <= st->refused.r[i].last; k++)
			store_set_add(&numbers, (uint32_t)k + 1,
			    (uint32_t)k + 1);
	}
	command_tell_cut(c);
	buf_addf(&c->out, "%.*s OK [MODIFIED ", SLICE_ARG(c->tag));
	store_set_format(c->uid ? &st->refused : &numbers, &c->out);
	buf_adds(&c->out, "] Conditional STORE failed.\r\n");
	store_set_release(&numbers);
}

/*
 * Leaves of the change what the rights allow (RFC 4314 section 4: it fails only
 * if nothing is left).
 */
static enum store_err
limit(struct store_cmd *st)
{
	unsigned rights = st->c->session->view->rights;
	struct store_change *ch = &st->change;
	unsigned may = STORE_FLAGS, flags = ch->flags;
	size_t keywords = 1, n = ch->n_keywords;

	if (st->allowed)
		return STORE_OK;
	st->allowed = true;
	box_limit_flags(rights, &may, &keywords);
	box_limit_flags(rights, &flags, &n);
	ch->keep_flags = STORE_FLAGS & ~may;
	ch->keep_keywords = keywords == 0;
	/* To replace is to modify all of them. */
	if (ch->how == STORE_REPLACE ? may == 0 :
	    flags == 0 && n == 0 && (ch->flags != 0 || ch->n_keywords > 0))
		return STORE_NO_RIGHT;
	ch->flags = flags;
	ch->n_keywords = n;
	return STORE_OK;
}

static enum step
store_step(struct command *c)
{
	struct store_cmd *st = c->state;
	enum store_err err = limit(st);

	if (err == STORE_OK && st->set.n > 0) {
		if (!st->changed)
			err = change(st);
		if (err == STORE_OK && tell_changed(st, &err) == STEP_MORE)
			return STEP_MORE;
	}
	command_refresh(c, c->uid, false);
	if (err != STORE_OK)
		command_failed(c, err);
	else if (st->refused.n > 0)
		tell_refused(st);
	else
		command_completed(c);
	return STEP_DONE;
}

/* "(UNCHANGEDSINCE 12) " (RFC 4466 2.5) */
static int
parse_modifiers(struct parser *p, struct store_cmd *st)
{
	if (!parse_try(p, '('))
		return 0;
	if (!parse_word(p, S("UNCHANGEDSINCE")))
		return parse_fail(p, "Unknown STORE modifier");
	st->change.conditional = true;
	if (parse_sp(p) == -1 ||
	    parse_modseq(p, &st->change.unchanged_since) == -1 ||
	    parse_char(p, ')') == -1)
		return -1;
	return parse_sp(p);
}

static int
parse_store(struct parser *p, struct store_cmd *st)
{
	if (parse_sp(p) == -1 || parse_modifiers(p, st) == -1)
		return -1;
	st->change.how = STORE_REPLACE;
	if (parse_try(p, '+'))
		st->change.how = STORE_ADD;
	else if (parse_try(p, '-'))
		st->change.how = STORE_REMOVE;
	if (parse_word(p, S("FLAGS.SILENT")))
		st->silent = true;
	else if (!parse_word(p, S("FLAGS")))
		return parse_fail(p, "Expected FLAGS");
	if (parse_sp(p) == -1 || parse_flags(p, true, &st->flags) == -1)
		return -1;
	st->change.flags = st->flags.flags;
	st->change.keywords = st->flags.keywords;
	st->change.n_keywords = st->flags.n;
	return parse_end(p);
}

enum verdict
cmd_store(struct command *c)
{
	struct store_cmd *st = COMMAND_STATE(c, struct store_cmd);

	st->c = c;
	st->next = 1;
	c->release = store_release;
	if (parse_sp(&c->p) == -1 || command_set(c, &st->set) == -1 ||
	    parse_store(&c->p, st) == -1)
		return CMD_BAD;
	command_cut(c, &st->set);
	if (st->change.conditional)
		command_enable_condstore(c);
	c->step = store_step;
	return CMD_WORK;
}
