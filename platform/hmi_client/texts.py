"""Texts to predict, read from CSV, TSV, JSON lines or plain lines, and the file of predictions."""

import csv
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from hmi_client.errors import ClientError

MAX_VALUE_CHARS = 1_000_000
LABEL_SEPARATOR = ";"
"""As uploads have it, where none is named."""
Input = str | Mapping[str, str]
"""A text, or two of them as ``text`` and ``pair``."""


def texts_of(file: Path, *, column: str, pair_column: str | None = None) -> Iterator[Input]:
    """The texts, one a row; of .txt one a line, blank ones left out. With ``pair_column`` two of each row.

    Raises ClientError, for a row without text too.
    """
    columns = [column] if pair_column is None else [column, pair_column]
    for number, found in enumerate(_rows_of(file, columns), start=1):
        for name, text in zip(columns, found, strict=True):
            if not text.strip():
                raise ClientError(
                    f"Row {number} of {file.name} has no text in {name!r}: fill it in, or take the row out."
                )
        yield found[0] if pair_column is None else {"text": found[0], "pair": found[1]}


def batched(texts: Iterator[Input], size: int) -> Iterator[list[Input]]:
    """``size`` at a time."""
    while batch := list(itertools.islice(texts, size)):
        yield batch


class PredictionFile:
    """Writes predictions as CSV, each beside its text; the columns are those of the first one's kind.

    ``label`` and ``score``, of answers that may abstain ``label_set`` and ``abstained`` too; ``labels``
    with ``;`` between them and all ``scores`` as JSON; ``value``; or ``spans`` as JSON, their places in
    characters.
    """

    def __init__(self, out: TextIO) -> None:
        self._rows = csv.writer(out)
        self._columns: list[str] | None = None

    def add(self, texts: Sequence[Input], predictions: Sequence[dict[str, Any]]) -> None:
        """One row for each text."""
        for text, prediction in zip(texts, predictions, strict=True):
            row = {**({"text": text} if isinstance(text, str) else text), **_answer(prediction)}
            if self._columns is None:
                self._columns = list(row)
                self._rows.writerow(self._columns)
            self._rows.writerow([row[name] for name in self._columns])


def _answer(prediction: dict[str, Any]) -> dict[str, str]:
    """What a prediction says, by the name of its column."""
    if "value" in prediction:
        return {"value": repr(prediction["value"])}
    if "spans" in prediction:
        return {"spans": json.dumps(prediction["spans"], ensure_ascii=False)}
    if "labels" in prediction:
        scores = {label: round(score, 6) for label, score in prediction["scores"].items()}
        return {
            "labels": LABEL_SEPARATOR.join(prediction["labels"]),
            "scores": json.dumps(scores, ensure_ascii=False),
        }
    one = {"label": prediction["label"], "score": f"{prediction['score']:.6f}"}
    if prediction.get("label_set") is None:
        return one
    return {
        **one,
        "label_set": LABEL_SEPARATOR.join(prediction["label_set"]),
        "abstained": "true" if prediction["abstained"] else "false",
    }


def _rows_of(file: Path, columns: list[str]) -> Iterator[list[str]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            match file.suffix.lower():
                case ".csv" | ".tsv":
                    delimiter = "," if file.suffix.lower() == ".csv" else "\t"
                    yield from _of_table(opened, columns, delimiter)
                case ".jsonl" | ".ndjson":
                    yield from _of_objects(opened, columns)
                case ".txt" if len(columns) == 1:
                    yield from ([line.rstrip("\r\n")] for line in opened if line.strip())
                case ".txt":
                    raise ClientError(f"{file.name}: two texts a row come from a .csv, .tsv or .jsonl file.")
                case _:
                    raise ClientError(f"{file.name}: give a .csv, .tsv, .jsonl or .txt file.")
    except OSError as exc:
        raise ClientError(f"{file} cannot be read: {exc.strerror}.") from exc
    except UnicodeDecodeError as exc:
        raise ClientError(f"{file} is not UTF-8 text.") from exc


def _of_table(opened: TextIO, columns: list[str], delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(MAX_VALUE_CHARS)
    rows = csv.DictReader(opened, delimiter=delimiter, strict=True)
    try:
        names = [name.strip() for name in rows.fieldnames or []]
        missing = [column for column in columns if column not in names]
        if missing:
            raise ClientError(
                f"There is no column {missing[0]!r}; there are: {', '.join(names)}. Name it with "
                "--text-column or --pair-column."
            )
        rows.fieldnames = names
        for row in rows:
            yield [row[column] or "" for column in columns]
    except csv.Error as exc:
        raise ClientError(f"Line {rows.line_num} cannot be read: {exc}.") from exc


def _of_objects(opened: TextIO, columns: list[str]) -> Iterator[list[str]]:
    for number, line in enumerate(opened, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            yield ["" if row[column] is None else str(row[column]) for column in columns]
        except (ValueError, KeyError, TypeError) as exc:
            raise ClientError(
                f"Line {number} is no JSON object with the fields {', '.join(map(repr, columns))}."
            ) from exc
