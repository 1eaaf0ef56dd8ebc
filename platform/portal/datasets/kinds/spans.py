"""Labelled spans of a text: a list of objects start, end, label, or the tags of CoNLL columns."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
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
        named = mending.spans(before, [_trimmed(span, before) for span in given])
        if by_hand is None:
            named = [_renamed(span, plan, edit) for span in named]
        else:
            text = mending.text(before)  # the text that the spans are places in, with what was mended since
        kept = sorted(span for span in named if span.label not in plan.drop_labels)
        if FixKind.WIDEN in plan.edits:
            kept = [_widened(span, text) for span in kept]
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
        if any(_widened(span, record.text) is not span for span in spans):
            yield "spans_cut_words"
        if any(_trimmed(span, source.text) is not span for span in _given(source) or ()):
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


def _trimmed(span: Span, text: str) -> Span:
    """Without white space at its ends; a span of nothing else stays."""
    if not (text[span.start].isspace() or text[span.end - 1].isspace()):
        return span
    inside = text[span.start : span.end]
    if not inside.strip():
        return span
    start = span.start + len(inside) - len(inside.lstrip())
    return replace(span, start=start, end=span.end - len(inside) + len(inside.rstrip()))


def _renamed(span: Span, plan: FixPlan, edit: Edit) -> Span:
    label = edit(span.label).strip()
    label = plan.label_names.get(label, label)
    return span if label == span.label else replace(span, label=label)


def _widened(span: Span, text: str) -> Span:
    """With the whole of the words in which it begins and ends."""
    start, end = span.start, span.end
    while start > 0 and _is_of_a_word(text[start]) and _is_of_a_word(text[start - 1]):
        start -= 1
    while end < len(text) and _is_of_a_word(text[end - 1]) and _is_of_a_word(text[end]):
        end += 1
    return span if (start, end) == (span.start, span.end) else replace(span, start=start, end=end)


def _is_of_a_word(character: str) -> bool:
    """Of one with others: a Chinese character is a word by itself, as models read them."""
    if unicodedata.name(character, "").startswith("CJK UNIFIED IDEOGRAPH"):
        return False
    return character.isalnum() or unicodedata.category(character).startswith("M")


def _longest(spans: Sequence[Span]) -> list[Span]:
    """Of spans over one another the longest, of equally long ones the first."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start - span.end):
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return sorted(kept)
