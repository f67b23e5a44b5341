"""setup config dkim where rspamd takes OpenDKIM's place (rspamd-dkim of
docker-mailserver), and the keys' life from there on."""

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
from flow.test_setup_cli import BIN, Instance, check_error  # noqa: E402
from smtpsink import Sink  # noqa: E402
from stack import wait_for  # noqa: E402

DOMAIN = "example.test"
CONF = "rspamd/override.d/dkim_signing.conf"
RSPAMD = {"ENABLE_OPENDKIM": "0", "ENABLE_RSPAMD": "1"}


@pytest.fixture
def box(tmp_path):
    b = Instance(tmp_path)
    b.env |= {**RSPAMD, "OVERRIDE_HOSTNAME": "mail." + DOMAIN}
    b.write("postfix-accounts.cf", f"a@{DOMAIN}|h\n")
    return b


@pytest.fixture
def dns():
    d = FakeDns().start()
    yield d
    d.stop()


def texts(done):
    """What the lines of the log say, without date and level."""
    return [line.split("rspamd-dkim: ", 1)[-1] for line in done.stdout.splitlines()]


def keys(box, **env):
    found = json.loads(box.ok("dkim", "list", "--json", **env).stdout)
    return found["layout"], {k["selector"]: k["signs"] for k in found["keys"]}


def test_makes_the_files_of_rspamd(box):
    done = box.ok("config", "dkim")
    base = box.config / "rspamd/dkim"
    name = f"rsa-2048-mail-{DOMAIN}."
    assert {p.name: p.stat().st_mode & 0o777 for p in base.iterdir()} == {
        name + "private.txt": 0o600, name + "public.txt": 0o644, name + "public.dns.txt": 0o644}
    record = (base / (name + "public.dns.txt")).read_text()
    public = subprocess.run(
        ["openssl", "pkey", "-in", base / (name + "private.txt"), "-pubout", "-outform", "DER"],
        check=True, capture_output=True).stdout
    assert record == f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}\n"
    zone = (base / (name + "public.txt")).read_text()
    assert zone.startswith('mail._domainkey IN TXT ( "v=DKIM1; k=rsa; "\n\t"p=MII')
    assert zone.endswith('" ) ;\n')
    strings = re.findall(r'"([^"]*)"', zone)
    assert "".join(strings) == record.strip() and max(map(len, strings)) <= 253
    assert texts(done) == [
        f"Creating DKIM keys of type 'rsa' and length '2048' with selector 'mail' for domain "
        f"'{DOMAIN}'",
        "Successfully created DKIM keys",
        f"Supplying a default configuration (to '{box.config / CONF}')",
        f"Here is the content of the TXT DNS record mail._domainkey.{DOMAIN} that you need to "
        "create:", record.strip()]
    assert done.stderr == ""
    conf = box.read(CONF)
    assert (f'path = "/tmp/docker-mailserver/rspamd/dkim/{name}private.txt";' in conf
            and 'selector = "mail";' in conf and "use_domain = \"header\";" in conf)
    assert keys(box) == ("rspamd", {"mail": True})
    assert not (box.config / "opendkim").exists()
    box.ok("config", "check")


def test_ed25519_and_options(box):
    done = box.ok("config", "dkim", "-v", "keytype", "ed25519", "selector", "ed", "domain",
                  "Two.test", "keysize", "2048")
    assert texts(done)[:5] == [
        "Enabled debug-logging", "Keytype set to 'ed25519'", "Selector set to 'ed'",
        "Domain set to 'Two.test'", "Keysize set to '2048'"]
    assert "Creating DKIM keys of type 'ed25519' with selector 'ed' for domain 'two.test'" in \
        texts(done)
    private = base64.b64decode((box.config / "rspamd/dkim/ed25519-ed-two.test.private.txt")
                               .read_text())
    public = (box.config / "rspamd/dkim/ed25519-ed-two.test.public.dns.txt").read_text()
    assert len(private) == 64
    assert public == f"v=DKIM1; k=ed25519; p={base64.b64encode(private[32:]).decode()}\n"
    assert keys(box) == ("rspamd", {"ed": True})
    shown = box.ok("dkim", "show", "two.test").stdout
    assert public.strip().split("p=")[1] in shown
    lines = texts(box.ok("config", "dkim", "keysize", "1024", "selector", "more", "-vv"))
    assert "Enabled trace-logging" in lines and lines[-1] == "Finished DKIM key creation"
    assert (box.config / f"rspamd/dkim/rsa-1024-more-{DOMAIN}.private.txt").exists()


def test_only_the_first_key_is_configured(box):
    box.ok("config", "dkim")
    before = box.read(CONF)
    done = box.ok("config", "dkim", "selector", "more")
    assert (f"'{box.config / CONF}' exists, not supplying a default ('--force' does not overwrite "
            "this file, manual adjustment required)") in texts(done)
    assert box.read(CONF) == before
    assert "does not sign yet" in done.stderr and f"rsa-2048-more-{DOMAIN}" in done.stderr


def test_files_are_overwritten_by_force_only(box):
    box.ok("config", "dkim")
    private = box.config / f"rspamd/dkim/rsa-2048-mail-{DOMAIN}.private.txt"
    before = private.read_text()
    done = box("config", "dkim")
    assert done.returncode == 1 and "Aborting" not in done.stderr
    assert ("ERROR rspamd-dkim: Not overwriting existing files (use '--force' to overwrite "
            "existing files)") in done.stderr
    assert private.read_text() == before
    for force in ("-f", "--force"):
        done = box.ok("config", "dkim", force)
        assert "Overwriting existing files as the '--force' option was supplied" in texts(done)
        assert private.read_text() != before and done.stderr == ""


