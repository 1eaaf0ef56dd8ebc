"""Copies of remote bundles: within the budget whatever happens, and never taken from under a reader."""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from hmi.artifacts.bundle import read_manifest, verify_files
from hmi.artifacts.disk_cache import DiskCache
from hmi.base.errors import BudgetExceeded, BundleBroken
from hmi.memory.budget import Budget
from hmi.memory.tier import MemoryTier
from tests.hmi.artifacts.bundles import make_bundle
from wire.artifacts import MANIFEST_FILE, BundleManifest
from wire.ids import Digest

BUNDLE_BYTES = 5000  # with its manifest, about
WAIT_S = 10


class Remote:
    """Bundles of one size elsewhere, and how often each was fetched."""

    def __init__(self, folder: Path, num_bundles: int) -> None:
        self.folders: dict[Digest, Path] = {}
        for number in range(num_bundles):
            digest = make_bundle(folder / str(number), str(number).encode() * 900)
            self.folders[digest] = folder / str(number)
        self.fetched: list[Digest] = []

    @property
    def digests(self) -> list[Digest]:
        return list(self.folders)

    def hold(self, cache: DiskCache, digest: Digest, stack: ExitStack) -> Path:
        def fetch(folder: Path) -> None:
            self.fetched.append(digest)
            shutil.copytree(self.folders[digest], folder, dirs_exist_ok=True)

        return stack.enter_context(cache.hold(digest, lambda: read_manifest(self.folders[digest]), fetch))

    def read(self, cache: DiskCache, digest: Digest) -> bytes:
        with ExitStack() as stack:
            folder = self.hold(cache, digest, stack)
            return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    return Remote(tmp_path / "remote", 4)


def cache_of(tmp_path: Path, *, num_bundles: int) -> tuple[DiskCache, Budget]:
    budget = Budget(MemoryTier.DISK, num_bundles * BUNDLE_BYTES)
    return DiskCache(tmp_path / "cache", budget), budget


def test_a_bundle_is_fetched_once_and_found_again(tmp_path: Path, remote: Remote) -> None:
    cache, budget = cache_of(tmp_path, num_bundles=2)
    first = remote.digests[0]
    assert remote.read(cache, first) == remote.read(cache, first)
    assert remote.fetched == [first]
    assert 0 < budget.used_by_kind()["bundles"] <= budget.max_bytes


def test_the_least_recently_used_goes_when_room_is_needed(tmp_path: Path, remote: Remote) -> None:
    cache, budget = cache_of(tmp_path, num_bundles=2)
    a, b, c, _ = remote.digests
    for digest in (a, b, a, c, a, b):
        remote.read(cache, digest)
        cache.check_integrity()
        assert budget.used_bytes <= budget.max_bytes
    assert remote.fetched == [a, b, c, b]


def test_what_is_held_stays_and_the_next_is_refused_for_now(tmp_path: Path, remote: Remote) -> None:
    cache, _ = cache_of(tmp_path, num_bundles=1)
    with ExitStack() as stack:
        folder = remote.hold(cache, remote.digests[0], stack)
        with pytest.raises(BudgetExceeded, match="beside those that are being read") as refused:
            remote.read(cache, remote.digests[1])
        assert refused.value.retryable
        assert (folder / "manifest.json").is_file()
    remote.read(cache, remote.digests[1])
    assert not folder.exists()


def test_a_bundle_that_does_not_fit_costs_no_other_its_place(tmp_path: Path, remote: Remote) -> None:
    """Each request for it emptied the whole cache."""
    cache, _ = cache_of(tmp_path, num_bundles=2)
    a, b, _, _ = remote.digests
    large = make_bundle(tmp_path / "large", bytes(2 * BUNDLE_BYTES))
    remote.folders[large] = tmp_path / "large"
    with ExitStack() as stack:
        remote.hold(cache, a, stack)
        remote.read(cache, b)
        with pytest.raises(BudgetExceeded):
            remote.read(cache, large)
        remote.read(cache, b)
    assert remote.fetched == [a, b]


def test_a_broken_copy_is_not_kept_and_gives_its_room_back(tmp_path: Path, remote: Remote) -> None:
    cache, budget = cache_of(tmp_path, num_bundles=1)
    digest = remote.digests[0]
    (remote.folders[digest] / "a.bin").write_bytes(b"other")
    with pytest.raises(BundleBroken):
        remote.read(cache, digest)
    assert budget.used_bytes == 0
    cache.check_integrity()
    assert remote.read(cache, remote.digests[1])


def test_a_damaged_copy_goes_when_its_last_reader_has_ended(tmp_path: Path, remote: Remote) -> None:
    cache, budget = cache_of(tmp_path, num_bundles=1)
    digest = remote.digests[0]
    sound = remote.read(cache, digest)
    with ExitStack() as other:
        folder = remote.hold(cache, digest, other)
        (folder / "a.bin").write_bytes(b"other")
        with pytest.raises(BundleBroken), ExitStack() as stack:
            folder = remote.hold(cache, digest, stack)
            verify_files(folder, read_manifest(folder))
        assert folder.is_dir(), "somebody still reads it"
    assert not folder.exists() and budget.used_bytes == 0
    assert remote.read(cache, digest) == sound
    assert remote.fetched == [digest, digest]
    cache.check_integrity()


