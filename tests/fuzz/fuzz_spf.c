/* SPF, as strangers publish it: the first byte chooses a record, a macro, or a
 * whole check whose DNS answers are the lines of the input. */
#include "msgauth/spf_report.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
record(struct slice text)
{
	struct spf_record r;
	struct spf_term t;
	struct slice bad;
	const char *why = NULL;
	size_t count = 0;

	if (!spf_record_is(text))
		return;
	if (spf_record_parse(&r, text, &bad, &why) == -1) {
		if (why == NULL)
			abort();
		return;
	}
	while (spf_record_next(&r, &t))
		if (++count > text.n)
			abort();
}

static void
macro(struct slice text)
{
	const struct spf_macros m = {
		.sender = S("strong-bad@email.example.com"),
		.local = S("strong-bad"), .origin = S("email.example.com"),
		.domain = S("email.example.com"), .ip = S("192.0.2.3"),
		.name = S("mx.example.org"), .family = S("in-addr"),
		.helo = S("mx.example.org"), .readable = S("192.0.2.3"),
		.receiver = S("mx.test"), .now = 1700000000,
	};
	struct buf out = BUF_INIT(1024), name = BUF_INIT(LIMIT_FRAME);

	if (spf_macro_check(text, true, true, NULL) == 0)
		spf_macro_expand(text, &m, &out);
	if (spf_macro_check_domain(text, NULL) == 0) {
		if (spf_macro_check(text, false, false, NULL) == -1)
			abort();
		if (spf_macro_name(text, &m, &name, NULL) == 0 &&
		    (name.n > 253 || !spf_name_valid(buf_slice(&name))))
			abort();
	}
	buf_release(&out);
	buf_release(&name);
}

/* A line of the input as the one record of the answer; "!" fails, and nothing
 * is nothing. */
static void
answer(struct spf *s, uint32_t type, struct slice *in)
{
	struct wire_dns_answer a = { .status = WIRE_DNS_NXDOMAIN };
	struct buf rdata = BUF_INIT(LIMIT_FRAME);
	struct slice line;

	if (slice_line(in, &line) && line.n > 0) {
		a.status = line.p[0] == '!' ? WIRE_DNS_SERVFAIL : WIRE_DNS_OK;
		for (size_t at = 0; type == DNS_TXT && at < line.n; at += 255) {
			size_t part = line.n - at < 255 ? line.n - at : 255;

			buf_addc(&rdata, (char)part);
			buf_add(&rdata, line.p + at, part);
		}
		if (type != DNS_TXT)
			buf_add_slice(&rdata, line);
		a.count = a.status == WIRE_DNS_OK ? 1 : 0;
		a.rdata[0] = buf_slice(&rdata);
	}
	spf_answer(s, &a);
	buf_release(&rdata);
}

static void
whole(struct slice in)
{
	struct spf_check check = { .tell = true, .receiver = S("mx.test") };
	struct authres_result results[1];
	struct buf out = BUF_INIT(LIMIT_FRAME);
	struct dns_question q;
	struct spf s;
	unsigned asked = 0;

	slice_line(&in, &check.helo);
	slice_line(&in, &check.sender);
	if (spf_ip_parse(&check.ip, in.n % 2 == 0 ? S("1.2.3.4") :
	    S("2001:db8::1")) == -1)
		abort();
	spf_init(&s, &check, SPF_MAILFROM);
	while (spf_step(&s, &q) == MSGAUTH_ASK) {
		if (++asked > 200 || q.name.n == 0 || q.name.n > 253)
			abort();
		answer(&s, q.type, &in);
	}
	if (s.why.n == 0 || !slice_is_ascii(s.why) ||
	    !slice_is_ascii(s.explanation))
		abort();
	spf_authres(&s, &check, results);
	authres_write(&out, S("mx.test"), results, 1);
	spf_received(&s, &check, &out);
	spf_refusal(&s, &out);
	if (!buf_ok(&out))
		abort();
	spf_release(&s);
	buf_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice text;

	if (n == 0 || n > 100000)
		return 0;
	text = slice_of(p + 1, n - 1);
	if (p[0] % 3 == 0)
		record(text);
	else if (p[0] % 3 == 1)
		macro(text);
	else
		whole(text);
	return 0;
}
