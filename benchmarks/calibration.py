"""Are scores shares, and do label sets keep their promise? A small BBC training, judged on held-out rows."""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.common import print_result, read_task
from benchmarks.local_job import ROWS_URI, local_job, told
from hmi.build.data import LabelledRow
from hmi.build.job_progress import JobProgress
from hmi.build.split import Split, split_rows
from hmi.build.train_job import run_training
from hmi.build.work_folder import WorkFolder
from hmi.cli.local_store import open_local_store
from hmi.cli.train import DEFAULT_SOURCE
from wire.training import Progress, Recipe

MAX_TRAIN, MAX_VALIDATION = 400, 200
MAX_TOKENS = 64


def main() -> int:
    args = _parser().parse_args()
    task = read_task("bbc")
    if task is None:
        print_result({"ece_before": None, "ece_after": None, "label_sets": None})
        return 0
    began = time.monotonic()
    recipe = Recipe() if args.full else Recipe(epochs=args.epochs, max_tokens=MAX_TOKENS)
    with tempfile.TemporaryDirectory(prefix="hmi-calibration-") as name:
        folder = Path(name)
        local = open_local_store(folder / "store", source=DEFAULT_SOURCE, general_text=[])
        lines = [json.dumps({"row": row.row, "text": row.text, "label": row.label}) for row in task.rows]
        local.store.put_file(ROWS_URI, "".join(line + "\n" for line in lines).encode())
        with JobProgress(_tell) as progress:
            result = run_training(
                local_job(task, local, recipe),
                store=local.store,
                work=WorkFolder(folder / "work"),
                progress=progress,
                split=split_rows if args.full else _small_split,
            )
    report = result.report
    calibration = report["calibration"]
    print_result(
        {
            "ece_before": round(calibration["ece_before"], 4),
            "ece_after": round(calibration["ece"], 4),
            "temperature": round(calibration["temperature"], 4),
            "label_sets": {
                f"{1 - sets['error_level']:.0%}": {
                    name: None if sets[name] is None else round(sets[name], 4)
                    for name in ("coverage", "mean_labels", "answered_share", "answered_accuracy")
                }
                for sets in report["label_sets"]
            },
            "accuracy": round(report["accuracy"], 4),
            "rows": report["rows"],
            "epochs": recipe.epochs,
            "full": args.full,
            "seconds": round(time.monotonic() - began),
        }
    )
    return 0


def _small_split(rows: Sequence[LabelledRow], *, seed: int, stands_above: Sequence[bool]) -> Split:
    """The product's split with fewer rows to train and to validate on; the test rows stay all."""
    whole = split_rows(rows, seed=seed, stands_above=stands_above)
    # Rows of a bench task are shuffled: the first ones are a fair draw.
    return Split(whole.train[:MAX_TRAIN], whole.validation[:MAX_VALIDATION], whole.test)


_TELL = told("training")


def _tell(event: Progress) -> None:
    _TELL(event.phase.value, event.step, event.num_steps)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=1, help="of the small training (default: 1)")
    parser.add_argument(
        "--full", action="store_true", help="the whole recipe on all rows instead of a small training"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
