"""LoRA in training and on disk; the PEFT library reads what we write, and we refuse what is not plain LoRA
on our layers. What every method has to do: test_adapter_methods.py."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import peft
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from hmi.base.errors import BundleBroken, BundleMismatch, InvalidInput
from hmi.model.adapters.call import AdapterModule
from hmi.model.adapters.host import HostAdapter
from hmi.model.adapters.lora.config import LoraConfig
from hmi.model.adapters.lora.peft_format import CONFIG_FILE, WEIGHTS_FILE, open_peft, save_peft
from hmi.model.adapters.parameters import AdapterParameters
from hmi.model.backbone import Backbone
from tests.tiny.adapters import random_adapter


def final_states(backbone: Backbone, adapter: HostAdapter | None, text: str) -> torch.Tensor:
    documents = backbone.tokenizer.encode([text], 64).documents
    parameters = None
    if adapter is not None:
        parameters = AdapterParameters(backbone.fields, adapter.config, seed=0)
        parameters.load_host(adapter)
    with torch.inference_mode():
        states: torch.Tensor = backbone.upper(backbone.lower_states(documents), documents.offsets, parameters)
    return states


def test_the_same_seed_starts_the_same(backbone: Backbone) -> None:
    one, two, other = (AdapterParameters(backbone.fields, LoraConfig(), seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one.down[0], two.down[0])
    assert not torch.equal(one.down[0], other.down[0])


@pytest.mark.parametrize("bad", [{"rank": 0}, {"alpha": 0.0}, {"alpha": float("nan")}, {"modules": ()}])
def test_it_refuses_a_configuration_that_means_nothing(bad: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        LoraConfig(**bad)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")  # the libraries' own
@pytest.mark.parametrize("modules", [LoraConfig().modules, tuple(AdapterModule)])
def test_the_peft_library_reads_our_files_and_gives_the_same_states(
    tmp_path: Path, folder: Path, backbone: Backbone, modules: tuple[AdapterModule, ...]
) -> None:
    adapter = random_adapter(backbone.fields, seed=5, config=LoraConfig(rank=6, alpha=9, modules=modules))
    save_peft(tmp_path, adapter, backbone.fields)
    base = transformers.BertModel.from_pretrained(folder / "checkpoint", add_pooling_layer=False)
    model = peft.PeftModel.from_pretrained(base, tmp_path).eval()
    text = "the good film was very bad and we loved it"
    ids = backbone.tokenizer.encode([text], 64).documents.token_ids.astype(np.int64)
    with torch.inference_mode():
        expected = model(torch.from_numpy(ids)[None]).last_hidden_state[0]
    ours = final_states(backbone, adapter, text)
    torch.testing.assert_close(ours, expected, atol=1e-4, rtol=0)
    assert (ours - final_states(backbone, None, text)).abs().max() > 0.1


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")  # the libraries' own
def test_we_read_what_the_peft_library_writes(tmp_path: Path, folder: Path, backbone: Backbone) -> None:
    base = transformers.BertModel.from_pretrained(folder / "checkpoint", add_pooling_layer=False)
    config = peft.LoraConfig(
        r=4,
        lora_alpha=8,
        target_modules=["query", "output.dense"],
        layers_to_transform=[2, 3],
        layers_pattern="layer",
    )
    torch.manual_seed(0)
    model = peft.get_peft_model(base, config).eval()
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    model.peft_config["default"].base_model_name_or_path = backbone.fields.name
    model.save_pretrained(str(tmp_path))
    adapter = open_peft(tmp_path, backbone.fields)
    text = "no new music for the old party"
    ids = backbone.tokenizer.encode([text], 64).documents.token_ids.astype(np.int64)
    with torch.inference_mode():
        expected = model(torch.from_numpy(ids)[None]).last_hidden_state[0]
    torch.testing.assert_close(final_states(backbone, adapter, text), expected, atol=1e-4, rtol=0)


Change = Callable[[dict[str, Any], dict[str, torch.Tensor]], None]

V2 = "base_model.model.encoder.layer.2.attention.self.value"
V1 = "base_model.model.encoder.layer.1.attention.self.value"


def _move(weights: dict[str, torch.Tensor], old: str, new: str) -> None:
    for factor in ("lora_A.weight", "lora_B.weight"):
        weights[f"{new}.{factor}"] = weights.pop(f"{old}.{factor}")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda c, w: _move(w, V2, V1), "only layers 2 to 3 of tiny take adapters"),
        (lambda c, w: _move(w, V2, V2.replace(".2.", ".7.")), "only layers 2 to 3"),
        (lambda c, w: _move(w, V2, "base_model.model.pooler.dense"), "belongs to no module"),
        (lambda c, w: w.update({V2 + ".lora_magnitude_vector": torch.ones(1)}), "belongs to no module"),
        (lambda c, w: w.pop(V2 + ".lora_B.weight"), "only lora_A"),
        (lambda c, w: w.update({V2 + ".lora_A.weight": torch.zeros(8, 31)}), r"\(8, 31\)"),
        (lambda c, w: w.clear(), "no LoRA weights"),
        (lambda c, w: c.update(r=4), r"needs \(4, 32\)"),
        (lambda c, w: c.update(r=0), "rank is 0"),
        (lambda c, w: c.update(lora_alpha=-1), "alpha -1"),
        (lambda c, w: c.update(base_model_name_or_path="other/model"), "trained on other/model"),
        (lambda c, w: c.update(peft_type="IA3"), "method is IA3"),
        (lambda c, w: c.update(use_dora=True), "use_dora"),
        (lambda c, w: c.update(use_rslora=True), "use_rslora"),
        (lambda c, w: c.update(rank_pattern={"query": 4}), "rank_pattern"),
        (lambda c, w: c.update(bias="all"), "bias"),
        (lambda c, w: c.update(init_lora_weights="pissa"), "init_lora_weights=pissa"),
        (lambda c, w: c.update(option_of_next_year=True), "option_of_next_year"),
    ],
)
def test_it_refuses_what_is_not_plain_lora_on_the_upper_layers(
    tmp_path: Path, backbone: Backbone, change: Change, problem: str
) -> None:
    save_peft(tmp_path, random_adapter(backbone.fields, seed=1), backbone.fields)
    config, weights = json.loads((tmp_path / CONFIG_FILE).read_text()), load_file(tmp_path / WEIGHTS_FILE)
    change(config, weights)
    (tmp_path / CONFIG_FILE).write_text(json.dumps(config))
    save_file(weights, tmp_path / WEIGHTS_FILE)
    with pytest.raises(BundleMismatch, match=problem):
        open_peft(tmp_path, backbone.fields)


@pytest.mark.parametrize("name", [CONFIG_FILE, WEIGHTS_FILE])
def test_it_refuses_files_that_are_rubbish(tmp_path: Path, backbone: Backbone, name: str) -> None:
    save_peft(tmp_path, random_adapter(backbone.fields, seed=1), backbone.fields)
    (tmp_path / name).write_bytes(b"\x00\x01 rubbish")
    with pytest.raises(BundleBroken):
        open_peft(tmp_path, backbone.fields)
