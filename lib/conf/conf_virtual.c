#include "conf/conf_virtual.h"

#include "conf/conf.h"
#include "conf/conf_lines.h"
#include "core/buf.h"
#include "core/limits.h"

void
conf_virtual_init(struct conf_virtual *v)
{
	*v = (struct conf_virtual){ 0 };
	map_init(&v->by_key);
}

void
conf_virtual_release(struct conf_virtual *v)
{
	map_release(&v->by_key, NULL);
	mem_free(v->list);
	arena_release(&v->arena);
	*v = (struct conf_virtual){ 0 };
}

/* The next target: they are separated by commas and blanks in any number. */
static bool
next_target(struct slice *rest, struct slice *target)
{
	size_t n = 0;

	while (rest->n > 0 && strchr(", \t", rest->p[0]) != NULL)
		*rest = slice_from(*rest, 1);
	while (n < rest->n && strchr(", \t", rest->p[n]) == NULL)
		n++;
	*target = slice_head(*rest, n);
	*rest = slice_from(*rest, n);
	return n > 0;
}

static const char *
check_line(struct slice key, struct slice rest, size_t *count)
{
	struct slice target;

	if (key.n > LIMIT_ADDRESS)
		return "is too long for an address";
	*count = 0;
	while (next_target(&rest, &target)) {
		if (target.n > LIMIT_ADDRESS)
			return "has a target that is too long for an address";
		if (++*count > LIMIT_ALIAS_TARGETS)
			return "has too many targets";
	}
	return *count > 0 ? NULL : "has no target";
}

static void
add(struct conf_virtual *v, struct slice key, struct slice rest, size_t count,
    unsigned line, size_t *cap)
{
	struct conf_alias *to;
	struct slice target;
	char folded[LIMIT_ADDRESS];

	if (v->n == *cap) {
		*cap = *cap == 0 ? 64 : *cap * 2;
		v->list = mem_grow(v->list, *cap, sizeof(v->list[0]));
	}
	to = &v->list[v->n++];
	to->line = line;
	to->key = arena_slice(&v->arena, key);
	to->targets = arena_array(&v->arena, count, sizeof(to->targets[0]));
	to->n = 0;
	while (to->n < count && next_target(&rest, &target))
		to->targets[to->n++] = arena_slice(&v->arena, target);
	/* The list may still move: the map holds index + 1. */
	map_put(&v->by_key, conf_fold(to->key, folded), (void *)(uintptr_t)v->n);
}

int
conf_virtual_parse(struct conf_virtual *v, const char *path,
    struct slice text, struct conf_problems *problems)
{
	struct buf joined = BUF_INIT(LIMIT_CONFIG_LINE);
	struct conf_lines lines;
	struct slice line;
	size_t cap = 0;
	bool ok = true;

	conf_lines_init(&lines, path, text, problems);
	lines.joined = &joined;
	while (conf_lines_next(&lines, &line)) {
		const struct conf_alias *first;
		const char *wrong;
		struct slice key, shown;
		size_t count;

		slice_word(&line, &key);
		shown = slice_head(key, 100);
		wrong = check_line(key, line, &count);
		if (wrong != NULL) {
			ok = false;
			conf_problem_at(problems, LOG_ERROR, path, lines.line,
			    0, "'%.*s' %s", SLICE_ARG(shown), wrong);
			continue;
		}
		first = conf_virtual_find(v, key);
		if (first != NULL) {
			conf_problem_at(problems, LOG_WARN, path, lines.line, 0,
			    "'%.*s' is already in line %u, which counts",
			    SLICE_ARG(shown), first->line);
			continue;
		}
		add(v, key, line, count, lines.line, &cap);
	}
	buf_release(&joined);
	return ok && !lines.bad ? 0 : -1;
}

const struct conf_alias *
conf_virtual_find(const struct conf_virtual *v, struct slice key)
{
	char folded[LIMIT_ADDRESS];
	uintptr_t found = (uintptr_t)map_get(&v->by_key, conf_fold(key, folded));

	return found != 0 ? &v->list[found - 1] : NULL;
}
