#include "setup/commands.h"

#include "conf/conf_load.h"
#include "core/num.h"
#include "setup/check.h"
#include "setup/domains.h"

#define OUTPUT_MAX 67108864

struct options {
	const char *domain;
	const char *server;
	bool json;
	bool offline; /* nothing but the DNS is asked */
	uint16_t smtp_port, https_port;
};

static int
parse_port(const char *text, uint16_t *port)
{
	uint64_t n;

	if (num_u64(slice_str(text), UINT16_MAX, &n) == -1 || n == 0)
		return -1;
	*port = (uint16_t)n;
	return 0;
}

static int
parse(struct options *o, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			o->json = true;
		} else if (strcmp(argv[i], "--dns") == 0) {
			if (++i == argc)
				return -1;
			o->server = argv[i];
		} else if (strcmp(argv[i], "--no-connect") == 0) {
			o->offline = true;
		} else if (strcmp(argv[i], "--smtp-port") == 0) {
			if (++i == argc || parse_port(argv[i],
			    &o->smtp_port) == -1)
				return -1;
		} else if (strcmp(argv[i], "--https-port") == 0) {
			if (++i == argc || parse_port(argv[i],
			    &o->https_port) == -1)
				return -1;
		} else if (argv[i][0] != '-' && o->domain == NULL) {
			o->domain = argv[i];
		} else {
			return -1;
		}
	}
	return 0;
}

static const char *
state_word(enum check_state state)
{
	static const char *const words[CHECK_STATES] = {
		[CHECK_RIGHT] = "right",
		[CHECK_HINT] = "hint",
		[CHECK_WRONG] = "wrong",
		[CHECK_MISSING] = "missing",
		[CHECK_UNKNOWN] = "unknown",
	};

	return words[state];
}

static const struct {
	const char *key, *text;
} bulk[BULK_COUNT] = {
	[BULK_SPF] = { "spf", "SPF lets this server send for the domain" },
	[BULK_DKIM] = { "dkim",
		"mail is signed with DKIM, and the key is published" },
	[BULK_DMARC] = { "dmarc", "there is a DMARC policy" },
	[BULK_ALIGNED] = { "aligned",
		"SPF or DKIM vouches for the domain that readers see (From)" },
	[BULK_REVERSE] = { "reverse",
		"the address has a name that leads back to it (FCrDNS)" },
	[BULK_TLS] = { "tls",
		"mail goes over TLS, and the certificate is usable" },
};

static void
format_findings(const struct check *c, size_t from, struct buf *out)
{
	for (size_t i = from; i < c->n; i++) {
		const struct finding *f = &c->list[i];

		buf_addf(out, "  %-7s  %-14s %-5s %s\n", state_word(f->state),
		    f->topic, f->type, f->name);
		if (f->text != NULL)
			buf_addf(out, "           %s\n", f->text);
		if (f->change != NULL)
			buf_addf(out, "           => %s\n", f->change);
	}
}

static void
format_bulk(const struct check *c, struct buf *out)
{
	buf_adds(out, "\n  What Gmail and Yahoo ask of those who send them "
	    "mail:\n");
	for (size_t i = 0; i < BULK_COUNT; i++)
		buf_addf(out, "  %-7s  %s\n", c->bulk[i] ? "yes" : "NO",
		    bulk[i].text);
}

static void
json_findings(const struct check *c, size_t from, struct json *j)
{
	json_array(j, "records");
	for (size_t i = from; i < c->n; i++) {
		const struct finding *f = &c->list[i];

		json_object(j, NULL);
		json_str(j, "state", state_word(f->state));
		json_str(j, "topic", f->topic);
		json_str(j, "name", f->name);
		json_str(j, "type", f->type);
		json_str(j, "text", f->text != NULL ? f->text : "");
		json_str(j, "change", f->change != NULL ? f->change : "");
		json_object_end(j);
	}
	json_array_end(j);
}

static size_t
count_bad(const struct check *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += c->list[i].state > CHECK_HINT;
	return n;
}

