"""Who may do what, for every operation that the schema has: a new one is tested here without being named.

By default a viewer may read, a developer may change, an owner may delete; what differs stands in EXCEPTIONS.
A new kind of thing in an address is to be made in things.py, a new address outside of tenants listed here.
"""

from collections.abc import Iterator, Mapping
from uuid import uuid4

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from portal.audit.models import AuditEntry
from portal.common.scope import operator_scope
from portal.tenants.models import Role, Tenant
from tests.fakes.portal import Cast, client_of, client_with, make_general, make_key
from tests.portal.api.operations import Operation, operations, schema
from tests.portal.api.things import EVERY_THING, MAKERS, make_things
from wire.catalog import Scope

pytestmark = pytest.mark.database
RANK = {Role.VIEWER: 0, Role.DEVELOPER: 1, Role.OWNER: 2}
USUAL = {
    "get": Role.VIEWER,
    "post": Role.DEVELOPER,
    "put": Role.DEVELOPER,
    "patch": Role.DEVELOPER,
    "delete": Role.OWNER,
}
EXCEPTIONS: Mapping[str, Role] = {
    "tenants_contributions_post": Role.OWNER,
    "tenants_forget_post": Role.OWNER,
    "tenants_keys_post": Role.OWNER,
    "tenants_keys_rotate_post": Role.OWNER,
    "tenants_invitations_post": Role.OWNER,
    "tenants_invitations_resend_post": Role.OWNER,
    "tenants_members_me_delete": Role.VIEWER,
    "tenants_members_one_put": Role.OWNER,
    "tenants_tasks_deployments_current_delete": Role.DEVELOPER,
    "tenants_tasks_gate_consent_delete": Role.DEVELOPER,
    "tenants_tasks_trials_current_delete": Role.DEVELOPER,
    "tenants_tasks_versions_adapter_get": Role.DEVELOPER,
    "tenants_tasks_versions_offline_get": Role.DEVELOPER,
    "tenants_uploads_one_delete": Role.DEVELOPER,
    "tenants_webhooks_one_delete": Role.DEVELOPER,
}
"""Least role where it is not the usual one."""
OUTSIDE = {"me_get", "tenants_post", "invitations_accept_post"}
"""Operations of no tenant, for whoever is signed in."""
PUBLIC = {"invitations_look_post"}
"""Operations for everybody."""
UNTOLD = {"tenants_tasks_gate_consent_delete"}
"""Changes that change nothing here: no consent has been given."""
OF_TENANTS = [operation for operation in operations() if operation.is_of_a_tenant]

BODY_THINGS: Mapping[str, str] = {
    "dataset": "dataset",
    "domain": "domain",
    "parent_domain": "domain",
    "task": "task",
}
"""Fields of bodies that name a thing, and how things.py calls it."""
NO_THINGS: frozenset[str] = frozenset()
"""Fields that are called like a thing and name none."""
THINGS_IN_BODIES = [
    (operation, name) for operation in OF_TENANTS for name in operation.fields if name in BODY_THINGS
]


