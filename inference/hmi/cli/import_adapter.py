"""``import``: an adapter in PEFT's format, or taken away, checked and compared, as a version: one job, or
without the platform."""

import argparse
import json
import shutil
import tempfile
from pathlib import Path

from hmi.artifacts.store import open_store
from hmi.base.errors import AlreadyExists, InvalidInput
from hmi.cli.job_process import add_watch_stdin, begin_job, end_job, print_event, read_job
from hmi.cli.main import EXIT_FAILURE, EXIT_OK
from hmi.cli.store_place import cache_dir, store_url
from hmi.cli.text_files import columns_of, read_labelled
from hmi.cli.train import require
from hmi.cli.train_file import REPORT_FILE
from wire.artifacts import AdapterFields, BundleRef, ExportedHplm
from wire.ids import BundleUri, JobId, TaskId, TenantId
from wire.imports import ImportJob, ImportResult
from wire.training import Progress

ARCHIVE_URI = BundleUri("archive")
VERSION_URI = BundleUri("imported")


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("import", help="bring an adapter in PEFT's format", description=__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--job", type=Path, metavar="FILE", help="the job (wire.imports.ImportJob)")
    source.add_argument(
        "--adapter", type=Path, metavar="PATH", help="the adapter's folder, or a .zip, .tar or .tar.gz of it"
    )
    job = parser.add_argument_group("with --job")
    job.add_argument("--work", type=Path, metavar="DIR", help="scratch folder of this job")
    add_watch_stdin(job)
    alone = parser.add_argument_group("with --adapter")
    alone.add_argument(
        "--bundle",
        type=Path,
        metavar="DIR",
        help="folder of `train --data` or `export` whose backbone, tree and kind of task it is for",
    )
    alone.add_argument("--out", type=Path, metavar="DIR", help="folder for the version; does not exist yet")
    alone.add_argument("--data", type=Path, metavar="FILE", help="labelled texts to compare answers on")
    alone.add_argument("--text-column", default="text")
    alone.add_argument("--label-column", default="label")
    alone.add_argument("--label-separator", default=";")
    alone.add_argument("--pair-column", default="pair")
    alone.add_argument(
        "--min-agreement",
        type=float,
        default=0.9,
        help="share of texts that must be answered as by the computed model (default: 0.9)",
    )


def run(args: argparse.Namespace) -> int:
    """With --job: 0 after an ImportResult, 2 after a TrainFailure, which trying again cannot help. Else
    prints the parity test's figures, and 1 when it was not passed."""
    if args.adapter is not None:
        return _import_file(args)
    require(args, ("work",))
    return end_job("import", lambda: _run_job(args), args.work)


def _run_job(args: argparse.Namespace) -> ImportResult:
    begin_job(args)
    # Only here: --help and a refused job do not pay for loading torch.
    from hmi.build.import_job import run_import
    from hmi.build.job_progress import JobProgress

    job = read_job(args.job, ImportJob)
    with JobProgress(print_event) as progress:
        return run_import(job, store=open_store(store_url(), cache_dir()), work=args.work, progress=progress)


def _import_file(args: argparse.Namespace) -> int:
    from hmi.build.data import row_line
    from hmi.build.export import complete_export, read_contents, store_of
    from hmi.build.import_job import import_adapter
    from hmi.build.job_progress import JobProgress
    from hmi.build.offline import standing_digest, version_fields

    require(args, ("bundle", "out"))
    if args.out.exists():
        raise AlreadyExists(f"{args.out} exists already; give another --out")
    contents = read_contents(args.bundle)
    if contents.tree is None:
        raise InvalidInput(
            "this folder has no PLOT to compare on: give one of `train --data`", param="bundle"
        )
    store, target = store_of(args.bundle), store_of(args.out)
    fields = version_fields(store, contents.version)
    tree = BundleRef(contents.tree, standing_digest(store, contents.tree))
    job = _local_job(fields, contents.backbone, tree, args.min_agreement)
    rows = None if args.data is None else read_labelled(args.data, columns_of(args), job.kind)
    try:
        with JobProgress(_silent) as progress, tempfile.TemporaryDirectory() as work:
            result = import_adapter(
                job,
                args.adapter,
                None if rows is None else map(row_line, rows),
                store=store,
                target=target,
                work=Path(work),
                progress=progress,
            )
    except BaseException:
        shutil.rmtree(args.out, ignore_errors=True)  # nothing of a version stands there
        raise
    (args.out / REPORT_FILE).write_text(json.dumps(result.report, indent=1, ensure_ascii=False) + "\n")
    complete_export(store, ExportedHplm(result.version.uri, contents.tree, contents.backbone), args.out)
    parity = result.report["import"]["parity"]
    print(json.dumps({"out": str(args.out), "passed": result.passed, **parity}, ensure_ascii=False))
    return EXIT_OK if result.passed else EXIT_FAILURE


def _local_job(
    version: AdapterFields, backbone: BundleUri, tree: BundleRef, min_agreement: float
) -> ImportJob:
    """As the platform would describe it, for what stands in a folder."""
    return ImportJob(
        job_id=JobId("local"),
        tenant_id=TenantId("local"),
        task_id=TaskId("local"),
        archive_uri=ARCHIVE_URI,
        kind=version.kind,
        labels=version.labels,
        backbone_uri=backbone,
        backbone_digest=version.backbone,
        tree_uri=tree.uri,
        tree_digest=tree.digest,
        version_out_uri=VERSION_URI,
        min_agreement=min_agreement,
    )


def _silent(event: Progress) -> None:
    """It takes seconds."""
