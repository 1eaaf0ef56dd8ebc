"""Errors carry their code and the fact that the caller has to choose by."""

import pytest

from hmi.base import errors
from hmi.base.errors import BudgetExceeded, HmiError, InvalidInput, QueueFull, StoreUnavailable
from wire.errors import ErrorCode


def test_an_error_carries_code_message_and_param() -> None:
    error = InvalidInput("write a text", code=ErrorCode.EMPTY_INPUTS, param="inputs", details=[3])
    assert (error.code, str(error), error.message) == (ErrorCode.EMPTY_INPUTS, "write a text", "write a text")
    assert (error.param, error.details, error.retryable) == ("inputs", [3], False)


def test_what_may_pass_by_itself_is_retryable() -> None:
    assert StoreUnavailable("away").retryable
    assert QueueFull("full", retry_after_s=0.5).retry_after_s == 0.5
    assert not BudgetExceeded("no room", needed_bytes=2, free_bytes=1).retryable


@pytest.mark.parametrize(
    "kind", [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
)
def test_all_errors_are_of_one_tree(kind: type[Exception]) -> None:
    assert issubclass(kind, HmiError)


def test_an_error_for_another_caller_is_the_same_without_the_way_that_it_came() -> None:
    try:
        raise QueueFull("full", retry_after_s=0.5) from ValueError("cause")
    except QueueFull as error:
        again = error.again()
        assert (type(again), again.args, vars(again)) == (QueueFull, error.args, vars(error))
    assert (again.__traceback__, again.__cause__, again.__context__) == (None, None, None)
