"""An update of a domain takes the memory it was given, and little more, however large the segments are."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

NUM_ROWS = 200_000
MEANS_BYTES = NUM_ROWS * 256 * 2
"""Of each of the three segments, and of their sum."""
NUM_TRIGRAMS = 50_000
"""With their bigrams about three times as many n-grams."""
SLACK_BYTES = 48 << 20
"""Of keys, counts, squares, worth and scales, sixteen times as many take 280 MB more."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["shared", "own"])
def test_large_segments_are_merged_in_less_memory_than_one_of_them_takes(tmp_path: Path, kind: str) -> None:
    told = merged(tmp_path, NUM_ROWS, kind, "wide")
    assert 10_000 < told["num_rows"] < NUM_ROWS  # the node's budget
    assert told["peak_growth_bytes"] < MEANS_BYTES


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["shared", "own"])
def test_keys_and_counts_take_no_more_memory_the_more_there_are(tmp_path: Path, kind: str) -> None:
    """Of two million n-grams, three segments' keys and counts alone are 70 MB."""
    once, four, sixteen = (
        merged(tmp_path / str(times), times * NUM_TRIGRAMS, kind, "narrow") for times in (1, 4, 16)
    )
    assert once["num_rows"] == four["num_rows"] == sixteen["num_rows"], "the node's budget is full"
    assert four["peak_growth_bytes"] < once["peak_growth_bytes"] + SLACK_BYTES
    assert sixteen["peak_growth_bytes"] < once["peak_growth_bytes"] + SLACK_BYTES


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["shared", "own"])
def test_how_much_memory_it_takes_changes_nothing(tmp_path: Path, kind: str) -> None:
    little, much = (
        merged(tmp_path / str(max_bytes), 4 * NUM_TRIGRAMS, kind, "narrow", max_bytes=max_bytes)
        for max_bytes in (1, 1 << 30)
    )
    assert little["digest"] == much["digest"]


def merged(folder: Path, num_rows: int, kind: str, width: str, *, max_bytes: int = 8 << 20) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    program = Path(__file__).with_name("merge_peak.py")
    done = subprocess.run(
        [sys.executable, str(program), str(folder), str(num_rows), kind, width, str(max_bytes)],
        check=True,
        capture_output=True,
        text=True,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told
