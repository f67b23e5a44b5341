/*
 * SELECT and EXAMINE (RFC 3501 6.3.1, 6.3.2, with CONDSTORE and QRESYNC of RFC
 * 7162), CLOSE (6.4.2) and UNSELECT (RFC 3691).
 */
#include "services/imap/box.h"
#include "services/imap/list.h"
#include "services/imap/name.h"
#include "services/imap/output.h"
#include "services/imap/session.h"

struct select {
	struct slice name;
	bool read_only;
	bool condstore;
	/* QRESYNC: what the client has from earlier (RFC 7162 3.2.5). */
	bool qresync;
	uint32_t uidvalidity;
	uint64_t modseq;
	bool has_known;
	struct seq_set known;
};

/* ---- QRESYNC -------------------------------------------------------------- */

static int
on_resync(void *ctx, const struct store_message *msg)
{
	struct command *c = ctx;
	const struct view *v = c->session->view;
	uint32_t seq = view_seq(v, msg->uid);

	if (seq == 0)
		return 0;
	out_fetch(&c->out, v->uidonly, seq, msg->uid, true);
	buf_adds(&c->out, "FLAGS ");
	out_flags(&c->out, msg->flags, msg->keywords, msg->n_keywords,
	    store_set_has(&v->recent, msg->uid));
	buf_addf(&c->out, " MODSEQ (%llu))\r\n",
	    (unsigned long long)msg->modseq);
	return 0;
}

static int
range_order(const void *pa, const void *pb)
{
	const struct seq_range *a = pa, *b = pb;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return 0;
}

/* What of gone the client said it has. */
static void
add_known(struct store_set *out, const struct store_set *gone,
    const struct seq_set *known)
{
	struct store_set have = STORE_SET_INIT;

	qsort(known->r, known->n, sizeof(*known->r), range_order);
	for (size_t i = 0; i < known->n; i++)
		store_set_add(&have, known->r[i].first,
		    known->r[i].last != 0 ? known->r[i].last : STORE_UID_MAX);
	for (size_t i = 0, j = 0; i < gone->n && j < have.n;) {
		uint32_t a = gone->r[i].first, b = gone->r[i].last;

		if (a < have.r[j].first)
			a = have.r[j].first;
		if (b > have.r[j].last)
			b = have.r[j].last;
		if (a <= b)
			store_set_add(out, a, b);
		if (gone->r[i].last < have.r[j].last)
			i++;
		else
			j++;
	}
	store_set_release(&have);
}

/* What changed while the client was away (RFC 7162 3.2.5.1). */
static enum store_err
resync(struct command *c, const struct select *sel)
{
	struct view *v = c->session->view;
	struct store_walk walk = { .since = sel->modseq };
	struct store_set gone = STORE_SET_INIT, told = STORE_SET_INIT;
	enum store_err err;

	if (!sel->qresync || sel->uidvalidity != v->uidvalidity)
		return STORE_OK;
	err = store_vanished(v->mailbox, sel->modseq, &gone);
	if (err == STORE_OK && sel->has_known)
		add_known(&told, &gone, &sel->known);
	if (err == STORE_OK && (sel->has_known ? told.n : gone.n) > 0) {
		buf_adds(&c->out, "* VANISHED (EARLIER) ");
		store_set_format(sel->has_known ? &told : &gone, &c->out);
		buf_adds(&c->out, "\r\n");
	}
	store_set_release(&gone);
	store_set_release(&told);
	if (err == STORE_OK)
		err = store_walk(v->mailbox, &walk, on_resync, c, NULL);
	return err;
}

/* ---- SELECT --------------------------------------------------------------- */

static enum step
select_step(struct command *c)
{
	struct select *sel = c->state;
	struct session *s = c->session;
	struct box box;
	enum store_err err = box_find(c, sel->name, ACL_READ, &box);

	if (err == STORE_OK)
		err = view_open(&box, sel->read_only, s->rev2, s->uidonly,
		    &s->view, &c->out);
	/* RFC 9051 6.3.2 */
	if (err == STORE_OK && s->rev2)
		err = list_tell(c, &sel->name, S(""));
	if (err == STORE_OK)
		err = resync(c, sel);
	if (err != STORE_OK) {
		/* A failed SELECT leaves no mailbox selected (6.3.1). */
		view_free(s->view);
		s->view = NULL;
		command_failed(c, err);
		return STEP_DONE;
	}
	c->touched = !s->view->read_only && s->view->recent.n > 0;
	if (sel->read_only)
		command_ok(c, "[READ-ONLY] EXAMINE completed.");
	else
		/* RFC 4314 5.2 */
		command_ok(c, s->view->read_only ?
		    "[READ-ONLY] SELECT completed." :
		    "[READ-WRITE] SELECT completed.");
	return STEP_DONE;
}

