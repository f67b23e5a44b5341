"""What a compliance suite tries, by the sections of RFC 9051 and RFC 3501 and
the extensions that change them. Dialogues of one service; what happens before
the login is in tests/flow."""

import re
import time

import pytest

MESSAGE = b"From: a@b.test\r\nTo: c@d.test\r\nSubject: one\r\nDate: 1 Jan 2001 01:01:01 +0000\r\n" \
    b"Message-ID: <1@x>\r\n\r\nbody text\r\n"


@pytest.fixture
def two(worker, c):
    """Another session in the same mailbox."""
    d = worker.client()
    d.ok("SELECT INBOX")
    c.ok("NOOP")
    return d


def fill(c, n, mailbox="INBOX"):
    for _ in range(n):
        c.append(mailbox, MESSAGE)
    c.ok("NOOP")


def bad(c, command):
    """BAD, and the session goes on; twenty in a row would end it."""
    text = c.bad(command)
    c.ok("NOOP")
    return text


def flags(line):
    return set(re.search(r"FLAGS \(([^)]*)\)", line)[1].split())


def code(lines, name):
    return next(m[1] for line in lines if (m := re.match(rf"\* OK \[{name} ?([^\]]*)\]", line)))


# ---- RFC 9051 2.2.1, 3, 9: syntax and states ----

@pytest.mark.parametrize("command", [
    "NOOP x", "NOOP ", " NOOP", "CAPABILITY x", "LOGOUT x", "CHECK x", "EXPUNGE x", "CLOSE x", "UNSELECT x", "NAMESPACE x", "IDLE x",
    "NONSENSE", "UID", "UID NOOP", "UID EXPUNGE", "SELECT", "SELECT ", "SELECT INBOX ", "SELECT a b", "SELECT a (", "SELECT ()",
    "SELECT (INBOX)", "SELECT IN*", "SELECT %", "SELECT \"INBOX", "SELECT INBOX\"", "SELECT \"a\\b\"", "EXAMINE",
    "CREATE", "CREATE a b", "DELETE", "RENAME a", "RENAME a b c", "SUBSCRIBE", "UNSUBSCRIBE", "LIST", "LIST \"\"", "LIST \"\" a b",
    "LIST \"\" ()", "LIST (NONSENSE) \"\" *", "LIST \"\" * RETURN (NONSENSE)", "LIST \"\" * RETURN", "LSUB \"\"",
    "STATUS INBOX", "STATUS INBOX ()", "STATUS INBOX MESSAGES", "STATUS INBOX (NONSENSE)", "STATUS INBOX (MESSAGES",
    "APPEND", "APPEND INBOX", "APPEND INBOX text", "APPEND INBOX \"text\"", "APPEND INBOX {x}", "APPEND INBOX {-1}",
    "ENABLE", "ID", "ID x", "ID (\"a\")", "ID (\"a\" \"b\"", "STORE", "COPY 1", "MOVE 1", "FETCH", "SEARCH",
])
def test_malformed_commands_are_bad(c, command):
    bad(c, command)


def test_lower_case_and_mixed_case_commands(c):
    fill(c, 1)
    for command in ("noop", "NoOp", "fetch 1 (flags uid)", "uid Fetch 1 flags", "store 1 +flags.silent (\\seen)",
                    "search all not deleted", "status inbox (messages)", "select inbox", "examine InBoX", "list \"\" *"):
        c.ok(command)


def test_a_literal_stands_wherever_a_string_may(c):
    """RFC 9051 4.3: with and without waiting for the server (RFC 7888)."""
    c.ok("CREATE ", ("one", ""))
    c.ok("CREATE {3+}\r\ntwo")
    assert c.ok("LIST ", ("", " "), ("o%", "")) == ['* LIST (\\HasNoChildren) "." one']
    c.ok("STATUS ", ("two", " (MESSAGES)"))
    c.ok("RENAME ", ("two", " "), ("three", ""))
    c.append("INBOX", MESSAGE)
    c.ok("NOOP")
    assert c.ok("SEARCH SUBJECT ", ("one", "")) == ["* SEARCH 1"]
    assert c.ok("SEARCH HEADER ", ("Subject", " "), ("", "")) == ["* SEARCH 1"]
    assert c.ok("FETCH 1 BODY.PEEK[HEADER.FIELDS (", ("Subject", ")]"))[0].endswith("Subject: one\r\n\r\n)")
    c.ok("SELECT ", ("one", ""))
    # an atom cannot be one, nor can a number or a flag
    for command in ("{4+}\r\nNOOP", "FETCH {1+}\r\n1 FLAGS", "STORE 1 +FLAGS ({5+}\r\nthing)"):
        c.bad(command)
        c.ok("NOOP")


def test_a_literal_that_is_too_large_is_refused_before_it_comes(c):
    assert "TOOBIG" in c.no("APPEND INBOX {99999999999999}")
    c.bad("SELECT {100000000}")
    c.ok("NOOP")


def test_quoted_specials(c):
    c.ok('CREATE "a \\"b\\" c"')
    assert c.ok('LIST "" "a *"') == ['* LIST (\\HasNoChildren) "." "a \\"b\\" c"']
    c.ok('CREATE "[x](y){z}"')
    c.ok('STATUS "[x](y){z}" (MESSAGES)')
    c.ok("CREATE NIL")  # as a mailbox name it is an atom like others
    assert c.ok('STATUS "NIL" (MESSAGES)') == ["* STATUS \"NIL\" (MESSAGES 0)"]
    bad(c, 'CREATE "a\\b"')
    bad(c, 'CREATE "a\rb"')


def test_tags(c):
    """RFC 9051 9: any ASTRING-CHAR except "+"."""
    for tag in ("1", "A-1.x", "a]b", "!#$&',-./:;<=>?@[^_`|}~"):
        c.send(tag + " NOOP\r\n")
        assert c.line().startswith(tag + " OK")
    for tag in ("a+b", "a(b", "a\"b", "a*", "*", "+"):
        c.send(tag + " NOOP\r\n")
        assert " BAD " in c.line()
    c.send("\r\n")  # nothing is no command
    c.ok("NOOP")


