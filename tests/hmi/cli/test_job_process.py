"""How the processes of jobs end."""

import errno
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from hmi.base.errors import HmiError, InvalidInput
from hmi.cli.job_process import EXIT_CANNOT_SUCCEED, end_job, read_job
from wire.codec import from_json
from wire.errors import ErrorCode
from wire.training import EstimateResult, TrainFailure, TrainJob

RESULT = EstimateResult(
    num_rows=2,
    num_train_rows=1,
    num_steps=1,
    seconds=1.0,
    seconds_least=1.0,
    adapter_bytes=1,
    majority_accuracy=None,
    accuracy=None,
)


def fail_with(error: Exception) -> int:
    def work() -> EstimateResult:
        raise error

    return end_job("estimate", work, Path("/var/lib/hmi/work/7"))


def test_a_result_is_the_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert end_job("estimate", lambda: RESULT, None) == 0
    assert json.loads(capsys.readouterr().out)["event"] == "estimate_result"


def test_what_trying_again_cannot_help_is_told_and_ends_the_job(capsys: pytest.CaptureFixture[str]) -> None:
    assert fail_with(InvalidInput("the rows are none", param="rows")) == EXIT_CANNOT_SUCCEED
    printed = capsys.readouterr()
    failure = json.loads(printed.out)
    assert (failure["message"], failure["retryable"]) == ("the rows are none", False)
    assert printed.err == "hmi estimate: the rows are none\n"


def told(capsys: pytest.CaptureFixture[str]) -> TrainFailure:
    return from_json(TrainFailure, capsys.readouterr().out)


def test_a_full_disk_and_a_store_that_is_away_may_be_tried_again_and_are_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    wanted = r"no room left in /var/lib/hmi/work/7 \(No space left.* are free\).*HMI_WORK_DIR.*is kept"
    with pytest.raises(HmiError, match=wanted) as full:
        fail_with(OSError(errno.ENOSPC, "No space left on device"))
    assert (full.value.code, full.value.retryable) == (ErrorCode.STORE_UNAVAILABLE, True)
    failure = told(capsys)
    assert (failure.code, failure.retryable) == ("store_unavailable", True)
    assert failure.for_operator == full.value.message
    assert "/" not in failure.message, "a tenant reads it"
    with pytest.raises(HmiError, match="away"):
        fail_with(HmiError(ErrorCode.STORE_UNAVAILABLE, "the store is away", retryable=True))
    assert told(capsys) == TrainFailure("store_unavailable", "the store is away", retryable=True)


@pytest.mark.parametrize("ask", [lambda: torch.empty(1 << 50), lambda: np.empty(1 << 50)])
def test_a_lack_of_memory_is_told_wherever_it_is_met(
    capsys: pytest.CaptureFixture[str], ask: Callable[[], object]
) -> None:
    with pytest.raises(HmiError, match="not enough memory"):
        end_job("estimate", ask, None)
    failure = told(capsys)
    assert (failure.code, failure.retryable) == ("budget_exceeded", True)


def test_a_fault_of_the_programs_is_none_of_the_jobs(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="shapes"):
        fail_with(RuntimeError("the shapes do not match"))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("content", "problem"), [(None, "cannot be read"), (b"{}", "is not a TrainJob")])
def test_a_file_that_is_no_job_is_refused(tmp_path: Path, content: bytes | None, problem: str) -> None:
    path = tmp_path / "job.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidInput, match=problem):
        read_job(path, TrainJob)
