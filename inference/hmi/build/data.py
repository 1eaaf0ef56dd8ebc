"""The labelled rows of a dataset, read strictly from the file that the portal cleaned."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from hmi.base.errors import HmiError
from hmi.model.tokenizer import Text
from wire.errors import ErrorCode
from wire.spans import Span
from wire.tasks import TaskKind


@dataclass(frozen=True, slots=True)
class LabelledRow:
    """One row: ``row`` is its number in the upload, and stays its name in splits and reports.

    What it is labelled with stands in the field of its kind; the others keep their defaults.
    """

    row: int
    text: str
    label: str = ""  # of kinds with one label a row
    value: float | None = None  # of a score
    labels: tuple[str, ...] | None = None  # of kinds with several labels a row; there may be none
    pair: str | None = None  # the second text, of kinds with two
    spans: tuple[Span, ...] | None = None  # of kinds that label spans; there may be none
    document: int | None = None  # rows of one document have the same number; None: a document of its own

    @property
    def label_names(self) -> tuple[str, ...]:
        """Its labels, whatever the kind; those of spans as often as there are spans."""
        if self.spans is not None:
            return tuple(span.label for span in self.spans)
        if self.labels is not None:
            return self.labels
        return (self.label,) if self.label else ()

    @property
    def input(self) -> Text:
        """What the model reads."""
        return self.text if self.pair is None else (self.text, self.pair)

    @property
    def counted_texts(self) -> tuple[str, ...]:
        """What a segment counts: of a pair, each text by itself, since either may stand in other pairs."""
        return (self.text,) if self.pair is None else (self.text, self.pair)

    @property
    def whole_text(self) -> str:
        """What a row is known by: both texts of a pair, one behind the other."""
        return "\n".join(self.counted_texts)


class _RowShape(msgspec.Struct, forbid_unknown_fields=True):
    row: int
    text: str
    label: str = ""
    value: float | None = None
    labels: tuple[str, ...] | None = None
    pair: str | None = None
    spans: tuple[Span, ...] | None = None
    document: int | None = None


_DECODER = msgspec.json.Decoder(_RowShape)


class RowKind(Protocol):
    """As much of a kind as reading needs; see hmi.build.kinds.learning.TrainingKind."""

    def problem(self, row: LabelledRow) -> str | None: ...


def read_rows(lines: Iterable[bytes], kind: RowKind) -> list[LabelledRow]:
    """Decode JSON lines with the fields of LabelledRow; anything else is refused, and so is a row twice.

    Raises HmiError(DATASET_*), which names the line and holds no text of the tenant.
    """
    rows: list[LabelledRow] = []
    seen: set[int] = set()
    for number, line in enumerate(lines, start=1):
        shape = _decode(line, number)
        row = LabelledRow(
            shape.row,
            shape.text,
            shape.label,
            shape.value,
            shape.labels,
            shape.pair,
            shape.spans,
            shape.document,
        )
        problem = kind.problem(row)
        if problem is not None:
            raise _bad_format(number, problem)
        if shape.row in seen:
            raise _bad_format(number, f"row {shape.row} stands there twice")
        if not shape.text.strip():
            raise HmiError(ErrorCode.DATASET_EMPTY_VALUES, f"rows file, line {number}: the text is empty")
        seen.add(shape.row)
        rows.append(row)
    if not rows:
        raise HmiError(ErrorCode.DATASET_EMPTY, "the dataset has no rows; upload a file with labelled texts")
    return rows


def row_line(row: LabelledRow) -> bytes:
    """The row as read_rows() reads it: fields that have their defaults are left out."""
    plain = {field.name: getattr(row, field.name) for field in dataclasses.fields(row)}
    kept = {
        field.name: plain[field.name]
        for field in dataclasses.fields(row)
        if plain[field.name] != field.default
    }
    return msgspec.json.encode(kept) + b"\n"


def labels_of(rows: Sequence[LabelledRow], kind: TaskKind) -> tuple[str, ...]:
    """The labels of a task that is trained on these rows, in the order of the head's outputs."""
    if kind is TaskKind.SCORE:
        return ()
    return tuple(sorted({label for row in rows for label in row.label_names}))


def rarest_labels(rows: Sequence[LabelledRow]) -> list[str]:
    """Of each row's labels the one that is least frequent; an empty one of rows without labels."""
    counts = Counter(label for row in rows for label in row.label_names)
    return [min(row.label_names or ("",), key=lambda label: (counts[label], label)) for row in rows]


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
