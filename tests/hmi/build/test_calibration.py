"""Calibration of the upper layers: it learns, goes on where it was killed, and fits one checkpoint alone."""

import dataclasses
import random
from pathlib import Path

import pytest
import torch

from hmi.base.errors import InvalidInput
from hmi.build import calibrate as calibrate_module
from hmi.build.backbone_builder import build_backbone
from hmi.build.backbone_source import BackboneSource
from hmi.build.calibrate import CalibrationInputs, calibrate
from hmi.build.calibration import CalibrationRecipe, Calibrator, learning_rate
from hmi.model.backbone import Backbone, open_original_upper
from hmi.plot.ngram import Documents
from tests.hmi.build.training_world import RECIPE, invented_rows, make_world, write_invented_calibration
from tests.tiny.backbone import WORDS, make_tiny_checkpoint


class Killed(Exception):
    """Stands for kill -9: nothing after it runs."""


def _texts() -> list[str]:
    chosen = random.Random(3)
    return [" ".join(chosen.choices(WORDS, k=14)) for _ in range(400)]


def _unheard(message: str, step: int, num_steps: int) -> None:
    """Progress that nobody reads."""


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CalibrationInputs:
    monkeypatch.setattr(calibrate_module, "NUM_HELD_OUT", 20)
    return CalibrationInputs(
        source=BackboneSource("tiny", make_tiny_checkpoint(tmp_path / "checkpoint")),
        num_lower=2,
        texts=lambda: iter(_texts()),
        text_sha256="of the texts",
        recipe=CalibrationRecipe(num_steps=60, batch_tokens=256, learning_rate=1e-2, is_bfloat16=False),
        counted_share=0.5,
        sparse_share=0.2,
    )


def test_the_upper_layers_come_closer_to_the_whole_backbone(
    inputs: CalibrationInputs, tmp_path: Path
) -> None:
    record = calibrate(inputs, work=tmp_path / "work", out=tmp_path / "upper", report=_unheard)
    assert record.state_error[1] < 0.95 * record.state_error[0]
    assert record.num_tokens >= 60 * 200


