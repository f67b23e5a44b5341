/* Logins with a password. See verify.h. */
#include "services/auth/verify.h"

#include "sasl/scram_key.h"
#include "services/auth/identity.h"
#include "services/auth/learn.h"
#include "services/auth/password.h"

static void
check_work(void *arg)
{
	struct attempt *t = arg;

	t->result = password_verify(t->hash, t->password, &t->why);
	if (t->result != 1 || !t->learn)
		return;
	for (unsigned i = 0; i < SCRAM_HASHES; i++)
		scram_derive_new(&t->learned[i], i, t->password);
}

static void
check_done(void *arg)
{
	struct attempt *t = arg;
	struct auth *a = t->auth;

	a->checking--;
	mem_wipe((char *)t->password.p, t->password.n);
	if (t->denied != NULL && t->result == 1) {
		attempt_deny_proved(t);
	} else if (t->denied != NULL) {
		attempt_deny(t, t->denied);
	} else if (t->result == 1) {
		cache_add(&a->cache, t->tag, loop_now(a->loop));
		if (t->learn)
			learn_send(a, t->owner_name, t->hash,
			    t->learned);
		attempt_accept(t);
	} else {
		attempt_deny(t, t->result == 0 ? "wrong password" : t->why);
	}
}

/*
 * A hash to spend time on for a user who does not exist: that of some account,
 * always the same for one name, so that unknown users are as slow as known
 * ones whatever mixture of schemes the file has.
 */
static const struct conf_account *
stand_in(const struct directory *d, struct slice user)
{
	return &d->accounts.list[map_hash(user) % d->accounts.n];
}

static void
check_start(struct attempt *t)
{
	struct auth *a = t->auth;
	const struct directory *d = &a->directory;
	const struct conf_account *owner = identity_owner(t);

	if (owner == NULL && d->accounts.n == 0) {
		attempt_deny(t, t->denied);
		return;
	}
	if (owner == NULL)
		owner = stand_in(d, t->owner_name);
	t->hash = arena_slice(&t->arena, owner->hash);
	t->learn = t->denied == NULL &&
	    learn_wanted(a, t->owner_name, t->hash);
	cache_tag(&a->cache, t->owner_name, t->password, t->hash, t->tag);
	if (t->denied == NULL &&
	    cache_has(&a->cache, t->tag, loop_now(a->loop))) {
		mem_wipe((char *)t->password.p, t->password.n);
		attempt_accept(t);
		return;
	}
	if (a->checking >= LIMIT_AUTH_JOBS) {
		log_warn("login-overload", "waiting=%zu", a->checking);
		mem_wipe((char *)t->password.p, t->password.n);
		attempt_later(t);
		return;
	}
	a->checking++;
	loop_work(a->loop, check_work, check_done, t);
}

int
verify_request(struct auth *a, struct chan *c, struct chan_frame *f)
{
	struct wire_in in = wire_in(f->payload);
	unsigned service = wire_get_enum(&in, WIRE_SERVICES);
	struct slice ip = wire_get_slice(&in, SOCKADDR_TEXT);
	struct slice authzid = wire_get_slice(&in, LIMIT_SMTP_AUTH_LINE);
	struct slice user = wire_get_slice(&in, LIMIT_SMTP_AUTH_LINE);
	struct slice password = wire_get_slice(&in, LIMIT_SMTP_AUTH_LINE);
	struct attempt *t;

	if (wire_end(&in) == -1)
		return -1;
	t = attempt_new(a, c, f->id, service, ip);
	identity_take(t, authzid, user);
	t->password = arena_slice(&t->arena, password);
	check_start(t);
	return 0;
}
