/* Base subjects. Names are those of RFC 5256 section 5. See subject.h. */
#include "mail/subject.h"

#include "core/limits.h"
#include "mail/header.h"
#include "mail/word.h"

static bool
is_wsp(char c)
{
	return c == ' ' || c == '\t';
}

static struct slice
skip_wsp(struct slice s)
{
	while (s.n > 0 && is_wsp(s.p[0]))
		s = slice_from(s, 1);
	return s;
}

/* subj-blob = "[" *BLOBCHAR "]" *WSP, cut off the front. */
static bool
take_blob(struct slice *s)
{
	size_t i = 1;

	if (s->n == 0 || s->p[0] != '[')
		return false;
	while (i < s->n && s->p[i] != '[' && s->p[i] != ']')
		i++;
	if (i == s->n || s->p[i] != ']')
		return false;
	*s = skip_wsp(slice_from(*s, i + 1));
	return true;
}

/* subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":" */
static bool
take_refwd(struct slice *s)
{
	struct slice rest;

	if (slice_istarts(*s, S("fwd")))
		rest = slice_from(*s, 3);
	else if (slice_istarts(*s, S("re")) || slice_istarts(*s, S("fw")))
		rest = slice_from(*s, 2);
	else
		return false;
	rest = skip_wsp(rest);
	(void)take_blob(&rest);
	if (rest.n == 0 || rest.p[0] != ':')
		return false;
	*s = slice_from(rest, 1);
	return true;
}

/* Step 2: subj-trailer = "(fwd)" / WSP */
static struct slice
cut_trailers(struct slice s, bool *reply)
{
	for (;;) {
		if (s.n > 0 && is_wsp(s.p[s.n - 1])) {
			s.n--;
		} else if (slice_iends(s, S("(fwd)"))) {
			s.n -= 5;
			*reply = true;
		} else {
			return s;
		}
	}
}

/*
 * Steps 3 to 5. A row of blobs is a leader with the subj-refwd behind it;
 * without one, they go as long as something is left. Taking the row at once
 * keeps "[a][a][a]..." linear.
 */
static struct slice
cut_leaders(struct slice s, bool *reply)
{
	for (;;) {
		struct slice rest, last;

		s = rest = last = skip_wsp(s);
		while (rest.n > 0) {
			last = rest;
			if (!take_blob(&rest))
				break;
		}
		if (take_refwd(&rest)) {
			s = rest;
			*reply = true;
		} else {
			return rest.n > 0 ? rest : last;
		}
	}
}

struct slice
subject_strip(struct slice text, bool *reply)
{
	static const struct slice header = { "[fwd:", 5 };

	for (;;) {
		text = cut_trailers(text, reply);
		text = cut_leaders(text, reply);
		/* Step 6: subj-fwd-hdr and subj-fwd-trl */
		if (!slice_istarts(text, header) || !slice_ends(text, S("]")))
			return text;
		text = slice_from(text, header.n);
		text.n--;
		*reply = true;
	}
}

/* Step 1 for what word_decode left: blanks become single spaces. */
static void
single_spaces(struct buf *out, struct slice in)
{
	for (size_t i = 0; i < in.n; i++)
		if (!is_wsp(in.p[i]))
			buf_addc(out, in.p[i]);
		else if (i == 0 || !is_wsp(in.p[i - 1]))
			buf_addc(out, ' ');
}

void
subject_base(struct buf *out, struct slice value, bool *reply)
{
	struct buf plain = BUF_INIT(LIMIT_HEADER_BYTES);
	struct buf decoded = BUF_INIT(LIMIT_HEADER_BYTES * 4);
	struct buf text = BUF_INIT(LIMIT_HEADER_BYTES * 4);
	bool ignored = false;

	header_unfold(&plain, value);
	word_decode(&decoded, buf_slice(&plain));
	single_spaces(&text, buf_slice(&decoded));
	if (reply == NULL)
		reply = &ignored;
	*reply = false;
	buf_add_slice(out, subject_strip(buf_slice(&text), reply));
	buf_release(&plain);
	buf_release(&decoded);
	buf_release(&text);
}
