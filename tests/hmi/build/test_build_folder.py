"""A build or an update that is killed, runs out of disk or has company ends as it would have ended, or says
what to do."""

import os
import resource
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from hmi.artifacts.store import FolderStore
from hmi.base.errors import HmiError, StoreUnavailable
from hmi.build.build_folder import build_folder
from hmi.build.plot_builder import build_domain, publish_segment, publish_segment_beside
from hmi.build.shared_node import Contributed, shared_node
from hmi.plot.counting import Work
from hmi.plot.estimate import build_table
from hmi.plot.merge import merge_segments
from hmi.plot.ngram import Documents
from hmi.plot.node_budget import NodeBudget
from hmi.plot.segment import Segment, build_segment, open_segment
from hmi.plot.table import write_table_bundle
from hmi.plot.tree import open_tree, write_tree
from wire.artifacts import BundleRef, TreeNode
from wire.errors import ErrorCode
from wire.ids import BundleUri, DatasetId, Digest, TenantId

BACKBONE = Digest("sha256:" + "b" * 64)
HIDDEN, VOCAB = 8, 12
ROOT, DOMAIN = BundleUri("trees/general"), BundleUri("trees/sport")
TENANTS = {"a": 1, "b": 1, "c": 1, "d": 2}
"""Whose text is which; three share theirs, so that its n-grams enter a shared node."""
NO_ROOM = 3
CHANGES = {
    "os.rename",
    "os.mkdir",
    "os.remove",
    "os.rmdir",
    "os.truncate",
    "shutil.rmtree",
    "shutil.copytree",
}


def batches(seed: int = 1) -> list[Documents]:
    random = np.random.default_rng(seed)
    return [
        Documents.pack([random.integers(0, VOCAB, 9).astype(np.int32) for _ in range(4)]) for _ in range(6)
    ]


def states(documents: Documents) -> np.ndarray:
    """A function of the tokens, as the lower layers are."""
    place = np.arange(documents.num_tokens) % 9
    return np.sin(documents.token_ids[:, None] + place[:, None] * 0.1 + np.arange(HIDDEN)).astype(np.float32)


def segment_of(
    name: str, seed: int, work: Work | None = None, forward: Callable[[Documents], np.ndarray] = states
) -> Segment:
    return build_segment(
        batches(seed),
        forward,
        backbone=BACKBONE,
        dataset_id=DatasetId(name),
        hidden=HIDDEN,
        document_hashes=np.arange(24, dtype=np.uint64) + np.uint64(100 * seed),
        work=work,
    )


def put_root(folder: Path) -> None:
    """A store that has a root, with isolated rows alone."""
    store = FolderStore(folder / "store")
    isolated = np.cos(np.arange(VOCAB * HIDDEN, dtype=np.float32)).reshape(VOCAB, HIDDEN)
    table = build_table(merge_segments([]), backbone=BACKBONE, hidden=HIDDEN, parents=(), isolated=isolated)
    digest = write_table_bundle(table, folder / "root", isolated=isolated)
    store.publish(folder / "root", BundleUri("trees/general.table"))
    write_tree(folder / "tree", BACKBONE, [TreeNode("general", BundleUri("trees/general.table"), digest)])
    store.publish(folder / "tree", ROOT)


def build_sport(folder: Path, work_name: str = "work") -> Digest:
    """All of a build but the backbone: two segments, merged, a table under a budget, a tree, published."""
    store = FolderStore(folder / "store")
    root_digest = store.digest(ROOT)
    assert root_digest is not None
    parent = open_tree(store, ROOT, root_digest, backbone=BACKBONE)
    with build_folder(folder / work_name, max_bytes=8000) as work:
        work = Work(work.folder, work.max_bytes, keep_tokens=80)
        segments = []
        for seed in (1, 2):
            part = Work(work.folder / f"part-{seed}", work.max_bytes, work.keep_tokens)
            part.folder.mkdir(exist_ok=True)
            own = publish_segment_beside(store, segment_of(f"d{seed}", seed, part), DOMAIN, work=work)
            opened = open_segment(store.localize(own.uri, own.digest), own.digest, backbone=BACKBONE)
            segments.append((BundleRef(own.uri, own.digest), opened))
        budget = NodeBudget(12_000)
        return build_domain(
            store, parent, segments, name="sport", tree_uri=DOMAIN, budget=budget, work=work
        ).tree.digest


