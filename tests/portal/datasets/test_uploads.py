"""Uploading in chunks: through cut connections and restarts, to one dataset."""

import hashlib
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from portal.common.scope import tenant_scope
from portal.common.store import ObjectStore
from portal.datasets import jobs, uploads
from portal.datasets.chunks import ChunkedFile
from portal.datasets.models import DatasetUpload
from portal.tenants.models import Role
from tests.fakes.portal import Cast, Member, client_of, client_with, make_key

pytestmark = pytest.mark.database
CHUNK = uploads.MIN_CHUNK_BYTES
CSV = b"text,label\n" + b"".join(
    b"film number %06d,%s\n" % (n, b"pos" if n % 2 else b"neg") for n in range(9000)
)


def begin(client: Client, member: Member, **fields: Any) -> Any:
    body = {"file_name": "films.csv", "num_bytes": len(CSV), **fields}
    return client.post(f"{member.path}/uploads", body, content_type="application/json")


def append(client: Client, member: Member, upload: str, offset: int | str, chunk: bytes) -> Any:
    return client.patch(
        f"{member.path}/uploads/{upload}",
        chunk,
        content_type="application/octet-stream",
        headers={"Upload-Offset": str(offset)},
    )


def finish(client: Client, member: Member, upload: str) -> Any:
    return client.post(f"{member.path}/uploads/{upload}/dataset")


def send(client: Client, member: Member, upload: str, data: bytes = CSV, start: int = 0) -> None:
    for offset in range(start, len(data), CHUNK):
        answer = append(client, member, upload, offset, data[offset : offset + CHUNK])
        assert answer.status_code == 200, answer.content
        assert answer.json()["offset"] == min(len(data), offset + CHUNK)


def chunks_under(store_folder: Path, upload: str) -> list[Path]:
    return [path for path in store_folder.rglob("*") if path.is_file() and upload in path.parts]


def test_chunks_become_a_dataset_which_is_examined_in_the_background(
    cast: Cast, store_folder: Path, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, str]] = []
    monkeypatch.setattr("portal.common.queue._send", lambda name, ids: sent.append(ids))
    client = cast.acme.client(Role.DEVELOPER)
    sha256 = hashlib.sha256(CSV).hexdigest()
    upload = begin(client, cast.acme, sha256=sha256).json()
    assert (upload["offset"], upload["dataset"]) == (0, None)
    send(client, cast.acme, upload["id"])
    with django_capture_on_commit_callbacks(execute=True):
        answer = finish(client, cast.acme, upload["id"])
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert (made["state"], made["report"], made["sha256"]) == ("checking", None, sha256)
    assert sent == [{"id": made["id"]}]
    assert chunks_under(store_folder, upload["id"]) == []
    jobs.dataset_examine(**sent[0])
    jobs.dataset_examine(**sent[0])
    found = client.get(f"{cast.acme.path}/datasets/{made['id']}").json()
    assert (found["state"], found["num_rows"]) == ("ready", 9000)
    assert finish(client, cast.acme, upload["id"]).json()["id"] == made["id"]
    assert client.get(f"{cast.acme.path}/datasets").json()["count"] == 1


def test_it_goes_on_where_the_connection_was_cut(cast: Cast) -> None:
    upload = begin(cast.acme.client(), cast.acme).json()
    append(cast.acme.client(), cast.acme, upload["id"], 0, CSV[:CHUNK])
    # The answer was lost, and the browser started again: it finds the upload, and asks how far it came.
    again = cast.acme.client()
    [found] = again.get(f"{cast.acme.path}/uploads").json()["results"]
    assert (found["id"], found["offset"]) == (upload["id"], CHUNK)
    repeated = append(again, cast.acme, upload["id"], 0, CSV[:CHUNK])
    assert repeated.status_code == 409
    assert repeated.json()["error"]["details"] == {"offset": CHUNK}
    send(again, cast.acme, upload["id"], start=CHUNK)
    assert finish(again, cast.acme, upload["id"]).status_code == 201
    assert again.get(f"{cast.acme.path}/uploads").json()["count"] == 0


