"""IMAP4rev2 (RFC 9051) beside IMAP4rev1: what ENABLE changes, and response codes."""

import os

import pytest

MESSAGE = b"From: a@b.test\r\nSubject: one\r\n\r\nbody\r\n"
NFD, NFC, WIRE = "a\u0308rger", "\u00e4rger", "&AOQ-rger"


@pytest.fixture
def old(worker):
    return worker.client()


@pytest.fixture
def new(worker):
    c = worker.client()
    assert c.ok("ENABLE IMAP4rev2 NONSENSE") == ["* ENABLED IMAP4rev2"]
    return c


def names(lines):
    return [line.rsplit(' "." ', 1)[1].strip('"') for line in lines]


def test_both_revisions_are_advertised_and_enable_changes_no_capability(old):
    before = old.ok("CAPABILITY")
    assert {"IMAP4rev1", "IMAP4rev2"} <= set(before[0].split())
    old.ok("ENABLE IMAP4rev2")
    assert old.ok("CAPABILITY") == before


def test_names_are_utf8_after_enable_and_utf7_before(old, new):
    new.ok(f'CREATE "{NFC}"')
    new.ok('CREATE "a&b.\u65e5\u672c"')
    assert {NFC, "a&b.\u65e5\u672c"} <= set(names(new.ok('LIST "" *')))
    assert {WIRE, "a&-b.&ZeVnLA-"} <= set(names(old.ok('LIST "" *')))
    old.append(f'"{WIRE}"', MESSAGE)
    assert new.ok(f'STATUS "{NFC}" (MESSAGES)') == [f'* STATUS "{NFC}" (MESSAGES 1)']
    assert old.ok(f'STATUS "{WIRE}" (MESSAGES)') == [f"* STATUS {WIRE} (MESSAGES 1)"]
    new.ok(f'SUBSCRIBE "{NFC}"')
    assert NFC in names(new.ok('LIST (SUBSCRIBED) "" *'))
    assert NFC in names(new.ok('LSUB "" *'))
    # The old client's spelling is only a strange name to the new one.
    new.no(f'SELECT "{WIRE}"')
    old.no(f'SELECT "{NFC}"')


def test_patterns_match_characters_not_their_encoding(new):
    for name in ("\u00e4", "\u00e4\u00f6", "\u00e4\u00f6.\u00fc", "x\u00e4y"):
        new.ok(f'CREATE "{name}"')
    assert names(new.ok('LIST "" "\u00e4*"')) == ["\u00e4", "\u00e4\u00f6", "\u00e4\u00f6.\u00fc"]
    assert names(new.ok('LIST "" "\u00e4%"')) == ["\u00e4", "\u00e4\u00f6"]
    assert names(new.ok('LIST "" "x%y"')) == ["x\u00e4y"]
    assert names(new.ok('LIST "a\u0308\u00f6" ".%"')) == ["\u00e4\u00f6.\u00fc"]
    assert names(new.ok('LIST "" ("a\u0308" "x*")')) == ["\u00e4", "x\u00e4y"]


def test_a_denormalised_name_is_told_with_oldname(new):
    told = f'"." "{NFC}" ("OLDNAME" ("{NFD}"))'
    line, = new.ok(f'CREATE "{NFD}"')
    assert line.startswith("* LIST (") and line.endswith(told)
    new.append(f'"{NFD}"', MESSAGE)
    line, = [x for x in new.ok(f'SELECT "{NFD}"') if x.startswith("* LIST")]
    assert line.endswith(told)
    new.ok("COPY 1 \"" + NFD + '"')
    assert new.ok(f'STATUS "{NFD}" (UNSEEN)') == [f'* STATUS "{NFC}" (UNSEEN 2)']
    line, = new.ok(f'RENAME "{NFD}" "o\u0308"')
    assert line.endswith(f'"." "\u00f6" ("OLDNAME" ("{NFD}"))')
    new.ok("UNSELECT")
    line, = new.ok('DELETE "o\u0308"')
    assert line == '* LIST (\\NonExistent \\Noselect \\HasNoChildren) "." "\u00f6" ' \
        '("OLDNAME" ("o\u0308"))'
    assert NFC not in names(new.ok('LIST "" *'))


