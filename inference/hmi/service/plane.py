"""The part of the service that needs a backbone: made when the catalog names one."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import structlog

from hmi.base.errors import HmiError, NotReady
from hmi.engine.request import EngineRequest, HplmRef
from hmi.model.tokenizer import EncodedTexts, Text
from hmi.service.snapshot import CatalogSnapshot
from wire.artifacts import AdapterFields, BundleRef
from wire.residency import ResidencyReport

KNOWN_BYTES = 2000
"""Of an adapter's fields, but for its labels and what else there is one of for each."""
LABEL_BYTES = 64
"""A label, but for its characters, with its threshold and whatever its kind has for it."""

PLANE_GAUGES: Mapping[str, str] = {
    "hmi_open_requests": "Requests accepted and not yet answered",
    "hmi_device_slots": "Adapters that the device can hold",
    "hmi_device_adapters": "Adapters on the device",
    "hmi_device_adapter_evictions": "Adapters that have left the device",
    "hmi_device_plot_nodes": "PLOT nodes on the device",
    "hmi_adapters_quarantined": "Adapters found broken, until the catalog names others",
}
"""Metrics of the plane -> their help texts."""

log = structlog.get_logger(__name__)


class Plane(Protocol):
    """A backbone with its engine, ready to answer. Used from the event loop."""

    @property
    def backbone(self) -> BundleRef: ...

    @property
    def has_lower_layers(self) -> bool:
        """Whether requests can take the exact path."""

    @property
    def is_running(self) -> bool: ...

    def start(self) -> None:
        """Begin to answer; called once."""

    async def describe(self, hplm: HplmRef) -> AdapterFields:
        """What the adapter's bundle says of itself; loads it when it is not known yet. Raises HmiError."""

    def known(self, hplm: HplmRef) -> AdapterFields | None:
        """As describe, if that takes no loading."""

    async def encode(self, texts: list[Text], max_tokens: int, *, with_words: bool) -> EncodedTexts:
        """Tokenise, on a thread of its own what is not short; cuts at ``max_tokens`` or what the backbone
        takes. See Tokenizer.encode."""

    async def spans(self, texts: list[str]) -> list[Sequence[tuple[int, int]]]:
        """Where each text's tokens stand in it, special ones included as (0, 0); before it is cut."""

    def submit(self, request: EngineRequest, *, beside: EngineRequest | None = None) -> None:
        """See Engine.submit."""

    def follow(self, served: frozenset[HplmRef]) -> None:
        """The catalog now serves these models: bring new ones near, forget broken ones that are gone; soon,
        and in the order of the calls."""

    def tier_bytes(self) -> Mapping[tuple[str, str], int]:
        """(tier, kind of content) -> bytes reserved now."""

    def residency(self) -> ResidencyReport:
        """Where everything is now."""

    def gauges(self) -> Mapping[str, float]:
        """A number for each of PLANE_GAUGES."""

    def close(self) -> None:
        """Answer what was accepted, then free everything. Blocks."""


