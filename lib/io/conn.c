#include "io/conn_internal.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "core/file.h"

#define READ_CHUNK 65536
#define OUT_MAX (64u << 20)
#define OUT_LOW (CONN_OUT_HIGH / 4)
#define CLOSE_MS 10000
#define LINGER_MS 2000
#define ROUND_READS 8 /* reads of one connection in one round */

struct conn_connect {
	struct loop *loop;
	struct loop_poll *poll;
	struct loop_timer *timer;
	struct loop_task failed;
	void (*cb)(void *arg, int fd, int err);
	void *arg;
	int fd;
	int err;
};

/* How many there are, and for mem_trim_after: ten thousand clients that leave
 * should not leave their memory behind. */
static size_t live, most;

/* One read buffer for all: on_input sees it before the next read. */
static char chunk[READ_CHUNK];

static void conn_work(void *arg);
static void conn_fail(struct conn *c, const char *why);

static void
conn_release(struct conn *c)
{
	if (!c->dead) {
		c->dead = true;
		loop_task_cancel(&c->task);
		loop_poll_free(c->poll);
		loop_timer_free(c->timer);
		if (c->transport != NULL)
			c->transport->release(c);
		if (c->fd != -1)
			close(c->fd);
		buf_release(&c->in);
		buf_release(&c->out);
		mem_trim_after(&most, --live);
	}
	if (c->busy == 0)
		mem_free(c);
}

/* Ends a callback section: true if the connection is gone. */
static bool
leave(struct conn *c)
{
	c->busy--;
	if (!c->dead)
		return false;
	if (c->busy == 0)
		mem_free(c);
	return true;
}

static size_t
out_left(const struct conn *c)
{
	return c->out.n - c->out_done;
}

/* More output is to come soon that this can leave with. */
static bool
is_held(const struct conn *c)
{
	return c->gather && c->paused && !c->closing && !c->eof &&
	    c->tls != TLS_AWAITED && !c->above;
}

/* The peer has to read before it is listened to again. */
static bool
is_clogged(const struct conn *c)
{
	return c->balanced && c->above;
}

static void
update_poll(struct conn *c)
{
	int want = 0;

	if (c->dead || c->tls == TLS_AWAITED) {
		if (c->dead)
			return;
		want = out_left(c) > 0 ? LOOP_WRITE : 0;
	} else if (c->tls == TLS_HANDSHAKE) {
		want = c->read_wants_write ? LOOP_WRITE : LOOP_READ;
	} else {
		bool room = c->lingering || (c->in.n < c->in_max &&
		    !c->closing && !is_clogged(c));

		if ((room && !c->eof) || c->write_wants_read)
			want |= LOOP_READ;
		if ((out_left(c) > 0 && !c->write_wants_read && !is_held(c)) ||
		    c->read_wants_write)
			want |= LOOP_WRITE;
	}
	if (want != c->events) {
		c->events = want;
		loop_poll_set(c->poll, want);
	}
}

void
conn_schedule(struct conn *c)
{
	loop_task_schedule(c->loop, &c->task);
}

/* >0 bytes, 0 end of stream, -1 nothing now, -2 broken. */
static ssize_t
raw_read(struct conn *c, char *p, size_t n)
{
	ssize_t r;

	if (c->transport != NULL)
		return c->transport->read(c, p, n);
	do {
		r = read(c->fd, p, n);
	} while (r < 0 && errno == EINTR);
	if (r >= 0)
		return r;
	return errno == EAGAIN || errno == EWOULDBLOCK ? -1 : -2;
}

/* As raw_read; never 0. */
static ssize_t
raw_write(struct conn *c, const char *p, size_t n)
{
	ssize_t r;

	/* What is queued before the handshake goes out in clear. */
	if (c->transport != NULL && c->tls != TLS_AWAITED)
		return c->transport->write(c, p, n);
	do {
		r = send(c->fd, p, n, MSG_NOSIGNAL);
	} while (r < 0 && errno == EINTR);
	if (r >= 0)
		return r;
	return errno == EAGAIN || errno == EWOULDBLOCK ? -1 : -2;
}

/* Writes what it can; -1 if the connection broke. */
static int
flush(struct conn *c)
{
	while (out_left(c) > 0) {
		ssize_t r = raw_write(c, c->out.p + c->out_done, out_left(c));

		if (r == -1)
			break;
		if (r == -2)
			return -1;
		c->out_done += (size_t)r;
	}
	if (out_left(c) == 0) {
		buf_release(&c->out);
		c->out_done = 0;
	} else if (c->out_done > (1u << 18)) {
		buf_consume(&c->out, c->out_done);
		c->out_done = 0;
	}
	return 0;
}

