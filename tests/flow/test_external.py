"""SASL EXTERNAL: logins with a client certificate, on IMAP and submission."""

import base64
import imaplib
import os
import shutil
import smtplib
import socket
import ssl
import subprocess
import sys
import time

import pytest
from stack import ROOT, Stack, wait_for

sys.path[:0] = [str(ROOT / "tests" / "tools"), str(ROOT / "tests" / "flow")]
from clientca import ClientCa  # noqa: E402
from test_certificates import refused  # noqa: E402

ADA, BOB = "ada@example.test", "bob@example.test"
DENIED = r"\[AUTHENTICATIONFAILED\]"


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    return ClientCa(tmp_path_factory.mktemp("client") / "ca")


@pytest.fixture(scope="module")
def stack(ca, tmp_path_factory):
    with Stack(tmp_path_factory.mktemp("stack"), env={"PILLARBOX_CLIENT_CA_PATH": ca.root}) as s:
        for name in (ADA, BOB):
            s.add_account(name, "secret")
        s.wait_log("file=accounts accounts=3 ")
        yield s


@pytest.fixture
def ada(ca):
    return ca.client("ada", "email:Ada@Example.Test")


def context(stack, pair=None, version=None):
    c = stack.tls()
    if pair:
        c.load_cert_chain(*pair)
    if version:
        c.minimum_version = c.maximum_version = version
    return c


def imaps(stack, tls):
    return imaplib.IMAP4_SSL("localhost", stack.port(993), ssl_context=tls, timeout=30)


def starttls(stack, tls):
    c = imaplib.IMAP4("localhost", stack.port(143), timeout=30)
    assert "AUTH=EXTERNAL" not in c.capabilities
    c.starttls(tls)
    return c


def external(c, authzid=""):
    """imaplib asks for the response after an empty challenge."""
    return c.authenticate("EXTERNAL", lambda challenge: authzid.encode())


VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
PORTS = pytest.mark.parametrize("connect", [imaps, starttls])


@VERSIONS
@PORTS
@pytest.mark.parametrize("authzid", ["", ADA, ADA.upper()])
def test_login(stack, ada, version, connect, authzid):
    c = connect(stack, context(stack, ada, version))
    assert "AUTH=EXTERNAL" in c.capabilities and "AUTH=PLAIN" in c.capabilities
    assert external(c, authzid)[0] == "OK"
    assert c.append("INBOX", None, None, f"Subject: {version}{authzid}\r\n\r\n".encode())[0] == "OK"
    assert len(stack.delivered(ADA)) > 0 and stack.delivered(BOB) == []
    c.logout()
    stack.wait_log(f"user={ADA} mechanism=EXTERNAL")


def test_initial_response(stack, ada):
    c = imaps(stack, context(stack, ada))
    c.send(b"a AUTHENTICATE EXTERNAL =\r\n")
    assert c.readline().startswith(b"a OK [CAPABILITY ")
    c.shutdown()
    c = imaps(stack, context(stack, ada))
    c.send(b"a AUTHENTICATE EXTERNAL " + base64.b64encode(ADA.encode()) + b"\r\n")
    assert c.readline().startswith(b"a OK [CAPABILITY ")
    c.shutdown()


def test_malformed_responses_are_bad(stack, ada):
    c = imaps(stack, context(stack, ada))
    for response in (b"!", base64.b64encode(b"a\0b"), b"*"):
        c.send(b"a AUTHENTICATE EXTERNAL " + response + b"\r\n")
        assert c.readline().startswith(b"a BAD "), response
    c.send(b"a AUTHENTICATE EXTERNAL " + base64.b64encode(b"x" * 400) + b"\r\n")
    assert c.readline().startswith(b"a NO [AUTHENTICATIONFAILED]")
    assert external(c)[0] == "OK"
    c.logout()


def offers_and_refuses(stack, tls, reason, authzid="", offered=False, ports=(imaps,)):
    for connect in ports:
        c = connect(stack, tls)
        assert ("AUTH=EXTERNAL" in c.capabilities) == offered
        before = stack.log().count(reason)
        with pytest.raises(imaplib.IMAP4.error, match=DENIED):
            external(c, authzid)
        wait_for(lambda: stack.log().count(reason) > before, 10, reason)
        assert c.login(BOB, "secret")[0] == "OK"
        c.logout()


