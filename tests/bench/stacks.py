"""The two stacks that tests/bench/run compares, with the same face: start, stop,
the ports, the Maildir of a user, and the processes that belong to it."""

import os
import pwd
import shutil
import subprocess
import sys
import time
from pathlib import Path

USERS = 20       # of the ordinary load
ACCOUNTS = 100
DOMAIN = "bench.test"
PASSWORD = "bench-secret"
VMAIL = 5000


def addresses():
    return [f"u{n}@{DOMAIN}" for n in range(ACCOUNTS)]


def hashed(password):
    """As docker-mailserver and Pillarbox keep passwords."""
    out = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=password, text=True,
                         stdout=subprocess.PIPE, check=True)
    return "{SHA512-CRYPT}" + out.stdout.strip()


def tree(roots):
    """The processes with these ids and all their descendants."""
    children = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = Path("/proc", entry, "stat").read_text()
        except OSError:
            continue
        parent = int(stat.rpartition(")")[2].split()[1])
        children.setdefault(parent, []).append(int(entry))
    found, todo = [], [p for p in roots if p]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def name(pid):
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def pss(pids):
    """Proportional memory of the processes, in KB, and each one's by name."""
    total, parts = 0, {}
    for pid in pids:
        try:
            named = name(pid)
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    kb = int(line.split()[1])
                    total += kb
                    parts[named] = parts.get(named, 0) + kb
        except OSError:
            continue
    return total, parts


class Pillarbox:
    def __init__(self, folder, bin_dir, name="pillarbox", env=None):
        self.name = name
        os.environ["PILLARBOX_BIN"] = str(bin_dir)
        sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
        import stack
        self.stack = stack.Stack(folder / name, env={
            "LOG_LEVEL": "info",
            "PILLARBOX_SMTP_CONNECTIONS_PER_ADDRESS": 1000,
            "PILLARBOX_IMAP_CONNECTIONS": 20000,
            "PILLARBOX_IMAP_CONNECTIONS_PER_ADDRESS": 20000,
            "PILLARBOX_IMAP_CONNECTIONS_PER_USER": 20000,
            **(env or {}),
        })
        self.stack.dir.parent.chmod(0o755)
        self.smtp_port = self.stack.port(25)
        self.imaps_port = self.stack.port(993)
        self.cert = self.stack.dir / "tls"

    def start(self):
        self.stack.start()
        accounts = self.stack.config("postfix-accounts.cf")
        if DOMAIN not in accounts.read_text():
            for address in addresses():
                self.stack.add_account(address, PASSWORD)
            # auth takes the file over within a second
            time.sleep(1.5)

    def stop(self):
        self.stack.stop()

    def pids(self):
        pid = self.stack.dir / "pid"
        return tree([int(pid.read_text())] if pid.exists() else [])

    def wait_closed(self, n):
        """Until the user's index is not held open any more."""
        end = time.monotonic() + 30
        while self.holds(str(self.maildir(n))):
            if time.monotonic() > end:
                raise TimeoutError(f"the index of {n} stays open")
            time.sleep(0.2)

    def holds(self, path):
        for pid in self.pids():
            try:
                for fd in os.scandir(f"/proc/{pid}/fd"):
                    if os.readlink(fd.path).startswith(path):
                        return True
            except OSError:
                continue
        return False

    def delivery_pids(self):
        return [self.stack.pid_of(p) for p in ("smtp-mx", "queue", "dkim", "deliver")]

    def maildir(self, n):
        return self.stack.maildir(f"u{n}@{DOMAIN}")


MAIN_CF = """compatibility_level = 3.6
myhostname = mail.example.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
queue_directory = {dir}/spool
data_directory = {dir}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
alias_maps =
virtual_mailbox_domains = {domain}
virtual_mailbox_maps = static:ok
virtual_transport = lmtp:unix:{dir}/lmtp
smtpd_banner = $myhostname ESMTP
biff = no
"""

