"""The scratch folder: one user at a time, kept over attempts."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from portal.training.crash_files import MAX_FILES, CrashFiles
from portal.training.work_dir import WorkDir, WorkDirBusy
from tests.fakes.training import a_train_job
from wire.training import Recipe, TrainJob


def test_a_second_user_is_turned_away_until_the_first_has_closed(tmp_path: Path) -> None:
    first = WorkDir(tmp_path, "job")
    with pytest.raises(WorkDirBusy):
        WorkDir(tmp_path, "job")
    WorkDir(tmp_path, "other").close()
    first.close()
    first.close()
    WorkDir(tmp_path, "job").close()


def test_a_child_that_inherited_the_lock_keeps_it(tmp_path: Path) -> None:
    work_dir = WorkDir(tmp_path, "job")
    child = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"],
        stdin=subprocess.PIPE,
        pass_fds=(work_dir.lock_file,),
    )
    work_dir.close()
    with pytest.raises(WorkDirBusy):
        WorkDir(tmp_path, "job")
    child.communicate()
    WorkDir(tmp_path, "job").close()


def test_the_job_file_stays_for_the_next_attempt(tmp_path: Path) -> None:
    job = a_train_job()
    first = WorkDir(tmp_path, "job")
    assert first.job(TrainJob) is None
    first.write_job(job)
    first.close()
    second = WorkDir(tmp_path, "job")
    assert second.job(TrainJob) == job
    second.close()


def test_a_broken_job_file_counts_as_none(tmp_path: Path) -> None:
    work_dir = WorkDir(tmp_path, "job")
    work_dir.job_file.write_text('{"job_id": 1')
    assert work_dir.job(TrainJob) is None
    work_dir.close()


def test_an_older_releases_job_file_counts_as_none(tmp_path: Path) -> None:
    work_dir = WorkDir(tmp_path, "job")
    work_dir.write_job(replace(a_train_job(), recipe=Recipe(alpha=16)))
    written = json.loads(work_dir.job_file.read_text())
    assert work_dir.job(TrainJob) is not None, "16 is 16.0"
    del written["max_node_bytes"]  # which has a default: no bound
    work_dir.job_file.write_text(json.dumps(written))
    assert work_dir.job(TrainJob) is None
    work_dir.close()


def test_deleting_leaves_nothing(tmp_path: Path) -> None:
    work_dir = WorkDir(tmp_path, "job")
    (work_dir.checkpoints / "step").write_text("1")
    (work_dir.temporary / "x").write_text("1")
    work_dir.delete()
    assert list(tmp_path.iterdir()) == []


def test_a_crash_file_that_was_just_written_is_kept_whatever_the_clock_said_of_others(tmp_path: Path) -> None:
    for number in range(MAX_FILES):
        path = CrashFiles(tmp_path).keep(f"job-{number}", "news")
        os.utime(path, (2e9, 2e9))
    assert CrashFiles(tmp_path).keep("job", "news").exists()


def test_the_newest_crash_files_are_kept_for_the_operator_alone(tmp_path: Path) -> None:
    for number in range(MAX_FILES + 3):
        path = CrashFiles(tmp_path).keep(f"job-{number}", "bad \ud800 news")
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(list(path.parent.iterdir())) == MAX_FILES
    assert path.read_text() == "bad ? news"
