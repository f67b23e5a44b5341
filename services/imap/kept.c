#include "services/imap/kept.h"

#include "services/imap/session.h"

/* ---- life ----------------------------------------------------------------- */

struct kept *
kept_of(struct session *s)
{
	if (s->kept == NULL)
		s->kept = mem_zero(sizeof(*s->kept));
	return s->kept;
}

static void
drop_thread(struct kept *k)
{
	if (k->thread.nodes != NULL)
		thread_release(&k->thread);
	k->thread = (struct thread){ 0 };
	search_result_release(&k->threaded);
	k->threaded = (struct search_result){ 0 };
}

void
kept_forget(struct session *s)
{
	struct kept *k = s->kept;

	s->kept = NULL;
	if (k == NULL)
		return;
	sort_list_release(&k->keys);
	drop_thread(k);
	mem_free(k);
}

void
kept_after(struct command *c)
{
	struct session *s = c->session, *other;

	LIST_EACH (other, &s->user->sessions, struct session, user_link)
		if (other != s && !other->busy && other->cmd == NULL &&
		    other->kept != NULL)
			session_drop_cache(other);
	session_hold_cache(c);
}

/* ---- SORT ----------------------------------------------------------------- */

static bool
is_same(const struct sort_program *a, const struct sort_program *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].key != b->v[i].key ||
		    a->v[i].reverse != b->v[i].reverse)
			return false;
	return true;
}

static void
add_missing(const struct sort_list *keys, const struct search_result *found,
    struct store_set *missing)
{
	size_t at = 0;

	for (size_t i = 0; i < found->n; i++) {
		while (at < keys->n && keys->uids[at] < found->uids[i])
			at++;
		if (at == keys->n || keys->uids[at] != found->uids[i])
			store_set_add(missing, found->uids[i], found->uids[i]);
	}
}

void
kept_missing(struct kept *k, const struct sort_program *criteria,
    const struct search_result *found, struct store_set *missing)
{
	struct sort_list *keys = &k->keys;

	if (is_same(&k->criteria, criteria))
		add_missing(keys, found, missing);
	/* New ones can only go behind the others. */
	if (keys->prog == NULL || !is_same(&k->criteria, criteria) ||
	    (missing->n > 0 && keys->n > 0 &&
	    missing->r[0].first < keys->uids[keys->n - 1])) {
		sort_list_release(keys);
		k->criteria = *criteria;
		sort_list_init(keys, &k->criteria);
		store_set_clear(missing);
		add_missing(keys, found, missing);
	}
	if (missing->n > 0)
		sort_list_again(keys);
}

void
kept_order(const struct kept *k, struct search_result *found)
{
	const struct sort_list *keys = &k->keys;
	uint32_t *place = mem_array(keys->n + 1, sizeof(*place));
	uint32_t *order = mem_array(found->n + 1, sizeof(*order));
	size_t at = 0, n = 0;

	/* place: the index in found, plus one. */
	for (size_t i = 0; i < keys->n; i++) {
		while (at < found->n && found->uids[at] < keys->uids[i])
			at++;
		if (at < found->n && found->uids[at] == keys->uids[i])
			place[i] = (uint32_t)at + 1;
	}
	for (size_t i = 0; i < keys->n; i++)
		if (place[keys->order[i]] != 0)
			order[n++] = place[keys->order[i]] - 1;
	search_result_order(found, order, n);
	mem_free(place);
	mem_free(order);
}

/* ---- THREAD --------------------------------------------------------------- */

bool
kept_has_thread(const struct kept *k, enum thread_algorithm algorithm,
    const struct search_result *found)
{
	return k->thread.nodes != NULL && k->thread.algorithm == algorithm &&
	    k->threaded.n == found->n && (found->n == 0 ||
	    memcmp(k->threaded.uids, found->uids,
	    found->n * sizeof(*found->uids)) == 0);
}

void
kept_put_thread(struct kept *k, struct thread *thread,
    struct search_result *found)
{
	drop_thread(k);
	k->thread = *thread;
	k->threaded = *found;
	*thread = (struct thread){ 0 };
	*found = (struct search_result){ 0 };
}
