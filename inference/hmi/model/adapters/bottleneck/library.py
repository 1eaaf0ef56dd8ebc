"""Bottlenecks in the `transformers` library, which has none of its own, and neither has `peft`: two plain
matrix multiplications that follow a module."""

from collections.abc import Callable
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from hmi.model.adapters.bottleneck.file_format import WEIGHTS_FILE


def follow_modules(bert: nn.Module, folder: Path) -> None:
    """See AdapterMethod.insert."""
    tensors = {name: tensor.float() for name, tensor in load_file(folder / WEIGHTS_FILE).items()}
    for path in {name.rpartition(".")[0] for name in tensors}:
        change = _bottleneck(tensors[f"{path}.down"], tensors[f"{path}.up"])
        bert.get_submodule(path).register_forward_hook(change)


def _bottleneck(down: Tensor, up: Tensor) -> Callable[[nn.Module, object, Tensor], Tensor]:
    return lambda module, inputs, outputs: outputs + functional.gelu(outputs @ down.T) @ up.T
