"""What memory sees of pre-allocated device storage: numbered slots that are written and wiped."""

from typing import Protocol, TypeVar

from hmi.memory.slots import Slot

ItemT = TypeVar("ItemT", contravariant=True)


class Arena(Protocol[ItemT]):
    """Slots of equal size in one tier. Only the thread that owns the tier calls it."""

    @property
    def num_slots(self) -> int: ...

    def write(self, slot: Slot, item: ItemT) -> None:
        """Copy ``item`` into ``slot``, over whatever was there. The source may be freed afterwards."""

    def wipe(self, slot: Slot) -> None:
        """Leave nothing of the item behind: a use of a wiped slot must not look like an answer."""
