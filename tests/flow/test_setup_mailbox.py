"""setup mailbox: beside the running stack and without it, files in and out."""

import imaplib
import mailbox
import os
import pty
import re
import shutil
import stat
import subprocess
import time

import pytest
from stack import wait_for

USER = "box@example.test"


@pytest.fixture
def box(shared_stack):
    """A fresh account with some mail, and the stack it is on."""
    s = shared_stack
    s.setup("email", "del", "-y", USER, check=False)
    s.add_account(USER, "pw")
    wait_for(lambda: works(s), what="account")
    with s.imap(USER, "pw") as c:
        c.append("INBOX", r"(\Seen)", imaplib.Time2Internaldate(1500000000), text("one"))
        c.append("INBOX", r"(\Flagged \Answered work $Forwarded)", imaplib.Time2Internaldate(1500003600),
                 text("two", "From here\n>From there\n\nFrom x Thu Jan  1 00:00:00 1970\nend"))
        c.append("INBOX", None, imaplib.Time2Internaldate(1500007200), text("three"))
        c.create("Entw&APw-rfe.alt")
        c.append("Entw&APw-rfe.alt", r"(\Draft \Deleted home)", imaplib.Time2Internaldate(1400000000), text("four"))
    return s


def works(s):
    try:
        s.imap(USER, "pw").logout()
        return True
    except imaplib.IMAP4.error:
        return False


def text(subject, body="hello"):
    return (f"From: a@b.test\nSubject: {subject}\n\n{body}\n").replace("\n", "\r\n").encode()


def content(s, name):
    """What IMAP shows of a mailbox: [(uid, flags, date, text)]."""
    with s.imap(USER, "pw") as c:
        r, data = c.select(f'"{name}"', readonly=True)
        assert r == "OK", data
        found = []
        if data != [b"0"]:
            for part in c.uid("FETCH", "1:*", "(UID FLAGS INTERNALDATE BODY.PEEK[])")[1]:
                if isinstance(part, tuple):
                    head = part[0].decode()
                    flags = re.search(r"FLAGS \((.*?)\)", head).group(1).split()
                    found.append((int(re.search(r"UID (\d+)", head).group(1)),
                                  tuple(sorted(f for f in flags if f != r"\Recent")),
                                  imaplib.Internaldate2tuple(part[0]), part[1]))
        return found


def bare(found):
    return sorted((f, time.mktime(d), t) for _, f, d, t in found)


def test_list_and_status(box):
    out = box.setup("mailbox", "list", USER).stdout
    assert re.search(r"^\* INBOX: 3 messages, 2 unseen, \d+$", out, re.M)
    assert "* Entwürfe (no mailbox)\n" in out
    assert re.search(r"^\* Entwürfe\.alt: 1 messages", out, re.M)
    assert "* Trash (not made yet)" in out
    assert not box.maildir(USER, ".Trash").exists()
    out = box.setup("mailbox", "status", USER, "inbox", "Entwürfe.alt").stdout
    assert "messages 3," in out and "unseen 1, deleted 1" in out
    with box.imap(USER, "pw") as c:
        validity = re.search(rb"UIDVALIDITY (\d+)", c.status("INBOX", "(UIDVALIDITY)")[1][0]).group(1).decode()
    assert f"uidvalidity {validity}, uidnext 4" in out
    assert box.setup("mailbox", "status", USER, "none", check=False).returncode == 1
    assert box.setup("mailbox", "status", USER, "Trash", check=False).returncode == 1


