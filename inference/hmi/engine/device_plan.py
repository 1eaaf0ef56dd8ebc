"""Divides the device's bytes before anything is allocated; what cannot fit is refused with the numbers."""

from dataclasses import dataclass

from hmi.base.errors import BudgetExceeded
from hmi.base.units import format_bytes

ADAPTER_SHARE = 0.25
"""Of what the shared parts and the least of PLOT leave: adapters and heads. PLOT nodes get the rest."""
BATCHES_OF_ADAPTERS = 4
"""Room worth having: a few batches of the largest adapters; more would only take room from PLOT."""


@dataclass(frozen=True, slots=True)
class DeviceNeeds:
    """Bytes of each part, known before any of it is allocated."""

    backbone_bytes: int  # upper layers and residuals
    workspace_bytes: int  # activations of the largest batches that are computed at a time
    adapter_unit_bytes: int  # rank 8 of an adapter
    min_adapter_units: int  # the largest adapters of one batch
    head_unit_bytes: int  # eight labels of a head
    min_head_units: int  # the largest heads of one batch
    min_plot_bytes: int  # at least this much for PLOT nodes

    @property
    def shared_bytes(self) -> int:
        """What is the same whatever is served; of each pool, the unit that no adapter owns."""
        return self.backbone_bytes + self.workspace_bytes + self.adapter_unit_bytes + self.head_unit_bytes


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """What each part gets, the pools' own units included."""

    num_adapter_units: int
    num_head_units: int
    adapter_bytes: int
    head_bytes: int
    plot_bytes: int

    @property
    def num_slots(self) -> int:
        """Adapters that the device holds when all are of rank 8 or less."""
        return self.num_adapter_units


def plan_device(needs: DeviceNeeds, budget_bytes: int) -> DevicePlan:
    """Divide ``budget_bytes``; raises BudgetExceeded with a table of what needs how much."""
    least_pools = (
        needs.min_adapter_units * needs.adapter_unit_bytes + needs.min_head_units * needs.head_unit_bytes
    )
    least = needs.shared_bytes + least_pools + needs.min_plot_bytes
    if least > budget_bytes:
        raise BudgetExceeded(
            f"HMI_DEVICE_BYTES is {budget_bytes:_}, and the least that works is {least:_}:\n"
            + _table(needs, least),
            needed_bytes=least,
            free_bytes=budget_bytes,
        )
    for_pools = int((budget_bytes - needs.shared_bytes - needs.min_plot_bytes) * ADAPTER_SHARE)
    # Beyond the least, every adapter unit comes with a head unit: most heads have eight labels or fewer.
    pair_bytes = needs.adapter_unit_bytes + needs.head_unit_bytes
    num_pairs = max(0, for_pools - least_pools) // pair_bytes
    num_adapter_units = min(
        needs.min_adapter_units + num_pairs, BATCHES_OF_ADAPTERS * needs.min_adapter_units
    )
    num_head_units = needs.min_head_units + num_adapter_units - needs.min_adapter_units
    adapter_bytes = (num_adapter_units + 1) * needs.adapter_unit_bytes
    head_bytes = (num_head_units + 1) * needs.head_unit_bytes
    return DevicePlan(
        num_adapter_units=num_adapter_units,
        num_head_units=num_head_units,
        adapter_bytes=adapter_bytes,
        head_bytes=head_bytes,
        plot_bytes=budget_bytes - needs.backbone_bytes - needs.workspace_bytes - adapter_bytes - head_bytes,
    )


def _table(needs: DeviceNeeds, total: int) -> str:
    rows = [
        ("upper layers and residuals", needs.backbone_bytes),
        ("activation workspace", needs.workspace_bytes),
        _pool("adapters", needs.min_adapter_units, needs.adapter_unit_bytes),
        _pool("heads", needs.min_head_units, needs.head_unit_bytes),
        ("PLOT nodes, at least", needs.min_plot_bytes),
        ("together", total),
    ]
    return "\n".join(f"  {name:<44}{num_bytes:>16_}  {format_bytes(num_bytes)}" for name, num_bytes in rows)


def _pool(name: str, num_units: int, unit_bytes: int) -> tuple[str, int]:
    return f"{name} of a batch, {num_units} + 1 units of {unit_bytes:_}", (num_units + 1) * unit_bytes
