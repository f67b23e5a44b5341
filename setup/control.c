#include "setup/control.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <signal.h>

#include "core/file.h"
#include "core/num.h"

/* The supervisor answers in milliseconds or is stuck. */
#define WAIT_SECONDS 30
#define LAST_LINE_MAX 64

static int
dial(const struct setup *s)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct timeval wait = { .tv_sec = WAIT_SECONDS };
	int fd;

	if (snprintf(to.sun_path, sizeof(to.sun_path), "%s/control.sock",
	    s->conf.run_dir) >= (int)sizeof(to.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

/*
 * The exit status in held, which is "exit N\n"; -1 if it is something else.
 */
static int
status_of(struct slice held)
{
	uint64_t n;

	if (!slice_starts(held, S("exit ")) || !slice_ends(held, S("\n")))
		return -1;
	held = slice_from(held, 5);
	held.n--;
	return num_u64(held, 255, &n) == 0 ? (int)n : -1;
}

/* Writes all of held but its last line, which may be the exit status. */
static void
pass_on(struct buf *held)
{
	struct slice all = buf_slice(held);
	ssize_t end;

	if (all.n == 0)
		return;
	/* A line end at the very end belongs to the last line. */
	end = slice_rfind(slice_head(all, all.n - 1), '\n');
	if (end < 0 && all.n <= LAST_LINE_MAX)
		return;
	if (all.n - (size_t)(end + 1) > LAST_LINE_MAX)
		end = (ssize_t)all.n - 1;
	fwrite(all.p, 1, (size_t)end + 1, stdout);
	buf_consume(held, (size_t)end + 1);
}

static int
copy_answer(const struct setup *s, int fd)
{
	struct buf held = BUF_INIT(65536);
	ssize_t got;
	int status;

	for (;;) {
		char *at = buf_reserve(&held, 16384);

		if (at == NULL)
			panic("control: an answer line of %zu bytes", held.n);
		got = read(fd, at, 16384);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		buf_commit(&held, (size_t)got);
		pass_on(&held);
	}
	buf_commit(&held, 0);
	status = status_of(buf_slice(&held));
	if (status == -1) {
		fwrite(held.p, 1, held.n, stdout);
		status = say_abort(s, "the mailserver broke off its answer%s%s",
		    got < 0 ? ": " : "", got < 0 ? strerror(errno) : "");
	}
	buf_release(&held);
	return status;
}

bool
control_answers(const struct setup *s)
{
	int fd = dial(s);

	if (fd != -1)
		close(fd);
	return fd != -1;
}

int
control_run(const struct setup *s, int argc, const char *const *argv)
{
	struct buf request = BUF_INIT(4096);
	int fd = dial(s), status;

	for (int i = 0; i < argc; i++)
		buf_add(&request, argv[i], strlen(argv[i]) + 1);
	buf_addc(&request, '\n');
	if (fd == -1) {
		if (errno == ENOENT || errno == ECONNREFUSED)
			fputs("mailserver is not running\n", stderr);
		else
			say(s, LOG_ERROR, "%s/control.sock: %s",
			    s->conf.run_dir, strerror(errno));
		status = 1;
	} else if (!buf_ok(&request)) {
		status = say_abort(s, "the command is too long");
	} else {
		signal(SIGPIPE, SIG_IGN);
		status = file_write_all(fd, request.p, request.n) == 0 ?
		    copy_answer(s, fd) :
		    say_abort(s, "control socket: %s", strerror(errno));
	}
	if (fd != -1)
		close(fd);
	buf_release(&request);
	return status;
}
