/* Accounts, aliases and hosted domains. See directory.h. */
#include "services/auth/directory.h"

#include "core/limits.h"
#include "mail/addr.h"

/* Every address looked at while one is expanded, final or not. */
#define STEPS_MAX (2 * LIMIT_ALIAS_TARGETS)

void
directory_init(struct directory *d)
{
	*d = (struct directory){ 0 };
	conf_accounts_init(&d->accounts);
	conf_virtual_init(&d->aliases);
	map_init(&d->domains);
}

void
directory_release(struct directory *d)
{
	conf_accounts_release(&d->accounts);
	conf_virtual_release(&d->aliases);
	map_release(&d->domains, NULL);
}

void
directory_configure(struct directory *d, const char *hostname,
    const char *postmaster, const char *delimiter)
{
	d->hostname = slice_str(hostname);
	d->postmaster = slice_str(postmaster);
	d->delimiter = delimiter != NULL ? delimiter[0] : 0;
}

static struct slice
fold(struct slice s, char *out, size_t size)
{
	if (s.n > size)
		return S("");
	for (size_t i = 0; i < s.n; i++)
		out[i] = ascii_lower(s.p[i]);
	return slice_of(out, s.n);
}

static void
add_domain(struct directory *d, struct slice domain)
{
	char key[LIMIT_DOMAIN];

	domain = fold(domain, key, sizeof(key));
	if (domain.n > 0)
		map_put(&d->domains, domain, d);
}

/* dms 3.4: domains of accounts and of alias keys with an @ are hosted. */
static void
collect_domains(struct directory *d)
{
	map_release(&d->domains, NULL);
	map_init(&d->domains);
	for (size_t i = 0; i < d->accounts.n; i++)
		add_domain(d, d->accounts.list[i].domain);
	for (size_t i = 0; i < d->aliases.n; i++)
		add_domain(d, addr_domain_of(d->aliases.list[i].key));
}

/* Logs what was found; the first error becomes the reason. */
static void
report(const struct conf_problems *problems, struct buf *why)
{
	bool first = true;

	for (size_t i = 0; i < problems->n; i++) {
		const struct conf_problem *p = &problems->list[i];
		struct log_line l;

		if (p->level == LOG_ERROR && first) {
			buf_adds(why, p->text);
			first = false;
		}
		log_begin(&l, p->level, "config");
		log_str(&l, "problem", p->text);
		log_end(&l);
	}
}

int
directory_set_accounts(struct directory *d, const struct slice *text,
    struct buf *why)
{
	struct conf_accounts fresh;
	struct conf_problems problems;
	int r;

	conf_accounts_init(&fresh);
	conf_problems_init(&problems);
	r = conf_accounts_parse(&fresh, CONF_ACCOUNTS_FILE,
	    text != NULL ? *text : S(""), &problems);
	report(&problems, why);
	conf_problems_release(&problems);
	if (r == -1) {
		conf_accounts_release(&fresh);
		return -1;
	}
	conf_accounts_release(&d->accounts);
	d->accounts = fresh;
	collect_domains(d);
	return 0;
}

int
directory_set_aliases(struct directory *d, const struct slice *text,
    struct buf *why)
{
	struct conf_virtual fresh;
	struct conf_problems problems;
	int r;

	conf_virtual_init(&fresh);
	conf_problems_init(&problems);
	r = conf_virtual_parse(&fresh, CONF_VIRTUAL_FILE,
	    text != NULL ? *text : S(""), &problems);
	report(&problems, why);
	conf_problems_release(&problems);
	if (r == -1) {
		conf_virtual_release(&fresh);
		return -1;
	}
	conf_virtual_release(&d->aliases);
	d->aliases = fresh;
	collect_domains(d);
	return 0;
}

bool
directory_hosts(const struct directory *d, struct slice domain)
{
	char key[LIMIT_DOMAIN];

	if (domain.n == 0)
		return false;
	if (slice_ieq(domain, d->hostname))
		return true;
	domain = fold(domain, key, sizeof(key));
	return domain.n > 0 && map_get(&d->domains, domain) != NULL;
}

const struct conf_account *
directory_account(const struct directory *d, struct slice address)
{
	return address.n > 0 ? conf_accounts_find(&d->accounts, address) : NULL;
}

