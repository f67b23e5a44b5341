"""Other implementations of DKIM and ARC, behind one interface, to compare ours
with: python3-dkim, Debian's libopendkim, Perl's Mail::DKIM, npm's mailauth.

    judges = Judges(dns)              dns: a started FakeDns
    judges.publish(name, text)        a TXT record; text may be a list of strings
    for judge in judges.dkim: judge.verify(message) -> ["pass", "fail", ...]
    judge.sign(message, key, canon) -> the field, or None if it does not do that
    for judge in judges.arc: judge.arc_verify(message) -> "pass", "fail" or "none"
    judge.arc_seal(message, key, domain) -> the fields, or None
    judges.absent                     [(name, why)] of those that are not here

A verdict on a signature is "pass" or something else; what else, each judge has
words of its own for. A key is a Key.
"""
import base64
import ctypes
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import dkim

ROOT = Path(__file__).resolve().parent.parent.parent
TOOLS = Path(__file__).resolve().parent
BIN = Path(os.environ.get("PILLARBOX_BIN", ROOT / "build" / "bin")).resolve()
CANONS = ("relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple")


class Key:
    """A private key in a file, PKCS#8, and the public one as p= has it."""

    def __init__(self, folder, kind, selector=None):
        self.kind, self.selector = kind, selector or f"s{kind}"
        self.path = Path(folder) / f"{self.selector}.pem"
        self.algorithm = "ed25519-sha256" if kind == "ed25519" else "rsa-sha256"
        words = ["-algorithm", "ed25519"] if kind == "ed25519" else [
            "-algorithm", "rsa", "-pkeyopt", f"rsa_keygen_bits:{kind}"]
        subprocess.run(["openssl", "genpkey", *words, "-out", self.path], check=True,
                       capture_output=True)
        der = subprocess.run(["openssl", "pkey", "-in", self.path, "-pubout", "-outform", "DER"],
                             check=True, capture_output=True).stdout
        self.p = base64.b64encode(der[-32:] if kind == "ed25519" else der).decode()
        self.pem = self.path.read_bytes()

    @property
    def record(self):
        return f"v=DKIM1; k={self.algorithm.split('-')[0]}; p={self.p}"

    @property
    def seed(self):
        """Of an Ed25519 key, in base64."""
        der = base64.b64decode(b"".join(self.pem.splitlines()[1:-1]))
        return base64.b64encode(der[-32:])


class Judge:
    verifies = ("rsa-sha256", "ed25519-sha256")


class Dkimpy(Judge):
    name = "python3-dkim"

    def __init__(self, lookup):
        self.lookup = lookup

    def answer(self, name, timeout=5):
        text = self.lookup(name.decode().rstrip("."))
        return None if text is None else text

    def verify(self, message):
        out = []
        d = dkim.DKIM(message)
        for i in range(sum(x.lower() == b"dkim-signature" for x, _ in d.headers)):
            try:
                out.append("pass" if d.verify(idx=i, dnsfunc=self.answer) else "fail")
            except (dkim.DKIMException, IndexError, ValueError) as error:
                out.append(f"fail: {error}")
        return out

    def sign(self, message, key, canon, **options):
        private = key.seed if key.kind == "ed25519" else key.pem
        return dkim.sign(message, key.selector.encode(), b"far.test", private,
                         canonicalize=tuple(canon.encode().split(b"/")),
                         signature_algorithm=key.algorithm.encode(), **options)

    def arc_verify(self, message):
        try:
            cv = dkim.arc_verify(message, dnsfunc=self.answer)[0]
        except IndexError:  # of odd white space around i=
            cv = None
        return "fail" if cv is None else cv.decode()  # None: a seal says cv=fail

    def arc_seal(self, message, key, domain):
        if key.kind == "ed25519":
            return None
        return b"".join(dkim.arc_sign(message, key.selector.encode(), domain.encode(), key.pem,
                                      domain.encode()))


