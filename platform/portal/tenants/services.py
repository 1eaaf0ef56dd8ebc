"""Making tenants, members and keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import models, transaction
from django.utils import timezone

from portal.audit.services import audit_record
from portal.common.errors import AlreadyExists, Conflict, InvalidField, NotFound
from portal.common.locks import count_lock
from portal.common.refusals import unless_taken
from portal.common.scope import operator_scope, tenant_scope
from portal.common.slugs import slug_from
from portal.tenants.actors import Actor
from portal.tenants.keys import key_new, secret_hash
from portal.tenants.models import KEY_PREFIX_CHARS, ApiKey, KeyKind, Membership, Role, Tenant, User
from portal.tenants.selectors import membership_list_of_user
from wire.catalog import Scope

PLAYGROUND_KEY_LIFE = timedelta(minutes=15)
MAX_KEYS = 200
"""Of a tenant that can be used, of either kind. The inference service knows all keys of all tenants by heart:
without a bound one of them could fill what it has for that."""
MAX_TENANTS = 20
"""That a user may own, and still make another; the operator may make as many as there is room for."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key and its text, which is known only now."""

    key: ApiKey
    secret: str


@transaction.atomic
def tenant_create(*, name: str, slug: str | None, owner: User, acting: Actor) -> Tenant:
    """A tenant with its first owner. A given ``slug`` must be free; else one is made from the name."""
    count_lock(owner, "owned tenants")
    owned = [place for place in membership_list_of_user(user=owner) if place.role == Role.OWNER]
    if len(owned) >= MAX_TENANTS and not owner.is_staff:
        raise Conflict(f"You own {MAX_TENANTS} tenants, as many as one may: leave one, or ask the operator.")
    tenant = Tenant(id=uuid4(), name=name, slug=slug or slug_from(name, is_taken=_is_tenant_slug_taken))
    with tenant_scope(tenant.id):
        with unless_taken(AlreadyExists("slug", f"The name {tenant.slug} is taken: choose another slug.")):
            tenant.save(force_insert=True)
        Membership(tenant=tenant, user=owner, role=Role.OWNER).save(force_insert=True)
        audit_record(
            actor=acting.name, action="tenant.create", target=tenant, tenant=tenant, slug=tenant.slug
        )
    return tenant


@transaction.atomic
def member_role_set(*, tenant: Tenant, membership_id: UUID, role: Role, acting: Actor) -> Membership:
    """Change a member's role. The last owner stays one."""
    membership = _member_locked(tenant, membership_id, is_owner_after=role == Role.OWNER)
    audit_record(
        actor=acting.name,
        action="member.role",
        target=membership,
        tenant=tenant,
        user_id=str(membership.user_id),
        old=membership.role,
        new=role.value,
    )
    membership.role = role
    membership.save(update_fields=["role"])
    return membership


@transaction.atomic
def member_remove(*, tenant: Tenant, membership_id: UUID, acting: Actor) -> None:
    """Take a user's place away. The last owner stays."""
    membership = _member_locked(tenant, membership_id, is_owner_after=False)
    audit_record(
        actor=acting.name,
        action="member.remove",
        target=membership,
        tenant=tenant,
        user_id=str(membership.user_id),
        role=membership.role,
    )
    membership.delete()


@transaction.atomic
def key_create(
    *,
    tenant: Tenant,
    name: str,
    scopes: Sequence[Scope],
    task: models.Model | None,
    expires_at: datetime | None,
    acting: Actor,
) -> NewKey:
    """A key for an application; ``task`` is one of the tenant's, or None for all of them."""
    if task is not None and Scope.MANAGE in scopes:
        raise InvalidField("task", "A key of scope manage is for the whole tenant: leave the task out.")
    if expires_at is not None and expires_at <= timezone.now():
        raise InvalidField("expires_at", "This time has passed: give one to come.")
    new = _key_save(tenant, name, scopes, task, KeyKind.SERVICE, expires_at, acting)
    audit_record(
        actor=acting.name,
        action="key.create",
        target=new.key,
        tenant=tenant,
        name=name,
        scopes=[scope.value for scope in scopes],
    )
    return new


