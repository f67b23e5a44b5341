"""DMARC reports that others send: in by SMTP, shown by `setup dmarc report`."""

import base64
import gzip
import io
import json
import smtplib
import sys
import time
import zipfile
import zlib
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path

import pytest
from stack import wait_for

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

sys.path.insert(0, str(Path(__file__).resolve().parent))

from fakedns import FakeDns  # noqa: E402
from test_dkim import make_key, record, zone_line  # noqa: E402

DEMO = "demo@example.test"


def report(domain="example.test", name="77", rows=(("192.0.2.1", 12, "pass"),)):
    now = int(time.time())
    records = "".join(f"""<record><row><source_ip>{ip}</source_ip><count>{count}</count>
        <policy_evaluated><disposition>none</disposition><dkim>{dkim}</dkim><spf>fail</spf>
        </policy_evaluated></row><identifiers><header_from>{domain}</header_from></identifiers>
        <auth_results><dkim><domain>{domain}</domain><selector>mail</selector><result>{dkim}</result>
        </dkim></auth_results></record>""" for ip, count, dkim in rows)
    return f"""<?xml version="1.0" encoding="UTF-8"?><feedback><report_metadata>
        <org_name>Receiver</org_name><email>dmarc@receiver.test</email><report_id>{name}</report_id>
        <date_range><begin>{now - 90000}</begin><end>{now - 3600}</end></date_range></report_metadata>
        <policy_published><domain>{domain}</domain><p>reject</p></policy_published>{records}
        </feedback>""".encode()


def zipped(text):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("receiver!example.test!1!2.xml", text)
    return out.getvalue()


def send(stack, attachment, subtype="gzip"):
    m = MIMEMultipart()
    m["Subject"] = "Report Domain: example.test Submitter: receiver.test Report-ID: 77"
    m["From"] = "dmarc@receiver.test"
    m["To"] = DEMO
    m.attach(MIMEText("This is an aggregate report."))
    m.attach(MIMEApplication(attachment, subtype))
    with stack.smtp() as c:
        c.sendmail("dmarc@receiver.test", [DEMO], m.as_bytes())


def shown(stack, *words):
    return stack.setup("dmarc", "report", *words).stdout


@pytest.mark.parametrize("pack, subtype", [(gzip.compress, "gzip"), (zipped, "zip"), (bytes, "xml")])
def test_a_report_is_delivered_and_kept(stack, pack, subtype):
    assert "No reports" in shown(stack)
    send(stack, pack(report(rows=(("192.0.2.1", 12, "pass"), ("203.0.113.9", 3, "fail")))), subtype)
    wait_for(lambda: "203.0.113.9" in shown(stack))
    text = shown(stack, "example.test", "--days", "7")
    assert "15 messages in 1 report of 1 receiver" in text
    assert "12 of them could be told to be yours, 3 could not" in text
    found = json.loads(shown(stack, "--json"))
    assert found[0]["domain"] == "example.test" and found[0]["messages"] == 15
    assert [r["source_ip"] for r in found[0]["rows"]] == ["192.0.2.1", "203.0.113.9"]
    assert len(stack.delivered(DEMO)) == 1
    assert "No reports" in shown(stack, "other.test")


def test_what_cannot_be_kept_is_delivered_all_the_same(stack):
    bomb = gzip.compress(b"<feedback>" + b" " * (80 << 20))
    dtd = b'<!DOCTYPE x [<!ENTITY a "b">]><feedback>&a;</feedback>'
    for n, bad in enumerate((b"nonsense", report("foreign.test"), bomb, dtd, report()[:400]), 1):
        send(stack, gzip.compress(bad) if bad.startswith(b"<") else bad)
        wait_for(lambda n=n: stack.log().count("event=dmarc-report-refused") == n)
    for reason in ("neither gzip nor zip", "not a domain of ours", "too large when unpacked",
                   "a document type is not allowed", "malformed XML"):
        assert reason in stack.log(), reason
    assert len(stack.delivered(DEMO)) == 5
    assert "No reports" in shown(stack)


