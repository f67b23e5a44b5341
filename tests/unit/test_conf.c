#include "check.h"

#include <sys/stat.h>

#include <fcntl.h>

#include "conf/conf.h"
#include "conf/conf_dms.h"
#include "conf/conf_env.h"
#include "conf/conf_host.h"
#include "conf/conf_load.h"
#include "conf/conf_tls.h"
#include "conf/conf_yaml.h"
#include "core/file.h"

/* Sets a row by name; the reason in why, which is cleared first. */
static int
set(struct conf *c, const char *name, const char *text, struct buf *why)
{
	buf_clear(why);
	return conf_set(c, conf_row_by_name(slice_str(name)), slice_str(text),
	    why);
}

static bool
has(const struct conf_problems *p, enum log_level level, const char *text)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->list[i].level == level &&
		    strstr(p->list[i].text, text) != NULL)
			return true;
	for (size_t i = 0; i < p->n; i++)
		print_error("  %s\n", p->list[i].text);
	return false;
}

TEST(settings_are_named_once)
{
	for (size_t i = 0; i < CONF_ROW_COUNT; i++) {
		const struct conf_row *r = &conf_rows[i];

		CHECK(conf_row_by_name(slice_str(r->name)) == r, "%s", r->name);
		if (r->env != NULL) {
			CHECK(conf_row_by_env(slice_str(r->env)) == r, "%s",
			    r->env);
			CHECK(conf_dms_find(slice_str(r->env)) == NULL, "%s",
			    r->env);
		}
		if (r->yaml != NULL)
			CHECK(conf_row_by_yaml(slice_str(r->yaml)) == r, "%s",
			    r->yaml);
	}
}

TEST(words_are_in_the_order_of_their_enum)
{
	static const struct {
		const char *name, *text;
		unsigned value;
	} t[] = {
		{ "log_level", "error", LOG_ERROR },
		{ "log_level", "trace", LOG_TRACE },
		{ "ssl_type", "", CONF_SSL_EMPTY },
		{ "ssl_type", "manual", CONF_SSL_MANUAL },
		{ "ssl_type", "letsencrypt", CONF_SSL_LETSENCRYPT },
		{ "ssl_type", "self-signed", CONF_SSL_SELF_SIGNED },
		{ "ssl_type", "custom", CONF_SSL_CUSTOM },
		{ "logrotate_interval", "daily", CONF_INTERVAL_DAILY },
		{ "logrotate_interval", "monthly", CONF_INTERVAL_MONTHLY },
		{ "tls_level", "modern", CONF_TLS_MODERN },
		{ "tls_level", "intermediate", CONF_TLS_INTERMEDIATE },
		{ "smtp_families", "ipv4", CONF_FAMILY_IPV4 },
		{ "imap_families", "ipv6", CONF_FAMILY_IPV6 },
		{ "permit_docker", "none", CONF_PERMIT_NONE },
		{ "permit_docker", "container", CONF_PERMIT_CONTAINER },
		{ "permit_docker", "host", CONF_PERMIT_HOST },
		{ "permit_docker", "network", CONF_PERMIT_NETWORK },
		{ "permit_docker", "connected-networks",
		    CONF_PERMIT_CONNECTED },
	};
	struct buf why = BUF_INIT(1000);
	struct conf c;

	conf_init(&c);
	for (size_t i = 0; i < LEN(t); i++) {
		const struct conf_row *r =
		    conf_row_by_name(slice_str(t[i].name));
		struct buf text = BUF_INIT(100);

		CHECK(set(&c, t[i].name, t[i].text, &why) == 0, "%s %s",
		    t[i].name, t[i].text);
		CHECK(*(unsigned *)((char *)&c + r->offset) == t[i].value,
		    "%s %s", t[i].name, t[i].text);
		conf_format(&c, r, &text);
		CHECK_SLICE(buf_slice(&text), t[i].text);
		buf_release(&text);
	}
	conf_release(&c);
	buf_release(&why);
}

