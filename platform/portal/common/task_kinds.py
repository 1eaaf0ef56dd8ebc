"""The kinds of task as choices of fields."""

from wire.tasks import TaskKind

TASK_KINDS = [(kind.value, kind.value) for kind in TaskKind]
