"""The IMAP worker alone: dialogues over a socket pair."""

import glob
import os
import re
import select
import time

import pytest

from imapworker import ImapWorker

MESSAGE = (b"From: Ann <ann@b.test>\r\nTo: c@d.test\r\nSubject: =?utf-8?q?w=C3=B6rld?= news\r\n"
           b"Date: Tue, 1 Jul 2003 10:52:37 +0200\r\nX-Note: yes\r\n\r\nbody one\r\nline two\r\n")

MULTIPART = b"""From: a@b.test\r
Subject: parts\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=b1\r
\r
preamble\r
--b1\r
Content-Type: text/plain; charset=iso-8859-1\r
Content-Transfer-Encoding: quoted-printable\r
\r
caf=E9 au lait\r
--b1\r
Content-Type: message/rfc822\r
\r
Subject: inner\r
Content-Type: multipart/alternative; boundary=b2\r
\r
--b2\r
\r
inner text\r
--b2\r
Content-Type: text/html; charset=utf-8\r
Content-Transfer-Encoding: base64\r
\r
PGI+R3LDvMOfZTwvYj4=\r
--b2--\r
--b1--\r
"""

def responses(lines, kind):
    return [line for line in lines if kind in line]


def quiet(c, seconds=0.2):
    return not c.pending and not select.select([c.sock], [], [], seconds)[0]


# the start and the end


def test_tag_of_login_is_answered_and_early_input_comes_first(worker):
    c = worker.client(early=b"a NOOP\r\nb LOG")
    assert c.line() == "a OK NOOP completed."
    c.send("OUT\r\n")
    assert c.line() == "* BYE Logging out"
    assert c.line().startswith("b OK")
    with pytest.raises(EOFError):
        c.line()


def test_wrong_ticket_or_tag_is_refused(worker):
    assert worker.arrive("u@example.test", ticket="x" * 16).recv(100) == b""
    assert worker.arrive("u@example.test", tag="a b\r\n").recv(100) == b""
    assert "ticket not accepted" in worker.text()


def test_a_user_name_with_a_nul_is_refused(worker):
    for _ in range(3):
        assert worker.arrive("u@example.test\0x").recv(100) == b""
    assert worker.client()


def test_sessions_of_one_user_are_limited(tmp_path):
    with ImapWorker(tmp_path, {"imap_connections_per_user": 2}) as w:
        first, second = w.client(), w.client()
        assert w.arrive("u@example.test").recv(100) == b""
        assert w.client("other@example.test")
        first.ok("LOGOUT")
        time.sleep(0.1)
        assert w.client()
        second.close()


def test_stop_says_bye(tmp_path):
    with ImapWorker(tmp_path) as w:
        c = w.client()
        c.send("i IDLE\r\n")
        assert c.line().startswith("+")
        w.stop_service()
        assert c.line() == "* BYE Server shutting down."
        with pytest.raises(EOFError):
            c.line()


def test_silent_client_is_logged_out(tmp_path):
    with ImapWorker(tmp_path, {"imap_timeout": 1}) as w:
        c = w.client()
        assert c.line().startswith("* BYE Autologout")


# syntax


def test_errors_are_bad_and_too_many_end_it(c):
    for command in ("FETCH", "FETCH 1", "FETCH 1 (", "FETCH x ALL", "FETCH 1 BODY[", "STORE 1 X (a)",
                    "SEARCH (", "LIST \"\"", "UID", "UID NOOP", "NONSENSE"):
        c.bad(command)
    c.ok("NOOP")  # counts from the start again
    for _ in range(19):
        c.bad("NONSENSE")
    c.send("x NONSENSE\r\n")
    assert c.line().startswith("x BAD")
    assert c.line() == "* BYE Too many errors"


def test_invalid_tag_is_not_echoed(c):
    c.send("a+b NOOP\r\n")
    assert c.line() == "* BAD Invalid tag"
    c.send(b"\x01\x02 NOOP\r\n")
    assert c.line() == "* BAD Invalid tag"


