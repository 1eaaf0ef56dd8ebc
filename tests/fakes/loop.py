"""Tests of what runs on an event loop."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any


def on_a_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """``test`` on an event loop of its own."""

    @wraps(test)
    def run() -> None:
        asyncio.run(test())

    return run
