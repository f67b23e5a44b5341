/* setup mailbox: the mailboxes of an account, beside the running stack or
 * without it. */
#include "setup/mailbox.h"

#include "conf/conf_accounts.h"
#include "core/file.h"
#include "core/now.h"
#include "mail/mutf7.h"
#include "setup/commands.h"
#include "setup/table.h"
#include "setup/usage.h"
#include "store/finder.h"

/* ---- what all share ------------------------------------------------------ */

static int
run_job(struct owner *o, void *ctx)
{
	struct mailbox_job *j = ctx;
	struct store_user *u;
	enum store_err err = store_user_open(o->store, buf_slice(&j->address),
	    &u);
	int status;

	if (err != STORE_OK)
		return mailbox_failed(j->setup, buf_str(&j->address), err);
	status = j->run(j, o, u);
	store_user_close(u);
	return status;
}

/* An account, or mail of one that was deleted without its mail. */
static bool
exists(const struct setup *s, struct slice address)
{
	struct owner o = { .mail_dir = s->conf.mail_dir };
	struct buf path = BUF_INIT(8192);
	struct table t;
	struct slice line;
	bool r = table_open(s, &t, CONF_ACCOUNTS_FILE, false) == 0 &&
	    table_find(&t, address, "|", &line);

	table_close(&t);
	owner_path(&o, address, &path);
	r = r || file_exists(buf_str(&path));
	buf_release(&path);
	return r;
}

int
mailbox_run(struct mailbox_job *j, const char *address, const char *outside,
    bool write)
{
	const struct setup *s = j->setup;
	int status = 1;

	if (account_check(s, address) == -1)
		return 1;
	buf_init(&j->address, LIMIT_ADDRESS);
	for (const char *p = address; *p != '\0'; p++)
		buf_addc(&j->address, ascii_lower(*p));
	if (!buf_ok(&j->address) || !conf_is_mailbox(buf_slice(&j->address)) ||
	    !exists(s, buf_slice(&j->address)))
		say_abort(s, "'%s' does not exist", address);
	else
		status = owner_run(s, outside, write, run_job, j);
	buf_release(&j->address);
	return status;
}

int
mailbox_wire_name(const struct setup *s, const char *name, struct buf *out)
{
	if (mutf7_encode(out, slice_str(name)) == 0 && buf_ok(out) &&
	    store_name_is_valid(slice_ieq(buf_slice(out), S("INBOX")) ?
	    S("INBOX") : buf_slice(out)))
		return 0;
	say_abort(s, "'%s' cannot be the name of a mailbox", name);
	return -1;
}

void
mailbox_shown_name(const char *wire, struct buf *out)
{
	size_t before = out->n;
	const char *why;

	if (mutf7_decode(out, slice_str(wire), &why) == -1) {
		buf_truncate(out, before);
		buf_adds(out, wire);
	}
}

int
mailbox_failed(const struct setup *s, const char *what, enum store_err err)
{
	return say_abort(s, "%s: %s", what, store_err_text(err));
}

void
progress_init(struct progress *p)
{
	*p = (struct progress){ .on = isatty(STDERR_FILENO) == 1 };
}

void
progress_show(struct progress *p, const char *what, uint64_t done,
    uint64_t all)
{
	uint64_t now = now_mono_ms();

	if (!p->on || (p->shown_ms != 0 && now - p->shown_ms < 200))
		return;
	p->shown_ms = now;
	if (all > 0)
		fprintf(stderr, "\r\033[K%s: %llu of %llu", what,
		    (unsigned long long)done, (unsigned long long)all);
	else
		fprintf(stderr, "\r\033[K%s: %llu", what,
		    (unsigned long long)done);
	fflush(stderr);
}

void
progress_end(struct progress *p)
{
	if (p->on && p->shown_ms != 0)
		fputs("\r\033[K", stderr);
	p->shown_ms = 0;
}

/* ---- list, status -------------------------------------------------------- */

static int
list(struct mailbox_job *j, struct owner *o UNUSED, struct store_user *u)
{
	struct store_list all;
	enum store_err err = store_list(u, &all);
	int status = 0;

	if (err != STORE_OK)
		return mailbox_failed(j->setup, buf_str(&j->address), err);
	for (size_t i = 0; i < all.n; i++) {
		const struct store_list_entry *e = &all.entries[i];
		struct buf name = BUF_INIT(2 * LIMIT_MAILBOX_NAME);
		struct buf size = BUF_INIT(64);
		struct store_status st = { 0 };

		mailbox_shown_name(e->name, &name);
		if (e->attributes & (STORE_NOSELECT | STORE_VIRTUAL)) {
			printf("* %s (%s)\n", buf_str(&name),
			    e->attributes & STORE_NOSELECT ? "no mailbox" :
			    "not made yet");
		} else if ((err = store_status(u, slice_str(e->name), &st)) ==
		    STORE_OK) {
			usage_format(st.size, &size);
			printf("* %s: %u messages, %u unseen, %s%s%s\n",
			    buf_str(&name), st.messages, st.unseen,
			    buf_str(&size), e->special_use != NULL ? ", " : "",
			    e->special_use != NULL ? e->special_use : "");
		} else {
			status = mailbox_failed(j->setup, buf_str(&name), err);
		}
		buf_release(&name);
		buf_release(&size);
	}
	store_list_release(&all);
	return status;
}

