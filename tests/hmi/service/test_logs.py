"""The service's logs: one JSON object a line, and never a text in it."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from hmi.service.logs import set_up_logs

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
