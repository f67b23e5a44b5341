/*
 * What strangers say about policies: the first byte chooses a DMARC record, a
 * From field, Authentication-Results of others, or a whole evaluation whose
 * answers are lines of the input.
 */
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
}

static void
author(struct slice text)
{
	struct arena arena = ARENA_INIT;
	struct author a;

	author_parse(&a, text, &arena);
	if (a.why == NULL && a.domain.n == 0)
		abort();
	orgdomain(a.domain);
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
			dmarc_vouch(&d, DMARC_DKIM, "pass", name);
		while (dmarc_step(&d, &q) == MSGAUTH_ASK) {
			if (++asked > LIMIT_DMARC_LOOKUPS || q.name.n == 0)
				abort();
			line = S("");
			slice_line(&text, &line);
			answer(&d, line);
		}
		dmarc_dispose(&d, 50);
		if (d.result == DMARC_FAIL && d.found == NULL)
			abort();
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
	switch (p[0] % 4) {
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
	}
	return 0;
}
