"""DKIM against other implementations, in both directions: what we sign they
verify, what they sign we verify, and what was altered fails everywhere.

Where a judge is not heard, the reason is written beside it."""

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

pytest.importorskip("dkim")
pytest.importorskip("cryptography")

import forge  # noqa: E402
from judges import CANONS, Key, OpenDkim, Ours  # noqa: E402

KINDS = ("1024", "2048", "3072", "4096", "ed25519")
VECTORS = Path("/usr/lib/python3/dist-packages/dkim/tests/data")

HEADER = (b"From: A <a@far.test>\r\nTo: b@near.test\r\nSubject: x\r\n"
          b"Date: Fri, 27 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@far.test>\r\n")
BODY = b"Hello  there \r\n\r\nyou\r\n"


def with_body(body):
    return HEADER + b"\r\n" + body


def with_subject(field):
    return HEADER.replace(b"Subject: x\r\n", field) + b"\r\n" + BODY


MESSAGES = {
    "plain": with_body(BODY),
    "an empty body": with_body(b""),
    "a body of one line end": with_body(b"\r\n"),
    "a body of line ends": with_body(b"\r\n" * 5),
    "many empty lines at the end": with_body(b"Hello" + b"\r\n" * 3000),
    "lines of blanks at the end": with_body(b"Hello\r\n  \r\n\t\r\n \t \r\n"),
    "a body of blanks": with_body(b"  \r\n\t\r\n"),
    "a long line": with_body(b"x y  " * 8000 + b"\r\n"),
    "8-bit": with_body(bytes(range(128, 256)) + b"\r\n"),
    "a NUL": with_body(b"a\0b\r\n"),
    "tabs": with_body(b"\ta\t\tb\t \r\n \tc\r\n"),
    "dots": with_body(b".\r\n..\r\n.x\r\n"),
    "other white space": with_body(b"a\x0b b\x0c \r\n"),
    "blanks first": with_body(b" a\r\n  b\r\n"),
    "no end of line": with_body(b"Hello"),
    "blanks and no end of line": with_body(b"Hello  "),
    "blanks alone and no end of line": with_body(b" \t "),
    "CRs in the body": with_body(b"a\rb\r\n\rc\r\nd\r\r\n"),
    "a CR at the end": with_body(b"Hello\r"),
    "a CR between blanks": with_body(b"a \r b\r\n"),
    "no body": HEADER,
    "a folded field": with_subject(b"Subject: a\r\n\tb\r\n  \t c  \r\n"),
    "a folded line of blanks": with_subject(b"Subject: a\r\n \t \r\n b\r\n"),
    "folded at once": with_subject(b"Subject:\r\n a\r\n"),
    "folded and nothing in it": with_subject(b"Subject:\r\n \r\n"),
    "an empty field": with_subject(b"Subject:\r\n"),
    "no blank after the colon": with_subject(b"Subject:x\r\n"),
    "a blank before the colon": with_subject(b"Subject : x\r\n"),
    "tabs around the colon": with_subject(b"Subject\t:\tx\r\n"),
    "a name in capitals": with_subject(b"SUBJECT: x\r\n"),
    "UTF-8 in the header": with_subject("Subject: \u00e9\u4e2d\r\n".encode()),
    "Latin-1 in the header": with_subject(b"Subject: \xe9\r\n"),
    "a long field": with_subject(b"Subject: " + b"word  " * 2000 + b"\r\n"),
    "fields that repeat": with_subject(b"Subject: x\r\nSubject: y\r\nsubject: z\r\n"),
    "blanks at the end of a field": with_subject(b"Subject: x \t \r\n"),
    "colons": with_subject(b"Subject: a:b:c;d=e\r\n"),
    "other white space in a field": with_subject(b"Subject: a\x0b b\x0c\r\n"),
    "a CR in a field": with_subject(b"Subject: a\rb\r\n"),
    "CRs and blanks in a field": with_subject(b"Subject: a\r b \r c\r\n"),
    "a NUL in a field": with_subject(b"Subject: a\0b\r\n"),
    "trace": b"Received: from x\r\n\tby y; z\r\n" * 3 + with_body(BODY),
    "a list and a resender": b"List-Id: <x>\r\nList-Post: <mailto:x>\r\nResent-From: b@near.test"
                             b"\r\nResent-To: c@near.test\r\n" * 2 + with_body(BODY),
    "a line that is no field": with_subject(b"Subject: x\r\njunk line\r\n"),
}

