#include "setup/usage.h"

#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>

#include "core/num.h"

/* The number behind ",W=" or ",S=" of a message's name. */
static bool
size_in_name(struct slice name, struct slice tag, uint64_t *out)
{
	ssize_t at = slice_ifind(name, tag);
	struct slice rest;

	if (at < 0)
		return false;
	rest = slice_from(name, (size_t)at + tag.n);
	return num_take(&rest, UINT64_MAX, out) == 0;
}

static DIR *
open_dir(int parent, const char *name)
{
	int fd = openat(parent, name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd != -1 ? fdopendir(fd) : NULL;

	if (dir == NULL && fd != -1)
		close(fd);
	return dir;
}

static uint64_t
messages_in(int folder, const char *name)
{
	DIR *dir = open_dir(folder, name);
	uint64_t sum = 0, size;
	struct dirent *e;
	struct stat st;

	if (dir == NULL)
		return 0;
	while ((e = readdir(dir)) != NULL) {
		struct slice file = slice_str(e->d_name);

		if (e->d_name[0] == '.')
			continue;
		if (size_in_name(file, S(",W="), &size) ||
		    size_in_name(file, S(",S="), &size))
			sum += size;
		else if (fstatat(dirfd(dir), e->d_name, &st,
		    AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
			sum += (uint64_t)st.st_size;
	}
	closedir(dir);
	return sum;
}

static uint64_t
folder(int fd)
{
	return messages_in(fd, "cur") + messages_in(fd, "new");
}

uint64_t
usage_of(const char *path)
{
	DIR *root = open_dir(AT_FDCWD, path);
	uint64_t sum;
	struct dirent *e;

	if (root == NULL)
		return 0;
	sum = folder(dirfd(root));
	while ((e = readdir(root)) != NULL) {
		DIR *sub;

		/* Maildir++: every folder is ".Name" in the root. */
		if (e->d_name[0] != '.' || strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0)
			continue;
		sub = open_dir(dirfd(root), e->d_name);
		if (sub == NULL)
			continue;
		sum += folder(dirfd(sub));
		closedir(sub);
	}
	closedir(root);
	return sum;
}

void
usage_format(uint64_t bytes, struct buf *out)
{
	static const char units[] = "KMGTPE";
	uint64_t unit = 1024, tenths;
	size_t i = 0;

	if (bytes < 1024) {
		buf_addu(out, bytes);
		return;
	}
	/* Sizes no disk has; below, they cannot overflow. */
	if (bytes > UINT64_MAX / 16)
		bytes = UINT64_MAX / 16;
	/* On while the value, rounded up, still needs four digits. */
	while (i < 5 && (bytes - 1) / unit + 1 >= 1024) {
		unit *= 1024;
		i++;
	}
	tenths = (bytes * 10 - 1) / unit + 1;
	if (tenths < 100) {
		buf_addu(out, tenths / 10);
		buf_addc(out, '.');
		buf_addu(out, tenths % 10);
	} else {
		buf_addu(out, (bytes - 1) / unit + 1);
	}
	buf_addc(out, units[i]);
}