# Debian's master.cf without chroot and without the port-25 service.
MASTER_CF = """127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
pickup unix n - n 60 1 pickup
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

DOVECOT = """protocols = imap lmtp
base_dir = {dir}/base
state_dir = {dir}/state
listen = 127.0.0.1
log_path = {dir}/dovecot.log
ssl = required
ssl_cert = <{cert}/cert.pem
ssl_key = <{cert}/key.pem
mail_location = maildir:{dir}/mail/%d/%n
mail_max_userip_connections = 0
first_valid_uid = {vmail}
passdb {{
  driver = static
  args = password={hash}
}}
userdb {{
  driver = static
  args = uid={vmail} gid={vmail} home={dir}/mail/%d/%n allow_all_users=yes
}}
service imap-login {{
  process_limit = 4000
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
service imap {{
  process_limit = 4000
  vsz_limit = 4 G
}}
service anvil {{
  client_limit = 20000
}}
service auth {{
  client_limit = 20000
}}
service lmtp {{
  unix_listener {dir}/lmtp {{
    mode = 0666
  }}
}}
"""

PACKAGES = {"postfix": "/usr/sbin/postfix", "dovecot-imapd": "/usr/lib/dovecot/imap",
            "dovecot-lmtpd": "/usr/lib/dovecot/lmtp"}


def install_reference():
    return install(PACKAGES)


def install(packages):
    """Installs them ({name: a file of it}) without starting any; why not, or ''."""
    missing = [p for p, path in packages.items() if not os.path.exists(path)]
    if not missing:
        return ""
    if os.getuid() != 0 or shutil.which("apt-get") is None:
        return "these packages are missing: " + " ".join(missing)
    print("installing", *missing, flush=True)
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    try:
        subprocess.run(["debconf-set-selections"], text=True, check=True,
                       input="postfix postfix/main_mailer_type select No configuration\n")
        subprocess.run(["apt-get", "update", "-qq"], env=env, check=True)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing],
                       env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as e:
        return f"they could not be installed: {e}"
    finally:
        if ours:
            policy.unlink()
    return ""


class Reference:
    """Debian's Postfix and Dovecot, as they ship, with private folders."""

    name = "postfix+dovecot"

    def __init__(self, folder, cert, base, milter=""):
        self.dir = folder / "reference"
        self.dir.mkdir()
        self.dir.chmod(0o755)
        self.conf = self.dir / "postfix"
        self.smtp_port = base + 26
        self.imaps_port = base + 994
        for name, owner in (("spool", "root"), ("data", "postfix"), ("postfix", "root"),
                            ("mail", VMAIL)):
            path = self.dir / name
            path.mkdir()
            if owner != "root":
                uid = owner if owner == VMAIL else pwd.getpwnam(owner).pw_uid
                os.chown(path, uid, uid if owner == VMAIL else -1)
        values = dict(dir=self.dir, domain=DOMAIN, port=self.smtp_port, cert=cert,
                      imaps=self.imaps_port, hash=hashed(PASSWORD), vmail=VMAIL)
        (self.conf / "main.cf").write_text(MAIN_CF.format(**values)
                                           + (f"smtpd_milters = {milter}\n" if milter else ""))
        (self.conf / "master.cf").write_text(MASTER_CF.format(**values))
        (self.dir / "dovecot.conf").write_text(DOVECOT.format(**values))

    def start(self):
        quiet = dict(check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        subprocess.run(["dovecot", "-c", self.dir / "dovecot.conf"], **quiet)
        subprocess.run(["postfix", "-c", self.conf, "start"], **quiet)

    def stop(self):
        quiet = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        subprocess.run(["postfix", "-c", self.conf, "stop"], **quiet)
        subprocess.run(["doveadm", "-c", self.dir / "dovecot.conf", "stop"], **quiet)

    def pids(self):
        roots = []
        for path in (self.dir / "spool/pid/master.pid", self.dir / "base/master.pid"):
            if path.exists():
                roots.append(int(path.read_text()))
        return tree(roots)

    def wait_closed(self, n):
        """Sessions are processes: until none is left."""
        end = time.monotonic() + 30
        while any(name(p) == "imap" for p in self.pids()):
            if time.monotonic() > end:
                raise TimeoutError("an imap process stays")
            time.sleep(0.1)

    def delivery_pids(self):
        return self.pids()

    def maildir(self, n):
        return self.dir / "mail" / DOMAIN / f"u{n}"