int
cmd_mailbox_list(struct setup *s, int argc, char **argv)
{
	struct mailbox_job j = { .setup = s, .run = list };

	return argc != 1 ? say_usage(s, 1) :
	    mailbox_run(&j, argv[0], NULL, false);
}

/* How far the search index is, if there is one. */
static void
show_index(struct store_user *u, const char *wire)
{
	struct store_gathered gathered = { .none = true };
	struct store_mailbox *m;

	if (store_mailbox_open(u, slice_str(wire), false, &m) != STORE_OK)
		return;
	if (store_gathered(m, &gathered) == STORE_OK && !gathered.none)
		printf("    in the search index %llu\n",
		    (unsigned long long)gathered.indexed);
	store_mailbox_close(m);
}

static int
show(struct mailbox_job *j, struct store_user *u, const char *wire)
{
	struct buf name = BUF_INIT(2 * LIMIT_MAILBOX_NAME);
	struct store_status st;
	enum store_err err = store_status(u, slice_str(wire), &st);
	int status = 0;

	mailbox_shown_name(wire, &name);
	if (err != STORE_OK)
		status = mailbox_failed(j->setup, buf_str(&name), err);
	else
		printf("* %s\n    messages %u, recent %u, unseen %u, "
		    "deleted %u\n    bytes %llu\n    uidvalidity %u, "
		    "uidnext %u\n    highestmodseq %llu\n    mailboxid %s\n",
		    buf_str(&name), st.messages, st.recent, st.unseen,
		    st.deleted, (unsigned long long)st.size, st.uidvalidity,
		    st.uidnext, (unsigned long long)st.highestmodseq, st.guid);
	if (err == STORE_OK) {
		show_index(u, wire);
		printf("\n");
	}
	buf_release(&name);
	return status;
}

int
mailbox_existing(struct mailbox_job *j, struct store_user *u, const char *given,
    struct buf *wire)
{
	struct store_list all;
	enum store_err err;
	bool found = false;

	if (mailbox_wire_name(j->setup, given, wire) == -1)
		return -1;
	err = store_list(u, &all);
	if (err != STORE_OK) {
		mailbox_failed(j->setup, given, err);
		return -1;
	}
	for (size_t i = 0; i < all.n && !found; i++)
		found = (all.entries[i].attributes & (STORE_NOSELECT |
		    STORE_VIRTUAL)) == 0 &&
		    (slice_eq(buf_slice(wire), slice_str(all.entries[i].name)) ||
		    (i == 0 && slice_ieq(buf_slice(wire), S("INBOX"))));
	store_list_release(&all);
	if (!found)
		mailbox_failed(j->setup, given, STORE_NO_MAILBOX);
	return found ? 0 : -1;
}

int
mailbox_each(struct mailbox_job *j, struct store_user *u, mailbox_fn *fn)
{
	struct store_list all;
	enum store_err err = store_list(u, &all);
	int status = 0;

	if (err != STORE_OK)
		return mailbox_failed(j->setup, buf_str(&j->address), err);
	for (size_t i = 0; i < all.n; i++)
		if ((all.entries[i].attributes & (STORE_NOSELECT |
		    STORE_VIRTUAL)) == 0)
			status |= fn(j, u, all.entries[i].name);
	store_list_release(&all);
	return status;
}

static int
status(struct mailbox_job *j, struct owner *o UNUSED, struct store_user *u)
{
	int r = 0;

	if (j->n == 0)
		return mailbox_each(j, u, show);
	for (int i = 0; i < j->n; i++) {
		struct buf wire = BUF_INIT(LIMIT_MAILBOX_NAME);

		r |= mailbox_existing(j, u, j->names[i], &wire) == -1 ? 1 :
		    show(j, u, buf_str(&wire));
		buf_release(&wire);
	}
	return r;
}

int
cmd_mailbox_status(struct setup *s, int argc, char **argv)
{
	struct mailbox_job j = { .setup = s, .names = argv + 1, .n = argc - 1,
		.run = status };

	return argc < 1 ? say_usage(s, 1) :
	    mailbox_run(&j, argv[0], NULL, false);
}

/* ---- create, rename, delete ---------------------------------------------- */

