"""A build or an update that is killed, runs out of disk or has company ends as it would have ended, or says
what to do."""

import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hmi.artifacts.store import FolderStore
from hmi.base.errors import HmiError, InvalidInput, StoreUnavailable
from hmi.build.build_folder import build_folder
from hmi.build.job_progress import JobProgress
from hmi.build.operator_tree import NodeToLearn, learn_node
from hmi.build.plot_builder import build_root, count_texts, publish_segment
from hmi.build.update_domain import update_domain
from hmi.build.windows import Windowing
from hmi.model.backbone import Backbone
from hmi.plot.counting import Work
from hmi.plot.ngram import Documents
from hmi.plot.node_budget import NodeBudget
from hmi.plot.segment import Segment, build_segment, open_segment
from hmi.plot.tree import open_tree
from tests.tiny.backbone import WORDS, make_tiny_backbone
from wire.artifacts import BundleRef
from wire.domains import Contribution, DomainJob
from wire.errors import ErrorCode
from wire.ids import BundleUri, DatasetId, Digest, DomainId, JobId, TenantId

BACKBONE = Digest("sha256:" + "b" * 64)
HIDDEN, VOCAB = 8, 12
BACKBONE_URI = BundleUri("backbones/tiny")
ROOT, SPORT, SHARED = BundleUri("trees/general"), BundleUri("trees/sport"), BundleUri("trees/shared")
TENANTS = {"a": 1, "b": 1, "c": 1, "d": 2}
"""Whose text is which; three share theirs, so that its n-grams enter a shared node."""
WINDOWING = Windowing(window_tokens=16, max_windows=2)
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


@dataclass(frozen=True)
class Start:
    """A store in a folder that has all that builds and updates begin with, to be copied."""

    folder: Path
    backbone: Backbone
    root: BundleRef
    contributions: tuple[Contribution, ...]  # of four tenants; three of them have the same text

    def copy(self, folder: Path) -> FolderStore:
        shutil.copytree(self.folder / "store", folder / "store")
        return FolderStore(folder / "store")

    def build_sport(self, folder: Path, work_name: str = "work") -> Digest:
        """An operator's node, as `plot build` learns it: in little memory, and often noted down."""
        store = FolderStore(folder / "store")
        parent = open_tree(store, self.root.uri, self.root.digest, backbone=self.backbone.digest)
        node = NodeToLearn("sport", parent, SPORT, WINDOWING, NodeBudget(12_000))
        with build_folder(folder / work_name, max_bytes=100_000) as work:
            often = replace(work, keep_tokens=80)
            learnt = learn_node(store, self.backbone, SPORT_TEXTS, node, report=_unheard, work=often)
            return learnt.published.tree.digest

    def update_shared(self, folder: Path, work_name: str = "work") -> Digest:
        """A shared domain's update, as `domain update` makes it."""
        job = DomainJob(
            job_id=JobId("job"),
            domain_id=DomainId("shared"),
            backbone=BundleRef(BACKBONE_URI, self.backbone.digest),
            parent=self.root,
            contributions=self.contributions,
            is_shared=True,
            tree_out_uri=SHARED,
            max_node_bytes=6_000,
            max_memory_bytes=8_000,
        )
        store = FolderStore(folder / "store")
        progress = JobProgress(lambda event: None)
        return update_domain(job, store=store, folder=folder / work_name, progress=progress).tree.digest


def texts_of(seed: int, num_texts: int) -> list[str]:
    chance = random.Random(seed)
    return [
        " ".join(chance.choices(WORDS[:12], k=12)) + f" {WORDS[number % 30]}" for number in range(num_texts)
    ]


SPORT_TEXTS = texts_of(7, 1200)  # more than a batch, so that runs wait on the disk


def _unheard(message: str, step: int, num_steps: int) -> None:
    """Progress that nobody reads."""


