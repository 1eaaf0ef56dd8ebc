"""Latencies counted in buckets that grow by a fifth, and percentiles read from such counts.

Bucket 0 holds requests of up to a millisecond, bucket b those above GROWTH**(b - 1) and up to GROWTH**b
milliseconds, the last one all above. A percentile is so right to a fifth.
"""

from collections.abc import Sequence

GROWTH = 1.2
NUM_BUCKETS = 64  # the last begins above 80 seconds


def percentile_ms(counts: Sequence[int], share: float) -> float | None:
    """The latency that ``share`` of the requests do not exceed; None of none.

    Inside of a bucket requests are taken to be spread evenly over the logarithm.
    """
    wanted = share * sum(counts)
    below = 0
    for bucket, count in enumerate(counts):
        if count and below + count >= wanted:
            return float(GROWTH ** (bucket - 1 + (wanted - below) / count))
        below += count
    return None
