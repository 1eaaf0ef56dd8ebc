"""Local copies of remote bundles within a hard budget: what nobody reads goes when room is needed, the least
recently used first."""

import shutil
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from hmi.artifacts.bundle import read_manifest, sync_tree, verify_files
from hmi.base.errors import BudgetExceeded, BundleBroken, BundleMismatch, HmiError
from wire.artifacts import MANIFEST_FILE, BundleManifest
from wire.ids import Digest

KIND = "bundles"
SHA256_DIGITS = 64


class DiskBudget(Protocol):
    """memory.Budget, as this part sees it."""

    def reserve(self, kind: str, num_bytes: int) -> Any:
        """Raises BudgetExceeded."""

    def release(self, reservation: Any) -> None: ...


@dataclass(slots=True)
class _Copy:
    """One bundle's copy; ``reservation`` None while it is being fetched. One that leaves goes with its last
    lease; without any, a thread is at it."""

    num_leases: int
    reservation: Any = None
    is_leaving: bool = False  # it is damaged, or nobody's any more

    @property
    def is_idle(self) -> bool:
        """It may go for another one."""
        return self.reservation is not None and self.num_leases == 0 and not self.is_leaving


class DiskCache:
    """Folders named by content. Thread-safe; one process a folder.

    Promises: a copy that is held is not removed; the files of all copies, those being fetched included, never
    take more than the budget grants.
    """

    def __init__(self, folder: Path, budget: DiskBudget) -> None:
        """Takes over what an earlier process left, as far as the budget reaches."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._budget = budget
        self._changed = threading.Condition()
        self._copies: OrderedDict[str, _Copy] = OrderedDict()  # by folder name, least recently used first
        self._parts: dict[str, tuple[Digest, ...]] = {}  # of the named; by folder name, as they were read
        self._take_over()

    @contextmanager
    def hold(
        self, key: str, manifest: Callable[[], BundleManifest], fetch: Callable[[Path], None]
    ) -> Iterator[Path]:
        """The copy's folder, which stays while it is held. ``key`` is the bundle's digest, or begins with it;
        ``fetch`` fills an empty folder with what
        ``manifest`` names; neither is called when the copy is there. A copy that was there and turns out to
        be broken while it is held, by the errors of open_bundle or of the disk, is dropped: the next hold
        fetches it again.

        Raises what they raise, BundleBroken for other bytes than the manifest's, and BudgetExceeded
        (retryable) when all that is there is held.
        """
        name = key.removeprefix("sha256:")
        with self._changed:
            self._changed.wait_for(lambda: self._is_settled(name))
            copy = self._copies.setdefault(name, _Copy(num_leases=0))
            copy.num_leases += 1
            self._copies.move_to_end(name)
        was_there = copy.reservation is not None
        try:
            if not was_there:
                self._fetch(name, copy, manifest, fetch)
            try:
                yield self._folder / name
            except (BundleBroken, BundleMismatch, OSError):
                copy.is_leaving |= was_there  # else it was verified just now, and another would be the same
                raise
        finally:
            with self._changed:
                copy.num_leases -= 1
                if copy.reservation is None:
                    del self._copies[name]  # it was not brought: the next one tries again
                elif copy.is_leaving and copy.num_leases == 0:
                    self._drop(name)
                self._changed.notify_all()

    def retain(
        self, named: Collection[Digest], parts_of: Callable[[BundleManifest], Iterable[Digest]]
    ) -> None:
        """Drop the copies of all bundles but the ``named`` ones and their parts: the others may have been
        deleted. One that is held goes afterwards, one that is being fetched the next time."""
        kept = set(named).union(*self._parts_of(named, parts_of))
        gone: list[str] = []
        with self._changed:
            for name, copy in self._copies.items():
                if copy.reservation is None or copy.is_leaving or _digest(name) in kept:
                    continue
                copy.is_leaving = True
                if copy.num_leases == 0:
                    gone.append(name)
        for name in gone:  # of thousands it takes seconds, for which nobody else waits
            self._remove(name)
            with self._changed:
                self._forget(name)
                self._changed.notify_all()

    def check_integrity(self) -> None:
        """Raise AssertionError unless the copies in the folder are those that are known."""
        with self._changed:
            there = {path.name for path in self._folder.iterdir() if not path.name.startswith(".")}
            assert there == {name for name, copy in self._copies.items() if copy.reservation is not None}
            assert all(copy.num_leases >= 0 for copy in self._copies.values())

    def _parts_of(
        self, named: Collection[Digest], parts_of: Callable[[BundleManifest], Iterable[Digest]]
    ) -> Iterable[tuple[Digest, ...]]:
        """Of all ``named``, also of those whose copies have made room since. Read once for each, while others
        may be held."""
        with self._changed:
            names = [
                *self._parts,
                *(name for name, copy in self._copies.items() if copy.reservation is not None),
            ]
            known = self._parts
        found: dict[str, tuple[Digest, ...]] = {}
        for name in names:
            if _digest(name) in named and name not in found:
                with suppress(HmiError, OSError):  # it has just gone, or whoever reads it will find out
                    found[name] = known[name] if name in known else self._read_parts(name, parts_of)
        with self._changed:
            self._parts = found
        return found.values()

    def _read_parts(
        self, name: str, parts_of: Callable[[BundleManifest], Iterable[Digest]]
    ) -> tuple[Digest, ...]:
        return tuple(parts_of(read_manifest(self._folder / name)))

    def _is_settled(self, name: str) -> bool:
        """There to be read, or to be fetched by whoever asks."""
        copy = self._copies.get(name)
        return copy is None or (copy.reservation is not None and not copy.is_leaving)

    def _fetch(
        self,
        name: str,
        copy: _Copy,
        manifest: Callable[[], BundleManifest],
        fetch: Callable[[Path], None],
    ) -> None:
        reservation = self._reserve(_size(manifest()))
        temporary = self._folder / f".{name}.{uuid.uuid4().hex}.part"
        try:
            temporary.mkdir()
            fetch(temporary)
            verify_files(temporary, read_manifest(temporary))
            sync_tree(temporary)
            self._remove(name)  # what the disk did not let go of before
            temporary.rename(self._folder / name)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            self._budget.release(reservation)
            raise
        with self._changed:
            copy.reservation = reservation
            self._changed.notify_all()

    def _reserve(self, num_bytes: int) -> Any:
        """Room for a new copy; others make it."""
        while True:
            try:
                return self._budget.reserve(KIND, num_bytes)
            except BudgetExceeded as exc:
                if not (self._may_free(num_bytes - exc.free_bytes) and self._remove_one()):
                    raise BudgetExceeded(
                        f"a bundle of {num_bytes:_} bytes does not fit beside those that are being read: "
                        f"{exc.message}",
                        needed_bytes=num_bytes,
                        free_bytes=0,
                        retryable=True,
                    ) from exc

    def _may_free(self, num_bytes: int) -> bool:
        """Whether so much goes with all that nobody reads; if not, none of it has to."""
        with self._changed:
            for copy in self._copies.values():  # of thousands a few are enough, mostly
                if num_bytes <= 0:
                    break
                if copy.reservation is not None and copy.num_leases == 0:  # it goes already, or may
                    num_bytes -= copy.reservation.num_bytes
            return num_bytes <= 0

    def _remove_one(self) -> bool:
        with self._changed:
            for name, copy in self._copies.items():
                if copy.is_idle:
                    self._drop(name)
                    return True
            if any(copy.is_leaving and copy.num_leases == 0 for copy in self._copies.values()):
                self._changed.wait()  # retain() is at it
                return True
            return False

    def _drop(self, name: str) -> None:
        self._remove(name)
        self._forget(name)

    def _forget(self, name: str) -> None:
        self._budget.release(self._copies.pop(name).reservation)

    def _remove(self, name: str) -> None:
        """As far as the disk lets it: whoever waits for the copy to go must not wait for ever."""
        # The manifest first: what is left of an interrupted removal is no bundle any more.
        with suppress(OSError):
            (self._folder / name / MANIFEST_FILE).unlink(missing_ok=True)
        shutil.rmtree(self._folder / name, ignore_errors=True)

    def _take_over(self) -> None:
        found = [path for path in self._folder.iterdir() if path.is_dir()]
        for path in sorted(found, key=lambda path: path.stat().st_mtime):
            try:
                reservation = None if path.name.startswith(".") else self._reserve(_size(read_manifest(path)))
            except (BudgetExceeded, BundleBroken):
                reservation = None
            if reservation is None:
                self._remove(path.name)
            else:
                self._copies[path.name] = _Copy(0, reservation)


def _digest(name: str) -> Digest:
    """Of the bundle that a folder is a copy of: its name begins with it."""
    return Digest(f"sha256:{name[:SHA256_DIGITS]}")


def _size(manifest: BundleManifest) -> int:
    """Bytes of a bundle's files, and of its manifest about."""
    return sum(entry.num_bytes for entry in manifest.files.values()) + 4096
