"""Fixtures of tests that need a tiny store; a folder's conftest.py imports those that its tests ask for."""

import pytest
import structlog

from tests.tiny.store import TinyStore


@pytest.fixture(scope="session")
def tiny_store(tmp_path_factory: pytest.TempPathFactory) -> TinyStore:
    """A store with a tiny backbone and three trees."""
    return TinyStore(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> None:
    # The coloured tracebacks of structlog's default cost seconds.
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
