"""How much sooner is a training as good? Seconds to the same validation accuracy, one process a method."""

import argparse
import contextlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import TASKS, print_result, read_task, say
from benchmarks.local_job import ROWS_URI, general_text, local_job
from benchmarks.tunings import LabelledTexts, TunedOn, Tuning, fastest_dtype, tune
from hmi.base.allocator import keep_freed_memory
from hmi.build.adapter_trainer import Interrupted
from hmi.build.backbone_source import find_source
from hmi.build.data import LabelledRow, label_indices
from hmi.build.interruption import Interruption
from hmi.build.job_progress import JobProgress
from hmi.build.split import Split, split_rows
from hmi.build.state_cache import StateCache
from hmi.build.train_job import run_training
from hmi.build.work_folder import WorkFolder
from hmi.cli.local_store import LocalStore, open_local_store
from hmi.cli.train import DEFAULT_SOURCE
from wire.ids import BundleUri
from wire.training import Phase, Progress, Recipe

MAX_TRAIN, MAX_VALIDATION = 1000, 300
MAX_TOKENS = 64
FEW_ROWS = 64
CACHE_BYTES = 2 << 30
SLACK = 0.01
"""All must come to within a point of the worst one's best validation: what lies above is noise."""
OURS, OURS_AGAIN = "ours", "ours_again"
METHODS = (OURS, OURS_AGAIN, *(tuning.value for tuning in Tuning))


@dataclass(frozen=True, slots=True)
class Run:
    """One training, from a checkpoint or a store on disk to its end."""

    validations: list[tuple[float, float]]  # (seconds since the beginning, accuracy)
    seconds: float
    peak_bytes: int  # of the process, with all that it had imported

    def best(self) -> float:
        return max(accuracy for _, accuracy in self.validations)

    def seconds_to(self, accuracy: float) -> float:
        """Until it validated at least so well for the first time."""
        return next(seconds for seconds, reached in self.validations if reached >= accuracy)


def main() -> int:
    args = _parser().parse_args()
    if args.method:
        print(json.dumps(asdict(_run(args))), flush=True)
        return 0
    if read_task(args.task) is None:
        print_result({"speedup_vs_peft": None, "speedup_vs_full": None})
        return 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hmi-train-speed-") as folder:
        _local_store(Path(folder))
        _compile(Path(folder) / "compiled", args)
        rounds = [
            {method: _in_a_process(method, Path(folder) / str(number), args) for method in METHODS}
            for number in range(args.rounds)
        ]
    runs = {method: _middle([runs[method] for runs in rounds]) for method in METHODS}
    target = min(run.best() for run in runs.values()) - SLACK
    to_target = {method: run.seconds_to(target) for method, run in runs.items()}
    print_result(
        {
            "speedup_vs_peft": round(to_target[Tuning.PEFT] / to_target[OURS], 2),
            "speedup_vs_full": round(to_target[Tuning.FULL] / to_target[OURS], 2),
            "speedup_vs_peft_second_job": round(to_target[Tuning.PEFT] / to_target[OURS_AGAIN], 2),
            "second_job_over_first": round(to_target[OURS_AGAIN] / to_target[OURS], 3),
            "target_accuracy": round(target, 4),
            "seconds_to_target": {method: round(seconds, 1) for method, seconds in to_target.items()},
            "whole_seconds": {method: round(run.seconds, 1) for method, run in runs.items()},
            "best_validation": {method: round(run.best(), 4) for method, run in runs.items()},
            "peak_memory_mb": {method: round(run.peak_bytes / 1e6) for method, run in runs.items()},
            "peers_dtype": str(fastest_dtype()).removeprefix("torch."),
            "task": args.task,
            "full": args.full,
            "rounds": args.rounds,
            "seconds": round(time.monotonic() - began),
        }
    )
    return 0


def _compile(folder: Path, args: argparse.Namespace) -> None:
    """Up to the first step, on a few rows: compiled code is kept on the disk, and an installation's first
    job ever is not what is measured."""
    task = read_task(args.task)
    assert task is not None, "main has looked"
    whole = _split(task.rows, full=False)
    few = Split(whole.train[:FEW_ROWS], whole.validation[:FEW_ROWS], whole.test[:FEW_ROWS])
    interruption = Interruption()
    interruption.is_asked = True
    own = argparse.Namespace(**{**vars(args), "folder": folder, "method": OURS})
    with contextlib.suppress(Interrupted):
        _ours(own, Recipe(max_tokens=MAX_TOKENS), few, interruption)


def _local_store(folder: Path) -> LocalStore:
    """With a general node, as every installation has one."""
    return open_local_store(folder / "store", source=DEFAULT_SOURCE, general_text=general_text(folder))


