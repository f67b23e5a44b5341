/*
 * Signatures of texts: what may be in a text, in some bits for each of its
 * grams. A gram is three letters in a row, or two if one of them is an ideograph
 * or the like, which say more. A text that contains another has all of its
 * grams, so a signature that lacks one of them rules the text out; one that has
 * them all says only "maybe". Works on folded UTF-8 (mail/fold.h). No gram
 * reaches across a blank or a control character.
 */
#ifndef MAIL_GRAM_H
#define MAIL_GRAM_H

#include "core/buf.h"

#define GRAM_BITS 18 /* a gram is a hash of so many bits */
#define GRAM_WORDS ((1u << GRAM_BITS) / 64)
#define GRAM_SET_BYTES (GRAM_WORDS * 8) /* a signature is not longer */
#define GRAM_NEEDLE 64 /* of a longer needle the first grams are asked for */

/* The grams of one or more texts. */
struct gram_set {
	uint64_t bits[GRAM_WORDS];
};

void gram_set_clear(struct gram_set *set);
void gram_set_add(struct gram_set *set, struct slice folded);

/*
 * Appends the signature of the set: about half a byte for each different gram,
 * never nothing, at most GRAM_SET_BYTES. An empty signature, which is for the
 * caller to give, is one that rules nothing out.
 */
void gram_signature(struct buf *out, const struct gram_set *set);

/* What is looked for. */
struct gram_needle {
	uint32_t grams[GRAM_NEEDLE];
	size_t n;
};

/* n is 0 if the needle has no gram: it then may be in any text. */
void gram_needle_make(struct gram_needle *out, struct slice folded);
/* False if no text of this signature contains the needle. */
bool gram_may_contain(struct slice signature, const struct gram_needle *needle);

#endif
