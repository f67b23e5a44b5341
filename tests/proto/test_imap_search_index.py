"""The search index: answers are those of a search without it, whatever becomes of it."""

import base64
import os
import quopri
import random
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from imapworker import ImapWorker

USER = "u@example.test"
# Letters that fold, decompose, are wide, or are several bytes long
WORDS = ["alpha", "Beta", "GAMMA", "straße", "STRASSE", "café", "Ångström", "привет", "МИР", "ελληνικά", "日本語",
         "テキスト", "中文", "한국어", "İstanbul", "ﬁne", "x-y_z", "a.b@c.test", "=?utf-8?q?no?=", "100%", "ab", "q",
         "the", "and", "wordy", "longerwordthanmost", "🙂🙂", "e\u0301", "tab\tbed", "<b>", "&amp;", "--b"]
CHARSETS = ["utf-8", "iso-8859-1", "koi8-r", "iso-2022-jp", "gb18030", "utf-16", "us-ascii", "no-such-charset"]


def words(rnd, n):
    return "".join(rnd.choice(WORDS) + rnd.choice([" ", " ", "  ", "\n", "", "-", ", "]) for _ in range(n))


def crlf(text):
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


def encode(rnd, text):
    """(charset, transfer encoding, text) of a part, not always honest."""
    charset = rnd.choice(CHARSETS)
    raw = text.encode("utf-8" if charset == "no-such-charset" else charset, "replace")
    how = rnd.choice(["base64", "quoted-printable", "8bit"])
    if how == "base64":
        raw = base64.encodebytes(raw)
    elif how == "quoted-printable":
        raw = quopri.encodestring(raw)
    elif charset == "utf-16":
        how = "8bit; odd"
    return charset, how, crlf(raw.decode("latin-1").replace("\0", "\n"))


def part(rnd, depth=0):
    kind = rnd.choice(["text/plain", "text/plain", "text/html", "application/x", "multipart/mixed", "message/rfc822"])
    if kind == "multipart/mixed" and depth < 3:
        b = f"b{depth}"
        return (f"Content-Type: {kind}; boundary={b}\r\n\r\npreamble\r\n" + "".join(
            f"--{b}\r\n{part(rnd, depth + 1)}\r\n" for _ in range(rnd.randrange(4))) + f"--{b}--\r\nepilogue\r\n")
    if kind == "message/rfc822" and depth < 3:
        return f"Content-Type: {kind}\r\n\r\n{message(rnd, depth + 1)}"
    text = words(rnd, rnd.randrange(30))
    if kind == "text/html":
        text = "<p>" + text.replace(" ", rnd.choice([" ", "<br>", " <i>", "&nbsp;", "&auml;"])) + "</p><script>x</script>"
    charset, how, text = encode(rnd, text)
    name = rnd.choice(["", "; name=alpha.txt", "; name*=utf-8''stra%C3%9Fe.txt"])
    return f"Content-Type: {kind}; charset={charset}{name}\r\nContent-Transfer-Encoding: {how}\r\n\r\n{text}"


def field(rnd, name):
    text = words(rnd, rnd.randrange(1, 5)).replace("\n", "\r\n ").strip()
    how = rnd.choice(["raw", "q", "b"])
    if how == "b":
        text = "=?utf-8?b?" + base64.b64encode(text.replace("\r\n ", " ").encode()).decode() + "?="
    elif how == "q":
        text = "=?utf-8?q?" + "".join(f"={b:02X}" for b in text.replace("\r\n ", " ").encode()[:60]) + "?="
    return f"{name}: {text.encode().decode('latin-1')}\r\n"


def message(rnd, depth=0):
    names = [n for n in ("From", "To", "Cc", "Bcc", "Subject", "X-Spam", "Subject", "List-Id", "Received")
             if rnd.random() < 0.6]
    return "".join(field(rnd, n) for n in names) + part(rnd, depth)


def needle(rnd, texts):
    """A text to look for: often a piece of a message, sometimes across words, or of no use to the index."""
    how = rnd.random()
    if how < 0.5:
        text = "".join(c for c in rnd.choice(texts) if c not in "\r\n\0")
        at = rnd.randrange(max(1, len(text)))
        text = text[at:at + rnd.choice([1, 2, 3, 4, 8, 20])]
    else:
        text = words(rnd, rnd.randrange(1, 3)).replace("\n", " ")
        text = text[rnd.randrange(3):][:rnd.randrange(1, 20)]
    return rnd.choice([str.lower, str.upper, str])(text)


