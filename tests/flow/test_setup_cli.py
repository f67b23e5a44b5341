"""setup: docker-mailserver's commands, with their texts, exit statuses and
effects on files (docs of the commands: "setup help")."""

import crypt
import os
import pathlib
import pty
import re
import select
import socket
import subprocess
import threading
import time

import pytest

BIN = pathlib.Path(os.environ.get("PILLARBOX_BIN", "build/bin")).resolve()


class Instance:
    def __init__(self, root):
        self.root = root
        self.config = root / "config"
        self.mail = root / "mail"
        self.run_dir = root / "run"
        self.run_dir.mkdir()
        self.env = {
            "PATH": "/usr/bin:/bin",
            "OVERRIDE_HOSTNAME": "mail.example.test",
            "PILLARBOX_CONFIG_DIR": str(self.config),
            "PILLARBOX_MAIL_DIR": str(self.mail),
            "PILLARBOX_STATE_DIR": str(root / "state"),
            "PILLARBOX_RUN_DIR": str(self.run_dir),
        }

    def __call__(self, *args, stdin="", program="setup", **env):
        return subprocess.run([str(BIN / program), *args], input=stdin, text=True,
                              capture_output=True, timeout=60,
                              env={**self.env, **env})

    def ok(self, *args, **kw):
        done = self(*args, **kw)
        assert done.returncode == 0, (args, done.stdout, done.stderr)
        return done

    def read(self, name):
        return (self.config / name).read_text()

    def write(self, name, text):
        path = self.config / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())

    def on_tty(self, args, dialogue):
        """Runs setup on a terminal: a list of (expected text, answer)."""
        pid, fd = pty.fork()
        if pid == 0:
            os.execve(str(BIN / "setup"), ["setup", *args], self.env)
        seen = b""
        end = time.monotonic() + 20
        for expected, answer in dialogue + [(None, None)]:
            while expected is None or expected not in seen:
                assert time.monotonic() < end, seen
                if not select.select([fd], [], [], 1)[0]:
                    continue
                try:
                    data = os.read(fd, 4096)
                except OSError:
                    data = b""
                if not data:
                    break
                seen += data
            if expected is None:
                break
            assert expected in seen, seen
            # The terminal may echo until setup has switched it off.
            time.sleep(0.1)
            os.write(fd, answer)
        os.close(fd)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen


@pytest.fixture
def box(tmp_path):
    return Instance(tmp_path)


def check_error(done, tool, text):
    assert done.returncode == 1, done
    lines = done.stderr.splitlines()
    assert lines[-2].endswith(f" ERROR {tool}: {text}"), done.stderr
    assert lines[-1].endswith(f" ERROR {tool}: Aborting"), done.stderr


def check_hash(line, address, password):
    found = re.fullmatch(r"(.*)\|\{SHA512-CRYPT\}(\$6\$[A-Za-z0-9./]{16}\$\S{86})", line)
    assert found and found[1] == address, line
    assert crypt.crypt(password, found[2]) == found[2]


# --- general ----------------------------------------------------------------

def test_usage_and_unknown_commands(box):
    for args in [(), ("help",)]:
        done = box.ok(*args)
        assert ("This is the main administration command that you use for all "
                "your interactions with") in done.stdout
    for args in [("lol", "troll"), ("email", "lol"), ("email",), ("queue", "x", "y")]:
        done = box(*args)
        assert done.returncode == 2
        assert done.stderr == (f"The command '{' '.join(args)}' is invalid.\n"
                               "Use `setup help` to get an overview of all commands.\n")


def test_each_command_has_a_usage(box):
    for args, tool in [("email add", "addmailuser"), ("email update", "updatemailuser"),
                       ("email del", "delmailuser"), ("alias add", "addalias"),
                       ("alias del", "delalias")]:
        done = box.ok(*args.split(), "help")
        lines = done.stdout.splitlines()
        assert lines[1:3] == ["", "NAME"] and lines[3].startswith(f"    {tool} - ")
        if args not in ("email del",):
            done = box(*args.split())
            assert done.returncode == 1 and lines[3] in done.stdout
    done = box.ok("config", "dkim", "help")
    assert ("open-dkim - Configure DKIM (DomainKeys Identified Mail)"
            in done.stdout.splitlines()[3])


