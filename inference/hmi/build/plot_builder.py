"""Builds PLOT from text: segments by the backbone's lower layers, then tables and trees, all published."""

import tempfile
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hmi.artifacts.bundle import read_manifest
from hmi.artifacts.store import Store
from hmi.build.windows import ChosenTexts, CutTexts, WindowBatches, Windowing, choose_texts, cut_texts
from hmi.model.backbone import Backbone
from hmi.model.estimators import ReportProgress, contextual_states, isolated_rows
from hmi.model.tokenizer import EncodedTexts, Text
from hmi.plot import leave_one_out
from hmi.plot.counting import Work
from hmi.plot.coverage import HeldOutCoverage, measure_coverage
from hmi.plot.estimate import build_table
from hmi.plot.leave_one_out import LeaveOneOutLookup
from hmi.plot.lookup import LookupResult
from hmi.plot.merge import merge_segments
from hmi.plot.ngram import MayStand
from hmi.plot.node_budget import NodeBudget
from hmi.plot.segment import Segment, build_segment, text_hashes, write_segment
from hmi.plot.state_sums import States
from hmi.plot.table import PlotTable, write_table_bundle
from hmi.plot.tree import PlotTree, open_segments, write_tree
from wire.artifacts import BundleRef, TreeNode
from wire.ids import BundleUri, DatasetId, Digest
from wire.training import PublishedBundle

GENERAL = "general"
"""Name of the root."""


@dataclass(frozen=True, slots=True)
class PublishedTree:
    """A tree version that now stands in the store, and its newest node."""

    tree: PublishedBundle
    table: PlotTable
    node: TreeNode


def windowing_of(store: Store, tree: PlotTree) -> Windowing:
    """How the segments of a tree cut their texts; a segment for a node below must do the same."""
    for node in tree.fields.nodes:
        for segment in open_segments(store, node, backbone=tree.fields.backbone):
            return Windowing(segment.fields.window_tokens, segment.fields.max_windows)
    return Windowing()


def text_dataset_id(name: str) -> DatasetId:
    """Stands for the operator's own text of a domain, which no tenant uploaded."""
    return DatasetId(str(uuid.uuid5(uuid.NAMESPACE_URL, f"hmi:operator-text:{name}")))


def count_texts(
    backbone: Backbone,
    texts: Iterable[str],
    *,
    dataset_id: DatasetId,
    above: npt.NDArray[np.uint64],
    windowing: Windowing,
    report: ReportProgress,
    work: Work | None = None,
    states: States | None = None,
    may_stand: MayStand | None = None,
) -> tuple[Segment, ChosenTexts]:
    """The segment of a dataset: its texts, each once, but for those that a node above counted (``above``:
    tree.counted_documents).

    ``texts`` is walked three times and held in memory a batch at a time; ``work`` as in build_segment,
    ``may_stand`` as in NgramScheme.count (of an operator's text: PersonalPieces.may_stand);
    ``states``: where contextual_states() of windows come from (None: computed).
    """
    chosen = choose_texts(texts, above)
    segment = build_segment(
        WindowBatches(backbone.tokenizer, texts, chosen.hashes, windowing),
        states or (lambda documents: contextual_states(backbone, documents)),
        backbone=backbone.digest,
        dataset_id=dataset_id,
        hidden=backbone.fields.hidden,
        document_hashes=chosen.hashes,
        window_tokens=windowing.window_tokens,
        max_windows=windowing.max_windows,
        on_progress=lambda done, total: report("learning n-grams", done, total),
        work=work,
        may_stand=may_stand,
    )
    return segment, chosen


def publish_segment(
    store: Store, segment: Segment, uri: BundleUri, *, work: Work | None = None
) -> PublishedBundle:
    """Put a segment into the store."""
    with tempfile.TemporaryDirectory(prefix="hmi-segment-", dir=_folder(work)) as temporary:
        return _publish(store, Path(temporary), uri, write_segment(segment, Path(temporary)))


def publish_segment_beside(
    store: Store, segment: Segment, tree_uri: BundleUri, *, work: Work | None = None
) -> PublishedBundle:
    """Put the segment of an operator's text next to the tree that is made from it."""
    with tempfile.TemporaryDirectory(prefix="hmi-segment-", dir=_folder(work)) as temporary:
        digest = write_segment(segment, Path(temporary))
        return _publish(store, Path(temporary), beside(tree_uri, "segment", digest), digest)


def build_root(
    store: Store,
    backbone: Backbone,
    segments: Sequence[tuple[BundleRef, Segment]],
    *,
    tree_uri: BundleUri,
    report: ReportProgress,
    budget: NodeBudget | None = None,
    work: Work | None = None,
) -> PublishedTree:
    """Build and publish a tree of the root alone: a row for every vocabulary id, and the text's n-grams.

    ``budget``: what the node may take (None: all rows stay); ``work`` as in build_table.
    """
    isolated = isolated_rows(backbone, report=report)
    report("building the table", 0, 1)
    table = build_table(
        merge_segments([segment for _, segment in segments], work=work),
        backbone=backbone.digest,
        hidden=backbone.fields.hidden,
        parents=(),
        isolated=isolated,
        budget=budget,
        work=work,
    )
    refs = [ref for ref, _ in segments]
    return _publish_tree(store, table, GENERAL, (), refs, tree_uri, isolated, work)


