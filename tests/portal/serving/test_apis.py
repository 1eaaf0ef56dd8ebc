"""Tasks and deployments through the REST API."""

from typing import Any

import pytest
from django.test import Client

from portal.audit.models import AuditEntry
from portal.catalog.models import AdapterVersion, Domain, Task, VersionState
from portal.catalog.services import task_delete, task_floor_set, task_rename
from portal.common.errors import NotFound
from portal.common.scope import operator_scope, tenant_scope
from portal.serving.models import Deployment
from portal.tenants.actors import OPERATOR
from portal.tenants.models import ApiKey, Role
from portal.training.models import JobState
from tests.fakes.portal import (
    Cast,
    client_of,
    make_dataset,
    make_general,
    make_job,
    make_key,
    make_task,
    make_version,
)

pytestmark = pytest.mark.database
JSON = "application/json"


def _code(answer: Any) -> str:
    return str(answer.json()["error"]["code"])


def _deploy(client: Client, path: str, number: int) -> Any:
    return client.post(f"{path}/tasks/news/deployments", {"version": number}, content_type=JSON)


def test_a_task_is_made_with_a_domain_of_its_own(cast: Cast) -> None:
    client = cast.acme.client(Role.DEVELOPER)
    answer = client.post(f"{cast.acme.path}/tasks", {"name": "News topics"}, content_type=JSON)
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert (body["slug"], body["domain"], body["labels"]) == ("news-topics", "news-topics", [])
    assert (body["latest_training"], body["latest_version"], body["deployment"]) == (None, None, None)
    assert body["trial"] is None
    assert client.get(f"{cast.acme.path}/tasks/news-topics").json() == body
    assert client.get(f"{cast.acme.path}/tasks").json()["results"] == [body]
    with tenant_scope(cast.acme.tenant.id):
        actions = (
            AuditEntry.objects.for_tenant(cast.acme.tenant).order_by("id").values_list("action", flat=True)
        )
        assert list(actions) == ["domain.create", "task.create"]


def test_a_task_can_share_a_domain_of_the_tenant(cast: Cast) -> None:
    make_task(cast.acme.tenant, "news")
    body = {"name": "Mood", "slug": "mood", "domain": "news"}
    answer = cast.acme.client().post(f"{cast.acme.path}/tasks", body, content_type=JSON)
    assert answer.status_code == 201, answer.content
    with tenant_scope(cast.acme.tenant.id):
        assert Domain.objects.for_tenant(cast.acme.tenant).count() == 1


def test_two_tenants_may_use_one_name(cast: Cast) -> None:
    for member in (cast.acme, cast.globex):
        answer = member.client().post(f"{member.path}/tasks", {"name": "News"}, content_type=JSON)
        assert (answer.status_code, answer.json()["slug"]) == (201, "news")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "missing_field"),
        ({"name": "News", "slug": "news"}, 409, "already_exists"),
        ({"name": "X", "slug": "Not A Slug"}, 400, "invalid_field"),
        ({"name": "X", "domain": "theirs"}, 400, "invalid_field"),
        ({"name": "x" * 201}, 400, "invalid_field"),
    ],
)
def test_a_task_that_cannot_be_is_refused(cast: Cast, body: dict[str, str], status: int, code: str) -> None:
    make_general()
    make_task(cast.acme.tenant, "news")
    make_task(cast.globex.tenant, "theirs")
    answer = cast.acme.client().post(f"{cast.acme.path}/tasks", body, content_type=JSON)
    assert (answer.status_code, _code(answer)) == (status, code)
    with tenant_scope(cast.acme.tenant.id):
        assert Task.objects.for_tenant(cast.acme.tenant).count() == 1
        assert Domain.objects.for_tenant(cast.acme.tenant).count() == 1


def test_a_task_tells_its_newest_training_and_version_and_what_serves(cast: Cast) -> None:
    task = make_task(cast.acme.tenant)
    dataset = make_dataset(cast.acme.tenant)
    make_job(task, dataset, state=JobState.SUCCEEDED)
    newest = make_job(task, dataset, state=JobState.RUNNING, phase="training", share=0.4, step=3)
    make_version(task, number=1)
    make_version(task, number=2)
    client = cast.acme.client()
    assert _deploy(client, cast.acme.path, 1).status_code == 201
    body = client.get(f"{cast.acme.path}/tasks/news").json()
    assert (body["latest_training"]["id"], body["latest_training"]["share"]) == (str(newest.id), 0.4)
    assert body["latest_version"]["number"] == 2
    assert body["deployment"]["version"] == 1


