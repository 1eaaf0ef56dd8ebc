"""Reaching the event loop from another thread."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

import pytest

from hmi.base.errors import NotReady
from hmi.service.loop_calls import LoopCalls
from tests.fakes.loop import on_a_loop


def from_a_thread(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def _cancel(future: "Future[int]") -> None:
    future.cancel()


@on_a_loop
async def test_calls_are_made_on_the_loop_in_their_order() -> None:
    calls = LoopCalls(asyncio.get_running_loop())
    made: list[tuple[int, int]] = []

    def make(number: int) -> None:
        made.append((number, threading.get_ident()))

    def post_all() -> None:
        for number in range(100):
            calls.post(partial(make, number))

    from_a_thread(post_all)
    assert not made, "the loop was busy"
    await asyncio.sleep(0)
    assert made == [(number, threading.get_ident()) for number in range(100)]
    from_a_thread(post_all)
    await asyncio.sleep(0)
    assert len(made) == 200


@on_a_loop
async def test_a_result_and_an_error_come_from_another_thread() -> None:
    calls = LoopCalls(asyncio.get_running_loop())
    good: Future[int] = Future()
    bad: Future[int] = Future()
    waits = asyncio.gather(calls.result(good), calls.result(bad), return_exceptions=True)
    await asyncio.sleep(0)
    error = NotReady("closing")

    def end() -> None:
        good.set_result(7)
        bad.set_exception(error)

    from_a_thread(end)
    assert list(await waits) == [7, error]


@on_a_loop
async def test_what_has_ended_is_told_at_once() -> None:
    done: Future[int] = Future()
    done.set_result(7)
    assert await LoopCalls(asyncio.get_running_loop()).result(done) == 7


@on_a_loop
async def test_cancelling_the_wait_cancels_what_is_waited_for() -> None:
    future: Future[int] = Future()
    wait = asyncio.ensure_future(LoopCalls(asyncio.get_running_loop()).result(future))
    await asyncio.sleep(0)
    wait.cancel()
    with pytest.raises(asyncio.CancelledError):
        await wait
    assert future.cancelled()


@on_a_loop
async def test_what_was_cancelled_elsewhere_cancels_the_wait() -> None:
    future: Future[int] = Future()
    wait = asyncio.ensure_future(LoopCalls(asyncio.get_running_loop()).result(future))
    await asyncio.sleep(0)
    from_a_thread(lambda: _cancel(future))
    with pytest.raises(asyncio.CancelledError):
        await wait


def test_a_loop_that_has_ended_is_left_alone() -> None:
    loop = asyncio.new_event_loop()
    calls = LoopCalls(loop)
    loop.close()
    calls.post(lambda: pytest.fail("nobody makes this call"))
