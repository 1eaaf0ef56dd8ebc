"""Heads: from a document's states to its task's labels, for many tasks in one batch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from hmi.base.errors import BundleBroken, BundleMismatch
from hmi.model.finite import all_finite
from hmi.model.unit_table import EMPTY_UNIT, SlotRuns, UnitTable
from wire.artifacts import BackboneFields

UNIT_LABELS = 8
"""Labels of one unit of the pool; a head of n labels takes n / 8 of them, rounded up."""


def mean_pool(states: Tensor, offsets: NDArray[np.int64]) -> Tensor:
    """Mean state of each document, [num_documents, hidden], over all its tokens; no document is empty."""
    lengths = torch.from_numpy(np.diff(offsets)).to(states.device)
    return torch.segment_reduce(states, "mean", lengths=lengths, axis=0)


def read_by_head(states: Tensor, offsets: NDArray[np.int64], *, reads_tokens: bool) -> Tensor:
    """What one head reads of final ``states``: all of them where it ``reads_tokens``, else each document's
    mean."""
    return states if reads_tokens else mean_pool(states, offsets)


@dataclass(frozen=True, slots=True)
class HeadRows:
    """Which rows heads read of a batch's documents: rows offsets[d] to offsets[d + 1] are document d's."""

    offsets: NDArray[np.int64]  # [num_documents + 1]
    chosen: NDArray[np.int64] | None  # [rows] of all means, then all tokens; None: means

    @classmethod
    def of(cls, offsets: NDArray[np.int64], reads_tokens: Sequence[bool]) -> "HeadRows":
        """The mean of each document, or every token where ``reads_tokens`` says so."""
        num_documents = len(offsets) - 1
        if not any(reads_tokens):
            return cls(np.arange(num_documents + 1), None)
        rows = [
            np.arange(offsets[document], offsets[document + 1]) + num_documents
            if reads_tokens[document]
            else np.array([document])
            for document in range(num_documents)
        ]
        counts = np.concatenate(([0], np.cumsum([len(some) for some in rows])))
        return cls(counts.astype(np.int64), np.concatenate(rows))

    def read(self, states: Tensor, offsets: NDArray[np.int64]) -> Tensor:
        """[rows, hidden] of final ``states`` [num_tokens, hidden]."""
        pooled = mean_pool(states, offsets)
        if self.chosen is None:
            return pooled
        return torch.cat((pooled, states))[torch.from_numpy(self.chosen).to(states.device)]


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


def head_units(num_labels: int) -> int:
    """Units that a head of ``num_labels`` takes."""
    return -(-num_labels // UNIT_LABELS)


def head_bytes(fields: BackboneFields, num_labels: int) -> int:
    """Bytes of a HostHead."""
    return num_labels * (fields.hidden + 1) * torch.float32.itemsize


def head_unit_bytes(fields: BackboneFields) -> int:
    """Device bytes of one unit."""
    return head_bytes(fields, UNIT_LABELS)


class HeadBank:
    """Slots for heads with any number of labels, over a pool of units of eight. One thread only: the
    device's owner.

    Rows past a head's labels have bias -inf, so that they take no probability.
    """

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
        shape = (self._table.num_units + 1, UNIT_LABELS, fields.hidden)
        self._weight = torch.full(shape, torch.nan, dtype=torch.float32, device=device)
        self._bias = torch.full(shape[:2], torch.nan, dtype=torch.float32, device=device)
        self._weight[EMPTY_UNIT] = 0
        self._bias[EMPTY_UNIT] = -torch.inf

    @property
    def num_slots(self) -> int:
        return self._table.num_slots

    @property
    def num_bytes(self) -> int:
        """Bytes of the arena: head_unit_bytes for every unit and one more."""
        return self._weight.nbytes + self._bias.nbytes

    def write(self, slot: int, head: HostHead) -> None:
        """Copy ``head`` into ``slot``, over what was there. The source may be freed afterwards.

        Raises BundleMismatch for more labels than the bank takes, BudgetExceeded where units are lacking;
        the slot then still holds what it held.
        """
        if head.num_labels > self._max_labels:
            raise BundleMismatch(
                f"the head has {head.num_labels} labels, this service takes up to {self._max_labels}"
            )
        self._table.require_room(slot, head_units(head.num_labels))
        self.wipe(slot)
        units = self._table.assign(slot, head_units(head.num_labels))
        for number, unit in enumerate(units):
            labels = slice(number * UNIT_LABELS, (number + 1) * UNIT_LABELS)
            filled = len(head.bias[labels])
            self._weight[unit, :filled].copy_(head.weight[labels], non_blocking=True)
            self._bias[unit, :filled].copy_(head.bias[labels], non_blocking=True)
            self._weight[unit, filled:] = 0
            self._bias[unit, filled:] = -torch.inf

    def wipe(self, slot: int) -> None:
        """Empty ``slot``, so that a use of it raises; its weights are overwritten. Does nothing to an empty
        slot."""
        for unit in self._table.release(slot):
            self._weight[unit].fill_(torch.nan)
            self._bias[unit].fill_(torch.nan)

    def logits(self, pooled: Tensor, slots: NDArray[np.int64]) -> Tensor:
        """HeadCall.logits() of a batch whose documents have these ``slots``, int64 [num_documents]."""
        return self.call(slots).logits(pooled)

    def call(self, slots: NDArray[np.int64]) -> "HeadCall":
        """The heads of one batch; it reads the arena when it is applied, not now."""
        runs = self._table.runs(slots, np.arange(1, len(slots) + 1), self._weight.device)
        return HeadCall(runs, self._weight, self._bias)

    def check_integrity(self) -> None:
        self._table.check_integrity()
        assert not self._weight[EMPTY_UNIT].any()


@dataclass(frozen=True, slots=True)
class HeadCall:
    """The heads of one batch, over the bank's arena."""

    runs: SlotRuns
    weight: Tensor  # [units, UNIT_LABELS, hidden] float32
    bias: Tensor  # [units, UNIT_LABELS] float32

    def logits(self, pooled: Tensor) -> Tensor:
        """Each document's logits by its own head: [num_documents, most labels of the batch, rounded up to 8].

        ``pooled`` is [num_documents, hidden]. Past a head's own labels stands -inf.
        """
        runs = self.runs
        weight = self.weight[runs.units].view(-1, runs.depth * UNIT_LABELS, pooled.shape[-1])
        bias = self.bias[runs.units].view(-1, runs.depth * UNIT_LABELS)
        products = functional.grouped_mm(pooled.to(torch.float32), weight.transpose(1, 2), offs=runs.ends)
        lengths = torch.diff(runs.ends, prepend=runs.ends.new_zeros(1))
        return products + bias.repeat_interleave(lengths, dim=0)
