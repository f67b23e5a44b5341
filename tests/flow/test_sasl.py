"""SCRAM, through the whole stack: logins on IMAP and SMTP, what is offered,
where the verifiers come from, and independent clients."""

import hashlib
import re
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from stack import ROOT, Stack, wait_for

sys.path.insert(0, str(ROOT / "tests" / "tools"))
import scram  # noqa: E402
from scram import Imap, Smtp  # noqa: E402

PLAIN = ["PLAIN", "LOGIN"]
SCRAM = ["SCRAM-SHA-1", "SCRAM-SHA-256"]
ALL = PLAIN + [name + plus for name in SCRAM for plus in ("", "-PLUS")]
FRONTS = pytest.mark.parametrize("front", [Imap, Smtp])
GOOD = {Imap: "OK", Smtp: "235 2.7.0 "}
FORBIDDEN = {Imap: "NO [AUTHORIZATIONFAILED]", Smtp: "535 5.7.8 "}
DENIED = {Imap: "NO [AUTHENTICATIONFAILED]", Smtp: "535 5.7.8 "}


@pytest.fixture
def stack(tmp_path):
    """With all there is."""
    with Stack(tmp_path, env={"PILLARBOX_SCRAM_PLUS": "1"}) as s:
        yield s


def offered(stack, front=Imap):
    with front(stack) as c:
        return c.mechanisms()


@FRONTS
@pytest.mark.parametrize("mechanism", SCRAM)
@pytest.mark.parametrize("initial", [True, False])
def test_login(stack, front, mechanism, initial):
    user, password = stack.demo
    with front(stack) as c:
        assert mechanism in c.mechanisms()
        verdict, proved = scram.login(c, mechanism, user, password, initial)
        assert verdict.startswith(GOOD[front]) and proved
        if front is Imap:
            assert c.command("SELECT INBOX").startswith("OK")
        else:
            assert c.command(f"MAIL FROM:<{user}>").startswith("250")
    stack.wait_log(f"event={'login' if front is Imap else 'auth'} ")
    assert password not in stack.log()


@FRONTS
def test_names_are_compared_as_with_a_password(stack, front):
    user, password = stack.demo
    with front(stack) as c:
        verdict, proved = scram.login(c, "SCRAM-SHA-256", user.upper(), password, authzid=user.upper())
        assert verdict.startswith(GOOD[front]) and proved


@FRONTS
@pytest.mark.parametrize("user,right,authzid,why", [
    ("demo@example.test", False, "", "wrong password"),
    ("nobody@example.test", True, "", "unknown user"),
    ("demo@example.test", True, "other@example.test", "authorization identity differs"),
])
def test_refusals_look_alike(stack, front, user, right, authzid, why):
    with front(stack) as c:
        verdict, proved = scram.login(c, "SCRAM-SHA-256", user, stack.demo[1] if right else "wrong",
                                      authzid=authzid)
        assert verdict.startswith((FORBIDDEN if authzid else DENIED)[front]) and not proved
    stack.wait_log(why)
    line = [x for x in stack.log().splitlines() if why in x][0]
    assert "event=login-failed" in line and f"user={user}" in line and "failures=1" in line


def salts(stack, user):
    out = []
    for mechanism in SCRAM:
        s = scram.Scram(mechanism, user, "x")
        with Imap(stack) as c:
            s.final(c.begin(mechanism, s.first()))
            assert c.answer("*") is None and c.verdict.startswith("BAD")
        out.append((s.salt, s.rounds))
    return out


def test_an_unknown_user_has_a_salt_that_stays(stack):
    known, unknown = salts(stack, "demo@example.test"), salts(stack, "nobody@example.test")
    assert salts(stack, "NOBODY@example.test") == unknown
    assert [(len(s), r) for s, r in known] == [(len(s), r) for s, r in unknown]
    assert unknown[0] != unknown[1] and known != unknown
    assert salts(stack, "nobody2@example.test") != unknown
    stack.stop()
    stack.start()
    assert salts(stack, "nobody@example.test") == unknown
    assert salts(stack, "demo@example.test") == known


