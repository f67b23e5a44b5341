"""DMARC and ARC through the whole stack, python3-dkim at the other end."""

import smtplib
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

dkim = pytest.importorskip("dkim")

from fakedns import FakeDns  # noqa: E402
from smtpsink import Sink  # noqa: E402
from stack import wait_for  # noqa: E402
from test_dkim import Keys, make_key, record, zone_line  # noqa: E402

DEMO = "demo@example.test"
ZONE = """
_dmarc.strictly.test TXT "v=DMARC1; p=reject"
_dmarc.softly.test TXT "v=DMARC1; p=quarantine"
_dmarc.only.test TXT "v=DMARC1; p=none"
_dmarc.half.test TXT "v=DMARC1; p=reject; pct=0"
_dmarc.later.test TXT "v=DMARC1; p=reject"
later._domainkey.later.test SERVFAIL
strictly.test TXT "v=spf1 -all"
softly.test TXT "v=spf1 -all"
"""


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    path = tmp_path_factory.mktemp("key") / "k.pem"
    return path, make_key("2048", str(path))


@pytest.fixture
def dns(key):
    d = FakeDns(zone(key)).start()
    yield d
    d.stop()


def zone(key):
    return ZONE + "\n".join(zone_line(f"s._domainkey.{d}", record("rsa", key[1]))
                            for d in ("strictly.test", "a.strictly.test", "lists.test"))


def message(author, subject, extra=""):
    return (f"{extra}From: {author}\r\nTo: {DEMO}\r\nSubject: {subject}\r\n"
            "Date: Fri, 27 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@x.test>\r\n"
            "\r\nHello\r\n").encode()


def signed(key, text, domain):
    return dkim.sign(text, b"s", domain.encode(), key[0].read_bytes()) + text


def send(stack, text, sender="b@bounces.test", to=DEMO, client="127.0.0.2"):
    """From an address that is not "localhost", whose mail is not judged."""
    with smtplib.SMTP("127.0.0.1", stack.port(25), source_address=(client, 0), timeout=30,
                      local_hostname="client.example.org") as c:
        c.sendmail(sender, [to], text)


def refusal(stack, text, **kw):
    with pytest.raises(smtplib.SMTPDataError) as e:
        send(stack, text, **kw)
    return e.value.smtp_code, e.value.smtp_error.decode()


def arrived(stack, subject, folder=""):
    def found():
        for p in stack.delivered(DEMO, folder):
            text = p.read_bytes().replace(b"\r\n", b"\n").decode()
            if f"Subject: {subject}\n" in text:
                return text.split("\n\n")[0].replace("\n\t", " ").replace("\n ", " ")
        return None
    return wait_for(found, what=subject)


def test_policies_are_obeyed(make_stack, dns, key):
    stack = make_stack(env={"DNS_SERVERS": dns.address})
    code, text = refusal(stack, message("a@strictly.test", "forged"))
    assert code == 550 and text.startswith("5.7.1 rejected by DMARC policy for strictly.test")
    assert "sign with DKIM d=strictly.test" in text and "127.0.0.2" in text
    assert "http" not in text and len(text) < 500
    stack.wait_log("event=dmarc from=strictly.test result=fail policy=reject action=reject")

    for domain in ("strictly.test", "a.strictly.test"):
        send(stack, signed(key, message("a@strictly.test", "from " + domain), domain))
        header = arrived(stack, "from " + domain)
        assert "dmarc=pass (p=reject dis=none) header.from=strictly.test" in header
        assert "X-Spam-Flag" not in header

    # Signed by somebody else: not aligned.
    code, text = refusal(stack, signed(key, message("a@strictly.test", "x"), "lists.test"))
    assert code == 550 and "DKIM pass for lists.test" in text

    send(stack, message("a@softly.test", "odd"))
    header = arrived(stack, "odd", ".Junk")
    assert "dmarc=fail (p=quarantine dis=quarantine)" in header
    assert "X-Spam-Flag: YES" in header

    send(stack, message("a@only.test", "watched"))
    assert "dmarc=fail (p=none dis=none)" in arrived(stack, "watched")
    send(stack, message("a@half.test", "sampled"))
    assert "dmarc=fail (p=reject dis=quarantine)" in arrived(stack, "sampled", ".Junk")
    send(stack, message("a@nothing.test", "free"))
    assert "dmarc=none header.from=nothing.test" in arrived(stack, "free")


