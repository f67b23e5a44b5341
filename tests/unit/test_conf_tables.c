#include "check.h"

#include "conf/conf_accounts.h"
#include "conf/conf_dkim.h"
#include "conf/conf_virtual.h"
#include "core/buf.h"
#include "core/limits.h"

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

TEST(accounts_are_read_by_line)
{
	static const char text[] =
	    "# comment\r\n"
	    "\n"
	    "user1@example.com|{SHA512-CRYPT}$6$salt$hash\r\n"
	    "  # another\n"
	    "User2@Example.com|$6$salt$hash|userdb_quota_rule=*:storage=5G "
	    "nologin\n"
	    "user3@example.com|{PLAIN}x|allow_nets=10.0.0.0/8";
	struct slice extra, key, value;
	const struct conf_account *a;
	struct conf_accounts t;
	struct conf_problems p;

	conf_problems_init(&p);
	conf_accounts_init(&t);
	CHECK(conf_accounts_parse(&t, "f", slice_of(text, sizeof(text) - 1), &p) == 0);
	CHECK(t.n == 3 && p.errors == 0 && p.warnings == 0);
	CHECK(has(&p, LOG_INFO, "f: the file contains CRLF"));
	CHECK_SLICE(t.list[0].address, "user1@example.com");
	CHECK_SLICE(t.list[0].hash, "{SHA512-CRYPT}$6$salt$hash");
	CHECK_SLICE(t.list[0].extra, "");
	CHECK(t.list[2].line == 6, "%u", t.list[2].line);
	a = conf_accounts_find(&t, S("uSER2@eXAMPLE.COM"));
	CHECK(a == &t.list[1]);
	CHECK_SLICE(a->domain, "Example.com");
	extra = a->extra;
	CHECK(conf_account_field(&extra, &key, &value));
	CHECK_SLICE(key, "userdb_quota_rule");
	CHECK_SLICE(value, "*:storage=5G");
	CHECK(conf_account_field(&extra, &key, &value));
	CHECK_SLICE(key, "nologin");
	CHECK(!conf_account_field(&extra, &key, &value));
	CHECK(conf_accounts_find(&t, S("nobody@example.com")) == NULL);
	conf_accounts_release(&t);
	conf_problems_release(&p);
}

TEST(masters_have_any_name)
{
	static const char text[] = "admin|{PLAIN}x\nme@x.test|h|nologin\n"
	    "ADMIN|h\na*b|h\na:b|h\na b|h\n|h\nempty|\n";
	const struct conf_account *a;
	struct conf_accounts t;
	struct conf_problems p;

	conf_problems_init(&p);
	conf_accounts_init(&t);
	CHECK(conf_masters_parse(&t, "f", slice_of(text, sizeof(text) - 1),
	    &p) == -1);
	CHECK(t.n == 2 && p.errors == 5 && p.warnings == 1, "%zu %zu",
	    p.errors, p.warnings);
	CHECK(has(&p, LOG_ERROR, "f:4: 'a*b' cannot be the name of a master"));
	a = conf_accounts_find(&t, S("Admin"));
	CHECK(a == &t.list[0] && conf_account_may_log_in(a));
	CHECK_SLICE(a->hash, "{PLAIN}x");
	CHECK(!conf_account_may_log_in(&t.list[1]));
	conf_accounts_release(&t);
	conf_problems_release(&p);
}

TEST(wrong_accounts_are_reported_and_left_out)
{
	static const char text[] =
	    "user|hash\n"
	    "@x.test|hash\n"
	    "a@|hash\n"
	    "../b@x.test|hash\n"
	    "..@x.test|hash\n"
	    "a@..|hash\n"
	    "a b@x.test|hash\n"
	    "ok@x.test\n"
	    "ok@x.test|\n"
	    "good@x.test|h\n"
	    "GOOD@x.test|h2\n"
	    "nul@x.test|\0\n"
	    "bad@x.test|\xff\n";
	struct conf_accounts t;
	struct conf_problems p;

	conf_problems_init(&p);
	conf_accounts_init(&t);
	CHECK(conf_accounts_parse(&t, "f", slice_of(text, sizeof(text) - 1),
	    &p) == -1);
	CHECK(t.n == 1 && p.errors == 11 && p.warnings == 1, "%zu %zu", p.errors,
	    p.warnings);
	CHECK(has(&p, LOG_ERROR, "f:1: 'user' is not a full address"));
	CHECK(has(&p, LOG_ERROR, "f:4: '../b@x.test' cannot be"));
	CHECK(has(&p, LOG_ERROR, "f:8: 'ok@x.test' has no password hash"));
	CHECK(has(&p, LOG_WARN, "f:11: 'GOOD@x.test' is already in line 10"));
	CHECK(has(&p, LOG_ERROR, "f:12: the line contains a NUL byte"));
	CHECK(has(&p, LOG_ERROR, "f:13: the line is not UTF-8"));
	conf_accounts_release(&t);
	conf_problems_release(&p);
}

