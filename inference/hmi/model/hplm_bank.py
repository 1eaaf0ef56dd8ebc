"""Adapter and head of each served task in one slot: the device tier's arena as the memory hierarchy sees
it."""

import torch

from hmi.model.adapter_bank import AdapterBank, adapter_slot_bytes
from hmi.model.adapter_bundle import Hplm
from hmi.model.heads import HeadBank, head_slot_bytes
from wire.artifacts import BackboneFields


def hplm_slot_bytes(fields: BackboneFields, *, max_rank: int, max_labels: int) -> int:
    """Device bytes of a slot that takes any hPLM up to these sizes."""
    return adapter_slot_bytes(fields, max_rank) + head_slot_bytes(fields, max_labels)


class HplmBank:
    """Slots for whole hPLMs. One thread only: the one that owns the device."""

    def __init__(
        self,
        fields: BackboneFields,
        *,
        num_slots: int,
        max_rank: int,
        max_labels: int,
        device: str | torch.device = "cpu",
    ) -> None:
        """Allocates ``num_bytes`` at once; write() then never lacks room."""
        self.adapters = AdapterBank(fields, num_slots=num_slots, max_rank=max_rank, device=device)
        self.heads = HeadBank(fields, num_slots=num_slots, max_labels=max_labels, device=device)

    @property
    def num_slots(self) -> int:
        return self.adapters.num_slots

    @property
    def num_bytes(self) -> int:
        return self.adapters.num_bytes + self.heads.num_bytes

    def write(self, slot: int, item: Hplm) -> None:
        """Copy ``item`` into ``slot``, over what was there; raises BundleMismatch for one that is too
        large."""
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
