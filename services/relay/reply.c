#include "services/relay/reply.h"

#include "core/num.h"

void
reply_init(struct reply *r)
{
	*r = (struct reply){ .text = BUF_INIT(LIMIT_SMTP_REPLY) };
}

void
reply_release(struct reply *r)
{
	buf_release(&r->text);
}

/* One line without its end. 0, or -1 if it is no reply line; *last is set. */
static int
take_line(struct reply *r, struct slice line, bool *last)
{
	uint64_t code;

	if (line.n < 3 || num_u64(slice_head(line, 3), 599, &code) != 0 ||
	    code < 200)
		return -1;
	if (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-')
		return -1;
	*last = line.n == 3 || line.p[3] == ' ';
	r->code = (unsigned)code;
	buf_add_slice(&r->text, slice_from(line, 4));
	buf_addc(&r->text, '\n');
	return 0;
}

size_t
reply_feed(struct reply *r, struct slice in, enum reply_state *state)
{
	size_t used = 0;

	if (r->complete) {
		buf_clear(&r->text);
		r->bytes = 0;
		r->complete = false;
	}
	*state = REPLY_MORE;
	while (*state == REPLY_MORE) {
		struct slice rest = slice_from(in, used), line;
		ssize_t end = slice_find(rest, '\n');
		bool last = false;

		if (end == -1) {
			if (r->bytes + rest.n > LIMIT_SMTP_REPLY)
				*state = REPLY_BAD;
			break;
		}
		line = slice_head(rest, (size_t)end);
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		used += (size_t)end + 1;
		r->bytes += (size_t)end + 1;
		if (r->bytes > LIMIT_SMTP_REPLY ||
		    take_line(r, line, &last) != 0 || !buf_ok(&r->text))
			*state = REPLY_BAD;
		else if (last)
			*state = REPLY_DONE;
	}
	r->complete = *state == REPLY_DONE;
	return used;
}

/* The number of 1 to 3 digits at the start of *s. */
static bool
take_number(struct slice *s, struct buf *out)
{
	size_t n = 0;

	while (n < s->n && n < 4 && ascii_is_digit(s->p[n]))
		n++;
	if (n == 0 || n > 3)
		return false;
	buf_add(out, s->p, n);
	*s = slice_from(*s, n);
	return true;
}

static bool
take_dot(struct slice *s, struct buf *out)
{
	if (s->n == 0 || s->p[0] != '.')
		return false;
	buf_addc(out, '.');
	*s = slice_from(*s, 1);
	return true;
}

/* The enhanced code at the start of the text, if there is one that fits. */
static bool
own_enhanced(const struct reply *r, struct buf *out)
{
	struct slice s = buf_slice(&r->text);

	if (s.n == 0 || s.p[0] != (char)('0' + r->code / 100))
		return false;
	return take_number(&s, out) && out->n == 1 && take_dot(&s, out) &&
	    take_number(&s, out) && take_dot(&s, out) &&
	    take_number(&s, out) &&
	    (s.n == 0 || s.p[0] == ' ' || s.p[0] == '\n');
}

/* RFC 5248 and its IANA registry say which basic codes go with which. */
static const struct {
	unsigned code;
	const char *enhanced;
} derived[] = {
	{ 421, "4.3.2" }, { 450, "4.2.0" }, { 451, "4.3.0" }, { 452, "4.3.1" },
	{ 454, "4.7.0" }, { 455, "4.5.1" }, { 500, "5.5.2" }, { 501, "5.5.4" },
	{ 502, "5.5.1" }, { 503, "5.5.1" }, { 504, "5.5.4" }, { 521, "5.3.2" },
	{ 530, "5.7.0" }, { 534, "5.7.9" }, { 535, "5.7.8" }, { 551, "5.1.6" },
	{ 552, "5.3.4" }, { 553, "5.1.3" }, { 555, "5.5.4" }, { 556, "5.1.10" },
};

void
reply_enhanced(const struct reply *r, char out[REPLY_ENHANCED])
{
	struct buf b = BUF_INIT(REPLY_ENHANCED - 1);

	if (own_enhanced(r, &b) && buf_ok(&b)) {
		memcpy(out, buf_str(&b), b.n + 1);
		buf_release(&b);
		return;
	}
	buf_release(&b);
	for (size_t i = 0; i < LEN(derived); i++) {
		if (derived[i].code == r->code) {
			snprintf(out, REPLY_ENHANCED, "%s", derived[i].enhanced);
			return;
		}
	}
	snprintf(out, REPLY_ENHANCED, "%u.0.0", r->code / 100 % 10);
}

void
reply_line(const struct reply *r, char *out, size_t size)
{
	struct slice text = slice_trim(buf_slice(&r->text));
	bool utf8 = slice_is_utf8(text);
	size_t n = (size_t)snprintf(out, size, "%u ", r->code);

	for (size_t i = 0; i < text.n && n + 1 < size; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c == '\n' || c == '\t')
			c = ' ';
		else if (c < ' ' || c == 0x7f || (c > 0x7f && !utf8))
			c = '?';
		out[n++] = (char)c;
	}
	/* Do not end in the middle of a UTF-8 sequence. */
	while (n > 0 && !slice_is_utf8(slice_of(out, n)))
		n--;
	while (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
}
