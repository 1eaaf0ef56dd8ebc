"""Webhooks through the REST API, and the events that the platform's own services tell."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from portal.audit.models import AuditEntry
from portal.common.errors import NotFound
from portal.common.scope import operator_scope, tenant_scope
from portal.common.sealing import unseal
from portal.tenants.actors import actor_of_user
from portal.tenants.models import Role
from portal.training.leases import job_claim
from portal.training.models import TrainingJob
from portal.training.outcomes import JobError, job_fail
from portal.webhooks.delivering import attempt_note, attempts_claim
from portal.webhooks.models import DeliveryState, EventType, Webhook, WebhookDelivery, WebhookEvent
from portal.webhooks.selectors import webhook_get
from portal.webhooks.sender import Answer
from portal.webhooks.services import (
    WebhookChange,
    webhook_change,
    webhook_delete,
    webhook_ping,
    webhook_rotate,
)
from tests.fakes.portal import Cast, make_dataset, make_job, make_task, make_version, make_webhook
from wire.errors import ErrorCode
from wire.ids import JobId

pytestmark = pytest.mark.database
JSON = "application/json"
URL = "https://hooks.example.com/hmi"


def _make(cast: Cast, **change: Any) -> Any:
    body = {"name": "ops", "url": URL, "events": ["training.failed"], **change}
    return cast.acme.client(Role.DEVELOPER).post(f"{cast.acme.path}/webhooks", body, content_type=JSON)


def _code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def _told() -> list[tuple[str, dict[str, Any]]]:
    with operator_scope():
        return list(WebhookEvent.objects.unscoped().order_by("id").values_list("type", "data"))


def test_a_webhooks_secret_is_shown_once_and_kept_sealed(cast: Cast) -> None:
    answer = _make(cast)
    assert answer.status_code == 201, answer.content
    secret = answer.json()["secret"]
    path = f"{cast.acme.path}/webhooks/{answer.json()['id']}"
    assert "secret" not in cast.acme.client().get(path).json()
    with tenant_scope(cast.acme.tenant.id):
        kept = Webhook.objects.for_tenant(cast.acme.tenant).get()
        entry = AuditEntry.objects.for_tenant(cast.acme.tenant).get(action="webhook.create")
    assert secret not in kept.secret and unseal(kept.secret) == secret
    assert secret not in str(entry.details)


def test_a_webhook_is_changed_paused_and_deleted(cast: Cast) -> None:
    client, path = cast.acme.client(Role.DEVELOPER), f"{cast.acme.path}/webhooks"
    one = f"{path}/{_make(cast).json()['id']}"
    change = {"events": ["dataset.ready", "dataset.ready"], "is_active": False}
    changed = client.patch(one, change, content_type=JSON).json()
    assert (changed["events"], changed["is_active"], changed["url"]) == (["dataset.ready"], False, URL)
    assert client.delete(one).status_code == 204
    assert client.get(path).json()["count"] == 0


@pytest.mark.parametrize(
    "change",
    [
        {"url": "http://hooks.example.com/"},
        {"url": "https://10.1.2.3/"},
        {"url": "nonsense"},
        {"events": []},
        {"events": ["ping"]},
        {"events": ["all.of.them"]},
        {"name": ""},
    ],
)
def test_a_webhook_that_makes_no_sense_is_refused(cast: Cast, change: dict[str, Any]) -> None:
    assert _code(_make(cast, **change)) == (400, "invalid_field")
    one = f"{cast.acme.path}/webhooks/{make_webhook(cast.acme.tenant).pk}"
    assert _code(cast.acme.client().patch(one, change, content_type=JSON)) == (400, "invalid_field")


def test_there_is_an_end_to_webhooks(cast: Cast) -> None:
    for _ in range(20):
        make_webhook(cast.acme.tenant)
    assert _code(_make(cast)) == (409, "conflict")


def test_a_rotation_answers_another_secret(cast: Cast) -> None:
    made = _make(cast).json()
    answer = cast.acme.client().post(f"{cast.acme.path}/webhooks/{made['id']}/rotate")
    assert answer.status_code == 201, answer.content
    assert answer.json()["secret"] != made["secret"]
    assert answer.json()["old_ends_at"] is not None


def test_a_ping_is_delivered_listed_and_replayed_with_its_own_id(cast: Cast) -> None:
    client = cast.acme.client()
    path = f"{cast.acme.path}/webhooks/{make_webhook(cast.acme.tenant).pk}"
    first = client.post(f"{path}/ping").json()
    assert (first["type"], first["state"]) == ("ping", "pending")
    [attempt] = attempts_claim(now=timezone.now(), max_attempts=8)
    attempt_note(attempt=attempt, answer=Answer(200, "", 12), now=timezone.now())
    again = client.post(f"{path}/deliveries/{first['id']}/replay")
    assert again.status_code == 201, again.content
    assert (again.json()["event_id"], again.json()["state"]) == (first["event_id"], "pending")
    listed = client.get(f"{path}/deliveries?state=delivered&type=ping").json()["results"]
    assert [(one["id"], one["status"], one["duration_ms"]) for one in listed] == [(first["id"], 200, 12)]
    assert client.get(f"{path}/deliveries?type=dataset.ready").json()["count"] == 0
    assert "webhook" in client.get(f"{path}/deliveries/{first['id']}").json()["payload"]


def test_a_replay_waits_for_nothing_and_holds_nothing_up(cast: Cast) -> None:
    webhook = make_webhook(cast.acme.tenant)
    version = make_version(make_task(cast.acme.tenant))
    client = cast.acme.client()
    deployments = f"{cast.acme.path}/tasks/news/deployments"
    assert client.post(deployments, {"version": version.number}, content_type=JSON).status_code == 201
    with operator_scope():
        failed = WebhookDelivery.objects.unscoped().get()
        WebhookDelivery.objects.unscoped().update(state=DeliveryState.FAILED)
    assert client.delete(f"{deployments}/current").status_code == 204
    path = f"{cast.acme.path}/webhooks/{webhook.pk}/deliveries/{failed.pk}/replay"
    assert client.post(path).status_code == 201
    assert len(attempts_claim(now=timezone.now(), max_attempts=8)) == 2


def test_what_waits_to_be_tried_again_is_tried_at_once_after_what_comes_before_it(cast: Cast) -> None:
    webhook = make_webhook(cast.acme.tenant)
    version = make_version(make_task(cast.acme.tenant))
    now = timezone.now() + timedelta(minutes=10)  # after the events, however slowly the test runs
    client = cast.acme.client()
    deployments = f"{cast.acme.path}/tasks/news/deployments"
    assert client.post(deployments, {"version": version.number}, content_type=JSON).status_code == 201
    [attempt] = attempts_claim(now=now, max_attempts=8)
    attempt_note(attempt=attempt, answer=Answer(500, "answered 500", 12), now=now)
    assert client.delete(f"{deployments}/current").status_code == 204
    path = f"{cast.acme.path}/webhooks/{webhook.pk}"
    second, first = client.get(f"{path}/deliveries?state=pending").json()["results"]
    assert attempts_claim(now=now, max_attempts=8) == [], "the first waits, and the second for it"
    answer = client.post(f"{path}/deliveries/{second['id']}/replay")
    assert (answer.status_code, answer.json()["id"]) == (200, second["id"])
    [attempt] = attempts_claim(now=now, max_attempts=8)
    assert str(attempt.delivery_id) == first["id"]
    attempt_note(attempt=attempt, answer=Answer(204, "", 12), now=now)
    assert [str(one.delivery_id) for one in attempts_claim(now=now, max_attempts=8)] == [second["id"]]
    assert client.get(f"{path}/deliveries").json()["count"] == 2, "nothing was made for it"


def test_nothing_is_tried_for_a_paused_webhook(cast: Cast) -> None:
    path = f"{cast.acme.path}/webhooks/{make_webhook(cast.acme.tenant).pk}"
    client = cast.acme.client()
    waiting = client.post(f"{path}/ping").json()["id"]
    client.patch(path, {"is_active": False}, content_type=JSON)
    assert _code(client.post(f"{path}/deliveries/{waiting}/replay")) == (409, "conflict")


def test_a_paused_webhook_is_not_pinged(cast: Cast) -> None:
    webhook = make_webhook(cast.acme.tenant)
    one = f"{cast.acme.path}/webhooks/{webhook.pk}"
    cast.acme.client().patch(one, {"is_active": False}, content_type=JSON)
    assert _code(cast.acme.client().post(f"{one}/ping")) == (409, "conflict")


def test_a_delivery_is_found_under_its_own_webhook_alone(cast: Cast) -> None:
    client = cast.acme.client()
    one, other = (f"{cast.acme.path}/webhooks/{make_webhook(cast.acme.tenant).pk}" for _ in range(2))
    delivery = client.post(f"{one}/ping").json()["id"]
    assert client.get(f"{one}/deliveries/{delivery}").status_code == 200
    assert _code(client.get(f"{other}/deliveries/{delivery}")) == (404, "not_found")


def test_datasets_tell_whether_they_are_ready(cast: Cast) -> None:
    make_webhook(cast.acme.tenant)
    rows = b"".join(b"film %d,%s\n" % (n, b"pos" if n % 2 else b"neg") for n in range(40))
    for content in (b"text,label\n" + rows, b"text,label\nragged\n" + rows):
        file = SimpleUploadedFile("a.csv", content)
        answer = cast.acme.client().post(f"{cast.acme.path}/datasets", {"file": file})
        assert answer.status_code == 201, answer.content
    (ready, first), (blocked, _) = _told()
    assert (ready, blocked) == ("dataset.ready", "dataset.blocked")
    assert (first["num_rows"], first["version"]) == (40, 1)


def test_deploying_and_undeploying_are_told(cast: Cast) -> None:
    make_webhook(cast.acme.tenant)
    version = make_version(make_task(cast.acme.tenant))
    deployments = f"{cast.acme.path}/tasks/news/deployments"
    cast.acme.client().post(deployments, {"version": version.number}, content_type=JSON)
    cast.acme.client().delete(f"{deployments}/current")
    assert _told() == [
        ("deployment.changed", {"task": "news", "version": 1}),
        ("deployment.changed", {"task": "news", "version": None}),
    ]


def test_a_failed_training_is_told_with_its_error(cast: Cast) -> None:
    make_webhook(cast.acme.tenant, events=[EventType.TRAINING_FAILED])
    job = make_job(make_task(cast.acme.tenant), make_dataset(cast.acme.tenant))
    lease = job_claim(TrainingJob, job_id=JobId(str(job.pk)), lease_s=60)
    assert lease is not None
    job_fail(lease=lease, error=JobError(ErrorCode.DATASET_ONE_LABEL, "all rows have one label"))
    [(kind, data)] = _told()
    assert kind == "training.failed"
    assert (data["task"], data["training"], data["error"]["code"]) == (
        "news",
        str(job.pk),
        "dataset_one_label",
    )


def test_of_two_changes_at_once_neither_is_lost(cast: Cast) -> None:
    owner = actor_of_user(cast.acme.owner)
    with tenant_scope(cast.acme.tenant.id):
        made = make_webhook(cast.acme.tenant)
        first, second, third = (webhook_get(tenant=made.tenant, webhook_id=made.pk) for _ in range(3))
        webhook_change(
            webhook=first, change=WebhookChange(name="renamed"), is_private_allowed=False, acting=owner
        )
        webhook_change(
            webhook=second, change=WebhookChange(is_active=False), is_private_allowed=False, acting=owner
        )
        once, twice = (webhook_rotate(webhook=one, acting=owner) for one in (second, third))
        kept = webhook_get(tenant=made.tenant, webhook_id=made.pk)
    assert (kept.name, kept.is_active) == ("renamed", False)
    assert (unseal(kept.old_secret), unseal(kept.secret)) == (once.secret, twice.secret)


def test_what_is_done_to_a_webhook_that_was_just_deleted_is_not_found(cast: Cast) -> None:
    owner = actor_of_user(cast.acme.owner)
    with tenant_scope(cast.acme.tenant.id):
        made = make_webhook(cast.acme.tenant)
        gone = webhook_get(tenant=made.tenant, webhook_id=made.pk)
        webhook_delete(webhook=webhook_get(tenant=made.tenant, webhook_id=made.pk), acting=owner)
        change = WebhookChange(name="late")
        for late in (
            partial(webhook_change, change=change, is_private_allowed=False),
            webhook_rotate,
            webhook_ping,
            webhook_delete,
        ):
            with pytest.raises(NotFound):
                late(webhook=gone, acting=owner)
