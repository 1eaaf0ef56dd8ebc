"""`serve`: joins all parts of the inference service and runs it until it is told to end."""

import argparse
import asyncio
import os
import signal
import socket
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType

import structlog
import torch
import uvicorn
from starlette.types import ASGIApp

from hmi.artifacts.store import open_store
from hmi.base.clock import Clock, SystemClock
from hmi.base.errors import InvalidInput
from hmi.base.heap import settle_heap
from hmi.cli.main import EXIT_FAILURE, EXIT_OK
from hmi.cli.open_plane import host_share, max_packed_bytes, open_plane
from hmi.memory.budget import Budget
from hmi.memory.tier import MemoryTier
from hmi.model.tokenizer import tokenise_on_the_calling_thread
from hmi.service.access import Access
from hmi.service.answering import Answering
from hmi.service.app import ServiceParts, make_app
from hmi.service.catalog_reader import CatalogReader, CatalogReaderConfig
from hmi.service.catalog_room import CATALOG, CatalogRoom
from hmi.service.catalog_source import CatalogSource, PostgresCatalogSource
from hmi.service.event_spool import EventSpool, EventT
from hmi.service.event_writer import EventSink, EventWriter, PostgresEventSink
from hmi.service.health import Health
from hmi.service.http_protocol import JoiningProtocol
from hmi.service.joint_events import JointEvents
from hmi.service.limits import Limits
from hmi.service.logs import set_up_logs
from hmi.service.metrics import ServiceMetrics
from hmi.service.plane import PLANE_GAUGES, PlaneHolder
from hmi.service.predict import Predict
from hmi.service.request_room import REQUESTS, RequestRoom
from hmi.service.routes import Routes
from hmi.service.settings import ServiceSettings, read_settings
from hmi.service.snapshot import CatalogSnapshot
from wire.artifacts import BundleRef
from wire.catalog import COMPARISON_TABLE, USAGE_TABLE
from wire.ids import BundleUri, Digest
from wire.usage import ComparisonEvent, UsageEvent

DRAIN_S = 25
USAGE_SHARE, COMPARISONS_SHARE = 0.25, 0.125
"""Of the disk tier, for usage and for comparisons of versions that wait to be sent; copies of remote bundles
have the rest."""

log = structlog.get_logger(__name__)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    subparsers.add_parser("serve", help="run the inference service; its settings are HMI_* variables")


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT; then answer what was accepted and return 0.

    Where something hangs, the process ends with status 1 when its time is over (DrainingServer).
    """
    try:
        settings = read_settings(os.environ)
        set_up_logs(level=settings.log_level, log_format=settings.log_format)
    except ValueError as exc:
        raise InvalidInput(f"the settings are wrong: {exc}") from exc
    log.info("settings", **settings.shown())
    torch.set_num_threads(settings.forward_threads)
    tokenise_on_the_calling_thread()
    server = _server(settings)
    # uvicorn raises the signal again when it has ended; a drained service ends well.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _ended_well)
    server.run()
    if not server.started:
        print("hmi serve: the service could not start; the log above says why", file=sys.stderr)
        return 1
    return EXIT_OK


class DrainingServer(uvicorn.Server):
    """uvicorn, settling the heap once all is made, and telling /readyz first when it is asked to end.

    It ends within DRAIN_S, the application's CLOSE_S and a last flush of each kind of event.
    """

    def __init__(self, config: uvicorn.Config, health: Health) -> None:
        super().__init__(config)
        self._health = health

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        settle_heap()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        if self._health.is_stuck:
            log.error(
                "ended_by_force", status=EXIT_FAILURE, message="something hangs; what was counted is kept"
            )
            await asyncio.sleep(0)  # the loop writes its log
            os._exit(EXIT_FAILURE)  # whatever else ends a process waits for its threads

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._health.is_draining = True
        super().handle_exit(sig, frame)


def _ended_well(number: int, frame: FrameType | None) -> None:
    log.info("ended", signal=signal.Signals(number).name)


@dataclass(frozen=True, slots=True)
class EventSinks:
    """Where what the service counts goes."""

    usage: EventSink[UsageEvent]
    comparisons: EventSink[ComparisonEvent]


@dataclass(frozen=True, slots=True)
class Service:
    """The application, and what is asked about its health."""

    app: ASGIApp
    health: Health


def make_service(
    settings: ServiceSettings,
    *,
    source: CatalogSource,
    sinks: EventSinks,
    clock: Clock,
    reader_config: CatalogReaderConfig,
) -> Service:
    """Join the parts; nothing runs before the application's lifespan begins."""
    metrics = ServiceMetrics()
    disk, cache_dir = Budget(MemoryTier.DISK, settings.disk_bytes), settings.cache_dir
    usage = _spool(cache_dir / "usage", UsageEvent, disk, kind="usage spool", share=USAGE_SHARE)
    comparisons = _spool(
        cache_dir / "comparisons", ComparisonEvent, disk, kind="comparison spool", share=COMPARISONS_SHARE
    )
    disk.reserve("packed adapters", max_packed_bytes(disk.max_bytes))
    store = open_store(settings.store_url, cache_dir / "bundles", disk)
    host = Budget(MemoryTier.HOST, settings.host_bytes)
    planes = PlaneHolder(
        lambda ref: open_plane(ref, settings, store, disk=disk, host=host, on_batch=metrics.observe_batch),
        configured=_configured_backbone(settings),
    )
    limits = Limits(clock)

    def follow(snapshot: CatalogSnapshot) -> None:
        limits.follow(snapshot)
        planes.follow(snapshot)

    catalog_room = CatalogRoom(host, max_bytes=host_share(host, CATALOG))
    reader = CatalogReader(source, reader_config, clock=clock, on_snapshot=follow, room=catalog_room)
    for left in usage.seal():  # what an earlier process counted and could not send
        for event in usage.read(left):
            limits.count(event)
    answering = Answering(clock=clock, comparisons=comparisons)
    flush_s = settings.usage_flush_s
    writers = (
        EventWriter(usage, sinks.usage, flush_s=flush_s, on_sent=limits.note_gone),
        EventWriter(comparisons, sinks.comparisons, flush_s=flush_s, on_sent=lambda events: None),
    )
    health = Health(reader, planes)
    room = RequestRoom(host, max_bytes=host_share(host, REQUESTS))
    if room.max_body_bytes < settings.max_body_bytes:
        log.warning("bodies_limited_by_memory", max_body_bytes=room.max_body_bytes, setting="HMI_HOST_BYTES")
    _watch(metrics, reader, planes, usage, room)
    access = Access(reader, clock)
    predict = Predict(
        settings=settings,
        clock=clock,
        access=access,
        planes=planes,
        answering=answering,
        usage=JointEvents(usage, on_lost=limits.note_gone),
        limits=limits,
        room=room,
    )
    routes = Routes(predict=predict, access=access, planes=planes, metrics=metrics, health=health)
    parts = ServiceParts(reader, planes, answering, writers)
    app = make_app(routes, parts, metrics=metrics, clock=clock)
    return Service(app, health)


