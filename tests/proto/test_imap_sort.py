"""SORT and THREAD (RFC 5256, RFC 5957) over the worker."""

import re


def message(subject, day, sender="a@b.test", more=""):
    return (f"From: {sender}\r\nSubject: {subject}\r\nDate: {day} Jul 2003 10:00:00 +0000\r\n"
            f"{more}\r\nbody {subject}\r\n").encode()


def fill(c):
    """Three messages with a hole before them: numbers are not UIDs."""
    c.append("INBOX", message("gone", 1))
    c.append("INBOX", message("Re: beta", 3, "Zoe <x@b.test>", "Message-ID: <2@x>\r\nReferences: <1@x>\r\n"))
    c.append("INBOX", message("alpha", 2, "=?utf-8?q?=C3=84nne?= <y@b.test>"))
    c.append("INBOX", message("beta", 1, "bob@b.test", "Message-ID: <1@x>\r\n"))
    c.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    c.ok("EXPUNGE")


SORTS = [
    ("(ARRIVAL) UTF-8 ALL", "1 2 3"),
    ("(SUBJECT) UTF-8 ALL", "2 1 3"),
    ("(SUBJECT DATE) US-ASCII ALL", "2 3 1"),
    ("(REVERSE DATE) utf-8 ALL", "1 2 3"),
    ("(DISPLAYFROM) UTF-8 ALL", "2 3 1"),
    ("(FROM) \"utf-8\" ALL", "3 1 2"),
    ("(DATE) UTF-8 SUBJECT beta", "3 1"),
    ("(DATE) UTF-8 2:3", "3 2"),
    ("(DATE) UTF-8 BODY Alpha", "2"),
    ("(DATE) UTF-8 KEYWORD none", ""),
]


def test_sort(c):
    fill(c)
    for command, want in SORTS:
        assert c.ok("SORT " + command) == [f"* SORT {want}".rstrip()], command
    assert c.ok("UID SORT (SUBJECT DATE) UTF-8 ALL") == ["* SORT 3 4 2"]
    assert c.ok("UID SORT (SUBJECT DATE) UTF-8 UID 3:4") == ["* SORT 3 4"]


def test_thread(c):
    fill(c)
    assert c.ok("THREAD REFERENCES UTF-8 ALL") == ["* THREAD (3 1)(2)"]
    assert c.ok("UID THREAD REFERENCES UTF-8 ALL") == ["* THREAD (4 2)(3)"]
    assert c.ok("THREAD REFS US-ASCII ALL") == ["* THREAD (2)(3 1)"]
    assert c.ok("THREAD ORDEREDSUBJECT UTF-8 ALL") == ["* THREAD (3 1)(2)"]
    assert c.ok("THREAD REFERENCES UTF-8 SUBJECT nothing") == ["* THREAD"]
    assert c.ok("THREAD REFERENCES UTF-8 NOT 3") == ["* THREAD (2)(1)"]


def test_what_is_malformed_is_refused(c):
    for command in ("SORT", "SORT (DATE)", "SORT (DATE) UTF-8", "SORT DATE UTF-8 ALL", "SORT () UTF-8 ALL",
                    "SORT (NONSENSE) UTF-8 ALL", "SORT (REVERSE) UTF-8 ALL", "SORT (DATE) UTF-8 NONSENSE",
                    "THREAD", "THREAD REFERENCES", "THREAD REFERENCES UTF-8", "THREAD X UTF-8 ALL"):
        c.bad(command)
    assert "BADCHARSET" in c.no("SORT (DATE) x-none ALL")
    assert "BADCHARSET" in c.no("THREAD REFS x-none ALL")


def test_numbers_stay_unless_uids_are_asked_for(worker, c):
    fill(c)
    other = worker.client()
    other.ok("SELECT INBOX")
    other.ok("UID STORE 2 +FLAGS.SILENT (\\Deleted)")
    other.ok("EXPUNGE")
    for command in ("SORT (DATE) UTF-8 ALL", "THREAD REFS UTF-8 ALL"):
        assert not [line for line in c.ok(command) if "EXPUNGE" in line]
    assert "* 1 EXPUNGE" in c.ok("UID SORT (DATE) UTF-8 ALL")


def test_modseq_is_told(c):
    fill(c)
    c.ok("STORE 2 +FLAGS (\\Flagged)")
    line = [x for x in c.ok("SORT (DATE) UTF-8 MODSEQ 1") if x.startswith("* SORT")][0]
    assert re.fullmatch(r"\* SORT 3 2 1 \(MODSEQ \d+\)", line)