def test_without_a_certificate(stack):
    offers_and_refuses(stack, context(stack), 'reason="no client certificate"', ports=(imaps, starttls))


def test_another_authority(stack, tmp_path):
    other = ClientCa(tmp_path / "ca")
    offers_and_refuses(stack, context(stack, other.client("ada", f"email:{ADA}")), "unable to get",
                       ports=(imaps, starttls))


def test_a_self_signed_certificate(stack, tmp_path):
    other = ClientCa(tmp_path / "ca")
    other._sign("self", None, f"subjectAltName=email:{ADA}\nextendedKeyUsage=clientAuth")
    offers_and_refuses(stack, context(stack, (other.dir / "self.pem", other.dir / "self.key")), "self-signed cert")


def test_an_expired_certificate(stack, ca):
    pair = ca.client("late", f"email:{ADA}", days=0)
    time.sleep(1.5)
    offers_and_refuses(stack, context(stack, pair), "certificate has expired")


def test_a_certificate_for_servers(stack, ca):
    pair = ca.client("server", f"email:{ADA}", usage="serverAuth")
    offers_and_refuses(stack, context(stack, pair), "purpose")


@pytest.mark.parametrize("names,authzid,reason", [
    ("email:ada@example.test", BOB, "authorization identity differs"),
    ("email:ada@example.test", "ada", "authorization identity differs"),
    (f"email:{ADA},email:{BOB}", "", "the certificate names several accounts"),
    ("email:nobody@example.test", "", "unknown user"),
    ("email:nobody@example.test", "nobody@example.test", "unknown user"),
    ("DNS:example.test", "", "no address in the certificate"),
    (None, "", "no address in the certificate"),  # its CN has an address
    (None, "common@example.test", "authorization identity differs"),
    ("URI:mailto:ada@example.test", ADA, "authorization identity differs"),
])
def test_the_certificate_does_not_open_it(stack, ca, names, authzid, reason):
    stack.setup("email", "add", "common@example.test", "secret", check=False)
    offers_and_refuses(stack, context(stack, ca.client("some", names)), f'reason="{reason}"', authzid, True)


@pytest.mark.parametrize("authzid,opens", [("", BOB), (BOB, BOB)])
def test_one_account_among_several_addresses(stack, ca, authzid, opens):
    c = imaps(stack, context(stack, ca.client("some", f"email:nobody@example.test,DNS:x,email:{BOB},email:{BOB.upper()}")))
    before = stack.delivered(BOB)
    assert external(c, authzid)[0] == "OK"
    c.append("INBOX", None, None, b"Subject: x\r\n\r\n")
    assert len(stack.delivered(BOB)) == len(before) + 1
    c.logout()


def test_each_of_two_addresses_can_be_asked_for(stack, ca):
    pair = ca.client("two", f"email:{ADA},email:{BOB}")
    for name in (ADA, BOB):
        c = imaps(stack, context(stack, pair))
        before = len(stack.delivered(name))
        assert external(c, name)[0] == "OK"
        c.append("INBOX", None, None, b"Subject: x\r\n\r\n")
        assert len(stack.delivered(name)) == before + 1
        c.logout()


def test_one_connection_for_both(stack, ca):
    """RFC 8437 section 4.2: UNAUTHENTICATE leaves the certificate where it is."""
    tls = context(stack, ca.client("two", f"email:{ADA},email:{BOB}"))
    with tls.wrap_socket(raw(stack, 993), server_hostname="localhost") as s:
        f = s.makefile("rb")
        f.readline()
        for name in (ADA, BOB, ADA):
            before = len(stack.delivered(name))
            s.sendall(b"a AUTHENTICATE EXTERNAL " + base64.b64encode(name.encode()) + b"\r\n"
                      b"b APPEND INBOX {8+}\r\nx: y\r\n\r\n\r\nc UNAUTHENTICATE\r\n")
            lines = []
            while not lines or not lines[-1].startswith(b"c "):
                lines.append(f.readline())
            tagged = [x for x in lines if not x.startswith(b"* ")]
            assert all(x[2:4] == b"OK" for x in tagged) and len(tagged) == 3, lines
            assert b"AUTH=EXTERNAL" in tagged[-1]
            assert len(stack.delivered(name)) == before + 1