@pytest.mark.parametrize("command", ["CHECK", "CLOSE", "UNSELECT", "EXPUNGE", "SEARCH ALL", "FETCH 1 FLAGS", "STORE 1 +FLAGS (\\Seen)",
                                     "COPY 1 INBOX", "MOVE 1 INBOX", "UID FETCH 1 FLAGS", "UID STORE 1 FLAGS ()", "UID COPY 1 INBOX",
                                     "UID MOVE 1 INBOX", "UID SEARCH ALL", "UID EXPUNGE 1", "SORT (DATE) UTF-8 ALL"])
def test_selected_state_is_needed(worker, command):
    worker.client().bad(command)


@pytest.mark.parametrize("command", ["LOGIN a b", "AUTHENTICATE PLAIN", "STARTTLS"])
def test_not_authenticated_state_is_over(c, command):
    c.bad(command)


# ---- 6.1: any state ----

def test_capability_noop_logout(c):
    line, = c.ok("CAPABILITY")
    assert line.startswith("* CAPABILITY ") and "IMAP4rev1" in line.split() and "IMAP4rev2" in line.split()
    untagged = c.ok("LOGOUT")
    assert len(untagged) == 1 and untagged[0].startswith("* BYE")
    assert c.sock.recv(1) == b""


# ---- 6.3.1 ENABLE, RFC 5161 ----

def test_enable(worker):
    c = worker.client()
    assert c.ok("ENABLE NONSENSE") == ["* ENABLED"]
    assert c.ok("ENABLE condstore X-NO") == ["* ENABLED CONDSTORE"]
    for _ in range(2):
        assert c.ok("ENABLE NONSENSE QRESYNC") == ["* ENABLED QRESYNC"]


# ---- 6.3.2 SELECT, 6.3.3 EXAMINE ----

def test_select_answers_everything_required(worker):
    c = worker.client()
    lines = c.ok("SELECT INBOX")
    assert c.last.startswith("OK [READ-WRITE]")
    assert [x for x in lines if x.startswith("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft")]
    assert "* 0 EXISTS" in lines and "* 0 RECENT" in lines
    assert code(lines, "PERMANENTFLAGS").endswith("\\*)")
    assert int(code(lines, "UIDVALIDITY")) > 0 and code(lines, "UIDNEXT") == "1"
    assert not [x for x in lines if "[UNSEEN" in x]
    c.append("INBOX", MESSAGE, "(\\Seen) ")
    c.append("INBOX", MESSAGE)
    assert code(c.ok("SELECT INBOX"), "UNSEEN") == "2"


def test_a_select_that_fails_deselects(c):
    fill(c, 1)
    assert "NONEXISTENT" in c.no("SELECT nope")
    c.bad("FETCH 1 FLAGS")
    c.ok("SELECT INBOX")
    c.bad("SELECT")  # what is malformed does nothing
    c.ok("FETCH 1 FLAGS")


def test_examine_is_read_only(worker, c):
    c.append("INBOX", MESSAGE)
    d = worker.client()
    lines = d.ok("EXAMINE INBOX")
    assert d.last.startswith("OK [READ-ONLY]")
    assert code(lines, "PERMANENTFLAGS") == "()"
    d.ok("FETCH 1 BODY[]")
    assert "\\Seen" not in flags(d.ok("FETCH 1 FLAGS")[0])
    for command in ("STORE 1 +FLAGS (\\Deleted)", "EXPUNGE", "UID EXPUNGE 1", "MOVE 1 Trash"):
        d.no(command)
    d.ok("COPY 1 Trash")
    d.ok("CLOSE")


def test_closed_is_told_when_another_mailbox_is_selected(worker):
    """RFC 9051 7.1, RFC 7162 3.2.11."""
    c = worker.client()
    c.ok("ENABLE IMAP4rev2")
    assert not [x for x in c.ok("SELECT INBOX") if "CLOSED" in x]
    lines = c.ok("SELECT Drafts")
    assert lines[0].startswith("* OK [CLOSED]")


def test_recent_is_told_once_and_not_taken_by_examine_or_status(worker):
    """RFC 3501 2.3.2."""
    c = worker.client()
    for _ in range(2):
        c.append("INBOX", MESSAGE)
    assert c.ok("STATUS INBOX (RECENT)") == ["* STATUS INBOX (RECENT 2)"]
    assert "* 2 RECENT" in c.ok("EXAMINE INBOX")
    assert "* 2 RECENT" in c.ok("SELECT INBOX")
    assert c.ok("SEARCH RECENT") == ["* SEARCH 1 2"] and c.ok("SEARCH NEW") == ["* SEARCH 1 2"]
    assert "\\Recent" in flags(c.ok("FETCH 1 FLAGS")[0])
    # it cannot be changed
    c.bad("STORE 1 -FLAGS (\\Recent)")
    assert "\\Recent" in flags(c.ok("STORE 1 FLAGS (\\Flagged)")[0])
    d = worker.client()
    assert "* 0 RECENT" in d.ok("SELECT INBOX")
    assert d.ok("SEARCH OLD") == ["* SEARCH 1 2"]
    assert "* 0 RECENT" in c.ok("SELECT INBOX")
    # a copy is recent in the other mailbox
    c.ok("COPY 1 Sent")
    assert c.ok("STATUS Sent (RECENT)") == ["* STATUS Sent (RECENT 1)"]


def test_uidnext_and_uidvalidity(c):
    lines = c.ok("SELECT INBOX")
    for _ in range(3):
        expected = int(code(c.ok("SELECT INBOX"), "UIDNEXT"))
        assert c.append("INBOX", MESSAGE) == expected
    assert re.match(r"OK \[APPENDUID (\d+) 3\]", c.last)[1] == code(lines, "UIDVALIDITY")
    c.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
    c.ok("EXPUNGE")
    # never used again, though the mailbox is empty
    assert code(c.ok("SELECT INBOX"), "UIDNEXT") == "4"
    c.ok("CREATE again")
    first = code(c.ok("SELECT again"), "UIDVALIDITY")
    c.ok("UNSELECT")
    c.ok("DELETE again")
    c.ok("CREATE again")
    assert int(code(c.ok("SELECT again"), "UIDVALIDITY")) > int(first)


# ---- 6.3.4 to 6.3.6: CREATE, DELETE, RENAME ----

