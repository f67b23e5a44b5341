"""ACL (RFC 4314), LIST-MYRIGHTS (RFC 8440) and the namespaces of others (RFC 2342)."""

import os
import re
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from imapworker import ImapWorker  # noqa: E402

ALICE, BOB, EVE, PUBLIC = "alice@example.test", "bob@example.test", "eve@other.test", "public@example.test"
THEIRS = f"Other Users/{ALICE}/"
LETTER = "From: a@b.test\r\nSubject: hello\r\n\r\n" + "text\r\n" * 20
ALL = "lrwstipekxacd"


@pytest.fixture
def worker(tmp_path):
    tmp_path.chmod(0o755)
    root = tmp_path / "mail"
    root.mkdir()
    root.chmod(0o777)
    with ImapWorker(root, {"imap_shared_account": PUBLIC, "enable_quotas": "1"}) as w:
        yield w


@pytest.fixture
def alice(worker):
    return worker.client(ALICE)


@pytest.fixture
def bob(worker):
    return worker.client(BOB)


def put(c, mailbox, flags_=""):
    c.append(mailbox, LETTER, flags_ and flags_ + " ")


def share(c, mailbox, who, rights):
    if mailbox != "INBOX":
        c.do(f'CREATE "{mailbox}"')  # it may be there
    c.ok(f'SETACL "{mailbox}" {who} {rights}')


def mine(c, mailbox):
    """The letters of MYRIGHTS, or the code of its NO."""
    untagged, text = c.do(f'MYRIGHTS "{mailbox}"')
    if text.startswith("NO"):
        return re.match(r"NO \[(\w+)", text)[1]
    m = re.match(r'\* MYRIGHTS (?:"[^"]*"|\S+) (\S+)$', untagged[-1])
    return m[1].replace('""', "")


def listed(c, pattern="*", command="LIST", more=""):
    """{name: (attributes, separator)}"""
    out = {}
    for line in c.ok(f'{command} "" "{pattern}"{more}'):
        m = re.match(r'\* (?:LIST|LSUB) \(([^)]*)\) "(.)" (?:"([^"]*)"|(\S+))', line)
        if m:
            out[m[3] or m[4]] = (set(m[1].split()), m[2])
    return out


def theirs(c, pattern="*", **how):
    return {name for name in listed(c, pattern, **how) if "/" in name}


def flags(c, mailbox):
    c.ok(f'EXAMINE "{mailbox}"')
    return [set(re.search(r"FLAGS \(([^)]*)\)", line)[1].split()) - {"\\Recent"}
            for line in c.ok("FETCH 1:* (FLAGS)")]


# ---- the commands -----------------------------------------------------------

def test_the_capabilities_are_told(alice):
    capabilities = alice.ok("CAPABILITY")[0].split()
    assert {"ACL", "RIGHTS=texk", "LIST-MYRIGHTS"} <= set(capabilities)


def test_an_owner_has_all_rights(alice):
    assert mine(alice, "INBOX") == ALL
    assert mine(alice, "Sent") == ALL
    assert alice.ok("GETACL INBOX") == [f"* ACL INBOX {ALICE} {ALL}"]
    assert alice.ok(f"LISTRIGHTS INBOX {ALICE}") == [f"* LISTRIGHTS INBOX {ALICE} la r w s t i p e k x c d"]
    assert alice.ok('LISTRIGHTS INBOX "Bob@Example.test"') == [
        '* LISTRIGHTS INBOX Bob@Example.test "" l r w s t i p e k x a c d']
    assert "NONEXISTENT" in alice.no("GETACL None")
    assert "NONEXISTENT" in alice.no("MYRIGHTS None")
    assert "NONEXISTENT" in alice.no(f"LISTRIGHTS None {BOB}")
    assert "NONEXISTENT" in alice.no(f"SETACL None {BOB} lr")


def test_rights_are_set_added_and_taken(worker, alice):
    alice.ok(f"SETACL INBOX {BOB} lrs")
    alice.ok(f"SETACL INBOX {BOB} +cda")
    assert alice.ok("GETACL INBOX") == [f"* ACL INBOX {BOB} lrstekxacd {ALICE} {ALL}"]
    alice.ok(f"SETACL INBOX {BOB.upper()} -rdx")
    alice.ok(f"SETACL INBOX -{BOB} s")
    alice.ok("SETACL INBOX anyone lp")
    alice.ok(f'SETACL INBOX {EVE} ""')
    assert alice.ok("GETACL INBOX") == [
        f'* ACL INBOX {BOB} lskac -{BOB} s anyone lp {EVE} "" {ALICE} {ALL}']
    alice.ok(f"DELETEACL INBOX {BOB}")
    alice.ok(f"DELETEACL INBOX nobody@example.test")
    assert alice.ok("GETACL INBOX") == [f'* ACL INBOX -{BOB} s anyone lp {EVE} "" {ALICE} {ALL}']
    text = Path(worker.maildir(ALICE), "dovecot-acl").read_text()
    assert text == f"-user={BOB} s\nanyone lp\nuser={EVE} \n"


