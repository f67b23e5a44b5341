"""ARC against other implementations, in both directions: chains that all seal
in turn and all validate, and chains with one thing wrong each."""

import itertools
import json
import random
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

pytest.importorskip("dkim")
pytest.importorskip("cryptography")

import forge  # noqa: E402
from forge import AAR, AMS, SEAL  # noqa: E402
from judges import CANONS, Key, Ours  # noqa: E402

MESSAGE = (b"From: A <a@far.test>\r\nTo: b@near.test\r\nSubject:  x \t y\r\n"
           b"Received: from a\r\n by b\r\n\r\nHello  there \r\n\r\n\r\n")


@pytest.fixture(scope="module")
def keys(tmp_path_factory, judges):
    made = {kind: Key(tmp_path_factory.mktemp("keys"), kind)
            for kind in ("512", "1024", "2048", "ed25519")}
    for key in made.values():
        for domain in ("near.test", "far.test"):
            judges.publish(f"{key.selector}._domainkey.{domain}", key.record)
    return made


@pytest.fixture(scope="module")
def ours(dns, tmp_path_factory):
    return Ours(dns, tmp_path_factory.mktemp("config"))


def said(ours, text):
    return json.loads(ours.run("explain", "arc", "-", "--json", message=text))


def results(hop):
    return (b"Authentication-Results: near.test; spf=pass smtp.mailfrom=far.test;"
            b"\r\n arc=" + (b"pass" if hop else b"none") + b"\r\n")


BODIES = (b"Hello  there \r\n\r\n\r\n", b"", b"\r\n\r\n", b"\t x\r\n \r\n", b"\xff\xfe\r\n")


@pytest.mark.parametrize("start", range(5))
def test_all_seal_in_turn(judges, keys, ours, start):
    sealers = [ours, *judges.arc]
    text = MESSAGE.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + BODIES[start]
    for hop in range(5):
        sealer = sealers[(start + hop * (1 + start % 2)) % len(sealers)]
        key = keys["2048" if hop % 2 else "1024"]
        text = sealer.arc_seal(results(hop) + text, key, "near.test") + text
        for judge in (ours, *judges.arc):
            assert judge.arc_verify(text) == "pass", (hop, sealer.name, judge.name)
    answer = said(ours, text)
    assert len(answer["sets"]) == 5 and answer["oldest_pass"] == 0
    r = random.Random(start)
    for bad in (text.replace(b"a@far", b"b@far"), text + b"more\r\n",
                re.sub(rb"(ARC-Authentication-Results: i=%d;[^;]*;\s*\w+=)" % r.randint(1, 5),
                       rb"\1x", text, flags=re.I),
                re.sub(rb"(?i)arc-seal:( i=|[^:]*;\s*i=)3", rb"X:\g<1>3", text)):
        assert bad != text
        for judge in (ours, *judges.arc):
            assert judge.arc_verify(bad) == "fail", judge.name


def test_oldest_pass(keys, ours):
    """RFC 8617 5.2, step 5"""
    key, text = keys["1024"], MESSAGE
    for i, change in ((1, None), (2, b"b@far"), (3, b"c@far"), (4, None)):
        if change:
            text = re.sub(rb".@far", change, text)
        text = forge.arc(text, key, i) + text
    answer = said(ours, text)
    assert (answer["result"], answer["oldest_pass"]) == ("pass", 3)
    assert b"\noldest-pass=3: " in ours.run("explain", "arc", "-", message=text)
    assert "oldest_pass" not in said(ours, text + b"more\r\n")


def one(keys, kind="2048", **words):
    return forge.arc(MESSAGE, keys[kind], 1, **words) + MESSAGE


def two(keys, first=None, **words):
    text = first or one(keys)
    return forge.arc(text, keys["2048"], 2, **words) + text


def fields_of(text):
    return [f + b"\r\n" for f in re.split(rb"\r\n(?![ \t])", text.removesuffix(b"\r\n"))]


