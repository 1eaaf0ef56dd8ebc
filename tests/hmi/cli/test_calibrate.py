"""``backbone calibrate`` takes its recipe from the command line, and refuses a bad one at once."""

import itertools
import json
import random
from pathlib import Path

import pytest
from safetensors.torch import load_file

from hmi.build import calibrate as calibrate_module
from hmi.build.operator_text import texts_sha256
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


def test_a_part_of_a_text_calibrates_as_a_file_of_it_would(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = tmp_path / "texts.jsonl"
    lines = whole.read_text(encoding="utf-8").splitlines(keepends=True)
    ends = list(itertools.accumulate(len(json.loads(line)["text"]) for line in lines))
    between = [ends[9], ends[159] + 1]  # the tenth text ends where it begins, and is not in it
    options = ["--steps", "2", "--float32", "--work", str(tmp_path / "part"), "--characters"]
    assert main([*command, *options, *map(str, between)]) == 0
    record = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (record["characters"], record["text_sha256"]) == (between, texts_sha256([whole]))
    weights = load_file(tmp_path / "upper.safetensors")
    whole.write_text("".join(lines[10:160]), encoding="utf-8")
    assert main([*command, "--steps", "2", "--float32"]) == 0
    again = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (again["characters"], again["num_counted_tokens"]) == (None, record["num_counted_tokens"])
    of_its_own = load_file(tmp_path / "upper.safetensors")
    assert all(tensor.equal(of_its_own[name]) for name, tensor in weights.items())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--characters", "9", "9"], "--characters: FROM is 0 or more, and TO more than FROM"),
        (["--characters", "-1", "9"], "--characters: FROM is 0 or more, and TO more than FROM"),
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