def server_config(app: ASGIApp, *, host: str, port: int) -> uvicorn.Config:
    """How uvicorn serves the application."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        log_config=None,
        http=JoiningProtocol,
        server_header=False,
        proxy_headers=False,  # nobody asks where a request comes from
        timeout_graceful_shutdown=DRAIN_S,
    )


def _server(settings: ServiceSettings) -> DrainingServer:
    usage_url = settings.usage_url.get_secret_value()
    service = make_service(
        settings,
        source=PostgresCatalogSource(settings.catalog_url.get_secret_value()),
        sinks=EventSinks(
            usage=PostgresEventSink(usage_url, USAGE_TABLE, UsageEvent),
            comparisons=PostgresEventSink(usage_url, COMPARISON_TABLE, ComparisonEvent),
        ),
        clock=SystemClock(),
        reader_config=CatalogReaderConfig(
            poll_s=settings.catalog_poll_s, staleness_s=settings.key_staleness_s
        ),
    )
    config = server_config(service.app, host=settings.service_host, port=settings.service_port)
    return DrainingServer(config, service.health)


def _spool(folder: Path, event: type[EventT], disk: Budget, *, kind: str, share: float) -> EventSpool[EventT]:
    """In ``folder``, with ``share`` of the disk tier reserved for it as ``kind``."""
    reserved = disk.reserve(kind, int(disk.max_bytes * share))
    return EventSpool(folder, event, max_bytes=reserved.num_bytes)


def _watch(
    metrics: ServiceMetrics,
    reader: CatalogReader,
    planes: PlaneHolder,
    usage: EventSpool[UsageEvent],
    room: RequestRoom,
) -> None:
    """What is read off each time that somebody asks."""
    metrics.watch("hmi_catalog_age_seconds", "Age of the catalog's snapshot", reader.age_s)
    metrics.watch("hmi_usage_spool_bytes", "Usage events not yet in the catalog", lambda: usage.num_bytes)
    metrics.watch("hmi_usage_lost", "Usage events lost because the spool was full", lambda: usage.num_lost)
    metrics.watch("hmi_open_request_bytes", "What open requests take at most", lambda: room.used_bytes)
    for name, help_text in PLANE_GAUGES.items():
        metrics.watch(name, help_text, partial(planes.gauge, name))


def _configured_backbone(settings: ServiceSettings) -> BundleRef | None:
    if settings.backbone_uri is None or settings.backbone_digest is None:
        return None
    return BundleRef(BundleUri(settings.backbone_uri), Digest(settings.backbone_digest))
