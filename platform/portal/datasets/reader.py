"""Reads an uploaded CSV, TSV, JSON lines or CoNLL file as a stream of rows, in bounded memory."""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import PurePath
from typing import Any, BinaryIO, TextIO

import msgspec

from portal.datasets.columns import (
    ColumnChoice,
    ColumnGuess,
    Columns,
    NoColumns,
    columns_at,
    find_columns,
    guess_columns,
    numbered_names,
    plain_name,
)
from portal.datasets.conll import ConllLayout, layout_of, sentences
from portal.datasets.findings import DatasetRefused, Finding, refuse, shortened
from portal.datasets.kinds.row_kind import RowKind
from portal.datasets.ledger import Ledger
from portal.datasets.lines import MAX_VALUE_CHARS, BoundedLines, LineTooLong
from portal.datasets.plan import FixPlan
from portal.datasets.source_row import SourceRow
from wire.errors import ErrorCode
from wire.spans import tagged_text

_CONLL_SUFFIXES = (".conll", ".iob", ".iob2", ".bio", ".bioes")
_DELIMITERS = (",", "\t", ";", "|")


class FileFormat(StrEnum):
    """Formats of an upload."""

    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"
    CONLL = "conll"  # a token and its tag on a line, blank lines between sentences
    PARQUET = "parquet"  # its rows are read as JSON lines


@dataclass(frozen=True, slots=True)
class MissingColumns:
    """The columns were not found by name; ``guess`` is what the values say."""

    problem: str
    role: str
    guess: ColumnGuess | None


@contextmanager
def text_of(file: BinaryIO, encoding: str = "utf-8") -> Iterator[TextIO]:
    """``file`` as text from its start, without a byte order mark; ``file`` stays open."""
    file.seek(0)
    # newline="": lines end at LF, CR or CR LF, alone or mixed, and keep their end for the csv module.
    text = io.TextIOWrapper(
        file, encoding="utf-8-sig" if encoding == "utf-8" else encoding, errors="replace", newline=""
    )
    try:
        yield text
    finally:
        text.detach()