def test_create_rename_delete_are_seen_by_open_sessions(box):
    with box.imap(USER, "pw") as c:
        box.setup("mailbox", "create", USER, "Neu & alt")
        assert any(b"Neu &- alt" in n for n in c.list()[1])
        assert any(b"Neu &- alt" in n for n in c.lsub()[1])
        box.setup("mailbox", "rename", USER, "Entwürfe", "Ideen")
        assert any(b"Ideen.alt" in n for n in c.list()[1])
        r = box.setup("mailbox", "delete", USER, "Neu & alt", input="n\n")
        assert "will not be deleted" in r.stdout
        box.setup("mailbox", "delete", USER, "Neu & alt", input="y\n")
        box.setup("mailbox", "delete", "-y", USER, "Ideen.alt")
        assert not any(b"alt" in n for n in c.list()[1])
    assert len(content(box, "INBOX")) == 3


@pytest.mark.parametrize("words,error", [
    (["list", "nobody@example.test"], "'nobody@example.test' does not exist"),
    (["list", "nobody"], "should include the domain"),
    (["create", USER, "a/b"], "'a/b' cannot be the name"),
    (["create", USER, "../x"], "cannot be the name"),
    (["create", USER, "INBOX"], "INBOX: "),
    (["delete", "-y", USER, "INBOX"], "INBOX: "),
    (["delete", "-y", USER, "none"], "none: no such mailbox"),
    (["rename", USER, "none", "x"], "none: no such mailbox"),
    (["import", USER, "/none"], "/none: No such file"),
])
def test_mistakes_are_named(box, words, error):
    r = box.setup("mailbox", *words, check=False)
    assert r.returncode == 1
    assert error in r.stderr
    assert not (box.dir / "mail" / "example.test" / "nobody").exists()


@pytest.mark.parametrize("words", [["list"], ["create", USER], ["rename", USER, "a"], ["rebuild"],
                                   ["export", USER], ["import", USER]])
def test_missing_arguments_show_the_usage(box, words):
    r = box.setup("mailbox", *words, check=False)
    assert r.returncode == 1 and "SYNOPSIS" in r.stdout


def test_rebuild_keeps_everything(box):
    names = ["INBOX", "Entw&APw-rfe.alt"]
    before = [content(box, n) for n in names]
    with box.imap(USER, "pw") as c:
        c.select("INBOX")
        out = box.setup("mailbox", "rebuild", USER).stdout
        assert "the index has 4 messages" in out
        assert c.noop()[0] == "OK"
        c.append("INBOX", None, None, text("five"))
    assert [content(box, n) for n in names] == [before[0] + content(box, "INBOX")[3:], before[1]]
    assert content(box, "INBOX")[3][0] > 3
    db = box.maildir(USER) / "pillarbox.db"
    assert stat.S_IMODE(db.stat().st_mode) == 0o600
    assert db.stat().st_uid == box.maildir(USER).stat().st_uid


def owners(root):
    return {p.lstat().st_uid for p in [root, *root.rglob("*")]}


@pytest.mark.parametrize("form", ["maildir", "mbox"])
def test_export_and_import_keep_everything(box, tmp_path, form):
    to = tmp_path / "out"
    args = ["--mbox"] if form == "mbox" else []
    names = ["INBOX", "Entw&APw-rfe.alt"]
    before = [bare(content(box, n)) for n in names]
    box.setup("mailbox", "export", *args, USER, to)
    assert owners(to) == {os.getuid()}
    if form == "mbox":
        assert sorted(p.name for p in to.iterdir()) == ["Entwürfe.alt.mbox", "INBOX.mbox"]
    else:
        assert len(list((to / "cur").iterdir())) == 3
    for name in ("INBOX", "Entwürfe.alt"):  # empty them
        with box.imap(USER, "pw") as c:
            c.select("INBOX" if name == "INBOX" else '"Entw&APw-rfe.alt"')
            c.store("1:*", "+FLAGS", r"\Deleted")
            c.expunge()
    out = box.setup("mailbox", "import", USER, to).stdout
    assert "4 messages imported, 0 were there already, 0 problems" in out
    assert [bare(content(box, n)) for n in names] == before
    assert len(owners(box.maildir(USER))) == 1
    # Once more: nothing is doubled; into another mailbox: all of it.
    out = box.setup("mailbox", "import", USER, to).stdout
    assert "0 messages imported, 4 were there already" in out
    box.setup("mailbox", "import", USER, to, "Old")
    assert bare(content(box, "Old")) == before[0]
    assert bare(content(box, "Old.Entw&APw-rfe.alt")) == before[1]
    # A message that was deleted since comes back; the others stay one.
    with box.imap(USER, "pw") as c:
        c.select("INBOX")
        c.store("1", "+FLAGS", r"\Deleted")
        c.expunge()
    out = box.setup("mailbox", "import", USER, to).stdout
    assert "1 messages imported, 3 were there already" in out
    assert [bare(content(box, n)) for n in names] == before


