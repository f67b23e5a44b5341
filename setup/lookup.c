#include "setup/lookup.h"

#include <sys/socket.h>

#include <netdb.h>
#include <poll.h>

#include "core/now.h"
#include "core/num.h"
#include "dns/answer.h"
#include "dns/question.h"
#include "dns/rungs.h"
#include "dns/upstream.h"

#define CLASS_IN 1

/* One lookup that was made. */
struct row {
	char *name;
	uint32_t type;
	enum wire_dns_status status;
	uint32_t count;
	uint64_t ms;
	bool secure;
	bool late; /* no answer in time */
};

struct lookup {
	struct rungs rungs;
	struct buf server; /* --dns, or empty */
	struct ub_ctx *ctx; /* NULL before the first question */
	const struct rung *rung; /* that ctx is for */
	struct ub_result *result; /* what answer points into */
	struct wire_dns_answer answer;
	struct question question; /* a local answer points into it */
	uint64_t deadline;        /* of the run; 0: not begun */
	int err;
	bool done;
	struct row *rows;
	size_t row_count;
	size_t unseen; /* lookups that found no room in rows */
	bool answered;  /* something was, well or not */
	unsigned lates; /* questions without an answer before that */
};

/* "HOST@PORT" to the form of libunbound, an address. */
static int
resolve_server(const char *server, struct buf *out, const char **why)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *ai = NULL;
	struct slice all = slice_str(server);
	ssize_t at = slice_rfind(all, '@');
	char *host = slice_dup(at < 0 ? all : slice_head(all, (size_t)at));
	char address[128];
	uint64_t port = 53;
	int r = -1;

	if (at >= 0 && (num_u64(slice_from(all, (size_t)at + 1), 65535,
	    &port) == -1 || port == 0))
		*why = "the port is not a number from 1 to 65535";
	else if (*host == '\0' || getaddrinfo(host, NULL, &hints, &ai) != 0)
		*why = "the host is not known";
	else if (getnameinfo(ai->ai_addr, ai->ai_addrlen, address,
	    sizeof(address), NULL, 0, NI_NUMERICHOST) != 0)
		*why = "the host has no address";
	else
		r = 0;
	if (r == 0)
		buf_addf(out, "%s@%u", address, (unsigned)port);
	if (ai != NULL)
		freeaddrinfo(ai);
	mem_free(host);
	return r;
}

struct lookup *
lookup_new(const struct conf *c, const char *server, const char **why)
{
	struct lookup *l = mem_zero(sizeof(*l));
	int r;

	buf_init(&l->server, 256);
	if (server == NULL)
		r = rungs_init(&l->rungs, c->dns, c->dns_validate,
		    c->dns_strict, why);
	else if ((r = resolve_server(server, &l->server, why)) == 0)
		r = rungs_init(&l->rungs, buf_str(&l->server), false, false,
		    why);
	if (r == 0)
		return l;
	lookup_free(l);
	return NULL;
}

void
lookup_free(struct lookup *l)
{
	if (l == NULL)
		return;
	ub_resolve_free(l->result);
	if (l->ctx != NULL)
		upstream_free(l->ctx);
	for (size_t i = 0; i < l->row_count; i++)
		mem_free(l->rows[i].name);
	mem_free(l->rows);
	rungs_release(&l->rungs);
	buf_release(&l->server);
	mem_free(l);
}

static void
on_result(void *arg, int err, struct ub_result *result)
{
	struct lookup *l = arg;

	l->err = err;
	l->result = result;
	l->done = true;
}

/* False if there was no answer before the time. */
static bool
wait_until(struct lookup *l, uint64_t deadline)
{
	struct pollfd fd = { .fd = ub_fd(l->ctx), .events = POLLIN };

	while (!l->done) {
		uint64_t now = now_mono_ms();

		if (now >= deadline)
			return false;
		if (poll(&fd, 1, (int)(deadline - now)) == 1 &&
		    ub_process(l->ctx) != 0)
			return false;
	}
	return true;
}

