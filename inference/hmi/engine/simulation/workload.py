"""Synthetic requests: who asks when, and for how much. DESIGN.md section 6 names the distributions."""

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from hmi.engine.simulation.lengths import Lengths

CLOSED_REQUESTS = 100_000
"""Different requests of a closed loop."""
MAX_CV = 100.0
"""Of the times between requests. Far beyond, nearly all are 0, and the arrivals have no end."""


class Popularity(Enum):
    """How unequal tenants are."""

    POWER = "power"  # tenant int(u ** (1 / exponent) * n): the smaller the exponent, the more unequal
    ZIPF = "zipf"  # tenant i in proportion to (i + 1) ** -exponent


@dataclass(frozen=True, slots=True)
class WorkloadConfig:
    """Open loop: requests come when they come, answered or not. With ``window``, closed: so many are kept
    open for ``seconds``, and ``rate`` and ``cv`` say nothing."""

    num_tenants: int
    popularity: Popularity
    exponent: float
    rate: float  # requests a second, of all tenants together
    seconds: float
    cv: float = 1.0  # coefficient of variation of the times between requests; 1: Poisson
    lengths: Lengths = Lengths.NORMAL
    num_texts: int = 1  # in each request
    max_text_tokens: int = 512
    noisy_rate: float = 0.0  # further requests a second, all of one further tenant
    noisy_from_s: float = 0.0
    off_domain: float = 0.0  # share of requests whose lower layers are computed
    window: int | None = None  # requests kept open
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("num_tenants", "exponent", "rate", "seconds", "cv", "num_texts", "max_text_tokens"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if not 0 <= self.off_domain <= 1:
            raise ValueError(f"off_domain is a share between 0 and 1, got {self.off_domain}")
        for name in ("noisy_rate", "noisy_from_s", "seed"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} cannot be negative, got {getattr(self, name)}")
        if self.cv > MAX_CV:
            raise ValueError(f"cv can be {MAX_CV:g} at most, got {self.cv}")
        if self.window is not None and self.window < 1:
            raise ValueError(f"window must be at least 1, got {self.window}")
        if self.window is not None and self.noisy_rate:
            raise ValueError("a noisy tenant comes at a rate of its own: not beside a window")

    @property
    def noisy_tenant(self) -> int | None:
        """The number of the tenant that floods, one after all others; None: nobody does."""
        return self.num_tenants if self.noisy_rate > 0 else None


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """As soon as a request ends another one comes."""

    window: int  # requests kept open
    seconds: float  # so long


@dataclass(frozen=True, slots=True)
class Workload:
    """Requests by arrival; those of a closed loop are asked again and again, in order."""

    times_s: npt.NDArray[np.float64]  # [num_requests], ascending; of a closed loop all 0
    tenants: npt.NDArray[np.int64]  # [num_requests]
    text_tokens: npt.NDArray[np.int64]  # [num_requests, num_texts]
    is_exact: npt.NDArray[np.bool_]  # [num_requests]: lower layers computed
    closed: ClosedLoop | None = None

    @property
    def num_requests(self) -> int:
        return len(self.times_s)


def make_workload(config: WorkloadConfig) -> Workload:
    """The same requests for the same ``config``. A noisy tenant changes nobody else's requests."""
    base = _one_source(config, np.random.default_rng(config.seed))
    if config.noisy_tenant is None:
        return base
    noisy = _noisy(config, np.random.default_rng([config.seed, 1]))
    times_s = np.concatenate((base.times_s, noisy.times_s))
    order = np.argsort(times_s, kind="stable")
    return Workload(
        times_s[order],
        np.concatenate((base.tenants, noisy.tenants))[order],
        np.concatenate((base.text_tokens, noisy.text_tokens))[order],
        np.concatenate((base.is_exact, noisy.is_exact))[order],
    )


def popularity(config: WorkloadConfig) -> npt.NDArray[np.float64]:
    """The share of requests of each tenant."""  # [num_tenants]
    ranks = np.arange(config.num_tenants + 1, dtype=np.float64)
    if config.popularity is Popularity.POWER:
        return np.diff((ranks / config.num_tenants) ** config.exponent)
    weights = ranks[1:] ** -config.exponent
    return np.asarray(weights / weights.sum())


def _one_source(config: WorkloadConfig, random: np.random.Generator) -> Workload:
    closed = None if config.window is None else ClosedLoop(config.window, config.seconds)
    if closed is None:
        times_s = _arrivals(config.rate, config.seconds, config.cv, random)
    else:
        times_s = np.zeros(CLOSED_REQUESTS)
    edges = np.cumsum(popularity(config))
    tenants = np.searchsorted(edges, random.random(len(times_s)) * edges[-1], side="right")
    return Workload(
        times_s,
        np.minimum(tenants, config.num_tenants - 1).astype(np.int64),
        _text_tokens(config, len(times_s), random),
        random.random(len(times_s)) < config.off_domain,
        closed,
    )


def _noisy(config: WorkloadConfig, random: np.random.Generator) -> Workload:
    seconds = max(config.seconds - config.noisy_from_s, 0.0)
    times_s = config.noisy_from_s + _arrivals(config.noisy_rate, seconds, 1.0, random)
    return Workload(
        times_s,
        np.full(len(times_s), config.num_tenants, np.int64),
        _text_tokens(config, len(times_s), random),
        np.zeros(len(times_s), np.bool_),
    )


def _arrivals(rate: float, seconds: float, cv: float, random: np.random.Generator) -> npt.NDArray[np.float64]:
    """Arrival times before ``seconds``, with gamma-distributed times between them."""
    shape = 1 / cv**2
    times_s = np.zeros(0)
    while not len(times_s) or times_s[-1] < seconds:
        some = max(64, math.ceil(1.1 * rate * seconds))
        between_s = random.gamma(shape, 1 / (rate * shape), some)
        more = np.cumsum(np.minimum(between_s, seconds))  # a longer one is behind the end all the same
        times_s = np.concatenate((times_s, (times_s[-1] if len(times_s) else 0.0) + more))
    return times_s[times_s < seconds]


def _text_tokens(
    config: WorkloadConfig, num_requests: int, random: np.random.Generator
) -> npt.NDArray[np.int64]:
    size = (num_requests, config.num_texts)
    if config.lengths is Lengths.NORMAL:
        tokens = random.normal(32, 8, size)
    else:
        tokens = random.lognormal(math.log(40), math.log(128 / 40) / 2.326, size)
    return np.clip(np.rint(tokens), 1, config.max_text_tokens).astype(np.int64)
