"""REPLACE and UID REPLACE (RFC 8508) over a socket pair."""

import re

import pytest

from imapworker import ImapWorker

OLD = b"Subject: old\r\n\r\nx\r\n"
NEW = b"Subject: new\r\n\r\ny\r\n"


@pytest.fixture
def c(worker):
    c = worker.client()
    c.ok("SELECT INBOX")
    for _ in range(3):
        c.append("INBOX", OLD)
    return c


def test_the_new_uid_is_told_before_the_old_message_goes(c):
    lines = c.ok("REPLACE 2 INBOX (\\Seen \\Draft) ", (NEW, ""))
    assert re.match(r"\* OK \[APPENDUID \d+ 4\]", lines[0])
    assert "* 2 EXPUNGE" in lines and any(line.endswith(" EXISTS") for line in lines)
    assert c.last == "OK REPLACE completed."
    assert c.ok("UID SEARCH ALL") == ["* SEARCH 1 3 4"]
    assert r"FLAGS (\Seen \Draft" in c.ok("FETCH 3 FLAGS")[0]
    c.ok("REPLACE * INBOX ", (NEW, ""))
    assert c.ok("UID SEARCH ALL") == ["* SEARCH 1 3 5"]


def test_uid_replace_into_another_mailbox(worker, c):
    c.ok("ENABLE QRESYNC")
    lines = c.ok("UID REPLACE 3 Sent ", (NEW, ""))
    assert "* VANISHED 3" in lines
    assert c.last.startswith("OK [HIGHESTMODSEQ ")
    assert c.ok("STATUS Sent (MESSAGES)") == ["* STATUS Sent (MESSAGES 1)"]
    assert c.ok("UID SEARCH ALL") == ["* SEARCH 1 2"]


def test_with_catenate(c):
    c.ok("UID REPLACE 1 INBOX CATENATE (TEXT ", (b"X-New: 1\r\n", " URL ;UID=1)"))
    assert "X-New: 1\r\nSubject: old" in c.ok("UID FETCH 4 BODY.PEEK[]")[0]
    c.ok("REPLACE 1 INBOX CATENATE (URL ;UID=4)")
    assert c.ok("UID SEARCH ALL") == ["* SEARCH 3 4 5"]
    assert c.no("REPLACE 1 INBOX CATENATE (URL ;UID=99)").startswith("NO [BADURL ")


def test_the_mailbox_may_be_a_literal(c):
    c.ok("UID REPLACE 1 ", ("INBOX", " (\\Seen) "), (NEW, ""))
    assert c.ok("UID SEARCH ALL") == ["* SEARCH 2 3 4"]


def test_what_is_refused_changes_nothing(worker, c):
    other = worker.client()
    other.ok("SELECT INBOX")
    other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    other.ok("EXPUNGE")
    c.send(b"a REPLACE 1 INBOX {%d}\r\n" % len(NEW))
    assert c.line().startswith("a NO [EXPUNGEISSUED]")
    assert c.do("UID REPLACE 77 INBOX ", (NEW, ""))[1].startswith("NO [EXPUNGEISSUED]")
    assert c.do("REPLACE 2 none ", (NEW, ""))[1].startswith("NO [TRYCREATE]")
    assert c.do("REPLACE 9 INBOX ", (NEW, ""))[1].startswith("BAD ")
    for args in ("", " 1", " 1 INBOX", " 1:2 INBOX {3+}\r\nabc", " 0 INBOX {3+}\r\nabc", " x INBOX {3+}\r\nabc"):
        c.bad("REPLACE" + args)
    c.bad("UID REPLACE * INBOX {3+}\r\nabc")
    # One message only.
    c.send(b"b REPLACE 2 INBOX {%d+}\r\n%s {%d+}\r\n%s\r\n" % (len(NEW), NEW, len(NEW), NEW))
    assert c.until("b")[1].startswith("BAD ")
    c.ok("NOOP")
    assert c.ok("UID SEARCH ALL") == ["* SEARCH 2 3"]


def test_states(worker):
    c = worker.client()
    c.append("INBOX", OLD)
    c.bad("REPLACE 1 INBOX {3+}\r\nabc")
    c.bad("REPLACE 1 INBOX CATENATE (URL /INBOX/;UID=1)")
    c.ok("EXAMINE INBOX")
    assert c.no("REPLACE 1 INBOX {3+}\r\nabc").startswith("NO [READ-ONLY]")
    assert c.no("REPLACE 1 INBOX CATENATE (URL ;UID=1)").startswith("NO [READ-ONLY]")


def test_a_draft_is_replaced_in_a_full_mailbox(tmp_path):
    with ImapWorker(tmp_path, {"enable_quotas": "1"}) as w:
        w.auth.quota = (0, 1)
        c = w.client()
        c.ok("SELECT INBOX")
        c.append("INBOX", OLD)
        assert c.do("APPEND INBOX ", (NEW, ""))[1].startswith("NO [OVERQUOTA]")
        c.ok("REPLACE 1 INBOX ", (NEW, ""))
        assert c.ok("UID SEARCH ALL") == ["* SEARCH 2"]


def test_other_sessions_hear_of_both(worker, c):
    other = worker.client()
    other.ok("SELECT INBOX")
    other.send("i IDLE\r\n")
    assert other.line().startswith("+")
    c.ok("REPLACE 1 INBOX ", (NEW, ""))
    heard = {other.line() for _ in range(2)}
    while not {"* 1 EXPUNGE"} <= heard:
        heard.add(other.line())
    assert any("EXISTS" in line for line in heard)


def test_the_literal_of_a_bad_replace_is_no_command(c):
    """Text of a message must never be read as commands."""
    for command in ("REPLACE 9 INBOX", "REPLACE 0 INBOX", "REPLACE 1 (", "UID REPLACE 0 INBOX"):
        c.bad(command + " {16+}\r\nX CREATE injec\r\n")
    c.ok("UNSELECT")
    c.bad("REPLACE 1 INBOX {16+}\r\nX CREATE injec\r\n")
    assert not any("injec" in x for x in c.ok('LIST "" *'))
