"""Heads: from a document's states to its task's labels, for many tasks in one batch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hmi.base.errors import BundleBroken, BundleMismatch
from hmi.model.finite import all_finite
from hmi.model.unit_table import EMPTY_UNIT, SlotRuns, UnitTable
from wire.artifacts import BackboneFields

MAX_LABELS = 1000
"""Of a head that is served: as many as a dataset may have; of one that reads tokens, its tags."""
UNIT_LABELS = 8
"""Labels of one unit of the pool; a head of n labels takes n / 8 of them, rounded up."""


def mean_pool(states: Tensor, offsets: NDArray[np.int64]) -> Tensor:
    """Mean state of each document, [num_documents, hidden], over all its tokens; no document is empty."""
    return _means(states, torch.from_numpy(np.diff(offsets)).to(states.device))


def read_by_head(states: Tensor, offsets: NDArray[np.int64], *, reads_tokens: bool) -> Tensor:
    """What one head reads of final ``states``: all of them where it ``reads_tokens``, else each document's
    mean."""
    return states if reads_tokens else mean_pool(states, offsets)


class HeadRows(NamedTuple):
    """Which rows heads read of a batch's final states."""

    lengths: Tensor  # int64 [num_documents] of each document
    chosen: Tensor | None  # int64 [rows] of all documents' means, then all tokens; None: the means

    @classmethod
    def of(
        cls, offsets: NDArray[np.int64], reads_tokens: Sequence[bool], device: torch.device
    ) -> "tuple[HeadRows, NDArray[np.int64]]":
        """The mean of each document, or every token where ``reads_tokens`` says so; and offsets
        [num_documents + 1] of each document's among the rows."""
        num_documents = len(offsets) - 1
        lengths = torch.from_numpy(offsets[1:] - offsets[:-1]).to(device)
        if not any(reads_tokens):
            return cls(lengths, None), np.arange(num_documents + 1)
        rows = [
            np.arange(offsets[document], offsets[document + 1]) + num_documents
            if reads_tokens[document]
            else np.array([document])
            for document in range(num_documents)
        ]
        counts = np.concatenate(([0], np.cumsum([len(some) for some in rows])))
        chosen = torch.from_numpy(np.concatenate(rows)).to(device)
        return cls(lengths, chosen), counts.astype(np.int64)


@dataclass(frozen=True, slots=True)
class HostHead:
    """A linear head in host memory: ``weight @ pooled + bias``. Nobody changes its tensors."""

    weight: Tensor  # [num_labels, hidden] float32
    bias: Tensor  # [num_labels] float32

    @property
    def num_labels(self) -> int:
        return self.weight.shape[0]

    @property
    def num_bytes(self) -> int:
        return self.weight.nbytes + self.bias.nbytes

    def at_temperature(self, temperature: float) -> "HostHead":
        """The head whose logits are this one's, divided: nobody who uses it needs to know."""
        return HostHead(self.weight / temperature, self.bias / temperature)

    def check(self, fields: BackboneFields, num_labels: int) -> None:
        """Raise BundleMismatch where it does not fit backbone and labels, BundleBroken for NaN or
        infinity."""
        if self.weight.shape != (num_labels, fields.hidden) or self.bias.shape != (num_labels,):
            raise BundleMismatch(
                f"the head is {tuple(self.weight.shape)} with bias {tuple(self.bias.shape)}, "
                f"{num_labels} labels on {fields.name} need {(num_labels, fields.hidden)}"
            )
        if not all_finite([self.weight, self.bias]):
            raise BundleBroken("the head's weights are not finite")


@dataclass(frozen=True, slots=True)
class PackedHead:
    """A head ready to be copied into a bank in one piece. Nobody changes its tensor."""

    num_labels: int
    units: Tensor  # [head_units(num_labels), UNIT_LABELS, hidden + 1] float32: a label's weights and its bias

    @classmethod
    def of(cls, head: HostHead) -> "PackedHead":
        """Labels past the head's own have bias -inf, so that they take no probability."""
        num_units, hidden = head_units(head.num_labels), head.weight.shape[1]
        units = np.zeros((num_units * UNIT_LABELS, hidden + 1), np.float32)
        units[:, hidden] = -np.inf
        units[: head.num_labels, :hidden] = head.weight.numpy()
        units[: head.num_labels, hidden] = head.bias.numpy()
        return cls(head.num_labels, torch.from_numpy(units).view(num_units, UNIT_LABELS, hidden + 1))

    @property
    def num_bytes(self) -> int:
        return self.units.nbytes


