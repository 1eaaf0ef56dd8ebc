"""The real bank, look-ups, loaders and two forwards at a time, with far fewer places than models, while
versions are swapped, requests cancelled and bundles broken: every answer is its own model's."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from hmi.base.clock import SystemClock
from hmi.base.errors import BudgetExceeded, HmiError
from hmi.base.units import KIB
from hmi.cli.open_plane import open_plane
from hmi.engine.request import EngineAnswer, EngineRequest, HplmRef
from hmi.kinds.single_label import softmax
from hmi.plot.tree import read_tree
from hmi.service.live_plane import LivePlane
from tests.fakes.settings import service_settings
from tests.tiny.store import TinyStore
from wire.artifacts import BundleRef
from wire.errors import ErrorCode
from wire.ids import RequestId, TaskId, TenantId
from wire.training import METHODS

TEXTS = ("the film was bad", "very poor film and no song", "share price of the bank", "good match", "no")
NUM_TASKS = 9
VERSIONS = 3
SLOTS = 3
ROOM_BYTES = 32 * KIB  # more than the least that works: for a few of the PLOT nodes at a time
CLIENTS = 4
REQUESTS_EACH = 300
WAIT_S = 120
Probabilities = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Version:
    """A model, and what it answers alone; None: its bundle is broken."""

    hplm: HplmRef
    answers: Probabilities | None  # [texts, labels]


@pytest.fixture
def versions(tiny_store: TinyStore, tmp_path: Path) -> list[list[Version]]:
    """Of each task, those that it is given one after the other. Every third task has a leaf."""
    made = [[_version(tiny_store, task, number) for number in range(VERSIONS)] for task in range(NUM_TASKS)]
    roomy = _plane(tiny_store, tmp_path / "roomy", max_batch_adapters=32)
    roomy.start()
    answered = [[Version(hplm, _alone(roomy, tiny_store, hplm)) for hplm in task] for task in made]
    roomy.close()
    for task, number in ((1, 1), (4, 2)):  # one with a leaf, one without
        broken = answered[task][number].hplm
        file = tiny_store.path_of(broken.adapter) / "head.safetensors"
        file.write_bytes(file.read_bytes()[:-8])
        answered[task][number] = Version(broken, None)
    return answered


def test_every_answer_is_its_own_models(
    tiny_store: TinyStore, tmp_path: Path, versions: list[list[Version]]
) -> None:
    tight = partial(
        _plane,
        tiny_store,
        tmp_path / "tight",
        threads=2,
        forwards=2,
        max_batch_adapters=SLOTS,
        max_batch_rows=4,
    )
    with pytest.raises(BudgetExceeded) as refused:
        tight(device_bytes=1)
    plane = tight(device_bytes=refused.value.needed_bytes + ROOM_BYTES)
    assert plane.placement.num_slots == SLOTS
    plane.start()
    clients = [_Client(plane, tiny_store, versions, seed) for seed in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS + 1) as threads:
        stop = threading.Event()
        swapping = threads.submit(_swap, plane, versions, stop)
        wait([threads.submit(client.run) for client in clients])
        stop.set()
        swapping.result()
    plane.close()
    plane.engine.check_integrity()
    assert [problem for client in clients for problem in client.problems] == []
    assert sum(client.num_checked for client in clients) > CLIENTS * REQUESTS_EACH / 2
    assert sum(client.num_refused for client in clients) > 0, "a broken bundle was asked for"
    assert plane.placement.num_evictions > NUM_TASKS


class _Client:
    """Asks as one thread of the service would: several requests open, some given up."""

    def __init__(self, plane: LivePlane, store: TinyStore, versions: list[list[Version]], seed: int) -> None:
        self._plane = plane
        self._store = store
        self._versions = versions
        self._chance = random.Random(seed)
        self.problems: list[str] = []
        self.num_checked = 0
        self.num_refused = 0

    def run(self) -> None:
        try:
            for _ in range(REQUESTS_EACH // 3):
                asked = [self._ask() for _ in range(3)]
                for version, texts, request in asked:
                    if self._chance.random() < 0.1:
                        request.future.cancel()
                    else:
                        self._check(version, texts, request)
        except Exception as exc:  # noqa: BLE001 what a thread of a test meets is the test's to tell
            self.problems.append(repr(exc))

    def _ask(self) -> tuple[Version, list[int], EngineRequest]:
        task = self._chance.randrange(NUM_TASKS)
        version = self._chance.choice(self._versions[task])
        texts = self._chance.sample(range(len(TEXTS)), self._chance.randint(1, len(TEXTS)))
        request = _request(self._store, version.hplm, texts, tenant=f"tenant {task}")
        self._plane.submit(request)
        return version, texts, request

    def _check(self, version: Version, texts: list[int], request: EngineRequest) -> None:
        try:
            answer = request.future.result(WAIT_S)
        except HmiError as error:
            self.num_refused += 1
            if version.answers is not None or error.code is not ErrorCode.BUNDLE_BROKEN:
                self.problems.append(f"{version.hplm.adapter.uri}: {error.message}")
            return
        self.num_checked += 1
        if version.answers is None:
            self.problems.append(f"{version.hplm.adapter.uri} is broken and answered")
        elif not np.allclose(_probabilities(answer), version.answers[texts], atol=1e-4):
            self.problems.append(f"{version.hplm.adapter.uri} got another model's answer")


def _swap(plane: LivePlane, versions: list[list[Version]], stop: threading.Event) -> None:
    """The catalog names other versions, over and over; requests for those before are still answered."""
    chance = random.Random(99)
    while not stop.wait(0.01):
        plane.follow(frozenset(chance.choice(task).hplm for task in versions))
        for (tier, _), num_bytes in plane.tier_bytes().items():
            assert num_bytes >= 0, tier


def _version(store: TinyStore, task: int, number: int) -> HplmRef:
    adapter = store.publish_adapter(
        seed=1000 + 10 * task + number, labels=("a", "b", "c"), method=tuple(METHODS)[task % len(METHODS)]
    )
    general, film = store.trees["general"], store.trees["film"]
    if task % 3:
        return HplmRef(adapter, general if task % 3 == 1 else store.trees["market"], None)
    fields = read_tree(store.store, film.uri, film.digest, backbone=store.backbone.digest)
    return HplmRef(adapter, general, BundleRef(fields.nodes[-1].uri, fields.nodes[-1].digest))


def _plane(store: TinyStore, folder: Path, **changes: int) -> LivePlane:
    settings = service_settings(store.url, folder, **changes)
    return open_plane(store.backbone_ref, settings, store.store, on_batch=lambda record: None)


def _alone(plane: LivePlane, store: TinyStore, hplm: HplmRef) -> Probabilities:
    each = []
    for text in range(len(TEXTS)):
        request = _request(store, hplm, [text], tenant="oracle")
        plane.submit(request)
        each.append(_probabilities(request.future.result(WAIT_S)))
    return np.concatenate(each)


def _request(store: TinyStore, hplm: HplmRef, texts: list[int], *, tenant: str) -> EngineRequest:
    return EngineRequest(
        request_id=RequestId("r"),
        tenant_id=TenantId(tenant),
        task_id=TaskId(tenant),
        hplm=hplm,
        documents=store.backbone.tokenizer.encode([TEXTS[n] for n in texts], 32).documents,
        deadline=SystemClock().monotonic() + WAIT_S,
    )


def _probabilities(answer: EngineAnswer) -> Probabilities:
    return softmax(np.concatenate([document.outputs for document in answer.documents]))
