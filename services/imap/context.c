#include "services/imap/context.h"

#include "core/list.h"
#include "core/now.h"
#include "services/imap/output.h"
#include "services/imap/session.h"

#define BATCH 16      /* messages between looks at the clock */
#define UPDATE_MS 10  /* for all contexts, each time */
#define SLACK 1024    /* keys of messages that left a sorted context */

struct context {
	struct list link;
	struct search_correlator who; /* its texts are in the arena */
	bool sorted;
	struct buf text; /* the program points into it */
	struct arena arena;
	struct search_program prog;
	struct store_set found; /* UIDs of the results */
	struct buf atts;         /* to fetch of new ones, or empty */
	struct store_set fetch;  /* of these */
	/* Their order, if sorted. */
	struct sort_program criteria;
	struct sort_list list;
	uint32_t *order; /* indices of list */
	size_t n;
	size_t cap;
};

struct contexts {
	struct list all;
	size_t n;
	struct store_set changed; /* UIDs that are to be asked again */
	struct store_set arrived; /* those of them that are new */
};

static struct context *
find(const struct session *s, struct slice tag)
{
	struct context *x;

	if (s->contexts == NULL)
		return NULL;
	LIST_EACH (x, &s->contexts->all, struct context, link)
		if (slice_eq(x->who.tag, tag))
			return x;
	return NULL;
}

bool
context_has_tag(const struct session *s, struct slice tag)
{
	return find(s, tag) != NULL;
}

/* ---- life ----------------------------------------------------------------- */

static void
context_free(struct context *x)
{
	list_remove(&x->link);
	search_release(&x->prog);
	store_set_release(&x->found);
	store_set_release(&x->fetch);
	buf_release(&x->atts);
	sort_list_release(&x->list);
	arena_release(&x->arena);
	buf_release(&x->text);
	mem_free(x->order);
	mem_free(x);
}

void
context_free_all(struct session *s)
{
	struct contexts *all = s->contexts;

	if (all == NULL)
		return;
	while (!list_is_empty(&all->all))
		context_free(LIST_FIRST(&all->all, struct context, link));
	store_set_release(&all->changed);
	store_set_release(&all->arrived);
	mem_free(all);
	s->contexts = NULL;
}

static void
context_end(struct session *s, struct context *x)
{
	context_free(x);
	if (--s->contexts->n == 0)
		context_free_all(s);
}

void
context_cancel(struct session *s, struct slice tag)
{
	struct context *x = find(s, tag);

	if (x != NULL)
		context_end(s, x);
}

void
context_end_numbered(struct command *c)
{
	struct contexts *all = c->session->contexts;
	struct context *x;

	if (all == NULL)
		return;
	LIST_EACH (x, &all->all, struct context, link) {
		if (x->who.uid)
			continue;
		context_refused(c, x->who.tag, "Only UIDs are told now.");
		context_free(x);
		all->n--;
	}
	if (all->n == 0)
		context_free_all(c->session);
}

static bool
is_too_much(const struct session *s, struct slice program,
    const struct sort_list *list)
{
	if (s->contexts != NULL && s->contexts->n == LIMIT_IMAP_CONTEXTS)
		return true;
	return program.n > LIMIT_IMAP_LINE ||
	    (list != NULL && sort_list_size(list) > LIMIT_IMAP_CONTEXT_BYTES);
}

/* The program anew, because the command's memory goes with the command. */
static void
read_program(struct context *x, struct slice program, const struct view *v)
{
	struct parser p;
	int r;

	buf_init(&x->text, LIMIT_IMAP_LINE);
	buf_add_slice(&x->text, program);
	p = parser_of(buf_slice(&x->text), &x->arena);
	if (x->sorted) {
		r = sort_parse(&p, &x->criteria);
		if (r == 0)
			r = parse_sp(&p);
		if (r == 0)
			r = search_parse_criteria(&p, &x->prog);
	} else {
		r = search_parse(&p, &x->prog);
	}
	if (r == -1)
		panic("a program of %zu octets cannot be read again",
		    program.n);
	/* Sequence numbers mean what they did when the command came. */
	search_resolve(&x->prog, v);
}

static void
take_list(struct context *x, struct sort_list *list)
{
	x->list = *list;
	x->list.prog = &x->criteria;
	x->order = list->order;
	x->list.order = NULL;
	x->n = list->n;
	x->cap = list->n + 1;
	sort_list_init(list, list->prog);
}

void
context_refused(struct command *c, struct slice tag, const char *text)
{
	buf_adds(&c->out, "* NO [NOUPDATE ");
	out_quoted(&c->out, tag);
	buf_addf(&c->out, "] %s\r\n", text);
}

