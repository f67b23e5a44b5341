/* The tables of the config folder: the first byte chooses the reader. */
#include "conf/conf_accounts.h"
#include "conf/conf_dkim.h"
#include "conf/conf_quotas.h"
#include "conf/conf_scram.h"
#include "conf/conf_virtual.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
accounts(struct slice text, struct conf_problems *problems)
{
	struct conf_accounts t;
	struct slice extra, key, value;

	conf_accounts_init(&t);
	conf_accounts_parse(&t, "fuzz", text, problems);
	for (size_t i = 0; i < t.n; i++) {
		if (conf_accounts_find(&t, t.list[i].address) != &t.list[i])
			abort();
		extra = t.list[i].extra;
		while (conf_account_field(&extra, &key, &value))
			;
	}
	conf_accounts_release(&t);
	/* The masters have the same form. */
	conf_accounts_init(&t);
	conf_masters_parse(&t, "fuzz", text, problems);
	for (size_t i = 0; i < t.n; i++)
		if (!conf_is_master(t.list[i].address))
			abort();
	conf_accounts_release(&t);
}

static void
virtual(struct slice text, struct conf_problems *problems)
{
	struct conf_virtual t;

	conf_virtual_init(&t);
	conf_virtual_parse(&t, "fuzz", text, problems);
	for (size_t i = 0; i < t.n; i++)
		if (conf_virtual_find(&t, t.list[i].key) != &t.list[i] ||
		    t.list[i].n == 0)
			abort();
	conf_virtual_release(&t);
}

/* KeyTable, SigningTable, TrustedHosts and dkim_signing.conf, separated by a
 * NUL. */
static void
dkim(struct slice text, struct conf_problems *problems)
{
	struct conf_dkim_files files = { 0 };
	struct conf_dkim d;

	slice_split(&text, '\0', &files.key_table);
	slice_split(&text, '\0', &files.signing_table);
	slice_split(&text, '\0', &files.trusted_hosts);
	files.rspamd = text;
	for (int there = 0; there < 2; there++) {
		files.has_key_table = there;
		conf_dkim_init(&d);
		conf_dkim_parse(&d, "/c", &files, problems);
		conf_dkim_match(&d, S("user@sub.example.com"));
		conf_dkim_match(&d,
		    S("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
		conf_dkim_release(&d);
	}
}

/* The file, a NUL, and the extra fields of an account. */
static void
quotas(struct slice text, struct conf_problems *problems)
{
	struct conf_quotas q;
	struct slice file = S("");
	struct conf c;

	slice_split(&text, '\0', &file);
	conf_init(&c);
	conf_quotas_init(&q);
	conf_quotas_parse(&q, "fuzz", file, problems);
	if (conf_quota_of(&c, &q, S("a@x.test"), text).bytes > INT64_MAX)
		abort();
	conf_quotas_release(&q);
	conf_release(&c);
}

static void
scram(struct slice text, struct conf_problems *problems)
{
	struct conf_scram s;
	struct buf b = BUF_INIT(LIMIT_CONFIG_FILE);

	conf_scram_init(&s);
	conf_scram_parse(&s, "fuzz", text, problems);
	conf_scram_release(&s);
	buf_add_slice(&b, text);
	conf_scram_put(&b, S("a@x.test"), S("a@x.test|x"));
	if (slice_ifind(buf_slice(&b), S("a@x.test|x\n")) < 0)
		abort();
	buf_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static void (*const readers[])(struct slice text,
	    struct conf_problems *problems) = { accounts, virtual, dkim,
	    quotas, scram };
	struct conf_problems problems;

	if (n == 0)
		return 0;
	conf_problems_init(&problems);
	readers[p[0] % LEN(readers)](slice_of(p + 1, n - 1), &problems);
	conf_problems_release(&problems);
	return 0;
}
