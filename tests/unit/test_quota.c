// part: services/auth
/* Quotas: dovecot-quotas.cf, the limit of an account, auth's memory of usage. */
#include "check.h"
#include "conf/conf_quotas.h"
#include "core/limits.h"
#include "services/auth/usage.h"

static bool
has(const struct conf_problems *p, enum log_level level, const char *text)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->list[i].level == level &&
		    strstr(p->list[i].text, text) != NULL)
			return true;
	return false;
}

TEST(sizes_have_a_unit_or_are_zero)
{
	static const struct {
		const char *text;
		int64_t bytes; /* -1: refused */
	} cases[] = {
		{ "0", 0 }, { "0B", 0 }, { "1B", 1 }, { "2k", 2048 },
		{ "10M", 10 << 20 }, { "3G", 3ll << 30 }, { "1T", 1ll << 40 },
		{ "123", -1 }, { "10K", -1 }, { "-60M", -1 }, { "M", -1 },
		{ "", -1 }, { "1.5M", -1 }, { "10M ", -1 }, { "00", -1 },
		{ "9223372036854775807B", INT64_MAX },
		{ "9223372036854775808B", -1 }, { "8388608T", -1 },
		{ "99999999999999999999999T", -1 },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		uint64_t bytes;
		int r = conf_quota_size(slice_str(cases[i].text), &bytes);

		CHECK(r == (cases[i].bytes == -1 ? -1 : 0), "%s",
		    cases[i].text);
		CHECK(r == -1 || bytes == (uint64_t)cases[i].bytes, "%s",
		    cases[i].text);
	}
}

TEST(lines_are_read_and_wrong_ones_reported)
{
	struct conf_quotas q;
	struct conf_problems p;

	conf_problems_init(&p);
	conf_quotas_init(&q);
	CHECK(conf_quotas_parse(&q, "f", S("# quotas\r\n\n"
	    "A@X.test:5M\n  b@x.test : 0 \nc@x.test:10K\nd@x.test\n"
	    ":5M\na@x.test:6M\ne@x.test:7k"), &p) == -1);
	CHECK(conf_quotas_find(&q, S("a@X.TEST"))->bytes == 5 << 20);
	CHECK(conf_quotas_find(&q, S("b@x.test"))->bytes == 0);
	CHECK(conf_quotas_find(&q, S("e@x.test"))->bytes == 7 << 10);
	CHECK(conf_quotas_find(&q, S("c@x.test")) == NULL);
	CHECK(conf_quotas_find(&q, S("d@x.test")) == NULL);
	CHECK(has(&p, LOG_ERROR, "f:5: 'c@x.test:10K' is not user@domain"));
	CHECK(has(&p, LOG_ERROR, "f:6: 'd@x.test' is not"));
	CHECK(has(&p, LOG_ERROR, "f:7: ':5M' is not"));
	CHECK(has(&p, LOG_WARN, "f:8: 'a@x.test' has a quota already"));
	CHECK(p.errors == 3, "%zu", p.errors);
	conf_quotas_release(&q);
	conf_problems_release(&p);
}

TEST(the_line_goes_before_the_rule_and_the_default)
{
	static const struct {
		const char *user, *extra;
		uint64_t bytes, messages;
	} cases[] = {
		{ "line@x.test", "", 5 << 20, 7 },
		{ "line@x.test", "userdb_quota_rule=*:storage=1G", 5 << 20, 7 },
		{ "none@x.test", "", 0, 7 },
		{ "d@x.test", "", 4 << 20, 7 },
		{ "d@x.test", "nologin userdb_quota_rule=*:storage=1G", 1 << 30, 7 },
		{ "d@x.test", "userdb_quota_rule=*:storage=100", 102400, 7 },
		{ "d@x.test", "userdb_quota_rule=*:bytes=100:messages=3", 100, 3 },
		{ "d@x.test", "userdb_quota_rule=Trash:storage=1G", 4 << 20, 7 },
		{ "d@x.test", "userdb_quota_rule=*:storage=+10%", 4 << 20, 7 },
		{ "d@x.test", "userdb_quota_rule=*", 4 << 20, 7 },
	};
	struct conf_quotas q;
	struct conf_quota got;
	struct conf c;

	conf_init(&c);
	c.mailbox_size_limit = 4096000;
	c.quota_messages = 7;
	conf_quotas_init(&q);
	CHECK(conf_quotas_parse(&q, "f", S("line@x.test:5M\nnone@x.test:0\n"),
	    NULL) == 0);
	for (size_t i = 0; i < LEN(cases); i++) {
		got = conf_quota_of(&c, &q, slice_str(cases[i].user),
		    slice_str(cases[i].extra));
		CHECK(got.bytes == cases[i].bytes &&
		    got.messages == cases[i].messages, "%s %s: %llu %llu",
		    cases[i].user, cases[i].extra,
		    (unsigned long long)got.bytes,
		    (unsigned long long)got.messages);
	}
	c.mailbox_size_limit = 999999;
	CHECK(conf_quota_of(&c, &q, S("d@x.test"), S("")).bytes == 0);
	c.enable_quotas = false;
	got = conf_quota_of(&c, &q, S("line@x.test"), S(""));
	CHECK(got.bytes == 0 && got.messages == 0);
	conf_quotas_release(&q);
	conf_release(&c);
}

TEST(reports_are_believed_for_ten_minutes)
{
	const struct conf_quota none = { 0 }, ten = { .bytes = 10 },
	    two = { .messages = 2 };
	struct usage u;

	usage_init(&u);
	CHECK(!usage_is_full(&u, S("a@x"), &ten, 0));
	usage_report(&u, S("a@x"), &(struct conf_quota){ 9, 1 }, 1000);
	CHECK(!usage_is_full(&u, S("a@x"), &ten, 1000));
	usage_report(&u, S("a@x"), &(struct conf_quota){ 10, 2 }, 2000);
	CHECK(usage_is_full(&u, S("a@x"), &ten, 2000));
	CHECK(usage_is_full(&u, S("a@x"), &two, 2000));
	/* The limit is looked up anew each time. */
	CHECK(!usage_is_full(&u, S("a@x"), &none, 2000));
	CHECK(!usage_is_full(&u, S("a@x"),
	    &(struct conf_quota){ .bytes = 11 }, 2000));
	CHECK(!usage_is_full(&u, S("b@x"), &ten, 2000));
	CHECK(usage_is_full(&u, S("a@x"), &ten, 601999));
	CHECK(!usage_is_full(&u, S("a@x"), &ten, 602000));
	CHECK(u.by_user.count == 0);
	usage_release(&u);
}

TEST(the_memory_of_reports_is_bounded)
{
	const struct conf_quota one = { .bytes = 1 };
	struct usage u;
	char user[32];

	usage_init(&u);
	for (int i = 0; i < LIMIT_AUTH_USAGES + 10; i++) {
		snprintf(user, sizeof(user), "u%d@x", i);
		usage_report(&u, slice_str(user), &one, 0);
	}
	CHECK(u.by_user.count == LIMIT_AUTH_USAGES);
	CHECK(!usage_is_full(&u, S("u0@x"), &one, 0));
	CHECK(usage_is_full(&u, S("u10@x"), &one, 0));
	usage_release(&u);
}

TESTS(T(sizes_have_a_unit_or_are_zero),
    T(lines_are_read_and_wrong_ones_reported),
    T(the_line_goes_before_the_rule_and_the_default),
    T(reports_are_believed_for_ten_minutes),
    T(the_memory_of_reports_is_bounded))
