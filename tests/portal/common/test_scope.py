"""Row-level security, seen from each role."""

import pytest
from django.db import connection

from portal.catalog.models import Task
from portal.common.models import UnscopedQueryError
from portal.common.scope import operator_scope, tenant_scope
from portal.tenants.models import Tenant
from tests.fakes.portal import Cast, make_task

pytestmark = pytest.mark.database


def test_the_tests_run_as_the_portals_role(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
        )
        assert cursor.fetchone() == ("hmi_portal", False)


def test_without_a_scope_no_row_is_visible(cast: Cast) -> None:
    make_task(cast.acme.tenant)
    assert list(Task.objects.unscoped()) == []


def test_a_tenants_scope_shows_its_rows_alone(cast: Cast) -> None:
    task = make_task(cast.acme.tenant)
    make_task(cast.globex.tenant)
    with tenant_scope(cast.acme.tenant.id):
        assert list(Task.objects.unscoped()) == [task]
    assert list(Task.objects.unscoped()) == []


def test_a_tenants_scope_shows_and_changes_its_own_tenant_alone(cast: Cast) -> None:
    with tenant_scope(cast.acme.tenant.id):
        assert list(Tenant.objects.all()) == [cast.acme.tenant]
        assert Tenant.objects.update(name="Other") == 1
    with operator_scope():
        assert Tenant.objects.get(slug="globex").name == "Globex"


def test_the_operators_scope_shows_every_row(cast: Cast) -> None:
    make_task(cast.acme.tenant)
    make_task(cast.globex.tenant)
    with operator_scope():
        assert Task.objects.unscoped().count() == 2


def test_an_inner_scope_ends_where_the_outer_one_goes_on(cast: Cast) -> None:
    mine, theirs = make_task(cast.acme.tenant), make_task(cast.globex.tenant)
    with tenant_scope(cast.acme.tenant.id):
        with tenant_scope(cast.globex.tenant.id):
            assert list(Task.objects.unscoped()) == [theirs]
        assert list(Task.objects.unscoped()) == [mine]
        with pytest.raises(RuntimeError), tenant_scope(cast.globex.tenant.id):
            raise RuntimeError
        assert list(Task.objects.unscoped()) == [mine]


def test_a_query_that_does_not_start_from_a_tenant_raises() -> None:
    with pytest.raises(UnscopedQueryError):
        Task.objects.filter(slug="news")
    with pytest.raises(UnscopedQueryError):
        Task.objects.all()
    with pytest.raises(UnscopedQueryError):
        Task.objects.count()