# Who is not heard about a message, and why. Such messages have no place in
# SMTP (RFC 5321 2.3.8: no CR or LF alone; 4.1.1.4: the body ends with CRLF).
TURNS_CR = "treats a CR as white space or a line end, RFC 6376 3.4 does not"
NO_EOL = "does not add the CRLF of RFC 6376 3.4.3"
KEEPS_BLANKS = "keeps blanks at the end of a line without CRLF (RFC 6376 3.4.4)"
WHITE = "takes all that isspace() says for WSP (RFC 6376 2.8)"
REFUSES = "refuses the message"
NOT_HEARD = {
    "no end of line": {"opendkim": REFUSES, "Mail::DKIM": NO_EOL},
    "blanks and no end of line": {"opendkim": KEEPS_BLANKS, "Mail::DKIM": NO_EOL,
                                  "python3-dkim": KEEPS_BLANKS},
    "blanks alone and no end of line": {"Mail::DKIM": NO_EOL, "python3-dkim": KEEPS_BLANKS},
    "CRs in the body": {"opendkim": TURNS_CR, "mailauth": TURNS_CR},
    "a CR at the end": {"opendkim": REFUSES, "mailauth": TURNS_CR, "Mail::DKIM": TURNS_CR},
    "a CR between blanks": {"opendkim": TURNS_CR},
    "a blank before the colon": {"python3-dkim": REFUSES},
    "tabs around the colon": {"python3-dkim": REFUSES, "opendkim": REFUSES},
    "other white space in a field": {"python3-dkim": WHITE, "opendkim": WHITE, "mailauth": WHITE},
    "a CR in a field": {"opendkim": TURNS_CR, "mailauth": TURNS_CR},
    "CRs and blanks in a field": {"opendkim": TURNS_CR, "mailauth": TURNS_CR},
    "a NUL in a field": {"opendkim": "ends a field at a NUL"},
    "a line that is no field": {"python3-dkim": REFUSES, "opendkim": REFUSES},
    "no body": {"mailauth": "does not sign a message without a body"},
}


def can_sign(judge, key, canon):
    # libopendkim folds an Ed25519 b= as if it were as long as an RSA one, after
    # hashing: with simple header canonicalization it does not verify its own.
    return not (judge.name == "opendkim" and key.kind == "ed25519" and canon.startswith("simple"))


def knows(judge, key):
    return key.algorithm in judge.verifies


@pytest.fixture(scope="module")
def keys(tmp_path_factory, judges):
    made = {kind: Key(tmp_path_factory.mktemp("keys"), kind) for kind in KINDS}
    for key in made.values():
        judges.publish(f"{key.selector}._domainkey.far.test", key.record)
    return made


@pytest.fixture(scope="module")
def ours(dns, tmp_path_factory):
    return Ours(dns, tmp_path_factory.mktemp("config"))


def heard(judges, name):
    return [j for j in judges.dkim if j.name not in NOT_HEARD.get(name, {})]


def verdicts(judges, ours, key, name, text):
    """[(who, [verdict of each signature])]"""
    return [(j.name, j.verify(text)) for j in (ours, *heard(judges, name)) if knows(j, key)]


def flip(text, start, end, r):
    """Another letter for one of those between."""
    at = r.choice([i for i in range(start, end) if chr(text[i]).isalnum()])
    return text[:at] + (b"Q" if text[at:at + 1] != b"Q" else b"R") + text[at + 1:]


def test_all_judges_are_here(judges):
    assert {j.name for j in judges.dkim} >= {"python3-dkim", "opendkim", "Mail::DKIM"}
    for name, why in judges.absent:
        pytest.skip(f"without {name}: {why}")


@pytest.mark.parametrize("name", MESSAGES)
def test_all_agree(judges, keys, ours, name):
    r = random.Random(name)
    message = MESSAGES[name]
    pair = r.choice(((CANONS[0], CANONS[3]), (CANONS[1], CANONS[2])))  # all four algorithms
    altered = r.choice(pair)
    for canon in pair:
        key = keys[r.choice(KINDS)]
        signed = [("ours", ours.sign(message, key, canon))]
        for judge in heard(judges, name):
            if can_sign(judge, key, canon):
                field = judge.sign(message, key, canon)
                if field is not None:
                    signed.append((judge.name, field))
        fields = b"".join(f for _, f in signed)
        for who, said in verdicts(judges, ours, key, name, fields + message):
            assert said == ["pass"] * len(signed), (who, canon, key.kind, [s for s, _ in signed])
        if canon == altered:
            at, author = message.find(b"\r\n\r\n") + 4, message.index(b"a@far")
            changed = {"header": flip(message, author, author + 5, r),
                       "body": message[:at] + b"q" + message[at:]}
            if name == "no body":
                del changed["body"]
            for what, text in changed.items():
                for who, said in verdicts(judges, ours, key, name, fields + text):
                    assert "pass" not in said, (who, what, canon, key.kind)
            bad = b"".join(flip(f, f.rindex(b"b=") + 2, f.rindex(b"b=") + 30, r)
                           for _, f in signed)
            for who, said in verdicts(judges, ours, key, name, bad + message):
                assert "pass" not in said, (who, "signature", canon, key.kind)


