"""How many trainings run at a time in one machine's memory, and which never can."""

import json
import mmap
import os
import socket
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.utils import timezone

from portal.catalog.models import Task
from portal.common.queue import JobName
from portal.common.scope import operator_scope, tenant_scope
from portal.common.store import ObjectStore
from portal.datasets.models import Dataset
from portal.training import reaper
from portal.training.leases import Lease, job_claim_next
from portal.training.machine import machine
from portal.training.memory import process_bytes, reckoned_bytes
from portal.training.models import JobState, TrainingEstimate, TrainingJob
from portal.training.reaper import call_for_next
from portal.training.runner import RunnerConfig, run_next_job
from portal.training.training_work import TrainingWork
from tests.fakes.portal import Cast, make_dataset, make_job, make_task
from tests.fakes.training import TRAINER
from wire.codec import to_plain
from wire.training import TRAINING_BYTES, Recipe, TrainJob

pytestmark = pytest.mark.database
GIB = 1 << 30
RECIPE = Recipe()
PLAIN = to_plain(RECIPE)


@pytest.fixture
def jobs(cast: Cast, dataset: Dataset) -> Any:
    def make(*sizes: float | None, **fields: Any) -> list[TrainingJob]:
        """Queued one after the other, reckoned at so many GiB."""
        return [
            make_job(
                make_task(cast.acme.tenant, f"task-{uuid4().hex[:8]}"),
                dataset,
                memory_bytes=None if size is None else round(size * GIB),
                **fields,
            )
            for size in sizes
        ]

    return make


def claimed(memory: float) -> TrainingJob | None:
    lease = job_claim_next(TrainingJob, lease_s=30, memory_bytes=round(memory * GIB))
    if lease is None:
        return None
    with operator_scope():
        return TrainingJob.objects.unscoped().get(pk=lease.job_id)


def end(job: TrainingJob) -> None:
    with operator_scope():
        TrainingJob.objects.unscoped().filter(pk=job.pk).update(state=JobState.SUCCEEDED, lease_owner=None)


def test_as_many_run_at_a_time_as_memory_holds(jobs: Any) -> None:
    first, second, third = jobs(1, 1, 1)
    assert [claimed(2.5), claimed(2.5), claimed(2.5)] == [first, second, None]
    end(first)
    assert [claimed(2.5), claimed(2.5)] == [third, None]


def test_a_large_one_waits_and_is_not_overtaken_by_small_ones(jobs: Any) -> None:
    running, large, small = jobs(1, 2.5, 0.5)
    assert [claimed(3), claimed(3)] == [running, None]
    end(running)
    assert [claimed(3), claimed(3)] == [large, small]


def test_one_alone_runs_whatever_it_is_reckoned_at(jobs: Any) -> None:
    large, other = jobs(9, 0.1)
    assert [claimed(2), claimed(2)] == [large, None]
    end(large)
    assert claimed(2) == other


def test_one_of_which_nothing_is_known_is_reckoned_as_one_usually_is(jobs: Any) -> None:
    known, unknown = jobs(1, None)
    room = 1 + TRAINING_BYTES / GIB
    assert [claimed(room - 0.1), claimed(room - 0.1), claimed(room)] == [known, None, unknown]


@pytest.mark.parametrize(
    ("owner", "lease_s", "is_counted"),
    [
        (machine(), 60, True),
        (machine(), -60, False),
        ("elsewhere", 60, False),
        (socket.gethostname(), 60, False),
    ],
)
def test_what_runs_on_this_machine_counts_and_no_dead_or_other_ones(
    jobs: Any, owner: str, lease_s: int, is_counted: bool
) -> None:
    until = timezone.now() + timedelta(seconds=lease_s)
    running = {"state": JobState.RUNNING, "lease_owner": f"{owner}:1:abc", "lease_expires_at": until}
    jobs(1.5, **running)
    jobs(1)
    found = claimed(2)
    assert (found is None) is is_counted


def test_when_one_ends_the_one_that_waited_is_called_for(jobs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[JobName, str]] = []
    monkeypatch.setattr(reaper, "enqueue_on_commit", lambda name, id: sent.append((name, id)))
    first, second = jobs(2, 2)
    assert [claimed(2), claimed(2)] == [first, None]
    end(first)
    call_for_next(TrainingJob)
    assert sent == [(JobName.TRAINING_RUN, str(second.pk))]
    assert claimed(2) == second
    call_for_next(TrainingJob)
    assert len(sent) == 1, "nobody waits"


def estimated(task: Task, dataset: Dataset, memory_bytes: int | None, **changes: Any) -> None:
    made = TrainingEstimate(
        tenant=task.tenant,
        task=task,
        dataset=dataset,
        **{
            "state": JobState.SUCCEEDED,
            "recipe": PLAIN,
            "result": {"memory_bytes": memory_bytes},
            **changes,
        },
    )
    with tenant_scope(task.tenant_id):
        made.save()