def test_a_chunk_written_before_a_crash_is_written_again(cast: Cast) -> None:
    upload = begin(cast.acme.client(), cast.acme).json()
    store = ObjectStore(settings.ENV.store_url)
    with store.write(f"tenants/{cast.acme.tenant.id}/uploads/{upload['id']}/{0:015d}") as file:
        file.write(b"half of it; the row in the database knows nothing")
    send(cast.acme.client(), cast.acme, upload["id"])
    made = finish(cast.acme.client(), cast.acme, upload["id"]).json()
    assert made["sha256"] == hashlib.sha256(CSV).hexdigest()


@pytest.mark.parametrize(
    ("headers", "code"), [({}, "missing_field"), ({"Upload-Offset": "x"}, "invalid_field")]
)
def test_a_chunk_that_does_not_say_where_it_belongs_hears_which_header_to_send(
    cast: Cast, headers: dict[str, str], code: str
) -> None:
    client = cast.acme.client()
    upload = begin(client, cast.acme).json()
    path = f"{cast.acme.path}/uploads/{upload['id']}"
    answer = client.patch(path, b"x", content_type="application/octet-stream", headers=headers)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["param"]) == (code, "Upload-Offset")


@pytest.mark.parametrize(
    ("offset", "chunk", "status", "code"),
    [
        (1, CSV[:CHUNK], 409, "conflict"),
        (0, CSV[: CHUNK - 1], 400, "invalid_field"),
        (0, CSV + b"x", 400, "invalid_field"),
        (0, b"", 400, "invalid_field"),
        (-1, CSV[:CHUNK], 400, "invalid_field"),
        ("x", CSV[:CHUNK], 400, "invalid_field"),
        (0, b"x" * (uploads.MAX_CHUNK_BYTES + 1), 413, "body_too_large"),
        (0, b"PK\x03\x04" + bytes(CHUNK), 422, "dataset_bad_format"),
    ],
)
def test_a_chunk_that_does_not_fit_is_refused(
    cast: Cast, offset: int | str, chunk: bytes, status: int, code: str
) -> None:
    upload = begin(cast.acme.client(), cast.acme).json()
    answer = append(cast.acme.client(), cast.acme, upload["id"], offset, chunk)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert cast.acme.client().get(f"{cast.acme.path}/uploads/{upload['id']}").json()["offset"] == 0


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"num_bytes": 0}, 400),
        ({"num_bytes": 10**12}, 413),
        ({"file_name": ""}, 400),
        ({"sha256": "x"}, 400),
    ],
)
def test_an_announcement_that_makes_no_sense_is_refused(
    cast: Cast, fields: dict[str, Any], status: int
) -> None:
    assert begin(cast.acme.client(), cast.acme, **fields).status_code == status


def test_an_upload_with_bytes_missing_or_changed_makes_no_dataset(cast: Cast) -> None:
    client = cast.acme.client()
    upload = begin(client, cast.acme, sha256="0" * 64).json()
    assert finish(client, cast.acme, upload["id"]).status_code == 409
    send(client, cast.acme, upload["id"])
    answer = finish(client, cast.acme, upload["id"])
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "sha256")
    assert client.get(f"{cast.acme.path}/datasets").json()["count"] == 0


def test_giving_up_takes_the_chunks(
    cast: Cast, store_folder: Path, django_capture_on_commit_callbacks: Any
) -> None:
    client = cast.acme.client(Role.DEVELOPER)
    upload = begin(client, cast.acme).json()
    append(client, cast.acme, upload["id"], 0, CSV[:CHUNK])
    assert len(chunks_under(store_folder, upload["id"])) == 1
    with django_capture_on_commit_callbacks(execute=True):
        assert client.delete(f"{cast.acme.path}/uploads/{upload['id']}").status_code == 204
    assert chunks_under(store_folder, upload["id"]) == []
    assert client.get(f"{cast.acme.path}/uploads/{upload['id']}").status_code == 404


