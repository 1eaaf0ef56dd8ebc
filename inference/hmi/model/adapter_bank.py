"""Adapters of many tenants on one device, in one pre-allocated arena that the forward reads from."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from hmi.base.errors import BundleMismatch
from hmi.model.adapter_units import (
    UNIT_RANK,
    PackedAdapter,
    SiteWeights,
    UnitLayout,
    adapter_unit_bytes,
    adapter_units,
)
from hmi.model.adapters.call import AdapterModule, Site
from hmi.model.adapters.host import HostAdapter
from hmi.model.token_chunks import CHUNK_TOKENS, ChunkGroup, token_chunks
from hmi.model.unit_table import EMPTY_UNIT, NO_SLOT, UnitTable
from wire.artifacts import BackboneFields

IDENTITY = NO_SLOT
"""The slot of a document that no adapter changes."""


class AdapterBank:
    """Slots for adapters of any method over a pool of rank-8 units. One thread only: the device's owner.

    One flat tensor holds everything: unit 0, all zero, then the pool. A unit's weights stand together (see
    UnitLayout), so that an adapter is written by few copies a unit, and each site (module of a layer)
    is a strided view over all units. Where an adapter does not act its units are zero: others of its batch
    may act there.
    """

    def __init__(
        self,
        fields: BackboneFields,
        *,
        num_slots: int,
        max_rank: int,
        num_units: int | None = None,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """Allocates ``num_bytes`` at once. ``num_units`` None: enough for ``max_rank`` in every slot, so
        that write() never lacks room; fewer units let many adapters of low rank share what few of high rank
        would take."""
        per_slot = adapter_units(max_rank)
        self._table = UnitTable(
            num_slots=num_slots,
            num_units=num_slots * per_slot if num_units is None else num_units,
            max_units=per_slot,
            unit_bytes=adapter_unit_bytes(fields, dtype),
        )
        self._layout = UnitLayout(fields)
        self._max_rank = max_rank
        # Not a number: a unit that is read without having been written cannot look like an answer.
        self._arena = torch.full(
            (self._table.num_units + 1, self._layout.num_weights), torch.nan, dtype=dtype, device=device
        )
        self._arena[EMPTY_UNIT] = 0
        # Of each unit, the sites where it may not be zero.
        self._filled = np.ones((len(self._arena), len(self._layout.sites)), np.bool_)
        self._views = self._layout.views(self._arena)
        self._acts_on = np.zeros((num_slots, len(self._views)), np.bool_)
        self._reads_outputs = np.zeros(num_slots, np.bool_)

    @property
    def num_slots(self) -> int:
        return self._table.num_slots

    @property
    def num_free_units(self) -> int:
        return self._table.num_free_units

    @property
    def num_bytes(self) -> int:
        """Bytes of the arena: adapter_unit_bytes for every unit and one more."""
        return self._arena.nbytes

    def pack(self, adapter: HostAdapter) -> PackedAdapter:
        """``adapter``, which has been checked, ready to be written. From any thread."""
        return self._layout.pack(adapter, self._arena.dtype)

    def write(self, slot: int, adapter: PackedAdapter | None) -> None:
        """Copy ``adapter`` into ``slot``, over what was there; None is the identity. The source may be freed
        afterwards.

        Raises BundleMismatch for a rank above the bank's, BudgetExceeded where units are lacking; the slot
        then still holds what it held.
        """
        rank = 0 if adapter is None else adapter.rank
        if rank > self._max_rank:
            raise BundleMismatch(f"the adapter has rank {rank}, this service takes up to {self._max_rank}")
        self._table.require_room(slot, adapter_units(rank))
        self.wipe(slot)
        units = self._table.assign(slot, adapter_units(rank))
        if adapter is not None:
            pieces = self._layout.pieces(adapter.acts_on)
            for number, unit in enumerate(units):
                self._write_unit(unit, pieces, adapter.units[number])
                self._empty_unit(unit, self._filled[unit] & ~adapter.acts_on)
                self._filled[unit] = adapter.acts_on
            self._acts_on[slot] = adapter.acts_on
            self._reads_outputs[slot] = adapter.reads_outputs

    def _write_unit(self, unit: int, pieces: list[slice], weights: Tensor) -> None:
        row, first = self._arena[unit], 0
        for piece in pieces:
            last = first + piece.stop - piece.start
            row[piece].copy_(weights[first:last], non_blocking=True)
            first = last

    def _empty_unit(self, unit: int, sites: NDArray[np.bool_]) -> None:
        """Of what another adapter left there; mostly nothing."""
        if sites.any():
            for piece in self._layout.pieces(sites):
                self._arena[unit, piece].zero_()

    def wipe(self, slot: int) -> None:
        """Empty ``slot``, so that a use of it raises; its weights are overwritten, by what is written next or
        before the next batch. Does nothing to an empty slot."""
        self._table.release(slot)
        self._acts_on[slot] = False
        self._reads_outputs[slot] = False

    def call(self, slots: NDArray[np.int64], offsets: NDArray[np.int64]) -> "BankCall | None":
        """The adapters of one batch; None where no document has any, so that the plain forward is taken.

        ``slots`` is int64 [num_documents], IDENTITY for none; ``offsets`` is int64 [num_documents + 1].
        Fastest are neighbours of one slot, long documents first. It reads the arena when it is applied, not
        now.
        """
        for unit in self._table.take_stale():
            self._arena[unit].fill_(torch.nan)
            self._filled[unit] = True
        acts_on = self._acts_on[slots[slots != IDENTITY]].any(axis=0)
        groups = token_chunks(
            slots,
            offsets,
            self._table,
            self._reads_outputs,
            unit_rank=UNIT_RANK,
            device=self._arena.device,
            dtype=self._arena.dtype,
        )
        if not acts_on.any():
            return None
        return BankCall(groups, self._used(acts_on))

    def idle_call(self, num_chunks: int, width: int) -> "BankCall":
        """A batch of so many chunks in which the empty unit stands everywhere: it computes what any other of
        this shape would, and changes nothing."""
        numbers = num_chunks * width
        ranks = width * UNIT_RANK
        group = ChunkGroup(
            first_token=0,
            num_chunks=num_chunks,
            units=torch.full((numbers,), EMPTY_UNIT, device=self._arena.device),
            keep=self._arena.new_zeros(num_chunks, CHUNK_TOKENS, ranks),
            reads_outputs=self._arena.new_zeros(num_chunks, 1, ranks, dtype=torch.bool),
        )
        return BankCall([group], self._used(np.ones(len(self._views), np.bool_)))

    def check_integrity(self) -> None:
        self._table.check_integrity()
        assert not self._arena[EMPTY_UNIT].any()

    def _used(self, acts_on: NDArray[np.bool_]) -> dict[Site, SiteWeights]:
        """Of the sites that ``acts_on`` says."""
        return {
            site: views
            for site, views, acts in zip(self._layout.sites, self._views, acts_on, strict=True)
            if acts
        }


@dataclass(frozen=True, slots=True)
class BankCall:
    """Adapters over the bank's arena: two batched matrix multiplications a site, however many tenants.

    A token is multiplied by all units of its chunk, and what is not its own is set to zero between the two:
    waste that costs less than cutting tokens by slot.
    (Measured on a processor with 39 adapters in a batch of 2,048 tokens: three times as fast in bfloat16 as a
    grouped matrix multiplication, as fast in float32.)
    """

    groups: list[ChunkGroup]
    used: dict[Site, SiteWeights]  # the sites that some adapter of the batch changes

    def sites(self, layer: int) -> list[SiteWeights | None]:
        """Of each module of ``layer``, in AdapterModule's order; None where no adapter acts."""
        return [self.used.get(Site(layer, module)) for module in AdapterModule]


