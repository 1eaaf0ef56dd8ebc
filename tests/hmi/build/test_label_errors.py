"""Flipped labels are found, and rows that nothing is known about are left alone."""

import numpy as np
from sklearn.linear_model import LogisticRegression, RidgeCV

from hmi.build.label_errors import JudgedRows, by_suspicion, cross_validated, label_errors
from hmi.build.linear_head import RIDGE_DECAYS, WEIGHT_DECAY, fit_linear_head, fit_ridge
from hmi.build.row_judge import NUM_FOLDS

LABELS = ("a", "b", "c")


def clusters(num_rows: int, *, seed: int = 1, spread: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = random.integers(0, 3, num_rows)
    centres = 3 * np.eye(3, 8)
    return (centres[truth] + spread * random.normal(size=(num_rows, 8))).astype(np.float32), truth


def test_flipped_labels_stand_among_the_first_suspects_by_their_row_number() -> None:
    features, truth = clusters(300)
    flipped = np.arange(0, 300, 10)
    labels = truth.copy()
    labels[flipped] = (labels[flipped] + 1) % 3
    judged = cross_validated(features, labels, [f"text {row}" for row in range(300)], num_labels=3, seed=1)
    first = set(judged.places[by_suspicion(judged)[:45]].tolist())
    assert len(first & set(flipped.tolist())) >= 27
    found = label_errors(judged, rows=[1000 + row for row in range(300)], labels=LABELS)
    assert found.judged == 300
    right = [s for s in found.suspects if (s.row - 1000) in flipped]
    assert len(right) >= 20
    assert all(LABELS[truth[s.row - 1000]] == s.suggested for s in right)
    assert len(found.suspects) == found.num_suspects <= 45


def test_rows_of_equal_texts_never_vouch_for_one_another() -> None:
    features, truth = clusters(60)
    features = np.concatenate([features, features])
    labels = np.concatenate([truth, truth])
    labels[[0, 60]] = (truth[0] + 1) % 3  # the same wrong label twice
    texts = [f"text {row}" for row in range(60)] + [f"TEXT  {row}" for row in range(60)]
    judged = cross_validated(features, labels, texts, num_labels=3, seed=1)
    assert {0, 60} == set(judged.places[by_suspicion(judged)[:2]].tolist())


def test_labels_with_fewer_rows_than_folds_and_equal_texts_are_not_judged() -> None:
    features, truth = clusters(60)
    truth[truth == 2] = 1
    truth[: NUM_FOLDS - 1] = 2
    judged = cross_validated(features, truth, [str(row) for row in range(60)], num_labels=3, seed=1)
    assert 2 not in judged.truth
    same = cross_validated(features, truth, ["one text"] * 60, num_labels=3, seed=1)
    assert label_errors(same, rows=range(60), labels=LABELS).judged == 0


def test_no_row_looks_like_a_label_of_which_no_row_could_be_judged() -> None:
    """Its rows are too few to say what score is typical of it: a guess of 0.4 is no suspicion."""
    scores = np.array([[0.5, 0.3, 0.2], [0.3, 0.3, 0.4], [0.1, 0.8, 0.1], [0.9, 0.05, 0.05]], np.float32)
    judged = JudgedRows(np.arange(4), np.array([0, 0, 0, 1]), scores)
    found = label_errors(judged, rows=range(4), labels=LABELS)
    assert [(suspect.row, suspect.suggested) for suspect in found.suspects] == [(3, "a"), (2, "b")]


def test_the_head_of_values_is_that_of_scikit_learn() -> None:
    random = np.random.default_rng(1)
    features = random.normal(size=(60, 40)).astype(np.float32) * np.linspace(0.1, 3, 40, dtype=np.float32)
    values = 5 + features[:, -3:].sum(axis=1).astype(np.float64) + random.normal(size=60)
    head = fit_ridge(features, values)
    standard = (features - features.mean(axis=0)) / features.std(axis=0)
    theirs = RidgeCV(alphas=[60 * decay for decay in RIDGE_DECAYS]).fit(standard, values)
    assert 0.001 < theirs.alpha_ / 60 < 10  # the rows choose, not the ends of the ladder
    assert np.abs(head.outputs(features)[:, 0] - theirs.predict(standard)).max() < 1e-4


def test_the_head_is_that_of_scikit_learn() -> None:
    features, truth = clusters(200, spread=2.0)
    head = fit_linear_head(features, truth, 3)
    standard = (features - features.mean(axis=0)) / features.std(axis=0)
    theirs = LogisticRegression(C=1 / (WEIGHT_DECAY * 200), max_iter=1000, tol=1e-8).fit(standard, truth)
    np.testing.assert_allclose(head.probabilities(features), theirs.predict_proba(standard), atol=5e-3)
