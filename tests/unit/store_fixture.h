/* A mail root in a temporary folder, and shorthand over the store. */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H

#include "check.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>

#include "core/file.h"
#include "core/log.h"
#include "core/num.h"
#include "store/store.h"

#define OK(call)                                                               \
	do {                                                                   \
		enum store_err err_ = (call);                                  \
		CHECK(err_ == STORE_OK, "%s", store_err_text(err_));           \
	} while (0)

struct fixture {
	char dir[64];
	struct store *store;
	struct store_user *user;
};

static inline void
fixture_open(struct fixture *f)
{
	struct store_config conf = { .mailroot = f->dir, .hostname = "mail",
		.boot_id = "boot-1" };
	const char *why;

	f->store = store_open_root(&conf, &why);
	OK(store_user_open(f->store, S("u@x.test"), &f->user));
}

static inline void
fixture_close(struct fixture *f)
{
	store_user_close(f->user);
	store_close_root(f->store);
}

static inline void
fixture_start(struct fixture *f)
{
	snprintf(f->dir, sizeof(f->dir), "/tmp/test-store-XXXXXX");
	CHECK(mkdtemp(f->dir) != NULL);
	log_init("test", LOG_ERROR);
	fixture_open(f);
}

static inline void
fixture_end(struct fixture *f)
{
	fixture_close(f);
	CHECK(file_remove_tree(f->dir) == 0);
}

/* Path below the user's root. */
static inline const char *
at(const struct fixture *f, const char *rest)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/x.test/u/%s", f->dir, rest);
	return path;
}

static inline void
put_file(const struct fixture *f, const char *rest, const char *text)
{
	int fd = open(at(f, rest), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd != -1, "%s", at(f, rest));
	CHECK(file_write_all(fd, text, strlen(text)) == 0);
	close(fd);
}

static inline struct store_mailbox *
box(struct fixture *f, const char *name)
{
	struct store_mailbox *m;

	OK(store_mailbox_open(f->user, slice_str(name), false, &m));
	return m;
}

/* Appends one message; returns its UID. */
static inline uint32_t
append(struct fixture *f, const char *name, const char *subject,
    unsigned flags, const char *keyword)
{
	struct slice k = slice_str(keyword);
	struct store_append_meta meta = { .flags = flags, .keywords = &k,
		.n_keywords = keyword != NULL, .internaldate = 1700000000 };
	struct store_appended done;
	struct store_append *a;
	char text[512];

	snprintf(text, sizeof(text), "Subject: %s\r\nFrom: a@b.test\r\n\r\n"
	    "line\r\n", subject);
	OK(store_append_begin(f->user, slice_str(name), true, &a));
	OK(store_append_data(a, slice_str(text)));
	OK(store_append_message(a, &meta));
	OK(store_append_commit(a, &done));
	return done.first_uid;
}

struct seen {
	struct buf text; /* "uid:flags(keywords) " per message */
	size_t n;
};

static inline int
see(void *ctx, const struct store_message *msg)
{
	struct seen *s = ctx;

	buf_addf(&s->text, "%u:%02x", msg->uid, msg->flags);
	for (size_t i = 0; i < msg->n_keywords; i++)
		buf_addf(&s->text, "%s%s", i == 0 ? "(" : ",",
		    msg->keywords[i]);
	buf_adds(&s->text, msg->n_keywords > 0 ? ") " : " ");
	s->n++;
	return 0;
}

/* All messages as text; the result is good until the next call. */
static inline const char *
messages(struct store_mailbox *m, uint64_t since)
{
	static char out[4096];
	struct store_walk w = { .since = since };
	struct seen s = { .text = BUF_INIT(4000) };
	struct seen again = { .text = BUF_INIT(4000) };

	OK(store_walk(m, &w, see, &s, NULL));
	/* The flags are kept twice. */
	w.flags_only = true;
	OK(store_walk(m, &w, see, &again, NULL));
	CHECK_SLICE(buf_slice(&again.text), buf_str(&s.text));
	buf_release(&again.text);
	snprintf(out, sizeof(out), "%s", buf_str(&s.text));
	buf_release(&s.text);
	return out;
}

static inline size_t
count_files(const struct fixture *f, const char *rest)
{
	DIR *d = opendir(at(f, rest));
	struct dirent *e;
	size_t n = 0;

	CHECK(d != NULL, "%s", rest);
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

#define CHECK_TEXT(got, want) CHECK_SLICE(slice_str(got), want)

#endif
