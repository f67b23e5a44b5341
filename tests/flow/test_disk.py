"""The mail folder or the spool becomes read-only or full while the stack works:
temporary refusals, nothing acknowledged is missing, and it goes on by itself.

Each folder is a tmpfs in a mount namespace of the test's own, which only root
can make.
"""

import imaplib
import os
import re
import smtplib
import subprocess
import threading
import time
from pathlib import Path

import pytest

from stack import Stack, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")

USER, PASSWORD = "u@example.test", "secret"


class Mounted(Stack):
    """A stack whose mail folder and spool can be mounted anew."""

    def __init__(self, folder, **more):
        super().__init__(folder, **more)
        mounts = []
        for name in ("mail", "spool"):
            (self.dir / name).mkdir()
            # The queue keeps 64 MB free.
            mounts.append(f"mount -t tmpfs -o size=160m tmpfs '{self.dir / name}' && ")
        self.under = ["unshare", "-m", "sh", "-c", "".join(mounts) + 'exec "$@"', "sh"]

    @property
    def supervisor(self):
        return int((self.dir / "pid").read_text())

    def inside(self, *words):
        return subprocess.run(["nsenter", "-t", str(self.supervisor), "-m", *words], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)

    def remount(self, name, option):
        return self.inside("mount", "-o", f"remount,{option}", str(self.dir / name)).returncode == 0

    def read_only(self, name, *processes):
        """The kernel refuses while files are open for writing: so those who
        have them die, and come back to a folder that they cannot write."""
        before = {p: self.pid_of(p) for p in processes}
        for p in processes:
            self.kill(p)
        wait_for(lambda: self.remount(name, "ro"), 30, "read-only mount")
        wait_for(lambda: all(self.is_up(p, before[p]) for p in processes), 60, "restart")

    def is_up(self, process, before):
        for line in self.setup("status", check=False).stdout.splitlines():
            words = line.split()
            if words and words[0] == process:
                return words[1] == "up" and int(words[2]) != before
        return False

    def maildir(self, address, folder=""):
        path = super().maildir(address, folder)
        return Path(f"/proc/{self.supervisor}/root{path}")

    def subjects(self, address=USER):
        found = set()
        for path in self.delivered(address):
            try:
                found.update(re.findall(r"^Subject: (\S+)", path.read_text(), re.M))
            except FileNotFoundError:  # renamed meanwhile
                continue
        return found


@pytest.fixture
def stack(tmp_path):
    with Mounted(tmp_path, env={"PILLARBOX_QUEUE_RETRY_MIN": "1s", "PILLARBOX_QUEUE_RETRY_MAX": "2s"}) as s:
        s.add_account(USER, PASSWORD)
        s.wait_log("accounts=2")
        yield s


class Load:
    """Senders and IMAP clients that keep adding messages, each with a subject
    of its own, and what became of them."""

    def __init__(self, stack, senders=2, clients=0):
        self.stack = stack
        self.acked = set()
        self.replies = []  # (time, code of SMTP or text of IMAP)
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.send, args=(i,)) for i in range(senders)]
        self.threads += [threading.Thread(target=self.append, args=(i,)) for i in range(clients)]

    def send(self, number):
        count = 0
        while not self.stopping.is_set():
            try:
                with self.stack.smtp() as c:
                    while not self.stopping.is_set():
                        count += 1
                        self.one(c, f"s{number}-{count}")
            except (smtplib.SMTPException, OSError):
                time.sleep(0.02)  # its process died; come again

    def one(self, c, subject):
        try:
            c.sendmail("a@remote.test", [USER], f"Subject: {subject}\n\nhello\n")
            self.acked.add(subject)
            code = 250
        except smtplib.SMTPResponseException as e:
            code = e.smtp_code
        except smtplib.SMTPRecipientsRefused as e:
            code = next(iter(e.recipients.values()))[0]
        self.replies.append((time.monotonic(), code))

    def append(self, number):
        count = 0
        while not self.stopping.is_set():
            try:
                c = self.stack.imap(USER, PASSWORD)
                while not self.stopping.is_set():
                    count += 1
                    subject = f"i{number}-{count}"
                    typ, data = c.append("INBOX", None, None, f"Subject: {subject}\r\n\r\nhello\r\n".encode())
                    if typ == "OK":
                        self.acked.add(subject)
                    self.replies.append((time.monotonic(), f"{typ} {data[0].decode()}"))
            except (imaplib.IMAP4.error, OSError):
                time.sleep(0.02)

    def since(self, start, smtp):
        return [r for t, r in list(self.replies) if t > start and isinstance(r, int) == smtp]

    def wait_more(self, smtp, what=lambda r: True, n=10):
        """n replies of a kind from now on; all that came meanwhile."""
        start = time.monotonic()
        wait_for(lambda: sum(1 for r in self.since(start, smtp) if what(r)) >= n, 60, "replies")
        return self.since(start, smtp)

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *exc):
        self.stopping.set()
        for t in self.threads:
            t.join()


