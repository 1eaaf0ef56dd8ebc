"""Divides the device's bytes before anything is allocated; what cannot fit is refused with the numbers."""

from dataclasses import dataclass

from hmi.base.errors import BudgetExceeded
from hmi.base.units import format_bytes

ADAPTER_SHARE = 0.25
"""Of what the shared parts and the least of PLOT leave: adapter slots. PLOT nodes get the rest."""
SLOTS_PER_BATCH = 4
"""Slots worth having: a few batches of distinct adapters; more would only take room from PLOT."""


@dataclass(frozen=True, slots=True)
class DeviceNeeds:
    """Bytes of each part, known before any of it is allocated."""

    backbone_bytes: int  # upper layers and residuals
    workspace_bytes: int  # activations of the largest batch
    slot_bytes: int  # one adapter slot with its head
    spare_bytes: int  # what the banks take beside their slots
    min_slots: int  # distinct adapters in one batch
    min_plot_bytes: int  # at least this much for PLOT nodes


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """What each part gets."""

    num_slots: int
    adapter_bytes: int
    plot_bytes: int


def plan_device(needs: DeviceNeeds, budget_bytes: int) -> DevicePlan:
    """Divide ``budget_bytes``; raises BudgetExceeded with a table of what needs how much."""
    shared = needs.backbone_bytes + needs.workspace_bytes + needs.spare_bytes
    least = shared + needs.min_slots * needs.slot_bytes + needs.min_plot_bytes
    if least > budget_bytes:
        raise BudgetExceeded(
            f"HMI_DEVICE_BYTES is {budget_bytes:_}, and the least that works is {least:_}:\n"
            + _table(needs, least),
            needed_bytes=least,
            free_bytes=budget_bytes,
        )
    left = budget_bytes - shared
    for_slots = int((left - needs.min_plot_bytes) * ADAPTER_SHARE)
    wanted = min(for_slots // needs.slot_bytes, SLOTS_PER_BATCH * needs.min_slots)
    num_slots = max(needs.min_slots, wanted)
    adapter_bytes = num_slots * needs.slot_bytes + needs.spare_bytes
    plot_bytes = budget_bytes - needs.backbone_bytes - needs.workspace_bytes - adapter_bytes
    return DevicePlan(num_slots=num_slots, adapter_bytes=adapter_bytes, plot_bytes=plot_bytes)


def _table(needs: DeviceNeeds, total: int) -> str:
    rows = [
        ("upper layers and residuals", needs.backbone_bytes),
        ("activation workspace", needs.workspace_bytes),
        (f"adapter slots, {needs.min_slots} of {needs.slot_bytes:_}", needs.min_slots * needs.slot_bytes),
        ("adapter bank's own", needs.spare_bytes),
        ("PLOT nodes, at least", needs.min_plot_bytes),
        ("together", total),
    ]
    return "\n".join(f"  {name:<36}{num_bytes:>16_}  {format_bytes(num_bytes)}" for name, num_bytes in rows)
