/* SPF: what was looked up, readable. See spf_internal.h. */
#include <arpa/inet.h>

#include "msgauth/spf_internal.h"

#define TEXT_MAX 512

static void
put_address(struct slice rdata, struct buf *out)
{
	char s[INET6_ADDRSTRLEN] = "?";

	if (rdata.n == 4)
		inet_ntop(AF_INET, rdata.p, s, sizeof(s));
	else if (rdata.n == 16)
		inet_ntop(AF_INET6, rdata.p, s, sizeof(s));
	buf_adds(out, s);
}

static void
put_name(struct slice rdata, bool mx, struct buf *out)
{
	struct buf name = BUF_INIT(LIMIT_DOMAIN);
	uint16_t preference;
	int r = mx ? wire_dns_mx(rdata, &preference, &name) :
	    wire_dns_name(rdata, &name);

	buf_adds(out, r == 0 && name.n > 0 ? buf_str(&name) : ".");
	buf_release(&name);
}

static void
put_text(struct slice rdata, struct buf *out)
{
	struct buf text = BUF_INIT(LIMIT_FRAME);

	buf_addc(out, '"');
	if (wire_dns_txt(rdata, &text) == 0)
		for (size_t i = 0; i < text.n; i++)
			buf_addc(out, text.p[i] < ' ' || text.p[i] > '~' ?
			    '?' : text.p[i]);
	buf_addc(out, '"');
	buf_release(&text);
}

static void
put_rdata(uint32_t type, struct slice rdata, struct buf *out)
{
	switch (type) {
	case DNS_TXT:
		put_text(rdata, out);
		break;
	case DNS_MX:
	case DNS_PTR:
		put_name(rdata, type == DNS_MX, out);
		break;
	default:
		put_address(rdata, out);
		break;
	}
}

/* At most TEXT_MAX octets of all records. */
static struct slice
readable(struct spf *s, const struct wire_dns_answer *a)
{
	struct buf all = BUF_INIT(LIMIT_FRAME);
	struct slice text = S("");

	for (uint32_t i = 0; i < a->count && all.n < TEXT_MAX; i++) {
		if (i > 0)
			buf_adds(&all, ", ");
		put_rdata(s->type, a->rdata[i], &all);
	}
	if (all.n > TEXT_MAX)
		text = slice_str(arena_printf(&s->arena, "%.*s...", TEXT_MAX,
		    all.p));
	else if (all.n > 0)
		text = arena_slice(&s->arena, buf_slice(&all));
	buf_release(&all);
	return text;
}

void
spf_tell(struct spf *s, const struct wire_dns_answer *a)
{
	const struct spf_frame *f = spf_top(s);
	struct slice term = f->fetched ? f->term.text : f->from;

	if (s->phase != SPF_EVALUATES)
		term = f->record.exp;
	s->lookups = mem_grow(s->lookups, s->asked + 1, sizeof(*s->lookups));
	s->lookups[s->asked] = (struct spf_lookup){
		.name = arena_slice(&s->arena, buf_slice(&s->name)),
		.type = s->type,
		.status = a->status,
		.term = term,
		.domain = f->fetched ? f->domain : f->from_domain,
		.text = readable(s, a),
	};
}
