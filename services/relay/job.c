#include "services/relay/job.h"

#include "core/arena.h"
#include "core/log.h"
#include "core/map.h"
#include "mail/addr.h"
#include "wire/relay.h"

#define SUBMISSIONS_PORT 465 /* RFC 8314 3.3: TLS from the first byte */

struct job {
	struct list link;
	struct relay *relay;
	struct chan *c;
	uint32_t frame_id;
	struct buf payload;  /* what the slices below point into */
	struct message m;    /* of the recipients with good addresses */
	struct slice id;
	struct slice hop_text;
	struct slice user;
	struct slice password;
	char *user_str;
	char *password_str;
	char *key;           /* of the pool */
	struct arena arena;
	struct hop hop;
	uint32_t count;      /* recipients of the request */
	struct slice *to;    /* their addresses */
	bool *settled;
	uint32_t *index;     /* of m.rcpts in them */
	uint64_t started;
	struct route *route;
	struct session *session;
	bool reused;         /* session is from the pool */
	bool reached;        /* some server took us seriously */
	bool failed;         /* verdict is set */
	struct verdict verdict; /* why no server took it, so far */
	struct route_target target;
};

static void try_next(struct job *j);

static void
job_free(struct job *j)
{
	if (j->session != NULL)
		session_abort(j->session);
	route_free(j->route);
	if (j->m.fd != -1)
		close(j->m.fd);
	mem_free(j->key);
	mem_free(j->user_str);
	if (j->password_str != NULL)
		mem_wipe(j->password_str, strlen(j->password_str));
	mem_free(j->password_str);
	buf_wipe(&j->payload);
	arena_release(&j->arena);
	mem_free(j);
}

static void job_start(struct job *j);

/* Lets waiting jobs run; exits when the last is done after a stop. */
static void
go_on(struct relay *r)
{
	struct job *j;

	/* A job may end inside job_start and come back here. */
	if (r->starting)
		return;
	r->starting = true;
	while (r->running < r->running_max &&
	    (j = LIST_FIRST(&r->waiting, struct job, link)) != NULL) {
		list_remove(&j->link);
		job_start(j);
	}
	r->starting = false;
	if (r->running == 0 && service_is_stopping(r->service)) {
		pool_clear(r->pool);
		service_exit(r->service);
	}
}

static void
log_result(const struct job *j, uint32_t index, const struct verdict *v)
{
	const char *tls = j->session != NULL ? session_tls(j->session) : "";
	uint64_t ms = loop_now(j->relay->session.loop) - j->started;
	struct log_line l;

	log_begin(&l, LOG_INFO, "relay");
	log_slice(&l, "id", j->id);
	log_slice(&l, "to", j->to[index]);
	log_str(&l, "relay", j->session != NULL ? session_remote(j->session) :
	    "none");
	log_str(&l, "tls", tls[0] != '\0' ? tls : "no");
	log_str(&l, "dsn", v->enhanced);
	log_str(&l, "status", verdict_status(v));
	log_num(&l, "delay_ms", (int64_t)ms);
	log_str(&l, "reply", v->text);
	log_end(&l);
}

/* The answer for one recipient. */
static void
tell(struct job *j, uint32_t index, const struct verdict *v)
{
	uint64_t *const counters[WIRE_OUTCOMES] = {
		[WIRE_DONE] = &j->relay->sent,
		[WIRE_LATER] = &j->relay->deferred,
		[WIRE_NEVER] = &j->relay->bounced,
	};
	struct buf b = WIRE_BUF;

	if (j->settled[index])
		return;
	j->settled[index] = true;
	++*counters[v->outcome];
	log_result(j, index, v);
	wire_put_u32(&b, index);
	wire_put_u8(&b, (uint8_t)v->outcome);
	wire_put_str(&b, v->enhanced);
	wire_put_str(&b, v->text);
	wire_put_str(&b, j->session != NULL ? session_remote(j->session) : "");
	wire_put_bool(&b, j->session != NULL && session_has_dsn(j->session));
	chan_send(j->c, WIRE_RELAY_RESULT, j->frame_id, buf_slice(&b), -1);
	buf_release(&b);
}

/* Everybody is told: ends the request. */
static void
job_end(struct job *j, bool unreachable)
{
	struct relay *r = j->relay;
	struct buf b = WIRE_BUF;

	wire_put_bool(&b, unreachable);
	chan_send(j->c, WIRE_RELAY_END, j->frame_id, buf_slice(&b), -1);
	buf_release(&b);
	list_remove(&j->link);
	r->running--;
	job_free(j);
	go_on(r);
}

/* The same word for all that are left, and the end. */
static void
job_fail(struct job *j, const struct verdict *v)
{
	for (uint32_t i = 0; i < j->count; i++)
		tell(j, i, v);
	job_end(j, !j->reached && v->outcome == WIRE_LATER);
}

