"""make run, start and stop where they cannot do it: one clear line, no success."""

import os
import signal
import socket
import subprocess

import pytest

from stack import BIN, ROOT, Stack, wait_for


def instance(folder, base, action, programs=BIN, under=()):
    return subprocess.run([*under, ROOT / "tools" / "instance", programs, folder, str(base), action],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)


def refused(r, *words):
    """Failed with one line of ours that has these words."""
    assert r.returncode not in (0, 2) and r.stdout == "", r
    lines = r.stderr.splitlines()
    assert len(lines) <= 2 and all(w in r.stderr for w in words), r.stderr


def test_a_second_start_or_run_is_refused_and_harms_nothing(stack):
    for action in ("start", "run"):
        refused(instance(stack.dir, stack.base, action), "already running in", str(stack.dir))
    with stack.imap() as c:
        assert c.noop()[0] == "OK"


def test_a_taken_port_is_named(tmp_path):
    s = Stack(tmp_path)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", s.port(587)))
        taken.listen()
        with pytest.raises(AssertionError) as e:
            s.start()
        assert "Address already in use" in str(e.value) and f"port={s.port(587)}" in str(e.value)
        refused(instance(s.dir, s.base, "start"), "Address already in use", "did not start; more in")
        # In the foreground: nothing says that it could be used.
        r = instance(s.dir, s.base, "run")
        assert r.returncode == 78 and "Address already in use" in r.stdout and "curl" not in r.stdout
        assert r.stderr == ""
    s.start()
    s.stop()


def test_a_folder_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    refused(instance(tmp_path / "file" / "run", 20000, "start"), f"RUN_DIR {tmp_path}/file/run cannot be made")
    refused(instance(tmp_path / "run", 20000, "start", programs=tmp_path), f"no programs in {tmp_path}")
    assert not (tmp_path / "run").exists()


def test_a_folder_that_is_not_writable_is_named(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir(mode=0o555)
    # root may write everywhere, unless the folder is mounted read-only
    under = ["unshare", "-m", "sh", "-c", f"mount --bind '{folder}' '{folder}' && "
             f"mount -o remount,bind,ro '{folder}' && exec \"$@\"", "sh"] if os.geteuid() == 0 else []
    refused(instance(folder, 20000, "start", under=under), f"RUN_DIR {folder} is not writable")
    refused(instance(folder, 20000, "run", under=under), f"RUN_DIR {folder} is not writable")


def test_stop_says_that_nothing_runs(tmp_path):
    folder = tmp_path / "none"
    r = instance(folder, 20000, "stop", programs=tmp_path)
    assert r.returncode == 0 and r.stdout == f"nothing runs in {folder}\n" and r.stderr == ""
    assert not folder.exists()
    # A number left behind that is another program's now.
    folder.mkdir()
    with subprocess.Popen(["sleep", "60"]) as other:
        (folder / "pid").write_text(str(other.pid))
        r = instance(folder, 20000, "stop")
        assert r.returncode == 0 and "nothing runs" in r.stdout and not (folder / "pid").exists()
        assert other.poll() is None
        other.kill()


def test_run_says_how_to_connect_when_it_is_up_and_ends_with_the_signal(tmp_path):
    s = Stack(tmp_path)
    s.start()
    s.stop()
    with open(tmp_path / "out", "w+") as out:
        p = subprocess.Popen([ROOT / "tools" / "instance", BIN, s.dir, str(s.base), "run"], stdout=out, stderr=out)
        try:
            text = wait_for(lambda: "add:" in (t := (tmp_path / "out").read_text()) and t, 30, "how to connect")
            assert text.index("is up and running") < text.index("send:")
            with s.imap() as c:
                assert c.noop()[0] == "OK"
        finally:
            p.send_signal(signal.SIGTERM)
        assert p.wait(30) == 0
    assert "event=stopped status=0" in (tmp_path / "out").read_text()
