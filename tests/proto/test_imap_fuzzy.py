"""FUZZY (RFC 6203) and save dates (RFC 8514) over the worker."""

import re
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from imapworker import ImapWorker  # noqa: E402


@pytest.fixture
def c(tmp_path):
    with ImapWorker(tmp_path) as w:
        c = w.client()
        c.ok("SELECT INBOX")
        yield c


def message(subject, body="nothing"):
    return f"Subject: {subject}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n".encode()


def fill(c):
    for subject, body in (("break the IMAP server", "x"), ("IMAP break", "x"), ("imaps unbreakable", "x"),
                          ("coffee", "Der Cafébesitzer Łukasz fährt Straßenbahn"), ("IMAP", "break")):
        c.append("INBOX", message(subject, body))


def test_all_words_in_any_order(c):
    fill(c)
    assert c.ok('SEARCH SUBJECT "IMAP break"') == ["* SEARCH 2"]
    assert c.ok('SEARCH FUZZY SUBJECT "IMAP break"') == ["* SEARCH 1 2 3"]
    assert c.ok('SEARCH FUZZY (SUBJECT "IMAP break" SMALLER 9999) NOT 2') == ["* SEARCH 1 3"]
    assert c.ok('SEARCH FUZZY SUBJECT "break, imap!"') == ["* SEARCH 1 2 3"]
    assert c.ok("SEARCH FUZZY SUBJECT \"imap nothing\"") == ["* SEARCH"]
    assert c.ok("SEARCH FUZZY SEEN") == ["* SEARCH"]
    for words in ("cafebesitzer strassenbahn", "CAFÉ fahrt", "lukasz"):
        assert c.ok("SEARCH CHARSET UTF-8 FUZZY BODY ", (words, "")) == ["* SEARCH 4"], words
        assert c.ok("SEARCH CHARSET UTF-8 FUZZY TEXT ", (words, "")) == ["* SEARCH 4"], words
    c.bad("SEARCH FUZZY")
    c.bad("SEARCH FUZZY NONSENSE")
    c.bad("SEARCH " + "FUZZY " * 40 + "ALL")


def test_relevancy(c):
    fill(c)
    lines = c.ok('SEARCH RETURN (ALL RELEVANCY) FUZZY SUBJECT "IMAP break"')
    m = re.search(r"ALL 1:3 RELEVANCY \((\d+) (\d+) (\d+)\)$", lines[0])
    scores = [int(x) for x in m.groups()]
    # as it was given; both words; parts of words
    assert scores[1] == 100 > scores[0] > scores[2] >= 1
    assert c.ok('SORT (RELEVANCY) UTF-8 FUZZY SUBJECT "IMAP break"') == ["* SORT 2 1 3"]
    assert c.ok('SORT (REVERSE RELEVANCY) UTF-8 FUZZY SUBJECT "IMAP break"') == ["* SORT 3 1 2"]
    lines = c.ok('UID SORT RETURN (PARTIAL 1:2 RELEVANCY) (RELEVANCY) UTF-8 FUZZY SUBJECT "IMAP break"')
    assert lines[0].endswith(f"UID PARTIAL (1:2 2,1) RELEVANCY (100 {scores[0]})")
    # flags are matched exactly
    assert c.ok("SEARCH RETURN (RELEVANCY COUNT) FUZZY 2")[0].endswith("COUNT 1 RELEVANCY (100)")
    c.bad("SEARCH RETURN (RELEVANCY) SUBJECT x")
    c.bad("SORT (RELEVANCY) UTF-8 SUBJECT x")


def test_save_date_is_when_it_came_into_the_mailbox(c):
    c.append("INBOX", message("old"), '"17-Jul-1996 02:44:25 +0000" ')
    c.ok("CREATE other")
    day = time.strftime("%d-%b-%Y")
    line = c.ok("FETCH 1 (SAVEDATE INTERNALDATE)")[0]
    saved = re.search(r'SAVEDATE "([^"]*)"', line)[1]
    assert time.time() - time.mktime(time.strptime(saved[:20], "%d-%b-%Y %H:%M:%S")) < 100000
    assert '"17-Jul-1996' in line
    if day == time.strftime("%d-%b-%Y"):  # not at midnight
        assert c.ok(f"SEARCH SAVEDSINCE {day}") == ["* SEARCH 1"]
        assert c.ok(f"SEARCH SAVEDON {day}") == ["* SEARCH 1"]
        assert c.ok(f"SEARCH SAVEDBEFORE {day}") == ["* SEARCH"]
    assert c.ok("SEARCH SAVEDBEFORE 1-Jan-2000") == ["* SEARCH"]
    assert c.ok("SEARCH BEFORE 1-Jan-2000 SAVEDATESUPPORTED") == ["* SEARCH 1"]
    c.bad("SEARCH SAVEDON")
    c.bad("SEARCH SAVEDON yesterday")