/* --- one step ------------------------------------------------------------- */

/* A normalized address, taken apart. */
struct name {
	struct slice text;
	struct slice local;
	struct slice domain;
	struct slice base; /* local without the detail */
	bool detailed;
};

static struct name
name_of(const struct directory *d, struct slice text)
{
	struct name n = { .text = text };
	ssize_t at = slice_rfind(text, '@');
	struct slice detail;

	n.local = slice_head(text, (size_t)at);
	n.domain = slice_from(text, (size_t)at + 1);
	n.base = n.local;
	if (n.local.n > 0 && n.local.p[0] != '"')
		n.detailed = addr_detail(n.local, d->delimiter, &n.base,
		    &detail);
	return n;
}

static struct slice
join(struct slice local, struct slice domain, char key[LIMIT_ADDRESS])
{
	if (local.n + 1 + domain.n > LIMIT_ADDRESS)
		return S("");
	if (local.n > 0)
		memcpy(key, local.p, local.n);
	key[local.n] = '@';
	memcpy(key + local.n + 1, domain.p, domain.n);
	return slice_of(key, local.n + 1 + domain.n);
}

/* The alias user@domain, or the bare user where that means our host. */
static const struct conf_alias *
alias_at(const struct directory *d, struct slice local, struct slice domain)
{
	char key[LIMIT_ADDRESS];
	struct slice full = join(local, domain, key);
	const struct conf_alias *a = NULL;

	if (full.n > 0)
		a = conf_virtual_find(&d->aliases, full);
	if (a == NULL && local.n > 0 && slice_ieq(domain, d->hostname))
		a = conf_virtual_find(&d->aliases, local);
	return a;
}

static const struct conf_account *
account_at(const struct directory *d, struct slice local, struct slice domain)
{
	char key[LIMIT_ADDRESS];

	return directory_account(d, join(local, domain, key));
}

/*
 * Names that must reach a person at every domain of ours: postmaster by RFC
 * 5321 4.5.1, abuse by RFC 2142 section 4; root at our host only (dms 1.4).
 */
static bool
is_system(const struct directory *d, const struct name *n)
{
	if (slice_ieq(n->base, S("postmaster")) ||
	    slice_ieq(n->base, S("abuse")))
		return true;
	return slice_ieq(n->base, S("root")) &&
	    slice_ieq(n->domain, d->hostname);
}

/* What one lookup finds: a mailbox or targets. */
struct step {
	const struct conf_account *account;
	const struct slice *targets;
	size_t n;
	bool without_detail; /* found by what stands before the detail */
	bool system;
};

static bool
step_alias(struct step *s, const struct conf_alias *a)
{
	if (a == NULL)
		return false;
	s->targets = a->targets;
	s->n = a->n;
	return true;
}

static bool
look(const struct directory *d, const struct name *n, struct step *s)
{
	*s = (struct step){ 0 };
	if (step_alias(s, alias_at(d, n->local, n->domain)))
		return true;
	s->account = account_at(d, n->local, n->domain);
	if (s->account != NULL)
		return true;
	if (n->detailed) {
		s->without_detail = true;
		if (step_alias(s, alias_at(d, n->base, n->domain)))
			return true;
		s->account = account_at(d, n->base, n->domain);
		if (s->account != NULL)
			return true;
		s->without_detail = false;
	}
	if (step_alias(s, alias_at(d, S(""), n->domain)))
		return true;
	if (is_system(d, n) && d->postmaster.n > 0) {
		s->targets = &d->postmaster;
		s->n = 1;
		s->system = true;
		return true;
	}
	return false;
}

/*
 * Writes a target as an address: a bare name is at our host, "@domain" is the
 * same user there (virtual(5)). -1 if it is none.
 */
static int
target_address(const struct directory *d, struct slice target,
    const struct name *from, struct buf *text, struct addr *out)
{
	if (target.n > 0 && target.p[0] == '@' && from != NULL)
		buf_add_slice(text, from->local);
	buf_add_slice(text, target);
	if (slice_rfind(target, '@') < 0) {
		buf_addc(text, '@');
		buf_add_slice(text, d->hostname);
	}
	if (!buf_ok(text))
		return -1;
	return addr_parse(buf_slice(text), ADDR_UTF8, out, NULL);
}