def build_domain(
    store: Store,
    parent: PlotTree,
    segments: Sequence[tuple[BundleRef, Segment]],
    *,
    name: str,
    tree_uri: BundleUri,
    budget: NodeBudget | None = None,
    work: Work | None = None,
) -> PublishedTree:
    """Build and publish a tree that has one node more than ``parent``, made from these segments.

    ``budget`` and ``work`` as in build_root.
    """
    table = build_table(
        merge_segments([segment for _, segment in segments], work=work),
        backbone=parent.fields.backbone,
        hidden=parent.tables[0].hidden,
        parents=parent.tables,
        isolated=None,
        budget=budget,
        work=work,
    )
    refs = [ref for ref, _ in segments]
    return _publish_tree(store, table, name, parent.fields.nodes, refs, tree_uri, None, work)


def held_out_coverage(
    backbone: Backbone,
    texts: Iterable[str],
    chosen: npt.NDArray[np.uint64],
    *,
    above: Sequence[PlotTable],
    windowing: Windowing,
    work: Work | None = None,
    may_stand: MayStand | None = None,
) -> HeldOutCoverage:
    """What a tenth of the texts would find if the node were made from the other nine tenths, by the same rule
    of what may stand in it."""
    if work is not None:  # the segment's own files are still mapped
        work = replace(work, folder=work.folder / "coverage")
        work.folder.mkdir(exist_ok=True)
    is_held_out = chosen % np.uint64(10) == 0
    kept, held_out = (
        WindowBatches(backbone.tokenizer, texts, chosen[which], windowing)
        for which in (~is_held_out, is_held_out)
    )
    return measure_coverage(
        kept, held_out, above=above, num_texts=int(is_held_out.sum()), work=work, may_stand=may_stand
    )


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """The rows of some texts, each as if it had never been counted; without position and type residuals."""

    encoded: EncodedTexts
    rows: npt.NDArray[np.float32]  # [num_tokens, hidden]
    answers: LookupResult


def look_up_leaving_out(
    backbone: Backbone,
    lookup: LeaveOneOutLookup,
    texts: Sequence[str],
    *,
    max_tokens: int,
    inputs: Sequence[Text] | None = None,
    states: States | None = None,
) -> TrainingRows:
    """Look training texts up. What was counted of them is held in memory, so give a batch at a time.

    ``inputs`` are what the model reads, where that is not just the texts that were counted; ``states`` as in
    count_texts.
    """
    encoded = backbone.tokenizer.encode(texts if inputs is None else inputs, max_tokens)
    hashes = text_hashes(texts)
    cut = _counted_windows(backbone, lookup, texts, hashes)
    left_out = states(cut.windows) if states is not None else contextual_states(backbone, cut.windows)
    rows = np.empty((encoded.documents.num_tokens, backbone.fields.hidden), np.float32)
    counted = leave_one_out.CountedTexts(cut.windows, cut.window_offsets, left_out)
    answers = lookup.lookup(encoded.documents, hashes, counted, rows)
    return TrainingRows(encoded, rows, answers)


def _counted_windows(
    backbone: Backbone, lookup: LeaveOneOutLookup, texts: Sequence[str], hashes: npt.NDArray[np.uint64]
) -> CutTexts:
    """The windows of the texts that some node counted; none of the others."""
    num_windows = lookup.max_windows(hashes)
    most = int(num_windows.max(initial=1))
    counted = [text if number else "" for text, number in zip(texts, num_windows, strict=True)]
    return cut_texts(
        backbone.tokenizer,
        counted,
        Windowing(lookup.window_tokens or Windowing().window_tokens, max(most, 1)),
    )


def _publish_tree(
    store: Store,
    table: PlotTable,
    name: str,
    above: tuple[TreeNode, ...],
    segments: Sequence[BundleRef],
    tree_uri: BundleUri,
    isolated: npt.NDArray[np.float32] | None,
    work: Work | None,
) -> PublishedTree:
    with tempfile.TemporaryDirectory(prefix="hmi-tree-", dir=_folder(work)) as temporary:
        node_folder, tree_folder = Path(temporary) / "node", Path(temporary) / "tree"
        digest = write_table_bundle(table, node_folder, isolated=isolated)
        published = _publish(store, node_folder, beside(tree_uri, "table", digest), digest)
        node = TreeNode(name, published.uri, published.digest, tuple(segments))
        tree_digest = write_tree(tree_folder, table.fields.backbone, (*above, node))
        tree = _publish(store, tree_folder, tree_uri, tree_digest)
    # A tree's own bundle is a manifest: what counts is what it brings along.
    return PublishedTree(PublishedBundle(tree.uri, tree.digest, published.num_bytes), table, node)


def _folder(work: Work | None) -> Path | None:
    return None if work is None else work.folder


def beside(tree_uri: BundleUri, part: str, digest: Digest) -> BundleUri:
    """Place of a tree's part: named by content, so that a repeated build never meets another one's."""
    return BundleUri(f"{tree_uri}.{part}-{digest.removeprefix('sha256:')[:16]}")


def _publish(store: Store, folder: Path, uri: BundleUri, digest: Digest) -> PublishedBundle:
    store.publish(folder, uri)
    num_bytes = sum(entry.num_bytes for entry in read_manifest(folder).files.values())
    return PublishedBundle(uri, digest, num_bytes)