@FRONTS
def test_exchanges_can_be_cancelled_and_malformed(stack, front):
    user, password = stack.demo
    bad = {Imap: "BAD", Smtp: "501 5.5.2 "}[front]
    with front(stack) as c:
        assert c.begin("SCRAM-SHA-256") == b""
        assert c.answer("*") is None
        assert c.verdict.startswith({Imap: "BAD", Smtp: "501 5.7.0 "}[front])
        s = scram.Scram("SCRAM-SHA-256", user, password)
        assert c.begin("SCRAM-SHA-256", s.first())
        assert c.answer("*") is None
        assert c.begin("SCRAM-SHA-256", s.first())
        assert c.answer("?not base64?") is None and c.verdict.startswith(bad)
        assert c.begin("SCRAM-SHA-256", b"n,,n=" + b"u" * 3000 + b",r=x") is None
        assert c.verdict.startswith({Imap: "BAD", Smtp: "500 5.5.6 "}[front])
        # The connection still works, and the password is still right.
        verdict, proved = scram.login(c, "SCRAM-SHA-256", user, password)
        assert verdict.startswith(GOOD[front]) and proved


@FRONTS
@pytest.mark.parametrize("message", [b"", b"n,,n=,r=x", b"n,,m=1,n=demo@example.test,r=abc", b"\x00\xff",
                                     b"p=tls-exporter,,n=demo@example.test,r=abc"])
def test_malformed_messages_are_refused(stack, front, message):
    with front(stack) as c:
        assert c.begin("SCRAM-SHA-256", message) is None
        assert c.verdict.startswith(DENIED[front])


def test_nothing_in_clear(stack):
    # From another address than the server's own, which is let be.
    with scram.Lines(stack.port(143), source="127.0.0.2") as c:
        assert "AUTH=" not in c.line()
        c.send("a AUTHENTICATE SCRAM-SHA-256")
        assert c.line().startswith("* BAD [ALERT]")
        assert c.line().startswith("a NO [PRIVACYREQUIRED]")


def test_an_auth_that_dies_in_an_exchange(stack):
    user, password = stack.demo
    for front, later in ((Imap, "NO [UNAVAILABLE]"), (Smtp, "454 4.7.0 ")):
        with front(stack) as c:
            s = scram.Scram("SCRAM-SHA-1", user, password)
            final = s.final(c.begin("SCRAM-SHA-1", s.first()))
            pid = stack.pid_of("auth")
            stack.kill("auth")
            wait_for(lambda: stack.pid_of("auth") not in (0, pid), timeout=60, what="auth again")
            assert c.answer(final) is None and c.verdict.startswith(later)


# Where verifiers come from, and what is offered.

def test_offered_only_when_every_account_can(stack):
    user, password = stack.demo
    assert offered(stack) == offered(stack, Smtp) == ALL
    accounts = stack.config("postfix-accounts.cf")
    # As docker-mailserver's own setup would write it, or a person.
    accounts.write_text(accounts.read_text() + "hand@example.test|{PLAIN}secret\n")
    for front in (Imap, Smtp):
        wait_for(lambda: offered(stack, front) == PLAIN, timeout=30, what="SCRAM gone")
    # Who can still may; the other is refused.
    with Imap(stack) as c:
        assert scram.login(c, "SCRAM-SHA-256", user, password)[1]
    with Imap(stack) as c:
        assert scram.login(c, "SCRAM-SHA-256", "hand@example.test", "secret")[0].startswith("NO")
    stack.wait_log("no SCRAM verifier")
    # One login with the password brings the verifier.
    stack.imap("hand@example.test", "secret").logout()
    for front in (Imap, Smtp):
        wait_for(lambda: offered(stack, front) == ALL, timeout=30, what="SCRAM back")
    with Imap(stack) as c:
        assert scram.login(c, "SCRAM-SHA-1", "hand@example.test", "secret")[1]
    path = stack.config("pillarbox-scram.cf")
    assert "hand@example.test|{PLAIN}secret|{SCRAM-SHA-1}" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    # An account that cannot log in does not count.
    accounts.write_text(accounts.read_text() + "off@example.test|{PLAIN}x|nologin\n")
    stack.wait_log("accounts=3 ")
    assert offered(stack) == ALL


