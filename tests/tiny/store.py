"""A store with a tiny backbone, PLOT trees and random hPLMs, all made by the product's own builders."""

import tempfile
from pathlib import Path

import numpy as np
import torch

from hmi.artifacts.store import Store, open_store
from hmi.build.plot_builder import (
    PublishedTree,
    build_domain,
    build_root,
    count_texts,
    publish_segment_beside,
    text_dataset_id,
)
from hmi.build.windows import Windowing
from hmi.kinds.answers import answers_of
from hmi.model.adapter_bundle import save_adapter_bundle
from hmi.model.adapters.lora.config import LoraConfig
from hmi.model.adapters.methods import adapter_config
from hmi.plot.tree import counted_documents, open_tree
from tests.tiny.adapters import random_adapter, random_head
from tests.tiny.backbone import make_tiny_backbone
from wire.artifacts import BundleRef
from wire.ids import BundleUri, Digest
from wire.tasks import TaskKind

GENERAL_TEXTS = ("the film was good", "the team won a match", "bank shares rise", "a good match of the team")
DOMAIN_TEXTS = {
    "film": (
        "the film was bad",
        "the film was bad and poor",
        "very poor film and no song",
        "great film loved the song",
    ),
    "market": ("the share price rise", "bank loss and share fall", "market price of the bank was new"),
}


class TinyStore:
    """Everything that a service needs from its store."""

    def __init__(self, folder: Path) -> None:
        torch.set_num_threads(1)  # the fastest for a tiny backbone
        self.folder = folder / "store"
        self.url = self.folder.as_uri()
        self.store: Store = open_store(self.url, None)
        self.checkpoint = folder / "checkpoint"  # that the backbone was made from
        self.backbone = make_tiny_backbone(folder)
        self.backbone_ref = BundleRef(BundleUri("backbones/tiny"), self.backbone.digest)
        self.store.publish(folder / "backbone", self.backbone_ref.uri)
        root = self._build("general", GENERAL_TEXTS, None)
        self.trees = {"general": BundleRef(root.tree.uri, root.tree.digest)}
        for name, texts in DOMAIN_TEXTS.items():
            tree = self._build(name, texts, self.trees["general"])
            self.trees[name] = BundleRef(tree.tree.uri, tree.tree.digest)
        self._num_adapters = 0

    def publish_adapter(
        self,
        *,
        labels: tuple[str, ...] = ("no", "yes"),
        seed: int,
        domain: str = "general",
        rank: int = 8,
        max_tokens: int = 32,
        backbone: Digest | None = None,
        head_seed: int | None = None,
        scale: float = 0.3,
        label_set_thresholds: tuple[float, ...] = (),
        kind: TaskKind = TaskKind.SINGLE_LABEL,
        method: str = LoraConfig.method,
    ) -> BundleRef:
        """A random adapter and head, large enough to change labels."""
        fields = self.backbone.fields
        self._num_adapters += 1
        uri = BundleUri(f"versions/{self._num_adapters}")
        with tempfile.TemporaryDirectory() as temporary:
            digest = save_adapter_bundle(
                Path(temporary),
                adapter=random_adapter(
                    fields, seed=seed, config=adapter_config(method, rank=rank, alpha=16.0), scale=scale
                ),
                head=random_head(
                    fields,
                    num_labels=answers_of(kind).num_outputs(labels),
                    seed=seed if head_seed is None else head_seed,
                ),
                labels=labels,
                max_tokens=max_tokens,
                backbone_fields=fields,
                backbone=self.backbone.digest if backbone is None else backbone,
                tree=self.trees[domain].digest,
                metrics={},
                label_set_thresholds=label_set_thresholds,
                kind=kind,
                thresholds=(0.5,) * len(labels) if kind is TaskKind.MULTI_LABEL else (),
            )
            self.store.publish(Path(temporary), uri)
        return BundleRef(uri, digest)

    def path_of(self, ref: BundleRef) -> Path:
        """The bundle's folder, to be damaged."""
        return self.store.localize(ref.uri, ref.digest)

    def _build(self, name: str, texts: tuple[str, ...], parent: BundleRef | None) -> PublishedTree:
        uri = BundleUri(f"trees/{name}")
        above = (
            None
            if parent is None
            else open_tree(self.store, parent.uri, parent.digest, backbone=self.backbone.digest)
        )
        segment, _ = count_texts(
            self.backbone,
            texts,
            dataset_id=text_dataset_id(name),
            above=np.zeros(0, np.uint64) if above is None else counted_documents(self.store, above),
            windowing=Windowing(window_tokens=32, max_windows=1),
            report=_unheard,
        )
        published = publish_segment_beside(self.store, segment, uri)
        segments = [(BundleRef(published.uri, published.digest), segment)]
        if above is None:
            return build_root(self.store, self.backbone, segments, tree_uri=uri, report=_unheard)
        return build_domain(self.store, above, segments, name=name, tree_uri=uri)


def _unheard(message: str, step: int, num_steps: int) -> None:
    """Progress that nobody reads."""
