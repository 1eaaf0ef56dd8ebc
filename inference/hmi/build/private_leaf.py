"""A task's private leaf: a node of the n-grams of its own text that no node above has counted."""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hmi.artifacts.store import Store
from hmi.build.plot_builder import beside
from hmi.plot.estimate import build_table
from hmi.plot.merge import contains, merge_segments
from hmi.plot.ngram import CentredScheme
from hmi.plot.node_budget import NodeBudget
from hmi.plot.segment import Segment
from hmi.plot.table import PlotTable, open_table_bundle, write_table_bundle
from hmi.plot.tree import PlotTree, open_segments
from wire.artifacts import BundleRef
from wire.ids import BundleUri, Digest
from wire.training import PublishedBundle

LEAST_GAIN_POINTS = 0.3
"""Of the validation metric, in points of 100: a leaf that gains less is dropped."""
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class LeafTrial:
    """What the report says of a private leaf that the recipe asked for; figures None: it was not tried."""

    is_kept: bool
    why: str  # it was kept, or not
    max_bytes: int
    num_bytes: int | None = None  # of its table
    num_rows: int | None = None
    gain_points: float | None = None  # of the validation metric, in points of 100
    validation_without: float | None = None
    validation_with: float | None = None


@dataclass(frozen=True, slots=True)
class PrivateLeaf:
    """A leaf that is not published yet."""

    segment: Segment  # what it is made of; counts of 0: n-grams of nodes above, for the prior alone
    table: PlotTable

    @property
    def num_rows(self) -> int:
        return self.table.num_rows


def leaf_trial(
    leaf: PrivateLeaf, max_bytes: int, *, without: float, with_it: float, is_cut_short: bool
) -> LeafTrial:
    """Is it worth its bytes, by the validation metric of trainings without and with it?"""
    gain = 100 * (with_it - without)
    if is_cut_short:
        is_kept, why = False, "no time was left for the whole training with it"
    elif gain >= LEAST_GAIN_POINTS:
        is_kept, why = True, f"it gained at least {LEAST_GAIN_POINTS} points on the validation rows"
    else:
        is_kept, why = False, f"it gained less than {LEAST_GAIN_POINTS} points on the validation rows"
    return LeafTrial(is_kept, why, max_bytes, leaf.table.num_bytes, leaf.num_rows, gain, without, with_it)


def private_rows(store: Store, tree: PlotTree, own: Segment) -> npt.NDArray[np.bool_]:
    """Which n-grams of the segment ``own`` no node of ``tree`` has counted of it, [rows]."""
    is_private = np.ones(len(own.keys), np.bool_)
    for node in tree.fields.nodes:
        for segment in open_segments(store, node, backbone=tree.fields.backbone):
            if contains(segment, own):
                is_private &= ~np.isin(own.keys, segment.keys)
    return is_private


def build_leaf(
    own: Segment, is_private: npt.NDArray[np.bool_], tree: PlotTree, max_bytes: int
) -> PrivateLeaf | None:
    """The leaf below ``tree``, of the rows worth most in ``max_bytes``; None where nothing is private."""
    if not is_private.any():
        return None
    segment = _private_alone(own, is_private)
    table = build_table(
        merge_segments([segment]),
        backbone=tree.fields.backbone,
        hidden=own.hidden,
        parents=tree.tables,
        isolated=None,
        budget=NodeBudget(max_bytes),
    )
    return PrivateLeaf(segment, table)


def publish_leaf(store: Store, leaf: PrivateLeaf, version_uri: BundleUri) -> PublishedBundle:
    """Put it beside the version that is trained on it."""
    with tempfile.TemporaryDirectory(prefix="hmi-leaf-") as temporary:
        folder = Path(temporary) / "leaf"
        digest = write_table_bundle(leaf.table, folder)
        uri = beside(version_uri, "leaf", digest)
        store.publish(folder, uri)
    return PublishedBundle(uri, digest, leaf.table.num_bytes)


def open_leaf(store: Store, leaf: BundleRef, backbone: Digest) -> PlotTable:
    """A leaf's table. Raises NotFound, BundleBroken, BundleMismatch."""
    return open_table_bundle(store.localize(leaf.uri, leaf.digest), leaf.digest, backbone=backbone)


def standing_leaf(store: Store, leaf: BundleRef | None) -> BundleRef | None:
    """The leaf of a version; None when it has none, or it was destroyed with the dataset it was made of."""
    return leaf if leaf is not None and store.digest(leaf.uri) == leaf.digest else None


def _private_alone(own: Segment, is_private: npt.NDArray[np.bool_]) -> Segment:
    """A private n-gram whose parts stand above brings them along without evidence: their rows are the priors
    themselves, so that nothing counts twice."""
    scheme = CentredScheme()
    is_needed = is_private.copy()
    for rung in range(len(scheme.rungs)):
        rows = scheme.rung_rows(own.keys, rung)
        chosen = np.arange(rows.start, rows.stop)[is_needed[rows]]
        for part in scheme.parts(own.keys, chosen, rung):
            is_needed[part.rows] = True
    kept = is_private[is_needed]
    return replace(
        own,
        keys=own.keys[is_needed],
        counts=np.where(kept, own.counts[is_needed], 0).astype(np.uint32),
        squares=np.where(kept, own.squares[is_needed], 0),
        means=np.where(kept[:, None], own.means[is_needed], 0).astype(np.int16),
        in_span=None,  # a leaf is of one tenant alone
    )