def test_a_file_with_lf_is_the_same_message(judges, keys, ours):
    for name in ("plain", "a folded field", "lines of blanks at the end", "no body"):
        message = MESSAGES[name]
        for canon in CANONS:
            field = ours.sign(message.replace(b"\r\n", b"\n"), keys["2048"], canon)
            assert judges.dkimpy.verify(field + message) == ["pass"], (name, canon)
            assert ours.verify((field + message).replace(b"\r\n", b"\n")) == ["pass"], (name, canon)


def test_both_keys_on_one_message(judges, keys, ours):
    message = MESSAGES["plain"]
    pair = [ours.sign(message, keys[k], "relaxed/relaxed") for k in ("2048", "ed25519")]
    for fields in (pair, pair[::-1]):
        for judge in judges.dkim:
            said = judge.verify(b"".join(fields) + message)
            want = ["pass" if knows(judge, keys[k]) else "invalid" for k in ("2048", "ed25519")]
            assert [s[:7].rstrip(":") for s in said] == (want if fields is pair else want[::-1])


# What we do not make, but must read.
EXTRAS = {
    "z=": lambda j, m, k, c: j.opendkim.sign(m, k, c, flags=OpenDkim.ZTAGS),
    "x=": lambda j, m, k, c: j.opendkim.sign(m, k, c, ttl=1000),
    "oversigned": lambda j, m, k, c: j.opendkim.sign(m, k, c, oversign=(b"From", b"Subject", b"To",
                                                                       b"List-Id")),
    "l= of all": lambda j, m, k, c: j.dkimpy.sign(m, k, c, length=True),
    "l= of some": lambda j, m, k, c: j.opendkim.sign(m, k, c, length=5),
    "l= of none": lambda j, m, k, c: j.opendkim.sign(m, k, c, length=0),
    "l= of mailauth": lambda j, m, k, c: j.mailauth and j.mailauth.sign(m, k, c, length=5),
    "i=": lambda j, m, k, c: j.dkimpy.sign(m, k, c, identity=b"a@sub.far.test"),
    "h= repeats": lambda j, m, k, c: j.dkimpy.sign(
        m, k, c, include_headers=[b"from", b"subject", b"x", b"subject", b"to", b"subject", b"from",
                                  b"subject"]),
}


NOT_HEARD_ABOUT = {
    ("mailauth", "z="): "takes a b= within z= for the signature",
    ("Mail::DKIM", "l= of none"): "takes l=0 for no l=",
    ("mailauth", "l= of none"): "takes l=0 for no l=",
}


@pytest.mark.parametrize("extra", EXTRAS)
def test_what_others_can_sign(judges, keys, ours, extra):
    for i, canon in enumerate(CANONS):
        key = keys["2048" if i % 2 == 0 or canon.startswith("simple") else "ed25519"]
        message = MESSAGES["fields that repeat"]
        field = EXTRAS[extra](judges, message, key, canon)
        if not field:
            pytest.skip("without that judge")
        text = field + message
        assert ours.verify(text) == ["pass"], (canon, field)
        for judge in judges.dkim:
            if knows(judge, key) and (judge.name, extra) not in NOT_HEARD_ABOUT:
                assert judge.verify(text) == ["pass"], (judge.name, canon, field)
        more = ours.verify(text + b"appended\r\n")
        assert (more == ["pass"]) == (extra.startswith("l=")), (extra, canon, more)
        assert ours.verify(field + b"From: e@evil.test\r\n" + message) != ["pass"] or \
            extra not in ("oversigned", "h= repeats"), canon


def replaced(old, new):
    assert old in forge.DKIM
    return forge.DKIM.replace(old, new)


def beside(tags):
    return replaced("; d=", f"; {tags}; d=")


