"""Where adapters and PLOT nodes are, and what each tier's bytes are reserved for."""

from collections.abc import Collection, Mapping

from hmi.base.errors import HmiError
from hmi.memory.budget import Budget
from hmi.memory.tier import MemoryTier
from wire.artifacts import BundleRef
from wire.residency import PlacedItem, PlaceReport, TierReport


def tier_report(budget: Budget) -> TierReport:
    """``budget`` as it is now."""
    by_kind = budget.used_by_kind()
    return TierReport(budget.max_bytes, sum(by_kind.values()), by_kind)


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