def test_create(c):
    c.ok("CREATE a.")  # the separator says that there will be children
    assert c.ok('LIST "" a*') == ['* LIST (\\HasNoChildren) "." a']
    assert "ALREADYEXISTS" in c.no("CREATE a")
    for name in ("INBOX", "inbox", "InBox"):
        assert "ALREADYEXISTS" in c.no(f"CREATE {name}")
    for name in ('""', ".", "..", ".a", "a..b", '"a.."'):
        assert "CANNOT" in c.no(f"CREATE {name}")
    c.ok("CREATE x.y.z")
    assert c.ok('LIST () "" x') == ['* LIST (\\NonExistent \\Noselect \\HasChildren) "." x']
    assert c.ok('LIST "" x') == ['* LIST (\\Noselect \\HasChildren) "." x']
    c.ok("CREATE x.y")  # what was only a name becomes a mailbox
    c.ok("SELECT x.y")


def test_delete(c):
    for name in ("INBOX", "inbox"):
        assert "CANNOT" in c.no(f"DELETE {name}")
    assert "NONEXISTENT" in c.no("DELETE nope")
    c.ok("CREATE p.q")
    assert "HASCHILDREN" in c.no("DELETE p")
    c.ok("CREATE p")
    c.append("p", MESSAGE)
    c.ok("DELETE p")
    assert c.ok('LIST "" p*') == ['* LIST (\\Noselect \\HasChildren) "." p', '* LIST (\\HasNoChildren) "." p.q']
    c.no("SELECT p")
    c.ok("CREATE p")
    assert c.ok("STATUS p (MESSAGES)") == ["* STATUS p (MESSAGES 0)"]


def test_rename(c):
    c.ok("CREATE a.b.c")
    c.append("a.b.c", MESSAGE)
    c.ok("RENAME a.b x.y")
    assert "* LIST (\\HasNoChildren) \".\" x.y.c" in c.ok('LIST "" *')
    assert c.ok("STATUS x.y.c (MESSAGES)") == ["* STATUS x.y.c (MESSAGES 1)"]
    c.no("STATUS a.b.c (MESSAGES)")
    assert "NONEXISTENT" in c.no("RENAME nope new")
    c.ok("CREATE other")
    assert "ALREADYEXISTS" in c.no("RENAME x.y.c other")
    assert "ALREADYEXISTS" in c.no("RENAME x.y.c INBOX")
    assert "ALREADYEXISTS" in c.no("RENAME x.y.c x.y.c")


def test_rename_of_inbox_moves_its_messages(c):
    """RFC 9051 6.3.6: INBOX stays, empty; its children stay too."""
    fill(c, 2)
    c.ok("CREATE INBOX.child")
    c.ok("RENAME INBOX old")
    assert c.ok("STATUS INBOX (MESSAGES)") == ["* STATUS INBOX (MESSAGES 0)"]
    assert c.ok("STATUS old (MESSAGES)") == ["* STATUS old (MESSAGES 2)"]
    assert len(c.ok('LIST "" INBOX.child')) == 1 and not c.ok('LIST "" old.child')


# ---- 6.3.7 to 6.3.9: SUBSCRIBE, LIST, RFC 3501 6.3.9 LSUB ----

def names(lines):
    return [line.rsplit(' "." ', 1)[1].strip('"') for line in lines if line.startswith(("* LIST", "* LSUB"))]


def test_list_patterns_and_references(c):
    for name in ("foo", "foo.bar", "foo.bar.baz", "food", "INBOX.x"):
        c.ok(f"CREATE {name}")
    ask = lambda ref, pattern: names(c.ok(f'LIST "{ref}" "{pattern}"'))  # noqa: E731
    assert c.ok('LIST "" ""') == ['* LIST (\\Noselect) "." ""']
    assert ask("", "foo*") == ["foo", "foo.bar", "foo.bar.baz", "food"]
    assert ask("", "foo%") == ["foo", "food"]
    assert ask("", "foo.%") == ["foo.bar"] and ask("foo.", "%") == ["foo.bar"]
    assert ask("foo.", "*") == ["foo.bar", "foo.bar.baz"] and ask("foo", "*") == ["foo", "foo.bar", "foo.bar.baz", "food"]
    assert ask("", "%.%.%") == ["foo.bar.baz"] and ask("", "*baz") == ["foo.bar.baz"] and ask("", "%z") == []
    assert ask("", "f%.b*z") == ["foo.bar.baz"] and ask("", "**r%%") == ["Drafts", "Trash", "foo.bar"]
    assert ask("", "inbox") == ["INBOX"] and ask("", "iNbOx.%") == ["INBOX.x"] and ask("", "FOO") == []
    assert ask("nope.", "%") == []
    assert "INBOX" in ask("", "%") and "INBOX.x" not in ask("", "%")


def test_lsub(c):
    for name in ("Drafts", "Junk", "Sent", "Trash"):
        c.ok(f"UNSUBSCRIBE {name}")
    c.ok("CREATE foo.bar")
    for _ in range(2):
        c.ok("SUBSCRIBE foo.bar")
    assert c.ok('LSUB "" *') == ['* LSUB () "." foo.bar']
    # RFC 3501 6.3.9: % tells of a parent that is not subscribed
    assert c.ok('LSUB "" %') == ['* LSUB (\\Noselect) "." foo']
    c.ok("SUBSCRIBE inbox")
    assert names(c.ok('LSUB "" %')) == ["INBOX", "foo"]
    # 6.3.7: a name is not unsubscribed because its mailbox goes
    c.ok("DELETE foo.bar")
    assert names(c.ok('LSUB "" *')) == ["INBOX", "foo.bar"]
    assert c.ok('LIST (SUBSCRIBED) "" foo*') == ['* LIST (\\NonExistent \\Noselect \\HasNoChildren \\Subscribed) "." foo.bar']
    c.ok("UNSUBSCRIBE foo.bar")
    assert names(c.ok('LSUB "" *')) == ["INBOX"]


