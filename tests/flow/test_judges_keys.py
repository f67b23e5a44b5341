"""Key records, and messages, signatures and records at random, against other
implementations. The seed is fixed: DKIM_SEED and DKIM_CASES ask for others."""

import os
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

pytest.importorskip("dkim")
serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")

import base64  # noqa: E402

import forge  # noqa: E402
from judges import CANONS, Key, Ours  # noqa: E402
from test_dkim import zone_line  # noqa: E402

SEED = int(os.environ.get("DKIM_SEED", "6376"))
CASES = int(os.environ.get("DKIM_CASES", "120"))
MESSAGE = b"From: A <a@far.test>\r\nTo: b@near.test\r\nSubject: x\r\n\r\nHello\r\n"


@pytest.fixture(scope="module")
def ours(dns, tmp_path_factory):
    return Ours(dns, tmp_path_factory.mktemp("config"))


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return {kind: Key(tmp_path_factory.mktemp("keys"), kind)
            for kind in ("512", "1024", "2048", "ed25519")}


def pkcs1(key):
    public = serialization.load_pem_private_key(key.pem, None).public_key()
    return base64.b64encode(public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.PKCS1)).decode()


# The record, with {p}; may a signature by the key pass (RFC 6376 3.6.1)?
RECORDS = {
    "all there": ("v=DKIM1; k=rsa; p={p}", True),
    "no v=": ("k=rsa; p={p}", True),
    "no k=": ("v=DKIM1; p={p}", True),
    "p= alone": ("p={p}", True),
    "v= not first": ("k=rsa; p={p}; v=DKIM1", False),
    "v=DKIM2": ("v=DKIM2; p={p}", False),
    "v= in small letters": ("v=dkim1; p={p}", False),
    "v= empty": ("v=; p={p}", False),
    "p= empty": ("v=DKIM1; p=", False),
    "p= missing": ("v=DKIM1; k=rsa", False),
    "p= no base64": ("v=DKIM1; p=!!!!", False),
    "p= half": ("v=DKIM1; p={half}", False),
    "p= of 512 bits": ("v=DKIM1; p={p512}", False),                # RFC 8301 3.2
    "p= of another key": ("v=DKIM1; p={other}", False),
    "p= RSAPublicKey": ("v=DKIM1; p={pkcs1}", True),
    "p= folded": ("v=DKIM1; p={folded}", True),
    "p= without padding": ("v=DKIM1; p={bare}", True),
    "k= in capitals": ("v=DKIM1; k=RSA; p={p}", True),
    "k= empty": ("v=DKIM1; k=; p={p}", False),
    "k= unknown": ("v=DKIM1; k=x; p={p}", False),
    "k= another": ("v=DKIM1; k=ed25519; p={p}", False),
    "h=sha256": ("v=DKIM1; h=sha256; p={p}", True),
    "h=sha1": ("v=DKIM1; h=sha1; p={p}", False),
    "h= both": ("v=DKIM1; h=sha1:sha256; p={p}", True),
    "h= with blanks": ("v=DKIM1; h=sha1 : sha256; p={p}", True),
    "h= empty": ("v=DKIM1; h=; p={p}", False),
    "h= unknown": ("v=DKIM1; h=x; p={p}", False),
    "s=*": ("v=DKIM1; s=*; p={p}", True),
    "s=email": ("v=DKIM1; s=email; p={p}", True),
    "s= another": ("v=DKIM1; s=tlsrpt; p={p}", False),
    "s= one of two": ("v=DKIM1; s=tlsrpt:email; p={p}", True),
    "s= empty": ("v=DKIM1; s=; p={p}", False),
    "t=y": ("v=DKIM1; t=y; p={p}", True),
    "t=y:s": ("v=DKIM1; t=y:s; p={p}", True),
    "t= unknown": ("v=DKIM1; t=x; p={p}", True),
    "n=": ("v=DKIM1; n=hello, world; p={p}", True),
    "unknown tag": ("v=DKIM1; zz=1; p={p}", True),
    "unknown tag twice": ("v=DKIM1; zz=1; zz=2; p={p}", False),    # 3.2
    "p= twice": ("v=DKIM1; p={p}; p={p}", False),                  # 3.2
    "g=": ("v=DKIM1; g=*; p={p}", True),                           # RFC 4871, ignored now
    "g= of another": ("v=DKIM1; g=x; p={p}", True),
    "trailing ;": ("v=DKIM1; p={p} ; ", True),
    "no blanks": ("v=DKIM1;k=rsa;p={p}", True),
    "many blanks": (" v = DKIM1 ; k = rsa ; p = {p}", True),
    "two ;": ("v=DKIM1;; p={p}", False),                           # 3.2
    "a word": ("v=DKIM1; junk; p={p}", False),                     # 3.2
    "in quotes": ('"v=DKIM1; p={p}"', True),                       # as panels mangle it
    "nothing": ("", False),
    "of SPF": ("v=spf1 -all", False),
    "tags in capitals": ("V=DKIM1; P={p}", False),                 # 3.2
}
# Where we are alone, and why.
ALONE = {
    "v= not first": "RFC 6376 3.6.1: this tag MUST be the first",
}


