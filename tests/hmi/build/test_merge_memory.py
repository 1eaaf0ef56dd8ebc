"""An update of a domain takes the memory it was given, and little more, however large the segments are."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

NUM_ROWS = 200_000
MEANS_BYTES = NUM_ROWS * 256 * 2
"""Of each of the three segments, and of their sum."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["shared", "own"])
def test_large_segments_are_merged_in_less_memory_than_one_of_them_takes(tmp_path: Path, kind: str) -> None:
    program = Path(__file__).with_name("merge_peak.py")
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path), str(NUM_ROWS), kind],
        check=True,
        capture_output=True,
        text=True,
    )
    told = json.loads(done.stdout)
    assert 10_000 < told["num_rows"] < NUM_ROWS  # the node's budget
    assert told["peak_growth_bytes"] < MEANS_BYTES
