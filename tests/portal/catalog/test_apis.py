"""Domains and versions through the REST API."""

from typing import Any

import pytest

from portal.catalog import services
from portal.catalog.models import Domain
from portal.catalog.selectors import version_get, version_list
from portal.common.scope import tenant_scope
from portal.tenants.models import Role
from tests.fakes.portal import Cast, client_of, make_dataset, make_general, make_task, make_version

pytestmark = pytest.mark.database
JSON = "application/json"


def _code(answer: Any) -> str:
    return str(answer.json()["error"]["code"])


def test_a_tenant_sees_its_domains_and_the_shared_ones(cast: Cast) -> None:
    make_general()
    make_task(cast.globex.tenant, "theirs")
    client = cast.acme.client(Role.DEVELOPER)
    answer = client.post(f"{cast.acme.path}/domains", {"name": "Court rulings"}, content_type=JSON)
    assert (answer.status_code, answer.json()["slug"]) == (201, "court-rulings")
    rows = client.get(f"{cast.acme.path}/domains").json()["results"]
    assert [(row["slug"], row["is_shared"]) for row in rows] == [("court-rulings", False), ("general", True)]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "missing_field"),
        ({"name": "N", "slug": "news"}, 409, "already_exists"),
        ({"name": "N", "slug": "general"}, 409, "already_exists"),
        ({"name": "N", "slug": "-"}, 400, "invalid_field"),
    ],
)
def test_a_domain_that_cannot_be_is_refused(cast: Cast, body: dict[str, str], status: int, code: str) -> None:
    make_general()
    make_task(cast.acme.tenant, "news")
    answer = cast.acme.client().post(f"{cast.acme.path}/domains", body, content_type=JSON)
    assert (answer.status_code, _code(answer)) == (status, code)
    with tenant_scope(cast.acme.tenant.id):
        assert Domain.objects.for_tenant(cast.acme.tenant).count() == 1


def test_versions_are_listed_newest_first_without_their_report(cast: Cast) -> None:
    task, dataset = make_task(cast.acme.tenant), make_dataset(cast.acme.tenant)
    make_version(task, number=1)
    version = make_version(task, number=2, dataset=dataset)
    client = cast.acme.client(Role.VIEWER)
    rows = client.get(f"{cast.acme.path}/tasks/news/versions").json()["results"]
    assert [row["number"] for row in rows] == [2, 1]
    body = client.get(f"{cast.acme.path}/tasks/news/versions/2").json()
    assert body.pop("report") == {"accuracy": 0.9}
    assert body == rows[0]
    assert (body["digest"], body["tree_digest"]) == (version.bundle_digest, version.tree_version.digest)
    assert (body["headline"], body["dataset_name"]) == (None, "news.csv")
    assert client.get(f"{cast.acme.path}/tasks/news/versions/3").status_code == 404
    assert client.get(f"{cast.acme.path}/tasks/olds/versions").status_code == 404


R2 = {"name": "r2", "value": 0.5, "ci95": [0.4, 0.6]}


@pytest.mark.parametrize(
    ("report", "headline"),
    [
        ({"headline": R2, "curve": [1] * 1000}, R2),
        (
            {"accuracy": 0.9, "accuracy_ci95": [0.8, 0.95]},
            {"name": "accuracy", "value": 0.9, "ci95": [0.8, 0.95]},
        ),
        ({"import": {"passed": True}}, None),
        ({}, None),
    ],
)
def test_a_listed_version_has_its_reports_headline(
    cast: Cast, report: dict[str, Any], headline: dict[str, Any] | None
) -> None:
    version = make_version(make_task(cast.acme.tenant))
    with tenant_scope(cast.acme.tenant.id):
        version.report = report
        version.save()
    (row,) = cast.acme.client().get(f"{cast.acme.path}/tasks/news/versions").json()["results"]
    assert row["headline"] == headline and "report" not in row
    body = cast.acme.client().get(f"{cast.acme.path}/tasks/news/versions/1").json()
    assert (body["headline"], body["report"]) == (headline, report)


def test_a_list_of_versions_reads_no_report(cast: Cast) -> None:
    task = make_task(cast.acme.tenant)
    make_version(task)
    with tenant_scope(cast.acme.tenant.id):
        (listed,) = version_list(tenant=cast.acme.tenant, task=task)
        assert listed.get_deferred_fields() == {"report"}
        assert not version_get(tenant=cast.acme.tenant, task=task, number=1).get_deferred_fields()


def test_another_tenants_domains_and_versions_are_not_there(cast: Cast) -> None:
    make_version(make_task(cast.acme.tenant))
    for stranger in (cast.globex.client(), client_of(cast.nobody)):
        for path in ("domains", "tasks/news/versions", "tasks/news/versions/1"):
            answer = stranger.get(f"{cast.acme.path}/{path}")
            assert (answer.status_code, _code(answer)) == (404, "not_found")
        assert stranger.post(f"{cast.acme.path}/domains", {"name": "X"}, content_type=JSON).status_code == 404
    globex = cast.globex.client()
    assert globex.get(f"{cast.globex.path}/tasks/news/versions/1").status_code == 404
    assert globex.get(f"{cast.globex.path}/domains").json()["count"] == 0


def test_a_viewer_makes_no_domain(cast: Cast) -> None:
    answer = cast.acme.client(Role.VIEWER).post(f"{cast.acme.path}/domains", {"name": "X"}, content_type=JSON)
    assert (answer.status_code, _code(answer)) == (403, "forbidden")


def test_a_tenant_has_so_many_tasks(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MAX_TASKS", 1)
    client = cast.acme.client(Role.DEVELOPER)
    answers = [
        client.post(f"{cast.acme.path}/tasks", {"name": name}, content_type=JSON) for name in ("One", "Two")
    ]
    assert [answer.status_code for answer in answers] == [201, 409]
    assert "delete one" in answers[1].json()["error"]["message"]
