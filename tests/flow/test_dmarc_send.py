"""DMARC reports to others: noted, written, signed and sent."""

import email
import gzip
import re
import smtplib
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

dkim = pytest.importorskip("dkim")

from fakedns import FakeDns  # noqa: E402
from smtpsink import Sink  # noqa: E402
from stack import wait_for  # noqa: E402
from test_dkim import Keys, make_key, record, zone_line  # noqa: E402
from test_spf import own_address  # noqa: E402

DEMO = "demo@example.test"
US = own_address()
ZONE = """
own.test MX 10 a.own.test
a.own.test A 127.0.0.2
hard.test MX 10 a.own.test
elsewhere.test MX 10 a.own.test
*.third.test A 127.0.0.2
third.test MX 10 a.own.test
tiny.test MX 10 a.own.test
test.test MX 10 a.own.test
wide.test MX 10 a.own.test
other.test MX 10 a.own.test
"""
# Domain: its record. The only reports that may leave are those of WANTED.
RECORDS = {
    "own.test": "v=DMARC1; p=reject; sp=quarantine; adkim=s; pct=0; fo=1:d;"
                " rua=mailto:dmarc@own.test,https://own.test/,mailto:small@own.test!1k,"
                "mailto:large@own.test!10m,mailto:stranger@elsewhere.test,mailto:ok@third.test",
    "secret.test": "v=DMARC1; p=none; rua=mailto:victim@elsewhere.test",
    "tiny.test": "v=DMARC1; p=none; rua=mailto:x@tiny.test!100,mailto:y@tiny.test!1k",
    "test.test": "v=DMARC1; p=reject; t=y; rua=mailto:dmarc@test.test",
    "dup.test": "v=DMARC1; p=none; rua=mailto:a@wide.test,mailto:A@wide.test, mailto:a@wide.test!10m,"
                "mailto:b%2Bx%40y@wide.test?subject=dmarc!10m,mailto:c%2Bd@wide.test,mailto:c%0d%0aX@wide.test,"
                "mailto:old@other.test",
    "silent.test": "v=DMARC1; p=none",
    "hard.test": "v=DMARC1; p=reject; rua=mailto:dmarc@hard.test",
    "moved.test": "v=DMARC1; p=none; rua=mailto:a@third.test",
    "lost.test": "v=DMARC1; p=none; rua=mailto:a@down.test",
}
CONSENT = """
own.test._report._dmarc.third.test TXT "v=DMARC1"
moved.test._report._dmarc.third.test TXT "v=DMARC1; rua=mailto:a@elsewhere.test"
secret.test._report._dmarc.elsewhere.test TXT "no record"
lost.test._report._dmarc.down.test SERVFAIL
*._report._dmarc.wide.test TXT "v=DMARC1"
dup.test._report._dmarc.other.test TXT "v=DMARC1; rua=mailto:new@other.test"
"""


def dns_zone():
    return ZONE + CONSENT + "\n".join(
        f'_dmarc.{d} TXT ' + " ".join(f'"{t[i:i + 200]}"' for i in range(0, len(t), 200))
        for d, t in RECORDS.items())


@pytest.fixture
def dns():
    d = FakeDns(dns_zone()).start()
    yield d
    d.stop()


@pytest.fixture
def sink():
    s = Sink(host="127.0.0.2").start()
    yield s
    s.stop()


def send(stack, domain, client="127.0.0.2", sender="b@bounces.test"):
    post(stack, f"From: x@{domain}\r\nTo: {DEMO}\r\nSubject: hello\r\n\r\nHello\r\n", client, sender)


def post(stack, text, client, sender="b@bounces.test"):
    with smtplib.SMTP("127.0.0.1", stack.port(25), source_address=(client, 0), timeout=30,
                      local_hostname="client.example.org") as c:
        c.sendmail(sender, [DEMO], text)


def noted(stack):
    found = re.search(r"noted=(\d+)", stack.setup("status").stdout)
    return int(found.group(1)) if found else 0


# RFC 7489 appendix C in other words; addresses in the form that people write.
SCHEMA = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
<xs:simpleType name="policy"><xs:restriction base="xs:string"><xs:pattern
 value="none|quarantine|reject"/></xs:restriction></xs:simpleType>
