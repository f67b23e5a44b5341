#include "setup/commands.h"

#include "conf/conf_load.h"
#include "core/now.h"
#include "mail/authres.h"
#include "setup/judge.h"
#include "setup/signer.h"

#define FIELD_MAX 16384
#define RESULTS_MAX 32768

struct request {
	struct signer signer;
	struct arc_seal seal;
	const char *cv, *id, *dns;
	struct buf results; /* value of the new ARC-Authentication-Results */
};

/* What validating the chain says: --cv, or asking the DNS. */
static int
find_chain(const struct setup *s, struct request *q)
{
	struct judge j = { .file = q->signer.file, .dns = q->dns };
	int r;

	for (unsigned i = 0; q->cv != NULL && i < ARC_RESULTS; i++)
		if (strcmp(q->cv, arc_result_name(i)) == 0) {
			q->seal.chain = i;
			return 0;
		}
	if (q->cv != NULL)
		return explain_misuse(s, "--cv is none, pass or fail");
	r = judge_open(s, &j);
	if (r == 0) {
		judge_chain(&j);
		q->seal.chain = j.v.arc.result;
	}
	judge_release(&j);
	return r;
}

/* RFC 8617 4.1.1: all results of that id in one field; folding is kept. */
static void
collect_results(struct request *q, struct slice header)
{
	struct slice id = slice_str(q->id);
	struct header_iter it = header_begin(header);
	struct header_field f;
	bool any = false;

	buf_add_slice(&q->results, id);
	while (header_next(&it, &f)) {
		ssize_t semicolon = slice_find(f.value, ';');

		if (!header_is(&f, S("Authentication-Results")) ||
		    !authres_is_ours(f.value, id) || semicolon < 0)
			continue;
		any = true;
		buf_adds(&q->results, "; ");
		buf_add_slice(&q->results, slice_trim(slice_from(f.value,
		    (size_t)semicolon + 1)));
	}
	if (!any)
		buf_adds(&q->results, "; none");
}

static int
find_results(struct request *q)
{
	struct buf text = BUF_INIT(2 * LIMIT_HEADER_BYTES);
	struct reader m;
	size_t body_at;
	bool too_long;
	int r;

	reader_init(&m, q->signer.sign.fd, q->signer.sign.size, NULL);
	r = reader_header(&m, &text, &body_at, &too_long);
	if (r == 0)
		collect_results(q, slice_head(buf_slice(&text), body_at));
	buf_release(&text);
	return r == 0 && buf_ok(&q->results) ?
	    arc_seal_results(&q->seal, buf_slice(&q->results)) : -1;
}

/* The set, newest field on top: seal, message signature, results. */
static int
print_set(const struct setup *s, struct request *q)
{
	struct signer *g = &q->signer;
	struct slice domain = slice_str(g->domain);
	struct slice selector = slice_str(g->selector);
	struct buf message = BUF_INIT(FIELD_MAX), seal = BUF_INIT(FIELD_MAX);
	unsigned char digest[WIRE_KEYS_DIGEST];
	int64_t now = now_wall();
	int r = 0;

	if (find_results(q) == -1 ||
	    dkim_sign_begin(&g->sign, domain, selector, g->alg, now, &message,
	    digest) == -1 || signer_end(g, digest, &message) == -1 ||
	    arc_seal_begin(&q->seal, buf_slice(&message), domain, selector,
	    g->alg, now, &seal, digest) == -1 ||
	    signer_end(g, digest, &seal) == -1)
		r = say_abort(s, "The key does not sign");
	if (r == 0) {
		fwrite(seal.p, 1, seal.n, stdout);
		fwrite(message.p, 1, message.n, stdout);
		fwrite(q->seal.results.p, 1, q->seal.results.n, stdout);
	}
	buf_release(&message);
	buf_release(&seal);
	return r;
}

int
cmd_arc_seal(struct setup *s, int argc, char **argv)
{
	struct request q = { .results = BUF_INIT(RESULTS_MAX) };
	const struct explain_option options[] = {
		SIGNER_OPTIONS(&q.signer),
		{ "cv", &q.cv, NULL },
		{ "authserv-id", &q.id, NULL },
		{ "dns", &q.dns, NULL },
	};
	int r = explain_options(s, argc, argv, options, LEN(options),
	    &q.signer.file, 1);

	if (r == -1)
		return EXPLAIN_MISUSE;
	if (r == 0)
		return explain_misuse(s, "which file?");
	if (strcmp(q.signer.file, "-") == 0 && q.cv == NULL)
		return explain_misuse(s, "from stdin only with --cv");
	arc_seal_init(&q.seal);
	r = find_chain(s, &q);
	q.signer.sign.seal = &q.seal;
	if (r == 0) {
		r = signer_open(s, &q.signer);
		if (q.id == NULL && conf_load_host(&s->conf, &s->problems) ==
		    0)
			q.id = s->conf.hostname;
		if (q.id == NULL)
			q.id = q.signer.domain;
		if (r == 0 && q.seal.instance == 0)
			r = say_abort(s, "This chain cannot be sealed further: "
			    "it ended with cv=fail, has 50 sets, or is not "
			    "what --cv says");
		if (r == 0)
			r = print_set(s, &q);
		signer_release(&q.signer);
	}
	arc_seal_release(&q.seal);
	buf_release(&q.results);
	return r;
}
