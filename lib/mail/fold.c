/* Case folding: Unicode's simple mappings for the common scripts. */
#include "mail/fold.h"

#include "mail/charset.h"

/*
 * Ranges in order. In an alternating range every second code point, from the
 * first on, is a capital followed by its small letter.
 */
static const struct {
	uint32_t first;
	uint32_t last;
	int32_t add;
	bool alternate;
} ranges[] = {
	{ 0xb5, 0xb5, 0x3bc - 0xb5, false },
	{ 0xc0, 0xd6, 32, false },
	{ 0xd8, 0xde, 32, false },
	{ 0x100, 0x12f, 1, true },
	{ 0x130, 0x130, 'i' - 0x130, false },
	{ 0x132, 0x137, 1, true },
	{ 0x139, 0x148, 1, true },
	{ 0x14a, 0x177, 1, true },
	{ 0x178, 0x178, 0xff - 0x178, false },
	{ 0x179, 0x17e, 1, true },
	{ 0x17f, 0x17f, 's' - 0x17f, false },
	{ 0x218, 0x21b, 1, true },
	{ 0x386, 0x386, 0x3ac - 0x386, false },
	{ 0x388, 0x38a, 37, false },
	{ 0x38c, 0x38c, 64, false },
	{ 0x38e, 0x38f, 63, false },
	{ 0x391, 0x3a1, 32, false },
	{ 0x3a3, 0x3ab, 32, false },
	{ 0x3c2, 0x3c2, 1, false },
	{ 0x400, 0x40f, 80, false },
	{ 0x410, 0x42f, 32, false },
	{ 0x460, 0x481, 1, true },
	{ 0x48a, 0x4bf, 1, true },
	{ 0x4c0, 0x4c0, 15, false },
	{ 0x4c1, 0x4ce, 1, true },
	{ 0x4d0, 0x52f, 1, true },
	{ 0x531, 0x556, 48, false },
	{ 0x1e00, 0x1e95, 1, true },
	{ 0x1e9e, 0x1e9e, 0xdf - 0x1e9e, false },
	{ 0x1ea0, 0x1eff, 1, true },
	{ 0xff21, 0xff3a, 32, false },
};

uint32_t
fold_char(uint32_t c)
{
	if (c < 0x80)
		return (unsigned char)ascii_lower((char)c);
	for (size_t i = 0; i < LEN(ranges) && ranges[i].first <= c; i++) {
		if (c > ranges[i].last)
			continue;
		if (ranges[i].alternate && (c - ranges[i].first) % 2 != 0)
			return c;
		return (uint32_t)((int32_t)c + ranges[i].add);
	}
	return c;
}

/*
 * ASCII letters lowered in pieces, so that plain text costs little. With
 * blank, each run of blanks and line ends becomes one space; *blank says if
 * the text so far ends in one.
 */
static void
fold_ascii(struct buf *out, struct slice *text, bool *blank)
{
	char piece[256];
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
		piece[n++] = ascii_lower(c);
	}
	buf_add(out, piece, n);
	*text = slice_from(*text, at);
}

static void
fold(struct buf *out, struct slice text, bool *blank)
{
	while (text.n > 0) {
		fold_ascii(out, &text, blank);
		if (text.n > 0 && (unsigned char)text.p[0] >= 0x80) {
			utf8_put(out, fold_char(utf8_take(&text)));
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

bool
text_contains(struct slice folded, struct slice needle)
{
	return needle.n == 0 || (needle.n <= folded.n &&
	    memmem(folded.p, folded.n, needle.p, needle.n) != NULL);
}
