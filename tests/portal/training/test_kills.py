"""Workers and training processes are killed at any moment: the job is taken up again and ends once."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from django.db.models.functions import Now
from pytest_django.plugin import DjangoDbBlocker

from portal.audit.models import AuditEntry
from portal.catalog.models import AdapterVersion, Backbone, Domain, Task, TreeVersion
from portal.common.scope import operator_scope
from portal.tenants.actors import OPERATOR
from portal.tenants.models import Tenant
from portal.training.models import JobState, TrainingEvent, TrainingJob
from portal.training.reaper import jobs_reap, work_dirs_sweep
from portal.training.services import training_cancel, training_pause, training_resume
from portal.training.try_again import CAN_BE_TRIED_AGAIN
from tests.conftest import ROOT, DatabaseUrls
from tests.fakes.portal import make_dataset, make_general, make_job, make_task, make_tenant
from tests.fakes.training import TRAINER

pytestmark = pytest.mark.stress
PATIENCE_S = 60.0
SHORT_LEASE_S = 1.0  # of workers that are to lose it
WORKER_NAME = "worker-of-the-kill-tests"


class Stage:
    """A queued job that other processes can see, and the workers that a test starts for it."""

    def __init__(self, folder: Path, urls: DatabaseUrls) -> None:
        self.folder = folder
        self.log = folder / "starts.log"
        self.tenant = make_tenant(f"kills-{uuid4().hex[:8]}")
        make_general()
        self.id = make_job(make_task(self.tenant), make_dataset(self.tenant)).pk
        self._urls = urls
        self.workers: list[subprocess.Popen[bytes]] = []

    def worker(
        self, behaviour: str = "well", *, hold: Sequence[int] = (), lease_s: float = 60.0
    ) -> subprocess.Popen[bytes]:
        """Start a worker on the job. Its trainings take twenty steps, and wait after those of ``hold``."""
        python = self.folder / f"python-{len(self.workers)}"
        held = " ".join(str(step) for step in hold)
        options = f"--behaviour {behaviour} --steps 20 --hold {held} --log {shlex.quote(str(self.log))}"
        python.write_text(f'#!/bin/sh\nexec {sys.executable} -I {TRAINER} {options} "$@"\n')
        python.chmod(0o755)
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "platform"), str(ROOT / "inference"), str(ROOT)]),
            "HMI_DATABASE_URL": f"{self._urls.portal}?application_name={WORKER_NAME}",
            "HMI_WORK_DIR": str(self.folder),
            "HMI_TRAINING_PYTHON": str(python),
            "HMI_TRAINING_LEASE_S": str(lease_s),
            "HMI_TRAINING_MAX_ATTEMPTS": "20",
            "HMI_BROKER_URL": "memory://",
        }
        command = [sys.executable, "-m", "tests.fakes.training_worker", str(self.id)]
        worker = subprocess.Popen(command, env=environment, cwd=self.folder)
        self.workers.append(worker)
        return worker

    def job(self) -> TrainingJob:
        with operator_scope():
            return TrainingJob.objects.unscoped().select_related("tenant").get(pk=self.id)

    def starts(self) -> list[tuple[int, int]]:
        """Of every training process so far: the step it began after, and its id."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [(int(line.split()[0]), int(line.split()[1])) for line in lines]

    def step(self) -> int:
        """The newest checkpoint."""
        checkpoint = self.folder / "trainings" / str(self.id) / "work" / "step"
        return int(checkpoint.read_text()) if checkpoint.exists() else 0

    def cut_connections(self) -> int:
        """End the workers' sessions in the database; how many there were."""
        database = urlsplit(self._urls.portal).path
        with psycopg.connect(urlunsplit(urlsplit(self._urls.admin)._replace(path=database))) as admin:
            return admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s",
                [WORKER_NAME],
            ).rowcount

    def wait_until_reaped(self) -> None:
        """Reap until the job is queued again."""

        def is_queued() -> bool:
            jobs_reap(TrainingJob)
            return self.job().state == JobState.QUEUED

        wait_until(is_queued)

    def wait_for_step(self, step: int, *, start: int) -> None:
        """Until the training process of this start (1, 2, ...) has come so far, where it holds."""
        wait_until(lambda: len(self.starts()) == start and self.step() == step)

    def finish(self) -> None:
        """Reap and start workers until the job has ended."""

        def has_ended() -> bool:
            jobs_reap(TrainingJob)
            if self.job().state == JobState.QUEUED:
                assert self.worker().wait(PATIENCE_S) == 0
            return self.job().state not in (JobState.QUEUED, JobState.RUNNING)

        wait_until(has_ended)

    def check_it_succeeded_once(self) -> None:
        done = self.job()
        assert done.state == JobState.SUCCEEDED, done.error
        assert done.step == 20
        with operator_scope():
            versions = AdapterVersion.objects.unscoped().filter(training_job_id=self.id)
            assert [(version.number, version.pk) for version in versions] == [(1, done.version)]
            seqs = (
                TrainingEvent.objects.unscoped()
                .filter(job_id=self.id)
                .order_by("seq")
                .values_list("seq", flat=True)
            )
            assert list(seqs) == list(range(1, len(seqs) + 1))
        assert [path.name for path in (self.folder / "trainings").iterdir() if path.name != "crashes"] == []
        assert not any(is_alive(process_id) for _, process_id in self.starts())

    def has_lost_its_lease(self) -> bool:
        with operator_scope():
            lost = TrainingJob.objects.unscoped().filter(pk=self.id, lease_expires_at__lt=Now())
            return lost.exists()

    def check_it_ends_cancelled(self) -> None:
        """Reap until it has ended; then no reaper and no worker brings it back, and its task is free."""
        self.finish()
        jobs_reap(TrainingJob)
        assert self.worker().wait(PATIENCE_S) == 0
        ended = self.job()
        assert (ended.state, ended.version, ended.lease_owner) == (JobState.CANCELLED, None, None)
        assert ended.finished_at is not None
        work_dirs_sweep(TrainingJob, self.folder / "trainings", also_kept=CAN_BE_TRIED_AGAIN)
        assert [path.name for path in (self.folder / "trainings").iterdir() if path.name != "crashes"] == []
        assert len(self.starts()) == 1
        assert not is_alive(self.starts()[0][1])
        with operator_scope():
            assert not AdapterVersion.objects.unscoped().filter(training_job_id=self.id).exists()
            ends = AuditEntry.objects.unscoped().filter(target_id=str(self.id), action="training.cancelled")
            assert ends.count() == 1
            task = Task.objects.unscoped().select_related("tenant").get(pk=ended.task_id)
        make_job(task, make_dataset(self.tenant))

    def close(self) -> None:
        for worker in self.workers:
            worker.kill()
            worker.wait()
        (self.log.with_name("go")).touch()
        with operator_scope():
            for model in (AdapterVersion, TrainingJob, Task, TreeVersion, Domain):
                model.objects.unscoped().all().delete()
            Tenant.objects.filter(pk=self.tenant.pk).delete()
            Backbone.objects.all().delete()


