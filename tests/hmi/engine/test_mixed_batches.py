"""The real runner over a tiny backbone: mixed batches, fewer slots than tasks, broken bundles."""

import random
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import fsspec
import numpy as np
import numpy.typing as npt
import peft
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from hmi.artifacts.bundle import manifest_fields, read_manifest, write_bundle
from hmi.artifacts.packed_copies import PackedCopies
from hmi.artifacts.store import Store, open_store
from hmi.base.clock import SystemClock
from hmi.base.errors import BundleBroken, HmiError
from hmi.cli.open_plane import MakeSources, open_plane
from hmi.engine.batch import BatchRecord
from hmi.engine.request import EngineAnswer, EngineRequest, HplmRef
from hmi.engine.runner import ModelRunner
from hmi.kinds.single_label import softmax
from hmi.memory.budget import Budget
from hmi.memory.loader import Source
from hmi.memory.tier import MemoryTier
from hmi.model.adapter_bundle import open_adapter_bundle
from hmi.model.heads import MAX_LABELS, PackedHead
from hmi.model.hplm_bank import HplmBank, PackedHplm
from hmi.model.token_chunks import CHUNK_TOKENS, MAX_EVEN_WIDTH
from hmi.plot.tree import read_tree
from hmi.service.live_plane import LivePlane
from hmi.service.sources import Sources, store_sources
from tests.fakes.settings import service_settings
from tests.tiny.adapters import random_head
from tests.tiny.device import DEVICE
from tests.tiny.store import TinyStore
from wire.artifacts import AdapterFields, BackboneFields, BundleKind, BundleRef
from wire.ids import BundleUri, Digest, RequestId, TaskId, TenantId
from wire.tasks import TaskKind
from wire.training import METHODS

TEXTS = (
    "the film was good",
    "a very bad match",
    "share price of the bank",
    "computer network and music",
    "no",
)
WAIT_S = 60
Probabilities = npt.NDArray[np.float32]


class Bench:
    """A plane whose engine a test feeds."""

    def __init__(
        self,
        store: TinyStore,
        folder: Path,
        *,
        make_sources: MakeSources = store_sources,
        remote: Store | None = None,
        **changes: int | str,
    ) -> None:
        """``remote``: to be read instead of the folder of ``store``."""
        self.batches: list[BatchRecord] = []
        self.store = store
        settings = service_settings(store.url, folder, **changes)
        self.plane: LivePlane = open_plane(
            store.backbone_ref,
            settings,
            remote or store.store,
            on_batch=self.batches.append,
            make_sources=make_sources,
        )

    def request(
        self, hplm: HplmRef, texts: tuple[str, ...] = TEXTS, tenant: str = "acme", *, floor: float = 0.0
    ) -> EngineRequest:
        encoded = self.store.backbone.tokenizer.encode(texts, 32)
        return EngineRequest(
            request_id=RequestId("r"),
            tenant_id=TenantId(tenant),
            task_id=TaskId(tenant),
            hplm=hplm,
            documents=encoded.documents,
            deadline=SystemClock().monotonic() + WAIT_S,
            coverage_floor=floor,
        )

    def submit(self, *requests: EngineRequest) -> list[EngineAnswer]:
        for request in requests:
            self.plane.engine.submit(request)
        self.run_until_done(*requests)
        return [request.future.result(0) for request in requests]

    def run_until_done(self, *requests: EngineRequest) -> None:
        """Step as the engine's thread would; loads go on in theirs."""
        end = time.monotonic() + WAIT_S
        while not all(request.future.done() for request in requests):
            assert time.monotonic() < end, "no answer came"
            if not self.plane.engine.step():
                self.plane.engine.wait(0.1)

    def alone(self, hplm: HplmRef, texts: tuple[str, ...] = TEXTS) -> Probabilities:
        return probabilities(self.submit(self.request(hplm, texts))[0])


def probabilities(answer: EngineAnswer) -> Probabilities:
    return softmax(np.concatenate([document.outputs for document in answer.documents]))


@pytest.fixture
def bench(tiny_store: TinyStore, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tiny_store, tmp_path)
    yield made
    made.plane.close()


def hplm_of(store: TinyStore, seed: int, domain: str = "general", num_labels: int = 2) -> HplmRef:
    labels = tuple(f"label {n}" for n in range(num_labels))
    return HplmRef(store.publish_adapter(labels=labels, seed=seed, domain=domain), store.trees[domain])


