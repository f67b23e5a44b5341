/*
 * COPY (RFC 3501 6.4.7) and MOVE (RFC 6851), with their UID forms and COPYUID
 * (RFC 4315 section 3). All or nothing, and on disk before the OK (law 2).
 */
#include "services/imap/box.h"
#include "services/imap/name.h"
#include "services/imap/session.h"

struct copy {
	struct store_set set;
	struct slice target;
	bool move;
};

static void
copy_release(void *state)
{
	store_set_release(&((struct copy *)state)->set);
}

/* A list of UIDs in ascending order as "1:3,7". */
static void
add_uids(struct buf *out, const uint32_t *uids, size_t n)
{
	for (size_t i = 0, k; i < n; i = k) {
		for (k = i + 1; k < n && uids[k] == uids[k - 1] + 1; k++)
			;
		buf_addf(out, "%s%u", i > 0 ? "," : "", uids[i]);
		if (k - i > 1)
			buf_addf(out, ":%u", uids[k - 1]);
	}
}

static void
copyuid(struct command *c, const struct store_copied *done)
{
	buf_addf(&c->out, "OK [COPYUID %u ", done->uidvalidity);
	add_uids(&c->out, done->from, done->n);
	buf_addc(&c->out, ' ');
	add_uids(&c->out, done->to, done->n);
	buf_adds(&c->out, "] ");
}

static void
finish(struct command *c, const struct store_copied *done)
{
	const struct copy *cp = c->state;
	const struct session *s = c->session;

	if (cp->move && done->n > 0) {
		/* RFC 6851 4.3: in an untagged OK, before the EXPUNGEs. */
		buf_adds(&c->out, "* ");
		copyuid(c, done);
		buf_adds(&c->out, "Moved.\r\n");
	}
	command_refresh(c, true, false);
	if (cp->move && done->n > 0 && s->qresync) {
		command_completed_modseq(c, s->view->modseq);
		return;
	}
	if (cp->move || done->n == 0) {
		command_completed(c);
		return;
	}
	buf_addf(&c->out, "%.*s ", SLICE_ARG(c->tag));
	copyuid(c, done);
	buf_adds(&c->out, "COPY completed.\r\n");
}

/* RFC 4314 section 4: flags that may not be set do not come along. */
static enum store_err
transfer(const struct copy *cp, struct store_mailbox *from,
    const struct box *box, struct store_copied *done)
{
	struct store_target to = { .user = box->user, .name = box->name,
		.flags = STORE_FLAGS };
	size_t keywords = 1;

	box_limit_flags(box->rights, &to.flags, &keywords);
	to.keywords = keywords > 0;
	return (cp->move ? store_move_to : store_copy_to)(from, &cp->set, &to,
	    done);
}

static enum step
copy_step(struct command *c)
{
	struct copy *cp = c->state;
	struct session *s = c->session;
	struct store_copied done = { 0 };
	struct box box;
	enum store_err err = box_find(c, cp->target, ACL_INSERT, &box);

	/* RFC 6851 4.2: as for STORE +FLAGS \Deleted and EXPUNGE. */
	if (err == STORE_OK && cp->move &&
	    !box_selected_has(s, ACL_WRITE_DELETED | ACL_EXPUNGE))
		err = STORE_NO_RIGHT;
	if (err == STORE_OK && cp->set.n > 0)
		err = transfer(cp, s->view->mailbox, &box, &done);
	if (err == STORE_OK) {
		c->touched = done.n > 0;
		if (cp->move)
			s->expunged += done.n;
		finish(c, &done);
	} else {
		command_refresh(c, true, false);
		command_failed_target(c, cp->target, err);
	}
	store_copied_release(&done);
	return STEP_DONE;
}

static enum verdict
copy_or_move(struct command *c, bool move)
{
	struct copy *cp = COMMAND_STATE(c, struct copy);

	cp->move = move;
	c->release = copy_release;
	if (parse_sp(&c->p) == -1 || command_set(c, &cp->set) == -1 ||
	    parse_sp(&c->p) == -1 || name_parse(c, &cp->target) == -1 ||
	    parse_end(&c->p) == -1)
		return CMD_BAD;
	/* RFC 9738: a COPY is whole or not at all; a MOVE goes on later. */
	if (move)
		command_cut(c, &cp->set);
	else if (command_exceeds(c, view_count(c->session->view, &cp->set)))
		return CMD_DONE;
	c->step = copy_step;
	return CMD_WORK;
}

enum verdict
cmd_copy(struct command *c)
{
	return copy_or_move(c, false);
}

enum verdict
cmd_move(struct command *c)
{
	return copy_or_move(c, true);
}