def test_list_extended(c):
    """RFC 5258."""
    for name in ("Drafts", "Junk", "Sent", "Trash"):
        c.ok(f"UNSUBSCRIBE {name}")
    c.ok("CREATE a.b.c")
    c.ok("CREATE d")
    c.ok("SUBSCRIBE a.b.c")
    c.ok("SUBSCRIBE d")
    assert names(c.ok('LIST (SUBSCRIBED) "" *')) == ["a.b.c", "d"]
    assert c.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" %') == [
        '* LIST (\\NonExistent \\Noselect \\HasChildren) "." a ("CHILDINFO" ("SUBSCRIBED"))',
        '* LIST (\\HasNoChildren \\Subscribed) "." d']
    bad(c, 'LIST (RECURSIVEMATCH) "" *')
    bad(c, 'LIST (RECURSIVEMATCH REMOTE) "" *')
    assert names(c.ok('LIST "" (d a.% INBOX)')) == ["INBOX", "a.b", "d"]
    line, = c.ok('LIST "" d RETURN (SUBSCRIBED CHILDREN)')
    assert line == '* LIST (\\HasNoChildren \\Subscribed) "." d'
    # RFC 5819
    assert c.ok('LIST "" (a* d) RETURN (STATUS (MESSAGES UIDNEXT))')[-1] == "* STATUS d (MESSAGES 0 UIDNEXT 1)"
    assert not [x for x in c.ok('LIST "" a RETURN (STATUS (MESSAGES))') if x.startswith("* STATUS")]
    # RFC 6154
    assert names(c.ok('LIST (SPECIAL-USE) "" *')) == ["Drafts", "Junk", "Sent", "Trash"]
    assert c.ok('LIST "" Sent RETURN (SPECIAL-USE)') == ['* LIST (\\HasNoChildren \\Sent) "." Sent']


# ---- 6.3.11 STATUS ----

def test_status(c):
    c.append("INBOX", MESSAGE, "(\\Seen) ")
    c.append("INBOX", MESSAGE, "(\\Deleted) ")
    line, = [x for x in c.ok("STATUS INBOX (MESSAGES UNSEEN DELETED SIZE UIDNEXT)") if "STATUS" in x]
    assert line == f"* STATUS INBOX (MESSAGES 2 UIDNEXT 3 UNSEEN 1 SIZE {2 * len(MESSAGE)} DELETED 1)"
    line, = c.ok("STATUS inbox (messages)")
    assert line == "* STATUS INBOX (MESSAGES 2)"
    assert "NONEXISTENT" in c.no("STATUS nope (MESSAGES)")
    # RFC 7162 3.1.2: asking for it enables CONDSTORE
    assert re.search(r"HIGHESTMODSEQ \d+\)", c.ok("STATUS Sent (HIGHESTMODSEQ)")[-1])
    assert "MODSEQ" in c.ok("STORE 1 +FLAGS (\\Flagged)")[-1]


# ---- 6.3.12 APPEND ----

@pytest.mark.parametrize("date, told", [
    ('"01-Jan-2020 00:00:00 +0000"', " 1-Jan-2020 00:00:00 +0000"), ('" 1-Jan-2020 00:00:00 +0000"', " 1-Jan-2020 00:00:00 +0000"),
    ('"17-JUL-1996 02:44:25 -0700"', "17-Jul-1996 09:44:25 +0000"), ('"29-feb-2020 23:59:60 +0100"', None),
    ('"31-Dec-1969 12:00:00 +0000"', "31-Dec-1969 12:00:00 +0000")])
def test_append_date(c, date, told):
    c.append("INBOX", MESSAGE, f"{date} ")
    line = c.ok("FETCH 1 INTERNALDATE")[-1]
    assert told is None or line == f'* 1 FETCH (INTERNALDATE "{told}")'


@pytest.mark.parametrize("args", ['"1-Jan-2020 00:00:00 +0000"', '"01-Jan-2020"', '"32-Jan-2020 00:00:00 +0000"',
                                  '"01-Foo-2020 00:00:00 +0000"', '"01-Jan-2020 25:00:00 +0000"', '"30-Feb-2020 00:00:00 +0000"',
                                  '"01-Jan-2020 00:00:00"', '01-Jan-2020', "(\\Recent)", "(\\Nonsense)", "(\\Seen", "NIL", "()()",
                                  '() () "01-Jan-2020 00:00:00 +0000"', '"01-Jan-2020 00:00:00 +0000" (\\Seen)'])
def test_append_malformed(c, args):
    untagged, text = c.do(f"APPEND INBOX {args} ", (MESSAGE, ""))
    assert text.startswith("BAD")
    assert c.ok("STATUS INBOX (MESSAGES)") == ["* STATUS INBOX (MESSAGES 0)"]


def test_append(c):
    c.ok("APPEND INBOX (\\Seen \\Flagged $Label keyword) ", (MESSAGE, ""))
    line = c.ok("FETCH 1 (FLAGS RFC822.SIZE)")[-1]
    assert flags(line) == {"\\Seen", "\\Flagged", "$Label", "keyword", "\\Recent"} and f"SIZE {len(MESSAGE)}" in line
    assert c.no("APPEND nope ", (MESSAGE, "")).startswith("NO [TRYCREATE]")
    assert c.no("COPY 1 nope").startswith("NO [TRYCREATE]")
    assert c.no("MOVE 1 nope").startswith("NO [TRYCREATE]")
    # RFC 3502: an empty message cancels all
    c.do("APPEND INBOX ", (MESSAGE, " "), ("", ""))
    assert c.ok("STATUS INBOX (MESSAGES)")[-1] == "* STATUS INBOX (MESSAGES 1)"
    c.ok("APPEND INBOX ", (MESSAGE, " (\\Draft) "), (MESSAGE, ""))
    assert re.match(r"OK \[APPENDUID \d+ 2:3\]", c.last)


# ---- 6.3.13 IDLE, RFC 2177 ----

def test_idle(c, two):
    c.send("i IDLE\r\n")
    assert c.line().startswith("+ ")
    two.append("INBOX", MESSAGE)
    assert c.line() == "* 1 EXISTS"
    c.send("done\r\n")
    assert c.until("i")[1].startswith("OK")
    # anything but DONE ends it as an error, and is not a command
    c.send("j IDLE\r\n")
    while not c.line().startswith("+"):
        pass
    c.send("k NOOP\r\n")
    assert c.until("j")[1].startswith("BAD")
    c.ok("NOOP")


# ---- 6.4.1, 6.4.2, 6.4.3: CLOSE, UNSELECT, EXPUNGE ----

def test_close_expunges_silently_and_unselect_does_not(c):
    fill(c, 3)
    c.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
    c.ok("UNSELECT")
    assert "* 3 EXISTS" in c.ok("SELECT INBOX")
    assert not [x for x in c.ok("CLOSE") if "EXPUNGE" in x]
    c.bad("FETCH 1 FLAGS")
    assert "* 2 EXISTS" in c.ok("SELECT INBOX")
    # of a mailbox that is only examined nothing goes
    c.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    c.ok("EXAMINE INBOX")
    c.ok("CLOSE")
    assert "* 2 EXISTS" in c.ok("SELECT INBOX")