def test_rename_tells_the_old_name_and_inbox_is_spelled_right(new):
    new.ok("CREATE one")
    assert new.ok("RENAME one two") == [
        '* LIST (\\HasNoChildren) "." two ("OLDNAME" (one))']
    assert [x for x in new.ok("SELECT inbox") if "LIST" in x] == [
        '* LIST (\\HasNoChildren) "." INBOX ("OLDNAME" (inbox))']
    assert new.ok("RENAME INBOX three") == []


def test_a_denormalised_name_of_an_old_client_stays_reachable(old, new):
    old.ok('CREATE "a&Awg-rger"')
    assert NFD in names(new.ok('LIST "" *'))
    line, = [x for x in new.ok(f'SELECT "{NFD}"') if x.startswith("* LIST")]
    assert line.endswith(f'"." "{NFD}"')
    new.no(f'SELECT "{NFC}"')
    # Both may be there; each is found by its own spelling.
    new.ok(f'CREATE "{NFC}"')
    new.append(f'"{NFD}"', MESSAGE)
    assert "MESSAGES 0" in new.ok(f'STATUS "{NFC}" (MESSAGES)')[0]
    assert "MESSAGES 1" in new.ok(f'STATUS "{NFD}" (MESSAGES)')[0]
    assert "[ALREADYEXISTS]" in new.no(f'CREATE "{NFD}"')
    new.ok(f'DELETE "{NFD}"')
    assert names(new.ok('LIST "" "*rger"')) == [NFC]


def test_select_answers_list_and_neither_recent_nor_unseen(old, new):
    old.append("INBOX", MESSAGE)
    old.append("Sent", MESSAGE)
    lines = new.ok("SELECT Sent")
    assert '* LIST (\\HasNoChildren \\Subscribed \\Sent) "." Sent' in lines
    assert not any("RECENT" in x or "UNSEEN" in x for x in lines)
    lines = new.ok("SELECT INBOX")
    assert "* OK [CLOSED] Previous mailbox closed." == lines[0]
    assert "\\Recent" not in new.ok("FETCH 1 FLAGS")[0]
    old.append("INBOX", MESSAGE)
    assert new.ok("NOOP") == ["* 2 EXISTS"]
    # Asked for it is still told (appendix A), and the old client sees its own.
    assert "RECENT" in new.ok("STATUS Drafts (RECENT)")[0]
    lines = old.ok("EXAMINE INBOX")
    assert "* 0 RECENT" in lines and any("[UNSEEN 1]" in x for x in lines)
    assert not any(x.startswith("* LIST") for x in lines)


def test_enable_while_selected_forgets_recent(worker):
    c = worker.client()
    c.append("INBOX", MESSAGE)
    c.ok("SELECT INBOX")
    assert "\\Recent" in c.ok("FETCH 1 FLAGS")[0]
    c.ok("ENABLE IMAP4rev2")
    assert "\\Recent" not in c.ok("FETCH 1 FLAGS")[0]


def test_search_always_answers_esearch(new, old):
    new.append("INBOX", MESSAGE)
    for c in (new, old):
        c.ok("SELECT INBOX")
    assert new.ok("SEARCH ALL") == [f'* ESEARCH (TAG "t{new.count}") ALL 1']
    assert new.ok("UID SEARCH ALL") == [f'* ESEARCH (TAG "t{new.count}") UID ALL 1']
    assert new.ok("SEARCH DELETED") == [f'* ESEARCH (TAG "t{new.count}")']
    assert old.ok("SEARCH ALL") == ["* SEARCH 1"]


def test_status_knows_deleted_and_size(new):
    new.append("INBOX", MESSAGE, "(\\Deleted) ")
    line, = new.ok("STATUS INBOX (DELETED SIZE MESSAGES)")
    assert line == f"* STATUS INBOX (MESSAGES 1 SIZE {len(MESSAGE)} DELETED 1)"


def test_what_rev2_dropped_is_still_there(new):
    new.append("INBOX", MESSAGE)
    new.ok("SELECT INBOX")
    new.ok("CHECK")
    new.ok('LSUB "" *')
    assert "RFC822.HEADER" in new.ok("FETCH 1 RFC822.HEADER")[0]


