"""Old rows are deleted in batches, and nothing that is told of events changes."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.forms.models import model_to_dict
from django.utils import timezone

from portal.common import pruning
from portal.common.models import IdempotencyRecord
from portal.common.scope import operator_scope, tenant_scope
from portal.config.env import PortalSettings
from portal.tenants.models import ApiKey, Role
from portal.usage import jobs
from portal.usage.models import ComparisonEvent, TrialFigures, UsageEvent
from portal.usage.services import usage_prune
from tests.fakes.portal import Cast, Member, make_key, make_task, make_version

pytestmark = pytest.mark.database
KEPT_FOR = timedelta(days=5)
REPORT = {"coverage": {"trigram": 0.7, "bigram": 0.2, "unigram": 0.1, "exact": 0.0}}
DAYS_AGO = (0, 4, 6, 7, 8, 40)


def use(member: Member) -> None:
    """A deployed version with events of all of DAYS_AGO, and a trial's comparisons."""
    task = make_task(member.tenant)
    make_key(member.tenant)
    key = key_of(member)
    version = make_version(task)
    with operator_scope():
        type(version).objects.unscoped().filter(pk=version.pk).update(report=REPORT)
    path = f"{member.path}/tasks/news/deployments"
    member.client().post(path, {"version": 1}, content_type="application/json")
    trial_id = uuid4()
    for days_ago in DAYS_AGO:
        created_at = timezone.now() - timedelta(days=days_ago)
        event = UsageEvent(
            tenant_id=member.tenant.pk,
            task_id=task.pk,
            key_id=key.pk,
            version_id=version.pk,
            created_at=created_at,
            num_texts=150,
            num_tokens=1000,
            num_truncated=1,
            num_trigram_tokens=100 + days_ago,
            score_counts=[0] * 14 + [150],
            label_counts=[75, 75],
            latency_ms=4.0,
        )
        compared = ComparisonEvent(
            tenant_id=member.tenant.pk,
            trial_id=trial_id,
            created_at=created_at,
            num_texts=10,
            has_live_failed=False,
            has_trial_failed=False,
            num_agreed=9,
            live_ms=1.0,
            trial_ms=2.0,
            difference=0.1,
            difference_counts=[10],
        )
        with operator_scope():
            event.save(force_insert=True)
            compared.save(force_insert=True)


def key_of(member: Member) -> ApiKey:
    with operator_scope():
        return ApiKey.objects.unscoped().get(tenant=member.tenant)


def told(member: Member) -> Mapping[str, Any]:
    """All that is made of events, by REST and in the tables."""
    client = member.client(Role.OWNER)
    task = f"{member.path}/tasks/news"
    paths = [f"{member.path}/usage?days=90", f"{member.path}/usage/allowance", f"{task}/drift?days=30"]
    paths += [f"{task}/traffic?by=day&periods=60", f"{task}/traffic"]
    answers = {path: client.get(path) for path in paths}
    assert {answer.status_code for answer in answers.values()} == {200}
    with operator_scope():
        figures = TrialFigures.objects.unscoped().filter(tenant_id=member.tenant.pk)
        return {
            **{path: answer.json() for path, answer in answers.items()},
            "trial": [model_to_dict(one) for one in figures],
            "key": key_of(member).last_used_at,
        }


def days_left(model: type[UsageEvent] | type[ComparisonEvent], member: Member) -> list[int]:
    with operator_scope():
        events = model.objects.unscoped().filter(tenant_id=member.tenant.pk).order_by("-created_at")
        return [(timezone.now() - event.created_at).days for event in events]


def test_old_events_go_and_sums_quotas_and_drift_stay(cast: Cast) -> None:
    members = (cast.acme, cast.globex)
    for member in members:
        use(member)
    before = [told(member) for member in members]
    assert before[0][f"{cast.acme.path}/tasks/news/drift?days=30"]["num_texts"] == 5 * 150
    assert before[0]["trial"][0]["num_requests"] == len(DAYS_AGO) and before[0]["key"] is not None
    for _ in range(2):  # it may run twice
        usage_prune(now=timezone.now(), events_kept_for=KEPT_FOR)
        for member in members:
            assert days_left(UsageEvent, member) == days_left(ComparisonEvent, member) == [0, 4]
        assert [told(member) for member in members] == before


def test_it_deletes_in_batches_and_the_next_run_goes_on(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    use(cast.acme)
    monkeypatch.setattr(pruning, "ROWS_AT_ONCE", 1)
    monkeypatch.setattr(pruning, "MAX_ROUNDS", 3)
    usage_prune(now=timezone.now(), events_kept_for=KEPT_FOR)
    assert days_left(UsageEvent, cast.acme) == days_left(ComparisonEvent, cast.acme) == [0, 4, 6]
    usage_prune(now=timezone.now(), events_kept_for=KEPT_FOR)
    assert days_left(UsageEvent, cast.acme) == [0, 4]


def test_the_job_keeps_events_for_as_long_as_is_set(cast: Cast, settings: Any) -> None:
    use(cast.acme)
    assert PortalSettings.model_fields["usage_events_days"].default == 90
    settings.ENV = settings.ENV.model_copy(update={"usage_events_days": 7})
    jobs.usage_prune()
    assert days_left(UsageEvent, cast.acme) == [0, 4, 6]


def test_no_tenant_can_delete_events(cast: Cast) -> None:
    use(cast.acme)
    for member in (cast.acme, cast.globex):
        with tenant_scope(member.tenant.pk):
            assert UsageEvent.objects.unscoped().all().delete()[0] == 0
    assert len(days_left(UsageEvent, cast.acme)) == len(DAYS_AGO)


def sign_in(member: Member, *, expires_in: timedelta) -> str:
    """The key of a session of a user who has signed in, as allauth notes it."""
    session = SessionStore()
    session.set_expiry(timezone.now() + expires_in)
    session.create()
    key = session.session_key
    assert key is not None
    UserSession(user=member.owner, ip="192.0.2.1", session_key=key, user_agent="Browser").save()
    return key


def test_expired_sessions_go_and_where_they_were_signed_in_from(cast: Cast) -> None:
    over, ended = (sign_in(cast.acme, expires_in=timedelta(seconds=-1)) for _ in range(2))
    open_ = sign_in(cast.globex, expires_in=timedelta(minutes=1))
    SessionStore(ended).delete()
    jobs.usage_prune()
    for model in (Session, UserSession):
        assert set(model.objects.values_list("session_key", flat=True)) & {over, ended, open_} == {open_}


def test_answers_are_kept_as_long_as_a_repeat_gets_them(cast: Cast) -> None:
    for member in (cast.acme, cast.globex):
        for hours in (23, 25):
            kept = IdempotencyRecord(tenant=member.tenant, key=f"{hours} hours", fingerprint="", status=201)
            kept.created_at = timezone.now() - timedelta(hours=hours)
            with operator_scope():
                kept.save(force_insert=True)
    jobs.usage_prune()
    with operator_scope():
        assert set(IdempotencyRecord.objects.unscoped().values_list("key", flat=True)) == {"23 hours"}
