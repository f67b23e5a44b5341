#include "services/imap/command.h"

#include "core/now.h"
#include "services/imap/box.h"
#include "services/imap/context.h"
#include "services/imap/notify.h"
#include "services/imap/output.h"
#include "services/imap/session.h"

#define YIELD_BYTES CONN_OUT_HIGH
#define PROGRESS_MS 10000 /* RFC 9585 section 3: not more often */

#define ANY (IN_AUTH | IN_SELECTED)

static const struct command_row rows[] = {
	/* name        handler          states       writes uid numbers */
	{ "APPEND", cmd_append, ANY, false, false, false },
	{ "CANCELUPDATE", cmd_cancelupdate, IN_SELECTED, false, false, false },
	{ "CAPABILITY", cmd_capability, ANY, false, false, false },
	{ "CHECK", cmd_check, IN_SELECTED, false, false, false },
	{ "CLOSE", cmd_close, IN_SELECTED, false, false, false },
	{ "COMPRESS", cmd_compress, ANY, false, false, false },
	{ "COPY", cmd_copy, IN_SELECTED, false, true, true },
	{ "CREATE", cmd_create, ANY, false, false, false },
	{ "DELETE", cmd_delete, ANY, false, false, false },
	{ "DELETEACL", cmd_deleteacl, ANY, false, false, false },
	{ "ENABLE", cmd_enable, ANY, false, false, false },
	{ "ESEARCH", cmd_esearch, ANY, false, true, false },
	{ "EXAMINE", cmd_examine, ANY, false, false, false },
	{ "EXPUNGE", cmd_expunge, IN_SELECTED, true, true, false },
	{ "FETCH", cmd_fetch, IN_SELECTED, false, true, true },
	{ "GETACL", cmd_getacl, ANY, false, false, false },
	{ "GETMETADATA", cmd_getmetadata, ANY, false, false, false },
	{ "GETQUOTA", cmd_getquota, ANY, false, false, false },
	{ "GETQUOTAROOT", cmd_getquotaroot, ANY, false, false, false },
	{ "ID", cmd_id, ANY, false, false, false },
	{ "IDLE", cmd_idle, ANY, false, false, false },
	{ "LIST", cmd_list, ANY, false, false, false },
	{ "LISTRIGHTS", cmd_listrights, ANY, false, false, false },
	{ "LOGOUT", cmd_logout, ANY, false, false, false },
	{ "LSUB", cmd_lsub, ANY, false, false, false },
	{ "MOVE", cmd_move, IN_SELECTED, true, true, true },
	{ "MYRIGHTS", cmd_myrights, ANY, false, false, false },
	{ "NAMESPACE", cmd_namespace, ANY, false, false, false },
	{ "NOOP", cmd_noop, ANY, false, false, false },
	{ "NOTIFY", cmd_notify, ANY, false, false, false },
	{ "RENAME", cmd_rename, ANY, false, false, false },
	{ "REPLACE", cmd_append, IN_SELECTED, true, true, true },
	{ "SEARCH", cmd_search, IN_SELECTED, false, true, true },
	{ "SELECT", cmd_select, ANY, false, false, false },
	{ "SETACL", cmd_setacl, ANY, false, false, false },
	{ "SETMETADATA", cmd_setmetadata, ANY, false, false, false },
	{ "SETQUOTA", cmd_setquota, ANY, false, false, false },
	{ "SORT", cmd_sort, IN_SELECTED, false, true, true },
	{ "STATUS", cmd_status, ANY, false, false, false },
	{ "STORE", cmd_store, IN_SELECTED, true, true, true },
	{ "SUBSCRIBE", cmd_subscribe, ANY, false, false, false },
	{ "THREAD", cmd_thread, IN_SELECTED, false, true, true },
	{ "UNAUTHENTICATE", cmd_unauthenticate, ANY, false, false, false },
	{ "UNSELECT", cmd_unselect, IN_SELECTED, false, false, false },
	{ "UNSUBSCRIBE", cmd_unsubscribe, ANY, false, false, false },
};

static const struct command_row *
row_find(struct slice name)
{
	for (size_t i = 0; i < LEN(rows); i++)
		if (slice_ieq(name, slice_str(rows[i].name)))
			return &rows[i];
	return NULL;
}

/* Reads "tag SP [UID SP] name" and finds the row. */
static int
parse_name(struct command *c)
{
	struct parser *p = &c->p;
	struct slice name;

	if (parse_sp(p) == -1 || parse_atom(p, &name) == -1)
		return parse_fail(p, "Missing command");
	if (slice_ieq(name, S("UID"))) {
		c->uid = true;
		if (parse_sp(p) == -1 || parse_atom(p, &name) == -1)
			return -1;
	}
	c->row = row_find(name);
	if (c->row == NULL || (c->uid && !c->row->uid))
		return parse_fail(p, "Unknown command");
	return 0;
}

enum verdict
command_dispatch(struct command *c)
{
	const struct session *s = c->session;
	unsigned state = s->view != NULL ? IN_SELECTED : IN_AUTH;

	c->p = parser_of(buf_slice(&c->text), &c->arena);
	c->p.utf8 = s->utf8;
	c->p.uidonly = s->uidonly;
	if (parse_tag(&c->p, &c->tag) == -1) {
		c->tag = S("*");
		return CMD_BAD;
	}
	if (parse_name(c) == -1)
		return CMD_BAD;
	if (c->row->numbers && !c->uid && s->uidonly) {
		parse_uid_required(&c->p);
		return CMD_BAD;
	}
	if ((c->row->states & state) == 0) {
		parse_fail(&c->p, "No mailbox selected");
		return CMD_BAD;
	}
	if (c->row->writes && s->view->read_only) {
		command_no(c, "[READ-ONLY] The mailbox was opened read-only.");
		return CMD_DONE;
	}
	return c->row->handler(c);
}

