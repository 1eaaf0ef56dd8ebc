"""Fills the device for one backbone: plans, reserves, and puts there what stays until the service ends. What
the host tier could not pass through is refused with it, before anything is allocated."""

from dataclasses import dataclass

import structlog
import torch

from hmi.artifacts.store import Store
from hmi.base.errors import BudgetExceeded
from hmi.engine.batch_limits import BatchLimits
from hmi.engine.device_plan import DeviceNeeds, DevicePlan, plan_device
from hmi.engine.host_plan import HostNeed, check_host
from hmi.memory.budget import Budget
from hmi.memory.tier import MemoryTier
from hmi.model.adapter_units import UNIT_RANK, adapter_unit_bytes, adapter_units
from hmi.model.attention_rows import most_scores
from hmi.model.backbone import Backbone, measure_backbone
from hmi.model.bert import MPNET
from hmi.model.compute_type import compute_dtype
from hmi.model.device_copies import DeviceCopies, device_copies
from hmi.model.heads import MAX_LABELS, head_unit_bytes, head_units
from hmi.model.hplm_bank import HplmBank
from hmi.model.serving_layers import ServingLayers, ServingLower
from hmi.model.token_chunks import CHUNK_TOKENS, most_units
from hmi.plot.lookup import PlotArena
from hmi.service.settings import ServiceSettings
from hmi.service.sources import TREE_BYTES
from wire.artifacts import BackboneFields, BundleRef

HOST_SHARES = {
    "adapters": 0.56,
    "plot tables": 0.27,
    "catalog": 0.10,
    "requests": 0.05,
    "plot trees": 0.01,
    "known trees": 0.005,
    "known adapters": 0.005,
}
"""Of the host tier, by kind of content; "known" is what is remembered of those that are not there."""

