// part: services/auth
#include "auth_fixture.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "services/auth/client_cert.h"
#include "services/auth/external.h"

#define DAY 86400L

struct made {
	X509 *x;
	EVP_PKEY *key;
};

struct wish {
	const char *name;   /* CN */
	const char *san;    /* as openssl.cnf has it, or NULL */
	const char *usage;  /* extendedKeyUsage, or NULL */
	bool ca;
	long from, to;      /* seconds from now */
	int rsa_bits;       /* 0: P-256 */
	GENERAL_NAMES *raw; /* instead of san */
};

static void
add_extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	CHECK(e != NULL && X509_add_ext(x, e, -1) == 1, "%s", value);
	X509_EXTENSION_free(e);
}

/* Signed by by, or by itself. */
static struct made
make(const struct wish *w, const struct made *by)
{
	static long serial;
	struct made m = { X509_new(), w->rsa_bits > 0 ?
	    EVP_RSA_gen((unsigned)w->rsa_bits) : EVP_EC_gen("P-256") };
	const struct made *issuer = by != NULL ? by : &m;
	long to = w->to != 0 ? w->to : DAY;

	CHECK(m.x != NULL && m.key != NULL, " ");
	X509_set_version(m.x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(m.x), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(m.x), w->from);
	X509_gmtime_adj(X509_getm_notAfter(m.x), to);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(m.x), "CN",
	    MBSTRING_UTF8, (const unsigned char *)w->name, -1, -1, 0);
	X509_set_issuer_name(m.x, X509_get_subject_name(issuer->x));
	X509_set_pubkey(m.x, m.key);
	add_extension(m.x, NID_basic_constraints,
	    w->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	if (w->san != NULL)
		add_extension(m.x, NID_subject_alt_name, w->san);
	if (w->raw != NULL)
		X509_add1_ext_i2d(m.x, NID_subject_alt_name, w->raw, 0, 0);
	if (w->usage != NULL)
		add_extension(m.x, NID_ext_key_usage, w->usage);
	CHECK(X509_sign(m.x, issuer->key, EVP_sha256()) > 0, " ");
	return m;
}

static void
unmake(struct made *m)
{
	X509_free(m->x);
	EVP_PKEY_free(m->key);
}

static void
put_der(struct buf *b, const struct made *m)
{
	unsigned char *der = NULL;
	int n = i2d_X509(m->x, &der);

	buf_add(b, der, (size_t)n);
	OPENSSL_free(der);
}

static void
put_pem(struct buf *b, const struct made *m)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long n;

	PEM_write_bio_X509(bio, m->x);
	n = BIO_get_mem_data(bio, &text);
	buf_add(b, text, (size_t)n);
	BIO_free(bio);
}

static X509_STORE *
trust(const struct made *m)
{
	struct buf pem = BUF_INIT(65536);
	X509_STORE *store = NULL;
	const char *why = "";

	put_pem(&pem, m);
	CHECK(client_cert_trust(&store, buf_slice(&pem), &why) == 0, "%s", why);
	buf_release(&pem);
	return store;
}

static const struct wish root_wish = { .name = "root", .ca = true };

TEST(a_certificate_is_judged_by_its_chain_purpose_and_dates)
{
	static const struct {
		struct wish wish;
		const char *why; /* part of the reason; NULL: it is good */
	} cases[] = {
		{ { .name = "a", .san = "email:u@x.test" }, NULL },
		{ { .name = "a", .usage = "clientAuth" }, NULL },
		{ { .name = "a", .usage = "clientAuth,serverAuth" }, NULL },
		{ { .name = "a", .rsa_bits = 2048 }, NULL },
		{ { .name = "a", .usage = "serverAuth" }, "purpose" },
		{ { .name = "a", .usage = "emailProtection" }, "purpose" },
		{ { .name = "a", .from = DAY, .to = 2 * DAY }, "not yet valid" },
		{ { .name = "a", .from = -2 * DAY, .to = -1 }, "expired" },
		{ { .name = "a", .rsa_bits = 1024 }, "too weak" },
	};
	struct made root = make(&root_wish, NULL);
	X509_STORE *store = trust(&root);

	for (size_t i = 0; i < LEN(cases); i++) {
		struct made m = make(&cases[i].wish, &root);
		struct buf der = BUF_INIT(LIMIT_TLS_CERTIFICATES);
		struct arena arena = ARENA_INIT;
		struct client_cert cert;
		const char *why = NULL;
		int r;

		put_der(&der, &m);
		r = client_cert_check(store, buf_slice(&der), &arena, &cert,
		    &why);
		if (cases[i].why == NULL)
			CHECK(r == 0, "%zu %s", i, why);
		else
			CHECK(r == -1 && strstr(why, cases[i].why) != NULL,
			    "%zu %s", i, r == 0 ? "taken" : why);
		buf_release(&der);
		arena_release(&arena);
		unmake(&m);
	}
	X509_STORE_free(store);
	unmake(&root);
}

