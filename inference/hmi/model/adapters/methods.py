"""All methods of adapters: the one place where trainings, bundles and imports choose."""

from collections.abc import Mapping

from hmi.base.errors import InvalidInput
from hmi.model.adapters.bottleneck.method import BOTTLENECK
from hmi.model.adapters.host import AdapterConfig
from hmi.model.adapters.lora.method import LORA
from hmi.model.adapters.method import AdapterMethod

METHODS: Mapping[str, AdapterMethod] = {method.name: method for method in (LORA, BOTTLENECK)}


def adapter_config(method: str, *, rank: int, alpha: float) -> AdapterConfig:
    """As a recipe asks for it; raises InvalidInput for a method that is not known."""
    if method not in METHODS:
        raise InvalidInput(
            f"the recipe's method is {method!r}; known are {', '.join(METHODS)}", param="method"
        )
    return METHODS[method].config(rank, alpha)
