/* THREAD and UID THREAD (RFC 5256). */
#include "services/imap/kept.h"
#include "services/imap/search_run.h"
#include "services/imap/session.h"
#include "services/imap/thread.h"

struct thread_cmd {
	struct command *c;
	struct search_program prog;
	struct search_run run;
	struct search_result found;
	enum thread_algorithm algorithm;
	/* Made anew, unless what is kept will do. */
	struct thread thread;
	struct search_run read;
	struct store_set all;
	bool searched;
	bool read_all;
};

static void
thread_cmd_release(void *state)
{
	struct thread_cmd *st = state;

	search_run_release(&st->run);
	search_run_release(&st->read);
	store_set_release(&st->all);
	search_release(&st->prog);
	search_result_release(&st->found);
	thread_release(&st->thread);
}

static int
add_found(void *ctx, const struct store_message *msg)
{
	struct thread_cmd *st = ctx;

	search_result_add(&st->found, msg->uid, 0, 0);
	return 0;
}

static int
add_node(void *ctx, const struct store_message *msg)
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
answer_thread(struct thread_cmd *st, const struct thread *thread)
{
	struct buf *out = &st->c->out;

	buf_adds(out, "* THREAD");
	if (thread->messages > 0)
		buf_addc(out, ' ');
	thread_write(thread, number_of, st->c, out);
	buf_adds(out, "\r\n");
}

/* All that was found is to be read and made into threads. */
static void
read_begin(struct thread_cmd *st)
{
	thread_init(&st->thread, st->algorithm);
	for (size_t i = 0; i < st->found.n; i++)
		store_set_add(&st->all, st->found.uids[i], st->found.uids[i]);
	st->read = (struct search_run){ .c = st->c, .prog = &search_all,
		.view = st->c->session->view, .only = &st->all,
		.order = true, .facts = true, .found = add_node, .ctx = st };
	search_run_begin(&st->read);
}

/* False while there is more to do. */
static bool
make_thread(struct thread_cmd *st, enum store_err *err)
{
	if (st->thread.nodes == NULL)
		read_begin(st);
	if (!st->read_all && search_run_step(&st->read, err) == STEP_MORE)
		return false;
	st->read_all = true;
	while (*err == STORE_OK && !thread_make(&st->thread))
		if (command_should_yield(st->c))
			return false;
	return true;
}

static enum step
thread_step(struct command *c)
{
	struct thread_cmd *st = c->state;
	struct kept *kept = kept_of(c->session);
	enum store_err err = STORE_OK;

	if (!st->searched && search_run_step(&st->run, &err) == STEP_MORE)
		return STEP_MORE;
	st->searched = true;
	if (err == STORE_OK &&
	    !kept_has_thread(kept, st->algorithm, &st->found)) {
		if (!make_thread(st, &err))
			return STEP_MORE;
		if (err == STORE_OK)
			kept_put_thread(kept, &st->thread, &st->found);
	}
	if (err == STORE_OK)
		answer_thread(st, &kept->thread);
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

	st->c = c;
	if (parse_sp(&c->p) == -1 ||
	    thread_parse(&c->p, &st->algorithm) == -1 || parse_sp(&c->p) == -1)
		return CMD_BAD;
	c->release = thread_cmd_release;
	if (search_parse_criteria(&c->p, &st->prog) == -1)
		return search_refused(c, NULL, &st->prog);
	st->run = (struct search_run){ .c = c, .prog = &st->prog,
		.view = c->session->view,
		.found = add_found, .ctx = st };
	search_resolve(&st->prog, c->session->view);
	search_run_begin(&st->run);
	if (command_exceeds(c, search_run_count(&st->run)))
		return CMD_DONE;
	c->step = thread_step;
	c->after = kept_after;
	return CMD_WORK;
}
