#include "check.h"

#include "conf/conf_acme.h"
#include "conf/conf_load.h"
#include "conf/conf_tls.h"
#include "core/file.h"

/* "chain" and "key" of two resolvers, as Traefik writes them. */
static const char acme[] =
    "{\"first\": {\"Account\": {\"Email\": \"me@x.test\"},"
    "  \"Certificates\": null},"
    " \"second\": {\"Certificates\": ["
    "  {\"domain\": {\"main\": \"www.x.test\"},"
    "   \"certificate\": \"d3d3\", \"key\": \"d3d3LWtleQ==\"},"
    "  {\"domain\": {\"main\": \"x.test\","
    "    \"sans\": [\"mail.x.test\", \"*.y.test\"]},"
    "   \"certificate\": \"Y2hh\\naW4=\", \"key\": \"a2V5\"},"
    "  {\"domain\": {\"main\": \"mail.x.test\"},"
    "   \"certificate\": \"bGF0ZXI=\", \"key\": \"bGF0ZXI=\"},"
    "  {\"domain\": {\"main\": \"half.test\"}, \"certificate\": \"d3d3\"},"
    "  {\"domain\": {\"main\": \"half.test\"},"
    "   \"certificate\": \"d3d3\", \"key\": \"d3d3\"},"
    "  {\"domain\": {\"main\": \"bad.test\"},"
    "   \"certificate\": \"d3d3\", \"key\": \"!\"}]}}";

TEST(acme_json_is_searched_by_main_name_and_sans)
{
	static const struct {
		const char *json, *name, *cert, *key;
	} t[] = {
		{ acme, "www.x.test", "www", "www-key" },
		{ acme, "x.test", "chain", "key" },
		{ acme, "MAIL.x.test", "chain", "key" },
		{ acme, "*.y.test", "chain", "key" },
		{ acme, "a.y.test", NULL, NULL },
		{ acme, "mail", NULL, NULL },
		/* What lacks a key ends the search. */
		{ acme, "half.test", NULL, NULL },
		{ acme, "bad.test", NULL, NULL },
		{ "", "x.test", NULL, NULL },
		{ "{", "x.test", NULL, NULL },
		{ "[]", "x.test", NULL, NULL },
		{ "{\"a\": {\"Certificates\": 7}}", "x.test", NULL, NULL },
		{ "{\"a\": [{\"domain\": \"x.test\"}]}", "x.test", NULL, NULL },
		{ "{\"a\": {\"Certificates\": [{\"domain\": {\"main\": 1,"
		  "\"sans\": \"x.test\"}}]}}", "x.test", NULL, NULL },
	};

	for (size_t i = 0; i < LEN(t); i++) {
		struct buf cert = BUF_INIT(100), key = BUF_INIT(100);
		const char *why = NULL;
		int r = conf_acme_find(slice_str(t[i].json), t[i].name, &cert,
		    &key, &why);

		CHECK((r == 0) == (t[i].cert != NULL), "%zu %s", i, t[i].name);
		CHECK((why == NULL) == (r == 0), "%zu", i);
		if (r == 0) {
			CHECK_SLICE(buf_slice(&cert), t[i].cert);
			CHECK_SLICE(buf_slice(&key), t[i].key);
		}
		buf_release(&cert);
		buf_release(&key);
	}
}

/* A folder with the files that are named, and settings for it. */
struct place {
	char dir[40];
	struct conf conf;
	struct conf_tls tls;
	struct conf_problems problems;
};

