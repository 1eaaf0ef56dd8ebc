"""Progress for programs and for people."""

import io
import json

from hmi.cli.progress import BarProgress, JsonProgress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_programs_get_json_lines_at_most_two_a_second_and_the_end() -> None:
    now_s = 0.0
    out = io.StringIO()
    progress = JsonProgress(out, monotonic=lambda: now_s)
    for step in range(101):
        now_s += 0.0101
        progress("reading", step, 100)
    events = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [event["step"] for event in events] == [0, 50, 100]
    assert events[-1] == {
        "event": "progress",
        "message": "reading",
        "step": 100,
        "num_steps": 100,
        "eta_s": None,
    }


def test_programs_are_told_how_long_the_rest_takes() -> None:
    now_s = 0.0
    out = io.StringIO()
    progress = JsonProgress(out, monotonic=lambda: now_s)
    progress("reading", 400, 1000)
    now_s = 10.0
    progress("reading", 500, 1000)
    assert [json.loads(line)["eta_s"] for line in out.getvalue().splitlines()] == [None, 50.0]


def test_a_log_gets_a_line_every_ten_percent() -> None:
    out = io.StringIO()
    progress = BarProgress(out)
    for step in range(1001):
        progress("reading", step, 1000)
    assert out.getvalue().splitlines() == [f"reading: {tenth}%" for tenth in range(0, 101, 10)]


def test_a_terminal_gets_a_bar_that_ends_its_line() -> None:
    out = Terminal()
    progress = BarProgress(out)
    progress("reading", 1, 2)
    progress("reading", 2, 2)
    assert out.getvalue().count("\n") == 1
    assert "█" * 24 in out.getvalue()


def test_it_says_how_long_the_rest_takes_at_the_pace_of_this_attempt() -> None:
    now_s = 0.0
    out = io.StringIO()
    progress = BarProgress(out, monotonic=lambda: now_s)
    progress("reading", 400, 1000)  # done by an earlier attempt
    now_s = 10.0
    progress("reading", 500, 1000)
    assert out.getvalue().splitlines() == ["reading: 40%", "reading: 50%, 0:00:50 left"]
