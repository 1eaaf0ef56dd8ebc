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
from hmi.build.data import LabelledRow, labels_of, row_line
from hmi.cli.local_store import LocalStore, open_local_store
from hmi.cli.progress import BarProgress
from hmi.cli.text_files import columns_of, read_labelled
from hmi.model.tokenizer import Text
from wire.artifacts import EXPECTED_FILE, EXPORT_FILE, EXPORT_STORE, ExportedHplm
from wire.codec import to_json, to_plain
from wire.ids import BundleUri, DatasetId, DomainId, JobId, TaskId, TenantId
from wire.inference import Answer
from wire.tasks import TaskKind
from wire.training import Progress, Recipe, TrainJob, TrainResult

REPORT_FILE = "report.json"
WORK_FOLDER = "work"
SUMMARY = (
    "kind",
    "headline",
    "accuracy",
    "accuracy_ci95",
    "micro_f1",
    "span_f1",
    "precision",
    "recall",
    "macro_f1",
    "ece",
    "mae",
    "spearman",
    "rows",
)
"""Of the report, as far as the kind has them."""
TREE_URI = BundleUri("trees/domain")
VERSION_URI = BundleUri("version")


def train_file(args: argparse.Namespace) -> int:
    """Prints the figures that matter as JSON; the rest is in the folder."""
    from hmi.build.export import write_contents
    from hmi.build.job_progress import JobProgress
    from hmi.build.offline import open_offline
    from hmi.build.train_job import run_training
    from hmi.build.training.recipe_checks import check_recipe
    from hmi.build.work_folder import WorkFolder

    out: Path = args.out
    if (out / EXPORT_FILE).exists():
        raise AlreadyExists(f"{out} holds a trained version already; give another --out")
    check_recipe(recipe_of(args))
    kind = TaskKind(args.kind)
    rows = read_labelled(args.data, columns_of(args), kind)
    local = open_local_store(out / EXPORT_STORE, source=args.backbone, general_text=args.general_text)
    content = b"".join(map(row_line, rows))
    # Named by content: a run that was killed goes on with the same rows, or is refused.
    rows_uri = BundleUri(f"dataset/{hashlib.sha256(content).hexdigest()[:16]}.jsonl")
    local.store.put_file(rows_uri, content)
    with JobProgress(_Bar()) as progress:
        result = run_training(
            _job(local, args, rows_uri, labels_of(rows, kind)),
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
        open_offline(local.store, contents.version, contents.tree, backbone_uri=contents.backbone).answers,
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
            "method",
            "epochs",
            "min_steps",
            "rank",
            "learning_rate",
            "batch_rows",
            "max_tokens",
            "seed",
            "distil",
            "compare_computed",
            "search",
            "max_minutes",
        )
        if (value := getattr(args, name)) is not None
    }
    return Recipe(**given)


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
        kind=TaskKind(args.kind),
    )


def _write_expected(
    path: Path, rows: Sequence[LabelledRow], answers_to: Callable[[Sequence[Text]], list[Answer]]
) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row, answer in zip(rows, answers_to([row.input for row in rows]), strict=True):
            pair = {} if row.pair is None else {"pair": row.pair}
            line = {"row": row.row, "text": row.text, **pair, **to_plain(answer)}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _summary(result: TrainResult, out: Path) -> dict[str, object]:
    report = result.report
    return {
        "out": str(out),
        **{name: report[name] for name in SUMMARY if name in report},
        "num_suspects": (report["label_errors"] or {}).get("num_suspects"),
        "version": json.loads(to_json(result.version)),
    }


class _Bar:
    """A job's events on the terminal: the share of the whole job."""

    def __init__(self) -> None:
        self._bar = BarProgress(sys.stderr)

    def __call__(self, event: Progress) -> None:
        self._bar(event.phase.value.replace("_", " "), round(1000 * (event.share or 0.0)), 1000)
