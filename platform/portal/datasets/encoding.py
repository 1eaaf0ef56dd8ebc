"""Checks the bytes of an upload before they are read as text: size, UTF-8, no NULs, no binary formats."""

import codecs
from typing import BinaryIO

from portal.datasets.findings import DatasetRefused, refuse
from wire.errors import ErrorCode

CHUNK_BYTES = 1 << 20
_SAVE_AS_UTF8 = "Save the file as 'CSV UTF-8' (or convert it to UTF-8) and upload it again."
_BINARY_FORMATS = {
    b"PK\x03\x04": "an Excel workbook or ZIP archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "a gzip archive",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF",
}
_OTHER_UNICODE = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def check_bytes(file: BinaryIO, *, max_bytes: int) -> None:
    """Read ``file`` through in chunks; raise DatasetRefused unless it is UTF-8 text within ``max_bytes``.

    Leaves ``file`` at its start.
    """
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    num_bytes = 0
    while chunk := file.read(CHUNK_BYTES):
        if num_bytes == 0:
            _check_start(chunk)
        num_pending = len(decoder.getstate()[0])
        _check_nul(file, chunk, num_bytes)
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError as exc:
            raise _not_utf8(file, num_bytes - num_pending + exc.start, exc) from exc
        num_bytes += len(chunk)
        if num_bytes > max_bytes:
            raise too_many_bytes(max_bytes)
    try:
        num_pending = len(decoder.getstate()[0])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as exc:
        raise _not_utf8(file, num_bytes - num_pending + exc.start, exc) from exc
    file.seek(0)


def too_many_bytes(max_bytes: int) -> DatasetRefused:
    """The refusal of a file above the size limit."""
    return refuse(
        ErrorCode.DATASET_TOO_LARGE,
        f"The file is larger than {max_bytes:,} bytes.",
        "Upload fewer rows, or shorter texts.",
    )


def _check_start(chunk: bytes) -> None:
    for magic, what in _BINARY_FORMATS.items():
        if chunk.startswith(magic):
            raise refuse(
                ErrorCode.DATASET_BAD_FORMAT,
                f"The file is {what}, not text.",
                "Export the data as CSV (UTF-8), TSV or JSON lines and upload that.",
            )
    if chunk.startswith(_OTHER_UNICODE):
        raise refuse(
            ErrorCode.DATASET_BAD_ENCODING, "The file is UTF-16 or UTF-32, not UTF-8.", _SAVE_AS_UTF8
        )


def _check_nul(file: BinaryIO, chunk: bytes, chunk_offset: int) -> None:
    position = chunk.find(b"\0")
    if position < 0:
        return
    offset = chunk_offset + position
    row = _row_of(file, offset)
    raise refuse(
        ErrorCode.DATASET_BAD_ENCODING,
        f"The file has a NUL byte at byte offset {offset:,} (row {row}): it is UTF-16, or not text.",
        _SAVE_AS_UTF8,
        rows=(row,),
    )


def _not_utf8(file: BinaryIO, offset: int, problem: UnicodeDecodeError) -> DatasetRefused:
    row = _row_of(file, offset)
    byte = problem.object[problem.start]
    return refuse(
        ErrorCode.DATASET_BAD_ENCODING,
        f"The file is not UTF-8: byte 0x{byte:02X} at byte offset {offset:,} (row {row}) is not part of a "
        "character; it may be Windows-1252 or Latin-1.",
        _SAVE_AS_UTF8,
        rows=(row,),
    )


def _row_of(file: BinaryIO, offset: int) -> int:
    """Line number of the byte at ``offset``; a line ends with LF, CR or CR LF."""
    file.seek(0)
    row, left, after_cr = 1, offset, False
    while left > 0 and (chunk := file.read(min(CHUNK_BYTES, left))):
        left -= len(chunk)
        row += chunk.count(b"\n") + chunk.count(b"\r") - chunk.count(b"\r\n")
        if after_cr and chunk.startswith(b"\n"):
            row -= 1
        after_cr = chunk.endswith(b"\r")
    return row
