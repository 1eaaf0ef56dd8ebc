"""Both stores publish whole bundles or nothing, and hand out only the one that was asked for."""

import os
import shutil
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest
from s3fs import S3FileSystem

from hmi.artifacts.bundle import Bundle, open_bundle
from hmi.artifacts.store import UNUSED_S, FolderStore, RemoteStore, Store, open_store
from hmi.base.errors import (
    AlreadyExists,
    BundleBroken,
    BundleMismatch,
    CannotWrite,
    InvalidInput,
    NotFound,
    StoreUnavailable,
)
from hmi.memory.budget import Budget
from hmi.memory.tier import MemoryTier
from tests.fakes.full_disk import full_disk
from tests.fakes.scripted_server import scripted
from tests.hmi.artifacts.bundles import make_bundle
from wire.artifacts import MANIFEST_FILE, BundleKind, PlotTreeFields
from wire.ids import BundleUri, Digest

URI = BundleUri("trees/one")


def folder_store(tmp_path: Path) -> Store:
    return open_store(f"file://{tmp_path / 'store'}", None)


def remote_store(tmp_path: Path) -> Store:
    return open_store(f"memory://{uuid.uuid4().hex}", tmp_path / "cache")


def opened(folder: Path, digest: Digest) -> Bundle[PlotTreeFields]:
    return open_bundle(folder, kind=BundleKind.PLOT_TREE, fields_type=PlotTreeFields, digest=digest)


def reword_manifest(folder: Path) -> None:
    """One that can be read, of another bundle."""
    manifest = folder / MANIFEST_FILE
    text = manifest.read_text()
    assert "b" * 64 in text
    manifest.write_text(text.replace("b" * 64, "c" + "b" * 63))


DAMAGES: list[Callable[[Path], object]] = [
    lambda folder: (folder / "a.bin").write_bytes(b"CONTENT"),
    lambda folder: (folder / "deep" / "b.bin").unlink(),
    lambda folder: (folder / MANIFEST_FILE).write_bytes(b"{"),
    reword_manifest,
]

both = pytest.mark.parametrize("make_store", [folder_store, remote_store])
MakeStore = Callable[[Path], Store]


@both
def test_a_published_bundle_is_found_and_opens(tmp_path: Path, make_store: MakeStore) -> None:
    store, digest = make_store(tmp_path), make_bundle(tmp_path / "b")
    assert not store.exists(URI)
    assert store.digest(URI) is None
    store.publish(tmp_path / "b", URI)
    assert store.exists(URI)
    assert store.digest(URI) == digest
    for _ in range(2):  # the second time perhaps from a cache
        folder = store.localize(URI, digest)
        open_bundle(folder, kind=BundleKind.PLOT_TREE, fields_type=PlotTreeFields, digest=digest)


@both
def test_the_same_may_be_published_twice_but_nothing_else_in_its_place(
    tmp_path: Path, make_store: MakeStore
) -> None:
    store, digest = make_store(tmp_path), make_bundle(tmp_path / "b")
    make_bundle(tmp_path / "other", b"other")
    store.publish(tmp_path / "b", URI)
    store.publish(tmp_path / "b", URI)
    with pytest.raises(AlreadyExists, match="another bundle stands at trees/one"):
        store.publish(tmp_path / "other", URI)
    assert store.digest(URI) == digest


@both
def test_what_is_not_there_or_another_one_is_refused(tmp_path: Path, make_store: MakeStore) -> None:
    store, digest = make_store(tmp_path), make_bundle(tmp_path / "b")
    with pytest.raises(NotFound, match="no bundle at trees/one"):
        store.localize(URI, digest)
    store.publish(tmp_path / "b", URI)
    with pytest.raises(BundleMismatch):
        store.localize(URI, Digest("sha256:" + "0" * 64))
    with pytest.raises(NotFound), store.open_file(BundleUri("trees/one/nothing")):
        pass


@both
def test_a_deleted_bundle_is_gone_and_deleting_again_does_nothing(
    tmp_path: Path, make_store: MakeStore
) -> None:
    store = make_store(tmp_path)
    make_bundle(tmp_path / "b")
    store.publish(tmp_path / "b", URI)
    for _ in range(2):
        store.delete(URI)
        assert not store.exists(URI)
        assert store.digest(URI) is None


