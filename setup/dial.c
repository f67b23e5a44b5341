#include "setup/dial.h"

#include "io/conn.h"

struct dial {
	struct loop *l;
	struct loop_timer *timer;
	struct conn_connect *connecting;
	struct conn *conn; /* NULL: not yet, or no more */
	struct tls_ctx *tls;
	struct buf in;
	bool secured;    /* the handshake is over */
	bool late;
	const char *why; /* what went wrong, or how it ended */
};

static void
on_timer(void *arg)
{
	struct dial *d = arg;

	d->late = true;
	d->why = "no answer in time";
	loop_stop(d->l);
}

static size_t
on_input(void *arg, struct slice in)
{
	struct dial *d = arg;

	buf_add_slice(&d->in, in);
	if (!buf_ok(&d->in)) {
		d->late = true;
		d->why = "the answer does not end";
	}
	loop_stop(d->l);
	return in.n;
}

static void
on_close(void *arg, const char *why)
{
	struct dial *d = arg;

	d->conn = NULL;
	if (d->why == NULL)
		d->why = why;
	loop_stop(d->l);
}

static void
on_tls(void *arg, const char *why)
{
	struct dial *d = arg;

	d->secured = why == NULL;
	if (why != NULL)
		d->why = why;
	loop_stop(d->l);
}

static void
on_connect(void *arg, int fd, int err)
{
	static const struct conn_ops ops = {
		.on_input = on_input,
		.on_close = on_close,
		.on_tls = on_tls,
	};
	struct dial *d = arg;

	d->connecting = NULL;
	if (fd == -1)
		d->why = err == ETIMEDOUT ? "no answer in time" : strerror(err);
	else
		d->conn = conn_new(d->l, fd, DIAL_MAX, &ops, d);
	loop_stop(d->l);
}

struct dial *
dial_open(const union sockaddr_any *to, const char **why)
{
	struct dial *d = mem_zero(sizeof(*d));

	d->l = loop_new();
	buf_init(&d->in, DIAL_MAX);
	d->timer = loop_timer_new(d->l, on_timer, d);
	loop_timer_start(d->timer, DIAL_TIMEOUT, 0);
	d->connecting = conn_connect(d->l, &to->sa, sockaddr_len(to), NULL, 0,
	    DIAL_TIMEOUT, on_connect, d);
	while (d->connecting != NULL && !d->late)
		loop_run(d->l);
	if (d->conn != NULL)
		return d;
	*why = d->why;
	dial_close(d);
	return NULL;
}

void
dial_close(struct dial *d)
{
	if (d == NULL)
		return;
	if (d->connecting != NULL)
		conn_connect_cancel(d->connecting);
	if (d->conn != NULL)
		conn_abort(d->conn);
	loop_timer_free(d->timer);
	tls_unref(d->tls);
	loop_free(d->l);
	buf_release(&d->in);
	mem_free(d);
}

int
dial_tls(struct dial *d, const char *host, const char **why)
{
	d->tls = tls_client_new(false, S(""), TLS_OPPORTUNISTIC, why);
	if (d->tls == NULL)
		return -1;
	buf_clear(&d->in);
	if (d->conn != NULL)
		conn_tls_client(d->conn, d->tls, host);
	while (d->conn != NULL && !d->secured && !d->late)
		loop_run(d->l);
	*why = d->why;
	return d->conn != NULL && d->secured ? 0 : -1;
}

void
dial_peer(const struct dial *d, struct buf *out)
{
	if (d->conn != NULL)
		conn_tls_peer(d->conn, out);
}

void
dial_write(struct dial *d, struct slice text)
{
	if (d->conn != NULL)
		conn_write_slice(d->conn, text);
}

int
dial_line(struct dial *d, struct buf *line, const char **why)
{
	struct slice text, first;
	ssize_t end;

	while ((end = slice_find(buf_slice(&d->in), '\n')) < 0 &&
	    d->conn != NULL && !d->late)
		loop_run(d->l);
	*why = d->why;
	if (end < 0)
		return -1;
	text = buf_slice(&d->in);
	first = slice_head(text, (size_t)end);
	if (first.n > 0 && first.p[first.n - 1] == '\r')
		first.n--;
	buf_add_slice(line, first);
	buf_consume(&d->in, (size_t)end + 1);
	return 0;
}

int
dial_rest(struct dial *d, struct buf *out, const char **why)
{
	while (d->conn != NULL && !d->late)
		loop_run(d->l);
	*why = d->why;
	buf_add_slice(out, buf_slice(&d->in));
	buf_clear(&d->in);
	return d->late || !buf_ok(out) ? -1 : 0;
}
