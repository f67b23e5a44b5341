/* One SMTP connection. See session.h. */
#include "services/smtp/session.h"

#include <sys/socket.h>

#include "services/smtp/command.h"
#include "services/smtp/reply.h"

#define IN_MAX 65536
#define DATA_BLOCK_MS (180u * 1000) /* RFC 5321 4.5.3.2.5 */
#define HANDSHAKE_MS (60u * 1000)

#define UNDER_WAY (IN(DATA) | IN(CHUNK) | IN(BDAT) | IN(COMMIT))

static const unsigned moves[SMTP_STATES] = {
	[SMTP_OPENING] = IN(NEW) | IN(CLOSED),
	[SMTP_NEW] = IN(IDLE) | IN(CLOSED),
	[SMTP_IDLE] = IN(OPENING) | IN(IDLE) | IN(AUTH) | IN(MAIL) | IN(CLOSED),
	[SMTP_AUTH] = IN(IDLE) | IN(CLOSED),
	[SMTP_MAIL] = IN(IDLE) | IN(RCPT) | IN(CLOSED),
	[SMTP_RCPT] = IN(IDLE) | IN(RCPT) | IN(DATA) | IN(CHUNK) | IN(CLOSED),
	[SMTP_DATA] = IN(IDLE) | IN(COMMIT) | IN(CLOSED),
	[SMTP_CHUNK] = IN(IDLE) | IN(BDAT) | IN(COMMIT) | IN(CLOSED),
	[SMTP_BDAT] = IN(IDLE) | IN(CHUNK) | IN(CLOSED),
	[SMTP_COMMIT] = IN(IDLE) | IN(CLOSED),
	[SMTP_CLOSED] = 0,
};

static const char *const state_names[SMTP_STATES] = {
	[SMTP_OPENING] = "OPENING",
	[SMTP_NEW] = "NEW",
	[SMTP_IDLE] = "IDLE",
	[SMTP_AUTH] = "AUTH",
	[SMTP_MAIL] = "MAIL",
	[SMTP_RCPT] = "RCPT",
	[SMTP_DATA] = "DATA",
	[SMTP_CHUNK] = "CHUNK",
	[SMTP_BDAT] = "BDAT",
	[SMTP_COMMIT] = "COMMIT",
	[SMTP_CLOSED] = "CLOSED",
};

bool
session_may_move(enum session_state from, enum session_state to)
{
	return (moves[from] & 1u << to) != 0;
}

const char *
session_state_name(enum session_state state)
{
	return state_names[state];
}

void
session_enter(struct session *s, enum session_state to)
{
	assert(session_may_move(s->state, to));
	if (log_enabled(LOG_TRACE)) {
		struct log_line l;

		session_log(s, &l, LOG_TRACE, "state");
		log_str(&l, "from", state_names[s->state]);
		log_str(&l, "to", state_names[to]);
		log_end(&l);
	}
	s->state = to;
}

void
session_log(const struct session *s, struct log_line *l, enum log_level level,
    const char *event)
{
	log_begin(l, level, event);
	log_num(l, "session", (int64_t)s->number);
	if (s->t.id[0] != '\0')
		log_str(l, "id", s->t.id);
	log_str(l, "client", s->ip);
	if (s->rdns.name != NULL && rdns_is_settled(&s->rdns))
		log_str(l, "rdns", s->rdns.name);
	if (s->user != NULL)
		log_str(l, "user", s->user);
}

static uint64_t
command_ms(const struct session *s)
{
	return s->server->conf->smtp_timeout * 1000;
}

void
session_wait(struct session *s, struct peer *p, uint32_t id)
{
	s->waiting = true;
	s->wait_peer = p;
	s->wait_id = id;
	conn_pause(s->conn);
	conn_timeout(s->conn, 0);
}

void
session_go_on(struct session *s)
{
	s->waiting = false;
	s->wait_id = 0;
	conn_resume(s->conn);
	conn_timeout(s->conn, command_ms(s));
}

void
session_reset(struct session *s)
{
	transaction_end(s);
	session_enter(s, SMTP_IDLE);
}

void
session_next(struct session *s)
{
	session_reset(s);
	if (s->server->stopping)
		session_stop(s);
}

void
session_close(struct session *s, const char *reason)
{
	if (s->state == SMTP_CLOSED)
		return;
	if (s->wait_id != 0)
		peer_cancel(s->wait_peer, s->wait_id);
	s->wait_id = 0;
	auth_exchange_release(&s->auth);
	transaction_end(s);
	s->reason = reason;
	session_enter(s, SMTP_CLOSED);
	conn_close(s->conn);
}

