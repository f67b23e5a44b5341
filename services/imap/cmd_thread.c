/* THREAD and UID THREAD (RFC 5256). */
#include "services/imap/search_run.h"
#include "services/imap/session.h"
#include "services/imap/thread.h"

struct thread_cmd {
	struct command *c;
	struct search_program prog;
	struct search_run run;
	struct thread thread;
	bool searched;
};

static void
thread_cmd_release(void *state)
{
	struct thread_cmd *st = state;

	search_run_release(&st->run);
	search_release(&st->prog);
	thread_release(&st->thread);
}

static int
add_found(void *ctx, const struct store_message *msg)
{
	struct thread_cmd *st = ctx;

	thread_add(&st->thread, msg);
	return 0;
}

static uint32_t
number_of(void *arg, uint32_t uid)
{
	const struct command *c = arg;

	return c->uid ? uid : view_seq(c->session->view, uid);
}

static void
answer_thread(struct thread_cmd *st)
{
	struct buf *out = &st->c->out;

	buf_adds(out, "* THREAD");
	if (st->thread.messages > 0)
		buf_addc(out, ' ');
	thread_write(&st->thread, number_of, st->c, out);
	buf_adds(out, "\r\n");
}

static enum step
thread_step(struct command *c)
{
	struct thread_cmd *st = c->state;
	enum store_err err = STORE_OK;

	if (!st->searched && search_run_step(&st->run, &err) == STEP_MORE)
		return STEP_MORE;
	st->searched = true;
	if (err == STORE_OK) {
		while (!thread_make(&st->thread))
			if (command_should_yield(c))
				return STEP_MORE;
		answer_thread(st);
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
cmd_thread(struct command *c)
{
	struct thread_cmd *st = COMMAND_STATE(c, struct thread_cmd);
	enum thread_algorithm algorithm;

	st->c = c;
	if (parse_sp(&c->p) == -1 ||
	    thread_parse(&c->p, &algorithm) == -1 || parse_sp(&c->p) == -1)
		return CMD_BAD;
	thread_init(&st->thread, algorithm);
	c->release = thread_cmd_release;
	if (search_parse_criteria(&c->p, &st->prog) == -1)
		return search_refused(c, NULL, &st->prog);
	st->run = (struct search_run){ .c = c, .prog = &st->prog,
		.view = c->session->view, .fields = true,
		.found = add_found, .ctx = st };
	search_resolve(&st->prog, c->session->view);
	search_run_begin(&st->run);
	if (command_exceeds(c, search_run_count(&st->run)))
		return CMD_DONE;
	c->step = thread_step;
	return CMD_WORK;
}
