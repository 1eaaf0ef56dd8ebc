"""The runner where copies to the device arrive late: it reads them after it has waited, and not before."""

from typing import Any

import numpy as np
import pytest
import torch

from hmi.engine.batch import Batch, BatchPart
from hmi.engine.placement import HeadShape, PlacedHplm
from hmi.engine.request import EngineRequest, HplmRef
from hmi.engine.runner import ModelRunner
from hmi.memory.slots import Slot
from hmi.model.adapter_bundle import open_adapter_bundle
from hmi.model.device_copies import DeviceCopies, SameMemory
from hmi.model.hplm_bank import HplmBank
from hmi.model.packed_file import from_content, to_content
from hmi.model.serving_layers import ServingLayers
from hmi.plot.lookup import PlotArena
from hmi.plot.tree import open_tree
from tests.fakes.late_copies import LateCopies
from tests.tiny.store import TinyStore
from wire.ids import RequestId, TaskId, TenantId

TEXTS = ("the film was good", "a very bad match")


class Device:
    """Bank, arena and runner over ``copies``, without an engine."""

    def __init__(self, store: TinyStore, copies: DeviceCopies) -> None:
        backbone = store.backbone
        self._store = store
        self.bank = HplmBank(
            backbone.fields,
            num_adapter_units=4,
            num_head_units=4,
            max_rank=8,
            max_labels=8,
            copies=copies,
        )
        tree = open_tree(
            store.store,
            store.trees["general"].uri,
            store.trees["general"].digest,
            backbone=backbone.digest,
        )
        plot = PlotArena(sum(map(PlotArena.bytes_of, tree.tables)), backbone.fields.hidden)
        self._path = tuple(plot.add(table) for table in tree.tables)
        self.runner = ModelRunner(
            residuals=backbone.residuals,
            lower=None,
            exact_token_cost=2.0,
            plot=plot,
            upper=ServingLayers(backbone.upper, dtype=torch.float32),
            bank=self.bank,
            last_id=backbone.tokenizer.last_id,
            copies=copies,
        )
        self._placed: dict[HplmRef, PlacedHplm] = {}

    def write(self, slot: int, hplm: HplmRef) -> None:
        """Promote it."""
        backbone = self._store.backbone
        opened = open_adapter_bundle(
            self._store.store.localize(hplm.adapter.uri, hplm.adapter.digest),
            digest=hplm.adapter.digest,
            backbone_fields=backbone.fields,
            backbone=backbone.digest,
        )
        self.bank.write(slot, from_content(to_content(self.bank.pack(opened)), self.bank.hosted))
        self._placed[hplm] = PlacedHplm(Slot(slot), HeadShape(2), self._path)

    def batch(self, *hplms: HplmRef) -> Batch:
        """TEXTS for each."""
        documents = self._store.backbone.tokenizer.encode(TEXTS, 32).documents
        requests = [
            EngineRequest(
                request_id=RequestId("r"),
                tenant_id=TenantId("acme"),
                task_id=TaskId("acme"),
                hplm=hplm,
                documents=documents,
                deadline=1.0,
            )
            for hplm in hplms
        ]
        return Batch(tuple(BatchPart(request, 0, len(TEXTS)) for request in requests))

    def outputs(self, batch: Batch) -> list[np.ndarray]:
        retrieved = self.runner.retrieve(batch, self._placed)
        return [answer.outputs for answer in self.runner.compute(retrieved)]


@pytest.fixture
def hplms(tiny_store: TinyStore) -> list[HplmRef]:
    return [HplmRef(tiny_store.publish_adapter(seed=seed), tiny_store.trees["general"]) for seed in (1, 2, 3)]


def late_device(store: TinyStore) -> tuple[Device, LateCopies]:
    copies = LateCopies()
    device = Device(store, copies)
    device.runner.warm_up(32)
    bank = device.bank
    copies.arenas = (bank.adapters._arena, bank.heads._arena)
    return device, copies


def test_answers_are_the_same_however_late_copies_arrive(tiny_store: TinyStore, hplms: list[HplmRef]) -> None:
    (late, copies), at_once = late_device(tiny_store), Device(tiny_store, SameMemory())
    for device in (late, at_once):
        for slot, hplm in enumerate(hplms[:2]):
            device.write(slot, hplm)
    for batch in ((0,), (1,), (0, 1)):
        found, expected = (
            device.outputs(device.batch(*(hplms[n] for n in batch))) for device in (late, at_once)
        )
        for one, other in zip(found, expected, strict=True):
            assert np.array_equal(one, other)
    assert copies.num_begun == 1
    assert copies.num_hosted == 2, "an adapter and its head in one piece"


def test_a_whole_batch_is_computed_twice_before_the_first_request(
    tiny_store: TinyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library compiles at the first, and makes it quicker at the second."""
    device, compute, computed = Device(tiny_store, SameMemory()), ServingLayers.answers, []

    def counted(*arguments: Any) -> torch.Tensor:
        computed.append(compute(*arguments))
        return computed[-1]

    monkeypatch.setattr(ServingLayers, "answers", counted)
    device.runner.warm_up(32)
    assert [outputs.shape[0] for outputs in computed] == [1, 1]


def test_what_is_promoted_for_the_next_batch_does_not_touch_one_that_is_computed(
    tiny_store: TinyStore, hplms: list[HplmRef]
) -> None:
    device, _ = late_device(tiny_store)
    device.write(0, hplms[0])
    batch = device.batch(hplms[0])
    expected = device.outputs(batch)
    retrieved = device.runner.retrieve(batch, device._placed)
    device.write(1, hplms[1])
    device.bank.wipe(1)
    found = [answer.outputs for answer in device.runner.compute(retrieved)]
    assert all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))


def test_a_forward_that_did_not_wait_would_show(tiny_store: TinyStore, hplms: list[HplmRef]) -> None:
    device, _ = late_device(tiny_store)
    device.write(0, hplms[0])
    retrieved = device.runner.retrieve(device.batch(hplms[0]), device._placed)
    with torch.inference_mode():
        assert not np.isfinite(device.runner._outputs(retrieved)).all()
