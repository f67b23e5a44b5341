#include "io/chan.h"

#include <sys/socket.h>

#include <fcntl.h>
#include <poll.h>

#include "core/limits.h"
#include "core/list.h"
#include "core/log.h"
#include "core/num.h"

#define HEADER 6 /* u16 type, u32 id */

struct out_frame {
	struct list link;
	int fd;
	size_t n;
	unsigned char bytes[];
};

struct chan {
	struct loop *loop;
	struct loop_poll *poll;
	struct loop_task closing;
	const char *name;
	const struct chan_ops *ops;
	void *arg;
	struct list out;
	size_t out_bytes;
	int fd;
	unsigned busy;  /* inside a callback: free later */
	bool dead;
};

/* One receive buffer for all channels: frames are handled before the next. */
static unsigned char in_bytes[HEADER + LIMIT_FRAME];

static void
chan_release(struct chan *c)
{
	while (!list_is_empty(&c->out)) {
		struct out_frame *f = LIST_FIRST(&c->out, struct out_frame, link);

		list_remove(&f->link);
		if (f->fd != -1)
			close(f->fd);
		mem_free(f);
	}
	loop_task_cancel(&c->closing);
	loop_poll_free(c->poll);
	if (c->fd != -1)
		close(c->fd);
	c->poll = NULL;
	c->fd = -1;
	c->dead = true;
	if (c->busy == 0)
		mem_free(c);
}

/* Tells the owner, then frees. */
static void
chan_fail(void *arg)
{
	struct chan *c = arg;

	if (c->dead)
		return;
	c->busy++;
	c->ops->on_close(c->arg, c);
	c->busy--;
	if (!c->dead)
		chan_release(c);
	else if (c->busy == 0)
		mem_free(c);
}

