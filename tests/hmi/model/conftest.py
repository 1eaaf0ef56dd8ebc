"""A tiny backbone, on one thread: more only wait for each other."""

import pytest
import torch

from hmi.model.backbone import Backbone
from tests.tiny.backbone import make_tiny_backbone


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return make_tiny_backbone(tmp_path_factory.mktemp("tiny"))
