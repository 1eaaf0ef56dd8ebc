"""An adapter that a tenant takes away: what the portal sends is what ``peft`` and an import read."""

import io
import json
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import peft
import pytest
import torch
import transformers
from safetensors.torch import load_file

from hmi.build.adapter_archive import AdapterRefused
from hmi.build.import_job import run_import
from hmi.build.job_progress import JobProgress
from hmi.build.offline import OfflineModel, open_offline
from hmi.cli.main import EXIT_OK, main
from hmi.kinds.answers import answers_of
from hmi.model.adapter_bundle import save_adapter_bundle
from hmi.model.adapters.bottleneck.config import BottleneckConfig
from hmi.model.adapters.host import AdapterConfig
from hmi.model.adapters.lora.config import LoraConfig
from hmi.model.adapters.methods import METHODS, adapter_config
from hmi.model.tokenizer import Text
from portal.catalog.adapter_archive import open_archive, open_offline_archive
from portal.common.store import ObjectStore
from tests.hmi.build.training_world import LABELS, Events, TrainingWorld, invented_rows, make_world
from tests.tiny.adapters import random_adapter, random_head
from tests.tiny.backbone import make_tiny_backbone
from wire.artifacts import BundleRef
from wire.codec import to_plain
from wire.ids import BundleUri, Digest
from wire.imports import ImportResult
from wire.tasks import TaskKind

pytestmark = [
    pytest.mark.slow,  # loading the libraries takes seconds
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning"),  # the libraries' own
]
TEXTS = [text for text, _ in invented_rows(20, seed=9)]
COMPARED = [text for text, _ in invented_rows(30)]


@dataclass(frozen=True)
class Taken:
    """A version of one kind of task, with numbers that are not the usual ones."""

    kind: TaskKind
    labels: tuple[str, ...]
    label: Mapping[str, Any]  # of a row
    fields: Mapping[str, Any]  # fitted on validation rows
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def texts(self) -> list[Text]:
        return [(text, "a match") for text in TEXTS] if answers_of(self.kind).has_pairs else [*TEXTS]