def put_segments(folder: Path) -> None:
    """What four tenants contributed, in the store: two of them have the same text."""
    store = FolderStore(folder / "store")
    for tenant, seed in TENANTS.items():
        publish_segment(store, segment_of(f"{tenant}-data", seed), BundleUri(f"segments/{tenant}"))


def update_shared(folder: Path) -> Digest:
    """What an update changes in the store: the tenants' segments merged, the sum and the tree published."""
    store = FolderStore(folder / "store")
    parent = open_tree(store, ROOT, digest_at(store, ROOT), backbone=BACKBONE)
    contributed = []
    for tenant in TENANTS:
        uri = BundleUri(f"segments/{tenant}")
        found = digest_at(store, uri)
        opened = open_segment(store.localize(uri, found), found, backbone=BACKBONE)
        contributed.append(Contributed(TenantId(tenant), opened))
    node = shared_node(
        contributed, dataset_id=DatasetId("sum"), backbone=BACKBONE, hidden=HIDDEN, min_tenants=3
    )
    own = publish_segment_beside(store, node.segment, DOMAIN)
    ref = BundleRef(own.uri, own.digest)
    return build_domain(store, parent, [(ref, node.segment)], name="sport", tree_uri=DOMAIN).tree.digest


def digest_at(store: FolderStore, uri: BundleUri) -> Digest:
    found = store.digest(uri)
    assert found is not None
    return found


def in_child(work: Callable[[], object]) -> int:
    """Exit status of ``work`` in a process of its own; negative: the signal that ended it."""
    return ended(start(work))


def start(work: Callable[[], object]) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # other threads: the child uses none of their locks
        child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except StoreUnavailable as exc:
            status = NO_ROOM if "room" in exc.message or "cannot write" in exc.message else 1
        finally:
            os._exit(status)
    return child


def ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def die_at(step: int, folder: Path) -> None:
    """End this process, as kill -9 does, before it changes the folder for the ``step``-th time."""
    passed = 0

    def hook(event: str, args: tuple[object, ...]) -> None:
        nonlocal passed
        writes = event == "open" and isinstance(args[1], str) and args[1][:1] in {"w", "a", "x"}
        if not (writes or event in CHANGES) or str(folder) not in str(args[0]):
            return
        if passed == step:
            os.kill(os.getpid(), signal.SIGKILL)
        passed += 1

    sys.addaudithook(hook)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Digest:
    """What an undisturbed build gives."""
    folder = tmp_path_factory.mktemp("calm")
    put_root(folder)
    return build_sport(folder)


@pytest.fixture(scope="module")
def updated(tmp_path_factory: pytest.TempPathFactory) -> Digest:
    """What an undisturbed update gives."""
    folder = tmp_path_factory.mktemp("calm-update")
    put_root(folder)
    put_segments(folder)
    return update_shared(folder)