TEST(aliases_are_read_with_all_their_targets)
{
	static const char text[] =
	    "a@x.test  u1@x.test,u2@x.test\n"
	    "@x.test\tu1@x.test, u2@x.test  u3@x.test\n"
	    "# comment\n"
	    "devnull u1@x.test,\n"
	    "   \n"
	    "# inside\n"
	    "   u2@x.test\r\n"
	    "\tu3@x.test\n"
	    "A@X.test u9@x.test\n"
	    "last@x.test u1@x.test";
	const struct conf_alias *a;
	struct conf_virtual t;
	struct conf_problems p;

	conf_problems_init(&p);
	conf_virtual_init(&t);
	CHECK(conf_virtual_parse(&t, "f", slice_of(text, sizeof(text) - 1), &p) == 0);
	CHECK(t.n == 4, "n=%zu", t.n);
	a = conf_virtual_find(&t, S("A@x.TEST"));
	CHECK(a != NULL && a->n == 2);
	CHECK_SLICE(a->targets[1], "u2@x.test");
	a = conf_virtual_find(&t, S("@x.test"));
	CHECK(a != NULL && a->n == 3);
	CHECK_SLICE(a->targets[2], "u3@x.test");
	a = conf_virtual_find(&t, S("devnull"));
	CHECK(a != NULL && a->n == 3 && a->line == 4, "n=%zu", a->n);
	CHECK_SLICE(a->targets[1], "u2@x.test");
	CHECK(has(&p, LOG_WARN, "f:9: 'A@X.test' is already in line 1"));
	a = conf_virtual_find(&t, S("last@x.test"));
	CHECK(a != NULL && a->line == 10, "%u", a->line);
	conf_virtual_release(&t);
	conf_problems_release(&p);
}

TEST(wrong_aliases_are_reported)
{
	struct buf text = BUF_INIT(1 << 20);
	struct conf_virtual t;
	struct conf_problems p;

	buf_adds(&text, "  nothing before\nkey\nkey2 ,\nmany ");
	for (int i = 0; i <= LIMIT_ALIAS_TARGETS; i++)
		buf_adds(&text, "a,");
	buf_adds(&text, "\nlong ");
	for (int i = 0; i < LIMIT_CONFIG_LINE / 8; i++)
		buf_adds(&text, "a@b.test,\n ");
	buf_adds(&text, "\nok a@b.test\n");
	conf_problems_init(&p);
	conf_virtual_init(&t);
	CHECK(conf_virtual_parse(&t, "f", buf_slice(&text), &p) == -1);
	CHECK(has(&p, LOG_ERROR, "f:1:1: the line starts with a blank"));
	CHECK(has(&p, LOG_ERROR, "f:2: 'key' has no target"));
	CHECK(has(&p, LOG_ERROR, "f:3: 'key2' has no target"));
	CHECK(has(&p, LOG_ERROR, "f:4: 'many' has too many targets"));
	CHECK(has(&p, LOG_ERROR, "f:5: the line is too long"));
	CHECK(t.n == 1, "n=%zu", t.n);
	CHECK(conf_virtual_find(&t, S("ok")) != NULL);
	conf_virtual_release(&t);
	conf_problems_release(&p);
	buf_release(&text);
}