TEST(values_are_taken_by_their_type)
{
	static const struct {
		const char *name, *text, *shown;
	} t[] = {
		{ "message_size_limit", "20M", "20971520" },
		{ "message_size_limit", "0", "0" },
		{ "queue_lifetime", "2w", "14d" },
		{ "queue_lifetime", "0", "0" },
		{ "queue_retry_min", "90", "90s" },
		{ "queue_retry_max", "7200", "2h" },
		{ "listen", "127.0.0.1, ::1", "127.0.0.1,::1" },
		{ "listen", "0:0:0:0:0:0:0:1", "::1" },
		{ "listen", "", "" },
		{ "trusted_networks", "10.0.0.0/8 ::1", "10.0.0.0/8,::1/128" },
		{ "dns", "system", "system" },
		{ "dns", "9.9.9.9,::1@5353", "9.9.9.9@53,::1@5353" },
		{ "dns", " 1.2.3.4:5353 [::1]:54,, [2001:db8:0::1]  ::1@53,",
		    "1.2.3.4@5353,::1@54,2001:db8::1@53,::1@53" },
		{ "default_relay_host", "[smtp.x.test]:587",
		    "[smtp.x.test]:587" },
		{ "default_relay_host", "smtp.x.test", "smtp.x.test" },
		{ "default_relay_host", "[::1]:25", "[::1]:25" },
		{ "recipient_delimiter", "none", "none" },
		{ "recipient_delimiter", "-", "-" },
		{ "mail_dir", "/var/mail/", "/var/mail" },
		{ "postmaster_address", "me@x.test", "me@x.test" },
	};
	struct buf why = BUF_INIT(1000);
	struct conf c;

	conf_init(&c);
	for (size_t i = 0; i < LEN(t); i++) {
		struct buf text = BUF_INIT(1000);

		CHECK(set(&c, t[i].name, t[i].text, &why) == 0, "%s %s: %s",
		    t[i].name, t[i].text, buf_str(&why));
		conf_format(&c, conf_row_by_name(slice_str(t[i].name)), &text);
		CHECK_SLICE(buf_slice(&text), t[i].shown);
		buf_release(&text);
	}
	conf_release(&c);
	buf_release(&why);
}

TEST(wrong_values_are_refused_with_what_would_be_right)
{
	static const struct {
		const char *name, *text, *why;
	} t[] = {
		{ "enable_imap", "true", "is not 0 or 1" },
		{ "enable_imap", "", "is not 0 or 1" },
		{ "relay_host_port", "70000", "1 to 65535 are allowed" },
		{ "relay_host_port", "0", "1 to 65535" },
		{ "relay_host_port", "25x", "is not a number" },
		{ "vmail_uid", "0", "1 to" },
		{ "message_size_limit", "10X", "units k m g t" },
		{ "message_size_limit", "18446744073709551615T", "bounds" },
		{ "queue_lifetime", "5 days", "units s m h d w" },
		{ "smtp_families", "ipv5", "did you mean 'ipv4'" },
		{ "permit_docker", "x", "none, container, host" },
		{ "ssl_type", "manuel", "did you mean 'manual'" },
		{ "override_hostname", "mail", "fully qualified" },
		{ "override_hostname", "ma il.x", "fully qualified" },
		{ "override_hostname", "a..b", "fully qualified" },
		{ "relay_host", "-x.test", "host name" },
		{ "postmaster_address", "me", "not an address" },
		{ "postmaster_address", "../x@y.test", "not an address" },
		{ "postmaster_address", "a@..", "not an address" },
		{ "ssl_cert_path", "cert.pem", "starts with /" },
		{ "listen", "127.0.0.1,localhost", "'localhost'" },
		{ "trusted_networks", "10.0.0.0/33", "is not a network" },
		{ "trusted_networks", "10.1.2.3/8", "is not a network" },
		{ "dns", "9.9.9.9@0", "'9.9.9.9@0' is not the address" },
		{ "dns", "9.9.9.9@65536", "is not the address" },
		{ "dns", "9.9.9.9@", "is not the address" },
		{ "dns", "9.9.9.9@53@54", "is not the address" },
		{ "dns", "9.9.9.9:x", "is not the address" },
		{ "dns", "[::1", "is not the address" },
		{ "dns", "[::1]x", "is not the address" },
		{ "dns", "[]", "is not the address" },
		{ "dns", "::1:53:x", "is not the address" },
		{ "dns", "fe80::1%eth0", "is not the address" },
		{ "dns", "8.8.8.8 dns.example.com",
		    "'dns.example.com' is not the address" },
		{ "dns", "9.9.9.9,recurse", "only alone" },
		{ "dns", "", "is not recurse" },
		{ "dns", " , ", "is not recurse" },
		{ "default_relay_host", "[x.test", "[smtp.example.com]:587" },
		{ "default_relay_host", "x.test:0", "is not a host" },
		{ "recipient_delimiter", "@", "one character" },
		{ "recipient_delimiter", "++", "one character" },
		{ "timezone", "a\nb", "control character" },
		{ "timezone", "a\xff", "not UTF-8" },
	};
	struct buf why = BUF_INIT(1000);
	struct conf c;

	conf_init(&c);
	for (size_t i = 0; i < LEN(t); i++) {
		CHECK(set(&c, t[i].name, t[i].text, &why) == -1, "%s %s",
		    t[i].name, t[i].text);
		CHECK(strstr(buf_str(&why), t[i].why) != NULL, "%s: %s",
		    t[i].name, buf_str(&why));
	}
	CHECK(c.enable_imap && c.relay_host_port == 25);
	conf_release(&c);
	buf_release(&why);
}