/* Nothing more will be said or heard: tell the owner, let the peer read the
 * rest, then free. Closing at once could reset away our last reply. */
static void
finish(struct conn *c, const char *why)
{
	const struct conn_ops *ops = c->ops;

	c->ops = NULL;
	c->closing = true;
	if (ops != NULL && ops->on_close != NULL) {
		c->busy++;
		ops->on_close(c->arg, why);
		if (leave(c))
			return;
	}
	if (c->tls == TLS_ON)
		c->transport->shutdown(c);
	if (c->eof || shutdown(c->fd, SHUT_WR) == -1) {
		conn_release(c);
		return;
	}
	c->lingering = true;
	conn_timeout(c, LINGER_MS);
	update_poll(c);
}

/* Broken: no flush, no linger. */
static void
conn_fail(struct conn *c, const char *why)
{
	const struct conn_ops *ops = c->ops;

	c->ops = NULL;
	if (ops != NULL && ops->on_close != NULL) {
		c->busy++;
		ops->on_close(c->arg, why);
		if (leave(c))
			return;
	}
	conn_release(c);
}

/*
 * Hands input to the protocol. rest is what was just read, or empty to go on
 * with what is kept. Returns true if the connection is gone.
 */
static bool
pump(struct conn *c, struct slice rest)
{
	bool kept = c->in.n > 0 || rest.n == 0;

	if (kept) {
		buf_add_slice(&c->in, rest);
		rest = buf_slice(&c->in);
	}
	while (rest.n > 0 && !c->paused && !c->closing && !is_clogged(c) &&
	    c->tls != TLS_AWAITED) {
		size_t used;

		c->busy++;
		c->dropped = false;
		used = c->ops->on_input(c->arg, rest);
		if (leave(c))
			return true;
		assert(used <= rest.n);
		if (c->dropped) {
			rest = slice_of(NULL, 0);
			break;
		}
		rest = slice_from(rest, used);
		if (used == 0) {
			if (rest.n >= c->in_max) {
				conn_fail(c, "input too long");
				return true;
			}
			break;
		}
	}
	if (!kept)
		buf_add_slice(&c->in, rest);
	else
		buf_consume(&c->in, c->in.n - rest.n);
	if (c->in.n == 0)
		buf_release(&c->in);
	return false;
}

/* Reads and hands over; true if the connection is gone. */
static bool
fill(struct conn *c)
{
	c->more = false;
	for (int i = 0; i < ROUND_READS && !c->eof; i++) {
		size_t room = c->in.n < c->in_max ? c->in_max - c->in.n : 0;
		ssize_t r;

		if (c->tls == TLS_AWAITED || c->closing)
			return false;
		if (room == 0 || is_clogged(c)) {
			c->more = true;
			return false;
		}
		r = raw_read(c, chunk, room < READ_CHUNK ? room : READ_CHUNK);
		if (r == -1)
			return false;
		if (r == -2) {
			conn_fail(c, "connection lost");
			return true;
		}
		if (r == 0) {
			c->eof = true;
			return false;
		}
		if (pump(c, slice_of(chunk, (size_t)r)))
			return true;
		/* A short plain read emptied the socket. */
		if (c->transport == NULL && (size_t)r < READ_CHUNK &&
		    (size_t)r < room)
			return false;
	}
	c->more = !c->eof;
	if (c->more)
		conn_schedule(c);
	return false;
}

/* The peer ended its side and everything it sent is handled. */
static bool
meet_eof(struct conn *c)
{
	if (!c->eof || c->closing || c->paused || c->eof_told || is_clogged(c))
		return false;
	if (c->ops->on_eof != NULL) {
		c->eof_told = true;
		c->busy++;
		c->ops->on_eof(c->arg);
		return leave(c);
	}
	if (out_left(c) > 0) {
		/* A half-closed client still wants its replies. */
		c->closing = true;
		conn_timeout(c, CLOSE_MS);
		return false;
	}
	finish(c, "closed by peer");
	return true;
}

static bool
tell_tls(struct conn *c, const char *why)
{
	if (c->ops == NULL || c->ops->on_tls == NULL)
		return false;
	c->busy++;
	c->ops->on_tls(c->arg, why);
	return leave(c);
}

/* True if the connection is gone. */
static bool
handshake(struct conn *c)
{
	const char *why = NULL;
	int r = c->transport->handshake(c, &why);

	if (r == 0)
		return false;
	if (r == 1) {
		c->tls = TLS_ON;
		return tell_tls(c, NULL) || fill(c);
	}
	if (tell_tls(c, why))
		return true;
	conn_fail(c, "TLS handshake failed");
	return true;
}