def test_a_key_that_cannot_be_had_is_waited_for(make_stack, dns, key):
    stack = make_stack(env={"DNS_SERVERS": dns.address})
    text = message("a@later.test", "x")
    text = dkim.sign(text, b"later", b"later.test", key[0].read_bytes()) + text
    code, reply = refusal(stack, text)
    assert code == 451 and reply.startswith("4.7.1 DMARC policy of later.test cannot be checked")


def test_authors_that_get_around_policies(make_stack, dns):
    stack = make_stack(env={"DNS_SERVERS": dns.address})
    for header in ("From: a@nothing.test\r\nFrom: a@strictly.test",
                   "From: a@nothing.test, b@strictly.test",
                   "From: team: a@nothing.test;",
                   "From: undisclosed:;",
                   "From: a@strictly.test <a@nothing.test>",
                   "Subject: no author",
                   "From: nobody"):
        code, text = refusal(stack, header.encode() + b"\r\nSubject: x\r\n\r\nx\r\n")
        assert code == 550 and text.startswith("5.7.1 Message refused: "), header
    many = b"X: y\r\n" * 10000
    code, text = refusal(stack, many + message("a@nothing.test", "x"))
    assert code in (550, 554)


@pytest.mark.parametrize("setting,folder", [("quarantine", ".Junk"), ("accept", "")])
def test_bad_authors_by_setting(make_stack, dns, setting, folder):
    stack = make_stack(env={"DNS_SERVERS": dns.address, "PILLARBOX_INVALID_FROM": setting})
    send(stack, b"From: nobody\r\nSubject: odd\r\n\r\nx\r\n")
    assert "dmarc=permerror" in arrived(stack, "odd", folder)


def test_without_enforcement(make_stack, dns):
    stack = make_stack(env={"DNS_SERVERS": dns.address, "ENABLE_OPENDMARC": "0"})
    send(stack, message("a@strictly.test", "forged"))
    assert "dmarc=fail (p=reject dis=none)" in arrived(stack, "forged")


def test_spam_stays_in_the_inbox_by_setting(make_stack, dns):
    stack = make_stack(env={"DNS_SERVERS": dns.address, "MOVE_SPAM_TO_JUNK": "0",
                            "MARK_SPAM_AS_READ": "1"})
    send(stack, message("a@softly.test", "odd"))
    assert "X-Spam-Flag: YES" in arrived(stack, "odd")
    assert all(p.name.endswith("S") for p in stack.delivered(DEMO) if b"Subject: odd" in p.read_bytes())


def test_trusted_forwarders(make_stack, dns):
    stack = make_stack(env={"DNS_SERVERS": dns.address,
                            "PILLARBOX_DMARC_TRUSTED_NETWORKS": "127.0.0.2/31"})
    send(stack, message("a@strictly.test", "forwarded"))
    header = arrived(stack, "forwarded")
    assert "dmarc=fail (p=reject dis=none) reason=\"accepted from trusted forwarder" in header
    assert refusal(stack, message("a@strictly.test", "x"), client="127.0.0.4")[0] == 550
    # A program on this host speaks for itself.
    send(stack, message("a@strictly.test", "local"), client="127.0.0.1")
    assert "reason=\"accepted because it comes from this host\"" in arrived(stack, "local")


def sealed(key, text, results, broken=b""):
    """The message after lists.test changed and sealed it."""
    text = b"Authentication-Results: lists.test; " + results + b"\r\n" + text + broken
    fields = dkim.arc_sign(text, b"s", b"lists.test", key[0].read_bytes(), b"lists.test")
    return b"".join(fields) + text


def test_trusted_sealers(make_stack, dns, key):
    stack = make_stack(env={"DNS_SERVERS": dns.address,
                            "PILLARBOX_ARC_TRUSTED_SEALERS": "other.test, Lists.test"})
    good = b"dmarc=pass header.from=strictly.test; arc=none"
    send(stack, sealed(key, message("a@strictly.test", "listed"), good))
    header = arrived(stack, "listed")
    assert "arc=pass" in header and " header.oldest-pass=0;" in header
    assert "dis=none) reason=\"accepted because trusted sealer lists.test saw it pass" in header
    send(stack, sealed(key, message("a@strictly.test", "list2"),
                       b"dkim=pass header.d=a.strictly.test"))
    arrived(stack, "list2")
    # What it did not see pass, what it saw of somebody else, what was changed.
    for results in (b"dmarc=fail header.from=strictly.test",
                    b"dmarc=pass header.from=nothing.test",
                    b"dkim=pass header.d=other.test"):
        assert refusal(stack, sealed(key, message("a@strictly.test", "x"), results))[0] == 550
    text = sealed(key, message("a@strictly.test", "x"), good)
    assert refusal(stack, text.replace(b"Hello", b"Hallo"))[0] == 550
    assert refusal(stack, text.replace(b"arc=none", b"arc=pass"))[0] == 550


