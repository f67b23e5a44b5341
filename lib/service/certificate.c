#include "service/certificate.h"

#include "core/limits.h"
#include "core/log.h"

enum { CERT, KEY, ALT_CERT, ALT_KEY, CLIENT_CA };

static const char *const names[CERTIFICATE_PARTS] = {
	[CERT] = "tls-cert",
	[KEY] = "tls-key",
	[ALT_CERT] = "tls-alt-cert",
	[ALT_KEY] = "tls-alt-key",
	[CLIENT_CA] = "client-ca",
};

enum tls_level
certificate_level(const struct conf *c)
{
	return c->tls_level == CONF_TLS_MODERN ? TLS_MODERN : TLS_INTERMEDIATE;
}

static int
load(const struct certificate *c, enum tls_level level, struct tls_ctx **ctx,
    const char **why)
{
	struct tls_pair pair = { buf_slice(&c->parts[CERT]),
		buf_slice(&c->parts[KEY]) };
	struct tls_pair alt = { buf_slice(&c->parts[ALT_CERT]),
		buf_slice(&c->parts[ALT_KEY]) };
	bool two = alt.cert.n > 0 && alt.key.n > 0;
	struct tls_ctx *next;

	if (pair.cert.n == 0)
		return fail(why, "there is no certificate");
	if (pair.key.n == 0)
		return fail(why, "there is no private key");
	next = tls_server_new(&pair, two ? &alt : NULL, level, why);
	if (next == NULL)
		return -1;
	if (c->asks && tls_server_ask(next, buf_slice(&c->parts[CLIENT_CA]),
	    why) == -1) {
		tls_unref(next);
		return -1;
	}
	tls_unref(*ctx);
	*ctx = next;
	log_info("tls-certificate", "loaded=yes second=%s clients=%s",
	    two ? "yes" : "no", c->asks ? "yes" : "no");
	return 0;
}

int
certificate_on_file(struct certificate *c, const char *name,
    const struct slice *content, enum tls_level level, struct tls_ctx **ctx,
    const char **why)
{
	int r;

	for (size_t i = 0; i < CERTIFICATE_PARTS; i++) {
		if (strcmp(name, names[i]) != 0)
			continue;
		buf_wipe(&c->parts[i]);
		buf_init(&c->parts[i], LIMIT_CONFIG_FILE);
		if (content != NULL)
			buf_add_slice(&c->parts[i], *content);
		c->asks |= i == CLIENT_CA;
		return 0;
	}
	if (strcmp(name, "tls") != 0)
		return fail(why, "not a file of this service");
	r = load(c, level, ctx, why);
	/* All come again with a change; until then nobody needs the keys. */
	for (size_t i = 0; i < CERTIFICATE_PARTS; i++)
		buf_wipe(&c->parts[i]);
	c->asks = false;
	return r;
}
