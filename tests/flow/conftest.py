import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from fakedns import FakeDns  # noqa: E402


@pytest.fixture(scope="module")
def dns():
    """A name server without records. Modules that want others have their own."""
    d = FakeDns().start()
    yield d
    d.stop()


@pytest.fixture(scope="module")
def judges(dns):
    """Other implementations, which ask that name server; only where python3-dkim is."""
    from judges import Judges
    j = Judges(dns)
    yield j
    j.stop()
