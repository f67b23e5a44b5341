/*
 * TLS on a connection: OpenSSL reads and writes the descriptor itself, so no
 * ciphertext is buffered by us, and an idle connection keeps only its keys.
 */
#include "io/conn_internal.h"

#include <openssl/err.h>

#include "io/tls_internal.h"

struct conn_tls {
	SSL *ssl;
	char *info; /* conn_tls_info, made when asked for */
};

/* Maps what OpenSSL says to the transport's results. */
static ssize_t
outcome(struct conn *c, int r, bool *wants_other, int other)
{
	int e = SSL_get_error(c->secret->ssl, r);

	if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) {
		*wants_other = e == other;
		return -1;
	}
	ERR_clear_error();
	return e == SSL_ERROR_ZERO_RETURN ? 0 : -2;
}

static ssize_t
tls_read(struct conn *c, char *p, size_t n)
{
	int r;

	ERR_clear_error();
	r = SSL_read(c->secret->ssl, p, n > INT32_MAX ? INT32_MAX : (int)n);
	c->read_wants_write = false;
	if (r > 0)
		return r;
	return outcome(c, r, &c->read_wants_write, SSL_ERROR_WANT_WRITE);
}

static ssize_t
tls_write(struct conn *c, const char *p, size_t n)
{
	ssize_t got;
	int r;

	ERR_clear_error();
	r = SSL_write(c->secret->ssl, p, n > (1 << 20) ? 1 << 20 : (int)n);
	c->write_wants_read = false;
	if (r > 0)
		return r;
	got = outcome(c, r, &c->write_wants_read, SSL_ERROR_WANT_READ);
	return got == 0 ? -2 : got;
}

static int
tls_handshake(struct conn *c, const char **why)
{
	int r, e;

	if (c->secret->ssl == NULL)
		return fail(why, "no memory for TLS");
	ERR_clear_error();
	r = SSL_do_handshake(c->secret->ssl);
	c->read_wants_write = false;
	if (r == 1)
		return 1;
	e = SSL_get_error(c->secret->ssl, r);
	if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) {
		c->read_wants_write = e == SSL_ERROR_WANT_WRITE;
		return 0;
	}
	return fail(why, e == SSL_ERROR_SSL ? tls_failure() :
	    "connection lost");
}

static void
tls_shutdown(struct conn *c)
{
	ERR_clear_error();
	SSL_shutdown(c->secret->ssl);
	ERR_clear_error();
}

static void
tls_release(struct conn *c)
{
	SSL_free(c->secret->ssl);
	mem_free(c->secret->info);
	mem_free(c->secret);
	c->secret = NULL;
}

static const struct conn_transport tls_transport = {
	.read = tls_read,
	.write = tls_write,
	.handshake = tls_handshake,
	.shutdown = tls_shutdown,
	.release = tls_release,
};

static void
start_tls(struct conn *c, struct tls_ctx *ctx, const char *host)
{
	assert(c->tls == TLS_NONE);
	conn_drop_input(c);
	c->secret = mem_zero(sizeof(*c->secret));
	c->secret->ssl = tls_session_new(ctx, c->fd, host);
	c->transport = &tls_transport;
	c->tls = TLS_AWAITED;
	conn_schedule(c);
}

void
conn_tls_server(struct conn *c, struct tls_ctx *ctx)
{
	start_tls(c, ctx, NULL);
}

void
conn_tls_client(struct conn *c, struct tls_ctx *ctx, const char *host)
{
	start_tls(c, ctx, host);
}

const char *
conn_tls_info(const struct conn *c)
{
	struct buf b = BUF_INIT(256);
	SSL *ssl;

	if (c->tls != TLS_ON)
		return "";
	if (c->secret->info == NULL) {
		ssl = c->secret->ssl;
		buf_addf(&b, "%s %s bits=%d", SSL_get_version(ssl),
		    SSL_get_cipher_name(ssl), SSL_get_cipher_bits(ssl, NULL));
		c->secret->info = buf_take(&b);
	}
	return c->secret->info;
}

void
conn_tls_binding(const struct conn *c, struct tls_binding *out)
{
	*out = (struct tls_binding){ 0 };
	if (c->tls == TLS_ON)
		tls_binding_of(c->secret->ssl, out);
}

bool
conn_tls_is_verified(const struct conn *c)
{
	return c->tls == TLS_ON && tls_is_verified(c->secret->ssl);
}

void
conn_tls_peer(const struct conn *c, struct buf *out)
{
	if (c->tls == TLS_ON)
		tls_peer(c->secret->ssl, out);
}
