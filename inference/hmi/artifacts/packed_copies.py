"""What was made of bundles, kept on disk within a hard limit: the least recently used goes first."""

import shutil
import threading
import uuid
import zlib
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from wire.ids import Digest

_CHECKSUM_BYTES = 4
_SIZE_BYTES = 8


@dataclass(frozen=True, slots=True)
class _Copy:
    loaded_bytes: int
    file_bytes: int


class PackedCopies:
    """Files by the digest of the bundle that they were made of. Thread-safe; one process a folder.

        file     CRC-32 of what follows | bytes that it takes once loaded | content

    A copy that is lost, or has changed, is none: whoever asks makes it again. So nothing waits for the disk
    here, and a disk that is full stops nobody. The checksum is against a disk that errs, and is a quarter of
    SHA-256's work; whoever could write here could write that as well. The bundle had its digest checked.
    """

    def __init__(self, folder: Path, form: str, *, max_bytes: int) -> None:
        """``form`` names what the content depends on besides the bundle: copies of any other are removed.
        What an earlier process left is taken over, as far as ``max_bytes`` reaches."""
        self._folder = folder / form
        self._folder.mkdir(parents=True, exist_ok=True)
        self._max_bytes = max_bytes
        self._num_bytes = 0  # of files that are there or being written
        self._lock = threading.Lock()
        self._copies: OrderedDict[str, _Copy] = OrderedDict()  # by file name, least recently used first
        for path in folder.iterdir():
            if path != self._folder:
                shutil.rmtree(path, ignore_errors=True)
        self._take_over()

    def loaded_bytes(self, digest: Digest) -> int | None:
        """What put() was told; None without a copy."""
        with self._lock:
            copy = self._copies.get(_name(digest))
        return None if copy is None else copy.loaded_bytes

    def get(self, digest: Digest) -> bytes | None:
        """The content, verified; None without a sound copy."""
        name = _name(digest)
        with self._lock:
            if name not in self._copies:
                return None
            self._copies.move_to_end(name)
        try:
            with (self._folder / name).open("rb", buffering=0) as file:
                checksum, size, content = file.read(_CHECKSUM_BYTES), file.read(_SIZE_BYTES), file.read()
        except OSError:
            checksum = size = content = b""
        if _checksum(size, content) == checksum:
            return content
        with self._lock:
            self._remove(name)
        return None

    def put(self, digest: Digest, content: bytes, *, loaded_bytes: int) -> None:
        """Keep ``content``, made of the bundle of ``digest``; does nothing where there is no room."""
        name, size = _name(digest), loaded_bytes.to_bytes(_SIZE_BYTES, "little")
        copy = _Copy(loaded_bytes, _CHECKSUM_BYTES + _SIZE_BYTES + len(content))
        with self._lock:
            if not self._make_room(copy.file_bytes):
                return
        temporary = self._folder / f".{name}.{uuid.uuid4().hex}.part"
        try:
            with temporary.open("wb") as file:
                file.writelines((_checksum(size, content), size, content))
            with self._lock:
                self._remove(name)
                temporary.rename(self._folder / name)
                self._copies[name] = copy
        except OSError:  # a disk that is full, or gone
            temporary.unlink(missing_ok=True)
            with self._lock:
                self._num_bytes -= copy.file_bytes

    def retain(self, digests: Collection[Digest]) -> None:
        """Remove the copies of all other bundles: the catalog no longer names them, and may have had them
        deleted."""
        kept = {_name(digest) for digest in digests}
        with self._lock:
            for name in [name for name in self._copies if name not in kept]:
                self._remove(name)

    @property
    def num_bytes(self) -> int:
        """Of all files."""
        with self._lock:
            return self._num_bytes

    def check_integrity(self) -> None:
        """Raise AssertionError unless the files in the folder are the copies that are known. While none is
        written."""
        with self._lock:
            sizes = {path.name: path.stat().st_size for path in self._folder.iterdir()}
            assert sizes == {name: copy.file_bytes for name, copy in self._copies.items()}
            assert sum(sizes.values()) == self._num_bytes <= self._max_bytes

    def _make_room(self, file_bytes: int) -> bool:
        """Count ``file_bytes`` in, at the cost of the least recently used."""
        while self._num_bytes + file_bytes > self._max_bytes and self._copies:
            self._remove(next(iter(self._copies)))
        has_room = self._num_bytes + file_bytes <= self._max_bytes
        self._num_bytes += file_bytes if has_room else 0
        return has_room

    def _remove(self, name: str) -> None:
        copy = self._copies.pop(name, None)
        if copy is not None:
            (self._folder / name).unlink(missing_ok=True)
            self._num_bytes -= copy.file_bytes

    def _take_over(self) -> None:
        for path in sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime):
            if path.name.startswith("."):
                path.unlink()
                continue
            with path.open("rb") as file:
                file.seek(_CHECKSUM_BYTES)
                loaded_bytes = int.from_bytes(file.read(_SIZE_BYTES), "little")
            copy = _Copy(loaded_bytes, path.stat().st_size)
            self._num_bytes += copy.file_bytes
            self._copies[path.name] = copy
        self._make_room(0)


def _name(digest: Digest) -> str:
    return digest.removeprefix("sha256:")


def _checksum(size: bytes, content: bytes) -> bytes:
    return zlib.crc32(content, zlib.crc32(size)).to_bytes(_CHECKSUM_BYTES, "little")
