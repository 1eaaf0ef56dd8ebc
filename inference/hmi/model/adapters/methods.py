"""All methods of adapters: the one place where trainings and bundles choose."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hmi.base.errors import InvalidInput
from hmi.model.adapters.bottleneck.config import BottleneckConfig
from hmi.model.adapters.bottleneck.file_format import open_bottleneck, save_bottleneck
from hmi.model.adapters.host import AdapterConfig, HostAdapter
from hmi.model.adapters.lora.config import LoraConfig
from hmi.model.adapters.lora.peft_format import open_peft, save_peft
from wire.artifacts import BackboneFields


@dataclass(frozen=True, slots=True)
class AdapterMethod:
    """How a method's adapters are made, kept and read."""

    config: Callable[[int, float], AdapterConfig]  # of a rank and an alpha, which not every method has
    save: Callable[[Path, HostAdapter, BackboneFields], None]
    open: Callable[[Path, BackboneFields], HostAdapter]  # checked


METHODS: Mapping[str, AdapterMethod] = {
    LoraConfig.method: AdapterMethod(LoraConfig, save_peft, open_peft),
    BottleneckConfig.method: AdapterMethod(
        lambda rank, alpha: BottleneckConfig(rank), save_bottleneck, open_bottleneck
    ),
}


def adapter_config(method: str, *, rank: int, alpha: float) -> AdapterConfig:
    """As a recipe asks for it; raises InvalidInput for a method that is not known."""
    if method not in METHODS:
        raise InvalidInput(
            f"the recipe's method is {method!r}; known are {', '.join(METHODS)}", param="method"
        )
    return METHODS[method].config(rank, alpha)
