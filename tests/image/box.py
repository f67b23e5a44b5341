"""A container of the image, seen from outside: docker, its ports, its volumes.

Used through the fixtures of conftest.py. Everything a Box makes has its name,
and is gone after close().
"""

import imaplib
import json
import os
import pty
import re
import select
import shutil
import smtplib
import socket
import ssl
import subprocess
import time
import uuid
from email.message import EmailMessage
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
IMAGE = os.environ.get("IMAGE", "pillarbox")
PORTS = (25, 143, 465, 587, 993)
FOLDERS = {"config": "/tmp/docker-mailserver", "mail-data": "/var/mail",
           "mail-state": "/var/mail-state", "mail-logs": "/var/log/mail"}
# What compose.yaml asks for.
CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE",
                "SETGID", "SETUID", "SYS_CHROOT")
HARDENED = ["--read-only", "--tmpfs", "/run", "--security-opt", "no-new-privileges",
            "--cap-drop", "ALL", *(w for c in CAPABILITIES for w in ("--cap-add", c))]
# Nobody answers there: no test asks a name server.
QUIET_DNS = {"DNS_SERVERS": "127.0.0.1@1", "PILLARBOX_DNS_VALIDATE": "0"}


def run(*words, check=True, input=None, timeout=120, cwd=None):
    r = subprocess.run([str(w) for w in words], input=input, text=True, cwd=cwd,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout)
    if check:
        assert r.returncode == 0, f"{words}: {r.returncode}\n{r.stdout}{r.stderr}"
    return r


def docker(*words, **options):
    return run("docker", *words, **options)


def unique(word):
    return f"pillarbox-{word}-{uuid.uuid4().hex[:8]}"


def wait_for(condition, timeout=60, what="condition"):
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"no {what} after {timeout} s")
        time.sleep(0.05)


def free_ports():
    """{25: a free port, ...}"""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in PORTS]
    numbers = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return dict(zip(PORTS, numbers))


def free_base():
    """A port base under which all our ports are free."""
    base = 20000 + os.getpid() % 10000
    while True:
        try:
            for p in PORTS:
                socket.create_server(("127.0.0.1", base + p)).close()
            return base
        except OSError:
            base += 1009


def message(subject, sender="friend@example.org", to="user@example.com", text="hello\n"):
    m = EmailMessage()
    m["From"], m["To"], m["Subject"] = sender, to, subject
    m["Message-ID"] = f"<{uuid.uuid4().hex}@example.org>"
    m.set_content(text)
    return m


class Box:
    """One running container, however it was started."""

    def __init__(self, name, ports):
        self.name = name
        self.ports = ports

    # docker

    def exec(self, *words, **options):
        return docker("exec", *(["-i"] if options.get("input") else []), self.name, *words, **options)

    def setup(self, *words, **options):
        return self.exec("setup", *words, **options)

    def dialogue(self, *words, answers):
        """docker exec -ti: answers each prompt; (exit status, what was seen)."""
        master, slave = pty.openpty()
        p = subprocess.Popen(["docker", "exec", "-ti", self.name, *words],
                             stdin=slave, stdout=slave, stderr=slave, close_fds=True)
        os.close(slave)
        seen, answers, end = "", list(answers), time.monotonic() + 30
        while time.monotonic() < end:
            if not select.select([master], [], [], 0.2)[0]:
                if p.poll() is not None:
                    break
                continue
            try:
                part = os.read(master, 4096).decode(errors="replace")
            except OSError:
                break
            if not part:
                break
            seen += part
            if answers and re.search(r"[:?] ?$", seen):
                os.write(master, (answers.pop(0) + "\n").encode())
        status = p.wait(timeout=10)
        os.close(master)
        return status, seen

    def inspect(self):
        return json.loads(docker("inspect", self.name).stdout)[0]

    def state(self):
        return self.inspect()["State"]

    def logs(self):
        r = docker("logs", self.name)
        return r.stdout + r.stderr

    def wait_up(self, times=1, timeout=30):
        end = time.monotonic() + timeout
        while self.logs().count("is up and running") < times:
            assert time.monotonic() < end and self.state()["Running"], self.logs()[-3000:]
            time.sleep(0.05)
        return self

    def pids(self):
        """Of all processes inside, as the host numbers them."""
        lines = docker("top", self.name, "-eo", "pid").stdout.split()[1:]
        return [int(x) for x in lines]

    def processes(self):
        """{name: pid inside} of those that setup status shows as up."""
        lines = self.setup("status", check=False).stdout.splitlines()
        rows = [x.split() for x in lines]
        return {r[0]: int(r[2]) for r in rows if len(r) > 2 and r[1] == "up"}

    # clients

    def tls(self):
        # Self-signed: what is tested here is that it is spoken at all.
        c = ssl.create_default_context()
        c.check_hostname = False
        c.verify_mode = ssl.CERT_NONE
        return c

    def mx(self):
        return smtplib.SMTP("127.0.0.1", self.ports[25], "client.example.org", timeout=30)

    def submit(self, user, password, port=587):
        if port == 465:
            c = smtplib.SMTP_SSL("127.0.0.1", self.ports[465], "client.example.org",
                                 timeout=30, context=self.tls())
        else:
            c = smtplib.SMTP("127.0.0.1", self.ports[587], "client.example.org", timeout=30)
            c.starttls(context=self.tls())
        c.login(user, password)
        return c

    def imap(self, user, password, port=993):
        if port == 993:
            c = imaplib.IMAP4_SSL("127.0.0.1", self.ports[993], ssl_context=self.tls(), timeout=30)
        else:
            c = imaplib.IMAP4("127.0.0.1", self.ports[143], timeout=30)
            c.starttls(self.tls())
        c.login(user, password)
        return c

    def can_login(self, user, password):
        try:
            self.imap(user, password).logout()
        except (imaplib.IMAP4.error, OSError):
            return False
        return True

    def subjects(self, user, password, port=993):
        c = self.imap(user, password, port)
        assert c.select("INBOX")[0] == "OK"
        found = []
        status, parts = c.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        assert status == "OK", parts
        for part in parts:
            if isinstance(part, tuple):
                found += re.findall(r"Subject: (.*?)\r\n", part[1].decode())
        c.logout()
        return found

    def wait_subject(self, subject, user, password, port=993):
        return wait_for(lambda: subject in self.subjects(user, password, port), 20,
                        f"message '{subject}'")


