// part: services/queue
#include "check.h"

#include <sys/stat.h>

#include <fcntl.h>

#include "core/file.h"
#include "services/queue/spool.h"

static char folder[] = "/tmp/pillarbox-spool-XXXXXX";
static struct spool spool;

static void
setup(bool named)
{
	static bool made;

	if (!made)
		CHECK(mkdtemp(folder) != NULL);
	made = true;
	CHECK(spool_open(&spool, folder, named ? -1 : spool_proc()) == 0);
	CHECK(spool.named == named || !named);
}

static void
count_names(void *arg, const char *name)
{
	struct buf *b = arg;

	buf_adds(b, name);
	buf_addc(b, ' ');
}

static void
check_names(const char *want)
{
	struct buf b = BUF_INIT(1000);

	CHECK(spool_list(&spool, count_names, &b) == 0);
	CHECK(strcmp(buf_str(&b), want) == 0, "got \"%s\"", buf_str(&b));
	buf_release(&b);
}

static int
body(const char *id)
{
	int fd = spool_body_new(&spool, id);
	int again;

	CHECK(fd != -1, "%s", strerror(errno));
	again = spool_body_again(&spool, fd, id, O_WRONLY);
	CHECK(again != -1, "%s", strerror(errno));
	CHECK(read(again, folder, 0) == -1 && errno == EBADF);
	CHECK(file_write_all(again, "body\r\n", 6) == 0);
	close(again);
	return fd;
}

static void
keep_and_read(bool named)
{
	struct buf b = BUF_INIT(100);
	int fd;

	setup(named);
	fd = body("AAAAAAAAA1");
	check_names("");
	setup(named); /* what spool_list removed may have been named */
	spool_body_drop(&spool, fd, "AAAAAAAAA1");
	fd = body("AAAAAAAAA2");
	CHECK(spool_keep(&spool, fd, "AAAAAAAAA2", 6, S("records")) == 0, "%s",
	    strerror(errno));
	spool_body_drop(&spool, fd, "AAAAAAAAA2");
	check_names("AAAAAAAAA2.6 ");
	CHECK(spool_message_append(&spool, "AAAAAAAAA2.6", S("+more")) == 0);
	CHECK(spool_message_truncate(&spool, "AAAAAAAAA2.6", 16) == 0);
	fd = spool_message_open(&spool, "AAAAAAAAA2.6");
	CHECK(fd != -1 && file_read_fd(fd, &b) == 0);
	CHECK_SLICE(buf_slice(&b), "body\r\nrecords+mo");
	close(fd);
	buf_release(&b);
	CHECK(spool_message_remove(&spool, "AAAAAAAAA2.6") == 0);
	check_names("");
	spool_close(&spool);
}

TEST(spool_keeps_a_body_under_its_name)
{
	keep_and_read(false);
}

TEST(spool_keeps_a_body_without_o_tmpfile)
{
	keep_and_read(true);
}

TEST(spool_forgets_at_start_what_was_never_acknowledged)
{
	char path[100];
	int fd;

	setup(false);
	snprintf(path, sizeof(path), "%s/tmp.AAAAAAAAA3", folder);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	snprintf(path, sizeof(path), "%s/other-file", folder);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	check_names("");
	CHECK(file_exists(path));
	snprintf(path, sizeof(path), "%s/tmp.AAAAAAAAA3", folder);
	CHECK(!file_exists(path));
	spool_close(&spool);
}

TEST(spool_never_replaces_a_message)
{
	int fd;

	setup(false);
	fd = body("AAAAAAAAA4");
	CHECK(spool_keep(&spool, fd, "AAAAAAAAA4", 6, S("1")) == 0);
	close(fd);
	fd = body("AAAAAAAAA4");
	CHECK(spool_keep(&spool, fd, "AAAAAAAAA4", 6, S("2")) == -1);
	CHECK(errno == EEXIST);
	close(fd);
	CHECK(spool_message_quarantine(&spool, "AAAAAAAAA4.6") == 0);
	check_names("");
	spool_close(&spool);
}

TEST(spool_names_are_told_from_other_names)
{
	static const struct {
		const char *name;
		bool ours;
	} cases[] = {
		{ "0123456789.0", true }, { "ABCDEFGHIJ.12345", true },
		{ "ABCDEFGHIJ", false }, { "ABCDEFGHIJ.", false },
		{ "ABCDEFGHIJ.01", false }, { "ABCDEFGHIJ.-1", false },
		{ "abcdefghij.1", false }, { "bad.ABCDEFGHIJ.1", false },
		{ "ABCDEFGHIJ.99999999999999999999", false }, { ".", false },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		char id[QUEUE_ID_LEN + 1];
		uint64_t size;

		CHECK(spool_name_parse(cases[i].name, id, &size) ==
		    cases[i].ours, "%s", cases[i].name);
	}
}

TEST(spool_is_cleaned_up)
{
	CHECK(file_remove_tree(folder) == 0);
}

TESTS(T(spool_keeps_a_body_under_its_name),
    T(spool_keeps_a_body_without_o_tmpfile),
    T(spool_forgets_at_start_what_was_never_acknowledged),
    T(spool_never_replaces_a_message),
    T(spool_names_are_told_from_other_names), T(spool_is_cleaned_up))