<xs:simpleType name="mode"><xs:restriction base="xs:string"><xs:pattern value="r|s"/></xs:restriction></xs:simpleType>
<xs:simpleType name="verdict"><xs:restriction base="xs:string"><xs:pattern
 value="pass|fail"/></xs:restriction></xs:simpleType>
<xs:simpleType name="ip"><xs:restriction base="xs:string"><xs:pattern
 value="[0-9]+(\\.[0-9]+){3}|[0-9a-f:]+"/></xs:restriction></xs:simpleType>
<xs:simpleType name="override"><xs:restriction base="xs:string"><xs:pattern
 value="forwarded|sampled_out|trusted_forwarder|mailing_list|local_policy|other"/></xs:restriction></xs:simpleType>
<xs:simpleType name="dkim"><xs:restriction base="xs:string"><xs:pattern
 value="none|pass|fail|policy|neutral|temperror|permerror"/></xs:restriction></xs:simpleType>
<xs:simpleType name="spf"><xs:restriction base="xs:string"><xs:pattern
 value="none|neutral|pass|fail|softfail|temperror|permerror"/></xs:restriction></xs:simpleType>
<xs:element name="feedback"><xs:complexType><xs:sequence>
 <xs:element name="version" type="xs:decimal" fixed="1.0"/>
 <xs:element name="report_metadata"><xs:complexType><xs:sequence>
  <xs:element name="org_name" type="xs:string"/><xs:element name="email" type="xs:string"/>
  <xs:element name="extra_contact_info" type="xs:string" minOccurs="0"/>
  <xs:element name="report_id" type="xs:string"/>
  <xs:element name="date_range"><xs:complexType><xs:all>
   <xs:element name="begin" type="xs:integer"/><xs:element name="end" type="xs:integer"/>
  </xs:all></xs:complexType></xs:element>
  <xs:element name="error" type="xs:string" minOccurs="0" maxOccurs="unbounded"/>
 </xs:sequence></xs:complexType></xs:element>
 <xs:element name="policy_published"><xs:complexType><xs:all>
  <xs:element name="domain" type="xs:string"/><xs:element name="adkim" type="mode" minOccurs="0"/>
  <xs:element name="aspf" type="mode" minOccurs="0"/><xs:element name="p" type="policy"/>
  <xs:element name="sp" type="policy"/><xs:element name="pct" type="xs:integer"/>
  <xs:element name="fo" type="xs:string"/>
 </xs:all></xs:complexType></xs:element>
 <xs:element name="record" maxOccurs="unbounded"><xs:complexType><xs:sequence>
  <xs:element name="row"><xs:complexType><xs:all>
   <xs:element name="source_ip" type="ip"/><xs:element name="count" type="xs:integer"/>
   <xs:element name="policy_evaluated"><xs:complexType><xs:sequence>
    <xs:element name="disposition" type="policy"/><xs:element name="dkim" type="verdict"/>
    <xs:element name="spf" type="verdict"/>
    <xs:element name="reason" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:all>
     <xs:element name="type" type="override"/><xs:element name="comment" type="xs:string" minOccurs="0"/>
    </xs:all></xs:complexType></xs:element>
   </xs:sequence></xs:complexType></xs:element>
  </xs:all></xs:complexType></xs:element>
  <xs:element name="identifiers"><xs:complexType><xs:all>
   <xs:element name="envelope_to" type="xs:string" minOccurs="0"/>
   <xs:element name="envelope_from" type="xs:string"/><xs:element name="header_from" type="xs:string"/>
  </xs:all></xs:complexType></xs:element>
  <xs:element name="auth_results"><xs:complexType><xs:sequence>
   <xs:element name="dkim" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:all>
    <xs:element name="domain" type="xs:string"/><xs:element name="selector" type="xs:string" minOccurs="0"/>
    <xs:element name="result" type="dkim"/><xs:element name="human_result" type="xs:string" minOccurs="0"/>
   </xs:all></xs:complexType></xs:element>
   <xs:element name="spf" maxOccurs="unbounded"><xs:complexType><xs:all>
    <xs:element name="domain" type="xs:string"/>
    <xs:element name="scope"><xs:simpleType><xs:restriction base="xs:string"><xs:pattern
     value="helo|mfrom"/></xs:restriction></xs:simpleType></xs:element>
    <xs:element name="result" type="spf"/>
   </xs:all></xs:complexType></xs:element>
  </xs:sequence></xs:complexType></xs:element>
 </xs:sequence></xs:complexType></xs:element>
