"""The device's bytes: divided without a rest to lose, refused with the numbers."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmi.base.errors import BudgetExceeded
from hmi.engine.device_plan import DeviceNeeds, plan_device

NEEDS = DeviceNeeds(
    backbone_bytes=100, workspace_bytes=50, slot_bytes=10, spare_bytes=10, min_slots=4, min_plot_bytes=200
)
LEAST = 100 + 50 + 10 + 4 * 10 + 200


def test_the_least_that_works_works() -> None:
    plan = plan_device(NEEDS, LEAST)
    assert (plan.num_slots, plan.adapter_bytes, plan.plot_bytes) == (4, 50, 200)


def test_one_byte_less_is_refused_with_a_table() -> None:
    with pytest.raises(BudgetExceeded, match=r"HMI_DEVICE_BYTES is 399.*400") as caught:
        plan_device(NEEDS, LEAST - 1)
    for part in ("upper layers", "activation workspace", "4 of 10", "PLOT nodes"):
        assert part in caught.value.message


def test_more_room_gives_more_slots_up_to_a_few_batches() -> None:
    assert plan_device(NEEDS, 1000).num_slots == 16
    assert plan_device(NEEDS, 10**9).num_slots == 16


@given(st.integers(LEAST, 10_000), st.integers(1, 50))
def test_the_parts_are_the_whole(budget: int, slot_bytes: int) -> None:
    needs = replace(NEEDS, slot_bytes=slot_bytes, min_plot_bytes=0, min_slots=1)
    plan = plan_device(needs, budget)
    assert plan.adapter_bytes == plan.num_slots * slot_bytes + 10
    assert plan.plot_bytes >= 0
    assert 100 + 50 + plan.adapter_bytes + plan.plot_bytes == budget