def test_a_list_of_tasks_comes_in_pages(cast: Cast) -> None:
    for slug in ("a", "b", "c"):
        make_task(cast.acme.tenant, slug)
    client = cast.acme.client(Role.VIEWER)
    first = client.get(f"{cast.acme.path}/tasks?page_size=2").json()
    assert (first["count"], [row["slug"] for row in first["results"]]) == (3, ["a", "b"])
    second = client.get(first["next"]).json()
    assert ([row["slug"] for row in second["results"]], second["next"]) == (["c"], None)
    assert client.get(f"{cast.acme.path}/tasks?page=9").status_code == 404


def test_the_number_of_queries_does_not_grow_with_the_tasks(
    cast: Cast, django_assert_max_num_queries: Any
) -> None:
    for slug in "abcdefgh":
        make_version(make_task(cast.acme.tenant, slug))
    client = cast.acme.client()
    with django_assert_max_num_queries(20):
        assert client.get(f"{cast.acme.path}/tasks").json()["count"] == 8


def test_a_task_is_renamed_and_keeps_its_slug(cast: Cast) -> None:
    make_task(cast.acme.tenant)
    client = cast.acme.client()
    answer = client.patch(f"{cast.acme.path}/tasks/news", {"name": "Headlines"}, content_type=JSON)
    assert (answer.json()["name"], answer.json()["slug"]) == ("Headlines", "news")
    assert client.patch(f"{cast.acme.path}/tasks/news", {}, content_type=JSON).status_code == 400


def test_a_task_that_was_just_deleted_is_not_changed(cast: Cast) -> None:
    task = make_task(cast.acme.tenant)
    with tenant_scope(cast.acme.tenant.id):
        task_delete(task=Task.objects.for_tenant(cast.acme.tenant).get(), acting=OPERATOR)
        with pytest.raises(NotFound):
            task_rename(task=task, name="Late", acting=OPERATOR)
        with pytest.raises(NotFound):
            task_floor_set(task=task, coverage_floor=0.5, acting=OPERATOR)


def test_a_task_has_a_coverage_floor_when_it_is_given_one(cast: Cast) -> None:
    make_task(cast.acme.tenant)
    client, path = cast.acme.client(), f"{cast.acme.path}/tasks/news"
    assert client.get(path).json()["coverage_floor"] is None
    for floor in (0.6, 0, 1, None):
        answer = client.patch(path, {"coverage_floor": floor}, content_type=JSON)
        assert (answer.status_code, answer.json()["coverage_floor"]) == (200, floor)
    assert client.get(path).json()["name"] != ""


@pytest.mark.parametrize("floor", [-0.1, 1.01, "much", "nan", "inf", []])
def test_a_floor_is_a_share(cast: Cast, floor: object) -> None:
    make_task(cast.acme.tenant)
    answer = cast.acme.client().patch(
        f"{cast.acme.path}/tasks/news", {"coverage_floor": floor}, content_type=JSON
    )
    assert (answer.status_code, _code(answer)) == (400, "invalid_field")


