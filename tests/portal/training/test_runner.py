"""Running a job against a trainer that behaves well or badly, in the real database."""

import contextlib
import select
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone
from structlog.testing import capture_logs

from portal.catalog.models import AdapterVersion, Segment, TreeVersion
from portal.common.errors import Conflict, InUse
from portal.common.scope import operator_scope, tenant_scope
from portal.common.store import ObjectStore
from portal.datasets.models import Dataset
from portal.datasets.services import dataset_delete
from portal.tenants.actors import OPERATOR
from portal.training import runner
from portal.training.leases import Lease, LeaseLost, job_claim, lease_scope
from portal.training.models import UNFINISHED, JobState, TrainingEvent, TrainingJob
from portal.training.outcomes import JobError, job_fail, job_pause
from portal.training.process import TrainingProcess
from portal.training.reaper import work_dirs_sweep
from portal.training.runner import RunnerConfig
from portal.training.services import training_cancel, training_retry
from portal.training.states import job_move
from portal.training.training_work import TrainingWork
from portal.training.try_again import CAN_BE_TRIED_AGAIN, KEPT_FOR
from portal.training.work_dir import WorkDir
from portal.webhooks.models import WebhookEvent
from tests.fakes.jobs import run_job
from tests.fakes.portal import (
    Cast,
    digest,
    make_dataset,
    make_general,
    make_job,
    make_task,
    make_webhook,
)
from tests.fakes.training import TRAINER
from wire.errors import CANNOT_WRITE, ErrorCode
from wire.ids import JobId
from wire.training import Progress, TrainFailure

pytestmark = pytest.mark.database
PATIENCE_S = 60.0


@pytest.fixture
def job(cast: Cast) -> TrainingJob:
    make_general()
    return make_job(make_task(cast.acme.tenant), make_dataset(cast.acme.tenant))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "starts.log"


@pytest.fixture
def config(tmp_path: Path, log: Path) -> Callable[..., RunnerConfig]:
    def make(behaviour: str = "well", **changes: Any) -> RunnerConfig:
        command = (sys.executable, "-I", str(TRAINER), "--behaviour", behaviour, "--log", str(log))
        values = {
            "command": command,
            "environment": {"PATH": "/usr/bin:/bin", "HMI_STORE_URL": "file:///nowhere"},
            "work_root": tmp_path / "trainings",
            "lease_s": 30.0,
            "max_attempts": 3,
            "timeout_s": 60.0,
            **changes,
        }
        return RunnerConfig(**values)

    return make


def run(job: TrainingJob, config: RunnerConfig) -> TrainingJob:
    work = TrainingWork(ObjectStore(settings.ENV.store_url), config.work_root.parent / "states")
    run_job(work, JobId(str(job.pk)), config)
    return seen(job)


def seen(job: TrainingJob) -> TrainingJob:
    with operator_scope():
        return TrainingJob.objects.unscoped().get(pk=job.pk)


def starts(log: Path) -> list[int]:
    return [int(line.split()[0]) for line in log.read_text().splitlines()] if log.exists() else []


def work_dirs(config: RunnerConfig) -> list[str]:
    return [path.name for path in config.work_root.iterdir() if path.name != "crashes"]


def test_a_job_becomes_a_version(job: TrainingJob, config: Callable[..., RunnerConfig], log: Path) -> None:
    done = run(job, config())
    assert done.state == JobState.SUCCEEDED, done.error
    assert (done.attempt, done.lease_owner, done.lease_expires_at, done.error) == (1, None, None, None)
    assert (done.phase, done.step, done.num_steps, done.loss) == ("training", 4, 4, 0.25)
    assert (done.share, done.validation_accuracy) == (1, 0.35), "the version's, not what was told last"
    assert done.started_at is not None
    assert done.finished_at is not None
    assert done.finished_at >= done.started_at
    with tenant_scope(job.tenant_id):
        version = AdapterVersion.objects.for_tenant(job.tenant).get()
        assert (version.pk, version.number, version.training_job_id) == (done.version, 1, job.pk)
        assert version.bundle_uri == f"tenants/{job.tenant_id}/versions/{job.pk}"
        assert version.labels == ["sport", "tech"]
        assert version.report["accuracy"] == 0.9
        assert Segment.objects.for_tenant(job.tenant).get().dataset_id == job.dataset_id
        assert TreeVersion.objects.for_tenant(job.tenant).get().coverage == {"trigram": 0.5}
    assert starts(log) == [0]
    assert work_dirs(config()) == []


