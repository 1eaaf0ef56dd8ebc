"""One label a row, whose text may be a pair of texts."""

from collections.abc import Iterator, Mapping
from typing import Any

from portal.datasets.findings import Finding
from portal.datasets.kinds.label_counts import (
    PLACEHOLDERS,
    LabelCounts,
    is_usable,
    one_label,
    similar_labels,
    small_classes,
)
from portal.datasets.kinds.row_kind import Edit
from portal.datasets.ledger import Ledger
from portal.datasets.plan import FixPlan
from portal.datasets.records import Record
from portal.datasets.source_row import SourceRow


class SingleLabelRows:
    """See RowKind."""

    has_spans = False
    values = None

    def __init__(self, *, has_pairs: bool = False) -> None:
        self.has_pairs = has_pairs
        self._counts = LabelCounts()

    @property
    def label_rows(self) -> Mapping[str, int]:
        return self._counts.by_label

    def takes(self, value: Any) -> bool:
        return isinstance(value, str | int | None)

    def record(self, source: SourceRow, text: str, plan: FixPlan, edit: Edit) -> Record:
        label = edit(source.label).strip()
        [kept] = plan.row_labels.get(source.row, (plan.label_names.get(label, label),))
        return Record(source.row, text, label=kept)

    def reasons_against(self, record: Record, source: SourceRow) -> Iterator[str]:
        if not record.label:
            yield "empty_labels"
        if not is_usable(record.label):
            yield "unusable_labels"

    def oddities(self, record: Record, source: SourceRow) -> Iterator[str]:
        if record.label.casefold() in PLACEHOLDERS:
            yield "placeholder_labels"
        if source.label != source.label.strip():
            yield "labels_trimmed"

    def target(self, record: Record) -> str:
        return record.label

    def names(self, record: Record) -> tuple[str, ...]:
        return (record.label,)

    def count(self, record: Record) -> None:
        self._counts.add(record.label, record.row)

    def findings(self, ledger: Ledger) -> Iterator[Finding]:
        label_rows = self.label_rows
        yield from one_label(label_rows, ledger)
        yield from similar_labels(label_rows)
        yield from small_classes(label_rows)
