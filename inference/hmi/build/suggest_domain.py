"""Which domain is a dataset's text like? The one whose tree answers most of it by n-grams; or several, each
for some of the texts."""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import msgspec
import numpy as np
import numpy.typing as npt

from hmi.artifacts.store import Store
from hmi.build.domain_split import LEAST_GAIN, KnownTexts, Shares, best_of, halves, parts_of
from hmi.build.evaluation import PlotPath
from hmi.build.job_progress import JobProgress
from hmi.build.states import select
from hmi.model.backbone import Backbone
from hmi.model.tokenizer import Text
from hmi.plot.tree import open_tree
from wire.artifacts import BundleRef
from wire.domains import DomainCoverage, DomainPart, DomainSplit, SuggestJob, SuggestResult
from wire.ids import DomainId
from wire.row_numbers import pack_rows
from wire.training import Phase

MAX_TEXTS = 2000
"""Measured by every domain, from all parts of the dataset."""
MAX_TOKENS = 128
NUM_EXAMPLES = 5
_BATCH = 256
_SEED = 1


class _Row(msgspec.Struct):
    row: int
    text: str
    pair: str | None = None  # the second text, of kinds with two

    @property
    def input(self) -> Text:
        """What a model would read."""
        return self.text if self.pair is None else (self.text, self.pair)

    @property
    def halves(self) -> tuple[str, str]:
        return halves(self.text if self.pair is None else f"{self.text} {self.pair}")


_DECODER = msgspec.json.Decoder(_Row)


@dataclass(frozen=True, slots=True)
class _Measured:
    """One tree on the chosen texts."""

    rungs: DomainCoverage
    known: KnownTexts


def suggest_domain(job: SuggestJob, *, store: Store, progress: JobProgress) -> SuggestResult:
    """Measure every tree on texts of the dataset, and say of each row which part it is in, where a split is
    suggested. Raises HmiError."""
    progress.enter(Phase.STARTING, "reading the texts")
    backbone = Backbone.open(
        store.localize(job.backbone.uri, job.backbone.digest), digest=job.backbone.digest, with_lower=False
    )
    with store.open_file(job.rows_uri) as lines:
        sampled = _sample(lines)
    trees = {domain.domain_id: domain.tree for domain in job.domains}
    progress.enter(Phase.EVALUATING, "measuring coverage by every domain", num_steps=len(trees) + 1)
    general = _measure(_path(store, backbone, job.general), backbone, sampled, None)
    measured: dict[DomainId, _Measured] = {}
    for number, (domain_id, tree) in enumerate(trees.items(), start=1):
        progress.advance(number)
        measured[domain_id] = _measure(_path(store, backbone, tree), backbone, sampled, domain_id)
    progress.advance(len(trees) + 1)
    coverages = [general.rungs, *(one.rungs for one in measured.values())]
    ranked = sorted(
        coverages, key=lambda one: (-_by_ngram(one), one.domain_id is not None, one.domain_id or "")
    )
    best = ranked[0] if _by_ngram(ranked[0]) - _by_ngram(general.rungs) >= LEAST_GAIN else general.rungs
    parts = parts_of({domain_id: one.known for domain_id, one in measured.items()})
    split = None
    if len(parts) > 1:
        progress.enter(Phase.EVALUATING, "finding the domain of every row")
        paths = {domain_id: _path(store, backbone, trees[domain_id]) for domain_id in parts}
        with store.open_file(job.rows_uri) as lines:
            split = _split(paths, backbone, map(_DECODER.decode, lines))
    return SuggestResult(best.domain_id, tuple(ranked), len(sampled), split)


def _sample(lines: Iterable[bytes]) -> list[_Row]:
    """MAX_TEXTS rows, or all where there are no more, any as likely as any other: what was put together of
    several files stands one behind the other."""
    chosen = random.Random(_SEED)
    kept: list[bytes] = []
    for number, line in enumerate(lines):
        if number < MAX_TEXTS:
            kept.append(line)
        elif (place := chosen.randrange(number + 1)) < MAX_TEXTS:
            kept[place] = line
    return [_DECODER.decode(line) for line in kept]


def _path(store: Store, backbone: Backbone, ref: BundleRef) -> PlotPath:
    return PlotPath(backbone, open_tree(store, ref.uri, ref.digest, backbone=backbone.digest))


def _measure(
    path: PlotPath, backbone: Backbone, sampled: Sequence[_Row], domain_id: DomainId | None
) -> _Measured:
    rungs, lengths = _rungs(path, backbone, [row.input for row in sampled])
    covered = lengths @ rungs / max(float(lengths.sum()), 1.0)
    trigram, bigram, unigram, _ = covered.tolist()
    first, second = (
        _known(_rungs(path, backbone, [row.halves[half] for row in sampled])[0]) for half in (0, 1)
    )
    return _Measured(
        DomainCoverage(domain_id, trigram, bigram, unigram), KnownTexts(_known(rungs), (first, second))
    )


def _rungs(
    path: PlotPath, backbone: Backbone, texts: Sequence[Text]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Share of each text's tokens that each rung answers, [num_texts, 4]; and how many tokens it has."""
    documents = backbone.tokenizer.encode(texts, MAX_TOKENS).documents
    rungs = np.zeros((documents.num_documents, 4))
    for start in range(0, documents.num_documents, _BATCH):
        stop = min(start + _BATCH, documents.num_documents)
        rungs[start:stop] = path(select(documents, range(start, stop))).coverage
    return rungs, documents.lengths.astype(np.float64)


def _known(rungs: npt.NDArray[np.float64]) -> Shares:
    return rungs[:, 0] + rungs[:, 1]


def _by_ngram(coverage: DomainCoverage) -> float:
    return coverage.trigram + coverage.bigram


def _split(paths: dict[DomainId, PlotPath], backbone: Backbone, rows: Iterator[_Row]) -> DomainSplit:
    numbers: list[int] = []
    shares: list[Shares] = []  # each [num_parts, rows of a batch]
    while batch := list(islice(rows, MAX_TEXTS)):
        numbers += [row.row for row in batch]
        texts = [row.input for row in batch]
        shares.append(np.stack([_known(_rungs(path, backbone, texts)[0]) for path in paths.values()]))
    whole = np.concatenate(shares, axis=1)
    part_of = best_of(whole)
    rows_of = np.array(numbers)
    together = whole[0]
    parts = []
    for part, domain_id in enumerate(paths):
        (its,) = np.nonzero(part_of == part)
        others = np.delete(whole, part, axis=0).max(axis=0)
        clearest = its[np.argsort(others[its] - whole[part][its], kind="stable")]
        parts.append(
            DomainPart(
                domain_id=domain_id,
                num_rows=len(its),
                coverage=_mean(whole[part][its]),
                coverage_together=_mean(together[its]),
                examples=tuple(rows_of[clearest[:NUM_EXAMPLES]].tolist()),
                rows=pack_rows(rows_of[its].tolist()),
            )
        )
    return DomainSplit(tuple(parts), _mean(whole.max(axis=0)), _mean(together))


def _mean(shares: Shares) -> float:
    return float(shares.mean()) if len(shares) else 0.0
