"""One whole installation for the end-to-end tests: `./hmi up` in a folder and on ports of its own."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.installation import Installation

ROOT = Path(__file__).resolve().parents[2]
NUM_PORTS = 5


@pytest.fixture(scope="session")
def installation() -> Iterator[Installation]:
    """A running installation whose demo answers; stopped by Ctrl-C at the end, leaving nothing behind."""
    folder = Path(tempfile.mkdtemp(prefix="hmi-e2e-"))
    folder.chmod(0o755)  # as root, PostgreSQL runs as another user and has to get there
    var = folder / "var"
    running = Installation.start(ROOT, var=var, port=_free_ports())
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


def _free_ports() -> int:
    """First of NUM_PORTS consecutive free ports, below the range that the system hands out by itself."""
    start = 20_000 + (time.monotonic_ns() // 1000) % 8_000
    for first in range(start, start + 2_000, NUM_PORTS):
        if all(_is_free(port) for port in range(first, first + NUM_PORTS)):
            return first
    raise RuntimeError(f"no {NUM_PORTS} consecutive free ports from {start} on")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
