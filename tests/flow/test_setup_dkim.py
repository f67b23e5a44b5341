"""setup dkim list, show, rotate and remove: the keys of opendkim/ from the
command line."""

import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from fakedns import FakeDns  # noqa: E402
from flow.test_setup_cli import BIN, Instance  # noqa: E402
from smtpsink import Sink  # noqa: E402
from stack import wait_for  # noqa: E402

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


# --- rotate


@pytest.fixture
def dns():
    d = FakeDns().start()
    yield d
    d.stop()


def rotate(box, dns, *args):
    return box("dkim", "rotate", DOMAIN, "--dns", dns.address, *args)


def zone_of(box, selector):
    """The record as setup prints it: several strings."""
    line = box.ok("dkim", "show", DOMAIN, selector).stdout.splitlines()[1]
    assert "._domainkey." in line
    return line


def fresh(box, dns, *args):
    """A rotation begun: the selector that waits."""
    before = keys(box)
    done = rotate(box, dns, "--no-wait", *args)
    assert done.returncode == 0 and "Not published: it is not there yet" in done.stdout
    new, = set(keys(box)) - set(before)
    assert f"{new}._domainkey.{DOMAIN}.\tIN\tTXT\t\"v=DKIM1;" in done.stdout
    return new


def test_rotate_signs_when_the_record_is_there(box, dns):
    rules = box.read("opendkim/SigningTable")
    new = fresh(box, dns)
    assert re.fullmatch(r"r\d{8}", new)
    assert box.read("opendkim/SigningTable") == rules
    assert keys(box)[new]["why"] == "waits for its record" and keys(box)["mail"]["signs"]
    # Again: the same key, still waiting.
    assert rotate(box, dns, "--no-wait").returncode == 0
    assert set(keys(box)) == {"mail", new}

    dns.set_zone(zone_of(box, new))
    done = rotate(box, dns)
    assert done.returncode == 0 and f"signed with '{new}' now" in done.stdout
    assert box.read("opendkim/SigningTable") == rules.replace(" mail._", f" {new}._")
    found = keys(box)
    assert found[new]["signs"]
    old = found["mail"]
    assert (old["signs"], old["why"]) == (False, "retired")
    assert (f"the key before, mail._domainkey.{DOMAIN},\npublished until {old['until']}"
            in done.stdout) and done.stderr == ""
    lines = box.ok("dkim", "list").stdout.splitlines()
    assert len({line.index("/") for line in lines if "/" in line}) == 1
    assert f"no, retired until {old['until']}" in box.ok("dkim", "list").stdout
    box.ok("config", "check")
    # Its record stays among those to publish.
    assert f"mail._domainkey.{DOMAIN}" in box.ok("dkim", "show", DOMAIN).stdout


@pytest.mark.parametrize("spoil, why", [
    (lambda line, other: other.replace("mail._", line.split("._")[0] + "._"), "another key"),
    (lambda line, other: line.replace("v=DKIM1;", "v=DKIM1; t=y;"), "testing flag"),
    (lambda line, other: re.sub(r"p=.*", 'p="', line), "revoked"),
    (lambda line, other: re.sub(r"p=M", "p=!", line), "p="),
    (lambda line, other: line + "\n" + line.replace("h=sha256; ", ""), "several records"),
    (lambda line, other: line.split(".\t")[0] + " SERVFAIL", "does not answer"),
])
def test_rotate_waits_for_the_right_record(box, dns, spoil, why):
    new = fresh(box, dns)
    dns.set_zone(spoil(zone_of(box, new), zone_of(box, "mail")))
    done = rotate(box, dns, "--no-wait")
    assert done.returncode == 0 and re.search(f"Not published: .*{why}", done.stdout), done.stdout
    assert keys(box)["mail"]["signs"] and not keys(box)[new]["signs"]


def test_rotate_waits_and_tells(box, dns):
    with subprocess.Popen([str(BIN / "setup"), "dkim", "rotate", DOMAIN, "--selector", "next",
                           "--dns", dns.address], env={**os.environ, **box.env},
                          stdout=subprocess.PIPE, text=True) as run:
        for line in run.stdout:
            if line.startswith("Waiting for"):
                break
        assert line == f"Waiting for next._domainkey.{DOMAIN} (0 min): it is not there yet\n"
        dns.set_zone(zone_of(box, "next"))
        rest = run.stdout.read()
        assert run.wait(20) == 0 and "signed with 'next' now" in rest
    done = rotate(box, dns, "--timeout", "0")
    assert done.returncode == 1 and "again" in done.stdout


