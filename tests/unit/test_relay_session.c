// part: services/relay
#include "services/relay/session.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include <pthread.h>

#include "core/file.h"
#include "core/log.h"

#include "check.h"

/*
 * The server is a script on a thread, one line a step:
 *	S: text		sends the line
 *	C: text		takes a line, which must be this ("*" at the end: begin
 *			with it)
 *	X		closes
 * The client's side is what the callbacks say, joined into one text.
 */
struct peer_script {
	const char *text;
	int fd;
	char wrong[600]; /* the first step that went otherwise */
};

struct client {
	struct loop *l;
	struct session *s;
	struct message m;
	struct message_rcpt rcpts[3];
	unsigned messages; /* still to send */
	struct buf events;
};

/* One line with its end; false at the end of the stream. */
static bool
read_line(int fd, char *line, size_t size)
{
	size_t n = 0;

	while (n + 1 < size && read(fd, line + n, 1) == 1)
		if (line[n++] == '\n')
			break;
	line[n] = '\0';
	return n > 0;
}

static bool
matches(struct slice got, struct slice want)
{
	if (!slice_ends(got, S("\r\n")))
		return false;
	got.n -= 2;
	if (slice_ends(want, S("*"))) {
		want.n--;
		return slice_starts(got, want);
	}
	return slice_eq(got, want);
}

static void *
play(void *arg)
{
	struct peer_script *p = arg;
	struct slice rest = slice_str(p->text), step;
	char line[1000];

	while (slice_line(&rest, &step)) {
		struct slice text = slice_from(step, 3);

		if (slice_starts(step, S("S"))) {
			struct buf b = BUF_INIT(1000);

			buf_add_slice(&b, text);
			buf_adds(&b, "\r\n");
			(void)!write(p->fd, b.p, b.n);
			buf_release(&b);
		} else if (slice_starts(step, S("C"))) {
			bool more = read_line(p->fd, line, sizeof(line));

			if (more && matches(slice_str(line), text))
				continue;
			snprintf(p->wrong, sizeof(p->wrong),
			    "want \"%.*s\", got \"%.400s\"", SLICE_ARG(text),
			    more ? line : "end");
			break;
		} else {
			break;
		}
	}
	shutdown(p->fd, SHUT_RDWR);
	return NULL;
}

static void
note(struct client *c, const char *what, const struct verdict *v)
{
	static const char *const outcomes[WIRE_OUTCOMES] = { "done", "later",
		"never" };

	buf_addf(&c->events, "%s", what);
	if (v != NULL)
		buf_addf(&c->events, " %s %s", outcomes[v->outcome],
		    v->enhanced);
	buf_adds(&c->events, "; ");
}

static void
on_ready(void *arg)
{
	struct client *c = arg;

	note(c, "ready", NULL);
	session_send(c->s, &c->m);
}

static void
on_failed(void *arg, enum session_failure kind, const struct verdict *v)
{
	static const char *const kinds[] = { "unreachable", "refused", "tls",
		"lost" };
	struct client *c = arg;

	c->s = NULL;
	note(c, kinds[kind], v);
}

static void
on_rcpt(void *arg, uint32_t index, const struct verdict *v)
{
	char what[10];

	snprintf(what, sizeof(what), "%u", index);
	note(arg, what, v);
}

static void
on_done(void *arg)
{
	struct client *c = arg;

	note(c, session_is_usable(c->s) ? "usable" : "broken", NULL);
	if (session_is_usable(c->s) && --c->messages > 0) {
		session_send(c->s, &c->m);
		return;
	}
	session_quit(c->s);
	c->s = NULL;
}

static const struct session_ops callbacks = { on_ready, on_failed, on_rcpt,
	on_done };

static const char body_text[] = "Subject: x\r\n\r\n.hi\r\n";

struct dialogue {
	const char *name;
	const char *script;
	const char *events;
	unsigned rcpts;    /* 0: one */
	unsigned messages; /* 0: one */
	bool body_8bit;
	bool smtputf8;
	bool require_tls;
	bool dsn;
	const char *sender;
	const char *body;
};

