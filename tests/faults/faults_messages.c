/*
 * Faults in what is done with messages, on one user who lives on through many
 * of them. Checked after each:
 *
 * - what was acknowledged is there, whole, under the UID that was told;
 * - no UID ever shows another message than it did before;
 * - every file in cur/ and new/ is one whole message;
 * - repeating a delivery after a crash does not duplicate it.
 */
#include "harness.h"

#define LIFE 50 /* rounds */

static struct map seen; /* "box uidvalidity uid": token, over all rounds */
/* Tokens of messages that have keywords for good: how the last is called. */
static struct map tagged;

static void
prepare(struct store_user *u UNUSED)
{
	if (round_now.n % LIFE != 0)
		return;
	map_release(&seen, mem_free);
	map_release(&tagged, mem_free);
	map_init(&seen);
	map_init(&tagged);
}

/* ---- the work ------------------------------------------------------------ */

static enum store_err
deliver(struct store_user *u, const char *box, const char *token,
    struct store_appended *done)
{
	bool tag = token[0] == 'b';
	struct store_append_meta meta = { .delivery_id = slice_str(token),
		.keywords = many_keywords(),
		.n_keywords = tag ? MANY_KEYWORDS : 0 };

	return deliver_token(u, box, token, &meta, done);
}

static uint32_t
add(struct store_user *u, const char *box, const char *token)
{
	struct store_appended done;

	if (deliver(u, box, token, &done) != STORE_OK)
		return 0;
	ack("has %s %u %s", box, done.first_uid, token);
	return done.first_uid;
}

static void
transfer(struct store_user *u, const char *from, uint32_t uid,
    const char *to, bool move, const char *token)
{
	struct store_set set = STORE_SET_INIT;
	struct store_mailbox *m;
	struct store_copied done = { 0 };

	if (store_mailbox_open(u, slice_str(from), true, &m) != STORE_OK)
		return;
	store_set_add(&set, uid, uid);
	if ((move ? store_move : store_copy)(m, &set, slice_str(to), &done) ==
	        STORE_OK && done.n == 1) {
		ack("has %s %u %s", to, done.to[0], token);
		if (move)
			ack("gone %s %u %s", from, uid, token);
	}
	store_copied_release(&done);
	store_set_release(&set);
	store_mailbox_close(m);
}

static void
flag_and_expunge(struct store_user *u, const char *box, const char *token)
{
	struct slice k = S("work");
	struct store_change c = { .how = STORE_ADD, .flags = STORE_DELETED,
		.keywords = &k, .n_keywords = 1 };
	struct store_set gone = STORE_SET_INIT, set = STORE_SET_INIT;
	struct store_mailbox *m;
	uint32_t uid = add(u, box, token);

	if (uid == 0 ||
	    store_mailbox_open(u, slice_str(box), true, &m) != STORE_OK)
		return;
	store_set_add(&set, uid, uid);
	if (store_change_flags(m, &set, &c, NULL, NULL) == STORE_OK &&
	    store_expunge(m, &set, true, &gone, NULL) == STORE_OK &&
	    store_set_has(&gone, uid))
		ack("gone %s %u %s", box, uid, token);
	store_set_release(&gone);
	store_set_release(&set);
	store_mailbox_close(m);
}

/* A message, then another of the same token in its place elsewhere. */
static void
replace(struct store_user *u, const char *token)
{
	struct store_append_meta meta = { 0 };
	struct store_append *a = NULL;
	struct store_appended done;
	struct store_mailbox *m;
	uint32_t uid = add(u, "INBOX", token);
	char text[300];

	if (uid == 0 || store_mailbox_open(u, S("INBOX"), true, &m) != STORE_OK)
		return;
	snprintf(text, sizeof(text), "Token: %s\r\n\r\nnew\r\nEND\r\n", token);
	if (store_append_begin(u, S("Archive"), true, &a) == STORE_OK &&
	    store_append_replaces(a, m, uid) == STORE_OK) {
		(void)store_append_data(a, slice_str(text));
		(void)store_append_message(a, &meta);
		if (store_append_commit(a, &done) == STORE_OK) {
			ack("has Archive %u %s", done.first_uid, token);
			ack("gone INBOX %u %s", uid, token);
		}
	} else {
		store_append_abort(a);
	}
	store_mailbox_close(m);
}

static void
tag(struct store_user *u, const char *box, uint32_t uid, const char *token)
{
	struct slice k = S("last");
	struct store_change c = { .how = STORE_ADD, .keywords = &k,
		.n_keywords = 1 };
	struct store_set set = STORE_SET_INIT;
	struct store_mailbox *m;

	if (store_mailbox_open(u, slice_str(box), true, &m) != STORE_OK)
		return;
	store_set_add(&set, uid, uid);
	if (store_change_flags(m, &set, &c, NULL, NULL) == STORE_OK)
		ack("tagged %s %u %s", box, uid, token);
	store_set_release(&set);
	store_mailbox_close(m);
}

