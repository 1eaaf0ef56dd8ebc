"""Reading users' places, members, invitations and keys."""

from django.db import models
from django.db.models import QuerySet

from portal.common.errors import NotFound
from portal.common.models import TenantManager
from portal.common.scope import user_scope
from portal.tenants.models import ApiKey, Invitation, KeyKind, Membership, Tenant, User


def membership_get(*, user: User, tenant_slug: str) -> Membership:
    """The user's place in the tenant, tenant loaded; NotFound when there is none."""
    with user_scope(user.id):
        found = (
            Membership.objects.unscoped()
            .select_related("tenant")
            .filter(user=user, tenant__slug=tenant_slug)
            .first()
        )
    if found is None:
        raise NotFound("tenant")
    return found


def membership_list_of_user(*, user: User) -> list[Membership]:
    """The user's places, tenants loaded, by slug."""
    with user_scope(user.id):
        mine = Membership.objects.unscoped().filter(user=user)
        return list(mine.select_related("tenant").order_by("tenant__slug"))


def member_list(*, tenant: Tenant) -> QuerySet[Membership]:
    """The tenant's members, users loaded, by address."""
    return Membership.objects.for_tenant(tenant).select_related("user").order_by("user__email")


def invitation_list(*, tenant: Tenant) -> QuerySet[Invitation]:
    """The tenant's invitations that have not been accepted, newest first, those who invited loaded."""
    return Invitation.objects.for_tenant(tenant).select_related("invited_by").order_by("-created_at", "id")


def key_list(*, tenant: Tenant) -> QuerySet[ApiKey]:
    """The tenant's keys for applications that have not been revoked, newest first, tasks loaded."""
    return (
        ApiKey.objects.for_tenant(tenant)
        .filter(kind=KeyKind.SERVICE, revoked_at=None)
        .select_related("task")
        .order_by("-created_at", "id")
    )


def key_task_get(*, tenant: Tenant, slug: str) -> models.Model:
    """The task that a key is to be bound to. Tasks are above this app: found through the key's field."""
    task_model = ApiKey._meta.get_field("task").related_model
    manager = task_model._default_manager
    assert isinstance(manager, TenantManager)
    found: models.Model | None = manager.for_tenant(tenant).filter(slug=slug).first()
    if found is None:
        raise NotFound("task")
    return found