def test_a_changed_hash_ends_the_old_verifier(stack):
    user, password = stack.demo
    accounts = stack.config("postfix-accounts.cf")
    accounts.write_text(f"{user}|{{PLAIN}}another\n")
    wait_for(lambda: offered(stack) == PLAIN, timeout=30, what="SCRAM gone")
    with Imap(stack) as c:
        assert scram.login(c, "SCRAM-SHA-256", user, password)[0].startswith("NO")
    stack.setup("email", "update", user, "third")
    wait_for(lambda: offered(stack) == ALL, timeout=30, what="SCRAM back")
    for secret, fine in ((password, False), ("another", False), ("third", True)):
        with Imap(stack) as c:
            assert scram.login(c, "SCRAM-SHA-256", user, secret)[1] == fine
    # One line for an account, none after its deletion.
    path = stack.config("pillarbox-scram.cf")
    assert path.read_text().count(user) == 1
    stack.setup("email", "del", "-n", user)
    assert user not in path.read_text() and path.read_text().startswith("secret|")


def test_a_password_with_more_than_ascii(stack):
    stack.add_account("more@example.test", "Ⅸ pass wört")
    wait_for(lambda: "more@example.test" in stack.config("postfix-accounts.cf").read_text())
    stack.wait_log("accounts=2 ")
    with Imap(stack) as c:
        # What SASLprep makes of it.
        assert scram.login(c, "SCRAM-SHA-256", "more@example.test", "IX pass wört")[1]


def test_a_strong_hash_gets_no_verifier(stack):
    """Argon2 resists guessing much longer than a verifier does."""
    hashed = ("{ARGON2ID}$argon2id$v=19$m=65536,t=2,p=1$YWJjZGVmZ2hpamtsbW5vcA$"
              "Xj0dlgM+WP2CUbjNbiHVsbGrP2s1OfXVi4ISZgSgDJc")
    hashed = argon2("secret") or hashed
    accounts = stack.config("postfix-accounts.cf")
    accounts.write_text(accounts.read_text() + f"strong@example.test|{hashed}\n")
    wait_for(lambda: offered(stack) == PLAIN, timeout=30, what="SCRAM gone")
    stack.imap("strong@example.test", "secret").logout()
    # A later account's verifier is written; by then the other's would be too.
    accounts.write_text(accounts.read_text() + "weak@example.test|{PLAIN}x\n")
    stack.wait_log("accounts=3 ")
    stack.imap("weak@example.test", "x").logout()
    path = stack.config("pillarbox-scram.cf")
    wait_for(lambda: "weak@example.test" in path.read_text(), timeout=30, what="verifier")
    assert "strong@example.test" not in path.read_text()
    assert offered(stack) == PLAIN


def argon2(password):
    r = subprocess.run(["doveadm", "pw", "-s", "ARGON2ID", "-p", password], stdout=subprocess.PIPE, text=True)
    assert r.returncode == 0
    return r.stdout.strip()


@pytest.mark.parametrize("value,want", [("never", PLAIN), ("always", ALL)])
def test_setting(make_stack, value, want):
    s = make_stack(env={"PILLARBOX_SCRAM": value, "PILLARBOX_SCRAM_PLUS": "1"},
                   files={"postfix-accounts.cf": "hand@example.test|{PLAIN}secret\n"})
    assert offered(s) == offered(s, Smtp) == want
    s.add_account("new@example.test", "secret")
    s.wait_log("accounts=3 ")
    assert s.config("pillarbox-scram.cf").exists() == (value == "always")
    with Imap(s) as c:
        assert scram.login(c, "SCRAM-SHA-256", "new@example.test", "secret")[1] == (value == "always")