@pytest.fixture(scope="module", autouse=True)
def on_one_thread() -> Iterator[None]:
    """What forks must not have left threads behind; and sums then do not depend on their number."""
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOKENIZERS_PARALLELISM", "false")
        yield
    torch.set_num_threads(num_threads)


@pytest.fixture(scope="module")
def begin(tmp_path_factory: pytest.TempPathFactory, on_one_thread: None) -> Start:
    folder = tmp_path_factory.mktemp("start")
    backbone = make_tiny_backbone(folder, num_layers=2, num_lower=1, hidden=16, num_heads=2)
    store = FolderStore(folder / "store")
    store.publish(folder / "backbone", BACKBONE_URI)
    root = build_root(store, backbone, (), tree_uri=ROOT, report=_unheard).tree
    contributions = []
    for tenant, seed in TENANTS.items():
        segment, _ = count_texts(
            backbone,
            texts_of(seed, 40),
            dataset_id=DatasetId(f"{tenant}-data"),
            above=np.zeros(0, np.uint64),
            windowing=WINDOWING,
            report=_unheard,
        )
        own = publish_segment(store, segment, BundleUri(f"segments/{tenant}"))
        contributions.append(Contribution(segment.fields.dataset_id, TenantId(tenant), own.uri, own.digest))
    return Start(folder, backbone, BundleRef(root.uri, root.digest), tuple(contributions))


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
            status = NO_ROOM if "no room left" in exc.message else 1
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
def expected(tmp_path_factory: pytest.TempPathFactory, begin: Start) -> Digest:
    """What an undisturbed build gives."""
    folder = tmp_path_factory.mktemp("calm")
    begin.copy(folder)
    return begin.build_sport(folder)


@pytest.fixture(scope="module")
def updated(tmp_path_factory: pytest.TempPathFactory, begin: Start) -> Digest:
    """What an undisturbed update gives."""
    folder = tmp_path_factory.mktemp("calm-update")
    begin.copy(folder)
    return begin.update_shared(folder)


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
    quick_folder: Path, begin: Start, expected: Digest
) -> None:
    step = 0
    while True:
        folder = quick_folder / str(step)
        folder.mkdir()
        store = begin.copy(folder)

        def killed(folder: Path = folder, step: int = step) -> None:
            die_at(step, folder)
            begin.build_sport(folder)

        status = in_child(killed)
        assert store.digest(SPORT) in {None, expected}
        if status == 0:
            break
        assert status == -signal.SIGKILL
        assert begin.build_sport(folder) == expected
        open_tree(store, SPORT, expected, backbone=begin.backbone.digest)
        assert not (folder / "work").exists()
        shutil.rmtree(folder)
        step += 1
    assert step > 40  # runs, states, rows, notes, segments, tables, trees: each several times


@pytest.mark.slow
@pytest.mark.stress
def test_an_update_killed_at_any_change_of_the_disk_ends_as_it_would_have(
    quick_folder: Path, begin: Start, updated: Digest
) -> None:
    step = 0
    while True:
        folder = quick_folder / str(step)
        folder.mkdir()
        store = begin.copy(folder)

        def killed(folder: Path = folder, step: int = step) -> None:
            tempfile.tempdir = str(folder)  # what it leaves goes with the folder
            die_at(step, folder)
            begin.update_shared(folder)

        status = in_child(killed)
        assert store.digest(SHARED) in {None, updated}
        for one in begin.contributions:  # never a lost segment
            open_segment(store.localize(one.uri, one.digest), one.digest)
        if status == 0:
            break
        assert status == -signal.SIGKILL
        assert begin.update_shared(folder) == updated
        open_tree(store, SHARED, updated, backbone=begin.backbone.digest)
        assert list((folder / "work").iterdir()) == []
        shutil.rmtree(folder)
        step += 1
    assert step >= 20  # three bundles: each put together, copied and renamed


