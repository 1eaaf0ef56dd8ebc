"""A tiny backbone, on one thread: more only wait for each other."""

from pathlib import Path

import pytest
import torch

from hmi.model.backbone import Backbone
from tests.tiny.backbone import make_tiny_backbone


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See make_tiny_backbone: the library's checkpoint is in it, and our bundle."""
    path = tmp_path_factory.mktemp("tiny")
    make_tiny_backbone(path)
    return path


@pytest.fixture(scope="module")
def backbone(folder: Path) -> Backbone:
    return Backbone.open(folder / "backbone")