/* 1 sent, 0 would block, -1 broken. */
static int
send_frame(struct chan *c, const void *p, size_t n, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { (void *)(uintptr_t)p, n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t r;

	if (fd != -1) {
		struct cmsghdr *h;

		memset(&control, 0, sizeof(control));
		m.msg_control = control.bytes;
		m.msg_controllen = sizeof(control.bytes);
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &fd, sizeof(int));
	}
	do {
		r = sendmsg(c->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (r < 0 && errno == EINTR);
	if (r >= 0)
		return 1;
	/* ETOOMANYREFS: too many descriptors in flight; they drain. */
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ||
	    errno == ETOOMANYREFS)
		return 0;
	return -1;
}

static int
flush(struct chan *c)
{
	while (!list_is_empty(&c->out)) {
		struct out_frame *f = LIST_FIRST(&c->out, struct out_frame, link);
		int r = send_frame(c, f->bytes, f->n, f->fd);

		if (r <= 0)
			return r;
		list_remove(&f->link);
		c->out_bytes -= f->n;
		if (f->fd != -1)
			close(f->fd);
		mem_free(f);
	}
	return 1;
}

/* 1 a frame was handled, 0 nothing there, -1 over. */
static int
receive(struct chan *c)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { in_bytes, sizeof(in_bytes) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = control.bytes, .msg_controllen = sizeof(control) };
	struct chan_frame f = { .fd = -1 };
	struct cmsghdr *h;
	ssize_t n;
	int r;

	do {
		n = recvmsg(c->fd, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
	if (n == 0)
		return -1;
	h = CMSG_FIRSTHDR(&m);
	if (h != NULL && h->cmsg_level == SOL_SOCKET &&
	    h->cmsg_type == SCM_RIGHTS && h->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&f.fd, CMSG_DATA(h), sizeof(int));
	if (n < HEADER || (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		log_error("channel-bad-frame", "peer=%s bytes=%zd", c->name, n);
		r = -1;
	} else {
		f.type = (uint16_t)(in_bytes[0] << 8 | in_bytes[1]);
		f.id = num_be32(in_bytes + 2);
		f.payload = slice_of(in_bytes + HEADER, (size_t)n - HEADER);
		r = c->ops->on_frame(c->arg, c, &f);
		if (r == -1)
			log_error("channel-bad-frame", "peer=%s type=%u",
			    c->name, f.type);
	}
	if (f.fd != -1)
		close(f.fd);
	return r == -1 ? -1 : 1;
}

static void
on_ready(void *arg, int events)
{
	struct chan *c = arg;
	int r = 1;

	c->busy++;
	if (events & LOOP_WRITE) {
		r = flush(c);
		if (r == 1)
			loop_poll_set(c->poll, LOOP_READ);
	}
	/* A bounded number of frames per round keeps other peers served. */
	if (r != -1 && (events & LOOP_READ)) {
		for (int i = 0; i < 64 && !c->dead; i++) {
			r = receive(c);
			if (r <= 0)
				break;
		}
	}
	c->busy--;
	if (c->dead) {
		if (c->busy == 0)
			mem_free(c);
	} else if (r == -1) {
		chan_fail(c);
	}
}

struct chan *
chan_new(struct loop *l, int fd, const char *name, const struct chan_ops *ops,
    void *arg)
{
	struct chan *c = mem_zero(sizeof(*c));

	c->loop = l;
	c->fd = fd;
	c->name = name;
	c->ops = ops;
	c->arg = arg;
	list_init(&c->out);
	loop_task_init(&c->closing, chan_fail, c);
	c->poll = loop_poll_new(l, fd, on_ready, c);
	loop_poll_set(c->poll, LOOP_READ);
	return c;
}

static int
chan_send_failed(struct chan *c, int fd)
{
	if (fd != -1)
		close(fd);
	/* Never from inside the caller: it may hold pointers of this peer. */
	loop_task_schedule(c->loop, &c->closing);
	return -1;
}

int
chan_send(struct chan *c, uint16_t type, uint32_t id, struct slice payload,
    int fd)
{
	unsigned char small[2048], *bytes = small;
	struct out_frame *f = NULL;
	size_t n = HEADER + payload.n;
	int r = 0;

	if (c->dead || payload.n > LIMIT_FRAME ||
	    c->out_bytes + n > LIMIT_CHAN_QUEUE) {
		if (!c->dead)
			log_error("channel-overflow", "peer=%s bytes=%zu",
			    c->name, c->out_bytes + n);
		if (c->dead) {
			if (fd != -1)
				close(fd);
			return -1;
		}
		return chan_send_failed(c, fd);
	}
	if (n > sizeof(small) || !list_is_empty(&c->out)) {
		f = mem_alloc(sizeof(*f) + n);
		bytes = f->bytes;
	}
	bytes[0] = (unsigned char)(type >> 8);
	bytes[1] = (unsigned char)type;
	num_be32_put(bytes + 2, id);
	if (payload.n > 0)
		memcpy(bytes + HEADER, payload.p, payload.n);
	if (list_is_empty(&c->out)) {
		r = send_frame(c, bytes, n, fd);
		if (r != 0) {
			mem_free(f);
			if (r == -1)
				return chan_send_failed(c, fd);
			if (fd != -1)
				close(fd);
			return 0;
		}
		loop_poll_set(c->poll, LOOP_READ | LOOP_WRITE);
	}
	if (f == NULL) {
		f = mem_alloc(sizeof(*f) + n);
		memcpy(f->bytes, bytes, n);
	}
	f->n = n;
	f->fd = fd;
	list_push(&c->out, &f->link);
	c->out_bytes += n;
	return 0;
}

const char *
chan_name(const struct chan *c)
{
	return c->name;
}

void *
chan_arg(const struct chan *c)
{
	return c->arg;
}

void
chan_close(struct chan *c)
{
	chan_release(c);
}

void
chan_flush(struct chan *c)
{
	while (!list_is_empty(&c->out)) {
		struct pollfd p = { .fd = c->fd, .events = POLLOUT };

		if (poll(&p, 1, 1000) <= 0 || flush(c) == -1)
			return;
	}
}

int
chan_pair(int fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0, fds);
}
