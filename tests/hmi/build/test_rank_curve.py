"""An adapter cut to fewer ranks is the nearest one there is, and its figures are of the same rows."""

from pathlib import Path

import numpy as np
import pytest
import torch

from hmi.build.rank_curve import cut_ranks, rank_curve
from hmi.model.adapters.bottleneck.config import BottleneckConfig
from hmi.model.adapters.host import Factors, HostAdapter
from hmi.model.adapters.lora.config import LoraConfig
from hmi.model.adapters.lora.ranks import cut_to_rank
from hmi.model.adapters.parameters import AdapterParameters
from tests.tiny.backbone import make_tiny_backbone


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> HostAdapter:
    fields = make_tiny_backbone(tmp_path_factory.mktemp("tiny")).fields
    whole = AdapterParameters(fields, LoraConfig(4, 8.0), seed=1).to_host()
    chance = torch.Generator().manual_seed(1)
    drawn = {
        site: Factors(factors.down, torch.randn(factors.up.shape, generator=chance))
        for site, factors in whole.factors.items()
    }
    return HostAdapter(whole.config, drawn)


def change(adapter: HostAdapter) -> list[torch.Tensor]:
    return [adapter.config.scaling * factors.up @ factors.down for factors in adapter.factors.values()]


@pytest.mark.parametrize("rank", [1, 2, 3, 4])
def test_the_change_is_that_of_the_largest_singular_values(adapter: HostAdapter, rank: int) -> None:
    cut = cut_to_rank(adapter, rank)
    assert cut.config.rank == rank
    for whole, less in zip(change(adapter), change(cut), strict=True):
        left, values, right = torch.linalg.svd(whole, full_matrices=False)
        nearest = left[:, :rank] @ torch.diag(values[:rank]) @ right[:rank]
        torch.testing.assert_close(less, nearest, atol=1e-4, rtol=1e-4)


def test_what_is_cut_fits_the_backbone_and_takes_less_room(adapter: HostAdapter, tmp_path: Path) -> None:
    cut = cut_to_rank(adapter, 1)
    cut.check(make_tiny_backbone(tmp_path).fields)
    assert cut.num_bytes * 4 == adapter.num_bytes


def test_the_curve_compares_each_rank_with_the_whole_on_the_same_rows(adapter: HostAdapter) -> None:
    shares = {1: 0.5, 2: 0.75}  # the whole one is not measured again

    def measure(cut: HostAdapter) -> np.ndarray:
        return (np.arange(100) < 100 * shares[cut.config.rank]).astype(np.float64)

    points = rank_curve(adapter, np.ones(100), measure, seed=1)
    assert [point.rank for point in points] == [1, 2, 4]
    assert [point.accuracy for point in points] == [0.5, 0.75, 1.0]
    assert [point.delta_points for point in points] == [-50, -25, 0]
    assert 0.9 < points[-1].accuracy_ci95[0] < 0.99, "a hundred rows that are all right are no proof"
    alike = rank_curve(adapter, np.ones(100), lambda cut: np.ones(100), seed=1)
    assert [point.delta_points_ci95[1] > 0 for point in alike] == [True, True, False], "nor are equal ones"
    assert points[0].delta_points_ci95[1] < points[1].delta_points_ci95[0]
    assert points[-1].adapter_bytes == adapter.num_bytes and points[-1].delta_points_ci95 == (0, 0)


def test_other_methods_have_no_such_curve() -> None:
    bottleneck = HostAdapter(BottleneckConfig(4), {})
    assert rank_curve(bottleneck, np.ones(3), lambda adapter: np.ones(3), seed=1) == ()


def test_ranks_are_powers_of_two_below_the_own() -> None:
    assert [cut_ranks("lora", rank) for rank in (1, 2, 8, 12)] == [[], [1], [1, 2, 4], [1, 2, 4, 8]]
    assert cut_ranks("bottleneck", 12) == [], "no work is planned for what is not cut"