def xml(org, ip, head="", rows="", top="", sections=True, begin=None):
    """A report as it is laid out by one receiver or another."""
    now = int(time.time())
    begin = begin or now - 90000
    policy = ("<policy_published><domain>example.test</domain><adkim>r</adkim><aspf>r</aspf><p>none</p>"
              "<sp>none</sp><pct>100</pct><fo>0</fo></policy_published>" if sections else
              "<policy_published><domain>example.test</domain></policy_published>")
    return (f"{top}<report_metadata><org_name>{org}</org_name><email>dmarc@{org}</email>{head}"
            f"<report_id>{org}-1</report_id><date_range><begin>{begin}</begin><end>{begin + 86399}</end>"
            f"</date_range></report_metadata>{policy}<record><row><source_ip>{ip}</source_ip>"
            "<count>2</count><policy_evaluated><disposition>none</disposition><dkim>pass</dkim>"
            f"<spf>fail</spf>{rows}</policy_evaluated></row><identifiers>"
            "<envelope_to>receiver.test</envelope_to><envelope_from>bounce.example.test</envelope_from>"
            "<header_from>example.test</header_from></identifiers>" +
            ("<auth_results><dkim><domain>esp.test</domain><selector>a</selector><result>pass</result>"
             "<human_result></human_result></dkim><dkim><domain>example.test</domain><selector>b</selector>"
             "<result>pass</result></dkim><spf><domain>bounce.example.test</domain><scope>mfrom</scope>"
             "<result>softfail</result></spf></auth_results>" if sections else "") + "</record></feedback>")


PROLOG = '<?xml version="1.0" encoding="UTF-8" ?>\n'
REASON = "<reason><type>forwarded</type><comment>looks forwarded, downgraded</comment></reason>"
NAME = "receiver.test!example.test!1700000000!1700086399"


def part(data, kind, name, parameter="filename", width=76, eol="\r\n"):
    text = base64.b64encode(data).decode()
    lines = eol.join(text[i:i + width] for i in range(0, len(text), width))
    kind = f'{kind}; name="{name}"' if parameter == "name" else kind
    disposition = "" if parameter == "name" else f'; {parameter}="{name}"'
    return (f"Content-Type: {kind}\r\nContent-Disposition: attachment{disposition}\r\n"
            f"Content-Transfer-Encoding: base64\r\n\r\n{lines}\r\n")


def mixed(*parts, kind="mixed"):
    return (f'Content-Type: multipart/{kind}; boundary="b"\r\n\r\n' +
            "".join(f"--b\r\n{p}\r\n" for p in parts) + "--b--\r\n")


TEXT = "Content-Type: text/plain\r\n\r\nThis is a DMARC aggregate report.\r\n"
HTML = "Content-Type: text/html\r\n\r\n<p>This is a DMARC aggregate report.</p>\r\n"


