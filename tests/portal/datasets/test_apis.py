"""Uploading, reading and deleting datasets over the REST API."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from portal.audit.models import AuditEntry
from portal.common.scope import operator_scope
from portal.common.store import ObjectStore
from portal.datasets import jobs
from portal.datasets.models import Dataset
from portal.datasets.services import dataset_files_delete, deleted_datasets
from portal.tenants.models import Role
from portal.training.models import JobState
from tests.fakes.portal import (
    Cast,
    Member,
    client_of,
    client_with,
    make_dataset,
    make_job,
    make_key,
    make_task,
)

pytestmark = pytest.mark.database
ROWS = [(f"film {n}", "pos" if n % 2 else "neg") for n in range(30)]
CSV = "text,label\n" + "".join(f"{text},{label}\n" for text, label in ROWS)


@pytest.fixture
def stored(store_folder: Path) -> Callable[[], set[str]]:
    """Lists the files that came into the store during the test."""
    before = _files(store_folder)
    return lambda: _files(store_folder) - before


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def upload(
    client: Client, member: Member, content: str | bytes = CSV, *, name: str = "films.csv", **fields: str
) -> Any:
    data = content.encode() if isinstance(content, str) else content
    return client.post(f"{member.path}/datasets", {"file": SimpleUploadedFile(name, data), **fields})


def error_of(response: Any) -> dict[str, Any]:
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code", "details", "request_id"}
    return dict(body["error"])


def test_an_upload_becomes_a_dataset(cast: Cast, stored: Callable[[], set[str]]) -> None:
    response = upload(cast.acme.client(Role.DEVELOPER), cast.acme)
    assert response.status_code == 201, response.content
    made = response.json()
    assert made["name"] == "films.csv"
    assert made["num_rows"] == 30
    assert made["labels"] == [{"label": "neg", "num_rows": 15}, {"label": "pos", "num_rows": 15}]
    assert (made["format"], made["text_column"], made["label_column"]) == ("csv", "text", "label")
    assert made["num_bytes"] == len(CSV)
    assert (made["state"], made["version"], made["fixes"]) == ("ready", 1, [])
    assert made["report"]["findings"] == []
    assert made["report"]["num_rows_read"] == made["report"]["num_rows_kept"] == 30
    assert sum(bucket["num_rows"] for bucket in made["report"]["lengths"]) == 30
    folder = f"tenants/{cast.acme.tenant.id}/datasets/{made['id']}"
    assert stored() == {f"{folder}/original", f"{folder}/rows.jsonl"}


def test_a_manage_key_uploads_too(cast: Cast) -> None:
    assert upload(client_with(make_key(cast.acme.tenant)), cast.acme).status_code == 201


def test_name_and_columns_can_be_given(cast: Cast) -> None:
    content = CSV.replace("text,label", "Body,stars,x", 1).replace("\n", ",1\n").replace("x,1\n", "x\n", 1)
    response = upload(
        cast.acme.client(), cast.acme, content, name="a.csv", text_column="body", label_column="stars"
    )
    assert response.status_code == 201, response.content
    assert [finding["code"] for finding in response.json()["report"]["findings"]] == ["columns_ignored"]
    assert response.json()["text_column"] == "Body"


def test_findings_come_with_rows_examples_and_fixes(cast: Cast) -> None:
    response = upload(cast.acme.client(), cast.acme, CSV + "film 0,neg\n")
    (finding,) = response.json()["report"]["findings"]
    assert (finding["code"], finding["rows"], finding["num_rows"]) == ("duplicate_texts", [32], 1)
    assert finding["severity"] == "warning"
    assert finding["examples"] == [{"row": 32, "value": "film 0"}]
    assert [fix["id"] for fix in finding["fixes"]] == ["drop:duplicate_texts"]


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        ("", 422, "dataset_empty"),
        ("text,label\n", 422, "dataset_empty"),
        (b"PK\x03\x04 and so on", 422, "dataset_bad_format"),
        ("words\n" + "a\n" * 20, 422, "dataset_missing_column"),
        ("text,label\n" + "film,pos\n" * 20, 422, "dataset_one_label"),
        ("text,label\na,x\nb,y\n", 422, "dataset_too_few_rows"),
        ('"text,label\na,x\n', 422, "dataset_bad_format"),
        ("text,label\n" + "".join(f"t{n},l{n}\n" for n in range(1001)), 422, "dataset_too_many_labels"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_and_leaves_nothing(
    cast: Cast, stored: Callable[[], set[str]], content: str | bytes, status: int, code: str
) -> None:
    response = upload(cast.acme.client(), cast.acme, content)
    assert response.status_code == status, response.content
    error = error_of(response)
    assert error["code"] == code
    assert len(error["message"]) > 20
    assert error["details"]["findings"][0]["fix"]
    assert stored() == set()
    assert cast.acme.client().get(f"{cast.acme.path}/datasets").json()["count"] == 0


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(update={"max_upload_bytes": 1000, "max_upload_rows": 25})


@pytest.mark.usefixtures("small_limits")
def test_more_rows_than_allowed_are_refused(cast: Cast, stored: Callable[[], set[str]]) -> None:
    response = upload(cast.acme.client(), cast.acme)
    assert response.status_code == 413
    assert error_of(response)["code"] == "dataset_too_large"
    assert stored() == set()


@pytest.mark.usefixtures("small_limits")
@pytest.mark.parametrize("num_bytes", [1001, 200_000])
def test_more_bytes_than_allowed_are_refused(
    cast: Cast, stored: Callable[[], set[str]], num_bytes: int
) -> None:
    response = upload(cast.acme.client(), cast.acme, "x" * num_bytes)
    assert response.status_code == 413
    error = error_of(response)
    assert error["code"] == "dataset_too_large"
    assert "1,000 bytes" in error["message"]
    assert stored() == set()


@pytest.mark.parametrize(
    ("fields", "param"), [({}, "file"), ({"file": "text"}, "file"), ({"name": "x" * 201}, "file")]
)
def test_a_form_without_a_file_is_refused(cast: Cast, fields: dict[str, str], param: str) -> None:
    response = cast.acme.client().post(f"{cast.acme.path}/datasets", fields)
    assert response.status_code == 400
    assert error_of(response)["param"] == param


def test_a_body_that_is_no_form_is_refused(cast: Cast) -> None:
    response = cast.acme.client().post(
        f"{cast.acme.path}/datasets", json.dumps({"file": "x"}), content_type="application/json"
    )
    assert response.status_code == 415
    assert error_of(response)["code"] == "unsupported_media_type"


def test_a_viewer_and_an_unknown_caller_may_not_upload(cast: Cast) -> None:
    assert upload(cast.acme.client(Role.VIEWER), cast.acme).status_code == 403
    assert upload(Client(), cast.acme).status_code == 401


def test_a_form_from_another_site_is_refused(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.acme.owner, backend="django.contrib.auth.backends.ModelBackend")
    response = upload(client, cast.acme)
    assert response.status_code == 403
    assert error_of(response)["code"] == "csrf_failed"


def test_rows_are_shown_in_pieces(cast: Cast) -> None:
    client = cast.acme.client(Role.VIEWER)
    made = upload(cast.acme.client(), cast.acme).json()
    path = f"{cast.acme.path}/datasets/{made['id']}/rows"
    assert client.get(path).json()["count"] == 30
    assert len(client.get(path).json()["results"]) == 20
    of_other_kinds = {"value": None, "pair": None, "labels": None, "spans": None}
    assert client.get(f"{path}?offset=28&limit=5").json()["results"] == [
        {"row": 30, "text": "film 28", "label": "neg", **of_other_kinds},
        {"row": 31, "text": "film 29", "label": "pos", **of_other_kinds},
    ]
    assert client.get(f"{path}?offset=30").json()["results"] == []
    named = client.get(f"{path}?numbers=31,2,999").json()["results"]
    assert [row["row"] for row in named] == [2, 31]


@pytest.mark.parametrize(
    "query", ["offset=-1", f"offset={1 << 64}", "limit=0", "limit=201", "offset=x", "numbers=1,x"]
)
def test_a_piece_that_makes_no_sense_is_refused(cast: Cast, query: str) -> None:
    made = upload(cast.acme.client(), cast.acme).json()
    response = cast.acme.client().get(f"{cast.acme.path}/datasets/{made['id']}/rows?{query}")
    assert response.status_code == 400
    assert error_of(response)["code"] == "invalid_field"


def test_the_list_shows_ones_own_newest_first(cast: Cast) -> None:
    for name in ("one.csv", "two.csv"):
        upload(cast.acme.client(), cast.acme, name=name)
    upload(cast.globex.client(), cast.globex, name="other.csv")
    listed = cast.acme.client(Role.VIEWER).get(f"{cast.acme.path}/datasets").json()
    assert [dataset["name"] for dataset in listed["results"]] == ["two.csv", "one.csv"]


@pytest.mark.parametrize("path", ["", "/rows"])
def test_another_tenants_dataset_is_not_found(cast: Cast, path: str) -> None:
    made = upload(cast.globex.client(), cast.globex).json()
    for client, member in (
        (cast.acme.client(), cast.acme),  # under one's own name
        (cast.acme.client(), cast.globex),  # under the other's
        (client_of(cast.nobody), cast.globex),
        (client_with(make_key(cast.acme.tenant)), cast.globex),
    ):
        response = client.get(f"{member.path}/datasets/{made['id']}{path}")
        assert response.status_code == 404
        assert error_of(response)["code"] == "not_found"
    assert cast.acme.client().delete(f"{cast.acme.path}/datasets/{made['id']}").status_code == 404
    assert upload(cast.acme.client(), cast.globex).status_code == 404
    assert cast.acme.client().get(f"{cast.globex.path}/datasets").status_code == 404


def test_deleting_takes_row_and_files_and_leaves_a_note(
    cast: Cast, stored: Callable[[], set[str]], store_folder: Path
) -> None:
    made = upload(cast.acme.client(), cast.acme).json()
    segment = store_folder / f"tenants/{cast.acme.tenant.id}/segments/{made['id']}/rows.bin"
    segment.parent.mkdir(parents=True)
    segment.write_bytes(b"x")
    path = f"{cast.acme.path}/datasets/{made['id']}"
    assert cast.acme.client(Role.DEVELOPER).delete(path).status_code == 403
    assert cast.acme.client().delete(path).status_code == 204
    assert cast.acme.client().get(path).status_code == 404
    assert cast.acme.client().delete(path).status_code == 404
    (dataset_id,) = deleted_datasets()
    for _ in range(2):
        jobs.dataset_files_delete(id=str(dataset_id))
    assert stored() == set()
    with operator_scope():
        assert not Dataset.objects.unscoped().filter(pk=dataset_id).exists()
        actions = AuditEntry.objects.unscoped().filter(target_id=str(dataset_id)).order_by("id")
        assert [entry.action for entry in actions] == ["dataset.create", "dataset.delete"]


def test_files_whose_deletion_was_called_for_and_never_happened_go_with_the_next_sweep(
    cast: Cast, stored: Callable[[], set[str]]
) -> None:
    client = cast.acme.client()
    gone, stays = (upload(client, cast.acme).json()["id"] for _ in range(2))
    assert client.delete(f"{cast.acme.path}/datasets/{gone}").status_code == 204
    jobs.datasets_sweep()
    assert {name for name in stored() if gone in name} == set() and len(stored()) == 2
    assert client.get(f"{cast.acme.path}/datasets/{stays}").status_code == 200


def test_files_of_a_dataset_that_was_not_deleted_stay(
    cast: Cast, stored: Callable[[], set[str]], store_folder: Path
) -> None:
    made = upload(cast.acme.client(), cast.acme).json()
    dataset_files_delete(dataset_id=made["id"], store=ObjectStore(f"file://{store_folder}"))
    assert len(stored()) == 2


def test_an_unknown_dataset_is_not_found(cast: Cast) -> None:
    assert cast.acme.client().get(f"{cast.acme.path}/datasets/{uuid4()}").status_code == 404


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING])
def test_a_dataset_that_is_trained_on_is_not_deleted(cast: Cast, state: JobState) -> None:
    dataset = make_dataset(cast.acme.tenant)
    make_job(make_task(cast.acme.tenant), dataset, state=state)
    response = cast.acme.client().delete(f"{cast.acme.path}/datasets/{dataset.pk}")
    assert response.status_code == 409
    assert error_of(response)["code"] == "in_use"
    assert cast.acme.client().get(f"{cast.acme.path}/datasets/{dataset.pk}").status_code == 200


def test_a_dataset_whose_trainings_have_ended_is_deleted(cast: Cast) -> None:
    dataset = make_dataset(cast.acme.tenant)
    make_job(make_task(cast.acme.tenant), dataset, state=JobState.SUCCEEDED)
    assert cast.acme.client().delete(f"{cast.acme.path}/datasets/{dataset.pk}").status_code == 204


def test_a_repeated_upload_with_one_idempotency_key_makes_one_dataset(cast: Cast) -> None:
    client = cast.acme.client()
    answers = [
        client.post(
            f"{cast.acme.path}/datasets",
            {"file": SimpleUploadedFile("films.csv", CSV.encode())},
            headers={"Idempotency-Key": "once"},
        )
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert client.get(f"{cast.acme.path}/datasets").json()["count"] == 1
