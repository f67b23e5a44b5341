#include "conf/conf_dkim_notes.h"

#include <time.h>

#include "core/limits.h"

#define NOTE "# pillarbox: "
#define TIME_FORMAT "%Y-%m-%dT%H:%M:%SZ"

/* What a note says behind the name; false if line is no note about name. */
static bool
note_about(struct slice line, struct slice name, struct slice *rest)
{
	struct slice word;

	*rest = slice_trim(line);
	if (!slice_starts(*rest, S(NOTE)))
		return false;
	*rest = slice_from(*rest, sizeof(NOTE) - 1);
	return slice_word(rest, &word) && slice_eq(word, name);
}

enum conf_dkim_note
conf_dkim_note(struct slice key_table, struct slice name, int64_t *until)
{
	struct slice line, rest, word;
	char text[64];
	struct tm tm;

	while (slice_line(&key_table, &line)) {
		if (!note_about(line, name, &rest) || !slice_word(&rest, &word))
			continue;
		if (slice_eq(word, S("waits")))
			return CONF_DKIM_WAITS;
		tm = (struct tm){ 0 };
		if (!slice_eq(word, S("retired")) ||
		    !slice_word(&rest, &word) || !slice_word(&rest, &word) ||
		    word.n >= sizeof(text))
			continue;
		snprintf(text, sizeof(text), "%.*s", SLICE_ARG(word));
		if (strptime(text, TIME_FORMAT, &tm) == NULL)
			continue;
		*until = (int64_t)timegm(&tm);
		return CONF_DKIM_RETIRED;
	}
	return CONF_DKIM_NONE;
}

static bool
note_line(struct slice line, struct slice name)
{
	struct slice rest;

	return note_about(line, name, &rest);
}

static bool
key_line(struct slice line, struct slice name)
{
	struct slice word;

	return note_line(line, name) ||
	    (slice_word(&line, &word) && slice_eq(word, name));
}

static bool
rule_line(struct slice line, struct slice name)
{
	struct slice word;

	return slice_word(&line, &word) && !slice_starts(word, S("#")) &&
	    slice_word(&line, &word) && slice_eq(word, name);
}

/* Drops the lines that about says yes to. */
static void
drop_lines(struct buf *table, bool (*about)(struct slice line,
    struct slice name), struct slice name)
{
	struct buf text = BUF_INIT(LIMIT_CONFIG_FILE);
	struct slice rest = buf_slice(table), line;

	while (rest.n > 0) {
		const char *start = rest.p;

		slice_line(&rest, &line);
		if (!about(line, name))
			buf_add(&text, start, (size_t)(rest.p - start));
	}
	buf_release(table);
	*table = text;
}

void
conf_dkim_drop(struct buf *key_table, struct buf *signing_table,
    struct slice name)
{
	drop_lines(signing_table, rule_line, name);
	drop_lines(key_table, key_line, name);
}

void
conf_dkim_note_set(struct buf *key_table, struct slice name,
    enum conf_dkim_note note, int64_t until)
{
	char text[64];
	struct tm tm;

	drop_lines(key_table, note_line, name);
	if (note == CONF_DKIM_NONE)
		return;
	if (key_table->n > 0 && key_table->p[key_table->n - 1] != '\n')
		buf_addc(key_table, '\n');
	buf_addf(key_table, NOTE "%.*s ", SLICE_ARG(name));
	if (note == CONF_DKIM_WAITS) {
		buf_adds(key_table, "waits\n");
	} else {
		gmtime_r(&(time_t){ until }, &tm);
		strftime(text, sizeof(text), TIME_FORMAT, &tm);
		buf_addf(key_table, "retired until %s\n", text);
	}
}
