"""Is what is said of every kind of task true? Estimates against trainings; weights and calibration."""

import argparse
import random
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import print_result, read_task, say
from benchmarks.local_job import ROWS_URI, general_text, unheard
from hmi.build.data import LabelledRow, labels_of, row_line
from hmi.build.estimate_job import estimate_training
from hmi.build.job_progress import JobProgress
from hmi.build.train_job import run_training
from hmi.build.work_folder import WorkFolder
from hmi.cli.local_store import LocalStore, open_local_store
from hmi.cli.train import DEFAULT_SOURCE
from wire.ids import BundleUri, DatasetId, DomainId, JobId, TaskId, TenantId
from wire.spans import Span
from wire.tasks import TaskKind
from wire.training import Recipe, TrainJob

MAX_TOKENS = 64
SIZES = (150, 400)
"""Rows of each dataset, splits included."""
TAG_SHARES = (("movie", 0.6), ("amazon", 0.3), ("drug", 0.1))
"""Of a dataset with several labels, where its texts come from: so that labels are rare and frequent."""
NUMBER_OF = {"negative": 0.0, "neutral": 0.5, "positive": 1.0}
MARKED = (
    ("AMOUNT", re.compile(r"[£$]\d[\d.,]*(?:bn|m|k)?\b|\b\d[\d.,]* (?:million|billion)\b")),
    ("SHARE", re.compile(r"\b\d+(?:\.\d+)?%")),
    ("YEAR", re.compile(r"\b(?:19|20)\d\d\b")),
)

Rows = tuple[LabelledRow, ...]


def main() -> int:
    args = _parser().parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hmi-kinds-") as name:
        folder = Path(name)
        local = open_local_store(folder / "store", source=DEFAULT_SOURCE, general_text=general_text(folder))
        bench = _Bench(folder, local, args)
        runs = [
            bench.run(kind, num_rows, seed)
            for seed in range(1, 1 + args.seeds)
            for num_rows in args.rows
            for kind in map(TaskKind, args.kinds)
        ]
    found = [run for run in runs if run is not None]
    print_result(
        {
            "runs": found,
            "within": sum(run["is_within"] for run in found if run["expected"]),
            "of": sum(run["expected"] is not None for run in found),
            "seconds": round(time.monotonic() - began),
        }
    )
    return 0


class _Bench:
    """Trains by the default recipe, after it has asked for an estimate."""

    def __init__(self, folder: Path, local: LocalStore, args: argparse.Namespace) -> None:
        self._folder = folder
        self._local = local
        self._recipe = Recipe(max_tokens=MAX_TOKENS, compare_computed=False, distil=False)
        weights: str = args.class_weights
        self._recipe = replace(self._recipe, class_weights=_WEIGHTS[weights])
        self._number = 0

    def run(self, kind: TaskKind, num_rows: int, seed: int) -> dict[str, Any] | None:
        """None, said so, where there is no data for the kind."""
        rows = _MAKERS[kind](num_rows, random.Random(seed))
        if rows is None:
            return None
        self._number += 1
        store, job = self._local.store, self._job(kind, rows, seed)
        store.put_file(job.rows_uri, b"".join(row_line(row) for row in rows))
        progress = JobProgress(unheard)
        said = estimate_training(job, store=store, progress=progress)
        began = time.monotonic()
        work = WorkFolder(self._folder / f"work-{self._number}")
        report = run_training(job, store=store, work=work, progress=progress).report
        seconds = time.monotonic() - began
        figure, ci95 = report["headline"]["value"], report["headline"]["ci95"]
        expected = said.accuracy
        result = {
            "kind": kind.value,
            "rows": num_rows,
            "seed": seed,
            "figure": round(figure, 3),
            "ci95": np.round(ci95, 3).tolist(),
            "validation": round(report["validation_accuracy"], 3),
            "probe": None if expected is None else round(expected.probe_accuracy, 3),
            "expected": None if expected is None else [round(expected.low, 3), round(expected.high, 3)],
            "is_within": expected is None or expected.low <= figure <= expected.high,
            "plot_bytes": [said.plot_bytes, report["plot_bytes"]],
            "seconds": [round(said.seconds_least), round(said.seconds), round(seconds)],
            "curve": report["learning_curve"],
            "macro_f1": report.get("macro_f1"),
            "calibration": _errors(report.get("calibration")),
        }
        say(" ".join(f"{name} {value}" for name, value in result.items()))
        return result

    def _job(self, kind: TaskKind, rows: Rows, seed: int) -> TrainJob:
        name = f"{kind.value}-{self._number}"
        return TrainJob(
            job_id=JobId(name),
            tenant_id=TenantId("bench"),
            task_id=TaskId(name),
            domain_id=DomainId(name),
            dataset_id=DatasetId(name),
            rows_uri=BundleUri(f"{name}/{ROWS_URI}"),
            labels=labels_of(rows, kind),
            backbone_uri=self._local.backbone.uri,
            backbone_digest=self._local.backbone.digest,
            tree_uri=self._local.root.uri,
            tree_digest=self._local.root.digest,
            segments=(),
            segment_out_uri=BundleUri(f"{name}/segment"),
            tree_out_uri=BundleUri(f"{name}/tree"),
            version_out_uri=BundleUri(f"{name}/version"),
            recipe=replace(self._recipe, seed=seed),
            kind=kind,
        )


