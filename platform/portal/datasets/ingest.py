"""From an uploaded file to the store: the original bytes and the cleaned rows, both or neither."""

import hashlib
from dataclasses import dataclass
from typing import BinaryIO

import msgspec

from portal.common.store import ObjectStore
from portal.datasets.checks import DatasetSummary, RowChecks
from portal.datasets.columns import ColumnChoice, Columns
from portal.datasets.encoding import CHUNK_BYTES, check_bytes
from portal.datasets.findings import Finding
from portal.datasets.places import DatasetPlaces
from portal.datasets.reader import FileFormat, UploadReader, text_of


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """How large an upload may be."""

    max_bytes: int
    max_rows: int


@dataclass(frozen=True, slots=True)
class IngestedFile:
    """What now stands in the store."""

    format: FileFormat
    columns: Columns
    summary: DatasetSummary
    warnings: tuple[Finding, ...]
    num_bytes: int
    sha256: str


def ingest(
    file: BinaryIO,
    *,
    file_name: str,
    choice: ColumnChoice,
    limits: UploadLimits,
    store: ObjectStore,
    places: DatasetPlaces,
) -> IngestedFile:
    """Check ``file`` and write it to ``places``; memory does not grow with texts. Raises DatasetRefused.

    Nothing is left in the store when it raises.
    """
    check_bytes(file, max_bytes=limits.max_bytes)
    with text_of(file) as text:
        reader = UploadReader(text, file_name=file_name, choice=choice)
        summary = _write_rows(reader, RowChecks(max_rows=limits.max_rows), store, places.rows_uri)
    try:
        num_bytes, sha256 = _copy(file, store, places.original_uri)
    except BaseException:
        store.delete(places.rows_uri)
        raise
    warnings = (*_file_warnings(reader), *summary.warnings)
    return IngestedFile(reader.format, reader.columns, summary, warnings, num_bytes, sha256)


def _write_rows(reader: UploadReader, checks: RowChecks, store: ObjectStore, uri: str) -> DatasetSummary:
    encoder = msgspec.json.Encoder()
    with store.write(uri) as rows:
        for record in checks.passed(reader.records()):
            rows.write(encoder.encode(record))
            rows.write(b"\n")
        reader.refuse_unreadable()
        return checks.summary()


def _copy(file: BinaryIO, store: ObjectStore, uri: str) -> tuple[int, str]:
    file.seek(0)
    num_bytes, digest = 0, hashlib.sha256()
    with store.write(uri) as original:
        while chunk := file.read(CHUNK_BYTES):
            original.write(chunk)
            digest.update(chunk)
            num_bytes += len(chunk)
    return num_bytes, digest.hexdigest()


def _file_warnings(reader: UploadReader) -> list[Finding]:
    warnings = []
    if reader.ignored_columns:
        names = ", ".join(repr(name[:60]) for name in reader.ignored_columns[:20])
        warnings.append(
            Finding(
                code="columns_ignored",
                message=f"{len(reader.ignored_columns)} columns are not read: {names}.",
                fix="Nothing to do, unless one of them is the text or the label: then name it.",
            )
        )
    if reader.num_blank_lines:
        warnings.append(
            Finding(
                code="blank_lines",
                message=f"{reader.num_blank_lines:,} blank lines were passed over.",
                fix="Nothing to do.",
            )
        )
    return warnings