def test_expunge_numbers_count_down(c):
    """The example of RFC 9051 6.4.3."""
    fill(c, 11)
    c.ok("STORE 3,4,7,11 +FLAGS.SILENT (\\Deleted)")
    assert c.ok("EXPUNGE") == ["* 3 EXPUNGE", "* 3 EXPUNGE", "* 5 EXPUNGE", "* 8 EXPUNGE"]
    assert c.ok("EXPUNGE") == []
    assert c.ok("SEARCH DELETED") == ["* SEARCH"]


# ---- 6.4.4 SEARCH ----

@pytest.mark.parametrize("key", [
    "(", "()", "(ALL", "ALL)", "( ALL)", "(ALL )", "ALL  ALL", "ALL ", "NONSENSE", "NOT", "OR ALL", "0", "1:", "1,,2", "UID", "UID 0",
    "KEYWORD", "KEYWORD \\Seen", "LARGER", "LARGER x", "LARGER -1", "LARGER 99999999999999999999", "HEADER", "HEADER Subject",
    "BEFORE", "BEFORE 1-Foo-2020", "BEFORE 32-Jan-2020", "BEFORE 1-Jan-20", "BEFORE 2020-01-01", "BEFORE \"1-Jan-2020", "SUBJECT", "SUBJECT (a)",
    "RETURN ALL", "RETURN (NONSENSE) ALL", "RETURN (ALL", "CHARSET UTF-8", "CHARSET", "YOUNGER 0", "OLDER x", "MODSEQ"])
def test_search_malformed(c, key):
    bad(c, f"SEARCH {key}")


def test_search_keys(c):
    c.append("INBOX", MESSAGE, '(\\Answered \\Flagged word) "10-Mar-2010 23:00:00 +0000" ')
    c.append("INBOX", MESSAGE.replace(b"one", b"two").replace(b"1 Jan 2001", b"2 Jan 2001"), '(\\Seen \\Draft) "11-Mar-2010 01:00:00 +0000" ')
    c.append("INBOX", MESSAGE.replace(b"To: c@d.test", b"Cc: k@d.test\r\nBcc: q@d.test") + b"x" * 1000,
             '(\\Deleted) "12-Mar-2010 01:00:00 +0000" ')
    c.ok("NOOP")
    for key, found in {
        "ALL": "1 2 3", "1,3": "1 3", "2:*": "2 3", "*": "3", "3:1": "1 2 3", "UID 2": "2", "UID 9": "", "ANSWERED": "1", "BCC q": "3",
        "BEFORE 11-Mar-2010": "1", 'BEFORE "11-Mar-2010"': "1", "ON 11-mar-2010": "2", "SINCE 11-MAR-2010": "2 3", "BODY TEXT": "1 2 3",
        "CC k": "3", "DELETED": "3", "DRAFT": "2", "FLAGGED": "1", "FROM A@B": "1 2 3", "HEADER Subject two": "2", 'HEADER Cc ""': "3",
        "KEYWORD word": "1", "KEYWORD WORD": "1", "KEYWORD none": "", "LARGER 1000": "3", f"LARGER {len(MESSAGE)}": "3",
        f"SMALLER {len(MESSAGE)}": "", "NEW": "1 3", "OLD": "", "RECENT": "1 2 3", "NOT SEEN": "1 3", "NOT NOT SEEN": "2",
        "OR SEEN DELETED": "2 3", "OR OR SEEN DELETED ANSWERED": "1 2 3", "(SEEN) (DRAFT)": "2", "(OR (SEEN DRAFT) (DELETED))": "2 3",
        "NOT (SEEN DRAFT)": "1 3", "SEEN DELETED": "", "SENTBEFORE 2-Jan-2001": "1 3", "SENTON 2-Jan-2001": "2",
        "SENTSINCE 2-Jan-2001": "2", "SUBJECT TWO": "2", 'SUBJECT ""': "1 2 3", "TEXT one": "1 3", "TO C@": "1 2", "UNANSWERED": "2 3",
        "UNDELETED": "1 2", "UNDRAFT": "1 3", "UNFLAGGED": "2 3", "UNKEYWORD word": "2 3", "UNSEEN": "1 3", "SUBJECT NIL": "",
        "CHARSET UTF-8 ALL": "1 2 3", 'CHARSET "us-ascii" SUBJECT two': "2",
    }.items():
        assert c.ok(f"SEARCH {key}") == [f"* SEARCH {found}".strip()], key
    # 7.1: what charsets there are
    assert re.match(r"NO \[BADCHARSET \([^)]*UTF-8[^)]*\)\]", c.no("SEARCH CHARSET X-NONE ALL"))
    assert "BADCHARSET" in c.no("SORT (DATE) X-NONE ALL") and "BADCHARSET" in c.no("THREAD REFERENCES X-NONE ALL")


def test_esearch_and_searchres(c):
    """RFC 4731, RFC 5182."""
    fill(c, 5)
    tag = lambda: f't{c.count}'  # noqa: E731
    assert c.ok("SEARCH RETURN () ALL") == [f'* ESEARCH (TAG "{tag()}") ALL 1:5']
    assert c.ok("SEARCH RETURN (MIN MAX COUNT) 2:4") == [f'* ESEARCH (TAG "{tag()}") MIN 2 MAX 4 COUNT 3']
    assert c.ok("UID SEARCH RETURN (ALL) 1,3:5") == [f'* ESEARCH (TAG "{tag()}") UID ALL 1,3:5']
    assert c.ok("SEARCH RETURN (MIN ALL) DELETED") == [f'* ESEARCH (TAG "{tag()}")']
    assert c.ok("SEARCH RETURN (COUNT) DELETED") == [f'* ESEARCH (TAG "{tag()}") COUNT 0']
    assert c.ok("SEARCH RETURN (SAVE) 2:3") == []
    assert c.ok("FETCH $ UID") == ["* 2 FETCH (UID 2)", "* 3 FETCH (UID 3)"]
    assert c.ok("SEARCH NOT $") == ["* SEARCH 1 4 5"]
    c.ok("STORE $ +FLAGS.SILENT (\\Deleted)")
    c.ok("EXPUNGE")
    assert c.ok("FETCH $ UID") == []
    # a search that fails empties it, MIN alone keeps one
    c.ok("SEARCH RETURN (SAVE MIN) ALL")
    assert c.ok("SEARCH $") == ["* SEARCH 1"]
    c.no("SEARCH RETURN (SAVE) CHARSET X-NONE ALL")
    assert c.ok("SEARCH $") == ["* SEARCH"]


