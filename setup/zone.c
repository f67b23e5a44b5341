#include "setup/zone.h"

#include "msgauth/orgdomain.h"
#include "msgauth/spf_ip.h"
#include "setup/lookup.h"

#define STRING_MAX 255 /* RFC 1035 3.3 */

void
zone_strings(struct slice text, struct buf *out)
{
	do {
		struct slice part = slice_head(text, STRING_MAX);

		text = slice_from(text, part.n);
		buf_addc(out, '"');
		for (size_t i = 0; i < part.n; i++) {
			unsigned char c = (unsigned char)part.p[i];

			if (c == '"' || c == '\\')
				buf_addf(out, "\\%c", c);
			else if (c < ' ' || c > '~')
				buf_addf(out, "\\%03u", c);
			else
				buf_addc(out, (char)c);
		}
		buf_adds(out, text.n > 0 ? "\" " : "\"");
	} while (text.n > 0);
}

/* The reverse name of an address that is known, as a comment: it is in the zone
 * of whoever owns the address. */
static void
format_reverse(const struct records *r, const struct record *record,
    const char *prefix, struct buf *out)
{
	struct spf_ip ip;

	if (record->kind != RECORD_ADDRESS ||
	    spf_ip_parse(&ip, record->value) == -1)
		return;
	buf_adds(out, prefix);
	spf_ip_reverse(&ip, out);
	buf_addf(out, ".\tIN\tPTR\t%s.\n", r->conf->hostname);
}

/* What must be known besides the records of a kind, as comments. */
static void
format_note(const struct records *r, const struct record *record,
    struct buf *out)
{
	const struct conf *c = r->conf;

	if (record->kind == RECORD_ADDRESS) {
		if (record->value.n == 0)
			buf_addf(out, "; Put its public addresses here (or "
			    "say --address).\n");
		buf_addf(out, "; Ask the owner of these addresses, your "
		    "provider, to set their reverse names\n; (PTR) to %s. "
		    "Many servers refuse mail without that.\n", c->hostname);
	} else if (record->kind == RECORD_SPF && (*c->relay_host != '\0' ||
	    *c->default_relay_host != '\0')) {
		buf_addf(out, "; Mail leaves through %s: add what its owner "
		    "names (\"include:...\").\n", *c->relay_host != '\0' ?
		    c->relay_host : c->default_relay_host);
	} else if (record->kind == RECORD_TLSA) {
		buf_adds(out, "; It must change before the key of the "
		    "certificate does; let your ACME client\n; keep the key "
		    "(certbot --reuse-key).\n");
	} else if (record->kind == RECORD_MTA_STS) {
		buf_addf(out, "; It needs a web server with a valid "
		    "certificate that answers\n; https://mta-sts.%.*s/"
		    ".well-known/mta-sts.txt with:\n", SLICE_ARG(r->domain));
		records_mta_sts_policy(r, ";     ", out);
	} else if (record->kind == RECORD_AUTOCONFIG) {
		buf_adds(out, "; Of use if a web server answers there.\n");
	}
}

static void
format_value(const struct record *record, struct buf *out)
{
	if (record->type == DNS_TXT)
		zone_strings(record->value, out);
	else
		buf_add_slice(out, record->value);
}

static bool
is_unknown(const struct record *record)
{
	return record->value.n == 0;
}

void
zone_format(const struct records *r, struct buf *out)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct record *record = &r->list[i];

		if (i == 0 || record->kind != record[-1].kind) {
			buf_addf(out, "; %s\n", records_purpose(record->kind));
			format_note(r, record, out);
		}
		if (record->kind == RECORD_DKIM && is_unknown(record)) {
			buf_addf(out, "; %s: cannot be read\n", record->key);
			continue;
		}
		buf_addf(out, "%s%.*s.\tIN\t%s\t", is_unknown(record) ? ";" :
		    "", SLICE_ARG(record->name), lookup_type(record->type));
		if (is_unknown(record))
			buf_adds(out, record->type == DNS_A ? "192.0.2.1" :
			    "2001:db8::1");
		else
			format_value(record, out);
		buf_addc(out, '\n');
		format_reverse(r, record, "; ", out);
		if (record->kind == RECORD_SPF && (i + 1 == r->n ||
		    record[1].kind != RECORD_DKIM))
			buf_adds(out, "; There is no DKIM key yet: run 'setup "
			    "config dkim'.\n");
	}
}

static struct slice
relative(struct slice name, struct slice zone)
{
	if (slice_ieq(name, zone))
		return S("@");
	if (name.n > zone.n && slice_iends(name, zone) &&
	    name.p[name.n - zone.n - 1] == '.')
		return slice_head(name, name.n - zone.n - 1);
	return name;
}

static struct slice
without_dot(struct slice value)
{
	if (value.n > 0 && value.p[value.n - 1] == '.')
		value.n--;
	return value;
}

struct slice
zone_of(const struct records *r)
{
	return orgdomain(r->domain);
}

static bool
has_priority(const struct record *record)
{
	return record->type == DNS_MX || record->type == DNS_SRV;
}

static void
format_panel_value(const struct record *record, struct slice value,
    struct buf *out)
{
	if (record->kind == RECORD_DKIM && is_unknown(record))
		buf_addf(out, "(%s cannot be read)", record->key);
	else if (is_unknown(record))
		buf_addf(out, "(the public %s address of the server)",
		    record->type == DNS_A ? "IPv4" : "IPv6");
	else
		buf_add_slice(out, without_dot(value));
	buf_addc(out, '\n');
}

void
zone_format_panel(const struct records *r, struct buf *out)
{
	struct slice zone = zone_of(r);
	bool priorities = false;
	size_t width = 4;

	for (size_t i = 0; i < r->n; i++) {
		size_t n = relative(r->list[i].name, zone).n;

		width = n > width && n <= 40 ? n : width;
		priorities |= has_priority(&r->list[i]);
	}
	buf_addf(out, "%-*s  TYPE   %sVALUE\n", (int)width, "HOST",
	    priorities ? "PRIO  " : "");
	for (size_t i = 0; i < r->n; i++) {
		const struct record *record = &r->list[i];
		struct slice value = record->value, priority = S("");
		int left = (int)width + 9 + (priorities ? 6 : 0);

		if (has_priority(record))
			slice_word(&value, &priority);
		buf_addf(out, "%-*.*s  %-5s  ", (int)width,
		    SLICE_ARG(relative(record->name, zone)),
		    lookup_type(record->type));
		if (priorities)
			buf_addf(out, "%-4.*s  ", SLICE_ARG(priority));
		format_panel_value(record, slice_trim(value), out);
		if (record->type == DNS_TXT && record->value.n > STRING_MAX) {
			buf_addf(out, "%-*sin strings of at most 255 "
			    "characters, if the page asks for that:\n%-*s",
			    left, "", left, "");
			zone_strings(record->value, out);
			buf_addc(out, '\n');
		}
	}
}
