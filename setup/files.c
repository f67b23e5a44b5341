#include "setup/files.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <limits.h>

enum op { OP_OPEN, OP_CREATE, OP_MKDIR, OP_PLACE };

struct request {
	enum op op;
	int64_t mtime;
	char path[FILES_PATH_MAX];
	char to[FILES_PATH_MAX];
};

/* ---- the parent ---------------------------------------------------------- */

/*
 * The folder that holds the last part of path, which is *name afterwards; -1
 * with errno set. The descriptor is a new one.
 */
static int
walk(int root, struct slice path, char name[NAME_MAX + 1])
{
	int dir = fcntl(root, F_DUPFD_CLOEXEC, 0), next;
	struct slice part;

	*name = '\0';
	while (dir != -1 && slice_split(&path, '/', &part)) {
		if (part.n == 0 || part.n > NAME_MAX ||
		    slice_eq(part, S(".")) || slice_eq(part, S(".."))) {
			close(dir);
			errno = EINVAL;
			return -1;
		}
		memcpy(name, part.p, part.n);
		name[part.n] = '\0';
		if (path.n == 0)
			break;
		next = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
		    O_CLOEXEC);
		close(dir);
		dir = next;
	}
	return dir;
}

static int
do_place(int dir, const char *name, int root, const struct request *q)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
		{ .tv_sec = q->mtime } };
	char to[NAME_MAX + 1];
	int other, r = -1;

	if (q->mtime != 0 &&
	    utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	other = walk(root, slice_str(q->to), to);
	if (other == -1)
		return -1;
	if (*to == '\0')
		errno = EINVAL;
	else
		r = renameat(dir, name, other, to);
	close(other);
	return r;
}

/* 0 or a descriptor to hand over; -1 with errno set. */
static int
answer(int root, const struct request *q, bool write)
{
	char name[NAME_MAX + 1];
	int dir, r = -1;

	if (q->op != OP_OPEN && !write) {
		errno = EACCES;
		return -1;
	}
	if (q->op == OP_OPEN && *q->path == '\0')
		return fcntl(root, F_DUPFD_CLOEXEC, 3);
	dir = walk(root, slice_str(q->path), name);
	if (dir == -1)
		return -1;
	errno = EINVAL;
	switch (q->op) {
	case OP_OPEN:
		/* Not to wait for somebody at the other end of a pipe. */
		r = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC |
		    O_NONBLOCK);
		break;
	case OP_CREATE:
		if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
			r = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL |
			    O_CLOEXEC, 0600);
		break;
	case OP_MKDIR:
		r = mkdirat(dir, name, 0700);
		if (r == -1 && errno == EEXIST)
			r = 0;
		break;
	case OP_PLACE:
		r = do_place(dir, name, root, q);
		break;
	}
	if (r == -1) {
		int saved = errno;

		close(dir);
		errno = saved;
		return -1;
	}
	close(dir);
	return r;
}

static int
send_answer(int sock, int error, int fd)
{
	char space[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec v = { &error, sizeof(error) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (fd > 0) {
		m.msg_control = space;
		m.msg_controllen = sizeof(space);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	return sendmsg(sock, &m, MSG_NOSIGNAL) == -1 ? -1 : 0;
}

void
files_serve(int sock, int root, bool write)
{
	struct request *q = mem_zero(sizeof(*q));

	for (;;) {
		ssize_t n = recv(sock, q, sizeof(*q), 0);
		int fd, r;

		if (n == -1 && errno == EINTR)
			continue;
		if (n != (ssize_t)sizeof(*q) || (unsigned)q->op > OP_PLACE ||
		    memchr(q->path, '\0', sizeof(q->path)) == NULL ||
		    memchr(q->to, '\0', sizeof(q->to)) == NULL)
			break;
		fd = answer(root, q, write);
		r = send_answer(sock, fd == -1 ? errno : 0, fd);
		if (fd > 0)
			close(fd);
		if (r == -1)
			break;
	}
	mem_free(q);
}

/* ---- the child ----------------------------------------------------------- */

static int
receive(int sock)
{
	char space[CMSG_SPACE(sizeof(int))];
	int error = EIO, fd = 0;
	struct iovec v = { &error, sizeof(error) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1,
		.msg_control = space, .msg_controllen = sizeof(space) };
	struct cmsghdr *c;
	ssize_t n;

	do {
		n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	} while (n == -1 && errno == EINTR);
	if (n != (ssize_t)sizeof(error)) {
		errno = EPIPE;
		return -1;
	}
	c = CMSG_FIRSTHDR(&m);
	if (c != NULL && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	if (error == 0)
		return fd;
	errno = error;
	return -1;
}

static int
ask_parent(struct files *f, enum op op, const char *path, const char *to,
    int64_t mtime)
{
	struct request *q = mem_zero(sizeof(*q));
	int r = -1;

	q->op = op;
	q->mtime = mtime;
	if (strlen(path) >= sizeof(q->path) || strlen(to) >= sizeof(q->to)) {
		errno = ENAMETOOLONG;
	} else {
		memcpy(q->path, path, strlen(path));
		memcpy(q->to, to, strlen(to));
		if (send(f->sock, q, sizeof(*q), MSG_NOSIGNAL) != -1)
			r = receive(f->sock);
	}
	mem_free(q);
	return r;
}

int
files_open(struct files *f, const char *path)
{
	return ask_parent(f, OP_OPEN, path, "", 0);
}

int
files_create(struct files *f, const char *path)
{
	return ask_parent(f, OP_CREATE, path, "", 0);
}

int
files_mkdir(struct files *f, const char *path)
{
	return ask_parent(f, OP_MKDIR, path, "", 0);
}

int
files_place(struct files *f, const char *from, const char *to, int64_t mtime)
{
	return ask_parent(f, OP_PLACE, from, to, mtime);
}
