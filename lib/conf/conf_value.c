/*
 * The texts of settings: one parser a type. Used by conf_set for every source
 * (environment, file, supervisor); errors say what would be right.
 */
#include "conf/conf.h"

#include <arpa/inet.h>

#include "core/num.h"

/* Quotes the start of a value that was refused. */
static int
refuse(struct buf *why, struct slice text, const char *reason)
{
	struct slice head = slice_head(text, 100);

	buf_addf(why, "'%.*s%s' %s", SLICE_ARG(head), text.n > 100 ? "..." : "",
	    reason);
	return -1;
}

static int
keep(void *at, struct slice text)
{
	*(char **)at = slice_dup(text);
	return 0;
}

static int
parse_bool(const struct conf_row *row UNUSED, struct slice text, void *at,
    struct buf *why)
{
	if (!slice_eq(text, S("0")) && !slice_eq(text, S("1")))
		return refuse(why, text, "is not 0 or 1");
	*(bool *)at = text.p[0] == '1';
	return 0;
}

struct unit {
	char letter;
	uint64_t factor;
};

/* A number and at most one unit letter. */
static int
parse_number(const struct conf_row *row, struct slice text, void *at,
    const struct unit *units, size_t unit_count, struct buf *why)
{
	struct slice rest = text;
	uint64_t v, factor = 1;

	if (num_take(&rest, UINT64_MAX, &v) == -1)
		return refuse(why, text, "is not a number");
	if (rest.n == 1)
		for (size_t i = 0; i < unit_count; i++)
			if (ascii_lower(rest.p[0]) == units[i].letter) {
				factor = units[i].factor;
				rest = S("");
				break;
			}
	if (rest.n != 0) {
		refuse(why, text, "is not a number");
		for (size_t i = 0; i < unit_count; i++)
			buf_addf(why, "%s%c", i == 0 ? " with one of the units "
			    : " ", units[i].letter);
		return -1;
	}
	if (__builtin_mul_overflow(v, factor, &v) || v < row->low ||
	    v > row->high) {
		refuse(why, text, "is out of bounds");
		buf_addf(why, ", %llu to %llu are allowed",
		    (unsigned long long)row->low,
		    (unsigned long long)row->high);
		return -1;
	}
	*(uint64_t *)at = v;
	return 0;
}

static int
parse_num(const struct conf_row *row, struct slice text, void *at,
    struct buf *why)
{
	return parse_number(row, text, at, NULL, 0, why);
}

static int
parse_size(const struct conf_row *row, struct slice text, void *at,
    struct buf *why)
{
	static const struct unit units[] = { { 'k', 1 << 10 }, { 'm', 1 << 20 },
		{ 'g', 1 << 30 }, { 't', 1ull << 40 } };

	return parse_number(row, text, at, units, LEN(units), why);
}

static int
parse_time(const struct conf_row *row, struct slice text, void *at,
    struct buf *why)
{
	static const struct unit units[] = { { 's', 1 }, { 'm', 60 },
		{ 'h', 3600 }, { 'd', 86400 }, { 'w', 7 * 86400 } };

	return parse_number(row, text, at, units, LEN(units), why);
}

/* An empty first word of "|a|b" counts: slice_split gives it. */
static int
parse_word(const struct conf_row *row, struct slice text, void *at,
    struct buf *why)
{
	struct slice rest = slice_str(row->words), word, best = { 0 };
	unsigned index = 0, distance = 3;
	bool first = true;

	for (; slice_split(&rest, '|', &word); index++) {
		unsigned d = conf_distance(word, text, 2);

		if (slice_eq(word, text)) {
			*(unsigned *)at = index;
			return 0;
		}
		if (word.n > 2 && d < distance) {
			distance = d;
			best = word;
		}
	}
	refuse(why, text, "is not one of ");
	for (rest = slice_str(row->words); slice_split(&rest, '|', &word);) {
		buf_addf(why, "%s%.*s", first ? "" : ", ", SLICE_ARG(word));
		if (word.n == 0)
			buf_adds(why, "(empty)");
		first = false;
	}
	if (best.n > 0)
		buf_addf(why, "; did you mean '%.*s'?", SLICE_ARG(best));
	return -1;
}

