/*
 * UNAUTHENTICATE (RFC 8437): the client goes back to login. Nothing of the
 * session is reset; it ends, and whoever logs in next on that connection gets
 * another one.
 *
 * What the client has sent behind the command may be anywhere on its way to
 * us. So login is told to send no more and to end its direction (LEAVE in
 * wire/session.h); all that comes until then is collected and handed back
 * (LEFT). Then the connection is closed as with LOGOUT.
 */
#include "services/imap/session.h"
#include "wire/session.h"

#define LEAVE_MS 30000

struct leaving {
	char *tag;
	struct buf input; /* sent behind the command */
	bool begun;       /* LEAVE is sent */
	bool plain;       /* the input is not compressed, or no longer */
	bool failed;      /* more than we return, or not what it should be */
	bool told;        /* LEFT is sent */
};

static void
tell(struct session *s, uint16_t type, struct slice payload)
{
	if (s->login != NULL)
		(void)chan_send(s->login, type, s->login_id, payload, -1);
}

static void
tell_left(struct session *s, bool ok)
{
	struct leaving *l = s->leaving;
	struct buf b = WIRE_BUF;

	wire_put_bool(&b, ok);
	/* Compressed, the answer had to come from here. */
	wire_put_str(&b, s->zip == NULL ? l->tag : "");
	wire_put_slice(&b, ok ? buf_slice(&l->input) : S(""));
	tell(s, WIRE_SESSION_LEFT, buf_slice(&b));
	l->told = true;
	buf_wipe(&b);
}

enum verdict
cmd_unauthenticate(struct command *c)
{
	struct session *s = c->session;
	struct leaving *l;

	if (parse_end(&c->p) == -1)
		return CMD_BAD;
	/* RFC 8437 section 3: BAD where it is not offered, and never NO. */
	if (!s->worker->conf.unauthenticate) {
		parse_fail(&c->p, "Unknown command");
		return CMD_BAD;
	}
	l = mem_zero(sizeof(*l));
	l->tag = slice_dup(c->tag);
	l->plain = s->zip == NULL;
	buf_init(&l->input, LIMIT_IMAP_RETURNED);
	s->leaving = l;
	return CMD_DONE;
}

/* RFC 8437 section 4.1: our stream ends behind the CRLF of the OK. */
static void
end_compression(struct session *s)
{
	struct buf line = BUF_INIT(LIMIT_IMAP_TAG + 64);
	struct buf out = BUF_INIT(LIMIT_FRAME);

	buf_addf(&line, "%s OK UNAUTHENTICATE completed.\r\n",
	    s->leaving->tag);
	zip_deflate_last(s->zip, buf_slice(&line), &out);
	conn_write_slice(s->conn, buf_slice(&out));
	buf_release(&line);
	buf_release(&out);
}

void
leave_begin(struct session *s)
{
	if (s->zip != NULL)
		end_compression(s);
	s->closing = true;
	s->why = "unauthenticate";
	conn_pause(s->conn);
	session_resume(s);
}

/* What was read already comes first. */
void
leave_collect(struct session *s)
{
	struct buf early = s->early;

	/* More than one round of going on may have been asked for. */
	if (s->leaving->begun)
		return;
	s->leaving->begun = true;
	buf_init(&s->early, LIMIT_FRAME);
	buf_add_slice(&s->leaving->input, buf_slice(&s->plain));
	buf_release(&s->plain);
	leave_input(s, buf_slice(&early));
	buf_release(&early);
	tell(s, WIRE_SESSION_LEAVE, S(""));
	conn_timeout(s->conn, LEAVE_MS);
	conn_resume(s->conn);
}

size_t
leave_input(struct session *s, struct slice in)
{
	struct leaving *l = s->leaving;
	size_t n = in.n;
	const char *why;
	ssize_t r = 0;

	if (!l->plain && !l->failed)
		r = zip_inflate_rest(s->zip, in, &l->input, &l->plain, &why);
	if (r > 0)
		in = slice_from(in, (size_t)r);
	if (l->plain)
		buf_add_slice(&l->input, in);
	if (r == -1 || !buf_ok(&l->input))
		l->failed = true;
	return n;
}

void
leave_end(struct session *s)
{
	if (s->leaving->failed)
		conn_writef(s->conn,
		    "* BYE Too much input behind UNAUTHENTICATE.\r\n");
	else
		tell_left(s, true);
	conn_close(s->conn);
}

void
leave_free(struct session *s)
{
	struct leaving *l = s->leaving;

	if (l == NULL)
		return;
	if (!l->told)
		tell_left(s, false);
	mem_free(l->tag);
	buf_wipe(&l->input); /* it may hold a password */
	mem_free(l);
}
