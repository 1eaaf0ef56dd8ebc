"""Learns a node of the tree from an operator's text, and measures how much of such text it knows."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from hmi.artifacts.store import Store
from hmi.build.plot_builder import (
    PublishedTree,
    build_domain,
    build_root,
    count_texts,
    held_out_coverage,
    publish_segment_beside,
    text_dataset_id,
)
from hmi.build.windows import ChosenTexts, Windowing
from hmi.model.backbone import Backbone
from hmi.model.estimators import ReportProgress
from hmi.plot.counting import Work
from hmi.plot.coverage import HeldOutCoverage
from hmi.plot.node_budget import NodeBudget
from hmi.plot.privacy import PersonalPieces
from hmi.plot.segment import Segment
from hmi.plot.tree import PlotTree, counted_documents
from wire.artifacts import BundleRef
from wire.ids import BundleUri


@dataclass(frozen=True, slots=True)
class NodeToLearn:
    """Where a node will stand, and what it may take."""

    name: str
    parent: PlotTree | None  # None: it is the root
    tree_uri: BundleUri
    windowing: Windowing
    budget: NodeBudget | None  # None: all rows stay


@dataclass(frozen=True, slots=True)
class LearntNode:
    """A node with the tree that now has it, the texts that were counted, and its coverage of such text."""

    published: PublishedTree
    chosen: ChosenTexts
    coverage: HeldOutCoverage


def learn_node(
    store: Store,
    backbone: Backbone,
    texts: Iterable[str],
    node: NodeToLearn,
    *,
    report: ReportProgress,
    work: Work,
) -> LearntNode:
    """Count ``texts``, publish their segment and the tree; what a node above has counted is passed over, and
    what tenants must not share (PersonalPieces.may_stand) is left out.

    ``texts`` is walked several times. In ``work`` a call that was killed goes on when it is made again.
    """
    above = np.zeros(0, np.uint64) if node.parent is None else counted_documents(store, node.parent)
    personal = PersonalPieces(backbone.tokenizer.pieces())
    segment, chosen = count_texts(
        backbone,
        texts,
        dataset_id=text_dataset_id(node.name),
        above=above,
        windowing=node.windowing,
        report=report,
        work=work,
        may_stand=personal.may_stand,
    )
    segments = []
    if len(chosen.hashes):
        beside = publish_segment_beside(store, segment, node.tree_uri, work=work)
        segments.append((BundleRef(beside.uri, beside.digest), segment))
    published = _publish(store, backbone, segments, node, report, work)
    report("measuring coverage", 0, 1)
    coverage = held_out_coverage(
        backbone,
        texts,
        chosen.hashes,
        above=() if node.parent is None else node.parent.tables,
        windowing=node.windowing,
        work=work,
        may_stand=personal.may_stand,
    )
    return LearntNode(published, chosen, coverage)


def _publish(
    store: Store,
    backbone: Backbone,
    segments: list[tuple[BundleRef, Segment]],
    node: NodeToLearn,
    report: ReportProgress,
    work: Work,
) -> PublishedTree:
    uri, budget = node.tree_uri, node.budget
    if node.parent is None:
        return build_root(store, backbone, segments, tree_uri=uri, report=report, budget=budget, work=work)
    return build_domain(store, node.parent, segments, name=node.name, tree_uri=uri, budget=budget, work=work)
