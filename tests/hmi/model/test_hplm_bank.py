"""Adapter and head of a task stand in one slot together, or nothing does."""

import numpy as np
import pytest

from hmi.base.errors import BudgetExceeded, HmiError
from hmi.model.adapters.lora.config import LoraConfig
from hmi.model.backbone import Backbone
from hmi.model.heads import PackedHead
from hmi.model.hplm_bank import HplmBank, PackedHplm
from tests.tiny.adapters import random_adapter, random_head

NUM_UNITS = 4


@pytest.fixture
def bank(backbone: Backbone) -> HplmBank:
    return HplmBank(backbone.fields, num_adapter_units=NUM_UNITS, num_head_units=1, max_rank=8, max_labels=16)


def packed(bank: HplmBank, backbone: Backbone, *, num_labels: int) -> PackedHplm:
    adapter = random_adapter(backbone.fields, seed=1, config=LoraConfig(8))
    head = random_head(backbone.fields, num_labels=num_labels, seed=1)
    return PackedHplm(
        fields_json=b"{}", reads_tokens=False, adapter=bank.adapters.pack(adapter), head=PackedHead.of(head)
    )


def assert_empty(bank: HplmBank, slot: int) -> None:
    assert bank.adapters.num_free_units == NUM_UNITS
    with pytest.raises(HmiError, match="empty"):
        bank.adapters.call(np.array([slot]), np.array([0, 3]))
    with pytest.raises(HmiError, match="empty"):
        bank.heads.call(np.array([slot]))
    bank.check_integrity()


def test_a_wiped_slot_has_neither(backbone: Backbone, bank: HplmBank) -> None:
    bank.write(0, packed(bank, backbone, num_labels=2))
    bank.heads.call(np.array([0]))
    bank.wipe(0)
    assert_empty(bank, 0)


def test_where_the_head_finds_no_room_the_adapter_does_not_stay(backbone: Backbone, bank: HplmBank) -> None:
    with pytest.raises(BudgetExceeded):
        bank.write(0, packed(bank, backbone, num_labels=16))  # two units, and there is one
    assert_empty(bank, 0)
