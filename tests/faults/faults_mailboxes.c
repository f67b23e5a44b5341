/*
 * Faults in what is done with mailboxes: create, delete, rename of a tree and
 * of INBOX, subscribe. Checked after each, for a user made for it:
 *
 * - what was acknowledged is so: names, subscriptions, messages;
 * - no message is lost but those of a mailbox that was to be deleted, and
 *   those are there all or none;
 * - a tree is renamed whole or not at all, and is under one name what it was
 *   under the other: UIDs, UIDVALIDITY, flags, keywords;
 * - what was not acknowledged can be asked for again.
 */
#include "harness.h"

static const char *const tree[] = { "A", "A.B", "A.B.C", "A.D" };
#define MESSAGES 2 /* in each mailbox */

static struct found_list before;

/* ---- what the work finds ------------------------------------------------- */

static void
fill(struct store_user *u, const char *box)
{
	struct store_appended done;
	char token[64];

	for (unsigned i = 0; i < MESSAGES; i++) {
		struct store_append_meta meta = { .flags = i == 0 ? 0 :
			STORE_SEEN | STORE_FLAGGED,
			.keywords = many_keywords(),
			.n_keywords = i * MANY_KEYWORDS };

		snprintf(token, sizeof(token), "%s-%u", box, i);
		if (deliver_token(u, box, token, &meta, &done) != STORE_OK)
			fatal(1, "cannot deliver to %s", box);
	}
}

static void
prepare(struct store_user *u)
{
	fill(u, "INBOX");
	for (size_t i = 0; i < LEN(tree); i++)
		fill(u, tree[i]);
	fill(u, "Gone");
	fill(u, "Kept");
	if (store_subscribe(u, S("A")) != STORE_OK ||
	    store_subscribe(u, S("Kept")) != STORE_OK ||
	    store_create(u, S("A.E"), "\\Archive") != STORE_OK)
		fatal(1, "cannot prepare");
	found_release(&before);
	find_all(u, &before);
}

/* ---- the work ------------------------------------------------------------ */

static void
work(struct store_user *u)
{
	if (store_create(u, S("New"), NULL) == STORE_OK)
		ack("created");
	if (store_create(u, S("Special"), "\\Flagged") == STORE_OK)
		ack("special");
	if (store_subscribe(u, S("New")) == STORE_OK)
		ack("subscribed");
	if (store_unsubscribe(u, S("A")) == STORE_OK)
		ack("unsubscribed");
	if (store_rename(u, S("A"), S("Z")) == STORE_OK)
		ack("renamed");
	if (store_delete(u, S("Gone")) == STORE_OK)
		ack("deleted");
	if (store_rename(u, S("INBOX"), S("Old")) == STORE_OK)
		ack("emptied");
}

/* ---- the checks ---------------------------------------------------------- */

/* Attributes of a name, with STORE_NOSELECT if it is not listed; *use. */
static unsigned
attributes(struct store_user *u, const char *name, char *use, size_t size)
{
	unsigned out = STORE_NOSELECT;
	struct store_list list;

	if (store_list(u, &list) != STORE_OK)
		broken("cannot be listed", "the user");
	for (size_t i = 0; i < list.n; i++) {
		struct store_list_entry *e = &list.entries[i];

		if (strcmp(e->name, name) != 0)
			continue;
		out = e->attributes;
		snprintf(use, size, "%s", e->special_use != NULL ?
		    e->special_use : "");
	}
	store_list_release(&list);
	return out;
}

static bool
exists(struct store_user *u, const char *name)
{
	char use[64] = "";

	return (attributes(u, name, use, sizeof(use)) & STORE_NOSELECT) == 0;
}

static void
must_be_subscribed(struct store_user *u, const char *name, bool on)
{
	char use[64];

	if (((attributes(u, name, use, sizeof(use)) & STORE_SUBSCRIBED) != 0)
	    != on)
		broken(on ? "is not subscribed" : "is subscribed", name);
}

/* A mailbox of the tree under its name of now. */
static void
check_branch(const struct found_list *now, const char *old, bool renamed)
{
	char name[64], token[64];

	snprintf(name, sizeof(name), "%s%s", renamed ? "Z" : "A", old + 1);
	for (unsigned i = 0; i < MESSAGES; i++) {
		const struct found *was, *is;

		snprintf(token, sizeof(token), "%s-%u", old, i);
		was = find_token(&before, old, token);
		is = find_token(now, name, token);
		if (is == NULL || count_token(now, token) != 1)
			broken("is not there once", token);
		if (strcmp(was->look, is->look) != 0)
			broken("has changed", token);
	}
}

