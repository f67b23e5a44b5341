"""SEARCH, SORT and THREAD answer what a real Dovecot answers."""

import base64
import imaplib
import random
import re
import sys
from pathlib import Path

import pytest
from dovecot import Dovecot

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from imapworker import ImapWorker  # noqa: E402

USER = "user@example.test"
NAMES = ["Ann <ann@b.test>", "bob@a.test", "\"Zoë, Dr.\" <Zed@c.test>", "=?utf-8?q?=C3=84rger?= <e@f.test>",
         "Ann <ANN@z.test>", "", "friends: x@y.test, z@y.test;", "=?iso-8859-1?q?=E9mile?= <y@b.test>"]
SUBJECTS = ["hello", "Hello", "Re: hello", "Fwd: hello", "[list] hello", "hello (fwd)", "", "Re:",
            "=?utf-8?q?W=C3=B6rld?=", "=?utf-8?q?Re=3A_w=C3=B6rld?=", "[fwd: other]", "other",
            "Re[2]: other", "re: [x] Re: other", "zebra", "Ähnlich".encode().decode("latin-1")]


def thread_mail(rnd, n, count):
    """A message in some conversation, with mistakes that mail programs make."""
    lines = [f"From: {rnd.choice(NAMES)}", f"To: {rnd.choice(NAMES)}", f"Cc: {rnd.choice(NAMES)}",
             f"Subject: {rnd.choice(SUBJECTS)}"]
    lines = [line for line in lines if not line.endswith(": ")]
    if rnd.random() < 0.9:
        lines.append(f"Date: {rnd.randrange(1, 28)} Jul 2003 {rnd.randrange(24):02}:00:00 "
                     f"{rnd.choice(['+0000', '+0200', '-0800'])}")
    if rnd.random() < 0.95:
        lines.append(f"Message-ID: <{rnd.randrange(count) if rnd.random() < 0.05 else n}@x>")
    # mostly to earlier ones, some to what was never there
    refs = [f"<{rnd.randrange(count + 20)}@x>" for _ in range(rnd.randrange(4))]
    if n and rnd.random() < 0.8:
        refs = sorted(rnd.sample(range(n), min(n, rnd.randrange(4))))
        refs = [f"<{r}@x>" for r in refs]
    if refs and rnd.random() < 0.7:
        lines.append("References: " + " ".join(refs))
    elif refs:
        lines.append(f"In-Reply-To: {refs[-1]}")
    return ("\r\n".join(lines) + "\r\n\r\n" + "x" * rnd.randrange(99) + "\r\n").encode("latin-1")


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("both")
    with ImapWorker(folder / "ours") as w, Dovecot(folder / "dovecot", folder / "mail") as d:
        with d.imap(USER) as theirs:
            ours = w.imaplib(USER)
            yield ours, theirs
            ours.logout()


def fill(servers, name, messages):
    for c in servers:
        assert c.create(name)[0] == "OK"
        for i, message in enumerate(messages):
            day = imaplib.Time2Internaldate(1056000000 + (i * 7919) % len(messages) * 86413)
            assert c.append(name, "", day, message)[0] == "OK"
        assert c.select(name)[0] == "OK"


def ask(c, command):
    name = command.split()[0]
    kind, data = c._simple_command("UID", *command.split(" ", 1))
    return kind, c._untagged_response(kind, data, name)[1]


def same(servers, command):
    ours, theirs = (ask(c, command) for c in servers)
    assert ours == theirs, command


def threads(line):
    """The threads of a THREAD response, one by one."""
    out, depth = [b""], 0
    for c in line:
        out[-1] += bytes([c])
        depth += {40: 1, 41: -1}.get(c, 0)
        if depth == 0:
            out.append(b"")
    return out[:-1]


@pytest.mark.parametrize("seed", range(6))
def test_sort_and_thread(servers, seed):
    rnd = random.Random(seed)
    count = [1, 5, 20, 60, 200, 300][seed]
    fill(servers, f"t{seed}", [thread_mail(rnd, n, count) for n in range(count)])
    for keys in ("ARRIVAL", "CC", "DATE", "DISPLAYFROM", "DISPLAYTO", "FROM", "REVERSE SIZE", "SUBJECT", "TO",
                 "SUBJECT DATE", "REVERSE FROM SUBJECT REVERSE DATE"):
        same(servers, f"SORT ({keys}) UTF-8 ALL")
    for algorithm in ("ORDEREDSUBJECT", "REFERENCES"):
        same(servers, f"THREAD {algorithm} UTF-8 ALL")
        same(servers, f"THREAD {algorithm} US-ASCII SUBJECT hello")
    # Dovecot puts these threads in the order of the newest sent date
    ours, theirs = (ask(c, "THREAD REFS UTF-8 ALL")[1][0] for c in servers)
    assert sorted(threads(ours)) == sorted(threads(theirs))


