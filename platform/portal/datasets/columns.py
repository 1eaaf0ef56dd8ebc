"""Finds the text and the label column: by the names given, by known names, or by what stands in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_TEXT_NAMES = ("text", "content", "sentence", "review", "body", "message", "comment", "document", "utterance")
_LABEL_NAMES = ("label", "category", "class", "sentiment", "intent", "topic", "target")
_SPANS_NAMES = ("spans", "entities", "annotations", "labels", "label")
_PAIR_NAMES = ("pair", "text_pair", "text2", "text_b", "sentence2", "question2", "hypothesis", "answer")
_FIRST_NAMES = ("text1", "text_a", "sentence1", "question1", "premise", "question")
_FOLD_NAMES = ("split", "fold", "set", "subset", "partition")
_HEADER_CHARS = 60  # a name longer than this is a text
_MAX_NAMES = 30


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns in use: names as in the file (trimmed) and their places. Fold: which part a row is in."""

    text: str
    label: str
    text_index: int
    label_index: int
    fold_index: int | None = None
    pair: str = ""  # the second text, where rows have two
    pair_index: int | None = None


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """The names the uploader gave; None: found by name. Without a header they are "column 1" and so on."""

    text: str | None = None
    label: str | None = None
    has_header: bool = True
    pair: str | None = None  # the second text, where rows have two


@dataclass(frozen=True, slots=True)
class ColumnGuess:
    """What a sample of the rows says."""

    text_index: int
    label_index: int
    is_header: bool  # does the first row look like names?


class NoColumns(Exception):
    """The columns were not found; ``role`` is text or label."""

    def __init__(self, names: list[str], role: str, problem: str) -> None:
        listed = ", ".join(repr(name[:60]) for name in names[:_MAX_NAMES])
        super().__init__(f"{problem} The columns found are: {listed}.")
        self.role = role


def find_columns(
    names: Sequence[str], choice: ColumnChoice, *, has_pairs: bool = False, has_spans: bool = False
) -> Columns:
    """The columns to read; raises NoColumns, whose message lists what the file has."""
    found = [plain_name(name) for name in names]
    known = (*_TEXT_NAMES, *(_FIRST_NAMES if has_pairs else ()))
    text = _find(found, choice.text, known, role="text")
    label = _find(found, choice.label, _SPANS_NAMES if has_spans else _LABEL_NAMES, role="label")
    if text == label:
        raise NoColumns(found, "label", f"Text and label are both read from column {found[text]!r}.")
    pair = _find(found, choice.pair, _PAIR_NAMES, role="pair") if has_pairs else None
    if pair in (text, label):
        raise NoColumns(found, "pair", "The second text needs a column of its own.")
    return columns_at(found, text, label, pair)


def columns_at(
    names: Sequence[str], text_index: int, label_index: int, pair_index: int | None = None
) -> Columns:
    """The columns at these places."""
    found = [plain_name(name) for name in names]
    folds = [
        place
        for place, name in enumerate(found)
        if name.casefold() in _FOLD_NAMES and place not in (text_index, label_index, pair_index)
    ]
    return Columns(
        text=found[text_index],
        label=found[label_index],
        text_index=text_index,
        label_index=label_index,
        fold_index=folds[0] if len(folds) == 1 else None,
        pair="" if pair_index is None else found[pair_index],
        pair_index=pair_index,
    )


def plain_name(name: str) -> str:
    """Without white space round it, and without NUL characters, which PostgreSQL cannot keep."""
    return name.replace("\0", "").strip()


def numbered_names(width: int) -> list[str]:
    """The names of columns that have none."""
    return [f"column {place + 1}" for place in range(width)]


def guess_columns(names: Sequence[str], sample: Sequence[Sequence[Any]]) -> ColumnGuess | None:
    """The longest column is the text, the one with fewest different values the label; None when none fits."""
    rows = [row for row in sample if len(row) == len(names)]
    if len(names) < 2 or not rows:
        return None
    columns = [[str(row[place]) for row in rows] for place in range(len(names))]
    text = max(range(len(names)), key=lambda place: sum(map(len, columns[place])))
    others = [place for place in range(len(names)) if place != text and len(set(columns[place])) > 1]
    if not others:
        return None
    label = min(others, key=lambda place: len(set(columns[place])))
    is_header = plain_name(names[label]) not in {value.strip() for value in columns[label]}
    is_header = is_header and all(len(name) <= _HEADER_CHARS and name.count(" ") < 4 for name in names)
    return ColumnGuess(text, label, is_header)


def _find(found: list[str], chosen: str | None, known: tuple[str, ...], *, role: str) -> int:
    if chosen is not None:
        return _named(found, chosen.strip(), role)
    matches = [place for place, name in enumerate(found) if name.casefold() == known[0]]
    if not matches:
        matches = [place for place, name in enumerate(found) if name.casefold() in known[1:]]
    if len(matches) == 1:
        return matches[0]
    if matches:
        several = ", ".join(repr(found[place]) for place in matches)
        raise NoColumns(found, role, f"Several columns may be the {role} column: {several}.")
    raise NoColumns(found, role, f"No column is named {known[0]!r}.")


def _named(found: list[str], chosen: str, role: str) -> int:
    matches = [place for place, name in enumerate(found) if name == chosen]
    if not matches:
        matches = [place for place, name in enumerate(found) if name.casefold() == chosen.casefold()]
    if len(matches) == 1:
        return matches[0]
    how_many = "Several columns are" if matches else "No column is"
    raise NoColumns(found, role, f"{how_many} named {chosen!r}.")
