"""The outbox: order, retries, leases, and a receiver that is away for an hour."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from pytest_django.fixtures import Settings

from portal.common.scope import operator_scope, tenant_scope
from portal.tenants.models import Tenant
from portal.webhooks.delivering import (
    GIVE_UP_AFTER,
    LEASE,
    attempt_note,
    attempts_claim,
    deliver_due,
    pause_after,
)
from portal.webhooks.jobs import webhooks_deliver, webhooks_prune
from portal.webhooks.models import DeliveryState, EventType, Webhook, WebhookDelivery, WebhookEvent
from portal.webhooks.sender import Answer, Sender
from portal.webhooks.services import event_emit
from portal.webhooks.signing import signature
from tests.fakes.portal import Cast, make_webhook
from tests.fakes.receiver import Receiver, open_receiver

pytestmark = pytest.mark.database
SECRET = "whsec_" + "B" * 43 + "="
REFUSED = Answer(500, "answered 500", 1)


class Time:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC) + timedelta(minutes=10)

    def pass_by(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def time() -> Time:
    """Ten minutes after the events, however slowly the test runs."""
    return Time()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Answers 204 unless told otherwise."""
    with open_receiver() as opened:
        yield opened


def _emit(tenant: Tenant, subject: UUID, number: int) -> None:
    with tenant_scope(tenant.id):
        event_emit(
            tenant=tenant, type=EventType.DEPLOYMENT_CHANGED, subject=subject, data={"version": number}
        )


def _deliver(time: Time) -> int:
    return deliver_due(
        sender=Sender(is_private_allowed=True), now=lambda: time.now, is_time_left=lambda: True
    )


def _numbers(receiver: Receiver) -> list[int]:
    return [json.loads(request.body)["data"]["version"] for request in receiver.received]


def _deliveries() -> list[WebhookDelivery]:
    with operator_scope():
        return list(WebhookDelivery.objects.unscoped().order_by("event_id"))


def test_an_event_arrives_signed(cast: Cast, receiver: Receiver, time: Time) -> None:
    make_webhook(cast.acme.tenant, url=f"{receiver.url}/hook", secret=SECRET)
    _emit(cast.acme.tenant, uuid4(), 1)
    assert _deliver(time) == 1
    [request] = receiver.received
    told = json.loads(request.body)
    assert (told["type"], told["tenant"], told["data"]) == ("deployment.changed", "acme", {"version": 1})
    with operator_scope():
        assert request.headers["webhook-id"] == str(WebhookEvent.objects.unscoped().get().uid)
    assert request.headers["webhook-timestamp"] == str(int(time.now.timestamp()))
    assert request.headers["webhook-signature"] == signature(
        SECRET,
        uid=request.headers["webhook-id"],
        timestamp_s=int(time.now.timestamp()),
        body=request.body,
    )
    [delivery] = _deliveries()
    assert (delivery.state, delivery.status, delivery.num_attempts) == (DeliveryState.DELIVERED, 204, 1)
    assert _deliver(time) == 0


