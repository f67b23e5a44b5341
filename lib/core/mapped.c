#include "core/mapped.h"

#include <sys/mman.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

/* What is mapped now. Ranges are never freed, only used again, because the
 * signal handler walks them without a lock. */
struct mapped_range {
	struct mapped_range *next; /* set before it is published */
	struct mapped_range *next_free;
	atomic_uintptr_t start;    /* 0: unused */
	atomic_uintptr_t end;
	atomic_bool damaged;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct mapped_range *_Atomic ranges;
static struct mapped_range *unused;
static uintptr_t page_size;

/* Puts a page of zeros where the file has none. */
static void
on_sigbus(int number, siginfo_t *info, void *context UNUSED)
{
	uintptr_t at = (uintptr_t)info->si_addr;
	int saved = errno;

	for (struct mapped_range *r = ranges; r != NULL; r = r->next) {
		if (at < r->start || at >= r->end)
			continue;
		r->damaged = true;
		if (mmap((void *)(at & ~(page_size - 1)), page_size, PROT_READ,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
		    MAP_FAILED)
			break;
		errno = saved;
		return;
	}
	/* Not ours: happens again, and ends us. */
	signal(number, SIG_DFL);
	errno = saved;
}

static void
catch_sigbus(void)
{
	struct sigaction act = { .sa_sigaction = on_sigbus,
		.sa_flags = SA_SIGINFO | SA_RESTART };

	page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
	sigemptyset(&act.sa_mask);
	if (sigaction(SIGBUS, &act, NULL) == -1)
		panic("sigaction: %s", strerror(errno));
}

static struct mapped_range *
range_take(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct mapped_range *r;

	pthread_once(&once, catch_sigbus);
	pthread_mutex_lock(&lock);
	r = unused;
	if (r != NULL) {
		unused = r->next_free;
	} else {
		r = mem_zero(sizeof(*r));
		r->next = ranges;
		ranges = r;
	}
	pthread_mutex_unlock(&lock);
	return r;
}

/* What the file lost meanwhile is zeros here, too. */
static int
copy(struct mapped *m, int fd, size_t n)
{
	size_t at = 0;

	m->copy = mem_alloc(n);
	while (at < n) {
		ssize_t r = pread(fd, m->copy + at, n - at, (off_t)at);

		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1) {
			int saved = errno;

			mem_free(m->copy);
			*m = (struct mapped){ .text = slice_of("", 0) };
			errno = saved;
			return -1;
		}
		if (r == 0)
			break;
		at += (size_t)r;
	}
	m->damaged = at < n;
	memset(m->copy + at, 0, n - at);
	m->text = slice_of(m->copy, n);
	return 0;
}

int
mapped_open(struct mapped *m, int fd, size_t n)
{
	void *p;

	*m = (struct mapped){ .text = slice_of("", 0) };
	if (n == 0)
		return 0;
	if (n <= MAPPED_COPIED)
		return copy(m, fd, n);
	p = mmap(NULL, n, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -1;
	m->text = slice_of(p, n);
	m->range = range_take();
	m->range->damaged = false;
	m->range->end = (uintptr_t)p + n;
	m->range->start = (uintptr_t)p;
	return 0;
}

bool
mapped_close(struct mapped *m)
{
	struct mapped_range *r = m->range;
	bool whole = !m->damaged;

	if (r == NULL) {
		mem_free(m->copy);
		*m = (struct mapped){ .text = slice_of("", 0) };
		return whole;
	}
	whole = !r->damaged;
	r->start = 0;
	r->end = 0;
	munmap((void *)(uintptr_t)m->text.p, m->text.n);
	pthread_mutex_lock(&lock);
	r->next_free = unused;
	unused = r;
	pthread_mutex_unlock(&lock);
	*m = (struct mapped){ .text = slice_of("", 0) };
	return whole;
}
