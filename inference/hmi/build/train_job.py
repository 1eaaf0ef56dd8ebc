"""One training: from a dataset's rows to published segment, tree and version. Killed and run again, it goes
on."""

from contextlib import suppress
from dataclasses import replace

from hmi.artifacts.store import Store
from hmi.base.code_digest import code_digest
from hmi.base.compute_type import ComputeType
from hmi.build.build_folder import build_folder
from hmi.build.dataset_parts import read_parts, tokens_of
from hmi.build.interruption import Interruption
from hmi.build.job_progress import JobProgress
from hmi.build.kinds.chosen import training_kind
from hmi.build.learn_domain import LearnedDomain, learn_domain, open_above
from hmi.build.planned_work import Stage, planned_work, usual_work
from hmi.build.private_leaf import private_rows, publish_leaf
from hmi.build.settled_recipe import settled
from hmi.build.spend_cap import SpendCap
from hmi.build.split import ChooseSplit, split_rows
from hmi.build.state_cache import StateCache
from hmi.build.training.recipe_checks import check_fits, check_recipe
from hmi.build.training.row_states import RowStates
from hmi.build.training.run import TrainingRun
from hmi.build.training.shared_files import SharedFiles
from hmi.build.training.stopping import Stopping
from hmi.build.training.trained_models import train_models
from hmi.build.training.version import publish_version, write_version
from hmi.build.training.version_evaluation import evaluate
from hmi.build.training.version_report import version_report
from hmi.build.window_states import WindowStates
from hmi.build.work_folder import WINDOWS_FILE, WorkFolder
from hmi.model.backbone import Backbone
from hmi.model.compute_type import compute_dtype
from wire.training import Phase, TrainJob, TrainResult


def run_training(
    job: TrainJob,
    *,
    store: Store,
    work: WorkFolder,
    progress: JobProgress,
    split: ChooseSplit = split_rows,
    interruption: Interruption | None = None,
    cache: StateCache | None = None,
    limit_s: float | None = None,
) -> TrainResult:
    """Do the job, or what an earlier, killed run left of it; a finished one answers at once. ``cache``: where
    earlier jobs have left states that this one needs again. ``limit_s``: of work, over all runs; then it ends
    as at the recipe's max_minutes, with the best so far.

    Raises HmiError, of which one of a 4xx code means that trying again cannot help; and Interrupted.
    """
    with work.claim(job):
        done = work.result()
        if done is None:
            cap = SpendCap(work.path / "seconds", job.recipe.max_minutes, limit_s=limit_s)
            stopping = Stopping(interruption or Interruption(), cap, progress)
            shared = SharedFiles(job, cache, code=code_digest())
            try:
                done = _work_on(_begun(job, store, work, shared, stopping, split))
            finally:  # a pause ends it anywhere
                with suppress(OSError):
                    cap.note()
            work.finish(done)
        return done


def _begun(
    job: TrainJob,
    store: Store,
    work: WorkFolder,
    shared: SharedFiles,
    stopping: Stopping,
    split: ChooseSplit,
) -> TrainingRun:
    """With all that is read, and all that can be refused, before any work."""
    progress = stopping.progress
    check_recipe(job.recipe)
    progress.enter(Phase.STARTING, "opening the backbone")
    folder = store.localize(job.backbone_uri, job.backbone_digest)
    backbone = Backbone.open(folder, digest=job.backbone_digest)
    check_fits(job.recipe, backbone)
    kind = training_kind(job.kind, job.labels)
    above = open_above(store, job, backbone)
    progress.enter(Phase.SPLITTING, "splitting the rows")
    with store.open_file(job.rows_uri) as lines:
        parts = read_parts(lines, job, backbone.tokenizer, above, split, kind)
    if parts.num_sharing_text:
        share = (
            f"{parts.num_sharing_text} of {len(parts.test.rows)} test rows share a text with training rows"
        )
        progress.advance(
            1, message=f"{share}: it stands in too many to keep together; figures may be too good"
        )
    return TrainingRun(
        job=job,
        kind=kind,
        parts=parts,
        above=above,
        backbone=backbone,
        backbone_folder=folder,
        dtype=compute_dtype(ComputeType.AUTO, "cpu"),
        store=store,
        work=work,
        shared=shared,
        progress=progress,
        stopping=stopping,
    )


def _work_on(run: TrainingRun) -> TrainResult:
    """The phases, in order. Each leaves what it made in the work folder or the store, whole."""
    recipe = settled(run.job.recipe, num_rows=len(run.parts.train.rows))
    run.progress.plan(
        planned_work(
            tokens_of(run.parts),
            len(run.parts.train.rows),
            run.backbone.fields,
            recipe,
            usual_work(run.dtype),
        )
    )
    windows = WindowStates(run.backbone, run.work.path / WINDOWS_FILE, dtype=run.dtype)
    domain = _learn_domain(run, windows)
    is_private = private_rows(run.store, run.above.parent, domain.own)
    models = train_models(run, recipe, RowStates(run, domain, windows), is_private)
    leaf = models.served.leaf
    published_leaf = None if leaf is None else publish_leaf(run.store, leaf, run.job.version_out_uri)
    kept = write_version(run, models.served.trained, domain.published_tree.digest, published_leaf)
    evaluation = evaluate(run, models, kept)
    run.progress.enter(Stage.PUBLISHING, "publishing the version", num_steps=1)
    version = publish_version(run, kept.digest)
    private_share = float(is_private.mean()) if len(is_private) else 1.0
    report = version_report(run, domain, models, evaluation, version, private_share)
    run.progress.advance(1, message="the version is published")
    return TrainResult(
        version=version,
        tree=domain.published_tree,
        segment=domain.published_segment,
        leaf=published_leaf,
        report=report,
    )


def _learn_domain(run: TrainingRun, windows: WindowStates) -> LearnedDomain:
    def report(message: str, step: int, num_steps: int) -> None:
        run.stopping.cap.refuse_reached()
        run.progress.advance(step, num_steps=num_steps, message=message)

    run.progress.enter(Stage.LEARNING_DOMAIN, "learning the domain's n-grams")
    folder = run.work.path / "domain"
    with build_folder(folder, run.job.max_memory_bytes, elsewhere="HMI_WORK_DIR") as work:
        return learn_domain(
            run.store,
            run.job,
            run.backbone,
            run.above,
            run.parts.train.counted_texts,
            states=windows,
            report=report,
            work=replace(work, keep_tokens=None),  # the windows' file has them
        )
