/* Keywords beyond those with letters in file names: pillarbox-keywords. */
#include "store_fixture.h"

#include "store/keyfile.h"

#define MANY 200

/* Expected complaints. */
static void
swallow(const char *line UNUSED, size_t n UNUSED)
{
}

static void
remove_index(struct fixture *f)
{
	fixture_close(f);
	unlink(at(f, "pillarbox.db"));
	unlink(at(f, "pillarbox.db-wal"));
	unlink(at(f, "pillarbox.db-shm"));
	fixture_open(f);
}

/* Changes keywords first to last ("k7") of a message. */
static void
change(struct fixture *f, const char *name, uint32_t uid, enum store_how how,
    int first, int last)
{
	struct slice keywords[MANY];
	char names[MANY][16];
	struct store_change c = { .how = how, .keywords = keywords };
	struct store_set set = STORE_SET_INIT;
	struct store_mailbox *m = box(f, name);

	for (int i = first; i <= last; i++) {
		snprintf(names[c.n_keywords], sizeof(names[0]), "k%d", i);
		keywords[c.n_keywords] = slice_str(names[c.n_keywords]);
		c.n_keywords++;
	}
	store_set_add(&set, uid, uid);
	OK(store_change_flags(m, &set, &c, NULL, NULL));
	store_set_release(&set);
	store_mailbox_close(m);
}

struct sum {
	uint32_t uid;
	int n;
	int sum;
};

static int
add_up(void *ctx, const struct store_message *msg)
{
	struct sum *s = ctx;

	if (msg->uid != s->uid)
		return 0;
	for (size_t i = 0; i < msg->n_keywords; i++) {
		uint32_t k;

		CHECK(msg->keywords[i][0] == 'k');
		CHECK(num_u32(slice_str(msg->keywords[i] + 1), &k) == 0);
		s->n++;
		s->sum += (int)k;
	}
	return 0;
}

/* The message has keywords first to last and no others. */
static void
expect(struct fixture *f, const char *name, uint32_t uid, int first, int last)
{
	struct store_mailbox *m = box(f, name);
	struct sum s = { .uid = uid };
	struct store_walk w = { 0 };

	OK(store_mailbox_sync(m));
	OK(store_walk(m, &w, add_up, &s, NULL));
	CHECK(s.n == last - first + 1, "%s %u: %d", name, uid, s.n);
	CHECK(s.sum == (first + last) * s.n / 2);
	store_mailbox_close(m);
}

static off_t
size_of(struct fixture *f, const char *rest)
{
	struct stat st;

	return stat(at(f, rest), &st) == 0 ? st.st_size : -1;
}

TEST(many_keywords_survive_the_index)
{
	struct fixture f;
	uint32_t a, b;
	off_t before;

	fixture_start(&f);
	a = append(&f, "INBOX", "a", 0, "k0");
	CHECK(size_of(&f, "pillarbox-keywords") == -1);
	change(&f, "INBOX", a, STORE_ADD, 1, MANY - 1);
	b = append(&f, "INBOX", "b", 0, "k150");
	expect(&f, "INBOX", a, 0, MANY - 1);
	remove_index(&f);
	expect(&f, "INBOX", a, 0, MANY - 1);
	expect(&f, "INBOX", b, 150, 150);
	OK(store_rebuild(f.user, S("INBOX"), NULL, NULL));
	expect(&f, "INBOX", a, 0, MANY - 1);
	change(&f, "INBOX", a, STORE_REMOVE, 40, MANY - 1);
	change(&f, "INBOX", b, STORE_REPLACE, 160, 161);
	remove_index(&f);
	expect(&f, "INBOX", a, 0, 39);
	expect(&f, "INBOX", b, 160, 161);
	/* Keywords with letters do not touch the file. */
	before = size_of(&f, "pillarbox-keywords");
	change(&f, "INBOX", b, STORE_ADD, 3, 4);
	append(&f, "INBOX", "c", 0, "k5");
	CHECK(size_of(&f, "pillarbox-keywords") == before);
	fixture_end(&f);
}

TEST(copies_and_moves_take_them_along)
{
	struct store_set set = STORE_SET_INIT;
	struct store_copied done;
	struct store_mailbox *m;
	struct fixture f;
	uint32_t uid, to;

	fixture_start(&f);
	uid = append(&f, "INBOX", "a", 0, NULL);
	change(&f, "INBOX", uid, STORE_ADD, 0, 99);
	OK(store_create(f.user, S("A"), NULL));
	store_set_add(&set, uid, uid);
	m = box(&f, "INBOX");
	OK(store_copy(m, &set, S("A"), &done));
	to = done.to[0];
	store_copied_release(&done);
	OK(store_copy(m, &set, S("INBOX"), &done));
	store_copied_release(&done);
	OK(store_move(m, &set, S("A"), &done));
	store_mailbox_close(m);
	remove_index(&f);
	expect(&f, "A", to, 0, 99);
	expect(&f, "A", done.to[0], 0, 99);
	expect(&f, "INBOX", uid + 1, 0, 99);
	OK(store_rename(f.user, S("A"), S("B")));
	remove_index(&f);
	expect(&f, "B", to, 0, 99);
	store_copied_release(&done);
	store_set_release(&set);
	fixture_end(&f);
}

