"""The Python client against the portal's own REST API."""

import hashlib
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from django.test import Client as Browser

from hmi_client.adapter_files import NEEDED
from hmi_client.client import Client
from hmi_client.errors import ApiError, ClientError
from hmi_client.transport import OnProgress
from portal.common.scope import tenant_scope
from portal.datasets import jobs
from portal.training.models import AdapterImport, JobState, TrainingJob
from tests.fakes.bundles import BACKBONE_FILES, make_stored_version
from tests.fakes.portal import (
    Cast,
    client_with,
    make_backbone,
    make_general,
    make_key,
    make_task,
    make_version,
)

pytestmark = pytest.mark.database
ROWS = "text,label\n" + "".join(f"film {n} {'x' * 4000},{'pos' if n % 2 else 'neg'}\n" for n in range(60))


class InProcess:
    """Calls the portal without a socket; ``cut`` loses the answers to so many chunks, ``lost``
    so many of each call, which is then made again."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.cut = 0
        self.lost = 0
        self.num_begun = 0

    def call(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        for _ in range(self.lost):
            self._answer(method, path, body or b"", headers or {})
        answer = self._answer(method, path, body or b"", headers or {})
        self.num_begun += method == "POST" and path.endswith("/uploads")
        if method == "PATCH" and self.cut:
            self.cut -= 1
            raise ClientError("the connection was cut")
        return answer.json() if answer.content else None

    def fetch(self, path: str) -> bytes:
        return bytes(self._answer("GET", path, b"", {}).getvalue())

    def download(self, path: str, out: Path, on_progress: OnProgress) -> None:
        out.write_bytes(self.fetch(path))
        on_progress(1.0)

    def _answer(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Any:
        more = dict(headers)
        content_type = more.pop("Content-Type", "application/octet-stream")
        answer = self._browser.generic(method, path, body, content_type, headers=more)
        if answer.status_code >= 400:
            error = answer.json()["error"]
            raise ApiError(answer.status_code, error["code"], error["message"], details=error["details"])
        return answer


@pytest.fixture
def transport(cast: Cast) -> InProcess:
    """With a key of acme's."""
    make_general()
    make_backbone()
    return InProcess(client_with(make_key(cast.acme.tenant)))


