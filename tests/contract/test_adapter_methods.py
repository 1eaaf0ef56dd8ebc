"""The methods of adapters: planes, client and dashboard say the same; code of one is in one place."""

import ast
import json
import re
from pathlib import Path

from hmi.build import adapter_archive
from hmi.model.adapters import methods
from hmi_client import adapter_files
from tests.conftest import ROOT
from wire.imports import MAX_ARCHIVE_BYTES
from wire.training import METHODS, Recipe

SOURCES = ROOT / "frontend" / "src"
INFERENCE = ROOT / "inference"
FOLDERS = INFERENCE / "hmi" / "model" / "adapters"
FILES = {name: facts.archive_files for name, facts in METHODS.items()}


def test_each_has_a_folder_and_a_line() -> None:
    folders = {path.parent.name for path in FOLDERS.glob("*/method.py")}
    assert folders == set(methods.METHODS) == set(METHODS)


def test_nobody_else_in_the_data_plane_asks_which_one_an_adapter_is_of() -> None:
    """No name of a method and nothing of its folder occurs but there, and in the line that enters it."""
    found = {
        (str(path.relative_to(INFERENCE)), what)
        for path in INFERENCE.rglob("*.py")
        for what in _named(path)
        if not any(FOLDERS / name in path.parents for name in METHODS)
    }
    entered = {("hmi/model/adapters/methods.py", f"hmi.model.adapters.{name}.method") for name in METHODS}
    wire = {("wire/training.py", name) for name in (*METHODS, Recipe().method)}
    assert found == entered | wire


def _named(path: Path) -> set[str]:
    """Methods by name, and modules of their folders."""
    texts, modules = set(), set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and node.value in METHODS:
            texts.add(str(node.value))
        elif isinstance(node, ast.ImportFrom):
            modules.add(str(node.module))
        elif isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
    inside = re.compile(rf"hmi\.model\.adapters\.({'|'.join(METHODS)})\b")
    return texts | {module for module in modules if inside.match(module)}


def test_the_client_packs_what_the_platform_reads() -> None:
    assert adapter_files.NEEDED == FILES == adapter_archive.REQUIRED
    assert set(adapter_files.KNOWN) == adapter_archive.KNOWN
    assert adapter_files.MAX_BYTES == MAX_ARCHIVE_BYTES


def test_the_dashboard_says_of_each_what_the_platform_does() -> None:
    page = (SOURCES / "lib" / "adapter-methods.ts").read_text()
    table = page.partition("= {\n")[2].partition("\n};")[0]
    said = json.loads("{" + re.sub(r",(\s*})", r"\1", re.sub(r"(\w+): ", r'"\1": ', table)).rstrip(",") + "}")
    assert list(said) == list(METHODS)
    for name, facts in METHODS.items():
        assert said[name] == {
            "label": facts.label,
            "rankLabel": facts.rank_label,
            "hasAlpha": facts.has_alpha,
            "library": facts.library,
            "archiveFiles": list(facts.archive_files),
        }
    assert re.findall(r'usualMethod: \w+ = "(\w+)"', page) == [Recipe().method]


def test_the_dashboard_has_words_for_every_file_that_is_read() -> None:
    page = (SOURCES / "features" / "imports" / "adapter-files.ts").read_text()
    assert set(re.findall(r'name: "([^"]+)"', page)) == adapter_archive.KNOWN


def test_the_documentation_tells_of_each() -> None:
    text = (ROOT / "docs" / "api.md").read_text()
    for name, files in FILES.items():
        assert f"`{name}`" in text
        assert all(f"`{file}`" in text for file in files)
