#include "services/imap/limits.h"

#include "service/service.h"
#include "wire/auth.h"

#define FRESH_MS 5000
#define ASK_MS 5000

void
limits_set(struct user *u, const struct store_quota *quota)
{
	u->quota = *quota;
	u->quota_at = loop_now(u->worker->loop);
}

void
limits_take(struct user *u, struct chan_frame *reply)
{
	struct store_quota quota;
	struct wire_in in;
	bool exists;

	/* Also without an answer: asking goes on later. */
	u->quota_at = loop_now(u->worker->loop);
	if (reply == NULL || reply->type != WIRE_AUTH_USER_REPLY)
		return;
	in = wire_in(reply->payload);
	exists = wire_get_bool(&in);
	quota.bytes = wire_get_u64(&in);
	quota.messages = wire_get_u64(&in);
	if (wire_end(&in) == 0 && exists)
		u->quota = quota;
}

uint32_t
limits_ask(struct user *u, void (*cb)(void *arg, struct chan_frame *reply),
    void *arg)
{
	struct buf b = WIRE_BUF;
	uint32_t id;

	wire_put_str(&b, u->address);
	id = peer_request(u->worker->conf.auth, WIRE_AUTH_USER, buf_slice(&b),
	    -1, ASK_MS, cb, arg);
	buf_release(&b);
	return id;
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
	    loop_now(u->worker->loop) - u->quota_at >= FRESH_MS)
		u->quota_asked = limits_ask(u, on_refresh, u);
}

void
limits_report(const struct user *u, const struct store_usage *held)
{
	struct buf b = WIRE_BUF;

	wire_put_str(&b, u->address);
	wire_put_u64(&b, held->bytes);
	wire_put_u64(&b, held->messages);
	peer_post(u->worker->conf.auth, WIRE_AUTH_USAGE, buf_slice(&b), -1);
	buf_release(&b);
}