@both
def test_small_files_are_kept_read_replaced_and_deleted(tmp_path: Path, make_store: MakeStore) -> None:
    store, place = make_store(tmp_path), BundleUri("trees/one.json")
    for content in (b"first", b"2"):
        store.put_file(place, content)
        with store.open_file(place) as file:
            assert file.read() == content
        assert store.exists(place)
    store.delete(place)
    assert not store.exists(place)


@both
@pytest.mark.parametrize("uri", ["", ".", "/etc/passwd", "../up", "a/../../b", "a\\b"])
def test_a_place_outside_of_the_store_is_refused(tmp_path: Path, make_store: MakeStore, uri: str) -> None:
    store = make_store(tmp_path)
    with pytest.raises(InvalidInput, match="not a place in the store"):
        store.exists(BundleUri(uri))


@both
def test_a_folder_without_a_manifest_is_not_published(tmp_path: Path, make_store: MakeStore) -> None:
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "a.bin").write_bytes(b"x")
    store = make_store(tmp_path)
    with pytest.raises(BundleBroken, match="no manifest"):
        store.publish(tmp_path / "half", URI)
    assert not store.exists(URI)


def test_nothing_half_written_stays_when_the_copy_fails(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    make_bundle(tmp_path / "b")
    (tmp_path / "store" / "trees").write_bytes(b"a file where a folder is needed")
    with pytest.raises(
        StoreUnavailable, match=r"trees/one is not published: .*HMI_STORE_URL.*the same again"
    ):
        store.publish(tmp_path / "b", URI)
    assert [path.name for path in (tmp_path / "store").iterdir()] == ["trees"]


def test_a_full_disk_under_the_store_and_under_the_copies_is_told_with_what_to_set(tmp_path: Path) -> None:
    digest = make_bundle(tmp_path / "b", bytes(9000))
    remote = remote_store(tmp_path)
    remote.publish(tmp_path / "b", URI)
    store = FolderStore(tmp_path / "store")
    with full_disk():
        with pytest.raises(StoreUnavailable, match=r"no room left in .*/store .* are free.*HMI_STORE_URL"):
            store.publish(tmp_path / "b", URI)
        with pytest.raises(StoreUnavailable, match=r"no room left in .*/cache .* are free.*HMI_CACHE_DIR"):
            remote.localize(URI, digest)
    assert store.digest(URI) is None
    remote.localize(URI, digest)


def test_a_job_keeps_no_copy_of_what_was_deleted_or_is_asked_for_no_more(tmp_path: Path) -> None:
    url, cache = f"memory://{uuid.uuid4().hex}", tmp_path / "cache"
    store = open_store(url, cache)
    uris = [BundleUri(f"segments/{name}") for name in ("gone", "unused", "used")]
    digests = [make_bundle(tmp_path / uri, uri.encode()) for uri in uris]
    for uri, digest in zip(uris, digests, strict=True):
        store.publish(tmp_path / uri, uri)
        store.localize(uri, digest)
    half_fetched = cache / ".half.part"
    half_fetched.mkdir()
    week_ago = time.time() - UNUSED_S - 1
    for path in (half_fetched, *cache.glob("*.uri")):
        os.utime(path, (week_ago, week_ago))
    for number in (0, 2):
        open_store(url, tmp_path / "other").localize(uris[number], digests[number])
        assert store.localize(uris[number], digests[number]).is_dir()  # asked for again
    store.delete(uris[0])
    open_store(url, cache)
    kept = digests[2].removeprefix("sha256:")
    assert sorted(path.name for path in cache.iterdir()) == [kept, f"{kept}.uri"]
    open_bundle(
        open_store(url, cache).localize(uris[2], digests[2]),
        kind=BundleKind.PLOT_TREE,
        fields_type=PlotTreeFields,
        digest=digests[2],
    )


@pytest.mark.parametrize("written", [b"", b"segments/\xc3", b"segments/one", b"segments/broken\nsha256:0"])
def test_what_a_full_disk_left_of_a_note_ends_no_job(tmp_path: Path, written: bytes) -> None:
    url, cache = f"memory://{uuid.uuid4().hex}", tmp_path / "cache"
    store, digest = open_store(url, cache), make_bundle(tmp_path / "b")
    store.publish(tmp_path / "b", URI)
    store.put_file(BundleUri(f"segments/broken/{MANIFEST_FILE}"), b"{}")
    store.localize(URI, digest)
    (cache / f"{digest.removeprefix('sha256:')}.uri").write_bytes(written)
    store = open_store(url, cache)
    assert list(cache.iterdir()) == []
    assert store.localize(URI, digest).is_dir()


def test_a_note_takes_the_place_of_an_older_one_whole(tmp_path: Path) -> None:
    """So that nobody finds half of it, whatever ends the process that writes it."""
    cache = tmp_path / "cache"
    store, digest = open_store(f"memory://{uuid.uuid4().hex}", cache), make_bundle(tmp_path / "b")
    store.publish(tmp_path / "b", URI)
    copy = store.localize(URI, digest)
    note, as_it_was = cache / f"{copy.name}.uri", tmp_path / "as it was"
    assert note.read_text() == f"{URI}\n{digest}"
    note.write_text("another")
    os.link(note, as_it_was)
    shutil.rmtree(copy)
    store.localize(URI, digest)
    assert (note.read_text(), as_it_was.read_text()) == (f"{URI}\n{digest}", "another")
    assert sorted(cache.iterdir()) == [copy, note]


def test_a_remote_bundle_without_its_manifest_is_not_there(tmp_path: Path) -> None:
    filesystem = fsspec.filesystem("memory")
    root = f"/{uuid.uuid4().hex}"
    store = RemoteStore(filesystem, root, tmp_path / "cache")
    filesystem.pipe_file(f"{root}/{URI}/a.bin", b"half of an upload")
    assert not store.exists(URI)
    assert store.digest(URI) is None


def test_a_remote_bundle_that_was_changed_is_not_taken_into_the_cache(tmp_path: Path) -> None:
    filesystem = fsspec.filesystem("memory")
    root = f"/{uuid.uuid4().hex}"
    store = RemoteStore(filesystem, root, tmp_path / "cache")
    digest = make_bundle(tmp_path / "b")
    store.publish(tmp_path / "b", URI)
    filesystem.pipe_file(f"{root}/{URI}/a.bin", b"CONTENT")
    with pytest.raises(BundleBroken, match="has changed"):
        store.localize(URI, digest)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_jobs_copy_that_the_disk_has_damaged_is_fetched_once_more(tmp_path: Path) -> None:
    url, cache = f"memory://{uuid.uuid4().hex}", tmp_path / "cache"
    store, digest = open_store(url, cache), make_bundle(tmp_path / "b")
    store.publish(tmp_path / "b", URI)
    for damage in DAMAGES:
        damage(store.localize(URI, digest))
        store = open_store(url, cache)  # as the next job does
        opened(store.localize(URI, digest), digest)
        assert len(list(cache.iterdir())) == 2, "the copy and its note"
    store.put_file(BundleUri(f"{URI}/a.bin"), b"CONTENT")
    DAMAGES[0](store.localize(URI, digest))
    with pytest.raises(BundleBroken, match="has changed"):  # in the store itself
        open_store(url, cache).localize(URI, digest)


def test_a_copy_that_the_disk_has_damaged_under_a_service_is_fetched_once_more(tmp_path: Path) -> None:
    budget = Budget(MemoryTier.DISK, 10_000)
    store = open_store(f"memory://{uuid.uuid4().hex}", tmp_path / "cache", budget)
    digest = make_bundle(tmp_path / "b")
    store.publish(tmp_path / "b", URI)
    with store.hold(URI, digest) as folder:
        used_bytes = budget.used_bytes
    for damage in DAMAGES:
        damage(folder)
        assert store.read(URI, digest, lambda folder: opened(folder, digest)).path == folder
        assert budget.used_bytes == used_bytes
    store.put_file(BundleUri(f"{URI}/a.bin"), b"CONTENT")
    DAMAGES[0](folder)
    with pytest.raises(BundleBroken, match="has changed"):  # in the store itself
        store.read(URI, digest, lambda folder: opened(folder, digest))
    assert budget.used_bytes == 0


def test_an_unreachable_store_says_that_trying_again_can_help(tmp_path: Path) -> None:
    class Unreachable:
        def cat_file(self, path: str) -> bytes:
            raise OSError("connection refused")

    store = RemoteStore(Unreachable(), "/bucket", tmp_path)
    with pytest.raises(StoreUnavailable, match="does not answer") as caught:
        store.digest(URI)
    assert caught.value.retryable


def test_s3_that_cannot_be_reached_is_told_from_an_s3_without_the_bundle(tmp_path: Path) -> None:
    client = {"retries": {"max_attempts": 0}}
    s3 = S3FileSystem(endpoint_url="http://127.0.0.1:1", key="k", secret="s", config_kwargs=client)
    store, digest = RemoteStore(s3, "bucket/prefix", tmp_path / "cache"), make_bundle(tmp_path / "b")
    asked: list[Callable[[], object]] = [
        lambda: store.digest(URI),
        lambda: store.exists(URI),
        lambda: store.localize(URI, digest),
        lambda: store.publish(tmp_path / "b", URI),
        lambda: store.delete(URI),
    ]
    for ask in asked:
        with pytest.raises(StoreUnavailable, match=r"does not answer for trees/one: \w+$") as caught:
            ask()
        assert caught.value.retryable


def test_a_bucket_that_does_not_exist_is_told_with_what_to_set(tmp_path: Path) -> None:
    make_bundle(tmp_path / "b")
    no_bucket = (
        "<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message></Error>"
    )
    with scripted() as server:
        s3 = S3FileSystem(endpoint_url=server.url, key="k", secret="s", skip_instance_cache=True)
        store = RemoteStore(s3, "misspelt/prefix", tmp_path / "cache")
        writes: list[Callable[[], None]] = [
            lambda: store.publish(tmp_path / "b", URI),
            lambda: store.put_file(URI, b"x"),
        ]
        for write in writes:
            server.answers = [(404, {"Content-Type": "application/xml"}, no_bucket)] * 9
            with pytest.raises(
                CannotWrite, match=r"no bucket 'misspelt'; create it, .* HMI_STORE_URL"
            ) as told:
                write()
            assert "misspelt" not in told.value.told, "the operator's alone"
    assert ("PUT", "/misspelt/prefix/trees/one") in {(method, path) for method, path, _ in server.asked}


@pytest.mark.parametrize("url", ["/no/scheme", "file://host/x", "file:relative", "nonsense://x"])
def test_a_store_url_that_cannot_be_used_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(InvalidInput, match="store URL"):
        open_store(url, tmp_path)


def test_a_remote_store_needs_a_cache_folder() -> None:
    with pytest.raises(InvalidInput, match="needs a cache folder"):
        open_store("memory://x", None)


def test_a_manifest_is_what_makes_a_bundle(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    make_bundle(tmp_path / "b")
    store.publish(tmp_path / "b", URI)
    (tmp_path / "store" / URI / MANIFEST_FILE).unlink()
    assert not store.exists(URI)


@pytest.mark.parametrize("others", [[], ["notes.txt"], ["two/manifest.json"]])
def test_a_bundle_takes_the_place_of_what_is_left_of_it_and_of_nothing_else(
    tmp_path: Path, others: list[str]
) -> None:
    store = FolderStore(tmp_path / "store")
    digest = make_bundle(tmp_path / "b")
    store.publish(tmp_path / "b", URI)
    place = tmp_path / "store" / URI
    (place / MANIFEST_FILE).unlink()
    for name in others:
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_bytes(b"x")
    if others:
        with pytest.raises(StoreUnavailable):
            store.publish(tmp_path / "b", URI)
        assert (place / others[0]).read_bytes() == b"x"
    else:
        store.publish(tmp_path / "b", URI)
        assert store.digest(URI) == digest


def test_what_a_service_holds_of_a_remote_store_stays_within_the_budget(tmp_path: Path) -> None:
    budget = Budget(MemoryTier.DISK, 6000)
    store = open_store(f"memory://{uuid.uuid4().hex}", tmp_path / "cache", budget)
    digests = {}
    for name in ("one", "two"):
        digests[name] = make_bundle(tmp_path / name, name.encode())
        store.publish(tmp_path / name, BundleUri(name))
    for name in ("one", "two", "one"):
        with store.hold(BundleUri(name), digests[name]) as folder:
            open_bundle(folder, kind=BundleKind.PLOT_TREE, fields_type=PlotTreeFields, digest=digests[name])
        assert budget.used_by_kind()["bundles"] <= budget.max_bytes
    with pytest.raises(NotFound), store.hold(BundleUri("absent"), Digest("sha256:" + "0" * 64)):
        pass
