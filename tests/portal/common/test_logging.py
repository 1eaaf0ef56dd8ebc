"""What stands in a log line, and what never does."""

import json
import logging

import pytest
from django.test import Client

from portal.common.logging import logging_config
from tests.fakes.portal import Cast, client_with, make_key


@pytest.mark.database
def test_a_request_is_one_line_without_query_body_or_key(
    cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    secret = make_key(cast.acme.tenant)
    with caplog.at_level(logging.INFO, "portal.request"):
        client_with(secret).post(
            f"{cast.acme.path}/domains?hidden=query",
            {"name": "hidden text"},
            content_type="application/json",
            headers={"X-Request-ID": "0123456789"},
        )
    [line] = [record.getMessage() for record in caplog.records if record.name == "portal.request"]
    for part in ("'method': 'POST'", f"{cast.acme.path}/domains'", "'status': 201", "0123456789"):
        assert part in line
    assert "hidden" not in line and secret not in line


def test_a_line_is_json_with_the_request_id(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    formatter = logging_config(level="INFO", is_json=True)["formatters"]["line"]
    built = formatter.pop("()")(**formatter)
    record = logging.LogRecord("other.library", logging.WARNING, "", 0, "it %s", ("works",), None)
    line = json.loads(built.format(record))
    assert (line["event"], line["level"], line["logger"]) == ("it works", "warning", "other.library")
    assert line["timestamp"].endswith("Z")