@pytest.fixture
def stage(
    tmp_path: Path, database_urls: DatabaseUrls, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[Stage]:
    with django_db_blocker.unblock():
        made = Stage(tmp_path, database_urls)
        yield made
        made.close()


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, "it never came to it"
        time.sleep(0.02)  # other processes are at work, on few cores


def is_alive(process_id: int) -> bool:
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_killed_training_processes_go_on_from_their_checkpoints(stage: Stage) -> None:
    for start, step in enumerate((2, 6, 7), start=1):
        worker = stage.worker(hold=[step])
        stage.wait_for_step(step, start=start)
        os.kill(stage.starts()[-1][1], signal.SIGKILL)
        assert worker.wait(PATIENCE_S) == 0
        assert stage.job().state == JobState.QUEUED
    stage.finish()
    stage.check_it_succeeded_once()
    assert [begun_after for begun_after, _ in stage.starts()] == [0, 2, 6, 7]
    assert stage.job().attempt == 1, "each got further: none counts"


def test_killed_workers_jobs_are_taken_up_again(stage: Stage) -> None:
    for start, step in enumerate((1, 5), start=1):
        worker = stage.worker(hold=[step], lease_s=SHORT_LEASE_S)
        stage.wait_for_step(step, start=start)
        wait_until(lambda: stage.job().step == step)  # noqa: B023 - it is called here and now
        worker.kill()
        worker.wait()
        wait_until(lambda: not is_alive(stage.starts()[-1][1]))  # it heard that its parent is gone
        stage.wait_until_reaped()
    stage.finish()
    stage.check_it_succeeded_once()
    assert [begun_after for begun_after, _ in stage.starts()] == [0, 1, 5]
    assert stage.job().attempt == 1, "likewise"


def test_a_training_process_that_outlives_its_worker_is_waited_for(stage: Stage) -> None:
    worker = stage.worker("deaf", lease_s=SHORT_LEASE_S)
    wait_until(lambda: stage.job().step == 1)
    worker.kill()
    worker.wait()
    stage.wait_until_reaped()
    assert stage.worker().wait(PATIENCE_S) == 0
    assert (stage.job().state, stage.job().attempt, len(stage.starts())) == (JobState.QUEUED, 0, 1)
    stage.log.with_name("go").touch()
    wait_until(lambda: not is_alive(stage.starts()[0][1]))
    stage.finish()
    stage.check_it_succeeded_once()
    assert len(stage.starts()) == 2


def test_a_worker_that_slept_past_its_lease_stops_its_process_and_writes_nothing(stage: Stage) -> None:
    sleeper = stage.worker("deaf", lease_s=SHORT_LEASE_S)
    wait_until(lambda: len(stage.starts()) == 1)
    sleeper.send_signal(signal.SIGSTOP)
    stage.wait_until_reaped()
    sleeper.send_signal(signal.SIGCONT)
    assert sleeper.wait(PATIENCE_S) == 0
    assert stage.job().state == JobState.QUEUED
    assert not is_alive(stage.starts()[0][1])
    stage.finish()
    stage.check_it_succeeded_once()


def test_of_two_workers_one_works(stage: Stage) -> None:
    both = [stage.worker(), stage.worker()]
    assert [worker.wait(PATIENCE_S) for worker in both] == [0, 0]
    stage.check_it_succeeded_once()
    assert len(stage.starts()) == 1


def test_a_running_job_is_cancelled(stage: Stage) -> None:
    worker = stage.worker("wait")
    wait_until(lambda: stage.job().step == 1)
    with operator_scope():
        training_cancel(job=stage.job(), acting=OPERATOR)
    assert worker.wait(PATIENCE_S) == 0
    assert stage.job().state == JobState.CANCELLED
    assert not is_alive(stage.starts()[0][1])
    assert not (stage.folder / "trainings" / str(stage.id)).exists()


@pytest.mark.parametrize("killed", ["worker", "process", "both"])
def test_a_job_that_is_cancelled_just_when_it_is_killed_ends_and_stays_ended(
    stage: Stage, killed: str
) -> None:
    worker = stage.worker(hold=[2], lease_s=SHORT_LEASE_S)
    stage.wait_for_step(2, start=1)
    process_id = stage.starts()[0][1]
    worker.send_signal(signal.SIGSTOP)  # what it does next, it does after all of this
    with operator_scope():
        training_cancel(job=stage.job(), acting=OPERATOR)
    if killed != "worker":
        os.kill(process_id, signal.SIGKILL)
    if killed != "process":
        worker.kill()
    worker.send_signal(signal.SIGCONT)
    assert worker.wait(PATIENCE_S) == (0 if killed == "process" else -signal.SIGKILL)
    stage.check_it_ends_cancelled()


def test_a_cancelled_job_whose_process_outlives_its_worker_ends_with_the_next_worker(stage: Stage) -> None:
    """It finds the folder taken, and the job was queued again, for as long as others' trainings took."""
    worker = stage.worker("deaf", lease_s=SHORT_LEASE_S)
    wait_until(lambda: stage.job().step == 1)
    worker.kill()
    worker.wait()
    with operator_scope():
        training_cancel(job=stage.job(), acting=OPERATOR)
    wait_until(stage.has_lost_its_lease)
    assert stage.worker().wait(PATIENCE_S) == 0  # sooner than the reaper
    assert stage.job().state == JobState.CANCELLED
    stage.log.with_name("go").touch()
    wait_until(lambda: not is_alive(stage.starts()[0][1]))
    stage.check_it_ends_cancelled()


def test_a_running_job_is_paused_and_goes_on_from_its_checkpoint(stage: Stage) -> None:
    worker = stage.worker(hold=[5])
    stage.wait_for_step(5, start=1)
    with operator_scope():
        training_pause(job=stage.job(), acting=OPERATOR)
    assert worker.wait(PATIENCE_S) == 0
    assert (stage.job().state, stage.job().lease_owner) == (JobState.PAUSED, None)
    assert not is_alive(stage.starts()[0][1])
    jobs_reap(TrainingJob)
    assert stage.job().state == JobState.PAUSED
    with operator_scope():
        training_resume(job=stage.job(), acting=OPERATOR)
    stage.finish()
    stage.check_it_succeeded_once()
    assert [begun_after for begun_after, _ in stage.starts()] == [0, 5]
    assert stage.job().attempt == 1


def test_a_training_outlives_its_workers_connections(stage: Stage) -> None:
    steps = (1, 6, 11, 16, 19)
    worker = stage.worker(hold=steps)
    for step in steps:
        stage.wait_for_step(step, start=1)
        wait_until(lambda: stage.cut_connections() == 1)  # it is there, once more from the second time on
        (stage.folder / f"go-{step}").touch()
    assert worker.wait(PATIENCE_S) == 0
    stage.check_it_succeeded_once()
    assert (stage.job().attempt, len(stage.starts())) == (1, 1)
