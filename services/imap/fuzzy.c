#include "services/imap/fuzzy.h"

#include "mail/fold.h"

/* What a word is worth, found whole, at the beginning of one, or inside. */
#define WHOLE 80
#define BEGINNING 50
#define INSIDE 20
#define PHRASE 20 /* more, for the words in a row */

static bool
is_word(char c)
{
	return ascii_is_alnum(c) || (unsigned char)c >= 0x80;
}

void
fuzzy_make(struct arena *a, struct slice folded, struct fuzzy *out)
{
	struct buf plain = BUF_INIT(LIMIT_IMAP_COMMAND * 4);
	struct slice rest;

	text_drop_marks(&plain, folded);
	rest = out->phrase =
	    slice_trim(arena_slice(a, buf_slice(&plain)));
	buf_release(&plain);
	out->words = arena_array(a, LIMIT_IMAP_FUZZY_WORDS,
	    sizeof(*out->words));
	out->n = 0;
	while (rest.n > 0 && out->n < LIMIT_IMAP_FUZZY_WORDS) {
		size_t n = 0;

		while (n < rest.n && is_word(rest.p[n]))
			n++;
		if (n > 0)
			out->words[out->n++] = slice_head(rest, n);
		rest = slice_from(rest, n > 0 ? n : 1);
	}
	/* Only signs: they are looked for as they are. */
	if (out->n == 0 && out->phrase.n > 0)
		out->words[out->n++] = out->phrase;
}

static ssize_t
find(struct slice text, struct slice needle)
{
	const char *at = needle.n > text.n ? NULL :
	    memmem(text.p, text.n, needle.p, needle.n);

	return at != NULL ? at - text.p : -1;
}

static unsigned
word_score(struct slice text, struct slice word)
{
	unsigned best = 0;
	size_t from = 0;

	while (best < WHOLE) {
		ssize_t at = find(slice_from(text, from), word);
		size_t start, end;
		unsigned score = INSIDE;

		if (at < 0)
			break;
		start = from + (size_t)at;
		end = start + word.n;
		if (start == 0 || !is_word(text.p[start - 1]))
			score = end == text.n || !is_word(text.p[end]) ?
			    WHOLE : BEGINNING;
		if (score > best)
			best = score;
		from = end;
	}
	return best;
}

unsigned
fuzzy_score(const struct fuzzy *f, struct slice folded)
{
	struct buf plain = BUF_INIT(LIMIT_IMAP_SEARCH_TEXT);
	unsigned sum = 0, score = 100;
	struct slice text;

	text_drop_marks(&plain, folded);
	text = buf_slice(&plain);
	for (size_t i = 0; i < f->n && score > 0; i++) {
		score = word_score(text, f->words[i]);
		sum += score;
	}
	if (score > 0 && f->n > 0) {
		score = sum / (unsigned)f->n;
		if (find(text, f->phrase) >= 0)
			score += PHRASE;
	}
	buf_release(&plain);
	return score;
}
