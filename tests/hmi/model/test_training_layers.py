"""The layers of a training give the upper layers' states, and the adapter the gradients that it has there."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest
import torch

from hmi.model.adapters.call import AdapterModule
from hmi.model.adapters.host import AdapterConfig
from hmi.model.adapters.lora.config import LoraConfig
from hmi.model.adapters.methods import METHODS
from hmi.model.adapters.parameters import AdapterParameters
from hmi.model.backbone import Backbone
from hmi.model.training_layers import TrainingLayers, step_cores
from tests.tiny.adapters import random_adapter
from tests.tiny.backbone import make_tiny_backbone

LENGTHS = [5, 1, 9, 16, 8]
EVERY_METHOD = [method.config(4, 6.0) for method in METHODS.values()]


@pytest.fixture(scope="module", params=["bert", "mpnet"])
def backbone(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Backbone:
    return make_tiny_backbone(tmp_path_factory.mktemp("tiny"), architecture=request.param)


def batch_of(backbone: Backbone) -> tuple[torch.Tensor, npt.NDArray[np.int64]]:
    offsets = np.concatenate(([0], np.cumsum(LENGTHS))).astype(np.int64)
    random = torch.Generator().manual_seed(1)
    return torch.randn(int(offsets[-1]), backbone.fields.hidden, generator=random), offsets


def parameters_of(backbone: Backbone, config: AdapterConfig, scale: float = 0.3) -> AdapterParameters:
    parameters = AdapterParameters(backbone.fields, config, seed=0)
    parameters.load_host(random_adapter(backbone.fields, seed=3, config=config, scale=scale))
    return parameters


def gradients(parameters: AdapterParameters, final: torch.Tensor) -> list[torch.Tensor]:
    weights = torch.linspace(-1, 1, final.numel()).view_as(final)
    return list(torch.autograd.grad((final * weights).sum(), list(parameters.parameters())))


@pytest.mark.parametrize(
    "config",
    [
        *EVERY_METHOD,
        LoraConfig(rank=3, modules=(AdapterModule.KEY, AdapterModule.ATTENTION_OUTPUT)),
        LoraConfig(rank=2, modules=tuple(AdapterModule)),
    ],
    ids=[*METHODS, "other modules", "all modules"],
)
def test_states_and_gradients_are_those_of_the_upper_layers(
    backbone: Backbone, config: AdapterConfig
) -> None:
    states, offsets = batch_of(backbone)
    parameters = parameters_of(backbone, config)
    expected = backbone.upper(states, offsets, parameters)
    found = TrainingLayers(backbone.upper, parameters)(states, offsets)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    pairs = zip(gradients(parameters, found), gradients(parameters, expected), strict=True)
    for mine, theirs in pairs:
        assert theirs.abs().max() > 0
        torch.testing.assert_close(mine, theirs, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("config", EVERY_METHOD, ids=METHODS)
def test_in_bfloat16_they_are_near_and_its_parameters_keep_their_type(
    backbone: Backbone, config: AdapterConfig
) -> None:
    states, offsets = batch_of(backbone)
    parameters = parameters_of(backbone, config, scale=0.1)
    expected = backbone.upper(states, offsets, parameters)
    found = TrainingLayers(backbone.upper.in_dtype(torch.bfloat16), parameters)(states, offsets)
    assert found.dtype is torch.float32
    assert (found - expected).norm() < 0.1 * expected.norm()
    pairs = zip(gradients(parameters, found), gradients(parameters, expected), strict=True)
    for mine, theirs in pairs:
        assert mine.dtype is torch.float32
        assert torch.cosine_similarity(mine.ravel(), theirs.ravel(), dim=0) > 0.95


def test_a_document_answers_the_same_whoever_else_is_in_the_batch(backbone: Backbone) -> None:
    states, offsets = batch_of(backbone)
    layers = TrainingLayers(backbone.upper, parameters_of(backbone, LoraConfig(rank=4)))
    with torch.inference_mode():
        together = layers(states, offsets)
        for first, last in itertools.pairwise(offsets):
            alone = layers(states[first:last], np.array([0, last - first]))
            torch.testing.assert_close(together[first:last], alone, atol=1e-4, rtol=1e-4)


def test_what_is_frozen_gets_no_gradients(backbone: Backbone) -> None:
    states, offsets = batch_of(backbone)
    final = TrainingLayers(backbone.upper, parameters_of(backbone, LoraConfig(rank=4)))(states, offsets)
    final.sum().backward()  # type: ignore[no-untyped-call]
    assert all(weight.grad is None for weight in backbone.upper.parameters())


def test_short_steps_take_one_core_and_leave_the_others() -> None:
    torch.set_num_threads(2)
    with step_cores(torch.float32):
        assert torch.get_num_threads() == 2
    with step_cores(torch.bfloat16):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)  # as conftest has it
