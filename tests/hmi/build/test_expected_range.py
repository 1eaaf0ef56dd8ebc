"""What an estimate expects of a training, of every kind, is what the training then gives."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hmi.build.estimate_job import estimate_training
from hmi.build.expected_range import expected_range
from hmi.build.frozen_probe import PooledProbe
from hmi.build.job_progress import JobProgress
from hmi.build.kinds.labels_suspects import LabelsJudge
from hmi.build.kinds.score import ScoreTraining
from hmi.build.label_errors import SingleLabelJudge
from tests.hmi.build.test_kinds import TOPIC_LABELS, pair_rows, score_rows, topic_rows
from tests.hmi.build.test_kinds_suspects import LABELS as MARKS
from tests.hmi.build.test_kinds_suspects import label_features, score_features
from tests.hmi.build.test_label_errors import clusters
from tests.hmi.build.test_spans import LABELS as SPAN_LABELS
from tests.hmi.build.test_spans import span_rows
from tests.hmi.build.training_world import LABELS, RECIPE, Events, TrainingWorld, invented_rows, make_world
from wire.ids import BundleUri
from wire.tasks import TaskKind, validation_metric
from wire.training import AccuracyRange, Recipe

NUM_ROWS = 200
LEARNS = replace(RECIPE, epochs=16, batch_rows=8, learning_rate=5e-3, max_tokens=24)
Rows = list[dict[str, Any]]


def single_rows(num_rows: int) -> Rows:
    rows = enumerate(invented_rows(num_rows), start=1)
    return [{"row": number, "text": text, "label": label} for number, (text, label) in rows]


KINDS: dict[TaskKind, tuple[Callable[[int], Rows], tuple[str, ...], Recipe]] = {
    TaskKind.SINGLE_LABEL: (single_rows, LABELS, LEARNS),
    TaskKind.MULTI_LABEL: (topic_rows, TOPIC_LABELS, LEARNS),
    TaskKind.SENTENCE_PAIR: (pair_rows, ("other", "same"), LEARNS),
    TaskKind.TOKEN_CLASSIFICATION: (span_rows, SPAN_LABELS, LEARNS),
    TaskKind.SCORE: (score_rows, (), LEARNS),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> TrainingWorld:
    return make_world(tmp_path_factory.mktemp("world"), weight_scale=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(KINDS))
def test_the_figure_of_the_training_lies_in_the_range_of_the_estimate(
    world: TrainingWorld, tmp_path: Path, kind: TaskKind
) -> None:
    make, labels, recipe = KINDS[kind]
    uri = BundleUri(f"datasets/{kind.value}/rows.jsonl")
    world.store.put_file(uri, "".join(json.dumps(row) + "\n" for row in make(NUM_ROWS)).encode())
    job = world.job(uri, name=kind.value, labels=labels, recipe=recipe, kind=kind)
    said = estimate_training(job, store=world.store, progress=JobProgress(Events()))
    report = world.train(job, tmp_path).report
    expected, figure = said.accuracy, report["headline"]["value"]
    assert expected is not None
    assert said.metric == report["headline"]["name"] == validation_metric(kind)
    assert expected.low <= figure <= expected.high
    low, high = expected.probe_ci95
    assert expected.low <= low <= expected.probe_accuracy <= high <= expected.high
    assert expected.high - expected.low < 0.7, "it says something"
    assert (said.majority_accuracy is None) == (kind not in (TaskKind.SINGLE_LABEL, TaskKind.SENTENCE_PAIR))
    # The bundle has a table of these rows, its own description, and a manifest.
    assert said.plot_bytes is not None
    assert 0 < report["plot_bytes"] - said.plot_bytes < 4096


def range_of(probe: PooledProbe, kind: TaskKind, *, num_test_rows: int = 1000) -> AccuracyRange:
    num_rows = len(probe.features)
    found = expected_range(
        probe,
        [f"text {row}" for row in range(num_rows)],
        kind=kind,
        num_train_rows=num_rows,
        num_test_rows=num_test_rows,
        seed=1,
    )
    assert found is not None
    return found


@pytest.mark.parametrize("kind", [TaskKind.SINGLE_LABEL, TaskKind.MULTI_LABEL, TaskKind.SCORE])
def test_few_test_rows_are_expected_to_tell_little(kind: TaskKind) -> None:
    if kind is TaskKind.SINGLE_LABEL:
        probe = PooledProbe(SingleLabelJudge(3), *clusters(300, spread=2.0))
    elif kind is TaskKind.MULTI_LABEL:
        probe = PooledProbe(LabelsJudge(MARKS), *label_features())
    else:
        features, values = score_features()
        probe = ScoreTraining().probe(
            features, np.arange(301), values + np.random.default_rng(1).normal(0, 20, 300)
        )
    few, many = (range_of(probe, kind, num_test_rows=number) for number in (10, 10_000))
    assert few.probe_ci95 == many.probe_ci95
    assert few.low < many.low <= many.probe_accuracy <= many.high <= few.high


def test_rows_that_are_all_right_promise_no_certainty_and_noise_promises_nothing() -> None:
    features, truth = clusters(300, spread=0.01)
    sure = range_of(
        PooledProbe(SingleLabelJudge(3), features, truth), TaskKind.SINGLE_LABEL, num_test_rows=20
    )
    assert sure.probe_accuracy == 1.0 and sure.low < 0.95
    shuffled = np.random.default_rng(1).permutation(truth)
    noise = range_of(PooledProbe(SingleLabelJudge(3), features, shuffled), TaskKind.SINGLE_LABEL)
    assert noise.low < 1 / 3 < noise.high < 0.7


def test_few_rows_give_no_range() -> None:
    probe = PooledProbe(SingleLabelJudge(3), *clusters(30))
    texts = [str(row) for row in range(30)]
    assert (
        expected_range(probe, texts, kind=TaskKind.SINGLE_LABEL, num_train_rows=20, num_test_rows=5, seed=1)
        is None
    )
