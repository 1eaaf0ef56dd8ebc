"""Manifests of the bundles in the object store: immutable folders whose manifest.json hashes every file."""

import hashlib
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from wire import codec
from wire.ids import BundleUri, DatasetId, Digest
from wire.tasks import TaskKind

MANIFEST_FILE = "manifest.json"
HEAD_FILE = "head.safetensors"
"""Of every adapter's bundle."""
FORMAT_VERSION = 1
TREE_FORMAT_VERSION = 2
"""Of trees. Those of version 1 are read as well; their digests covered where their parts lie, too."""


EXPORT_FILE, EXPORT_STORE = "hplm.json", "store"
"""Of a version that was taken away: what says what lies where, and the store that it lies in, both in a
folder."""
COPY_NOTE = ".uri"
"""Ends the name of the file beside a job's local copy of a bundle from a remote store: its place there, and
its digest, a line each."""
EXPECTED_FILE = "expected.jsonl"
"""Beside an adapter: texts with the scores that it gave to them where it comes from, such as the held-out
rows of a training: what a parity report compares with."""


class BundleKind(StrEnum):
    """What a bundle holds."""

    BACKBONE = "backbone"
    SEGMENT = "segment"
    PLOT_TABLE = "plot_table"
    PLOT_TREE = "plot_tree"
    ADAPTER = "adapter"


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a bundle."""

    num_bytes: int
    sha256: str  # 64 hexadecimal digits


@dataclass(frozen=True, slots=True)
class BundleManifest:
    """manifest.json; the SHA-256 of its canonical JSON (wire.codec.to_json) is the digest: no time in it.

    Of a tree, places are left out before: equal nodes make equal trees, wherever their parts lie.
    """

    kind: BundleKind
    format_version: int
    files: dict[str, FileEntry]  # relative path -> entry
    fields: dict[str, object]  # one of the *Fields below, as plain JSON


def format_version(kind: BundleKind) -> int:
    """That bundles of this kind are written in."""
    return TREE_FORMAT_VERSION if kind is BundleKind.PLOT_TREE else FORMAT_VERSION


def bundle_digest(manifest: BundleManifest) -> Digest:
    """``sha256:`` and the hash of the canonical JSON of the manifest's content."""
    if manifest.kind is BundleKind.PLOT_TREE and manifest.format_version >= TREE_FORMAT_VERSION:
        manifest = replace(manifest, fields=_without_places(manifest.fields))
    return Digest("sha256:" + hashlib.sha256(codec.to_json(manifest).encode()).hexdigest())


def _without_places(plain: Any) -> Any:
    """Plain JSON less the places of the bundles that it refers to; their digests stay."""
    if isinstance(plain, dict):
        kept = plain.keys() - {"uri", "places_sha256"}
        return {name: _without_places(plain[name]) for name in kept}
    return [_without_places(value) for value in plain] if isinstance(plain, list | tuple) else plain


@dataclass(frozen=True, slots=True)
class BackboneFields:
    """A split backbone: tokenizer, embeddings, lower layers 1..num_lower, upper layers, residuals."""

    name: str
    architecture: str  # "bert"
    hidden: int
    num_layers: int
    num_lower: int  # k
    num_heads: int
    intermediate: int
    max_positions: int
    vocab_size: int
    tokenizer_sha256: str
    layer_norm_epsilon: float = 1e-12
    is_calibrated: bool = False  # the upper layers were distilled on looked-up inputs


@dataclass(frozen=True, slots=True)
class SegmentFields:
    """Counts and sums that one dataset contributes (DESIGN: exact, order-free merging)."""

    backbone: Digest
    dataset_id: DatasetId
    num_documents: int
    num_tokens: int
    min_count: int
    window_tokens: int = (
        128  # longer texts are counted in windows of so many tokens, [CLS] and [SEP] included
    )
    max_windows: int = 1  # windows of a text that are counted, from its start
    text_form: int = 1  # what the hashes of its texts see alike; see hmi.plot.segment.TEXT_FORM
    scheme: str = "centred"  # how its n-grams have keys; as PlotTableFields.scheme


@dataclass(frozen=True, slots=True)
class PlotTableFields:
    """One node's immutable table."""

    backbone: Digest
    scheme: str  # "centred", or "causal-n"
    hidden: int
    num_rows: dict[str, int]  # rung -> rows
    tau: dict[str, float]  # rung -> fitted shrinkage
    num_tokens: int  # tokens of text behind it


@dataclass(frozen=True, slots=True)
class BundleRef:
    """Place and content of one bundle."""

    uri: BundleUri
    digest: Digest

    def __hash__(self) -> int:
        return hash(self.digest)  # asked for dozens of times a request; the digest is nearly always enough


@dataclass(frozen=True, slots=True)
class TreeNode:
    """One node of a tree version: its table, and the segments that the table was made from."""

    name: str  # "general", or the domain's id
    uri: BundleUri
    digest: Digest
    segments: tuple[BundleRef, ...] = ()


@dataclass(frozen=True, slots=True)
class PlotTreeFields:
    """A tree version: the path of nodes, root first, that look-ups walk from the last to the first.

    Its digest is of the backbone and the nodes' names, contents and segments, not of places.
    """

    backbone: Digest
    nodes: tuple[TreeNode, ...]
    places_sha256: str = ""  # places_sha256(nodes): the digest leaves them out. "" in version 1


def places_sha256(nodes: tuple[TreeNode, ...]) -> str:
    """Of where a tree's parts lie, so that a changed place is noticed."""
    places = [[node.uri, *(segment.uri for segment in node.segments)] for node in nodes]
    return hashlib.sha256(codec.to_json(places).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class AdapterFields:
    """A task's adapter (files of its method: PEFT's of lora), head and labels, and what it was trained on.

    Bundles of older releases do not say their kind: they are single_label.
    """

    method: str  # of wire.training.METHODS, or "identity"
    rank: int
    alpha: float
    target_modules: tuple[str, ...]
    labels: tuple[str, ...]
    max_tokens: int
    backbone: Digest
    tree: Digest
    metrics: dict[str, float] = field(default_factory=dict)
    backbone_uri: BundleUri | None = (
        None  # where the backbone stands in the same store, when it was trained here
    )
    label_set_thresholds: tuple[float, ...] = ()  # at error levels 0.01 to 0.50; see hmi.base.label_sets
    kind: TaskKind = TaskKind.SINGLE_LABEL
    thresholds: tuple[float, ...] = ()  # of each label: an input has those whose score reaches it
    adjacent_cost: float = 0.0  # of spans: what one that follows another of its label at once must outweigh
    score_slope: float = 1.0  # of spans: what the log odds of their scores are multiplied by, ...
    score_offset: float = 0.0  # ... and what is added then, so that scores are shares
    value_bounds: tuple[float, ...] = ()  # of a score: its values are counted in the buckets between these
    leaf: BundleRef | None = None  # the private leaf it was trained on, a table below the tree's nodes


@dataclass(frozen=True, slots=True)
class ExportedHplm:
    """EXPORT_FILE: what lies where in EXPORT_STORE beside it."""

    version: BundleUri
    tree: BundleUri | None  # None: it stays where others look up in it, and the lower layers are computed
    backbone: BundleUri
