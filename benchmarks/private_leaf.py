"""What does a private leaf bring? Tasks of a shared domain that has none of their text, with and without."""

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.common import TASKS, BenchTask, print_result, read_task, say
from benchmarks.local_job import general_text, local_job, unheard
from hmi.build.data import row_line
from hmi.build.job_progress import JobProgress
from hmi.build.train_job import run_training
from hmi.build.work_folder import WorkFolder
from hmi.cli.local_store import LocalStore, open_local_store
from hmi.cli.train import DEFAULT_SOURCE
from wire.ids import BundleUri, DatasetId, DomainId
from wire.training import Recipe

MAX_ROWS, MAX_TOKENS = 1200, 64
LEAF_MB = 4.0


def main() -> int:
    args = _parser().parse_args()
    began = time.monotonic()
    runs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="hmi-private-leaf-") as name:
        folder = Path(name)
        local = open_local_store(folder / "store", source=DEFAULT_SOURCE, general_text=general_text(folder))
        for task in filter(None, map(read_task, args.tasks)):
            for seed in range(1, 1 + args.seeds):
                run = _run(local, folder / f"{task.name}-{seed}", task, args.max_rows, seed)
                say(" ".join(f"{key} {value}" for key, value in run.items()))
                runs.append(run)
    kept = [run for run in runs if run["is_kept"]]
    print_result(
        {
            "runs": runs,
            "kept": len(kept),
            "of": len(runs),
            "test_gain_points": _mean([run["test_gain_points"] for run in kept]),
            "leaf_mb": LEAF_MB,
            "seconds": round(time.monotonic() - began),
        }
    )
    return 0


def _run(local: LocalStore, folder: Path, task: BenchTask, max_rows: int, seed: int) -> dict[str, Any]:
    """The same training twice. What stands in the way of a comparison is left out: its report answers."""
    without, with_leaf = (_report(local, folder, task, max_rows, seed, leaf_mb) for leaf_mb in (0.0, LEAF_MB))
    trial = with_leaf["private_leaf"]
    return {
        "task": task.name,
        "seed": seed,
        "is_kept": trial["is_kept"],
        "validation_gain_points": _rounded(trial["gain_points"]),
        "test_gain_points": _rounded(100 * (with_leaf["accuracy"] - without["accuracy"])),
        "test_rows": without["rows"]["test"],
        "leaf_rows": trial["num_rows"],
        "leaf_bytes": trial["num_bytes"],
    }


def _report(
    local: LocalStore, folder: Path, task: BenchTask, max_rows: int, seed: int, leaf_mb: float
) -> dict[str, Any]:
    name = f"{folder.name}-{leaf_mb:g}"
    rows = task.rows[:max_rows]
    recipe = Recipe(max_tokens=MAX_TOKENS, compare_computed=False, distil=False, seed=seed, leaf_mb=leaf_mb)
    job = replace(
        local_job(task, local, recipe),
        is_domain_shared=True,
        domain_id=DomainId(name),
        dataset_id=DatasetId(name),
        rows_uri=BundleUri(f"{name}/rows.jsonl"),
        segment_out_uri=BundleUri(f"{name}/segment"),
        tree_out_uri=BundleUri(f"{name}/tree"),
        version_out_uri=BundleUri(f"{name}/version"),
    )
    local.store.put_file(job.rows_uri, b"".join(map(row_line, rows)))
    work = WorkFolder(folder.with_name(f"work-{name}"))
    return run_training(job, store=local.store, work=work, progress=JobProgress(unheard)).report


def _mean(values: list[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return round(sum(there) / len(there), 2) if there else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./hmi bench private_leaf", description=__doc__)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--max-rows", type=int, default=MAX_ROWS)
    parser.add_argument("--seeds", type=int, default=1)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
