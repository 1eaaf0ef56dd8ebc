"""A number a row."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from portal.datasets.findings import Finding
from portal.datasets.kinds.row_kind import Edit, ValueRange
from portal.datasets.ledger import Ledger
from portal.datasets.plan import FixPlan
from portal.datasets.records import Record
from portal.datasets.source_row import SourceRow
from wire.errors import ErrorCode

MAX_SCORE = 1e30
"""Either way: trainings square scores, and heads have them in float32."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


class ScoreRows:
    """See RowKind."""

    has_pairs = False
    has_spans = False
    label_rows: Mapping[str, int] = {}

    def __init__(self) -> None:
        self._num_rows = 0
        self._sum = 0.0
        self._least, self._most = math.inf, -math.inf

    @property
    def values(self) -> ValueRange | None:
        if not self._num_rows:
            return None
        return ValueRange(self._least, self._most, self._sum / self._num_rows)

    def takes(self, value: Any) -> bool:
        return isinstance(value, str | int | float | None) and not isinstance(value, bool)

    def record(self, source: SourceRow, text: str, plan: FixPlan, edit: Edit) -> Record:
        value = plan.row_values.get(source.row)
        return Record(source.row, text, value=number_of(edit(source.label)) if value is None else value)

    def reasons_against(self, record: Record, source: SourceRow) -> Iterator[str]:
        if record.value is None:
            yield "not_a_number_labels" if source.label.strip() else "empty_labels"

    def oddities(self, record: Record, source: SourceRow) -> Iterator[str]:
        return iter(())

    def target(self, record: Record) -> str:
        return repr(record.value)

    def names(self, record: Record) -> tuple[str, ...]:
        return ()

    def count(self, record: Record) -> None:
        assert record.value is not None, "a row without a number is not usable"
        self._num_rows += 1
        self._sum += record.value
        self._least, self._most = min(self._least, record.value), max(self._most, record.value)

    def findings(self, ledger: Ledger) -> Iterator[Finding]:
        if self._num_rows and self._least == self._most and not ledger.num_unusable:
            yield Finding(
                code=ErrorCode.DATASET_ONE_LABEL.value,
                message=f"Every row has the value {self._least:g}.",
                fix="Add rows of other values: a model learns what makes them differ.",
            )


def number_of(text: str) -> float | None:
    """A number of up to MAX_SCORE in digits with a decimal point, else None."""
    text = text.strip()
    value = float(text) if _NUMBER.fullmatch(text) else math.inf
    return value if abs(value) <= MAX_SCORE else None
