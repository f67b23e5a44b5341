/*
 * APPEND (RFC 3501 6.3.11), MULTIAPPEND (RFC 3502), APPENDUID (RFC 4315),
 * binary messages (RFC 3516 4.4). The message goes to the store in pieces as
 * it arrives; the OK is sent when it is on disk (law 2).
 */
#include "mail/date.h"
#include "mail/unbinary.h"
#include "services/imap/name.h"
#include "services/imap/session.h"

#define CHUNK 262144

struct append {
	struct store_append *open;
	struct slice mailbox;
	struct buf chunk;          /* received, not yet given to the store */
	struct unbinary *filter;   /* of a literal8, or NULL */
	struct flag_list flags;
	struct store_append_meta meta; /* of the message being received */
	struct store_append_meta next; /* of the one announced behind it */
	uint64_t size;             /* of the announced literal */
	bool sync;
	bool binary;               /* it is a literal8 */
	size_t count;
	enum store_err err;
};

static void
append_release(void *state)
{
	struct append *a = state;

	if (a->open != NULL)
		store_append_abort(a->open);
	if (a->filter != NULL)
		unbinary_release(a->filter);
	mem_free(a->filter);
	buf_release(&a->chunk);
}

enum verdict
cmd_append(struct command *c)
{
	/* One with a message does not come here: see append_wants. */
	parse_fail(&c->p, "Expected a message literal");
	return CMD_BAD;
}

/* Cuts "tag APPEND " off; false if it is another command. */
static bool
parse_start(struct parser *p, struct slice *tag)
{
	struct slice name;

	return parse_tag(p, tag) == 0 && parse_sp(p) == 0 &&
	    parse_atom(p, &name) == 0 && slice_ieq(name, S("APPEND")) &&
	    parse_sp(p) == 0;
}

bool
append_wants(const struct command *c)
{
	struct parser p = parser_of(buf_slice(&c->text), NULL);
	struct slice tag;

	if (!parse_start(&p, &tag))
		return false;
	/* The only other literal is the mailbox name, the first of all. */
	return c->line_start > 0 || parse_peek(&p) != '{';
}

bool
append_is_running(const struct command *c)
{
	return c->row != NULL && c->row->handler == cmd_append;
}

/* "[SP flag-list] [SP date-time] SP" up to the literal's header. */
static int
parse_meta(struct parser *p, struct append *a)
{
	struct slice text;
	struct date date;

	a->next = (struct store_append_meta){ 0 };
	a->flags = (struct flag_list){ 0 };
	if (parse_sp(p) == -1)
		return -1;
	if (parse_peek(p) == '(' &&
	    (parse_flags(p, false, &a->flags) == -1 || parse_sp(p) == -1))
		return -1;
	if (parse_peek(p) == '"') {
		if (parse_string(p, &text) == -1 || parse_sp(p) == -1)
			return -1;
		if (date_parse_imap(text, &date) == -1)
			return parse_fail(p, "Invalid date-time");
		a->next.internaldate = date.epoch;
	}
	a->next.flags = a->flags.flags;
	a->next.keywords = a->flags.keywords;
	a->next.n_keywords = a->flags.n;
	a->binary = parse_try(p, '~');
	if (parse_peek(p) != '{')
		return parse_fail(p, "Expected a message literal");
	return 0;
}

static void
refuse(struct command *c, uint64_t size, bool sync)
{
	/* The literal that is skipped belongs to no message any more. */
	c->row = NULL;
	input_refuse(c->session, size, sync);
}

/* ---- the store's part ----------------------------------------------------- */

/* The chunk, or the end of a message, through the filter. */
static void
feed_filtered(struct append *a, bool end)
{
	struct buf out = BUF_INIT(2 * CHUNK + 2 * LIMIT_HEADER_BYTES);

	unbinary_feed(a->filter, buf_slice(&a->chunk), &out);
	if (end)
		unbinary_end(a->filter, &out);
	(void)store_append_data(a->open, buf_slice(&out));
	buf_release(&out);
	if (!end)
		return;
	unbinary_release(a->filter);
	mem_free(a->filter);
	a->filter = NULL;
}

/* An error is sticky: the commit tells it. */
static void
feed(struct append *a, bool end)
{
	if (a->filter != NULL)
		feed_filtered(a, end);
	else
		(void)store_append_data(a->open, buf_slice(&a->chunk));
	buf_clear(&a->chunk);
}

static enum step
open_step(struct command *c)
{
	struct append *a = c->state;

	a->err = store_append_begin(c->session->store, a->mailbox, false,
	    &a->open);
	if (a->err != STORE_OK)
		a->open = NULL;
	else
		a->err = store_append_fits(a->open, a->size);
	return STEP_DONE;
}

static enum step
feed_step(struct command *c)
{
	feed(c->state, false);
	return STEP_DONE;
}

static void
end_message(struct append *a)
{
	feed(a, true);
	(void)store_append_message(a->open, &a->meta);
}