TEST(a_service_gets_only_its_rows)
{
	struct buf pairs = BUF_INIT(65536), why = BUF_INIT(1000);
	struct conf c, other;

	conf_init(&c);
	conf_init(&other);
	CHECK(set(&c, "relay_password", "s3cret", &why) == 0);
	CHECK(set(&c, "recipient_delimiter", "none", &why) == 0);
	CHECK(set(&c, "queue_lifetime", "2d", &why) == 0);
	conf_encode(&c, CONF_TO_MX | CONF_TO_QUEUE | CONF_TO_AUTH, &pairs);
	CHECK(memmem(pairs.p, pairs.n, "s3cret", 6) == NULL);
	CHECK(conf_decode(&other, buf_slice(&pairs), &why) == 0, "%s",
	    buf_str(&why));
	CHECK(other.queue_lifetime == 2 * 86400);
	CHECK(strcmp(other.recipient_delimiter, "") == 0);
	CHECK(strcmp(other.relay_password, "") == 0);
	buf_clear(&pairs);
	conf_encode(&c, CONF_TO_RELAY, &pairs);
	CHECK(conf_decode(&other, buf_slice(&pairs), &why) == 0);
	CHECK(strcmp(other.relay_password, "s3cret") == 0);
	CHECK(conf_set_pair(&other, S("queue_lifetime"), &why) == -1);
	CHECK(conf_set_pair(&other, S("no_such=1"), &why) == -1);
	CHECK(conf_set_pair(&other, S("relay_concurrency=0"), &why) == -1);
	conf_release(&c);
	conf_release(&other);
	buf_release(&why);
	buf_release(&pairs);
}

TEST(secrets_are_masked_when_shown)
{
	const struct conf_row *row = &conf_rows[CONF_ROW_relay_password];
	struct buf shown = BUF_INIT(100), why = BUF_INIT(100);
	struct conf c;

	conf_init(&c);
	CHECK(set(&c, "relay_password", "s3cret", &why) == 0);
	conf_set_origin(&c, row, CONF_FROM_ENV, NULL);
	conf_show(&c, row, &shown);
	CHECK_SLICE(buf_slice(&shown), "********");
	buf_clear(&shown);
	conf_show_origin(&c, row, &shown);
	CHECK_SLICE(buf_slice(&shown), "environment RELAY_PASSWORD");
	conf_release(&c);
	buf_release(&shown);
	buf_release(&why);
}

