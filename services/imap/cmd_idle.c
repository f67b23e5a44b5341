/*
 * IDLE (RFC 2177). The command keeps nothing but its tag; each hint that the
 * mailbox changed (from this process or the kernel) lets it look once.
 */
#include "services/imap/context.h"
#include "services/imap/notify.h"
#include "services/imap/session.h"

static enum step
idle_step(struct command *c)
{
	command_refresh(c, true, true);
	return STEP_DONE;
}

static void
idle_after(struct command *c)
{
	struct session *s = c->session;

	if (s->poked || context_is_behind(s)) {
		s->poked = false;
		idle_look(c);
		return;
	}
	if (context_has_fetch(s))
		notify_look(s);
	session_tell_news(s);
	session_resume(s);
}

void
idle_look(struct command *c)
{
	if (c->session->view == NULL)
		return;
	c->checked = false;
	c->step = idle_step;
	c->after = idle_after;
	session_work(c->session);
}

enum verdict
cmd_idle(struct command *c)
{
	struct session *s = c->session;
	struct worker *w = s->worker;

	if (parse_end(&c->p) == -1)
		return CMD_BAD;
	/* Of the text only the tag at its start is kept. */
	buf_truncate(&c->text, c->tag.n);
	c->line_start = c->text.n;
	arena_release(&c->arena);
	buf_adds(&c->out, "+ idling\r\n");
	session_flush(s);
	s->mode = INPUT_IDLE;
	s->keepalive_at = loop_now(w->loop) + w->conf.keepalive_ms;
	list_push(&w->idlers, &s->idle_link);
	session_drop_cache(s);
	if (s->view != NULL && w->notify != NULL && s->watch == NULL)
		s->watch = store_notify_watch(w->notify, s->view->mailbox,
		    &s->hint);
	/* What changed before the watch was there. */
	session_poke(s);
	return CMD_STAY;
}

void
idle_line(struct command *c, struct slice line)
{
	struct session *s = c->session;
	bool done = slice_ieq(line, S("DONE"));

	if (s->notify == NULL)
		session_unwatch(s);
	list_remove(&s->idle_link);
	if (done)
		command_ok(c, "Idle completed.");
	else
		command_bad(c, "Expected DONE.");
	session_done(s);
}