static int
parse_text(const struct conf_row *row UNUSED, struct slice text, void *at,
    struct buf *why UNUSED)
{
	return keep(at, text);
}

static bool
is_ip(struct slice s, int family)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char raw[16];

	if (s.n == 0 || s.n >= sizeof(text))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return inet_pton(family, text, raw) == 1;
}

bool
conf_is_host(struct slice s)
{
	struct slice label;

	if (s.n == 0 || s.n > LIMIT_DOMAIN || s.p[s.n - 1] == '.')
		return false;
	while (slice_split(&s, '.', &label)) {
		if (label.n == 0 || label.n > 63 || label.p[0] == '-' ||
		    label.p[label.n - 1] == '-')
			return false;
		for (size_t i = 0; i < label.n; i++)
			if (!ascii_is_alnum(label.p[i]) && label.p[i] != '-' &&
			    label.p[i] != '_')
				return false;
	}
	return true;
}

static bool
is_folder_name(struct slice s)
{
	if (s.n == 0 || slice_eq(s, S(".")) || slice_eq(s, S("..")))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f ||
		    s.p[i] == '/')
			return false;
	return true;
}

bool
conf_is_mailbox(struct slice s)
{
	ssize_t at = slice_rfind(s, '@');
	struct slice local, domain;

	if (at < 0)
		return false;
	local = slice_head(s, (size_t)at);
	domain = slice_from(s, (size_t)at + 1);
	return local.n <= LIMIT_LOCAL_PART && domain.n <= LIMIT_DOMAIN &&
	    is_folder_name(local) && is_folder_name(domain) &&
	    slice_find(local, '@') < 0;
}

static int
parse_host(const struct conf_row *row UNUSED, struct slice text, void *at,
    struct buf *why)
{
	if (text.n > 0 && !conf_is_host(text) && !is_ip(text, AF_INET6))
		return refuse(why, text, "is not a host name");
	return keep(at, text);
}

static int
parse_fqdn(const struct conf_row *row UNUSED, struct slice text, void *at,
    struct buf *why)
{
	if (text.n > 0 && (!conf_is_host(text) || slice_find(text, '.') < 0))
		return refuse(why, text,
		    "is not a fully qualified host name such as mail.example.com");
	return keep(at, text);
}

static int
parse_address(const struct conf_row *row UNUSED, struct slice text, void *at,
    struct buf *why)
{
	if (text.n > 0 && !conf_is_mailbox(text))
		return refuse(why, text,
		    "is not an address such as postmaster@example.com");
	return keep(at, text);
}

static int
parse_path(const struct conf_row *row UNUSED, struct slice text, void *at,
    struct buf *why)
{
	if (text.n > 0 && text.p[0] != '/')
		return refuse(why, text, "is not a path that starts with /");
	while (text.n > 1 && text.p[text.n - 1] == '/')
		text.n--;
	return keep(at, text);
}

/* The next item of a list separated by commas and blanks. */
static bool
next_item(struct slice *rest, struct slice *item)
{
	while (rest->n > 0 && (rest->p[0] == ',' || rest->p[0] == ' '))
		*rest = slice_from(*rest, 1);
	if (rest->n == 0)
		return false;
	for (item->n = 0; item->n < rest->n; item->n++)
		if (rest->p[item->n] == ',' || rest->p[item->n] == ' ')
			break;
	item->p = rest->p;
	*rest = slice_from(*rest, item->n);
	return true;
}

/*
 * Appends the IP address in its canonical form and gives its raw bytes; the
 * length of them, or 0 if s is none.
 */
