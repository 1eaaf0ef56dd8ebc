"""The object store of bundles and datasets (HMI_STORE_URL): whole files appear at once or not at all."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import unquote, urlsplit

import fsspec
from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from portal.common.errors import PortalError
from wire.artifacts import MANIFEST_FILE
from wire.errors import ErrorCode

TEMPORARY_PREFIX = ".writing-"


class StoreUnavailable(PortalError):
    """The store cannot be reached or written; trying again may help."""

    def __init__(self, uri: str, problem: Exception) -> None:
        super().__init__(
            f"The object store cannot be used ({type(problem).__name__}); try again.",
            code=ErrorCode.STORE_UNAVAILABLE,
        )
        self.uri = uri


class ObjectStore:
    """Files by relative URI with ``/``. Holds no state but the address; safe to share between threads.

    Errors: ValueError for a URI that leaves the store, FileNotFoundError for one that is absent,
    StoreUnavailable for every other OSError, and what S3's client raises instead of one.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._files, root = _folder(url) if url.startswith("file://") else _remote(url)
        self._root = root.rstrip("/")
        self._is_local = isinstance(self._files, LocalFileSystem)

    @contextmanager
    def write(self, uri: str) -> Iterator[BinaryIO]:
        """A file to write: it appears at ``uri`` when the block ends, or not at all when the block raises."""
        opened = self._write_local(uri) if self._is_local else self._write_remote(uri)
        with opened as file:
            yield file

    def open(self, uri: str) -> BinaryIO:
        """The file at ``uri``, for reading; the caller closes it."""
        with _reachable(uri):
            return cast(BinaryIO, self._files.open(self._path(uri), "rb"))

    def exists(self, uri: str) -> bool:
        """Is there a file or folder at ``uri``?"""
        with _reachable(uri):
            return bool(self._files.exists(self._path(uri)))

    def delete(self, uri: str) -> None:
        """Remove a file or a whole folder; an absent one is fine."""
        path = self._path(uri)
        with _reachable(uri), suppress(FileNotFoundError, NotADirectoryError):
            # First: what is left of an interrupted deletion is no bundle any more (hmi.artifacts.store).
            self._files.rm_file(f"{path}/{MANIFEST_FILE}")
        with suppress(FileNotFoundError), _reachable(uri):
            if self._is_local and Path(path).is_dir():
                _remove_folder(Path(path))
            else:
                self._files.rm(path, recursive=True)
        with _reachable(uri):
            # S3 refuses single files of many, and its client says nothing of it.
            if not self._is_local and self._files.find(path):
                raise PermissionError(f"{uri} was not deleted")

    def names(self, uri: str) -> list[str]:
        """What is in the folder at ``uri``, by name, hidden files too; nothing where there is none."""
        found: list[str] = []
        with suppress(FileNotFoundError), _reachable(uri):
            found = self._files.ls(self._path(uri), detail=False)
        return sorted(name.rstrip("/").rpartition("/")[2] for name in found)

    def changed_at(self, uri: str) -> datetime | None:
        """When the file at ``uri``, or the newest in the folder, was written; None where there is none."""
        with _reachable(uri):
            files = self._files.find(self._path(uri))
            return max((self._files.modified(file) for file in files), default=None)

    def delete_beside(self, uri: str) -> None:
        """As delete, and with it what stands beside it under its name: a tree's tables, and their segment;
        hidden, what a killed process had published of one of them (hmi.artifacts.store)."""
        folder, _, name = uri.rpartition("/")
        for found in self.names(folder):
            if found == name or found.removeprefix(".").startswith(f"{name}."):
                self.delete(f"{folder}/{found}")

    def _path(self, uri: str) -> str:
        parts = uri.split("/")
        if any(part in ("", ".", "..") for part in parts) or "\\" in uri or "\0" in uri:
            raise ValueError(f"{uri!r} is not a place in the store")
        return f"{self._root}/{uri}"

    @contextmanager
    def _write_local(self, uri: str) -> Iterator[BinaryIO]:
        target = Path(self._path(uri))
        temporary = target.with_name(f"{TEMPORARY_PREFIX}{uuid.uuid4().hex}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
            _sync_folder(target.parent)
        except OSError as exc:
            raise StoreUnavailable(uri, exc) from exc
        finally:
            with suppress(OSError):  # gone after the rename; a folder that cannot be written has none
                temporary.unlink()

    @contextmanager
    def _write_remote(self, uri: str) -> Iterator[BinaryIO]:
        path = self._path(uri)
        try:
            self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
            file = self._files.open(path, "wb", autocommit=False)
            try:
                yield cast(BinaryIO, file)
                file.close()
            except BaseException:
                file.discard()
                raise
            file.commit()
        except _client_errors() as exc:
            raise StoreUnavailable(uri, exc) from exc


def _folder(url: str) -> tuple[LocalFileSystem, str]:
    """As the data plane reads it (hmi.artifacts.store.open_store): ``file:///my%20folder`` is "/my folder",
    where fsspec would take the escapes for letters."""
    return LocalFileSystem(), unquote(urlsplit(url).path)


def _remote(url: str) -> tuple[AbstractFileSystem, str]:
    """What others write and delete is seen at once: no listing is remembered."""
    files, root = fsspec.core.url_to_fs(url, use_listings_cache=False)
    return files, str(root)


@contextmanager
def _reachable(uri: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except _client_errors() as exc:
        raise StoreUnavailable(uri, exc) from exc


def _client_errors() -> tuple[type[Exception], ...]:
    """What says that a store does not answer: of S3's client most of it is no OSError."""
    try:
        from botocore.exceptions import BotoCoreError
        from s3fs.core import S3_RETRYABLE_ERRORS
    except ImportError:
        return (OSError,)
    return (OSError, BotoCoreError, *S3_RETRYABLE_ERRORS)


def _remove_folder(folder: Path) -> None:
    """All that goes of it; raises for what does not go."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        shutil.rmtree(folder)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
