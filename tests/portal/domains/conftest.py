"""A worker of domains, with the general tree that their trees stand below."""

from pathlib import Path

import pytest

from tests.fakes.portal import make_general
from tests.portal.domains.world import Worker


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    make_general()
    return Worker(tmp_path)
