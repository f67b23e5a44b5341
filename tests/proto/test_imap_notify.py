"""NOTIFY (RFC 5465) of the IMAP worker."""

import os
import re
import select
from pathlib import Path

import pytest

MESSAGE = b"From: a@b.test\r\nSubject: one\r\n\r\nbody\r\n"
BOTH = "MessageNew MessageExpunge"


@pytest.fixture
def c(worker):
    return worker.client()


@pytest.fixture
def other(worker):
    return worker.client()


def quiet(c, seconds=0.3):
    return not c.pending and not select.select([c.sock], [], [], seconds)[0]


def drop(worker, folder, name, text=MESSAGE):
    """As a program does that knows only Maildir."""
    base = os.path.join(worker.maildir(), folder)
    os.makedirs(os.path.join(base, "tmp"), exist_ok=True)
    path = os.path.join(base, "tmp", name)
    Path(path).write_bytes(text.replace(b"\r\n", b"\n"))
    os.rename(path, os.path.join(base, "new", name))


def status(line):
    m = re.fullmatch(r"\* STATUS (\S+) \((.*)\)", line)
    assert m, line
    words = m.group(2).split()
    return m.group(1), {k: int(v) for k, v in zip(words[::2], words[1::2])}


# the request


def test_capability_and_syntax(c):
    assert "NOTIFY" in c.ok("CAPABILITY")[0].split()
    c.ok("NOTIFY NONE")
    for args in (f"(selected ({BOTH}))", f"(selected-delayed ({BOTH} FlagChange))", "(selected NONE)",
                 f"(personal ({BOTH}))", f"(inboxes ({BOTH}))", f"(subscribed ({BOTH}))",
                 f"(subtree a ({BOTH}))", f"(subtree (a b.c) ({BOTH}))", f"(mailboxes INBOX ({BOTH}))",
                 "(mailboxes (inbox \"a b\") (MailboxName SubscriptionChange MailboxMetadataChange))",
                 "(personal (ServerMetadataChange))", f"(SELECTED ({BOTH.upper()})) (PERSONAL {BOTH})",
                 "(selected (MessageNew (UID FLAGS BODY.PEEK[HEADER.FIELDS (\"a)\" To)]) MessageExpunge))"):
        c.ok(f"NOTIFY SET {args}")
        c.ok(f"NOTIFY SET STATUS {args}")
    for args in ("", " SET", " SET STATUS", " NONE x", " SET x", " SET (selected)", " SET (selected ())",
                 " SET (nobody (MailboxName))", " SET (subtree (MailboxName))",
                 " SET (selected (MessageNew))", " SET (selected (MessageExpunge))",
                 " SET (personal (FlagChange))", " SET (selected (MailboxName))",
                 f" SET (selected ({BOTH})) (selected-delayed ({BOTH}))",
                 " SET (personal (MessageNew (UID) MessageExpunge))",
                 " SET (selected (MessageNew (NONSENSE) MessageExpunge))",
                 " SET (selected (MessageNew (UID MessageExpunge)",
                 f" SET (selected ({BOTH})) trailing"):
        c.bad(f"NOTIFY{args}")
        c.ok("NOOP")


def test_events_we_do_not_have_are_named(c):
    for event in ("AnnotationChange", "NewEvent"):
        text = c.no(f"NOTIFY SET (selected ({BOTH} FlagChange {event}))")
        assert text.startswith("NO [BADEVENT (MessageNew MessageExpunge FlagChange MailboxName "
                               "SubscriptionChange MailboxMetadataChange ServerMetadataChange)]")


def test_too_much_is_refused(c):
    names = " ".join(f"m{i}" for i in range(1001))
    assert "[NOTIFICATIONOVERFLOW]" in c.no(f"NOTIFY SET (mailboxes ({names}) ({BOTH}))")
    groups = " ".join("(personal (MailboxName))" for _ in range(65))
    assert "[NOTIFICATIONOVERFLOW]" in c.no(f"NOTIFY SET {groups}")


def test_status_tells_how_things_are(c, other):
    other.append("INBOX", MESSAGE)
    other.ok("CREATE lists.one")
    other.ok("CREATE lists.two")
    other.append("lists.two", MESSAGE)
    lines = c.ok(f"NOTIFY SET STATUS (subtree lists ({BOTH}))")
    assert [status(x)[0] for x in lines] == ["lists.one", "lists.two"]
    assert set(status(lines[1])[1]) == {"MESSAGES", "UIDNEXT", "UIDVALIDITY"}
    assert status(lines[1])[1]["MESSAGES"] == 1
    c.ok("SELECT INBOX")
    lines = c.ok(f"NOTIFY SET STATUS (selected ({BOTH})) (mailboxes (INBOX lists.one nowhere) "
                 f"({BOTH} FlagChange))")
    assert [status(x)[0] for x in lines] == ["lists.one"]
    assert "HIGHESTMODSEQ" in status(lines[0])[1]