def test_a_read_only_mail_folder_refuses_and_comes_back(stack):
    with Load(stack, senders=2, clients=2) as load:
        load.wait_more(smtp=True, what=lambda r: r == 250)
        load.wait_more(smtp=False, what=lambda r: r.startswith("OK"))
        stack.read_only("mail", "deliver", "imap")
        # What arrives is kept in the spool; who stores is told that it is not.
        assert set(load.wait_more(smtp=True)) == {250}
        assert set(load.wait_more(smtp=False)) == {"NO [UNAVAILABLE] The mail disk is read-only."}
        with stack.imap(USER, PASSWORD) as c:
            for command in (lambda: c.select("INBOX"), lambda: c.create("New")):
                typ, data = command()
                assert typ == "NO" and data[0].startswith(b"[UNAVAILABLE]")
        assert 'error="Read-only file system"' in stack.log()
        assert "Mail storage is read-only" in stack.setup("queue", "list").stdout

        assert stack.remount("mail", "rw")
        load.wait_more(smtp=False, what=lambda r: r.startswith("OK"))
        load.wait_more(smtp=True, what=lambda r: r == 250)
    stack.setup("queue", "flush")
    wait_for(lambda: load.acked <= stack.subjects(), 60, "every acknowledged message")
    wait_for(lambda: "empty" in stack.setup("queue", "list").stdout, 60, "empty queue")
    with stack.imap(USER, PASSWORD) as c:
        assert int(c.select("INBOX")[1][0]) == len(stack.delivered(USER))


def test_a_read_only_spool_refuses_for_now_and_comes_back(stack):
    with Load(stack, senders=3) as load:
        load.wait_more(smtp=True, what=lambda r: r == 250)
        stack.read_only("spool", "queue")
        # 421 ends a session in which too much went wrong.
        assert set(load.wait_more(smtp=True, what=lambda r: r == 451)) <= {421, 451}
        stack.wait_log('create="Read-only file system"')
        # The mail that is there is not concerned.
        with stack.imap(USER, PASSWORD) as c:
            assert c.select("INBOX")[0] == "OK" and c.store("1", "+FLAGS", r"\Seen")[0] == "OK"
        assert stack.remount("spool", "rw")
        load.wait_more(smtp=True, what=lambda r: r == 250)
    assert {r for _, r in load.replies} <= {250, 421, 451}
    wait_for(lambda: load.acked <= stack.subjects(), 60, "every acknowledged message")


def fill(stack, name):
    """No block is free any more; others may have been faster meanwhile."""
    stack.inside("sh", "-c", f"cat /dev/zero >'{stack.dir / name / 'ballast'}' 2>/dev/null")


def test_a_full_mail_folder_refuses_and_comes_back(stack):
    with stack.imap(USER, PASSWORD) as c, Load(stack, senders=2) as load:
        c.append("INBOX", None, None, b"Subject: first\r\n\r\nhello\r\n")
        assert c.select("INBOX")[0] == "OK"
        assert c.create("Copies")[0] == "OK"
        load.wait_more(smtp=True, what=lambda r: r == 250)
        fill(stack, "mail")
        body = b"Subject: large\r\n\r\n" + b"x" * 70000 + b"\r\n"
        typ, data = c.append("INBOX", None, None, body)
        assert typ == "NO" and data[0] == b"[UNAVAILABLE] The disk is full.", data
        wait_for(lambda: "Insufficient system storage" in stack.setup("queue", "list").stdout, 60, "deferred mail")
        assert set(load.wait_more(smtp=True)) == {250}
        # A change of flags may still find room in what the index has; what is
        # said is what is so.
        typ, data = c.store("1", "+FLAGS", r"\Flagged")
        assert typ == "OK" or data[0].startswith(b"[UNAVAILABLE]"), data
        flagged = typ == "OK"
        assert c.noop()[0] == "OK"

        stack.inside("rm", str(stack.dir / "mail" / "ballast"))
        assert c.append("INBOX", None, None, body)[0] == "OK"
        assert c.copy("1", "Copies")[0] == "OK"
        if not flagged:
            assert c.store("1", "+FLAGS", r"\Flagged")[0] == "OK"
        assert b"\\Flagged" in c.fetch("1", "(FLAGS)")[1][0]
    stack.setup("queue", "flush")
    wait_for(lambda: load.acked <= stack.subjects(), 60, "every acknowledged message")
    assert len(stack.delivered(USER, ".Copies")) == 1


def test_a_full_spool_refuses_for_now_and_comes_back(stack):
    with Load(stack, senders=2) as load:
        load.wait_more(smtp=True, what=lambda r: r == 250)
        fill(stack, "spool")
        load.wait_more(smtp=True, what=lambda r: r == 452)
        assert set(load.wait_more(smtp=True, what=lambda r: r == 452)) <= {421, 452}
        stack.inside("rm", str(stack.dir / "spool" / "ballast"))
        load.wait_more(smtp=True, what=lambda r: r == 250)
    wait_for(lambda: load.acked <= stack.subjects(), 60, "every acknowledged message")
