#include "conf/conf_accounts.h"

#include "conf/conf.h"
#include "conf/conf_lines.h"

void
conf_accounts_init(struct conf_accounts *a)
{
	*a = (struct conf_accounts){ 0 };
	map_init(&a->by_address);
}

void
conf_accounts_release(struct conf_accounts *a)
{
	map_release(&a->by_address, NULL);
	mem_free(a->list);
	arena_release(&a->arena);
	*a = (struct conf_accounts){ 0 };
}

static const char *
check_address(struct conf_account *out)
{
	if (slice_find(out->address, '@') < 0)
		return "is not a full address (user@domain)";
	if (!conf_is_mailbox(out->address))
		return "cannot be the address of a mailbox";
	out->domain = slice_from(out->address,
	    (size_t)slice_rfind(out->address, '@') + 1);
	return NULL;
}

/* A colon would end the name in docker-mailserver's passwd-file. */
bool
conf_is_master(struct slice name)
{
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] <= ' ' || name.p[i] == 0x7f ||
		    strchr("*|:", name.p[i]) != NULL)
			return false;
	return name.n > 0 && name.n < LIMIT_ADDRESS && name.p[0] != '#';
}

static const char *
check_master(struct conf_account *out)
{
	return conf_is_master(out->address) ? NULL :
	    "cannot be the name of a master";
}

/* "login|hash[|fields]", dms 3.3. */
static const char *
parse_line(struct slice line, const char *(*check)(struct conf_account *),
    struct conf_account *out)
{
	struct slice rest = slice_trim(line);
	const char *wrong;

	slice_split(&rest, '|', &out->address);
	out->address = slice_trim(out->address);
	wrong = check(out);
	if (wrong != NULL)
		return wrong;
	out->hash = S("");
	slice_split(&rest, '|', &out->hash);
	out->hash = slice_trim(out->hash);
	if (out->hash.n == 0)
		return "has no password hash (user@domain|{SCHEME}hash)";
	out->extra = slice_trim(rest);
	return NULL;
}

static void
add(struct conf_accounts *a, const struct conf_account *from, size_t *cap)
{
	struct conf_account *to;
	char key[LIMIT_ADDRESS];

	if (a->n == *cap) {
		*cap = *cap == 0 ? 64 : *cap * 2;
		a->list = mem_grow(a->list, *cap, sizeof(a->list[0]));
	}
	to = &a->list[a->n++];
	to->line = from->line;
	to->address = arena_slice(&a->arena, from->address);
	to->domain = slice_from(to->address, to->address.n - from->domain.n);
	to->hash = arena_slice(&a->arena, from->hash);
	to->extra = arena_slice(&a->arena, from->extra);
	/* The list may still move: the map holds index + 1. */
	map_put(&a->by_address, conf_fold(to->address, key),
	    (void *)(uintptr_t)a->n);
}

static int
parse(struct conf_accounts *a, const char *path, struct slice text,
    const char *(*check)(struct conf_account *),
    struct conf_problems *problems)
{
	struct conf_lines lines;
	struct slice line;
	size_t cap = 0;
	bool ok = true;

	conf_lines_init(&lines, path, text, problems);
	while (conf_lines_next(&lines, &line)) {
		struct conf_account account = { .line = lines.line };
		const struct conf_account *first;
		const char *wrong = parse_line(line, check, &account);

		if (wrong != NULL) {
			struct slice shown = slice_head(account.address, 100);

			ok = false;
			conf_problem_at(problems, LOG_ERROR, path, lines.line,
			    0, "'%.*s' %s", SLICE_ARG(shown), wrong);
			continue;
		}
		first = conf_accounts_find(a, account.address);
		if (first != NULL) {
			conf_problem_at(problems, LOG_WARN, path, lines.line, 0,
			    "'%.*s' is already in line %u, which counts",
			    SLICE_ARG(account.address), first->line);
			continue;
		}
		add(a, &account, &cap);
	}
	return ok && !lines.bad ? 0 : -1;
}

int
conf_accounts_parse(struct conf_accounts *a, const char *path,
    struct slice text, struct conf_problems *problems)
{
	return parse(a, path, text, check_address, problems);
}

int
conf_masters_parse(struct conf_accounts *a, const char *path,
    struct slice text, struct conf_problems *problems)
{
	return parse(a, path, text, check_master, problems);
}

const struct conf_account *
conf_accounts_find(const struct conf_accounts *a, struct slice address)
{
	char key[LIMIT_ADDRESS];
	uintptr_t found =
	    (uintptr_t)map_get(&a->by_address, conf_fold(address, key));

	return found != 0 ? &a->list[found - 1] : NULL;
}

bool
conf_account_field(struct slice *extra, struct slice *key, struct slice *value)
{
	struct slice word;
	ssize_t eq;

	if (!slice_word(extra, &word))
		return false;
	eq = slice_find(word, '=');
	*key = eq < 0 ? word : slice_head(word, (size_t)eq);
	*value = eq < 0 ? S("") : slice_from(word, (size_t)eq + 1);
	return true;
}

bool
conf_account_may_log_in(const struct conf_account *a)
{
	struct slice extra = a->extra, key, value;

	while (conf_account_field(&extra, &key, &value))
		if (slice_ieq(key, S("nologin")) &&
		    !slice_ieq(value, S("n")) && !slice_ieq(value, S("no")))
			return false;
	return true;
}