def test_an_exported_maildir_is_brought_up_to_date(box, tmp_path):
    to = tmp_path / "out"
    box.setup("mailbox", "export", USER, to)
    first = {p.name.split(":")[0]: p.stat().st_ino for p in (to / "cur").iterdir()}
    with box.imap(USER, "pw") as c:
        c.select("INBOX")
        c.store("3", "+FLAGS", r"\Answered")
        c.append("INBOX", None, None, text("five"))
    box.setup("mailbox", "export", USER, to, "INBOX")
    files = {p.name.split(":")[0]: p for p in (to / "cur").iterdir()}
    assert len(files) == 4 and first.items() <= {b: p.stat().st_ino for b, p in files.items()}.items()
    assert sorted(m.get_flags() for m in mailbox.Maildir(to, factory=None)) == ["", "FPRa", "R", "S"]
    assert list((to / "tmp").iterdir()) == []


def test_other_programs_read_and_write_the_same_files(box, tmp_path):
    box.setup("mailbox", "export", "--mbox", USER, tmp_path, "INBOX")
    theirs = mailbox.mbox(tmp_path / "INBOX.mbox")
    assert [m["subject"] for m in theirs] == ["one", "two", "three"]
    assert [m.get_flags() for m in theirs] == ["RO", "OAF", "O"]
    # What Python writes has bare "From " quoted in the body, as mboxo.
    new = mailbox.mbox(tmp_path / "new.mbox")
    m = mailbox.mboxMessage(b"Subject: by python\n\nFrom the start\n")
    m.set_from("x@y.test", time.gmtime(1600000000))
    m.set_flags("RF")
    new.add(m)
    new.close()
    box.setup("mailbox", "import", USER, tmp_path / "new.mbox", "Python")
    [(_, flags, date, got)] = content(box, "Python")
    assert flags == (r"\Flagged", r"\Seen") and time.mktime(date) == 1600000000
    assert got == b"Subject: by python\r\n\r\nFrom the start\r\n"
    # mutt opens and counts it.
    if shutil.which("mutt"):
        out = subprocess.run(["mutt", "-R", "-f", tmp_path / "INBOX.mbox", "-e", "push <exit>"],
                             stdin=subprocess.DEVNULL, capture_output=True, env={**os.environ, "TERM": "dumb"})
        assert out.returncode in (0, 1)


