"""setup explain dkim, arc and dmarc, setup dkim sign and arc seal: with another
implementation (python3-dkim) at the other end, in both directions. None of
them needs a running server."""

import base64
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

dkim = pytest.importorskip("dkim")

from fakedns import FakeDns  # noqa: E402
from stack import BIN  # noqa: E402
from test_dkim import Keys, make_key, record, zone_line  # noqa: E402

KINDS = {"r1024": "1024", "r2048": "2048", "e": "ed25519"}
POLICIES = """
_dmarc.far.test TXT "v=DMARC1; p=reject; sp=quarantine"
_dmarc.half.test TXT "v=DMARC1; p=reject; pct=20"
far.test TXT "v=spf1 ip4:192.0.2.1 -all"
a.far.test A 192.0.2.1
"""


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Selector: (path of the private key, DNS record)"""
    folder = tmp_path_factory.mktemp("keys")
    out = {}
    for selector, kind in KINDS.items():
        path = folder / (selector + ".pem")
        out[selector] = (path, record(kind, make_key(kind, str(path))))
    return out


@pytest.fixture(scope="module")
def dns(keys):
    d = FakeDns(POLICIES + "\n".join(
        zone_line(f"{s}._domainkey.{domain}", r)
        for s, (_, r) in keys.items() for domain in ("far.test", "near.test"))).start()
    yield d
    d.stop()


@pytest.fixture
def lookup(keys):
    def answer(name, timeout=5):
        return keys[name.decode().split(".")[0]][1].encode()
    return answer


@pytest.fixture
def setup(tmp_path, dns):
    class Setup:
        config = tmp_path

        def __call__(self, *words, message=None, ask=True, status=0):
            self.stderr = ""
            if message is not None:
                (tmp_path / "m.eml").write_bytes(message)
                words = [tmp_path / "m.eml" if w == "M" else w for w in words]
            r = subprocess.run(
                [BIN / "setup", *words, *(["--dns", dns.address] if ask else [])],
                env={"PATH": os.environ["PATH"], "PILLARBOX_CONFIG_DIR": str(tmp_path)},
                capture_output=True, timeout=60)
            assert r.returncode == status, r.stderr
            self.stderr = r.stderr.decode()
            return r.stdout

    return Setup()


def private(path):
    """In the form python3-dkim wants: PEM, or base64 of an Ed25519 seed."""
    text = path.read_bytes()
    der = base64.b64decode(b"".join(text.splitlines()[1:-1]))
    return base64.b64encode(der[-32:]) if len(der) < 64 else text


def messages():
    """The same in every run; each strange in some way."""
    r = random.Random(5)
    bodies = [b"", b"\r\n", b"\r\n\r\n\r\n", b"no end of line", b"a  b \t\r\n\r\n c\r\n\r\n\r\n",
              b" \r\n", b".\r\n..\r\n", b"\xff\x00\xfe\r\n", b"x" * 100000]
    bodies += [bytes(r.choice(b"ab \t\r\n.") for _ in range(r.randrange(200))).replace(b"\r", b"")
               .replace(b"\n", b"\r\n") for _ in range(12)]
    # Blanks at the very end, without a line end, are read in two ways.
    bodies = [b if b.endswith(b"\n") else b.rstrip() for b in bodies]
    for i, body in enumerate(bodies):
        fields = [b"From: A <a@far.test>", b"To: b@near.test", b"Subject:  %d \t x " % i,
                  b"subject: twice", b"X-Long: " + b"word " * 15 + b"\r\n\t" + b"more  " * 5,
                  b"Date: Fri, 27 Nov 2026 12:00:00 +0000", b"MESSAGE-ID:<%d@far.test>" % i,
                  b"Empty:", b"Received: from x\r\n by y", b"Received: from y\r\n by z"]
        r.shuffle(fields)
        yield b"\r\n".join(fields) + b"\r\n\r\n" + body


@pytest.mark.parametrize("canon", ["relaxed/relaxed", "relaxed/simple", "simple/relaxed",
                                   "simple/simple"])
def test_signatures_of_each_other(setup, keys, lookup, canon):
    r = random.Random(canon)
    for i, m in enumerate(messages()):
        selector = list(keys)[i % len(keys)]
        kind = b"ed25519-sha256" if selector == "e" else b"rsa-sha256"
        theirs = dkim.sign(m, selector.encode(), b"far.test", private(keys[selector][0]),
                           canonicalize=tuple(canon.encode().split(b"/")), signature_algorithm=kind)
        ours = setup("dkim", "sign", "M", "--key", keys[selector][0], "--selector", selector,
                     "--canon", canon, message=m, ask=False)
        assert dkim.verify(ours + m, dnsfunc=lookup), (i, selector)
        lines = setup("explain", "dkim", "M", message=ours + theirs + m).decode().splitlines()
        assert lines[0].startswith(f"pass d=far.test s={selector} a={kind.decode()}"), (i, lines)
        assert lines[1].startswith("pass "), (i, lines)
        # One byte anywhere changed: both say the same.
        at = r.randrange(len(ours), len(ours + m))
        bad = (ours + m)[:at] + b"q" + (ours + m)[at + 1:]
        if b"\r\n" not in bad[at - 2:at + 2]:
            word = setup("explain", "dkim", "M", message=bad).split()[0]
            try:
                expected = dkim.verify(bad, dnsfunc=lookup)
            except dkim.DKIMException:
                expected = False
            assert (word == b"pass") == expected, (i, at, bad[at - 20:at + 20])


def test_a_named_domain_signs_without_an_author(setup, keys, lookup):
    m = b"From: nobody\r\nSubject: x\r\n\r\nx\r\n"
    words = ("dkim", "sign", "M", "--key", keys["r2048"][0], "--selector", "r2048")
    ours = setup(*words, "--domain", "far.test", message=m, ask=False)
    assert dkim.verify(ours + m, dnsfunc=lookup)
    setup(*words, message=m, ask=False, status=1)
    assert "--domain" in setup.stderr
    setup(*words, "--domain", "far.test", message=b"Subject: x\r\n\r\nx\r\n", ask=False, status=1)
    assert "no From field" in setup.stderr


def test_chains_of_each_other(setup, keys, lookup):
    for i, m in enumerate(messages()):
        if i % 4 != 0:
            continue
        text = m
        for hop in range(4):
            results = (b"Authentication-Results: near.test; spf=pass smtp.mailfrom=far.test;"
                       b"\r\n arc=" + (b"pass" if hop else b"none") + b"\r\n")
            if hop % 2 == i % 8 // 4:
                fields = setup("arc", "seal", "M", "--key", keys["r2048"][0], "--selector",
                               "r2048", "--domain", "near.test", "--authserv-id", "near.test",
                               message=results + text)
            else:
                fields = b"".join(dkim.arc_sign(
                    results + text, b"r2048", b"near.test", keys["r2048"][0].read_bytes(), b"near.test"))
            text = fields + text
            cv, results, why = dkim.arc_verify(text, dnsfunc=lookup)
            assert cv == b"pass" and len(results) == hop + 1, (i, hop, why)
            said = json.loads(setup("explain", "arc", "M", "--json", message=text))
            assert said["result"] == "pass" and len(said["sets"]) == hop + 1, (i, hop, said)
        for bad in (text.replace(b"i=2", b"i=5"), text.replace(b"cv=pass", b"cv=none", 1),
                    text.replace(b"ARC-Seal: i=1", b"X: i=1"), text.replace(b"a@far", b"b@far"),
                    text.replace(b"spf=pass", b"spf=fail"),
                    text.replace(b"ARC-Authentication-Results: i=3", b"X: i=3"),
                    text + b"more\r\n"):
            assert dkim.arc_verify(bad, dnsfunc=lookup)[0] != b"pass"
            assert setup("explain", "arc", "M", message=bad).startswith(b"fail: ")


def test_chain_that_failed_is_sealed_once(setup, keys):
    options = ("--key", keys["r2048"][0], "--selector", "r2048", "--domain", "near.test")
    m = b"From: a@far.test\r\n\r\nx\r\n"
    text = setup("arc", "seal", "M", *options, message=m) + m + b"changed\r\n"
    failed = setup("arc", "seal", "M", *options, message=text)
    assert b"ARC-Seal: i=2;" in failed and b"cv=fail" in failed
    assert setup("explain", "arc", "M", message=failed + text).startswith(
        b"fail: set i=2: a sealer found the chain broken")
    setup("arc", "seal", "M", *options, message=failed + text, status=1)


def test_fifty_sets_and_no_more(setup, keys):
    options = ("--key", keys["e"][0], "--selector", "e", "--domain", "near.test", "--cv")
    text = b"From: a@far.test\r\n\r\nx\r\n"
    for i in range(50):
        text = setup("arc", "seal", "M", *options, "pass" if i else "none", message=text,
                     ask=False) + text
    assert setup("explain", "arc", "M", message=text).startswith(b"pass: 50 sets")
    setup("arc", "seal", "M", *options, "pass", message=text, ask=False, status=1)


def test_dkim_one_line_a_signature(setup, keys):
    m = b"From: a@far.test\nSubject: x\n\nHello\n"  # LF, as files have it
    good = setup("dkim", "sign", "M", "--key", keys["e"][0], "--selector", "e", message=m, ask=False)
    lost = setup("dkim", "sign", "M", "--key", keys["e"][0], "--selector", "gone", message=m,
                 ask=False)
    out = setup("explain", "dkim", "M", message=b"DKIM-Signature: v=1; a=x\r\n" + lost + good + m)
    words = [line.split()[0] for line in out.decode().splitlines()]
    assert words[:4] == ["permerror", "permerror", "pass", "Lookups:"]
    assert "TXT gone._domainkey.far.test: no such name" in out.decode()
    said = json.loads(setup("explain", "dkim", "M", "--json", message=good + m))
    assert said["result"] == "pass" and said["signatures"][0]["selector"] == "e"
    assert said["lookups"][0]["name"] == "e._domainkey.far.test"
    assert setup("explain", "dkim", "M", message=m).startswith(b"none: ")


@pytest.mark.parametrize("words,want", [
    (("--ip", "192.0.2.1", "--mail-from", "b@far.test"), "pass disposition=none"),
    (("--ip", "192.0.2.2", "--mail-from", "b@far.test"), "fail disposition=reject"),
    (("--ip", "192.0.2.1", "--mail-from", "b@far.test", "--dkim", "fail:far.test"),
     "pass disposition=none"),
    (("--spf", "pass:x.far.test"), "pass disposition=none"),
    (("--spf", "fail:far.test"), "fail disposition=reject"),
    (("--spf", "none:x.test", "--dkim", "fail:far.test,pass:b.far.test"), "pass disposition=none"),
    (("--spf", "pass:notfar.test", "--dkim", "pass:test"), "fail disposition=reject"),
    (("--spf", "none:x.test", "--dkim", "temperror:far.test"), "temperror disposition=none"),
])
def test_dmarc_with_results(setup, words, want):
    out = setup("explain", "dmarc", "M", *words, message=b"From: a@far.test\n\nx\n").decode()
    assert out.startswith(want + "\n"), out
    assert 'p=reject of "v=DMARC1; p=reject; sp=quarantine" at _dmarc.far.test' in out


@pytest.mark.parametrize("author,want", [
    ("a@a.far.test", "fail disposition=quarantine"),
    ("a@half.test", "fail disposition=reject"),
    ("a@none.test", "none disposition=none"),
    ("a@far.test, b@none.test", "permerror disposition=reject"),
    ("x: a@far.test;", "permerror disposition=reject"),
])
def test_dmarc_policies(setup, author, want):
    m = f"From: {author}\n\nx\n".encode()
    assert setup("explain", "dmarc", "M", "--spf", "none:x.test",
                 message=m).decode().startswith(want + "\n")
    said = json.loads(setup("explain", "dmarc", "M", "--spf", "none:x.test", "--json", message=m))
    assert f"{said['result']} disposition={said['disposition']}" == want


def test_misuse(setup):
    m = b"From: a@far.test\n\nx\n"
    for words in (("explain", "dkim"), ("explain", "dkim", "nowhere"), ("explain", "arc", "a", "b"),
                  ("explain", "dmarc", "M"), ("explain", "dmarc", "M", "--spf", "what:x"),
                  ("explain", "dmarc", "M", "--ip", "x", "--mail-from", "a@b.test"),
                  ("explain", "dkim", "M", "--nothing"), ("explain", "dkim", "M", "--dns", "!"),
                  ("dkim", "sign", "M", "--canon", "x"), ("dkim", "sign")):
        assert setup(*words, message=m, ask=False, status=2) == b""
        assert setup.stderr.startswith((f"setup {words[0]} {words[1]}: ", "setup: nowhere: "))


def openssl(*words):
    return subprocess.run(["openssl", *words], check=True, capture_output=True).stdout


def test_the_keys_that_the_server_uses(setup, tmp_path):
    """Without --key: the first line of the tables, but RSA for a seal."""
    for name, text in Keys(tmp_path, ["ed25519", "2048"]).files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    m = b"From: a@example.test\r\n\r\nx\r\n"
    signed = setup("dkim", "sign", "M", message=m, ask=False)
    assert b" a=ed25519-sha256;" in signed and b"s=sed25519;" in signed
    sealed = setup("arc", "seal", "M", "--cv", "none", message=m, ask=False)
    assert sealed.count(b" a=rsa-sha256;") == sealed.count(b"s=s2048;") == 2


def test_keys_in_every_form(setup, keys, lookup, tmp_path):
    m = b"From: a@far.test\r\n\r\nx\r\n"
    der = base64.b64decode(b"".join(keys["e"][0].read_bytes().splitlines()[1:-1]))
    public = base64.b64decode(keys["e"][1].rpartition("p=")[2])
    forms = {
        "pkcs1": ("r2048", openssl("rsa", "-traditional", "-in", keys["r2048"][0])),
        "pkcs8": ("r2048", openssl("pkey", "-in", keys["r2048"][0])),
        "commented": ("r2048", b"Our key\n\n" + keys["r2048"][0].read_bytes()),
        "ed25519": ("e", keys["e"][0].read_bytes()),
        "seed": ("e", base64.b64encode(der[-32:])),
        "seed and line end": ("e", base64.b64encode(der[-32:]) + b"\r\n"),
        "pair": ("e", base64.b64encode(der[-32:] + public) + b"\n"),
    }
    assert forms["pkcs1"][1].startswith(b"-----BEGIN RSA PRIVATE KEY")
    assert forms["pkcs8"][1].startswith(b"-----BEGIN PRIVATE KEY")
    for name, (selector, text) in forms.items():
        (tmp_path / "key").write_bytes(text)
        field = setup("dkim", "sign", "M", "--key", tmp_path / "key", "--selector", selector,
                      message=m, ask=False)
        assert dkim.verify(field + m, dnsfunc=lookup), name


def test_what_is_no_key(setup, keys, tmp_path):
    pem = keys["r2048"][0]
    cases = {
        "holds no private key": [
            b"", b"garbage", b"\0" * 100, b"A" * 100000, openssl("pkey", "-in", pem, "-pubout"),
            openssl("pkey", "-in", pem, "-outform", "DER"), base64.b64encode(b"x" * 31),
            openssl("pkey", "-in", pem, "-aes128", "-passout", "pass:x"),
            pem.read_bytes()[:-300]],
        "less than 1024 bits": [openssl("genrsa", "512")],
        "neither RSA nor Ed25519": [
            openssl("ecparam", "-genkey", "-noout", "-name", "prime256v1"),
            openssl("genpkey", "-algorithm", "x25519"),
            openssl("genpkey", "-algorithm", "rsa-pss")],
    }
    for why, texts in cases.items():
        for text in texts:
            (tmp_path / "key").write_bytes(text)
            for command in (("dkim", "sign"), ("arc", "seal", "--cv", "none")):
                assert setup(*command, "M", "--key", tmp_path / "key", "--selector", "s",
                             message=b"From: a@far.test\n\nx\n", ask=False, status=1) == b""
                assert why in setup.stderr, text


def test_ways_to_say_the_algorithms(setup, keys):
    m = b"From: a@far.test\n\nx\n"
    words = ("dkim", "sign", "M", "--selector", "e", "--key", keys["e"][0])
    for canon, want in (("relaxed", "relaxed/simple"), ("simple", "simple/simple"),
                        ("Relaxed/Simple", "relaxed/simple"), ("SIMPLE/relaxed", "simple/relaxed"),
                        ("relaxed/relaxed", "relaxed/relaxed")):
        out = setup(*words, f"--canon={canon}", "--algo", "ED25519-SHA256", message=m, ask=False)
        assert f" c={want};".encode() in out
    for option in (("--canon", "relaxed/"), ("--canon", ""), ("--canon", "nofws"),
                   ("--algo", "rsa-sha256"), ("--algo", "rsa-sha1"), ("--algo", "")):
        assert setup(*words, *option, message=m, ask=False, status=2) == b""
        assert setup.stderr.startswith("setup dkim sign: ")
