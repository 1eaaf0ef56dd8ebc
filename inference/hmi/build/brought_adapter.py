"""An adapter that a tenant brings, PEFT's or a version taken away, and its head: checked against our
backbone and task."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from hmi.base.errors import BundleBroken, BundleMismatch, InvalidInput
from hmi.base.label_sets import NUM_LEVELS
from hmi.build.adapter_archive import HEAD_FIELDS_FILE, AdapterRefused, Unpacked
from hmi.build.kinds.learning import FittedHead
from hmi.build.kinds.score import NUM_BUCKETS
from hmi.kinds.answers import answers_of
from hmi.kinds.token_classification import ScoreMap
from hmi.model.adapters.host import HostAdapter
from hmi.model.adapters.methods import METHODS
from hmi.model.heads import MAX_LABELS, HostHead
from wire.artifacts import HEAD_FILE, MANIFEST_FILE, BackboneFields
from wire.ids import Digest
from wire.imports import ImportJob
from wire.tasks import TaskKind

FLOATS = (torch.float32, torch.float16, torch.bfloat16)
MAX_LABEL_CHARS = 200
MAX_TOKENS = 512
MIN_TOKENS = 3  # [CLS], a token and [SEP]
DEFAULT_MAX_TOKENS = 128
DEFAULT_THRESHOLD = 0.5
"""Of a label of several, where the archive says none."""
S = TypeVar("S", bound=msgspec.Struct)


class HeadFields(msgspec.Struct, forbid_unknown_fields=True):
    """head.json: what the outputs of the head stand for, and what was fitted to them on held-out rows. Names
    and defaults are AdapterFields'."""

    labels: tuple[str, ...] | None = None  # None: the task's
    max_tokens: int | None = None  # longer texts are cut
    thresholds: tuple[float, ...] = ()  # of multi_label: of each label
    kind: TaskKind | None = None  # compared with the task's, where it is said
    label_set_thresholds: tuple[float, ...] = ()
    adjacent_cost: float = 0.0
    score_slope: float = 1.0
    score_offset: float = 0.0
    value_bounds: tuple[float, ...] = ()


_OF_KINDS: Mapping[str, tuple[TaskKind, ...]] = {
    "thresholds": (TaskKind.MULTI_LABEL,),
    "label_set_thresholds": (TaskKind.SINGLE_LABEL, TaskKind.SENTENCE_PAIR),
    "adjacent_cost": (TaskKind.TOKEN_CLASSIFICATION,),
    "score_slope": (TaskKind.TOKEN_CLASSIFICATION,),
    "score_offset": (TaskKind.TOKEN_CLASSIFICATION,),
    "value_bounds": (TaskKind.SCORE,),
}
"""Fields of a head that tasks of other kinds do not have."""


class _ManifestFields(HeadFields):
    """The same, as the manifest of an exported version has them among others."""

    method: str | None = None  # None: there is no manifest
    backbone: Digest | None = None
    metrics: dict[str, float] = {}
    leaf: dict[str, Any] | None = None


class _ManifestShape(msgspec.Struct):
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class BroughtAdapter:
    """It fits, its numbers are finite; whether it answers well is for the parity test to say."""

    adapter: HostAdapter
    fitted: FittedHead  # float32
    labels: tuple[str, ...]
    max_tokens: int
    dtype: str  # of the adapter's weights, which are kept as they are
    notes: tuple[str, ...]  # for whoever brought it


