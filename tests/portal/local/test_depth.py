"""How many layers are looked up is settled when an installation is made."""

import json
from pathlib import Path

import pytest

from portal.local.depth import DEFAULT_NUM_LOWER, backbone_uri, num_lower
from portal.local.errors import InstallationError


@pytest.fixture
def standing(tmp_path: Path) -> Path:
    described = tmp_path / "backbone.json"
    described.write_text(json.dumps({"uri": backbone_uri(2), "digest": "sha256:0"}))
    return described


def test_a_new_installation_takes_the_default_or_what_is_named(tmp_path: Path) -> None:
    absent = tmp_path / "backbone.json"
    assert num_lower("", absent) == DEFAULT_NUM_LOWER
    assert num_lower("1", absent) == 1


def test_an_installation_keeps_the_depth_it_was_made_with(standing: Path) -> None:
    assert num_lower("", standing) == 2
    assert num_lower("2", standing) == 2
    with pytest.raises(InstallationError, match="is 3, and this installation looks 2 of 6 layers up"):
        num_lower("3", standing)


@pytest.mark.parametrize("named", ["0", "6", "three", "-1", "1.5", "01"])
def test_a_depth_that_the_backbone_cannot_have_is_refused(tmp_path: Path, named: str) -> None:
    with pytest.raises(InstallationError, match="give a number from 1 to 5"):
        num_lower(named, tmp_path / "backbone.json")
