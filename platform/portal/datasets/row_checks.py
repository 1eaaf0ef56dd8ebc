"""Looks at every readable row: mends what the fixes ask, notes what is odd, and keeps or leaves it out."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from portal.datasets.findings import FixKind, refuse
from portal.datasets.kinds.row_kind import RowKind
from portal.datasets.ledger import Ledger
from portal.datasets.lengths import LengthCounts
from portal.datasets.mending import LONG_TEXT_CHARS, Mending
from portal.datasets.plan import FixPlan
from portal.datasets.records import Record
from portal.datasets.seen_texts import SeenTexts
from portal.datasets.source_row import SourceRow
from portal.datasets.text_forms import letters_of, normalised, repaired
from wire.errors import ErrorCode
from wire.personal_data import personal_spots

CORRECTED_ROWS = "corrected_rows"
"""In place of a finding's code, for rows that a person has judged one by one."""
OTHER_DOMAINS = "rows_of_other_domains"
"""Likewise, for rows that are in another dataset since this one was split by domains."""
_FOLDS = {
    "train": 1, "training": 1,
    "validation": 2, "valid": 2, "val": 2, "dev": 2,
    "test": 3, "testing": 3, "eval": 3,
}  # fmt: skip
_TARGET_BITS, _FOLD_BITS = 24, 2


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

    def __init__(self, kind: RowKind, plan: FixPlan, ledger: Ledger, *, max_rows: int) -> None:
        self._kind = kind
        self._plan = plan
        self._mending = Mending(plan.edits)
        self._ledger = ledger
        self._max_rows = max_rows
        self._seen = SeenTexts()  # hash of a text's letters -> its first row's form, fold and target
        self.lengths = LengthCounts()

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
            if not self._is_usable(record, source):
                continue
            form = _TextForm.of(_texts_of(record))
            if self._is_wanted(record, source, form):
                self._count(record, source, form)
                yield record

    def _mended(self, source: SourceRow) -> Record:
        pair = self._mending.text(source.pair) if self._kind.has_pairs else None
        record = self._kind.record(source, self._mending.text(source.text), self._plan, self._mended_label)
        return record if pair is None else msgspec.structs.replace(record, pair=pair)

    def _mended_label(self, label: str) -> str:
        if FixKind.REMOVE_NUL in self._plan.edits:
            label = label.replace("\0", "")
        return repaired(label) if FixKind.REPAIR in self._plan.edits else label

    def _is_usable(self, record: Record, source: SourceRow) -> bool:
        codes = (*_reasons_against(record), *self._kind.reasons_against(record, source))
        if not codes:
            return True
        if not self._ledger.leaves_out(codes, record.row):
            for code in codes:
                self._ledger.note(code, record.row, _shown(code, record, source))
            self._ledger.num_unusable += 1
        return False

    def _is_wanted(self, record: Record, source: SourceRow, form: _TextForm) -> bool:
        if record.row in self._plan.drop_rows:
            self._ledger.leave_out(CORRECTED_ROWS, record.row)
            return False
        if record.row in self._plan.other_rows:
            self._ledger.leave_out(OTHER_DOMAINS, record.row)
            return False
        for name in self._kind.names(record):
            dropped_with = self._plan.drop_labels.get(name)
            if dropped_with is not None:
                self._ledger.leave_out(dropped_with, record.row)
                return False
        codes = tuple(self._oddities(record, source, form))
        if self._ledger.leaves_out(codes, record.row):
            return False
        for code in codes:
            self._ledger.note(code, record.row, _example(code, record, source))
        return True

    def _oddities(self, record: Record, source: SourceRow, form: _TextForm) -> Iterator[str]:
        text = _texts_of(record)
        repetition = self._repetition(record, source, form)
        if repetition:
            yield repetition
        texts = (record.text, record.pair or "")
        if any(len(one) > LONG_TEXT_CHARS for one in texts):
            yield "long_texts"
        if any(one != one.strip() for one in texts):
            yield "untrimmed_texts"
        if not text.isascii():
            if "\ufffd" in text:
                yield "damaged_characters"
            if repaired(text) != text:
                yield "wrong_decoding"
        if personal_spots(text):
            yield "personal_data"
        yield from self._kind.oddities(record, source)

    def _repetition(self, record: Record, source: SourceRow, form: _TextForm) -> str | None:
        first = self._seen.get(form.letters_hash)
        if first is None:
            return None
        first_target = first & ((1 << _TARGET_BITS) - 1)
        first_fold = (first >> _TARGET_BITS) & ((1 << _FOLD_BITS) - 1)
        is_same_form = first >> (_TARGET_BITS + _FOLD_BITS) == form.normal_hash
        if first_target != self._target(record):
            return "conflicting_labels"
        if first_fold != _fold_of(source):
            return "leakage"
        return "duplicate_texts" if is_same_form else "near_duplicates"

    def _target(self, record: Record) -> int:
        return _hash(self._kind.target(record), _TARGET_BITS // 8)

    def _count(self, record: Record, source: SourceRow, form: _TextForm) -> None:
        self._kind.count(record)
        fold, target = _fold_of(source), self._target(record)
        self._seen.add(
            form.letters_hash, (((form.normal_hash << _FOLD_BITS) | fold) << _TARGET_BITS) | target
        )
        self.lengths.add(len(record.text) + len(record.pair or ""))
        self._ledger.num_kept += 1


def _reasons_against(record: Record) -> Iterator[str]:
    texts = (record.text,) if record.pair is None else (record.text, record.pair)
    labels = (record.label, *(record.labels or ()), *(span.label for span in record.spans or ()))
    if any("\0" in value for value in (*texts, *labels)):
        yield "nul_characters"
    if any(not text.strip(" \0\t\r\n") or not text.strip() for text in texts):
        yield "empty_texts"


def _texts_of(record: Record) -> str:
    """Both texts of a pair: it is repeated where both are."""
    return record.text if record.pair is None else f"{record.text}\n{record.pair}"


def _shown(code: str, record: Record, source: SourceRow) -> str:
    """An example of a row without a label is its text, of one without a text its label."""
    if code in ("empty_labels", "unusable_labels", "no_labels"):
        return record.text
    return source.label


def _example(code: str, record: Record, source: SourceRow) -> str:
    """Of an oddity: what is odd. Where two rows contradict each other, that is the label on its text."""
    if code == "conflicting_labels":
        return f"{source.label}: {record.text}"
    return source.label if "label" in code else record.text


def _fold_of(source: SourceRow) -> int:
    return _FOLDS.get(source.fold.strip().casefold(), 0)


def _hash(text: str, num_bytes: int) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=num_bytes).digest())