class PlaneHolder:
    """Opens the plane on a thread when a backbone is known, again after a failure. Event loop only."""

    def __init__(self, open_plane: Callable[[BundleRef], Plane], *, configured: BundleRef | None) -> None:
        self._open_plane = open_plane
        self._configured = configured
        self._plane: Plane | None = None
        self._opening: asyncio.Task[None] | None = None
        self._snapshot: CatalogSnapshot | None = None
        self._is_closing = False
        self.is_stuck = False  # what computes hangs, and was left behind by close()
        self.exact_path_problem = ""  # of tasks with a coverage floor, where no lower layers are loaded
        self.problem = "no backbone is known yet: prepare one and make it the default in the catalog"

    def current(self) -> Plane:
        """The plane; raises NotReady with what is missing."""
        if self._plane is None:
            raise NotReady(f"not ready: {self.problem}")
        return self._plane

    @property
    def is_open(self) -> bool:
        return self._plane is not None

    def gauge(self, name: str) -> float:
        """One of PLANE_GAUGES; 0 while there is no plane."""
        return 0.0 if self._plane is None else self._plane.gauges()[name]

    def follow(self, snapshot: CatalogSnapshot) -> None:
        """A new snapshot: open the plane if this names its backbone, else tell the plane what is served.
        Does nothing once it is being closed."""
        if self._is_closing:
            return
        self._snapshot = snapshot
        wanted = self._configured or snapshot.backbone
        if self._plane is not None:
            self._serve(self._plane, snapshot)
            if wanted is not None and wanted != self._plane.backbone:
                log.warning("backbone_changed", note="restart the service to serve the new default backbone")
        elif wanted is not None and self._opening is None:
            self._opening = asyncio.create_task(self._open(wanted))

    async def close(self, *, within_s: float) -> None:
        """Answer what was accepted, then free everything. A forward, or a disk, that hangs is left behind."""
        self._is_closing = True
        try:
            async with asyncio.timeout(within_s):
                if self._opening is not None:
                    await asyncio.gather(self._opening, return_exceptions=True)
                if self._plane is not None:
                    await asyncio.to_thread(self._plane.close)
        except TimeoutError:
            self.is_stuck = True
            log.error(
                "plane_not_closed", waited_s=within_s, open_requests=int(self.gauge("hmi_open_requests"))
            )

    async def _open(self, ref: BundleRef) -> None:
        self.problem = f"opening backbone {ref.digest}"
        try:
            plane = await asyncio.to_thread(self._open_plane, ref)
        except HmiError as error:
            self.problem = f"backbone {ref.digest}: {error.told}"
            log.error("backbone_not_opened", digest=ref.digest, code=error.code.value, message=error.message)
        except Exception:  # a bug in opening must be seen in /readyz, and tried again like any failure
            self.problem = f"backbone {ref.digest} could not be opened; the operator's log says why"
            log.exception("backbone_not_opened", digest=ref.digest)
        else:
            plane.start()
            self._plane, self.problem = plane, ""
            log.info("backbone_opened", digest=ref.digest)
            if self._snapshot is not None:
                self._serve(plane, self._snapshot)
        finally:
            self._opening = None

    def _serve(self, plane: Plane, snapshot: CatalogSnapshot) -> None:
        plane.follow(snapshot.served)
        num_floors = 0 if plane.has_lower_layers else snapshot.num_floors()
        problem = (
            f"tasks with a coverage floor: {num_floors}, and no lower layers are loaded: their texts are"
            " looked up all the same; set HMI_LOWER_LAYERS=true and start the service again"
            if num_floors
            else ""
        )
        if problem and problem != self.exact_path_problem:
            log.error("no_exact_path", message=problem)
        self.exact_path_problem = problem


class KnownFields:
    """Fields of adapters by digest within ``max_bytes``, the least recently used forgotten first."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._fields: OrderedDict[BundleRef, AdapterFields] = OrderedDict()
        self.num_bytes = 0

    def get(self, ref: BundleRef) -> AdapterFields | None:
        fields = self._fields.get(ref)
        if fields is not None:
            self._fields.move_to_end(ref)
        return fields

    def put(self, ref: BundleRef, fields: AdapterFields) -> None:
        if ref in self._fields:
            return
        self._fields[ref] = fields
        self.num_bytes += known_bytes(fields)
        while self.num_bytes > self._max_bytes:
            _, forgotten = self._fields.popitem(last=False)
            self.num_bytes -= known_bytes(forgotten)


def known_bytes(fields: AdapterFields) -> int:
    """At most, of what is remembered of one adapter. (A test compares it with what Python allocates.)"""
    numbers = fields.label_set_thresholds + fields.thresholds + fields.value_bounds
    labels = sum(LABEL_BYTES + 4 * len(label) for label in fields.labels)
    return KNOWN_BYTES + labels + 48 * len(numbers) + 160 * len(fields.metrics)
