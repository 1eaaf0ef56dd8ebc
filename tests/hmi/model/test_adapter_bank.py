"""Many adapters in one batch give what each gives alone, and the forward reads the arena and nothing else."""

import copy
import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from numpy.typing import NDArray
from torch.nn import functional

from hmi.base.errors import BudgetExceeded, BundleMismatch, HmiError
from hmi.model.adapter_bank import IDENTITY, AdapterBank, BankCall, add_adapters
from hmi.model.adapter_units import adapter_unit_bytes, adapter_units
from hmi.model.adapters.bottleneck.config import BottleneckConfig
from hmi.model.adapters.call import RETURNING_MODULES, AdapterModule, Site
from hmi.model.adapters.host import AdapterConfig, HostAdapter
from hmi.model.adapters.lora.config import LoraConfig
from hmi.model.adapters.methods import METHODS
from hmi.model.adapters.parameters import AdapterParameters
from hmi.model.backbone import Backbone
from hmi.model.serving_layers import ServingLayers
from hmi.model.token_chunks import padded_tokens
from hmi.plot.ngram import Documents
from tests.tiny.adapters import random_adapter
from tests.tiny.device import DEVICE

TOLERANCE = 1e-4
RANKS = {0: 8, 1: 4, 2: 20, 3: 32, 4: 8}


@pytest.fixture(scope="module")
def adapters(backbone: Backbone) -> dict[int, HostAdapter]:
    everywhere = tuple(AdapterModule)
    following = {6: BottleneckConfig(8), 7: BottleneckConfig(12, modules=(AdapterModule.OUTPUT,))}
    bottlenecks = {
        slot: random_adapter(backbone.fields, seed=slot, config=config) for slot, config in following.items()
    }
    return bottlenecks | {
        slot: random_adapter(
            backbone.fields,
            seed=slot,
            config=LoraConfig(
                rank, alpha=2.0 * rank, modules=everywhere if slot == 4 else LoraConfig().modules
            ),
        )
        for slot, rank in RANKS.items()
    }


@pytest.fixture(scope="module")
def bank(backbone: Backbone, adapters: dict[int, HostAdapter]) -> AdapterBank:
    filled = AdapterBank(backbone.fields, num_slots=8, max_rank=32, device=DEVICE)
    for slot, adapter in adapters.items():
        filled.write(slot, filled.pack(adapter))
    filled.write(5, None)
    return filled


def documents_of(lengths: list[int], backbone: Backbone) -> tuple[torch.Tensor, NDArray[np.int64]]:
    generator = np.random.default_rng(0)
    documents = Documents.pack(
        [generator.integers(0, backbone.fields.vocab_size, n).astype(np.int32) for n in lengths]
    )
    return backbone.lower_states(documents), documents.offsets


def served(
    backbone: Backbone, states: torch.Tensor, offsets: NDArray[np.int64], call: BankCall | None
) -> torch.Tensor:
    """Final states as the service computes them, on the device."""
    layers = ServingLayers(copy.deepcopy(backbone.upper).to(DEVICE), dtype=torch.float32)
    return layers.forward(states.to(DEVICE), layers.attention(offsets), call).cpu()


def added(call: BankCall, module: AdapterModule, inputs: torch.Tensor, outputs: torch.Tensor) -> torch.Tensor:
    """What the frozen ``outputs`` of a module of layer 2 become."""
    padding = (0, 0, 0, padded_tokens(len(inputs)) - len(inputs))
    given, adapted = (functional.pad(part, padding).to(DEVICE).contiguous() for part in (inputs, outputs))
    add_adapters(call.used.get(Site(2, module)), call.groups, given, adapted, module in RETURNING_MODULES)
    return adapted[: len(outputs)].cpu()


def reference(backbone: Backbone, adapter: HostAdapter | None, states: torch.Tensor) -> torch.Tensor:
    """The same through the parameters that training uses: other code over the same weights."""
    offsets = np.array([0, len(states)])
    if adapter is None:
        plain: torch.Tensor = backbone.upper(states, offsets, None)
        return plain
    parameters = AdapterParameters(backbone.fields, adapter.config, seed=0)
    parameters.load_host(adapter)
    adapted: torch.Tensor = backbone.upper(states, offsets, parameters)
    return adapted


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([IDENTITY, *range(8)]), st.integers(1, 20)), min_size=1, max_size=9)
)
def test_a_mixed_batch_gives_what_each_adapter_gives_alone(
    backbone: Backbone, bank: AdapterBank, adapters: dict[int, HostAdapter], batch: list[tuple[int, int]]
) -> None:
    slots = np.array([slot for slot, _ in batch])
    states, offsets = documents_of([length for _, length in batch], backbone)
    with torch.inference_mode():
        together = served(backbone, states, offsets, bank.call(slots, offsets))
        for slot, start, end in zip(slots, offsets[:-1], offsets[1:], strict=True):
            alone = reference(backbone, adapters.get(int(slot)), states[start:end])
            torch.testing.assert_close(together[start:end], alone, atol=TOLERANCE, rtol=0)