def test_the_owner_keeps_lookup_and_administration(alice):
    assert alice.ok(f'SETACL INBOX {ALICE} ""') == [f"* ACL INBOX {ALICE} la"]
    assert mine(alice, "INBOX") == "la"
    alice.ok(f"SETACL INBOX -{ALICE} lar")
    assert mine(alice, "INBOX") == "la"
    assert "NOPERM" in alice.no("SELECT INBOX")
    assert "NOPERM" in alice.no("STATUS INBOX (MESSAGES)")
    alice.ok(f"DELETEACL INBOX {ALICE}")
    alice.ok(f"DELETEACL INBOX -{ALICE}")
    assert mine(alice, "INBOX") == ALL
    alice.ok('SETACL INBOX owner lrs')
    assert mine(alice, "INBOX") == "lrsa"


@pytest.mark.parametrize("args, code", [
    (f"INBOX {BOB} lrQ", "BAD"), (f"INBOX {BOB} lrq", "BAD"), (f"INBOX {BOB} +q", "BAD"),
    (f"INBOX {BOB} l9", "BAD"), (f"INBOX {BOB}", "BAD"), ("INBOX", "BAD"), ("", "BAD"),
    (f"INBOX {BOB} lr x", "BAD"), ('INBOX "" lr', "BAD"), ("INBOX - lr", "BAD"),
    (f"INBOX {'x' * 400}@example.test lr", "BAD"), ("INBOX fred lr", "NO"), ("INBOX $team lr", "NO"),
    ("INBOX @example.test lr", "NO"), ("INBOX --bob@example.test lr", "OK"),
])
def test_bad_arguments(worker, alice, args, code):
    assert alice.do(f"SETACL {args}")[1].startswith(code)
    assert Path(worker.maildir(ALICE), "dovecot-acl").exists() == (code == "OK")


def test_identifiers_are_text(alice):
    for bad in (b"bob\0@x.test", b"bob\xff@x.test", b"bob\n@x.test", b"b\r\nanyone lrs"):
        untagged, text = alice.do("SETACL INBOX ", (bad, " lr"))
        assert text.startswith("BAD"), bad
    # é, composed or not, is one name.
    alice.do("SETACL INBOX ", ("e\u0301@x.test".encode(), " lr"))
    alice.do("SETACL INBOX ", ("\u00e9@x.test".encode(), " lrs"))
    alice.do("SETACL INBOX ", (b'a "b" c@x.test', " l"))
    line, = alice.ok("GETACL INBOX")
    line = line.encode("utf-8", "surrogateescape").decode()
    assert '{9}\r\n\u00e9@x.test lrs "a \\"b\\" c@x.test" l' in line


def test_ten_thousand_identifiers(worker, alice, bob):
    share(alice, "Team", BOB, "lr")
    path = Path(worker.maildir(ALICE), ".Team", "dovecot-acl")
    path.write_text("".join(f"user=u{i}@x.test lr\n" for i in range(10000)) + f"user={BOB} lr\n")
    assert mine(bob, THEIRS + "Team") == "NONEXISTENT"
    assert mine(alice, "Team") == ALL
    assert "CORRUPTION" in alice.no(f"SETACL Team {BOB} lr")
    path.write_text("".join(f"user=u{i}@x.test lr\n" for i in range(1000)))
    assert "LIMIT" in alice.no(f"SETACL Team {BOB} lr")
    assert len(alice.ok("GETACL Team")[0].split()) > 2000


# ---- names ------------------------------------------------------------------

def test_the_namespaces(alice):
    assert alice.ok("NAMESPACE") == ['* NAMESPACE (("" ".")) (("Other Users/" "/")) (("Shared/" "/"))']
    assert alice.ok('LIST "" ""') == ['* LIST (\\Noselect) "." ""']
    assert alice.ok('LIST "Other Users/" ""') == ['* LIST (\\Noselect) "/" "Other Users/"']
    assert alice.ok('LIST "Shared/x/" ""') == ['* LIST (\\Noselect) "/" "Shared/"']


def test_what_is_shared_is_listed_and_nothing_else(worker, alice, bob):
    alice.ok("CREATE Work.2024.Secret")
    assert not theirs(bob)
    share(alice, "Work.2024", BOB, "lr")
    share(alice, "Old", BOB, "r")
    share(alice, "Hidden", EVE, "lr")
    assert theirs(bob) == {f"Other Users/{ALICE}", THEIRS + "Work", THEIRS + "Work/2024"}
    everything = listed(bob)
    assert everything[THEIRS + "Work/2024"] == ({"\\HasNoChildren"}, "/")
    assert everything["Other Users"] == ({"\\Noselect", "\\HasChildren"}, "/")
    assert everything["INBOX"][1] == "."
    assert "Other Users" in listed(bob, "%") and not theirs(bob, "%")
    assert theirs(bob, "Other Users/%") == {f"Other Users/{ALICE}"}
    assert theirs(bob, THEIRS + "%") == {THEIRS + "Work"}
    assert theirs(bob, "*2024") == {THEIRS + "Work/2024"}
    assert not listed(bob, "Work*")
    assert not theirs(worker.client(EVE), "*Work*")
    # r is enough to read what is not listed.
    bob.ok(f'SELECT "{THEIRS}Old"')
    assert "NONEXISTENT" in bob.no(f'SELECT "{THEIRS}Hidden"')


