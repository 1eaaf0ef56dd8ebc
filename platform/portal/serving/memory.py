"""What the inference service keeps in which tier, as it tells the operator (GET /v1/residency)."""

from collections import Counter
from dataclasses import dataclass
from http.client import HTTPException
from urllib.request import ProxyHandler, build_opener

from wire.codec import WireError, from_json
from wire.residency import PlaceReport, ResidencyReport, TierReport

TIMEOUT_S = 3.0
TIERS = {"device": "Device", "host": "Host", "disk": "Disk"}
"""In the order in which they are shown."""


class ServiceSilent(Exception):
    """The service did not tell; the text says what to do."""


@dataclass(frozen=True, slots=True)
class KindShare:
    """What one kind of data takes of its tier."""

    name: str
    num_bytes: int


@dataclass(frozen=True, slots=True)
class TierPicture:
    """One tier for people: how full it is, and of what, the most first."""

    name: str
    used_bytes: int
    max_bytes: int
    kinds: tuple[KindShare, ...]

    @property
    def percent(self) -> int:
        """Of the budget, rounded."""
        return round(100 * self.used_bytes / self.max_bytes) if self.max_bytes else 0


@dataclass(frozen=True, slots=True)
class Broken:
    """A bundle that is not served until the catalog names another."""

    digest: str
    reason: str


@dataclass(frozen=True, slots=True)
class PlacePicture:
    """Where the items of one kind are; one on the device may be on the host as well."""

    name: str
    num_on_device: int
    num_on_host: int
    num_on_disk_only: int | None  # None: the service does not count them
    broken: tuple[Broken, ...]


@dataclass(frozen=True, slots=True)
class MemoryPicture:
    """Of one moment."""

    tiers: tuple[TierPicture, ...]
    places: tuple[PlacePicture, ...]


def memory_read(service_url: str | None) -> MemoryPicture:
    """Ask the service at ``service_url``, directly and with little patience. Raises ServiceSilent."""
    if service_url is None:
        raise ServiceSilent("HMI_SERVICE_URL is not set: the portal does not know where the service is.")
    try:
        with build_opener(ProxyHandler({})).open(f"{service_url}/v1/residency", timeout=TIMEOUT_S) as answer:
            report = from_json(ResidencyReport, answer.read())
    except (OSError, HTTPException) as exc:
        reason = getattr(exc, "reason", exc)
        raise ServiceSilent(
            f"The inference service at {service_url} does not answer ({reason}). ./hmi status tells whether "
            "it runs, ./hmi logs service why not; it answers once it has read its first catalog."
        ) from exc
    except WireError as exc:
        raise ServiceSilent(
            f"What answers at {service_url} is no inference service of this version: {exc}"
        ) from exc
    return MemoryPicture(
        tiers=tuple(_tier(TIERS[name], report.tiers[name]) for name in TIERS if name in report.tiers),
        places=(
            _place("Adapters", report.adapters, num_on_disk_only=report.adapters.num_on_disk_only),
            _place("PLOT nodes", report.plot_nodes, num_on_disk_only=None),
        ),
    )


def _tier(name: str, report: TierReport) -> TierPicture:
    kinds = sorted(report.bytes_by_kind.items(), key=lambda kind: (-kind[1], kind[0]))
    return TierPicture(
        name, report.used_bytes, report.max_bytes, tuple(KindShare(*kind) for kind in kinds if kind[1])
    )


def _place(name: str, report: PlaceReport, *, num_on_disk_only: int | None) -> PlacePicture:
    numbers = Counter(tier for item in report.items for tier in item.bytes_by_tier)
    return PlacePicture(
        name,
        num_on_device=numbers["device"],
        num_on_host=numbers["host"],
        num_on_disk_only=num_on_disk_only,
        broken=tuple(
            Broken(item.digest, item.quarantined) for item in report.items if item.quarantined is not None
        ),
    )
