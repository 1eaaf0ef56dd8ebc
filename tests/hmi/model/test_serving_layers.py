"""The service's forward gives what the plain one gives: any lengths, any mix of adapters, both types."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hmi.base.errors import InvalidInput
from hmi.model import serving_layers
from hmi.model.adapter_bank import IDENTITY, AdapterBank, BankCall
from hmi.model.adapters.bottleneck.config import BottleneckConfig
from hmi.model.adapters.call import AdapterModule
from hmi.model.adapters.host import AdapterConfig
from hmi.model.adapters.lora.config import LoraConfig
from hmi.model.adapters.parameters import AdapterParameters
from hmi.model.backbone import Backbone
from hmi.model.bert import QKV
from hmi.model.heads import HeadBank, HeadRows, PackedHead
from hmi.model.residuals import RowResiduals
from hmi.model.serving_layers import ExactStates, LookedUp, ServingLayers, ServingLower, in_one_call
from hmi.plot.ngram import Documents
from tests.tiny.adapters import random_adapter, random_head
from tests.tiny.backbone import make_tiny_backbone
from tests.tiny.device import DEVICE

TOLERANCE = 1e-4
BFLOAT16_MEAN_TOLERANCE = 0.12
"""Of final states, which are layer-normed: their standard deviation is 1. Random weights round worse than
trained ones."""
RANKS = {0: 8, 1: 4, 2: 20, 3: 32}


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return make_tiny_backbone(tmp_path_factory.mktemp("tiny"), max_positions=256, device=DEVICE)


class Bank:
    """A filled bank in one type, and the same adapters as training has them: other code, same weights."""

    def __init__(self, backbone: Backbone, dtype: torch.dtype) -> None:
        fields = backbone.fields
        self.filled = AdapterBank(fields, num_slots=5, max_rank=32, device=DEVICE, dtype=dtype)
        self._alone: dict[int, AdapterParameters] = {}
        for slot, rank in RANKS.items():
            modules = tuple(AdapterModule) if slot == 1 else LoraConfig().modules
            config: AdapterConfig = LoraConfig(rank, alpha=2.0 * rank, modules=modules)
            if slot == 3:
                config = BottleneckConfig(rank)
            adapter = random_adapter(fields, seed=slot, config=config, scale=0.1)
            self.filled.write(slot, self.filled.pack(adapter))
            self._alone[slot] = AdapterParameters(fields, config, seed=0)
            self._alone[slot].load_host(adapter)
            self._alone[slot].to(DEVICE)
        self.filled.write(4, None)

    def call(self, slots: list[int], offsets: NDArray[np.int64]) -> BankCall | None:
        return self.filled.call(np.array(slots), offsets)

    def alone(self, slot: int) -> AdapterParameters | None:
        return self._alone.get(slot)


@pytest.fixture(scope="module", params=[torch.float32, torch.bfloat16], ids=str)
def dtype(request: pytest.FixtureRequest) -> torch.dtype:
    chosen: torch.dtype = request.param
    return chosen


@pytest.fixture(scope="module")
def bank(backbone: Backbone, dtype: torch.dtype) -> Bank:
    return Bank(backbone, dtype)


@pytest.fixture(scope="module")
def serving(backbone: Backbone, dtype: torch.dtype) -> ServingLayers:
    return ServingLayers(backbone.upper, dtype=dtype)


def states_of(lengths: list[int], hidden: int) -> tuple[torch.Tensor, NDArray[np.int64]]:
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    generator = torch.Generator().manual_seed(sum(lengths))
    return torch.randn(int(offsets[-1]), hidden, generator=generator).to(DEVICE), offsets


slots_and_lengths = st.lists(
    st.tuples(st.sampled_from([IDENTITY, *range(5)]), st.one_of(st.integers(1, 30), st.integers(60, 200))),
    min_size=1,
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(slots_and_lengths)
def test_a_mixed_batch_gives_what_the_plain_forward_gives_alone(
    backbone: Backbone,
    bank: Bank,
    serving: ServingLayers,
    dtype: torch.dtype,
    batch: list[tuple[int, int]],
) -> None:
    slots = [slot for slot, _ in batch]
    states, offsets = states_of([length for _, length in batch], backbone.fields.hidden)
    together = serving.forward(states, serving.attention(offsets), bank.call(slots, offsets))
    assert together.dtype is torch.float32
    for slot, start, end in zip(slots, offsets[:-1], offsets[1:], strict=True):
        with torch.inference_mode():
            alone = backbone.upper(states[start:end], np.array([0, end - start]), bank.alone(slot))
        if dtype is torch.float32:
            torch.testing.assert_close(together[start:end], alone, atol=TOLERANCE, rtol=0)
        else:
            assert (together[start:end] - alone).abs().mean() < BFLOAT16_MEAN_TOLERANCE


def test_adapters_move_states_by_far_more_than_the_tolerance(
    backbone: Backbone, bank: Bank, serving: ServingLayers
) -> None:
    states, offsets = states_of([20], backbone.fields.hidden)
    answers = [
        serving.forward(states, serving.attention(offsets), bank.call([slot], offsets))
        for slot in (IDENTITY, *RANKS)
    ]
    for number, one in enumerate(answers):
        for other in answers[:number]:
            assert (one - other).abs().mean() > 2 * BFLOAT16_MEAN_TOLERANCE


def test_weights_count_in_the_type_that_they_have(
    backbone: Backbone, serving: ServingLayers, dtype: torch.dtype
) -> None:
    whole = sum(parameter.nbytes for parameter in backbone.upper.parameters())
    assert serving.num_bytes == whole * dtype.itemsize // 4


@pytest.mark.parametrize("has_types", [False, True])
def test_lower_layers_of_the_exact_path_give_what_the_plain_ones_give(
    backbone: Backbone, dtype: torch.dtype, has_types: bool
) -> None:
    assert backbone.lower is not None
    chance = np.random.default_rng(5)
    texts = [chance.integers(3, backbone.fields.vocab_size, length) for length in (1, 70, 40, 200, 9)]
    documents = Documents.pack([text.astype(np.int32) for text in texts])
    types = chance.integers(0, 2, documents.num_tokens) if has_types else None
    lower = ServingLower(backbone.lower, dtype=dtype)
    found = lower(documents, types)
    with torch.inference_mode():
        expected = backbone.lower(documents, types)
    assert found.dtype is torch.float32
    if dtype is torch.float32:
        torch.testing.assert_close(found, expected, atol=TOLERANCE, rtol=0)
    else:
        assert 0 < (found - expected).abs().mean() < BFLOAT16_MEAN_TOLERANCE
    embeddings = sum(weight.nbytes for weight in backbone.lower.embeddings.parameters())
    whole = sum(parameter.nbytes for parameter in backbone.lower.parameters())
    assert lower.num_bytes == embeddings + (whole - embeddings) * dtype.itemsize // 4


def test_a_document_longer_than_the_positions_is_refused(backbone: Backbone, dtype: torch.dtype) -> None:
    assert backbone.lower is not None
    lower = ServingLower(backbone.lower, dtype=dtype)
    with pytest.raises(InvalidInput, match="257 tokens, the backbone takes 256"):
        lower(Documents.pack([np.full(257, 5, np.int32)]), None)


def test_what_it_is_warmed_up_with_changes_nothing(
    backbone: Backbone, bank: Bank, serving: ServingLayers, dtype: torch.dtype
) -> None:
    states, offsets = states_of([70, 40], backbone.fields.hidden)
    attention = serving.attention(offsets)
    before = serving.forward(states, attention, bank.call([0, 3], offsets))
    serving.warm_up(130, bank.filled)
    bank.filled.check_integrity()
    assert torch.equal(serving.forward(states, attention, bank.call([0, 3], offsets)), before)
    idle = bank.filled.idle_call(num_chunks=2, width=4)
    plain = serving.forward(states, attention, None)
    assert torch.equal(serving.forward(states, attention, idle), plain)


LENGTHS, READS_TOKENS = [5, 70, 40, 130, 64, 9], [False, True, False, False, False, True]


@pytest.mark.parametrize("is_exact", [False, True])
def test_a_batch_is_one_call_of_the_library_and_gives_what_its_steps_give(
    backbone: Backbone, bank: Bank, dtype: torch.dtype, is_exact: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(in_one_call(serving_layers.answers), torch.jit.ScriptFunction)
    fields, slots = backbone.fields, [IDENTITY, 0, 1, 2, 3, 4]
    rows, offsets = states_of(LENGTHS, fields.hidden)
    residuals = RowResiduals(*(torch.randn(n, fields.hidden).to(DEVICE) for n in (fields.max_positions, 2)))
    types = np.random.default_rng(1).integers(0, 2, len(rows))
    exact = ExactStates(torch.arange(5, 75, device=DEVICE), torch.randn(70, fields.hidden).to(DEVICE))
    heads = HeadBank(fields, num_slots=5, max_labels=32, device=DEVICE)
    own = [random_head(fields, num_labels=labels, seed=labels) for labels in (2, 30, 8, 9, 3)]
    for slot, head in enumerate(own):
        heads.write(slot, PackedHead.of(head))
    head_rows, bounds = HeadRows.of(offsets, READS_TOKENS, DEVICE)
    head_of = [0, 1, 2, 2, 3, 4]
    looked_up = LookedUp(rows.cpu(), residuals.places(offsets, types))

    def answers(layers: ServingLayers) -> torch.Tensor:
        return layers.answers(
            looked_up,
            residuals,
            exact if is_exact else None,
            layers.attention(offsets),
            bank.call(slots, offsets),
            head_rows,
            heads.call(np.repeat(head_of, np.diff(bounds))),
        )

    compiled = ServingLayers(backbone.upper, dtype=dtype)
    found = answers(compiled)
    monkeypatch.setattr(serving_layers, "in_one_call", lambda steps: steps)
    assert torch.equal(found, answers(ServingLayers(backbone.upper, dtype=dtype)))
    positions = torch.cat([torch.arange(length) for length in LENGTHS])
    states = rows + residuals.position[positions] + residuals.token_type[torch.from_numpy(types)]
    if is_exact:
        states[exact.tokens] = exact.states
    final = compiled.forward(states, compiled.attention(offsets), bank.call(slots, offsets)).cpu()
    for document, reads_tokens in enumerate(READS_TOKENS):
        own_states = final[offsets[document] : offsets[document + 1]]
        read = own_states if reads_tokens else own_states.mean(0, keepdim=True)
        head = own[head_of[document]]
        given = found[bounds[document] : bounds[document + 1]]
        torch.testing.assert_close(
            given[:, : head.num_labels], read @ head.weight.T + head.bias, atol=TOLERANCE, rtol=0
        )
        assert (given[:, head.num_labels :] == -torch.inf).all()


@pytest.mark.parametrize("missing", ["the compiler", "its switch"])
def test_without_the_compiler_the_steps_run_one_by_one(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(function: object) -> None:
        raise RuntimeError("not supported")

    if missing == "the compiler":
        monkeypatch.setattr(torch.jit, "script", refuse)
    else:
        monkeypatch.delattr(torch._C, "_jit_set_texpr_fuser_enabled")
    assert in_one_call.__wrapped__(serving_layers.forward) is serving_layers.forward


@pytest.mark.parametrize("by_products", [False, True])
@pytest.mark.parametrize(
    ("scale", "modules"), [(10.0, tuple(AdapterModule)), (1e3, tuple(AdapterModule)), (1e6, QKV)]
)
def test_an_adapter_of_huge_weights_neither_sees_nor_moves_the_others_of_its_row(
    backbone: Backbone,
    dtype: torch.dtype,
    scale: float,
    modules: tuple[AdapterModule, ...],
    by_products: bool,
) -> None:
    """Scores grow with the weights: what hides other documents has to hide them whatever the scores are."""
    fields = backbone.fields
    filled = AdapterBank(fields, num_slots=3, max_rank=8, device=DEVICE, dtype=dtype)
    config = LoraConfig(modules=modules)
    for slot, of_slot in enumerate((0.1, scale, -scale)):
        adapter = random_adapter(fields, seed=1 + slot, config=config, scale=of_slot)
        filled.write(slot, filled.pack(adapter))
    serving = ServingLayers(backbone.upper, dtype=dtype)
    serving._attends_by_products = by_products
    states, offsets = states_of([20, 24], fields.hidden)
    attention = serving.attention(offsets)
    assert [group.num_rows for group in attention.groups] == [1], "they share a row"

    def answers(states: torch.Tensor, slot: int) -> torch.Tensor:
        return serving.forward(states, attention, filled.call(np.array([0, slot]), offsets))

    before = answers(states, 1)
    assert torch.isfinite(before).all()
    assert torch.equal(answers(states, 2)[:20], before[:20]), "it moved the other one"
    changed = torch.cat((states[:20].roll(1, 0), states[20:]))
    assert not torch.equal(answers(changed, 1)[:20], before[:20])
    assert torch.equal(answers(changed, 1)[20:], before[20:]), "it saw the other one"
