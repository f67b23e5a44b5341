// part: setup
/*
 * mbox files: read whole and in pieces they must be the same, and what was
 * read and is written again must be read as the same messages.
 */
#include "setup/mbox.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define MAX (1u << 22)

struct seen {
	struct buf all;  /* everything that was told */
	struct buf text; /* of the message that is open */
	struct buf copy; /* the messages, written again */
	bool write;
	int64_t date;
	size_t n;
};

static void
on_begin(void *ctx, uint64_t offset, int64_t date)
{
	struct seen *s = ctx;

	buf_addf(&s->all, "[%llu|%lld|", (unsigned long long)offset,
	    (long long)date);
	buf_clear(&s->text);
	s->date = date;
	s->n++;
}

static void
on_data(void *ctx, struct slice piece)
{
	struct seen *s = ctx;

	buf_add_slice(&s->all, piece);
	buf_add_slice(&s->text, piece);
}

static void
flush(void *ctx UNUSED, struct buf *out UNUSED)
{
}

static void
on_end(void *ctx, unsigned flags, struct slice keywords)
{
	struct seen *s = ctx;

	buf_addf(&s->all, "|%x|%.*s]", flags, SLICE_ARG(keywords));
	if (s->write) {
		mbox_head(&s->copy, buf_slice(&s->text), s->date, flags, NULL,
		    0);
		mbox_body(&s->copy, buf_slice(&s->text), flush, NULL);
	}
}

static void
on_odd(void *ctx, uint64_t offset, const char *what UNUSED)
{
	struct seen *s = ctx;

	buf_addf(&s->all, "{%llu}", (unsigned long long)offset);
}

static const struct mbox_ops ops = { on_begin, on_data, on_end, on_odd };

static int
read_all(struct slice text, size_t step, struct seen *s, bool write)
{
	struct mbox_reader r;
	int ok = 0;

	*s = (struct seen){ .write = write };
	buf_init(&s->all, MAX);
	buf_init(&s->text, MAX);
	buf_init(&s->copy, MAX);
	mbox_init(&r, &ops, s);
	while (text.n > 0 && ok == 0) {
		struct slice piece = slice_head(text, step);

		ok = mbox_feed(&r, piece);
		text = slice_from(text, piece.n);
	}
	if (mbox_end(&r) == -1)
		ok = -1;
	mbox_release(&r);
	return ok;
}

static void
release(struct seen *s)
{
	buf_release(&s->all);
	buf_release(&s->text);
	buf_release(&s->copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice text = slice_of(p, n);
	struct seen whole, pieces, again;

	if (n == 0 || n > 65000)
		return 0;
	if (read_all(text, n, &whole, false) !=
	    read_all(text, 1 + p[n - 1] % 50, &pieces, true) ||
	    !slice_eq(buf_slice(&whole.all), buf_slice(&pieces.all)))
		abort();
	if (read_all(buf_slice(&pieces.copy), 4096, &again, false) == -1 ||
	    again.n != pieces.n)
		abort();
	release(&whole);
	release(&again);
	release(&pieces);
	return 0;
}