def reckoned(task: Task, dataset: Dataset, recipe: Recipe = RECIPE) -> int | None:
    with tenant_scope(task.tenant_id):
        return reckoned_bytes(task=task, dataset_id=dataset.pk, recipe=recipe, plain=to_plain(recipe))


def test_it_is_reckoned_by_the_estimate_of_the_same(task: Task, dataset: Dataset) -> None:
    assert reckoned(task, dataset) is None
    estimated(task, dataset, 3 * GIB)
    estimated(task, dataset, 9 * GIB, state=JobState.FAILED)
    assert reckoned(task, dataset) == 3 * GIB
    assert reckoned(task, dataset, replace(RECIPE, batch_rows=64)) is None
    assert reckoned(task, make_dataset(task.tenant)) is None
    estimated(task, dataset, 2 * GIB)
    assert reckoned(task, dataset) == 2 * GIB, "the newest"


def test_else_by_what_the_last_on_the_dataset_took(cast: Cast, task: Task, dataset: Dataset) -> None:
    took = {"state": JobState.SUCCEEDED, "recipe": PLAIN, "peak_bytes": 5 * GIB}
    make_job(task, dataset, **took)
    assert reckoned(task, dataset, replace(RECIPE, learning_rate=1e-4)) == 5 * GIB
    assert reckoned(task, dataset, replace(RECIPE, max_tokens=64)) is None
    assert reckoned(make_task(task.tenant, "other"), dataset) is None
    estimated(task, dataset, None)
    assert reckoned(task, dataset) == 5 * GIB, "estimates of older releases do not say"
    estimated(task, dataset, GIB)
    assert reckoned(task, dataset) == GIB


def test_one_that_can_never_fit_is_refused_with_the_numbers(cast: Cast, task: Task, dataset: Dataset) -> None:
    most = int(settings.ENV.training_memory_bytes)
    estimated(task, dataset, most + GIB)
    client, path = cast.acme.client(), f"{cast.acme.path}/tasks/news/trainings"
    body = json.dumps({"dataset": str(dataset.pk)})
    refused = client.post(path, body, content_type="application/json")
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "recipe")
    said = refused.json()["error"]["message"]
    assert f"{most / GIB + 1:.1f} GiB" in said and f"{most / GIB:.1f} GiB here" in said
    with operator_scope():
        assert not TrainingJob.objects.unscoped().exists()
    estimated(task, dataset, most)
    assert client.post(path, body, content_type="application/json").status_code == 201
    with operator_scope():
        assert TrainingJob.objects.unscoped().get().memory_bytes == most


def test_what_a_process_takes_is_seen_without_the_files_that_it_maps(tmp_path: Path) -> None:
    before = process_bytes(os.getpid())
    if before is None:
        pytest.skip("this system does not say")
    size = 64 << 20
    file = tmp_path / "mapped"
    file.write_bytes(bytes(size))
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert sum(mapped[place] for place in range(0, size, 4096)) == 0
        with_file = process_bytes(os.getpid())
        taken = bytearray(b"1") * size
        with_taken = process_bytes(os.getpid())
    assert with_file is not None and with_taken is not None and len(taken) == size
    assert with_file - before < size / 2 < with_taken - with_file
    assert process_bytes(1 << 30) is None


def test_a_jobs_row_says_what_its_process_took(task: Task, dataset: Dataset, tmp_path: Path) -> None:
    if process_bytes(os.getpid()) is None:
        pytest.skip("this system does not say")
    job = make_job(task, dataset, recipe=PLAIN)
    log = tmp_path / "log"
    command = (sys.executable, "-I", str(TRAINER), "--log", str(log), "--hold", "1")

    class LettingGo(TrainingWork):  # of the process, when a heartbeat has told what it takes
        def is_stale(self, lease: Lease, job: TrainJob) -> bool:
            with operator_scope():
                if TrainingJob.objects.unscoped().get(pk=lease.job_id).peak_bytes is not None:
                    log.with_name("go-1").touch()
            return super().is_stale(lease, job)

    config = RunnerConfig(
        command=command,
        environment={"PATH": "/usr/bin:/bin", "HMI_STORE_URL": "file:///nowhere"},
        work_root=tmp_path / "trainings",
        lease_s=5.0,
        max_attempts=1,
        timeout_s=60.0,
        memory_bytes=GIB,
    )
    work = LettingGo(ObjectStore(settings.ENV.store_url), tmp_path / "states")
    assert run_next_job(work, config)
    assert not run_next_job(work, config), "it has ended"
    with operator_scope():
        done = TrainingJob.objects.unscoped().get(pk=job.pk)
    assert done.state == JobState.SUCCEEDED, done.error
    assert done.peak_bytes is not None and 1 << 20 < done.peak_bytes < GIB
    assert reckoned(task, dataset) == done.peak_bytes
