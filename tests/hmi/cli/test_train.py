"""``train`` and ``evaluate`` as processes are started: events on stdout, the exit status, a dead parent."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hmi.build.parent_watch import ORPHANED_STATUS
from hmi.cli.main import EXIT_BAD_INPUT, EXIT_FAILURE, EXIT_OK, main
from tests.fakes.full_disk import full_disk
from tests.hmi.build.training_world import TrainingWorld, invented_rows, make_world
from wire.codec import from_json, to_json
from wire.training import Phase, Progress, TrainFailure, TrainJob, TrainResult

ROWS = invented_rows(60)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> TrainingWorld:
    return make_world(tmp_path_factory.mktemp("world"))


def write(job: TrainJob, folder: Path) -> Path:
    path = folder / "job.json"
    path.write_text(to_json(job))
    return path


def test_it_prints_events_and_the_result_last_and_evaluate_agrees_with_the_report(
    world: TrainingWorld,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HMI_STORE_URL", world.url)
    path = write(world.job(world.put_rows("cli", ROWS), name="cli"), tmp_path)
    cache = ("--cache", str(tmp_path / "states"), "--cache-bytes", "1000000000")
    assert main(["train", "--job", str(path), "--work", str(tmp_path / "work"), *cache]) == EXIT_OK
    assert len(list((tmp_path / "states").glob("acme/dataset-cli/*/*"))) >= 3  # of each part of the split
    lines = capsys.readouterr().out.splitlines()
    events = [from_json(Progress, line) for line in lines[:-1]]
    result = from_json(TrainResult, lines[-1])
    assert {event.phase for event in events} >= {Phase.SPLITTING, Phase.TRAINING, Phase.PUBLISHING}
    wanted = set(result.report["test_rows"])
    test_rows = [
        {"row": number, "text": text, "label": label}
        for number, (text, label) in enumerate(ROWS, start=1)
        if number in wanted
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in test_rows))
    status = main(
        [
            "evaluate",
            "--bundle-uri",
            result.version.uri,
            "--tree-uri",
            result.tree.uri,
            "--rows",
            str(tmp_path / "rows.jsonl"),
        ]
    )
    assert status == EXIT_OK
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["row"] for answer in answers] == [row["row"] for row in test_rows]
    assert all(sum(answer["scores"].values()) == pytest.approx(1.0) for answer in answers)
    right = sum(answer["label"] == row["label"] for answer, row in zip(answers, test_rows, strict=True))
    assert right / len(test_rows) == result.report["accuracy"]


def test_bad_data_ends_with_a_failure_that_is_final(
    world: TrainingWorld,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HMI_STORE_URL", world.url)
    rows_uri = world.put_rows("one-label", [(text, "positive") for text, _ in ROWS])
    path = write(world.job(rows_uri, name="one-label"), tmp_path)
    assert main(["train", "--job", str(path), "--work", str(tmp_path / "work")]) == EXIT_BAD_INPUT
    failure = from_json(TrainFailure, capsys.readouterr().out.splitlines()[-1])
    assert failure.code == "dataset_one_label"


def test_a_full_disk_is_told_and_the_training_goes_on_when_there_is_room(
    world: TrainingWorld,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HMI_STORE_URL", world.url)
    path = write(world.job(world.put_rows("full", ROWS), name="full"), tmp_path)
    arguments = ["train", "--job", str(path), "--work", str(tmp_path / "work")]
    with full_disk():
        assert main(arguments) == EXIT_FAILURE
    printed = capsys.readouterr()
    failure = from_json(TrainFailure, printed.out.splitlines()[-1])
    assert (failure.code, failure.retryable) == ("store_unavailable", True)
    assert failure.for_operator and failure.for_operator in printed.err
    assert main(arguments) == EXIT_OK
    assert from_json(TrainResult, capsys.readouterr().out.splitlines()[-1]).report["accuracy"] > 0


def test_a_file_that_is_no_job_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HMI_STORE_URL", f"file://{tmp_path}")
    (tmp_path / "job.json").write_text("{}")
    status = main(["train", "--job", str(tmp_path / "job.json"), "--work", str(tmp_path / "work")])
    assert status == EXIT_BAD_INPUT
    assert "job_id" in capsys.readouterr().err


@pytest.mark.slow
def test_it_ends_with_its_parent_and_another_process_goes_on(world: TrainingWorld, tmp_path: Path) -> None:
    job = world.job(world.put_rows("orphan", ROWS), name="orphan")
    command = [
        *(sys.executable, "-m", "hmi.cli", "train"),
        *("--job", str(write(job, tmp_path)), "--work", str(tmp_path / "work"), "--watch-stdin"),
    ]
    environment = {"PATH": os.environ["PATH"], "HMI_STORE_URL": world.url, "HMI_TRAINING_THREADS": "1"}
    first = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    with first:
        assert first.stdout is not None
        assert first.stdin is not None
        assert first.stdout.readline()  # it has begun
        first.stdin.close()
        assert first.wait(120) == ORPHANED_STATUS
    second = subprocess.run(
        command[:-1], stdin=subprocess.DEVNULL, capture_output=True, env=environment, check=True, timeout=120
    )
    result = from_json(TrainResult, second.stdout.splitlines()[-1])
    assert result.version.uri == "out/orphan/version"