static void
place_init(struct place *p, const char *const *settings,
    const char *const *files)
{
	char text[8][200];
	const char *env[8] = { NULL };
	size_t n = 0;

	snprintf(p->dir, sizeof(p->dir), "/tmp/test_tls_XXXXXX");
	CHECK(mkdtemp(p->dir) != NULL);
	/* "%" in a setting is the folder. */
	for (; settings[n] != NULL; n++) {
		const char *at = strchr(settings[n], '%');

		if (at != NULL)
			snprintf(text[n], sizeof(text[n]), "%.*s%s%s",
			    (int)(at - settings[n]), settings[n], p->dir,
			    at + 1);
		else
			snprintf(text[n], sizeof(text[n]), "%s", settings[n]);
		env[n] = text[n];
	}
	for (; *files != NULL; files++) {
		char path[300], *slash;

		snprintf(path, sizeof(path), "%s/%s", p->dir, *files);
		slash = strrchr(path, '/');
		*slash = '\0';
		CHECK(file_make_dirs(path, 0755) == 0);
		*slash = '/';
		CHECK(file_replace(path, slice_str(acme), 0600) == 0);
	}
	conf_problems_init(&p->problems);
	conf_tls_init(&p->tls);
	CHECK(conf_load(&p->conf, (char **)env, &p->problems) == 0);
	CHECK(conf_load_host(&p->conf, &p->problems) == 0);
}

static void
place_release(struct place *p)
{
	conf_tls_release(&p->tls);
	conf_problems_release(&p->problems);
	conf_release(&p->conf);
	CHECK(file_remove_tree(p->dir) == 0);
}

#define HOST "OVERRIDE_HOSTNAME=mail.x.test"
#define LE "PILLARBOX_LETSENCRYPT_DIR=%", "SSL_TYPE=letsencrypt", HOST
#define MANUAL "SSL_TYPE=manual", "SSL_CERT_PATH=%/c", "SSL_KEY_PATH=%/k", HOST
#define ALT "SSL_ALT_CERT_PATH=%/ac", "SSL_ALT_KEY_PATH=%/ak"
#define CONFIG "PILLARBOX_CONFIG_DIR=%", HOST

TEST(paths_follow_ssl_type)
{
	static const struct {
		const char *settings[8];
		const char *files[5];
		/* Below the folder; NULL: not found, and why says it. */
		const char *cert, *key, *alt;
		const char *why;
	} t[] = {
		{ { LE, NULL }, { "live/mail.x.test/fullchain.pem",
		  "live/mail.x.test/privkey.pem", NULL },
		  "live/mail.x.test/fullchain.pem",
		  "live/mail.x.test/privkey.pem", NULL, NULL },
		{ { LE, "SSL_DOMAIN=*.y.test", NULL },
		  { "live/y.test/fullchain.pem", "live/y.test/key.pem",
		    "live/mail.x.test/fullchain.pem", NULL },
		  "live/y.test/fullchain.pem", "live/y.test/key.pem", NULL,
		  NULL },
		{ { LE, NULL }, { "live/x.test/fullchain.pem",
		  "live/x.test/key.pem", NULL },
		  "live/x.test/fullchain.pem", "live/x.test/key.pem", NULL,
		  NULL },
		{ { LE, NULL }, { "live/mail.x.test/fullchain.pem", NULL },
		  NULL, NULL, NULL, "Cannot find key file" },
		{ { LE, NULL }, { "live/other/fullchain.pem", NULL }, NULL,
		  NULL, NULL, "tried: '', 'mail.x.test', 'x.test'" },
		{ { MANUAL, NULL }, { "c", "k", NULL }, "c", "k", NULL, NULL },
		{ { MANUAL, NULL }, { "c", NULL }, NULL, NULL, NULL,
		  "/k does not exist!" },
		{ { MANUAL, ALT, NULL }, { "c", "k", "ac", "ak", NULL }, "c",
		  "k", "ac", NULL },
		{ { MANUAL, ALT, NULL }, { "c", "k", "ac", NULL }, "c", "k",
		  NULL, "/ak does not exist! There is no second" },
		{ { MANUAL, ALT, NULL }, { "c", "k", NULL }, NULL, NULL, NULL,
		  "File (ALT)" },
		{ { MANUAL, "SSL_ALT_CERT_PATH=%/ac", NULL },
		  { "c", "k", "ac", NULL }, "c", "k", NULL,
		  "only one of SSL_ALT_CERT_PATH" },
		{ { "SSL_TYPE=self-signed", CONFIG, NULL },
		  { "ssl/mail.x.test-cert.pem", "ssl/mail.x.test-key.pem",
		    NULL },
		  "ssl/mail.x.test-cert.pem", "ssl/mail.x.test-key.pem", NULL,
		  NULL },
		{ { "SSL_TYPE=self-signed", CONFIG, NULL },
		  { "ssl/mail.x.test-key.pem", NULL }, NULL, NULL, NULL,
		  "ssl/mail.x.test-cert.pem does not exist!" },
		{ { "SSL_TYPE=custom", CONFIG, NULL },
		  { "ssl/mail.x.test-full.pem", NULL },
		  "ssl/mail.x.test-full.pem", "ssl/mail.x.test-full.pem", NULL,
		  NULL },
		{ { "SSL_TYPE=custom", CONFIG, NULL }, { NULL }, NULL, NULL,
		  NULL, "ssl/mail.x.test-full.pem does not exist!" },
		{ { "PILLARBOX_STATE_DIR=%", HOST, NULL }, { NULL },
		  "tls/cert.pem", "tls/key.pem", NULL, NULL },
	};

	for (size_t i = 0; i < LEN(t); i++) {
		struct place p;
		int r;

		place_init(&p, t[i].settings, t[i].files);
		r = conf_tls_paths(&p.conf, &p.tls, &p.problems);
		CHECK((r == 0) == (t[i].cert != NULL), "%zu", i);
		if (t[i].why != NULL)
			CHECK(p.problems.n == 1 &&
			    strstr(p.problems.list[0].text, t[i].why) != NULL,
			    "%zu: %s", i, p.problems.list[0].text);
		else
			CHECK(p.problems.n == 0, "%zu: %s", i,
			    p.problems.list[0].text);
		if (r == 0) {
			size_t n = strlen(p.dir) + 1;

			CHECK_SLICE(slice_from(buf_slice(&p.tls.cert), n),
			    t[i].cert);
			CHECK_SLICE(slice_from(buf_slice(&p.tls.key), n),
			    t[i].key);
			CHECK((p.tls.alt_cert.n > 0) == (t[i].alt != NULL) &&
			    (p.tls.alt_key.n > 0) == (t[i].alt != NULL), "%zu",
			    i);
		}
		place_release(&p);
	}
}

