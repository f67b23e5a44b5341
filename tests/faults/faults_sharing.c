/*
 * Faults in what is done between users: rights are set, messages are copied and
 * moved from one user to another. Checked after each, for two users made for
 * it:
 *
 * - a file of rights is the one of before or the new one, whole; what was
 *   acknowledged is so;
 * - what was copied or moved and acknowledged is there, whole;
 * - no message is lost: one that was to be moved is with one user at least,
 *   and with one only if that was acknowledged;
 * - of two messages that are copied together both are there or none, unless the
 *   process was killed in between: what it placed is adopted.
 */
#include "harness.h"

#include <limits.h>

#include "store/acl.h"
#include "store/index.h"

#define BOB S("v@x.test")
#define BEFORE "# by hand\nanyone l\nuser=v@x.test lr\n"
#define AFTER "# by hand\nanyone l\nuser=v@x.test lrwsi\n"

static const char *const tokens[] = { "copied-0", "copied-1", "moved-0",
	"moved-1", "stays" };

static bool killed; /* not failed */

static struct store_user *
open_other(struct store_user *u)
{
	struct store_user *v;

	if (store_user_open(u->store, BOB, &v) != STORE_OK)
		fatal(1, "cannot open the other user");
	return v;
}

static void
prepare(struct store_user *u)
{
	struct store_append_meta meta = { .flags = STORE_FLAGGED,
		.keywords = many_keywords(), .n_keywords = MANY_KEYWORDS };
	struct store_appended done;
	struct store_user *v = open_other(u);
	char other[PATH_MAX];

	snprintf(other, sizeof(other), "%s", store_user_path(v));
	if (file_remove_tree(other) == -1)
		fatal(1, "cannot remove %s", other);
	for (size_t i = 0; i < LEN(tokens); i++)
		if (deliver_token(u, "Team", tokens[i], &meta, &done) !=
		    STORE_OK)
			fatal(1, "cannot deliver");
	if (deliver_token(v, "Box", "theirs", &meta, &done) != STORE_OK)
		fatal(1, "cannot deliver");
	store_user_close(v);
	put_file(".Team/dovecot-acl", BEFORE);
}

/* ---- the work ------------------------------------------------------------ */

static void
transfer(struct store_mailbox *m, struct store_user *v, uint32_t first,
    bool move)
{
	struct store_target to = { .user = v, .name = S("Box"),
		.flags = STORE_FLAGS, .keywords = true };
	struct store_set set = STORE_SET_INIT;
	struct store_copied done = { 0 };

	store_set_add(&set, first, first + 1);
	if ((move ? store_move_to : store_copy_to)(m, &set, &to, &done) ==
	    STORE_OK && done.n == 2)
		ack(move ? "moved" : "copied");
	store_copied_release(&done);
	store_set_release(&set);
}

static void
work(struct store_user *u)
{
	struct acl_id bob = { .kind = ACL_USER, .name = BOB };
	struct store_user *v = open_other(u);
	struct store_mailbox *m;

	if (store_acl_change(u, S("Team"), &bob, ACL_ADD, ACL_WRITE |
	    ACL_WRITE_SEEN | ACL_INSERT) == STORE_OK)
		ack("shared");
	if (store_mailbox_open(u, S("Team"), false, &m) == STORE_OK) {
		transfer(m, v, 1, false);
		transfer(m, v, 3, true);
		store_mailbox_close(m);
	}
	store_user_close(v);
}

/* ---- the checks ---------------------------------------------------------- */

static void
check_file(struct slice acks)
{
	struct buf text = BUF_INIT(65536);
	bool is_new;

	if (file_read(user_path(".Team/dovecot-acl"), &text) == -1)
		broken("unreadable", "dovecot-acl");
	is_new = slice_eq(buf_slice(&text), S(AFTER));
	if (!is_new && !slice_eq(buf_slice(&text), S(BEFORE)))
		broken("neither the old nor the new", "dovecot-acl");
	if (is_acked(acks, "shared") && !is_new)
		broken("acknowledged, and not so", "dovecot-acl");
	buf_release(&text);
}

static void
check_pair(const struct found_list *ours, const struct found_list *theirs,
    size_t first, bool move, bool acked)
{
	size_t there[2], here[2];

	for (size_t i = 0; i < 2; i++) {
		there[i] = count_token(theirs, tokens[first + i]);
		here[i] = count_token(ours, tokens[first + i]);
		if (there[i] + here[i] == 0)
			broken("lost", tokens[first + i]);
		if (here[i] > 1 || there[i] > 1)
			broken("there twice", tokens[first + i]);
		if (acked && there[i] != 1)
			broken("acknowledged, and not there",
			    tokens[first + i]);
		if (here[i] != 1 && !move)
			broken("gone by a copy", tokens[first + i]);
		if (acked && move && here[i] != 0)
			broken("moved, and still here", tokens[first + i]);
	}
	if (there[0] != there[1] && !killed)
		broken("half of it was done", tokens[first]);
}

static void
check(struct store_user *u, struct slice acks, bool fired UNUSED)
{
	struct store_user *v = open_other(u);
	struct found_list ours, theirs;

	check_file(acks);
	find_all(u, &ours);
	find_all(v, &theirs);
	check_pair(&ours, &theirs, 0, false, is_acked(acks, "copied"));
	check_pair(&ours, &theirs, 2, true, is_acked(acks, "moved"));
	if (count_token(&ours, "stays") != 1 ||
	    count_token(&theirs, "theirs") != 1)
		broken("lost", "a message that nobody touched");
	found_release(&ours);
	found_release(&theirs);
	store_user_close(v);
}

int
main(int argc, char **argv)
{
	static const struct subject sharing = { .name = "sharing",
		.afresh = 1, .prepare = prepare, .work = work,
		.check = check };

	killed = argc > 3 && strcmp(argv[3], "0") == 0;
	return subject_main(argc, argv, &sharing);
}