@pytest.fixture
def quick_folder(tmp_path: Path) -> Iterator[Path]:
    """In memory where the system has such a place: flushing to a disk takes nine tenths of the time."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


@pytest.mark.slow
@pytest.mark.stress
def test_a_build_killed_at_any_change_of_the_disk_ends_as_it_would_have(
    quick_folder: Path, expected: Digest
) -> None:
    step = 0
    while True:
        folder = quick_folder / str(step)
        folder.mkdir()
        put_root(folder)

        def killed(folder: Path = folder, step: int = step) -> None:
            die_at(step, folder)
            build_sport(folder)

        status = in_child(killed)
        store = FolderStore(folder / "store")
        assert store.digest(DOMAIN) in {None, expected}
        if status == 0:
            break
        assert status == -signal.SIGKILL
        assert build_sport(folder) == expected
        open_tree(store, DOMAIN, expected, backbone=BACKBONE)
        assert not (folder / "work").exists()
        step += 1
    assert step > 40  # runs, states, rows, notes, segments, tables, trees: each several times


@pytest.mark.slow
@pytest.mark.stress
def test_an_update_killed_at_any_change_of_the_store_ends_as_it_would_have(
    quick_folder: Path, updated: Digest
) -> None:
    step = 0
    while True:
        folder = quick_folder / str(step)
        folder.mkdir()
        put_root(folder)
        put_segments(folder)
        store = FolderStore(folder / "store")
        contributed = {tenant: digest_at(store, BundleUri(f"segments/{tenant}")) for tenant in TENANTS}

        def killed(folder: Path = folder, step: int = step) -> None:
            tempfile.tempdir = str(folder)  # what it leaves goes with the folder
            die_at(step, folder / "store")
            update_shared(folder)

        status = in_child(killed)
        assert store.digest(DOMAIN) in {None, updated}
        for tenant, digest in contributed.items():  # never a lost segment
            open_segment(store.localize(BundleUri(f"segments/{tenant}"), digest), digest)
        if status == 0:
            break
        assert status == -signal.SIGKILL
        assert update_shared(folder) == updated
        open_tree(store, DOMAIN, updated, backbone=BACKBONE)
        step += 1
    assert step >= 9  # three bundles: each one's folder, files and renaming


@pytest.mark.parametrize("limit", [0, 60, 500, 1500])
def test_a_disk_that_is_full_during_an_update_publishes_nothing(
    tmp_path: Path, updated: Digest, limit: int
) -> None:
    put_root(tmp_path)
    put_segments(tmp_path)

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        try:
            update_shared(tmp_path)
        except OSError as exc:  # as `domain update` tells it
            raise StoreUnavailable(f"no room: {exc}") from exc

    assert in_child(bounded) == NO_ROOM
    assert FolderStore(tmp_path / "store").digest(DOMAIN) is None
    assert update_shared(tmp_path) == updated


def test_two_updates_at_once_agree(tmp_path: Path, updated: Digest) -> None:
    put_root(tmp_path)
    put_segments(tmp_path)
    children = [start(lambda: update_shared(tmp_path)) for _ in range(3)]
    assert [ended(child) for child in children] == [0, 0, 0]
    assert FolderStore(tmp_path / "store").digest(DOMAIN) == updated


@pytest.mark.parametrize("limit", [0, 60, 500, 1500, 3000, 6000])
def test_a_full_disk_is_told_and_what_was_there_stays(tmp_path: Path, expected: Digest, limit: int) -> None:
    """The system lets no file grow beyond the limit: every write behind it fails as on a full disk."""
    put_root(tmp_path)

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        build_sport(tmp_path)

    assert in_child(bounded) == NO_ROOM
    assert FolderStore(tmp_path / "store").digest(DOMAIN) is None
    assert build_sport(tmp_path) == expected


def test_a_second_build_in_the_same_folder_is_told_to_wait(tmp_path: Path) -> None:
    with build_folder(tmp_path / "work"), pytest.raises(HmiError, match="another process makes") as refused:
        build_folder(tmp_path / "work").__enter__()
    assert refused.value.code is ErrorCode.CONFLICT
    assert refused.value.retryable


def test_two_builds_of_the_same_tree_in_two_folders_agree(tmp_path: Path, expected: Digest) -> None:
    put_root(tmp_path)

    children = [start(lambda name=name: build_sport(tmp_path, name)) for name in ("one", "other")]  # type: ignore[misc]  # mypy: default of a lambda
    assert [ended(child) for child in children] == [0, 0]
    assert FolderStore(tmp_path / "store").digest(DOMAIN) == expected


def test_a_killed_build_computes_nothing_twice_that_was_noted_down(tmp_path: Path) -> None:
    computed: list[int] = []

    def dies_later(documents: Documents) -> np.ndarray:
        if len(computed) == 4:
            raise KeyboardInterrupt
        computed.append(documents.num_tokens)
        return states(documents)

    def counts(documents: Documents) -> np.ndarray:
        computed.append(documents.num_tokens)
        return states(documents)

    work = Work(tmp_path, max_bytes=2000, keep_tokens=36)
    with pytest.raises(KeyboardInterrupt):
        segment_of("d", 1, work, dies_later)
    again = segment_of("d", 1, work, counts)
    assert len(computed) == len(batches())
    np.testing.assert_array_equal(again.means, segment_of("d", 1).means)
