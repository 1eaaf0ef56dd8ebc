"""The device's bytes: divided without a rest to lose, refused with the numbers."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmi.base.errors import BudgetExceeded
from hmi.engine.device_plan import DeviceNeeds, plan_device

NEEDS = DeviceNeeds(
    backbone_bytes=100,
    workspace_bytes=50,
    adapter_unit_bytes=10,
    min_adapter_units=4,
    head_unit_bytes=2,
    min_head_units=8,
    min_plot_bytes=200,
)
LEAST = 100 + 50 + 5 * 10 + 9 * 2 + 200


def test_the_least_that_works_works() -> None:
    plan = plan_device(NEEDS, LEAST)
    assert (plan.num_slots, plan.num_head_units, plan.plot_bytes) == (4, 8, 200)


def test_one_byte_less_is_refused_with_a_table() -> None:
    with pytest.raises(BudgetExceeded, match=rf"HMI_DEVICE_BYTES is {LEAST - 1}.*{LEAST}") as caught:
        plan_device(NEEDS, LEAST - 1)
    for part in (
        "upper layers",
        "activation workspace",
        "4 + 1 units of 10",
        "8 + 1 units of 2",
        "PLOT nodes",
    ):
        assert part in caught.value.message


def test_more_room_gives_more_adapters_up_to_a_few_batches_each_with_a_head() -> None:
    plan = plan_device(NEEDS, 10**9)
    assert (plan.num_adapter_units, plan.num_head_units) == (16, 20)
    assert 4 < plan_device(NEEDS, 800).num_adapter_units < 16


@given(st.integers(LEAST, 10_000), st.integers(1, 10), st.integers(1, 2))
def test_the_parts_are_the_whole(budget: int, adapter_unit: int, head_unit: int) -> None:
    needs = replace(NEEDS, adapter_unit_bytes=adapter_unit, head_unit_bytes=head_unit)
    plan = plan_device(needs, budget)
    assert plan.adapter_bytes == (plan.num_adapter_units + 1) * adapter_unit
    assert plan.head_bytes == (plan.num_head_units + 1) * head_unit
    assert plan.num_adapter_units >= 4 and plan.num_head_units >= 8 and plan.plot_bytes >= 200
    assert 100 + 50 + plan.adapter_bytes + plan.head_bytes + plan.plot_bytes == budget