def head_units(num_labels: int) -> int:
    """Units that a head of ``num_labels`` takes."""
    return -(-num_labels // UNIT_LABELS)


def head_unit_bytes(fields: BackboneFields) -> int:
    """Bytes of one unit."""
    return UNIT_LABELS * (fields.hidden + 1) * torch.float32.itemsize


class HeadBank:
    """Slots for heads with any number of labels, over a pool of units of eight. One thread only: the
    device's owner."""

    def __init__(
        self,
        fields: BackboneFields,
        *,
        num_slots: int,
        max_labels: int,
        num_units: int | None = None,
        device: str | torch.device = "cpu",
    ) -> None:
        """Allocates ``num_bytes`` at once. ``num_units`` None: enough for ``max_labels`` in every slot."""
        per_slot = head_units(max_labels)
        self._max_labels = max_labels
        self._table = UnitTable(
            num_slots=num_slots,
            num_units=num_slots * per_slot if num_units is None else num_units,
            max_units=per_slot,
            unit_bytes=head_unit_bytes(fields),
        )
        shape = (self._table.num_units + 1, UNIT_LABELS, fields.hidden + 1)
        self._arena = torch.full(shape, torch.nan, dtype=torch.float32, device=device)
        self._arena[EMPTY_UNIT] = 0
        self._arena[EMPTY_UNIT, :, -1] = -torch.inf

    @property
    def num_slots(self) -> int:
        return self._table.num_slots

    @property
    def num_bytes(self) -> int:
        """Bytes of the arena: head_unit_bytes for every unit and one more."""
        return self._arena.nbytes

    def write(self, slot: int, head: PackedHead) -> None:
        """Copy ``head`` into ``slot``, over what was there. The source may be freed afterwards.

        Raises BundleMismatch for more labels than the bank takes, BudgetExceeded where units are lacking;
        the slot then still holds what it held.
        """
        if head.num_labels > self._max_labels:
            raise BundleMismatch(
                f"the head has {head.num_labels} labels, this service takes up to {self._max_labels}"
            )
        self._table.require_room(slot, len(head.units))
        self.wipe(slot)
        for number, unit in enumerate(self._table.assign(slot, len(head.units))):
            self._arena[unit].copy_(head.units[number], non_blocking=True)

    def wipe(self, slot: int) -> None:
        """Empty ``slot``, so that a use of it raises; its weights are overwritten, by what is written next or
        before the next batch. Does nothing to an empty slot."""
        self._table.release(slot)

    def logits(self, pooled: Tensor, slots: NDArray[np.int64]) -> Tensor:
        """HeadCall.logits() of a batch whose documents have these ``slots``, int64 [num_documents]."""
        return self.call(slots).logits(pooled)

    def call(self, slots: NDArray[np.int64]) -> "HeadCall":
        """The heads of one batch; it reads the arena when it is applied, not now."""
        for unit in self._table.take_stale():
            self._arena[unit].fill_(torch.nan)
        return HeadCall(self._table.runs(slots, self._arena.device), self._arena)

    def check_integrity(self) -> None:
        self._table.check_integrity()
        assert not self._arena[EMPTY_UNIT, :, :-1].any()


class HeadCall(NamedTuple):
    """The heads of one batch, over the bank's arena."""

    parts: list[SlotRuns]  # together every row once
    arena: Tensor  # [units, UNIT_LABELS, hidden + 1] float32

    def logits(self, pooled: Tensor) -> Tensor:
        """head_logits() of this call."""
        return head_logits(self, pooled)


# What TorchScript compiles (see serving_layers).


def read_rows(rows: HeadRows, states: Tensor) -> Tensor:
    """[rows, hidden] of final ``states`` [num_tokens, hidden]."""
    pooled = _means(states, rows.lengths)
    chosen = rows.chosen
    if chosen is None:
        return pooled
    return torch.cat((pooled, states)).index_select(0, chosen)


def head_logits(call: HeadCall, pooled: Tensor) -> Tensor:
    """Each row's logits by its own head: [rows, most labels of the batch, rounded up to 8].

    ``pooled`` is [rows, hidden]. Past a head's own labels stands -inf.
    """
    if len(call.parts) == 1:  # all rows in their order
        return _logits_of(call.parts[0], call.arena, pooled)
    most = max([part.depth for part in call.parts]) * call.arena.size(1)
    logits = torch.full([pooled.size(0), most], -math.inf, dtype=torch.float32, device=pooled.device)
    for part in call.parts:
        values = _logits_of(part, call.arena, pooled)
        logits[:, : values.size(1)].index_copy_(0, part.rows, values)
    return logits


def _logits_of(part: SlotRuns, arena: Tensor, pooled: Tensor) -> Tensor:
    heads = arena.index_select(0, part.units).view(-1, part.depth * arena.size(1), arena.size(2))
    weight, bias = heads[:, :, :-1], heads[:, :, -1]
    filled = pooled.index_select(0, part.filled).to(torch.float32).view(-1, part.length, pooled.size(1))
    logits = torch.baddbmm(bias[:, None, :], filled, weight.transpose(1, 2))
    return logits.view(-1, logits.size(2)).index_select(0, part.back)


def _means(states: Tensor, lengths: Tensor) -> Tensor:
    return torch.segment_reduce(states, "mean", lengths=lengths, axis=0)
