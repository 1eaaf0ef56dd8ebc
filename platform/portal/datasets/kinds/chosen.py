"""The one place where an examination chooses by kind."""

from collections.abc import Callable, Mapping
from functools import partial

from portal.datasets.kinds.multi_label import MultiLabelRows
from portal.datasets.kinds.row_kind import RowKind
from portal.datasets.kinds.score import ScoreRows
from portal.datasets.kinds.single_label import SingleLabelRows
from portal.datasets.kinds.spans import SpanRows
from wire.tasks import TaskKind


def row_kind(kind: TaskKind) -> RowKind:
    """A new one, which has counted nothing."""
    return _KINDS[kind]()


_KINDS: Mapping[TaskKind, Callable[[], RowKind]] = {
    TaskKind.SINGLE_LABEL: SingleLabelRows,
    TaskKind.SCORE: ScoreRows,
    TaskKind.MULTI_LABEL: MultiLabelRows,
    TaskKind.SENTENCE_PAIR: partial(SingleLabelRows, has_pairs=True),
    TaskKind.TOKEN_CLASSIFICATION: SpanRows,
}
