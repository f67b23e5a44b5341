"""Two stacks exchange mail through a fake DNS, DKIM and all: what one signs the
other verifies, and so does an implementation that is not ours."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

dkim = pytest.importorskip("dkim")

from fakedns import FakeDns  # noqa: E402
from stack import Stack, wait_for  # noqa: E402


@pytest.fixture
def pair(tmp_path):
    dns = FakeDns().start()
    a = Stack(tmp_path / "a", env={"OVERRIDE_HOSTNAME": "mail.a.test", "PILLARBOX_LISTEN": "127.0.0.1"})
    b = Stack(tmp_path / "b", env={"OVERRIDE_HOSTNAME": "mail.b.test", "PILLARBOX_LISTEN": "127.0.0.2"})
    for one, other in ((a, b), (b, a)):
        one.env.update({"DNS_SERVERS": dns.address, "PILLARBOX_RELAY_PORT": other.port(25),
                        "PILLARBOX_QUEUE_RETRY_MIN": "1s", "PILLARBOX_QUEUE_RETRY_MAX": "2s"})
    a.start()
    b.start()
    a.add_account("ann@a.test", "secret")
    b.add_account("bob@b.test", "secret")
    yield a, b, dns
    a.stop()
    b.stop()
    dns.stop()


def zone(*stacks):
    """What an operator would publish: the lines of `setup dns`, read back."""
    lines = ["a.test MX 10 mail.a.test", "mail.a.test A 127.0.0.1",
             "b.test MX 10 mail.b.test", "mail.b.test A 127.0.0.2"]
    for stack, domain in stacks:
        out = stack.setup("dns", domain).stdout
        for name, text in re.findall(r"^(\S+\._domainkey\.\S+)\.\s+IN\s+TXT\s+(.*)$", out, re.M):
            lines.append(f"{name} TXT {text}")
    return "\n".join(lines)


def has_key(stack):
    status = stack.setup("status").stdout
    return re.search(r"^keys .*keys=1", status, re.M) and re.search(r"^dkim .*rules=1", status, re.M)


def test_signed_mail_goes_both_ways_and_verifies(pair):
    a, b, dns = pair
    for stack, domain in ((a, "a.test"), (b, "b.test")):
        stack.setup("config", "dkim", "domain", domain)
    dns.set_zone(zone((a, "a.test"), (b, "b.test")))
    wait_for(lambda: has_key(a) and has_key(b), 5, "keys")

    with a.smtp_submit("ann@a.test", "secret") as c:
        c.sendmail("ann@a.test", ["bob@b.test"],
                   "From: Ann <ann@a.test>\r\nTo: bob@b.test\r\nSubject: to bob\r\n\r\nhello bob\r\n")
    got = wait_for(lambda: b.delivered("bob@b.test"), 10, "mail at b")[0].read_bytes()
    assert b"dkim=pass" in got and b"header.d=a.test" in got, got.decode()
    assert b"Return-Path: <ann@a.test>" in got
    # as an independent verifier sees it, with our trace fields still on top
    records = {line.split(" TXT ")[0]: line.split(" TXT ")[1].replace('" "', "").strip('"')
               for line in zone((a, "a.test")).splitlines() if " TXT " in line}
    assert dkim.verify(got.replace(b"\n", b"\r\n"),
                       dnsfunc=lambda name, timeout=5: records.get(name.decode().rstrip("."), "").encode())

    c = b"From: Bob <bob@b.test>\r\nTo: ann@a.test\r\nSubject: back\r\n\r\nhello ann\r\n"
    with smtp_at(b) as s:
        s.sendmail("bob@b.test", ["ann@a.test"], c)
    back = wait_for(lambda: a.delivered("ann@a.test"), 10, "mail at a")[0].read_bytes()
    assert b"dkim=pass" in back and b"header.d=b.test" in back


def smtp_at(stack):
    import smtplib
    import ssl
    c = smtplib.SMTP("127.0.0.2", stack.port(587), local_hostname="client.example.org", timeout=30)
    tls = ssl.create_default_context(cafile=str(stack.dir / "tls" / "cert.pem"))
    tls.check_hostname = False
    c.starttls(context=tls)
    c.login("bob@b.test", "secret")
    return c


def test_a_tampered_message_does_not_verify(pair):
    a, b, dns = pair
    a.setup("config", "dkim", "domain", "a.test")
    dns.set_zone(zone((a, "a.test")))
    wait_for(lambda: has_key(a), 5, "keys")
    with a.smtp_submit("ann@a.test", "secret") as c:
        c.sendmail("ann@a.test", ["ann@a.test", "bob@b.test"],
                   "From: ann@a.test\r\nSubject: one\r\n\r\nhello\r\n")
    got = wait_for(lambda: b.delivered("bob@b.test"), 10, "mail at b")[0].read_bytes()
    signed = got[got.index(b"DKIM-Signature:"):].replace(b"\n", b"\r\n")
    import smtplib
    with smtplib.SMTP("127.0.0.2", b.port(25), local_hostname="evil.example.org") as c:
        c.sendmail("x@evil.example.org", ["bob@b.test"],
                   b"Authentication-Results: mail.b.test; dkim=pass header.d=a.test\r\n" +
                   signed.replace(b"hello", b"hallo"))
    wait_for(lambda: len(b.delivered("bob@b.test")) == 2, 10, "second mail")
    for path in b.delivered("bob@b.test"):
        text = path.read_text()
        if "hallo" in text:
            assert "dkim=fail" in text and "dkim=pass" not in text, text
            break
    else:
        raise AssertionError("the tampered message is not there")
