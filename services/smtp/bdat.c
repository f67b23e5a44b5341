/*
 * BDAT (RFC 3030 2). The octets of a chunk are taken off the stream whether
 * the command was good or not, so they can never be read as commands.
 */
#include "services/smtp/command.h"

#include "core/num.h"
#include "services/smtp/reply.h"

/* "86 LAST" */
static int
parse(struct slice args, uint64_t *octets, bool *last)
{
	struct slice number, word;

	*last = false;
	if (!slice_word(&args, &number) ||
	    num_u64(number, INT64_MAX, octets) == -1)
		return -1;
	if (!slice_word(&args, &word))
		return 0;
	*last = slice_ieq(word, S("LAST"));
	return *last && !slice_word(&args, &word) ? 0 : -1;
}

/* Where the next command begins is unknown: the only safe way is out. */
static void
bad_syntax(struct session *s)
{
	reply(s, "501 5.5.4 Syntax: BDAT count [LAST]");
	session_close(s, "bad BDAT");
}

static void
chunk_end(struct session *s)
{
	struct transaction *t = &s->t;

	if (s->chunk_last) {
		body_finish(&t->body, t->fd);
		transaction_commit(s);
	} else if (body_fault(&t->body) != NULL) {
		/* The client need not send the rest. */
		reply_reject(s, "BDAT", S(""), "%s", body_fault(&t->body));
		session_reset(s);
	} else {
		session_enter(s, SMTP_BDAT);
		reply(s, "250 2.0.0 Ok");
	}
}

static void
begin(struct session *s)
{
	if (s->state == SMTP_RCPT) {
		body_init(&s->t.body, s->server->conf->message_size_limit,
		    true);
		s->t.until = loop_now(service_loop(s->server->service)) +
		    LIMIT_SMTP_DATA_MS;
	}
	session_enter(s, SMTP_CHUNK);
	if (s->chunk_left == 0)
		chunk_end(s);
}

void
smtp_cmd_bdat(struct session *s, struct slice args)
{
	if (parse(args, &s->chunk_left, &s->chunk_last) == -1) {
		s->chunk_left = 0;
		bad_syntax(s);
		return;
	}
	transaction_need_file(s, begin);
}

void
bdat_skip(struct session *s, struct slice args)
{
	if (parse(args, &s->chunk_left, &s->chunk_last) == -1) {
		s->chunk_left = 0;
		session_close(s, "bad BDAT");
	}
}

size_t
bdat_input(struct session *s, struct slice in)
{
	if (in.n > s->chunk_left)
		in = slice_head(in, (size_t)s->chunk_left);
	s->chunk_left -= body_take(&s->t.body, s->t.fd, in);
	if (s->chunk_left == 0)
		chunk_end(s);
	return in.n;
}

size_t
bdat_skip_input(struct session *s, struct slice in)
{
	if (in.n > s->chunk_left)
		in = slice_head(in, (size_t)s->chunk_left);
	s->chunk_left -= in.n;
	return in.n;
}
