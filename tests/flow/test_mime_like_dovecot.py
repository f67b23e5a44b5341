"""Of one message, ours and a real Dovecot say the same."""

import os
import re
import socket
import sys
from pathlib import Path

import pytest
from dovecot import VMAIL, Dovecot

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

import oddmail  # noqa: E402
from imapworker import ImapClient, ImapWorker  # noqa: E402

USER = "user@example.test"


def take(text, at):
    """A value of a response, and where it ends: lists are lists, NIL is None."""
    if text[at] == "(":
        out, at = [], at + 1
        while text[at] != ")":
            if text[at] == " ":
                at += 1
                continue
            value, at = take(text, at)
            out.append(value)
        return out, at + 1
    if text[at] == '"':
        m = re.compile(r'"((?:[^"\\\r\n]|\\.)*)"').match(text, at)
        return re.sub(r"\\(.)", r"\1", m[1]), m.end()
    if m := re.compile(r"~?\{(\d+)\}\r\n").match(text, at):
        # counted in octets: each character of the text is one
        return text[m.end():m.end() + int(m[1])], m.end() + int(m[1])
    m = re.compile(r"[^ ()\[\]\"{]+(?:\[[^\]]*\](?:<\d+>)?)?").match(text, at)
    return (None if m[0].upper() == "NIL" else (m[0],)), m.end()


def fetch(c, number, what):
    """{item: value}, or the tagged answer if it is none."""
    untagged, tagged = c.do(f"FETCH {number} ({what})")
    if not tagged.startswith("OK"):
        return tagged.split()[0]
    out = {}
    for line in untagged:
        text = line.encode("utf-8", "surrogateescape").decode("latin-1")
        m = re.match(r"\* \d+ FETCH ", text)
        if not m:
            continue
        values, _ = take(text, m.end())
        for name, value in zip(values[::2], values[1::2]):
            # what does not exist is NIL here, empty there
            out[name[0].upper()] = value if value is not None or name[0][-1] != "]" else ""
    return out


def paths(structure, prefix="", message=True):
    """(section number, kind) of all parts; kind is leaf, message or multipart."""
    if isinstance(structure[0], list):
        if not message:
            yield prefix, "multipart"
        for i, one in enumerate(x for x in structure[:structure.index(next(
                x for x in structure if not isinstance(x, list)))]):
            yield from paths(one, f"{prefix}.{i + 1}" if prefix else str(i + 1), False)
        return
    if message:
        prefix = f"{prefix}.1" if prefix else "1"
    inner = [x.lower() for x in structure[:2]] == ["message", "rfc822"]
    yield prefix, "message" if inner else "leaf"
    if inner:
        yield from paths(structure[8], prefix, True)


TOP = ("ENVELOPE", "BODY", "BODYSTRUCTURE", "RFC822.SIZE", "BODY.PEEK[]", "BODY.PEEK[HEADER]", "BODY.PEEK[TEXT]",
       "RFC822.HEADER", "BODY.PEEK[HEADER.FIELDS (Subject)]", "BODY.PEEK[HEADER.FIELDS (From Subject)]<1.4>",
       "BODY.PEEK[HEADER.FIELDS (From to SUBJECT X-None)]",
       "BODY.PEEK[HEADER.FIELDS.NOT (From To Content-Type)]", "BODY.PEEK[]<3.20>", "BODY.PEEK[TEXT]<0.5>",
       "BODY.PEEK[HEADER]<7.9999>", "BODY.PEEK[TEXT]<100000000.5>", "BODY.PEEK[1]<2.3>", "BODY.PEEK[1]", "BODY.PEEK[1.MIME]",
       "BODY.PEEK[1.HEADER]", "BODY.PEEK[1.TEXT]", "BODY.PEEK[99]")


def questions(structure):
    for path, kind in paths(structure):
        yield f"BODY.PEEK[{path}]"
        yield f"BODY.PEEK[{path}.MIME]"
        yield f"BODY.PEEK[{path}]<1.10>"
        if kind == "leaf":
            # RFC 9051 6.4.5: what holds other parts is not asked for
            yield f"BINARY.PEEK[{path}]"
            yield f"BINARY.SIZE[{path}]"
            yield f"BINARY.PEEK[{path}]<2.7>"
        if kind == "message":
            for what in ("HEADER", "TEXT", "HEADER.FIELDS (Subject From)", "HEADER.FIELDS.NOT (Subject)"):
                yield f"BODY.PEEK[{path}.{what}]"


def put(folder, messages, owner):
    new = folder / "new"
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for i, message in enumerate(messages):
        (new / f"{1000000000 + i}.M1P1.host").write_bytes(message)
    for path in [folder, *folder.rglob("*"), folder.parent]:
        if os.getuid() == 0:
            os.chown(path, owner, owner)