def _errors(calibration: dict[str, Any] | None) -> list[float] | None:
    """Before and after."""
    if calibration is None:
        return None
    return [round(calibration[name], 3) for name in ("ece_before", "ece")]


def _single_labels(num_rows: int, chance: random.Random) -> Rows | None:
    return _drawn("movie", num_rows, chance)


def _several_labels(num_rows: int, chance: random.Random) -> Rows | None:
    """What a review is about, and whether it praises or complains."""
    found: list[LabelledRow] = []
    for name, share in TAG_SHARES:
        rows = _drawn(name, round(share * num_rows), chance)
        if rows is None:
            return None
        found += [
            replace(row, label="", labels=tuple(sorted({name, row.label} - {"neutral"}))) for row in rows
        ]
    return _numbered(found)


def _pairs(num_rows: int, chance: random.Random) -> Rows | None:
    """Does the report belong to the headline?"""
    rows = _drawn("bbc", 2 * num_rows, chance)
    if rows is None:
        return None
    pairs = []
    for row, other in zip(rows[:num_rows], rows[num_rows:], strict=True):
        words, others = row.text.split(), other.text.split()
        fits = chance.random() < 0.5
        body = words if fits else others
        pairs.append(
            LabelledRow(
                0,
                " ".join(words[:6]),
                "fits" if fits else "other",
                pair=" ".join(body[8:40]),
            )
        )
    return _numbered(pairs)


def _spans(num_rows: int, chance: random.Random) -> Rows | None:
    """Amounts, percentages and years in the news."""
    rows = _drawn("bbc", num_rows, chance)
    if rows is None:
        return None
    marked = []
    for row in rows:
        words = row.text.split()
        start = chance.randrange(max(1, len(words) - 40))
        text = " ".join(words[start : start + 40])
        spans: list[Span] = []
        for label, pattern in MARKED:
            spans += [Span(found.start(), found.end(), label) for found in pattern.finditer(text)]
        kept: list[Span] = []
        for span in sorted(spans, key=lambda one: (one.start, -one.end)):
            if not kept or span.start >= kept[-1].end:
                kept.append(span)
        marked.append(LabelledRow(0, text, spans=tuple(kept)))
    return _numbered(marked)


def _scores(num_rows: int, chance: random.Random) -> Rows | None:
    rows = _drawn("amazon", num_rows, chance)
    return rows and _numbered([replace(row, label="", value=NUMBER_OF[row.label]) for row in rows])


def _drawn(name: str, num_rows: int, chance: random.Random) -> Rows | None:
    task = read_task(name)
    return None if task is None else _numbered(chance.sample(task.rows, num_rows))


def _numbered(rows: Sequence[LabelledRow]) -> Rows:
    return tuple(replace(row, row=number) for number, row in enumerate(rows, start=1))


_MAKERS: dict[TaskKind, Callable[[int, random.Random], Rows | None]] = {
    TaskKind.SINGLE_LABEL: _single_labels,
    TaskKind.MULTI_LABEL: _several_labels,
    TaskKind.SENTENCE_PAIR: _pairs,
    TaskKind.TOKEN_CLASSIFICATION: _spans,
    TaskKind.SCORE: _scores,
}
_WEIGHTS = {"default": None, "on": True, "off": False}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./hmi bench kinds", description=__doc__)
    parser.add_argument("--kinds", nargs="+", default=[kind.value for kind in _MAKERS])
    parser.add_argument("--rows", nargs="+", type=int, default=list(SIZES))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--class-weights", choices=list(_WEIGHTS), default="default")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
