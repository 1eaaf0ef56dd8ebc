"""What a smaller rank would cost: the trained adapter, cut to the nearest one of it, on the test rows."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from hmi.build.metrics import bootstrap_rows
from hmi.model.adapters.host import Factors, HostAdapter
from hmi.model.adapters.lora.config import LoraConfig

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
    """Ranks 1, 2, 4, ... up to the adapter's own; none for methods whose change is no product of matrices.

    ``whole`` is how good each test row's answer is with ``adapter``; ``measure`` says it of a cut one.
    """
    if not isinstance(adapter.config, LoraConfig):
        return ()
    cut = [cut_to_rank(adapter, rank) for rank in cut_ranks(adapter.config.rank)]
    return tuple(
        _point(one, quality, whole, seed)
        for one, quality in (*((one, measure(one)) for one in cut), (adapter, whole))
    )


def cut_ranks(rank: int) -> list[int]:
    """Powers of 2 below ``rank``."""
    return [2**power for power in range(rank.bit_length()) if 2**power < rank]


@torch.no_grad()
def cut_to_rank(adapter: HostAdapter, rank: int) -> HostAdapter:
    """The LoRA adapter of ``rank`` that is nearest to this one, module by module, in squared error (Eckart
    and Young 1936)."""
    assert isinstance(adapter.config, LoraConfig), "only a product of two matrices can be cut so"
    config = LoraConfig(rank, adapter.config.scaling * rank, adapter.config.modules)
    return HostAdapter(config, {site: _cut(factors, rank) for site, factors in adapter.factors.items()})


def _cut(factors: Factors, rank: int) -> Factors:
    # The singular values of up @ down are those of the small product of the triangles.
    up_basis, up_triangle = torch.linalg.qr(factors.up.float())
    down_basis, down_triangle = torch.linalg.qr(factors.down.float().T)
    left, values, right = torch.linalg.svd(up_triangle @ down_triangle.T)
    roots = values[:rank].sqrt()
    return Factors(
        down=(roots[:, None] * (right[:rank] @ down_basis.T)).to(factors.down.dtype).contiguous(),
        up=((up_basis @ left[:, :rank]) * roots).to(factors.up.dtype).contiguous(),
    )


def _point(adapter: HostAdapter, quality: Quality, whole: Quality, seed: int) -> RankPoint:
    difference = quality - whole
    interval = bootstrap_rows(lambda rows: float(quality[rows].mean()), len(quality), seed=seed)
    differences = bootstrap_rows(lambda rows: float(difference[rows].mean()), len(quality), seed=seed)
    return RankPoint(
        rank=adapter.config.rank,
        adapter_bytes=adapter.num_bytes,
        accuracy=float(quality.mean()),
        accuracy_ci95=(interval.low, interval.high),
        delta_points=100 * float(difference.mean()),
        delta_points_ci95=(100 * differences.low, 100 * differences.high),
    )
