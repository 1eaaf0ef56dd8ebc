"""The object store: whole files or none, and no way out of it."""

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from portal.common.store import ObjectStore, StoreUnavailable


@pytest.fixture(params=["file", "dir::file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """A folder of this machine, and one seen through a file system that is not the local one."""
    (tmp_path / "store").mkdir()
    return ObjectStore(f"{request.param}://{tmp_path}/store")


def test_what_is_written_can_be_read(store: ObjectStore) -> None:
    with store.write("a/b/c.txt") as file:
        file.write(b"one ")
        file.write(b"two")
    with store.open("a/b/c.txt") as file:
        assert file.read() == b"one two"
    assert store.exists("a/b/c.txt")
    assert store.exists("a/b")


def test_a_file_is_not_there_before_the_block_ends(store: ObjectStore) -> None:
    with store.write("a/new") as file:
        file.write(b"x" * 100_000)
        assert not store.exists("a/new")
    assert store.exists("a/new")


def test_a_block_that_raises_leaves_what_was_there(store: ObjectStore) -> None:
    with store.write("a/file") as file:
        file.write(b"old")
    with pytest.raises(RuntimeError), store.write("a/file") as file:
        file.write(b"new")
        raise RuntimeError
    with store.open("a/file") as file:
        assert file.read() == b"old"


def test_a_block_that_raises_leaves_no_temporary_file(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), ObjectStore(f"file://{tmp_path}").write("a/file") as file:
        file.write(b"new")
        raise RuntimeError
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_files_and_folders_are_deleted_and_absent_ones_are_fine(store: ObjectStore) -> None:
    for name in ("a/one", "a/two", "b"):
        with store.write(name) as file:
            file.write(b"x")
    for uri in ("a", "b", "nothing/here"):
        store.delete(uri)
        assert not store.exists(uri)


def test_a_folder_was_changed_when_its_newest_file_was(store: ObjectStore) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)  # clocks of file systems lag
    for name in ("a/one", "a/deep/two"):
        with store.write(name) as file:
            file.write(b"x")
    changed_at = store.changed_at("a")
    assert changed_at is not None and before <= changed_at <= datetime.now(UTC)
    assert changed_at == store.changed_at("a/deep/two")
    assert store.changed_at("nothing") is None


def test_an_absent_file_cannot_be_opened(store: ObjectStore) -> None:
    with pytest.raises(FileNotFoundError):
        store.open("nothing")


@pytest.mark.parametrize("uri", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/.", "a\\b", "a\0b"])
def test_no_uri_leads_out_of_the_store(store: ObjectStore, uri: str) -> None:
    with pytest.raises(ValueError, match="not a place"):
        store.exists(uri)


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreUnavailable), ObjectStore(f"file://{tmp_path}").write("file/below") as file:
        file.write(b"x")


@pytest.mark.parametrize("name", ["my files", "größer", "100%", "a#b?c", "a::b"])
def test_a_folder_of_any_name_is_the_one_that_its_url_means(tmp_path: Path, name: str) -> None:
    with ObjectStore((tmp_path / name).as_uri()).write("a/file") as file:
        file.write(b"x")
    assert (tmp_path / name / "a" / "file").read_bytes() == b"x"


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """In S3, at a port where nobody listens."""
    client = {"retries": {"max_attempts": 0}}
    options = {"endpoint_url": "http://127.0.0.1:1", "key": "k", "secret": "s", "config_kwargs": client}
    monkeypatch.setitem(fsspec.config.conf, "s3", options)
    return ObjectStore("s3://bucket")


def test_s3_that_cannot_be_reached_says_so(unreachable: ObjectStore) -> None:
    def write() -> None:
        with unreachable.write("a/file") as file:
            file.write(b"x")

    asked: list[Callable[[], object]] = [
        write,
        lambda: unreachable.open("a/file"),
        lambda: unreachable.exists("a/file"),
        lambda: unreachable.names("a"),
        lambda: unreachable.delete("a/file"),
    ]
    for ask in asked:
        with pytest.raises(StoreUnavailable, match="cannot be used"):
            ask()


class _Keeping(DirFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Deletes nothing and says nothing, as s3fs where S3 refuses the files one by one."""

    protocol = "keeping"

    def rm(self, path: str, **_options: object) -> None: ...


def test_what_was_not_deleted_is_not_taken_for_deleted(tmp_path: Path) -> None:
    fsspec.register_implementation("keeping", _Keeping, clobber=True)
    store = ObjectStore(f"keeping::file://{tmp_path}")
    with store.write("a/file") as file:
        file.write(b"x")
    for uri in ("a/file", "a"):
        with pytest.raises(StoreUnavailable):
            store.delete(uri)
    store.delete("b")


def _cut_off(*_places: object, **_options: object) -> None:
    raise OSError("cut off")


class _CutOff(DirFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Deletes single files, and fails at folders."""

    protocol = "cut-off"
    rm = _cut_off


def test_what_is_left_of_a_bundle_whose_deletion_was_cut_off_has_no_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the same bundle, made again, would be taken for published already."""
    fsspec.register_implementation("cut-off", _CutOff, clobber=True)
    monkeypatch.setattr(shutil, "rmtree", _cut_off)
    monkeypatch.chdir(tmp_path)  # in a folder of its name there
    for url in (f"file://{tmp_path}", f"cut-off::file://{tmp_path}"):
        store = ObjectStore(url)
        for name in ("manifest.json", "rows.bin"):
            with store.write(f"trees/one/{name}") as file:
                file.write(b"x")
        with pytest.raises(StoreUnavailable):
            store.delete("trees/one")
        assert store.names("trees/one") == ["rows.bin"]


class _Remembering(MemoryFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Answers by the listings that it remembers, as s3fs; all instances have the same files."""

    protocol = "remembering"
    cachable = False
    store: ClassVar[dict[str, object]] = {}

    def ls(self, path: str, detail: bool = True, **_options: object) -> list[Any]:
        found = self._ls_from_cache(path) or super().ls(path, detail=True)
        self.dircache[path] = found
        return found if detail else [one["name"] for one in found]

    def info(self, path: str, **_options: object) -> Any:
        found = self._ls_from_cache(path)
        return found[0] if found else super().info(path)

    def exists(self, path: str, **_options: object) -> bool:
        try:
            return bool(self.info(path))
        except FileNotFoundError:
            return False


def test_what_another_process_writes_is_seen_at_once() -> None:
    fsspec.register_implementation("remembering", _Remembering, clobber=True)
    store, anothers = (ObjectStore("remembering://bucket/folder") for _ in range(2))
    for name in ("one", "two"):
        with anothers.write(f"a/{name}") as file:
            file.write(b"x")
        assert store.exists(f"a/{name}")
        assert name in store.names("a")


def test_what_cannot_be_deleted_keeps_nothing_else_of_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ObjectStore(f"file://{tmp_path}")
    for name in "abc":
        with store.write(f"folder/{name}") as file:
            file.write(b"x")
    unlink = os.unlink

    def refuse(path: str, **options: Any) -> None:  # as an immutable file does, even to root
        if Path(path).name == "b":
            raise PermissionError(f"{path} is immutable")
        unlink(path, **options)

    monkeypatch.setattr(os, "unlink", refuse)
    with pytest.raises(StoreUnavailable):
        store.delete("folder")
    assert store.names("folder") == ["b"]
    monkeypatch.undo()
    store.delete("folder")
    assert not store.exists("folder")