def test_messages_have_a_date_and_obey_the_log_level(box):
    done = box.ok("email", "add", "A@example.test", "x")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d WARN  addmailuser: "
                        r"Mail account 'A@example.test' has uppercase letters and will be "
                        r"normalized to 'a@example.test'\n", done.stderr)
    assert box.ok("email", "add", "B@example.test", "x", LOG_LEVEL="error").stderr == ""


def test_docker_mailserver_names_work_through_links(box):
    (box.root / "addmailuser").symlink_to(BIN / "setup")
    subprocess.run([str(box.root / "addmailuser"), "a@example.test", "pw"], check=True,
                   env=box.env)
    check_hash(box.read("postfix-accounts.cf").strip(), "a@example.test", "pw")


# --- email ------------------------------------------------------------------

def test_email_add_writes_a_line_and_is_silent(box):
    done = box.ok("email", "add", "user1@example.test", "pass word\\'\"")
    assert done.stdout == done.stderr == ""
    box.ok("email", "add", "a@b", stdin="pw2\npw2\n")
    lines = box.read("postfix-accounts.cf").splitlines()
    check_hash(lines[0], "user1@example.test", "pass word\\'\"")
    check_hash(lines[1], "a@b", "pw2")
    assert (box.config / "postfix-accounts.cf").stat().st_mode & 0o777 == 0o600


def test_email_add_refuses(box):
    box.write("postfix-accounts.cf", "# c\nuser1@example.test|{PLAIN}x\n")
    box.write("postfix-virtual.cf", "alias1@example.test user1@example.test\n")
    before = box.read("postfix-accounts.cf")
    check_error(box("email", "add", "User1@example.test", "x"), "addmailuser",
                "'user1@example.test' already exists")
    check_error(box("email", "add", "alias1@example.test", "x"), "addmailuser",
                "'alias1@example.test' is already defined as an alias")
    done = box("email", "add", "user", "x")
    check_error(done, "addmailuser", "'user' should include the domain (eg: user@example.com)")
    assert done.stdout.startswith("ADDMAILUSER(8)")
    check_error(box("email", "add", "", "x"), "addmailuser", "No account specified")
    for bad in ["../x@example.test", "a@..", "a b@c", "a|b@c", "@c", "a@", "#a@c", "a@b\nc@d"]:
        assert box("email", "add", bad, "x").returncode == 1, bad
    check_error(box("email", "add", "n@example.test", stdin="\n\n"), "addmailuser",
                "Password must not be empty")
    check_error(box("email", "add", "n@example.test", stdin=""), "addmailuser",
                "Password must not be empty")
    check_error(box("email", "add", "n@example.test", stdin="a\nb\n"), "addmailuser",
                "Passwords do not match!")
    check_error(box("email", "add", "n@example.test", "x" * 2000), "addmailuser",
                "Password is too long")
    assert box.read("postfix-accounts.cf") == before


def test_email_add_asks_on_a_terminal_without_echo(box):
    status, seen = box.on_tty(["email", "add", "t@example.test"],
                              [(b"Enter Password: ", b"s3cret\n"),
                               (b"Confirm Password: ", b"s3cret\n")])
    assert status == 0 and b"s3cret" not in seen
    check_hash(box.read("postfix-accounts.cf").strip(), "t@example.test", "s3cret")


def test_email_add_keeps_other_lines_and_mends_the_last_one(box):
    box.write("postfix-accounts.cf", "# c\r\nuser1@example.test|{PLAIN}x|f=1\r\nb@c|h")
    box.ok("email", "add", "n@example.test", "x")
    data = (box.config / "postfix-accounts.cf").read_bytes()
    assert data.startswith(b"# c\r\nuser1@example.test|{PLAIN}x|f=1\r\nb@c|h\nn@example.test|{SHA")


def test_email_update_replaces_the_line_in_its_place(box):
    box.write("postfix-accounts.cf",
              "a@example.test|1\nAa@example.test|2|extra\naXa@example.test|3\n")
    box.ok("email", "update", "aa@example.test", "new")
    lines = box.read("postfix-accounts.cf").splitlines()
    assert lines[0] == "a@example.test|1" and lines[2] == "aXa@example.test|3"
    check_hash(lines[1], "aa@example.test", "new")
    check_error(box("email", "update", "zz@example.test", "new"), "updatemailuser",
                "'zz@example.test' does not exist")