TEST(dkim_tables_choose_the_first_rule)
{
	static const struct conf_dkim_files files = {
		.key_table = S("mail._domainkey.x.test x.test:mail:"
		  "/etc/opendkim/keys/x.test/mail.private\n"
		  "other %:sel:/keys/other.private\n"),
		.signing_table = S("boss@x.test other\n"
		  "*@x.test mail._domainkey.x.test\n"
		  "*@*.x.test other\n"),
		.trusted_hosts = S("127.0.0.1\nlocalhost\n\n# c\n10.0.0.0/8\n"),
	};
	static const struct {
		const char *address, *key;
	} t[] = {
		{ "boss@x.test", "other" },
		{ "me@X.TEST", "mail._domainkey.x.test" },
		{ "me@a.b.x.test", "other" },
		{ "me@y.test", NULL },
		{ "x.test", NULL },
		{ "", NULL },
	};
	struct conf_dkim d;
	struct conf_problems p;

	conf_problems_init(&p);
	conf_dkim_init(&d);
	CHECK(conf_dkim_parse(&d, "/conf", &files, &p) == 0 && p.n == 0);
	CHECK(d.key_count == 2 && d.rule_count == 3 && d.trusted_count == 3);
	CHECK(strcmp(d.keys[0].path,
	    "/conf/opendkim/keys/x.test/mail.private") == 0, "%s",
	    d.keys[0].path);
	CHECK(strcmp(d.keys[1].path, "/keys/other.private") == 0);
	CHECK_SLICE(d.keys[0].domain, "x.test");
	CHECK_SLICE(d.keys[0].selector, "mail");
	CHECK_SLICE(d.trusted[2], "10.0.0.0/8");
	for (size_t i = 0; i < LEN(t); i++) {
		const struct conf_dkim_rule *r =
		    conf_dkim_match(&d, slice_str(t[i].address));

		CHECK((r != NULL) == (t[i].key != NULL), "%s", t[i].address);
		if (r != NULL)
			CHECK_SLICE(r->key->name, t[i].key);
	}
	conf_dkim_release(&d);
	conf_problems_release(&p);
}

/* A subdomain that no line is about is signed for by the nearest domain above
 * it. */
TEST(dkim_tables_fall_back_to_the_longest_parent)
{
	static const struct conf_dkim_files files = {
		.key_table = S("x x.test:s:/p\nbx b.x.test:s:/p\nany %:s:/p\n"),
		.signing_table = S("*@x.test x\n*@B.x.test bx\n*@c.b.x.test any\n"
		  "boss@d.x.test bx\n"),
	};
	static const struct {
		const char *address, *key;
	} t[] = {
		{ "me@x.test", "x" },
		{ "me@a.x.test", "x" },
		{ "me@b.x.test", "bx" },
		{ "me@q.r.b.X.test", "bx" },
		/* d=q.c.b.x.test would be a key that nobody published. */
		{ "me@c.b.x.test", "any" },
		{ "me@q.c.b.x.test", "bx" },
		{ "boss@d.x.test", "bx" },
		{ "me@d.x.test", "x" },
		{ "me@notx.test", NULL },
		{ "me@test", NULL },
		{ "b.x.test", NULL },
		{ "me@.x.test", "x" },
		{ "me@x.test.", NULL },
		{ "me@", NULL },
	};
	struct conf_dkim d;

	conf_dkim_init(&d);
	CHECK(conf_dkim_parse(&d, "/conf", &files, NULL) == 0);
	for (size_t i = 0; i < LEN(t); i++) {
		const struct conf_dkim_rule *r =
		    conf_dkim_match(&d, slice_str(t[i].address));

		CHECK((r != NULL) == (t[i].key != NULL), "%s", t[i].address);
		if (r != NULL)
			CHECK_SLICE(r->key->name, t[i].key);
	}
	conf_dkim_release(&d);
}

static void
read_rspamd(struct conf_dkim *d, const char *text, struct conf_problems *p)
{
	struct conf_dkim_files files = { .rspamd = slice_str(text) };

	conf_problems_init(p);
	conf_dkim_init(d);
	CHECK(conf_dkim_parse(d, "/conf", &files, p) == 0 && d->rspamd);
}

