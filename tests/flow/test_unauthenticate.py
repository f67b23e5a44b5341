"""UNAUTHENTICATE (RFC 8437), through login, with TLS: one connection, several
accounts."""

import re
import socket
import ssl
import threading
import time
import zlib

import pytest
from stack import Stack, wait_for

ADA, BOB = "ada@example.test", "bob@example.test"


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with Stack(tmp_path_factory.mktemp("stack")) as s:
        for name in (ADA, BOB):
            s.add_account(name, "secret")
        s.wait_log("file=accounts accounts=3 ")
        yield s


class Client:
    def __init__(self, stack, port=993):
        self.sock = socket.create_connection(("127.0.0.1", stack.port(port)), 60)
        if port == 993:
            self.sock = stack.tls().wrap_socket(self.sock, server_hostname="localhost")
        self.pending = b""
        self.unzip = None
        self.greeting = self.line()

    def send(self, data):
        self.sock.sendall(data)

    def _more(self):
        data = self.sock.recv(1 << 16)
        if not data:
            raise EOFError(self.pending)
        if self.unzip is not None:
            text = self.unzip.decompress(data)
            if self.unzip.eof:
                text += self.unzip.unused_data
                self.unzip = None
            data = text
        self.pending += data

    def line(self):
        while b"\r\n" not in self.pending:
            self._more()
        line, self.pending = self.pending.split(b"\r\n", 1)
        return line.decode()

    def until(self, tag):
        lines = []
        while not (line := self.line()).startswith(tag + " "):
            lines.append(line)
        return lines, line[len(tag) + 1:]

    def ok(self, command, tag="t"):
        self.send(f"{tag} {command}\r\n".encode())
        lines, text = self.until(tag)
        assert text.startswith("OK"), (command, lines, text)
        return lines, text

    def login(self, who):
        return self.ok(f"LOGIN {who} secret")[1]

    def whose(self):
        """Whose mail it sees."""
        owner = [who for who in (ADA, BOB) if f'"of-{who[:3]}"' in " ".join(self.ok('LIST "" "of-*"')[0])
                 or f" of-{who[:3]}" in " ".join(self.ok('LIST "" "of-*"')[0])]
        assert len(owner) == 1
        return owner[0]

    def close(self):
        self.sock.close()


@pytest.fixture(scope="module", autouse=True)
def marked(stack):
    for who in (ADA, BOB):
        c = Client(stack)
        c.login(who)
        c.ok(f"CREATE of-{who[:3]}")
        c.ok("LOGOUT")
        c.close()


@pytest.fixture
def c(stack):
    c = Client(stack)
    yield c
    c.close()


def test_one_connection_for_two_accounts(stack, c):
    before = c.greeting
    assert "UNAUTHENTICATE" not in before
    assert "UNAUTHENTICATE" in c.login(ADA)
    assert c.whose() == ADA
    _, text = c.ok("UNAUTHENTICATE", "u")
    # As the greeting was.
    assert text.split("]")[0] == before.split("]")[0].replace("* ", "")
    c.send(b"x LIST \"\" *\r\n")
    assert c.line().startswith("x BAD")
    assert "AUTH=PLAIN" in c.ok("CAPABILITY")[0][0]
    c.login(BOB)
    assert c.whose() == BOB
    c.ok("UNAUTHENTICATE")
    c.login(ADA)
    assert c.whose() == ADA
    assert stack.setup("status").stdout.count("login ") == 1


def test_a_selected_mailbox_is_left_without_expunge(stack, c):
    c.login(ADA)
    for _ in range(3):
        c.send(b"a APPEND INBOX (\\Deleted) {4+}\r\nx: y\r\n")
        assert c.until("a")[1].startswith("OK")
    c.ok("ENABLE QRESYNC UTF8=ACCEPT")
    c.ok("SELECT INBOX")
    c.ok("SEARCH RETURN (SAVE) ALL")
    c.ok("UNAUTHENTICATE")
    c.login(ADA)
    c.send(b"x FETCH 1 FLAGS\r\n")
    assert c.line() == "x BAD No mailbox selected"
    lines, _ = c.ok("SELECT INBOX")
    assert "* 3 EXISTS" in lines and not any("VANISHED" in x for x in lines)
    # No ENABLE, no saved result.
    lines, _ = c.ok("UID STORE 1 +FLAGS (\\Seen)")
    assert lines and not any("MODSEQ" in x for x in lines)
    lines, _ = c.ok("SEARCH RETURN (COUNT) $")
    assert "COUNT 0" in lines[0]
    c.ok("EXPUNGE")


def test_all_in_one_packet(c):
    c.login(ADA)
    c.send(b"a SELECT INBOX\r\nb UNAUTHENTICATE\r\nc LOGIN " + BOB.encode() + b" secret\r\nd CREATE t1\r\n"
           b"e DELETE t1\r\nf UNAUTHENTICATE\r\ng LOGIN " + ADA.encode() + b" secret\r\nh SELECT INBOX\r\ni NOOP\r\n")
    for tag in "abcdefghi":
        assert c.until(tag)[1].startswith("OK"), tag
    assert c.whose() == ADA