# the selected mailbox


def test_selected_is_told_at_once_without_a_command(worker, c, other):
    c.ok("SELECT INBOX")
    c.ok(f"NOTIFY SET (selected ({BOTH} FlagChange))")
    uid = other.append("INBOX", MESSAGE)
    assert c.line() == "* 1 EXISTS"
    other.ok("SELECT INBOX")
    other.ok("STORE 1 +FLAGS (\\Flagged)")
    while "FETCH" not in (line := c.line()):
        assert "RECENT" in line
    assert line.startswith(f"* 1 FETCH (UID {uid} FLAGS (\\Flagged")
    other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    assert f"UID {uid}" in c.line()
    other.ok("EXPUNGE")
    assert c.line() == "* 1 EXPUNGE"
    drop(worker, "", "1.foreign")
    assert c.line() == "* 1 EXISTS"
    c.ok("NOOP")


def test_a_mailbox_selected_later_is_watched(worker, c, other):
    c.ok(f"NOTIFY SET (selected ({BOTH}))")
    other.ok("CREATE box")
    for mailbox, folder in (("INBOX", ""), ("box", ".box"), ("INBOX", "")):
        n = len(os.listdir(os.path.join(worker.maildir(), folder, "cur")))
        c.ok(f"SELECT {mailbox}")
        drop(worker, folder, f"{n}.{mailbox}.foreign")
        assert c.line() == f"* {n + 1} EXISTS"
        c.ok("NOOP")


def test_flags_are_not_told_when_not_asked_for(c, other):
    c.ok("SELECT INBOX")
    c.ok(f"NOTIFY SET (selected ({BOTH}))")
    other.append("INBOX", MESSAGE)
    assert c.line() == "* 1 EXISTS"
    other.ok("SELECT INBOX")
    other.ok("STORE 1 +FLAGS (\\Flagged)")
    assert not any("FETCH" in x for x in c.ok("NOOP"))
    assert "\\Flagged" in c.ok("UID FETCH 1:* FLAGS")[0]


@pytest.mark.parametrize("none", ["NONE", "SET (selected NONE)", "SET (personal (MailboxName))"])
def test_nothing_of_the_selected_mailbox_without_selected(c, other, none):
    c.append("INBOX", MESSAGE)
    c.append("INBOX", MESSAGE)
    c.ok("SELECT INBOX")
    c.ok(f"NOTIFY {none}")
    other.append("INBOX", MESSAGE)
    other.ok("SELECT INBOX")
    other.ok("STORE 1 +FLAGS (\\Flagged)")
    assert c.ok("NOOP") == [] and quiet(c)
    # What the client does itself is answered.
    assert "\\Deleted" in c.ok("STORE 2 +FLAGS (\\Deleted)")[0]
    assert c.ok("EXPUNGE") == ["* 2 EXPUNGE"]
    # It hears of it again when it asks to.
    assert "* 2 EXISTS" in c.ok(f"NOTIFY SET (selected ({BOTH}))") + c.ok("NOOP")


def test_new_messages_come_with_what_was_asked_for(worker, c, other):
    c.ok("SELECT INBOX")
    c.ok("NOTIFY SET (selected (MessageNew (UID BODY.PEEK[HEADER.FIELDS (Subject)]) MessageExpunge))")
    uid = other.append("INBOX", MESSAGE)
    lines = []
    while not lines or "FETCH" not in lines[-1]:
        lines.append(c.line())
    assert lines[0] == "* 1 EXISTS"
    assert lines[-1] == (f"* 1 FETCH (UID {uid} BODY[HEADER.FIELDS (Subject)] "
                         "{16}\r\nSubject: one\r\n\r\n)")
    # Two at once, and while a command runs: after its answer.
    other.append("INBOX", MESSAGE)
    drop(worker, "", "2.foreign")
    found = []
    c.send("x NOOP\r\n")
    while len(found) < 2:
        line = c.line()
        if "FETCH" in line:
            found.append(line.split()[1])
    assert sorted(found) == ["2", "3"]
    # What this client adds itself is only counted.
    c.append("INBOX", MESSAGE)
    assert not any("FETCH" in x for x in c.ok("NOOP"))


