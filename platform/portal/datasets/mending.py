"""What the fixes do to texts, and where characters stand afterwards: spans move along with their text."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from portal.datasets.findings import FixKind
from portal.datasets.text_forms import repairs
from wire.personal_data import personal_spots
from wire.spans import Span

LONG_TEXT_CHARS = 50_000


@dataclass(frozen=True, slots=True)
class Piece:
    """Characters ``start`` to ``end`` of a text are replaced by ``text``."""

    start: int
    end: int
    text: str = ""


class Mending:
    """The edits of texts that a version's fixes ask for, in the order in which they are made."""

    def __init__(self, edits: frozenset[FixKind]) -> None:
        self._steps = [step for kind, step in _STEPS if kind in edits]

    def text(self, text: str) -> str:
        """The text as it is kept."""
        for step in self._steps:
            text = _replaced(text, step(text))
        return text

    def spans(self, text: str, spans: Sequence[Span]) -> list[Span]:
        """Where the spans of ``text`` stand in the text that is kept; those of which nothing is left are
        not."""
        moved = list(spans)
        for step in self._steps:
            pieces = step(text)
            moved = list(map(_Moves(pieces).moved, moved))
            text = _replaced(text, pieces)
        return [span for span in moved if span.start < span.end]


def _nul(text: str) -> list[Piece]:
    return [Piece(place, place + 1) for place, character in enumerate(text) if character == "\0"]


def _repair(text: str) -> list[Piece]:
    return [Piece(start, end, right) for start, end, right in repairs(text)]


def _mask(text: str) -> list[Piece]:
    return [Piece(spot.start, spot.end, f"[{spot.kind}]") for spot in personal_spots(text)]


def _cut(text: str) -> list[Piece]:
    return [Piece(LONG_TEXT_CHARS, len(text))] if len(text) > LONG_TEXT_CHARS else []


def _trim(text: str) -> list[Piece]:
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    if start >= end:
        return [Piece(0, len(text))]
    return [Piece(0, start), Piece(end, len(text))]


_STEPS: tuple[tuple[FixKind, Callable[[str], list[Piece]]], ...] = (
    (FixKind.REMOVE_NUL, _nul),
    (FixKind.REPAIR, _repair),
    (FixKind.MASK, _mask),
    (FixKind.CUT, _cut),
    (FixKind.TRIM, _trim),  # last: the others may lay white space bare
)


def _replaced(text: str, pieces: Iterable[Piece]) -> str:
    parts, end = [], 0
    for piece in pieces:
        parts += [text[end : piece.start], piece.text]
        end = piece.end
    return "".join([*parts, text[end:]]) if parts else text


class _Moves:
    """How far pieces, in their order, move what stands behind them."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = pieces
        self._ends = [piece.end for piece in pieces]
        longer = (len(piece.text) - (piece.end - piece.start) for piece in pieces)
        self._longer = list(accumulate(longer, initial=0))  # [pieces + 1] by those before

    def moved(self, span: Span) -> Span:
        """A span that ends inside a piece takes all of what is put in its place."""
        return replace(span, start=self._start(span.start), end=self._end(span.end))

    def _start(self, place: int) -> int:
        number = bisect_right(self._ends, place)
        inside = self._inside(number, place)
        return self._longer[number] + (place if inside is None else inside.start)

    def _end(self, place: int) -> int:
        number = bisect_right(self._ends, place)
        inside = self._inside(number, place)
        return self._longer[number] + (place if inside is None else inside.start + len(inside.text))

    def _inside(self, number: int, place: int) -> Piece | None:
        """The first piece that does not end before ``place``, where it begins before it."""
        piece = self._pieces[number] if number < len(self._pieces) else None
        return None if piece is None or piece.start >= place else piece