# ---- 6.4.5 FETCH ----

@pytest.mark.parametrize("args", [
    "0 FLAGS", "4 FLAGS", "1:4 FLAGS", "3,4 FLAGS", "1: FLAGS", ":1 FLAGS", "1,, FLAGS", "1, FLAGS", ",1 FLAGS", "a FLAGS", '"1" FLAGS',
    "-1 FLAGS", "4294967296 FLAGS", "1:2:3 FLAGS", "1", "1 ", "1 ()", "1 (ALL)", "1 (FLAGS FAST)", "1 FLAGS UID", "1 (FLAGS", "1 FLAGS)",
    " 1 FLAGS", "1  FLAGS", "1 (FLAGS  UID)", "1 ( FLAGS)", "1 (FLAGS )", "1 NONSENSE", "1 BODY[", "1 BODY[]<0>", "1 BODY[]<0.0>",
    "1 BODY[]<1.>", "1 BODY[]<.5>", "1 BODY[MIME]", "1 BODY[0]", "1 BODY[1.]", "1 BODY[.1]", "1 BODY[1.0]", "1 BODY[1.NONSENSE]",
    "1 BODY[TEXT.1]", "1 BODY[HEADER.FIELDS]", "1 BODY[HEADER.FIELDS ()]", "1 BODY[HEADER.FIELDS Subject]", "1 BODY.PEEK",
    "1 BODYSTRUCTURE[1]", "1 RFC822.PEEK", "1 BINARY[TEXT]", "1 BINARY.SIZE[1]<0.5>", "1 BINARY[1.MIME]", "1 FLAGS (CHANGEDSINCE 0 x)",
    "1 FLAGS (CHANGEDSINCE)", "1 FLAGS (CHANGEDSINCE x)", "1 FLAGS (VANISHED)"])
def test_fetch_malformed(c, args):
    fill(c, 3)
    bad(c, f"FETCH {args}")


def test_fetch_sets(c):
    fill(c, 3)
    ask = lambda command: [int(x.split()[1]) for x in c.ok(command)]  # noqa: E731
    assert ask("FETCH *:2 UID") == [2, 3] and ask("FETCH * UID") == [3] and ask("FETCH 3,1:2,2 UID") == [1, 2, 3]
    assert ask("UID FETCH 9 FLAGS") == [] and ask("UID FETCH 9:* FLAGS") == [3] and ask("UID FETCH 2:9 FLAGS") == [2, 3]
    assert c.ok("UID FETCH 2 FLAGS")[0].startswith("* 2 FETCH (UID 2 FLAGS ")
    c.bad("UID FETCH 0 FLAGS")


def test_fetch_in_an_empty_mailbox(c):
    c.bad("FETCH 1 FLAGS")
    assert c.ok("UID FETCH 1:* FLAGS") == []
    assert c.ok("SEARCH ALL") == ["* SEARCH"] and c.ok("UID SEARCH *") == ["* SEARCH"]


def test_fetch_macros(c):
    fill(c, 1)
    items = lambda command: re.findall(r"(?<![\w.])(FLAGS|INTERNALDATE|RFC822\.SIZE|ENVELOPE|BODY) ", c.ok(command)[0])  # noqa: E731
    assert items("FETCH 1 FAST") == ["FLAGS", "INTERNALDATE", "RFC822.SIZE"]
    assert items("FETCH 1 ALL") == ["FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"]
    assert items("FETCH 1 full") == ["FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"]


def test_fetch_partial(c):
    fill(c, 1)
    text = MESSAGE.decode()
    assert c.ok("FETCH 1 BODY.PEEK[]<5.3>") == ["* 1 FETCH (BODY[]<5> {3}\r\n" + text[5:8] + ")"]
    n = len(MESSAGE)
    assert c.ok(f"FETCH 1 BODY.PEEK[]<{n - 2}.100>") == [f"* 1 FETCH (BODY[]<{n - 2}> {{2}}\r\n\r\n)"]
    for start in (n, n + 1, 4294967295):
        assert c.ok(f"FETCH 1 BODY.PEEK[]<{start}.10>")[0] in (f'* 1 FETCH (BODY[]<{start}> "")', f"* 1 FETCH (BODY[]<{start}> {{0}}\r\n)")
    assert c.ok("FETCH 1 BODY.PEEK[TEXT]<0.4294967295>")[0].startswith("* 1 FETCH (BODY[TEXT]<0> {11}")


@pytest.mark.parametrize("item, seen", [("BODY[]", True), ("BODY[TEXT]", True), ("BODY[1]", True), ("BODY[HEADER]", True), ("BODY[]<0.1>", True),
                                        ("BODY[HEADER.FIELDS (To)]", True), ("RFC822", True), ("RFC822.TEXT", True), ("BINARY[1]", True),
                                        ("BODY.PEEK[]", False), ("RFC822.HEADER", False), ("ENVELOPE", False), ("BODYSTRUCTURE", False),
                                        ("BODY", False), ("BINARY.PEEK[1]", False), ("BINARY.SIZE[1]", False), ("PREVIEW", False)])
def test_what_sets_seen_tells_it(c, item, seen):
    fill(c, 1)
    line = c.ok(f"FETCH 1 {item}")[-1]
    assert ("\\Seen" in line) == seen
    assert ("\\Seen" in flags(c.ok("FETCH 1 FLAGS")[0])) == seen


# ---- 6.4.6 STORE ----

@pytest.mark.parametrize("args", ["1", "1 FLAGS", "1 NONSENSE (\\Seen)", "1 +FLAGS (\\Recent)", "1 +FLAGS (\\Nonsense)", "1 +FLAGS (\\*)",
                                  "1 +FLAGS (\\Seen", "1 +FLAGS \\Seen)", "1 +FLAGS (\"a\")", "1 +FLAGS (a(b)", "1 +FLAGS (a%b)", "2 +FLAGS (\\Seen)",
                                  "0 FLAGS ()", "1 +FLAGS.LOUD (\\Seen)", "1 ++FLAGS (\\Seen)", "1 + FLAGS (\\Seen)", "1 (UNCHANGEDSINCE) FLAGS ()",
                                  "1 (NONSENSE 1) FLAGS ()", "1 +FLAGS (\\Seen) x"])