def test_the_adapters_of_these_tests_differ_enough_to_tell_them_apart(
    backbone: Backbone, adapters: dict[int, HostAdapter]
) -> None:
    states, _ = documents_of([12], backbone)
    with torch.inference_mode():
        answers = [reference(backbone, adapter, states) for adapter in (None, *adapters.values())]
    for i, one in enumerate(answers):
        for other in answers[:i]:
            assert (one - other).abs().max() > 100 * TOLERANCE


def test_the_order_of_documents_is_irrelevant(backbone: Backbone, bank: AdapterBank) -> None:
    lengths, slots = [5, 9, 5, 3, 12, 7], np.array([0, 3, 6, IDENTITY, 0, 7])
    states, offsets = documents_of(lengths, backbone)
    order = list(range(len(lengths)))
    random.Random(3).shuffle(order)
    shuffled = torch.cat([states[offsets[i] : offsets[i + 1]] for i in order])
    new_offsets = np.concatenate(([0], np.cumsum([lengths[i] for i in order])))
    with torch.inference_mode():
        one = served(backbone, states, offsets, bank.call(slots, offsets))
        other = served(backbone, shuffled, new_offsets, bank.call(slots[order], new_offsets))
    for place, i in enumerate(order):
        torch.testing.assert_close(
            other[new_offsets[place] : new_offsets[place + 1]],
            one[offsets[i] : offsets[i + 1]],
            atol=TOLERANCE,
            rtol=0,
        )


@pytest.mark.parametrize("config", [method.config(8, 16.0) for method in METHODS.values()])
def test_the_forward_reads_the_arena_and_not_the_source(backbone: Backbone, config: AdapterConfig) -> None:
    adapter = random_adapter(backbone.fields, seed=7, config=config)
    bank = AdapterBank(backbone.fields, num_slots=1, max_rank=8, device=DEVICE)
    bank.write(0, bank.pack(adapter))
    states, offsets = documents_of([6, 8], backbone)
    slots = np.array([0, 0])
    with torch.inference_mode():
        before = served(backbone, states, offsets, bank.call(slots, offsets))
        for factors in adapter.factors.values():
            factors.down.fill_(1e6)
            factors.up.fill_(1e6)
        assert torch.equal(served(backbone, states, offsets, bank.call(slots, offsets)), before)
        bank.write(0, bank.pack(random_adapter(backbone.fields, seed=8)))
        assert not torch.allclose(served(backbone, states, offsets, bank.call(slots, offsets)), before)


@pytest.mark.parametrize(
    "small_config",
    [
        *(method.config(3, 16.0) for method in METHODS.values()),
        LoraConfig(3, modules=(AdapterModule.KEY,)),
    ],
)
def test_a_slot_that_is_written_again_keeps_nothing_of_the_old_adapter(
    backbone: Backbone, small_config: AdapterConfig
) -> None:
    """Also where the new adapter does not act, which a neighbour that acts everywhere lets the batch read."""
    fresh, used = (AdapterBank(backbone.fields, num_slots=2, max_rank=16, device=DEVICE) for _ in range(2))
    wide = LoraConfig(16, modules=tuple(AdapterModule))
    neighbour, old = (random_adapter(backbone.fields, seed=seed, config=wide) for seed in (3, 1))
    used.write(0, used.pack(old))
    small = random_adapter(backbone.fields, seed=2, config=small_config)
    for bank in (fresh, used):
        bank.write(0, bank.pack(small))
        bank.write(1, bank.pack(neighbour))
    states, offsets = documents_of([10, 10], backbone)
    slots = np.array([0, 1])
    with torch.inference_mode():
        expected = served(backbone, states, offsets, fresh.call(slots, offsets))
        assert torch.equal(served(backbone, states, offsets, used.call(slots, offsets)), expected)


def test_a_wiped_slot_is_refused_and_its_neighbours_are_untouched(backbone: Backbone) -> None:
    bank = AdapterBank(backbone.fields, num_slots=3, max_rank=8, device=DEVICE)
    bank.write(0, bank.pack(random_adapter(backbone.fields, seed=1)))
    bank.write(1, bank.pack(random_adapter(backbone.fields, seed=2)))
    states, offsets = documents_of([4], backbone)
    with torch.inference_mode():
        before = served(backbone, states, offsets, bank.call(np.array([1]), offsets))
        bank.wipe(0)
        bank.wipe(2)
        for empty in (0, 2):
            with pytest.raises(HmiError, match="are empty"):
                bank.call(np.array([empty]), offsets)
        assert torch.equal(served(backbone, states, offsets, bank.call(np.array([1]), offsets)), before)


def test_a_call_that_outlives_its_slot_gives_no_answer(backbone: Backbone) -> None:
    bank = AdapterBank(backbone.fields, num_slots=1, max_rank=8, device=DEVICE)
    bank.write(0, bank.pack(random_adapter(backbone.fields, seed=1)))
    states, offsets = documents_of([4], backbone)
    call = bank.call(np.array([0]), offsets)
    bank.wipe(0)
    bank.call(np.array([IDENTITY]), offsets)  # the next batch's
    with torch.inference_mode():
        assert served(backbone, states, offsets, call).isnan().all()


