"""What spans are learnt from and measured by.

A row's targets are one entry a token, [longest row's tokens, 2] int16: the tag of the token's word, and the
number of that word in its text.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hmi.build.kinds.learning import Outputs, Targets
from hmi.kinds.token_classification import Runs, Tags, WordTokens, best_tags, runs_of

IGNORED = -100
"""Tag of what is of no word: as torch's losses pass over it."""
SPECIAL, PADDING = -1, -2
"""Number of the word of a special token, and of what stands behind a row's end."""


@dataclass(frozen=True, slots=True)
class SpanTargets:
    """The words of all rows, and what is true of them."""

    of_words: WordTokens  # in packed outputs
    rows: npt.NDArray[np.int64]  # [words]
    tags: Tags
    num_rows: int

    @property
    def adjacent_cost(self) -> float:
        """How rare it is that a span begins where one of its label has just ended: less the logarithm of
        the share of spans that do."""
        truth = self.truth()
        follows = (truth.first[1:] == truth.last[:-1] + 1) & (truth.labels[1:] == truth.labels[:-1])
        num_adjacent = int((follows & ~self.of_words.begins_text[truth.first[1:]]).sum())
        return float(np.log((len(truth.first) + 1) / (num_adjacent + 1)))

    def said_tags(self, outputs: Outputs, adjacent_cost: float) -> Tags:
        return best_tags(self.of_words.mean_of(outputs), self.of_words.begins_text, adjacent_cost)

    def said(self, outputs: Outputs, adjacent_cost: float) -> Runs:
        return runs_of(self.said_tags(outputs, adjacent_cost), self.of_words.begins_text)

    def truth(self) -> Runs:
        return runs_of(self.tags, self.of_words.begins_text)

    def is_in(self, some: Runs, others: Runs) -> npt.NDArray[np.bool_]:
        """Which of ``some`` are among the others, word for word and with the same label."""
        return np.isin(self._keys(some), self._keys(others))

    def row_counts(self, said: Runs) -> npt.NDArray[np.int64]:
        """[rows, 3] of each row: spans that are right, that are said, that are true."""
        truth = self.truth()
        counted = (said.first[self.is_in(said, truth)], said.first, truth.first)
        return np.stack([np.bincount(self.rows[first], minlength=self.num_rows) for first in counted], axis=1)

    def _keys(self, runs: Runs) -> npt.NDArray[np.int64]:
        most_labels = 1 << 15  # targets are int16
        return (runs.first * len(self.tags) + runs.last) * most_labels + runs.labels


def read_targets(targets: Targets) -> SpanTargets:
    """Of some rows."""
    rows, places = np.nonzero(targets[..., 1] > PADDING)
    tags, numbers = targets[rows, places].astype(np.int64).T
    tokens = np.flatnonzero(numbers > SPECIAL)
    rows, numbers = rows[tokens], numbers[tokens]
    first = np.flatnonzero((np.diff(rows, prepend=-1) != 0) | (np.diff(numbers, prepend=-1) != 0))
    of_words = WordTokens(tokens, first, numbers[first] == 0)
    return SpanTargets(of_words, rows[first], tags[tokens[first]], len(targets))


def joined_targets(parts: Sequence[Targets]) -> Targets:
    """Of all rows of some parts, one behind the other: as wide as the longest."""
    longest = max(part.shape[1] for part in parts)
    joined = np.full((sum(len(part) for part in parts), longest, 2), (IGNORED, PADDING), np.int16)
    start = 0
    for part in parts:
        joined[start : start + len(part), : part.shape[1]] = part
        start += len(part)
    return joined
