"""DMARC reports to others: noted, written, signed and sent."""

import email
import gzip
import re
import smtplib
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
from test_dkim import Keys  # noqa: E402

DEMO = "demo@example.test"
ZONE = """
own.test MX 10 a.own.test
a.own.test A 127.0.0.2
hard.test MX 10 a.own.test
elsewhere.test MX 10 a.own.test
*.third.test A 127.0.0.2
third.test MX 10 a.own.test
"""
# Domain: its record. The only reports that may leave are those of WANTED.
RECORDS = {
    "own.test": "v=DMARC1; p=reject; sp=quarantine; adkim=s; pct=0; fo=1:d;"
                " rua=mailto:dmarc@own.test,https://own.test/,mailto:small@own.test!1k,"
                "mailto:large@own.test!10m,mailto:stranger@elsewhere.test,mailto:ok@third.test",
    "secret.test": "v=DMARC1; p=none; rua=mailto:victim@elsewhere.test",
    "tiny.test": "v=DMARC1; p=none; rua=mailto:x@tiny.test!100",
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
"""


@pytest.fixture
def dns():
    d = FakeDns(ZONE + CONSENT + "\n".join(
        f'_dmarc.{d} TXT ' + " ".join(f'"{t[i:i + 200]}"' for i in range(0, len(t), 200))
        for d, t in RECORDS.items())).start()
    yield d
    d.stop()


@pytest.fixture
def sink():
    s = Sink(host="127.0.0.2").start()
    yield s
    s.stop()


def send(stack, domain, client="127.0.0.2", sender="b@bounces.test"):
    with smtplib.SMTP("127.0.0.1", stack.port(25), source_address=(client, 0), timeout=30,
                      local_hostname="client.example.org") as c:
        c.sendmail(sender, [DEMO], f"From: x@{domain}\r\nTo: {DEMO}\r\nSubject: hello\r\n\r\nHello\r\n")


def noted(stack):
    found = re.search(r"noted=(\d+)", stack.setup("status").stdout)
    return int(found.group(1)) if found else 0


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
    wait_for(lambda: stack.log().count("event=dmarc-send-dropped") == 3, what="dropped")
    log = stack.log()
    for domain, reason in (("secret.test", "nobody consents to get it"),
                           ("moved.test", "nobody consents to get it"),
                           ("tiny.test", "it is larger than its recipients allow")):
        assert re.search(rf'event=dmarc-send-dropped.*domain={domain} reason="{reason}"', log), domain
    assert re.search(r"event=dmarc-send-later.*domain=lost.test", log)
    assert len(sink.messages) == 2


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
    assert "1 reports are due now." in stack.setup("dmarc", "send").stdout
    _, _, xml = attachment(sink.wait(1, 30)[0].body)
    assert xml.findtext("record/row/count") == "2"
    stack.wait_log("event=dmarc-report-sent")
    # What was sent is forgotten; what comes then is another report.
    send(stack, "own.test")
    wait_for(lambda: noted(stack) == 2, what="note")
    assert "1 reports are due now." in stack.setup("dmarc", "send").stdout


def test_sending_can_be_off(make_stack, dns):
    stack = make_stack(env={"DNS_SERVERS": dns.address, "PILLARBOX_DMARC_REPORTS_SEND": "0"})
    send(stack, "own.test")
    assert noted(stack) == 0
    r = stack.setup("dmarc", "send", check=False)
    assert r.returncode != 0 and "PILLARBOX_DMARC_REPORTS_SEND is off" in r.stdout + r.stderr
