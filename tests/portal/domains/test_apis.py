"""Domains over the REST API: the way through, roles, and what the wrong tenant sees."""

from pathlib import Path
from uuid import uuid4

import pytest

from portal.common.scope import operator_scope
from portal.domains.models import Contribution, DeletionRecord, DomainJob
from portal.domains.services import domain_update_request
from portal.tenants.actors import OPERATOR
from portal.tenants.models import Role, Tenant
from tests.fakes.portal import Cast, client_of, make_general, make_task, make_user
from tests.portal.domains.world import Worker, learn, shared_domain, verified

pytestmark = pytest.mark.database


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    make_general()
    return Worker(tmp_path)


def test_an_update_is_asked_for_and_told_of(cast: Cast, worker: Worker) -> None:
    task = make_task(cast.acme.tenant)
    learn(task, 1)
    path = f"{cast.acme.path}/domains/news"
    assert cast.acme.client(Role.VIEWER).post(f"{path}/updates").status_code == 403
    client = cast.acme.client(Role.DEVELOPER)
    asked = client.post(f"{path}/updates")
    assert asked.status_code == 201, asked.content
    assert client.post(f"{path}/updates").status_code == 409
    worker.work()
    (done,) = client.get(f"{path}/updates").json()["results"]
    assert (done["id"], done["state"]) == (asked.json()["id"], "succeeded")
    assert done["diff"]["rows_added"] == {"trigram": 1, "unigram": 1}
    listed = client.get(f"{path}/trees").json()["results"]
    assert {one["digest"] for one in listed} >= {done["tree_digest"]}
    assert [one["num_segments"] for one in listed] == [1, 1]


def test_a_shared_domain_is_updated_by_the_operator_alone(cast: Cast, worker: Worker) -> None:
    press = shared_domain()
    assert cast.acme.client().post(f"{cast.acme.path}/domains/press/updates").status_code == 400
    operator = client_of(make_user("operator@example.com", is_operator=True))
    pushed = operator.post(
        "/admin/catalog/domain/", {"action": "update_now", "_selected_action": [str(press.pk)]}
    )
    assert pushed.status_code == 302, pushed.content[:500]
    with operator_scope():
        assert DomainJob.objects.unscoped().get().domain_id == press.pk


def test_the_operator_verifies_tenants_in_the_console(cast: Cast) -> None:
    operator = client_of(make_user("operator@example.com", is_operator=True))
    chosen = {"action": "verify", "_selected_action": [str(cast.acme.tenant.pk)]}
    for _ in range(2):
        assert operator.post("/admin/tenants/tenant/", chosen).status_code == 302
    from portal.domains.models import TenantVerification

    with operator_scope():
        assert TenantVerification.objects.unscoped().get().tenant_id == cast.acme.tenant.pk


def test_consent_is_an_owners_and_ends_with_a_receipt(cast: Cast, worker: Worker) -> None:
    shared_domain()
    version = learn(make_task(cast.acme.tenant), 1)
    body = {"domain": "press", "dataset": str(version.dataset_id)}
    path = f"{cast.acme.path}/contributions"
    json = "application/json"
    assert cast.acme.client(Role.DEVELOPER).post(path, body, content_type=json).status_code == 403
    stranger, elsewhere = cast.globex.client(), f"{cast.globex.path}/contributions"
    assert stranger.post(elsewhere, body, content_type=json).status_code == 404
    client = cast.acme.client()
    given = client.post(path, body, content_type=json)
    assert given.status_code == 201, given.content
    assert client.post(path, body, content_type=json).status_code == 409
    general = client.post(path, {**body, "domain": "general"}, content_type=json)
    assert general.status_code == 404, "the root learns from the operator's text alone"
    assert stranger.delete(f"{elsewhere}/{given.json()['id']}").status_code == 404
    ended = client.delete(f"{path}/{given.json()['id']}")
    assert ended.status_code == 200
    assert ended.json()["subject"] == "contribution"
    assert [one["dataset"] for one in ended.json()["segments"]] == [str(version.dataset_id)]
    assert client.delete(f"{path}/{given.json()['id']}").status_code == 404
    (listed,) = client.get(path).json()["results"]
    assert listed["revoked_by"] == "user:owner@acme.example"


