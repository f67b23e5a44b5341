#include "setup/table.h"

#include "conf/conf_load.h"
#include "core/file.h"

int
table_open(const struct setup *s, struct table *t, const char *file,
    bool write)
{
	buf_init(&t->path, 8192);
	buf_init(&t->text, LIMIT_CONFIG_FILE);
	t->lock = -1;
	t->exists = false;
	conf_config_path(&s->conf, file, &t->path);
	if (write) {
		if (file_make_dirs(s->conf.config_dir, 0755) == -1 ||
		    (t->lock = conf_lock(&s->conf, true)) == -1) {
			say_abort(s, "%s: %s", s->conf.config_dir,
			    strerror(errno));
			return -1;
		}
	}
	if (file_read(buf_str(&t->path), &t->text) == 0) {
		t->exists = true;
		return 0;
	}
	if (errno == ENOENT || errno == ENOTDIR)
		return 0;
	say_abort(s, "%s: %s", buf_str(&t->path), strerror(errno));
	return -1;
}

int
table_open_filled(const struct setup *s, struct table *t, const char *file)
{
	if (table_open(s, t, file, false) == -1)
		return -1;
	if (!t->exists)
		say_abort(s, "'%s' does not exist", buf_str(&t->path));
	else if (t->text.n == 0)
		say_abort(s, "'%s' is empty, nothing to list",
		    buf_str(&t->path));
	return t->exists && t->text.n > 0 ? 0 : -1;
}

int
table_save(const struct setup *s, struct table *t, mode_t mode)
{
	if (!buf_ok(&t->text)) {
		say_abort(s, "%s: the file would become too large",
		    buf_str(&t->path));
		return -1;
	}
	if (file_replace(buf_str(&t->path), buf_slice(&t->text), mode) == 0)
		return 0;
	say_abort(s, "%s: %s", buf_str(&t->path), strerror(errno));
	return -1;
}

void
table_close(struct table *t)
{
	if (t->lock != -1)
		close(t->lock);
	t->lock = -1;
	buf_release(&t->path);
	buf_wipe(&t->text);
}

bool
table_find(const struct table *t, struct slice key, const char *delimiters,
    struct slice *line)
{
	struct slice rest = buf_slice(&t->text);

	while (slice_line(&rest, line))
		if (line->n > key.n && slice_istarts(*line, key) &&
		    line->p[key.n] != '\0' &&
		    strchr(delimiters, line->p[key.n]) != NULL)
			return true;
	return false;
}

void
table_replace(struct table *t, struct slice old, struct slice line)
{
	struct buf text = BUF_INIT(LIMIT_CONFIG_FILE);
	struct slice all = buf_slice(&t->text);
	size_t start = (size_t)(old.p - all.p);
	size_t end = start + old.n;

	buf_add_slice(&text, slice_head(all, start));
	if (line.n > 0) {
		buf_add_slice(&text, line);
		buf_add_slice(&text, slice_from(all, end));
		if (end == all.n)
			buf_addc(&text, '\n');
	} else {
		while (end < all.n && all.p[end] == '\r')
			end++;
		if (end < all.n && all.p[end] == '\n')
			end++;
		buf_add_slice(&text, slice_from(all, end));
	}
	buf_wipe(&t->text);
	t->text = text;
}

void
table_append(struct table *t, struct slice line)
{
	if (t->text.n > 0 && t->text.p[t->text.n - 1] != '\n')
		buf_addc(&t->text, '\n');
	buf_add_slice(&t->text, line);
	buf_addc(&t->text, '\n');
}

bool
table_next(struct slice *rest, struct slice *line)
{
	while (slice_line(rest, line)) {
		*line = slice_trim(*line);
		if (line->n > 0 && line->p[0] != '#')
			return true;
	}
	return false;
}

static bool
is_separator(char c)
{
	return c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool
alias_next(struct slice *rest, struct slice *target)
{
	size_t n = 0;

	while (rest->n > 0 && is_separator(rest->p[0]))
		*rest = slice_from(*rest, 1);
	while (n < rest->n && !is_separator(rest->p[n]))
		n++;
	*target = slice_head(*rest, n);
	*rest = slice_from(*rest, n);
	return n > 0;
}

bool
alias_has(struct slice targets, struct slice target)
{
	struct slice t;

	while (alias_next(&targets, &t))
		if (slice_ieq(t, target))
			return true;
	return false;
}

/* Appends an alias (its line and the continuation lines) without target. */
static bool
copy_without(struct slice alias, const struct slice *key, struct slice target,
    struct buf *out)
{
	struct slice rest = alias, name, t;
	size_t before = out->n;
	bool any = false;

	alias_next(&rest, &name);
	if ((key != NULL && !slice_ieq(name, *key)) ||
	    !alias_has(rest, target)) {
		buf_add_slice(out, alias);
		return false;
	}
	buf_add_slice(out, name);
	while (alias_next(&rest, &t)) {
		if (slice_ieq(t, target))
			continue;
		buf_addc(out, any ? ',' : ' ');
		buf_add_slice(out, t);
		any = true;
	}
	if (any)
		buf_addc(out, '\n');
	else
		buf_truncate(out, before);
	return true;
}

bool
alias_remove(struct table *t, const struct slice *key, struct slice target)
{
	struct buf out = BUF_INIT(LIMIT_CONFIG_FILE);
	struct slice rest = buf_slice(&t->text), line, alias = { 0 };
	bool changed = false;

	while (rest.n > 0) {
		const char *start = rest.p;
		struct slice full;

		slice_line(&rest, &line);
		full = slice_of(start, (size_t)(rest.p - start));
		if (alias.n > 0 && line.n > 0 &&
		    (line.p[0] == ' ' || line.p[0] == '\t')) {
			alias.n += full.n;
			continue;
		}
		if (alias.n > 0)
			changed |= copy_without(alias, key, target, &out);
		alias = slice_of(NULL, 0);
		if (slice_trim(line).n == 0 || slice_trim(line).p[0] == '#')
			buf_add_slice(&out, full);
		else
			alias = full;
	}
	if (alias.n > 0)
		changed |= copy_without(alias, key, target, &out);
	buf_wipe(&t->text);
	t->text = out;
	return changed;
}

bool
table_has(const struct setup *s, const char *file, struct slice key,
    const char *delimiters)
{
	struct table t;
	struct slice line;
	bool r = table_open(s, &t, file, false) == 0 &&
	    table_find(&t, key, delimiters, &line);

	table_close(&t);
	return r;
}