/* Another message is announced, which may be too much. */
static enum step
message_step(struct command *c)
{
	struct append *a = c->state;

	end_message(a);
	a->err = store_append_fits(a->open, a->size);
	return STEP_DONE;
}

static enum step
commit_step(struct command *c)
{
	struct append *a = c->state;
	struct store_appended done;
	enum store_err err;

	end_message(a);
	err = store_append_commit(a->open, &done);
	a->open = NULL;
	if (err == STORE_OK) {
		c->touched = true;
		c->session->appended += done.n;
	}
	command_refresh(c, true, false);
	if (err != STORE_OK) {
		command_failed_target(c, err);
	} else if (done.n > 1) {
		buf_addf(&c->out, "%.*s OK [APPENDUID %u %u:%u] "
		    "APPEND completed.\r\n", SLICE_ARG(c->tag),
		    done.uidvalidity, done.first_uid,
		    done.first_uid + done.n - 1);
	} else {
		buf_addf(&c->out, "%.*s OK [APPENDUID %u %u] "
		    "APPEND completed.\r\n", SLICE_ARG(c->tag),
		    done.uidvalidity, done.first_uid);
	}
	return STEP_DONE;
}

/* ---- the dialogue --------------------------------------------------------- */

/* The next bytes are the announced message. */
static void
accept_message(struct command *c)
{
	struct session *s = c->session;
	struct append *a = c->state;

	a->meta = a->next;
	a->count++;
	if (a->binary) {
		a->filter = mem_alloc(sizeof(*a->filter));
		unbinary_init(a->filter);
	}
	if (a->sync)
		session_send(s, S("+ OK\r\n"));
	buf_clear(&c->text);
	c->line_start = 0;
	s->literal_left = a->size;
	s->mode = INPUT_APPEND;
	session_resume(s);
}

static void
opened(struct command *c)
{
	struct append *a = c->state;

	if (a->err == STORE_OK) {
		accept_message(c);
		return;
	}
	command_failed_target(c, a->err);
	refuse(c, a->size, a->sync);
}

/* True if the announced message may come; else it is refused. */
static bool
check_size(struct command *c, uint64_t size, bool sync)
{
	const struct append *a = c->state;

	if (size == 0)
		command_no(c, "[CANNOT] The message is empty.");
	else if (size > LIMIT_IMAP_APPEND)
		command_no(c, "[TOOBIG] The message is too large.");
	else if (a->count >= LIMIT_IMAP_APPENDS)
		command_no(c, "[LIMIT] Too many messages.");
	else
		return true;
	refuse(c, size, sync);
	return false;
}

void
append_begin(struct command *c, uint64_t size, bool sync)
{
	static const struct command_row row = { .name = "APPEND",
		.handler = cmd_append };
	struct append *a = COMMAND_STATE(c, struct append);

	buf_init(&a->chunk, CHUNK);
	c->release = append_release;
	c->row = &row;
	/* A copy, because the text is used again for what follows. */
	c->p = parser_of(arena_slice(&c->arena, buf_slice(&c->text)),
	    &c->arena);
	c->p.utf8 = c->session->utf8;
	if (!parse_start(&c->p, &c->tag) ||
	    name_parse(c, &a->mailbox) == -1 ||
	    parse_meta(&c->p, a) == -1) {
		command_bad(c, c->p.why);
		refuse(c, size, sync);
		return;
	}
	if (!check_size(c, size, sync))
		return;
	a->size = size;
	a->sync = sync;
	c->step = open_step;
	c->after = opened;
	session_work(c->session);
}

static void
fed(struct command *c)
{
	session_resume(c->session);
}

size_t
append_data(struct command *c, struct slice in)
{
	struct session *s = c->session;
	struct append *a = c->state;
	size_t room = CHUNK - a->chunk.n;
	size_t n = in.n < room ? in.n : room;

	buf_add(&a->chunk, in.p, n);
	s->literal_left -= n;
	if (s->literal_left == 0) {
		s->mode = INPUT_LINE;
	} else if (a->chunk.n == CHUNK) {
		c->step = feed_step;
		c->after = fed;
		session_work(s);
	}
	return n;
}

static void
next_message(struct command *c)
{
	struct append *a = c->state;

	if (a->err != STORE_OK) {
		command_failed_target(c, a->err);
		refuse(c, a->size, a->sync);
	} else if (check_size(c, a->size, a->sync)) {
		accept_message(c);
	}
}

void
append_line(struct command *c, struct slice line, bool literal, uint64_t size,
    bool sync)
{
	struct append *a = c->state;

	if (line.n == 0) {
		c->step = commit_step;
		c->after = NULL;
		session_work(c->session);
		return;
	}
	c->p = parser_of(arena_slice(&c->arena, line), &c->arena);
	if (!literal || parse_meta(&c->p, a) == -1) {
		command_bad(c, "Unexpected text behind the message");
		if (literal) {
			refuse(c, size, sync);
			return;
		}
		session_done(c->session);
		return;
	}
	a->size = size;
	a->sync = sync;
	c->step = message_step;
	c->after = next_message;
	session_work(c->session);
}
