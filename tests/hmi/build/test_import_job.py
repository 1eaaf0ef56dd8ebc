"""Adapters that are brought: checked, compared with the peft library, and published as versions."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from hmi.artifacts.bundle import read_manifest
from hmi.base.errors import HmiError
from hmi.build.adapter_archive import AdapterRefused
from hmi.build.backbone_source import BackboneSource
from hmi.build.evaluation import ExactPath, TaskModel
from hmi.build.expected import Expected
from hmi.build.import_job import run_import
from hmi.build.import_parity import Candidates, compare_answers
from hmi.build.job_progress import JobProgress
from hmi.build.offline import OfflineModel, open_offline
from hmi.kinds.answers import answers_of
from hmi.model.adapter_bundle import open_adapter_bundle, save_adapter_bundle
from hmi.model.adapters.lora.config import LoraConfig
from hmi.model.adapters.lora.peft_format import CONFIG_FILE, WEIGHTS_FILE, save_peft
from hmi.plot.tree import open_tree
from tests.hmi.build.test_adapter_archive import zip_of
from tests.hmi.build.training_world import (
    LABELS,
    Events,
    TrainingWorld,
    invented_rows,
    make_world,
    write_invented_calibration,
)
from tests.tiny.adapters import random_adapter, random_head
from tests.tiny.backbone import make_tiny_backbone
from wire.artifacts import HEAD_FILE
from wire.codec import to_plain
from wire.ids import BundleUri
from wire.imports import ImportJob, ImportResult
from wire.tasks import TaskKind
from wire.training import Phase, TrainResult

pytestmark = [
    pytest.mark.slow,  # loading the libraries takes seconds
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning"),  # the libraries' own
]
ROWS = invented_rows(60)
TEXTS = [text for text, _ in invented_rows(20, seed=9)]
V2 = "base_model.model.encoder.layer.2.attention.self.value"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("import")


@pytest.fixture(scope="module")
def world(folder: Path) -> TrainingWorld:
    return make_world(folder)


@pytest.fixture(scope="module")
def trained(world: TrainingWorld, folder: Path) -> TrainResult:
    return world.train(world.job(world.put_rows("one", ROWS)), folder / "work")


@pytest.fixture
def adapter(world: TrainingWorld, tmp_path: Path) -> Path:
    """A folder as PEFT saves it, with a random adapter small enough to agree on looked-up inputs."""
    path = tmp_path / "brought"
    path.mkdir()
    fields = world.backbone.fields
    save_peft(path, random_adapter(fields, seed=3, config=LoraConfig(rank=4), scale=0.05), fields)
    head = random_head(fields, num_labels=2, seed=3)
    save_file({"weight": head.weight, "bias": head.bias}, path / HEAD_FILE)
    lines = [json.dumps({"text": text}) for text in TEXTS]
    (path / "expected.jsonl").write_text("\n".join(lines))
    return path


def job_of(world: TrainingWorld, path: Path, **changes: Any) -> ImportJob:
    """An import of the files in ``path`` beside the general tree."""
    archive = zip_of(path.parent / "archive.zip", {one.name: one.read_bytes() for one in path.iterdir()})
    return world.import_job(path.parent.name, archive.read_bytes(), **changes)


def bring(world: TrainingWorld, path: Path, **changes: Any) -> ImportResult:
    job = job_of(world, path, **changes)
    return run_import(job, store=world.store, work=path.parent / "work", progress=JobProgress(Events()))


def offline(world: TrainingWorld, version: BundleUri, tree: BundleUri | None) -> OfflineModel:
    return open_offline(world.store, version, tree, backbone_uri=BundleUri("backbones/tiny"))


def test_an_exported_version_that_is_brought_back_answers_the_same(
    world: TrainingWorld, trained: TrainResult, tmp_path: Path
) -> None:
    bundle = world.store.localize(trained.version.uri, trained.version.digest)
    path = tmp_path / "brought"
    path.mkdir()
    for one in bundle.iterdir():
        (path / one.name).write_bytes(one.read_bytes())
    result = bring(
        world,
        path,
        labels=(),
        tree_uri=trained.tree.uri,
        tree_digest=trained.tree.digest,
        rows_uri=world.put_rows("one", ROWS),
        min_agreement=0.5,
    )
    assert result.passed
    assert result.labels == LABELS
    before, after = (
        offline(world, uri, trained.tree.uri).answers(TEXTS)
        for uri in (trained.version.uri, result.version.uri)
    )
    assert before == after
    report, of_training = result.report, trained.report
    brought = report["import"]
    # Its training held out a sixth for testing and as much for validating: neither is in the tree.
    assert set(of_training["test_rows"]) < set(report["test_rows"])
    assert brought["rows_left_out"] == of_training["rows"]["train"]
    assert brought["parity"]["plot"]["rows"] == brought["rows_of_dataset"] == len(report["test_rows"])
    assert (report["kind"], report["headline"]["name"]) == ("single_label", "accuracy")
    assert report["plot_cost"]["plot_accuracy"] == report["accuracy"]
    assert (report["format_version"], report["plot_bytes"]) == (1, of_training["plot_bytes"])


@pytest.mark.parametrize("has_rows", [False, True])
def test_the_report_says_how_it_answers_without_plot(
    world: TrainingWorld, adapter: Path, has_rows: bool
) -> None:
    """On all texts of the parity test: those that came with it, and rows of the dataset."""
    rows_uri = world.put_rows("some", ROWS) if has_rows else None
    result = bring(world, adapter, rows_uri=rows_uri)
    rows = {number: text for number, (text, _) in enumerate(ROWS, start=1)}
    texts = [*TEXTS, *(rows[number] for number in result.report.get("test_rows", ()))]
    served, computed = (
        [answer.scores for answer in offline(world, result.version.uri, tree).answers(texts)]  # type: ignore[union-attr]  # of a label's answer
        for tree in (world.tree.uri, None)
    )
    off = [
        abs(one[label] - other[label]) for one, other in zip(served, computed, strict=True) for label in one
    ]
    said = result.report["offline"]
    assert said["rows"] == len(texts) == result.report["import"]["parity"]["plot"]["rows"]
    assert (len(texts) > len(TEXTS)) is has_rows
    assert said["max_score_difference"] == pytest.approx(max(off), abs=1e-6) and max(off) > 1e-4
    assert said["mean_score_difference"] == pytest.approx(sum(off) / len(off), abs=1e-6)


def test_progress_counts_the_answers(world: TrainingWorld, adapter: Path) -> None:
    events = Events()
    job = job_of(world, adapter)
    run_import(job, store=world.store, work=adapter.parent / "work", progress=JobProgress(events))
    comparing = [event for event in events.heard if event.phase is Phase.COMPARING]
    steps = [event.step for event in comparing]
    assert steps == sorted(steps)
    assert (comparing[-1].step, comparing[-1].num_steps) == (3 * len(TEXTS), 3 * len(TEXTS))
    assert 0 < comparing[-2].step < comparing[-2].num_steps


def test_what_the_peft_library_writes_is_brought(world: TrainingWorld, folder: Path, adapter: Path) -> None:
    base = transformers.BertModel.from_pretrained(folder / "checkpoint", add_pooling_layer=False)
    config = peft.LoraConfig(
        r=4, lora_alpha=8, target_modules=["query", "output.dense"], layers_to_transform=[2, 3],
        layers_pattern="layer",
    )  # fmt: skip
    torch.manual_seed(0)
    model = peft.get_peft_model(base, config).eval()
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(str(adapter))
    config_file = adapter / CONFIG_FILE
    saved = json.loads(config_file.read_text())
    config_file.write_text(json.dumps({**saved, "base_model_name_or_path": f"/home/me/{folder.name}/tiny"}))
    result = bring(world, adapter)
    parity = result.report["import"]["parity"]
    assert result.passed
    assert parity["peft"]["rows"] == len(TEXTS)
    assert "format_version" not in result.report  # it has no figures: nobody labelled these texts
    assert parity["peft"]["max_score_difference"] < 1e-5
    assert result.report["import"]["notes"] == [
        "1 other files were not read",
        "the labels are the task's, in its order: the archive says none",
    ]


def test_names_of_a_task_models_encoder_are_understood(world: TrainingWorld, adapter: Path) -> None:
    weights = load_file(adapter / WEIGHTS_FILE)
    save_file(
        {name.replace("model.encoder", "model.bert.encoder"): tensor for name, tensor in weights.items()},
        adapter / WEIGHTS_FILE,
    )
    config = json.loads((adapter / CONFIG_FILE).read_text())
    config["target_modules"] = [f"bert.{name}" for name in config["target_modules"]]
    (adapter / CONFIG_FILE).write_text(json.dumps(config))
    assert bring(world, adapter).passed


def test_another_adapter_than_the_one_brought_does_not_pass(world: TrainingWorld, adapter: Path) -> None:
    """What the parity test is for: else it could not fail."""
    fields = world.backbone.fields
    (adapter.parent / "other").mkdir()
    digest = save_adapter_bundle(
        adapter.parent / "other",
        adapter=random_adapter(fields, seed=4, config=LoraConfig(rank=4)),
        head=random_head(fields, num_labels=2, seed=3),
        labels=LABELS,
        max_tokens=32,
        backbone_fields=fields,
        backbone=world.backbone.digest,
        tree=world.tree.digest,
        metrics={},
    )
    hplm = open_adapter_bundle(
        adapter.parent / "other",
        digest=digest,
        backbone_fields=fields,
        backbone=world.backbone.digest,
    )
    folder = world.store.localize(BundleUri("backbones/tiny"), world.backbone.digest)
    tree = open_tree(world.store, world.tree.uri, world.tree.digest, backbone=world.backbone.digest)
    found = compare_answers(
        Candidates(world.backbone, folder, adapter, tree, hplm),
        TEXTS,
        [],
        min_share=0.0,
        report=lambda message, step, num_steps: None,
    )
    assert not found.parity.passed
    assert "differ from the libraries'" in found.parity.problems[0]


def test_too_little_agreement_on_looked_up_inputs_does_not_pass(world: TrainingWorld, adapter: Path) -> None:
    head = random_head(world.backbone.fields, num_labels=1, seed=1)
    save_file({"weight": head.weight, "bias": head.bias}, adapter / HEAD_FILE)
    result = bring(world, adapter, kind=TaskKind.SCORE, labels=(), min_agreement=1.0)
    parity = result.report["import"]["parity"]
    assert not result.passed
    assert parity["peft"]["agrees"]
    assert parity["plot"]["share"] < 1.0
    assert "of 20 answers agree" in parity["problems"][0]


def test_numbers_that_came_with_it_are_compared(world: TrainingWorld, adapter: Path) -> None:
    brought = bring(world, adapter)
    answers = offline(world, brought.version.uri, world.tree.uri).answers(TEXTS[:5])
    scores = [answer.scores for answer in answers]  # type: ignore[union-attr]  # of a label's answer
    path = adapter / "expected.jsonl"
    path.write_text("\n".join(json.dumps({"text": t, "scores": s}) for t, s in zip(TEXTS, scores)))  # noqa: B905
    again = bring(world, adapter)
    assert again.passed
    assert again.report["import"]["parity"]["expected"]["plot"]["agrees"]
    swapped = [dict(zip(LABELS, reversed(list(s.values())), strict=True)) for s in scores]
    path.write_text("\n".join(json.dumps({"text": t, "scores": s}) for t, s in zip(TEXTS, swapped)))  # noqa: B905
    wrong = bring(world, adapter)
    assert not wrong.passed
    assert "another base model" in wrong.report["import"]["parity"]["problems"][0]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_weights_keep_their_type(world: TrainingWorld, adapter: Path, dtype: torch.dtype) -> None:
    weights = load_file(adapter / WEIGHTS_FILE)
    save_file({name: tensor.to(dtype) for name, tensor in weights.items()}, adapter / WEIGHTS_FILE)
    result = bring(world, adapter)
    kept = load_file(world.store.localize(result.version.uri, result.version.digest) / WEIGHTS_FILE)
    assert {tensor.dtype for tensor in kept.values()} == {dtype}
    assert result.passed
    assert result.report["import"]["dtype"] == str(dtype).removeprefix("torch.")


def test_done_twice_it_publishes_the_same(world: TrainingWorld, adapter: Path) -> None:
    assert bring(world, adapter).version == bring(world, adapter).version


def test_the_bundle_says_what_it_is_for(world: TrainingWorld, adapter: Path) -> None:
    (adapter / "head.json").write_text(json.dumps({"labels": ["a", "b"], "max_tokens": 12}))
    result = bring(world, adapter)
    fields = read_manifest(world.store.localize(result.version.uri, result.version.digest)).fields
    assert (fields["labels"], fields["max_tokens"], fields["rank"]) == (["a", "b"], 12, 4)
    assert result.labels == ("a", "b")
    assert "the labels are not those of the task's trainings" in result.report["import"]["notes"]


@pytest.mark.parametrize(
    ("kind", "labels", "line"),
    [
        (TaskKind.SCORE, (), {"text": "good film"}),
        (TaskKind.MULTI_LABEL, ("a", "b", "c"), {"text": "good film"}),
        (TaskKind.SENTENCE_PAIR, ("a", "b"), {"text": "good film", "pair": "bad film"}),
        (TaskKind.TOKEN_CLASSIFICATION, ("a", "b"), {"text": "good film was loved"}),
    ],
)
def test_every_kind_of_task_can_be_brought(
    world: TrainingWorld,
    adapter: Path,
    kind: TaskKind,
    labels: tuple[str, ...],
    line: Mapping[str, object],
) -> None:
    num_outputs = answers_of(kind).num_outputs(labels)
    head = random_head(world.backbone.fields, num_labels=num_outputs, seed=1)
    save_file({"weight": head.weight, "bias": head.bias}, adapter / HEAD_FILE)
    (adapter / "expected.jsonl").write_text(json.dumps(line))
    result = bring(world, adapter, kind=kind, labels=labels)
    assert result.passed
    assert result.report["kind"] == kind.value


Change = Callable[[dict[str, Any], dict[str, torch.Tensor], Path], object]


def _head(path: Path, **tensors: torch.Tensor) -> None:
    save_file(tensors, path / HEAD_FILE)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            lambda c, w, p: [w.update({n.replace(".2.", ".1."): w.pop(n)}) for n in sorted(w) if ".2." in n],
            "encoder.layer.1.attention.self.value, .*layer.1.output.dense; only layers 2 to 3",
        ),
        (lambda c, w, p: c.update(base_model_name_or_path="bert-base-uncased"), "trained on bert-base"),
        (lambda c, w, p: c.update(use_dora=True), "use_dora"),
        (
            lambda c, w, p: c.update(task_type="SEQ_CLS", modules_to_save=["classifier"]),
            "modules_to_save",
        ),
        (lambda c, w, p: w.update({V2 + ".lora_A.weight": torch.full((4, 32), torch.nan)}), "not finite"),
        (lambda c, w, p: w.update({V2 + ".lora_A.weight": torch.zeros(4, 31)}), "needs"),
        (
            lambda c, w, p: w.update({V2 + ".lora_A.weight": torch.zeros(4, 32, dtype=torch.float64)}),
            "float64",
        ),
        (lambda c, w, p: w.update({V2 + ".lora_A.weight": torch.zeros(4, 32, dtype=torch.int8)}), "int8"),
        (lambda c, w, p: (p / HEAD_FILE).write_bytes(b"rubbish"), "head.safetensors cannot be read"),
        (lambda c, w, p: _head(p, weight=torch.zeros(2, 32)), "it holds weight"),
        (lambda c, w, p: _head(p, weight=torch.zeros(3, 32), bias=torch.zeros(3)), "the head is"),
        (lambda c, w, p: _head(p, weight=torch.zeros(2, 31), bias=torch.zeros(2)), "the head is"),
        (
            lambda c, w, p: _head(p, weight=torch.full((2, 32), torch.inf), bias=torch.zeros(2)),
            "not finite",
        ),
        (
            lambda c, w, p: _head(p, weight=torch.zeros(2, 32, dtype=torch.int64), bias=torch.zeros(2)),
            "no float16",
        ),
        (lambda c, w, p: (p / "head.json").write_text("{"), "head.json cannot be read"),
        (lambda c, w, p: (p / "head.json").write_text('{"lables": []}'), "head.json cannot be read"),
        (lambda c, w, p: (p / "head.json").write_text('{"labels": ["a", "a"]}'), "different labels"),
        (lambda c, w, p: (p / "head.json").write_text('{"labels": ["a", " "]}'), "a label is empty"),
        (lambda c, w, p: (p / "head.json").write_text(r'{"labels": ["a", "b\u0000"]}'), "or a NUL in it"),
        (lambda c, w, p: (p / "head.json").write_text('{"max_tokens": 1000}'), "takes 3 to 64"),
        (lambda c, w, p: (p / "head.json").write_text('{"kind": "score"}'), "of kind score"),
        (
            lambda c, w, p: (p / "manifest.json").write_text('{"fields": {"method": "identity"}}'),
            "method identity",
        ),
        (
            lambda c, w, p: (p / "manifest.json").write_text('{"fields": {"method": "bottleneck"}}'),
            "of method bottleneck; .* are of lora",
        ),
        (lambda c, w, p: (p / "head.json").write_text('{"value_bounds": [1]}'), "of tasks of kind score"),
        (
            lambda c, w, p: (p / "head.json").write_text('{"label_set_thresholds": [0.5]}'),
            "are 50 numbers of 0 to 1",
        ),
        (lambda c, w, p: (p / "manifest.json").write_text('{"fields": {"labels": 3}}'), "not that of"),
        (lambda c, w, p: (p / "expected.jsonl").write_text("{}"), "expected.jsonl, line 1"),
        (lambda c, w, p: (p / "expected.jsonl").write_text(""), "no rows"),
        (
            lambda c, w, p: (p / "expected.jsonl").write_text('{"text": "a", "pair": "b"}'),
            "pairs of texts",
        ),
        (
            lambda c, w, p: (p / "expected.jsonl").write_text('{"text": "a", "scores": {"x": 1.0}}'),
            "other labels",
        ),
    ],
)  # fmt: skip
def test_it_refuses_what_it_cannot_serve(
    world: TrainingWorld, adapter: Path, change: Change, problem: str
) -> None:
    config, weights = json.loads((adapter / CONFIG_FILE).read_text()), load_file(adapter / WEIGHTS_FILE)
    change(config, weights, adapter)
    (adapter / CONFIG_FILE).write_text(json.dumps(config))
    save_file(weights, adapter / WEIGHTS_FILE)
    with pytest.raises(AdapterRefused, match=problem):
        bring(world, adapter)


@pytest.mark.parametrize(
    ("kind", "labels", "said", "problem"),
    [
        (TaskKind.SCORE, (), {"value_bounds": [2, 1]}, "rising numbers"),
        (TaskKind.SCORE, (), {"value_bounds": [*range(10)]}, "at most 9"),
        (TaskKind.TOKEN_CLASSIFICATION, LABELS, {"score_slope": 0}, "score_slope more than 0"),
        (TaskKind.TOKEN_CLASSIFICATION, LABELS, {"adjacent_cost": -1}, "adjacent_cost is 0 or more"),
        (TaskKind.SINGLE_LABEL, LABELS, {"label_set_thresholds": [*range(50)]}, "50 numbers of 0 to 1"),
    ],
)
def test_it_refuses_numbers_that_mean_nothing(
    world: TrainingWorld,
    adapter: Path,
    kind: TaskKind,
    labels: tuple[str, ...],
    said: Mapping[str, object],
    problem: str,
) -> None:
    (adapter / "head.json").write_text(json.dumps(said))
    with pytest.raises(AdapterRefused, match=problem):
        bring(world, adapter, kind=kind, labels=labels)


def test_it_refuses_a_rank_that_is_not_served(world: TrainingWorld, adapter: Path) -> None:
    with pytest.raises(AdapterRefused, match="rank is 4; up to 2"):
        bring(world, adapter, max_rank=2)


@pytest.mark.parametrize(
    ("kind", "num_labels", "num_outputs"),
    [(TaskKind.SINGLE_LABEL, 1001, 1001), (TaskKind.TOKEN_CLASSIFICATION, 500, 1001)],
)
def test_it_refuses_more_labels_than_are_served(
    world: TrainingWorld, adapter: Path, kind: TaskKind, num_labels: int, num_outputs: int
) -> None:
    """It passed, and then the service refused every text of the version that was deployed."""
    labels = tuple(f"label {number}" for number in range(num_labels))
    head = random_head(world.backbone.fields, num_labels=num_outputs, seed=1)
    _head(adapter, weight=head.weight, bias=head.bias)
    with pytest.raises(AdapterRefused, match=f"{num_labels} labels.* {num_outputs} outputs; up to 1000"):
        bring(world, adapter, kind=kind, labels=labels)


def test_it_refuses_a_backbone_that_peft_names_otherwise(
    world: TrainingWorld, adapter: Path, tmp_path: Path
) -> None:
    other = make_tiny_backbone(tmp_path / "mpnet", architecture="mpnet")
    uri = BundleUri("backbones/mpnet")
    world.store.publish(tmp_path / "mpnet" / "backbone", uri)
    with pytest.raises(AdapterRefused, match="this is mpnet"):
        bring(world, adapter, backbone_uri=uri, backbone_digest=other.digest)


def test_it_refuses_to_compare_on_nothing(world: TrainingWorld, adapter: Path) -> None:
    (adapter / "expected.jsonl").unlink()
    with pytest.raises(HmiError, match="no texts to compare"):
        bring(world, adapter)


def test_it_refuses_rows_with_labels_that_it_does_not_have(world: TrainingWorld, adapter: Path) -> None:
    with pytest.raises(HmiError, match="line 1"):
        bring(world, adapter, rows_uri=world.put_rows("two", [("a film", "neutral")] * 1))


def test_a_calibrated_backbone_is_compared_with_the_original_one(
    world: TrainingWorld, folder: Path, adapter: Path, tmp_path: Path
) -> None:
    """Ours with peft's over the layers that serve; numbers from elsewhere with the layers as they were."""
    chance = torch.Generator().manual_seed(1)
    bent = {
        name: tensor + 0.2 * torch.randn(tensor.shape, generator=chance)
        for name, tensor in world.backbone.upper.tensors().items()
    }
    head = random_head(world.backbone.fields, num_labels=2, seed=3)
    save_file({"weight": head.weight / 10, "bias": head.bias}, adapter / HEAD_FILE)
    write_invented_calibration(tmp_path / "bent", bent, BackboneSource("tiny", folder / "checkpoint"))
    calibrated = make_world(tmp_path / "calibrated", calibration=tmp_path / "bent")
    brought = bring(world, adapter)
    version = world.store.localize(brought.version.uri, brought.version.digest)
    hplm = open_adapter_bundle(
        version, digest=None, backbone_fields=world.backbone.fields, backbone=world.backbone.digest
    )
    lower = ExactPath(world.backbone)
    at_home = OfflineModel(
        hplm.fields,
        hplm.digest,
        hplm.head,
        world.backbone,
        lower,
        TaskModel(world.backbone, hplm.adapter, hplm.head),
    )
    lines = [{"text": text, **to_plain(a)} for text, a in zip(TEXTS, at_home.answers(TEXTS), strict=True)]
    (adapter / "expected.jsonl").write_text("\n".join(map(json.dumps, lines)))
    parity = bring(calibrated, adapter).report["import"]["parity"]
    assert parity["peft"]["agrees"]
    assert parity["expected"]["computed"]["agrees"]
    assert not parity["expected"]["plot"]["agrees"]


def test_expected_numbers_are_those_of_the_kind() -> None:
    assert Expected(text="a", value=2.0).numbers() == {"value": 2.0}
