"""`serve`: joins all parts of the inference service and runs it until it is told to end."""

import argparse
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import FrameType

import structlog
import torch
import uvicorn
from starlette.applications import Starlette

from hmi.artifacts.store import Store, open_store
from hmi.base.clock import Clock, SystemClock
from hmi.base.errors import BudgetExceeded, InvalidInput
from hmi.cli.main import EXIT_OK
from hmi.engine.batch import BatchRecord
from hmi.engine.batch_limits import BatchLimits
from hmi.engine.config import EngineConfig
from hmi.engine.device_plan import DeviceNeeds, DevicePlan, plan_device
from hmi.engine.engine import Engine
from hmi.engine.inbox import Inbox
from hmi.engine.placement import HplmPlacement, TreePath
from hmi.engine.runner import ModelRunner, Retrieved
from hmi.memory.budget import Budget
from hmi.memory.eviction import LeastRecentlyUsed
from hmi.memory.loader import Loader
from hmi.memory.residency import Residency
from hmi.memory.room import ByteRoom, SlotRoom
from hmi.memory.slots import SlotPool
from hmi.memory.tier import MemoryTier
from hmi.model.adapter_bundle import Hplm
from hmi.model.backbone import Backbone
from hmi.model.hplm_bank import HplmBank, hplm_slot_bytes
from hmi.plot.lookup import PlotArena
from hmi.plot.table import PlotTable
from hmi.service.access import Access
from hmi.service.app import ServiceParts, make_app
from hmi.service.catalog_reader import CatalogReader, CatalogReaderConfig
from hmi.service.catalog_source import CatalogSource, PostgresCatalogSource
from hmi.service.health import Health
from hmi.service.live_plane import LivePlane
from hmi.service.logs import set_up_logs
from hmi.service.metrics import ServiceMetrics
from hmi.service.plane import PLANE_GAUGES, PlaneHolder
from hmi.service.routes import Routes
from hmi.service.settings import ServiceSettings, read_settings
from hmi.service.sources import AdapterSource, TableSource, TreeSource
from hmi.service.usage_spool import UsageSpool
from hmi.service.usage_writer import PostgresUsageSink, UsageSink, UsageWriter
from wire.artifacts import BackboneFields, BundleRef
from wire.ids import BundleUri, Digest

MAX_LABELS = 1000  # as many as a dataset may have
ADAPTER_LOADERS = 2
ROOM_TIMEOUT_S = 20.0
TOKENIZER_THREADS = 2
DRAIN_S = 25
HOST_SHARES = {"adapters": 0.70, "plot tables": 0.29, "plot trees": 0.01}

log = structlog.get_logger(__name__)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    subparsers.add_parser("serve", help="run the inference service; its settings are HMI_* variables")


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT; then answer what was accepted and return 0."""
    try:
        settings = read_settings(os.environ)
        set_up_logs(level=settings.log_level, log_format=settings.log_format)
    except ValueError as exc:
        raise InvalidInput(f"the settings are wrong: {exc}") from exc
    log.info("settings", **settings.shown())
    torch.set_num_threads(settings.threads)
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
    """uvicorn, telling /readyz first when it is asked to end."""

    def __init__(self, config: uvicorn.Config, health: Health) -> None:
        super().__init__(config)
        self._health = health

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._health.is_draining = True
        super().handle_exit(sig, frame)


def _ended_well(number: int, frame: FrameType | None) -> None:
    log.info("ended", signal=signal.Signals(number).name)


@dataclass(frozen=True, slots=True)
class Service:
    """The application, and what is asked about its health."""

    app: Starlette
    health: Health


def make_service(
    settings: ServiceSettings,
    *,
    source: CatalogSource,
    sink: UsageSink,
    clock: Clock,
    reader_config: CatalogReaderConfig,
) -> Service:
    """Join the parts; nothing runs before the application's lifespan begins."""
    metrics = ServiceMetrics()
    store = open_store(settings.store_url, settings.cache_dir / "bundles")
    planes = PlaneHolder(
        lambda ref: open_plane(ref, settings, store, on_batch=metrics.observe_batch),
        configured=_configured_backbone(settings),
    )
    reader = CatalogReader(source, reader_config, clock=clock, on_snapshot=planes.follow)
    spool = UsageSpool(settings.cache_dir / "usage", max_bytes=settings.disk_bytes)
    writer = UsageWriter(spool, sink, flush_s=settings.usage_flush_s)
    health = Health(reader, planes)
    metrics.watch("hmi_catalog_age_seconds", "Age of the catalog's snapshot", reader.age_s)
    metrics.watch("hmi_usage_spool_bytes", "Usage events not yet in the catalog", lambda: spool.num_bytes)
    metrics.watch("hmi_usage_lost", "Usage events lost because the spool was full", lambda: spool.num_lost)
    for name, help_text in PLANE_GAUGES.items():
        metrics.watch(name, help_text, partial(planes.gauge, name))
    routes = Routes(
        settings=settings,
        clock=clock,
        access=Access(reader, clock),
        planes=planes,
        spool=spool,
        metrics=metrics,
        health=health,
    )
    app = make_app(routes, ServiceParts(reader, planes, writer, spool), metrics=metrics, clock=clock)
    return Service(app, health)


