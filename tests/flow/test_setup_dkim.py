"""setup dkim list, show and remove: the keys of opendkim/ from the command
line."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from flow.test_setup_cli import Instance  # noqa: E402

DOMAIN = "one.test"


@pytest.fixture
def box(tmp_path):
    b = Instance(tmp_path)
    b.write("postfix-accounts.cf", f"a@{DOMAIN}|h\n")
    b.ok("config", "dkim")
    return b


def keys(box, *args, **env):
    """{selector: row} of setup dkim list."""
    return {k["selector"]: k for k in
            json.loads(box.ok("dkim", "list", "--json", *args, **env).stdout)["keys"]}


def folder(box):
    return {p.name for p in (box.config / "opendkim/keys" / DOMAIN).iterdir()}


# --- list


def test_list_says_what_each_key_is(box):
    box.ok("config", "dkim", "keytype", "ed25519", "selector", "ed")
    box.ok("config", "dkim", "domain", "two.test", "keysize", "1024")
    found = keys(box, DOMAIN)
    path = str(box.config / "opendkim/keys" / DOMAIN / "mail.private")
    assert found["mail"] == {"domain": DOMAIN, "selector": "mail", "algorithm": "rsa", "bits": 2048,
                             "signs": True, "why": "", "until": "", "file": path}
    assert (found["ed"]["algorithm"], found["ed"]["bits"], found["ed"]["signs"]) == (
        "ed25519", 256, True)
    lines = box.ok("dkim", "list").stdout.splitlines()
    assert lines[0].split() == ["DOMAIN", "SELECTOR", "ALGORITHM", "BITS", "SIGNS", "NOW", "FILE"]
    assert lines[1].split() == [DOMAIN, "mail", "rsa", "2048", "yes", path]
    assert [line.split()[:4] for line in lines[2:]] == [
        [DOMAIN, "ed", "ed25519", "256"], ["two.test", "mail", "rsa", "1024"]]


def test_list_says_why_a_key_does_not_sign(box):
    assert keys(box, ENABLE_OPENDKIM="0")["mail"]["why"] == "ENABLE_OPENDKIM is 0"
    rules = box.read("opendkim/SigningTable")
    box.write("opendkim/SigningTable", "")
    assert keys(box)["mail"]["why"] == "not in SigningTable"
    box.write("opendkim/SigningTable", rules)
    (box.config / "opendkim/keys" / DOMAIN / "mail.private").write_text("nonsense")
    assert keys(box)["mail"]["why"] == "no usable private key"


def test_list_without_keys(tmp_path):
    assert "no DKIM key" in Instance(tmp_path).ok("dkim", "list").stdout


# --- show


def test_show_prints_what_dns_prints(box):
    box.ok("config", "dkim", "keytype", "ed25519", "selector", "ed")
    every = box.ok("dns", DOMAIN, OVERRIDE_HOSTNAME="mail.example.test").stdout.splitlines()
    wanted = [line for line in every if "._domainkey." in line]
    shown = box.ok("dkim", "show", DOMAIN).stdout.splitlines()
    assert len(wanted) == 2 and [x for x in shown if not x.startswith(";")] == wanted
    assert box.ok("dkim", "show", DOMAIN, "ed").stdout.splitlines()[1:] == wanted[1:]
    panel = box.ok("dkim", "show", "--panel", DOMAIN, "ed").stdout.splitlines()
    assert panel[0].split() == ["HOST", "TYPE", "VALUE"]
    assert panel[1].split()[:3] == ["ed._domainkey", "TXT", "v=DKIM1;"]


def test_show_of_what_is_not_there(box):
    for args in ((DOMAIN, "none"), ("none.test",)):
        done = box("dkim", "show", *args)
        assert done.returncode == 1 and "no DKIM key" in done.stderr
    assert box("dkim", "show").returncode == 2


# --- remove


def test_remove_keeps_the_last_key(box):
    done = box("dkim", "remove", DOMAIN, "mail")
    assert done.returncode == 1 and "last key" in done.stderr
    assert keys(box)["mail"]["signs"]
    box.ok("dkim", "remove", DOMAIN, "mail", "--force")
    assert keys(box) == {} and box.read("opendkim/SigningTable") == ""


def test_remove_leaves_the_rest_as_it_was(box):
    tables = ["opendkim/KeyTable", "opendkim/SigningTable"]
    before = ["# by hand\r\n" + box.read(name) for name in tables]
    for name, text in zip(tables, before):
        box.write(name, text)
    box.ok("config", "dkim", "selector", "more")
    more = (box.config / "opendkim/keys" / DOMAIN / "more.private").read_bytes()
    out = box.ok("dkim", "remove", DOMAIN, "more").stdout
    assert [(box.config / n).read_bytes().decode() for n in tables] == before
    aside = [n for n in folder(box) if n.startswith("more.private.removed-")]
    assert len(aside) == 1 and aside[0] in out
    assert f"more._domainkey.{DOMAIN}" in out
    kept = box.config / "opendkim/keys" / DOMAIN / aside[0]
    assert kept.read_bytes() == more and kept.stat().st_mode & 0o777 == 0o600
    # The selector is free again.
    box.ok("config", "dkim", "selector", "more")
    assert (box.config / "opendkim/keys" / DOMAIN / "more.private").read_bytes() != more
    box.ok("config", "check")


def test_remove_with_purge(box):
    box.ok("config", "dkim", "selector", "more")
    box.ok("dkim", "remove", "--purge", DOMAIN, "more")
    assert folder(box) == {"mail.private", "mail.txt"}


def test_remove_leaves_a_file_that_others_use(box):
    box.write("opendkim/KeyTable", box.read("opendkim/KeyTable") +
              f"x {DOMAIN}:x:/etc/opendkim/keys/{DOMAIN}/mail.private\n")
    box.ok("dkim", "remove", "--purge", DOMAIN, "x")
    assert folder(box) == {"mail.private", "mail.txt"}


def test_remove_of_what_is_not_there(box):
    done = box("dkim", "remove", DOMAIN, "none")
    assert done.returncode == 1 and "no DKIM key" in done.stderr
    assert box("dkim", "remove", DOMAIN).returncode == 2
