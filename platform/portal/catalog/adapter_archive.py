"""A version as one .tar: its bundle, which can be brought again, or all that it needs to predict offline."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO

from portal.common.errors import PortalError
from portal.common.store import ObjectStore
from wire import codec
from wire.artifacts import (
    EXPORT_FILE,
    EXPORT_STORE,
    MANIFEST_FILE,
    BundleManifest,
    BundleRef,
    ExportedHplm,
    bundle_digest,
)
from wire.errors import ErrorCode
from wire.ids import BundleUri

PIECE_BYTES = 1 << 16
OFFLINE_PARITY_FILE = "offline.json"
"""The report's ``offline``; null of versions of releases that did not measure it."""
_END = bytes(2 * tarfile.BLOCKSIZE)


class AdapterBroken(PortalError):
    """The store's files are not those that the version was registered with."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} of this version is damaged or missing in the store: tell the operator.",
            code=ErrorCode.BUNDLE_BROKEN,
        )


@dataclass(frozen=True, slots=True)
class _StoredFile:
    """A member that is read from the store when its turn comes."""

    store: ObjectStore
    uri: str
    num_bytes: int

    def open(self) -> AbstractContextManager[IO[bytes]]:
        return self.store.open(self.uri)


@dataclass(frozen=True, slots=True)
class _MadeFile:
    """A member that is made for the archive."""

    content: bytes

    @property
    def num_bytes(self) -> int:
        return len(self.content)

    def open(self) -> AbstractContextManager[IO[bytes]]:
        return io.BytesIO(self.content)


@dataclass(frozen=True, slots=True)
class AdapterArchive:
    """An archive of files whose bytes were all checked. The same version makes the same bytes."""

    members: Mapping[str, _StoredFile | _MadeFile]  # by name, in the archive's order

    @property
    def num_bytes(self) -> int:
        """Of the whole archive."""
        sizes = [member.num_bytes for member in self.members.values()]
        return len(_END) + sum(tarfile.BLOCKSIZE + size + _padding(size) for size in sizes)

    def pieces(self, start: int = 0) -> Iterator[bytes]:
        """Its bytes from ``start`` on; a file is opened when its turn comes, and not if it is before that."""
        for name, member in self.members.items():
            header = tarfile.TarInfo(name)
            header.size = member.num_bytes
            yield from _after(start, header.tobuf(format=tarfile.USTAR_FORMAT))
            start = max(0, start - tarfile.BLOCKSIZE)
            if start < member.num_bytes:
                with member.open() as file:
                    file.seek(start)
                    while piece := file.read(PIECE_BYTES):
                        yield piece
            start = max(0, start - member.num_bytes)
            yield from _after(start, bytes(_padding(member.num_bytes)))
            start = max(0, start - _padding(member.num_bytes))
        yield from _after(start, _END)


def open_offline_archive(
    version: BundleRef, backbone: BundleRef, parity: object, store: ObjectStore
) -> AdapterArchive:
    """A folder for ``hmi predict --bundle``: the version, its backbone, and ``parity``, how its answers
    without PLOT differ from those served. Raises AdapterBroken, StoreUnavailable.

    No PLOT goes along: its nodes hold others' text, and the lower layers are computed instead.
    """
    contents = ExportedHplm(version=BundleUri("version"), tree=None, backbone=BundleUri("backbone"))
    return AdapterArchive(
        {
            **_inside(contents.version, open_archive(version.uri, version.digest, store)),
            **_inside(contents.backbone, open_archive(backbone.uri, backbone.digest, store)),
            OFFLINE_PARITY_FILE: _MadeFile(json.dumps(parity).encode() + b"\n"),
            EXPORT_FILE: _MadeFile(codec.to_json(contents).encode()),  # last: a folder that has it is whole
        }
    )


def open_archive(uri: str, digest: str, store: ObjectStore) -> AdapterArchive:
    """Check every file of the bundle at ``uri`` by ``digest``. Raises AdapterBroken, StoreUnavailable."""
    try:
        with store.open(f"{uri}/{MANIFEST_FILE}") as file:
            text = file.read()
        manifest = codec.from_json(BundleManifest, text)
    except (FileNotFoundError, codec.WireError) as exc:
        raise AdapterBroken(MANIFEST_FILE) from exc
    if bundle_digest(manifest) != digest:
        raise AdapterBroken(MANIFEST_FILE)
    sizes = {name: manifest.files[name].num_bytes for name in sorted(manifest.files)}
    for name, size in sizes.items():
        if _read(f"{uri}/{name}", store) != (size, manifest.files[name].sha256):
            raise AdapterBroken(name)
    sizes[MANIFEST_FILE] = len(text)
    return AdapterArchive({name: _StoredFile(store, f"{uri}/{name}", size) for name, size in sizes.items()})


def _inside(uri: BundleUri, archive: AdapterArchive) -> dict[str, _StoredFile | _MadeFile]:
    return {f"{EXPORT_STORE}/{uri}/{name}": member for name, member in archive.members.items()}


def _read(uri: str, store: ObjectStore) -> tuple[int, str] | None:
    """Size and SHA-256 of a file; None where there is none."""
    size, sha256 = 0, hashlib.sha256()
    try:
        with store.open(uri) as file:
            while piece := file.read(PIECE_BYTES):
                size += len(piece)
                sha256.update(piece)
    except FileNotFoundError:
        return None
    return size, sha256.hexdigest()


def _after(start: int, piece: bytes) -> Iterator[bytes]:
    if start < len(piece):
        yield piece[start:]


def _padding(size: int) -> int:
    """Members begin at whole blocks."""
    return -size % tarfile.BLOCKSIZE
