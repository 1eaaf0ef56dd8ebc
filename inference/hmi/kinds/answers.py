"""What a head's outputs mean, by the kind of task: the one place where predictions choose."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from hmi.kinds.multi_label import MultiLabelAnswers
from hmi.kinds.score import ScoreAnswers
from hmi.kinds.single_label import SingleLabelAnswers
from hmi.kinds.token_classification import TokenClassificationAnswers
from wire.artifacts import AdapterFields
from wire.inference import Answer
from wire.tasks import TaskKind

Outputs = npt.NDArray[np.float32]
"""What a head gives for one input: [1, outputs], or [tokens, outputs] where it reads tokens."""
TokenWords = npt.NDArray[np.int32]
"""[tokens, 2]: of each token of an input, its word's first character and the one after the last; (0, 0) for
special tokens."""


class KindAnswers(Protocol):
    """One kind of task, as far as answers go. Has no state; safe to share."""

    @property
    def reads_tokens(self) -> bool:
        """The head reads the final state of every token; else the mean of an input's."""

    @property
    def has_pairs(self) -> bool:
        """An input is two texts."""

    def num_outputs(self, labels: Sequence[str]) -> int:
        """Outputs of the head of a task that has ``labels``; raises BundleMismatch for labels that no such
        task has."""

    def answer(self, outputs: Outputs, fields: AdapterFields, words: TokenWords | None) -> Answer:
        """What one input is answered. ``words`` are given where the head reads tokens."""


def answers_of(kind: TaskKind) -> KindAnswers:
    """The kind's answers."""
    return _KINDS[kind]


_KINDS: Mapping[TaskKind, KindAnswers] = {
    TaskKind.SINGLE_LABEL: SingleLabelAnswers(),
    TaskKind.SCORE: ScoreAnswers(),
    TaskKind.MULTI_LABEL: MultiLabelAnswers(),
    TaskKind.SENTENCE_PAIR: SingleLabelAnswers(has_pairs=True),
    TaskKind.TOKEN_CLASSIFICATION: TokenClassificationAnswers(),
}
