#include "conf/conf_scram.h"

#include "conf/conf.h"
#include "conf/conf_lines.h"
#include "core/base64.h"
#include "core/rand.h"

void
conf_scram_init(struct conf_scram *s)
{
	*s = (struct conf_scram){ 0 };
	map_init(&s->by_name);
}

void
conf_scram_release(struct conf_scram *s)
{
	map_release(&s->by_name, NULL);
	arena_release(&s->arena);
	mem_wipe(s->secret, sizeof(s->secret));
}

/* "{SCRAM-SHA-1}..." */
static int
parse_tagged(struct slice text, enum scram_hash hash,
    struct scram_verifier *v, const char **why)
{
	struct slice name = slice_str(scram_hash_name(hash));

	if (text.n < name.n + 2 || text.p[0] != '{' ||
	    text.p[name.n + 1] != '}' ||
	    !slice_ieq(slice_of(text.p + 1, name.n), name))
		return fail(why, "another scheme");
	return scram_verifier_parse(v, hash, slice_from(text, name.n + 2),
	    why);
}

static int
parse_secret(struct conf_scram *s, struct slice text, const char **why)
{
	struct buf b = BUF_INIT(CONF_SCRAM_SECRET);
	bool ok = base64_decode(&b, text) == 0 && b.n == CONF_SCRAM_SECRET;

	if (ok) {
		memcpy(s->secret, b.p, b.n);
		s->has_secret = true;
	}
	buf_wipe(&b);
	return ok ? 0 : fail(why, "malformed secret");
}

static int
parse_line(struct conf_scram *s, struct slice line, const char **why)
{
	struct conf_scram_entry e = { 0 }, *kept;
	struct slice name = S(""), part;
	char key[LIMIT_ADDRESS];

	slice_split(&line, '|', &name);
	if (slice_eq(name, S("secret")))
		return parse_secret(s, line, why);
	if (name.n == 0 || name.n > LIMIT_ADDRESS ||
	    !slice_split(&line, '|', &e.hash))
		return fail(why, "malformed line");
	for (unsigned i = 0; i < SCRAM_HASHES; i++) {
		part = S("");
		slice_split(&line, '|', &part);
		if (parse_tagged(part, i, &e.verifiers[i], why) == -1)
			return -1;
	}
	if (line.n > 0)
		return fail(why, "malformed line");
	kept = arena_alloc(&s->arena, sizeof(*kept));
	*kept = e;
	kept->hash = arena_slice(&s->arena, e.hash);
	map_put(&s->by_name, conf_fold(name, key), kept);
	return 0;
}

void
conf_scram_parse(struct conf_scram *s, const char *path, struct slice text,
    struct conf_problems *problems)
{
	struct conf_lines lines;
	struct slice line;
	const char *why;

	conf_lines_init(&lines, path, text, problems);
	while (conf_lines_next(&lines, &line))
		if (parse_line(s, slice_trim(line), &why) == -1)
			conf_problem_at(problems, LOG_WARN, path, lines.line,
			    0, "%s", why);
}

int
conf_scram_find(const struct conf_scram *s, struct slice name,
    struct slice account_hash, enum scram_hash hash,
    struct scram_verifier *out)
{
	const struct conf_scram_entry *e;
	char key[LIMIT_ADDRESS];

	if (parse_tagged(account_hash, hash, out, NULL) == 0)
		return 0;
	if (name.n > LIMIT_ADDRESS)
		return -1;
	e = map_get(&s->by_name, conf_fold(name, key));
	if (e == NULL || !slice_eq(e->hash, account_hash))
		return -1;
	*out = e->verifiers[hash];
	return 0;
}

void
conf_scram_master(struct slice master, struct buf *out)
{
	buf_addc(out, CONF_MASTER_SEPARATOR);
	buf_add_slice(out, master);
}

static bool
covers_masters(const struct conf_scram *s, const struct conf_accounts *masters,
    enum scram_hash hash)
{
	struct scram_verifier v;
	bool all = true;

	for (size_t i = 0; i < masters->n && all; i++) {
		const struct conf_account *m = &masters->list[i];
		struct buf name = BUF_INIT(LIMIT_ADDRESS);

		conf_scram_master(m->address, &name);
		all = !conf_account_may_log_in(m) ||
		    conf_scram_find(s, buf_slice(&name), m->hash, hash,
		    &v) == 0;
		buf_release(&name);
	}
	return all;
}

bool
conf_scram_covers(const struct conf_scram *s,
    const struct conf_accounts *accounts, const struct conf_accounts *masters,
    enum scram_hash hash)
{
	struct scram_verifier v;
	size_t found = 0;

	for (size_t i = 0; i < accounts->n; i++) {
		const struct conf_account *a = &accounts->list[i];

		if (!conf_account_may_log_in(a))
			continue;
		if (conf_scram_find(s, a->address, a->hash, hash, &v) == -1)
			return false;
		found++;
	}
	return found > 0 && covers_masters(s, masters, hash);
}

void
conf_scram_format(struct slice name, struct slice account_hash,
    const struct scram_verifier verifiers[SCRAM_HASHES], struct buf *out)
{
	buf_add_slice(out, name);
	buf_addc(out, '|');
	buf_add_slice(out, account_hash);
	for (unsigned i = 0; i < SCRAM_HASHES; i++) {
		buf_addf(out, "|{%s}", scram_hash_name(i));
		scram_verifier_format(&verifiers[i], i, out);
	}
}

static bool
is_line_of(struct slice line, struct slice name)
{
	return line.n > name.n && slice_istarts(line, name) &&
	    line.p[name.n] == '|';
}

static void
add_secret(struct buf *out)
{
	unsigned char secret[CONF_SCRAM_SECRET];

	rand_bytes(secret, sizeof(secret));
	buf_adds(out, "secret|");
	base64_encode(out, slice_of(secret, sizeof(secret)));
	buf_addc(out, '\n');
	mem_wipe(secret, sizeof(secret));
}

void
conf_scram_put(struct buf *text, struct slice name, struct slice line)
{
	struct buf out = BUF_INIT(LIMIT_CONFIG_FILE);
	struct slice rest = buf_slice(text), old;
	bool secret = false;

	while (slice_line(&rest, &old)) {
		secret |= is_line_of(old, S("secret"));
		if (is_line_of(old, name)) {
			if (line.n == 0)
				continue;
			old = line;
			line = S("");
		}
		buf_add_slice(&out, old);
		buf_addc(&out, '\n');
	}
	if (line.n > 0) {
		buf_add_slice(&out, line);
		buf_addc(&out, '\n');
	}
	if (!secret)
		add_secret(&out);
	buf_wipe(text);
	*text = out;
}