TEST(distance_counts_edits_up_to_a_limit)
{
	CHECK(conf_distance(S("abc"), S("ABC"), 2) == 0);
	CHECK(conf_distance(S("abc"), S("abd"), 2) == 1);
	CHECK(conf_distance(S("abc"), S("ab"), 2) == 1);
	CHECK(conf_distance(S(""), S("ab"), 2) == 2);
	CHECK(conf_distance(S("abcdef"), S("ghijkl"), 2) == 3);
	CHECK(conf_distance(S("a"), S("abcdef"), 2) == 3);
}

static char secret_path[] = "/tmp/test_conf_secret_XXXXXX";

TEST(environment_sets_rows_and_empty_means_unset)
{
	const char *env[] = { "PATH=/bin", "OVERRIDE_HOSTNAME=mail.x.test",
		"ENABLE_IMAP=", "POSTFIX_MESSAGE_SIZE_LIMIT=5000",
		"broken", "=x", NULL };
	struct conf_problems p;
	struct conf c;

	conf_init(&c);
	conf_problems_init(&p);
	CHECK(conf_env_apply(&c, (char **)env, &p) == 0 && p.n == 0, "n=%zu", p.n);
	CHECK(strcmp(c.override_hostname, "mail.x.test") == 0);
	CHECK(c.enable_imap);
	CHECK(c.message_size_limit == 5000);
	CHECK(c.origin[CONF_ROW_message_size_limit].source == CONF_FROM_ENV);
	CHECK(c.origin[CONF_ROW_enable_imap].source == CONF_FROM_DEFAULT);
	conf_release(&c);
	conf_problems_release(&p);
}

TEST(environment_problems_are_named)
{
	const char *env[] = { "ENABLE_IMAP=yes", "LOG_LEVEL=loud",
		"TLS_LEVEL=old", "PERMIT_DOCKER=all", "ENABLE_POP3=1",
		"ENABLE_MANAGESIEVE=0", "LDAP_SERVER_HOST=x",
		"ENABLE_OPENDKIN=1", "POSTFIX_MESAGE_SIZE_LIMIT=1",
		"PILLARBOX_FOO=1", "SSL_CERT_FILE=/x", "DMS_RELEASE=v1",
		"PILLARBOX_SERVICE_HOST=10.0.0.1",
		"PILLARBOX_PORT=tcp://10.0.0.1:25", "HOME=/root", "TZZ=1",
		"ENABLE_FOO=", "ENABLE_DNSBL__FILE=/x", NULL };
	struct conf_problems p;
	struct conf c;

	conf_init(&c);
	conf_problems_init(&p);
	CHECK(conf_env_apply(&c, (char **)env, &p) == -1 && p.errors == 1, "%zu",
	    p.errors);
	CHECK(has(&p, LOG_ERROR, "environment ENABLE_IMAP: 'yes' is not 0 or "
	    "1"));
	CHECK(has(&p, LOG_WARN, "environment LOG_LEVEL: 'loud' is not one of "
	    "error, warn, info, debug, trace; using 'info'"));
	CHECK(has(&p, LOG_WARN, "environment TLS_LEVEL: 'old'"));
	CHECK(has(&p, LOG_WARN, "environment PERMIT_DOCKER: 'all'"));
	CHECK(has(&p, LOG_WARN, "environment ENABLE_POP3: not supported yet"));
	CHECK(has(&p, LOG_WARN, "environment LDAP_SERVER_HOST: not supported"));
	CHECK(has(&p, LOG_WARN, "ENABLE_OPENDKIN: no such setting; did you "
	    "mean ENABLE_OPENDKIM?"));
	CHECK(has(&p, LOG_WARN, "did you mean POSTFIX_MESSAGE_SIZE_LIMIT?"));
	CHECK(has(&p, LOG_WARN, "PILLARBOX_FOO: no such setting"));
	CHECK(has(&p, LOG_WARN, "ENABLE_DNSBL: not supported yet"));
	CHECK(p.warnings == 9, "%zu", p.warnings);
	CHECK(c.log_level == LOG_INFO && c.enable_imap);
	conf_release(&c);
	conf_problems_release(&p);
}

