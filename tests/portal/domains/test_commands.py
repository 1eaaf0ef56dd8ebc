"""The operator's commands and forms: shared domains are made, tenants verified, and what stands is listed."""

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from portal.audit.models import AuditEntry
from portal.catalog.models import Domain
from portal.common.scope import operator_scope, tenant_scope
from portal.domains.models import DomainJob, TenantVerification
from portal.domains.services import contribution_grant
from portal.tenants.actors import OPERATOR
from tests.fakes.portal import Cast, make_general, make_task
from tests.portal.domains.world import Worker, learn, trees

pytestmark = pytest.mark.database


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command("domains", *arguments, stdout=out)
    return out.getvalue()


def test_a_shared_domain_is_made_filled_and_listed(cast: Cast, tmp_path: Path) -> None:
    make_general()
    said("create", "press", "--name", "The press")
    said("create", "sport", "--parent", "press")
    with operator_scope():
        sport = Domain.objects.unscoped().select_related("parent").get(slug="sport")
        press = sport.parent
        assert press is not None and (press.tenant_id, press.name) == (None, "The press")
        assert AuditEntry.objects.unscoped().filter(action="domain.create").count() == 2
    task = make_task(cast.acme.tenant)
    version = learn(task, 1)
    assert version.dataset is not None
    with tenant_scope(task.tenant_id):
        contribution_grant(domain=press, dataset=version.dataset, acting=OPERATOR)
    assert "no tree; contributions 1; tenants 1, verified 0" in said("list")
    said("verify", "acme", "globex")
    said("update", "press")
    Worker(tmp_path).work()
    first, second = said("list").splitlines()
    assert first.startswith(f"press; under general; tree {trees(press)[0].digest} of ")
    assert first.endswith("contributions 1; tenants 1, verified 1 of the 3 that it takes")
    assert second.startswith("sport; under press; no tree; contributions 0;")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("create", "news"), "already"),  # a tenant's
        (("create", "general"), "already"),
        (("create", "Not A Slug"), "lower-case"),
        (("create", "x", "--parent", "none"), "no shared domain none"),
        (("verify", "acme", "nobody"), "no tenant nobody"),
        (("update", "general"), "shared domain"),
        (("update", "news"), "shared domain"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    cast: Cast, arguments: tuple[str, ...], message: str
) -> None:
    make_general()
    make_task(cast.acme.tenant)
    with operator_scope():
        before = Domain.objects.unscoped().count()
    with pytest.raises(CommandError, match=message):
        said(*arguments)
    with operator_scope():
        assert Domain.objects.unscoped().count() == before
        assert not TenantVerification.objects.unscoped().exists()
        assert not DomainJob.objects.unscoped().exists()
