"""UIDONLY (RFC 9586) over a socket pair."""

import pytest

MAIL = b"Subject: s\r\n\r\nhello\r\n"


@pytest.fixture
def filled(c):
    for _ in range(4):
        c.append("INBOX", MAIL)
    c.ok("UID STORE 1 +FLAGS.SILENT (\\Deleted)")
    c.ok("EXPUNGE")
    assert c.ok("ENABLE UIDONLY") == ["* ENABLED UIDONLY"]
    return c


@pytest.mark.parametrize("command", [
    "FETCH 1 FLAGS", "STORE 1 +FLAGS (\\Seen)", "COPY 1 INBOX", "MOVE 1 INBOX", "SEARCH ALL",
    "SORT (DATE) UTF-8 ALL", "THREAD REFS UTF-8 ALL", "UID SEARCH 1", "UID SEARCH OR SEEN (NOT 1:2)",
    "UID SORT (DATE) UTF-8 *", "REPLACE 1 INBOX {3+}\r\nxxx"])
def test_sequence_numbers_are_refused(filled, command):
    assert filled.bad(command).startswith("BAD [UIDREQUIRED]")
    assert len(filled.ok("UID FETCH 1:* FLAGS")) == 3


def test_responses(filled):
    assert filled.ok("UID FETCH 2 FLAGS") == ["* 2 UIDFETCH (FLAGS (\\Recent))"]
    assert filled.ok("UID FETCH 2 (UID RFC822.SIZE)") == ["* 2 UIDFETCH (UID 2 RFC822.SIZE 21)"]
    assert filled.ok("UID FETCH 3 BODY[TEXT]") == [
        "* 3 UIDFETCH (FLAGS (\\Seen \\Recent) BODY[TEXT] {7}\r\nhello\r\n)"]
    assert filled.ok("UID STORE 3 +FLAGS (\\Flagged)") == [
        "* 3 UIDFETCH (FLAGS (\\Flagged \\Seen \\Recent))"]
    assert filled.ok("UID SEARCH ALL") == ["* SEARCH 2 3 4"]
    assert filled.ok("UID SEARCH RETURN (SAVE) UID 3") == []
    assert filled.ok("UID SEARCH $") == ["* SEARCH 3"]
    filled.ok("ENABLE CONDSTORE")
    line, = filled.ok("UID STORE 4 +FLAGS.SILENT (x)")[-1:]
    assert line.startswith("* 4 UIDFETCH (MODSEQ (")


def test_expunges_are_told_as_uids(filled):
    filled.ok("UID STORE 2,4 +FLAGS.SILENT (\\Deleted)")
    assert "* VANISHED 2" in filled.ok("UID EXPUNGE 2")
    assert "* VANISHED 4" in filled.ok("EXPUNGE")
    filled.ok("CREATE x")
    lines = filled.ok("UID MOVE 3 x")
    assert lines[0].startswith("* OK [COPYUID") and "* VANISHED 3" in lines


def test_changes_of_others(worker, filled):
    other = worker.client()
    other.ok("SELECT INBOX")
    other.ok("UID STORE 4 +FLAGS (\\Seen)")
    other.ok("UID STORE 2 +FLAGS (\\Deleted)")
    other.ok("EXPUNGE")
    other.append("INBOX", MAIL)
    assert [x for x in filled.ok("NOOP") if "RECENT" not in x] == [
        "* VANISHED 2", "* 4 UIDFETCH (FLAGS (\\Seen \\Recent))", "* 3 EXISTS"]


def test_select(filled):
    filled.ok("ENABLE QRESYNC")
    assert not any("[UNSEEN" in x for x in filled.ok("SELECT INBOX"))
    validity = next(x.split("]")[0].split()[-1] for x in filled.ok("SELECT INBOX") if "UIDVALIDITY" in x)
    assert filled.bad(f"SELECT INBOX (QRESYNC ({validity} 1 (1:3 2:4)))").startswith("BAD [UIDREQUIRED]")
    lines = filled.ok(f"SELECT INBOX (QRESYNC ({validity} 1 1:9))")
    assert "* VANISHED (EARLIER) 1" in lines
    assert sum(" UIDFETCH (FLAGS " in x for x in lines) == 3


def test_live_results_by_number_end(c):
    c.append("INBOX", MAIL)
    c.ok("SEARCH RETURN (UPDATE COUNT) ALL")
    c.ok("UID SEARCH RETURN (UPDATE COUNT) ALL")
    numbered = f't{c.count - 1}'
    lines = c.ok("ENABLE UIDONLY")
    assert [x for x in lines if "NOUPDATE" in x] == [
        f'* NO [NOUPDATE "{numbered}"] Only UIDs are told now.']
    c.append("INBOX", MAIL)
    assert sum("ADDTO" in x for x in c.ok("NOOP")) <= 1


def test_replace_by_uid(filled):
    lines = filled.ok("UID REPLACE 2 INBOX ", (MAIL, ""))
    assert "* VANISHED 2" in lines