@pytest.mark.parametrize("name", [
    "Other Users/", f"Other Users/{ALICE}", THEIRS, THEIRS + "Work.2024", THEIRS + "../x", THEIRS + "Work//2024",
    "Other Users/../etc/passwd", "Other Users/..@example.test/INBOX", "Other Users/alice@../INBOX",
    "Other Users/alice@example.test/../bob/INBOX", f"Other Users/{BOB}/INBOX", "Other Users/nobody@x.test/INBOX",
    "Other Users/@/INBOX", "Other Users/&AC8-@x.test/INBOX", "Other Users/&AAA-@x.test/INBOX", "Shared/", "Shared/x",
])
def test_names_that_are_none(worker, alice, bob, name):
    share(alice, "Work.2024", "anyone", "lr")
    for command in ("SELECT {}", "STATUS {} (MESSAGES)", "GETACL {}", "MYRIGHTS {}", "SETACL {} anyone l",
                    "DELETE {}", "GETMETADATA {} /shared/comment", "SUBSCRIBE {}", "GETQUOTAROOT {}",
                    "RENAME {} x"):
        assert "NONEXISTENT" in bob.no(command.format(f'"{name}"')), command
    bob.no(f'CREATE "{name}"')
    assert not os.path.exists(os.path.join(worker.root, "x.test"))


def test_a_name_that_may_not_be_seen_is_like_one_that_is_not_there(alice, bob):
    alice.ok("CREATE There")
    share(alice, "Seen", BOB, "l")
    for command in ("SELECT {}", "EXAMINE {}", "STATUS {} (MESSAGES)", "GETACL {}", "MYRIGHTS {}",
                    f"SETACL {{}} {BOB} lr", f"DELETEACL {{}} {BOB}", f"LISTRIGHTS {{}} {BOB}", "DELETE {}",
                    "RENAME {} " + f'"{THEIRS}New"', "GETMETADATA {} /shared/comment",
                    'SETMETADATA {} (/shared/comment "x")', "CREATE {}.x", "SUBSCRIBE {}", "GETQUOTAROOT {}"):
        there, nowhere, seen = (re.sub(r"^\S+ ", "", bob.do(command.format(f'"{THEIRS}{n}"'))[1])
                                for n in ("There", "Nowhere", "Seen"))
        assert there == nowhere, command
        if command.split()[0] not in ("MYRIGHTS", "SUBSCRIBE", "CREATE"):
            assert "NOPERM" in seen, command
    for n in ("There", "Nowhere"):
        text = bob.do(f'APPEND "{THEIRS}{n}" {{3+}}\r\na: ')[1]
        assert "NONEXISTENT" in text


def test_public_mailboxes(worker, bob):
    public = worker.client(PUBLIC)
    share(public, "News.Local", "anyone", "lr")
    share(public, "INBOX", BOB, "lrp")
    put(public, "News.Local")
    assert theirs(bob) == {"Shared/News", "Shared/News/Local", "Shared/INBOX"}
    assert theirs(worker.client(EVE)) == {"Shared/News", "Shared/News/Local"}
    assert not theirs(public)
    bob.ok('SELECT "Shared/News/Local"')
    assert bob.ok("FETCH 1 BODY[HEADER.FIELDS (SUBJECT)]")[0].startswith("* 1 FETCH")
    assert "NONEXISTENT" in bob.no("SELECT Shared/News")
    assert "NOPERM" in bob.no("CREATE Shared.x")


def test_subscriptions_to_others(worker, alice, bob):
    share(alice, "Work.2024", BOB, "lr")
    name = THEIRS + "Work/2024"
    bob.ok(f'SUBSCRIBE "{name}"')
    bob.ok("SUBSCRIBE INBOX")
    bob = worker.client(BOB)
    assert theirs(bob, command="LSUB") == {name}
    assert "\\Subscribed" in listed(bob, "*", more=" RETURN (SUBSCRIBED)")[name][0]
    assert "/" in listed(bob, "%", command="LSUB")["Other Users"][1]
    alice.ok("DELETE Work.2024")
    assert listed(bob, command='LIST (SUBSCRIBED)')[name][0] >= {"\\NonExistent", "\\Subscribed"}
    bob.ok(f'UNSUBSCRIBE "{name}"')
    assert not theirs(bob, command="LSUB")


def test_list_with_rights_and_status(alice, bob):
    share(alice, "Work", BOB, "lr")
    share(alice, "Blind", BOB, "l")
    lines = bob.ok('LIST "" "*" RETURN (MYRIGHTS STATUS (MESSAGES))')
    assert f'* MYRIGHTS INBOX {ALL}' in lines
    assert f'* MYRIGHTS "{THEIRS}Work" lr' in lines
    assert f'* MYRIGHTS "{THEIRS}Blind" l' in lines
    assert f'* STATUS "{THEIRS}Work" (MESSAGES 0)' in lines
    assert not [x for x in lines if x.startswith(f'* STATUS "{THEIRS}Blind"')]
    assert not [x for x in lines if x.startswith('* MYRIGHTS "Other Users" ')]


