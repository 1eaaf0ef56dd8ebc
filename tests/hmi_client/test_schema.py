"""What the client calls is what the platform's schema has."""

import dataclasses
import json
from typing import Any

import pytest

from hmi_client import operations
from hmi_client.client import KINDS
from hmi_client.operations import Operation
from tests.conftest import ROOT
from wire.inference import PredictRequest, PredictResponse

SCHEMA: dict[str, Any] = json.loads((ROOT / "frontend" / "openapi.json").read_text())


def _shape(content: dict[str, Any]) -> dict[str, Any]:
    [body] = content.values()
    shape: dict[str, Any] = body["schema"]
    while "$ref" in shape:
        shape = SCHEMA["components"]["schemas"][shape["$ref"].rpartition("/")[2]]
    return shape


def test_there_are_operations() -> None:
    assert len(operations.ALL) >= 10


@pytest.mark.parametrize("operation", operations.ALL, ids=lambda o: f"{o.method} {o.path}")
def test_an_operation_is_in_the_schema_with_its_fields(operation: Operation) -> None:
    spec = SCHEMA["paths"][operation.path][operation.method.lower()]
    if operation.sends:
        body = _shape(spec["requestBody"]["content"])
        assert operation.sends <= set(body["properties"])
        assert set(body.get("required", [])) <= operation.sends
    for field in operation.reads:
        answers = [answer["content"] for status, answer in spec["responses"].items() if status[0] == "2"]
        assert all(field in _shape(content)["properties"] for content in answers), field


def test_the_kinds_are_those_of_the_schema() -> None:
    assert list(KINDS) == SCHEMA["components"]["schemas"]["TaskKind"]["enum"]


def test_predicting_is_as_the_inference_service_has_it() -> None:
    sent = {field.name for field in dataclasses.fields(PredictRequest)}
    read = {field.name for field in dataclasses.fields(PredictResponse)}
    assert operations.PREDICT.sends <= sent
    assert operations.PREDICT.reads <= read