def read_brought(unpacked: Unpacked, fields: BackboneFields, job: ImportJob) -> BroughtAdapter:
    """Check everything that files can tell. Raises AdapterRefused."""
    folder, method = unpacked.folder, METHODS[unpacked.method]
    notes = [f"{len(unpacked.ignored)} other files were not read"] if unpacked.ignored else []
    with refusing():
        manifest = _manifest_fields(unpacked, fields, job)
        said = _head_fields(folder, manifest)
        labels = job.labels if said.labels is None else said.labels
        if said.labels is None:
            notes.append("the labels are the task's, in its order: the archive says none")
        elif job.labels and set(labels) != set(job.labels):
            notes.append("the labels are not those of the task's trainings")
        if said.kind not in (None, job.kind):
            raise AdapterRefused(f"the adapter is for tasks of kind {said.kind}, this one is {job.kind}")
        _check_labels(labels, job.kind)
        _check_fitted(said, job.kind)
        adapter = method.open(folder, fields)
        _check_adapter(adapter, job.max_rank)
        if not (method.facts.needs_manifest or method.names_backbone(folder)):
            notes.append(f"{method.facts.files[0]} names no base model: {fields.name} is assumed")
        head = _read_head(folder / HEAD_FILE)
        head.check(fields, answers_of(job.kind).num_outputs(labels))
        if manifest.leaf is not None:
            notes.append("the private leaf that it was trained on does not come along")
        return BroughtAdapter(
            adapter=adapter,
            fitted=_fitted(head, said, manifest, _thresholds(said, job.kind, labels)),
            labels=labels,
            max_tokens=_max_tokens(said, fields),
            dtype=_dtype_name(adapter),
            notes=tuple(notes),
        )


@contextmanager
def refusing() -> Iterator[None]:
    """What does not fit or cannot be read is the fault of who brought it: AdapterRefused."""
    try:
        yield
    except (BundleBroken, BundleMismatch, InvalidInput) as exc:
        raise AdapterRefused(exc.message) from exc


def _manifest_fields(unpacked: Unpacked, fields: BackboneFields, job: ImportJob) -> _ManifestFields:
    """Of an exported version; the defaults where there is no manifest."""
    path = unpacked.folder / MANIFEST_FILE
    if not path.exists():
        return _ManifestFields()
    given = _decoded(path, _ManifestShape).fields
    known = {name: given[name] for name in _ManifestFields.__struct_fields__ if name in given}
    try:
        said = msgspec.convert(known, _ManifestFields)
    except msgspec.ValidationError as exc:
        raise AdapterRefused(f"{MANIFEST_FILE} is not that of an exported version: {exc}") from exc
    if said.method not in (None, unpacked.method):
        raise AdapterRefused(
            f"the exported version is of method {said.method}; the files beside {MANIFEST_FILE} are of "
            f"{unpacked.method}"
        )
    if METHODS[unpacked.method].facts.needs_manifest and said.backbone != job.backbone_digest:
        raise AdapterRefused(
            f"the exported version was trained on backbone {said.backbone}, this is {job.backbone_digest} "
            f"({fields.name})"
        )
    return said


def _head_fields(folder: Path, manifest: _ManifestFields) -> HeadFields:
    """From head.json, else from an exported version's manifest."""
    path = folder / HEAD_FIELDS_FILE
    return _decoded(path, HeadFields) if path.exists() else manifest


