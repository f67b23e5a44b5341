"""Large mailboxes for the bench: realistic messages, made once, and put into a
Maildir as hard links."""

import base64
import errno
import os
import random
import shutil
import time
from email.utils import formatdate
from pathlib import Path

import stacks

RARE = "zyxomma"        # in every 10,000th text
RARE_EACH = 10000
EPOCH = 1500000000
SPACING = 600           # seconds between two messages
LINKS = 60000           # fewer than ext4 allows for one file

WORDS = """about account after again agreement all also always amount and answer any april
arrive attached available back because before below best better between both budget build call
can change chart check city clear close come company contract copy cost could customer data date
day deliver detail discuss document does done draft each early email end enough error even every
example expect few file final find first follow friday from full further give good great group
have help here hope hour how idea important include information interest into invoice issue item
just keep know large last late later leave less let like line list little long look make manager
many march market may meet meeting message minute monday money month more morning most much must
name need network new next note number offer office only open option order other our over page
part pay people per person phone plan please point possible present price problem process product
project proposal question quick rate read ready reason receive regards report request review room
same schedule second see send service set several short should show side sign since size small
some soon special start state still stop store such suggest summer support sure system take talk
team tell test than thank that the their them then there these they thing think this those time
today tomorrow topic total town travel tuesday two under until update use user value version very
visit wait want was way week well what when where which while who will with without word work
would write year yes you your""".split()


class Corpus:
    """So many messages, kept as files in a folder that may be used again."""

    def __init__(self, folder, messages):
        self.folder = Path(folder) / f"large-{messages}"
        self.messages = messages
        self.names = []

    def make(self):
        done = self.folder / "names"
        if not done.exists():
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            began = time.monotonic()
            rand = random.Random(4)
            names = [self.write(rand, n) for n in range(self.messages)]
            done.write_text("\n".join(names))
            print(f"    {self.messages} messages made in {time.monotonic() - began:.0f} s")
        self.names = done.read_text().split("\n")

    def write(self, rand, n):
        text = message(rand, n).encode()
        path = self.folder / str(n)
        path.write_bytes(text)
        own(path)
        flags = ("F" if n % 50 == 0 else "") + ("R" if n % 9 == 0 else "") + ("S" if n % 20 else "")
        return (f"{EPOCH + n * SPACING}.M{n % 1000000}P{1000 + n % 7}.mail,S={len(text)},"
                f"W={len(text) + text.count(10)}:2,{flags}")

    def place(self, s, user):
        """Makes it the INBOX of a user who has none."""
        self.make()
        cur = new_maildir(s.maildir(user))
        for n, name in enumerate(self.names):
            link(self.folder / str(n), cur / name)


def place_many(s, user, messages):
    """
    An INBOX of very many small messages, which are all the same few files. For Pillarbox it is one
    that lost its index: no file has to be renamed.
    """
    root = s.maildir(user)
    cur = new_maildir(root)
    text = (b"From: a@example.org\nTo: b@example.org\nSubject: one of very many\n"
            b"Date: Mon, 1 Jan 2024 12:00:00 +0000\n\nA line.\n")
    sizes = f"S={len(text)},W={len(text) + text.count(10)}"
    (root / "pillarbox-folder").write_text(
        f"pillarbox 1\nuidvalidity {EPOCH}\nreserved {messages + 1}\nguid {'5' * 32}\n")
    own(root / "pillarbox-folder")
    for n in range(messages):
        name = f"{cur}/{EPOCH + n}.M{n % 1000000}P100.mail,{sizes},U={n + 1}:2,S"
        if n % LINKS == 0:
            first = name
            Path(first).write_bytes(text)
            own(first)
        else:
            os.link(first, name)


def new_maildir(root):
    root.mkdir(parents=True)
    for name in ("tmp", "new", "cur"):
        (root / name).mkdir()
    for path in (root.parent, root, *root.iterdir()):
        own(path)
    return root / "cur"


def own(path):
    if os.getuid() == 0:
        os.chown(path, stacks.VMAIL, stacks.VMAIL)


