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

TESTS(T(what_the_peer_said_before_it_left_is_heard))
