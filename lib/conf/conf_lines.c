#include "conf/conf_lines.h"

#include "core/buf.h"
#include "core/limits.h"

void
conf_lines_init(struct conf_lines *l, const char *path, struct slice text,
    struct conf_problems *problems)
{
	*l = (struct conf_lines){
		.rest = text, .path = path, .problems = problems,
	};
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Blank lines and comments do not count, and do not end a joined line. */
static bool
is_skipped(struct slice line)
{
	struct slice s = slice_trim(line);

	return s.n == 0 || s.p[0] == '#';
}

static bool
take(struct conf_lines *l, struct slice *line)
{
	struct slice before = l->rest;

	if (!slice_line(&l->rest, line))
		return false;
	l->next++;
	if (!l->crlf && line->n + 1 < before.n &&
	    before.p[line->n] == '\r' && before.p[line->n + 1] == '\n') {
		l->crlf = true;
		conf_problem(l->problems, LOG_INFO,
		    "%s: the file contains CRLF line endings", l->path);
	}
	return true;
}

static bool
is_usable(struct conf_lines *l, struct slice line, bool complete)
{
	const char *why = NULL;

	if (line.n > LIMIT_CONFIG_LINE || !complete)
		why = "the line is too long";
	else if (slice_find(line, '\0') >= 0)
		why = "the line contains a NUL byte";
	else if (!slice_is_utf8(line))
		why = "the line is not UTF-8";
	if (why == NULL)
		return true;
	l->bad = true;
	conf_problem_at(l->problems, LOG_ERROR, l->path, l->line, 0, "%s", why);
	return false;
}

/* Appends the continuation lines behind line, if there are any; false when
 * that gets too long. */
static bool
join(struct conf_lines *l, struct slice *line)
{
	struct conf_lines ahead = *l;
	struct slice more;
	bool any = false;

	while (take(&ahead, &more)) {
		if (is_skipped(more))
			continue;
		if (!is_blank(more.p[0]))
			break;
		if (!any) {
			buf_clear(l->joined);
			buf_add_slice(l->joined, *line);
			any = true;
		}
		buf_add_slice(l->joined, more);
		l->rest = ahead.rest;
		l->next = ahead.next;
		if (!buf_ok(l->joined))
			return false;
	}
	l->crlf = ahead.crlf;
	if (any)
		*line = buf_slice(l->joined);
	return true;
}

bool
conf_lines_next(struct conf_lines *l, struct slice *line)
{
	while (take(l, line)) {
		bool complete = true;

		if (is_skipped(*line))
			continue;
		l->line = l->next;
		if (l->joined != NULL && is_blank(line->p[0])) {
			l->bad = true;
			conf_problem_at(l->problems, LOG_ERROR, l->path,
			    l->line, 1, "the line starts with a blank, but "
			    "there is none before it that it could continue");
			continue;
		}
		if (l->joined != NULL)
			complete = join(l, line);
		if (is_usable(l, *line, complete))
			return true;
	}
	return false;
}
