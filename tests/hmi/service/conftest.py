"""The tiny store is made once: nobody changes what it publishes but their own adapters."""

import pytest

from tests.tiny.store import TinyStore


@pytest.fixture(scope="session")
def tiny_store(tmp_path_factory: pytest.TempPathFactory) -> TinyStore:
    """A store with a tiny backbone and three trees."""
    return TinyStore(tmp_path_factory.mktemp("tiny"))