def test_utf8_names_of_others(alice, bob):
    alice.ok("CREATE &AOk-t&AOk-")
    share(alice, "&AOk-t&AOk-.a", BOB, "lr")
    bob.ok("ENABLE IMAP4rev2")
    lines = [x.encode("utf-8", "surrogateescape").decode() for x in bob.ok('LIST "" "*"')]
    assert f'* LIST (\\HasNoChildren) "/" "{THEIRS}été/a"' in lines
    bob.ok(f'SELECT "{THEIRS}été/a"')


# ---- rights, command by command ---------------------------------------------

def box_with(alice, rights, flags_="(\\Seen \\Deleted \\Flagged $x)"):
    share(alice, "Box", BOB, "lr")
    put(alice, "Box", flags_)
    put(alice, "Box")
    alice.ok(f'SETACL Box {BOB} "{rights}"')
    return THEIRS + "Box"


@pytest.mark.parametrize("rights, code, permanent", [
    ("lr", "READ-ONLY", set()), ("r", "READ-ONLY", set()), ("lri", "READ-WRITE", set()),
    ("lrs", "READ-WRITE", {"\\Seen"}), ("lrt", "READ-WRITE", {"\\Deleted"}), ("lre", "READ-WRITE", set()),
    ("lrw", "READ-WRITE", {"\\Answered", "\\Flagged", "\\Draft", "$x", "$Forwarded", "\\*"}),
])
def test_select(alice, bob, rights, code, permanent):
    name = box_with(alice, rights)
    untagged = bob.ok(f'SELECT "{name}"')
    assert bob.last.startswith(f"OK [{code}]")
    told, = (re.search(r"PERMANENTFLAGS \(([^)]*)\)", x)[1] for x in untagged if "PERMANENTFLAGS" in x)
    assert set(told.split()) == permanent


@pytest.mark.parametrize("rights", ["l", "lswitpekxa", ""])
def test_without_the_right_to_read(alice, bob, rights):
    name = box_with(alice, rights)
    code = "NOPERM" if "l" in rights else "NONEXISTENT"
    for command in ("SELECT", "EXAMINE", "STATUS"):
        assert code in bob.no(f'{command} "{name}"' + (" (UNSEEN)" if command == "STATUS" else ""))


def test_store(alice, bob):
    name = box_with(alice, "lrw", "()")
    bob.ok(f'SELECT "{name}"')
    bob.ok("STORE 1 +FLAGS (\\Seen \\Flagged \\Deleted $new)")
    assert flags(alice, "Box")[0] == {"\\Flagged", "$new"}
    assert "NOPERM" in bob.no("STORE 1 +FLAGS (\\Seen)")
    assert "NOPERM" in bob.no("STORE 1 -FLAGS (\\Deleted)")
    bob.ok("STORE 1 +FLAGS ()")
    alice.ok("SELECT Box")
    alice.ok("STORE 1 FLAGS (\\Seen \\Deleted $a)")
    bob.ok("STORE 1 FLAGS (\\Answered)")
    assert flags(alice, "Box")[0] == {"\\Seen", "\\Deleted", "\\Answered"}
    alice.ok(f"SETACL Box {BOB} lrs")
    bob.ok("STORE 1 FLAGS ($b)")
    assert flags(alice, "Box")[0] == {"\\Deleted", "\\Answered"}
    alice.ok(f"SETACL Box {BOB} lri")
    assert "NOPERM" in bob.no("STORE 1 FLAGS ($b)")


def test_fetch_sets_seen_only_with_the_right(alice, bob):
    name = box_with(alice, "lrw", "()")
    bob.ok(f'SELECT "{name}"')
    bob.ok("FETCH 1 BODY[]")
    assert "\\Seen" not in flags(alice, "Box")[0]
    alice.ok(f"SETACL Box {BOB} lrs")
    bob.ok("FETCH 1 BODY[]")
    assert "\\Seen" in flags(alice, "Box")[0]


def test_expunge_and_close(alice, bob):
    name = box_with(alice, "lrt")
    bob.ok(f'SELECT "{name}"')
    assert "NOPERM" in bob.no("EXPUNGE")
    assert "NOPERM" in bob.no("UID EXPUNGE 1:*")
    bob.ok("CLOSE")
    assert len(flags(alice, "Box")) == 2
    alice.ok(f"SETACL Box {BOB} lre")
    bob.ok(f'SELECT "{name}"')
    assert bob.ok("EXPUNGE") == ["* 1 EXPUNGE"]
    assert len(flags(alice, "Box")) == 1


@pytest.mark.parametrize("rights, kept", [
    ("i", set()), ("is", {"\\Seen"}), ("it", {"\\Deleted"}), ("iw", {"\\Flagged", "$x", "$Forwarded"}),
    ("iwst", {"\\Seen", "\\Deleted", "\\Flagged", "$x", "$Forwarded"}),
])
def test_append_and_copy_keep_the_flags_that_are_allowed(alice, bob, rights, kept):
    name = box_with(alice, rights, "()")
    all_flags = "(\\Seen \\Deleted \\Flagged $x $Forwarded)"
    put(bob, f'"{name}"', all_flags)
    put(bob, "INBOX", all_flags)
    bob.ok("SELECT INBOX")
    bob.ok(f'COPY 1 "{name}"')
    assert re.match(r"OK \[COPYUID \d+ 1 4\]", bob.last)
    assert flags(alice, "Box")[2:] == [kept, kept]
    # What was not allowed is no keyword of the mailbox.
    assert ("$x" in " ".join(alice.ok("SELECT Box"))) == ("w" in rights)


