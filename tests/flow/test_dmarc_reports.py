"""DMARC reports that others send: in by SMTP, shown by `setup dmarc report`."""

import gzip
import io
import json
import time
import zipfile
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from stack import wait_for

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
    assert "15 messages in 1 reports of 1 receivers" in text
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


def test_misuse(stack):
    for words in (("--days",), ("--days", "x"), ("a.test", "b.test"), ("--what",)):
        assert stack.setup("dmarc", "report", *words, check=False).returncode != 0