def test_a_training_that_is_stopped_says_which_limit_it_was(
    job: TrainingJob, config: Callable[..., RunnerConfig]
) -> None:
    done = run(job, config(timeout_s=0.0))
    assert done.state == JobState.FAILED and done.error is not None
    assert "one attempt may take 0 minutes on this installation" in done.error["message"]


def test_progress_is_shown_and_kept(job: TrainingJob, config: Callable[..., RunnerConfig]) -> None:
    run(job, config())
    with tenant_scope(job.tenant_id):
        events = TrainingEvent.objects.for_tenant(job.tenant).filter(job=job).order_by("seq")
        assert [(event.seq, event.step, event.validation_accuracy) for event in events] == [
            (1, 1, 0.1),
            (2, 2, 0.2),
            (3, 3, 0.3),
            (4, 4, 0.4),
        ]


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_stalls_amid_a_transaction_goes_on(
    job: TrainingJob, config: Callable[..., RunnerConfig]
) -> None:
    stalled: list[int] = []

    class Stalling(TrainingWork):
        def show(self, lease: Lease, progress: Progress) -> None:
            if not stalled:
                stalled.append(progress.step)
                with lease_scope(lease), connection.cursor() as cursor:
                    cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '1ms'")
                    # Stopped, as a machine that sleeps stops all, until the session has been ended.
                    assert connection.connection is not None
                    assert select.select([connection.connection.fileno()], [], [], PATIENCE_S)[0]
            super().show(lease, progress)

    run_job(Stalling(ObjectStore(settings.ENV.store_url), config().work_root), JobId(str(job.pk)), config())
    done = seen(job)
    assert (done.state, done.attempt) == (JobState.SUCCEEDED, 1), done.error
    with tenant_scope(job.tenant_id):
        events = TrainingEvent.objects.for_tenant(job.tenant).filter(job=job).order_by("seq")
        assert stalled == [1]
        assert [event.step for event in events] == [2, 3, 4], "a point less in the curve"


def test_the_process_gets_no_secrets(
    job: TrainingJob, config: Callable[..., RunnerConfig], log: Path
) -> None:
    run(job, config())
    names = set(log.read_text().split()[2].split(",")) - {"LC_CTYPE", "PWD", "SHLVL", "_"}
    assert names == {"PATH", "HMI_STORE_URL", "TMPDIR"}


def test_a_job_that_has_ended_is_left_alone(
    job: TrainingJob, config: Callable[..., RunnerConfig], log: Path
) -> None:
    run(job, config())
    assert run(job, config()).attempt == 1
    assert starts(log) == [0]


def test_a_crashed_process_is_started_again_from_its_checkpoint(
    job: TrainingJob, config: Callable[..., RunnerConfig], log: Path
) -> None:
    once = run(job, config("crash-once"))
    assert (once.state, once.attempt, once.lease_owner) == (JobState.QUEUED, 0, None), "it got further"
    assert work_dirs(config()) == [str(job.pk)]
    done = run(job, config("crash-once"))
    assert (done.state, done.attempt) == (JobState.SUCCEEDED, 1)
    assert starts(log) == [0, 1]
    assert work_dirs(config()) == []


def test_a_crash_is_written_down_for_the_operator_and_not_for_the_tenant(
    job: TrainingJob, config: Callable[..., RunnerConfig]
) -> None:
    for _ in range(4):
        done = run(job, config("crash"))
    (first, *_) = sorted((config().work_root / "crashes").iterdir())
    assert "out of memory" in first.read_text()
    assert "secret" not in str((done.error, done.message))


