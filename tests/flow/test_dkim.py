"""Signing and verifying DKIM, through the whole stack and with another
implementation (python3-dkim) at the other end."""

import base64
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

dkim = pytest.importorskip("dkim")

from fakedns import FakeDns  # noqa: E402
from smtpsink import Sink  # noqa: E402
from stack import wait_for  # noqa: E402

DEMO = "demo@example.test"


def openssl(*words):
    return subprocess.run(["openssl", *words], check=True, capture_output=True).stdout


def make_key(kind, path):
    """A private key in PEM; returns the p= of its record."""
    if kind == "ed25519":
        openssl("genpkey", "-algorithm", "ed25519", "-out", path)
    else:
        openssl("genrsa", "-out", path, kind)
    der = openssl("pkey", "-in", path, "-pubout", "-outform", "DER")
    return base64.b64encode(der[-32:] if kind == "ed25519" else der).decode()


def record(kind, p):
    return f"v=DKIM1; k={'ed25519' if kind == 'ed25519' else 'rsa'}; p={p}"


def zone_line(name, text):
    parts = " ".join(f'"{text[i:i + 200]}"' for i in range(0, len(text), 200))
    return f"{name} TXT {parts}"


class Keys:
    """An opendkim/ folder with two keys for example.test."""

    def __init__(self, folder, kinds):
        self.records = {}
        self.files = {"opendkim/KeyTable": "", "opendkim/SigningTable": ""}
        for kind in kinds:
            path = folder / f"{kind}.pem"
            name = f"s{kind}._domainkey.example.test"
            self.records[name] = record(kind, make_key(kind, str(path)))
            file = f"keys/example.test/s{kind}.private"
            self.files["opendkim/" + file] = path.read_text()
            self.files["opendkim/KeyTable"] += (
                f"{name} example.test:s{kind}:/etc/opendkim/{file}\n")
            self.files["opendkim/SigningTable"] += f"*@example.test {name}\n"


@pytest.fixture
def dns():
    d = FakeDns().start()
    yield d
    d.stop()


@pytest.mark.parametrize("kinds", [["1024"], ["2048", "ed25519"], ["4096"]])
def test_what_we_send_is_signed(make_stack, tmp_path, dns, kinds):
    keys = Keys(tmp_path, kinds)
    sink = Sink(host="127.0.0.2").start()
    dns.set_zone("other.test MX 10 a.other.test\na.other.test A 127.0.0.2")
    stack = make_stack(env={"DNS_SERVERS": dns.address,
                            "PILLARBOX_RELAY_PORT": sink.port}, files=keys.files)
    try:
        with stack.smtp_submit() as c:
            c.sendmail(DEMO, ["u@other.test"],
                       f"From: Demo <{DEMO}>\r\nTo: u@other.test\r\nBcc: x@other.test\r\n"
                       "Subject: signed  \r\n here\r\n\r\n.text  with\t blanks \r\n\r\n\r\n")
        body = sink.wait(1)[0].body
    finally:
        sink.stop()
    assert body.count(b"DKIM-Signature:") == len(kinds)
    for i in range(len(kinds)):
        assert dkim.DKIM(body).verify(
            idx=i, dnsfunc=lambda name, timeout=5: keys.records[name.decode().rstrip(".")].encode())

    def still_good(field):
        return dkim.verify(
            field + b": evil@x.test\r\n" + body,
            dnsfunc=lambda name, timeout=5: keys.records[name.decode().rstrip(".")].encode())

    # A second From on top breaks it (RFC 6376 8.15), but not what lists add.
    for field in (b"From", b"Subject", b"To", b"Date", b"Message-ID"):
        assert not still_good(field), field
    for field in (b"List-Id", b"List-Unsubscribe", b"Sender"):
        assert still_good(field), field


