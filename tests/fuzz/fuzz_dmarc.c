/*
 * What strangers say about policies: the first byte chooses a DMARC record, a
 * From field, Authentication-Results of others, a whole evaluation whose
 * answers are lines of the input, or the author of a header.
 */
#include "mail/addr.h"
#include "mail/authres_read.h"
#include "msgauth/author.h"
#include "msgauth/dmarc.h"
#include "msgauth/orgdomain.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
record(struct slice text)
{
	struct dmarc_record r;
	struct slice address;
	uint64_t most;

	if (dmarc_record_parse(&r, text, NULL) == -1)
		return;
	if (r.p == DMARC_UNSET || r.pct > 100)
		abort();
	while (dmarc_record_mailto(&r.rua, &address, &most))
		if (address.n == 0)
			abort();
	while (dmarc_record_mailto(&r.ruf, &address, &most))
		;
	if (r.mended != NULL && (r.p != DMARC_NONE || r.sp != DMARC_NONE))
		abort();
}

static void
author(struct slice text)
{
	struct arena arena = ARENA_INIT;
	struct author a;

	author_parse(&a, text, &arena);
	/* What is asked in the DNS and told in reports. */
	if (a.why == NULL && !addr_domain_valid(a.domain, 0))
		abort();
	if (!slice_ends(a.domain, orgdomain(a.domain)))
		abort();
	arena_release(&arena);
}

/* Who wrote it, of a whole header. */
static void
header(struct slice text)
{
	struct arena arena = ARENA_INIT;
	struct fields f;
	struct author a;
	size_t n = 0;

	fields_init(&f, text);
	author_find(&a, &f, NULL, &arena);
	for (size_t i = 0; i < f.n; i++)
		n += header_is(&f.list[i], S("From"));
	if (a.why == NULL && (n != 1 || a.domain.n == 0))
		abort();
	fields_release(&f);
	arena_release(&arena);
}

static void
results(struct slice text)
{
	struct authres_reader r;
	struct authres_read a;
	size_t count = 0;

	if (authres_read_begin(&r, text) == -1)
		return;
	while (authres_read_next(&r, &a))
		if (++count > text.n)
			abort();
}

/* One line: SERVFAIL, NXDOMAIN, nothing, or a TXT record. */
static void
answer(struct dmarc *d, struct slice line)
{
	struct wire_dns_answer a = { .status = WIRE_DNS_NODATA };
	struct buf rdata = BUF_INIT(300);

	line = slice_head(line, 255);
	if (slice_eq(line, S("S")))
		a.status = WIRE_DNS_SERVFAIL;
	else if (slice_eq(line, S("N")))
		a.status = WIRE_DNS_NXDOMAIN;
	else if (line.n > 0)
		a.status = WIRE_DNS_OK;
	buf_addc(&rdata, (char)line.n);
	buf_add_slice(&rdata, line);
	a.rdata[0] = buf_slice(&rdata);
	a.count = a.status == WIRE_DNS_OK;
	dmarc_answer(d, &a);
	buf_release(&rdata);
}

/* What holds whatever was answered. */
static void
check(const struct dmarc *d)
{
	bool vouched = false;

	for (size_t i = 0; i < d->n; i++)
		vouched |= d->list[i].aligned &&
		    strcmp(d->list[i].result, "pass") == 0;
	if (d->result == DMARC_PASS && (!vouched || d->found == NULL))
		abort();
	if (d->result == DMARC_FAIL && (vouched || d->found == NULL))
		abort();
	if (d->result != DMARC_FAIL && d->disposition > DMARC_NONE)
		abort();
	if (d->disposition > d->policy && d->disposition > DMARC_NONE)
		abort();
	if (d->why.n == 0)
		abort();
}

/* The first line is the author's domain, the second who vouches. */
static void
evaluate(struct slice text)
{
	struct arena arena = ARENA_INIT;
	struct slice line = S(""), name;
	struct author a;
	struct dmarc d;
	struct dns_question q;
	size_t asked = 0;

	slice_line(&text, &line);
	author_parse(&a, line, &arena);
	if (a.why == NULL) {
		dmarc_init(&d, a.domain);
		slice_line(&text, &line);
		while (slice_split(&line, ',', &name))
			dmarc_vouch(&d, d.n % 3 == 0 ? DMARC_SPF : DMARC_DKIM,
			    d.n % 5 == 4 ? "temperror" : "pass", name);
		while (dmarc_step(&d, &q) == MSGAUTH_ASK) {
			if (++asked > LIMIT_DMARC_LOOKUPS || q.name.n == 0)
				abort();
			line = S("");
			slice_line(&text, &line);
			answer(&d, line);
		}
		dmarc_dispose(&d, 50);
		check(&d);
		dmarc_release(&d);
	}
	arena_release(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice text;

	if (n == 0 || n > 65536)
		return 0;
	text = slice_of(p + 1, n - 1);
	switch (p[0] % 5) {
	case 0:
		record(text);
		break;
	case 1:
		author(text);
		break;
	case 2:
		results(text);
		break;
	case 3:
		evaluate(text);
		break;
	case 4:
		header(text);
		break;
	}
	return 0;
}
