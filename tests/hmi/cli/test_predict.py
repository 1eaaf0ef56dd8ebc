"""``predict --bundle`` of an exported version: for every kind of task its parity report agrees with itself,
and with nothing else."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from hmi.build.export import export_version, open_exported
from hmi.cli.main import EXIT_BAD_INPUT, EXIT_FAILURE, EXIT_OK, main
from hmi.model.tokenizer import Text
from tests.tiny.store import TinyStore
from wire.artifacts import ExportedHplm
from wire.codec import to_plain
from wire.tasks import TaskKind
from wire.training import METHODS

Capture = pytest.CaptureFixture[str]
Line = dict[str, Any]
TEXTS = ("the film was good", "a very bad match of the team", "share price of the bank", "no")
LABELS = ("no", "yes")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> TinyStore:
    return TinyStore(tmp_path_factory.mktemp("tiny"))


def export(store: TinyStore, folder: Path, kind: TaskKind, method: str = "lora") -> Path:
    """A random version of ``kind``, with what it answers beside it."""
    labels = () if kind is TaskKind.SCORE else LABELS
    # Small, so that all labels have a say.
    version = store.publish_adapter(
        labels=labels, seed=5, domain="film", kind=kind, scale=0.05, method=method
    )
    contents = ExportedHplm(version.uri, store.trees["film"].uri, store.backbone_ref.uri)
    export_version(store.store, contents, folder)
    pairs = kind is TaskKind.SENTENCE_PAIR
    inputs: list[Text] = [(text, TEXTS[0]) if pairs else text for text in TEXTS]
    lines = []
    for text, answer in zip(TEXTS, open_exported(folder).answers(inputs), strict=True):
        lines.append({"text": text, **({"pair": TEXTS[0]} if pairs else {}), **to_plain(answer)})
    write(folder, lines)
    return folder


def write(folder: Path, lines: list[Line]) -> None:
    (folder / "expected.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_a_folder_without_anything_expected_says_what_to_give(
    store: TinyStore, tmp_path: Path, capsys: Capture
) -> None:
    folder = export(store, tmp_path / "out", TaskKind.SCORE)
    (folder / "expected.jsonl").unlink()
    assert main(["predict", "--bundle", str(folder)]) == EXIT_BAD_INPUT
    said = capsys.readouterr().err
    assert "--expected FILE" in said and "--data FILE" in said
    assert main(["predict", "--bundle", str(tmp_path / "nothing")]) == EXIT_BAD_INPUT
    assert "nothing" in capsys.readouterr().err


@pytest.mark.parametrize("method", METHODS)
def test_every_method_of_adapters_predicts_from_its_export(
    store: TinyStore, tmp_path: Path, capsys: Capture, method: str
) -> None:
    folder = export(store, tmp_path / "out", TaskKind.SINGLE_LABEL, method)
    assert main(["predict", "--bundle", str(folder)]) == EXIT_OK
    assert json.loads(capsys.readouterr().out)["max_score_difference"] < 1e-6


def _scores(line: Line) -> None:
    line["scores"] = {name: 1 - score for name, score in line["scores"].items()}


def _value(line: Line) -> None:
    line["value"] += 1


def _spans(line: Line) -> None:
    line["spans"] = [*line["spans"], {"start": 0, "end": 2, "label": "else", "score": 0.9}]


CHANGES: Mapping[TaskKind, Callable[[Line], None]] = {
    TaskKind.SINGLE_LABEL: _scores,
    TaskKind.SENTENCE_PAIR: _scores,
    TaskKind.MULTI_LABEL: _scores,
    TaskKind.SCORE: _value,
    TaskKind.TOKEN_CLASSIFICATION: _spans,
}


@pytest.mark.parametrize("kind", TaskKind)
def test_every_kind_of_task_agrees_with_itself_and_with_nothing_else(
    store: TinyStore, tmp_path: Path, capsys: Capture, kind: TaskKind
) -> None:
    folder = export(store, tmp_path / "out", kind)
    assert main(["predict", "--bundle", str(folder)]) == EXIT_OK
    report = json.loads(capsys.readouterr().out)
    assert (report["agrees"], report["rows"]) == (True, len(TEXTS))
    lines = [json.loads(line) for line in (folder / "expected.jsonl").read_text().splitlines()]
    CHANGES[kind](lines[1])
    write(folder, lines)
    assert main(["predict", "--bundle", str(folder)]) == EXIT_FAILURE
    assert not json.loads(capsys.readouterr().out)["agrees"]
