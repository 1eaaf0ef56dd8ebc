"""Percentiles from counts."""

import math
import random

import pytest

from portal.usage.latencies import GROWTH, NUM_BUCKETS, percentile_ms


def counts_of(latencies_ms: list[float]) -> list[int]:
    counts = [0] * NUM_BUCKETS
    for latency_ms in latencies_ms:
        counts[min(NUM_BUCKETS - 1, max(0, math.ceil(math.log(latency_ms) / math.log(GROWTH))))] += 1
    return counts


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_a_percentile_is_right_to_a_fifth(share: float) -> None:
    draw = random.Random(3)
    latencies = sorted(draw.lognormvariate(3, 1) for _ in range(5000))
    found = percentile_ms(counts_of(latencies), share)
    assert found == pytest.approx(latencies[int(share * 5000) - 1], rel=GROWTH - 1)


def test_one_request_is_every_percentile_and_none_has_none() -> None:
    assert percentile_ms(counts_of([100.0]), 0.5) == pytest.approx(100, rel=0.2)
    assert percentile_ms(counts_of([100.0]), 0.99) == pytest.approx(100, rel=0.2)
    assert percentile_ms([], 0.5) is None and percentile_ms([0, 0], 0.5) is None
