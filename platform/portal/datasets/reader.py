"""Reads an uploaded CSV, TSV or JSON lines file as a stream of records, in bounded memory."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, StrEnum
from pathlib import PurePath
from typing import BinaryIO, TextIO

import msgspec

from portal.datasets.columns import ColumnChoice, Columns, find_columns
from portal.datasets.findings import DatasetRefused, RowTally, refuse
from wire.errors import ErrorCode

MAX_VALUE_CHARS = 1_000_000
MAX_LINE_CHARS = 4 * MAX_VALUE_CHARS
_DELIMITERS = (",", "\t", ";", "|")


class FileFormat(StrEnum):
    """Formats of an upload."""

    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"


class Unreadable(Enum):
    """Why a row cannot be read: error code, message for a tally, way to fix it."""

    RAGGED = (
        ErrorCode.DATASET_RAGGED_ROWS,
        "{num_rows} rows do not have as many values as the header has columns: {rows}.",
        "Put values that contain the delimiter in double quotes, and give every row all columns.",
    )
    ABSENT = (
        ErrorCode.DATASET_RAGGED_ROWS,
        "{num_rows} objects lack the text or the label field: {rows}.",
        "Give every object both fields.",
    )
    NOT_AN_OBJECT = (
        ErrorCode.DATASET_BAD_FORMAT,
        "{num_rows} lines are not JSON objects: {rows}.",
        'Write one object {"text": "...", "label": "..."} on each line.',
    )
    TEXT_TYPE = (
        ErrorCode.DATASET_BAD_FORMAT,
        "{num_rows} texts are not strings: {rows}.",
        "Write texts in quotes.",
    )
    LABEL_TYPE = (
        ErrorCode.DATASET_BAD_FORMAT,
        "{num_rows} labels are neither strings nor whole numbers: {rows}.",
        "Write labels in quotes.",
    )


@dataclass(frozen=True, slots=True)
class Record:
    """One row as the file has it; a value that is absent or null is empty."""

    row: int  # line number of its first line
    text: str
    label: str


@contextmanager
def text_of(file: BinaryIO) -> Iterator[TextIO]:
    """``file`` as text from its start, without a byte order mark; ``file`` stays open."""
    file.seek(0)
    # newline="": lines end at LF, CR or CR LF, alone or mixed, and keep their end for the csv module.
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        yield text
    finally:
        text.detach()


class UploadReader:
    """Reads one checked upload (encoding.check_bytes, text_of) once; the text stays the caller's.

    ``columns`` and ``format`` are known from the start. ``records()`` passes over rows that cannot be read
    (ragged ones, JSON values of the wrong type) and counts them; ``refuse_unreadable()`` then raises with
    their row numbers.
    """

    def __init__(self, text: TextIO, *, file_name: str, choice: ColumnChoice) -> None:
        self._lines = _BoundedLines(text)
        self._unreadable: dict[Unreadable, RowTally] = {}
        self.num_blank_lines = 0
        self._first = self._first_line()
        self.format = _format_of(self._first, file_name)
        self._delimiter = ""
        if self.format is FileFormat.JSONL:
            self._names = list(self._object(self._first, self._lines.row) or {})
            self.refuse_unreadable()  # without a first object there are no columns to look for
        else:
            self._delimiter = _delimiter_of(self._first, choice, prefer_tab=self.format is FileFormat.TSV)
            self._names = _fields(self._first, self._delimiter, self._lines.row)
            self.format = FileFormat.TSV if self._delimiter == "\t" else FileFormat.CSV
        self.columns: Columns = find_columns(self._names, choice)

    @property
    def ignored_columns(self) -> list[str]:
        """Names of the columns that are not read."""
        used = (self.columns.text_index, self.columns.label_index)
        return [name.strip() for place, name in enumerate(self._names) if place not in used]

    def records(self) -> Iterator[Record]:
        """Every readable row in the file's order."""
        return self._json_records() if self.format is FileFormat.JSONL else self._csv_records()

    def refuse_unreadable(self) -> None:
        """Raise DatasetRefused when records() met rows it could not read; all kinds are in the details."""
        findings = [
            tally.finding(code=kind.value[0].value, message=kind.value[1], fix=kind.value[2])
            for kind, tally in self._unreadable.items()
        ]
        if findings:
            raise DatasetRefused(ErrorCode(findings[0].code), findings)

    def _first_line(self) -> str:
        for line in self._lines:
            if line.strip():
                return line
            self.num_blank_lines += 1
        raise refuse(
            ErrorCode.DATASET_EMPTY,
            "The file is empty.",
            "Upload a file with a header row and one row a text.",
        )

    def _csv_records(self) -> Iterator[Record]:
        csv.field_size_limit(MAX_VALUE_CHARS)  # the module's only switch for it; always this value
        rows = csv.reader(self._lines, delimiter=self._delimiter, strict=True)
        text_index, label_index, width = self.columns.text_index, self.columns.label_index, len(self._names)
        first_row = self._lines.row + 1
        while True:
            self._lines.start_record()
            try:
                fields = next(rows)
            except StopIteration:
                return
            except csv.Error as exc:
                raise _bad_quotes(first_row, self._lines.row, exc) from exc
            if len(fields) == width:
                yield Record(first_row, fields[text_index], fields[label_index])
            elif len(fields) < 2 and not "".join(fields).strip():
                self.num_blank_lines += 1
            else:
                self._count_unreadable(Unreadable.RAGGED, first_row)
            first_row = self._lines.row + 1

    def _json_records(self) -> Iterator[Record]:
        line: str | None = self._first
        while line is not None:
            if line.strip():
                record = self._json_record(line, self._lines.row)
                if record is not None:
                    yield record
            else:
                self.num_blank_lines += 1
            self._lines.start_record()
            line = next(self._lines, None)

    def _json_record(self, line: str, row: int) -> Record | None:
        value = self._object(line, row)
        if value is None:
            return None
        if self.columns.text not in value or self.columns.label not in value:
            self._count_unreadable(Unreadable.ABSENT, row)
            return None
        text, label = value[self.columns.text], value[self.columns.label]
        if text is not None and not isinstance(text, str):
            self._count_unreadable(Unreadable.TEXT_TYPE, row)
            return None
        if label is not None and not isinstance(label, str | int):
            self._count_unreadable(Unreadable.LABEL_TYPE, row)
            return None
        return Record(row, text or "", "" if label is None else _label_text(label))

    def _object(self, line: str, row: int) -> dict[str, object] | None:
        try:
            value = msgspec.json.decode(line, type=dict[str, object])
        except (msgspec.DecodeError, RecursionError):
            self._count_unreadable(Unreadable.NOT_AN_OBJECT, row)
            return None
        return {name.strip(): item for name, item in value.items()}

    def _count_unreadable(self, kind: Unreadable, row: int) -> None:
        self._unreadable.setdefault(kind, RowTally()).add(row)


