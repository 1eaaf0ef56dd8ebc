"""Counts of labels, and what they say together."""

from collections import Counter
from collections.abc import Iterator, Mapping

from portal.datasets.findings import DatasetRefused, Finding, Fix, FixKind, Severity, refuse
from portal.datasets.ledger import Ledger
from portal.datasets.text_forms import normalised
from wire.errors import ErrorCode

MAX_LABELS = 1000
MAX_LABEL_CHARS = 200
SMALL_CLASS_ROWS = 5
PLACEHOLDERS = frozenset(
    {
        "?",
        "-",
        "--",
        "n/a",
        "na",
        "nan",
        "none",
        "null",
        "unknown",
        "undefined",
        "unlabeled",
        "unlabelled",
        "tbd",
    }
)
_OTHER = "other"


class LabelCounts:
    """Rows of each label."""

    def __init__(self, max_labels: int = MAX_LABELS) -> None:
        self._rows: Counter[str] = Counter()
        self._max_labels = max_labels

    @property
    def by_label(self) -> dict[str, int]:
        """In alphabetical order."""
        return dict(sorted(self._rows.items()))

    def add(self, label: str, row: int) -> None:
        """Raises DatasetRefused for more labels than a task may have."""
        if label not in self._rows and len(self._rows) == self._max_labels:
            raise _too_many_labels(row, self._max_labels)
        self._rows[label] += 1


def is_usable(label: str) -> bool:
    """Is it short, and on one line?"""
    return len(label) <= MAX_LABEL_CHARS and not any(0 < ord(character) < 32 for character in label)


def one_label(label_rows: Mapping[str, int], ledger: Ledger) -> Iterator[Finding]:
    """Silent on what the unusable rows may yet change."""
    if len(label_rows) == 1 and not ledger.num_unusable:
        yield Finding(
            code=ErrorCode.DATASET_ONE_LABEL.value,
            message=f"Every row has the label {next(iter(label_rows))!r}.",
            fix="Add rows of at least one other label: a model learns to tell labels apart.",
        )


def similar_labels(label_rows: Mapping[str, int]) -> Iterator[Finding]:
    """Labels that are hardly meant as two."""
    alike: dict[str, list[str]] = {}
    for label in label_rows:
        alike.setdefault("".join(normalised(label).split()), []).append(label)
    groups = [group for group in alike.values() if len(group) > 1]
    if not groups:
        return
    kept = [max(group, key=lambda label: label_rows[label]) for group in groups]
    merged = {
        label: into for group, into in zip(groups, kept, strict=True) for label in group if label != into
    }
    pairs = ["/".join(repr(label) for label in group) for group in groups]
    yield Finding(
        code="similar_labels",
        message=f"Labels that differ only in case, white space or Unicode form: {_some(pairs)}.",
        fix="Write them alike if they mean the same; they are learnt as different labels.",
        severity=Severity.WARNING,
        num_rows=sum(label_rows[label] for label in merged),
        fixes=(
            Fix(
                FixKind.MERGE_LABELS,
                "similar_labels",
                f"Write them as {_some([repr(label) for label in kept], 5)}",
                {"labels": merged},
            ),
        ),
    )


def small_classes(label_rows: Mapping[str, int]) -> Iterator[Finding]:
    """Labels that can be neither learnt nor tested."""
    small = {label: number for label, number in label_rows.items() if number < SMALL_CLASS_ROWS}
    if not small:
        return
    fixes = [Fix(FixKind.DROP_LABELS, "small_classes", "Leave these labels out", {"labels": sorted(small)})]
    if len(small) > 1:
        merged = {"labels": dict.fromkeys(sorted(small), _OTHER)}
        fixes.append(Fix(FixKind.MERGE_LABELS, "small_classes", f"Merge them into {_OTHER!r}", merged))
    told = [f"{label!r} ({number})" for label, number in small.items()]
    yield Finding(
        code="small_classes",
        message=f"Labels with fewer than {SMALL_CLASS_ROWS} rows: {_some(told)}.",
        fix="Add rows of these labels, or leave them out; they can be neither learnt nor tested.",
        severity=Severity.WARNING,
        num_rows=sum(small.values()),
        fixes=tuple(fixes),
    )


def _some(items: list[str], most: int = 20) -> str:
    shown = ", ".join(items[:most])
    return f"{shown} and {len(items) - most:,} more" if len(items) > most else shown


def _too_many_labels(row: int, max_labels: int) -> DatasetRefused:
    return refuse(
        ErrorCode.DATASET_TOO_MANY_LABELS,
        f"By row {row} the file has more than {max_labels:,} different labels.",
        "Is the label column right? Name it with label_column.",
        rows=(row,),
    )
