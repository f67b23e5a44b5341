#include "services/login/login.h"

#include <sys/socket.h>

#include "core/log.h"
#include "wire/session.h"

#define RETURN_MS 60000

/* The client said UNAUTHENTICATE: back from the worker to the dialogue before
 * login, as soon as all that the worker said is out. */
struct login_return {
	bool left;    /* the worker has told what follows */
	bool lost;    /* it cannot */
	struct buf tag;
	struct buf input; /* sent behind the command */
};

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

static void
return_free(struct login_session *s)
{
	if (s->back == NULL)
		return;
	buf_release(&s->back->tag);
	buf_wipe(&s->back->input);
	mem_free(s->back);
	s->back = NULL;
}

/* RFC 8437 section 3: everything as on a new connection, but TLS. */
static void
return_client(struct login_session *s)
{
	struct buf *out = &s->login->line;

	s->errors = s->failures = 0;
	s->literal_asked = false;
	login_enter(s, LOGIN_COMMAND);
	if (s->back->tag.n > 0) {
		buf_clear(out);
		buf_addf(out, "%s OK [CAPABILITY ", buf_str(&s->back->tag));
		login_capabilities(s, out);
		buf_adds(out, "] UNAUTHENTICATE completed.\r\n");
		conn_write_slice(s->client, buf_slice(out));
	}
	conn_put_back(s->client, buf_slice(&s->back->input));
	return_free(s);
	conn_timeout(s->client, LOGIN_COMMAND_MS);
	conn_resume(s->client);
}

/* The end of the pair and the word of the worker come in any order. */
static void
return_settle(struct login_session *s)
{
	if (s->worker != NULL || s->state != LOGIN_PROXY)
		return;
	if (s->back->left) {
		return_client(s);
	} else if (s->back->lost) {
		login_enter(s, LOGIN_CLOSED);
		conn_close(s->client);
	}
}

static void
return_begin(struct login_session *s)
{
	if (s->back != NULL)
		return;
	s->back = mem_zero(sizeof(*s->back));
	buf_init(&s->back->tag, LIMIT_IMAP_TAG);
	buf_init(&s->back->input, LIMIT_IMAP_RETURNED);
	conn_pause(s->client);
	conn_timeout(s->client, RETURN_MS);
	if (s->worker != NULL)
		conn_end(s->worker);
}

static void
return_left(struct login_session *s, struct slice payload)
{
	struct wire_in in = wire_in(payload);
	bool ok = wire_get_bool(&in);
	struct slice tag = wire_get_slice(&in, LIMIT_IMAP_TAG);
	struct slice input = wire_get_slice(&in, LIMIT_IMAP_RETURNED);

	ok = wire_end(&in) == 0 && ok;
	buf_add_slice(&s->back->tag, tag);
	buf_add_slice(&s->back->input, input);
	s->back->left = ok;
	s->back->lost = !ok;
	return_settle(s);
}

static bool
on_word(void *arg, struct chan_frame *f)
{
	struct login_session *s = arg;

	if (f != NULL && f->type == WIRE_SESSION_LEAVE) {
		return_begin(s);
		return true;
	}
	s->worker_id = 0;
	if (s->back == NULL)
		return false; /* the end of the pair says it all */
	if (f != NULL && f->type == WIRE_SESSION_LEFT) {
		return_left(s, f->payload);
	} else {
		s->back->lost = true;
		return_settle(s);
	}
	return false;
}

void
login_proxy_free(struct login_session *s)
{
	if (s->worker != NULL)
		conn_detach(s->worker);
	if (s->worker_id != 0)
		peer_cancel(s->worker_peer, s->worker_id);
	return_free(s);
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

	if (s->back == NULL)
		conn_resume(s->client);
}

static void
on_worker_close(void *arg, const char *why UNUSED)
{
	struct login_session *s = arg;

	s->worker = NULL;
	if (s->back != NULL) {
		return_settle(s);
		return;
	}
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
	struct buf input = BUF_INIT(LIMIT_IMAP_RETURNED +
	    LIMIT_IMAP_PRELOGIN_LINE * 2);
	struct buf b = WIRE_BUF;
	char ip[SOCKADDR_TEXT];
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
	    fds) == -1) {
		log_error("socketpair", "error=\"%s\"", strerror(errno));
		login_bye(s, "Out of resources, try again later.");
		return;
	}
	/* One user's sessions share a worker: they see each other's changes
	 * without leaving the process. */
	s->worker_peer = service_peer(service, "imap", map_hash(user));
	conn_take_input(s->client, &input);
	wire_put_slice(&b, ticket);
	wire_put_str(&b, sockaddr_ip(&s->from, ip));
	wire_put_bool(&b, conn_is_tls(s->client));
	wire_put_str(&b, s->tag);
	wire_put_slice(&b, buf_slice(&input));
	wire_put_str(&b, s->id);
	s->worker_id = peer_open(s->worker_peer, WIRE_SESSION, buf_slice(&b),
	    fds[1], on_word, s);
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
