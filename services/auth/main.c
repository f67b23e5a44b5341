/*
 * auth: who exists, who may log in, what a login ticket is worth. Sees
 * password hashes and passwords, and neither network nor disk.
 */
#include <openssl/evp.h>
#include <sodium.h>

#include "core/rand.h"
#include "services/auth/attempt.h"
#include "services/auth/client_cert.h"
#include "services/auth/exchange.h"
#include "services/auth/external.h"
#include "services/auth/password.h"
#include "services/auth/verify.h"

/* Checks of passwords at once; an Argon2 hash may take 256 MiB for each. */
#define THREADS 2

/* Files come before start, so the object cannot wait for it. */
static struct auth the_auth;
static bool is_set_up;
static struct buf file_problem = BUF_INIT(4096);

static struct auth *
set_up(void)
{
	struct auth *a = &the_auth;

	if (is_set_up)
		return a;
	directory_init(&a->directory);
	conf_accounts_init(&a->masters);
	conf_quotas_init(&a->quotas);
	conf_scram_init(&a->scram);
	rand_bytes(a->scram_secret, sizeof(a->scram_secret));
	usage_init(&a->usage);
	penalty_init(&a->penalty);
	cache_init(&a->cache);
	tickets_init(&a->tickets);
	list_init(&a->attempts);
	is_set_up = true;
	return a;
}

static void
warn_about_hashes(const struct directory *d)
{
	for (size_t i = 0; i < d->accounts.n; i++) {
		const struct conf_account *account = &d->accounts.list[i];
		struct log_line l;
		const char *why;

		if (password_check(account->hash, &why) == 0)
			continue;
		log_begin(&l, LOG_WARN, "account-unusable");
		log_slice(&l, "user", account->address);
		log_num(&l, "line", account->line);
		log_str(&l, "problem", why);
		log_end(&l);
	}
}

/* All or nothing, as directory_set_accounts. */
static int
set_masters(struct auth *a, const struct slice *text, struct buf *why)
{
	struct conf_accounts fresh;
	struct conf_problems problems;
	int r;

	conf_accounts_init(&fresh);
	conf_problems_init(&problems);
	r = conf_masters_parse(&fresh, CONF_MASTERS_FILE,
	    text != NULL ? *text : S(""), &problems);
	if (r == -1)
		buf_adds(why, problems.n > 0 ? problems.list[0].text :
		    CONF_MASTERS_FILE);
	conf_problems_release(&problems);
	if (r == -1) {
		conf_accounts_release(&fresh);
		return -1;
	}
	conf_accounts_release(&a->masters);
	a->masters = fresh;
	return 0;
}

/* The same. */
static int
set_quotas(struct auth *a, const struct slice *text, struct buf *why)
{
	struct conf_quotas fresh;
	struct conf_problems problems;
	int r;

	conf_quotas_init(&fresh);
	conf_problems_init(&problems);
	r = conf_quotas_parse(&fresh, CONF_QUOTAS_FILE,
	    text != NULL ? *text : S(""), &problems);
	if (r == -1)
		buf_adds(why, problems.n > 0 ? problems.list[0].text :
		    CONF_QUOTAS_FILE);
	conf_problems_release(&problems);
	if (r == -1) {
		conf_quotas_release(&fresh);
		return -1;
	}
	conf_quotas_release(&a->quotas);
	a->quotas = fresh;
	return 0;
}

/* A bad line costs one account its SCRAM; supervisor and setup report it. */
static void
set_scram(struct auth *a, const struct slice *text)
{
	conf_scram_release(&a->scram);
	conf_scram_init(&a->scram);
	if (text != NULL)
		conf_scram_parse(&a->scram, CONF_SCRAM_FILE, *text, NULL);
}

static int
set_client_cas(struct auth *a, const struct slice *text, const char **why)
{
	if (text == NULL)
		return fail(why, "there is no such file");
	return client_cert_trust(&a->client_cas, *text, why);
}

static int
on_file(struct service *s UNUSED, const char *name,
    const struct slice *content, const char **why)
{
	struct auth *a = set_up();
	int r;

	buf_clear(&file_problem);
	if (strcmp(name, "accounts") == 0) {
		r = directory_set_accounts(&a->directory, content,
		    &file_problem);
		if (r == 0)
			warn_about_hashes(&a->directory);
	} else if (strcmp(name, "virtual") == 0) {
		r = directory_set_aliases(&a->directory, content,
		    &file_problem);
	} else if (strcmp(name, "masters") == 0) {
		r = set_masters(a, content, &file_problem);
	} else if (strcmp(name, "quotas") == 0) {
		r = set_quotas(a, content, &file_problem);
	} else if (strcmp(name, "client-ca") == 0) {
		return set_client_cas(a, content, why);
	} else if (strcmp(name, "scram") == 0) {
		set_scram(a, content);
		return 0;
	} else {
		return fail(why, "not a file of auth");
	}
	if (r == -1)
		return fail(why, buf_str(&file_problem));
	cache_clear(&a->cache);
	log_info("directory", "file=%s accounts=%zu masters=%zu aliases=%zu "
	    "domains=%zu", name, a->directory.accounts.n, a->masters.n,
	    a->directory.aliases.n, a->directory.domains.count);
	return 0;
}

