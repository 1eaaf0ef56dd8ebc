"""Bundles: folders that never change, whose manifest (written last) names and hashes every file."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Generic, TypeVar

from hmi.base.errors import BundleBroken, BundleMismatch
from wire import codec
from wire.artifacts import (
    FORMAT_VERSION,
    MANIFEST_FILE,
    BundleKind,
    BundleManifest,
    FileEntry,
    bundle_digest,
    format_version,
)
from wire.ids import Digest

Fields = TypeVar("Fields")


@dataclass(frozen=True, slots=True)
class Bundle(Generic[Fields]):
    """A verified bundle on this machine."""

    path: Path
    digest: Digest
    manifest: BundleManifest
    fields: Fields

    @property
    def num_bytes(self) -> int:
        """Size of the files, the manifest aside."""
        return sum(entry.num_bytes for entry in self.manifest.files.values())

    def file(self, name: str) -> Path:
        """Path of a file that the manifest names; raises BundleBroken when it names none such."""
        if name not in self.manifest.files:
            raise BundleBroken(f"{self.manifest.kind} bundle {self.digest} has no file {name!r}")
        return self.path / name


def write_bundle(folder: Path, kind: BundleKind, fields: Any) -> Digest:
    """Make ``folder``, whose files are already in it, a bundle: flush and hash them, write the manifest last.

    ``fields`` is the dataclass of wire.artifacts that belongs to ``kind``. The digest covers content only.
    """
    files = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != MANIFEST_FILE:
            sync(path)
            files[name] = FileEntry(num_bytes=path.stat().st_size, sha256=file_sha256(path))
    manifest = BundleManifest(kind, format_version(kind), files, codec.to_plain(fields))
    temporary = folder / f".{MANIFEST_FILE}.part"
    with temporary.open("w", encoding="utf-8") as file:
        file.write(codec.to_json(manifest))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / MANIFEST_FILE)
    sync(folder)
    return bundle_digest(manifest)


def open_bundle(
    folder: Path, *, kind: BundleKind, fields_type: type[Fields], digest: Digest | None
) -> Bundle[Fields]:
    """Open ``folder`` and verify the size and SHA-256 of every file in the manifest.

    Raises BundleBroken when bytes are missing or changed, BundleMismatch when it is intact but not of this
    ``kind`` or ``digest`` (None: any).
    """
    manifest = read_manifest(folder)
    found = bundle_digest(manifest)
    if digest is not None and found != digest:
        raise BundleMismatch(f"bundle in {folder.name} is {found}, wanted {digest}")
    fields = manifest_fields(manifest, kind=kind, fields_type=fields_type, name=found)
    verify_files(folder, manifest)
    return Bundle(folder, found, manifest, fields)


def manifest_fields(
    manifest: BundleManifest, *, kind: BundleKind, fields_type: type[Fields], name: str
) -> Fields:
    """What a manifest says of its content, the files not looked at. Raises BundleMismatch where it is not of
    this ``kind``, BundleBroken for unsound fields; ``name`` is the bundle's in the message."""
    if manifest.kind is not kind:
        raise BundleMismatch(f"bundle {name} is a {manifest.kind}, wanted a {kind}")
    newest = format_version(kind)
    if not FORMAT_VERSION <= manifest.format_version <= newest:
        raise BundleMismatch(
            f"bundle {name} has format {manifest.format_version}, this program reads {newest}"
        )
    try:
        return codec.from_plain(fields_type, manifest.fields)
    except codec.WireError as exc:
        raise BundleBroken(f"bundle {name}: fields of the manifest: {exc}") from exc


def read_manifest(folder: Path) -> BundleManifest:
    """The manifest of a folder, its files not yet verified. Raises BundleBroken without a sound one."""
    try:
        text = (folder / MANIFEST_FILE).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise BundleBroken(f"{folder.name} is not a bundle: it has no {MANIFEST_FILE}") from exc
    return parse_manifest(text, folder.name)


def parse_manifest(text: bytes, place: str) -> BundleManifest:
    """A manifest from the bytes of its file; ``place`` is named in the BundleBroken that it raises."""
    try:
        return codec.from_json(BundleManifest, text)
    except codec.WireError as exc:
        raise BundleBroken(f"{MANIFEST_FILE} of {place}: {exc}") from exc


def verify_files(folder: Path, manifest: BundleManifest) -> None:
    """Raise BundleBroken for the first file whose size or SHA-256 is not the manifest's."""
    for name, entry in manifest.files.items():
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise BundleBroken(f"{MANIFEST_FILE} of {folder.name} names {name!r}, which is outside of it")
        path = folder / name
        if not path.is_file():
            raise BundleBroken(f"{name} is missing in bundle {folder.name}; fetch or build it again")
        if path.stat().st_size != entry.num_bytes:
            raise BundleBroken(
                f"{name} in bundle {folder.name} has {path.stat().st_size} bytes instead of "
                f"{entry.num_bytes}; fetch or build it again"
            )
        if file_sha256(path) != entry.sha256:
            raise BundleBroken(f"{name} in bundle {folder.name} has changed; fetch or build it again")


def file_sha256(path: Path) -> str:
    """Of a file's content, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_tree(folder: Path) -> None:
    """Wait until everything under a folder is on the disk."""
    for path in (*folder.rglob("*"), folder):
        sync(path)


def sync(path: Path) -> None:
    """Wait until a file's or folder's content is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
