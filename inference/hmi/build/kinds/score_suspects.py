"""Rows whose value lies further from what the other rows say of them than chance explains."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hmi.build.linear_head import Features, LinearHead, fit_ridge
from hmi.build.row_judge import MAX_SUSPECTS, OutOfFold, RowTargets

LEAST_DOUBT = 3.0
"""Spreads of the residuals: of normal ones, one row in 370 lies so far off."""
NORMAL_SPREAD = 1.4826
"""Of normal residuals, the standard deviation over the median size, which a few wrong rows do not widen."""


@dataclass(frozen=True, slots=True)
class ScoreSuspect:
    """A row whose value is probably wrong; the text is not kept here."""

    row: int
    value: float
    suggested: float  # what a head says that never saw the row
    doubt: float  # how far apart the two are, in spreads


@dataclass(frozen=True, slots=True)
class ScoreErrors:
    """The judgement on a dataset's values."""

    judged: int  # rows that were looked at
    spread: float  # of the residuals, in the values' units
    num_suspects: int
    suspects: tuple[ScoreSuspect, ...]  # the furthest off first, MAX_SUSPECTS at most


class ScoreJudge:
    """See RowJudge."""

    num_outputs = 1
    least_quality = -math.inf

    def fit(self, features: Features, targets: RowTargets) -> LinearHead:
        return fit_ridge(features, targets)

    def is_judged(self, targets: RowTargets) -> npt.NDArray[np.bool_]:
        return np.ones(len(targets), np.bool_)

    def row_sums(self, outputs: npt.NDArray[np.float32], targets: RowTargets) -> npt.NDArray[np.float64]:
        """Squared error, value and its square, and one row."""
        errors = np.square(outputs[:, 0].astype(np.float64) - targets)
        return np.column_stack((errors, targets, np.square(targets), np.ones(len(targets))))

    def quality(self, sums: npt.NDArray[np.float64]) -> float:
        """As metrics.r2()."""
        error, value, square, num_rows = sums.tolist()
        variance = square - value**2 / max(num_rows, 1)
        if variance <= 0:
            return 1.0 if error == 0 else 0.0
        return float(1 - error / variance)

    def errors(self, judged: OutOfFold, targets: RowTargets, rows: Sequence[int]) -> ScoreErrors:
        said, values = judged.outputs[:, 0].astype(np.float64), targets[judged.places]
        distances = np.abs(values - said)
        spread = NORMAL_SPREAD * float(np.median(distances)) if len(distances) else 0.0
        doubts = distances / spread if spread > 0 else np.zeros(len(distances))
        order = np.argsort(-doubts, kind="stable")
        suspects = order[doubts[order] >= LEAST_DOUBT].tolist()
        return ScoreErrors(
            judged=len(values),
            spread=spread,
            num_suspects=len(suspects),
            suspects=tuple(
                ScoreSuspect(
                    row=rows[int(judged.places[place])],
                    value=float(values[place]),
                    suggested=float(said[place]),
                    doubt=float(doubts[place]),
                )
                for place in suspects[:MAX_SUSPECTS]
            ),
        )