static void
run(const struct dialogue *d)
{
	struct client c = { .events = BUF_INIT(4000) };
	struct session_context ctx = { .hostname = "we.test" };
	struct session_target t = { .host = "mx.test", .user = "",
		.password = "", .require_tls = d->require_tls };
	const char *text = d->body != NULL ? d->body : body_text;
	struct peer_script p = { .text = d->script };
	pthread_t thread;
	int fds[2];

	CHECK(sockaddr_parse(&t.addr, S("192.0.2.1"), 25) == 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	p.fd = fds[1];
	c.l = ctx.loop = loop_new();
	c.messages = d->messages > 0 ? d->messages : 1;
	c.m.sender = d->sender != NULL ? slice_str(d->sender) : S("a@we.test");
	c.m.fd = memfd_create("body", MFD_CLOEXEC);
	CHECK(file_write_all(c.m.fd, text, strlen(text)) == 0);
	c.m.size = strlen(text);
	c.m.count = d->rcpts > 0 ? d->rcpts : 1;
	c.m.body_8bit = d->body_8bit;
	c.m.smtputf8 = d->smtputf8;
	c.m.rcpts = c.rcpts;
	c.rcpts[0].address = S("u0@x.test");
	c.rcpts[1].address = S("u1@x.test");
	c.rcpts[2].address = S("u2@x.test");
	if (d->dsn) {
		c.m.ret = S("HDRS");
		c.m.envid = S("E+2B1");
		c.rcpts[0].notify = 2 | 4;
		c.rcpts[0].orcpt = S("rfc822;u0@x.test");
	}
	CHECK(pthread_create(&thread, NULL, play, &p) == 0);
	c.s = session_adopt(&ctx, fds[0], &t, &callbacks, &c);
	/* Ends when the last connection is gone. */
	loop_run(c.l);
	loop_free(c.l);
	pthread_join(thread, NULL);
	CHECK(p.wrong[0] == '\0', "%s: %s", d->name, p.wrong);
	CHECK(strcmp(buf_str(&c.events), d->events) == 0, "%s: %s", d->name,
	    buf_str(&c.events));
	close(c.m.fd);
	close(fds[1]);
	buf_release(&c.events);
}

#define HELLO "S: 220 mx.test\nC: EHLO we.test\nS: 250-mx.test\n"
#define PLAIN_HELLO HELLO "S: 250 HELP\n"
#define PIPED_HELLO HELLO "S: 250 PIPELINING\n"
#define TEXT "C: Subject: x\nC: \nC: ..hi\nC: .\n"

static const struct dialogue dialogues[] = {
	{ .name = "one message without extensions",
	    PLAIN_HELLO "C: MAIL FROM:<a@we.test>\nS: 250 ok\n"
	    "C: RCPT TO:<u0@x.test>\nS: 250 ok\nC: DATA\nS: 354 go\n"
	    TEXT "S: 250 2.0.0 queued\n",
	    "ready; 0 done 2.0.0; usable; " },
	{ .name = "pipelined, one recipient of three refused for now, one for good",
	    PIPED_HELLO "C: MAIL FROM:<a@we.test>\nC: RCPT TO:<u0@x.test>\n"
	    "C: RCPT TO:<u1@x.test>\nC: RCPT TO:<u2@x.test>\nC: DATA\n"
	    "S: 250 ok\nS: 450 4.2.0 later\nS: 250 ok\nS: 550 5.1.1 no\n"
	    "S: 354 go\n" TEXT "S: 250 ok\n",
	    "ready; 0 later 4.2.0; 2 never 5.1.1; 1 done 2.0.0; usable; ",
	    .rcpts = 3 },
	{ .name = "pipelined, DATA accepted although no recipient was",
	    PIPED_HELLO "C: MAIL*\nC: RCPT*\nC: DATA\n"
	    "S: 250 ok\nS: 550 5.1.1 no\nS: 354 go\nC: .\nS: 554 no\n",
	    "ready; 0 never 5.1.1; usable; " },
	{ .name = "pipelined, DATA refused because no recipient was accepted",
	    PIPED_HELLO "C: MAIL*\nC: RCPT*\nC: DATA\n"
	    "S: 250 ok\nS: 550 5.1.1 no\nS: 503 no recipients\n",
	    "ready; 0 never 5.1.1; usable; " },
	{ .name = "no DATA when nobody is left",
	    PLAIN_HELLO "C: MAIL*\nS: 250 ok\nC: RCPT*\nS: 550 no\n",
	    "ready; 0 never 5.0.0; usable; " },
	{ .name = "too many recipients",
	    PLAIN_HELLO "C: MAIL*\nS: 250 ok\nC: RCPT*\nS: 250 ok\n"
	    "C: RCPT*\nS: 552 too many\nC: DATA\nS: 354 go\n" TEXT
	    "S: 250 ok\n",
	    "ready; 1 later 4.5.3; 0 done 2.0.0; usable; ", .rcpts = 2 },
	{ .name = "sender refused for good",
	    PLAIN_HELLO "C: MAIL*\nS: 550 5.7.1 no\n",
	    "ready; 0 never 5.7.1; broken; " },
	{ .name = "sender refused for now: another server may take it",
	    PLAIN_HELLO "C: MAIL*\nS: 451 4.3.0 later\n",
	    "ready; refused later 4.3.0; " },
	{ .name = "421 in answer to MAIL", PLAIN_HELLO "C: MAIL*\nS: 421 4.3.2 bye\n",
	    "ready; refused later 4.3.2; " },
	{ .name = "421 in answer to RCPT",
	    PLAIN_HELLO "C: MAIL*\nS: 250 ok\nC: RCPT*\nS: 421 4.3.2 bye\n",
	    "ready; 0 later 4.3.2; broken; " },
	{ .name = "closed before MAIL is accepted", PLAIN_HELLO "C: MAIL*\nX\n",
	    "ready; lost later 4.4.2; " },
	{ .name = "closed behind MAIL",
	    PLAIN_HELLO "C: MAIL*\nS: 250 ok\nC: RCPT*\nX\n",
	    "ready; 0 later 4.4.2; broken; " },
	{ .name = "closed behind the final dot",
	    PLAIN_HELLO "C: MAIL*\nS: 250 ok\nC: RCPT*\nS: 250 ok\nC: DATA\n"
	    "S: 354 go\n" TEXT "X\n",
	    "ready; 0 later 4.4.2; broken; " },
	{ .name = "message refused", PLAIN_HELLO "C: MAIL*\nS: 250 ok\nC: RCPT*\n"
	    "S: 250 ok\nC: DATA\nS: 354 go\n" TEXT "S: 554 5.6.0 spam\n",
	    "ready; 0 never 5.6.0; usable; " },
	{ .name = "DATA refused for now", PLAIN_HELLO "C: MAIL*\nS: 250 ok\nC: RCPT*\n"
	    "S: 250 ok\nC: DATA\nS: 452 4.3.1 full\n",
	    "ready; 0 later 4.3.1; usable; " },
	{ .name = "HELO where EHLO is unknown",
	    "S: 220 old\nC: EHLO we.test\nS: 500 what\nC: HELO we.test\n"
	    "S: 250 old\nC: MAIL FROM:<a@we.test>\nS: 250 ok\nC: RCPT*\n"
	    "S: 250 ok\nC: DATA\nS: 354 go\n" TEXT "S: 250 ok\n",
	    "ready; 0 done 2.0.0; usable; " },
	{ .name = "greeting says no for now", "S: 421 4.3.2 busy\n",
	    "refused later 4.3.2; " },
	{ .name = "greeting says no", "S: 554 5.7.1 go away\n",
	    "refused later 4.7.1; " },
	{ .name = "a host that never takes mail", "S: 521 no mail here\n",
	    "refused never 5.3.2; " },
	{ .name = "not SMTP at all", "S: HTTP/1.1 200 OK\n", "lost later 4.5.0; " },
	{ .name = "closed at once", "X\n", "lost later 4.4.2; " },
	{ .name = "TLS is required and not offered", PLAIN_HELLO,
	    "refused later 4.7.4; ", .require_tls = true },
	{ .name = "two messages on one connection",
	    PIPED_HELLO "C: MAIL*\nC: RCPT*\nC: DATA\nS: 250 ok\nS: 250 ok\n"
	    "S: 354 go\n" TEXT "S: 250 ok\nC: RSET\nC: MAIL*\nC: RCPT*\n"
	    "C: DATA\nS: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\n" TEXT
	    "S: 250 ok\n",
	    "ready; 0 done 2.0.0; usable; 0 done 2.0.0; usable; ",
	    .messages = 2 },
	{ .name = "a used connection that does not like RSET",
	    PLAIN_HELLO "C: MAIL*\nS: 250 ok\nC: RCPT*\nS: 250 ok\nC: DATA\n"
	    "S: 354 go\n" TEXT "S: 250 ok\nC: RSET\nS: 500 what\n",
	    "ready; 0 done 2.0.0; usable; lost later 4.5.2; ",
	    .messages = 2 },
	{ .name = "parameters of MAIL and RCPT",
	    HELLO "S: 250-SIZE 1000\nS: 250-8BITMIME\nS: 250 DSN\n"
	    "C: MAIL FROM:<> SIZE=19 BODY=8BITMIME RET=HDRS ENVID=E+2B1\n"
	    "S: 250 ok\nC: RCPT TO:<u0@x.test> NOTIFY=SUCCESS,FAILURE "
	    "ORCPT=rfc822;u0@x.test\nS: 250 ok\nC: DATA\nS: 354 go\n" TEXT
	    "S: 250 ok\n",
	    "ready; 0 done 2.0.0; usable; ", .sender = "", .body_8bit = true,
	    .dsn = true },
	{ .name = "no parameters that were not offered",
	    PLAIN_HELLO "C: MAIL FROM:<a@we.test>\nS: 250 ok\n"
	    "C: RCPT TO:<u0@x.test>\nS: 250 ok\nC: DATA\nS: 354 go\n" TEXT
	    "S: 250 ok\n",
	    "ready; 0 done 2.0.0; usable; ", .body_8bit = true,
	    .smtputf8 = true, .dsn = true },
	{ .name = "larger than the server takes", HELLO "S: 250 SIZE 10\n",
	    "ready; 0 never 5.3.4; usable; " },
	{ .name = "8-bit text and no 8BITMIME", PLAIN_HELLO,
	    "ready; 0 never 5.6.3; usable; ", .body_8bit = true,
	    .body = "A: b\r\n\r\n\xc3\xa4\r\n" },
	{ .name = "UTF-8 header and no SMTPUTF8", PLAIN_HELLO,
	    "ready; 0 never 5.6.7; usable; ", .smtputf8 = true,
	    .body = "A: \xc3\xa4\r\n\r\nx\r\n" },
	{ .name = "UTF-8 address with SMTPUTF8",
	    HELLO "S: 250-8BITMIME\nS: 250 SMTPUTF8\n"
	    "C: MAIL FROM:<\xc3\xa4@we.test> BODY=8BITMIME SMTPUTF8\n"
	    "S: 250 ok\nC: RCPT*\nS: 250 ok\nC: DATA\nS: 354 go\n" TEXT
	    "S: 250 ok\n",
	    "ready; 0 done 2.0.0; usable; ", .smtputf8 = true,
	    .sender = "\xc3\xa4@we.test" },
};

TEST(session_dialogues)
{
	for (size_t i = 0; i < LEN(dialogues); i++)
		run(&dialogues[i]);
}

/* Much more than the socket holds: it waits for the peer, and an early
 * refusal ends it. */
TEST(session_stops_sending_when_the_server_refuses_early)
{
	struct dialogue d = { .name = "early refusal",
		PLAIN_HELLO "C: MAIL*\nS: 250 ok\nC: RCPT*\nS: 250 ok\nC: DATA\n"
		"S: 354 go\nS: 552 5.3.4 too big\n",
		"ready; 0 never 5.3.4; broken; " };
	struct buf text = BUF_INIT(8 << 20);

	for (int i = 0; i < 100000; i++)
		buf_adds(&text, "0123456789012345678901234567890\r\n");
	d.body = buf_str(&text);
	run(&d);
	buf_release(&text);
}

TESTS(T(session_dialogues),
    T(session_stops_sending_when_the_server_refuses_early))
