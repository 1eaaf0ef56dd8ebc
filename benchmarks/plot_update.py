"""What updates bring a domain: its text in ten slices, coverage and accuracy after each; rows by worth and by
frequency at equal bytes; what an update costs.

Accuracy is that of a linear head on frozen states that were looked up, not of a trained adapter.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.common import general_texts, print_result, say
from benchmarks.plot_world import Domain, PlotWorld, Seen, is_right, paired_points, points, probe
from hmi.build.plot_builder import build_domain, publish_segment
from hmi.plot.estimate import build_table
from hmi.plot.merge import merge_segments
from hmi.plot.node_budget import KeepBy, NodeBudget
from hmi.plot.segment import Segment, open_segment
from hmi.plot.table import PlotTable
from hmi.plot.tree import counted_documents, open_tree
from wire.artifacts import BundleRef
from wire.ids import BundleUri

TASK = "movie"
NODE_ROWS, TRAIN_ROWS, MAX_TEST = 7000, 800, 1600
GENERAL_CHARACTERS = 500_000
SLICES = 10
BUDGET_SHARES = (0.125, 0.25, 0.5)
"""Of the bytes that the whole node takes."""

Segments = list[tuple[BundleRef, Segment]]


@dataclass(frozen=True, slots=True)
class Version:
    """The domain's tree after one update."""

    table: PlotTable
    num_tokens: int  # counted in the domain so far
    count_s: float  # the new slice's n-grams and states
    update_s: float  # all segments merged, the table built and published


def main() -> int:
    args = _parser().parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hmi-plot-update-") as folder:
        world = PlotWorld(Path(folder), list(general_texts(GENERAL_CHARACTERS)))
        domain = world.domain(args.task, node_rows=NODE_ROWS, train_rows=TRAIN_ROWS, max_test=MAX_TEST)
        if domain is None:
            print_result({"accuracy_gain_points": None})
            return 0
        segments, versions = _update(world, domain)
        seen = [world.see(domain, (*world.root.tables, version.table)) for version in versions]
        figures = {
            **_gain(domain, world.see(domain, world.root.tables), versions, seen),
            **_worth_and_frequency(world, domain, [segment for _, segment in segments]),
        }
    print_result({"task": args.task, **figures, "seconds": round(time.monotonic() - began)})
    return 0


def _update(world: PlotWorld, domain: Domain) -> tuple[Segments, list[Version]]:
    """Ten updates as the product makes them: each slice a segment, each version from all segments so far."""
    above = np.concatenate((counted_documents(world.store, world.root), domain.held_out))
    segments: Segments = []
    versions = []
    for number in range(SLICES):
        began = time.perf_counter()
        texts = domain.node_texts[number::SLICES]
        segment = world.segment(f"{domain.name}-{number}", texts, above)
        published = publish_segment(world.store, segment, BundleUri(f"segments/{number}"))
        counted = time.perf_counter()
        folder = world.store.localize(published.uri, published.digest)
        opened = open_segment(folder, published.digest, backbone=world.backbone.digest)
        segments.append((BundleRef(published.uri, published.digest), opened))
        uri = BundleUri(f"trees/{domain.name}-{number}")
        built = build_domain(world.store, world.root, segments, name=domain.name, tree_uri=uri)
        updated = time.perf_counter()
        tree = open_tree(world.store, uri, built.tree.digest, backbone=world.backbone.digest)
        num_tokens = sum(one.fields.num_tokens for _, one in segments)
        versions.append(Version(tree.tables[-1], num_tokens, counted - began, updated - counted))
        say(f"update {number + 1}: {num_tokens} tokens, {updated - counted:.1f} s")
    return segments, versions