def key(rnd, texts, depth=0):
    kind = rnd.randrange(12)
    if kind == 0 and depth < 3:
        return b"NOT " + key(rnd, texts, depth + 1)
    if kind == 1 and depth < 3:
        return b"OR " + key(rnd, texts, depth + 1) + b" " + key(rnd, texts, depth + 1)
    if kind == 2 and depth < 3:
        return b"(" + b" ".join(key(rnd, texts, depth + 1) for _ in range(rnd.randrange(1, 4))) + b")"
    if kind == 3:
        return rnd.choice([b"SEEN", b"1:40", b"UID 5:200", b"SMALLER 900", b"*"])
    text = needle(rnd, texts).encode(errors="replace")
    text = b"{%d+}\r\n%s" % (len(text), text)
    name = rnd.choice([b"BODY", b"BODY", b"TEXT", b"TEXT", b"SUBJECT", b"FROM", b"TO", b"CC", b"BCC",
                       b"HEADER X-Spam", b"HEADER Content-Type", b"FUZZY BODY"])
    return name + b" " + text


def search(c, program, name="UID SEARCH"):
    c.count += 1
    c.send(f"t{c.count} {name} CHARSET UTF-8 ".encode() + program + b"\r\n")
    untagged, text = c.until(f"t{c.count}")
    assert text.startswith("OK"), (program, text)
    return untagged


def database(w, user=USER):
    return Path(w.maildir(user)) / "pillarbox-search.db"


def indexed(path):
    """Messages in the index; 0 if there is none."""
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
            return db.execute("SELECT count(*) FROM body JOIN head USING (id)").fetchone()[0]
    except sqlite3.Error:
        return 0
    finally:
        if "db" in locals():
            db.close()


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def wait_indexed(path, n):
    wait_for(lambda: indexed(path) == n)


def simple(n):
    return f"From: a@b.test\r\nSubject: number {n}\r\n\r\nsome words and needle{n}s of mail\r\n"


def fill(c, n, mailbox="INBOX"):
    for i in range(n):
        c.append(mailbox, simple(i))


def logged(w, event):
    return w.text().count(event)


@pytest.mark.parametrize("seed", range(4))
def test_answers_are_those_without_it(tmp_path, seed):
    rnd = random.Random(seed)
    texts = [message(rnd) for _ in range(150)]
    with ImapWorker(tmp_path, {"search_index": 0}) as w:
        c = w.client()
        c.ok("SELECT INBOX")
        for text in texts:
            c.append("INBOX", text.encode("latin-1", "replace"), rnd.choice(["() ", "(\\Seen) "]))
        for uid in rnd.sample(range(1, 151), 30):
            c.ok(f"UID STORE {uid} +FLAGS.SILENT (\\Deleted)")
        c.ok("EXPUNGE")
        programs = [b" ".join(key(rnd, texts + WORDS) for _ in range(rnd.choice([1, 1, 2, 3]))) for _ in range(250)]
        want = [search(c, p) for p in programs]
        assert not database(w).exists()
    with ImapWorker(tmp_path) as w:
        c = w.client()
        c.ok("SELECT INBOX")
        wait_indexed(database(w), 120)
        for program, answer in zip(programs, want):
            assert search(c, program) == answer, program
        assert any(len(a[0]) > 10 for a in want) and any(len(a[0]) < 10 for a in want)


@pytest.fixture
def hundred(tmp_path):
    """A worker with 100 indexed messages in INBOX, and a client."""
    with ImapWorker(tmp_path) as w:
        c = w.client()
        c.ok("SELECT INBOX")
        fill(c, 100)
        wait_indexed(database(w), 100)
        yield w, c


def test_what_it_rules_out_is_not_opened(hundred):
    """Seen from outside: a word that came into a file later is found only without the index."""
    w, c = hundred
    for path in (Path(w.maildir()) / "cur").iterdir():
        data = path.read_bytes()
        path.write_bytes(data.replace(b"some words", b"changeling"))
    for program in (b"BODY changeling", b"TEXT changeling", b"BODY needle17s BODY changeling"):
        assert search(c, program) == ["* SEARCH"], program
    # what has no gram, or stands where it may be, is looked into
    assert search(c, b"BODY ch")[0].count(" ") == 101
    assert search(c, b"BODY needle17s") == ["* SEARCH 18"]
    database(w).unlink()
    assert search(c, b"BODY changeling")[0].count(" ") == 101


def test_an_emptied_mailbox(hundred):
    w, c = hundred
    c.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
    c.ok("EXPUNGE")
    c.ok("SELECT INBOX")
    wait_indexed(database(w), 0)
    assert search(c, b"BODY needle7s") == ["* SEARCH"]


def test_new_messages_are_found_at_once(hundred):
    w, c = hundred
    uid = c.append("INBOX", "Subject: x\r\n\r\nbrandnew\r\n")
    assert search(c, b"BODY brandnew") == [f"* SEARCH {uid}"]
    assert search(c, b"NOT BODY needle", "UID SEARCH") == [f"* SEARCH {uid}"]
    wait_indexed(database(w), 101)
    assert search(c, b"BODY brandnew") == [f"* SEARCH {uid}"]