def test_plus_is_offered_only_on_demand(make_stack):
    s = make_stack()
    for front in (Imap, Smtp):
        assert sorted(offered(s, front)) == sorted(PLAIN + SCRAM)
        with front(s) as c:
            # A client that could bind and sees that we do not offer it.
            assert scram.login(c, "SCRAM-SHA-256", *s.demo, flag="y")[1]


def test_a_damaged_verifier_file_costs_only_scram(stack):
    path = stack.config("pillarbox-scram.cf")
    path.write_text("this is no verifier\n")
    stack.wait_log("pillarbox-scram.cf:1: malformed line")
    wait_for(lambda: offered(stack) == PLAIN, timeout=30, what="SCRAM gone")
    # It is made again at the next login.
    stack.imap().logout()
    wait_for(lambda: offered(stack) == ALL, timeout=30, what="SCRAM back")


@FRONTS
def test_wrong_password_and_wrong_identity(stack, front):
    """RFC 5530: only who has the password learns that it is the other name
    that is wrong."""
    user, password = stack.demo
    for secret, verdicts in ((password, FORBIDDEN), ("wrong", DENIED)):
        with front(stack) as c:
            assert c.begin("PLAIN", f"other@example.test\0{user}\0{secret}".encode()) is None
            assert c.verdict.startswith(verdicts[front])


# Masters.

@pytest.fixture
def mastered(stack):
    stack.setup("dovecot-master", "add", "admin", "master secret")
    stack.wait_log("masters=1 ")
    return stack


@FRONTS
@pytest.mark.parametrize("authzid,user,verdicts", [
    ("", "demo@example.test*admin", GOOD),
    ("demo@example.test", "admin", GOOD),
    ("", "demo@example.test*nobody", DENIED),
    ("", "nobody@example.test*admin", FORBIDDEN),
    ("", "admin", DENIED),
])
def test_master(mastered, front, authzid, user, verdicts):
    fine = verdicts is GOOD
    plain = "\0".join((authzid, user, "master secret")).encode()
    with front(mastered) as c:
        assert c.begin("PLAIN", plain) is None
        assert c.verdict.startswith(verdicts[front])
        if fine and front is Imap:
            assert c.command("SELECT INBOX").startswith("OK")
    with front(mastered) as c:
        verdict, proved = scram.login(c, "SCRAM-SHA-256", user, "master secret", authzid=authzid)
        assert verdict.startswith(verdicts[front]) and proved == fine
    if fine:
        event = {Imap: "event=login ", Smtp: "event=auth "}[front]

        def found():
            return [x for x in mastered.log().splitlines() if event in x and "mechanism=" in x]

        wait_for(lambda: len(found()) >= 2, 10, "both logins in the log")
        lines = found()
        assert len(lines) == 2
        assert all("user=demo@example.test " in x and "master=admin" in x for x in lines)


def test_master_by_the_login_command_and_hand_written_file(stack):
    user, password = stack.demo
    stack.config("dovecot-masters.cf").write_text("boss|{PLAIN}x\n")
    # A master without a verifier counts as an account does.
    wait_for(lambda: offered(stack) == PLAIN, timeout=30, what="SCRAM gone")
    c = stack.imap(f"{user}*boss", "x")
    assert c.select("INBOX")[0] == "OK"
    c.logout()
    wait_for(lambda: offered(stack) == ALL, timeout=30, what="SCRAM back")
    assert "*boss|{PLAIN}x|{SCRAM" in stack.config("pillarbox-scram.cf").read_text()
    with pytest.raises(stack.imap(user, password).error):
        stack.imap(f"{user}*boss", password)
    stack.wait_log("wrong password")
    line = [x for x in stack.log().splitlines() if "wrong password" in x][0]
    assert f"user={user}" in line and "master=boss" in line
    # A bad file leaves the old masters.
    stack.config("dovecot-masters.cf").write_text("a b|{PLAIN}x\n")
    stack.wait_log("dovecot-masters.cf:1: 'a b' cannot be the name of a master")
    stack.imap(f"{user}*boss", "x").logout()