def layouts():
    """Receiver: (subject, the rest of the mail), as those with these names send."""
    gz, plain = gzip.compress, "<feedback>"
    ids = "Submitter: {0} Report-ID: 1"
    yield "google.test", "Report domain: example.test " + ids, part(zipped(
        (PROLOG + xml("google.test", "192.0.2.1", "<extra_contact_info>see the help</extra_contact_info>",
                      REASON, plain)).encode()), "application/zip", NAME + ".zip")
    yield "microsoft.test", "[Preview] Report Domain: example.test " + ids, mixed(HTML, part(gz(
        ('<?xml version="1.0"?>\r\n' + xml("microsoft.test", "2001:db8::25", "", "",
         '<feedback xmlns:xsd="u:x" xmlns:xsi="u:y"><version>1.0</version>')).encode()),
        "application/gzip", NAME + ".xml.gz"))
    yield "yahoo.test", "Report Domain: example.test\r\n Submitter: Yahoo Inc.\r\n Report-ID: <1>", mixed(
        TEXT, part(gz(xml("yahoo.test", "192.0.2.3", "", "", "<?xml version='1.0'?>" + plain).encode()),
                   "application/gzip", NAME + ".xml.gz", "name"))
    yield "fastmail.test", "Report\r\n Domain: example.test " + ids, mixed(TEXT, part(gz(xml(
        "fastmail.test", "192.0.2.4", "", REASON * 3, plain).encode()), "application/x-gzip", NAME + ".xml.gz"))
    yield "mailru.test", "Report Domain: example.test; Submitter: Mail.Ru; Report-ID: 1", mixed(TEXT, part(gz(
        xml("mailru.test", "192.0.2.5", "", "", PROLOG + plain).encode()), "application/octet-stream",
        NAME + ".xml.gz", width=72, eol="\n"))
    yield "ses.test", "Dmarc Aggregate Report Domain: {{example.test}}  Submitter: {{ses}}", mixed(TEXT, part(
        gz(xml("ses.test", "192.0.2.6", sections=False, top=PROLOG + plain).encode()), "application/gzip",
        NAME + ".xml.gz"))
    yield "mimecast.test", "Report domain: example.test " + ids, mixed(TEXT, part(gz(xml(
        "mimecast.test", "192.0.2.7", "", "", '<feedback xmlns="http://dmarc.test/dmarc-xml/0.1">').encode()),
        "application/x-gzip-compressed", NAME + ".xml.gz"))
    yield "mailgun.test", "=?utf-8?B?" + base64.b64encode(
        b"Report Domain: example.test Submitter: mailgun").decode() + "?=", mixed(part(xml(
            "mailgun.test", "192.0.2.8", "", "", "\r\n" + PROLOG + plain).encode(), "text/xml", NAME + ".xml"))
    yield "gmx.test", "Report Domain: example.test " + ids, mixed(TEXT, part(gz(("\ufeff" + xml(
        "gmx.test", "192.0.2.9", "", "", plain, begin=int(time.time() - 90000) * 1000)).encode()),
        "application/gzip", NAME + ".xml.gz", width=1000), kind="report; report-type=feedback-report")
    yield "opendmarc.test", "Report Domain: example.test\r\n\tSubmitter: {0}\r\n\tReport-ID: <1>", mixed(
        TEXT, part(zipped(xml("opendmarc.test", "192.0.2.10", "", "", plain).encode()),
                   "application/x-zip-compressed", NAME + ".zip", width=57))
    yield "bis.test", "DMARC report for example.test", mixed(TEXT, part(gz((PROLOG + xml(
        "bis.test", "192.0.2.11", "<generator>x</generator>", "", '<feedback xmlns="urn:ietf:params:xml:ns:'
        'dmarc-2.0"><version>2.0</version>').replace("<pct>100</pct>", "<np>none</np><testing>n</testing>"
        "<discovery_method>treewalk</discovery_method>")).encode()), "application/gzip", NAME + ".xml.gz"))
    yield "prefix.test", "Report Domain: example.test " + ids, mixed(TEXT, part(gz(xml(
        "prefix.test", "192.0.2.12", "", "", '<feedback>').replace("<", "<d:").replace("<d:/", "</d:").replace(
            "<d:feedback>", '<d:feedback xmlns:d="u">').encode()), "application/unknown",
        NAME + ".xml.gz"))
    pdf = part(b"%PDF-1.4 not a report", "application/octet-stream", "logo.pdf")
    yield "utf16.test", "Report Domain: example.test " + ids, mixed(TEXT, pdf, part(gz(
        ('<?xml version="1.0" encoding="utf-16"?>' + xml("utf16.test", "192.0.2.13", "", "", plain)).encode(
            "utf-16")), "application/gzip", NAME + ".xml.gz"))
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as z:
        z.writestr("__MACOSX/x", "nothing")
        z.writestr("README.txt", "nothing")
        z.writestr(NAME + ".xml", xml("many.test", "192.0.2.14", "", "", plain))
        z.writestr("second.xml", xml("second.test", "192.0.2.99", "", "", plain))
    yield "many.test", "Report Domain: example.test " + ids, part(many.getvalue(), "application/zip", "a.zip")
    big = io.BytesIO()
    with zipfile.ZipFile(big, "w", zipfile.ZIP_DEFLATED) as z, z.open("a.xml", "w", force_zip64=True) as f:
        f.write(xml("zip64.test", "192.0.2.15", "", "", plain).encode())
    yield "zip64.test", "Report Domain: example.test " + ids, part(big.getvalue(), "application/zip", "a.zip")

    class Pipe(io.RawIOBase):  # cannot seek: sizes behind the data
        data = b""

        def writable(self):
            return True

        def write(self, b):
            self.data += bytes(b)
            return len(b)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("a.xml", xml("stream.test", "192.0.2.16", "", "", plain))
    yield "stream.test", "Report Domain: example.test " + ids, part(pipe.data, "application/zip", "a.zip")


