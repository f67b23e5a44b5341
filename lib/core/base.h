/*
 * What every file of ours starts from: fixed-width types, allocation that
 * never fails, the two ways to die, and the list of banned calls.
 */
#ifndef CORE_BASE_H
#define CORE_BASE_H

#include <sys/types.h>

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Number of elements of an array (never of a pointer). */
#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The enclosing structure of a member. */
#define CONTAINER_OF(ptr, type, member) \
	((type *)(void *)((char *)(ptr) - offsetof(type, member)))

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN __attribute__((noreturn))
#define MUST_CHECK __attribute__((warn_unused_result))
#define UNUSED __attribute__((unused))

/* Exit statuses: sysexits' EX_CONFIG for configuration, 70 for our bugs. */
#define EXIT_CONFIG 78
#define EXIT_BUG 70

/*
 * A bug or an unusable machine: logs the line at level error and aborts. The
 * supervisor restarts the process; nothing acknowledged is lost (law 2).
 */
NORETURN void panic(const char *fmt, ...) PRINTF_LIKE(1, 2);

/*
 * Cannot start: logs the line and exits with status. Only before a service
 * has said READY, or in the command line tools.
 */
NORETURN void fatal(int status, const char *fmt, ...) PRINTF_LIKE(2, 3);

/*
 * Allocation. Each returns memory or panics; a size overflow panics too. The
 * caller owns the result and releases it with mem_free (NULL is fine).
 */
void *mem_alloc(size_t n);              /* uninitialised */
void *mem_zero(size_t n);               /* zeroed */
void *mem_array(size_t n, size_t size); /* zeroed, n * size */
void *mem_grow(void *p, size_t n, size_t size); /* realloc to n * size */
void *mem_dup(const void *p, size_t n);
char *mem_str(const char *s);           /* copy of a C string */
void mem_free(void *p);
/* Gives what is free back to the system; takes milliseconds, so not often. */
void mem_trim(void);
/*
 * mem_trim when a crowd has left. Call it whenever the number of things that
 * take memory (connections) has changed to now; *most starts as 0.
 */
void mem_trim_after(size_t *most, size_t now);

/* Zeroes memory that held a secret, in a way no compiler removes. */
void mem_wipe(void *p, size_t n);

/*
 * "return fail(why, "text")": stores a constant reason and returns -1.
 * why may be NULL when the caller does not care.
 */
static inline int
fail(const char **why, const char *text)
{
	if (why != NULL)
		*why = text;
	return -1;
}

#include "core/banned.h"

#endif
