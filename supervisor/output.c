#include "supervisor/sup.h"

#include <fcntl.h>
#include <poll.h>

#include "core/file.h"
#include "core/log.h"

#define PIPE_BYTES (1 << 20)

/*
 * All processes write whole lines (shorter than PIPE_BUF, so never mixed) into
 * one pipe; here they go to stdout and to mail.log. A stdout that nobody reads
 * must not stop the mail: what does not fit is dropped and counted.
 */
static struct {
	int read_fd;
	int write_fd;
	int log_fd;
	bool stdout_gone;
	uint64_t dropped;
	struct loop_poll *poll;
	char log_path[512];
} out = { .read_fd = -1, .write_fd = -1, .log_fd = -1 };

static void
put_stdout(const char *p, size_t n)
{
	while (n > 0 && !out.stdout_gone) {
		struct pollfd f = { .fd = STDOUT_FILENO, .events = POLLOUT };
		size_t part = n < 4096 ? n : 4096;
		ssize_t r;

		/* A writable pipe takes PIPE_BUF bytes without blocking. */
		if (poll(&f, 1, 0) != 1 || !(f.revents & POLLOUT)) {
			out.dropped += n;
			if (f.revents & (POLLERR | POLLNVAL))
				out.stdout_gone = true;
			return;
		}
		r = write(STDOUT_FILENO, p, part);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0) {
			out.stdout_gone = errno == EPIPE || errno == EBADF;
			out.dropped += n;
			return;
		}
		p += r;
		n -= (size_t)r;
	}
}

static void
put(const char *p, size_t n)
{
	put_stdout(p, n);
	if (out.log_fd != -1 && file_write_all(out.log_fd, p, n) == -1)
		out.dropped += n; /* full disk: mail goes on without its log */
}

static bool
take(void)
{
	char lines[65536];
	ssize_t n;

	do {
		n = read(out.read_fd, lines, sizeof(lines));
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return false;
	put(lines, (size_t)n);
	return true;
}

static void
on_lines(void *arg UNUSED, int events UNUSED)
{
	uint64_t before = out.dropped;

	take();
	if (before > 0 && out.dropped == before) {
		out.dropped = 0;
		log_warn("log-dropped", "bytes=%llu",
		    (unsigned long long)before);
	}
}

void
sup_output_init(struct sup *s)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) == -1)
		panic("pipe: %s", strerror(errno));
	/* More room for a burst; refused for ordinary users past a limit. */
	(void)fcntl(fds[1], F_SETPIPE_SZ, PIPE_BYTES);
	file_set_nonblock(fds[0]);
	out.read_fd = fds[0];
	out.write_fd = fds[1];
	out.poll = loop_poll_new(s->loop, out.read_fd, on_lines, NULL);
	loop_poll_set(out.poll, LOOP_READ);
	log_set_sink(put);
}

int
sup_output_fd(void)
{
	return out.write_fd;
}

void
sup_output_open(const char *log_dir)
{
	if (out.log_fd != -1)
		close(out.log_fd);
	out.log_fd = -1;
	if (log_dir[0] == '\0' || access(log_dir, W_OK | X_OK) == -1)
		return;
	snprintf(out.log_path, sizeof(out.log_path), "%s/mail.log", log_dir);
	/* Append only: copytruncate rotation keeps working (dms-compat 8). */
	out.log_fd = open(out.log_path,
	    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
	if (out.log_fd == -1)
		log_warn("log-open", "path=%s error=\"%s\"", out.log_path,
		    strerror(errno));
}

void
sup_output_drain(void)
{
	while (take())
		continue;
}