def post(stack, rest, subject="Report Domain: example.test Submitter: x Report-ID: 1", sender="dmarc@receiver.test",
         to=DEMO, client="127.0.0.1"):
    text = (f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n{rest}")
    with smtplib.SMTP("127.0.0.1", stack.port(25), source_address=(client, 0), timeout=30,
                      local_hostname="client.example.org") as c:
        c.sendmail(sender, [to], text.encode())


def test_layouts_of_receivers(stack):
    orgs = []
    for org, subject, rest in layouts():
        post(stack, rest, subject.format(org))
        orgs.append(org)
    wait_for(lambda: stack.log().count("event=dmarc-report domain=example.test") +
             stack.log().count("event=dmarc-report ") >= len(orgs) or "dmarc-report-refused" in stack.log(),
             what="reports")
    assert "dmarc-report-refused" not in stack.log()
    found = json.loads(shown(stack, "--json", "--days", "3"))
    rows = {r["reporter"]: r for r in found[0]["rows"]}
    assert sorted(rows) == sorted(orgs)
    assert found[0]["messages"] == 2 * len(orgs) == found[0]["aligned"]
    assert rows["microsoft.test"]["source_ip"] == "2001:db8::25"
    assert rows["google.test"]["reason"] == "forwarded"
    assert rows["google.test"]["envelope_from"] == "bounce.example.test"
    assert [rows["google.test"]["dkim_" + w] for w in ("domain", "selector", "result")] == [
        "example.test", "b", "pass"]
    assert len(stack.delivered(DEMO)) == len(orgs)
    text = shown(stack, "example.test")
    assert f"{2 * len(orgs)} messages in {len(orgs)} reports" in text
    assert "2001:db8::25" in text and "delivered (forwarded)" in text


def zip_of(files, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as z:
        for name, text in files:
            z.writestr(name, text)
    return out.getvalue()


def bad_archives():
    """What is wrong: (attachment, the reason that is logged)."""
    good = gzip.compress(report())
    yield good[:-8] + b"xxxx" + good[-4:], "damaged archive"     # checksum
    yield good[:len(good) // 2], "damaged archive"
    z = bytearray(zip_of([("a.xml", report())]))
    at = z.index(b"PK\1\2") + 16
    z[at] ^= 1
    yield bytes(z), "damaged archive"
    yield zip_of([("a.xml", report())])[:-30], "damaged archive"
    yield b"PK\3\4" + b"\0" * 100, "damaged archive"
    yield zip_of([]), "damaged archive"
    yield zip_of([("inner.zip", zip_of([("a.xml", report())]))]), "malformed XML"
    yield zip_of([("a.xml", report())], zipfile.ZIP_BZIP2), "archive of an unknown method"
    yield zip_of([("a.xml", b"<feedback>" + b" " * (80 << 20))]), "too large when unpacked"
    yield gzip.compress(b"<feedback>" + b" " * (300 << 20)), "too large when unpacked"
    yield gzip.compress(gzip.compress(report())), "malformed XML"
    laughs = b'<!DOCTYPE f [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><feedback>&b;</feedback>'
    yield gzip.compress(laughs), "a document type is not allowed"
    yield gzip.compress(b'<!DOCTYPE f [<!ENTITY a SYSTEM "file:///etc/passwd">]><feedback>&a;</feedback>'), \
        "a document type is not allowed"
    yield gzip.compress(b'<!DOCTYPE f SYSTEM "http://192.0.2.1/x.dtd"><feedback/>'), \
        "a document type is not allowed"
    yield gzip.compress(b"<feedback>" + b"<record/>" * 1000000 + b"</feedback>"), "too many rows"
    yield gzip.compress(b"<feedback>" + b"<a>" * 1000000), "nested too deep"
    yield gzip.compress(b"<feedback><" + b"x" * (60 << 20)), "a tag or comment is too long"
    yield gzip.compress(b"<feedback a='" + b"x" * (60 << 20)), "a tag or comment is too long"
    yield gzip.compress(report().replace(b"<policy_published>", b"<policy_unpublished>").replace(
        b"</policy_published>", b"</policy_unpublished>")), "it names no domain"
    yield gzip.compress(b"<html><body>hello</body></html>"), "not an aggregate report"
    yield gzip.compress(b"<other/>"), "not an aggregate report"
    yield gzip.compress(b"<feedback>" + b"<a>" * 15 + b"<a/>"), "nested too deep"
    yield zlib.compress(report()), "neither gzip nor zip nor XML"


def test_attacks_are_refused_and_delivered(stack):
    """Each within seconds, with one line in the log, and its mail in the mailbox."""
    count = 0
    for count, (data, reason) in enumerate(bad_archives(), 1):
        post(stack, part(data, "application/gzip", "a.gz"))
        wait_for(lambda n=count: stack.log().count("event=dmarc-report-refused") == n, 20, what=reason)
        line = [x for x in stack.log().splitlines() if "event=dmarc-report-refused" in x][-1]
        assert reason in line, (count, line)
    long = report().replace(b"<org_name>", b"<org_name>" + b"x" * (10 << 20))
    post(stack, part(gzip.compress(long), "application/gzip", "a.gz"))
    wait_for(lambda: "event=dmarc-report " in stack.log(), what="report")
    assert len(stack.delivered(DEMO)) == count + 1
    status = stack.setup("status").stdout
    assert "12 of them could be told" in shown(stack) and "reports" in status


def test_huge_numbers_hide_nothing(stack):
    post(stack, part(gzip.compress(report(name="1")), "application/gzip", "a.gz"))
    for i in range(3):
        text = report(name=f"huge{i}").replace(b"<count>12<", b"<count>9223372036854775807<")
        post(stack, part(gzip.compress(text), "application/gzip", "a.gz"))
    later = report(name="later").replace(b"<end>", b"<end>9")
    post(stack, part(gzip.compress(later), "application/gzip", "a.gz"))
    wait_for(lambda: stack.log().count("event=dmarc-report ") == 5, what="reports")
    assert "24 messages in 5 reports" in shown(stack)
    assert json.loads(shown(stack, "--json"))[0]["messages"] == 24
    end = json.loads(shown(stack, "--json"))[0]["end"]
    assert end <= time.time() + 86400


def test_only_what_passed_is_verified(make_stack, tmp_path):
    dkim = pytest.importorskip("dkim")
    key = make_key("2048", str(tmp_path / "k.pem"))
    private = (tmp_path / "k.pem").read_bytes()
    dns = FakeDns("\n".join([
        '_dmarc.receiver.test TXT "v=DMARC1; p=none"', '_dmarc.forged.test TXT "v=DMARC1; p=none"',
        *(zone_line(f"s._domainkey.{d}", record("rsa", key)) for d in ("receiver.test", "evil.test"))])).start()

    def signed(name, author, domain, identity):
        rest = part(gzip.compress(report(name=name)), "application/gzip", "a.gz")
        text = (f"From: {author}\r\nSubject: Report Domain: example.test Submitter: x\r\n" + rest).encode()
        text = dkim.sign(text, b"s", domain, private, identity=identity, include_headers=[b"from"]) + text
        with smtplib.SMTP("127.0.0.1", stack.port(25), source_address=("127.0.0.2", 0), timeout=30) as c:
            c.sendmail(author, [DEMO], text)

    try:
        stack = make_stack(env={"DNS_SERVERS": dns.address})
        signed("77", "dmarc@receiver.test", b"receiver.test", b"dmarc@receiver.test")
        stack.wait_log("verified=yes")
        assert "anybody" not in shown(stack)
        # A verdict on somebody else that holds the words of the right one; and what was verified
        # is not replaced by it.
        signed("77", "dmarc@forged.test", b"evil.test", b"dmarc=pass@evil.test")
        stack.wait_log("event=dmarc-report-refused")
        signed("78", "dmarc@forged.test", b"evil.test", b"dmarc=pass@evil.test")
        stack.wait_log("verified=no")
        assert stack.log().count("verified=yes") == 1
        assert any(b"dmarc=pass" in p.read_bytes().split(b"From:")[0] and b"dmarc=fail" in p.read_bytes()
                   for p in stack.delivered(DEMO))
        assert "12 of them are from reports that anybody could have written" in shown(stack)
    finally:
        dns.stop()


def test_subdomains_are_ours(stack):
    for n, domain in enumerate(("News.Example.test.", "a.b.example.test", "notexample.test", "test"), 1):
        post(stack, part(gzip.compress(report(domain, str(n))), "application/gzip", "a.gz"))
    wait_for(lambda: stack.log().count("not a domain of ours") == 2, what="refusals")
    wait_for(lambda: stack.log().count("event=dmarc-report ") == 2, what="reports")
    assert [d["domain"] for d in json.loads(shown(stack, "--json"))] == ["a.b.example.test", "news.example.test"]
    assert "12 messages" in shown(stack, "NEWS.example.test")


def test_addresses_for_reports(make_stack):
    """Whatever the subject, what comes to dmarc@ is looked at; other mail there is no news."""
    stack = make_stack(files={"postfix-virtual.cf": f"dmarc-reports@example.test {DEMO}\n"})
    post(stack, part(gzip.compress(report()), "application/gzip", "a.gz"), "hello", to="dmarc-reports@example.test")
    stack.wait_log("event=dmarc-report ")
    post(stack, "\r\nwhat is this address for?\r\n", "question", to="dmarc-reports@example.test")
    post(stack, "\r\nno report\r\n")
    stack.wait_log("no report among its parts")
    assert stack.log().count("event=dmarc-report-refused") == 1
    assert len(stack.delivered(DEMO)) == 3


def test_misuse(stack):
    for words in (("--days",), ("--days", "x"), ("a.test", "b.test"), ("--what",)):
        assert stack.setup("dmarc", "report", *words, check=False).returncode != 0
