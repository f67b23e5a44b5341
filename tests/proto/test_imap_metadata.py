"""METADATA (RFC 5464) and LIST-METADATA (RFC 9590) of the IMAP worker."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from imapworker import ImapWorker  # noqa: E402


@pytest.fixture
def worker(tmp_path):
    with ImapWorker(tmp_path, {"postmaster_address": "boss@example.test"}) as w:
        yield w


@pytest.fixture
def c(worker):
    return worker.client()


def test_capabilities(c):
    assert {"METADATA", "METADATA-SERVER", "LIST-METADATA"} <= set(c.ok("CAPABILITY")[0].split())


def test_set_get_and_remove(c):
    c.ok('SETMETADATA INBOX (/private/comment "my own" /SHARED/Comment "ours")')
    assert c.ok("GETMETADATA INBOX (/private/comment /shared/comment)") == [
        '* METADATA INBOX (/private/comment "my own" /shared/comment "ours")']
    assert c.ok("GETMETADATA INBOX /Private/COMMENT") == [
        '* METADATA INBOX (/private/comment "my own")']
    assert c.ok("GETMETADATA INBOX /private/comment /shared/comment") == [
        '* METADATA INBOX (/private/comment "my own" /shared/comment "ours")']
    c.ok("SETMETADATA INBOX (/private/comment NIL)")
    assert c.ok("GETMETADATA INBOX (/private/comment)") == [
        "* METADATA INBOX (/private/comment NIL)"]
    c.ok('SETMETADATA INBOX (/private/comment "")')
    assert c.ok("GETMETADATA INBOX /private/comment") == ['* METADATA INBOX (/private/comment "")']


def test_values_of_any_bytes(c):
    c.ok("SETMETADATA INBOX (/private/comment ", ("two\r\nlines", ")"))
    assert c.ok("GETMETADATA INBOX /private/comment") == [
        "* METADATA INBOX (/private/comment {10}\r\ntwo\r\nlines)"]
    c.ok("SETMETADATA INBOX (/private/comment ~", (b"a\0b", ")"))
    assert c.ok("GETMETADATA INBOX /private/comment") == [
        "* METADATA INBOX (/private/comment ~{3}\r\na\0b)"]
    assert "NUL" in c.bad("SETMETADATA INBOX (/private/comment ", (b"a\0b", ")"))
    c.ok("SETMETADATA INBOX (/private/comment ", ("\u00e4", ")"))
    assert c.ok("GETMETADATA INBOX /private/comment") == [
        "* METADATA INBOX (/private/comment {2}\r\n\u00e4)"]
    c.ok('SETMETADATA INBOX (/private/comment "q\\"\\\\")')
    assert c.ok("GETMETADATA INBOX /private/comment") == [
        '* METADATA INBOX (/private/comment "q\\"\\\\")']


def test_depth(c):
    c.ok('SETMETADATA INBOX (/private/f/v/small "1" /private/f/v/boss "2" /private/f/v/x/y "3" '
         '/private/f/vv "4")')
    assert c.ok("GETMETADATA INBOX (DEPTH 1) (/private/f/v)") == [
        '* METADATA INBOX (/private/f/v/boss "2" /private/f/v/small "1")']
    for command in ("GETMETADATA (DEPTH infinity) INBOX /private/f/v",
                    "GETMETADATA INBOX (DEPTH infinity) (/private/f/v /private/f/v/x)"):
        assert c.ok(command) == ['* METADATA INBOX (/private/f/v/boss "2" /private/f/v/small "1" '
                                 '/private/f/v/x/y "3")']
    assert c.ok("GETMETADATA INBOX (DEPTH 0) (/private/f/v)") == [
        "* METADATA INBOX (/private/f/v NIL)"]
    assert c.ok("GETMETADATA INBOX (DEPTH 1) (/private/none)") == []


def test_maxsize(c):
    c.ok(f'SETMETADATA INBOX (/private/a "{"x" * 20}" /private/b "{"y" * 30}" /private/c "z")')
    assert c.ok("GETMETADATA INBOX (MAXSIZE 10) (/private/a /private/b /private/c)") == [
        '* METADATA INBOX (/private/c "z")']
    assert c.last.startswith("OK [METADATA LONGENTRIES 30]")
    assert len(c.ok("GETMETADATA INBOX (DEPTH 0 MAXSIZE 30) (/private/a /private/b)")) == 1
    assert "LONGENTRIES" not in c.last


def test_the_server_has_annotations_too(worker, c):
    c.ok('SETMETADATA "" (/private/comment "mine")')
    assert c.ok('GETMETADATA "" /private/comment') == ['* METADATA "" (/private/comment "mine")']
    assert c.ok('GETMETADATA "" (/shared/admin /shared/comment)') == [
        '* METADATA "" (/shared/admin "mailto:boss@example.test" /shared/comment NIL)']
    assert c.ok('GETMETADATA "" (DEPTH infinity) (/shared/admin)') == [
        '* METADATA "" (/shared/admin "mailto:boss@example.test")']
    for entry in ("/shared/admin", "/shared/comment", "/shared/vendor/x/y"):
        assert "[NOPERM]" in c.no(f'SETMETADATA "" ({entry} "x")')
    assert "[NOPERM]" in c.no('SETMETADATA "" (/private/comment "new" /shared/admin NIL)')
    assert c.ok('GETMETADATA "" /private/comment') == ['* METADATA "" (/private/comment "mine")']
    # Another user sees none of it.
    other = worker.client("other@example.test")
    assert other.ok('GETMETADATA "" /private/comment') == ['* METADATA "" (/private/comment NIL)']


def test_limits(c):
    c.ok("SETMETADATA INBOX (" + " ".join(f'/private/n{i} "v"' for i in range(100)) + ")")
    assert "[METADATA TOOMANY]" in c.no('SETMETADATA INBOX (/private/n0 "new" /private/more "v")')
    assert c.ok("GETMETADATA INBOX /private/n0") == ['* METADATA INBOX (/private/n0 "v")']
    c.ok('SETMETADATA INBOX (/private/n0 NIL /private/more "v")')
    c.send("a SETMETADATA INBOX (/private/big {70000}\r\n")
    assert c.line().startswith("a NO [METADATA MAXSIZE 65536]")
    c.send(b"b SETMETADATA INBOX (/private/big {70000+}\r\n" + b"x" * 70000 + b")\r\nc NOOP\r\n")
    assert c.line().startswith("b NO [METADATA MAXSIZE 65536]")
    assert c.line().startswith("c OK")
    c.ok("CREATE big")
    value = "v" * 65536
    c.ok("SETMETADATA big (/private/a ", (value, " /private/b "), (value, ")"))
    assert "[METADATA TOOMANY]" in c.no("SETMETADATA big (/private/c ", (value, ")"))
    line, = c.ok("GETMETADATA big /private/b")
    assert line == "* METADATA big (/private/b {65536}\r\n" + value + ")"


def test_malformed_entries_and_commands_change_nothing(c):
    for entry in ("comment", "/comment", "/private", "/private/", "/private//x", "/shared/vendor/x",
                  '"/private/a*"', '"/private/%"', '"/private/\u00e4"', "/other/x", '""', "/",
                  "/private/" + "x" * 250, '"/private/\x01"'):
        c.bad(f'SETMETADATA INBOX ({entry} "x")')
        c.bad(f"GETMETADATA INBOX ({entry})")
        c.ok("NOOP")
    for command in ("GETMETADATA", "GETMETADATA INBOX", "GETMETADATA INBOX ()",
                    "GETMETADATA INBOX (DEPTH 2) (/private/x)", "GETMETADATA INBOX (DEPTH 1)",
                    "GETMETADATA INBOX (MAXSIZE x) (/private/x)", "GETMETADATA INBOX (NEW 1) (/private/x)",
                    "SETMETADATA INBOX", "SETMETADATA INBOX ()", 'SETMETADATA INBOX /private/x "v"',
                    "SETMETADATA INBOX (/private/x)", "SETMETADATA INBOX (/private/x y)",
                    'SETMETADATA INBOX (/private/x "y") z'):
        c.bad(command)
        c.ok("NOOP")
    assert c.ok("GETMETADATA INBOX (DEPTH infinity) (/private/x)") == []
    assert "[NONEXISTENT]" in c.no('SETMETADATA nowhere (/private/comment "x")')
    assert "[NONEXISTENT]" in c.no("GETMETADATA nowhere /private/comment")
    assert "[CANNOT]" in c.no("GETMETADATA a..b /private/comment")


def test_annotations_follow_rename_and_end_with_delete(worker, c):
    c.ok("CREATE one")
    c.ok('SETMETADATA one (/private/comment "x")')
    c.ok("RENAME one two")
    assert c.ok("GETMETADATA two /private/comment") == ['* METADATA two (/private/comment "x")']
    assert os.path.exists(os.path.join(worker.maildir(), ".two", "pillarbox-metadata"))
    c.ok("DELETE two")
    c.ok("CREATE two")
    assert c.ok("GETMETADATA two /private/comment") == ["* METADATA two (/private/comment NIL)"]


def test_list_tells_metadata(c):
    c.ok("CREATE a")
    c.ok("CREATE b.c")
    c.ok('SETMETADATA a (/shared/vendor/cmu/color "#b71c1c")')
    lines = c.ok('LIST "" ("a" "b*") RETURN (METADATA ("/shared/vendor/cmu/color"))')
    assert lines == [
        '* LIST (\\HasNoChildren) "." a',
        '* METADATA a (/shared/vendor/cmu/color "#b71c1c")',
        '* LIST (\\NonExistent \\Noselect \\HasChildren) "." b',
        '* LIST (\\HasNoChildren) "." b.c',
        "* METADATA b.c (/shared/vendor/cmu/color NIL)"]
    lines = c.ok('LIST "" a RETURN (METADATA (/private/x /private/y) STATUS (MESSAGES) CHILDREN)')
    assert lines[1:] == ["* STATUS a (MESSAGES 0)",
                         "* METADATA a (/private/x NIL /private/y NIL)"]
    c.bad('LIST "" % RETURN (METADATA)')
    c.bad('LIST "" % RETURN (METADATA (comment))')


def test_changes_are_told_to_sessions_that_enabled_it(worker, c):
    deaf, idle, busy = worker.client(), worker.client(), worker.client()
    assert idle.ok("ENABLE METADATA IMAP4rev2")[0].split()[2:] == ["IMAP4rev2", "METADATA"]
    busy.ok("ENABLE METADATA")
    idle.send("i IDLE\r\n")
    assert idle.line().startswith("+")
    c.ok('CREATE "&AOQ-"')
    c.ok('SETMETADATA "&AOQ-" (/private/comment "x" /shared/comment NIL)')
    c.ok('SETMETADATA "" (/private/comment "x")')
    assert idle.line() == '* METADATA "\u00e4" /private/comment /shared/comment'
    assert idle.line() == '* METADATA "" /private/comment'
    assert busy.line() == "* METADATA &AOQ- /private/comment /shared/comment"
    assert busy.ok("NOOP") == ['* METADATA "" /private/comment']
    assert deaf.ok("NOOP") == [] and c.ok("NOOP") == []
    other = worker.client("other@example.test")
    other.ok("ENABLE METADATA")
    c.ok('SETMETADATA "" (/private/comment "y")')
    assert other.ok("NOOP") == []
