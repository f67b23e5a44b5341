"""A real Dovecot on a private port, set up as docker-mailserver does it, over
a mail folder of ours.

    with Dovecot(tmp_path / "dovecot", mail) as d:
        with d.imap("user@example.test") as c: ...
"""

import imaplib
import os
import re
import socket
import subprocess
from pathlib import Path

from stack import wait_for

VMAIL = 5000
CONF = """
protocols = imap
listen = 127.0.0.1
base_dir = {dir}/base
state_dir = {dir}/state
instance_name = {dir}
log_path = {dir}/log
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={mail}/%d/%n/home
}}
first_valid_uid = 0
first_valid_gid = 0
mail_location = maildir:{mail}/%d/%n
mail_plugins = {plugins}
namespace inbox {{
  inbox = yes
  separator = .
  mailbox Drafts {{
    auto = subscribe
    special_use = \\Drafts
  }}
  mailbox Junk {{
    auto = subscribe
    special_use = \\Junk
  }}
  mailbox Trash {{
    auto = subscribe
    special_use = \\Trash
  }}
  mailbox Sent {{
    auto = subscribe
    special_use = \\Sent
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
{more}
"""
NOT_ROOT = """
default_login_user = {user}
default_internal_user = {user}
default_internal_group = {group}
service imap-login {{
  chroot =
}}
service anvil {{
  chroot =
}}
"""


class Dovecot:
    def __init__(self, folder, mail, plugins="", more=""):
        self.dir, self.mail = Path(folder).resolve(), Path(mail).resolve()
        self.dir.mkdir(parents=True, exist_ok=True)
        self.mail.mkdir(parents=True, exist_ok=True)
        root = os.getuid() == 0
        if root:
            os.chown(self.mail, VMAIL, VMAIL)
        else:
            import getpass
            import grp
            more += NOT_ROOT.format(user=getpass.getuser(), group=grp.getgrgid(os.getgid()).gr_name)
        # The user's processes walk down to the mail.
        for up in [self.dir, *self.mail.parents]:
            if up.stat().st_uid == os.getuid() and len(up.parts) > 2:
                up.chmod(up.stat().st_mode | 0o755)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        (self.dir / "dovecot.conf").write_text(CONF.format(
            dir=self.dir, mail=self.mail, port=self.port, plugins=plugins, more=more,
            uid=VMAIL if root else os.getuid(), gid=VMAIL if root else os.getgid()))

    def __enter__(self):
        self.process = subprocess.Popen(["/usr/sbin/dovecot", "-F", "-c", self.dir / "dovecot.conf"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self._answers, 15, f"Dovecot ({self.dir}/log)")
        return self

    def _answers(self):
        assert self.process.poll() is None, (self.dir / "log").read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
            return True
        except OSError:
            return False

    def __exit__(self, *exc):
        self.process.terminate()
        self.process.wait(20)

    def imap(self, user):
        c = imaplib.IMAP4("127.0.0.1", self.port, timeout=60)
        c.login(user, "secret")
        return c


def quoted(name):
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def names(lines):
    """{name: attributes} of LIST and LSUB lines."""
    out = {}
    for line in lines:
        if line is None:
            continue
        if isinstance(line, tuple):
            line = line[0] + b'"' + line[1] + b'"'
        m = re.match(rb'\(([^)]*)\) "?([^" ]*)"? (?:\{\d+\})?(?:"((?:[^"\\]|\\.)*)"|(\S+))$', line)
        assert m, line
        name = (m[3].replace(b'\\"', b'"').replace(b"\\\\", b"\\") if m[3] is not None else m[4]).decode()
        out[name] = {a for a in m[1].decode().split() if a.lower() != "\\haschildren"}
    return out


def messages(c, folder, bodies=True):
    """{uid: (flags, date, size, body)} and the UIDVALIDITY of a folder."""
    typ, data = c.select(quoted(folder), readonly=True)
    assert typ == "OK", (folder, data)
    validity = int(c.response("UIDVALIDITY")[1][0])
    out = {}
    if data != [b"0"]:
        what = "(UID FLAGS INTERNALDATE RFC822.SIZE" + (" BODY.PEEK[])" if bodies else ")")
        typ, data = c.uid("FETCH", "1:*", what)
        assert typ == "OK", data
        for item in data:
            head, body = item if isinstance(item, tuple) else (item, b"")
            if head == b")":
                continue
            flags = set(re.search(rb"FLAGS \(([^)]*)\)", head)[1].decode().split()) - {"\\Recent"}
            out[int(re.search(rb"UID (\d+)", head)[1])] = (
                flags, re.search(rb'INTERNALDATE "([^"]*)"', head)[1].strip().lstrip(b"0"),
                int(re.search(rb"RFC822.SIZE (\d+)", head)[1]), body)
    return validity, out


def everything(c):
    """All that must survive a move from one server to another."""
    listed = names(c.list()[1])
    state = {"subscribed": set(names(c.lsub()[1])), "folders": {}, "uidnext": {}}
    for name, attributes in listed.items():
        low = {a.lower() for a in attributes}
        if low & {"\\noselect", "\\nonexistent"}:
            continue
        state["folders"][name] = messages(c, name)
        status = c.status(quoted(name), "(UIDNEXT MESSAGES UNSEEN)")[1][0]
        state["uidnext"][name] = re.search(rb"\((?!.*\().*\)$", status)[0]
    return state
