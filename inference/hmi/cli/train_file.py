"""``train --data``: from a labelled file to a folder with the trained version, its report and all that it
needs to predict."""

import argparse
import hashlib
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from hmi.base.errors import AlreadyExists, InvalidInput
from hmi.build.data import LabelledRow
from hmi.cli.local_store import LocalStore, open_local_store
from hmi.cli.progress import BarProgress
from hmi.cli.text_files import Columns, read_labelled
from wire.codec import to_json
from wire.ids import BundleUri, DatasetId, DomainId, JobId, TaskId, TenantId
from wire.training import Progress, Recipe, TrainJob, TrainResult

REPORT_FILE = "report.json"
EXPECTED_FILE = "expected.jsonl"
"""The held-out rows with the scores that this training gave them: what predict's parity report compares
with."""
WORK_FOLDER = "work"
TREE_URI = BundleUri("trees/domain")
VERSION_URI = BundleUri("version")


def train_file(args: argparse.Namespace) -> int:
    """Prints the figures that matter as JSON; the rest is in the folder."""
    from hmi.build.export import CONTENTS_FILE, STORE_FOLDER, ExportedHplm, write_contents
    from hmi.build.job_progress import JobProgress
    from hmi.build.offline import open_offline
    from hmi.build.train_job import run_training
    from hmi.build.work_folder import WorkFolder

    out: Path = args.out
    if (out / CONTENTS_FILE).exists():
        raise AlreadyExists(f"{out} holds a trained version already; give another --out")
    rows = read_labelled(args.data, Columns(args.text_column, args.label_column))
    local = open_local_store(out / STORE_FOLDER, source=args.backbone, general_text=args.general_text)
    lines = [json.dumps({"row": row.row, "text": row.text, "label": row.label}) + "\n" for row in rows]
    content = "".join(lines).encode()
    # Named by content: a run that was killed goes on with the same rows, or is refused.
    rows_uri = BundleUri(f"dataset/{hashlib.sha256(content).hexdigest()[:16]}.jsonl")
    local.store.put_file(rows_uri, content)
    labels = tuple(sorted({row.label for row in rows}))
    with JobProgress(_Bar()) as progress:
        result = run_training(
            _job(local, args, rows_uri, labels),
            store=local.store,
            work=WorkFolder(out / WORK_FOLDER),
            progress=progress,
        )
    (out / REPORT_FILE).write_text(json.dumps(result.report, indent=1, ensure_ascii=False) + "\n")
    contents = ExportedHplm(result.version.uri, result.tree.uri, local.backbone.uri)
    held_out = set(result.report["test_rows"])
    _write_expected(
        out / EXPECTED_FILE,
        [row for row in rows if row.row in held_out],
        open_offline(local.store, contents.version, contents.tree, backbone_uri=contents.backbone).scores,
    )
    write_contents(out, contents)  # last: a folder that has it is whole
    shutil.rmtree(out / WORK_FOLDER)
    print(json.dumps(_summary(result, out)))
    return 0


def recipe_of(args: argparse.Namespace) -> Recipe:
    """The default recipe with what was given on the command line."""
    given = {
        name: value
        for name in (
            "epochs",
            "rank",
            "learning_rate",
            "batch_rows",
            "max_tokens",
            "seed",
            "distil",
            "search",
            "max_minutes",
        )
        if (value := getattr(args, name)) is not None
    }
    return Recipe(compare_computed=args.compare_computed, **given)


def _job(
    local: LocalStore, args: argparse.Namespace, rows_uri: BundleUri, labels: tuple[str, ...]
) -> TrainJob:
    if not args.domain.strip():
        raise InvalidInput("--domain is empty", param="domain")
    return TrainJob(
        job_id=JobId("local"),
        tenant_id=TenantId("local"),
        task_id=TaskId("local"),
        domain_id=DomainId(args.domain),
        dataset_id=DatasetId(args.data.name),
        rows_uri=rows_uri,
        labels=labels,
        backbone_uri=local.backbone.uri,
        backbone_digest=local.backbone.digest,
        tree_uri=local.root.uri,
        tree_digest=local.root.digest,
        segments=(),
        segment_out_uri=BundleUri(f"{TREE_URI}.segment"),
        tree_out_uri=TREE_URI,
        version_out_uri=VERSION_URI,
        recipe=recipe_of(args),
    )


def _write_expected(
    path: Path, rows: Sequence[LabelledRow], scores_of: Callable[[Sequence[str]], list[dict[str, float]]]
) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row, scores in zip(rows, scores_of([row.text for row in rows]), strict=True):
            line = {"row": row.row, "text": row.text, "scores": scores}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _summary(result: TrainResult, out: Path) -> dict[str, object]:
    report = result.report
    return {
        "out": str(out),
        **{name: report[name] for name in ("accuracy", "accuracy_ci95", "macro_f1", "ece", "rows")},
        "num_suspects": report["label_errors"]["num_suspects"],
        "version": json.loads(to_json(result.version)),
    }


class _Bar:
    """A job's events on the terminal."""

    def __init__(self) -> None:
        self._bar = BarProgress(sys.stderr)

    def __call__(self, event: Progress) -> None:
        self._bar(event.phase.value.replace("_", " "), event.step, event.num_steps)
