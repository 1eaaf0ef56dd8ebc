"""What a lower-layer state owes to its position and token type: not in a PLOT row's key, so kept apart from
its rows."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from hmi.base.errors import BundleBroken
from hmi.model.packing import positions_of
from wire.artifacts import BackboneFields


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
    def num_bytes(self) -> int:
        return self.position.nbytes + self.token_type.nbytes

    def of(self, offsets: NDArray[np.int64], token_types: NDArray[np.int64] | None = None) -> Tensor:
        """The residual of every token, [num_tokens, hidden]; ``token_types`` [num_tokens], None: all 0."""
        device = self.position.device
        residuals = self.position[torch.from_numpy(positions_of(offsets)).to(device)]
        if token_types is None:
            return residuals
        return residuals + self.token_type[torch.from_numpy(token_types).to(device)]
