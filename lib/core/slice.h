/*
 * A slice is a view of bytes that somebody else owns: pointer and length,
 * never NUL-dependent. All input is handled as slices. Passing one by value is
 * the norm; a slice is valid only as long as its owner keeps the bytes.
 */
#ifndef CORE_SLICE_H
#define CORE_SLICE_H

#include "core/base.h"

struct slice {
	const char *p;
	size_t n;
};

/* A slice of a string literal. */
#define S(lit) ((struct slice){ "" lit, sizeof(lit) - 1 })
/* For printf's "%.*s". */
#define SLICE_ARG(s) (int)(s).n, (s).p

static inline struct slice
slice_of(const void *p, size_t n)
{
	return (struct slice){ p, n };
}

/* NULL gives the empty slice. */
static inline struct slice
slice_str(const char *s)
{
	return (struct slice){ s, s != NULL ? strlen(s) : 0 };
}

static inline bool
slice_eq(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Comparison that ignores the case of ASCII letters only. */
bool slice_ieq(struct slice a, struct slice b);

/* memcmp order, the shorter first when one is a prefix. */
int slice_cmp(struct slice a, struct slice b);

bool slice_starts(struct slice s, struct slice prefix);
bool slice_istarts(struct slice s, struct slice prefix);
bool slice_ends(struct slice s, struct slice suffix);
bool slice_iends(struct slice s, struct slice suffix);

/* Index of the first/last byte c, or -1. */
ssize_t slice_find(struct slice s, char c);
ssize_t slice_rfind(struct slice s, char c);
/* Index of the first occurrence of needle (ASCII case ignored), or -1. */
ssize_t slice_ifind(struct slice s, struct slice needle);

/* The bytes from index on (at most the length), and the first n bytes. */
struct slice slice_from(struct slice s, size_t index);
struct slice slice_head(struct slice s, size_t n);

/* Without leading and trailing space, tab, CR and LF. */
struct slice slice_trim(struct slice s);

/*
 * Cuts s at the first separator: *head gets what is before it, s what is
 * behind it. Without a separator *head gets all and s becomes empty. Returns
 * false when s was empty before the call with no separator pending, so
 *	while (slice_split(&rest, ',', &item))
 * visits each item; "a,,b" has an empty one in the middle, "a," has one item.
 */
bool slice_split(struct slice *s, char sep, struct slice *head);

/* The next run of non-blank bytes (space, tab), or false at the end. */
bool slice_word(struct slice *s, struct slice *word);

/*
 * The next line without its LF or CRLF, or false at the end. A last line
 * without LF counts.
 */
bool slice_line(struct slice *s, struct slice *line);

/* A new C string, owned by the caller. A NUL inside ends it early. */
char *slice_dup(struct slice s);

/* ASCII only, independent of the locale. */
static inline char
ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static inline char
ascii_upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}

static inline bool
ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
ascii_is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool
ascii_is_alnum(char c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c);
}

/* The value of a hexadecimal digit, or -1. */
int ascii_hex(char c);

/* True if every byte is below 0x80. */
bool slice_is_ascii(struct slice s);
/* True if s is well-formed UTF-8 (RFC 3629: no surrogates, no overlong). */
bool slice_is_utf8(struct slice s);

#endif