/* Back to an older index, as after a power cut. */
TEST(what_the_index_forgot_is_told_by_the_file)
{
	struct buf old = BUF_INIT(1 << 24);
	struct fixture f;
	uint32_t a, b;

	fixture_start(&f);
	a = append(&f, "INBOX", "a", 0, NULL);
	b = append(&f, "INBOX", "b", 0, NULL);
	change(&f, "INBOX", a, STORE_ADD, 0, 29);
	fixture_close(&f);
	CHECK(file_read(at(&f, "pillarbox.db"), &old) == 0);
	fixture_open(&f);
	change(&f, "INBOX", a, STORE_ADD, 30, 35);
	change(&f, "INBOX", b, STORE_ADD, 30, 31);
	fixture_close(&f);
	CHECK(file_replace(at(&f, "pillarbox.db"), buf_slice(&old), 0600) == 0);
	f.store = store_open_root(&(struct store_config){ .mailroot = f.dir,
	    .hostname = "mail", .boot_id = "boot-2" }, NULL);
	OK(store_user_open(f.store, S("u@x.test"), &f.user));
	expect(&f, "INBOX", a, 0, 35);
	expect(&f, "INBOX", b, 30, 31);
	buf_release(&old);
	fixture_end(&f);
}

TEST(damage_costs_no_more_than_its_line)
{
	struct fixture f;
	uint32_t a, b;
	int fd;

	fixture_start(&f);
	log_set_sink(swallow);
	a = append(&f, "INBOX", "a", 0, NULL);
	b = append(&f, "INBOX", "b", 0, NULL);
	change(&f, "INBOX", a, STORE_ADD, 0, 29);
	change(&f, "INBOX", b, STORE_ADD, 28, 28);
	fd = open(at(&f, "pillarbox-keywords"), O_WRONLY | O_APPEND);
	CHECK(fd != -1 && file_write_all(fd, "rubbish\n0 k1\n1  x\n\n1 k2", 23) ==
	    0);
	close(fd);
	remove_index(&f);
	expect(&f, "INBOX", a, 0, 29);
	expect(&f, "INBOX", b, 28, 28);
	/* Behind the torn line. */
	change(&f, "INBOX", b, STORE_REPLACE, 27, 28);
	remove_index(&f);
	expect(&f, "INBOX", a, 0, 29);
	expect(&f, "INBOX", b, 27, 28);
	/* Without its first line nothing is believed, and it is made again. */
	put_file(&f, "pillarbox-keywords", "1 k199\n");
	change(&f, "INBOX", b, STORE_REPLACE, 26, 28);
	remove_index(&f);
	expect(&f, "INBOX", a, 0, 29);
	expect(&f, "INBOX", b, 26, 28);
	log_set_sink(NULL);
	fixture_end(&f);
}

TEST(the_file_does_not_grow_without_end)
{
	struct store_set set = STORE_SET_INIT;
	struct store_mailbox *m;
	struct fixture f;
	uint32_t a, b;

	fixture_start(&f);
	a = append(&f, "INBOX", "a", 0, NULL);
	b = append(&f, "INBOX", "b", 0, NULL);
	change(&f, "INBOX", a, STORE_ADD, 0, 29);
	for (int i = 0; i < 1000; i++)
		change(&f, "INBOX", b, i % 2 ? STORE_REMOVE : STORE_ADD, 27,
		    29);
	CHECK(size_of(&f, "pillarbox-keywords") < 5000);
	store_set_add(&set, a, a);
	m = box(&f, "INBOX");
	OK(store_expunge(m, &set, false, NULL, NULL));
	store_mailbox_close(m);
	OK(store_rebuild(f.user, S("INBOX"), NULL, NULL));
	CHECK(size_of(&f, "pillarbox-keywords") < 60);
	store_set_release(&set);
	fixture_end(&f);
}

TEST(a_copied_folder_keeps_them)
{
	struct fixture f;
	char from[PATH_MAX];
	uint32_t uid;
	int status;

	fixture_start(&f);
	OK(store_create(f.user, S("A"), NULL));
	uid = append(&f, "A", "a", 0, NULL);
	change(&f, "A", uid, STORE_ADD, 0, 49);
	snprintf(from, sizeof(from), "%s", at(&f, ".A"));
	if (fork() == 0) {
		execlp("cp", "cp", "-a", from, at(&f, ".B"), NULL);
		_exit(1);
	}
	CHECK(wait(&status) > 0 && status == 0);
	expect(&f, "B", uid, 0, 49);
	remove_index(&f);
	expect(&f, "A", uid, 0, 49);
	expect(&f, "B", uid, 0, 49);
	fixture_end(&f);
}

TESTS(T(many_keywords_survive_the_index), T(copies_and_moves_take_them_along),
    T(what_the_index_forgot_is_told_by_the_file),
    T(damage_costs_no_more_than_its_line),
    T(the_file_does_not_grow_without_end), T(a_copied_folder_keeps_them))
