#include "services/login/login.h"

#include <sys/socket.h>

#include "core/limits.h"
#include "core/log.h"
#include "core/rand.h"

#define GREETING_MS 60000  /* for the handshake */

#define IN(state) (1u << LOGIN_##state)

static const unsigned login_next[LOGIN_STATES] = {
	[LOGIN_HANDSHAKE] = IN(COMMAND) | IN(CLOSED),
	[LOGIN_COMMAND] = IN(HANDSHAKE) | IN(COMMAND) | IN(SASL) | IN(VERIFY) |
	    IN(CLOSED),
	[LOGIN_SASL] = IN(COMMAND) | IN(VERIFY) | IN(CLOSED),
	[LOGIN_VERIFY] = IN(COMMAND) | IN(SASL) | IN(PROXY) | IN(CLOSED),
	[LOGIN_PROXY] = IN(COMMAND) | IN(CLOSED), /* UNAUTHENTICATE */
	[LOGIN_CLOSED] = IN(CLOSED),
};

void
login_enter(struct login_session *s, enum login_state to)
{
	assert(login_next[s->state] & (1u << to));
	s->state = to;
}

bool
login_is_secure(const struct login_session *s)
{
	return conn_is_tls(s->client) || s->local;
}

static size_t *
address_count(struct login *l, const union sockaddr_any *from)
{
	unsigned char key[16];
	struct slice k = slice_of(key, sockaddr_client_key(from, key));
	size_t *n = map_get(&l->per_address, k);

	if (n == NULL) {
		n = mem_zero(sizeof(*n));
		map_put(&l->per_address, k, n);
	}
	return n;
}

static void
address_leave(struct login *l, const union sockaddr_any *from)
{
	unsigned char key[16];
	struct slice k = slice_of(key, sockaddr_client_key(from, key));
	size_t *n = map_get(&l->per_address, k);

	if (n != NULL && --*n == 0)
		mem_free(map_remove(&l->per_address, k));
}

static void
session_free(struct login_session *s)
{
	struct login *l = s->login;

	login_forget(s);
	login_proxy_free(s);
	address_leave(l, &s->from);
	list_remove(&s->link);
	l->count--;
	mem_free(s->user);
	mem_free(s);
	if (service_is_stopping(l->service) && l->count == 0)
		service_exit(l->service);
}

void
login_bye(struct login_session *s, const char *text)
{
	if (s->state == LOGIN_CLOSED)
		return;
	/* An answer to what was asked would find no state to go on in. */
	login_forget(s);
	conn_writef(s->client, "* BYE %s\r\n", text);
	login_enter(s, LOGIN_CLOSED);
	conn_close(s->client);
}

void
login_bad(struct login_session *s, struct slice tag, const char *text)
{
	if (tag.n == 0 || tag.n > LOGIN_TAG)
		tag = S("*");
	conn_writef(s->client, "%.*s BAD %s\r\n", SLICE_ARG(tag), text);
	if (++s->errors >= LIMIT_IMAP_ERRORS)
		login_bye(s, "Too many errors.");
}

static void
greet(struct login_session *s)
{
	struct buf *out = &s->login->line;

	login_enter(s, LOGIN_COMMAND);
	buf_clear(out);
	buf_adds(out, "* OK [CAPABILITY ");
	login_capabilities(s, out);
	buf_adds(out, "] Pillarbox ready.\r\n");
	conn_write_slice(s->client, buf_slice(out));
	conn_timeout(s->client, LOGIN_COMMAND_MS);
}

static size_t
on_input(void *arg, struct slice in)
{
	struct login_session *s = arg;

	switch (s->state) {
	case LOGIN_COMMAND:
		conn_timeout(s->client, LOGIN_COMMAND_MS);
		return login_command(s, in);
	case LOGIN_SASL:
		conn_timeout(s->client, LOGIN_COMMAND_MS);
		return login_sasl_line(s, in);
	case LOGIN_PROXY:
		return login_move(s->client, s->worker, in);
	case LOGIN_HANDSHAKE:
	case LOGIN_VERIFY:
	case LOGIN_CLOSED:
	case LOGIN_STATES:
		break;
	}
	return in.n;
}

