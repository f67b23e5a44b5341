"""MESSAGELIMIT (RFC 9738) over a socket pair."""

import pytest
from imapworker import ImapWorker

MAIL = b"Subject: s\r\n\r\nhello\r\n"


@pytest.fixture
def worker(tmp_path):
    with ImapWorker(tmp_path, settings={"imap_message_limit": 3}) as w:
        yield w


@pytest.fixture
def filled(c):
    """Five messages with the UIDs 2 to 6."""
    for _ in range(6):
        c.append("INBOX", MAIL)
    c.ok("UID STORE 1 +FLAGS.SILENT (\\Deleted)")
    c.ok("UID EXPUNGE 1")
    return c


def test_capability(c):
    assert "MESSAGELIMIT=3" in c.ok("CAPABILITY")[0].split()


def uids(lines):
    return [int(x.split("UID ")[1].split()[0].rstrip(")")) for x in lines if "UID" in x]


def test_fetch_begins_at_the_highest(filled):
    lines, text = filled.do("FETCH 1:* UID")
    assert uids(lines) == [4, 5, 6] and text.startswith("OK [MESSAGELIMIT 3 4]")
    lines, text = filled.do("UID FETCH 1:3 UID")
    assert uids(lines) == [2, 3] and "LIMIT" not in text
    lines, text = filled.do("UID FETCH 2,4,6 UID")
    assert uids(lines) == [2, 4, 6] and "LIMIT" not in text
    lines, text = filled.do("UID FETCH 2:3,5:6 UID")
    assert uids(lines) == [3, 5, 6] and text.startswith("OK [MESSAGELIMIT 3 3]")


def test_fetch_of_a_part(filled):
    assert uids(filled.ok("UID FETCH 1:* UID (PARTIAL 1:3)")) == [2, 3, 4]
    assert filled.no("UID FETCH 1:* UID (PARTIAL 1:4)").startswith("NO [MESSAGELIMIT 3]")


def test_store(worker, filled):
    lines, text = filled.do("STORE 1:* +FLAGS.SILENT (\\Seen)")
    assert text.startswith("OK [MESSAGELIMIT 3 4]")
    assert filled.ok("SEARCH SEEN UID 1:3") == ["* SEARCH"]
    assert filled.ok("SEARCH SEEN UID 4:*") == ["* SEARCH 3 4 5"]
    modseq = filled.ok("STATUS INBOX (HIGHESTMODSEQ)")[-1].split()[-1].rstrip(")")
    other = worker.client()
    other.ok("SELECT INBOX")
    other.ok("UID STORE 5 +FLAGS (\\Flagged)")
    lines, text = filled.do(f"UID STORE 2:* (UNCHANGEDSINCE {modseq}) -FLAGS (\\Seen)")
    assert text.startswith("OK [MODIFIED 5]")
    assert any(x.startswith("* NO [MESSAGELIMIT 3 4]") for x in lines)


def test_copy_is_whole_or_not_at_all(filled):
    filled.ok("CREATE x")
    assert filled.no("COPY 1:* x").startswith("NO [MESSAGELIMIT 3]")
    assert filled.ok("STATUS x (MESSAGES)") == ["* STATUS x (MESSAGES 0)"]
    filled.ok("COPY 1:3 x")


def test_move_goes_on(filled):
    filled.ok("CREATE x")
    lines, text = filled.do("UID MOVE 1:* x")
    assert text.startswith("OK [MESSAGELIMIT 3 4]")
    assert filled.ok("UID SEARCH ALL") == ["* SEARCH 2 3"]
    lines, text = filled.do("UID MOVE 1:3 x")
    assert text == "OK MOVE completed."


def test_expunge(filled):
    filled.ok("UID STORE 2:3 +FLAGS.SILENT (\\Deleted)")
    filled.ok("UID STORE 4:6 +FLAGS.SILENT (\\Deleted)")
    assert filled.do("UID EXPUNGE 1:*")[1].startswith("OK [MESSAGELIMIT 3 4]")
    assert filled.ok("UID SEARCH ALL") == ["* SEARCH 2 3"]
    assert filled.do("EXPUNGE")[1] == "OK EXPUNGE completed."


def test_search(filled):
    lines, text = filled.do("UID SEARCH ALL")
    assert lines == ["* SEARCH 4 5 6"] and text.startswith("OK [MESSAGELIMIT 3 4]")
    lines, text = filled.do("UID SEARCH UIDBEFORE 4 SUBJECT s")
    assert lines == ["* SEARCH 2 3"] and "LIMIT" not in text
    assert filled.ok("UID SEARCH UIDAFTER 4") == ["* SEARCH 5 6"]
    assert filled.ok("UID SEARCH UIDAFTER 4294967295") == ["* SEARCH"]
    assert filled.ok("UID SEARCH UIDBEFORE 1") == ["* SEARCH"]
    assert filled.ok("UID SEARCH UIDAFTER 6") == ["* SEARCH"]
    assert filled.ok("UID SEARCH UID 3:5 NOT UIDAFTER 4") == ["* SEARCH 3 4"]
    for arg in ("", " 0", " x", " 1:2"):
        filled.bad("SEARCH UIDAFTER" + arg)


def test_orders_are_whole_or_not_at_all(filled):
    for command in ("SORT (DATE) UTF-8", "THREAD REFS UTF-8"):
        assert filled.no(command + " ALL").startswith("NO [MESSAGELIMIT 3]")
        filled.ok(command + " UIDAFTER 3")


def test_append(c):
    one = f" {{{len(MAIL)}+}}\r\n{MAIL.decode()}"
    c.ok("APPEND INBOX" + one * 3)
    assert c.no("APPEND INBOX" + one * 4).startswith("NO [MESSAGELIMIT 3]")
    assert c.ok("STATUS INBOX (MESSAGES)") == ["* STATUS INBOX (MESSAGES 3)"]
