#include "setup/json.h"

static void
add_escaped(struct buf *b, struct slice s)
{
	/* Hostile bytes are seldom; a string with one loses all its others
	 * beyond ASCII. */
	bool utf8 = slice_is_utf8(s);

	buf_addc(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '"' || c == '\\')
			buf_addf(b, "\\%c", c);
		else if (c < ' ' || c == 0x7f)
			buf_addf(b, "\\u%04x", c);
		else if (c >= 0x80 && !utf8)
			buf_adds(b, "\\ufffd");
		else
			buf_addc(b, (char)c);
	}
	buf_addc(b, '"');
}

static void
begin(struct json *j, const char *key)
{
	if (j->comma)
		buf_addc(j->out, ',');
	j->comma = true;
	if (key != NULL) {
		add_escaped(j->out, slice_str(key));
		buf_addc(j->out, ':');
	}
}

static void
open_with(struct json *j, const char *key, char c)
{
	begin(j, key);
	buf_addc(j->out, c);
	j->comma = false;
}

static void
close_with(struct json *j, char c)
{
	buf_addc(j->out, c);
	j->comma = true;
}

void
json_object(struct json *j, const char *key)
{
	open_with(j, key, '{');
}

void
json_object_end(struct json *j)
{
	close_with(j, '}');
}

void
json_array(struct json *j, const char *key)
{
	open_with(j, key, '[');
}

void
json_array_end(struct json *j)
{
	close_with(j, ']');
}

void
json_slice(struct json *j, const char *key, struct slice value)
{
	begin(j, key);
	add_escaped(j->out, value);
}

void
json_str(struct json *j, const char *key, const char *value)
{
	json_slice(j, key, slice_str(value));
}

void
json_num(struct json *j, const char *key, uint64_t value)
{
	begin(j, key);
	buf_addu(j->out, value);
}

void
json_bool(struct json *j, const char *key, bool value)
{
	begin(j, key);
	buf_adds(j->out, value ? "true" : "false");
}
