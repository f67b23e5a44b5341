#include "setup/docs.h"

#include "conf/conf.h"

struct entry {
	const char *section; /* a heading, or */
	size_t row;          /* a row */
};

static const struct entry entries[] = {
#define SECTION(title) { title, 0 },
#define ROW(field, ...) { NULL, CONF_ROW_##field },
#include "conf/settings.def"
};

/* "a, b, c" of "a|b|c". */
static void
add_words(struct buf *out, const char *words)
{
	struct slice rest = slice_str(words), word;
	bool first = true;

	while (slice_split(&rest, '|', &word)) {
		buf_adds(out, first ? "" : ", ");
		if (word.n == 0)
			buf_adds(out, "empty");
		buf_add_slice(out, word);
		first = false;
	}
}

static void
add_values(struct buf *out, const struct conf_row *row)
{
	static const char *const texts[] = {
		[CONF_BOOL] = "0 or 1",
		[CONF_SIZE] = "bytes, or a number with k, M, G or T",
		[CONF_TIME] = "seconds, or a number with s, m, h, d or w",
		[CONF_TEXT] = "text",
		[CONF_SECRET] = "text",
		[CONF_HOST] = "host name",
		[CONF_FQDN] = "fully qualified host name",
		[CONF_ADDRESS] = "mail address",
		[CONF_PATH] = "absolute path",
		[CONF_ADDRESSES] = "IP addresses",
		[CONF_NETWORKS] = "networks",
		[CONF_DOMAINS] = "domains",
		[CONF_DNS] = "recurse, system, or addresses",
		[CONF_RELAY] = "[host]:port or host:port",
		[CONF_DELIMITER] = "one character, or none",
	};

	if (row->type == CONF_WORD)
		add_words(out, row->words);
	else if (row->type == CONF_NUM)
		buf_addf(out, "%llu to %llu", (unsigned long long)row->low,
		    (unsigned long long)row->high);
	else
		buf_adds(out, texts[row->type]);
}

void
docs_settings(struct buf *out)
{
	buf_adds(out,
	    "# Settings\n\n"
	    "<!-- Made by `setup config docs settings` from "
	    "lib/conf/settings.def; do not edit. -->\n\n"
	    "Each setting can be given as an environment variable "
	    "(`mailserver.env`) or in `pillarbox.yaml`\n"
	    "in the config folder; the environment wins. An empty variable "
	    "counts as not set, and\n"
	    "`NAME__FILE` names a file that holds the value of `NAME`. The "
	    "key `smtp.message_size` is written\n\n"
	    "```yaml\nsmtp:\n  message_size: 20M\n```\n\n"
	    "`setup config show` prints what is in use and where it comes "
	    "from, `setup config check`\nfinds mistakes.\n");
	for (size_t i = 0; i < LEN(entries); i++) {
		const struct conf_row *row = &conf_rows[entries[i].row];

		if (entries[i].section != NULL) {
			buf_addf(out, "\n## %s\n", entries[i].section);
			continue;
		}
		if (row->env == NULL)
			continue;
		buf_addf(out, "\n### %s\n\n%s\n\n", row->env, row->help);
		if (row->yaml != NULL)
			buf_addf(out, "- In pillarbox.yaml: `%s`\n", row->yaml);
		buf_adds(out, "- Values: ");
		add_values(out, row);
		if (*row->value != '\0')
			buf_addf(out, "\n- Default: `%s`\n", row->value);
		else
			buf_adds(out, "\n- Default: empty\n");
	}
}

/* A comment of lines up to 78 characters. */
static void
add_comment(struct buf *out, const char *text)
{
	struct slice rest = slice_str(text), word;
	size_t column = 0;

	while (slice_word(&rest, &word)) {
		if (column == 0 || column + 1 + word.n > 78) {
			buf_adds(out, column == 0 ? "# " : "\n# ");
			column = 2;
		} else {
			buf_addc(out, ' ');
			column++;
		}
		buf_add_slice(out, word);
		column += word.n;
	}
	buf_addc(out, '\n');
}

void
docs_env(struct buf *out)
{
	buf_adds(out,
	    "# Settings of the mail server, for \"env_file\" or "
	    "--env-file.\n"
	    "# Made by `setup config docs env` from lib/conf/settings.def.\n"
	    "#\n"
	    "# An empty value is the default. Values are taken as they are: "
	    "no quotes.\n"
	    "# NAME__FILE=/path takes the value of NAME from a file; NAME "
	    "itself must then\n# not be here, not even empty.\n");
	for (size_t i = 0; i < LEN(entries); i++) {
		const struct conf_row *row = &conf_rows[entries[i].row];

		if (entries[i].section != NULL) {
			buf_addf(out, "\n# -----------------------------------"
			    "------------\n# --- %s\n# -----------------------"
			    "------------------------\n", entries[i].section);
			continue;
		}
		if (row->env == NULL)
			continue;
		buf_addc(out, '\n');
		add_comment(out, row->help);
		buf_adds(out, "# Values: ");
		add_values(out, row);
		buf_addf(out, "\n# Default: %s\n%s%s=\n",
		    *row->value != '\0' ? row->value : "empty",
		    row->type == CONF_SECRET ? "#" : "", row->env);
	}
}
