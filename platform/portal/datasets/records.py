"""Rows as a training reads them."""

import msgspec

from wire.spans import Span


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row; what it is labelled with stands in the field of its kind, and the others are not written."""

    row: int  # line number of its first line in the original
    text: str
    label: str = ""  # of kinds with one label a row
    value: float | None = None  # of a score
    labels: tuple[str, ...] | None = None  # of several labels; there may be none
    pair: str | None = None  # the second text, where a row has two
    spans: tuple[Span, ...] | None = None  # of labelled spans, in the text's order; there may be none
    document: int | None = None  # row of the first sentence of the document that it is part of
