/*
 * APPEND (RFC 3501 6.3.11), MULTIAPPEND (RFC 3502), APPENDUID (RFC 4315),
 * binary messages (RFC 3516 4.4), CATENATE (RFC 4469); and REPLACE (RFC 8508),
 * which is an APPEND that ends with the old message gone. The message goes to
 * the store in pieces as it arrives; the OK is sent when it is on disk (law 2).
 *
 * The arguments come in pieces, too (append_parse.h): each is read on the
 * loop, then a step does what it says, and then either the literal that ends
 * it may come or, with the last piece, all of it is committed.
 */
#include "mail/unbinary.h"
#include "services/imap/append_parse.h"
#include "services/imap/append_url.h"
#include "services/imap/box.h"
#include "services/imap/name.h"
#include "services/imap/session.h"

#define CHUNK 262144
#define ARGUMENTS_MAX (4 * LIMIT_IMAP_COMMAND) /* of all pieces */
#define URL_TOLD 1000 /* octets of a bad URL that are repeated */

struct append {
	struct append_start start;
	uint32_t uid;              /* of the message that is replaced */
	unsigned rights;           /* in mailbox */
	struct append_parse parse;
	size_t op;                 /* the next one to do */
	struct store_append *open;
	struct slice mailbox;
	struct buf chunk;          /* received, not yet given to the store */
	struct unbinary *filter;   /* of a literal8, or NULL */
	struct append_source source; /* the URL that is being copied */
	struct store_append_meta meta; /* of the message being made */
	uint64_t total;            /* its octets so far */
	uint64_t size;             /* of the literal that ends the piece */
	bool literal;              /* there is one */
	bool sync;
	size_t count;              /* messages begun */
	enum store_err err;
	const char *no;            /* why it is refused, otherwise */
};

static void
filter_end(struct append *a)
{
	if (a->filter != NULL)
		unbinary_release(a->filter);
	mem_free(a->filter);
	a->filter = NULL;
}

