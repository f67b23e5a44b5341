"""Mail folders that a real Dovecot made are taken over without a client having
to download anything again, and given back the same way."""

import imaplib
import random
import time

import pytest
from dovecot import Dovecot, everything, quoted

USER = "old@example.test"
FLAGS = ["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft"]
FOLDERS = ["INBOX", "Archive", "Archive.2024.Q1", "Entw&APw-rfe", "INBOX.spam", "Sent",
           "Dollar $ (and) [more]", "R&-D", "&BBAEMQ-.&ZeVnLIqe-"]


def date(n):
    return imaplib.Time2Internaldate(1000000000 + n * 86413)


def text(name, n, lines):
    return (f"From: a{n}@b.test\r\nSubject: {name} {n}\r\nMessage-ID: <{n}@b.test>\r\n\r\n"
            + f"line {n}\r\n" * lines).encode()


def populate(c):
    """Every kind of thing Dovecot keeps for a mailbox."""
    rnd = random.Random(7)
    for name in FOLDERS:
        if name not in ("INBOX", "Sent"):
            assert c.create(quoted(name))[0] == "OK", name
        for n in range(12):
            flags = " ".join(rnd.sample(FLAGS[:3], rnd.randrange(3)) +
                             rnd.sample(["$Label1", "Work", "$Forwarded", "NonJunk"], rnd.randrange(3)))
            c.append(quoted(name), f"({flags})", date(n * 31 + len(name)), text(name, n, 1 + n * 7))
        c.select(quoted(name))
        for gap in (3, 7, 12):  # a hole at the end too: the UID must not come back
            c.uid("STORE", str(gap), "+FLAGS", "(\\Deleted)")
        c.expunge()
        c.uid("STORE", "5", "+FLAGS", "(\\Deleted late-one)")
        c.unselect()
    # as many keywords as file names have letters for
    assert c.create("many")[0] == "OK"
    for n in range(26):
        c.append("many", f"(keyword{n} \\Seen)", date(n), text("many", n, 2))
    for name in ("Archive.2024.Q1", "Entw&APw-rfe", "gone.long.ago", "R&-D"):
        c.subscribe(quoted(name))
    # appended later: the next UID in the first line of dovecot-uidlist is old then
    c.append("Archive", "(\\Flagged)", date(900), text("later", 1, 3))
    c.append("Archive", "", date(901), text("later", 2, 3))


def compare(before, after):
    assert after["subscribed"] == before["subscribed"]
    for name, (validity, messages) in before["folders"].items():
        assert name in after["folders"], name
        assert after["folders"][name][0] == validity or not messages, f"UIDVALIDITY of {name}"
        have = after["folders"][name][1]
        assert list(have) == list(messages), f"UIDs of {name}"
        for uid, message in messages.items():
            assert have[uid] == message, f"{name} {uid}"
        if messages:
            assert after["uidnext"][name] == before["uidnext"][name], name


@pytest.fixture
def made(tmp_path):
    """A stack that is stopped, and what Dovecot says of the mail in it."""
    from stack import Stack
    stack = Stack(tmp_path)
    with Dovecot(tmp_path / "dovecot", stack.dir / "mail") as d:
        with d.imap(USER) as c:
            populate(c)
        with d.imap(USER) as c:
            before = everything(c)
    stack.start()
    stack.add_account(USER, "secret")
    time.sleep(0.3)
    yield stack, before
    stack.stop()


def test_a_maildir_of_dovecot_is_taken_over(made):
    stack, before = made
    assert sum(len(m) for _, m in before["folders"].values()) > 100
    with stack.imap(USER, "secret") as c:
        compare(before, everything(c))
        # and again, from the index
        compare(before, everything(c))


