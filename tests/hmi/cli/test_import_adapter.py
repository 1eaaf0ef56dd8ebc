"""``import --job``: what the control plane starts, from the job file to the last line."""

import json
from pathlib import Path

import pytest
from safetensors.torch import save_file

from hmi.cli.main import EXIT_BAD_INPUT, EXIT_OK, main
from hmi.model.adapters.lora.peft_format import save_peft
from tests.hmi.build.test_adapter_archive import zip_of
from tests.hmi.build.training_world import LABELS, TrainingWorld, invented_rows, make_world
from tests.tiny.adapters import random_adapter, random_head
from wire.artifacts import HEAD_FILE
from wire.codec import from_plain, to_json
from wire.ids import BundleUri, JobId, TaskId, TenantId
from wire.imports import ImportJob, ImportResult
from wire.tasks import TaskKind

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning"),  # the peft library's own
]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def world(tmp_path: Path) -> TrainingWorld:
    return make_world(tmp_path)


def job_file(world: TrainingWorld, folder: Path, *, without: str = "") -> Path:
    """An import of a random adapter, compared on rows that nobody has learnt."""
    (folder / "brought").mkdir()
    fields = world.backbone.fields
    save_peft(folder / "brought", random_adapter(fields, seed=1, scale=0.05), fields)
    head = random_head(fields, num_labels=2, seed=1)
    save_file({"weight": head.weight, "bias": head.bias}, folder / "brought" / HEAD_FILE)
    files = {path.name: path.read_bytes() for path in (folder / "brought").iterdir() if path.name != without}
    world.store.put_file(BundleUri("archive"), zip_of(folder / "archive.zip", files).read_bytes())
    job = ImportJob(
        job_id=JobId("job"),
        tenant_id=TenantId("acme"),
        task_id=TaskId("sentiment"),
        archive_uri=BundleUri("archive"),
        kind=TaskKind.SINGLE_LABEL,
        labels=LABELS,
        backbone_uri=BundleUri("backbones/tiny"),
        backbone_digest=world.backbone.digest,
        tree_uri=world.tree.uri,
        tree_digest=world.tree.digest,
        version_out_uri=BundleUri("versions/job"),
        rows_uri=world.put_rows("one", invented_rows(20)),
        min_agreement=0.0,
    )
    path = folder / "job.json"
    path.write_text(to_json(job))
    return path


def run(world: TrainingWorld, job: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("HMI_STORE_URL", world.url)
    return main(["import", "--job", str(job), "--work", str(job.parent / "scratch")])


def test_its_last_line_is_the_result(
    world: TrainingWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert run(world, job_file(world, tmp_path), monkeypatch) == EXIT_OK
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    result = from_plain(ImportResult, lines[-1])
    assert {line["event"] for line in lines[:-1]} == {"progress"}
    assert (result.passed, result.labels) == (True, LABELS)
    assert world.store.digest(result.version.uri) == result.version.digest


def test_a_refusal_is_a_failure_that_trying_again_cannot_help(
    world: TrainingWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    job = job_file(world, tmp_path, without="head.safetensors")
    assert run(world, job, monkeypatch) == EXIT_BAD_INPUT
    failure = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (failure["event"], failure["code"]) == ("failure", "adapter_refused")
    assert "no head.safetensors" in failure["message"]


@pytest.mark.parametrize("content", [None, "{}", "rubbish"])
def test_it_refuses_a_file_that_is_no_job(
    world: TrainingWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    path = tmp_path / "job.json"
    if content is not None:
        path.write_text(content)
    assert run(world, path, monkeypatch) == EXIT_BAD_INPUT
