"""The record of every change."""

import pytest
from django.db import ProgrammingError, transaction

from portal.audit.models import AuditEntry
from portal.audit.services import audit_record
from portal.common.scope import operator_scope, tenant_scope
from tests.fakes.portal import Cast

pytestmark = pytest.mark.database


def _record(cast: Cast) -> None:
    for member in (cast.acme, cast.globex):
        with tenant_scope(member.tenant.id):
            audit_record(
                actor="operator", action="test.do", target=member.tenant, tenant=member.tenant, number=1
            )
    audit_record(actor="operator", action="test.all", target=cast.nobody, tenant=None)


def test_a_tenant_sees_its_own_entries_alone(cast: Cast) -> None:
    _record(cast)
    with tenant_scope(cast.acme.tenant.id):
        entry = AuditEntry.objects.unscoped().get()
    assert (entry.tenant_id, entry.action, entry.details) == (cast.acme.tenant.id, "test.do", {"number": 1})
    assert (entry.target_type, entry.target_id) == ("tenant", str(cast.acme.tenant.id))
    with operator_scope():
        assert AuditEntry.objects.unscoped().count() == 3


def test_an_entry_cannot_be_changed_or_deleted(cast: Cast) -> None:
    _record(cast)
    entries = AuditEntry.objects.unscoped()
    with operator_scope():
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            entries.update(actor="somebody else")
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            entries.all()._raw_delete(entries.db)
        assert entries.filter(actor="operator").count() == 3


def test_a_tenant_cannot_write_into_anothers_record(cast: Cast) -> None:
    with (
        tenant_scope(cast.acme.tenant.id),
        pytest.raises(ProgrammingError, match="row-level security"),
        transaction.atomic(),
    ):
        audit_record(actor="x", action="test.do", target=cast.acme.tenant, tenant=cast.globex.tenant)