def mixed(bench: Bench, *requests: EngineRequest) -> list[EngineAnswer]:
    """Answers of requests that ran in one batch: their models are brought near before."""
    for request in requests:
        bench.submit(bench.request(request.hplm, ("warm",)))
    bench.batches.clear()
    answers = bench.submit(*requests)
    assert len(bench.batches) == 1, "it was not one batch"
    return answers


def test_two_tenants_in_one_batch_get_what_each_gets_alone(bench: Bench) -> None:
    acme = hplm_of(bench.store, seed=1, domain="film", num_labels=2)
    globex = hplm_of(bench.store, seed=2, domain="market", num_labels=11)
    alone = bench.alone(acme), bench.alone(globex)
    together = mixed(bench, bench.request(acme), bench.request(globex, tenant="globex"))
    assert bench.batches[0].tenants == {"acme", "globex"}
    assert bench.batches[0].adapters == {acme.adapter.digest, globex.adapter.digest}
    assert bench.batches[0].num_rows == 2 * len(TEXTS)
    for one, answer in zip(alone, together, strict=True):
        np.testing.assert_allclose(probabilities(answer), one, atol=1e-4)
    assert probabilities(together[1]).shape == (len(TEXTS), 11)
    np.testing.assert_allclose(probabilities(together[1]).sum(1), 1.0, atol=1e-5)


def test_methods_of_adapters_are_mixed_in_one_batch(bench: Bench) -> None:
    """Each with what it answers alone; same head, same tree: only the adapters differ."""
    hplms = [
        HplmRef(
            bench.store.publish_adapter(
                labels=tuple("abcdefghijk"), seed=seed, head_seed=7, method=method, rank=rank
            ),
            bench.store.trees["general"],
        )
        for seed, method, rank in ((1, "lora", 8), (2, "bottleneck", 8), (3, "bottleneck", 5))
    ]
    alone = [bench.alone(hplm) for hplm in hplms]
    together = mixed(bench, *(bench.request(hplm, tenant=str(n)) for n, hplm in enumerate(hplms)))
    assert len(bench.batches[0].adapters) == 3
    for one, answer in zip(alone, together, strict=True):
        np.testing.assert_allclose(probabilities(answer), one, atol=1e-4)
    assert len({tuple(scores.argmax(1).tolist()) for scores in alone}) == 3


def test_adapters_differ_enough_to_change_labels(bench: Bench) -> None:
    """Else the test above could not fail. Same head, same tree: only the adapters differ."""
    first, second = (
        HplmRef(
            bench.store.publish_adapter(labels=tuple("abcdefghijk"), seed=seed, head_seed=7),
            bench.store.trees["general"],
        )
        for seed in (1, 2)
    )
    together = mixed(bench, bench.request(first), bench.request(second, tenant="globex"))
    labels = [probabilities(answer).argmax(1).tolist() for answer in together]
    assert labels[0] != labels[1]


def test_trees_differ_in_their_answers_and_coverage(bench: Bench) -> None:
    adapter = bench.store.publish_adapter(seed=3)
    film, market = (HplmRef(adapter, bench.store.trees[name]) for name in ("film", "market"))
    text = ("the film was bad",)
    together = mixed(bench, bench.request(film, text), bench.request(market, text))
    assert together[0].documents[0].coverage.trigram > together[1].documents[0].coverage.trigram
    assert not np.allclose(probabilities(together[0]), probabilities(together[1]), atol=1e-4)
    coverage = together[0].documents[0].coverage
    assert coverage.trigram + coverage.bigram + coverage.unigram == pytest.approx(1.0)


def test_a_private_leaf_answers_its_own_task_alone(bench: Bench) -> None:
    """Two tenants of one domain, the same adapter, one batch: only one of them has a leaf."""
    adapter, tree = bench.store.publish_adapter(seed=4), bench.store.trees["general"]
    film = bench.store.trees["film"]
    fields = read_tree(bench.store.store, film.uri, film.digest, backbone=bench.store.backbone.digest)
    node = fields.nodes[-1]
    leafy, plain = HplmRef(adapter, tree, BundleRef(node.uri, node.digest)), HplmRef(adapter, tree)
    text = ("the film was bad",)
    alone = bench.alone(leafy, text), bench.alone(plain, text)
    assert not np.allclose(*alone, atol=1e-4), "the leaf must matter"
    together = mixed(bench, bench.request(leafy, text), bench.request(plain, text, tenant="globex"))
    for one, answer in zip(alone, together, strict=True):
        np.testing.assert_allclose(probabilities(answer), one, atol=1e-4)
    with_leaf, without = (answer.documents[0].nodes for answer in together)
    assert max(with_leaf) == 1
    assert max(without) == 0, "no token of another tenant was answered by the leaf"
    np.testing.assert_allclose(
        alone[0], bench.alone(HplmRef(adapter, bench.store.trees["film"]), text), atol=1e-4
    )


