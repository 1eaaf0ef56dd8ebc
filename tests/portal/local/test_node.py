import os
from pathlib import Path

import pytest

from portal.local.errors import InstallationError
from portal.local.node import Node, find_node


def _install(folder: Path, version: str) -> str:
    folder.mkdir()
    for name in ("node", "npm"):
        program = folder / name
        program.write_text(f"#!/bin/sh\necho {version}\n")
        program.chmod(0o755)
    return str(folder)


def test_the_machines_is_taken_when_it_is_new_enough(tmp_path: Path) -> None:
    path = _install(tmp_path / "new", "v22.22.0")
    found = find_node(path=path, packaged=tmp_path / "none" / "npm")
    assert found == Node(tmp_path / "new" / "npm", "v22.22.0")


@pytest.mark.parametrize("old", ["v20.20.2", "v22.21.9", "nonsense"])
def test_an_older_one_gives_way_to_the_packages(tmp_path: Path, old: str) -> None:
    path = _install(tmp_path / "old", old)
    _install(tmp_path / "wheel", "v24.19.0")
    assert find_node(path=path, packaged=tmp_path / "wheel" / "npm").version == "v24.19.0"


def test_without_one_it_says_what_is_needed_and_what_was_found(tmp_path: Path) -> None:
    path = _install(tmp_path / "old", "v18.0.0")
    with pytest.raises(InstallationError, match=r"needs Node.js 22\.22 or newer .*old has v18\.0\.0"):
        find_node(path=path, packaged=tmp_path / "none" / "npm")


def test_npms_scripts_run_the_same_node(tmp_path: Path) -> None:
    environment = Node(tmp_path / "npm", "v24.19.0").environment({"PATH": "/bin", "HOME": "/root"})
    assert environment == {"PATH": f"{tmp_path}{os.pathsep}/bin", "HOME": "/root"}
