"""A tree is published with its nodes and opened with the backbone it was made for, or not at all."""

import hashlib
import uuid
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hmi.artifacts.store import FolderStore, open_store
from hmi.base.errors import BundleBroken, BundleMismatch, InvalidInput, NotFound
from hmi.memory.budget import Budget
from hmi.memory.tier import MemoryTier
from hmi.plot.segment import write_segment
from hmi.plot.table import write_table_bundle
from hmi.plot.tree import PlotTree, counted_documents, open_leave_one_out, open_tree, read_tree, write_tree
from tests.hmi.plot.worlds import BACKBONE, HIDDEN, World, counted, pack, random_text, segments_of, tables_of
from wire.artifacts import MANIFEST_FILE, BundleKind, BundleManifest, BundleRef, TreeNode
from wire.codec import to_json, to_plain
from wire.ids import BundleUri, Digest

FOREIGN = Digest("sha256:" + "c" * 64)
TREE_URI = BundleUri("trees/sport")


def small_world() -> World:
    random = np.random.default_rng(5)
    texts = tuple(random_text(random, [6]) for _ in range(6))
    return World(texts, (((0, 1, 2),), ((3, 4), (4, 5))), random.normal(size=(5, HIDDEN)).astype(np.float32))


def publish(world: World, store: FolderStore, work: Path, at: str = "") -> Digest:
    """Below ``at`` in the store."""
    nodes = []
    for place, (table, segments) in enumerate(zip(tables_of(world), segments_of(world), strict=True)):
        refs = []
        for i, segment in enumerate(segments):
            uri = BundleUri(f"{at}segments/{place}-{i}")
            refs.append(BundleRef(uri, write_segment(segment, work / uri)))
            store.publish(work / uri, uri)
        uri = BundleUri(f"{at}nodes/{place}")
        digest = write_table_bundle(table, work / uri, isolated=None if place else world.isolated)
        store.publish(work / uri, uri)
        nodes.append(TreeNode(f"node {place}", uri, digest, tuple(refs)))
    digest = write_tree(work / at / "tree", BACKBONE, nodes)
    store.publish(work / at / "tree", BundleUri(f"{at}{TREE_URI}"))
    return digest


def opened(tmp_path: Path) -> tuple[World, FolderStore, PlotTree]:
    world, store = small_world(), FolderStore(tmp_path / "store")
    digest = publish(world, store, tmp_path / "work")
    return world, store, open_tree(store, TREE_URI, digest, backbone=BACKBONE)


def test_a_published_tree_is_opened_root_first(tmp_path: Path) -> None:
    world, _, tree = opened(tmp_path)
    assert [node.name for node in tree.fields.nodes] == ["node 0", "node 1"]
    for table, expected in zip(tree.tables, tables_of(world), strict=True):
        assert table.fields == expected.fields
        np.testing.assert_array_equal(table.codes, expected.codes)


def test_equal_nodes_make_equal_trees_wherever_they_lie(tmp_path: Path) -> None:
    _, store, tree = opened(tmp_path)
    assert publish(small_world(), store, tmp_path / "work", at="elsewhere/") == tree.digest
    there = open_tree(store, BundleUri(f"elsewhere/{TREE_URI}"), tree.digest, backbone=BACKBONE)
    assert [node.uri for node in there.fields.nodes] == ["elsewhere/nodes/0", "elsewhere/nodes/1"]
    root, domain = tree.fields.nodes
    first, second = domain.segments
    others: list[tuple[TreeNode, ...]] = [
        (root,),
        (domain, root),
        (root, replace(domain, name="node 2")),
        (root, replace(domain, digest=FOREIGN)),
        (root, replace(domain, segments=(first,))),
        (root, replace(domain, segments=(first, replace(second, digest=FOREIGN)))),
    ]
    digests = {write_tree(tmp_path / str(i), BACKBONE, nodes) for i, nodes in enumerate(others)}
    digests.add(write_tree(tmp_path / "foreign", FOREIGN, (root, domain)))
    assert len({tree.digest, *digests}) == len(others) + 2, "of other content"


