"""The kinds of task as choices of fields, and which of them can be trained."""

from rest_framework import serializers

from wire.tasks import TaskKind

TASK_KINDS = [(kind.value, kind.value) for kind in TaskKind]
TRAINABLE = frozenset({TaskKind.SINGLE_LABEL, TaskKind.SCORE, TaskKind.MULTI_LABEL, TaskKind.SENTENCE_PAIR})


def check_trainable(kind: str) -> None:
    """Raise the field's ValidationError for a kind that is not built yet."""
    if kind not in TRAINABLE:
        known = ", ".join(sorted(TRAINABLE))
        raise serializers.ValidationError(f"{kind} cannot be trained yet; what can is {known}.")
