"""Are our defaults as good as an ML engineer's? Paired with PEFT, full fine-tuning and linear models."""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.common import TASKS, BenchTask, print_result, read_task, say
from benchmarks.local_job import (
    FULL_GENERAL_CHARACTERS,
    GENERAL_CHARACTERS,
    general_text,
    local_job,
    told,
    unheard,
)
from benchmarks.tunings import (
    LabelledTexts,
    TunedOn,
    Tuning,
    fastest_dtype,
    linear_on_embeddings,
    linear_on_words,
    tune,
)
from hmi.build.backbone_source import find_source
from hmi.build.data import LabelledRow, label_indices
from hmi.build.estimate_job import estimate_training
from hmi.build.job_progress import JobProgress
from hmi.build.metrics import bootstrap_paired_difference
from hmi.build.offline import open_offline
from hmi.build.split import Split
from hmi.build.train_job import run_training
from hmi.build.work_folder import WorkFolder
from hmi.cli.local_store import LocalStore, open_local_store
from hmi.cli.train import DEFAULT_SOURCE
from wire.ids import BundleUri
from wire.training import Progress, Recipe, TrainJob

NUM_FOLDS = 5
MAX_TRAIN, MAX_VALIDATION, MAX_TEST = 800, 200, 400
"""Rows of each task by default. --full: all rows."""
MAX_TOKENS = 64
Answers = npt.NDArray[np.bool_]  # [test rows] is the answer right?


def main() -> int:
    args = _parser().parse_args()
    tasks = [task for name in args.tasks if (task := read_task(name)) is not None]
    if not tasks:
        say("there is no data to measure on")
        print_result({"per_task": {}, "mean_delta_vs_peft_points": None, "beats_linear_everywhere": None})
        return 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hmi-recipe-") as name:
        folder = Path(name)
        num_characters = FULL_GENERAL_CHARACTERS if args.full else GENERAL_CHARACTERS
        local = open_local_store(
            folder / "store", source=DEFAULT_SOURCE, general_text=general_text(folder, num_characters)
        )
        bench = _Bench(folder, local, args)
        per_task = {task.name: bench.measure(task) for task in tasks}
    deltas = [figures["delta_vs_peft_points"] for figures in per_task.values()]
    print_result(
        {
            "per_task": per_task,
            "mean_delta_vs_peft_points": round(sum(deltas) / len(deltas), 2),
            "beats_linear_everywhere": all(
                figures["ours"] >= max(figures["embeddings"], figures["words"])
                for figures in per_task.values()
            ),
            "full": args.full,
            "folds": bench.num_folds,
            "epochs": bench.recipe.epochs,
            "max_tokens": bench.recipe.max_tokens,
            "peers_dtype": str(fastest_dtype()).removeprefix("torch."),
            "seconds": round(time.monotonic() - began),
        }
    )
    return 0


@dataclass(frozen=True, slots=True)
class _Fold:
    """One cut of a task's rows: the same for all who are compared."""

    train: tuple[LabelledRow, ...]
    validation: tuple[LabelledRow, ...]
    test: tuple[LabelledRow, ...]

    def split(self, rows: Sequence[LabelledRow], *, seed: int, stands_above: Sequence[bool]) -> Split:
        """As hmi.build.split.ChooseSplit."""
        place = {row.row: number for number, row in enumerate(rows)}
        return Split(
            *(
                tuple(sorted(place[row.row] for row in part))
                for part in (self.train, self.validation, self.test)
            )
        )