@pytest.fixture
def client(cast: Cast, transport: InProcess, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Chunks are small, and the doctor works while the client sleeps."""
    monkeypatch.setattr("hmi_client.client.CHUNK_BYTES", 1 << 16)

    def sleep(_seconds: float) -> None:
        from portal.datasets.models import Dataset

        with tenant_scope(cast.acme.tenant.id):
            waiting = list(Dataset.objects.for_tenant(cast.acme.tenant).filter(state="checking"))
        for dataset in waiting:
            jobs.dataset_examine(id=str(dataset.pk))

    return Client(transport, "acme", sleep=sleep)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A quarter of a megabyte: four chunks."""
    path = tmp_path / "films.csv"
    path.write_text(ROWS)
    return path


def test_a_file_is_uploaded_in_chunks_and_examined(client: Client, file: Path) -> None:
    shares: list[float] = []
    dataset = client.upload(file, name="Films", on_progress=shares.append)
    assert (dataset["state"], dataset["num_rows"], dataset["name"]) == ("ready", 60, "Films")
    assert len(shares) >= 4 and shares == sorted(shares) and shares[-1] == 1.0


def test_an_upload_that_was_cut_goes_on_where_it_was(
    client: Client, transport: InProcess, file: Path
) -> None:
    transport.cut = 1
    with pytest.raises(ClientError, match="cut"):
        client.upload(file)
    shares: list[float] = []
    assert client.upload(file, on_progress=shares.append)["num_rows"] == 60
    assert shares[0] > 0
    assert transport.num_begun == 1


def test_another_file_of_that_name_and_size_is_sent_from_its_beginning(
    client: Client, transport: InProcess, file: Path
) -> None:
    transport.cut = 1
    with pytest.raises(ClientError):
        client.upload(file)
    file.write_text(ROWS.replace("film 59", "film 95"))
    assert client.upload(file)["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert transport.num_begun == 2


def test_an_upload_of_which_nobody_knows_the_bytes_is_not_gone_on_with(
    client: Client, transport: InProcess, file: Path
) -> None:
    announced = {"file_name": file.name, "num_bytes": file.stat().st_size}
    root = "/api/v1/tenants/acme/uploads"
    json_type = {"Content-Type": "application/json"}
    begun = transport.call("POST", root, body=json.dumps(announced).encode(), headers=json_type)
    first = {"Content-Type": "application/octet-stream", "Upload-Offset": "0"}
    transport.call("PATCH", f"{root}/{begun['id']}", body=b"text,label\n" * 8000, headers=first)
    assert client.upload(file)["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize("option", [{"name": "Films"}, {"label_column": "label"}, {"text_column": "text"}])
def test_an_upload_that_was_to_be_read_otherwise_is_not_gone_on_with(
    client: Client, transport: InProcess, file: Path, option: dict[str, Any]
) -> None:
    transport.cut = 1
    with pytest.raises(ClientError):
        client.upload(file)
    assert client.upload(file, **option)["num_rows"] == 60
    assert transport.num_begun == 2


def test_training_is_started_watched_and_its_version_deployed(cast: Cast, client: Client, file: Path) -> None:
    task = make_task(cast.acme.tenant)
    training = client.train("news", client.upload(file)["id"])
    watching = client.watch(training["id"])
    assert next(watching)["state"] == "queued"
    make_version(task)
    with tenant_scope(cast.acme.tenant.id):
        TrainingJob.objects.for_tenant(cast.acme.tenant).update(state=JobState.SUCCEEDED)
    assert [seen["state"] for seen in watching] == ["succeeded"]
    assert client.deploy("news")["version"] == 1


def test_what_is_asked_again_after_a_lost_answer_is_made_once(
    cast: Cast, client: Client, transport: InProcess, file: Path, tmp_path: Path
) -> None:
    dataset = client.upload(file)["id"]
    transport.lost = 2
    assert client.create_task("Films")["slug"] == "films"
    assert client.create_task("Films")["slug"] == "films-2", "another call makes another one"
    client.train("films", dataset)
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in NEEDED["lora"]:
        (folder / name).write_bytes(b"content")
    client.import_adapter("films", folder)
    make_version(make_task(cast.acme.tenant))
    client.deploy("news")
    announced = {"file_name": "more.csv", "num_bytes": 10}
    client._begin(announced)

    listed = {
        path: transport.call("GET", f"/api/v1/tenants/acme/{path}")["count"]
        for path in (
            "tasks",
            "tasks/films/trainings",
            "tasks/films/imports",
            "tasks/news/deployments",
            "uploads",
        )
    }
    assert list(listed.values()) == [3, 1, 1, 1, 1], listed


def test_a_task_is_made_of_a_kind_and_trained_by_a_recipe(client: Client, file: Path) -> None:
    task = client.create_task("How it went", kind="single_label", slug="mood")
    assert (task["slug"], task["kind"]) == ("mood", "single_label")
    assert client.create_task("Stars", kind="score")["kind"] == "score"
    training = client.train("mood", client.upload(file)["id"], {"rank": 16})
    assert client.training(training["id"])["recipe"]["rank"] == 16


def test_an_upload_says_its_kind_and_what_its_columns_are(
    client: Client, transport: InProcess, tmp_path: Path
) -> None:
    rows = [f"question {n},answer {n},{n % 2}\n" for n in range(60)]
    file = tmp_path / "pairs.csv"
    file.write_text("question,answer,fits\n" + "".join(rows))
    dataset = client.upload(
        file, kind="sentence_pair", text_column="question", pair_column="answer", label_column="fits"
    )
    assert (dataset["kind"], dataset["state"], dataset["num_rows"]) == ("sentence_pair", "ready", 60)
    assert transport.num_begun == 1


def test_an_upload_that_was_begun_as_another_kind_is_not_gone_on_with(
    client: Client, transport: InProcess, file: Path
) -> None:
    transport.cut = 1
    with pytest.raises(ClientError):
        client.upload(file, kind="multi_label")
    assert client.upload(file)["kind"] == "single_label"
    assert transport.num_begun == 2


def test_an_adapter_is_brought_and_watched(cast: Cast, client: Client, tmp_path: Path) -> None:
    make_task(cast.acme.tenant)
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in NEEDED["lora"]:
        (folder / name).write_bytes(b"content")
    brought = client.import_adapter("news", folder, min_agreement=0.8)
    assert (brought["file_name"], brought["min_agreement"]) == ("mine.tar", 0.8)
    watching = client.watch_import(brought["id"])
    assert next(watching)["state"] == "queued"
    error = {"code": "adapter_refused", "message": "adapter_config.json is no JSON"}
    with tenant_scope(cast.acme.tenant.id):
        AdapterImport.objects.for_tenant(cast.acme.tenant).update(state=JobState.FAILED, error=error)
    assert [seen["error"] for seen in watching] == [error]


def test_a_version_is_read_with_its_report(cast: Cast, client: Client) -> None:
    version = make_version(make_task(cast.acme.tenant))
    assert client.version("news", version.number)["report"] == version.report


def test_an_adapter_is_taken_away_and_brought_again(cast: Cast, client: Client, tmp_path: Path) -> None:
    version = make_stored_version(make_task(cast.acme.tenant))
    file = tmp_path / "taken.tar"
    file.write_bytes(client.adapter("news", version.number))
    brought = client.import_adapter("news", file)
    assert (brought["file_name"], brought["num_bytes"]) == ("taken.tar", file.stat().st_size)


def test_a_version_is_taken_away_to_predict_offline(cast: Cast, client: Client, tmp_path: Path) -> None:
    version = make_stored_version(make_task(cast.acme.tenant))
    parity = {
        "rows": 40,
        "same_label_share": 0.975,
        "max_score_difference": 0.1,
        "mean_score_difference": 0.01,
    }
    with tenant_scope(cast.acme.tenant.id):
        version.report = {**version.report, "offline": parity}
        version.save()
    out = tmp_path / "news.tar"
    assert client.offline("news", version.number, out) == parity
    with tarfile.open(out) as archive:
        assert {"hplm.json", "store/version/head.safetensors"} <= set(archive.getnames())
        backbone = archive.extractfile("store/backbone/lower.safetensors")
        assert backbone is not None and backbone.read() == BACKBONE_FILES["lower.safetensors"]


def test_one_that_is_not_whole_in_the_store_leaves_no_file(
    cast: Cast, client: Client, tmp_path: Path
) -> None:
    version = make_version(make_task(cast.acme.tenant))
    with pytest.raises(ApiError, match="tell the operator"):
        client.offline("news", version.number, tmp_path / "news.tar")
    assert list(tmp_path.iterdir()) == []


def test_an_adapter_that_is_not_in_the_store_is_not_taken(cast: Cast, client: Client) -> None:
    version = make_version(make_task(cast.acme.tenant))
    with pytest.raises(ApiError, match="tell the operator"):
        client.adapter("news", version.number)


def test_a_training_is_cancelled(cast: Cast, client: Client, file: Path) -> None:
    make_task(cast.acme.tenant)
    training = client.train("news", client.upload(file)["id"])
    client.cancel(training["id"])
    assert client.training(training["id"])["state"] == "cancelled"


def test_without_a_version_there_is_nothing_to_deploy(cast: Cast, client: Client) -> None:
    make_task(cast.acme.tenant)
    with pytest.raises(ClientError, match="no version yet"):
        client.deploy("news")


def test_a_key_of_another_tenant_is_refused(cast: Cast) -> None:
    stranger = Client(InProcess(client_with(make_key(cast.globex.tenant))), "acme")
    with pytest.raises(ApiError) as caught:
        stranger.tenant()
    assert caught.value.status == 404