def test_an_upload_that_nobody_goes_on_with_is_swept_away(cast: Cast, store_folder: Path) -> None:
    old, new = (begin(cast.acme.client(), cast.acme).json()["id"] for _ in range(2))
    for upload in (old, new):
        append(cast.acme.client(), cast.acme, upload, 0, CSV[:CHUNK])
    with tenant_scope(cast.acme.tenant.id):
        rows = DatasetUpload.objects.for_tenant(cast.acme.tenant).filter(pk=old)
        rows.update(touched_at=timezone.now() - timedelta(hours=25))
    jobs.datasets_tidy()
    assert chunks_under(store_folder, old) == []
    assert len(chunks_under(store_folder, new)) == 1
    [left] = cast.acme.client().get(f"{cast.acme.path}/uploads").json()["results"]
    assert left["id"] == new


def test_an_upload_that_is_gone_on_with_while_others_are_swept_away_stays(
    cast: Cast, store_folder: Path
) -> None:
    uploads_begun = [begin(cast.acme.client(), cast.acme).json()["id"] for _ in range(2)]
    for upload in uploads_begun:
        append(cast.acme.client(), cast.acme, upload, 0, CSV[:CHUNK])
    with tenant_scope(cast.acme.tenant.id):
        rows = DatasetUpload.objects.for_tenant(cast.acme.tenant)
        rows.update(touched_at=timezone.now() - timedelta(hours=25))
    gone_on_with: list[str] = []

    class BusyStore(ObjectStore):
        """While it deletes the first one's chunks, the second one's sender comes back."""

        def delete(self, uri: str) -> None:
            if not gone_on_with:
                gone_on_with.extend(upload for upload in uploads_begun if upload not in uri)
                send(cast.acme.client(), cast.acme, gone_on_with[0], start=CHUNK)
            super().delete(uri)

    uploads.uploads_sweep(store=BusyStore(settings.ENV.store_url))
    made = finish(cast.acme.client(), cast.acme, gone_on_with[0])
    assert (made.status_code, made.json()["sha256"]) == (201, hashlib.sha256(CSV).hexdigest())


def test_a_dataset_that_was_deleted_does_not_come_of_its_upload_again(
    cast: Cast, django_capture_on_commit_callbacks: Any
) -> None:
    client = cast.acme.client()
    upload = begin(client, cast.acme).json()["id"]
    send(client, cast.acme, upload)
    with django_capture_on_commit_callbacks(execute=True):
        made = finish(client, cast.acme, upload).json()["id"]
    assert client.delete(f"{cast.acme.path}/datasets/{made}").status_code == 204
    assert finish(client, cast.acme, upload).status_code == 404
    jobs.datasets_sweep()
    assert finish(client, cast.acme, upload).status_code == 404


def test_another_tenants_upload_is_not_found(cast: Cast) -> None:
    upload = begin(cast.globex.client(), cast.globex).json()["id"]
    for client, member in (
        (cast.acme.client(), cast.acme),
        (cast.acme.client(), cast.globex),
        (client_of(cast.nobody), cast.globex),
        (client_with(make_key(cast.acme.tenant)), cast.globex),
    ):
        assert append(client, member, upload, 0, CSV[:CHUNK]).status_code == 404
        assert finish(client, member, upload).status_code == 404
        assert client.delete(f"{member.path}/uploads/{upload}").status_code == 404
    assert cast.acme.client().get(f"{cast.acme.path}/uploads/{uuid4()}").status_code == 404


def _opened(path: Path) -> BinaryIO:
    return path.open("rb")


@pytest.mark.parametrize("sizes", [(0, 3, 1), (4,), (), (1, 1, 1, 1)])
def test_chunks_are_read_as_one_file(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    paths = [tmp_path / str(place) for place in range(len(sizes))]
    for place, (path, size) in enumerate(zip(paths, sizes, strict=True)):
        path.write_bytes(bytes([place]) * size)
    whole = b"".join(path.read_bytes() for path in paths)
    file = ChunkedFile([partial(_opened, path) for path in paths])
    assert file.read() == whole
    file.seek(0)
    assert file.read(2) + file.readall() == whole
    file.close()
