#include "services/dkim/note.h"

#include "io/sockaddr.h"
#include "wire/reports.h"

static struct slice
domain_of(struct slice address)
{
	ssize_t at = slice_rfind(address, '@');

	return at == -1 ? S("") : slice_from(address, (size_t)at + 1);
}

static bool
vouched(const struct dmarc *d, enum dmarc_method method)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->list[i].method == method && d->list[i].aligned &&
		    strcmp(d->list[i].result, "pass") == 0)
			return true;
	return false;
}

/* What became of it, and why that is not what the owner asks for (appendix
 * C, PolicyOverrideType). */
static void
describe_end(const struct note_message *m, struct wire_reports_note *n)
{
	const struct policy *p = m->policy;
	enum dmarc_policy wanted = m->dmarc->disposition;
	const char *done = m->answer->code != 0 ? "reject" :
	    p->junk ? "quarantine" : "none";

	n->disposition = slice_str(done);
	if (m->answer->code != p->answer.code) {
		n->reason = S("local_policy");
		n->comment = S("refused because SPF fails");
	} else if (wanted > DMARC_NONE && (p->excused == POLICY_BY_SEALER ||
	    p->excused == POLICY_BY_NETWORK)) {
		n->reason = S("trusted_forwarder");
		n->comment = p->excuse;
	} else if (wanted > DMARC_NONE &&
	    strcmp(done, dmarc_policy_name(wanted)) != 0) {
		n->reason = S("local_policy");
		n->comment = S("policies are not enforced here");
	} else if (m->dmarc->sampled_out) {
		n->reason = S("sampled_out");
		n->comment = m->dmarc->found->record.testing ?
		    S("the policy is being tested (t=y)") : S("");
	}
}

static void
describe_spf(const struct note_message *m, struct wire_reports_note *n)
{
	const struct spf_work *w = m->spf;

	/* "There will always be at least one SPF result": where SPF was not
	 * asked, nothing was found. */
	n->spf_domain = n->envelope.n > 0 ? n->envelope : w->check.helo;
	n->spf_scope = n->envelope.n > 0 ? S("mfrom") : S("helo");
	n->spf_result = S("none");
	if (w->n > 0) {
		n->spf_domain = w->parts[0].spf.domain;
		n->spf_result = slice_str(spf_result_name(
		    w->parts[0].spf.result));
	}
}

static void
describe_dkim(const struct note_message *m, struct wire_reports_note *n)
{
	const struct dkim_verify *v = m->verify;

	for (size_t i = 0; i < v->n && n->n < LEN(n->signatures); i++, n->n++) {
		n->signatures[n->n].domain = v->list[i].sig.d;
		n->signatures[n->n].selector = v->list[i].sig.s;
		n->signatures[n->n].result =
		    slice_str(dkim_result_name(v->list[i].result));
	}
}

/* Messages of this host say nothing about the owner's mail; one that may come
 * again is counted then. */
static bool
counts(const struct note_message *m)
{
	return m->verify->error == 0 && m->verify->author.why == NULL &&
	    m->dmarc->found != NULL && m->dmarc->found->record.rua.n > 0 &&
	    m->policy->excused != POLICY_BY_HOST &&
	    (m->answer->code == 0 || m->answer->code >= 500);
}

void
note_message(struct dkim *d, const struct note_message *m)
{
	struct wire_reports_note n = { 0 };
	union sockaddr_any client;
	char ip[SOCKADDR_TEXT];
	struct buf b = WIRE_BUF;

	if (d->reports == NULL || !counts(m) ||
	    sockaddr_parse(&client, m->policy->client, 0) == -1)
		return;
	sockaddr_ip(&client, ip);
	n.domain = m->dmarc->found->name;
	n.record = m->dmarc->found->text;
	n.source = slice_str(ip);
	n.author = m->dmarc->author;
	n.envelope = domain_of(m->spf->check.sender);
	n.dkim = vouched(m->dmarc, DMARC_DKIM);
	n.spf = vouched(m->dmarc, DMARC_SPF);
	describe_end(m, &n);
	describe_spf(m, &n);
	describe_dkim(m, &n);
	wire_reports_note_put(&b, &n);
	peer_post(d->reports, WIRE_REPORTS_NOTE, buf_slice(&b), -1);
	buf_release(&b);
}
