"""The kinds of task: what rows are labelled with, and what a prediction says."""

from enum import StrEnum


class TaskKind(StrEnum):
    """What a task predicts. A dataset is of one kind too: that of the tasks that can be trained on it."""

    SINGLE_LABEL = "single_label"  # one label for a text
    SCORE = "score"  # a number for a text
    MULTI_LABEL = "multi_label"  # any number of labels for a text
    SENTENCE_PAIR = "sentence_pair"  # one label for two texts
    TOKEN_CLASSIFICATION = "token_classification"  # labelled spans of a text


def validation_metric(kind: TaskKind) -> str:
    """Name of what a training watches on the validation rows, the more the better: 1 is perfect."""
    return _VALIDATION_METRICS[kind]


_VALIDATION_METRICS = {
    TaskKind.SINGLE_LABEL: "accuracy",
    TaskKind.SCORE: "r2",
    TaskKind.MULTI_LABEL: "micro_f1",
    TaskKind.SENTENCE_PAIR: "accuracy",
    TaskKind.TOKEN_CLASSIFICATION: "span_f1",
}