def test_store_malformed(c, args):
    fill(c, 1)
    bad(c, f"STORE {args}")
    assert flags(c.ok("FETCH 1 FLAGS")[0]) == {"\\Recent"}


def test_store(c):
    fill(c, 1)
    ask = lambda command: flags(c.ok(command)[-1]) - {"\\Recent"}  # noqa: E731
    assert ask("STORE 1 +FLAGS (\\Seen \\SEEN \\flagged)") == {"\\Seen", "\\Flagged"}
    assert ask("STORE 1 -FLAGS \\Seen") == {"\\Flagged"}
    assert ask("STORE 1 FLAGS \\Draft \\Answered") == {"\\Draft", "\\Answered"}
    assert ask("STORE 1 FLAGS ()") == set()
    assert c.ok("STORE 1 +FLAGS.SILENT (\\Deleted)") == []
    assert c.ok("STORE 1 -FLAGS.SILENT ()") == [] and ask("FETCH 1 FLAGS") == {"\\Deleted"}
    # 7.3.5: a new keyword is told before it is used
    lines = c.ok("STORE 1 +FLAGS (new-word)")
    assert "new-word" in lines[0] and lines[0].startswith("* FLAGS (")
    assert ask("STORE 1 +FLAGS (NEW-WORD)") == {"\\Deleted", "new-word"}
    assert ask("UID STORE 1 -FLAGS (New-Word)") == {"\\Deleted"} and "UID 1" in c.ok("UID STORE 1 +FLAGS (\\Seen)")[0]
    assert c.ok("UID STORE 9 +FLAGS (\\Seen)") == []


# ---- 6.4.7, 6.4.8, RFC 4315, RFC 6851 ----

def test_copy_and_move(c):
    fill(c, 4)
    c.ok("STORE 2 FLAGS.SILENT (\\Flagged word)")
    c.ok("COPY 2:3 Sent")
    assert re.match(r"OK \[COPYUID \d+ 2:3 1:2\]", c.last)
    c.ok("UID COPY 99 Sent")
    assert "COPYUID" not in c.last
    lines = c.ok("MOVE 2,4 Sent")
    assert re.match(r"\* OK \[COPYUID \d+ 2,4 3:4\]", lines[0]) and lines[1:] == ["* 2 EXPUNGE", "* 3 EXPUNGE"]
    c.bad("COPY 9 Sent")
    c.bad("COPY 1 ")
    c.ok("COPY 1 INBOX")  # into itself
    assert c.ok("SEARCH ALL")[-1] == "* SEARCH 1 2 3"
    c.ok("SELECT Sent")
    line = c.ok("FETCH 1 FLAGS")[0]
    assert {"\\Flagged", "word"} <= flags(line)


def test_copy_is_all_or_nothing(c):
    fill(c, 2)
    c.no("COPY 1:2 nope")
    c.bad("COPY 1:3 Sent")
    assert c.ok("STATUS Sent (MESSAGES)") == ["* STATUS Sent (MESSAGES 0)"]


def test_uid_expunge(c):
    fill(c, 4)
    c.ok("STORE 1:3 +FLAGS.SILENT (\\Deleted)")
    assert c.ok("UID EXPUNGE 2:9") == ["* 2 EXPUNGE", "* 2 EXPUNGE"]
    assert c.ok("UID EXPUNGE 4") == []
    assert c.ok("SEARCH ALL") == ["* SEARCH 1 2"]
    bad(c, "UID EXPUNGE 0")


# ---- 5.2, 5.5, 7.4.1, 7.5.1: several sessions, pipelines ----

def test_expunge_is_not_told_during_fetch_store_search(c, two):
    fill(c, 3)
    two.ok("NOOP")
    two.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    two.ok("EXPUNGE")
    for command in ("FETCH 2 UID", "STORE 2 +FLAGS (\\Seen)", "SEARCH ALL"):
        assert not [x for x in c.ok(command) if "EXPUNGE" in x], command
    assert c.ok("FETCH 2 UID") == ["* 2 FETCH (UID 2)"]
    # but it is in a UID command
    assert "* 1 EXPUNGE" in c.ok("UID FETCH 3 FLAGS")
    assert c.ok("FETCH 2 UID") == ["* 2 FETCH (UID 3)"]


def test_three_sessions_agree(worker, c, two):
    three = worker.client()
    three.ok("EXAMINE INBOX")
    fill(c, 4)
    for other in (two, three):
        assert "* 4 EXISTS" in other.ok("NOOP")
    c.ok("STORE 2 +FLAGS (\\Flagged)")
    two.ok("STORE 2,3 +FLAGS.SILENT (\\Deleted)")
    assert two.ok("EXPUNGE")[-2:] == ["* 2 EXPUNGE", "* 2 EXPUNGE"]
    c.append("INBOX", MESSAGE)
    lines = three.ok("NOOP")
    # an EXISTS never goes down but by EXPUNGE
    assert [x for x in lines if "EXPUNGE" in x] == ["* 2 EXPUNGE", "* 2 EXPUNGE"] and lines[-1] in ("* 3 EXISTS", "* 1 RECENT", "* 0 RECENT")
    for other in (c, two, three):
        other.ok("NOOP")
        assert [x.split("UID ")[1][:-1] for x in other.ok("FETCH 1:* UID")] == ["1", "4", "5"]


def test_silent_store_is_told_to_others(c, two):
    fill(c, 1)
    two.ok("NOOP")
    assert c.ok("STORE 1 +FLAGS.SILENT (\\Flagged)") == []
    assert "\\Flagged" in flags(two.ok("NOOP")[0])
    assert c.ok("NOOP") == []


def test_pipelined_commands_keep_their_meaning(c):
    """5.5: what could be ambiguous is answered in order."""
    fill(c, 3)
    c.send("a STORE 1 +FLAGS.SILENT (\\Deleted)\r\nb EXPUNGE\r\nd FETCH 1 UID\r\ne FETCH 3 UID\r\nf SELECT Sent\r\ng FETCH 1 UID\r\n")
    assert c.until("a")[0] == []
    assert c.until("b")[0] == ["* 1 EXPUNGE"]
    assert c.until("d")[0] == ["* 1 FETCH (UID 2)"]
    assert c.until("e")[1].startswith("BAD")
    c.until("f")
    assert c.until("g")[1].startswith("BAD")


