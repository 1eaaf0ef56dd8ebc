"""Reads a Parquet file as JSON lines, a few rows at a time: it meets the same checks as any upload."""

import io
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from portal.datasets.encoding import FileBytes, too_many_bytes
from portal.datasets.findings import DatasetRefused, refuse
from wire.errors import ErrorCode

BATCH_ROWS = 64
BUFFER_BYTES = 1 << 16
_UNREADABLE = (pa.ArrowException, OSError, ValueError, OverflowError)


def parquet_bytes(file: BinaryIO, *, max_bytes: int) -> FileBytes:
    """What there is to say of the bytes. Raises DatasetRefused for a file that is too large."""
    num_bytes = file.seek(0, io.SEEK_END)
    file.seek(0)
    if num_bytes > max_bytes:
        raise too_many_bytes(max_bytes)
    return FileBytes(
        num_bytes=num_bytes,
        encodings=("utf-8",),
        has_mark=False,
        bad_offset=None,
        bad_row=None,
        bad_bytes=b"",
        num_nul_bytes=0,
        ends=("LF",),
        ends_with_line_end=True,
    )


@contextmanager
def parquet_text(file: BinaryIO, *, max_bytes: int) -> Iterator[TextIO]:
    """The rows as lines of JSON, in order; ``file`` stays open.

    Raises DatasetRefused, also while it is read, for a damaged file and for one that unpacks to more than
    ``max_bytes``.
    """
    file.seek(0)
    opened = _opened(file)
    names = opened.schema_arrow.names
    if len(set(names)) < len(names):
        raise refuse(
            ErrorCode.DATASET_BAD_FORMAT,
            "Two columns of the Parquet file have one name.",
            "Rename one of them.",
        )
    lines = io.BufferedReader(_Lines(_rows(opened), max_bytes), BUFFER_BYTES)
    text = io.TextIOWrapper(lines, encoding="utf-8", newline="")
    try:
        yield text
    finally:
        text.detach()


class _Lines(io.RawIOBase):
    """Rows as a stream of bytes, each made when it is asked for."""

    def __init__(self, rows: Iterator[dict[str, Any]], max_bytes: int) -> None:
        self._rows = rows
        self._left = max_bytes
        self._max_bytes = max_bytes
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            row = next(self._rows, None)
            if row is None:
                return 0
            line = json.dumps(row, ensure_ascii=False).encode(errors="replace") + b"\n"
            self._rest = memoryview(line)
            self._left -= len(self._rest)
            if self._left < 0:
                raise _unpacks_to_too_much(self._max_bytes)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def _opened(file: BinaryIO) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(file, buffer_size=BUFFER_BYTES, pre_buffer=False)
    except _UNREADABLE as exc:
        raise _damaged() from exc


def _rows(opened: pq.ParquetFile) -> Iterator[dict[str, Any]]:
    names = opened.schema_arrow.names
    try:
        for batch in opened.iter_batches(batch_size=BATCH_ROWS, use_threads=False):
            columns = [_values(batch.column(place)) for place in range(len(names))]
            for values in zip(*columns, strict=True):
                yield dict(zip(names, values, strict=True))
    except MemoryError:  # pyarrow's own is an ArrowException too
        raise
    except _UNREADABLE as exc:
        raise _damaged() from exc


def _values(column: pa.Array) -> Iterator[Any]:
    """The column's values as JSON has them; null where a type has none, as vectors of numbers."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _values(column.dictionary_decode())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        raw = column.cast(pa.large_binary())  # its characters may be broken: they are marked
        return (None if v is None else v.decode("utf-8", "replace") for v in _each(raw))
    if pa.types.is_temporal(kind):
        return _each(_as_text(column))
    if pa.types.is_nested(kind) and _is_vector(kind):
        return iter([None] * len(column))
    return (_plain(value) for value in _each(column))


def _each(column: pa.Array) -> Iterator[Any]:
    return (value.as_py() for value in column)


def _as_text(column: pa.Array) -> pa.Array:
    try:
        return column.cast(pa.string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return pa.nulls(len(column))


def _is_vector(kind: pa.DataType) -> bool:
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return bool(is_list and pa.types.is_floating(kind.value_type))


def _plain(value: Any) -> Any:
    """As JSON: whole numbers that are kept as floating ones, because some are absent, are whole again."""
    match value:
        case bool() | int() | str() | None:
            return value
        case float():
            if not math.isfinite(value):
                return None
            return int(value) if value.is_integer() else value
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case dict():
            return {str(name): _plain(inner) for name, inner in value.items()}
        case bytes():
            return {"bytes": len(value)}  # no text: the reader says so
        case _:
            return str(value)


def _damaged() -> DatasetRefused:
    return refuse(
        ErrorCode.DATASET_BAD_FORMAT,
        "The Parquet file is damaged, or was cut off, or is encrypted.",
        "Write it again, or export the data as CSV (UTF-8) or JSON lines.",
    )


def _unpacks_to_too_much(max_bytes: int) -> DatasetRefused:
    return refuse(
        ErrorCode.DATASET_TOO_LARGE,
        f"The Parquet file unpacks to more than {max_bytes:,} bytes.",
        "Upload fewer rows, or shorter texts, or only the columns of texts and labels.",
    )