static void
on_close(void *arg, const char *why)
{
	struct login_session *s = arg;
	struct log_line l;
	char ip[SOCKADDR_TEXT];

	log_begin(&l, LOG_DEBUG, "disconnect");
	log_str(&l, "session", s->id);
	log_str(&l, "ip", sockaddr_ip(&s->from, ip));
	log_str(&l, "reason", why);
	log_end(&l);
	session_free(s);
}

static void
on_drain(void *arg)
{
	struct login_session *s = arg;

	if (s->worker != NULL)
		conn_resume(s->worker);
}

static void
on_timeout(void *arg)
{
	login_bye(arg, "Disconnected for inactivity.");
}

static void
on_tls(void *arg, const char *why)
{
	struct login_session *s = arg;
	struct log_line l;
	char ip[SOCKADDR_TEXT];

	if (why != NULL) {
		log_begin(&l, LOG_INFO, "tls-failed");
		log_str(&l, "session", s->id);
		log_str(&l, "ip", sockaddr_ip(&s->from, ip));
		log_str(&l, "reason", why);
		log_end(&l);
		return;
	}
	if (s->starttls) {
		/* RFC 3501 6.2.1: no second greeting. */
		login_enter(s, LOGIN_COMMAND);
		conn_timeout(s->client, LOGIN_COMMAND_MS);
	} else {
		greet(s);
	}
}

static const struct conn_ops client_ops = {
	.on_input = on_input,
	.on_close = on_close,
	.on_drain = on_drain,
	.on_timeout = on_timeout,
	.on_tls = on_tls,
};

/* A client on this very machine talks in clear to nobody but us
 * (dms-compat 7.1). */
static bool
is_local(int fd, const union sockaddr_any *from)
{
	union sockaddr_any at = { 0 };
	socklen_t n = sizeof(at);
	char a[SOCKADDR_TEXT], b[SOCKADDR_TEXT];

	return getsockname(fd, &at.sa, &n) == 0 &&
	    strcmp(sockaddr_ip(&at, a), sockaddr_ip(from, b)) == 0;
}

/* Too many already: one line in clear, also where TLS is expected, because a
 * handshake is what an attacker wants us to spend. */
static void
turn_away(int fd, const union sockaddr_any *from)
{
	static const char text[] = "* BYE Too many connections.\r\n";
	char ip[SOCKADDR_TEXT];

	(void)send(fd, text, sizeof(text) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
	log_warn("too-many-connections", "ip=%s", sockaddr_ip(from, ip));
}

void
login_accept(struct login *l, const char *listener, int fd,
    const union sockaddr_any *from)
{
	const struct conf *conf = service_conf(l->service);
	size_t *of_address = address_count(l, from);
	struct buf id = BUF_INIT(sizeof(((struct login_session *)0)->id));
	struct login_session *s;

	if (l->count >= conf->imap_connections ||
	    *of_address >= conf->imap_connections_per_address) {
		++*of_address;
		address_leave(l, from);
		turn_away(fd, from);
		return;
	}
	++*of_address;
	s = mem_zero(sizeof(*s));
	s->login = l;
	s->from = *from;
	s->starttls = strcmp(listener, "143") == 0;
	s->local = is_local(fd, from);
	rand_text(&id, sizeof(s->id) - 1);
	memcpy(s->id, buf_str(&id), sizeof(s->id) - 1);
	buf_release(&id);
	list_push(&l->sessions, &s->link);
	l->count++;
	s->client = conn_new(service_loop(l->service), fd,
	    LIMIT_IMAP_PRELOGIN_LINE + 1, &client_ops, s);
	conn_balance(s->client);
	conn_timeout(s->client, GREETING_MS);
	if (s->starttls)
		greet(s);
	else
		conn_tls_server(s->client, l->tls);
}

void
login_stop(struct login *l)
{
	struct login_session *s;

	LIST_EACH(s, &l->sessions, struct login_session, link) {
		if (s->worker != NULL)
			conn_close(s->worker);
		else
			login_bye(s, "Server shutting down.");
	}
	if (l->count == 0)
		service_exit(l->service);
}
