"""The object store: bundles and files by relative URI, in a local folder or any S3-compatible service."""

import hashlib
import os
import shutil
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, TypeVar, cast
from urllib.parse import unquote, urlsplit

import fsspec

from hmi.artifacts.bundle import parse_manifest, read_manifest, sync, sync_tree, verify_files
from hmi.artifacts.disk_cache import DiskBudget, DiskCache
from hmi.base.disk_room import cannot_write_in, is_full
from hmi.base.errors import (
    AlreadyExists,
    BundleBroken,
    BundleMismatch,
    CannotWrite,
    InvalidInput,
    NotFound,
    StoreUnavailable,
)
from wire.artifacts import COPY_NOTE, MANIFEST_FILE, BundleManifest, bundle_digest
from wire.ids import BundleUri, Digest

Made = TypeVar("Made")
STORE_SETTING, CACHE_SETTING = "HMI_STORE_URL", "HMI_CACHE_DIR"
UNUSED_S = 7 * 86400.0
"""A job's local copy of a remote bundle goes when it has not been asked for so long."""
_PART = ".part"
"""Ends the name of a copy that is being fetched. COPY_NOTE's time is when its copy was asked for last."""


class Store(ABC):
    """Where bundles live. Safe to use from several threads and processes: what is published never changes."""

    @abstractmethod
    def publish(self, folder: Path, uri: BundleUri) -> None:
        """Put a copy of the bundle in ``folder`` at ``uri``; readers see all of it or nothing.

        The same bundle there already: does nothing. Another one: raises AlreadyExists.
        """

    @abstractmethod
    def localize(self, uri: BundleUri, digest: Digest) -> Path:
        """A local folder with that bundle, to be opened with open_bundle (which verifies every byte).

        Raises NotFound where nothing is, BundleMismatch where another bundle is.
        """

    @contextmanager
    def hold(self, uri: BundleUri, digest: Digest, *, has_places: bool = False) -> Iterator[Path]:
        """As localize(), for a service that runs on: the folder is there as long as it is held, and may be
        given up afterwards. Raises BudgetExceeded (retryable) too. That another bundle stands there may be
        left to open_bundle to find.

        ``has_places``: what is wanted is the bundle of this place, since one of the same digest elsewhere
        says other places of its parts (wire.artifacts.bundle_digest)."""
        yield self.localize(uri, digest)

    def read(
        self, uri: BundleUri, digest: Digest, make: Callable[[Path], Made], *, has_places: bool = False
    ) -> Made:
        """What ``make`` makes of the held folder. It may be called twice: where it finds a local copy
        broken, that is fetched once more."""
        with self.hold(uri, digest, has_places=has_places) as folder:
            return make(folder)

    @abstractmethod
    def retain_copies(
        self, named: Collection[Digest], parts_of: Callable[[BundleManifest], Iterable[Digest]]
    ) -> None:
        """Of what was held, keep copies of the ``named`` bundles alone, and of their parts as ``parts_of``
        tells them: the others may have been deleted. A copy that is held now goes afterwards."""

    @abstractmethod
    def digest(self, uri: BundleUri) -> Digest | None:
        """Digest of the bundle at ``uri``, by its manifest alone; None where there is none."""

    @abstractmethod
    def open_file(self, uri: BundleUri) -> AbstractContextManager[BinaryIO]:
        """A single file, for reading from its start. Raises NotFound."""

    @abstractmethod
    def put_file(self, uri: BundleUri, content: bytes) -> None:
        """Write a small single file, over what was there; readers see the old or the new one whole."""

    @abstractmethod
    def exists(self, uri: BundleUri) -> bool:
        """Whether a whole bundle, or a file, stands at ``uri``."""

    @abstractmethod
    def delete(self, uri: BundleUri) -> None:
        """Remove the bundle or file; does nothing where there is none."""


