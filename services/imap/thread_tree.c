/*
 * The six steps of REFERENCES (RFC 5256 section 3) over the nodes that
 * thread.c made, and the other algorithms, which are parts of it.
 */
#include "services/imap/thread_internal.h"

/* Hostile mail could make each look for a loop a long way up. When so many
 * steps were made for each message, what is in doubt is not linked. */
#define STEPS_EACH 1000

/* ---- step 1 --------------------------------------------------------------- */

/* Only what has children can be above something. */
static bool
is_above(struct thread *t, uint32_t n, uint32_t below)
{
	if (n == below)
		return true;
	if (t->nodes[n].last == 0)
		return false;
	for (; below != 0; below = t->nodes[below].parent)
		if (below == n || t->steps++ > t->messages * STEPS_EACH)
			return true;
	return false;
}

void
thread_link(struct thread *t, uint32_t parent, uint32_t child)
{
	if (is_above(t, child, parent))
		return;
	t->nodes[child].parent = parent;
	t->nodes[parent].last++;
}

void
thread_unlink(struct thread *t, uint32_t child)
{
	struct thread_node *c = &t->nodes[child];

	if (c->parent != 0)
		t->nodes[c->parent].last--;
	c->parent = 0;
}

/* ---- steps 2 and 3 -------------------------------------------------------- */

/* The message that a chain of dummies hangs on, or the highest dummy. */
static uint32_t
above_dummies(struct thread *t, uint32_t n)
{
	struct thread_node *v = t->nodes;

	while (v[n].uid == 0 && v[n].up != n) {
		if (v[v[n].up].uid == 0)
			v[n].up = v[v[n].up].up;
		n = v[n].up;
	}
	return n;
}

/*
 * Dummies go, their children take their places; only as the head of a thread
 * with several children one stays.
 */
static void
prune(struct thread *t)
{
	struct thread_node *v = t->nodes;

	for (uint32_t n = 1; n < t->n; n++) {
		v[n].up = v[n].parent != 0 ? v[n].parent : n;
		v[n].last = 0;
	}
	for (uint32_t n = 1; n < t->n; n++)
		if (v[n].uid != 0 && v[n].parent != 0)
			v[n].parent = above_dummies(t, v[n].parent);
	/* Counts the children again; one alone is promoted. */
	for (uint32_t n = 1; n < t->n; n++)
		if (v[n].uid != 0)
			v[v[n].parent].last++;
	for (uint32_t n = 1; n < t->n; n++) {
		uint32_t p = v[n].parent;

		if (v[n].uid != 0 && p != 0 && v[p].uid == 0 && v[p].last == 1)
			v[n].parent = 0;
		else if (v[n].uid == 0)
			v[n].parent = 0;
	}
}

/* ---- steps 4 and 6 -------------------------------------------------------- */

struct place {
	int64_t date;
	uint32_t uid;
	uint32_t node;
};

/* RFC 5256 section 2.2: equal dates keep the order of the mailbox. */
static int
place_order(const void *pa, const void *pb)
{
	const struct place *a = pa, *b = pb;

	if (a->date != b->date)
		return a->date < b->date ? -1 : 1;
	return (a->uid > b->uid) - (a->uid < b->uid);
}

/* A dummy is ordered by the first of its children; places is all zero. */
static void
place_dummies(const struct thread *t, struct place *places)
{
	for (uint32_t n = 1; n < t->n; n++) {
		const struct thread_node *v = &t->nodes[n];
		struct place own = { v->date, v->uid, v->parent };
		struct place *p = &places[v->parent];

		if (v->uid == 0 || v->parent == 0 ||
		    t->nodes[v->parent].uid != 0)
			continue;
		if (p->uid == 0 || place_order(&own, p) < 0)
			*p = own;
	}
}

/* Lists of children, each in its order. Dummies without any are left out. */
static void
order_children(struct thread *t)
{
	struct place *places = mem_array(t->n, sizeof(*places));
	struct thread_node *v = t->nodes;
	size_t n_places = 0;

	place_dummies(t, places);
	for (uint32_t n = 0; n < t->n; n++) {
		struct place own = places[n];

		v[n].child = v[n].last = v[n].next = 0;
		if (v[n].uid != 0)
			own = (struct place){ v[n].date, v[n].uid, n };
		if (t->algorithm == THREAD_REFS && v[n].parent == 0)
			own.date = v[n].newest;
		if (own.uid != 0)
			places[n_places++] = own;
	}
	qsort(places, n_places, sizeof(*places), place_order);
	for (size_t i = 0; i < n_places; i++) {
		uint32_t n = places[i].node;
		struct thread_node *p = &v[v[n].parent];

		if (p->last != 0)
			v[p->last].next = n;
		else
			p->child = n;
		p->last = n;
	}
	mem_free(places);
}

/* ---- step 5 --------------------------------------------------------------- */

