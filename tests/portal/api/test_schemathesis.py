"""Requests made up from the whole schema, good and bad: no answer is a server error or breaks the schema."""

import io
from typing import Any

import pytest
import requests
import schemathesis
import urllib3
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from portal.tenants.models import Role
from tests.fakes.portal import Cast, make_general
from tests.portal.api.operations import CSV, Operation, operations, schema
from tests.portal.api.things import make_things

pytestmark = [
    pytest.mark.database,
    pytest.mark.slow,
    # Django leaves the file of a multipart body that ends in its middle to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
EXAMPLES = 6
"""For each operation, of requests that the schema allows, and as many again that it does not."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def loaded() -> schemathesis.BaseSchema:
    """Makes requests and judges answers."""
    return schemathesis.openapi.from_dict(schema())


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.name)
def test_no_request_breaks_the_portal(
    cast: Cast,
    loaded: schemathesis.BaseSchema,
    operation: Operation,
    mode: schemathesis.GenerationMode,
) -> None:
    make_general()
    path = {"tenant": "acme", **_things(cast, operation)} if operation.is_of_a_tenant else {}
    asked = loaded[operation.path][operation.method.upper()]
    cases = asked.as_strategy(mode, path_parameters=path)
    if operation.parameters and mode is schemathesis.GenerationMode.POSITIVE:
        cases = st.one_of(cases, asked.as_strategy(mode, path_parameters={"tenant": "acme"}))
    client = cast.acme.client(Role.OWNER)
    client.raise_request_exception = False

    @given(case=cases)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: schemathesis.Case[Any]) -> None:
        with transaction.atomic():
            answer = _answer(client, case)
            transaction.set_rollback(True)
        case.validate_response(answer, checks=CHECKS)

    try:
        ask()
    except Unsatisfiable:
        pytest.skip("there is nothing in this operation's requests that could be wrong")


def _things(cast: Cast, operation: Operation) -> dict[str, str]:
    """As the address needs them; a dataset with its files, for those that read them."""
    values = make_things(cast.acme.tenant, operation.parameters)
    if "dataset" in values:
        file = SimpleUploadedFile("a.csv", CSV)
        values["dataset"] = cast.acme.client().post(f"{cast.acme.path}/datasets", {"file": file}).json()["id"]
    return values


def _answer(client: Client, case: schemathesis.Case[Any]) -> requests.Response:
    """What the portal says, in the form of the library that the schema's judge knows."""
    given_as = case.as_transport_kwargs(base_url="http://testserver")
    asked = requests.Request(
        **{name: given_as[name] for name in _REQUEST_PARTS if name in given_as}
    ).prepare()
    body = asked.body.encode() if isinstance(asked.body, str) else asked.body or b""
    headers = {str(name): str(value) for name, value in asked.headers.items()}
    content_type = headers.pop("Content-Type", "")
    for name in ("Content-Length", "Authorization", "Cookie"):  # who asks is this client, always
        headers.pop(name, None)
    answered = client.generic(asked.method or "", asked.path_url, body, content_type, headers=headers)
    response = requests.Response()
    response.status_code = answered.status_code
    content = answered.getvalue() if answered.streaming else answered.content
    response.raw = urllib3.HTTPResponse(io.BytesIO(content), headers=dict(answered.headers.items()))
    response.headers.update(answered.headers.items())
    response._content, response.request, response.url = content, asked, asked.url or ""
    return response


_REQUEST_PARTS = ("method", "url", "headers", "params", "data", "json", "files", "cookies")