static void
check_tree(struct store_user *u, const struct found_list *now, bool acked)
{
	bool renamed = exists(u, "Z");
	char use[64] = "";

	if (acked && !renamed)
		broken("renamed, and is not", "A");
	for (size_t i = 0; i < LEN(tree); i++)
		check_branch(now, tree[i], renamed);
	for (size_t i = 0; i < LEN(tree); i++) {
		char other[64];

		snprintf(other, sizeof(other), "%s%s", renamed ? "A" : "Z",
		    tree[i] + 1);
		if (exists(u, other))
			broken("is there under both names", other);
	}
	if ((attributes(u, renamed ? "Z.E" : "A.E", use, sizeof(use)) &
	    STORE_NOSELECT) || strcmp(use, "\\Archive") != 0)
		broken("has lost its special use", "A.E");
}

static void
check_inbox(struct store_user *u, const struct found_list *now, bool acked)
{
	char token[64];

	for (unsigned i = 0; i < MESSAGES; i++) {
		const struct found *was, *in, *old;

		snprintf(token, sizeof(token), "INBOX-%u", i);
		was = find_token(&before, "INBOX", token);
		in = find_token(now, "INBOX", token);
		old = find_token(now, "Old", token);
		if (in == NULL && old == NULL)
			broken("is lost", token);
		if (in != NULL && strcmp(in->look, was->look) != 0)
			broken("has changed", token);
		/*
		 * Behind UIDVALIDITY and UID, which are Old's. While INBOX has
		 * it, the other is a copy that was cut short.
		 */
		if (in == NULL && strcmp(strchr(strchr(old->look, ' ') + 1,
		    ' '), strchr(strchr(was->look, ' ') + 1, ' ')) != 0)
			broken("has changed on its way", token);
		if (acked && (in != NULL || old == NULL))
			broken("was to go to Old", token);
	}
	if (acked && !exists(u, "Old"))
		broken("was to be made", "Old");
}

static void
check_deleted(struct store_user *u, const struct found_list *now, bool acked)
{
	size_t n = count_token(now, "Gone-0") + count_token(now, "Gone-1");

	if (acked ? n != 0 || exists(u, "Gone") : n != 0 && n != MESSAGES)
		broken("is deleted by halves", "Gone");
	if (!exists(u, "Gone") != (n == 0))
		broken("is there without its messages", "Gone");
	if (find_token(now, "Kept", "Kept-0") == NULL ||
	    find_token(now, "Kept", "Kept-1") == NULL)
		broken("was deleted with another", "Kept");
}

static void
must(enum store_err err, enum store_err or, const char *what)
{
	if (err != STORE_OK && err != or)
		broken(what, store_err_text(err));
}

/* Everything once more; then it must be done. */
static void
check_repeat(struct store_user *u)
{
	struct found_list now;
	char use[64] = "";

	must(store_create(u, S("New"), NULL), STORE_EXISTS, "create");
	must(store_create(u, S("Special"), "\\Flagged"), STORE_EXISTS,
	    "create special");
	if ((attributes(u, "Special", use, sizeof(use)) & STORE_NOSELECT) ||
	    strcmp(use, "\\Flagged") != 0)
		broken("has not its special use", "Special");
	must(store_subscribe(u, S("New")), STORE_OK, "subscribe");
	must(store_unsubscribe(u, S("A")), STORE_OK, "unsubscribe");
	must(store_rename(u, S("A"), S("Z")), exists(u, "Z") ?
	    STORE_EXISTS : STORE_OK, "rename");
	must(store_delete(u, S("Gone")), STORE_NO_MAILBOX, "delete");
	must(store_rename(u, S("INBOX"), S("Old")), STORE_EXISTS,
	    "rename INBOX");
	find_all(u, &now);
	check_tree(u, &now, true);
	check_deleted(u, &now, true);
	must_be_subscribed(u, "New", true);
	must_be_subscribed(u, "A", false);
	must_be_subscribed(u, "Kept", true);
	found_release(&now);
}

static void
check(struct store_user *u, struct slice acks, bool fired UNUSED)
{
	struct found_list now;
	char use[64] = "";

	find_all(u, &now);
	if (is_acked(acks, "created") && !exists(u, "New"))
		broken("created, and is not", "New");
	if (is_acked(acks, "special") && ((attributes(u, "Special", use,
	    sizeof(use)) & STORE_NOSELECT) || strcmp(use, "\\Flagged") != 0))
		broken("created, and is not special", "Special");
	if (is_acked(acks, "subscribed"))
		must_be_subscribed(u, "New", true);
	if (is_acked(acks, "unsubscribed"))
		must_be_subscribed(u, "A", false);
	must_be_subscribed(u, "Kept", true);
	check_tree(u, &now, is_acked(acks, "renamed"));
	check_deleted(u, &now, is_acked(acks, "deleted"));
	check_inbox(u, &now, is_acked(acks, "emptied"));
	found_release(&now);
	check_repeat(u);
}

int
main(int argc, char **argv)
{
	static const struct subject mailboxes = { .name = "mailboxes",
		.afresh = 1, .prepare = prepare, .work = work,
		.check = check };
	int r = subject_main(argc, argv, &mailboxes);

	found_release(&before);
	return r;
}
