/*
 * Intrusive doubly linked list. A struct list is both the head and the link
 * inside an element; list_init before use. An element is in one list per link.
 */
#ifndef CORE_LIST_H
#define CORE_LIST_H

#include "core/base.h"

struct list {
	struct list *next;
	struct list *prev;
};

static inline void
list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool
list_is_empty(const struct list *head)
{
	return head->next == head;
}

static inline void
list_insert_before(struct list *at, struct list *e)
{
	e->prev = at->prev;
	e->next = at;
	at->prev->next = e;
	at->prev = e;
}

static inline void
list_push(struct list *head, struct list *e) /* at the end */
{
	list_insert_before(head, e);
}

static inline void
list_push_front(struct list *head, struct list *e)
{
	list_insert_before(head->next, e);
}

/* Removing an element that is in no list (only initialised) is harmless. */
static inline void
list_remove(struct list *e)
{
	e->prev->next = e->next;
	e->next->prev = e->prev;
	list_init(e);
}

/* First element, or NULL. */
#define LIST_FIRST(head, type, member) \
	(list_is_empty(head) ? NULL : CONTAINER_OF((head)->next, type, member))

/* Visits every element; the body may remove the one it is at. */
#define LIST_EACH(it, head, type, member)                                      \
	for (struct list *it##_l = (head)->next, *it##_n;                      \
	     it##_n = it##_l->next,                                            \
	     (it) = CONTAINER_OF(it##_l, type, member), it##_l != (head);      \
	     it##_l = it##_n)

#endif