def test_a_job_that_crashes_every_time_fails_in_the_end(
    job: TrainingJob, config: Callable[..., RunnerConfig], log: Path
) -> None:
    states = [run(job, config("crash")).state for _ in range(5)]
    assert states == [JobState.QUEUED] * 4 + [JobState.FAILED]
    done = seen(job)
    assert done.error is not None
    assert done.error["code"] == "training_failed"
    assert "3 times" in done.error["message"]
    assert starts(log) == [0, 1, 1, 1], "the first got further, the others are three"
    assert work_dirs(config()) == []


def test_attempts_that_bring_a_job_forward_do_not_count(
    job: TrainingJob, config: Callable[..., RunnerConfig], log: Path
) -> None:
    states = [run(job, config("stumble", max_attempts=1)).state for _ in range(4)]
    assert states == [JobState.QUEUED] * 3 + [JobState.SUCCEEDED]
    assert starts(log) == [0, 1, 2, 3]


def make_due(job: TrainingJob) -> None:
    with operator_scope():
        TrainingJob.objects.unscoped().filter(pk=job.pk).update(retry_at=Now())


FULL = {"code": "store_unavailable", "message": "The disk is full.", "retryable": True}


def test_what_passes_is_told_and_waited_for(
    job: TrainingJob, config: Callable[..., RunnerConfig], log: Path
) -> None:
    with capture_logs() as logs:
        failed = run(job, config("full-once"))
    assert (failed.state, failed.error, failed.lease_owner) == (JobState.QUEUED, FULL, None)
    [reason] = [line["reason"] for line in logs if line["event"] == "job.failed_for_now"]
    assert reason == "There is no room left in /scratch.", "the operator alone is told where"
    assert failed.retry_at is not None and failed.retry_at > timezone.now()
    assert run(job, config("full-once")) == failed and starts(log) == [0], "nobody takes it yet"
    make_due(job)
    done = run(job, config("full-once"))
    assert (done.state, done.error, done.retry_at) == (JobState.SUCCEEDED, None, None)
    assert starts(log) == [0, 1]


def failed_by_a_full_disk(job: TrainingJob, config: Callable[..., RunnerConfig]) -> TrainingJob:
    states, waits = [], []
    for _ in range(4):
        make_due(job)
        seen_so_far = run(job, config("full"))
        states.append(seen_so_far.state)
        waits.append(seen_so_far.retry_at)
    assert states == [JobState.QUEUED] * 3 + [JobState.FAILED]
    lengths = [wait - timezone.now() for wait in waits if wait is not None]
    assert lengths[-1] > lengths[0], "longer and longer"
    return seen_so_far


def cancel(job: TrainingJob) -> None:
    with tenant_scope(job.tenant_id):
        training_cancel(job=job, acting=OPERATOR)


def check_that_nothing_came_of(job: TrainingJob) -> None:
    ended = seen(job)
    assert (ended.state, ended.version, ended.error) == (JobState.CANCELLED, None, None)
    assert (ended.retry_at, ended.lease_owner, ended.finished_at is not None) == (None, None, True)
    with operator_scope():
        assert not AdapterVersion.objects.unscoped().exists()
        assert not WebhookEvent.objects.unscoped().exists()
        # Of the task that it kept from another training.
        again = make_job(job.task, make_dataset(job.tenant))
        TrainingJob.objects.unscoped().filter(pk=again.pk).delete()