def add_adapters(
    site: SiteWeights | None, groups: list[ChunkGroup], inputs: Tensor, outputs: Tensor, is_returning: bool
) -> None:
    """Add what the adapters of a batch give at one site to ``outputs``, [padded_tokens, out], which may be
    columns of a wider tensor; ``inputs`` is [padded_tokens, in]. TorchScript compiles it.

    ``is_returning`` says whether the module is one of RETURNING_MODULES.
    """
    if site is None:
        return
    for group in groups:
        num_chunks, length = group.num_chunks, group.keep.size(1)
        first, last = group.first_token, group.first_token + num_chunks * length
        down = site.down.index_select(0, group.units).view(num_chunks, -1, inputs.size(1)).to(inputs.dtype)
        up = site.up.index_select(0, group.units).view(num_chunks, -1, outputs.size(1)).to(inputs.dtype)
        narrow = torch.bmm(inputs[first:last].view(num_chunks, length, -1), down.transpose(1, 2))
        changed = outputs[first:last].view(num_chunks, length, outputs.size(1))
        reads_outputs = group.reads_outputs
        if reads_outputs is not None and is_returning:
            after = torch.bmm(changed, down[:, :, : outputs.size(1)].transpose(1, 2))
            narrow = torch.where(reads_outputs, functional.gelu(after), narrow)
        changed.baddbmm_(narrow * group.keep, up)
