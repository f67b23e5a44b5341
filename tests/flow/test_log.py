"""mail.log: rotation by date and size, with nothing lost and no line in two files."""

import os
import re
import signal
import threading

from stack import wait_for

LINE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+[+-]\d\d:\d\d \S+ \S+\[\d+\]: level=\w+ event=\S+.*$")


def files(stack):
    """mail.log and its predecessors, the oldest first."""
    found = list((stack.dir / "log").glob("mail.log*"))
    return sorted(found, key=lambda p: -int(p.suffix[1:]) if p.suffix != ".log" else 1)


def sessions(stack, n):
    """n short dialogues, each of which leaves its name in the log."""
    for i in range(n):
        with stack.smtp() as c:
            c.ehlo()
            c.mail(f"sender-{i}@elsewhere.test")
            c.rcpt("nobody@example.test")


def test_a_size_begins_new_files_without_losing_a_line(make_stack):
    s = make_stack(env={"PILLARBOX_LOG_SIZE": "8192", "LOGROTATE_COUNT": "200"})
    threads = [threading.Thread(target=sessions, args=(s, 40)) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    s.setup("status")
    wait_for(lambda: all_text(s).count("event=disconnect") >= 160, 30, "all lines")
    assert len(files(s)) > 3
    for path in files(s):
        assert path.stat().st_size <= 8192
        text = path.read_text()
        assert text.endswith("\n")
        for line in text.splitlines():
            assert LINE.match(line), line
    # What went to standard output is what is in all files together.
    stdout = (s.dir / "log" / "stdout").read_text()
    assert "event=log-dropped" not in stdout
    first = all_text(s).splitlines()[0]
    # A new file says first that it is one.
    seen, kept = ([x for x in text.splitlines() if "event=log-rotate" not in x]
                  for text in (stdout[stdout.index(first):], all_text(s)))
    assert kept == seen


def all_text(stack):
    try:
        return "".join(p.read_text() for p in files(stack))
    except FileNotFoundError:  # just being moved
        return ""


def test_only_so_many_are_kept(make_stack):
    s = make_stack(env={"PILLARBOX_LOG_SIZE": "4096", "LOGROTATE_COUNT": "2"})
    sessions(s, 30)
    wait_for(lambda: (s.dir / "log" / "mail.log.2").exists(), 30, "two old files")
    assert [p.name for p in files(s)] == ["mail.log.2", "mail.log.1", "mail.log"]


def test_a_log_of_another_month_is_moved_at_start_and_at_sighup(make_stack):
    old = "2020-02-03T04:05:06.000000+00:00 mail postfix/smtpd[1]: connect\n"
    s = make_stack(env={"LOGROTATE_INTERVAL": "monthly"}, files={"../log/mail.log": old})
    log = s.dir / "log" / "mail.log"
    assert log.with_name("mail.log.1").read_text() == old
    assert "event=log-rotate" in log.read_text() and "reason=interval" in log.read_text()
    # One that another program moved is left, and what it put there is judged.
    log.rename(log.with_name("mail.log.away"))
    log.write_text(old)
    os.kill(int((s.dir / "pid").read_text()), signal.SIGHUP)
    wait_for(lambda: log.read_text() != old, 10, "a new log")
    assert log.with_name("mail.log.1").read_text() == old
    assert log.with_name("mail.log.2").read_text() == old


def test_a_file_that_another_program_cuts_is_not_too_large(make_stack):
    s = make_stack(env={"PILLARBOX_LOG_SIZE": "20000", "LOGROTATE_COUNT": "3"})
    log = s.dir / "log" / "mail.log"
    for _ in range(3):
        wait_for(lambda: (sessions(s, 3), log.stat().st_size > 8000)[1], 30, "lines")
        os.truncate(log, 0)
    assert not log.with_name("mail.log.1").exists()
