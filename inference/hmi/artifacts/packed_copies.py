"""What was made of bundles, kept on disk within a hard limit: the least recently used goes first."""

import os
import shutil
import threading
import uuid
import zlib
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wire.ids import Digest

_NUMBER_BYTES = 8
_HEAD_BYTES = 2 * _NUMBER_BYTES


@dataclass(frozen=True, slots=True)
class _Copy:
    loaded_bytes: int
    file_bytes: int


class PackedCopies:
    """Files by the digest of the bundle that they were made of. Thread-safe; one process a folder.

        file     CRC-32 of what follows | bytes that it takes once loaded | content
        bytes    8                        8

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

    def get(self, digest: Digest) -> memoryview | None:
        """The content, verified, in memory of its own; None without a sound copy."""
        name = _name(digest)
        with self._lock:
            copy = self._copies.get(name)
            if copy is None:
                return None
            self._copies.move_to_end(name)
        file = _read(f"{self._folder}/{name}", copy.file_bytes)
        if file is not None and _checksum(file[_NUMBER_BYTES:]) == file[:_NUMBER_BYTES]:
            return file[_HEAD_BYTES:]
        with self._lock:
            self._remove(name)
        return None

    def put(self, digest: Digest, content: bytes | bytearray, *, loaded_bytes: int) -> None:
        """Keep ``content``, made of the bundle of ``digest``; does nothing where there is no room."""
        name, checked = _name(digest), _number(loaded_bytes) + content
        copy = _Copy(loaded_bytes, _NUMBER_BYTES + len(checked))
        with self._lock:
            if not self._make_room(copy.file_bytes):
                return
        temporary = self._folder / f".{name}.{uuid.uuid4().hex}.part"
        try:
            with temporary.open("wb") as file:
                file.writelines((_checksum(checked), checked))
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
        """Count ``file_bytes`` in, at the cost of the least recently used; what can never fit costs none."""
        if file_bytes > self._max_bytes:
            return False
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
                file.seek(_NUMBER_BYTES)
                loaded_bytes = int.from_bytes(file.read(_NUMBER_BYTES), "little")
            copy = _Copy(loaded_bytes, path.stat().st_size)
            self._num_bytes += copy.file_bytes
            self._copies[path.name] = copy
        self._make_room(0)


def _name(digest: Digest) -> str:
    return digest.removeprefix("sha256:")


def _checksum(checked: bytes | memoryview) -> bytes:
    return _number(zlib.crc32(checked))


def _number(number: int) -> bytes:
    return number.to_bytes(_NUMBER_BYTES, "little")


def _read(path: str, num_bytes: int) -> memoryview | None:
    """The first ``num_bytes`` of a file; None where it has fewer, or cannot be read."""
    content = np.empty(num_bytes, np.uint8).data  # not zeroed, as a bytearray would be
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            return content if os.readv(descriptor, [content]) == num_bytes else None
        finally:
            os.close(descriptor)
    except OSError:
        return None
