"""Creates with an Idempotency-Key header: for 24 hours the same request gives the first answer again."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, Protocol, TypeVar

from django.db import models
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from portal.common.errors import InvalidField, PortalError
from portal.common.models import IdempotencyRecord
from portal.common.pruning import prune
from wire.errors import ErrorCode

HEADER = "Idempotency-Key"
MAX_KEY_CHARS = 200
KEPT_FOR = timedelta(hours=24)


class TenantView(Protocol):
    """A view inside a tenant's scope."""

    @property
    def tenant(self) -> models.Model:
        """Whose request it is."""


V = TypeVar("V", bound=TenantView)


def idempotent(post: Callable[..., Response]) -> Callable[..., Response]:
    """Let a view's ``post`` be repeated with the header. Not for answers that must be shown once only."""

    @wraps(post)
    def once(view: V, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get(HEADER)
        if key is None:
            return post(view, request, *args, **kwargs)
        if not 1 <= len(key) <= MAX_KEY_CHARS:
            raise InvalidField(HEADER, f"{HEADER} must have 1 to {MAX_KEY_CHARS} characters.")
        record = _claim(view.tenant, key, _fingerprint(request))
        if record.status is not None:
            return Response(record.body, status=record.status)
        response = post(view, request, *args, **kwargs)
        record.status, record.body = response.status_code, response.data
        record.save(update_fields=["status", "body"])
        return response

    return once


def idempotency_prune(*, now: datetime) -> None:
    """Forget answers that no repeat gets any more."""
    prune(IdempotencyRecord.objects.unscoped().filter(created_at__lt=now - KEPT_FOR).order_by("created_at"))


def _claim(tenant: models.Model, key: str, fingerprint: str) -> IdempotencyRecord:
    records = IdempotencyRecord.objects.for_tenant(tenant)
    records.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()
    # A request with the same key that is still at work holds the unique index: this waits until it has ended.
    records.bulk_create(
        [IdempotencyRecord(tenant_id=tenant.pk, key=key, fingerprint=fingerprint)], ignore_conflicts=True
    )
    record = records.select_for_update().get(key=key)
    if record.fingerprint != fingerprint:
        raise PortalError(
            f"This {HEADER} came before with another request: use a new one.",
            code=ErrorCode.IDEMPOTENCY_MISMATCH,
            param=HEADER,
        )
    return record


def _fingerprint(request: Request) -> str:
    hashed = hashlib.sha256(f"{request.method} {request.path}\n".encode())
    if request.content_type.startswith("multipart/"):
        # Bodies of one upload differ in their boundary: what counts is fields and files.
        for name in sorted(request.data):
            hashed.update(name.encode() + b"\n")
            value = request.data[name]
            for chunk in value.chunks() if hasattr(value, "chunks") else [str(value).encode()]:
                hashed.update(chunk)
            if hasattr(value, "seek"):
                value.seek(0)
    else:
        hashed.update(request._request.body)
    return hashed.hexdigest()
