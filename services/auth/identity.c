/* Who wants in. See identity.h. */
#include "services/auth/identity.h"

struct slice
identity_lower(struct arena *arena, struct slice s)
{
	char *p;

	/* One octet too many, so that no long name is taken for another. */
	s = slice_head(s, LIMIT_ADDRESS + 1);
	p = arena_dup(arena, s);
	for (size_t i = 0; i < s.n; i++)
		p[i] = ascii_lower(p[i]);
	return slice_of(p, s.n);
}

/* Splits "user*master", unless there is an account of that very name. */
static void
split(struct attempt *t, struct slice name)
{
	ssize_t at = slice_rfind(name, CONF_MASTER_SEPARATOR);

	if (at >= 0 && (size_t)at + 1 < name.n &&
	    directory_account(&t->auth->directory, name) == NULL) {
		t->master = slice_from(name, (size_t)at + 1);
		name = slice_head(name, (size_t)at);
	}
	t->user = name;
}

static const struct conf_account *
master_of(const struct attempt *t, struct slice name)
{
	return name.n > 0 ? conf_accounts_find(&t->auth->masters, name) : NULL;
}

void
identity_take(struct attempt *t, struct slice authzid, struct slice authcid)
{
	struct buf key = BUF_INIT(2 * LIMIT_ADDRESS);
	struct slice name = identity_lower(&t->arena, authcid);

	split(t, name);
	authzid = identity_lower(&t->arena, authzid);
	/* RFC 4616 section 2: acting as somebody else is a master's right. */
	if (t->master.n == 0 && authzid.n > 0 &&
	    !slice_eq(authzid, t->user) && master_of(t, name) != NULL) {
		t->user = authzid;
		t->master = name;
	}
	if (t->master.n > 0)
		conf_scram_master(t->master, &key);
	else
		buf_add_slice(&key, t->user);
	t->owner_name = arena_slice(&t->arena, buf_slice(&key));
	buf_release(&key);
	if (authzid.n > 0 && !slice_eq(authzid, t->user) &&
	    !slice_eq(authzid, name)) {
		t->denied = "authorization identity differs";
		t->forbidden = true;
	}
}

const struct conf_account *
identity_owner(struct attempt *t)
{
	const struct conf_account *account =
	    directory_account(&t->auth->directory, t->user);
	const struct conf_account *owner = t->master.n > 0 ?
	    master_of(t, t->master) : account;

	const char *why = NULL;

	if (owner != NULL)
		why = attempt_forbidden(owner, t->ip);
	if (why == NULL && account != NULL && account != owner) {
		why = attempt_forbidden(account, t->ip);
		t->forbidden |= why != NULL;
	}
	if (account == NULL) {
		why = "unknown user";
		t->forbidden |= owner != NULL;
	} else if (owner == NULL) {
		why = "unknown master";
	}
	if (why != NULL)
		t->denied = why;
	return owner;
}