def structures(keys):
    """What is there, twice, not there, in another order."""
    first = one(keys)
    s1, a1, r1 = fields_of(first.removesuffix(MESSAGE))
    s2, a2, r2 = fields_of(forge.arc(first, keys["2048"], 2))
    header, _, body = MESSAGE.partition(b"\r\n\r\n")
    return {
        "none": (MESSAGE, "none"),
        "one": (first, "pass"),
        "two": (s2 + a2 + r2 + first, "pass"),
        "fields in another order": (r1 + r2 + s1 + a2 + s2 + a1 + MESSAGE, "pass"),
        "fields below": (header + b"\r\n" + s1 + a1 + r1 + b"\r\n" + body, "pass"),
        "no seal": (a1 + r1 + MESSAGE, "fail"),
        "no message signature": (s1 + r1 + MESSAGE, "fail"),
        "no results": (s1 + a1 + MESSAGE, "fail"),
        "two seals": (s1 + first, "fail"),
        "two message signatures": (a1 + first, "fail"),
        "two results": (r1 + first, "fail"),
        "a set twice": (s1 + a1 + r1 + first, "fail"),
        "no seal 2": (a2 + r2 + first, "fail"),
        "no message signature 2": (s2 + r2 + first, "fail"),
        "no results 2": (s2 + a2 + first, "fail"),
        "no seal 1": (s2 + a2 + r2 + a1 + r1 + MESSAGE, "fail"),
        "no set 1": (s2 + a2 + r2 + MESSAGE, "fail"),
        "changed body": (first + b"more\r\n", "fail"),
        "changed author": (first.replace(b"a@far", b"b@far"), "fail"),
        "changed results": (first.replace(b"spf=pass", b"spf=fail"), "fail"),
        "set 1 was of another message": (
            two(keys, first.replace(b"From: A", b"From: B")), "pass"),
        "seal 1 is broken": (two(keys, first.replace(b"spf=pass", b"spf=fail")), "fail"),
        "Ed25519": (one(keys, "ed25519"), "pass"),
        "RSA of 512 bits": (one(keys, "512"), "fail"),                    # RFC 8301 3.2
        "field added that was signed as absent": (
            one(keys, ams=AMS.replace(H, H + ":x-a")).replace(b"Subject:", b"X-A: b\r\nSubject:", 1),
            "fail"),
        "order of h=": (one(keys, ams=AMS.replace(H, "h=to:from:subject")), "fail"),
    }


H, C = "h=from:to:subject", "c=relaxed/relaxed"
ALL_H = "from:to:subject"


def instances():
    """{i} in one field or in all; what is no number of 1 to 50 ends it."""
    for i in ("0", "51", "-1", "a", "", "1.5", "1 x"):
        said = {"seal": SEAL.replace("{i}", i), "ams": AMS.replace("{i}", i),
                "aar": AAR.replace("{i}", i)}
        yield f"i={i}", (said, "fail")
        for field, template in said.items():
            yield f"{field} i={i}", ({field: template}, "fail")
    for name, aar, verdict in (
            ("no instance", "near.test; none", "fail"), ("later", "near.test; i=1; none", "fail"),
            ("no semicolon", "i=1 near.test; none", "fail"), ("another", "i=2; near.test", "fail"),
            ("blanks", " i = 1 ; near.test; none", "pass"),
            ("comment", "(x) i=1; near.test; none", "pass"),              # RFC 8617 4.1.1
            ("folded", "\r\n i=1;\r\n\tnear.test; none", "pass"),
            ("nothing", "i=1; near.test; none", "pass")):
        yield f"results: {name}", ({"aar": aar}, verdict)


def status():
    for cv in ("pass", "fail", "", "x", ": )"):
        yield f"cv={cv}", ({"seal": SEAL.replace("{cv}", cv)}, "fail")
    yield "cv=None", ({"seal": SEAL.replace("{cv}", "None")}, "pass")     # RFC 5234 2.3
    yield "cv= missing", ({"seal": SEAL.replace("cv={cv}; ", "")}, "fail")


def tags():
    """Of both signatures."""
    for field, t in (("seal", SEAL), ("ams", AMS)):
        for name, template, verdict in (
                ("trailing ;", t + ";", "pass"), ("two ;", t.replace("; d=", ";; d="), "fail"),
                ("blanks at ;", t.replace("; ", " ;\t"), "pass"),
                ("blanks at =", t.replace("d=", "d = "), "pass"),
                ("unknown", t.replace("; d=", "; w=x; d="), "pass"),
                ("no name", t.replace("; d=", "; _=1; d="), "fail"),
                ("twice", t.replace("; d=", "; s={s}; d="), "fail"),
                ("key of another case", t.replace("s={s}", "S={s}"), "fail"),
                ("i= later", t.replace("i={i}; a={a}", "a={a}; i={i}"), "pass"),
                ("v=1", t.replace("; d=", "; v=1; d="), "pass"),
                ("a= missing", t.replace("a={a}; ", ""), "fail"),
                ("a= empty", t.replace("{a}", ""), "fail"),
                ("a= unknown", t.replace("{a}", "rsa-sha999"), "fail"),
                ("rsa-sha1", t.replace("{a}", "rsa-sha1"), "fail"),       # RFC 8301 3.1
                ("b= missing", t.replace("; b={b}", ""), "fail"),
                ("b= empty", t.replace("{b}", ""), "fail"),
                ("b= no base64", t.replace("{b}", "not base64!"), "fail"),
                ("d= missing", t.replace("d=near.test; ", ""), "fail"),
                ("d= empty", t.replace("d=near.test", "d="), "fail"),
                ("d= no name", t.replace("d=near.test", "d=***"), "fail"),
                ("d= dots", t.replace("d=near.test", "d=near..."), "fail"),
                ("s= missing", t.replace("s={s}; ", ""), "fail"),
                ("s= empty", t.replace("s={s}", "s="), "fail"),
                ("s= without a key", t.replace("s={s}", "s=gone"), "fail"),
                ("t=", t.replace("; d=", "; t=12345; d="), "pass"),
                ("t= empty", t.replace("; d=", "; t=; d="), "fail"),
                ("t= no number", t.replace("; d=", "; t=-123.4; d="), "fail")):
            yield f"{field}: {name}", ({field: template}, verdict)
    yield "seal: of another domain", ({"seal": SEAL.replace("d=near", "d=far")}, "pass")
    yield "seal: h=", ({"seal": SEAL.replace("; d=", "; h=from; d=")}, "fail")  # RFC 8617 4.1.3


