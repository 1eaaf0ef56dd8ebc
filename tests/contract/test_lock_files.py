"""The lock files: names, versions, hashes and nothing else; parts that agree with the whole."""

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "requirements"
LOCKS = sorted(FOLDER.glob("*.lock"))
ENTRY = re.compile(
    r"[a-z0-9][a-z0-9.-]*==\S+(?: ; [^\\\n]+)? \\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def split() -> ModuleType:
    spec = importlib.util.spec_from_file_location("split", FOLDER / "split.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_all_the_locks_are_there() -> None:
    names = {"all.lock", "demo.lock", "inference.lock", "models.lock", "peers.lock", "portal.lock"}
    assert {file.name for file in LOCKS} == names


@pytest.mark.parametrize("file", LOCKS, ids=lambda file: file.name)
def test_a_lock_holds_names_versions_and_hashes_only(file: Path) -> None:
    assert ENTRY.sub("", file.read_text(encoding="utf-8")) == ""


@pytest.mark.parametrize("file", sorted(FOLDER.iterdir()), ids=lambda file: file.name)
def test_no_file_of_them_says_where_packages_come_from(file: Path) -> None:
    if file.suffix in (".lock", ".txt"):
        assert not re.search(r"://|--index|--extra-index|--find-links|@ ", file.read_text(encoding="utf-8"))


def test_the_parts_for_the_images_agree_with_the_whole(split: ModuleType) -> None:
    entries = split.read_lock((FOLDER / "all.lock").read_text(encoding="utf-8"))
    for name, extras in split.PARTS.items():
        made = split.part_of_lock(entries, extras)
        assert made == (FOLDER / name).read_text(encoding="utf-8"), f"{name}: run requirements/split.py"


def test_what_the_project_asks_for_is_locked(split: ModuleType) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [
        *project["dependencies"],
        *(line for part in project["optional-dependencies"].values() for line in part),
    ]
    names = {split.canonical(re.split(r"[\[<>=!~ ;]", line, maxsplit=1)[0]) for line in asked}
    locked = set(split.read_lock((FOLDER / "all.lock").read_text(encoding="utf-8")))
    assert names - locked == {"torch"}


def test_an_exact_version_is_the_locked_one(split: ModuleType) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    entries = split.read_lock((FOLDER / "all.lock").read_text(encoding="utf-8"))
    exact = [line for part in project["optional-dependencies"].values() for line in part if "==" in line]
    assert exact
    for line in exact:
        name = split.canonical(line.partition("==")[0])
        text = (FOLDER / "torch.txt").read_text(encoding="utf-8") if name == "torch" else entries[name]
        assert line in text
