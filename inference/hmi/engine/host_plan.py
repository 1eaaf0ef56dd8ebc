"""Sees at the start that the largest of each kind of content fits its part of the host tier, through which it
comes to the device: else every request would fail of it later."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from hmi.base.errors import BudgetExceeded
from hmi.base.units import format_bytes


@dataclass(frozen=True, slots=True)
class HostNeed:
    """What one kind of content needs."""

    name: str
    share: float  # of the host tier, for this kind
    num_bytes: int  # of the largest, known before any is loaded

    @property
    def least_bytes(self) -> int:
        """Of the host tier, for this kind to fit its share."""
        return math.ceil(self.num_bytes / self.share)


def check_host(needs: Sequence[HostNeed], budget_bytes: int) -> None:
    """Raises BudgetExceeded with a table of what needs how much."""
    least = max(need.least_bytes for need in needs)
    if budget_bytes >= least:
        return
    raise BudgetExceeded(
        f"HMI_HOST_BYTES is {budget_bytes:_}, and the least that works is {least:_}:\n"
        + "\n".join(_row(need, budget_bytes) for need in needs),
        needed_bytes=least,
        free_bytes=budget_bytes,
    )


def _row(need: HostNeed, budget_bytes: int) -> str:
    has = int(need.share * budget_bytes)
    return (
        f"  {need.name:<44}{need.num_bytes:>16_}  {format_bytes(need.num_bytes)};"
        f" its {need.share:.0%} are {has:_}, {format_bytes(has)}"
    )
