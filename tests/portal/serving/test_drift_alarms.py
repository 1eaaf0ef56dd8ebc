"""Alarms of drift, from counted usage to webhooks and the API."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from portal.catalog.models import AdapterVersion, Domain, Segment, Task, TreeVersion
from portal.common.scope import operator_scope, tenant_scope
from portal.serving import jobs
from portal.serving.drift_alarms import drift_watch
from portal.serving.models import DriftAlarm
from portal.tenants.models import Role
from portal.usage.models import UsageEvent
from portal.webhooks.models import WebhookEvent
from tests.fakes.portal import (
    Cast,
    make_dataset,
    make_general,
    make_task,
    make_version,
    make_webhook,
    new_digest,
)
from tests.portal.serving.test_drift import REPORT

pytestmark = pytest.mark.database
JSON = "application/json"
NOW = datetime.now(UTC)


@pytest.fixture
def version(cast: Cast) -> Iterator[AdapterVersion]:
    """Acme's, which serves and was trained on a dataset that is there."""
    version = make_version(make_task(cast.acme.tenant), dataset=make_dataset(cast.acme.tenant))
    with operator_scope():
        AdapterVersion.objects.unscoped().filter(pk=version.pk).update(report=REPORT)
    path = f"{cast.acme.path}/tasks/news/deployments"
    assert cast.acme.client().post(path, {"version": 1}, content_type=JSON).status_code == 201
    make_webhook(cast.acme.tenant)
    yield version


def count(version: AdapterVersion, *, at: datetime = NOW, **changes: Any) -> None:
    """A thousand texts like those of the report, but for ``changes``."""
    fields: dict[str, Any] = {
        "num_texts": 1050,
        "num_tokens": 10_000,
        "num_trigram_tokens": 4000,
        "num_bigram_tokens": 3000,
        "score_counts": [10 * n for n in range(15)],
        "label_counts": [525, 525],
        **changes,
    }
    event = UsageEvent(
        tenant_id=version.tenant_id,
        task_id=version.task_id,
        key_id=uuid4(),
        version_id=version.pk,
        created_at=at,
        num_truncated=0,
        **fields,
    )
    with operator_scope():
        event.save(force_insert=True)


def told(kind: str = "drift.detected") -> list[dict[str, Any]]:
    with operator_scope():
        return [event.data for event in WebhookEvent.objects.unscoped().filter(type=kind).order_by("pk")]


def standing() -> list[str]:
    with operator_scope():
        alarms = DriftAlarm.objects.unscoped().filter(ended_at=None).order_by("part")
        return list(alarms.values_list("part", flat=True))


def test_what_drifts_is_told_once_with_its_numbers(version: AdapterVersion, cast: Cast) -> None:
    drift_watch(now=NOW)
    count(version)
    drift_watch(now=NOW)
    assert (standing(), told()) == ([], [])
    count(version, num_trigram_tokens=0, label_counts=[1050])
    for _ in range(2):
        drift_watch(now=NOW)
    assert standing() == ["coverage", "labels"]
    coverage, labels = told()
    assert coverage == {
        "task": "news",
        "version": 1,
        "part": "coverage",
        "days": 7,
        "num_texts": 2100,
        "training": pytest.approx(0.7),
        "live": pytest.approx(0.5),
        "threshold": 0.1,
    }
    assert labels["part"] == "labels" and labels["stability_index"] > labels["threshold"]
    assert labels["shifts"][0] == {"label": "sport", "training": 0.5, "live": 0.75}
    task = cast.acme.client(Role.VIEWER).get(f"{cast.acme.path}/tasks/news").json()
    assert [alarm["part"] for alarm in task["drift_alarms"]] == ["coverage", "labels"]
    alarms = cast.acme.client(Role.VIEWER).get(f"{cast.acme.path}/tasks/news/drift").json()["alarms"]
    assert alarms[0]["figures"]["live"] == pytest.approx(0.5)


def test_the_job_looks_at_the_days_that_end_now(version: AdapterVersion) -> None:
    count(version, num_trigram_tokens=0)
    jobs.drift_watch()
    assert standing() == ["coverage"]


def test_values_that_drift_are_told_with_the_bounds_of_their_buckets(version: AdapterVersion) -> None:
    values = {"bounds": [1.0], "counts": [50, 50]}
    with operator_scope():
        AdapterVersion.objects.unscoped().filter(pk=version.pk).update(report={"values": values})
    count(version, score_counts=[1000, 50], label_counts=[])
    drift_watch(now=NOW)
    [scores] = told()
    assert (scores["part"], scores["bounds"], scores["training"]) == ("scores", [1.0], [0.5, 0.5])


