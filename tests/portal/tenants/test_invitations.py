"""Inviting people by mail, and what becomes of an invitation."""

import re
from datetime import timedelta
from smtplib import SMTPException
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from portal.audit.models import AuditEntry
from portal.common.scope import key_scope, operator_scope, tenant_scope
from portal.tenants.keys import secret_hash
from portal.tenants.models import Invitation, Membership, Role, Tenant
from tests.fakes.portal import Cast, client_of

pytestmark = pytest.mark.database
JSON = "application/json"
NOBODY = "nobody@example.com"


class BrokenMail(BaseEmailBackend):
    """A mail server that takes nothing."""

    def send_messages(self, email_messages: object) -> int:
        raise SMTPException("421 not now")


def _invite(cast: Cast, email: str = NOBODY, role: str = "developer") -> Any:
    body = {"email": email, "role": role}
    return cast.acme.client().post(f"{cast.acme.path}/invitations", body, content_type=JSON)


def _token() -> str:
    """The one in the newest mail."""
    found = re.search(r"http://testserver/invitation#(\S+)", str(mail.outbox[-1].body))
    assert found is not None
    return found[1]


def _accept(client: Client, token: str) -> Any:
    return client.post("/api/v1/invitations/accept", {"token": token}, content_type=JSON)


def _look(token: str) -> Any:
    return Client().post("/api/v1/invitations/look", {"token": token}, content_type=JSON)


def _expire(cast: Cast) -> None:
    with tenant_scope(cast.acme.tenant.id):
        past = timezone.now() - timedelta(seconds=1)
        Invitation.objects.for_tenant(cast.acme.tenant).update(expires_at=past)


def _code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def _actions(cast: Cast) -> list[str]:
    with tenant_scope(cast.acme.tenant.id):
        entries = AuditEntry.objects.for_tenant(cast.acme.tenant).filter(action__startswith="invitation.")
        return list(entries.order_by("id").values_list("action", flat=True))


def test_who_is_invited_gets_a_mail_and_joins_with_it(cast: Cast) -> None:
    answer = _invite(cast, email="Nobody@Example.com")
    assert answer.status_code == 201, answer.content
    assert [message.to for message in mail.outbox] == [[NOBODY]]
    assert "owner@acme.example invites you to join Acme" in str(mail.outbox[0].body)
    offer = _look(_token()).json()
    assert (offer["tenant"], offer["email"], offer["role"]) == ("Acme", NOBODY, "developer")
    client = client_of(cast.nobody)
    joined = _accept(client, _token())
    assert joined.status_code == 200, joined.content
    assert (joined.json()["tenant"]["slug"], joined.json()["role"]) == ("acme", "developer")
    assert client.get(cast.acme.path).status_code == 200
    assert EmailAddress.objects.get(user=cast.nobody).verified
    assert cast.acme.client().get(f"{cast.acme.path}/invitations").json()["count"] == 0
    assert _actions(cast) == ["invitation.create", "invitation.accept"]


def test_a_newcomer_signs_up_and_joins(cast: Cast, client: Client) -> None:
    _invite(cast, email="ada@example.com")
    token = _token()
    body = {"email": "ada@example.com", "password": "correct horse battery staple"}
    signed_up = client.post("/_allauth/browser/v1/auth/signup", body, content_type=JSON)
    assert signed_up.status_code == 200, signed_up.content
    assert _accept(client, token).status_code == 200
    assert [place["role"] for place in client.get("/api/v1/me").json()["memberships"]] == ["developer"]
    assert EmailAddress.objects.get(email="ada@example.com").verified


def test_a_token_is_valid_once(cast: Cast) -> None:
    _invite(cast)
    client = client_of(cast.nobody)
    assert _accept(client, _token()).status_code == 200
    assert _code(_accept(client, _token())) == (404, "not_found")
    assert _code(_look(_token())) == (404, "not_found")


def test_what_is_accepted_is_read_under_a_lock(cast: Cast) -> None:
    """Of two who accept at once, or of one and its revoking, the second finds nothing."""
    _invite(cast)
    with CaptureQueriesContext(connection) as asked:
        assert _accept(client_of(cast.nobody), _token()).status_code == 200
    reads = [query["sql"] for query in asked if query["sql"].startswith("SELECT")]
    assert any('FROM "invitation"' in sql and "FOR UPDATE" in sql for sql in reads)