def _in_a_process(method: str, folder: Path, args: argparse.Namespace) -> Run:
    command = [sys.executable, "-m", "benchmarks.train_speed", "--method", method, "--folder", str(folder)]
    options = ["--task", args.task, "--epochs", str(args.epochs), *(["--full"] if args.full else [])]
    done = subprocess.run([*command, *options], stdout=subprocess.PIPE, text=True, check=True)
    run = Run(**json.loads(done.stdout.splitlines()[-1]))
    say(f"{method}: {run.seconds:.0f} s, best validation {run.best():.3f}, {run.peak_bytes / 1e6:.0f} MB")
    return run


def _run(args: argparse.Namespace) -> Run:
    """In the process of one method."""
    task = read_task(args.task)
    assert task is not None, "the parent has looked"
    recipe = Recipe(epochs=args.epochs, patience=100)  # nobody stops early: the curves are compared
    recipe = recipe if args.full else replace(recipe, max_tokens=MAX_TOKENS)
    split = _split(task.rows, full=args.full)
    if args.method in (OURS, OURS_AGAIN):
        return _ours(args, recipe, split)
    train, validation = ([task.rows[place] for place in part] for part in (split.train, split.validation))
    inputs = TunedOn(
        source=find_source(DEFAULT_SOURCE).folder,
        train=_labelled(train, task.labels),
        validation=_labelled(validation, task.labels),
        num_labels=len(task.labels),
        max_tokens=recipe.max_tokens,
        epochs=recipe.epochs,
        batch_rows=recipe.batch_rows,
        seed=recipe.seed,
    )
    fastest_dtype()  # measured before the clock runs
    began = time.monotonic()
    validations: list[tuple[float, float]] = []
    tune(
        inputs,
        Tuning(args.method),
        on_validation=lambda accuracy: validations.append((time.monotonic() - began, accuracy)),
    )
    return Run(validations, time.monotonic() - began, _peak_bytes())


def _ours(
    args: argparse.Namespace, recipe: Recipe, split: Split, interruption: Interruption | None = None
) -> Run:
    """The first job learns the domain; a second one on the same dataset finds its segment, its tree and the
    states of its rows."""
    task = read_task(args.task)
    assert task is not None, "the parent has looked"
    folder: Path = args.folder
    local = _local_store(folder.parent)
    lines = [json.dumps({"row": row.row, "text": row.text, "label": row.label}) + "\n" for row in task.rows]
    if not local.store.exists(ROWS_URI):
        local.store.put_file(ROWS_URI, "".join(lines).encode())
    is_again = args.method == OURS_AGAIN
    job = replace(
        local_job(task, local, replace(recipe, seed=2 if is_again else 1)),
        segment_out_uri=BundleUri(f"{folder.name}/segment"),
        tree_out_uri=BundleUri(f"{folder.name}/tree"),
        version_out_uri=BundleUri(f"{folder.name}/{args.method}"),
    )
    validations: list[tuple[float, float]] = []
    keep_freed_memory()  # as a job's process does
    began = time.monotonic()

    def heard(event: Progress) -> None:
        accuracy = event.validation_accuracy
        is_new = not validations or validations[-1][1] != accuracy  # it is said again with every event
        if event.phase is Phase.TRAINING and accuracy is not None and is_new:
            validations.append((time.monotonic() - began, accuracy))

    run_training(
        job,
        store=local.store,
        work=WorkFolder(folder / args.method),
        progress=JobProgress(heard),
        split=lambda rows, *, seed, stands_above: split,
        interruption=interruption,
        cache=StateCache(folder / "states", CACHE_BYTES),
    )
    return Run(validations, time.monotonic() - began, _peak_bytes())


def _split(rows: tuple[LabelledRow, ...], *, full: bool) -> Split:
    """The product's, with fewer rows by default; rows of a bench task are shuffled, so the first are fair."""
    whole = split_rows(rows, seed=1, stands_above=[False] * len(rows))
    if full:
        return whole
    return Split(whole.train[:MAX_TRAIN], whole.validation[:MAX_VALIDATION], whole.test[:MAX_VALIDATION])


def _labelled(rows: list[LabelledRow], labels: tuple[str, ...]) -> LabelledTexts:
    return LabelledTexts([row.text for row in rows], np.array(label_indices(rows, labels), np.int64))


def _middle(runs: list[Run]) -> Run:
    """The run of median time."""
    return sorted(runs, key=lambda run: run.seconds)[len(runs) // 2]


def _peak_bytes() -> int:
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", choices=TASKS, default="amazon")
    parser.add_argument("--epochs", type=int, default=Recipe().epochs)
    parser.add_argument("--rounds", type=int, default=1, help="the run of median time counts (default: 1)")
    parser.add_argument("--full", action="store_true", help="all rows, 128 tokens")
    own: Any = argparse.SUPPRESS
    parser.add_argument("--method", choices=METHODS, help=own)
    parser.add_argument("--folder", type=Path, help=own)
    return parser


if __name__ == "__main__":
    sys.exit(main())
