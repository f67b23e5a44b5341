#include "conf/conf_yaml.h"

#include <yaml.h>

/*
 * The file is read as a stream of events, never as a tree, and a document is
 * refused at the first alias or the third level, so neither "billion laughs"
 * nor deep nesting can cost anything.
 */
#define NAME_MAX_BYTES 64
#define VALUE_MAX_BYTES 4096

enum place {
	AT_START,   /* before the document's mapping */
	AT_SECTION, /* a section name or the end */
	AT_OPEN,    /* behind a section name: its mapping */
	AT_KEY,     /* a key of the section or its end */
	AT_VALUE,   /* behind a key: a scalar or a list */
	AT_ITEM,    /* in a list: a scalar or its end */
	AT_END,     /* behind the mapping */
	AT_STOP,    /* no point in reading on */
};

struct reader {
	struct conf *c;
	const char *path;
	struct conf_problems *out;
	enum place place;
	bool skip;        /* the value of a key that was refused */
	unsigned ignored; /* depth inside something that was refused */
	char section[NAME_MAX_BYTES];
	const struct conf_row *row;
	unsigned row_line;   /* of the key */
	unsigned value_line; /* of the value or the first item, 0: none */
	unsigned value_column;
	bool is_plain;
	struct buf value;
	unsigned seen[CONF_ROW_COUNT]; /* line of each row's key */
};

static unsigned
line_of(const yaml_event_t *e)
{
	return (unsigned)e->start_mark.line + 1;
}

static unsigned
column_of(const yaml_event_t *e)
{
	return (unsigned)e->start_mark.column + 1;
}

