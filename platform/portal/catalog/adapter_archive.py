"""A version's bundle as one .tar: what a tenant takes away, and can bring again."""

import hashlib
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from portal.common.errors import PortalError
from portal.common.store import ObjectStore
from wire import codec
from wire.artifacts import MANIFEST_FILE, BundleManifest, bundle_digest
from wire.errors import ErrorCode

PIECE_BYTES = 1 << 16
_END = bytes(2 * tarfile.BLOCKSIZE)


class AdapterBroken(PortalError):
    """The store's files are not those that the version was registered with."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} of this version is damaged or missing in the store: tell the operator.",
            code=ErrorCode.BUNDLE_BROKEN,
        )


@dataclass(frozen=True, slots=True)
class AdapterArchive:
    """The archive of one bundle, whose bytes were all checked. The same bundle makes the same bytes."""

    store: ObjectStore
    uri: str
    sizes: Mapping[str, int]  # file of the bundle -> bytes, in the archive's order

    @property
    def num_bytes(self) -> int:
        """Of the whole archive."""
        return len(_END) + sum(tarfile.BLOCKSIZE + size + _padding(size) for size in self.sizes.values())

    def pieces(self) -> Iterator[bytes]:
        """Its bytes; a file is opened when its turn comes."""
        for name, size in self.sizes.items():
            member = tarfile.TarInfo(name)
            member.size = size
            yield member.tobuf(format=tarfile.USTAR_FORMAT)
            with self.store.open(f"{self.uri}/{name}") as file:
                while piece := file.read(PIECE_BYTES):
                    yield piece
            yield bytes(_padding(size))
        yield _END


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
    return AdapterArchive(store, uri, {**sizes, MANIFEST_FILE: len(text)})


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


def _padding(size: int) -> int:
    """Members begin at whole blocks."""
    return -size % tarfile.BLOCKSIZE