static void
append_release(void *state)
{
	struct append *a = state;

	append_source_close(&a->source);
	if (a->open != NULL)
		store_append_abort(a->open);
	filter_end(a);
	buf_release(&a->chunk);
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
	if (end)
		filter_end(a);
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

/* Refuses what would be too much, before it comes or is copied. */
static void
check_size(struct append *a, uint64_t more)
{
	if (more > LIMIT_IMAP_APPEND - a->total)
		a->no = "[TOOBIG] The message is too large.";
	else
		a->err = store_append_fits(a->open, a->total + more);
	a->total += more;
}

static void
begin_message(struct command *c, const struct append_op *op)
{
	struct append *a = c->state;
	const uint64_t limit = c->session->worker->conf.message_limit;

	a->meta = op->meta;
	/* RFC 4314 section 4: what may not be set is left away. */
	box_limit_flags(a->rights, &a->meta.flags, &a->meta.n_keywords);
	a->total = 0;
	if (++a->count > LIMIT_IMAP_APPENDS)
		a->no = "[LIMIT] Too many messages.";
	else if (a->count > limit)
		a->no = arena_printf(&c->arena, "[MESSAGELIMIT %llu] Too many "
		    "messages.", (unsigned long long)limit);
	if (!op->binary)
		return;
	a->filter = mem_alloc(sizeof(*a->filter));
	unbinary_init(a->filter);
}

static void
end_message(struct append *a)
{
	feed(a, true);
	if (a->total == 0)
		a->no = "[CANNOT] The message is empty.";
	(void)store_append_message(a->open, &a->meta);
}

/* RFC 4469 4.1; url-resp-text holds no "]", "\" or control. */
static const char *
bad_url(struct command *c, struct slice url)
{
	char *text = arena_printf(&c->arena, "[BADURL %.*s] The URL names "
	    "nothing here.", SLICE_ARG(slice_head(url, URL_TOLD)));
	char *end = strrchr(text, ']');

	for (char *p = text + 1; p < end; p++)
		if (*p == ']' || *p == '\\' || (unsigned char)*p < ' ')
			*p = '?';
	return text;
}

/* True when all of it is copied, or it cannot be. */
static bool
copy_url(struct command *c, struct slice url)
{
	struct append *a = c->state;

	if (!a->source.open) {
		if (append_source_open(&a->source, c, url) == -1)
			a->no = bad_url(c, url);
		else
			check_size(a, a->source.section.left);
	}
	while (a->no == NULL && a->err == STORE_OK &&
	    append_source_copy(&a->source, a->open))
		if (command_should_yield(c))
			return false;
	append_source_close(&a->source);
	return true;
}

/* False if it is to go on later. */
static bool
do_op(struct command *c, const struct append_op *op)
{
	struct append *a = c->state;

	switch (op->kind) {
	case APPEND_BEGIN:
		begin_message(c, op);
		break;
	case APPEND_URL:
		feed(a, false);
		return copy_url(c, op->url);
	case APPEND_LITERAL:
		check_size(a, a->size);
		break;
	case APPEND_END:
		end_message(a);
		break;
	}
	return true;
}

static void
put_appenduid(struct buf *out, const struct store_appended *done)
{
	buf_addf(out, "OK [APPENDUID %u %u", done->uidvalidity,
	    done->first_uid);
	if (done->n > 1)
		buf_addf(out, ":%u", done->first_uid + done->n - 1);
	buf_adds(out, "] ");
}

/* RFC 8508 4.3: the new UID is told before the old message goes. */
static void
finish_replace(struct command *c, const struct store_appended *done)
{
	struct session *s = c->session;

	s->expunged++;
	buf_adds(&c->out, "* ");
	put_appenduid(&c->out, done);
	buf_adds(&c->out, "The new message is there.\r\n");
	command_refresh(c, true, false);
	if (s->qresync)
		command_completed_modseq(c, s->view->modseq);
	else
		command_completed(c);
}

static void
commit(struct command *c)
{
	struct append *a = c->state;
	struct store_appended done;
	enum store_err err = store_append_commit(a->open, &done);

	a->open = NULL;
	if (err == STORE_OK) {
		c->touched = true;
		c->session->appended += done.n;
	}
	if (err == STORE_OK && a->start.replace) {
		finish_replace(c, &done);
		return;
	}
	command_refresh(c, true, false);
	if (err != STORE_OK) {
		command_failed_target(c, a->mailbox, err);
		return;
	}
	buf_addf(&c->out, "%.*s ", SLICE_ARG(c->tag));
	put_appenduid(&c->out, &done);
	buf_adds(&c->out, "APPEND completed.\r\n");
}

static bool
is_refused(const struct append *a)
{
	return a->no != NULL || a->err != STORE_OK;
}

static void
open_append(struct command *c)
{
	struct append *a = c->state;
	struct box box;

	a->err = box_find(c, a->mailbox, ACL_INSERT, &box);
	/* RFC 8508 section 4.1 */
	if (a->err == STORE_OK && a->start.replace &&
	    !box_selected_has(c->session, ACL_WRITE_DELETED | ACL_EXPUNGE))
		a->err = STORE_NO_RIGHT;
	a->rights = box.rights;
	if (a->err == STORE_OK)
		a->err = store_append_begin(box.user, box.name, false,
		    &a->open);
	if (a->err != STORE_OK)
		a->open = NULL;
	else if (a->start.replace)
		a->err = store_append_replaces(a->open,
		    c->session->view->mailbox, a->uid);
}

static enum step
append_step(struct command *c)
{
	struct append *a = c->state;

	if (a->open == NULL && !is_refused(a))
		open_append(c);
	while (!is_refused(a) && a->op < a->parse.n) {
		if (!do_op(c, &a->parse.ops[a->op]))
			return STEP_MORE;
		a->op++;
	}
	if (!is_refused(a) && !a->literal)
		commit(c);
	return STEP_DONE;
}

/* ---- the dialogue --------------------------------------------------------- */

/* The reply is in out. */
static void
refuse(struct command *c)
{
	const struct append *a = c->state;

	/* The literal that is skipped belongs to no message any more. */
	c->row = NULL;
	if (a->literal)
		input_refuse(c->session, a->size, a->sync);
	else
		session_done(c->session);
}

static void
append_after(struct command *c)
{
	struct session *s = c->session;
	struct append *a = c->state;

	if (a->no != NULL)
		command_no(c, a->no);
	else if (a->err != STORE_OK)
		command_failed_target(c, a->mailbox, a->err);
	if (is_refused(a)) {
		refuse(c);
		return;
	}
	if (!a->literal) {
		session_done(s);
		return;
	}
	/* The next bytes are the literal. */
	if (a->sync)
		session_send(s, S("+ OK\r\n"));
	buf_clear(&c->text);
	c->line_start = 0;
	s->literal_left = a->size;
	s->mode = a->size > 0 ? INPUT_APPEND : INPUT_LINE;
	session_resume(s);
}

/* How the piece ends: a refusal must know, too, what is to be skipped. */
static void
set_literal(struct append *a, bool literal, uint64_t size, bool sync)
{
	a->literal = literal;
	a->size = size;
	a->sync = sync;
}

/* Reads a piece, which p has; -1 with the parser's reason. */
static int
read_piece(struct command *c, bool literal)
{
	struct append *a = c->state;

	a->op = 0;
	if (c->arena.total > ARGUMENTS_MAX)
		return parse_fail(&c->p, "[TOOBIG] Too many arguments");
	if (append_parse_piece(&c->p, &a->parse, literal) == -1)
		return -1;
	c->step = append_step;
	c->after = append_after;
	return 0;
}

/* The piece without its line end; a copy, because the text is used again. */
static struct parser
piece_parser(struct command *c)
{
	struct slice text = buf_slice(&c->text);
	struct parser p;

	if (slice_ends(text, S("\n")))
		text.n--;
	if (slice_ends(text, S("\r")))
		text.n--;
	p = parser_of(arena_slice(&c->arena, text), &c->arena);
	p.utf8 = c->session->utf8;
	p.uidonly = c->session->uidonly;
	return p;
}

/* Which message REPLACE means. */
static int
find_replaced(struct command *c, struct append *a)
{
	const struct view *v = c->session->view;
	uint32_t n = a->start.number;

	a->parse.single = true;
	if (v == NULL)
		return parse_fail(&c->p, "No mailbox selected");
	if (c->p.uidonly && !a->start.uid)
		return parse_uid_required(&c->p);
	if (v->read_only)
		a->no = "[READ-ONLY] The mailbox was opened read-only.";
	if (!a->start.uid && n == 0)
		n = (uint32_t)v->n;
	if (n == 0 || (!a->start.uid && n > v->n))
		return parse_fail(&c->p, "Invalid message number");
	a->uid = a->start.uid ? n : v->uids[n - 1];
	if (view_seq(v, a->uid) == 0)
		a->err = STORE_NO_MESSAGE;
	return 0;
}

static int
read_first(struct command *c, bool literal, uint64_t size, bool sync)
{
	static const struct command_row row = { .name = "APPEND",
		.handler = cmd_append };
	static const struct command_row row_replace = { .name = "REPLACE",
		.handler = cmd_append };
	struct append *a = COMMAND_STATE(c, struct append);

	buf_init(&a->chunk, CHUNK);
	set_literal(a, literal, size, sync);
	c->release = append_release;
	c->row = &row;
	c->p = piece_parser(c);
	if (append_parse_start(&c->p, &a->start) == -1)
		return -1;
	c->tag = a->start.tag;
	if (a->start.replace) {
		c->row = &row_replace;
		c->uid = a->start.uid;
		if (find_replaced(c, a) == -1)
			return -1;
	}
	if (name_parse(c, &a->mailbox) == -1)
		return -1;
	return read_piece(c, literal);
}

/* One without a message literal: all of it is in one piece. */
enum verdict
cmd_append(struct command *c)
{
	return read_first(c, false, 0, false) == -1 ? CMD_BAD : CMD_WORK;
}

static void
go_on(struct command *c, int r)
{
	if (r == 0) {
		session_work(c->session);
		return;
	}
	command_bad(c, c->p.why);
	refuse(c);
}

bool
append_wants(const struct command *c)
{
	struct parser p = parser_of(buf_slice(&c->text), NULL);
	struct append_start start;

	return append_parse_start(&p, &start) == 0 && !append_takes_text(c);
}

bool
append_is_running(const struct command *c)
{
	return c->row != NULL && c->row->handler == cmd_append;
}

bool
append_takes_text(const struct command *c)
{
	struct slice text = buf_slice(&c->text);

	return append_literal_is_text(slice_trim(text), append_is_running(c));
}

void
append_begin(struct command *c, uint64_t size, bool sync)
{
	go_on(c, read_first(c, true, size, sync));
}

void
append_line(struct command *c, bool literal, uint64_t size, bool sync)
{
	c->p = piece_parser(c);
	set_literal(c->state, literal, size, sync);
	go_on(c, read_piece(c, literal));
}

static enum step
feed_step(struct command *c)
{
	feed(c->state, false);
	return STEP_DONE;
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
	if (s->literal_left == 0)
		s->mode = INPUT_LINE;
	if (a->chunk.n == CHUNK) {
		c->step = feed_step;
		c->after = fed;
		session_work(s);
	}
	return n;
}