</xs:sequence></xs:complexType></xs:element></xs:schema>
"""


def validate(folder, text):
    (folder / "dmarc.xsd").write_text(SCHEMA)
    r = subprocess.run(["xmllint", "--noout", "--schema", folder / "dmarc.xsd", "-"], input=text,
                       capture_output=True)
    assert r.returncode == 0, r.stderr


def attachment(body):
    m = email.message_from_bytes(body)
    part = next(p for p in m.walk() if p.get_content_type() == "application/gzip")
    return m, part.get_filename(), ET.fromstring(gzip.decompress(part.get_payload(decode=True)))


def test_a_day_of_messages_is_reported(make_stack, tmp_path, dns, sink):
    keys = Keys(tmp_path, ["2048"])
    stack = make_stack(env={"DNS_SERVERS": dns.address, "PILLARBOX_RELAY_PORT": sink.port},
                       files=keys.files)
    day = int(time.time()) // 86400 * 86400
    for _ in range(2):
        send(stack, "own.test")
    send(stack, "sub.own.test", client="127.0.0.3", sender="")
    send(stack, "own.test", client="127.0.0.1")  # of this host: says nothing
    for domain in ("secret.test", "tiny.test", "silent.test", "moved.test", "lost.test"):
        send(stack, domain)
    with stack.smtp_submit() as c:
        c.sendmail(DEMO, [DEMO], f"From: {DEMO}\r\nSubject: ours\r\n\r\nHello\r\n")
    wait_for(lambda: noted(stack) == 7, what="notes")
    assert "5 reports are due now." in stack.setup("dmarc", "send").stdout

    copies = sink.wait(2)  # for own.test and for third.test
    assert all("own.test" in str(c.body) for c in copies)
    assert {c.sender for c in copies} == {""}
    body = copies[0].body
    m, name, xml = attachment(body)
    # Nobody without consent, nobody with too small a limit.
    to = sorted(re.findall(r"<(.*?)>", m["To"]))
    assert to == ["dmarc@own.test", "large@own.test", "ok@third.test"]
    assert sorted(r["address"] for c in copies for r in c.rcpts) == to
    assert dkim.DKIM(body).verify(
        dnsfunc=lambda name, timeout=5: keys.records[name.decode().rstrip(".")].encode())
    assert m["From"] == "<postmaster@example.test>"
    assert m["Auto-Submitted"] == "auto-generated"
    ident = xml.findtext("report_metadata/report_id")
    assert re.fullmatch("[A-Za-z0-9]{16}", ident)
    assert " ".join(m["Subject"].split()) == ("Report Domain: own.test Submitter: mail.example.test "
                                              f"Report-ID: <{ident}@mail.example.test>")
    end = xml.findtext("report_metadata/date_range/end")
    assert name == f"mail.example.test!own.test!{day}!{end}!{ident}.xml.gz"
    assert day <= int(end) <= time.time()

    validate(tmp_path, ET.tostring(xml))
    assert xml.findtext("version") == "1.0"
    assert xml.findtext("report_metadata/org_name") == "mail.example.test"
    assert xml.findtext("report_metadata/email") == "postmaster@example.test"
    policy = {e.tag: e.text for e in xml.find("policy_published")}
    assert policy == {"domain": "own.test", "adkim": "s", "aspf": "r", "p": "reject",
                      "sp": "quarantine", "pct": "0", "fo": "1:d"}
    records = xml.findall("record")
    assert [r.findtext("row/count") for r in records] == ["2", "1"]
    first, second = records
    assert first.findtext("row/source_ip") == "127.0.0.2"
    assert first.findtext("row/policy_evaluated/disposition") == "quarantine"
    assert first.findtext("row/policy_evaluated/dkim") == "fail"
    assert first.findtext("row/policy_evaluated/spf") == "fail"
    assert first.findtext("row/policy_evaluated/reason/type") == "sampled_out"
    assert first.findtext("identifiers/envelope_from") == "bounces.test"
    assert first.findtext("identifiers/header_from") == "own.test"
    assert first.findtext("auth_results/spf/domain") == "bounces.test"
    assert first.findtext("auth_results/spf/scope") == "mfrom"
    assert second.findtext("row/source_ip") == "127.0.0.3"
    assert second.findtext("identifiers/header_from") == "sub.own.test"
    assert second.findtext("auth_results/spf/scope") == "helo"
    assert second.findtext("auth_results/spf/domain") == "client.example.org"

    # The others do not leave, for their reasons.
    wait_for(lambda: stack.log().count("event=dmarc-send-dropped") == 2, what="dropped")
    log = stack.log()
    for domain, reason in (("secret.test", "nobody consents to get it"),
                           ("moved.test", "nobody consents to get it")):
        assert re.search(rf'event=dmarc-send-dropped.*domain={domain} reason="{reason}"', log), domain
    assert re.search(r"event=dmarc-send-later.*domain=lost.test", log)
    # Whose limits are below its size are told so (7.2.2).
    told = sink.wait(3)[2]
    assert sorted(r["address"] for r in told.rcpts) == ["x@tiny.test", "y@tiny.test"]
    m = email.message_from_bytes(told.body)
    assert m["Subject"].split() == "DMARC report about tiny.test could not be sent".split()
    fields = dict(x.split(": ", 1) for x in m.get_payload(0).get_payload().splitlines() if x)
    assert fields["Report-Domain"] == "tiny.test" and fields["Submitter"] == "mail.example.test"
    assert re.fullmatch("<[A-Za-z0-9]{16}@mail.example.test>", fields["Report-ID"])
    assert int(fields["Report-Size"]) > 1024
    assert email.utils.parsedate_to_datetime(fields["Report-Date"])
    assert b"Submitting-URI: mailto:x@tiny.test\r\nSubmitting-URI: mailto:y@tiny.test\r\n" in told.body
    assert "more than each address" in m.get_payload(1).get_payload()
    assert len(sink.messages) == 3


def test_what_was_refused_is_reported(make_stack, dns, sink):
    # The postmaster is elsewhere, in whose name the report must not be.
    stack = make_stack(env={"DNS_SERVERS": dns.address, "PILLARBOX_RELAY_PORT": sink.port,
                            "POSTMASTER_ADDRESS": "admin@far.test"})
    for _ in range(3):
        with pytest.raises(smtplib.SMTPDataError):
            send(stack, "hard.test")
    wait_for(lambda: noted(stack) == 3, what="notes")
    stack.setup("dmarc", "send")
    m, _, xml = attachment(sink.wait(1)[0].body)
    assert m["From"] == "<postmaster@example.test>"
    assert xml.findtext("report_metadata/email") == "postmaster@example.test"
    assert xml.findtext("record/row/count") == "3"
    assert xml.findtext("record/row/policy_evaluated/disposition") == "reject"
    assert xml.find("record/row/policy_evaluated/reason") is None


def test_without_enforcement_the_reason_is_told(make_stack, dns, sink):
    stack = make_stack(env={"DNS_SERVERS": dns.address, "PILLARBOX_RELAY_PORT": sink.port,
                            "ENABLE_OPENDMARC": "0"})
    send(stack, "hard.test")
    wait_for(lambda: noted(stack) == 1, what="note")
    stack.setup("dmarc", "send")
    evaluated = attachment(sink.wait(1)[0].body)[2].find("record/row/policy_evaluated")
    assert evaluated.findtext("disposition") == "none"
    assert evaluated.findtext("reason/type") == "local_policy"
    assert evaluated.findtext("reason/comment") == "policies are not enforced here"


def reasons(stack, sink, n=1):
    """{source: (disposition, reason, comment)} of the one report that is sent."""
    wait_for(lambda: noted(stack) == n, what="notes")
    stack.setup("dmarc", "send")
    xml = attachment(sink.wait(1)[0].body)[2]
    return {r.findtext("row/source_ip"): tuple(
        r.findtext("row/policy_evaluated/" + w) for w in ("disposition", "reason/type", "reason/comment"))
        for r in xml.findall("record")}, xml


def test_trusted_forwarders_are_told(make_stack, tmp_path, dns, sink):
    """By the setting, by ARC; and nothing where the policy was obeyed or the message passed."""
    key = make_key("2048", str(tmp_path / "k.pem"))
    private = (tmp_path / "k.pem").read_bytes()
    dns.set_zone(dns_zone() + "\n".join(["", zone_line("s._domainkey.lists.test", record("rsa", key)),
                                         zone_line("s._domainkey.hard.test", record("rsa", key))]))
    stack = make_stack(env={"DNS_SERVERS": dns.address, "PILLARBOX_RELAY_PORT": sink.port,
                            "PILLARBOX_DMARC_TRUSTED_NETWORKS": "127.0.0.3/32",
                            "PILLARBOX_ARC_TRUSTED_SEALERS": "lists.test"})
    text = f"From: x@hard.test\r\nTo: {DEMO}\r\nSubject: hello\r\n\r\nHello\r\n".encode()
    send(stack, "hard.test", client="127.0.0.3")
    seen = b"Authentication-Results: lists.test; dmarc=pass header.from=hard.test; arc=none\r\n" + text
    post(stack, b"".join(dkim.arc_sign(seen, b"s", b"lists.test", private, b"lists.test")) + seen, "127.0.0.4")
    post(stack, dkim.sign(text, b"s", b"hard.test", private) + text, "127.0.0.5")
    with pytest.raises(smtplib.SMTPDataError):
        send(stack, "hard.test", client="127.0.0.6")
    found, xml = reasons(stack, sink, 4)
    assert found == {
        "127.0.0.3": ("none", "trusted_forwarder", "accepted from trusted forwarder 127.0.0.3"),
        "127.0.0.4": ("none", "trusted_forwarder",
                      "accepted because trusted sealer lists.test saw it pass (ARC i=1)"),
        "127.0.0.5": ("none", None, None),
        "127.0.0.6": ("reject", None, None)}
    assert [r.findtext("row/policy_evaluated/dkim") for r in xml.findall("record")
            if r.findtext("row/source_ip") == "127.0.0.5"] == ["pass"]
    validate(tmp_path, ET.tostring(xml))


@pytest.mark.skipif(US is None or US.startswith("127."), reason="this machine has only loopback addresses")
def test_spf_is_told(make_stack, tmp_path, dns, sink):
    """Aligned, of somebody else, and of the HELO name for a bounce."""
    dns.set_zone(dns_zone() + f"""