def test_literals_of_both_kinds(c):
    c.ok("CREATE ", ("lit", ""))
    c.send("a CREATE {4+}\r\nlit2\r\nb STATUS {4+}\r\nlit2 (MESSAGES)\r\n")
    assert c.line().startswith("a OK")
    assert c.line() == "* STATUS lit2 (MESSAGES 0)"
    assert c.line().startswith("b OK")


def test_too_large_literal_is_refused_and_skipped(c):
    c.send("a CREATE {70000}\r\n")
    assert c.line().startswith("a BAD [TOOBIG]")
    c.send(b"b CREATE {70000+}\r\n" + b"x NOOP\r\n" * 8750 + b" more {3+}\r\nabc\r\nc NOOP\r\n")
    assert c.line().startswith("b BAD [TOOBIG]")
    assert c.line().startswith("c OK")


def test_too_long_line_ends_it(c):
    c.send("a CREATE " + "x" * 70000)
    assert "too long" in c.line()
    assert c.line().startswith("* BYE")


def test_pipelined_commands_are_answered_in_order(c):
    c.send("".join(f"p{i} NOOP\r\n" for i in range(500)))
    for i in range(500):
        assert c.line() == f"p{i} OK NOOP completed."


# APPEND


def test_append_keeps_flags_date_and_text(c):
    untagged = c.ok('APPEND INBOX (\\Seen \\Flagged $Work) "17-Jul-1996 02:44:25 -0700" ', (MESSAGE, ""))
    assert "* 1 EXISTS" in untagged
    assert re.match(r"OK \[APPENDUID \d+ 1\]", c.last)
    (line,) = c.ok("FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])")
    assert r"FLAGS (\Flagged \Seen $Work" in line
    assert 'INTERNALDATE "17-Jul-1996 09:44:25 +0000"' in line
    assert f"RFC822.SIZE {len(MESSAGE)}" in line
    assert f"BODY[] {{{len(MESSAGE)}}}\r\n" + MESSAGE.decode() in line


def test_append_without_mailbox_asks_to_create(c):
    c.send("a APPEND none {10}\r\n")
    assert c.line().startswith("a NO [TRYCREATE]")
    c.send("b APPEND none {10+}\r\n0123456789\r\nc NOOP\r\n")
    assert c.line().startswith("b NO [TRYCREATE]")
    assert c.line().startswith("c OK")


def test_append_to_a_mailbox_that_goes_meanwhile_asks_to_create(worker, c):
    c.ok("CREATE short")
    c.send("a APPEND short {%d}\r\n" % len(MESSAGE))
    assert c.line().startswith("+")
    worker.client().ok("DELETE short")
    c.send(MESSAGE + b"\r\n")
    assert c.line().startswith("a NO [TRYCREATE]")
    assert "store-failed" not in worker.text()


def test_append_of_special_mailbox_creates_it(c):
    assert c.append("Junk", MESSAGE) == 1


def test_multiappend_is_all_or_nothing(c):
    untagged = c.ok("APPEND INBOX ", (MESSAGE, " (\\Seen) "), (MULTIPART, ""))
    assert re.match(r"OK \[APPENDUID \d+ 1:2\]", c.last)
    assert "* 2 EXISTS" in untagged
    c.bad("APPEND INBOX ", (MESSAGE, " (\\Bogus) "), (MESSAGE, ""))
    assert c.ok("STATUS INBOX (MESSAGES)") == ["* STATUS INBOX (MESSAGES 2)"]


def test_append_name_as_literal(c):
    c.ok("APPEND ", ("INBOX", " (\\Seen) "), (MESSAGE, ""))
    assert "* SEARCH 1" in c.ok("SEARCH SEEN")


def test_bare_lf_and_large_messages_survive(c):
    text = b"Subject: big\r\n\r\n" + b"0123456789abcdef" * 4 + b"\r\n"
    text += b"line of text number %d\r\n" * 200000 % tuple(range(200000))
    assert c.append("INBOX", text) == 1
    (line,) = c.ok("FETCH 1 BODY.PEEK[]")
    assert text.decode() in line
    got = ""
    for at in range(0, len(text), 100001):
        (line,) = c.ok(f"FETCH 1 BODY.PEEK[]<{at}.100001>")
        m = re.match(r"\* 1 FETCH \(BODY\[\]<%d> \{(\d+)\}\r\n" % at, line)
        got += line[m.end():m.end() + int(m.group(1))]
    assert got == text.decode()


