"""An adapter in host memory, of any method: two factors at each module that it changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from hmi.base.errors import BundleBroken, BundleMismatch
from hmi.model.adapters.call import AdapterModule, Site, module_path, module_shape
from hmi.model.finite import all_finite
from wire.artifacts import BackboneFields

MAX_LISTED = 12
"""Modules named in one error."""


class AdapterConfig(Protocol):
    """What an adapter of one method is made of, besides its weights. Immutable.

    All methods change the outputs of linear modules by ``scaling * up(narrow)``, where ``narrow`` has
    ``rank`` numbers a token: ``down(inputs)``, or ``gelu(down(outputs))`` where the method reads outputs. So
    all live in one pool, and in one batch.
    """

    @property
    def method(self) -> str:
        """Its name in recipes and bundles."""

    @property
    def rank(self) -> int: ...

    @property
    def alpha(self) -> float:
        """As bundles keep it; 0 of a method that has none."""

    @property
    def scaling(self) -> float:
        """Factor of the adapter's output."""

    @property
    def modules(self) -> tuple[AdapterModule, ...]:
        """Where it acts, in every upper layer."""

    @property
    def reads_outputs(self) -> bool:
        """It follows its modules, with a gelu between its factors; else it stands beside them."""


@dataclass(frozen=True, slots=True)
class Factors:
    """The change of one module."""

    down: Tensor  # [rank, in], or [rank, out] where the method reads outputs
    up: Tensor  # [out, rank]


@dataclass(frozen=True, slots=True)
class HostAdapter:
    """An adapter in host memory. Nobody changes its tensors."""

    config: AdapterConfig
    factors: Mapping[Site, Factors]

    @property
    def num_bytes(self) -> int:
        return sum(factors.down.nbytes + factors.up.nbytes for factors in self.factors.values())

    def check(self, fields: BackboneFields) -> None:
        """Raise BundleMismatch where it does not fit the backbone's upper layers, BundleBroken for NaN or
        infinity."""
        outside = [site for site in self.factors if not fields.num_lower <= site.layer < fields.num_layers]
        if outside:
            paths = sorted(module_path(site.layer, site.module) for site in outside)
            more = f" and {len(paths) - MAX_LISTED} more" if len(paths) > MAX_LISTED else ""
            raise BundleMismatch(
                f"the adapter changes {', '.join(paths[:MAX_LISTED])}{more}; only layers {fields.num_lower} "
                f"to {fields.num_layers - 1} of {fields.name} take adapters, PLOT replaces the ones below"
            )
        for site, factors in self.factors.items():
            needed = factor_shapes(fields, self.config, site.module)
            shapes = tuple(factors.down.shape), tuple(factors.up.shape)
            if shapes != needed:
                path = module_path(site.layer, site.module)
                raise BundleMismatch(
                    f"the adapter's weights for {path} are {shapes[0]} and {shapes[1]}, "
                    f"{fields.name} needs {needed[0]} and {needed[1]}"
                )
        if not all_finite([part for factors in self.factors.values() for part in (factors.down, factors.up)]):
            self._refuse_what_is_not_finite()

    def _refuse_what_is_not_finite(self) -> None:
        for site, factors in self.factors.items():
            if not all_finite([factors.down, factors.up]):
                path = module_path(site.layer, site.module)
                raise BundleBroken(f"the adapter's weights for {path} are not finite")


def factor_shapes(
    fields: BackboneFields, config: AdapterConfig, module: AdapterModule
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Of ``down`` and ``up``."""
    inputs, outputs = module_shape(fields, module)
    return (config.rank, outputs if config.reads_outputs else inputs), (outputs, config.rank)


def adapted_sites(fields: BackboneFields, config: AdapterConfig) -> tuple[Site, ...]:
    """Every module of the upper layers that ``config`` names."""
    return tuple(
        Site(layer, module)
        for layer in range(fields.num_lower, fields.num_layers)
        for module in config.modules
    )
