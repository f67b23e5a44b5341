#include "conf/conf.h"

#define CONF_VALUE_MAX 4096

const struct conf_row conf_rows[CONF_ROW_COUNT] = {
#define ROW(f, t, e, y, d, l, h, w, to_, fl, help_)                            \
	[CONF_ROW_##f] = { .name = #f, .env = e, .yaml = y, .value = d,        \
		.words = w, .help = help_, .low = l, .high = h,                \
		.offset = offsetof(struct conf, f), .type = CONF_##t,          \
		.to = to_, .flags = fl },
#include "conf/settings.def"
};

static void *
field(const struct conf *c, const struct conf_row *row)
{
	return (char *)c + row->offset;
}

static bool
is_string(const struct conf_row *row)
{
	return row->type >= CONF_TEXT;
}

void
conf_init(struct conf *c)
{
	struct buf why = BUF_INIT(256);

	*c = (struct conf){ 0 };
	for (size_t i = 0; i < CONF_ROW_COUNT; i++)
		if (conf_set(c, &conf_rows[i], slice_str(conf_rows[i].value),
		    &why) == -1)
			panic("default of %s: %s", conf_rows[i].name,
			    buf_str(&why));
	buf_release(&why);
}

void
conf_release(struct conf *c)
{
	for (size_t i = 0; i < CONF_ROW_COUNT; i++) {
		mem_free(c->origin[i].detail);
		if (is_string(&conf_rows[i])) {
			char **s = field(c, &conf_rows[i]);

			if (*s != NULL && conf_rows[i].type == CONF_SECRET)
				mem_wipe(*s, strlen(*s));
			mem_free(*s);
		}
	}
	*c = (struct conf){ 0 };
}

int
conf_set(struct conf *c, const struct conf_row *row, struct slice text,
    struct buf *why)
{
	char *old = is_string(row) ? *(char **)field(c, row) : NULL;

	if (text.n > CONF_VALUE_MAX) {
		buf_addf(why, "longer than %d bytes", CONF_VALUE_MAX);
		return -1;
	}
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f) {
			buf_adds(why, "a control character in the value");
			return -1;
		}
	if (!slice_is_utf8(text)) {
		buf_adds(why, "the value is not UTF-8");
		return -1;
	}
	if (conf_value_parse(row, text, field(c, row), why) == -1)
		return -1;
	if (old != NULL && row->type == CONF_SECRET)
		mem_wipe(old, strlen(old));
	mem_free(old);
	return 0;
}

void
conf_set_origin(struct conf *c, const struct conf_row *row,
    enum conf_source source, const char *detail)
{
	struct conf_origin *o = &c->origin[row - conf_rows];

	mem_free(o->detail);
	o->source = source;
	o->detail = detail != NULL ? mem_str(detail) : NULL;
}

/* The word with that index in "a|b|c". */
static struct slice
word_at(const char *words, unsigned index)
{
	struct slice rest = slice_str(words), word = { 0 };

	for (unsigned i = 0; i <= index; i++)
		if (!slice_split(&rest, '|', &word))
			return S("");
	return word;
}