def test_a_killed_run_ends_with_the_same_weights(
    inputs: CalibrationInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calibrate(inputs, work=tmp_path / "whole", out=tmp_path / "one", report=_unheard)
    monkeypatch.setattr("hmi.build.calibration.CHECKPOINT_INTERVAL_S", 0.0)

    def kill_at_12(message: str, step: int, num_steps: int) -> None:
        if message.startswith("calibrating") and step == 12:
            raise Killed

    with pytest.raises(Killed):
        calibrate(inputs, work=tmp_path / "killed", out=tmp_path / "other", report=kill_at_12)
    assert not (tmp_path / "other").exists()
    begun: list[int] = []

    def hear(message: str, step: int, num_steps: int) -> None:
        if message.startswith("calibrating"):
            begun.append(step)

    calibrate(inputs, work=tmp_path / "killed", out=tmp_path / "other", report=hear)
    assert begun[0] == 12  # step 12 was done, but not yet kept
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_a_backbone_is_built_with_it_and_keeps_the_original(
    inputs: CalibrationInputs, tmp_path: Path
) -> None:
    out = tmp_path / "upper"
    calibrate(inputs, work=tmp_path / "work", out=out, report=_unheard)
    plain, calibrated = _built(inputs, tmp_path / "plain", None), _built(inputs, tmp_path / "calibrated", out)
    assert (plain.fields.is_calibrated, calibrated.fields.is_calibrated) == (False, True)
    assert plain.digest != calibrated.digest
    original = open_original_upper(tmp_path / "calibrated", calibrated.fields)
    for name, tensor in plain.upper.tensors().items():
        assert torch.equal(tensor, original.tensors()[name])
    assert any(
        not torch.equal(tensor, calibrated.upper.tensors()[name])
        for name, tensor in plain.upper.tensors().items()
    )


def test_another_checkpoints_calibration_is_refused(inputs: CalibrationInputs, tmp_path: Path) -> None:
    out = tmp_path / "upper"
    calibrate(inputs, work=tmp_path / "work", out=out, report=_unheard)
    other = BackboneSource("other", make_tiny_checkpoint(tmp_path / "another", seed=5))
    (tmp_path / "bundle").mkdir()
    with pytest.raises(InvalidInput, match="calibrated for tiny"):
        build_backbone(
            other, tmp_path / "bundle", num_lower=2, texts=(), seed=0, report=_unheard, calibration=out
        )
    out.write_bytes(out.read_bytes()[:-100])
    with pytest.raises(InvalidInput, match="holds no calibrated upper layers"):
        _built(inputs, tmp_path / "cut", out)


def test_too_little_text_is_said(inputs: CalibrationInputs, tmp_path: Path) -> None:
    few = CalibrationInputs(
        inputs.source, 2, lambda: iter(_texts()[:30]), "of few texts", inputs.recipe, 0.5, 0.2
    )
    with pytest.raises(InvalidInput, match="more text"):
        calibrate(few, work=tmp_path / "work", out=tmp_path / "upper", report=_unheard)


def test_the_learning_rate_rises_and_falls() -> None:
    recipe = CalibrationRecipe(num_steps=1000)
    rates = [learning_rate(recipe, step) for step in range(1000)]
    assert rates[0] < rates[50] < max(rates)
    assert max(rates) <= recipe.learning_rate
    assert rates[-1] < 0.001 * recipe.learning_rate


def test_exact_inputs_are_among_the_steps(inputs: CalibrationInputs, tmp_path: Path) -> None:
    """With a share of 1 no step looks anything up."""
    recipe = CalibrationRecipe(num_steps=1, batch_tokens=256, exact_share=1.0, is_bfloat16=False)
    backbone = _built(inputs, tmp_path / "bundle", None)
    student = open_original_upper(tmp_path / "bundle", backbone.fields)
    windows = _encoded(backbone)

    def never(documents: object) -> None:
        raise AssertionError("looked up")

    calibrator = Calibrator(
        backbone,
        student,
        [never],  # type: ignore[list-item]
        windows,
        windows,
        recipe,
        checkpoint=tmp_path / "calibration",
        report=_unheard,
    )
    with pytest.raises(AssertionError, match="looked up"):
        calibrator.run()  # measures before it begins
    calibrator._step(0)
    assert calibrator.num_tokens > 0


def _encoded(backbone: Backbone) -> Documents:
    return backbone.tokenizer.encode(_texts()[:40], 32).documents


def _built(inputs: CalibrationInputs, folder: Path, calibration: Path | None) -> Backbone:
    folder.mkdir()
    digest = build_backbone(
        inputs.source, folder, num_lower=2, texts=(), seed=0, report=_unheard, calibration=calibration
    )
    return Backbone.open(folder, digest=digest)


def test_computed_lower_layers_are_compared_under_the_original_upper_layers(
    inputs: CalibrationInputs, tmp_path: Path
) -> None:
    """What PLOT costs is measured against the whole backbone, not against one that was bent to PLOT."""
    plain = _built(inputs, tmp_path / "plain", None)
    bent = {name: tensor + 0.5 for name, tensor in plain.upper.tensors().items()}
    write_invented_calibration(tmp_path / "bent", bent, inputs.source)
    costs, curves = [], []
    for name, calibration in (("before", None), ("after", tmp_path / "bent")):
        world = make_world(tmp_path / name, calibration=calibration)
        rows = world.put_rows("rows", invented_rows(60))
        job = world.job(rows, recipe=dataclasses.replace(RECIPE, epochs=2, compare_computed=True))
        result = world.train(job, tmp_path / name / "work")
        costs.append(result.report["plot_cost"])
        curves.append([point["loss"] for point in result.report["curve"]])
    assert costs[0]["computed_accuracy"] == costs[1]["computed_accuracy"]
    assert curves[0] != curves[1], "on looked-up inputs the bent layers train"
