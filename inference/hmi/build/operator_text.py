"""The operator's own text, from files and folders: what the general PLOT and the residuals are learnt
from."""

import csv
import gzip
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from hmi.base.errors import InvalidInput
from wire.domains import TEXT_SUFFIXES

TEXT_FIELD = "text"
BATCH_TEXTS = 1024  # of a Parquet file, in memory at a time beside the pages that they come from
BUFFER_BYTES = 1 << 20


class _Line(msgspec.Struct):
    text: str


_DECODER = msgspec.json.Decoder(_Line)


class TextsReadAnew:
    """Texts that are read again each time they are walked, so that none have to be held."""

    def __init__(self, read: Callable[[], Iterator[str]]) -> None:
        self._read = read

    def __iter__(self) -> Iterator[str]:
        return self._read()


def find_text_files(paths: Sequence[Path]) -> list[Path]:
    """The files named, and those in the folders named, at any depth, of TEXT_SUFFIXES; sorted.

    Raises InvalidInput for a path that is absent or a named file of another kind; other files in folders are
    left.
    """
    files: set[Path] = set()
    for path in paths:
        if path.is_dir():
            files.update(file for file in path.rglob("*") if file.is_file() and _suffix(file) is not None)
        elif not path.is_file():
            raise InvalidInput(f"{path} does not exist", param="text")
        elif _suffix(path) is None:
            raise InvalidInput(f"{path} is none of {', '.join(TEXT_SUFFIXES)}", param="text")
        else:
            files.add(path)
    return sorted(files)


def read_texts(files: Iterable[Path]) -> Iterator[str]:
    """The texts of files that find_text_files gave, without empty ones.

    .txt: paragraphs, apart by blank lines; .jsonl and .jsonl.gz: the field ``text`` of each line; .csv and
    .parquet: the column ``text``, where no value is an empty one. All in UTF-8. Raises InvalidInput naming
    file and, where there are any, line.
    """
    for file in files:
        suffix = _suffix(file)
        try:
            if suffix == ".txt":
                texts = _paragraphs(file)
            elif suffix == ".csv":
                texts = _column(file)
            elif suffix == ".parquet":
                texts = _parquet_column(file)
            else:
                texts = _lines(file, is_gzip=suffix == ".jsonl.gz")
            yield from (text for text in texts if text.strip())
        except (UnicodeDecodeError, OSError, EOFError, csv.Error) as exc:
            raise InvalidInput(f"{file} cannot be read as UTF-8 text: {exc}", param="text") from exc


def texts_between(texts: Iterable[str], first: int, last: int) -> Iterator[str]:
    """The whole texts whose ends lie behind the first ``first`` characters of all texts together, and not
    behind the first ``last``."""
    end = 0
    for text in texts:
        end += len(text)
        if end > last:
            return
        if end > first:
            yield text


def texts_sha256(files: Iterable[Path]) -> str:
    """Hash of the files' bytes, in order; their places do not matter."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()


def _suffix(path: Path) -> str | None:
    name = path.name.lower()
    return next((suffix for suffix in TEXT_SUFFIXES if name.endswith(suffix)), None)


def _paragraphs(file: Path) -> Iterator[str]:
    with file.open(encoding="utf-8-sig") as opened:
        paragraph: list[str] = []
        for line in opened:
            if line.strip():
                paragraph.append(line.strip())
            elif paragraph:
                yield " ".join(paragraph)
                paragraph = []
        if paragraph:
            yield " ".join(paragraph)


def _lines(file: Path, *, is_gzip: bool) -> Iterator[str]:
    with gzip.open(file, "rb") if is_gzip else file.open("rb") as opened:
        for number, line in enumerate(opened, start=1):
            try:
                yield _DECODER.decode(line).text
            except msgspec.DecodeError as exc:
                raise InvalidInput(
                    f"{file}, line {number}: not a JSON object with a {TEXT_FIELD!r} ({exc})", param="text"
                ) from exc


def _column(file: Path) -> Iterator[str]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        rows = csv.DictReader(opened)
        if TEXT_FIELD not in (rows.fieldnames or ()):
            raise InvalidInput(f"{file} has no column {TEXT_FIELD!r}", param="text")
        for row in rows:
            yield row[TEXT_FIELD] or ""


def _parquet_column(file: Path) -> Iterator[str]:
    # Only here: the library takes a quarter of a second and tens of megabytes, and few texts come so.
    import pyarrow as arrow
    from pyarrow import parquet

    try:
        # A stretch of the column at a time, not a row group beforehand: one group may be the whole file.
        with parquet.ParquetFile(file, pre_buffer=False, buffer_size=BUFFER_BYTES) as opened:
            _check_text_column(opened.schema_arrow, file)
            for batch in opened.iter_batches(BATCH_TEXTS, columns=[TEXT_FIELD], use_threads=False):
                yield from (text or "" for text in batch.column(0).to_pylist())
    except arrow.ArrowException as exc:
        raise InvalidInput(f"{file} is no Parquet file, or a damaged one: {exc}", param="text") from exc


def _check_text_column(schema: Any, file: Path) -> None:
    from pyarrow import types

    if schema.names.count(TEXT_FIELD) != 1:
        raise InvalidInput(f"{file} has no single column {TEXT_FIELD!r}", param="text")
    found = schema.field(TEXT_FIELD).type
    values = found.value_type if types.is_dictionary(found) else found
    if not (types.is_string(values) or types.is_large_string(values) or types.is_string_view(values)):
        raise InvalidInput(f"{file}: column {TEXT_FIELD!r} is of {found}, not of strings", param="text")