def test_events_of_one_task_arrive_in_order_after_a_receiver_was_away_for_an_hour(
    cast: Cast, receiver: Receiver, time: Time
) -> None:
    make_webhook(cast.acme.tenant, url=receiver.url)
    task = uuid4()
    receiver.answers = lambda request: (503, {})
    for minute in range(60):
        if minute % 20 == 0:
            _emit(cast.acme.tenant, task, minute // 20)
        _deliver(time)
        time.pass_by(minutes=1)
    assert set(_numbers(receiver)) == {0}  # the first holds up the others
    receiver.received.clear()
    receiver.answers = lambda request: (204, {})
    time.pass_by(seconds=pause_after(100).total_seconds())
    _deliver(time)
    assert _numbers(receiver) == [0, 1, 2]
    assert {delivery.state for delivery in _deliveries()} == {DeliveryState.DELIVERED}


def test_another_tasks_events_do_not_wait(cast: Cast, receiver: Receiver, time: Time) -> None:
    make_webhook(cast.acme.tenant, url=receiver.url)
    broken, sound = uuid4(), uuid4()
    receiver.answers = lambda request: (204 if b'"version":7' in request.body else 500, {})
    _emit(cast.acme.tenant, broken, 1)
    _emit(cast.acme.tenant, sound, 7)
    _deliver(time)
    assert {d.subject: d.state for d in _deliveries()} == {broken: "pending", sound: "delivered"}


def test_one_webhook_does_not_wait_for_another(cast: Cast, receiver: Receiver, time: Time) -> None:
    make_webhook(cast.acme.tenant, url=f"{receiver.url}/broken")
    make_webhook(cast.acme.tenant, url=f"{receiver.url}/sound")
    receiver.answers = lambda request: (500 if request.path == "/broken" else 200, {})
    task = uuid4()
    _emit(cast.acme.tenant, task, 1)
    _emit(cast.acme.tenant, task, 2)
    _deliver(time)
    sound = [json.loads(r.body)["data"]["version"] for r in receiver.received if r.path == "/sound"]
    assert sound == [1, 2]


def test_a_tenant_with_many_does_not_hold_up_another(cast: Cast, time: Time) -> None:
    make_webhook(cast.globex.tenant)
    make_webhook(cast.acme.tenant)
    for number in range(20):
        _emit(cast.globex.tenant, uuid4(), number)
    for number in range(2):
        _emit(cast.acme.tenant, uuid4(), number)
    claimed = [json.loads(attempt.body) for attempt in attempts_claim(now=time.now, max_attempts=8)]
    assert [told["data"]["version"] for told in claimed if told["tenant"] == "acme"] == [0, 1]
    assert [told["data"]["version"] for told in claimed if told["tenant"] == "globex"] == list(range(6))


def test_pauses_double_up_to_five_minutes() -> None:
    pauses = [pause_after(number).total_seconds() for number in range(1, 10)]
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert pause_after(10_000).total_seconds() == 300


def test_a_delivery_under_way_is_nobody_elses_until_its_lease_ends(cast: Cast, time: Time) -> None:
    make_webhook(cast.acme.tenant)
    _emit(cast.acme.tenant, uuid4(), 1)
    [first] = attempts_claim(now=time.now, max_attempts=8)
    assert attempts_claim(now=time.now, max_attempts=8) == []
    time.pass_by(seconds=LEASE.total_seconds())
    [second] = attempts_claim(now=time.now, max_attempts=8)
    assert (first.number, second.number) == (1, 2)
    attempt_note(attempt=first, answer=Answer(200, "", 1), now=time.now)  # too late: not its own any more
    assert _deliveries()[0].state == DeliveryState.PENDING
    attempt_note(attempt=second, answer=Answer(200, "", 1), now=time.now)
    assert _deliveries()[0].state == DeliveryState.DELIVERED


def test_after_three_days_it_is_given_up_and_the_next_one_is_tried(cast: Cast, time: Time) -> None:
    make_webhook(cast.acme.tenant)
    task = uuid4()
    _emit(cast.acme.tenant, task, 1)
    _emit(cast.acme.tenant, task, 2)
    time.pass_by(seconds=GIVE_UP_AFTER.total_seconds())
    [attempt] = attempts_claim(now=time.now, max_attempts=8)
    attempt_note(attempt=attempt, answer=REFUSED, now=time.now)
    assert [delivery.state for delivery in _deliveries()] == ["failed", "pending"]
    assert len(attempts_claim(now=time.now, max_attempts=8)) == 1


def test_an_event_of_a_transaction_that_is_undone_is_not_told(cast: Cast) -> None:
    make_webhook(cast.acme.tenant)
    with transaction.atomic():
        _emit(cast.acme.tenant, uuid4(), 1)
        transaction.set_rollback(True)
    assert _deliveries() == []


def test_only_events_that_are_wanted_are_noted_for_their_own_tenant(cast: Cast) -> None:
    make_webhook(cast.acme.tenant, events=[EventType.TRAINING_FAILED])
    make_webhook(cast.globex.tenant)
    _emit(cast.acme.tenant, uuid4(), 1)
    assert _deliveries() == []
    with operator_scope():
        assert not WebhookEvent.objects.unscoped().exists()


def test_a_paused_webhook_is_left_alone_and_goes_on_where_it_stopped(
    cast: Cast, receiver: Receiver, time: Time
) -> None:
    webhook = make_webhook(cast.acme.tenant, url=receiver.url)
    task = uuid4()
    _emit(cast.acme.tenant, task, 1)
    _set_active(webhook, False)
    _emit(cast.acme.tenant, task, 2)  # not noted: nobody listens
    assert _deliver(time) == 0
    _set_active(webhook, True)
    _deliver(time)
    assert _numbers(receiver) == [1]


def test_an_inactive_tenants_events_wait(cast: Cast, receiver: Receiver, time: Time) -> None:
    make_webhook(cast.acme.tenant, url=receiver.url)
    _emit(cast.acme.tenant, uuid4(), 1)
    with operator_scope():
        Tenant.objects.filter(pk=cast.acme.tenant.pk).update(is_active=False)
    assert _deliver(time) == 0
    with operator_scope():
        Tenant.objects.filter(pk=cast.acme.tenant.pk).update(is_active=True)
    _deliver(time)
    assert _numbers(receiver) == [1]


def test_for_a_day_after_a_rotation_both_secrets_sign(cast: Cast, receiver: Receiver, time: Time) -> None:
    webhook = make_webhook(cast.acme.tenant, url=receiver.url)
    client = cast.acme.client()
    assert client.post(f"{cast.acme.path}/webhooks/{webhook.pk}/rotate").status_code == 201
    for span, num_signatures in (({"hours": 0}, 2), ({"hours": 25}, 1)):
        time.pass_by(**span)
        _emit(cast.acme.tenant, uuid4(), 1)
        _deliver(time)
        assert len(receiver.received[-1].headers["webhook-signature"].split()) == num_signatures


def test_a_secret_that_cannot_be_read_any_more_holds_up_its_own_webhook_alone(
    cast: Cast, receiver: Receiver, time: Time
) -> None:
    broken = make_webhook(cast.acme.tenant, url=receiver.url)
    with tenant_scope(cast.acme.tenant.id):
        Webhook.objects.for_tenant(cast.acme.tenant).update(secret="sealed elsewhere")
    make_webhook(cast.globex.tenant, url=receiver.url)
    for tenant in (cast.acme.tenant, cast.globex.tenant):
        _emit(tenant, uuid4(), 1)
    _deliver(time)
    first, second = _deliveries()
    assert (first.state, first.error) == (
        "pending",
        "the signing secret cannot be read any more: rotate it",
    )
    assert second.state == "delivered"
    cast.acme.client().post(f"{cast.acme.path}/webhooks/{broken.pk}/rotate")
    time.pass_by(minutes=1)
    _deliver(time)
    assert _deliveries()[0].state == "delivered"


def test_an_attempt_that_breaks_is_noted_and_holds_up_no_others(
    cast: Cast, receiver: Receiver, time: Time
) -> None:
    broken = make_webhook(cast.globex.tenant, url="https://example.com/")
    make_webhook(cast.acme.tenant, url=receiver.url)
    _emit(cast.globex.tenant, uuid4(), 1)
    _emit(cast.acme.tenant, uuid4(), 2)

    class Breaking(Sender):
        def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Answer:
            if url == broken.url:
                raise UnicodeError("of a kind that nobody thought of")
            return super().post(url, headers=headers, body=body)

    def deliver() -> int:
        sender = Breaking(is_private_allowed=True)
        return deliver_due(sender=sender, now=lambda: time.now, is_time_left=lambda: True)

    assert deliver() == 2
    failed, delivered = _deliveries()
    assert (failed.state, failed.error) == (DeliveryState.PENDING, "could not be sent: tell the operator")
    assert delivered.state == DeliveryState.DELIVERED
    time.pass_by(seconds=GIVE_UP_AFTER.total_seconds())
    assert deliver() == 1
    assert _deliveries()[0].state == DeliveryState.FAILED
    assert _numbers(receiver) == [2]


def test_old_events_are_forgotten_unless_something_of_them_is_pending(cast: Cast, time: Time) -> None:
    make_webhook(cast.acme.tenant)
    _emit(cast.acme.tenant, uuid4(), 1)
    with operator_scope():
        WebhookEvent.objects.unscoped().update(created_at=time.now - timedelta(days=31))
    webhooks_prune()
    assert len(_deliveries()) == 1
    [attempt] = attempts_claim(now=time.now, max_attempts=8)
    attempt_note(attempt=attempt, answer=Answer(200, "", 1), now=time.now)
    webhooks_prune()
    assert _deliveries() == []


def _set_active(webhook: Webhook, is_active: bool) -> None:
    with tenant_scope(webhook.tenant_id):
        Webhook.objects.for_tenant(webhook.tenant).update(is_active=is_active)


def test_the_job_calls_private_addresses_only_where_the_operator_allows_it(
    cast: Cast, receiver: Receiver, settings: Settings
) -> None:
    make_webhook(cast.acme.tenant, url=receiver.url)
    for number, is_allowed in enumerate((False, True)):
        settings.ENV = settings.ENV.model_copy(update={"webhooks_private": is_allowed})
        _emit(cast.acme.tenant, uuid4(), number)
        webhooks_deliver()
    assert _numbers(receiver) == [1]
    assert [bool(delivery.error) for delivery in _deliveries()] == [True, False]
