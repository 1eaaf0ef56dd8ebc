"""What a smaller rank would cost: the trained adapter, cut to the nearest one of it, on the test rows."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hmi.build.metrics import Interval, bootstrap_difference, bootstrap_mean
from hmi.model.adapters.host import HostAdapter
from hmi.model.adapters.methods import METHODS

Quality = npt.NDArray[np.float64]  # [rows]


@dataclass(frozen=True, slots=True)
class RankPoint:
    """The version with its adapter cut to this rank and trained no further, so that an adapter trained at the
    rank may be better. The last point is the adapter as it is.

    Accuracy is the rows' mean quality, as of PlotCost. There is no time: a batch's adapters take slots of one
    rank, and a smaller one computes no faster in them.
    """

    rank: int
    adapter_bytes: int  # of its tensors
    accuracy: float
    accuracy_ci95: tuple[float, float]
    delta_points: float  # less the whole adapter, in points of 100
    delta_points_ci95: tuple[float, float]  # paired bootstrap over the test rows


def rank_curve(
    adapter: HostAdapter, whole: Quality, measure: Callable[[HostAdapter], Quality], *, seed: int
) -> tuple[RankPoint, ...]:
    """Ranks 1, 2, 4, ... up to the adapter's own; none of a method that cannot be cut.

    ``whole`` is how good each test row's answer is with ``adapter``; ``measure`` says it of a cut one.
    """
    method, rank = adapter.config.method, adapter.config.rank
    cut_to = METHODS[method].cut
    if isinstance(cut_to, str):
        return ()
    cut = [cut_to(adapter, smaller) for smaller in cut_ranks(method, rank)]
    return tuple(
        _point(one, quality, whole, seed)
        for one, quality in (*((one, measure(one)) for one in cut), (adapter, whole))
    )


def cut_ranks(method: str, rank: int) -> list[int]:
    """Powers of 2 below ``rank``; none of a method that cannot be cut."""
    if isinstance(METHODS[method].cut, str):
        return []
    return [2**power for power in range(rank.bit_length()) if 2**power < rank]


def _point(adapter: HostAdapter, quality: Quality, whole: Quality, seed: int) -> RankPoint:
    interval = bootstrap_mean(quality, seed=seed)
    is_whole = quality is whole
    difference = Interval(0.0, 0.0) if is_whole else bootstrap_difference(quality, whole, seed=seed)
    return RankPoint(
        rank=adapter.config.rank,
        adapter_bytes=adapter.num_bytes,
        accuracy=float(quality.mean()),
        accuracy_ci95=(interval.low, interval.high),
        delta_points=100 * float((quality - whole).mean()),
        delta_points_ci95=(100 * difference.low, 100 * difference.high),
    )
