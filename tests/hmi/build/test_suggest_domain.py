"""A dataset of two kinds of text is split between the domains that know them, row by row; one kind is not."""

import random

import numpy as np
import pytest

from hmi.build import suggest_domain as suggest_module
from hmi.build.data import LabelledRow, row_line
from hmi.build.evaluation import PlotPath
from hmi.build.job_progress import JobProgress
from hmi.build.plot_builder import build_domain, count_texts, publish_segment, text_dataset_id
from hmi.build.suggest_domain import suggest_domain
from hmi.plot.tree import open_tree
from tests.hmi.build.training_world import WINDOWING, Events, TrainingWorld, make_world
from tests.tiny.backbone import WORDS
from wire.artifacts import BundleRef
from wire.domains import DomainTree, SuggestJob, SuggestResult
from wire.ids import BundleUri, DatasetId, DomainId, JobId
from wire.row_numbers import unpack_rows

FILMS, MARKETS = DomainId("films"), DomainId("markets")
OF = {FILMS: WORDS[8:22], MARKETS: WORDS[22:40]}


def _texts(domain: DomainId, number: int, *, seed: int) -> list[str]:
    """Sentences in which the domain's words follow one another as they always do there."""
    chosen, words = random.Random(seed), OF[domain]
    starts = [chosen.randrange(len(words)) for _ in range(number)]
    return [" ".join(words[(start + step) % len(words)] for step in range(12)) for start in starts]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> TrainingWorld:
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def domains(world: TrainingWorld) -> tuple[DomainTree, ...]:
    return tuple(_domain(world, name) for name in OF)


def _domain(world: TrainingWorld, name: DomainId) -> DomainTree:
    segment, _ = count_texts(
        world.backbone,
        _texts(name, 200, seed=1),
        dataset_id=text_dataset_id(name),
        above=np.zeros(0, np.uint64),
        windowing=WINDOWING,
        report=lambda message, step, num_steps: None,
    )
    published = publish_segment(world.store, segment, BundleUri(f"segments/{name}"))
    parent = open_tree(world.store, world.tree.uri, world.tree.digest, backbone=world.backbone.digest)
    counted = (BundleRef(published.uri, published.digest), segment)
    built = build_domain(world.store, parent, [counted], name=name, tree_uri=BundleUri(f"trees/{name}"))
    return DomainTree(name, BundleRef(built.tree.uri, built.tree.digest))


def _suggest(world: TrainingWorld, domains: tuple[DomainTree, ...], texts: list[str]) -> SuggestResult:
    return _suggest_of(world, domains, world.put_rows("uploaded", [(text, "x") for text in texts]))


def _suggest_of(world: TrainingWorld, domains: tuple[DomainTree, ...], rows_uri: BundleUri) -> SuggestResult:
    job = SuggestJob(
        job_id=JobId("job"),
        dataset_id=DatasetId("a"),
        rows_uri=rows_uri,
        backbone=BundleRef(BundleUri("backbones/tiny"), world.backbone.digest),
        general=world.tree,
        domains=domains,
    )
    return suggest_domain(job, store=world.store, progress=JobProgress(Events()))


def test_every_row_is_in_the_part_of_its_domain(
    world: TrainingWorld, domains: tuple[DomainTree, ...]
) -> None:
    texts = [*_texts(FILMS, 90, seed=2), *_texts(MARKETS, 40, seed=3)]
    found = _suggest(world, domains, texts)
    assert found.best == FILMS
    assert found.split is not None
    films, markets = found.split.parts
    assert (films.domain_id, films.num_rows) == (FILMS, 90)
    assert unpack_rows(films.rows) == tuple(range(1, 91))
    assert unpack_rows(markets.rows) == tuple(range(91, 131))
    assert set(markets.examples) < set(range(91, 131)) and len(markets.examples) == 5
    assert markets.coverage > markets.coverage_together + 0.1
    assert films.coverage == films.coverage_together
    weighted = (90 * films.coverage + 40 * markets.coverage) / 130
    assert found.split.coverage == pytest.approx(weighted)


def test_texts_of_one_domain_are_not_split(world: TrainingWorld, domains: tuple[DomainTree, ...]) -> None:
    found = _suggest(world, domains, _texts(MARKETS, 120, seed=4))
    assert (found.best, found.split) == (MARKETS, None)


def test_a_part_that_stands_at_the_end_of_a_large_dataset_is_found(
    world: TrainingWorld, domains: tuple[DomainTree, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suggest_module, "MAX_TEXTS", 100)
    found = _suggest(world, domains, [*_texts(FILMS, 300, seed=2), *_texts(MARKETS, 150, seed=3)])
    assert found.num_texts == 100
    assert found.split is not None
    assert [part.num_rows for part in found.split.parts] == [300, 150]


def test_of_pairs_both_texts_are_measured(world: TrainingWorld, domains: tuple[DomainTree, ...]) -> None:
    """What is told is what a model that reads the pairs would have answered by n-grams."""
    seconds = [
        f"{one} {other}" for one, other in zip(*(_texts(FILMS, 60, seed=n) for n in (2, 3)), strict=True)
    ]
    rows = [
        LabelledRow(number, text, "x", pair=pair)
        for number, (text, pair) in enumerate(zip(_texts(MARKETS, 60, seed=4), seconds, strict=True), start=1)
    ]
    uri = BundleUri("datasets/pairs/rows.jsonl")
    world.store.put_file(uri, b"".join(map(row_line, rows)))
    found = _suggest_of(world, domains, uri)
    assert found.best == FILMS
    documents = world.backbone.tokenizer.encode([row.input for row in rows], 128).documents
    for coverage in found.coverages:
        ref = next((one.tree for one in domains if one.domain_id == coverage.domain_id), world.tree)
        tree = open_tree(world.store, ref.uri, ref.digest, backbone=world.backbone.digest)
        rungs = PlotPath(world.backbone, tree)(documents).coverage
        trigram, bigram, *_ = documents.lengths @ rungs / documents.num_tokens
        assert (coverage.trigram, coverage.bigram) == pytest.approx((trigram, bigram))
