/*
 * Logging: one event is one line, written with one write(2) to stderr, which
 * the supervisor collects:
 *
 *   2026-01-31T12:00:00.123456+00:00 mail smtp-mx[12]: level=info event=reject from=a@b.test
 *
 * Values that came from outside are quoted and escaped here, so a line can
 * never be forged or broken by a peer. Passwords and message bodies are never
 * logged.
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include "core/slice.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE };

/* Process name in each line and the most detailed level that is written. */
void log_init(const char *program, enum log_level level);
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);
/* "error", "warn", "info", "debug", "trace"; -1 for another word. */
int log_level_parse(struct slice name, enum log_level *out);
const char *log_level_name(enum log_level level);
/* Where finished lines go instead of stderr: the supervisor's own output. */
void log_set_sink(void (*sink)(const char *line, size_t n));

/*
 * An event with a text made from trusted values (numbers, constants, errno
 * texts): log_info("listen", "port=%d", port). The text is appended as it is.
 */
void log_error(const char *event, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_warn(const char *event, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_info(const char *event, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_debug(const char *event, const char *fmt, ...) PRINTF_LIKE(2, 3);

/*
 * An event with values from outside:
 *
 *	struct log_line l;
 *	log_begin(&l, LOG_INFO, "reject");
 *	log_slice(&l, "from", reverse_path);
 *	log_num(&l, "size", size);
 *	log_end(&l);
 *
 * A value longer than 512 bytes is cut with "...".
 */
struct log_line {
	char text[2048];
	size_t n;
	enum log_level level;
	bool off;
};

void log_begin(struct log_line *l, enum log_level level, const char *event);
void log_slice(struct log_line *l, const char *key, struct slice value);
void log_str(struct log_line *l, const char *key, const char *value);
void log_num(struct log_line *l, const char *key, int64_t value);
void log_errno(struct log_line *l, int err);
void log_end(struct log_line *l);

#endif
