/* setup mailbox acl: who else may do what with a mailbox (store/acl.h). */
#include "setup/commands.h"
#include "setup/mailbox.h"
#include "store/acl.h"

struct acl_job {
	struct mailbox_job job; /* first */
	const char *who;
	const char *rights;     /* NULL: takes who away */
};

/* ---- list ----------------------------------------------------------------- */

static void
print_entry(const struct acl_id *id, unsigned rights)
{
	struct buf line = BUF_INIT(2 * LIMIT_ADDRESS);

	acl_id_say(&line, id);
	buf_addc(&line, ' ');
	acl_rights_put(&line, rights, false);
	printf("    %s\n", buf_str(&line));
	buf_release(&line);
}

static int
list_one(struct mailbox_job *j, struct store_user *u, const char *wire,
    bool always)
{
	struct buf name = BUF_INIT(2 * LIMIT_MAILBOX_NAME);
	struct acl a;
	enum store_err err = store_acl_read(u, slice_str(wire), &a);
	int status = 0;

	mailbox_shown_name(wire, &name);
	if (err != STORE_OK)
		status = mailbox_failed(j->setup, buf_str(&name), err);
	else if (always || a.n > 0)
		printf("* %s\n", buf_str(&name));
	for (size_t i = 0; err == STORE_OK && i < a.n; i++)
		print_entry(&a.entries[i].id, a.entries[i].rights);
	acl_release(&a);
	buf_release(&name);
	return status;
}

static int
list_used(struct mailbox_job *j, struct store_user *u, const char *wire)
{
	return list_one(j, u, wire, false);
}

static int
list(struct mailbox_job *j, struct owner *o UNUSED, struct store_user *u)
{
	struct buf wire = BUF_INIT(LIMIT_MAILBOX_NAME);
	int r = 1;

	if (j->n == 0)
		return mailbox_each(j, u, list_used);
	if (mailbox_existing(j, u, j->names[0], &wire) == 0)
		r = list_one(j, u, buf_str(&wire), true);
	buf_release(&wire);
	return r;
}

/* ---- set, del ------------------------------------------------------------- */

/* "+lr", "-w", "lrs", as in SETACL (RFC 4314 section 3.1). */
static int
read_rights(const struct acl_job *a, enum acl_how *how, unsigned *rights)
{
	struct slice text = slice_str(a->rights);

	*how = ACL_REMOVE;
	*rights = 0;
	if (a->rights == NULL)
		return 0;
	*how = slice_starts(text, S("+")) ? ACL_ADD :
	    slice_starts(text, S("-")) ? ACL_TAKE : ACL_SET;
	if (*how != ACL_SET)
		text = slice_from(text, 1);
	if (acl_rights_parse(text, true, rights) == 0)
		return 0;
	say_abort(a->job.setup, "'%s' are no rights: they are letters of "
	    "lrwstipekxa", a->rights);
	return -1;
}

static int
change(struct mailbox_job *j, struct owner *o UNUSED, struct store_user *u)
{
	const struct acl_job *a = (const struct acl_job *)j;
	struct buf wire = BUF_INIT(LIMIT_MAILBOX_NAME);
	struct buf name = BUF_INIT(4 * LIMIT_ADDRESS);
	enum store_err err;
	enum acl_how how;
	struct acl_id id;
	unsigned rights;
	int r = 1;

	if (acl_id_read(slice_str(a->who), &name, &id) != ACL_ID_KNOWN) {
		say_abort(j->setup, "'%s' is no address, nor 'anyone' or "
		    "'owner'", a->who);
	} else if (read_rights(a, &how, &rights) == 0 &&
	    mailbox_existing(j, u, j->names[0], &wire) == 0) {
		err = store_acl_change(u, buf_slice(&wire), &id, how, rights);
		r = err == STORE_OK ? 0 :
		    mailbox_failed(j->setup, j->names[0], err);
	}
	buf_release(&name);
	buf_release(&wire);
	return r;
}

int
cmd_mailbox_acl(struct setup *s, int argc, char **argv)
{
	struct acl_job a = { .job = { .setup = s, .names = argv + 2,
		.n = argc - 2 } };

	if (argc < 2 || argc > 5)
		return say_usage(s, 1);
	if (strcmp(argv[0], "list") == 0 && argc <= 3) {
		a.job.run = list;
	} else if (strcmp(argv[0], "set") == 0 && argc == 5) {
		a.job.run = change;
		a.who = argv[3];
		a.rights = argv[4];
	} else if (strcmp(argv[0], "del") == 0 && argc == 4) {
		a.job.run = change;
		a.who = argv[3];
	} else {
		return say_usage(s, 1);
	}
	return mailbox_run(&a.job, argv[1], NULL, false);
}
