"""Sets of labels and what they promise."""

import random

import pytest

from hmi.base.label_sets import NUM_LEVELS, label_set, threshold_at, thresholds_of


def test_a_threshold_is_what_one_row_more_exceeds_as_rarely_as_promised() -> None:
    thresholds = thresholds_of([score / 100 for score in range(1, 100)])  # 99 rows
    assert len(thresholds) == NUM_LEVELS
    # With 99 rows the 90th smallest miss is exceeded by one more row in 10 of 100 cases.
    assert threshold_at(thresholds, 0.1) == pytest.approx(0.9)
    assert threshold_at(thresholds, 0.5) == pytest.approx(0.5)
    assert list(thresholds) == sorted(thresholds, reverse=True)


def test_a_level_between_two_takes_the_safer_one() -> None:
    thresholds = thresholds_of([score / 1000 for score in range(1, 1000)])
    assert threshold_at(thresholds, 0.109) == threshold_at(thresholds, 0.1)
    assert threshold_at(thresholds, 0.29) == thresholds[28]


def test_few_rows_promise_little_and_then_every_label_is_in_the_set() -> None:
    thresholds = thresholds_of([0.9] * 9)
    assert threshold_at(thresholds, 0.05) == 1.0
    assert label_set([0.99, 0.01, 0.0], threshold_at(thresholds, 0.05)) == [0, 1, 2]
    assert threshold_at(thresholds, 0.1) == pytest.approx(0.1)
    assert thresholds_of([]) == (1.0,) * NUM_LEVELS


def test_a_set_has_the_likely_labels_in_order_and_never_none() -> None:
    assert label_set([0.2, 0.7, 0.1], 0.85) == [1, 0]
    assert label_set([0.2, 0.7, 0.1], 0.0) == [1]
    assert label_set([0.5, 0.5], 0.5) == [0, 1]


@pytest.mark.parametrize("level", [0.05, 0.1, 0.3])
def test_the_promise_is_kept_on_rows_like_those_that_it_was_made_from(level: float) -> None:
    chance = random.Random(1)

    def draw() -> tuple[list[float], int]:
        """Scores of three labels that boast, and the true one."""
        weights = [chance.random() ** 3 for _ in range(3)]
        true = chance.choices(range(3), weights)[0]
        boasting = [weight**2 for weight in weights]
        return [one / sum(boasting) for one in boasting], true

    misses = 0
    for _ in range(200):
        rows = [draw() for _ in range(60)]
        threshold = threshold_at(thresholds_of([scores[true] for scores, true in rows]), level)
        misses += sum(
            true not in label_set(scores, threshold) for scores, true in (draw() for _ in range(20))
        )
    assert misses / 4000 < level + 0.015
    assert misses / 4000 > level - 0.05
