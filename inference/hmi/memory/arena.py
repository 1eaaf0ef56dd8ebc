"""What memory sees of pre-allocated device storage: numbered slots that are written and wiped."""

from typing import Protocol, TypeVar

from hmi.memory.slots import Slot

ItemT = TypeVar("ItemT", contravariant=True)


class Arena(Protocol[ItemT]):
    """Slots of one tier; items of different size may share its bytes. The tier's owner thread calls it."""

    @property
    def num_slots(self) -> int: ...

    def bytes_of(self, item: ItemT) -> int:
        """What ``item`` takes here."""

    def write(self, slot: Slot, item: ItemT) -> None:
        """Copy ``item`` into ``slot``, over whatever was there. The source may be freed afterwards.

        Raises BudgetExceeded while slots are left but not what ``item`` needs; wiping others makes room."""

    def wipe(self, slot: Slot) -> None:
        """Leave nothing of the item behind: a use of a wiped slot must not look like an answer."""
