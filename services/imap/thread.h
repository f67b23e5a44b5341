/*
 * THREAD (RFC 5256): ORDEREDSUBJECT, REFERENCES, and REFS (draft-ietf-morg-
 * inthread: REFERENCES without the merging by subject; threads in the order of
 * their newest INTERNALDATE). Message ids and subjects are kept as 64-bit
 * seeded hashes: about 80 bytes a message, and as many for an id that no message
 * has. All work is linear but for sorting; nothing recurses. No session in
 * here.
 */
#ifndef IMAP_THREAD_H
#define IMAP_THREAD_H

#include "core/buf.h"
#include "services/imap/parse.h"
#include "store/store.h"

enum thread_algorithm {
	THREAD_ORDEREDSUBJECT,
	THREAD_REFERENCES,
	THREAD_REFS,
};

int thread_parse(struct parser *p, enum thread_algorithm *out);

/* A message, or a dummy for an id that was only referred to. */
struct thread_node {
	uint64_t id;      /* hash; 0: none */
	uint64_t subject; /* hash of the base subject; 0: empty */
	int64_t date;     /* sent: the order of siblings */
	int64_t newest;   /* REFS: INTERNALDATE, later that of the thread */
	uint32_t uid;     /* 0: a dummy */
	/* Indices of nodes; 0 is none, and the parent of threads. */
	uint32_t parent;
	uint32_t child; /* first */
	uint32_t last;  /* child; while links are made: number of children */
	uint32_t next;  /* sibling */
	uint32_t up;    /* a short cut to some ancestor, or itself */
	bool reply;
};

/* Hashes to nodes, open addressing. */
struct thread_table {
	uint32_t *slots;
	size_t size;
	size_t used;
};

struct thread {
	enum thread_algorithm algorithm;
	struct thread_node *nodes;
	size_t n;
	size_t cap;
	size_t messages;
	struct thread_table ids;
	uint64_t steps; /* upwards, in search of loops */
	size_t stage;
};

void thread_init(struct thread *t, enum thread_algorithm algorithm);
void thread_release(struct thread *t);
/* Adds a message with its order, in ascending order of UIDs. */
void thread_add(struct thread *t, const struct store_message *msg);
/* Does a part of making the threads; false while there is more to do. */
bool thread_make(struct thread *t);

/* Appends "(2)(3 6 (4)(5))", in which number says how a UID is shown. */
void thread_write(const struct thread *t,
    uint32_t (*number)(void *arg, uint32_t uid), void *arg, struct buf *out);

#endif