def test_a_literal_across_the_switch(c):
    c.login(ADA)
    c.send(b"b UNAUTHENTICATE\r\nc LOGIN {%d+}\r\n%s {6}\r\n" % (len(BOB), BOB.encode()))
    assert c.until("b")[1].startswith("OK")
    assert c.line().startswith("+")
    c.send(b"secret\r\nd NOOP\r\n")
    assert c.until("c")[1].startswith("OK")
    assert c.until("d")[1].startswith("OK")


def test_byte_by_byte(c):
    c.login(ADA)
    for byte in b"b UNAUTHENTICATE\r\nc LOGIN " + BOB.encode() + b" secret\r\n":
        c.send(bytes([byte]))
    assert c.until("b")[1].startswith("OK")
    assert c.until("c")[1].startswith("OK")
    assert c.whose() == BOB


def test_much_output_before_it_is_not_lost(c):
    c.login(ADA)
    c.send(b"".join(b"a%d CAPABILITY\r\n" % i for i in range(2000)) + b"b UNAUTHENTICATE\r\nc NOOP\r\n")
    for i in range(2000):
        assert c.line().startswith("* CAPABILITY IMAP4rev1")
        assert c.line() == f"a{i} OK CAPABILITY completed."
    assert c.line().startswith("b OK [CAPABILITY ")
    assert c.line().startswith("c OK")


def test_what_is_sent_behind_has_a_limit(c):
    c.login(ADA)
    c.send(b"b UNAUTHENTICATE\r\n" + b"".join(b"c%d NOOP\r\n" % i for i in range(1500)))
    assert c.line().startswith("b OK")
    for i in range(1500):
        assert c.line().startswith(f"c{i} OK")
    # How much of it is on its way to the worker is chance: all is answered, or
    # the connection ends with a word.
    c.login(ADA)
    c.send(b"b UNAUTHENTICATE\r\n" + b"c NOOP\r\n" * 20000)
    assert c.line().startswith(("b OK", "* BYE Too much input behind UNAUTHENTICATE."))
    try:
        for _ in range(20000):
            assert c.line() == "c OK NOOP completed."
    except (ConnectionError, EOFError, ssl.SSLError):
        pass


def test_wrong_passwords_behind_it_are_counted_anew(c):
    c.login(ADA)
    c.send(b"b UNAUTHENTICATE\r\nc LOGIN " + BOB.encode() + b" wrong\r\n")
    assert c.until("b")[1].startswith("OK")
    assert c.until("c")[1].startswith("NO [AUTHENTICATIONFAILED]")
    c.login(BOB)
    assert c.whose() == BOB


def test_syntax(c):
    c.login(ADA)
    for bad in (b"UNAUTHENTICATE now", b"UID UNAUTHENTICATE"):
        c.send(b"a " + bad + b"\r\n")
        assert c.until("a")[1].startswith("BAD")
    c.ok("unauthenticate")
    c.send(b"a UNAUTHENTICATE\r\n")
    assert c.until("a")[1].startswith("BAD")


def test_a_flood_of_it(stack):
    """Each round is a whole login; the process keeps nothing of them."""
    c = Client(stack)
    rounds = 300
    c.login(ADA)
    start = time.monotonic()
    for i in range(rounds):
        c.send(b"b UNAUTHENTICATE\r\nc LOGIN " + ADA.encode() + b" secret\r\nd SELECT INBOX\r\n")
        for tag in "bcd":
            assert c.until(tag)[1].startswith("OK")
    print(f"{rounds / (time.monotonic() - start):.0f} rounds a second")
    status = stack.setup("status").stdout
    assert re.search(r"^imap .*sessions=1 users=1", status, re.M), status
    c.ok("LOGOUT")
    c.close()
    wait_for(lambda: re.search(r"^imap .*sessions=0 users=0", stack.setup("status").stdout, re.M), 10)


def test_many_at_once(stack):
    def run(who, other):
        try:
            c = Client(stack)
            for _ in range(20):
                c.login(who)
                assert c.whose() == who
                c.send(b"b UNAUTHENTICATE\r\nc LOGIN " + other.encode() + b" secret\r\n")
                assert c.until("b")[1].startswith("OK") and c.until("c")[1].startswith("OK")
                assert c.whose() == other
                c.ok("UNAUTHENTICATE")
            c.close()
        except BaseException as e:
            problems.append(e)

    problems = []
    threads = [threading.Thread(target=run, args=p) for p in [(ADA, BOB), (BOB, ADA)] * 5]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert problems == []


def test_limits_count_one_connection(make_stack):
    s = make_stack(env={"PILLARBOX_IMAP_CONNECTIONS_PER_ADDRESS": "2"})
    s.add_account(ADA, "secret")
    s.wait_log("file=accounts accounts=2 ")
    c = Client(s)
    for _ in range(5):
        c.login(ADA)
        c.ok("UNAUTHENTICATE")
    d = Client(s)
    d.login(ADA)
    assert Client(s, 143).greeting.startswith("* BYE Too many")
    d.close()
    c.login(ADA)