def test_a_token_is_kept_as_a_hash_and_in_no_audit_row(cast: Cast) -> None:
    _invite(cast)
    with tenant_scope(cast.acme.tenant.id):
        kept = Invitation.objects.for_tenant(cast.acme.tenant).get()
        entry = AuditEntry.objects.for_tenant(cast.acme.tenant).get(action="invitation.create")
    assert bytes(kept.token_sha256) == secret_hash(_token())
    assert _token() not in str(entry.details)


def test_an_expired_token_is_refused(cast: Cast) -> None:
    _invite(cast)
    _expire(cast)
    assert _code(_accept(client_of(cast.nobody), _token())) == (404, "not_found")
    assert _invite(cast).status_code == 201  # the expired one is not in the way


def test_another_users_session_is_refused_with_both_addresses(cast: Cast) -> None:
    _invite(cast)
    answer = _accept(cast.globex.client(), _token())
    assert _code(answer) == (403, "forbidden")
    assert NOBODY in answer.json()["error"]["message"]
    assert _accept(client_of(cast.nobody), _token()).status_code == 200


def test_a_revoked_invitation_ends(cast: Cast) -> None:
    identifier = _invite(cast).json()["id"]
    assert cast.acme.client().delete(f"{cast.acme.path}/invitations/{identifier}").status_code == 204
    assert _code(_accept(client_of(cast.nobody), _token())) == (404, "not_found")
    assert _actions(cast) == ["invitation.create", "invitation.revoke"]


def test_sending_again_ends_the_old_link_and_renews_one_that_has_expired(cast: Cast) -> None:
    identifier = _invite(cast).json()["id"]
    old = _token()
    _expire(cast)
    answer = cast.acme.client().post(f"{cast.acme.path}/invitations/{identifier}/resend")
    assert answer.status_code == 200, answer.content
    assert _code(_look(old)) == (404, "not_found")
    assert _look(_token()).status_code == 200


def test_a_member_and_an_invited_address_are_not_invited_again(cast: Cast) -> None:
    assert _code(_invite(cast, email="Viewer@acme.example")) == (409, "already_exists")
    assert _invite(cast).status_code == 201
    assert _code(_invite(cast)) == (409, "already_exists")


def test_inviting_tells_nothing_of_who_has_signed_up(cast: Cast) -> None:
    known, unknown = _invite(cast).json(), _invite(cast, email="ghost@example.com").json()
    assert known.keys() == unknown.keys()


def test_when_the_mail_cannot_be_sent_nobody_is_invited(cast: Cast, settings: Settings) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.BrokenMail"
    assert _code(_invite(cast)) == (503, "mail_unavailable")
    with tenant_scope(cast.acme.tenant.id):
        assert not Invitation.objects.for_tenant(cast.acme.tenant).exists()
    assert _actions(cast) == []


def test_an_inactive_tenants_invitation_is_not_found(cast: Cast) -> None:
    _invite(cast)
    with operator_scope():
        Tenant.objects.filter(slug="acme").update(is_active=False)
    assert _code(_accept(client_of(cast.nobody), _token())) == (404, "not_found")


def test_accepting_as_a_member_keeps_the_role_that_one_has(cast: Cast) -> None:
    _invite(cast)
    with tenant_scope(cast.acme.tenant.id):
        Membership(tenant=cast.acme.tenant, user=cast.nobody, role=Role.VIEWER).save()
    assert _accept(client_of(cast.nobody), _token()).json()["role"] == "viewer"
    assert _code(_look(_token())) == (404, "not_found")


def test_the_token_opens_its_own_row_alone_and_changes_nothing(cast: Cast) -> None:
    _invite(cast)
    _invite(cast, email="ghost@example.com")
    with key_scope(secret_hash(_token())):
        assert [found.email for found in Invitation.objects.unscoped()] == ["ghost@example.com"]
        assert Invitation.objects.unscoped().update(role=Role.OWNER) == 0
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            Membership(tenant=cast.acme.tenant, user=cast.nobody, role=Role.OWNER).save(force_insert=True)