static size_t
add_ip(struct slice s, unsigned char raw[16], struct buf *out)
{
	char text[INET6_ADDRSTRLEN];
	int family = slice_find(s, ':') >= 0 ? AF_INET6 : AF_INET;

	if (s.n == 0 || s.n >= sizeof(text))
		return 0;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (inet_pton(family, text, raw) != 1 ||
	    inet_ntop(family, raw, text, sizeof(text)) == NULL)
		return 0;
	buf_adds(out, text);
	return family == AF_INET ? 4 : 16;
}

static bool
add_network(struct slice item, struct buf *out)
{
	unsigned char raw[16];
	ssize_t slash = slice_find(item, '/');
	struct slice address = slash < 0 ? item :
	    slice_head(item, (size_t)slash);
	size_t n = add_ip(address, raw, out);
	uint64_t bits = n * 8;

	if (n == 0 || (slash >= 0 &&
	    num_u64(slice_from(item, (size_t)slash + 1), n * 8, &bits) == -1))
		return false;
	/* Bits behind the length are a slip: 10.1.2.3/8. */
	for (size_t i = 0; i < n * 8; i++)
		if (i >= bits && (raw[i / 8] & (0x80 >> (i % 8))) != 0)
			return false;
	buf_addf(out, "/%u", (unsigned)bits);
	return true;
}

static bool
add_address(struct slice item, struct buf *out)
{
	unsigned char raw[16];

	return add_ip(item, raw, out) != 0;
}

/* ADDRESS, ADDRESS@PORT; and as they are written elsewhere, V4:PORT,
 * [ADDRESS], [ADDRESS]:PORT. */
static bool
add_forwarder(struct slice item, struct buf *out)
{
	struct slice address = item, rest = S("");
	ssize_t end = slice_find(item, '@');
	unsigned char raw[16];
	uint64_t port = 53;

	if (item.n > 0 && item.p[0] == '[') {
		end = slice_find(item, ']');
		if (end < 0)
			return false;
		address = slice_of(item.p + 1, (size_t)end - 1);
		rest = slice_from(item, (size_t)end + 1);
	} else {
		if (end < 0 && slice_find(item, ':') == slice_rfind(item, ':'))
			end = slice_find(item, ':');
		if (end >= 0) {
			address = slice_head(item, (size_t)end);
			rest = slice_from(item, (size_t)end);
		}
	}
	if (rest.n > 0 && ((rest.p[0] != '@' && rest.p[0] != ':') ||
	    num_u64(slice_from(rest, 1), 65535, &port) == -1 || port == 0))
		return false;
	if (add_ip(address, raw, out) == 0)
		return false;
	buf_addf(out, "@%u", (unsigned)port);
	return true;
}

static int
parse_list(struct slice text, void *at, struct buf *why,
    bool (*add)(struct slice item, struct buf *out), const char *reason)
{
	struct buf out = BUF_INIT(16384);
	struct slice rest = text, item;

	while (next_item(&rest, &item)) {
		if (out.n > 0)
			buf_addc(&out, ',');
		if (!add(item, &out)) {
			buf_release(&out);
			return refuse(why, item, reason);
		}
	}
	*(char **)at = buf_take(&out);
	return 0;
}

static int
parse_addresses(const struct conf_row *row UNUSED, struct slice text, void *at,
    struct buf *why)
{
	return parse_list(text, at, why, add_address, "is not an IP address");
}

static int
parse_networks(const struct conf_row *row UNUSED, struct slice text, void *at,
    struct buf *why)
{
	return parse_list(text, at, why, add_network,
	    "is not a network such as 10.0.0.0/8 or fd00::/64");
}

static bool
add_domain(struct slice item, struct buf *out)
{
	if (!conf_is_host(item))
		return false;
	for (size_t i = 0; i < item.n; i++)
		buf_addc(out, ascii_lower(item.p[i]));
	return true;
}

static int
parse_domains(const struct conf_row *row UNUSED, struct slice text, void *at,
    struct buf *why)
{
	return parse_list(text, at, why, add_domain, "is not a domain name");
}

static int
parse_dns(const struct conf_row *row UNUSED, struct slice text, void *at,
    struct buf *why)
{
	struct slice rest = text, item;

