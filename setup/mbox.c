#include "setup/mbox.h"

#include <time.h>

#include "core/limits.h"
#include "core/num.h"
#include "store/store.h"

#define LINE_MAX_HELD 65536
#define OUT_MAX 262144

static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri",
	"Sat" };
static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

static const struct {
	char letter;
	unsigned flag;
} letters[] = {
	{ 'R', STORE_SEEN }, { 'A', STORE_ANSWERED }, { 'F', STORE_FLAGGED },
	{ 'T', STORE_DRAFT }, { 'D', STORE_DELETED },
};

enum { FIELD_STATUS, FIELD_X_STATUS, FIELD_KEYWORDS };

static const struct slice own_fields[] = {
	[FIELD_STATUS] = { "Status:", 7 },
	[FIELD_X_STATUS] = { "X-Status:", 9 },
	[FIELD_KEYWORDS] = { "X-Keywords:", 11 },
};

/* The number of the field of ours that line begins, or -1. */
static int
own_field(struct slice line)
{
	for (size_t i = 0; i < LEN(own_fields); i++)
		if (slice_istarts(line, own_fields[i]))
			return (int)i;
	return -1;
}

/* True if line is "From " behind any number of ">". */
static bool
looks_like_from(struct slice line)
{
	size_t n = 0;

	while (n < line.n && line.p[n] == '>')
		n++;
	return slice_starts(slice_from(line, n), S("From "));
}

/* ---- the From line ------------------------------------------------------- */

static int
word_index(struct slice word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (slice_ieq(word, slice_str(words[i])))
			return (int)i;
	return -1;
}

/* "hh:mm" or "hh:mm:ss" */
static int
clock_parse(struct slice word, struct tm *tm)
{
	uint64_t v[3] = { 0 };
	struct slice part;
	size_t n = 0;

	while (n < 3 && slice_split(&word, ':', &part))
		if (num_u64(part, 60, &v[n++]) == -1)
			return -1;
	if (n < 2 || word.n > 0 || v[0] > 23 || v[1] > 59)
		return -1;
	tm->tm_hour = (int)v[0];
	tm->tm_min = (int)v[1];
	tm->tm_sec = (int)v[2];
	return 0;
}

/* "+0200": seconds east of UTC. Names of zones count as UTC. */
static int64_t
zone_parse(struct slice word)
{
	uint64_t n;
	int64_t s;

	if (word.n != 5 || (word.p[0] != '+' && word.p[0] != '-') ||
	    num_u64(slice_from(word, 1), 9999, &n) == -1)
		return 0;
	s = (int64_t)(n / 100 * 3600 + n % 100 * 60);
	return word.p[0] == '-' ? -s : s;
}

/* The words behind the weekday, as ctime(3) has them, a zone before or behind
 * the year. */
static int
date_words(struct slice *rest, int64_t *date)
{
	struct tm tm = { 0 };
	struct slice word, zone = S("");
	uint64_t n;

	if (!slice_word(rest, &word) ||
	    (tm.tm_mon = word_index(word, months, LEN(months))) == -1 ||
	    !slice_word(rest, &word) || num_u64(word, 31, &n) == -1 || n == 0)
		return -1;
	tm.tm_mday = (int)n;
	if (!slice_word(rest, &word) || clock_parse(word, &tm) == -1 ||
	    !slice_word(rest, &word))
		return -1;
	if (num_u64(word, 9999, &n) == -1) {
		zone = word;
		if (!slice_word(rest, &word) || num_u64(word, 9999, &n) == -1)
			return -1;
	} else if (!slice_word(rest, &zone)) {
		zone = S("");
	}
	if (n < 1970)
		return -1;
	tm.tm_year = (int)n - 1900;
	*date = (int64_t)timegm(&tm) - zone_parse(zone);
	return 0;
}

int
mbox_from_parse(struct slice line, int64_t *date)
{
	struct slice word, rest;

	if (!slice_starts(line, S("From ")))
		return -1;
	rest = slice_from(line, 5);
	/* The sender may hold blanks or be missing: look for the weekday. */
	while (slice_word(&rest, &word)) {
		struct slice at = rest;

		if (word_index(word, days, LEN(days)) != -1 &&
		    date_words(&at, date) == 0)
			return 0;
	}
	return -1;
}

