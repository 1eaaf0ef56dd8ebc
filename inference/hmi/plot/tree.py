"""Tree versions: a path of nodes, root first, that is published together; look-ups walk it from its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hmi.artifacts.bundle import Bundle, manifest_fields, open_bundle, write_bundle
from hmi.artifacts.store import Store
from hmi.base.errors import BundleBroken, BundleMismatch, InvalidInput
from hmi.plot.leave_one_out import LeaveOneOutLookup, NodeEvidence
from hmi.plot.merge import contains, taken_apart
from hmi.plot.segment import Segment, open_segment
from hmi.plot.table import PlotTable, open_isolated, open_table_bundle
from wire.artifacts import (
    TREE_FORMAT_VERSION,
    BundleKind,
    BundleManifest,
    PlotTreeFields,
    TreeNode,
    places_sha256,
)
from wire.ids import BundleUri, Digest


@dataclass(frozen=True, slots=True)
class PlotTree:
    """One tree version, its tables opened and verified."""

    digest: Digest
    fields: PlotTreeFields
    tables: tuple[PlotTable, ...]  # root first, as fields.nodes


def write_tree(folder: Path, backbone: Digest, nodes: Sequence[TreeNode]) -> Digest:
    """Write the manifest of a path of nodes, root first, as a bundle into an empty folder."""
    if not nodes:
        raise InvalidInput("a tree has at least its root")
    folder.mkdir(parents=True, exist_ok=True)
    fields = PlotTreeFields(backbone, tuple(nodes), places_sha256(tuple(nodes)))
    return write_bundle(folder, BundleKind.PLOT_TREE, fields)


def read_tree(store: Store, uri: BundleUri, digest: Digest, *, backbone: Digest) -> PlotTreeFields:
    """The manifest alone. Raises BundleMismatch for another backbone's tree, BundleBroken if it changed."""

    def opened(folder: Path) -> Bundle[PlotTreeFields]:
        return open_bundle(folder, kind=BundleKind.PLOT_TREE, fields_type=PlotTreeFields, digest=digest)

    bundle = store.read(uri, digest, opened, has_places=True)
    if bundle.fields.backbone != backbone:
        raise BundleMismatch(f"tree {digest} belongs to backbone {bundle.fields.backbone}, not {backbone}")
    is_covered = bundle.manifest.format_version < TREE_FORMAT_VERSION  # by the digest
    if not is_covered and bundle.fields.places_sha256 != places_sha256(bundle.fields.nodes):
        raise BundleBroken(f"tree {digest}: the places of its nodes in {uri} have changed; build it again")
    return bundle.fields


def nodes_of(manifest: BundleManifest) -> list[Digest]:
    """The tables that a tree names; of another bundle none."""
    if manifest.kind is not BundleKind.PLOT_TREE:
        return []
    fields = manifest_fields(manifest, kind=BundleKind.PLOT_TREE, fields_type=PlotTreeFields, name="a tree")
    return [node.digest for node in fields.nodes]


def open_node(store: Store, node: TreeNode, *, backbone: Digest) -> PlotTable:
    """One node's table."""
    return open_table_bundle(store.localize(node.uri, node.digest), node.digest, backbone=backbone)


def open_tree(store: Store, uri: BundleUri, digest: Digest, *, backbone: Digest) -> PlotTree:
    """The tree with all its tables."""
    fields = read_tree(store, uri, digest, backbone=backbone)
    return PlotTree(digest, fields, tuple(open_node(store, node, backbone=backbone) for node in fields.nodes))


def open_segments(store: Store, node: TreeNode, *, backbone: Digest) -> tuple[Segment, ...]:
    """The segments that a node's table was made from."""
    return tuple(
        open_segment(store.localize(ref.uri, ref.digest), ref.digest, backbone=backbone)
        for ref in node.segments
    )


def counted_documents(store: Store, tree: PlotTree) -> npt.NDArray[np.uint64]:
    """segment.text_hash of every text that some node of the tree counted."""
    found = [np.zeros(0, np.uint64)]
    for node in tree.fields.nodes:
        found += [segment.documents for segment in open_segments(store, node, backbone=tree.fields.backbone)]
    return np.unique(np.concatenate(found))


def open_leave_one_out(
    store: Store, tree: PlotTree, *, own: Segment | None = None, leaf: NodeEvidence | None = None
) -> LeaveOneOutLookup:
    """Look-ups that leave the text that is looked up out of every node.

    ``own``: the segment of the dataset whose texts these are, which a shared node may have in its sum;
    ``leaf``: a node below the tree's.
    """
    root, backbone = tree.fields.nodes[0], tree.fields.backbone
    evidence = [
        NodeEvidence(_apart(open_segments(store, node, backbone=backbone), own), table)
        for node, table in zip(tree.fields.nodes, tree.tables, strict=True)
    ]
    if leaf is not None:
        evidence.append(leaf)
    return LeaveOneOutLookup(evidence, open_isolated(store.localize(root.uri, root.digest), root.digest))


def _apart(segments: tuple[Segment, ...], own: Segment | None) -> tuple[Segment, ...]:
    """A sum that has ``own`` in it is taken as two: not all that its texts say has entered the sum."""
    if own is None:
        return segments
    parted = [taken_apart(one, own) if contains(one, own) else (one,) for one in segments]
    return tuple(part for parts in parted for part in parts)
