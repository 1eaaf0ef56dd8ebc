"""Trials through the REST API, their figures from the service's events, and the verdict carried out."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.audit.models import AuditEntry
from portal.common.scope import operator_scope, tenant_scope
from portal.serving import trials
from portal.serving.jobs import trials_judge
from portal.serving.models import Deployment, Trial, TrialState
from portal.serving.verdict import judge
from portal.tenants.models import Role
from portal.usage.models import ComparisonEvent
from tests.conftest import DatabaseUrls
from tests.fakes.portal import Cast, make_task, make_trial, make_version

pytestmark = pytest.mark.database
JSON = "application/json"


class World:
    """acme's task with two versions, of which the first serves."""

    def __init__(self, cast: Cast) -> None:
        self.tenant = cast.acme.tenant
        self.path = f"{cast.acme.path}/tasks/news"
        self.client = cast.acme.client(Role.DEVELOPER)
        task = make_task(self.tenant)
        self.versions = [make_version(task, number=number) for number in (1, 2)]
        assert self.deploy(1).status_code == 201

    def deploy(self, number: int) -> Any:
        return self.client.post(f"{self.path}/deployments", {"version": number}, content_type=JSON)

    def start(self, number: int = 2, **fields: Any) -> Any:
        body = {"version": number, "kind": "canary", **fields}
        return self.client.post(f"{self.path}/trials", body, content_type=JSON)

    def current(self) -> Any:
        return self.client.get(f"{self.path}/trials/current")

    def newest(self) -> Any:
        return self.client.get(f"{self.path}/trials").json()["results"][0]

    def serving(self) -> int:
        return int(self.client.get(self.path).json()["deployment"]["version"])

    def count(self, trial_id: str, **fields: Any) -> None:
        """As the inference service does; see test_the_services_role_sums_as_it_inserts for its own role."""
        event = {
            "tenant_id": self.tenant.id,
            "trial_id": trial_id,
            "created_at": timezone.now(),
            "num_texts": 100,
            "has_live_failed": False,
            "has_trial_failed": False,
            "num_agreed": 100,
            "live_ms": 3.0,
            "trial_ms": 12.0,
            "difference": 10.0,
            "difference_counts": [90, 10],
            **fields,
        }
        with operator_scope():
            ComparisonEvent(**event).save(force_insert=True)


@pytest.fixture
def world(cast: Cast) -> World:
    return World(cast)


def test_a_canary_has_a_tenth_of_the_requests_and_a_verdict_of_its_own(world: World) -> None:
    answer = world.start()
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert (body["version"], body["against"], body["kind"], body["state"]) == (2, 1, "canary", "running")
    assert (body["share"], body["is_automatic"], body["min_texts"], body["min_agreement"]) == (
        0.1,
        True,
        500,
        0.9,
    )
    assert (body["comparison"], body["verdict"]["outcome"]) == (None, "wait")
    assert world.current().json() == body == world.newest()
    assert world.client.get(world.path).json()["trial"] == {"version": 2, "kind": "canary", "share": 0.1}
    assert world.serving() == 1


def test_a_shadow_sees_all_requests_and_waits_for_a_person(world: World) -> None:
    body = world.start(kind="shadow").json()
    assert (body["share"], body["is_automatic"]) == (1.0, False)


def test_comparisons_are_summed_as_they_arrive(world: World) -> None:
    trial_id = world.start().json()["id"]
    world.count(trial_id)
    world.count(
        trial_id, num_texts=2, num_agreed=1, live_ms=7000.0, difference=0.5, difference_counts=[1, 0, 1]
    )
    failed = {"num_agreed": 0, "live_ms": 0.0, "trial_ms": 0.0, "difference": 0.0, "difference_counts": []}
    world.count(trial_id, has_trial_failed=True, **failed)
    found = world.current().json()["comparison"]
    assert (found["num_requests"], found["num_texts"], found["num_agreed"]) == (3, 102, 101)
    assert (found["num_live_failed"], found["num_trial_failed"], found["num_both_failed"]) == (0, 1, 0)
    assert found["mean_difference"] == pytest.approx(10.5 / 102)
    assert found["difference_counts"] == [91, 10, 1]
    assert found["live"] == {"mean_ms": 3501.5, "counts": [0, 0, 1, *[0] * 9, 1]}
    assert found["trial"]["counts"][4] == 2  # between 10 and 20 ms
    assert len(found["bounds_ms"]) + 1 == len(found["live"]["counts"])


def test_a_canary_that_agrees_is_promoted(world: World) -> None:
    trial_id = world.start(min_texts=200).json()["id"]
    world.count(trial_id)
    trials_judge()
    assert world.serving() == 1
    world.count(trial_id)
    trials_judge()
    trials_judge()
    assert world.serving() == 2
    ended = world.newest()
    assert (ended["state"], ended["id"]) == ("promoted", trial_id)
    assert "200 of 200" in ended["reason"] and ended["ended_at"]
    assert world.current().status_code == 404
    with tenant_scope(world.tenant.id):
        audited = AuditEntry.objects.for_tenant(world.tenant).filter(actor="verdict").order_by("id")
        assert [entry.action for entry in audited] == ["trial.promoted", "deployment.create"]
        assert "200 of 200" in audited[0].details["reason"]