# FETCH


SECTIONS = [
    ("1", "caf=E9 au lait"),
    ("1.MIME", "Content-Type: text/plain; charset=iso-8859-1\r\n"
               "Content-Transfer-Encoding: quoted-printable\r\n\r\n"),
    ("2.HEADER", "Subject: inner\r\nContent-Type: multipart/alternative; boundary=b2\r\n\r\n"),
    ("2.1", "inner text"),
    ("2.2", "PGI+R3LDvMOfZTwvYj4="),
    ("2.HEADER.FIELDS (Subject)", "Subject: inner\r\n\r\n"),
    ("HEADER.FIELDS (subject X-None)", "Subject: parts\r\n\r\n"),
    ("HEADER.FIELDS.NOT (From MIME-Version Content-Type)", "Subject: parts\r\n\r\n"),
]


@pytest.mark.parametrize("section,want", SECTIONS)
def test_sections(c, section, want):
    c.append("INBOX", MULTIPART)
    (line,) = c.ok(f"FETCH 1 BODY.PEEK[{section}]")
    assert line == f"* 1 FETCH (BODY[{section}] {{{len(want)}}}\r\n{want})"


def test_sections_that_are_not_there(c):
    c.append("INBOX", MULTIPART)
    assert c.ok("FETCH 1 BODY.PEEK[7]") == ["* 1 FETCH (BODY[7] NIL)"]
    assert c.ok("FETCH 1 BODY.PEEK[TEXT]<99999.5>") == ['* 1 FETCH (BODY[TEXT]<99999> "")']


def test_reading_sets_seen_once_and_tells(c):
    c.append("INBOX", MESSAGE)
    (line,) = c.ok("FETCH 1 BODY[TEXT]")
    assert r"FLAGS (\Seen" in line
    (line,) = c.ok("FETCH 1 BODY[TEXT]")
    assert "FLAGS" not in line


def test_examine_changes_nothing(worker, c):
    c.append("INBOX", MESSAGE)
    other = worker.client()
    other.ok("EXAMINE INBOX")
    assert "READ-ONLY" in other.last
    (line,) = other.ok("FETCH 1 BODY[TEXT]")
    assert "Seen" not in line
    assert "READ-ONLY" in other.no("STORE 1 +FLAGS (\\Seen)")
    assert "READ-ONLY" in other.no("EXPUNGE")
    other.ok("CLOSE")


def test_fetch_of_a_vanished_file_is_nil(worker, c):
    c.append("INBOX", MESSAGE)
    c.append("INBOX", MESSAGE)
    for f in glob.glob(worker.maildir() + "/cur/*") + glob.glob(worker.maildir() + "/new/*"):
        os.unlink(f)
    lines = c.ok("FETCH 1:2 (UID BODY.PEEK[TEXT])")
    assert [line for line in lines if "BODY" in line] == [
        f"* {i} FETCH (UID {i} BODY[TEXT] NIL)" for i in (1, 2)]


def test_fetch_by_invalid_number_is_bad(c):
    c.append("INBOX", MESSAGE)
    c.bad("FETCH 2 FLAGS")
    assert c.ok("UID FETCH 77 FLAGS") == []
    assert len(c.ok("FETCH *:1,1 FLAGS")) == 1


# STORE, EXPUNGE, COPY, MOVE


def test_store_add_remove_replace(c):
    c.append("INBOX", MESSAGE)
    (line,) = responses(c.ok("STORE 1 +FLAGS (\\Seen $a)"), "FETCH")
    assert line.startswith(r"* 1 FETCH (FLAGS (\Seen $a")
    (line,) = c.ok("STORE 1 -FLAGS \\Seen")
    assert "Seen" not in line
    (line,) = responses(c.ok("UID STORE 1 FLAGS ($b \\Draft)"), "FETCH")
    assert line.startswith(r"* 1 FETCH (UID 1 FLAGS (\Draft $b")
    assert c.ok("STORE 1 +FLAGS.SILENT (\\Answered)") == []
    c.bad("STORE 1 +FLAGS (\\Recent)")