def each(chosen: list[Operation]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("operation", chosen, ids=lambda operation: operation.name)


def refused(answer: HttpResponse) -> bool:
    return answer.status_code in (401, 403)


@each(OF_TENANTS)
def test_another_tenants_things_are_not_found(cast: Cast, operation: Operation) -> None:
    make_general()
    values = make_things(cast.acme.tenant, operation.parameters)
    before = _rows_of(cast.acme.tenant)
    strangers = (
        cast.globex.client(),
        client_with(make_key(cast.globex.tenant)),
        client_of(cast.nobody),
    )
    for client in strangers:
        assert operation.request(client, "acme", values).status_code == 404
    assert operation.request(Client(), "acme", values).status_code == 401
    answer = operation.request(cast.globex.client(), "globex", values)
    if operation.parameters:  # acme's thing under globex's own address
        assert answer.status_code == 404, answer.content
    assert _rows_of(cast.acme.tenant) == before
    if not operation.parameters and operation.method == "get":  # a list, or a sum: the same whatever acme has
        make_things(cast.acme.tenant, EVERY_THING)
        seen = operation.request(cast.globex.client(), "globex", values)
        assert seen.getvalue() == answer.getvalue()


@pytest.mark.parametrize(
    ("operation", "field"), THINGS_IN_BODIES, ids=lambda part: getattr(part, "name", part)
)
def test_another_tenants_thing_in_a_body_looks_like_one_that_is_not_there(
    cast: Cast, operation: Operation, field: str
) -> None:
    make_general()
    values = make_things(cast.globex.tenant, operation.parameters)
    thing = BODY_THINGS[field]
    named = {
        "acme's": MAKERS[thing](cast.acme.tenant),
        "nobody's": str(uuid4()),  # as a slug, too
    }
    before = _rows_of(cast.acme.tenant)
    told = {}
    for whose, name in named.items():
        answer = operation.request(cast.globex.client(), "globex", values, {field: name})
        assert 400 <= answer.status_code < 500, answer.content
        told[whose] = answer.json()["error"] | {"request_id": ""}
    assert str(told["acme's"]).replace(named["acme's"], named["nobody's"]) == str(told["nobody's"])
    assert _rows_of(cast.acme.tenant) == before


def test_every_field_that_names_a_thing_is_tried() -> None:
    ids = {
        name
        for operation in OF_TENANTS
        for name, shape in operation.fields.items()
        if shape.get("format") == "uuid" or name in EVERY_THING
    }
    assert ids - NO_THINGS <= set(BODY_THINGS)


@each(OF_TENANTS)
def test_the_least_role_is_the_one_that_is_written_down(cast: Cast, operation: Operation) -> None:
    make_general()
    values = make_things(cast.acme.tenant, operation.parameters)
    needed = RANK[EXCEPTIONS.get(operation.name, USUAL[operation.method])]
    callers = [
        *((cast.acme.client(role), RANK[role]) for role in (Role.VIEWER, Role.DEVELOPER)),
        (client_with(make_key(cast.acme.tenant)), RANK[Role.DEVELOPER]),
        (cast.acme.client(), RANK[Role.OWNER]),
    ]
    predicting = client_with(make_key(cast.acme.tenant, scopes=(Scope.PREDICT,)))
    assert operation.request(predicting, "acme", values).status_code == 403
    revoked = client_with(make_key(cast.acme.tenant, is_revoked=True))
    assert operation.request(revoked, "acme", values).status_code == 401
    for client, rank in callers:
        answer = operation.request(client, "acme", values)
        assert refused(answer) == (rank < needed), answer.content
        assert answer.status_code in (503, *range(200, 500)), answer.content  # 503: the fakes write no files


@each([operation for operation in OF_TENANTS if operation.method != "get"])
def test_who_changes_something_stands_in_the_audit_log(cast: Cast, operation: Operation) -> None:
    make_general()
    values = make_things(cast.acme.tenant, operation.parameters)
    with operator_scope():
        before = AuditEntry.objects.unscoped().count()
    answer = operation.request(cast.acme.client(), "acme", values)
    with operator_scope():
        newest = AuditEntry.objects.unscoped().order_by("-id").first()
        num_new = AuditEntry.objects.unscoped().count() - before
    is_told = answer.status_code < 300 and operation.name not in UNTOLD
    assert (num_new > 0) == is_told, answer.content
    assert not is_told or (newest is not None and newest.actor == f"user:{cast.acme.owner.email}")


def test_every_operation_outside_of_tenants_is_known() -> None:
    assert {operation.name for operation in operations() if not operation.is_of_a_tenant} == (
        OUTSIDE | PUBLIC
    )


@each([operation for operation in operations() if operation.name in OUTSIDE])
def test_outside_of_tenants_a_session_is_needed(cast: Cast, operation: Operation) -> None:
    for client in (Client(), client_with(make_key(cast.acme.tenant))):
        assert refused(operation.request(client, "", {}))


def test_every_exception_is_an_operation() -> None:
    assert set(EXCEPTIONS) <= {operation.name for operation in OF_TENANTS}


def test_every_address_is_in_the_schema() -> None:
    shown = {path.lstrip("/") for path in schema()["paths"]}
    routed = {_as_in_schema(route) for route in _routes(get_resolver())}
    assert {route for route in routed if route.startswith("api/v1/")} == shown | {
        "api/v1/schema",
        "api/v1/docs",
    }


def _rows_of(tenant: Tenant) -> dict[str, str]:
    """All that the database has of ``tenant``, table by table."""
    with operator_scope(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.table_name FROM information_schema.columns c JOIN information_schema.tables t"
            " USING (table_schema, table_name)"
            " WHERE c.table_schema = 'public' AND c.column_name = 'tenant_id' AND t.table_type = 'BASE TABLE'"
        )
        tables = {name: "tenant_id" for (name,) in cursor.fetchall()} | {"tenant": "id"}
        found = {}
        for name, column in tables.items():
            cursor.execute(
                f"SELECT string_agg(r::text, E'\n' ORDER BY r::text) FROM {name} r WHERE {column} = %s",
                [tenant.pk],
            )
            found[name] = cursor.fetchone()[0]
    return found


def _routes(resolver: URLResolver, before: str = "") -> Iterator[str]:
    for entry in resolver.url_patterns:
        route = before + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield route
        else:
            yield from _routes(entry, route)


def _as_in_schema(route: str) -> str:
    """``<uuid:dataset>`` is ``{dataset}``."""
    parts = route.split("/")
    return "/".join("{" + p[1:-1].rpartition(":")[2] + "}" if p.startswith("<") else p for p in parts)
