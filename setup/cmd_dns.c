#include "setup/commands.h"

#include <arpa/inet.h>

#include "conf/conf_load.h"
#include "setup/domains.h"
#include "setup/zone.h"

#define ADDRESSES_MAX 16
#define OUTPUT_MAX 67108864

struct options {
	const char *domain;
	bool panel;
	const char *addresses[ADDRESSES_MAX];
	size_t address_count;
};

static bool
is_address(const char *text)
{
	unsigned char bytes[16];

	return inet_pton(AF_INET, text, bytes) == 1 ||
	    inet_pton(AF_INET6, text, bytes) == 1;
}

static int
parse(struct options *o, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--panel") == 0) {
			o->panel = true;
		} else if (strcmp(argv[i], "--address") == 0) {
			if (++i == argc || !is_address(argv[i]) ||
			    o->address_count == ADDRESSES_MAX)
				return -1;
			o->addresses[o->address_count++] = argv[i];
		} else if (argv[i][0] != '-' && o->domain == NULL) {
			o->domain = argv[i];
		} else {
			return -1;
		}
	}
	return 0;
}

static void
format_host(struct records *r, const struct options *o, struct buf *out)
{
	struct slice zone;
	bool tlsa = false;

	records_of_host(r, o->addresses, o->address_count);
	if (!o->panel) {
		buf_addf(out, "$TTL 3600\n\n; ---- %s, the mail server ----\n\n",
		    r->conf->hostname);
		zone_format(r, out);
		return;
	}
	zone = zone_of(r);
	buf_addf(out, "What to enter on the web page of your registrar. HOST "
	    "is relative to the domain that\nthe page is for; names in VALUE "
	    "are whole (where the page appends its domain to\nthem, end them "
	    "with a dot). PRIO is the priority; where the page has no field "
	    "for\nit, it goes in front of VALUE. The three words of SRV are "
	    "weight, port and target.\n\n"
	    "%s, the mail server, on the page of %.*s:\n\n",
	    r->conf->hostname, SLICE_ARG(zone));
	zone_format_panel(r, out);
	for (size_t i = 0; i < r->n; i++)
		tlsa |= r->list[i].type == DNS_TLSA;
	if (tlsa)
		buf_addf(out, "\nTLSA counts only if %.*s is signed with "
		    "DNSSEC; leave it out if it is not. With\nit, the key of "
		    "the certificate must not change before the record "
		    "does.\n", SLICE_ARG(zone));
	buf_addf(out, "\nAsk the owner of its addresses, your provider, to set "
	    "their reverse names (PTR)\nto %s. Many servers refuse mail "
	    "without that.\n", r->conf->hostname);
}

static void
format_domain(struct records *r, const struct options *o, struct slice domain,
    struct buf *out)
{
	records_of_domain(r, domain);
	if (!o->panel) {
		buf_addf(out, "\n; ---- %.*s ----\n\n", SLICE_ARG(domain));
		zone_format(r, out);
		return;
	}
	buf_addf(out, "\n%.*s, on the page of %.*s:\n\n", SLICE_ARG(domain),
	    SLICE_ARG(zone_of(r)));
	zone_format_panel(r, out);
	buf_addf(out, "\nmta-sts.%.*s must be a web server that answers "
	    "/.well-known/mta-sts.txt with:\n", SLICE_ARG(domain));
	records_mta_sts_policy(r, "    ", out);
}

int
cmd_dns(struct setup *s, int argc, char **argv)
{
	struct buf out = BUF_INIT(OUTPUT_MAX);
	struct options o = { 0 };
	struct records r;
	struct domains d;
	int status = 1, ok;

	if (parse(&o, argc, argv) == -1)
		return say_usage(s, 1);
	if (conf_load_host(&s->conf, &s->problems) == -1)
		return say_abort(s, "%s",
		    s->problems.list[s->problems.n - 1].text);
	ok = o.domain != NULL ? domains_parse(s, &d, o.domain) :
	    domains_load(s, &d);
	if (records_load(s, &d, &r) == 0 && ok == 0) {
		format_host(&r, &o, &out);
		for (size_t i = 0; i < d.n; i++)
			format_domain(&r, &o, d.list[i], &out);
		if (d.n == 0)
			buf_adds(&out, o.panel ? "\nNo domain yet: add an "
			    "account first, with 'setup email add'.\n" :
			    "\n; No domain yet: add an account first, with "
			    "'setup email add'.\n");
		fputs(buf_str(&out), stdout);
		status = buf_ok(&out) ? 0 : 1;
	}
	records_release(&r);
	domains_release(&d);
	buf_release(&out);
	return status;
}