class OpenDkim(Judge):
    """libopendkim itself, which the opendkim milter and its tools are made of."""
    name = "opendkim"
    SIMPLE, RELAXED = 0, 1
    SIGN_RSA, SIGN_ED25519 = 1, 2
    ZTAGS, OVERSIGN_OPTION, FLAGS_OPTION, TTL_OPTION, SIGNLEN = 0x10, 5, 0, 11, 4
    PASSED = 0x04

    def __init__(self, lookup):
        self.lookup = lookup
        so = self.so = ctypes.CDLL("libopendkim.so.11")
        for name in ("dkim_init", "dkim_sign", "dkim_verify"):
            getattr(so, name).restype = ctypes.c_void_p
        for name in ("dkim_sig_getdomain", "dkim_sig_getselector"):
            getattr(so, name).restype = ctypes.c_char_p
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p,
                                ctypes.c_size_t)
        self.callback = kind(self.answer)
        self.plain = self.library()

    def library(self):
        library = ctypes.c_void_p(self.so.dkim_init(None, None))
        self.so.dkim_set_key_lookup(library, self.callback)
        return library

    def answer(self, handle, sig, out, size):
        sig = ctypes.c_void_p(sig)
        name = (self.so.dkim_sig_getselector(sig) + b"._domainkey." +
                self.so.dkim_sig_getdomain(sig)).decode()
        text = self.lookup(name)
        if text is None:
            return 3
        text = text[:size - 1] + b"\0"
        ctypes.memmove(out, text, len(text))
        return 0

    def feed(self, handle, message):
        """The message in the pieces a milter gets. The status at the end."""
        header, _, body = message.partition(b"\r\n\r\n")
        for field in re.split(rb"\r\n(?![ \t])", header.removesuffix(b"\r\n")):
            status = self.so.dkim_header(handle, field, ctypes.c_size_t(len(field)))
            if status != 0:
                return status
        status = self.so.dkim_eoh(handle)
        if status not in (0, 2):
            return status
        self.so.dkim_body(handle, body, ctypes.c_size_t(len(body)))
        return self.so.dkim_eom(handle, None)

    def verify(self, message):
        status = ctypes.c_int()
        handle = ctypes.c_void_p(self.so.dkim_verify(self.plain, b"x", None, ctypes.byref(status)))
        self.feed(handle, message)
        list_, count = ctypes.POINTER(ctypes.c_void_p)(), ctypes.c_int()
        out = []
        if self.so.dkim_getsiglist(handle, ctypes.byref(list_), ctypes.byref(count)) == 0:
            for i in range(count.value):
                sig = ctypes.c_void_p(list_[i])
                self.so.dkim_sig_process(handle, sig)
                good = (self.so.dkim_sig_getflags(sig) & self.PASSED and
                        self.so.dkim_sig_getbh(sig) == 0)
                out.append("pass" if good else f"fail: {self.so.dkim_sig_geterror(sig)}")
        self.so.dkim_free(handle)
        return out

    def sign(self, message, key, canon, oversign=(), flags=0, ttl=0, length=-1, identity=None):
        library = self.library()
        names = (ctypes.c_char_p * (len(oversign) + 1))(*oversign, None)
        self.option(library, self.OVERSIGN_OPTION, names, ctypes.sizeof(ctypes.c_void_p))
        self.option(library, self.FLAGS_OPTION, ctypes.byref(ctypes.c_uint(flags)), 4)
        self.option(library, self.TTL_OPTION, ctypes.byref(ctypes.c_uint64(ttl)), 8)
        status = ctypes.c_int()
        words = [self.RELAXED if w == "relaxed" else self.SIMPLE for w in canon.split("/")]
        handle = ctypes.c_void_p(self.so.dkim_sign(
            library, b"x", None, key.pem, key.selector.encode(), b"far.test", *words,
            self.SIGN_ED25519 if key.kind == "ed25519" else self.SIGN_RSA,
            ctypes.c_ssize_t(length), ctypes.byref(status)))
        if identity:
            self.so.dkim_set_signer(handle, identity)
        status = self.feed(handle, message)
        text, size = ctypes.c_char_p(), ctypes.c_size_t()
        if status == 0:
            status = self.so.dkim_getsighdr_d(handle, ctypes.c_size_t(16), ctypes.byref(text),
                                              ctypes.byref(size))
        field = b"DKIM-Signature: " + (text.value or b"") + b"\r\n"
        self.so.dkim_free(handle)
        self.so.dkim_close(library)
        if status != 0:
            raise ValueError(f"opendkim does not sign: {status}")
        return re.sub(rb"\r?\n", b"\r\n", field)

    def option(self, library, what, value, size):
        assert self.so.dkim_options(library, 1, what, value, ctypes.c_size_t(size)) == 0


