/* Connections: what reaches the owner, and in which order. */
#include "check.h"

#include <sys/socket.h>

#include <unistd.h>

#include "io/conn.h"

struct owner {
	struct conn *conn;
	struct buf events;
	int peer;
};

static size_t
on_input(void *arg, struct slice in)
{
	struct owner *o = arg;

	buf_addf(&o->events, "input %.*s; ", SLICE_ARG(in));
	if (o->peer != -1) {
		CHECK(write(o->peer, "552", 3) == 3);
		close(o->peer);
		o->peer = -1;
		conn_write_slice(o->conn, S("data"));
	}
	return in.n;
}

static void
on_close(void *arg, const char *why)
{
	struct owner *o = arg;

	buf_addf(&o->events, "close %s; ", why);
}

static const struct conn_ops ops = { .on_input = on_input,
	.on_close = on_close };

/* A server that refuses early: its reply counts, though we cannot write on. */
TEST(what_the_peer_said_before_it_left_is_heard)
{
	struct owner o = { .events = BUF_INIT(1000) };
	struct loop *l = loop_new();
	int fds[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	CHECK(write(fds[1], "354", 3) == 3);
	o.peer = fds[1];
	o.conn = conn_new(l, fds[0], 1000, &ops, &o);
	loop_run(l);
	loop_free(l);
	CHECK_SLICE(buf_slice(&o.events),
	    "input 354; input 552; close connection lost; ");
	buf_release(&o.events);
}

/* An owner that takes lines, and gives the first back once. */
struct returner {
	struct loop *loop;
	struct conn *conn;
	struct buf events;
	struct buf returned;
	int peer;
};

static size_t
on_line(void *arg, struct slice in)
{
	struct returner *r = arg;
	ssize_t lf = slice_find(in, '\n');

	if (lf == -1)
		return 0;
	buf_addf(&r->events, "%.*s; ", (int)lf, in.p);
	if (slice_starts(in, S("leave"))) {
		/* As if others had it, and it came back. */
		conn_pause(r->conn);
		conn_put_back(r->conn, buf_slice(&r->returned));
		buf_release(&r->returned);
	} else if (slice_starts(in, S("end"))) {
		conn_write_slice(r->conn, S("bye"));
		conn_end(r->conn);
	}
	return (size_t)lf + 1;
}

static void
on_gone(void *arg, const char *why)
{
	struct returner *r = arg;

	buf_addf(&r->events, "close %s; ", why);
	loop_stop(r->loop);
}

static void
on_tick(void *arg)
{
	struct returner *r = arg;

	conn_resume(r->conn);
}

static const struct conn_ops line_ops = { .on_input = on_line,
	.on_close = on_gone };

static void
returner_run(struct returner *r, size_t in_max)
{
	int fds[2];

	r->loop = loop_new();
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	r->peer = fds[1];
	r->conn = conn_new(r->loop, fds[0], in_max, &line_ops, r);
}

/* In front of what was not read yet, and more of it than in_max. */
TEST(what_is_put_back_comes_first)
{
	struct returner r = { .events = BUF_INIT(10000),
		.returned = BUF_INIT(10000) };
	struct loop_timer *t;

	returner_run(&r, 20);
	for (int i = 0; i < 10; i++)
		buf_addf(&r.returned, "back %d\n", i);
	buf_adds(&r.returned, "ha");
	CHECK(write(r.peer, "leave\nlf\nlast\n", 15) == 15);
	CHECK(shutdown(r.peer, SHUT_WR) == 0);
	t = loop_timer_new(r.loop, on_tick, &r);
	loop_timer_start(t, 50, 0);
	loop_run(r.loop);
	CHECK_SLICE(buf_slice(&r.events), "leave; back 0; back 1; back 2; "
	    "back 3; back 4; back 5; back 6; back 7; back 8; back 9; half; "
	    "last; close closed by peer; ");
	loop_timer_free(t);
	close(r.peer);
	loop_free(r.loop);
	buf_release(&r.events);
	buf_release(&r.returned);
}

static void
answer(void *arg)
{
	struct returner *r = arg;
	char text[8];
	ssize_t n = read(r->peer, text, sizeof(text));

	/* The output, its end, and we still hear what the peer says. */
	CHECK(n == 3 && memcmp(text, "bye", 3) == 0);
	CHECK(read(r->peer, text, sizeof(text)) == 0);
	CHECK(write(r->peer, "heard\n", 6) == 6);
	close(r->peer);
}

TEST(one_direction_ends_and_the_other_goes_on)
{
	struct returner r = { .events = BUF_INIT(10000),
		.returned = BUF_INIT(10000) };
	struct loop_timer *t;

	returner_run(&r, 1000);
	CHECK(write(r.peer, "end\n", 4) == 4);
	t = loop_timer_new(r.loop, answer, &r);
	loop_timer_start(t, 50, 0);
	loop_run(r.loop);
	CHECK_SLICE(buf_slice(&r.events), "end; heard; close closed by peer; ");
	loop_timer_free(t);
	loop_free(r.loop);
	buf_release(&r.events);
}

TESTS(T(what_is_put_back_comes_first),
    T(one_direction_ends_and_the_other_goes_on),
    T(what_the_peer_said_before_it_left_is_heard))