def test_a_canary_that_disagrees_or_fails_is_rolled_back(world: World) -> None:
    trial_id = world.start(min_texts=200).json()["id"]
    world.count(trial_id, num_texts=200, num_agreed=100)
    trials_judge()
    assert (world.serving(), world.newest()["state"]) == (1, "rolled_back")
    trial_id = world.start(min_texts=200).json()["id"]
    for _ in range(10):
        world.count(trial_id, num_agreed=0, has_trial_failed=True, difference_counts=[])
    trials_judge()
    assert (world.serving(), world.newest()["state"]) == (1, "rolled_back")
    assert "failed 10 requests" in world.newest()["reason"]


def test_a_verdict_is_not_carried_out_on_a_trial_that_was_begun_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_version(world.versions[0].task, number=3)
    trial_id = world.start(min_texts=200).json()["id"]
    world.count(trial_id, num_texts=200, num_agreed=200)

    def judge_slowly(*figures: Any, **least: Any) -> Any:
        verdict = judge(*figures, **least)
        assert world.client.delete(f"{world.path}/trials/current").status_code == 204
        assert world.start(3).status_code == 201
        return verdict

    monkeypatch.setattr(trials, "judge", judge_slowly)
    trials_judge()
    assert (world.serving(), world.newest()["state"], world.newest()["version"]) == (1, "running", 3)


def test_a_shadow_is_never_judged_by_itself(world: World) -> None:
    trial_id = world.start(kind="shadow", min_texts=50).json()["id"]
    world.count(trial_id)
    trials_judge()
    assert world.current().json()["verdict"]["outcome"] == "promote"
    assert world.serving() == 1


def test_a_person_may_promote_or_roll_back_at_any_time(world: World) -> None:
    world.start()
    assert world.client.delete(f"{world.path}/trials/current").status_code == 204
    assert (world.newest()["state"], world.newest()["reason"]) == ("rolled_back", "By hand.")
    world.start(kind="shadow")
    answer = world.client.post(f"{world.path}/trials/current/promote")
    assert (answer.status_code, answer.json()["state"], world.serving()) == (200, "promoted", 2)


def test_changing_what_serves_ends_the_trial(world: World, cast: Cast) -> None:
    make_version(world.versions[0].task, number=3)
    world.start()
    assert world.deploy(3).status_code == 201
    assert world.newest()["state"] == "ended"
    world.start()
    assert world.client.delete(f"{world.path}/deployments/current").status_code == 204
    assert world.newest()["state"] == "ended"


def test_what_cannot_be_tried_is_refused(world: World) -> None:
    assert world.start(1).json()["error"]["code"] == "conflict"  # serves already
    assert world.start(9).status_code == 404
    for wrong in ({"share": 0}, {"share": 1.5}, {"kind": "both"}, {"min_agreement": 2}, {"min_texts": 1}):
        answer = world.start(**wrong)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, next(iter(wrong)))
    assert world.start().status_code == 201
    assert world.start().json()["error"]["code"] == "conflict"  # one at a time
    world.client.delete(f"{world.path}/deployments/current")
    assert "deploy a version first" in world.start().json()["error"]["message"]
    for path in ("trials/current", "trials/current/promote"):
        method = world.client.post if path.endswith("promote") else world.client.delete
        assert method(f"{world.path}/{path}").status_code == 404


def test_the_database_keeps_to_one_running_trial_a_task(world: World) -> None:
    with tenant_scope(world.tenant.id):
        first = make_trial(world.versions[1])
        first.pk = uuid4()
        with pytest.raises(IntegrityError, match="trial_one_running"), transaction.atomic():
            first.save(force_insert=True)
        first.state, first.share = TrialState.ENDED, 0.0
        with pytest.raises(IntegrityError, match="trial_share"), transaction.atomic():
            first.save(force_insert=True)
        assert Trial.objects.for_tenant(world.tenant).count() == 1
        assert Deployment.objects.for_tenant(world.tenant).count() == 1


@pytest.fixture
def usage_writer(database_urls: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_urls.usage, autocommit=True) as connection:
        yield connection


@pytest.mark.django_db(transaction=True)
def test_the_services_role_sums_as_it_inserts_and_sees_nothing(
    cast: Cast, usage_writer: psycopg.Connection[Any]
) -> None:
    world = World(cast)
    trial_id = world.start().json()["id"]
    event = {
        "id": str(uuid4()),
        "tenant_id": str(world.tenant.id),
        "trial_id": trial_id,
        "created_at": "2026-11-22T10:00:00Z",
        "num_texts": 2,
        "has_live_failed": False,
        "has_trial_failed": False,
        "num_agreed": 2,
        "live_ms": 1.5,
        "trial_ms": 2.5,
        "difference": 0.25,
        "difference_counts": [1, 1],
    }
    columns = ", ".join(event)
    statement = (
        f"INSERT INTO comparison_event ({columns}) SELECT {columns}"
        " FROM jsonb_populate_recordset(NULL::comparison_event, %s::jsonb) ON CONFLICT DO NOTHING"
    )
    for _ in range(2):
        usage_writer.execute(statement, [json.dumps([event])])
    assert world.current().json()["comparison"]["num_texts"] == 2
    for table in ("comparison_event", "trial_figures", "trial"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            usage_writer.execute(f"SELECT * FROM {table}")
