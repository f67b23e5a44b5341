#include "services/deliver/users.h"

#include "wire/auth.h"

#define KNOWN_MS 5000
#define KNOWN_MAX 10000
#define ASK_TIMEOUT_MS 15000

struct known_user {
	uint64_t until;
	struct store_quota quota;
};

struct question {
	struct users *users;
	struct slice user;
	users_fn *cb;
	void *arg;
};

void
users_init(struct users *u, struct peer *auth, struct loop *loop)
{
	*u = (struct users){ .auth = auth, .loop = loop };
	map_init(&u->known);
}

void
users_release(struct users *u)
{
	map_release(&u->known, mem_free);
}

static void
users_remember(struct users *u, struct slice user,
    const struct store_quota *quota)
{
	struct known_user *k = map_get(&u->known, user);

	if (k == NULL) {
		if (u->known.count >= KNOWN_MAX) {
			map_release(&u->known, mem_free);
			map_init(&u->known);
		}
		k = mem_zero(sizeof(*k));
		map_put(&u->known, user, k);
	}
	k->quota = *quota;
	k->until = loop_now(u->loop) + KNOWN_MS;
}

static void
users_answered(void *arg, struct chan_frame *reply)
{
	struct question *q = arg;
	enum users_answer answer = USERS_LATER;
	struct store_quota quota = { 0 };

	if (reply != NULL && reply->type == WIRE_AUTH_USER_REPLY) {
		struct wire_in in = wire_in(reply->payload);
		bool exists = wire_get_bool(&in);

		quota.bytes = wire_get_u64(&in);
		quota.messages = wire_get_u64(&in);
		if (wire_end(&in) == 0)
			answer = exists ? USERS_EXISTS : USERS_UNKNOWN;
	}
	if (answer == USERS_EXISTS)
		users_remember(q->users, q->user, &quota);
	q->cb(q->arg, answer, &quota);
	mem_free(q);
}

void
users_forget(struct users *u, struct slice user)
{
	mem_free(map_remove(&u->known, user));
}

void
users_ask(struct users *u, struct slice user, users_fn *cb, void *arg)
{
	struct known_user *k = map_get(&u->known, user);
	struct buf b = WIRE_BUF;
	struct question *q;

	if (k != NULL && k->until > loop_now(u->loop)) {
		cb(arg, USERS_EXISTS, &k->quota);
		return;
	}
	users_forget(u, user);
	q = mem_zero(sizeof(*q));
	*q = (struct question){ u, user, cb, arg };
	wire_put_slice(&b, user);
	peer_request(u->auth, WIRE_AUTH_USER, buf_slice(&b), -1, ASK_TIMEOUT_MS,
	    users_answered, q);
	buf_release(&b);
}

void
users_report(struct users *u, struct slice user,
    const struct store_usage *held)
{
	struct buf b = WIRE_BUF;

	wire_put_slice(&b, user);
	wire_put_u64(&b, held->bytes);
	wire_put_u64(&b, held->messages);
	peer_post(u->auth, WIRE_AUTH_USAGE, buf_slice(&b), -1);
	buf_release(&b);
}