def test_the_order_of_a_batch_does_not_matter(bench: Bench) -> None:
    hplms = [hplm_of(bench.store, seed=seed) for seed in (11, 12, 13)]
    forward = mixed(bench, *(bench.request(hplm, tenant=str(n)) for n, hplm in enumerate(hplms)))
    backward = mixed(
        bench, *(bench.request(hplm, tenant=str(n)) for n, hplm in reversed([*enumerate(hplms)]))
    )
    for one, other in zip(forward, reversed(backward), strict=True):
        np.testing.assert_allclose(probabilities(one), probabilities(other), atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_the_forward_reads_the_arena_and_not_the_source(bench: Bench, method: str) -> None:
    adapter = bench.store.publish_adapter(seed=21, method=method)
    hplm = HplmRef(adapter, bench.store.trees["general"])
    before = bench.alone(hplm)
    lease = bench.plane.adapters.acquire(hplm.adapter).result(WAIT_S)
    with lease:  # the very tensors that were promoted
        assert lease.value.adapter is not None
        lease.value.adapter.units.fill_(float("nan"))
        lease.value.head.units.fill_(float("nan"))
    np.testing.assert_array_equal(bench.alone(hplm), before)


class WatchedAdapters:
    """Adapters, and how many cores each one's reading might use."""

    def __init__(self, source: Source[BundleRef, PackedHplm], cores: list[int]) -> None:
        self._source = source
        self._cores = cores

    def measure(self, key: BundleRef) -> int:
        return self._source.measure(key)

    def read(self, key: BundleRef) -> PackedHplm:
        self._cores.append(torch.get_num_threads())
        return self._source.read(key)


def test_what_loads_an_adapter_leaves_the_cores_to_the_forward(tiny_store: TinyStore, tmp_path: Path) -> None:
    cores: list[int] = []

    def watched(
        store: Store, backbone: Digest, fields: BackboneFields, bank: HplmBank, copies: PackedCopies
    ) -> Sources:
        real = store_sources(store, backbone, fields, bank, copies)
        return replace(real, adapters=WatchedAdapters(real.adapters, cores))

    before = torch.get_num_threads()
    torch.set_num_threads(2)  # of threads that begin from now on as well
    try:
        bench = Bench(tiny_store, tmp_path, make_sources=watched)
        bench.alone(hplm_of(tiny_store, seed=41))
        bench.plane.close()
    finally:
        torch.set_num_threads(before)
    assert cores == [1]


def test_more_tasks_than_slots_get_right_answers_always(tiny_store: TinyStore, tmp_path: Path) -> None:
    bench = Bench(tiny_store, tmp_path, max_batch_adapters=2, max_batch_tokens=64, device_bytes=1_500_000)
    assert bench.plane.placement.num_slots == 2
    chance = random.Random(5)
    names = list(tiny_store.trees)
    hplms = [hplm_of(tiny_store, seed=30 + n, domain=names[n % 3], num_labels=2 + n) for n in range(7)]
    expected = [bench.alone(hplm) for hplm in hplms]
    for _ in range(40):
        chosen = [chance.randrange(7) for _ in range(chance.randrange(1, 6))]
        requests = [bench.request(hplms[n], tenant=f"tenant {n}") for n in chosen]
        cancelled = [request for request in requests if chance.random() < 0.2]
        for request in requests:
            bench.plane.engine.submit(request)
        for request in cancelled:
            request.future.cancel()
        bench.run_until_done(*requests)
        for n, request in zip(chosen, requests, strict=True):
            if request not in cancelled:
                answer = request.future.result(0)
                np.testing.assert_allclose(probabilities(answer), expected[n], atol=1e-4)
        bench.plane.engine.check_integrity()
    assert max(len(batch.adapters) for batch in bench.batches) == 2
    bench.plane.close()


def test_a_request_spread_over_batches_is_answered_whole(tiny_store: TinyStore, tmp_path: Path) -> None:
    bench = Bench(tiny_store, tmp_path, max_batch_rows=2)
    hplm = hplm_of(tiny_store, seed=41)
    whole = bench.alone(hplm)
    assert len(bench.batches) == 3
    each = np.concatenate([bench.alone(hplm, (text,)) for text in TEXTS])
    np.testing.assert_allclose(whole, each, atol=1e-4)
    bench.plane.close()


def _truncate(folder: Path) -> None:
    file = folder / "head.safetensors"
    file.write_bytes(file.read_bytes()[:-8])


def _change_a_byte(folder: Path) -> None:
    file = folder / "head.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content))


def _remove_the_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


@pytest.mark.parametrize("damage", [_truncate, _change_a_byte, _remove_the_manifest])
def test_a_damaged_bundle_fails_alone(bench: Bench, damage: Callable[[Path], None]) -> None:
    good, bad = hplm_of(bench.store, seed=51), hplm_of(bench.store, seed=52)
    damage(bench.store.path_of(bad.adapter))
    requests = [bench.request(good), bench.request(bad, tenant="globex"), bench.request(good)]
    for request in requests:
        bench.plane.engine.submit(request)
    bench.run_until_done(*requests)
    assert len(requests[0].future.result(0).documents) == len(requests[2].future.result(0).documents) == 5
    with pytest.raises(HmiError) as caught:
        requests[1].future.result(0)
    assert caught.value.code.value == "bundle_broken"


def _with_a_head_of_nothing(store: TinyStore) -> BundleRef:
    """A bundle that is sound but for its numbers, as no builder of ours would write it."""
    ref, uri = store.publish_adapter(seed=56), BundleUri("versions/nothing")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(store.path_of(ref), folder, dirs_exist_ok=True)
        fields = manifest_fields(
            read_manifest(folder), kind=BundleKind.ADAPTER, fields_type=AdapterFields, name="copied"
        )
        (folder / "manifest.json").unlink()
        head = load_file(folder / "head.safetensors")
        save_file(
            {part: torch.full_like(of, torch.nan) for part, of in head.items()}, folder / "head.safetensors"
        )
        digest = write_bundle(folder, BundleKind.ADAPTER, fields)
        store.store.publish(folder, uri)
    return BundleRef(uri, digest)


def test_numbers_that_are_none_fail_alone_and_are_quarantined(bench: Bench) -> None:
    good, tree = hplm_of(bench.store, seed=55), bench.store.trees["general"]
    bad = HplmRef(_with_a_head_of_nothing(bench.store), tree)
    requests = [bench.request(good), bench.request(bad, tenant="globex")]
    for request in requests:
        bench.plane.engine.submit(request)
    bench.run_until_done(*requests)
    assert len(requests[0].future.result(0).documents) == len(TEXTS)
    with pytest.raises(HmiError) as caught:
        requests[1].future.result(0)
    assert caught.value.code.value == "bundle_broken"
    bench.plane.follow_now(frozenset({good, bad}))
    (told,) = [item for item in bench.plane.residency().adapters.items if item.digest == bad.adapter.digest]
    assert told.quarantined, "the operator sees which and why"


def test_a_broken_leaf_fails_its_own_task_alone(bench: Bench) -> None:
    adapter, tree, film = (
        bench.store.publish_adapter(seed=57),
        bench.store.trees["general"],
        bench.store.trees["film"],
    )
    fields = read_tree(bench.store.store, film.uri, film.digest, backbone=bench.store.backbone.digest)
    leaf = BundleRef(fields.nodes[-1].uri, fields.nodes[-1].digest)
    folder = bench.store.path_of(leaf)
    whole = {file: file.read_bytes() for file in folder.iterdir() if file.suffix != ".json"}
    plain, leafy = HplmRef(adapter, tree), HplmRef(adapter, tree, leaf)
    try:
        for file, content in whole.items():
            file.write_bytes(content[:-8])
        requests = [bench.request(plain), bench.request(leafy, tenant="globex")]
        for request in requests:
            bench.plane.engine.submit(request)
        bench.run_until_done(*requests)
        assert len(requests[0].future.result(0).documents) == len(TEXTS)
        with pytest.raises(BundleBroken):
            requests[1].future.result(0)
    finally:
        for file, content in whole.items():  # others read it after this test
            file.write_bytes(content)


def test_a_broken_adapter_is_not_read_again_until_the_catalog_drops_it(bench: Bench) -> None:
    bad = hplm_of(bench.store, seed=61)
    folder = bench.store.path_of(bad.adapter)
    whole = (folder / "head.safetensors").read_bytes()
    _truncate(folder)
    with pytest.raises(BundleBroken):
        bench.alone(bad)
    (folder / "head.safetensors").write_bytes(whole)
    with pytest.raises(BundleBroken):
        bench.alone(bad)
    bench.plane.follow_now(frozenset())
    assert bench.alone(bad).shape == (len(TEXTS), 2)


def test_an_adapter_for_another_backbone_is_refused(bench: Bench) -> None:
    other = bench.store.trees["general"].digest
    hplm = HplmRef(bench.store.publish_adapter(seed=71, backbone=other), bench.store.trees["general"])
    with pytest.raises(HmiError, match="trained on backbone"):
        bench.alone(hplm)


def test_an_adapter_too_large_for_a_slot_is_refused_and_others_go_on(bench: Bench) -> None:
    large = HplmRef(bench.store.publish_adapter(seed=72, rank=9), bench.store.trees["general"])
    with pytest.raises(HmiError, match="rank 9"):
        bench.alone(large)
    assert bench.alone(hplm_of(bench.store, seed=73)).shape == (len(TEXTS), 2)


def test_a_tree_that_is_not_there_fails_alone(bench: Bench) -> None:
    adapter = bench.store.publish_adapter(seed=74)
    absent = BundleRef(bench.store.trees["film"].uri, adapter.digest)
    with pytest.raises(HmiError):
        bench.alone(HplmRef(adapter, absent))
    assert bench.alone(HplmRef(adapter, bench.store.trees["film"])).shape == (len(TEXTS), 2)


def test_nodes_that_trees_share_are_loaded_once(bench: Bench) -> None:
    adapter = bench.store.publish_adapter(seed=75)
    for name in ("general", "film", "market"):
        bench.alone(HplmRef(adapter, bench.store.trees[name]))
    assert bench.plane.placement.num_nodes == 3


def test_a_promotion_never_evicts_what_the_same_batch_reads(tiny_store: TinyStore, tmp_path: Path) -> None:
    bench = Bench(tiny_store, tmp_path, max_batch_adapters=2, max_batch_tokens=64, device_bytes=1_500_000)
    old, other, cold = (hplm_of(tiny_store, seed=80 + n) for n in range(3))
    expected = [bench.alone(hplm) for hplm in (cold, old)]
    bench.alone(other)  # now the two slots hold old and other; old was used longest ago
    requests = [bench.request(cold, tenant="a"), bench.request(old, tenant="b")]
    for request in requests:
        bench.plane.engine.submit(request)
    bench.run_until_done(*requests)
    for request, answer in zip(requests, expected, strict=True):
        np.testing.assert_allclose(probabilities(request.future.result(0)), answer, atol=1e-4)
    bench.plane.close()


@pytest.mark.parametrize("compute_type", ["float32", "bfloat16"])
def test_what_is_reserved_is_what_the_tensors_take(
    tiny_store: TinyStore, tmp_path: Path, compute_type: str
) -> None:
    """Each kind by the memory that really stands behind it, the host's by what was loaded."""
    bench = Bench(tiny_store, tmp_path, compute_type=compute_type)
    hplms = [hplm_of(bench.store, seed=90 + n, num_labels=2 + 9 * n) for n in range(3)]
    for hplm in hplms:
        bench.alone(hplm)
    reserved = bench.plane.tier_bytes()
    runner = bench.plane.engine._runner  # the only holder of the arenas
    assert isinstance(runner, ModelRunner)
    adapters, heads = runner._bank.adapters, runner._bank.heads
    assert reserved["device", "adapters"] == adapters._arena.nbytes
    assert reserved["device", "heads"] == heads._arena.nbytes
    assert 0 <= reserved["device", "plot nodes"] - runner._plot._words.nbytes < 8
    assert runner._lower is not None
    layers = runner._upper._layers + runner._lower._layers._layers
    parts = [tensor for layer in layers for part in layer for tensor in part[:2]]
    parts += runner._lower._embeddings.parameters()
    tensors = sum(part.nbytes for part in parts)
    tensors += runner._residuals.num_bytes
    assert tensors <= reserved["device", "backbone"] <= tensors + 24_576  # and the headers of its files
    on_host = 0
    for hplm in hplms:
        with bench.plane.adapters.acquire(hplm.adapter).result(WAIT_S) as lease:
            on_host += lease.value.num_bytes
    assert on_host <= reserved["host", "adapters"] <= on_host + 3 * 16_384
    report = bench.plane.residency()
    device = report.tiers["device"]
    assert (
        device.used_bytes
        == sum(value for (tier, _), value in reserved.items() if tier == "device")
        <= device.max_bytes
    )
    placed = {item.digest: item.bytes_by_tier for item in report.adapters.items}
    assert all(set(placed[hplm.adapter.digest]) == {"device", "host"} for hplm in hplms)
    assert sum(placed[hplm.adapter.digest]["device"] for hplm in hplms) <= reserved["device", "adapters"]
    bench.plane.close()


def peak_bytes(compute: Callable[[], object]) -> int:
    """By the allocations that the library tells of, the highest sum at any moment; the second time, when the
    library has made for itself what it keeps."""
    compute()
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        compute()
        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated() - before
    with torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True
    ) as profile:
        compute()
    assert profile.profiler is not None and profile.profiler.kineto_results is not None
    changes = [e.nbytes() for e in profile.profiler.kineto_results.events() if e.name() == "[memory]"]
    return int(np.cumsum(changes).max())