def test_says_what_is_wrong(box):
    for args, text in (
            (["keytype"], "No keytype provided after 'keytype' argument"),
            (["keytype", "dsa"], "Unknown keytype 'dsa'"),
            (["keysize", ""], "No keysize provided after 'keysize' argument"),
            (["keytype", "ed25519", "keysize", "4096"],
             "Chosen keytype does not accept the 'keysize' argument"),
            (["what"], "Unknown option(s) 'what'"),
            (["domain", "a.test,b.test"], "One domain at a time"),
            (["domain", "a b"], "'a b' is not a domain")):
        check_error(box("config", "dkim", *args), "rspamd-dkim", text)
    done = box.ok("config", "dkim", "keysize", "1024", "help")
    assert "rspamd-dkim - Configure DKIM" in done.stdout
    assert not (box.config / "rspamd").exists()


def test_warns_where_both_are_on(box):
    done = box.ok("config", "dkim", ENABLE_OPENDKIM="1")
    assert ("Conflicting DKIM support, both Rspamd and OpenDKIM enabled - OpenDKIM will manage "
            "DKIM keys") in done.stderr
    assert (box.config / "opendkim/KeyTable").exists() and not (box.config / "rspamd").exists()


def test_is_a_program_of_that_name(box, tmp_path):
    link = tmp_path / "rspamd-dkim"
    link.symlink_to(BIN / "setup")
    done = subprocess.run([link, "selector", "x"], env={**os.environ, **box.env},
                          capture_output=True, text=True)
    assert done.returncode == 0 and "rspamd-dkim: Successfully" in done.stdout, done
    done = subprocess.run([link, "help"], env={**os.environ, **box.env}, capture_output=True,
                          text=True)
    assert done.stdout.splitlines()[3].strip().startswith("rspamd-dkim - Configure DKIM")


def test_says_that_the_volume_is_not_mounted(box):
    box.config.rename(box.config.with_name("elsewhere"))
    assert "no mounted volume" in box("config", "dkim").stderr


# --- what lies in opendkim/ from before


def test_old_opendkim_keys_do_not_count(box):
    box.ok("config", "dkim", ENABLE_OPENDKIM="1", ENABLE_RSPAMD="0", selector="old")
    assert keys(box) == ("rspamd", {})
    box.ok("config", "dkim", "selector", "new")
    assert keys(box) == ("rspamd", {"new": True})
    box.ok("config", "check")


def test_rotation_goes_on_after_a_restart(box, dns):
    box.ok("config", "dkim", ENABLE_OPENDKIM="1", ENABLE_RSPAMD="0")
    box.ok("config", "dkim", "selector", "now")
    ed = ["keytype", "ed25519", "selector", "ed"]
    box.ok("config", "dkim", *ed)
    box.write(CONF, box.read(CONF).replace("    }\n}\n", f"""    }}
    {DOMAIN} {{ path = "/tmp/docker-mailserver/rspamd/dkim/ed25519-ed-{DOMAIN}.private.txt";
        selector = "ed"; }}\n}}\n"""))
    assert keys(box) == ("rspamd", {"now": True, "ed": True})
    done = box.ok("dkim", "rotate", DOMAIN, "--no-wait", "--selector", "next", "--dns", dns.address)
    assert CONF in done.stderr
    # The new one waits; what signed signs, and what did not does not.
    assert keys(box) == ("opendkim", {"now": True, "ed": True, "next": False})
    dns.set_zone(next(line for line in box.ok("dkim", "show", DOMAIN, "next").stdout.splitlines()
                      if line[0] != ";"))
    box.ok("dkim", "rotate", DOMAIN, "--dns", dns.address)
    assert keys(box) == ("opendkim", {"now": False, "ed": True, "next": True})
    assert "# pillarbox took over " + CONF in box.read("opendkim/KeyTable").splitlines()
    assert f"#*@{DOMAIN} mail._domainkey.{DOMAIN}" in box.read("opendkim/SigningTable")
    box.ok("config", "check")
    # From now on that is where new keys go.
    box.ok("config", "dkim", "selector", "third")
    assert keys(box)[1]["third"]


def test_the_first_key_may_be_a_rotation(box, dns):
    box.ok("dkim", "rotate", DOMAIN, "--no-wait", "--selector", "one", "--dns", dns.address)
    dns.set_zone(next(line for line in box.ok("dkim", "show", DOMAIN, "one").stdout.splitlines()
                      if line[0] != ";"))
    box.ok("dkim", "rotate", DOMAIN, "--dns", dns.address)
    assert keys(box) == ("opendkim", {"one": True})


def test_a_running_server_signs_at_once(make_stack, dns):
    verifier = pytest.importorskip("dkim")
    sink = Sink(host="127.0.0.2").start()
    dns.set_zone("other.test MX 10 a.other.test\na.other.test A 127.0.0.2")
    stack = make_stack(env={"DNS_SERVERS": dns.address, "PILLARBOX_RELAY_PORT": sink.port,
                            **RSPAMD})
    try:
        for i, keytype in enumerate(("rsa", "ed25519"), 1):
            if i == 2:
                stack.config(CONF).unlink()
            stack.setup("config", "dkim", "keytype", keytype)
            wait_for(lambda: stack.log().count("event=dkim-tables keys=1 rules=1") >= i, 15,
                     "the new table")
            with stack.smtp_submit() as c:
                c.sendmail("demo@example.test", ["u@other.test"],
                           "From: demo@example.test\r\nSubject: x\r\n\r\nx\r\n")
            record = next(stack.config("rspamd/dkim").glob(keytype + "*.public.dns.txt")).read_bytes()
            body = sink.wait(i)[i - 1].body
            assert body.count(b"DKIM-Signature:") == 1
            assert verifier.DKIM(body).verify(dnsfunc=lambda name, timeout=5: record)
    finally:
        sink.stop()
