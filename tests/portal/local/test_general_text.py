import os
from pathlib import Path

import pytest

from portal.local.errors import InstallationError
from portal.local.general_text import general_texts, texts_digest


def test_without_demo_and_setting_there_is_no_text(tmp_path: Path) -> None:
    assert general_texts({}, tmp_path / "general.jsonl") == []


def test_the_demo_and_everything_that_is_named_count(tmp_path: Path) -> None:
    demo, file, folder = tmp_path / "general.jsonl", tmp_path / "more.txt", tmp_path / "texts"
    demo.touch()
    file.touch()
    folder.mkdir()
    named = {"HMI_GENERAL_TEXT": os.pathsep.join([str(file), str(folder)])}
    assert general_texts(named, demo) == [demo, file, folder]


def test_what_does_not_exist_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InstallationError, match=r"HMI_GENERAL_TEXT names .*absent, which does not exist"):
        general_texts({"HMI_GENERAL_TEXT": str(tmp_path / "absent")}, tmp_path / "general.jsonl")


def test_the_digest_changes_with_a_file_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    before = texts_digest([tmp_path])
    assert texts_digest([tmp_path]) == before
    (tmp_path / "a.txt").write_text("another")
    changed = texts_digest([tmp_path])
    (tmp_path / "b.txt").write_text("two")
    assert len({before, changed, texts_digest([tmp_path])}) == 3
