"""``plot build`` makes a tree once, finds it again, and refuses what it cannot use."""

import json
from pathlib import Path

import pytest

from hmi.artifacts.store import FolderStore
from hmi.cli.main import EXIT_BAD_INPUT, main
from hmi.model.backbone import Backbone
from hmi.plot.segment import open_segment
from tests.tiny.backbone import make_tiny_backbone
from wire.ids import BundleUri

TREE = "trees/general"


@pytest.fixture
def backbone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Backbone:
    backbone = make_tiny_backbone(tmp_path / "tiny")
    FolderStore(tmp_path / "store").publish(tmp_path / "tiny" / "backbone", BundleUri("backbones/tiny"))
    monkeypatch.setenv("HMI_STORE_URL", f"file://{tmp_path / 'store'}")
    return backbone


def write_text(folder: Path, texts: list[str]) -> Path:
    path = folder / "text.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return path


def build(backbone: Backbone, *more: str) -> int:
    fixed = ["plot", "build", "--backbone-uri", "backbones/tiny", "--backbone-digest", backbone.digest]
    return main([*fixed, "--tree-uri", TREE, *more])


def last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    answer: dict[str, object] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return answer


def test_it_builds_the_root_and_finds_it_again(
    tmp_path: Path, backbone: Backbone, capsys: pytest.CaptureFixture[str]
) -> None:
    text = write_text(tmp_path, ["the film is good"] * 2 + [f"the film is bad {i}" for i in range(60)])
    assert build(backbone, "--text", str(text)) == 0
    built = last_line(capsys)
    assert (built["uri"], built["num_texts"], built["num_repeated"]) == (TREE, 62, 1)
    assert isinstance(built["coverage"], dict)
    assert built["coverage"]["num_texts"] > 0
    assert build(backbone, "--text", str(text)) == 0
    assert last_line(capsys) == built


def test_without_text_the_root_holds_isolated_rows_alone(
    backbone: Backbone, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build(backbone) == 0
    built = last_line(capsys)
    assert built["num_rows"] == {"trigram": 0, "left": 0, "right": 0, "unigram": backbone.fields.vocab_size}


def test_a_domain_is_put_under_a_tree(
    tmp_path: Path, backbone: Backbone, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build(backbone) == 0
    parent = last_line(capsys)
    text = write_text(tmp_path, ["the team wins", "the team wins the match"])
    under = ("--domain", "sport", "--parent-uri", TREE, "--parent-digest", str(parent["digest"]))
    assert build(backbone, *under, "--text", str(text), "--tree-uri", "trees/sport") == 0
    assert last_line(capsys)["uri"] == "trees/sport"


def test_other_text_does_not_replace_a_published_tree(
    tmp_path: Path, backbone: Backbone, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build(backbone) == 0
    assert build(backbone, "--text", str(write_text(tmp_path, ["new"]))) == EXIT_BAD_INPUT
    assert "choose another --tree-uri" in capsys.readouterr().err


def test_bad_input_is_named_with_its_file_and_line(
    tmp_path: Path, backbone: Backbone, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"text": "fine"}\n{"words": "?"}\n')
    assert build(backbone, "--text", str(broken)) == EXIT_BAD_INPUT
    assert f"{broken}, line 2" in capsys.readouterr().err
    assert build(backbone, "--text", str(tmp_path / "nowhere")) == EXIT_BAD_INPUT
    assert build(backbone, "--max-windows", "0") == EXIT_BAD_INPUT
    assert build(backbone, "--parent-uri", "trees/x") == EXIT_BAD_INPUT
    assert not FolderStore(tmp_path / "store").exists(BundleUri(TREE))


def test_it_says_when_there_is_no_store(
    backbone: Backbone, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HMI_STORE_URL")
    assert build(backbone) == EXIT_BAD_INPUT
    assert "HMI_STORE_URL is not set" in capsys.readouterr().err


def count(backbone: Backbone, root: dict[str, object], folder: Path, *more: str) -> int:
    fixed = ["plot", "segment", "--domain", "press", "--segments-uri", "domains/press/segments"]
    fixed += ["--backbone-uri", "backbones/tiny", "--backbone-digest", backbone.digest]
    fixed += ["--parent-uri", str(root["uri"]), "--parent-digest", str(root["digest"])]
    return main([*fixed, "--work", str(folder / "work"), *more])


def test_text_of_a_shared_domain_is_counted_once_without_what_stands_above(
    tmp_path: Path, backbone: Backbone, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build(backbone, "--text", str(write_text(tmp_path, ["the film is good"]))) == 0
    root = last_line(capsys)
    text = write_text(
        tmp_path, ["The film  is good", "a match of the team", "a match of the team", "the bank"]
    )
    assert count(backbone, root, tmp_path, "--text", str(text)) == 0
    first = last_line(capsys)
    assert (first["num_texts"], first["num_known"], first["num_repeated"]) == (4, 1, 1)
    place = first["segment"]
    assert isinstance(place, dict)
    segment = open_segment(
        FolderStore(tmp_path / "store").localize(place["uri"], place["digest"]), place["digest"]
    )
    assert segment.fields.num_documents == 2
    assert not list((tmp_path / "work").iterdir()), "what is done leaves nothing behind"
    assert count(backbone, root, tmp_path, "--text", str(text)) == 0
    assert last_line(capsys) == first
    before = ["--before", place["uri"], place["digest"]]
    assert count(backbone, root, tmp_path, "--text", str(text), *before) == EXIT_BAD_INPUT
    assert "none of the 4 texts is new" in capsys.readouterr().err
    more = write_text(tmp_path, ["the bank", "the market was bad"])
    assert count(backbone, root, tmp_path, "--text", str(more), *before) == 0
    assert last_line(capsys)["num_known"] == 1
    assert count(backbone, root, tmp_path, "--text", str(tmp_path / "absent.txt")) == EXIT_BAD_INPUT
