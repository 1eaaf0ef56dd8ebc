"""A tiny backbone, on one thread: more only wait for each other."""

from collections.abc import Iterator

import pytest
import torch

from hmi.model.backbone import Backbone
from tests.tiny.backbone import make_tiny_backbone


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return make_tiny_backbone(tmp_path_factory.mktemp("tiny"))
