"""Values and labels that were set wrong stand among the first suspects, and what is right is left alone."""

import numpy as np
import pytest

from hmi.build.frozen_probe import PooledProbe, places_after
from hmi.build.kinds.labels_suspects import DoubtedLabel, LabelsErrors, LabelsJudge
from hmi.build.kinds.score_suspects import ScoreErrors, ScoreJudge
from hmi.build.learning_curve import LearningCurve, learning_curve
from hmi.build.linear_head import Features
from hmi.build.metrics import best_threshold, micro_f1, r2
from hmi.build.row_judge import RowJudge, RowTargets, out_of_fold
from hmi.kinds.multi_label import sigmoid

NUM_ROWS = 300
LABELS = ("a", "b", "c")
TEXTS = [f"text {row}" for row in range(NUM_ROWS)]
NUMBERS = [1000 + row for row in range(NUM_ROWS)]
WRONG = np.arange(0, NUM_ROWS, 20)


def score_features(num_rows: int = NUM_ROWS, *, seed: int = 1) -> tuple[Features, RowTargets]:
    random = np.random.default_rng(seed)
    features = random.normal(size=(num_rows, 8)).astype(np.float32)
    return features, 100 + 20 * features[:, 0].astype(np.float64) + random.normal(size=num_rows)


def label_features(num_rows: int = NUM_ROWS, *, seed: int = 1) -> tuple[Features, RowTargets]:
    """Each label shows in a feature of its own."""
    random = np.random.default_rng(seed)
    marks = (random.random((num_rows, 3)) < 0.4).astype(np.float32)
    features = np.hstack([8 * marks, np.zeros((num_rows, 5))]) + random.normal(size=(num_rows, 8))
    return features.astype(np.float32), marks


def named_by(marks: RowTargets) -> tuple[str, ...]:
    return tuple(label for label, has in zip(LABELS, marks, strict=True) if has)


def errors_of(judge: RowJudge, features: Features, targets: RowTargets) -> object:
    return judge.errors(out_of_fold(judge, features, targets, TEXTS, seed=1), targets, NUMBERS)


def score_errors(features: Features, values: RowTargets) -> ScoreErrors:
    found = errors_of(ScoreJudge(), features, values)
    assert isinstance(found, ScoreErrors)
    return found


def labels_errors(features: Features, marks: RowTargets) -> LabelsErrors:
    found = errors_of(LabelsJudge(LABELS), features, marks)
    assert isinstance(found, LabelsErrors)
    return found


def test_values_that_were_set_wrong_are_the_first_suspects() -> None:
    features, values = score_features()
    wrong = values.copy()
    wrong[WRONG] += 15 * np.where(WRONG % 40, -1, 1)
    found = score_errors(features, wrong)
    first = found.suspects[: len(WRONG)]
    assert {suspect.row - 1000 for suspect in first} == set(WRONG.tolist())
    assert (found.judged, found.num_suspects) == (NUM_ROWS, len(found.suspects))
    assert found.num_suspects < 2 * len(WRONG)
    assert 0.9 < found.spread < 1.6  # that of the noise, which the wrong ones hardly widen
    for suspect in first:
        place = suspect.row - 1000
        assert suspect.value == wrong[place]
        assert abs(suspect.suggested - values[place]) < 5
        assert suspect.doubt == abs(suspect.value - suspect.suggested) / found.spread >= 3
    assert [suspect.doubt for suspect in first] == sorted((s.doubt for s in first), reverse=True)


def test_values_that_are_told_exactly_raise_no_doubt() -> None:
    features, _ = score_features()
    values = np.full(NUM_ROWS, 7.0)
    assert score_errors(features, values).num_suspects == 0