def test_delayed_keeps_the_numbers_until_a_command(c, other):
    for _ in range(3):
        other.append("INBOX", MESSAGE)
    c.ok("SELECT INBOX")
    c.ok("NOTIFY SET (selected-delayed (MessageNew (UID) MessageExpunge))")
    other.ok("SELECT INBOX")
    other.ok("STORE 1 +FLAGS (\\Deleted)")
    other.ok("EXPUNGE")
    other.append("INBOX", MESSAGE)
    assert c.line() == "* 4 EXISTS"
    while "FETCH" not in (line := c.line()):
        assert "RECENT" in line
    assert line == "* 4 FETCH (UID 4)"
    assert len(c.ok("FETCH 2:3 UID")) == 2
    assert "* 1 EXPUNGE" in c.ok("NOOP")
    # IDLE may tell them.
    c.send("i IDLE\r\n")
    assert c.line().startswith("+")
    other.ok("STORE 1 +FLAGS (\\Deleted)")
    other.ok("EXPUNGE")
    assert c.line() == "* 1 EXPUNGE"
    c.send("DONE\r\n")
    assert c.line().startswith("i OK")


def test_new_results_of_a_context_come_with_what_was_asked_for(c, other):
    # Section 7: UPDATE takes fetch attributes.
    c.ok("SELECT INBOX")
    c.ok('UID SEARCH RETURN (COUNT UPDATE (UID BODY.PEEK[HEADER.FIELDS (Subject)])) SUBJECT one')
    tag = f"t{c.count}"
    c.bad("UID SEARCH RETURN (UPDATE (NONSENSE)) ALL")
    uid = other.append("INBOX", MESSAGE)
    other.append("INBOX", MESSAGE.replace(b"one", b"two"))
    want = f'* 1 FETCH (UID {uid} BODY[HEADER.FIELDS (Subject)] {{16}}\r\nSubject: one\r\n\r\n)'
    lines = c.ok("NOOP")
    assert lines[0] == "* 2 EXISTS" and lines[-1] == f'* ESEARCH (TAG "{tag}") UID ADDTO (0 {uid})'
    assert c.line() == want
    # In IDLE, and by NOTIFY, at once.
    c.send("i IDLE\r\n")
    assert c.line().startswith("+")
    other.append("INBOX", MESSAGE)
    while "FETCH" not in (line := c.line()):
        pass
    assert line.startswith("* 3 FETCH (UID 3 BODY[")
    c.send("DONE\r\n")
    assert c.line().startswith("i OK")
    c.ok("NOTIFY SET (selected (MessageNew (UID FLAGS) MessageExpunge))")
    other.append("INBOX", MESSAGE)
    found = []
    while len(found) < 2:
        line = c.line()
        if "FETCH" in line:
            found.append("BODY[" in line)
    assert found == [False, True]
    # Its own are only counted.
    c.append("INBOX", MESSAGE)
    c.ok("NOOP")
    assert quiet(c)


def test_a_result_by_its_flags_is_not_fetched(c, other):
    uid = other.append("INBOX", MESSAGE)
    c.ok("SELECT INBOX")
    c.ok("UID SEARCH RETURN (UPDATE (UID ENVELOPE)) FLAGGED")
    other.ok("SELECT INBOX")
    other.ok("STORE 1 +FLAGS (\\Flagged)")
    assert f"ADDTO (0 {uid})" in c.ok("NOOP")[-1]
    assert quiet(c)


def test_idle_tells_the_same(c, other):
    other.ok("CREATE box")
    c.ok("SELECT INBOX")
    c.ok(f"NOTIFY SET (selected (MessageNew (UID FLAGS) MessageExpunge)) (personal ({BOTH} MailboxName))")
    c.send("i IDLE\r\n")
    assert c.line().startswith("+")
    other.append("box", MESSAGE)
    assert status(c.line())[0] == "box"
    uid = other.append("INBOX", MESSAGE)
    assert c.line() == "* 1 EXISTS"
    while "FETCH" not in (line := c.line()):
        assert "RECENT" in line
    assert f"UID {uid}" in line
    other.ok("CREATE new")
    assert c.line() == '* LIST (\\HasNoChildren) "." new'
    c.send("DONE\r\n")
    while not (line := c.line()).startswith("i "):
        pass
    assert line.startswith("i OK")
    c.ok("NOOP")


# other mailboxes


