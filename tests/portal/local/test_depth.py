"""How many layers are looked up is settled when an installation is made."""

import json
from pathlib import Path

import pytest

from portal.local.depth import DEFAULT_NUM_LOWER, backbone_uri, num_lower
from portal.local.errors import InstallationError


@pytest.fixture
def described(tmp_path: Path) -> Path:
    return tmp_path / "backbone.json"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def stand(store: Path, depth: int) -> None:
    """A backbone in the store, as what prepares it leaves it, with the record of its inputs beside it."""
    folder = store / backbone_uri(depth)
    folder.mkdir(parents=True)
    folder.with_name(f"{folder.name}.inputs.json").touch()


def test_a_new_installation_takes_the_default_or_what_is_named(described: Path, store: Path) -> None:
    assert num_lower("", described=described, store=store) == DEFAULT_NUM_LOWER
    assert num_lower("3", described=described, store=store) == 3


def test_an_installation_keeps_the_depth_it_was_made_with(described: Path, store: Path) -> None:
    described.write_text(json.dumps({"uri": backbone_uri(2), "digest": "sha256:0"}))
    stand(store, 1)  # of a start whose cache had been deleted, when that was forgotten with it
    assert num_lower("", described=described, store=store) == 2
    assert num_lower("2", described=described, store=store) == 2
    for other in ("1", "3"):
        with pytest.raises(InstallationError, match=f"is {other}, and this installation looks 2 of 6 layers"):
            num_lower(other, described=described, store=store)


def test_an_installation_whose_cache_was_deleted_keeps_the_depth_of_its_store(
    described: Path, store: Path
) -> None:
    """It took the default, and another backbone, to which nothing is bound."""
    stand(store, 3)
    assert num_lower("", described=described, store=store) == 3
    assert num_lower("3", described=described, store=store) == 3
    with pytest.raises(InstallationError, match="is 1, and this installation looks 3 of 6 layers up"):
        num_lower("1", described=described, store=store)


def test_of_two_backbones_in_the_store_one_is_to_be_named(described: Path, store: Path) -> None:
    stand(store, 1)
    stand(store, 3)
    with pytest.raises(InstallationError, match=r"look 1 and 3 of 6 layers up .* name with --num-lower"):
        num_lower("", described=described, store=store)
    assert num_lower("3", described=described, store=store) == 3


@pytest.mark.parametrize("named", ["0", "6", "three", "-1", "1.5", "01"])
def test_a_depth_that_the_backbone_cannot_have_is_refused(described: Path, store: Path, named: str) -> None:
    with pytest.raises(InstallationError, match="give a number from 1 to 5"):
        num_lower(named, described=described, store=store)