def test_an_alarm_ends_with_its_reason_but_lasts_a_day(version: AdapterVersion) -> None:
    count(version, num_trigram_tokens=0)
    drift_watch(now=NOW)
    count(version, num_tokens=90_000, num_trigram_tokens=60_000)
    drift_watch(now=NOW + timedelta(hours=23))
    assert standing() == ["coverage"]
    drift_watch(now=NOW + timedelta(hours=25))
    assert standing() == []
    count(version, num_tokens=900_000, num_trigram_tokens=0)
    drift_watch(now=NOW + timedelta(hours=26))
    assert standing() == ["coverage"] and len(told()) == 2


def test_what_serves_no_more_alarms_no_more(version: AdapterVersion, cast: Cast) -> None:
    count(version, num_trigram_tokens=0)
    drift_watch(now=NOW)
    assert cast.acme.client().delete(f"{cast.acme.path}/tasks/news/deployments/current").status_code == 204
    drift_watch(now=NOW)
    assert standing() == []


def test_few_texts_and_those_of_long_ago_alarm_nobody(version: AdapterVersion) -> None:
    count(version, num_texts=150, num_trigram_tokens=0)
    count(version, at=NOW - timedelta(days=8), num_trigram_tokens=0)
    drift_watch(now=NOW)
    assert standing() == []


def make_segment(version: AdapterVersion) -> None:
    """What the version's dataset contributes to its domain."""
    with tenant_scope(version.tenant_id):
        Segment(
            tenant=version.tenant,
            domain=version.task.domain,
            dataset=version.dataset,
            uri=f"segments/{uuid4()}",
            digest=new_digest(),
            num_bytes=10,
        ).save(force_insert=True)


def actions(cast: Cast) -> dict[str, dict[str, Any]]:
    found = cast.acme.client(Role.VIEWER).get(f"{cast.acme.path}/tasks/news/drift").json()["actions"]
    return {action["name"]: action for action in found}


def test_lost_coverage_suggests_to_refresh_the_domain_and_the_call_does(
    version: AdapterVersion, cast: Cast
) -> None:
    count(version, num_trigram_tokens=0)
    make_segment(version)
    refresh, retrain = actions(cast)["refresh_domain"], actions(cast)["retrain"]
    assert (refresh["is_suggested"], refresh["obstacle"], retrain["is_suggested"]) == (True, None, False)
    assert cast.acme.client().post(refresh["path"]).status_code == 201


def test_a_domain_that_has_learnt_all_its_text_is_not_refreshed_for_nothing(
    version: AdapterVersion, cast: Cast
) -> None:
    count(version, num_trigram_tokens=0)
    make_segment(version)
    with operator_scope():
        held = [{"dataset": str(version.dataset_id)}]
        TreeVersion.objects.unscoped().update(segments=held)
    refresh, retrain = actions(cast)["refresh_domain"], actions(cast)["retrain"]
    assert (refresh["is_suggested"], retrain["is_suggested"]) == (False, True)
    assert "train on newer texts" in refresh["obstacle"]


def test_other_answers_suggest_to_train_again_and_the_call_does(version: AdapterVersion, cast: Cast) -> None:
    make_general()
    count(version, label_counts=[1050])
    refresh, retrain = actions(cast)["refresh_domain"], actions(cast)["retrain"]
    assert (refresh["is_suggested"], retrain["is_suggested"], retrain["obstacle"]) == (False, True, None)
    answer = cast.acme.client().post(retrain["path"], retrain["body"], content_type=JSON)
    assert answer.status_code == 201, answer.content


def test_what_stands_in_the_way_of_an_action_is_said(version: AdapterVersion, cast: Cast) -> None:
    count(version, num_trigram_tokens=0)
    with operator_scope():
        shared = Domain(tenant=None, name="Shared", slug="shared")
        shared.save()
        Task.objects.unscoped().update(domain=shared)
        AdapterVersion.objects.unscoped().update(dataset=None)
    refresh, retrain = actions(cast)["refresh_domain"], actions(cast)["retrain"]
    assert not refresh["is_suggested"] and "operator" in refresh["obstacle"]
    assert retrain["is_suggested"] and "deleted" in retrain["obstacle"] and retrain["body"] is None


def test_another_tenants_alarms_are_not_seen(version: AdapterVersion, cast: Cast) -> None:
    count(version, num_trigram_tokens=0)
    drift_watch(now=NOW)
    globex: UUID = cast.globex.tenant.id
    with tenant_scope(globex):
        assert not DriftAlarm.objects.unscoped().exists()