def test_without_the_right_to_insert(alice, bob):
    name = box_with(alice, "lrswtek")
    put(bob, "INBOX")
    bob.ok("SELECT INBOX")
    for command in (f'COPY 1 "{name}"', f'MOVE 1 "{name}"'):
        assert "NOPERM" in bob.no(command)
    assert "NOPERM" in bob.do(f'APPEND "{name}" ', (LETTER, ""))[1]
    assert "NOPERM" in bob.do(f'REPLACE 1 "{name}" ', (LETTER, ""))[1]
    assert len(flags(alice, "Box")) == 2
    assert len(flags(bob, "INBOX")) == 1


def test_create_inherits(worker, alice, bob):
    share(alice, "Box", BOB, "lrk")
    bob.ok(f'CREATE "{THEIRS}Box/New/"')
    assert mine(bob, THEIRS + "Box/New") == "lrkc"
    assert mine(alice, "Box.New") == ALL
    bob.ok(f'CREATE "{THEIRS}Box/Gap/Below"')
    assert mine(bob, THEIRS + "Box/Gap/Below") == "lrkc"
    assert "ALREADYEXISTS" in bob.no(f'CREATE "{THEIRS}Box/New"')
    assert "NOPERM" in bob.no(f'CREATE "{THEIRS}Top"')
    assert "NOPERM" in bob.no('CREATE "Other Users.x"')
    alice.ok(f"SETACL Box {BOB} lr")
    assert "NOPERM" in bob.no(f'CREATE "{THEIRS}Box/More"')
    alice.ok("CREATE Box.Own")
    assert mine(bob, THEIRS + "Box/Own") == "lr"
    alice.ok(f"SETACL Box {ALICE} lr")
    assert "NOPERM" in alice.no("CREATE Box.Mine")


def test_delete_and_rename(worker, alice, bob):
    share(alice, "Box", BOB, "lrk")
    share(alice, "Box.A", BOB, "lr")
    assert "NOPERM" in bob.no(f'DELETE "{THEIRS}Box/A"')
    assert "NOPERM" in bob.no(f'RENAME "{THEIRS}Box/A" "{THEIRS}Box/B"')
    alice.ok(f"SETACL Box.A {BOB} lrx")
    assert "NOPERM" in bob.no(f'RENAME "{THEIRS}Box/A" "{THEIRS}B"')
    assert "CANNOT" in bob.no(f'RENAME "{THEIRS}Box/A" Mine')
    bob.ok(f'RENAME "{THEIRS}Box/A" "{THEIRS}Box/B"')
    assert mine(bob, THEIRS + "Box/B") == "lrxc"
    bob.ok(f'DELETE "{THEIRS}Box/B"')
    alice.ok("CREATE Box.B")
    assert mine(bob, THEIRS + "Box/B") == "lrkc", "the parent's rights, not those of before"
    share(alice, "INBOX", BOB, "lrx")
    assert "CANNOT" in bob.no(f'DELETE "{THEIRS}INBOX"')
    assert "CANNOT" in bob.no(f'RENAME "{THEIRS}INBOX" "{THEIRS}Box/In"')


def test_delete_of_the_selected_mailbox(alice, bob):
    share(alice, "Box", BOB, "lrx")
    bob.ok(f'SELECT "{THEIRS}Box"')
    assert "* OK [CLOSED] The mailbox is gone." in bob.ok(f'DELETE "{THEIRS}Box"')
    bob.bad("FETCH 1:* FLAGS")


def test_acl_commands_need_administration(alice, bob):
    share(alice, "Box", BOB, "lrswitekx")
    for command in ("GETACL {}", f"SETACL {{}} {EVE} l", f"DELETEACL {{}} {BOB}", f"LISTRIGHTS {{}} {EVE}"):
        assert "NOPERM" in bob.no(command.format(f'"{THEIRS}Box"'))
    alice.ok(f"SETACL Box {BOB} a")
    bob.ok(f'SETACL "{THEIRS}Box" {EVE} lr')
    bob.ok(f'SETACL "{THEIRS}Box" {BOB} ""')
    assert alice.ok("GETACL Box") == [f'* ACL Box {EVE} lr {BOB} "" {ALICE} {ALL}']
    assert "NONEXISTENT" in bob.no(f'GETACL "{THEIRS}Box"')


def test_metadata(alice, bob):
    share(alice, "Box", BOB, "lr")
    alice.ok('SETMETADATA Box (/shared/comment "all" /private/comment "me")')
    assert bob.ok(f'GETMETADATA "{THEIRS}Box" (/shared/comment /private/comment)') == [
        f'* METADATA "{THEIRS}Box" (/shared/comment "all" /private/comment NIL)']
    bob.ok(f'SETMETADATA "{THEIRS}Box" (/shared/comment "bob")')
    assert "NOPERM" in bob.no(f'SETMETADATA "{THEIRS}Box" (/private/comment "bob")')
    assert alice.ok("GETMETADATA Box (/shared/comment /private/comment)") == [
        '* METADATA Box (/shared/comment "bob" /private/comment "me")']
    alice.ok(f"SETACL Box {BOB} lk")
    assert "NOPERM" in bob.no(f'GETMETADATA "{THEIRS}Box" /shared/comment')
    lines = bob.ok('LIST "" "Other*" RETURN (METADATA (/shared/comment))')
    assert not [x for x in lines if x.startswith("* METADATA")]