static void
problem(struct reader *r, const yaml_event_t *e, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

static void
problem(struct reader *r, const yaml_event_t *e, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	conf_problem_at(r->out, LOG_ERROR, r->path, line_of(e), column_of(e),
	    "%s", text);
}

static struct slice
scalar_of(const yaml_event_t *e)
{
	return slice_of(e->data.scalar.value, e->data.scalar.length);
}

/* The section of "section.key". */
static struct slice
section_of(const struct conf_row *row, struct slice *key)
{
	struct slice path = slice_str(row->yaml), section;

	slice_split(&path, '.', &section);
	*key = path;
	return section;
}

/* The closest section, or the closest key of a section. */
static struct slice
closest(struct slice section, struct slice name)
{
	struct slice best = S("");
	unsigned distance = 4;

	for (size_t i = 0; i < CONF_ROW_COUNT; i++) {
		struct slice key, other;
		unsigned n;

		if (conf_rows[i].yaml == NULL)
			continue;
		other = section_of(&conf_rows[i], &key);
		if (section.n > 0 && !slice_eq(other, section))
			continue;
		if (section.n > 0)
			other = key;
		n = conf_distance(other, name, 3);
		if (n < distance && n < other.n) {
			distance = n;
			best = other;
		}
	}
	return best;
}

static void
report_unknown(struct reader *r, const yaml_event_t *e, struct slice section,
    struct slice name)
{
	struct slice meant = closest(section, name);

	name = slice_head(name, 60);
	if (meant.n > 0)
		problem(r, e, "unknown %s '%.*s'; did you mean '%.*s'?",
		    section.n > 0 ? "key" : "section", SLICE_ARG(name),
		    SLICE_ARG(meant));
	else
		problem(r, e, "unknown %s '%.*s'",
		    section.n > 0 ? "key" : "section", SLICE_ARG(name));
}

static void
on_section(struct reader *r, const yaml_event_t *e)
{
	struct slice name = scalar_of(e), key;
	bool known = false;

	for (size_t i = 0; i < CONF_ROW_COUNT && !known; i++)
		known = conf_rows[i].yaml != NULL &&
		    slice_eq(section_of(&conf_rows[i], &key), name);
	r->place = AT_OPEN;
	r->skip = !known;
	if (known)
		snprintf(r->section, sizeof(r->section), "%.*s",
		    SLICE_ARG(name));
	else
		report_unknown(r, e, S(""), name);
}

static void
on_key(struct reader *r, const yaml_event_t *e)
{
	struct slice name = scalar_of(e);
	char path[2 * NAME_MAX_BYTES + 2];
	unsigned *seen;

	r->place = AT_VALUE;
	r->skip = true;
	r->row = NULL;
	if (name.n < NAME_MAX_BYTES && slice_find(name, '\0') < 0) {
		snprintf(path, sizeof(path), "%s.%.*s", r->section,
		    SLICE_ARG(name));
		r->row = conf_row_by_yaml(slice_str(path));
	}
	if (r->row == NULL) {
		report_unknown(r, e, slice_str(r->section), name);
		return;
	}
	seen = &r->seen[r->row - conf_rows];
	if (*seen != 0) {
		problem(r, e, "'%s' is already in line %u", r->row->yaml,
		    *seen);
		return;
	}
	*seen = r->row_line = line_of(e);
	r->skip = false;
	r->value_line = 0;
	buf_clear(&r->value);
}

static bool
is_list(const struct conf_row *row)
{
	return row->type == CONF_ADDRESSES || row->type == CONF_NETWORKS ||
	    row->type == CONF_DOMAINS || row->type == CONF_DNS;
}

/* The YAML words for a switch and for nothing. */
static void
translate(struct reader *r)
{
	struct slice s = buf_slice(&r->value);
	bool truth = slice_eq(s, S("true"));

	if (!r->is_plain)
		return;
	if (slice_eq(s, S("~")) || slice_eq(s, S("null"))) {
		buf_clear(&r->value);
	} else if (r->row->type == CONF_BOOL &&
	    (truth || slice_eq(s, S("false")))) {
		buf_clear(&r->value);
		buf_addc(&r->value, truth ? '1' : '0');
	}
}

/* Sets the row to the collected value, unless the environment did. */
static void
finish_value(struct reader *r)
{
	struct buf why = BUF_INIT(512), detail = BUF_INIT(8192);
	enum conf_source source = r->c->origin[r->row - conf_rows].source;

	translate(r);
	if (!buf_ok(&r->value)) {
		conf_problem_at(r->out, LOG_ERROR, r->path, r->value_line,
		    r->value_column, "the value of '%s' is too long", r->row->yaml);
	} else if (r->value.n > 0 && source != CONF_FROM_ENV &&
	    source != CONF_FROM_SECRET) {
		if (conf_set(r->c, r->row, buf_slice(&r->value), &why) == -1) {
			conf_problem_at(r->out, LOG_ERROR, r->path,
			    r->value_line, r->value_column, "%s: %s%s", r->row->yaml, buf_str(&why),
			    r->row->type == CONF_BOOL ?
			    " (or true or false)" : "");
		} else {
			buf_addf(&detail, "%s:%u", r->path, r->row_line);
			conf_set_origin(r->c, r->row, CONF_FROM_YAML,
			    buf_str(&detail));
		}
	}
	buf_release(&why);
	buf_release(&detail);
}

static void
on_scalar(struct reader *r, const yaml_event_t *e)
{
	switch (r->place) {
	case AT_SECTION:
		on_section(r, e);
		return;
	case AT_OPEN:
		/* "smtp:" alone is an empty section. */
		if (!r->skip && (e->data.scalar.length > 0 ||
		    e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE))
			problem(r, e, "'%s' holds keys, not a value",
			    r->section);
		r->place = AT_SECTION;
		return;
	case AT_KEY:
		on_key(r, e);
		return;
	case AT_VALUE:
		r->place = AT_KEY;
		if (r->skip)
			return;
		r->value_line = line_of(e);
		r->value_column = column_of(e);
		buf_add_slice(&r->value, scalar_of(e));
		r->is_plain =
		    e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
		finish_value(r);
		return;
	case AT_ITEM:
		if (r->skip)
			return;
		if (r->value_line == 0) {
			r->value_line = line_of(e);
			r->value_column = column_of(e);
		}
		if (r->value.n > 0)
			buf_addc(&r->value, ',');
		buf_add_slice(&r->value, scalar_of(e));
		return;
	default:
		/* "---" alone is an empty document. */
		if (r->place == AT_START && e->data.scalar.length == 0) {
			r->place = AT_END;
			return;
		}
		problem(r, e, "expected sections such as 'smtp:'");
		r->place = AT_STOP;
	}
}

static void
on_mapping(struct reader *r, const yaml_event_t *e)
{
	if (r->place == AT_START) {
		r->place = AT_SECTION;
	} else if (r->place == AT_OPEN && !r->skip) {
		r->place = AT_KEY;
	} else {
		if (!r->skip)
			problem(r, e, "keys are not possible here");
		r->ignored = 1;
	}
}

static void
on_sequence(struct reader *r, const yaml_event_t *e)
{
	if (r->place == AT_VALUE && !r->skip && is_list(r->row)) {
		r->place = AT_ITEM;
		r->is_plain = false;
		return;
	}
	if (!r->skip || r->place == AT_START)
		problem(r, e, "a list is not possible here");
	r->ignored = 1;
}

/* Where reading goes on behind something that was ignored. */
static void
after_ignored(struct reader *r)
{
	static const enum place next[] = {
		[AT_START] = AT_STOP, [AT_SECTION] = AT_STOP,
		[AT_OPEN] = AT_SECTION, [AT_KEY] = AT_STOP,
		[AT_VALUE] = AT_KEY, [AT_ITEM] = AT_ITEM, [AT_END] = AT_STOP,
		[AT_STOP] = AT_STOP,
	};

	r->place = next[r->place];
}

/* Everything inside a refused list or mapping. */
static void
on_ignored(struct reader *r, const yaml_event_t *e)
{
	if (e->type == YAML_SEQUENCE_START_EVENT ||
	    e->type == YAML_MAPPING_START_EVENT)
		r->ignored++;
	if (e->type == YAML_SEQUENCE_END_EVENT ||
	    e->type == YAML_MAPPING_END_EVENT)
		r->ignored--;
	if (r->ignored > 8) {
		problem(r, e, "nested too deeply");
		r->place = AT_STOP;
	} else if (r->ignored == 0) {
		after_ignored(r);
	}
}

static void
on_event(struct reader *r, const yaml_event_t *e)
{
	if (r->ignored > 0) {
		on_ignored(r, e);
		return;
	}
	switch (e->type) {
	case YAML_ALIAS_EVENT:
		problem(r, e, "aliases (*name) are not supported here");
		r->place = AT_STOP;
		break;
	case YAML_SCALAR_EVENT:
		on_scalar(r, e);
		break;
	case YAML_MAPPING_START_EVENT:
		on_mapping(r, e);
		break;
	case YAML_SEQUENCE_START_EVENT:
		on_sequence(r, e);
		break;
	case YAML_MAPPING_END_EVENT:
		r->place = r->place == AT_KEY ? AT_SECTION : AT_END;
		break;
	case YAML_SEQUENCE_END_EVENT:
		r->place = AT_KEY;
		if (!r->skip)
			finish_value(r);
		break;
	case YAML_DOCUMENT_START_EVENT:
		if (r->place != AT_START) {
			problem(r, e, "a second document is not possible here");
			r->place = AT_STOP;
		}
		break;
	default:
		break;
	}
}

static void
report_syntax(struct reader *r, const yaml_parser_t *p)
{
	const yaml_mark_t *at = &p->problem_mark;

	/* Reader errors (bad UTF-8) have an offset instead of a mark. */
	conf_problem_at(r->out, LOG_ERROR, r->path, (unsigned)at->line + 1,
	    (unsigned)at->column + 1, "%s%s%s",
	    p->problem != NULL ? p->problem : "not YAML",
	    p->context != NULL ? " " : "", p->context != NULL ? p->context : "");
}

int
conf_yaml_apply(struct conf *c, const char *path, struct slice text,
    struct conf_problems *out)
{
	struct reader r = { .c = c, .path = path, .out = out,
		.value = BUF_INIT(VALUE_MAX_BYTES) };
	size_t before = out->errors;
	yaml_parser_t parser;
	yaml_event_t e;
	bool end = false;

	if (text.n > LIMIT_YAML_FILE) {
		conf_problem(out, LOG_ERROR, "%s: larger than %d bytes", path,
		    LIMIT_YAML_FILE);
		return -1;
	}
	if (yaml_parser_initialize(&parser) == 0)
		panic("yaml_parser_initialize: out of memory");
	yaml_parser_set_input_string(&parser,
	    (const unsigned char *)(text.n > 0 ? text.p : ""), text.n);
	while (!end && r.place != AT_STOP) {
		if (yaml_parser_parse(&parser, &e) == 0) {
			report_syntax(&r, &parser);
			break;
		}
		end = e.type == YAML_STREAM_END_EVENT;
		on_event(&r, &e);
		yaml_event_delete(&e);
	}
	yaml_parser_delete(&parser);
	buf_wipe(&r.value);
	return out->errors == before ? 0 : -1;
}
