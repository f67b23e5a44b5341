"""BINARY (RFC 3516): parts without their transfer encoding, binary messages in."""

import base64
import os
import quopri

DATA = bytes(range(256)) * 40
TEXT = "é ligne\r\nune autre\r\n"

MESSAGE = (b"""Subject: binary\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=b\r
\r
--b\r
Content-Type: text/plain; charset=utf-8\r
Content-Transfer-Encoding: quoted-printable\r
\r
""" + quopri.encodestring(TEXT.encode()).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + b"""\r
--b\r
Content-Type: application/octet-stream\r
Content-Transfer-Encoding: base64\r
\r
""" + base64.encodebytes(DATA).replace(b"\n", b"\r\n") + b"""\r
--b\r
Content-Type: text/plain\r
Content-Transfer-Encoding: x-odd\r
\r
odd\r
--b\r
Content-Type: text/plain\r
\r
plain\r
lines\r
--b--\r
""")


def test_parts_come_decoded(c):
    c.append("INBOX", MESSAGE)
    line, = c.ok("FETCH 1 BINARY.PEEK[1]")
    n = len(TEXT.encode())
    assert line == f"* 1 FETCH (BINARY[1] {{{n}}}\r\n{TEXT})"
    line, = c.ok("FETCH 1 (BINARY.SIZE[1] BINARY.SIZE[2] BINARY.SIZE[4])")
    assert line == f"* 1 FETCH (BINARY.SIZE[1] {n} BINARY.SIZE[2] {len(DATA)} BINARY.SIZE[4] 12)"
    line, = c.ok("FETCH 1 (BINARY.PEEK[4] BINARY.PEEK[4]<3.4> BINARY.PEEK[4]<12.1> BINARY.PEEK[9])")
    assert line == ("* 1 FETCH (BINARY[4] {12}\r\nplain\r\nlines BINARY[4]<3> {4}\r\nin\r\n "
                    'BINARY[4]<12> "" BINARY[9] NIL)')
    assert "Seen" not in c.ok("FETCH 1 FLAGS")[0]
    assert r"\Seen" in c.ok("FETCH 1 BINARY[4]")[0]


def test_what_holds_nul_is_a_literal8(c):
    c.append("INBOX", MESSAGE)
    line, = c.ok("UID FETCH 1 BINARY.PEEK[2]")
    want = DATA.decode("utf-8", "surrogateescape")
    assert line == f"* 1 FETCH (UID 1 BINARY[2] ~{{{len(DATA)}}}\r\n{want})"


def test_ranges_join_to_the_whole(c):
    c.append("INBOX", MESSAGE)
    got = b""
    for at in range(0, len(DATA) + 777, 777):
        line, = c.ok(f"FETCH 1 BINARY.PEEK[2]<{at}.777>")
        got += line.encode("utf-8", "surrogateescape").split(b"\r\n", 1)[1][:-1] if "{" in line else b""
    assert got == DATA


def test_unknown_encoding_fails(c):
    c.append("INBOX", MESSAGE)
    untagged, text = c.do("FETCH 1 (UID BINARY.PEEK[3])")
    assert text.startswith("NO [UNKNOWN-CTE]")
    assert untagged == ["* 1 FETCH (UID 1 BINARY[3] NIL)"]
    assert c.do("FETCH 1 BINARY.SIZE[3]")[1].startswith("NO [UNKNOWN-CTE]")
    assert c.ok("FETCH 1 BINARY.PEEK[4]")


def test_syntax(c):
    c.append("INBOX", MESSAGE)
    for item in ("BINARY", "BINARY[HEADER]", "BINARY[1.MIME]", "BINARY[1.]", "BINARY.SIZE[1]<0.1>",
                 "BINARY.SIZE", "BINARY.PEEK", "BINARY.NONE[1]", "BINARY[1]<0.0>"):
        c.bad(f"FETCH 1 {item}")