def test_unsolicited_fetch_has_the_uid(new, old):
    uid = new.append("INBOX", MESSAGE)
    new.ok("SELECT INBOX")
    old.ok("SELECT INBOX")
    old.ok("STORE 1 +FLAGS (\\Flagged)")
    assert any(f"UID {uid} " in x for x in new.ok("NOOP"))


def test_names_that_cannot_be_are_refused_with_a_reason(old, new):
    before = old.ok('LIST "" *')
    for name, why in (('""', "empty"), ("a..b", "level is empty"), (".a", "level is empty"),
                      ("a/b", "not allowed"), ("../../etc", "level is empty"), ("~a", "not allowed"),
                      ("&AAk-", "control"), ("&AIU-", "control"), ("&ICg-", "control"),
                      ("&AOk", "unended"), ("&", "unended"), ("&AGE-", "printable"),
                      ("&AAA-", "NUL"), ("&2D3YPQ-", "surrogate"), ("&AOkA-", "incomplete"),
                      ('"\u00e4"', "bad character"), ("x" * 300, "too long"),
                      (".".join("a" * 40), "levels")):
        for verb in ("CREATE", "RENAME INBOX", "SUBSCRIBE"):
            if verb == "SUBSCRIBE" and name in ("&AIU-", "&ICg-"):
                continue  # somebody else may have made it
            text = old.no(f"{verb} {name}")
            assert text.startswith("NO [CANNOT] ") and why in text, (verb, name, text)
    assert "too long" in old.bad("CREATE " + "x" * 1001)
    assert "NUL" in old.bad("CREATE ", (b"a\0b", ""))
    assert "UTF-8" in new.bad("CREATE ", (b"a\xff", ""))
    assert "UTF-8" in new.bad('LIST "" ', (b"\xc3*", ""))
    assert "UTF-8" in new.bad("LIST ", (b"\xed\xa0\x80", ' ""'))
    for name in ("\u0085", "a\u2028b", "\u009f"):
        assert "control" in new.no(f'CREATE "{name}"')
    assert old.ok('LIST "" *') == before


def test_response_codes(old, new):
    assert "[NONEXISTENT]" in old.no("SELECT nowhere")
    assert "[NONEXISTENT]" in old.no("DELETE nowhere")
    assert "[NONEXISTENT]" in old.no("RENAME nowhere else")
    assert "[ALREADYEXISTS]" in old.no("CREATE INBOX")
    old.ok("CREATE a.b")
    assert "[HASCHILDREN]" in old.no("DELETE a")
    assert "[ALREADYEXISTS]" in old.no("RENAME INBOX a.b")
    assert "[CANNOT]" in old.no("DELETE INBOX")
    assert "[TRYCREATE]" in old.no("APPEND nowhere ", (MESSAGE, ""))
    old.ok("SELECT a.b")
    old.ok("STATUS a.b (MESSAGES)")
    assert old.last.startswith("OK [CLIENTBUG]")
    new.ok("SELECT a.b")
    old.ok("SELECT INBOX")
    assert old.ok("NOOP") == []


def test_commands_by_number_say_that_others_expunged(old, new):
    for _ in range(3):
        old.append("INBOX", MESSAGE)
    old.ok("SELECT INBOX")
    new.ok("SELECT INBOX")
    new.ok("STORE 2 +FLAGS (\\Deleted)")
    new.ok("EXPUNGE")
    lines = old.ok("FETCH 1:3 FLAGS")
    assert old.last.startswith("OK [EXPUNGEISSUED]")
    assert not any("EXPUNGE" in x for x in lines)
    old.ok("SEARCH ALL")
    assert old.last.startswith("OK [EXPUNGEISSUED]")
    assert "* 2 EXPUNGE" in old.ok("NOOP")
    old.ok("FETCH 1:2 FLAGS")
    assert old.last == "OK FETCH completed."


def test_what_was_created_is_a_folder_dovecot_reads(worker, new):
    new.ok(f'CREATE "{NFD}"')
    assert os.path.isdir(os.path.join(worker.maildir(), "." + WIRE, "cur"))
