#include "setup/setup.h"

#include <termios.h>

#include "core/limits.h"
#include "core/now.h"

/* "2026-01-31 12:00:00+00:00" in local time. */
static void
date(char *out, size_t size)
{
	time_t now = (time_t)now_wall();
	struct tm tm;
	char day[40], zone[16];

	localtime_r(&now, &tm);
	strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	snprintf(out, size, "%s%.3s:%s", day, zone,
	    strlen(zone) > 3 ? zone + 3 : "00");
}

static void
vsay(const struct setup *s, enum log_level level, const char *fmt, va_list ap)
{
	static const char *const names[] = { "ERROR", "WARN ", "INFO ",
		"DEBUG", "TRACE" };
	static const char *const colours[] = { "\033[91m", "\033[93m",
		"\033[94m", "\033[94m", "\033[94m" };
	FILE *to = level <= LOG_WARN ? stderr : stdout;
	bool colour = isatty(fileno(to));
	char when[80];

	if ((unsigned)level > s->conf.log_level)
		return;
	date(when, sizeof(when));
	fprintf(to, "%s %s%s%s %s: ", when, colour ? colours[level] : "",
	    names[level], colour ? "\033[0m" : "", s->tool);
	vfprintf(to, fmt, ap);
	fputc('\n', to);
	fflush(to);
}

void
say(const struct setup *s, enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay(s, level, fmt, ap);
	va_end(ap);
}

int
say_abort(const struct setup *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay(s, LOG_ERROR, fmt, ap);
	va_end(ap);
	say(s, LOG_ERROR, "Aborting");
	return 1;
}

int
say_usage(const struct setup *s, int status)
{
	fputs(s->usage, stdout);
	fflush(stdout);
	return status;
}

int
ask(const char *question, bool hidden, struct buf *answer)
{
	bool tty = isatty(STDIN_FILENO);
	struct termios old, quiet;
	bool restore = false;
	int r = -1;
	ssize_t got;
	char c;

	if (tty) {
		fputs(question, stderr);
		fflush(stderr);
		if (hidden && tcgetattr(STDIN_FILENO, &old) == 0) {
			quiet = old;
			quiet.c_lflag &= ~(tcflag_t)ECHO;
			restore = tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) ==
			    0;
		}
	}
	/* Byte by byte: the rest of stdin is for the next question. */
	while ((got = read(STDIN_FILENO, &c, 1)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			break;
		if (c == '\n') {
			r = 0;
			break;
		}
		buf_addc(answer, c);
	}
	if (got == 0 && answer->n > 0)
		r = 0;
	if (restore)
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
	if (tty && hidden)
		fputc('\n', stderr);
	return buf_ok(answer) ? r : -1;
}

int
ask_password(const struct setup *s, const char *argument, struct buf *password)
{
	struct buf again = BUF_INIT(LIMIT_PASSWORD);
	int r = -1;

	if (argument != NULL && *argument != '\0') {
		buf_adds(password, argument);
		r = 0;
	} else if (ask("Enter Password: ", true, password) == -1 ||
	    password->n == 0) {
		say_abort(s, password->failed ? "Password is too long" :
		    "Password must not be empty");
	} else if (ask("Confirm Password: ", true, &again) == -1 ||
	    !slice_eq(buf_slice(password), buf_slice(&again))) {
		say_abort(s, "Passwords do not match!");
	} else {
		r = 0;
	}
	buf_wipe(&again);
	return r;
}
