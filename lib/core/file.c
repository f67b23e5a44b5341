#include "core/file.h"

#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>

#include "core/rand.h"

int
file_read_fd(int fd, struct buf *out)
{
	for (;;) {
		size_t room = out->max - out->n;
		char *at = buf_reserve(out, room < 16384 ? room : 16384);
		ssize_t got;
		char probe;

		if (room == 0) {
			/* Full: fine only if the file ends here. */
			got = read(fd, &probe, 1);
			if (got == 0)
				return 0;
			if (got > 0)
				errno = EFBIG;
			return -1;
		}
		if (at == NULL) {
			errno = EFBIG;
			return -1;
		}
		got = read(fd, at, room < 16384 ? room : 16384);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0) {
			buf_commit(out, 0);
			return 0;
		}
		buf_commit(out, (size_t)got);
	}
}

int
file_read(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int r, saved;

	if (fd == -1)
		return -1;
	r = file_read_fd(fd, out);
	saved = errno;
	close(fd);
	errno = saved;
	return r;
}

int
file_write_all(int fd, const void *p, size_t n)
{
	const char *at = p;

	while (n > 0) {
		ssize_t put = write(fd, at, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		at += put;
		n -= (size_t)put;
	}
	return 0;
}

int
file_pread_all(int fd, void *p, size_t n, off_t offset)
{
	char *at = p;

	while (n > 0) {
		ssize_t got = pread(fd, at, n, offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0) {
			errno = EIO;
			return -1;
		}
		at += got;
		offset += got;
		n -= (size_t)got;
	}
	return 0;
}

/* Writes, syncs and closes fd. */
static int
finish(int fd, struct slice content)
{
	int r = file_write_all(fd, content.p, content.n);
	int saved;

	if (r == 0)
		r = fsync(fd);
	saved = errno;
	if (close(fd) == -1 && r == 0)
		return -1;
	errno = saved;
	return r;
}

static int
write_in_place(const char *path, struct slice content, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	return fd == -1 ? -1 : finish(fd, content);
}

static void
parent_of(const char *path, char *dir, size_t size)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		snprintf(dir, size, ".");
	else if (slash == path)
		snprintf(dir, size, "/");
	else
		snprintf(dir, size, "%.*s", (int)(slash - path), path);
}

int
file_replace(const char *path, struct slice content, mode_t mode)
{
	char tmp[PATH_MAX], dir[PATH_MAX];
	struct stat st;
	uint32_t tag;
	int fd;

	rand_bytes(&tag, sizeof(tag));
	if (snprintf(tmp, sizeof(tmp), "%s.%08x.tmp", path, tag) >=
	    (int)sizeof(tmp)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd == -1) {
		int saved = errno;

		if ((saved == EACCES || saved == EROFS || saved == EPERM) &&
		    file_exists(path))
			return write_in_place(path, content, mode);
		errno = saved;
		return -1;
	}
	/* Keep the owner and mode of the file that is replaced. */
	if (stat(path, &st) == 0) {
		if (fchown(fd, st.st_uid, st.st_gid) == -1 && errno != EPERM)
			goto out;
		if (fchmod(fd, st.st_mode & 07777) == -1)
			goto out;
	}
	if (finish(fd, content) == -1) {
		fd = -1;
		goto out;
	}
	fd = -1;
	if (rename(tmp, path) == -1) {
		if (errno != EBUSY)
			goto out;
		unlink(tmp);
		return write_in_place(path, content, mode);
	}
	parent_of(path, dir, sizeof(dir));
	return file_sync_dir(dir);
out:
	{
		int saved = errno;

		if (fd != -1)
			close(fd);
		unlink(tmp);
		errno = saved;
	}
	return -1;
}

int
file_sync_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r, saved;

	if (fd == -1)
		return -1;
	r = fsync(fd);
	saved = errno;
	close(fd);
	errno = saved;
	return r;
}

int
file_make_dirs(const char *path, mode_t mode)
{
	char part[PATH_MAX];
	size_t n = strlen(path);

	if (n == 0 || n >= sizeof(part)) {
		errno = n == 0 ? ENOENT : ENAMETOOLONG;
		return -1;
	}
	for (size_t i = 1; i <= n; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, mode) == -1 && errno != EEXIST)
			return -1;
	}
	return 0;
}

bool
file_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* Takes over fd. */
static int
remove_below(int fd)
{
	DIR *dir = fdopendir(fd);
	struct dirent *e;
	int r = 0;

	if (dir == NULL) {
		close(fd);
		return -1;
	}
	while (r == 0 && (errno = 0, e = readdir(dir)) != NULL) {
		int sub;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, e->d_name, 0) == 0 || errno == ENOENT)
			continue;
		sub = openat(fd, e->d_name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub == -1 || remove_below(sub) == -1 ||
		    unlinkat(fd, e->d_name, AT_REMOVEDIR) == -1)
			r = -1;
	}
	if (r == 0 && errno != 0)
		r = -1;
	{
		int saved = errno;

		closedir(dir);
		errno = saved;
	}
	return r;
}

int
file_remove_tree(const char *path)
{
	int fd;

	if (unlink(path) == 0 || errno == ENOENT)
		return 0;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (remove_below(fd) == -1)
		return -1;
	return rmdir(path);
}

void
file_set_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
		panic("fcntl O_NONBLOCK: %s", strerror(errno));
}

void
file_set_cloexec(int fd, bool on)
{
	if (fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) == -1)
		panic("fcntl FD_CLOEXEC: %s", strerror(errno));
}
