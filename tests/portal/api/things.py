"""Makes whatever an address of the REST API may name: a new kind of thing is added here, or tests fail."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import uuid4

from django.utils import timezone

from portal.catalog.models import Domain, Task
from portal.common.scope import tenant_scope
from portal.datasets.models import DatasetUpload
from portal.domains.models import Contribution, DeletionRecord, DeletionSubject
from portal.tenants.models import ApiKey, Invitation, Membership, Tenant
from portal.training.models import TrainingEstimate
from portal.webhooks.models import DeliveryState, EventType, WebhookDelivery, WebhookEvent
from tests.fakes.bundles import make_stored_version
from tests.fakes.portal import (
    make_dataset,
    make_general,
    make_import,
    make_job,
    make_key,
    make_task,
    make_webhook,
)

TASK = "acmes-own"


def _dataset(tenant: Tenant) -> str:
    return str(make_dataset(tenant).pk)


def _task(tenant: Tenant) -> str:
    return make_task(tenant, TASK).slug


def _training(tenant: Tenant) -> str:
    return str(make_job(make_task(tenant, f"task-{uuid4().hex[:8]}"), make_dataset(tenant)).pk)


def _estimate(tenant: Tenant) -> str:
    task = make_task(tenant, f"task-{uuid4().hex[:8]}")
    estimate = TrainingEstimate(tenant=tenant, task=task, dataset=make_dataset(tenant))
    with tenant_scope(tenant.id):
        estimate.save()
    return str(estimate.pk)


def _import(tenant: Tenant) -> str:
    return str(make_import(make_task(tenant, f"task-{uuid4().hex[:8]}")).pk)


def _key(tenant: Tenant) -> str:
    make_key(tenant)
    with tenant_scope(tenant.id):
        return str(ApiKey.objects.for_tenant(tenant).order_by("-created_at")[0].pk)


def _member(tenant: Tenant) -> str:
    with tenant_scope(tenant.id):
        return str(Membership.objects.for_tenant(tenant).get(role="viewer").pk)


def _invitation(tenant: Tenant) -> str:
    invitation = Invitation(
        tenant=tenant,
        email=f"{uuid4().hex}@example.com",
        role="viewer",
        token_sha256=uuid4().bytes,
        expires_at=timezone.now() + timedelta(days=1),
    )
    with tenant_scope(tenant.id):
        invitation.save()
    return str(invitation.pk)


def _upload(tenant: Tenant) -> str:
    upload = DatasetUpload(
        tenant=tenant, name="a", file_name="a.csv", num_bytes=10, given_columns=[None, None]
    )
    with tenant_scope(tenant.id):
        upload.save()
    return str(upload.pk)


def _domain(tenant: Tenant) -> str:
    slug = f"domain-{tenant.slug}"
    with tenant_scope(tenant.id):
        Domain(tenant=tenant, name=slug, slug=slug).save()
    return slug


def _contribution(tenant: Tenant) -> str:
    dataset, shared = make_dataset(tenant), make_general().domain
    contribution = Contribution(tenant=tenant, domain=shared, dataset=dataset, granted_by="test")
    with tenant_scope(tenant.id):
        contribution.save()
    return str(contribution.pk)


def _deletion(tenant: Tenant) -> str:
    record = DeletionRecord(tenant_id=tenant.pk, subject=DeletionSubject.DATASET, subject_id=uuid4())
    with tenant_scope(tenant.id):
        record.save()
    return str(record.pk)


def _webhook(tenant: Tenant) -> str:
    return str(make_webhook(tenant).pk)


def make_delivery(tenant: Tenant, webhook_id: str) -> str:
    """A delivery's row, delivered, of an event of its own."""
    with tenant_scope(tenant.id):
        event = WebhookEvent(tenant=tenant, type=EventType.PING, subject=uuid4(), data={})
        event.save()
        delivery = WebhookDelivery(
            tenant=tenant, webhook_id=webhook_id, event=event, state=DeliveryState.DELIVERED
        )
        delivery.save()
    return str(delivery.pk)


MAKERS: Mapping[str, Callable[[Tenant], str]] = {
    "dataset": _dataset,
    "task": _task,
    "training": _training,
    "estimate": _estimate,
    "adapter_import": _import,
    "key": _key,
    "member": _member,
    "invitation": _invitation,
    "webhook": _webhook,
    "upload": _upload,
    "domain": _domain,
    "contribution": _contribution,
    "deletion": _deletion,
}

EVERY_THING = [*MAKERS, "number", "delivery"]


def make_things(tenant: Tenant, names: list[str]) -> dict[str, str]:
    """A value for each of these parameters of a path, all of one tenant."""
    unknown = set(names) - set(EVERY_THING)
    assert not unknown, f"say in {__name__} how to make {sorted(unknown)}: every endpoint is tested with them"
    made = {name: MAKERS[name](tenant) for name in names if name in MAKERS}
    if "number" in names:  # of a version of the task
        with tenant_scope(tenant.id):
            task = Task.objects.for_tenant(tenant).select_related("tenant", "domain").get(slug=made["task"])
        made["number"] = str(make_stored_version(task).number)
    if "delivery" in names:
        made["delivery"] = make_delivery(tenant, made["webhook"])
    return made