def test_what_an_earlier_process_left_is_used_as_far_as_the_budget_reaches(
    tmp_path: Path, remote: Remote
) -> None:
    cache, _ = cache_of(tmp_path, num_bundles=3)
    for digest in remote.digests[:3]:
        remote.read(cache, digest)
    (tmp_path / "cache" / ".half.part").mkdir()
    smaller, budget = cache_of(tmp_path, num_bundles=2)
    smaller.check_integrity()
    assert budget.used_bytes <= budget.max_bytes
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_threads_that_want_the_same_fetch_it_once(tmp_path: Path, remote: Remote) -> None:
    cache, _ = cache_of(tmp_path, num_bundles=2)
    together = threading.Barrier(4)

    def read(number: int) -> bytes:
        together.wait(60)
        return remote.read(cache, remote.digests[0])

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(read, range(4)))) == 1
    assert remote.fetched == [remote.digests[0]]


def test_only_what_is_named_and_its_parts_stay(tmp_path: Path, remote: Remote) -> None:
    cache, budget = cache_of(tmp_path, num_bundles=4)
    tree, part, gone, held = remote.digests
    for digest in remote.digests:
        remote.read(cache, digest)
    contents = {
        read_manifest(folder).files["a.bin"].sha256: digest for digest, folder in remote.folders.items()
    }

    def parts_of(manifest: BundleManifest) -> list[Digest]:
        return [part] if contents[manifest.files["a.bin"].sha256] == tree else []

    with ExitStack() as stack:
        folder = remote.hold(cache, held, stack)
        cache.retain([tree], parts_of)
        verify_files(folder, read_manifest(folder))  # it is held
        assert {path.name for path in (tmp_path / "cache").iterdir()} == {
            digest.removeprefix("sha256:") for digest in (tree, part, held)
        }
    assert not folder.exists()
    cache.check_integrity()
    assert budget.used_bytes <= 2 * BUNDLE_BYTES
    remote.fetched.clear()
    for digest in remote.digests:
        remote.read(cache, digest)
    assert remote.fetched == [gone, held]
    cache.retain([], parts_of)
    cache.check_integrity()
    assert budget.used_bytes == 0


def test_a_copy_whose_manifest_cannot_be_read_has_no_parts(tmp_path: Path, remote: Remote) -> None:
    cache, _ = cache_of(tmp_path, num_bundles=4)
    tree, part, *_ = remote.digests
    for digest in (tree, part):
        remote.read(cache, digest)
    (tmp_path / "cache" / tree.removeprefix("sha256:") / MANIFEST_FILE).unlink()
    cache.retain([tree], lambda _: [part])
    assert {path.name for path in (tmp_path / "cache").iterdir()} == {tree.removeprefix("sha256:")}


def test_while_copies_of_what_is_gone_are_deleted_others_are_held(tmp_path: Path, remote: Remote) -> None:
    """Of thousands it takes seconds: every load waited, and with them predictions."""
    cache, _ = cache_of(tmp_path, num_bundles=3)
    stays, gone, fetched, _ = remote.digests
    for digest in (stays, gone):
        remote.read(cache, digest)
    begun, goes_on = threading.Event(), threading.Event()

    class SlowDisk(DiskCache):
        def _remove(self, name: str) -> None:
            begun.set()
            assert goes_on.wait(WAIT_S)
            super()._remove(name)

    slow = SlowDisk(tmp_path / "cache", Budget(MemoryTier.DISK, 2 * BUNDLE_BYTES))
    with ThreadPoolExecutor(3) as threads:
        dropping = threads.submit(slow.retain, [stays], lambda _: [])
        assert begun.wait(WAIT_S)
        assert threads.submit(remote.read, slow, stays).result(WAIT_S)
        again = threads.submit(remote.read, slow, gone)
        room = threads.submit(remote.read, slow, fetched)
        assert not (again.done() or room.done() or dropping.done())
        goes_on.set()
        dropping.result(WAIT_S)
        assert again.result(WAIT_S) and room.result(WAIT_S), (
            "they waited for the copy to go, and for its room"
        )
    slow.check_integrity()


def test_a_copy_that_cannot_be_deleted_keeps_nobody_waiting(tmp_path: Path, remote: Remote) -> None:
    cache, _ = cache_of(tmp_path, num_bundles=2)
    digest = remote.digests[0]
    expected = remote.read(cache, digest)
    manifest = tmp_path / "cache" / digest.removeprefix("sha256:") / MANIFEST_FILE
    manifest.unlink()
    manifest.mkdir()  # as a disk that refuses: no file of this name can be deleted
    with ThreadPoolExecutor(1) as threads:
        threads.submit(cache.retain, [], lambda _: []).result(WAIT_S)
        assert threads.submit(remote.read, cache, digest).result(WAIT_S) == expected
    cache.check_integrity()


def test_parts_of_what_is_named_stay_when_its_own_copy_has_made_room(tmp_path: Path, remote: Remote) -> None:
    """A tree is small, read once and held in memory: it goes first, and its tables must not follow."""
    cache, _ = cache_of(tmp_path, num_bundles=2)
    tree, part, other, _ = remote.digests
    named = [tree, other]

    def parts_of(manifest: BundleManifest) -> list[Digest]:
        return [part] if manifest == read_manifest(remote.folders[tree]) else []

    for digest in (tree, part):
        remote.read(cache, digest)
    cache.retain(named, parts_of)
    remote.read(cache, other)
    assert not (tmp_path / "cache" / tree.removeprefix("sha256:")).exists(), "it made room"
    cache.retain(named, parts_of)
    assert (tmp_path / "cache" / part.removeprefix("sha256:")).exists()
    cache.retain([other], parts_of)
    assert not (tmp_path / "cache" / part.removeprefix("sha256:")).exists()