/* 5.B: which message of a subject the others join. */
static void
choose(struct thread *t, struct thread_table *table, uint32_t n)
{
	struct thread_node *v = t->nodes;
	uint32_t *slot = thread_table_find(t, table, v[n].subject);
	uint32_t old = *slot;

	if (old == 0) {
		*slot = n;
		table->used++;
	} else if (v[old].uid != 0 &&
	    (v[n].uid == 0 || (v[old].reply && !v[n].reply))) {
		*slot = n;
	}
}

/* 5.C: joins thread n to the one that was chosen. */
static void
join(struct thread *t, struct thread_table *table, uint32_t n)
{
	uint32_t *slot = thread_table_find(t, table, t->nodes[n].subject);
	uint32_t into = *slot, dummy;
	struct thread_node *v = t->nodes;

	if (into == n)
		return;
	if (v[n].uid == 0) {
		for (uint32_t c = v[n].child; c != 0; c = v[c].next)
			v[c].parent = into;
	} else if (v[into].uid == 0 || (v[n].reply && !v[into].reply)) {
		v[n].parent = into;
	} else {
		dummy = thread_node_new(t);
		v = t->nodes;
		v[dummy].subject = v[n].subject;
		v[n].parent = v[into].parent = dummy;
		*slot = dummy;
	}
}

static void
join_subjects(struct thread *t)
{
	struct thread_table table = { 0 };
	struct thread_node *v = t->nodes;
	uint32_t next;

	for (uint32_t n = v[0].child; n != 0; n = v[n].next) {
		/* 5.B.i: a dummy's subject is that of its first child. */
		if (v[n].uid == 0)
			v[n].subject = v[v[n].child].subject;
		if (v[n].subject != 0)
			choose(t, &table, n);
	}
	for (uint32_t n = v[0].child; n != 0; n = next) {
		next = t->nodes[n].next;
		if (t->nodes[n].subject != 0)
			join(t, &table, n);
	}
	mem_free(table.slots);
}

/* ---- the other algorithms ------------------------------------------------- */

/* ORDEREDSUBJECT: the first of a subject is the parent of the others. */
static void
group_subjects(struct thread *t)
{
	struct thread_table table = { 0 };
	struct thread_node *v = t->nodes;

	for (uint32_t n = v[0].child; n != 0; n = v[n].next) {
		uint32_t *slot = thread_table_find(t, &table, v[n].subject);

		v[n].parent = *slot;
		if (*slot == 0) {
			*slot = n;
			table.used++;
		}
	}
	mem_free(table.slots);
}

/* The head of n's tree; shortens the way there. */
static uint32_t
head_of(struct thread *t, uint32_t n)
{
	struct thread_node *v = t->nodes;

	while (v[n].up != n) {
		v[n].up = v[v[n].up].up;
		n = v[n].up;
	}
	return n;
}

/* REFS: threads are ordered by the INTERNALDATE of their newest message. */
static void
date_threads(struct thread *t)
{
	struct thread_node *v = t->nodes;

	for (uint32_t n = 1; n < t->n; n++)
		v[n].up = v[n].parent != 0 ? v[n].parent : n;
	for (uint32_t n = 1; n < t->n; n++) {
		uint32_t head = head_of(t, n);

		if (v[n].newest > v[head].newest)
			v[head].newest = v[n].newest;
	}
}

typedef void stage_fn(struct thread *t);

static stage_fn *const stages[][5] = {
	[THREAD_ORDEREDSUBJECT] = { order_children, group_subjects,
	    order_children },
	[THREAD_REFERENCES] = { prune, order_children, join_subjects,
	    order_children },
	[THREAD_REFS] = { prune, date_threads, order_children },
};

bool
thread_make(struct thread *t)
{
	stage_fn *const *all = stages[t->algorithm];

	if (all[t->stage] != NULL)
		all[t->stage++](t);
	return all[t->stage] == NULL;
}

/* ---- the response --------------------------------------------------------- */

/* True if n has parentheses of its own: it begins a thread or a branch. */
static bool
is_branch(const struct thread *t, uint32_t n)
{
	uint32_t p = t->nodes[n].parent;

	return p == 0 || t->nodes[p].child != t->nodes[p].last;
}

/* Ends what ends with leaf n; the node to go on with, or 0. */
static uint32_t
close_branches(const struct thread *t, uint32_t n, struct buf *out)
{
	const struct thread_node *v = t->nodes;

	for (; n != 0; n = v[n].parent) {
		if (is_branch(t, n))
			buf_addc(out, ')');
		if (v[n].next != 0)
			return v[n].next;
	}
	return 0;
}

void
thread_write(const struct thread *t,
    uint32_t (*number)(void *arg, uint32_t uid), void *arg, struct buf *out)
{
	const struct thread_node *v = t->nodes;
	uint32_t n = v[0].child;

	while (n != 0) {
		if (is_branch(t, n))
			buf_addc(out, '(');
		if (v[n].uid != 0)
			buf_addu(out, number(arg, v[n].uid));
		if (v[n].child == 0) {
			n = close_branches(t, n, out);
			continue;
		}
		if (v[n].uid != 0)
			buf_addc(out, ' ');
		n = v[n].child;
	}
}
