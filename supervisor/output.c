#include "supervisor/sup.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <poll.h>

#include "core/file.h"
#include "core/log.h"
#include "supervisor/rotate.h"

#define PIPE_BYTES (1 << 20)
#define ROTATE_AGAIN_S 60 /* after a failure */
#define CLOCK_MS 10000    /* how late a new period may be noticed */

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
	struct loop_timer *clock;
	const struct conf *conf;
	char log_path[512];
	uint64_t log_size;
	long log_period;   /* that the file began in */
	bool log_regular;  /* a file, not a device or pipe */
	time_t log_failed; /* last time that a new one could not be begun */
	char lines[65536]; /* what was read; the start of a line may be left */
	size_t held;
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

/* Opens mail.log at its end. Append only: so another program may cut it. */
static void
open_log(void)
{
	struct stat st;

	if (out.log_fd != -1)
		close(out.log_fd);
	out.log_fd = open(out.log_path,
	    O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
	if (out.log_fd == -1) {
		log_warn("log-open", "path=%s error=\"%s\"", out.log_path,
		    strerror(errno));
		return;
	}
	if (fstat(out.log_fd, &st) == -1)
		panic("fstat: %s", strerror(errno));
	out.log_regular = S_ISREG(st.st_mode);
	out.log_size = (uint64_t)st.st_size;
	out.log_period = rotate_period_of(out.log_fd,
	    out.conf->logrotate_interval);
}

/* Why a new file is due before n more bytes are written; NULL if it is not. */
static const char *
rotation_due(size_t n, time_t now)
{
	struct stat st;
	struct tm tm;

	if (out.log_fd == -1 || !out.log_regular || out.log_size == 0 ||
	    (out.log_failed != 0 && now - out.log_failed < ROTATE_AGAIN_S))
		return NULL;
	localtime_r(&now, &tm);
	if (rotate_period(out.conf->logrotate_interval, &tm) != out.log_period)
		return "interval";
	if (out.conf->log_size == 0 || out.log_size + n <= out.conf->log_size)
		return NULL;
	/* Another program may have cut it. */
	if (fstat(out.log_fd, &st) == 0)
		out.log_size = (uint64_t)st.st_size;
	return out.log_size > 0 && out.log_size + n > out.conf->log_size ?
	    "size" : NULL;
}

/* Called between lines only, so that none is in two files. */
static void
rotate(size_t n)
{
	time_t now = time(NULL);
	const char *why = rotation_due(n, now);

	if (why == NULL)
		return;
	/* Set first: the lines below come through here too. */
	out.log_failed = now;
	if (rotate_files(out.log_path, (unsigned)out.conf->logrotate_count) ==
	    -1 && errno != ENOENT) {
		log_warn("log-rotate", "path=%s error=\"%s\"", out.log_path,
		    strerror(errno));
		return;
	}
	open_log();
	out.log_failed = 0;
	log_info("log-rotate", "path=%s reason=%s", out.log_path, why);
}

/* How much of whole lines fits into the file, at least one line. */
static size_t
that_fits(const char *p, size_t n)
{
	uint64_t max = out.conf->log_size, room;
	const char *end;

	room = max > out.log_size ? max - out.log_size : 0;
	if (max == 0 || n <= room)
		return n;
	end = memrchr(p, '\n', (size_t)room);
	if (end == NULL)
		end = memchr(p, '\n', n);
	return end != NULL ? (size_t)(end - p) + 1 : n;
}

static void
put_log(const char *p, size_t n)
{
	size_t part;

	for (; n > 0 && out.log_fd != -1; p += part, n -= part) {
		part = that_fits(p, n);
		rotate(part);
		if (out.log_fd == -1)
			break;
		if (file_write_all(out.log_fd, p, part) == -1)
			out.dropped += part; /* full disk: mail goes on */
		else
			out.log_size += part;
	}
}

/* Whole lines. */
static void
put(const char *p, size_t n)
{
	put_stdout(p, n);
	put_log(p, n);
}

/* Reads from the pipe and passes on what is complete; a reader's buffer may
 * end within a line. */
static bool
take(void)
{
	const char *end;
	size_t whole;
	ssize_t n;

	do {
		n = read(out.read_fd, out.lines + out.held,
		    sizeof(out.lines) - out.held);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return false;
	out.held += (size_t)n;
	end = memrchr(out.lines, '\n', out.held);
	whole = end != NULL ? (size_t)(end - out.lines) + 1 : 0;
	if (whole == 0 && out.held == sizeof(out.lines))
		whole = out.held; /* no line of ours is that long */
	if (whole > 0)
		put(out.lines, whole);
	out.held -= whole;
	memmove(out.lines, out.lines + whole, out.held);
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

/* A server with nothing to say begins its new file too. */
static void
on_clock(void *arg UNUSED)
{
	rotate(0);
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
	out.clock = loop_timer_new(s->loop, on_clock, NULL);
	loop_timer_start(out.clock, CLOCK_MS, CLOCK_MS);
}

int
sup_output_fd(void)
{
	return out.write_fd;
}

void
sup_output_open(const struct conf *c)
{
	out.conf = c;
	out.log_failed = 0;
	if (c->log_dir[0] == '\0' || access(c->log_dir, W_OK | X_OK) == -1) {
		if (out.log_fd != -1)
			close(out.log_fd);
		out.log_fd = -1;
		return;
	}
	snprintf(out.log_path, sizeof(out.log_path), "%s/mail.log",
	    c->log_dir);
	open_log();
	rotate(0);
}

void
sup_output_drain(void)
{
	while (take())
		continue;
	if (out.held > 0)
		put(out.lines, out.held);
	out.held = 0;
}