TEST(the_chain_may_be_sent_along_and_nothing_else_counts)
{
	static const struct wish between_wish = { .name = "between", .ca = true };
	static const struct wish leaf_wish = { .name = "a",
		.san = "email:u@x.test" };
	struct made root = make(&root_wish, NULL);
	struct made other = make(&root_wish, NULL);
	struct made between = make(&between_wish, &root);
	struct made leaf = make(&leaf_wish, &between);
	struct made below = make(&leaf_wish, &leaf); /* of no CA */
	const struct {
		const struct made *trusted;
		const struct made *sent[4];
		bool good;
	} cases[] = {
		{ &root, { &leaf, &between }, true },
		{ &root, { &leaf, &other, &between, &root }, true },
		{ &root, { &leaf }, false },
		{ &root, { &leaf, &root }, false },
		{ &root, { &between, &leaf }, true }, /* but see its names */
		{ &other, { &leaf, &between, &root }, false },
		{ &between, { &leaf }, true },
		{ &root, { &below, &leaf, &between }, false },
		{ &root, { NULL }, false },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct buf der = BUF_INIT(LIMIT_TLS_CERTIFICATES);
		X509_STORE *store = trust(cases[i].trusted);
		struct arena arena = ARENA_INIT;
		struct client_cert cert;
		const char *why = NULL;

		for (size_t k = 0; k < 4 && cases[i].sent[k] != NULL; k++)
			put_der(&der, cases[i].sent[k]);
		CHECK((client_cert_check(store, buf_slice(&der), &arena, &cert,
		    &why) == 0) == cases[i].good, "%zu %s", i,
		    why != NULL ? why : "");
		if (cases[i].good)
			CHECK(cert.n == (cases[i].sent[0] == &leaf ? 1 : 0),
			    "%zu", i);
		X509_STORE_free(store);
		buf_release(&der);
		arena_release(&arena);
	}
	unmake(&root);
	unmake(&other);
	unmake(&between);
	unmake(&leaf);
	unmake(&below);
}

TEST(what_is_no_certificate_is_refused)
{
	struct made root = make(&root_wish, NULL);
	static const struct wish leaf_wish = { .name = "a" };
	struct made leaf = make(&leaf_wish, &root);
	X509_STORE *store = trust(&root);
	struct buf der = BUF_INIT(LIMIT_TLS_CERTIFICATES);
	struct arena arena = ARENA_INIT;
	struct client_cert cert;
	const char *why = NULL;

	put_der(&der, &leaf);
	for (size_t n = 0; n < der.n; n++)
		CHECK(client_cert_check(store, slice_head(buf_slice(&der), n),
		    &arena, &cert, &why) == -1, "%zu", n);
	CHECK(client_cert_check(store, buf_slice(&der), &arena, &cert,
	    &why) == 0, "%s", why);
	buf_adds(&der, "x");
	CHECK(client_cert_check(store, buf_slice(&der), &arena, &cert,
	    &why) == -1 && strstr(why, "malformed") != NULL, "%s", why);
	buf_clear(&der);
	for (size_t i = 0; i <= LIMIT_TLS_CHAIN + 1; i++)
		put_der(&der, &leaf);
	CHECK(buf_ok(&der) && client_cert_check(store, buf_slice(&der), &arena,
	    &cert, &why) == -1 && strstr(why, "too many") != NULL, "%s", why);
	X509_STORE_free(store);
	buf_release(&der);
	arena_release(&arena);
	unmake(&leaf);
	unmake(&root);
}

static void
add_name(GENERAL_NAMES *all, int type, const void *p, size_t n)
{
	GENERAL_NAME *g = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();

	ASN1_STRING_set(text, p, (int)n);
	GENERAL_NAME_set0_value(g, type, text);
	sk_GENERAL_NAME_push(all, g);
}

