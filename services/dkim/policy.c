/* Policies. See policy.h. */
#include "services/dkim/policy.h"

#include "core/log.h"
#include "io/sockaddr.h"

/* A reply is one line of RFC 5321 4.5.3.1.5's 512 octets. */
#define REPLY_MAX 400
#define WHY_MAX 200

static void
refuse(struct policy *p, unsigned code, const char *enhanced,
    const struct buf *text)
{
	p->answer.code = code;
	p->answer.enhanced = enhanced;
	p->answer.text = arena_slice(p->arena, slice_head(buf_slice(text),
	    REPLY_MAX));
}

static void
decide_without_author(struct policy *p, const struct author *a)
{
	struct buf text = BUF_INIT(1024);

	p->reason = slice_str(a->why);
	if (!p->enforced || p->excuse.n > 0 ||
	    p->invalid_from == CONF_INVALID_FROM_ACCEPT)
		return;
	if (p->invalid_from == CONF_INVALID_FROM_QUARANTINE) {
		p->junk = true;
		return;
	}
	buf_addf(&text, "Message refused: %s; it needs one From field with the "
	    "address of its author", a->why);
	refuse(p, 550, "5.7.1", &text);
	buf_release(&text);
}

/* Is there a reason not to hold the message to policies? */
static struct slice
find_excuse(struct policy *p, const struct dkim_verify *v)
{
	union sockaddr_any client;
	char ip[SOCKADDR_TEXT];
	unsigned i;

	if (sockaddr_parse(&client, p->client, 0) == 0) {
		/* "localhost" of OpenDMARC's IgnoreHosts (dms-compat 6.9). */
		sockaddr_ip(&client, ip);
		if (strcmp(ip, "127.0.0.1") == 0 || strcmp(ip, "::1") == 0) {
			p->excused = POLICY_BY_HOST;
			return S("accepted because it comes from this host");
		}
		if (sockaddr_in_networks(&client, p->networks)) {
			p->excused = POLICY_BY_NETWORK;
			return slice_str(arena_printf(p->arena,
			    "accepted from trusted forwarder %s", ip));
		}
	}
	i = v->author.why != NULL ? 0 : arc_vouches(&v->arc, v->author.domain,
	    p->sealers, p->sealer_count);
	if (i == 0)
		return S("");
	p->excused = POLICY_BY_SEALER;
	return slice_str(arena_printf(p->arena, "accepted because trusted "
	    "sealer %.*s saw it pass (ARC i=%u)",
	    SLICE_ARG(v->arc.sets[i - 1].seal.sig.d), i));
}

/* What failed, and what the postmaster over there can do. */
static void
refuse_by_policy(struct policy *p, const struct dmarc *d)
{
	struct buf text = BUF_INIT(4096);

	buf_addf(&text, "rejected by DMARC policy for %.*s: %.*s. To the "
	    "postmaster of %.*s: sign with DKIM d=%.*s, or list %.*s in SPF",
	    SLICE_ARG(d->author), SLICE_ARG(slice_head(d->why, WHY_MAX)),
	    SLICE_ARG(d->author), SLICE_ARG(d->author),
	    SLICE_ARG(p->client));
	refuse(p, 550, "5.7.1", &text);
	buf_release(&text);
}

static void
decide_by_policy(struct policy *p, const struct dmarc *d)
{
	bool later = dmarc_puts_off(d);
	struct buf text = BUF_INIT(4096);

	p->reason = d->result == DMARC_FAIL || d->result == DMARC_TEMPERROR ||
	    d->result == DMARC_PERMERROR ? d->why : S("");
	if (d->disposition <= DMARC_NONE && !later)
		return;
	if (p->excuse.n > 0)
		p->reason = p->excuse;
	if (p->excuse.n > 0 || !p->enforced)
		return;
	if (later) {
		buf_addf(&text, "DMARC policy of %.*s cannot be checked now: "
		    "%.*s", SLICE_ARG(d->author),
		    SLICE_ARG(slice_head(d->why, WHY_MAX)));
		refuse(p, 451, "4.7.1", &text);
	} else if (d->disposition == DMARC_REJECT) {
		refuse_by_policy(p, d);
	} else {
		p->junk = true;
	}
	buf_release(&text);
}

static const char *
action(const struct policy *p)
{
	return p->answer.code != 0 ? "reject" : p->junk ? "quarantine" : "none";
}

static void
log_policy(const struct policy *p, const struct dkim_verify *v,
    const struct dmarc *d)
{
	struct log_line l;

	log_begin(&l, LOG_INFO, "dmarc");
	log_slice(&l, "from", v->author.domain);
	log_str(&l, "result", v->author.why != NULL ? "permerror" :
	    dmarc_result_name(d->result));
	if (v->author.why == NULL && d->found != NULL)
		log_str(&l, "policy", dmarc_policy_name(d->policy));
	log_str(&l, "action", action(p));
	log_slice(&l, "client", p->client);
	log_slice(&l, "reason", p->reason);
	log_end(&l);
}

void
policy_decide(struct policy *p, const struct dkim_verify *v,
    const struct dmarc *d)
{
	p->answer = (struct answer){ 0, "", S("") };
	p->junk = false;
	p->reason = S("");
	p->excused = POLICY_NOT_EXCUSED;
	p->excuse = find_excuse(p, v);
	if (v->author.why != NULL)
		decide_without_author(p, &v->author);
	else
		decide_by_policy(p, d);
	if (p->reason.n > 0)
		log_policy(p, v, d);
}

static void
report_dmarc(const struct policy *p, const struct dkim_verify *v,
    const struct dmarc *d, struct authres_result *r)
{
	*r = (struct authres_result){
		.method = "dmarc",
		.result = v->author.why != NULL ? "permerror" :
		    dmarc_result_name(d->result),
		.reason = p->reason,
		.properties = {
			{ "header", "from", v->author.domain },
		},
	};
	if (v->author.why != NULL || d->found == NULL ||
	    d->policy == DMARC_UNSET)
		return;
	/* As OpenDMARC writes it (dms-compat 6.9). */
	r->comment = slice_str(arena_printf(p->arena, "p=%s dis=%s",
	    dmarc_policy_name(d->policy), action(p)));
	r->properties[1] = (struct authres_property){ "policy", "dmarc",
		slice_str(dmarc_policy_name(d->policy)) };
}

size_t
policy_report(const struct policy *p, const struct dkim_verify *v,
    const struct dmarc *d, struct authres_result results[2])
{
	const struct arc *c = &v->arc;
	size_t n = 0;

	if (c->result != ARC_NONE)
		results[n++] = (struct authres_result){
			.method = "arc",
			.result = arc_result_name(c->result),
			.reason = slice_str(c->why),
			/* RFC 8617 section 6 */
			.properties = {
				{ "smtp", "remote-ip", p->client },
				{ "header", "oldest-pass",
				    c->result != ARC_PASS ? S("") :
				    slice_str(arena_printf(p->arena, "%u",
				    c->oldest_pass)) },
			},
		};
	report_dmarc(p, v, d, &results[n++]);
	return n;
}
