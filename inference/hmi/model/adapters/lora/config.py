"""What a LoRA adapter is made of, besides its weights."""

import math
from dataclasses import dataclass
from typing import ClassVar

from hmi.base.errors import InvalidInput
from hmi.model.adapters.call import RECIPE_MODULES, AdapterModule


@dataclass(frozen=True, slots=True)
class LoraConfig:
    """Rank, scale and modules of a LoRA adapter; it acts on these modules in every upper layer."""

    method: ClassVar[str] = "lora"
    reads_outputs: ClassVar[bool] = False

    rank: int = 8
    alpha: float = 16.0
    modules: tuple[AdapterModule, ...] = RECIPE_MODULES

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise InvalidInput(f"an adapter's rank is at least 1, got {self.rank}")
        if not (math.isfinite(self.alpha) and self.alpha > 0):
            raise InvalidInput(f"an adapter's alpha is a positive number, got {self.alpha}")
        if not self.modules or len(set(self.modules)) < len(self.modules):
            raise InvalidInput(f"an adapter acts on one or more different modules, got {list(self.modules)}")

    @property
    def scaling(self) -> float:
        """Factor of the adapter's output."""
        return self.alpha / self.rank