static void
run_text(struct check *c, const struct domains *d, struct buf *out)
{
	size_t from = 0, bad;

	check_host(c);
	buf_addf(out, "%s, the mail server\n\n", c->records->conf->hostname);
	format_findings(c, 0, out);
	for (size_t i = 0; i < d->n; i++) {
		from = c->n;
		lookup_rewind(c->lookup);
		check_domain(c, d->list[i]);
		buf_addf(out, "\n%.*s\n\n", SLICE_ARG(d->list[i]));
		format_findings(c, from, out);
		format_bulk(c, out);
	}
	if (d->n == 0)
		buf_adds(out, "\nNo domain yet: add an account first, with "
		    "'setup email add'.\n");
	buf_addc(out, '\n');
	lookup_upstream(c->lookup, out);
	bad = count_bad(c);
	if (bad == 0)
		buf_adds(out, "\nNothing has to be changed.\n");
	else
		buf_addf(out, "\n%zu thing%s to be changed.\n", bad,
		    bad == 1 ? " has" : "s have");
}

static void
run_json(struct check *c, const struct domains *d, struct buf *out)
{
	struct json j = JSON_INIT(out);
	struct buf upstream = BUF_INIT(4096);
	size_t from = 0;

	check_host(c);
	json_object(&j, NULL);
	json_object(&j, "host");
	json_str(&j, "name", c->records->conf->hostname);
	json_findings(c, 0, &j);
	json_object_end(&j);
	json_array(&j, "domains");
	for (size_t i = 0; i < d->n; i++) {
		from = c->n;
		lookup_rewind(c->lookup);
		check_domain(c, d->list[i]);
		json_object(&j, NULL);
		json_slice(&j, "name", d->list[i]);
		json_findings(c, from, &j);
		json_object(&j, "bulk_senders");
		for (size_t b = 0; b < BULK_COUNT; b++)
			json_bool(&j, bulk[b].key, c->bulk[b]);
		json_object_end(&j);
		json_object_end(&j);
	}
	json_array_end(&j);
	lookup_upstream(c->lookup, &upstream);
	json_slice(&j, "dns", buf_slice(&upstream));
	lookup_trace_json(c->lookup, &j, "lookups");
	json_num(&j, "to_change", count_bad(c));
	json_object_end(&j);
	buf_addc(out, '\n');
	buf_release(&upstream);
}

static int
run(const struct options *o, struct records *r, const struct domains *d,
    struct lookup *l)
{
	struct check c = { .lookup = l, .records = r, .connect = !o->offline,
		.smtp_port = o->smtp_port, .https_port = o->https_port };
	struct buf out = BUF_INIT(OUTPUT_MAX);
	int status;

	if (o->json)
		run_json(&c, d, &out);
	else
		run_text(&c, d, &out);
	fputs(buf_str(&out), stdout);
	status = buf_ok(&out) && count_bad(&c) == 0 ? 0 : 1;
	buf_release(&out);
	check_release(&c);
	return status;
}

int
cmd_dns_check(struct setup *s, int argc, char **argv)
{
	struct options o = { .smtp_port = 25, .https_port = 443 };
	const char *why = NULL;
	struct lookup *l = NULL;
	struct records r;
	struct domains d;
	int status = 2, ok;

	if (parse(&o, argc, argv) == -1)
		return say_usage(s, 2);
	if (conf_load_host(&s->conf, &s->problems) == -1) {
		say_abort(s, "%s", s->problems.list[s->problems.n - 1].text);
		return 2;
	}
	ok = o.domain != NULL ? domains_parse(s, &d, o.domain) :
	    domains_load(s, &d);
	if (records_load(s, &d, &r) == 0 && ok == 0) {
		l = lookup_new(&s->conf, o.server, &why);
		if (l == NULL)
			say_abort(s, "%s: %s", o.server != NULL ? o.server :
			    "DNS_SERVERS", why);
		else
			status = run(&o, &r, &d, l);
	}
	lookup_free(l);
	records_release(&r);
	domains_release(&d);
	return status;
}
