"""Datasets that tenants really bring: each ends in a good training or in an error that says what to do."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hmi.base.errors import HmiError
from tests.hmi.build.training_world import (
    LABELS,
    RECIPE,
    TrainingWorld,
    invented_rows,
    make_world,
)
from wire.errors import ErrorCode
from wire.training import TrainResult

ROWS = invented_rows(60)
SHORT = replace(RECIPE, epochs=1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> TrainingWorld:
    return make_world(tmp_path_factory.mktemp("world"))


def trained(
    world: TrainingWorld, tmp_path: Path, rows: Sequence[tuple[str, str]], *, labels: tuple[str, ...] = LABELS
) -> TrainResult:
    uri = world.put_rows(tmp_path.name, rows)
    return world.train(world.job(uri, name=tmp_path.name, recipe=SHORT, labels=labels), tmp_path / "work")


def refused(
    world: TrainingWorld, tmp_path: Path, rows: Sequence[tuple[str, str]], *, labels: tuple[str, ...] = LABELS
) -> HmiError:
    with pytest.raises(HmiError) as caught:
        trained(world, tmp_path, rows, labels=labels)
    assert not caught.value.retryable
    return caught.value


def test_two_rows_are_too_few(world: TrainingWorld, tmp_path: Path) -> None:
    error = refused(world, tmp_path, ROWS[:2])
    assert error.code is ErrorCode.DATASET_TOO_FEW_ROWS
    assert "at least 3 different texts" in error.message


def test_texts_that_are_all_equal_are_too_few(world: TrainingWorld, tmp_path: Path) -> None:
    rows = [(" The  film" if number % 3 else "the film", LABELS[number % 2]) for number in range(40)]
    assert refused(world, tmp_path, rows).code is ErrorCode.DATASET_TOO_FEW_ROWS


def test_a_label_with_one_row_trains_and_is_neither_tested_nor_suspected(
    world: TrainingWorld, tmp_path: Path
) -> None:
    result = trained(world, tmp_path, [*ROWS, ("a song", "rare")], labels=(*LABELS, "rare"))
    report = result.report
    assert [entry["support"] for entry in report["classes"]][2] == 0
    assert np.isfinite(report["macro_f1"])
    assert report["label_errors"]["judged"] == 60
    assert 61 not in report["test_rows"]


@pytest.mark.slow
def test_a_thousand_labels_train(world: TrainingWorld, tmp_path: Path) -> None:
    rows = [(f"text {number} about {number % 1000}", f"label {number % 1000:04}") for number in range(3000)]
    labels = tuple(f"label {number:04}" for number in range(1000))
    report = trained(world, tmp_path, rows, labels=labels).report
    assert len(report["classes"]) == 1000
    assert report["rows"]["test"] == 1000
    assert report["label_errors"]["judged"] == 0  # three rows of a label: nothing to judge one by


def test_a_text_of_50_000_characters_is_cut_and_counted(world: TrainingWorld, tmp_path: Path) -> None:
    long = ("the film was very good " * 2200)[:50_000]
    report = trained(world, tmp_path, [*ROWS, (long, "positive"), ("x" * 50_000, "negative")]).report
    assert report["rows"]["truncated"] >= 1


def test_emoji_right_to_left_and_control_characters_train(world: TrainingWorld, tmp_path: Path) -> None:
    odd = [
        "😀👩‍👩‍👧 film",
        "فيلم رائع",
        "סרט \u202eטוב\u202c",
        "bad\u0007 \u0000film",
        "\u200bgood\ufeff",
        "é\u0301 film",
    ]
    rows = [(f"{text} {number}", LABELS[number % 2]) for number, text in enumerate(odd * 8)]
    report = trained(world, tmp_path, rows).report
    assert report["rows"]["train"] + report["rows"]["validation"] + report["rows"]["test"] == 48


def test_labels_that_differ_only_by_case_or_space_are_two_labels_to_a_job(
    world: TrainingWorld, tmp_path: Path
) -> None:
    """The doctor of uploads offers to make them one, the command line refuses them; a job does as told."""
    rows = [(text, label if number % 2 else label.upper()) for number, (text, label) in enumerate(ROWS)]
    labels = tuple(sorted({label for _, label in rows}))
    assert trained(world, tmp_path, rows, labels=labels).report["labels"] == list(labels)


def test_one_label_alone_is_refused(world: TrainingWorld, tmp_path: Path) -> None:
    error = refused(world, tmp_path, [(text, "positive") for text, _ in ROWS])
    assert error.code is ErrorCode.DATASET_ONE_LABEL
    assert "at least 2 different" in error.message
