"""Files of texts that a person gives on the command line, with labels or without: CSV, TSV, JSON lines,
Parquet or CoNLL columns."""

import argparse
import csv
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from hmi.base.errors import InvalidInput
from hmi.base.texts import normalised
from hmi.build.data import LabelledRow
from hmi.model.tokenizer import Text
from wire.codec import to_plain
from wire.errors import ErrorCode
from wire.spans import Span, scheme_of, tagged_text
from wire.tasks import TaskKind

MAX_FIELD_CHARACTERS = 10_000_000
MAX_SHOWN = 3
PARQUET_ROWS = 64
JSON_SUFFIXES = (".jsonl", ".ndjson")
PARQUET_SUFFIX = ".parquet"
CONLL_SUFFIXES = (".conll", ".iob", ".iob2", ".bio", ".bioes")
DOCUMENT_START = "-DOCSTART-"


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of the fields that are read; others are not looked at."""

    text: str = "text"
    label: str | None = None  # "label", or of spans "spans"
    pair: str = "pair"  # the second text, where rows have two
    separator: str = ";"  # between the labels of a row, where it may have several

    @property
    def label_field(self) -> str:
        """Where the label is, of kinds that have one."""
        return self.label or "label"


def columns_of(args: argparse.Namespace) -> Columns:
    """As the command line names them."""
    return Columns(args.text_column, args.label_column, args.pair_column, args.label_separator)


def read_texts_of(path: Path, columns: Columns, *, has_pairs: bool = False) -> list[Text]:
    """The texts, or pairs of texts, in their order."""
    return [
        (_value(fields, columns.text, number, path), _value(fields, columns.pair, number, path))
        if has_pairs
        else _value(fields, columns.text, number, path)
        for number, fields in _records(path)
    ]


def read_labelled(path: Path, columns: Columns, kind: TaskKind = TaskKind.SINGLE_LABEL) -> list[LabelledRow]:
    """Rows numbered from 1, labels without the white space around them.

    Raises InvalidInput, naming the row, for what is missing or no label of the kind, and for labels that only
    case, white space or Unicode form tells apart: they are hardly meant as two.
    """
    read = _READERS[kind]
    rows = [read(fields, columns, number, path) for number, fields in _records(path)]
    if not rows:
        raise InvalidInput(f"{path.name} has no rows", code=ErrorCode.DATASET_EMPTY, param="data")
    _refuse_twin_labels(rows, path)
    return rows


def _single_label(fields: Mapping[str, Any], columns: Columns, number: int, path: Path) -> LabelledRow:
    text = _value(fields, columns.text, number, path)
    return LabelledRow(number, text, " ".join(_value(fields, columns.label_field, number, path).split()))


def _sentence_pair(fields: Mapping[str, Any], columns: Columns, number: int, path: Path) -> LabelledRow:
    row = _single_label(fields, columns, number, path)
    return replace(row, pair=_value(fields, columns.pair, number, path))


def _score(fields: Mapping[str, Any], columns: Columns, number: int, path: Path) -> LabelledRow:
    text = _value(fields, columns.text, number, path)
    given = _field(fields, columns.label_field, number, path)
    try:
        value = float("nan" if isinstance(given, bool) else given)
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise _bad(path, number, f"its field {columns.label_field!r} is no finite number")
    return LabelledRow(number, text, value=value)


def _multi_label(fields: Mapping[str, Any], columns: Columns, number: int, path: Path) -> LabelledRow:
    text = _value(fields, columns.text, number, path)
    given = _field(fields, columns.label_field, number, path)
    if isinstance(given, str):
        given = given.split(columns.separator)
    if not isinstance(given, list) or not all(isinstance(label, str) for label in given):
        raise _bad(path, number, f"its field {columns.label_field!r} is no list of labels")
    labels = dict.fromkeys(" ".join(label.split()) for label in given)
    return LabelledRow(number, text, labels=tuple(label for label in labels if label))


def _spans(fields: Mapping[str, Any], columns: Columns, number: int, path: Path) -> LabelledRow:
    text = _value(fields, columns.text, number, path)
    name = columns.label or "spans"
    given = _field(fields, name, number, path)
    try:
        listed = json.loads(given) if isinstance(given, str) else given
        spans = msgspec.convert(listed, list[Span])
    except (ValueError, msgspec.ValidationError) as exc:
        raise _bad(path, number, f"its field {name!r} is no list of objects start, end, label") from exc
    if not all(0 <= span.start < span.end <= len(text) for span in spans):
        raise _bad(path, number, "one of its spans is empty or outside the text")
    named = [replace(_trimmed(span, text), label=" ".join(span.label.split())) for span in spans]
    if not all(span.label for span in named):
        raise _bad(path, number, "one of its spans has no label")
    return LabelledRow(number, text, spans=tuple(sorted(named)))


def _trimmed(span: Span, text: str) -> Span:
    """Without white space at its ends, as of uploads; a span of nothing else stays."""
    inside = text[span.start : span.end]
    if not inside.strip():
        return span
    start = span.start + len(inside) - len(inside.lstrip())
    return replace(span, start=start, end=span.end - len(inside) + len(inside.rstrip()))


_READERS: Mapping[TaskKind, Callable[[Mapping[str, Any], Columns, int, Path], LabelledRow]] = {
    TaskKind.SINGLE_LABEL: _single_label,
    TaskKind.SCORE: _score,
    TaskKind.MULTI_LABEL: _multi_label,
    TaskKind.SENTENCE_PAIR: _sentence_pair,
    TaskKind.TOKEN_CLASSIFICATION: _spans,
}


def _refuse_twin_labels(rows: list[LabelledRow], path: Path) -> None:
    spellings: dict[str, set[str]] = {}
    for row in rows:
        for label in row.label_names:
            spellings.setdefault(normalised(label), set()).add(label)
    twins = [sorted(names) for names in spellings.values() if len(names) > 1]
    if twins:
        shown = "; ".join(" and ".join(repr(name) for name in names) for names in twins[:MAX_SHOWN])
        raise InvalidInput(
            f"{path.name} has labels that differ only by case or form: {shown}; spell each one way",
            code=ErrorCode.DATASET_BAD_FORMAT,
            param="data",
        )


def _records(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Fields of each row, numbered from 1."""
    if _suffix(path) == PARQUET_SUFFIX:
        yield from enumerate(_parquet_rows(path), start=1)
        return
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from enumerate(_rows_of(path)(file, path), start=1)
    except OSError as exc:
        raise InvalidInput(f"{path} cannot be read: {exc.strerror}", param="data") from exc
    except UnicodeDecodeError as exc:
        raise InvalidInput(
            f"{path.name} is not UTF-8 (byte {exc.start})", code=ErrorCode.DATASET_BAD_ENCODING, param="data"
        ) from exc


