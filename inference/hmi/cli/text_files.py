"""Files of texts that a person gives on the command line: CSV, TSV or JSON lines, with labels or without."""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hmi.base.errors import InvalidInput
from hmi.base.texts import normalised
from hmi.build.data import LabelledRow
from wire.errors import ErrorCode

MAX_FIELD_CHARACTERS = 10_000_000
MAX_SHOWN = 3
JSON_SUFFIXES = (".jsonl", ".ndjson")


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of the fields that are read; others are not looked at."""

    text: str = "text"
    label: str = "label"


def read_texts_of(path: Path, columns: Columns) -> list[str]:
    """The texts, in their order."""
    return [_value(fields, columns.text, number, path) for number, fields in _records(path)]


def read_labelled(path: Path, columns: Columns) -> list[LabelledRow]:
    """Rows numbered from 1, labels without the white space around them.

    Raises InvalidInput, naming the row, for what is missing, and for labels that only case, white space or
    Unicode form tells apart: they are hardly meant as two.
    """
    rows = [
        LabelledRow(
            number,
            _value(fields, columns.text, number, path),
            " ".join(_value(fields, columns.label, number, path).split()),
        )
        for number, fields in _records(path)
    ]
    if not rows:
        raise InvalidInput(f"{path.name} has no rows", code=ErrorCode.DATASET_EMPTY, param="data")
    _refuse_twin_labels(rows, path)
    return rows


def _refuse_twin_labels(rows: list[LabelledRow], path: Path) -> None:
    spellings: dict[str, set[str]] = {}
    for row in rows:
        spellings.setdefault(normalised(row.label), set()).add(row.label)
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
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from enumerate(
                _json_lines(file, path) if path.suffix in JSON_SUFFIXES else _csv_lines(file, path), start=1
            )
    except OSError as exc:
        raise InvalidInput(f"{path} cannot be read: {exc.strerror}", param="data") from exc
    except UnicodeDecodeError as exc:
        raise InvalidInput(
            f"{path.name} is not UTF-8 (byte {exc.start})", code=ErrorCode.DATASET_BAD_ENCODING, param="data"
        ) from exc


def _json_lines(lines: Iterator[str], path: Path) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(lines, start=1):
        try:
            fields = json.loads(line)
        except ValueError as exc:
            raise _bad(path, number, "it is not JSON") from exc
        if not isinstance(fields, dict):
            raise _bad(path, number, "it is not a JSON object")
        yield fields


def _csv_lines(lines: Iterator[str], path: Path) -> Iterator[Mapping[str, Any]]:
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    reader = csv.reader(lines, delimiter="\t" if path.suffix == ".tsv" else ",", strict=True)
    try:
        header = next(reader, [])
        for number, values in enumerate((values for values in reader if values), start=1):
            if len(values) != len(header):
                raise _bad(path, number, f"it has {len(values)} fields, the header {len(header)}")
            yield dict(zip(header, values, strict=True))
    except csv.Error as exc:
        raise _bad(path, reader.line_num, str(exc)) from exc


def _value(fields: Mapping[str, Any], name: str, number: int, path: Path) -> str:
    if name not in fields:
        known = ", ".join(map(repr, fields))
        raise _bad(path, number, f"it has no field {name!r}, but {known or 'none'}")
    value = fields[name]
    if not isinstance(value, str) or not value.strip():
        raise _bad(path, number, f"its field {name!r} is empty or no text")
    return value


def _bad(path: Path, number: int, problem: str) -> InvalidInput:
    return InvalidInput(
        f"{path.name}, row {number}: {problem}", code=ErrorCode.DATASET_BAD_FORMAT, param="data"
    )
