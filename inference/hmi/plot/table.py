"""One node's immutable table: n-gram keys, their rows in 8 bits, the index; every byte checked."""

import hashlib
import os
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hmi.artifacts.bundle import open_bundle, sync, write_bundle
from hmi.base.errors import BundleBroken, BundleMismatch
from hmi.plot import kernels
from hmi.plot.fixed_point import to_fixed, to_float
from hmi.plot.mapped import blocks
from wire import codec
from wire.artifacts import BundleKind, PlotTableFields
from wire.ids import Digest

MAGIC = b"HMIPLOT\0"
VERSION = 1
TABLE_FILE = "table.plot"
ISOLATED_FILE = "isolated.npy"

_PREFIX = struct.Struct("<8sII")  # magic, version, bytes of the header
_CHECKSUM_BYTES = 32
_ALIGNMENT = 64


@dataclass(frozen=True, slots=True)
class PlotTable:
    """The rows of one node.

    Row r is ``codes[r] * row_scales[r] * dimension_scales``; it stands for the n-gram in the slot that names
    r. Open addressing: a search begins at kernels.first_slot and ends at the first free slot (key 0).
    """

    fields: PlotTableFields
    slot_keys: npt.NDArray[np.uint64]  # [capacity]
    slot_rows: npt.NDArray[np.uint32]  # [capacity]
    row_scales: npt.NDArray[np.float32]  # [num_rows]
    dimension_scales: npt.NDArray[np.float32]  # [hidden]
    counts: npt.NDArray[np.uint32]  # [num_rows] occurrences in the node's own text
    codes: npt.NDArray[np.int8]  # [num_rows, hidden]

    @property
    def num_rows(self) -> int:
        return len(self.row_scales)

    @property
    def hidden(self) -> int:
        return self.fields.hidden

    @property
    def num_bytes(self) -> int:
        """Of all arrays together."""
        return sum(getattr(self, name).nbytes for name, _ in _SECTIONS)

    @property
    def keys(self) -> npt.NDArray[np.uint64]:
        """Key of each row, [num_rows]."""
        used = self.slot_keys != 0
        keys = np.empty(self.num_rows, np.uint64)
        keys[self.slot_rows[used]] = self.slot_keys[used]
        return keys

    def find(self, keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        """Row of each key [n], -1 where the table has none."""
        rows = np.empty(len(keys), np.int64)
        kernels.find_rows(keys, self.slot_keys, self.slot_rows, rows)
        return rows

    def rows(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """The rows with these numbers, [n, hidden]."""
        return self.codes[rows] * self.row_scales[rows][:, None] * self.dimension_scales


def make_table(
    fields: PlotTableFields,
    keys: npt.NDArray[np.uint64],
    counts: npt.NDArray[np.int64],
    codes: npt.NDArray[np.int8],
    row_scales: npt.NDArray[np.float32],
    dimension_scales: npt.NDArray[np.float32],
) -> PlotTable:
    """Index rows that are computed already; keys[r] belongs to row r."""
    capacity = len(keys) + len(keys) // 2 + 1  # two thirds full: about two probes for a miss
    slot_keys, slot_rows = np.zeros(capacity, np.uint64), np.zeros(capacity, np.uint32)
    kernels.fill_slots(keys, slot_keys, slot_rows)
    return PlotTable(
        fields, slot_keys, slot_rows, row_scales, dimension_scales, counts.astype(np.uint32), codes
    )


def quantise(
    rows: npt.NDArray[np.float32], dimension_scales: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """8-bit codes [n, hidden] and the scale of each row [n].

    Dividing by the dimensions' scales first keeps an outlier dimension from taking the whole range.
    """
    even = rows / dimension_scales
    scales = np.abs(even).max(axis=1) / np.float32(127)
    safe = np.where(scales > 0, scales, np.float32(1))
    return np.rint(even / safe[:, None]).astype(np.int8), scales


# The file, all numbers little-endian, nothing between the parts:
#
#   0   magic (8) | version (4) | H = bytes of the header (4)
#   16  header (H): canonical JSON {fields, sections: {name: {shape, sha256}}}, blanks up to a multiple of 64
#       SHA-256 of everything so far (32)
#       slot_keys | slot_rows | row_scales | dimension_scales | counts | codes
#
# So every byte is under one checksum, and the length follows from the header.
_SECTIONS: tuple[tuple[str, str], ...] = (
    ("slot_keys", "<u8"),
    ("slot_rows", "<u4"),
    ("row_scales", "<f4"),
    ("dimension_scales", "<f4"),
    ("counts", "<u4"),
    ("codes", "|i1"),
)


@dataclass(frozen=True, slots=True)
class _SectionEntry:
    shape: list[int]
    sha256: str


@dataclass(frozen=True, slots=True)
class _Header:
    fields: PlotTableFields
    sections: dict[str, _SectionEntry]


def save_table(table: PlotTable, path: Path) -> None:
    """Write to a temporary name, wait for the disk, rename."""
    arrays = {name: np.ascontiguousarray(getattr(table, name), dtype) for name, dtype in _SECTIONS}
    sections = {name: _SectionEntry(list(array.shape), _sha256(array)) for name, array in arrays.items()}
    header = codec.to_json(_Header(table.fields, sections)).encode()
    header += b" " * (-len(header) % _ALIGNMENT)
    start = _PREFIX.pack(MAGIC, VERSION, len(header)) + header
    temporary = path.with_name(f".{path.name}.part")
    with temporary.open("wb") as file:
        file.write(start)
        file.write(hashlib.sha256(start).digest())
        for array in arrays.values():
            for block in blocks(array):
                file.write(block.data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync(path.parent)


def _sha256(array: npt.NDArray[np.generic]) -> str:
    digest = hashlib.sha256()
    for block in blocks(array):
        digest.update(block.data)
    return digest.hexdigest()


def load_table(path: Path, *, backbone: Digest | None = None) -> PlotTable:
    """Read and verify a table.

    Raises BundleBroken for any byte missing, added or changed; BundleMismatch for another format version or a
    table of another ``backbone`` (whose digest covers its tokenizer).
    """
    data = np.fromfile(path, np.uint8)
    header, start = _read_header(data, path.name)
    if backbone is not None and header.fields.backbone != backbone:
        raise BundleMismatch(f"{path.name} belongs to backbone {header.fields.backbone}, not {backbone}")
    arrays = {}
    for name, dtype in _SECTIONS:
        entry = header.sections.get(name)
        if entry is None:
            raise BundleBroken(f"{path.name} has no section {name}; build it again")
        stop = start + int(np.prod(entry.shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        part = data[start:stop]
        if len(part) != stop - start:
            raise BundleBroken(f"{path.name} ends within {name}: it is truncated; fetch or build it again")
        if hashlib.sha256(part.data).hexdigest() != entry.sha256:
            raise BundleBroken(f"{path.name} is damaged in {name}; fetch or build it again")
        arrays[name] = part.view(dtype).reshape(entry.shape)
        start = stop
    if start != len(data):
        raise BundleBroken(f"{path.name} has {len(data) - start} bytes too many; fetch or build it again")
    return PlotTable(header.fields, **arrays)


def _read_header(data: npt.NDArray[np.uint8], name: str) -> tuple[_Header, int]:
    if len(data) < _PREFIX.size:
        raise BundleBroken(f"{name} is truncated; fetch or build it again")
    magic, version, header_bytes = _PREFIX.unpack(data[: _PREFIX.size].tobytes())
    if magic != MAGIC:
        raise BundleBroken(f"{name} is not a PLOT table")
    if version != VERSION:
        raise BundleMismatch(f"{name} has format version {version}, this program reads {VERSION}")
    stop = _PREFIX.size + header_bytes
    checksum = data[stop : stop + _CHECKSUM_BYTES].tobytes()
    if hashlib.sha256(data[:stop].data).digest() != checksum:
        raise BundleBroken(f"{name} is damaged or truncated in its header; fetch or build it again")
    return codec.from_json(_Header, data[_PREFIX.size : stop].tobytes()), stop + _CHECKSUM_BYTES


def write_table_bundle(
    table: PlotTable, folder: Path, *, isolated: npt.NDArray[np.float32] | None = None
) -> Digest:
    """Write the table, and a root's isolated rows [vocab, hidden], as a bundle into an empty folder."""
    folder.mkdir(parents=True, exist_ok=True)
    save_table(table, folder / TABLE_FILE)
    if isolated is not None:
        np.save(folder / ISOLATED_FILE, to_fixed(isolated).astype(np.int16), allow_pickle=False)
    return write_bundle(folder, BundleKind.PLOT_TABLE, table.fields)


def open_table_bundle(folder: Path, digest: Digest | None, *, backbone: Digest | None = None) -> PlotTable:
    """Open and verify a node's table. Raises BundleBroken, BundleMismatch."""
    bundle = open_bundle(folder, kind=BundleKind.PLOT_TABLE, fields_type=PlotTableFields, digest=digest)
    table = load_table(bundle.file(TABLE_FILE), backbone=backbone)
    if table.fields != bundle.fields:
        raise BundleBroken(f"table bundle {bundle.digest} does not fit together; build it again")
    return table


def open_isolated(folder: Path, digest: Digest | None) -> npt.NDArray[np.float32]:
    """The isolated rows of a root's table bundle, [vocab, hidden]; needed for leaving documents out."""
    bundle = open_bundle(folder, kind=BundleKind.PLOT_TABLE, fields_type=PlotTableFields, digest=digest)
    return to_float(np.load(bundle.file(ISOLATED_FILE), allow_pickle=False))