class _Bench:
    """Everything is trained on the same rows of a fold, validated on the same, and judged on the same."""

    def __init__(self, folder: Path, local: LocalStore, args: argparse.Namespace) -> None:
        self._folder = folder
        self._local = local
        self._full: bool = args.full
        self._max_train: int = args.max_rows
        self.num_folds: int = args.folds or (NUM_FOLDS if args.full else 1)
        recipe = Recipe() if args.full else Recipe(max_tokens=MAX_TOKENS)
        self.recipe = replace(recipe, epochs=args.epochs or recipe.epochs, search=args.search)

    def measure(self, task: BenchTask) -> dict[str, Any]:
        """Figures over the test rows of all folds together."""
        right: dict[str, list[Answers]] = {}
        seconds: dict[str, float] = {}
        estimates: list[bool] = []
        for number in range(self.num_folds):
            fold = _fold(task, number, None if self._full else self._max_train)
            for name, answers, took in self._compared(task, fold, number, estimates):
                right.setdefault(name, []).append(answers)
                seconds[name] = seconds.get(name, 0.0) + took
                say(f"{task.name} fold {number + 1}: {name} {answers.mean():.3f} in {took:.0f} s")
        whole = {name: np.concatenate(parts) for name, parts in right.items()}
        interval = bootstrap_paired_difference(whole["ours"], whole["peft"], seed=1)
        return {
            **{name: round(float(answers.mean()), 4) for name, answers in whole.items()},
            "delta_vs_peft_points": round(100 * float(whole["ours"].mean() - whole["peft"].mean()), 2),
            "ci95": [round(100 * interval.low, 2), round(100 * interval.high, 2)],
            "num_train": len(fold.train),
            "num_test": len(whole["ours"]),
            "in_estimated_range": f"{sum(estimates)} of {len(estimates)}",
            "seconds": {name: round(took) for name, took in seconds.items()},
        }

    def _compared(
        self, task: BenchTask, fold: _Fold, number: int, estimates: list[bool]
    ) -> "list[tuple[str, Answers, float]]":
        truth = np.array(label_indices(fold.test, task.labels), np.int64)
        texts = [row.text for row in fold.test]
        inputs = TunedOn(
            source=find_source(DEFAULT_SOURCE).folder,
            train=_labelled(fold.train, task.labels),
            validation=_labelled(fold.validation, task.labels),
            num_labels=len(task.labels),
            max_tokens=self.recipe.max_tokens,
            epochs=self.recipe.epochs,
            batch_rows=self.recipe.batch_rows,
            seed=self.recipe.seed,
        )
        peers: dict[str, Callable[[], npt.NDArray[np.int64]]] = {
            "peft": lambda: tune(inputs, Tuning.PEFT).predict(texts),
            "full": lambda: tune(inputs, Tuning.FULL).predict(texts),
            "embeddings": lambda: linear_on_embeddings(inputs, texts),
            "words": lambda: linear_on_words(inputs, texts),
            "ours": lambda: self._ours(task, fold, number, estimates),
        }
        found = []
        for name, answer in peers.items():
            began = time.monotonic()
            answers = np.asarray(answer() == truth, np.bool_)
            found.append((name, answers, time.monotonic() - began))
        return found

    def _ours(
        self, task: BenchTask, fold: _Fold, number: int, estimates: list[bool]
    ) -> npt.NDArray[np.int64]:
        rows = [*fold.train, *fold.validation, *fold.test]
        name = f"{task.name}-{number}"
        uri = BundleUri(f"{name}/rows.jsonl")
        lines = [json.dumps({"row": row.row, "text": row.text, "label": row.label}) + "\n" for row in rows]
        self._local.store.put_file(uri, "".join(lines).encode())
        job = _job(task, self._local, self.recipe, name, uri)
        with JobProgress(unheard) as progress:
            said = estimate_training(job, store=self._local.store, progress=progress)
        tell = told(f"{name} training")

        def heard(event: Progress) -> None:
            tell(event.phase.value, event.step, event.num_steps)

        with JobProgress(heard) as progress:
            result = run_training(
                job,
                store=self._local.store,
                work=WorkFolder(self._folder / f"work-{name}"),
                progress=progress,
                split=fold.split,
            )
        if said.accuracy is not None:
            estimates.append(said.accuracy.low <= result.report["accuracy"] <= said.accuracy.high)
            say(
                f"{name}: estimated {said.accuracy.low:.3f} to {said.accuracy.high:.3f}, {said.seconds:.0f} s"
            )
        model = open_offline(
            self._local.store, result.version.uri, result.tree.uri, backbone_uri=self._local.backbone.uri
        )
        encoded = model.encode([row.text for row in fold.test])
        found: npt.NDArray[np.int64] = model.predict(encoded).outputs.argmax(axis=1)
        return found


def _fold(task: BenchTask, number: int, max_train: int | None) -> _Fold:
    """The ``number``-th fifth tests, a tenth of the rest validates; rows come shuffled."""
    rows = list(task.rows)
    test = rows[number::NUM_FOLDS]
    rest = [row for place, row in enumerate(rows) if place % NUM_FOLDS != number]
    random.Random(number).shuffle(rest)
    num_validation = max(1, round(0.125 * len(rest)))
    validation, train = rest[:num_validation], rest[num_validation:]
    if max_train is not None:
        train, validation, test = train[:max_train], validation[:MAX_VALIDATION], test[:MAX_TEST]
    return _Fold(tuple(train), tuple(validation), tuple(test))


def _labelled(rows: Sequence[LabelledRow], labels: Sequence[str]) -> LabelledTexts:
    return LabelledTexts([row.text for row in rows], np.array(label_indices(rows, labels), np.int64))


def _job(task: BenchTask, local: LocalStore, recipe: Recipe, name: str, uri: BundleUri) -> TrainJob:
    return replace(
        local_job(task, local, recipe),
        rows_uri=uri,
        segment_out_uri=BundleUri(f"{name}/segment"),
        tree_out_uri=BundleUri(f"{name}/tree"),
        version_out_uri=BundleUri(f"{name}/version"),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument(
        "--max-rows", type=int, default=MAX_TRAIN, help=f"training rows of each task (default: {MAX_TRAIN})"
    )
    parser.add_argument("--epochs", type=int, help="of all who have epochs (default: the recipe's)")
    parser.add_argument("--folds", type=int, choices=range(1, NUM_FOLDS + 1), help="default: 1; --full: 5")
    parser.add_argument("--search", type=int, default=0, help="recipes that ours tries (default: none)")
    parser.add_argument("--full", action="store_true", help="all rows, 128 tokens, five folds")
    return parser


if __name__ == "__main__":
    sys.exit(main())
