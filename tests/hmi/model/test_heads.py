"""Heads of many tasks with different numbers of labels answer one batch."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hmi.base.errors import BudgetExceeded, BundleBroken, BundleMismatch, HmiError
from hmi.model.heads import HeadBank, HostHead, PackedHead, head_unit_bytes, head_units, mean_pool
from hmi.model.unit_table import MAX_GATHERED_UNITS
from tests.tiny.adapters import random_head
from tests.tiny.device import DEVICE
from wire.artifacts import BackboneFields

FIELDS = BackboneFields(
    name="tiny",
    architecture="bert",
    hidden=16,
    num_layers=2,
    num_lower=1,
    num_heads=2,
    intermediate=32,
    max_positions=32,
    vocab_size=10,
    tokenizer_sha256="",
)
NUM_LABELS = (2, 5, 8, 9, 30)


@pytest.fixture(scope="module")
def heads() -> list[HostHead]:
    return [random_head(FIELDS, num_labels=n, seed=n) for n in NUM_LABELS]


@pytest.fixture(scope="module")
def bank(heads: list[HostHead]) -> HeadBank:
    filled = HeadBank(FIELDS, num_slots=6, max_labels=32, device=DEVICE)
    for slot, head in enumerate(heads):
        filled.write(slot, PackedHead.of(head))
    return filled


def logits_of(bank: HeadBank, pooled: torch.Tensor, slots: NDArray[np.int64]) -> torch.Tensor:
    """Computed on the device, on the host."""
    return bank.logits(pooled.to(DEVICE), slots).cpu()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=12), st.integers(0, 100))
def test_a_mixed_batch_gives_each_document_its_own_heads_logits(
    bank: HeadBank, heads: list[HostHead], slots: list[int], seed: int
) -> None:
    pooled = torch.randn(len(slots), FIELDS.hidden, generator=torch.Generator().manual_seed(seed))
    logits = logits_of(bank, pooled, np.array(slots))
    for document, slot in enumerate(slots):
        head = heads[slot]
        own, rest = logits[document, : head.num_labels], logits[document, head.num_labels :]
        torch.testing.assert_close(own, head.weight @ pooled[document] + head.bias, atol=1e-4, rtol=0)
        assert (rest == -torch.inf).all()


def test_a_head_of_a_thousand_labels_makes_no_others_as_large() -> None:
    """Each head of its batch was filled up to its size: a step of all tenants took twice as long."""
    sizes = [3] * 20 + [1000] + [3] * 11
    units = [head_units(num_labels) for num_labels in sizes]
    bank = HeadBank(FIELDS, num_slots=len(sizes), max_labels=1000, num_units=sum(units), device=DEVICE)
    for slot, num_labels in enumerate(sizes):
        bank.write(slot, PackedHead.of(random_head(FIELDS, num_labels=num_labels, seed=slot)))
    call = bank.call(np.arange(len(sizes)))
    assert sum(len(part.units) for part in call.parts) == sum(units)


def test_many_large_heads_give_what_each_gives_alone_though_few_are_copied_together() -> None:
    sizes = [1000, 700, 400, 1000, 2, 1000, 900, 9]
    heads = [random_head(FIELDS, num_labels=n, seed=n + place) for place, n in enumerate(sizes)]
    bank = HeadBank(FIELDS, num_slots=len(sizes), max_labels=1000, device=DEVICE)
    for slot, head in enumerate(heads):
        bank.write(slot, PackedHead.of(head))
    slots = np.array([3, 0, 0, 7, 5, 1, 4, 4, 6, 2, 3])
    pooled = torch.randn(len(slots), FIELDS.hidden, generator=torch.Generator().manual_seed(1))
    call = bank.call(slots)
    assert max(len(part.units) for part in call.parts) <= MAX_GATHERED_UNITS
    logits = call.logits(pooled.to(DEVICE)).cpu()
    for row, slot in enumerate(slots):
        own = heads[slot].weight @ pooled[row] + heads[slot].bias
        torch.testing.assert_close(logits[row, : len(own)], own, atol=1e-4, rtol=0)
        assert (logits[row, len(own) :] == -torch.inf).all()


def test_labels_past_a_heads_own_take_no_probability(bank: HeadBank, heads: list[HostHead]) -> None:
    pooled = torch.randn(2, FIELDS.hidden, generator=torch.Generator().manual_seed(1))
    scores = logits_of(bank, pooled, np.array([0, 4])).softmax(-1)
    expected = (heads[0].weight @ pooled[0] + heads[0].bias).softmax(-1)
    torch.testing.assert_close(scores[0, :2], expected)
    assert scores[0, 2:].sum() == 0


def test_it_reads_the_arena_and_not_the_source() -> None:
    bank = HeadBank(FIELDS, num_slots=1, max_labels=8, device=DEVICE)
    head = random_head(FIELDS, num_labels=3, seed=0)
    bank.write(0, PackedHead.of(head))
    pooled = torch.randn(1, FIELDS.hidden, generator=torch.Generator().manual_seed(1))
    before = logits_of(bank, pooled, np.array([0]))
    head.weight.fill_(1e6)
    head.bias.fill_(1e6)
    assert torch.equal(logits_of(bank, pooled, np.array([0])), before)
    bank.write(0, PackedHead.of(random_head(FIELDS, num_labels=3, seed=1)))
    assert not torch.equal(logits_of(bank, pooled, np.array([0])), before)


def test_a_smaller_head_leaves_nothing_of_the_larger_one_before_it() -> None:
    bank = HeadBank(FIELDS, num_slots=1, max_labels=16, device=DEVICE)
    bank.write(0, PackedHead.of(random_head(FIELDS, num_labels=16, seed=0)))
    bank.write(0, PackedHead.of(random_head(FIELDS, num_labels=2, seed=1)))
    pooled = torch.randn(1, FIELDS.hidden, generator=torch.Generator().manual_seed(1))
    logits = logits_of(bank, pooled, np.array([0]))
    assert logits.shape == (1, 8)
    assert torch.isfinite(logits[0]).tolist() == [True] * 2 + [False] * 6
    bank.check_integrity()


def test_a_wiped_or_never_written_slot_is_refused(heads: list[HostHead]) -> None:
    bank = HeadBank(FIELDS, num_slots=2, max_labels=8, device=DEVICE)
    bank.write(0, PackedHead.of(heads[0]))
    bank.wipe(0)
    for slot in (0, 1):
        with pytest.raises(HmiError, match="are empty"):
            logits_of(bank, torch.zeros(1, FIELDS.hidden), np.array([slot]))


def test_what_a_wiped_slot_left_is_gone_before_the_next_batch_or_under_what_is_written(
    heads: list[HostHead],
) -> None:
    bank = HeadBank(FIELDS, num_slots=3, max_labels=8, device=DEVICE)
    for slot in range(3):
        bank.write(slot, PackedHead.of(heads[0]))
    call = bank.call(np.array([0]))
    bank.wipe(0)
    bank.wipe(1)
    bank.write(1, PackedHead.of(heads[1]))  # into the unit that was given back last
    bank.call(np.array([2]))
    assert call.logits(torch.zeros(1, FIELDS.hidden, device=DEVICE)).isnan().all()
    assert logits_of(bank, torch.zeros(2, FIELDS.hidden), np.array([1, 2])).isnan().sum() == 0
    bank.check_integrity()


def test_it_refuses_more_labels_than_it_takes() -> None:
    bank = HeadBank(FIELDS, num_slots=1, max_labels=8, device=DEVICE)
    with pytest.raises(BundleMismatch, match="9 labels, this service takes up to 8"):
        bank.write(0, PackedHead.of(random_head(FIELDS, num_labels=9, seed=0)))


def test_its_size_is_known_before_it_is_allocated() -> None:
    bank = HeadBank(FIELDS, num_slots=3, max_labels=20, device=DEVICE)
    assert bank.num_bytes == (3 * head_units(20) + 1) * head_unit_bytes(FIELDS)


def test_a_head_of_another_shape_or_with_nan_is_refused() -> None:
    head = random_head(FIELDS, num_labels=3, seed=0)
    with pytest.raises(BundleMismatch, match="4 labels"):
        head.check(FIELDS, 4)
    head.bias[1] = torch.nan
    with pytest.raises(BundleBroken, match="not finite"):
        head.check(FIELDS, 3)


def test_pooling_is_the_mean_of_each_documents_tokens_and_has_gradients() -> None:
    states = torch.arange(12.0).reshape(6, 2).requires_grad_()
    pooled = mean_pool(states, np.array([0, 1, 4, 6]))
    torch.testing.assert_close(pooled, torch.tensor([[0.0, 1.0], [4.0, 5.0], [9.0, 10.0]]))
    torch.autograd.backward(pooled.sum())
    assert states.grad is not None
    torch.testing.assert_close(states.grad[:, 0], torch.tensor([1, 1 / 3, 1 / 3, 1 / 3, 0.5, 0.5]))


def test_what_finds_no_units_is_refused_and_its_slot_holds_what_it_held() -> None:
    bank = HeadBank(FIELDS, num_slots=2, max_labels=16, num_units=2, device=DEVICE)
    kept, other = (random_head(FIELDS, seed=seed, num_labels=8) for seed in (1, 2))
    bank.write(0, PackedHead.of(kept))
    bank.write(1, PackedHead.of(other))
    with pytest.raises(BudgetExceeded):
        bank.write(0, PackedHead.of(random_head(FIELDS, seed=3, num_labels=16)))
    pooled = torch.ones(1, FIELDS.hidden)
    torch.testing.assert_close(logits_of(bank, pooled, np.array([0]))[0], kept.weight @ pooled[0] + kept.bias)
    bank.check_integrity()
