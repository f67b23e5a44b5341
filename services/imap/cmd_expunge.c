/* EXPUNGE (RFC 3501 6.4.3) and UID EXPUNGE (RFC 4315 2.1). */
#include "services/imap/box.h"
#include "services/imap/session.h"

static void
expunge_release(void *state)
{
	store_set_release(state);
}

static enum step
expunge_step(struct command *c)
{
	struct session *s = c->session;
	struct store_set gone = STORE_SET_INIT;
	uint64_t modseq = 0;
	enum store_err err = STORE_OK;

	if (!box_selected_has(s, ACL_EXPUNGE))
		err = STORE_NO_RIGHT;
	else if (!c->uid || ((struct store_set *)c->state)->n > 0)
		err = store_expunge(s->view->mailbox,
		    c->uid ? c->state : NULL, true, &gone, &modseq);
	if (gone.n > 0) {
		s->expunged += store_set_count(&gone);
		c->touched = true;
	}
	store_set_release(&gone);
	command_refresh(c, true, false);
	if (err != STORE_OK)
		command_failed(c, err);
	else if (s->qresync && c->touched)
		command_completed_modseq(c, modseq);
	else
		command_completed(c);
	return STEP_DONE;
}

enum verdict
cmd_expunge(struct command *c)
{
	struct store_set *set = COMMAND_STATE(c, struct store_set);

	c->release = expunge_release;
	if (c->uid && (parse_sp(&c->p) == -1 || command_set(c, set) == -1))
		return CMD_BAD;
	if (parse_end(&c->p) == -1)
		return CMD_BAD;
	if (c->uid)
		command_cut(c, set);
	c->step = expunge_step;
	return CMD_WORK;
}
