"""Spans that a person has marked by hand, on their way from the API to what a training reads."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from hmi.artifacts.store import open_store
from hmi.build.data import read_rows
from hmi.build.kinds.chosen import training_kind
from portal.common.queue import JobName
from portal.common.scope import tenant_scope
from portal.datasets import jobs
from portal.datasets.models import Dataset
from portal.tenants.models import Role
from portal.training.job_files import train_job
from portal.training.leases import job_claim
from portal.training.models import TrainingJob
from tests.fakes.portal import Cast, Member, client_of, make_general, make_job, make_task
from wire.ids import JobId
from wire.spans import Span
from wire.tasks import TaskKind

pytestmark = pytest.mark.database
#        0 2   6   10  14 17
TEXT = "😀 Ann Lee met Bo Li in Zürich."
MARKED = [
    {"start": 14, "end": 19, "label": "PER"},
    {"start": 2, "end": 9, "label": "PER"},
    {"start": 23, "end": 29, "label": "LOC"},
]


def uploaded(member: Member) -> str:
    """A dataset whose first row has one span, and that one too short."""
    rows: list[dict[str, Any]] = [{"text": TEXT, "spans": [{"start": 14, "end": 16, "label": "PER"}]}]
    for n in range(20):
        spans = [{"start": 0, "end": 3, "label": "PER"}, {"start": 7, "end": 11, "label": "LOC"}]
        rows.append({"text": f"Ada in Rome, {n}", "spans": spans})
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    form = {"file": SimpleUploadedFile("letters.jsonl", lines), "kind": "token_classification"}
    answer = member.client().post(f"{member.path}/datasets", form)
    assert answer.status_code == 201, answer.content
    return str(answer.json()["id"])


def correct(client: Client, member: Member, dataset: str, spans: list[dict[str, Any]]) -> Any:
    return client.post(
        f"{member.path}/datasets/{dataset}/corrections",
        {"corrections": [{"row": 1, "spans": spans}]},
        content_type="application/json",
    )


@pytest.fixture
def marked(
    cast: Cast,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> Callable[[str, list[dict[str, Any]]], str]:
    """Gives the first row of a dataset other spans; the next version, examined as the worker would."""
    queued: list[dict[str, str]] = []

    def send(name: JobName, ids: dict[str, str]) -> None:
        assert name is JobName.DATASET_EXAMINE
        queued.append(ids)

    monkeypatch.setattr("portal.common.queue._send", send)

    def mark(dataset: str, spans: list[dict[str, Any]]) -> str:
        with django_capture_on_commit_callbacks(execute=True):
            answer = correct(cast.acme.client(Role.DEVELOPER), cast.acme, dataset, spans)
        assert answer.status_code == 201, answer.content
        while queued:
            jobs.dataset_examine(**queued.pop())
        return str(answer.json()["id"])

    return mark


def test_spans_marked_by_hand_are_what_the_next_training_reads(
    cast: Cast, marked: Callable[[str, list[dict[str, Any]]], str]
) -> None:
    corrected = marked(uploaded(cast.acme), MARKED)
    shown = cast.acme.client().get(f"{cast.acme.path}/datasets/{corrected}").json()
    assert (shown["state"], shown["version"]) == ("ready", 2)
    assert "spans_cut_words" not in [found["code"] for found in shown["report"]["findings"]]
    make_general()
    task = make_task(cast.acme.tenant)
    with tenant_scope(cast.acme.tenant.pk):
        task.kind = TaskKind.TOKEN_CLASSIFICATION
        task.save()
        dataset = Dataset.objects.for_tenant(cast.acme.tenant).get(pk=corrected)
    lease = job_claim(TrainingJob, job_id=JobId(str(make_job(task, dataset).pk)), lease_s=30.0)
    assert lease is not None
    job = train_job(lease)
    with open_store(settings.ENV.store_url, None).open_file(job.rows_uri) as lines:
        rows = read_rows(lines, training_kind(job.kind, job.labels))
    assert rows[0].text == TEXT
    assert rows[0].spans == (Span(2, 9, "PER"), Span(14, 19, "PER"), Span(23, 29, "LOC"))
    assert [TEXT[span.start : span.end] for span in rows[0].spans] == ["Ann Lee", "Bo Li", "Zürich"]
    assert rows[1].spans == (Span(0, 3, "PER"), Span(7, 11, "LOC"))


def test_what_was_marked_can_be_marked_otherwise_or_not_at_all(
    cast: Cast, marked: Callable[[str, list[dict[str, Any]]], str]
) -> None:
    second = marked(uploaded(cast.acme), MARKED)
    for wanted in ([{"start": 10, "end": 13, "label": "LOC"}], []):
        second = marked(second, wanted)
        rows = cast.acme.client().get(f"{cast.acme.path}/datasets/{second}/rows?numbers=1").json()
        assert [row["spans"] for row in rows["results"]] == [wanted]


def test_another_tenants_rows_are_not_marked(cast: Cast) -> None:
    theirs = uploaded(cast.globex)
    for client, member in (
        (cast.acme.client(), cast.acme),  # under one's own name
        (cast.acme.client(), cast.globex),  # under the other's
        (client_of(cast.nobody), cast.globex),
    ):
        answer = correct(client, member, theirs, MARKED)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert correct(cast.globex.client(Role.VIEWER), cast.globex, theirs, MARKED).status_code == 403