def message_signatures():
    def ams(old, new, **more):
        assert old in AMS
        return {"ams": AMS.replace(old, new), **more}

    results, seal = "arc-authentication-results", "ARC-Seal"
    # RFC 8617 4.1.2 tells the sealer, 5.2 does not tell the validator.
    yield "h= with results", (ams(H, f"{H}:{results}", h=f"{ALL_H}:{results}"), "pass")
    yield "h= with a seal", (ams(H, f"{H}:{seal}", h=f"{ALL_H}:{seal}"), "fail")
    yield "h= missing", (ams(H + "; ", "", h=""), "fail")
    yield "h= empty", (ams(H, "h=", h=""), "fail")
    yield "h= without From", (ams(H, "h=to", h="to"), "fail")
    yield "h= with blanks", (ams(H, "h=from : to\r\n :subject"), "pass")
    yield "h= in capitals", (ams(H, "h=From:TO:subJect"), "pass")
    yield "h= twice a name", (ams(H, "h=from:to:to:subject"), "pass")
    yield "h= an absent field", (ams(H, H + ":mime-version"), "pass")
    for canon in CANONS:
        yield f"c={canon}", (ams(C, f"c={canon}", canon=canon), "pass")
    yield "c= missing", (ams(C + "; ", "", canon="simple/simple"), "pass")  # RFC 6376 3.5
    yield "c= header alone", (ams(C, "c=relaxed", canon="relaxed/simple"), "pass")
    yield "c= empty", (ams(C, "c="), "fail")
    yield "c= unknown", (ams(C, "c=pancake/waffle"), "fail")
    yield "bh= missing", (ams("bh={bh}; ", ""), "fail")
    yield "bh= empty", (ams("bh={bh}", "bh="), "fail")
    yield "bh= no base64", (ams("bh={bh}", "bh=~~"), "fail")
    yield "bh= of another body", (ams("bh={bh}", "bh=" + "A" * 43 + "="), "fail")
    yield "x= passed", (ams("; d=", "; x=1700000000; d="), "fail")
    yield "l=", (ams("; d=", "; l=13; d=", length=13), "pass")
    yield "l= of more", (ams("; d=", "; l=99; d="), "fail")
    yield "q=", (ams("; d=", "; q=dns/txt; d="), "pass")
    yield "q= another", (ams("; d=", "; q=x; d="), "fail")


def seconds(keys):
    """What only a second set can have."""
    results, above = "arc-message-signature", one(keys, seal=SEAL.replace("{cv}", "fail"))
    yield "cv=none above", two(keys, seal=SEAL.replace("{cv}", "none")), "fail"
    yield "cv=fail above", two(keys, seal=SEAL.replace("{cv}", "fail")), "fail"
    yield "pass over cv=fail", two(keys, above), "fail"
    yield "pass over cv=pass", two(keys, one(keys, seal=SEAL.replace("{cv}", "pass"))), "fail"
    yield "h= with a message signature", two(keys, ams=AMS.replace(H, f"{H}:{results}"),
                                             h=f"{ALL_H}:{results}"), "pass"
    yield "h= with a seal below", two(keys, ams=AMS.replace(H, f"{H}:arc-seal"),
                                      h=f"{ALL_H}:arc-seal"), "fail"
    # 5.2, steps 4 and 5: only the newest message signature must be good.
    for name, template in (("without s=", AMS.replace("s={s}; ", "")),
                           ("that signs a seal", AMS.replace("h=", "h=arc-seal:"))):
        yield f"over a message signature {name}", two(keys, one(keys, ams=template)), "pass"


# Where we are alone, and why.
ALONE = {
    "results: later": "RFC 8617 4.1.1: the instance comes first",
    "Ed25519": "the others have no Ed25519 for ARC; RFC 8463 is part of RFC 6376's a=",
    "h= empty": "RFC 6376 5.4: From must be signed; 3.5: h= must not be empty",
    "h= without From": "RFC 6376 5.4: From must be signed",
    "l= of more": "RFC 6376 3.5: l= must not be larger than the body",
}

SINGLES = dict(itertools.chain(instances(), status(), tags(), message_signatures()))


def check(judges, ours, name, text, verdict):
    assert ours.arc_verify(text) == verdict, ours.run("explain", "arc", "-", message=text)
    others = [j.arc_verify(text) for j in judges.arc]
    # One that is absent may be the only one that agrees.
    assert verdict in others or name in ALONE or judges.absent, others


@pytest.mark.parametrize("name", SINGLES)
def test_one_thing_wrong(judges, keys, ours, name):
    words, verdict = SINGLES[name]
    check(judges, ours, name, one(keys, **words), verdict)


def test_structures(judges, keys, ours):
    for name, (text, verdict) in structures(keys).items():
        check(judges, ours, name, text, verdict)


def test_second_sets(judges, keys, ours):
    for name, text, verdict in seconds(keys):
        check(judges, ours, name, text, verdict)