/* --- the whole way -------------------------------------------------------- */

struct expansion {
	const struct directory *d;
	struct directory_targets *out;
	struct map seen;   /* normalized address: &open or &closed */
	struct map finals; /* what is in out already */
	size_t cap;
	size_t steps;
	bool loop;
};

static char open_mark, closed_mark;

static void
add_final(struct expansion *e, enum wire_target_kind kind,
    struct slice address, struct slice key)
{
	struct directory_targets *out = e->out;

	if (map_get(&e->finals, key) != NULL)
		return;
	if (out->n >= LIMIT_ALIAS_TARGETS) {
		e->loop = true;
		return;
	}
	if (out->n == e->cap) {
		e->cap = e->cap == 0 ? 4 : e->cap * 2;
		out->list = mem_grow(out->list, e->cap, sizeof(out->list[0]));
	}
	out->list[out->n].kind = kind;
	out->list[out->n].address = arena_slice(&out->arena, address);
	out->n++;
	map_put(&e->finals, key, e);
}

static void
add_account(struct expansion *e, const struct conf_account *account)
{
	char key[LIMIT_ADDRESS];
	struct slice canonical = fold(account->address, key, sizeof(key));

	add_final(e, WIRE_TARGET_LOCAL, canonical, canonical);
}

static void
warn_target(struct slice target, const char *why)
{
	struct log_line l;

	log_begin(&l, LOG_WARN, "alias-target");
	log_slice(&l, "target", target);
	log_str(&l, "problem", why);
	log_end(&l);
}

/*
 * An alias that names itself: the mailbox is meant. For postmaster there must
 * be one (RFC 5321 4.5.1): without any, the first account gets the mail.
 */
static void
add_self(struct expansion *e, const struct name *n, bool system)
{
	const struct directory *d = e->d;
	const struct conf_account *account =
	    account_at(d, n->local, n->domain);

	if (account == NULL)
		account = account_at(d, n->base, n->domain);
	if (account == NULL && system && d->accounts.n > 0)
		account = &d->accounts.list[0];
	if (account != NULL)
		add_account(e, account);
	else
		warn_target(n->text, "no such mailbox");
}

/* The detail goes on a target that has none of its own and has room. */
static void
attach_detail(const struct directory *d, struct slice detail, struct addr *a,
    char local[LIMIT_LOCAL_PART])
{
	struct slice base, own;

	if (detail.n == 0 || a->quoted || detail.p[0] == '"' ||
	    addr_detail(a->local, d->delimiter, &base, &own) ||
	    a->local.n + 1 + detail.n > LIMIT_LOCAL_PART)
		return;
	memcpy(local, a->local.p, a->local.n);
	local[a->local.n] = d->delimiter;
	memcpy(local + a->local.n + 1, detail.p, detail.n);
	a->local = slice_of(local, a->local.n + 1 + detail.n);
}

static void follow(struct expansion *e, const struct addr *a,
    const struct name *parent, bool system, unsigned depth);

static void
follow_targets(struct expansion *e, const struct addr *a,
    const struct name *n, const struct step *s, unsigned depth)
{
	struct slice base, detail = S("");

	if (s->without_detail)
		addr_detail(a->local, e->d->delimiter, &base, &detail);
	for (size_t i = 0; i < s->n && e->steps < STEPS_MAX; i++) {
		struct buf text = BUF_INIT(2 * LIMIT_ADDRESS);
		char local[LIMIT_LOCAL_PART];
		struct addr to;

		if (target_address(e->d, s->targets[i], n, &text, &to) == -1) {
			warn_target(s->targets[i], "not an address");
		} else {
			attach_detail(e->d, detail, &to, local);
			follow(e, &to, n, s->system, depth + 1);
		}
		buf_release(&text);
	}
}

