import errno
import io
import logging
import os

import pytest

from portal.local.console import REMINDER_S, Console, ConsoleHandler, bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_finished_step_is_one_line_with_its_time() -> None:
    out, clock = io.StringIO(), Clock()
    with Console(out, monotonic=clock).step("database tables"):
        clock.now_s += 2.5
    assert out.getvalue().split() == ["database", "tables", "2.5", "s"]


def test_without_a_terminal_a_long_step_says_now_and_then_that_it_goes_on() -> None:
    out, clock = io.StringIO(), Clock()
    with Console(out, monotonic=clock).step("general PLOT") as tell:
        for percent in range(10):
            clock.now_s += REMINDER_S / 5
            tell(f"{percent} %")
    reminders = [line for line in out.getvalue().splitlines() if "..." in line]
    assert reminders == ["  ... general PLOT: 4 %", "  ... general PLOT: 9 %"]


class ClosedTerminal(Terminal):
    def flush(self) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_terminal_that_was_closed_ends_no_step() -> None:
    console, done = Console(ClosedTerminal()), []
    with console.step("stop everything") as tell:
        tell("soon")
        done.append("stopped")
    console.say("HMI is stopped.")
    ConsoleHandler(console).handle(logging.makeLogRecord({"msg": "ended", "levelno": logging.WARNING}))
    assert done == ["stopped"]


def test_a_terminal_shows_what_is_under_way_on_one_line() -> None:
    out = Terminal()
    console = Console(out)
    with console.step("one") as tell, console.step("two"):
        tell("half")
        assert out.getvalue().rpartition("\x1b[K")[2].endswith("one: half | two")
    assert out.getvalue().endswith("\n")


def test_a_failed_step_leaves_no_line_behind() -> None:
    out = io.StringIO()
    with pytest.raises(ZeroDivisionError), Console(out).step("one"):
        raise ZeroDivisionError
    assert out.getvalue() == ""


@pytest.mark.parametrize(
    ("step", "num_steps", "shown"),
    [
        (0, 4, "[....................]   0%"),
        (3, 4, "[###############.....]  75%"),
        (9, 4, "[" + "#" * 20 + "] 100%"),
        (1, 0, ""),
    ],
)
def test_a_share_is_drawn_as_a_bar(step: int, num_steps: int, shown: str) -> None:
    assert bar(step, num_steps) == shown