def test_many_adds_at_once_lose_nothing(box):
    running = [subprocess.Popen([str(BIN / "setup"), "email", "add", f"u{i}@example.test", "x"],
                                env=box.env) for i in range(20)]
    assert [p.wait() for p in running] == [0] * 20
    assert len(box.read("postfix-accounts.cf").splitlines()) == 20
    assert len(box.read("pillarbox-scram.cf").splitlines()) == 20 + 1
    assert sorted(os.listdir(box.config)) == ["pillarbox-scram.cf", "postfix-accounts.cf"]


def with_accounts(box):
    box.write("postfix-accounts.cf", "a@example.test|h\naa@example.test|h\nb@other.test|h\n")
    box.write("postfix-virtual.cf",
              "# aliases\nx@example.test a@example.test,b@other.test\n"
              "only@example.test A@example.test\n@cat.test aa@example.test,a@example.test\n")
    box.write("dovecot-quotas.cf", "a@example.test:5M\naa@example.test:6M\n")
    for name in ["a", "aa"]:
        (box.mail / "example.test" / name / "cur").mkdir(parents=True)
    (box.mail / "other.test" / "b").mkdir(parents=True)


def test_email_del_removes_exactly_the_account(box):
    with_accounts(box)
    done = box.ok("email", "del", "-y", "a@example.test")
    path = box.mail / "example.test" / "a"
    assert f" INFO  delmailuser: Deleting mailbox data: '{path}'\n" in done.stdout
    assert ("INFO  delmailuser: 'a@example.test' and associated data (aliases, quotas) "
            "deleted\n") in done.stdout
    assert box.read("postfix-accounts.cf") == "aa@example.test|h\nb@other.test|h\n"
    assert box.read("postfix-virtual.cf") == ("# aliases\nx@example.test b@other.test\n"
                                              "@cat.test aa@example.test\n")
    assert box.read("dovecot-quotas.cf") == "aa@example.test:6M\n"
    assert not path.exists() and (box.mail / "example.test" / "aa").exists()
    box.ok("email", "del", "-y", "b@other.test")
    assert not (box.mail / "other.test").exists()


def test_email_del_keeps_data_unless_told(box):
    with_accounts(box)
    done = box.ok("email", "del", "a@example.test")
    assert "The mailbox data will not be deleted." in done.stdout
    done = box.ok("email", "del", "-n", "aa@example.test")
    assert "Mailbox data explicitly kept (using -n)." in done.stdout
    assert (box.mail / "example.test" / "a").exists()
    box.ok("email", "del", "b@other.test", stdin="y\n")
    assert not (box.mail / "other.test").exists()


def test_email_del_asks_on_a_terminal(box):
    with_accounts(box)
    status, seen = box.on_tty(["email", "del", "a@example.test"], [
        (b"Do you want to delete the mailbox data as well (removing all mails)? [y/N] ", b"y\n")])
    assert status == 0 and not (box.mail / "example.test" / "a").exists(), seen


def test_email_del_refuses(box):
    done = box.ok("email", "del", "-y")
    assert done.stdout == done.stderr == ""
    with_accounts(box)
    done = box("email", "del")
    assert done.returncode == 1 and done.stdout.startswith("DELMAILUSER(8)")
    check_error(box("email", "del", "-x", "a@example.test"), "delmailuser",
                "The option '?' is unknown")
    check_error(box("email", "del", "-y", "none@example.test"), "delmailuser",
                "'none@example.test' does not exist")
    box.write("postfix-accounts.cf", "../../x@example.test|h\nn@nodata.test|h\n")
    check_error(box("email", "del", "-y", "../../x@example.test"), "delmailuser",
                "'../../x@example.test' does not exist")
    check_error(box("email", "del", "-y", "n@nodata.test"), "delmailuser",
                f"Mailbox data directory '{box.mail}/nodata.test/n' does not exist")
    assert "n@nodata.test|h" in box.read("postfix-accounts.cf")