def test_a_subdomain_is_signed_by_the_domain_above(make_stack, tmp_path, dns):
    keys = Keys(tmp_path, ["2048", "ed25519"])
    sink = Sink(host="127.0.0.2").start()
    dns.set_zone("other.test MX 10 a.other.test\na.other.test A 127.0.0.2")
    stack = make_stack(env={"DNS_SERVERS": dns.address,
                            "PILLARBOX_RELAY_PORT": sink.port}, files=keys.files)
    try:
        with stack.smtp_submit() as c:
            c.sendmail(DEMO, ["u@other.test"],
                       "From: demo@sub.example.test\r\nSubject: x\r\n\r\nx\r\n")
        body = sink.wait(1)[0].body
    finally:
        sink.stop()
    assert body.count(b"d=example.test;") == 2
    for i in range(2):
        assert dkim.DKIM(body).verify(
            idx=i, dnsfunc=lambda name, timeout=5: keys.records[name.decode().rstrip(".")].encode())


def deliver(stack, message, subject):
    with stack.smtp() as c:
        c.sendmail("j@far.test", [DEMO], message)

    def found():
        for p in stack.delivered(DEMO):
            text = p.read_bytes().replace(b"\r\n", b"\n")
            if b"Subject: " + subject.encode() in text:
                return text.decode()
        return None
    return wait_for(found, what=subject)


def results(text):
    """The folded lines of our Authentication-Results."""
    lines = text.split("\n\n")[0].replace("\n\t", " ").replace("\n ", " ").split("\n")
    return [x for x in lines if x.startswith("Authentication-Results:")]


def test_what_arrives_is_judged(make_stack, tmp_path, dns):
    path = tmp_path / "k.pem"
    p = make_key("2048", str(path))
    dns.set_zone(zone_line("s._domainkey.far.test", record("rsa", p))
                 + "\nlater._domainkey.far.test SERVFAIL")
    stack = make_stack(env={"DNS_SERVERS": dns.address})

    def signed(subject, selector=b"s", canon=b"relaxed"):
        m = f"From: j@far.test\r\nSubject: {subject}\r\n\r\nHello  there\r\n".encode()
        return dkim.sign(m, selector, b"far.test", path.read_bytes(),
                         canonicalize=(canon, canon)) + m

    for canon in (b"relaxed", b"simple"):
        text = deliver(stack, signed("good" + canon.decode(), canon=canon), "good" + canon.decode())
        assert len(results(text)) == 1
        assert "mail.example.test; dkim=pass header.d=far.test header.s=s header.a=rsa-sha256" \
            in results(text)[0]
    cases = [("altered", signed("altered").replace(b"Hello", b"Hallo"), "dkim=fail"),
             ("nokey", signed("nokey", b"none"), "dkim=permerror"),
             ("later", signed("later", b"later"), "dkim=temperror"),
             ("unsigned", b"From: j@far.test\r\nSubject: unsigned\r\n\r\nx\r\n", "dkim=none")]
    for subject, message, want in cases:
        assert want in results(deliver(stack, message, subject))[0], subject


def test_forged_results_are_removed(make_stack, dns):
    stack = make_stack(env={"DNS_SERVERS": dns.address})
    text = deliver(stack, b"Authentication-Results: mail.example.test;\r\n dkim=pass header.d=bank.test\r\n"
                          b"From: j@far.test\r\nSubject: forged\r\n"
                          b"AUTHENTICATION-RESULTS: (x) Mail.Example.Test; spf=pass\r\n"
                          b"Authentication-Results: elsewhere.test; spf=pass\r\n\r\nx\r\n", "forged")
    assert "bank.test" not in text and "(x)" not in text
    assert [x.split()[1] for x in results(text)] == ["mail.example.test;", "elsewhere.test;"]


def test_new_key_signs_without_a_restart(make_stack, tmp_path, dns):
    keys = Keys(tmp_path, ["2048"])
    sink = Sink(host="127.0.0.2").start()
    dns.set_zone("other.test MX 10 a.other.test\na.other.test A 127.0.0.2")
    stack = make_stack(env={"DNS_SERVERS": dns.address, "PILLARBOX_RELAY_PORT": sink.port})
    try:
        for name in reversed(keys.files):
            stack.config(name).parent.mkdir(parents=True, exist_ok=True)
            stack.config(name).write_text(keys.files[name])
        stack.wait_log("event=dkim-tables", 15)
        with stack.smtp_submit() as c:
            c.sendmail(DEMO, ["u@other.test"], f"From: {DEMO}\r\nSubject: x\r\n\r\nx\r\n")
        assert b"DKIM-Signature: v=1; a=rsa-sha256;" in sink.wait(1)[0].body
    finally:
        sink.stop()