void
context_start(struct command *c, const struct search_correlator *who,
    struct slice program, struct slice atts,
    const struct search_result *result, struct sort_list *list)
{
	struct session *s = c->session;
	struct search_return all = { .options = SEARCH_RETURN_ALL };
	struct context *x;

	if (is_too_much(s, program, list)) {
		context_refused(c, who->tag, "Too many contexts");
		return;
	}
	if (s->contexts == NULL) {
		s->contexts = mem_zero(sizeof(*s->contexts));
		list_init(&s->contexts->all);
	}
	x = mem_zero(sizeof(*x));
	x->who = *who;
	x->who.tag = arena_slice(&x->arena, who->tag);
	x->who.mailbox = arena_slice(&x->arena, who->mailbox);
	x->sorted = list != NULL;
	buf_init(&x->atts, LIMIT_IMAP_COMMAND);
	buf_add_slice(&x->atts, atts);
	read_program(x, program, s->view);
	search_result_save(result, &all, &x->found);
	if (list != NULL)
		take_list(x, list);
	list_push(&s->contexts->all, &x->link);
	s->contexts->n++;
}

/* ---- telling -------------------------------------------------------------- */

static uint32_t
number_of(const struct session *s, const struct context *x, uint32_t uid)
{
	return x->who.uid ? uid : view_seq(s->view, uid);
}

/* "(0 3:5,7)": by number, where the client keeps the mailbox's order. */
static void
put_set(const struct session *s, const struct context *x,
    const struct store_set *uids, struct buf *out)
{
	struct store_set numbers = STORE_SET_INIT;

	for (size_t i = 0; i < uids->n; i++)
		for (uint64_t uid = uids->r[i].first; uid <= uids->r[i].last;
		     uid++) {
			uint32_t n = number_of(s, x, (uint32_t)uid);

			store_set_add(&numbers, n, n);
		}
	buf_adds(out, "(0 ");
	store_set_format(&numbers, out);
	buf_addc(out, ')');
	store_set_release(&numbers);
}

/* "(4 17 9 3)": each place as it is when those before are done. */
static void
remove_sorted(const struct session *s, struct context *x,
    const struct store_set *uids, struct buf *out)
{
	size_t kept = 0;
	char sep = '(';

	for (size_t i = 0; i < x->n; i++) {
		uint32_t uid = x->list.uids[x->order[i]];

		if (!store_set_has(uids, uid)) {
			x->order[kept++] = x->order[i];
			continue;
		}
		buf_addf(out, "%c%zu %u", sep, kept + 1, number_of(s, x, uid));
		sep = ' ';
	}
	x->n = kept;
	buf_addc(out, ')');
	if (x->list.n > 2 * x->n + SLACK)
		sort_list_keep(&x->list, x->order, x->n);
}

/* uids are results and go. */
static void
tell_removed(const struct session *s, struct context *x,
    const struct store_set *uids, struct buf *out)
{
	if (uids->n == 0)
		return;
	search_tell_begin(&x->who, out);
	buf_adds(out, " REMOVEFROM ");
	if (x->sorted)
		remove_sorted(s, x, uids, out);
	else
		put_set(s, x, uids, out);
	buf_adds(out, "\r\n");
	for (size_t i = 0; i < uids->n; i++)
		store_set_remove(&x->found, uids->r[i].first, uids->r[i].last);
}

/* Puts the list's entry i in its place; returns that, from 1 on. */
static size_t
insert_sorted(struct context *x, uint32_t i)
{
	size_t low = 0, high = x->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (sort_is_before(&x->list, x->order[mid], i))
			low = mid + 1;
		else
			high = mid;
	}
	if (x->n == x->cap) {
		x->cap += x->cap / 4 + 8;
		x->order = mem_grow(x->order, x->cap, sizeof(*x->order));
	}
	memmove(x->order + low + 1, x->order + low,
	    (x->n - low) * sizeof(*x->order));
	x->order[low] = i;
	x->n++;
	return low + 1;
}

/* uids are new results; a sorted context's list has them from entry on. */
static void
tell_added(const struct session *s, struct context *x,
    const struct store_set *uids, size_t entry, struct buf *out)
{
	char sep = '(';

	if (uids->n == 0)
		return;
	search_tell_begin(&x->who, out);
	buf_adds(out, " ADDTO ");
	for (; x->sorted && entry < x->list.n; entry++) {
		size_t place = insert_sorted(x, (uint32_t)entry);

		buf_addf(out, "%c%zu %u", sep, place,
		    number_of(s, x, x->list.uids[entry]));
		sep = ' ';
	}
	if (x->sorted)
		buf_addc(out, ')');
	else
		put_set(s, x, uids, out);
	buf_adds(out, "\r\n");
	for (size_t i = 0; i < uids->n; i++)
		store_set_add(&x->found, uids->r[i].first, uids->r[i].last);
}

