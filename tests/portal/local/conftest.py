"""A folder for an installation of a test's own."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.local.folders import Folders


@pytest.fixture
def folders() -> Iterator[Folders]:
    """Open to the user that PostgreSQL runs as when we are root, unlike pytest's own folders."""
    made = Path(tempfile.mkdtemp(prefix="hmi-installation-test-"))
    made.chmod(0o755)
    yield Folders(made / "var")
    shutil.rmtree(made)