def test_uid_expunge_leaves_the_others(c):
    for _ in range(4):
        c.append("INBOX", MESSAGE)
    c.ok("STORE 1:4 +FLAGS.SILENT (\\Deleted)")
    assert c.ok("UID EXPUNGE 2:3") == ["* 2 EXPUNGE", "* 2 EXPUNGE"]
    assert c.ok("EXPUNGE") == ["* 1 EXPUNGE", "* 1 EXPUNGE"]


def test_copy_and_move_tell_uids(c):
    for _ in range(3):
        c.append("INBOX", MESSAGE)
    c.ok("COPY 1,3 Trash")
    assert re.match(r"OK \[COPYUID \d+ 1,3 1:2\]", c.last)
    untagged = c.ok("UID MOVE 2:3 Trash")
    assert re.match(r"\* OK \[COPYUID \d+ 2:3 3:4\]", untagged[0])
    assert untagged[1:] == ["* 2 EXPUNGE", "* 2 EXPUNGE"]
    c.no("COPY 1 none")
    assert "TRYCREATE" in c.last


def test_close_expunges_and_unselect_does_not(c):
    c.append("INBOX", MESSAGE)
    c.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    c.ok("UNSELECT")
    assert "* 1 EXISTS" in c.ok("SELECT INBOX")
    c.ok("CLOSE")
    assert "* 0 EXISTS" in c.ok("SELECT INBOX")


# SEARCH


SEARCHES = [
    ("ALL", "1 2 3"), ("SEEN", "2"), ("UNSEEN NOT DELETED", "1 3"), ("KEYWORD $work", "2"),
    ("UNKEYWORD $Work", "1 3"), ("FROM ann", "1 2"), ("SUBJECT parts", "3"),
    ("HEADER X-Note \"\"", "1 2"), ("HEADER X-Note yes", "1 2"), ("HEADER X-Note no", ""),
    ("BODY \"LINE TWO\"", "1 2"), ("TEXT inner", "3"), ("BODY subject", ""), ("TEXT subject", "1 2 3"), ("TEXT \"subject: inner\"", "3"),
    ("OR (SEEN FROM ann) SUBJECT parts", "2 3"), ("NOT (OR SEEN SUBJECT parts)", "1"),
    ("SENTON 1-Jul-2003", "1 2"), ("SENTBEFORE 2-Jul-2003", "1 2"), ("SENTSINCE 2-Jul-2003", ""),
    ("ON 17-Jul-1996", "2"), ("BEFORE 1-Jan-2000", "2"), ("SINCE 1-Jan-2000", "1 3"),
    ("LARGER 300", "3"), ("SMALLER 300", "1 2"), ("2:3 UNSEEN", "3"), ("3:*", "3"), ("99", ""),
    ("UID 1,3", "1 3"), ("YOUNGER 3600", "1 3"), ("OLDER 3600", "2"),
]


def test_search_keys(c):
    c.append("INBOX", MESSAGE)
    c.append("INBOX", MESSAGE, '(\\Seen $Work) "17-Jul-1996 12:44:25 +0000" ')
    c.append("INBOX", MULTIPART)
    for keys, want in SEARCHES:
        assert responses(c.ok("SEARCH " + keys), "SEARCH") == [f"* SEARCH {want}".rstrip()], keys
        uids = responses(c.ok("UID SEARCH " + keys), "SEARCH")
        assert uids == [f"* SEARCH {want}".rstrip()], keys


def test_search_decodes_charsets(c):
    c.append("INBOX", MESSAGE)
    c.append("INBOX", MULTIPART)
    assert c.ok("SEARCH CHARSET UTF-8 SUBJECT ", ("WÖRLD", "")) == ["* SEARCH 1"]
    assert c.ok('SEARCH CHARSET UTF-8 BODY "CAFÉ"'.encode()) == ["* SEARCH 2"]
    assert c.ok("SEARCH CHARSET iso-8859-1 TEXT ", ("grüß".encode("latin-1"), "")) == ["* SEARCH 2"]
    assert c.ok("SEARCH CHARSET US-ASCII BODY cafe") == ["* SEARCH 2"]
    assert c.ok("SEARCH CHARSET US-ASCII BODY cafa") == ["* SEARCH"]
    assert "BADCHARSET" in c.no("SEARCH CHARSET x-none ALL")


