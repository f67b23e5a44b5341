/*
 * A DNS in a string, for tests of SPF. A line is "NAME TYPE DATA" with TYPE A,
 * AAAA, MX (the host alone), PTR or TXT ("|" between the strings of a record,
 * "\xHH" for a byte); "NAME TYPE SERVFAIL" fails, "NAME EMPTY" only exists.
 */
#ifndef TESTS_UNIT_SPF_ZONE_H
#define TESTS_UNIT_SPF_ZONE_H

#include <arpa/inet.h>

#include "msgauth/spf.h"

struct spf_zone {
	const char *text;
	struct arena arena;
	unsigned asked;
};

static inline uint32_t
zone_type(struct slice word)
{
	static const struct { struct slice name; uint32_t type; } types[] = {
		{ S("A"), DNS_A }, { S("AAAA"), DNS_AAAA }, { S("MX"), DNS_MX },
		{ S("PTR"), DNS_PTR }, { S("TXT"), DNS_TXT },
	};

	for (size_t i = 0; i < LEN(types); i++)
		if (slice_eq(word, types[i].name))
			return types[i].type;
	return 0;
}

static inline void
zone_put_name(struct buf *b, struct slice name)
{
	struct slice label;

	while (slice_split(&name, '.', &label)) {
		buf_addc(b, (char)label.n);
		buf_add_slice(b, label);
	}
	buf_addc(b, '\0');
}

static inline void
zone_put_text(struct buf *b, struct slice text)
{
	struct slice string;

	while (slice_split(&text, '|', &string)) {
		struct buf bytes = BUF_INIT(1 << 17);
		size_t at = 0;

		for (size_t i = 0; i < string.n; i++) {
			bool escape = string.p[i] == '\\' && i + 3 < string.n &&
			    string.p[i + 1] == 'x';

			buf_addc(&bytes, !escape ? string.p[i] :
			    (char)(ascii_hex(string.p[i + 2]) * 16 +
			    ascii_hex(string.p[i + 3])));
			i += escape ? 3 : 0;
		}
		do {
			size_t n = bytes.n - at > 255 ? 255 : bytes.n - at;

			buf_addc(b, (char)n);
			buf_add(b, bytes.p + at, n);
			at += n;
		} while (at < bytes.n);
		buf_release(&bytes);
	}
}

static inline struct slice
zone_rdata(struct spf_zone *z, uint32_t type, struct slice data)
{
	struct buf b = BUF_INIT(1 << 17);
	char text[64] = "", raw[16];
	struct slice out;

	memcpy(text, data.p, data.n < sizeof(text) ? data.n : 0);
	if (type == DNS_MX)
		buf_add(&b, "\0\12", 2);
	if (type == DNS_TXT)
		zone_put_text(&b, data);
	else if (type == DNS_MX || type == DNS_PTR)
		zone_put_name(&b, data);
	else if (inet_pton(type == DNS_A ? AF_INET : AF_INET6, text, raw) == 1)
		buf_add(&b, raw, type == DNS_A ? 4 : 16);
	out = arena_slice(&z->arena, buf_slice(&b));
	buf_release(&b);
	return out;
}

static inline void
zone_answer(struct spf_zone *z, const struct dns_question *q,
    struct wire_dns_answer *a)
{
	struct slice text = slice_str(z->text), line, name, word;

	*a = (struct wire_dns_answer){ .status = WIRE_DNS_NXDOMAIN };
	z->asked++;
	while (slice_line(&text, &line)) {
		if (!slice_word(&line, &name) || !slice_ieq(name, q->name) ||
		    !slice_word(&line, &word))
			continue;
		if (a->status == WIRE_DNS_NXDOMAIN)
			a->status = WIRE_DNS_NODATA;
		if (zone_type(word) != q->type)
			continue;
		if (line.n > 0)
			line = slice_from(line, 1);
		if (slice_eq(line, S("SERVFAIL"))) {
			a->status = WIRE_DNS_SERVFAIL;
			return;
		}
		a->status = WIRE_DNS_OK;
		if (a->count < LIMIT_DNS_ANSWERS)
			a->rdata[a->count++] = zone_rdata(z, q->type, line);
	}
}

/* Runs a check to its end. */
static inline void
zone_run(const char *zone, struct spf *s, const struct spf_check *c,
    enum spf_identity identity)
{
	struct spf_zone z = { .text = zone };
	struct dns_question q;

	spf_init(s, c, identity);
	while (spf_step(s, &q) == MSGAUTH_ASK) {
		struct wire_dns_answer a;

		if (z.asked > 400)
			panic("the check does not end");
		zone_answer(&z, &q, &a);
		spf_answer(s, &a);
		arena_clear(&z.arena);
	}
	arena_release(&z.arena);
}

#endif
