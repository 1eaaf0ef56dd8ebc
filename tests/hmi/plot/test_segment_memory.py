"""Counting text takes the memory it was given, and little more, however many n-grams it has."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SLACK_BYTES = 32 << 20
"""Keys and counts of the larger one are far more: see below."""


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["centred", "causal-3"])
def test_a_segment_takes_no_more_memory_the_more_n_grams_there_are(tmp_path: Path, scheme: str) -> None:
    once, much = (built(tmp_path / str(times), times * 100_000, scheme) for times in (1, 16))
    assert much["num_rows"] > 10 * once["num_rows"]
    assert 40 * much["num_rows"] > 1.5 * SLACK_BYTES, (
        "keys, counts, squares and means, were they all in memory"
    )
    assert much["peak_growth_bytes"] < once["peak_growth_bytes"] + SLACK_BYTES


def built(folder: Path, num_tokens: int, scheme: str) -> dict[str, Any]:
    folder.mkdir()
    program = Path(__file__).with_name("segment_peak.py")
    done = subprocess.run(
        [sys.executable, str(program), str(folder), str(num_tokens), scheme],
        check=True,
        capture_output=True,
        text=True,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told
