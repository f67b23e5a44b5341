"""What the IMAP tests start from: a worker behind a socket pair, and a client
that has selected INBOX. A test that needs more overrides them."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from imapworker import ImapWorker  # noqa: E402


@pytest.fixture
def worker(tmp_path):
    with ImapWorker(tmp_path) as w:
        yield w


@pytest.fixture
def c(worker):
    c = worker.client()
    c.ok("SELECT INBOX")
    return c
