"""The curve over the coverage floor: each row is counted as it would be answered."""

import numpy as np
import pytest

from hmi.build.evaluation import Predictions
from hmi.build.floor_curve import CONFIDENCE, SHARES, floor_curve, floor_within, floors_of, share_bound
from hmi.build.metrics import wilson_interval
from wire.inference import Coverage

KNOWN = np.array([0.9, 0.1, 0.5, 0.5, 0.7, 0.3, 1.0, 0.8, 0.6, 0.2])


def predictions(*, retrieve_s: float, compute_s: float) -> Predictions:
    rows = np.zeros((len(KNOWN), 4))
    rows[:, 0], rows[:, 2] = KNOWN, 1 - KNOWN
    return Predictions(
        np.zeros((len(KNOWN), 2), np.float32), Coverage(0, 0, 0, 0), rows, retrieve_s, compute_s, 32
    )


def test_rows_under_the_floor_count_as_computed_and_the_others_as_looked_up() -> None:
    looked_up = (KNOWN >= 0.5).astype(np.float64)  # right where it knew enough
    curve = floor_curve(
        predictions(retrieve_s=0.01, compute_s=0.09),
        predictions(retrieve_s=0.21, compute_s=0.09),
        looked_up,
        np.ones(len(KNOWN)),
        seed=1,
    )
    assert (curve[0].floor, curve[0].computed_share, curve[0].accuracy) == (0.0, 0.0, 0.7)
    assert curve[0].gain_points == 0.0
    assert curve[0].text_ms == pytest.approx(10.0)
    at_half = next(point for point in curve if point.floor == 0.5)
    assert at_half.computed_share == pytest.approx(0.3)
    assert curve[0].max_computed_share == 0.0, "nothing is under a floor of 0"
    assert 0.5 < at_half.max_computed_share < 0.6, "three of ten rows"
    assert at_half.accuracy == 1.0
    of_ten = wilson_interval(1.0, 10)
    assert at_half.accuracy_ci95 == (of_ten.low, of_ten.high), "ten rows that are all right are no proof"
    assert at_half.gain_points == pytest.approx(30.0)
    assert at_half.text_ms == pytest.approx(0.3 * 30 + 0.7 * 10)
    assert at_half.gain_points_ci95[0] <= 30.0 <= at_half.gain_points_ci95[1]
    assert curve[-1].floor == 1.0
    assert curve[-1].computed_share == pytest.approx(0.9), "at the floor is not under it"


def test_few_rows_that_are_answered_alike_are_no_proof_that_a_floor_brings_nothing() -> None:
    way, right = predictions(retrieve_s=0.01, compute_s=0.09), np.ones(len(KNOWN))
    curve = floor_curve(way, way, right, right, seed=1)
    assert curve[0].gain_points_ci95 == (0, 0), "the very same answers"
    assert all(point.gain_points_ci95[1] > 20 for point in curve[1:]), "ten rows"


def test_floors_rise_and_part_no_rows_of_equal_coverage() -> None:
    floors = floors_of(KNOWN)
    assert floors == sorted(floors) and len(floors) <= len(SHARES)
    shares = [(floor > KNOWN).mean() for floor in floors]
    assert len(set(shares)) == len(shares)
    assert floors_of([0.4] * 7) == [0.0, 1.0]


def texts(chance: np.random.Generator, num_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """What is known of each, and its length: long texts are known less, and coverage comes in steps."""
    num_tokens = np.clip(chance.lognormal(4.5, 0.5, num_rows), 8, 512).astype(np.int64)
    known = np.round(chance.normal(0.8 - 0.05 * np.log(num_tokens / 90), 0.06), 3)
    return known, num_tokens


@pytest.mark.parametrize("num_rows", [60, 100, 222, 800])
def test_a_floor_keeps_its_promise_nineteen_times_in_twenty(num_rows: int) -> None:
    chance = np.random.default_rng(num_rows)
    known, num_tokens = texts(chance, 400_000)
    order = np.argsort(known)
    below = np.concatenate(([0], np.cumsum(num_tokens[order]))) / num_tokens.sum()
    shares = []
    for _ in range(400):
        floor = floor_within(*texts(chance, num_rows), max_share=0.1)
        shares.append(below[np.searchsorted(known[order], floor)])
    assert np.mean(np.array(shares) > 0.1) < 0.075, "5%, and what chance adds in 400 tries"
    assert np.mean(shares) > (0.02 if num_rows < 100 else 0.04), "and most of what is promised is used"


def largest_shares(num_rows: int, num_texts: int, num_choices: int, *, of_these: bool) -> list[float]:
    """Of 120 runs that each choose so many floors: the most that one of them leaves to be computed. The
    promise is ``of_these`` texts by all floors of a run, or of all texts by one."""
    chance = np.random.default_rng(num_rows)
    promised = num_texts if of_these else None
    confidence = 1 - 0.05 / num_choices if of_these else CONFIDENCE

    def share() -> float:
        chosen_on = texts(chance, num_rows)
        floor = floor_within(*chosen_on, 0.1, num_texts=promised, confidence=confidence)
        known, num_tokens = texts(chance, num_texts)
        return float(num_tokens[known < floor].sum() / num_tokens.sum())

    return [max(share() for _ in range(num_choices)) for _ in range(120)]


def test_every_one_of_many_floors_keeps_its_promise_of_a_few_texts() -> None:
    kept = largest_shares(357, 741, 10, of_these=True)
    assert np.mean(np.array(kept) > 0.1) < 0.1, "5%, and what chance adds in 120 tries"
    assert np.mean(kept) > 0.03, "and it is used"
    loose = largest_shares(357, 741, 10, of_these=False)
    assert np.mean(np.array(loose) > 0.1) > 0.2, "what the number of texts and the confidence are there for"


def test_the_share_of_the_rows_chosen_on_would_pass_the_promise_half_of_the_time() -> None:
    chance = np.random.default_rng(1)
    known, num_tokens = texts(chance, 400_000)
    over = 0
    for _ in range(200):
        some_known, some_tokens = texts(chance, 222)
        order = np.argsort(some_known)
        share = np.cumsum(some_tokens[order]) / some_tokens.sum()
        floor = some_known[order][np.searchsorted(share, 0.1, side="right")]
        over += num_tokens[known < floor].sum() / num_tokens.sum() > 0.1
    assert 0.3 < over / 200 < 0.7, "what floor_within is there for"


def test_too_few_rows_promise_nothing() -> None:
    chance = np.random.default_rng(2)
    known, num_tokens = texts(chance, 12)
    assert not (known < floor_within(known, num_tokens, 0.1)).any()


def test_a_bound_is_wider_with_fewer_rows_and_with_long_ones_computed() -> None:
    few, many = np.full(20, 30), np.full(2000, 30)
    assert 0.1 < share_bound(many, np.arange(2000) < 200) < 0.12
    assert share_bound(few, np.arange(20) < 2) > 0.2
    assert 0.1 < share_bound(few, np.arange(20) < 0) < 0.15, "none of twenty says not that none is ever"
    tenth = np.arange(2000) < 200
    assert share_bound(many, tenth, num_texts=100) > share_bound(many, tenth, num_texts=2000)
    assert share_bound(many, tenth, num_texts=10**9) == pytest.approx(share_bound(many, tenth))
    assert share_bound(many, tenth, confidence=0.99) > share_bound(many, tenth)
    one_long = np.array([200] + [20] * 90)
    assert share_bound(one_long, np.arange(91) < 1) > share_bound(np.full(91, 20), np.arange(91) < 9)
