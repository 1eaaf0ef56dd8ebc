"""Opens the plane of one backbone: divides the tiers, reserves, allocates, and joins what serves."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import structlog
import torch

from hmi.artifacts.packed_copies import PackedCopies
from hmi.artifacts.store import Store
from hmi.base.allocator import keep_freed_memory
from hmi.base.clock import SystemClock
from hmi.base.errors import BudgetExceeded
from hmi.base.own_thread import use_cores, use_one_core
from hmi.engine.batch import BatchRecord
from hmi.engine.batch_limits import BatchLimits
from hmi.engine.config import EngineConfig
from hmi.engine.device_plan import DeviceNeeds, DevicePlan, plan_device
from hmi.engine.engine import Engine
from hmi.engine.inbox import Inbox
from hmi.engine.placement import HplmPlacement, TreePath
from hmi.engine.runner import ModelRunner, Retrieved
from hmi.engine.stages import ComputeStage, ComputeThreads
from hmi.memory.budget import Budget
from hmi.memory.eviction import COPY_LOAD_BYTES, DISK_LOAD_BYTES, LeastRecentlyUsed, LeastWorth
from hmi.memory.loader import NUM_ADAPTER_LOADERS, Loader
from hmi.memory.residency import Residency
from hmi.memory.room import ByteRoom, SlotRoom
from hmi.memory.slots import SlotPool
from hmi.memory.tier import MemoryTier
from hmi.model.adapter_units import adapter_unit_bytes, adapter_units
from hmi.model.backbone import Backbone, measure_backbone
from hmi.model.compute_type import compute_dtype
from hmi.model.device_copies import device_copies
from hmi.model.heads import head_unit_bytes, head_units
from hmi.model.hplm_bank import HplmBank, PackedHplm
from hmi.model.packed_file import packed_form
from hmi.model.serving_layers import ServingLayers, ServingLower
from hmi.plot.lookup import PlotArena
from hmi.plot.table import PlotTable
from hmi.service.live_plane import LivePlane
from hmi.service.settings import ServiceSettings
from hmi.service.sources import Sources, store_sources
from wire.artifacts import BackboneFields, BundleRef
from wire.ids import Digest

MAX_LABELS = 1000  # as many as a dataset may have
NUM_TABLE_LOADERS = 2
NUM_TREE_LOADERS = 2
MAX_PINNED_SHARE = 0.5
"""Of the PLOT nodes on the device: roots, which every path needs."""
ROOM_TIMEOUT_S = 20.0
TOKENIZER_THREADS = 2
HOST_SHARES = {"adapters": 0.70, "plot tables": 0.29, "plot trees": 0.01}
PACKED_SHARE = 0.4
"""Of the disk tier: adapters as the device takes them."""
PACKED_FOLDER = "packed"

MakeSources = Callable[[Store, Digest, BackboneFields, HplmBank, PackedCopies], Sources]

log = structlog.get_logger(__name__)


def open_plane(
    ref: BundleRef,
    settings: ServiceSettings,
    store: Store,
    *,
    on_batch: Callable[[BatchRecord], None],
    disk: Budget | None = None,
    make_sources: MakeSources = store_sources,
    make_stage: Callable[[Inbox], ComputeStage] | None = None,
) -> LivePlane:
    """Reserve, allocate and join everything that serves one backbone, not yet started.

    Raises HmiError with what is wrong; what does not fit is refused before anything is allocated. The process
    keeps from now on what it frees.
    """
    keep_freed_memory()
    folder = store.localize(ref.uri, ref.digest)
    dtype = compute_dtype(settings.compute_type, settings.device)
    fields, backbone_bytes = measure_backbone(folder, dtype, with_lower=settings.lower_layers)
    limits = BatchLimits(
        max_rows=settings.max_batch_rows,
        max_tokens=max(settings.max_batch_tokens, fields.max_positions),
        max_adapters=settings.max_batch_adapters,
        max_cold_adapters=settings.max_batch_adapters,  # the thrash guard finds how many are too many
    )
    device = Budget(MemoryTier.DEVICE, settings.device_bytes)
    plan = _reserve_device(device, fields, backbone_bytes, settings, limits, dtype)
    backbone = Backbone.open(folder, settings.device, digest=ref.digest, with_lower=settings.lower_layers)
    upper = ServingLayers(backbone.upper, dtype=dtype)
    lower = None if backbone.lower is None else ServingLower(backbone.lower, dtype=dtype)
    copies_to_device = device_copies(settings.device, num_forwards=settings.num_forwards)
    bank = HplmBank(
        fields,
        num_adapter_units=plan.num_adapter_units,
        num_head_units=plan.num_head_units,
        max_rank=settings.max_adapter_rank,
        max_labels=MAX_LABELS,
        device=settings.device,
        dtype=dtype,
        copies=copies_to_device,
    )
    shared_bytes = backbone.residuals.num_bytes + sum(part.num_bytes for part in (lower, upper) if part)
    plot = PlotArena(plan.plot_bytes, fields.hidden)
    for kind, planned_bytes, num_bytes in (
        ("backbone", backbone_bytes, shared_bytes),
        ("adapters", plan.adapter_bytes, bank.adapters.num_bytes),
        ("heads", plan.head_bytes, bank.heads.num_bytes),
        ("plot nodes", plan.plot_bytes, plot.capacity_bytes),
    ):
        if num_bytes > planned_bytes:
            raise BudgetExceeded(
                f"{kind} took {num_bytes:_} bytes instead of {planned_bytes:_}",
                needed_bytes=num_bytes,
                free_bytes=planned_bytes,
            )
    log.info(
        "device_planned",
        num_slots=plan.num_slots,
        compute_type=str(dtype).removeprefix("torch."),
        **{kind.replace(" ", "_") + "_bytes": size for kind, size in device.used_by_kind().items()},
    )
    host = Budget(MemoryTier.HOST, settings.host_bytes)
    copies = packed_copies(settings.cache_dir, settings.disk_bytes, backbone=ref.digest, dtype=dtype)
    sources = make_sources(store, ref.digest, fields, bank, copies)
    inbox = Inbox()
    adapters: Loader[BundleRef, PackedHplm] = Loader(
        sources.adapters,
        Residency(_host_room(host, "adapters"), LeastWorth(load_bytes=DISK_LOAD_BYTES)),
        num_threads=NUM_ADAPTER_LOADERS,
        room_timeout_s=ROOM_TIMEOUT_S,
        name="adapters",
        prepare_thread=use_one_core,
    )
    trees: Loader[BundleRef, TreePath] = Loader(
        sources.trees,
        Residency(_host_room(host, "plot trees"), LeastRecentlyUsed()),
        num_threads=NUM_TREE_LOADERS,
        room_timeout_s=ROOM_TIMEOUT_S,
        name="trees",
        prepare_thread=use_one_core,
    )
    tables: Loader[BundleRef, PlotTable] = Loader(
        sources.tables,
        Residency(_host_room(host, "plot tables"), LeastWorth(load_bytes=DISK_LOAD_BYTES)),
        num_threads=NUM_TABLE_LOADERS,
        room_timeout_s=ROOM_TIMEOUT_S,
        name="tables",
        prepare_thread=use_one_core,
    )
    placement = HplmPlacement(
        adapter_loader=adapters,
        tree_loader=trees,
        table_loader=tables,
        slots=Residency(
            SlotRoom(SlotPool(plan.num_slots)),
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
    )
    runner = ModelRunner(
        residuals=backbone.residuals,
        lower=lower,
        exact_token_cost=backbone.exact_token_cost,
        plot=plot,
        upper=upper,
        bank=bank,
        last_id=backbone.tokenizer.last_id,
        copies=copies_to_device,
    )
    use_forward_threads = partial(use_cores, settings.forward_threads)
    with ThreadPoolExecutor(1, initializer=use_forward_threads) as thread:  # as those that will compute
        thread.submit(runner.warm_up, limits.max_tokens).result()
    stage = (
        ComputeThreads(inbox, num_threads=settings.num_forwards, cores_each=settings.forward_threads)
        if make_stage is None
        else make_stage(inbox)
    )
    engine: Engine[Retrieved] = Engine(
        EngineConfig(limits=limits, max_requests=settings.max_queue_requests),
        placement=placement,
        runner=runner,
        inbox=inbox,
        clock=SystemClock(),
        stage=stage,
        on_batch=on_batch,
    )
    return LivePlane(
        backbone=ref,
        has_lower_layers=lower is not None,
        tokenizer=backbone.tokenizer,
        max_tokens=fields.max_positions,
        engine=engine,
        placement=placement,
        adapters=adapters,
        packed=copies,
        trees=trees,
        tables=tables,
        budgets=(device, host) if disk is None else (device, host, disk),
        tokenizer_threads=TOKENIZER_THREADS,
    )


def packed_copies(cache_dir: Path, disk_bytes: int, *, backbone: Digest, dtype: torch.dtype) -> PackedCopies:
    """Packed adapters of a disk tier, whose owner reserves max_packed_bytes for them."""
    return PackedCopies(
        cache_dir / PACKED_FOLDER, packed_form(backbone, dtype), max_bytes=max_packed_bytes(disk_bytes)
    )


def max_packed_bytes(disk_bytes: int) -> int:
    """Of a disk tier of ``disk_bytes``, for packed adapters."""
    return int(disk_bytes * PACKED_SHARE)


def _reserve_device(
    device: Budget,
    fields: BackboneFields,
    backbone_bytes: int,
    settings: ServiceSettings,
    limits: BatchLimits,
    dtype: torch.dtype,
) -> DevicePlan:
    needs = DeviceNeeds(
        backbone_bytes=backbone_bytes,
        workspace_bytes=settings.num_forwards * _workspace_bytes(fields, limits),
        adapter_unit_bytes=adapter_unit_bytes(fields, dtype),
        min_adapter_units=limits.max_adapters * adapter_units(settings.max_adapter_rank),
        head_unit_bytes=head_unit_bytes(fields),
        min_head_units=limits.max_adapters * head_units(MAX_LABELS),
        min_plot_bytes=fields.vocab_size * (fields.hidden + 32),  # a row for every token id
    )
    plan = plan_device(needs, device.max_bytes)
    device.reserve("backbone", needs.backbone_bytes)
    device.reserve("workspace", needs.workspace_bytes)
    device.reserve("adapters", plan.adapter_bytes)
    device.reserve("heads", plan.head_bytes)
    device.reserve("plot nodes", plan.plot_bytes)
    return plan


def _workspace_bytes(fields: BackboneFields, limits: BatchLimits) -> int:
    """Activations of the largest batch: a handful of [tokens, hidden] and two of [tokens, intermediate], and
    the attention scores of its longest documents."""
    per_token = 4 * (10 * fields.hidden + 2 * fields.intermediate + fields.num_heads * fields.max_positions)
    return limits.max_tokens * per_token


def _host_room(host: Budget, kind: str) -> ByteRoom:
    return ByteRoom(host, kind=kind, max_bytes=int(host.max_bytes * HOST_SHARES[kind]))