def test_what_is_gone_leaves_it(hundred):
    w, c = hundred
    c.ok("CREATE a")
    c.ok("COPY 1:60 a")
    c.ok("STORE 1:60 +FLAGS.SILENT (\\Deleted)")
    c.ok("EXPUNGE")
    c.ok("SELECT a")
    wait_indexed(database(w), 160)
    c.ok("SELECT INBOX")
    wait_indexed(database(w), 100)
    assert search(c, b"BODY needle7") == ["* SEARCH 71 72 73 74 75 76 77 78 79 80"]
    c.ok("DELETE a")
    c.append("INBOX", simple(100))
    wait_indexed(database(w), 41)
    # one of the same name is another one
    c.ok("CREATE a")
    fill(c, 10, "a")
    c.ok("SELECT a")
    wait_indexed(database(w), 51)
    assert search(c, b"BODY needle7s") == ["* SEARCH 8"]


def test_a_renamed_mailbox_keeps_its_part(hundred):
    w, c = hundred
    c.ok("CREATE a")
    fill(c, 20, "a")
    c.ok("SELECT a")
    wait_indexed(database(w), 120)
    with sqlite3.connect(database(w)) as db:
        before = db.execute("SELECT id FROM box").fetchall()
    db.close()
    c.ok("RENAME a b")
    c.ok("SELECT b")
    c.append("b", simple(20))
    wait_indexed(database(w), 121)
    with sqlite3.connect(database(w)) as db:
        assert db.execute("SELECT id FROM box").fetchall() == before
    db.close()
    assert search(c, b"BODY needle7s") == ["* SEARCH 8"]


def test_off(tmp_path):
    with ImapWorker(tmp_path, {"search_index": 0}) as w:
        c = w.client()
        c.ok("SELECT INBOX")
        fill(c, 20)
        assert search(c, b"BODY needle7s") == ["* SEARCH 8"]
        time.sleep(1)
        assert not database(w).exists()
        # and what is there is not read
        database(w).write_bytes(b"x" * 10000)
        assert search(c, b"BODY needle7s") == ["* SEARCH 8"]
        assert database(w).read_bytes() == b"x" * 10000


@pytest.mark.parametrize("left", ["-wal", ""])
def test_deleted_while_it_is_used(hundred, left):
    """All of it, or what a person would delete: only the database."""
    w, c = hundred
    for path in Path(w.maildir()).glob("pillarbox-search.db*"):
        if not left or not path.name.endswith((left, "-shm")):
            path.unlink()
    assert search(c, b"BODY needle42s") == ["* SEARCH 43"]
    wait_indexed(database(w), 100)
    assert search(c, b"BODY needle42s") == ["* SEARCH 43"]


def garbage(path):
    path.write_bytes(os.urandom(30000))


def overwritten(path):
    """Pages in the middle."""
    data = bytearray(path.read_bytes())
    data[8192:len(data)] = os.urandom(len(data) - 8192)
    path.write_bytes(data)


def cut(path):
    os.truncate(path, 3 * 8192 + 100)


def empty(path):
    os.truncate(path, 0)


