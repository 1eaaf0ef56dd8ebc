"""What a bottleneck adapter (Houlsby et al. 2019) is made of, besides its weights."""

from dataclasses import dataclass
from typing import ClassVar

from hmi.base.errors import InvalidInput
from hmi.model.adapters.call import RETURNING_MODULES, AdapterModule


@dataclass(frozen=True, slots=True)
class BottleneckConfig:
    """Width and places of a bottleneck: after both modules that lead back to the hidden states, as Houlsby's,
    or after the feed-forward's alone, as Pfeiffer's. Without biases, so that it lives in rank-8 units."""

    method: ClassVar[str] = "bottleneck"
    reads_outputs: ClassVar[bool] = True
    alpha: ClassVar[float] = 0.0
    scaling: ClassVar[float] = 1.0

    rank: int = 8
    modules: tuple[AdapterModule, ...] = RETURNING_MODULES

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise InvalidInput(f"a bottleneck's width is at least 1, got {self.rank}")
        if not self.modules or len(set(self.modules)) < len(self.modules):
            raise InvalidInput(f"an adapter acts on one or more different modules, got {list(self.modules)}")
        if not set(self.modules) <= set(RETURNING_MODULES):
            raise InvalidInput(
                f"a bottleneck follows {' and '.join(RETURNING_MODULES)}, not {list(self.modules)}"
            )
