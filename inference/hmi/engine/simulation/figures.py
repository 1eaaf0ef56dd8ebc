"""What a run of requests says about speed and fairness; the benchmarks use it as well."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt


class Fate(Enum):
    """How a request ended."""

    ANSWERED = "answered"
    REFUSED = "refused"  # at the door, with when to come back: 429
    LATE = "late"  # dropped: it could not meet its deadline: 504
    FAILED = "failed"
    LOST = "lost"  # never ended: must not happen


@dataclass(slots=True)
class Outcome:
    """One request of a run."""

    tenant: int
    arrived_s: float
    num_tokens: int
    ended_s: float = 0.0
    fate: Fate = Fate.LOST
    waited_s: float = 0.0  # of an answered one, until the first batch with a part of it began

    @property
    def latency_s(self) -> float:
        return self.ended_s - self.arrived_s


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Latency of answered requests in milliseconds; zeros where there are none."""

    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float

    @classmethod
    def of(cls, outcomes: Sequence[Outcome]) -> "Percentiles":
        latencies = [1000 * outcome.latency_s for outcome in outcomes if outcome.fate is Fate.ANSWERED]
        if not latencies:
            return cls(0.0, 0.0, 0.0, 0.0)
        return cls(*(float(value) for value in np.percentile(latencies, (50, 90, 99, 100))))


def wait_percentiles_ms(outcomes: Sequence[Outcome]) -> tuple[float, float]:
    """Of what answered requests waited until they ran, the 50th and the 99th percentile."""
    waits = [1000 * outcome.waited_s for outcome in outcomes if outcome.fate is Fate.ANSWERED]
    return (float(np.percentile(waits, 50)), float(np.percentile(waits, 99))) if waits else (0.0, 0.0)


def tokens_by_tenant(
    outcomes: Sequence[Outcome], num_tenants: int, *, answered: bool
) -> npt.NDArray[np.float64]:
    """Tokens that each tenant asked for, or of those the ones that were answered."""  # [num_tenants]
    tokens = np.zeros(num_tenants)
    for outcome in outcomes:
        if not answered or outcome.fate is Fate.ANSWERED:
            tokens[outcome.tenant] += outcome.num_tokens
    return tokens


def fair_shares(
    demands: npt.NDArray[np.float64], capacity: float, weights: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Max-min: each gets the same by weight, nobody more than they ask for; together ``capacity`` at most."""
    shares = np.zeros(len(demands))
    left, weight_left = capacity, float(weights.sum())
    for tenant in np.argsort(demands / weights, kind="stable"):
        shares[tenant] = min(demands[tenant], max(left, 0.0) * weights[tenant] / weight_left)
        left -= shares[tenant]
        weight_left = max(weight_left - weights[tenant], 1e-12)
    return shares


def jain(served: npt.NDArray[np.float64], shares: npt.NDArray[np.float64]) -> float:
    """Jain's index over served ÷ share, of those with a share: 1 when all are equal, 1/n when one has all."""
    has_share = shares > 0
    ratios = served[has_share] / shares[has_share]
    squares = float((ratios**2).sum()) * len(ratios)
    return float(ratios.sum()) ** 2 / squares if squares > 0 else 1.0


def least_served(served: npt.NDArray[np.float64], shares: npt.NDArray[np.float64]) -> float:
    """The least of served ÷ share, of those with a share; 1 where nobody has one."""
    has_share = shares > 0
    return float((served[has_share] / shares[has_share]).min(initial=1.0))