TEST(values_come_from_files_that_FILE_names)
{
	char first[200];
	const char *env[] = { first, "RELAY_USER__FILE=/nonexistent",
		"RELAY_HOST=", "RELAY_HOST__FILE=/etc/passwd",
		"NOT_OURS__FILE=/etc/passwd", NULL };
	int fd = mkstemp(secret_path);
	struct buf origin = BUF_INIT(1000);
	struct conf_problems p;
	struct conf c;

	CHECK(file_write_all(fd, "pa ss\n\n", 7) == 0);
	close(fd);
	snprintf(first, sizeof(first), "RELAY_PASSWORD__FILE=%s", secret_path);
	conf_init(&c);
	conf_problems_init(&p);
	CHECK(conf_env_apply(&c, (char **)env, &p) == 0);
	CHECK(strcmp(c.relay_password, "pa ss") == 0, "%s", c.relay_password);
	CHECK(strcmp(c.relay_host, "") == 0);
	CHECK(has(&p, LOG_INFO, "Getting secret 'RELAY_PASSWORD' from '/tmp"));
	CHECK(has(&p, LOG_WARN, "File defined for secret 'RELAY_USER' with "
	    "path '/nonexistent' does not exist"));
	CHECK(has(&p, LOG_WARN, "ENV value will not be sourced from "
	    "'RELAY_HOST__FILE' since 'RELAY_HOST' is already set"));
	CHECK(p.n == 3, "n=%zu", p.n);
	conf_show_origin(&c, &conf_rows[CONF_ROW_relay_password], &origin);
	CHECK(strstr(buf_str(&origin), secret_path) != NULL);
	unlink(secret_path);
	buf_release(&origin);
	conf_release(&c);
	conf_problems_release(&p);
}

TEST(yaml_sets_what_the_environment_left_open)
{
	static const char text[] =
	    "# a comment\n"
	    "server:\n"
	    "  hostname: mail.x.test\n"
	    "  listen: [127.0.0.1, \"::1\"]\n"
	    "  log_level: debug\n"
	    "smtp:\n"
	    "  message_size: 20M\n"
	    "  spoof_protection: true\n"
	    "  permit_docker: ~\n"
	    "imap:\n"
	    "dns:\n"
	    "  servers:\n"
	    "    - 9.9.9.9\n"
	    "    - 1.1.1.1@5353\n";
	const char *env[] = { "LOG_LEVEL=warn", NULL };
	struct buf origin = BUF_INIT(1000);
	struct conf_problems p;
	struct conf c;

	conf_init(&c);
	conf_problems_init(&p);
	CHECK(conf_env_apply(&c, (char **)env, &p) == 0);
	CHECK(conf_yaml_apply(&c, "p.yaml", slice_of(text, sizeof(text) - 1),
	    &p) == 0 && p.n == 0, "%s", p.n > 0 ? p.list[0].text : "");
	CHECK(strcmp(c.override_hostname, "mail.x.test") == 0);
	CHECK(strcmp(c.listen, "127.0.0.1,::1") == 0, "%s", c.listen);
	CHECK(c.log_level == LOG_WARN);
	CHECK(c.message_size_limit == 20u << 20);
	CHECK(c.spoof_protection);
	CHECK(strcmp(c.dns, "9.9.9.9@53,1.1.1.1@5353") == 0, "%s", c.dns);
	conf_show_origin(&c, &conf_rows[CONF_ROW_message_size_limit], &origin);
	CHECK_SLICE(buf_slice(&origin), "p.yaml:7");
	buf_release(&origin);
	conf_release(&c);
	conf_problems_release(&p);
}