def compare(tmp_path, messages, top=TOP):
    """[(index, question, ours, theirs)] where they differ."""
    different = []
    put(tmp_path / "ours" / "example.test" / "user", messages, os.getuid())
    put(tmp_path / "mail" / "example.test" / "user", messages, VMAIL if os.getuid() == 0 else os.getuid())

    def theirs():
        c = ImapClient(socket.create_connection(("127.0.0.1", d.port), timeout=60))
        c.line()
        c.ok(f"LOGIN {USER} secret")
        c.ok("SELECT INBOX")
        return c

    with ImapWorker(tmp_path / "ours") as w, Dovecot(tmp_path / "dovecot", tmp_path / "mail") as d:
        their, our = theirs(), w.client(USER)
        our.ok("SELECT INBOX")
        for i in range(len(messages)):
            asked = list(top)
            for question in asked:
                answer = fetch(our, i + 1, question)
                try:
                    want = fetch(their, i + 1, question)
                except EOFError:
                    # it hangs up at base64 that is none
                    their = theirs()
                    continue
                if answer != want:
                    different.append((i, question, answer, want))
                if question == "BODYSTRUCTURE":
                    asked += [q for q in questions(want["BODYSTRUCTURE"]) if q not in asked]
        our.close()
        their.close()
    return different


PLACEHOLDERS = "Dovecot writes MISSING_DOMAIN, MISSING_MAILBOX and SYNTAX_ERROR where something is not there"
NO_END = "RFC 9051 6.4.5: a header that has no empty line at its end gets none"
TYPE = "RFC 2045 5.2: what cannot be understood is text/plain, not a type of two empty words"
LENIENT = "what a mailer plainly meant is taken"
UNDECODABLE = "RFC 3516 4.3: only an unknown encoding is refused; what can be decoded is sent"
# Where Dovecot and ours differ, and why ours stays as it is
OTHERWISE = {
    "only header": NO_END, "only header, no end": NO_END, "CR before the separator": NO_END, "multipart without body": NO_END,
    "NULs": "Dovecot writes U+FFFD for a NUL in a string, we write ?; its addresses end there",
    "second fields": "RFC 5322 4.5: destination fields are joined, of all others the first counts; Dovecot takes the last",
    "empty addresses": PLACEHOLDERS, "no domains": PLACEHOLDERS, "open addresses": PLACEHOLDERS,
    "odd addresses": PLACEHOLDERS, "odd addresses 2": PLACEHOLDERS, "odd addresses 3": PLACEHOLDERS,
    "group in group": PLACEHOLDERS,
    "semicolons": LENIENT + ": Outlook separates addresses by semicolons",
    "empty type": TYPE, "no subtype": TYPE, "no subtype 2": TYPE, "no type": TYPE, "odd type": TYPE, "bad type": TYPE,
    "quoted type": TYPE, "multipart of no subtype": TYPE,
    "odd parameters": LENIENT, "open quote": LENIENT, "unquoted specials": LENIENT, "parameter without semicolon": LENIENT,
    "unquoted boundary": LENIENT, "odd languages": LENIENT, "boundary with blank end": LENIENT,
    "2231 broken": "Dovecot gives a parameter the number of another",
    "quoted encoding": UNDECODABLE, "wrong encoding": UNDECODABLE, "broken quoted-printable": UNDECODABLE,
    "base64 padding inside": UNDECODABLE,
    "odd disposition": "a disposition of no word is none",
    "no boundary": "shown as the text that it is, not as an empty part", "empty boundary": "the same",
    "boundary of 300": "the same: RFC 2046 5.1.1 allows 70", "boundary of 200": "Dovecot misses the end of long ones",
    "message without body": "RFC 2046 5.1.1: the line end before a boundary belongs to it", "message cut": NO_END,
    "global": "RFC 9051 7.5.2: message/global has envelope and structure like message/rfc822",
}


def test_well_formed_mail(tmp_path):
    messages = oddmail.WELL_FORMED
    different = compare(tmp_path, list(messages.values()))
    # RFC 5322 2.2.3: the blank before the fold is no part of the value
    folded = list(messages).index("folded")
    assert [d[:2] for d in different] == [(folded, "ENVELOPE")], different
    assert different[0][2]["ENVELOPE"][9] == different[0][3]["ENVELOPE"][9].strip() == "<1@x>"


@pytest.mark.parametrize("seed", [0, 1000])
def test_random_well_formed_mail(tmp_path, seed):
    assert not compare(tmp_path, [oddmail.random_mail(seed + i) for i in range(100)])


def test_broken_mail(tmp_path):
    names = list(oddmail.BROKEN)
    different = compare(tmp_path, list(oddmail.BROKEN.values()))
    unexpected = [(names[i], *rest) for i, *rest in different if names[i] not in OTHERWISE]
    assert not unexpected
    assert {names[d[0]] for d in different} == set(OTHERWISE), "what is no longer different"
    # The bytes are beyond opinion.
    assert not [d for d in different if d[1] in ("BODY.PEEK[]", "BODY.PEEK[TEXT]", "BODY.PEEK[HEADER]", "RFC822.SIZE")]


def test_damaged_mail(tmp_path):
    """Of what was cut and mixed up only the bytes must be the same, but all is answered."""
    different = compare(tmp_path, [oddmail.damaged_mail(i) for i in range(150)])
    assert not [d for d in different if d[1] in ("BODY.PEEK[]", "BODY.PEEK[TEXT]", "BODY.PEEK[HEADER]", "RFC822.SIZE",
                                                 "BODY.PEEK[]<3.20>", "BODY.PEEK[TEXT]<0.5>")]


def test_previews(tmp_path):
    messages = {name: m for name, m in oddmail.WELL_FORMED.items() if b"multipart/digest" not in m and b"message/rfc822" not in m}
    assert not compare(tmp_path, list(messages.values()), ["PREVIEW"])