def test_rotate_one_type_leaves_the_other(box, dns):
    box.ok("config", "dkim", "keytype", "ed25519", "selector", "ed")
    box.write("opendkim/SigningTable", box.read("opendkim/SigningTable") +
              f"*@alias.test mail._domainkey.{DOMAIN}\n")
    new = fresh(box, dns, "--type", "ed25519")
    assert new.startswith("e") and keys(box)[new]["algorithm"] == "ed25519"
    dns.set_zone(zone_of(box, new))
    assert rotate(box, dns).returncode == 0
    found = keys(box)
    assert {k: v["signs"] for k, v in found.items()} == {"mail": True, "ed": False, new: True}
    more = fresh(box, dns, "--bits", "3072")
    assert keys(box)[more]["bits"] == 3072
    dns.set_zone(zone_of(box, more))
    assert rotate(box, dns).returncode == 0
    assert box.read("opendkim/SigningTable").splitlines() == [
        f"*@{DOMAIN} {more}._domainkey.{DOMAIN}", f"*@{DOMAIN} {new}._domainkey.{DOMAIN}",
        f"*@alias.test {more}._domainkey.{DOMAIN}"]


def test_rotate_adds_a_type(box, dns):
    new = fresh(box, dns, "--type", "ed25519", "--selector", "two")
    dns.set_zone(zone_of(box, new))
    assert rotate(box, dns).returncode == 0
    assert all(k["signs"] for k in keys(box).values()) and len(keys(box)) == 2


def test_rotate_makes_the_first_key(tmp_path, dns):
    box = Instance(tmp_path)
    new = fresh(box, dns)
    dns.set_zone(zone_of(box, new))
    assert rotate(box, dns).returncode == 0
    assert box.read("opendkim/SigningTable") == f"*@{DOMAIN} {new}._domainkey.{DOMAIN}\n"


def test_retired_keys_go_when_their_time_is_over(box, dns):
    new = fresh(box, dns)
    dns.set_zone(zone_of(box, new))
    assert rotate(box, dns).returncode == 0
    table = re.sub(r"until \d{4}", "until 2020", box.read("opendkim/KeyTable"))
    box.write("opendkim/KeyTable", table)
    done = box.ok("dkim", "list", "--json")
    assert f"mail._domainkey.{DOMAIN}" in done.stderr
    assert [k["selector"] for k in json.loads(done.stdout)["keys"]] == [new]
    assert "mail" not in box.read("opendkim/KeyTable")
    assert [n for n in folder(box) if n.startswith("mail.private.removed-")]
    assert "mail.private" not in folder(box)


def test_rotate_says_what_is_wrong(box, dns):
    done = rotate(box, dns, "--selector", "mail", "--no-wait")
    assert done.returncode == 1 and "already" in done.stderr
    for args in (["--type", "dsa"], ["--bits", "512"], ["--bits", "2048", "--type", "ed25519"],
                 ["--selector", "a b"], ["--timeout", "x"], ["--never"]):
        assert rotate(box, dns, *args).returncode == 2, args
    assert set(keys(box)) == {"mail"} and folder(box) == {"mail.private", "mail.txt"}
    new = fresh(box, dns)
    done = rotate(box, dns, "--selector", "other", "--no-wait")
    assert done.returncode == 1 and new in done.stderr
    box.ok("dkim", "remove", DOMAIN, new)
    assert "pillarbox" not in box.read("opendkim/KeyTable")
    done = box.ok("dkim", "rotate", "tow.test", "--no-wait", "--dns", dns.address)
    assert "No account or alias is in 'tow.test'" in done.stderr


OTHER = "other.test MX 10 a.other.test\na.other.test A 127.0.0.2"


