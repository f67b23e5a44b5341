/*
 * From bytes to commands (RFC 3501 section 4.3, RFC 7888): collects lines and
 * literals within the caps, answers "+", skips what was refused. Every mode
 * uses the bytes it sees at once, so a line that comes in small pieces costs
 * no more than one that comes whole.
 */
#include "services/imap/session.h"

/* Appends up to the line's end to the command; true when it is complete. */
static bool
take_line(struct session *s, struct slice in, size_t *used)
{
	struct command *c = session_command(s);
	ssize_t lf = slice_find(in, '\n');
	size_t n = lf == -1 ? in.n : (size_t)lf + 1;

	*used = n;
	if (c->text.n - c->line_start + n > LIMIT_IMAP_LINE) {
		buf_adds(&c->out, "* BAD Command line too long\r\n");
		session_flush(s);
		session_bye(s, "Command line too long");
		return false;
	}
	buf_add(&c->text, in.p, n);
	if (!buf_ok(&c->text)) {
		session_bye(s, "Command too long");
		return false;
	}
	return lf != -1;
}

/* The last line of the command without its end. */
static struct slice
last_line(const struct command *c)
{
	struct slice line = slice_from(buf_slice(&c->text), c->line_start);

	line.n--;
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

static void
dispatch(struct session *s)
{
	struct command *c = s->cmd;

	/* The parser sees no line end. */
	buf_truncate(&c->text, c->line_start + last_line(c).n);
	switch (command_dispatch(c)) {
	case CMD_WORK:
		session_work(s);
		break;
	case CMD_STAY:
		break;
	case CMD_BAD:
		command_bad(c, c->p.why != NULL ? c->p.why : "Syntax error");
		session_done(s);
		break;
	case CMD_DONE:
		session_done(s);
		break;
	}
}

void
input_refuse(struct session *s, uint64_t size, bool sync)
{
	if (sync) {
		session_done(s);
		return;
	}
	s->literal_left = size;
	s->mode = INPUT_SKIP;
	session_resume(s);
}

static void
begin_literal(struct session *s, uint64_t size, bool sync)
{
	struct command *c = s->cmd;

	if (!append_is_running(c) && append_wants(c)) {
		append_begin(c, size, sync);
		return;
	}
	if (size > LIMIT_IMAP_LITERAL ||
	    c->text.n + size > LIMIT_IMAP_COMMAND) {
		c->p = parser_of(buf_slice(&c->text), &c->arena);
		if (!append_is_running(c) && parse_tag(&c->p, &c->tag) == -1)
			c->tag = S("*");
		if (size <= LIMIT_IMAP_LITERAL || !setmetadata_refuses(c))
			command_bad(c, "[TOOBIG] Literal too large");
		c->row = NULL;
		input_refuse(s, size, sync);
		return;
	}
	if (sync)
		session_send(s, S("+ OK\r\n"));
	s->literal_left = size;
	s->mode = INPUT_LITERAL;
	if (size == 0) {
		c->line_start = c->text.n;
		s->mode = INPUT_LINE;
	}
}

static size_t
input_line(struct session *s, struct slice in)
{
	struct slice line;
	uint64_t size = 0;
	bool literal, sync = false;
	size_t used;

	if (!take_line(s, in, &used))
		return used;
	line = last_line(s->cmd);
	literal = parse_literal_header(line, &size, &sync);
	if (append_is_running(s->cmd) &&
	    !(literal && append_takes_text(s->cmd)))
		append_line(s->cmd, literal, size, sync);
	else if (literal)
		begin_literal(s, size, sync);
	else if (line.n == 0 && s->cmd->line_start == 0)
		buf_clear(&s->cmd->text); /* a stray empty line */
	else
		dispatch(s);
	return used;
}

static size_t
literal_part(struct session *s, struct slice in)
{
	size_t n = in.n < s->literal_left ? in.n : (size_t)s->literal_left;

	s->literal_left -= n;
	return n;
}

static size_t
input_literal(struct session *s, struct slice in)
{
	struct command *c = s->cmd;
	size_t n = literal_part(s, in);

	buf_add(&c->text, in.p, n);
	if (s->literal_left == 0) {
		c->line_start = c->text.n;
		s->mode = INPUT_LINE;
	}
	return n;
}

static size_t
input_skip(struct session *s, struct slice in)
{
	size_t n = literal_part(s, in);

	if (s->literal_left == 0) {
		buf_clear(&s->cmd->text);
		s->cmd->line_start = 0;
		s->mode = INPUT_SKIP_LINE;
	}
	return n;
}

static size_t
input_skip_line(struct session *s, struct slice in)
{
	uint64_t size;
	bool sync;
	size_t used;

	if (!take_line(s, in, &used))
		return used;
	if (parse_literal_header(last_line(s->cmd), &size, &sync) && !sync)
		input_refuse(s, size, false);
	else
		session_done(s);
	return used;
}

static size_t
input_append(struct session *s, struct slice in)
{
	/* append_data counts what it used. */
	if (in.n > s->literal_left)
		in.n = (size_t)s->literal_left;
	return append_data(s->cmd, in);
}

static size_t
input_idle(struct session *s, struct slice in)
{
	struct command *c = s->cmd;
	size_t used;

	if (!take_line(s, in, &used))
		return used;
	idle_line(c, last_line(c));
	return used;
}

static size_t (*const modes[INPUT_MODES])(struct session *, struct slice) = {
	[INPUT_LINE] = input_line,
	[INPUT_LITERAL] = input_literal,
	[INPUT_SKIP] = input_skip,
	[INPUT_SKIP_LINE] = input_skip_line,
	[INPUT_APPEND] = input_append,
	[INPUT_IDLE] = input_idle,
};

size_t
input_take(struct session *s, struct slice in)
{
	return modes[s->mode](s, in);
}
