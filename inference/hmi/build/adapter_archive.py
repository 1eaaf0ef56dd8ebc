"""Unpacks an archive that a stranger made: known files alone, each read with a bound, never a path of its
own."""

import errno
import gzip
import io
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from hmi.base.errors import HmiError
from hmi.model.adapters.methods import METHODS
from wire.artifacts import EXPECTED_FILE, MANIFEST_FILE
from wire.errors import ErrorCode
from wire.imports import MAX_ARCHIVE_BYTES

HEAD_FIELDS_FILE = "head.json"
REQUIRED: Mapping[str, tuple[str, ...]] = {
    name: method.facts.archive_files for name, method in METHODS.items()
}
"""Of each method, first the file that it is known by."""
KNOWN = frozenset(name for names in REQUIRED.values() for name in names) | {
    HEAD_FIELDS_FILE,
    MANIFEST_FILE,
    EXPECTED_FILE,
}
PICKLED = frozenset({"adapter_model.bin", "head.bin", "pytorch_model.bin"})

MAX_UNPACKED_BYTES = 128 << 20
"""Of all members together, by what is really read."""
MAX_MEMBERS = 200
MAX_DIRECTORY_BYTES = 64 << 10
"""Of a zip file's list of members, which is read before anything can be counted."""
_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    RuntimeError,  # of zipfile: it is encrypted
    ValueError,  # of both libraries, like the next one: names and numbers in headers that are none
    IndexError,
)
_ZIP_END, _ZIP64_LOCATOR = b"PK\x05\x06", b"PK\x06\x07"
_ZIP_END_BYTES, _ZIP64_LOCATOR_BYTES = 22, 20


class AdapterRefused(HmiError):
    """The adapter that was brought cannot be used here; the message says why, and what would be right."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.ADAPTER_REFUSED, message, param="archive")


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What of an archive now lies in a folder, by the names above."""

    folder: Path
    method: str  # of REQUIRED, by the files that are there
    ignored: tuple[str, ...]  # other files of the archive


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    num_bytes: int
    is_file: bool
    is_folder: bool
    content: IO[bytes] | None


def unpack_adapter(archive: Path, folder: Path) -> Unpacked:
    """Read a .zip, .tar or .tar.gz, or a folder, into the empty ``folder``. Raises AdapterRefused."""
    try:
        found, ignored = _read(archive)
    except _BROKEN as exc:
        raise AdapterRefused(f"the archive cannot be read: {exc}") from exc
    except OSError as exc:
        if exc.errno != errno.EINVAL:
            raise  # of the disk
        raise AdapterRefused("the archive cannot be read: it names a place before its own beginning") from exc
    method, place = _adapter_in(found, ignored)
    for path, content in found.items():
        if path.parent == place:
            (folder / path.name).write_bytes(content)
    others = [path for path in found if path.parent != place]
    return Unpacked(folder, method, tuple(sorted(map(str, (*ignored, *others)))))


def _read(archive: Path) -> tuple[dict[PurePosixPath, bytes], list[PurePosixPath]]:
    """Content of the known files by their paths, and the paths of the others."""
    found: dict[PurePosixPath, bytes] = {}
    ignored: list[PurePosixPath] = []
    left = MAX_UNPACKED_BYTES
    for number, member in enumerate(_members(archive), start=1):
        if number > MAX_MEMBERS:
            raise AdapterRefused(f"the archive has more than {MAX_MEMBERS} members; an adapter has a few")
        path = _checked(member)
        if member.is_folder:
            continue
        if member.num_bytes > left:
            raise _too_large()
        if path.name not in KNOWN or member.content is None:
            ignored.append(path)
            continue
        if path in found:
            raise AdapterRefused(f"the archive has {path} twice")
        found[path] = member.content.read(left + 1)
        left -= len(found[path])
        if left < 0:
            raise _too_large()
    return found, ignored


def _adapter_in(found: dict[PurePosixPath, bytes], ignored: list[PurePosixPath]) -> tuple[str, PurePosixPath]:
    """Method of the one adapter, and the folder with its files."""
    signs = {names[0]: method for method, names in REQUIRED.items()}
    adapters = [path for path in found if path.name in signs]
    if len(adapters) > 1:
        names = ", ".join(sorted({path.name for path in adapters}))
        raise AdapterRefused(f"the archive has {len(adapters)} adapters ({names}); bring one at a time")
    if not adapters:
        raise AdapterRefused(
            f"the archive has no {' and no '.join(signs)}; give the folder that PEFT has saved, or a version "
            "that was taken away"
        )
    sign = adapters[0]
    missing = [name for name in REQUIRED[signs[sign.name]] if sign.with_name(name) not in found]
    if missing and any(path.name in PICKLED for path in ignored):
        raise AdapterRefused(
            f"the archive has no {', '.join(missing)}; pickled weights (.bin) are not read: save them as "
            "safetensors"
        )
    if missing:
        raise AdapterRefused(f"the archive has no {', '.join(missing)} beside {sign.name}")
    return signs[sign.name], sign.parent