class DockerBox(Box):
    """docker run, with named volumes that outlive the container."""

    def __init__(self, env=None, options=HARDENED, base=0, hostname="mail.example.com"):
        super().__init__(unique("box"), free_ports())
        self.volumes = {v: f"{self.name}-{v}" for v in FOLDERS}
        self.env = {**QUIET_DNS, "PILLARBOX_PORT_BASE": base or "", **(env or {})}
        self.options, self.base, self.hostname = options, base, hostname

    def create(self):
        docker("create", "--name", self.name, "--hostname", self.hostname, *self.options,
               *(w for k, v in self.env.items() for w in ("-e", f"{k}={v}")),
               *(w for k, v in self.volumes.items() for w in ("-v", f"{v}:{FOLDERS[k]}")),
               *(w for k, v in self.ports.items() for w in ("-p", f"127.0.0.1:{v}:{self.base + k}")),
               IMAGE)
        return self

    def start(self):
        docker("start", self.name)
        return self

    def once(self, *words, **options):
        """A throw-away container on the config volume."""
        return docker("run", "--rm", "-v", f"{self.volumes['config']}:/tmp/docker-mailserver",
                      IMAGE, *words, **options)

    def close(self):
        docker("rm", "-f", self.name, check=False)
        docker("volume", "rm", "-f", *self.volumes.values(), check=False)


def compose_command():
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    return ["docker", "compose"]


class ComposeBox(Box):
    """compose.yaml and mailserver.env of the repository in a folder of their
    own; only the name and the host's ports differ."""

    def __init__(self, folder, env):
        super().__init__(unique("compose"), free_ports())
        self.dir = Path(folder)
        text = (ROOT / "compose.yaml").read_text()
        text = text.replace("container_name: mailserver", f"container_name: {self.name}")
        text = re.sub(r"image: \S+", f"image: {IMAGE}", text)
        for port, there in self.ports.items():
            assert f'"{port}:{port}"' in text
            text = text.replace(f'"{port}:{port}"', f'"127.0.0.1:{there}:{port}"')
        (self.dir / "compose.yaml").write_text(text)
        text = (ROOT / "mailserver.env").read_text()
        for key, value in {**QUIET_DNS, **env}.items():
            text, n = re.subn(rf"(?m)^{key}=$", f"{key}={value}", text)
            assert n == 1, f"{key} is not in mailserver.env"
        (self.dir / "mailserver.env").write_text(text)

    def compose(self, *words, **options):
        return run(*compose_command(), "-p", self.name, *words, cwd=self.dir, **options)

    def data(self, *parts):
        return self.dir.joinpath("docker-data", "dms", *parts)

    def close(self):
        self.compose("down", "-t", "5", check=False)