static bool
requires_tls(const struct job *j)
{
	return j->relay->require_tls || j->user.n > 0 ||
	    j->hop.port == SUBMISSIONS_PORT;
}

static void open_session(struct job *j, bool avoid_tls);

static void
on_ready(void *arg)
{
	struct job *j = arg;

	j->reached = true;
	session_send(j->session, &j->m);
}

/* Later wins over never: as long as one server may take it, we try again. */
static void
note(struct job *j, const struct verdict *v)
{
	if (j->failed && j->verdict.outcome == WIRE_LATER &&
	    v->outcome == WIRE_NEVER)
		return;
	j->failed = true;
	j->verdict = *v;
}

static void
log_failure(const struct job *j, const struct verdict *v)
{
	struct log_line l;

	log_begin(&l, LOG_INFO, "relay-try");
	log_slice(&l, "id", j->id);
	log_slice(&l, "hop", j->hop_text);
	log_str(&l, "dsn", v->enhanced);
	log_str(&l, "reason", v->text);
	log_end(&l);
}

static void
on_failed(void *arg, enum session_failure kind, const struct verdict *v)
{
	struct job *j = arg;

	j->session = NULL;
	if (j->reused) {
		/* It was closed or went stale while idle: says nothing about
		 * the server. */
		j->reused = false;
		try_next(j);
		return;
	}
	log_failure(j, v);
	if (kind == SESSION_TLS && !requires_tls(j)) {
		open_session(j, true);
		return;
	}
	note(j, v);
	try_next(j);
}

static void
on_rcpt(void *arg, uint32_t index, const struct verdict *v)
{
	struct job *j = arg;

	tell(j, j->index[index], v);
}

static void
on_done(void *arg)
{
	struct job *j = arg;
	struct session *s = j->session;

	j->session = NULL;
	if (service_is_stopping(j->relay->service))
		session_quit(s);
	else
		pool_put(j->relay->pool, slice_str(j->key), s);
	job_end(j, false);
}

static const struct session_ops session_callbacks = {
	.ready = on_ready,
	.failed = on_failed,
	.rcpt = on_rcpt,
	.done = on_done,
};

static void
open_session(struct job *j, bool avoid_tls)
{
	struct session_target t = {
		.host = j->target.host,
		.addr = j->target.addr,
		.require_tls = requires_tls(j),
		.avoid_tls = avoid_tls,
		.wrapped = j->hop.port == SUBMISSIONS_PORT,
		.user = j->user_str,
		.password = j->password_str,
	};

	j->session = session_open(&j->relay->session, &t, &session_callbacks,
	    j);
}

static void
on_route(void *arg)
{
	try_next(arg);
}

/* The next server, or the end of the ways. */
static void
try_next(struct job *j)
{
	struct verdict v;

	if (j->route == NULL)
		j->route = route_new(&j->relay->route, &j->hop, on_route, j);
	switch (route_next(j->route, &j->target)) {
	case ROUTE_TARGET:
		open_session(j, false);
		break;
	case ROUTE_WAIT:
		break;
	case ROUTE_END:
		if (route_verdict(j->route, &v) &&
		    (!j->failed || v.outcome == WIRE_LATER))
			note(j, &v);
		if (!j->failed)
			verdict_set(&j->verdict, "4.4.4", "no way to %s",
			    j->hop.host);
		v = j->verdict;
		job_fail(j, &v);
		break;
	}
}

/* An address that can stand in a command; "" is the null path. */
static bool
path_valid(struct slice s, unsigned flags)
{
	struct addr a;

	if (s.n == 0)
		return (flags & ADDR_NULL) != 0;
	return addr_parse(s, ADDR_UTF8, &a, NULL) == 0;
}

/* Those that cannot be written into a command; true if nothing is left. */
static bool
refuse_addresses(struct job *j)
{
	bool none = j->m.count == 0;
	struct verdict v;

	if (!path_valid(j->m.sender, ADDR_NULL)) {
		verdict_set(&v, "5.1.7", "malformed sender address");
		j->reached = true;
		job_fail(j, &v);
		return true;
	}
	verdict_set(&v, "5.1.3", "malformed recipient address");
	for (uint32_t i = 0; i < j->count; i++)
		if (!path_valid(j->to[i], 0))
			tell(j, i, &v);
	if (none)
		job_end(j, false);
	return none;
}

static void
job_start(struct job *j)
{
	struct relay *r = j->relay;
	const char *why = NULL;
	struct verdict v;

	list_push(&r->jobs, &j->link);
	r->running++;
	if (hop_parse(&j->hop, j->hop_text, &why) != 0) {
		verdict_set(&v, "5.1.2", "bad destination: %s", why);
		j->reached = true;
		job_fail(j, &v);
		return;
	}
	if (refuse_addresses(j))
		return;
	j->session = pool_take(r->pool, slice_str(j->key));
	if (j->session == NULL) {
		try_next(j);
		return;
	}
	j->reused = true;
	session_set_owner(j->session, &session_callbacks, j);
	on_ready(j);
}