	if (slice_eq(text, S("recurse")) || slice_eq(text, S("system")))
		return keep(at, text);
	if (!next_item(&rest, &item))
		return refuse(why, text,
		    "is not recurse, system or a list of servers");
	return parse_list(text, at, why, add_forwarder,
	    "is not the address of a server, such as 9.9.9.9, 127.0.0.1@5353 "
	    "or ::1@53 (names cannot be used, recurse and system only alone)");
}

/* [host]:port, [host], host:port, host. */
static bool
is_relay(struct slice s)
{
	ssize_t end;
	uint64_t port;
	struct slice host;

	if (s.n > 0 && s.p[0] == '[') {
		end = slice_find(s, ']');
		if (end < 0)
			return false;
		host = slice_of(s.p + 1, (size_t)end - 1);
		s = slice_from(s, (size_t)end + 1);
		if (!conf_is_host(host) && !is_ip(host, AF_INET6))
			return false;
	} else {
		end = slice_find(s, ':');
		host = end < 0 ? s : slice_head(s, (size_t)end);
		s = slice_from(s, host.n);
		if (!conf_is_host(host))
			return false;
	}
	return s.n == 0 || (s.p[0] == ':' &&
	    num_u64(slice_from(s, 1), 65535, &port) == 0 && port > 0);
}

static int
parse_relay(const struct conf_row *row UNUSED, struct slice text, void *at,
    struct buf *why)
{
	if (text.n > 0 && !is_relay(text))
		return refuse(why, text,
		    "is not a host such as [smtp.example.com]:587");
	return keep(at, text);
}

static int
parse_delimiter(const struct conf_row *row UNUSED, struct slice text, void *at,
    struct buf *why)
{
	if (text.n == 0 || slice_eq(text, S("none")))
		return keep(at, S(""));
	if (text.n != 1 || ascii_is_alnum(text.p[0]) ||
	    strchr("@. /|\\\"<>,", text.p[0]) != NULL)
		return refuse(why, text, "is not one character such as + or -");
	return keep(at, text);
}

static int (*const parsers[])(const struct conf_row *row, struct slice text,
    void *at, struct buf *why) = {
	[CONF_BOOL] = parse_bool,
	[CONF_NUM] = parse_num,
	[CONF_SIZE] = parse_size,
	[CONF_TIME] = parse_time,
	[CONF_WORD] = parse_word,
	[CONF_TEXT] = parse_text,
	[CONF_SECRET] = parse_text,
	[CONF_HOST] = parse_host,
	[CONF_FQDN] = parse_fqdn,
	[CONF_ADDRESS] = parse_address,
	[CONF_PATH] = parse_path,
	[CONF_ADDRESSES] = parse_addresses,
	[CONF_NETWORKS] = parse_networks,
	[CONF_DOMAINS] = parse_domains,
	[CONF_DNS] = parse_dns,
	[CONF_RELAY] = parse_relay,
	[CONF_DELIMITER] = parse_delimiter,
};

int
conf_value_parse(const struct conf_row *row, struct slice text, void *at,
    struct buf *why)
{
	return parsers[row->type](row, text, at, why);
}

struct slice
conf_fold(struct slice address, char key[static LIMIT_ADDRESS])
{
	if (address.n > LIMIT_ADDRESS)
		return S("");
	for (size_t i = 0; i < address.n; i++)
		key[i] = ascii_lower(address.p[i]);
	return slice_of(key, address.n);
}

unsigned
conf_distance(struct slice a, struct slice b, unsigned limit)
{
	unsigned row[65];
	size_t longer = a.n > b.n ? a.n : b.n;
	size_t shorter = a.n > b.n ? b.n : a.n;

	if (longer >= LEN(row) || longer - shorter > limit)
		return limit + 1;
	for (size_t j = 0; j <= b.n; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= a.n; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b.n; j++) {
			bool same = ascii_lower(a.p[i - 1]) ==
			    ascii_lower(b.p[j - 1]);
			unsigned best = diagonal + !same;

			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[b.n] <= limit ? row[b.n] : limit + 1;
}
