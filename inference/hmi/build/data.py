"""The labelled rows of a dataset, read strictly from the file that the portal cleaned."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from hmi.base.errors import HmiError
from wire.errors import ErrorCode


@dataclass(frozen=True, slots=True)
class LabelledRow:
    """One row: ``row`` is its number in the upload, and stays its name in splits and reports."""

    row: int
    text: str
    label: str


class _RowShape(msgspec.Struct, forbid_unknown_fields=True):
    row: int
    text: str
    label: str


_DECODER = msgspec.json.Decoder(_RowShape)


def read_rows(lines: Iterable[bytes], *, labels: Sequence[str]) -> list[LabelledRow]:
    """Decode JSON lines ``{"row", "text", "label"}``; anything else is refused, and so is a row twice.

    Raises HmiError(DATASET_*), which names the line and holds no text of the tenant.
    """
    known = set(labels)
    rows: list[LabelledRow] = []
    seen: set[int] = set()
    for number, line in enumerate(lines, start=1):
        shape = _decode(line, number)
        if shape.label not in known:
            raise _bad_format(number, "its label is not one of the job's labels")
        if shape.row in seen:
            raise _bad_format(number, f"row {shape.row} stands there twice")
        if not shape.text.strip():
            raise HmiError(ErrorCode.DATASET_EMPTY_VALUES, f"rows file, line {number}: the text is empty")
        seen.add(shape.row)
        rows.append(LabelledRow(shape.row, shape.text, shape.label))
    if not rows:
        raise HmiError(ErrorCode.DATASET_EMPTY, "the dataset has no rows; upload a file with labelled texts")
    return rows


def label_indices(rows: Sequence[LabelledRow], labels: Sequence[str]) -> list[int]:
    """Each row's place in ``labels``, the order of the head's outputs."""
    place = {label: index for index, label in enumerate(labels)}
    return [place[row.label] for row in rows]


def _decode(line: bytes, number: int) -> _RowShape:
    try:
        return _DECODER.decode(line)
    except msgspec.ValidationError as exc:
        raise _bad_format(number, str(exc)) from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise _bad_format(number, "it is not a JSON object in UTF-8") from exc


def _bad_format(number: int, problem: str) -> HmiError:
    return HmiError(ErrorCode.DATASET_BAD_FORMAT, f"rows file, line {number}: {problem}")
