#include "core/log.h"

#define VALUE_MAX 512

static struct {
	char program[32];
	char host[65];
	enum log_level level;
	void (*sink)(const char *, size_t);
} self = { .program = "pillarbox", .level = LOG_INFO };

static const char *const level_names[] = {
	[LOG_ERROR] = "error",
	[LOG_WARN] = "warn",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
	[LOG_TRACE] = "trace",
};

void
log_init(const char *program, enum log_level level)
{
	snprintf(self.program, sizeof(self.program), "%s", program);
	if (gethostname(self.host, sizeof(self.host) - 1) == -1)
		self.host[0] = '\0';
	self.host[strcspn(self.host, ".")] = '\0';
	self.level = level;
	tzset();
}

void
log_set_level(enum log_level level)
{
	self.level = level;
}

bool
log_enabled(enum log_level level)
{
	return level <= self.level;
}

int
log_level_parse(struct slice name, enum log_level *out)
{
	for (size_t i = 0; i < LEN(level_names); i++)
		if (slice_ieq(name, slice_str(level_names[i]))) {
			*out = (enum log_level)i;
			return 0;
		}
	return -1;
}

const char *
log_level_name(enum log_level level)
{
	return level_names[level];
}

void
log_set_sink(void (*sink)(const char *line, size_t n))
{
	self.sink = sink;
}

static void
put(struct log_line *l, const char *p, size_t n)
{
	size_t room = sizeof(l->text) - 2 - l->n; /* newline and NUL */

	if (n > room)
		n = room;
	memcpy(l->text + l->n, p, n);
	l->n += n;
}

static void
puts_line(struct log_line *l, const char *s)
{
	put(l, s, strlen(s));
}

void
log_begin(struct log_line *l, enum log_level level, const char *event)
{
	struct timespec ts;
	struct tm tm;
	char stamp[96];
	long off;

	l->n = 0;
	l->level = level;
	l->off = !log_enabled(level);
	if (l->off)
		return;
	clock_gettime(CLOCK_REALTIME, &ts);
	localtime_r(&ts.tv_sec, &tm);
	off = tm.tm_gmtoff / 60;
	l->n = (size_t)snprintf(stamp, sizeof(stamp),
	    "%04d-%02d-%02dT%02d:%02d:%02d.%06ld%c%02ld:%02ld ",
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
	    tm.tm_sec, ts.tv_nsec / 1000, off < 0 ? '-' : '+', labs(off) / 60,
	    labs(off) % 60);
	memcpy(l->text, stamp, l->n);
	puts_line(l, self.host[0] != '\0' ? self.host : "localhost");
	snprintf(stamp, sizeof(stamp), " %s[%d]: level=", self.program,
	    (int)getpid());
	puts_line(l, stamp);
	puts_line(l, level_names[level]);
	puts_line(l, " event=");
	puts_line(l, event);
}

static bool
is_plain(struct slice v)
{
	if (v.n == 0 || v.n > VALUE_MAX)
		return false;
	for (size_t i = 0; i < v.n; i++) {
		unsigned char c = (unsigned char)v.p[i];

		if (c <= ' ' || c == '"' || c == '\\' || c == '=' || c >= 0x7f)
			return false;
	}
	return true;
}

static void
put_quoted(struct log_line *l, struct slice v)
{
	bool cut = v.n > VALUE_MAX;

	if (cut)
		v.n = VALUE_MAX;
	put(l, "\"", 1);
	for (size_t i = 0; i < v.n; i++) {
		unsigned char c = (unsigned char)v.p[i];
		char hex[8];

		if (c == '"' || c == '\\') {
			char pair[2] = { '\\', (char)c };

			put(l, pair, 2);
		} else if (c < ' ' || c == 0x7f) {
			snprintf(hex, sizeof(hex), "\\x%02x", c);
			put(l, hex, 4);
		} else {
			put(l, (const char *)&c, 1);
		}
	}
	puts_line(l, cut ? "...\"" : "\"");
}

void
log_slice(struct log_line *l, const char *key, struct slice value)
{
	if (l->off)
		return;
	put(l, " ", 1);
	puts_line(l, key);
	put(l, "=", 1);
	if (is_plain(value))
		put(l, value.p, value.n);
	else
		put_quoted(l, value);
}

void
log_str(struct log_line *l, const char *key, const char *value)
{
	log_slice(l, key, slice_str(value));
}

void
log_num(struct log_line *l, const char *key, int64_t value)
{
	char digits[24];

	if (l->off)
		return;
	snprintf(digits, sizeof(digits), "%lld", (long long)value);
	log_slice(l, key, slice_str(digits));
}

void
log_errno(struct log_line *l, int err)
{
	log_str(l, "error", strerror(err));
}

void
log_end(struct log_line *l)
{
	ssize_t wrote;
	int saved = errno;

	if (l->off)
		return;
	l->text[l->n++] = '\n';
	if (self.sink != NULL) {
		self.sink(l->text, l->n);
		errno = saved;
		return;
	}
	do {
		wrote = write(STDERR_FILENO, l->text, l->n);
	} while (wrote < 0 && errno == EINTR);
	errno = saved;
}

static void
vlog(enum log_level level, const char *event, const char *fmt, va_list ap)
{
	struct log_line l;
	char text[1024];

	log_begin(&l, level, event);
	if (l.off)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	if (text[0] != '\0')
		put(&l, " ", 1);
	for (char *p = text; *p != '\0'; p++)
		if (*p == '\n' || *p == '\r')
			*p = ' ';
	puts_line(&l, text);
	log_end(&l);
}

#define LOG_FUNCTION(name, level)                                              \
	void name(const char *event, const char *fmt, ...)                     \
	{                                                                      \
		va_list ap;                                                    \
                                                                               \
		va_start(ap, fmt);                                             \
		vlog(level, event, fmt, ap);                                   \
		va_end(ap);                                                    \
	}

LOG_FUNCTION(log_error, LOG_ERROR)
LOG_FUNCTION(log_warn, LOG_WARN)
LOG_FUNCTION(log_info, LOG_INFO)
LOG_FUNCTION(log_debug, LOG_DEBUG)
