"""Live and partial results (RFC 5267, RFC 9394) over the worker."""

def message(subject, day=1):
    return f"Subject: {subject}\r\nDate: {day} Jul 2003 10:00:00 +0000\r\n\r\nbody {subject}\r\n".encode()


def fill(c, subjects="abcde"):
    for i, subject in enumerate(subjects):
        c.append("INBOX", message(subject, 10 + i))


def esearch(lines):
    return [line.split(") ", 1)[1] for line in lines if line.startswith("* ESEARCH")]


def test_partial_search_and_sort(c):
    fill(c)
    assert esearch(c.ok("SEARCH RETURN (PARTIAL 2:3) ALL")) == ["PARTIAL (2:3 2:3)"]
    assert esearch(c.ok("UID SEARCH RETURN (PARTIAL -1:-2 COUNT) ALL")) == ["UID PARTIAL (-1:-2 4:5) COUNT 5"]
    assert esearch(c.ok("SEARCH RETURN (PARTIAL 9:10) ALL")) == ["PARTIAL (9:10 NIL)"]
    assert esearch(c.ok("SORT RETURN (PARTIAL 1:2) (REVERSE DATE) UTF-8 ALL")) == ["PARTIAL (1:2 5,4)"]
    assert esearch(c.ok("UID SORT RETURN () (REVERSE DATE) UTF-8 NOT 2")) == ["UID ALL 5,4,3,1"]
    assert esearch(c.ok("SORT RETURN (MIN MAX COUNT) (REVERSE DATE) UTF-8 ALL")) == ["MIN 5 MAX 1 COUNT 5"]
    c.bad("SEARCH RETURN (PARTIAL 1:2 ALL) ALL")
    c.bad("SORT RETURN (PARTIAL 1:*) (DATE) UTF-8 ALL")


def test_partial_save(c):
    fill(c)
    assert c.ok("SORT RETURN (SAVE PARTIAL 1:2) (REVERSE DATE) UTF-8 ALL")
    assert c.ok("SEARCH $") == ["* SEARCH 4 5"]


def test_partial_fetch(c):
    fill(c)
    numbers = lambda lines: [int(line.split()[1]) for line in lines if "FETCH" in line]  # noqa: E731
    assert numbers(c.ok("UID FETCH 1:* (UID) (PARTIAL 2:3)")) == [2, 3]
    assert numbers(c.ok("UID FETCH 1:4 (UID) (PARTIAL -1:-2)")) == [3, 4]
    assert numbers(c.ok("FETCH 2:* (UID) (PARTIAL 1:1)")) == [2]
    assert numbers(c.ok("UID FETCH 1:* (UID) (PARTIAL 7:9)")) == []
    seen = int(c.ok("STATUS INBOX (HIGHESTMODSEQ)")[-1].split()[-1].rstrip(")"))
    c.ok("STORE 1,3,5 +FLAGS.SILENT (\\Flagged)")
    assert numbers(c.ok(f"UID FETCH 1:* (UID) (CHANGEDSINCE {seen} PARTIAL -1:-2)")) == [3, 5]
    c.bad("UID FETCH 1:* (UID) (PARTIAL 1:2 PARTIAL 1:2)")
    c.bad("UID FETCH 1:* (UID) (PARTIAL)")


def test_update_of_a_search(worker, c):
    fill(c)
    assert c.ok("UID SEARCH RETURN (UPDATE COUNT) FLAGGED") == ['* ESEARCH (TAG "t7") UID COUNT 0']
    tag = c.count
    other = worker.client()
    other.ok("SELECT INBOX")
    other.ok("STORE 2:3,5 +FLAGS.SILENT (\\Flagged)")
    assert c.ok("NOOP")[-1] == f'* ESEARCH (TAG "t{tag}") UID ADDTO (0 2:3,5)'
    # its own changes are told as well
    assert c.ok("STORE 3 -FLAGS (\\Flagged)")[-1] == f'* ESEARCH (TAG "t{tag}") UID REMOVEFROM (0 3)'
    # no change of the result, no word
    assert not esearch(c.ok("STORE 1 +FLAGS (\\Seen)"))
    other.append("INBOX", message("f"), "(\\Flagged) ")
    lines = c.ok("NOOP")
    assert lines.index("* 6 EXISTS") < lines.index(f'* ESEARCH (TAG "t{tag}") UID ADDTO (0 6)')
    # before EXPUNGE, while numbers are right
    other.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
    other.ok("EXPUNGE")
    lines = c.ok("NOOP")
    assert lines.index(f'* ESEARCH (TAG "t{tag}") UID REMOVEFROM (0 2)') < lines.index("* 2 EXPUNGE")
    c.ok(f'CANCELUPDATE "t{tag}"')
    other.ok("STORE 1 +FLAGS.SILENT (\\Flagged)")
    assert not esearch(c.ok("NOOP"))