PARTS = "relaxed/relaxed"
# The tags, and whether the signature may pass by RFC 6376 (section 3.5 unless
# said). Others that say something else are laxer, or not so precise; what is
# never so is that all of them say something else.
QUIRKS = {
    "trailing ;": (forge.DKIM + ";", True),
    "two ;": (replaced("; d=", ";; d="), False),                      # 3.2
    "white space": (replaced("d=far.test; ", "\r\n\td =\r\n  far.test ; "), True),
    "a= missing": (replaced("a={a}; ", ""), False),
    "a= empty": (replaced("{a}", ""), False),
    "a= in capitals": (replaced("{a}", "RSA-SHA256"), True),
    "a= rsa": (replaced("{a}", "rsa"), False),
    "rsa-sha1": (replaced("{a}", "rsa-sha1"), False),                 # RFC 8301 3.1
    "v=2": (replaced("v=1", "v=2"), False),
    "v= missing": (replaced("v=1; ", ""), False),
    "v= not first": (replaced("v=1; ", "") + "; v=1", True),
    "v= empty": (replaced("v=1", "v="), False),
    "c= empty": (replaced(PARTS, ""), False),
    "c= half": (replaced(PARTS, "relaxed/"), False),
    "c= in capitals": (replaced(PARTS, "Relaxed/RELAXED"), True),
    "c= with blanks": (replaced(PARTS, "relaxed / relaxed"), False),
    "c= three": (replaced(PARTS, PARTS + "/relaxed"), False),
    "d= in capitals": (replaced("d=far", "d=FAR"), True),
    "d= empty": (replaced("d=far.test", "d="), False),
    "d= with a dot": (replaced("d=far.test", "d=far.test."), False),
    "d= no name": (replaced("d=far.test", "d=***"), False),
    "d= folded inside": (replaced("d=far.test", "d=far\r\n .test"), False),
    "d= key of another case": (replaced("d=far", "D=far"), False),    # 3.2
    "d= twice": (beside("d=far.test"), False),                        # 3.2
    "i= fits": (beside("i=a@far.test"), True),
    "i= below": (beside("i=@x.far.test"), True),
    "i= in capitals": (beside("i=A@FAR.TEST"), True),
    "i= another": (beside("i=@notfar.test"), False),
    "i= above": (beside("i=@test"), False),
    "i= without @": (beside("i=far.test"), False),
    "i= empty": (beside("i="), False),
    "t=": (beside("t=1700000000"), True),
    "t= empty": (beside("t="), False),
    "t= no number": (beside("t=abc"), False),
    "t= negative": (beside("t=-1"), False),
    "t= far away": (beside("t=99999999999"), False),
    "x= passed": (beside("x=1700000000"), False),
    "x= empty": (beside("x="), False),
    "x= no number": (beside("x=soon"), False),
    "x= never": (beside("x=" + "9" * 26), True),
    "x= before t=": (beside("t=99; x=98"), False),
    "q=": (beside("q=dns/txt"), True),
    "q= one of two": (beside("q=http:dns/txt"), True),
    "q= another": (beside("q=http"), False),
    "q= empty": (beside("q="), False),
    "unknown tag": (beside("foo=bar"), True),                         # 3.2
    "unknown tag twice": (beside("u=1; u=2"), False),                 # 3.2
    "no tag name": (beside("1x=2"), False),                           # 3.2
    "no tag value": (beside("foo"), False),                           # 3.2
    "h= empty": (replaced("h=from:to:subject", "h="), False),
    "h= without From": (replaced("h=from:to:subject", "h=to"), False),  # 5.4
    "h= folded": (replaced("from:to", "from :\r\n\tto"), True),
    "h= in capitals": (replaced("from:to", "From:TO"), True),
    "s= empty": (replaced("s={s}", "s="), False),
    "l= all": (beside("l=20"), True),
    "l= more": (beside("l=21"), False),
    "l= no number": (beside("l=x"), False),
    "l= empty": (beside("l="), False),
    "l= negative": (beside("l=-1"), False),
    "l= endless": (beside("l=" + "9" * 40), False),
    "bh= missing": (replaced("bh={bh}; ", ""), False),
    "bh= empty": (replaced("bh={bh}", "bh="), False),
    "bh= no base64": (replaced("bh={bh}", "bh=!"), False),
    "bh= short": (replaced("bh={bh}", "bh=AAAA"), False),
    "b= first": ("b={b}; " + replaced("; b={b}", ""), True),
}


@pytest.mark.parametrize("quirk", QUIRKS)
def test_odd_signatures(judges, keys, ours, quirk):
    template, good = QUIRKS[quirk]
    message = MESSAGES["plain"]
    h = {"h= empty": "", "h= without From": "to"}.get(quirk, "from:to:subject")
    text = forge.dkim(message, keys["2048"], template, h) + message
    said = ours.verify(text)
    assert (said == ["pass"]) == good, said
    others = [j.verify(text) for j in judges.dkim]
    assert any((o == ["pass"]) == good for o in others), others


@pytest.mark.skipif(not VECTORS.exists(), reason="python3-dkim came without its vectors")
def test_vectors_that_debian_installs(judges, ours):
    judges.publish("test._domainkey.football.example.com",
                   (VECTORS / "test.txt").read_bytes().strip())
    judges.publish("brisbane._domainkey.football.example.com",  # RFC 8032 7.1, TEST 1
                   "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
    judges.publish("test2._domainkey.football.example.com",
                   (VECTORS / "test2.txt").read_bytes().strip())
    for name in ("rfc6376.signed.msg", "rfc6376.signed.rsa.msg"):
        text = (VECTORS / name).read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        said = ours.verify(text)
        assert said and set(said) == {"pass"}, (name, said)
        assert judges.dkimpy.verify(text) == said, name