/* ---- reading ------------------------------------------------------------- */

void
mbox_init(struct mbox_reader *r, const struct mbox_ops *ops, void *ctx)
{
	*r = (struct mbox_reader){ .ops = ops, .ctx = ctx };
	buf_init(&r->line, LINE_MAX_HELD);
	buf_init(&r->keywords, LIMIT_KEYWORD * 64);
}

void
mbox_release(struct mbox_reader *r)
{
	buf_release(&r->line);
	buf_release(&r->keywords);
}

static struct slice
without_end(struct slice line)
{
	if (line.n > 0 && line.p[line.n - 1] == '\n')
		line.n--;
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

static void
give_blank(struct mbox_reader *r)
{
	if (r->blank[0] != '\0')
		r->ops->data(r->ctx, slice_str(r->blank));
	r->blank[0] = '\0';
}

static void
close_message(struct mbox_reader *r)
{
	if (r->started)
		r->ops->end(r->ctx, r->flags, buf_slice(&r->keywords));
	r->started = false;
}

static void
open_message(struct mbox_reader *r, int64_t date)
{
	close_message(r);
	r->started = r->header = true;
	r->dropping = false;
	r->blank[0] = '\0';
	r->flags = 0;
	buf_clear(&r->keywords);
	r->ops->begin(r->ctx, r->offset, date);
}

static void
take_own_field(struct mbox_reader *r, int field, struct slice line)
{
	struct slice value = slice_trim(without_end(slice_from(line,
	    own_fields[field].n)));

	if (field == FIELD_KEYWORDS) {
		if (r->keywords.n > 0)
			buf_addc(&r->keywords, ' ');
		buf_add_slice(&r->keywords, value);
		return;
	}
	/* The letters are distinct, except that R means seen in Status. */
	for (size_t i = 0; i < LEN(letters); i++)
		if (slice_find(value, letters[i].letter) >= 0 &&
		    (field == FIELD_STATUS) == (letters[i].letter == 'R'))
			r->flags |= letters[i].flag;
}

static void
take_header_line(struct mbox_reader *r, struct slice line)
{
	struct slice text = without_end(line);
	int field;

	if (r->dropping && (line.p[0] == ' ' || line.p[0] == '\t'))
		return;
	field = own_field(line);
	r->dropping = field != -1;
	if (r->dropping) {
		take_own_field(r, field, line);
		return;
	}
	if (text.n == 0)
		r->header = false;
	r->ops->data(r->ctx, line);
}

/* A From line begins a message at the start and behind an empty line. */
static bool
is_separator(struct mbox_reader *r, struct slice line, int64_t *date)
{
	if (!slice_starts(line, S("From ")) ||
	    (r->started && r->blank[0] == '\0'))
		return false;
	if (mbox_from_parse(without_end(line), date) == 0)
		return true;
	if (r->started)
		r->ops->odd(r->ctx, r->offset, "a line \"From \" without a "
		    "date is taken as text");
	return false;
}

/* One line with its end; the last one may have none. */
static int
take_line(struct mbox_reader *r, struct slice line)
{
	int64_t date = 0;

	if (is_separator(r, line, &date)) {
		open_message(r, date);
		return 0;
	}
	if (!r->started) {
		if (without_end(line).n == 0)
			return 0;
		r->failed = true;
		return -1;
	}
	give_blank(r);
	if (r->header && !r->long_line) {
		take_header_line(r, line);
		return 0;
	}
	if (!r->long_line && without_end(line).n == 0) {
		memcpy(r->blank, line.p, line.n);
		r->blank[line.n] = '\0';
		return 0;
	}
	if (!r->long_line && line.p[0] == '>' && looks_like_from(line))
		line = slice_from(line, 1);
	r->ops->data(r->ctx, line);
	return 0;
}

int
mbox_feed(struct mbox_reader *r, struct slice bytes)
{
	while (bytes.n > 0 && !r->failed) {
		ssize_t lf = slice_find(bytes, '\n');
		size_t n = lf < 0 ? bytes.n : (size_t)lf + 1;
		size_t room = LINE_MAX_HELD - r->line.n;
		bool whole = lf >= 0;

		if (n > room) {
			n = room;
			whole = false;
		}
		buf_add(&r->line, bytes.p, n);
		bytes = slice_from(bytes, n);
		if (!whole && r->line.n < LINE_MAX_HELD)
			break;
		if (take_line(r, buf_slice(&r->line)) == -1)
			break;
		r->offset += r->line.n;
		buf_clear(&r->line);
		r->long_line = !whole;
	}
	return r->failed ? -1 : 0;
}

int
mbox_end(struct mbox_reader *r)
{
	if (!r->failed && r->line.n > 0)
		(void)take_line(r, buf_slice(&r->line));
	close_message(r);
	return r->failed ? -1 : 0;
}

/* ---- writing ------------------------------------------------------------- */

/* The address of the first field if that is Return-Path, as final delivery
 * leaves it. */
static struct slice
sender_of(struct slice text)
{
	struct slice line;
	ssize_t end;

	if (!slice_line(&text, &line) ||
	    !slice_istarts(line, S("Return-Path: <")))
		return S("MAILER-DAEMON");
	line = slice_from(line, 14);
	end = slice_find(line, '>');
	line = slice_head(line, end > 0 ? (size_t)end : 0);
	for (size_t i = 0; i < line.n; i++)
		if ((unsigned char)line.p[i] <= ' ' || line.p[i] == 0x7f)
			return S("MAILER-DAEMON");
	return line.n > 0 ? line : S("MAILER-DAEMON");
}

void
mbox_head(struct buf *out, struct slice text, int64_t date, unsigned flags,
    const char *const *keywords, size_t n)
{
	time_t t = date > 0 ? (time_t)date : 0;
	struct tm tm;

	gmtime_r(&t, &tm);
	buf_addf(out, "From %.*s %s %s %2d %02d:%02d:%02d %d\n",
	    SLICE_ARG(sender_of(text)), days[tm.tm_wday], months[tm.tm_mon],
	    tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, tm.tm_year + 1900);
	buf_addf(out, "Status: %sO\n", flags & STORE_SEEN ? "R" : "");
	if (flags & ~(unsigned)STORE_SEEN) {
		buf_adds(out, "X-Status: ");
		for (size_t i = 1; i < LEN(letters); i++)
			if (flags & letters[i].flag)
				buf_addc(out, letters[i].letter);
		buf_addc(out, '\n');
	}
	for (size_t i = 0; i < n; i++)
		buf_addf(out, "%s%s%s", i == 0 ? "X-Keywords: " : " ",
		    keywords[i], i + 1 == n ? "\n" : "");
}

void
mbox_body(struct buf *out, struct slice text,
    void (*flush)(void *ctx, struct buf *out), void *ctx)
{
	bool header = true, dropping = false;
	struct slice line;

	while (text.n > 0) {
		ssize_t lf = slice_find(text, '\n');

		line = slice_head(text, lf < 0 ? text.n : (size_t)lf);
		text = slice_from(text, lf < 0 ? text.n : (size_t)lf + 1);
		/* Other programs' files may have CRLF. */
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (header && line.n == 0)
			header = false;
		if (header && dropping && (line.p[0] == ' ' ||
		    line.p[0] == '\t'))
			continue;
		dropping = header && own_field(line) != -1;
		if (dropping)
			continue;
		if (looks_like_from(line))
			buf_addc(out, '>');
		/* A line may be longer than the buffer. */
		while (line.n > 0) {
			struct slice piece = slice_head(line, OUT_MAX / 4);

			buf_add_slice(out, piece);
			line = slice_from(line, piece.n);
			if (out->n > OUT_MAX / 2)
				flush(ctx, out);
		}
		buf_addc(out, '\n');
	}
	buf_addc(out, '\n');
	flush(ctx, out);
}
