"""What every method of adapters has to do, at any rank. Of the libraries and of archives:
tests/hmi/build/test_adapter_methods.py."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hmi.base.errors import BundleBroken, BundleMismatch, InvalidInput
from hmi.model.adapter_bank import IDENTITY, AdapterBank
from hmi.model.adapter_bundle import open_adapter_bundle, save_adapter_bundle
from hmi.model.adapters.call import Site
from hmi.model.adapters.host import AdapterConfig, Factors, HostAdapter
from hmi.model.adapters.method import AdapterMethod
from hmi.model.adapters.methods import METHODS, adapter_config
from hmi.model.adapters.parameters import AdapterParameters
from hmi.model.backbone import Backbone
from hmi.model.serving_layers import ServingLayers
from hmi.model.training_layers import TrainingLayers
from tests.fakes.no_files_left import no_files_left
from tests.tiny.adapters import random_adapter, random_head
from wire import training
from wire.ids import Digest

RANKS = (1, 8, 12, 32)
TOLERANCE = 1e-4
TREE = Digest("sha256:" + "b" * 64)


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> AdapterMethod:
    return METHODS[request.param]


@pytest.fixture(params=RANKS, ids=lambda rank: f"rank {rank}")
def config(method: AdapterMethod, request: pytest.FixtureRequest) -> AdapterConfig:
    return method.config(request.param, 6.0)


def parameters_of(backbone: Backbone, adapter: HostAdapter) -> AdapterParameters:
    parameters = AdapterParameters(backbone.fields, adapter.config, seed=0)
    parameters.load_host(adapter)
    return parameters


def test_all_that_a_recipe_may_name_are_here_and_no_others() -> None:
    assert {name: method.facts for name, method in METHODS.items()} == dict(training.METHODS)
    with pytest.raises(InvalidInput, match=f"known are {', '.join(training.METHODS)}"):
        adapter_config("prefix", rank=4, alpha=8.0)


def test_where_no_file_can_be_opened_an_adapter_is_not_taken_for_broken(
    method: AdapterMethod, tmp_path: Path, backbone: Backbone
) -> None:
    """It would fail until its task was given another one."""
    adapter = random_adapter(backbone.fields, seed=1, config=method.config(8, 8.0))
    method.save(tmp_path, adapter, backbone.fields)
    with no_files_left(), pytest.raises(OSError, match="Too many open files"):
        method.open(tmp_path, backbone.fields)
    assert method.open(tmp_path, backbone.fields).config == adapter.config
    for name in method.facts.files:
        (tmp_path / name).unlink()
    with pytest.raises(BundleBroken):
        method.open(tmp_path, backbone.fields)


def test_a_recipe_says_rank_and_alpha(method: AdapterMethod) -> None:
    config = adapter_config(method.name, rank=12, alpha=6.0)
    assert (config.method, config.rank) == (method.name, 12)
    assert config.alpha == (6.0 if method.facts.has_alpha else 0.0)
    with pytest.raises(InvalidInput):
        adapter_config(method.name, rank=0, alpha=6.0)


def test_a_fresh_one_changes_nothing_and_every_weight_of_a_trained_one_learns(
    backbone: Backbone, config: AdapterConfig
) -> None:
    documents = backbone.tokenizer.encode(["good film", "bad"], 16).documents
    states = backbone.lower_states(documents).clone()
    parameters = AdapterParameters(backbone.fields, config, seed=1)
    plain = backbone.upper(states, documents.offsets, None)
    adapted = backbone.upper(states, documents.offsets, parameters)
    torch.testing.assert_close(adapted, plain, atol=0, rtol=0)
    adapted.square().sum().backward()
    assert len(parameters.up) == len(config.modules) * 2  # two upper layers
    assert all(up.grad is not None and up.grad.abs().sum() > 0 for up in parameters.up)
    parameters.load_host(random_adapter(backbone.fields, seed=2, config=config, scale=0.03))
    parameters.zero_grad()
    backbone.upper(states, documents.offsets, parameters).square().sum().backward()
    for part in parameters.parameters():
        assert part.grad is not None and (part.grad != 0).float().mean() > 0.9


def test_a_few_steps_lower_the_loss_and_what_was_trained_serves_as_it_was(
    backbone: Backbone, config: AdapterConfig
) -> None:
    documents = backbone.tokenizer.encode(["the good film", "no bad match of the team"], 16).documents
    states, offsets = backbone.lower_states(documents).clone(), documents.offsets
    wanted = backbone.upper(states, offsets, None).detach().flip(0)
    parameters = AdapterParameters(backbone.fields, config, seed=1)
    layers, losses = TrainingLayers(backbone.upper, parameters), []
    optimiser = torch.optim.AdamW(parameters.parameters(), lr=0.01)
    for _ in range(8):
        optimiser.zero_grad()
        loss = (layers(states, offsets) - wanted).square().mean()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.98 * losses[0]
    served = served_states(backbone, [parameters.to_host()], states, offsets, np.zeros(2, np.int64))
    with torch.inference_mode():
        torch.testing.assert_close(served, layers(states, offsets), atol=TOLERANCE, rtol=0)


def test_in_a_batch_of_all_methods_and_ranks_each_answers_as_its_training_does(backbone: Backbone) -> None:
    configs = [method.config(rank, 6.0) for method in METHODS.values() for rank in RANKS]
    adapters = [
        random_adapter(backbone.fields, seed=seed, config=config) for seed, config in enumerate(configs)
    ]
    slots = np.array([*range(len(adapters)), IDENTITY, *reversed(range(len(adapters)))])
    lengths = np.random.default_rng(1).integers(1, 30, len(slots))
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    states = torch.randn(int(offsets[-1]), backbone.fields.hidden, generator=torch.Generator().manual_seed(1))
    together = served_states(backbone, adapters, states, offsets, slots)
    plain = served_states(backbone, [], states, offsets, np.full(len(slots), IDENTITY))
    for slot, start, end in zip(slots.tolist(), offsets[:-1], offsets[1:], strict=True):
        whole = np.array([0, end - start])
        if slot == IDENTITY:
            torch.testing.assert_close(together[start:end], plain[start:end], atol=TOLERANCE, rtol=0)
            continue
        with torch.inference_mode():
            trained = TrainingLayers(backbone.upper, parameters_of(backbone, adapters[slot]))
            expected = trained(states[start:end], whole)
        alone = served_states(backbone, [adapters[slot]], states[start:end], whole, np.array([0]))
        torch.testing.assert_close(together[start:end], expected, atol=TOLERANCE, rtol=0)
        torch.testing.assert_close(together[start:end], alone, atol=TOLERANCE, rtol=0)
        assert (expected - plain[start:end]).abs().max() > 100 * TOLERANCE, "it shows"


def served_states(
    backbone: Backbone,
    adapters: list[HostAdapter],
    states: torch.Tensor,
    offsets: np.ndarray,
    slots: np.ndarray,
) -> torch.Tensor:
    """Final states as the service computes them from a bank, a slot for each adapter."""
    bank = AdapterBank(backbone.fields, num_slots=max(1, len(adapters)), max_rank=32)
    for slot, adapter in enumerate(adapters):
        bank.write(slot, bank.pack(adapter))
    layers = ServingLayers(backbone.upper, dtype=torch.float32)
    return layers.forward(states, layers.attention(offsets), bank.call(slots, offsets))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_what_is_saved_is_what_is_opened(
    tmp_path: Path, backbone: Backbone, method: AdapterMethod, config: AdapterConfig, dtype: torch.dtype
) -> None:
    parameters = parameters_of(backbone, random_adapter(backbone.fields, seed=3, config=config))
    saved = parameters.to_host(dtype)
    method.save(tmp_path, saved, backbone.fields)
    assert {path.name for path in tmp_path.iterdir()} == set(method.facts.files)
    opened = method.open(tmp_path, backbone.fields)
    assert opened.config == saved.config
    assert opened.num_bytes == saved.num_bytes
    assert opened.factors.keys() == saved.factors.keys()
    for site, factors in saved.factors.items():
        assert torch.equal(opened.factors[site].down, factors.down)
        assert torch.equal(opened.factors[site].up, factors.up)


def test_a_bundle_tells_what_it_holds(tmp_path: Path, backbone: Backbone, config: AdapterConfig) -> None:
    digest = save_adapter_bundle(
        tmp_path,
        adapter=random_adapter(backbone.fields, seed=3, config=config),
        head=random_head(backbone.fields, num_labels=2, seed=3),
        labels=("no", "yes"),
        max_tokens=16,
        backbone_fields=backbone.fields,
        backbone=backbone.digest,
        tree=TREE,
        metrics={},
    )
    hplm = open_adapter_bundle(
        tmp_path, digest=digest, backbone_fields=backbone.fields, backbone=backbone.digest
    )
    assert hplm.adapter is not None and hplm.adapter.config == config
    said = hplm.fields
    assert (said.method, said.rank, said.alpha) == (config.method, config.rank, config.alpha)
    assert said.target_modules == tuple(config.modules)


def saved(
    folder: Path, backbone: Backbone, method: AdapterMethod, adapter: HostAdapter | None = None
) -> Path:
    """Its files; a random adapter's, where none is given."""
    usual = random_adapter(backbone.fields, seed=1, config=method.config(8, 6.0))
    method.save(folder, usual if adapter is None else adapter, backbone.fields)
    return folder


