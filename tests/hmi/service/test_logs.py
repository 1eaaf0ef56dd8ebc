"""The service's logs: one JSON object a line, and never a text in it."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from hmi.service.logs import JoinedLines, set_up_logs
from tests.fakes.loop import on_a_loop

TEXT = "the film was good"


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    config, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    structlog.configure(**config)
    root.handlers = handlers
    root.setLevel(level)


def _fail(text: str) -> None:
    raise RuntimeError(f"{len(text)} characters")


def _log_failures() -> None:
    try:
        _fail(TEXT)
    except RuntimeError as exc:
        structlog.get_logger().error("request_failed", exc_info=exc)
        logging.getLogger("uvicorn.error").error("failed", exc_info=exc)


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_traceback_shows_no_text_that_the_failed_code_held(
    log_format: str, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up_logs(level="info", log_format=log_format)
    _log_failures()
    written = capsys.readouterr().err
    assert written.count(f"RuntimeError: {len(TEXT)} characters") == 2
    assert TEXT not in written


def test_a_line_is_a_json_object_with_its_level_time_and_request(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(level="info", log_format="json")
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger().debug("not_shown")
        structlog.get_logger().info("request", status=200)
        _log_failures()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["request", "request_failed", "failed"]
    assert [line["level"] for line in lines] == ["info", "error", "error"]
    assert all(line["request_id"] == "r-1" and line["timestamp"].endswith("Z") for line in lines)


@pytest.mark.parametrize(
    ("level", "log_format", "setting"), [("loud", "json", "HMI_LOG_LEVEL"), ("info", "xml", "HMI_LOG_FORMAT")]
)
def test_what_no_log_can_be_is_refused_by_its_setting(level: str, log_format: str, setting: str) -> None:
    with pytest.raises(ValueError, match=setting):
        set_up_logs(level=level, log_format=log_format)


class CountingFile(io.StringIO):
    """Counts its writes."""

    num_writes = 0

    def write(self, text: str) -> int:
        self.num_writes += 1
        return super().write(text)


@on_a_loop
async def test_lines_of_a_moment_are_one_write() -> None:
    file = CountingFile()
    lines = JoinedLines(file)
    for number in range(3):
        lines.write(f"{number}\n")
        lines.flush()
    assert file.getvalue() == ""
    await asyncio.sleep(0)
    assert (file.getvalue(), file.num_writes) == ("0\n1\n2\n", 1)
    lines.write("3\n")
    lines.flush()
    await asyncio.sleep(0)
    assert file.getvalue() == "0\n1\n2\n3\n"


@on_a_loop
async def test_a_line_of_another_thread_takes_those_before_it_along() -> None:
    file = CountingFile()
    lines = JoinedLines(file)
    lines.write("loop\n")
    lines.flush()

    def tell() -> None:
        lines.write("thread\n")
        lines.flush()
        assert file.getvalue() == "loop\nthread\n"

    await asyncio.to_thread(tell)
    assert (file.getvalue(), file.num_writes) == ("loop\nthread\n", 1)


def test_what_a_loop_left_is_written_with_what_comes_next() -> None:
    file = CountingFile()
    lines = JoinedLines(file)
    loop = asyncio.new_event_loop()

    async def tell() -> None:
        lines.write("before its end\n")
        lines.flush()
        loop.stop()

    task = loop.create_task(tell())
    loop.run_forever()
    assert task.done()
    loop.close()
    lines.write("after it\n")
    lines.flush()
    assert file.getvalue() == "before its end\nafter it\n"