class _BoundedLines(Iterator[str]):
    """Lines with their ends, counted; refuses a line or a quoted value too long to hold."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._num_record_chars = 0
        self.row = 0  # of the line given last

    def start_record(self) -> None:
        self._num_record_chars = 0

    def __next__(self) -> str:
        line = self._text.readline(MAX_LINE_CHARS + 1)
        if not line:
            raise StopIteration
        self.row += 1
        self._num_record_chars += len(line)
        if self._num_record_chars > MAX_LINE_CHARS:
            raise _too_long(self.row)
        return line


def _format_of(first_line: str, file_name: str) -> FileFormat:
    """By content where it is plain, else by the name's ending."""
    suffix = PurePath(file_name).suffix.casefold()
    start = first_line.lstrip()
    if start.startswith("{") or suffix in (".jsonl", ".ndjson"):
        return FileFormat.JSONL
    if suffix == ".json" or (start.startswith("[") and suffix not in (".csv", ".tsv", ".txt")):
        raise refuse(
            ErrorCode.DATASET_BAD_FORMAT,
            "The file is one JSON document.",
            'Send JSON lines instead: one object {"text": ..., "label": ...} on each line.',
            rows=(1,),
        )
    return FileFormat.TSV if suffix in (".tsv", ".tab") else FileFormat.CSV


def _delimiter_of(header: str, choice: ColumnChoice, *, prefer_tab: bool) -> str:
    """The delimiter with which the header has the needed columns, else the one that gives most columns."""
    candidates = sorted(_DELIMITERS, key=lambda delimiter: delimiter != "\t") if prefer_tab else _DELIMITERS
    for delimiter in candidates:
        try:
            find_columns(_fields(header, delimiter, 1), choice)
        except DatasetRefused:
            continue
        return delimiter
    return max(candidates, key=header.count)


def _fields(header: str, delimiter: str, row: int) -> list[str]:
    csv.field_size_limit(MAX_VALUE_CHARS)
    try:
        return next(csv.reader([header], delimiter=delimiter, strict=True))
    except csv.Error as exc:
        raise _bad_quotes(row, row, exc) from exc


def _label_text(label: str | int) -> str:
    if isinstance(label, bool):
        return "true" if label else "false"
    return str(label)


def _bad_quotes(first_row: int, last_row: int, problem: csv.Error) -> DatasetRefused:
    if "field larger than" in str(problem):
        return _too_long(first_row)
    where = f"row {first_row}" if first_row == last_row else f"the record of rows {first_row} to {last_row}"
    return refuse(
        ErrorCode.DATASET_BAD_FORMAT,
        f"The quotes of {where} do not match: one is not closed, or stands alone inside a value.",
        'Put values with quotes, delimiters or line breaks in double quotes, and write a quote inside as "".',
        rows=(first_row,),
    )


def _too_long(row: int) -> DatasetRefused:
    return refuse(
        ErrorCode.DATASET_BAD_FORMAT,
        f"A value at row {row} is longer than {MAX_VALUE_CHARS:,} characters, or a quote is not closed.",
        "Close the quote, or shorten the value.",
        rows=(row,),
    )
