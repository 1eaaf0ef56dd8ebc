"""What the disk tier gives is what was asked for: a sound bundle of another digest is refused, too."""

from pathlib import Path

import pytest
import torch

from hmi.base.errors import HmiError
from hmi.cli.open_plane import packed_copies
from hmi.memory.loader import Source
from hmi.model.hplm_bank import HplmBank
from hmi.plot.tree import read_tree
from hmi.service.sources import Sources, store_sources
from tests.tiny.store import TinyStore
from wire.artifacts import BundleRef


@pytest.fixture
def sources(tiny_store: TinyStore, tmp_path: Path) -> Sources:
    fields = tiny_store.backbone.fields
    bank = HplmBank(fields, num_adapter_units=1, num_head_units=1, max_rank=8, max_labels=4)
    copies = packed_copies(tmp_path, 2**20, backbone=tiny_store.backbone.digest, dtype=torch.float32)
    return store_sources(tiny_store.store, tiny_store.backbone.digest, fields, bank, copies)


def nodes(store: TinyStore, tree: str) -> list[BundleRef]:
    ref = store.trees[tree]
    fields = read_tree(store.store, ref.uri, ref.digest, backbone=store.backbone.digest)
    return [BundleRef(node.uri, node.digest) for node in fields.nodes]


@pytest.mark.parametrize("kind", ["adapters", "trees", "tables"])
def test_a_sound_bundle_of_another_digest_is_refused(
    sources: Sources, tiny_store: TinyStore, kind: str
) -> None:
    pairs = {
        "adapters": [tiny_store.publish_adapter(seed=81), tiny_store.publish_adapter(seed=82)],
        "trees": [tiny_store.trees["film"], tiny_store.trees["market"]],
        "tables": [nodes(tiny_store, "film")[-1], nodes(tiny_store, "market")[-1]],
    }
    asked, other = pairs[kind]
    source: Source[BundleRef, object] = getattr(sources, kind)
    source.read(asked)
    source.read(other)
    with pytest.raises(HmiError, match="wanted sha256"):
        source.read(BundleRef(other.uri, asked.digest) if kind != "adapters" else _unread(asked, other))


def _unread(asked: BundleRef, other: BundleRef) -> BundleRef:
    """``other``'s place under a digest that no packed copy has: those are by digest."""
    digest = type(asked.digest)("sha256:" + "0" * 64)
    return BundleRef(other.uri, digest)