hard.test TXT "v=spf1 ip4:{US} -all"
esp.test TXT "v=spf1 ip4:{US} -all"
mx.hard.test TXT "v=spf1 ip4:{US} -all"
""")
    stack = make_stack(env={"DNS_SERVERS": dns.address, "PILLARBOX_RELAY_PORT": sink.port,
                            "PILLARBOX_LISTEN": f"127.0.0.1,::1,{US}"})
    text = f"From: x@hard.test\r\nTo: {DEMO}\r\nSubject: hello\r\n\r\nHello\r\n"
    for sender in ("b@hard.test", "b@esp.test", ""):
        with smtplib.SMTP(US, stack.port(25), timeout=30, local_hostname="mx.hard.test") as c:
            try:
                c.sendmail(sender, [DEMO], text)
            except smtplib.SMTPDataError as e:
                assert sender == "b@esp.test" and b"SPF pass for esp.test" in e.smtp_error
    _, xml = reasons(stack, sink, 3)
    validate(tmp_path, ET.tostring(xml))
    rows = sorted(tuple(r.findtext(w) for w in (
        "auth_results/spf/domain", "auth_results/spf/scope", "auth_results/spf/result",
        "row/policy_evaluated/spf", "row/policy_evaluated/disposition", "row/source_ip"))
        for r in xml.findall("record"))
    assert rows == [("esp.test", "mfrom", "pass", "fail", "reject", US),
                    ("hard.test", "mfrom", "pass", "pass", "none", US),
                    ("mx.hard.test", "helo", "pass", "pass", "none", US)]


@pytest.mark.skipif(US is None or US.startswith("127."), reason="this machine has only loopback addresses")
def test_a_refusal_by_spf_is_told(make_stack, dns, sink):
    """SPF was silent when the sender was named, and says fail when the message is there."""
    zone = dns_zone() + """