def open_store(url: str, cache_dir: Path | None, budget: DiskBudget | None = None) -> Store:
    """The store at ``url``: ``file:///folder`` (made if absent), or what fsspec knows, such as
    ``s3://bucket/prefix``.

    ``cache_dir`` keeps local copies of remote bundles; a folder needs none. What is held, not localized, of
    them stays within ``budget``. Without one, as jobs open it, copies are dropped first that are gone from
    the store, or that nobody has asked for in a week: a copy of what was deleted is not kept.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        path = Path(unquote(parts.path))
        if parts.netloc or not path.is_absolute():
            raise InvalidInput(f"store URL {url!r} must be absolute: file:///folder", param=STORE_SETTING)
        return FolderStore(path)
    if not parts.scheme:
        raise InvalidInput(f"store URL {url!r} must begin with file:// or s3://", param=STORE_SETTING)
    if cache_dir is None:
        raise InvalidInput(f"the store {parts.scheme}:// needs a cache folder", param=CACHE_SETTING)
    try:
        # What other processes publish and delete is seen at once: no listing is remembered.
        filesystem, root = fsspec.core.url_to_fs(url, use_listings_cache=False)
    except (ValueError, ImportError) as exc:
        raise InvalidInput(f"store URL {url!r} cannot be used: {exc}", param=STORE_SETTING) from exc
    if budget is not None:
        return RemoteStore(filesystem, str(root), cache_dir, held=DiskCache(cache_dir / "held", budget))
    store = RemoteStore(filesystem, str(root), cache_dir)
    with suppress(StoreUnavailable):  # whoever needs it will be told
        store.drop_copies()
    return store


class FolderStore(Store):
    """A store in a folder of this machine. Bundles are read in place."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self._root = root

    def retain_copies(
        self, named: Collection[Digest], parts_of: Callable[[BundleManifest], Iterable[Digest]]
    ) -> None:
        """There are none."""

    def publish(self, folder: Path, uri: BundleUri) -> None:
        manifest, target = read_manifest(folder), self._path(uri)
        wanted = bundle_digest(manifest)
        if self._stands(uri, wanted):
            return
        # Hidden and beside the target: the same file system, so that the rename is atomic.
        temporary = target.parent / f".{target.name}.{uuid.uuid4().hex}.part"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(folder, temporary)
            sync_tree(temporary)
            _remove_debris(target, manifest)
            temporary.rename(target)
            sync(target.parent)
        except OSError as exc:
            if self._stands(uri, wanted):  # somebody else was quicker with the same
                return
            raise self._cannot_write(uri, exc) from exc
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def localize(self, uri: BundleUri, digest: Digest) -> Path:
        found = self.digest(uri)
        if found is None:
            raise NotFound(f"there is no bundle at {uri}")
        if found != digest:
            raise BundleMismatch(f"bundle at {uri} is {found}, wanted {digest}")
        return self._path(uri)

    @contextmanager
    def hold(self, uri: BundleUri, digest: Digest, *, has_places: bool = False) -> Iterator[Path]:
        # Whoever opens it reads the manifest anyway, and finds another bundle there.
        path = self._path(uri)
        if not (path / MANIFEST_FILE).is_file():
            raise NotFound(f"there is no bundle at {uri}")
        yield path

    def digest(self, uri: BundleUri) -> Digest | None:
        path = self._path(uri)
        return bundle_digest(read_manifest(path)) if (path / MANIFEST_FILE).is_file() else None

    @contextmanager
    def open_file(self, uri: BundleUri) -> Iterator[BinaryIO]:
        try:
            file = self._path(uri).open("rb")
        except (FileNotFoundError, IsADirectoryError) as exc:
            raise NotFound(f"there is no file at {uri}") from exc
        except OSError as exc:
            raise StoreUnavailable(f"cannot read {uri}: {exc.strerror}") from exc
        with file:
            yield file

    def put_file(self, uri: BundleUri, content: bytes) -> None:
        target = self._path(uri)
        temporary = target.parent / f".{target.name}.{uuid.uuid4().hex}.part"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(content)
            sync(temporary)
            temporary.replace(target)
            sync(target.parent)
        except OSError as exc:
            raise self._cannot_write(uri, exc) from exc
        finally:
            temporary.unlink(missing_ok=True)

    def exists(self, uri: BundleUri) -> bool:
        path = self._path(uri)
        return path.is_file() or (path / MANIFEST_FILE).is_file()

    def delete(self, uri: BundleUri) -> None:
        path = self._path(uri)
        if path.is_dir():
            # The manifest first: what is left of an interrupted deletion is no bundle any more.
            (path / MANIFEST_FILE).unlink(missing_ok=True)
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def _path(self, uri: BundleUri) -> Path:
        return self._root / _relative(uri)

    def _cannot_write(self, uri: BundleUri, exc: OSError) -> CannotWrite:
        return CannotWrite(
            f"{uri} is not published: {cannot_write_in(self._root, exc, elsewhere=STORE_SETTING)}"
        )

    def _stands(self, uri: BundleUri, wanted: Digest) -> bool:
        found = self.digest(uri)
        if found is not None and found != wanted:
            raise AlreadyExists(f"another bundle stands at {uri}: {found}, not {wanted}")
        return found is not None