def test_starttls_stays(stack):
    c = Client(stack, 143)
    c.ok("STARTTLS")
    c.sock = stack.tls().wrap_socket(c.sock, server_hostname="localhost")
    c.login(ADA)
    _, text = c.ok("UNAUTHENTICATE")
    assert "STARTTLS" not in text and "AUTH=PLAIN" in text
    c.login(BOB)
    assert c.whose() == BOB
    c.close()


def compress(c):
    c.ok("COMPRESS DEFLATE")
    c.unzip = zlib.decompressobj(-15)
    return zlib.compressobj(6, zlib.DEFLATED, -15)


@pytest.mark.parametrize("ends", [
    lambda z: z.flush(zlib.Z_FINISH),                              # in the block of the command
    lambda z: z.flush(zlib.Z_SYNC_FLUSH),                          # never said
    lambda z: z.flush(zlib.Z_FULL_FLUSH),
    lambda z: z.flush(zlib.Z_SYNC_FLUSH) + z.flush(zlib.Z_FINISH),  # in a block of its own
])
@pytest.mark.parametrize("pipelined", [False, True])
@pytest.mark.parametrize("more", [b"", b"a NOOP\r\n"])
def test_compression_ends_with_it(c, ends, pipelined, more):
    c.login(ADA)
    z = compress(c)
    c.send(z.compress(b"a SELECT INBOX\r\n") + z.flush(zlib.Z_SYNC_FLUSH))
    assert c.until("a")[1].startswith("OK")
    behind = b"c LOGIN " + BOB.encode() + b" secret\r\n"
    c.send(z.compress(more + b"b UNAUTHENTICATE\r\n") + ends(z) + (behind if pipelined else b""))
    if more:
        assert c.until("a")[1].startswith("OK")
    assert c.until("b")[1].startswith("OK")
    if not pipelined:
        assert c.unzip is None
        c.send(behind)
    assert c.until("c")[1].startswith("OK [CAPABILITY ")
    assert c.whose() == BOB
    # And it may begin again.
    z = compress(c)
    c.send(z.compress(b"a NOOP\r\n") + z.flush(zlib.Z_SYNC_FLUSH))
    assert c.until("a")[1].startswith("OK")


def test_a_bomb_behind_it(c):
    """What would swell to much is not returned."""
    c.login(ADA)
    z = compress(c)
    c.send(z.compress(b"b UNAUTHENTICATE\r\n" + b"c NOOP\r\n" * 1000000) + z.flush(zlib.Z_FINISH))
    assert c.line().startswith("b OK")
    assert c.line() == "* BYE Too much input behind UNAUTHENTICATE."
    with pytest.raises(EOFError):
        c.line()


def test_compressed_text_behind_the_flush_is_no_command(c):
    c.login(ADA)
    z = compress(c)
    data = z.compress(b"b UNAUTHENTICATE\r\n") + z.flush(zlib.Z_SYNC_FLUSH)
    c.send(data + z.compress(b"c NOOP\r\n" * 5) + z.flush(zlib.Z_SYNC_FLUSH) + b"\r\nd NOOP\r\n")
    assert c.line().startswith("b OK")
    while not (line := c.line()).startswith("d "):
        assert line.startswith("* BAD")
    assert line.startswith("d OK")


def test_it_can_be_switched_off(make_stack):
    s = make_stack(env={"PILLARBOX_IMAP_UNAUTHENTICATE": "0"})
    user, password = s.demo
    c = Client(s)
    _, text = c.ok(f"LOGIN {user} {password}")
    assert "UNAUTHENTICATE" not in text
    c.send(b"a UNAUTHENTICATE\r\n")
    assert c.until("a")[1] == "BAD Unknown command"
    c.ok("NOOP")


# Death

def test_a_worker_that_dies(stack):
    c = Client(stack)
    c.login(ADA)
    stack.kill("imap")
    with pytest.raises(EOFError):
        c.line()
    wait_for(lambda: can_log_in(stack), 30)


def can_log_in(stack):
    c = Client(stack)
    try:
        c.send(b"a LOGIN " + ADA.encode() + b" secret\r\n")
        return c.until("a")[1].startswith("OK")
    except (EOFError, ConnectionError):
        return False
    finally:
        c.close()


def test_clients_that_leave_in_the_middle(stack):
    for i in range(40):
        c = Client(stack)
        c.login(ADA)
        c.send(b"b UNAUTHENTICATE\r\nc LOGIN " + BOB.encode() + b" secret\r\n")
        if i % 2:
            time.sleep(i / 2000)
        c.close()
    wait_for(lambda: re.search(r"^imap .*sessions=0 users=0", stack.setup("status").stdout, re.M), 10)
    wait_for(lambda: re.search(r"^login .*connections=0", stack.setup("status").stdout, re.M), 10)