# Channel binding.

def binding(c, name):
    if name == "tls-unique":
        return c.sock.get_channel_binding(name)
    # RFC 5929 section 4.1; our own certificates are signed with SHA-256.
    return hashlib.sha256(c.sock.getpeercert(True)).digest()


@FRONTS
@pytest.mark.parametrize("version,name,fine", [
    (ssl.TLSVersion.TLSv1_3, "tls-server-end-point", True),
    (ssl.TLSVersion.TLSv1_2, "tls-server-end-point", True),
    (ssl.TLSVersion.TLSv1_2, "tls-unique", True),
    (ssl.TLSVersion.TLSv1_3, "tls-unique", False),
])
def test_channel_binding(stack, front, version, name, fine):
    user, password = stack.demo
    tls = stack.tls()
    tls.minimum_version = tls.maximum_version = version
    for mechanism in SCRAM:
        with front(stack, tls) as c:
            assert mechanism + "-PLUS" in c.mechanisms()
            verdict, proved = scram.login(c, mechanism + "-PLUS", user, password, flag="p=" + name,
                                          binding=binding(c, name) or b"x")
            assert proved == fine and verdict.startswith((GOOD if fine else DENIED)[front])


@FRONTS
@pytest.mark.parametrize("mechanism,flag,data,why", [
    ("SCRAM-SHA-256-PLUS", "p=tls-server-end-point", b"of another server", "channel binding differs"),
    ("SCRAM-SHA-256-PLUS", "p=tls-exporter", bytes(32), "channel binding differs"),
    ("SCRAM-SHA-256-PLUS", "n", b"", "channel binding does not fit the mechanism"),
    ("SCRAM-SHA-256", "p=tls-exporter", b"", "channel binding does not fit the mechanism"),
    ("SCRAM-SHA-256", "y", b"", "channel binding was hidden from the client"),
    ("SCRAM-SHA-256-PLUS", "p=tls-other", b"", "unsupported channel binding"),
])
def test_a_login_from_another_connection_is_refused(stack, front, mechanism, flag, data, why):
    user, password = stack.demo
    with front(stack) as c:
        verdict, proved = scram.login(c, mechanism, user, password, flag=flag, binding=data)
        assert verdict.startswith(DENIED[front]) and not proved
    stack.wait_log(f'reason="{why}"')