static int
start(struct service *s, const char **why)
{
	const struct conf *conf = service_conf(s);
	struct auth *a = set_up();

	if (sodium_init() < 0)
		return fail(why, "libsodium does not work");
	/* Found now, not on first use in two threads. */
	if (EVP_get_digestbyname("SHA1") == NULL)
		return fail(why, "libcrypto does not work");
	a->service = s;
	a->loop = service_loop(s);
	a->conf = conf;
	a->spoof_protection = conf->spoof_protection;
	directory_configure(&a->directory, conf->hostname,
	    conf->postmaster_address, conf->recipient_delimiter);
	service_set_data(s, a);
	return 0;
}

static void
on_peer(struct service *s, struct chan *c, bool open)
{
	if (!open)
		attempt_forget(service_data(s), c);
}

static void
status(struct service *s, struct buf *out)
{
	const struct auth *a = service_data(s);

	buf_addf(out, " accounts=%zu aliases=%zu logins=%llu refusals=%llu"
	    " checking=%zu delayed=%zu", a->directory.accounts.n,
	    a->directory.aliases.n, (unsigned long long)a->logins,
	    (unsigned long long)a->refusals, a->checking, a->delayed);
}

/* --- lookup --------------------------------------------------------------- */

static void
put_targets(struct buf *b, enum wire_rcpt_result result,
    const struct directory_targets *t)
{
	bool known = result == WIRE_RCPT_OK || result == WIRE_RCPT_FULL;
	size_t n = known ? t->n : 0;

	wire_put_u8(b, (uint8_t)result);
	wire_put_u32(b, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		wire_put_u8(b, (uint8_t)t->list[i].kind);
		wire_put_slice(b, t->list[i].address);
	}
}

static struct conf_quota
quota_of(const struct auth *a, const struct conf_account *account)
{
	return account == NULL ? (struct conf_quota){ 0 } :
	    conf_quota_of(a->conf, &a->quotas, account->address,
	    account->extra);
}

/* True if every target is a mailbox that was full when last reported. */
static bool
all_full(struct auth *a, const struct directory_targets *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct slice user = t->list[i].address;
		struct conf_quota q;

		if (t->list[i].kind != WIRE_TARGET_LOCAL)
			return false;
		q = quota_of(a, directory_account(&a->directory, user));
		if (!usage_is_full(&a->usage, user, &q, loop_now(a->loop)))
			return false;
	}
	return t->n > 0;
}

static int
on_rcpt(struct service *s, struct chan *c, struct chan_frame *f)
{
	struct auth *a = service_data(s);
	struct wire_in in = wire_in(f->payload);
	struct slice address = wire_get_slice(&in, LIMIT_SMTP_COMMAND);
	struct directory_targets targets;
	enum wire_rcpt_result result;
	struct buf b = WIRE_BUF;

	if (wire_end(&in) == -1)
		return -1;
	result = directory_resolve(&a->directory, address, &targets);
	if (result == WIRE_RCPT_OK && all_full(a, &targets))
		result = WIRE_RCPT_FULL;
	put_targets(&b, result, &targets);
	if (!buf_ok(&b)) {
		/* More text than a frame holds is too far expanded. */
		buf_release(&b);
		buf_init(&b, LIMIT_FRAME);
		put_targets(&b, WIRE_RCPT_LOOP, &targets);
	}
	chan_send(c, WIRE_AUTH_RCPT_REPLY, f->id, buf_slice(&b), -1);
	buf_release(&b);
	directory_targets_release(&targets);
	return 0;
}

static int
reply_bool(struct chan *c, uint16_t type, uint32_t id, bool value)
{
	struct buf b = WIRE_BUF;

	wire_put_bool(&b, value);
	chan_send(c, type, id, buf_slice(&b), -1);
	buf_release(&b);
	return 0;
}

static int
on_sender(struct service *s, struct chan *c, struct chan_frame *f)
{
	struct auth *a = service_data(s);
	struct wire_in in = wire_in(f->payload);
	struct slice user = wire_get_slice(&in, LIMIT_SMTP_COMMAND);
	struct slice address = wire_get_slice(&in, LIMIT_SMTP_COMMAND);

	if (wire_end(&in) == -1)
		return -1;
	return reply_bool(c, WIRE_AUTH_SENDER_REPLY, f->id,
	    !a->spoof_protection ||
	    directory_owns(&a->directory, user, address));
}

static int
on_domain(struct service *s, struct chan *c, struct chan_frame *f)
{
	struct auth *a = service_data(s);
	struct wire_in in = wire_in(f->payload);
	struct slice domain = wire_get_slice(&in, LIMIT_SMTP_COMMAND);

	if (wire_end(&in) == -1)
		return -1;
	return reply_bool(c, WIRE_AUTH_DOMAIN_REPLY, f->id,
	    directory_hosts(&a->directory, domain));
}

