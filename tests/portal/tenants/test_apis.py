"""The user, tenants, members and keys through the REST API."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.audit.models import AuditEntry
from portal.common.scope import operator_scope, tenant_scope
from portal.tenants import services
from portal.tenants.actors import OPERATOR
from portal.tenants.keys import secret_hash
from portal.tenants.models import ApiKey, Membership, Role, Tenant
from tests.fakes.portal import Cast, client_of, client_with, make_key, make_task, make_user
from wire.catalog import Scope

pytestmark = pytest.mark.database
JSON = "application/json"


def _code(answer: Any) -> str:
    return str(answer.json()["error"]["code"])


def test_me_tells_who_is_signed_in_and_where_they_belong(cast: Cast) -> None:
    body = cast.acme.client(Role.DEVELOPER).get("/api/v1/me").json()
    assert body["user"]["email"] == "developer@acme.example"
    assert [(place["tenant"]["slug"], place["role"]) for place in body["memberships"]] == [
        ("acme", "developer")
    ]
    assert client_of(cast.nobody).get("/api/v1/me").json()["memberships"] == []


def test_me_needs_a_session(cast: Cast, client: Client) -> None:
    answer = client.get("/api/v1/me")
    assert (answer.status_code, _code(answer)) == (401, "unauthenticated")
    assert client_with(make_key(cast.acme.tenant)).get("/api/v1/me").status_code == 401


def test_a_user_makes_a_tenant_and_owns_it(cast: Cast) -> None:
    client = client_of(cast.nobody)
    answer = client.post("/api/v1/tenants", {"name": "Initech & Co"}, content_type=JSON)
    assert answer.status_code == 201, answer.content
    assert answer.json()["slug"] == "initech-co"
    assert [place["role"] for place in client.get("/api/v1/me").json()["memberships"]] == ["owner"]
    with operator_scope():
        entry = AuditEntry.objects.unscoped().get(action="tenant.create")
    assert (entry.actor, str(entry.tenant_id)) == ("user:nobody@example.com", answer.json()["id"])


def test_a_user_owns_so_many_tenants_and_the_operator_any_number(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "MAX_TENANTS", 1)
    for user, status in ((cast.nobody, 409), (make_user("o@example.com", is_operator=True), 201)):
        client = client_of(user)
        assert client.post("/api/v1/tenants", {"name": "One"}, content_type=JSON).status_code == 201
        assert client.post("/api/v1/tenants", {"name": "Two"}, content_type=JSON).status_code == status


def test_a_tenant_has_so_many_keys_that_can_be_used(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a bound one tenant could fill what the inference service has for the keys of all."""
    monkeypatch.setattr(services, "MAX_KEYS", 2)
    owner, path = cast.acme.client(), f"{cast.acme.path}/keys"
    body = {"name": "k", "scopes": ["predict"]}
    made = [owner.post(path, body, content_type=JSON) for _ in range(3)]
    assert [answer.status_code for answer in made] == [201, 201, 409]
    assert "revoke one" in made[2].json()["error"]["message"]
    assert cast.globex.client().post(f"{cast.globex.path}/keys", body, content_type=JSON).status_code == 201
    assert owner.delete(f"{path}/{made[0].json()['id']}").status_code == 204
    assert owner.post(path, body, content_type=JSON).status_code == 201


def test_a_tenants_taken_name_gets_a_number(cast: Cast) -> None:
    answer = client_of(cast.nobody).post("/api/v1/tenants", {"name": "ACME"}, content_type=JSON)
    assert answer.json()["slug"] == "acme-2"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": "A", "slug": "acme"}, 409, "already_exists"),
        ({"name": "A", "slug": "No Good"}, 400, "invalid_field"),
        ({"name": "!!!"}, 400, "invalid_field"),
        ({"slug": "a"}, 400, "missing_field"),
    ],
)
def test_a_tenant_without_a_good_name_is_refused(
    cast: Cast, body: dict[str, str], status: int, code: str
) -> None:
    answer = client_of(cast.nobody).post("/api/v1/tenants", body, content_type=JSON)
    assert (answer.status_code, _code(answer)) == (status, code)
    with operator_scope():
        assert Tenant.objects.count() == 2