def test_composite_sections_are_not_encoded(c):
    c.append("INBOX", MESSAGE)
    line, = c.ok("FETCH 1 (BINARY.SIZE[] BINARY.PEEK[]<0.15>)")
    assert line == f"* 1 FETCH (BINARY.SIZE[] {len(MESSAGE)} BINARY[]<0> {{15}}\r\nSubject: binary)"


def literal8(c, message, args=""):
    c.send(b"L APPEND INBOX %s~{%d}\r\n" % (args.encode(), len(message)))
    assert c.line().startswith("+")
    c.send(message + b"\r\n")
    return c.until("L")[1]


def test_binary_message_comes_back_byte_for_byte(worker, c):
    data = os.urandom(300000) + b"\0\n\r\n--x\r\n"
    message = (b"Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n"
               b"Content-Transfer-Encoding: binary\r\n\r\n--b\r\n"
               b"Content-Transfer-Encoding: binary\r\nContent-Type: image/png\r\n\r\n" + data +
               b"\r\n--b\r\n\r\ntext\r\n--b--\r\n")
    assert literal8(c, message, "(\\Seen) ").startswith("OK [APPENDUID")
    line, = c.ok("FETCH 1 BINARY.PEEK[1]")
    got = line.encode("utf-8", "surrogateescape")
    assert got == b"* 1 FETCH (BINARY[1] ~{%d}\r\n%s)" % (len(data), data)
    structure, = c.ok("FETCH 1 BODYSTRUCTURE")
    assert '"base64"' in structure and '"binary"' not in structure.lower()
    assert c.ok("FETCH 1 BODY.PEEK[2]") == ["* 1 FETCH (BODY[2] {4}\r\ntext)"]
    line, = c.ok("FETCH 1 RFC822.SIZE")
    size = int(line.split("RFC822.SIZE ")[1].rstrip(")"))
    line, = c.ok("FETCH 1 BODY.PEEK[]")
    assert f"BODY[] {{{size}}}\r\n" in line


def test_binary_and_plain_messages_in_one_append(c):
    plain, binary = b"A: b\r\n\r\nplain\r\n", b"A: b\r\nContent-Transfer-Encoding: binary\r\n\r\n\0\n"
    c.send(b"L APPEND INBOX ~{%d+}\r\n%s (\\Seen) {%d+}\r\n%s ~{%d+}\r\n%s\r\n" % (
        len(binary), binary, len(plain), plain, len(plain), plain))
    assert c.until("L")[1].startswith("OK [APPENDUID")
    assert c.ok("FETCH 1 BINARY.PEEK[1]") == ["* 1 FETCH (BINARY[1] ~{2}\r\n\0\n)"]
    for n in (2, 3):
        assert plain.decode() in c.ok(f"FETCH {n} BODY.PEEK[]")[0]


def test_noop_beside_a_large_decoding_is_quick(worker, c):
    """100 MB of attachment: others are served meanwhile, and memory stays."""
    line = base64.b64encode(b"x" * 57) + b"\r\n"
    big = b"Content-Transfer-Encoding: base64\r\n\r\n" + line * 1300000
    c.append("INBOX", big)
    other = worker.client()
    other.ok("SELECT INBOX")
    # A sanitizer keeps what was freed for a while.
    most = (128 if worker.sanitized() else 16) << 20
    before = peak = worker.memory()
    c.send("big FETCH 1 BINARY.SIZE[1]\r\n")
    answered = 0
    c.sock.setblocking(False)
    while not c.pending:
        other.ok("NOOP")
        answered += 1
        peak = max(peak, worker.memory())
        try:
            c.pending += c.sock.recv(65536)
        except BlockingIOError:
            pass
    c.sock.settimeout(60)
    assert c.until("big")[0] == [f"* 1 FETCH (BINARY.SIZE[1] {57 * 1300000})"]
    assert answered > 3
    assert peak - before < most
    got, = c.ok("FETCH 1 BINARY.PEEK[1]<74000000.10>")
    assert got == "* 1 FETCH (BINARY[1]<74000000> {10}\r\nxxxxxxxxxx)"
    assert worker.memory() - before < most