class UploadReader:
    """Reads one upload once; the text stays the caller's.

    ``format``, ``names`` and ``columns`` are known from the start. ``rows()`` passes over rows that cannot be
    read (ragged ones, JSON values of the wrong type) and writes each into the ledger.
    """

    def __init__(
        self,
        text: TextIO,
        *,
        file_name: str,
        kind: RowKind,
        plan: FixPlan,
        ledger: Ledger,
        ends_with_line_end: bool = True,
    ) -> None:
        self._kind = kind
        self._lines = BoundedLines(text)
        self._ledger = ledger
        self._quoting: Any = csv.QUOTE_NONE if plan.has_literal_quotes else csv.QUOTE_MINIMAL
        self._ends_with_line_end = ends_with_line_end
        self.num_blank_lines = 0
        self.missing: MissingColumns | None = None
        self.has_header = True
        self.delimiter = ""
        first = self._first_line()
        self.format = _format_of(first, file_name)
        self._layout: ConllLayout | None = None
        if self._is_conll(first, plan.columns, file_name):
            self.format = FileFormat.CONLL
            self.has_header = False
            self._layout = layout_of(list(self._lines.sample()))
            self.delimiter = self._layout.delimiter or ""
            self.names = numbered_names(self._layout.width)
            sample: Sequence[Sequence[Any]] = []
        elif self.format is FileFormat.JSONL:
            self.names = self._json_names()
            sample = self._json_sample()
        else:
            self.has_header = plan.columns.has_header
            self.delimiter = self._delimiter_of(first, plan.columns)
            self.names = self._fields(first)
            if self.has_header:
                self._lines.drop()
            else:
                self.names = numbered_names(len(self.names))
            sample = self._csv_sample()
            self.format = FileFormat.TSV if self.delimiter == "\t" else FileFormat.CSV
        self.columns = self._columns(plan.columns, sample)

    @property
    def ignored_columns(self) -> list[str]:
        """Names of the columns that are not read."""
        columns = self.columns
        used = (columns.text_index, columns.label_index, columns.fold_index, columns.pair_index)
        return [plain_name(name) for place, name in enumerate(self.names) if place not in used]

    @property
    def padded_names(self) -> list[str]:
        """Column names that lost white space at their ends, or NUL characters."""
        return [name for name in self.names if name != plain_name(name)]

    def rows(self) -> Iterator[SourceRow]:
        """Every readable row in the file's order."""
        if self._layout is not None:
            return self._conll_rows(self._layout)
        return self._json_rows() if self.format is FileFormat.JSONL else self._csv_rows()

    def _first_line(self) -> str:
        while (line := self._lines.peek()) is not None:
            if line.strip():
                return line
            self._lines.drop()
            self.num_blank_lines += 1
        raise refuse(
            ErrorCode.DATASET_EMPTY,
            "The file is empty.",
            "Upload a file with a header row and one row a text.",
        )

    def _columns(self, choice: ColumnChoice, sample: Sequence[Sequence[Any]]) -> Columns:
        if self._layout is not None:  # the first column is the token and the last one its tag
            choice = replace(choice, text=choice.text or self.names[0], label=choice.label or self.names[-1])
        try:
            return self._found_columns(self.names, choice)
        except NoColumns as exc:
            has_one_label = not (self._kind.has_pairs or self._kind.has_spans)
            guess = guess_columns(self.names, sample) if has_one_label else None
            self.missing = MissingColumns(str(exc), exc.role, guess)
            if guess is None:
                raise DatasetRefused(
                    ErrorCode.DATASET_MISSING_COLUMN,
                    [missing_column(self.missing)],
                    param=f"{exc.role}_column",
                ) from exc
            return columns_at(self.names, guess.text_index, guess.label_index)

    def _found_columns(self, names: Sequence[str], choice: ColumnChoice) -> Columns:
        return find_columns(names, choice, has_pairs=self._kind.has_pairs, has_spans=self._kind.has_spans)

    def _is_conll(self, first: str, choice: ColumnChoice, file_name: str) -> bool:
        """Where spans may be written as tags, whatever has no header that names their column is."""
        suffix = PurePath(file_name).suffix.casefold()
        if not self._kind.has_spans or self.format is FileFormat.JSONL or suffix == ".csv":
            return False
        if suffix in _CONLL_SUFFIXES or not choice.has_header:
            return True
        for delimiter in _DELIMITERS:
            try:
                self._found_columns(_split(first, delimiter, self._quoting), choice)
            except (NoColumns, csv.Error):
                continue
            return False
        return True

    def _conll_rows(self, layout: ConllLayout) -> Iterator[SourceRow]:
        columns = self.columns
        for sentence in sentences(self._lines, layout, columns.text_index, columns.label_index):
            if sentence.problem:
                self._unreadable(sentence.problem, sentence.row, sentence.start)
                continue
            found = tagged_text(sentence.tokens, sentence.tags, layout.scheme)
            self._ledger.num_read += 1
            yield SourceRow(
                sentence.row,
                found.text,
                found.misplaced or "",
                spans=found.spans,
                document=sentence.document,
                flaws=("misplaced_labels",) if found.misplaced else (),
            )

    def _csv_rows(self) -> Iterator[SourceRow]:
        csv.field_size_limit(MAX_VALUE_CHARS)  # the module's only switch for it; always this value
        records = csv.reader(self._lines, delimiter=self.delimiter, strict=True, quoting=self._quoting)
        columns, width = self.columns, len(self.names)
        while True:
            row = self._lines.row + 1
            try:
                fields = next(records)
            except StopIteration:
                return
            except LineTooLong as exc:
                self._unreadable("too_long_values", row, exc.start)
                continue
            except csv.Error as exc:
                is_one_line = self._lines.row == row
                code = "too_long_values" if "field larger" in str(exc) and is_one_line else "bad_quotes"
                self._unreadable(code, row, self._lines.last)
                continue
            if len(fields) == width:
                fold = "" if columns.fold_index is None else fields[columns.fold_index]
                self._ledger.num_read += 1
                pair = "" if columns.pair_index is None else fields[columns.pair_index]
                yield SourceRow(row, fields[columns.text_index], fields[columns.label_index], fold, pair)
            elif len(fields) < 2 and not "".join(fields).strip():
                self.num_blank_lines += 1
            else:
                self._unreadable("ragged_rows", row, self.delimiter.join(fields))

    def _json_rows(self) -> Iterator[SourceRow]:
        while True:
            row = self._lines.row + 1
            try:
                line = next(self._lines, None)
            except LineTooLong as exc:
                self._unreadable("too_long_values", row, exc.start)
                continue
            if line is None:
                return
            if not line.strip():
                self.num_blank_lines += 1
                continue
            found = self._json_row(line, row)
            if found is not None:
                self._ledger.num_read += 1
                yield found

    def _json_row(self, line: str, row: int) -> SourceRow | None:
        value = _object_of(line)
        columns = self.columns
        if value is None:
            self._unreadable("not_an_object", row, line)
        elif any(name not in value for name in (columns.text, columns.label, columns.pair) if name):
            self._unreadable("absent_fields", row, line)
        elif not all(isinstance(value[name], str | None) for name in (columns.text, columns.pair) if name):
            self._unreadable("text_type", row, line)
        elif not self._kind.takes(value[columns.label]):
            self._unreadable("label_type", row, line)
        else:
            fold = "" if columns.fold_index is None else value.get(self.names[columns.fold_index])
            text: Any = value[columns.text]
            label = value[columns.label]
            return SourceRow(
                row,
                text or "",
                _label_text(label),
                str(fold or ""),
                value[columns.pair] or "" if columns.pair else "",
                listed=tuple(label) if isinstance(label, list) else None,
            )
        return None

    def _unreadable(self, code: str, row: int, value: str) -> None:
        """A row that is cut off at the end of the file is told as such, whatever else it is."""
        if code != "too_long_values" and not self._ends_with_line_end and self._lines.is_at_end():
            code = "truncated"
        self._ledger.num_read += 1
        self._ledger.unusable(code, row, value)

    def _json_names(self) -> list[str]:
        for line in self._lines.sample():
            value = _object_of(line)
            if value:
                return list(value)
        raise refuse(
            ErrorCode.DATASET_BAD_FORMAT,
            "No line is a JSON object.",
            'Write one object {"text": "...", "label": "..."} on each line.',
            rows=(self._lines.row + 1,),
        )

    def _json_sample(self) -> list[list[Any]]:
        values = (_object_of(line) for line in self._lines.sample())
        return [[value.get(name, "") for name in self.names] for value in values if value]

    def _csv_sample(self) -> list[list[str]]:
        csv.field_size_limit(MAX_VALUE_CHARS)
        rows = csv.reader(self._lines.sample(), delimiter=self.delimiter, quoting=self._quoting)
        try:
            return list(rows)
        except csv.Error:
            return []

    def _delimiter_of(self, first: str, choice: ColumnChoice) -> str:
        """That with which the header has the needed columns, else the one that most lines agree on."""
        prefer_tab = self.format is FileFormat.TSV
        candidates = (
            sorted(_DELIMITERS, key=lambda delimiter: delimiter != "\t") if prefer_tab else _DELIMITERS
        )
        if choice.has_header:
            for delimiter in candidates:
                try:
                    self._found_columns(_split(first, delimiter, self._quoting), choice)
                except (NoColumns, csv.Error):
                    continue
                return delimiter
        lines = [line for line in self._lines.sample() if line.strip()]
        return max(candidates, key=lambda delimiter: sum(delimiter in line for line in lines))

    def _fields(self, header: str) -> list[str]:
        try:
            return _split(header, self.delimiter, self._quoting)
        except csv.Error as exc:
            raise refuse(
                ErrorCode.DATASET_BAD_FORMAT,
                f"The quotes of row {self._lines.row + 1}, the header, do not match: one is not closed, or "
                "stands alone inside a name.",
                "Write the names of the columns without quotes.",
                rows=(self._lines.row + 1,),
            ) from exc