def test_esearch_and_saved_result(c):
    for i in range(5):
        c.append("INBOX", MESSAGE, "(\\Seen) " if i % 2 else "")
    assert c.ok("SEARCH RETURN (MIN MAX COUNT ALL) UNSEEN") == [
        f'* ESEARCH (TAG "t{c.count}") MIN 1 MAX 5 ALL 1,3,5 COUNT 3']
    assert c.ok("SEARCH RETURN () NOT ALL") == [f'* ESEARCH (TAG "t{c.count}")']
    assert c.ok("UID SEARCH RETURN (SAVE) SEEN") == []
    assert len(c.ok("FETCH $ UID")) == 2
    assert c.ok("SEARCH $ 4") == ["* SEARCH 4"]


def test_nesting_is_capped(c):
    c.bad("SEARCH " + "(" * 40 + "ALL" + ")" * 40)
    c.bad("SEARCH " + "NOT " * 5000 + "ALL")
    c.ok("SEARCH " + "(" * 20 + "ALL" + ")" * 20)


# CONDSTORE, QRESYNC


def modseq(line):
    return int(re.search(r"MODSEQ \(?(\d+)", line).group(1))


def test_condstore_conditional_store_and_fetch(worker, c):
    for _ in range(2):
        c.append("INBOX", MESSAGE)
    c.ok("ENABLE CONDSTORE")
    old = [modseq(line) for line in c.ok("FETCH 1:2 MODSEQ")]
    other = worker.client()
    other.ok("SELECT INBOX")
    other.ok("STORE 2 +FLAGS (\\Flagged)")
    untagged, text = c.do(f"STORE 1:2 (UNCHANGEDSINCE {max(old)}) +FLAGS.SILENT (\\Seen)")
    assert text.startswith("OK [MODIFIED 2]")
    (changed,) = responses(untagged, "* 1 FETCH")
    assert modseq(changed) > max(old) and "FLAGS" not in changed
    lines = c.ok(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {modseq(changed) - 1})")
    assert [line[:9] for line in lines] == ["* 1 FETCH"]
    (line,) = c.ok(f"SEARCH MODSEQ {max(old) + 1}")
    assert re.match(r"\* SEARCH 1 2 \(MODSEQ \d+\)", line)
    assert "HIGHESTMODSEQ" in c.ok("STATUS INBOX (HIGHESTMODSEQ)")[0]


def test_qresync_tells_what_happened_meanwhile(worker, c):
    for _ in range(4):
        c.append("INBOX", MESSAGE)
    c.ok("ENABLE QRESYNC")
    lines = c.ok("SELECT INBOX (CONDSTORE)")
    validity = re.search(r"UIDVALIDITY (\d+)", "".join(lines)).group(1)
    highest = re.search(r"HIGHESTMODSEQ (\d+)", "".join(lines)).group(1)
    c.ok("UNSELECT")
    other = worker.client()
    other.ok("SELECT INBOX")
    other.ok("STORE 1:2 +FLAGS.SILENT (\\Deleted)")
    other.ok("EXPUNGE")
    other.ok("STORE 1 +FLAGS.SILENT (\\Flagged)")
    lines = c.ok(f"SELECT INBOX (QRESYNC ({validity} {highest} 1:4))")
    assert "* VANISHED (EARLIER) 1:2" in lines
    assert any(line.startswith(r"* 1 FETCH (UID 3 FLAGS (\Flagged") for line in lines)
    lines = c.ok(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {highest} VANISHED)")
    assert lines[0] == "* VANISHED (EARLIER) 1:2"
    other.ok("UID STORE 3 +FLAGS.SILENT (\\Deleted)")
    other.ok("EXPUNGE")
    assert "* VANISHED 3" in c.ok("NOOP")


# changes by others


