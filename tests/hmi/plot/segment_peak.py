"""A process of its own for test_segment_memory.py: counts many n-grams, tells by how much its peak grew.

segment_peak.py FOLDER NUM_TOKENS SCHEME
"""

import json
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hmi.plot.causal import CausalScheme
from hmi.plot.counting import Work
from hmi.plot.ngram import CentredScheme, Documents, NgramScheme
from hmi.plot.segment import Segment, build_segment, write_segment
from wire.ids import DatasetId, Digest

VOCAB, HIDDEN, DOCUMENT_TOKENS, BATCH_TOKENS = 1000, 4, 50, 5_000


class Batches:
    """Every batch comes twice, so that all of its n-grams are kept."""

    def __init__(self, num_tokens: int) -> None:
        self.num_batches = 2 * (num_tokens // (2 * BATCH_TOKENS))

    def __iter__(self) -> Iterator[Documents]:
        for number in range(self.num_batches):
            ids = np.random.default_rng(number // 2).integers(0, VOCAB, BATCH_TOKENS).astype(np.int32)
            yield Documents.pack(list(ids.reshape(-1, DOCUMENT_TOKENS)))


def main() -> None:
    folder, num_tokens = Path(sys.argv[1]), int(sys.argv[2])
    scheme: NgramScheme = CausalScheme.named(sys.argv[3]) or CentredScheme()
    _build(folder / "small", 4 * BATCH_TOKENS, scheme)  # all that is loaded and compiled once
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    segment = _build(folder / "large", num_tokens, scheme)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told = {"peak_growth_bytes": (after - before) * 1024, "num_rows": len(segment.keys)}
    sys.stdout.write(json.dumps(told))


def _build(folder: Path, num_tokens: int, scheme: NgramScheme) -> Segment:
    work = Work(folder / "work", max_bytes=4 << 20)
    work.folder.mkdir(parents=True)
    batches = Batches(num_tokens)
    num_documents = batches.num_batches * BATCH_TOKENS // DOCUMENT_TOKENS
    segment = build_segment(
        batches,
        lambda documents: np.ones((documents.num_tokens, HIDDEN), np.float32),
        backbone=Digest("sha256:" + "b" * 64),
        dataset_id=DatasetId("d"),
        hidden=HIDDEN,
        document_hashes=np.arange(num_documents, dtype=np.uint64),
        work=work,
        scheme=scheme,
        may_stand=lambda keys, outside, least: outside >= least,
    )
    write_segment(segment, folder / "segment")
    return segment


if __name__ == "__main__":
    main()
