"""Finds the text and the label column among a file's column names."""

from collections.abc import Sequence
from dataclasses import dataclass

from portal.datasets.findings import DatasetRefused, Finding
from wire.errors import ErrorCode

_TEXT_NAMES = ("text", "content", "sentence", "review", "body", "message", "comment", "document", "utterance")
_LABEL_NAMES = ("label", "category", "class", "sentiment", "intent", "topic", "target")


@dataclass(frozen=True, slots=True)
class Columns:
    """The two columns in use: names as in the file (trimmed) and their places."""

    text: str
    label: str
    text_index: int
    label_index: int


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """The names the uploader gave; None: found by name."""

    text: str | None = None
    label: str | None = None


def find_columns(names: Sequence[str], choice: ColumnChoice) -> Columns:
    """The columns to read; raises DatasetRefused (dataset_missing_column) listing what the file has."""
    found = [name.strip() for name in names]
    text = _find(found, choice.text, _TEXT_NAMES, role="text")
    label = _find(found, choice.label, _LABEL_NAMES, role="label")
    if text == label:
        raise _missing(found, "label", f"Text and label are both read from column {found[text]!r}.")
    return Columns(text=found[text], label=found[label], text_index=text, label_index=label)


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
        raise _missing(found, role, f"Several columns may be the {role} column: {several}.")
    raise _missing(found, role, f"No column is named {role!r}.")


def _named(found: list[str], chosen: str, role: str) -> int:
    matches = [place for place, name in enumerate(found) if name == chosen]
    if not matches:
        matches = [place for place, name in enumerate(found) if name.casefold() == chosen.casefold()]
    if len(matches) == 1:
        return matches[0]
    how_many = "Several columns are" if matches else "No column is"
    raise _missing(found, role, f"{how_many} named {chosen!r}.")


def _missing(found: list[str], role: str, problem: str) -> DatasetRefused:
    listed = ", ".join(repr(name[:60]) for name in found[:30])
    finding = Finding(
        code=ErrorCode.DATASET_MISSING_COLUMN.value,
        message=f"{problem} The columns found are: {listed}.",
        fix=f"Name the column {role!r} in the first row, or send {role}_column with its name.",
        rows=(1,),
        num_rows=1,
    )
    return DatasetRefused(ErrorCode.DATASET_MISSING_COLUMN, [finding], param=f"{role}_column")
