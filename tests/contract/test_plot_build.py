"""./hmi plot build and the data plane: a stopped installation learns from text, and finds it again."""

import json
from pathlib import Path
from typing import Any

import pytest

from hmi.artifacts.store import FolderStore
from hmi.plot.tree import PlotTree, open_tree
from portal.local.folders import Folders
from portal.local.general_text import general_tree_file, given_texts
from portal.local.main import main
from tests.tiny.backbone import make_tiny_backbone
from wire.ids import BundleUri, Digest


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    folders = Folders(tmp_path / "var")
    folders.make()
    backbone = make_tiny_backbone(tmp_path / "tiny")
    FolderStore(folders.store).publish(tmp_path / "tiny" / "backbone", BundleUri("backbones/tiny"))
    described = {"uri": "backbones/tiny", "digest": backbone.digest}
    (folders.cache / "backbone.json").write_text(json.dumps(described))
    return folders


def _text(folder: Path, name: str, texts: list[str]) -> Path:
    file = folder / name
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return file


def _built(folders: Folders) -> dict[str, Any]:
    described: dict[str, Any] = json.loads(general_tree_file(folders).read_text())
    return described


def _open(folders: Folders, built: dict[str, Any]) -> PlotTree:
    backbone = json.loads((folders.cache / "backbone.json").read_text())["digest"]
    uri, digest = BundleUri(built["uri"]), Digest(built["digest"])
    return open_tree(FolderStore(folders.store), uri, digest, backbone=backbone)


def test_a_stopped_installation_has_a_tree_that_its_next_start_registers(
    folders: Folders, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    files = tmp_path / "texts"
    files.mkdir()
    _text(files, "one.jsonl", ["the film is good"] * 2 + [f"the film is bad {i}" for i in range(60)])
    command = ["plot", "build", "--var", str(folders.var), "--text", str(files), "--max-memory-mb", "64"]
    assert main(command) == 0
    told = capfd.readouterr().out
    assert "general: 62 texts" in told and "the next ./hmi up registers it" in told
    built = _built(folders)
    assert _open(folders, built).tables[0].fields.num_rows == built["num_rows"]
    assert main([*command, "--json"]) == 0
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert all("eta_s" in line for line in lines[:-1])
    expected = {"event": "plot_built", "domain": "general", "is_registered": False}
    assert lines[-1] == {**expected, **built}, "the same tree, found again"


def test_text_given_before_stays_unless_it_is_told_to_go(folders: Folders, tmp_path: Path) -> None:
    first, second = _text(tmp_path, "a.jsonl", ["the film"]), _text(tmp_path, "b.jsonl", ["the team wins"])
    command = ["plot", "build", "--var", str(folders.var), "--text"]
    assert main([*command, str(first)]) == 0
    assert main([*command, str(second)]) == 0
    assert (_built(folders)["num_texts"], given_texts(folders)) == (2, [first, second])
    assert main([*command, str(second), "--only", "--max-node-mb", "1"]) == 0
    assert (_built(folders)["num_texts"], given_texts(folders)) == (1, [second])


def test_broken_text_is_named_with_its_line(
    folders: Folders, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"text": "fine"}\n{"words": "?"}\n')
    assert main(["plot", "build", "--var", str(folders.var), "--text", str(broken)]) == 1
    told = capfd.readouterr()
    assert f"{broken}, line 2" in told.err and "what is wrong stands above" in told.out
    assert not general_tree_file(folders).exists()
