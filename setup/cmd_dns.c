#include "setup/commands.h"

#include "conf/conf_dkim.h"
#include "conf/conf_load.h"
#include "setup/dkim_key.h"
#include "setup/domains.h"
#include "setup/table.h"

/* The tables of opendkim/; nothing is said about wrong lines here. */
static int
load_dkim(const struct setup *s, struct conf_dkim *d)
{
	struct table keys, rules;
	int r = table_open(s, &keys, CONF_DKIM_KEY_TABLE, false);

	if (table_open(s, &rules, CONF_DKIM_SIGNING_TABLE, false) == -1)
		r = -1;
	if (r == 0)
		conf_dkim_parse(d, s->conf.config_dir,
		    &(struct conf_dkim_files){ buf_slice(&keys.text),
			buf_slice(&rules.text), S("") }, NULL);
	table_close(&keys);
	table_close(&rules);
	return r;
}

static void
print_dkim(const struct conf_dkim *d, struct slice domain)
{
	struct buf record = BUF_INIT(16384), owner = BUF_INIT(1024);
	bool any = false;

	puts("; DKIM: the keys that signatures are checked with.");
	for (size_t i = 0; i < d->key_count; i++) {
		const struct conf_dkim_key *k = &d->keys[i];
		EVP_PKEY *key;

		if (!slice_ieq(k->domain, domain))
			continue;
		any = true;
		key = dkim_key_load(k->path);
		buf_clear(&owner);
		buf_clear(&record);
		buf_addf(&owner, "%.*s._domainkey.%.*s.",
		    SLICE_ARG(k->selector), SLICE_ARG(domain));
		if (key != NULL && dkim_key_record(key, buf_slice(&owner),
		    k->selector, domain, &record) == 0)
			fputs(buf_str(&record), stdout);
		else
			printf("; %s: cannot be read\n", k->path);
		EVP_PKEY_free(key);
	}
	if (!any)
		puts("; There is no key yet: run 'setup config dkim'.");
	buf_release(&record);
	buf_release(&owner);
}

static void
print_services(const struct conf *c, struct slice domain)
{
	static const struct {
		const char *name;
		unsigned priority, port;
		bool imap;
	} services[] = {
		{ "_submissions", 0, 465, false },
		{ "_submission", 10, 587, false },
		{ "_imaps", 0, 993, true },
		{ "_imap", 10, 143, true },
	};

	puts("; Where mail programs find the server (RFC 6186, RFC 8314).");
	for (size_t i = 0; i < LEN(services); i++)
		if (!services[i].imap || (c->enable_imap && !c->smtp_only))
			printf("%s._tcp.%.*s.\tIN\tSRV\t%u 1 %u %s.\n",
			    services[i].name, SLICE_ARG(domain),
			    services[i].priority,
			    services[i].port + (unsigned)c->port_base,
			    c->hostname);
}

static void
print_dmarc(const struct conf *c, struct slice domain)
{
	struct slice postmaster = slice_str(c->postmaster_address);
	ssize_t at = slice_rfind(postmaster, '@');

	puts("; DMARC: what to do with mail that is not from here.");
	printf("_dmarc.%.*s.\tIN\tTXT\t\"v=DMARC1; p=quarantine",
	    SLICE_ARG(domain));
	/* Reports to another domain need its consent (RFC 7489 7.1). */
	if (at >= 0 && slice_ieq(slice_from(postmaster, (size_t)at + 1),
	    domain))
		printf("; rua=mailto:%s", c->postmaster_address);
	puts("\"");
}

static void
print_domain(const struct conf *c, const struct conf_dkim *d,
    struct slice domain)
{
	printf("\n; ---- %.*s ----\n\n", SLICE_ARG(domain));
	puts("; The host that takes the mail of the domain.");
	printf("%.*s.\tIN\tMX\t10 %s.\n", SLICE_ARG(domain), c->hostname);
	puts("; SPF: only that host sends mail of the domain.");
	if (*c->relay_host != '\0' || *c->default_relay_host != '\0')
		printf("; Mail leaves through %s: add what its owner names "
		    "(\"include:...\").\n", *c->relay_host != '\0' ?
		    c->relay_host : c->default_relay_host);
	printf("%.*s.\tIN\tTXT\t\"v=spf1 mx -all\"\n", SLICE_ARG(domain));
	print_dkim(d, domain);
	print_dmarc(c, domain);
	print_services(c, domain);
}

int
cmd_dns(struct setup *s, int argc, char **argv)
{
	struct conf_dkim dkim;
	struct domains d;
	int status = 1, ok;

	if (argc > 1)
		return say_usage(s, 1);
	if (conf_load_host(&s->conf, &s->problems) == -1)
		return say_abort(s, "%s",
		    s->problems.list[s->problems.n - 1].text);
	conf_dkim_init(&dkim);
	ok = argc == 1 ? domains_parse(s, &d, argv[0]) : domains_load(s, &d);
	if (ok == 0 && load_dkim(s, &dkim) == 0) {
		printf("; The address of the mail server: put its public "
		    "addresses here.\n"
		    ";%s.\tIN\tA\t192.0.2.1\n"
		    ";%s.\tIN\tAAAA\t2001:db8::1\n"
		    "; Ask the owner of these addresses (your provider) to set "
		    "their reverse\n; names (PTR) to %s.\n", s->conf.hostname,
		    s->conf.hostname, s->conf.hostname);
		for (size_t i = 0; i < d.n; i++)
			print_domain(&s->conf, &dkim, d.list[i]);
		if (d.n == 0)
			puts("\n; No domain yet: add an account first, with "
			    "'setup email add'.");
		status = 0;
	}
	conf_dkim_release(&dkim);
	domains_release(&d);
	return status;
}
