#include "dns/question.h"

#include "core/num.h"

#define LABEL_MAX 63
#define LOCAL_TTL 10800

int
question_set(struct question *q, struct slice name, uint32_t type,
    const char **why)
{
	size_t label = 0, n = 0;

	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	if (name.n == 0)
		return fail(why, "empty name");
	if (name.n > QUESTION_NAME)
		return fail(why, "name too long");
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (c == '.') {
			if (label == 0)
				return fail(why, "empty label");
			label = 0;
		} else {
			if (c < ' ' || c > '~' || c == '\\')
				return fail(why, "character not allowed");
			if (++label > LABEL_MAX)
				return fail(why, "label too long");
		}
		/* SPF makes names with blanks (RFC 7208 7.1, "%_"); in text a
		 * blank is written by its number (RFC 1035 5.1). */
		if (n + (c == ' ' ? 4 : 1) > QUESTION_NAME)
			return fail(why, "name too long");
		if (c == ' ') {
			memcpy(q->name + n, "\\032", 4);
			n += 4;
		} else {
			q->name[n++] = ascii_lower(c);
		}
	}
	if (label == 0)
		return fail(why, "empty label");
	q->name[n] = '\0';
	q->n = n;
	q->type = type;
	return 0;
}

/* True for domain itself and every name below it. */
static bool
within(const struct question *q, struct slice domain)
{
	struct slice name = slice_of(q->name, q->n);

	return slice_ends(name, domain) && (name.n == domain.n ||
	    name.p[name.n - domain.n - 1] == '.');
}

bool
question_local(const struct question *q, struct wire_dns_answer *a)
{
	static const char v6[16] = { [15] = 1 };

	*a = (struct wire_dns_answer){ .ttl = LOCAL_TTL };
	if (within(q, S("invalid")) || within(q, S("onion"))) {
		a->status = WIRE_DNS_NXDOMAIN;
		return true;
	}
	if (!within(q, S("localhost")))
		return false;
	a->canonical = slice_of(q->name, q->n);
	a->status = WIRE_DNS_OK;
	a->count = 1;
	if (q->type == DNS_A) {
		a->rdata[0] = S("\x7f\0\0\x01");
	} else if (q->type == DNS_AAAA) {
		a->rdata[0] = slice_of(v6, sizeof(v6));
	} else {
		a->status = WIRE_DNS_NODATA;
		a->count = 0;
	}
	return true;
}

struct slice
question_key(const struct question *q, char key[QUESTION_NAME + 5])
{
	num_be32_put((unsigned char *)key, q->type);
	memcpy(key + 4, q->name, q->n);
	return slice_of(key, q->n + 4);
}
