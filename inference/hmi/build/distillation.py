"""Task distillation: learning from another model of the same task, besides the labels."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from hmi.build.kinds.learning import Learning
from hmi.build.states import StateSet, output_bounds, rows_between

TEACHER_SHARE = 0.5
STATES_WEIGHT = 1.0
"""Of the teacher's scores against the labels, and of its states, whose error is measured in their
variance."""
MAX_VARIANCE_TOKENS = 20_000


@dataclass(frozen=True, slots=True)
class Teacher:
    """What the same task, trained on computed lower layers, gives for the training rows."""

    states: StateSet  # final states, of the very tokens of the training rows
    logits: npt.NDArray[np.float32]  # [num_rows, num_outputs], or [num_tokens, num_outputs]
    reads_tokens: bool = False  # logits are of every token

    def logits_of(self, rows: npt.NDArray[np.int64]) -> Tensor:
        """In the order of ``rows``."""
        bounds = output_bounds(self.states.lengths, reads_tokens=self.reads_tokens)
        return torch.from_numpy(self.logits[rows_between(bounds, rows)])


class Distillation:
    """Task distillation: the loss of imitating a teacher, in its scores (Hinton et al. 2015) and in its final
    states (after Jiao et al. 2020)."""

    def __init__(self, teacher: Teacher, learning: Learning) -> None:
        self._teacher = teacher
        self._learning = learning
        some = np.linspace(0, len(teacher.states.states) - 1, MAX_VARIANCE_TOKENS).astype(np.int64)
        self._variance = float(teacher.states.states[some].astype(np.float32).var(axis=0).mean())

    def blended(
        self,
        label_loss: Tensor,
        final: Tensor,  # [num_tokens, hidden] float32
        outputs: Tensor,  # [num_rows, num_outputs], or [num_tokens, num_outputs], float32
        rows: npt.NDArray[np.int64],
        *,
        step_rows: npt.NDArray[np.int64],
    ) -> Tensor:
        """The labels' loss and the teacher's of these ``rows``: their part of the mean over the step's."""
        scores = self._learning.taught_loss(outputs, self._teacher.logits_of(rows))
        states = functional.mse_loss(final, self._teacher.states.batch(rows).states) / self._variance
        lengths = self._teacher.states.lengths
        of_tokens = float(lengths[rows].sum() / lengths[step_rows].sum())
        of_outputs = of_tokens if self._teacher.reads_tokens else len(rows) / len(step_rows)
        taught_loss = of_outputs * TEACHER_SHARE * scores + of_tokens * STATES_WEIGHT * states
        return (1 - TEACHER_SHARE) * label_loss + taught_loss
