"""UTF8=ACCEPT (RFC 6855) over a socket pair."""

import pytest

MAIL = "Subject: Grüße\r\nFrom: Jörg <jörg@exämple.test>\r\n\r\nhällo\r\n".encode()


@pytest.fixture
def u(c):
    assert c.ok("ENABLE UTF8=ACCEPT") == ["* ENABLED UTF8=ACCEPT"]
    return c


def append(c, mailbox, message, before="UTF8 (~", after=")"):
    return c.do(b"APPEND %b %b{%d+}\r\n%b%b" % (
        mailbox.encode(), before.encode(), len(message), message, after.encode()))


def test_names(u):
    u.ok('CREATE "Entwürfe"')
    assert any('"Entwürfe"' in x for x in u.ok('LIST "" "Entw*"'))
    assert any("Entwürfe" in x for x in u.ok('STATUS "Entwürfe" (MESSAGES)'))
    u.bad(b'CREATE "\xff\xfe"')
    u.bad(b'SELECT "\xc3"')


def test_names_without_it_are_modified_utf7(c):
    c.ok("CREATE Entw&APw-rfe")
    assert any("Entw&APw-rfe" in x for x in c.ok('LIST "" "Entw*"'))


def test_append(u):
    text = append(u, "INBOX", MAIL)[1]
    assert text.startswith("OK [APPENDUID"), text
    assert u.ok("FETCH 1 BODY.PEEK[]") == [f"* 1 FETCH (BODY[] {{{len(MAIL)}}}\r\n{MAIL.decode()})"]
    assert u.ok('UID SEARCH SUBJECT "GRÜSSE"'.replace("SS", "ß")) == ["* SEARCH 1"]


def test_append_of_two_with_flags(u):
    text = append(u, "INBOX", MAIL, "(\\Seen) UTF8 (~",
                  f") UTF8 (~{{{len(MAIL)}+}}\r\n{MAIL.decode()})")[1]
    assert text.startswith("OK [APPENDUID") and ":" in text
    assert len(u.ok("FETCH 1:* FLAGS")) == 2


def test_catenate(u):
    head = "Subject: ä\r\n\r\n".encode()
    text = append(u, "INBOX", head, "CATENATE (UTF8 (~", ") TEXT {4+}\r\nabcd)")[1]
    assert text.startswith("OK [APPENDUID"), text
    assert u.ok("FETCH 1 BODY.PEEK[TEXT]") == ["* 1 FETCH (BODY[TEXT] {4}\r\nabcd)"]


@pytest.mark.parametrize("before, after", [
    ("UTF8 (~", ""), ("UTF8 (~", "))"), ("UTF8 (~", ") x"), ("UTF8 (", ")"), ("UTF8 ~", ")"), ("UTF8(~", ")")])
def test_bad_append(u, before, after):
    assert append(u, "INBOX", MAIL, before, after)[1].startswith("BAD")
    assert u.ok("STATUS INBOX (MESSAGES)") == ["* STATUS INBOX (MESSAGES 0)"]


def test_append_extension_needs_enable(c):
    assert append(c, "INBOX", MAIL)[1].startswith("BAD")
    # What clients of old do all the same is kept as it is.
    assert append(c, "INBOX", MAIL, "", "")[1].startswith("OK")


def test_search_has_no_charset(u):
    u.bad("SEARCH CHARSET UTF-8 ALL")
    u.bad("UID SEARCH RETURN (COUNT) CHARSET UTF-8 ALL")
    u.ok("SORT (DATE) UTF-8 ALL")
    u.bad(b'SEARCH SUBJECT "\xe4"')
