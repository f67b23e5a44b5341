/* inotify watches on open folders. */
#include "store/notify.h"

#include <sys/inotify.h>

#include <limits.h>

#include "core/list.h"
#include "core/map.h"
#include "store/mailbox.h"

/* A directory the kernel watches for us, shared by watches of mailboxes. */
struct watched {
	char *path;
	int wd;
	bool is_root;   /* not everything counts there */
	struct list links; /* of struct link */
};

/* One mailbox's interest in one directory. */
struct link {
	struct list of_dir;
	struct store_watch *watch;
	struct watched *dir;
};

struct store_watch {
	struct list all;
	struct link links[3]; /* root, new, cur */
	struct list hit; /* in hits, when its mailbox may have changed */
	void *ctx;
};

struct store_notify {
	int fd;
	struct idmap by_wd;
	struct map by_path;
	struct list watches;
	struct list hits;
};

#define DIR_MASK (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |        \
	IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define ROOT_MASK (IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM |       \
	IN_DELETE | IN_ONLYDIR)

struct store_notify *
store_notify_new(void)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	struct store_notify *n;

	if (fd == -1)
		return NULL;
	n = mem_zero(sizeof(*n));
	n->fd = fd;
	idmap_init(&n->by_wd);
	map_init(&n->by_path);
	list_init(&n->watches);
	list_init(&n->hits);
	return n;
}

void
store_notify_free(struct store_notify *n)
{
	struct store_watch *w;

	if (n == NULL)
		return;
	while ((w = LIST_FIRST(&n->watches, struct store_watch, all)) != NULL)
		store_notify_unwatch(n, w);
	idmap_release(&n->by_wd);
	map_release(&n->by_path, NULL);
	close(n->fd);
	mem_free(n);
}

int
store_notify_fd(const struct store_notify *n)
{
	return n->fd;
}

static void
forget_dir(struct store_notify *n, struct watched *d, bool in_kernel)
{
	if (d->wd != -1) {
		idmap_remove(&n->by_wd, (uint64_t)d->wd);
		if (in_kernel)
			inotify_rm_watch(n->fd, d->wd);
	}
	d->wd = -1;
	if (!list_is_empty(&d->links))
		return;
	if (map_get(&n->by_path, slice_str(d->path)) == d)
		map_remove(&n->by_path, slice_str(d->path));
	mem_free(d->path);
	mem_free(d);
}

/* NULL with errno. path is taken over. */
static struct watched *
watch_dir(struct store_notify *n, char *path, bool is_root)
{
	struct watched *d = map_get(&n->by_path, slice_str(path)), *old;
	int wd;

	if (d != NULL && d->wd != -1) {
		mem_free(path);
		return d;
	}
	wd = inotify_add_watch(n->fd, path, is_root ? ROOT_MASK : DIR_MASK);
	if (wd == -1) {
		mem_free(path);
		return NULL;
	}
	/* The directory was renamed: the kernel knows it under its old name. */
	old = idmap_remove(&n->by_wd, (uint64_t)wd);
	if (old != NULL)
		old->wd = -1;
	d = mem_zero(sizeof(*d));
	d->path = path;
	d->wd = wd;
	d->is_root = is_root;
	list_init(&d->links);
	idmap_put(&n->by_wd, (uint64_t)wd, d);
	map_put(&n->by_path, slice_str(path), d);
	return d;
}

/* The directories from..to of subs. */
static struct store_watch *
watch(struct store_notify *n, const char *root, struct slice name, size_t from,
    size_t to, void *ctx)
{
	static const char *const subs[] = { "", "/new", "/cur" };
	struct store_watch *w = mem_zero(sizeof(*w));

	w->ctx = ctx;
	list_init(&w->all);
	list_init(&w->hit);
	for (size_t i = from; i < to; i++) {
		struct buf path = BUF_INIT(PATH_MAX);
		struct link *l = &w->links[i];

		list_init(&l->of_dir);
		l->watch = w;
		if (i == 0)
			buf_adds(&path, root);
		else
			maildir_dir(&path, root, name);
		buf_adds(&path, subs[i]);
		l->dir = watch_dir(n, buf_take(&path), i == 0);
		if (l->dir == NULL) {
			int saved = errno;

			store_notify_unwatch(n, w);
			errno = saved;
			return NULL;
		}
		list_push(&l->dir->links, &l->of_dir);
	}
	list_push(&n->watches, &w->all);
	return w;
}

struct store_watch *
store_notify_watch(struct store_notify *n, const struct store_mailbox *m,
    void *ctx)
{
	return watch(n, m->user->root, slice_str(m->name), 0, 3, ctx);
}

struct store_watch *
store_notify_watch_folder(struct store_notify *n, const struct store_user *u,
    struct slice name, void *ctx)
{
	return watch(n, u->root, name, 1, 3, ctx);
}

struct store_watch *
store_notify_watch_root(struct store_notify *n, const struct store_user *u,
    void *ctx)
{
	return watch(n, u->root, S(""), 0, 1, ctx);
}

void
store_notify_unwatch(struct store_notify *n, struct store_watch *w)
{
	for (size_t i = 0; i < LEN(w->links); i++) {
		struct link *l = &w->links[i];

		if (l->dir == NULL)
			continue;
		list_remove(&l->of_dir);
		if (list_is_empty(&l->dir->links))
			forget_dir(n, l->dir, true);
	}
	list_remove(&w->all);
	list_remove(&w->hit);
	mem_free(w);
}

static void
hit(struct store_notify *n, struct store_watch *w)
{
	if (list_is_empty(&w->hit))
		list_push(&n->hits, &w->hit);
}

static void
hit_dir(struct store_notify *n, struct watched *d)
{
	struct link *l;

	LIST_EACH(l, &d->links, struct link, of_dir)
		hit(n, l->watch);
}

/* In the root: the index, a folder, the subscriptions. */
static bool
is_of_interest(const char *name)
{
	return strcmp(name, INDEX_FILE "-wal") == 0 || name[0] == '.' ||
	    strcmp(name, "subscriptions") == 0;
}

static void
event(struct store_notify *n, const struct inotify_event *e)
{
	struct watched *d;
	struct store_watch *w;

	if (e->mask & IN_Q_OVERFLOW) {
		LIST_EACH(w, &n->watches, struct store_watch, all)
			hit(n, w);
		return;
	}
	d = idmap_get(&n->by_wd, (uint64_t)e->wd);
	if (d == NULL)
		return;
	if (e->mask & IN_IGNORED) {
		hit_dir(n, d);
		forget_dir(n, d, false);
		return;
	}
	if (d->is_root && (e->len == 0 || !is_of_interest(e->name)))
		return;
	hit_dir(n, d);
}

int
store_notify_read(struct store_notify *n, void (*fn)(void *ctx))
{
	char room[8192]
	    __attribute__((aligned(__alignof__(struct inotify_event))));
	struct store_watch *w;
	ssize_t got;

	for (;;) {
		got = read(n->fd, room, sizeof(room));
		if (got == -1 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		for (char *p = room; p < room + got;) {
			struct inotify_event *e = (void *)p;

			event(n, e);
			p += sizeof(*e) + e->len;
		}
	}
	if (got == -1 && errno != EAGAIN)
		return -1;
	/* fn may unwatch any of them. */
	while ((w = LIST_FIRST(&n->hits, struct store_watch, hit)) != NULL) {
		list_remove(&w->hit);
		fn(w->ctx);
	}
	return 0;
}
