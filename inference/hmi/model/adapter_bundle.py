"""A task's hPLM as a bundle, written by the trainer and read by the service: adapter in its method's format,
head, labels."""

from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save_file

from hmi.artifacts.bundle import open_bundle, write_bundle
from hmi.base.errors import BundleBroken, BundleMismatch
from hmi.kinds.answers import answers_of
from hmi.model.adapters.host import HostAdapter
from hmi.model.adapters.methods import METHODS
from hmi.model.heads import HostHead
from wire.artifacts import HEAD_FILE, AdapterFields, BackboneFields, BundleKind, BundleRef
from wire.ids import BundleUri, Digest
from wire.tasks import TaskKind

IDENTITY = "identity"
"""Method of a task that only has a head: the plain upper layers."""


@dataclass(frozen=True, slots=True)
class Hplm:
    """What one task adds to backbone and PLOT, in host memory. Nobody changes its tensors."""

    digest: Digest
    fields: AdapterFields
    adapter: HostAdapter | None  # None: the identity
    head: HostHead

    @property
    def num_bytes(self) -> int:
        """Bytes of its tensors on the host."""
        return self.head.num_bytes + (0 if self.adapter is None else self.adapter.num_bytes)


def save_adapter_bundle(
    folder: Path,
    *,
    adapter: HostAdapter | None,
    head: HostHead,
    labels: tuple[str, ...],
    max_tokens: int,
    backbone_fields: BackboneFields,
    backbone: Digest,
    tree: Digest,
    metrics: dict[str, float],
    backbone_uri: BundleUri | None = None,
    label_set_thresholds: tuple[float, ...] = (),
    kind: TaskKind = TaskKind.SINGLE_LABEL,
    thresholds: tuple[float, ...] = (),
    adjacent_cost: float = 0.0,
    score_slope: float = 1.0,
    score_offset: float = 0.0,
    value_bounds: tuple[float, ...] = (),
    leaf: BundleRef | None = None,
) -> Digest:
    """Write the bundle into ``folder``, which is empty; returns its digest.

    Tensors keep their type: an adapter of AdapterParameters.to_host(torch.float16) takes half the room, and
    is what must then be evaluated. Raises BundleMismatch or BundleBroken for what could not be opened again.
    """
    if adapter is not None:
        adapter.check(backbone_fields)
    head.check(backbone_fields, answers_of(kind).num_outputs(labels))
    if adapter is not None:
        METHODS[adapter.config.method].save(folder, adapter, backbone_fields)
    save_file({"weight": head.weight.contiguous(), "bias": head.bias.contiguous()}, folder / HEAD_FILE)
    fields = AdapterFields(
        method=IDENTITY if adapter is None else adapter.config.method,
        rank=0 if adapter is None else adapter.config.rank,
        alpha=0.0 if adapter is None else adapter.config.alpha,
        target_modules=() if adapter is None else tuple(module.value for module in adapter.config.modules),
        labels=labels,
        max_tokens=max_tokens,
        backbone=backbone,
        tree=tree,
        metrics=metrics,
        backbone_uri=backbone_uri,
        label_set_thresholds=label_set_thresholds,
        kind=kind,
        thresholds=thresholds,
        adjacent_cost=adjacent_cost,
        score_slope=score_slope,
        score_offset=score_offset,
        value_bounds=value_bounds,
        leaf=leaf,
    )
    return write_bundle(folder, BundleKind.ADAPTER, fields)


def open_adapter_bundle(
    folder: Path, *, digest: Digest | None, backbone_fields: BackboneFields, backbone: Digest
) -> Hplm:
    """Read and check a bundle; everything in it is then safe to serve on this backbone.

    Raises BundleBroken for changed or unreadable files and numbers that are not finite; BundleMismatch for
    another digest, backbone, method or shape.
    """
    bundle = open_bundle(folder, kind=BundleKind.ADAPTER, fields_type=AdapterFields, digest=digest)
    fields = bundle.fields
    if fields.backbone != backbone:
        raise BundleMismatch(
            f"adapter {bundle.digest} was trained on backbone {fields.backbone}, this is {backbone}"
        )
    method = METHODS.get(fields.method)
    if method is None and fields.method != IDENTITY:
        known = ", ".join((*METHODS, IDENTITY))
        raise BundleMismatch(f"adapter {bundle.digest} is of method {fields.method!r}; known: {known}")
    adapter = None if method is None else method.open(folder, backbone_fields)
    if adapter is not None and (adapter.config.rank, adapter.config.alpha) != (fields.rank, fields.alpha):
        raise BundleBroken(f"adapter {bundle.digest}: its manifest and its files differ in rank or alpha")
    head = _read_head(folder / HEAD_FILE)
    head.check(backbone_fields, answers_of(fields.kind).num_outputs(fields.labels))
    return Hplm(bundle.digest, fields, adapter, head)


def _read_head(path: Path) -> HostHead:
    try:
        tensors = load(path.read_bytes())
        return HostHead(tensors["weight"], tensors["bias"])
    except (FileNotFoundError, IsADirectoryError, SafetensorError, KeyError) as exc:
        raise BundleBroken(f"{HEAD_FILE} cannot be read: {exc}") from exc
