"""An adapter as a bank keeps it: rank-8 units, each a row with its weights of all modules."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hmi.model.adapters.call import RECIPE_MODULES, AdapterModule, Site, module_shape
from hmi.model.adapters.host import HostAdapter
from wire.artifacts import BackboneFields

UNIT_RANK = 8
"""Rank of one unit; an adapter of rank R takes R / 8 of them, rounded up."""


def adapter_units(rank: int) -> int:
    """Units that an adapter of ``rank`` takes."""
    return -(-rank // UNIT_RANK)


def adapter_unit_bytes(
    fields: BackboneFields,
    dtype: torch.dtype = torch.float32,
    modules: Iterable[AdapterModule] = AdapterModule,
) -> int:
    """Bytes of one unit: rank 8 at these ``modules`` of every upper layer."""
    shapes = (module_shape(fields, module) for module in modules)
    per_layer = sum(UNIT_RANK * (inputs + outputs) for inputs, outputs in shapes)
    return (fields.num_layers - fields.num_lower) * per_layer * dtype.itemsize


@dataclass(frozen=True, slots=True)
class PackedAdapter:
    """An adapter ready to be copied into a bank. Nobody changes its tensors."""

    rank: int
    reads_outputs: bool
    acts_on: NDArray[np.bool_]  # [sites]: which it changes
    units: Tensor  # [adapter_units(rank), weights of those sites in a unit], in the bank's type

    @property
    def num_bytes(self) -> int:
        return self.units.nbytes


class SiteWeights(NamedTuple):
    """What all units of a bank hold of one site."""

    down: Tensor  # [units, 8, in]
    up: Tensor  # [units, 8, out]


class UnitLayout:
    """Where a unit's weights stand, for one backbone. Immutable.

        unit     down [8, in] of site 0, of site 1, ... | up [8, out] of site 0, of site 1, ...

    A site is a module of an upper layer; those that the default recipe adapts come first, so that most
    adapters are two pieces of a unit. Scaling is folded into up. Of an adapter that reads outputs, down is
    [8, out] in the first columns of its place: out is never wider than in where such adapters act.
    """

    def __init__(self, fields: BackboneFields) -> None:
        modules = (*RECIPE_MODULES, *(module for module in AdapterModule if module not in RECIPE_MODULES))
        self.sites = tuple(
            Site(layer, module) for module in modules for layer in range(fields.num_lower, fields.num_layers)
        )
        self._number_of = {site: number for number, site in enumerate(self.sites)}
        shapes = [module_shape(fields, site.module) for site in self.sites]
        self._widths = np.array([inputs for inputs, _ in shapes] + [outputs for _, outputs in shapes])
        self._starts: list[int] = np.cumsum([0, *self._widths]).tolist()

    @property
    def num_weights(self) -> int:
        """Of one unit."""
        return UNIT_RANK * self._starts[-1]

    def views(self, units: Tensor) -> list[SiteWeights]:
        """Of each site, in all ``units`` [n, num_weights]."""
        parts = [
            torch.unflatten(units[:, UNIT_RANK * start : UNIT_RANK * (start + width)], 1, (UNIT_RANK, width))
            for start, width in zip(self._starts[:-1], self._widths.tolist(), strict=True)
        ]
        pairs = zip(parts[: len(self.sites)], parts[len(self.sites) :], strict=True)
        return [SiteWeights(down, up) for down, up in pairs]

    def pieces(self, sites: NDArray[np.bool_]) -> list[slice]:
        """Which weights of a unit are those of ``sites`` [sites], neighbours in one piece; in the order of
        PackedAdapter.units."""
        edges = np.flatnonzero(np.diff(np.tile(sites, 2), prepend=False, append=False)).tolist()
        return [
            slice(UNIT_RANK * self._starts[first], UNIT_RANK * self._starts[last])
            for first, last in zip(edges[::2], edges[1::2], strict=True)
        ]

    def pack(self, adapter: HostAdapter, dtype: torch.dtype) -> PackedAdapter:
        """``adapter``, which HostAdapter.check() has passed, in units of ``dtype``. From any thread."""
        # Service threads do this while a batch is computed: few calls of any library, most of them of numpy.
        config, num_sites = adapter.config, len(self.sites)
        acts_on = np.zeros(num_sites, np.bool_)
        acts_on[[self._number_of[site] for site in adapter.factors]] = True
        widths = np.where(np.tile(acts_on, 2), self._widths, 0)
        starts = np.cumsum([0, *widths])
        factors = {site: (_array(part.down), _array(part.up)) for site, part in adapter.factors.items()}
        kept = np.result_type(np.float16, *(part for pair in factors.values() for part in pair))
        # Zero where its ranks do not fill the last unit.
        packed = np.zeros((adapter_units(config.rank), UNIT_RANK * int(starts[-1])), kept)
        for site, (down, up) in factors.items():
            number = self._number_of[site]
            for part, by_rank in ((number, down), (num_sites + number, up.T)):
                _put(packed[:, UNIT_RANK * starts[part] : UNIT_RANK * starts[part + 1]], by_rank)
        units = torch.from_numpy(packed).to(torch.float32)
        units[:, UNIT_RANK * int(starts[num_sites]) :] *= config.scaling
        return PackedAdapter(config.rank, config.reads_outputs, acts_on, units.to(dtype))


def _put(place: NDArray[Any], by_rank: NDArray[Any]) -> None:
    """A factor [rank, at most the part's width] into its ``place`` in the units, [units, 8 * width]."""
    for unit, row in enumerate(place):
        ranks = by_rank[unit * UNIT_RANK : (unit + 1) * UNIT_RANK]
        row.reshape(UNIT_RANK, -1)[: len(ranks), : ranks.shape[1]] = ranks


def _array(factor: Tensor) -> NDArray[Any]:
    """As numpy has it, which knows no bfloat16."""
    array: NDArray[Any] = (factor.to(torch.float32) if factor.dtype is torch.bfloat16 else factor).numpy()
    return array