def test_what_is_kept_is_as_good_as_new(worker, c):
    """A session asks again after every kind of change; another one asks for the first time."""
    commands = ("UID SORT (SUBJECT) UTF-8 ALL", "UID SORT (SUBJECT) UTF-8 UNDELETED",
                "UID SORT (SUBJECT) UTF-8 FLAGGED", "UID SORT (REVERSE SUBJECT) UTF-8 ALL",
                "UID SORT (SUBJECT DATE) UTF-8 SUBJECT beta", "UID THREAD REFERENCES UTF-8 ALL",
                "UID THREAD REFERENCES UTF-8 UNDELETED", "UID THREAD ORDEREDSUBJECT UTF-8 ALL",
                "UID SORT RETURN (COUNT PARTIAL 1:2) (SUBJECT) UTF-8 ALL")
    other = worker.client()
    other.ok("SELECT INBOX")

    def compare():
        c.ok("NOOP")
        fresh = worker.client()
        fresh.ok("EXAMINE INBOX")
        for command in commands:
            for _ in range(2):
                told, want = ([line.split(")", 1)[-1] if "TAG" in line else line for line in who.ok(command)]
                              for who in (c, fresh))
                assert told == want, command
            # Each is the first that follows another one.
            assert c.ok(commands[0]) == fresh.ok(commands[0])
        fresh.ok("LOGOUT")
    compare()
    fill(c)
    compare()
    other.append("INBOX", message("Re: alpha", 9, more="Message-ID: <9@x>\r\nReferences: <2@x>\r\n"))
    compare()
    c.ok("UID STORE 3 +FLAGS (\\Flagged)")
    assert c.ok("UID SORT (SUBJECT) UTF-8 FLAGGED") == ["* SORT 3"]
    c.ok("UID STORE 2,4 +FLAGS (\\Flagged)")
    assert c.ok("UID SORT (SUBJECT DATE) UTF-8 FLAGGED") == ["* SORT 3 4 2"]
    compare()
    other.ok("UID STORE 3 +FLAGS (\\Deleted)")
    compare()
    other.ok("EXPUNGE")
    compare()
    c.ok("UNSELECT")
    c.ok("CREATE Other")
    c.ok("SELECT Other")
    assert c.ok("UID SORT (SUBJECT) UTF-8 ALL") == ["* SORT"]
    assert c.ok("UID THREAD REFERENCES UTF-8 ALL") == ["* THREAD"]


def test_headers_too_long_to_be_cached_are_read(c):
    filler = "".join(f"To: <{'x' * 60}{i}@b.test>\r\n" for i in range(400))
    c.append("INBOX", message("b", 2, more=filler + "Message-ID: <2@x>\r\nIn-Reply-To: <1@x>\r\n"))
    c.append("INBOX", message("a", 1, more="Message-ID: <1@x>\r\n"))
    assert c.ok("SORT (SUBJECT) UTF-8 ALL") == ["* SORT 2 1"]
    assert c.ok("THREAD REFS UTF-8 ALL") == ["* THREAD (2 1)"]


def test_many_messages_in_steps(c):
    count = 1200
    for start in range(0, count, 400):
        c.ok("APPEND INBOX ", *[(message(f"s{(start + i) * 7919 % count:04}", 1 + i % 28,
                                         more=f"Message-ID: <{start + i}@x>\r\nReferences: <{start + i - 1}@x>\r\n"),
                                 " " if i < 399 else "") for i in range(400)])
    c.ok("NOOP")
    want = sorted(range(count), key=lambda i: i * 7919 % count)
    assert c.ok("SORT (SUBJECT) UTF-8 ALL") == ["* SORT " + " ".join(str(i + 1) for i in want)]
    chain = " ".join(str(i + 1) for i in range(count))
    assert c.ok("THREAD REFERENCES UTF-8 ALL") == [f"* THREAD ({chain})"]


def test_comparison_is_unicode_casemap(c):
    """I18NLEVEL=1 (RFC 5255) is for SEARCH too."""
    c.append("INBOX", message("=?utf-8?q?caf=C3=A9_=EF=AC=81?=", 1))
    for text in ("CAFÉ", "cafe", "cafe\u0301", "ﬁ"):
        assert c.ok("SEARCH CHARSET UTF-8 SUBJECT ", (text, "")) == ["* SEARCH 1"], text
    assert c.ok("SEARCH CHARSET UTF-8 SUBJECT ", ("cafè", "")) == ["* SEARCH"]
    assert "I18NLEVEL=1" in c.ok("CAPABILITY")[0]
