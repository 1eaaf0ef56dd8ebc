"""Is what a version gets to see still like what it was trained and tested on? Live counts against its report.

Three comparisons, each over the texts of some days, none of which needs a text:

* coverage: the share of tokens that PLOT answered with a trigram or a bigram. Alarm when it has fallen by
  more than COVERAGE_DROP.
* scores: how sure the version was, in the report's fifteen bins; of a task that predicts a score, the values
  that it predicted, in ten buckets that are equally full on the validation rows.
* labels: what it answered, against what it answered on the test rows; of a task with several labels a text,
  each label given counts once. Of a task that finds spans, both are of spans.

A task that predicts a score has no labels to compare, and one with several labels has no scores.

The last two by the population stability index, less what chance alone makes of so few texts; alarm above
PSI_ALARM (by custom 0.1 is worth a look, 0.25 a shift). Below MIN_TEXTS nothing alarms.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

MIN_TEXTS = 200
COVERAGE_DROP = 0.1
PSI_ALARM = 0.2


@dataclass(frozen=True, slots=True)
class LiveCounts:
    """What was counted of a version."""

    num_texts: int
    num_tokens: int
    num_trigram_tokens: int
    num_bigram_tokens: int
    score_counts: Sequence[int]
    label_counts: Sequence[int]


@dataclass(frozen=True, slots=True)
class CoverageDrift:
    """Shares of tokens answered by a trigram or a bigram."""

    training: float
    live: float
    threshold: float  # alarm when live is below training by more
    is_alarm: bool


@dataclass(frozen=True, slots=True)
class CountsDrift:
    """Shares of texts by bucket, of the report's test rows and of live texts."""

    training: tuple[float, ...]
    live: tuple[float, ...]
    stability_index: float  # less what chance makes of it
    threshold: float
    is_alarm: bool
    bounds: tuple[float, ...] = ()  # of predicted values: bucket n lies between bounds n - 1 and n


@dataclass(frozen=True, slots=True)
class Drift:
    """What the comparisons say; None where the report or the counts do not have the numbers."""

    num_texts: int
    min_texts: int
    is_enough: bool
    is_alarm: bool
    coverage: CoverageDrift | None
    scores: CountsDrift | None
    labels: CountsDrift | None


def drift_of(report: Mapping[str, Any], live: LiveCounts) -> Drift:
    """Compare what a version's report says with what was counted since."""
    is_enough = live.num_texts >= MIN_TEXTS
    coverage = _coverage(report, live, is_enough)
    scores = _scores(report, live.score_counts, is_enough)
    labels = _counts(_report_labels(report), live.label_counts, is_enough)
    found = [part for part in (coverage, scores, labels) if part is not None]
    return Drift(
        num_texts=live.num_texts,
        min_texts=MIN_TEXTS,
        is_enough=is_enough,
        is_alarm=any(part.is_alarm for part in found),
        coverage=coverage,
        scores=scores,
        labels=labels,
    )


def stability_index(training: Sequence[int], live: Sequence[int]) -> float:
    """Population stability index of two counts over the same buckets, less its mean when nothing has shifted.

    Half a text is added to each bucket, so that an empty one has a logarithm.
    """
    first, second = ([count + 0.5 for count in counts] for counts in (training, live))
    total, other = sum(first), sum(second)
    index = sum(
        (b / other - a / total) * math.log((b / other) / (a / total))
        for a, b in zip(first, second, strict=True)
    )
    used = sum(1 for a, b in zip(training, live, strict=True) if a or b)
    chance = max(0, used - 1) * (1 / total + 1 / other)
    return max(0.0, index - chance)


def _coverage(report: Mapping[str, Any], live: LiveCounts, is_enough: bool) -> CoverageDrift | None:
    told = report.get("coverage")
    if not isinstance(told, dict) or not {"trigram", "bigram"} <= told.keys() or not live.num_tokens:
        return None
    training = float(told["trigram"]) + float(told["bigram"])
    now = (live.num_trigram_tokens + live.num_bigram_tokens) / live.num_tokens
    return CoverageDrift(training, now, COVERAGE_DROP, is_enough and training - now > COVERAGE_DROP)


def _scores(report: Mapping[str, Any], live: Sequence[int], is_enough: bool) -> CountsDrift | None:
    values = report.get("values")
    if not isinstance(values, dict):
        return _counts(_report_scores(report, len(live)), live, is_enough)
    found = _counts([int(count) for count in values["counts"]], live, is_enough)
    bounds = tuple(float(bound) for bound in values["bounds"])
    return None if found is None else replace(found, bounds=bounds)


def _counts(training: Sequence[int] | None, live: Sequence[int], is_enough: bool) -> CountsDrift | None:
    if training is None or not sum(training) or not sum(live):
        return None
    length = max(len(training), len(live))
    first, second = ([*counts, *[0] * (length - len(counts))] for counts in (training, live))
    index = stability_index(first, second)
    return CountsDrift(
        training=tuple(count / sum(first) for count in first),
        live=tuple(count / sum(second) for count in second),
        stability_index=index,
        threshold=PSI_ALARM,
        is_alarm=is_enough and index > PSI_ALARM,
    )


def _report_scores(report: Mapping[str, Any], num_buckets: int) -> list[int] | None:
    calibration = report.get("calibration")
    if not isinstance(calibration, dict) or not num_buckets:
        return None
    counts = [0] * num_buckets
    for told in calibration.get("bins", []):
        middle = (float(told["low"]) + float(told["high"])) / 2
        counts[min(int(middle * num_buckets), num_buckets - 1)] += int(told["rows"])
    return counts


def _report_labels(report: Mapping[str, Any]) -> list[int] | None:
    confusion = report.get("confusion")
    if isinstance(confusion, list) and confusion:
        return [sum(column) for column in zip(*confusion, strict=True)]
    classes = report.get("classes")
    if isinstance(classes, list) and classes and all("predicted" in told for told in classes):
        return [int(told["predicted"]) for told in classes]
    return None
