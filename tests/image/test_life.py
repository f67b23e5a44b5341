"""Start, stop, and the ways an engine can run it."""

import re
import smtplib
import socket
import threading
import time
from datetime import datetime

from box import HARDENED, docker, free_base, message, wait_for

USER = ("user@example.com", "secret-1")
START_MS = 300      # from our first instruction to the first banner
STOP_S = 25
MEMORY_MB = 64


def with_account(box):
    box.once("setup", "email", "add", *USER)
    return box.create()


def banner(port, timeout=20):
    """When the greeting came on a port of loopback."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as s:
                if s.recv(100).startswith(b"220 "):
                    return time.time()
        except OSError:
            pass
        time.sleep(0.001)
    raise AssertionError("no banner")


def first_line(box):
    """When the supervisor wrote its first line of this start."""
    lines = [x for x in box.logs().splitlines() if "event=starting" in x]
    return datetime.fromisoformat(lines[-1].split()[0]).timestamp()


def test_it_starts_fast(make_box, figure):
    # In the host's network: through a bridge a client waits for the second
    # SYN, a whole second after the first, which came before the container.
    box = make_box(options=[*HARDENED, "--network", "host"], base=free_base(),
                   env={"PILLARBOX_LISTEN": "127.0.0.1"})
    box.once("setup", "email", "add", *USER)
    box.create()
    ours = []
    for what in ("first start", "second start", "third start"):
        before = time.time()
        caller = threading.Thread(target=box.start)
        caller.start()
        at = banner(box.base + 25)
        caller.join()
        own = first_line(box)
        ms = [round(1000 * x) for x in (at - before, own - before, at - own)]
        figure(f"{what} to SMTP banner", f"{ms[0]} ms: the engine's part {ms[1]}, ours {ms[2]}")
        ours.append(ms[2])
        box.wait_up()
        docker("stop", "-t", "60", box.name)
    # The best: the others are the machine's.
    assert min(ours) < START_MS


def test_engine_part_of_a_start_on_a_bridge(make_box, figure):
    box = with_account(make_box())
    before = time.time()
    box.start().wait_up()
    figure("start on a bridge, the engine's part", f"{round(1000 * (first_line(box) - before))} ms")


def pss_kb(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return int(re.search(r"Pss:\s+(\d+)", f.read()).group(1))


def test_idle_stack_is_small(make_box, figure):
    box = with_account(make_box()).start().wait_up()
    time.sleep(1)
    total = sum(pss_kb(p) for p in box.pids()) / 1024
    figure("PSS of the idle stack", f"{total:.1f} MiB in {len(box.pids())} processes")
    assert total < MEMORY_MB


def test_stop_ends_it_with_status_0(make_box, figure):
    box = with_account(make_box()).start().wait_up()
    before = time.monotonic()
    docker("stop", "-t", "60", box.name)
    figure("idle stop", f"{time.monotonic() - before:.2f} s")
    assert box.state()["ExitCode"] == 0
    assert time.monotonic() - before < STOP_S
    assert "event=stopped status=0" in box.logs()


def test_stop_does_not_wait_for_silent_clients(make_box, figure):
    box = with_account(make_box()).start().wait_up()
    idle, lazy, submit, mx = box.imap(*USER), box.imap(*USER, port=143), box.submit(*USER), box.mx()
    idle.select("INBOX")
    idle.send(b"a IDLE\r\n")
    before = time.monotonic()
    docker("stop", "-t", "60", box.name)
    took = time.monotonic() - before
    figure("stop with silent clients", f"{took:.2f} s")
    assert box.state()["ExitCode"] == 0
    assert took < 5
    for c in (idle, lazy):
        c.shutdown()
    for c in (submit, mx):
        c.close()


def test_stop_gives_up_on_half_a_message(make_box):
    box = with_account(make_box()).start().wait_up()
    mx = box.mx()
    mx.ehlo()
    for line in ("MAIL FROM:<friend@example.org>", "RCPT TO:<user@example.com>", "DATA"):
        assert mx.docmd(line)[0] in (250, 354)
    mx.send("Subject: half\r\n\r\nhal")
    before = time.monotonic()
    docker("stop", "-t", "60", box.name)
    assert box.state()["ExitCode"] == 0
    assert time.monotonic() - before < STOP_S
    mx.close()


def test_stop_under_load_loses_nothing_acknowledged(make_box, figure):
    box = with_account(make_box()).start().wait_up()
    acknowledged, stop = [], threading.Event()

    def send(worker):
        number = 0
        while not stop.is_set():
            try:
                with box.mx() as c:
                    while not stop.is_set():
                        number += 1
                        subject = f"load {worker} {number}"
                        c.send_message(message(subject, text="x" * 70 + "\n"))
                        acknowledged.append(subject)
            except (OSError, smtplib.SMTPException):
                time.sleep(0.01)

    workers = [threading.Thread(target=send, args=(i,)) for i in range(8)]
    for w in workers:
        w.start()
    wait_for(lambda: len(acknowledged) > 200, 30, "traffic")
    before = time.monotonic()
    docker("stop", "-t", "60", box.name)
    took = time.monotonic() - before
    stop.set()
    for w in workers:
        w.join()
    assert box.state()["ExitCode"] == 0
    assert took < STOP_S
    figure("stop under load", f"{took:.2f} s, {len(acknowledged)} messages acknowledged")
    box.start().wait_up(2)
    want = set(acknowledged)
    wait_for(lambda: want <= set(box.subjects(*USER)), 30, "every acknowledged message")


def test_killed_container_loses_nothing_acknowledged(make_box):
    box = with_account(make_box()).start().wait_up()
    want = set()
    with box.mx() as c:
        for i in range(50):
            c.send_message(message(f"kill {i}"))
            want.add(f"kill {i}")
    docker("kill", "--signal", "KILL", box.name)
    box.start().wait_up(2)
    wait_for(lambda: want <= set(box.subjects(*USER)), 30, "every acknowledged message")


def test_an_ordinary_user_can_run_it(make_box):
    """As rootless engines do: one user owns everything, no rights at all."""
    box = make_box(base=10000, options=[
        "--user", "5000:5000", "--read-only", "--tmpfs", "/run:uid=5000,mode=755", "--cap-drop", "ALL",
        "--security-opt", "no-new-privileges"])
    box.create().start().wait_up()
    box.setup("email", "add", *USER)
    wait_for(lambda: box.can_login(*USER), 10, "login")
    with box.mx() as c:
        c.send_message(message("unprivileged"))
    box.wait_subject("unprivileged", *USER)
    box.setup("status")
    docker("stop", "-t", "60", box.name)
    assert box.state()["ExitCode"] == 0


def test_plain_docker_run_needs_no_options(make_box):
    box = with_account(make_box(options=[])).start().wait_up()
    with box.mx() as c:
        c.send_message(message("plain"))
    box.wait_subject("plain", *USER)


def test_health_tells_of_a_service_that_hangs(make_box):
    box = make_box(options=["--health-interval", "0.5s", "--health-retries", "2"])
    with_account(box).start()

    def health(word):
        wait_for(lambda: box.state()["Health"]["Status"] == word, 30, word)
    health("healthy")
    pid = box.processes()["smtp-mx"]
    box.exec("kill", "-STOP", pid)
    health("unhealthy")
    assert "silent" in box.setup("status", check=False).stdout
    box.exec("kill", "-CONT", pid)
    health("healthy")


def test_missing_host_name_is_said(make_box):
    box = make_box(hostname="mail").create().start()
    wait_for(lambda: not box.state()["Running"], 20, "end")
    assert box.state()["ExitCode"] != 0
    assert "OVERRIDE_HOSTNAME" in box.logs()


def test_host_name_can_be_overridden(make_box):
    box = make_box(hostname="mail", env={"OVERRIDE_HOSTNAME": "mx.example.net"})
    with_account(box).start().wait_up()
    assert "mx.example.net is up and running" in box.logs()
    with box.mx() as c:
        assert b"mx.example.net" in c.ehlo()[1]


def test_log_level_is_obeyed(make_box):
    box = with_account(make_box(env={"LOG_LEVEL": "error"})).start()
    banner(box.ports[25])
    assert "level=info event=process-ready" not in box.logs()


def test_zone_of_the_host_counts_where_none_is_set(make_box):
    zone = ["-v", "/usr/share/zoneinfo/Asia/Kolkata:/etc/localtime:ro"]
    box = with_account(make_box(options=[*HARDENED, *zone], env={"TZ": ""})).start().wait_up()
    with box.mx() as c:
        c.send_message(message("where"))
    box.wait_subject("where", *USER)
    assert "+05:30" in box.setup("email", "add", "bad", "x", check=False).stderr
    assert all("+05:30" in x for x in box.logs().splitlines())


def test_config_volume_may_be_read_only(make_box):
    box = make_box()
    box.once("setup", "email", "add", *USER)
    fixed = f"{box.volumes.pop('config')}:/tmp/docker-mailserver:ro"
    box.options = [*box.options, "-v", fixed]
    box.create().start().wait_up()
    assert box.can_login(*USER)
    box.volumes["config"] = fixed.split(":")[0]


def test_mail_is_relayed_to_another_container_by_its_name(network, make_box):
    """The engine's name server is at a loopback address of the container."""
    there = make_box(options=[*HARDENED, "--network", network, "--network-alias", "other"])
    there.once("setup", "email", "add", "far@example.org", "secret-2")
    there.create().start().wait_up()
    here = with_account(make_box(
        options=[*HARDENED, "--network", network],
        env={"DNS_SERVERS": "system", "RELAY_HOST": "other", "RELAY_PORT": "25"}))
    here.start().wait_up()
    with here.submit(*USER) as c:
        c.send_message(message("relayed", USER[0], "far@example.org"), USER[0])
    there.wait_subject("relayed", "far@example.org", "secret-2")


def test_search_knows_other_character_sets(make_box):
    box = with_account(make_box()).start().wait_up()
    head = b"From: a@example.org\r\nTo: user@example.com\r\nSubject: "
    for name, word in (("iso-8859-2", "Łódź"), ("koi8-r", "привет"), ("shift_jis", "日本")):
        text = (head + name.encode() + b"\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; "
                b"charset=" + name.encode() + b"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" +
                word.encode(name) + b"\r\n")
        with box.mx() as c:
            c.sendmail("a@example.org", [USER[0]], text, ["BODY=8BITMIME"])
        box.wait_subject(name, *USER)
        c = box.imap(*USER)
        c.select("INBOX")
        c.literal = word.encode()
        status, found = c.search("UTF-8", "TEXT")
        assert (status, len(found[0].split())) == ("OK", 1), (name, found)
        c.logout()