def _rows_of(path: Path) -> Callable[[Iterator[str], Path], Iterator[Mapping[str, Any]]]:
    if _suffix(path) in CONLL_SUFFIXES:
        return _conll_sentences
    return _json_lines if _suffix(path) in JSON_SUFFIXES else _csv_lines


def _suffix(path: Path) -> str:
    return path.suffix.lower()


def _conll_sentences(lines: Iterator[str], path: Path) -> Iterator[Mapping[str, Any]]:
    """Sentences as fields text and spans: the first column is the token, the last one its tag."""
    sentences = list(_sentences(lines, path))
    scheme = scheme_of(tags for _, tags in sentences)
    for tokens, tags in sentences:
        found = tagged_text(tokens, tags, scheme)
        yield {"text": found.text, "spans": [to_plain(span) for span in found.spans]}


def _sentences(lines: Iterator[str], path: Path) -> Iterator[tuple[list[str], list[str]]]:
    tokens: list[str] = []
    tags: list[str] = []
    for number, line in enumerate(lines, start=1):
        columns = line.rstrip("\r\n").split("\t") if "\t" in line else line.split()
        if line.strip() and columns[0] != DOCUMENT_START:
            if len(columns) < 2:
                raise _bad(path, number, "the line has a token and no tag")
            tokens.append(columns[0])
            tags.append(columns[-1])
        elif tokens:
            yield tokens, tags
            tokens, tags = [], []
    if tokens:
        yield tokens, tags


def _json_lines(lines: Iterator[str], path: Path) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate((line for line in lines if line.strip()), start=1):
        try:
            fields = json.loads(line)
        except ValueError as exc:
            raise _bad(path, number, "it is not JSON") from exc
        if not isinstance(fields, dict):
            raise _bad(path, number, "it is not a JSON object")
        yield {name: _as_text(value) for name, value in fields.items()}


def _csv_lines(lines: Iterator[str], path: Path) -> Iterator[Mapping[str, Any]]:
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    reader = csv.reader(lines, delimiter="\t" if _suffix(path) == ".tsv" else ",", strict=True)
    try:
        header = next(reader, [])
        for number, values in enumerate((values for values in reader if values), start=1):
            if len(values) != len(header):
                raise _bad(path, number, f"it has {len(values)} fields, the header {len(header)}")
            yield dict(zip(header, values, strict=True))
    except csv.Error as exc:
        raise _bad(path, reader.line_num, str(exc)) from exc


def _parquet_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    # Only here: the library takes a quarter of a second and tens of megabytes, and few files come so.
    import pyarrow as arrow
    from pyarrow import parquet

    try:
        with path.open("rb") as file, parquet.ParquetFile(file, pre_buffer=False) as opened:
            names = opened.schema_arrow.names
            if len(set(names)) < len(names):
                raise InvalidInput(
                    f"{path.name} has two columns of one name",
                    code=ErrorCode.DATASET_BAD_FORMAT,
                    param="data",
                )
            for batch in opened.iter_batches(PARQUET_ROWS, use_threads=False):
                for row in batch.to_pylist():
                    yield {name: _as_text(_whole(value)) for name, value in row.items()}
    except OSError as exc:
        raise InvalidInput(f"{path} cannot be read: {exc.strerror or exc}", param="data") from exc
    except arrow.ArrowException as exc:
        raise InvalidInput(
            f"{path.name} is no Parquet file, or a damaged one: {exc}",
            code=ErrorCode.DATASET_BAD_FORMAT,
            param="data",
        ) from exc


def _whole(value: Any) -> Any:
    """Of whole numbers that a column with gaps keeps as floating ones: as they were."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _as_text(value: Any) -> Any:
    """Single values as CSV has them; lists as they are."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case _:
            return value


def _field(fields: Mapping[str, Any], name: str, number: int, path: Path) -> Any:
    if name not in fields:
        known = ", ".join(map(repr, fields))
        raise _bad(path, number, f"it has no field {name!r}, but {known or 'none'}")
    return fields[name]


def _value(fields: Mapping[str, Any], name: str, number: int, path: Path) -> str:
    value = _field(fields, name, number, path)
    if not isinstance(value, str) or not value.strip():
        raise _bad(path, number, f"its field {name!r} is empty or no text")
    return value


def _bad(path: Path, number: int, problem: str) -> InvalidInput:
    return InvalidInput(
        f"{path.name}, row {number}: {problem}", code=ErrorCode.DATASET_BAD_FORMAT, param="data"
    )