class RemoteStore(Store):
    """A store behind fsspec.

    Object stores have no rename: the manifest goes last, and a bundle without one is not there.
    """

    def __init__(self, filesystem: Any, root: str, cache_dir: Path, *, held: DiskCache | None = None) -> None:
        self._files = filesystem
        self._root = root.rstrip("/")
        self._cache = cache_dir
        self._held = held
        self._sound: set[str] = set()  # names of local copies that were verified since this was opened

    def publish(self, folder: Path, uri: BundleUri) -> None:
        manifest = read_manifest(folder)
        wanted, found = bundle_digest(manifest), self.digest(uri)
        if found == wanted:
            return
        if found is not None:
            raise AlreadyExists(f"another bundle stands at {uri}: {found}, not {wanted}")
        with self._writable(uri):
            for name in (*manifest.files, MANIFEST_FILE):
                self._files.put_file(str(folder / name), f"{self._at(uri)}/{name}")

    def retain_copies(
        self, named: Collection[Digest], parts_of: Callable[[BundleManifest], Iterable[Digest]]
    ) -> None:
        if self._held is not None:
            self._held.retain(named, parts_of)

    @contextmanager
    def hold(self, uri: BundleUri, digest: Digest, *, has_places: bool = False) -> Iterator[Path]:
        place = f"-at-{hashlib.sha256(uri.encode()).hexdigest()[:16]}" if has_places else ""
        if self._held is None:
            yield self._local_copy(digest + place, uri, digest)
            return
        with self._held.hold(
            digest + place, lambda: self._manifest(uri, digest), lambda folder: self._fill(uri, folder)
        ) as folder:
            yield folder

    def read(
        self, uri: BundleUri, digest: Digest, make: Callable[[Path], Made], *, has_places: bool = False
    ) -> Made:
        with suppress(BundleBroken, BundleMismatch, OSError):  # by the disk, until a fresh copy is so, too
            return super().read(uri, digest, make, has_places=has_places)
        return super().read(uri, digest, make, has_places=has_places)

    def localize(self, uri: BundleUri, digest: Digest) -> Path:
        return self._local_copy(digest, uri, digest)

    def drop_copies(self) -> None:
        """Those that no longer stand in the store, those that were not asked for in UNUSED_S, and what killed
        processes, or a full disk, have left half fetched."""
        oldest = time.time() - UNUSED_S
        for note in self._cache.glob(f"*{COPY_NOTE}"):
            with suppress(FileNotFoundError):  # another process was quicker
                if note.stat().st_mtime < oldest or not self._stands(note):
                    shutil.rmtree(note.with_suffix(""), ignore_errors=True)
                    note.unlink()
        for folder in self._cache.glob(f".*{_PART}"):
            with suppress(FileNotFoundError):
                if folder.stat().st_mtime < oldest:
                    shutil.rmtree(folder, ignore_errors=True)

    def _stands(self, note: Path) -> bool:
        """What it is the note of; of a note that was written in part, nothing does."""
        try:
            uri, _, digest = note.read_text(encoding="utf-8").partition("\n")
            return self.digest(BundleUri(uri)) == digest
        except (UnicodeDecodeError, InvalidInput, BundleBroken):
            return False

    def _local_copy(self, key: str, uri: BundleUri, digest: Digest) -> Path:
        target = self._cache / key.removeprefix("sha256:")
        note = target.with_name(target.name + COPY_NOTE)
        if (target / MANIFEST_FILE).is_file() and note.is_file():
            os.utime(note)
            if target.name in self._sound or _is_sound(target, digest):
                self._sound.add(target.name)
                return target
            self._drop_damaged(target)
        self._manifest(uri, digest)
        self._cache.mkdir(parents=True, exist_ok=True)
        temporary = self._cache / f".{target.name}.{uuid.uuid4().hex}{_PART}"
        try:
            temporary.mkdir()
            self._fill(uri, temporary)
            verify_files(temporary, read_manifest(temporary))
            whole_note = temporary / temporary.name
            whole_note.write_text(f"{uri}\n{digest}", encoding="utf-8")
            sync_tree(temporary)
            # Before the copy: none is there without one. Nobody finds half of it.
            whole_note.rename(note)
            try:
                temporary.rename(target)
            except OSError:
                if not (target / MANIFEST_FILE).is_file():  # else another thread brought the same
                    raise
        except OSError as exc:
            raise self._cannot_copy(uri, exc) from exc
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        self._sound.add(target.name)
        return target

    def _drop_damaged(self, target: Path) -> None:
        """At once, as others see it: none of them finds it half deleted."""
        dropped = self._cache / f".{target.name}.{uuid.uuid4().hex}{_PART}"
        with suppress(FileNotFoundError):  # another process was quicker
            target.rename(dropped)
        shutil.rmtree(dropped, ignore_errors=True)

    def digest(self, uri: BundleUri) -> Digest | None:
        manifest = self._read_manifest(uri)
        return None if manifest is None else bundle_digest(manifest)

    @contextmanager
    def open_file(self, uri: BundleUri) -> Iterator[BinaryIO]:
        with _reachable(uri):
            file = self._files.open(self._at(uri), "rb")
        with file:
            yield cast(BinaryIO, file)

    def put_file(self, uri: BundleUri, content: bytes) -> None:
        with self._writable(uri):
            self._files.pipe_file(self._at(uri), content)

    def exists(self, uri: BundleUri) -> bool:
        with _reachable(uri):
            return self._is_file(self._at(uri)) or self._is_file(f"{self._at(uri)}/{MANIFEST_FILE}")

    def delete(self, uri: BundleUri) -> None:
        place = self._at(uri)
        with _reachable(uri):
            if self._is_file(place):
                self._files.rm_file(place)
                return
            if self._is_file(f"{place}/{MANIFEST_FILE}"):
                self._files.rm_file(f"{place}/{MANIFEST_FILE}")
            if left := self._files.find(place):
                self._files.rm(left)

    def _is_file(self, place: str) -> bool:
        """fsspec's own isfile() takes a store that does not answer for one without the file."""
        try:
            return bool(self._files.info(place)["type"] == "file")
        except FileNotFoundError:
            return False

    def _manifest(self, uri: BundleUri, digest: Digest) -> BundleManifest:
        """Of the bundle that is asked for. Raises NotFound, BundleMismatch."""
        manifest = self._read_manifest(uri)
        if manifest is None:
            raise NotFound(f"there is no bundle at {uri}")
        found = bundle_digest(manifest)
        if found != digest:
            raise BundleMismatch(f"bundle at {uri} is {found}, wanted {digest}")
        return manifest

    def _read_manifest(self, uri: BundleUri) -> BundleManifest | None:
        with _reachable(uri):
            try:
                text = self._files.cat_file(f"{self._at(uri)}/{MANIFEST_FILE}")
            except FileNotFoundError:
                return None
        return parse_manifest(text, str(uri))

    def _fill(self, uri: BundleUri, folder: Path) -> None:
        """Fetch the bundle into an empty folder."""
        with _reachable(uri):
            try:
                self._files.get_file(f"{self._at(uri)}/{MANIFEST_FILE}", str(folder / MANIFEST_FILE))
                for name in read_manifest(folder).files:
                    path = folder / _relative(BundleUri(name))
                    path.parent.mkdir(parents=True, exist_ok=True)
                    self._files.get_file(f"{self._at(uri)}/{name}", str(path))
            except OSError as exc:
                if exc.errno is None or not is_full(exc):  # what has no number is the other side's
                    raise
                raise self._cannot_copy(uri, exc) from exc

    @contextmanager
    def _writable(self, uri: BundleUri) -> Iterator[None]:
        try:
            with _reachable(uri):
                yield
        except NotFound as exc:
            if not _is_bucket_missing(exc.__cause__):
                raise
            bucket = self._root.partition("/")[0]
            raise CannotWrite(
                f"{uri} is not published: there is no bucket {bucket!r}; create it, or name another in "
                f"{STORE_SETTING}"
            ) from exc

    def _cannot_copy(self, uri: BundleUri, exc: OSError) -> CannotWrite:
        return CannotWrite(
            f"{uri} is not fetched: {cannot_write_in(self._cache, exc, elsewhere=CACHE_SETTING)}"
        )

    def _at(self, uri: BundleUri) -> str:
        return f"{self._root}/{_relative(uri)}"