def _checked(member: _Member) -> PurePosixPath:
    """The member's path; only plain files and folders below the archive's root are let through."""
    name = member.name.encode(errors="replace").decode()  # one that is no text could not be told
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or ":" in name:
        raise AdapterRefused("the archive has a member whose path leads out of it")
    if not (member.is_file or member.is_folder):
        raise AdapterRefused(f"the archive's {path} is neither a file nor a folder: links are not followed")
    return path


def _members(archive: Path) -> Iterator[_Member]:
    if archive.is_dir():
        return _members_of_folder(archive)
    if archive.stat().st_size > MAX_ARCHIVE_BYTES:
        raise AdapterRefused(f"the archive is larger than {MAX_ARCHIVE_BYTES >> 20} MiB")
    with archive.open("rb") as file:
        start = file.read(512)
    if start.startswith(b"PK"):
        return _members_of_zip(archive)
    if start.startswith(b"\x1f\x8b"):
        return _members_of_tar(archive, is_zipped=True)
    if start[257:262] == b"ustar":
        return _members_of_tar(archive, is_zipped=False)
    raise AdapterRefused("the archive is neither .zip nor .tar nor .tar.gz")


def _members_of_folder(folder: Path) -> Iterator[_Member]:
    """For the command line: files of the folder itself."""
    for path in sorted(folder.iterdir()):
        if path.is_file():
            with path.open("rb") as content:
                yield _Member(path.name, path.stat().st_size, True, False, content)


def _members_of_zip(archive: Path) -> Iterator[_Member]:
    _refuse_long_directory(archive)
    with zipfile.ZipFile(archive) as unzipped:
        for info in unzipped.infolist():
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise AdapterRefused("the .zip archive is packed in an unusual way: zip the folder plainly")
            is_link = stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR)
            is_file = not (info.is_dir() or is_link)
            with unzipped.open(info) if is_file else io.BytesIO() as content:
                yield _Member(info.filename, info.file_size, is_file, info.is_dir(), content)


def _refuse_long_directory(archive: Path) -> None:
    """The library reads the whole list of members at once, as long as the file's last bytes say it is."""
    with archive.open("rb") as file:
        file.seek(max(0, archive.stat().st_size - _ZIP_END_BYTES - _ZIP64_LOCATOR_BYTES))
        tail = file.read()
    end = tail[-_ZIP_END_BYTES:]
    if not end.startswith(_ZIP_END) or end[-2:] != b"\0\0":
        raise AdapterRefused("the .zip archive is cut off, or has a comment: zip the folder plainly")
    too_long = int.from_bytes(end[12:16], "little") > MAX_DIRECTORY_BYTES
    if too_long or tail[:-_ZIP_END_BYTES].startswith(_ZIP64_LOCATOR):
        raise AdapterRefused("the .zip archive has too many members; an adapter has a few")


def _members_of_tar(archive: Path, *, is_zipped: bool) -> Iterator[_Member]:
    with (
        gzip.open(archive) if is_zipped else archive.open("rb") as unzipped,
        tarfile.open(fileobj=_Bounded(unzipped), mode="r|") as members,
    ):
        for member in members:
            # A sparse file's size is not what is read of the archive.
            is_file = member.isreg() and not member.issparse()
            content = members.extractfile(member) if is_file else None
            yield _Member(member.name, member.size, is_file, member.isdir(), content)


class _Bounded(io.RawIOBase):
    """A stream that ends with AdapterRefused: whatever the archive's headers make the library read."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile) -> None:
        self._stream = stream
        self._left = MAX_UNPACKED_BYTES + (MAX_MEMBERS << 12)  # headers and padding of the members

    def read(self, size: int = -1) -> bytes:
        content = self._stream.read(size if 0 <= size <= self._left else self._left + 1)
        self._left -= len(content)
        if self._left < 0:
            raise _too_large()
        return content


def _too_large() -> AdapterRefused:
    return AdapterRefused(f"the archive unpacks to more than {MAX_UNPACKED_BYTES >> 20} MiB")
