"""How much of text that was not counted a node would answer at each rung: keys alone, no states."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hmi.plot.counting import Work
from hmi.plot.ngram import CentredScheme, Documents, MayStand, Rung, rows_among
from hmi.plot.segment import MIN_COUNT
from hmi.plot.table import PlotTable


@dataclass(frozen=True, slots=True)
class HeldOutCoverage:
    """Shares of the tokens of held-out texts by the rung that answers; their sum is 1 (0 without text)."""

    trigram: float
    bigram: float
    unigram: float
    num_texts: int  # held out
    num_tokens: int  # in them
    measured_on: str


def measure_coverage(
    counted: Iterable[Documents],
    held_out: Iterable[Documents],
    *,
    above: Sequence[PlotTable],
    num_texts: int,
    work: Work | None = None,
    may_stand: MayStand | None = None,
) -> HeldOutCoverage:
    """Look ``held_out`` up in a node made of ``counted`` below the tables ``above``; ``may_stand`` as
    in NgramScheme.count."""
    keys = CentredScheme().count(counted, MIN_COUNT, work, may_stand).keys
    answers = np.zeros(3, np.int64)
    for documents in held_out:
        found = {rung: _found(CentredScheme.keys(documents)[rung], keys, above) for rung in Rung}
        trigram = found[Rung.TRIGRAM]
        bigram = (found[Rung.LEFT] | found[Rung.RIGHT]) & ~trigram
        answers += [trigram.sum(), bigram.sum(), len(trigram) - (trigram | bigram).sum()]
    num_tokens = int(answers.sum())
    shares = answers / max(num_tokens, 1)
    return HeldOutCoverage(
        trigram=float(shares[0]),
        bigram=float(shares[1]),
        unigram=float(shares[2]),
        num_texts=num_texts,
        num_tokens=num_tokens,
        measured_on=(
            "a tenth of the texts, looked up in the other nine tenths and the nodes above"
            if num_texts
            else "nothing: too little text to hold a tenth of it out"
        ),
    )


def _found(
    wanted: npt.NDArray[np.uint64], keys: npt.NDArray[np.uint64], above: Sequence[PlotTable]
) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = rows_among(wanted, keys) >= 0
    for table in above:
        found |= table.find(wanted) >= 0
    return found
