"""A number a text: the head's one output, in the units of the training data."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hmi.base.errors import BundleMismatch
from wire.artifacts import AdapterFields
from wire.inference import ValueAnswer


def value_counts(values: Sequence[float], bounds: Sequence[float]) -> tuple[int, ...]:
    """How many lie below the first of the rising ``bounds``, from one to the next, and from the last one on,
    [bounds + 1]."""
    places = np.searchsorted(bounds, values, side="right")
    return tuple(np.bincount(places, minlength=len(bounds) + 1).tolist())


class ScoreAnswers:
    """See KindAnswers."""

    reads_tokens = False
    has_pairs = False

    def num_outputs(self, labels: Sequence[str]) -> int:
        if labels:
            raise BundleMismatch(f"a task that predicts a score has no labels, got {len(labels)}")
        return 1

    def answer(
        self,
        outputs: npt.NDArray[np.float32],
        fields: AdapterFields,
        words: npt.NDArray[np.int32] | None,
    ) -> ValueAnswer:
        return ValueAnswer(value=float(outputs[0, 0]))
