/* i;unicode-casemap. See fold.h. */
#include "mail/fold.h"

#include "mail/charset.h"

/* Every stride-th code point from first to last becomes itself plus add. */
struct fold_range {
	uint32_t first;
	uint32_t last;
	int32_t stride;
	int32_t add;
};

/* A code point that becomes n of the pool. */
struct fold_several {
	uint32_t from;
	uint16_t n;
	uint16_t at;
};

#include "mail/fold_table.h"

/* Index of the first range that ends at c or later. */
static size_t
find_range(uint32_t c)
{
	size_t low = 0, high = LEN(ranges);

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (ranges[mid].last < c)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static const struct fold_several *
find_several(uint32_t c)
{
	size_t low = 0, high = LEN(several);

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (several[mid].from < c)
			low = mid + 1;
		else
			high = mid;
	}
	return low < LEN(several) && several[low].from == c ?
	    &several[low] : NULL;
}

/* Hangul syllables are decomposed by arithmetic (Unicode 3.12). */
static void
put_hangul(struct buf *out, uint32_t syllable)
{
	uint32_t s = syllable - 0xac00;

	utf8_put(out, 0x1100 + s / (21 * 28));
	utf8_put(out, 0x1161 + s % (21 * 28) / 28);
	if (s % 28 != 0)
		utf8_put(out, 0x11a7 + s % 28);
}

/* RFC 5051 section 2, step 2, for what is not ASCII. */
static void
put_folded(struct buf *out, uint32_t c)
{
	size_t i = find_range(c);
	const struct fold_several *more;

	if (i < LEN(ranges) && ranges[i].first <= c &&
	    (c - ranges[i].first) % (uint32_t)ranges[i].stride == 0) {
		utf8_put(out, (uint32_t)((int32_t)c + ranges[i].add));
		return;
	}
	if (c >= 0xac00 && c < 0xd7a4) {
		put_hangul(out, c);
		return;
	}
	more = find_several(c);
	if (more == NULL)
		utf8_put(out, c);
	for (size_t k = 0; more != NULL && k < more->n; k++)
		utf8_put(out, pool[more->at + k]);
}

#define PIECE 256 /* added at once */
#define EACH(octet) (UINT64_MAX / 0xff * (octet))

/* ASCII at the start of text, eight octets at once; false if it is not. */
static bool
fold_words(struct buf *out, struct slice *text)
{
	char piece[PIECE];
	uint64_t w = 0;
	size_t n = 0;

	for (; n < sizeof(piece) && text->n - n >= sizeof(w); n += sizeof(w)) {
		uint64_t letters;

		memcpy(&w, text->p + n, sizeof(w));
		if ((w & EACH(0x80)) != 0)
			break;
		/* Their high bits: from 'a' on, but not behind 'z'. */
		letters = (w + EACH(0x80 - 'a')) & ~(w + EACH(0x7f - 'z')) &
		    EACH(0x80);
		w ^= letters >> 2;
		memcpy(piece + n, &w, sizeof(w));
	}
	buf_add(out, piece, n);
	*text = slice_from(*text, n);
	return n > 0;
}

/*
 * ASCII letters raised in pieces, so that plain text costs little. With
 * blank, each run of blanks and line ends becomes one space; *blank says if
 * the text so far ends in one.
 */
static void
fold_ascii(struct buf *out, struct slice *text, bool *blank)
{
	char piece[PIECE];
	size_t n = 0, at = 0;

	while (at < text->n && n < sizeof(piece) &&
	    (unsigned char)text->p[at] < 0x80) {
		char c = text->p[at++];

		if (blank != NULL) {
			bool was = *blank;

			*blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
			if (*blank && was)
				continue;
			if (*blank)
				c = ' ';
		}
		piece[n++] = ascii_upper(c);
	}
	buf_add(out, piece, n);
	*text = slice_from(*text, at);
}

static void
fold(struct buf *out, struct slice text, bool *blank)
{
	while (text.n > 0) {
		while (blank == NULL && fold_words(out, &text))
			;
		fold_ascii(out, &text, blank);
		if (text.n > 0 && (unsigned char)text.p[0] >= 0x80) {
			put_folded(out, utf8_take(&text));
			if (blank != NULL)
				*blank = false;
		}
	}
}

void
text_fold(struct buf *out, struct slice text)
{
	fold(out, text, NULL);
}

void
text_fold_blanks(struct buf *out, struct slice text)
{
	bool blank = false;

	fold(out, text, &blank);
}

void
text_fold_lines(struct buf *out, struct slice text)
{
	struct slice line;

	if (slice_find(text, '\r') < 0) {
		text_fold(out, text);
		return;
	}
	while (text.n > 0) {
		ssize_t end = slice_find(text, '\n');
		bool crlf = end > 0 && text.p[end - 1] == '\r';

		line = end < 0 ? text : slice_head(text, (size_t)end - crlf);
		text_fold(out, line);
		if (end < 0)
			return;
		buf_addc(out, '\n');
		text = slice_from(text, (size_t)end + 1);
	}
}

bool
text_contains(struct slice folded, struct slice needle)
{
	return needle.n == 0 || (needle.n <= folded.n &&
	    memmem(folded.p, folded.n, needle.p, needle.n) != NULL);
}

/* ---- without diacritics --------------------------------------------------- */

/* Combining marks: what text_fold leaves behind the letter they belong to. */
static bool
is_mark(uint32_t c)
{
	static const uint32_t blocks[][2] = { { 0x300, 0x36f },
		{ 0x483, 0x489 }, { 0x591, 0x5bd }, { 0x610, 0x61a },
		{ 0x64b, 0x65f }, { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff },
		{ 0x20d0, 0x20ff }, { 0xfe20, 0xfe2f } };

	for (size_t i = 0; i < LEN(blocks); i++)
		if (c >= blocks[i][0] && c <= blocks[i][1])
			return true;
	return false;
}

/* Letters with a stroke and ligatures, which do not decompose. */
static const char *
plain_letters(uint32_t c)
{
	static const struct {
		uint32_t from;
		const char *to;
	} letters[] = { { 0xc6, "AE" }, { 0xd0, "D" }, { 0xd8, "O" },
		{ 0xde, "TH" }, { 0xdf, "SS" }, { 0x110, "D" },
		{ 0x126, "H" }, { 0x131, "I" }, { 0x141, "L" },
		{ 0x152, "OE" }, { 0x166, "T" }, { 0x1e9e, "SS" } };

	for (size_t i = 0; i < LEN(letters); i++)
		if (letters[i].from == c)
			return letters[i].to;
	return NULL;
}

void
text_drop_marks(struct buf *out, struct slice folded)
{
	while (folded.n > 0) {
		size_t n = 0;
		uint32_t c;
		const char *plain;

		while (n < folded.n && (unsigned char)folded.p[n] < 0x80)
			n++;
		buf_add(out, folded.p, n);
		folded = slice_from(folded, n);
		if (folded.n == 0)
			return;
		c = utf8_take(&folded);
		plain = plain_letters(c);
		if (plain != NULL)
			buf_adds(out, plain);
		else if (!is_mark(c))
			utf8_put(out, c);
	}
}