def _gain(domain: Domain, general: Seen, versions: list[Version], seen: list[Seen]) -> dict[str, Any]:
    """A deployed task keeps its head, that of the first version; one that is trained again fits a new one."""
    first_head = probe(domain, seen[0])
    kept = [is_right(domain, first_head, each) for each in seen]
    fitted = [is_right(domain, probe(domain, each), each) for each in seen]
    alone = is_right(domain, probe(domain, general), general)
    tokens, update_s = (
        [getattr(version, name) for version in versions] for name in ("num_tokens", "update_s")
    )
    return {
        "coverage_general": _covered(general),
        "coverage_first": _covered(seen[0]),
        "coverage_last": _covered(seen[-1]),
        "accuracy_general": round(float(alone.mean()), 4),
        "accuracy_first": round(float(fitted[0].mean()), 4),
        "accuracy_last": round(float(fitted[-1].mean()), 4),
        "accuracy_gain_points": _difference(fitted[-1], fitted[0]),
        "accuracy_gain_ci95": paired_points(fitted[-1], fitted[0]),
        "accuracy_gain_kept_head_points": _difference(kept[-1], kept[0]),
        "accuracy_gain_kept_head_ci95": paired_points(kept[-1], kept[0]),
        "accuracy_gain_over_general_points": _difference(fitted[-1], alone),
        "accuracy_gain_over_general_ci95": paired_points(fitted[-1], alone),
        "last_over_first_update_time": round(update_s[-1] / update_s[0], 2),
        "last_over_first_tokens": round(tokens[-1] / tokens[0], 2),
        "updates": [
            {
                "num_tokens": version.num_tokens,
                "rows": version.table.num_rows,
                "coverage": _covered(one),
                "trigram": round(float(one.coverage[0]), 4),
                "accuracy": round(float(new.mean()), 4),
                "accuracy_kept_head": round(float(old.mean()), 4),
                "count_s": round(version.count_s, 2),
                "update_s": round(version.update_s, 2),
            }
            for version, one, new, old in zip(versions, seen, fitted, kept, strict=True)
        ],
        "num_test": len(domain.test.truth),
        "accuracy_of": "a linear head on frozen states",
    }


def _worth_and_frequency(world: PlotWorld, domain: Domain, segments: Sequence[Segment]) -> dict[str, Any]:
    """The last version's node within a budget, its rows chosen in two ways."""
    whole = _node(world, segments, None)
    per_budget: list[dict[str, Any]] = []
    for share in BUDGET_SHARES:
        right = {}
        for keep_by in KeepBy:
            table = _node(world, segments, NodeBudget(int(share * whole.num_bytes), keep_by))
            seen = world.see(domain, (*world.root.tables, table))
            right[keep_by] = is_right(domain, probe(domain, seen), seen)
        worth, frequency = right[KeepBy.WORTH], right[KeepBy.FREQUENCY]
        per_budget.append(
            {
                "share_of_bytes": share,
                "worth": round(float(worth.mean()), 4),
                "frequency": round(float(frequency.mean()), 4),
                "points": _difference(worth, frequency),
                "ci95": paired_points(worth, frequency),
            }
        )
    mean = float(np.mean([figures["points"] for figures in per_budget]))
    return {"worth_minus_frequency_points": round(mean, 2), "worth_and_frequency": per_budget}


def _node(world: PlotWorld, segments: Sequence[Segment], budget: NodeBudget | None) -> PlotTable:
    return build_table(
        merge_segments(segments),
        backbone=world.backbone.digest,
        hidden=world.backbone.fields.hidden,
        parents=world.root.tables,
        isolated=None,
        budget=budget,
    )


def _covered(seen: Seen) -> float:
    """Share of the test rows' tokens that a trigram or a bigram answers."""
    return round(float(seen.coverage[:2].sum()), 4)


def _difference(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> float:
    return points(float(first.mean() - second.mean()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", choices=("movie", "amazon", "drug", "bbc"), default=TASK)
    parser.add_argument("--full", action="store_true", help="the default is the full figure")
    return parser


if __name__ == "__main__":
    sys.exit(main())
