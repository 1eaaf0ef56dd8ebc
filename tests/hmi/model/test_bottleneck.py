"""Bottleneck adapters in training and on disk; what every method has to do: test_adapter_methods.py."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

from hmi.base.errors import BundleMismatch, InvalidInput
from hmi.model.adapters.bottleneck.config import BottleneckConfig
from hmi.model.adapters.bottleneck.file_format import WEIGHTS_FILE, open_bottleneck, save_bottleneck
from hmi.model.adapters.call import AdapterModule, Site
from hmi.model.adapters.parameters import AdapterParameters
from hmi.model.backbone import Backbone
from tests.tiny.adapters import random_adapter

OUTPUT_2 = "encoder.layer.2.output.dense"
OUTPUT_1 = "encoder.layer.1.output.dense"
QUERY_2 = "encoder.layer.2.attention.self.query"


def test_it_follows_its_module_with_a_bend_between_its_factors(backbone: Backbone) -> None:
    adapter = random_adapter(backbone.fields, seed=1, config=BottleneckConfig(4))
    parameters = AdapterParameters(backbone.fields, adapter.config, seed=0)
    parameters.load_host(adapter)
    outputs = torch.randn(5, backbone.fields.hidden, generator=torch.Generator().manual_seed(1))
    inputs = torch.full((5, backbone.fields.intermediate), torch.nan)  # never read
    factors = adapter.factors[Site(2, AdapterModule.OUTPUT)]
    with torch.inference_mode():
        found = parameters.apply(2, AdapterModule.OUTPUT, inputs, outputs)
        untouched = parameters.apply(2, AdapterModule.QUERY, inputs, outputs)
    expected = outputs + functional.gelu(outputs @ factors.down.T) @ factors.up.T
    torch.testing.assert_close(found, expected)
    assert untouched is outputs


@pytest.mark.parametrize(
    "bad",
    [
        {"rank": 0},
        {"modules": ()},
        {"modules": (AdapterModule.OUTPUT, AdapterModule.OUTPUT)},
        {"modules": (AdapterModule.QUERY,)},
    ],
)
def test_it_refuses_a_configuration_that_means_nothing(bad: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        BottleneckConfig(**bad)


def test_after_the_feed_forward_alone_it_is_kept_as_well(tmp_path: Path, backbone: Backbone) -> None:
    config = BottleneckConfig(5, (AdapterModule.OUTPUT,))
    adapter = random_adapter(backbone.fields, seed=3, config=config)
    save_bottleneck(tmp_path, adapter, backbone.fields)
    opened = open_bottleneck(tmp_path, backbone.fields)
    assert opened.config == config
    assert opened.num_bytes == adapter.num_bytes == 2 * 2 * 5 * 32 * 4


Weights = dict[str, torch.Tensor]


def _beside(path: str) -> Weights:
    return {f"{path}.down": torch.zeros(8, 32), f"{path}.up": torch.zeros(32, 8)}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda w: w.update({OUTPUT_1 + ".down": w.pop(OUTPUT_2 + ".down")}), "has only"),
        (lambda w: w.update(_beside(OUTPUT_1)), "only layers 2 to 3"),
        (lambda w: w.update(_beside(QUERY_2)), "follows"),
        (lambda w: w.update({OUTPUT_2 + ".bias": torch.zeros(8)}), "belongs to no module"),
        (lambda w: w.pop(OUTPUT_2 + ".up"), "has only down"),
        (lambda w: w.update({OUTPUT_2 + ".down": torch.zeros(8, 64)}), "needs .8, 32. and .32, 8."),
        (lambda w: w.clear(), "no weights"),
    ],
)
def test_it_refuses_what_does_not_fit(
    tmp_path: Path, backbone: Backbone, change: Callable[[Weights], object], problem: str
) -> None:
    adapter = random_adapter(backbone.fields, seed=1, config=BottleneckConfig())
    save_bottleneck(tmp_path, adapter, backbone.fields)
    weights = load_file(tmp_path / WEIGHTS_FILE)
    change(weights)
    save_file(weights, tmp_path / WEIGHTS_FILE)
    with pytest.raises(BundleMismatch, match=problem):
        open_bottleneck(tmp_path, backbone.fields)
