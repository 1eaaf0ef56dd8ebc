"""Adapters of every method as a training holds them."""

import pytest
import torch

from hmi.model.adapters.bottleneck.config import BottleneckConfig
from hmi.model.adapters.host import AdapterConfig
from hmi.model.adapters.lora.config import LoraConfig
from hmi.model.adapters.parameters import AdapterParameters
from hmi.model.backbone import Backbone


@pytest.mark.parametrize(("config", "modules_each"), [(LoraConfig(rank=4), 2), (BottleneckConfig(4), 2)])
def test_a_fresh_adapter_changes_nothing_and_learns_everywhere(
    backbone: Backbone, config: AdapterConfig, modules_each: int
) -> None:
    documents = backbone.tokenizer.encode(["good film", "bad"], 16).documents
    states = backbone.lower_states(documents).clone()
    parameters = AdapterParameters(backbone.fields, config, seed=1)
    plain = backbone.upper(states, documents.offsets, None)
    adapted = backbone.upper(states, documents.offsets, parameters)
    torch.testing.assert_close(adapted, plain)
    adapted.square().sum().backward()
    assert len(parameters.up) == modules_each * 2  # two upper layers
    assert all(up.grad is not None and up.grad.abs().sum() > 0 for up in parameters.up)