@pytest.mark.parametrize("share", [None, 0.0, 0.02, 0.5, 0.99])
def test_a_file_that_is_missing_or_cut_off_is_refused(
    tmp_path: Path, backbone: Backbone, method: AdapterMethod, share: float | None
) -> None:
    for name in method.facts.files:
        path = saved(tmp_path, backbone, method) / name
        content = path.read_bytes()
        path.unlink()
        if share is not None:
            path.write_bytes(content[: int(share * len(content))])
        with pytest.raises(BundleBroken, match=name):
            method.open(tmp_path, backbone.fields)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_numbers_that_are_not_finite_are_refused(
    tmp_path: Path, backbone: Backbone, method: AdapterMethod, value: float
) -> None:
    for part in ("down", "up"):
        adapter = random_adapter(backbone.fields, seed=1, config=method.config(8, 6.0))
        getattr(next(iter(adapter.factors.values())), part)[0, 0] = value
        with pytest.raises(BundleBroken, match="not finite"):
            method.open(saved(tmp_path, backbone, method, adapter), backbone.fields)


@pytest.mark.parametrize("part", ["down", "up"])
def test_weights_of_another_shape_are_refused(
    tmp_path: Path, backbone: Backbone, method: AdapterMethod, part: str
) -> None:
    adapter = random_adapter(backbone.fields, seed=1, config=method.config(8, 6.0))
    site, factors = list(adapter.factors.items())[-1]
    wrong = replace(factors, **{part: getattr(factors, part)[:, :-1].contiguous()})
    changed = HostAdapter(adapter.config, {**adapter.factors, site: wrong})
    with pytest.raises(BundleMismatch, match="needs"):
        method.open(saved(tmp_path, backbone, method, changed), backbone.fields)


def test_weights_below_the_upper_layers_are_refused(
    tmp_path: Path, backbone: Backbone, method: AdapterMethod
) -> None:
    adapter = random_adapter(backbone.fields, seed=1, config=method.config(8, 6.0))
    site, factors = next(iter(adapter.factors.items()))
    below = {Site(1, site.module): Factors(factors.down.clone(), factors.up.clone())}
    changed = HostAdapter(adapter.config, {**adapter.factors, **below})
    with pytest.raises(BundleMismatch, match="only layers 2 to 3"):
        method.open(saved(tmp_path, backbone, method, changed), backbone.fields)


def test_files_say_which_backbone_they_are_of_or_a_manifest_must(
    tmp_path: Path, backbone: Backbone, method: AdapterMethod
) -> None:
    assert method.names_backbone(saved(tmp_path, backbone, method)) is not method.facts.needs_manifest


def test_no_two_methods_are_known_by_the_same_file() -> None:
    names = [name for method in METHODS.values() for name in method.facts.files]
    assert len(set(names)) == len(names)
