#include "conf/conf_dkim.h"

#include "conf/conf.h"
#include "conf/conf_lines.h"
#include "core/limits.h"
#include "core/map.h"

/* Longest name, domain, selector or pattern of the tables. */
#define WORD_MAX 512

void
conf_dkim_init(struct conf_dkim *d)
{
	*d = (struct conf_dkim){ 0 };
}

void
conf_dkim_release(struct conf_dkim *d)
{
	mem_free(d->keys);
	mem_free(d->rules);
	mem_free(d->trusted);
	arena_release(&d->arena);
	*d = (struct conf_dkim){ 0 };
}

/* Room for one more element behind n of them; grows at powers of two. */
static void *
room(void *list, size_t n, size_t size)
{
	return (n & (n - 1)) == 0 ? mem_grow(list, n == 0 ? 1 : n * 2, size) :
	    list;
}

void
conf_dkim_add_key(struct conf_dkim *d, const struct conf_dkim_key *key)
{
	d->keys = room(d->keys, d->key_count, sizeof(d->keys[0]));
	d->keys[d->key_count++] = *key;
}

void
conf_dkim_add_rule(struct conf_dkim *d, const struct conf_dkim_rule *rule)
{
	d->rules = room(d->rules, d->rule_count, sizeof(d->rules[0]));
	d->rules[d->rule_count++] = *rule;
}

/* "name domain:selector:path", dms 3.8. */
static const char *
parse_key(struct conf_dkim *d, const char *config_dir, struct slice line,
    struct conf_dkim_key *out)
{
	struct slice name, rest, domain, selector, path;

	if (!slice_word(&line, &name) || name.n > WORD_MAX)
		return "the name is too long";
	rest = slice_trim(line);
	if (!slice_split(&rest, ':', &domain) ||
	    !slice_split(&rest, ':', &selector) || rest.n == 0)
		return "expected 'name domain:selector:/path/of/the/key'";
	path = rest;
	if (!slice_eq(domain, S("%")) && !conf_is_host(domain))
		return "the domain is not a domain name";
	if (!conf_is_host(selector))
		return "the selector is not a name";
	if (path.p[0] != '/' || path.n > WORD_MAX)
		return "the key is not a path that starts with /";
	out->name = arena_slice(&d->arena, name);
	out->domain = arena_slice(&d->arena, domain);
	out->selector = arena_slice(&d->arena, selector);
	if (slice_starts(path, S(CONF_DKIM_PREFIX))) {
		path = slice_from(path, sizeof(CONF_DKIM_PREFIX) - 1);
		out->path = arena_printf(&d->arena, "%s/" CONF_DKIM_DIR "/%.*s",
		    config_dir, SLICE_ARG(path));
	} else {
		out->path = arena_dup(&d->arena, path);
	}
	return NULL;
}

/* Fills by_name with index + 1 of each key. */
static bool
parse_keys(struct conf_dkim *d, const char *config_dir, struct slice text,
    struct map *by_name, struct conf_problems *problems)
{
	const char *path =
	    arena_printf(&d->arena, "%s/" CONF_DKIM_KEY_TABLE, config_dir);
	struct conf_lines lines;
	struct slice line;
	bool ok = true;

	conf_lines_init(&lines, path, text, problems);
	while (conf_lines_next(&lines, &line)) {
		struct conf_dkim_key key = { .line = lines.line };
		const char *wrong = parse_key(d, config_dir, line, &key);
		uintptr_t first;

		if (wrong != NULL) {
			ok = false;
			conf_problem_at(problems, LOG_ERROR, path, lines.line,
			    0, "%s", wrong);
			continue;
		}
		first = (uintptr_t)map_get(by_name, key.name);
		if (first != 0) {
			conf_problem_at(problems, LOG_WARN, path, lines.line, 0,
			    "'%.*s' is already in line %u, which counts",
			    SLICE_ARG(key.name), d->keys[first - 1].line);
			continue;
		}
		conf_dkim_add_key(d, &key);
		map_put(by_name, key.name, (void *)(uintptr_t)d->key_count);
	}
	return ok && !lines.bad;
}

static void
report_unknown_key(const struct conf_dkim *d, const char *path, unsigned line,
    struct slice name, struct conf_problems *problems)
{
	struct slice best = S("");
	unsigned distance = 4;
	/* Not for a file of nothing but mistakes: that would take long. */
	bool search = problems != NULL && problems->errors < 100;

	for (size_t i = 0; search && i < d->key_count && i < 1000; i++) {
		unsigned n = conf_distance(name, d->keys[i].name, 3);

		if (n < distance) {
			distance = n;
			best = d->keys[i].name;
		}
	}
	name = slice_head(name, 100);
	if (best.n > 0)
		conf_problem_at(problems, LOG_ERROR, path, line, 0,
		    "no key '%.*s' in KeyTable; did you mean '%.*s'?",
		    SLICE_ARG(name), SLICE_ARG(best));
	else
		conf_problem_at(problems, LOG_ERROR, path, line, 0,
		    "no key '%.*s' in KeyTable", SLICE_ARG(name));
}

