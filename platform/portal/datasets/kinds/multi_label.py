"""Any number of labels a row: in one value with a separator between them, or a JSON list."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from portal.datasets.findings import Finding, Fix, FixKind, Severity
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

SEPARATORS = {";": "semicolons", ",": "commas", "|": "vertical bars", "/": "slashes", " ": "blanks"}


class MultiLabelRows:
    """See RowKind."""

    has_pairs = False
    has_spans = False
    values = None

    def __init__(self) -> None:
        self._counts = LabelCounts()
        self._has_several = False
        self._separators: Counter[str] = Counter()  # that stand inside of labels

    @property
    def label_rows(self) -> Mapping[str, int]:
        return self._counts.by_label

    def takes(self, value: Any) -> bool:
        if isinstance(value, list):
            return all(isinstance(label, str) for label in value)
        return isinstance(value, str | None)

    def record(self, source: SourceRow, text: str, plan: FixPlan, edit: Edit) -> Record:
        given = source.label.split(plan.separator) if source.listed is None else source.listed
        labels = [label for label in (edit(label).strip() for label in given) if label]
        renamed = dict.fromkeys(plan.label_names.get(label, label) for label in labels)
        kept = plan.row_labels.get(source.row, tuple(renamed))
        return Record(
            source.row, text, labels=tuple(label for label in kept if label not in plan.drop_labels)
        )

    def reasons_against(self, record: Record, source: SourceRow) -> Iterator[str]:
        if not all(map(is_usable, record.labels or ())):
            yield "unusable_labels"

    def oddities(self, record: Record, source: SourceRow) -> Iterator[str]:
        if not record.labels:
            yield "no_labels"
        if any(label.casefold() in PLACEHOLDERS for label in record.labels or ()):
            yield "placeholder_labels"

    def target(self, record: Record) -> str:
        return "\n".join(sorted(record.labels or ()))

    def names(self, record: Record) -> tuple[str, ...]:
        """None: a label that is left out leaves its rows where they are."""
        return ()

    def count(self, record: Record) -> None:
        labels = record.labels or ()
        for label in labels:
            self._counts.add(label, record.row)
            self._separators.update(separator for separator in SEPARATORS if separator in label)
        self._has_several |= len(labels) > 1

    def findings(self, ledger: Ledger) -> Iterator[Finding]:
        label_rows = self.label_rows
        yield from one_label(label_rows, ledger)
        if label_rows and not self._has_several:
            yield self._no_several()
        yield from similar_labels(label_rows)
        yield from small_classes(label_rows)

    def _no_several(self) -> Finding:
        return Finding(
            code="one_label_each",
            message="No row has more than one label.",
            fix="Say what stands between the labels of a row; or make this a task with one label a text.",
            severity=Severity.WARNING,
            fixes=tuple(
                Fix(
                    FixKind.SET_SEPARATOR,
                    "one_label_each",
                    f"Labels are parted by {SEPARATORS[separator]}",
                    {"separator": separator},
                    SEPARATORS[separator].replace(" ", "_"),
                )
                for separator, _ in self._separators.most_common(3)
            ),
        )