def record(name, key, keys):
    p = key.p
    words = {"p": p, "half": p[:len(p) // 2], "p512": keys["512"].p, "bare": p.rstrip("="),
             "folded": f"{p[:50]} {p[50:90]}\t \r\n {p[90:]}", "other": keys["2048"].p
             if key is keys["1024"] else keys["1024"].p, "pkcs1": pkcs1(key)}
    return forge.fill(RECORDS[name][0], **words)


def compare(judges, ours, text, good, alone, what):
    """What ours says is right, and somebody else says so, too."""
    said = ours.verify(text)
    assert (said == ["pass"]) == good, (said, what)
    others = [j.verify(text) == ["pass"] for j in judges.dkim]
    assert good in others or alone or judges.absent, (others, what)


@pytest.mark.parametrize("name", RECORDS)
def test_key_records(judges, keys, ours, name):
    key = keys["1024"]
    judges.publish(f"{key.selector}._domainkey.far.test", record(name, key, keys))
    compare(judges, ours, forge.dkim(MESSAGE, key) + MESSAGE, RECORDS[name][1], name in ALONE, name)


def test_the_flag_s(judges, keys, ours):
    """RFC 6376 3.6.1, t=s: i= must be at d= itself."""
    key = keys["1024"]
    judges.publish(f"{key.selector}._domainkey.far.test", f"v=DKIM1; t=y:s; p={key.p}")
    for i, good in (("@far.test", True), ("a@FAR.test", True), ("@x.far.test", False)):
        template = forge.DKIM.replace("; d=", f"; i={i}; d=")
        compare(judges, ours, forge.dkim(MESSAGE, key, template) + MESSAGE, good, False, i)


def test_several_records(dns, keys, ours):
    """RFC 6376 3.6.2.2 leaves it to us: any good key will do."""
    good, wrong = keys["1024"].record, keys["2048"].record
    text = forge.dkim(MESSAGE, keys["1024"]) + MESSAGE
    for texts, want in (
            ((good, "v=spf1 -all"), "pass"), (("v=spf1 -all", good), "pass"),
            ((wrong, good), "pass"), (("v=DKIM1; p=", good), "pass"),
            ((wrong, "v=spf1 -all"), "fail: signature did not verify"),
            (("v=spf1 -all", wrong), "fail: signature did not verify"),
            (("v=spf1 -all", "v=DKIM2"), "permerror: the record is not a DKIM key")):
        dns.set_zone("\n".join(zone_line("s1024._domainkey.far.test", t) for t in texts))
        assert ours.verify(text) == [want], texts


def some_message(r):
    def blob(letters, most):
        return bytes(r.choice(letters) for _ in range(r.randrange(most)))

    fields = [b"From: A <a@far.test>", b"To: b@near.test"]
    for _ in range(r.randrange(6)):
        name = r.choice((b"Subject", b"X-A", b"subject", b"To", b"Received", b"Date"))
        fold = r.choice((b"\r\n ", b"\r\n\t", b" ", b"  \t", b""))
        value = fold.join(blob(b"ab:;= \t", 30).strip() + b"z" for _ in range(r.randrange(1, 4)))
        fields.append(name + b":" + r.choice((b" ", b"", b"\t ")) + value)
    r.shuffle(fields)
    body = b"".join(blob(b"ab \t.\xe9", 20) + b"\r\n" for _ in range(r.randrange(6)))
    return b"\r\n".join(fields) + b"\r\n\r\n" + body + b"\r\n" * r.randrange(3)


TEMPLATES = [  # the tags beside those that are always there, and may it pass?
    ("", True), ("t=1700000000; ", True), ("x=9999999999; ", True), ("i=a@far.test; ", True),
    ("i=@sub.far.test; ", True), ("q=dns/txt; ", True), ("zz=1; ", True), ("w=\r\n\t; ", True),
    ("x=1700000000; ", False), ("i=@near.test; ", False), ("t=; ", False), ("t=1; t=1; ", False),
    ("l=99999; ", False)]


@pytest.mark.parametrize("part", range(4))
def test_at_random(judges, keys, ours, part):
    r = random.Random(SEED * 1000 + part)
    for n in range(CASES // 4):
        key = keys[r.choice(("1024", "2048"))]
        name = r.choice([x for x in RECORDS if x not in ALONE and
                         (RECORDS[x][1] or r.random() < 0.2)])
        text = record(name, key, keys).encode()
        cuts = sorted(r.randrange(len(text) + 1) for _ in range(r.randrange(5)))
        judges.publish(f"{key.selector}._domainkey.far.test",
                       [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)])])
        canon, h = r.choice(CANONS), r.choice(("from:to", "from", "to:from:from:subject:x-a:date",
                                               "from:subject:subject:received"))
        extra, fits = r.choice(TEMPLATES[:8] if r.random() < 0.8 else TEMPLATES)
        template = (f"v=1; a={{a}}; c={canon}; d=far.test; {extra}s={{s}};"
                    f"{r.choice((' ', chr(13) + chr(10) + chr(9)))}h={h}; bh={{bh}}; b={{b}}")
        message = some_message(r)
        signed = forge.dkim(message, key, template, h, canon) + message
        good = RECORDS[name][1] and fits and not (name == "t=y:s" and "sub." in extra)
        if r.random() < 0.2:
            good, at = False, signed.index(b"a@far.test>")
            signed = signed[:at] + b"b" + signed[at + 1:]
        compare(judges, ours, signed, good, False,
                f"seed {SEED}, part {part}, round {n}: {name!r} {extra!r} {signed!r}")