def missing_column(missing: MissingColumns) -> Finding:
    """The finding of columns that were not found, without its fixes."""
    return Finding(
        code=ErrorCode.DATASET_MISSING_COLUMN.value,
        message=missing.problem,
        fix=f"Name the column {missing.role!r} in the first row, or choose the columns.",
        rows=(1,),
        num_rows=1,
    )


def _format_of(first_line: str, file_name: str) -> FileFormat:
    """By content where it is plain, else by the name's ending."""
    suffix = PurePath(file_name).suffix.casefold()
    start = first_line.lstrip()
    if (start.startswith("{") and suffix not in _CONLL_SUFFIXES) or suffix in (".jsonl", ".ndjson"):
        return FileFormat.JSONL
    if suffix == ".json" or (
        start.startswith("[") and suffix not in (".csv", ".tsv", ".txt", *_CONLL_SUFFIXES)
    ):
        raise refuse(
            ErrorCode.DATASET_BAD_FORMAT,
            "The file is one JSON document.",
            'Send JSON lines instead: one object {"text": ..., "label": ...} on each line.',
            rows=(1,),
        )
    if start[:15].casefold().startswith(("<!doctype", "<html", "<?xml")):
        raise refuse(
            ErrorCode.DATASET_BAD_FORMAT,
            f"The file is a web page or XML, not a table: it begins with {shortened(start[:15])!r}.",
            "Export the data as CSV (UTF-8), TSV or JSON lines and upload that.",
            rows=(1,),
        )
    return FileFormat.TSV if suffix in (".tsv", ".tab") else FileFormat.CSV


def _split(header: str, delimiter: str, quoting: Any) -> list[str]:
    csv.field_size_limit(MAX_VALUE_CHARS)
    return next(csv.reader([header], delimiter=delimiter, strict=True, quoting=quoting))


def _object_of(line: str) -> dict[str, Any] | None:
    try:
        value = msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return None
    return {plain_name(name): item for name, item in value.items()}


def _label_text(label: Any) -> str:
    if label is None:
        return ""
    if isinstance(label, bool):
        return "true" if label else "false"
    return str(label)