TEST(acme_json_is_asked_for_each_name_in_turn)
{
	static const struct {
		const char *settings[8];
		const char *files[2];
		const char *cert;
		size_t warnings;
	} t[] = {
		{ { LE, NULL }, { "acme.json", NULL }, "chain", 0 },
		{ { LE, "SSL_DOMAIN=www.x.test", NULL }, { "acme.json", NULL },
		  "www", 0 },
		{ { LE, "SSL_DOMAIN=*.y.test", NULL }, { "acme.json", NULL },
		  "chain", 0 },
		{ { LE, "SSL_DOMAIN=*.z.test", NULL }, { "acme.json", NULL },
		  "chain", 1 },
		{ { "PILLARBOX_LETSENCRYPT_DIR=%", "SSL_TYPE=letsencrypt",
		    "OVERRIDE_HOSTNAME=a.b.test", NULL },
		  { "acme.json", NULL }, NULL, 3 },
		/* No file is no mistake: then there are others. */
		{ { LE, NULL }, { NULL }, NULL, 0 },
		{ { MANUAL, NULL }, { "acme.json", NULL }, NULL, 0 },
	};

	for (size_t i = 0; i < LEN(t); i++) {
		struct buf cert = BUF_INIT(100), key = BUF_INIT(100);
		struct place p;
		int r;

		place_init(&p, t[i].settings, t[i].files);
		r = conf_tls_acme(&p.conf, &cert, &key, &p.problems);
		CHECK((r == 0) == (t[i].cert != NULL), "%zu", i);
		CHECK_SLICE(buf_slice(&cert), r == 0 ? t[i].cert : "");
		CHECK((key.n > 0) == (r == 0), "%zu", i);
		CHECK(p.problems.warnings == t[i].warnings &&
		    p.problems.errors == 0, "%zu: %zu", i,
		    p.problems.warnings);
		place_release(&p);
		buf_release(&cert);
		buf_release(&key);
	}
}

TESTS(T(acme_json_is_searched_by_main_name_and_sans), T(paths_follow_ssl_type),
    T(acme_json_is_asked_for_each_name_in_turn))
