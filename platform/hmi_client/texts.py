"""Texts to predict, read from CSV, TSV, JSON lines or plain lines, and the file of predictions."""

import csv
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from hmi_client.errors import ClientError

MAX_VALUE_CHARS = 1_000_000


def texts_of(file: Path, *, column: str) -> Iterator[str]:
    """The texts, one a row; of .txt one a line. Raises ClientError."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            match file.suffix.lower():
                case ".csv" | ".tsv":
                    yield from _of_table(opened, column, "," if file.suffix.lower() == ".csv" else "\t")
                case ".jsonl" | ".ndjson":
                    yield from _of_objects(opened, column)
                case ".txt":
                    yield from (line.rstrip("\r\n") for line in opened)
                case _:
                    raise ClientError(f"{file.name}: give a .csv, .tsv, .jsonl or .txt file.")
    except OSError as exc:
        raise ClientError(f"{file} cannot be read: {exc.strerror}.") from exc
    except UnicodeDecodeError as exc:
        raise ClientError(f"{file} is not UTF-8 text.") from exc


def batched(texts: Iterator[str], size: int) -> Iterator[list[str]]:
    """``size`` at a time."""
    while batch := list(itertools.islice(texts, size)):
        yield batch


class PredictionFile:
    """Writes predictions as CSV: the text, its label, the label's score."""

    def __init__(self, out: TextIO) -> None:
        self._rows = csv.writer(out)
        self._rows.writerow(["text", "label", "score"])

    def add(self, texts: Sequence[str], predictions: Sequence[dict[str, Any]]) -> None:
        """One row for each text."""
        for text, prediction in zip(texts, predictions, strict=True):
            self._rows.writerow([text, prediction["label"], f"{prediction['score']:.6f}"])


def _of_table(opened: TextIO, column: str, delimiter: str) -> Iterator[str]:
    csv.field_size_limit(MAX_VALUE_CHARS)
    rows = csv.DictReader(opened, delimiter=delimiter, strict=True)
    names = [name.strip() for name in rows.fieldnames or []]
    if column not in names:
        raise ClientError(
            f"There is no column {column!r}; there are: {', '.join(names)}. Name it with --text-column."
        )
    rows.fieldnames = names
    try:
        for row in rows:
            yield row[column] or ""
    except csv.Error as exc:
        raise ClientError(f"Line {rows.line_num} cannot be read: {exc}.") from exc


def _of_objects(opened: TextIO, column: str) -> Iterator[str]:
    for number, line in enumerate(opened, start=1):
        if not line.strip():
            continue
        try:
            yield str(json.loads(line)[column])
        except (ValueError, KeyError, TypeError) as exc:
            raise ClientError(f"Line {number} is no JSON object with the field {column!r}.") from exc
