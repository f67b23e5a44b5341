// part: services/imap
/* INPROGRESS: what a client hears of a command that takes long. */
#include "check.h"
#include "services/imap/command.h"

static void
expect(struct command *c, const char *line)
{
	CHECK(slice_eq(buf_slice(&c->out), slice_str(line)), "%s",
	    buf_str(&c->out));
	buf_clear(&c->out);
}

TEST(told_every_ten_seconds)
{
	struct command c = { .tag = S("a1") };

	buf_init(&c.out, 1000);
	command_progress(&c, 1, 10);
	expect(&c, "");
	c.progress_at -= 9000;
	command_progress(&c, 2, 10);
	expect(&c, "");
	c.progress_at -= 1000;
	command_progress(&c, 3, 10);
	expect(&c, "* OK [INPROGRESS (\"a1\" 3 10)] Still at it.\r\n");
	command_progress(&c, 4, 10);
	expect(&c, "");
	c.progress_at -= 10000;
	command_progress(&c, 0, 0);
	expect(&c, "* OK [INPROGRESS (\"a1\" NIL NIL)] Still at it.\r\n");
	buf_release(&c.out);
}

/* Section 4: a tag that cannot stand in a code is not told. */
TEST(tag_with_bracket)
{
	struct command c = { .tag = S("a]") };

	buf_init(&c.out, 1000);
	command_progress(&c, 1, 2);
	c.progress_at -= 10000;
	command_progress(&c, 1, 2);
	expect(&c, "* OK [INPROGRESS (NIL 1 2)] Still at it.\r\n");
	buf_release(&c.out);
}

TEST(silent_commands_tell_nothing)
{
	struct command c = { .tag = S("a"), .silent = true };

	buf_init(&c.out, 1000);
	command_progress(&c, 1, 2);
	c.progress_at -= 20000;
	command_progress(&c, 1, 2);
	expect(&c, "");
	buf_release(&c.out);
}

TESTS(T(told_every_ten_seconds), T(tag_with_bracket),
    T(silent_commands_tell_nothing))