_dmarc.soft.test TXT "v=DMARC1; p=none; rua=mailto:dmarc@own.test"
soft.test._report._dmarc.own.test TXT "v=DMARC1"
"""
    dns.set_zone(zone + "esp.test SERVFAIL TXT")
    stack = make_stack(env={"DNS_SERVERS": dns.address, "PILLARBOX_RELAY_PORT": sink.port,
                            "PILLARBOX_LISTEN": f"127.0.0.1,::1,{US}"})

    def rcpt(c, sender):
        c.ehlo()
        c.mail(sender)
        return c.rcpt(DEMO)[0]

    def is_refused():
        with smtplib.SMTP(US, stack.port(25), timeout=60, local_hostname="client.example.org") as c:
            return rcpt(c, "other@esp.test") == 550

    with smtplib.SMTP(US, stack.port(25), timeout=60, local_hostname="client.example.org") as c:
        assert rcpt(c, "b@esp.test") == 250
        dns.set_zone(zone + 'esp.test TXT "v=spf1 -all"')
        wait_for(is_refused, what="the answer that there is now")
        code, text = c.data("From: x@soft.test\r\nSubject: hello\r\n\r\nHello\r\n")
        assert code == 550 and text.startswith(b"5.7.23"), (code, text)
    found, xml = reasons(stack, sink)
    assert found == {US: ("reject", "local_policy", "refused because SPF fails")}
    assert xml.findtext("record/auth_results/spf/result") == "fail"


def test_a_policy_that_is_tested_is_told(make_stack, dns, sink):
    stack = make_stack(env={"DNS_SERVERS": dns.address, "PILLARBOX_RELAY_PORT": sink.port})
    send(stack, "test.test")
    assert reasons(stack, sink)[0] == {
        "127.0.0.2": ("quarantine", "sampled_out", "the policy is being tested (t=y)")}


def test_recipients_get_it_once(make_stack, dns, sink):
    """Consent by a wildcard; an address that the other domain puts in the place of the one asked for."""
    stack = make_stack(env={"DNS_SERVERS": dns.address, "PILLARBOX_RELAY_PORT": sink.port})
    send(stack, "dup.test")
    wait_for(lambda: noted(stack) == 1, what="note")
    stack.setup("dmarc", "send")
    copies = sink.wait(2)
    assert sorted(r["address"] for c in copies for r in c.rcpts) == [
        "a@wide.test", "c+d@wide.test", "new@other.test"]


def test_reports_of_ours_make_no_more_reports(make_stack, dns, sink):
    """Somebody forges our domain; its report goes to a mailbox of ours, and that is that."""
    dns.set_zone(dns_zone() + f'\n_dmarc.example.test TXT "v=DMARC1; p=none; rua=mailto:{DEMO}"')
    stack = make_stack(env={"DNS_SERVERS": dns.address, "PILLARBOX_RELAY_PORT": sink.port})
    send(stack, "example.test")
    wait_for(lambda: noted(stack) == 1, what="note")
    stack.setup("dmarc", "send")
    wait_for(lambda: len(stack.delivered(DEMO)) == 2, what="the report")
    stack.wait_log("event=dmarc-report-sent")
    assert noted(stack) == 1
    assert "0 reports are due now." in stack.setup("dmarc", "send").stdout
    assert not sink.messages


def test_notes_outlive_a_crash(make_stack, dns, sink):
    stack = make_stack(env={"DNS_SERVERS": dns.address, "PILLARBOX_RELAY_PORT": sink.port})
    send(stack, "own.test")
    wait_for(lambda: noted(stack) == 1, what="note")
    time.sleep(1.5)  # they are written together
    before = stack.pid_of("reports")
    stack.kill("reports")
    wait_for(lambda: stack.pid_of("reports") not in (0, before), what="restart")
    send(stack, "own.test")
    wait_for(lambda: noted(stack) == 1, what="note")
    assert "1 report is due now." in stack.setup("dmarc", "send").stdout
    _, _, xml = attachment(sink.wait(1, 30)[0].body)
    assert xml.findtext("record/row/count") == "2"
    stack.wait_log("event=dmarc-report-sent")
    # What was sent is forgotten; what comes then is another report.
    send(stack, "own.test")
    wait_for(lambda: noted(stack) == 2, what="note")
    assert "1 report is due now." in stack.setup("dmarc", "send").stdout


def test_sending_can_be_off(make_stack, dns):
    stack = make_stack(env={"DNS_SERVERS": dns.address, "PILLARBOX_DMARC_REPORTS_SEND": "0"})
    send(stack, "own.test")
    assert noted(stack) == 0
    r = stack.setup("dmarc", "send", check=False)
    assert r.returncode != 0 and "PILLARBOX_DMARC_REPORTS_SEND is off" in r.stdout + r.stderr
