#include "services/deliver/folders.h"

#include <limits.h>

#include "core/file.h"
#include "core/log.h"
#include "store/store.h"

struct work {
	struct store *store;
	struct buf text;
};

static void
make_one(struct store *store, struct slice address)
{
	struct store_user *user;
	struct log_line l;
	enum store_err e = store_user_open(store, address, &user);
	struct buf path = BUF_INIT(PATH_MAX);

	if (e == STORE_OK) {
		/* The folder of scripts; the one of mail is around it. */
		buf_addf(&path, "%s/home", store_user_path(user));
		if (file_make_dirs(buf_str(&path), 0700) == -1)
			e = STORE_IO;
		store_user_close(user);
		buf_release(&path);
	}
	if (e == STORE_OK)
		return;
	log_begin(&l, LOG_WARN, "mail-folder");
	log_slice(&l, "user", address);
	log_str(&l, "error", e == STORE_IO ? strerror(errno) :
	    store_err_text(e));
	log_end(&l);
}

static void
make_all(void *arg)
{
	struct work *w = arg;
	struct slice rest = buf_slice(&w->text), address;

	while (slice_line(&rest, &address))
		make_one(w->store, address);
}

static void
made(void *arg)
{
	struct work *w = arg;

	buf_release(&w->text);
	mem_free(w);
}

void
folders_make(struct deliver *d, struct slice text)
{
	struct work *w = mem_zero(sizeof(*w));

	w->store = d->store;
	buf_init(&w->text, text.n);
	buf_add_slice(&w->text, text);
	loop_work(d->loop, make_all, made, w);
}
