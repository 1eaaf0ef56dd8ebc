"""When the next batch is to be chosen."""

import math

import pytest

from hmi.engine.step_pace import SPARE, STEP_TOKENS, StepPace


def test_while_nothing_is_known_the_batch_that_is_computed_ends_first() -> None:
    assert StepPace().next_s(100) == math.inf


def test_the_next_batch_is_chosen_so_much_before_the_end_as_choosing_takes() -> None:
    pace = StepPace()
    pace.observe_compute(1000, 0.001 * (1000 + STEP_TOKENS))
    assert pace.next_s(500) == pytest.approx(0.001 * (500 + STEP_TOKENS))
    for _ in range(100):
        pace.observe_prepare(0.1)
    assert pace.next_s(500) == pytest.approx(0.001 * (500 + STEP_TOKENS) - SPARE * 0.1)


def test_what_takes_longer_to_choose_than_to_compute_is_chosen_at_once() -> None:
    pace = StepPace()
    pace.observe_compute(1, 0.01)
    for _ in range(100):
        pace.observe_prepare(1.0)
    assert pace.next_s(1) == 0


def test_steps_that_become_slower_are_followed() -> None:
    pace = StepPace()
    pace.observe_compute(100, 1.0)
    for _ in range(50):
        pace.observe_compute(100, 2.0)
    assert pace.next_s(100) == pytest.approx(2.0, rel=0.01)
