"""Labelled spans of a text: a list of objects start, end, label, or the tags of CoNLL columns."""

import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import msgspec

from portal.datasets.findings import Finding, FixKind
from portal.datasets.kinds.label_counts import (
    PLACEHOLDERS,
    LabelCounts,
    is_usable,
    similar_labels,
    small_classes,
)
from portal.datasets.kinds.row_kind import Edit
from portal.datasets.ledger import Ledger
from portal.datasets.mending import Mending
from portal.datasets.plan import FixPlan
from portal.datasets.records import Record
from portal.datasets.source_row import SourceRow
from wire.errors import ErrorCode
from wire.spans import Span

MAX_LABELS = 499
"""A head has two outputs for each label and one more, and a service takes heads of 1,000."""


class SpanRows:
    """See RowKind."""

    has_pairs = False
    has_spans = True
    values = None

    def __init__(self) -> None:
        self._counts = LabelCounts(MAX_LABELS)

    @property
    def label_rows(self) -> Mapping[str, int]:
        return self._counts.by_label

    def takes(self, value: Any) -> bool:
        return value is None or isinstance(value, str) or _converted(value) is not None

    def record(self, source: SourceRow, text: str, plan: FixPlan, edit: Edit) -> Record:
        """Spans are trimmed, sorted, and moved with what the fixes do to the text; where one stands outside
        it, all are left as they are."""
        by_hand = plan.row_spans.get(source.row)
        before = source.text if by_hand is None else Mending(by_hand.edits).text(source.text)
        given = _given(source) if by_hand is None else by_hand.spans
        if given is None or _outside(given, before):
            return Record(source.row, text, spans=None if given is None else tuple(given))
        mending = Mending(plan.edits)
        blanks = _Runs(before, str.isspace)
        named = mending.spans(before, [_trimmed(span, blanks) for span in given])
        if by_hand is None:
            named = [_renamed(span, plan, edit) for span in named]
        else:
            text = mending.text(before)  # the text that the spans are places in, with what was mended since
        kept = sorted(span for span in named if span.label not in plan.drop_labels)
        if FixKind.WIDEN in plan.edits:
            words = _Runs(text, _is_of_a_word)
            kept = [_widened(span, words) for span in kept]
        if FixKind.KEEP_LONGEST in plan.edits:
            kept = _longest(kept)
        return Record(source.row, text, spans=tuple(kept), document=source.document)

    def reasons_against(self, record: Record, source: SourceRow) -> Iterator[str]:
        given = _given(source)
        if given is None:
            yield "label_type"
            return
        spans = record.spans or ()
        if _outside(given, source.text) or _outside(spans, record.text):
            yield "spans_outside"
            return
        if not all(span.label for span in spans):
            yield "empty_labels"
        if not all(is_usable(span.label) for span in spans):
            yield "unusable_labels"
        if any(second.start < first.end for first, second in pairwise(spans)):
            yield "overlapping_spans"

    def oddities(self, record: Record, source: SourceRow) -> Iterator[str]:
        yield from source.flaws
        spans = record.spans or ()
        words, blanks = _Runs(record.text, _is_of_a_word), _Runs(source.text, str.isspace)
        if any(_widened(span, words) is not span for span in spans):
            yield "spans_cut_words"
        if any(_trimmed(span, blanks) is not span for span in _given(source) or ()):
            yield "spans_trimmed"
        if any(span.label.casefold() in PLACEHOLDERS for span in spans):
            yield "placeholder_labels"
        if not spans:
            yield "rows_without_spans"

    def target(self, record: Record) -> str:
        return "\n".join(f"{span.start} {span.end} {span.label}" for span in record.spans or ())

    def names(self, record: Record) -> tuple[str, ...]:
        """None: a label that is left out leaves its rows where they are."""
        return ()

    def count(self, record: Record) -> None:
        for label in sorted({span.label for span in record.spans or ()}):
            self._counts.add(label, record.row)

    def findings(self, ledger: Ledger) -> Iterator[Finding]:
        label_rows = self.label_rows
        if not label_rows and not ledger.num_unusable:
            yield Finding(
                code=ErrorCode.DATASET_ONE_LABEL.value,
                message="No row has a span.",
                fix="Mark in some texts what is to be found; or choose the column of the spans or tags.",
            )
        yield from similar_labels(label_rows)
        yield from small_classes(label_rows)


def _given(source: SourceRow) -> Sequence[Span] | None:
    """As the file has them; None for what is no list of spans."""
    if source.spans is not None:
        return source.spans
    if source.listed is not None:
        return _converted(source.listed)
    if not source.label.strip():
        return []
    try:
        return _converted(msgspec.json.decode(source.label))
    except (msgspec.DecodeError, RecursionError):
        return None


def _converted(value: Any) -> list[Span] | None:
    try:
        return msgspec.convert(value, list[Span])
    except msgspec.ValidationError:
        return None


def _outside(spans: Sequence[Span], text: str) -> bool:
    """Is one of them empty, or not inside of the text?"""
    return any(not 0 <= span.start < span.end <= len(text) for span in spans)


class _Runs:
    """Where characters of one sort stand side by side in a text: each is looked at once, however many spans
    begin or end among them."""

    def __init__(self, text: str, belongs: Callable[[str], bool]) -> None:
        self._text = text
        self._belongs = belongs
        self._found: list[tuple[int, int]] = []  # first character and the one after the last, ascending

    def around(self, place: int) -> tuple[int, int] | None:
        """The run that the character is part of; None: it is of no such sort."""
        text, belongs = self._text, self._belongs
        number = bisect_right(self._found, (place, len(text)))
        if number and place < self._found[number - 1][1]:
            return self._found[number - 1]
        if not belongs(text[place]):
            return None
        start, end = place, place + 1
        while start > 0 and belongs(text[start - 1]):
            start -= 1
        while end < len(text) and belongs(text[end]):
            end += 1
        self._found.insert(number, (start, end))
        return start, end


def _trimmed(span: Span, blanks: _Runs) -> Span:
    """Without white space at its ends; a span of nothing else stays."""
    first, last = blanks.around(span.start), blanks.around(span.end - 1)
    start = span.start if first is None else first[1]
    end = span.end if last is None else last[0]
    if start >= end or (start, end) == (span.start, span.end):
        return span
    return replace(span, start=start, end=end)


def _renamed(span: Span, plan: FixPlan, edit: Edit) -> Span:
    label = edit(span.label).strip()
    label = plan.label_names.get(label, label)
    return span if label == span.label else replace(span, label=label)


def _widened(span: Span, words: _Runs) -> Span:
    """With the whole of the words in which it begins and ends."""
    first, last = words.around(span.start), words.around(span.end - 1)
    start = span.start if first is None else first[0]
    end = span.end if last is None else last[1]
    return span if (start, end) == (span.start, span.end) else replace(span, start=start, end=end)


def _is_of_a_word(character: str) -> bool:
    """Of one with others: a Chinese character is a word by itself, as models read them."""
    if unicodedata.name(character, "").startswith("CJK UNIFIED IDEOGRAPH"):
        return False
    return character.isalnum() or unicodedata.category(character).startswith("M")


def _longest(spans: Sequence[Span]) -> list[Span]:
    """Of spans over one another the longest, of equally long ones the first."""
    kept: list[Span] = []  # ascending
    for span in sorted(spans, key=lambda span: span.start - span.end):
        place = bisect_right(kept, span)
        follows = place == 0 or kept[place - 1].end <= span.start
        if follows and (place == len(kept) or span.end <= kept[place].start):
            kept.insert(place, span)
    return kept