/* Seconds with the largest unit that divides them. */
static void
format_time(uint64_t seconds, struct buf *out)
{
	static const struct {
		uint64_t seconds;
		char unit;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' } };

	for (size_t i = 0; i < LEN(units); i++)
		if (seconds != 0 && seconds % units[i].seconds == 0) {
			buf_addu(out, seconds / units[i].seconds);
			buf_addc(out, units[i].unit);
			return;
		}
	buf_addu(out, seconds);
	buf_adds(out, seconds != 0 ? "s" : "");
}

void
conf_format(const struct conf *c, const struct conf_row *row, struct buf *out)
{
	const void *at = field(c, row);

	switch (row->type) {
	case CONF_BOOL:
		buf_addc(out, *(const bool *)at ? '1' : '0');
		break;
	case CONF_NUM:
	case CONF_SIZE:
		buf_addu(out, *(const uint64_t *)at);
		break;
	case CONF_TIME:
		format_time(*(const uint64_t *)at, out);
		break;
	case CONF_WORD:
		buf_add_slice(out, word_at(row->words, *(const unsigned *)at));
		break;
	case CONF_DELIMITER:
		buf_adds(out, **(char *const *)at != '\0' ?
		    *(char *const *)at : "none");
		break;
	default:
		buf_adds(out, *(char *const *)at);
	}
}

void
conf_show(const struct conf *c, const struct conf_row *row, struct buf *out)
{
	size_t before = out->n;

	if (row->type == CONF_SECRET && c->origin[row - conf_rows].source !=
	    CONF_FROM_DEFAULT) {
		buf_adds(out, "********");
		return;
	}
	conf_format(c, row, out);
	if (out->n == before)
		buf_adds(out, "\"\"");
}

void
conf_show_origin(const struct conf *c, const struct conf_row *row,
    struct buf *out)
{
	const struct conf_origin *o = &c->origin[row - conf_rows];
	const char *detail = o->detail != NULL ? o->detail : "";

	switch (o->source) {
	case CONF_FROM_DEFAULT:
		buf_adds(out, "default");
		break;
	case CONF_FROM_COMPUTED:
		buf_adds(out, "computed");
		break;
	case CONF_FROM_YAML:
		buf_adds(out, detail);
		break;
	case CONF_FROM_SECRET:
		buf_addf(out, "environment %s__FILE, %s", row->env, detail);
		break;
	case CONF_FROM_ENV:
		buf_addf(out, "environment %s", row->env);
		break;
	case CONF_FROM_PAIR:
		buf_adds(out, "supervisor");
		break;
	}
}

const struct conf_row *
conf_row_by_name(struct slice name)
{
	for (size_t i = 0; i < CONF_ROW_COUNT; i++)
		if (slice_eq(name, slice_str(conf_rows[i].name)))
			return &conf_rows[i];
	return NULL;
}

const struct conf_row *
conf_row_by_env(struct slice env)
{
	for (size_t i = 0; i < CONF_ROW_COUNT; i++)
		if (conf_rows[i].env != NULL &&
		    slice_eq(env, slice_str(conf_rows[i].env)))
			return &conf_rows[i];
	return NULL;
}

const struct conf_row *
conf_row_by_yaml(struct slice path)
{
	for (size_t i = 0; i < CONF_ROW_COUNT; i++)
		if (conf_rows[i].yaml != NULL &&
		    slice_eq(path, slice_str(conf_rows[i].yaml)))
			return &conf_rows[i];
	return NULL;
}

void
conf_encode(const struct conf *c, unsigned mask, struct buf *out)
{
	for (size_t i = 0; i < CONF_ROW_COUNT; i++) {
		if ((conf_rows[i].to & mask) == 0)
			continue;
		buf_addf(out, "%s=", conf_rows[i].name);
		conf_format(c, &conf_rows[i], out);
		buf_addc(out, '\0');
	}
}

int
conf_set_pair(struct conf *c, struct slice pair, struct buf *why)
{
	ssize_t eq = slice_find(pair, '=');
	const struct conf_row *row;

	if (eq < 0) {
		buf_adds(why, "a setting without \"=\"");
		return -1;
	}
	row = conf_row_by_name(slice_head(pair, (size_t)eq));
	if (row == NULL) {
		buf_adds(why, "a setting of another version");
		return -1;
	}
	if (conf_set(c, row, slice_from(pair, (size_t)eq + 1), why) == -1)
		return -1;
	conf_set_origin(c, row, CONF_FROM_PAIR, NULL);
	return 0;
}

int
conf_decode(struct conf *c, struct slice pairs, struct buf *why)
{
	struct slice pair;

	while (slice_split(&pairs, '\0', &pair))
		if (conf_set_pair(c, pair, why) == -1)
			return -1;
	return 0;
}