/* --- mailbox -------------------------------------------------------------- */

static void
put_quota(struct buf *b, const struct auth *a,
    const struct conf_account *account)
{
	struct conf_quota q = quota_of(a, account);

	wire_put_u64(b, q.bytes);
	wire_put_u64(b, q.messages);
}

static int
on_user(struct service *s, struct chan *c, struct chan_frame *f)
{
	struct auth *a = service_data(s);
	struct wire_in in = wire_in(f->payload);
	struct slice user = wire_get_slice(&in, LIMIT_SMTP_COMMAND);
	const struct conf_account *account;
	struct buf b = WIRE_BUF;

	if (wire_end(&in) == -1)
		return -1;
	account = directory_account(&a->directory, user);
	wire_put_bool(&b, account != NULL);
	put_quota(&b, a, account);
	chan_send(c, WIRE_AUTH_USER_REPLY, f->id, buf_slice(&b), -1);
	buf_release(&b);
	return 0;
}

static int
on_usage(struct service *s, struct chan *c UNUSED, struct chan_frame *f)
{
	struct auth *a = service_data(s);
	struct wire_in in = wire_in(f->payload);
	struct slice user = wire_get_slice(&in, LIMIT_ADDRESS);
	struct conf_quota held;

	held.bytes = wire_get_u64(&in);
	held.messages = wire_get_u64(&in);
	if (wire_end(&in) == -1)
		return -1;
	if (directory_account(&a->directory, user) != NULL)
		usage_report(&a->usage, user, &held, loop_now(a->loop));
	return 0;
}

/* --- verify, redeem ------------------------------------------------------- */

static int
on_verify(struct service *s, struct chan *c, struct chan_frame *f)
{
	int r = verify_request(service_data(s), c, f);

	/* The password came in this buffer. */
	mem_wipe((char *)f->payload.p, f->payload.n);
	return r;
}

static int
on_sasl(struct service *s, struct chan *c, struct chan_frame *f)
{
	return exchange_start(service_data(s), c, f);
}

static int
on_sasl_more(struct service *s, struct chan *c, struct chan_frame *f)
{
	return exchange_more(service_data(s), c, f);
}

static int
on_sasl_abort(struct service *s, struct chan *c, struct chan_frame *f)
{
	return exchange_abort(service_data(s), c, f);
}

static int
on_external(struct service *s, struct chan *c, struct chan_frame *f)
{
	return external_request(service_data(s), c, f);
}

static int
on_redeem(struct service *s, struct chan *c, struct chan_frame *f)
{
	struct auth *a = service_data(s);
	struct wire_in in = wire_in(f->payload);
	struct slice ticket = wire_get_slice(&in, WIRE_TICKET);
	enum wire_auth_service service = WIRE_SERVICE_SMTP;
	struct buf user = BUF_INIT(LIMIT_ADDRESS + 1);
	struct buf b = WIRE_BUF;
	bool ok;

	if (wire_end(&in) == -1)
		return -1;
	ok = tickets_redeem(&a->tickets, ticket, loop_now(a->loop), &user,
	    &service) == 0;
	/* The account may have been deleted in between. */
	ok = ok && directory_account(&a->directory, buf_slice(&user)) != NULL;
	wire_put_bool(&b, ok);
	wire_put_slice(&b, ok ? buf_slice(&user) : S(""));
	wire_put_u8(&b, (uint8_t)service);
	put_quota(&b, a, ok ? directory_account(&a->directory,
	    buf_slice(&user)) : NULL);
	chan_send(c, WIRE_AUTH_REDEEM_REPLY, f->id, buf_slice(&b), -1);
	buf_release(&b);
	buf_release(&user);
	return 0;
}

static const struct service_handler handlers[] = {
	{ "lookup", WIRE_AUTH_RCPT, on_rcpt },
	{ "lookup", WIRE_AUTH_SENDER, on_sender },
	{ "lookup", WIRE_AUTH_DOMAIN, on_domain },
	{ "verify", WIRE_AUTH_VERIFY, on_verify },
	{ "verify", WIRE_AUTH_SASL, on_sasl },
	{ "verify", WIRE_AUTH_SASL_MORE, on_sasl_more },
	{ "verify", WIRE_AUTH_SASL_ABORT, on_sasl_abort },
	{ "verify", WIRE_AUTH_EXTERNAL, on_external },
	{ "redeem", WIRE_AUTH_REDEEM, on_redeem },
	{ "redeem", WIRE_AUTH_USER, on_user },
	{ "redeem", WIRE_AUTH_USAGE, on_usage },
	{ "mailbox", WIRE_AUTH_USER, on_user },
	{ "mailbox", WIRE_AUTH_USAGE, on_usage },
	{ NULL, 0, NULL },
};

static const struct service_ops ops = {
	.name = "auth",
	.handlers = handlers,
	.threads = THREADS,
	.on_file = on_file,
	.start = start,
	.on_peer = on_peer,
	.status = status,
};

int
main(int argc, char **argv)
{
	return service_main(argc, argv, &ops);
}
