"""Certificates: each SSL_TYPE, two types of key, acme.json, the cipher lists,
and changes while connections are open."""

import base64
import json
import os
import socket
import ssl
import subprocess

import pytest

from stack import BIN, wait_for

HOST = "mail.example.test"
PORTS = (25, 143, 465, 587, 993)


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Authority:
    """A CA with an intermediate, so that a chain has to be sent whole."""

    def __init__(self, folder):
        self.dir = folder
        folder.mkdir()
        self.count = 0
        self.sign("root", None, "CA:TRUE", "ec")
        self.sign("between", "root", "CA:TRUE", "ec")
        self.ca = folder / "root.pem"

    def sign(self, name, by, constraints, kind, names=""):
        self.count += 1
        d = self.dir
        how = ["rsa:2048"] if kind == "rsa" else ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        openssl("req", "-new", "-newkey", *how, "-nodes", "-keyout", d / f"{name}.key",
                "-subj", f"/CN={name}", "-out", d / f"{name}.csr")
        (d / "ext").write_text(f"basicConstraints=critical,{constraints}\nsubjectKeyIdentifier=hash\n"
                               + (f"subjectAltName={names}\n" if names else ""))
        signer = ["-CA", d / f"{by}.pem", "-CAkey", d / f"{by}.key"] if by else ["-signkey", d / f"{name}.key"]
        openssl("x509", "-req", "-in", d / f"{name}.csr", *signer, "-days", "30", "-set_serial", self.count,
                "-extfile", d / "ext", "-out", d / f"{name}.pem")
        return (d / f"{name}.pem").read_text(), (d / f"{name}.key").read_text()

    def pair(self, kind="ec", host=HOST):
        """Chain and key, as PEM texts, of a new certificate."""
        leaf, key = self.sign("leaf", "between", "CA:FALSE", kind, f"DNS:{host},DNS:localhost")
        return leaf + (self.dir / "between.pem").read_text(), key

    def client(self, ciphers=None, version=None):
        context = ssl.create_default_context(cafile=str(self.ca))
        if ciphers:
            context.set_ciphers(ciphers)
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        return context


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "ca")


