"""The one place where a training chooses by kind."""

from collections.abc import Callable, Mapping
from functools import partial

from hmi.build.kinds.learning import TrainingKind
from hmi.build.kinds.multi_label import MultiLabelTraining
from hmi.build.kinds.score import ScoreTraining
from hmi.build.kinds.single_label import SingleLabelTraining
from hmi.build.kinds.token_classification import TokenClassificationTraining
from wire.tasks import TaskKind


def training_kind(kind: TaskKind, labels: tuple[str, ...]) -> TrainingKind:
    """The kind with the task's labels."""
    return _KINDS[kind](labels)


_KINDS: Mapping[TaskKind, Callable[[tuple[str, ...]], TrainingKind]] = {
    TaskKind.SINGLE_LABEL: SingleLabelTraining,
    TaskKind.SCORE: lambda labels: ScoreTraining(),
    TaskKind.MULTI_LABEL: MultiLabelTraining,
    TaskKind.SENTENCE_PAIR: partial(SingleLabelTraining, has_pairs=True),
    TaskKind.TOKEN_CLASSIFICATION: TokenClassificationTraining,
}