def test_a_tenant_is_seen_by_its_members_alone(cast: Cast, client: Client) -> None:
    assert cast.acme.client(Role.VIEWER).get(cast.acme.path).json()["name"] == "Acme"
    for stranger in (cast.globex.client(), client_of(cast.nobody)):
        answer = stranger.get(cast.acme.path)
        assert (answer.status_code, _code(answer)) == (404, "not_found")
    assert client.get(cast.acme.path).status_code == 401


def test_an_inactive_tenants_members_are_told_so(cast: Cast) -> None:
    secret = make_key(cast.acme.tenant)
    with operator_scope():
        Tenant.objects.filter(slug="acme").update(is_active=False)
    answer = cast.acme.client().get(cast.acme.path)
    assert (answer.status_code, _code(answer)) == (403, "forbidden")
    assert client_with(secret).get(cast.acme.path).status_code == 401


def _member(cast: Cast, role: Role) -> Membership:
    with tenant_scope(cast.acme.tenant.id):
        return Membership.objects.for_tenant(cast.acme.tenant).get(role=role)


def test_an_owner_changes_a_members_role_and_removes_them(cast: Cast) -> None:
    owner, viewer = cast.acme.client(), cast.acme.client(Role.VIEWER)
    path = f"{cast.acme.path}/members/{_member(cast, Role.VIEWER).id}"
    assert viewer.post(f"{cast.acme.path}/domains", {"name": "Law"}, content_type=JSON).status_code == 403
    answer = owner.put(path, {"role": "developer"}, content_type=JSON)
    assert (answer.status_code, answer.json()["role"]) == (200, "developer")
    assert viewer.post(f"{cast.acme.path}/domains", {"name": "Law"}, content_type=JSON).status_code == 201
    assert owner.delete(path).status_code == 204
    assert viewer.get(cast.acme.path).status_code == 404
    with tenant_scope(cast.acme.tenant.id):
        entries = AuditEntry.objects.for_tenant(cast.acme.tenant).filter(action__startswith="member.")
        assert [entry.action for entry in entries.order_by("id")] == ["member.role", "member.remove"]
        assert entries.get(action="member.role").details["new"] == "developer"


def test_a_role_that_there_is_not_is_refused(cast: Cast) -> None:
    path = f"{cast.acme.path}/members/{_member(cast, Role.VIEWER).id}"
    answer = cast.acme.client().put(path, {"role": "king"}, content_type=JSON)
    assert (answer.status_code, _code(answer)) == (400, "invalid_field")


def test_the_last_owner_can_neither_be_removed_nor_leave_nor_become_less(cast: Cast) -> None:
    client, path = cast.acme.client(), f"{cast.acme.path}/members"
    own = f"{path}/{_member(cast, Role.OWNER).id}"
    for answer in (
        client.delete(own),
        client.delete(f"{path}/me"),
        client.put(own, {"role": "viewer"}, content_type=JSON),
    ):
        assert (answer.status_code, _code(answer)) == (409, "conflict")
    second = f"{path}/{_member(cast, Role.VIEWER).id}"
    assert client.put(second, {"role": "owner"}, content_type=JSON).status_code == 200
    assert client.put(own, {"role": "viewer"}, content_type=JSON).status_code == 200


