"""Where adapters and PLOT nodes are, and what each tier's bytes are reserved for."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Self

from hmi.base.errors import HmiError
from hmi.memory.budget import Budget
from hmi.memory.tier import MemoryTier
from wire.artifacts import BundleRef


@dataclass(frozen=True, slots=True)
class TierReport:
    """One tier's budget."""

    max_bytes: int
    used_bytes: int
    bytes_by_kind: Mapping[str, int]

    @classmethod
    def of(cls, budget: Budget) -> Self:
        by_kind = budget.used_by_kind()
        return cls(budget.max_bytes, sum(by_kind.values()), by_kind)


@dataclass(frozen=True, slots=True)
class PlacedItem:
    """One adapter or node that is above the disk, or broken."""

    digest: str
    bytes_by_tier: Mapping[str, int]
    quarantined: str | None  # what is wrong with it


@dataclass(frozen=True, slots=True)
class PlaceReport:
    """All items of one kind; those on disk alone are counted."""

    items: tuple[PlacedItem, ...]
    num_on_disk_only: int


@dataclass(frozen=True, slots=True)
class ResidencyReport:
    """Body of GET /v1/residency."""

    tiers: Mapping[str, TierReport]
    adapters: PlaceReport
    plot_nodes: PlaceReport


def place_report(
    *,
    device: Mapping[BundleRef, int],
    host: Mapping[BundleRef, int],
    named: Collection[BundleRef],
    quarantined: Mapping[BundleRef, HmiError],
) -> PlaceReport:
    """``device`` and ``host`` tell the bytes of what is there; ``named`` are the items that the catalog
    serves."""
    present = {MemoryTier.DEVICE: device, MemoryTier.HOST: host}
    refs = device.keys() | host.keys() | quarantined.keys()
    return PlaceReport(
        items=tuple(
            PlacedItem(
                digest=ref.digest,
                bytes_by_tier={tier.value: items[ref] for tier, items in present.items() if ref in items},
                quarantined=quarantined[ref].message if ref in quarantined else None,
            )
            for ref in sorted(refs, key=lambda ref: ref.digest)
        ),
        num_on_disk_only=len(set(named) - refs),
    )