def test_esearch_passes_over_what_may_not_be_read(alice, bob):
    share(alice, "Box", BOB, "lr")
    share(alice, "Blind", BOB, "l")
    for name in ("Box", "Blind"):
        put(alice, name)
    put(bob, "INBOX")
    lines = bob.ok(f'ESEARCH IN (subtree "Other Users" mailboxes (INBOX "{THEIRS}Nowhere")) SUBJECT hello')
    assert [re.search(r'MAILBOX ("[^"]*"|\S+)', x)[1] for x in lines] == ["INBOX", f'"{THEIRS}Box"']
    assert [re.search(r"MAILBOX (\S+)", x)[1] for x in bob.ok("ESEARCH IN (personal) ALL")] == ["INBOX"]
    bob.ok(f'SELECT "{THEIRS}Box"')
    lines = bob.ok("ESEARCH IN (selected) ALL")
    assert f'MAILBOX "{THEIRS}Box"' in lines[0]


def test_catenate(alice, bob):
    share(alice, "Box", BOB, "lr")
    put(alice, "Box")
    url = f"/{THEIRS.replace(' ', '%20')}Box/;UID=1"
    bob.ok(f'APPEND INBOX CATENATE (URL "{url}")')
    alice.ok(f"SETACL Box {BOB} l")
    assert "BADURL" in bob.no(f'APPEND INBOX CATENATE (URL "{url}")')


# ---- between two users ------------------------------------------------------

def files(worker, user, folder):
    base = Path(worker.maildir(user), folder)
    return [p for place in ("cur", "new") for p in (base / place).iterdir()]


def test_copy_to_another_user_shares_the_body(worker, alice, bob):
    share(alice, "Box", BOB, "lrswit")
    bob.ok("CREATE Mine")
    for i in range(3):
        put(bob, "Mine", "(\\Flagged $k)" if i == 1 else "")
    put(alice, "Box")
    bob.ok("SELECT Mine")
    bob.ok(f'COPY 1,3 "{THEIRS}Box"')
    assert re.match(r"OK \[COPYUID \d+ 1,3 2:3\]", bob.last)
    bob.ok(f'UID COPY 2 "{THEIRS}Box"')
    assert flags(alice, "Box") == [set(), set(), set(), {"\\Flagged", "$k"}]
    assert {p.stat().st_ino for p in files(worker, BOB, ".Mine")} < \
        {p.stat().st_ino for p in files(worker, ALICE, ".Box")}
    fetched = alice.ok("FETCH 4 (ENVELOPE BODYSTRUCTURE RFC822.SIZE BODY[])")[0]
    assert "hello" in fetched and f"RFC822.SIZE {len(LETTER)} " in fetched and LETTER in fetched
    bob.ok(f'COPY 1 "{THEIRS}Box"')
    bob.ok(f'UID COPY 99 "{THEIRS}Box"')
    # And the other way.
    bob.ok(f'SELECT "{THEIRS}Box"')
    bob.ok("COPY 1:* Mine")
    assert len(files(worker, BOB, ".Mine")) == 8


def test_move_between_users(worker, alice, bob):
    share(alice, "Box", BOB, "lrswi")
    put(alice, "Box", "(\\Seen)")
    put(bob, "INBOX", "(\\Flagged)")
    bob.ok("SELECT INBOX")
    lines = bob.ok(f'MOVE 1 "{THEIRS}Box"')
    assert lines[0].startswith("* OK [COPYUID ") and "* 1 EXPUNGE" in lines
    assert flags(alice, "Box") == [{"\\Seen"}, {"\\Flagged"}]
    bob.ok(f'SELECT "{THEIRS}Box"')
    assert "NOPERM" in bob.no("MOVE 1 INBOX")
    alice.ok(f"SETACL Box {BOB} lrswite")
    assert bob.ok("MOVE 1 INBOX")[-1] == "* 1 EXPUNGE"
    assert flags(bob, "INBOX") == [{"\\Seen"}]
    assert len(flags(alice, "Box")) == 1


def test_replace_between_users(alice, bob):
    share(alice, "Box", BOB, "lrswite")
    put(bob, "Drafts")
    bob.ok("SELECT Drafts")
    untagged, text = bob.do(f'REPLACE 1 "{THEIRS}Box" ', (LETTER + "more\r\n", ""))
    assert text.startswith("OK") and "* 1 EXPUNGE" in untagged
    assert len(flags(alice, "Box")) == 1 and not flags(bob, "Drafts")
    bob.ok(f'SELECT "{THEIRS}Box"')
    assert bob.do("REPLACE 1 INBOX ", (LETTER, ""))[1].startswith("OK")
    assert len(flags(bob, "INBOX")) == 1 and not flags(alice, "Box")


