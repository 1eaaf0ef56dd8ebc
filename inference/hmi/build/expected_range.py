"""What a training's figure on its test rows will probably be: from a quick probe, before it is started."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hmi.build.frozen_probe import FrozenProbe, RowSums, cross_validated_sums
from hmi.build.learning_curve import forecast, learning_curve
from hmi.build.metrics import Interval, wilson_interval
from wire.tasks import TaskKind
from wire.training import AccuracyRange

MIN_JUDGED_ROWS = 40
LEARNING_SHARE = 2 / 3
"""Of the probed rows, to see by how much more rows help; the rest judges."""
GROWTH_ERRORS_LEFT = 0.5
"""Share of a probe's errors that more rows leave at best: a slope seen on a few hundred rows is not believed
further."""
ADAPTER_ERRORS_LEFT = {
    TaskKind.SINGLE_LABEL: 0.7,
    TaskKind.MULTI_LABEL: 0.6,
    TaskKind.SENTENCE_PAIR: 0.1,
    TaskKind.TOKEN_CLASSIFICATION: 0.1,
    TaskKind.SCORE: 0.7,
}
"""Likewise what an adapter leaves of a frozen model's errors (measured: docs/decisions/0001). Heads on frozen
states know nothing of how two texts, or the words of a span, go together."""
NUM_DRAWS = 1000


def expected_range(
    probe: FrozenProbe,
    texts: Sequence[str],
    *,
    kind: TaskKind,
    num_train_rows: int,
    num_test_rows: int,
    seed: int,
) -> AccuracyRange | None:
    """From what the frozen model reaches on the probed rows to what more rows and an adapter may add at most,
    on so many test rows: of few of them the figure is as uncertain as they are few.

    None when too few of the probed rows can be judged.
    """
    sums = cross_validated_sums(probe, texts, seed=seed)
    num_judged = len(sums)
    if num_judged < max(MIN_JUDGED_ROWS, len(texts) / 2):
        return None
    quality = probe.quality(sums.sum(axis=0))
    of_probe = _interval(probe, sums, num_judged, seed)
    # Both the probed rows and the test rows are a sample: their variances add up.
    of_figure = _interval(probe, sums, max(1, round(1 / (1 / num_judged + 1 / num_test_rows))), seed)
    left = _left_by_growth(probe, num_train_rows, seed) * ADAPTER_ERRORS_LEFT[kind]
    return AccuracyRange(
        low=of_figure.low,
        high=1 - (1 - of_figure.high) * left,
        probe_accuracy=quality,
        probe_ci95=(min(of_probe.low, quality), max(of_probe.high, quality)),
        probe_rows=num_judged,
    )


def _interval(probe: FrozenProbe, sums: RowSums, num_rows: int, seed: int) -> Interval:
    """95% interval of the figure of ``num_rows`` rows like those of ``sums``; honest also near 0 and 1."""
    random = np.random.default_rng(seed)
    drawn = [_quality_of(probe, sums, random.integers(0, len(sums), num_rows)) for _ in range(NUM_DRAWS)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    share = min(1.0, max(0.0, probe.quality(sums.sum(axis=0))))
    of_share = wilson_interval(share, num_rows)
    return Interval(min(float(low), of_share.low), min(1.0, max(float(high), of_share.high)))


def _quality_of(probe: FrozenProbe, sums: RowSums, drawn: npt.NDArray[np.int64]) -> float:
    return max(-1.0, probe.quality(sums[drawn].sum(axis=0)))


def _left_by_growth(probe: FrozenProbe, num_train_rows: int, seed: int) -> float:
    """Share of the probe's errors that all training rows, instead of some, would leave."""
    num_rows = len(probe.is_judged)
    train, test = np.split(np.arange(num_rows), [round(LEARNING_SHARE * num_rows)])
    if num_train_rows <= num_rows:
        return 1.0
    curve = learning_curve(probe, train, test, seed=seed)
    if curve is None:
        return 1.0
    last = curve.points[-1]
    ahead = forecast([(point.rows, point.accuracy) for point in curve.points], rows=num_train_rows)
    return 1.0 if ahead is None else max(GROWTH_ERRORS_LEFT, (1 - ahead) / (1 - last.accuracy))
