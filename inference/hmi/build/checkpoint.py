"""Checkpoints of a training: tensors and plain state in one file that is replaced whole, or not at all."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from hmi.artifacts.bundle import sync
from hmi.base.errors import HmiError
from wire.errors import ErrorCode

_STATE = "state"
_LIVE = "live."
_FIRST_MOMENT = "first_moment."
_SECOND_MOMENT = "second_moment."


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """``tensors`` by name, and ``state``: plain JSON (step, history, ...)."""

    tensors: dict[str, torch.Tensor]
    state: dict[str, Any]


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Replace ``path``. A process killed at any moment leaves the old file or the new one, complete."""
    content = save(
        {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()},
        metadata={_STATE: json.dumps(checkpoint.state)},
    )
    write_atomically(path, content)


def load_checkpoint(path: Path) -> Checkpoint | None:
    """The last checkpoint; None when there is none yet. Raises HmiError(BUNDLE_BROKEN) on a damaged file."""
    if not path.exists():
        return None
    try:
        with safe_open(str(path), framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
            state = json.loads(file.metadata()[_STATE])
    except (SafetensorError, KeyError, TypeError, ValueError) as exc:
        raise HmiError(
            ErrorCode.BUNDLE_BROKEN, f"the checkpoint {path.name} is damaged; remove it to start over"
        ) from exc
    return Checkpoint(tensors, state)


def optimiser_tensors(
    parameters: Mapping[str, torch.Tensor], optimiser: torch.optim.Optimizer
) -> dict[str, torch.Tensor]:
    """What a checkpoint keeps of weights that Adam changes: themselves and their moments."""
    tensors = {_LIVE + name: value for name, value in parameters.items()}
    for name, parameter in parameters.items():
        moments = optimiser.state[parameter]
        tensors[_FIRST_MOMENT + name] = moments["exp_avg"]
        tensors[_SECOND_MOMENT + name] = moments["exp_avg_sq"]
    return tensors


@torch.no_grad()
def restore_optimiser(
    checkpoint: Checkpoint,
    parameters: Mapping[str, torch.Tensor],
    optimiser: torch.optim.Optimizer,
    *,
    step: int,
) -> None:
    """Put back what optimiser_tensors took, after ``step`` steps."""
    for name, parameter in parameters.items():
        parameter.copy_(checkpoint.tensors[_LIVE + name])
        optimiser.state[parameter] = {
            "step": torch.tensor(float(step)),
            "exp_avg": checkpoint.tensors[_FIRST_MOMENT + name],
            "exp_avg_sq": checkpoint.tensors[_SECOND_MOMENT + name],
        }


def write_atomically(path: Path, content: bytes) -> None:
    """Write ``content`` under a temporary name, fsync, rename over ``path``, fsync the folder."""
    with replacing(path) as file:
        file.write(content)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes ``path``'s place when the block ends; it is gone when that fails (a full disk)."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    temporary.replace(path)
    sync(path.parent)