def test_update_speaks_in_numbers_too(worker, c):
    fill(c)
    c.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    c.ok("EXPUNGE")
    c.ok("SEARCH RETURN (UPDATE) UNSEEN")
    other = worker.client()
    other.ok("SELECT INBOX")
    other.ok("UID STORE 3 +FLAGS.SILENT (\\Seen)")
    assert esearch(c.ok("NOOP")) == ["REMOVEFROM (0 2)"]
    other.ok("UID STORE 5 +FLAGS.SILENT (\\Deleted)")
    other.ok("EXPUNGE")
    assert esearch(c.ok("NOOP")) == ["REMOVEFROM (0 4)"]
    other.append("INBOX", message("x"))
    assert esearch(c.ok("NOOP")) == ["ADDTO (0 4)"]


def test_update_of_a_sort_keeps_places(worker, c):
    fill(c, "dbac")
    assert esearch(c.ok("UID SORT RETURN (ALL UPDATE) (SUBJECT) UTF-8 UNFLAGGED")) == ["UID ALL 3,2,4,1"]
    other = worker.client()
    other.ok("SELECT INBOX")
    other.ok("STORE 2,1 +FLAGS.SILENT (\\Flagged)")
    assert esearch(c.ok("NOOP")) == ["UID REMOVEFROM (2 2 3 1)"]
    other.ok("STORE 1,2 -FLAGS.SILENT (\\Flagged)")
    assert esearch(c.ok("NOOP")) == ["UID ADDTO (3 1 2 2)"]
    other.append("INBOX", message("bb"))
    other.append("INBOX", message("a"))
    assert esearch(c.ok("NOOP")) == ["UID ADDTO (3 5 2 6)"]
    other.ok("STORE 3 +FLAGS.SILENT (\\Deleted)")
    other.ok("EXPUNGE")
    assert esearch(c.ok("NOOP")) == ["UID REMOVEFROM (1 3)"]


def test_bodies_are_looked_at_in_updates(worker, c):
    c.ok("SEARCH RETURN (UPDATE) BODY needle")
    other = worker.client()
    other.append("INBOX", message("hay"))
    other.append("INBOX", message("needle"))
    assert esearch(c.ok("NOOP")) == ["ADDTO (0 2)"]


def test_idle_tells_updates_at_once(worker, c):
    fill(c)
    c.ok("UID SEARCH RETURN (UPDATE) FLAGGED")
    other = worker.client()
    other.ok("SELECT INBOX")
    c.send("i IDLE\r\n")
    assert c.line().startswith("+")
    other.ok("STORE 1:* +FLAGS.SILENT (\\Flagged)")
    lines = [c.line() for _ in range(6)]
    assert esearch(lines[5:]) == ["UID ADDTO (0 1:5)"]
    c.send("DONE\r\n")
    c.until("i")


def test_many_changes_are_told_in_parts(worker, c):
    count = 300
    c.ok("APPEND INBOX ", *[(message(f"s{i:03}"), " " if i < count - 1 else "") for i in range(count)])
    c.ok("NOOP")
    c.ok("UID SORT RETURN (UPDATE) (REVERSE SUBJECT) UTF-8 FLAGGED BODY body")
    other = worker.client()
    other.ok("SELECT INBOX")
    other.ok("STORE 1:* +FLAGS.SILENT (\\Flagged)")
    result = []
    while len(result) < count:
        for line in esearch(c.ok("NOOP")):
            assert line.startswith("UID ADDTO (")
            words = line[:-1].split("(", 1)[1].split()
            for place, uid in zip(words[::2], words[1::2]):
                result.insert(int(place) - 1, int(uid))
    assert result == list(range(count, 0, -1))


def test_what_cannot_be_updated(c):
    fill(c, "ab")
    c.ok("SEARCH RETURN (UPDATE) ALL")
    c.send(f"t{c.count} SORT RETURN (UPDATE) (DATE) UTF-8 ALL\r\n")
    assert c.line() == f"t{c.count} BAD Tag reuse"
    for _ in range(15):
        assert not [x for x in c.ok("SEARCH RETURN (UPDATE COUNT) ALL") if "NOUPDATE" in x]
    lines = c.ok("SEARCH RETURN (UPDATE COUNT) ALL")
    tag = f't{c.count}'
    assert lines == [f'* ESEARCH (TAG "{tag}") COUNT 2', f'* NO [NOUPDATE "{tag}"] Too many contexts']
    # another mailbox ends them all
    c.ok("SELECT INBOX")
    assert len(c.ok("SEARCH RETURN (UPDATE COUNT) ALL")) == 1
    c.ok('CANCELUPDATE "nobody" "t1"')
    c.bad("CANCELUPDATE")
    c.bad("CANCELUPDATE t1")