TEST(rspamd_names_keys_for_domains)
{
	static const char text[] =
	    "# documentation: {\n"
	    "enabled = true;\n\n"
	    "sign_authenticated = true; sign_local = false\n"
	    "/* path = \"/x\";\n */ use_domain = \"header\";\n"
	    "path = \"/tmp/docker-mailserver/rspamd/dkim/$domain.$selector\";\n"
	    "odd = [ \"a\\\"b\", { path = \"/no\"; } ]\n"
	    "domain {\r\n"
	    "  x.test {\r\n"
	    "    path = \"/tmp/docker-mailserver/rspamd/dkim/rsa-2048-mail-x."
	    "test.private.txt\"; # here\n"
	    "    selector: 'mail',\n"
	    "  }\n"
	    "  \"y.test\" {\n"
	    "    selectors [\n"
	    "      { path: \"/k/1\"; selector: one },\n"
	    "      { path = /k/2; },\n"
	    "    ]\n"
	    "  }\n"
	    "}\n"
	    "domain z.test { path \"/k/3\"; selector s }";
	static const struct {
		const char *name, *domain, *selector, *path;
		unsigned line;
	} want[] = {
		{ "mail._domainkey.x.test", "x.test", "mail",
		    "/conf/rspamd/dkim/rsa-2048-mail-x.test.private.txt", 10 },
		{ "one._domainkey.y.test", "y.test", "one", "/k/1", 16 },
		{ "dkim._domainkey.y.test", "y.test", "dkim", "/k/2", 17 },
		{ "s._domainkey.z.test", "z.test", "s", "/k/3", 21 },
	};
	struct conf_problems p;
	struct conf_dkim d;

	read_rspamd(&d, text, &p);
	CHECK(p.n == 0, "%s", p.n > 0 ? p.list[0].text : "");
	CHECK(d.key_count == LEN(want) && d.rule_count == LEN(want), "%zu",
	    d.key_count);
	for (size_t i = 0; i < LEN(want); i++) {
		CHECK_SLICE(d.keys[i].name, want[i].name);
		CHECK_SLICE(d.keys[i].domain, want[i].domain);
		CHECK_SLICE(d.keys[i].selector, want[i].selector);
		CHECK(strcmp(d.keys[i].path, want[i].path) == 0, "%s",
		    d.keys[i].path);
		CHECK(d.keys[i].line == want[i].line, "%u", d.keys[i].line);
	}
	CHECK(conf_dkim_match(&d, S("me@Y.test"))->key == &d.keys[1]);
	CHECK(conf_dkim_match(&d, S("me@a.y.test"))->key == &d.keys[1]);
	CHECK(conf_dkim_match(&d, S("me@w.test")) == NULL);
	conf_dkim_release(&d);
	conf_problems_release(&p);
}

TEST(rspamd_in_the_place_of_opendkim)
{
	struct conf_dkim_files files = {
		.key_table = S("k x.test:mail:/k\n"),
		.signing_table = S("*@x.test k\nnonsense\n"),
		.rspamd = S("domain { x.test { path = \"/r\"; } }"),
		.has_key_table = true,
		.rspamd_first = true,
	};
	struct conf_dkim d;

	/* KeyTable and SigningTable are not even looked at. */
	conf_dkim_init(&d);
	CHECK(conf_dkim_parse(&d, "/c", &files, NULL) == 0 && d.rspamd);
	CHECK(d.key_count == 1 && strcmp(d.keys[0].path, "/r") == 0);
	conf_dkim_release(&d);

	files.rspamd = S("");
	conf_dkim_init(&d);
	CHECK(conf_dkim_parse(&d, "/c", &files, NULL) == 0 && d.rspamd);
	CHECK(d.key_count == 0 && d.rule_count == 0);
	conf_dkim_release(&d);

	files.rspamd = S("domain { x.test { path = \"/r\"; } }");
	files.key_table = S("# x\n" CONF_DKIM_TAKEN_OVER "\r\n"
	    "k x.test:mail:/k\n");
	files.signing_table = S("*@x.test k\n");
	conf_dkim_init(&d);
	CHECK(conf_dkim_parse(&d, "/c", &files, NULL) == 0 && !d.rspamd);
	CHECK(d.rule_count == 1 && strcmp(d.keys[0].path, "/k") == 0);
	conf_dkim_release(&d);
}

TEST(rspamd_turns_signing_off)
{
	static const struct {
		const char *text;
		size_t keys, rules;
		bool below; /* signs for a.x.test */
	} t[] = {
#define X " domain { x.test { path = /p; selector = s } }"
		{ X, 1, 1, true },
		{ "enabled = false;" X, 1, 0, false },
		{ "sign_authenticated = no;" X, 1, 0, false },
		{ "use_esld = false;" X, 1, 1, false },
		{ "enabled = true; sign_local = false;" X, 1, 1, true },
		{ X X, 1, 1, true },
		{ "domain { x.test { } }", 0, 0, false },
		{ "", 0, 0, false },
		{ "# nothing", 0, 0, false },
#undef X
	};

	for (size_t i = 0; i < LEN(t); i++) {
		struct conf_dkim d;

		conf_dkim_init(&d);
		conf_dkim_parse_rspamd(&d, "/conf", slice_str(t[i].text), NULL);
		CHECK(d.key_count == t[i].keys && d.rule_count == t[i].rules,
		    "%s", t[i].text);
		CHECK((conf_dkim_match(&d, S("me@a.x.test")) != NULL) ==
		    t[i].below, "%s", t[i].text);
		conf_dkim_release(&d);
	}
}

