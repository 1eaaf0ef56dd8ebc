"""One whole installation for the end-to-end tests: `./hmi up` in a folder and on ports of its own."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.every_kind import EveryKind, begin_every_kind
from tests.e2e.installation import Installation
from tests.fakes.ports import free_ports

ROOT = Path(__file__).resolve().parents[2]
NUM_PORTS = 5


@pytest.fixture(scope="session")
def installation() -> Iterator[Installation]:
    """A running installation whose demo answers; stopped by Ctrl-C at the end, leaving nothing behind."""
    folder = Path(tempfile.mkdtemp(prefix="hmi-e2e-"))
    folder.chmod(0o755)  # as root, PostgreSQL runs as another user and has to get there
    var = folder / "var"
    running = Installation.start(ROOT, var=var, port=free_ports(NUM_PORTS))
    try:
        running.wait_for_demo(deadline_s=600)
        yield running
    finally:
        running.interrupt(deadline_s=120)
    leftovers = running.leftovers()
    assert leftovers == [], f"left running after Ctrl-C: {leftovers}"
    again = subprocess.run(
        [str(ROOT / "hmi"), "status", "--var", str(var)], capture_output=True, text=True, check=False
    )
    assert "not running" in (again.stdout + again.stderr), again.stdout + again.stderr
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def every_kind(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> EveryKind:
    """Tasks of every kind in that installation; their trainings are under way."""
    return begin_every_kind(installation, tmp_path_factory.mktemp("every-kind"))