def put(path, text):
    """Replaces a file at once, as certbot does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    new.write_text(text)
    os.replace(new, path)


def serial(pem):
    """The serial number of the first certificate in a PEM text."""
    out = subprocess.run(["openssl", "x509", "-noout", "-serial"], input=pem, text=True, check=True,
                         stdout=subprocess.PIPE).stdout
    return out.strip().split("=")[1].lower().lstrip("0")


def connect(stack, port, context, host="localhost"):
    """A TLS connection, after STARTTLS where the port has it."""
    raw = socket.create_connection(("127.0.0.1", stack.port(port)), timeout=30)
    if port in (25, 587, 143):
        f = raw.makefile("rwb")
        f.readline()
        if port == 143:
            f.write(b"a STARTTLS\r\n")
            f.flush()
            assert f.readline().startswith(b"a OK")
        else:
            f.write(b"EHLO client.test\r\nSTARTTLS\r\n")
            f.flush()
            while not f.readline().startswith(b"220 "):
                pass
        f.close()
    try:
        return context.wrap_socket(raw, server_hostname=host)
    except BaseException:
        raw.close()
        raise


def shown(stack, port, context):
    """Serial number of the certificate on a port, its chain verified."""
    with connect(stack, port, context) as s:
        return s.getpeercert()["serialNumber"].lower().lstrip("0")


def see_everywhere(stack, authority, pem):
    for port in PORTS:
        assert shown(stack, port, authority.client()) == serial(pem), port


def manual(folder, **more):
    return {"SSL_TYPE": "manual", "SSL_CERT_PATH": folder / "cert.pem", "SSL_KEY_PATH": folder / "key.pem", **more}


def acme(*entries):
    def b64(text):
        return base64.b64encode(text.encode()).decode()
    return json.dumps({"none": {"Account": {}, "Certificates": None}, "le": {"Certificates": [
        {"domain": {"main": names[0], "sans": names[1:]}, "certificate": b64(cert), "key": b64(key),
         "Store": "default"} for names, cert, key in entries]}})


# The modes

@pytest.mark.parametrize("mode,files", [
    ("manual", ("cert.pem", "key.pem")),
    ("letsencrypt", (f"live/{HOST}/fullchain.pem", f"live/{HOST}/privkey.pem")),
    ("letsencrypt", ("live/example.test/fullchain.pem", "live/example.test/key.pem")),
    ("self-signed", (f"config/ssl/{HOST}-cert.pem", f"config/ssl/{HOST}-key.pem")),
    ("custom", (f"config/ssl/{HOST}-full.pem",)),
])
def test_each_mode_serves_its_files_with_the_whole_chain(make_stack, tmp_path, authority, mode, files):
    cert, key = authority.pair()
    place = tmp_path / "0" / "run" if mode in ("self-signed", "custom") else tmp_path
    texts = (cert, key) if len(files) == 2 else (key + cert,)
    for name, text in zip(files, texts):
        put(place / name, text)
    s = make_stack(env={**manual(tmp_path), "SSL_TYPE": mode, "PILLARBOX_LETSENCRYPT_DIR": tmp_path})
    see_everywhere(s, authority, cert)
    assert s.setup("config", "check").stdout == ""


def refused(tmp_path, **env):
    """What a start says that ends with status 78."""
    base = {"PILLARBOX_CONFIG_DIR": tmp_path / "config", "PILLARBOX_MAIL_DIR": tmp_path / "mail",
            "PILLARBOX_STATE_DIR": tmp_path / "state", "PILLARBOX_RUN_DIR": tmp_path / "run",
            "PILLARBOX_LETSENCRYPT_DIR": tmp_path, "OVERRIDE_HOSTNAME": HOST, "PILLARBOX_LISTEN": "127.0.0.1",
            "PILLARBOX_PORT_BASE": 20000 + os.getpid() % 20000, "PATH": os.environ["PATH"]}
    r = subprocess.run([BIN / "pillarbox"], env={k: str(v) for k, v in {**base, **env}.items()},
                       stdout=subprocess.PIPE, text=True, timeout=60)
    assert r.returncode == 78, r.stdout
    lines = [x for x in r.stdout.splitlines() if "level=error" in x and "event=stopped" not in x]
    return "\n".join(lines)


def test_missing_files_are_named_as_docker_mailserver_does(tmp_path):
    assert "Environment Variable: SSL_CERT_PATH is not set!" in refused(
        tmp_path, SSL_TYPE="manual", SSL_KEY_PATH="/nowhere/key.pem")
    assert "File /nowhere/key.pem does not exist!" in refused(
        tmp_path, SSL_TYPE="manual", SSL_KEY_PATH="/nowhere/key.pem", SSL_CERT_PATH="/nowhere/cert.pem")
    assert f"File {tmp_path}/config/ssl/{HOST}-full.pem does not exist!" in refused(tmp_path, SSL_TYPE="custom")
    assert f"File {tmp_path}/config/ssl/{HOST}-key.pem does not exist!" in refused(tmp_path, SSL_TYPE="self-signed")
    assert f"tried: 'x.test', '{HOST}', 'example.test'" in refused(
        tmp_path, SSL_TYPE="letsencrypt", SSL_DOMAIN="*.x.test")
    put(tmp_path / "live" / HOST / "fullchain.pem", "")
    assert "Cannot find key file ('privkey.pem' or 'key.pem') in" in refused(tmp_path, SSL_TYPE="letsencrypt")


def test_a_key_of_another_certificate_is_refused_at_start(tmp_path, authority):
    put(tmp_path / "cert.pem", authority.pair()[0])
    put(tmp_path / "key.pem", authority.pair()[1])
    assert "does not belong to the certificate" in refused(tmp_path, **manual(tmp_path))


# Two types of key

def test_the_handshake_takes_the_key_that_the_client_supports(make_stack, tmp_path, authority):
    ec, ec_key = authority.pair("ec")
    rsa, rsa_key = authority.pair("rsa")
    for name, text in (("cert.pem", ec), ("key.pem", ec_key), ("alt.pem", rsa), ("alt.key", rsa_key)):
        put(tmp_path / name, text)
    s = make_stack(env=manual(tmp_path, SSL_ALT_CERT_PATH=tmp_path / "alt.pem", SSL_ALT_KEY_PATH=tmp_path / "alt.key"))
    for port in PORTS:
        assert shown(s, port, authority.client("ECDHE+ECDSA")) == serial(ec), port
        assert shown(s, port, authority.client("ECDHE+aRSA")) == serial(rsa), port
        assert shown(s, port, authority.client()) == serial(ec), port

    # TLS 1.3 chooses by the signature algorithms.
    for algorithm, pem in (("ECDSA+SHA256", ec), ("RSA-PSS+SHA256", rsa)):
        out = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{s.port(993)}", "-tls1_3", "-sigalgs",
                              algorithm, "-CAfile", authority.ca, "-verify_return_error"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
        assert "Verify return code: 0 (ok)" in out and serial(out) == serial(pem)

    # The second one changes and goes; the first stays as it is.
    new, new_key = authority.pair("rsa")
    put(tmp_path / "alt.key", new_key)
    put(tmp_path / "alt.pem", new)
    wait_for(lambda: shown(s, 993, authority.client("ECDHE+aRSA")) == serial(new), 30, "the new RSA certificate")
    (tmp_path / "alt.pem").unlink()

    def only_ecdsa():
        try:
            shown(s, 993, authority.client("ECDHE+aRSA"))
        except ssl.SSLError:
            return True

    wait_for(only_ecdsa, 30, "refusal of RSA")
    see_everywhere(s, authority, ec)


# acme.json

def test_acme_json_is_read_and_its_changes_are_served(make_stack, tmp_path, authority):
    www, www_key = authority.pair(host="www.example.test")
    old, old_key = authority.pair("rsa")
    path = tmp_path / "acme.json"
    put(path, acme((["www.example.test"], www, www_key), (["other.test", HOST], old, old_key)))
    path.chmod(0o600)
    before = sorted(tmp_path.iterdir())
    s = make_stack(env={"SSL_TYPE": "letsencrypt", "PILLARBOX_LETSENCRYPT_DIR": tmp_path})
    see_everywhere(s, authority, old)
    assert s.setup("config", "check").stdout == ""
    # Nothing is written next to it: the mount may be read-only.
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "0"])

    new, new_key = authority.pair("ec")
    with connect(s, 993, authority.client()) as c:
        f = c.makefile("rwb")
        assert f.readline().startswith(b"* OK")
        # Traefik writes in place: what is half there changes nothing.
        text = acme(([HOST], new, new_key))
        path.write_text(text[:500])
        s.wait_log("it is not JSON")
        see_everywhere(s, authority, old)
        path.write_text(text)
        for port in PORTS:
            wait_for(lambda: shown(s, port, authority.client()) == serial(new), 30, f"the new certificate on {port}")
        # The connection that was there has not noticed.
        f.write(b"a NOOP\r\n")
        f.flush()
        assert f.readline().startswith(b"a OK")
    # Our certificate is gone from it: it is still served, also after a restart
    # of the process.
    path.write_text(acme((["www.example.test"], www, www_key)))
    s.wait_log("failed to identify a certificate")
    pid = s.pid_of("login")
    s.kill("login")
    wait_for(lambda: s.pid_of("login") not in (0, pid) and "login" in s.setup("status", check=False).stdout, 30)
    wait_for(lambda: "process=login" in s.log().rsplit("event=process-restart", 1)[-1].rsplit("process-ready", 1)[-1], 30)
    see_everywhere(s, authority, new)


def test_acme_json_without_our_names_leaves_the_folders(make_stack, tmp_path, authority):
    www, www_key = authority.pair(host="www.example.test")
    cert, key = authority.pair()
    put(tmp_path / "acme.json", acme((["www.example.test"], www, www_key)))
    put(tmp_path / "live" / "wild.test" / "fullchain.pem", cert)
    put(tmp_path / "live" / "wild.test" / "privkey.pem", key)
    s = make_stack(env={"SSL_TYPE": "letsencrypt", "SSL_DOMAIN": "*.wild.test", "PILLARBOX_LETSENCRYPT_DIR": tmp_path})
    assert "Unable to find key and/or cert for '*.wild.test' in" in s.log()
    see_everywhere(s, authority, cert)
    wild, wild_key = authority.pair()
    put(tmp_path / "acme.json", acme((["*.wild.test"], wild, wild_key)))
    wait_for(lambda: shown(s, 993, authority.client()) == serial(wild), 30, "the certificate of acme.json")


def test_certbot_s_links_are_followed_live(make_stack, tmp_path, authority):
    live, archive = tmp_path / "live" / HOST, tmp_path / "archive" / HOST
    live.mkdir(parents=True)

    def renew(n):
        cert, key = authority.pair()
        for name, text in (("privkey", key), ("fullchain", cert)):
            put(archive / f"{name}{n}.pem", text)
            (live / "new").symlink_to(f"../../archive/{HOST}/{name}{n}.pem")
            os.replace(live / "new", live / f"{name}.pem")
        return cert

    first = renew(1)
    s = make_stack(env={"SSL_TYPE": "letsencrypt", "PILLARBOX_LETSENCRYPT_DIR": tmp_path})
    see_everywhere(s, authority, first)
    second = renew(2)
    wait_for(lambda: shown(s, 993, authority.client()) == serial(second), 30, "the renewed certificate")
    # A key that does not fit is refused, and the old pair stays.
    put(live / "privkey.pem", authority.pair()[1])
    s.wait_log("event=file-refused", 30)
    see_everywhere(s, authority, second)


# Cipher lists (dms-compat 10.3)

MODERN = """ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-GCM-SHA256 ECDHE-ECDSA-AES256-GCM-SHA384
ECDHE-RSA-AES256-GCM-SHA384 ECDHE-ECDSA-CHACHA20-POLY1305 ECDHE-RSA-CHACHA20-POLY1305 DHE-RSA-AES128-GCM-SHA256
DHE-RSA-AES256-GCM-SHA384""".split()
INTERMEDIATE = """ECDHE-ECDSA-CHACHA20-POLY1305 ECDHE-RSA-CHACHA20-POLY1305 ECDHE-ECDSA-AES128-GCM-SHA256
ECDHE-RSA-AES128-GCM-SHA256 ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384 DHE-RSA-AES128-GCM-SHA256
DHE-RSA-AES256-GCM-SHA384 ECDHE-ECDSA-AES128-SHA256 ECDHE-RSA-AES128-SHA256 ECDHE-RSA-AES256-SHA384
ECDHE-ECDSA-AES256-SHA384 DHE-RSA-AES128-SHA256 DHE-RSA-AES256-SHA256""".split()
# Port 25 with an ECDSA key.
MEDIUM = """AES256-GCM-SHA384 CHACHA20-POLY1305 AES256-CCM ARIA256-GCM-SHA384 AES256-SHA384 AES128-GCM-SHA256 AES128-CCM
ARIA128-GCM-SHA256 AES128-SHA256 AES256-CCM8 AES128-CCM8""".split()


def preference(stack, port):
    """The TLS 1.2 suites of a port in the order that the server prefers."""
    found = []
    while True:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0:" + ":".join("!" + x for x in found))
            with connect(stack, port, context) as c:
                found.append(c.cipher()[0])
        except ssl.SSLError:
            return found


@pytest.mark.parametrize("level,suites", [("modern", MODERN), ("intermediate", INTERMEDIATE)])
def test_tls_level_offers_exactly_these_suites_in_this_order(make_stack, tmp_path, authority, level, suites):
    for kind, cert, key in (("ec", "cert.pem", "key.pem"), ("rsa", "alt.pem", "alt.key")):
        pair = authority.pair(kind)
        put(tmp_path / cert, pair[0])
        put(tmp_path / key, pair[1])
    s = make_stack(env=manual(tmp_path, TLS_LEVEL=level, SSL_ALT_CERT_PATH=tmp_path / "alt.pem",
                              SSL_ALT_KEY_PATH=tmp_path / "alt.key"))
    for port in (465, 587, 143, 993):
        assert preference(s, port) == suites, port
    for version in ("-tls1", "-tls1_1"):
        r = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{s.port(993)}", version,
                            "-cipher", "ALL:@SECLEVEL=0"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True)
        assert r.returncode != 0 and "Cipher is (NONE)" in r.stdout
    for suite in ("TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"):
        out = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{s.port(993)}", "-ciphersuites", suite],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
        assert f"Cipher is {suite}" in out


def test_port_25_ignores_tls_level(make_stack, tmp_path, authority):
    cert, key = authority.pair("ec")
    put(tmp_path / "cert.pem", cert)
    put(tmp_path / "key.pem", key)
    s = make_stack(env=manual(tmp_path, TLS_LEVEL="modern"))
    found = preference(s, 25)
    # Newer OpenSSL does not offer the last two, whose tags are short.
    expected = MEDIUM if any("CCM8" in x for x in found) else MEDIUM[:-2]
    assert found == ["ECDHE-ECDSA-" + x for x in expected]
