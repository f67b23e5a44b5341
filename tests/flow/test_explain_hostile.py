"""Messages and DNS answers made to cost: setup explain ends soon, in little
memory, and what was not looked at has not passed."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

pytest.importorskip("cryptography")
pytest.importorskip("dkim")

import forge  # noqa: E402
from judges import BIN, Key  # noqa: E402

MESSAGE = b"From: A <a@far.test>\r\nTo: b@near.test\r\nSubject: x\r\n\r\nHello\r\n"
CPU_SECONDS = 5        # some take 1.5 s, the most 0.2 s
MEMORY = 64 << 20      # beside the message, which is held twice while line ends are mended


@pytest.fixture(scope="module")
def key(dns, tmp_path_factory):
    k = Key(tmp_path_factory.mktemp("keys"), "1024")
    publish(dns, k, [k.record])
    return k


def publish(dns, key, *records):
    """Each record a list of strings."""
    with dns.lock:
        for domain in ("far.test", "near.test"):
            name = f"{key.selector}._domainkey.{domain}"
            dns.zone.names.add(name)
            dns.zone.records[(name, 16)] = [
                b"".join(bytes([len(s)]) + s.encode() for s in cut(r)) for r in records]


def cut(strings):
    return [s[i:i + 255] for s in strings for i in range(0, len(s) or 1, 255)]


@pytest.fixture
def explain(dns, tmp_path):
    def run(what, message, *more):
        (tmp_path / "m.eml").write_bytes(message)
        room = MEMORY + 3 * len(message)
        if "san" in BIN.parts:
            room = resource.RLIM_INFINITY  # a sanitizer maps more than that
        out = open(tmp_path / "out", "w+b")
        p = subprocess.Popen([BIN / "setup", "explain", what, tmp_path / "m.eml", "--dns",
                              dns.address, *more], stdout=out, preexec_fn=lambda:
                             resource.setrlimit(resource.RLIMIT_DATA, (room, room)),
                             env={"PATH": os.environ["PATH"], "PILLARBOX_CONFIG_DIR": str(tmp_path)})
        _, status, used = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
        assert p.returncode == 0
        assert used.ru_utime + used.ru_stime < CPU_SECONDS
        out.seek(0)
        return out.read().decode()

    return run


def test_headers(explain, key):
    signed = forge.dkim(MESSAGE, key)
    assert explain("dkim", signed + b"X: y\r\n" * 1990 + MESSAGE).startswith("pass ")
    for name, text in {
            "fields": b"X: y\r\n" * 10000, "a long field": b"X: " + b"y" * 1000000 + b"\r\n",
            "a folded field": b"X: " + b"y\r\n " * 300000 + b"\r\n"}.items():
        # A second From behind what is looked at must not go unseen.
        said = explain("dkim", signed + text + MESSAGE)
        assert said.startswith("permerror ") and "the header " in said, name
        said = explain("arc", forge.arc(MESSAGE, key, 1) + text + MESSAGE)
        assert said.startswith("fail: "), name
        said = explain("dmarc", signed + text + MESSAGE, "--spf", "none:x.test")
        assert said.startswith("permerror "), name


def test_signatures(explain, key):
    said = explain("dkim", forge.dkim(MESSAGE, key) * 200 + MESSAGE).splitlines()
    assert [x.split()[0] for x in said[:21]] == ["pass"] * 20 + ["Only"]
    for n, word in ((40000, "pass "), (60000, "permerror ")):
        names = forge.DKIM.replace("h=from", "h=" + "from:" * n + "from")
        assert explain("dkim", forge.dkim(MESSAGE, key, names) + MESSAGE).startswith(word)
    many = forge.DKIM + ";" + ";".join(f"a{i}=1" for i in range(10000))
    assert "too many tags" in explain("dkim", forge.dkim(MESSAGE, key, many) + MESSAGE)
    # As many hashes of a body as there can be.
    text = MESSAGE + b"x y " * 60000
    lengths = b"".join(forge.dkim(text, key, forge.DKIM.replace("; d=", f"; l={i}; d="), length=i)
                       for i in range(1, 21))
    assert explain("dkim", lengths + text).count("pass ") == 20


def test_bodies(explain, key):
    for body in (b"Hello", b"", b"\r" * 3000000, b"\r\n" * 1000000 + b"x",
                 b" " * 3000000 + b"\r\n",
                 os.urandom(1000000).replace(b"\n", b"").replace(b"\r", b"")):
        text = MESSAGE.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + body
        signed = forge.dkim(text, key) + text
        assert explain("dkim", signed).startswith("pass "), body[:9]
        assert explain("dkim", signed + b"x").startswith("fail "), body[:9]
    for text in (b"", b":" * 100000, b"\0" * 100000, b"\r\n" * 100000):
        assert explain("dkim", text).startswith("none: ")
        assert explain("arc", text).startswith("none: ")


def test_chains(explain, key):
    text = MESSAGE
    lengths = forge.AMS.replace("; d=", "; l={l}; d=")
    for i in range(1, 51):
        text = forge.arc(text, key, i, ams=lengths.replace("{l}", str(i % 5 + 1)),
                         length=i % 5 + 1) + text
    said = explain("arc", text)
    assert said.startswith("pass: 50 sets") and "\noldest-pass=50: " in said
    assert explain("arc", text.removesuffix(MESSAGE) + text).startswith("fail: ")
    for more in (b"ARC-Authentication-Results: i=1; x\r\n" * 1900,
                 b"ARC-Authentication-Results: " + b"(" * 200000 + b"\r\n",
                 b"ARC-Seal: i=1" + b";" * 200000 + b"\r\n"):
        assert explain("arc", more + MESSAGE).startswith("fail: ")


@pytest.mark.parametrize("record,good", [
    (lambda r: [r[:50], *r[50:], *[""] * 260], True),            # 500 strings
    (lambda r: [r + "; n=" + "x" * 60000], True),
    (lambda r: ["v=DKIM1; p=" + "A" * 60000], False),
    (lambda r: ["x" * 65000], False),
    (lambda r: [";" * 60000], False),
    (lambda r: [";".join(f"a{i}=1" for i in range(6000))], False),
    (lambda r: ["v=DKIM1; p=\0\0"], False),
], ids=["strings", "long", "long key", "junk", "semicolons", "tags", "NUL"])
def test_records(explain, dns, key, record, good):
    publish(dns, key, record(key.record))
    try:
        said = explain("dkim", forge.dkim(MESSAGE, key) + MESSAGE)
    finally:
        publish(dns, key, [key.record])
    assert said.startswith("pass ") == good


def test_many_records(explain, dns, key):
    publish(dns, key, *[[f"x={i}"] for i in range(500)], [key.record])
    try:
        said = explain("dkim", forge.dkim(MESSAGE, key) + MESSAGE)
    finally:
        publish(dns, key, [key.record])
    assert said.startswith(("pass ", "temperror "))  # more than we take is no answer


def test_authors(explain, key):
    many = b"From: " + b"a@far.test, " * 20000 + b"b@other.test\r\n\r\nx\r\n"
    assert explain("dmarc", many, "--spf", "pass:far.test").startswith("permerror ")
