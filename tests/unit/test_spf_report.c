#include "msgauth/spf_report.h"

#include "check.h"

#include "spf_zone.h"

/* What is reported about one check, in out. */
static void
report(const char *zone, const char *from, const char *helo, const char *ip,
    enum spf_identity identity, struct buf *out)
{
	struct spf_check check = { .helo = slice_str(helo),
		.sender = slice_str(from), .receiver = S("mx.test") };
	struct authres_result r;
	struct spf s;

	CHECK(spf_ip_parse(&check.ip, slice_str(ip)) == 0);
	zone_run(zone, &s, &check, identity);
	spf_received(&s, &check, out);
	spf_authres(&s, &check, &r);
	authres_write(out, S("mx.test"), &r, 1);
	spf_refusal(&s, out);
	spf_release(&s);
}

static const char zone[] =
    "a.test.com TXT v=spf1 -all exp=e.test.com\n"
    "e.test.com TXT No, %{i}.\n"
    "p.test.com TXT v=spf1 +all\n";

TEST(fields_and_refusal)
{
	struct buf out = BUF_INIT(1 << 16);

	report(zone, "u@a.test.com", "h.test.com", "192.0.2.1", SPF_MAILFROM,
	    &out);
	CHECK_SLICE(buf_slice(&out),
	    "Received-SPF: Fail (mailfrom) identity=mailfrom; "
	    "client-ip=192.0.2.1;\r\n"
	    "\thelo=h.test.com; envelope-from=u@a.test.com;\r\n"
	    "\treceiver=<UNKNOWN>\r\n"
	    "Authentication-Results: mx.test;\r\n"
	    "\tspf=fail (a.test.com forbids 192.0.2.1 to send for it: \"-all\")"
	    " smtp.mailfrom=u@a.test.com\r\n"
	    "Message rejected due to: SPF fail - not authorized. a.test.com "
	    "forbids 192.0.2.1 to send for it: \"-all\"; a.test.com explains: "
	    "No, 192.0.2.1.");
	buf_clear(&out);
	report(zone, "", "p.test.com", "2001:db8::1", SPF_HELO, &out);
	CHECK(strstr(buf_str(&out), "Received-SPF: Pass (helo) identity=helo; "
	    "client-ip=\"2001:db8::1\";\r\n\thelo=p.test.com; "
	    "envelope-from=<>;\r\n") != NULL, "%s", buf_str(&out));
	CHECK(strstr(buf_str(&out), "smtp.helo=p.test.com\r\n") != NULL);
	buf_release(&out);
}

/* What a client says cannot end a field or make a line too long. */
TEST(strangers_write_no_fields)
{
	struct buf out = BUF_INIT(1 << 16), helo = BUF_INIT(4096);
	struct buf from = BUF_INIT(4096);
	struct slice rest, line;

	for (int i = 0; i < 250; i++)
		buf_adds(&helo, "\r\nX: y;");
	buf_adds(&from, "\"a\r\nb; spf=pass\\\"(\"@");
	for (int i = 0; i < 4; i++)
		buf_adds(&from, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		    "xxxxxxxxxxxx.");
	buf_adds(&from, "test");
	for (int i = 0; i < 2; i++)
		report(zone, buf_str(&from), buf_str(&helo), "192.0.2.1",
		    i == 0 ? SPF_MAILFROM : SPF_HELO, &out);
	rest = buf_slice(&out);
	while (slice_line(&rest, &line)) {
		CHECK(line.n <= 998, "%zu", line.n);
		CHECK(slice_starts(line, S("\t")) ||
		    slice_starts(line, S("Received-SPF: ")) ||
		    slice_starts(line, S("Message rejected")) ||
		    slice_starts(line, S("Authentication-Results: ")), "%.*s",
		    SLICE_ARG(line));
	}
	buf_release(&out);
	buf_release(&helo);
	buf_release(&from);
}

TEST(a_refusal_fits_into_a_reply)
{
	struct buf text = BUF_INIT(1 << 16), out = BUF_INIT(1 << 16);

	buf_adds(&text, "a.test.com TXT v=spf1 -all exp=e.test.com\n"
	    "e.test.com TXT ");
	for (int i = 0; i < 900; i++)
		buf_addc(&text, 'x');
	report(buf_str(&text), "u@a.test.com", "h.test.com", "192.0.2.1",
	    SPF_MAILFROM, &out);
	CHECK(strlen(strstr(buf_str(&out), "Message rejected")) <= 480);
	buf_release(&text);
	buf_release(&out);
}

TESTS(T(fields_and_refusal), T(strangers_write_no_fields),
    T(a_refusal_fits_into_a_reply))