/* parent is the alias that led here, NULL at the start. */
static void
follow(struct expansion *e, const struct addr *a, const struct name *parent,
    bool system, unsigned depth)
{
	struct buf key = BUF_INIT(2 * LIMIT_ADDRESS);
	struct buf written = BUF_INIT(2 * LIMIT_ADDRESS);
	struct name n;
	struct step s;
	void *mark;

	addr_normalize(&key, a);
	n = name_of(e->d, buf_slice(&key));
	mark = map_get(&e->seen, n.text);
	if (parent != NULL && slice_eq(n.text, parent->text)) {
		add_self(e, &n, system);
	} else if (mark != NULL) {
		e->loop |= mark == &open_mark;
	} else if (depth > LIMIT_ALIAS_DEPTH || ++e->steps >= STEPS_MAX) {
		e->loop = true;
		e->steps = STEPS_MAX;
	} else if (!directory_hosts(e->d, n.domain) && depth > 0) {
		/* RFC 5321 2.4: the local part of others keeps its case. */
		addr_format(&written, a);
		add_final(e, WIRE_TARGET_REMOTE, buf_slice(&written), n.text);
	} else if (!look(e->d, &n, &s)) {
		if (depth > 0)
			warn_target(n.text, "no such mailbox");
	} else if (s.account != NULL) {
		add_account(e, s.account);
	} else {
		map_put(&e->seen, n.text, &open_mark);
		follow_targets(e, a, &n, &s, depth);
		map_put(&e->seen, n.text, &closed_mark);
	}
	buf_release(&written);
	buf_release(&key);
}

void
directory_targets_release(struct directory_targets *t)
{
	mem_free(t->list);
	arena_release(&t->arena);
	*t = (struct directory_targets){ 0 };
}

/*
 * "postmaster" alone and postmaster at an address literal are at our host: a
 * client that names our address reached us by it (RFC 5321 4.5.1).
 */
static int
parse_recipient(const struct directory *d, struct slice address,
    struct addr *a)
{
	if (addr_parse(address, ADDR_UTF8 | ADDR_POSTMASTER, a, NULL) == -1)
		return -1;
	if (a->domain.n == 0 ||
	    (a->literal && slice_ieq(a->local, S("postmaster")))) {
		a->domain = d->hostname;
		a->literal = false;
	}
	return 0;
}

enum wire_rcpt_result
directory_resolve(const struct directory *d, struct slice address,
    struct directory_targets *out)
{
	struct expansion e = { .d = d, .out = out };
	struct addr a;

	*out = (struct directory_targets){ 0 };
	if (parse_recipient(d, address, &a) == -1)
		return WIRE_RCPT_UNKNOWN;
	if (a.literal || !directory_hosts(d, a.domain))
		return WIRE_RCPT_NOT_OURS;
	map_init(&e.seen);
	map_init(&e.finals);
	follow(&e, &a, NULL, false, 0);
	map_release(&e.seen, NULL);
	map_release(&e.finals, NULL);
	/* A loop beside real targets does no harm; too many targets do. */
	if (e.steps >= STEPS_MAX || out->n >= LIMIT_ALIAS_TARGETS ||
	    (e.loop && out->n == 0))
		return WIRE_RCPT_LOOP;
	return out->n > 0 ? WIRE_RCPT_OK : WIRE_RCPT_UNKNOWN;
}

bool
directory_owns(const struct directory *d, struct slice user,
    struct slice address)
{
	struct buf key = BUF_INIT(2 * LIMIT_ADDRESS);
	struct addr a, to;
	struct name n;
	struct step s;
	bool owns;

	if (address.n == 0)
		return true;
	if (addr_parse(address, ADDR_UTF8, &a, NULL) == -1)
		return false;
	addr_normalize(&key, &a);
	owns = slice_ieq(buf_slice(&key), user);
	n = name_of(d, buf_slice(&key));
	/* Not recursive, and a detail is part of the name here (dms 6.6). */
	if (!owns && look(d, &n, &s) && !s.without_detail)
		for (size_t i = 0; i < s.n && !owns; i++) {
			struct buf text = BUF_INIT(2 * LIMIT_ADDRESS);
			struct buf owner = BUF_INIT(2 * LIMIT_ADDRESS);

			if (target_address(d, s.targets[i], &n, &text,
			    &to) == 0) {
				addr_normalize(&owner, &to);
				owns = slice_ieq(buf_slice(&owner), user);
			}
			buf_release(&text);
			buf_release(&owner);
		}
	buf_release(&key);
	return owns;
}
