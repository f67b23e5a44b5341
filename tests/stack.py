"""A private stack for tests: real programs, high ports, a temporary folder.

Used through the fixtures of conftest.py, or directly:

    with Stack(tmp_path, env={"DNS_SERVERS": "127.0.0.1@5300"}) as s:
        s.add_account("user@example.test", "secret")
        with s.smtp_submit("user@example.test", "secret") as c: ...
"""

import imaplib
import os
import signal
import smtplib
import socket
import ssl
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(os.environ.get("PILLARBOX_BIN", ROOT / "build" / "bin")).resolve()
PORTS = (25, 143, 465, 587, 993)


def free_base():
    """A port base under which all our ports are free; another test process
    that looks at the same time starts somewhere else."""
    base = 12000 + (os.getpid() * 1009 + int(time.time() * 1000)) % 40000
    while True:
        base = 12000 + (base - 12000 + 1013) % 40000
        if all(port_is_free(base + p) for p in PORTS):
            return base


def port_is_free(port):
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family, socket.SOCK_STREAM) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind((address, port))
            except OSError:
                return False
    return True


def wait_for(condition, timeout=30, what="condition"):
    """Polls until condition() is true and returns its value."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"no {what} after {timeout} s")
        time.sleep(0.02)


class Stack:
    def __init__(self, folder, env=None, files=None, under=()):
        self.dir = Path(folder).resolve() / "run"
        self.base = free_base()
        self.env = dict(env or {})
        self.files = dict(files or {})  # in the config folder, before start
        self.under = list(under)  # a program and its arguments that starts ours
        self.dir.mkdir(parents=True, exist_ok=True)
        self.dir.chmod(0o755)

    # life

    def _instance(self, action):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PILLARBOX_")}
        clean["QUIET"] = "1"
        return subprocess.run(
            [*self.under, ROOT / "tools" / "instance", BIN, self.dir, str(self.base), action],
            env=clean, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)

    def start(self):
        conf = self.dir / "mailserver.env"
        if not conf.exists():
            settings = {
                "OVERRIDE_HOSTNAME": "mail.example.test",
                "PILLARBOX_CONFIG_DIR": self.dir / "config",
                "PILLARBOX_MAIL_DIR": self.dir / "mail",
                "PILLARBOX_STATE_DIR": self.dir,
                "PILLARBOX_LOG_DIR": self.dir / "log",
                "PILLARBOX_RUN_DIR": self.dir / "run",
                "PILLARBOX_PORT_BASE": self.base,
                "PILLARBOX_LISTEN": "127.0.0.1,::1",
                "DNS_SERVERS": "127.0.0.1@1",  # nobody there: no test leaves loopback
                "PILLARBOX_DNS_VALIDATE": "0",
                "LOG_LEVEL": "debug",
            }
            settings.update(self.env)
            conf.write_text("".join(f"{k}={v}\n" for k, v in settings.items()))
        for name, text in self.files.items():
            path = self.config(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        r = self._instance("start")
        assert r.returncode == 0, r.stdout
        return self

    def stop(self):
        r = self._instance("stop")
        assert r.returncode == 0, r.stdout

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.stop()

    # the command line

    def setup(self, *words, input=None, check=True):
        r = subprocess.run([self.dir / "setup", *words], input=input, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        if check:
            assert r.returncode == 0, f"setup {words}: {r.returncode}\n{r.stdout}{r.stderr}"
        return r

    def add_account(self, address, password):
        self.setup("email", "add", address, password)

    @property
    def demo(self):
        return "demo@example.test", (self.dir / "demo-password").read_text().strip()

    # what it is doing

    def config(self, name):
        return self.dir / "config" / name

    def log(self):
        path = self.dir / "log" / "mail.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def wait_log(self, text, timeout=30):
        return wait_for(lambda: text in self.log(), timeout, f"'{text}' in the log")

    def pid_of(self, process):
        for line in self.setup("status", check=False).stdout.splitlines():
            words = line.split()
            if words and words[0] == process:
                return int(words[2])
        return 0

    def kill(self, process):
        """kill -9 of one of our processes."""
        os.kill(self.pid_of(process), signal.SIGKILL)

    # clients

    def port(self, standard):
        return self.base + standard

    def tls(self):
        return ssl.create_default_context(cafile=str(self.dir / "tls" / "cert.pem"))

    def smtp(self):
        return smtplib.SMTP("localhost", self.port(25), local_hostname="client.example.org", timeout=30)

    def smtp_submit(self, user=None, password=None):
        if user is None:
            user, password = self.demo
        c = smtplib.SMTP("localhost", self.port(587), local_hostname="client.example.org", timeout=30)
        c.starttls(context=self.tls())
        c.login(user, password)
        return c

    def imap(self, user=None, password=None):
        if user is None:
            user, password = self.demo
        c = imaplib.IMAP4_SSL("localhost", self.port(993), ssl_context=self.tls(), timeout=30)
        c.login(user, password)
        return c

    def maildir(self, address, folder=""):
        local, domain = address.split("@")
        return self.dir / "mail" / domain / local / folder

    def delivered(self, address, folder=""):
        """The message files of a mailbox, as any other program sees them."""
        root = self.maildir(address, folder)
        return sorted(p for d in ("new", "cur") for p in (root / d).glob("*"))
