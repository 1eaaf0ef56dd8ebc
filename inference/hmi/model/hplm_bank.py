"""Adapter and head of each served task: the device tier's arena as the memory hierarchy sees it."""

from dataclasses import dataclass

import torch
from torch import Tensor

from hmi.kinds.answers import answers_of
from hmi.model.adapter_bank import AdapterBank
from hmi.model.adapter_bundle import Hplm
from hmi.model.adapter_units import PackedAdapter, adapter_unit_bytes, adapter_units
from hmi.model.adapters.call import AdapterModule
from hmi.model.device_copies import DeviceCopies, SameMemory
from hmi.model.heads import HeadBank, PackedHead, head_unit_bytes, head_units
from wire.artifacts import AdapterFields, BackboneFields
from wire.codec import from_json, to_json


@dataclass(frozen=True, slots=True)
class PackedHplm:
    """What one task adds to backbone and PLOT, in host memory as the device takes it: a promotion is one copy
    a unit. Nobody changes its tensors."""

    fields_json: bytes  # few ask for more than the forward needs
    reads_tokens: bool  # the head does; else the mean of a document's states
    adapter: PackedAdapter | None  # None: the identity
    head: PackedHead

    @property
    def fields(self) -> AdapterFields:
        return from_json(AdapterFields, self.fields_json)

    @property
    def num_outputs(self) -> int:
        """Of the head."""
        return self.head.num_labels

    @property
    def num_bytes(self) -> int:
        """Bytes of its tensors."""
        return self.head.num_bytes + (0 if self.adapter is None else self.adapter.num_bytes)


class HplmBank:
    """Slots for whole hPLMs over two pools: rank-8 units of adapters, and eight-label units of heads.

    One thread only, but for pack(): the one that owns the device. A slot is a number and costs nothing by
    itself.
    """

    def __init__(
        self,
        fields: BackboneFields,
        *,
        num_adapter_units: int,
        num_head_units: int,
        max_rank: int,
        max_labels: int,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
        copies: DeviceCopies | None = None,
    ) -> None:
        """Allocates ``num_bytes`` at once. There are as many slots as adapter units; ``dtype`` is the
        adapters', heads are float32. ``copies`` None: of a processor."""
        self._fields, self._dtype = fields, dtype
        self._adapter_unit_bytes = adapter_unit_bytes(fields, dtype)
        self._head_unit_bytes = head_unit_bytes(fields)
        self._copies = copies or SameMemory()
        self.adapters = AdapterBank(
            fields,
            num_slots=num_adapter_units,
            max_rank=max_rank,
            num_units=num_adapter_units,
            device=device,
            dtype=dtype,
        )
        self.heads = HeadBank(
            fields,
            num_slots=num_adapter_units,
            max_labels=max_labels,
            num_units=num_head_units,
            device=device,
        )

    @property
    def num_slots(self) -> int:
        return self.adapters.num_slots

    @property
    def num_bytes(self) -> int:
        return self.adapters.num_bytes + self.heads.num_bytes

    def bytes_of(self, item: PackedHplm) -> int:
        """Bytes of the units that ``item`` takes."""
        rank = 0 if item.adapter is None else item.adapter.rank
        return adapter_units(rank) * self._adapter_unit_bytes + self._head_bytes(item.head.num_labels)

    def packed_bytes(self, fields: AdapterFields) -> int:
        """Bytes that a bundle with these ``fields`` takes in host memory once it is packed: where its adapter
        acts, and its head."""
        num_outputs = answers_of(fields.kind).num_outputs(fields.labels)
        modules = map(AdapterModule, fields.target_modules)
        unit_bytes = adapter_unit_bytes(self._fields, self._dtype, modules)
        return adapter_units(fields.rank) * unit_bytes + self._head_bytes(num_outputs)

    def pack(self, hplm: Hplm) -> PackedHplm:
        """``hplm`` ready to be written. From any thread."""
        adapter = None if hplm.adapter is None else self.adapters.pack(hplm.adapter)
        return PackedHplm(
            fields_json=to_json(hplm.fields).encode(),
            reads_tokens=answers_of(hplm.fields.kind).reads_tokens,
            adapter=adapter,
            head=PackedHead.of(hplm.head),
        )

    def hosted(self, tensor: Tensor) -> Tensor:
        """``tensor`` in host memory from which write() need not wait for its copies. From any thread."""
        return self._copies.hosted(tensor)

    def write(self, slot: int, item: PackedHplm) -> None:
        """Copy ``item`` into ``slot``, over what was there. Raises BundleMismatch for one that is too large,
        BudgetExceeded when units are lacking until something else is wiped; the slot is then empty."""
        self.wipe(slot)
        try:
            with self._copies.copying():
                self.adapters.write(slot, item.adapter)
                self.heads.write(slot, item.head)
        except Exception:
            self.wipe(slot)  # never one task's adapter with another's head
            raise

    def wipe(self, slot: int) -> None:
        """Empty ``slot``, so that a use of it raises; its weights are overwritten, by what is written next or
        before the next batch."""
        self.adapters.wipe(slot)
        self.heads.wipe(slot)

    def check_integrity(self) -> None:
        self.adapters.check_integrity()
        self.heads.check_integrity()

    def _head_bytes(self, num_labels: int) -> int:
        return head_units(num_labels) * self._head_unit_bytes