def test_a_tenant_is_told_what_share_of_its_ngrams_stayed_private(cast: Cast, worker: Worker) -> None:
    press = shared_domain()
    version = learn(make_task(cast.acme.tenant), 1)
    verified(cast.acme.tenant)
    client, path = cast.acme.client(), f"{cast.acme.path}/contributions"
    body = {"domain": "press", "dataset": str(version.dataset_id)}
    given = client.post(path, body, content_type="application/json")
    assert given.json()["private_share"] is None, "no update has been made with it"
    with operator_scope():
        domain_update_request(domain=press, acting=OPERATOR)
    worker.work()
    assert client.get(path).json()["results"][0]["private_share"] == 0.25
    (tree,) = client.get(f"{cast.acme.path}/domains/press/trees").json()["results"]
    assert (tree["num_segments"], tree["verdicts"]) == (1, [])


def test_the_gates_consent_is_off_until_given(cast: Cast) -> None:
    make_task(cast.acme.tenant)
    path = f"{cast.acme.path}/tasks/news/gate-consent"
    client = cast.acme.client(Role.DEVELOPER)
    assert client.get(path).json() == {"is_given": False}
    assert cast.acme.client(Role.VIEWER).put(path).status_code == 403
    for _ in range(2):
        assert client.put(path).json() == {"is_given": True}
    assert client.get(path).json() == {"is_given": True}
    assert client.delete(path).status_code == 204
    assert client.get(path).json() == {"is_given": False}
    assert cast.globex.client().get(f"{cast.globex.path}/tasks/news/gate-consent").status_code == 404


def test_a_datasets_suggestion_stands_on_it(cast: Cast, worker: Worker) -> None:
    task = make_task(cast.acme.tenant)
    version = learn(task, 1)
    path = f"{cast.acme.path}/datasets/{version.dataset_id}/suggestion"
    assert cast.acme.client().get(path).status_code == 404
    worker.round()
    found = cast.acme.client(Role.VIEWER).get(path).json()
    assert (found["state"], found["best"], found["num_texts"]) == ("succeeded", str(task.domain_id), 12)
    assert cast.globex.client().get(path.replace("acme", "globex")).status_code == 404


def test_a_deleted_datasets_receipt_is_its_tenants(cast: Cast, worker: Worker) -> None:
    version = learn(make_task(cast.acme.tenant), 1)
    client = cast.acme.client()
    assert client.delete(f"{cast.acme.path}/datasets/{version.dataset_id}").status_code == 204
    (listed,) = client.get(f"{cast.acme.path}/deletions").json()["results"]
    assert (listed["subject_id"], listed["forgotten_at"]) == (str(version.dataset_id), None)
    assert client.get(f"{cast.acme.path}/deletions/{listed['id']}").json() == listed
    assert cast.globex.client().get(f"{cast.globex.path}/deletions/{listed['id']}").status_code == 404
    assert cast.globex.client().get(f"{cast.globex.path}/deletions").json()["count"] == 0
    assert client.get(f"{cast.acme.path}/deletions/{uuid4()}").status_code == 404


def test_an_owner_deletes_the_tenant(cast: Cast, worker: Worker) -> None:
    verified(cast.acme.tenant)
    learn(make_task(cast.acme.tenant), 1)
    path = f"{cast.acme.path}/forget"
    json = "application/json"
    developer = cast.acme.client(Role.DEVELOPER)
    assert developer.post(path, {"confirm": "acme"}, content_type=json).status_code == 403
    wrong = cast.acme.client().post(path, {"confirm": "Acme"}, content_type=json)
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "confirm")
    with operator_scope():
        assert not DeletionRecord.objects.unscoped().exists()
    done = cast.acme.client().post(path, {"confirm": "acme"}, content_type=json)
    assert done.status_code == 200, done.content
    assert (done.json()["subject"], len(done.json()["segments"])) == ("tenant", 1)
    with operator_scope():
        assert not Tenant.objects.filter(slug="acme").exists()
        assert not Contribution.objects.unscoped().exists()
