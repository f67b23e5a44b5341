/*
 * LD_PRELOAD shim: the FAULT_AT-th call that changes the disk fails with
 * FAULT_ERRNO (a number), or kills the process when FAULT_ERRNO is 0: half of
 * the kills come before the call, half behind it (FAULT_AFTER=1). Says "fired"
 * on descriptor 1 when it strikes. Descriptors 0 to 2 do not count, nor do
 * pipes and sockets.
 */
/* The calls it stands in for are declared elsewhere, in many ways. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static struct {
	atomic_long count;
	long at;
	int err;
	bool after;
} fault;

static long
env_number(const char *name)
{
	const char *text = getenv(name);

	return text != NULL ? strtol(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void
fault_start(void)
{
	fault.at = env_number("FAULT_AT");
	fault.err = (int)env_number("FAULT_ERRNO");
	fault.after = env_number("FAULT_AFTER") != 0;
}

static void
die(void)
{
	syscall(SYS_write, 1, "fired\n", 6);
	syscall(SYS_kill, getpid(), SIGKILL);
}

/* True if this call must fail; *last if the process must die behind it. */
static bool
strikes(bool *last)
{
	*last = false;
	if (atomic_fetch_add(&fault.count, 1) + 1 != fault.at)
		return false;
	if (fault.err == 0) {
		*last = fault.after;
		if (!fault.after)
			die();
		return false;
	}
	syscall(SYS_write, 1, "fired\n", 6);
	errno = fault.err;
	return true;
}

static bool
is_on_disk(int fd)
{
	struct stat st;

	return fd > 2 && fstat(fd, &st) == 0 &&
	    (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* A function; counts says whether a call of it does. */
#define WRAP(type, name, counts, params, args)                                 \
	type name params                                                       \
	{                                                                      \
		bool last = false;                                             \
		type r;                                                        \
                                                                               \
		if ((counts) && strikes(&last))                                \
			return -1;                                             \
		r = REAL(name) args;                                           \
		if (last)                                                      \
			die();                                                 \
		return r;                                                      \
	}

WRAP(ssize_t, write, is_on_disk(fd), (int fd, const void *p, size_t n),
    (fd, p, n))
WRAP(ssize_t, pwrite, is_on_disk(fd),
    (int fd, const void *p, size_t n, off_t o),
    (fd, p, n, o))
WRAP(ssize_t, pwrite64, is_on_disk(fd),
    (int fd, const void *p, size_t n, off64_t o),
    (fd, p, n, o))
WRAP(int, fsync, is_on_disk(fd), (int fd), (fd))
WRAP(int, fdatasync, is_on_disk(fd), (int fd), (fd))
WRAP(int, ftruncate, is_on_disk(fd), (int fd, off_t n), (fd, n))
WRAP(int, rename, true, (const char *a, const char *b), (a, b))
WRAP(int, link, true, (const char *a, const char *b), (a, b))
WRAP(int, unlink, true, (const char *a), (a))
WRAP(int, unlinkat, true, (int fd, const char *a, int flags), (fd, a, flags))
WRAP(int, rmdir, true, (const char *a), (a))
WRAP(int, mkdir, true, (const char *a, mode_t mode), (a, mode))
WRAP(int, futimens, is_on_disk(fd), (int fd, const struct timespec t[2]),
    (fd, t))

/* Opening a file changes the disk only where it may make it. */
#define WRAP_OPEN(name)                                                        \
	int name(const char *path, int flags, ...)                             \
	{                                                                      \
		bool last = false;                                             \
		mode_t mode;                                                   \
		va_list ap;                                                    \
		int r;                                                         \
                                                                               \
		va_start(ap, flags);                                           \
		mode = (flags & O_CREAT) != 0 ? va_arg(ap, mode_t) : 0;        \
		va_end(ap);                                                    \
		if ((flags & O_CREAT) != 0 && strikes(&last))                  \
			return -1;                                             \
		r = REAL(name)(path, flags, mode);                             \
		if (last)                                                      \
			die();                                                 \
		return r;                                                      \
	}

WRAP_OPEN(open)
WRAP_OPEN(open64)