def test_an_intermediate_authority_sent_along(stack, ca):
    pair = ca.client("far", f"email:{ADA}", by="between")
    c = imaps(stack, context(stack, pair))
    assert external(c)[0] == "OK"
    c.logout()
    # Without it nobody can tell who signed.
    text = pair[0].read_text()
    pair[0].write_text(text[:text.index("-----END CERTIFICATE-----\n") + 26])
    offers_and_refuses(stack, context(stack, pair), "unable to get")


def raw(stack, port):
    return socket.create_connection(("127.0.0.1", stack.port(port)), timeout=30)


@VERSIONS
def test_a_resumed_session_has_its_certificate(stack, ca, version):
    """It is not resumed: the ticket would lose the intermediate one."""
    tls = context(stack, ca.client("far", f"email:{ADA}", by="between"), version)
    session = None
    for _ in range(3):
        with tls.wrap_socket(raw(stack, 993), server_hostname="localhost", session=session) as s:
            f = s.makefile("rwb")
            assert b"AUTH=EXTERNAL" in f.readline()
            f.write(b"a AUTHENTICATE EXTERNAL =\r\n")
            f.flush()
            assert f.readline().startswith(b"a OK")
            assert not s.session_reused
            session = s.session


@VERSIONS
def test_sessions_without_a_certificate_are_resumed_and_gain_none(stack, ada, version):
    tls = context(stack, None, version)
    with tls.wrap_socket(raw(stack, 993), server_hostname="localhost") as s:
        s.makefile("rb").readline()
        session = s.session
    # The same context, which has a certificate by now.
    tls.load_cert_chain(*ada)
    with tls.wrap_socket(raw(stack, 993), server_hostname="localhost", session=session) as s:
        f = s.makefile("rwb")
        assert s.session_reused and b"EXTERNAL" not in f.readline()
        f.write(b"a AUTHENTICATE EXTERNAL =\r\n")
        f.flush()
        assert f.readline().startswith(b"a NO [AUTHENTICATIONFAILED]")


def test_a_disabled_account(stack, ca):
    before = stack.log().count("file=accounts")
    with stack.config("postfix-accounts.cf").open("a") as f:
        f.write("off@example.test|{PLAIN}secret|userdb_x=1 nologin\n")
    pair = ca.client("off", "email:off@example.test")
    wait_for(lambda: stack.log().count("file=accounts") > before, 20)
    offers_and_refuses(stack, context(stack, pair), 'reason="login disabled"', "", True)


def try_external(stack, pair):
    c = imaps(stack, context(stack, pair))
    try:
        return external(c)[0] == "OK"
    except imaplib.IMAP4.error:
        return False
    finally:
        c.shutdown()


def submission(stack, tls):
    c = smtplib.SMTP("localhost", stack.port(587), local_hostname="client.example.org", timeout=30)
    c.starttls(context=tls)
    c.ehlo()
    return c


@pytest.mark.parametrize("initial", [True, False])
@pytest.mark.parametrize("authzid", [None, ADA])
def test_submission(stack, ada, initial, authzid):
    with submission(stack, context(stack, ada)) as c:
        assert "EXTERNAL" in c.esmtp_features["auth"].split()
        answer = base64.b64encode((authzid or "").encode()).decode()
        if initial:
            code = c.docmd("AUTH", "EXTERNAL " + (answer or "="))
        else:
            assert c.docmd("AUTH", "EXTERNAL")[0] == 334
            code = c.docmd(answer)
        assert code == (235, b"2.7.0 Authentication successful")
        c.sendmail(ADA, [BOB], "From: ada@example.test\r\nSubject: by certificate\r\n\r\n")


def test_submission_refuses(stack, ca):
    with submission(stack, context(stack)) as c:
        assert "EXTERNAL" not in c.esmtp_features["auth"].split()
        assert c.docmd("AUTH", "EXTERNAL =")[0] == 535
    pair = ca.client("some", f"email:{ADA}")
    with submission(stack, context(stack, pair)) as c:
        assert c.docmd("AUTH", "EXTERNAL " + base64.b64encode(BOB.encode()).decode())[0] == 535
        assert c.docmd("AUTH", "EXTERNAL " + base64.b64encode(b"a\0b").decode())[0] == 501
        assert c.docmd("AUTH", "EXTERNAL =")[0] == 235


