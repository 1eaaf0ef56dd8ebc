"""How long the texts are: a histogram of fixed buckets, so that a stream of any length fits."""

from bisect import bisect_right
from dataclasses import dataclass, field

EDGES = (0, 25, 50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 50_000)
"""Lower bounds of the buckets, in characters; the last one is open."""


@dataclass(frozen=True, slots=True)
class LengthBucket:
    """Texts of ``from_chars`` up to, not including, ``below_chars`` characters; None: no upper bound."""

    from_chars: int
    below_chars: int | None
    num_rows: int


@dataclass(slots=True)
class LengthCounts:
    """Counts as the texts go by."""

    _counts: list[int] = field(default_factory=lambda: [0] * len(EDGES))
    num_chars: int = 0
    longest_chars: int = 0

    def add(self, num_chars: int) -> None:
        """One more text."""
        self._counts[bisect_right(EDGES, num_chars) - 1] += 1
        self.num_chars += num_chars
        self.longest_chars = max(self.longest_chars, num_chars)

    def buckets(self) -> tuple[LengthBucket, ...]:
        """Every bucket, also the empty ones, from short to long."""
        ends: tuple[int | None, ...] = (*EDGES[1:], None)
        return tuple(
            LengthBucket(start, end, number)
            for start, end, number in zip(EDGES, ends, self._counts, strict=True)
        )