def test_a_member_who_was_just_removed_does_not_leave(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = Membership.objects.for_tenant(cast.acme.tenant).none()
    monkeypatch.setattr("portal.tenants.selectors.member_list", lambda *, tenant: nobody)
    answer = cast.acme.client(Role.VIEWER).delete(f"{cast.acme.path}/members/me")
    assert (answer.status_code, _code(answer)) == (404, "not_found")


def test_a_members_place_is_read_under_a_lock(cast: Cast) -> None:
    place = _member(cast, Role.VIEWER).pk
    with tenant_scope(cast.acme.tenant.id), CaptureQueriesContext(connection) as asked:
        services.member_role_set(
            tenant=cast.acme.tenant, membership_id=place, role=Role.DEVELOPER, acting=OPERATOR
        )
    reads = [
        query["sql"] for query in asked if query["sql"].startswith("SELECT") and place.hex in query["sql"]
    ]
    assert reads and all("FOR UPDATE" in sql for sql in reads)


def test_a_member_leaves_by_themselves_and_a_key_cannot(cast: Cast) -> None:
    viewer = cast.acme.client(Role.VIEWER)
    assert viewer.delete(f"{cast.acme.path}/members/me").status_code == 204
    assert viewer.get(cast.acme.path).status_code == 404
    answer = client_with(make_key(cast.acme.tenant)).delete(f"{cast.acme.path}/members/me")
    assert (answer.status_code, _code(answer)) == (404, "not_found")


def test_another_tenants_member_cannot_be_removed(cast: Cast) -> None:
    with tenant_scope(cast.globex.tenant.id):
        theirs = Membership.objects.for_tenant(cast.globex.tenant).get(role=Role.VIEWER)
    answer = cast.acme.client().delete(f"{cast.acme.path}/members/{theirs.id}")
    assert (answer.status_code, _code(answer)) == (404, "not_found")
    with tenant_scope(cast.globex.tenant.id):
        assert Membership.objects.for_tenant(cast.globex.tenant).filter(pk=theirs.pk).exists()


@pytest.mark.parametrize("part", ["invitations", "keys"])
def test_only_an_owner_invites_and_makes_keys(cast: Cast, part: str) -> None:
    for role in (Role.DEVELOPER, Role.VIEWER):
        answer = cast.acme.client(role).post(f"{cast.acme.path}/{part}", {}, content_type=JSON)
        assert (answer.status_code, _code(answer)) == (403, "forbidden")


@pytest.mark.parametrize("part", ["invitations", "keys"])
def test_another_tenants_invitations_and_keys_are_not_there(cast: Cast, part: str) -> None:
    for stranger in (cast.globex.client(), client_of(cast.nobody)):
        assert stranger.get(f"{cast.acme.path}/{part}").status_code == 404
        assert stranger.post(f"{cast.acme.path}/{part}", {}, content_type=JSON).status_code == 404


def test_a_keys_text_is_shown_once_and_kept_as_a_hash(cast: Cast) -> None:
    owner, path = cast.acme.client(), f"{cast.acme.path}/keys"
    answer = owner.post(path, {"name": "app", "scopes": ["predict"]}, content_type=JSON)
    assert answer.status_code == 201, answer.content
    secret = answer.json()["secret"]
    assert secret.startswith("hmi_") and len(secret) == 47
    [listed] = owner.get(path).json()["results"]
    assert "secret" not in listed and listed["prefix"] == secret[:12]
    with tenant_scope(cast.acme.tenant.id):
        key = ApiKey.objects.for_tenant(cast.acme.tenant).get()
    assert bytes(key.key_sha256) == hashlib.sha256(secret.encode()).digest()


def test_a_key_can_be_bound_to_a_task_and_end(cast: Cast) -> None:
    make_task(cast.acme.tenant)
    at = (timezone.now() + timedelta(days=1)).isoformat()
    body = {"name": "app", "scopes": ["predict"], "task": "news", "expires_at": at}
    answer = cast.acme.client().post(f"{cast.acme.path}/keys", body, content_type=JSON)
    assert answer.status_code == 201, answer.content
    assert answer.json()["task"] == "news"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"scopes": []}, 400, "invalid_field"),
        ({"scopes": ["rule"]}, 400, "invalid_field"),
        ({"name": ""}, 400, "invalid_field"),
        ({"task": "theirs"}, 404, "not_found"),
        ({"task": "news", "scopes": ["manage"]}, 400, "invalid_field"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, 400, "invalid_field"),
        ({"expires_at": "soon"}, 400, "invalid_field"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(
    cast: Cast, change: dict[str, Any], status: int, code: str
) -> None:
    make_task(cast.acme.tenant, "news")
    make_task(cast.globex.tenant, "theirs")
    body = {"name": "app", "scopes": ["predict"], **change}
    answer = cast.acme.client().post(f"{cast.acme.path}/keys", body, content_type=JSON)
    assert (answer.status_code, _code(answer)) == (status, code)
    with tenant_scope(cast.acme.tenant.id):
        assert not ApiKey.objects.for_tenant(cast.acme.tenant).exists()


def test_a_revoked_key_is_refused(cast: Cast) -> None:
    secret = make_key(cast.acme.tenant)
    assert client_with(secret).get(cast.acme.path).status_code == 200
    owner, path = cast.acme.client(), f"{cast.acme.path}/keys"
    [listed] = owner.get(path).json()["results"]
    assert listed["last_used_at"] is not None
    assert owner.delete(f"{path}/{listed['id']}").status_code == 204
    answer = client_with(secret).get(cast.acme.path)
    assert (answer.status_code, _code(answer)) == (401, "invalid_key")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert owner.get(path).json()["count"] == 0
    assert owner.delete(f"{path}/{listed['id']}").status_code == 404


def test_another_tenants_key_cannot_be_revoked(cast: Cast) -> None:
    secret = make_key(cast.globex.tenant)
    with tenant_scope(cast.globex.tenant.id):
        key = ApiKey.objects.for_tenant(cast.globex.tenant).get()
    assert cast.acme.client().delete(f"{cast.acme.path}/keys/{key.id}").status_code == 404
    assert client_with(secret).get(cast.globex.path).status_code == 200


def _only_key(cast: Cast) -> ApiKey:
    with tenant_scope(cast.acme.tenant.id):
        return ApiKey.objects.for_tenant(cast.acme.tenant).select_related("task").get()


def _rotate(cast: Cast, key: ApiKey, **body: int) -> Any:
    return cast.acme.client().post(f"{cast.acme.path}/keys/{key.pk}/rotate", body, content_type=JSON)


def test_a_rotated_key_is_valid_beside_the_new_one_for_its_grace(cast: Cast) -> None:
    old = make_key(cast.acme.tenant)
    answer = _rotate(cast, _only_key(cast), grace_s=60)
    assert answer.status_code == 201, answer.content
    new = answer.json()
    assert (new["name"], new["scopes"], new["expires_at"]) == ("test", ["manage"], None)
    for secret in (old, new["secret"]):
        assert client_with(secret).get(cast.acme.path).status_code == 200
    listed = {key["id"]: key for key in cast.acme.client().get(f"{cast.acme.path}/keys").json()["results"]}
    [rotated] = [key for key in listed.values() if key["replaced_by"] is not None]
    assert rotated["replaced_by"] == new["id"]
    ends_at = datetime.fromisoformat(rotated["expires_at"])
    assert timedelta(seconds=50) < ends_at - timezone.now() < timedelta(seconds=61)
    with tenant_scope(cast.acme.tenant.id):
        assert AuditEntry.objects.for_tenant(cast.acme.tenant).filter(action="key.rotate").count() == 1


def test_without_grace_the_old_key_ends_at_once(cast: Cast) -> None:
    old = make_key(cast.acme.tenant)
    new = _rotate(cast, _only_key(cast), grace_s=0).json()
    assert client_with(old).get(cast.acme.path).status_code == 401
    assert client_with(new["secret"]).get(cast.acme.path).status_code == 200


def test_a_rotation_keeps_task_and_expiry_and_never_lengthens_the_old_keys_life(cast: Cast) -> None:
    make_key(
        cast.acme.tenant,
        scopes=(Scope.PREDICT,),
        task=make_task(cast.acme.tenant),
        expires_in=timedelta(hours=1),
    )
    key = _only_key(cast)
    new = _rotate(cast, key).json()  # a day of grace
    assert new["task"] == "news"
    assert datetime.fromisoformat(new["expires_at"]) == key.expires_at
    with tenant_scope(cast.acme.tenant.id):
        after = ApiKey.objects.for_tenant(cast.acme.tenant).get(pk=key.pk)
    assert (after.expires_at, str(after.replaced_by_id)) == (key.expires_at, new["id"])


def test_a_key_that_was_rotated_revoked_or_has_expired_is_not_rotated(cast: Cast) -> None:
    make_key(cast.acme.tenant)
    rotated = _only_key(cast)
    _rotate(cast, rotated)
    assert _code(_rotate(cast, rotated)) == "conflict"
    expired = make_key(cast.acme.tenant, expires_in=timedelta(seconds=-1))
    revoked = make_key(cast.acme.tenant, is_revoked=True)
    with tenant_scope(cast.acme.tenant.id):
        keys = ApiKey.objects.for_tenant(cast.acme.tenant)
        ended = [keys.get(key_sha256=secret_hash(secret)) for secret in (expired, revoked)]
    assert [_code(_rotate(cast, key)) for key in ended] == ["conflict", "not_found"]


@pytest.mark.parametrize("grace_s", [-1, 30 * 24 * 3600 + 1])
def test_a_grace_time_out_of_bounds_is_refused(cast: Cast, grace_s: int) -> None:
    make_key(cast.acme.tenant)
    assert _code(_rotate(cast, _only_key(cast), grace_s=grace_s)) == "invalid_field"


@pytest.mark.parametrize("secret", ["hmi_wrong", "sk-foreign", ""])
def test_a_wrong_key_is_refused(cast: Cast, secret: str) -> None:
    answer = client_with(secret).get(cast.acme.path)
    assert (answer.status_code, _code(answer)) == (401, "invalid_key")


def test_an_expired_key_is_refused(cast: Cast) -> None:
    secret = make_key(cast.acme.tenant, expires_in=timedelta(seconds=-1))
    assert client_with(secret).get(cast.acme.path).status_code == 401


def test_a_key_for_predictions_may_not_manage(cast: Cast) -> None:
    secret = make_key(cast.acme.tenant, scopes=(Scope.PREDICT,))
    answer = client_with(secret).get(cast.acme.path)
    assert (answer.status_code, _code(answer)) == (403, "forbidden")


def test_a_key_opens_its_own_tenant_alone_and_as_a_developer(cast: Cast) -> None:
    client = client_with(make_key(cast.acme.tenant))
    assert client.get(cast.globex.path).status_code == 404
    assert client.post(f"{cast.acme.path}/domains", {"name": "Law"}, content_type=JSON).status_code == 201
    for part in ("keys", "invitations"):
        assert client.post(f"{cast.acme.path}/{part}", {}, content_type=JSON).status_code == 403
    with tenant_scope(cast.acme.tenant.id):
        actor = AuditEntry.objects.for_tenant(cast.acme.tenant).get(action="domain.create").actor
    assert actor.startswith("key:")


def test_a_playground_token_is_for_one_task_and_a_quarter_of_an_hour(cast: Cast) -> None:
    task = make_task(cast.acme.tenant)
    path = f"{cast.acme.path}/playground-token"
    answer = cast.acme.client(Role.DEVELOPER).post(path, {"task": "news"}, content_type=JSON)
    assert answer.status_code == 201, answer.content
    assert answer.json()["secret"].startswith("hmi_")
    with tenant_scope(cast.acme.tenant.id):
        key = ApiKey.objects.for_tenant(cast.acme.tenant).get()
    assert (key.task_id, key.scopes, key.kind) == (task.id, ["predict"], "playground")
    assert key.expires_at is not None
    assert timedelta(minutes=14) < key.expires_at - timezone.now() <= timedelta(minutes=15)
    assert cast.acme.client().get(f"{cast.acme.path}/keys").json()["count"] == 0


def test_a_playground_token_needs_a_developer_and_a_task_of_the_tenant(cast: Cast) -> None:
    make_task(cast.globex.tenant, "theirs")
    path = f"{cast.acme.path}/playground-token"
    assert cast.acme.client(Role.VIEWER).post(path, {"task": "theirs"}, content_type=JSON).status_code == 403
    assert cast.acme.client().post(path, {"task": "theirs"}, content_type=JSON).status_code == 404
    assert cast.globex.client().post(path, {"task": "theirs"}, content_type=JSON).status_code == 404
    assert cast.acme.client().post(path, {}, content_type=JSON).status_code == 400


def test_users_of_the_same_tenant_are_all_listed(cast: Cast) -> None:
    make_user("other@example.com")
    emails = [
        row["email"]
        for row in cast.acme.client(Role.VIEWER).get(f"{cast.acme.path}/members").json()["results"]
    ]
    assert emails == ["developer@acme.example", "owner@acme.example", "viewer@acme.example"]
