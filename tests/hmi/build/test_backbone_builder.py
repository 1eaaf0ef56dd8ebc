"""A checkpoint becomes a bundle: whole, the same each time, with residuals that explain the states; others
are refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from hmi.base.errors import BundleMismatch, InvalidInput
from hmi.build.backbone_builder import build_backbone
from hmi.build.backbone_source import BackboneSource, find_source
from hmi.model.backbone import Backbone
from hmi.plot.estimate import build_table
from hmi.plot.merge import merge_segments
from hmi.plot.table import load_table, save_table
from tests.tiny.backbone import WORDS, make_tiny_backbone, make_tiny_checkpoint
from wire.ids import Digest


def _unheard(message: str, step: int, num_steps: int) -> None: ...


def random_text(num_words: int, seed: int) -> str:
    return " ".join(np.random.default_rng(seed).choice(WORDS, num_words))


def build(
    checkpoint: Path, folder: Path, *, num_lower: int | None = None, texts: tuple[str, ...] = ()
) -> Digest:
    folder.mkdir()
    return build_backbone(
        BackboneSource("tiny", checkpoint), folder, num_lower=num_lower, texts=texts, seed=1, report=_unheard
    )


def test_the_same_checkpoint_and_text_give_the_same_digest(tmp_path: Path) -> None:
    checkpoint = make_tiny_checkpoint(tmp_path / "checkpoint", max_positions=32)
    texts = (random_text(200, 1),)
    one = build(checkpoint, tmp_path / "one", texts=texts)
    assert build(checkpoint, tmp_path / "two", texts=texts) == one
    assert build(checkpoint, tmp_path / "three") != one
    assert Backbone.open(tmp_path / "one").digest == one


def test_another_tokenizer_makes_another_backbone_whose_tables_do_not_fit(tmp_path: Path) -> None:
    checkpoint = make_tiny_checkpoint(tmp_path / "checkpoint")
    one = build(checkpoint, tmp_path / "one")
    file = checkpoint / "tokenizer.json"
    settings = json.loads(file.read_text(encoding="utf-8"))
    vocabulary = settings["model"]["vocab"]
    first, second = WORDS[:2]
    vocabulary[first], vocabulary[second] = vocabulary[second], vocabulary[first]
    file.write_text(json.dumps(settings), encoding="utf-8")
    other = build(checkpoint, tmp_path / "other")
    assert other != one
    isolated = np.zeros((4, 2), np.float32)
    table = build_table(merge_segments([]), backbone=one, hidden=2, parents=(), isolated=isolated)
    save_table(table, tmp_path / "t.plot")
    assert load_table(tmp_path / "t.plot", backbone=one).num_rows == 4
    with pytest.raises(BundleMismatch, match="belongs to backbone"):
        load_table(tmp_path / "t.plot", backbone=other)


def test_half_of_the_layers_are_lower_unless_told(tmp_path: Path) -> None:
    checkpoint = make_tiny_checkpoint(tmp_path / "checkpoint")
    build(checkpoint, tmp_path / "half")
    build(checkpoint, tmp_path / "one", num_lower=1)
    half, one = Backbone.open(tmp_path / "half"), Backbone.open(tmp_path / "one")
    assert (half.fields.num_lower, one.fields.num_lower) == (2, 1)
    documents = half.tokenizer.encode(["good film"], 16).documents
    with torch.inference_mode():
        whole = [b.upper(b.lower_states(documents), documents.offsets, None) for b in (half, one)]
    torch.testing.assert_close(whole[0], whole[1])


def test_residuals_are_zero_without_text(tmp_path: Path) -> None:
    backbone = make_tiny_backbone(tmp_path)
    assert not backbone.residuals.position.any()
    assert not backbone.residuals.token_type.any()


def test_residuals_explain_states_of_text_that_they_were_not_measured_on(tmp_path: Path) -> None:
    learnt_on = tuple(random_text(400, seed) for seed in range(5))
    backbone = make_tiny_backbone(tmp_path, max_positions=32, texts=learnt_on)
    assert not backbone.residuals.position[0].any()
    texts = [random_text(28, seed) for seed in range(100, 160)]
    documents = backbone.tokenizer.encode(texts, 32).documents
    states = backbone.lower_states(documents)
    tokens = torch.from_numpy(documents.token_ids.astype(np.int64))

    def unexplained(rows: torch.Tensor) -> float:
        means = torch.zeros(backbone.fields.vocab_size, rows.shape[1]).index_add_(0, tokens, rows)
        means /= torch.bincount(tokens, minlength=len(means)).clamp(min=1).unsqueeze(1)
        return float((rows - means[tokens]).square().sum())

    residuals = backbone.residuals.of(documents.offsets)
    of_another_place = residuals.roll(1, dims=0)
    assert unexplained(states - residuals) < 0.95 * unexplained(states)
    assert unexplained(states - of_another_place) > unexplained(states)


def test_a_checkpoint_with_a_bert_prefix_is_the_same(tmp_path: Path) -> None:
    checkpoint = make_tiny_checkpoint(tmp_path / "checkpoint")
    plain = build(checkpoint, tmp_path / "plain")
    weights = load_file(checkpoint / "model.safetensors")
    save_file({f"bert.{name}": tensor for name, tensor in weights.items()}, checkpoint / "model.safetensors")
    assert build(checkpoint, tmp_path / "prefixed") == plain


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda c, w: c.update(model_type="roberta"), "type 'roberta'"),
        (lambda c, w: c.update(hidden_act="relu"), "relu"),
        (lambda c, w: c.update(position_embedding_type="relative_key"), "relative_key"),
        (lambda c, w: c.update(hidden_size=48), r"says \(\d+, 48\)"),
        (lambda c, w: c.update(num_attention_heads=5), "do not divide"),
        (lambda c, w: c.update(num_hidden_layers=6), r"lacks encoder\.layer\.4"),
        (lambda c, w: c.update(num_hidden_layers=1), "--num-lower"),
        (lambda c, w: c.pop("hidden_size"), "hidden_size"),
        (
            lambda c, w: w.pop("encoder.layer.3.output.dense.bias"),
            r"lacks encoder\.layer\.3\.output\.dense\.bias",
        ),
    ],
)
def test_it_refuses_a_checkpoint_that_is_not_a_whole_bert(
    tmp_path: Path, change: Callable[[dict[str, Any], dict[str, torch.Tensor]], None], problem: str
) -> None:
    checkpoint = make_tiny_checkpoint(tmp_path / "checkpoint")
    config = json.loads((checkpoint / "config.json").read_text())
    weights = load_file(checkpoint / "model.safetensors")
    change(config, weights)
    (checkpoint / "config.json").write_text(json.dumps(config))
    save_file(weights, checkpoint / "model.safetensors")
    with pytest.raises(InvalidInput, match=problem):
        build(checkpoint, tmp_path / "bundle")


@pytest.mark.parametrize("num_lower", [0, 4, -1])
def test_it_refuses_a_split_without_lower_or_upper_layers(tmp_path: Path, num_lower: int) -> None:
    checkpoint = make_tiny_checkpoint(tmp_path / "checkpoint")
    with pytest.raises(InvalidInput, match="between 1 and 3"):
        build(checkpoint, tmp_path / "bundle", num_lower=num_lower)


def test_it_refuses_a_source_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"has no config\.json"):
        find_source(str(tmp_path / "absent"))