def test_email_list_shows_usage_and_aliases(box):
    with_accounts(box)
    cur = box.mail / "example.test" / "a" / "cur"
    (cur / "1.M1P1.h,S=1000,W=1030:2,S").write_text("x")
    sent = box.mail / "example.test" / "a" / ".Sent" / "new"
    sent.mkdir(parents=True)
    (sent / "2.M1P1.h,S=1000").write_text("x")
    (sent / "3.foreign").write_text("x" * 10000)
    done = box.ok("email", "list")
    assert done.stdout == (
        "* a@example.test ( 12K / 5.0M ) [0%]\n"
        "    [ aliases -> x@example.test, only@example.test, @cat.test ]\n\n"
        "* aa@example.test ( 0 / 6.0M ) [0%]\n"
        "    [ aliases -> @cat.test ]\n\n"
        "* b@other.test ( 0 / ~ ) [0%]\n"
        "    [ aliases -> x@example.test ]\n\n")


def test_dovecot_master(box):
    assert box.ok("dovecot-master", "add", "admin", "one").stderr == ""
    done = box.ok("dovecot-master", "add", "Second", stdin="two\ntwo\n")
    assert "Mail account 'Second' has uppercase letters and will be normalized to 'second'" in done.stderr
    lines = box.read("dovecot-masters.cf").splitlines()
    check_hash(lines[0], "admin", "one")
    check_hash(lines[1], "second", "two")
    assert box.read("pillarbox-scram.cf").count("|{SCRAM-SHA-1}") == 2
    assert box.ok("dovecot-master", "list").stdout == "* admin\n\n* second\n\n"
    box.ok("dovecot-master", "update", "admin", "three")
    check_hash(box.read("dovecot-masters.cf").splitlines()[0], "admin", "three")
    box.ok("dovecot-master", "del", "nobody", "ADMIN")
    assert len(box.read("dovecot-masters.cf").splitlines()) == 1
    assert "*admin" not in box.read("pillarbox-scram.cf") and "*second" in box.read("pillarbox-scram.cf")
    assert not (box.config / "postfix-accounts.cf").exists()


def test_dovecot_master_refuses(box):
    box.write("dovecot-masters.cf", "admin|{PLAIN}x\n")
    box.write("postfix-virtual.cf", "alias1 user1@example.test\n")
    check_error(box("dovecot-master", "add", "ADMIN", "x"), "adddovecotmasteruser", "'admin' already exists")
    check_error(box("dovecot-master", "add", "alias1", "x"), "adddovecotmasteruser",
                "'alias1' is already defined as an alias")
    check_error(box("dovecot-master", "update", "other", "x"), "updatedovecotmasteruser",
                "'other' does not exist")
    check_error(box("dovecot-master", "add", "", "x"), "adddovecotmasteruser", "No account specified")
    check_error(box("dovecot-master", "add", "n", stdin="\n\n"), "adddovecotmasteruser",
                "Password must not be empty")
    for bad in ["a*b", "a|b", "a:b", "a b", "#a", "x" * 400]:
        check_error(box("dovecot-master", "add", bad, "x"), "adddovecotmasteruser",
                    f"'{bad}' cannot be the name of a master")
    for verb in ("add", "update", "del"):
        done = box("dovecot-master", verb)
        assert done.returncode == 1 and done.stdout.startswith(f"{verb.upper()}DOVECOTMASTERUSER(8)")
    assert box.read("dovecot-masters.cf") == "admin|{PLAIN}x\n"


def test_lists_need_a_file(box):
    for what, tool, name in [("email", "listmailuser", "postfix-accounts.cf"),
                             ("dovecot-master", "listdovecotmasteruser", "dovecot-masters.cf"),
                             ("alias", "listalias", "postfix-virtual.cf")]:
        check_error(box(what, "list"), tool, f"'{box.config}/{name}' does not exist")
        box.write(name, "")
        check_error(box(what, "list"), tool, f"'{box.config}/{name}' is empty, nothing to list")


# --- alias ------------------------------------------------------------------