def _decoded(path: Path, shape: type[S]) -> S:
    try:
        return msgspec.json.decode(path.read_bytes(), type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise AdapterRefused(f"{path.name} cannot be read: {exc}") from exc


def _check_labels(labels: tuple[str, ...], kind: TaskKind) -> None:
    num_outputs = answers_of(kind).num_outputs(labels)
    if num_outputs > MAX_LABELS:
        raise AdapterRefused(
            f"the adapter has {len(labels)} labels, for which its head has {num_outputs} outputs; "
            f"up to {MAX_LABELS} are served"
        )
    if any(
        label != label.strip() or not 0 < len(label) <= MAX_LABEL_CHARS or "\0" in label for label in labels
    ):
        raise AdapterRefused(
            f"a label is empty, longer than {MAX_LABEL_CHARS} characters, or has white space round it, "
            "or a NUL in it"
        )


def _check_fitted(said: HeadFields, kind: TaskKind) -> None:
    """Of what was fitted on held-out rows, all but the thresholds."""
    usual = HeadFields()
    for name, kinds in _OF_KINDS.items():
        if kind not in kinds and getattr(said, name) != getattr(usual, name):
            raise AdapterRefused(f"{name} is of tasks of kind {' and '.join(kinds)}, this one is {kind}")
    sets, bounds = said.label_set_thresholds, said.value_bounds
    if sets and not (len(sets) == NUM_LEVELS and sets[0] <= 1 and sets[-1] >= 0 and _is_rising(sets[::-1])):
        raise AdapterRefused(
            f"label_set_thresholds are {NUM_LEVELS} numbers of 0 to 1, one for each error level, "
            "none above the one before"
        )
    if not (len(bounds) < NUM_BUCKETS and all(map(math.isfinite, bounds)) and _is_rising(bounds)):
        raise AdapterRefused(f"value_bounds are at most {NUM_BUCKETS - 1} rising numbers")
    if not (0 <= said.adjacent_cost < math.inf and 0 < said.score_slope < math.inf):
        raise AdapterRefused("adjacent_cost is 0 or more, and score_slope more than 0")
    if not math.isfinite(said.score_offset):
        raise AdapterRefused("score_offset is no finite number")


def _is_rising(numbers: Sequence[float]) -> bool:
    return all(one <= other for one, other in pairwise(numbers))


def _check_adapter(adapter: HostAdapter, max_rank: int) -> None:
    if adapter.config.rank > max_rank:
        raise AdapterRefused(f"the adapter's rank is {adapter.config.rank}; up to {max_rank} is served")
    odd = {str(tensor.dtype) for tensor in _tensors(adapter) if tensor.dtype not in FLOATS}
    if odd:
        raise AdapterRefused(
            f"the adapter's weights are {', '.join(sorted(odd))}; save them as float16, bfloat16 or float32"
        )


def _tensors(adapter: HostAdapter) -> list[Tensor]:
    return [tensor for factors in adapter.factors.values() for tensor in (factors.down, factors.up)]


def _dtype_name(adapter: HostAdapter) -> str:
    return ", ".join(sorted({str(tensor.dtype).removeprefix("torch.") for tensor in _tensors(adapter)}))


def _read_head(path: Path) -> HostHead:
    try:
        tensors = load_file(path)
    except SafetensorError as exc:
        raise AdapterRefused(f"{HEAD_FILE} cannot be read: {exc}") from exc
    if set(tensors) != {"weight", "bias"}:
        raise AdapterRefused(
            f"{HEAD_FILE} has {sorted(tensors)}; it holds weight [outputs, hidden] and bias [outputs] of a "
            "linear layer over the mean of the final states"
        )
    if any(tensor.dtype not in FLOATS for tensor in tensors.values()):
        raise AdapterRefused(f"{HEAD_FILE} has weights that are no float16, bfloat16 or float32")
    return HostHead(tensors["weight"].float(), tensors["bias"].float())


def _fitted(
    head: HostHead, said: HeadFields, manifest: _ManifestFields, thresholds: tuple[float, ...]
) -> FittedHead:
    """The temperature changes no answer, the head has it in its weights: reports tell what was without."""
    given = manifest.metrics.get("temperature") if said is manifest else None
    temperature = given if given is not None and 0 < given < math.inf else None
    return FittedHead(
        head,
        temperature=1.0 if temperature is None else temperature,
        thresholds=thresholds,
        label_set_thresholds=said.label_set_thresholds,
        adjacent_cost=said.adjacent_cost,
        score_map=ScoreMap(said.score_slope, said.score_offset),
        value_bounds=said.value_bounds,
        metrics={} if temperature is None else {"temperature": temperature},
    )


def _max_tokens(said: HeadFields, fields: BackboneFields) -> int:
    most = min(MAX_TOKENS, fields.max_positions)
    if said.max_tokens is None:
        return min(DEFAULT_MAX_TOKENS, most)
    if not MIN_TOKENS <= said.max_tokens <= most:
        raise AdapterRefused(f"max_tokens is {said.max_tokens}; {fields.name} takes {MIN_TOKENS} to {most}")
    return said.max_tokens


def _thresholds(said: HeadFields, kind: TaskKind, labels: tuple[str, ...]) -> tuple[float, ...]:
    if kind is not TaskKind.MULTI_LABEL:
        return ()
    if not said.thresholds:
        return (DEFAULT_THRESHOLD,) * len(labels)
    if len(said.thresholds) != len(labels) or not all(0 <= value <= 1 for value in said.thresholds):
        raise AdapterRefused(f"thresholds are {len(labels)} numbers of 0 to 1, one for each label")
    return said.thresholds