def _server(settings: ServiceSettings) -> DrainingServer:
    service = make_service(
        settings,
        source=PostgresCatalogSource(settings.catalog_url.get_secret_value()),
        sink=PostgresUsageSink(settings.usage_url.get_secret_value()),
        clock=SystemClock(),
        reader_config=CatalogReaderConfig(
            poll_s=settings.catalog_poll_s, staleness_s=settings.key_staleness_s
        ),
    )
    config = uvicorn.Config(
        service.app,
        host=settings.service_host,
        port=settings.service_port,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_S,
    )
    return DrainingServer(config, service.health)


def _configured_backbone(settings: ServiceSettings) -> BundleRef | None:
    if settings.backbone_uri is None or settings.backbone_digest is None:
        return None
    return BundleRef(BundleUri(settings.backbone_uri), Digest(settings.backbone_digest))


def open_plane(
    ref: BundleRef, settings: ServiceSettings, store: Store, *, on_batch: Callable[[BatchRecord], None]
) -> LivePlane:
    """Reserve, allocate and join everything that serves one backbone, not yet started.

    Raises HmiError with what is wrong.
    """
    backbone = Backbone.open(
        store.localize(ref.uri, ref.digest), settings.device, digest=ref.digest, with_lower=False
    )
    limits = BatchLimits(
        max_rows=settings.max_batch_rows,
        max_tokens=max(settings.max_batch_tokens, backbone.fields.max_positions),
        max_adapters=settings.max_batch_adapters,
        max_cold_adapters=max(1, settings.max_batch_adapters // 4),
    )
    device = Budget(MemoryTier.DEVICE, settings.device_bytes)
    plan = _reserve_device(device, backbone, settings, limits)
    host = Budget(MemoryTier.HOST, settings.host_bytes)
    slot_bytes = _slot_bytes(backbone.fields, settings)
    bank = HplmBank(
        backbone.fields,
        num_slots=plan.num_slots,
        max_rank=settings.max_adapter_rank,
        max_labels=MAX_LABELS,
        device=settings.device,
    )
    if bank.num_bytes > plan.adapter_bytes:
        raise BudgetExceeded(
            f"the adapter bank took {bank.num_bytes:_} bytes instead of {plan.adapter_bytes:_}",
            needed_bytes=bank.num_bytes,
            free_bytes=plan.adapter_bytes,
        )
    plot = PlotArena(plan.plot_bytes, backbone.fields.hidden)
    log.info(
        "device_planned",
        num_slots=plan.num_slots,
        slot_bytes=slot_bytes,
        **{kind.replace(" ", "_") + "_bytes": size for kind, size in device.used_by_kind().items()},
    )
    inbox = Inbox()
    adapters: Loader[BundleRef, Hplm] = Loader(
        AdapterSource(store, backbone=ref.digest, fields=backbone.fields),
        Residency(_host_room(host, "adapters"), LeastRecentlyUsed()),
        num_threads=ADAPTER_LOADERS,
        room_timeout_s=ROOM_TIMEOUT_S,
        name="adapters",
    )
    trees: Loader[BundleRef, TreePath] = Loader(
        TreeSource(store, backbone=ref.digest),
        Residency(_host_room(host, "plot trees"), LeastRecentlyUsed()),
        num_threads=1,
        room_timeout_s=ROOM_TIMEOUT_S,
        name="trees",
    )
    tables: Loader[BundleRef, PlotTable] = Loader(
        TableSource(store, backbone=ref.digest),
        Residency(_host_room(host, "plot tables"), LeastRecentlyUsed()),
        num_threads=1,
        room_timeout_s=ROOM_TIMEOUT_S,
        name="tables",
    )
    placement = HplmPlacement(
        adapter_loader=adapters,
        tree_loader=trees,
        table_loader=tables,
        slots=Residency(
            SlotRoom(SlotPool(plan.num_slots)),
            LeastRecentlyUsed(),
            on_evict=lambda key, slot, adapter: bank.wipe(slot),
        ),
        adapter_arena=bank,
        nodes=Residency(
            ByteRoom(
                Budget(MemoryTier.DEVICE, plot.capacity_bytes),
                kind="plot nodes",
                max_bytes=plot.capacity_bytes,
            ),
            LeastRecentlyUsed(),
            on_evict=lambda key, reservation, node: plot.remove(node.number),
        ),
        node_arena=plot,
        inbox=inbox,
    )
    runner = ModelRunner(backbone=backbone, plot=plot, bank=bank)
    runner.warm_up()
    engine: Engine[Retrieved] = Engine(
        EngineConfig(limits=limits, max_requests=settings.max_queue_requests),
        placement=placement,
        runner=runner,
        inbox=inbox,
        clock=SystemClock(),
        on_batch=on_batch,
    )
    return LivePlane(
        backbone=ref,
        tokenizer=backbone.tokenizer,
        max_tokens=backbone.fields.max_positions,
        engine=engine,
        placement=placement,
        adapters=adapters,
        trees=trees,
        tables=tables,
        budgets=(device, host),
        tokenizer_threads=TOKENIZER_THREADS,
    )


def _reserve_device(
    device: Budget, backbone: Backbone, settings: ServiceSettings, limits: BatchLimits
) -> DevicePlan:
    slot_bytes = _slot_bytes(backbone.fields, settings)
    needs = DeviceNeeds(
        backbone_bytes=backbone.num_bytes,
        workspace_bytes=_workspace_bytes(backbone.fields, limits),
        slot_bytes=slot_bytes,
        spare_bytes=slot_bytes,  # the banks' empty units
        min_slots=settings.max_batch_adapters,
        min_plot_bytes=backbone.fields.vocab_size * (backbone.fields.hidden + 32),  # a row for every token id
    )
    plan = plan_device(needs, device.max_bytes)
    device.reserve("backbone", needs.backbone_bytes)
    device.reserve("workspace", needs.workspace_bytes)
    device.reserve("adapter slots", plan.adapter_bytes)
    device.reserve("plot nodes", plan.plot_bytes)
    return plan


def _slot_bytes(fields: BackboneFields, settings: ServiceSettings) -> int:
    return hplm_slot_bytes(fields, max_rank=settings.max_adapter_rank, max_labels=MAX_LABELS)


def _workspace_bytes(fields: BackboneFields, limits: BatchLimits) -> int:
    """Activations of the largest batch: a handful of [tokens, hidden] and two of [tokens, intermediate], and
    the attention scores of its longest documents."""
    per_token = 4 * (10 * fields.hidden + 2 * fields.intermediate + fields.num_heads * fields.max_positions)
    return limits.max_tokens * per_token


def _host_room(host: Budget, kind: str) -> ByteRoom:
    return ByteRoom(host, kind=kind, max_bytes=int(host.max_bytes * HOST_SHARES[kind]))