TEST(yaml_problems_have_line_and_column)
{
	static const struct {
		const char *text, *problem;
	} t[] = {
		{ "smpt:\n  message_size: 1\n",
		    "p:1:1: unknown section 'smpt'; did you mean 'smtp'?" },
		{ "smtp:\n  mesage_size: 1\n",
		    "p:2:3: unknown key 'mesage_size'; did you mean "
		    "'message_size'?" },
		{ "smtp:\n  qqqqqqq: {a: [b]}\n", "p:2:3: unknown key" },
		{ "smtp:\n  message_size: much\n",
		    "p:2:17: smtp.message_size: 'much' is not a number" },
		{ "imap:\n  enabled: maybe\n", "p:2:12: imap.enabled: 'maybe' "
		    "is not 0 or 1 (or true or false)" },
		{ "imap:\n  enabled: \"true\"\n", "p:2:12: imap.enabled" },
		{ "smtp:\n  message_size: 1\n  message_size: 2\n",
		    "p:3:3: 'smtp.message_size' is already in line 2" },
		{ "smtp:\n  message_size: [1, 2]\n",
		    "p:2:17: a list is not possible here" },
		{ "smtp:\n  message_size: {a: 1}\n",
		    "p:2:17: keys are not possible here" },
		{ "smtp: 5\n", "p:1:7: 'smtp' holds keys, not a value" },
		{ "- a\n", "p:1:1: a list is not possible here" },
		{ "text\n", "p:1:1: expected sections" },
		{ "smtp: &a\n  message_size: 1\nimap: *a\n",
		    "p:3:7: aliases (*name) are not supported" },
		{ "server: [[[[[[[[[[[[a]]]]]]]]]]]]\n", "nested too deeply" },
		{ "smtp:\n\tx: 1\n", "p:2:1: " },
		{ "smtp:\n  message_size: 1\n---\nimap:\n",
		    "p:3:1: a second document" },
		{ "server:\n  listen: [127.0.0.1, x]\n",
		    "p:2:12: server.listen: 'x' is not an IP address" },
		{ "[a]: 1\n", "p:1:1: a list is not possible" },
		{ "server:\n  config_dir: /x\n", "unknown key" },
	};

	for (size_t i = 0; i < LEN(t); i++) {
		struct conf_problems p;
		struct conf c;

		conf_init(&c);
		conf_problems_init(&p);
		CHECK(conf_yaml_apply(&c, "p", slice_str(t[i].text), &p) == -1,
		    "%s", t[i].text);
		CHECK(has(&p, LOG_ERROR, t[i].problem), "want %s",
		    t[i].problem);
		conf_release(&c);
		conf_problems_release(&p);
	}
}

TEST(yaml_goes_on_behind_a_mistake)
{
	static const char text[] =
	    "nonsense:\n  a: {b: [c, d]}\nsmtp:\n  foo: [x, [y]]\n"
	    "  message_size: 77\n";
	struct conf_problems p;
	struct conf c;

	conf_init(&c);
	conf_problems_init(&p);
	CHECK(conf_yaml_apply(&c, "p", slice_of(text, sizeof(text) - 1), &p) == -1);
	CHECK(p.errors == 2, "%zu", p.errors);
	CHECK(c.message_size_limit == 77);
	conf_release(&c);
	conf_problems_release(&p);
}

TEST(empty_yaml_is_fine)
{
	static const char *const texts[] = { "", "\n", "# x\n", "---\n", "{}",
		"smtp:\n", "smtp: {}\n" };

	for (size_t i = 0; i < LEN(texts); i++) {
		struct conf_problems p;
		struct conf c;

		conf_init(&c);
		conf_problems_init(&p);
		CHECK(conf_yaml_apply(&c, "p", slice_str(texts[i]), &p) == 0,
		    "%s: %s", texts[i], p.n > 0 ? p.list[0].text : "");
		conf_release(&c);
		conf_problems_release(&p);
	}
}

TEST(host_names_follow_docker_mailserver)
{
	static const struct {
		const char *override, *fqdn, *domain, *host, *result;
	} t[] = {
		{ "mail.example.test", "", "", "mail.example.test",
		    "example.test" },
		{ "", "mail.example.test", "example.test", "mail.example.test",
		    "example.test" },
		{ "", "mail.sub.example.test", "", "mail.sub.example.test",
		    "mail.sub.example.test" },
		{ "example.test", "a.b.c", "b.c", "example.test",
		    "example.test" },
		{ "", "example.test", "test", "example.test", "example.test" },
		{ "", "", "", NULL, NULL },
		{ "", "mail", "", NULL, NULL },
	};

	for (size_t i = 0; i < LEN(t); i++) {
		struct buf host = BUF_INIT(300), domain = BUF_INIT(300);
		const char *why = NULL;
		int r = conf_host_resolve(slice_str(t[i].override),
		    slice_str(t[i].fqdn), slice_str(t[i].domain), &host,
		    &domain, &why);

		CHECK(r == (t[i].host != NULL ? 0 : -1), "%zu", i);
		if (r == 0) {
			CHECK_SLICE(buf_slice(&host), t[i].host);
			CHECK_SLICE(buf_slice(&domain), t[i].result);
		} else {
			CHECK(why != NULL);
		}
		buf_release(&host);
		buf_release(&domain);
	}
}

