/*
 * Decompose, order, compose (Unicode 3.11). Works on one run at a time, a
 * starter with what combines with it, so memory does not grow with the text.
 */
#include "mail/nfc.h"

#include "mail/charset.h"

/* A longer run is cut: no writing needs it (Unicode Annex 15, section 13). */
#define RUN_MAX 64

struct nfc_single {
	uint32_t from;
	uint32_t to;
};

struct nfc_pair {
	uint32_t from;
	uint32_t first;
	uint32_t second;
};

struct nfc_class {
	uint32_t first;
	uint32_t last;
	uint8_t kind;
};

#include "mail/nfc_table.h"

/* Hangul syllables are calculated (Unicode 3.12). */
enum {
	HANGUL_S = 0xac00,
	HANGUL_L = 0x1100,
	HANGUL_V = 0x1161,
	HANGUL_T = 0x11a7,
	HANGUL_LS = 19,
	HANGUL_VS = 21,
	HANGUL_TS = 28,
	HANGUL_ALL = HANGUL_LS * HANGUL_VS * HANGUL_TS,
};

struct run {
	uint32_t c[RUN_MAX];
	uint8_t kind[RUN_MAX]; /* combining class; 0 is a starter */
	size_t n;
};

static int
class_order(const void *key, const void *member)
{
	uint32_t c = *(const uint32_t *)key;
	const struct nfc_class *k = member;

	return c < k->first ? -1 : c > k->last;
}

static uint8_t
class_of(uint32_t c)
{
	const struct nfc_class *k = c < 0x300 ? NULL : bsearch(&c, classes,
	    LEN(classes), sizeof(classes[0]), class_order);

	return k != NULL ? k->kind : 0;
}

/* ---- composing ------------------------------------------------------------ */

static int
back_order(const void *key, const void *member)
{
	const struct nfc_pair *want = key;
	const struct nfc_pair *p = &pairs[*(const uint16_t *)member];

	if (want->first != p->first)
		return want->first < p->first ? -1 : 1;
	if (want->second != p->second)
		return want->second < p->second ? -1 : 1;
	return 0;
}

/* What a and b are together, or 0. */
static uint32_t
compose(uint32_t a, uint32_t b)
{
	struct nfc_pair want = { 0, a, b };
	const uint16_t *found;

	if (a - HANGUL_L < HANGUL_LS && b - HANGUL_V < HANGUL_VS)
		return HANGUL_S + ((a - HANGUL_L) * HANGUL_VS +
		    (b - HANGUL_V)) * HANGUL_TS;
	if (a - HANGUL_S < HANGUL_ALL && (a - HANGUL_S) % HANGUL_TS == 0 &&
	    b - HANGUL_T - 1 < HANGUL_TS - 1)
		return a + (b - HANGUL_T);
	found = bsearch(&want, back, LEN(back), sizeof(back[0]), back_order);
	return found != NULL ? pairs[*found].from : 0;
}

/* Writes the run composed and begins a new one. */
static void
run_end(struct run *r, struct buf *out)
{
	size_t kept = 1;
	uint8_t last = 0; /* class of what was kept last */

	for (size_t i = 1; i < r->n; i++) {
		uint32_t both = 0;

		/* Unless something between them blocks it (D115). */
		if (r->kind[0] == 0 && (kept == 1 || last < r->kind[i]))
			both = compose(r->c[0], r->c[i]);
		if (both != 0) {
			r->c[0] = both;
			continue;
		}
		last = r->kind[i];
		r->c[kept++] = r->c[i];
	}
	for (size_t i = 0; i < kept && i < r->n; i++)
		utf8_put(out, r->c[i]);
	r->n = 0;
}

/* ---- decomposing ---------------------------------------------------------- */

/* A starter that may join the one before it: Hangul, and a few of India. */
static bool
joins(const struct run *r, uint32_t c)
{
	return r->n == 1 && r->kind[0] == 0 && compose(r->c[0], c) != 0;
}

static void
run_add(struct run *r, uint32_t c, struct buf *out)
{
	uint8_t kind = class_of(c);
	size_t at = r->n;

	if (kind == 0 && joins(r, c)) {
		r->c[0] = compose(r->c[0], c);
		return;
	}
	if (kind == 0 || r->n == RUN_MAX)
		run_end(r, out);
	at = r->n++;
	/* In the order of classes; equal ones stay as they came (D109). */
	for (; kind != 0 && at > 0 && r->kind[at - 1] > kind; at--) {
		r->c[at] = r->c[at - 1];
		r->kind[at] = r->kind[at - 1];
	}
	r->c[at] = c;
	r->kind[at] = kind;
}

static int
single_order(const void *key, const void *member)
{
	uint32_t c = *(const uint32_t *)key;
	const struct nfc_single *s = member;

	return c < s->from ? -1 : c > s->from;
}

static int
pair_order(const void *key, const void *member)
{
	uint32_t c = *(const uint32_t *)key;
	const struct nfc_pair *p = member;

	return c < p->from ? -1 : c > p->from;
}

static void
decompose(struct run *r, uint32_t c, struct buf *out)
{
	uint32_t rest[8]; /* the seconds, last first; the table needs 4 */
	size_t n = 0;

	for (;;) {
		const struct nfc_single *s = bsearch(&c, singles, LEN(singles),
		    sizeof(singles[0]), single_order);
		const struct nfc_pair *p;

		if (s != NULL) {
			c = s->to;
			continue;
		}
		p = bsearch(&c, pairs, LEN(pairs), sizeof(pairs[0]),
		    pair_order);
		if (p == NULL || n == LEN(rest))
			break;
		rest[n++] = p->second;
		c = p->first;
	}
	run_add(r, c, out);
	while (n > 0)
		run_add(r, rest[--n], out);
}

void
nfc_put(struct buf *out, struct slice text)
{
	struct run r = { .n = 0 };

	if (slice_is_ascii(text)) {
		buf_add_slice(out, text);
		return;
	}
	while (text.n > 0)
		decompose(&r, utf8_take(&text), out);
	run_end(&r, out);
}