/* "pattern name", dms 3.8. */
static bool
parse_rules(struct conf_dkim *d, const char *config_dir, struct slice text,
    const struct map *by_name, struct conf_problems *problems)
{
	const char *path =
	    arena_printf(&d->arena, "%s/" CONF_DKIM_SIGNING_TABLE, config_dir);
	struct conf_lines lines;
	struct slice line;
	bool ok = true;

	conf_lines_init(&lines, path, text, problems);
	while (conf_lines_next(&lines, &line)) {
		struct slice pattern, name = S("");
		uintptr_t key;

		slice_word(&line, &pattern);
		if (!slice_word(&line, &name) || slice_trim(line).n != 0 ||
		    pattern.n > WORD_MAX) {
			ok = false;
			conf_problem_at(problems, LOG_ERROR, path, lines.line,
			    0, "expected 'pattern name-in-KeyTable'");
			continue;
		}
		key = (uintptr_t)map_get(by_name, name);
		if (key == 0) {
			ok = false;
			report_unknown_key(d, path, lines.line, name, problems);
			continue;
		}
		conf_dkim_add_rule(d, &(struct conf_dkim_rule){
			.pattern = arena_slice(&d->arena, pattern),
			.key = &d->keys[key - 1],
			.line = lines.line,
		});
	}
	return ok && !lines.bad;
}

static bool
parse_trusted(struct conf_dkim *d, const char *config_dir, struct slice text,
    struct conf_problems *problems)
{
	const char *path =
	    arena_printf(&d->arena, "%s/" CONF_DKIM_TRUSTED_HOSTS, config_dir);
	struct conf_lines lines;
	struct slice line;
	bool ok = true;

	conf_lines_init(&lines, path, text, problems);
	while (conf_lines_next(&lines, &line)) {
		line = slice_trim(line);
		if (line.n > WORD_MAX || slice_find(line, ' ') >= 0 ||
		    slice_find(line, '\t') >= 0) {
			ok = false;
			conf_problem_at(problems, LOG_ERROR, path, lines.line,
			    0, "expected one host, network or domain");
			continue;
		}
		d->trusted = room(d->trusted, d->trusted_count,
		    sizeof(d->trusted[0]));
		d->trusted[d->trusted_count++] = arena_slice(&d->arena, line);
	}
	return ok && !lines.bad;
}

bool
conf_dkim_is_rspamd(const struct conf_dkim_files *files)
{
	struct slice rest = files->key_table, line;

	if (!files->rspamd_first)
		return !files->has_key_table && files->rspamd.n > 0;
	while (slice_line(&rest, &line))
		if (slice_eq(slice_trim(line), S(CONF_DKIM_TAKEN_OVER)))
			return false;
	return true;
}

int
conf_dkim_parse(struct conf_dkim *d, const char *config_dir,
    const struct conf_dkim_files *files, struct conf_problems *problems)
{
	struct map by_name;
	bool ok;

	ok = parse_trusted(d, config_dir, files->trusted_hosts, problems);
	if (conf_dkim_is_rspamd(files)) {
		conf_dkim_parse_rspamd(d, config_dir, files->rspamd, problems);
		return ok ? 0 : -1;
	}
	map_init(&by_name);
	ok &= parse_keys(d, config_dir, files->key_table, &by_name, problems);
	ok &= parse_rules(d, config_dir, files->signing_table, &by_name,
	    problems);
	map_release(&by_name, NULL);
	return ok ? 0 : -1;
}

/* Matches with "*"; on a mismatch only the last star takes one byte more. */
static bool
matches(struct slice pattern, struct slice s)
{
	size_t p = 0, i = 0, star = SIZE_MAX, back = 0;

	while (i < s.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = p++;
			back = i;
		} else if (p < pattern.n &&
		    ascii_lower(pattern.p[p]) == ascii_lower(s.p[i])) {
			p++;
			i++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			i = ++back;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}

/* The first rule for all of a domain by a key that names a domain: with "%"
 * it would be one that nobody published for the domains below. */
static const struct conf_dkim_rule *
rule_of(const struct conf_dkim *d, struct slice domain)
{
	for (size_t i = 0; i < d->rule_count; i++) {
		const struct conf_dkim_rule *r = &d->rules[i];

		if (r->pattern.n == domain.n + 2 &&
		    slice_starts(r->pattern, S("*@")) &&
		    slice_iends(r->pattern, domain) &&
		    !slice_eq(r->key->domain, S("%")))
			return r;
	}
	return NULL;
}

const struct conf_dkim_rule *
conf_dkim_match(const struct conf_dkim *d, struct slice address)
{
	const struct conf_dkim_rule *r = NULL;
	struct slice domain = address, label;

	if (address.n > LIMIT_ADDRESS)
		return NULL;
	for (size_t i = 0; i < d->rule_count; i++)
		if (matches(d->rules[i].pattern, address))
			return &d->rules[i];
	while (slice_find(domain, '@') >= 0)
		domain = slice_from(domain,
		    (size_t)slice_find(domain, '@') + 1);
	if (domain.n == address.n || d->exact)
		return NULL;
	/* From the nearest domain above up: that is aligned (RFC 7489 3.1.1),
	 * and a signature more than OpenDKIM would make. */
	while (r == NULL && slice_split(&domain, '.', &label) && domain.n > 0)
		r = rule_of(d, domain);
	return r;
}

const struct conf_dkim_rule *
conf_dkim_rule_of(const struct conf_dkim *d, const struct conf_dkim_key *key)
{
	for (size_t i = 0; i < d->rule_count; i++)
		if (d->rules[i].key == key)
			return &d->rules[i];
	return NULL;
}
