/* Results that wait for their message. See spf_kept.h. */
#include "services/dkim/spf_kept.h"

#define KEEP_MS 60000

struct kept {
	struct list link; /* the oldest first */
	uint64_t began;
	struct buf key;
	struct spf found[SPF_RESULTS_MAX];
	size_t n;
};

static void
put_key(const struct spf_check *c, struct buf *key)
{
	spf_ip_text(&c->ip, key);
	buf_addc(key, '\0');
	buf_add_slice(key, c->helo);
	buf_addc(key, '\0');
	buf_add_slice(key, c->sender);
}

static void
forget(struct dkim *d, struct kept *k)
{
	for (size_t i = 0; i < k->n; i++)
		spf_release(&k->found[i]);
	buf_release(&k->key);
	list_remove(&k->link);
	d->kept_count--;
	mem_free(k);
}

/* What is too old, and the oldest until at most max are left. */
static void
forget_old(struct dkim *d, uint64_t now, size_t max)
{
	struct kept *k;

	LIST_EACH(k, &d->kept, struct kept, link)
		if (d->kept_count > max || now - k->began > KEEP_MS)
			forget(d, k);
}

void
spf_kept_put(struct spf_work *w)
{
	struct dkim *d = w->dkim;
	struct kept *k;

	for (size_t i = 0; i < w->n; i++)
		if (w->parts[i].spf.result == SPF_TEMPERROR)
			return;
	forget_old(d, loop_now(d->loop), LIMIT_SPF_KEPT - 1);
	if (w->n == 0)
		return;
	k = mem_zero(sizeof(*k));
	list_init(&k->link);
	list_push(&d->kept, &k->link);
	d->kept_count++;
	buf_init(&k->key, 2 * LIMIT_SMTP_COMMAND + SOCKADDR_TEXT);
	put_key(&w->check, &k->key);
	k->began = w->began;
	k->n = w->n;
	for (size_t i = 0; i < w->n; i++)
		k->found[i] = w->parts[i].spf;
	w->n = 0;
}

bool
spf_kept_take(struct spf_work *w)
{
	struct dkim *d = w->dkim;
	struct buf key = BUF_INIT(2 * LIMIT_SMTP_COMMAND + SOCKADDR_TEXT);
	struct kept *k;

	forget_old(d, w->began, LIMIT_SPF_KEPT);
	put_key(&w->check, &key);
	LIST_EACH(k, &d->kept, struct kept, link) {
		if (w->n > 0 || !slice_eq(buf_slice(&key), buf_slice(&k->key)))
			continue;
		/* What found[] still has of its old check is not looked at
		 * again. */
		for (size_t i = 0; i < k->n; i++)
			w->parts[i] = (struct spf_part){ w, k->found[i] };
		w->n = k->n;
		w->began = k->began;
		k->n = 0;
		forget(d, k);
	}
	buf_release(&key);
	return w->n > 0;
}