def test_the_owners_quota_counts(worker, alice, bob):
    share(alice, "Box", BOB, "lri")
    worker.auth.quota = (0, 2)
    for i in range(2):
        put(bob, "INBOX")
    bob.ok("SELECT INBOX")
    bob.ok(f'COPY 1 "{THEIRS}Box"')
    assert bob.ok(f'GETQUOTAROOT "{THEIRS}Box"') == [
        f'* QUOTAROOT "{THEIRS}Box" "User quota of {ALICE}"', f'* QUOTA "User quota of {ALICE}" (MESSAGE 1 2)']
    assert bob.ok(f'GETQUOTA "User quota of {ALICE}"') == [f'* QUOTA "User quota of {ALICE}" (MESSAGE 1 2)']
    for name in (EVE, BOB, "", "../x@y", "nobody@example.test"):
        assert "NONEXISTENT" in bob.no(f'GETQUOTA "User quota of {name}"')
    assert "OVERQUOTA" in bob.no(f'COPY 1:2 "{THEIRS}Box"')
    assert len(files(worker, ALICE, ".Box")) == 1
    assert not list(Path(worker.maildir(ALICE), ".Box", "tmp").iterdir())
    put(bob, f'"{THEIRS}Box"')
    assert "OVERQUOTA" in bob.do(f'APPEND "{THEIRS}Box" ', (LETTER, ""))[1]
    assert worker.auth.held[ALICE][1] == 2
    alice.ok(f"SETACL Box {BOB} l")
    assert "NOPERM" in bob.no(f'GETQUOTAROOT "{THEIRS}Box"')


def test_an_account_that_is_gone_shares_nothing(worker, alice, bob):
    share(alice, "Box", BOB, "lr")
    worker.auth.gone.add(ALICE)
    assert "NONEXISTENT" in bob.no(f'SELECT "{THEIRS}Box"')
    assert not theirs(bob)


# ---- sessions ---------------------------------------------------------------

def test_the_owner_sees_it_at_once(worker, alice, bob):
    share(alice, "Box", BOB, "lrswit")
    alice.ok("SELECT Box")
    alice.send("i IDLE\r\n")
    assert alice.line() == "+ idling"
    put(bob, f'"{THEIRS}Box"')
    start = time.monotonic()
    assert alice.line() == "* 1 EXISTS"
    assert time.monotonic() - start < 2
    alice.line()
    bob.ok(f'SELECT "{THEIRS}Box"')
    bob.ok("STORE 1 +FLAGS (\\Seen)")
    while "\\Seen" not in alice.line():
        pass
    alice.send("DONE\r\n")
    alice.until("i")
    alice.ok("STORE 1 +FLAGS (\\Flagged)")
    assert "\\Flagged" in bob.ok("NOOP")[0]


def test_rights_that_are_taken_away(alice, bob):
    name = box_with(alice, "lrswite")
    bob.ok(f'SELECT "{name}"')
    alice.ok(f"SETACL Box {BOB} lrs")
    lines = bob.ok("NOOP")
    assert [x for x in lines if "PERMANENTFLAGS (\\Seen)" in x]
    assert not bob.ok("NOOP")
    alice.ok(f"SETACL Box {BOB} l")
    put(alice, "Box")
    for command in ("FETCH 1 FLAGS", "SEARCH ALL", "STORE 1 +FLAGS (\\Seen)", "EXPUNGE", "COPY 1 INBOX",
                    "SORT (DATE) UTF-8 ALL", "THREAD REFS UTF-8 ALL", "CHECK", "UID FETCH 1:* BODY[]"):
        untagged, text = bob.do(command)
        assert text.startswith("NO [NOPERM]") and not untagged, command
    assert not bob.ok("NOOP")
    assert "NOPERM" in bob.do("REPLACE 1 INBOX ", (LETTER, ""))[1]
    assert "BADURL" in bob.no('APPEND INBOX CATENATE (URL ";UID=1")')
    alice.ok(f"SETACL Box {BOB} lr")
    assert "* 3 EXISTS" in bob.ok("NOOP")
    alice.ok(f"DELETEACL Box {BOB}")
    bob.ok("CLOSE")
    bob.ok("SELECT INBOX")


def test_in_idle_nothing_is_told_any_more(alice, bob):
    name = box_with(alice, "lr")
    bob.ok(f'SELECT "{name}"')
    bob.send("i IDLE\r\n")
    assert bob.line() == "+ idling"
    alice.ok(f"DELETEACL Box {BOB}")
    put(alice, "Box")
    time.sleep(0.3)
    bob.send("DONE\r\n")
    assert bob.until("i")[0] == []


def test_a_rename_by_the_owner_keeps_the_selected_mailbox(alice, bob):
    name = box_with(alice, "lrs")
    bob.ok(f'SELECT "{name}"')
    alice.ok("RENAME Box Crate")
    assert "FLAGS" in bob.ok("FETCH 1 FLAGS")[0]
    alice.ok("DELETE Crate")
    with pytest.raises(EOFError):
        for i in range(3):
            bob.do("NOOP")


