"""What a training teaches its domain: the dataset's segment, and the tree version that has it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hmi.artifacts.bundle import bundle_digest, read_manifest
from hmi.artifacts.store import Store
from hmi.build.plot_builder import build_domain, count_texts, windowing_of
from hmi.build.windows import FRAME_TOKENS, Windowing
from hmi.build.work_folder import WorkFolder
from hmi.model.backbone import Backbone
from hmi.model.estimators import ReportProgress
from hmi.plot.segment import Segment, open_segment, write_segment
from hmi.plot.tree import PlotTree, counted_documents, open_tree
from wire.artifacts import BundleRef
from wire.ids import BundleUri, Digest
from wire.training import PublishedBundle, SegmentRef, TrainJob

SEGMENT_FOLDER = "segment"


@dataclass(frozen=True, slots=True)
class DomainAbove:
    """What stood before this training: the parent's tree and the domain's other segments."""

    parent: PlotTree
    parent_documents: npt.NDArray[np.uint64]  # hashes of the texts that the parent's nodes counted
    siblings: tuple[tuple[BundleRef, Segment], ...]

    @property
    def documents(self) -> npt.NDArray[np.uint64]:
        """Hashes of all texts that a look-up in the domain would find traces of."""
        return np.concatenate([self.parent_documents, *(segment.documents for _, segment in self.siblings)])


@dataclass(frozen=True, slots=True)
class LearnedDomain:
    """The domain's tree with this dataset's segment in it, both in the store."""

    tree: PlotTree
    published_tree: PublishedBundle  # num_bytes: of the domain's own node
    published_segment: PublishedBundle


def open_above(store: Store, job: TrainJob, backbone: Backbone) -> DomainAbove:
    """Open the parent's tree and the other segments. Raises NotFound, BundleBroken, BundleMismatch."""
    parent = open_tree(store, job.tree_uri, job.tree_digest, backbone=backbone.digest)
    others = [ref for ref in job.segments if ref.dataset_id != job.dataset_id]
    return DomainAbove(
        parent=parent,
        parent_documents=counted_documents(store, parent),
        siblings=tuple(
            (BundleRef(ref.uri, ref.digest), _open_sibling(store, ref, backbone)) for ref in others
        ),
    )


def learn_domain(
    store: Store,
    job: TrainJob,
    backbone: Backbone,
    above: DomainAbove,
    texts: Sequence[str],
    *,
    work: WorkFolder,
    report: ReportProgress,
) -> LearnedDomain:
    """Make and publish the segment of the training ``texts`` and the domain's tree; what stands already is
    kept."""
    segment_digest = _segment(store, job, backbone, above, texts, work=work, report=report)
    own = BundleRef(job.segment_out_uri, segment_digest)
    if store.digest(job.tree_out_uri) is None:
        segment = open_segment(store.localize(own.uri, own.digest), own.digest, backbone=backbone.digest)
        build_domain(
            store,
            above.parent,
            [*above.siblings, (own, segment)],
            name=job.domain_id,
            tree_uri=job.tree_out_uri,
        )
    digest = store.digest(job.tree_out_uri)
    assert digest is not None, "the tree was just published"
    tree = open_tree(store, job.tree_out_uri, digest, backbone=backbone.digest)
    node = tree.fields.nodes[-1]
    return LearnedDomain(
        tree=tree,
        published_tree=PublishedBundle(job.tree_out_uri, digest, bundle_bytes(store, node.uri, node.digest)),
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


def _segment(
    store: Store,
    job: TrainJob,
    backbone: Backbone,
    above: DomainAbove,
    texts: Sequence[str],
    *,
    work: WorkFolder,
    report: ReportProgress,
) -> Digest:
    # Published from the work folder: after a kill the very same bytes are published again.
    folder = work.bundle(SEGMENT_FOLDER)
    if folder is None:
        segment, _ = count_texts(
            backbone,
            texts,
            dataset_id=job.dataset_id,
            above=above.parent_documents,
            windowing=domain_windowing(store, above.parent, job.recipe.max_tokens),
            report=report,
        )
        folder = work.new_bundle(SEGMENT_FOLDER)
        write_segment(segment, folder)
    store.publish(folder, job.segment_out_uri)
    return bundle_digest(read_manifest(folder))


def _open_sibling(store: Store, ref: SegmentRef, backbone: Backbone) -> Segment:
    return open_segment(store.localize(ref.uri, ref.digest), ref.digest, backbone=backbone.digest)