def test_alias_add_list_del(box):
    box.ok("alias", "add", "x@example.test", "a@example.test")
    box.ok("alias", "add", "x@example.test", "b@example.test")
    box.ok("alias", "add", "@cat.test", "a@example.test")
    assert box.read("postfix-virtual.cf") == ("x@example.test a@example.test,b@example.test\n"
                                              "@cat.test a@example.test\n")
    assert box.ok("alias", "list").stdout == ("* x@example.test a@example.test,b@example.test\n\n"
                                              "* @cat.test a@example.test\n\n")
    check_error(box("alias", "add", "X@example.test", "A@example.test"), "addalias",
                "'X@example.test' is already an alias for recipient: 'A@example.test'")
    box.ok("alias", "del", "x@example.test", "nobody@example.test")
    box.ok("alias", "del", "none@example.test", "a@example.test")
    box.ok("alias", "del", "x@example.test", "a@example.test")
    assert box.read("postfix-virtual.cf") == ("x@example.test b@example.test\n"
                                              "@cat.test a@example.test\n")
    box.ok("alias", "del", "x@example.test", "b@example.test")
    assert box.read("postfix-virtual.cf") == "@cat.test a@example.test\n"


def test_alias_del_underscore_means_every_alias(box):
    box.write("postfix-virtual.cf", "# c\nx@e.test a@e.test\n  b@e.test\n\ny@e.test b@e.test\n"
                                    "z@e.test a@e.test\n")
    box.ok("alias", "del", "_", "b@e.test")
    assert box.read("postfix-virtual.cf") == "# c\nx@e.test a@e.test\n\nz@e.test a@e.test\n"


def test_alias_add_refuses(box):
    box.write("postfix-accounts.cf", "a@example.test|h\n")
    check_error(box("alias", "add", "a@example.test", "b@example.test"), "addalias",
                "'a@example.test' is already defined as an account")
    assert box("alias", "add", "x@example.test").returncode == 1
    for bad in ["x y", "x\ny", "#x"]:
        assert box("alias", "add", bad, "b@example.test").returncode == 1


# --- config -----------------------------------------------------------------

def test_dkim_makes_keys_tables_and_records(box):
    box.write("postfix-accounts.cf", "a@one.test|h\n")
    box.write("postfix-virtual.cf", "@two.test a@one.test\nbare a@three.test\n")
    done = box.ok("config", "dkim", "domain", "one.test,two.test,four.test", LOG_LEVEL="debug")
    assert len(done.stdout.splitlines()) == 7, done.stdout
    dkim = box.config / "opendkim"
    assert (dkim / "TrustedHosts").read_text() == "127.0.0.1\nlocalhost\n"
    assert ("mail._domainkey.one.test one.test:mail:"
            "/etc/opendkim/keys/one.test/mail.private\n") in (dkim / "KeyTable").read_text()
    assert "*@one.test mail._domainkey.one.test\n" in (dkim / "SigningTable").read_text()
    private = dkim / "keys" / "one.test" / "mail.private"
    assert private.stat().st_mode & 0o777 == 0o600
    txt = (private.parent / "mail.txt").read_text()
    found = re.fullmatch(r'mail\._domainkey\tIN\tTXT\t\( "v=DKIM1; h=sha256; k=rsa; "\n'
                         r'\t  "p=([^"]{250})"\n\t  "([^"]+)" \)  ; ----- DKIM key mail for '
                         r'one\.test\n', txt)
    assert found, txt
    der = subprocess.run(["openssl", "pkey", "-in", str(private), "-pubout"],
                         capture_output=True, text=True, check=True).stdout
    assert "".join(der.splitlines()[1:-1]) == found[1] + found[2]
    # The second time only what is new.
    before = private.read_text(), (dkim / "KeyTable").read_text()
    done = box.ok("config", "dkim", LOG_LEVEL="debug")
    assert done.stdout == "" and (private.read_text(), (dkim / "KeyTable").read_text()) == before


def test_dkim_sizes_selectors_and_ed25519(box):
    box.write("postfix-accounts.cf", "a@one.test|h\n")
    box.ok("config", "dkim", "keysize", "1024", "selector", "small")
    box.ok("config", "dkim", "selector", "ed", "keytype", "ed25519")
    keys = box.config / "opendkim" / "keys" / "one.test"
    text = subprocess.run(["openssl", "pkey", "-in", str(keys / "small.private"), "-text"],
                          capture_output=True, text=True, check=True).stdout
    assert "1024 bit" in text
    assert re.search(r'k=ed25519; "\n\t  "p=[A-Za-z0-9+/]{43}=" \)', (keys / "ed.txt").read_text())


