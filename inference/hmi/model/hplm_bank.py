"""Adapter and head of each served task: the device tier's arena as the memory hierarchy sees it."""

import torch

from hmi.model.adapter_bank import AdapterBank, adapter_unit_bytes, adapter_units
from hmi.model.adapter_bundle import Hplm
from hmi.model.heads import HeadBank, head_unit_bytes, head_units
from wire.artifacts import BackboneFields


class HplmBank:
    """Slots for whole hPLMs over two pools: rank-8 units of adapters, and eight-label units of heads.

    One thread only: the one that owns the device. A slot is a number and costs nothing by itself.
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
    ) -> None:
        """Allocates ``num_bytes`` at once. There are as many slots as adapter units; ``dtype`` is the
        adapters', heads are float32."""
        self._fields = fields
        self._dtype = dtype
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

    def bytes_of(self, item: Hplm) -> int:
        """Bytes of the units that ``item`` takes."""
        rank = 0 if item.adapter is None else item.adapter.config.rank
        return adapter_units(rank) * adapter_unit_bytes(self._fields, self._dtype) + head_units(
            item.head.num_labels
        ) * head_unit_bytes(self._fields)

    def write(self, slot: int, item: Hplm) -> None:
        """Copy ``item`` into ``slot``, over what was there. Raises BundleMismatch for one that is too large,
        BudgetExceeded when units are lacking until something else is wiped; the slot is then empty."""
        self.wipe(slot)
        try:
            self.adapters.write(slot, item.adapter)
            self.heads.write(slot, item.head)
        except Exception:
            self.wipe(slot)  # never one task's adapter with another's head
            raise

    def wipe(self, slot: int) -> None:
        """Empty ``slot``, so that a use of it raises; its weights are overwritten."""
        self.adapters.wipe(slot)
        self.heads.wipe(slot)

    def check_integrity(self) -> None:
        self.adapters.check_integrity()
        self.heads.check_integrity()