@pytest.mark.parametrize("compute_type", ["float32", "bfloat16"])
def test_a_forward_of_the_largest_batch_works_in_what_was_reserved_for_it(
    tiny_store: TinyStore, tmp_path: Path, compute_type: str
) -> None:
    most_tokens = 512
    bench = Bench(tiny_store, tmp_path, compute_type=compute_type, max_batch_tokens=most_tokens, forwards=1)
    runner = bench.plane.engine._runner
    assert isinstance(runner, ModelRunner)
    fields = tiny_store.backbone.fields
    offsets = np.arange(0, most_tokens + 1, fields.max_positions)  # the longest documents attend most widely
    states = torch.zeros(int(offsets[-1]), fields.hidden, device=DEVICE)
    attention = runner._upper.attention(offsets)
    adapters = runner._bank.adapters.idle_call(len(states) // CHUNK_TOKENS, 2 * MAX_EVEN_WIDTH)
    peak = peak_bytes(lambda: runner._upper.forward(states, attention, adapters))
    assert most_tokens * fields.intermediate < peak, "nothing was told of"
    assert peak <= bench.plane.tier_bytes()["device", "workspace"]
    bench.plane.close()


def test_the_most_and_largest_heads_of_a_batch_work_in_what_was_reserved_for_it(
    tiny_store: TinyStore, tmp_path: Path
) -> None:
    """All heads were copied together, each filled up to the largest: more than all else of a forward."""
    rows, fields = 32, tiny_store.backbone.fields
    bench = Bench(tiny_store, tmp_path, max_batch_adapters=rows, max_batch_rows=rows, forwards=1)
    runner = bench.plane.engine._runner
    assert isinstance(runner, ModelRunner)
    heads = runner._bank.heads
    for slot in range(rows):
        heads.write(slot, PackedHead.of(random_head(fields, num_labels=MAX_LABELS, seed=slot)))
    states = torch.zeros(rows, fields.hidden, device=DEVICE)
    peak = peak_bytes(lambda: heads.logits(states, np.arange(rows)))
    assert states.nbytes < peak <= bench.plane.tier_bytes()["device", "workspace"]
    bench.plane.close()


# The exact path

UNSEEN = ("zq vx kj", "party minister votes")  # no trigram, and only the bigrams at their edges
ALWAYS = 1.0


def share_exact(answer: EngineAnswer) -> list[float]:
    return [document.coverage.exact for document in answer.documents]


def by_the_library(store: TinyStore, hplm: HplmRef, texts: tuple[str, ...]) -> Probabilities:
    """transformers' BertModel with the adapter as peft reads it, mean pooling, and the head: text by text."""
    base = transformers.BertModel.from_pretrained(store.checkpoint, add_pooling_layer=False)
    model = peft.PeftModel.from_pretrained(base, store.path_of(hplm.adapter)).eval()
    head = open_adapter_bundle(
        store.path_of(hplm.adapter),
        digest=hplm.adapter.digest,
        backbone_fields=store.backbone.fields,
        backbone=store.backbone.digest,
    ).head
    documents = store.backbone.tokenizer.encode(texts, 32).documents
    rows = []
    with torch.inference_mode():
        for first, end in zip(documents.offsets[:-1], documents.offsets[1:], strict=True):
            ids = torch.from_numpy(documents.token_ids[first:end].astype(np.int64))[None]
            pooled = model(input_ids=ids).last_hidden_state[0].mean(0)
            rows.append((head.weight @ pooled + head.bias).softmax(-1).numpy())
    return np.array(rows)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")  # the libraries' own
def test_the_exact_path_is_the_librarys_forward(bench: Bench) -> None:
    hplm = hplm_of(bench.store, seed=101, domain="film", num_labels=3)
    looked_up = bench.alone(hplm, UNSEEN)
    [answer] = bench.submit(bench.request(hplm, UNSEEN, floor=ALWAYS))
    assert share_exact(answer) == [1.0, 1.0]
    expected = by_the_library(bench.store, hplm, UNSEEN)
    np.testing.assert_allclose(probabilities(answer), expected, atol=1e-4)
    assert not np.allclose(looked_up, expected, atol=1e-2), "looking up would have passed as well"


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")  # the libraries' own
def test_in_bfloat16_the_exact_path_is_near_the_librarys_forward(
    tiny_store: TinyStore, tmp_path: Path
) -> None:
    bench = Bench(tiny_store, tmp_path, compute_type="bfloat16")
    hplm = hplm_of(bench.store, seed=101, domain="film", num_labels=3)
    [answer] = bench.submit(bench.request(hplm, UNSEEN, floor=ALWAYS))
    expected = by_the_library(bench.store, hplm, UNSEEN)
    np.testing.assert_allclose(probabilities(answer), expected, atol=0.1)
    assert not np.allclose(bench.alone(hplm, UNSEEN), expected, atol=0.1), "looking up would have passed"
    bench.plane.close()


def test_a_batch_of_both_paths_gives_what_each_gives_alone(bench: Bench) -> None:
    acme = hplm_of(bench.store, seed=102, domain="film")
    globex = hplm_of(bench.store, seed=103, domain="market", num_labels=11)
    texts = (*TEXTS, *UNSEEN)
    plain, exact = bench.alone(acme, texts), bench.submit(bench.request(globex, texts, floor=ALWAYS))
    together = mixed(
        bench, bench.request(acme, texts), bench.request(globex, texts, tenant="globex", floor=ALWAYS)
    )
    assert share_exact(together[0]) == [0.0] * len(texts)
    assert 1.0 in share_exact(together[1])
    np.testing.assert_allclose(probabilities(together[0]), plain, atol=1e-4)
    np.testing.assert_allclose(probabilities(together[1]), probabilities(exact[0]), atol=1e-4)


def test_each_text_goes_by_its_own_coverage(bench: Bench) -> None:
    hplm = hplm_of(bench.store, seed=104, domain="film")
    texts = ("the film was bad", *UNSEEN)
    shares = [
        document.coverage.trigram + document.coverage.bigram
        for document in bench.submit(bench.request(hplm, texts))[0].documents
    ]
    assert shares[0] > max(shares[1:])
    # At the floor is not under it.
    at_the_floor, above = (
        bench.submit(bench.request(hplm, texts, floor=floor))[0] for floor in (shares[0], shares[1])
    )
    assert share_exact(at_the_floor) == [0.0, 1.0, 1.0]
    assert share_exact(above)[:2] == [0.0, 0.0]
    coverage = at_the_floor.documents[1].coverage
    assert (coverage.trigram, coverage.bigram, coverage.unigram) == (0.0, 0.0, 0.0)
    assert [document.token_cost for document in at_the_floor.documents] == [1.0, 2.0, 2.0]  # L 4, k 2


def test_without_lower_layers_everything_is_looked_up(tiny_store: TinyStore, tmp_path: Path) -> None:
    bench = Bench(tiny_store, tmp_path, lower_layers=False)
    hplm = hplm_of(tiny_store, seed=105)
    [answer] = bench.submit(bench.request(hplm, UNSEEN, floor=ALWAYS))
    assert share_exact(answer) == [0.0, 0.0]
    np.testing.assert_allclose(probabilities(answer), bench.alone(hplm, UNSEEN), atol=1e-4)
    bench.plane.close()


def test_kinds_of_task_mix_in_one_batch_as_each_alone(bench: Bench) -> None:
    publish, tree = bench.store.publish_adapter, bench.store.trees["general"]
    hplms = [
        HplmRef(publish(labels=labels, seed=200 + place, kind=kind), tree)
        for place, (kind, labels) in enumerate(
            [
                (TaskKind.SINGLE_LABEL, ("a", "b", "c")),
                (TaskKind.SCORE, ()),
                (TaskKind.MULTI_LABEL, tuple(f"label {n}" for n in range(9))),
                (TaskKind.TOKEN_CLASSIFICATION, tuple(f"label {n}" for n in range(4))),
            ]
        )
    ]
    alone = [bench.submit(bench.request(hplm))[0] for hplm in hplms]
    together = mixed(bench, *(bench.request(hplm) for hplm in hplms))
    shapes = [answer.documents[0].outputs.shape for answer in together]
    assert shapes == [(1, 3), (1, 1), (1, 9), (6, 9)], "four words in their frame, nine tags"
    for one, answer in zip(alone, together, strict=True):
        for expected, document in zip(one.documents, answer.documents, strict=True):
            np.testing.assert_allclose(document.outputs, expected.outputs, atol=1e-4)


def packed_files(folder: Path) -> set[str]:
    return {path.name for form in (folder / "packed").iterdir() for path in form.iterdir()}


def test_an_adapter_is_read_from_the_store_once_and_answers_the_same_after_a_restart(
    tiny_store: TinyStore, tmp_path: Path
) -> None:
    hplm = hplm_of(tiny_store, seed=51)
    bench = Bench(tiny_store, tmp_path)
    before = bench.alone(hplm)
    bench.plane.close()
    tiny_store.store.delete(hplm.adapter.uri)
    again = Bench(tiny_store, tmp_path)
    np.testing.assert_array_equal(again.alone(hplm), before)
    again.plane.close()


def test_a_packed_copy_that_has_changed_is_made_again(tiny_store: TinyStore, tmp_path: Path) -> None:
    hplm = hplm_of(tiny_store, seed=52)
    bench = Bench(tiny_store, tmp_path)
    before = bench.alone(hplm)
    bench.plane.close()
    (path,) = (path for path in (tmp_path / "packed").rglob("*") if path.is_file())
    path.write_bytes(path.read_bytes()[:-1] + b"\x7f")
    again = Bench(tiny_store, tmp_path)
    np.testing.assert_array_equal(again.alone(hplm), before)
    again.plane.close()


def test_what_the_catalog_no_longer_serves_leaves_the_disk(bench: Bench, tmp_path: Path) -> None:
    stays, goes = hplm_of(bench.store, seed=53), hplm_of(bench.store, seed=54)
    bench.alone(stays)
    bench.alone(goes)
    bench.plane.follow_now(frozenset({stays, goes}))
    assert len(packed_files(tmp_path)) == 2
    bench.plane.follow_now(frozenset({stays}))
    assert packed_files(tmp_path) == {stays.adapter.digest.removeprefix("sha256:")}


def test_of_a_remote_store_no_copy_stays_of_what_the_catalog_no_longer_serves(
    tiny_store: TinyStore, tmp_path: Path
) -> None:
    """It may have been deleted: a tree holds n-grams of its texts."""
    stays, goes = hplm_of(tiny_store, seed=55, domain="film"), hplm_of(tiny_store, seed=56, domain="market")
    name = f"/{uuid.uuid4().hex}"
    fsspec.filesystem("memory").put(str(tiny_store.folder), name, recursive=True)
    remote = open_store(f"memory:/{name}", tmp_path, Budget(MemoryTier.DISK, 2**30))
    bench = Bench(tiny_store, tmp_path / "own", remote=remote)
    for hplm in (stays, goes):
        bench.alone(hplm)
    bench.plane.follow_now(frozenset({stays, goes}))
    kept = held_of(tmp_path, stays, tiny_store)
    assert kept & held_of(tmp_path, goes, tiny_store), "they share their root"
    bench.plane.follow_now(frozenset({stays}))
    assert {path.name[:64] for path in (tmp_path / "held").iterdir()} == kept
    bench.plane.close()


def held_of(folder: Path, hplm: HplmRef, store: TinyStore) -> set[str]:
    """The copies of a model's bundles under ``folder``, all of which are there, by their digests."""
    tree = read_tree(store.store, hplm.tree.uri, hplm.tree.digest, backbone=store.backbone.digest)
    wanted = [hplm.adapter.digest, hplm.tree.digest, *(node.digest for node in tree.nodes)]
    digests = {digest.removeprefix("sha256:") for digest in wanted}
    assert digests <= {path.name[:64] for path in (folder / "held").iterdir()}
    return digests


def test_what_every_forward_at_a_time_works_in_is_reserved(tiny_store: TinyStore, tmp_path: Path) -> None:
    reserved = []
    for forwards in (1, 2):
        bench = Bench(tiny_store, tmp_path, threads=2, forwards=forwards)
        reserved.append(bench.plane.tier_bytes()["device", "workspace"])
        bench.plane.close()
    assert reserved[1] == 2 * reserved[0]
