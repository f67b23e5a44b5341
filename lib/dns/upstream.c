#include "dns/upstream.h"

#include "core/buf.h"
#include "core/log.h"

/*
 * The key signing keys of the root zone as IANA publishes them in
 * https://data.iana.org/root-anchors/root-anchors.xml (RFC 9718): KSK-2017,
 * in use since 2018, and KSK-2024, published in 2025 to follow it.
 */
static const char root_anchors[] =
    ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n"
    ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16\n";

struct option {
	const char *name;
	const char *value;
};

/* Memory follows from the caches, their slabs and the buffers of the TCP
 * sockets; a mail server asks little and often the same. */
static const struct option options_always[] = {
	{ "msg-cache-size:", "2m" },
	{ "msg-cache-slabs:", "1" },
	{ "rrset-cache-size:", "4m" },
	{ "rrset-cache-slabs:", "1" },
	{ "infra-cache-slabs:", "1" },
	{ "infra-cache-numhosts:", "2000" },
	{ "key-cache-size:", "1m" },
	{ "key-cache-slabs:", "1" },
	{ "neg-cache-size:", "256k" },
	/* A socket for each question that waits; with fewer, questions to
	 * servers that are well would wait for those that are dead. */
	{ "outgoing-range:", "1200" },
	{ "num-queries-per-thread:", "1000" },
	{ "outgoing-num-tcp:", "100" },
	{ "incoming-num-tcp:", "0" },
	/* A domain that was just set up should not stay unknown for long. */
	{ "cache-max-negative-ttl:", "300" },
	/* A server that was silent about one name is asked about the next. */
	{ "infra-keep-probing:", "yes" },
	{ "use-syslog:", "no" },
};

/* A server that the administrator named may be on this host and may know
 * private zones. */
static const struct option options_forward[] = {
	{ "do-not-query-localhost:", "no" },
	{ "unblock-lan-zones:", "yes" },
	{ "insecure-lan-zones:", "yes" },
	/* The root proves that these do not exist (RFC 6761 6.2, RFC 6762 3,
	 * RFC 9476; internal: reserved by ICANN in 2024). */
	{ "domain-insecure:", "test." },
	{ "domain-insecure:", "local." },
	{ "domain-insecure:", "alt." },
	{ "domain-insecure:", "internal." },
};

static int
set_options(struct ub_ctx *ctx, const struct option *o, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int err = ub_ctx_set_option(ctx, o[i].name, o[i].value);

		if (err != 0) {
			log_error("dns-option", "name=%s value=%s reason=\"%s\"",
			    o[i].name, o[i].value, ub_strerror(err));
			return -1;
		}
	}
	return 0;
}

static int
add_forwarders(struct ub_ctx *ctx, struct slice list, const char **why)
{
	struct slice item;

	while (slice_split(&list, ',', &item)) {
		char *address = slice_dup(item);
		int err = ub_ctx_set_fwd(ctx, address);

		mem_free(address);
		if (err != 0)
			return fail(why, "not an address");
	}
	return 0;
}

static int
add_anchors(struct ub_ctx *ctx, struct slice text, const char **why)
{
	struct slice line;

	while (slice_line(&text, &line)) {
		char *anchor;
		int err;

		line = slice_trim(line);
		if (line.n == 0 || line.p[0] == ';')
			continue;
		anchor = slice_dup(line);
		err = ub_ctx_add_ta(ctx, anchor);
		mem_free(anchor);
		if (err != 0)
			return fail(why, "not a DS or DNSKEY record");
	}
	return 0;
}

static int
set_up(struct ub_ctx *ctx, struct slice dns, bool validate,
    struct slice anchors, const char **why)
{
	bool forward = !slice_eq(dns, S("recurse"));

	if (set_options(ctx, options_always, LEN(options_always)) != 0)
		return fail(why, "libunbound refuses an option");
	if (forward && set_options(ctx, options_forward,
	    LEN(options_forward)) != 0)
		return fail(why, "libunbound refuses an option");
	if (ub_ctx_set_option(ctx, "module-config:",
	    validate ? "validator iterator" : "iterator") != 0)
		return fail(why, "libunbound refuses its modules");
	if (forward && add_forwarders(ctx, dns, why) != 0)
		return -1;
	if (validate && add_anchors(ctx, anchors.n > 0 ? anchors :
	    slice_str(root_anchors), why) != 0)
		return -1;
	if (ub_ctx_async(ctx, true) != 0)
		return fail(why, "libunbound has no threads");
	/*
	 * RFC 6761 6.2: test names stay off the Internet; but a server that
	 * was named on purpose may serve them.
	 */
	if (forward && ub_ctx_zone_remove(ctx, "test.") != 0)
		return fail(why, "cannot open the zone test");
	return 0;
}

struct ub_ctx *
upstream_new(const char *dns, bool validate, struct slice anchors,
    const char **why)
{
	struct ub_ctx *ctx = ub_ctx_create();

	if (ctx == NULL) {
		*why = "cannot start libunbound";
		return NULL;
	}
	ub_ctx_debugout(ctx, NULL);
	if (set_up(ctx, slice_str(dns), validate, anchors, why) != 0) {
		ub_ctx_delete(ctx);
		return NULL;
	}
	return ctx;
}

void
upstream_free(struct ub_ctx *ctx)
{
	ub_ctx_delete(ctx);
	mem_trim();
}

int
upstream_anchors_check(struct slice anchors, const char **why)
{
	struct ub_ctx *ctx = ub_ctx_create();
	int r = -1;

	if (ctx == NULL)
		return fail(why, "cannot start libunbound");
	ub_ctx_debugout(ctx, NULL);
	r = add_anchors(ctx, anchors, why);
	ub_ctx_delete(ctx);
	return r;
}