@pytest.mark.parametrize("damage", [garbage, overwritten, cut, empty])
def test_damaged(tmp_path, damage):
    with ImapWorker(tmp_path) as w:
        c = w.client()
        c.ok("SELECT INBOX")
        fill(c, 100)
        wait_indexed(database(w), 100)
    # All of it in one file: what was in the log only could be cut off unseen.
    with sqlite3.connect(database(w)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    for tail in ("-wal", "-shm"):
        database(w).with_name(database(w).name + tail).unlink(missing_ok=True)
    damage(database(w))
    with ImapWorker(tmp_path) as w:
        c = w.client()
        c.ok("EXAMINE INBOX")
        for _ in range(3):
            assert search(c, b"BODY needle42s") == ["* SEARCH 43"]
            assert search(c, b"TEXT \"number 42\"") == ["* SEARCH 43"]
        wait_indexed(database(w), 100)
        assert search(c, b"BODY needle42s") == ["* SEARCH 43"]
        assert logged(w, "search-index-damaged") == (damage is not empty)


def test_another_version_is_built_again(tmp_path):
    with ImapWorker(tmp_path) as w:
        c = w.client()
        c.ok("SELECT INBOX")
        fill(c, 20)
        wait_indexed(database(w), 20)
    with sqlite3.connect(database(w)) as db:
        db.execute("PRAGMA user_version = 7")
        db.execute("UPDATE body SET signature = zeroblob(10)")
    db.close()
    with ImapWorker(tmp_path) as w:
        c = w.client()
        c.ok("SELECT INBOX")
        assert search(c, b"BODY needle7s") == ["* SEARCH 8"]
        wait_for(lambda: logged(w, "search-index-old") == 1)
        wait_indexed(database(w), 20)
        assert search(c, b"BODY needle7s") == ["* SEARCH 8"]


def test_killed_while_it_builds(tmp_path):
    n = 3000
    with ImapWorker(tmp_path, {"search_index": 0}) as w:
        c = w.client()
        for i in range(0, n, 500):
            c.ok("APPEND INBOX" + "".join(f" {{{len(simple(k))}+}}\r\n{simple(k)}" for k in range(i, i + 500)))
    seen = []
    for _ in range(6):
        w = ImapWorker(tmp_path).start()
        c = w.client()
        c.ok("SELECT INBOX")
        wait_for(lambda: indexed(database(w)) > (seen or [0])[-1] or indexed(database(w)) == n)
        w.process.send_signal(signal.SIGKILL)
        w.process.wait()
        seen.append(indexed(database(w)))
        if seen[-1] == n:
            break
    assert seen[0] < n and seen == sorted(seen)
    with ImapWorker(tmp_path) as w:
        c = w.client()
        c.ok("SELECT INBOX")
        assert search(c, b"BODY needle2998s") == ["* SEARCH 2999"]
        wait_indexed(database(w), n)
        assert search(c, b"BODY needle42s") == ["* SEARCH 43"]
        assert logged(w, "damaged") == 0


def test_no_place_for_it(tmp_path):
    """A folder where it cannot be made: one line in the log, and SEARCH goes on."""
    with ImapWorker(tmp_path) as w:
        c = w.client()
        c.ok("SELECT INBOX")
        database(w).mkdir()
        fill(c, 20)
        wait_for(lambda: logged(w, "search-index-failed") == 1)
        for i in range(20):
            assert search(c, b"BODY needle7s") == ["* SEARCH 8"]
            c.append("INBOX", simple(20 + i))
        time.sleep(2)
        assert logged(w, "search-index-failed") == 1
        assert logged(w, "index-failed") == 1


def test_a_full_disk(tmp_path):
    """What does not fit is left out; what was there serves on."""
    (tmp_path / "mail").mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", tmp_path / "mail"]).returncode != 0:
        pytest.skip("mounting needs root")
    try:
        with ImapWorker(tmp_path / "mail") as w:
            c = w.client()
            c.ok("SELECT INBOX")
            fill(c, 100)
            wait_indexed(database(w), 100)
            fill(c, 50)
            filler = tmp_path / "mail" / "filler"
            with open(filler, "wb", 0) as f:
                try:
                    while f.write(b"x" * 4096):
                        pass
                except OSError:
                    pass
            wait_for(lambda: logged(w, "search-index-failed") == 1)
            assert search(c, b"BODY needle42s") == ["* SEARCH 43 143"]
            time.sleep(2)
            assert logged(w, "search-index-failed") == 1
    finally:
        subprocess.run(["umount", "-l", tmp_path / "mail"], check=True)


def test_a_text_that_is_too_long_is_looked_into(hundred):
    w, c = hundred
    long = "Subject: long\r\n\r\n" + "abcdefgh ijklmnop\r\n" * 300000 + "atthefarend\r\n"
    uid = c.append("INBOX", long)
    wait_indexed(database(w), 101)
    assert search(c, b"BODY atthefarend") == [f"* SEARCH {uid}"]
    assert search(c, b"TEXT \"subject: long\"") == [f"* SEARCH {uid}"]
    with sqlite3.connect(database(w)) as db:
        assert db.execute(f"SELECT signature FROM body WHERE id & 0xffffffff = {uid}").fetchall() == [(None,)]
    db.close()


def test_noop_beside_it_is_quick(tmp_path):
    with ImapWorker(tmp_path) as w:
        c, other = w.client(), w.client("other@example.test")
        for i in range(0, 4000, 500):
            c.ok("APPEND INBOX" + "".join(f" {{{len(simple(k))}+}}\r\n{simple(k)}" for k in range(i, i + 500)))
        c.ok("SELECT INBOX")
        other.ok("SELECT INBOX")
        times = []
        while indexed(database(w)) < 4000 or len(times) < 100:
            start = time.monotonic()
            other.ok("NOOP")
            times.append(time.monotonic() - start)
            time.sleep(0.002)
        assert sorted(times)[len(times) * 98 // 100] < 0.25


def test_a_message_that_goes_while_the_index_is_made(worker, c):
    """Its file is looked for again, which reads the folder anew."""
    for n in range(50):
        c.append("INBOX", b"Subject: x\r\n\r\nword%d\r\n" % n)
    c.ok("SELECT INBOX")
    root = worker.maildir()
    for place in ("cur", "new"):
        for name in os.listdir(os.path.join(root, place)):
            os.unlink(os.path.join(root, place, name))
    time.sleep(1)
    c.ok("NOOP")
    assert c.ok("SEARCH BODY word1") == ["* SEARCH"]