def test_dkim_refuses(box):
    assert "No entries found, no keys to make" in box.ok("config", "dkim").stderr
    check_error(box("config", "dkim", "keysize"), "open-dkim",
                "No keysize provided after 'keysize' argument")
    check_error(box("config", "dkim", "domain"), "open-dkim",
                "No domain(s) provided after 'domain' argument")
    check_error(box("config", "dkim", "what"), "open-dkim", "Unknown option(s) 'what'")
    check_error(box("config", "dkim", "keytype", "dsa"), "open-dkim", "Unknown keytype 'dsa'")
    check_error(box("config", "dkim", "keytype", "ed25519", "keysize", "2048"), "open-dkim",
                "Chosen keytype does not accept the 'keysize' argument")
    for bad in ["../x", "a/b", "-"]:
        assert box("config", "dkim", "domain", bad).returncode == 1
        assert box("config", "dkim", "selector", bad, "domain", "x.test").returncode == 1


def test_config_show_says_where_values_come_from(box):
    box.write("pillarbox.yaml", "smtp:\n  message_size: 20M\n")
    out = box.ok("config", "show", RELAY_PASSWORD="s3cret", RELAY_USER="u").stdout
    rows = {line.split()[0]: line.split(None, 2)[1:] for line in out.splitlines()}
    assert rows["POSTFIX_MESSAGE_SIZE_LIMIT"] == ["20971520", f"{box.config}/pillarbox.yaml:2"]
    assert rows["RELAY_PASSWORD"] == ["********", "environment RELAY_PASSWORD"]
    assert rows["LOG_LEVEL"] == ["info", "default"]
    assert rows["domainname"] == ["example.test", "computed"]
    assert "s3cret" not in out
    assert box.ok("config", "show", "smtp.message_size").stdout.startswith("POSTFIX_MESSAGE_SIZE")
    assert box("config", "show", "NONE").returncode == 1


def test_config_check_names_each_problem(box):
    assert box.ok("config", "check").stdout == ""
    box.write("pillarbox.yaml", "smtp:\n  mesage_size: 1\n")
    box.write("postfix-accounts.cf", "a@one.test|h\nbroken\n")
    box.write("postfix-virtual.cf", "x@one.test\n")
    box.write("opendkim/KeyTable", "k one.test:mail:/etc/opendkim/none\n")
    box.write("opendkim/SigningTable", "*@one.test kk\n")
    done = box("config", "check", ENABLE_IMAP="yes", ENABLE_POP3="1", SSL_TYPE="manual",
               SSL_CERT_PATH="/none/cert.pem", SSL_KEY_PATH="/none/key.pem")
    assert done.returncode == 78
    for text in [f"{box.config}/pillarbox.yaml:2:3: unknown key 'mesage_size'; did you mean "
                 "'message_size'?",
                 f"{box.config}/postfix-accounts.cf:2: 'broken' is not a full address",
                 f"{box.config}/postfix-virtual.cf:1: 'x@one.test' has no target",
                 "SigningTable:1: no key 'kk' in KeyTable; did you mean 'k'?",
                 f"{box.config}/opendkim/none: No such file",
                 "environment ENABLE_IMAP: 'yes' is not 0 or 1",
                 "environment ENABLE_POP3: not supported yet, it has no effect (warning)",
                 "File /none/cert.pem does not exist!"]:
        assert text in done.stdout, (text, done.stdout)
    assert box.ok("config", "check", ENABLE_POP3="1", PILLARBOX_CONFIG_DIR="/none").stdout


def test_accounts_can_be_added_with_a_broken_configuration(box):
    box.ok("email", "add", "a@one.test", "x", ENABLE_IMAP="yes")


def test_dns_prints_the_records(box):
    box.write("postfix-accounts.cf", "a@one.test|h\na@example.test|h\n")
    box.ok("config", "dkim")
    out = box.ok("dns").stdout
    for line in ["one.test.\tIN\tMX\t10 mail.example.test.",
                 'one.test.\tIN\tTXT\t"v=spf1 mx -all"',
                 '_dmarc.one.test.\tIN\tTXT\t"v=DMARC1; p=quarantine; '
                 'rua=mailto:postmaster@one.test"',
                 '_dmarc.example.test.\tIN\tTXT\t"v=DMARC1; p=quarantine; '
                 'rua=mailto:postmaster@example.test"',
                 "_submissions._tcp.one.test.\tIN\tSRV\t0 1 465 mail.example.test.",
                 "_imaps._tcp.one.test.\tIN\tSRV\t0 1 993 mail.example.test."]:
        assert line in out.splitlines(), line
    assert 'mail._domainkey.one.test.\tIN\tTXT\t"v=DKIM1; h=sha256; k=rsa; p=MII' in out
    assert "reverse" in out
    only = box.ok("dns", "one.test").stdout
    assert "one.test." in only and "_dmarc.example.test" not in only