/* "(uidvalidity modseq [known-uids] [(seq-set uid-set)])" */
static int
parse_qresync(struct parser *p, struct select *sel)
{
	struct seq_set ignored;

	if (parse_sp(p) == -1 || parse_char(p, '(') == -1 ||
	    parse_nz_number(p, &sel->uidvalidity) == -1 ||
	    parse_sp(p) == -1 || parse_modseq(p, &sel->modseq) == -1)
		return -1;
	if (parse_try(p, ' ') && parse_peek(p) != '(') {
		size_t from = p->at;

		sel->has_known = true;
		if (parse_sequence(p, &sel->known) == -1)
			return -1;
		/* RFC 7162 7: known-uids has no "*". */
		if (memchr(p->in.p + from, '*', p->at - from) != NULL)
			return parse_fail(p, "* is not allowed here");
		parse_try(p, ' ');
	}
	/* seq-match-data lets us say less; we say all (3.2.5.2). */
	if (p->uidonly && parse_peek(p) == '(')
		return parse_uid_required(p);
	if (parse_try(p, '(') &&
	    (parse_sequence(p, &ignored) == -1 || parse_sp(p) == -1 ||
	     parse_sequence(p, &ignored) == -1 || parse_char(p, ')') == -1))
		return -1;
	sel->qresync = true;
	return parse_char(p, ')');
}

static int
parse_params(struct command *c, struct select *sel)
{
	struct parser *p = &c->p;

	if (parse_char(p, '(') == -1)
		return -1;
	do {
		if (parse_word(p, S("CONDSTORE"))) {
			sel->condstore = true;
		} else if (parse_word(p, S("QRESYNC"))) {
			if (!c->session->qresync)
				return parse_fail(p,
				    "QRESYNC without ENABLE QRESYNC");
			if (parse_qresync(p, sel) == -1)
				return -1;
		} else {
			return parse_fail(p, "Unknown SELECT parameter");
		}
	} while (parse_try(p, ' '));
	return parse_char(p, ')');
}

static enum verdict
select_or_examine(struct command *c, bool read_only)
{
	struct select *sel = COMMAND_STATE(c, struct select);
	struct session *s = c->session;

	sel->read_only = read_only;
	if (parse_sp(&c->p) == -1 || name_parse(c, &sel->name) == -1)
		return CMD_BAD;
	if (parse_try(&c->p, ' ') && parse_params(c, sel) == -1)
		return CMD_BAD;
	if (parse_end(&c->p) == -1)
		return CMD_BAD;
	if (s->view != NULL) {
		session_unselect(s);
		/* RFC 7162 3.2.11 */
		buf_adds(&c->out, "* OK [CLOSED] Previous mailbox closed.\r\n");
	}
	if (sel->condstore)
		s->condstore = true;
	c->step = select_step;
	return CMD_WORK;
}

enum verdict
cmd_select(struct command *c)
{
	return select_or_examine(c, false);
}

enum verdict
cmd_examine(struct command *c)
{
	return select_or_examine(c, true);
}

/* ---- CLOSE, UNSELECT ------------------------------------------------------ */

/* Removes \Deleted messages and tells nothing (6.4.2). */
static enum step
close_step(struct command *c)
{
	struct session *s = c->session;
	struct store_set gone = STORE_SET_INIT;
	uint64_t modseq = 0;
	enum store_err err = STORE_OK;

	/* RFC 4314 section 4: without the right nothing is said of it. */
	if (box_selected_has(s, ACL_READ | ACL_EXPUNGE))
		err = store_expunge(s->view->mailbox, NULL, true, &gone,
		    &modseq);
	else
		(void)store_mailbox_modseq(s->view->mailbox, &modseq);
	s->expunged += store_set_count(&gone);
	c->touched = gone.n > 0;
	store_set_release(&gone);
	if (err != STORE_OK && err != STORE_NO_MAILBOX) {
		/* It stays selected, and nothing is lost. */
		c->after = NULL;
		command_failed(c, err);
	} else if (s->qresync)
		command_completed_modseq(c, modseq);
	else
		command_completed(c);
	return STEP_DONE;
}

static void
close_after(struct command *c)
{
	session_unselect(c->session);
	session_done(c->session);
}

enum verdict
cmd_close(struct command *c)
{
	if (parse_end(&c->p) == -1)
		return CMD_BAD;
	c->after = close_after;
	c->step = close_step;
	if (!c->session->view->read_only)
		return CMD_WORK;
	session_unselect(c->session);
	command_completed(c);
	return CMD_DONE;
}

enum verdict
cmd_unselect(struct command *c)
{
	if (parse_end(&c->p) == -1)
		return CMD_BAD;
	session_unselect(c->session);
	command_completed(c);
	return CMD_DONE;
}