@transaction.atomic
def playground_key_create(*, tenant: Tenant, task: models.Model, acting: Actor) -> NewKey:
    """A key for trying a text in the dashboard: one task, predictions only, for fifteen minutes."""
    now = timezone.now()
    spent = ApiKey.objects.for_tenant(tenant).filter(kind=KeyKind.PLAYGROUND, expires_at__lt=now)
    spent.delete()
    new = _key_save(
        tenant, "playground", [Scope.PREDICT], task, KeyKind.PLAYGROUND, now + PLAYGROUND_KEY_LIFE, acting
    )
    audit_record(
        actor=acting.name, action="playground_key.create", target=new.key, tenant=tenant, task_id=str(task.pk)
    )
    return new


@transaction.atomic
def key_rotate(*, tenant: Tenant, key_id: UUID, grace: timedelta, acting: Actor) -> NewKey:
    """A new key in place of this one, with its name, scopes, task and expiry; this one ends after ``grace``.

    Raises Conflict for a key that has expired, or that was rotated before: of one key one follows.
    """
    key = _key_locked(tenant, key_id)
    now = timezone.now()
    if key.replaced_by_id is not None:
        raise Conflict("This key was rotated before: rotate the one that took its place.")
    if key.expires_at is not None and key.expires_at <= now:
        raise Conflict("This key has expired: make a new one.")
    scopes = [Scope(scope) for scope in key.scopes]
    new = _key_save(tenant, key.name, scopes, key.task, KeyKind.SERVICE, key.expires_at, acting)
    key.replaced_by = new.key
    key.expires_at = min(now + grace, key.expires_at or now + grace)
    key.save(update_fields=["replaced_by", "expires_at"])
    audit_record(
        actor=acting.name,
        action="key.rotate",
        target=key,
        tenant=tenant,
        name=key.name,
        replaced_by=str(new.key.pk),
        old_ends_at=key.expires_at,
    )
    return new


@transaction.atomic
def key_revoke(*, tenant: Tenant, key_id: UUID, acting: Actor) -> None:
    """End a key: the inference service stops taking it within two seconds."""
    key = _key_locked(tenant, key_id)
    key.revoked_at = timezone.now()
    key.save(update_fields=["revoked_at"])
    audit_record(actor=acting.name, action="key.revoke", target=key, tenant=tenant, name=key.name)


def _key_locked(tenant: Tenant, key_id: UUID) -> ApiKey:
    keys = ApiKey.objects.for_tenant(tenant).select_for_update(of=("self",)).select_related("task")
    key = keys.filter(pk=key_id, kind=KeyKind.SERVICE, revoked_at=None).first()
    if key is None:
        raise NotFound("key")
    return key


def _member_locked(tenant: Tenant, membership_id: UUID, *, is_owner_after: bool) -> Membership:
    # Locks every owner's row: of two owners who remove each other at once, the second sees it is the last.
    rows = Membership.objects.for_tenant(tenant).select_for_update(of=("self",))
    owners = list(rows.filter(role=Role.OWNER).order_by("pk"))
    membership = rows.select_related("user").filter(pk=membership_id).first()
    if membership is None:
        raise NotFound("member")
    if not is_owner_after and [owner.pk for owner in owners] == [membership.pk]:
        raise Conflict("This is the last owner: make another member owner first.")
    return membership


def _is_tenant_slug_taken(slug: str) -> bool:
    with operator_scope():
        return Tenant.objects.filter(slug=slug).exists()


def _key_save(
    tenant: Tenant,
    name: str,
    scopes: Sequence[Scope],
    task: models.Model | None,
    kind: KeyKind,
    expires_at: datetime | None,
    acting: Actor,
) -> NewKey:
    count_lock(tenant, f"{kind.value} keys")
    ended = models.Q(revoked_at__isnull=False) | models.Q(expires_at__lte=timezone.now())
    if ApiKey.objects.for_tenant(tenant).filter(kind=kind).exclude(ended).count() >= MAX_KEYS:
        raise Conflict(f"There are {MAX_KEYS} keys, as many as a tenant may have: revoke one first.")
    secret = key_new()
    key = ApiKey(
        tenant=tenant,
        name=name,
        key_sha256=secret_hash(secret),
        prefix=secret[:KEY_PREFIX_CHARS],
        scopes=[scope.value for scope in scopes],
        task_id=task.pk if task is not None else None,
        kind=kind,
        expires_at=expires_at,
        created_by=acting.user,
    )
    key.save(force_insert=True)
    return NewKey(key, secret)
