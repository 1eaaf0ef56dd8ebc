"""The gate's test: exact, one-sided, corrected for the number of tasks."""

import pytest

from hmi.build.gate import SIGNIFICANCE, Paired, loss_p_values


def test_one_task_gets_the_sign_tests_own_value() -> None:
    assert loss_p_values([Paired(num_lost=5, num_won=0)]) == [pytest.approx(1 / 32)]
    assert loss_p_values([Paired(num_lost=3, num_won=1)]) == [pytest.approx(5 / 16)]


def test_a_task_that_wins_or_does_not_change_is_not_held_back() -> None:
    assert all(p >= SIGNIFICANCE for p in loss_p_values([Paired(0, 0), Paired(0, 20), Paired(4, 4)]))


def test_a_clear_loss_is_held_back() -> None:
    assert loss_p_values([Paired(12, 1), Paired(0, 0)])[0] < SIGNIFICANCE


def test_many_tasks_need_more_evidence() -> None:
    alone = loss_p_values([Paired(5, 0)])[0]
    among = loss_p_values([Paired(5, 0), *[Paired(1, 1)] * 9])[0]
    assert alone < SIGNIFICANCE < among
    assert among == pytest.approx(10 * alone)


def test_no_tasks_no_values() -> None:
    assert loss_p_values([]) == []