TEST(wrong_rspamd_files_are_warnings)
{
	static const struct {
		const char *text;
		size_t keys;
	} t[] = {
		{ "domain { x.test { path = /p; selector = s }", 1 },
		{ "domain { x.test { path = /p; selector = s", 0 },
		{ "domain { x.test { path = \"/p; selector = s } }", 0 },
		{ "domain { x.test { path = p; selector = s } }", 0 },
		{ "domain { x.test { path = /p; selector = -s } }", 0 },
		{ "domain { -x { path = /p; selector = s } }", 0 },
		{ "domain { x.test { selectors [ { path = /p } } }", 1 },
		{ "}", 0 }, { "= x", 0 }, { "a = ", 0 }, { "a [ = ]", 0 },
		{ "/* a", 0 }, { "a { \"", 0 },
		{ "a{a{a{a{a{a{a{a{a{a{a{a{a{a{a{a{a{a{a{a{", 0 },
		{ "a=[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 0 },
	};

	for (size_t i = 0; i < LEN(t); i++) {
		struct conf_problems p;
		struct conf_dkim d;

		read_rspamd(&d, t[i].text, &p);
		CHECK(p.errors == 0 && d.key_count == t[i].keys, "%s",
		    t[i].text);
		CHECK(p.n == 1 || strcmp(t[i].text, "/* a") == 0, "%s: %zu",
		    t[i].text, p.n);
		conf_dkim_release(&d);
		conf_problems_release(&p);
	}
}

TEST(wrong_dkim_tables_are_reported)
{
	static const struct conf_dkim_files files = {
		.key_table = S("short\nkey x.test:mail\nkey x.test:mail:relative\n"
		  "key -x:mail:/p\ngood x.test:mail:/p\ngood y.test:mail:/q\n"),
		.signing_table = S("only\n*@x.test god\n"
		  "*@x.test good extra\n*@x.test zzzzzz\n"),
		.trusted_hosts = S("two words\n"),
	};
	struct conf_dkim d;
	struct conf_problems p;

	conf_problems_init(&p);
	conf_dkim_init(&d);
	CHECK(conf_dkim_parse(&d, "/c", &files, &p) == -1);
	CHECK(d.key_count == 1 && d.rule_count == 0 && d.trusted_count == 0);
	CHECK(has(&p, LOG_ERROR, "/c/opendkim/KeyTable:1: expected"));
	CHECK(has(&p, LOG_ERROR, "KeyTable:2: expected"));
	CHECK(has(&p, LOG_ERROR, "KeyTable:3: the key is not a path"));
	CHECK(has(&p, LOG_ERROR, "KeyTable:4: the domain"));
	CHECK(has(&p, LOG_WARN, "KeyTable:6: 'good' is already in line 5"));
	CHECK(has(&p, LOG_ERROR, "SigningTable:1: expected"));
	CHECK(has(&p, LOG_ERROR, "SigningTable:2: no key 'god' in KeyTable; "
	    "did you mean 'good'?"));
	CHECK(has(&p, LOG_ERROR, "SigningTable:3: expected"));
	CHECK(has(&p, LOG_ERROR, "SigningTable:4: no key 'zzzzzz'"));
	CHECK(has(&p, LOG_ERROR, "TrustedHosts:1: expected one host"));
	conf_dkim_release(&d);
	conf_problems_release(&p);
}

TESTS(T(accounts_are_read_by_line), T(masters_have_any_name),
    T(wrong_accounts_are_reported_and_left_out),
    T(aliases_are_read_with_all_their_targets), T(wrong_aliases_are_reported),
    T(dkim_tables_choose_the_first_rule),
    T(dkim_tables_fall_back_to_the_longest_parent),
    T(rspamd_names_keys_for_domains),
    T(rspamd_in_the_place_of_opendkim), T(rspamd_turns_signing_off),
    T(wrong_rspamd_files_are_warnings),
    T(wrong_dkim_tables_are_reported))