void
session_stop(struct session *s)
{
	if (UNDER_WAY & 1u << s->state)
		return;
	/* In a handshake there is no clear place for words. */
	if (s->state != SMTP_OPENING && s->state != SMTP_CLOSED)
		reply(s, "421 4.3.2 %s Service shutting down",
		    s->server->conf->hostname);
	session_close(s, "stopping");
}

/* An overlong line is thrown away up to its end. */
static size_t
drain_line(struct session *s, struct slice in)
{
	const char *lf = memchr(in.p, '\n', in.n);

	if (lf == NULL)
		return in.n;
	s->long_line = false;
	return (size_t)(lf - in.p) + 1;
}

static size_t
line_limit(const struct session *s, struct slice in)
{
	if (s->server->submission && (s->state == SMTP_AUTH ||
	    slice_istarts(in, S("AUTH "))))
		return LIMIT_SMTP_AUTH_LINE;
	return LIMIT_SMTP_COMMAND;
}

static void
take_line(struct session *s, struct slice line, bool more)
{
	/* RFC 5321 2.3.8: only CRLF is a line end. */
	if (line.n == 0 || line.p[line.n - 1] != '\r') {
		reply(s, "500 5.5.2 Error: bare <LF> received");
		return;
	}
	line.n--;
	if (memchr(line.p, '\r', line.n) != NULL ||
	    memchr(line.p, '\0', line.n) != NULL) {
		reply(s, "500 5.5.2 Error: bare <CR> or NUL received");
		return;
	}
	if (s->state == SMTP_AUTH)
		auth_line(s, line);
	else
		command_run(s, line, more);
}

static size_t
line_input(struct session *s, struct slice in)
{
	size_t max = line_limit(s, in), n;
	const char *lf;

	if (s->long_line)
		return drain_line(s, in);
	/* The first byte of a TLS record: a client that believes this port to
	 * be one with implicit TLS would wait for ever. */
	if (s->state == SMTP_NEW && in.p[0] == 0x16) {
		reply(s, "221 2.7.0 Error: I can break rules, too. Goodbye.");
		session_close(s, "not SMTP");
		return in.n;
	}
	lf = memchr(in.p, '\n', in.n);
	n = lf != NULL ? (size_t)(lf - in.p) : in.n;
	if (n > max) {
		/* RFC 4954 section 4 has a code of its own. */
		reply(s, max == LIMIT_SMTP_AUTH_LINE ? "500 5.5.6 Error: "
		    "authentication exchange line is too long" :
		    "500 5.5.2 Error: line too long");
		if (s->state == SMTP_AUTH) {
			auth_exchange_release(&s->auth);
			session_enter(s, SMTP_IDLE);
		}
		s->long_line = true;
		return drain_line(s, in);
	}
	if (lf == NULL)
		return 0;
	take_line(s, slice_of(in.p, n), in.n > n + 1);
	if (!s->waiting && s->state != SMTP_CLOSED)
		conn_timeout(s->conn, s->state == SMTP_OPENING ?
		    HANDSHAKE_MS : command_ms(s));
	return n + 1;
}

static void
timed_out(struct session *s)
{
	reply(s, "421 4.4.2 %s Error: timeout exceeded",
	    s->server->conf->hostname);
	session_close(s, "timeout");
}

/* Message text or octets of a chunk. */
static size_t
body_input(struct session *s, struct slice in)
{
	uint64_t block = command_ms(s);
	size_t used;

	if (loop_now(service_loop(s->server->service)) > s->t.until) {
		timed_out(s);
		return in.n;
	}
	used = s->state == SMTP_DATA ? data_input(s, in) : bdat_input(s, in);
	if (s->state == SMTP_DATA || s->state == SMTP_CHUNK)
		conn_timeout(s->conn,
		    block < DATA_BLOCK_MS ? block : DATA_BLOCK_MS);
	else if (!s->waiting && s->state != SMTP_CLOSED)
		conn_timeout(s->conn, block);
	return used;
}

static size_t
on_input(void *arg, struct slice in)
{
	struct session *s = arg;

	switch (s->state) {
	case SMTP_OPENING:
	case SMTP_CLOSED:
		return in.n;
	case SMTP_DATA:
	case SMTP_CHUNK:
		return body_input(s, in);
	default:
		return s->chunk_left > 0 ? bdat_skip_input(s, in) :
		    line_input(s, in);
	}
}

static void
session_free(struct session *s)
{
	struct server *v = s->server;

	if (s->wait_id != 0)
		peer_cancel(s->wait_peer, s->wait_id);
	transaction_end(s);
	arena_release(&s->t.arena);
	rdns_cancel(&s->rdns);
	auth_exchange_release(&s->auth);
	list_remove(&s->link);
	server_leave(v, s->client);
	mem_free(s->helo);
	mem_free(s->user);
	mem_free(s);
	if (v->stopping && v->count == 0)
		service_exit(v->service);
}

