#include "services/queue/spool.h"

#include <sys/statvfs.h>
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>

#include "core/file.h"
#include "core/log.h"
#include "core/num.h"

#define TMP "tmp."
#define BAD "bad."

int
spool_proc(void)
{
	return open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int
spool_open(struct spool *s, const char *path, int proc)
{
	int fd;

	*s = (struct spool){ .dir = -1, .proc = proc };
	s->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir == -1)
		return -1;
	fd = proc != -1 ? openat(s->dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC,
	    0600) : -1;
	if (fd != -1)
		close(fd);
	/* A folder that cannot be written now may be writable later. */
	s->named = proc == -1 || (fd == -1 && (errno == EOPNOTSUPP ||
	    errno == EISDIR || errno == EINVAL || errno == ENOENT));
	return 0;
}

void
spool_close(struct spool *s)
{
	if (s->dir != -1)
		close(s->dir);
	s->dir = -1;
}

static void
tmp_name(char name[SPOOL_NAME], const char *id)
{
	snprintf(name, SPOOL_NAME, TMP "%s", id);
}

int
spool_body_new(struct spool *s, const char *id)
{
	char name[SPOOL_NAME];

	if (!s->named)
		return openat(s->dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	tmp_name(name, id);
	return openat(s->dir, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC |
	    O_NOFOLLOW, 0600);
}

int
spool_body_again(struct spool *s, int fd, const char *id, int how)
{
	char name[SPOOL_NAME];

	if (s->named) {
		tmp_name(name, id);
		return openat(s->dir, name, how | O_CLOEXEC | O_NOFOLLOW);
	}
	snprintf(name, sizeof(name), "%d", fd);
	return openat(s->proc, name, how | O_CLOEXEC);
}

int
spool_body_clean(struct spool *s, int fd)
{
	/* One with a name would be found under the wrong one. */
	return s->named ? -1 : ftruncate(fd, 1);
}

void
spool_body_drop(struct spool *s, int fd, const char *id)
{
	char name[SPOOL_NAME];

	if (s->named) {
		tmp_name(name, id);
		unlinkat(s->dir, name, 0);
	}
	close(fd);
}

void
spool_name(char name[SPOOL_NAME], const char *id, uint64_t size)
{
	snprintf(name, SPOOL_NAME, "%s.%llu", id, (unsigned long long)size);
}

bool
spool_name_parse(const char *name, char id[QUEUE_ID_LEN + 1], uint64_t *size)
{
	struct slice rest = slice_str(name), head;
	char again[SPOOL_NAME];

	if (!slice_split(&rest, '.', &head) || !msgid_queue_id_valid(head) ||
	    num_u64(rest, INT64_MAX, size) == -1)
		return false;
	memcpy(id, head.p, head.n);
	id[head.n] = '\0';
	spool_name(again, id, *size);
	return strcmp(again, name) == 0;
}

static int
append(int fd, uint64_t size, struct slice bytes)
{
	if (lseek(fd, (off_t)size, SEEK_SET) == -1)
		return -1;
	return file_write_all(fd, bytes.p, bytes.n);
}

int
spool_keep(struct spool *s, int fd, const char *id, uint64_t size,
    struct slice records)
{
	char name[SPOOL_NAME], from[SPOOL_NAME];
	int r;

	spool_name(name, id, size);
	if (append(fd, size, records) == -1 || fsync(fd) == -1)
		return -1;
	if (s->named) {
		tmp_name(from, id);
		r = renameat(s->dir, from, s->dir, name);
	} else {
		snprintf(from, sizeof(from), "%d", fd);
		r = linkat(s->proc, from, s->dir, name, AT_SYMLINK_FOLLOW);
	}
	if (r == -1)
		return -1;
	if (fsync(s->dir) == -1) {
		int saved = errno;

		/* Not promised, so it must not come back after a restart. */
		unlinkat(s->dir, name, 0);
		errno = saved;
		return -1;
	}
	return 0;
}

int
spool_message_open(struct spool *s, const char *name)
{
	return openat(s->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

int
spool_message_append(struct spool *s, const char *name, struct slice records)
{
	int fd = openat(s->dir, name, O_WRONLY | O_APPEND | O_CLOEXEC |
	    O_NOFOLLOW);
	struct stat st;
	int r = -1, saved;

	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == 0) {
		r = file_write_all(fd, records.p, records.n);
		saved = errno;
		/* Half a record would hide the ones appended after it. */
		if (r == -1 && ftruncate(fd, st.st_size) == -1)
			log_error("spool", "file=%s truncate=\"%s\"", name,
			    strerror(errno));
		errno = saved;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return r;
}

int
spool_message_truncate(struct spool *s, const char *name, uint64_t size)
{
	int fd = openat(s->dir, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	int r, saved;

	if (fd == -1)
		return -1;
	r = ftruncate(fd, (off_t)size);
	saved = errno;
	close(fd);
	errno = saved;
	return r;
}

int
spool_message_remove(struct spool *s, const char *name)
{
	return unlinkat(s->dir, name, 0);
}

int
spool_message_quarantine(struct spool *s, const char *name)
{
	char to[SPOOL_NAME + sizeof(BAD)];

	snprintf(to, sizeof(to), BAD "%s", name);
	return renameat(s->dir, name, s->dir, to);
}

int
spool_list(struct spool *s, void (*fn)(void *arg, const char *name), void *arg)
{
	int fd = openat(s->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd != -1 ? fdopendir(fd) : NULL;
	struct dirent *e;
	int saved;

	if (d == NULL) {
		saved = errno;
		if (fd != -1)
			close(fd);
		errno = saved;
		return -1;
	}
	while ((errno = 0, e = readdir(d)) != NULL) {
		char id[QUEUE_ID_LEN + 1];
		uint64_t size;

		if (slice_starts(slice_str(e->d_name), S(TMP)))
			unlinkat(s->dir, e->d_name, 0);
		else if (spool_name_parse(e->d_name, id, &size))
			fn(arg, e->d_name);
	}
	saved = errno;
	closedir(d);
	errno = saved;
	return saved == 0 ? 0 : -1;
}

bool
spool_space(struct spool *s, uint64_t *bytes)
{
	struct statvfs v;

	if (fstatvfs(s->dir, &v) == -1)
		return false;
	*bytes = (uint64_t)v.f_bavail * v.f_frsize;
	return true;
}