@pytest.mark.parametrize("layout", ["opendkim", "rspamd"])
def test_a_running_server_changes_over(make_stack, tmp_path, dns, layout):
    """Two types, an alias and a domain below; every mail has both signatures."""
    sink = Sink(host="127.0.0.2").start()
    dns.set_zone(OTHER)
    env = {"DNS_SERVERS": dns.address, "PILLARBOX_RELAY_PORT": sink.port}
    files = {"postfix-virtual.cf": "a@alias.test demo@example.test\n"
                                   "b@sub.example.test demo@example.test\n"}
    if layout == "rspamd":
        env |= {"ENABLE_OPENDKIM": "0", "ENABLE_RSPAMD": "1"}
        files |= rspamd_files(tmp_path)
    stack = make_stack(env=env, files=files)

    def tables():
        return stack.log().count("event=dkim-tables")

    def change(*words):
        mark = tables()
        done = stack.setup(*words)
        wait_for(lambda: tables() > mark, 15, "the new tables")
        return done

    sent = 0

    def signed_by(sender="demo@example.test"):
        nonlocal sent
        with stack.smtp_submit() as c:
            c.sendmail(sender, ["u@other.test"], f"From: {sender}\r\nSubject: x\r\n\r\nx\r\n")
        sent += 1
        body = sink.wait(sent)[sent - 1].body
        return list(zip(re.findall(rb"\bd=([^;]+);", body), re.findall(rb"\bs=([^;]+);", body)))

    domain = b"example.test"
    try:
        if layout == "opendkim":
            change("config", "dkim", "domain", "example.test")
            change("config", "dkim", "domain", "example.test", "keytype", "ed25519", "selector",
                   "ed")
        assert signed_by() == [(domain, b"mail"), (domain, b"ed")]
        assert signed_by("b@sub.example.test") == [(domain, b"mail"), (domain, b"ed")]
        change("dkim", "rotate", "example.test", "--selector", "next", "--no-wait")
        signing = stack.config("opendkim/SigningTable")
        with signing.open("a") as f:
            f.write("".join(f"*@alias.test {k}._domainkey.example.test\n" for k in ("mail", "ed")))
        shown = [line for line in stack.setup("dkim", "show", "example.test", "next"
                                              ).stdout.splitlines() if line[0] != ";"]
        dns.set_zone("\n".join([OTHER, *shown]))
        wait_for(lambda: signed_by("a@alias.test") == [(domain, b"mail"), (domain, b"ed")], 15,
                 "the alias is signed")
        assert signed_by() == [(domain, b"mail"), (domain, b"ed")]
        assert "now" in change("dkim", "rotate", "example.test").stdout
        for sender in ("demo@example.test", "a@alias.test", "b@sub.example.test"):
            assert signed_by(sender) == [(domain, b"next"), (domain, b"ed")], sender
        # The time of the old key is over: it goes without anybody asking.
        table = stack.config("opendkim/KeyTable")
        old = [k for k in json.loads(stack.setup("dkim", "list", "--json").stdout)["keys"]
               if k["selector"] == "mail"][0]
        assert Path(old["file"]).exists()
        table.write_text(table.read_text().replace("retired until 2", "retired until 1"))
        stack.wait_log("event=dkim-key-retired domain=example.test selector=mail", 15)
        assert not Path(old["file"]).exists() and "mail" not in table.read_text().split("over", 1)[-1]
        wait_for(lambda: signed_by() == [(domain, b"next"), (domain, b"ed")], 15, "as before")
        stack.stop()
        stack.start()
        assert signed_by() == [(domain, b"next"), (domain, b"ed")]
    finally:
        sink.stop()


def test_an_old_key_is_gone_after_a_start(make_stack):
    stack = make_stack()
    stack.setup("config", "dkim")
    stack.setup("config", "dkim", "selector", "old")
    stack.stop()
    table, rules = stack.config("opendkim/KeyTable"), stack.config("opendkim/SigningTable")
    rules.write_text(rules.read_text().replace("*@example.test old._domainkey.example.test\n", ""))
    table.write_text(table.read_text() + "# pillarbox: old._domainkey.example.test retired until "
                     "2026-01-01T00:00:00Z\n")
    stack.start()
    stack.wait_log("event=dkim-key-retired domain=example.test selector=old", 15)
    folder = table.parent / "keys/example.test"
    assert "old" not in table.read_text() and not (folder / "old.private").exists()
    assert list(folder.glob("old.private.removed-*")) and (folder / "mail.private").exists()


# --- rspamd's layout


CONF = "rspamd/override.d/dkim_signing.conf"


def rspamd_files(folder):
    """{name in the config folder: text}, as rspamd-dkim of docker-mailserver
    leaves it, and an Ed25519 key beside."""
    rsa, ed = folder / "rsa.pem", folder / "ed.pem"
    subprocess.run(["openssl", "genrsa", "-out", rsa, "2048"], check=True, capture_output=True)
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", ed], check=True)
    seed = subprocess.run(["openssl", "pkey", "-in", ed, "-outform", "DER"], check=True,
                          capture_output=True).stdout[-32:]
    place = "/tmp/docker-mailserver/rspamd/dkim/"
    names = "rsa-2048-mail-example.test.private.txt", "ed25519-ed-example.test.private.txt"
    return {
        "rspamd/dkim/" + names[0]: rsa.read_text(),
        "rspamd/dkim/" + names[1]: base64.b64encode(seed).decode() + "\n",
        CONF: "# documentation: https://rspamd.com/doc/modules/dkim_signing.html\n\n"
              "enabled = true;\n\nsign_authenticated = true;\nsign_local = false;\n"
              "try_fallback = false;\n\nuse_domain = \"header\";\nuse_redis = false;\n"
              "use_esld = true;\nallow_username_mismatch = true;\n\ncheck_pubkey = true;\n\n"
              "domain {\n    example.test {\n        selectors [\n"
              f"            {{ path = \"{place}{names[0]}\"; selector = \"mail\"; }},\n"
              f"            {{ path = \"{place}{names[1]}\"; selector = \"ed\"; }}\n"
              "        ]\n    }\n}\n",
    }