static void
on_close(void *arg, const char *why)
{
	struct session *s = arg;
	struct log_line l;

	/* The transaction ends first: no queue id in this line. */
	transaction_end(s);
	session_log(s, &l, LOG_INFO, "disconnect");
	log_str(&l, "reason", s->reason != NULL ? s->reason : why);
	if (s->reason == NULL)
		log_str(&l, "state", state_names[s->state]);
	log_num(&l, "mail", s->mails);
	log_num(&l, "rcpt", s->rcpts);
	log_num(&l, "accepted", s->accepted);
	log_num(&l, "errors", s->errors);
	log_end(&l);
	session_free(s);
}

static void
on_timeout(void *arg)
{
	struct session *s = arg;

	if (s->waiting)
		transaction_timeout(s);
	else if (s->state == SMTP_OPENING)
		session_close(s, "timeout in TLS handshake");
	else
		timed_out(s);
}

static void
banner(struct session *s)
{
	session_enter(s, SMTP_NEW);
	reply(s, "220 %s ESMTP", s->server->conf->hostname);
	conn_timeout(s->conn, command_ms(s));
}

static void
on_tls(void *arg, const char *why)
{
	struct session *s = arg;
	struct log_line l;

	session_log(s, &l, LOG_INFO, why == NULL ? "tls" : "tls-failed");
	if (why != NULL)
		log_str(&l, "error", why);
	else
		log_str(&l, "cipher", conn_tls_info(s->conn));
	log_end(&l);
	if (why != NULL || s->state == SMTP_CLOSED)
		return;
	if (s->implicit_tls) {
		banner(s);
	} else {
		session_enter(s, SMTP_NEW);
		conn_timeout(s->conn, command_ms(s));
	}
}

/* The client's name is known now (or never): what waited for it. */
static void
on_rdns(void *arg)
{
	struct session *s = arg;

	if (s->state == SMTP_RCPT)
		transaction_open(s);
}

static const struct conn_ops conn_ops = {
	.on_input = on_input,
	.on_close = on_close,
	.on_timeout = on_timeout,
	.on_tls = on_tls,
};

/* A client that speaks before it is greeted does not do SMTP. */
static bool
speaks_first(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static void
refuse(struct server *v, int fd, const char *fmt, const char *ip, bool clear)
{
	char text[512];
	struct log_line l;
	int n = snprintf(text, sizeof(text), fmt, v->conf->hostname);

	if (clear && n > 0)
		(void)send(fd, text, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
	log_begin(&l, LOG_WARN, "too-many-connections");
	log_str(&l, "client", ip);
	log_end(&l);
}

void
session_new(struct server *v, const char *port, int fd,
    const union sockaddr_any *from)
{
	bool implicit = strcmp(port, "465") == 0;
	char ip[SOCKADDR_TEXT];
	const char *no = NULL;
	struct client *client;
	struct session *s;
	struct log_line l;

	sockaddr_ip(from, ip);
	if (implicit && v->tls == NULL) {
		close(fd);
		return;
	}
	client = server_admit(v, from, &no);
	if (client == NULL) {
		refuse(v, fd, no, ip, !implicit);
		return;
	}
	s = mem_zero(sizeof(*s));
	s->server = v;
	s->client = client;
	memcpy(s->ip, ip, sizeof(s->ip));
	s->number = ++v->connections;
	s->port = port;
	s->implicit_tls = implicit;
	/* dms-compat 6.1: the submission ports want a login from everybody. */
	s->trusted = !v->submission && trust_allows(&v->trust, from);
	s->stranger = !s->trusted && !sockaddr_is_loopback(from);
	s->state = SMTP_OPENING;
	transaction_init(&s->t);
	list_push(&v->sessions, &s->link);
	s->conn = conn_new(service_loop(v->service), fd, IN_MAX, &conn_ops, s);
	conn_gather(s->conn);
	conn_balance(s->conn);
	session_log(s, &l, LOG_INFO, "connect");
	log_str(&l, "port", port);
	log_end(&l);
	if (implicit) {
		conn_timeout(s->conn, HANDSHAKE_MS);
		conn_tls_server(s->conn, v->tls);
	} else if (speaks_first(fd)) {
		reply(s, "554 5.5.0 Error: SMTP protocol synchronization");
		session_close(s, "spoke before the banner");
	} else {
		banner(s);
	}
	if (s->state != SMTP_CLOSED)
		rdns_start(&s->rdns, v->resolver, from, on_rdns, s);
}
