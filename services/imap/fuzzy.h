/*
 * FUZZY matching of texts (RFC 6203): all words of what is looked for, in any
 * order, without case and diacritics. No session in here.
 */
#ifndef IMAP_FUZZY_H
#define IMAP_FUZZY_H

#include "core/arena.h"
#include "core/limits.h"

struct fuzzy {
	struct slice phrase;
	struct slice *words; /* at most LIMIT_IMAP_FUZZY_WORDS */
	size_t n;
};

/* Of a text that is folded; all in the arena. */
void fuzzy_make(struct arena *a, struct slice folded, struct fuzzy *out);

/*
 * 0: some word is not in the folded text. Else a score from 1 to 100: words
 * of the text count more than beginnings of words, and those more than what
 * is inside of words; 100 is for the phrase as it was given.
 */
unsigned fuzzy_score(const struct fuzzy *f, struct slice folded);

#endif
