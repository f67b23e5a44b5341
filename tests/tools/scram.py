"""The client's side of SCRAM (RFC 5802, RFC 7677), by hand, and IMAP and SMTP
connections to use it on.

    s = Scram("SCRAM-SHA-256", "user@example.test", "secret")
    first = s.first()                  # client-first
    final = s.final(server_first)      # client-final
    assert s.proves(server_final)
"""

import base64
import hashlib
import hmac
import os
import socket


def b64(data):
    return base64.b64encode(data).decode()


class Scram:
    def __init__(self, mechanism, user, password, authzid="", flag="n", binding=b"", nonce=None):
        self.hash = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256"}[mechanism.replace("-PLUS", "")]
        self.password = password.encode() if isinstance(password, str) else password
        self.nonce = nonce or b64(os.urandom(18))
        self.header = flag + "," + (f"a={self.escape(authzid)}" if authzid else "") + ","
        self.binding = binding
        self.bare = f"n={self.escape(user)},r={self.nonce}"

    @staticmethod
    def escape(name):
        return name.replace("=", "=3D").replace(",", "=2C")

    def hmac(self, key, text):
        return hmac.new(key, text, self.hash).digest()

    def first(self):
        return (self.header + self.bare).encode()

    def final(self, server_first):
        self.server_first = server_first.decode()
        parts = dict(p.split("=", 1) for p in self.server_first.split(","))
        assert parts["r"].startswith(self.nonce) and len(parts["r"]) >= len(self.nonce) + 18
        self.salt, self.rounds = base64.b64decode(parts["s"]), int(parts["i"])
        assert self.rounds >= 4096
        bound = b64(self.header.encode() + self.binding)
        without = f"c={bound},r={parts['r']}"
        message = ",".join((self.bare, self.server_first, without)).encode()
        salted = hashlib.pbkdf2_hmac(self.hash, self.password, self.salt, self.rounds)
        key = self.hmac(salted, b"Client Key")
        signature = self.hmac(hashlib.new(self.hash, key).digest(), message)
        proof = bytes(a ^ b for a, b in zip(key, signature))
        self.server_signature = self.hmac(self.hmac(salted, b"Server Key"), message)
        return f"{without},p={b64(proof)}".encode()

    def proves(self, server_final):
        return server_final == b"v=" + b64(self.server_signature).encode()


class Lines:
    def __init__(self, port, tls=None, source=None):
        self.sock = socket.create_connection(("127.0.0.1", port), 60, source and (source, 0))
        if tls:
            self.sock = tls.wrap_socket(self.sock, server_hostname="localhost")
        self.file = self.sock.makefile("rb")

    def line(self):
        return self.file.readline().decode().rstrip("\r\n")

    def send(self, text):
        self.sock.sendall(text.encode() + b"\r\n")

    def close(self):
        self.file.close()
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


class Imap(Lines):
    """Over TLS."""

    def __init__(self, stack, tls=None):
        super().__init__(stack.port(993), tls or stack.tls())
        self.greeting = self.line()

    def mechanisms(self):
        words = self.greeting[self.greeting.index("[") + 1:self.greeting.index("]")].split()
        return [w[5:] for w in words if w.startswith("AUTH=")]

    def challenge(self):
        """The next challenge, decoded, or None and the tagged line is kept."""
        line = self.line()
        while line.startswith("* ") and not line.startswith("* BYE"):
            line = self.line()
        if line.startswith("+ "):
            return base64.b64decode(line[2:])
        self.verdict = line.partition(" ")[2]
        return None

    def begin(self, mechanism, initial=None):
        self.send(f"a AUTHENTICATE {mechanism}" + ("" if initial is None else f" {b64(initial) or '='}"))
        return self.challenge()

    def answer(self, data):
        self.send(data if isinstance(data, str) else b64(data))
        return self.challenge()

    def command(self, text):
        self.send("b " + text)
        while not (line := self.line()).startswith("b "):
            assert line, "closed"
        return line[2:]


class Smtp(Lines):
    """Submission with implicit TLS."""

    def __init__(self, stack, tls=None):
        super().__init__(stack.port(465), tls or stack.tls())
        self.line()
        self.send("EHLO client.example.org")
        self.features = [self.line()]
        while self.features[-1][3] == "-":
            self.features.append(self.line())

    def mechanisms(self):
        return [f for f in self.features if f[4:9] == "AUTH "][0].split()[1:]

    def challenge(self):
        line = self.line()
        if line.startswith("334 "):
            return base64.b64decode(line[4:])
        self.verdict = line
        return None

    def begin(self, mechanism, initial=None):
        self.send(f"AUTH {mechanism}" + ("" if initial is None else f" {b64(initial) or '='}"))
        return self.challenge()

    answer = Imap.answer

    def command(self, text):
        self.send(text)
        return self.line()


def login(c, mechanism, user, password, initial=True, **how):
    """A whole exchange on an Imap or Smtp. Returns the server's last line and
    whether it proved itself."""
    s = Scram(mechanism, user, password, **how)
    if initial:
        challenge = c.begin(mechanism, s.first())
    else:
        challenge = c.begin(mechanism)
        if challenge is not None:
            assert challenge == b""
            challenge = c.answer(s.first())
    if challenge is None:
        return c.verdict, False
    challenge = c.answer(s.final(challenge))
    if challenge is None:
        return c.verdict, False
    proved = s.proves(challenge)
    assert c.answer(b"") is None
    return c.verdict, proved