SETS = tuple(round(1 - level / 60, 4) for level in range(50))
SINGLE = Taken(
    TaskKind.SINGLE_LABEL, LABELS, {"label": LABELS[0]}, {"label_set_thresholds": SETS}, {"temperature": 1.7}
)
EVERY_KIND = (
    SINGLE,
    replace(SINGLE, kind=TaskKind.SENTENCE_PAIR, label={"label": LABELS[1], "pair": "a film"}),
    Taken(TaskKind.MULTI_LABEL, ("a", "b", "c"), {"labels": ["b"]}, {"thresholds": (0.2, 0.9, 0.45)}),
    Taken(TaskKind.SCORE, (), {"value": 2.5}, {"value_bounds": (-3.0, 0.25, 8.0)}),
    Taken(
        TaskKind.TOKEN_CLASSIFICATION,
        LABELS,
        {"spans": [{"start": 0, "end": 3, "label": LABELS[0]}]},
        {"adjacent_cost": 2.5, "score_slope": 0.6, "score_offset": -0.3},
        {"temperature": 0.8},
    ),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("taken")


@pytest.fixture(scope="module")
def world(folder: Path) -> TrainingWorld:
    return make_world(folder)


def publish(
    world: TrainingWorld, config: AdapterConfig, folder: Path, taken: Taken = SINGLE
) -> tuple[BundleUri, Digest]:
    """A version as a training publishes it; the adapter is random, and small enough to agree."""
    fields, uri = world.backbone.fields, BundleUri(f"versions/{folder.name}-taken")
    (folder / "bundle").mkdir()
    digest = save_adapter_bundle(
        folder / "bundle",
        adapter=random_adapter(fields, seed=3, config=config, scale=0.05),
        head=random_head(fields, num_labels=answers_of(taken.kind).num_outputs(taken.labels), seed=3),
        labels=taken.labels,
        max_tokens=16,
        backbone_fields=fields,
        backbone=world.backbone.digest,
        tree=world.tree.digest,
        metrics=dict(taken.metrics),
        kind=taken.kind,
        **taken.fields,
    )
    world.store.publish(folder / "bundle", uri)
    return uri, digest


def take(world: TrainingWorld, uri: BundleUri, digest: Digest) -> bytes:
    """As the REST API sends it."""
    archive = open_archive(uri, digest, ObjectStore(world.url))
    content = b"".join(archive.pieces())
    assert len(content) == archive.num_bytes
    return content


def bring(
    world: TrainingWorld, content: bytes, work: Path, taken: Taken = SINGLE, **changes: Any
) -> ImportResult:
    """As POST .../imports of that file, with a dataset to compare on."""
    rows_uri = BundleUri(f"datasets/{work.name}")
    rows = [{"row": row, "text": text, **taken.label} for row, text in enumerate(COMPARED, start=1)]
    world.store.put_file(rows_uri, "\n".join(map(json.dumps, rows)).encode())
    asked = {"kind": taken.kind, "labels": (), "rows_uri": rows_uri, **changes}
    job = world.import_job(work.name, content, **asked)
    return run_import(job, store=world.store, work=work / "work", progress=JobProgress(Events()))


def opened(world: TrainingWorld, uri: BundleUri) -> OfflineModel:
    return open_offline(world.store, uri, world.tree.uri, backbone_uri=BundleUri("backbones/tiny"))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("taken", EVERY_KIND, ids=lambda taken: taken.kind)
def test_what_was_taken_away_is_brought_again_and_answers_the_same(
    world: TrainingWorld, tmp_path: Path, taken: Taken, method: str
) -> None:
    config = adapter_config(method, rank=4, alpha=16.0)
    uri, digest = publish(world, config, tmp_path, taken)
    result = bring(world, take(world, uri, digest), tmp_path, taken)
    assert (result.passed, result.labels) == (True, taken.labels)
    before, after = opened(world, uri), opened(world, result.version.uri)
    kept = {name: getattr(after.fields, name) for name in taken.fields}
    assert kept == taken.fields
    assert replace(after.fields, backbone_uri=None) == before.fields
    assert before.answers(taken.texts) == after.answers(taken.texts)


def test_peft_reads_what_was_taken_away(world: TrainingWorld, folder: Path, tmp_path: Path) -> None:
    content = take(world, *publish(world, LoraConfig(rank=4), tmp_path))
    (tmp_path / "taken.tar").write_bytes(content)
    (tmp_path / "taken").mkdir()
    subprocess.run(["tar", "-xf", tmp_path / "taken.tar", "-C", tmp_path / "taken"], check=True)
    base = transformers.BertModel.from_pretrained(folder / "checkpoint", add_pooling_layer=False)
    model = peft.PeftModel.from_pretrained(base, str(tmp_path / "taken"))
    loaded = peft.get_peft_model_state_dict(model)
    saved = load_file(tmp_path / "taken" / "adapter_model.safetensors")
    assert saved and set(loaded) == set(saved)
    assert all(torch.equal(loaded[name], tensor) for name, tensor in saved.items())


def test_a_bottleneck_is_taken_away_in_our_own_format(world: TrainingWorld, tmp_path: Path) -> None:
    content = take(world, *publish(world, BottleneckConfig(), tmp_path))
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert archive.getnames() == ["bottleneck.safetensors", "head.safetensors", "manifest.json"]


def test_a_bottleneck_of_another_backbone_is_refused(world: TrainingWorld, tmp_path: Path) -> None:
    content = take(world, *publish(world, BottleneckConfig(), tmp_path))
    other = make_tiny_backbone(tmp_path / "other", weight_scale=0.2)
    uri = BundleUri("backbones/other")
    world.store.publish(tmp_path / "other" / "backbone", uri)
    with pytest.raises(AdapterRefused, match="was trained on backbone"):
        bring(world, content, tmp_path, backbone_uri=uri, backbone_digest=other.digest)


@pytest.mark.parametrize("taken", EVERY_KIND, ids=lambda taken: taken.kind)
def test_what_was_taken_to_predict_offline_does(
    world: TrainingWorld, tmp_path: Path, taken: Taken, capsys: pytest.CaptureFixture[str]
) -> None:
    uri, digest = publish(world, LoraConfig(rank=4), tmp_path, taken)
    backbone = BundleRef(BundleUri("backbones/tiny"), world.backbone.digest)
    archive = open_offline_archive(BundleRef(uri, digest), backbone, None, ObjectStore(world.url))
    (tmp_path / "taken.tar").write_bytes(b"".join(archive.pieces()))
    folder = tmp_path / "taken"
    folder.mkdir()
    subprocess.run(["tar", "-xf", tmp_path / "taken.tar", "-C", folder], check=True)
    assert {bundle.name for bundle in (folder / "store").iterdir()} == {"version", "backbone"}, "no PLOT"
    texts = tmp_path / "texts.jsonl"
    pairs = [{"text": text, "pair": "a match"} for text in TEXTS]
    texts.write_text("\n".join(map(json.dumps, pairs)))
    assert main(["predict", "--bundle", str(folder), "--data", str(texts)]) == EXIT_OK
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    computed = open_offline(world.store, uri, None, backbone_uri=BundleUri("backbones/tiny"))
    assert said == [
        {"row": row, **to_plain(answer)} for row, answer in enumerate(computed.answers(taken.texts), start=1)
    ]
    encoded = computed.encode(taken.texts)
    assert computed.predict(encoded).coverage.exact == 1, "the lower layers are computed"
    served = opened(world, uri)
    assert not np.array_equal(served.predict(encoded).outputs, computed.predict(encoded).outputs)
