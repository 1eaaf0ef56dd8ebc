"""What a training teaches its domain: the dataset's segment, and the tree version that has it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hmi.artifacts.bundle import read_manifest
from hmi.artifacts.store import Store
from hmi.base.errors import AlreadyExists, HmiError, NotFound
from hmi.build.plot_builder import build_domain, count_texts, publish_segment, windowing_of
from hmi.build.windows import FRAME_TOKENS, Windowing
from hmi.model.backbone import Backbone
from hmi.model.estimators import ReportProgress
from hmi.plot.counting import Work
from hmi.plot.node_budget import node_budget
from hmi.plot.segment import Segment, open_segment
from hmi.plot.state_sums import States
from hmi.plot.tree import PlotTree, counted_documents, open_tree
from wire.artifacts import BundleRef
from wire.errors import ErrorCode
from wire.ids import BundleUri, Digest
from wire.training import PublishedBundle, TrainJob


@dataclass(frozen=True, slots=True)
class DomainAbove:
    """What stood before this training: the parent's tree and the domain's segments."""

    parent: PlotTree
    parent_documents: npt.NDArray[np.uint64]  # hashes of the texts that the parent's nodes counted
    siblings: tuple[tuple[BundleRef, Segment], ...]
    own: Segment | None  # this dataset's, left by an earlier training, or by this one before it was killed

    @property
    def documents(self) -> npt.NDArray[np.uint64]:
        """Hashes of the texts from elsewhere that a look-up in the domain would find traces of."""
        return np.concatenate([self.parent_documents, *(segment.documents for _, segment in self.siblings)])

    @property
    def own_documents(self) -> npt.NDArray[np.uint64]:
        """Hashes of this dataset's texts that its segment holds already: they trained, and train again."""
        return np.zeros(0, np.uint64) if self.own is None else self.own.documents


@dataclass(frozen=True, slots=True)
class LearnedDomain:
    """The domain's tree with this dataset's segment in it, both in the store. A shared one keeps its own."""

    tree: PlotTree
    own: Segment
    published_tree: PublishedBundle  # num_bytes: of the domain's own node
    published_segment: PublishedBundle


def open_above(store: Store, job: TrainJob, backbone: Backbone) -> DomainAbove:
    """Open the parent's tree and the other segments. Raises NotFound, BundleBroken, BundleMismatch."""
    parent = open_tree(store, job.tree_uri, job.tree_digest, backbone=backbone.digest)
    own_digest = store.digest(job.segment_out_uri)
    others = [ref for ref in job.segments if ref.dataset_id != job.dataset_id]
    return DomainAbove(
        parent=parent,
        parent_documents=counted_documents(store, parent),
        siblings=tuple(
            (BundleRef(ref.uri, ref.digest), _open(store, ref.uri, ref.digest, backbone)) for ref in others
        ),
        own=None if own_digest is None else _open(store, job.segment_out_uri, own_digest, backbone),
    )


def learn_domain(
    store: Store,
    job: TrainJob,
    backbone: Backbone,
    above: DomainAbove,
    texts: Sequence[str],
    *,
    states: States,
    report: ReportProgress,
    work: Work,
) -> LearnedDomain:
    """Make and publish the segment of the training ``texts`` and the domain's tree; what stands is kept.
    ``states``: contextual_states() of windows; ``work``: where what does not fit in memory waits.

    A shared domain learns by its updates alone: its tree stays as it is. A dataset has one segment, whatever
    is trained on it later: what it holds must train (own_documents).
    """
    if above.own is None:
        _publish_new_segment(store, job, backbone, above, texts, states=states, report=report, work=work)
    own = BundleRef(job.segment_out_uri, _standing(store, job.segment_out_uri))
    segment = _open(store, own.uri, own.digest, backbone)
    if job.is_domain_shared:
        uri, tree = job.tree_uri, above.parent
    else:
        uri = job.tree_out_uri
        segments = [*above.siblings, (own, segment)]
        if store.digest(uri) is None:
            build_domain(
                store,
                above.parent,
                segments,
                name=job.domain_id,
                tree_uri=uri,
                budget=node_budget(job.max_node_bytes),
                work=work,
            )
        tree = open_tree(store, uri, _standing(store, uri), backbone=backbone.digest)
        _check_made_of(tree, above.parent, [ref for ref, _ in segments])
    node = tree.fields.nodes[-1]
    return LearnedDomain(
        tree=tree,
        own=segment,
        published_tree=PublishedBundle(uri, tree.digest, bundle_bytes(store, node.uri, node.digest)),
        published_segment=PublishedBundle(own.uri, own.digest, bundle_bytes(store, own.uri, own.digest)),
    )


def domain_windowing(store: Store, parent: PlotTree, max_tokens: int) -> Windowing:
    """As the nodes above cut their texts, and as much of each as a model of ``max_tokens`` reads."""
    window_tokens = windowing_of(store, parent).window_tokens
    read, in_window = max_tokens - FRAME_TOKENS, window_tokens - FRAME_TOKENS
    return Windowing(window_tokens, max(1, -(-read // in_window)))


def bundle_bytes(store: Store, uri: BundleUri, digest: Digest) -> int:
    """Size of a bundle's files."""
    return sum(entry.num_bytes for entry in read_manifest(store.localize(uri, digest)).files.values())


def _publish_new_segment(
    store: Store,
    job: TrainJob,
    backbone: Backbone,
    above: DomainAbove,
    texts: Sequence[str],
    *,
    states: States,
    report: ReportProgress,
    work: Work,
) -> None:
    segment, _ = count_texts(
        backbone,
        texts,
        dataset_id=job.dataset_id,
        above=above.parent_documents,
        windowing=domain_windowing(store, above.parent, job.recipe.max_tokens),
        report=report,
        states=states,
        work=work,
    )
    try:
        publish_segment(store, segment, job.segment_out_uri, work=work)
    except AlreadyExists as exc:
        raise HmiError(
            ErrorCode.CONFLICT,
            "another training of this dataset has published its segment meanwhile; the next attempt uses it",
            retryable=True,
        ) from exc


def _check_made_of(tree: PlotTree, parent: PlotTree, segments: Sequence[BundleRef]) -> None:
    """Raise AlreadyExists for a tree that an attempt with another job has left: what it was made of may have
    been deleted since."""
    *nodes, own = tree.fields.nodes
    if tuple(nodes) != tuple(parent.fields.nodes) or set(own.segments) != set(segments):
        raise AlreadyExists("a tree of other segments stands where this training's is to be")


def _standing(store: Store, uri: BundleUri) -> Digest:
    digest = store.digest(uri)
    if digest is None:
        raise NotFound(f"there is no bundle at {uri}")
    return digest


def _open(store: Store, uri: BundleUri, digest: Digest, backbone: Backbone) -> Segment:
    return open_segment(store.localize(uri, digest), digest, backbone=backbone.digest)