static int
create(struct mailbox_job *j, struct owner *o UNUSED, struct store_user *u)
{
	struct buf wire = BUF_INIT(LIMIT_MAILBOX_NAME);
	enum store_err err;
	int r = 1;

	if (mailbox_wire_name(j->setup, j->names[0], &wire) == 0) {
		err = store_create(u, buf_slice(&wire), NULL);
		if (err == STORE_OK)
			err = store_subscribe(u, buf_slice(&wire));
		r = err == STORE_OK ? 0 :
		    mailbox_failed(j->setup, j->names[0], err);
	}
	buf_release(&wire);
	return r;
}

int
cmd_mailbox_create(struct setup *s, int argc, char **argv)
{
	struct mailbox_job j = { .setup = s, .names = argv + 1, .n = argc - 1,
		.run = create };

	return argc != 2 ? say_usage(s, 1) :
	    mailbox_run(&j, argv[0], NULL, false);
}

static int
rename_it(struct mailbox_job *j, struct owner *o UNUSED, struct store_user *u)
{
	struct buf from = BUF_INIT(LIMIT_MAILBOX_NAME);
	struct buf to = BUF_INIT(LIMIT_MAILBOX_NAME);
	enum store_err err;
	int r = 1;

	if (mailbox_wire_name(j->setup, j->names[0], &from) == 0 &&
	    mailbox_wire_name(j->setup, j->names[1], &to) == 0) {
		err = store_rename(u, buf_slice(&from), buf_slice(&to));
		r = err == STORE_OK ? 0 : mailbox_failed(j->setup,
		    err == STORE_EXISTS ? j->names[1] : j->names[0], err);
	}
	buf_release(&from);
	buf_release(&to);
	return r;
}

int
cmd_mailbox_rename(struct setup *s, int argc, char **argv)
{
	struct mailbox_job j = { .setup = s, .names = argv + 1, .n = argc - 1,
		.run = rename_it };

	return argc != 3 ? say_usage(s, 1) :
	    mailbox_run(&j, argv[0], NULL, false);
}

static int
delete_it(struct mailbox_job *j, struct owner *o UNUSED, struct store_user *u)
{
	struct buf wire = BUF_INIT(LIMIT_MAILBOX_NAME);
	enum store_err err;
	int r = 1;

	if (mailbox_existing(j, u, j->names[0], &wire) == 0) {
		err = store_delete(u, buf_slice(&wire));
		if (err == STORE_OK)
			err = store_unsubscribe(u, buf_slice(&wire));
		r = err == STORE_OK ? 0 :
		    mailbox_failed(j->setup, j->names[0], err);
	}
	buf_release(&wire);
	return r;
}

int
cmd_mailbox_delete(struct setup *s, int argc, char **argv)
{
	struct mailbox_job j = { .setup = s, .run = delete_it, .n = 1 };
	struct buf answer = BUF_INIT(100);
	bool sure = argc > 0 && (strcmp(argv[0], "-y") == 0 ||
	    strcmp(argv[0], "-Y") == 0);
	int r = 0;

	if (argc != (sure ? 3 : 2))
		return say_usage(s, 1);
	argv += sure;
	j.names = argv + 1;
	if (!sure && ask("Do you want to delete the mailbox with all its "
	    "messages? [y/N] ", false, &answer) == 0)
		sure = slice_ieq(slice_trim(buf_slice(&answer)), S("y"));
	buf_release(&answer);
	if (sure)
		r = mailbox_run(&j, argv[0], NULL, false);
	else
		say(s, LOG_INFO, "The mailbox will not be deleted.");
	return r;
}

/* ---- rebuild ------------------------------------------------------------- */

static void
rebuild_told(void *ctx, const char *mailbox, uint64_t done, uint64_t total)
{
	struct buf shown = BUF_INIT(2 * LIMIT_MAILBOX_NAME);

	mailbox_shown_name(mailbox, &shown);
	progress_show(ctx, buf_str(&shown), done, total);
	buf_release(&shown);
}

static int
rebuild(struct mailbox_job *j, struct owner *o UNUSED, struct store_user *u)
{
	struct store_usage held;
	struct progress p;
	enum store_err err;

	progress_init(&p);
	err = store_rebuild(u, S(""), rebuild_told, &p);
	if (err == STORE_OK)
		err = store_usage(u, &held);
	progress_end(&p);
	if (err != STORE_OK)
		return mailbox_failed(j->setup, buf_str(&j->address), err);
	say(j->setup, LOG_INFO, "'%s': the index has %llu messages",
	    buf_str(&j->address), (unsigned long long)held.messages);
	return 0;
}

int
cmd_mailbox_rebuild(struct setup *s, int argc, char **argv)
{
	int r = 0;

	if (argc < 1)
		return say_usage(s, 1);
	for (int i = 0; i < argc && r == 0; i++) {
		struct mailbox_job j = { .setup = s, .run = rebuild };

		r = mailbox_run(&j, argv[i], NULL, false);
	}
	return r;
}
