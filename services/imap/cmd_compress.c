/*
 * COMPRESS (RFC 4978), and what a session does with it. The streams are
 * zip.c's; session.c switches them on behind the tagged OK.
 */
#include "services/imap/session.h"

/* What does not shrink grows by some bytes a block. */
#define OUT_MAX (512u << 20)

enum verdict
cmd_compress(struct command *c)
{
	struct slice algorithm;

	if (parse_sp(&c->p) == -1 || parse_atom(&c->p, &algorithm) == -1 ||
	    parse_end(&c->p) == -1)
		return CMD_BAD;
	if (!slice_ieq(algorithm, S("DEFLATE"))) {
		parse_fail(&c->p, "Unknown compression");
		return CMD_BAD;
	}
	if (c->session->zip != NULL) {
		command_no(c, "[COMPRESSIONACTIVE] DEFLATE is active already.");
		return CMD_DONE;
	}
	c->compress = true;
	command_ok(c, "DEFLATE active.");
	return CMD_DONE;
}

static void
put_to_sleep(struct session *s)
{
	list_remove(&s->zip_link);
	s->worker->zips--;
	zip_sleep(s->zip);
	mem_trim_after(&s->worker->zips_most, s->worker->zips);
}

/* At work: it sleeps when it was not for a while, or when too many are. */
static void
touch(struct session *s)
{
	struct worker *w = s->worker;

	s->zip_used_at = loop_now(w->loop);
	if (list_is_empty(&s->zip_link))
		mem_trim_after(&w->zips_most, ++w->zips);
	list_remove(&s->zip_link);
	list_push(&w->zippers, &s->zip_link);
	if (w->zips > LIMIT_IMAP_ZIPS)
		put_to_sleep(LIST_FIRST(&w->zippers, struct session,
		    zip_link));
}

void
session_zip_idle(struct worker *w, uint64_t before)
{
	struct session *s;

	while ((s = LIST_FIRST(&w->zippers, struct session, zip_link)) !=
	    NULL && s->zip_used_at < before)
		put_to_sleep(s);
}

void
session_zip_free(struct session *s)
{
	if (!list_is_empty(&s->zip_link))
		s->worker->zips--;
	list_remove(&s->zip_link);
	zip_free(s->zip);
	buf_release(&s->plain);
}

void
session_send(struct session *s, struct slice text)
{
	struct buf out = BUF_INIT(OUT_MAX);

	if (s->conn == NULL)
		return;
	if (s->zip == NULL) {
		conn_write_slice(s->conn, text);
		return;
	}
	touch(s);
	zip_deflate(s->zip, text, &out);
	conn_write_slice(s->conn, buf_slice(&out));
	buf_release(&out);
}

size_t
session_inflate(struct session *s, struct slice in)
{
	const char *why;
	ssize_t used;

	touch(s);
	used = zip_inflate(s->zip, in, &s->plain, &s->zip_more, &why);
	if (s->plain.n == 0)
		buf_release(&s->plain);
	if (used != -1)
		return (size_t)used;
	s->zip_more = false;
	buf_release(&s->plain);
	session_bye(s, why);
	return in.n;
}
