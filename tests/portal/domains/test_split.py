"""A suggested split over the REST API: a dataset for each part, each row in one of them, and the way back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import DjangoCaptureOnCommitCallbacks

from portal.audit.models import AuditEntry
from portal.common.queue import JobName
from portal.common.scope import operator_scope
from portal.common.store import ObjectStore
from portal.datasets import jobs
from portal.tenants.models import Role
from tests.fakes.portal import Cast, make_general, make_task
from tests.portal.domains.world import Worker, learn, store

pytestmark = pytest.mark.database
ROWS = "text,label\n" + "".join(f"film {n},{'pos' if n % 2 else 'neg'}\n" for n in range(20))


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    make_general()
    return Worker(tmp_path, options=("--splits",))


@pytest.fixture
def examined(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> Callable[[Callable[[], Any]], Any]:
    """Does something, and then the examinations that it has queued."""
    queued: list[dict[str, str]] = []
    monkeypatch.setattr(
        "portal.common.queue._send",
        lambda name, ids: queued.append(ids) if name is JobName.DATASET_EXAMINE else None,
    )

    def do(what: Callable[[], Any]) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            answer = what()
        for ids in queued:
            jobs.dataset_examine(**ids)
        queued.clear()
        return answer

    return do


@pytest.fixture
def uploaded(cast: Cast, worker: Worker) -> str:
    """A dataset of which two domains are suggested: in lines 2 to 13, and 14 to 21."""
    for slug in ("films", "press"):
        learn(make_task(cast.acme.tenant, slug), 1)
    sent = {"file": SimpleUploadedFile("films.csv", ROWS.encode())}
    made = cast.acme.client().post(f"{cast.acme.path}/datasets", sent)
    assert made.status_code == 201, made.content
    worker.work()  # nothing is queued yet
    worker.round()
    return str(made.json()["id"])


def test_each_part_is_a_dataset_and_every_row_is_in_one(
    cast: Cast, uploaded: str, examined: Callable[[Callable[[], Any]], Any]
) -> None:
    client, path = cast.acme.client(Role.DEVELOPER), f"{cast.acme.path}/datasets"
    before = client.get(f"{path}/{uploaded}").json()
    suggestion = client.get(f"{path}/{uploaded}/suggestion").json()
    first, second = suggestion["split"]["parts"]
    assert (first["num_rows"], second["examples"]) == (12, [14, 15])
    assert "rows" not in first
    answer = examined(lambda: client.post(f"{path}/{uploaded}/suggestion/split"))
    assert answer.status_code == 201, answer.content
    parts = [client.get(f"{path}/{one['id']}").json() for one in answer.json()["results"]]
    assert [part["name"] for part in parts] == ["films.csv: Films", "films.csv: Press"]
    assert [part["num_rows"] for part in parts] == [12, 8]
    assert len({part["series"] for part in parts} | {before["series"]}) == 3
    rows = [client.get(f"{path}/{part['id']}/rows?limit=50").json()["results"] for part in parts]
    assert [row["row"] for row in rows[0]] == list(range(2, 14))
    assert [row["row"] for row in rows[1]] == list(range(14, 22))
    (left_out,) = parts[0]["report"]["left_out"]
    assert (left_out["finding"], left_out["num_rows"]) == ("rows_of_other_domains", 8)
    assert "Only the 12 rows that Films knows best" in parts[0]["fixes"][0]["words"]
    assert client.get(f"{path}/{uploaded}").json() == before, "the dataset stays as it is"
    with operator_scope():
        assert AuditEntry.objects.unscoped().filter(action="dataset.split").count() == 1


def test_it_is_split_once_until_the_parts_are_deleted(
    cast: Cast, uploaded: str, examined: Callable[[Callable[[], Any]], Any]
) -> None:
    client, path = cast.acme.client(), f"{cast.acme.path}/datasets"
    split = f"{path}/{uploaded}/suggestion/split"
    made = examined(lambda: client.post(split)).json()["results"]
    again = client.post(split)
    assert again.status_code == 409
    assert "delete the parts" in again.json()["error"]["message"]
    for part in made:
        assert client.delete(f"{path}/{part['id']}").status_code == 204
    assert client.post(split).status_code == 201


def test_where_the_text_belongs_together_it_is_refused(
    cast: Cast, uploaded: str, worker: Worker, tmp_path: Path
) -> None:
    sent = {"file": SimpleUploadedFile("more.csv", ROWS.encode())}
    path = f"{cast.acme.path}/datasets"
    other = cast.acme.client().post(path, sent).json()["id"]
    Worker(tmp_path / "other").folder.mkdir()
    Worker(tmp_path / "other").round()
    client = cast.acme.client()
    assert client.get(f"{path}/{other}/suggestion").json()["split"] is None
    refused = client.post(f"{path}/{other}/suggestion/split")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")


def test_viewers_and_other_tenants_cannot(cast: Cast, uploaded: str) -> None:
    split = f"{cast.acme.path}/datasets/{uploaded}/suggestion/split"
    assert cast.acme.client(Role.VIEWER).post(split).status_code == 403
    assert cast.globex.client().post(split).status_code == 404
    assert cast.globex.client().post(split.replace("acme", "globex")).status_code == 404


def test_a_disk_that_fills_up_at_the_second_part_leaves_none(
    cast: Cast, uploaded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first part's copy is whole by then."""
    folder = f"tenants/{cast.acme.tenant.pk}/datasets"
    before = sorted(store().names(folder))
    calls = 0
    written = ObjectStore.write

    def write(self: ObjectStore, uri: str) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError(28, "No space left on device")
        return written(self, uri)

    monkeypatch.setattr(ObjectStore, "write", write)
    client = cast.acme.client()
    client.raise_request_exception = False
    assert client.post(f"{cast.acme.path}/datasets/{uploaded}/suggestion/split").status_code >= 500
    assert calls == 2
    assert sorted(store().names(folder)) == before
    assert client.get(f"{cast.acme.path}/datasets").json()["count"] == 3
