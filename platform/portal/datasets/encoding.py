"""Reads the bytes of an upload once before they are read as text: size, kind of file, encoding, line ends."""

import codecs
from dataclasses import dataclass
from typing import BinaryIO

from portal.datasets.findings import DatasetRefused, refuse
from wire.errors import ErrorCode

CHUNK_BYTES = 1 << 20
SAMPLE_BYTES = 1 << 16
_BINARY_FORMATS = {
    b"PK\x03\x04": "an Excel workbook or ZIP archive",
    b"PK\x05\x06": "an empty ZIP archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"SQLite format 3": "an SQLite database",
}
_MARKS = (  # UTF-32 first: its little-endian mark begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
ENCODING_NAMES = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16 (little endian)",
    "utf-16-be": "UTF-16 (big endian)",
    "utf-32": "UTF-32",
    "cp1252": "Windows-1252 (Western Europe)",
    "latin-1": "Latin-1 (Western Europe)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "shift_jis": "Shift JIS (Japanese)",
    "gb18030": "GB 18030 (Chinese)",
}
_CP1252_HOLES = b"\x81\x8d\x8f\x90\x9d"
_HIGH_BYTES = bytes(range(0x80, 0x100))
_MOSTLY_UTF8 = 0.2  # share of the high bytes that may be broken in a file that was UTF-8 once
_FOREIGN_SHARE = 0.4  # share of high bytes above which a text is not written in Latin letters
_NUL_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class FileBytes:
    """What the bytes alone say. ``encodings`` in order of likelihood; utf-8 alone when the file is UTF-8."""

    num_bytes: int
    encodings: tuple[str, ...]
    has_mark: bool
    bad_offset: int | None  # of the first byte that is not part of a UTF-8 character
    bad_row: int | None
    bad_bytes: bytes  # some of them, with what stands round them
    num_nul_bytes: int
    ends: tuple[str, ...]  # kinds of line end: LF, CR LF, CR
    ends_with_line_end: bool

    @property
    def is_utf8(self) -> bool:
        """May it be read as it is?"""
        return self.encodings == ("utf-8",)


def read_bytes(file: BinaryIO, *, max_bytes: int) -> FileBytes:
    """Read ``file`` through in chunks; raise DatasetRefused when it is no text file, or too large.

    Leaves ``file`` at its start.
    """
    file.seek(0)
    counts = _Counts()
    while chunk := file.read(CHUNK_BYTES):
        if counts.num_bytes == 0:
            refuse_binary(chunk)
        counts.add(chunk)
        if counts.num_bytes > max_bytes:
            raise too_many_bytes(max_bytes)
    counts.end()
    found = _found(file, counts)
    file.seek(0)
    return found


def too_many_bytes(max_bytes: int) -> DatasetRefused:
    """The refusal of a file above the size limit."""
    return refuse(
        ErrorCode.DATASET_TOO_LARGE,
        f"The file is larger than {max_bytes:,} bytes.",
        "Upload fewer rows, or shorter texts.",
    )


def refuse_binary(start: bytes) -> None:
    """Raise DatasetRefused when a file that begins with ``start`` is no text."""
    for magic, what in _BINARY_FORMATS.items():
        if start.startswith(magic):
            raise refuse(
                ErrorCode.DATASET_BAD_FORMAT,
                f"The file is {what}, not text.",
                "Export the data as CSV (UTF-8), TSV or JSON lines and upload that.",
            )


