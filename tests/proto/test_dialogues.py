"""The dialogues in *.talk, with the SMTP server alone and with a whole stack."""

import base64
import importlib.machinery
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
TOOLS = HERE.parent / "tools"
sys.path.insert(0, str(TOOLS))

from harness import FakeAuth, FakeQueue, FakeResolver, Harness  # noqa: E402

loader = importlib.machinery.SourceFileLoader("talk", str(TOOLS / "talk"))
talk = importlib.util.module_from_spec(importlib.util.spec_from_loader("talk", loader))
loader.exec_module(talk)

DIALOGUES = sorted(HERE.glob("*.talk"))


def variables(ports, user, password, hostname):
    domain = user.split("@")[1]

    def b64(text):
        return base64.b64encode(text.encode()).decode()
    words = {
        "hostname": hostname, "user": user, "domain": domain,
        "unknown": f"nobody-here@{domain}", "stranger": "someone@elsewhere.example",
        "plain": b64(f"\0{user}\0{password}"), "login_user": b64(user),
        "login_password": b64(password),
        "port_mx": ports["25"], "port_submit": ports["587"],
        "port_submissions": ports["465"],
    }
    return {"TALK_" + k.upper(): str(v) for k, v in words.items()}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    d = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", d / "key.pem",
                    "-out", d / "cert.pem", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost"],
                   check=True, capture_output=True)
    return {"tls-cert": (d / "cert.pem").read_bytes(),
            "tls-key": (d / "key.pem").read_bytes(),
            "tls": b""}  # the pair is whole


@pytest.fixture(scope="module")
def alone(certificate):
    user, password, name = "u@b.test", "secret", "mail.b.test"
    auth = dict(users=[user], passwords={user: password})
    mx = Harness("smtp", "smtp-mx", {"hostname": name}, ["25"], {
        "auth.lookup": FakeAuth(**auth), "queue.submit": FakeQueue(),
        "resolver": FakeResolver()}, certificate)
    submit = Harness("smtp", "smtp-submit", {"hostname": name}, ["587", "465"], {
        "auth.lookup": FakeAuth(**auth), "auth.verify": FakeAuth(**auth),
        "queue.submit": FakeQueue(), "resolver": FakeResolver()}, certificate)
    with mx, submit:
        ports = {"25": mx.port("25"), "587": submit.port("587"), "465": submit.port("465")}
        yield variables(ports, user, password, name)


@pytest.mark.parametrize("path", DIALOGUES, ids=lambda p: p.stem)
def test_alone(alone, path):
    talk.Talk(alone).run(path.read_text())


@pytest.mark.parametrize("path", DIALOGUES, ids=lambda p: p.stem)
def test_stack(shared_stack, path):
    user, password = shared_stack.demo
    ports = {p: shared_stack.port(int(p)) for p in ("25", "587", "465")}
    talk.Talk(variables(ports, user, password, "mail.example.test")).run(path.read_text())
