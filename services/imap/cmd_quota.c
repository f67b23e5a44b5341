/*
 * GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208, RFC 2087). There is one root for
 * all mailboxes of a user; limits are set with `setup quota`, not by clients.
 */
#include "services/imap/box.h"
#include "services/imap/limits.h"
#include "services/imap/name.h"
#include "services/imap/output.h"
#include "services/imap/session.h"

#define ROOT "User quota" /* its name in docker-mailserver */
#define ROOT_OTHER ROOT " of " /* and the address */

struct quota_cmd {
	struct command *command;
	struct slice mailbox; /* of GETQUOTAROOT */
	struct slice owner;   /* of the root that GETQUOTA names, if another */
	struct store_quota limit; /* the user's own may change meanwhile */
	uint32_t asked;
};

static void
quota_release(void *state)
{
	struct quota_cmd *q = state;

	if (q->asked != 0)
		limits_cancel(q->command->session->user, q->asked);
}

/* RFC 9208 5.1: STORAGE is in units of 1024 octets. */
static uint64_t
kib(uint64_t bytes)
{
	return bytes / 1024 + (bytes % 1024 > 0);
}

static void
put_root(struct buf *out, const struct box *box)
{
	struct buf root = BUF_INIT(LIMIT_ADDRESS + 64);

	buf_adds(&root, box->other != NULL ? ROOT_OTHER : ROOT);
	if (box->other != NULL)
		buf_adds(&root, store_user_address(box->user));
	out_quoted(out, buf_slice(&root));
	buf_release(&root);
}

static void
write_quota(struct buf *out, const struct box *box,
    const struct store_quota *limit, const struct store_usage *held)
{
	buf_adds(out, "* QUOTA ");
	put_root(out, box);
	buf_adds(out, " (");
	if (limit->bytes > 0)
		buf_addf(out, "STORAGE %llu %llu",
		    (unsigned long long)kib(held->bytes),
		    (unsigned long long)kib(limit->bytes));
	if (limit->messages > 0)
		buf_addf(out, "%sMESSAGE %llu %llu",
		    limit->bytes > 0 ? " " : "",
		    (unsigned long long)held->messages,
		    (unsigned long long)limit->messages);
	buf_adds(out, ")\r\n");
}

static enum step
quota_step(struct command *c)
{
	const struct quota_cmd *q = c->state;
	struct session *s = c->session;
	struct store_usage held = { 0 };
	struct store_mailbox *m = NULL;
	struct box box = { .user = s->store };
	enum store_err err = STORE_OK;

	if (q->owner.n > 0)
		err = box_find_owner(c, q->owner, ACL_READ, &box);

	/* RFC 9208 section 6 */
	if (q->mailbox.n > 0)
		err = box_find(c, q->mailbox, ACL_READ, &box);
	if (err == STORE_OK && q->mailbox.n > 0)
		err = store_mailbox_open(box.user, box.name, false, &m);
	store_mailbox_close(m);
	if (err == STORE_OK)
		err = store_usage(box.user, &held);
	if (err != STORE_OK) {
		command_failed(c, err);
		return STEP_DONE;
	}
	if (q->mailbox.n > 0) {
		buf_adds(&c->out, "* QUOTAROOT ");
		name_put(&c->out, q->mailbox, s->utf8);
		buf_addc(&c->out, ' ');
		put_root(&c->out, &box);
		buf_adds(&c->out, "\r\n");
	}
	write_quota(&c->out, &box, box.other != NULL ? &box.other->quota :
	    &q->limit, &held);
	command_completed(c);
	return STEP_DONE;
}

static void
on_limits(void *arg, struct chan_frame *reply)
{
	struct quota_cmd *q = arg;
	struct session *s = q->command->session;

	q->asked = 0;
	limits_take(s->user, reply);
	if (s->dead || s->closing || s->busy)
		return;
	q->limit = s->user->quota;
	s->waiting = false;
	session_work(s);
}

/* The limit of now: it may have been changed a moment ago. */
static enum verdict
ask(struct command *c)
{
	struct quota_cmd *q = c->state;

	c->step = quota_step;
	c->release = quota_release;
	q->command = c;
	q->limit = c->session->user->quota;
	c->session->waiting = true;
	conn_pause(c->session->conn);
	q->asked = limits_ask(c->session->user, on_limits, q);
	return CMD_STAY;
}

/* Without quotas the commands are unknown, as in Dovecot. */
static enum verdict
check(struct command *c)
{
	if (c->session->worker->conf.quotas)
		return CMD_WORK;
	parse_fail(&c->p, "Unknown command");
	return CMD_BAD;
}

enum verdict
cmd_getquota(struct command *c)
{
	struct quota_cmd *q = COMMAND_STATE(c, struct quota_cmd);
	struct slice root;

	if (check(c) == CMD_BAD || parse_sp(&c->p) == -1 ||
	    parse_astring(&c->p, &root) == -1 || parse_end(&c->p) == -1)
		return CMD_BAD;
	if (slice_starts(root, S(ROOT_OTHER)) &&
	    root.n > strlen(ROOT_OTHER)) {
		q->owner = slice_from(root, strlen(ROOT_OTHER));
		other_note(c, q->owner);
	} else if (!slice_eq(root, S(ROOT))) {
		command_no(c, "[NONEXISTENT] No such quota root.");
		return CMD_DONE;
	}
	return ask(c);
}

enum verdict
cmd_getquotaroot(struct command *c)
{
	struct quota_cmd *q = COMMAND_STATE(c, struct quota_cmd);

	if (check(c) == CMD_BAD || parse_sp(&c->p) == -1 ||
	    name_parse(c, &q->mailbox) == -1 || parse_end(&c->p) == -1)
		return CMD_BAD;
	if (q->mailbox.n == 0) {
		command_failed(c, STORE_NAME);
		return CMD_DONE;
	}
	return ask(c);
}

enum verdict
cmd_setquota(struct command *c)
{
	struct slice root;

	if (check(c) == CMD_BAD || parse_sp(&c->p) == -1 ||
	    parse_astring(&c->p, &root) == -1 || parse_sp(&c->p) == -1)
		return CMD_BAD;
	command_no(c, "[NOPERM] Only the administrator changes quotas.");
	return CMD_DONE;
}
