"""A checkpoint comes back as it was, and is never seen half-written."""

from pathlib import Path

import pytest
import torch

from hmi.base.errors import HmiError
from hmi.build.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from wire.errors import ErrorCode


def test_it_comes_back_bit_by_bit(tmp_path: Path) -> None:
    weights = torch.randn(3, 5, generator=torch.Generator().manual_seed(1))
    state = {"step": 7, "history": [{"loss": 0.1}], "best": None}
    save_checkpoint(tmp_path / "c", Checkpoint({"w": weights, "t": weights.T}, state))
    loaded = load_checkpoint(tmp_path / "c")
    assert loaded is not None
    assert torch.equal(loaded.tensors["w"], weights)
    assert torch.equal(loaded.tensors["t"], weights.T)
    assert loaded.state == state


def test_there_is_none_before_the_first(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path / "c") is None


def test_a_kill_before_the_rename_leaves_the_one_before(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "c", Checkpoint({}, {"step": 1}))
    (tmp_path / ".c.tmp").write_bytes(b"half of the next")
    loaded = load_checkpoint(tmp_path / "c")
    assert loaded is not None
    assert loaded.state == {"step": 1}
    save_checkpoint(tmp_path / "c", Checkpoint({}, {"step": 2}))
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


def test_a_damaged_one_is_refused_and_named(tmp_path: Path) -> None:
    (tmp_path / "last.safetensors").write_bytes(b"\x08\x00")
    with pytest.raises(HmiError, match=r"last\.safetensors") as caught:
        load_checkpoint(tmp_path / "last.safetensors")
    assert caught.value.code is ErrorCode.BUNDLE_BROKEN
