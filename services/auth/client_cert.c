/* Certificates of clients. See client_cert.h. */
#include "services/auth/client_cert.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "io/tls_ca.h"

int
client_cert_trust(X509_STORE **store, struct slice pem, const char **why)
{
	X509_STORE *fresh = X509_STORE_new();

	if (fresh == NULL)
		return fail(why, "out of memory");
	if (tls_ca_load(fresh, pem, why) == -1) {
		X509_STORE_free(fresh);
		return -1;
	}
	X509_STORE_free(*store);
	*store = fresh;
	return 0;
}

/* --- reading -------------------------------------------------------------- */

/* One certificate from the front of der; NULL if that is none. */
static X509 *
take(struct slice *der)
{
	const unsigned char *p = (const unsigned char *)der->p;
	X509 *x = d2i_X509(NULL, &p, (long)der->n);

	if (x != NULL)
		*der = slice_from(*der, (size_t)((const char *)p - der->p));
	return x;
}

static int
read_all(struct slice der, X509 **leaf, STACK_OF(X509) *others,
    const char **why)
{
	X509 *x;

	if (der.n == 0)
		return fail(why, "no client certificate");
	*leaf = take(&der);
	if (*leaf == NULL)
		return fail(why, "malformed client certificate");
	while (der.n > 0) {
		if (sk_X509_num(others) >= LIMIT_TLS_CHAIN)
			return fail(why, "too many certificates");
		x = take(&der);
		if (x == NULL)
			return fail(why, "malformed client certificate");
		if (sk_X509_push(others, x) == 0) {
			X509_free(x);
			return fail(why, "out of memory");
		}
	}
	return 0;
}

/* --- the chain ------------------------------------------------------------ */

static int
verify(X509_STORE *store, X509 *leaf, STACK_OF(X509) *others, const char **why)
{
	X509_STORE_CTX *x = X509_STORE_CTX_new();
	int r = -1;

	if (x == NULL || X509_STORE_CTX_init(x, store, leaf, others) != 1 ||
	    X509_STORE_CTX_set_default(x, "ssl_client") != 1) {
		fail(why, "out of memory");
	} else {
		X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(x);

		X509_VERIFY_PARAM_set_auth_level(p, TLS_CLIENT_LEVEL);
		X509_VERIFY_PARAM_set_depth(p, LIMIT_TLS_CHAIN);
		if (X509_verify_cert(x) == 1)
			r = 0;
		else
			fail(why, X509_verify_cert_error_string(
			    X509_STORE_CTX_get_error(x)));
	}
	X509_STORE_CTX_free(x);
	return r;
}

/* --- whose it is ---------------------------------------------------------- */

static bool
has(const struct client_cert *c, struct slice address)
{
	for (size_t i = 0; i < c->n; i++)
		if (slice_eq(c->addresses[i], address))
			return true;
	return false;
}

/* RFC 5280 4.2.1.6: a Mailbox of RFC 5321 in ASCII. What is not one names
 * nobody; a NUL in it must not end it early. */
static void
add_address(struct client_cert *c, struct slice name, struct arena *arena)
{
	char *p;

	if (c->n == LEN(c->addresses) || name.n == 0 ||
	    name.n > LIMIT_ADDRESS || slice_find(name, '@') < 1)
		return;
	p = arena_dup(arena, name);
	for (size_t i = 0; i < name.n; i++) {
		if ((unsigned char)p[i] <= ' ' || (unsigned char)p[i] >= 0x7f)
			return;
		p[i] = ascii_lower(p[i]);
	}
	name = slice_of(p, name.n);
	if (!has(c, name))
		c->addresses[c->n++] = name;
}

static void
read_addresses(X509 *leaf, struct arena *arena, struct client_cert *out)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name,
	    NULL, NULL);

	*out = (struct client_cert){ .n = 0 };
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);

		if (g->type != GEN_EMAIL)
			continue;
		add_address(out, slice_of((const char *)
		    ASN1_STRING_get0_data(g->d.rfc822Name),
		    (size_t)ASN1_STRING_length(g->d.rfc822Name)), arena);
	}
	GENERAL_NAMES_free(names);
}

int
client_cert_check(X509_STORE *store, struct slice der, struct arena *arena,
    struct client_cert *out, const char **why)
{
	STACK_OF(X509) *others = sk_X509_new_null();
	X509 *leaf = NULL;
	int r = -1;

	if (others == NULL)
		return fail(why, "out of memory");
	if (read_all(der, &leaf, others, why) == 0 &&
	    verify(store, leaf, others, why) == 0) {
		read_addresses(leaf, arena, out);
		r = 0;
	}
	X509_free(leaf);
	sk_X509_pop_free(others, X509_free);
	ERR_clear_error();
	return r;
}