def test_a_version_is_deployed_rolled_back_and_undeployed(cast: Cast) -> None:
    task = make_task(cast.acme.tenant)
    make_version(task, number=1)
    make_version(task, number=2)
    client, path = cast.acme.client(Role.DEVELOPER), cast.acme.path
    for number in (1, 2, 1):
        answer = _deploy(client, path, number)
        assert answer.status_code == 201, answer.content
        assert client.get(f"{path}/tasks/news").json()["deployment"]["version"] == number
    history = client.get(f"{path}/tasks/news/deployments").json()["results"]
    assert [(row["version"], row["state"]) for row in history] == [
        (1, "active"),
        (2, "superseded"),
        (1, "superseded"),
    ]
    assert history[0]["created_by"] == "developer@acme.example"
    assert client.delete(f"{path}/tasks/news/deployments/current").status_code == 204
    assert client.get(f"{path}/tasks/news").json()["deployment"] is None
    assert client.delete(f"{path}/tasks/news/deployments/current").status_code == 404
    with tenant_scope(cast.acme.tenant.id):
        entry = AuditEntry.objects.for_tenant(cast.acme.tenant).filter(action="deployment.create").last()
    assert entry is not None and entry.details == {"task": "news", "version": 1, "instead_of": 2}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "missing_field"),
        ({"version": "one"}, 400, "invalid_field"),
        ({"version": 0}, 400, "invalid_field"),
        ({"version": 7}, 404, "not_found"),
        ({"version": 1}, 409, "conflict"),
        ({"version": 2}, 409, "conflict"),
    ],
)
def test_a_version_that_cannot_be_deployed_is_refused(
    cast: Cast, body: dict[str, Any], status: int, code: str
) -> None:
    task = make_task(cast.acme.tenant)
    make_version(task, number=1)
    retired = make_version(task, number=2)
    with tenant_scope(cast.acme.tenant.id):
        AdapterVersion.objects.for_tenant(cast.acme.tenant).filter(pk=retired.pk).update(
            state=VersionState.RETIRED
        )
    client = cast.acme.client()
    assert _deploy(client, cast.acme.path, 1).status_code == 201
    answer = client.post(f"{cast.acme.path}/tasks/news/deployments", body, content_type=JSON)
    assert (answer.status_code, _code(answer)) == (status, code)


def test_a_task_is_deleted_with_its_versions_and_keys(cast: Cast) -> None:
    task = make_task(cast.acme.tenant)
    make_version(task)
    make_job(task, make_dataset(cast.acme.tenant), state=JobState.FAILED)
    make_key(cast.acme.tenant, task=task)
    client = cast.acme.client()
    assert client.delete(f"{cast.acme.path}/tasks/news").status_code == 204
    assert client.get(f"{cast.acme.path}/tasks/news").status_code == 404
    with operator_scope():
        assert not AdapterVersion.objects.unscoped().exists()
        assert not ApiKey.objects.unscoped().exists()


def test_a_task_at_work_is_not_deleted(cast: Cast) -> None:
    task = make_task(cast.acme.tenant)
    make_version(task)
    client, path = cast.acme.client(), f"{cast.acme.path}/tasks/news"
    _deploy(client, cast.acme.path, 1)
    assert _code(client.delete(path)) == "in_use"
    client.delete(f"{path}/deployments/current")
    make_job(task, make_dataset(cast.acme.tenant))
    assert _code(client.delete(path)) == "in_use"


def test_a_viewer_changes_nothing_and_only_an_owner_deletes(cast: Cast) -> None:
    make_version(make_task(cast.acme.tenant))
    viewer, path = cast.acme.client(Role.VIEWER), cast.acme.path
    for answer in (
        viewer.post(f"{path}/tasks", {"name": "X"}, content_type=JSON),
        viewer.patch(f"{path}/tasks/news", {"name": "X"}, content_type=JSON),
        viewer.delete(f"{path}/tasks/news"),
        _deploy(viewer, path, 1),
        viewer.delete(f"{path}/tasks/news/deployments/current"),
        cast.acme.client(Role.DEVELOPER).delete(f"{path}/tasks/news"),
    ):
        assert (answer.status_code, _code(answer)) == (403, "forbidden")


def test_another_tenants_tasks_and_deployments_are_not_there(cast: Cast) -> None:
    make_version(make_task(cast.acme.tenant))
    _deploy(cast.acme.client(), cast.acme.path, 1)
    for stranger in (cast.globex.client(), client_of(cast.nobody)):
        for answer in (
            stranger.get(f"{cast.acme.path}/tasks"),
            stranger.post(f"{cast.acme.path}/tasks", {"name": "X"}, content_type=JSON),
            stranger.get(f"{cast.acme.path}/tasks/news"),
            stranger.patch(f"{cast.acme.path}/tasks/news", {"name": "X"}, content_type=JSON),
            stranger.delete(f"{cast.acme.path}/tasks/news"),
            stranger.get(f"{cast.acme.path}/tasks/news/deployments"),
            _deploy(stranger, cast.acme.path, 1),
            stranger.delete(f"{cast.acme.path}/tasks/news/deployments/current"),
        ):
            assert (answer.status_code, _code(answer)) == (404, "not_found")
    globex = cast.globex.client()
    assert globex.get(f"{cast.globex.path}/tasks/news").status_code == 404
    assert _deploy(globex, cast.globex.path, 1).status_code == 404
    with operator_scope():
        assert Deployment.objects.unscoped().count() == 1