def test_port_25_does_not_ask(stack, ada):
    c = smtplib.SMTP("localhost", stack.port(25), local_hostname="client.example.org", timeout=30)
    c.starttls(context=context(stack, ada))
    c.ehlo()
    assert not c.has_extn("auth")
    c.close()
    for port, asked in ((25, False), (587, True)):
        out = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{stack.port(port)}", "-starttls", "smtp"],
                             input="QUIT\r\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
        assert ("Acceptable client certificate CA names" in out) == asked


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl")
def test_curl(stack, ada):
    out = subprocess.run(
        ["curl", "--silent", "--show-error", "--cacert", stack.dir / "tls" / "cert.pem", "--cert", ada[0], "--key", ada[1],
         "--login-options", "AUTH=EXTERNAL", "--user", ADA + ":", f"imaps://localhost:{stack.port(993)}/",
         "--request", "EXAMINE INBOX"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    assert out.returncode == 0 and "EXISTS" in out.stdout, out.stdout


def test_refusals_count_against_the_address(stack, ca):
    """As wrong passwords do: slower each time."""
    c = imaps(stack, context(stack, ca.client("none", "email:nobody@example.test")))
    start = time.monotonic()
    for _ in range(2):
        with pytest.raises(imaplib.IMAP4.error, match=DENIED):
            external(c)
    assert time.monotonic() - start > 5
    assert c.login(BOB, "secret")[0] == "OK"
    c.logout()


# The setting

def test_off_is_the_default(make_stack, ca, ada):
    s = make_stack()
    c = imaps(s, context(s, ada))
    assert "AUTH=EXTERNAL" not in c.capabilities
    with pytest.raises(imaplib.IMAP4.error, match=DENIED):
        external(c)
    s.wait_log('reason="client certificates are switched off"')


@pytest.mark.parametrize("text,said", [
    (None, "does not exist"),
    ("nonsense\n", "there is no certificate of a CA in it"),
    ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "a certificate of a CA is not valid PEM"),
])
def test_a_bad_file_ends_the_start(tmp_path, text, said):
    path = tmp_path / "clients.pem"
    if text is not None:
        path.write_text(text)
    assert said in refused(tmp_path, PILLARBOX_CLIENT_CA_PATH=path)


def test_changes_of_the_file_are_live(make_stack, tmp_path):
    first, second = ClientCa(tmp_path / "first"), ClientCa(tmp_path / "second")
    path = tmp_path / "clients.pem"
    path.write_text(first.root.read_text())
    s = make_stack(env={"PILLARBOX_CLIENT_CA_PATH": path})
    old = first.client("demo", "email:demo@example.test")
    new = second.client("demo", "email:demo@example.test")
    assert try_external(s, old) and not try_external(s, new)
    assert s.setup("config", "check").stdout == ""
    # What cannot be used changes nothing.
    path.write_text("nonsense")
    s.wait_log("event=file-refused")
    assert s.setup("config", "check", check=False).stdout == f"{path}: there is no certificate of a CA in it\n"
    assert try_external(s, old)
    os.unlink(path)
    time.sleep(1)
    assert try_external(s, old)
    path.write_text(second.root.read_text())
    wait_for(lambda: try_external(s, new), 30, "the second authority")
    assert not try_external(s, old)
    # Both; and a process that is started later gets them too.
    path.write_text(first.root.read_text() + second.root.read_text())
    wait_for(lambda: try_external(s, old), 30, "both authorities")
    pid = s.pid_of("auth")
    s.kill("auth")
    wait_for(lambda: s.pid_of("auth") not in (0, pid), 30, "auth again")
    wait_for(lambda: try_external(s, new), 30)


def test_an_intermediate_authority_may_be_the_one_that_is_trusted(make_stack, ca):
    s = make_stack(env={"PILLARBOX_CLIENT_CA_PATH": ca.between})
    assert try_external(s, ca.client("near", "email:demo@example.test", by="between"))
    assert not try_external(s, ca.client("far", "email:demo@example.test"))
