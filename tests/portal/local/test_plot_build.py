"""./hmi plot build says what to do where it cannot work, and changes nothing."""

import json
from pathlib import Path

import pytest

from portal.local.folders import Folders
from portal.local.general_text import given_texts, note_given_texts
from portal.local.main import main


@pytest.fixture
def text(tmp_path: Path) -> Path:
    text = tmp_path / "text.txt"
    text.write_text("Some text.\n")
    return text


@pytest.fixture
def stopped(tmp_path: Path) -> Folders:
    """An installation that was made, and does not run."""
    folders = Folders(tmp_path / "var")
    folders.make()
    (folders.cache / "backbone.json").write_text(json.dumps({"uri": "backbones/x", "digest": "sha256:x"}))
    return folders


def _build(var: Path, *words: str) -> int:
    return main(["plot", "build", "--var", str(var), *words])


def test_help_tells_what_becomes_of_the_text(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["plot", "build", "--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert "--text PATH" in told and "goes on where it was" in told and "next ./hmi up registers it" in told


def test_where_nothing_was_installed_it_names_the_command_that_does(
    tmp_path: Path, text: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _build(tmp_path / "var", "--text", str(text)) == 1
    assert "make it with ./hmi up" in capsys.readouterr().out
    assert not (tmp_path / "var").exists()


def test_text_that_is_absent_and_a_folder_without_any_are_named(
    stopped: Folders, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _build(stopped.var, "--text", str(tmp_path / "absent.txt")) == 1
    assert "absent.txt does not exist" in capsys.readouterr().out
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "one.png").touch()
    assert _build(stopped.var, "--text", str(tmp_path / "pictures")) == 1
    assert "there is no text in" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        _build(stopped.var)


def test_a_shared_domain_needs_a_running_installation(
    stopped: Folders, text: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _build(stopped.var, "--domain", "press", "--text", str(text)) == 1
    assert "start it with ./hmi up" in capsys.readouterr().out


def test_text_given_before_that_is_gone_is_named_and_not_left_out(
    stopped: Folders, tmp_path: Path, text: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    note_given_texts(stopped, [tmp_path / "gone.txt"])
    assert _build(stopped.var, "--text", str(text)) == 1
    told = capsys.readouterr().out
    assert "gone.txt, which is gone" in told and "--only" in told
    assert given_texts(stopped) == [tmp_path / "gone.txt"]


def test_what_the_data_plane_refuses_leaves_everything_as_it_was(
    stopped: Folders, text: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert _build(stopped.var, "--text", str(text)) == 1  # there is no such backbone in the store
    told = capfd.readouterr()
    assert "backbones/x" in told.err
    assert "the same command goes on where it was" in told.out
    assert given_texts(stopped) == []
