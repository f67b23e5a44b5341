"""CATENATE (RFC 4469) and APPENDLIMIT (RFC 7889) over a socket pair."""

import re

import pytest

MESSAGE = b"""Subject: one\r
Content-Type: multipart/mixed; boundary=b\r
\r
--b\r
\r
first\r
--b\r
Content-Type: application/x\r
\r
data \0 \xff\r
--b--\r
"""

@pytest.fixture
def c(worker):
    c = worker.client()
    c.ok("SELECT INBOX")
    assert c.append("INBOX", MESSAGE) == 1
    return c


def text_of(c, uid):
    line, = c.ok(f"UID FETCH {uid} BODY.PEEK[]")
    m = re.match(r"\* \d+ FETCH \(UID \d+ BODY\[\] \{(\d+)\}\r\n", line)
    return line[m.end():-1]


def test_text_and_urls_are_joined(c):
    validity = re.search(r"UIDVALIDITY (\d+)", c.ok("STATUS INBOX (UIDVALIDITY)")[0]).group(1)
    c.send(f'a APPEND INBOX (\\Seen) CATENATE (URL "/INBOX;UIDVALIDITY={validity}/;UID=1/;SECTION=HEADER"'
           " TEXT {5}\r\n")
    assert c.line().startswith("+")
    c.send('--b\r\n URL "/INBOX/;UID=1/;SECTION=1.MIME" URL /INBOX/;UID=1/;SECTION=1 TEXT {9+}\r\n'
           "\r\n--b--\r\n URL ;UID=1/;SECTION=TEXT/;PARTIAL=0.4)\r\n")
    untagged, text = c.until("a")
    assert re.match(r"OK \[APPENDUID \d+ 2\]", text)
    assert text_of(c, 2) == (MESSAGE[:MESSAGE.index(b"--b")].decode() + "--b\r\n\r\nfirst\r\n--b--\r\n--b\r")
    assert r"\Seen" in c.ok("FETCH 2 FLAGS")[0]
    assert r"\Seen" not in c.ok("FETCH 1 FLAGS")[0]


def test_urls_alone_and_as_literals(c):
    c.ok("APPEND INBOX CATENATE (URL /INBOX/;UID=1)")
    assert c.last.startswith("OK [APPENDUID")
    c.ok("APPEND INBOX CATENATE (URL ", ("/INBOX/;UID=1", " URL "), (";UID=2/;SECTION=1", ")"))
    # Octets are copied unchanged, NUL too.
    assert text_of(c, 2) == text_of(c, 1)
    assert text_of(c, 3) == text_of(c, 1) + "first"


def test_several_messages_of_all_kinds_in_one_append(c):
    c.ok("APPEND INBOX CATENATE (TEXT ", (b"A: b\r\n\r\nx", ") (\\Flagged) "), (b"C: d\r\n\r\n", " CATENATE (URL ;UID=1)"))
    assert re.match(r"OK \[APPENDUID \d+ 2:4\]", c.last)
    assert text_of(c, 2) == "A: b\r\n\r\nx"
    assert c.ok("SEARCH FLAGGED") == ["* SEARCH 3"]


@pytest.mark.parametrize("url", ["/INBOX/;UID=9", "/none/;UID=1", "/INBOX;UIDVALIDITY=1/;UID=1", "nonsense",
                                 "/INBOX/;UID=1/;SECTION=7", "imap://other/INBOX/;UID=1"])
def test_bad_urls_are_told_and_nothing_is_added(c, url):
    assert c.no(f'APPEND INBOX CATENATE (TEXT {{2+}}\r\nA: URL "{url}")').startswith(f"NO [BADURL {url}]")
    # Before a literal that waits, and one that does not.
    c.send(f"a APPEND INBOX CATENATE (URL {url} TEXT {{5}}\r\n")
    assert c.line().startswith("a NO [BADURL ")
    c.send(f"b APPEND INBOX CATENATE (URL {url} TEXT {{5+}}\r\nabcde)\r\nc NOOP\r\n")
    assert c.line().startswith("b NO [BADURL ")
    assert c.line().startswith("c OK")
    assert c.ok("STATUS INBOX (MESSAGES)") == ["* STATUS INBOX (MESSAGES 1)"]


def test_a_url_cannot_end_the_response_code(c):
    assert c.no('APPEND INBOX CATENATE (URL "a]b\\\\c")').startswith("NO [BADURL a?b?c] ")


def test_syntax(c):
    for args in ("CATENATE ()", "CATENATE (URL)", "CATENATE (URL a", "CATENATE (FOO a)", "CATENATE URL a",
                 "CATENATE (URL a) x", "(\\Seen)", ""):
        c.bad("APPEND INBOX " + args)
    c.bad("APPEND INBOX CATENATE (TEXT ", ("x", " FOO)"))
    c.ok("NOOP")


def test_the_whole_meets_the_limit(c):
    """Each part is below it."""
    half = b"A: b\r\n\r\n" + b"x" * 99 + b"\r\n"
    uid = c.append("INBOX", half + b"0123456789abcdef" * 4000000)
    parts = " ".join([f"URL ;UID={uid}"] * 17)
    assert c.no(f"APPEND INBOX CATENATE ({parts})").startswith("NO [TOOBIG]")
    c.send(f"a APPEND INBOX CATENATE (URL ;UID={uid} TEXT {{1073741000}}\r\n")
    assert c.line().startswith("a NO [TOOBIG]")
    assert c.no("APPEND INBOX CATENATE (TEXT {0+}\r\n)").startswith("NO [CANNOT]")


def test_noop_beside_a_long_catenation(worker, c):
    uid = c.append("INBOX", b"A: b\r\n\r\n" + b"0123456789abcdef\r\n" * 1000000)
    other = worker.client()
    other.ok("SELECT INBOX")
    c.send(f"a APPEND INBOX CATENATE ({' '.join([f'URL ;UID={uid}'] * 20)})\r\n")
    c.sock.setblocking(False)
    answered = 0
    while not c.pending:
        other.ok("NOOP")
        answered += 1
        try:
            c.pending += c.sock.recv(65536)
        except BlockingIOError:
            pass
    c.sock.settimeout(60)
    assert c.until("a")[1].startswith("OK") and answered > 3


def test_target_that_is_missing(c):
    assert c.no("APPEND none CATENATE (URL ;UID=1)").startswith("NO [TRYCREATE]")


def test_appendlimit(worker, c):
    capability, = c.ok("CAPABILITY")
    limit = int(re.search(r" APPENDLIMIT=(\d+)", capability).group(1))
    assert c.ok("STATUS INBOX (APPENDLIMIT)") == [f"* STATUS INBOX (APPENDLIMIT {limit})"]
    assert f"* STATUS INBOX (APPENDLIMIT {limit})" in c.ok('LIST "" INBOX RETURN (STATUS (APPENDLIMIT))')
    c.send(f"a APPEND INBOX {{{limit + 1}}}\r\n")
    assert c.line().startswith("a NO [TOOBIG]")
