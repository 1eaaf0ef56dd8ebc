"""Every operation of the REST API as its schema names it, and how to make a request that fits."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from tests.conftest import ROOT

TENANT_PATH = "/api/v1/tenants/{tenant}"
NO_FIELDS: Mapping[str, str] = {}
METHODS = ("get", "post", "put", "patch", "delete")
FORMATS: Mapping[str, str] = {
    "uuid": str(UUID(int=0)),
    "email": "somebody@example.com",
    "date-time": "2030-01-01T00:00:00Z",
    "date": "2030-01-01",
    "uri": "https://example.com/hook",
}
CSV = b"text,label\n" + b"".join(b"film %d,%s\n" % (n, b"pos" if n % 2 else b"neg") for n in range(20))
ARCHIVE = b"PK\x03\x04"
"""As much of one as an upload is looked at."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address."""

    method: str
    path: str  # with {parameters}
    spec: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The operation's id in the schema."""
        return str(self.spec["operationId"])

    @property
    def is_of_a_tenant(self) -> bool:
        """Does its address name a tenant?"""
        return self.path.startswith(TENANT_PATH)

    @property
    def parameters(self) -> list[str]:
        """Names in its path, but for the tenant's."""
        named = [p["name"] for p in self.spec.get("parameters", []) if p["in"] == "path"]
        return [name for name in named if name != "tenant"]

    @property
    def fields(self) -> dict[str, Any]:
        """Shapes of the fields that its body has, by name."""
        [shape] = [media["schema"] for media in self._media().values() if "schema" in media] or [{}]
        return dict(_resolved(shape).get("properties", {}))

    def request(
        self, client: Client, tenant: str, values: Mapping[str, str], fields: Mapping[str, str] = NO_FIELDS
    ) -> Any:
        """The answer to a request with a body that the schema allows, in which ``fields`` are as given."""
        content, content_type = self._body(fields)
        return client.generic(
            self.method.upper(),
            self.path.format(tenant=tenant, **values),
            content,
            content_type,
            headers=self._headers(),
        )

    def _headers(self) -> dict[str, str]:
        needed = [p for p in self.spec.get("parameters", []) if p["in"] == "header" and p.get("required")]
        return {parameter["name"]: str(example_of(parameter["schema"])) for parameter in needed}

    def _media(self) -> Mapping[str, Any]:
        return dict(self.spec.get("requestBody", {}).get("content", {}))

    def _body(self, fields: Mapping[str, str]) -> tuple[bytes, str]:
        content = self._media()
        if "multipart/form-data" in content:
            form = {
                **example_of(content["multipart/form-data"]["schema"]),
                "file": SimpleUploadedFile("a", ARCHIVE if self.path.endswith("/imports") else CSV),
                **fields,
            }
            return encode_multipart(BOUNDARY, form), MULTIPART_CONTENT
        if "application/octet-stream" in content:
            return CSV, "application/octet-stream"
        if "application/json" in content:
            example = example_of(content["application/json"]["schema"])
            return json.dumps(example | fields if fields else example).encode(), "application/json"
        return b"", "application/octet-stream"


@cache
def schema() -> dict[str, Any]:
    """The exported schema; tests/portal/config/test_urls.py compares it with the code."""
    return dict(json.loads((ROOT / "frontend" / "openapi.json").read_text()))


def operations() -> list[Operation]:
    """All of them, in the schema's order."""
    return [
        Operation(method, path, spec)
        for path, methods in schema()["paths"].items()
        for method, spec in methods.items()
        if method in METHODS
    ]


def _resolved(shape: Mapping[str, Any]) -> Mapping[str, Any]:
    name = shape.get("$ref", "").rpartition("/")[2]
    return dict(schema()["components"]["schemas"][name]) if name else shape


def example_of(shape: Mapping[str, Any]) -> Any:
    """A value of this shape with what is required and no more."""
    if "$ref" in shape:
        return example_of(_resolved(shape))
    for several in ("allOf", "oneOf", "anyOf"):
        if several in shape:
            return example_of(shape[several][0])
    if "enum" in shape:
        return shape["enum"][0]
    match shape.get("type"):
        case "object":
            required = shape.get("required", [])
            return {name: example_of(shape["properties"][name]) for name in required}
        case "array":
            return [example_of(shape["items"])]
        case "integer" | "number":
            return max(shape.get("minimum", 0), 0)
        case "boolean":
            return False
        case _:
            return FORMATS.get(shape.get("format", ""), "x")
