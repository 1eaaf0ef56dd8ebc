"""The way of a text that is looked up, or computed where PLOT knows little of it."""

import numpy as np
import numpy.typing as npt
import torch

from hmi.build.evaluation import ExactPath, LowerStates, PlotPath
from hmi.build.floor_curve import CONFIDENCE, floor_within
from hmi.build.states import select
from hmi.plot.ngram import Documents

MAX_SHARE_EXACT = 0.10


class FloorPath:
    """Looks up, and computes the documents of which trigrams and bigrams answer less than ``floor``, as
    serving does."""

    def __init__(self, plot: PlotPath, exact: ExactPath, floor: float) -> None:
        self._plot, self._exact, self._floor = plot, exact, floor

    def __call__(self, documents: Documents) -> LowerStates:
        found = self._plot(documents)
        is_exact = _covered(found) < self._floor
        if is_exact.any():
            computed = self._exact(select(documents, np.flatnonzero(is_exact).tolist()))
            found.states[torch.from_numpy(np.repeat(is_exact, documents.lengths))] = computed.states
            found.coverage[is_exact] = computed.coverage
        return found


def _covered(found: LowerStates) -> npt.NDArray[np.float64]:
    """Share of each document's tokens that trigrams and bigrams answer, [num_documents]."""
    shares: npt.NDArray[np.float64] = found.coverage[:, :2].sum(axis=1)
    return shares


def floor_for(plot: PlotPath, documents: Documents, *, num_texts: int, num_choices: int) -> float:
    """The highest floor that leaves at most MAX_SHARE_EXACT of the tokens of ``num_texts`` texts like these
    to be computed: of ``num_choices`` such floors all keep to it, with 95% confidence."""
    confidence = 1 - (1 - CONFIDENCE) / num_choices
    known = _covered(plot(documents))
    return floor_within(known, documents.lengths, MAX_SHARE_EXACT, num_texts=num_texts, confidence=confidence)
