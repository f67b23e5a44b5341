#include "services/login/login.h"

#include <sys/socket.h>

#include "core/log.h"
#include "wire/session.h"

/*
 * Bytes go straight from one connection's input to the other's output. When
 * the receiver is slow the sender is paused until its output has drained, so
 * a proxied client never costs more than CONN_OUT_HIGH in either direction.
 */
size_t
login_move(struct conn *from, struct conn *to, struct slice in)
{
	conn_write_slice(to, in);
	if (conn_out_pending(to) > CONN_OUT_HIGH)
		conn_pause(from);
	return in.n;
}

static size_t
on_worker_input(void *arg, struct slice in)
{
	struct login_session *s = arg;

	return login_move(s->worker, s->client, in);
}

static void
on_worker_drain(void *arg)
{
	struct login_session *s = arg;

	conn_resume(s->client);
}

static void
on_worker_close(void *arg, const char *why UNUSED)
{
	struct login_session *s = arg;

	s->worker = NULL;
	login_enter(s, LOGIN_CLOSED);
	conn_close(s->client);
}

static const struct conn_ops worker_ops = {
	.on_input = on_worker_input,
	.on_drain = on_worker_drain,
	.on_close = on_worker_close,
};

void
login_proxy(struct login_session *s, struct slice user, struct slice ticket)
{
	struct service *service = s->login->service;
	struct buf input = BUF_INIT(LIMIT_IMAP_PRELOGIN_LINE * 2);
	struct buf b = WIRE_BUF;
	char ip[SOCKADDR_TEXT];
	struct peer *worker;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
	    fds) == -1) {
		log_error("socketpair", "error=\"%s\"", strerror(errno));
		login_bye(s, "Out of resources, try again later.");
		return;
	}
	/* One user's sessions share a worker: they see each other's changes
	 * without leaving the process. */
	worker = service_peer(service, "imap", map_hash(user));
	conn_take_input(s->client, &input);
	wire_put_slice(&b, ticket);
	wire_put_str(&b, sockaddr_ip(&s->from, ip));
	wire_put_bool(&b, conn_is_tls(s->client));
	wire_put_str(&b, s->tag);
	wire_put_slice(&b, buf_slice(&input));
	wire_put_str(&b, s->id);
	peer_post(worker, WIRE_SESSION, buf_slice(&b), fds[1]);
	buf_wipe(&input);
	buf_wipe(&b);
	mem_free(s->user);
	s->user = NULL;
	s->worker = conn_new(service_loop(service), fds[0], CONN_OUT_HIGH,
	    &worker_ops, s);
	login_enter(s, LOGIN_PROXY);
	conn_timeout(s->client, 0); /* the worker minds the time from here */
	conn_resume(s->client);
}