def test_bad_input_is_named_and_the_rest_imported(box, tmp_path):
    md = tmp_path / "md"
    for d in ("cur", "new", "tmp", ".ok/cur", ".ok/new", ".bad..name/cur"):
        (md / d).mkdir(parents=True)
    (md / "cur" / "1.a:2,S").write_bytes(b"Subject: fine\n\nx\n")
    (md / "cur" / "2.empty").write_bytes(b"")
    (md / "cur" / "3.dir").mkdir()
    os.mkfifo(md / "cur" / "4.fifo")
    (md / "cur" / "5.link").symlink_to("/etc/passwd")
    (md / "cur" / "6.gz").write_bytes(b"\x1f\x8b\x08\0\0\0\0\0")
    (md / ".ok" / "new" / "7.b").write_bytes(b"Subject: crlf\r\n\r\nx\r\n")
    r = box.setup("mailbox", "import", USER, md, "Import", check=False)
    assert r.returncode == 1
    for name in ("2.empty", "3.dir", "4.fifo", "5.link", "6.gz"):
        assert f"{md}/cur/{name}: " in r.stderr
    assert f"{md}/.bad..name/: " in r.stderr
    assert "2 messages imported, 0 were there already, 6 problems" in r.stdout
    assert content(box, "Import")[0][3] == b"Subject: fine\r\n\r\nx\r\n"
    assert content(box, "Import.ok")[0][3] == b"Subject: crlf\r\n\r\nx\r\n"

    bad = tmp_path / "bad.mbox"
    bad.write_bytes(b"\nSubject: no\n\nx\n")
    r = box.setup("mailbox", "import", USER, bad, check=False)
    assert r.returncode == 1 and f"{bad}: byte 1: this is no mbox" in r.stderr
    odd = b"From a Thu Jan  1 00:00:00 1970\n\nx\n\nFrom nowhere\n"
    bad.write_bytes(odd)
    r = box.setup("mailbox", "import", USER, bad, "Odd", check=False)
    assert f"{bad}: byte {odd.index(b'From nowhere')}: " in r.stderr
    assert content(box, "Odd")[0][3] == b"\r\nx\r\n\r\nFrom nowhere\r\n"


def test_an_import_that_was_killed_goes_on(box, tmp_path):
    file = tmp_path / "big.mbox"
    with open(file, "wb") as f:
        for i in range(3000):
            f.write(b"From a@b Thu Jan  1 00:00:%02d 1970\nSubject: %d\n\nsame\n\n" % (i % 60, i // 2))
    for _ in range(3):
        p = subprocess.Popen([box.dir / "setup", "mailbox", "import", USER, file, "Big"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        time.sleep(0.4)
        os.killpg(p.pid, 9)
        p.wait()
    box.setup("mailbox", "import", USER, file, "Big")
    with box.imap(USER, "pw") as c:
        assert c.select("Big")[1] == [b"3000"]
        subjects = c.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
    found = sorted(int(p[1].split()[1]) for p in subjects if isinstance(p, tuple))
    assert found == sorted(i // 2 for i in range(3000))


def test_progress_is_shown_on_a_terminal(box, tmp_path):
    file = tmp_path / "some.mbox"
    with open(file, "wb") as f:
        for i in range(2000):
            f.write(b"From a@b Thu Jan  1 00:00:00 1970\nSubject: %d\n\nx\n\n" % i)
    leader, follower = pty.openpty()
    p = subprocess.Popen([box.dir / "setup", "mailbox", "import", USER, file, "P"],
                         stdout=subprocess.PIPE, stderr=follower)
    os.close(follower)
    # A terminal holds little that nobody reads: then the program waits.
    shown = b""
    try:
        while piece := os.read(leader, 65536):
            shown += piece
    except OSError:  # the last one who could write is gone
        pass
    os.close(leader)
    assert p.wait(60) == 0
    assert re.search(rb"\r\x1b\[KP: \d+", shown)


def test_without_the_stack(make_stack, tmp_path):
    s = make_stack()
    s.add_account(USER, "pw")
    wait_for(lambda: works(s), what="account")
    s.stop()
    file = tmp_path / "a.mbox"
    file.write_bytes(b"From a@b Thu Jan  1 00:00:00 1970\nStatus: RO\nSubject: x\n\nhello\n")
    s.setup("mailbox", "create", USER, "A.B")
    s.setup("mailbox", "import", USER, file, "A.B")
    assert "* A.B: 1 messages, 0 unseen" in s.setup("mailbox", "list", USER).stdout
    s.setup("mailbox", "rebuild", USER)
    if os.getuid() == 0:
        assert owners(s.maildir(USER)) == {5000}
    s.start()
    assert content(s, "A.B")[0][3] == b"Subject: x\r\n\r\nhello\r\n"