def heard(c, until, seconds=5):
    """Lines that come by themselves, up to one that contains until."""
    lines, deadline = [], time.monotonic() + seconds
    c.sock.settimeout(0.5)
    while time.monotonic() < deadline and not any(until in x for x in lines):
        try:
            lines.append(c.line())
        except TimeoutError:
            pass
    c.sock.settimeout(120)
    assert any(until in x for x in lines), (until, lines)
    return lines


def test_notify_tells_nothing_of_unreadable_mailboxes(worker, alice):
    alice.ok("CREATE Quiet")
    alice.ok(f"SETACL Quiet {ALICE} la")
    lines = alice.ok("NOTIFY SET STATUS (personal (MessageNew MessageExpunge))")
    assert [x for x in lines if x.startswith("* LIST") and "Quiet" in x] == [
        '* LIST (\\HasNoChildren \\NoAccess) "." Quiet']
    assert not [x for x in lines if x.startswith("* STATUS Quiet")]
    other = worker.client(ALICE)
    other.ok("CREATE Loud")
    folder = Path(worker.maildir(ALICE))
    for name in (".Quiet", ".Loud"):
        (folder / name / "new" / f"1.{name}.x").write_text("Subject: x\n\nx\n")
    assert not [x for x in heard(alice, "STATUS Loud") if "Quiet" in x]
    other.ok(f"DELETEACL Quiet {ALICE}")
    put(other, "Loud")
    lines = heard(alice, "STATUS Quiet")
    assert '* LIST (\\HasNoChildren) "." Quiet' in lines


def test_notify_of_other_users_mailboxes(worker, alice, bob):
    share(alice, "Box.Sub", BOB, "lr")
    share(alice, "Blind", BOB, "l")
    share(alice, "Hidden", EVE, "lr")
    name = f'"{THEIRS}Box/Sub"'
    lines = bob.ok(f'NOTIFY SET STATUS (personal (MessageNew MessageExpunge)) '
                   f'(subtree "Other Users" (MessageNew MessageExpunge FlagChange MailboxName))')
    assert [x for x in lines if x.startswith(f"* STATUS {name}")]
    assert f'* LIST (\\HasNoChildren \\NoAccess) "/" "{THEIRS}Blind"' in lines
    assert "Hidden" not in str(lines)
    put(alice, "Box.Sub")
    put(alice, "Hidden")
    assert "MESSAGES 1" in heard(bob, f"STATUS {name}")[-1]
    alice.ok("SELECT Box.Sub")
    alice.ok("STORE 1 +FLAGS (\\Seen)")
    assert "UNSEEN 0" in heard(bob, f"STATUS {name}")[-1]
    bob.ok(f"SELECT {name}")
    alice.ok(f"SETACL Box.Sub {BOB} l")
    put(alice, "Box.Sub")
    time.sleep(0.3)
    bob.ok("CLOSE")
    put(alice, "Box.Sub")
    assert "\\NoAccess" in heard(bob, f'"/" {name}')[-1]
    alice.ok(f"DELETEACL Box.Sub {BOB}")
    worker.client(BOB).ok("CREATE Mine")  # a reason to look
    assert "\\NonExistent" in heard(bob, f'"/" {name}')[-1]


# ---- files ------------------------------------------------------------------

def test_a_damaged_file(worker, alice, bob):
    share(alice, "Box", BOB, "lr")
    path = Path(worker.maildir(ALICE), ".Box", "dovecot-acl")
    path.write_text("anyone lr\nnonsense here\n")
    assert mine(bob, THEIRS + "Box") == "NONEXISTENT"
    assert mine(alice, "Box") == ALL
    assert "CORRUPTION" in alice.no("GETACL Box")
    path.unlink()
    assert mine(bob, THEIRS + "Box") == "NONEXISTENT"
    alice.ok(f"SETACL Box {BOB} lr")
    assert mine(bob, THEIRS + "Box") == "lr"


def test_lines_that_are_not_ours_are_kept(worker, alice, bob):
    alice.ok("CREATE Box")
    path = Path(worker.maildir(ALICE), ".Box", "dovecot-acl")
    path.write_text("# by hand\ngroup=staff lrs\nanyone l :read\n")
    (path.parent.parent / "dovecot-acl-list").write_text("1 Box\n")
    assert mine(bob, THEIRS + "Box") == "lr"
    alice.ok(f"SETACL Box {BOB} lrs")
    assert path.read_text() == f"# by hand\ngroup=staff lrs\nanyone l :read\nuser={BOB} lrs\n"
    assert alice.ok("GETACL Box") == [f"* ACL Box anyone lr {BOB} lrs {ALICE} {ALL}"]
    assert not (path.parent.parent / "dovecot-acl-list").exists()


def test_the_list_of_shares_is_rebuilt(tmp_path, worker, alice, bob):
    share(alice, "Box", BOB, "lr")
    assert THEIRS + "Box" in theirs(bob)
    index = Path(worker.root, "pillarbox-shares")
    assert f"{BOB}\t{ALICE}\n" in index.read_text()
    worker.stop()
    index.unlink()
    with ImapWorker(worker.root, {"enable_quotas": "1"}) as w:
        assert THEIRS + "Box" in theirs(w.client(BOB))
        assert w.client(BOB).ok("NAMESPACE") == ['* NAMESPACE (("" ".")) (("Other Users/" "/")) NIL']
