"""Opens the plane of one backbone: divides the tiers, and joins what serves."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch

from hmi.artifacts.packed_copies import PackedCopies
from hmi.artifacts.store import Store
from hmi.base.allocator import keep_freed_memory
from hmi.base.clock import SystemClock
from hmi.base.own_thread import use_cores, use_one_core
from hmi.base.units import MIB
from hmi.cli.open_device import HOST_SHARES, FilledDevice, open_device
from hmi.engine.batch import BatchRecord
from hmi.engine.config import EngineConfig
from hmi.engine.engine import Engine
from hmi.engine.inbox import Inbox
from hmi.engine.placement import KNOWN_TREE_BYTES, HplmPlacement, TreePath
from hmi.engine.runner import ModelRunner, Retrieved
from hmi.engine.stages import ComputeStage, ComputeThreads
from hmi.memory.budget import Budget
from hmi.memory.eviction import (
    COPY_LOAD_BYTES,
    DISK_LOAD_BYTES,
    EvictionPolicy,
    LeastRecentlyUsed,
    LeastWorth,
)
from hmi.memory.loader import NUM_ADAPTER_LOADERS, Loader, Source
from hmi.memory.residency import Residency
from hmi.memory.room import ByteRoom, SlotRoom
from hmi.memory.slots import SlotPool
from hmi.memory.tier import MemoryTier
from hmi.model.hplm_bank import HplmBank, PackedHplm
from hmi.model.packed_file import packed_form
from hmi.plot.table import PlotTable
from hmi.service.live_plane import LivePlane
from hmi.service.settings import ServiceSettings
from hmi.service.sources import Sources, store_sources
from wire.artifacts import BackboneFields, BundleRef
from wire.ids import Digest

NUM_TABLE_LOADERS = 2
NUM_TREE_LOADERS = 2
MAX_PINNED_SHARE = 0.5
"""Of the PLOT nodes on the device: roots, which every path needs."""
MAX_COPIED_BYTES = 2 * MIB
"""Of a PLOT node that the engine thread copies itself: under a millisecond, in which no batch begins."""
ROOM_TIMEOUT_S = 20.0
TOKENIZER_THREADS = 2
PACKED_SHARE = 0.4
"""Of the disk tier: adapters as the device takes them."""
PACKED_FOLDER = "packed"

V = TypeVar("V")
MakeSources = Callable[[Store, Digest, BackboneFields, HplmBank, PackedCopies], Sources]


def open_plane(
    ref: BundleRef,
    settings: ServiceSettings,
    store: Store,
    *,
    on_batch: Callable[[BatchRecord], None],
    disk: Budget | None = None,
    host: Budget | None = None,
    make_sources: MakeSources = store_sources,
    make_stage: Callable[[Inbox], ComputeStage] | None = None,
) -> LivePlane:
    """Reserve, allocate and join everything that serves one backbone, not yet started.

    Raises HmiError with what is wrong; what does not fit is refused before anything is allocated. The process
    keeps from now on what it frees.
    """
    keep_freed_memory()
    device = open_device(ref, settings, store)
    host = host or Budget(MemoryTier.HOST, settings.host_bytes)
    known = [host.reserve(kind, host_share(host, kind)) for kind in ("known adapters", "known trees")]
    copies = packed_copies(settings.cache_dir, settings.disk_bytes, backbone=ref.digest, dtype=device.dtype)
    loaders = _loaders(make_sources(store, ref.digest, device.fields, device.bank, copies), host)
    inbox = Inbox()
    placement = _placement(
        device, loaders, inbox, max_known_trees=max(1, known[1].num_bytes // KNOWN_TREE_BYTES)
    )
    runner = _warm_runner(device, settings.forward_threads)
    stage = _threads(inbox, settings) if make_stage is None else make_stage(inbox)
    engine: Engine[Retrieved] = Engine(
        EngineConfig(limits=device.limits, max_requests=settings.max_queue_requests),
        placement=placement,
        runner=runner,
        inbox=inbox,
        clock=SystemClock(),
        stage=stage,
        on_batch=on_batch,
    )
    return LivePlane(
        backbone=ref,
        has_lower_layers=device.lower is not None,
        tokenizer=device.backbone.tokenizer,
        max_tokens=device.fields.max_positions,
        engine=engine,
        placement=placement,
        adapters=loaders.adapters,
        store=store,
        packed=copies,
        trees=loaders.trees,
        tables=loaders.tables,
        budgets=(device.budget, host) if disk is None else (device.budget, host, disk),
        tokenizer_threads=TOKENIZER_THREADS,
        max_known_bytes=known[0].num_bytes,
    )


def host_share(host: Budget, kind: str) -> int:
    """What ``kind`` may take of the host tier."""
    return int(host.max_bytes * HOST_SHARES[kind])


def packed_copies(cache_dir: Path, disk_bytes: int, *, backbone: Digest, dtype: torch.dtype) -> PackedCopies:
    """Packed adapters of a disk tier, whose owner reserves max_packed_bytes for them."""
    return PackedCopies(
        cache_dir / PACKED_FOLDER, packed_form(backbone, dtype), max_bytes=max_packed_bytes(disk_bytes)
    )


def max_packed_bytes(disk_bytes: int) -> int:
    """Of a disk tier of ``disk_bytes``, for packed adapters."""
    return int(disk_bytes * PACKED_SHARE)


@dataclass(frozen=True, slots=True)
class _Loaders:
    """Between the disk and the host tier."""

    adapters: Loader[BundleRef, PackedHplm]
    trees: Loader[BundleRef, TreePath]
    tables: Loader[BundleRef, PlotTable]


def _loaders(sources: Sources, host: Budget) -> _Loaders:
    return _Loaders(
        adapters=_loader(
            sources.adapters, host, "adapters", LeastWorth(load_bytes=DISK_LOAD_BYTES), NUM_ADAPTER_LOADERS
        ),
        trees=_loader(sources.trees, host, "plot trees", LeastRecentlyUsed(), NUM_TREE_LOADERS),
        tables=_loader(
            sources.tables, host, "plot tables", LeastWorth(load_bytes=DISK_LOAD_BYTES), NUM_TABLE_LOADERS
        ),
    )


def _loader(
    source: Source[BundleRef, V],
    host: Budget,
    kind: str,
    eviction: EvictionPolicy[BundleRef],
    num_threads: int,
) -> Loader[BundleRef, V]:
    room = ByteRoom(host, kind=kind, max_bytes=host_share(host, kind))
    return Loader(
        source,
        Residency(room, eviction),
        num_threads=num_threads,
        room_timeout_s=ROOM_TIMEOUT_S,
        name=kind.removeprefix("plot "),
        prepare_thread=use_one_core,
    )


def _placement(
    device: FilledDevice, loaders: _Loaders, inbox: Inbox, *, max_known_trees: int
) -> HplmPlacement[PackedHplm, PlotTable]:
    bank, plot = device.bank, device.plot
    return HplmPlacement(
        adapter_loader=loaders.adapters,
        tree_loader=loaders.trees,
        table_loader=loaders.tables,
        slots=Residency(
            SlotRoom(SlotPool(device.plan.num_slots)),
            LeastWorth(load_bytes=COPY_LOAD_BYTES),
            on_evict=lambda key, slot, adapter: bank.wipe(slot),
        ),
        adapter_arena=bank,
        nodes=Residency(
            ByteRoom(
                Budget(MemoryTier.DEVICE, plot.capacity_bytes),
                kind="plot nodes",
                max_bytes=plot.capacity_bytes,
            ),
            LeastWorth(load_bytes=COPY_LOAD_BYTES),
            on_evict=lambda key, reservation, node: plot.remove(node.number),
            max_pinned_bytes=int(plot.capacity_bytes * MAX_PINNED_SHARE),
        ),
        node_arena=plot,
        inbox=inbox,
        max_known_trees=max_known_trees,
        max_copied_bytes=MAX_COPIED_BYTES,
    )


def _warm_runner(device: FilledDevice, forward_threads: int) -> ModelRunner:
    """One that has computed already, on as many cores as each forward gets."""
    backbone = device.backbone
    runner = ModelRunner(
        residuals=backbone.residuals,
        lower=device.lower,
        exact_token_cost=backbone.exact_token_cost,
        plot=device.plot,
        upper=device.upper,
        bank=device.bank,
        last_id=backbone.tokenizer.last_id,
        copies=device.copies,
    )
    use_forward_threads = partial(use_cores, forward_threads)
    with ThreadPoolExecutor(1, initializer=use_forward_threads) as thread:  # as those that will compute
        thread.submit(runner.warm_up, device.limits.max_tokens).result()
    return runner


def _threads(inbox: Inbox, settings: ServiceSettings) -> ComputeThreads:
    return ComputeThreads(inbox, num_threads=settings.num_forwards, cores_each=settings.forward_threads)