bool
command_should_yield(struct command *c)
{
	return c->out.n >= YIELD_BYTES || now_mono_ms() >= c->slice_end;
}

static void
reply(struct command *c, const char *word, const char *text)
{
	if (!c->silent)
		buf_addf(&c->out, "%.*s %s %s\r\n", SLICE_ARG(c->tag), word,
		    text);
}

void
command_ok(struct command *c, const char *text)
{
	reply(c, "OK", text);
}

void
command_no(struct command *c, const char *text)
{
	reply(c, "NO", text);
}

void
command_bad(struct command *c, const char *text)
{
	c->bad = true;
	reply(c, "BAD", text);
}

static void
put_limit(struct command *c)
{
	buf_addf(&c->out, "[MESSAGELIMIT %llu",
	    (unsigned long long)c->session->worker->conf.message_limit);
	if (c->cut != 0)
		buf_addf(&c->out, " %u", c->cut);
	buf_adds(&c->out, "] ");
}

void
command_completed(struct command *c)
{
	if (c->silent)
		return;
	if (c->issued)
		command_tell_cut(c);
	buf_addf(&c->out, "%.*s OK ", SLICE_ARG(c->tag));
	/* RFC 5530: why the numbers still count what is gone. */
	if (c->issued)
		buf_adds(&c->out, "[EXPUNGEISSUED] ");
	else if (c->cut != 0)
		put_limit(c);
	buf_addf(&c->out, "%s completed.\r\n", c->row->name);
}

void
command_completed_modseq(struct command *c, uint64_t modseq)
{
	command_tell_cut(c);
	buf_addf(&c->out, "%.*s OK [HIGHESTMODSEQ %llu] %s completed.\r\n",
	    SLICE_ARG(c->tag), (unsigned long long)modseq, c->row->name);
}

void
command_cut(struct command *c, struct store_set *set)
{
	c->cut = view_cut(c->session->view, set,
	    c->session->worker->conf.message_limit);
}

void
command_tell_cut(struct command *c)
{
	if (c->cut == 0 || c->silent)
		return;
	buf_adds(&c->out, "* NO ");
	put_limit(c);
	buf_adds(&c->out, "The other messages were left out.\r\n");
}

bool
command_exceeds(struct command *c, uint64_t n)
{
	if (n <= c->session->worker->conf.message_limit)
		return false;
	buf_addf(&c->out, "%.*s NO ", SLICE_ARG(c->tag));
	put_limit(c);
	buf_adds(&c->out, "Too many messages for one command.\r\n");
	return true;
}

void
command_progress(struct command *c, uint64_t done, uint64_t total)
{
	uint64_t now = now_mono_ms();

	if (c->progress_at == 0)
		c->progress_at = now;
	if (now - c->progress_at < PROGRESS_MS || c->silent)
		return;
	c->progress_at = now;
	buf_adds(&c->out, "* OK [INPROGRESS (");
	/* The tag is a quoted string in a code, which "]" would end. */
	if (slice_find(c->tag, ']') == -1)
		out_quoted(&c->out, c->tag);
	else
		buf_adds(&c->out, "NIL");
	if (total > 0)
		buf_addf(&c->out, " %llu %llu)] Still at it.\r\n",
		    (unsigned long long)done, (unsigned long long)total);
	else
		buf_adds(&c->out, " NIL NIL)] Still at it.\r\n");
}

void
command_failed(struct command *c, enum store_err err)
{
	command_no(c, out_store_err(err, false));
}

void
command_failed_target(struct command *c, struct slice name,
    enum store_err err)
{
	/* Others' mailboxes are not for the client to create. */
	command_no(c, out_store_err(err, box_separator(name) == '.'));
}

void
command_own(struct command *c, uint64_t modseq, const struct store_set *set)
{
	c->own_set = set;
	/* More than fit are told again by refresh, which is allowed. */
	if (c->n_own == COMMAND_OWN) {
		memmove(c->own, c->own + 1,
		    (COMMAND_OWN - 1) * sizeof(c->own[0]));
		c->n_own--;
	}
	c->own[c->n_own++] = modseq;
}

void
command_refresh(struct command *c, bool expunge, bool sync)
{
	struct session *s = c->session;
	struct view_report how = {
		.expunge = expunge,
		.sync = sync,
		.condstore = s->condstore,
		.qresync = s->qresync,
		.own = c->own,
		.n_own = c->n_own,
		.own_set = c->own_set,
		.changed = context_changes(s),
		.arrived = context_arrivals(s),
		.gone = s->contexts != NULL ? context_gone : NULL,
		.arg = s,
		.issued = &c->issued,
	};

	if (!box_selected_has(s, ACL_READ) || !notify_allows(c, &how))
		return;
	if (view_refresh(s->view, &how, &c->out) == STORE_NO_MAILBOX)
		c->vanished = true;
	context_update(c);
}

void
command_enable_condstore(struct command *c)
{
	struct session *s = c->session;

	if (s->condstore)
		return;
	s->condstore = true;
	/* RFC 7162 3.1.2: the first enabling command tells it. */
	if (s->view != NULL)
		buf_addf(&c->out, "* OK [HIGHESTMODSEQ %llu] Highest.\r\n",
		    (unsigned long long)s->view->modseq);
}

int
command_set(struct command *c, struct store_set *out)
{
	struct seq_set set;

	if (parse_sequence(&c->p, &set) == -1)
		return -1;
	return view_resolve(c->session->view, &set, c->uid, out, &c->p.why);
}
