"""An adapter that a tenant brings: PEFT's two files and a head, checked against our backbone and task."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from hmi.base.errors import BundleBroken, BundleMismatch, InvalidInput
from hmi.build.adapter_archive import HEAD_FIELDS_FILE, AdapterRefused, Unpacked
from hmi.kinds.answers import answers_of
from hmi.model.adapter_bundle import HEAD_FILE
from hmi.model.adapters.host import HostAdapter
from hmi.model.adapters.lora.config import LoraConfig
from hmi.model.adapters.lora.peft_format import CONFIG_FILE, open_peft
from hmi.model.heads import HostHead
from wire.artifacts import MANIFEST_FILE, BackboneFields
from wire.imports import ImportJob
from wire.tasks import TaskKind

FLOATS = (torch.float32, torch.float16, torch.bfloat16)
MAX_LABELS = 10_000
MAX_LABEL_CHARS = 200
MAX_TOKENS = 512
MIN_TOKENS = 3  # [CLS], a token and [SEP]
DEFAULT_MAX_TOKENS = 128
DEFAULT_THRESHOLD = 0.5
"""Of a label of several, where the archive says none."""
S = TypeVar("S", bound=msgspec.Struct)


class HeadFields(msgspec.Struct, forbid_unknown_fields=True):
    """head.json: what the outputs of the head stand for."""

    labels: tuple[str, ...] | None = None  # None: the task's
    max_tokens: int | None = None  # longer texts are cut
    thresholds: tuple[float, ...] = ()  # of multi_label: of each label
    kind: TaskKind | None = None  # compared with the task's, where it is said


class _ManifestFields(HeadFields):
    """The same, as the manifest of an exported version has them among others."""

    method: str = LoraConfig.method


class _ManifestShape(msgspec.Struct):
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class BroughtAdapter:
    """It fits, its numbers are finite; whether it answers well is for the parity test to say."""

    adapter: HostAdapter
    head: HostHead  # float32
    labels: tuple[str, ...]
    max_tokens: int
    thresholds: tuple[float, ...]
    dtype: str  # of the adapter's weights, which are kept as they are
    notes: tuple[str, ...]  # for whoever brought it


def read_brought(unpacked: Unpacked, fields: BackboneFields, job: ImportJob) -> BroughtAdapter:
    """Check everything that files can tell. Raises AdapterRefused."""
    folder = unpacked.folder
    notes = [f"{len(unpacked.ignored)} other files were not read"] if unpacked.ignored else []
    with refusing():
        said = _head_fields(folder)
        labels = job.labels if said.labels is None else said.labels
        if said.labels is None:
            notes.append("the labels are the task's, in its order: the archive says none")
        elif job.labels and set(labels) != set(job.labels):
            notes.append("the labels are not those of the task's trainings")
        if said.kind not in (None, job.kind):
            raise AdapterRefused(f"the adapter is for tasks of kind {said.kind}, this one is {job.kind}")
        _check_labels(labels)
        adapter = open_peft(folder, fields)
        _check_adapter(adapter, job.max_rank)
        if not _names_base(folder):
            notes.append(f"{CONFIG_FILE} names no base model: {fields.name} is assumed")
        head = _read_head(folder / HEAD_FILE)
        head.check(fields, answers_of(job.kind).num_outputs(labels))
        return BroughtAdapter(
            adapter=adapter,
            head=head,
            labels=labels,
            max_tokens=_max_tokens(said, fields),
            thresholds=_thresholds(said, job.kind, labels),
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


def _head_fields(folder: Path) -> HeadFields:
    """From head.json, else from an exported version's manifest, else the defaults."""
    if (folder / HEAD_FIELDS_FILE).exists():
        return _decoded(folder / HEAD_FIELDS_FILE, HeadFields)
    if not (folder / MANIFEST_FILE).exists():
        return HeadFields()
    known = _ManifestFields.__struct_fields__
    fields = _decoded(folder / MANIFEST_FILE, _ManifestShape).fields
    try:
        said = msgspec.convert({name: fields[name] for name in known if name in fields}, _ManifestFields)
    except msgspec.ValidationError as exc:
        raise AdapterRefused(f"{MANIFEST_FILE} is not that of an exported version: {exc}") from exc
    if said.method != LoraConfig.method:
        raise AdapterRefused(f"the exported version is of method {said.method}; lora alone can be brought")
    return said


def _decoded(path: Path, shape: type[S]) -> S:
    try:
        return msgspec.json.decode(path.read_bytes(), type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise AdapterRefused(f"{path.name} cannot be read: {exc}") from exc


def _check_labels(labels: tuple[str, ...]) -> None:
    if len(labels) > MAX_LABELS:
        raise AdapterRefused(f"the adapter has {len(labels)} labels; a task has at most {MAX_LABELS}")
    if any(label != label.strip() or not 0 < len(label) <= MAX_LABEL_CHARS for label in labels):
        raise AdapterRefused(
            f"a label is empty, longer than {MAX_LABEL_CHARS} characters, or has white space round it"
        )


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


def _names_base(folder: Path) -> bool:
    config: dict[str, Any] = msgspec.json.decode((folder / CONFIG_FILE).read_bytes())
    return config.get("base_model_name_or_path") is not None


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