def _remove_debris(target: Path, manifest: BundleManifest) -> None:
    """What an interrupted deletion has left of that very bundle; nothing where anything else stands."""
    if not (target / MANIFEST_FILE).exists():
        left = {path.relative_to(target).as_posix() for path in target.rglob("*") if not path.is_dir()}
        if left <= manifest.files.keys():
            shutil.rmtree(target, ignore_errors=True)


def _is_sound(copy: Path, digest: Digest) -> bool:
    """Whether the disk gives back the bundle that was put there."""
    try:
        manifest = read_manifest(copy)
        verify_files(copy, manifest)
    except (BundleBroken, OSError):
        return False
    return bundle_digest(manifest) == digest


def _relative(uri: BundleUri) -> str:
    path = PurePosixPath(uri)
    if not uri or path.is_absolute() or ".." in path.parts or path == PurePosixPath(".") or "\\" in uri:
        raise InvalidInput(
            f"{uri!r} is not a place in the store: write a relative path without '..'", param="uri"
        )
    return str(path)


@contextmanager
def _reachable(uri: BundleUri) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as exc:
        raise NotFound(f"there is no file at {uri}") from exc
    except _client_errors() as exc:
        reason = exc if isinstance(exc, OSError) else type(exc).__name__  # others' texts name the server
        raise StoreUnavailable(f"the store does not answer for {uri}: {reason}") from exc


def _is_bucket_missing(error: BaseException | None) -> bool:
    """As S3 says it; to its client a file that is missing is the same."""
    response = getattr(error.__cause__, "response", None) if error is not None else None
    return isinstance(response, dict) and response.get("Error", {}).get("Code") == "NoSuchBucket"


def _client_errors() -> tuple[type[Exception], ...]:
    """What says that a store does not answer: of S3's client most of it is no OSError."""
    try:
        from botocore.exceptions import BotoCoreError
        from s3fs.core import S3_RETRYABLE_ERRORS
    except ImportError:
        return (OSError,)
    return (OSError, BotoCoreError, *S3_RETRYABLE_ERRORS)