def test_messages_elsewhere_come_as_status(worker, c, other):
    other.ok("CREATE box")
    c.ok(f"NOTIFY SET (personal ({BOTH}))")
    other.append("box", MESSAGE)
    name, items = status(c.line())
    assert (name, items) == ("box", {"MESSAGES": 1, "UIDNEXT": 2})
    other.ok("SELECT box")
    other.ok("STORE 1 +FLAGS (\\Deleted)")
    other.ok("EXPUNGE")
    assert status(c.line()) == ("box", {"MESSAGES": 0, "UIDNEXT": 2})
    # By a program that knows only Maildir, and in a mailbox made on first use.
    drop(worker, ".box", "1.foreign")
    assert status(c.line()) == ("box", {"MESSAGES": 1, "UIDNEXT": 3})
    other.append("Sent", MESSAGE)
    assert status(c.line())[0] == "Sent"
    other.append("INBOX", MESSAGE)
    assert status(c.line())[0] == "INBOX"
    assert quiet(c)


def test_flags_elsewhere(c, other):
    other.ok("CREATE box")
    other.append("box", MESSAGE)
    other.ok("SELECT box")
    c.ok(f"NOTIFY SET (mailboxes box ({BOTH} FlagChange))")
    other.ok("STORE 1 +FLAGS (\\Seen)")
    name, items = status(c.line())
    assert items["UNSEEN"] == 0 and "HIGHESTMODSEQ" not in items
    other.ok("STORE 1 +FLAGS ($work)")
    assert quiet(c)  # nothing to say it with
    c.ok("ENABLE CONDSTORE")
    other.ok("STORE 1 -FLAGS ($work)")
    name, items = status(c.line())
    assert set(items) == {"UIDVALIDITY", "HIGHESTMODSEQ"}
    other.append("box", MESSAGE)
    assert {"MESSAGES", "UIDNEXT", "HIGHESTMODSEQ"} <= set(status(c.line())[1])


def test_only_what_is_covered_is_told(c, other):
    for name in ("a", "a.b", "ab", "c", "d"):
        other.ok(f"CREATE {name}")
    other.ok("SUBSCRIBE d")
    c.ok(f'NOTIFY SET (subtree a ({BOTH})) (mailboxes (c "*") ({BOTH})) (subscribed ({BOTH}))')
    for name in ("ab", "INBOX", "a", "a.b", "c", "d"):
        other.append(name, MESSAGE)
    assert [status(c.line())[0] for _ in range(4)] == ["a", "a.b", "c", "d"]
    # The list of subscriptions changes.
    other.ok("UNSUBSCRIBE d")
    other.append("d", MESSAGE)
    other.ok("SUBSCRIBE ab")
    c.ok("NOOP")
    c.ok("NOOP")  # it has looked since
    other.append("ab", MESSAGE)
    assert status(c.line()) == ("ab", {"MESSAGES": 2, "UIDNEXT": 3})
    assert quiet(c)


def test_the_selected_mailbox_is_not_told_as_status(c, other):
    c.ok("SELECT INBOX")
    c.ok(f"NOTIFY SET (personal ({BOTH}))")
    other.append("INBOX", MESSAGE)
    assert quiet(c)
    c.ok("UNSELECT")
    assert status(c.line())[0] == "INBOX"


def test_names(c, other):
    c.ok("NOTIFY SET (personal (MailboxName))")
    other.ok("CREATE one")
    assert c.line() == '* LIST (\\HasNoChildren) "." one'
    other.ok("CREATE one.two")
    assert {c.line(), c.line()} == {'* LIST (\\HasChildren) "." one',
                                    '* LIST (\\HasNoChildren) "." one.two'}
    other.ok("RENAME one first")
    assert c.line() == '* LIST (\\HasChildren) "." first ("OLDNAME" (one))'
    other.ok("DELETE first.two")
    assert {c.line(), c.line()} == {'* LIST (\\HasNoChildren) "." first',
                                    '* LIST (\\NonExistent \\Noselect \\HasNoChildren) "." first.two'}
    other.ok("CREATE x.y")
    assert {c.line(), c.line()} == {'* LIST (\\NonExistent \\Noselect \\HasChildren) "." x',
                                    '* LIST (\\HasNoChildren) "." x.y'}
    other.append("INBOX", MESSAGE)
    other.ok("RENAME INBOX old")
    assert c.line() == '* LIST (\\HasNoChildren) "." old'
    # What it does itself it is not told.
    c.ok("CREATE mine")
    c.ok("RENAME mine yours")
    c.ok("DELETE yours")
    assert quiet(c) and c.ok("NOOP") == []


def test_names_made_by_other_programs(worker, c):
    c.ok("NOTIFY SET (personal (MailboxName))")
    base = os.path.join(worker.maildir(), ".foreign")
    for sub in ("tmp", "new", "cur"):
        os.makedirs(os.path.join(worker.maildir(), "tmp-foreign", sub))
    os.rename(os.path.join(worker.maildir(), "tmp-foreign"), base)
    assert c.line() == '* LIST (\\HasNoChildren) "." foreign'


