"""Two models' right answers to the same test rows, and what they come to over folds and tasks."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from hmi.build.metrics import bootstrap_paired_difference

MIN_ROWS_FOR_WORST = 1_000
"""A set with fewer test rows is left out of ``worst_delta_points``: its interval is wider than the aim."""


@dataclass(frozen=True, slots=True)
class Paired:
    """Right answers to the test rows of one fold, on the PLOT side and on computed lower layers."""

    num_test: int
    plot_right: int
    computed_right: int
    only_plot_right: int | None = None  # rows that the other got wrong; None: not compared row by row
    share_exact: float = 0.0

    @classmethod
    def of(cls, report: dict[str, Any]) -> "Paired":
        cost, num_test = report["plot_cost"], report["rows"]["test"]
        plot_right, computed_right = (
            round(cost[f"{side}_accuracy"] * num_test) for side in ("plot", "computed")
        )
        return cls(num_test, plot_right, computed_right, cost["only_plot_right"])


def summary(compared: dict[str, list[Paired]]) -> dict[str, Any]:
    """Figures by task, the test rows of all folds together, and over the tasks."""
    per_task = {name: _together(folds) for name, folds in compared.items()}
    deltas = [figures["delta_points"] for figures in per_task.values()]
    large = [f["delta_points"] for f in per_task.values() if f["num_test"] >= MIN_ROWS_FOR_WORST]
    return {
        "per_task": per_task,
        "mean_delta_points": round(sum(deltas) / len(deltas), 2),
        "worst_delta_points": min(large, default=None),
        "share_exact": round(max(fold.share_exact for folds in compared.values() for fold in folds), 4),
    }


def _together(folds: list[Paired]) -> dict[str, Any]:
    num_test = sum(fold.num_test for fold in folds)
    plot, computed = sum(fold.plot_right for fold in folds), sum(fold.computed_right for fold in folds)
    only_plot = [fold.only_plot_right for fold in folds if fold.only_plot_right is not None]
    return {
        "plot": round(plot / num_test, 4),
        "computed": round(computed / num_test, 4),
        "delta_points": round(100 * (plot - computed) / num_test, 2),
        **({"ci95": _interval(num_test, plot - computed, sum(only_plot))} if only_plot else {}),
        "num_test": num_test,
    }


def _interval(num_test: int, more_right: int, only_plot_right: int) -> list[float]:
    """In points. Which rows are which does not matter: the bootstrap counts kinds of pairs."""
    rows = np.arange(num_test)
    only_computed_right = only_plot_right - more_right
    interval = bootstrap_paired_difference(
        rows < only_plot_right, rows >= num_test - only_computed_right, seed=1
    )
    return [round(100 * interval.low, 2), round(100 * interval.high, 2)]
