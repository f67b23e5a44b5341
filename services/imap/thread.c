/* Reading messages into nodes; thread_tree.c makes the trees. */
#include "services/imap/thread.h"

#include "core/map.h"
#include "services/imap/sort.h"
#include "services/imap/thread_internal.h"

/* Nodes that may be there beyond what the messages themselves justify. */
#define SOME_IDS 4096

int
thread_parse(struct parser *p, enum thread_algorithm *out)
{
	static const char *const names[] = {
		[THREAD_ORDEREDSUBJECT] = "ORDEREDSUBJECT",
		[THREAD_REFERENCES] = "REFERENCES",
		[THREAD_REFS] = "REFS",
	};
	struct slice name;

	if (parse_atom(p, &name) == -1)
		return -1;
	for (size_t i = 0; i < LEN(names); i++)
		if (slice_ieq(name, slice_str(names[i]))) {
			*out = (enum thread_algorithm)i;
			return 0;
		}
	return parse_fail(p, "Unknown threading algorithm");
}

void
thread_init(struct thread *t, enum thread_algorithm algorithm)
{
	*t = (struct thread){ .algorithm = algorithm };
	(void)thread_node_new(t); /* 0 */
}

void
thread_release(struct thread *t)
{
	mem_free(t->nodes);
	mem_free(t->ids.slots);
}

uint32_t
thread_node_new(struct thread *t)
{
	uint32_t n = (uint32_t)t->n;

	if (t->n == t->cap) {
		t->cap = t->cap < 64 ? 64 : t->cap + t->cap / 2;
		t->nodes = mem_grow(t->nodes, t->cap, sizeof(*t->nodes));
	}
	t->nodes[n] = (struct thread_node){ .up = n,
	    .newest = INT64_MIN };
	t->n++;
	return n;
}

/* ---- tables --------------------------------------------------------------- */

static uint64_t
hash_of(const struct thread *t, const struct thread_table *table, uint32_t n)
{
	return table == &t->ids ? t->nodes[n].id : t->nodes[n].subject;
}

static void
table_grow(const struct thread *t, struct thread_table *table)
{
	struct thread_table more = { .size = table->size > 0 ?
	    table->size * 2 : 256, .used = table->used };

	more.slots = mem_array(more.size, sizeof(*more.slots));
	for (size_t i = 0; i < table->size; i++) {
		uint32_t n = table->slots[i];
		size_t at = hash_of(t, table, n) & (more.size - 1);

		while (n != 0 && more.slots[at] != 0)
			at = (at + 1) & (more.size - 1);
		if (n != 0)
			more.slots[at] = n;
	}
	mem_free(table->slots);
	*table = more;
}

uint32_t *
thread_table_find(const struct thread *t, struct thread_table *table,
    uint64_t hash)
{
	size_t at;

	if (table->used >= table->size / 2)
		table_grow(t, table);
	at = hash & (table->size - 1);
	while (table->slots[at] != 0 &&
	    hash_of(t, table, table->slots[at]) != hash)
		at = (at + 1) & (table->size - 1);
	return &table->slots[at];
}

/* ---- messages ------------------------------------------------------------- */

/* Peers can choose what is in the header, but not where it is in our tables. */
static uint64_t
seeded(uint64_t hash)
{
	uint64_t h = map_hash(slice_of((const char *)&hash, sizeof(hash)));

	return h != 0 ? h : 1;
}

/* The node of an id, made if there is room for it; else 0. */
static uint32_t
node_of_id(struct thread *t, uint64_t id)
{
	uint32_t *slot = thread_table_find(t, &t->ids, id);
	uint32_t n = *slot;

	if (n != 0 || t->n > SOME_IDS + t->messages * LIMIT_IMAP_THREAD_IDS)
		return n;
	n = thread_node_new(t);
	t->nodes[n].id = id;
	*slot = n;
	t->ids.used++;
	return n;
}

/* The node of a message: of its id if no earlier message has it. */
static uint32_t
node_of_message(struct thread *t, uint64_t id)
{
	uint32_t n = id != 0 ? node_of_id(t, seeded(id)) : 0;

	return n != 0 && t->nodes[n].uid == 0 ? n : thread_node_new(t);
}

/* Step 1 of REFERENCES for message n. */
static void
link_message(struct thread *t, uint32_t n, const struct order *order)
{
	uint32_t last = 0;

	/* 1.A: each is the parent of the next, if that has none. */
	for (size_t i = 0; i < order->n_references; i++) {
		uint32_t next = node_of_id(t, seeded(order->references[i]));

		if (next == 0)
			continue;
		if (last != 0 && t->nodes[next].parent == 0)
			thread_link(t, last, next);
		last = next;
	}
	/* 1.B: the last is the message's parent, whatever others said. */
	thread_unlink(t, n);
	if (last != 0)
		thread_link(t, last, n);
}

void
thread_add(struct thread *t, const struct store_message *msg)
{
	struct order order;
	uint32_t n;

	if (order_read(&order, msg->order) == -1)
		order = (struct order){ 0 };
	t->messages++;
	n = t->algorithm == THREAD_ORDEREDSUBJECT ? thread_node_new(t) :
	    node_of_message(t, order.id);
	t->nodes[n].uid = msg->uid;
	t->nodes[n].date = sort_sent_date(msg, &order);
	t->nodes[n].newest = msg->internaldate;
	t->nodes[n].reply = order.reply;
	if (t->algorithm != THREAD_ORDEREDSUBJECT)
		link_message(t, n, &order);
	/* Messages without a subject are one thread only where all subjects
	 * are threads. */
	if (order.subject != 0 || t->algorithm == THREAD_ORDEREDSUBJECT)
		t->nodes[n].subject = seeded(order.subject);
}
