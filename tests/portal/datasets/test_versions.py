"""Mending datasets over the REST API: new versions, examined in the background, and downloads."""

import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from celery import current_app
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from portal.common.download import Download
from portal.common.queue import HOUSEKEEPING_QUEUE, JobName
from portal.common.scope import tenant_scope
from portal.common.store import ObjectStore
from portal.datasets import doctor, examine_process, jobs
from portal.datasets.models import Dataset
from portal.datasets.services import dataset_delete, dataset_files_delete, datasets_waiting
from portal.tenants.actors import OPERATOR
from portal.tenants.models import Role
from tests.fakes.portal import Cast, Member, make_dataset, make_general, make_task

pytestmark = pytest.mark.database
GOOD = "text,label\n" + "".join(f"film {n},{'pos' if n % 2 else 'neg'}\n" for n in range(30))
RAGGED = GOOD + "one, two,pos\n"


def upload(member: Member, content: str | bytes, name: str = "films.csv", **form: str) -> dict[str, Any]:
    data = content.encode() if isinstance(content, str) else content
    answer = member.client().post(f"{member.path}/datasets", {"file": SimpleUploadedFile(name, data), **form})
    assert answer.status_code == 201, answer.content
    return dict(answer.json())


def mend(client: Client, member: Member, dataset: str, **body: Any) -> Any:
    return client.post(f"{member.path}/datasets/{dataset}/fixes", body, content_type="application/json")


def shown(member: Member, dataset: str) -> dict[str, Any]:
    return dict(member.client(Role.VIEWER).get(f"{member.path}/datasets/{dataset}").json())


