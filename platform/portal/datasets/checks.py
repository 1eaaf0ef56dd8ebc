"""Judges a stream of records as training data: what makes it unusable is refused, what is odd is told."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from portal.datasets.findings import DatasetRefused, Finding, RowTally
from portal.datasets.reader import Record
from wire.errors import ErrorCode

MIN_ROWS = 10
MAX_LABELS = 1000
MAX_LABEL_CHARS = 200
LONG_TEXT_CHARS = 50_000
SMALL_CLASS_ROWS = 5


@dataclass(frozen=True, slots=True)
class LabelCount:
    """One label and how many rows have it."""

    label: str
    num_rows: int


@dataclass(frozen=True, slots=True)
class DatasetSummary:
    """What a checked file holds; labels in alphabetical order."""

    num_rows: int
    labels: tuple[LabelCount, ...]
    warnings: tuple[Finding, ...]


class RowChecks:
    """Passes records through, counting what is wrong with them; ``summary()`` refuses or sums up at the end.

    Keeps a few numbers a row (a hash of its text), never the texts. Labels lose their outer white space, with
    a warning; texts are not changed.
    """

    def __init__(self, *, max_rows: int) -> None:
        self._max_rows = max_rows
        self._num_rows = 0
        self._label_places: dict[str, int] = {}  # label -> place in _label_rows
        self._label_rows: list[int] = []
        self._seen: dict[int, int] = {}  # hash of a text -> place of its first label
        self._empty_texts = RowTally()
        self._empty_labels = RowTally()
        self._unusable_labels = RowTally()
        self._nul_texts = RowTally()
        self._trimmed_labels = RowTally()
        self._duplicates = RowTally()
        self._conflicts = RowTally()
        self._long_texts = RowTally()
        self._damaged_texts = RowTally()

    def passed(self, records: Iterable[Record]) -> Iterator[Record]:
        """The usable records, labels trimmed. Raises DatasetRefused as soon as a limit is passed."""
        for record in records:
            self._num_rows += 1
            if self._num_rows > self._max_rows:
                raise _too_many_rows(self._max_rows)
            label = record.label.strip()
            if self._is_usable(record, label):
                self._count_label(record, label)
                self._look_at_text(record, self._label_places[label])
                yield Record(record.row, record.text, label)

    def summary(self) -> DatasetSummary:
        """After the last record: raises DatasetRefused with every reason, or gives counts and warnings."""
        self._refuse_bad_rows()
        self._refuse_bad_whole()
        labels = tuple(
            LabelCount(label, self._label_rows[place]) for label, place in sorted(self._label_places.items())
        )
        return DatasetSummary(self._num_rows, labels, tuple(self._warnings()))

    def _is_usable(self, record: Record, label: str) -> bool:
        usable = True
        if not record.text.strip():
            self._empty_texts.add(record.row)
            usable = False
        if not label:
            self._empty_labels.add(record.row)
            usable = False
        if len(label) > MAX_LABEL_CHARS or any(ord(character) < 32 for character in label):
            self._unusable_labels.add(record.row)
            usable = False
        if "\0" in record.text:  # a file has no NUL bytes, but JSON can write one
            self._nul_texts.add(record.row)
            usable = False
        return usable

    def _count_label(self, record: Record, label: str) -> None:
        if label != record.label:
            self._trimmed_labels.add(record.row)
        place = self._label_places.setdefault(label, len(self._label_rows))
        if place == len(self._label_rows):
            if place == MAX_LABELS:
                raise _too_many_labels(record.row)
            self._label_rows.append(0)
        self._label_rows[place] += 1

    def _look_at_text(self, record: Record, label_place: int) -> None:
        if len(record.text) > LONG_TEXT_CHARS:
            self._long_texts.add(record.row)
        if "\ufffd" in record.text:
            self._damaged_texts.add(record.row)
        text_hash = int.from_bytes(hashlib.blake2b(record.text.strip().encode(), digest_size=8).digest())
        first_label_place = self._seen.get(text_hash)
        if first_label_place is None:
            self._seen[text_hash] = label_place
        elif first_label_place == label_place:
            self._duplicates.add(record.row)
        else:
            self._conflicts.add(record.row)

    def _refuse_bad_rows(self) -> None:
        tallies = (
            (
                self._empty_texts,
                ErrorCode.DATASET_EMPTY_VALUES,
                "The text is empty in {rows}.",
                "Fill or delete them.",
            ),
            (
                self._empty_labels,
                ErrorCode.DATASET_EMPTY_VALUES,
                "The label is empty in {rows}.",
                "Fill or delete them.",
            ),
            (
                self._unusable_labels,
                ErrorCode.DATASET_BAD_FORMAT,
                f"The label is longer than {MAX_LABEL_CHARS} characters or has line breaks in {{rows}}.",
                "Are the text and the label column swapped? Name them with text_column and label_column.",
            ),
            (
                self._nul_texts,
                ErrorCode.DATASET_BAD_FORMAT,
                "The text holds NUL in {rows}.",
                "Remove the character.",
            ),
        )
        findings = [
            tally.finding(code=code.value, message=message, fix=fix)
            for tally, code, message, fix in tallies
            if tally.num_rows
        ]
        if findings:
            raise DatasetRefused(ErrorCode(findings[0].code), findings)

    def _refuse_bad_whole(self) -> None:
        if self._num_rows == 0:
            raise _whole(ErrorCode.DATASET_EMPTY, "The file has a header but no rows.", "Add one row a text.")
        if len(self._label_rows) < 2:
            only = next(iter(self._label_places))
            raise _whole(
                ErrorCode.DATASET_ONE_LABEL,
                f"Every row has the label {only!r}.",
                "Add rows of at least one other label: a model learns to tell labels apart.",
            )
        if self._num_rows < MIN_ROWS:
            raise _whole(
                ErrorCode.DATASET_TOO_FEW_ROWS,
                f"The file has {self._num_rows} rows; a training needs at least {MIN_ROWS}.",
                "Add more rows; some hundred of each label give useful results.",
            )

    def _warnings(self) -> Iterator[Finding]:
        tallies = (
            (
                self._duplicates,
                "duplicate_texts",
                "Texts that stand in an earlier row with the same label: {rows}.",
                "Delete them if they are not meant; they count twice.",
            ),
            (
                self._conflicts,
                "conflicting_labels",
                "Texts that stand in an earlier row with another label: {rows}.",
                "Decide for one label; the model cannot learn both.",
            ),
            (
                self._long_texts,
                "long_texts",
                f"Texts longer than {LONG_TEXT_CHARS:,} characters: {{rows}}.",
                "Only the beginning of a text is read; shorten or split them.",
            ),
            (
                self._damaged_texts,
                "damaged_characters",
                "Texts with the sign for an unreadable character (U+FFFD): {rows}.",
                "Export the file again from its source as UTF-8.",
            ),
            (
                self._trimmed_labels,
                "labels_trimmed",
                "White space round the label was removed: {rows}.",
                "Nothing to do, unless the space was meant.",
            ),
        )
        for tally, code, message, fix in tallies:
            if tally.num_rows:
                yield tally.finding(code=code, message=message, fix=fix)
        yield from self._label_warnings()

    def _label_warnings(self) -> Iterator[Finding]:
        alike: dict[str, list[str]] = {}
        for label in sorted(self._label_places):
            alike.setdefault("".join(label.casefold().split()), []).append(label)
        pairs = ["/".join(repr(label) for label in group) for group in alike.values() if len(group) > 1]
        if pairs:
            yield Finding(
                code="similar_labels",
                message=f"Labels that differ only in case or white space: {_some(pairs)}.",
                fix="Write them alike if they mean the same; they are learnt as different labels.",
            )
        small = [
            f"{label!r} ({self._label_rows[place]})"
            for label, place in sorted(self._label_places.items())
            if self._label_rows[place] < SMALL_CLASS_ROWS
        ]
        if small:
            yield Finding(
                code="small_classes",
                message=f"Labels with fewer than {SMALL_CLASS_ROWS} rows: {_some(small)}.",
                fix="Add rows of these labels, or leave them out; they can be neither learnt nor tested.",
            )


def _some(items: list[str]) -> str:
    shown = ", ".join(items[:20])
    return f"{shown} and {len(items) - 20:,} more" if len(items) > 20 else shown


def _whole(code: ErrorCode, message: str, fix: str) -> DatasetRefused:
    return DatasetRefused(code, [Finding(code=code.value, message=message, fix=fix)])


def _too_many_rows(max_rows: int) -> DatasetRefused:
    return _whole(
        ErrorCode.DATASET_TOO_LARGE, f"The file has more than {max_rows:,} rows.", "Upload fewer rows."
    )


def _too_many_labels(row: int) -> DatasetRefused:
    message = f"By row {row} the file has more than {MAX_LABELS:,} different labels."
    fix = "Is the label column right? Name it with label_column."
    return DatasetRefused(
        ErrorCode.DATASET_TOO_MANY_LABELS,
        [
            Finding(
                code=ErrorCode.DATASET_TOO_MANY_LABELS.value,
                message=message,
                fix=fix,
                rows=(row,),
                num_rows=1,
            )
        ],
    )