static void
read_names(GENERAL_NAMES *names, struct arena *arena, struct client_cert *out)
{
	struct wish wish = { .name = "name@cn.test", .raw = names };
	struct made root = make(&root_wish, NULL);
	struct made leaf = make(&wish, &root);
	X509_STORE *store = trust(&root);
	struct buf der = BUF_INIT(LIMIT_TLS_CERTIFICATES);
	const char *why = "";

	put_der(&der, &leaf);
	CHECK(client_cert_check(store, buf_slice(&der), arena, out, &why) == 0,
	    "%s", why);
	X509_STORE_free(store);
	buf_release(&der);
	unmake(&leaf);
	unmake(&root);
}

#define NAME(text) text, sizeof(text) - 1

TEST(only_whole_addresses_of_the_right_kind_are_taken)
{
	static const struct {
		int type;
		const char *p;
		size_t n;
	} given[] = {
		{ GEN_EMAIL, NAME("U@X.Test") },
		{ GEN_EMAIL, NAME("u@x.test") },
		{ GEN_DNS, NAME("d@x.test") },
		{ GEN_URI, NAME("mailto:r@x.test") },
		{ GEN_EMAIL, NAME("v@x.test\0.evil.test") },
		{ GEN_EMAIL, NAME("w@x.test\n") },
		{ GEN_EMAIL, NAME("\xc3\xbc@x.test") },
		{ GEN_EMAIL, NAME("x.test") },
		{ GEN_EMAIL, NAME("@x.test") },
		{ GEN_EMAIL, NAME("") },
		{ GEN_EMAIL, NAME("z@x.test") },
	};
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	struct arena arena = ARENA_INIT;
	struct client_cert cert;

	for (size_t i = 0; i < LEN(given); i++)
		add_name(names, given[i].type, given[i].p, given[i].n);
	read_names(names, &arena, &cert);
	CHECK(cert.n == 2, "%zu", cert.n);
	CHECK_SLICE(cert.addresses[0], "u@x.test");
	CHECK_SLICE(cert.addresses[1], "z@x.test");
	GENERAL_NAMES_free(names);
	arena_release(&arena);
}

TEST(addresses_have_a_limit)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	struct arena arena = ARENA_INIT;
	struct client_cert cert;
	char text[LIMIT_ADDRESS + 1];

	memset(text, 'a', sizeof(text));
	text[LIMIT_ADDRESS - 8] = '@';
	add_name(names, GEN_EMAIL, text, sizeof(text));
	add_name(names, GEN_EMAIL, text, LIMIT_ADDRESS);
	for (int i = 0; i < 2 * LIMIT_TLS_ADDRESSES; i++) {
		snprintf(text, sizeof(text), "u%d@x.test", i);
		add_name(names, GEN_EMAIL, text, strlen(text));
	}
	read_names(names, &arena, &cert);
	CHECK(cert.n == LIMIT_TLS_ADDRESSES, "%zu", cert.n);
	CHECK(cert.addresses[0].n == LIMIT_ADDRESS, " ");
	GENERAL_NAMES_free(names);
	arena_release(&arena);
}

TEST(a_file_of_authorities_is_taken_whole_or_not)
{
	struct made root = make(&root_wish, NULL);
	X509_STORE *store = trust(&root), *before = store;
	struct buf pem = BUF_INIT(1 << 20);
	const char *why = NULL;

	CHECK(client_cert_trust(&store, S(""), &why) == -1, " ");
	CHECK(client_cert_trust(&store, S("text\n"), &why) == -1 &&
	    strstr(why, "no certificate") != NULL, "%s", why);
	put_pem(&pem, &root);
	CHECK(client_cert_trust(&store, slice_head(buf_slice(&pem), pem.n - 30),
	    &why) == -1, " ");
	buf_adds(&pem, "-----BEGIN CERTIFICATE-----\nAAAA\n"
	    "-----END CERTIFICATE-----\n");
	CHECK(client_cert_trust(&store, buf_slice(&pem), &why) == -1 &&
	    strstr(why, "not valid PEM") != NULL, "%s", why);
	buf_clear(&pem);
	for (int i = 0; i <= LIMIT_TLS_CLIENT_CAS; i++)
		put_pem(&pem, &root);
	CHECK(client_cert_trust(&store, buf_slice(&pem), &why) == -1 &&
	    strstr(why, "too many") != NULL, "%s", why);
	CHECK(store == before, " ");
	X509_STORE_free(store);
	buf_release(&pem);
	unmake(&root);
}

