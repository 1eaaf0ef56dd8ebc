"""Which domain is a dataset's text like? The one whose tree answers most of it by n-grams."""

from collections.abc import Iterable

import msgspec
import numpy as np

from hmi.artifacts.store import Store
from hmi.build.evaluation import PlotPath
from hmi.build.job_progress import JobProgress
from hmi.build.states import select
from hmi.model.backbone import Backbone
from hmi.model.tokenizer import EncodedTexts
from hmi.plot.tree import open_tree
from wire.artifacts import BundleRef
from wire.domains import DomainCoverage, SuggestJob, SuggestResult
from wire.ids import DomainId
from wire.training import Phase

MAX_TEXTS = 2000
MAX_TOKENS = 128
LEAST_GAIN = 0.02
"""Share of the tokens that a domain must answer by n-grams, more than the general tree, to be suggested."""
_BATCH = 256


class _Row(msgspec.Struct):
    text: str


def suggest_domain(job: SuggestJob, *, store: Store, progress: JobProgress) -> SuggestResult:
    """Measure every tree on the first texts of the dataset. Raises HmiError."""
    progress.enter(Phase.STARTING, "reading the texts")
    backbone = Backbone.open(
        store.localize(job.backbone.uri, job.backbone.digest), digest=job.backbone.digest, with_lower=False
    )
    with store.open_file(job.rows_uri) as lines:
        texts = _texts(lines)
    encoded = backbone.tokenizer.encode(texts, MAX_TOKENS)
    progress.enter(Phase.EVALUATING, "measuring coverage by every domain", num_steps=len(job.domains) + 1)
    coverages = [_coverage(store, backbone, encoded, None, job.general)]
    for number, domain in enumerate(job.domains, start=1):
        progress.advance(number)
        coverages.append(_coverage(store, backbone, encoded, domain.domain_id, domain.tree))
    progress.advance(len(coverages))
    general = coverages[0]
    ranked = sorted(
        coverages, key=lambda one: (-_by_ngram(one), one.domain_id is not None, one.domain_id or "")
    )
    best = ranked[0] if _by_ngram(ranked[0]) - _by_ngram(general) >= LEAST_GAIN else general
    return SuggestResult(best.domain_id, tuple(ranked), len(texts))


def _texts(lines: Iterable[bytes]) -> list[str]:
    decoder = msgspec.json.Decoder(_Row)
    return [decoder.decode(line).text for line, _ in zip(lines, range(MAX_TEXTS), strict=False)]


def _coverage(
    store: Store, backbone: Backbone, encoded: EncodedTexts, domain_id: DomainId | None, ref: BundleRef
) -> DomainCoverage:
    path = PlotPath(backbone, open_tree(store, ref.uri, ref.digest, backbone=backbone.digest))
    documents = encoded.documents
    covered = np.zeros(4)
    for start in range(0, documents.num_documents, _BATCH):
        batch = select(documents, range(start, min(start + _BATCH, documents.num_documents)))
        covered += batch.lengths @ path(batch).coverage
    trigram, bigram, unigram, _ = (covered / max(documents.num_tokens, 1)).tolist()
    return DomainCoverage(domain_id, trigram, bigram, unigram)


def _by_ngram(coverage: DomainCoverage) -> float:
    return coverage.trigram + coverage.bigram
