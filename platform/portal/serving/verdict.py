"""Is the version on trial as good as the one that serves? What the comparisons say, and how sure they are.

Nobody tells the right labels of live texts, so two things are tested on the requests that both versions got:

* failures: of the requests that exactly one of them failed, the live version should have failed as many as
  the other (sign test). Significant at FAILURE_P: roll back, however few there are.
* agreement: the share of texts that both give the same label, with an interval of Z standard errors (Wilson).
  Wholly at or above the least agreement: promote; wholly below: roll back. While it straddles it, wait, and
  roll back when MAX_FACTOR times the least number of texts have not settled it.

The tests are looked at again and again while a trial runs; FAILURE_P and Z are strict for that reason.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from portal.usage.models import TrialFigures

FAILURE_P = 0.001
Z = 3.0
MAX_FACTOR = 10
_NEGLIGIBLE = 1e-17


class Outcome(StrEnum):
    """What to do with the version on trial."""

    WAIT = "wait"
    PROMOTE = "promote"
    ROLL_BACK = "roll_back"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the figures say now."""

    outcome: Outcome
    reason: str
    agreement: float | None  # None: no text was answered by both
    agreement_low: float
    agreement_high: float
    failure_p: float  # of the sign test


def judge(figures: TrialFigures | None, *, min_texts: int, min_agreement: float) -> Verdict:
    """The verdict on a trial; ``figures`` is None before the first comparison."""
    if figures is None:
        reason = (
            f"Nothing has been compared yet: a verdict needs {min_texts} texts that both versions answered."
        )
        return Verdict(Outcome.WAIT, reason, None, 0.0, 1.0, 1.0)
    low, high = wilson(figures.num_agreed, figures.num_texts)
    p = sign_test(figures.num_trial_failed, figures.num_live_failed)
    agreement = figures.num_agreed / figures.num_texts if figures.num_texts else None
    outcome, reason = _decide(figures, low, high, p, min_texts, min_agreement)
    return Verdict(outcome, reason, agreement, low, high, p)


def sign_test(more: int, fewer: int) -> float:
    """The chance of at least ``more`` heads in ``more + fewer`` throws of a coin."""
    if more <= fewer:  # as at most so many tails: the rest of more heads
        return 1 - sign_test(fewer + 1, more - 1) if more else 1.0
    total = more + fewer
    # From the likeliest on, each the smaller the further: of millions of throws a few thousand count.
    log_chance = math.lgamma(total + 1) - math.lgamma(more + 1) - math.lgamma(fewer + 1)
    chance = math.exp(log_chance - total * math.log(2))
    at_least, heads = 0.0, more
    while chance > at_least * _NEGLIGIBLE:
        at_least += chance
        chance *= (total - heads) / (heads + 1)
        heads += 1
    return min(1.0, at_least)


def wilson(hits: int, total: int) -> tuple[float, float]:
    """Interval of a share, Z standard errors wide to both sides; (0, 1) of nothing."""
    if total == 0:
        return 0.0, 1.0
    share, spread = hits / total, Z * Z / total
    centre = (share + spread / 2) / (1 + spread)
    half = Z / (1 + spread) * math.sqrt(share * (1 - share) / total + spread / (4 * total))
    return max(0.0, centre - half), min(1.0, centre + half)


def _decide(
    figures: TrialFigures, low: float, high: float, p: float, min_texts: int, min_agreement: float
) -> tuple[Outcome, str]:
    if p < FAILURE_P:
        return Outcome.ROLL_BACK, (
            f"It failed {figures.num_trial_failed} requests that the live version answered"
            f" (the other way round: {figures.num_live_failed}; p = {p:.2g})."
        )
    if figures.num_texts < min_texts:
        return Outcome.WAIT, f"{figures.num_texts} of at least {min_texts} texts have been compared."
    found = f"Both agree on {figures.num_agreed} of {figures.num_texts} texts ({low:.1%} to {high:.1%})"
    if low >= min_agreement:
        return Outcome.PROMOTE, f"{found}: at least the {min_agreement:.1%} asked for."
    if high < min_agreement:
        return Outcome.ROLL_BACK, f"{found}: less than the {min_agreement:.1%} asked for."
    if figures.num_texts >= MAX_FACTOR * min_texts:
        return Outcome.ROLL_BACK, f"{found}: too near to {min_agreement:.1%} to be settled."
    return Outcome.WAIT, f"{found}: that may be {min_agreement:.1%} or less."