TEST(loading_joins_all_sources)
{
	char dir[] = "/tmp/test_conf_XXXXXX", variable[100], path[100];
	const char *env[] = { variable, "OVERRIDE_HOSTNAME=mail.x.test",
		"RELAY_USER=me", "SSL_TYPE=manual",
		"PILLARBOX_QUEUE_RETRY_MIN=2h", NULL };
	struct conf_problems p;
	struct conf_tls tls;
	struct conf c;

	CHECK(mkdtemp(dir) != NULL);
	snprintf(variable, sizeof(variable), "PILLARBOX_CONFIG_DIR=%s", dir);
	snprintf(path, sizeof(path), "%s/pillarbox.yaml", dir);
	CHECK(file_replace(path, S("smtp:\n  recipients: 0\n"), 0600) == 0);
	conf_problems_init(&p);
	CHECK(conf_load(&c, (char **)env, &p) == -1);
	CHECK(has(&p, LOG_ERROR, "pillarbox.yaml:2:15: smtp.recipients: '0' is "
	    "out of bounds, 1 to 1000"));
	CHECK(has(&p, LOG_ERROR, "SSL_CERT_PATH is not set"));
	CHECK(has(&p, LOG_ERROR, "PILLARBOX_QUEUE_RETRY_MIN is longer"));
	CHECK(has(&p, LOG_WARN, "only one of RELAY_USER"));
	CHECK(strcmp(c.relay_user, "") == 0);
	CHECK(conf_load_host(&c, &p) == 0);
	CHECK(strcmp(c.hostname, "mail.x.test") == 0);
	CHECK(strcmp(c.postmaster_address, "postmaster@x.test") == 0);
	conf_tls_init(&tls);
	CHECK(conf_tls_paths(&c, &tls, &p) == -1);
	conf_tls_release(&tls);
	conf_release(&c);
	conf_problems_release(&p);
	CHECK(file_remove_tree(dir) == 0);
}

TEST(problems_are_printable_lines)
{
	struct conf_problems p;

	conf_problems_init(&p);
	conf_problem(&p, LOG_ERROR, "a\nb\x1b[m %s", "\xff\xfe");
	CHECK(strcmp(p.list[0].text, "a?b?[m ??") == 0, "%s", p.list[0].text);
	for (int i = 0; i < 2 * CONF_PROBLEMS_KEPT; i++)
		conf_problem(&p, LOG_WARN, "w");
	CHECK(p.n == CONF_PROBLEMS_KEPT);
	CHECK(p.warnings == 2 * CONF_PROBLEMS_KEPT && p.errors == 1);
	conf_problem(NULL, LOG_ERROR, "nobody listens");
	conf_problems_release(&p);
}

TESTS(T(settings_are_named_once), T(words_are_in_the_order_of_their_enum),
    T(values_are_taken_by_their_type),
    T(wrong_values_are_refused_with_what_would_be_right),
    T(a_service_gets_only_its_rows), T(secrets_are_masked_when_shown),
    T(distance_counts_edits_up_to_a_limit),
    T(environment_sets_rows_and_empty_means_unset),
    T(environment_problems_are_named),
    T(values_come_from_files_that_FILE_names),
    T(yaml_sets_what_the_environment_left_open),
    T(yaml_problems_have_line_and_column), T(yaml_goes_on_behind_a_mistake),
    T(empty_yaml_is_fine), T(host_names_follow_docker_mailserver),
    T(loading_joins_all_sources), T(problems_are_printable_lines))
