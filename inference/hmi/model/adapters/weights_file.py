"""Reads the file of an adapter's weights, whatever its method."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from hmi.base.errors import BundleBroken


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file. Raises BundleBroken where it is missing or cannot be read; any other
    OSError is the machine's trouble."""
    try:
        return load(path.read_bytes())
    except (FileNotFoundError, IsADirectoryError, SafetensorError) as exc:
        raise BundleBroken(f"{path.name} of the adapter cannot be read: {exc}") from exc
