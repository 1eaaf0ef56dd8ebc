"""Looks at every readable row: mends what the fixes ask, notes what is odd, and keeps or leaves it out."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from portal.datasets.findings import DatasetRefused, FixKind, refuse
from portal.datasets.ledger import Ledger
from portal.datasets.lengths import LengthCounts
from portal.datasets.personal_data import masked, personal_spots
from portal.datasets.plan import FixPlan
from portal.datasets.reader import SourceRow
from portal.datasets.text_forms import letters_of, normalised, repaired
from wire.errors import ErrorCode

MAX_LABELS = 1000
MAX_LABEL_CHARS = 200
LONG_TEXT_CHARS = 50_000
CORRECTED_ROWS = "corrected_rows"
"""In place of a finding's code, for rows that a person has judged one by one."""
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
_FOLDS = {
    "train": 1, "training": 1,
    "validation": 2, "valid": 2, "val": 2, "dev": 2,
    "test": 3, "testing": 3, "eval": 3,
}  # fmt: skip
_LABEL_BITS, _FOLD_BITS = 10, 2


@dataclass(frozen=True, slots=True)
class Record:
    """One row as a training reads it."""

    row: int  # line number of its first line in the original
    text: str
    label: str


@dataclass(frozen=True, slots=True)
class _TextForm:
    """What is remembered of a text: 64 bits of its letters, 32 bits of its normalised form."""

    letters_hash: int
    normal_hash: int

    @classmethod
    def of(cls, text: str) -> "_TextForm":
        normal = normalised(text)
        return cls(_hash(letters_of(normal), 8), _hash(normal, 4))


class RowChecks:
    """One pass over a file's rows. Keeps a few numbers a row (a hash of its text), never the texts.

    Labels always lose their outer white space, with a note; texts change only where a fix asks for it.
    """

    def __init__(self, plan: FixPlan, ledger: Ledger, *, max_rows: int) -> None:
        self._plan = plan
        self._ledger = ledger
        self._max_rows = max_rows
        self._label_places: dict[str, int] = {}  # label -> place in _label_rows
        self._label_rows: list[int] = []
        self._seen: dict[int, int] = {}  # hash of a text's letters -> its first row's form, fold and label
        self.lengths = LengthCounts()

    @property
    def label_rows(self) -> dict[str, int]:
        """Rows kept of each label, in alphabetical order."""
        return {label: self._label_rows[place] for label, place in sorted(self._label_places.items())}

    def kept(self, rows: Iterator[SourceRow]) -> Iterator[Record]:
        """The rows to train on. Raises DatasetRefused when the file has more rows or labels than allowed."""
        for source in rows:
            if self._ledger.num_read > self._max_rows:
                raise refuse(
                    ErrorCode.DATASET_TOO_LARGE,
                    f"The file has more than {self._max_rows:,} rows.",
                    "Upload fewer rows.",
                )
            record = self._mended(source)
            if not self._is_usable(record):
                continue
            form = _TextForm.of(record.text)
            if self._is_wanted(record, source, form):
                self._count(record, source, form)
                yield record

    def _mended(self, source: SourceRow) -> Record:
        text, label, edits = source.text, source.label, self._plan.edits
        if FixKind.REMOVE_NUL in edits:
            text, label = text.replace("\0", ""), label.replace("\0", "")
        if FixKind.REPAIR in edits:
            text, label = repaired(text), repaired(label)
        if FixKind.MASK in edits:
            text = masked(text)
        if FixKind.CUT in edits:
            text = text[:LONG_TEXT_CHARS]
        if FixKind.TRIM in edits:  # last: the others may lay white space bare
            text = text.strip()
        label = label.strip()
        kept = self._plan.label_names.get(label, label)
        return Record(source.row, text, self._plan.row_labels.get(source.row, kept))

    def _is_usable(self, record: Record) -> bool:
        codes = tuple(_reasons_against(record))
        if not codes:
            return True
        if not self._ledger.leaves_out(codes, record.row):
            for code in codes:
                self._ledger.note(code, record.row, record.text if "label" in code else record.label)
            self._ledger.num_unusable += 1
        return False

    def _is_wanted(self, record: Record, source: SourceRow, form: _TextForm) -> bool:
        if record.row in self._plan.drop_rows:
            self._ledger.leave_out(CORRECTED_ROWS, record.row)
            return False
        dropped_with = self._plan.drop_labels.get(record.label)
        if dropped_with is not None:
            self._ledger.leave_out(dropped_with, record.row)
            return False
        codes = tuple(self._oddities(record, source, form))
        if self._ledger.leaves_out(codes, record.row):
            return False
        for code in codes:
            self._ledger.note(code, record.row, source.label if "label" in code else record.text)
        return True

    def _oddities(self, record: Record, source: SourceRow, form: _TextForm) -> Iterator[str]:
        text = record.text
        repetition = self._repetition(record, source, form)
        if repetition:
            yield repetition
        if len(text) > LONG_TEXT_CHARS:
            yield "long_texts"
        if text != text.strip():
            yield "untrimmed_texts"
        if not text.isascii():
            if "\ufffd" in text:
                yield "damaged_characters"
            if repaired(text) != text:
                yield "wrong_decoding"
        if personal_spots(text):
            yield "personal_data"
        if record.label.casefold() in PLACEHOLDERS:
            yield "placeholder_labels"
        if source.label != source.label.strip():
            yield "labels_trimmed"

    def _repetition(self, record: Record, source: SourceRow, form: _TextForm) -> str | None:
        first = self._seen.get(form.letters_hash)
        if first is None:
            return None
        label_place = self._label_places.get(record.label, -1)
        first_label = first & ((1 << _LABEL_BITS) - 1)
        first_fold = (first >> _LABEL_BITS) & ((1 << _FOLD_BITS) - 1)
        is_same_form = first >> (_LABEL_BITS + _FOLD_BITS) == form.normal_hash
        if first_label != label_place:
            return "conflicting_labels"
        if first_fold != _fold_of(source):
            return "leakage"
        return "duplicate_texts" if is_same_form else "near_duplicates"

    def _count(self, record: Record, source: SourceRow, form: _TextForm) -> None:
        place = self._label_places.setdefault(record.label, len(self._label_rows))
        if place == len(self._label_rows):
            if place == MAX_LABELS:
                raise _too_many_labels(record.row)
            self._label_rows.append(0)
        self._label_rows[place] += 1
        packed = (((form.normal_hash << _FOLD_BITS) | _fold_of(source)) << _LABEL_BITS) | place
        self._seen.setdefault(form.letters_hash, packed)
        self.lengths.add(len(record.text))
        self._ledger.num_kept += 1


def _reasons_against(record: Record) -> Iterator[str]:
    if "\0" in record.text or "\0" in record.label:
        yield "nul_characters"
    if not record.text.strip(" \0\t\r\n") or not record.text.strip():
        yield "empty_texts"
    if not record.label:
        yield "empty_labels"
    if len(record.label) > MAX_LABEL_CHARS or any(0 < ord(character) < 32 for character in record.label):
        yield "unusable_labels"


def _fold_of(source: SourceRow) -> int:
    return _FOLDS.get(source.fold.strip().casefold(), 0)


def _too_many_labels(row: int) -> DatasetRefused:
    return refuse(
        ErrorCode.DATASET_TOO_MANY_LABELS,
        f"By row {row} the file has more than {MAX_LABELS:,} different labels.",
        "Is the label column right? Name it with label_column.",
        rows=(row,),
    )


def _hash(text: str, num_bytes: int) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=num_bytes).digest())