def test_noop_tells_new_messages_flags_and_expunges(worker, c):
    c.append("INBOX", MESSAGE)
    other = worker.client()
    other.ok("SELECT INBOX")
    other.append("INBOX", MESSAGE)
    assert "* 2 EXISTS" in c.ok("NOOP")
    other.ok("STORE 1 +FLAGS.SILENT (\\Flagged $new)")
    lines = c.ok("NOOP")
    assert lines[0].startswith("* FLAGS (")
    assert lines[-1].startswith(r"* 1 FETCH (UID 1 FLAGS (\Flagged $new")
    other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    other.ok("EXPUNGE")
    assert "* 1 EXPUNGE" in c.ok("NOOP")
    assert c.ok("NOOP") == []


def test_numbers_stay_during_fetch_store_search(worker, c):
    for _ in range(3):
        c.append("INBOX", MESSAGE)
    other = worker.client()
    other.ok("SELECT INBOX")
    other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    other.ok("EXPUNGE")
    for command in ("FETCH 3 UID", "STORE 3 +FLAGS (\\Seen)", "SEARCH ALL"):
        assert not responses(c.ok(command), "EXPUNGE"), command
    assert c.ok("FETCH 3 UID") == ["* 3 FETCH (UID 3)"]
    assert "* 1 EXPUNGE" in c.ok("UID FETCH 3 UID")
    assert c.ok("FETCH 2 UID") == ["* 2 FETCH (UID 3)"]


def test_idle_hears_everything_at_once(worker, c):
    other = worker.client()
    other.ok("SELECT INBOX")
    c.send("i IDLE\r\n")
    assert c.line().startswith("+")
    other.append("INBOX", MESSAGE)
    assert c.line() == "* 1 EXISTS"
    c.line()
    other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    assert c.line().startswith(r"* 1 FETCH (UID 1 FLAGS (\Deleted")
    other.ok("EXPUNGE")
    assert c.line() == "* 1 EXPUNGE"
    assert quiet(c)
    c.send("DONE\r\n")
    assert c.line() == "i OK Idle completed."


def test_idle_hears_other_programs(worker, c):
    c.send("i IDLE\r\n")
    assert c.line().startswith("+")
    time.sleep(0.2)
    with open(worker.maildir() + "/tmp/1.x", "wb") as f:
        f.write(MESSAGE.replace(b"\r\n", b"\n"))
    os.rename(worker.maildir() + "/tmp/1.x", worker.maildir() + "/new/1.x")
    assert c.line() == "* 1 EXISTS"
    c.line()
    c.send("nonsense\r\n")
    assert c.line().startswith("i BAD")


def test_recent_is_told_to_one_session(worker, c):
    worker.client().append("INBOX", MESSAGE)
    assert "* 1 RECENT" in c.ok("NOOP")
    other = worker.client()
    assert "* 0 RECENT" in other.ok("SELECT INBOX")
    assert "Recent" in c.ok("FETCH 1 FLAGS")[0]
    assert "Recent" not in other.ok("FETCH 1 FLAGS")[0]


def test_deleted_mailbox_ends_the_session(worker):
    c, other = worker.client(), worker.client()
    c.ok("CREATE box")
    c.ok("SELECT box")
    other.ok("DELETE box")
    c.send("a NOOP\r\n")
    lines = []
    with pytest.raises(EOFError):
        while True:
            lines.append(c.line())
    assert lines[-1].startswith("* BYE")


def test_own_deletion_of_the_selected_mailbox_unselects(worker):
    c = worker.client()
    c.ok("CREATE box")
    c.ok("SELECT box")
    assert "* OK [CLOSED]" in c.ok("DELETE box")[0]
    c.bad("FETCH 1 FLAGS")


# mailboxes


def test_create_rename_delete_subscribe(c):
    c.ok("CREATE a.b.")
    assert c.ok('LIST "" a.*') == ['* LIST (\\HasNoChildren) "." a.b']
    assert c.ok('LIST "" %') [-1] == '* LIST (\\Noselect \\HasChildren) "." a'
    assert "ALREADYEXISTS" in c.no("CREATE a.b")
    assert "CANNOT" in c.no("CREATE .x")
    c.ok("RENAME a.b c")
    assert "NONEXISTENT" in c.no("DELETE a.b")
    c.ok("SUBSCRIBE c")
    assert '* LSUB () "." c' in c.ok('LSUB "" *')
    c.ok("UNSUBSCRIBE c")
    assert '* LSUB () "." c' not in c.ok('LSUB "" *')
    c.ok("DELETE c")
    assert "INBOX" in c.ok('LIST "" inbox')[0]


