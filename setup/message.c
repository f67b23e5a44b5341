#include "setup/message.h"

#include <sys/mman.h>

#include <fcntl.h>

#include "core/file.h"
#include "mail/crlf.h"

/* Nobody sends more, and all of it is held in memory. */
#define MESSAGE_MAX (256u << 20)
#define PIECE 65536

static int
read_all(int fd, struct buf *text)
{
	for (;;) {
		char *p = buf_reserve(text, PIECE);
		ssize_t n;

		if (p == NULL) {
			errno = EFBIG;
			return -1;
		}
		n = read(fd, p, PIECE);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		buf_commit(text, (size_t)n);
	}
}

int
message_open(const char *path, uint64_t *size)
{
	struct buf text = BUF_INIT(MESSAGE_MAX), crlf = BUF_INIT(2 *
	    MESSAGE_MAX);
	bool is_stdin = strcmp(path, "-") == 0;
	int in = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	int fd = -1;

	if (in != -1 && read_all(in, &text) == 0) {
		crlf_add(&crlf, buf_slice(&text));
		fd = memfd_create("message", MFD_CLOEXEC);
		if (fd != -1 && file_write_all(fd, crlf.p, crlf.n) == -1) {
			close(fd);
			fd = -1;
		}
		*size = crlf.n;
	}
	if (fd == -1)
		fprintf(stderr, "setup: %s: %s\n", path, strerror(errno));
	if (in != -1 && !is_stdin)
		close(in);
	buf_release(&text);
	buf_release(&crlf);
	return fd;
}