def mime(headers, body):
    return (headers + "MIME-Version: 1.0\r\n\r\n" + body).encode("latin-1")


def encoded(text, charset):
    """Of a part in base64."""
    return base64.encodebytes(text.encode(charset)).decode().replace("\n", "\r\n")


def part(kind, body, charset=None, encoding="8bit"):
    charset = f"; charset={charset}" if charset else ""
    return f"--b\r\nContent-Type: {kind}{charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}\r\n"


MULTIPART = "Content-Type: multipart/mixed; boundary=b\r\n"
ODD = [
    mime("From: \"Doe, John (jr)\" <john.doe@example.test>\r\nTo: Ann <ann@b.test>, \"Bob B\" <bob@c.test>\r\n"
         "Subject: plain  subject\twith blanks\r\n", "first line\r\nsecond line\r\n"),
    mime("From: =?iso-8859-1?q?J=F6rg_M=FCller?= <jm@example.test>\r\nSubject: =?utf-8?b?w6RiYw==?=\r\n"
         " =?utf-8?q?def?= tail\r\nCc: undisclosed: x@y.test, Zed <z@y.test>;\r\n", "caf\xe9 in no charset\r\n"),
    mime("Subject: =?koi8-r?b?8NLJ18XU?= =?windows-1251?q?=EC=E8=F0?=\r\nX-Spam: =?utf-8?q?f=C3=BC?=\r\n"
         "Content-Type: text/plain; charset=koi8-r\r\nContent-Transfer-Encoding: base64\r\n",
         encoded("Привет мир и всем", "koi8-r")),
    mime("Subject: =?iso-2022-jp?B?GyRCRnxLXBsoQg==?=\r\nContent-Type: text/plain; charset=shift_jis\r\n"
         "Content-Transfer-Encoding: base64\r\n", encoded("日本語テキスト", "shift_jis")),
    mime("Subject: parts\r\n" + MULTIPART, "preamble words\r\n"
         + part("text/plain", "gr=FC=DFe an alle=\r\n zusammen", "iso-8859-1", "quoted-printable")
         + part("text/html", "<p>html words <i>here</i></p>", "utf-8")
         + part("application/octet-stream", encoded("binary words", "ascii"), None, "base64")
         + part("message/rfc822", "Subject: inner =?utf-8?q?f=C3=BCr?=\r\nFrom: in@ner.test\r\n\r\ninner words\r\n")
         + "--b--\r\nepilogue words\r\n"),
    mime("Subject: other charsets\r\n" + MULTIPART,
         part("text/plain", encoded("łódź źle", "iso-8859-2"), "iso-8859-2", "base64")
         + part("text/plain", encoded("ελληνικά", "iso-8859-7"), "iso-8859-7", "base64")
         + part("text/plain", encoded("中文文本", "gb2312"), "gb2312", "base64")
         + part("text/plain", encoded("中文文本", "big5"), "big5", "base64")
         + part("text/plain", encoded("한국어", "euc-kr"), "euc-kr", "base64")
         + part("text/plain", encoded("euro €", "windows-1252"), "windows-1252", "base64")
         + part("text/plain", encoded("utf sechzehn", "utf-16"), "utf-16", "base64") + "--b--\r\n"),
    mime("From: <>\r\nTo: \r\nSubject: \r\nDate: 1 Feb 2003 23:30:00 -0500\r\n", "no blank at the end"),
    mime("Subject: folded\r\n in\r\n\tthree\r\nDate: 2 Feb 2003 01:30:00 +0500\r\n"
         "Content-Type: multipart/alternative; boundary=b\r\n",
         part("text/plain", "one two") + part("text/html", "<b>three</b>") + "--b--\r\n"),
    mime("Subject: Stra\xc3\x9fe ISTANBUL\r\nReferences: <a@b>\r\n <c@d>\r\nContent-Type: text/plain; charset=utf-8\r\n",
         "\xc4\xb0stanbul \xef\xac\x81ne\r\n"),
]
QUESTIONS = """
ALL|ANSWERED|NOT SEEN|1:3,5|*|UID 2:4|NEW|OLD|RECENT|UNDELETED UNFLAGGED|LARGER 200|SMALLER 300
FROM john|FROM "Doe, John"|FROM doe@example|FROM "Doe, John (jr)"|FROM jörg|FROM "müller <jm"|FROM ""|FROM "=?"
TO ann|TO "bob b"|TO "bob@c.test"|TO "<ann@b.test>, "|TO ""|TO b.test|CC zed|CC undisclosed|CC x@y|BCC ""|BCC x
SUBJECT "subject with"|SUBJECT abc|SUBJECT äbcdef|SUBJECT "def tail"|SUBJECT ""
SUBJECT приветмир|SUBJECT привет|SUBJECT 日本|SUBJECT "folded in three"|SUBJECT straße|SUBJECT istanbul
HEADER x-spam fü|HEADER X-Spam ""|HEADER X-None ""|HEADER References "<c@d>"|HEADER Subject inner|HEADER From in@ner
BODY "first line"|BODY line|BODY "second"|BODY привет|BODY "мир и"|BODY 日本語|BODY テキスト|BODY grüße
BODY "alle zusammen"|BODY "html words"|BODY here|BODY "inner words"|BODY łódź|BODY ŹLE|BODY ελληνικα|BODY ΕΛΛΗΝΙΚΆ
BODY 中文|BODY 한국어|BODY "euro €"|BODY sechzehn|BODY "one two"|BODY three|BODY istanbul|BODY fine|BODY ""|BODY nothing
TEXT subject|TEXT jörg|TEXT "inner für"|TEXT in@ner|TEXT привет|TEXT john|TEXT "line"|TEXT multipart|TEXT ""|TEXT 1.0
SENTON 1-Feb-2003|SENTSINCE 2-Feb-2003|SENTON 2-Feb-2003|SENTSINCE 1-Jan-1990
ON 19-Jun-2003|SINCE 19-Jun-2003|BEFORE 21-Jun-2003|OR FROM john BODY три|NOT BODY words|OR (SUBJECT a BODY b) TEXT inner
OLDER 100|YOUNGER 100|KEYWORD x|UNKEYWORD x|NOT (FROM john TO ann)|NOT NOT FROM john|OR SUBJECT x OR SUBJECT parts FROM jörg
BODY base64|BODY "inner für"|TEXT base64|TEXT "text/html"|BODY "text/html"|BODY "Content-Type"|TEXT "Content-Type"|BODY "in@ner"
BODY preamble|BODY epilogue|BODY "binary words"|TEXT "binary words"|BODY "YmluYXJ5"
BODY "--b"|TEXT "Subject: inner"|TEXT "Subject: plain"|TEXT "X-Spam: f"|BODY "line second"|TEXT "quoted-printable"
BODY "quoted-printable"|HEADER Subject "in three"|FROM "jörg müller"|TO "bob b <bob"
TO "ann <ann@b.test>, bob"|FROM "(jr)"|HEADER Content-Type multipart|HEADER Date 2003
"""


# What we answer otherwise, on purpose
OURS = [
    ('SUBJECT "plain  subject"', b"1"),  # Dovecot has single blanks in the header, but not in the argument
    ('BODY "café"', b"2"),  # text in no charset is read as windows-1252
    ("SENTBEFORE 2-Feb-2003", b"7"),  # a message without Date is not of 1970
    ('BODY "html words here"', b"5"),  # HTML is searched without its tags
    ("BODY i>here", b""),
]


def test_search(servers):
    def answer(c, question):
        kind, data = c._simple_command("UID", b"SEARCH", b"CHARSET UTF-8 " + question.encode())
        return kind, c._untagged_response(kind, data, "SEARCH")[1]

    fill(servers, "odd", ODD)
    different = []
    for question in QUESTIONS.strip().replace("\n", "|").split("|"):
        question = re.sub(r'(?<=[ ])([^" ()]*[^\x00-\x7f][^" ()]*)(?= |$)', r'"\1"', question)
        answers = [answer(c, question) for c in servers]
        if answers[0] != answers[1]:
            different.append((question, *answers))
    assert not different, "\n".join(map(str, different))
    for question, want in OURS:
        assert answer(servers[0], question) == ("OK", [want]), question