# --- tls --------------------------------------------------------------------

def test_tls_selfsign_makes_a_pair_once(box):
    folder = box.root / "tls"
    box.ok("tls", "selfsign", str(folder), "mail.example.test")
    cert, key = folder / "cert.pem", folder / "key.pem"
    assert key.stat().st_mode & 0o777 == 0o600
    for name, flag in [("mail.example.test", "-verify_hostname"),
                       ("localhost", "-verify_hostname"),
                       ("127.0.0.1", "-verify_ip"), ("::1", "-verify_ip")]:
        subprocess.run(["openssl", "verify", "-CAfile", str(cert), flag, name, str(cert)],
                       check=True, capture_output=True)
    before = cert.read_text()
    box.ok("tls", "selfsign", str(folder), "mail.example.test")
    assert cert.read_text() == before
    assert box.ok("tls", "check", str(cert), str(key)).stdout == ""


def test_tls_check_says_why(box):
    for name in ["one", "two"]:
        box.ok("tls", "selfsign", str(box.root / name), "x.test")
    cert, key = str(box.root / "one" / "cert.pem"), str(box.root / "two" / "key.pem")
    for args, text in [((cert, key), f"{key}: is not the key of the certificate\n"),
                       ((key, key), f"{key}: is not a certificate in PEM form\n"),
                       ((cert, cert), f"{cert}: is not a private key in PEM form without "
                                      "passphrase\n"),
                       ((cert, "/none"), "/none: cannot be read\n")]:
        done = box("tls", "check", *args)
        assert (done.returncode, done.stdout) == (1, text)


# --- status and queue -------------------------------------------------------

class Supervisor:
    """Answers one request on the control socket with the given bytes."""

    def __init__(self, box, *answer):
        self.request = b""
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(box.run_dir / "control.sock"))
        self.listener.listen()
        self.thread = threading.Thread(target=self.serve, args=(answer,))
        self.thread.start()

    def serve(self, answer):
        conn, _ = self.listener.accept()
        with conn:
            while not self.request.endswith(b"\n"):
                self.request += conn.recv(4096)
            for part in answer:
                conn.sendall(part)
                time.sleep(0.02)
        self.listener.close()


@pytest.mark.parametrize("args,request_bytes", [
    (["status"], b"status\0\n"),
    (["queue", "list"], b"queue\0list\0\n"),
    (["queue", "show", "4abc"], b"queue\0show\x004abc\0\n"),
    (["queue", "flush"], b"queue\0flush\0\n"),
])
def test_control_commands_are_forwarded(box, args, request_bytes):
    s = Supervisor(box, b"one\ntwo", b"\nexit in the text\nex", b"it 3\n")
    done = box(*args)
    s.thread.join()
    assert s.request == request_bytes
    assert (done.returncode, done.stdout) == (3, "one\ntwo\nexit in the text\n")


def test_control_answers_may_be_empty_or_large(box):
    s = Supervisor(box, b"exit 0\n")
    assert box.ok("status").stdout == ""
    s.thread.join()
    (box.run_dir / "control.sock").unlink()
    text = b"x" * 100000 + b"\n" + b"line\n" * 50000
    s = Supervisor(box, text + b"exit 0\n")
    assert box.ok("queue", "list").stdout.encode() == text
    s.thread.join()


def test_control_says_when_nothing_answers(box):
    done = box("status")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "mailserver is not running\n")
    s = Supervisor(box, b"half\n")
    done = box("status")
    s.thread.join()
    assert done.returncode == 1 and done.stdout == "half\n" and "broke off" in done.stderr
    assert box("queue", "show").returncode == 1
    assert box("queue", "list", "x").returncode == 1
