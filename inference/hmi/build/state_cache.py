"""What a training computes before its first step, kept for the next training of the same dataset."""

import contextlib
import fcntl
import hashlib
import os
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from hmi.artifacts.bundle import file_sha256
from wire.ids import DatasetId, Digest, TenantId
from wire.training import COMPUTED_STATES

_TEMPORARY = ".tmp-"


@dataclass(frozen=True, slots=True)
class CachedFile:
    """Whose it is, and what it is a function of.

    Stands at <tenant>/<dataset>/<tree or "computed">/<key>.<SHA-256 of its content>: so whoever deletes a
    tenant, a dataset or a tree deletes a folder, and no tenant's key leads to another's file. Trees of the
    same content have digests of their own: the file of one is taken for another, and stands with both.
    """

    tenant_id: TenantId
    dataset_id: DatasetId
    tree: Digest | None  # looked up in it; None: computed
    key: str  # of content_key()

    @property
    def folder(self) -> Path:
        """Below the cache's root."""
        tree = COMPUTED_STATES if self.tree is None else self.tree.removeprefix("sha256:")
        return Path(*(_one_name(part) for part in (self.tenant_id, self.dataset_id, tree)))


def content_key(*parts: bytes | str) -> str:
    """Of all that a file is a function of, in order."""
    whole = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        whole.update(len(content).to_bytes(8, "little") + hashlib.sha256(content).digest())
    return whole.hexdigest()


class StateCache:
    """Files that trainings share by hard links, within a budget of bytes; the least recently taken go first.

    Safe for any number of processes, each of which may be killed at any moment: a file appears whole, and is
    checked when it is taken. What cannot be kept or taken (a full disk, a file system without links) is
    computed anew; a file that goes from here stays with whoever took it.
    """

    def __init__(self, root: Path, max_bytes: int) -> None:
        """``max_bytes`` 0: nothing is kept."""
        self._root = root
        self._max_bytes = max_bytes

    def take(self, file: CachedFile, into: Path) -> bool:
        """Put the file at ``into``, where nothing stands yet; False: it is not there, or damaged."""
        for found in self._kept(file, "*"):
            with contextlib.suppress(OSError):
                os.link(found, into)
                if file_sha256(into) == found.suffix.removeprefix("."):
                    os.utime(found)
                    return True
                found.unlink(missing_ok=True)
                into.unlink()
        return False

    def keep(self, file: CachedFile, path: Path) -> None:
        """Keep what stands at ``path``, which nobody changes any more, for others; not what is larger than
        the budget."""
        num_bytes = path.stat().st_size
        if num_bytes > self._max_bytes or any(self._kept(file, file.folder.name)):
            return
        with contextlib.suppress(OSError), self._alone():
            if not any(self._kept(file, "*")):  # else it takes no room
                self._make_room(num_bytes)
            folder = self._root / file.folder
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            temporary = folder / f"{_TEMPORARY}{uuid.uuid4().hex}"
            os.link(path, temporary)
            os.utime(temporary)
            temporary.replace(folder / f"{file.key}.{file_sha256(path)}")

    def _kept(self, file: CachedFile, tree: str) -> Iterator[Path]:
        return (self._root / file.folder.parent).glob(f"{tree}/{file.key}.*")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)  # the kernel releases the lock, also when the process is killed

    def _make_room(self, num_bytes: int) -> None:
        """What a killed process left half kept goes first: nobody else keeps anything now."""
        kept: defaultdict[tuple[float, int, int], list[Path]] = defaultdict(list)  # with all its names
        for path in self._root.glob("*/*/*/*"):
            with contextlib.suppress(FileNotFoundError):
                if path.name.startswith(_TEMPORARY):
                    path.unlink()
                else:
                    found = path.stat()
                    kept[found.st_mtime, found.st_ino, found.st_size].append(path)
        total = sum(size for _, _, size in kept)
        for (_, _, size), paths in sorted(kept.items()):
            if total + num_bytes <= self._max_bytes:
                return
            for path in paths:
                path.unlink(missing_ok=True)
            total -= size


def _one_name(text: str) -> str:
    """One name of a path, whatever the text is."""
    return quote(text, safe="").replace(".", "%2E")