def test_check_tells_what_will_be_taken_over_and_changes_nothing(made):
    stack, before = made
    root = stack.maildir(USER)
    stack.stop()

    def tree():
        return {p: (p.lstat().st_mtime_ns, p.lstat().st_size) for p in root.rglob("*")}
    was = tree()
    r = stack.setup("migrate", "check", USER)
    folders = {line.split("  ")[2].strip(): line for line in r.stdout.splitlines()
               if line.startswith("    ") and " messages (" in line}
    for name, (_, messages) in before["folders"].items():
        if messages:
            assert f" {len(messages)} messages (" in folders[name]
            assert f" {len(messages)} keep their UIDs" in folders[name]
    assert "all 26 letters" in r.stdout
    # what cannot be kept
    cur = root / "cur"
    (cur / "1.encrypted,S=5:2,").write_bytes(b"CRYPTED\x03\x07\x02rest")
    (cur / "link").symlink_to("/etc/passwd")
    with (root / "dovecot-uidlist").open("a") as f:
        f.write("rubbish\n\n77\n")
    (root / "mailboxes").mkdir()
    was = tree()
    r = stack.setup("migrate", "check", check=False)
    assert r.returncode == 1
    for text in ("1 messages are encrypted", "3 lines of dovecot-uidlist", "1 links, folders",
                 "dbox", "1 messages are new"):
        assert text in r.stdout, (text, r.stdout)
    assert tree() == was
    stack.start()


def test_mail_goes_back_to_dovecot_and_comes_again(made, tmp_path):
    stack, before = made
    assert "running" in stack.setup("migrate", "back", check=False).stderr
    with stack.imap(USER, "secret") as c:
        everything(c)
        for n in range(5):
            c.append("Archive", "($Forwarded fresh)" if n % 2 else "(\\Seen)", date(2000 + n),
                     text("ours", n, 40))
        c.create("Made.By.Us")
        c.subscribe("Made.By.Us")
        c.append("Made.By.Us", "($Forwarded \\Answered)", date(1), text("ours", 9, 1))
        c.select("INBOX")
        c.uid("STORE", "1:4", "+FLAGS", "(fresh \\Seen)")
        c.uid("STORE", "5", "-FLAGS", "(late-one)")
        c.uid("COPY", "1:4", "Archive")
        c.uid("STORE", "2", "+FLAGS", "(\\Deleted)")
        c.expunge()
        c.unselect()
    with stack.smtp() as c:
        c.sendmail("a@b.test", [USER], "Subject: new\r\n\r\nnew\r\n")
    with stack.imap(USER, "secret") as c:
        ours = everything(c)
    stack.stop()
    assert "messages" in stack.setup("migrate", "back", USER).stdout
    assert not list(stack.maildir(USER).glob("pillarbox.db*"))
    with Dovecot(tmp_path / "again", stack.dir / "mail") as d:
        with d.imap(USER) as c:
            compare(ours, everything(c))
            # and on, in Dovecot
            c.append("Archive", "(fresh)", date(3000), text("theirs", 1, 9))
            c.select("Archive")
            c.uid("COPY", "1:6", "INBOX")
            c.uid("STORE", "2,13", "+FLAGS", "(\\Deleted)")
            c.expunge()
            c.uid("STORE", "14", "FLAGS", "(\\Draft another)")
            c.create("Made.By.Them")
            c.append("Made.By.Them", "", date(4), text("theirs", 2, 9))
            c.delete("Made.By.Us")
            c.unselect()
        with d.imap(USER) as c:
            theirs = everything(c)
    stack.start()
    time.sleep(0.3)
    with stack.imap(USER, "secret") as c:
        compare(theirs, everything(c))


@pytest.mark.parametrize("method", ["gz", "zstd", "bz2"])
def test_mail_that_dovecot_compressed_is_read(tmp_path, method):
    from stack import Stack
    stack = Stack(tmp_path)
    with Dovecot(tmp_path / "dovecot", stack.dir / "mail", plugins="zlib",
                 more=f"plugin {{\n  zlib_save = {method}\n}}\n") as d:
        with d.imap(USER) as c:
            for n in range(4):
                c.append("INBOX", "(\\Seen)", date(n), text(method, n, 1 + 5000 * n))
        with d.imap(USER) as c:
            before = everything(c)
    files = sorted(stack.maildir(USER).glob("cur/*"))
    assert all(p.stat().st_size != int(p.name.split("S=")[1].split(",")[0]) for p in files)
    # one whose name does not tell sizes
    files[0].rename(files[0].with_name("1000000000.nosize.host:2,S"))
    stack.start()
    stack.add_account(USER, "secret")
    time.sleep(0.3)
    with stack.imap(USER, "secret") as c:
        if method == "bz2":
            c.select("INBOX")
            assert c.uid("FETCH", "2", "(BODY.PEEK[])")[0] == "NO"
        else:
            have = sorted(m[1:] for m in everything(c)["folders"]["INBOX"][1].values())
            assert have == sorted(m[1:] for m in before["folders"]["INBOX"][1].values())
    stack.stop()
