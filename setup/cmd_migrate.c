#include "setup/commands.h"

#include <sys/stat.h>

#include <dirent.h>
#include <limits.h>

#include "setup/control.h"
#include "setup/owner.h"
#include "setup/usage.h"
#include "store/migrate.h"

/* ---- users --------------------------------------------------------------- */

typedef int migrate_user_fn(struct setup *s, const char *address,
    const char *root);

static bool
is_mail(const char *root)
{
	static const char *const signs[] = { "cur", "mailboxes", "storage" };
	char path[PATH_MAX];
	struct stat st;

	for (size_t i = 0; i < LEN(signs); i++)
		if (snprintf(path, sizeof(path), "%s/%s", root, signs[i]) <
		    (int)sizeof(path) && stat(path, &st) == 0 &&
		    S_ISDIR(st.st_mode))
			return true;
	return false;
}

static int
each_in_domain(struct setup *s, const char *domain, migrate_user_fn *fn,
    unsigned *found)
{
	char path[PATH_MAX], root[PATH_MAX], address[PATH_MAX];
	struct dirent *e;
	int status = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/%s", s->conf.mail_dir, domain);
	d = opendir(path);
	while (d != NULL && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' || snprintf(root, sizeof(root),
		    "%s/%s", path, e->d_name) >= (int)sizeof(root) ||
		    !is_mail(root))
			continue;
		snprintf(address, sizeof(address), "%s@%s", e->d_name, domain);
		(*found)++;
		status |= fn(s, address, root);
	}
	if (d != NULL)
		closedir(d);
	return status;
}

/* fn for each user that has mail; the statuses together. */
static int
each_user(struct setup *s, migrate_user_fn *fn)
{
	DIR *d = opendir(s->conf.mail_dir);
	unsigned found = 0;
	struct dirent *e;
	int status = 0;

	if (d == NULL)
		return say_abort(s, "%s: %s", s->conf.mail_dir,
		    strerror(errno));
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			status |= each_in_domain(s, e->d_name, fn, &found);
	closedir(d);
	if (found == 0)
		say(s, LOG_INFO, "%s holds no mail", s->conf.mail_dir);
	return status;
}

static int
each_named(struct setup *s, int argc, char **argv, migrate_user_fn *fn)
{
	char root[PATH_MAX];
	int status = 0;

	if (argc == 0)
		return each_user(s, fn);
	for (int i = 0; i < argc; i++) {
		const char *at = strrchr(argv[i], '@');

		if (at == NULL || strchr(argv[i], '/') != NULL ||
		    argv[i][0] == '.' || at[1] == '.')
			return say_abort(s, "'%s' is not an address", argv[i]);
		if (snprintf(root, sizeof(root), "%s/%s/%.*s",
		    s->conf.mail_dir, at + 1, (int)(at - argv[i]), argv[i]) >=
		    (int)sizeof(root) || !is_mail(root))
			return say_abort(s, "'%s' has no mail", argv[i]);
		status |= fn(s, argv[i], root);
	}
	return status;
}

/* ---- check --------------------------------------------------------------- */

static void
tell(unsigned n, const char *what, bool *bad)
{
	if (n == 0)
		return;
	printf("      %u %s\n", n, what);
	*bad = true;
}

static void
show_folder(void *ctx, const struct migrate_folder *f)
{
	struct buf size = BUF_INIT(64);
	bool *bad = ctx, fine = false;

	usage_format(f->bytes, &size);
	printf("    %-30s %u messages (%s), %u keep their UIDs, %u keywords%s\n",
	    f->name, f->messages, buf_str(&size), f->with_uid, f->keywords,
	    f->ours ? ", taken over already" : "");
	buf_release(&size);
	if (f->why != NULL) {
		printf("      %s: NOT taken over\n", f->why);
		*bad = true;
	}
	if (!f->ours && f->uidvalidity == 0 && f->messages > 0)
		tell(f->messages, "messages have no UIDs here: clients will "
		    "download them again", bad);
	else if (f->messages > f->with_uid)
		tell(f->messages - f->with_uid,
		    "messages are new and will get UIDs", &fine);
	tell(f->compressed, "messages are compressed and stay so", &fine);
	tell(f->encrypted, "messages are encrypted and CANNOT be read", bad);
	tell(f->unsupported, "messages are compressed with bzip2, lz4 or xz "
	    "and CANNOT be read", bad);
	tell(f->unreadable, "messages may not be read", bad);
	tell(f->damaged_lines, "lines of dovecot-uidlist are damaged and are "
	    "passed over", bad);
	tell(f->nameless_letters, "keywords of messages have lost their "
	    "names and are dropped", bad);
	if (f->keywords >= 26)
		puts("      all 26 letters for keywords are taken: keywords "
		    "beyond them, which only\n      dovecot.index knows, are "
		    "lost");
	tell(f->odd, "links, folders or other things are no messages and are "
	    "left alone", bad);
}

static int
check_user(struct setup *s, const char *address, const char *root)
{
	struct migrate_user u;
	bool bad = false;

	printf("%s\n", address);
	if (migrate_check(root, show_folder, &bad, &u) == -1)
		return say_abort(s, "%s: %s", root, strerror(errno));
	if (u.subscriptions > 0)
		printf("    %u subscriptions\n", u.subscriptions);
	if (u.dbox) {
		puts("    mail in Dovecot's dbox format is NOT read: convert "
		    "it with doveadm first");
		bad = true;
	}
	if (u.bad_names > 0) {
		printf("    %u folders have names that are not valid and are "
		    "left alone\n", u.bad_names);
		bad = true;
	}
	return bad ? 1 : 0;
}

int
cmd_migrate_check(struct setup *s, int argc, char **argv)
{
	return each_named(s, argc, argv, check_user);
}

/* ---- back ---------------------------------------------------------------- */

/* In the child that owner_run makes. */
static int
back_in_child(struct owner *o, void *ctx)
{
	struct migrate_back done = { 0 };
	const char *address = ctx;
	struct store_user *u = NULL;
	enum store_err err;

	err = store_user_open(o->store, slice_str(address), &u);
	if (err == STORE_OK)
		err = migrate_back(u, &done);
	store_user_close(u);
	if (err != STORE_OK)
		return say_abort(o->setup, "%s: %s", address,
		    store_err_text(err));
	printf("%s: %u folders, %u messages\n", address, done.folders,
	    done.messages);
	if (done.keywords_lost > 0)
		printf("    %u messages have keywords beyond the 26 that "
		    "Dovecot keeps in file names\n", done.keywords_lost);
	return 0;
}

static int
back_user(struct setup *s, const char *address, const char *root UNUSED)
{
	return owner_run(s, NULL, false, back_in_child,
	    (void *)(uintptr_t)address);
}

int
cmd_migrate_back(struct setup *s, int argc, char **argv)
{
	if (control_answers(s))
		return say_abort(s, "the mail server is running, stop it first");
	return each_named(s, argc, argv, back_user);
}