def test_exporter_of_openssl(stack):
    """RFC 9266, with the value that OpenSSL's client computes."""
    user, password = stack.demo
    p = subprocess.Popen(
        ["openssl", "s_client", "-connect", f"localhost:{stack.port(993)}", "-ign_eof", "-tls1_3",
         "-keymatexport", "EXPORTER-Channel-Binding", "-keymatexportlen", "32"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def until(pattern):
        while not (m := re.match(pattern, line := p.stdout.readline().rstrip("\r\n").lstrip())):
            assert line or p.poll() is None, "openssl ended"
        return m
    try:
        key = bytes.fromhex(until(r"Keying material: (\w+)$")[1])
        assert len(key) == 32
        s = scram.Scram("SCRAM-SHA-256", user, password, flag="p=tls-exporter", binding=key)

        def send(text):
            p.stdin.write(text + "\r\n")
            p.stdin.flush()
        send(f"a AUTHENTICATE SCRAM-SHA-256-PLUS {scram.b64(s.first())}")
        send(scram.b64(s.final(scram.base64.b64decode(until(r"\+ (\S+)$")[1]))))
        assert s.proves(scram.base64.b64decode(until(r"\+ (\S+)$")[1]))
        send("")
        assert until("a (.*)")[1].startswith("OK")
    finally:
        p.kill()
        p.wait()
        p.stdin.close()
        p.stdout.close()


@pytest.mark.parametrize("mechanism", [name + "-PLUS" for name in SCRAM])
@pytest.mark.parametrize("priority", ["NORMAL", "NORMAL:-VERS-TLS1.3"])
@pytest.mark.parametrize("protocol,port", [("--imap", 143), ("--smtp", 587)])
def test_gsasl_binds(stack, mechanism, priority, protocol, port):
    gsasl(stack, mechanism, protocol, port, f"--priority={priority}")


# Independent clients.

def test_dovecot_reads_the_account_file_as_before(stack, tmp_path):
    """The verifiers lie beside the file of docker-mailserver, not in it."""
    user, password = stack.demo
    users = tmp_path / "users"
    # docker-mailserver's way to make its passwd-file of the account file.
    lines = stack.config("postfix-accounts.cf").read_text().splitlines()
    assert re.fullmatch(r"demo@example\.test\|\{SHA512-CRYPT\}\$6\$[^|]*", lines[0])
    users.write_text("".join("{}:{}:5000:5000::/var/mail/x/home::{}\n".format(*(x + "||").split("|")[:3])
                             for x in lines))
    from dovecot import Dovecot
    with Dovecot(tmp_path / "dovecot", tmp_path / "mail", more=(
            f"passdb {{\n driver = passwd-file\n args = username_format=%u {users}\n}}\n")) as d:
        conf = d.dir / "dovecot.conf"
        conf.write_text(conf.read_text().replace("driver = static\n  args = password=secret",
                                                 f"driver = passwd-file\n  args = username_format=%u {users}"))
        subprocess.run(["doveadm", "-c", conf, "reload"], check=True)
        good = ["doveadm", "-c", conf, "auth", "test", user]
        wait_for(lambda: subprocess.run(good + [password], stdout=subprocess.PIPE).returncode == 0, 15)
        assert subprocess.run(good + ["wrong"], stdout=subprocess.PIPE).returncode != 0


def gsasl(stack, mechanism, protocol, port, *more):
    user, password = stack.demo
    r = subprocess.run(["gsasl", protocol, "--client", f"--mechanism={mechanism}", *more,
                        f"--authentication-id={user}", f"--password={password}",
                        f"--x509-ca-file={stack.dir}/tls/cert.pem", "localhost", str(stack.port(port))],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True, timeout=60)
    event = {"--imap": "event=login ", "--smtp": "event=auth "}[protocol]
    assert r.returncode == 0, r.stdout
    assert [x for x in stack.log().splitlines() if event in x and f"mechanism={mechanism} " in x + " "]


@pytest.mark.parametrize("mechanism", SCRAM)
@pytest.mark.parametrize("protocol,port", [("--imap", 143), ("--smtp", 587)])
def test_gsasl(stack, mechanism, protocol, port):
    gsasl(stack, mechanism, protocol, port, "--no-cb")


def test_mbsync(stack, tmp_path):
    """Cyrus SASL chooses the mechanism, and has to be offered it."""
    user, password = stack.demo
    rc = tmp_path / "mbsyncrc"
    maildir = tmp_path / "mail"
    maildir.mkdir()
    rc.write_text(f"""
IMAPAccount a
Host localhost
Port {stack.port(993)}
User {user}
Pass {password}
SSLType IMAPS
CertificateFile {stack.dir}/tls/cert.pem
AuthMechs SCRAM-SHA-256

IMAPStore far
Account a

MaildirStore near
Path {maildir}/
Inbox {maildir}/INBOX

Channel c
Far :far:
Near :near:
Create Near
SyncState *
""")
    r = subprocess.run(["mbsync", "-c", rc, "-a", "-V"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True, timeout=60, env={"HOME": str(tmp_path), "PATH": "/usr/bin"})
    assert r.returncode == 0, r.stdout
    stack.wait_log("mechanism=SCRAM-SHA-256")
    assert Path(maildir / "INBOX").is_dir()