/* Everything there is to do now, in one order, for poll and task alike. */
static void
conn_step(struct conn *c, bool readable)
{
	if (c->lingering) {
		ssize_t r;

		for (int i = 0; i < ROUND_READS; i++) {
			r = raw_read(c, chunk, sizeof(chunk));
			if (r == 0 || r == -2) {
				conn_release(c);
				return;
			}
			if (r == -1)
				break;
		}
		update_poll(c);
		return;
	}
	if (c->tls == TLS_HANDSHAKE) {
		if (handshake(c))
			return;
	} else if (c->tls != TLS_AWAITED) {
		if ((readable || c->more) && fill(c))
			return;
		if (c->in.n > 0 && !c->paused && !c->closing &&
		    pump(c, slice_of(NULL, 0)))
			return;
		if (meet_eof(c))
			return;
		/* There is room again. What TLS has already taken from the
		 * socket wakes no poll. */
		if (c->more && c->in.n < c->in_max && !is_clogged(c))
			conn_schedule(c);
	}
	if (c->tls != TLS_HANDSHAKE && !is_held(c) && flush(c) == -1) {
		/* What the peer said before it left still counts. */
		if (!fill(c))
			conn_fail(c, "connection lost");
		return;
	}
	if (out_left(c) == 0 && c->tls == TLS_AWAITED) {
		c->tls = TLS_HANDSHAKE;
		if (handshake(c))
			return;
	}
	if (out_left(c) == 0 && c->ending) {
		c->ending = false;
		(void)shutdown(c->fd, SHUT_WR);
	}
	if (out_left(c) == 0 && c->closing) {
		finish(c, c->eof ? "closed by peer" : "closed");
		return;
	}
	if (c->above && out_left(c) < OUT_LOW) {
		c->above = false;
		if (c->balanced)
			conn_schedule(c);
		if (c->ops != NULL && c->ops->on_drain != NULL) {
			c->busy++;
			c->ops->on_drain(c->arg);
			if (leave(c))
				return;
		}
	}
	if (c->out.failed) {
		conn_fail(c, "output too long");
		return;
	}
	update_poll(c);
}

static void
conn_work(void *arg)
{
	conn_step(arg, false);
}

static void
on_ready(void *arg, int events UNUSED)
{
	conn_step(arg, true);
}