@pytest.fixture
def rspamd(tmp_path):
    b = Instance(tmp_path)
    for name, text in rspamd_files(tmp_path).items():
        b.write(name, text)
    b.write("postfix-accounts.cf", "a@example.test|h\n")
    return b


def test_rspamd_keys_are_listed_as_found(rspamd):
    found = json.loads(rspamd.ok("dkim", "list", "--json").stdout)
    assert found["layout"] == "rspamd"
    assert [(k["domain"], k["selector"], k["algorithm"], k["bits"], k["signs"])
            for k in found["keys"]] == [("example.test", "mail", "rsa", 2048, True),
                                        ("example.test", "ed", "ed25519", 256, True)]
    assert CONF in rspamd.ok("dkim", "list").stdout
    assert rspamd.ok("dkim", "show", "example.test", "ed").stdout.count("k=ed25519") == 1
    done = rspamd("config", "check", ENABLE_OPENDKIM="0")
    assert CONF in done.stdout + done.stderr
    assert not (rspamd.config / "opendkim").exists()


def test_rspamd_keys_sign_with_rspamds_switch(rspamd):
    def signs(**env):
        found = json.loads(rspamd.ok("dkim", "list", "--json", **env).stdout)["keys"]
        return {k["signs"] for k in found}

    both = {"ENABLE_OPENDKIM": "0", "ENABLE_RSPAMD": "1"}
    assert signs(ENABLE_OPENDKIM="0") == {False}
    assert signs(**both) == {True}
    # What OpenDKIM left behind does not count there.
    rspamd.write("opendkim/KeyTable", "x example.test:x:/etc/opendkim/x\n")
    assert signs(**both) == {True}
    assert signs() == {False}


def test_rspamd_keys_are_taken_over_by_the_first_change(rspamd):
    done = rspamd.ok("dkim", "remove", "example.test", "ed")
    assert CONF in done.stderr
    found = json.loads(rspamd.ok("dkim", "list", "--json").stdout)
    assert found["layout"] == "opendkim"
    assert [(k["selector"], k["signs"]) for k in found["keys"]] == [("mail", True)]
    assert rspamd.read(CONF) and len(list((rspamd.config / "rspamd/dkim").iterdir())) == 2


def test_rspamd_keys_go_on_beside_a_new_one(rspamd):
    done = rspamd.ok("config", "dkim", "selector", "new")
    assert CONF in done.stderr
    found = json.loads(rspamd.ok("dkim", "list", "--json").stdout)
    assert [(k["selector"], k["signs"]) for k in found["keys"]] == [
        ("mail", True), ("ed", True), ("new", True)]
    rspamd.ok("config", "check")


def test_rspamd_keys_sign(make_stack, tmp_path, dns):
    verifier = pytest.importorskip("dkim")
    sink = Sink(host="127.0.0.2").start()
    dns.set_zone("other.test MX 10 a.other.test\na.other.test A 127.0.0.2")
    stack = make_stack(env={"DNS_SERVERS": dns.address, "PILLARBOX_RELAY_PORT": sink.port,
                            "ENABLE_OPENDKIM": "0", "ENABLE_RSPAMD": "1"},
                       files=rspamd_files(tmp_path))
    try:
        with stack.smtp_submit() as c:
            c.sendmail("demo@example.test", ["u@other.test"],
                       "From: demo@example.test\r\nSubject: x\r\n\r\nx\r\n")
        body = sink.wait(1)[0].body
    finally:
        sink.stop()
    records = {line.split(".\t")[0]: "".join(re.findall(r'"([^"]*)"', line)).encode()
               for line in stack.setup("dkim", "show", "example.test").stdout.splitlines()
               if line[0] != ";"}
    assert re.findall(rb"\bs=([^;]+);", body) == [b"mail", b"ed"]
    for i in range(2):
        assert verifier.DKIM(body).verify(
            idx=i, dnsfunc=lambda name, timeout=5: records[name.decode().rstrip(".")])
