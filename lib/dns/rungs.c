#include "dns/rungs.h"

#include <net/if.h>

#include <arpa/inet.h>

#include "core/file.h"

#define SYSTEM_SERVERS 3

/* The name of an interface, or its number. */
static bool
is_scope(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') &&
		    c != '-' && c != '_' && c != '.')
			return false;
	}
	return s.n > 0 && s.n < IF_NAMESIZE;
}

static bool
is_address(struct slice s)
{
	unsigned char bytes[16];
	ssize_t scope = slice_find(s, '%');
	char text[INET6_ADDRSTRLEN];

	if (scope >= 0 && !is_scope(slice_from(s, (size_t)scope + 1)))
		return false;
	if (scope >= 0)
		s = slice_head(s, (size_t)scope);
	if (s.n >= sizeof(text) || slice_find(s, '\0') >= 0)
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return inet_pton(AF_INET, text, bytes) == 1 ||
	    inet_pton(AF_INET6, text, bytes) == 1;
}

void
rungs_resolv_conf(struct slice text, struct buf *list)
{
	struct slice line, word;
	unsigned n = 0;

	while (n < SYSTEM_SERVERS && slice_line(&text, &line))
		if (slice_word(&line, &word) &&
		    slice_eq(word, S("nameserver")) &&
		    slice_word(&line, &word) && is_address(word)) {
			if (n++ > 0)
				buf_addc(list, ',');
			buf_add_slice(list, word);
		}
}

static char *
system_servers(void)
{
	struct buf text = BUF_INIT(65536), list = BUF_INIT(1024);
	char *servers = NULL;

	if (file_read("/etc/resolv.conf", &text) == 0)
		rungs_resolv_conf(buf_slice(&text), &list);
	if (list.n > 0 && buf_ok(&list))
		servers = buf_take(&list);
	buf_release(&list);
	buf_release(&text);
	return servers;
}

static void
add(struct rungs *r, const char *dns, bool validate, bool system)
{
	r->list[r->n++] = (struct rung){ dns, validate, system };
}

int
rungs_init(struct rungs *r, const char *dns, bool validate, bool strict,
    const char **why)
{
	bool recurse = strcmp(dns, "recurse") == 0;
	bool system = strcmp(dns, "system") == 0;

	*r = (struct rungs){ 0 };
	if (recurse || system)
		r->system = system_servers();
	if (system && r->system == NULL)
		return fail(why, "/etc/resolv.conf names no server");
	add(r, system ? r->system : dns, validate, system);
	if (recurse && r->system != NULL)
		add(r, r->system, validate, true);
	if (validate && !strict && (!recurse || r->system != NULL))
		add(r, recurse || system ? r->system : dns, false,
		    recurse || system);
	/* A server that was named may know nothing but what it is asked for. */
	r->fallback = recurse ? 0 : r->n - 1;
	return 0;
}

void
rungs_release(struct rungs *r)
{
	mem_free(r->system);
	*r = (struct rungs){ 0 };
}

bool
rung_holds(const struct rung *r, const struct wire_dns_answer *a)
{
	if (r->validate)
		return a->status == WIRE_DNS_OK && a->secure;
	return a->status == WIRE_DNS_OK || a->status == WIRE_DNS_NODATA ||
	    a->status == WIRE_DNS_NXDOMAIN;
}