static void
read_rcpt(struct job *j, uint32_t i, struct wire_in *in)
{
	struct message *m = &j->m;
	struct message_rcpt r;

	j->to[i] = r.address = wire_get_slice(in, LIMIT_ADDRESS);
	r.orcpt = wire_get_slice(in, LIMIT_SMTP_COMMAND);
	r.notify = wire_get_u8(in);
	if (!path_valid(r.address, 0))
		return;
	m->smtputf8 |= !slice_is_ascii(r.address);
	j->index[m->count] = i;
	m->rcpts[m->count++] = r;
}

static int
read_request(struct job *j)
{
	struct wire_in in = wire_in(buf_slice(&j->payload));
	struct message *m = &j->m;

	j->id = wire_get_slice(&in, 64);
	m->sender = wire_get_slice(&in, LIMIT_ADDRESS);
	wire_edit_get(&in, &m->edit);
	m->size = wire_get_u64(&in);
	m->body_8bit = wire_get_bool(&in);
	m->smtputf8 = wire_get_bool(&in);
	m->ret = wire_get_slice(&in, LIMIT_SMTP_COMMAND);
	m->envid = wire_get_slice(&in, LIMIT_SMTP_COMMAND);
	j->hop_text = wire_get_slice(&in, LIMIT_DOMAIN + 16);
	j->user = wire_get_slice(&in, LIMIT_PASSWORD);
	j->password = wire_get_slice(&in, LIMIT_PASSWORD);
	/* RFC 6531 3.2: also where an alias brought such an address in. */
	m->smtputf8 |= !slice_is_ascii(m->sender);
	j->count = wire_get_u32(&in);
	if (j->count == 0 || j->count > WIRE_RELAY_RECIPIENTS ||
	    m->size > INT64_MAX)
		return -1;
	m->rcpts = arena_array(&j->arena, j->count, sizeof(m->rcpts[0]));
	j->to = arena_array(&j->arena, j->count, sizeof(j->to[0]));
	j->settled = arena_array(&j->arena, j->count, sizeof(j->settled[0]));
	j->index = arena_array(&j->arena, j->count, sizeof(j->index[0]));
	for (uint32_t i = 0; i < j->count; i++)
		read_rcpt(j, i, &in);
	return wire_end(&in);
}

/* RELAY_USER and RELAY_PASSWORD, at the hosts they are meant for. */
static void
use_own_credentials(struct job *j)
{
	const struct conf *conf = service_conf(j->relay->service);
	struct buf own = BUF_INIT(LIMIT_DOMAIN + 16);

	buf_addf(&own, "[%s]:%u", conf->relay_host,
	    (unsigned)conf->relay_host_port);
	if (j->user.n == 0 && conf->relay_user[0] != '\0' &&
	    conf->relay_password[0] != '\0' &&
	    ((conf->default_relay_host[0] != '\0' && slice_ieq(j->hop_text,
	    slice_str(conf->default_relay_host))) ||
	    (conf->relay_host[0] != '\0' &&
	    slice_ieq(j->hop_text, buf_slice(&own))))) {
		j->user = slice_str(conf->relay_user);
		j->password = slice_str(conf->relay_password);
	}
	buf_release(&own);
	j->user_str = slice_dup(j->user);
	j->password_str = slice_dup(j->password);
}

int
job_accept(struct relay *r, struct chan *c, struct chan_frame *f)
{
	struct job *j = mem_zero(sizeof(*j));
	struct buf key = BUF_INIT(4096);

	j->relay = r;
	j->c = c;
	j->frame_id = f->id;
	j->m.fd = f->fd;
	f->fd = -1;
	j->started = loop_now(r->session.loop);
	buf_init(&j->payload, LIMIT_FRAME);
	buf_add_slice(&j->payload, f->payload);
	list_init(&j->link);
	if (j->m.fd == -1 || read_request(j) != 0) {
		job_free(j);
		return -1;
	}
	use_own_credentials(j);
	/* The password counts too: a session is for who opened it. */
	buf_addf(&key, "%s %016llx ", j->user_str,
	    (unsigned long long)map_hash(j->password));
	for (size_t i = 0; i < j->hop_text.n; i++)
		buf_addc(&key, ascii_lower(j->hop_text.p[i]));
	j->key = buf_take(&key);
	list_push(&r->waiting, &j->link);
	go_on(r);
	return 0;
}

void
job_forget(struct relay *r, const struct chan *c)
{
	struct job *j;

	LIST_EACH(j, &r->waiting, struct job, link) {
		if (j->c != c)
			continue;
		list_remove(&j->link);
		job_free(j);
	}
	LIST_EACH(j, &r->jobs, struct job, link) {
		if (j->c != c)
			continue;
		list_remove(&j->link);
		r->running--;
		job_free(j);
	}
	go_on(r);
}