@pytest.fixture
def examined(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> Callable[[Callable[[], Any]], Any]:
    """Does something, and then the background jobs it has queued, as the worker would."""
    queued: list[tuple[JobName, dict[str, str]]] = []
    monkeypatch.setattr("portal.common.queue._send", lambda name, ids: queued.append((name, ids)))

    def do(what: Callable[[], Any]) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            answer = what()
        for name, ids in queued:
            assert name is JobName.DATASET_EXAMINE
            jobs.dataset_examine(**ids)
        queued.clear()
        return answer

    return do


def test_a_fix_makes_a_new_version_and_keeps_the_old(
    cast: Cast, examined: Callable[[Callable[[], Any]], Any]
) -> None:
    first = upload(cast.acme, RAGGED)
    assert first["state"] == "blocked"
    answer = examined(
        lambda: mend(cast.acme.client(Role.DEVELOPER), cast.acme, first["id"], fixes=["drop:ragged_rows"])
    )
    assert answer.status_code == 201, answer.content
    assert (answer.json()["state"], answer.json()["version"]) == ("checking", 2)
    assert answer.json()["report"] is None
    second = shown(cast.acme, answer.json()["id"])
    assert (second["state"], second["num_rows"], second["series"]) == ("ready", 30, first["series"])
    assert [fix["id"] for fix in second["fixes"]] == ["drop:ragged_rows"]
    assert second["report"]["left_out"] == [{"finding": "ragged_rows", "rows": [32], "num_rows": 1}]
    assert second["sha256"] == first["sha256"]
    assert shown(cast.acme, first["id"]) == first
    listed = cast.acme.client().get(f"{cast.acme.path}/datasets/{first['id']}/versions").json()
    assert [version["version"] for version in listed["results"]] == [2, 1]


def test_fixes_add_up_over_versions(cast: Cast, examined: Callable[[Callable[[], Any]], Any]) -> None:
    content = (RAGGED + "  padded ,pos\n").replace("text,label", "words,kind").encode("utf-16")
    at = upload(cast.acme, content)
    for fix in (
        "re_encode:encoding:utf-16",
        "set_header:dataset_missing_column:named",
        "drop:ragged_rows",
        "trim:untrimmed_texts",
    ):
        answer = examined(partial(mend, cast.acme.client(), cast.acme, at["id"], fixes=[fix]))
        at = shown(cast.acme, answer.json()["id"])
    assert (at["state"], at["version"], at["num_rows"]) == ("ready", 5, 31)
    assert at["report"]["findings"] == []
    assert (at["text_column"], at["label_column"]) == ("words", "kind")


def test_columns_can_be_chosen(cast: Cast, examined: Callable[[Callable[[], Any]], Any]) -> None:
    made = upload(cast.acme, GOOD.replace("text,label", "text,label,text2", 1).replace("\n", ",x\n")
                  .replace("text2,x", "text2", 1))  # fmt: skip
    columns = {"text": "label", "label": "text"}
    answer = examined(lambda: mend(cast.acme.client(), cast.acme, made["id"], columns=columns))
    swapped = shown(cast.acme, answer.json()["id"])
    assert (swapped["text_column"], swapped["label_column"]) == ("label", "text")


def test_a_choice_of_columns_that_are_not_there_is_told(
    cast: Cast, examined: Callable[[Callable[[], Any]], Any]
) -> None:
    made = upload(cast.acme, GOOD)
    answer = examined(
        lambda: mend(cast.acme.client(), cast.acme, made["id"], columns={"text": "x", "label": "y"})
    )
    found = shown(cast.acme, answer.json()["id"])
    assert found["state"] == "blocked"
    assert found["report"]["findings"][0]["code"] == "dataset_missing_column"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "fixes"),
        ({"fixes": []}, "fixes"),
        ({"fixes": ["drop:everything"]}, "fixes"),
        ({"fixes": ["literal_quotes:bad_quotes", "drop:bad_quotes"]}, "fixes"),
        ({"columns": {"text": "a"}}, "columns.label"),
    ],
)
def test_what_is_not_on_offer_is_refused(cast: Cast, body: dict[str, Any], param: str) -> None:
    made = upload(cast.acme, GOOD + '"a" b,pos\n')
    answer = mend(cast.acme.client(), cast.acme, made["id"], **body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


def test_a_dataset_that_is_being_examined_is_not_mended_yet(cast: Cast) -> None:
    made = upload(cast.acme, RAGGED)
    checking = mend(cast.acme.client(), cast.acme, made["id"], fixes=["drop:ragged_rows"]).json()
    answer = mend(cast.acme.client(), cast.acme, checking["id"], fixes=["drop:ragged_rows"])
    assert answer.status_code == 409
    rows = cast.acme.client().get(f"{cast.acme.path}/datasets/{checking['id']}/rows").json()
    assert rows == {"count": 0, "results": []}
    cleaned = cast.acme.client().get(f"{cast.acme.path}/datasets/{checking['id']}/cleaned")
    assert cleaned.status_code == 409


def test_a_blocked_dataset_is_not_trained_on(cast: Cast) -> None:
    make_general()
    make_task(cast.acme.tenant)
    made = upload(cast.acme, RAGGED)
    answer = cast.acme.client().post(
        f"{cast.acme.path}/tasks/news/trainings", {"dataset": made["id"]}, content_type="application/json"
    )
    assert answer.status_code == 409
    assert "not ready" in answer.json()["error"]["message"]


def correct(client: Client, member: Member, dataset: str, *corrections: dict[str, Any]) -> Any:
    path = f"{member.path}/datasets/{dataset}/corrections"
    return client.post(path, {"corrections": corrections}, content_type="application/json")


def test_rows_are_given_other_labels_and_left_out_one_by_one(
    cast: Cast, examined: Callable[[Callable[[], Any]], Any]
) -> None:
    first = upload(cast.acme, GOOD)
    client = cast.acme.client(Role.DEVELOPER)
    wanted = ({"row": 2, "label": "pos"}, {"row": 3, "drop": True})
    answer = examined(lambda: correct(client, cast.acme, first["id"], *wanted))
    assert answer.status_code == 201, answer.content
    second = shown(cast.acme, answer.json()["id"])
    assert (second["state"], second["version"], second["num_rows"]) == ("ready", 2, 29)
    assert second["labels"] == [{"label": "neg", "num_rows": 14}, {"label": "pos", "num_rows": 15}]
    assert second["report"]["left_out"] == [{"finding": "corrected_rows", "rows": [3], "num_rows": 1}]
    assert [(fix["kind"], fix["words"]) for fix in second["fixes"]] == [
        ("correct", "Labels corrected by hand: 1; rows left out by hand: 1")
    ]
    rows = client.get(f"{cast.acme.path}/datasets/{second['id']}/rows?limit=2").json()["results"]
    assert [(row["row"], row["label"]) for row in rows] == [(2, "pos"), (4, "neg")]
    assert shown(cast.acme, first["id"])["num_rows"] == 30

    back = examined(lambda: correct(client, cast.acme, second["id"], {"row": 2, "label": "neg"}))
    third = client.get(f"{cast.acme.path}/datasets/{back.json()['id']}/rows?limit=1").json()["results"]
    assert [(row["row"], row["label"]) for row in third] == [(2, "neg")]  # the last word counts
    assert shown(cast.acme, back.json()["id"])["num_rows"] == 29


OF_KINDS: dict[str, tuple[str, dict[str, Any], Any]] = {
    "score": ("text,label\n" + "".join(f"film {n},{n}.5\n" for n in range(30)), {"value": 7.25}, 7.25),
    "multi_label": (
        "text,label\n" + "".join(f"film {n},{'a;b' if n % 2 else 'b'}\n" for n in range(30)),
        {"labels": ["a"]},
        ["a"],
    ),
    "token_classification": (
        "".join(
            f'{{"text": "Ada {n}", "spans": [{{"start": 0, "end": 3, "label": "PER"}}]}}\n' for n in range(30)
        ),
        {"spans": [{"start": 4, "end": 5, "label": "PER"}, {"start": 0, "end": 2, "label": "PER"}]},
        [{"start": 0, "end": 2, "label": "PER"}, {"start": 4, "end": 5, "label": "PER"}],
    ),
}
PER = {"start": 0, "end": 3, "label": "PER"}
FILE_NAMES = {"token_classification": "films.jsonl"}


@pytest.mark.parametrize("kind", OF_KINDS)
def test_values_several_labels_and_spans_are_put_right(
    cast: Cast, kind: str, examined: Callable[[Callable[[], Any]], Any]
) -> None:
    content, wanted, kept = OF_KINDS[kind]
    first = upload(cast.acme, content, FILE_NAMES.get(kind, "films.csv"), kind=kind)
    client = cast.acme.client(Role.DEVELOPER)
    corrections = ({"row": 2, **wanted}, {"row": 3, "drop": True})
    answer = examined(lambda: correct(client, cast.acme, first["id"], *corrections))
    assert answer.status_code == 201, answer.content
    second = shown(cast.acme, answer.json()["id"])
    assert (second["state"], second["num_rows"]) == ("ready", 29)
    rows = client.get(f"{cast.acme.path}/datasets/{second['id']}/rows?numbers=2,3,4").json()["results"]
    [name] = wanted
    assert [(row["row"], row[name] == kept) for row in rows] == [(2, True), (4, False)]


@pytest.mark.parametrize(
    ("kind", "correction", "words"),
    [
        ("score", {"label": "a"}, "by their value"),
        ("score", {"value": "nan"}, "valid number"),
        ("multi_label", {"value": 1}, "by their labels"),
        ("multi_label", {"labels": ["a", "c"]}, "no label 'c'"),
        ("multi_label", {"labels": ["a"], "drop": True}, "one of them"),
        ("token_classification", {"label": "PER"}, "by their spans"),
        ("token_classification", {"spans": [{"start": 0, "end": 3, "label": "LOC"}]}, "no label 'LOC'"),
        (
            "token_classification",
            {"spans": [{"start": 3, "end": 9, "label": "PER"}]},
            "3 to 9 of row 2 is empty or outside its text, which has 5 characters",
        ),
        (
            "token_classification",
            {"spans": [{"start": 3, "end": 3, "label": "PER"}]},
            "3 to 3 of row 2 is empty",
        ),
        (
            "token_classification",
            {"spans": [{"start": 3, "end": 4, "label": "PER"}]},
            "3 to 4 of row 2 has white space alone",
        ),
        (
            "token_classification",
            {"spans": [PER, {**PER, "start": 2}]},
            "0 to 3 and 2 to 3 of row 2 lie over one another",
        ),
        ("token_classification", {"spans": [{"start": -1, "end": 3, "label": "PER"}]}, "greater than"),
    ],
)
def test_what_rows_of_a_kind_do_not_have_is_refused(
    cast: Cast, kind: str, correction: dict[str, Any], words: str
) -> None:
    first = upload(cast.acme, OF_KINDS[kind][0], FILE_NAMES.get(kind, "films.csv"), kind=kind)
    answer = correct(cast.acme.client(), cast.acme, first["id"], {"row": 2, **correction})
    assert answer.status_code == 400
    assert words in str(answer.json()["error"])


@pytest.mark.parametrize(
    ("corrections", "words"),
    [
        ([], "empty"),
        ([{"row": 2}], "Give a label"),
        ([{"row": 2, "label": "pos", "drop": True}], "one of them"),
        ([{"row": 2, "label": "positive"}], "no label 'positive'"),
        ([{"row": 1, "drop": True}], "no row 1"),
        ([{"row": 99, "label": "pos"}], "no row 99"),
        ([{"row": 2, "drop": True}, {"row": 2, "label": "pos"}], "named twice"),
        ([{"row": 0, "drop": True}], "greater than or equal to 1"),
    ],
)
def test_corrections_that_make_no_sense_are_refused(
    cast: Cast, corrections: list[dict[str, Any]], words: str
) -> None:
    first = upload(cast.acme, GOOD)
    answer = correct(cast.acme.client(), cast.acme, first["id"], *corrections)
    assert answer.status_code == 400
    assert words in str(answer.json()["error"])
    with tenant_scope(cast.acme.tenant.pk):
        assert Dataset.objects.for_tenant(cast.acme.tenant).count() == 1


def test_a_dataset_that_is_being_examined_is_not_corrected(cast: Cast) -> None:
    first = upload(cast.acme, RAGGED)
    fixed = mend(cast.acme.client(), cast.acme, first["id"], fixes=["drop:ragged_rows"]).json()
    answer = correct(cast.acme.client(), cast.acme, fixed["id"], {"row": 2, "drop": True})
    assert answer.status_code == 409


def test_a_fix_repeated_with_one_idempotency_key_makes_one_version(cast: Cast) -> None:
    made = upload(cast.acme, RAGGED)
    ids = {
        cast.acme.client()
        .post(
            f"{cast.acme.path}/datasets/{made['id']}/fixes",
            {"fixes": ["drop:ragged_rows"]},
            content_type="application/json",
            headers={"Idempotency-Key": "once"},
        )
        .json()["id"]
        for _ in range(2)
    }
    assert len(ids) == 1


def test_an_examination_that_never_came_is_asked_for_again(cast: Cast) -> None:
    made = upload(cast.acme, RAGGED)
    checking = mend(cast.acme.client(), cast.acme, made["id"], fixes=["drop:ragged_rows"]).json()
    assert datasets_waiting() == []
    rows = Dataset.objects.for_tenant(cast.acme.tenant).filter(pk=checking["id"])
    with tenant_scope(cast.acme.tenant.id):
        rows.update(queued_at=timezone.now() - timedelta(minutes=2))
    with current_app.connection_for_write() as broker, broker.channel() as channel:
        channel.queue_purge(HOUSEKEEPING_QUEUE) if channel._has_queue(HOUSEKEEPING_QUEUE) else None
        jobs.datasets_tidy()
        message = channel.basic_get(HOUSEKEEPING_QUEUE, no_ack=True)
    assert message.headers["task"] == "datasets.examine"
    assert message.headers["kwargsrepr"] == f"{{'id': '{checking['id']}'}}"
    assert datasets_waiting() == []


def test_an_examination_that_fails_again_and_again_is_given_up_with_words(cast: Cast) -> None:
    dataset = make_dataset(cast.acme.tenant)  # has no file
    rows = Dataset.objects.for_tenant(cast.acme.tenant).filter(pk=dataset.pk)
    with tenant_scope(cast.acme.tenant.id):
        rows.update(state="checking")
    for _ in range(3):
        with pytest.raises(FileNotFoundError):
            jobs.dataset_examine(id=str(dataset.pk))
    jobs.dataset_examine(id=str(dataset.pk))
    found = shown(cast.acme, str(dataset.pk))
    assert found["state"] == "blocked"
    assert "3 attempts" in found["report"]["findings"][0]["message"]


def test_a_dataset_deleted_while_it_is_examined_leaves_no_text(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = upload(cast.acme, RAGGED)
    checking = mend(cast.acme.client(), cast.acme, made["id"], fixes=["drop:ragged_rows"]).json()
    store = ObjectStore(settings.ENV.store_url)
    examine = doctor.examine

    def examine_late(*args: Any, **kwargs: Any) -> Any:
        outcome = examine(*args, **kwargs)
        with tenant_scope(cast.acme.tenant.id):
            dataset = Dataset.objects.for_tenant(cast.acme.tenant).get(pk=checking["id"])
            dataset_delete(dataset=dataset, acting=OPERATOR)
        dataset_files_delete(dataset_id=dataset.pk, store=store)
        with store.write(kwargs["rows_uri"]) as rows:  # as if the rows had been written only now
            rows.write(b"x")
        return outcome

    monkeypatch.setattr(examine_process, "examine", examine_late)
    jobs.dataset_examine(id=checking["id"])
    assert not store.exists(f"tenants/{cast.acme.tenant.id}/datasets/{checking['id']}")
    assert cast.acme.client().get(f"{cast.acme.path}/datasets/{checking['id']}").status_code == 404


def downloaded(response: Any) -> bytes:
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content)


def test_it_is_downloaded_as_it_came_and_as_it_was_cleaned(cast: Cast) -> None:
    content = (RAGGED + ' "a, ""b""" ,pos\n').encode("utf-8-sig")
    made = upload(cast.acme, content, "films of mine.csv")
    client, path = cast.acme.client(Role.VIEWER), f"{cast.acme.path}/datasets/{made['id']}"
    original = client.get(f"{path}/original")
    assert downloaded(original) == content
    assert original.headers["Content-Disposition"] == 'attachment; filename="films of mine.csv"'
    cleaned = client.get(f"{path}/cleaned")
    lines = downloaded(cleaned).decode().splitlines()
    assert lines[:2] == ["text,label", "film 0,neg"]
    assert len(lines) == 1 + made["num_rows"]
    assert cleaned.headers["Content-Disposition"] == 'attachment; filename="films of mine.cleaned.csv"'
    rows = downloaded(client.get(f"{path}/cleaned?form=jsonl")).splitlines()
    assert rows[0] == b'{"row":2,"text":"film 0","label":"neg"}'
    assert client.get(f"{path}/cleaned?form=xml").status_code == 400


@pytest.mark.parametrize(
    ("labels", "separator"),
    [(["a;b", "c"], ","), (["a", "b"], ";"), (["a;b", "c,d|e/f g"], "\n")],
    ids=["semicolon", "none", "all"],
)
def test_labels_that_have_the_separator_in_them_stay_apart_in_a_cleaned_file(
    cast: Cast, labels: list[str], separator: str
) -> None:
    lines = "".join(
        json.dumps({"text": f"film {n}", "labels": labels[: 1 + n % 2]}) + "\n" for n in range(12)
    )
    made = upload(cast.acme, lines.encode(), "films.jsonl", kind="multi_label", label_column="labels")
    path = f"{cast.acme.path}/datasets/{made['id']}/cleaned"
    cleaned = downloaded(cast.acme.client().get(path))
    again = upload(cast.acme, cleaned, kind="multi_label", label_separator=separator)
    assert again["labels"] == made["labels"]


def test_a_download_comes_piece_by_piece_under_asgi() -> None:
    pulled: list[int] = []

    def pieces() -> Any:
        for number in range(3):
            pulled.append(number)
            yield b"%d" % number

    async def first_piece() -> bytes:
        answer = Download(pieces(), file_name="a", content_type="text/plain")
        async for piece in answer:
            return bytes(piece)
        return b""

    assert async_to_sync(first_piece)() == b"0"
    assert pulled == [0]


def test_files_that_are_not_in_the_store_are_told(cast: Cast) -> None:
    dataset = make_dataset(cast.acme.tenant)
    for what in ("original", "cleaned", "rows"):
        answer = cast.acme.client().get(f"{cast.acme.path}/datasets/{dataset.pk}/{what}")
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "store_unavailable"