def test_renamed_mailboxes_are_still_watched(worker, c, other):
    other.ok("CREATE one")
    c.ok(f"NOTIFY SET (personal ({BOTH} MailboxName))")
    other.ok("RENAME one two")
    assert "OLDNAME" in c.line()
    drop(worker, ".two", "1.foreign")
    assert status(c.line()) == ("two", {"MESSAGES": 1, "UIDNEXT": 2})
    other.ok("CREATE one")
    assert c.line() == '* LIST (\\HasNoChildren) "." one'
    drop(worker, ".one", "2.foreign")
    assert status(c.line())[0] == "one"


def test_subscriptions(c, other):
    other.ok("CREATE box")
    c.ok("NOTIFY SET (personal (SubscriptionChange))")
    other.ok("SUBSCRIBE box")
    assert c.line() == '* LIST (\\HasNoChildren \\Subscribed) "." box'
    other.ok("UNSUBSCRIBE box")
    assert c.line() == '* LIST (\\HasNoChildren) "." box'
    other.ok("SUBSCRIBE nowhere")
    assert c.line() == '* LIST (\\NonExistent \\Noselect \\HasNoChildren \\Subscribed) "." nowhere'
    other.ok("CREATE quiet")
    assert quiet(c)


def test_metadata(c, other):
    other.ok("CREATE a")
    other.ok("CREATE b")
    c.ok("NOTIFY SET (mailboxes a (MailboxMetadataChange)) (personal (ServerMetadataChange))")
    other.ok('SETMETADATA b (/private/comment "x")')
    other.ok('SETMETADATA a (/private/comment "x" /shared/comment NIL)')
    assert c.line() == "* METADATA a /private/comment /shared/comment"
    other.ok('SETMETADATA "" (/private/comment "x")')
    assert c.line() == '* METADATA "" /private/comment'
    c.ok('SETMETADATA a (/private/comment "y")')
    assert quiet(c)


def test_none_ends_it(c, other):
    c.ok(f"NOTIFY SET (personal ({BOTH} MailboxName))")
    c.ok("NOTIFY NONE")
    other.ok("CREATE box")
    other.append("box", MESSAGE)
    assert quiet(c) and c.ok("NOOP") == []


def test_names_are_in_the_spelling_of_the_client(worker, c, other):
    new = worker.client()
    new.ok("ENABLE IMAP4rev2")
    new.ok(f'NOTIFY SET (mailboxes "a\u0308" ({BOTH} MailboxName))')
    c.ok(f"NOTIFY SET (mailboxes &AOQ- ({BOTH} MailboxName))")
    other.ok("CREATE &AOQ-")
    assert new.line() == '* LIST (\\HasNoChildren) "." "\u00e4"'
    assert c.line() == '* LIST (\\HasNoChildren) "." &AOQ-'
    other.append("&AOQ-", MESSAGE)
    assert new.line().startswith('* STATUS "\u00e4" (')
    assert c.line().startswith("* STATUS &AOQ- (")


def test_a_client_that_does_not_read_loses_its_notifications(worker, c, other):
    c.ok("NOTIFY SET (personal (ServerMetadataChange))")
    entries = " ".join(f'/private/{"x" * 200}{i} "v"' for i in range(90))
    c.sock.setsockopt(1, 8, 2048)  # SO_RCVBUF
    for _ in range(60):
        other.ok(f'SETMETADATA "" ({entries})')
    lines = [c.line()]
    while "NOTIFICATIONOVERFLOW" not in lines[-1]:
        assert lines[-1].startswith('* METADATA "" /private/x')
        lines.append(c.line())
    assert len(lines) < 60
    other.ok('SETMETADATA "" (/private/comment "v")')
    assert quiet(c)
    c.ok("NOOP")


def test_the_selected_mailbox_deleted_by_another_ends_the_session(c, other):
    other.ok("CREATE box")
    c.ok("SELECT box")
    c.ok(f"NOTIFY SET (selected ({BOTH}))")
    other.ok("DELETE box")
    assert c.line() == "* BYE The selected mailbox was deleted."


def test_half_a_command_is_no_reason_to_be_silent_for_ever(c, other):
    c.ok(f"NOTIFY SET (mailboxes INBOX ({BOTH}))")
    c.send("\r\n")
    other.append("INBOX", MESSAGE)
    assert status(c.line())[0] == "INBOX"
    c.send("a NO")
    other.append("INBOX", MESSAGE)
    assert quiet(c)
    c.send("OP\r\n")
    assert c.line().startswith("a OK")
    assert status(c.line())[0] == "INBOX"
