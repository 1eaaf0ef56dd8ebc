"""Creates that are repeated with an Idempotency-Key."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from portal.catalog.models import Domain
from portal.common.models import IdempotencyRecord
from portal.common.scope import operator_scope, tenant_scope
from tests.fakes.portal import Cast, Member

pytestmark = pytest.mark.database


def _post(member: Member, key: str, name: str = "Law") -> Any:
    return member.client().post(
        f"{member.path}/domains",
        {"name": name},
        content_type="application/json",
        headers={"Idempotency-Key": key},
    )


def test_the_same_request_gives_the_first_answer_again(cast: Cast) -> None:
    first, again = _post(cast.acme, "k1"), _post(cast.acme, "k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert _post(cast.acme, "k2").json()["slug"] == "law-2"
    with tenant_scope(cast.acme.tenant.id):
        assert Domain.objects.for_tenant(cast.acme.tenant).count() == 2


def test_another_request_with_the_key_is_refused(cast: Cast) -> None:
    _post(cast.acme, "k1")
    answer = _post(cast.acme, "k1", name="Sport")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "idempotency_mismatch")


def test_the_same_body_for_another_address_is_another_request(cast: Cast) -> None:
    _post(cast.acme, "k1")
    answer = cast.acme.client().post(
        f"{cast.acme.path}/tasks",
        {"name": "Law"},
        content_type="application/json",
        headers={"Idempotency-Key": "k1"},
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "idempotency_mismatch")


def test_a_key_that_is_too_long_is_refused(cast: Cast) -> None:
    assert _post(cast.acme, "k" * 201).json()["error"]["param"] == "Idempotency-Key"


def test_two_tenants_may_use_one_key(cast: Cast) -> None:
    assert _post(cast.acme, "k1").json()["id"] != _post(cast.globex, "k1").json()["id"]


def test_a_request_that_failed_may_be_made_again(cast: Cast) -> None:
    assert _post(cast.acme, "k1", name="!").status_code == 400
    with operator_scope():
        assert not IdempotencyRecord.objects.unscoped().exists()
    assert _post(cast.acme, "k1").status_code == 201


def test_a_key_is_forgotten_after_a_day(cast: Cast) -> None:
    _post(cast.acme, "k1")
    with operator_scope():
        IdempotencyRecord.objects.unscoped().update(created_at=timezone.now() - timedelta(hours=25))
    assert _post(cast.acme, "k1").json()["slug"] == "law-2"
