"""Several clients do random things to one mailbox at the same time. Each keeps
a model of what it was told; in the end all of them must know the truth."""

import random
import re

import pytest

from test_imap import MESSAGE

FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "\\Deleted", "$a", "$b"]


class Model:
    """What a client may believe (RFC 3501 7.4.1, 5.2)."""

    def __init__(self, client):
        self.c = client
        self.messages = []  # [uid or None, set of flags or None] in order
        self.count = 0

    def hear(self, line):
        if m := re.match(r"\* (\d+) EXISTS", line):
            n = int(m.group(1))
            assert n >= len(self.messages), line
            self.messages += [[None, None] for _ in range(n - len(self.messages))]
        elif m := re.match(r"\* (\d+) EXPUNGE", line):
            assert 1 <= int(m.group(1)) <= len(self.messages), line
            assert not self.numbers_fixed, line
            del self.messages[int(m.group(1)) - 1]
        elif m := re.match(r"\* (\d+) FETCH \((.*)\)$", line, re.S):
            seq = int(m.group(1))
            assert 1 <= seq <= len(self.messages), line
            known = self.messages[seq - 1]
            if uid := re.search(r"\bUID (\d+)", m.group(2)):
                assert known[0] in (None, int(uid.group(1))), (known, line)
                known[0] = int(uid.group(1))
            if flags := re.search(r"FLAGS \(([^)]*)\)", m.group(2)):
                known[1] = set(flags.group(1).split()) - {"\\Recent"}
        elif m := re.match(r"\* SEARCH(.*)", line):
            assert all(int(n) <= 1 << 31 for n in m.group(1).split())

    def send(self, command):
        self.count += 1
        self.tag = f"s{self.count}"
        self.numbers_fixed = command.split()[0] in ("FETCH", "STORE", "SEARCH")
        self.command = command
        self.c.send(f"{self.tag} {command}\r\n")

    def finish(self):
        lines, text = self.c.until(self.tag)
        for line in lines:
            self.hear(line)
        assert not text.startswith("BAD"), (self.command, text)
        # A silent change is known to whoever made it, unless told otherwise.
        if text.startswith("OK") and (m := re.match(
                r"STORE (\d+) (.)FLAGS.SILENT \((.*)\)", self.command)):
            known = self.messages[int(m.group(1)) - 1]
            told = any(line.startswith(f"* {m.group(1)} FETCH") for line in lines)
            if known[1] is not None and not told:
                flag = {m.group(3)}
                known[1] = known[1] | flag if m.group(2) == "+" else known[1] - flag
            elif told:
                # Told before or after the change: ask.
                self.send(f"FETCH {m.group(1)} FLAGS")
                for line in self.c.until(self.tag)[0]:
                    self.hear(line)

    def random_command(self, rnd):
        n = len(self.messages)
        flag = rnd.choice(FLAGS)
        if n == 0 or n < 5 and rnd.random() < 0.5:
            text = MESSAGE.decode()
            return f"APPEND INBOX {{{len(text)}+}}\r\n{text}"
        seq = rnd.randint(1, n)
        return rnd.choice([
            f"STORE {seq} {rnd.choice('+-')}FLAGS ({flag})",
            f"STORE {seq} {rnd.choice('+-')}FLAGS.SILENT ({flag})",
            f"FETCH {seq}:* (UID FLAGS)",
            f"FETCH {seq} (UID FLAGS BODY[TEXT])",
            f"UID FETCH 1:* (FLAGS)",
            "SEARCH UNDELETED", "UID SEARCH ALL", "NOOP", "NOOP", "EXPUNGE",
            f"COPY {seq} INBOX", f"MOVE {seq} Trash",
        ])


@pytest.mark.parametrize("seed", range(4))
def test_views_agree_after_random_commands(worker, seed):  # noqa: F811
    rnd = random.Random(seed)
    models = [Model(worker.client()) for _ in range(4)]
    for m in models:
        m.send("SELECT INBOX")
        m.finish()
    for _ in range(150):
        for m in models:
            m.send(m.random_command(rnd))
        for m in models:
            m.finish()
    for m in models:
        m.send("NOOP")
        m.finish()
    truth = Model(worker.client())
    for command in ("EXAMINE INBOX", "FETCH 1:* (UID FLAGS)"):
        truth.send(command)
        truth.finish()
    for m in models:
        assert len(m.messages) == len(truth.messages)
        for known, real in zip(m.messages, truth.messages):
            assert known[0] in (None, real[0])
            assert known[1] is None or known[1] == real[1], (seed, real, known)