static int
on_external(void *arg, struct chan *c, struct chan_frame *f)
{
	return external_request(arg, c, f);
}

static const struct chan_ops external_ops = { on_external, on_close };

/* The whole request, over a channel. */
TEST(a_login_gets_a_ticket_for_one_of_the_certificates_accounts)
{
	static const struct {
		const char *san, *authzid;
		unsigned result;
		const char *user;
	} cases[] = {
		{ "email:U@x.test", "", WIRE_VERIFY_OK, "u@x.test" },
		{ "email:u@x.test", "u@X.TEST", WIRE_VERIFY_OK, "u@x.test" },
		{ "email:u@x.test", "v@x.test", WIRE_VERIFY_DENIED, NULL },
		{ "email:u@x.test,email:v@x.test", "", WIRE_VERIFY_DENIED,
		    NULL },
		{ "email:u@x.test,email:v@x.test", "v@x.test", WIRE_VERIFY_OK,
		    "v@x.test" },
		{ "email:n@x.test,email:v@x.test", "", WIRE_VERIFY_OK,
		    "v@x.test" },
		{ "email:n@x.test", "", WIRE_VERIFY_DENIED, NULL },
		{ "email:n@x.test", "n@x.test", WIRE_VERIFY_DENIED, NULL },
		{ "email:u@x.test", "u@x.test*m", WIRE_VERIFY_DENIED, NULL },
		{ "email:off@x.test", "", WIRE_VERIFY_DENIED, NULL },
		{ "email:far@x.test", "", WIRE_VERIFY_DENIED, NULL },
		{ "DNS:x.test", "", WIRE_VERIFY_DENIED, NULL },
		{ NULL, "", WIRE_VERIFY_DENIED, NULL },
	};
	struct made root = make(&root_wish, NULL);
	struct talk t;
	int fds[2];

	talk_open(&t, "u@x.test|{PLAIN}pw\nv@x.test|{PLAIN}pw\n"
	    "off@x.test|{PLAIN}pw|userdb_x=1 nologin\n"
	    "far@x.test|{PLAIN}pw|allow_nets=10.0.0.0/8\n");
	CHECK(chan_pair(fds) == 0, " ");
	chan_close(t.server);
	chan_close(t.client);
	t.server = chan_new(t.auth.loop, fds[0], "server", &external_ops,
	    &t.auth);
	t.client = chan_new(t.auth.loop, fds[1], "client", &client_ops, &t);
	t.auth.client_cas = trust(&root);
	for (size_t i = 0; i < LEN(cases); i++) {
		struct wish wish = { .name = "u@x.test", .san = cases[i].san };
		struct made leaf = make(&wish, &root);
		struct buf der = BUF_INIT(LIMIT_TLS_CERTIFICATES);
		struct buf b = WIRE_BUF;
		struct wire_auth_external e = { .service = WIRE_SERVICE_IMAP,
			.client_ip = S("192.0.2.7"),
			.authzid = slice_str(cases[i].authzid) };

		put_der(&der, &leaf);
		e.certificates = buf_slice(&der);
		wire_auth_external_put(&b, &e);
		talk_ask(&t, WIRE_AUTH_EXTERNAL, 1, &b);
		CHECK(t.result == cases[i].result, "%zu: %u", i, t.result);
		CHECK((t.ticket > 0) == (cases[i].user != NULL), "%zu", i);
		if (cases[i].user != NULL)
			CHECK(strcmp(t.user, cases[i].user) == 0, "%zu: %s", i,
			    t.user);
		buf_release(&der);
		unmake(&leaf);
	}
	X509_STORE_free(t.auth.client_cas);
	talk_close(&t);
	unmake(&root);
}

TESTS(T(a_certificate_is_judged_by_its_chain_purpose_and_dates),
    T(the_chain_may_be_sent_along_and_nothing_else_counts),
    T(what_is_no_certificate_is_refused),
    T(only_whole_addresses_of_the_right_kind_are_taken),
    T(addresses_have_a_limit),
    T(a_file_of_authorities_is_taken_whole_or_not),
    T(a_login_gets_a_ticket_for_one_of_the_certificates_accounts))
