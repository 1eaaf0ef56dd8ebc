"""After trouble of every kind, cancellations and swaps: what is sound is answered, and nothing stays held."""

import random
import threading

import pytest

from hmi.base.errors import BundleBroken, HmiError, QueueFull, StoreUnavailable
from hmi.engine.request import EngineRequest
from tests.hmi.engine.test_engine import HandStage
from tests.hmi.engine.test_placement_steps import World, nodes_of, ref
from wire.ids import TenantId

NUM_TENANTS, NUM_TREES, NUM_STEPS = 30, 25, 400


class Trouble:
    """Comes and goes, by chance."""

    def __init__(self, world: World, stage: HandStage, chance: random.Random) -> None:
        self._world = world
        self._stage = stage
        self._chance = chance
        self.versions = {tenant: tenant + 40 for tenant in range(NUM_TENANTS)}
        self._open: list[EngineRequest] = []
        self.num_answered = self.num_failed = 0

    def step(self) -> None:
        world, chance, disk = self._world, self._chance, self._world.disk
        for _ in range(chance.randrange(3) if len(self._open) < 60 else 0):
            self.ask(chance.randrange(NUM_TENANTS), chance.randrange(1, 5))
        tenant = TenantId(f"tenant {chance.randrange(NUM_TENANTS)}")
        some = chance.choice(
            [
                ref("a", self.versions[chance.randrange(NUM_TENANTS)]),
                ref("t", chance.randrange(NUM_TREES)),
                ref("n", chance.randrange(1, NUM_TREES + 1)),
            ]
        )
        match chance.randrange(60):
            case 0:
                self.versions[chance.randrange(NUM_TENANTS)] = 1000 + chance.randrange(10**6)
            case 1 if self._open:
                chance.choice(self._open).future.cancel()
            case 2:
                disk.slow.setdefault(some, threading.Event())
            case 3:
                errors = (StoreUnavailable("away"), OSError("it errs"), BundleBroken("cut"), KeyError("bug"))
                disk.errors[some] = chance.choice(errors)
            case 4:
                world.bank.broken.add(chance.choice(list(self.versions.values())))
            case 5:
                world.nodes.num_to_fail += 1
            case 6:
                chance.choice(
                    [world.runner.cannot_retrieve, world.runner.cannot_compute, world.runner.not_finite]
                ).add(tenant)
            case 7:
                disk.more_bytes[ref("n", chance.randrange(1, NUM_TREES + 1))] = chance.choice([300, 460])
            case 8:
                world.nodes.may_fill.clear()
            case 9:
                world.nodes.may_fill.set()
            case 10:
                self.end(for_good=False)
        if self._stage.waiting and chance.random() < 0.6:
            self._stage.finish(chance.randrange(min(self._stage.width, len(self._stage.waiting))))
        self.work()

    def ask(self, tenant: int, num_documents: int) -> None:
        try:
            request = self._world.submit(tenant, self.versions[tenant], tenant % NUM_TREES, num_documents)
        except QueueFull:
            return
        self._open.append(request)

    def work(self) -> None:
        if not self._world.engine.step():
            self._world.engine.wait(0.001)
        self._world.check()
        self._open = [request for request in self._open if not self._has_ended(request)]

    def end(self, *, for_good: bool) -> None:
        world = self._world
        for gate in world.disk.slow.values():
            gate.set()
        world.disk.slow, world.disk.errors, world.bank.broken = {}, {}, set()
        world.disk.more_bytes = {}
        world.nodes.num_to_fail = 0
        world.nodes.may_fill.set()
        for tenants in (world.runner.cannot_retrieve, world.runner.cannot_compute, world.runner.not_finite):
            tenants.clear()
        if for_good:
            world.run_until(self._has_drained)
            for loader in world.loaders.values():
                loader.retain([])

    def _has_drained(self) -> bool:
        if self._stage.waiting:
            self._stage.finish()
        return self._world.engine.num_open_requests == 0

    def _has_ended(self, request: EngineRequest) -> bool:
        if not request.future.done():
            return False
        error = None if request.future.cancelled() else request.future.exception()
        assert error is None or isinstance(error, HmiError)
        self.num_failed += error is not None
        self.num_answered += not request.future.cancelled() and error is None
        return True


def check_nothing_is_held(world: World) -> None:
    engine, placement = world.engine, world.placement
    assert not world.leased()
    assert not (placement._held or placement._fetches or placement._moved or placement._promoted)
    assert not any(placement._held_for.values())
    assert placement._foremost is None
    assert placement._num_copies == 0
    assert not (engine._waiting or engine._in_flight or engine._num_open_of or engine._broken)
    assert engine._admission.num_tenants == 0
    for loader in world.loaders.values():
        assert not loader._waiters
        resident = sum(loader.resident_bytes().values())
        assert world.host.used_by_kind().get(f"{loader._name}s", 0) == resident


def check_recovery(seed: int, max_copied_bytes: int) -> Trouble:
    stage, chance = HandStage(width=2), random.Random(seed)
    world = World(max_copied_bytes=max_copied_bytes, stage=stage)
    trouble = Trouble(world, stage, chance)
    for _ in range(NUM_STEPS):
        trouble.step()
    trouble.end(for_good=True)
    for tenant in range(NUM_TENANTS):
        request = world.submit(tenant, 17 * tenant, tenant % NUM_TREES, 1)

        def has_been_answered(request: EngineRequest = request) -> bool:
            if stage.waiting:
                stage.finish()
            return request.future.done()

        world.run_until(has_been_answered)
        [answer] = request.future.result().documents
        assert answer.outputs[0].tolist() == [17 * tenant, *nodes_of(tenant % NUM_TREES)]
    world.run_until(lambda: not world.placement._fetches)
    check_nothing_is_held(world)
    world.engine.close(drain_s=0)
    return trouble


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("max_copied_bytes", [1000, 50])
def test_what_is_sound_is_answered_after_trouble_and_nothing_stays_held(
    seed: int, max_copied_bytes: int
) -> None:
    trouble = check_recovery(seed, max_copied_bytes)
    assert trouble.num_answered > 50 and trouble.num_failed > 10