/* True if libunbound answered, well or not. */
static bool
ask_upstream(struct lookup *l, const char *name, uint32_t type,
    uint64_t deadline)
{
	int id;

	l->done = false;
	l->result = NULL;
	l->err = ub_resolve_async(l->ctx, name, (int)type, CLASS_IN, l,
	    on_result, &id);
	if (l->err == 0 && !wait_until(l, deadline)) {
		ub_cancel(l->ctx, id);
		return false;
	}
	answer_take(&l->answer, l->err, l->result);
	return true;
}

/* For a terminal: a name that was made from what a stranger wrote (RFC 7208 7)
 * may hold anything. */
static char *
printable(struct slice name)
{
	char *text = slice_dup(name);

	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	return text;
}

static bool
use_rung(struct lookup *l, size_t i)
{
	const char *why;

	if (l->ctx != NULL)
		upstream_free(l->ctx);
	l->rung = &l->rungs.list[i];
	l->ctx = upstream_new(l->rung->dns, l->rung->validate, S(""), &why);
	return l->ctx != NULL;
}

/* As the resolver does it (dns/rungs.h), but once and for all. */
static void
climb(struct lookup *l)
{
	size_t n = l->rungs.fallback > 0 ? l->rungs.fallback : l->rungs.n;

	for (size_t i = 0; i < n && l->rungs.n > 1; i++) {
		uint64_t deadline = now_mono_ms() + RUNGS_PROBE_TIMEOUT;
		unsigned asked = 0;
		bool holds = false;

		if (!use_rung(l, i))
			continue;
		do {
			if (!ask_upstream(l, RUNGS_PROBE_NAME,
			    RUNGS_PROBE_TYPE, deadline))
				break;
			holds = rung_holds(l->rung, &l->answer);
			ub_resolve_free(l->result);
			l->result = NULL;
		} while (!holds && ++asked < RUNGS_PROBE_ASKS &&
		    l->answer.status == WIRE_DNS_SERVFAIL);
		if (holds)
			return;
	}
	(void)use_rung(l, l->rungs.fallback);
}

static void
remember(struct lookup *l, struct slice name, uint32_t type, uint64_t ms,
    bool late)
{
	if (l->row_count == LOOKUP_TRACE) {
		l->unseen++;
		return;
	}
	if ((l->row_count & (l->row_count - 1)) == 0)
		l->rows = mem_grow(l->rows, l->row_count == 0 ? 1 :
		    l->row_count * 2, sizeof(l->rows[0]));
	l->rows[l->row_count++] = (struct row){ .name = printable(name),
		.type = type, .status = l->answer.status,
		.count = l->answer.count, .ms = ms,
		.secure = l->answer.secure, .late = late };
}

const struct wire_dns_answer *
lookup_name(struct lookup *l, struct slice name, uint32_t type)
{
	uint64_t start, deadline;
	bool late = false;

	if (l->ctx == NULL)
		climb(l);
	start = now_mono_ms();
	deadline = start + LOOKUP_TIMEOUT;
	if (l->deadline == 0)
		lookup_rewind(l);
	if (deadline > l->deadline)
		deadline = l->deadline;
	/* name may be a view into the last answer. */
	name = slice_str(slice_dup(name));
	ub_resolve_free(l->result);
	l->result = NULL;
	l->answer = (struct wire_dns_answer){ .status = WIRE_DNS_NXDOMAIN };
	if (question_set(&l->question, name, type, NULL) == 0 &&
	    !question_local(&l->question, &l->answer)) {
		late = l->ctx == NULL || start >= deadline ||
		    (!l->answered && l->lates == LOOKUP_LATES) ||
		    !ask_upstream(l, l->question.name, l->question.type,
		    deadline);
		if (!late)
			l->answered = true;
		else if (!l->answered && l->lates < LOOKUP_LATES)
			l->lates++;
		if (late)
			l->answer = (struct wire_dns_answer){
				.status = WIRE_DNS_SERVFAIL };
	}
	remember(l, name, type, now_mono_ms() - start, late);
	mem_free((void *)name.p);
	return &l->answer;
}

