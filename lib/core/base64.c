#include "core/base64.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_encode(struct buf *out, struct slice in)
{
	const unsigned char *p = (const unsigned char *)in.p;
	char q[4];
	size_t i;

	for (i = 0; i < in.n; i += 3) {
		size_t left = in.n - i;
		uint32_t v = (uint32_t)p[i] << 16;

		if (left > 1)
			v |= (uint32_t)p[i + 1] << 8;
		if (left > 2)
			v |= p[i + 2];
		q[0] = alphabet[v >> 18];
		q[1] = alphabet[v >> 12 & 63];
		q[2] = left > 1 ? alphabet[v >> 6 & 63] : '=';
		q[3] = left > 2 ? alphabet[v & 63] : '=';
		buf_add(out, q, 4);
	}
}

int
base64_sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

static int
decode(struct buf *out, struct slice in, bool folded)
{
	uint32_t v = 0;
	int have = 0, pad = 0;

	for (size_t i = 0; i < in.n; i++) {
		char c = in.p[i];
		int s;

		if (folded && (c == ' ' || c == '\t' || c == '\r' || c == '\n'))
			continue;
		if (c == '=') {
			pad++;
			continue;
		}
		s = base64_sextet(c);
		if (s < 0 || pad > 0)
			return -1;
		v = v << 6 | (uint32_t)s;
		if (++have == 4) {
			char t[3] = { (char)(v >> 16), (char)(v >> 8), (char)v };

			buf_add(out, t, 3);
			have = 0;
			v = 0;
		}
	}
	if (have == 1 || (pad > 0 && have + pad != 4))
		return -1;
	if (have == 2)
		buf_addc(out, (char)(v >> 4));
	if (have == 3) {
		buf_addc(out, (char)(v >> 10));
		buf_addc(out, (char)(v >> 2));
	}
	return out->failed ? -1 : 0;
}

int
base64_decode(struct buf *out, struct slice in)
{
	return decode(out, in, false);
}

int
base64_decode_folded(struct buf *out, struct slice in)
{
	return decode(out, in, true);
}

void
hex_encode(struct buf *out, struct slice in)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < in.n; i++) {
		unsigned char c = (unsigned char)in.p[i];

		buf_addc(out, digits[c >> 4]);
		buf_addc(out, digits[c & 15]);
	}
}

int
hex_decode(struct buf *out, struct slice in)
{
	if (in.n % 2 != 0)
		return -1;
	for (size_t i = 0; i < in.n; i += 2) {
		int hi = ascii_hex(in.p[i]), lo = ascii_hex(in.p[i + 1]);

		if (hi < 0 || lo < 0)
			return -1;
		buf_addc(out, (char)(hi << 4 | lo));
	}
	return out->failed ? -1 : 0;
}