# ---- RFC 7162 ----

def test_condstore(worker):
    c = worker.client()
    assert code(c.ok("SELECT INBOX (CONDSTORE)"), "HIGHESTMODSEQ")
    fill(c, 3)
    modseq = {i + 1: int(re.search(r"MODSEQ \((\d+)\)", line)[1]) for i, line in enumerate(c.ok("FETCH 1:3 MODSEQ"))}
    line, = c.ok("STORE 1 +FLAGS (\\Flagged)")
    now = int(re.search(r"MODSEQ \((\d+)\)", line)[1])
    assert now > max(modseq.values())
    # a silent one tells MODSEQ only
    line, = c.ok("STORE 2 +FLAGS.SILENT (\\Flagged)")
    assert "MODSEQ" in line and "FLAGS" not in line
    assert [x.split()[1] for x in c.ok(f"FETCH 1:* FLAGS (CHANGEDSINCE {now - 1})")] == ["1", "2"]
    c.ok(f"STORE 1:3 (UNCHANGEDSINCE {modseq[3]}) +FLAGS (\\Seen)")
    assert c.last.startswith("OK [MODIFIED 1:2]")
    assert c.ok("SEARCH SEEN")[0].startswith("* SEARCH 3")
    assert re.match(r"\* SEARCH 1 2 3 \(MODSEQ \d+\)", c.ok(f"SEARCH MODSEQ {now}")[0])
    c.ok("STORE 1 (UNCHANGEDSINCE 0) +FLAGS (new)")
    assert "[MODIFIED 1]" in c.last


def test_qresync_needs_enable(worker, c):
    bad(c, "SELECT INBOX (QRESYNC (1 1))")
    fill(c, 1)
    bad(c, "UID FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)")
    c.ok("ENABLE QRESYNC")
    c.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    assert c.ok("EXPUNGE") == ["* VANISHED 1"]
    for args in ("()", "(1)", "(x 1)", "(0 1)", "(1 1 (1:2))", "(1 1 1:2 (1 1)", "(1 1 *)"):
        bad(c, f"SELECT INBOX (QRESYNC {args})")


def test_what_removes_messages_tells_highestmodseq(worker, c, two):
    """RFC 7162 3.2.7 to 3.2.10, RFC 6851 4.4."""
    c.ok("ENABLE QRESYNC")
    fill(c, 8)
    two.ok("NOOP")
    lines = c.ok("SELECT INBOX")
    highest = [int(code(lines, "HIGHESTMODSEQ"))]
    c.ok("STORE 1:3,7 +FLAGS.SILENT (\\Deleted)")
    for command, told in (("UID EXPUNGE 2", "* VANISHED 2"), ("EXPUNGE", "* VANISHED 1,3,7"), ("UID MOVE 4:5 Sent", "* VANISHED 4:5"),
                          ("MOVE 1 Sent", "* VANISHED 6")):
        assert c.ok(command)[-1] == told
        highest.append(int(re.match(r"OK \[HIGHESTMODSEQ (\d+)\]", c.last)[1]))
        if command != "MOVE 1 Sent":
            c.ok(command)
            assert "HIGHESTMODSEQ" not in c.last  # nothing went
    assert highest == sorted(set(highest))
    # who did not ask for VANISHED hears EXPUNGE
    assert len([x for x in two.ok("NOOP") if "EXPUNGE" in x]) == 7
    assert two.ok("FETCH 1:* UID") == ["* 1 FETCH (UID 8)"]
    c.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    assert c.ok("CLOSE") == []
    highest.append(int(re.match(r"OK \[HIGHESTMODSEQ (\d+)\]", c.last)[1]))
    assert code(c.ok("SELECT INBOX"), "HIGHESTMODSEQ") == str(highest[-1])
    validity = code(lines, "UIDVALIDITY")
    assert "* VANISHED (EARLIER) 1:8" in c.ok(f"SELECT INBOX (QRESYNC ({validity} {highest[0]}))")
    assert "* VANISHED (EARLIER) 4:6,8" in c.ok(f"SELECT INBOX (QRESYNC ({validity} {highest[2]} 1:8))")
    # another UIDVALIDITY: nothing is told
    assert not [x for x in c.ok(f"SELECT INBOX (QRESYNC ({int(validity) + 1} {highest[0]}))") if "VANISHED" in x]


def test_pipelined_idle(c):
    c.send("a IDLE\r\nDONE\r\nb IDLE\r\nDONE\r\nd NOOP\r\n")
    for tag, told in (("a", 1), ("b", 1), ("d", 0)):
        lines, text = c.until(tag)
        assert text.startswith("OK") and len(lines) == told


# ---- RFC 9051, Appendix E: what rev2 changes ----

def test_rev2(worker):
    c = worker.client()
    c.ok("ENABLE IMAP4rev2")
    c.append("INBOX", MESSAGE)
    lines = c.ok("SELECT INBOX")
    assert not [x for x in lines if "RECENT" in x or "UNSEEN" in x]
    assert '* LIST () "." INBOX' in lines or [x for x in lines if x.startswith("* LIST (") and x.endswith("INBOX")]
    assert c.ok("SEARCH ALL") == [f'* ESEARCH (TAG "t{c.count}") ALL 1']
    assert c.ok("UID SEARCH ALL") == [f'* ESEARCH (TAG "t{c.count}") UID ALL 1']
    assert c.ok("SEARCH DELETED") == [f'* ESEARCH (TAG "t{c.count}")']
    assert flags(c.ok("FETCH 1 FLAGS")[0]) == set()
    c.no("SELECT nope")
    c.bad("FETCH 1 FLAGS")


# ---- RFC 2971, RFC 2342 ----

def test_id_and_namespace(c):
    for args in ("NIL", "()", '("name" "x" "version" NIL)', '("NAME" {1+}\r\nx)'):
        line, = c.ok(f"ID {args}")
        assert line.startswith("* ID (") or line == "* ID NIL"
    line, = c.ok("NAMESPACE")
    assert line.startswith('* NAMESPACE (("" "."))')


def test_time_is_not_lost_on_errors(c):
    """RFC 2683 3.2.2: a client that errs a little is served on at once."""
    start = time.monotonic()
    for _ in range(15):
        c.bad("NONSENSE")
    assert time.monotonic() - start < 5