const struct wire_dns_answer *
lookup_ask(struct lookup *l, const struct dns_question *q)
{
	return lookup_name(l, q->name, q->type);
}

void
lookup_rewind(struct lookup *l)
{
	l->deadline = now_mono_ms() + LOOKUP_RUN_TIMEOUT;
}

const char *
lookup_type(uint32_t type)
{
	static const struct {
		uint32_t type;
		const char *name;
	} names[] = {
		{ DNS_A, "A" }, { DNS_NS, "NS" }, { DNS_CNAME, "CNAME" },
		{ DNS_PTR, "PTR" }, { DNS_MX, "MX" }, { DNS_TXT, "TXT" },
		{ DNS_AAAA, "AAAA" }, { DNS_SRV, "SRV" }, { DNS_TLSA, "TLSA" },
		{ DNS_CAA, "CAA" },
	};

	for (size_t i = 0; i < LEN(names); i++)
		if (names[i].type == type)
			return names[i].name;
	return "another type";
}

const char *
lookup_status(enum wire_dns_status status)
{
	static const char *const names[WIRE_DNS_STATUSES] = {
		[WIRE_DNS_OK] = "ok",
		[WIRE_DNS_NODATA] = "nodata",
		[WIRE_DNS_NXDOMAIN] = "nxdomain",
		[WIRE_DNS_SERVFAIL] = "servfail",
		[WIRE_DNS_BOGUS] = "bogus",
	};

	return names[status];
}

static void
add_result(struct buf *out, const struct row *r)
{
	static const char *const words[WIRE_DNS_STATUSES] = {
		[WIRE_DNS_NODATA] = "no such record",
		[WIRE_DNS_NXDOMAIN] = "no such name",
		[WIRE_DNS_SERVFAIL] = "no usable answer (SERVFAIL)",
		[WIRE_DNS_BOGUS] = "forged, says DNSSEC",
	};

	if (r->late)
		buf_adds(out, "no answer in time");
	else if (r->status == WIRE_DNS_OK)
		buf_addf(out, "%u record%s", (unsigned)r->count,
		    r->count == 1 ? "" : "s");
	else
		buf_adds(out, words[r->status]);
}

void
lookup_upstream(const struct lookup *l, struct buf *out)
{
	const struct rung *best = &l->rungs.list[0];
	const struct rung *r = l->rung;

	if (r == NULL) {
		buf_adds(out, "nobody was asked");
		return;
	}
	buf_addf(out, "asked %s, %s DNSSEC", strcmp(r->dns, "recurse") == 0 ?
	    "the name servers of each domain" : r->dns,
	    r->validate ? "with" : "without");
	if (r->system != best->system)
		buf_adds(out, " (only the servers of /etc/resolv.conf answer "
		    "from here)");
}

void
lookup_trace(const struct lookup *l, struct buf *out)
{
	for (size_t i = 0; i < l->row_count; i++) {
		const struct row *r = &l->rows[i];

		buf_addf(out, "  %s %s: ", lookup_type(r->type), r->name);
		add_result(out, r);
		buf_addf(out, ", %llu ms%s\n", (unsigned long long)r->ms,
		    r->secure ? ", secure" : "");
	}
	if (l->unseen > 0)
		buf_addf(out, "  and %zu more\n", l->unseen);
}

void
lookup_trace_json(const struct lookup *l, struct json *j, const char *key)
{
	json_array(j, key);
	for (size_t i = 0; i < l->row_count; i++) {
		const struct row *r = &l->rows[i];

		json_object(j, NULL);
		json_str(j, "name", r->name);
		json_str(j, "type", lookup_type(r->type));
		json_str(j, "result", r->late ? "timeout" :
		    lookup_status(r->status));
		json_num(j, "records", r->count);
		json_num(j, "ms", r->ms);
		json_bool(j, "secure", r->secure);
		json_object_end(j);
	}
	json_array_end(j);
}
