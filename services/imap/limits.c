#include "services/imap/limits.h"

#include "service/service.h"
#include "wire/auth.h"

#define ASK_MS 5000

void
limits_set(struct user *u, const struct store_quota *quota)
{
	u->quota = *quota;
	u->quota_at = loop_now(u->worker->loop);
}

bool
limits_read(struct chan_frame *reply, struct store_quota *quota, bool *exists)
{
	struct store_quota read;
	struct wire_in in;
	bool there;

	if (reply == NULL || reply->type != WIRE_AUTH_USER_REPLY)
		return false;
	in = wire_in(reply->payload);
	there = wire_get_bool(&in);
	read.bytes = wire_get_u64(&in);
	read.messages = wire_get_u64(&in);
	if (wire_end(&in) == -1)
		return false;
	*exists = there;
	*quota = read;
	return true;
}

void
limits_take(struct user *u, struct chan_frame *reply)
{
	struct store_quota quota;
	bool exists;

	/* Also without an answer: asking goes on later. */
	u->quota_at = loop_now(u->worker->loop);
	if (limits_read(reply, &quota, &exists) && exists)
		u->quota = quota;
}

uint32_t
limits_ask_address(struct worker *w, const char *address,
    void (*cb)(void *arg, struct chan_frame *reply), void *arg)
{
	struct buf b = WIRE_BUF;
	uint32_t id;

	wire_put_str(&b, address);
	id = peer_request(w->conf.auth, WIRE_AUTH_USER, buf_slice(&b), -1,
	    ASK_MS, cb, arg);
	buf_release(&b);
	return id;
}

uint32_t
limits_ask(struct user *u, void (*cb)(void *arg, struct chan_frame *reply),
    void *arg)
{
	return limits_ask_address(u->worker, u->address, cb, arg);
}

void
limits_cancel(struct user *u, uint32_t id)
{
	peer_cancel(u->worker->conf.auth, id);
}

static void
on_refresh(void *arg, struct chan_frame *reply)
{
	struct user *u = arg;

	u->quota_asked = 0;
	limits_take(u, reply);
}

void
limits_refresh(struct user *u)
{
	if (u->worker->conf.quotas && u->quota_asked == 0 &&
	    loop_now(u->worker->loop) - u->quota_at >= LIMITS_FRESH_MS)
		u->quota_asked = limits_ask(u, on_refresh, u);
}

void
limits_report(struct worker *w, const char *address,
    const struct store_usage *held)
{
	struct buf b = WIRE_BUF;

	wire_put_str(&b, address);
	wire_put_u64(&b, held->bytes);
	wire_put_u64(&b, held->messages);
	peer_post(w->conf.auth, WIRE_AUTH_USAGE, buf_slice(&b), -1);
	buf_release(&b);
}