@pytest.mark.parametrize("behaviour", ["well", "refuse", "crash", "full"])
def test_nothing_comes_of_a_training_that_was_cancelled_before_its_process_had_ended(
    job: TrainingJob,
    config: Callable[..., RunnerConfig],
    behaviour: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However it ended. It became a version, failed, or waited for a turn behind trainings of others."""

    class CancelledAtItsEnd(TrainingProcess):
        def next_event(self, *, timeout_s: float) -> Any:
            event = super().next_event(timeout_s=timeout_s)
            if event is not None and not isinstance(event, Progress):
                cancel(job)
            return event

    make_webhook(job.tenant)
    monkeypatch.setattr(runner, "TrainingProcess", CancelledAtItsEnd)
    run(job, config(behaviour, lease_s=3600.0))
    check_that_nothing_came_of(job)
    work_dirs_sweep(TrainingJob, config().work_root, also_kept=CAN_BE_TRIED_AGAIN)
    assert work_dirs(config()) == []


def test_a_training_that_is_cancelled_while_its_killed_workers_process_still_runs_ends_at_once(
    job: TrainingJob, config: Callable[..., RunnerConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next worker finds the folder taken, and gave it back to be taken up later."""

    class Taken(WorkDir):
        def __init__(self, root: Path, job_id: str) -> None:
            cancel(job)
            super().__init__(root, job_id)

    with contextlib.closing(WorkDir(config().work_root, str(job.pk))):
        monkeypatch.setattr(runner, "WorkDir", Taken)
        run(job, config())
    check_that_nothing_came_of(job)


def test_a_training_that_is_cancelled_when_its_text_is_deleted_does_not_begin_anew(
    job: TrainingJob, sibling: Dataset, config: Callable[..., RunnerConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Deleting(TrainingProcess):
        def next_event(self, *, timeout_s: float) -> Any:
            event = super().next_event(timeout_s=timeout_s)
            if isinstance(event, TrainFailure):
                delete(sibling)
                cancel(job)
            return event

    monkeypatch.setattr(runner, "TrainingProcess", Deleting)
    run(job, config("refuse", lease_s=3600.0))
    check_that_nothing_came_of(job)
    assert work_dirs(config()) == []


def test_what_does_not_pass_fails_the_job_by_its_own_words_and_its_folder_is_kept(
    job: TrainingJob, config: Callable[..., RunnerConfig], log: Path
) -> None:
    failed = failed_by_a_full_disk(job, config)
    assert failed.error == FULL
    assert starts(log) == [0, 1, 1, 1]
    root = config().work_root
    work_dirs_sweep(TrainingJob, root, also_kept=CAN_BE_TRIED_AGAIN)
    assert work_dirs(config()) == [str(job.pk)]
    with tenant_scope(job.tenant_id):
        training_retry(job=failed, acting=OPERATOR)
    done = run(job, config())
    assert (done.state, done.attempt, done.error) == (JobState.SUCCEEDED, 1, None)
    assert starts(log)[-1] == 1, "it went on from its checkpoint"
    assert work_dirs(config()) == []


@pytest.mark.parametrize("absent", ["its folder", "a folder in it"])
def test_a_scratch_folder_that_cannot_be_made_is_waited_for_and_fails_the_job_in_the_end(
    job: TrainingJob, config: Callable[..., RunnerConfig], log: Path, absent: str
) -> None:
    root = config().work_root
    taken = root / str(job.pk) if absent == "its folder" else root / str(job.pk) / "work"
    taken.parent.mkdir(parents=True)
    taken.touch()  # where a folder is to be: as a disk that is full or read-only, an error of the system
    states = []
    with capture_logs() as logs:
        for _ in range(3):
            make_due(job)
            seen_so_far = run(job, config())
            states.append(seen_so_far.state)
            assert seen_so_far.lease_owner is None
    assert states == [JobState.QUEUED] * 2 + [JobState.FAILED]
    assert starts(log) == []
    assert seen_so_far.error == {
        "code": "store_unavailable",
        "message": CANNOT_WRITE,
        "retryable": True,
    }
    assert str(root) not in CANNOT_WRITE
    reasons = [line["reason"] for line in logs if line["event"] == "job.failed_for_now"]
    assert len(reasons) == 3
    assert all(str(taken) in reason and "HMI_WORK_DIR" in reason for reason in reasons)


def test_the_folder_of_a_failed_job_goes_with_its_dataset_and_after_a_day(
    job: TrainingJob, config: Callable[..., RunnerConfig]
) -> None:
    failed = failed_by_a_full_disk(job, config)
    root = config().work_root
    with operator_scope():
        this = TrainingJob.objects.unscoped().filter(pk=job.pk)
        this.update(finished_at=Now() - KEPT_FOR)
        assert not this.filter(CAN_BE_TRIED_AGAIN).exists()
        this.update(finished_at=Now())
        assert this.filter(CAN_BE_TRIED_AGAIN).exists()
    assert job.dataset is not None
    delete(job.dataset)
    with tenant_scope(job.tenant_id), pytest.raises(Conflict, match="start a new training"):
        training_retry(job=failed, acting=OPERATOR)
    work_dirs_sweep(TrainingJob, root, also_kept=CAN_BE_TRIED_AGAIN)
    assert work_dirs(config()) == []


def test_a_process_that_says_something_else_has_crashed(
    job: TrainingJob, config: Callable[..., RunnerConfig]
) -> None:
    assert run(job, config("noise")).state == JobState.QUEUED


def test_a_program_that_is_not_there_is_a_crash(
    job: TrainingJob, config: Callable[..., RunnerConfig]
) -> None:
    assert run(job, config(command=("/nowhere/python",))).state == JobState.QUEUED


def test_a_failure_is_told_with_its_code(job: TrainingJob, config: Callable[..., RunnerConfig]) -> None:
    done = run(job, config("refuse"))
    assert done.state == JobState.FAILED
    assert done.error == {"code": "dataset_too_few_rows", "message": "Add more rows."}
    assert work_dirs(config()) == []


def test_a_failure_that_quotes_a_nul_is_told(job: TrainingJob, config: Callable[..., RunnerConfig]) -> None:
    done = run(job, config("refuse-nul"))
    assert done.state == JobState.FAILED
    assert done.error == {"code": "adapter_refused", "message": "There is no 'a\ufffdb'."}


def test_a_process_that_takes_too_long_is_ended(
    job: TrainingJob, config: Callable[..., RunnerConfig]
) -> None:
    done = run(job, config("wait", timeout_s=0.5))
    assert done.state == JobState.FAILED
    assert done.error is not None
    assert "Use fewer rows" in done.error["message"]


def test_a_silent_process_counts_as_crashed(
    job: TrainingJob, config: Callable[..., RunnerConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "MAX_SILENCE_S", 0.3)
    assert run(job, config("wait")).state == JobState.QUEUED


def test_a_cancelled_job_ends_without_a_start(
    job: TrainingJob, config: Callable[..., RunnerConfig], log: Path
) -> None:
    with tenant_scope(job.tenant_id):
        TrainingJob.objects.for_tenant(job.tenant).update(
            state=JobState.RUNNING, lease_owner="dead", lease_expires_at=Now(), cancel_requested=True
        )
    done = run(job, config())
    assert (done.state, done.version, done.lease_owner) == (JobState.CANCELLED, None, None)
    assert starts(log) == []
    assert work_dirs(config()) == []


def test_without_a_backbone_the_job_fails_saying_so(cast: Cast, config: Callable[..., RunnerConfig]) -> None:
    job = make_job(make_task(cast.acme.tenant), make_dataset(cast.acme.tenant))
    done = run(job, config())
    assert done.error is not None
    assert (done.state, done.error["code"]) == (JobState.FAILED, "not_ready")


def test_a_worker_that_lost_its_lease_changes_nothing(job: TrainingJob) -> None:
    first = job_claim(TrainingJob, job_id=JobId(str(job.pk)), lease_s=-1)
    second = job_claim(TrainingJob, job_id=JobId(str(job.pk)), lease_s=30)
    assert first is not None
    assert second is not None
    with pytest.raises(LeaseLost):
        job_fail(lease=first, error=JobError(ErrorCode.INTERNAL, "too late"))
    assert seen(job).state == JobState.RUNNING


@pytest.fixture
def sibling(job: TrainingJob) -> Dataset:
    """Another dataset of the job's domain, with a segment."""
    dataset = make_dataset(job.tenant)
    with tenant_scope(job.tenant_id):
        Segment(
            tenant=job.tenant,
            domain=job.task.domain,
            dataset=dataset,
            uri=f"tenants/{job.tenant_id}/segments/{dataset.pk}",
            digest=digest("5"),
            num_bytes=10,
        ).save()
    return dataset


def delete(dataset: Dataset) -> None:
    with tenant_scope(dataset.tenant_id):
        dataset_delete(dataset=dataset, acting=OPERATOR)


def test_a_deleted_sibling_makes_the_job_begin_anew_instead_of_failing(
    job: TrainingJob, sibling: Dataset, config: Callable[..., RunnerConfig], log: Path, store_folder: Path
) -> None:
    crashed = run(job, config("crash-once"))
    assert (crashed.state, crashed.attempt, starts(log)) == (JobState.QUEUED, 0, [0])
    folder = store_folder / f"tenants/{job.tenant_id}"
    for name in (f"trees/{job.pk}", f"trees/{job.pk}.table-1", f"versions/{job.pk}", "trees/other"):
        (folder / name).mkdir(parents=True)
    cached = config().work_root.parent / "states" / str(job.tenant_id) / str(job.dataset_id) / "tree"
    cached.mkdir(parents=True)
    delete(sibling)
    stale = run(job, config())
    assert (stale.state, stale.attempt, stale.error) == (JobState.QUEUED, 0, None)
    with tenant_scope(job.tenant_id):
        told = TrainingEvent.objects.for_tenant(job.tenant).filter(job=job).order_by("-seq").first()
        assert told is not None and "it begins anew" in told.message
    assert work_dirs(config()) == []
    assert not cached.parent.exists()  # it was looked up in a tree that knew the sibling
    left = sorted(str(path.relative_to(folder)) for path in folder.glob("*/*"))
    assert left == ["trees/other"]
    assert starts(log) == [0]
    done = run(job, config())
    assert (done.state, done.error) == (JobState.SUCCEEDED, None)
    assert starts(log) == [0, 0]
    with tenant_scope(job.tenant_id):
        tree = TreeVersion.objects.for_tenant(job.tenant).get()
        assert [segment["dataset"] for segment in tree.segments] == [str(job.dataset_id)]


def test_what_an_attempt_elsewhere_has_published_makes_room_for_what_this_one_made(
    job: TrainingJob, config: Callable[..., RunnerConfig], log: Path, store_folder: Path
) -> None:
    """Its worker died on another machine, before it was registered, and the scratch folder with it."""
    places = [store_folder / f"tenants/{job.tenant_id}/{name}/{job.pk}" for name in ("trees", "versions")]
    for place in places:
        place.mkdir(parents=True)
    environment = {"PATH": "/usr/bin:/bin", "HMI_STORE_URL": settings.ENV.store_url}
    taken = config("taken", environment=environment)
    again = run(job, taken)
    assert (again.state, again.error) == (JobState.QUEUED, None)
    assert not any(place.exists() for place in places)
    assert run(job, taken).state == JobState.SUCCEEDED
    assert starts(log) == [0, 3], "it went on from its checkpoint"


@pytest.mark.parametrize("is_forgotten", [False, True])
def test_a_tree_above_that_was_replaced_is_read_on_unless_it_must_be_forgotten(
    job: TrainingJob, config: Callable[..., RunnerConfig], log: Path, is_forgotten: bool
) -> None:
    begun = run(job, config("crash-once"))
    with operator_scope():
        above = TreeVersion.objects.unscoped().get()
        assert (begun.state, begun.tree_id) == (JobState.QUEUED, above.pk)
        TreeVersion.objects.unscoped().update(retired_at=Now(), condemned_at=Now() if is_forgotten else None)
        newer = TreeVersion(
            tenant=None,
            domain=above.domain,
            backbone=above.backbone,
            uri="trees/newer",
            digest=digest("7"),
            num_bytes=500,
        )
        newer.save()
    if is_forgotten:
        stale = run(job, config())
        assert (stale.state, stale.attempt, stale.error) == (JobState.QUEUED, 0, None)
        assert work_dirs(config()) == []
    assert run(job, config()).state == JobState.SUCCEEDED
    assert starts(log) == ([0, 0] if is_forgotten else [0, 1])
    with tenant_scope(job.tenant_id):
        read = newer if is_forgotten else above
        assert TreeVersion.objects.for_tenant(job.tenant).get().parent_id == read.pk


def test_a_dataset_that_is_trained_on_cannot_be_deleted_at_any_time(job: TrainingJob) -> None:
    assert job.dataset is not None
    for state in UNFINISHED:
        with operator_scope():
            TrainingJob.objects.unscoped().update(state=state)
        with pytest.raises(InUse):
            delete(job.dataset)
    with operator_scope():
        TrainingJob.objects.unscoped().update(state=JobState.CANCELLED)
    delete(job.dataset)


def test_a_paused_jobs_folder_is_kept_and_an_ended_ones_is_not(
    job: TrainingJob, config: Callable[..., RunnerConfig], log: Path
) -> None:
    run(job, config("crash-once"))
    with operator_scope():
        jobs = TrainingJob.objects.unscoped().filter(pk=job.pk)
        assert job_pause(jobs=jobs)
        assert not job_pause(jobs=jobs)
    work_dirs_sweep(TrainingJob, config().work_root)
    assert run(job, config()).state == JobState.PAUSED
    assert work_dirs(config()) == [str(job.pk)]
    with operator_scope():
        assert job_move(jobs, JobState.QUEUED)
    assert run(job, config()).state == JobState.SUCCEEDED
    assert starts(log) == [0, 1]


def test_a_failure_that_a_deletion_caused_is_none(
    job: TrainingJob, sibling: Dataset, config: Callable[..., RunnerConfig], monkeypatch: pytest.MonkeyPatch
) -> None:

    class Deleting(TrainingProcess):  # deletes when the process has been started
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            delete(sibling)

    monkeypatch.setattr(runner, "TrainingProcess", Deleting)
    failed = run(job, config("refuse"))
    assert (failed.state, failed.attempt, failed.error) == (JobState.QUEUED, 0, None)


def test_a_worker_that_lost_its_lease_deletes_nothing_of_what_another_has_published(
    job: TrainingJob,
    sibling: Dataset,
    config: Callable[..., RunnerConfig],
    store_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published = store_folder / f"tenants/{job.tenant_id}/versions/{job.pk}"

    class Overtaken(TrainingProcess):  # another worker ends the job; then the sibling is deleted
        def next_event(self, *, timeout_s: float) -> Any:
            event = super().next_event(timeout_s=timeout_s)
            if isinstance(event, TrainFailure):
                published.mkdir(parents=True)
                with operator_scope():
                    ended = {"state": JobState.SUCCEEDED, "lease_owner": None, "lease_expires_at": None}
                    TrainingJob.objects.unscoped().filter(pk=job.pk).update(**ended)
                delete(sibling)
            return event

    monkeypatch.setattr(runner, "TrainingProcess", Overtaken)
    assert run(job, config("refuse")).state == JobState.SUCCEEDED
    assert published.exists()


def test_a_tree_names_all_segments_that_it_holds(
    job: TrainingJob, sibling: Dataset, config: Callable[..., RunnerConfig]
) -> None:
    run(job, config())
    with tenant_scope(job.tenant_id):
        tree = TreeVersion.objects.for_tenant(job.tenant).get()
    assert {segment["dataset"] for segment in tree.segments} == {str(job.dataset_id), str(sibling.pk)}
    assert tree.parent_id == make_general().pk


def test_a_result_of_deleted_text_is_not_registered(
    job: TrainingJob, sibling: Dataset, config: Callable[..., RunnerConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    check = TrainingWork.check

    def deleting(self: TrainingWork, *given: Any) -> None:
        check(self, *given)
        delete(sibling)

    monkeypatch.setattr(TrainingWork, "check", deleting)
    void = run(job, config())
    assert void.state == JobState.QUEUED
    with tenant_scope(job.tenant_id):
        assert not TreeVersion.objects.for_tenant(job.tenant).exists()