@pytest.mark.parametrize("limit", [0, 60, 500, 1500])
def test_a_disk_that_is_full_during_an_update_publishes_nothing(
    tmp_path: Path, begin: Start, updated: Digest, limit: int
) -> None:
    store = begin.copy(tmp_path)

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        begin.update_shared(tmp_path)

    assert in_child(bounded) == NO_ROOM
    assert store.digest(SHARED) is None
    assert begin.update_shared(tmp_path) == updated


def test_two_updates_at_once_agree(tmp_path: Path, begin: Start, updated: Digest) -> None:
    store = begin.copy(tmp_path)
    children = [start(lambda name=name: begin.update_shared(tmp_path, name)) for name in "abc"]  # type: ignore[misc]  # mypy: default of a lambda
    assert [ended(child) for child in children] == [0, 0, 0]
    assert store.digest(SHARED) == updated


@pytest.mark.parametrize("limit", [0, 60, 500, 1500, 3000, 6000])
def test_a_full_disk_is_told_and_what_was_there_stays(
    tmp_path: Path, begin: Start, expected: Digest, limit: int
) -> None:
    """The system lets no file grow beyond the limit: every write behind it fails as on a full disk."""
    store = begin.copy(tmp_path)

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        begin.build_sport(tmp_path)

    assert in_child(bounded) == NO_ROOM
    assert store.digest(SPORT) is None
    assert begin.build_sport(tmp_path) == expected


def test_what_another_release_left_is_not_gone_on_from(tmp_path: Path) -> None:
    with pytest.raises(SystemExit), build_folder(tmp_path) as work:
        (work.folder / "keys").write_text("of this code")
        sys.exit("killed")
    with pytest.raises(SystemExit), build_folder(tmp_path) as work:
        assert (work.folder / "keys").read_text() == "of this code"
        sys.exit("killed")
    (tmp_path / "code").write_text("an older release's")
    (tmp_path / "sums").mkdir()
    (tmp_path / "sums" / "1").write_text("of that")
    with build_folder(tmp_path) as work:
        assert {path.name for path in work.folder.iterdir()} == {"lock", "code"}


def test_a_folder_that_is_no_builds_keeps_what_stands_there(tmp_path: Path) -> None:
    """It was emptied when a build began there, and deleted when it ended."""
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "own.txt").write_text("somebody's own")
    with pytest.raises(InvalidInput, match="name another folder in --work"), build_folder(notes):
        pytest.fail("it began")
    assert [path.name for path in notes.iterdir()] == ["own.txt"]


@pytest.mark.parametrize("num_left", [0, 1, 2])
def test_killed_while_its_folder_is_deleted_a_build_can_begin_there_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, num_left: int
) -> None:
    folder = tmp_path / "work"
    deleted: list[Path] = []
    unlink = Path.unlink

    def until_killed(path: Path, *, missing_ok: bool = False) -> None:
        if len(deleted) == num_left:
            raise KeyboardInterrupt
        deleted.append(path)
        unlink(path)

    with pytest.raises(KeyboardInterrupt), build_folder(folder) as work:
        for name in ("keys", "sums", "values"):
            (work.folder / name).write_text("half done")
        monkeypatch.setattr(Path, "unlink", until_killed)
    monkeypatch.undo()
    assert len(deleted) == num_left
    with build_folder(folder) as work:
        assert work.folder == folder
    assert not folder.exists()


def test_a_second_build_in_the_same_folder_is_told_to_wait(tmp_path: Path) -> None:
    with build_folder(tmp_path / "work"), pytest.raises(HmiError, match="another process makes") as refused:
        build_folder(tmp_path / "work").__enter__()
    assert refused.value.code is ErrorCode.CONFLICT
    assert refused.value.retryable


def test_two_builds_of_the_same_tree_in_two_folders_agree(
    tmp_path: Path, begin: Start, expected: Digest
) -> None:
    store = begin.copy(tmp_path)
    children = [start(lambda name=name: begin.build_sport(tmp_path, name)) for name in ("one", "other")]  # type: ignore[misc]  # mypy: default of a lambda
    assert [ended(child) for child in children] == [0, 0]
    assert store.digest(SPORT) == expected


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