def test_the_same_tree_at_two_places_of_a_remote_store_has_the_parts_of_each(tmp_path: Path) -> None:
    local = FolderStore(tmp_path / "store")
    digest = publish(small_world(), local, tmp_path / "work")
    publish(small_world(), local, tmp_path / "work", at="elsewhere/")
    budget = Budget(MemoryTier.DISK, 1 << 20)
    for held in (None, budget):
        remote = open_store(f"memory://{uuid.uuid4().hex}", tmp_path / f"cache-{held is None}", held)
        for at in ("", "elsewhere/"):
            remote.publish(tmp_path / "work" / at / "tree", BundleUri(f"{at}{TREE_URI}"))
        for at in ("", "elsewhere/"):
            fields = read_tree(remote, BundleUri(f"{at}{TREE_URI}"), digest, backbone=BACKBONE)
            assert fields.nodes[0].uri == f"{at}nodes/0"


def test_a_changed_place_is_noticed_though_the_digest_leaves_it_out(tmp_path: Path) -> None:
    _, store, tree = opened(tmp_path)
    path = tmp_path / "store" / TREE_URI / MANIFEST_FILE
    sound = path.read_bytes()
    for place in range(len(sound)):
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 1]) + sound[place + 1 :])
        with pytest.raises((BundleBroken, BundleMismatch)):
            read_tree(store, TREE_URI, tree.digest, backbone=BACKBONE)


def test_a_tree_of_an_older_release_is_read_by_the_digest_it_had(tmp_path: Path) -> None:
    world, store, tree = opened(tmp_path)
    fields = {name: value for name, value in to_plain(tree.fields).items() if name != "places_sha256"}
    older = BundleManifest(BundleKind.PLOT_TREE, 1, {}, fields)
    digest = Digest("sha256:" + hashlib.sha256(to_json(older).encode()).hexdigest())
    (tmp_path / "older").mkdir()
    (tmp_path / "older" / MANIFEST_FILE).write_text(to_json(older))
    store.publish(tmp_path / "older", BundleUri("trees/older"))
    found = open_tree(store, BundleUri("trees/older"), digest, backbone=BACKBONE)
    assert found.fields.nodes == tree.fields.nodes
    assert len(found.tables) == len(tables_of(world))


def test_it_knows_the_texts_of_all_its_nodes(tmp_path: Path) -> None:
    _, store, tree = opened(tmp_path)
    assert counted_documents(store, tree).tolist() == [0, 1, 2, 3, 4, 5]


def test_documents_are_left_out_of_an_opened_tree(tmp_path: Path) -> None:
    world, store, tree = opened(tmp_path)
    lookup = open_leave_one_out(store, tree)
    documents, _ = pack([world.texts[4]])
    out = np.empty((documents.num_tokens, HIDDEN), np.float32)
    result = lookup.lookup(documents, np.array([4], np.uint64), counted([world.texts[4]]), out)
    assert len(result.rung) == documents.num_tokens
    assert np.isfinite(out).all()


def test_another_backbones_tree_and_an_absent_one_are_refused(tmp_path: Path) -> None:
    _, store, tree = opened(tmp_path)
    with pytest.raises(BundleMismatch, match="belongs to backbone"):
        open_tree(store, TREE_URI, tree.digest, backbone=FOREIGN)
    with pytest.raises(NotFound, match="no bundle at trees/none"):
        open_tree(store, BundleUri("trees/none"), tree.digest, backbone=BACKBONE)


def test_a_tree_whose_node_is_gone_is_refused(tmp_path: Path) -> None:
    _, store, tree = opened(tmp_path)
    store.delete(tree.fields.nodes[0].uri)
    with pytest.raises(NotFound, match="no bundle at nodes/0"):
        open_tree(store, TREE_URI, tree.digest, backbone=BACKBONE)


def test_a_tree_without_nodes_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="at least its root"):
        write_tree(tmp_path / "t", BACKBONE, ())
