"""setup dkim rotate and the end of old keys, killed or refused at each call that
changes the disk: the mail is signed with both types at every moment, the
configuration stays one that the server starts with, and the same command goes
on where it was cut off."""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from fakedns import FakeDns  # noqa: E402
from flow.test_setup_cli import Instance  # noqa: E402

DOMAIN = "example.test"
FAULTLIB = Path(__file__).resolve().parent.parent / "faults/faultlib.c"
ENOSPC = 28
CALLS_MAX = 200  # of one command; it has far fewer


@pytest.fixture(scope="module")
def faultlib(tmp_path_factory):
    library = tmp_path_factory.mktemp("faults") / "faultlib.so"
    subprocess.run(["cc", "-D_GNU_SOURCE", "-O1", "-fPIC", "-shared", "-o", library, FAULTLIB,
                    "-ldl"], check=True)
    return library


@pytest.fixture
def dns():
    d = FakeDns().start()
    yield d
    d.stop()


def with_keys(root, layout):
    """An instance that signs with two keys, for an alias and below, too."""
    box = Instance(root)
    box.write("postfix-accounts.cf", f"a@{DOMAIN}|h\n")
    if layout == "opendkim":
        box.ok("config", "dkim")
        box.ok("config", "dkim", "keytype", "ed25519", "selector", "ed")
        box.write("opendkim/SigningTable", box.read("opendkim/SigningTable") +
                  f"*@alias.test mail._domainkey.{DOMAIN}\n*@alias.test ed._domainkey.{DOMAIN}\n")
        return box
    box.env |= {"ENABLE_OPENDKIM": "0", "ENABLE_RSPAMD": "1"}
    # And what OpenDKIM left behind.
    box.ok("config", "dkim", "selector", "old", ENABLE_OPENDKIM="1", ENABLE_RSPAMD="0")
    box.ok("config", "dkim")
    box.ok("config", "dkim", "keytype", "ed25519", "selector", "ed")
    conf = "rspamd/override.d/dkim_signing.conf"
    folder = "/tmp/docker-mailserver/rspamd/dkim"
    box.write(conf, f"""domain {{ {DOMAIN} {{ selectors [
        {{ path = "{folder}/rsa-2048-mail-{DOMAIN}.private.txt"; selector = "mail"; }},
        {{ path = "{folder}/ed25519-ed-{DOMAIN}.private.txt"; selector = "ed"; }}
    ] }} }}\n""")
    return box


class Copy(Instance):
    """The instance again, its files in another folder."""

    def __init__(self, box, root):
        root.mkdir()
        super().__init__(root)
        shutil.copytree(box.config, self.config)
        self.env = {**box.env, **{k: v for k, v in self.env.items() if k.startswith("PILLARBOX")}}

    def keys(self):
        found = json.loads(self.ok("dkim", "list", "--json").stdout)["keys"]
        return {k["selector"]: k for k in found}

    def check(self):
        """Signable, with both types, for all who were; and fit to start."""
        signing = {k["algorithm"] for k in self.keys().values() if k["signs"]}
        assert signing == {"rsa", "ed25519"}, self.keys()
        self.ok("config", "check")


def each_fault(box, tmp_path, faultlib, errno, args, then):
    """Runs the command on a copy of box once for each call, and then(copy, whether
    it struck, its exit status); until none is left to strike at."""
    def one(at):
        copy = Copy(box, tmp_path / f"at{at}")
        done = copy(*args, LD_PRELOAD=str(faultlib), FAULT_AT=str(at), FAULT_ERRNO=str(errno),
                    FAULT_AFTER=str(at % 2), ASAN_OPTIONS="verify_asan_link_order=0")
        struck = done.stdout.startswith("fired\n") or "\nfired\n" in done.stdout
        assert struck or done.returncode == 0, (at, done)
        copy.check()
        then(copy, done)
        shutil.rmtree(copy.root)
        return struck

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for first in range(1, CALLS_MAX, 4):
            if not all(pool.map(one, range(first, first + 4))):
                return first
    raise AssertionError("it does not end")


def publish(dns, box, selector):
    dns.set_zone(next(line for line in box.ok("dkim", "show", DOMAIN, selector).stdout.splitlines()
                      if line[0] != ";"))


@pytest.mark.parametrize("layout", ["opendkim", "rspamd"])
@pytest.mark.parametrize("errno", [0, ENOSPC], ids=["killed", "full"])
def test_at_each_step(tmp_path, faultlib, dns, layout, errno):
    (tmp_path / "base").mkdir()
    box = with_keys(tmp_path / "base", layout)
    begin = ["dkim", "rotate", DOMAIN, "--no-wait", "--type", "ed25519", "--dns", dns.address]
    end = ["dkim", "rotate", DOMAIN, "--timeout", "0", "--dns", dns.address]

    def after_begin(copy, done):
        assert {k for k, v in copy.keys().items() if v["signs"]} == {"mail", "ed"}
        copy.ok(*begin)
        assert len([k for k in copy.keys().values() if k["why"] == "waits for its record"]) == 1
        copy.check()

    assert each_fault(box, tmp_path, faultlib, errno, begin, after_begin) > 4
    box.ok(*begin)
    new, = {k["selector"] for k in json.loads(box.ok("dkim", "list", "--json").stdout)["keys"]
            } - {"mail", "ed"}
    publish(dns, box, new)

    def after_end(copy, done):
        if not copy.keys()[new]["signs"] or "pillarbox: " + new in copy.read("opendkim/KeyTable"):
            copy.ok(*end)
        keys = copy.keys()
        assert [keys[k]["signs"] for k in ("mail", "ed", new)] == [True, False, True]
        assert keys["ed"]["why"] == "retired" and keys["ed"]["until"]
        copy.check()
        assert "waits" not in copy.read("opendkim/KeyTable")

    assert each_fault(box, tmp_path, faultlib, errno, end, after_end) > 4
    box.ok(*end)
    table = box.read("opendkim/KeyTable")
    until = json.loads(box.ok("dkim", "list", "--json").stdout)["keys"]
    box.write("opendkim/KeyTable", table.replace("retired until " + next(
        k["until"] for k in until if k["until"]), "retired until 2020-01-01"))

    def after_retire(copy, done):
        assert set(copy.keys()) == {"mail", new}

    assert each_fault(box, tmp_path, faultlib, errno, ["dkim", "list"], after_retire) > 1


def test_two_at_once(tmp_path, dns):
    (tmp_path / "base").mkdir()
    box = with_keys(tmp_path / "base", "opendkim")
    copy = Copy(box, tmp_path / "copy")
    args = "dkim", "rotate", DOMAIN, "--no-wait", "--type", "ed25519", "--dns", dns.address
    with ThreadPoolExecutor(4) as pool:
        assert {d.returncode for d in pool.map(lambda _: copy(*args), range(4))} == {0}
    new, = set(copy.keys()) - {"mail", "ed"}
    publish(dns, copy, new)
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: copy("dkim", "rotate", DOMAIN, "--timeout", "0", "--dns",
                                            dns.address), range(4)))
    # All that began before the first was done say that it is.
    good = [d for d in done if d.returncode == 0]
    assert good and all(f"signed with '{new}' now" in d.stdout for d in good), done
    keys = copy.keys()
    assert keys[new]["signs"] and keys["ed"]["why"] == "retired" and keys["mail"]["signs"]
    copy.check()
