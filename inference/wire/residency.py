"""What the inference service tells of its memory: the body of GET /v1/residency."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TierReport:
    """One tier's budget."""

    max_bytes: int
    used_bytes: int
    bytes_by_kind: Mapping[str, int]


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
    """Where adapters and PLOT nodes are, and what each tier's bytes are reserved for."""

    tiers: Mapping[str, TierReport]  # by hmi.memory.tier.MemoryTier
    adapters: PlaceReport
    plot_nodes: PlaceReport
