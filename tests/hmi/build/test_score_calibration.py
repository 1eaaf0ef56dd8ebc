"""A temperature makes scores honest, in the head itself, and its figures agree with each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmi.build.metrics import expected_calibration_error
from hmi.build.score_calibration import (
    fit_label_maps,
    fit_score_map,
    fit_temperature,
    reliability_bins,
    score_calibration,
    softmax,
    without_temperature,
)


def drawn(num_rows: int, *, sharpness: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Logits of which the ``sharpness``-fold are the true log odds, and labels drawn by those."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(num_rows, 4)) * 2
    shares = softmax(sharpness * logits)
    labels = (random.random(num_rows)[:, None] > shares.cumsum(axis=1)).sum(axis=1).clip(max=3)
    return logits.astype(np.float32), labels.astype(np.int64)


@pytest.mark.parametrize("sharpness", [0.25, 1.0, 4.0])
def test_it_finds_the_temperature_that_the_labels_were_drawn_at(sharpness: float) -> None:
    logits, labels = drawn(20_000, sharpness=sharpness)
    assert fit_temperature(logits, labels) == pytest.approx(1 / sharpness, rel=0.05)


@pytest.mark.parametrize(("slope", "offset"), [(0.4, 1.0), (1.0, 0.0), (2.0, -1.5)])
def test_it_finds_the_map_by_which_spans_are_right(slope: float, offset: float) -> None:
    random = np.random.default_rng(1)
    probabilities = random.uniform(0.02, 0.98, 20_000)
    shares = 1 / (1 + np.exp(-(slope * np.log(probabilities / (1 - probabilities)) + offset)))
    found = fit_score_map(probabilities, random.random(20_000) < shares)
    assert (found.slope, found.offset) == pytest.approx((slope, offset), abs=0.1)
    np.testing.assert_allclose(found(probabilities), shares, atol=0.02)


def test_of_few_spans_little_is_believed_and_of_none_nothing() -> None:
    few = fit_score_map(np.array([0.9, 0.9]), np.array([False, True]))
    assert 0.3 < few.slope < 1 and -1 < few.offset <= 0
    none = fit_score_map(np.zeros(0), np.zeros(0, np.bool_))
    assert (none.slope, none.offset) == (1.0, 0.0)
    certain = fit_score_map(np.ones(50), np.ones(50, np.bool_))
    assert 0.9 < float(certain(np.array([1.0]))[0]) < 1
    contrary = fit_score_map(np.repeat([0.01, 0.99], 500), np.repeat([True, False], 500))
    assert contrary.slope > 0


def test_a_few_rows_of_several_labels_are_hardly_believed_and_many_are() -> None:
    random = np.random.default_rng(1)
    odds = 2 * random.normal(size=(2000, 3))
    truth = random.random(odds.shape) < 1 / (1 + np.exp(-odds))
    timid = 1 / (1 + np.exp(-odds / 2))
    few, many = fit_label_maps(timid[:10], truth[:10]), fit_label_maps(timid, truth)
    assert all(0.9 < one.slope < 1.5 and abs(one.offset) < 0.2 for one in few)
    assert [one.slope for one in many] == pytest.approx([2.0] * 3, abs=0.25)


@given(st.integers(0, 1000), st.integers(5, 60))
@settings(deadline=None, max_examples=20)
def test_no_other_temperature_makes_the_labels_likelier(seed: int, num_rows: int) -> None:
    logits, labels = drawn(num_rows, sharpness=0.5, seed=seed)
    wanted = np.full_like(logits, 0.25 / (num_rows + 1), dtype=np.float64)
    wanted[np.arange(num_rows), labels] += num_rows / (num_rows + 1)

    def loss(log_temperature: float) -> float:
        shares = softmax(logits.astype(np.float64) / np.exp(log_temperature))
        return float(-(wanted * np.log(shares + 1e-300)).sum(axis=1).mean())

    others = np.linspace(np.log(0.01), np.log(100), 200).tolist()
    assert loss(float(np.log(fit_temperature(logits, labels)))) <= min(map(loss, others)) + 1e-9


def test_a_few_rows_that_are_all_right_do_not_ask_for_certainty() -> None:
    logits = np.tile(np.array([[0.2, 0.0]], np.float32), (12, 1))
    temperature = fit_temperature(logits, np.zeros(12, np.int64))
    assert softmax(logits.astype(np.float64) / temperature)[0, 0] == pytest.approx(1 - 0.5 / 13, abs=1e-3)


def test_timid_scores_become_honest_and_labels_stay() -> None:
    logits, labels = drawn(4000, sharpness=8.0)
    temperature = fit_temperature(logits[:2000], labels[:2000])
    raw = softmax(logits[2000:].astype(np.float64)).astype(np.float32)
    mended = softmax(logits[2000:].astype(np.float64) / temperature).astype(np.float32)
    found = score_calibration(mended, labels[2000:], temperature=temperature)
    assert found.ece_before == pytest.approx(expected_calibration_error(raw, labels[2000:]), abs=1e-4)
    assert found.ece < 0.02 < found.ece_before
    np.testing.assert_allclose(without_temperature(mended, temperature), raw, atol=1e-4)
    np.testing.assert_array_equal(mended.argmax(axis=1), raw.argmax(axis=1))


def test_the_bins_hold_every_row_once_and_add_up_to_the_calibration_error() -> None:
    logits, labels = drawn(500, sharpness=0.3)
    scores = softmax(logits.astype(np.float64)).astype(np.float32)
    bins = reliability_bins(scores, labels)
    assert sum(bar.rows for bar in bins) == 500
    assert all(bar.low <= bar.mean_score <= bar.high for bar in bins)
    gaps = sum(bar.rows * abs(bar.mean_score - bar.accuracy) for bar in bins) / 500
    assert gaps == pytest.approx(expected_calibration_error(scores, labels))