CUDA_LIBRARY_BYTES = 36 * 10**6
"""Of a thread on a stream: 32 MiB on a GPU of the Hopper generation, 35 MB were seen; less on others."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FilledDevice:
    """What one backbone has on the device: its layers, and room for adapters, heads and PLOT nodes."""

    budget: Budget
    plan: DevicePlan
    limits: BatchLimits  # what there is workspace for
    fields: BackboneFields
    dtype: torch.dtype  # that layers are computed in
    backbone: Backbone
    upper: ServingLayers
    lower: ServingLower | None  # None: the settings leave them out
    bank: HplmBank
    plot: PlotArena
    copies: DeviceCopies


def open_device(ref: BundleRef, settings: ServiceSettings, store: Store) -> FilledDevice:
    """Raises HmiError with what is wrong; what does not fit is refused before anything is allocated."""
    folder = store.localize(ref.uri, ref.digest)
    dtype = compute_dtype(settings.compute_type, settings.device)
    fields, backbone_bytes = measure_backbone(folder, dtype, with_lower=settings.lower_layers)
    limits = _batch_limits(settings, fields)
    budget = Budget(MemoryTier.DEVICE, settings.device_bytes)
    plan = _reserve(budget, fields, backbone_bytes, settings, limits, dtype)
    check_host(_host_needs(fields, settings, dtype), settings.host_bytes)
    backbone = Backbone.open(folder, settings.device, digest=ref.digest, with_lower=settings.lower_layers)
    upper = ServingLayers(backbone.upper, dtype=dtype)
    lower = None if backbone.lower is None else ServingLower(backbone.lower, dtype=dtype)
    copies = device_copies(settings.device, num_forwards=settings.num_forwards)
    bank = HplmBank(
        fields,
        num_adapter_units=plan.num_adapter_units,
        num_head_units=plan.num_head_units,
        max_rank=settings.max_adapter_rank,
        max_labels=MAX_LABELS,
        device=settings.device,
        dtype=dtype,
        copies=copies,
    )
    plot = PlotArena(plan.plot_bytes, fields.hidden)
    device = FilledDevice(budget, plan, limits, fields, dtype, backbone, upper, lower, bank, plot, copies)
    _check_taken(device, backbone_bytes)
    log.info(
        "device_planned",
        num_slots=plan.num_slots,
        compute_type=str(dtype).removeprefix("torch."),
        **{kind.replace(" ", "_") + "_bytes": size for kind, size in budget.used_by_kind().items()},
    )
    return device


def _batch_limits(settings: ServiceSettings, fields: BackboneFields) -> BatchLimits:
    return BatchLimits(
        max_rows=settings.max_batch_rows,
        max_tokens=max(settings.max_batch_tokens, fields.max_positions),
        max_adapters=settings.max_batch_adapters,
        max_cold_adapters=settings.max_batch_adapters,  # the thrash guard finds how many are too many
    )


def _reserve(
    budget: Budget,
    fields: BackboneFields,
    backbone_bytes: int,
    settings: ServiceSettings,
    limits: BatchLimits,
    dtype: torch.dtype,
) -> DevicePlan:
    needs = DeviceNeeds(
        backbone_bytes=backbone_bytes,
        workspace_bytes=settings.num_forwards
        * _workspace_bytes(fields, limits, dtype, max_rank=settings.max_adapter_rank)
        + _library_bytes(settings),
        adapter_unit_bytes=adapter_unit_bytes(fields, dtype),
        min_adapter_units=limits.max_adapters * adapter_units(settings.max_adapter_rank),
        head_unit_bytes=head_unit_bytes(fields),
        min_head_units=limits.max_adapters * head_units(MAX_LABELS),
        min_plot_bytes=_least_plot_bytes(fields),
    )
    plan = plan_device(needs, budget.max_bytes)
    budget.reserve("backbone", needs.backbone_bytes)
    budget.reserve("workspace", needs.workspace_bytes)
    budget.reserve("adapters", plan.adapter_bytes)
    budget.reserve("heads", plan.head_bytes)
    budget.reserve("plot nodes", plan.plot_bytes)
    return plan


def _host_needs(
    fields: BackboneFields, settings: ServiceSettings, dtype: torch.dtype
) -> tuple[HostNeed, ...]:
    adapter_bytes = adapter_units(settings.max_adapter_rank) * adapter_unit_bytes(fields, dtype)
    head_bytes = head_units(MAX_LABELS) * head_unit_bytes(fields)
    return (
        HostNeed("the largest adapter with its head", HOST_SHARES["adapters"], adapter_bytes + head_bytes),
        HostNeed("a root's PLOT table, at least", HOST_SHARES["plot tables"], _least_plot_bytes(fields)),
        HostNeed("a tree's list of nodes", HOST_SHARES["plot trees"], TREE_BYTES),
    )


def _least_plot_bytes(fields: BackboneFields) -> int:
    """Of a root, which has a row for every token id."""
    return fields.vocab_size * (fields.hidden + 32)


def _workspace_bytes(
    fields: BackboneFields, limits: BatchLimits, dtype: torch.dtype, *, max_rank: int
) -> int:
    """Activations of the largest batch: a handful of [tokens, hidden] and two of [tokens, intermediate]; the
    mask of its attention, beside which stand either that of the exact path with its scores twice
    (attends_by_products), or the adapters of its chunks at a feed-forward map, with what a token is between
    the two."""
    of_layers = 4 * limits.max_tokens * (10 * fields.hidden + 2 * fields.intermediate)
    # In float32 the library keeps no scores, and a mask is of all heads with relative positions alone.
    of_mask = (dtype.itemsize if fields.architecture == MPNET else 2) * fields.num_heads
    of_mask *= most_scores(
        max_tokens=limits.max_tokens, max_rows=limits.max_rows, max_positions=fields.max_positions
    )
    ranks = UNIT_RANK * most_units(
        max_tokens=limits.max_tokens,
        max_rows=limits.max_rows,
        max_adapters=limits.max_adapters,
        max_units=adapter_units(max_rank),
    )
    of_adapters = 4 * ranks * (fields.hidden + fields.intermediate + 5 * CHUNK_TOKENS)
    return of_layers + of_mask + max(3 * of_mask, of_adapters)


def _library_bytes(settings: ServiceSettings) -> int:
    """What the device's own library keeps to multiply matrices: on CUDA for each thread on each stream, and
    whichever of the forwards' threads is free takes whichever of their streams is; one more prepares them."""
    is_cuda = torch.device(settings.device).type == "cuda"
    return (settings.num_forwards**2 + 1) * CUDA_LIBRARY_BYTES if is_cuda else 0


def _check_taken(device: FilledDevice, backbone_bytes: int) -> None:
    """Nothing may take more than was reserved for it, of which ``backbone_bytes`` are the layers'."""
    layers = (device.backbone.residuals, device.lower, device.upper)
    for kind, planned_bytes, num_bytes in (
        ("backbone", backbone_bytes, sum(part.num_bytes for part in layers if part is not None)),
        ("adapters", device.plan.adapter_bytes, device.bank.adapters.num_bytes),
        ("heads", device.plan.head_bytes, device.bank.heads.num_bytes),
        ("plot nodes", device.plan.plot_bytes, device.plot.capacity_bytes),
    ):
        if num_bytes > planned_bytes:
            raise BudgetExceeded(
                f"{kind} took {num_bytes:_} bytes instead of {planned_bytes:_}",
                needed_bytes=num_bytes,
                free_bytes=planned_bytes,
            )
