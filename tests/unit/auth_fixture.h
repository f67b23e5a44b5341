/*
 * auth's logins over a real channel: a directory in memory, one client that
 * sends a frame and waits for the answer.
 */
#ifndef TESTS_UNIT_AUTH_FIXTURE_H
#define TESTS_UNIT_AUTH_FIXTURE_H

#include <sodium.h>

#include "check.h"

#include "services/auth/attempt.h"
#include "services/auth/exchange.h"
#include "services/auth/verify.h"

/* Refusals are held back, but not for long where nobody measures it. */
#define FIXTURE_DELAY_MS 10

struct talk {
	struct auth auth;
	struct conf conf;
	struct chan *server;
	struct chan *client;
	unsigned result;
	size_t ticket;
	char user[LIMIT_ADDRESS + 1];
	char master[LIMIT_ADDRESS + 1];
	char message[2 * LIMIT_SASL_MESSAGE + 1];
	bool answered;
};

static int
on_request(void *arg, struct chan *c, struct chan_frame *f)
{
	switch (f->type) {
	case WIRE_AUTH_VERIFY:
		return verify_request(arg, c, f);
	case WIRE_AUTH_SASL:
		return exchange_start(arg, c, f);
	case WIRE_AUTH_SASL_MORE:
		return exchange_more(arg, c, f);
	default:
		return exchange_abort(arg, c, f);
	}
}

static int
on_reply(void *arg, struct chan *c UNUSED, struct chan_frame *f)
{
	struct talk *t = arg;
	struct wire_auth_reply r;

	CHECK(wire_auth_reply_get(f->payload, &r) == 0, " ");
	t->result = r.result;
	snprintf(t->user, sizeof(t->user), "%.*s", SLICE_ARG(r.user));
	snprintf(t->master, sizeof(t->master), "%.*s", SLICE_ARG(r.master));
	snprintf(t->message, sizeof(t->message), "%.*s",
	    SLICE_ARG(r.message));
	t->ticket = r.ticket.n;
	t->answered = true;
	loop_stop(t->auth.loop);
	return 0;
}

static void
on_close(void *arg UNUSED, struct chan *c UNUSED)
{
}

static const struct chan_ops server_ops = { on_request, on_close };
static const struct chan_ops client_ops = { on_reply, on_close };

/* Sends a frame and waits for the answer; b is released. */
static void
talk_ask(struct talk *t, uint16_t type, uint32_t id, struct buf *b)
{
	t->answered = false;
	chan_send(t->client, type, id, buf_slice(b), -1);
	buf_release(b);
	loop_run(t->auth.loop);
	CHECK(t->answered, "type %u", type);
}

static void
ignore_line(const char *line UNUSED, size_t n UNUSED)
{
}

static void
talk_open(struct talk *t, const char *accounts)
{
	struct auth *a = &t->auth;
	struct buf why = BUF_INIT(100);
	struct slice text = slice_str(accounts);
	int fds[2];

	*t = (struct talk){ 0 };
	log_set_sink(ignore_line);
	CHECK(sodium_init() >= 0, " ");
	conf_init(&t->conf);
	a->conf = &t->conf;
	directory_init(&a->directory);
	penalty_init(&a->penalty);
	a->penalty.first_ms = FIXTURE_DELAY_MS;
	a->penalty.last_ms = FIXTURE_DELAY_MS;
	cache_init(&a->cache);
	tickets_init(&a->tickets);
	conf_accounts_init(&a->masters);
	conf_scram_init(&a->scram);
	list_init(&a->attempts);
	CHECK(directory_set_accounts(&a->directory, &text, &why) == 0, " ");
	a->loop = loop_new();
	CHECK(chan_pair(fds) == 0, " ");
	t->server = chan_new(a->loop, fds[0], "server", &server_ops, a);
	t->client = chan_new(a->loop, fds[1], "client", &client_ops, t);
	buf_release(&why);
}

/* Nothing may be left over. */
static void
talk_close(struct talk *t)
{
	struct auth *a = &t->auth;

	CHECK(list_is_empty(&a->attempts) && a->checking == 0 &&
	    a->delayed == 0 && a->exchanges == 0, "%zu", a->exchanges);
	log_set_sink(NULL);
	chan_close(t->server);
	chan_close(t->client);
	loop_free(a->loop);
	directory_release(&a->directory);
	penalty_release(&a->penalty);
	cache_release(&a->cache);
	tickets_release(&a->tickets);
	conf_accounts_release(&a->masters);
	conf_scram_release(&a->scram);
	conf_release(&t->conf);
}

#endif