static void
work(struct store_user *u)
{
	char token[64];
	uint32_t uid;

	snprintf(token, sizeof(token), "a%u", round_now.n);
	uid = add(u, "INBOX", token);
	if (uid != 0) {
		transfer(u, "INBOX", uid, "Archive", false, token);
		transfer(u, "INBOX", uid, "Trash", true, token);
	}
	snprintf(token, sizeof(token), "b%u", round_now.n);
	uid = add(u, "Archive", token);
	if (uid != 0) {
		tag(u, "Archive", uid, token);
		transfer(u, "Archive", uid, "Tagged", true, token);
	}
	snprintf(token, sizeof(token), "c%u", round_now.n);
	flag_and_expunge(u, "Trash", token);
	snprintf(token, sizeof(token), "r%u", round_now.n);
	replace(u, token);
	/* Whatever becomes of it, the checks must find what they knew. */
	(void)store_rebuild(u, S("Archive"), NULL, NULL);
	snprintf(token, sizeof(token), "d%u", round_now.n);
	add(u, "INBOX", token);
}

/* ---- the checks ---------------------------------------------------------- */

static void
check_uids(const struct found_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct found *f = &l->all[i];
		char key[300];
		char *before;

		snprintf(key, sizeof(key), "%s %u %u", f->box, f->uidvalidity,
		    f->uid);
		before = map_get(&seen, slice_str(key));
		if (before != NULL && strcmp(before, f->token) != 0)
			broken("a UID shows another message", key);
		if (before == NULL)
			map_put(&seen, slice_str(key), mem_str(f->token));
	}
}

static void
check_keywords(const struct found_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct found *f = &l->all[i];
		const char *last = map_get(&tagged, slice_str(f->token));

		if (last != NULL && (!has_many_keywords(f->look) ||
		    strstr(f->look, last) == NULL))
			broken("has lost keywords", f->look);
	}
}

static void
remember_tag(struct slice what, const char *token)
{
	if (token[0] != 'b' || slice_eq(what, S("gone")))
		return;
	if (slice_eq(what, S("tagged")))
		mem_free(map_remove(&tagged, slice_str(token)));
	if (map_get(&tagged, slice_str(token)) == NULL)
		map_put(&tagged, slice_str(token), mem_str(slice_eq(what,
		    S("tagged")) ? " last" : " k29"));
}

/* A MOVE or EXPUNGE may have worked and not been told. */
static bool
must_stay(const struct found_list *l, const char *token)
{
	return token[0] == 'd' ||
	    (token[0] != 'c' && count_token(l, token) == 0);
}

/* "has BOX UID TOKEN", "tagged BOX UID TOKEN", "gone BOX UID TOKEN". */
static void
check_answer(const struct found_list *l, struct slice acks,
    struct slice line, bool fired)
{
	const struct found *f;
	struct slice word[3];
	char *box, *token;

	for (size_t i = 0; i < LEN(word); i++)
		if (!slice_split(&line, ' ', &word[i]))
			return;
	box = slice_dup(word[1]);
	token = slice_dup(line);
	remember_tag(word[0], token);
	f = find_token(l, box, token);
	if (slice_eq(word[0], S("gone"))) {
		if (f != NULL)
			broken("acknowledged as gone", token);
	} else if (!is_acked(acks, "gone %s %.*s %s", box, SLICE_ARG(word[2]),
	    token)) {
		uint32_t uid = 0;

		round_now.kept++;
		if ((f == NULL && (!fired || must_stay(l, token))) ||
		    num_u32(word[2], &uid) == -1 ||
		    (f != NULL && f->uid != uid))
			broken("acknowledged and lost", token);
	}
	mem_free(box);
	mem_free(token);
}

/* The queue repeats what it got no answer for. */
static void
check_repeat(struct store_user *u)
{
	struct store_appended done;
	struct found_list l;
	char token[64];

	snprintf(token, sizeof(token), "d%u", round_now.n);
	if (deliver(u, "INBOX", token, &done) != STORE_OK)
		broken("delivery cannot be repeated", token);
	find_all(u, &l);
	check_uids(&l);
	check_keywords(&l);
	if (count_token(&l, token) != 1)
		broken("repeated delivery is not there once", token);
	found_release(&l);
}

static void
check(struct store_user *u, struct slice acks, bool fired)
{
	struct slice rest = acks, line;
	struct found_list l;

	find_all(u, &l);
	check_uids(&l);
	while (slice_line(&rest, &line))
		check_answer(&l, acks, line, fired);
	check_keywords(&l);
	found_release(&l);
	check_repeat(u);
}

int
main(int argc, char **argv)
{
	static const struct subject messages = { .name = "messages",
		.afresh = LIFE, .prepare = prepare, .work = work,
		.check = check };
	int r;

	map_init(&seen);
	map_init(&tagged);
	r = subject_main(argc, argv, &messages);
	map_release(&seen, mem_free);
	map_release(&tagged, mem_free);
	return r;
}
