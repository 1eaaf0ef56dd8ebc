"""``backbone calibrate`` takes its recipe from the command line, and refuses a bad one at once."""

import json
import random
from pathlib import Path

import pytest

from hmi.build import calibrate as calibrate_module
from hmi.cli.main import main
from tests.tiny.backbone import WORDS, make_tiny_checkpoint


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(calibrate_module, "NUM_HELD_OUT", 20)
    chosen = random.Random(3)
    texts = tmp_path / "texts.jsonl"
    rows = ({"text": " ".join(chosen.choices(WORDS, k=14))} for _ in range(200))
    texts.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    source = str(make_tiny_checkpoint(tmp_path / "checkpoint"))
    work, out = str(tmp_path / "work"), str(tmp_path / "upper.safetensors")
    return [
        "backbone",
        "calibrate",
        *("--source", source, "--num-lower", "2", "--text", str(texts), "--work", work, "--out", out),
    ]


def test_the_record_says_the_recipe_that_was_asked_for(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--steps", "2", "--learning-rate", "0.003", "--float32"]) == 0
    record = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert record["recipe"]["learning_rate"] == 0.003
    assert record["recipe"]["num_steps"] == 2
    assert not record["recipe"]["is_bfloat16"]
    assert (tmp_path / "upper.safetensors").is_file()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--steps", "0"], "--steps: at least one is needed"),
        (["--learning-rate", "0"], "--learning-rate: a number above 0 and below 1"),
        (["--learning-rate", "5"], "--learning-rate: a number above 0 and below 1"),
    ],
)
def test_a_bad_recipe_is_refused(
    command: list[str], options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, *options]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "work").exists()