def test_a_batch_without_adapters_takes_the_plain_forward(bank: AdapterBank) -> None:
    assert bank.call(np.array([IDENTITY, 5]), np.array([0, 3, 6])) is None


def test_its_size_is_known_before_it_is_allocated(backbone: Backbone) -> None:
    fields = backbone.fields
    bank = AdapterBank(fields, num_slots=3, max_rank=20, device=DEVICE)
    assert adapter_units(20) == 3
    assert bank.num_bytes == (3 * 3 + 1) * adapter_unit_bytes(fields)


def test_it_refuses_a_rank_above_its_own_and_keeps_the_old_adapter(backbone: Backbone) -> None:
    bank = AdapterBank(backbone.fields, num_slots=1, max_rank=8, device=DEVICE)
    bank.write(0, bank.pack(random_adapter(backbone.fields, seed=1)))
    with pytest.raises(BundleMismatch, match="rank 9, this service takes up to 8"):
        bank.write(0, bank.pack(random_adapter(backbone.fields, seed=2, config=LoraConfig(9))))
    assert bank.call(np.array([0]), np.array([0, 2])) is not None


def test_a_pool_shared_by_ranks_refuses_what_has_no_room(backbone: Backbone) -> None:
    bank = AdapterBank(backbone.fields, num_slots=4, max_rank=32, num_units=4, device=DEVICE)
    bank.write(0, bank.pack(random_adapter(backbone.fields, seed=1, config=LoraConfig(24))))
    bank.write(1, bank.pack(random_adapter(backbone.fields, seed=2, config=LoraConfig(8))))
    with pytest.raises(BudgetExceeded) as refusal:
        bank.write(2, bank.pack(random_adapter(backbone.fields, seed=3, config=LoraConfig(8))))
    assert refusal.value.free_bytes == 0
    bank.write(0, bank.pack(random_adapter(backbone.fields, seed=4, config=LoraConfig(16))))
    bank.write(2, bank.pack(random_adapter(backbone.fields, seed=3, config=LoraConfig(8))))
    bank.check_integrity()


class BankMachine(RuleBasedStateMachine):
    """Random writes and wipes: a batch over all written slots always equals a bank that was filled once."""

    backbone: Backbone
    num_slots = 4

    def __init__(self) -> None:
        super().__init__()
        self.bank = AdapterBank(
            self.backbone.fields, num_slots=self.num_slots, max_rank=24, num_units=8, device=DEVICE
        )
        self.expected: dict[int, HostAdapter] = {}

    @rule(slot=st.integers(0, 3), rank=st.integers(1, 24), seed=st.integers(0, 3))
    def write(self, slot: int, rank: int, seed: int) -> None:
        config = (
            LoraConfig(rank),
            BottleneckConfig(rank),
            LoraConfig(rank, modules=tuple(AdapterModule)),
            LoraConfig(rank, modules=(AdapterModule.QUERY,)),
        )[seed]
        adapter = random_adapter(self.backbone.fields, seed=seed, config=config)
        held = sum(adapter_units(a.config.rank) for s, a in self.expected.items() if s != slot)
        if held + adapter_units(rank) > 8:
            with pytest.raises(BudgetExceeded):
                self.bank.write(slot, self.bank.pack(adapter))
        else:
            self.bank.write(slot, self.bank.pack(adapter))
            self.expected[slot] = adapter

    @rule(slot=st.integers(0, 3))
    def wipe(self, slot: int) -> None:
        self.bank.wipe(slot)
        self.expected.pop(slot, None)

    @invariant()
    def answers_are_those_of_a_fresh_bank(self) -> None:
        self.bank.check_integrity()
        if not self.expected:
            return
        fresh = AdapterBank(self.backbone.fields, num_slots=self.num_slots, max_rank=24, device=DEVICE)
        for slot, adapter in self.expected.items():
            fresh.write(slot, fresh.pack(adapter))
        slots = np.array(sorted(self.expected))
        inputs = torch.ones(len(slots), self.backbone.fields.hidden)
        offsets = np.arange(len(slots) + 1)
        answers = []
        for bank in (self.bank, fresh):
            call = bank.call(slots, offsets)
            assert call is not None
            values = inputs
            for module in (AdapterModule.QUERY, AdapterModule.VALUE, AdapterModule.ATTENTION_OUTPUT):
                values = added(call, module, inputs, values)
            output = torch.ones(len(slots), self.backbone.fields.intermediate)
            answers.append(added(call, AdapterModule.OUTPUT, output, values))
        torch.testing.assert_close(answers[0], answers[1])


def test_random_writes_and_wipes_never_mix_adapters(backbone: Backbone) -> None:
    machine = type("Machine", (BankMachine,), {"backbone": backbone})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=8, stateful_step_count=12, deadline=None)
    )