def link(source, target):
    try:
        os.link(source, target)
    except OSError as e:
        if e.errno != errno.EXDEV:
            raise
        shutil.copy(source, target)
        own(target)


# ---- one message ----

def message(rand, n):
    thread = n - n % 5
    sender = rand.randrange(400)
    at = EPOCH + n * SPACING + rand.randrange(-SPACING * 30, SPACING * 30)
    kind = rand.random()
    top, body = (plain if kind < 0.7 else alternative if kind < 0.9 else mixed)(rand, n)
    subject = f"{topic(random.Random(thread))} {thread}"
    if n != thread:
        subject = "Re: " + subject
    if n % 10 == 3:
        subject = "=?utf-8?B?" + base64.b64encode(f"Über {subject}".encode()).decode() + "?="
    lines = [
        f"Return-Path: <sender{sender}@site{sender % 30}.example.org>",
        *(f"Received: from relay{i}.example.net (relay{i}.example.net [192.0.2.{i + 1}])\n"
          f"\tby mail.example.test (Postfix) with ESMTPS id {rand.getrandbits(40):010X}\n"
          f"\tfor <ularge@{stacks.DOMAIN}>; {formatdate(at + 3 - i)}" for i in range(3)),
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=mail;\n"
        "\th=from:to:subject:date:message-id;\n\tb=" + junk(rand, 260).replace("\n", "\n\t "),
        f"Message-ID: <{n}.bench@example.org>",
        f"Date: {formatdate(at)}",
        f"From: \"{rand.choice(WORDS).title()} {rand.choice(WORDS).title()}\" "
        f"<sender{sender}@site{sender % 30}.example.org>",
        f"To: ularge@{stacks.DOMAIN}, Team <team{sender % 40}@example.org>",
        f"Subject: {subject}",
        "MIME-Version: 1.0",
    ]
    if n != thread:
        lines.append(f"In-Reply-To: <{n - 1}.bench@example.org>")
        lines.append("References: " + "\n\t".join(
            f"<{i}.bench@example.org>" for i in range(thread, n)))
    if n % 3 == 0:
        lines.append(f"Cc: <copy{n % 90}@example.org>")
    return "\n".join([*lines, top, "", body])


def topic(rand):
    return " ".join(rand.choices(WORDS, k=rand.randrange(2, 7))).capitalize()


def prose(rand, size, n):
    words, length = [], 0
    if n % RARE_EACH == 77:
        words.append(RARE)
    while length < size:
        words.append(rand.choice(WORDS))
        length += len(words[-1]) + 1
    return "\n".join(" ".join(words[i:i + 12]) for i in range(0, len(words), 12)) + "\n"


def junk(rand, size):
    return base64.encodebytes(rand.randbytes(size)).decode()


def plain(rand, n):
    return ("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit",
            prose(rand, rand.randrange(600, 4400), n))


def multipart(kind, n, parts):
    edge = f"=-edge-{n}"
    return (f"Content-Type: multipart/{kind}; boundary=\"{edge}\"",
            "".join(f"--{edge}\n{head}\n\n{body}\n" for head, body in parts) + f"--{edge}--\n")


def alternative(rand, n):
    text = prose(rand, rand.randrange(500, 1600), n)
    html = "<html><body>" + "".join(f"<p>{line}</p>\n" for line in text.split("\n")) + "</body></html>"
    return multipart("alternative", n, (
        ("Content-Type: text/plain; charset=utf-8", text),
        ("Content-Type: text/html; charset=utf-8", html)))


def mixed(rand, n):
    return multipart("mixed", n, (
        ("Content-Type: text/plain; charset=utf-8", prose(rand, 600, n)),
        (f"Content-Type: application/pdf; name=\"report-{n}.pdf\"\n"
         "Content-Transfer-Encoding: base64\n"
         f"Content-Disposition: attachment; filename=\"report-{n}.pdf\"",
         junk(rand, rand.randrange(1500, 4000)))))