def test_special_use_is_virtual_until_used(worker, c):
    assert not os.path.exists(worker.maildir() + "/.Sent")
    assert '* LIST (\\HasNoChildren \\Sent) "." Sent' in c.ok('LIST (SPECIAL-USE) "" *')
    assert not os.path.exists(worker.maildir() + "/.Sent")
    c.ok("SELECT Sent")
    assert os.path.exists(worker.maildir() + "/.Sent")
    c.ok("CREATE Old (USE (\\Archive))")
    assert '* LIST (\\HasNoChildren \\Archive) "." Old' in c.ok('LIST (SPECIAL-USE) "" *')
    assert "USEATTR" in c.no("CREATE X (USE (\\All))")


def test_list_status_and_patterns(c):
    c.append("INBOX", MESSAGE)
    lines = c.ok('LIST "" ("INBOX" "S%") RETURN (SUBSCRIBED STATUS (MESSAGES UNSEEN SIZE))')
    assert lines == [
        '* LIST (\\HasNoChildren) "." INBOX', f"* STATUS INBOX (MESSAGES 1 UNSEEN 1 SIZE {len(MESSAGE)})",
        '* LIST (\\HasNoChildren \\Subscribed \\Sent) "." Sent', "* STATUS Sent (MESSAGES 0 UNSEEN 0 SIZE 0)"]


def test_names_with_specials_are_quoted(c):
    c.ok('CREATE "a \\"b\\" {c}"')
    assert c.ok('LIST "" a*') == ['* LIST (\\HasNoChildren) "." "a \\"b\\" {c}"']


# many messages


def test_noop_beside_a_heavy_fetch_is_quick(worker, c):
    big = b"Subject: x\r\n\r\n" + b"some text in a line, and more of it\r\n" * 20000
    for _ in range(20):
        c.append("INBOX", big)
    other = worker.client()
    other.ok("SELECT INBOX")
    worst = 0
    for command in ("FETCH 1:* BODY.PEEK[]", "SEARCH BODY nowhere"):
        c.send(f"big {command}\r\n")
        for _ in range(50):
            start = time.monotonic()
            other.ok("NOOP")
            worst = max(worst, time.monotonic() - start)
        assert c.until("big")[1].startswith("OK")
    assert worst < 0.3


def test_ten_thousand_messages(worker, c):
    small = b"Subject: m\r\n\r\nx\r\n"
    for _ in range(10):
        c.send("a APPEND INBOX" + "".join(
            f" {{{len(small)}+}}\r\n{small.decode()}" for _ in range(1000)) + "\r\n")
        c.until("a")
        assert c.last.startswith("OK"), c.last
    lines = c.ok("FETCH 1:* (UID FLAGS)")
    assert len(lines) == 10000
    assert lines[9999].startswith("* 10000 FETCH (UID 10000 ")
    assert len(responses(c.ok("STORE 1:* +FLAGS (\\Seen)"), "FETCH")) == 10000
    assert c.ok("SEARCH RETURN (COUNT) SEEN") == [f'* ESEARCH (TAG "t{c.count}") COUNT 10000']
    c.ok("STORE 2:9999 +FLAGS.SILENT (\\Deleted)")
    assert c.ok("EXPUNGE") == ["* 2 EXPUNGE"] * 9998
    assert c.ok("FETCH 1:* UID") == ["* 1 FETCH (UID 1)", "* 2 FETCH (UID 10000)"]


# imaplib


def test_imaplib_session(worker):
    m = worker.imaplib()
    assert m.state == "AUTH"
    assert m.select()[0] == "OK"
    assert m.append("INBOX", "(\\Seen)", None, MESSAGE)[0] == "OK"
    assert m.uid("SEARCH", None, "ALL")[1] == [b"1"]
    kind, data = m.fetch("1", "(UID RFC822)")
    assert data[0][1] == MESSAGE
    assert m.store("1", "+FLAGS", "(\\Deleted)")[0] == "OK"
    assert m.expunge()[1] == [b"1"]
    assert m.logout()[0] == "BYE"