void
context_gone(void *session, const struct store_set *gone, struct buf *out)
{
	struct session *s = session;
	struct context *x;

	LIST_EACH (x, &s->contexts->all, struct context, link) {
		struct store_set removed = STORE_SET_INIT;

		store_set_common(&x->found, gone, &removed);
		tell_removed(s, x, &removed, out);
		store_set_release(&removed);
	}
}

/* ---- asking again --------------------------------------------------------- */

struct asking {
	struct context *x;
	const struct search_run *run;
	struct store_set match;
	struct store_set added;
	bool failed;
};

static int
on_match(void *ctx, const struct store_message *msg)
{
	struct asking *a = ctx;

	store_set_add(&a->match, msg->uid, msg->uid);
	if (store_set_has(&a->x->found, msg->uid))
		return 0;
	store_set_add(&a->added, msg->uid, msg->uid);
	a->failed = a->x->sorted && sort_add(&a->x->list, msg,
	    a->run->score) == -1;
	return a->failed;
}

/* Asks x about batch; false if it cannot go on. */
static bool
ask_again(struct command *c, struct context *x, const struct store_set *batch)
{
	struct asking a = { .x = x };
	struct store_set removed = STORE_SET_INIT;
	size_t entry = x->list.n;
	enum store_err err;
	struct search_run run = { .c = c, .prog = &x->prog,
		.view = c->session->view, .only = batch,
		.order = x->sorted && x->criteria.header, .facts = x->sorted,
		.found = on_match, .ctx = &a };

	a.run = &run;
	search_run_begin(&run);
	while (search_run_step(&run, &err) == STEP_MORE)
		;
	search_run_release(&run);
	a.failed = a.failed || err != STORE_OK;
	if (!a.failed) {
		store_set_common(&x->found, batch, &removed);
		for (size_t i = 0; i < a.match.n; i++)
			store_set_remove(&removed, a.match.r[i].first,
			    a.match.r[i].last);
		tell_removed(c->session, x, &removed, &c->out);
		tell_added(c->session, x, &a.added, entry, &c->out);
		if (x->atts.n > 0)
			store_set_common(&a.added,
			    &c->session->contexts->arrived, &x->fetch);
	}
	store_set_release(&removed);
	store_set_release(&a.match);
	store_set_release(&a.added);
	return !a.failed;
}

/* Cuts the first few UIDs off set that the view has. */
static void
take_batch(const struct view *v, struct store_set *set,
    struct store_set *batch)
{
	size_t taken = 0;

	while (set->n > 0 && taken < BATCH) {
		uint32_t first = set->r[0].first, last = set->r[0].last;
		size_t i = view_lower(v, first);

		for (; i < v->n && v->uids[i] <= last && taken < BATCH; i++) {
			store_set_add(batch, v->uids[i], v->uids[i]);
			taken++;
		}
		if (i < v->n && v->uids[i] <= last)
			last = v->uids[i] - 1;
		store_set_remove(set, first, last);
	}
}

void
context_update(struct command *c)
{
	struct session *s = c->session;
	uint64_t end = now_mono_ms() + UPDATE_MS;

	while (context_is_behind(s) && now_mono_ms() < end) {
		struct store_set batch = STORE_SET_INIT;
		struct context *x, *failed = NULL;

		take_batch(s->view, &s->contexts->changed, &batch);
		LIST_EACH (x, &s->contexts->all, struct context, link)
			if (batch.n > 0 && !ask_again(c, x, &batch))
				failed = x;
		store_set_release(&batch);
		if (failed == NULL)
			continue;
		context_refused(c, failed->who.tag,
		    "The context cannot be updated any more");
		context_end(s, failed);
	}
	if (s->contexts != NULL && s->contexts->changed.n == 0)
		store_set_clear(&s->contexts->arrived);
}

struct store_set *
context_arrivals(struct session *s)
{
	return s->contexts != NULL ? &s->contexts->arrived : NULL;
}

static struct context *
first_fetch(const struct session *s)
{
	struct context *x;

	if (s->contexts == NULL)
		return NULL;
	LIST_EACH (x, &s->contexts->all, struct context, link)
		if (x->fetch.n > 0)
			return x;
	return NULL;
}

bool
context_has_fetch(const struct session *s)
{
	return first_fetch(s) != NULL;
}

void
context_take_fetch(struct session *s, struct buf *out)
{
	struct context *x = first_fetch(s);

	buf_adds(out, "UID FETCH ");
	store_set_format(&x->fetch, out);
	buf_addc(out, ' ');
	buf_add_slice(out, buf_slice(&x->atts));
	store_set_clear(&x->fetch);
}

struct store_set *
context_changes(struct session *s)
{
	return s->contexts != NULL ? &s->contexts->changed : NULL;
}

bool
context_is_behind(const struct session *s)
{
	return s->contexts != NULL && s->contexts->changed.n > 0;
}