def test_labels_that_were_added_or_left_out_are_the_suspects() -> None:
    features, marks = label_features()
    wrong = marks.copy()
    wrong[WRONG, 1] = 1 - wrong[WRONG, 1]
    found = labels_errors(features, wrong)
    assert (found.judged, found.num_suspects) == (NUM_ROWS, len(found.suspects))
    assert found.num_suspects >= 0.7 * len(WRONG)
    for suspect in found.suspects:
        place = suspect.row - 1000
        assert place in WRONG
        assert (suspect.labels, suspect.suggested) == (named_by(wrong[place]), named_by(marks[place]))
        [doubted] = suspect.doubted
        assert (doubted.label, doubted.is_given) == ("b", bool(wrong[place, 1]))
        assert suspect.doubt == (1 - doubted.score if doubted.is_given else doubted.score)
    doubts = [suspect.doubt for suspect in found.suspects]
    assert doubts == sorted(doubts, reverse=True)


def test_a_row_with_two_wrong_labels_is_listed_once() -> None:
    features, marks = label_features()
    marks[0, :2] = 1 - marks[0, :2]
    [suspect] = [one for one in labels_errors(features, marks).suspects if one.row == 1000]
    assert {doubted.label for doubted in suspect.doubted} == {"a", "b"}
    assert all(isinstance(doubted, DoubtedLabel) for doubted in suspect.doubted)
    assert set(suspect.labels) ^ set(suspect.suggested) == {"a", "b"}


def test_labels_of_few_rows_and_equal_texts_are_not_judged() -> None:
    features, marks = label_features()
    marks[:, 2] = 0
    marks[:4, 2] = 1
    found = labels_errors(features, marks)
    assert all(doubted.label != "c" for suspect in found.suspects for doubted in suspect.doubted)
    judge = LabelsJudge(LABELS)
    judged = out_of_fold(judge, features, marks, ["one text"] * NUM_ROWS, seed=1)
    assert judge.errors(judged, marks, NUMBERS) == LabelsErrors(0, 0, ())
    judged = out_of_fold(ScoreJudge(), features, marks[:, 0], ["one text"] * NUM_ROWS, seed=1)
    assert ScoreJudge().errors(judged, marks[:, 0], NUMBERS) == ScoreErrors(0, 0.0, 0, ())


def curve_of(judge: RowJudge, *parts: tuple[Features, RowTargets]) -> LearningCurve:
    features, targets = (np.concatenate(pieces) for pieces in zip(*parts, strict=True))
    train, test = places_after([len(part[0]) for part in parts])
    found = learning_curve(PooledProbe(judge, features, targets), train, test, seed=1)
    assert found is not None
    return found


def test_the_learning_curve_is_of_what_the_kind_watches() -> None:
    scores = curve_of(ScoreJudge(), score_features(), score_features(seed=2))
    labels = curve_of(LabelsJudge(LABELS), label_features(), label_features(seed=2))
    assert scores.points[-1].accuracy > 0.95  # R²: the noise is 1 of 20
    assert 0.9 < labels.points[-1].accuracy <= 1


def test_the_figures_of_sums_are_those_of_all_rows() -> None:
    random = np.random.default_rng(1)
    _, values = score_features()
    said = (values + random.normal(0, 20, NUM_ROWS)).astype(np.float32)[:, None]
    judge = ScoreJudge()
    assert judge.quality(judge.row_sums(said, values).sum(axis=0)) == pytest.approx(
        r2(said[:, 0].astype(np.float64), values)
    )
    drawn = random.integers(0, NUM_ROWS, NUM_ROWS)
    assert judge.quality(judge.row_sums(said, values)[drawn].sum(axis=0)) == pytest.approx(
        r2(said[drawn, 0].astype(np.float64), values[drawn])
    )
    _, marks = label_features()
    outputs = random.normal(size=marks.shape).astype(np.float32) + 2 * marks
    scores = sigmoid(outputs)
    best = best_threshold(scores.ravel(), marks.ravel() > 0)
    labels = LabelsJudge(LABELS)
    assert labels.quality(labels.row_sums(outputs, marks).sum(axis=0)) == pytest.approx(
        micro_f1(scores >= best, marks > 0)
    )
