#include "services/imap/search_filter.h"

#include "services/imap/command.h"

#define FEW 8        /* messages: opened sooner than the index */
#define OPEN_COST 50 /* messages of the index, for one that is opened */
#define CHECK_EACH 256 /* messages between looks at the clock */
#define WALK_RANGES 1000

/*
 * False if the index cannot help to find this: what has no gram may be
 * anywhere.
 */
static bool
needle_make(struct store_needle *n, const struct search_key *k)
{
	n->in_header = k->op != SEARCH_BODY;
	n->in_body = k->op != SEARCH_HEADER;
	gram_needle_make(&n->text, k->text);
	gram_needle_make(&n->exact, k->exact);
	return n->text.n > 0 && (!n->in_body || n->exact.n > 0);
}

static bool
is_worth_it(const struct search_filter *f, const struct store_set *only)
{
	if (f->prog->n_texts == 0 || f->view->n < FEW)
		return false;
	return only == NULL ||
	    store_set_count(only) * OPEN_COST >= f->view->n;
}

/* False if no message that may contain only these texts matches. */
static bool
may_match(const struct search_key *k, uint32_t may)
{
	const struct search_key *c = k->child;

	switch (k->op) {
	case SEARCH_AND:
		while (c != NULL && may_match(c, may))
			c = c->next;
		return c == NULL;
	case SEARCH_OR:
		while (c != NULL && !may_match(c, may))
			c = c->next;
		return c != NULL;
	default:
		/* Nothing is known of the rest, and of what NOT says. */
		return k->text_number == 0 || (may >> (k->text_number - 1) & 1);
	}
}

void
search_filter_begin(struct search_filter *f, struct command *c,
    const struct search_program *prog, const struct view *v,
    const struct store_set *only)
{
	f->prog = prog;
	f->view = v;
	f->c = c;
	f->next = 1;
	f->last = STORE_UID_MAX;
	if (only != NULL && only->n > 0) {
		f->next = only->r[0].first > 0 ? only->r[0].first : 1;
		f->last = only->r[only->n - 1].last;
	}
	for (size_t i = 0; i < prog->n_texts; i++)
		store_set_clear(&prog->texts[i]->ruled_out);
	f->done = !is_worth_it(f, only);
}

/* Before the first step; it reads files, which the loop must not wait for. */
static void
open_index(struct search_filter *f)
{
	const struct search_program *prog = f->prog;
	bool any = false;

	store_gather(f->view->mailbox);
	f->needles = mem_array(prog->n_texts, sizeof(*f->needles));
	for (size_t i = 0; i < prog->n_texts; i++)
		any |= needle_make(&f->needles[i], prog->texts[i]);
	if (any)
		store_finder_open(f->view->mailbox, f->needles, prog->n_texts,
		    &f->finder);
	f->done = f->finder == NULL;
	f->bounds = !may_match(prog->root, 0);
	f->at = view_lower(f->view, f->next);
}

void
search_filter_release(struct search_filter *f)
{
	store_finder_close(f->finder);
	mem_free(f->needles);
	store_set_release(&f->may);
	f->finder = NULL;
	f->needles = NULL;
}

/*
 * Adds message i of the view to a set. With the one before it in the set, too,
 * they are one range: between them there is nothing.
 */
static void
add(struct store_set *set, size_t *last, const struct view *v, size_t i)
{
	store_set_add(set, *last == i && i > 0 ? v->uids[i - 1] : v->uids[i],
	    v->uids[i]);
	*last = i + 1;
}

/* Messages that the index does not have, up to uid. */
static void
pass_until(struct search_filter *f, uint32_t uid)
{
	const struct view *v = f->view;

	while (f->at < v->n && v->uids[f->at] < uid)
		add(&f->may, &f->passed, v, f->at++);
}

static int
on_indexed(void *ctx, uint32_t uid, uint32_t may)
{
	struct search_filter *f = ctx;
	const struct view *v = f->view;

	pass_until(f, uid);
	if (f->at < v->n && v->uids[f->at] == uid) {
		for (size_t i = 0; i < f->prog->n_texts; i++)
			if ((may >> i & 1) == 0)
				add(&f->prog->texts[i]->ruled_out,
				    &f->ruled[i], v, f->at);
		if (may_match(f->prog->root, may))
			add(&f->may, &f->passed, v, f->at);
		f->at++;
	}
	return uid >= f->last || (++f->rows % CHECK_EACH == 0 &&
	    command_should_yield(f->c));
}

bool
search_filter_step(struct search_filter *f)
{
	if (!f->done && f->finder == NULL)
		open_index(f);
	if (f->done)
		return true;
	store_finder_step(f->finder, f->next, on_indexed, f, &f->next);
	if (f->next != 0 && f->next <= f->last)
		return false;
	f->done = true;
	/* Those behind the end of the index; UID_MAX is not one. */
	pass_until(f, STORE_UID_MAX);
	/* Many short ranges cost more than they save. */
	if (f->bounds &&
	    (f->may.n <= WALK_RANGES || f->may.n <= f->view->n / 8))
		f->possible = &f->may;
	return true;
}
