"""Lower and upper layers together are transformers' BertModel or MPNetModel, on packed documents of any
lengths."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st

from hmi.base.errors import BundleBroken, BundleMismatch, InvalidInput
from hmi.model.backbone import UPPER_FILE, Backbone
from hmi.model.serving_layers import ServingLayers
from hmi.plot.ngram import Documents
from tests.tiny.backbone import SPECIAL_TOKENS, make_tiny_backbone
from wire.ids import Digest

TOLERANCE = 1e-4


def random_documents(lengths: list[int], vocab_size: int, seed: int = 0) -> Documents:
    """Of no special tokens: [SEP] would part two texts."""
    random = np.random.default_rng(seed)
    return Documents.pack(
        [random.integers(len(SPECIAL_TOKENS), vocab_size, n).astype(np.int32) for n in lengths]
    )


def test_with_relative_positions_it_is_mpnet(tmp_path: Path) -> None:
    backbone = make_tiny_backbone(tmp_path, architecture="mpnet", max_positions=200)
    documents = random_documents([5, 2, 190, 5, 33], backbone.fields.vocab_size)
    lower = backbone.lower_states(documents)
    with torch.inference_mode():
        final = backbone.upper(lower, documents.offsets, None)
        serving = ServingLayers(backbone.upper, dtype=torch.float32)
        served = serving.forward(lower, serving.attention(documents.offsets), None)
    library = transformers.MPNetModel.from_pretrained(tmp_path / "checkpoint", add_pooling_layer=False)
    for start, end in zip(documents.offsets[:-1], documents.offsets[1:], strict=True):
        ids = torch.from_numpy(documents.token_ids[start:end].astype(np.int64))[None]
        with torch.inference_mode():
            expected = library(ids, output_hidden_states=True)
        torch.testing.assert_close(lower[start:end], expected.hidden_states[2][0], atol=TOLERANCE, rtol=0)
        for states in (final, served):
            torch.testing.assert_close(
                states[start:end], expected.last_hidden_state[0], atol=TOLERANCE, rtol=0
            )


@pytest.mark.parametrize("lengths", [[5, 2, 64, 5, 1, 33], [3, 3, 3], [7]])
def test_it_gives_the_hidden_states_of_the_library(
    folder: Path, backbone: Backbone, lengths: list[int]
) -> None:
    documents = random_documents(lengths, backbone.fields.vocab_size)
    lower = backbone.lower_states(documents)
    with torch.inference_mode():
        final = backbone.upper(lower, documents.offsets, None)
    library = transformers.BertModel.from_pretrained(folder / "checkpoint", add_pooling_layer=False)
    for start, end in zip(documents.offsets[:-1], documents.offsets[1:], strict=True):
        ids = torch.from_numpy(documents.token_ids[start:end].astype(np.int64))[None]
        with torch.inference_mode():
            expected = library(ids, output_hidden_states=True)
        torch.testing.assert_close(lower[start:end], expected.hidden_states[2][0], atol=TOLERANCE, rtol=0)
        torch.testing.assert_close(final[start:end], expected.last_hidden_state[0], atol=TOLERANCE, rtol=0)


@settings(max_examples=25, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=8), shuffler=st.randoms(use_true_random=False)
)
def test_a_document_gets_the_same_states_alone_and_in_any_order(
    backbone: Backbone, lengths: list[int], shuffler: random.Random
) -> None:
    packed = random_documents(lengths, backbone.fields.vocab_size)
    parts = [packed.token_ids[a:b] for a, b in zip(packed.offsets[:-1], packed.offsets[1:], strict=True)]
    order = list(range(len(parts)))
    shuffler.shuffle(order)
    shuffled = Documents.pack([parts[i] for i in order])
    with torch.inference_mode():
        together = backbone.upper(backbone.lower_states(shuffled), shuffled.offsets, None)
        for place, i in enumerate(order):
            alone = Documents.pack([parts[i]])
            expected = backbone.upper(backbone.lower_states(alone), alone.offsets, None)
            found = together[shuffled.offsets[place] : shuffled.offsets[place + 1]]
            torch.testing.assert_close(found, expected, atol=TOLERANCE, rtol=0)


def test_gradients_reach_the_states_and_no_frozen_weight(backbone: Backbone) -> None:
    documents = random_documents([4, 9, 4], backbone.fields.vocab_size)
    states = backbone.lower_states(documents).clone().requires_grad_()
    backbone.upper(states, documents.offsets, None).square().sum().backward()
    assert states.grad is not None
    assert states.grad.abs().sum(1).min() > 0
    assert all(p.grad is None and not p.requires_grad for p in backbone.upper.parameters())


def test_it_refuses_a_document_longer_than_its_positions(backbone: Backbone) -> None:
    with pytest.raises(InvalidInput, match="65 tokens, the backbone takes 64"):
        backbone.lower_states(random_documents([65], backbone.fields.vocab_size))


def test_it_opens_without_the_lower_layers(folder: Path, backbone: Backbone) -> None:
    light = Backbone.open(folder / "backbone", with_lower=False)
    assert light.lower is None
    documents = random_documents([6, 3], backbone.fields.vocab_size)
    states = backbone.lower_states(documents)
    assert torch.equal(
        light.upper(states, documents.offsets, None), backbone.upper(states, documents.offsets, None)
    )


def test_it_refuses_another_digest(folder: Path) -> None:
    with pytest.raises(BundleMismatch):
        Backbone.open(folder / "backbone", digest=Digest("sha256:" + "0" * 64))


def test_it_refuses_a_changed_file(tmp_path: Path) -> None:
    make_tiny_backbone(tmp_path)
    path = tmp_path / "backbone" / UPPER_FILE
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(BundleBroken, match=UPPER_FILE):
        Backbone.open(tmp_path / "backbone")
