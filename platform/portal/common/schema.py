"""How the OpenAPI schema is written from the views (drf-spectacular)."""

from functools import cache
from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers

from portal.common.fields import ChoiceField
from wire.catalog import Scope
from wire.errors import ErrorCode
from wire.training import TimeLimitName

ERROR_CODES = [(code.value, code.value) for code in ErrorCode]
SCOPES = [(scope.value, scope.value) for scope in Scope]
TIME_LIMITS = [(name.value, name.value) for name in TimeLimitName]
PAGE_PARAMETERS = [
    OpenApiParameter("page", int, description="Page, from 1."),
    OpenApiParameter("page_size", int, description="Rows in a page; 50, at most 200."),
]


class ErrorBodyOut(serializers.Serializer[Any]):
    """The one error shape."""

    message = serializers.CharField(help_text="Says what to do.")
    type = serializers.CharField()
    param = serializers.CharField(allow_null=True, help_text="The field that is at fault.")
    code = ChoiceField(choices=ERROR_CODES)
    details = serializers.JSONField(allow_null=True)
    request_id = serializers.CharField()


class ErrorOut(serializers.Serializer[Any]):
    """Body of every answer that is not a success."""

    error = ErrorBodyOut()


@cache  # one class a shape: the schema refuses two of one name
def page_of(serializer: type[serializers.Serializer[Any]]) -> Any:
    """Shape of one page of a list."""
    name = serializer.__name__.removesuffix("Out")
    return inline_serializer(
        f"{name}Page",
        {
            "count": serializers.IntegerField(),
            "next": serializers.URLField(allow_null=True),
            "previous": serializers.URLField(allow_null=True),
            "results": serializer(many=True),
        },
    )


class Schema(AutoSchema):
    """Adds the error shape to every operation, and names operations for the method and the path."""

    def get_operation_id(self) -> str:
        """``GET /tenants/{tenant}/tasks`` is tenants_tasks_get."""
        words = [word for word in self.path.removeprefix("/api/v1/").split("/") if word]
        fixed = [word for word in words if not word.startswith("{")]
        is_one = bool(words) and words[-1].startswith("{")
        name = "_".join(word.replace("-", "_") for word in fixed)
        return f"{name}_{'one_' if is_one else ''}{self.method.lower()}"

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        bodies["default"] = self._get_response_for_code(ErrorOut, "default", direction=direction)  # type: ignore[no-untyped-call]
        return bodies
