"""PREVIEW (RFC 8970) over a socket pair."""

import os

PLAIN = b"Subject: x\r\n\r\nHello,\r\n\r\n  world!\r\n"
HTML = ("Subject: x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
        "<html><style>no</style><p>Grüße &amp; Küsse</p></html>\r\n").encode()
NONE = b"Subject: x\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n"


def test_previews(c):
    for message in (PLAIN, HTML, NONE):
        c.append("INBOX", message)
    text = "Grüße & Küsse"
    assert c.ok("FETCH 1:* PREVIEW") == [
        "* 1 FETCH (PREVIEW {13}\r\nHello, world!)",
        f"* 2 FETCH (PREVIEW {{{len(text.encode())}}}\r\n{text})",
        '* 3 FETCH (PREVIEW "")']
    assert c.ok("UID FETCH 3 (PREVIEW (LAZY) FLAGS)")[0].endswith('PREVIEW "")')
    assert "Seen" not in "".join(c.ok("FETCH 1:* FLAGS"))


def test_modifiers(c):
    c.append("INBOX", PLAIN)
    assert len(c.ok("FETCH 1 PREVIEW (LAZY)")) == 1
    assert "MODSEQ" in c.ok("FETCH 1 PREVIEW (LAZY) (CHANGEDSINCE 1)")[-1]
    assert "MODSEQ" in c.ok("FETCH 1 PREVIEW (CHANGEDSINCE 1)")[0]
    for items in ("PREVIEW (LAZY", "PREVIEW (LAZY FUZZY)", "(PREVIEW (FUZZY))", "PREVIEW ()", "PREVIEW[]"):
        c.bad("FETCH 1 " + items)


def test_a_lazy_list_is_not_held_up(worker, c):
    """The first ones come, NIL for the rest; without LAZY all of them."""
    c.send("a APPEND INBOX" + f" {{{len(PLAIN)}+}}\r\n{PLAIN.decode()}" * 200 + "\r\n")
    assert c.until("a")[1].startswith("OK")
    lines = c.ok("FETCH 1:* (PREVIEW (LAZY))")
    made = [line for line in lines if "Hello" in line]
    assert len(lines) == 200 and 0 < len(made) < 200
    assert all(line.endswith("(PREVIEW NIL)") for line in lines[len(made):])
    assert sum("Hello" in line for line in c.ok("FETCH 1:* PREVIEW")) == 200


def test_a_message_whose_file_is_gone_has_an_empty_one(worker, c):
    c.append("INBOX", PLAIN)
    for folder in ("cur", "new"):
        path = os.path.join(worker.maildir(), folder)
        for name in os.listdir(path):
            os.unlink(os.path.join(path, name))
    for line in c.do("FETCH 1 PREVIEW")[0]:
        assert line in ('* 1 FETCH (PREVIEW "")', "* 1 EXPUNGE", "* VANISHED 1")
