"""An adapter that a tenant takes away: what the portal sends is what ``peft`` and an import read."""

import tarfile
from pathlib import Path

import peft
import pytest
import torch
import transformers
from safetensors.torch import load_file

from hmi.build.adapter_archive import AdapterRefused
from hmi.build.import_job import run_import
from hmi.build.job_progress import JobProgress
from hmi.build.offline import open_offline
from hmi.model.adapter_bundle import save_adapter_bundle
from hmi.model.adapters.bottleneck.config import BottleneckConfig
from hmi.model.adapters.host import AdapterConfig
from hmi.model.adapters.lora.config import LoraConfig
from portal.catalog.adapter_archive import open_archive
from portal.common.store import ObjectStore
from tests.hmi.build.training_world import LABELS, Events, TrainingWorld, invented_rows, make_world
from tests.tiny.adapters import random_adapter, random_head
from wire.ids import BundleUri, Digest, JobId, TaskId, TenantId
from wire.imports import ImportJob, ImportResult
from wire.tasks import TaskKind

pytestmark = [
    pytest.mark.slow,  # loading the libraries takes seconds
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning"),  # the libraries' own
]
LORA, BOTTLENECK = BundleUri("versions/lora"), BundleUri("versions/bottleneck")
TEXTS = [text for text, _ in invented_rows(20, seed=9)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("taken")


@pytest.fixture(scope="module")
def world(folder: Path) -> TrainingWorld:
    return make_world(folder)


def publish(world: TrainingWorld, uri: BundleUri, config: AdapterConfig, folder: Path) -> Digest:
    """A version as a training publishes it; the adapter is random, and small enough to agree."""
    fields = world.backbone.fields
    (folder / "bundle").mkdir()
    digest = save_adapter_bundle(
        folder / "bundle",
        adapter=random_adapter(fields, seed=3, config=config, scale=0.05),
        head=random_head(fields, num_labels=2, seed=3),
        labels=LABELS,
        max_tokens=16,
        backbone_fields=fields,
        backbone=world.backbone.digest,
        tree=world.tree.digest,
        metrics={},
    )
    world.store.publish(folder / "bundle", uri)
    return digest


def take(world: TrainingWorld, uri: BundleUri, digest: Digest) -> bytes:
    """As the REST API sends it."""
    archive = open_archive(uri, digest, ObjectStore(world.url))
    content = b"".join(archive.pieces())
    assert len(content) == archive.num_bytes
    return content


def bring(world: TrainingWorld, content: bytes, work: Path) -> ImportResult:
    """As POST .../imports of that file, with a dataset to compare on."""
    uri = BundleUri(f"imports/{work.name}")
    world.store.put_file(uri, content)
    job = ImportJob(
        job_id=JobId("job"),
        tenant_id=TenantId("acme"),
        task_id=TaskId("sentiment"),
        archive_uri=uri,
        kind=TaskKind.SINGLE_LABEL,
        labels=(),
        backbone_uri=BundleUri("backbones/tiny"),
        backbone_digest=world.backbone.digest,
        tree_uri=world.tree.uri,
        tree_digest=world.tree.digest,
        version_out_uri=BundleUri(f"versions/{work.name}"),
        rows_uri=world.put_rows("compared", invented_rows(30)),
        min_agreement=0.0,
    )
    return run_import(job, store=world.store, work=work / "work", progress=JobProgress(Events()))


def test_what_was_taken_away_is_brought_again_and_answers_the_same(
    world: TrainingWorld, tmp_path: Path
) -> None:
    content = take(world, LORA, publish(world, LORA, LoraConfig(rank=4), tmp_path))
    result = bring(world, content, tmp_path)
    assert (result.passed, result.labels) == (True, LABELS)
    before, after = (
        open_offline(world.store, uri, world.tree.uri, backbone_uri=BundleUri("backbones/tiny"))
        for uri in (LORA, result.version.uri)
    )
    assert before.fields.max_tokens == after.fields.max_tokens
    assert before.answers(TEXTS) == after.answers(TEXTS)


def test_peft_reads_what_was_taken_away(world: TrainingWorld, folder: Path, tmp_path: Path) -> None:
    uri = BundleUri("versions/for-peft")
    content = take(world, uri, publish(world, uri, LoraConfig(rank=4), tmp_path))
    (tmp_path / "taken.tar").write_bytes(content)
    with tarfile.open(tmp_path / "taken.tar") as archive:
        archive.extractall(tmp_path / "taken", filter="data")
    base = transformers.BertModel.from_pretrained(folder / "checkpoint", add_pooling_layer=False)
    model = peft.PeftModel.from_pretrained(base, str(tmp_path / "taken"))
    loaded = peft.get_peft_model_state_dict(model)
    saved = load_file(tmp_path / "taken" / "adapter_model.safetensors")
    assert saved and set(loaded) == set(saved)
    assert all(torch.equal(loaded[name], tensor) for name, tensor in saved.items())


def test_a_bottleneck_is_taken_away_and_not_taken_for_lora(world: TrainingWorld, tmp_path: Path) -> None:
    content = take(world, BOTTLENECK, publish(world, BOTTLENECK, BottleneckConfig(), tmp_path))
    (tmp_path / "taken.tar").write_bytes(content)
    with tarfile.open(tmp_path / "taken.tar") as archive:
        assert archive.getnames() == ["bottleneck.safetensors", "head.safetensors", "manifest.json"]
    with pytest.raises(AdapterRefused, match=r"adapter_config\.json"):
        bring(world, content, tmp_path)
