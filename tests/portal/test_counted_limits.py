"""Of two that are made at once where there is room for one, the second is refused: it counts the first."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import pytest

import portal.catalog.services as catalog
import portal.tenants.services as tenants
import portal.webhooks.services as webhooks
from portal.common.errors import Conflict
from portal.common.scope import tenant_scope
from portal.tenants.actors import actor_of_user
from portal.webhooks.models import EventType
from tests.fakes.other_session import begun_beside
from tests.fakes.portal import Cast, Member
from wire.catalog import Scope

pytestmark = pytest.mark.database


def task_made(member: Member, name: str) -> object:
    return catalog.task_create(
        tenant=member.tenant, name=name, slug=None, domain_slug=None, acting=actor_of_user(member.owner)
    )


def key_made(member: Member, name: str) -> object:
    return tenants.key_create(
        tenant=member.tenant,
        name=name,
        scopes=[Scope.PREDICT],
        task=None,
        expires_at=None,
        acting=actor_of_user(member.owner),
    )


def webhook_made(member: Member, name: str) -> object:
    return webhooks.webhook_create(
        tenant=member.tenant,
        name=name,
        url="http://127.0.0.1/hook",
        events=[EventType.TRAINING_SUCCEEDED],
        is_private_allowed=True,
        acting=actor_of_user(member.owner),
    )


def tenant_made(member: Member, name: str) -> object:
    return tenants.tenant_create(name=name, slug=None, owner=member.owner, acting=actor_of_user(member.owner))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("made", "module", "limit", "room"),
    [
        (task_made, catalog, "MAX_TASKS", 1),
        (key_made, tenants, "MAX_KEYS", 1),
        (webhook_made, webhooks, "MAX_WEBHOOKS", 1),
        (tenant_made, tenants, "MAX_TENANTS", 2),  # the member's own is there
    ],
)
def test_of_two_made_at_once_where_one_has_room_the_second_is_refused(
    cast: Cast,
    monkeypatch: pytest.MonkeyPatch,
    made: Callable[[Member, str], object],
    module: ModuleType,
    limit: str,
    room: int,
) -> None:
    monkeypatch.setattr(module, limit, room)

    def beside() -> str:
        try:
            with tenant_scope(cast.acme.tenant.pk):
                made(cast.acme, "Second")
        except Conflict as exc:
            return str(exc)
        return "made"

    with ThreadPoolExecutor(1) as pool:
        with tenant_scope(cast.acme.tenant.pk):
            made(cast.acme, "First")
            begun = begun_beside(pool, beside)
        assert str(room) in begun.result()
