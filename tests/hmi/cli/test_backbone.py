"""``backbone prepare`` publishes once, recognises what it made, and never replaces another backbone."""

import json
from pathlib import Path
from typing import Any

import pytest

from hmi.artifacts.store import open_store
from hmi.cli.main import main
from hmi.model.backbone import UPPER_FILE, Backbone
from tests.tiny.backbone import make_tiny_checkpoint
from wire.ids import BundleUri

URI = BundleUri("backbones/tiny")


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HMI_STORE_URL", (tmp_path / "store").as_uri())
    return make_tiny_checkpoint(tmp_path / "checkpoint")


def prepare(checkpoint: Path, *more: str) -> list[str]:
    return ["backbone", "prepare", "--source", str(checkpoint), "--uri", URI, "--json", *more]


def last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    return answer


def test_it_publishes_a_backbone_that_opens(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(prepare(checkpoint)) == 0
    answer = last_line(capsys)
    assert answer.keys() == {"uri", "digest", "num_bytes"}
    store = open_store((tmp_path / "store").as_uri(), None)
    folder = store.localize(URI, answer["digest"])
    assert Backbone.open(folder, digest=answer["digest"]).fields.num_lower == 2
    assert answer["num_bytes"] == sum(f.stat().st_size for f in folder.iterdir() if f.name != "manifest.json")


def test_the_second_time_it_only_says_what_stands_there(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(prepare(checkpoint)) == 0
    first = last_line(capsys)
    manifest = tmp_path / "store" / URI / "manifest.json"
    written_ns = manifest.stat().st_mtime_ns
    assert main(prepare(checkpoint)) == 0
    output = capsys.readouterr().out
    assert "already prepared" in output
    assert json.loads(output.splitlines()[-1]) == first
    assert manifest.stat().st_mtime_ns == written_ns


def test_a_broken_bundle_is_made_again(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(prepare(checkpoint)) == 0
    first = last_line(capsys)
    (tmp_path / "store" / URI / UPPER_FILE).write_bytes(b"gone")
    assert main(prepare(checkpoint)) == 0
    assert last_line(capsys) == first
    assert Backbone.open(tmp_path / "store" / URI).digest == first["digest"]


def test_it_keeps_another_backbone_that_stands_there(
    checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(prepare(checkpoint)) == 0
    assert main(prepare(checkpoint, "--num-lower", "1")) == 2
    assert "choose another --uri" in capsys.readouterr().err


def test_what_stands_there_is_taken_whatever_text_comes_later_where_it_is_to_be_kept(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An installation whose `var` is lost is started on its store, without the demo's text."""
    text = tmp_path / "text.txt"
    text.write_text("the good film of the new star was a great win for the team and the market " * 5)
    assert main(prepare(checkpoint, "--text", str(text), "--keep")) == 0
    first = last_line(capsys)
    assert main(prepare(checkpoint)) == 2
    assert main(prepare(checkpoint, "--keep")) == 0
    assert last_line(capsys) == first
    assert main(prepare(checkpoint, "--keep", "--num-lower", "1")) == 2
    assert "choose another --uri" in capsys.readouterr().err
    (tmp_path / "store" / URI / UPPER_FILE).write_bytes(b"gone")
    assert main(prepare(checkpoint, "--keep")) != 0
    assert (tmp_path / "store" / URI).exists(), "a backup may have the file"


def test_it_says_that_there_is_no_text_and_uses_what_is_given(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(prepare(checkpoint)) == 0
    assert "residuals are zero" in capsys.readouterr().out
    text = tmp_path / "text.txt"
    text.write_text("the good film of the new star was a great win for the team and the market " * 5)
    arguments = [*prepare(checkpoint, "--text", str(text)), "--uri", "backbones/with-text"]
    assert main(arguments) == 0
    backbone = Backbone.open(tmp_path / "store" / "backbones" / "with-text")
    assert backbone.residuals.position.any()


@pytest.mark.parametrize("more", [("--text", "/absent.txt"), ("--num-lower", "9")])
def test_bad_input_is_one_line_and_leaves_nothing(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    assert main(prepare(checkpoint, *more)) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (tmp_path / "store" / URI).exists()


def test_it_needs_a_store(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HMI_STORE_URL")
    assert main(prepare(checkpoint)) == 2
    assert "HMI_STORE_URL is not set" in capsys.readouterr().err