struct conn *
conn_new(struct loop *l, int fd, size_t in_max, const struct conn_ops *ops,
    void *arg)
{
	struct conn *c = mem_zero(sizeof(*c));
	int one = 1;

	file_set_nonblock(fd);
	file_set_cloexec(fd, true);
	/* Replies are coalesced here; Nagle would only delay them. It is no
	 * TCP socket for a worker behind login, which is fine. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	mem_trim_after(&most, ++live);
	c->loop = l;
	c->fd = fd;
	c->ops = ops;
	c->arg = arg;
	c->in_max = in_max;
	buf_init(&c->in, in_max);
	buf_init(&c->out, OUT_MAX);
	loop_task_init(&c->task, conn_work, c);
	c->poll = loop_poll_new(l, fd, on_ready, c);
	update_poll(c);
	return c;
}

void
conn_write(struct conn *c, const void *p, size_t n)
{
	if (c->closing || c->dead || n == 0)
		return;
	buf_add(&c->out, p, n);
	if (out_left(c) > CONN_OUT_HIGH)
		c->above = true;
	conn_schedule(c);
}

void
conn_write_slice(struct conn *c, struct slice s)
{
	conn_write(c, s.p, s.n);
}

void
conn_writef(struct conn *c, const char *fmt, ...)
{
	va_list ap;

	if (c->closing || c->dead)
		return;
	va_start(ap, fmt);
	buf_vaddf(&c->out, fmt, ap);
	va_end(ap);
	if (out_left(c) > CONN_OUT_HIGH)
		c->above = true;
	conn_schedule(c);
}

void
conn_gather(struct conn *c)
{
	c->gather = true;
}

void
conn_balance(struct conn *c)
{
	c->balanced = true;
}

size_t
conn_out_pending(const struct conn *c)
{
	return out_left(c);
}

void
conn_pause(struct conn *c)
{
	c->paused = true;
}

void
conn_resume(struct conn *c)
{
	if (!c->paused)
		return;
	c->paused = false;
	conn_schedule(c);
}

bool
conn_is_paused(const struct conn *c)
{
	return c->paused;
}

size_t
conn_in_pending(const struct conn *c)
{
	return c->in.n;
}

void
conn_drop_input(struct conn *c)
{
	c->dropped = true;
	if (c->busy == 0)
		buf_release(&c->in);
}

void
conn_take_input(struct conn *c, struct buf *out)
{
	buf_add_slice(out, buf_slice(&c->in));
	buf_release(&c->in);
}

static void
on_timeout(void *arg)
{
	struct conn *c = arg;

	if (c->ops == NULL) {
		conn_release(c);
	} else if (c->closing || c->ops->on_timeout == NULL) {
		conn_fail(c, "timeout");
	} else {
		c->busy++;
		c->ops->on_timeout(c->arg);
		leave(c);
	}
}

void
conn_timeout(struct conn *c, uint64_t ms)
{
	if (c->dead)
		return;
	if (c->timer == NULL) {
		if (ms == 0)
			return;
		c->timer = loop_timer_new(c->loop, on_timeout, c);
	}
	if (ms == 0)
		loop_timer_stop(c->timer);
	else
		loop_timer_start(c->timer, ms, 0);
}

bool
conn_is_tls(const struct conn *c)
{
	return c->tls == TLS_ON;
}

void
conn_put_back(struct conn *c, struct slice in)
{
	struct buf joined;

	buf_init(&joined, c->in.max + in.n);
	buf_add_slice(&joined, in);
	buf_add_slice(&joined, buf_slice(&c->in));
	buf_release(&c->in);
	c->in = joined;
	conn_schedule(c);
}

void
conn_end(struct conn *c)
{
	c->ending = true;
	conn_schedule(c);
}

void
conn_close(struct conn *c)
{
	if (c->closing || c->dead)
		return;
	c->closing = true;
	conn_timeout(c, CLOSE_MS);
	conn_schedule(c);
}

void
conn_detach(struct conn *c)
{
	c->ops = NULL;
	if (c->dead)
		return;
	c->closing = true;
	conn_timeout(c, CLOSE_MS);
	conn_schedule(c);
}

void
conn_abort(struct conn *c)
{
	c->ops = NULL;
	conn_release(c);
}

static void
connect_done(struct conn_connect *c, int fd, int err)
{
	void (*cb)(void *, int, int) = c->cb;
	void *arg = c->arg;

	loop_poll_free(c->poll);
	loop_timer_free(c->timer);
	loop_task_cancel(&c->failed);
	mem_free(c);
	cb(arg, fd, err);
}

static void
on_connected(void *arg, int events UNUSED)
{
	struct conn_connect *c = arg;
	int err = 0, fd = c->fd;
	socklen_t n = sizeof(err);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &n) == -1)
		err = errno;
	/* The poll goes first: it must not outlive the descriptor. */
	loop_poll_free(c->poll);
	c->poll = NULL;
	if (err != 0) {
		close(fd);
		fd = -1;
	}
	connect_done(c, fd, err);
}

static void
on_connect_timeout(void *arg)
{
	struct conn_connect *c = arg;

	loop_poll_free(c->poll);
	c->poll = NULL;
	close(c->fd);
	connect_done(c, -1, ETIMEDOUT);
}

static void
on_connect_failed(void *arg)
{
	struct conn_connect *c = arg;

	connect_done(c, -1, c->err);
}

struct conn_connect *
conn_connect(struct loop *l, const struct sockaddr *to, socklen_t to_len,
    const struct sockaddr *local, socklen_t local_len, uint64_t timeout_ms,
    void (*cb)(void *arg, int fd, int err), void *arg)
{
	struct conn_connect *c = mem_zero(sizeof(*c));

	c->loop = l;
	c->cb = cb;
	c->arg = arg;
	loop_task_init(&c->failed, on_connect_failed, c);
	c->fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (c->fd == -1 ||
	    (local != NULL && bind(c->fd, local, local_len) == -1) ||
	    (connect(c->fd, to, to_len) == -1 && errno != EINPROGRESS)) {
		c->err = errno;
		if (c->fd != -1)
			close(c->fd);
		c->fd = -1;
		loop_task_schedule(l, &c->failed);
		return c;
	}
	c->poll = loop_poll_new(l, c->fd, on_connected, c);
	loop_poll_set(c->poll, LOOP_WRITE);
	c->timer = loop_timer_new(l, on_connect_timeout, c);
	loop_timer_start(c->timer, timeout_ms, 0);
	return c;
}

void
conn_connect_cancel(struct conn_connect *c)
{
	loop_poll_free(c->poll);
	loop_timer_free(c->timer);
	loop_task_cancel(&c->failed);
	if (c->fd != -1)
		close(c->fd);
	mem_free(c);
}
