/* Modified UTF-7: RFC 3501 5.1.3. See mutf7.h. */
#include "mail/mutf7.h"

#include "mail/charset.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static bool
is_direct(uint32_t c)
{
	return c >= 0x20 && c <= 0x7e;
}

/* One UTF-16 unit; *high holds the first half of a pair, or 0. */
static int
take_unit(struct buf *out, uint32_t unit, uint32_t *high, const char **why)
{
	if (*high != 0) {
		if (unit < 0xdc00 || unit > 0xdfff)
			return fail(why, "lone surrogate in mailbox name");
		utf8_put(out, 0x10000 + ((*high - 0xd800) << 10) +
		    (unit - 0xdc00));
		*high = 0;
	} else if (unit >= 0xd800 && unit <= 0xdbff) {
		*high = unit;
	} else if (unit >= 0xdc00 && unit <= 0xdfff) {
		return fail(why, "lone surrogate in mailbox name");
	} else if (unit == 0) {
		return fail(why, "NUL in mailbox name");
	} else if (is_direct(unit)) {
		return fail(why, "mailbox name encodes printable ASCII");
	} else {
		utf8_put(out, unit);
	}
	return 0;
}

/* A shifted run, from behind its "&" to behind its "-". */
static int
decode_shift(struct buf *out, struct slice *in, const char **why)
{
	uint32_t bits = 0, high = 0;
	unsigned have = 0;
	size_t i;

	for (i = 0; i < in->n && in->p[i] != '-'; i++) {
		const char *at = in->p[i] == 0 ? NULL :
		    strchr(alphabet, in->p[i]);

		if (at == NULL)
			return fail(why, "bad character in mailbox name");
		bits = (bits << 6 | (uint32_t)(at - alphabet)) & 0x3fffff;
		have += 6;
		if (have < 16)
			continue;
		have -= 16;
		if (take_unit(out, bits >> have & 0xffff, &high, why) == -1)
			return -1;
	}
	if (i == in->n)
		return fail(why, "unended shift in mailbox name");
	if (high != 0 || have >= 6 || (bits & ((1U << have) - 1)) != 0)
		return fail(why, "incomplete character in mailbox name");
	*in = slice_from(*in, i + 1);
	return 0;
}

int
mutf7_decode(struct buf *out, struct slice in, const char **why)
{
	bool shifted = false; /* a shift ended just here */

	while (in.n > 0) {
		unsigned char c = (unsigned char)in.p[0];

		if (!is_direct(c))
			return fail(why, "bad character in mailbox name");
		in = slice_from(in, 1);
		if (c != '&') {
			buf_addc(out, (char)c);
			shifted = false;
		} else if (in.n > 0 && in.p[0] == '-') {
			in = slice_from(in, 1);
			buf_addc(out, '&');
			shifted = false;
		} else {
			if (shifted)
				return fail(why,
				    "needless shift in mailbox name");
			if (decode_shift(out, &in, why) == -1)
				return -1;
			shifted = true;
		}
	}
	return 0;
}

struct shift {
	uint32_t bits;
	unsigned have;
	bool open;
};

static void
shift_unit(struct buf *out, struct shift *s, uint32_t unit)
{
	s->bits = s->bits << 16 | unit;
	s->have += 16;
	while (s->have >= 6) {
		s->have -= 6;
		buf_addc(out, alphabet[s->bits >> s->have & 0x3f]);
	}
}

static void
shift_close(struct buf *out, struct shift *s)
{
	if (!s->open)
		return;
	if (s->have > 0)
		buf_addc(out, alphabet[s->bits << (6 - s->have) & 0x3f]);
	buf_addc(out, '-');
	*s = (struct shift){ 0 };
}

int
mutf7_encode(struct buf *out, struct slice text)
{
	struct shift s = { 0 };

	if (!slice_is_utf8(text))
		return -1;
	while (text.n > 0) {
		uint32_t c = utf8_take(&text);

		if (is_direct(c)) {
			shift_close(out, &s);
			buf_addc(out, (char)c);
			if (c == '&')
				buf_addc(out, '-');
			continue;
		}
		if (!s.open)
			buf_addc(out, '&');
		s.open = true;
		if (c >= 0x10000) {
			shift_unit(out, &s, 0xd800 + ((c - 0x10000) >> 10));
			c = 0xdc00 + ((c - 0x10000) & 0x3ff);
		}
		shift_unit(out, &s, c);
	}
	shift_close(out, &s);
	return 0;
}
