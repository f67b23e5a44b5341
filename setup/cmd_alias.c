#include "setup/commands.h"

#include "conf/conf_accounts.h"
#include "conf/conf_virtual.h"
#include "setup/table.h"

/* What would break the line it is written to. */
static bool
is_word(const char *text)
{
	if (*text == '\0' || *text == '#' || strlen(text) > 4096)
		return false;
	for (; *text != '\0'; text++)
		if ((unsigned char)*text <= ' ' || *text == 0x7f)
			return false;
	return true;
}

/* dms-compat 4.6: ",RECIPIENT" behind the alias, or a new line. */
static int
add(const struct setup *s, struct table *t, struct slice alias,
    struct slice recipient)
{
	struct buf line = BUF_INIT(2 * LIMIT_CONFIG_LINE);
	struct slice old, targets;
	int status;

	if (!table_find(t, alias, " \t", &old)) {
		buf_add_slice(&line, alias);
		buf_addc(&line, ' ');
		buf_add_slice(&line, recipient);
		table_append(t, buf_slice(&line));
		status = 0;
	} else {
		targets = slice_from(old, alias.n);
		if (alias_has(targets, recipient)) {
			status = say_abort(s, "'%.*s' is already an alias for "
			    "recipient: '%.*s'", SLICE_ARG(alias),
			    SLICE_ARG(recipient));
		} else {
			buf_add_slice(&line, slice_trim(old));
			buf_addc(&line, slice_trim(targets).n > 0 ? ',' : ' ');
			buf_add_slice(&line, recipient);
			table_replace(t, old, buf_slice(&line));
			status = 0;
		}
	}
	if (status == 0 && table_save(s, t, 0644) == -1)
		status = 1;
	buf_release(&line);
	return status;
}

int
cmd_alias_add(struct setup *s, int argc, char **argv)
{
	struct table t;
	int status = 1;

	if (argc < 2 || *argv[0] == '\0' || *argv[1] == '\0')
		return say_usage(s, 1);
	for (int i = 0; i < 2; i++)
		if (!is_word(argv[i]))
			return say_abort(s, "'%s' cannot be part of an alias",
			    argv[i]);
	if (table_has(s, CONF_ACCOUNTS_FILE, slice_str(argv[0]), "|"))
		return say_abort(s, "'%s' is already defined as an account",
		    argv[0]);
	if (table_open(s, &t, CONF_VIRTUAL_FILE, true) == 0)
		status = add(s, &t, slice_str(argv[0]), slice_str(argv[1]));
	table_close(&t);
	return status;
}

int
cmd_alias_del(struct setup *s, int argc, char **argv)
{
	struct slice alias;
	struct table t;
	int status = 1;

	if (argc < 2)
		return say_usage(s, 1);
	alias = slice_str(argv[0]);
	if (table_open(s, &t, CONF_VIRTUAL_FILE, true) == 0) {
		status = 0;
		if (alias_remove(&t, strcmp(argv[0], "_") != 0 ? &alias : NULL,
		    slice_str(argv[1])) && table_save(s, &t, 0644) == -1)
			status = 1;
	}
	table_close(&t);
	return status;
}

int
cmd_alias_list(struct setup *s, int argc UNUSED, char **argv UNUSED)
{
	struct slice rest, line;
	struct table t;
	int status = 1;

	if (table_open_filled(s, &t, CONF_VIRTUAL_FILE) == 0) {
		rest = buf_slice(&t.text);
		while (table_next(&rest, &line))
			printf("* %.*s\n\n", SLICE_ARG(line));
		status = 0;
	}
	table_close(&t);
	return status;
}
