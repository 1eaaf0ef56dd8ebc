"""Inviting people into a tenant by mail. An invitation is there while it is open, and gone once used."""

from dataclasses import dataclass
from datetime import timedelta
from smtplib import SMTPException
from uuid import UUID

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone

from portal.audit.services import audit_record
from portal.common.errors import AlreadyExists, Forbidden, NotFound, PortalError
from portal.common.refusals import unless_taken
from portal.common.scope import key_scope, tenant_scope
from portal.tenants.actors import Actor, actor_of_user
from portal.tenants.keys import invitation_secret_new, secret_hash
from portal.tenants.models import Invitation, Membership, Role, Tenant, User
from wire.errors import ErrorCode

INVITATION_LIFE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class OpenInvitation:
    """An invitation as the one who was invited sees it."""

    invitation: Invitation
    tenant: Tenant


@transaction.atomic
def invitation_create(*, tenant: Tenant, email: str, role: Role, acting: Actor) -> Invitation:
    """Invite an address, by mail. Whether somebody has signed up with it is not told.

    Raises AlreadyExists for a member's address and for one with an open invitation, and PortalError
    (mail_unavailable), leaving nothing, when the mail cannot be sent.
    """
    email = email.lower()
    if Membership.objects.for_tenant(tenant).filter(user__email__iexact=email).exists():
        raise AlreadyExists("email", "Somebody with this address is a member already.")
    Invitation.objects.for_tenant(tenant).filter(email=email, expires_at__lt=timezone.now()).delete()
    secret = invitation_secret_new()
    invitation = Invitation(tenant=tenant, email=email, role=role, invited_by=acting.user)
    _renew(invitation, secret)
    invited = AlreadyExists("email", "This address has been invited: send it again, or revoke it.")
    with unless_taken(invited):
        invitation.save(force_insert=True)
    _audit("invitation.create", invitation, acting)
    _send(invitation, secret)
    return invitation


@transaction.atomic
def invitation_resend(*, tenant: Tenant, invitation_id: UUID, acting: Actor) -> Invitation:
    """Send a new mail, whose token is valid from now on; that of the old mail no longer is."""
    invitation = _locked(tenant, invitation_id)
    secret = invitation_secret_new()
    _renew(invitation, secret)
    invitation.save(update_fields=["token_sha256", "expires_at"])
    _audit("invitation.resend", invitation, acting)
    _send(invitation, secret)
    return invitation


@transaction.atomic
def invitation_revoke(*, tenant: Tenant, invitation_id: UUID, acting: Actor) -> None:
    """End an invitation that nobody has accepted."""
    invitation = _locked(tenant, invitation_id)
    _audit("invitation.revoke", invitation, acting)
    invitation.delete()


def invitation_look(*, secret: str) -> OpenInvitation:
    """The open invitation with this token; NotFound for one that was used, revoked, or has expired."""
    hashed = secret_hash(secret)
    with key_scope(hashed):
        found = Invitation.objects.unscoped().filter(token_sha256=hashed).first()
    if found is None or found.expires_at <= timezone.now():
        raise NotFound("invitation: it was used, revoked, or has expired")
    with tenant_scope(found.tenant_id):
        tenant = Tenant.objects.filter(pk=found.tenant_id, is_active=True).first()
    if tenant is None:
        raise NotFound("invitation")
    return OpenInvitation(found, tenant)


@transaction.atomic
def invitation_accept(*, secret: str, user: User) -> Membership:
    """Give ``user`` the place that the mail to their address offered. The token also proves the address."""
    offered = invitation_look(secret=secret)
    if user.email.lower() != offered.invitation.email:
        raise Forbidden(
            f"This invitation is for {offered.invitation.email}, and you are signed in as {user.email}."
            " Sign in with that address, or ask for an invitation of this one."
        )
    with tenant_scope(offered.tenant.pk):
        invitation = _locked(offered.tenant, offered.invitation.pk)
        membership, is_new = Membership.objects.for_tenant(offered.tenant).get_or_create(
            user=user, defaults={"tenant": offered.tenant, "role": invitation.role}
        )
        if is_new:
            _audit("invitation.accept", invitation, actor_of_user(user))
        invitation.delete()
    EmailAddress.objects.update_or_create(
        user=user, email__iexact=user.email, defaults={"email": user.email, "verified": True}
    )
    membership.tenant = offered.tenant
    return membership


def _renew(invitation: Invitation, secret: str) -> None:
    invitation.token_sha256 = secret_hash(secret)
    invitation.expires_at = timezone.now() + INVITATION_LIFE


def _locked(tenant: Tenant, invitation_id: UUID) -> Invitation:
    found = Invitation.objects.for_tenant(tenant).select_for_update().filter(pk=invitation_id).first()
    if found is None:
        raise NotFound("invitation")
    found.tenant = tenant
    return found


def _audit(action: str, invitation: Invitation, acting: Actor) -> None:
    audit_record(
        actor=acting.name,
        action=action,
        target=invitation,
        tenant=invitation.tenant,
        email=invitation.email,
        role=invitation.role,
    )


def _send(invitation: Invitation, secret: str) -> None:
    """The token stands after ``#``: browsers do not send that part, so that it is in no server's log."""
    by = f"{invitation.invited_by.email} invites you" if invitation.invited_by else "You are invited"
    try:
        send_mail(
            f"Invitation to {invitation.tenant.name}".replace("\n", " ").replace("\r", " "),
            f"{by} to join {invitation.tenant.name} on {settings.SITE_NAME}, as {invitation.role}.\n\n"
            f"{settings.ENV.public_url}/invitation#{secret}\n\n"
            f"The link can be used once, by {invitation.email}, until"
            f" {invitation.expires_at:%Y-%m-%d %H:%M} UTC. If you expect no invitation, do nothing.\n",
            None,
            [invitation.email],
        )
    except (SMTPException, OSError) as exc:
        raise PortalError(
            "The mail could not be sent; nobody has been invited. Try again later, or tell the operator.",
            code=ErrorCode.MAIL_UNAVAILABLE,
        ) from exc
