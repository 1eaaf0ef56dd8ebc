"""What a lower-layer state owes to its position and token type: not in a PLOT row's key, so kept apart from
its rows."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from hmi.base.errors import BundleBroken
from hmi.model.packing import positions_of
from wire.artifacts import BackboneFields


class Places(NamedTuple):
    """What tells the residual of each token of a batch."""

    positions: Tensor  # int64 [num_tokens], each in its document
    token_types: Tensor | None  # int64 [num_tokens]; None: all 0


class RowResiduals:
    """Mean residuals by position and token type: PLOT rows are states less these, and the look-up adds them
    again.

    Immutable; safe to share between threads.
    """

    def __init__(self, position: Tensor, token_type: Tensor) -> None:
        self.position = position  # [max_positions, hidden] float32
        self.token_type = token_type  # [token types, hidden] float32; row 0 is zero: type 0 is the base

    @classmethod
    def zeros(cls, fields: BackboneFields, num_token_types: int) -> "RowResiduals":
        """No residuals: what is known without text."""
        return cls(
            torch.zeros(fields.max_positions, fields.hidden), torch.zeros(num_token_types, fields.hidden)
        )

    @classmethod
    def open(cls, path: Path, fields: BackboneFields, device: torch.device) -> "RowResiduals":
        """Read what save() wrote; raises BundleBroken when it does not fit ``fields``."""
        tensors = load_file(path, device=str(device))
        position, token_type = tensors.get("position"), tensors.get("token_type")
        if position is None or token_type is None:
            raise BundleBroken(f"{path.name} lacks a residual table")
        if position.shape != (fields.max_positions, fields.hidden) or token_type.shape[1:] != (
            fields.hidden,
        ):
            raise BundleBroken(f"{path.name} has residuals of shape {tuple(position.shape)}")
        if not (position.isfinite().all() and token_type.isfinite().all()):
            raise BundleBroken(f"{path.name} holds residuals that are not finite")
        return cls(position, token_type)

    def save(self, path: Path) -> None:
        save_file({"position": self.position.contiguous(), "token_type": self.token_type.contiguous()}, path)

    @property
    def device(self) -> torch.device:
        return self.position.device

    @property
    def num_bytes(self) -> int:
        return self.position.nbytes + self.token_type.nbytes

    def of(self, offsets: NDArray[np.int64], token_types: NDArray[np.int64] | None = None) -> Tensor:
        """The residual of every token, [num_tokens, hidden]; ``token_types`` [num_tokens], None: all 0."""
        return residuals_at(self.places(offsets, token_types), self.position, self.token_type)

    def places(self, offsets: NDArray[np.int64], token_types: NDArray[np.int64] | None = None) -> Places:
        """For residuals_at(); arguments as of()."""
        device = self.position.device
        types = None if token_types is None else torch.from_numpy(token_types).to(device)
        return Places(torch.from_numpy(positions_of(offsets)).to(device), types)


def residuals_at(places: Places, position: Tensor, token_type: Tensor) -> Tensor:
    """A new tensor [num_tokens, hidden]; the tables are those of RowResiduals. TorchScript compiles it."""
    residuals = position.index_select(0, places.positions)
    types = places.token_types
    if types is not None:
        residuals += token_type.index_select(0, types)
    return residuals