class _Counts:
    """What one pass over the chunks counts."""

    def __init__(self) -> None:
        self.num_bytes = 0
        self.num_nul = 0
        self.num_high = 0
        self.num_bad = 0
        self.bad_offset: int | None = None
        self.has_cp1252_hole = False
        self.num_lf = self.num_cr = self.num_crlf = 0
        self.last = b""
        self.sample = b""
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")
        self._lenient = codecs.getincrementaldecoder("utf-8")("replace")

    def add(self, chunk: bytes) -> None:
        if self.num_bytes == 0:
            self.sample = chunk[:SAMPLE_BYTES]
        self.num_nul += chunk.count(b"\0")
        low = chunk.translate(None, _HIGH_BYTES)
        self.num_high += len(chunk) - len(low)
        self.num_lf += chunk.count(b"\n")
        self.num_cr += chunk.count(b"\r")
        self.num_crlf += chunk.count(b"\r\n") + (self.last == b"\r" and chunk.startswith(b"\n"))
        self.last = chunk[-1:]
        self._decode(chunk, final=False)
        self.num_bytes += len(chunk)

    def end(self) -> None:
        self._decode(b"", final=True)

    def _decode(self, chunk: bytes, *, final: bool) -> None:
        if self.bad_offset is None:
            num_pending = len(self._decoder.getstate()[0])
            state = self._decoder.getstate()
            try:
                self._decoder.decode(chunk, final=final)
                return
            except UnicodeDecodeError as exc:
                self.bad_offset = self.num_bytes - num_pending + exc.start
                self._lenient.setstate(state)
        self.num_bad += self._lenient.decode(chunk, final=final).count("\ufffd")
        self.has_cp1252_hole |= len(chunk.translate(None, _CP1252_HOLES)) < len(chunk)


def _found(file: BinaryIO, counts: _Counts) -> FileBytes:
    mark = next((encoding for mark, encoding in _MARKS if counts.sample.startswith(mark)), None)
    around, row = b"", None
    if counts.bad_offset is not None:
        row = _row_of(file, counts.bad_offset)
        file.seek(max(0, counts.bad_offset - 20))
        around = file.read(120)
    lone_lf, lone_cr = counts.num_lf - counts.num_crlf, counts.num_cr - counts.num_crlf
    ends = {"LF": lone_lf, "CR LF": counts.num_crlf, "CR": lone_cr}
    return FileBytes(
        num_bytes=counts.num_bytes,
        encodings=(mark,) if mark else _encodings(counts),
        has_mark=mark is not None or counts.sample.startswith(codecs.BOM_UTF8),
        bad_offset=counts.bad_offset,
        bad_row=row,
        bad_bytes=around,
        num_nul_bytes=counts.num_nul,
        ends=tuple(name for name, number in ends.items() if number),
        ends_with_line_end=counts.last in (b"\n", b"\r"),
    )


def _encodings(counts: _Counts) -> tuple[str, ...]:
    wide = _wide_encoding(counts.sample)
    if wide:
        return (wide,)
    if counts.bad_offset is None:
        return ("utf-8",)
    western = "latin-1" if counts.has_cp1252_hole else "cp1252"
    if counts.num_bad < _MOSTLY_UTF8 * counts.num_high:
        return ("utf-8", western)
    printed = max(1, len(counts.sample.translate(None, b' \t\r\n,;|"')))
    high = len(counts.sample) - len(counts.sample.translate(None, _HIGH_BYTES))
    if high / printed < _FOREIGN_SHARE:
        return (western, "cp1251")
    # Two-byte encodings leave few byte strings valid: one that fits is likely the right one.
    eastern = tuple(name for name in ("shift_jis", "gb18030") if _fits(counts.sample, name))
    if _is_cyrillic(counts.sample):
        return ("cp1251", *eastern, western)
    return (*eastern, "cp1251", western)


def _is_cyrillic(sample: bytes) -> bool:
    """In Windows-1251 the letters are 0xC0 to 0xFF and nearly every high byte is one."""
    high = [byte for byte in sample if byte >= 0x80]
    return sum(byte >= 0xC0 for byte in high) > 0.95 * len(high)


def _fits(sample: bytes, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        decoder.decode(sample)
    except UnicodeDecodeError:
        return False
    return True


def _wide_encoding(sample: bytes) -> str | None:
    """UTF-16 without its mark: every other byte of Latin text is NUL."""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if even + odd < _NUL_SHARE * max(1, len(sample)):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


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