def test_sealers_nobody_trusts(make_stack, dns, key):
    stack = make_stack(env={"DNS_SERVERS": dns.address})
    assert refusal(stack, sealed(key, message("a@strictly.test", "x"),
                                 b"dmarc=pass header.from=strictly.test"))[0] == 550


@pytest.mark.parametrize("kinds", [["2048"], ["ed25519", "2048"]])
def test_forwarded_mail_is_sealed(make_stack, tmp_path, dns, key, kinds):
    keys = Keys(tmp_path, kinds)
    sink = Sink(host="127.0.0.2").start()
    dns.set_zone(zone(key) + "\nother.test MX 10 a.other.test\na.other.test A 127.0.0.2")
    stack = make_stack(env={"DNS_SERVERS": dns.address, "PILLARBOX_RELAY_PORT": sink.port},
                       files={**keys.files,
                              "postfix-virtual.cf": "away@example.test u@other.test\n"})
    records = {k: v.encode() for k, v in keys.records.items()}
    records["s._domainkey.lists.test"] = record("rsa", key[1]).encode()

    def lookup(name, timeout=5):
        return records.get(name.decode().rstrip("."))

    try:
        send(stack, signed(key, message("a@strictly.test", "first"), "strictly.test"),
             to="away@example.test")
        send(stack, sealed(key, message("a@nothing.test", "second"), b"spf=pass"),
             to="away@example.test")
        send(stack, sealed(key, message("a@nothing.test", "third"), b"spf=pass", b"more\r\n")
             .replace(b"Hello", b"Hallo"), to="away@example.test")
        bodies = {}
        for m in sink.wait(3):
            bodies[m.body.split(b"Subject: ")[1].split(b"\r\n")[0]] = m.body
    finally:
        sink.stop()
    cv, results, _ = dkim.arc_verify(bodies[b"first"], dnsfunc=lookup)
    assert cv == b"pass" and len(results) == 1, results
    assert b"ARC-Authentication-Results: i=1; mail.example.test;" in bodies[b"first"]
    assert b"dmarc=pass" in bodies[b"first"].split(b"ARC-Authentication-Results")[1]
    assert dkim.verify(bodies[b"first"], dnsfunc=lambda name, timeout=5: record("rsa", key[1]).encode())
    cv, results, _ = dkim.arc_verify(bodies[b"second"], dnsfunc=lookup)
    assert cv == b"pass" and len(results) == 2, results
    assert b"cv=fail" in bodies[b"third"]
    assert dkim.arc_verify(bodies[b"third"], dnsfunc=lookup)[0] != b"pass"


def test_servers_that_are_not_there_make_nobody_wait(make_stack, dns):
    """The stack's DNS is a port where nobody listens, until somebody does."""
    stack = make_stack()
    start = time.monotonic()
    for i in range(5):
        send(stack, message(f"a@away{i}.test", f"away{i}"))
    assert time.monotonic() - start < 5
    assert "dmarc=temperror" in arrived(stack, "away4")
    stack.wait_log("event=dns-refused")


def test_servers_that_come_back_are_asked(make_stack, key):
    d = FakeDns().start()
    address = d.address
    d.stop()
    stack = make_stack(env={"DNS_SERVERS": address})
    send(stack, message("a@strictly.test", "unknown"))
    assert "dmarc=temperror" in arrived(stack, "unknown")
    d = FakeDns(zone(key), port=int(address.split("@")[1])).start()
    try:
        assert wait_for(lambda: refused_now(stack), what="an answer")
    finally:
        d.stop()


def refused_now(stack):
    try:
        send(stack, message("a@strictly.test", "forged"))
    except smtplib.SMTPDataError as e:
        return e.smtp_code == 550
    return False