class Coprocess(Judge):
    """A judge in another language, started when it is first asked."""

    def __init__(self, words):
        self.words, self.process, self.asked = words, None, 0

    def ask(self, op, message, **more):
        if self.process is None:
            self.process = subprocess.Popen(self.words, stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE)
        self.asked += 1
        q = {"op": op, "id": self.asked, "message": base64.b64encode(message).decode(), **more}
        self.process.stdin.write(json.dumps(q).encode() + b"\n")
        self.process.stdin.flush()
        answer = {}
        while answer.get("id") != self.asked:  # some print what is no answer, too
            line = self.process.stdout.readline()
            assert line, f"{self.words[0]} has ended"
            answer = json.loads(line) if line.startswith(b'{"') else {}
        if "error" in answer:
            raise ValueError(f"{self.name}: {answer['error']}")
        return answer["answer"]

    def stop(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait(30)

    def verify(self, message):
        try:
            said = self.ask("verify", message)
        except ValueError as error:
            return [f"fail: {error}"]
        return ["pass" if x["result"] == "pass" else f"{x['result']}: {x['why']}" for x in said]

    def arc_verify(self, message):
        try:
            word = self.ask("arc_verify", message, domain="near.test")["result"]
        except ValueError:
            return "fail"
        return word if word in ("pass", "none") else "fail"

    def arc_seal(self, message, key, domain):
        if key.algorithm not in self.seals:
            return None
        text = self.ask("arc_seal", message, key=str(key.path), selector=key.selector,
                        domain=domain, algorithm=key.algorithm)
        return text and text.encode("latin-1", "replace")

    def sign(self, message, key, canon, **options):
        if key.algorithm not in self.signs:
            return None
        return self.ask("sign", message, key=str(key.path), selector=key.selector,
                        domain="far.test", canon=canon, algorithm=key.algorithm,
                        **options).encode()


class MailDkim(Coprocess):
    name = "Mail::DKIM"
    signs = seals = ("rsa-sha256",)

    def __init__(self, dns):
        super().__init__(["perl", str(TOOLS / "judge.pl"), *dns.address.split("@")])
        self.load("ARC::Signer").check_returncode()
        if self.load("Algorithm::ed25519_sha256").returncode != 0:
            self.verifies = ("rsa-sha256",)  # Debian 12's

    @staticmethod
    def load(module):
        return subprocess.run(["perl", "-MJSON::PP", f"-MMail::DKIM::{module}", "-e", "1"],
                              capture_output=True)


class Mailauth(Coprocess):
    name = "mailauth"
    signs = seals = ("rsa-sha256", "ed25519-sha256")

    def __init__(self, dns):
        folder = self.install()
        super().__init__(["node", str(TOOLS / "judge.cjs"), str(folder),
                          dns.address.replace("@", ":")])
        try:
            self.ask("verify", b"From: a@b.test\r\n\r\nx\r\n")
        except (AssertionError, ValueError) as error:
            raise OSError(f"node cannot run it: {error}") from error

    @staticmethod
    def install():
        folder = ROOT / "build" / "cache" / "mailauth"
        if not (folder / "node_modules" / "mailauth" / "package.json").exists():
            if shutil.which("npm") is None or shutil.which("node") is None:
                raise FileNotFoundError("there is no npm or no node")
            # Elsewhere first: another test may be at it, and a half is none.
            fresh = folder.with_name(f"mailauth.{os.getpid()}")
            fresh.mkdir(parents=True, exist_ok=True)
            (fresh / "package.json").write_text("{}")
            subprocess.run(["npm", "install", "--no-audit", "--no-fund", "mailauth@4"], cwd=fresh,
                           check=True, capture_output=True, timeout=300)
            try:
                fresh.rename(folder)
            except OSError:
                shutil.rmtree(fresh)
        return folder


class Judges:
    def __init__(self, dns):
        self.dns, self.texts, self.absent = dns, {}, []
        self.dkimpy, self.opendkim, self.maildkim, self.mailauth = (
            self.call(kind, argument) for kind, argument in (
                (Dkimpy, self.lookup), (OpenDkim, self.lookup), (MailDkim, dns), (Mailauth, dns)))
        self.dkim = [j for j in (self.dkimpy, self.opendkim, self.maildkim, self.mailauth) if j]
        self.arc = [j for j in (self.dkimpy, self.maildkim, self.mailauth) if j]

    def call(self, kind, argument):
        try:
            return kind(argument)
        except (OSError, subprocess.SubprocessError) as error:
            why = getattr(error, "stderr", None) or error
            self.absent.append((kind.name, str(why)))
            print(f"the judge {kind.name} is absent: {why}", file=sys.stderr)
            return None

    def lookup(self, name):
        return self.texts.get(name.lower())

    def publish(self, name, text):
        strings = [text] if isinstance(text, (str, bytes)) else text
        strings = [s.encode() if isinstance(s, str) else s for s in strings]
        cut = [s[i:i + 255] for s in strings for i in range(0, len(s), 255)] or [b""]
        with self.dns.lock:
            self.dns.zone.names.add(name)
            self.dns.zone.records[(name, 16)] = [b"".join(bytes([len(s)]) + s for s in cut)]
        self.texts[name] = b"".join(strings)

    def stop(self):
        for judge in (self.maildkim, self.mailauth):
            if judge:
                judge.stop()


class Ours(Judge):
    """The commands of setup."""
    name = "ours"

    def __init__(self, dns, folder):
        self.dns, self.folder = dns, Path(folder)
        self.env = {"PATH": os.environ["PATH"], "PILLARBOX_CONFIG_DIR": str(folder)}

    def run(self, *words, message, dns=True):
        r = subprocess.run([BIN / "setup", *words, *(["--dns", self.dns.address] if dns else [])],
                           env=self.env, input=message, capture_output=True, timeout=60)
        assert r.returncode == 0, (words, r.stderr)
        return r.stdout

    def verify(self, message):
        said = json.loads(self.run("explain", "dkim", "-", "--json", message=message))
        return ["pass" if s["result"] == "pass" else f"{s['result']}: {s['reason']}"
                for s in said["signatures"]]

    def sign(self, message, key, canon):
        return self.run("dkim", "sign", "-", "--key", key.path, "--selector", key.selector,
                        "--domain", "far.test", "--canon", canon, message=message, dns=False)

    def arc_verify(self, message):
        return json.loads(self.run("explain", "arc", "-", "--json", message=message))["result"]

    def arc_seal(self, message, key, domain, cv=None):
        path = self.folder / "seal.eml"
        path.write_bytes(message)
        return self.run("arc", "seal", path, "--key", key.path, "--selector", key.selector,
                        "--domain", domain, "--authserv-id", domain,
                        *(["--cv", cv] if cv else []), message=b"")
